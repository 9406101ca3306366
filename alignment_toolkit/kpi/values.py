"""From sums to numbers: value, interval, method, and the reason where there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import exp, hypot, log, prod
from typing import TYPE_CHECKING, Any, Final

from alignment_toolkit.kpi.cells import Ask
from alignment_toolkit.kpi.cube import PERCENTILES, Answer, By, Part
from alignment_toolkit.kpi.days import series
from alignment_toolkit.kpi.lapses import missed
from alignment_toolkit.kpi.of_rows import KpiOfRows
from alignment_toolkit.kpi.recorded import ALL_RECORDED, Recorded
from alignment_toolkit.kpi.stock import moment_of
from alignment_toolkit.languages import noted, say, say_count
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Change, Estimate, clean_number
from alignment_toolkit.statistics.bursts import event_count
from alignment_toolkit.statistics.inference import INFINITY, Gap
from alignment_toolkit.statistics.shares import (
    clustered_part,
    clustered_ratio,
    compound_total,
    difference,
    poisson_count,
    rows_where_all_agree,
    score_gap,
    wilson,
)

if TYPE_CHECKING:
    from alignment_toolkit.kpi.kinds import Kpi

__all__ = ["Number", "Sheet", "change", "less", "product", "quotient"]

FEWEST: Final = 10
FEWEST_ALIKE: Final = 5  # clusters of equal size that would vary as much
PROCESS: Final = noted("interval of the process that makes the clients and their purchases")


@dataclass(frozen=True)
class Number:
    """One number of a KPI for one slice and one stretch of time; `reason` says why there is no value.

    `exact` is the value before it is rounded to twelve digits: a number made of others starts from theirs, so that
    their rounding does not add up.
    """

    value: float | int | None
    low: float | None
    high: float | None
    n: int
    top: float | int | None
    bottom: float | int | None
    method: str
    reason: str | None = None
    censored: int = 0
    immature: bool = False
    spread: Mapping[str, float] | None = None
    unrecorded: bool = False
    exact: float | None = None

    @property
    def unrounded(self) -> float:
        """Give the value as it was before rounding, 0 where there is none."""
        return float((self.value or 0) if self.exact is None else self.exact)

    @classmethod
    def none(cls, reason: str, method: str = "", **more: Any) -> Number:
        """Give the number that is not available."""
        return replace(cls(None, None, None, 0, None, None, method, reason), **more)

    def estimate(self, unit: str) -> Estimate:
        """Give value and interval as an Estimate."""
        return Estimate(self.value, self.low, self.high, self.n, "rows", unit, self.method)


@dataclass(frozen=True)
class Sheet:
    """A KPI's part of the answer, together with how far its tables go.

    Attributes
    ----------
    until
        The last day for which the tables that date its rows are complete; None where nothing says so.
    blocked
        Why no number of this KPI can be had, whatever the period.
    note
        What every method of this KPI says beside the statistics.
    ends
        The last day of which any of these tables knows; None where nothing says so.
    cut
        The last day that counts, where the settings say how far one of these tables is complete.
    recorded
        From when on the outcomes are recorded; earlier rows look bad by construction, so they are never compared.
    undated
        Every row has the same date, which the mapping made up: neither grain nor comparison can be read from it.
    """

    ask: Ask
    answer: Answer
    until: date | None
    blocked: str | None = None
    note: str = ""
    undated: bool = False
    ends: date | None = None
    cut: date | None = None
    recorded: Recorded = ALL_RECORDED

    @property
    def kpi(self) -> Kpi:
        """Give the KPI."""
        return self.ask.kpi

    def number(self, part: int, by: By, piece: int | None) -> Number:
        """Give the number of one cell; a cell that no row fell into is a counted 0 where the data is complete."""
        asked = self.answer.cube.parts[part]
        period = asked.period if piece is None else asked.pieces[piece]
        reason = self.blocked or self.out_of_time(period, whole=part == 0 and piece is None)
        if reason:
            return Number.none(reason)
        cell = self.answer.cell(self.ask, part, by, piece)
        mixed = self._mixed(cell)
        found = (
            mixed
            or self._judged(cell)
            or _counted(self.kpi, cell, self._days(cell, asked, period), self._around(part, by, piece))
        )
        notes = [say(found.method), self.note]
        if self.kpi.left_out is not None and cell.get("left_out"):
            gone = int(cell["left_out"])
            share = say("{gone:.1f} %", gone=100 * gone / (gone + found.n))
            notes.append(say(self.kpi.left_out_words, n=gone, share=share))
        notes.append(say(self.kpi.says, **self.ask.terms.options))
        warm = self.ask.terms.warm_until if self.kpi.warm_up else None
        if warm is not None:
            notes.append(say("clients before {warm} left out: the data begins there", warm=warm))
        censored = int(cell.get("censored") or 0)
        reason = found.reason or (
            self.recorded.empty(period, found.n)
            if self.kpi.bottom is None
            else self.recorded.nought(period, found.value)
        )
        if isinstance(self.kpi, KpiOfRows):
            censored = found.censored
        elif mixed is None and reason and censored:
            reason = say(
                "{reason}: {censored} too young at {as_of}",
                reason=reason,
                censored=censored,
                as_of=self.ask.terms.as_of,
            )
        elif mixed is None and censored and self.kpi.whole:
            reason = say(
                "the cohort is not whole: of its {n_unit}, {censored} too young at {as_of}",
                censored=censored,
                n_unit=say(self.kpi.n_unit),
                as_of=self.ask.terms.as_of,
            )
        unknown_before = False
        if self.kpi.lookback:
            begins = self._begins()
            before = period.previous()
            unknown_before = begins is not None and before.start < begins
            if begins is not None and before.end <= begins:
                reason = say("data begins {begins}: nothing is known of the period before", begins=begins)
            elif unknown_before:
                notes.append(
                    say("of the period before only what is dated {begins} or later is known", begins=begins)
                )
        if self.kpi.rising:
            notes.append(say("known by {known_until}, still rising", known_until=self.ask.terms.known_until))
        notes.append(self.recorded.note(period))
        if not isinstance(self.kpi, KpiOfRows):
            notes.append(missed(self.ask.terms.lapses, period))
        if self.cut is not None and period.last > self.cut:
            notes.append(say("up to {cut}, until when the settings say the data is complete", cut=self.cut))
        if self.kpi.standing is not None:
            notes.append(self._as_known(asked, period))
        young = (
            (censored > 0 and not isinstance(self.kpi, KpiOfRows))
            or self.kpi.rising
            or (self.until is not None and period.last > self.until)
        )
        early = warm is not None and period.start < warm
        return replace(
            found,
            reason=reason,
            censored=censored,
            immature=young or early,
            method="; ".join(n for n in notes if n),
            spread=_spread(cell) if reason is None else None,
            unrecorded=self.recorded.in_part(period) or unknown_before,
        )

    def _days(self, cell: Mapping[str, Any], part: Part, period: Period) -> Any:
        """Give the numbers of each day of the stretch that there is data of; None where days say nothing."""
        if self.kpi.interval != "events" or self.undated:
            return None
        ends = [d for d in (period.last, part.cap, self.until) if d is not None]
        return series(cell.get("days"), max(period.start, self._begins() or period.start), min(ends))

    def _around(self, part: int, by: By, piece: int | None) -> Any:
        """Give the numbers of each day of the part that a shorter stretch is a piece of; None for the part itself."""
        if piece is None:
            return None
        asked = self.answer.cube.parts[part]
        return self._days(self.answer.cell(self.ask, part, by, None), asked, asked.period)

    def out_of_time(self, period: Period, *, whole: bool) -> str | None:
        """Say why the data does not reach into a period at all; None where it does."""
        if self.undated and not whole:
            return say("{home} is undated: its date is the same in every row", home=self.answer.cube.home)
        begins = self._begins()
        if self.until is None and begins is None:
            return say("{home} has no rows", home=self.answer.cube.home)
        ends = self.until if self.ends is None else self.ends
        if ends is not None and period.start > ends:
            return say("data ends {until}", until=ends)
        if begins is not None and period.end <= begins:
            return say("data begins {begins}", begins=begins)
        warm = self.ask.terms.warm_until if self.kpi.warm_up else None
        if warm is not None and period.end <= warm:
            return say("clients before {warm} are left out: the data begins there", warm=warm)
        return self.recorded.refused(period)

    def _begins(self) -> date | None:
        begins = self.answer.facts.get("begins")
        return begins.date() if isinstance(begins, datetime) else begins

    def _judged(self, cell: Mapping[str, Any]) -> Number | None:
        """Ask the statistic of a KPI of rows; None for a KPI of sums."""
        if not isinstance(self.kpi, KpiOfRows):
            return None
        rows = cell.get("rows")
        told = self.kpi.statistic(self.answer.cube.no_rows() if rows is None else rows, self.ask.terms)
        e, method = told.estimate, "; ".join(n for n in (say(told.estimate.method), told.note) if n)
        number = Number(
            clean_number(e.value), clean_number(e.low), clean_number(e.high), e.n, None, None, method,
            censored=told.censored, exact=e.value,
        )  # fmt: skip
        return number if e.value is not None else replace(number, reason=told.reason or say(self.kpi.empty))

    def _as_known(self, part: Part, period: Period) -> str:
        """Say that a stock of the past is told with what is known today."""
        known, end = self.ask.terms.known_until, moment_of(replace(part, period=period)) - timedelta(days=1)
        return say("at the end of {end}", end=end) + (
            say(", amounts as known by {known}", known=known) if known and known > end else ""
        )

    def _mixed(self, cell: Mapping[str, Any]) -> Number | None:
        """Refuse amounts of several currencies: adding them up would be wrong, and no rate is guessed."""
        own, unrated = self.ask.terms.currency.upper(), cell.get("unrated")
        if unrated and own != "XXX":
            told = noted("amounts are in other currencies, and the table rates has no rate for {unrated}")
            return Number.none(say(told, unrated=unrated))
        seen = {cell[role] for role in ("currency_min", "currency_max") if cell.get(role)}
        foreign = sorted(seen - {own}) if own != "XXX" else sorted(seen) * (len(seen) > 1)
        if not foreign and not unrated:
            return None
        listed = say(" and ").join(foreign)
        if own != "XXX":
            told = noted("amounts are in {foreign}; only {own} can be added up")
            return Number.none(say(told, foreign=listed, own=own))
        if unrated:
            listed = say("several currencies, {one} among them", one=unrated.partition(" ")[0])
        told = noted("amounts are in {foreign}: to add them up, set [company] currency and fill in rates")
        return Number.none(say(told, foreign=listed))


def _counted(kpi: Kpi, cell: Mapping[str, Any], days: Any, around: Any) -> Number:
    top, bottom, n = cell.get("top") or 0, cell.get("bottom") or 0, int(cell.get("n") or 0)
    whole: dict[str, Any] = {"unit": kpi.unit, "n_unit": kpi.n_unit}
    top2, both, bottom2 = (cell.get(role) or 0 for role in ("top2", "topbottom", "bottom2"))
    if kpi.times != 1:
        top, top2, both = Fraction(top) * kpi.times, Fraction(top2) * kpi.times**2, Fraction(both) * kpi.times
    # A return can leave less than nothing to divide by; the quotient would then say the contrary.
    if kpi.bottom is not None and bottom <= 0:
        return Number.none(say(kpi.empty), n=n, top=_float(top), bottom=_float(bottom))
    clusters = int(cell.get("clusters") or 0)
    exact = float(top) if kpi.bottom is None else float(Fraction(top) / Fraction(bottom))
    value = _float(top) if kpi.bottom is None else _float(exact)
    if kpi.interval == "events" and days is not None:
        e = event_count(days, total=float(top), within=around, **whole)
    elif kpi.interval in ("count", "events"):
        e = poisson_count(float(top), **whole)
    elif kpi.interval == "exact":
        e = Estimate(value, value, value, n, kpi.n_unit, kpi.unit, say("sum as booked, no sampling error"))
    elif kpi.interval == "total":
        e = compound_total(float(top), float(top2), clusters, n=n, **whole)
        e = replace(e, method=f"{say(e.method)}, {say(PROCESS)}")
    elif kpi.interval == "share":
        e = _share(
            int(top), int(bottom), int(top2), int(both), int(bottom2), clusters, n_unit=kpi.n_unit
        ).estimate
    elif kpi.interval == "part" and 0 <= value <= 1:
        e = clustered_part(
            float(top),
            float(bottom),
            float(top2),
            float(both),
            float(bottom2),
            clusters,
            n=n,
            n_unit=kpi.n_unit,
        )
    elif kpi.cluster is None:
        e = Estimate(value, None, None, n, kpi.n_unit, kpi.unit, say("ratio of sums; no interval"))
    else:
        e = clustered_ratio(
            float(top), float(bottom), float(top2), float(both), float(bottom2), clusters, n=n, **whole
        )
    if kpi.interval in ("total", "ratio", "part") and kpi.cluster is not None:
        few = _too_few(float(top), float(top2), clusters)
        e = replace(e, low=None, high=None, method=say("no interval: {few}", few=few)) if few else e
    if cell.get("large") or cell.get("large_bottom"):
        e = replace(e, low=None, high=None, method=say("no interval: sums too large to be squared"))
    return Number(
        value=value,
        low=clean_number(e.low),
        high=clean_number(e.high),
        n=n,
        top=_float(top),
        bottom=None if kpi.bottom is None else _float(bottom),
        method=e.method,
        exact=exact,
    )


def _too_few(total: float, squares: float, clusters: int) -> str | None:
    """Say why an interval of money would say nothing: a skewed sum over a handful spans orders of magnitude."""
    if clusters < FEWEST:
        return say_count(
            clusters, "{n} cluster, at least {fewest} are needed", "{n} clusters, at least {fewest} are needed",
            fewest=FEWEST,
        )  # fmt: skip
    if not total:
        return say("the {clusters} clusters add up to nothing", clusters=clusters)
    alike = total * total / squares if squares else 0.0
    if alike < FEWEST_ALIKE:
        return say("a few of the {clusters} clusters make nearly all of it", clusters=clusters)
    return None


def _share(
    top: int, bottom: int, top2: int, topbottom: int, bottom2: int, clusters: int, *, n_unit: str
) -> Gap:
    """Give Wilson's interval on the effective number of rows, from sums over clusters (as `clustered_share`)."""
    if bottom2 == bottom:  # no cluster has more than one row
        return wilson(top, bottom, n_unit=n_unit)
    words = say("Wilson on the effective number of rows, {clusters} clusters", clusters=clusters)
    if clusters < 2:
        words = say("{words}; one cluster has no spread", words=words)
        return Gap.none(n=bottom, n_unit=n_unit, unit="share", method=words)
    p, kish = Fraction(top, bottom), bottom * bottom / bottom2
    squares = top2 - 2 * p * topbottom + p * p * bottom2
    if top in (0, bottom):
        effective, df = rows_where_all_agree(bottom, kish), INFINITY
    elif squares == 0:
        effective, df = float(bottom), max(kish - 1, 1.0)
    else:
        variance = float(squares) * clusters / (clusters - 1) / bottom**2
        effective, df = min(float(p * (1 - p)) / variance, float(bottom)), max(kish - 1, 1.0)
    return score_gap(float(p), effective, df=df, n=bottom, n_unit=n_unit, method=words)


