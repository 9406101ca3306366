"""Many small parts of one company: estimates drawn towards the company's level, so that small parts do not shout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alignment_toolkit.statistics.inference import Z95

__all__ = ["Shrunken", "error_of", "shrink"]

_STEPS = 100


@dataclass(frozen=True)
class Shrunken:
    """One part's estimate after shrinkage, and how much its own data weigh in it (0 to 1)."""

    value: float
    low: float
    high: float
    weight: float


def shrink(values: Sequence[float], errors: Sequence[float]) -> tuple[Shrunken, ...]:
    """Draw the estimates of a company's parts towards the company's level.

    Estimand: the true value of each part, where the parts lie normally around the company's level with an unknown
    spread. Estimator: empirical Bayes in the hierarchical normal model. The level is what the parts say together
    (weighted by precision), the spread is integrated out over a half-Cauchy prior whose scale is twice the parts'
    typical standard error (Gelman 2006, Bayesian Analysis 1). An interval thus knows that level and spread are
    themselves estimated, from few parts (what Morris 1983, JASA 78, corrects for by hand).

    Parameters
    ----------
    values, errors
        Estimate and standard error of each part; errors must be above 0.

    Notes
    -----
    Coverage over the parts, measured for 2 to 20 parts and spreads of 0 to 3 standard errors: 0.93 to 0.99.

    Examples
    --------
    The part that knows little moves most.

    >>> parts = shrink([0.18, 0.22, 0.20, 0.60], [0.03, 0.03, 0.03, 0.25])
    >>> [round(p.value, 2) for p in parts], round(parts[3].weight, 2)
    ([0.19, 0.21, 0.2, 0.22], 0.03)
    >>> shrink([], [])
    ()
    """
    from scipy.special import ndtr

    y, s2 = np.asarray(values, dtype=float), np.asarray(errors, dtype=float) ** 2
    if y.size == 0:
        return ()
    if not np.all(s2 > 0):
        raise ValueError("every part needs a standard error above 0")
    typical = float(np.sqrt(y.size / np.sum(1.0 / s2)))
    u = (np.arange(_STEPS) + 0.5) / _STEPS
    spread2 = (2 * typical * np.tan(np.pi * u / 2))[:, None] ** 2  # uniform in u is the half-Cauchy prior
    precision = 1.0 / (s2 + spread2)
    total = precision.sum(axis=1)
    level = (precision * y).sum(axis=1) / total
    logs = 0.5 * np.log(precision).sum(axis=1) - 0.5 * np.log(total)
    logs -= 0.5 * (precision * (y - level[:, None]) ** 2).sum(axis=1)
    weight = np.exp(logs - logs.max())
    weight /= weight.sum()
    toward = s2 / (s2 + spread2)
    mean = (1 - toward) * y + toward * level[:, None]
    deviation = np.sqrt(toward * spread2 + toward**2 / total[:, None])
    limits = []
    for share in (0.025, 0.975):
        low, high = (mean - 9 * deviation).min(axis=0), (mean + 9 * deviation).max(axis=0)
        for _ in range(60):
            middle = 0.5 * (low + high)
            short = weight @ ndtr((middle - mean) / deviation) < share
            low, high = np.where(short, middle, low), np.where(short, high, middle)
        limits.append(0.5 * (low + high))
    return tuple(
        Shrunken(float(v), float(lo), float(hi), float(w))
        for v, lo, hi, w in zip(weight @ mean, *limits, 1 - weight @ toward, strict=True)
    )


def error_of(low: float, high: float) -> float:
    """Give the standard error that a 95 % interval stands for.

    >>> round(error_of(0.1, 0.296), 3)
    0.05
    """
    return (high - low) / (2 * Z95)
