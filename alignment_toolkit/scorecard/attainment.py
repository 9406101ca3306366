"""How far a KPI is on its way to a target, and how likely it gets there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final, Literal, TypeAlias, cast

from alignment_toolkit.kpi import Kpi, RatioOfKpis, measure
from alignment_toolkit.languages import noted, say
from alignment_toolkit.periods import Period
from alignment_toolkit.relations import RELATIONS
from alignment_toolkit.results import KpiValue
from alignment_toolkit.statistics.targets import (
    Projection,
    level_beyond,
    project_ratio,
    project_share,
    project_total,
)

__all__ = ["Attainment", "attain", "ratio_to_target"]

Side: TypeAlias = Literal["top", "bottom"]
DISTINCT: Final = noted("it counts clients or orders of the whole period, which days can't be added up to")
PACE: Final = 56  # days that the pace is taken from where the period itself is younger
AnyKpi = Kpi | RatioOfKpis


@dataclass(frozen=True)
class Attainment:
    """A KPI against its target.

    Attributes
    ----------
    attainment, low, high
        1 = target reached. Of a finished period the KPI and its interval over the target: what the process behind the
        number would attain. Of a period that is not finished the projected end and its prediction interval.
    basis
        ``counted`` or ``projected``, with what it assumes; or why there is none.
    reached
        Whether the final number is at or beyond the target; None while it is not final.
    chance
        The probability that the final number is at or beyond it: 1 or 0 once it is final.
    confidence
        How sure it is that the level of the process, not this period's number, is at or beyond the target.
    projected
        The expected end with its prediction interval, while the number is not final.
    """

    attainment: float | None
    low: float | None
    high: float | None
    basis: str
    status: Literal["ok", "not_available"]
    reason: str | None
    reached: bool | None
    chance: float | None
    confidence: float | None
    projected: tuple[float, float, float] | None


def ratio_to_target(value: float, target: float, better: str) -> float | None:
    """Give the attainment of a value: value / target, or target / value where lower is better.

    Neither says anything where the target, or the value that is divided by, is not positive.

    Examples
    --------
    >>> ratio_to_target(80, 100, "higher"), ratio_to_target(80, 100, "lower")
    (0.8, 1.25)
    >>> ratio_to_target(80, 0, "higher") is None
    True
    """
    if target <= 0:
        return None
    if better == "higher":
        return value / target
    return target / value if value > 0 else None


def attain(
    company: Any,
    kpi: AnyKpi,
    row: KpiValue,
    target: float,
    period: Period,
    catalogue: Mapping[str, Any] | None = None,
) -> Attainment:
    """Hold a measured KPI against a target.

    Parameters
    ----------
    company
        The company that it was measured of, from which the days so far are asked where the period is not over.
    row
        The KPI of the whole period.
    target
        The plan's target, in the KPI's unit.
    catalogue
        KPIs by id, for ratios that name their sides.
    """
    if row.unit == "share" and not -2 <= target <= 2:
        return _none(f"the target {target:g} is no share; 30 % is written 0.3")
    until = _until(company, kpi, catalogue)
    running = until is not None and until < period.last
    if row.immature or running:
        found = _projected(company, kpi, row, period, until, catalogue, running=running)
        if isinstance(found, str):
            return _none(found)
        return _of_projection(found, kpi, row, target)
    if row.status != "ok" or row.value is None:
        return _none(row.reason or say("no value"))
    reached = row.value >= target if row.better == "higher" else row.value <= target
    sure = level_beyond(
        row.value,
        row.low,
        row.high,
        target,
        unit=row.unit,
        better=cast('Literal["higher", "lower"]', row.better),
    )
    there = replace(_none(""), reached=reached, chance=float(reached), confidence=sure)
    return _with_ratio(
        there, (row.value, row.low, row.high), target, row.better, say("counted: the period is over")
    )


def _of_projection(found: Projection, kpi: AnyKpi, row: KpiValue, target: float) -> Attainment:
    better = cast('Literal["higher", "lower"]', row.better)
    sure = level_beyond(row.value, row.low, row.high, target, unit=row.unit, better=better)
    # A sum so far is no estimate of the whole period's level, nor is one that is divided by another.
    comparable = isinstance(kpi, Kpi) and row.bottom is not None
    there = replace(
        _none(""),
        chance=found.chance(target, better),
        confidence=sure if comparable else None,
        projected=(found.value, found.low, found.high),
    )
    ends = (found.value, found.low, found.high)
    return _with_ratio(there, ends, target, row.better, say("projected: {method}", method=say(found.method)))


def _with_ratio(
    there: Attainment,
    numbers: tuple[float, float | None, float | None],
    target: float,
    better: str,
    basis: str,
) -> Attainment:
    """Put the ratios in; an end that the ratio can't be taken of is open, hence no interval."""
    value = ratio_to_target(numbers[0], target, better)
    if value is None:
        what = "target" if target <= 0 else "value"
        reason = say(
            "a {what} of 0 or less has no attainment; whether the target is reached can still be said",
            what=what,
        )
        return replace(there, basis=basis, reason=reason)
    first, second = (None if n is None else ratio_to_target(n, target, better) for n in numbers[1:])
    low, high = (first, second) if better == "higher" else (second, first)
    if low is None or high is None:
        low = high = None
    return replace(there, attainment=value, low=low, high=high, basis=basis, status="ok", reason=None)


