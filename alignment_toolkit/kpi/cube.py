"""The cube: one query per relation and date that brings sums over clusters, for every slice and stretch of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import ibis
import ibis.expr.operations as ops
import pandas as pd

from alignment_toolkit.errors import ParameterError
from alignment_toolkit.kpi.cells import Ask, Cell, Cells, currencies, sum_of_products, too_large, unit_of
from alignment_toolkit.kpi.days import DAY, told
from alignment_toolkit.kpi.dimensions import dimension_column
from alignment_toolkit.kpi.kinds import Aggregate, call
from alignment_toolkit.periods import GRAINS, Period
from alignment_toolkit.relations import alive, day
from alignment_toolkit.results import clean_value

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

__all__ = ["Answer", "By", "Cube", "Part"]

By: TypeAlias = tuple[Any, ...] | None

ALONE: Final = "\x1f"
_TRUNCATED: Final[dict[str, str]] = dict(zip(GRAINS, ("D", "W", "M", "Q", "Y"), strict=True))
_EXTREMES: Final = ("currency_min", "currency_max", "unrated")
PERCENTILES: Final = {"p10": 0.1, "p50": 0.5, "p90": 0.9}


@dataclass(frozen=True)
class Part:
    """One period that is asked for, and the pieces it is cut into, if any; rows beyond `cap` are not used."""

    period: Period
    pieces: tuple[Period, ...] = ()
    grain: str | None = None
    cap: date | None = None


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

    def slices(self, part: int | None = None) -> set[By]:
        """Give the slices that were observed in a part, or in any."""
        return {by for p, by, _ in self.cells if by is not None and part in (None, p)}


class Cube:
    """The query for some KPIs on one relation and date, and its answer."""

    def __init__(
        self,
        t: Table,
        when: str,
        asks: Sequence[Ask],
        parts: Sequence[Part],
        dimensions: int,
        *,
        home: str,
        spread: bool = True,
        sliced_pieces: bool = True,
    ) -> None:
        self.t, self.when, self.asks, self.parts, self.home = (
            alive(t, when),
            when,
            tuple(asks),
            tuple(parts),
            home,
        )
        self.spread, self.sliced_pieces = spread, sliced_pieces
        self.dims = [dimension_column(n) for n in range(dimensions)]
        self.names: dict[tuple[int, str], str] = {}
        # Columns are named by place: a KPI's number is another one in every process, and the SQL with it.
        self._places = {ask.number: place for place, ask in enumerate(self.asks)}

    @cached_property
    def query(self) -> Table:
        """The query: a row per part, slice and piece, with the sums that the KPIs are made of."""
        branches = [self._facts()]
        for number, (cluster, alone, asks) in enumerate(self._groups()):
            branches += self._sums(asks, cluster, alone, f"g{number}_")
        return _stacked(branches)

    def answer(self, frame: pd.DataFrame) -> Answer:
        """Read what the engine gave."""
        facts: dict[str, Any] = {}
        cells: dict[tuple[int, By, int | None], dict[str, Any]] = {}
        whole = {c for c, kind in self.query.schema().items() if kind.is_integer()}
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

    def no_rows(self) -> pd.DataFrame:
        """Give what a cell without rows holds, where cells hold rows."""
        return pd.DataFrame()

    def _facts(self) -> Table:
        facts: dict[str, Value] = {"begins": day(self.t[self.when].min())}
        for ask in self.asks:
            if ask.kpi.requires is not None:
                name = f"requires_{self._places[ask.number]}"
                self.names[ask.number, "requires"] = name
                facts[name] = call(ask.kpi.requires, self.t, ask.terms).cast("int64")
        return self.t.aggregate(**facts).mutate(what=ibis.literal("facts"))

    def _groups(self) -> list[tuple[str | None, str | None, list[Ask]]]:
        """Put KPIs together that share clusters, and count at most one kind of distinct units."""
        groups: list[tuple[str | None, str | None, set[Any], list[Ask]]] = []
        for ask in self.asks:
            there = [c for c in (ask.kpi.cluster, ask.kpi.alone) if c is not None and c in self.t.columns]
            there = [DAY] if ask.kpi.interval == "events" else there
            keys = (there[0] if there else None, there[1] if len(there) > 1 else None)
            aggregates = [a for a in (ask.kpi.top, ask.kpi.bottom, ask.kpi.n) if a is not None]
            units = {unit_of(a, self.t, ask.terms) for a in aggregates} - {None}
            for group in groups:
                if group[:2] == keys and len(units | group[2]) <= 1:
                    group[2].update(units)
                    group[3].append(ask)
                    break
            else:
                groups.append((*keys, units, [ask]))
        return [(cluster, alone, asks) for cluster, alone, _, asks in groups]

    def _sums(
        self, asks: Sequence[Ask], cluster: str | None, alone: str | None, prefix: str
    ) -> Iterator[Table]:
        cells = Cells(self.t, prefix)
        outer: dict[str, Callable[[Table], Value]] = {}
        for ask in asks:
            self._declare(ask, cells, outer, clustered=cluster is not None)
        rows, parts = self._rows, ["part"] if len(self.parts) > 1 else []
        within: dict[str, Value] = {}
        if cluster is not None:
            within["_cluster"] = day(rows[self.when]) if cluster == DAY else rows[cluster]
        if cluster is not None and alone is not None:
            # One key for both is half the memory of two; the mark keeps an order's id apart from an account's.
            within["_cluster"] = ibis.coalesce(rows[cluster], ibis.literal(ALONE) + rows[alone])
        unit = {} if cells.unit is None else {"_unit": cells.unit(rows)}
        finest = [*parts, *self.dims, *(["piece"] if self.parts[0].pieces else [])]
        rows = rows.mutate(**within, **unit)
        made = cells.first(rows)
        first = (
            rows.group_by([*finest, *within, *unit]).aggregate(**made)
            if finest or within or unit
            else rows.aggregate(**made)
        )
        for pieces in (False, True) if self.parts[0].pieces else (False,):
            for sliced in (False, True) if self.dims and (self.sliced_pieces or not pieces) else (False,):
                keys = [*parts, *(self.dims if sliced else ()), *(["piece"] if pieces else ())]
                level = first.filter(first.piece.notnull()) if pieces and parts else first
                if unit and keys != finest:
                    level = level.group_by([*keys, *within, *unit]).aggregate(
                        **cells.rolled(level, units=True)
                    )
                label = {"sliced": ibis.literal(int(sliced), type="int64")}
                if not parts:
                    label["part"] = ibis.literal(0, type="int64")
                if unit and self.spread:
                    yield from self._spreads(asks, cells, level, keys, label, units=True)
                if unit or keys != finest or not within:
                    by = [*keys, *within]
                    rolled = cells.rolled(level, units=False)
                    level = level.group_by(by).aggregate(**rolled) if by else level.aggregate(**rolled)
                if within and self.spread:
                    yield from self._spreads(asks, cells, level, keys, label, units=False)
                if within:
                    sums = {name: make(level) for name, make in outer.items()}
                    level = level.group_by(keys).aggregate(**sums) if keys else level.aggregate(**sums)
                else:
                    level = level.select(*keys, **{name: make(level) for name, make in outer.items()})
                yield level.mutate(what=ibis.literal("sums"), **label)

    def _declare(
        self, ask: Ask, cells: Cells, outer: dict[str, Callable[[Table], Value]], *, clustered: bool
    ) -> None:
        kpi, terms = ask.kpi, ask.terms

        def put(role: str, key: str, make: Callable[[Table], Value]) -> None:
            outer.setdefault(cells.prefix + key, make)
            self.names[ask.number, role] = cells.prefix + key

        def cell(role: str, aggregate: Aggregate) -> Cell:
            found = cells.add(kpi, role, aggregate, terms)
            how = (
                {"distinct": "sum", "max": "sum"}.get(found.how, found.how)
                if role not in _EXTREMES
                else found.how
            )
            key = f"{how}_{found.name.removeprefix(cells.prefix)}"
            put(
                role,
                key,
                (lambda t: getattr(t[found.name], how)()) if clustered else (lambda t: t[found.name]),
            )
            return found

        top = cell("top", kpi.top)
        bottom = cell("bottom", kpi.bottom) if kpi.bottom is not None else None
        n = cell("n", kpi.n or kpi.bottom or (lambda t: t.count()))
        if kpi.censored is not None:
            cell("censored", kpi.censored)
        if kpi.left_out is not None:
            cell("left_out", kpi.left_out)
        if kpi.money or top.kind.is_decimal():
            currencies(cells.t, cell)
        if kpi.interval == "events":
            if top.how == "distinct":
                raise ParameterError(
                    f"{kpi.id}: what is counted apart is no event of a day; say interval='count'."
                )
            put("days", f"days_{top.name}", told(top.name))
        if not clustered or kpi.interval in ("count", "events", "exact"):
            return
        pairs = {"top2": (top, top)}
        if bottom is not None:
            pairs |= {"topbottom": (top, bottom), "bottom2": (bottom, bottom)}
        for role, (a, b) in pairs.items():
            put(role, f"{a.name}_x_{b.name}", sum_of_products(a, b))
        for role, one in (("large", top), ("large_bottom", bottom)):
            if one is not None and one.kind.is_decimal():
                put(role, f"large_{one.name}", too_large(one.name))
        a, b = (top, bottom) if bottom is not None else (n, n)
        put(
            "clusters",
            f"clusters_{a.name}_{b.name}",
            lambda t: ((t[a.name] != 0) | (t[b.name] != 0)).ifelse(1, 0).sum(),
        )

    def _spreads(
        self,
        asks: Sequence[Ask],
        cells: Cells,
        t: Table,
        keys: Sequence[str],
        label: Mapping[str, Value],
        *,
        units: bool,
    ) -> Iterator[Table]:
        """Give the percentiles of the units inside a mean: distinct units, or clusters, that the bottom counts."""
        found = {}
        for ask in asks:
            if not ask.kpi.spread or ask.kpi.bottom is None:
                continue
            top = cells.add(ask.kpi, "top", ask.kpi.top, ask.terms)
            bottom = cells.add(ask.kpi, "bottom", ask.kpi.bottom, ask.terms)
            if (bottom.how == "distinct") == units:
                name = f"spread_{self._places[ask.number]}"
                self.names[ask.number, "spread"] = name
                found[name] = (
                    t[top.name].cast("float64").quantile(list(PERCENTILES.values()), where=t[bottom.name] > 0)
                )
        if found:
            rows = t.group_by(keys).aggregate(**found) if keys else t.aggregate(**found)
            yield rows.mutate(what=ibis.literal("spread"), **label)

    @cached_property
    def _rows(self) -> Table:
        """The rows of all parts; a row that lies in two is there twice."""
        if self._one_stretch():
            return self._in_one_pass()
        found = []
        for number, part in enumerate(self.parts):
            rows = self._within(part)
            more: dict[str, Value] = (
                {"part": ibis.literal(number, type="int64")} if len(self.parts) > 1 else {}
            )
            if self.parts[0].pieces:
                more["piece"] = self._piece(rows, part) if part.pieces else ibis.null("date")
            found.append(rows.mutate(**more))
        return ibis.union(*found) if len(found) > 1 else found[0]

    def _one_stretch(self) -> bool:
        """Say whether two parts make one stretch of time, as a period and the one just before it do."""
        if len(self.parts) != 2:
            return False
        now, then = self.parts
        return then.period.end == now.period.start and not then.pieces and now.cap == then.cap

    def _in_one_pass(self) -> Table:
        """Read the rows of both parts once."""
        now, then = self.parts
        rows = self._between(then.period.start, now.period.end, now.cap)
        later = rows[self.when] >= self._moment(now.period.start)
        more: dict[str, Value] = {"part": later.ifelse(ibis.literal(0, "int64"), ibis.literal(1, "int64"))}
        if now.pieces:
            more["piece"] = later.ifelse(self._piece(rows, now), ibis.null("date"))
        return rows.mutate(**more)

    def _within(self, part: Part) -> Table:
        return self._between(part.period.start, part.period.end, part.cap)

    def _between(self, start: date, end: date, cap: date | None) -> Table:
        if cap is not None:
            end = min(end, date.fromordinal(cap.toordinal() + 1))
        column = self.t[self.when]
        return self.t.filter(column >= self._moment(start), column < self._moment(end))

    def _moment(self, on: date) -> Value:
        """Give the beginning of a day as the type that rows are dated by."""
        is_date = self.t[self.when].type().is_date()
        return ibis.literal(on) if is_date else ibis.literal(datetime.combine(on, time()))

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
    if isinstance(value, Iterable) and not isinstance(value, str):
        return list(value)
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


def _stacked(branches: Iterable[Table]) -> Table:
    """Give all branches as one table; a column that a branch lacks is empty there."""
    tables = list(branches)
    kinds: dict[str, Any] = {}
    for t in tables:
        for name, kind in t.schema().items():
            kinds.setdefault(name, kind)
    full = []
    for t in tables:
        there = set(t.columns)
        columns = {n: t[n].cast(k) if n in there else ibis.null(k) for n, k in kinds.items()}
        # What `select` gives, without its look for sums among plain columns.
        full.append(ops.Project(t, {name: column.op() for name, column in columns.items()}).to_expr())
    return full[0] if len(full) == 1 else ibis.union(*full)
