"""The cube: one query per relation and date that brings sums over clusters, for every slice and stretch of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import ibis
import pandas as pd

from alignment_toolkit.errors import ParameterError
from alignment_toolkit.kpi.dimensions import dimension_column
from alignment_toolkit.kpi.kinds import Aggregate, Kpi, Terms, call
from alignment_toolkit.periods import GRAINS, Period
from alignment_toolkit.relations import day
from alignment_toolkit.results import clean_value

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

__all__ = ["Answer", "Ask", "By", "Cube", "Part"]

By: TypeAlias = tuple[Any, ...] | None

# Beyond this a square does not fit the engine's decimals; such sums get no interval.
LARGE: Final = 10**13
_TRUNCATED: Final[dict[str, str]] = dict(zip(GRAINS, ("D", "W", "M", "Q", "Y"), strict=True))
PERCENTILES: Final = {"p10": 0.1, "p50": 0.5, "p90": 0.9}


@dataclass(frozen=True)
class Part:
    """One period that is asked for, and the pieces it is cut into, if any; rows beyond `cap` are not used."""

    period: Period
    pieces: tuple[Period, ...] = ()
    grain: str | None = None
    cap: date | None = None


@dataclass(frozen=True)
class Ask:
    """A KPI with the terms of the question; `number` tells it from the others of the query."""

    number: int
    kpi: Kpi
    terms: Terms


@dataclass
class _Cells:
    """Aggregates per cluster, each computed once however many KPIs use it."""

    t: Table
    made: dict[str, Callable[[Table], Value]] = field(default_factory=dict)
    kinds: dict[str, Any] = field(default_factory=dict)
    known: dict[Any, str] = field(default_factory=dict)
    prefix: str = "c"

    def add(self, aggregate: Aggregate, terms: Terms) -> str:
        sample = call(aggregate, self.t, terms)
        if sample.op() not in self.known:
            name = f"{self.prefix}{len(self.made)}"
            self.known[sample.op()] = name
            self.kinds[name] = sample.type()
            self.made[name] = lambda t: call(aggregate, t, terms)
        return self.known[sample.op()]


@dataclass(frozen=True)
class Answer:
    """What the engine gave: facts of the whole relation, and a cell per part, slice (None: the total) and piece."""

    cube: Cube
    facts: Mapping[str, Any]
    cells: Mapping[tuple[int, By, int | None], Mapping[str, Any]]

    def fact(self, ask: Ask, role: str) -> Any:
        """Give a fact of a KPI."""
        return self.facts.get(self.cube.names.get((ask.number, role), role))

    def cell(self, ask: Ask, part: int, by: By, piece: int | None) -> dict[str, Any]:
        """Give a KPI's sums of one cell, by role; what no row brought is absent."""
        row = self.cells.get((part, by, piece), {})
        return {
            role: row[name]
            for (number, role), name in self.cube.names.items()
            if number == ask.number and name in row
        }

    def slices(self) -> set[By]:
        """Give the slices that were observed in any part."""
        return {by for _, by, _ in self.cells if by is not None}