def quotient(top: Number, bottom: Number, empty: str) -> Number:
    """Give one KPI divided by another, the two taken as independent.

    Interval: on the scale of the logarithm the two intervals are recovered into one; where an end is not positive,
    the same on the plain scale of the quotient (first order).
    """
    more: dict[str, Any] = {
        "censored": top.censored + bottom.censored,
        "immature": top.immature or bottom.immature,
        "unrecorded": top.unrecorded or bottom.unrecorded,
    }
    for side in (top, bottom):
        if side.reason is not None or side.value is None:
            return Number.none(side.reason or say("a side has no value"), side.method, **more)
    assert top.value is not None
    assert bottom.value is not None
    sides: dict[str, Any] = {"top": top.value, "bottom": bottom.value, "n": bottom.n}
    if bottom.value <= 0:
        return Number.none(empty, **sides, **more)
    value = top.unrounded / bottom.unrounded
    low: float | None = None
    high: float | None = None
    method = say("quotient of independent KPIs; no interval")
    limits = (top.low, top.high, bottom.low, bottom.high)
    if all(x is not None for x in limits):
        t_low, t_high, b_low, b_high = (float(x) for x in limits if x is not None)
        method = say(
            "quotient of independent parts: {top} / {bottom}", top=say(top.method), bottom=say(bottom.method)
        )
        if t_low > 0 and b_low > 0:
            down = hypot(log(top.value / t_low), log(b_high / bottom.value))
            up = hypot(log(t_high / top.value), log(bottom.value / b_low))
            low, high = value * exp(-down), value * exp(up)
        else:
            b = bottom.value
            low = value - hypot((top.value - t_low) / b, value * (b_high - b) / b)
            high = value + hypot((t_high - top.value) / b, value * (b - b_low) / b)
    return Number(clean_number(value), clean_number(low), clean_number(high), method=method, **sides, **more)


