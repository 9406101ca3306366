"""`measure`: KPIs of a company for a period, by slices, along a grain, against other periods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from alignment_toolkit.errors import MissingTable, ParameterError, UnknownName, did_you_mean
from alignment_toolkit.kpi import reach
from alignment_toolkit.kpi.cells import Ask
from alignment_toolkit.kpi.client_periods import ClientPeriods
from alignment_toolkit.kpi.cube import By, Cube, Part
from alignment_toolkit.kpi.dimensions import attach, home_of
from alignment_toolkit.kpi.judged import divided, judged, not_compared, part_of, written_later
from alignment_toolkit.kpi.kinds import (
    DifferenceOfKpis,
    Kpi,
    ProductOfKpis,
    RatioOfKpis,
    whole_of,
    with_owners,
)
from alignment_toolkit.kpi.of_rows import KpiOfRows, RowCube
from alignment_toolkit.kpi.placed import Flagged, Quantity, Share, quantities, told, unplaced, way_by
from alignment_toolkit.kpi.reach import Measured
from alignment_toolkit.kpi.stock import StockCube
from alignment_toolkit.kpi.values import Number, Sheet, change, less, product, quotient
from alignment_toolkit.languages import say
from alignment_toolkit.periods import GRAINS, Period, compare_periods
from alignment_toolkit.relations import RELATIONS
from alignment_toolkit.relations.telling import lacks, why
from alignment_toolkit.results import Change, KpiValue

if TYPE_CHECKING:
    from ibis.expr.types import Table

__all__ = ["Measured", "measure", "measure_both", "queries"]

AnyKpi: TypeAlias = Kpi | RatioOfKpis


def measure(
    company: Measured,
    kpis: AnyKpi | Iterable[AnyKpi],
    period: Period | str,
    *,
    by: Sequence[str] = (),
    grain: str | None = None,
    compare: Sequence[Period] | str = (),
    catalogue: Mapping[str, Any] | None = None,
    spread: bool = True,
    sliced_grain: bool = True,
) -> tuple[KpiValue, ...]:
    """Measure KPIs: one row per KPI, slice and stretch of time.

    Parameters
    ----------
    company
        The company.
    kpis
        What to measure; the rows come in this order.
    period
        The period, or its label.
    by
        Dimensions: columns of the relation, or ``table.column`` through its keys. There is always a row for the total
        (``by`` empty) and one for every observed combination; a missing value is None.
    grain
        Give rows for each day, week, month, quarter or year of the period too.
    compare
        Other periods that the whole period is compared with, or a word for them (``previous``, ``year-ago``).
    catalogue
        KPIs by id, for ratios that name their sides.
    spread
        Give the percentiles inside means too; they need the values of all units at once.
    sliced_grain
        Give the rows along the grain for every slice too, not for the whole alone.

    Raises
    ------
    UnknownName
        For a dimension that none of the KPIs has, with the near match.
    ParameterError
        For an ambiguous dimension, with the choices.

    Examples
    --------
    >>> from alignment_toolkit.catalog import Catalog
    >>> from alignment_toolkit.company import Company
    >>> measure(Company.open("data/sample"), Catalog.load().kpis["win-rate"], "2026-Q3")
    (<Win rate, 2026-Q3: 25.6 % (95 % interval 18.5 % to 34.3 %), n 125>,)
    """
    wanted = (kpis,) if isinstance(kpis, (Kpi, RatioOfKpis)) else tuple(kpis)
    question = _Question.of(
        company,
        wanted,
        period,
        tuple(by),
        grain,
        compare,
        catalogue,
        spread=spread,
        sliced_grain=sliced_grain,
    )
    rows = (row for kpi in wanted for row in _rows(question, kpi))
    return tuple(r for r in rows if sliced_grain or r.grain is None or not r.by)


def measure_both(
    company: Measured,
    kpis: Sequence[AnyKpi],
    then: Period,
    now: Period,
    *,
    by: Sequence[str] = (),
    catalogue: Mapping[str, Any] | None = None,
) -> tuple[tuple[KpiValue, ...], tuple[KpiValue, ...]]:
    """Give what `measure` gives of `then`, and of `now` compared with it, without percentiles: one query for both."""
    question = _Question.of(company, kpis, now, tuple(by), None, (then,), catalogue, spread=False)
    of_now = tuple(row for kpi in kpis for row in _rows(question, kpi))
    return tuple(row for kpi in kpis for row in _rows(question, kpi, 1)), of_now


def queries(
    company: Measured,
    kpis: AnyKpi | Iterable[AnyKpi],
    period: Period | str,
    *,
    by: Sequence[str] = (),
    grain: str | None = None,
    compare: Sequence[Period] | str = (),
    catalogue: Mapping[str, Any] | None = None,
) -> tuple[Table, ...]:
    """Give the queries that `measure` would send to the engine, one per relation and date."""
    wanted = (kpis,) if isinstance(kpis, (Kpi, RatioOfKpis)) else tuple(kpis)
    question = _Question.of(company, wanted, period, tuple(by), grain, compare, catalogue, ask=False)
    return tuple(cube.query for cube in question.cubes)


@dataclass(frozen=True)
class _Asked:
    """How a question was put, so that it can be put to the whole company too."""

    wanted: Sequence[AnyKpi]
    period: Period | str
    grain: str | None
    compare: Sequence[Period] | str
    catalogue: Mapping[str, Any] | None


@dataclass
class _Question:
    company: Measured
    parts: tuple[Part, ...]
    by: tuple[str, ...]
    sheets: dict[int, Sheet | str]
    sides: dict[int, tuple[Kpi, ...]]
    lacking: dict[int, str]
    cubes: list[Cube]
    asked: _Asked
    cuts: dict[int, date | None] = field(default_factory=dict)
    kept: dict[Any, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        company: Measured,
        wanted: Sequence[AnyKpi],
        period: Period | str,
        by: tuple[str, ...],
        grain: str | None,
        compare: Sequence[Period] | str,
        catalogue: Mapping[str, Any] | None,
        *,
        ask: bool = True,
        spread: bool = True,
        sliced_grain: bool = True,
    ) -> _Question:
        parts = _parts(company, period, grain, compare)
        q = cls(company, parts, by, {}, {}, {}, [], _Asked(wanted, period, grain, compare, catalogue))
        groups: dict[tuple[Any, ...], list[Ask]] = {}
        handed: dict[int, Table] = {}
        asked: dict[int, Ask] = {}
        for kpi in wanted:
            for side, options in q._plain(kpi, catalogue):
                if id(side) in q.sheets:
                    continue
                gone = side.missing(company)
                if gone:
                    q.sheets[id(side)] = lacks(company, gone)
                    continue
                q.sheets[id(side)] = ""
                found = Ask(id(side), side, reach.terms(company, side, options))
                asked[id(side)] = found
                refused, own = part_of(company, found)
                if refused is not None:
                    q.sheets[id(side)] = refused
                    continue
                if own is not None:
                    handed[id(side)] = own
                key = (*_shared(side), q.cuts[id(side)], own is not None)
                groups.setdefault(key, []).append(found)
        unknown: list[UnknownName] = []
        firsts: dict[Any, Any] = {}
        start = min(p.period.start for p in parts)
        for (kind, relation, when, *_), asks in _merged(groups, company).items():
            try:
                t = handed.get(asks[0].number)
                t = company.relation(relation) if t is None else t
            except MissingTable as e:
                q.sheets.update({a.number: why(e) for a in asks})
                continue
            dims, rows = by, t
            try:
                t = attach(company, relation, t, by)
                for a in asks if by else ():
                    refused = judged(company, a, rows).by(company, rows, by)
                    if refused is not None:
                        q.lacking[a.number] = refused
            except UnknownName as e:
                unknown.append(e)
                dims = ()
                q.lacking.update({a.number: str(e) for a in asks})
            home, until = home_of(relation, company)[-1], reach.until(company, asks[0].kpi)
            limit = q.cuts[asks[0].number]
            days = (limit, until if kind is StockCube else None)
            ends = _ending(parts, min((d for d in days if d is not None), default=None))
            told = {"spread": spread, "sliced_pieces": sliced_grain}
            cube = kind(t, when, asks, ends, len(dims), home=home, **told)
            q.cubes.append(cube)
            if not ask:
                continue
            answer = cube.answer(company.fetch(cube.query))
            for a in asks:
                blocked, note = reach.blocked(company, a, answer.facts.get("begins")), _note(company, a.kpi)
                silent = a.kpi.requires is not None and not answer.fact(a, "requires")
                if blocked is None and silent and reach.unrecorded(company, a, relation):
                    blocked = say(a.kpi.requires_words)
                undated = any(t in reach.undated(company) for t in reach.tables_of(company, a.kpi)[0])
                lost = reach.lapses(company, a.kpi, start, firsts)
                q.sheets[a.number] = Sheet(
                    replace(a, terms=replace(a.terms, lapses=lost)),
                    answer,
                    until,
                    blocked,
                    note,
                    undated,
                    ends=reach.ends(company, a.kpi, limit),
                    cut=limit,
                    recorded=reach.recorded(company, a.kpi, start, firsts),
                )
        if unknown and len(unknown) == len(q.cubes):
            raise unknown[0]
        for kpi in wanted:
            if isinstance(kpi, RatioOfKpis) and not isinstance(kpi, (DifferenceOfKpis, ProductOfKpis)):
                q._divide(kpi, asked)
        return q

    def _divide(self, kpi: RatioOfKpis, asked: Mapping[int, Ask]) -> None:
        """Keep why a quotient can't be told of this part or by these dimensions, though both of its sides can."""
        sides = [id(side) for side in self.sides[id(kpi)]]
        if any(isinstance(self.sheets[side], str) or side in self.lacking for side in sides):
            return
        top, bottom = (asked[side] for side in sides)
        part, parts = divided(self.company, top, bottom, self.by)
        if part is not None:
            self.sheets[id(kpi)] = part
        if parts is not None:
            self.lacking[id(kpi)] = parts

    def _plain(self, kpi: AnyKpi, catalogue: Mapping[str, Any] | None) -> list[tuple[Kpi, dict[str, Any]]]:
        options = self.company.settings.kpi_options(kpi.id)
        chosen = kpi.configured(options)
        if isinstance(kpi, Kpi):
            self.cuts[id(kpi)] = reach.cut(self.company, kpi)
            return [(kpi, chosen)]
        if id(kpi) not in self.sides:
            sides = kpi.sides(catalogue)
            limit = reach.cut(self.company, *sides)
            # A side that is asked for by itself as well may count further there.
            self.sides[id(kpi)] = sides if limit is None else tuple(replace(side) for side in sides)
            self.cuts |= {id(side): limit for side in self.sides[id(kpi)]}
        return [
            (s, {**s.options, **{k: v for k, v in chosen.items() if k in s.options}})
            for s in self.sides[id(kpi)]
        ]

    def slices(self, kpis: Sequence[Kpi], part: int | None) -> list[By]:
        """Give the slices observed on any side, in one part or in any, in order, the missing value last."""
        found: set[By] = set()
        for kpi in kpis:
            sheet = self.sheets[id(kpi)]
            if isinstance(sheet, Sheet):
                found |= sheet.answer.slices(part)
        return sorted(found, key=lambda by: [(v is None, str(v)) for v in by or ()])

    def number(self, kpi: AnyKpi, part: int, by: By, piece: int | None) -> Number:
        """Give one number of a KPI or of a ratio of two; of a part none, where too much has no place in any."""
        if isinstance(kpi, RatioOfKpis):
            top, bottom, *times = (self.number(side, part, by, piece) for side in self.sides[id(kpi)])
            if isinstance(kpi, ProductOfKpis):
                found = product((top, *times), bottom, say(kpi.empty))
            elif isinstance(kpi, DifferenceOfKpis):
                found = less(top, bottom)
            else:
                sheets = [self.sheets[id(side)] for side in self.sides[id(kpi)]]
                chosen = {
                    k: v for s in sheets if isinstance(s, Sheet) for k, v in s.ask.terms.options.items()
                }
                found = quotient(top, bottom, say(kpi.empty, **chosen))
        else:
            sheet = self.sheets[id(kpi)]
            found = Number.none(sheet) if isinstance(sheet, str) else sheet.number(part, by, piece)
        steps = getattr(self.company, "steps", ())
        if found.reason is not None or (by is None and not steps):
            return found
        shares = self._shares(kpi, part, by, piece)
        return told(kpi, found, shares, missing=None in (by or ()) or any(v is None for _, v in steps))

    def _quantities(self, kpi: AnyKpi) -> tuple[Quantity, ...]:
        found: tuple[Quantity, ...] = self._once(
            ("of", id(kpi)), lambda: quantities(kpi, self.sides.get(id(kpi), ()), whole_of(self.company))
        )
        return found

    def _shares(self, kpi: AnyKpi, part: int, by: By, piece: int | None) -> list[Share]:
        """Give how much of what a figure is made of names no value of the dimensions that the part is one of."""
        found = []
        for of in self._quantities(kpi):
            for number, dimension in enumerate(self.by if by is not None else ()):
                key = ("way", of.kpi.relation, dimension)
                way = self._once(key, partial(way_by, self.company, of.kpi, dimension))
                found.append(Share(of, way, self._unplaced(of, number, part, piece)))
        return found + self._shares_of_the_steps(kpi, part, piece)

    def _shares_of_the_steps(self, kpi: AnyKpi, part: int, piece: int | None) -> list[Share]:
        if not getattr(self.company, "steps", ()) or not self._quantities(kpi):
            return []
        whole = self._once("whole", self._of_the_whole)
        return [
            Share(of, whole.company.way(of.kpi, number), whole._unplaced(of, number, part, piece))
            for of in whole._quantities(kpi)
            for number in range(len(whole.by))
        ]

    def _unplaced(self, of: Quantity, number: int, part: int, piece: int | None) -> float:
        sheet = self.sheets[id(of.kpi)]
        if isinstance(sheet, str):
            return 0.0
        key = (id(of.kpi), of.role, number, part, piece)
        found: float = self._once(key, lambda: unplaced(sheet, of, number, part, piece))
        return found

    def _of_the_whole(self) -> _Question:
        """Put the question to the whole company, by whether a row names any value that the company is narrowed by."""
        whole, asked = Flagged(self.company), self.asked
        kpis = [kpi for kpi in asked.wanted if self._quantities(kpi)]
        return _Question.of(
            whole, kpis, asked.period, whole.marks, asked.grain, asked.compare, asked.catalogue, spread=False
        )

    def _once(self, key: Any, make: Callable[[], Any]) -> Any:
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]


