"""What the market's line of price on benefit would ask for an offer, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alignment_toolkit.languages import say
from alignment_toolkit.statistics.inference import Gap, quantile
from alignment_toolkit.statistics.resampling import generator

__all__ = ["FairLine", "Market", "Premium", "benefit_to_tie", "benefits", "fair_line", "price_premium"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Market:
    """Offers that clients compare with each other, and how raters rate them.

    Attributes
    ----------
    prices
        One per offer.
    own
        True for the company's own offers; the line is fitted without them.
    weights
        What each own offer weighs (revenue); ignored for rivals' offers.
    totals, counts
        Raters x offers x attributes: sum of the ratings and how many there are.
    importance
        One per attribute, on any scale.
    """

    prices: Any
    own: Any
    weights: Any
    totals: Any
    counts: Any
    importance: Any


@dataclass(frozen=True)
class Premium:
    """The premium, and what each offer's benefit and its price on the line are (by market, in the order given)."""

    gap: Gap
    benefits: tuple[tuple[float, ...], ...] = ()
    on_line: tuple[tuple[float, ...], ...] = ()


def price_premium(
    markets: Sequence[Market], *, seed: str, n_unit: str = "ratings", unit: str = "ratio", draws: int = 400
) -> Premium:
    """Give the own price over the price that the line of the rivals' offers gives its benefit, minus 1.

    Estimand: own price over the line's price at the own benefit, minus 1, averaged over own offers by weight, where
    benefits are what all clients of the kind asked would say. Estimator: per market, least squares of log price on
    benefit (attributes' mean ratings, weighed by importance) over the rivals' offers. Interval: raters are drawn again
    (they carry the error of every benefit), the line's own uncertainty about its rivals is added to that variance, on
    the logarithm of 1 + premium, with Student's quantile for the degrees of freedom of both (Satterthwaite 1946).

    Examples
    --------
    >>> ratings = np.array([[[4.0], [6.0], [8.0], [6.0]]] * 30)
    >>> market = Market([80, 100, 125, 120], [False, False, False, True], [0, 0, 0, 1], ratings, ratings > 0, [1.0])
    >>> round(price_premium([market], seed="x").gap.estimate.value, 2)
    0.2
    """
    words = say("log price on benefit, line without own offers; raters drawn again")
    used = [m for m in (_Lines(m) for m in markets) if m.fits]
    n = int(sum(np.asarray(m.counts).sum() for m in markets))
    weight = sum(float(m.weights.sum()) for m in used)
    if not used or weight <= 0:
        return Premium(Gap.none(n=n, n_unit=n_unit, unit=unit, method=say("{words}; no line", words=words)))
    value, line_variance, df_line = 0.0, 0.0, 0.0
    for m in used:
        part, variance = m.premium(weight)
        value += part
        line_variance += variance
        df_line += m.df
    random = generator(seed)
    raters = max(m.raters for m in used)
    drawn = np.zeros(draws)
    if raters > 1:
        times = random.multinomial(raters, np.full(raters, 1 / raters), size=draws)
        for m in used:
            drawn += m.redrawn(times[:, : m.raters].astype(float), weight)
    drawn = drawn[np.isfinite(drawn)]
    rating_variance = float(drawn.var(ddof=1)) if len(drawn) > 50 and raters > 1 else math.nan
    total = rating_variance + line_variance
    benefits = tuple(tuple(map(float, m.benefit)) for m in used)
    on_line = tuple(tuple(map(float, np.exp(m.line))) for m in used)
    if not math.isfinite(total) or value <= -1:
        none = Gap.none(
            n=n, n_unit=n_unit, unit=unit, method=say("{words}; no interval", words=words), value=value
        )
        return Premium(none, benefits, on_line)
    if total < 1e-18:
        none = Gap.none(
            n=n,
            n_unit=n_unit,
            unit=unit,
            method=say("{words}; no interval, nothing varies", words=words),
            value=value,
        )
        return Premium(none, benefits, on_line)
    df = total**2 / (rating_variance**2 / (raters - 1) + line_variance**2 / max(df_line, 1.0))
    se, centre = math.sqrt(total) / (1 + value), math.log1p(value)
    q = quantile(df)

    def z(m: float) -> float:
        return math.inf if m <= -1 else (centre - math.log1p(m)) / se

    low, high = math.expm1(centre - q * se), math.expm1(centre + q * se)
    gap = Gap.of_statistic(value, low, high, z, df=df, n=n, n_unit=n_unit, unit=unit, method=words)
    return Premium(gap, benefits, on_line)


