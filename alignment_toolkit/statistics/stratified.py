"""Differences between two groups within like cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from alignment_toolkit.statistics.inference import Gap

__all__ = ["risk_difference"]


def risk_difference(
    exposed: Any, outcome: Any, strata: Sequence[Any] | Any, *, n_unit: str, unit: str = "share"
) -> Gap:
    """Give the difference in the share with the outcome, exposed minus not exposed, within strata.

    Estimand: the average over strata of the difference in the process, each stratum weighing by how many cases it can
    compare. Estimator: Mantel and Haenszel's risk difference with Greenland and Robins's variance (1985, Biometrics
    41); strata in which one group is empty say nothing and are left out. Associational: what differs within the strata
    is not controlled for.

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
    method = "Mantel-Haenszel risk difference, Greenland-Robins variance"
    weights, total, variance, n = 0.0, 0.0, 0.0, 0
    for code in range(int(codes.max()) + 1 if codes.size else 0):
        own = codes == code
        n1, n0 = int((own & e).sum()), int((own & ~e).sum())
        if not n1 or not n0:
            continue
        a, b = int((own & e & o).sum()), int((own & ~e & o).sum())
        size = n1 + n0
        weights += n1 * n0 / size
        total += n1 * n0 / size * (a / n1 - b / n0)
        variance += (a * (n1 - a) * n0**3 + b * (n0 - b) * n1**3) / (n1 * n0 * size**2)
        n += size
    if not weights:
        return Gap.none(n=n, n_unit=n_unit, unit=unit, method=method)
    return Gap.normal(total / weights, variance**0.5 / weights, n=n, n_unit=n_unit, unit=unit, method=method)