def _none(reason: str) -> Attainment:
    return Attainment(None, None, None, "", "not_available", reason, None, None, None, None)


def _until(company: Any, kpi: AnyKpi, catalogue: Mapping[str, Any] | None) -> date | None:
    """Give the last day that the rows of a KPI are complete for."""
    sides = kpi.sides(catalogue) if isinstance(kpi, RatioOfKpis) else (kpi,)
    tables: list[str] = []
    for side in sides:
        name = getattr(side, "relation", None)
        if name in RELATIONS:
            tables += RELATIONS[name].dated_by(getattr(company, "whole", company))
        elif name is not None:
            tables.append(name)
    known = [t for t in tables if company.complete_until(t) is not None]
    found: date | None = company.as_of_of(known) if known else company.as_of
    return found


def _projected(
    company: Any,
    kpi: Any,
    row: KpiValue,
    period: Period,
    until: date | None,
    catalogue: Mapping[str, Any] | None,
    *,
    running: bool,
) -> Projection | str:
    if row.status != "ok" or row.value is None:
        return row.reason or say("no value so far")
    if getattr(kpi, "rising", False):
        return say("the number rises for as long as data comes, so it has no end to project")
    sides = kpi.sides(catalogue) if isinstance(kpi, RatioOfKpis) else (kpi,)
    stands = any(getattr(s, "standing", None) is not None or getattr(s, "lookback", False) for s in sides)
    # Sums, ratios of sums and quotients; what is built on them may be anything.
    if type(kpi) not in (Kpi, RatioOfKpis) or stands:
        return say("the period is not over, and a number of this kind is not projected")
    if until is None or until < period.start:
        return say("nothing of the period is known yet")
    parts = isinstance(kpi, Kpi) and kpi.bottom is not None
    if not running and not parts:
        return say("the number is not final, and how much of it is missing is not known")
    days = _Days.of(company, kpi, period, until, catalogue) if running else None
    if parts or days is None:
        return _share_at_end(kpi, row, days, period, until)
    names: tuple[Side, ...] = ("top", "bottom") if len(sides) > 1 else ("top",)
    ends = [
        _sum_at_end(days, row, period, until, name, whole=side.unit == "count")
        for name, side in zip(names, sides, strict=True)
    ]
    said = [e for e in ends if isinstance(e, str)]
    if said:
        return said[0]
    found = [e for e in ends if isinstance(e, Projection)]
    return found[0] if len(found) == 1 else project_ratio(found[0], found[1])


def _share_at_end(
    kpi: Kpi, row: KpiValue, days: _Days | None, period: Period, until: date
) -> Projection | str:
    """Project a ratio whose rows are known in part: those too young to judge, and those still to come."""
    if row.value is None or row.low is None or row.high is None or not row.bottom:
        return say("no interval so far: {method}", method=say(row.method))
    if row.low == row.high:
        return say("it is booked, not drawn, and what is still to be booked is not known")
    if days is None and not row.censored:
        return say("the number is not final, and how much of it is missing is not known")
    known, expected = float(row.bottom), float(row.bottom + row.censored)
    if days is not None:
        if not (days.adds_up("top") and days.adds_up("bottom")):
            return say(DISTINCT)
        # Days pass evenly; the rows to come are those of the days to come.
        expected *= period.days / ((until - period.start).days + 1)
    what = kpi.n_unit if row.censored else say("the period's {n_unit}", n_unit=say(kpi.n_unit))
    return project_share(row.value, row.low, row.high, to_come=1 - known / expected, unit=row.unit, what=what)


def _sum_at_end(
    days: _Days, row: KpiValue, period: Period, until: date, side: Side, *, whole: bool
) -> Projection | str:
    daily = days.sums(side)
    if not daily:
        return say("nothing of it by day")
    done = float(getattr(row, side) or 0)
    inside = math.fsum(v for d, v in daily.items() if d >= period.start)
    if not days.adds_up(side) or not _same(inside, done):
        return say(DISTINCT)
    return project_total(daily, done=done, last=until, end=period.end, whole=whole)


@dataclass(frozen=True)
class _Days:
    """A KPI day by day up to the last day known: from the period's beginning, or the last 56 days if that is more."""

    total: KpiValue
    days: Sequence[KpiValue]

    @classmethod
    def of(
        cls, company: Any, kpi: AnyKpi, period: Period, until: date, catalogue: Mapping[str, Any] | None
    ) -> _Days:
        begin = min(period.start, until - timedelta(days=PACE - 1))
        span = company.settings.period(f"{begin}..{until}")
        rows = measure(company, [kpi], span, grain="day", catalogue=catalogue, spread=False)
        whole = [r for r in rows if not r.by]
        return cls(whole[0], [r for r in whole if r.grain == "day"])

    def sums(self, side: Side) -> dict[date, float]:
        """Give top or bottom by day, from the first day on that the data reaches to."""
        first = next((i for i, d in enumerate(self.days) if getattr(d, side) is not None), len(self.days))
        return {date.fromisoformat(d.start): float(getattr(d, side) or 0) for d in self.days[first:]}

    def adds_up(self, side: Side) -> bool:
        """Say whether the days add up to their whole: what is counted once in both does not."""
        return _same(math.fsum(self.sums(side).values()), float(getattr(self.total, side) or 0))


def _same(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-6 * max(1.0, abs(b))