@dataclass(frozen=True)
class FairLine:
    """Points on the line of the rivals' offers, from low to high benefit: price, with the limits of its interval."""

    benefit: tuple[float, ...]
    price: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def fair_line(market: Market, *, seed: str, points: int = 9, draws: int = 400) -> FairLine | None:
    """Give what the market asks for a benefit, over all benefits that were rated; None where there is no line.

    Estimand: the price on the least-squares line of log price on benefit over rivals' offers, benefits being what all
    clients of the kind asked would say. Interval: raters drawn again, and the line's own uncertainty, as in
    `price_premium`.

    Examples
    --------
    >>> ratings = np.array([[[4.0], [6.0], [8.0], [6.0]]] * 30)
    >>> market = Market([80, 100, 125, 120], [False, False, False, True], [0, 0, 0, 1], ratings, ratings > 0, [1.0])
    >>> [round(p) for p in fair_line(market, seed="x", points=3).price]
    [80, 100, 125]
    """
    m = _Lines(market)
    if not m.fits:
        return None
    at = np.linspace(m.benefit.min(), m.benefit.max(), points)

    def line(benefit: Array) -> Array:
        x, y = benefit[:, ~m.own], m.prices[~m.own]
        middle = x.mean(axis=1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = ((x - middle) @ y) / ((x - middle) ** 2).sum(axis=1)
        return np.asarray(y.mean() + slope[:, None] * (at - middle), dtype=float)

    x = m.benefit[~m.own]
    left = m.prices[~m.own] - m.line[~m.own]
    own = float((left**2).sum()) / m.df * (1 / m.rivals + (at - x.mean()) ** 2 / ((x - x.mean()) ** 2).sum())
    raters = line(_redrawn(m, seed, draws)).var(axis=0, ddof=1) if m.raters > 1 else np.zeros(points)
    total = np.maximum(raters + own, 1e-300)
    df = total**2 / (raters**2 / max(m.raters - 1, 1) + own**2 / m.df + 1e-300)
    half = np.array([quantile(max(float(d), 1.0)) for d in df]) * np.sqrt(total)
    middle = line(m.benefit[None, :])[0]
    made = (at, np.exp(middle), np.exp(middle - half), np.exp(middle + half))
    return FairLine(*(tuple(map(float, v)) for v in made))


def benefit_to_tie(price: float, other: float) -> float | None:
    """Give how many times the other offer's benefit an offer must bring to tie with it in benefit per money.

    Examples
    --------
    >>> benefit_to_tie(30.0, 20.0)
    1.5
    """
    return price / other if price > 0 and other > 0 else None


def benefits(
    market: Market, *, seed: str, draws: int = 400
) -> list[tuple[float, float | None, float | None, int]]:
    """Give each offer's benefit with its interval (raters drawn again) and how many rated it.

    Examples
    --------
    >>> ratings = np.array([[[4.0], [6.0]], [[6.0], [8.0]]])
    >>> [b[0] for b in benefits(Market([80, 100], [False, True], [0, 1], ratings, ratings > 0, [1.0]), seed="x")]
    [5.0, 7.0]
    """
    m = _Lines(market)
    who = (m.counts.sum(axis=2) > 0).sum(axis=0)
    drawn = _redrawn(m, seed, draws)
    out: list[tuple[float, float | None, float | None, int]] = []
    for i, n in enumerate(who):
        value, own = float(m.benefit[i]), drawn[:, i][np.isfinite(drawn[:, i])]
        if n < 2 or len(own) < draws / 2:
            out.append((value, None, None, int(n)))
            continue
        half = quantile(float(n - 1)) * float(own.std(ddof=1)) * math.sqrt(n / (n - 1))
        out.append((value, value - half, value + half, int(n)))
    return out


def _redrawn(m: _Lines, seed: str, draws: int) -> Array:
    times = generator(seed).multinomial(m.raters, np.full(m.raters, 1 / max(m.raters, 1)), size=draws)
    return m._benefit(times.astype(float))


class _Lines:
    """One market's line, as seen and as it would be seen by other raters."""

    def __init__(self, market: Market) -> None:
        self.prices = np.log(np.asarray(market.prices, dtype=float))
        self.own = np.asarray(market.own, dtype=bool)
        self.weights = np.where(self.own, np.asarray(market.weights, dtype=float), 0.0)
        self.totals = np.asarray(market.totals, dtype=float)
        self.counts = np.asarray(market.counts, dtype=float)
        importance = np.asarray(market.importance, dtype=float)
        self.importance = importance / importance.sum() if importance.sum() > 0 else importance
        self.raters = len(self.totals)
        self.benefit = self._benefit(np.ones((1, self.raters)))[0]
        self.rivals = int((~self.own).sum())
        x = self.benefit[~self.own]
        self.fits = bool(
            self.rivals >= 3 and self.own.any() and np.isfinite(self.benefit).all() and np.ptp(x) > 1e-9
        )
        self.df = max(self.rivals - 2, 1)
        if self.fits:
            self.line = self._line(self.benefit[None, :])[0]

    def _benefit(self, times: Array) -> Array:
        """Give every offer's benefit, for raters that count so many times."""
        shape = self.totals.shape[1:]
        with np.errstate(divide="ignore", invalid="ignore"):
            sums = times @ self.totals.reshape(self.raters, -1)
            rows = times @ self.counts.reshape(self.raters, -1)
            mean = (sums / rows).reshape(-1, *shape)
        rated = np.isfinite(mean)
        weight = rated * self.importance
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(rated, mean, 0.0) @ self.importance / weight.sum(axis=-1), dtype=float)

    def _line(self, benefit: Array) -> Array:
        """Give the line's log price at every offer's benefit."""
        x, y = benefit[:, ~self.own], self.prices[~self.own]
        off = x - x.mean(axis=1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = (off @ y) / (off**2).sum(axis=1)
        return np.asarray(y.mean() + slope[:, None] * (benefit - x.mean(axis=1, keepdims=True)), dtype=float)

    def premium(self, weight: float) -> tuple[float, float]:
        """Give this market's part of the premium, and the variance that the line brings to it."""
        ratio = np.exp(self.prices - self.line)[self.own]
        w = self.weights[self.own] / weight
        x = self.benefit[~self.own]
        centre, squares = x.mean(), ((x - x.mean()) ** 2).sum()
        left = self.prices[~self.own] - self.line[~self.own]
        luck = float((left**2).sum()) / self.df
        pull = w * ratio
        at = self.benefit[self.own] - centre
        variance = luck * (pull.sum() ** 2 / self.rivals + (pull @ at) ** 2 / squares)
        return float((w * (ratio - 1)).sum()), float(variance)

    def redrawn(self, times: Array, weight: float) -> Array:
        """Give this market's part of the premium for other raters, less what it is."""
        benefit = self._benefit(times)
        ratio = np.exp(self.prices[self.own] - self._line(benefit)[:, self.own])
        return np.asarray((self.weights[self.own] / weight * (ratio - 1)).sum(axis=1), dtype=float)
