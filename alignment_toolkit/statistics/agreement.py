"""Agreement of two raters: Cohen's kappa, its complement, AC1, weighted kappa, raw agreement."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics.inference import Gap
from alignment_toolkit.statistics.shares import wilson

__all__ = ["ac1", "disagreement", "kappa", "raw", "weighted_kappa"]


def _table(table: ArrayLike) -> NDArray[np.float64]:
    t = np.asarray(table, dtype=float)
    if t.ndim != 2 or t.shape[0] != t.shape[1]:
        raise ValueError(f"an agreement table is square, this one is {t.shape}")
    return np.where(np.isfinite(t), t, 0.0)


def _kappa_value(p: NDArray[np.float64]) -> float | None:
    expected = float(p.sum(axis=1) @ p.sum(axis=0))
    return None if expected >= 1 - 1e-12 else (float(np.trace(p)) - expected) / (1 - expected)


def _kappa_variance(p: NDArray[np.float64], k: float) -> float:
    """Give n times the variance (Fleiss, Cohen and Everitt 1969, Psychological Bulletin 72)."""
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    expected = float(rows @ columns)
    both = rows[:, None] + columns[None, :]
    diagonal = np.diag(p) * (1 - np.diag(both) * (1 - k)) ** 2
    cross = p * (columns[:, None] + rows[None, :]) ** 2
    off = float(cross.sum() - np.trace(cross)) * (1 - k) ** 2
    v = float(diagonal.sum()) + off - (k - expected * (1 - k)) ** 2
    return max(v, 0.0) / (1 - expected) ** 2


def kappa(table: ArrayLike, *, n_unit: str = "accounts", unit: str = "index") -> Gap:
    """Give Cohen's kappa of two raters.

    Estimand: the agreement of the process beyond that of independent raters with the same shares, over the
    most there could be (Cohen 1960, Educational and Psychological Measurement 20).

    Parameters
    ----------
    table
        Square counts: rows are the first rater's categories, columns the second's.

    Examples
    --------
    >>> round(kappa([[20, 5], [10, 15]]).estimate.value, 6)
    0.4
    """
    return disagreement(table, n_unit=n_unit, unit=unit).complement(
        method="Cohen's kappa, large-sample variance"
    )


def disagreement(table: ArrayLike, *, n_unit: str = "accounts", unit: str = "index") -> Gap:
    """Give 1 - Cohen's kappa: disagreement over that of independent picks with the same shares.

    Estimand: of the process; 0 is full agreement, 1 independent raters, above 1 raters who avoid each
    other's picks.

    Examples
    --------
    >>> round(disagreement([[20, 5], [10, 15]]).estimate.value, 6)
    0.6
    """
    t = _table(table)
    n = float(t.sum())
    words = "1 - Cohen's kappa"
    if n <= 0:
        return Gap.none(n_unit=n_unit, unit=unit, method=f"{words}; no rows")
    p = t / n
    k = _kappa_value(p)
    if k is None:
        return Gap.none(n=int(n), n_unit=n_unit, unit=unit, method=f"{words}; all rows in one category")
    return Gap.normal(
        1 - k,
        math.sqrt(_kappa_variance(p, k) / n),
        n=int(n),
        n_unit=n_unit,
        unit=unit,
        method=f"{words}, large-sample variance",
        space=(0.0, 2.0),
    )


def weighted_kappa(
    table: ArrayLike,
    *,
    weights: Literal["linear", "quadratic"] = "quadratic",
    n_unit: str = "accounts",
    unit: str = "index",
) -> Estimate:
    """Give Cohen's weighted kappa over ordered categories.

    Estimand: as kappa, with disagreements weighing by the distance of the categories or its square (Cohen
    1968); interval from the large-sample variance (Fleiss, Cohen and Everitt 1969).

    Examples
    --------
    >>> round(weighted_kappa([[10, 2, 0], [1, 8, 3], [0, 2, 9]]).value, 4)
    0.8263
    """
    t = _table(table)
    n, size = float(t.sum()), t.shape[0]
    words = f"weighted kappa ({weights})"
    if n <= 0 or size < 2:
        return Estimate.none(n=int(n), n_unit=n_unit, unit=unit, method=f"{words}; no rows")
    p = t / n
    apart = np.abs(np.subtract.outer(np.arange(size), np.arange(size))) / (size - 1)
    w = 1 - (apart if weights == "linear" else apart**2)
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    expected, seen = float(rows @ w @ columns), float((w * p).sum())
    if expected >= 1 - 1e-12:
        return Estimate.none(n=int(n), n_unit=n_unit, unit=unit, method=f"{words}; all rows in one category")
    k = (seen - expected) / (1 - expected)
    mean = (w @ columns)[:, None] + (rows @ w)[None, :]
    v = float((p * (w - mean * (1 - k)) ** 2).sum()) - (k - expected * (1 - k)) ** 2
    se = math.sqrt(max(v, 0.0) / n) / (1 - expected)
    return Gap.normal(k, se, n=int(n), n_unit=n_unit, unit=unit, method=words, space=(-1.0, 1.0)).estimate


def ac1(table: ArrayLike, *, n_unit: str = "accounts", unit: str = "index") -> Estimate:
    """Give Gwet's AC1, an agreement beyond chance that rare categories do not push down.

    Estimand: as Gwet (2008, British Journal of Mathematical and Statistical Psychology 61), with his
    variance.

    Examples
    --------
    >>> round(ac1([[20, 5], [10, 15]]).value, 4)
    0.4059
    """
    t = _table(table)
    n, size = float(t.sum()), t.shape[0]
    if n <= 0 or size < 2:
        return Estimate.none(n=int(n), n_unit=n_unit, unit=unit, method="Gwet's AC1; no rows")
    p = t / n
    mean = (p.sum(axis=1) + p.sum(axis=0)) / 2
    chance = float((mean * (1 - mean)).sum()) / (size - 1)
    seen = float(np.trace(p))
    value = (seen - chance) / (1 - chance)
    pairs = 1 - (mean[:, None] + mean[None, :]) / 2
    first = seen * (1 - seen)
    second = 4 * (1 - value) * (float((np.diag(p) * (1 - mean)).sum()) / (size - 1) - seen * chance)
    third = 4 * (1 - value) ** 2 * (float((p * pairs**2).sum()) / (size - 1) ** 2 - chance**2)
    v = max(first - second + third, 0.0) / (n * (1 - chance) ** 2)
    return Gap.normal(
        value, math.sqrt(v), n=int(n), n_unit=n_unit, unit=unit, method="Gwet's AC1", space=(-1.0, 1.0)
    ).estimate


def raw(table: ArrayLike, *, n_unit: str = "accounts", unit: str = "share") -> Estimate:
    """Give the share of rows on which both raters say the same, with Wilson's interval.

    Examples
    --------
    >>> raw([[20, 5], [10, 15]]).value
    0.7
    """
    t: NDArray[Any] = _table(table)
    return wilson(float(np.trace(t)), float(t.sum()), n_unit=n_unit, unit=unit).estimate