def _rows(q: _Question, kpi: AnyKpi, part: int = 0) -> list[KpiValue]:
    """Give a KPI's rows of the period that was asked for, or of one that it is compared with, as if asked alone."""
    plain = list(q.sides[id(kpi)]) if isinstance(kpi, RatioOfKpis) else [kpi]
    whole = q.parts[part]
    gone = dict.fromkeys(name for side in plain for name in side.missing(q.company))
    stopped = next((s for side in (kpi, *plain) if isinstance(s := q.sheets.get(id(side)), str)), None)
    if len(plain) > 1 and gone:  # what all sides lack, not what the first one does
        stopped = lacks(q.company, tuple(gone))
    blocked = next(
        (s.blocked for side in plain if isinstance(s := q.sheets[id(side)], Sheet) and s.blocked), None
    )
    if stopped is not None or blocked:
        return [_row(q, kpi, whole.period, None, {}, Number.none(stopped or blocked or ""))]
    rows = []
    lacking = next((q.lacking[id(side)] for side in (kpi, *plain) if id(side) in q.lacking), None)
    beyond = any(
        s.out_of_time(whole.period, whole=True)
        for side in plain
        if isinstance(s := q.sheets[id(side)], Sheet)
    )
    slices: list[By] = [None, *([] if lacking or beyond else q.slices(plain, part or None))]
    compared = len(q.parts) > 1 and not part
    later = written_later(q.company, plain, () if lacking else q.by) if compared else (None, None)
    for by in slices:
        named = dict(zip(q.by, by or (), strict=False))
        now = q.number(kpi, part, by, None)
        row = _row(q, kpi, whole.period, None, named, now)
        then = [(p.period.label, q.number(kpi, i, by, None)) for i, p in enumerate(q.parts) if i and not part]
        unlike = [label for label, other in then if other.unrecorded and not now.unrecorded]
        if unlike:
            row = replace(
                row,
                method=say(
                    "{method}; not compared with {unlike}, recorded in part only",
                    method=row.method,
                    unlike=", ".join(unlike),
                ),
            )
        found = [change(now, other, label, kpi.unit) for label, other in then]
        column = later[0] or (later[1] if by else None)
        if column is not None and any(c.value is not None for c in found):
            found = [Change(label, None, None, None, None) for label, _ in then]
            row = replace(row, method=not_compared(row.method, [label for label, _ in then], column))
        rows.append(replace(row, changes=tuple(found)))
        for number, piece in enumerate(whole.pieces):
            rows.append(_row(q, kpi, piece, whole.grain, named, q.number(kpi, part, by, number)))
    if lacking:
        rows.append(_row(q, kpi, whole.period, None, dict.fromkeys(q.by), Number.none(lacking)))
    return rows


