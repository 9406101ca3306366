"""The yearly growth of a monthly count, on the scale of the logarithm."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignment_toolkit.languages import say
from alignment_toolkit.statistics.inference import Gap

__all__ = ["yearly_growth"]

MONTHS = 12
SEASONS = 24  # months from which on the time of year is taken out
ROUNDS = 60


def yearly_growth(
    counts: ArrayLike, exposure: ArrayLike, *, unit: str = "index", n_unit: str = "months", words: str = ""
) -> Gap:
    """Give the yearly growth of a rate from monthly counts, in natural logarithms (0.20 is 22 % more in a year).

    Estimand: the slope of the logarithm of the expected count over the exposure (people, say), per twelve months.
    From 24 months on the time of year is taken out (one wave a year). Estimator: quasi-Poisson with the exposure as
    offset (McCullagh and Nelder 1989, chapter 6). Interval: Student's with the degrees of freedom left, on the
    dispersion that Pearson's statistic shows, at least 1.

    Parameters
    ----------
    counts, exposure
        One entry per month, in order, without holes. Months without exposure are left out.

    Returns
    -------
    Gap
        Without value where there are fewer than four months or no more than one count.

    Examples
    --------
    >>> month = np.arange(36)
    >>> e = yearly_growth(np.round(1000 * np.exp(0.3 * month / 12)), np.full(36, 10.0)).estimate
    >>> round(e.value, 3), e.n
    (0.3, 36)
    """
    y, people = np.asarray(counts, dtype=float), np.asarray(exposure, dtype=float)
    if y.shape != people.shape or y.ndim != 1:
        raise ValueError(f"{y.shape} counts for {people.shape} exposures")
    month = np.arange(len(y), dtype=float)
    keep = np.isfinite(y) & np.isfinite(people) & (people > 0)
    y, people, month = y[keep], people[keep], month[keep]
    n = len(y)
    told: dict[str, Any] = {"n": n, "n_unit": n_unit, "unit": unit}
    method = say("quasi-Poisson trend with offset") + (f", {words}" if words else "")
    if n < 4 or (y > 0).sum() < 2:
        return Gap.none(**told, method=say("{method}; too little to show a trend", method=method))
    years = (month - month.mean()) / MONTHS
    columns = [np.ones(n), years]
    if n >= SEASONS:
        turn = 2 * math.pi * month / MONTHS
        columns += [np.sin(turn), np.cos(turn)]
        method += say(", one wave a year")
    fitted = _fit(np.column_stack(columns), y, np.log(people))
    if fitted is None:
        return Gap.none(**told, method=say("{method}; the fit did not settle", method=method))
    beta, covariance, expected = fitted
    df = n - len(columns)
    dispersion = max(float(((y - expected) ** 2 / expected).sum()) / df, 1.0)
    se = math.sqrt(dispersion * float(covariance[1, 1]))
    return Gap.normal(
        float(beta[1]),
        se,
        df=df,
        **told,
        method=say("{method}; Student's, dispersion {dispersion:.1f}", method=method, dispersion=dispersion),
    )


Array = NDArray[np.float64]


def _fit(x: Array, y: Array, offset: Array) -> tuple[Array, Array, Array] | None:
    """Fit a Poisson regression by iterated weighted least squares; None where it does not settle."""
    beta = np.zeros(x.shape[1])
    beta[0] = math.log(y.sum() / np.exp(offset).sum())
    for _ in range(ROUNDS):
        expected = np.exp(np.clip(x @ beta + offset, -30, 30))
        information = x.T @ (x * expected[:, None])
        try:
            step = np.linalg.solve(information, x.T @ (y - expected))
        except np.linalg.LinAlgError:
            return None
        # Half steps where a whole one would leave what a count can mean.
        step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        beta = beta + step
        if float(np.abs(step).max()) < 1e-10:
            expected = np.exp(x @ beta + offset)
            covariance = np.asarray(np.linalg.inv(x.T @ (x * expected[:, None])), dtype=float)
            return np.asarray(beta), covariance, np.asarray(expected)
    return None
