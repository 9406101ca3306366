"""Parts that are chosen by what a KPI judges, or by what came of it: a win rate by outcome is 0 and 100 %.

What a KPI judges is read from its definition, so that a company's own KPIs are covered, too: what its top asks of a
row beyond what its bottom asks. Where that does not hold, the part's value is 0, and where it does all count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import ibis.expr.operations as ops

from alignment_toolkit.kpi.cells import Ask
from alignment_toolkit.kpi.dimensions import home_of, place_of, ways_of
from alignment_toolkit.kpi.kinds import Aggregate, Kpi, Terms, call, whole_of
from alignment_toolkit.kpi.of_rows import KpiOfRows
from alignment_toolkit.kpi.reach import terms
from alignment_toolkit.languages import say
from alignment_toolkit.relations.outcomes import told_with
from alignment_toolkit.sources.narrow import Step, narrowed_table
from alignment_toolkit.tables import TABLES

if TYPE_CHECKING:
    from ibis.expr.types import Table

__all__ = [
    "Judged",
    "asked_of",
    "divided",
    "judged",
    "not_asked",
    "not_compared",
    "part_of",
    "rows_in",
    "written_later",
]

# What is not yet known of a row at the moment that dates it; what tells the same is found with it.
_LATER: Mapping[str, str] = {"created_at": "qualified_at", "qualified_at": "status", "opened_at": "outcome"}


@dataclass(frozen=True)
class Judged:
    """The columns that a KPI's answer is made of.

    Attributes
    ----------
    homes
        The relation and the tables that its own columns may be called by.
    own
        The columns of the relation that are judged.
    others
        The columns, by table, that say how a row was judged, or what came of it.
    counted
        The columns whose different values are counted: a part of one of them holds one.
    """

    homes: tuple[str, ...]
    own: frozenset[str]
    others: Mapping[str, set[str]]
    counted: frozenset[str]

    @classmethod
    def of(cls, source: Any, relation: str, own: Iterable[str], counted: Iterable[str] = ()) -> Judged:
        """Give the columns with those that tell the same."""
        homes, judged = home_of(relation, source), frozenset(own)
        return cls(homes, judged, told_with(homes, judged), frozenset(counted))

    def why(self, dimension: str, column: str, key: str | None, table: str | None) -> str | None:
        """Say why a part by a column, reached by a key or not, can't be told; None where it can."""
        named = {"dimension": dimension.rpartition(".")[2].replace("_", " ")}
        if key is None and column in self.counted:
            return _counted(f"{self._home(column)}.{column}", named)
        if key in self.counted and column == "name":
            return _counted(f"{table}.{column}", named)
        told = self.named(column, key, table)
        if told is None:
            return None
        return say(
            "Not asked by {dimension}: {column} says what is judged here, or what came of it. "
            "Rows chosen by it would give the answer by how they were chosen.",
            column=told,
            **named,
        )

    def named(self, column: str, key: str | None, table: str | None) -> str | None:
        """Name the column that tells of the outcome where a part is chosen by one, reached by a key or not."""
        if key is None:
            told, home = column if column in self.own or self._tells(column) else None, None
        elif self._tells(key):
            # By way of a key that is an outcome (a lead's owner) the team behind it is one, too.
            told, home = key, None
        else:
            told, home = column if column in self.others.get(table or "", ()) else None, table
        return None if told is None else f"{home or self._home(told)}.{told}"

    def _tells(self, column: str) -> bool:
        return any(column in self.others.get(home, ()) for home in self.homes)

    def _home(self, column: str) -> str:
        """Name the canonical table that has the column, else the relation, which added it."""
        return next((h for h in self.homes if h in TABLES and column in TABLES[h].columns), self.homes[0])

    def by(self, source: Any, t: Table, dimensions: Iterable[str]) -> str | None:
        """Say why the parts by these dimensions, all of which are there, can't be told; None where they can."""
        for name in dimensions:
            place = place_of(source, self.homes[0], t, name)
            for way in ways_of(source, self.homes[0], t, name, place):
                reason = self.why(name, *way)
                if reason is not None:
                    return reason
        return None


