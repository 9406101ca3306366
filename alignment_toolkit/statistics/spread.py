"""How far people differ from each other, beyond what luck and their different cases make of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from alignment_toolkit.languages import say
from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics.inference import Gap

__all__ = ["Spread", "spread", "spread_between"]

Array = NDArray[np.float64]
Kind = Literal["number", "yes_no"]

_TINY = 1e-9
_NODES = 101  # of the average over the unknown variance of one row


@dataclass(frozen=True)
class Spread:
    """The spread, and the people it was measured between.

    Attributes
    ----------
    gap
        Standard deviation between people, with interval and tests.
    people
        Their ids, sorted.
    rows
        How many rows each of them has.
    effects
        How far each of them lies from the others in like cases, in the gap's unit, shrunken towards 0 by as much as
        luck explains (best linear unbiased prediction). They add up to about 0.
    """

    gap: Gap
    people: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()
    effects: tuple[float, ...] = ()


def spread_between(
    outcome: Any,
    people: Sequence[Any],
    covariates: Any = (),
    *,
    kind: Kind = "number",
    n_unit: str,
    unit: str,
    scale: float = 1.0,
) -> Gap:
    """Give the standard deviation between people of an outcome, in like cases; see `spread`.

    Examples
    --------
    >>> outcome = [9.0, 11.0, 10.0, 4.0, 6.0, 5.0, 14.0, 16.0, 15.0]
    >>> gap = spread_between(outcome, list("aaabbbccc"), n_unit="deals", unit="points")
    >>> round(gap.estimate.value, 3), round(gap.estimate.low, 2), gap.above(2.0) < 0.025
    (4.967, 2.52, True)
    """
    return spread(outcome, people, covariates, kind=kind, n_unit=n_unit, unit=unit, scale=scale).gap


def spread(
    outcome: Any,
    people: Sequence[Any],
    covariates: Any = (),
    *,
    kind: Kind = "number",
    n_unit: str,
    unit: str,
    scale: float = 1.0,
) -> Spread:
    """Give how far people differ in an outcome after covariates, and each person's own difference.

    Estimand: the standard deviation, in the process that makes the outcomes, of what a person adds to the outcome of
    a like case. With kind `yes_no` (outcomes of 0 and 1) that is the spread of a person's probability at the mean, in
    points where `scale` is 100. The spread of the people's raw means is larger, because luck spreads them too.

    Estimator: residual maximum likelihood in the mixed model *outcome = covariates + person + luck* (Patterson and
    Thompson 1971, Biometrika 58), from its independent contrasts, which gives statsmodels' MixedLM to the digit. For
    `yes_no` the same on the working residuals of the logistic regression on the covariates (penalised quasi-likelihood:
    Breslow and Clayton 1993, JASA 88), in points at the mean. A spread that luck alone explains is shown as 0.

    Interval and tests: Wald's weighted sum of squares between people at each candidate spread (Wald 1947, Annals of
    Mathematical Statistics 18; Harville and Fenech 1985, Biometrics 41) against its distribution there, averaged over
    what is known of the variance of one row (generalised pivot: Weerahandi 1993, JASA 88). The test of 0 is the F test
    of the analysis of variance, its degrees of freedom corrected for outcomes with heavier or lighter tails than
    normal. Where people differ even less than luck would have it, the upper limit is that of people who differ as much
    as luck would have it.

    Parameters
    ----------
    outcome, people
        Row by row; rows without a finite outcome or without a person are left out.
    covariates
        A data frame or a sequence of columns. Numbers enter as a line (and "missing" as a level), all else as levels.
    scale
        What the result is multiplied by (100: a share's spread in points).

    Returns
    -------
    Spread
        Without interval where fewer than two people can be compared or no row is left to tell luck by.
    """
    words = (
        say("standard deviation between people, logistic mixed model, quasi-likelihood")
        if kind == "yes_no"
        else say("standard deviation between people, REML")
    )
    words += say(", Wald's test inverted")
    y = np.asarray(outcome, dtype=float).reshape(-1)
    names = np.array(["" if _empty(p) else str(p) for p in people], dtype=object)
    kept = np.isfinite(y) & (names != "")
    y, n = y[kept], int(kept.sum())
    columns = [np.asarray(c, dtype=object)[kept] for c in _columns(covariates)]
    if n == 0:
        return Spread(Gap.none(n_unit=n_unit, unit=unit, method=say("{words}; no rows", words=words)))
    labels, who = np.unique(names[kept].astype(str), return_inverse=True)
    rows = np.bincount(who, minlength=len(labels))
    design = _basis(_design(columns, n))
    weights: Array = np.ones(n)
    if kind == "yes_no":
        p = _logistic(design, y)
        variance = p * (1 - p)
        weights = np.sqrt(variance)
        mean = float(y.mean())
        scale *= mean * (1 - mean)
        y = np.where(weights > _TINY, (y - p) / np.maximum(weights, _TINY), 0.0)
        design = _basis(design * weights[:, None])
    model = _Contrasts(y, design, who, weights, len(labels))
    found = model.gap(scale, n=n, n_unit=n_unit, unit=unit, method=words)
    value = found.estimate.value
    effects = model.effects((value or 0.0) / scale if scale else 0.0) * scale
    return Spread(found, tuple(map(str, labels)), tuple(map(int, rows)), tuple(map(float, effects)))


class _Contrasts:
    """The data as independent contrasts between people, each with its own weight, and luck within people.

    Contrast i is normal with variance luck + weight_i x spread squared.
    """

    def __init__(self, y: Array, basis: Array, who: Any, z: Array, people: int) -> None:
        n = len(y)
        residual = y - basis @ (basis.T @ y)
        within = basis * z[:, None]
        per_person = np.zeros((people, basis.shape[1]))
        np.add.at(per_person, who, within)
        self.score = np.bincount(who, weights=residual * z, minlength=people)
        self.information = (
            np.diag(np.bincount(who, weights=z * z, minlength=people)) - per_person @ per_person.T
        )
        size, vectors = np.linalg.eigh(self.information)
        large = size > 1e-8 * max(float(np.bincount(who, weights=z * z).max()), _TINY)
        self.size, self.vectors = size[large], vectors[:, large]
        self.r = len(self.size)
        self.squares = (self.vectors.T @ self.score) ** 2 / np.maximum(self.size, _TINY)
        own_noise = residual - z * (self.vectors @ ((self.vectors.T @ self.score) / self.size))[who]
        # Person effects that the covariates carry as well leave own_noise outside the design's complement.
        own_noise = own_noise - basis @ (basis.T @ own_noise)
        self.within = float(own_noise @ own_noise)
        self.f = n - basis.shape[1] - self.r
        total = float(y @ y)
        # Rounding is no luck.
        self.within = self.within if self.within > 1e-20 * total else 0.0
        self.squares = self.squares if self.squares.sum() > 1e-20 * total else np.zeros(self.r)
        fourth = self._fourth(own_noise)
        luck = self.within / self.f if self.f > 0 else 0.0
        # Excess kurtosis of each contrast through the rows that make it, where the spread is 0.
        z4 = np.bincount(who, weights=z**4, minlength=people)
        shares = (self.vectors.T**4 @ z4) / np.maximum(self.size, _TINY) ** 2
        self.excess = shares * (fourth if luck > 0 else 0.0)
        self.f_effective = 2 / max(2 / self.f + fourth / n, 1 / n) if self.f > 0 else 0.0

    def _fourth(self, noise: Array) -> float:
        second = float((noise**2).mean())
        if second <= 0:
            return 0.0
        return min(max(float((noise**4).mean()) / second**2 - 3, -1.9), 50.0)

    def gap(self, scale: float, *, n: int, n_unit: str, unit: str, method: str) -> Gap:
        if self.r == 0:
            return Gap.none(
                n=n,
                n_unit=n_unit,
                unit=unit,
                method=say("{method}; fewer than two people to compare", method=method),
            )
        if self.f <= 0:
            return Gap.none(
                n=n, n_unit=n_unit, unit=unit, method=say("{method}; no rows to tell luck by", method=method)
            )
        if self.within == 0 and not self.squares.sum() > 0:
            why = say("{method}; no interval, all outcomes are equal in like cases", method=method)
            return Gap.none(n=n, n_unit=n_unit, unit=unit, method=why, value=0.0)
        if scale <= 0:
            return Gap.none(
                n=n,
                n_unit=n_unit,
                unit=unit,
                method=say("{method}; one outcome only", method=method),
                value=0.0,
            )
        from scipy.special import chdtr, chdtrc, gammaincinv

        quantiles = (np.arange(_NODES) + 0.5) / _NODES
        f = self.f_effective
        lucks = self.within / (2 * gammaincinv(f / 2, quantiles) * self.f / f)
        expected = self.r * self.within / self.f
        lifted = self.squares * max(1.0, expected / max(float(self.squares.sum()), _TINY))

        def larger(squares: Array, m: float, side: Any) -> float:
            variances = lucks[:, None] + self.size[None, :] * (m / scale) ** 2
            with np.errstate(divide="ignore", invalid="ignore"):
                sums = np.where(variances > 0, squares[None, :] / variances, np.inf).sum(axis=1)
                noise = np.where(variances > 0, lucks[:, None] / variances, 0.0)
            # A sum whose terms have heavier tails than normal: chi square of fewer degrees of freedom.
            spread_of_sum = 2 * self.r + (self.excess[None, :] * noise**2).sum(axis=1)
            df = 2 * self.r**2 / np.maximum(spread_of_sum, 0.2 * self.r)
            return float(np.mean(side(df, sums * df / self.r)))

        def above(m: float) -> float:
            return 0.0 if m < 0 else larger(self.squares, m, chdtrc)

        def below(m: float) -> float:
            return 1.0 if m < 0 else larger(lifted, m, chdtr)

        most = scale * math.sqrt(float((lifted / self.size).sum()) + self.within)
        low = _where(lambda m: above(m) >= 0.025, most)
        high = _where(lambda m: below(m) < 0.025, most)
        value = min(max(scale * self.reml(), low), high)
        return Gap(Estimate(value, low, high, n, n_unit, unit, method), above, below)

    def reml(self) -> float:
        """Give the spread of the largest residual likelihood."""
        total = self.f + self.r
        if self.within == 0:
            return math.sqrt(float((self.squares / self.size).mean()))

        def loss(ratio: Any) -> Array:
            grown = 1 + np.multiply.outer(ratio, self.size)
            luck = (self.within + (self.squares / grown).sum(axis=-1)) / total
            return np.asarray(total * np.log(luck) + np.log(grown).sum(axis=-1), dtype=float)

        middle = 1 / float(np.median(self.size))
        at = np.concatenate([[0.0], middle * np.geomspace(1e-6, 1e6, 241)])
        for _ in range(6):
            i = int(np.argmin(loss(at)))
            lower, upper = at[max(i - 1, 0)], at[min(i + 1, len(at) - 1)]
            at = np.linspace(lower, upper, 41)
        ratio = float(at[int(np.argmin(loss(at)))])
        none, best = loss(np.array([0.0, ratio]))
        # A spread that the data does not favour beyond rounding is none; its digits would be the machine's.
        if none - best <= _TINY * max(1.0, abs(none)):
            return 0.0
        luck = (self.within + float((self.squares / (1 + ratio * self.size)).sum())) / total
        return math.sqrt(ratio * luck)

    def effects(self, value: float) -> Array:
        """Give each person's difference, shrunken for a spread of that size."""
        luck = self.within / self.f if self.f > 0 else 0.0
        if value <= 0 or self.r == 0:
            return np.zeros(len(self.score))
        shrunken = (self.vectors.T @ self.score) * value**2 / (luck + self.size * value**2)
        return np.asarray(self.vectors @ shrunken, dtype=float)


def _where(passed: Any, start: float) -> float:
    """Give the smallest spread that passes, for a condition that holds from there on."""
    if passed(0.0):
        return 0.0
    near, far = 0.0, max(start, _TINY)
    for _ in range(60):
        if passed(far):
            break
        near, far = far, 2 * far
    for _ in range(45):
        middle = 0.5 * (near + far)
        near, far = (near, middle) if passed(middle) else (middle, far)
        if far - near < 1e-10 * far:
            break
    return 0.5 * (near + far)


def _columns(covariates: Any) -> list[Any]:
    if hasattr(covariates, "columns"):
        return [covariates[c].to_numpy(dtype=object, na_value=None) for c in covariates.columns]
    return list(covariates)


def _empty(value: Any) -> bool:
    return value is None or value != value or type(value).__name__ in ("NAType", "NaTType") or value == ""


def _design(columns: Sequence[Any], n: int) -> Array:
    """Give the design of the covariates: a one, numbers as lines, all else as levels."""
    parts: list[Array] = [np.ones((n, 1))]
    for column in columns:
        missing = np.array([_empty(v) for v in column])
        known = [v for v, gone in zip(column, missing, strict=True) if not gone]
        if known and all(isinstance(v, (int, float, np.number)) and not isinstance(v, bool) for v in known):
            x = np.zeros(n)
            x[~missing] = np.asarray(known, dtype=float)
            x[~missing] -= x[~missing].mean()
            size = float(np.abs(x).max())
            parts.append((x / size if size > 0 else x)[:, None])
            if missing.any():
                parts.append(missing.astype(float)[:, None])
        else:
            text = np.array(["" if gone else f"={v}" for v, gone in zip(column, missing, strict=True)])
            levels, code = np.unique(text, return_inverse=True)
            parts.append(np.eye(len(levels))[code])
    return np.hstack(parts)


def _basis(design: Array) -> Array:
    """Give orthonormal columns that span the design."""
    size, vectors = np.linalg.eigh(design.T @ design)
    large = size > 1e-9 * max(float(size[-1]), _TINY)
    return np.asarray(design @ (vectors[:, large] / np.sqrt(size[large])), dtype=float)


def _logistic(basis: Array, y: Array) -> Array:
    """Give each row's probability from its covariates; a light ridge keeps levels with one outcome finite."""
    scale = math.sqrt(len(y))
    x = basis * scale
    ridge = 0.01 * np.eye(x.shape[1])
    beta = np.zeros(x.shape[1])
    p = np.full(len(y), 0.5)
    for _ in range(25):
        w = np.maximum(p * (1 - p), _TINY)
        step = np.linalg.solve(x.T @ (x * w[:, None]) + ridge, x.T @ (y - p) - ridge @ beta)
        step *= min(1.0, 5 / max(float(np.abs(step).max()), _TINY))
        beta += step
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        if float(np.abs(step).max()) < 1e-8:
            break
    return np.asarray(p, dtype=float)