class Cube:
    """The query for some KPIs on one relation and date, and its answer."""

    def __init__(
        self, t: Table, when: str, asks: Sequence[Ask], parts: Sequence[Part], dimensions: int, *, home: str
    ) -> None:
        self.t, self.when, self.asks, self.parts, self.home = t, when, tuple(asks), tuple(parts), home
        self.dims = [dimension_column(n) for n in range(dimensions)]
        self.names: dict[tuple[int, str], str] = {}
        self.clustered: dict[int, bool] = {}

    def query(self) -> Table:
        """Give the query: a row per part, slice and piece, with the sums that the KPIs are made of."""
        branches = [self._facts()]
        groups: dict[tuple[str | None, str | None], list[Ask]] = {}
        for ask in self.asks:
            groups.setdefault(self._clusters(ask.kpi), []).append(ask)
        for number, ((cluster, alone), asks) in enumerate(groups.items()):
            branches += self._sums(asks, cluster, alone, f"g{number}_")
        for ask in self.asks:
            if ask.kpi.spread is not None:
                branches += self._spread(ask)
        return _stacked(branches)

    def answer(self, frame: pd.DataFrame) -> Answer:
        """Read what the engine gave."""
        facts: dict[str, Any] = {}
        cells: dict[tuple[int, By, int | None], dict[str, Any]] = {}
        whole = {c for c, kind in self.query().schema().items() if kind.is_integer()}
        for row in frame.to_dict("records"):
            plain = {str(name): _plain(value, whole=name in whole) for name, value in row.items()}
            if plain["what"] == "facts":
                facts = plain
                continue
            part = int(plain["part"])
            by: By = tuple(clean_value(plain[d]) for d in self.dims) if plain["sliced"] else None
            piece = _piece_of(plain.get("piece"), self.parts[part])
            kept = {n: v for n, v in plain.items() if v is not None}
            cells.setdefault((part, by, piece), {}).update(kept)
        return Answer(self, facts, cells)

    def _facts(self) -> Table:
        facts: dict[str, Value] = {"begins": day(self.t[self.when]).min()}
        for ask in self.asks:
            if ask.kpi.requires is not None:
                name = f"requires_{ask.number}"
                self.names[ask.number, "requires"] = name
                facts[name] = call(ask.kpi.requires, self.t, ask.terms).cast("int64")
        return self.t.aggregate(**facts).mutate(what=ibis.literal("facts"))

    def _clusters(self, kpi: Kpi) -> tuple[str | None, str | None]:
        """Give the columns that make a cluster, of those that are there."""
        there = [c for c in (kpi.cluster, kpi.alone) if c is not None and c in self.t.columns]
        return (there[0] if there else None, there[1] if len(there) > 1 else None)

    def _sums(
        self, asks: Sequence[Ask], cluster: str | None, alone: str | None, prefix: str
    ) -> Iterator[Table]:
        cells = _Cells(self.t, prefix=prefix)
        outer: dict[str, Callable[[Table], Value]] = {}
        for ask in asks:
            self.clustered[ask.number] = cluster is not None
            self._declare(ask, cells, outer, prefix, clustered=cluster is not None)
        for keys, narrowed, label in self._groupings():
            if cluster is None:
                inner = narrowed.group_by(keys) if keys else narrowed
                sums = inner.aggregate(**{name: make(narrowed) for name, make in cells.made.items()})
                found = sums.mutate(**{name: make(sums) for name, make in outer.items()})
            else:
                within = {"_cluster": narrowed[cluster]}
                if alone is not None:
                    within["_alone"] = (
                        narrowed[cluster].isnull().ifelse(narrowed[alone], ibis.null(narrowed[alone].type()))
                    )
                narrowed = narrowed.mutate(**within)
                per = narrowed.group_by([*keys, *within])
                inner = per.aggregate(**{name: make(narrowed) for name, make in cells.made.items()})
                grouped = inner.group_by(keys) if keys else inner
                found = grouped.aggregate(**{name: make(inner) for name, make in outer.items()})
            yield found.select(*keys, *outer).mutate(what=ibis.literal("sums"), **label)

    def _declare(
        self,
        ask: Ask,
        cells: _Cells,
        outer: dict[str, Callable[[Table], Value]],
        prefix: str,
        *,
        clustered: bool,
    ) -> None:
        kpi, terms = ask.kpi, ask.terms

        def put(role: str, key: str, make: Callable[[Table], Value]) -> None:
            outer.setdefault(f"{prefix}{key}", make)
            self.names[ask.number, role] = f"{prefix}{key}"

        def cell(role: str, aggregate: Aggregate, how: str = "sum") -> str:
            name = cells.add(aggregate, terms)
            if how == "sum" and not (cells.kinds[name].is_decimal() or cells.kinds[name].is_integer()):
                raise ParameterError(
                    f"{kpi.id}: {role} is of type {cells.kinds[name]}; sums must be of decimals or whole numbers, "
                    "so that the same data gives the same bytes in any order. Cast the rows first."
                )
            short = name.removeprefix(prefix)
            if clustered:
                put(role, f"{how}_{short}", lambda t: getattr(t[name], how)())
            else:
                put(role, f"{how}_{short}", lambda t: t[name])
            return name

        top = cell("top", kpi.top)
        bottom = cell("bottom", kpi.bottom) if kpi.bottom is not None else None
        n = cell("n", kpi.n or kpi.bottom or (lambda t: t.count()))
        if kpi.censored is not None:
            cell("censored", kpi.censored)
        if kpi.left_out is not None:
            cell("left_out", kpi.left_out)
        if kpi.money and "currency" in self.t.columns:
            cell("currency_min", lambda t: t.currency.upper().min(), "min")
            cell("currency_max", lambda t: t.currency.upper().max(), "max")
        if not clustered or kpi.interval in ("count", "exact"):
            return
        kinds = cells.kinds
        pairs = {"top2": (top, top)}
        if bottom is not None:
            pairs |= {"topbottom": (top, bottom), "bottom2": (bottom, bottom)}
        for role, (a, b) in pairs.items():
            key = f"{a.removeprefix(prefix)}_x_{b.removeprefix(prefix)}"
            put(role, key, _sum_of_products(a, kinds[a], b, kinds[b]))
        for role, name in (("large", top), ("large_bottom", bottom)):
            if name is not None and kinds[name].is_decimal():
                put(role, f"large_{name.removeprefix(prefix)}", _too_large(name))
        counted = (top, bottom) if bottom is not None else (n, n)
        key = f"clusters_{counted[0].removeprefix(prefix)}_{(counted[1] or '').removeprefix(prefix)}"
        put("clusters", key, lambda t: ((t[counted[0]] != 0) | (t[counted[1]] != 0)).ifelse(1, 0).sum())

    def _spread(self, ask: Ask) -> Iterator[Table]:
        spread = ask.kpi.spread
        assert spread is not None
        columns = {p: f"{p}_{ask.number}" for p in PERCENTILES}
        for p, name in columns.items():
            self.names[ask.number, p] = name
        for keys, narrowed, label in self._groupings():
            units = narrowed.group_by([*keys, *spread.keys]).aggregate(
                _value=call(spread.value, narrowed, ask.terms),
                _counts=call(spread.where, narrowed, ask.terms),
            )
            units = units.filter(units._counts)
            grouped = units.group_by(keys) if keys else units
            value = units._value.cast("float64")
            found = grouped.aggregate(**{name: value.quantile(PERCENTILES[p]) for p, name in columns.items()})
            yield found.mutate(what=ibis.literal("spread"), **label)

    def _groupings(self) -> Iterator[tuple[list[str], Table, dict[str, Value]]]:
        """Give each grouping: its keys, the rows of its period, and what its rows are marked with."""
        for number, part in enumerate(self.parts):
            rows = self._within(part)
            for pieces in (False, True) if part.pieces else (False,):
                for sliced in (False, True) if self.dims else (False,):
                    keys = [*(self.dims if sliced else ()), *(["piece"] if pieces else ())]
                    narrowed = rows.mutate(piece=self._piece(rows, part)) if pieces else rows
                    label = {
                        "part": ibis.literal(number, type="int64"),
                        "sliced": ibis.literal(int(sliced), type="int64"),
                    }
                    yield keys, narrowed, label

    def _within(self, part: Part) -> Table:
        column = self.t[self.when]
        end = part.period.end
        if part.cap is not None:
            end = min(end, date.fromordinal(part.cap.toordinal() + 1))
        if column.type().is_date():
            return self.t.filter(column >= ibis.literal(part.period.start), column < ibis.literal(end))
        first, after = (ibis.literal(datetime.combine(d, time())) for d in (part.period.start, end))
        return self.t.filter(column >= first, column < after)

    def _piece(self, rows: Table, part: Part) -> Value:
        """Give the first day of the piece that a row lies in, before it is clipped at the period's start."""
        column = rows[self.when]
        unit = _TRUNCATED[part.grain or "day"]
        firsts = [_first(piece.start, unit) for piece in part.pieces]
        whole = all(
            _first(piece.last, unit) == first for piece, first in zip(part.pieces, firsts, strict=True)
        )
        if whole and len(set(firsts)) == len(firsts):
            return day(column.truncate(unit))
        # Fiscal pieces that no engine truncates to.
        days = day(column)
        cases = [(days < ibis.literal(piece.end), ibis.literal(piece.start)) for piece in part.pieces[:-1]]
        return ibis.cases(*cases, else_=ibis.literal(part.pieces[-1].start))


