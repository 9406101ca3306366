"""Working hours between two moments, for whole columns."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, time
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Calendar", "is_working_day", "working_days_to_go", "working_hours"]

_DAY_US = 86_400_000_000


class Calendar(Protocol):
    """What a working calendar must know (`periods.WorkingCalendar` does): working days (Monday is 0) and hours."""

    @property
    def days(self) -> tuple[int, ...]:
        """Working days of the week."""

    @property
    def opens(self) -> time:
        """Start of the working day."""

    @property
    def closes(self) -> time:
        """End of the working day."""

    @property
    def holidays(self) -> Iterable[date]:
        """Days without work."""


def _of_day(t: time) -> int:
    return ((t.hour * 60 + t.minute) * 60 + t.second) * 1_000_000 + t.microsecond


def working_hours(calendar: Calendar, start: Any, end: Any) -> NDArray[np.float64]:
    """Give the working hours from `start` to `end`, row by row.

    Estimand: the hours of the half-open stretch that lie inside working days and working hours. Equals
    ``WorkingCalendar.hours_between``; 0 where the end does not come after the start; NaN where either is
    missing (a column of results, never a published number).

    Parameters
    ----------
    calendar
        Working days, hours and holidays.
    start, end
        Arrays of naive timestamps in the company's zone.

    Examples
    --------
    >>> from datetime import time
    >>> from types import SimpleNamespace
    >>> week = SimpleNamespace(days=(0, 1, 2, 3, 4), opens=time(9), closes=time(17), holidays=frozenset())
    >>> working_hours(week, ["2026-01-02T16:00"], ["2026-01-05T10:30"]).tolist()
    [2.5]
    """
    a, b = np.broadcast_arrays(_moments(start), _moments(end))
    missing = np.isnat(a) | np.isnat(b)
    hours = np.full(a.shape, np.nan)
    if missing.all():
        return hours
    a, b = a[~missing], b[~missing]
    b = np.maximum(a, b)
    week = _week(calendar)
    if week is None:
        hours[~missing] = 0.0
        return hours
    origin = a.min().astype("datetime64[D]")
    opens, closes = _of_day(calendar.opens), _of_day(calendar.closes)
    length = max(closes - opens, 0)

    def clock(moment: NDArray[np.datetime64]) -> NDArray[np.int64]:
        day = moment.astype("datetime64[D]")
        inside = np.clip((moment - day).astype(np.int64) - opens, 0, length)
        whole = np.busday_count(origin, day, busdaycal=week)
        return whole * length + np.where(np.is_busday(day, busdaycal=week), inside, 0)

    hours[~missing] = (clock(b) - clock(a)) / (_DAY_US / 24)
    return hours


def is_working_day(calendar: Calendar, days: Any) -> NDArray[np.bool_]:
    """Say which days are worked on.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> week = SimpleNamespace(days=(0, 1, 2, 3, 4), opens=None, closes=None, holidays=frozenset())
    >>> is_working_day(week, ["2026-01-02", "2026-01-03"]).tolist()
    [True, False]
    """
    on, week = _moments(days).astype("datetime64[D]"), _week(calendar)
    return np.zeros(on.shape, dtype=bool) if week is None else np.is_busday(on, busdaycal=week)


def working_days_to_go(calendar: Calendar, days: Any, ends: Any) -> NDArray[np.int64]:
    """Give the working days after each day up to the next of `ends`, that one included.

    0 on the last working day before an end and on the days off behind it. Every day must have an end after it.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> week = SimpleNamespace(days=(0, 1, 2, 3, 4), opens=None, closes=None, holidays=frozenset())
    >>> working_days_to_go(week, ["2026-01-29", "2026-01-30", "2026-01-31"], ["2026-01-31"]).tolist()
    [1, 0, 0]
    """
    on, week = _moments(days).astype("datetime64[D]"), _week(calendar)
    last = np.sort(_moments(ends).astype("datetime64[D]"))
    if week is None or not on.size:
        return np.zeros(on.shape, dtype=np.int64)
    return np.asarray(np.busday_count(on + 1, last[np.searchsorted(last, on)] + 1, busdaycal=week))


def _week(calendar: Calendar) -> np.busdaycalendar | None:
    days = sorted(set(calendar.days))
    if not days:
        return None
    return np.busdaycalendar(
        weekmask=[day in days for day in range(7)],
        holidays=np.array(sorted(calendar.holidays), dtype="datetime64[D]"),
    )


def _moments(values: Any) -> NDArray[np.datetime64]:
    return np.atleast_1d(np.asarray(values, dtype="datetime64[us]"))