def product(factors: Sequence[Number], bottom: Number, empty: str) -> Number:
    """Give KPIs multiplied and divided by one, all taken as independent.

    Interval: as of a quotient, recovered on the scale of the logarithm; none where an end of any part is not positive.
    """
    sides = (*factors, bottom)
    more: dict[str, Any] = {
        "censored": sum(side.censored for side in sides),
        "immature": any(side.immature for side in sides),
        "unrecorded": any(side.unrecorded for side in sides),
    }
    for side in sides:
        if side.reason is not None or side.value is None:
            return Number.none(side.reason or say("a side has no value"), side.method, **more)
    values = [side.unrounded for side in factors]
    top, below = prod(values), bottom.unrounded
    if below <= 0:
        return Number.none(empty, n=bottom.n, top=clean_number(top), bottom=bottom.value, **more)
    value, low, high = top / below, None, None
    method = say("product of independent KPIs; no interval")
    limits = [(side.low, side.high) for side in sides]
    if all(low_ is not None and low_ > 0 and high_ is not None for low_, high_ in limits):
        ends = [(float(a or 0), float(b or 0)) for a, b in limits]
        down = [*(log(v / a) for v, (a, _) in zip(values, ends, strict=False)), log(ends[-1][1] / below)]
        up = [*(log(b / v) for v, (_, b) in zip(values, ends, strict=False)), log(below / ends[-1][0])]
        low, high = value * exp(-hypot(*down)), value * exp(hypot(*up))
        method = say("product of independent parts, intervals combined on the logarithm")
    return Number(
        clean_number(value), clean_number(low), clean_number(high), bottom.n, clean_number(top), bottom.value, method,
        **more,
    )  # fmt: skip


