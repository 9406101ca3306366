"""Differences of means."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from alignment_toolkit.languages import say
from alignment_toolkit.statistics.inference import Gap

__all__ = ["mean_difference"]


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
