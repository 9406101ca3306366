"""What clients will buy: BG/NBD for orders, gamma-gamma for their size, by maximum likelihood.

A client orders at a rate of their own and may, after each order, fall silent for good; rates and chances of falling
silent differ between clients (Fader, Hardie and Lee 2005, Marketing Science 24). The size of an order varies around a
client's own mean, and means differ between clients (Fader and Hardie 2013). Times are in one unit throughout.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from alignment_toolkit.languages import say
from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics.client_histories import Histories, Sizes, floats
from alignment_toolkit.statistics.likelihood import beta_nodes, maximum
from alignment_toolkit.statistics.resampling import generator

__all__ = [
    "Ahead",
    "Purchases",
    "Spend",
    "ahead",
    "fit_purchases",
    "fit_spend",
    "likely_range",
    "total_ahead",
]

# Fewer clients, or fewer that came back, leave four parameters to chance.
FEWEST_CLIENTS = 30
FEWEST_REPEATERS = 10
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Purchases:
    """A BG/NBD model: how often clients order, and when they fall silent.

    Attributes
    ----------
    r, alpha
        Rates of ordering are gamma distributed with shape r and rate alpha (in the unit of time).
    a, b
        Chances of falling silent after an order are beta distributed.
    log_likelihood
        At its maximum.
    n
        The clients.
    problem
        Why there is no model; the parameters are then None.
    covariance
        Of the logarithms of (r, alpha, a, b).
    """

    r: float | None
    alpha: float | None
    a: float | None
    b: float | None
    log_likelihood: float | None
    n: int
    problem: str | None = None
    covariance: Floats | None = field(default=None, repr=False, compare=False)

    @property
    def _theta(self) -> Floats:
        return np.array([self.r, self.alpha, self.a, self.b], dtype=float)

    def moved(self, step: Floats) -> Purchases:
        """Give the model with the logarithms of its parameters moved."""
        r, alpha, a, b = (self._theta * np.exp(step)).tolist()
        return replace(self, r=r, alpha=alpha, a=a, b=b)

    def alive(self, repeats: ArrayLike, last: ArrayLike, observed: ArrayLike) -> Floats:
        """Give the probability that a client has not fallen silent; NaN where there is no model.

        Parameters
        ----------
        repeats
            Orders after the first one.
        last
            Time from the first order to the last.
        observed
            Time from the first order to the end of the data.

        Examples
        --------
        >>> model = Purchases(.242593, 4.413532, .792886, 2.425753, None, 2357)
        >>> float(model.alive(2, 30.43, 38.86)[0].round(4))
        0.7266
        """
        x, t_x, seen = floats(repeats, last, observed)
        if self.problem:
            return np.full(x.shape, np.nan)
        r, alpha, a, b = self._theta
        with np.errstate(divide="ignore", invalid="ignore"):
            odds = np.log(a / (b + x - 1)) + (r + x) * (np.log(alpha + seen) - np.log(alpha + t_x))
        return np.where(x > 0, expit(-odds), 1.0)

    def expected(
        self, repeats: ArrayLike, last: ArrayLike, observed: ArrayLike, horizon: ArrayLike
    ) -> Floats:
        """Give the number of orders to expect within a horizon after the end of the data.

        Estimand: the mean of a client's orders in the horizon, given what they did so far.

        Examples
        --------
        >>> model = Purchases(.242593, 4.413532, .792886, 2.425753, None, 2357)
        >>> float(model.expected(2, 30.43, 38.86, 39)[0].round(3))
        1.226
        """
        return self.moments(repeats, last, observed, horizon)[0]

    def moments(
        self, repeats: ArrayLike, last: ArrayLike, observed: ArrayLike, horizon: ArrayLike
    ) -> tuple[Floats, Floats]:
        """Give the mean and the variance of a client's orders within a horizon, given what they did so far.

        A living client orders at a gamma rate (shape r + x, rate alpha + seen) until silence, of chance p that
        is beta distributed (a, b + x); the integral over p is Gauss-Jacobi quadrature, which needs no hypergeometric
        function and is finite for all parameters.
        """
        x, t_x, seen, t = floats(repeats, last, observed, horizon)
        if self.problem:
            return np.full(x.shape, np.nan), np.full(x.shape, np.nan)
        r, alpha, a, b = self._theta
        first, second = np.empty_like(x), np.empty_like(x)
        step = (t / (alpha + seen))[:, None]
        values, place = np.unique(x, return_inverse=True)
        order = np.argsort(place, kind="stable")
        for k, rows in zip(values, np.split(order, np.cumsum(np.bincount(place))[:-1]), strict=True):
            p, weight = beta_nodes(float(a), float(b + k))
            for part in np.array_split(rows, len(rows) // 50_000 + 1):
                ahead = p * step[part]
                fade = np.exp(-(r + k) * np.log1p(ahead))
                first[part] = (-np.expm1(-(r + k) * np.log1p(ahead)) / p) @ weight
                pairs = 1 - fade * (1 + (r + k) * ahead / (1 + ahead))
                small = (r + k) * (r + k + 1) * ahead**2 / 2
                pairs = np.where((r + k) * ahead < 1e-4, small, pairs)
                second[part] = (2 * (1 - p) / p**2 * pairs) @ weight
        living = self.alive(x, t_x, seen)
        mean = living * first
        return mean, np.maximum(living * (second + first) - mean**2, 0.0)

    def draw(
        self, repeats: Floats, last: Floats, observed: Floats, horizon: float, random: np.random.Generator
    ) -> NDArray[np.int64]:
        """Draw one possible future number of orders for each client."""
        r, alpha, a, b = self._theta
        living = random.random(repeats.shape) < self.alive(repeats, last, observed)
        ordered = random.poisson(random.gamma(r + repeats, 1 / (alpha + observed)) * horizon)
        until = random.geometric(np.clip(random.beta(a, b + repeats), 1e-12, 1.0))
        return np.where(living, np.minimum(ordered, until), 0)


def fit_purchases(
    repeats: ArrayLike, last: ArrayLike, observed: ArrayLike, counts: ArrayLike | None = None
) -> Purchases:
    """Fit a BG/NBD model by maximum likelihood.

    Estimand: the distribution, over clients of this kind, of the rate of orders and of the chance to fall silent.

    Parameters
    ----------
    repeats
        Per client, orders after the first one.
    last
        Time from the first order to the last one; 0 where there is no repeat.
    observed
        Time from the first order to the end of the data.
    counts
        How many clients have that history; 1 each by default.

    Returns
    -------
    Purchases
        With `problem` where there is no model.

    Examples
    --------
    >>> fit_purchases([0, 1], [0, 2], [3, 3]).problem
    '2 clients, 30 are needed'
    """
    rows = Histories.of(repeats, last, observed, counts)
    n = rows.n
    problem = None
    if n < FEWEST_CLIENTS:
        problem = say("{n} clients, {fewest_clients} are needed", n=n, fewest_clients=FEWEST_CLIENTS)
    elif (back := int(rows.counts[rows.x > 0].sum())) < FEWEST_REPEATERS:
        problem = say(
            "{back} clients ordered again, {fewest_repeaters} are needed",
            back=back,
            fewest_repeaters=FEWEST_REPEATERS,
        )
    if problem:
        return Purchases(None, None, None, None, None, n, problem)
    scale = float(rows.observed.max())
    scaled = rows.over(scale)
    found, covariance = maximum(scaled.loss, [[0, 0, 0, 0], [-1, -2, 0, 1], [0.5, -1, -1.5, 0.5]], float(n))
    r, alpha, a, b = np.exp(found).tolist()
    likelihood = -scaled.loss(found)[0] - float(rows.counts @ rows.x) * float(np.log(scale))
    return Purchases(r, alpha * scale, a, b, likelihood, n, None, covariance)


@dataclass(frozen=True)
class Spend:
    """A gamma-gamma model: how large a client's orders are.

    Attributes
    ----------
    p, q, v
        An order is gamma distributed with shape p around the client's mean; q and v say how means differ.
    log_likelihood, n, problem, covariance
        As in `Purchases`.
    """

    p: float | None
    q: float | None
    v: float | None
    log_likelihood: float | None
    n: int
    problem: str | None = None
    covariance: Floats | None = field(default=None, repr=False, compare=False)

    def moved(self, step: Floats) -> Spend:
        """Give the model with the logarithms of its parameters moved."""
        p, q, v = (np.array([self.p, self.q, self.v], dtype=float) * np.exp(step)).tolist()
        return replace(self, p=p, q=q, v=v)

    def _belief(self, repeats: ArrayLike, mean: ArrayLike) -> tuple[float, Floats, Floats]:
        x, m = floats(repeats, mean)
        x = np.where((x > 0) & np.isfinite(m) & (m > 0), x, 0.0)
        p, q, v = float(self.p or 0), float(self.q or 0), float(self.v or 0)
        return p, p * x + q, v + x * np.where(x > 0, m, 0.0)

    def expected(self, repeats: ArrayLike, mean: ArrayLike) -> Floats:
        """Give the mean size of a client's orders to come, drawn towards all clients' the less was seen.

        NaN where there is no model, and where the sizes spread so far that they have no mean.

        Examples
        --------
        >>> float(Spend(6.25, 3.74, 15.44, None, 946).expected(0, 0)[0].round(1))
        35.2
        """
        if self.problem:
            return np.full(floats(repeats, mean)[0].shape, np.nan)
        p, shape, rate = self._belief(repeats, mean)
        return np.where(shape > 1, p * rate / np.where(shape > 1, shape - 1, 1.0), np.nan)

    def spread(self, repeats: ArrayLike, mean: ArrayLike) -> tuple[Floats, Floats]:
        """Give E(1 / rate) and E(1 / rate squared) of a client's orders; NaN where they are infinite."""
        _, shape, rate = self._belief(repeats, mean)
        one = np.where(shape > 1, rate / np.where(shape > 1, shape - 1, 1.0), np.nan)
        two = np.where(shape > 2, one * rate / np.where(shape > 2, shape - 2, 1.0), np.nan)
        return one, two

    def draw(
        self, orders: NDArray[np.int64], repeats: Floats, mean: Floats, random: np.random.Generator
    ) -> Floats:
        """Draw the money of a number of future orders for each client."""
        p, shape, rate = self._belief(repeats, mean)
        own = random.gamma(shape) / rate
        return np.where(orders > 0, random.gamma(p * np.maximum(orders, 1)) / own, 0.0)


