"""Many tests at once: false-discovery rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["benjamini_hochberg"]


def benjamini_hochberg(p: Sequence[float] | NDArray[Any]) -> NDArray[np.float64]:
    """Give the q values of one family of tests, in the order of `p`.

    Estimand: for each test, the smallest false-discovery rate at which the step-up procedure of Benjamini
    and Hochberg (1995, JRSS B 57) rejects it. It controls the rate for independent and for positively
    dependent tests.

    Examples
    --------
    >>> [round(float(q), 3) for q in benjamini_hochberg([0.01, 0.04, 0.03, 0.5])]
    [0.04, 0.053, 0.053, 0.5]
    """
    values = np.asarray(p, dtype=float)
    if values.size == 0:
        return values.astype(np.float64)
    order = np.argsort(values, kind="stable")
    ranked = values[order] * values.size / np.arange(1, values.size + 1)
    stepped = np.minimum.accumulate(ranked[::-1])[::-1]
    q = np.empty_like(values)
    q[order] = np.minimum(stepped, 1.0)
    return q
