"""What is added up in each cluster: one aggregate however many KPIs use it, and how it is summed up further."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import ibis
import ibis.expr.operations as ops

from alignment_toolkit.errors import ParameterError
from alignment_toolkit.kpi.kinds import Aggregate, Kpi, Terms, call

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

__all__ = ["Ask", "Cell", "Cells", "currencies", "sum_of_products", "too_large", "unit_of"]

# Beyond this a square does not fit the engine's decimals; such sums get no interval.
LARGE: Final = 10**13


@dataclass(frozen=True)
class Ask:
    """A KPI with the terms of the question; `number` tells it from the others of the query."""

    number: int
    kpi: Kpi
    terms: Terms


@dataclass(frozen=True)
class Cell:
    """An aggregate per cluster, and how it is summed up further: ``sum``, ``max``, ``min``, or ``distinct`` units."""

    name: str
    how: str
    kind: Any
    make: Callable[[Table], Value]


class Cells:
    """The aggregates per cluster of some KPIs, each computed once however many KPIs use it."""

    def __init__(self, t: Table, prefix: str) -> None:
        self.t, self.prefix = t, prefix
        self.cells: dict[str, Cell] = {}
        self.unit: Callable[[Table], Value] | None = None
        self._known: dict[Any, str] = {}

    def add(self, kpi: Kpi, role: str, aggregate: Aggregate, terms: Terms) -> Cell:
        """Take an aggregate in; give the cell that holds it."""
        op = call(aggregate, self.t, terms).op()
        if op not in self._known:
            name = f"{self.prefix}c{len(self.cells)}"
            how = _HOW.get(type(op))
            if how is None:
                raise ParameterError(
                    f"{kpi.id}: {role} is a {type(op).__name__}; it must be one sum, count, nunique, max or min "
                    "over the rows, as in lambda t: (t.amount - t.cost).sum()."
                )
            if how == "distinct":
                self.unit = lambda t: call(aggregate, t, terms).op().arg.to_expr()
            self._known[op] = name
            self.cells[name] = Cell(name, how, _kind(kpi, role, op), _maker(aggregate, terms, how))
        return self.cells[self._known[op]]

    def first(self, t: Table) -> dict[str, Value]:
        """Give the cells over rows."""
        return {c.name: _whole(c.make(t), c.kind) for c in self.cells.values()}

    def rolled(self, t: Table, *, units: bool) -> dict[str, Value]:
        """Give the cells over finer cells; `units` keeps the distinct units apart."""
        return {
            c.name: _whole(
                getattr(t[c.name], ("max" if units else "sum") if c.how == "distinct" else c.how)(), c.kind
            )
            for c in self.cells.values()
        }


_HOW: Final[dict[type, str]] = {
    ops.Sum: "sum",
    ops.Count: "sum",
    ops.CountStar: "sum",
    ops.CountDistinct: "distinct",
    ops.Max: "max",
    ops.Min: "min",
}


def _maker(aggregate: Aggregate, terms: Terms, how: str) -> Callable[[Table], Value]:
    if how != "distinct":
        return lambda t: call(aggregate, t, terms)

    def flagged(t: Table) -> Value:
        op = call(aggregate, t, terms).op()
        counts = op.arg.to_expr().notnull()
        if op.where is not None:
            counts = counts & op.where.to_expr()
        return counts.ifelse(1, 0).max()

    return flagged


def _kind(kpi: Kpi, role: str, op: Any) -> Any:
    kind = op.to_expr().type()
    if not (kind.is_decimal() or kind.is_integer() or kind.is_string()):
        raise ParameterError(
            f"{kpi.id}: {role} is of type {kind}; it must be a decimal or a whole number, so that the same data gives "
            "the same bytes in any order. Cast the rows first."
        )
    return kind


def _whole(value: Value, kind: Any) -> Value:
    """Keep whole numbers in 64 bits, where an engine would widen each sum."""
    return value.cast("int64") if kind.is_integer() else value


def unit_of(aggregate: Aggregate, t: Table, terms: Terms) -> Any:
    """Give what an aggregate counts apart; None where it counts or adds up rows."""
    op = call(aggregate, t, terms).op()
    return op.arg if isinstance(op, ops.CountDistinct) else None


def too_large(name: str) -> Callable[[Table], Value]:
    """Count the clusters whose square does not fit."""
    return lambda t: (t[name].abs() >= LARGE).ifelse(1, 0).sum()


def sum_of_products(a: Cell, b: Cell) -> Callable[[Table], Value]:
    """Give the exact sum over clusters of the product of two of their sums; what would not fit counts as 0."""
    if not (a.kind.is_decimal() or b.kind.is_decimal()):
        return lambda t: (t[a.name] * t[b.name]).sum()

    def make(t: Table) -> Value:
        fits: list[Value] = [
            t[n].abs() < LARGE for n in dict.fromkeys(c.name for c in (a, b) if c.kind.is_decimal())
        ]
        sides = [t[c.name].cast("decimal(19,4)" if c.kind.is_decimal() else "decimal(18,0)") for c in (a, b)]
        product = (sides[0] * sides[1]).cast("decimal(38,8)")
        return (
            functools.reduce(operator.and_, fits).ifelse(product, ibis.literal(0).cast("decimal(38,8)")).sum()
        )

    return make


def currencies(t: Table, cell: Callable[[str, Aggregate], Cell]) -> None:
    """Ask which rows have no rate or, where nothing was converted, which currencies there are."""
    if "unrated" in t.columns:
        cell("unrated", lambda t: t.unrated.min())
    elif "currency" in t.columns:
        last = "currency_max" if "currency_max" in t.columns else "currency"
        cell("currency_min", lambda t: t.currency.upper().min())
        cell("currency_max", lambda t: t[last].upper().max())
