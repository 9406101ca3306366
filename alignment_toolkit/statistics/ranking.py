"""Which of two ratings ranks better? Areas under the ROC curve of the same cases, and their difference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alignment_toolkit.languages import say
from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics.inference import Gap

__all__ = ["Ranking", "auc", "auc_difference", "logistic"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ranking:
    """Two ratings of the same cases compared: their areas, and the first minus the second."""

    gap: Gap
    first: Estimate
    second: Estimate


def auc(score: Any, won: Any, weights: Any = None, *, n_unit: str, unit: str = "index") -> Gap:
    """Give the area under the ROC curve: how often a winner is rated above one that did not win (ties count half).

    Examples
    --------
    >>> auc([1, 2, 3, 4], [0, 1, 0, 1], n_unit="accounts").estimate.value
    0.75
    """
    s, y, w = _clean(score, won, weights)
    return _of(_places(s[:, 0], y, w), y, w, n_unit, unit, say("area under the ROC curve, DeLong"))


def auc_difference(
    first: Any, second: Any, won: Any, weights: Any = None, *, n_unit: str, unit: str = "index"
) -> Ranking:
    """Compare two ratings of the same cases by how well they rank who wins.

    Estimand: the probability that a winner of the process is rated above one that did not win, by the first rating
    minus by the second. Estimator: the difference of the two Mann-Whitney statistics. Interval: variance of the paired
    placements (DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44), normal. With weights each case counts so
    often (inverse probabilities of having been seen), and the variance is that of the weighted placements.

    Parameters
    ----------
    first, second
        Ratings, higher for who is expected to win.
    won
        True or false.
    weights
        Non-negative; one each by default.

    Returns
    -------
    Ranking
        Without value where nobody won or everybody did.

    Examples
    --------
    >>> seen = auc_difference([1, 2, 3, 4], [1, 3, 2, 4], [0, 0, 1, 1], n_unit="accounts")
    >>> seen.first.value, seen.second.value, seen.gap.estimate.value
    (1.0, 0.75, 0.25)
    """
    s, y, w = _clean(np.column_stack([_floats(first), _floats(second)]) if len(first) else [], won, weights)
    one, two = _places(s[:, 0], y, w), _places(s[:, 1], y, w)
    gap = _of(
        one - two, y, w, n_unit, unit, say("difference of paired areas under the ROC curve, DeLong"), 1.0
    )
    words = say("area under the ROC curve, DeLong")
    return Ranking(
        gap, _of(one, y, w, n_unit, unit, words).estimate, _of(two, y, w, n_unit, unit, words).estimate
    )


def _floats(values: Any) -> Array:
    return np.asarray(values, dtype=float)


def _clean(scores: Any, won: Any, weights: Any) -> tuple[Array, NDArray[np.bool_], Array]:
    s = _floats(scores)
    s = s.reshape(len(s), -1) if s.size else np.zeros((0, 2))
    y = np.asarray(won, dtype=bool).reshape(-1)
    w = np.ones(len(y)) if weights is None else _floats(weights).reshape(-1)
    kept = np.isfinite(s).all(axis=1) & np.isfinite(w) & (w > 0)
    return s[kept], y[kept], w[kept]


def _places(score: Array, y: NDArray[np.bool_], w: Array) -> Array:
    """Give each case's placement: the weighted share of the other class that it is ranked rightly against."""
    place = np.full(len(score), math.nan)
    for side in (True, False):
        others, own = score[y != side], score[y == side]
        if not len(others) or not len(own):
            return place
        order = np.argsort(others, kind="stable")
        sums = np.concatenate([[0.0], np.cumsum(w[y != side][order])])
        below = sums[np.searchsorted(others[order], own, side="left")]
        upto = sums[np.searchsorted(others[order], own, side="right")]
        share = (below + upto) / 2 / sums[-1]
        place[y == side] = share if side else 1 - share
    return place


def _of(
    place: Array, y: NDArray[np.bool_], w: Array, n_unit: str, unit: str, method: str, least: float = 0.0
) -> Gap:
    n = len(y)
    if n == 0 or y.all() or not y.any():
        return Gap.none(n=n, n_unit=n_unit, unit=unit, method=say("{method}; one class only", method=method))
    variance = 0.0
    for side in (True, False):
        own, weight = place[y == side], w[y == side]
        mean = float(np.average(own, weights=weight))
        if len(own) < 2:
            variance = math.nan
            break
        share = weight / weight.sum()
        variance += float((share**2 * (own - mean) ** 2).sum()) * len(own) / (len(own) - 1)
    value = float(np.average(place[y], weights=w[y]))
    se = math.sqrt(variance) if variance == variance else math.nan
    if se < 1e-12:
        se = math.nan
    return Gap.normal(value, se, n=n, n_unit=n_unit, unit=unit, method=method, space=(-least, 1.0))


def logistic(features: Any, outcome: Any) -> Array:
    """Give each case's probability of the outcome from its features: logistic regression, lightly penalised.

    For weights by the inverse probability of having been seen (Rosenbaum and Rubin 1983, Biometrika 70). Missing
    features count as the mean; a light ridge keeps separated data finite.

    Examples
    --------
    >>> logistic([[0.0], [0.0], [1.0], [1.0]], [0, 1, 0, 1]).round(3).tolist()
    [0.5, 0.5, 0.5, 0.5]
    """
    y = _floats(outcome).reshape(-1)
    x = _floats(features).reshape(len(y), -1)
    if not len(y):
        return np.zeros(0)
    centre = np.array([c[np.isfinite(c)].mean() if np.isfinite(c).any() else 0.0 for c in x.T])
    x = np.where(np.isfinite(x), x, centre) - centre
    size = x.std(axis=0)
    x = np.column_stack([np.ones(len(y)), x / np.where(size > 0, size, 1.0)])
    penalty = np.diag([1e-6, *[0.1] * (x.shape[1] - 1)])
    beta, p = np.zeros(x.shape[1]), np.full(len(y), 0.5)
    for _ in range(30):
        slope = x.T @ (y - p) - penalty @ beta
        step = np.linalg.solve((x * np.maximum(p * (1 - p), 1e-9)[:, None]).T @ x + penalty, slope)
        beta += step * min(1.0, 5 / max(float(np.abs(step).max()), 1e-9))
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        if float(np.abs(step).max()) < 1e-9:
            break
    return np.asarray(p, dtype=float)