def fit_spend(repeats: ArrayLike, mean: ArrayLike, counts: ArrayLike | None = None) -> Spend:
    """Fit a gamma-gamma model by maximum likelihood, to clients with at least one order of positive mean.

    Estimand: the distribution, over clients, of the mean size of their orders; independent of how often they order.

    Parameters
    ----------
    repeats
        Per client, the orders that `mean` is the mean of.
    mean
        Their mean size.
    counts
        How many clients are alike; 1 each by default.

    Returns
    -------
    Spend
        With `problem` where there is no model.

    Examples
    --------
    >>> fit_spend([1, 2], [10, 20]).problem
    '2 clients with repeated orders, 30 are needed'
    """
    rows = Sizes.of(repeats, mean, counts)
    n = rows.n
    if n < FEWEST_CLIENTS:
        return Spend(
            None,
            None,
            None,
            None,
            n,
            say(
                "{n} clients with repeated orders, {fewest_clients} are needed",
                n=n,
                fewest_clients=FEWEST_CLIENTS,
            ),
        )
    if np.ptp(rows.mean) <= 1e-9 * rows.mean.max():
        return Spend(None, None, None, None, n, say("all clients' orders have the same mean size"))
    scale = float(np.exp(np.average(np.log(rows.mean), weights=rows.counts)))
    scaled = rows.over(scale)
    found, covariance = maximum(scaled.loss, [[1, 1, 0.5], [0, 0, 0], [2, 0.5, -1]], float(n))
    p, q, v = np.exp(found).tolist()
    likelihood = -scaled.loss(found)[0] - float(n) * float(np.log(scale))
    return Spend(p, q, v * scale, likelihood, n, None, covariance)


