"""Department scores: weighted attainment, its interval, and what other weights would make of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from alignment_toolkit.statistics.resampling import generator

__all__ = ["COVERED", "WITHIN", "Counted", "leads_under", "range_within", "score"]

WITHIN: Final = 0.5  # weights up to half as large again, and down to half
COVERED: Final = 0.5  # of the weight must have an attainment
DRAWS: Final = 4000


@dataclass(frozen=True)
class Counted:
    """One KPI as it counts in a score: attainment with its interval after the cap, and its weight."""

    kpi: str
    weight: float
    value: float
    low: float | None
    high: float | None


def score(parts: Sequence[Counted]) -> tuple[float, float | None, float | None] | None:
    """Give the weighted mean of attainments, with an interval that holds for any dependence among the KPIs.

    The KPIs of one company go together in ways that their intervals do not tell, so nothing is taken as independent:
    the ends are the weighted means of the ends. A sum's standard error is at most the sum of its parts', whatever
    their correlation; so the interval covers at least as often as its parts do, and is wider than need be where they
    vary on their own.

    Examples
    --------
    >>> score([Counted("leads", 3, 0.9, 0.8, 1.0), Counted("arpu", 1, 1.1, 1.0, 1.2)])
    (0.95, 0.85, 1.05)
    """
    total = math.fsum(p.weight for p in parts)
    if total <= 0:
        return None

    def mean(values: Sequence[float | None]) -> float | None:
        known = [v for v in values if v is not None]
        if len(known) < len(values):
            return None
        return round(math.fsum(p.weight * v for p, v in zip(parts, known, strict=True)) / total, 12)

    value = mean([p.value for p in parts])
    assert value is not None
    low, high = mean([p.low for p in parts]), mean([p.high for p in parts])
    return value, (low if high is not None else None), (high if low is not None else None)


def range_within(parts: Sequence[Counted], within: float = WITHIN) -> tuple[float, float] | None:
    """Give the least and the greatest score over all weights within a factor of those given.

    Each weight may lie anywhere from (1 - within) to (1 + within) of its own. The score is a quotient of two linear
    functions of the weights, so its extremes lie where the KPIs above some attainment have one end and the others the
    other: trying each such cut is exact.

    Examples
    --------
    >>> range_within([Counted("leads", 1, 0.8, None, None), Counted("arpu", 1, 1.2, None, None)])
    (0.9, 1.1)
    """
    ordered = sorted(((p.value, p.weight) for p in parts if p.weight > 0), reverse=True)
    if not ordered:
        return None
    ends: list[float] = []
    for upper, lower in ((1 + within, 1 - within), (1 - within, 1 + within)):
        for cut in range(len(ordered) + 1):
            weights = [w * (upper if i < cut else lower) for i, (_, w) in enumerate(ordered)]
            total = math.fsum(weights)
            if total > 0:
                ends.append(math.fsum(w * v for w, (v, _) in zip(weights, ordered, strict=True)) / total)
    return round(min(ends), 12), round(max(ends), 12)


def leads_under(scorecards: Mapping[str, Sequence[Counted]], draws: int = DRAWS) -> dict[str, float]:
    """Give the share of all possible weights under which each department has the highest score.

    Every set of weights is as likely as any other (a flat Dirichlet distribution over each department's KPIs), drawn
    with a fixed seed; a tie counts for nobody. Empty with fewer than two departments.

    Examples
    --------
    >>> low, high = Counted("leads", 1, 0.8, None, None), Counted("arpu", 1, 1.2, None, None)
    >>> leads_under({"marketing": [low], "sales": [high]})
    {'marketing': 0.0, 'sales': 1.0}
    """
    cards = {d: sorted((p.value, p.kpi) for p in parts) for d, parts in scorecards.items() if parts}
    if len(cards) < 2:
        return {}
    scores = []
    for department in sorted(cards):
        values = np.array([v for v, _ in cards[department]])
        weights = generator(f"scorecard weights {department}").dirichlet(np.ones(len(values)), size=draws)
        # Rounded, so that the order of a sum decides no tie.
        scores.append(np.round(weights @ values, 9))
    table = np.array(scores)
    best = table.max(axis=0)
    alone = (table == best).sum(axis=0) == 1
    return {d: round(float(((table[i] == best) & alone).mean()), 6) for i, d in enumerate(sorted(cards))}
