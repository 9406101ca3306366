"""What clients together, or each of them, will order within a horizon: totals and ranges by the models of client_value.

An interval holds both what the data leaves open of the models' parameters and the chance in what clients with these
rates do, so that it should cover what really comes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignment_toolkit.languages import say
from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics.client_histories import floats
from alignment_toolkit.statistics.client_value import Purchases, Spend
from alignment_toolkit.statistics.inference import quantile
from alignment_toolkit.statistics.resampling import generator

__all__ = ["Ahead", "ahead", "likely_range", "total_ahead"]

Floats = NDArray[np.float64]
# Futures of clients drawn in one piece: beyond this, arrays leave the processor's cache.
_AT_ONCE = 50_000


def total_ahead(
    purchases: Purchases,
    repeats: ArrayLike,
    last: ArrayLike,
    observed: ArrayLike,
    *,
    horizon: float,
    spend: Spend | None = None,
    mean: ArrayLike | None = None,
    sized: ArrayLike | None = None,
    counts: ArrayLike | None = None,
    unit: str = "count",
) -> Estimate:
    """Give what these clients together will order within a horizon: orders, or with `spend` their money.

    Estimand: the total that will really come about. The interval holds both the uncertainty of the parameters (delta
    method) and the chance in what clients with these rates do, so that it should cover the real total. `mean` is that
    of `sized` orders of each client, by default of the repeated ones.

    Examples
    --------
    >>> from alignment_toolkit.statistics.client_value import fit_purchases
    >>> total_ahead(fit_purchases([], [], []), [], [], [], horizon=1).value is None
    True
    """
    part = ahead(
        purchases,
        repeats,
        last,
        observed,
        horizon=horizon,
        spend=spend,
        mean=mean,
        sized=sized,
        counts=counts,
    )
    models = [m for m in (purchases, spend) if m is not None]
    fixed = [m.covariance for m in models]
    variance = part.chance + sum(
        float(s @ c @ s) for s, c in zip(part.slopes, fixed, strict=False) if c is not None
    )
    known = all(c is not None for c in fixed)
    return part.told(
        variance if known else None, unit, "BG/NBD" if spend is None else say("BG/NBD and gamma-gamma")
    )


@dataclass(frozen=True)
class Ahead:
    """A total to come in its parts: mean, variance by chance, slopes in the log parameters of the models."""

    n: int
    value: float
    chance: float
    slopes: tuple[Floats, ...]
    problem: str | None = None

    def told(self, variance: float | None, unit: str, method: str) -> Estimate:
        """Give the estimate; None where the parameters have no covariance."""
        if self.problem:
            return Estimate.none(n=self.n, n_unit="clients", unit=unit, method=f"{method}: {self.problem}")
        why = None if np.isfinite(self.chance) else say("order sizes spread too far")
        why = why or (say("the parameters are not determined by the data") if variance is None else None)
        if why or variance is None or not np.isfinite(variance):
            return Estimate(
                self.value,
                None,
                None,
                self.n,
                "clients",
                unit,
                say("{method}; no interval: {why}", method=method, why=why),
            )
        half = quantile() * float(np.sqrt(variance))
        low, high = max(self.value - half, 0.0), self.value + half
        return Estimate(
            self.value,
            low,
            high,
            self.n,
            "clients",
            unit,
            say("{method}, delta method and process", method=method),
        )


def ahead(
    purchases: Purchases,
    repeats: ArrayLike,
    last: ArrayLike,
    observed: ArrayLike,
    *,
    horizon: float,
    spend: Spend | None = None,
    mean: ArrayLike | None = None,
    sized: ArrayLike | None = None,
    counts: ArrayLike | None = None,
) -> Ahead:
    """Give what `total_ahead` is made of, so that segments can be put together."""
    x, t_x, seen, m, k, w = floats(
        repeats, last, observed, 0.0 if mean is None else mean, repeats if sized is None else sized,
        1.0 if counts is None else counts,
    )  # fmt: skip
    n = int(w.sum()) if x.size else 0
    problem = purchases.problem or (spend.problem if spend else None) or (None if n else say("no clients"))
    if problem:
        return Ahead(n, np.nan, np.nan, (), problem)
    orders, chance = purchases.moments(x, t_x, seen, horizon)

    def total(orders: Floats, sizes: Spend | None) -> float:
        return float(w @ (orders if sizes is None else orders * sizes.expected(k, m)))

    value = total(orders, spend)
    if not np.isfinite(value):
        return Ahead(n, np.nan, np.nan, (), say("order sizes spread too far to have a mean"))
    if spend is not None:
        one, two = spend.spread(k, m)
        p = float(spend.p or 0)
        chance = (p**2 * (chance + orders**2) + p * orders) * two - (p * orders * one) ** 2
    moved: list[Callable[[Floats], float]] = [
        lambda step: total(purchases.moved(step).expected(x, t_x, seen, horizon), spend)
    ]
    if spend is not None:
        moved.append(lambda step: total(orders, spend.moved(step)))
    slopes = [
        np.array([(move(s) - move(-s)) / 2e-3 for s in np.eye(d) * 1e-3])
        for move, d in zip(moved, (4, 3), strict=False)
    ]
    return Ahead(n, value, float(w @ chance), tuple(slopes))


def likely_range(
    purchases: Purchases,
    repeats: ArrayLike,
    last: ArrayLike,
    observed: ArrayLike,
    *,
    horizon: float,
    spend: Spend | None = None,
    mean: ArrayLike | None = None,
    sized: ArrayLike | None = None,
    draws: int = 999,
    seed: str = "client value",
) -> tuple[Floats, Floats]:
    """Give for each client between what bounds their orders (or money) of the horizon will lie, 19 times in 20.

    Drawn from the model's parameters with their uncertainty, then from what a client with that history may do. NaN
    where there is no model. `sized` as in `total_ahead`. For a handful of clients, not for millions.

    Examples
    --------
    >>> model = Purchases(.242593, 4.413532, .792886, 2.425753, None, 2357)
    >>> low, high = likely_range(model, [2], [30.43], [38.86], horizon=39, draws=9999)
    >>> float(low[0]), float(high[0])
    (0.0, 4.0)
    """
    x, t_x, seen, m, k = floats(
        repeats, last, observed, 0.0 if mean is None else mean, repeats if sized is None else sized
    )
    if purchases.problem or (spend and spend.problem) or not x.size:
        return np.full(x.shape, np.nan), np.full(x.shape, np.nan)
    random = generator(seed)
    of_orders, of_sizes = _spread(purchases.covariance), _spread(spend.covariance if spend else None)
    futures = max(1, _AT_ONCE // x.size)
    parts = []
    for first in range(0, draws, futures):
        rows = min(futures, draws - first)
        repeated, ended, known, size, of = (np.broadcast_to(v, (rows, x.size)) for v in (x, t_x, seen, m, k))
        orders = purchases.draw(repeated, ended, known, horizon, random, _steps(of_orders, rows, random))
        if spend is None:
            parts.append(orders.astype(float))
        else:
            parts.append(spend.draw(orders, of, size, random, _steps(of_sizes, rows, random)))
    return _shortest(np.concatenate(parts))


def _shortest(drawn: Floats) -> tuple[Floats, Floats]:
    """Give the shortest range of 19 in 20 draws: where many are 0 it begins there, and what is left out lies above."""
    drawn = np.sort(drawn, axis=0)
    inside = int(np.ceil(0.95 * (len(drawn) + 1)))
    width = drawn[inside - 1 :] - drawn[: len(drawn) - inside + 1]
    first = width.argmin(axis=0)
    each = np.arange(drawn.shape[1])
    return drawn[first, each], drawn[first + inside - 1, each]


def _spread(covariance: Floats | None) -> tuple[Floats, Floats] | None:
    if covariance is None:
        return None
    values, vectors = np.linalg.eigh(covariance)
    return np.sqrt(np.maximum(values, 0)), vectors


def _steps(spread: tuple[Floats, Floats] | None, rows: int, random: np.random.Generator) -> Floats | None:
    """Draw steps of the log parameters, of shape (parameter, row, 1)."""
    if spread is None:
        return None
    steps = random.standard_normal((rows, spread[0].size)) * spread[0] @ spread[1].T
    return np.asarray(np.clip(steps, -4, 4).T[:, :, None], dtype=float)
