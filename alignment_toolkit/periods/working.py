"""Time zones and working hours."""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from alignment_toolkit.errors import ParameterError, did_you_mean

__all__ = ["WorkingCalendar", "local_date", "time_zone"]


def time_zone(name: str) -> zoneinfo.ZoneInfo:
    """Give the time zone of an IANA name; the machine's own (``localtime``) is none.

    Examples
    --------
    >>> time_zone("Europe/Berln")
    Traceback (most recent call last):
    alignment_toolkit.errors.ParameterError: There is no time zone 'Europe/Berln'. Did you mean 'Europe/Berlin'?
    """
    try:
        if name not in ("localtime", "posixrules", "Factory"):
            return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        pass
    names = sorted(zoneinfo.available_timezones())
    near = did_you_mean(name, names)
    hint = near if near.startswith("Did") else "Write it as in Europe/Berlin, America/New_York or UTC."
    raise ParameterError(f"There is no time zone '{name}'. {hint}")


def local_date(moment: datetime, timezone: str) -> date:
    """Give the day of a moment in the company's time zone; a moment without offset is already in it.

    Examples
    --------
    >>> local_date(datetime.fromisoformat("2026-03-31T23:30:00+00:00"), "Europe/Berlin")
    datetime.date(2026, 4, 1)
    """
    return (moment if moment.tzinfo is None else moment.astimezone(time_zone(timezone))).date()


@dataclass(frozen=True)
class WorkingCalendar:
    """The hours in which a company works, in its own time zone.

    Attributes
    ----------
    days
        Working days, Monday is 0.
    opens, closes
        Opening hours, half open, on one day (they never cross midnight).
    holidays
        Days without work.
    """

    days: tuple[int, ...] = (0, 1, 2, 3, 4)
    opens: time = time(9)
    closes: time = time(17)
    holidays: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        if self.closes <= self.opens:
            raise ParameterError(
                f"Working hours end ({self.closes:%H:%M}) before they begin ({self.opens:%H:%M}); "
                "both must lie on one day, 23:59 is the latest."
            )

    @property
    def hours_per_day(self) -> float:
        """Hours of one working day."""
        return (datetime.combine(date.min, self.closes) - datetime.combine(date.min, self.opens)) / timedelta(
            hours=1
        )

    def is_working_day(self, day: date) -> bool:
        """Tell whether there is work on a day."""
        return day.weekday() in self.days and day not in self.holidays

    def hours_between(self, a: datetime, b: datetime) -> float:
        """Count the working hours between two moments of the company's time zone; 0 where `b` is not after `a`.

        Examples
        --------
        >>> friday, monday = datetime(2026, 7, 3, 16, 0), datetime(2026, 7, 6, 10, 30)
        >>> WorkingCalendar().hours_between(friday, monday)
        2.5
        """
        worked = timedelta()
        day = a.date()
        while day <= b.date():
            if self.is_working_day(day):
                begin = max(a, datetime.combine(day, self.opens))
                finish = min(b, datetime.combine(day, self.closes))
                worked += max(finish - begin, timedelta())
            day += timedelta(days=1)
        return worked / timedelta(hours=1)
