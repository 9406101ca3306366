"""Working time, whole seconds since 1970 in the company's local time: Monday to Friday, 09:00 to 17:00.

Written for the simulation alone, so that what is planted in working hours does not share a formula with
what the toolkit measures in them.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NEVER = np.iinfo(np.int64).min
"""What numpy reads as "not a time"."""

DAY = 86_400
HOUR = 3_600
OPEN = 9 * HOUR
WORKDAY = 8 * HOUR
WORKWEEK = 5 * WORKDAY
FIRST_MONDAY = 4 * DAY


def second(day: date) -> int:
    """The first second of a day.

    >>> second(date(1970, 1, 2))
    86400
    """
    return (day - date(1970, 1, 1)).days * DAY


def worked(at: Ints) -> Ints:
    """Working seconds from the first Monday of 1970 to each moment.

    >>> friday = np.array([second(date(2026, 9, 4)) + 16 * HOUR])
    >>> int(worked(friday + 3 * DAY)[0] - worked(friday)[0]) // HOUR   # to Monday, 16:00
    8
    """
    days = (at - FIRST_MONDAY) // DAY
    clock = at - FIRST_MONDAY - days * DAY
    week = days // 7
    weekday = days - 7 * week
    today = np.where(weekday < 5, np.clip(clock - OPEN, 0, WORKDAY), 0)
    return np.asarray(week * WORKWEEK + np.minimum(weekday, 5) * WORKDAY + today, dtype=np.int64)


def moment(work: Ints) -> Ints:
    """The moment at which so many working seconds are over (the opposite of `worked`)."""
    week = work // WORKWEEK
    rest = work - week * WORKWEEK
    day = rest // WORKDAY
    return np.asarray(FIRST_MONDAY + (7 * week + day) * DAY + OPEN + rest - day * WORKDAY, dtype=np.int64)


def later(at: Ints, hours: Floats) -> Ints:
    """The moment that lies so many working hours after another."""
    return moment(worked(at) + np.rint(hours * HOUR).astype(np.int64))


def somewhere(a: Ints, b: Ints, share: Floats) -> Ints:
    """The moment at which this share of the working time between two moments is over."""
    begin = worked(a)
    return moment(begin + np.floor(share * (worked(b) - begin)).astype(np.int64))


def by_day(at: Ints) -> Ints:
    """Each moment's hour drawn into 06:00 to 22:59: nobody is at work at night, and a clock change cannot hit."""
    clock = at % DAY
    return np.asarray(at - clock + 6 * HOUR + clock * 17 // 24, dtype=np.int64)
