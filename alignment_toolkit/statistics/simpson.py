"""Does a difference survive within strata? Crude against adjusted, and the total against its groups (Simpson)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignment_toolkit.statistics.decomposition import mix_and_rate
from alignment_toolkit.statistics.inference import Z95
from alignment_toolkit.statistics.part_intervals import part_intervals

__all__ = ["Adjusted", "Paradox", "crude_and_adjusted", "one_by_one", "simpson_paradox"]

Array = NDArray[np.float64]
# A group against the total counts where it is at least this share of the groups that can be compared.
FLIPPED = 2 / 3
# How sure the shift of the mix must be, and the opposite change within, for the paradox to be told.
SURE_OF_MIX, SURE_WITHIN = 3.29, 1.28


@dataclass(frozen=True)
class Adjusted:
    """A difference between two groups, crude and within strata; None where it can't be computed.

    Attributes
    ----------
    crude, adjusted
        Differences of shares, the first group's minus the second's.
    odds_ratio, risk_ratio
        Mantel-Haenszel's, over the strata.
    fires
        Whether crude and adjusted differ in sign, or by at least half of the larger.
    """

    crude: float | None
    adjusted: float | None
    odds_ratio: float | None
    risk_ratio: float | None
    fires: bool


def crude_and_adjusted(top: ArrayLike, bottom: ArrayLike, top2: ArrayLike, bottom2: ArrayLike) -> Adjusted:
    """Compare two shares, pooled and within strata.

    Estimand: the difference of the two probabilities where both groups had the same mix of strata. Estimators:
    Mantel and Haenszel (1959, JNCI 22) for odds and risk ratio, their weights for the difference (Cochran 1954,
    Biometrics 10). Strata with rows on one side only say nothing about the difference and weigh 0.

    Parameters
    ----------
    top, bottom
        Successes and rows of the first group, by stratum.
    top2, bottom2
        The same of the second group.

    Examples
    --------
    Kidney stones (Charig 1986): the first treatment is better for small and for large stones, and worse overall.

    >>> stones = crude_and_adjusted([81, 192], [87, 263], [234, 55], [270, 80])
    >>> round(stones.odds_ratio, 5), round(stones.risk_ratio, 5), stones.fires
    (1.44685, 1.069, True)
    """
    a, n, c, m = (np.atleast_1d(np.asarray(x, dtype=float)) for x in (top, bottom, top2, bottom2))
    rows, rows2 = float(n.sum()), float(m.sum())
    crude = float(a.sum()) / rows - float(c.sum()) / rows2 if rows > 0 and rows2 > 0 else None
    total = n + m
    both = (n > 0) & (m > 0)
    a, n, c, m, total = a[both], n[both], c[both], m[both], total[both]
    if not len(n):
        return Adjusted(crude, None, None, None, False)
    weight = n * m / total
    adjusted = float((weight * (a / n - c / m)).sum() / weight.sum())
    fires = False
    if crude is not None:
        larger = max(abs(crude), abs(adjusted))
        fires = larger > 1e-12 and (crude * adjusted < 0 or abs(crude - adjusted) >= larger / 2)
    return Adjusted(
        crude,
        adjusted,
        _ratio(a * (m - c) / total, (n - a) * c / total),
        _ratio(a * m / total, c * n / total),
        fires,
    )


def _ratio(over: NDArray[np.float64], under: NDArray[np.float64]) -> float | None:
    below = float(under.sum())
    value = float(over.sum()) / below if below > 0 else math.nan
    return value if math.isfinite(value) else None


@dataclass(frozen=True)
class Paradox:
    """Whether the whole moves one way and the groups the other.

    Attributes
    ----------
    fires
        Whether it does, surely enough to be told.
    flipped, compared
        Groups that move against the whole, and groups that are there on both sides.
    total, within
        The change of the whole, and the part of it that lies within the groups.
    """

    fires: bool
    flipped: int
    compared: int
    total: float
    within: float


def simpson_paradox(
    top_then: ArrayLike, bottom_then: ArrayLike, top_now: ArrayLike, bottom_now: ArrayLike
) -> Paradox:
    """Say whether a share moves one way in total and the other way in at least two thirds of its groups.

    By chance alone small groups move against the whole all the time. So the mix must have shifted beyond doubt (its
    part over its standard error at least 3.29), and the rates within must move the other way with some certainty
    (1.28).

    Examples
    --------
    Kidney stones (Charig 1986): the first treatment is better for small and for large stones, and worse overall.

    >>> simpson_paradox([234, 55], [270, 80], [81, 192], [87, 263]).fires
    True
    """
    s0, n0, s1, n1 = (
        np.atleast_1d(np.asarray(x, dtype=float)) for x in (top_then, bottom_then, top_now, bottom_now)
    )
    split = mix_and_rate(s0, n0, s1, n1, interaction=False)
    within = split.parts["rate"]
    both = (n0 > 0) & (n1 > 0)
    moves = s1[both] / n1[both] - s0[both] / n0[both]
    flipped = int((moves * split.total < 0).sum())
    compared = int(both.sum())
    fires = False
    if compared and flipped >= FLIPPED * compared and within * split.total < 0:
        z_mix, z_within = _sure(s0, n0, s1, n1)
        fires = z_mix >= SURE_OF_MIX and z_within >= SURE_WITHIN
    return Paradox(fires, flipped, compared, split.total, within)


def _sure(s0: Array, n0: Array, s1: Array, n1: Array) -> tuple[float, float]:
    """Give mix and rate over their standard errors, every row by itself."""
    k = len(n0)

    def parts(sums: Array) -> list[float]:
        a, b, c, d = sums.reshape(4, k)
        return list(mix_and_rate(a, b, c, d, interaction=False).parts.values())

    rows, weights = one_by_one(s0, n0, s1, n1)
    sums = np.concatenate([s0, n0, s1, n1])
    told = {"n_unit": "rows", "unit": "share", "method": "normal"}
    sure = []
    for e in part_intervals(parts, sums, rows, weights=weights, **told):
        half = (e.high - e.value) if e.high is not None and e.value is not None else 0.0
        sure.append(abs(e.value or 0.0) / (half / Z95) if half else 0.0)
    return sure[0], sure[1]


def one_by_one(s0: Array, n0: Array, s1: Array, n1: Array) -> tuple[Array, Array]:
    """Give counts by group as rows for `part_intervals`: each success and each failure a cluster of its own."""
    k = len(n0)
    rows, weights = [], []
    for side, (s, n) in enumerate(((s0, n0), (s1, n1))):
        for i in range(k):
            for hit, count in ((1.0, s[i]), (0.0, n[i] - s[i])):
                row = np.zeros((4, k))
                row[2 * side, i], row[2 * side + 1, i] = hit, 1.0
                rows.append(row.ravel())
                weights.append(count)
    return np.array(rows), np.array(weights)
