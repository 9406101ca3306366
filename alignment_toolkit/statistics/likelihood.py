"""Maximum likelihood in the logarithms of a few positive parameters, and what it needs on the way."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["beta_nodes", "collapse", "maximum"]

# Logarithms of the parameters are sought between these; what ends there has no finite maximum and is held there.
LIMIT = 9.0
Floats = NDArray[np.float64]


@lru_cache(4096)
def beta_nodes(a: float, b: float, nodes: int = 48) -> tuple[Floats, Floats]:
    """Give nodes in (0, 1) and weights that sum to 1, exact for polynomials under a beta density (Golub, Welsch)."""
    from scipy.linalg import eigh_tridiagonal

    k = np.arange(nodes, dtype=float)
    one, two = b - 1, a - 1
    s = 2 * k + one + two
    with np.errstate(divide="ignore", invalid="ignore"):
        diagonal = np.where(np.abs(s * (s + 2)) < 1e-300, 0.0, (two**2 - one**2) / (s * (s + 2)))
    diagonal[0] = (two - one) / (one + two + 2)
    k, s = k[1:], s[1:]
    top = 4 * k * (k + one) * (k + two) * (k + one + two)
    with np.errstate(divide="ignore", invalid="ignore"):
        beside = top / (s**2 * (s + 1) * (s - 1))
    beside[0] = 4 * (1 + one) * (1 + two) / ((2 + one + two) ** 2 * (3 + one + two))
    found, vectors = eigh_tridiagonal(diagonal, np.sqrt(beside))
    places, weights = np.clip((found + 1) / 2, 1e-300, 1.0), vectors[0] ** 2
    # The same parameters are asked for by every group of clients: what is kept must not be written to.
    places.flags.writeable = weights.flags.writeable = False
    return places, weights


def collapse(columns: Sequence[Floats], counts: Floats) -> tuple[list[Floats], Floats]:
    """Put clients with the same history together, in one order whatever that of the rows."""
    order = np.lexsort(tuple(columns[::-1]))
    stacked = np.column_stack([c[order] for c in columns])
    new = np.concatenate([[True], (stacked[1:] != stacked[:-1]).any(axis=1)])
    return [c[order][new] for c in columns], np.add.reduceat(counts[order], np.flatnonzero(new))


def maximum(loss: Any, starts: Sequence[Sequence[float]], n: float) -> tuple[Floats, Floats | None]:
    """Minimise from several starts; give the place and the covariance there, None where the curvature gives none."""
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    def scaled(theta: Floats) -> tuple[float, Floats]:
        value, slope = loss(theta)
        return value / n, slope / n

    best = None
    # Sharing a matrix of four by four out among threads takes many times as long as the work.
    with threadpool_limits(1, user_api="blas"):
        for start in starts:
            for _ in range(3):  # a fresh curvature estimate where the line search gave up early
                found = minimize(
                    scaled,
                    np.asarray(start, dtype=float),
                    jac=True,
                    method="L-BFGS-B",
                    bounds=[(-LIMIT, LIMIT)] * len(start),
                    options={"maxiter": 2000, "ftol": 1e-15, "gtol": 1e-9},
                )
                start = found.x
                if np.abs(found.jac[np.abs(found.x) < LIMIT]).max(initial=0.0) < 1e-6:
                    break
            if best is None or found.fun < best.fun:
                best = found
    assert best is not None
    theta = np.asarray(best.x, dtype=float)
    return theta, _covariance(loss, theta)


def _covariance(loss: Any, theta: Floats) -> Floats | None:
    """Invert the curvature in the parameters that are free of their limits; flat directions give no interval."""
    step = 1e-4
    curve = np.array(
        [(loss(theta + e)[1] - loss(theta - e)[1]) / (2 * step) for e in np.eye(theta.size) * step]
    )
    curve = (curve + curve.T) / 2
    free = np.abs(theta) < LIMIT - 1e-6
    inside = curve[np.ix_(free, free)]
    if not inside.size or not np.isfinite(inside).all():
        return None
    values, vectors = np.linalg.eigh(inside)
    if values.min() <= 1e-9 * values.max():
        return None
    out = np.zeros_like(curve)
    out[np.ix_(free, free)] = (vectors / values) @ vectors.T
    return np.asarray(out, dtype=float)