def total_ahead(
    purchases: Purchases,
    repeats: ArrayLike,
    last: ArrayLike,
    observed: ArrayLike,
    *,
    horizon: float,
    spend: Spend | None = None,
    mean: ArrayLike | None = None,
    counts: ArrayLike | None = None,
    unit: str = "count",
) -> Estimate:
    """Give what these clients together will order within a horizon: orders, or with `spend` their money.

    Estimand: the total that will really come about. The interval holds both the uncertainty of the parameters (delta
    method) and the chance in what clients with these rates do, so that it should cover the real total.

    Examples
    --------
    >>> total_ahead(fit_purchases([], [], []), [], [], [], horizon=1).value is None
    True
    """
    part = ahead(purchases, repeats, last, observed, horizon=horizon, spend=spend, mean=mean, counts=counts)
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
        half = 1.959963985 * float(np.sqrt(variance))
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
    counts: ArrayLike | None = None,
) -> Ahead:
    """Give what `total_ahead` is made of, so that segments can be put together."""
    x, t_x, seen, m, w = floats(
        repeats, last, observed, 0.0 if mean is None else mean, 1.0 if counts is None else counts
    )
    n = int(w.sum()) if x.size else 0
    problem = purchases.problem or (spend.problem if spend else None) or (None if n else say("no clients"))
    if problem:
        return Ahead(n, np.nan, np.nan, (), problem)
    orders, chance = purchases.moments(x, t_x, seen, horizon)

    def total(orders: Floats, sizes: Spend | None) -> float:
        return float(w @ (orders if sizes is None else orders * sizes.expected(x, m)))

    value = total(orders, spend)
    if not np.isfinite(value):
        return Ahead(n, np.nan, np.nan, (), say("order sizes spread too far to have a mean"))
    if spend is not None:
        one, two = spend.spread(x, m)
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
    draws: int = 999,
    seed: str = "client value",
) -> tuple[Floats, Floats]:
    """Give for each client between what bounds their orders (or money) of the horizon will lie, 19 times in 20.

    Drawn from the model's parameters with their uncertainty, then from what a client with that history may do. NaN
    where there is no model. For a handful of clients, not for millions.

    Examples
    --------
    >>> model = Purchases(.242593, 4.413532, .792886, 2.425753, None, 2357)
    >>> low, high = likely_range(model, [2], [30.43], [38.86], horizon=39)
    >>> float(low[0]), float(high[0])
    (0.0, 4.0)
    """
    x, t_x, seen, m = floats(repeats, last, observed, 0.0 if mean is None else mean)
    if purchases.problem or (spend and spend.problem) or not x.size:
        return np.full(x.shape, np.nan), np.full(x.shape, np.nan)
    random = generator(seed)
    drawn = np.empty((draws, x.size))
    of_orders, of_sizes = _spread(purchases.covariance), _spread(spend.covariance if spend else None)
    for i in range(draws):
        model, sizes = purchases, spend
        if of_orders is not None:
            model = purchases.moved(_step(of_orders, random))
        orders = model.draw(x, t_x, seen, horizon, random)
        if sizes is None:
            drawn[i] = orders
            continue
        if of_sizes is not None:
            sizes = sizes.moved(_step(of_sizes, random))
        drawn[i] = sizes.draw(orders, x, m, random)
    return _shortest(drawn)


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


def _step(spread: tuple[Floats, Floats], random: np.random.Generator) -> Floats:
    step = spread[1] @ (spread[0] * random.standard_normal(spread[0].size))
    return np.asarray(np.clip(step, -4, 4), dtype=float)
