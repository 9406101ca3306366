"""Shares, ratios, counts and sums: intervals that hold, also for few rows and for clusters of unequal size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alignment_toolkit.languages import say
from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics.inference import INFINITY, Z95, Gap, quantile, tail

__all__ = [
    "clustered_part",
    "clustered_part_gap",
    "clustered_ratio",
    "clustered_share",
    "clustered_share_of_sums",
    "compound_total",
    "difference",
    "e_value",
    "newcombe",
    "poisson_count",
    "rows_where_all_agree",
    "score_gap",
    "wilson",
    "wilson_limits",
]


def wilson_limits(share: float, n: float, z: float = Z95) -> tuple[float, float]:
    """Give Wilson's score limits of a share of `n` rows (n may be an effective number).

    Examples
    --------
    >>> [round(x, 4) for x in wilson_limits(15 / 148, 148)]
    [0.0624, 0.1605]
    """
    z2 = z * z
    middle = share + z2 / (2 * n)
    half = z * math.sqrt(max(share * (1 - share), 0.0) / n + z2 / (4 * n * n))
    low, high = (middle - half) / (1 + z2 / n), (middle + half) / (1 + z2 / n)
    # At 0 and 1 the limit is exact; rounding must not leave 1e-17 there.
    return (0.0 if share <= 0 else max(low, 0.0)), (1.0 if share >= 1 else min(high, 1.0))


def score_gap(
    share: float,
    effective_n: float,
    *,
    n: int,
    n_unit: str,
    unit: str = "share",
    method: str,
    df: float = INFINITY,
) -> Gap:
    """Give the gap of a share by inverting the score test on an effective number of rows.

    Estimand: the share of the process. Wilson (1927, JASA 22), with Student's quantile where `df` is
    finite.
    """
    if not (math.isfinite(share) and effective_n > 0 and df > 0):
        value = share if math.isfinite(share) else None
        return Gap.none(
            n=n, n_unit=n_unit, unit=unit, method=say("{method}; no interval", method=method), value=value
        )
    low, high = wilson_limits(share, effective_n, quantile(df))

    def z(m: float) -> float:
        spread = m * (1 - m) / effective_n
        if spread <= 0:
            return 0.0 if share == m else math.copysign(INFINITY, share - m)
        return (share - m) / math.sqrt(spread)

    return Gap.of_statistic(
        share, low, high, z, df=df, space=(0.0, 1.0), n=n, n_unit=n_unit, unit=unit, method=method
    )


def wilson(top: float, bottom: float, *, n_unit: str, unit: str = "share") -> Gap:
    """Give a share of independent rows.

    Estimand: the probability that a row of the process counts. Estimator: top / bottom; interval and tests
    by the score (Wilson 1927; recommended by Newcombe 1998, Statistics in Medicine 17, and Brown, Cai and
    DasGupta 2001).

    Examples
    --------
    >>> e = wilson(81, 263, n_unit="leads").estimate
    >>> round(e.low, 4), round(e.high, 4)
    (0.2553, 0.3662)
    >>> wilson(0, 0, n_unit="leads").estimate.value is None
    True
    """
    n = int(bottom) if bottom and math.isfinite(bottom) else 0
    if n <= 0 or not math.isfinite(top):
        return Gap.none(n=max(n, 0), n_unit=n_unit, unit=unit, method="Wilson; no rows")
    share = min(max(top / bottom, 0.0), 1.0)
    return score_gap(share, float(bottom), n=n, n_unit=n_unit, unit=unit, method="Wilson")


def newcombe(
    top: float, bottom: float, top2: float, bottom2: float, *, n_unit: str = "rows", unit: str = "share"
) -> Gap:
    """Give the difference of two independent shares, the first minus the second.

    Estimand: the difference of the two probabilities. Interval: Newcombe's hybrid score (1998, Statistics
    in Medicine 17, method 10), at every quantile, so that the tests agree with it.

    Examples
    --------
    >>> e = newcombe(56, 70, 48, 80).estimate
    >>> round(e.value, 2), round(e.low, 4), round(e.high, 4)
    (0.2, 0.0524, 0.3339)
    """
    n = int(bottom + bottom2) if math.isfinite(bottom + bottom2) else 0
    if not (bottom > 0 and bottom2 > 0 and math.isfinite(top + top2) and n):
        return Gap.none(n=max(n, 0), n_unit=n_unit, unit=unit, method="Newcombe; a side has no rows")
    p, q = min(max(top / bottom, 0.0), 1.0), min(max(top2 / bottom2, 0.0), 1.0)

    def limits(z: float) -> tuple[float, float]:
        l1, u1 = wilson_limits(p, bottom, z)
        l2, u2 = wilson_limits(q, bottom2, z)
        return p - q - math.hypot(p - l1, u2 - q), p - q + math.hypot(u1 - p, q - l2)

    return Gap.of_limits(
        p - q, limits, space=(-1.0, 1.0), n=n, n_unit=n_unit, unit=unit, method="Newcombe's hybrid score"
    )


def clustered_share(
    successes: Sequence[float] | NDArray[Any],
    trials: Sequence[float] | NDArray[Any],
    *,
    n_unit: str = "rows",
    unit: str = "share",
    cluster_unit: str = "clusters",
    alike: float = 0.5,
) -> Gap:
    """Give a share whose rows repeat within clusters (leads of one account), one entry per cluster.

    Estimand: the probability of the process, rows weighing alike. Estimator: all successes over all trials.
    Interval: Wilson's on the effective number of rows, n over the design effect of the ratio estimator (at
    least 1), with Student's quantile on the effective number of clusters less one (Korn and Graubard 1998,
    Survey Methodology 24). Where all rows agree nothing tells how much the rows of a cluster have in common: a
    correlation of `alike` is allowed for (at 1 they are copies of one another).

    Examples
    --------
    >>> together = clustered_share([5, 0, 5, 0, 5, 0], [5] * 6).estimate
    >>> apart = wilson(15, 30, n_unit="rows").estimate
    >>> together.value == apart.value, together.high > apart.high
    (True, True)
    """
    y, m = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    keep = np.isfinite(y) & np.isfinite(m) & (m > 0)
    y, m = y[keep], m[keep]
    n, clusters = float(m.sum()), int(m.size)
    if clusters == 0:
        return Gap.none(n_unit=n_unit, unit=unit, method="Wilson; no rows")
    return clustered_share_of_sums(
        float(y.sum()),
        n,
        float((y * y).sum()),
        float((y * m).sum()),
        float((m * m).sum()),
        clusters,
        n_unit=n_unit,
        unit=unit,
        cluster_unit=cluster_unit,
        alike=alike,
    )


def clustered_share_of_sums(
    top: float,
    bottom: float,
    top2: float,
    topbottom: float,
    bottom2: float,
    clusters: int,
    *,
    n_unit: str = "rows",
    unit: str = "share",
    cluster_unit: str = "clusters",
    alike: float = 0.5,
) -> Gap:
    """Give `clustered_share` from the sums of squares and products of the clusters' totals.

    Examples
    --------
    >>> gap = clustered_share_of_sums(15, 30, 75, 75, 150, 6)
    >>> gap.estimate == clustered_share([5, 0, 5, 0, 5, 0], [5] * 6).estimate
    True
    """
    words = say(
        "Wilson on the effective number of rows, {clusters} {cluster_unit}",
        clusters=clusters,
        cluster_unit=cluster_unit,
    )
    if bottom <= 0 or clusters < 1:
        return Gap.none(n_unit=n_unit, unit=unit, method="Wilson; no rows")
    share = min(max(top / bottom, 0.0), 1.0)
    if bottom2 <= bottom:  # nothing repeats
        return wilson(top, bottom, n_unit=n_unit, unit=unit)
    if clusters == 1:
        words = say("{words}; one cluster has no spread", words=words)
        return Gap.none(n=int(bottom), n_unit=n_unit, unit=unit, method=words, value=share)
    kish = _kish(bottom, bottom2, clusters)
    df = max(kish - 1, 1.0)
    squares = top2 - 2 * share * topbottom + share * share * bottom2
    if share in (0.0, 1.0):
        effective, df = rows_where_all_agree(bottom, kish, alike), INFINITY
    elif squares <= 1e-12 * top2:  # rounding of equal shares
        effective = bottom
    else:
        variance = clusters / (clusters - 1) * squares / (bottom * bottom)
        effective = min(share * (1 - share) / variance, bottom)
    return score_gap(share, effective, df=df, n=int(bottom), n_unit=n_unit, unit=unit, method=words)


def clustered_ratio(
    top: float,
    bottom: float,
    top2: float,
    topbottom: float,
    bottom2: float,
    clusters: int,
    *,
    unit: str,
    n_unit: str,
    n: int | None = None,
) -> Estimate:
    """Give a ratio of two sums over clusters, from the sums of squares and products of the clusters' totals.

    Estimand: expected top over expected bottom of the process. Estimator: top / bottom. Interval: delta
    method on the clusters' totals (Cochran 1977, section 6.3) with Student's quantile, on the scale of the
    logarithm where top and bottom are positive, since skewed sums have a standard error that grows with
    them.

    Parameters
    ----------
    top, bottom
        Sums over all clusters.
    top2, topbottom, bottom2
        Sums over clusters of the squared top, top times bottom, and squared bottom of each cluster.
    clusters
        Number of clusters.
    n
        Rows of the bottom, where that isn't the number of clusters.

    Examples
    --------
    >>> e = clustered_ratio(60.0, 30.0, 140.0, 60.0, 30.0, 30, unit="money", n_unit="clients")
    >>> e.value, round(e.low, 2), round(e.high, 2)
    (2.0, 1.7, 2.36)
    """
    rows = clusters if n is None else n
    words = say("ratio of sums over {clusters} clusters, delta method", clusters=clusters)
    numbers = (top, bottom, top2, topbottom, bottom2)
    if not all(math.isfinite(x) for x in numbers) or bottom == 0 or clusters <= 0:
        return Estimate.none(
            n=rows, n_unit=n_unit, unit=unit, method=say("{words}; the bottom is 0", words=words)
        )
    ratio = top / bottom
    plain = Estimate(ratio, None, None, rows, n_unit, unit, say("{words}; no interval", words=words))
    if clusters < 2:
        return plain
    squares = max(top2 - 2 * ratio * topbottom + ratio * ratio * bottom2, 0.0)
    if squares <= 1e-12 * max(top2, ratio * ratio * bottom2):  # rounding of equal ratios
        return plain
    se = math.sqrt(squares * clusters / (clusters - 1)) / abs(bottom)
    q = quantile(max(1.0, min(_kish(top, top2, clusters), _kish(bottom, bottom2, clusters)) / 2))
    if top > 0 and bottom > 0:
        factor = math.exp(min(q * se / ratio, 700.0))
        low, high = ratio / factor, ratio * factor
        if math.isfinite(high):
            return Estimate(ratio, low, high, rows, n_unit, unit, say("{words}, logarithm", words=words))
    return Estimate(ratio, ratio - q * se, ratio + q * se, rows, n_unit, unit, words)


def clustered_part(
    part: float,
    whole: float,
    part2: float,
    partwhole: float,
    whole2: float,
    clusters: int,
    *,
    n_unit: str,
    n: int | None = None,
) -> Estimate:
    """Give the part of an amount (revenue from repeated sales in all revenue) from sums over clusters.

    Estimand: expected part over expected whole of the process. Estimator: part / whole. Interval: Wilson's on the
    effective number of clusters, p (1 - p) over the variance of the delta method, with Student's quantile. Into
    that variance go four imagined clusters that are all or nothing, as Agresti and Coull (1998, The American
    Statistician 52) do for shares: near 0 and 1 the few clusters that differ say too little of it (set by simulation).

    Parameters
    ----------
    part, whole
        Sums over all clusters.
    part2, partwhole, whole2
        Sums over clusters of the squared part, part times whole, and squared whole of each cluster.
    clusters
        Number of clusters.
    n
        Rows of the whole, where that isn't the number of clusters.

    Examples
    --------
    >>> e = clustered_part(90.0, 100.0, 90.0, 90.0, 100.0, 100, n_unit="clients")
    >>> e.value, round(e.low, 2), round(e.high, 2)
    (0.9, 0.82, 0.95)
    """
    return clustered_part_gap(part, whole, part2, partwhole, whole2, clusters, n_unit=n_unit, n=n).estimate


def clustered_part_gap(
    part: float,
    whole: float,
    part2: float,
    partwhole: float,
    whole2: float,
    clusters: int,
    *,
    n_unit: str,
    n: int | None = None,
) -> Gap:
    """Give `clustered_part` with its tests."""
    rows = clusters if n is None else n
    words = say("part of a sum over {clusters} clusters, Wilson on their effective number", clusters=clusters)
    if clusters < 2 or whole <= 0 or whole2 <= 0 or not 0 <= part <= whole:
        value = part / whole if whole > 0 else None
        return Gap.none(
            n=rows, n_unit=n_unit, unit="share", method=say("{words}; no interval", words=words), value=value
        )
    share, kish = part / whole, _kish(whole, whole2, clusters)
    if share in (0.0, 1.0):
        return score_gap(share, kish, n=rows, n_unit=n_unit, method=words)
    squares = max(part2 - 2 * share * partwhole + share * share * whole2, 0.0)
    variance = clusters / (clusters - 1) * squares / (whole * whole)
    drawn = (share * kish + 2) / (kish + 4)
    variance = (kish * variance + 4 * drawn * (1 - drawn) / kish) / (kish + 4)
    df = max(kish / 2, 1.0)
    return score_gap(share, share * (1 - share) / variance, df=df, n=rows, n_unit=n_unit, method=words)


def _kish(total: float, squares: float, clusters: int) -> float:
    """Give the effective number of clusters: how many equal ones would give this sum of squares.

    Student's quantile takes half of it: the sum of squares of skewed amounts is itself uncertain (set by simulation).
    """
    return min(total * total / squares, clusters) if squares > 0 else float(clusters)


def rows_where_all_agree(rows: float, clusters: float, alike: float = 0.5) -> float:
    """Give the effective number of rows of which all agree: none of `clusters` equal ones has one that does not.

    Wilson's limit on it is the share at which that comes in 2.5 % of cases where rows of a cluster correlate by `alike`
    (beta-binomial). That they are copies of one another would make none of 400 say less than one of 400.

    Examples
    --------
    >>> [round(rows_where_all_agree(400, 5, alike), 1) for alike in (0.1, 0.5, 1.0)]
    [106.7, 22.7, 5]
    """
    if alike >= 1:
        return clusters
    from scipy.optimize import brentq
    from scipy.special import betaln

    size, scale = max(rows / clusters, 1.0), 1 / alike - 1

    def beyond(share: float) -> float:
        a, b = share * scale, (1 - share) * scale
        return float(clusters * (betaln(a, b + size) - betaln(a, b)) - math.log(0.025))

    limit = float(brentq(beyond, 1e-12, 1 - 1e-12))
    return max(clusters, min(rows, Z95**2 * (1 - limit) / limit))


def poisson_count(k: float, *, n_unit: str = "rows", unit: str = "count") -> Estimate:
    """Give a count.

    Estimand: the expected number of events of a period of the process. Exact interval (Garwood 1936,
    Biometrika 28), which covers at least 95 %.

    Examples
    --------
    >>> e = poisson_count(0)
    >>> e.value, e.low, round(e.high, 3)
    (0, 0.0, 3.689)
    """
    if not math.isfinite(k) or k < 0:
        return Estimate.none(n_unit=n_unit, unit=unit, method="exact Poisson; no count")
    from scipy.special import gammaincinv

    low = float(gammaincinv(k, 0.025)) if k > 0 else 0.0
    return Estimate(
        k, low, float(gammaincinv(k + 1, 0.975)), int(k), n_unit, unit, say("exact Poisson (Garwood)")
    )


def compound_total(
    total: float,
    sum_of_squares: float,
    clusters: int,
    *,
    n_unit: str = "clusters",
    unit: str = "money",
    n: int | None = None,
) -> Estimate:
    """Give a total that is the sum of a random number of random amounts (revenue of the accounts that bought).

    Estimand: the expected total of a period of the process. Estimator: the total; its variance under a
    compound Poisson process is the sum of squares of the clusters' totals. Interval: Student's with the
    effective number of clusters, on the scale of the logarithm where the total is positive.

    Examples
    --------
    >>> e = compound_total(1000.0, 10000.0, 100)
    >>> e.value, round(e.low), round(e.high)
    (1000.0, 818, 1222)
    """
    rows = clusters if n is None else n
    words = say("sum over {clusters} clusters, compound Poisson", clusters=clusters)
    if not (math.isfinite(total) and math.isfinite(sum_of_squares)):
        return Estimate.none(n=rows, n_unit=n_unit, unit=unit, method=say("{words}; no total", words=words))
    if clusters < 1 or sum_of_squares <= 0:
        return Estimate(total, None, None, rows, n_unit, unit, say("{words}; no interval", words=words))
    se = math.sqrt(sum_of_squares)
    q = quantile(max(1.0, _kish(total, sum_of_squares, clusters) / 2))
    if total > 0:
        factor = math.exp(min(q * se / total, 700.0))
        if math.isfinite(total * factor):
            return Estimate(
                total,
                total / factor,
                total * factor,
                rows,
                n_unit,
                unit,
                say("{words}, logarithm", words=words),
            )
    return Estimate(total, total - q * se, total + q * se, rows, n_unit, unit, words)


def difference(a: Estimate, b: Estimate) -> tuple[Estimate, float | None]:
    """Give the difference of two independent estimates, `a` minus `b`, with its two-sided p value against 0.

    Estimand: the difference of the two estimands. Interval: the two intervals recovered into one (MOVER:
    Zou and Donner 2008, Statistics in Medicine 27), which keeps their skew and equals Newcombe's for Wilson
    intervals. The p value is the one that agrees with it: below 0.05 exactly where the interval excludes 0.

    Examples
    --------
    >>> change, p = difference(wilson(56, 70, n_unit="deals").estimate, wilson(48, 80, n_unit="deals").estimate)
    >>> round(change.low, 4), round(change.high, 4), p < 0.05
    (0.0524, 0.3339, True)
    """
    words = say("difference of independent estimates")
    n = a.n + b.n
    if a.value is None or b.value is None:
        return Estimate.none(
            n=n, n_unit=a.n_unit, unit=a.unit, method=say("{words}; a side is missing", words=words)
        ), None
    d = a.value - b.value
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return Estimate(d, None, None, n, a.n_unit, a.unit, say("{words}; no interval", words=words)), None
    down = math.hypot(a.value - a.low, b.high - b.value)
    up = math.hypot(a.high - a.value, b.value - b.low)
    estimate = Estimate(d, d - down, d + up, n, a.n_unit, a.unit, words)
    half = down if d > 0 else up
    if half == 0:
        return estimate, (1.0 if d == 0 else 0.0)
    return estimate, min(1.0, 2 * tail(Z95 * abs(d) / half))


def e_value(risk_ratio: float) -> float | None:
    """Give how strong an unmeasured confounder must be to explain a risk ratio away.

    Estimand: the least risk ratio that a confounder must have with both the cause and the outcome
    (VanderWeele and Ding 2017, Annals of Internal Medicine 167).

    Examples
    --------
    >>> round(e_value(3.9), 3), e_value(1.0)
    (7.263, 1.0)
    """
    if not math.isfinite(risk_ratio) or risk_ratio <= 0:
        return None
    rr = risk_ratio if risk_ratio >= 1 else 1 / risk_ratio
    return rr + math.sqrt(rr * (rr - 1))
