"""Where the rows of a KPI's relation go: those that count, and those that do not, by reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import ibis
import ibis.expr.operations as ops

from alignment_toolkit.kpi import reach
from alignment_toolkit.kpi.dimensions import attach, dimension_column
from alignment_toolkit.kpi.judged import rows_in
from alignment_toolkit.kpi.kinds import Kpi, Terms, call
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.relations import alive
from alignment_toolkit.results import KpiValue

__all__ = ["Rows", "rows_of"]


@dataclass(frozen=True)
class Rows:
    """The rows of one relation, sorted by what became of them; `all` is the sum of the others.

    Attributes
    ----------
    relation
        The relation.
    all
        Its rows.
    counted, unit
        Those that the number stands on, and what they are called.
    left
        Those that it does not stand on, by reason.
    without_client
        Rows among the counted that name no account.
    """

    relation: str
    all: int
    counted: int
    unit: str
    left: Mapping[str, int]
    without_client: int


def rows_of(company: Any, kpi: Kpi, period: Period, found: KpiValue, by: Mapping[str, Any]) -> Rows:
    """Sort the rows of a KPI's relation.

    Parameters
    ----------
    company
        The company.
    kpi
        A KPI that stands on one relation.
    period, by
        The period, and the slice: values by dimension.
    found
        The KPI as measured for both, which knows how many rows are too young or left out by definition.
    """
    t = attach(company, kpi.relation, rows_in(company, kpi), tuple(by))
    every, t = t, t.mutate(_there=True)
    for number, value in enumerate(by.values()):
        column = t[dimension_column(number)]
        t = t.filter(column.isnull() if value is None else column == value)
    if kpi.standing is not None:
        return _of_a_stock(company, kpi, every, t, found)
    dated = t.filter(t[kpi.date].notnull())
    living = alive(dated, kpi.date)
    caps = (company.as_of_of(()), reach.cut(company, kpi))
    cap = min((day for day in caps if day is not None), default=None)
    # What looks back stands on the period before as well.
    first, after = period.previous().start if kpi.lookback else period.start, period.end
    inside = living.filter(_from(living, kpi.date, first), ~_from(living, kpi.date, after))
    known = inside if cap is None else inside.filter(~_from(inside, kpi.date, _next(cap)))
    cluster = kpi.cluster if kpi.cluster in known.columns else None
    counts = company.fetch(
        ibis.union(
            *(
                table.aggregate(rows=table.count()).mutate(step=ibis.literal(step))
                for step, table in enumerate((every, t, dated, living, inside, known))
            ),
            known.aggregate(
                rows=known.count(where=known[cluster].isnull()) if cluster else ibis.literal(0, type="int64")
            ).mutate(step=ibis.literal(6)),
            known.aggregate(
                rows=known.count(where=~known.opens_episode)
                if "opens_episode" in known.columns
                else ibis.literal(0, type="int64")
            ).mutate(step=ibis.literal(7)),
        )
    )
    size = {int(step): int(rows) for step, rows in zip(counts["step"], counts["rows"], strict=True)}
    left = {
        "of other parts of the company": size[0] - size[1],
        say("without {date}", date=kpi.date): size[1] - size[2],
        say("deleted before {date}", date=kpi.date): size[2] - size[3],
        say("{date} outside the period", date=kpi.date): size[3] - size[4],
        say("after {cap}, the last day of complete data", cap=cap): size[4] - size[5],
    }
    counted, unit = size[5], "rows"
    if found.censored or _counts_rows(kpi, known):
        young, by_definition = found.censored, _said(kpi, found.method)
        counted, unit = found.n, kpi.n_unit
        rest = size[5] - young - by_definition - counted
        if rest < 0:  # what is left out of the top alone is among the rows that count
            rest, by_definition = rest + by_definition, 0
        left |= {"too young to be judged": young, _words(kpi): by_definition}
        later = size[7] if size[7] <= rest else 0
        left["later leads of an episode, which counts once"] = later
        left["not part of the definition"] = rest - later
    return Rows(
        kpi.relation, size[0], counted, unit, {k: n for k, n in left.items() if n}, size[6] if cluster else 0
    )


def _of_a_stock(company: Any, kpi: Kpi, every: Any, t: Any, found: KpiValue) -> Rows:
    """Sort the rows of a stock: those that stand at the end of the period, and all others."""
    counts = company.fetch(
        every.aggregate(rows=every.count(), step=ibis.literal(0)).union(
            t.aggregate(rows=t.count(), step=ibis.literal(1))
        )
    )
    size = {int(step): int(rows) for step, rows in zip(counts["step"], counts["rows"], strict=True)}
    by_definition = _said(kpi, found.method)
    left = {
        "of other parts of the company": size[0] - size[1],
        _words(kpi): by_definition,
        "not there at the end of the period": size[1] - by_definition - found.n,
    }
    return Rows(kpi.relation, size[0], found.n, kpi.n_unit, {k: n for k, n in left.items() if n}, 0)


def _from(t: Any, column: str, first: date) -> Any:
    when = t[column]
    start: Any = first if when.type().is_date() else datetime.combine(first, time())
    return when >= ibis.literal(start)


def _next(last: date) -> date:
    return date.fromordinal(last.toordinal() + 1)


def _counts_rows(kpi: Kpi, t: Any) -> bool:
    """Say whether n counts rows, and not what is distinct among them (clients, orders)."""
    n = kpi.n or kpi.bottom
    if n is None:
        return True
    terms = Terms(date.max, date.max, None, "XXX", dict(kpi.options))
    try:
        return isinstance(call(n, t, terms).op(), (ops.Count, ops.CountStar))
    except AttributeError:  # it stands on columns that are made per client: it counts clients
        return False


def _words(kpi: Kpi) -> str:
    return re.sub(r"[,:]?\s*(left out)?:?\s*\{n\}.*", "", kpi.left_out_words).strip() or "left out"


def _said(kpi: Kpi, method: str) -> int:
    """Read from a method how many rows it says are left out by definition."""
    if not kpi.left_out_words:
        return 0
    pattern = re.escape(say(kpi.left_out_words))
    pattern = pattern.replace(re.escape("{n}"), r"([\d,]+)").replace(re.escape("{share}"), r".*?")
    found = re.search(pattern, method)
    return int(found.group(1).replace(",", "")) if found else 0
