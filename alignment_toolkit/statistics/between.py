"""A difference between two sides where rows come from people, campaigns or accounts that differ from each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignment_toolkit.languages import noted, say
from alignment_toolkit.statistics.inference import INFINITY, Z95, Gap, quantile
from alignment_toolkit.statistics.means import mean_difference
from alignment_toolkit.statistics.stratified import risk_difference_of_counts
from alignment_toolkit.statistics.stratified_newcombe import stratified_newcombe

__all__ = ["Compared", "Robust", "compared", "compared_few", "compared_means", "robust"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# Words of a method, by what rows come from.
KINDS = {
    "people": noted("people"),
    "teams": noted("teams"),
    "campaigns": noted("campaigns"),
    "accounts": noted("accounts"),
}
NOTHING = 1e-9
# After so many steps each it is looked whether more are needed.
STEPS = 6


@dataclass(frozen=True)
class Robust:
    """The variance of a difference whose rows belong together within clusters, and how well it is known.

    Attributes
    ----------
    value
        The difference.
    variance, df
        Bell and McCaffrey's (CR2), and Satterthwaite's degrees of freedom of it.
    alone
        Whether the difference hangs on one cluster, so that nothing tells how clusters differ.
    """

    value: float
    variance: float
    df: float
    alone: bool


@dataclass(frozen=True)
class Compared:
    """A difference within strata, and what the clusters of its rows had to do with it.

    Attributes
    ----------
    gap
        The difference; without interval where it hangs on one cluster.
    within
        The kinds of clusters within which rows are compared.
    alone
        The kinds of which one cluster alone makes the difference.
    explained
        The kinds whose differences may make what would be more than luck if rows were independent.
    first, second
        Hits (or the sum of the values) and rows of each side by stratum, as compared.
    """

    gap: Gap
    within: tuple[str, ...]
    alone: tuple[str, ...]
    explained: tuple[str, ...]
    first: Floats
    second: Floats


def compared(
    first: ArrayLike,
    top: ArrayLike,
    bottom: ArrayLike,
    strata: ArrayLike,
    *,
    n_unit: str,
    **clusters: ArrayLike,
) -> Compared:
    """Give the difference in a share, first side minus second, within strata, where rows come from people who differ.

    Estimand: the average over strata of the difference in the process that would be there if both sides came from
    like people: people, campaigns or accounts are drawn from those that there might be, too. Estimator: Mantel and
    Haenszel's difference. Where comparing each person only with himself or herself promises the narrower interval
    even if people do not differ, their rows are strata of their own; the choice looks at who had which rows, never at
    what came of them. Otherwise the interval is the wider of Klingenberg's for independent rows and of that for
    clusters (Bell and McCaffrey 2002, Survey Methodology 28: CR2, Satterthwaite's degrees of freedom). What the sides
    differ in beside people stays in the difference.

    Parameters
    ----------
    first
        True for the rows of the first side.
    top, bottom
        Hits and rows of each line; a line is one row, or like rows counted together.
    strata
        Within which rows are alike.
    **clusters
        Whose each line is, by kind (``people=...``); a row of which that is missing is one of its own.

    Examples
    --------
    >>> late = [True, True, False, False]
    >>> alike = compared(late, [30, 30, 20, 20], [100] * 4, [""] * 4, n_unit="leads", people=list("abab"))
    >>> alike.within, round(alike.gap.estimate.value, 2), alike.gap.estimate.low > 0
    (('people',), 0.1, True)
    >>> apart = compared(late, [30, 30, 20, 20], [100] * 4, [""] * 4, n_unit="leads", people=list("aabb"))
    >>> apart.alone, apart.gap.estimate.low
    (('people',), None)
    """
    return _compared(first, top, bottom, strata, n_unit, clusters, few=False)


def compared_few(
    first: ArrayLike,
    top: ArrayLike,
    bottom: ArrayLike,
    strata: ArrayLike,
    *,
    n_unit: str,
    **clusters: ArrayLike,
) -> Compared:
    """Give `compared` where a side may have as few rows as fifteen.

    Estimand and choice as there. For independent rows the interval is Newcombe's over strata; within people the wider
    of that and Klingenberg's.

    Examples
    --------
    >>> seen = compared_few([True, False], [7, 2], [10, 10], ["", ""], n_unit="projects")
    >>> round(seen.gap.estimate.low, 2), round(seen.gap.estimate.high, 2)
    (0.07, 0.74)
    """
    return _compared(first, top, bottom, strata, n_unit, clusters, few=True)


def _compared(
    first: ArrayLike,
    top: ArrayLike,
    bottom: ArrayLike,
    strata: ArrayLike,
    n_unit: str,
    clusters: Mapping[str, ArrayLike],
    *,
    few: bool,
) -> Compared:
    e = np.asarray(first, dtype=bool)
    t, n = np.asarray(top, dtype=float), np.asarray(bottom, dtype=float)
    stratum, within, left = _design(e, t, n, _codes(np.asarray(strata).astype(str)), clusters)
    sides = _counts(e, t, n, stratum)
    gap, alone, explained = _widened(_independent(sides, n_unit, few, bool(within)), left, (-1.0, 1.0))
    return Compared(_told(gap, within), within, alone, explained, *sides)


def compared_means(
    first: ArrayLike, values: ArrayLike, *, n_unit: str, unit: str, **clusters: ArrayLike
) -> Compared:
    """Give the difference of two means, first side minus second, where rows come from people who differ.

    Estimand and choice of the interval as in `compared`. The interval for independent rows is Welch's, or within people
    that of least squares with a constant per person and unequal variances (HC2, Satterthwaite's degrees of freedom).

    Examples
    --------
    >>> last = [True, True, False, False] * 2
    >>> e = compared_means(
    ...     last, [3, 5, 1, 3, 13, 15, 11, 13], n_unit="deals", unit="share", people=list("aaaabbbb")
    ... ).gap.estimate
    >>> e.value, e.method.endswith("within people")
    (2.0, True)
    """
    e, y = np.asarray(first, dtype=bool), np.asarray(values, dtype=float)
    known = np.isfinite(y)
    e, y = e[known], y[known]
    clusters = {kind: np.asarray(keys, dtype=object)[known] for kind, keys in clusters.items()}
    one = np.ones(len(y))
    stratum, within, left = _design(e, y, one, np.zeros(len(y), dtype=np.int64), clusters)
    plain = mean_difference(y[e], y[~e], n_unit=n_unit, unit=unit)
    if within:
        # Each row by itself: a constant per person leaves what of people's differences there is.
        rows = robust(e, y, one, stratum, np.full(len(y), -1))
        method = say("difference of means, unequal variances (HC2)")
        told: dict[str, Any] = {"n": plain.estimate.n, "n_unit": n_unit, "unit": unit, "method": method}
        plain = Gap.normal(rows.value, None if rows.alone else rows.variance**0.5, df=rows.df, **told)
    gap, alone, explained = _widened(plain, left, (-INFINITY, INFINITY))
    return Compared(_told(gap, within), within, alone, explained, *_counts(e, y, one, stratum))


def _design(
    e: NDArray[np.bool_], t: Floats, n: Floats, stratum: Ints, clusters: Mapping[str, ArrayLike]
) -> tuple[Ints, tuple[str, ...], dict[str, Robust]]:
    """Give the strata to compare within, the kinds that were made strata, and the variances over the others."""
    codes = {kind: _codes(keys) for kind, keys in clusters.items()}
    within: list[str] = []
    left: dict[str, Robust] = {}
    for kind, code in codes.items():
        finer = _finer(stratum, code)
        whole, inside = _information(e, n, stratum), _information(e, n, finer)
        seen = robust(e, t, n, stratum, code)
        worth = 0.0 if seen.alone else (Z95 / quantile(seen.df)) ** 2 if seen.df > 0 else 1.0
        if inside > 0 and inside >= worth * whole:
            stratum = finer
            within.append(kind)
        else:
            left[kind] = seen
    # What is compared within people now says something else of campaigns.
    left = {kind: robust(e, t, n, stratum, codes[kind]) for kind in left} if within else left
    return stratum, tuple(within), left


def _independent(sides: tuple[Floats, Floats], n_unit: str, few: bool, inside: bool) -> Gap:
    """Give the difference as it is where rows are independent."""
    large = risk_difference_of_counts(*sides[0].T, *sides[1].T, n_unit=n_unit)
    if not few:
        return large
    small = stratified_newcombe(*sides[0].T, *sides[1].T, n_unit=n_unit)
    # People's strata have few rows each, for which Newcombe's is a little narrow; where nothing failed it alone is.
    return small if not inside or large.estimate.low is None else small.widened(large)


def _told(gap: Gap, within: tuple[str, ...]) -> Gap:
    if not within:
        return gap
    method = say("{method}, within {kinds}", method=gap.estimate.method, kinds=_words(within))
    return replace(gap, estimate=replace(gap.estimate, method=method))


def _widened(
    plain: Gap, left: Mapping[str, Robust], space: tuple[float, float]
) -> tuple[Gap, tuple[str, ...], tuple[str, ...]]:
    e = plain.estimate
    if e.value is None or e.low is None or e.high is None:
        return plain, (), ()
    sure = e.low > 0 or e.high < 0
    alone = tuple(kind for kind, seen in left.items() if seen.alone)
    words: dict[str, Any] = {"n": e.n, "n_unit": e.n_unit, "unit": e.unit}
    if alone:
        method = say("{method}; no interval", method=e.method)
        return Gap.none(value=e.value, method=method, **words), alone, ()
    gap, explained = plain, []
    for kind, seen in left.items():
        if seen.variance <= 0:
            continue
        method = say(
            "{method}, widened to CR2 over {kinds}", method=gap.estimate.method, kinds=_words([kind])
        )
        other = Gap.normal(e.value, seen.variance**0.5, df=seen.df, space=space, method=method, **words)
        low, high = other.estimate.low, other.estimate.high
        if sure and low is not None and high is not None and low <= 0 <= high:
            explained.append(kind)
        gap = gap.widened(other)
    return gap, (), tuple(explained)


def robust(first: NDArray[np.bool_], top: Floats, bottom: Floats, stratum: Ints, cluster: Ints) -> Robust:
    """Give Bell and McCaffrey's variance of Mantel and Haenszel's difference, from lines of rows.

    That difference is the slope of the side in least squares with a constant per stratum. A cluster below 0 is
    missing: each of its rows is one by itself.

    Examples
    --------
    >>> side = np.array([True, True, False, False])
    >>> hits, rows, one = np.array([30.0, 34.0, 20.0, 26.0]), np.full(4, 100.0), np.zeros(4, dtype=np.int64)
    >>> seen = robust(side, hits, rows, one, np.arange(4))
    >>> round(seen.variance**0.5, 4), round(seen.df, 2)  # Welch's, of two shares a side
    (0.0361, 2.0)
    """
    lines = _lines(first, top, bottom, stratum, cluster)
    if lines is None:
        return Robust(0.0, 0.0, 0.0, alone=False)
    e, t, n, s, g = lines
    rows = _sums(s, n)
    x = e - (_sums(s, n * e) / rows)[s]
    about = t - n * (_sums(s, t) / rows)[s]
    information = float((n * x * x).sum())
    value = float((x * about).sum()) / information
    root = np.sqrt(n)
    h, residual = root * x, (about - value * n * x) / root
    v, alone = _adjusted(h, root, s, g, rows, information)
    score = _sums(g, v * residual)
    df = _satterthwaite(v, h, root, s, g, rows, information)
    return Robust(value, float((score**2).sum()) / information**2, df, alone)


def _lines(
    first: NDArray[np.bool_], top: Floats, bottom: Floats, stratum: Ints, cluster: Ints
) -> tuple[Floats, Floats, Floats, Ints, Ints] | None:
    """Give side, hits, rows, stratum and cluster of each cell of strata that have both sides; sorted by cluster."""
    if not len(bottom):
        return None
    ones = _sums(stratum, bottom * first)
    others = _sums(stratum, bottom * ~first)
    both = ((ones > 0) & (others > 0))[stratum] & (bottom > 0)
    if not both.any():
        return None
    e, t, n, s, g = (a[both] for a in (first, top, bottom, stratum, cluster))
    missing = g < 0
    if (n == 1).all():
        g = np.where(missing, int(g.max()) + 1 + np.arange(len(g)), g)
    elif missing.any():
        hits, misses = t[missing].astype(int), (n - t)[missing].astype(int)
        each = hits + misses
        own = np.concatenate([np.repeat([1.0, 0.0], pair) for pair in zip(hits, misses, strict=True)])
        e = np.concatenate([e[~missing], np.repeat(e[missing], each)])
        s = np.concatenate([s[~missing], np.repeat(s[missing], each)])
        g = np.concatenate([g[~missing], int(g.max()) + 1 + np.arange(each.sum())])
        t, n = np.concatenate([t[~missing], own]), np.concatenate([n[~missing], np.ones(each.sum())])
    _, s = np.unique(s, return_inverse=True)
    _, g = np.unique(g, return_inverse=True)
    key, cell = np.unique((g * (int(s.max()) + 1) + s) * 2 + e.astype(np.int64), return_inverse=True)
    of, strata = np.asarray(key, dtype=np.int64), int(s.max()) + 1
    side = np.asarray(of % 2, dtype=np.float64)
    return side, _sums(cell, t), _sums(cell, n), of // 2 % strata, of // 2 // strata


def _adjusted(
    h: Floats, root: Floats, s: Ints, g: Ints, rows: Floats, information: float
) -> tuple[Floats, bool]:
    """Give (I - H)^(-1/2) h of each cluster's block of the hat matrix H, and whether a part of h is lost there."""
    start = np.flatnonzero(np.diff(g, prepend=-1))
    size = np.diff(np.append(start, len(g)))
    rest = 1 - root**2 / rows[s] - h**2 / information
    lost = (rest <= NOTHING) & (np.abs(h) > NOTHING)
    v = np.where(rest > NOTHING, h / np.sqrt(np.maximum(rest, NOTHING)), 0.0)
    alone = bool(lost[start[size == 1]].any())
    for i, k in zip(start[size > 1], size[size > 1], strict=True):
        own = slice(i, i + k)
        v[own], gone = _root_of_inverse(h[own], root[own], s[own], rows, information)
        alone = alone or gone
    return v, alone


def _root_of_inverse(
    h: Floats, root: Floats, s: Ints, rows: Floats, information: float
) -> tuple[Floats, bool]:
    """Give (I - H)^(-1/2) h by Lanczos: the block is the unit, less one direction per stratum, less h itself."""
    norm = float(np.sqrt(h @ h))
    if norm <= NOTHING:
        return np.zeros_like(h), False
    names, at = np.unique(s, return_inverse=True)
    of = root / rows[names][at]
    basis = [h / norm]
    diagonal: list[float] = []
    beside: list[float] = []
    while True:
        z = basis[-1]
        w = z - of * _sums(at, root * z)[at] - h * (float(h @ z) / information)
        diagonal.append(float(w @ z))
        spanned = np.array(basis)
        for _ in range(2):
            w = w - spanned.T @ (spanned @ w)
        beta = float(np.sqrt(w @ w))
        last = beta <= NOTHING or len(basis) == len(h)
        if last or len(basis) % STEPS == 0:
            values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
            kept = values > NOTHING
            found = vectors[:, kept] @ (vectors[0, kept] / np.sqrt(values[kept]))
            # What the latest direction adds falls by a constant factor from step to step.
            if last or abs(found[-1]) <= NOTHING:
                break
        beside.append(beta)
        basis.append(w / beta)
    gone = bool((vectors[0, ~kept] ** 2).sum() > NOTHING)
    return np.asarray(spanned.T @ found) * norm, gone


def _satterthwaite(
    v: Floats, h: Floats, root: Floats, s: Ints, g: Ints, rows: Floats, information: float
) -> float:
    """Give (tr P)^2 / tr P^2, where P is the covariance of the clusters' scores if rows are independent."""
    from scipy.sparse import csr_array

    whole, along = _sums(g, v * v), _sums(g, v * h)
    a = csr_array((root * v / np.sqrt(rows[s]), (g, s)), shape=(int(g.max()) + 1, len(rows)))
    # P = diag(whole) - a a' - along along' / information.
    shared = np.asarray(a.multiply(a).sum(axis=1)).ravel() + along**2 / information
    trace = float((whole - shared).sum())
    inner = a.T @ a
    across = a.T @ along
    squares = float((whole**2 - 2 * whole * shared).sum()) + float(inner.multiply(inner).sum())
    squares += 2 * float(across @ across) / information + float(along @ along) ** 2 / information**2
    return trace**2 / squares if squares > NOTHING**2 else 0.0


def _sums(codes: Ints, weights: Any, size: int = 0) -> Floats:
    return np.asarray(np.bincount(codes, weights=weights, minlength=size), dtype=np.float64)


def _codes(keys: ArrayLike) -> Ints:
    """Number the keys from 0; what is missing is -1."""
    import pandas as pd

    return np.asarray(pd.factorize(pd.Series(keys, dtype=object))[0], dtype=np.int64)


def _finer(stratum: Ints, code: Ints) -> Ints:
    """Give the strata within clusters; a row whose cluster is missing is compared with none."""
    if not len(code):
        return stratum
    own = np.where(code < 0, int(code.max()) + 1 + np.arange(len(code)), code)
    joined = stratum * (int(own.max()) + 1) + own
    # Like rows that are counted together are of one side, so a line by itself compares nothing.
    return np.asarray(np.unique(joined, return_inverse=True)[1], dtype=np.int64)


def _counts(e: NDArray[np.bool_], t: Floats, n: Floats, stratum: Ints) -> tuple[Floats, Floats]:
    size = int(stratum.max()) + 1 if len(stratum) else 0
    made = [np.column_stack([_sums(stratum, w * side, size) for w in (t, n)]) for side in (e, ~e)]
    return made[0], made[1]


def _information(e: NDArray[np.bool_], n: Floats, stratum: Ints) -> float:
    """Give the sum over strata of n1 n0 / (n1 + n0): how much they can compare."""
    one, other = (side[:, 1] for side in _counts(e, n, n, stratum))
    total = one + other
    return float((one * other / np.where(total > 0, total, 1.0)).sum())


def _words(kinds: Sequence[str]) -> str:
    return ", ".join(say(KINDS[kind]) for kind in kinds)
