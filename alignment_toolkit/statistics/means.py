"""Differences of means."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from alignment_toolkit.languages import say
from alignment_toolkit.statistics.inference import Gap

__all__ = ["mean_difference", "stratified_mean_difference"]


def mean_difference(first: Any, second: Any, *, n_unit: str, unit: str) -> Gap:
    """Give the mean of the first rows minus that of the second.

    Estimand: the difference of the two means of the process. Welch (1947, Biometrika 34): unequal variances, Student's
    quantile with Satterthwaite's degrees of freedom. Without interval where a side has fewer than two rows, or where
    nothing varies.

    Examples
    --------
    >>> e = mean_difference([1, 2, 3], [2, 4, 6], n_unit="deals", unit="count").estimate
    >>> e.value, round(e.low, 2), round(e.high, 2)
    (-2.0, -6.16, 2.16)
    """
    a, b = (np.asarray(x, dtype=float) for x in (first, second))
    a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    n = len(a) + len(b)
    words: dict[str, Any] = {
        "n": n,
        "n_unit": n_unit,
        "unit": unit,
        "method": say("difference of means, Welch"),
    }
    if not len(a) or not len(b):
        return Gap.none(**words)
    value = float(a.mean() - b.mean())
    if len(a) < 2 or len(b) < 2:
        return Gap.none(value=value, **words)
    va, vb = float(a.var(ddof=1)) / len(a), float(b.var(ddof=1)) / len(b)
    if va + vb <= 0:
        return Gap.none(value=value, **words)
    df = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    return Gap.normal(value, math.sqrt(va + vb), df=df, **words)


def stratified_mean_difference(values: Any, first: Any, strata: Any, *, n_unit: str, unit: str) -> Gap:
    """Give the mean of the first rows minus that of the others, each compared within its stratum.

    Estimand: the difference of the two means of the process, the same in every stratum or averaged with the weights
    n1 n2 / (n1 + n2), which are the best ones where spreads are alike. Interval: unequal variances, Student's quantile
    with Satterthwaite's degrees of freedom over all sides of all strata. A stratum with fewer than two rows on a side
    is left out.

    Parameters
    ----------
    values
        A number per row.
    first
        True for the rows of the first side.
    strata
        Within which rows are compared.

    Examples
    --------
    >>> e = stratified_mean_difference([1, 3, 2, 4, 11, 13, 12, 14], [1, 1, 0, 0] * 2, [0] * 4 + [1] * 4,
    ...     n_unit="clients", unit="count").estimate
    >>> e.value, e.n
    (-1.0, 8)
    """
    y, side, stratum = np.asarray(values, dtype=float), np.asarray(first, dtype=bool), np.asarray(strata)
    total = weights = 0.0
    n = 0
    parts: list[tuple[float, int]] = []
    for name in np.unique(stratum):
        a, b = y[(stratum == name) & side], y[(stratum == name) & ~side]
        if len(a) < 2 or len(b) < 2:
            continue
        weight = len(a) * len(b) / (len(a) + len(b))
        total, weights, n = total + weight * float(a.mean() - b.mean()), weights + weight, n + len(a) + len(b)
        parts += [(weight**2 * float(x.var(ddof=1)) / len(x), len(x) - 1) for x in (a, b)]
    words = say("difference of means within strata")
    if not weights:
        return Gap.none(n=n, n_unit=n_unit, unit=unit, method=words)
    variance = sum(v for v, _ in parts)
    df = variance**2 / spread if (spread := sum(v**2 / rows for v, rows in parts)) else math.inf
    se = math.sqrt(variance) / weights
    return Gap.normal(total / weights, se, df=df, n=n, n_unit=n_unit, unit=unit, method=words)
