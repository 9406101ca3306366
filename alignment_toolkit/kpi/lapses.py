"""Days in which a table that tells of silence was not kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.relations import day
from alignment_toolkit.statistics.recording import REACH, lapses
from alignment_toolkit.statistics.working_time import is_working_day
from alignment_toolkit.tables import TABLES

if TYPE_CHECKING:
    from ibis.expr.types import Table

__all__ = ["ANY", "Lapse", "counted", "lapses_of", "missed", "next_lapse", "spans"]

ANY: Final = "*"


@dataclass(frozen=True)
class Lapse:
    """Days in which no row that counts was written, of anybody, and that is not chance.

    Attributes
    ----------
    table
        The table.
    first, last
        Its first and last day.
    days
        The working days in it.
    usual
        The rows that as many such days have before and after.
    """

    table: str
    first: date
    last: date
    days: int
    usual: float

    @property
    def words(self) -> str:
        """Say from when to when, and what would be usual."""
        return say(
            "from {first} to {last} ({days} working days; about {usual:,.0f} rows would be usual)",
            first=self.first,
            last=self.last,
            days=self.days,
            usual=self.usual,
        )


def counted(t: Table, which: Mapping[str, Any]) -> Table:
    """Keep the rows that a question counts: by column one value, several, or `ANY` that is not empty.

    False keeps what is empty, too; a column that is not there keeps all.
    """
    for column, value in which.items():
        if column not in t.columns:
            continue
        if value == ANY:
            t = t.filter(t[column].notnull())
        elif value is False:
            t = t.filter(~t[column].fill_null(False))
        else:
            t = t.filter(t[column].isin([value] if isinstance(value, str) else list(value)))
    return t


def lapses_of(
    company: Any, table: str, which: Mapping[str, Any], start: date, end: date
) -> tuple[Lapse, ...]:
    """Give the lapses of a table that reach into the days from `start` to before `end`, in the whole company.

    From `start` on rows are awaited, even where the table has none before; after its last complete day none are.
    """
    column = TABLES[table].date
    if column is None or table in company.undated or not company.has(table, column):
        return ()
    known = company.as_of_of((table,))
    until = end + timedelta(days=REACH)
    until = until if known is None else min(until, known + timedelta(days=1))
    from_ = start - timedelta(days=REACH)
    t = counted(company[table], which)
    t = t.filter(t[column] < str(until))
    before = t.filter(t[column] < str(from_))
    t = t.filter(t[column] >= str(from_)).mutate(on=day(t[column]))
    rows = company.fetch(t.group_by("on").aggregate(n=t.count()))
    if rows.empty or until <= from_:
        return ()
    on = pd.to_datetime(rows.on)
    if not int(company.fetch(before.aggregate(n=before.count())).n[0]):
        from_ = min(start, on.min().date())
    days = pd.date_range(from_, until - timedelta(days=1), freq="D")
    by_day = rows.n.groupby(on).sum().reindex(days, fill_value=0)
    found = lapses(by_day.to_numpy(), is_working_day(company.calendar, days), days.day_of_week.to_numpy())
    made = [Lapse(table, days[r.first].date(), days[r.last].date(), r.days, r.usual) for r in found]
    return tuple(r for r in made if r.last >= start and r.first < end)


def next_lapse(at: pd.Series, found: Sequence[Lapse]) -> pd.Series:
    """Give for each moment the beginning of the lapse that it lies in, else of the next; NaT where none comes."""
    given = pd.Series(pd.NaT, index=at.index, dtype="datetime64[us]")
    for r in sorted(found, key=lambda r: r.first, reverse=True):
        given = given.mask(at < pd.Timestamp(r.last + timedelta(days=1)), pd.Timestamp(r.first))
    return given


def missed(found: Sequence[Lapse], period: Period) -> str:
    """Say which days of a stretch of time are missing from a sum; empty where none is.

    Examples
    --------
    >>> gone = [Lapse("touches", date(2026, 8, 3), date(2026, 8, 23), 15, 600.0)]
    >>> missed(gone, Period.parse("2026-Q3")).partition(" (")[0]
    'no row of touches is on record from 2026-08-03 to 2026-08-23'
    >>> missed(gone, Period.parse("2026-Q4"))
    ''
    """
    inside = [r for r in found if r.first < period.end and r.last >= period.start]
    if not inside:
        return ""
    return say(
        "no row of {table} is on record {spans}: what was done then is not in it",
        table=inside[0].table,
        spans=spans(inside),
    )


def spans(found: Sequence[Lapse]) -> str:
    """Say from when to when nothing was recorded.

    Examples
    --------
    >>> spans([Lapse("touches", date(2026, 8, 3), date(2026, 8, 23), 15, 600.0)])
    'from 2026-08-03 to 2026-08-23 (15 working days; about 600 rows would be usual)'
    """
    return say(" and ").join(r.words for r in found)
