"""`measure`: KPIs of a company for a period, by slices, along a grain, against other periods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from alignment_toolkit.errors import MissingTable, ParameterError, UnknownName, did_you_mean
from alignment_toolkit.kpi.cells import Ask
from alignment_toolkit.kpi.client_periods import ClientPeriods
from alignment_toolkit.kpi.cube import By, Cube, Part
from alignment_toolkit.kpi.dimensions import attach, home_of
from alignment_toolkit.kpi.kinds import (
    DifferenceOfKpis,
    Kpi,
    ProductOfKpis,
    RatioOfKpis,
    Terms,
    whole_of,
    with_owners,
)
from alignment_toolkit.kpi.of_rows import KpiOfRows, RowCube
from alignment_toolkit.kpi.stock import StockCube
from alignment_toolkit.kpi.values import Number, Sheet, change, less, product, quotient
from alignment_toolkit.languages import say
from alignment_toolkit.periods import GRAINS, Period, compare_periods
from alignment_toolkit.relations import RELATIONS, Source, client_tables, day
from alignment_toolkit.relations.telling import lacks, why
from alignment_toolkit.results import KpiValue
from alignment_toolkit.tables import TABLES

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import Table

__all__ = ["Measured", "measure", "measure_both", "queries"]

AnyKpi: TypeAlias = Kpi | RatioOfKpis


class Measured(Source, Protocol):
    """What `measure` needs of a company; the toolkit's Company is one."""

    @property
    def currency(self) -> str:
        """Give the company's currency."""

    @property
    def as_of(self) -> date | None:
        """Give the last day for which all tables are complete."""

    def relation(self, name: str) -> Table:
        """Give a canonical table or a derived relation."""

    def complete_until(self, table: str) -> date | None:
        """Give the last day for which a table is complete."""

    def as_of_of(self, tables: Sequence[str]) -> date | None:
        """Give the last day for which these tables are complete; of none of them the company's own limit."""

    def fetch(self, expr: Any, *, limit: int = ...) -> pd.DataFrame:
        """Bring rows from the engine."""


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


@dataclass
class _Question:
    company: Measured
    parts: tuple[Part, ...]
    by: tuple[str, ...]
    sheets: dict[int, Sheet | str]
    sides: dict[int, tuple[Kpi, ...]]
    lacking: dict[int, str]
    cubes: list[Cube]

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
        q = cls(company, parts, by, {}, {}, {}, [])
        groups: dict[tuple[Any, ...], list[Ask]] = {}
        for kpi in wanted:
            for side, options in q._plain(kpi, catalogue):
                if id(side) in q.sheets:
                    continue
                gone = side.missing(company)
                if gone:
                    q.sheets[id(side)] = lacks(company, gone)
                    continue
                q.sheets[id(side)] = ""
                found = Ask(id(side), side, _terms(company, side, options))
                groups.setdefault(_shared(side), []).append(found)
        unknown: list[UnknownName] = []
        firsts: dict[tuple[str, str], date | None] = {}
        for (kind, relation, when, *_), asks in _merged(groups, company).items():
            try:
                t = company.relation(relation)
            except MissingTable as e:
                q.sheets.update({a.number: why(e) for a in asks})
                continue
            dims = by
            try:
                t = attach(company, relation, t, by)
            except UnknownName as e:
                unknown.append(e)
                dims = ()
                q.lacking.update({a.number: str(e) for a in asks})
            home, until = home_of(relation, company)[-1], _until(company, asks[0].kpi)
            ends = _ending(parts, until) if kind is StockCube else parts
            told = {"spread": spread, "sliced_pieces": sliced_grain}
            cube = kind(t, when, asks, ends, len(dims), home=home, **told)
            q.cubes.append(cube)
            if not ask:
                continue
            answer = cube.answer(company.fetch(cube.query))
            for a in asks:
                blocked, note = _blocked(company, a), _note(company, a.kpi)
                if a.kpi.requires is not None and not answer.fact(a, "requires"):
                    blocked = blocked or say(a.kpi.requires_words)
                undated = any(t in _undated(company) for t in _tables(company, a.kpi)[0])
                q.sheets[a.number] = Sheet(
                    a,
                    answer,
                    until,
                    blocked,
                    note,
                    undated,
                    recorded_from=_recorded_from(company, a.kpi, firsts),
                )
        if unknown and len(unknown) == len(q.cubes):
            raise unknown[0]
        return q

    def _plain(self, kpi: AnyKpi, catalogue: Mapping[str, Any] | None) -> list[tuple[Kpi, dict[str, Any]]]:
        options = self.company.settings.kpi_options(kpi.id)
        chosen = kpi.configured(options)
        if isinstance(kpi, Kpi):
            return [(kpi, chosen)]
        self.sides[id(kpi)] = kpi.sides(catalogue)
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
        """Give one number of a KPI or of a ratio of two."""
        if isinstance(kpi, RatioOfKpis):
            top, bottom, *times = (self.number(side, part, by, piece) for side in self.sides[id(kpi)])
            if isinstance(kpi, ProductOfKpis):
                return product((top, *times), bottom, kpi.empty)
            return (
                less(top, bottom) if isinstance(kpi, DifferenceOfKpis) else quotient(top, bottom, kpi.empty)
            )
        sheet = self.sheets[id(kpi)]
        return Number.none(sheet) if isinstance(sheet, str) else sheet.number(part, by, piece)