def less(top: Number, bottom: Number) -> Number:
    """Give one KPI less another, the two taken as independent; it adds up over parts, so it has no bottom."""
    more: dict[str, Any] = {
        "censored": top.censored + bottom.censored,
        "immature": top.immature or bottom.immature,
        "unrecorded": top.unrecorded or bottom.unrecorded,
    }
    for side in (top, bottom):
        if side.reason is not None or side.value is None:
            return Number.none(side.reason or say("a side has no value"), side.method, **more)
    e, _ = difference(top.estimate("money"), bottom.estimate("money"))
    value = clean_number(top.unrounded - bottom.unrounded)
    method = say("{top}, less {bottom}", top=say(top.method), bottom=say(bottom.method))
    return Number(value, clean_number(e.low), clean_number(e.high), top.n, value, None, method, **more)


def change(now: Number, then: Number, then_label: str, unit: str) -> Change:
    """Give the change since another period; what still grows, or began before its records, is not compared."""
    if (
        now.immature
        or then.immature
        or now.unrecorded
        or then.unrecorded
        or now.value is None
        or then.value is None
    ):
        return Change(then_label, None, None, None, None)
    found, p = difference(now.estimate(unit), then.estimate(unit))
    if now.low == now.high == now.value and then.low == then.high == then.value:
        p = None  # two booked sums: there is nothing to test
    return Change(
        then_label,
        clean_number(found.value),
        clean_number(found.low),
        clean_number(found.high),
        clean_number(p),
    )


def _spread(cell: Mapping[str, Any]) -> dict[str, float] | None:
    found = cell.get("spread")
    if not found or any(v is None for v in found):
        return None
    return {p: float(clean_number(v) or 0) for p, v in zip(PERCENTILES, found, strict=True)}


def _float(number: Any) -> float | int:
    """Give a number of the engine as JSON takes it: whole numbers stay whole, the rest is rounded to 12 digits."""
    if isinstance(number, int):
        return number
    found = clean_number(float(number))
    assert found is not None
    return found