def _shared(kpi: Kpi) -> tuple[Any, ...]:
    """Give what KPIs must share to be answered by one query: kind, relation, date, and what stands or is told."""
    if isinstance(kpi, KpiOfRows):
        return RowCube, kpi.relation, kpi.date, kpi.columns, kpi.where, kpi.left, kpi.cluster, kpi.alone
    kind = ClientPeriods if kpi.lookback else Cube if kpi.standing is None else StockCube
    return kind, kpi.relation, kpi.date, kpi.standing


def _merged(
    groups: Mapping[tuple[Any, ...], list[Ask]], company: Measured
) -> dict[tuple[Any, ...], list[Ask]]:
    """Let what asks of a relation be answered with what asks of one that extends it."""
    merged = {key: [*asks] for key, asks in groups.items()}
    for kind, name, *rest in groups:
        base = RELATIONS[name].extends(company) if name in RELATIONS else None
        if base is not None and (kind, base, *rest) in merged:
            merged[kind, name, *rest] += merged.pop((kind, base, *rest))
    return merged


def _ending(parts: Sequence[Part], until: date | None) -> tuple[Part, ...]:
    """Give the parts cut where the data ends: a stock beyond it is not known."""
    return tuple(
        replace(p, cap=min(d for d in (p.cap, until) if d is not None)) if until else p for p in parts
    )