def _rows(q: _Question, kpi: AnyKpi, part: int = 0) -> list[KpiValue]:
    """Give a KPI's rows of the period that was asked for, or of one that it is compared with, as if asked alone."""
    plain = list(q.sides[id(kpi)]) if isinstance(kpi, RatioOfKpis) else [kpi]
    whole = q.parts[part]
    stopped = next((s for side in plain if isinstance(s := q.sheets[id(side)], str)), None)
    blocked = next(
        (s.blocked for side in plain if isinstance(s := q.sheets[id(side)], Sheet) and s.blocked), None
    )
    if stopped is not None or blocked:
        return [_row(q, kpi, whole.period, None, {}, Number.none(stopped or blocked or ""))]
    rows = []
    lacking = next((q.lacking[id(side)] for side in plain if id(side) in q.lacking), None)
    beyond = any(
        s.out_of_time(whole.period, whole=True)
        for side in plain
        if isinstance(s := q.sheets[id(side)], Sheet)
    )
    slices: list[By] = [None, *([] if lacking or beyond else q.slices(plain, part or None))]
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
        rows.append(replace(row, changes=tuple(change(now, other, label, kpi.unit) for label, other in then)))
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


def _tables(company: Measured, kpi: Kpi) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Name the tables that date a KPI's rows, and those that its outcome comes from."""
    if kpi.relation not in RELATIONS:
        return (kpi.relation,), (kpi.relation,)
    relation = RELATIONS[kpi.relation]
    return relation.dated_by(whole_of(company)), relation.outcome_tables(whole_of(company))


def _as_of(company: Measured, tables: Sequence[str]) -> date | None:
    """Give the last day for which these tables are complete; None where none of them says how far it goes."""
    known = [t for t in tables if company.complete_until(t) is not None]
    return company.as_of_of(known) if known else None


def _until(company: Measured, kpi: Kpi) -> date | None:
    """Give the day that a KPI's rows are complete until; where its table can't say, that of the company."""
    dated_by, _ = _tables(company, kpi)
    found = _as_of(company, dated_by)
    if found is None and not any(t in TABLES and TABLES[t].event_columns for t in dated_by):
        found = company.as_of
    return found


def _terms(company: Measured, kpi: Kpi, options: Mapping[str, Any]) -> Terms:
    _, outcomes = _tables(company, kpi)
    known = [d for t in outcomes if (d := _as_of(company, (t,))) is not None]
    return Terms(
        as_of=_as_of(company, outcomes),
        known_until=max(known) if known else None,
        warm_until=_warm_until(company) if kpi.warm_up else None,
        currency=company.currency,
        options=options,
        calendar=company.settings.working_calendar() if isinstance(kpi, KpiOfRows) else None,
    )


def _warm_until(company: Measured) -> date | None:
    """Give the day from which clients count as new: the beginning of the data and the days to leave out."""
    days = company.settings.company.warm_up_days
    if not days:
        return None
    whole = whole_of(company)
    firsts = []
    for table, column in (
        ("orders", "ordered_at"),
        ("opportunities", "closed_at"),
        ("leads", "converted_at"),
    ):
        if table in client_tables(whole):
            t = whole[table]
            firsts += list(company.fetch(t.aggregate(first=day(t[column]).min()))["first"].dropna())
    if not firsts:
        return None
    first: date = min(v.date() if isinstance(v, datetime) else v for v in firsts)
    return first + timedelta(days=days)


_OUTCOMES = {
    "orders": "ordered_at",
    "opportunities": "closed_at",
    "leads": "converted_at",
    "touches": "touched_at",
}


def _recorded_from(company: Measured, kpi: Kpi, known: dict[tuple[str, str], date | None]) -> date | None:
    """Give the day from which all tables that a share of leads has its outcomes from hold outcomes.

    `known` are the first days that were asked for already, by table and column.
    """
    if not kpi.takes_time or kpi.rising:
        return None
    firsts = []
    own = _tables(company, kpi)[0] if kpi.outcome is not None else ()
    for table in own or _tables(company, kpi)[1]:
        column = kpi.outcome or _OUTCOMES.get(table)
        if column is not None and company.has(table, column):
            if (table, column) not in known:
                known[table, column] = _first_day(company, table, column)
            firsts.append(known[table, column])
    return max((d for d in firsts if d is not None), default=None)


def _first_day(company: Measured, table: str, column: str) -> date | None:
    t = company.relation(table)
    found = company.fetch(t.aggregate(first=day(t[column]).min()))["first"]
    days = [v.date() if isinstance(v, datetime) else v for v in found if v is not None and v == v]
    return days[0] if days else None


def _blocked(company: Measured, ask: Ask) -> str | None:
    """Say why a KPI whose outcome takes time can't be judged at all."""
    if not ask.kpi.takes_time:
        return None
    dated_by, outcomes = _tables(company, ask.kpi)
    undated = [t for t in (*dated_by, *outcomes) if t in _undated(company)]
    if undated:
        return say("{undated} is undated: its date is the same in every row", undated=undated[0])
    if ask.terms.as_of is None:
        return say("nothing says how far {outcomes} go: no dated rows", outcomes=" and ".join(outcomes))
    return None


def _undated(company: Measured) -> frozenset[str]:
    found: frozenset[str] = getattr(company, "undated", frozenset())
    return found


def _note(company: Measured, kpi: Kpi) -> str:
    if kpi.relation == "sales" and _tables(company, kpi)[0] == ("opportunities",):
        return say("sales lines are won opportunities, for want of orders")
    return ""