def _counted(column: str, named: Mapping[str, str]) -> str:
    return say(
        "Not asked by {dimension}: the different values of {column} are what is counted here, and of each value "
        "there is one.",
        column=column,
        **named,
    )


def judged(company: Any, ask: Ask, t: Table) -> Judged:
    """Give the columns that a KPI judges: those of a share or a mean, and of what takes time; a count judges none."""
    kpi, known = ask.kpi, ask.terms
    own: set[str] = set()
    counted: set[str] = set()
    if isinstance(kpi, KpiOfRows):
        if kpi.waits:
            read = {c for v in kpi.columns(t, known).values() for c in _fields(v.op(), t)}
            own = read - _fields(kpi.where(t, known).op(), t)
    elif kpi.bottom is not None and not kpi.lookback:
        own = _beyond(t, known, kpi.top, kpi.bottom)
        units = [_units(call(a, t, known).op(), t) for a in (kpi.top, kpi.bottom)]
        counted = units[0] - units[1]
    if kpi.outcome is not None and kpi.bottom is not None:
        own.add(kpi.outcome)
    return Judged.of(whole_of(company), kpi.relation, own - {kpi.date}, counted)


def divided(company: Any, top: Ask, bottom: Ask, by: Iterable[str]) -> tuple[str | None, str | None]:
    """Give why a quotient of two counts of the same rows can't be told of this part of a company, or by dimensions."""
    relation = top.kpi.relation
    plain = not any(
        isinstance(a.kpi, KpiOfRows) or a.kpi.bottom is not None or a.kpi.lookback for a in (top, bottom)
    )
    if not plain or relation != bottom.kpi.relation:
        return None, None
    whole: Any = whole_of(company)
    t = whole.relation(relation)
    told = Judged.of(whole, relation, _beyond(t, top.terms, top.kpi.top, bottom.kpi.top) - {bottom.kpi.date})
    steps = [Step(d, v) for d, v in getattr(company, "steps", ())]
    return _chosen(whole, told, t, steps), told.by(company, company.relation(relation), by)


def part_of(company: Any, ask: Ask) -> tuple[str | None, Table | None]:
    """Give why a KPI of a part of a company can't be told, if so, and its rows where they are not the part's own.

    Where the answer depends on who has a lead now, a lead is of the team that it was handed to, if that is known.
    """
    steps, relation = getattr(company, "steps", ()), ask.kpi.relation
    if not steps:
        return None, None
    whole: Any = whole_of(company)
    t = whole.relation(relation)
    told = judged(whole, ask, t)
    if _chosen(whole, told, t, [Step(d, v) for d, v in steps]) is None:
        return None, None
    handed = [Step(d, v, handed=True) for d, v in steps]
    refused = _chosen(whole, told, t, handed)
    for step in handed if refused is None else ():
        t = narrowed_table(whole, relation, t, step)
    return refused, None if refused else t


def asked_of(company: Any, kpi: Kpi, number: int = 0) -> Ask:
    """Give a KPI with the terms of a question of its own."""
    return Ask(number, kpi, terms(company, kpi, kpi.configured(company.settings.kpi_options(kpi.id))))


def rows_in(company: Any, kpi: Kpi) -> Table:
    """Give the rows of a KPI's relation that are of this part of a company."""
    own = part_of(company, asked_of(company, kpi))[1]
    return company.relation(kpi.relation) if own is None else own


def not_asked(company: Any, kpi: Kpi, by: Iterable[str]) -> str | None:
    """Say why a KPI can't be told by these dimensions, all of which it has; None where it can."""
    t = company.relation(kpi.relation)
    return judged(company, asked_of(company, kpi), t).by(company, t, by)


def written_later(company: Any, kpis: Iterable[Kpi], by: Iterable[str]) -> tuple[str | None, str | None]:
    """Name what is written after rows are counted and chooses this part of a company, or its parts by dimensions."""
    found = [(_part_written_later(company, kpi), _written_later(company, kpi, by)) for kpi in kpis]
    return next((c for c, _ in found if c), None), next((c for _, c in found if c), None)


