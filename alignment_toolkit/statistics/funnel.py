"""Parts of one company beside each other: which differs from the rest by more than luck explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alignment_toolkit.statistics.inference import Z95

__all__ = ["Beside", "beside_the_rest"]


@dataclass(frozen=True)
class Beside:
    """One part beside the others.

    Attributes
    ----------
    rest
        What the other parts say together.
    low, high
        The funnel's limits: a part that is like the others lies between them 19 times in 20.
    p
        The p value of its difference from them, for one comparison; many need `benjamini_hochberg`.
    """

    rest: float
    low: float
    high: float
    p: float


def beside_the_rest(
    values: Sequence[float], errors: Sequence[float], counts: Sequence[float]
) -> tuple[Beside, ...]:
    """Hold each part against all the others.

    Estimand: for each part, its true value minus that of the others together. Estimator: the funnel plot's comparison
    (Spiegelhalter 2005, Statistics in Medicine 24) with the part itself left out of what it is held against, the others
    weighted by their cases. A share that is small by chance also reports a small error, which would make it look
    certain; so the error is the larger of its own and of the one that the others' errors lead to expect for its cases.

    Parameters
    ----------
    values, errors, counts
        Estimate, standard error and number of cases of each part; errors and counts above 0. Fewer than two parts give
        nothing.

    Notes
    -----
    Simulated with 4 and 24 equal parts of 20 to 300 cases and shares of 0.03 to 0.30: after Benjamini and Hochberg at
    0.10, any part is named in at most 0.11 of the companies. With each part's own error alone it would be up to 0.45.

    Examples
    --------
    >>> parts = beside_the_rest([0.10, 0.12, 0.11, 0.30], [0.03, 0.03, 0.03, 0.03], [100, 100, 100, 100])
    >>> [round(p.rest, 2) for p in parts], [p.p < 0.05 for p in parts]
    ([0.18, 0.17, 0.17, 0.11], [True, False, False, True])
    >>> beside_the_rest([0.1], [0.03], [100])
    ()
    """
    from scipy.special import ndtr

    y, s2, n = (np.asarray(x, dtype=float) for x in (values, np.square(errors), counts))
    if y.size < 2:
        return ()
    if not (np.all(s2 > 0) and np.all(n > 0)):
        raise ValueError("every part needs a standard error and a number of cases above 0")
    others = n.sum() - n
    rest = (n @ y - n * y) / others
    expected = (n @ (n * s2) - n * n * s2) / others / n
    variance = np.maximum(s2, expected) + ((n**2) @ s2 - n**2 * s2) / others**2
    error = np.sqrt(variance)
    p = 2 * ndtr(-np.abs(y - rest) / error)
    return tuple(
        Beside(float(r), float(r - Z95 * e), float(r + Z95 * e), float(one))
        for r, e, one in zip(rest, error, p, strict=True)
    )
