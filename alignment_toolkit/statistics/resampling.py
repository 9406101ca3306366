"""Resampling of the unit that repeats, with a seed from a text, the same whatever the order of the rows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignment_toolkit.languages import say
from alignment_toolkit.results import Estimate

__all__ = ["cluster_bootstrap", "generator", "percentile_interval"]


def generator(seed: str) -> np.random.Generator:
    """Give the generator of random numbers that belongs to a text (an indicator's id, say), on every machine.

    Examples
    --------
    >>> int(generator("dropped_leads").integers(1000)) == int(generator("dropped_leads").integers(1000))
    True
    """
    digest = hashlib.sha256(seed.encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))


def cluster_bootstrap(
    keys: Sequence[Any] | NDArray[Any],
    values: ArrayLike,
    statistic: Callable[[NDArray[np.float64]], float],
    *,
    seed: str,
    draws: int = 999,
) -> NDArray[np.float64]:
    """Draw whole clusters with replacement and give the statistic of each draw.

    Estimand: the sampling distribution of the statistic where clusters are drawn from the process (Davison and
    Hinkley 1997, section 3.8). Rows are put into one order first (by key, then by values), so that the same rows in
    another order give the same draws.

    Parameters
    ----------
    keys
        The cluster of each row.
    values
        One row per row, one column per variable.
    statistic
        From the drawn rows to a number; NaN where a draw has none.
    seed
        A text.
    draws
        How many.

    Returns
    -------
    numpy.ndarray
        The finite statistics, at most `draws`; empty where there are fewer than two clusters.

    Examples
    --------
    >>> drawn = cluster_bootstrap(["a", "b", "c"], [[1.0], [2.0], [6.0]], lambda rows: rows.mean(), seed="x")
    >>> len(drawn), bool(1 <= drawn.min() <= drawn.max() <= 6)
    (999, True)
    """
    rows = np.asarray(values, dtype=float)
    rows = rows.reshape(len(rows), -1) if rows.size else np.zeros((0, 1))
    names = np.array([str(key) for key in keys], dtype=object)
    if len(names) != len(rows):
        raise ValueError(f"{len(names)} keys for {len(rows)} rows")
    if len(rows) == 0:
        return np.empty(0)
    unique, cluster = np.unique(names.astype(str), return_inverse=True)
    if len(unique) < 2:
        return np.empty(0)
    order = np.lexsort((*rows.T[::-1], cluster))
    rows, cluster = rows[order], cluster[order]
    ends = np.cumsum(np.bincount(cluster))
    parts = np.split(np.arange(len(rows)), ends[:-1])
    random = generator(seed)
    found = np.empty(draws)
    for i in range(draws):
        drawn = random.integers(len(parts), size=len(parts))
        found[i] = statistic(rows[np.concatenate([parts[j] for j in drawn])])
    return found[np.isfinite(found)]


def percentile_interval(
    value: float | None, drawn: NDArray[np.float64], *, n: int, n_unit: str, unit: str, method: str
) -> Estimate:
    """Make an Estimate of the draws: the middle 95 %. Never for a distance, which is biased upwards.

    Examples
    --------
    >>> percentile_interval(2.0, np.arange(101.0), n=3, n_unit="rows", unit="count", method="bootstrap").high
    97.5
    """
    if value is None or not np.isfinite(value):
        return Estimate.none(n=n, n_unit=n_unit, unit=unit, method=say("{method}; no value", method=method))
    if len(drawn) < 100:
        return Estimate(
            float(value), None, None, n, n_unit, unit, say("{method}; no interval", method=method)
        )
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Estimate(
        float(value), min(float(low), float(value)), max(float(high), float(value)), n, n_unit, unit, method
    )
