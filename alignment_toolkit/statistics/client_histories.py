"""What is known of clients' orders, and how likely BG/NBD and gamma-gamma make it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignment_toolkit.statistics.likelihood import collapse

__all__ = ["Histories", "Sizes", "floats"]

Floats = NDArray[np.float64]


@cache
def _gamma() -> tuple[Any, Any]:
    """Give digamma and the logarithm of gamma; a fit asks thousands of times, and an import is looked up each time."""
    from scipy.special import digamma, gammaln

    return digamma, gammaln


def floats(*values: ArrayLike) -> tuple[Floats, ...]:
    """Give arrays of one length, at least one long."""
    wide = np.broadcast_arrays(*[np.asarray(v, dtype=float) for v in values])
    return tuple(np.atleast_1d(v).astype(float) for v in wide)


@dataclass(frozen=True)
class Histories:
    """Repeats, time of the last order, time observed, and of how many clients; in one order, alike put together."""

    x: Floats
    last: Floats
    observed: Floats
    counts: Floats

    @classmethod
    def of(
        cls, repeats: ArrayLike, last: ArrayLike, observed: ArrayLike, counts: ArrayLike | None = None
    ) -> Histories:
        """Keep the histories that can be: times known, none before the first order or after the end."""
        x, t_x, seen, w = floats(repeats, last, observed, 1.0 if counts is None else counts)
        good = np.isfinite(x + t_x + seen) & (x >= 0) & (t_x >= 0) & (seen > 0) & (w > 0)
        good &= t_x <= seen * (1 + 1e-12)
        x, t_x, seen, w = (v[good] for v in (x, t_x, seen, w))
        if not x.size:
            return cls(x, t_x, seen, w)
        (x, t_x, seen), w = collapse([x, np.where(x > 0, t_x, 0.0), seen], w)
        return cls(x, t_x, seen, w)

    @property
    def n(self) -> int:
        """The clients."""
        return int(self.counts.sum())

    def over(self, scale: float) -> Histories:
        """Give the same with times in another unit."""
        return replace(self, last=self.last / scale, observed=self.observed / scale)

    def loss(self, theta: Floats) -> tuple[float, Floats]:
        """Give minus the log-likelihood and its gradient, both in the logarithms of the parameters."""
        digamma, gammaln = _gamma()
        r, alpha, a, b = np.exp(theta)
        x, back = self.x, self.x > 0
        whole, until = np.log(alpha + self.observed), np.log(alpha + self.last)
        more = np.where(back, b + x - 1, 1.0)
        living = -(r + x) * whole
        silent = np.where(back, np.log(a) - np.log(np.maximum(more, 1e-300)) - (r + x) * until, -np.inf)
        either = np.logaddexp(living, silent)
        part = np.exp(silent - either)
        log_likelihood = (
            gammaln(r + x)
            - gammaln(r)
            + r * np.log(alpha)
            + gammaln(a + b)
            + gammaln(b + x)
            - gammaln(b)
            - gammaln(a + b + x)
            + either
        )
        both = digamma(a + b) - digamma(a + b + x)
        slopes = np.array(
            [
                r * (digamma(r + x) - digamma(r) + np.log(alpha) - (1 - part) * whole - part * until),
                r - alpha * (r + x) * ((1 - part) / (alpha + self.observed) + part / (alpha + self.last)),
                a * both + part,
                b * (both + digamma(b + x) - digamma(b) - np.where(back, part / more, 0.0)),
            ]
        )
        return -float(self.counts @ log_likelihood), -(slopes @ self.counts)


@dataclass(frozen=True)
class Sizes:
    """Orders, their mean size, and of how many clients; in one order, alike put together."""

    x: Floats
    mean: Floats
    counts: Floats

    @classmethod
    def of(cls, repeats: ArrayLike, mean: ArrayLike, counts: ArrayLike | None = None) -> Sizes:
        """Keep the clients with at least one order of positive mean."""
        x, m, w = floats(repeats, mean, 1.0 if counts is None else counts)
        good = np.isfinite(x) & np.isfinite(m) & (x > 0) & (m > 0) & (w > 0)
        x, m, w = x[good], m[good], w[good]
        if not x.size:
            return cls(x, m, w)
        (x, m), w = collapse([x, m], w)
        return cls(x, m, w)

    @property
    def n(self) -> int:
        """The clients."""
        return int(self.counts.sum())

    def over(self, scale: float) -> Sizes:
        """Give the same with money in another unit."""
        return replace(self, mean=self.mean / scale)

    def loss(self, theta: Floats) -> tuple[float, Floats]:
        """Give minus the log-likelihood and its gradient, both in the logarithms of (p, q, v)."""
        digamma, gammaln = _gamma()
        p, q, v = np.exp(theta)
        x, m = self.x, self.mean
        total = np.log(v + m * x)
        value = (
            gammaln(p * x + q)
            - gammaln(p * x)
            - gammaln(q)
            + q * np.log(v)
            + (p * x - 1) * np.log(m)
            + p * x * np.log(x)
            - (p * x + q) * total
        )
        slopes = np.array(
            [
                p * x * (digamma(p * x + q) - digamma(p * x) + np.log(m * x) - total),
                q * (digamma(p * x + q) - digamma(q) + np.log(v) - total),
                q - (p * x + q) * v / (v + m * x),
            ]
        )
        return -float(self.counts @ value), -(slopes @ self.counts)
