"""What indicators do with what would be judged by days in which a table that tells of silence was not kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from alignment_toolkit.kpi.lapses import ANY, Lapse, counted, lapses_of, next_lapse, spans
from alignment_toolkit.languages import say
from alignment_toolkit.results import Guard
from alignment_toolkit.statistics.recording import would_stand_out
from alignment_toolkit.statistics.working_time import is_working_day
from alignment_toolkit.tables import TABLES

if TYPE_CHECKING:
    from alignment_toolkit.indicator.seen import Source

__all__ = [
    "ANY",
    "Lapse",
    "NotRecorded",
    "counted",
    "days_of",
    "lapses_of",
    "next_lapse",
    "not_known",
    "rows_between",
    "too_few",
    "unrecorded",
]  # fmt: skip


class NotRecorded(Exception):
    """What was recorded does not reach for an answer; says why."""


def rows_between(company: Source, table: str, which: Mapping[str, Any], start: date, end: date) -> int | None:
    """Count the rows that count from `start` to before `end`; None where nothing dates them."""
    column = TABLES[table].date
    if column is None or table in company.undated or not company.has(table, column):
        return None
    t = counted(company[table], which)
    t = t.filter(t[column] >= str(start), t[column] < str(end))
    return int(company.fetch(t.aggregate(n=t.count())).n[0])


def too_few(
    company: Source, table: str, which: Mapping[str, Any], start: date, end: date,
    *, least: float, cases: tuple[int, str],
) -> str | None:  # fmt: skip
    """Say that fewer rows than `least` came, each of another case, and so rarely that no month would be missed."""
    known = company.as_of_of((table,))
    end = end if known is None else min(end, known + timedelta(days=1))
    rows = rows_between(company, table, which, start, end)
    days = int(is_working_day(company.calendar, pd.date_range(start, end, inclusive="left")).sum())
    if rows is None or rows >= least or would_stand_out(rows, days):
        return None
    return say(
        "Only {rows:,} rows of {table} that count here are dated from {start} to {last}, of anybody: one for each "
        "would not do for {n:,} {what}, and if a month had been left out nobody could tell. So little on record is "
        "no sign that nothing was done.",
        rows=rows,
        table=table,
        start=start,
        last=end - timedelta(days=1),
        n=cases[0],
        what=say(cases[1]),
    )


def days_of(found: Sequence[Lapse], start: date, end: date) -> int:
    """Count the days of lapses from `start` to before `end`.

    Examples
    --------
    >>> days_of([Lapse("touches", date(2026, 8, 3), date(2026, 8, 23), 15, 600.0)], date(2026, 8, 20), date(2026, 9, 1))
    4
    """
    parts = ((min(r.last + timedelta(days=1), end) - max(r.first, start)).days for r in found)
    return sum(max(part, 0) for part in parts)


def not_known(found: Sequence[Lapse], what: str) -> NotRecorded:
    """Give the reason why nothing can be said; `what` says in a sentence what is not known."""
    return NotRecorded(say("{said} {what} {else_}", said=_said(found), what=what, else_=_otherwise()))


def unrecorded(found: Sequence[Lapse], what: str) -> list[Guard]:
    """Give the guard `unrecorded` where there were lapses; `what` says in a sentence what was done about them.

    Examples
    --------
    >>> gone = Lapse("touches", date(2026, 8, 3), date(2026, 8, 23), 15, 600.0)
    >>> print(unrecorded([gone], "Leads handed over then are left out.")[0].message)
    No row of touches that counts here is dated from 2026-08-03 to 2026-08-23 (15 working days; about 600 rows would
    be usual), of anybody. Leads handed over then are left out. If nobody worked then, name these days as
    `[calendar] holidays`.
    >>> unrecorded([], "Leads handed over then are left out.")
    []
    """
    if not found:
        return []
    return [
        Guard(
            "unrecorded",
            say("{said} {what} {else_}", said=_said(found), what=what, else_=_otherwise()),
        )
    ]


def _otherwise() -> str:
    return say("If nobody worked then, name these days as `[calendar] holidays`.")


def _said(found: Sequence[Lapse]) -> str:
    return say(
        "No row of {table} that counts here is dated {spans}, of anybody.",
        table=found[0].table,
        spans=spans(found),
    )
