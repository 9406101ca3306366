"""Agreement of two raters: Cohen's kappa, its complement, AC1, weighted kappa, raw agreement."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignment_toolkit.languages import say
from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics.inference import Z95, Gap
from alignment_toolkit.statistics.shares import wilson

__all__ = ["ac1", "bias", "disagreement", "kappa", "raw", "weighted_kappa"]

GRID: Final = 48


def _table(table: ArrayLike) -> NDArray[np.float64]:
    t = np.asarray(table, dtype=float)
    if t.ndim != 2 or t.shape[0] != t.shape[1]:
        raise ValueError(f"an agreement table is square, this one is {t.shape}")
    return np.where(np.isfinite(t), t, 0.0)


def _kappa_value(p: NDArray[np.float64]) -> float | None:
    expected = float(p.sum(axis=1) @ p.sum(axis=0))
    return None if expected >= 1 - 1e-12 else (float(np.trace(p)) - expected) / (1 - expected)


def _kappa_variance(p: NDArray[np.float64], k: float) -> float:
    """Give n times the variance (Fleiss, Cohen and Everitt 1969, Psychological Bulletin 72)."""
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    expected = float(rows @ columns)
    both = rows[:, None] + columns[None, :]
    diagonal = np.diag(p) * (1 - np.diag(both) * (1 - k)) ** 2
    cross = p * (columns[:, None] + rows[None, :]) ** 2
    off = float(cross.sum() - np.trace(cross)) * (1 - k) ** 2
    v = float(diagonal.sum()) + off - (k - expected * (1 - k)) ** 2
    return max(v, 0.0) / (1 - expected) ** 2


def kappa(table: ArrayLike, *, n_unit: str = "accounts", unit: str = "index") -> Gap:
    """Give Cohen's kappa of two raters.

    Estimand: the agreement of the process beyond that of independent raters with the same shares, over the
    most there could be (Cohen 1960, Educational and Psychological Measurement 20).

    Parameters
    ----------
    table
        Square counts: rows are the first rater's categories, columns the second's.

    Examples
    --------
    >>> round(kappa([[20, 5], [10, 15]]).estimate.value, 6)
    0.4
    """
    return disagreement(table, n_unit=n_unit, unit=unit).complement(
        method="Cohen's kappa, large-sample variance"
    )


def disagreement(table: ArrayLike, *, n_unit: str = "accounts", unit: str = "index") -> Gap:
    """Give 1 - Cohen's kappa: disagreement over that of independent picks with the same shares.

    Estimand: of the process; 0 is full agreement, 1 independent raters, above 1 raters who avoid each other's picks.
    Interval and tests: for two categories the score test, Pearson's distance from the likeliest process with that
    kappa (as Donner and Eliasziw 1992, Statistics in Medicine 11, but with shares of targets that may differ); for more
    the large-sample variance. "At least m" holds as long as any process with m or more is near enough: the distance is
    the least over all gaps beyond m (it would dip where one rater's share passes a half).

    Examples
    --------
    >>> round(disagreement([[20, 5], [10, 15]]).estimate.value, 6)
    0.6
    """
    t = _table(table)
    n = float(t.sum())
    words = say("1 - Cohen's kappa")
    if n <= 0:
        return Gap.none(n_unit=n_unit, unit=unit, method=say("{words}; no rows", words=words))
    p = t / n
    k = _kappa_value(p)
    if k is None:
        return Gap.none(
            n=int(n), n_unit=n_unit, unit=unit, method=say("{words}; all rows in one category", words=words)
        )
    if (p.sum(axis=0) >= 1).any() or (p.sum(axis=1) >= 1).any():
        told = say("{words}; no interval: one rater puts all rows into one category", words=words)
        return Gap.none(value=1 - k, n=int(n), n_unit=n_unit, unit=unit, method=told)
    if t.shape != (2, 2):
        return Gap.normal(
            1 - k,
            math.sqrt(_kappa_variance(p, k) / n),
            n=int(n),
            n_unit=n_unit,
            unit=unit,
            method=say("{words}, large-sample variance", words=words),
            space=(0.0, 2.0),
        )
    cells = (float(t[0, 0]), float(t[0, 1]), float(t[1, 0]), float(t[1, 1]))
    value = min(max(1 - k, 0.0), 2.0)

    down, up = (_widening(cells, value, end) for end in (0.0, 2.0))

    def z(m: float) -> float:
        return down(m) if m < value else -up(m)

    return Gap.of_statistic(
        value,
        _limit(z, value, 0.0),
        _limit(z, value, 2.0),
        z,
        space=(0.0, 2.0),
        n=int(n),
        n_unit=n_unit,
        unit=unit,
        method=say("{words}, score test", words=words),
    )


def _widening(cells: tuple[float, float, float, float], value: float, end: float) -> Callable[[float], float]:
    """Give the distance as a function that never falls on the way from the value to the end of what is possible."""
    from scipy.optimize import minimize_scalar

    grid = np.linspace(value, end, GRID + 1)[1:]
    reach = [_score(cells, float(m)) for m in grid]
    points = list(zip(grid, reach, strict=True))
    for i in range(1, len(grid) - 1):
        if reach[i] <= min(reach[i - 1], reach[i + 1]):
            around = sorted((float(grid[i - 1]), float(grid[i + 1])))
            dip = minimize_scalar(
                lambda m: _score(cells, m), bounds=around, method="bounded", options={"xatol": 1e-9}
            )
            points.append((float(dip.x), float(dip.fun)))

    def distance(m: float) -> float:
        if m == value:
            return 0.0
        return min([_score(cells, m), *(r for g, r in points if abs(g - value) > abs(m - value))])

    return distance


def _limit(z: Callable[[float], float], value: float, end: float) -> float:
    """Give where |z| comes up to the quantile between the value and the end of what is possible."""
    if abs(z(end)) <= Z95:
        return end
    near, far = value, end
    at_near, at_far = -Z95, abs(z(end)) - Z95
    side = 0
    for _ in range(100):  # the Illinois form of false position; halving where the far end is infinite
        finite = math.isfinite(at_far)
        middle = (near * at_far - far * at_near) / (at_far - at_near) if finite else 0.5 * (near + far)
        if not min(near, far) < middle < max(near, far):
            break
        found = abs(z(middle)) - Z95
        if found <= 0:
            near, at_near = middle, found
            at_far = at_far / 2 if side < 0 and finite else at_far
            side = -1
        else:
            far, at_far = middle, found
            at_near = at_near / 2 if side > 0 else at_near
            side = 1
        if abs(found) < 1e-10 or abs(far - near) < 1e-12:
            break
    return near if abs(at_near) < 1e-9 or abs(far - near) < 1e-9 else middle


def _score(cells: tuple[float, float, float, float], gap: float) -> float:
    """Give Pearson's distance of a 2 x 2 table from the likeliest process whose 1 - kappa is `gap`."""
    n = sum(cells)
    expected = _likeliest(cells, gap)
    square = 0.0
    for seen, share in zip(cells, expected, strict=True):
        if share <= 1e-12:
            if seen > 0:
                return math.inf
            continue
        square += (seen - n * share) ** 2 / (n * share)
    return math.sqrt(square)


def _likeliest(cells: tuple[float, float, float, float], gap: float) -> tuple[float, float, float, float]:
    """Give the process of two raters with 1 - kappa = `gap` under which the table is likeliest.

    With the raters' shares p and q the disagreeing mass is gap x (p + q - 2pq), and all four cells follow; Fisher
    scoring over p and q, every step cut back until all cells are positive.
    """
    n = sum(cells)
    # A ten-thousandth of a row keeps empty cells inside.
    seen = [c + 1e-4 for c in cells]
    start = (2 * cells[0] + cells[1] + cells[2]) / (2 * n)
    least, most = max(1 - 1 / gap, 0.0) if gap > 0 else 0.0, min(1 / gap, 1.0) if gap > 0 else 1.0
    room = 0.02 * (most - least)
    p = q = min(max(start, least + room), most - room)

    def shares(p: float, q: float) -> tuple[float, float, float, float]:
        d = gap * (p + q - 2 * p * q)
        return (p + q - d) / 2, (p - q + d) / 2, (q - p + d) / 2, 1 - (p + q + d) / 2

    def likelihood(at: tuple[float, float, float, float]) -> float:
        if min(at) <= 0:
            return -math.inf if gap > 0 or min(at[0], at[3]) <= 0 else 0.0
        return sum(c * math.log(s) for c, s in zip(seen, at, strict=True))

    if gap <= 0 or gap >= 2:
        return shares(p, q)
    now = shares(p, q)
    best = likelihood(now)
    for _ in range(100):
        by_p, by_q = gap * (1 - 2 * q), gap * (1 - 2 * p)
        dp = ((1 - by_p) / 2, (1 + by_p) / 2, (by_p - 1) / 2, -(1 + by_p) / 2)
        dq = ((1 - by_q) / 2, (by_q - 1) / 2, (1 + by_q) / 2, -(1 + by_q) / 2)
        up = sum(c / s * x for c, s, x in zip(seen, now, dp, strict=True))
        uq = sum(c / s * x for c, s, x in zip(seen, now, dq, strict=True))
        ipp = n * sum(x * x / s for s, x in zip(now, dp, strict=True))
        iqq = n * sum(x * x / s for s, x in zip(now, dq, strict=True))
        ipq = n * sum(x * y / s for s, x, y in zip(now, dp, dq, strict=True))
        det = ipp * iqq - ipq * ipq
        if det <= 0:
            break
        step_p, step_q = (iqq * up - ipq * uq) / det, (ipp * uq - ipq * up) / det
        size = 1.0
        while size > 1e-9:
            tried = shares(p + size * step_p, q + size * step_q)
            found = likelihood(tried)
            # A cell that falls to the edge at one step would hold all later steps back.
            if found >= best and all(a > 0.1 * b for a, b in zip(tried, now, strict=True)):
                break
            size /= 2
        else:
            break
        p, q, gained = p + size * step_p, q + size * step_q, found - best
        now, best = tried, found
        if gained < 1e-11:
            break
    return now


def weighted_kappa(
    table: ArrayLike,
    *,
    weights: Literal["linear", "quadratic"] = "quadratic",
    n_unit: str = "accounts",
    unit: str = "index",
) -> Estimate:
    """Give Cohen's weighted kappa over ordered categories.

    Estimand: as kappa, with disagreements weighing by the distance of the categories or its square (Cohen
    1968); interval from the large-sample variance (Fleiss, Cohen and Everitt 1969).

    Examples
    --------
    >>> round(weighted_kappa([[10, 2, 0], [1, 8, 3], [0, 2, 9]]).value, 4)
    0.8263
    """
    t = _table(table)
    n, size = float(t.sum()), t.shape[0]
    words = say("weighted kappa ({weights})", weights=weights)
    if n <= 0 or size < 2:
        return Estimate.none(n=int(n), n_unit=n_unit, unit=unit, method=say("{words}; no rows", words=words))
    p = t / n
    apart = np.abs(np.subtract.outer(np.arange(size), np.arange(size))) / (size - 1)
    w = 1 - (apart if weights == "linear" else apart**2)
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    expected, seen = float(rows @ w @ columns), float((w * p).sum())
    if expected >= 1 - 1e-12:
        return Estimate.none(
            n=int(n), n_unit=n_unit, unit=unit, method=say("{words}; all rows in one category", words=words)
        )
    k = (seen - expected) / (1 - expected)
    mean = (w @ columns)[:, None] + (rows @ w)[None, :]
    v = float((p * (w - mean * (1 - k)) ** 2).sum()) - (k - expected * (1 - k)) ** 2
    se = math.sqrt(max(v, 0.0) / n) / (1 - expected)
    return Gap.normal(k, se, n=int(n), n_unit=n_unit, unit=unit, method=words, space=(-1.0, 1.0)).estimate


def ac1(table: ArrayLike, *, n_unit: str = "accounts", unit: str = "index") -> Estimate:
    """Give Gwet's AC1, an agreement beyond chance that rare categories do not push down.

    Estimand: as Gwet (2008, British Journal of Mathematical and Statistical Psychology 61), with his
    variance.

    Examples
    --------
    >>> round(ac1([[20, 5], [10, 15]]).value, 4)
    0.4059
    """
    t = _table(table)
    n, size = float(t.sum()), t.shape[0]
    if n <= 0 or size < 2:
        return Estimate.none(n=int(n), n_unit=n_unit, unit=unit, method="Gwet's AC1; no rows")
    p = t / n
    mean = (p.sum(axis=1) + p.sum(axis=0)) / 2
    chance = float((mean * (1 - mean)).sum()) / (size - 1)
    seen = float(np.trace(p))
    value = (seen - chance) / (1 - chance)
    pairs = 1 - (mean[:, None] + mean[None, :]) / 2
    first = seen * (1 - seen)
    second = 4 * (1 - value) * (float((np.diag(p) * (1 - mean)).sum()) / (size - 1) - seen * chance)
    third = 4 * (1 - value) ** 2 * (float((p * pairs**2).sum()) / (size - 1) ** 2 - chance**2)
    v = max(first - second + third, 0.0) / (n * (1 - chance) ** 2)
    return Gap.normal(
        value, math.sqrt(v), n=int(n), n_unit=n_unit, unit=unit, method="Gwet's AC1", space=(-1.0, 1.0)
    ).estimate


def raw(table: ArrayLike, *, n_unit: str = "accounts", unit: str = "share") -> Estimate:
    """Give the share of rows on which both raters say the same, with Wilson's interval.

    Examples
    --------
    >>> raw([[20, 5], [10, 15]]).value
    0.7
    """
    t: NDArray[Any] = _table(table)
    return wilson(float(np.trace(t)), float(t.sum()), n_unit=n_unit, unit=unit).estimate


def bias(table: ArrayLike, *, n_unit: str = "accounts", unit: str = "share") -> Estimate:
    """Give how much more often the first of two raters says yes, both of the same rows.

    Estimand: the difference of two paired shares. Interval: Wald's after half a row is put into each cell (Agresti
    and Min 2005, Statistics in Medicine 24), which covers where few rows are judged differently.

    Examples
    --------
    >>> bias([[20, 5], [10, 15]]).value
    -0.1
    """
    t = _table(table)
    n = float(t.sum())
    words = say("difference of paired shares, Agresti and Min")
    if n <= 0 or t.shape[0] != 2:
        return Estimate.none(n=int(n), n_unit=n_unit, unit=unit, method=say("{words}; no rows", words=words))
    first, second, all_ = float(t[0, 1]) + 0.5, float(t[1, 0]) + 0.5, n + 2
    middle = (first - second) / all_
    se = math.sqrt(max(first + second - (first - second) ** 2 / all_, 0.0)) / all_
    low, high = max(middle - Z95 * se, -1.0), min(middle + Z95 * se, 1.0)
    value = float(t[0, 1] - t[1, 0]) / n
    return Estimate(value, min(low, value), max(high, value), int(n), n_unit, unit, words)
