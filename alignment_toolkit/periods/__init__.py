"""Periods, grains, fiscal calendars, time zones and working hours; the standard library only.

A period is a set of whole days in the company's time zone. Outside it is written with both ends included
(``2026-07-01..2026-09-30``), inside it is half open: `Period.end` is the first day after it.
"""

from alignment_toolkit.periods.period import (
    FORMS,
    GRAINS,
    Grain,
    Kind,
    Period,
    YearNames,
    grain_of,
)
from alignment_toolkit.periods.words import RELATIVE, compare_periods, last_complete, resolve
from alignment_toolkit.periods.working import WorkingCalendar, local_date, time_zone

__all__ = [
    "FORMS",
    "GRAINS",
    "RELATIVE",
    "Grain",
    "Kind",
    "Period",
    "WorkingCalendar",
    "YearNames",
    "compare_periods",
    "grain_of",
    "last_complete",
    "local_date",
    "resolve",
    "time_zone",
]
