"""Intervals of the parts of a split: how far each would move if the clusters behind the sums came again."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignment_toolkit.languages import say
from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics.inference import quantile

__all__ = ["FEWEST", "part_intervals"]

Array = NDArray[np.float64]
# An interval from fewer clusters, or from clusters of which so few weigh, says nothing.
FEWEST, FEWEST_ALIKE = 10, 5.0


def part_intervals(
    parts: Callable[[Array], Sequence[float]],
    sums: ArrayLike,
    cells: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    columns: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    booked: ArrayLike | None = None,
    n_unit: str,
    unit: str,
    method: str,
) -> tuple[Estimate, ...]:
    """Give the parts of a split with their intervals.

    Estimand: the parts for the process that makes the clusters (accounts with all they did then and now) and what they
    bring. Delta method: the gradient of each part by the sums,
    taken numerically, times a cluster's own sums is its influence; the squared influences add up to the variance
    (compound Poisson: the number of clusters is by chance as well). Student's quantile with the degrees of freedom of
    that sum of squares (Satterthwaite 1946, Biometrics Bulletin 2). Without interval where fewer than ten clusters, or
    in effect fewer than five, make a part.

    Parameters
    ----------
    parts
        From the sums of the columns to the parts.
    sums
        The sums themselves.
    cells
        A row per cluster and a column per sum; or, with `columns`, one number per cluster and column.
    clusters
        The cluster of each row; by default each row is one.
    columns
        The column of each number, where `cells` is long.
    weights
        How many clusters a row stands for; only where each row is a cluster.
    booked
        Which sums are known without error (money that was booked). A part that hangs on these alone is exact: its
        limits are its value.

    Examples
    --------
    >>> rows = [[1.0, 4.0], [2.0, 3.0], [1.0, 1.0]] * 20
    >>> change = lambda sums: [sums[1] - sums[0]]
    >>> [e] = part_intervals(change, [80, 160], rows, n_unit="accounts", unit="money", method="example")
    >>> e.value, round(e.low), round(e.high)
    (80.0, 51, 109)
    """
    at = np.asarray(sums, dtype=float)
    values = [float(v) for v in parts(at)]
    x = np.asarray(cells, dtype=float)
    slopes = _gradient(parts, at, values)
    if columns is None:
        pieces = np.einsum(
            "ij,kj->ik", x.reshape(-1, len(at)), slopes
        )  # not @: the same digits on any machine
    else:
        pieces = x[:, None] * slopes.T[np.asarray(columns, dtype=int)]
    count = np.ones(len(pieces)) if weights is None else np.asarray(weights, dtype=float)
    if clusters is not None:
        _, cluster = np.unique(np.asarray(clusters), return_inverse=True)
        pieces = np.column_stack([_by_cluster(cluster, column) for column in pieces.T])
        count = np.ones(len(pieces))
    n = round(float(count.sum()))
    told = Estimate(0.0, None, None, n, n_unit, unit, method)
    sure = np.zeros(len(at), dtype=bool) if booked is None else np.asarray(booked, dtype=bool)
    return tuple(
        replace(told, value=value, low=value, high=value, method="as booked, no sampling error")
        if slope[sure].any() and not slope[~sure].any()
        else _estimate(replace(told, value=value), influence, count)
        for value, influence, slope in zip(values, pieces.T, slopes, strict=True)
    )


def _by_cluster(cluster: NDArray[np.int64], piece: Array) -> Array:
    """Sum up by cluster, the same whatever the order of the rows."""
    order = np.lexsort((piece, cluster))
    return np.asarray(np.bincount(cluster[order], weights=piece[order]), dtype=float)


def _estimate(told: Estimate, influence: Array, count: Array) -> Estimate:
    squares = influence**2
    variance = math.fsum(squares * count)
    fourth = math.fsum(squares**2 * count)
    n = float(count[squares > 0].sum())
    if n < FEWEST or not math.isfinite(variance) or not math.isfinite(fourth):
        return replace(
            told,
            method=say(
                "{method}; no interval: at least {fewest} {n_unit} are needed",
                method=told.method,
                fewest=FEWEST,
                n_unit=told.n_unit,
            ),
        )
    df = 2 * variance**2 / fourth if fourth > 0 else 0.0
    if df < FEWEST_ALIKE:
        few = say("a few of the {n_unit} make nearly all of it", n_unit=say(told.n_unit))
        return replace(told, method=say("{method}; no interval: {few}", method=told.method, few=few))
    half = quantile(min(df, 1e6)) * math.sqrt(variance * n / (n - 1))
    assert told.value is not None
    return replace(told, low=told.value - half, high=told.value + half)


def _gradient(parts: Callable[[Array], Sequence[float]], sums: Array, values: Sequence[float]) -> Array:
    """Give the derivative of each part by each sum: central differences; a sum of 0 is not moved."""
    slopes = np.zeros((len(values), len(sums)))
    for j, at in enumerate(sums):
        step = abs(at) * 1e-5
        if step == 0:
            continue
        up, down = sums.copy(), sums.copy()
        up[j], down[j] = at + step, at - step
        slopes[:, j] = (np.asarray(parts(up)) - np.asarray(parts(down))) / (up[j] - down[j])
    return slopes
