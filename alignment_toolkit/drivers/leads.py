"""Quality or handling? The change in lead-to-client by mix of leads and rate within like leads; new clients by lead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import ibis
import numpy as np
from numpy.typing import NDArray

from alignment_toolkit.drivers.measured import Measurements, Refused, comparable
from alignment_toolkit.drivers.result import Driver, SplitChange, judged
from alignment_toolkit.errors import ParameterError
from alignment_toolkit.kpi import Kpi, measure
from alignment_toolkit.kpi.clusters import MOST, rows_of
from alignment_toolkit.kpi.dimensions import dimension_column
from alignment_toolkit.kpi.judged import not_asked
from alignment_toolkit.kpi.kinds import call
from alignment_toolkit.kpi.reach import Measured
from alignment_toolkit.languages import say, term
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Estimate, clean_value
from alignment_toolkit.statistics.decomposition import mix_and_rate
from alignment_toolkit.statistics.shares import difference, poisson_count
from alignment_toolkit.statistics.simpson import simpson_paradox

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import Table

__all__ = [
    "COHORTS",
    "LEAD_DRIVERS",
    "new_clients_by_lead",
    "quality_or_handling",
    "quality_or_handling_between",
]

STRATA: Final = ("marketing_score", "channel")
BAND: Final = 20  # a score from 0 to 100 in five bands
PER_GROUP: Final = 10  # leads that a group must hold on average, on the side with fewer

MIX: Final = Driver("mix of leads", {"marketing": 1.0})
RATE: Final = Driver("rate within like leads", {"marketing": 0.2, "sales": 0.8})
TOGETHER: Final = Driver("mix and rate together", {"marketing": 0.5, "sales": 0.5})
WITH_LEAD: Final = {"marketing": 0.5, "sales": 0.5}
LEAD_DRIVERS: Final = (MIX, RATE, TOGETHER)
COHORTS: Final = (
    Driver("from leads of the period", WITH_LEAD),
    Driver("from leads of the period before", WITH_LEAD),
    Driver("from older leads", WITH_LEAD),
    Driver("without lead", {"sales": 1.0}),
)

Group = tuple[Any, ...]


@dataclass(frozen=True)
class _Cells:
    """Episodes and conversions by group on both sides, and the same by cluster."""

    groups: tuple[Group, ...]
    sums: NDArray[
        np.float64
    ]  # converted then, episodes then, converted now, episodes now; a column per group
    rows: NDArray[np.float64]
    weights: NDArray[np.float64]


def quality_or_handling(
    measured: Measurements,
    then: Period,
    now: Period,
    *,
    strata: Sequence[str] = STRATA,
) -> SplitChange | Refused:
    """Split the change in lead-to-client into what came in and what became of it.

    Leads are alike where they share the strata (by default the band of marketing's score and the channel): those that
    the company has, and only as many as leave ten leads to a group on average. The mix of leads is what would have
    changed had every group kept its rate; the rate within like leads what would have changed had the mix stayed; what
    only both together make stands by itself (Kitagawa 1955).
    """
    kpi = measured.catalogue.get("lead-to-client")
    if not isinstance(kpi, Kpi):
        return Refused("lead-to-client", say("needs the KPI lead-to-client"))
    both = comparable(measured, [kpi], then, now, kpi.id)
    if isinstance(both, Refused):
        return both
    company = measured.company
    rows, asks = rows_of(company, [kpi], then, now)
    cells = _cells(company, rows, asks[0], strata)
    if isinstance(cells, str):
        return Refused(kpi.id, cells)
    rates = [float(side[kpi.id, ()].value or 0.0) for side in both]
    return _split(company, kpi, cells, strata, then.label, now.label, rates)


def quality_or_handling_between(
    measured: Measurements,
    period: Period,
    dimension: str,
    one: Any,
    other: Any,
    *,
    strata: Sequence[str] = STRATA,
) -> SplitChange | Refused:
    """Split the difference in lead-to-client between two channels, regions or teams, `other` minus `one`, likewise.

    Raises
    ------
    ParameterError
        Where the period has no leads of a value.
    """
    kpi = measured.catalogue.get("lead-to-client")
    if not isinstance(kpi, Kpi):
        return Refused("lead-to-client", say("needs the KPI lead-to-client"))
    company = measured.company
    row = measure(company, kpi, period, spread=False)[0]
    if row.status != "ok" or row.immature:
        why = row.reason or say("cases too young to judge")
        return Refused(
            kpi.id,
            say("{title} in {period}: {why}", title=row.title, period=row.period, why=why),
            row.censored > 0,
        )
    reason = not_asked(company, kpi, (dimension,))
    if reason is not None:
        return Refused(kpi.id, reason)
    rows, asks = rows_of(company, [kpi], period, period, (dimension,))
    at = rows[dimension_column(0)]
    rows = rows.filter(rows.part == 1, at.isin([one, other]))
    rows = rows.mutate(part=(rows[dimension_column(0)] == other).ifelse(1, 0))
    per_side = rows.group_by("part").aggregate(n=call(kpi.bottom or kpi.top, rows, asks[0].terms))
    seen = {int(r["part"]) for r in company.fetch(per_side).to_dict("records") if r["n"]}
    for side, value in enumerate((one, other)):
        if side not in seen:
            raise ParameterError(
                f"There are no leads with {dimension} = {value!r} in {period.label} that are old enough. "
                "Measure lead-to-client by this dimension to see its values."
            )
    own = tuple(s for s in strata if s != dimension.rpartition(".")[2])
    cells = _cells(company, rows, asks[0], own)
    if isinstance(cells, str):
        return Refused(kpi.id, cells)
    totals = cells.sums.sum(axis=1)
    rates = [float(totals[0] / totals[1]), float(totals[2] / totals[3])]
    return _split(company, kpi, cells, own, f"{period.label}, {one}", f"{period.label}, {other}", rates)


def _split(
    company: Measured,
    kpi: Kpi,
    cells: _Cells,
    strata: Sequence[str],
    from_: str,
    to: str,
    rates: Sequence[float],
) -> SplitChange | Refused:
    k = len(cells.groups)

    def parts(sums: Any) -> list[float]:
        return [100 * v for v in mix_and_rate(*np.reshape(sums, (4, k))).parts.values()]

    total = 100 * mix_and_rate(*cells.sums).total
    if abs(total - 100 * (rates[1] - rates[0])) > 1e-9:
        return Refused(kpi.id, say("the groups of leads do not add up to the figure itself"))
    told, by_owner, how = judged(
        parts, cells.sums.ravel(), LEAD_DRIVERS, company.settings, cells.rows, weights=cells.weights,
        n_unit="leads", unit="points",
    )  # fmt: skip
    words = [term(s.rpartition(".")[2]).replace("_", " ") for s in strata[: len(cells.groups[0])]]
    named = say(" and ").join(words)
    method = say(
        "mix against rate (Kitagawa) over groups ({k}) by {named}; {how}",
        k=k,
        named=named or say("nothing"),
        how=how,
    )
    paradox = simpson_paradox(*cells.sums)
    if paradox.fires:
        moves = ("falls", "rises") if paradox.total < 0 else ("rises", "falls")
        method += say(
            "; Simpson's paradox: the total {moves}, but the rate {moves2} in {flipped} of {compared} "
            "groups of like leads",
            moves=moves[0],
            moves2=moves[1],
            flipped=paradox.flipped,
            compared=paradox.compared,
        )
    return SplitChange(kpi.id, kpi.title, {}, from_, to, method, "points", total, told, by_owner)


def _cells(company: Measured, rows: Table, ask: Any, strata: Sequence[str]) -> _Cells | str:
    there = [s for s in strata if s in rows.columns]
    if not there:
        return say(
            "nothing tells leads apart: needs {strata}", strata=" or ".join(f"leads.{s}" for s in strata)
        )
    names = [f"_s{i}" for i in range(len(there))]
    rows = rows.mutate(**{n: _band(rows, s) for n, s in zip(names, there, strict=True)})
    keys = ["part", *names, "_cluster", "_alone"]
    cells = rows.group_by(keys).aggregate(
        top=call(ask.kpi.top, rows, ask.terms), bottom=call(ask.kpi.bottom, rows, ask.terms)
    )
    cells = cells.filter(cells.bottom > 0)
    cells = cells.mutate(_n=cells.count().over(ibis.window(group_by=["_cluster", "_alone"])))
    alone = cells.filter(cells._n == 1)
    alone = alone.group_by(["part", *names, "top", "bottom"]).aggregate(weight=alone.count())
    several = cells.filter(cells._n > 1).drop("_n")
    one = company.fetch(alone, limit=MOST)
    many = company.fetch(several, limit=MOST)
    for used in range(len(names), 0, -1):
        found = _put_together(one, many, names[:used])
        fewer = min(found.sums[1].sum(), found.sums[3].sum())
        if fewer >= PER_GROUP * len(found.groups):
            return found
    return say(
        "too few leads to tell them apart: at least {per_group} in a group on average are needed",
        per_group=PER_GROUP,
    )


def _band(rows: Table, name: str) -> Any:
    if not rows[name].type().is_numeric():
        return rows[name]
    # The upper end belongs to the band below it, so that 100 is no band of its own.
    low = ((rows[name] - 1e-9) / BAND).floor().clip(lower=0) * BAND
    return low.cast("int64").cast("string")


def _put_together(one: pd.DataFrame, many: pd.DataFrame, names: Sequence[str]) -> _Cells:
    singles = [
        (tuple(clean_value(v) for v in key), int(part), float(top), float(bottom), float(weight))
        for key, part, top, bottom, weight in zip(
            _keys(one, names), one["part"], one["top"], one["bottom"], one["weight"], strict=True
        )
    ]
    by_cluster: dict[tuple[str, str], list[tuple[Group, int, float, float]]] = {}
    for key, part, top, bottom, cluster, alone in zip(
        _keys(many, names), many["part"], many["top"], many["bottom"], many["_cluster"], many["_alone"],
        strict=True,
    ):  # fmt: skip
        cell = (tuple(clean_value(v) for v in key), int(part), float(top), float(bottom))
        by_cluster.setdefault((str(cluster), str(alone)), []).append(cell)
    groups = sorted(
        {s[0] for s in singles} | {c[0] for cells in by_cluster.values() for c in cells},
        key=lambda g: [(v is None, str(v)) for v in g],
    )
    place = {g: i for i, g in enumerate(groups)}
    k = len(groups)
    rows = np.zeros((len(singles) + len(by_cluster), 4, k))
    for i, (group, part, top, bottom, _) in enumerate(singles):
        rows[i, 2 * part : 2 * part + 2, place[group]] += (top, bottom)
    for i, (_, cells) in enumerate(sorted(by_cluster.items()), start=len(singles)):
        for group, part, top, bottom in cells:
            rows[i, 2 * part : 2 * part + 2, place[group]] += (top, bottom)
    weights = np.array([*(s[4] for s in singles), *(1.0 for _ in by_cluster)])
    sums = np.tensordot(weights, rows, axes=1)
    return _Cells(tuple(groups), sums, rows.reshape(len(rows), 4 * k), weights)


def _keys(frame: pd.DataFrame, names: Sequence[str]) -> list[Group]:
    return list(frame[list(names)].itertuples(index=False, name=None))


def new_clients_by_lead(
    measured: Measurements,
    then: Period,
    now: Period,
) -> SplitChange | Refused:
    """Split the change in new clients by the cohort of the lead that brought them, and those without lead.

    The calendar's new clients are no product of this period's leads; they add up over the cohorts that they came from.
    """
    kpi = measured.catalogue.get("new-clients")
    if not isinstance(kpi, Kpi):
        return Refused("new-clients", say("needs the KPI new-clients"))
    if not measured.company.has("leads", "lead_id", "created_at"):
        return Refused(kpi.id, say("needs leads.created_at"))
    both = comparable(measured, [kpi], then, now, kpi.id)
    if isinstance(both, Refused):
        return both
    company = measured.company
    rows, asks = rows_of(company, [kpi], then, now)
    born, start = rows.lead_created_on, [ibis.literal(p.start) for p in (then, now)]
    before = [ibis.literal(p.previous().start) for p in (then, now)]
    at, earlier = ((rows.part == 0).ifelse(day[0], day[1]) for day in (start, before))
    rows = rows.mutate(_cohort=ibis.cases((born.isnull(), 3), (born >= at, 0), (born >= earlier, 1), else_=2))
    found = company.fetch(rows.group_by(["part", "_cohort"]).aggregate(n=call(kpi.top, rows, asks[0].terms)))
    counts = np.zeros((2, len(COHORTS)))
    for part, cohort, n in zip(found["part"], found["_cohort"], found["n"], strict=True):
        counts[int(part), int(cohort)] = float(n)
    if any(abs(c.sum() - (side[kpi.id, ()].value or 0)) > 0.5 for c, side in zip(counts, both, strict=True)):
        return Refused(kpi.id, say("the cohorts do not add up to the figure itself"))

    def parts(sums: Any) -> list[float]:
        return list(np.asarray(sums[len(COHORTS) :]) - np.asarray(sums[: len(COHORTS)]))

    told, by_owner, _ = judged(
        parts, counts.ravel(), COHORTS, company.settings, np.eye(counts.size), weights=counts.ravel(),
        n_unit="clients", unit="count",
    )  # fmt: skip
    # Small counts have intervals of their own, which the delta method would get wrong.
    told = tuple(
        replace(part, low=e.low, high=e.high)
        for part, e in zip(told, (_count_change(*pair) for pair in counts.T), strict=True)
    )
    total = float(counts[1].sum() - counts[0].sum())
    method = say(
        "counted by the cohort of the lead that opened the last episode; each client came by chance (Poisson)"
    )
    return SplitChange(kpi.id, kpi.title, {}, then.label, now.label, method, "count", total, told, by_owner)


def _count_change(then: float, now: float) -> Estimate:
    a, b = (poisson_count(n, n_unit="clients", unit="count") for n in (now, then))
    return difference(a, b)[0]
