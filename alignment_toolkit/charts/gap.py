"""The gap of a finding as a chart, in the form in which its own sentence tells it."""

from __future__ import annotations

import math
from dataclasses import replace

from alignment_toolkit import units
from alignment_toolkit.charts.data import ChartData, Point, Series, as_number, number
from alignment_toolkit.languages import say
from alignment_toolkit.results import Estimate, Finding

__all__ = ["as_told", "of_gap"]


def as_told(finding: Finding) -> Finding:
    """Give gap and margin in the form of the finding's sentence.

    A ratio is often told in per cent, a logarithm as what it multiplies by; a number that stands as 14.0 % in the
    sentence and as 0.14 beside it looks like two.
    """
    gap = finding.gap
    if gap is None or gap.unit not in ("ratio", "index") or as_number(gap.value) is None:
        return finding
    if _stands_in(gap, finding.statement):
        return finding
    shared = replace(gap, unit="share")
    if _stands_in(shared, finding.statement):
        return replace(finding, gap=shared)
    value, low, high, margin = map(_grown, (gap.value, gap.low, gap.high, finding.margin))
    grown = replace(shared, value=value, low=low, high=high)
    # What is tolerated either way is no one number once it is what a logarithm multiplies by.
    if finding.direction == "both" or margin is None or not _stands_in(grown, finding.statement):
        return finding
    return replace(finding, gap=grown, margin=margin)


def _grown(logarithm: float | None) -> float | None:
    known = as_number(logarithm)
    return None if known is None or known > 700 else math.expm1(known)


def _stands_in(gap: Estimate, statement: str) -> bool:
    unit = units.unit(gap.unit)
    interval = unit.interval(gap.low, gap.high) if gap.low != gap.high else ""
    return unit.text(gap.value) in statement and interval in statement


def of_gap(finding: Finding, *, currency: str = "", note: str = "") -> ChartData | None:
    """Read the gap with its interval against the margin, the one number that bears the verdict."""
    finding = as_told(finding)
    gap = finding.gap
    value = None if gap is None else as_number(gap.value)
    if gap is None or value is None:
        return None
    lower = -finding.margin if finding.direction == "both" else -math.inf
    # Where all cases were counted, low and high are the value itself: no interval to show.
    low, high = (None, None) if gap.low == gap.high else (as_number(gap.low), as_number(gap.high))
    return ChartData(
        kind="interval",
        title=say(
            "The gap: {number}, tolerated {tolerated}",
            number=number(value, gap.unit, currency),
            tolerated=_tolerated(finding, currency),
        ),
        series=(Series("", (Point(say("Gap"), value, low, high, gap.n),)),),
        x_label=say("Gap"),
        y_label=say("Gap"),
        y_unit=gap.unit,
        currency=currency,
        reference=finding.margin,
        reference_label=say("tolerated up to"),
        zone=(lower, finding.margin),
        note=note,
        rows=((say("Gap"), value, low, high, gap.n),),
    )


def _tolerated(finding: Finding, currency: str) -> str:
    unit = finding.gap.unit if finding.gap is not None else None
    margin = number(finding.margin, unit, currency)
    return (
        say("between -{margin} and {margin}", margin=margin)
        if finding.direction == "both"
        else say("up to {margin}", margin=margin)
    )