def _plain(value: Any, *, whole: bool) -> Any:
    """Give a cell of the engine's answer as a plain value: None where it is empty, whole numbers as int."""
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return None
    return int(value) if whole and not isinstance(value, bool) else value


def _piece_of(first: Any, part: Part) -> int | None:
    if first is None:
        return None
    on = max(first.date() if isinstance(first, datetime) else first, part.period.start)
    return next(number for number, piece in enumerate(part.pieces) if piece.contains(on))


def _first(on: date, unit: str) -> date:
    if unit == "D":
        return on
    if unit == "W":
        return date.fromordinal(on.toordinal() - on.weekday())
    months = {"M": 1, "Q": 3, "Y": 12}[unit]
    return date(on.year, (on.month - 1) // months * months + 1, 1)


def _too_large(name: str) -> Callable[[Table], Value]:
    return lambda t: (t[name].abs() >= LARGE).ifelse(1, 0).sum()


def _sum_of_products(a: str, kind_a: Any, b: str, kind_b: Any) -> Callable[[Table], Value]:
    """Give the exact sum over clusters of the product of two of their sums; what would not fit counts as 0."""
    if not (kind_a.is_decimal() or kind_b.is_decimal()):
        return lambda t: (t[a].cast("int64") * t[b].cast("int64")).sum()

    def make(t: Table) -> Value:
        fits: Value = ibis.literal(True)
        sides = []
        for name, kind in ((a, kind_a), (b, kind_b)):
            if kind.is_decimal():
                fits = fits & (t[name].abs() < LARGE)
                sides.append(t[name].cast("decimal(19,4)"))
            else:
                sides.append(t[name].cast("decimal(18,0)"))
        product = (sides[0] * sides[1]).cast("decimal(38,8)")
        return fits.ifelse(product, ibis.literal(0).cast("decimal(38,8)")).sum()

    return make


def _stacked(branches: Iterable[Table]) -> Table:
    """Give all branches as one table; a column that a branch lacks is empty there."""
    tables = list(branches)
    kinds: dict[str, Any] = {}
    for t in tables:
        for name, kind in t.schema().items():
            kinds.setdefault(name, kind)
    full = [
        t.select(**{n: t[n].cast(k) if n in t.columns else ibis.null(k) for n, k in kinds.items()})
        for t in tables
    ]
    return full[0] if len(full) == 1 else ibis.union(*full)
