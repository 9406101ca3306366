"""Answers to a scale: do its items measure one thing, were they read, who answers higher."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignment_toolkit.languages import say
from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics.inference import LEVEL, Z95

__all__ = ["cronbach_alpha", "more_often_higher", "rank_p_value", "straight_lines"]


def cronbach_alpha(answers: ArrayLike, *, n_unit: str = "people") -> Estimate:
    """Give Cronbach's alpha of a scale.

    Estimand: the share of the variance of the total that a repetition with like items would find again, where all items
    measure the same. Estimator: Cronbach (1951, Psychometrika 16). Interval: Feldt (1965, Psychometrika 30), by the F
    distribution. Rows with an answer missing are left out.

    Parameters
    ----------
    answers
        One row per person, one column per item.

    Returns
    -------
    Estimate
        Without value below two people, two items, or where all totals are the same.

    Examples
    --------
    >>> e = cronbach_alpha([[1, 2], [2, 2], [3, 4], [5, 5]])
    >>> round(e.value, 4), e.n
    (0.9667, 4)
    """
    x = np.asarray(answers, dtype=float)
    x = x.reshape(len(x), -1) if x.size else np.zeros((0, 0))
    x = x[np.isfinite(x).all(axis=1)] if x.size else x
    n, k = x.shape
    told: dict[str, Any] = {"n": n, "n_unit": n_unit, "unit": "index"}
    if n < 2 or k < 2 or x.sum(axis=1).var() <= 0:
        return Estimate.none(**told, method="Cronbach's alpha; no spread between people")
    alpha = k / (k - 1) * (1 - float(x.var(axis=0, ddof=1).sum()) / float(x.sum(axis=1).var(ddof=1)))
    from scipy.special import fdtri

    df, rest = n - 1, (n - 1) * (k - 1)
    high = 1 - (1 - alpha) * float(fdtri(df, rest, (1 - LEVEL) / 2))
    low = 1 - (1 - alpha) * float(fdtri(df, rest, (1 + LEVEL) / 2))
    return Estimate(alpha, low, high, **told, method="Cronbach's alpha, Feldt's interval")


def straight_lines(answers: ArrayLike, *, least: int = 10) -> NDArray[np.bool_]:
    """Say of each person whether all given answers, at least so many, are the same.

    Examples
    --------
    >>> straight_lines([[3, 3, 3], [3, 3, 2], [3, float("nan"), float("nan")]], least=3).tolist()
    [True, False, False]
    """
    x = np.asarray(answers, dtype=float)
    x = x.reshape(len(x), -1) if x.size else np.zeros((len(x), 0))
    given = np.isfinite(x)
    top = np.where(given, x, -np.inf).max(axis=1, initial=-np.inf)
    bottom = np.where(given, x, np.inf).min(axis=1, initial=np.inf)
    return np.asarray((given.sum(axis=1) >= least) & (top == bottom))


def more_often_higher(first: ArrayLike, second: ArrayLike, *, n_unit: str = "people") -> Estimate:
    """Say how much more often one of the first group answers higher than one of the second than the other way.

    Estimand: P(first > second) - P(first < second) for two people of the process (Cliff's delta). Estimator: the same
    over all pairs. Interval: Newcombe (2006, Statistics in Medicine 25, part 2, method 5), the score interval of the
    Mann-Whitney statistic, which holds at 1 and -1 too; with ties it is a little wide.

    Examples
    --------
    >>> more_often_higher([5, 4, 4], [3, 4, 1]).value
    0.7777777777777778
    """
    a, b = (np.asarray(x, dtype=float) for x in (first, second))
    a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    n, m = len(a), len(b)
    told: dict[str, Any] = {"n": n + m, "n_unit": n_unit, "unit": "index"}
    words = say("Cliff's delta, Newcombe's score interval")
    if not n or not m:
        return Estimate.none(**told, method=say("{words}; a side has nobody", words=words))
    d = float(np.sign(a[:, None] - b[None, :]).mean())
    theta, spare = (1 + d) / 2, (n + m) / 2 - 1

    def far(t: float) -> float:
        """Give how many standard errors lie between what was seen and a truth `t`."""
        variance = t * (1 - t) * (1 + spare * (1 - t) / (2 - t) + spare * t / (1 + t)) / (n * m)
        return abs(theta - t) / math.sqrt(variance) if variance > 0 else math.inf

    def limit(end: float) -> float:
        if theta == end:
            return end
        near, beyond = theta, end
        for _ in range(60):
            middle = (near + beyond) / 2
            near, beyond = (middle, beyond) if far(middle) <= Z95 else (near, middle)
        return near

    return Estimate(d, 2 * limit(0.0) - 1, 2 * limit(1.0) - 1, **told, method=words)


def rank_p_value(first: ArrayLike, second: ArrayLike) -> float | None:
    """Give the two-sided p value of the Mann-Whitney test, corrected for ties and continuity.

    Returns None where a side has nobody or all answers are the same.

    Examples
    --------
    >>> round(rank_p_value([5, 4, 4, 5], [3, 2, 1, 1]), 4)
    0.0275
    """
    a, b = (np.asarray(x, dtype=float) for x in (first, second))
    a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    if not len(a) or not len(b) or len(np.unique(np.concatenate([a, b]))) < 2:
        return None
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(a, b, alternative="two-sided", method="asymptotic").pvalue)
