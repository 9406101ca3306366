"""Working hours between two moments, for whole columns."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, time
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Calendar", "working_hours"]

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
    days = sorted(set(calendar.days))
    if not days:
        hours[~missing] = 0.0
        return hours
    week = np.busdaycalendar(
        weekmask=[day in days for day in range(7)],
        holidays=np.array(sorted(calendar.holidays), dtype="datetime64[D]"),
    )
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


def _moments(values: Any) -> NDArray[np.datetime64]:
    return np.atleast_1d(np.asarray(values, dtype="datetime64[us]"))
