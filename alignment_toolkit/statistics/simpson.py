"""Does a difference survive within strata? Crude against adjusted, by Mantel and Haenszel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Adjusted", "crude_and_adjusted"]


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