def _part_written_later(company: Any, kpi: Kpi) -> str | None:
    whole: Any = whole_of(company)
    steps = [Step(d, v) for d, v in getattr(company, "steps", ())]
    if not steps or kpi.date not in _LATER:
        return None
    t = whole.relation(kpi.relation)
    told = Judged.of(whole, kpi.relation, [_LATER[kpi.date]])
    ways = [way for step in steps for way in step.ways(whole, told.homes[0], t.columns)]
    return next((c for way in ways if (c := told.named(*way))), None)


def _written_later(company: Any, kpi: Kpi, by: Iterable[str]) -> str | None:
    if not by or kpi.date not in _LATER:
        return None
    t = company.relation(kpi.relation)
    told = Judged.of(whole_of(company), kpi.relation, [_LATER[kpi.date]])
    places = {name: place_of(company, kpi.relation, t, name) for name in by}
    ways = [way for name, p in places.items() for way in ways_of(company, kpi.relation, t, name, p)]
    return next((c for way in ways if (c := told.named(*way))), None)


def not_compared(method: str, before: Iterable[str], column: str) -> str:
    """Add to a method that a number is not compared, because of a column that is written later."""
    return say(
        "{method}; not compared with {before}: {column} is written later, and younger rows have had less time for it",
        method=method,
        before=", ".join(before),
        column=column,
    )


def _chosen(whole: Any, told: Judged, t: Table, steps: Iterable[Step]) -> str | None:
    for step in steps:
        for way in step.ways(whole, told.homes[0], t.columns):
            reason = told.why(step.dimension, *way)
            if reason is not None:
                return reason
    return None


def _beyond(t: Table, known: Terms, top: Aggregate, bottom: Aggregate) -> set[str]:
    """Name the columns that the top asks of a row beyond what the bottom asks."""
    more, all_ = (_conditions(call(a, t, known).op()) for a in (top, bottom))
    return {c for condition in more - all_ for c in _fields(condition, t)}


def _conditions(node: Any) -> set[Any]:
    """Give what must hold of a row to count in an aggregate; of several, what must hold in all."""
    found = [
        {c for part in (n.where, *_filled(n)) for c in _terms(part)}
        for n in _nodes(node)
        if isinstance(n, ops.Reduction) and hasattr(n, "where")
    ]
    return reduce(set.intersection, found) if found else set()


def _filled(node: Any) -> Iterator[Any]:
    """Give what an aggregate adds up, or that it is there where that is counted."""
    if isinstance(node, ops.Count):
        yield ops.NotNull(node.arg)
    elif hasattr(node, "arg"):
        yield node.arg


def _terms(node: Any) -> Iterator[Any]:
    """Split a condition, or a number that is 0 or empty where one does not hold, into what must hold together."""
    if isinstance(node, (ops.And, ops.Multiply)):
        yield from _terms(node.left)
        yield from _terms(node.right)
    elif isinstance(node, ops.IfElse) and _is_nothing(node.false_null_expr):
        yield from _terms(node.bool_expr)
        yield from _terms(node.true_expr)
    elif isinstance(node, ops.SearchedCase) and len(node.cases) == 1 and _is_nothing(node.default):
        yield from _terms(node.cases[0])
        yield from _terms(node.results[0])
    elif isinstance(node, ops.Cast):
        yield from _terms(node.arg)
    elif isinstance(node, ops.Coalesce) and all(_is_nothing(n) for n in node.arg[1:]):
        yield from _terms(node.arg[0])
    elif isinstance(node, ops.Value) and node.dtype.is_boolean() and not isinstance(node, ops.Literal):
        yield node


def _is_nothing(node: Any) -> bool:
    while isinstance(node, ops.Cast):
        node = node.arg
    return isinstance(node, ops.Literal) and not node.value


def _units(node: Any, t: Table) -> set[str]:
    """Name the columns whose different values are counted."""
    return {c for n in _nodes(node) if isinstance(n, ops.CountDistinct) for c in _fields(n.arg, t)}


def _fields(node: Any, t: Table) -> set[str]:
    return {n.name for n in _nodes(node) if isinstance(n, ops.Field) and n.rel == t.op()}


def _nodes(node: Any) -> Iterator[Any]:
    """Give a value's nodes; not those of the tables that it reads."""
    if isinstance(node, ops.Relation):
        return
    yield node
    for child in () if isinstance(node, ops.Field) else node.__children__:
        yield from _nodes(child)
