"""What clients will buy: BG/NBD for orders, gamma-gamma for their size, by maximum likelihood.

A client orders at a rate of their own and may, after each order, fall silent for good; rates and chances of falling
silent differ between clients (Fader, Hardie and Lee 2005, Marketing Science 24). The size of an order varies around a
client's own mean, and means differ between clients (Fader and Hardie 2013). Times are in one unit throughout.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignment_toolkit.languages import say, say_count
from alignment_toolkit.statistics.client_histories import Histories, Sizes, floats
from alignment_toolkit.statistics.likelihood import beta_nodes, maximum

__all__ = ["Purchases", "Spend", "fit_purchases", "fit_spend"]

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
        return self._alive(self._theta, x, t_x, seen)

    def _alive(self, theta: Floats, x: Floats, t_x: Floats, seen: Floats) -> Floats:
        from scipy.special import expit

        r, alpha, a, b = theta
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
        self,
        repeats: Floats,
        last: Floats,
        observed: Floats,
        horizon: float,
        random: np.random.Generator,
        steps: Floats | None = None,
    ) -> NDArray[np.int64]:
        """Draw one possible future number of orders for each client.

        Parameters
        ----------
        repeats, last, observed, horizon
            As in `expected`; of any one shape.
        random
            Where chance comes from.
        steps
            By how much the logarithms of (r, alpha, a, b) are moved, of a shape that goes with the clients'.
        """
        theta = self._theta if steps is None else np.exp(steps) * _upright(self._theta, steps)
        r, alpha, a, b = theta
        living = random.random(repeats.shape) < self._alive(theta, repeats, last, observed)
        ordered = random.poisson(random.gamma(r + repeats, 1 / (alpha + observed)) * horizon)
        until = random.geometric(np.clip(random.beta(a, b + repeats), 1e-12, 1.0))
        return np.where(living, np.minimum(ordered, until), 0)


def _upright(theta: Floats, steps: Floats) -> Floats:
    """Let parameters stand along the first axis of their steps."""
    return theta.reshape(-1, *[1] * (steps.ndim - 1))


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
        problem = say_count(
            n,
            "{n} client, {fewest_clients} are needed",
            "{n} clients, {fewest_clients} are needed",
            fewest_clients=FEWEST_CLIENTS,
        )
    elif (back := int(rows.counts[rows.x > 0].sum())) < FEWEST_REPEATERS:
        problem = say_count(
            back,
            "{n} client ordered again, {fewest_repeaters} are needed",
            "{n} clients ordered again, {fewest_repeaters} are needed",
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

    def _belief(
        self, repeats: ArrayLike, mean: ArrayLike, steps: Floats | None = None
    ) -> tuple[Floats, Floats, Floats]:
        x, m = floats(repeats, mean)
        x = np.where((x > 0) & np.isfinite(m) & (m > 0), x, 0.0)
        theta = np.array([self.p or 0, self.q or 0, self.v or 0], dtype=float)
        p, q, v = theta if steps is None else np.exp(steps) * _upright(theta, steps)
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
        self,
        orders: NDArray[np.int64],
        repeats: Floats,
        mean: Floats,
        random: np.random.Generator,
        steps: Floats | None = None,
    ) -> Floats:
        """Draw the money of a number of future orders for each client; `steps` move (p, q, v) as in `Purchases`."""
        p, shape, rate = self._belief(repeats, mean, steps)
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
            say_count(
                n,
                "{n} client with repeated orders, {fewest_clients} are needed",
                "{n} clients with repeated orders, {fewest_clients} are needed",
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
