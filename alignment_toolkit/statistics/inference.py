"""Gaps: an Estimate together with the two one-sided tests that agree with its interval."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from alignment_toolkit.languages import say
from alignment_toolkit.results import Estimate

__all__ = ["LEVEL", "Z95", "Gap", "needs_more", "quantile", "tail"]

LEVEL = 0.95
Z95 = 1.959963984540054
INFINITY = math.inf


def tail(z: float, df: float = INFINITY) -> float:
    """Give the probability above `z` of the normal distribution, or of Student's with `df` degrees of freedom.

    Examples
    --------
    >>> round(tail(1.959964), 4), round(tail(2.228139, df=10), 4)
    (0.025, 0.025)
    """
    if z == INFINITY:
        return 0.0
    if z == -INFINITY:
        return 1.0
    if df == INFINITY:
        return 0.5 * math.erfc(z / math.sqrt(2.0))
    from scipy.special import stdtr

    return float(stdtr(df, -z))


def quantile(df: float = INFINITY, p: float = 0.975) -> float:
    """Give the quantile of the normal distribution, or of Student's with `df` degrees of freedom.

    Examples
    --------
    >>> round(quantile(), 4), round(quantile(10), 4)
    (1.96, 2.2281)
    """
    if df == INFINITY and p == 0.975:
        return Z95
    from scipy.special import ndtri, stdtrit

    return float(ndtri(p)) if df == INFINITY else float(stdtrit(df, p))


def _certain(_: float) -> float:
    return 1.0


@dataclass(frozen=True)
class Gap:
    """A gap with its interval, and the tests of it against any margin.

    Attributes
    ----------
    estimate
        Value and 95 % interval.
    above
        ``above(m)``: one-sided p value of the hypothesis that the gap is at most `m`.
    below
        ``below(m)``: one-sided p value of the hypothesis that the gap is at least `m`.

    Notes
    -----
    Both invert the interval: its lower limit lies above `m` exactly where ``above(m) < 0.025``, its upper
    limit below `m` exactly where ``below(m) < 0.025``. Where there is no interval, both are 1 everywhere.

    Examples
    --------
    >>> gap = Gap.normal(0.3, 0.05, n=80, n_unit="leads", unit="share", method="normal")
    >>> round(gap.estimate.low, 3), round(gap.above(0.2), 4), gap.below(0.2) > 0.97
    (0.202, 0.0228, True)
    """

    estimate: Estimate
    above: Callable[[float], float]
    below: Callable[[float], float]

    @classmethod
    def none(cls, *, n: int = 0, n_unit: str, unit: str, method: str, value: float | None = None) -> Gap:
        """Give the gap that says nothing: no interval, and p values of 1."""
        return cls(Estimate(_finite(value), None, None, n, n_unit, unit, method), _certain, _certain)

    @classmethod
    def exact(
        cls,
        value: float | None,
        *,
        n: int = 0,
        n_unit: str = "rows",
        unit: str = "share",
        method: str = "no sampling error: low = high = value",
    ) -> Gap:
        """Give a gap without sampling error: p is 0 beyond the margin, else 1."""
        if _finite(value) is None:
            return cls.none(n=n, n_unit=n_unit, unit=unit, method=method)
        v = float(value)  # type: ignore[arg-type]
        return cls(
            Estimate(v, v, v, n, n_unit, unit, method),
            lambda m: 0.0 if v > m else 1.0,
            lambda m: 0.0 if v < m else 1.0,
        )

    @classmethod
    def normal(
        cls,
        value: float | None,
        se: float | None,
        *,
        n: int,
        n_unit: str,
        unit: str,
        method: str,
        df: float = INFINITY,
        space: tuple[float, float] = (-INFINITY, INFINITY),
    ) -> Gap:
        """Give the gap whose estimator is normal (or Student's with `df`) around the truth with `se`.

        `space` holds the values that the gap can have; the interval is cut there.
        """
        v, s = _finite(value), _finite(se)
        if v is None or s is None or s <= 0 or not df > 0:
            return cls.none(
                n=n, n_unit=n_unit, unit=unit, method=say("{method}; no interval", method=method), value=v
            )
        q = quantile(df)
        return cls.of_statistic(
            v,
            v - q * s,
            v + q * s,
            lambda m: (v - m) / s,
            df=df,
            space=space,
            n=n,
            n_unit=n_unit,
            unit=unit,
            method=method,
        )

    @classmethod
    def of_statistic(
        cls,
        value: float,
        low: float,
        high: float,
        z: Callable[[float], float],
        *,
        n: int,
        n_unit: str,
        unit: str,
        method: str,
        df: float = INFINITY,
        space: tuple[float, float] = (-INFINITY, INFINITY),
    ) -> Gap:
        """Give the gap of a statistic ``z(m)`` that falls as `m` grows and is standard normal where the gap is `m`.

        `low` and `high` must be where the statistic crosses the two quantiles.
        """
        least, most = space

        def above(m: float) -> float:
            if m < least:
                return 0.0
            return 1.0 if m > most else tail(z(m), df)

        def below(m: float) -> float:
            if m > most:
                return 0.0
            return 1.0 if m < least else tail(-z(m), df)

        estimate = Estimate(value, max(low, least), min(high, most), n, n_unit, unit, method)
        return cls(estimate, above, below)

    @classmethod
    def of_limits(
        cls,
        value: float,
        limits: Callable[[float], tuple[float, float]],
        *,
        n: int,
        n_unit: str,
        unit: str,
        method: str,
        space: tuple[float, float] = (-INFINITY, INFINITY),
    ) -> Gap:
        """Give the gap whose limits at any quantile `z` are known: the tests find the `z` whose limit is the margin."""

        def z(m: float) -> float:
            if m == value:
                return 0.0
            side = 0 if m < value else 1
            sign = 1.0 if m < value else -1.0

            def passed(at: float) -> bool:
                return (limits(at)[side] - m) * sign <= 0

            far = 1.0
            while not passed(far):
                far *= 2
                if far > 64:  # the tail beyond is 0 in double precision
                    return sign * INFINITY
            near = 0.0
            for _ in range(80):
                middle = 0.5 * (near + far)
                near, far = (near, middle) if passed(middle) else (middle, far)
            return sign * 0.5 * (near + far)

        low, high = limits(Z95)
        return cls.of_statistic(
            value, low, high, z, space=space, n=n, n_unit=n_unit, unit=unit, method=method
        )

    def complement(self, *, one: float = 1.0, method: str | None = None) -> Gap:
        """Give the gap of `one` minus this one (share late from share in time, disagreement from agreement)."""
        e = self.estimate
        above, below = self.above, self.below
        return Gap(
            replace(
                e,
                value=None if e.value is None else one - e.value,
                low=None if e.high is None else one - e.high,
                high=None if e.low is None else one - e.low,
                method=method or e.method,
            ),
            lambda m: below(one - m),
            lambda m: above(one - m),
        )

    def shifted(self, by: float, *, space: tuple[float, float] = (-INFINITY, INFINITY)) -> Gap:
        """Give this gap minus a constant (a share minus what chance alone would give), its interval cut at `space`.

        Examples
        --------
        >>> gap = Gap.normal(0.3, 0.05, n=80, n_unit="deals", unit="share", method="normal").shifted(0.1)
        >>> round(gap.estimate.value, 3), round(gap.estimate.low, 3), round(gap.above(0.1), 4)
        (0.2, 0.102, 0.0228)
        """
        e, above, below = self.estimate, self.above, self.below
        least, most = space

        def moved(x: float | None) -> float | None:
            return None if x is None else min(max(x - by, least), most)

        return Gap(
            replace(e, value=None if e.value is None else e.value - by, low=moved(e.low), high=moved(e.high)),
            lambda m: above(m + by),
            lambda m: below(m + by),
        )

    def widened(self, other: Gap) -> Gap:
        """Give the gap that says no more than either of two about one value: the outer limits, the larger p values.

        Examples
        --------
        >>> sure = Gap.normal(0.3, 0.05, n=80, n_unit="leads", unit="share", method="rows")
        >>> wide = Gap.normal(0.3, 0.2, n=80, n_unit="leads", unit="share", method="people")
        >>> both = sure.widened(wide)
        >>> both.estimate == wide.estimate, both.above(0.2) == wide.above(0.2)
        (True, True)
        """
        e, o = self.estimate, other.estimate
        if e.low is None or e.high is None or o.low is None or o.high is None:
            raise ValueError("a gap without interval cannot be widened")
        low, high = min(e.low, o.low), max(e.high, o.high)
        method = e.method if (low, high) == (e.low, e.high) else o.method
        return Gap(
            replace(e, low=low, high=high, method=method),
            lambda m: max(self.above(m), other.above(m)),
            lambda m: max(self.below(m), other.below(m)),
        )

    def p_value(self, margin: float, direction: Literal["greater", "both"] = "greater") -> float:
        """Give the p value of "the gap is at most the margin", or of "its size is" with direction `both`."""
        p = self.above(margin)
        return p if direction == "greater" else min(1.0, 2 * min(p, self.below(-margin)))


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def needs_more(
    estimate: Estimate,
    margin: float,
    direction: Literal["greater", "both"] = "greater",
    *,
    affordable: float = 100.0,
) -> int | None:
    """Say how many more rows would settle on which side of the margin the gap lies.

    Estimand: rows beyond today's `n` at which the interval, its halves shrinking with the square root of n
    and the value staying where it is, no longer holds the margin.

    Parameters
    ----------
    estimate
        The gap; its `n` is what has to grow.
    margin, direction
        As in the finding.
    affordable
        The largest total, as a multiple of today's n, that is still worth naming.

    Returns
    -------
    int or None
        0 where it is settled; None where there is no interval, or where the value sits so near to the
        margin that no affordable number of rows would do.

    Examples
    --------
    >>> needs_more(Estimate(0.3, 0.1, 0.5, 50, "leads", "share", ""), 0.2)
    150
    >>> needs_more(Estimate(0.2, 0.1, 0.3, 50, "leads", "share", ""), 0.2) is None
    True
    """
    v, low, high = estimate.value, estimate.low, estimate.high
    if v is None or low is None or high is None or estimate.n <= 0:
        return None
    down, up = max(v - low, 0.0), max(high - v, 0.0)
    if direction == "greater":
        sides = [(down, v - margin)] if v > margin else [(up, margin - v)]
    elif v > margin:
        sides = [(down, v - margin)]
    elif v < -margin:
        sides = [(up, -margin - v)]
    else:
        sides = [(up, margin - v), (down, v + margin)]
    factor = 1.0
    for half, room in sides:
        if half < room or half == 0:
            continue
        if room <= 0 or half / room > math.sqrt(affordable):
            return None
        factor = max(factor, (half / room) ** 2)
    if factor > affordable:
        return None
    settled = all(half < room or (half == 0 and room >= 0) for half, room in sides)
    return 0 if settled else max(1, math.ceil(estimate.n * (factor - 1) - 1e-9))
