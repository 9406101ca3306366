"""Differences between two groups within like cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignment_toolkit.languages import say
from alignment_toolkit.statistics.inference import Gap

__all__ = ["risk_difference", "risk_difference_of_counts"]


def risk_difference(
    exposed: Any, outcome: Any, strata: Sequence[Any] | Any, *, n_unit: str, unit: str = "share"
) -> Gap:
    """Give the difference in the share with the outcome, exposed minus not exposed, within strata.

    Estimand: the average over strata of the difference in the process, each stratum weighing by how many cases it can
    compare. Estimator: Mantel and Haenszel's risk difference. Interval: Klingenberg's (2014, Statistics in Medicine
    33), which inverts the test with Sato's variance (1989, Biometrics 45). It holds for a few large strata and for many
    small ones, such as the leads of one person and like score; with the variance from each stratum's own shares two
    thirds of the intervals would hold the truth where strata have three rows. Strata in which one group is empty say
    nothing and are left out. Associational: what differs within the strata is not controlled for.

    Parameters
    ----------
    exposed, outcome
        True or false, row by row.
    strata
        The stratum of each row.

    Returns
    -------
    Gap
        Without value where no stratum holds both groups.

    Examples
    --------
    >>> gap = risk_difference([1, 1, 0, 0], [1, 1, 1, 0], ["a"] * 4, n_unit="leads")
    >>> gap.estimate.value
    0.5
    """
    e, o = np.asarray(exposed, dtype=bool), np.asarray(outcome, dtype=bool)
    codes = (
        np.unique(np.asarray(strata).astype(str), return_inverse=True)[1]
        if len(e)
        else np.array([], dtype=int)
    )

    def counted(rows: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.bincount(codes[rows], minlength=int(codes.max()) + 1 if codes.size else 0).astype(float)

    return risk_difference_of_counts(
        counted(e & o), counted(e), counted(~e & o), counted(~e), n_unit=n_unit, unit=unit
    )


def risk_difference_of_counts(
    top: ArrayLike,
    bottom: ArrayLike,
    top2: ArrayLike,
    bottom2: ArrayLike,
    *,
    n_unit: str,
    unit: str = "share",
) -> Gap:
    """Give `risk_difference` from counts by stratum: successes and rows of the first group, then of the second.

    Examples
    --------
    >>> risk_difference_of_counts([2], [2], [1], [2], n_unit="leads").estimate.value
    0.5
    """
    a, n1, b, n0 = (np.atleast_1d(np.asarray(x, dtype=float)) for x in (top, bottom, top2, bottom2))
    method = say("Mantel-Haenszel risk difference, Klingenberg's interval")
    both = (n1 > 0) & (n0 > 0)
    a, n1, b, n0 = a[both], n1[both], b[both], n0[both]
    size = n1 + n0
    n = int(size.sum())
    weights = float((n1 * n0 / size).sum()) if n else 0.0
    if not weights:
        return Gap.none(n=n, n_unit=n_unit, unit=unit, method=method)
    value = float(((a * n0 - b * n1) / size).sum()) / weights
    # The variance of the difference is slope * difference + base.
    slope = float(((n1**2 * b - n0**2 * a + n1 * n0 * (n0 - n1) / 2) / size**2).sum()) / weights**2
    base = float(((a * (n0 - b) + b * (n1 - a)) / (2 * size)).sum()) / weights**2
    if slope * value + base <= 0:  # no stratum in which the outcome differs
        told = say("{method}; no interval", method=method)
        return Gap.none(n=n, n_unit=n_unit, unit=unit, method=told, value=value)

    def limits(z: float) -> tuple[float, float]:
        middle = value + z**2 * slope / 2
        half = max(middle**2 - value**2 + z**2 * base, 0.0) ** 0.5
        return middle - half, middle + half

    return Gap.of_limits(value, limits, space=(-1.0, 1.0), n=n, n_unit=n_unit, unit=unit, method=method)