def _row(
    q: _Question, kpi: AnyKpi, period: Period, grain: str | None, by: Mapping[str, Any], found: Number
) -> KpiValue:
    reason = found.reason
    return KpiValue(
        kpi=kpi.id,
        title=say(kpi.titled(period)),
        by=by,
        period=period.label,
        grain=grain,
        start=period.start.isoformat(),
        to=period.last.isoformat(),
        value=None if reason else found.value,
        low=None if reason else found.low,
        high=None if reason else found.high,
        level=0.95,
        n=found.n,
        top=found.top,
        bottom=found.bottom,
        unit=kpi.unit,
        method=found.method,
        better=kpi.better,
        owners=with_owners(kpi, q.company.settings.owners_of(kpi.id)),
        censored=found.censored,
        immature=found.immature,
        spread=found.spread,
        status="not_available" if reason else "ok",
        reason=reason,
    )


def _parts(
    company: Measured, period: Period | str, grain: str | None, compare: Sequence[Period] | str
) -> tuple[Part, ...]:
    if grain is not None and grain not in GRAINS:
        raise ParameterError(f"There is no grain '{grain}'. {did_you_mean(grain, GRAINS)}")
    settings = company.settings
    asked = settings.period(period, as_of=company.as_of) if isinstance(period, str) else period
    others = compare_periods(compare or None, asked)
    cap = company.as_of_of(())
    pieces = asked.split(grain) if grain is not None else ()
    return (Part(asked, pieces, grain, cap), *(Part(p, cap=cap) for p in others))


def _note(company: Measured, kpi: Kpi) -> str:
    if kpi.relation == "sales" and reach.tables_of(company, kpi)[0] == ("opportunities",):
        return say("sales lines are won opportunities, for want of orders")
    return ""
