"""The difference of two shares within strata, for few cases: Newcombe's interval over strata."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignment_toolkit.languages import say
from alignment_toolkit.statistics.inference import Gap
from alignment_toolkit.statistics.shares import wilson_limits

__all__ = ["stratified_newcombe"]

Array = NDArray[np.float64]


def stratified_newcombe(
    top: ArrayLike,
    bottom: ArrayLike,
    top2: ArrayLike,
    bottom2: ArrayLike,
    *,
    n_unit: str,
    unit: str = "share",
    together: float = 0.0,
) -> Gap:
    """Give the difference of two shares within strata, the first minus the second.

    Estimand: the difference of the two probabilities of the process, averaged over the strata with the weights of
    Mantel and Haenszel (n m / (n + m): a stratum counts by how well it can compare). Strata with rows on one side
    only say nothing and are left out. Interval: Newcombe's hybrid score (1998, Statistics in Medicine 17), from
    Wilson limits of the two weighted shares on their effective numbers of rows; with one stratum it is Newcombe's own
    (the idea of Yan and Su 2010, Statistics in Biopharmaceutical Research 2).

    Parameters
    ----------
    top, bottom
        Successes and rows of the first group, by stratum.
    top2, bottom2
        The same of the second group.
    together
        Where two strata's rows of the second group belong together two by two (both heads at one meeting): their
        correlation, for the part of the interval that these rows bear.

    Examples
    --------
    >>> e = stratified_newcombe([56], [70], [48], [80], n_unit="rows").estimate
    >>> round(e.value, 2), round(e.low, 4), round(e.high, 4)
    (0.2, 0.0524, 0.3339)
    """
    a, n, c, m = (np.atleast_1d(np.asarray(x, dtype=float)) for x in (top, bottom, top2, bottom2))
    both = (n > 0) & (m > 0)
    a, n, c, m = a[both], n[both], c[both], m[both]
    words = say("Mantel-Haenszel weights over strata, Newcombe's hybrid score")
    rows = int((n + m).sum())
    if not len(n):
        return Gap.none(
            n=rows, n_unit=n_unit, unit=unit, method=say("{words}; no stratum has both groups", words=words)
        )
    weight = n * m / (n + m)
    weight = weight / weight.sum()
    p, q = _share(a, n, weight), _share(c, m, weight)
    first, second = _effective(a, n, weight, p), _effective(c, m, weight, q)
    if together and len(m) == 2:
        # The variance of a weighted sum of two that go together, over that of two that do not.
        spread = weight * np.sqrt(_shrunk(c, m, q) / m)
        second /= 1 + 2 * together * float(spread.prod()) / max(float((spread**2).sum()), 1e-12)

    def limits(z: float) -> tuple[float, float]:
        l1, u1 = wilson_limits(p, first, z)
        l2, u2 = wilson_limits(q, second, z)
        return p - q - math.hypot(p - l1, u2 - q), p - q + math.hypot(u1 - p, q - l2)

    return Gap.of_limits(p - q, limits, space=(-1.0, 1.0), n=rows, n_unit=n_unit, unit=unit, method=words)


def _share(hits: Array, rows: Array, weight: Array) -> float:
    """Give the weighted share: exactly 1 where every row counts, whatever the weights' rounding adds up to."""
    return 1.0 if (hits == rows).all() else float((weight * hits / rows).sum())


def _shrunk(hits: Array, rows: Array, share: float) -> Array:
    """Give p (1 - p) of each stratum, drawn a little towards the whole: few rows of one kind are not certain."""
    drawn = (hits + share) / (rows + 1)
    return np.asarray(drawn * (1 - drawn))


def _effective(hits: Array, rows: Array, weight: Array, share: float) -> float:
    if 0 < share < 1:
        return float(share * (1 - share) / (weight**2 * _shrunk(hits, rows, share) / rows).sum())
    return float(1 / (weight**2 / rows).sum())
