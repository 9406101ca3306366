"""A target against a number: how sure the level behind it is, and where a period that still runs may end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Literal

from alignment_toolkit.languages import say, say_count
from alignment_toolkit.statistics.inference import Z95, quantile

__all__ = ["Projection", "level_beyond", "project_ratio", "project_share", "project_total"]

Better = Literal["higher", "lower"]
WEEKS: Final = 4  # fewer whole weeks say nothing of the spread between weeks
BUSY: Final = 20  # days with money on them: fewer tell too little of how large the large ones get


def _distance(value: float, low: float, high: float, target: float, unit: str) -> float | None:
    """Give how many standard errors the value lies above the target, on the scale of its interval.

    At either end of a 95 % interval it is -1.96 and 1.96, so that it says what the interval says.
    """
    end = low if target < value else high
    if target == value:
        return 0.0
    if end == value:
        return None
    if unit == "share" and 0 <= value <= 1 and 0 < end < 1 and 0 <= target <= 1:
        # Wilson's score test with the effective number of rows that the end implies.
        rows = Z95**2 * end * (1 - end) / (end - value) ** 2
        null = target * (1 - target) / rows
        return (value - target) / math.sqrt(null) if null > 0 else math.copysign(math.inf, value - target)
    if unit == "count" and min(value, end, target) >= 0:
        return Z95 * (math.sqrt(value) - math.sqrt(target)) / abs(math.sqrt(value) - math.sqrt(end))
    if min(value, end, target) > 0:
        return Z95 * math.log(value / target) / abs(math.log(value / end))
    return Z95 * (value - target) / abs(value - end)


def level_beyond(
    value: float | None,
    low: float | None,
    high: float | None,
    target: float,
    *,
    unit: str,
    better: Better = "higher",
) -> float | None:
    """Give how sure it is that the level behind a number is at or beyond a target.

    Estimand: the level of the process that made the number, not the number itself. The answer is the confidence that
    the 95 % interval gives when it is read at the target (a confidence distribution; Xie and Singh 2013, International
    Statistical Review 81): 0.975 where the target is the interval's near end, 0.5 where it is the value. None where
    there is no interval, or one without width: a booked sum has no level behind it.

    Examples
    --------
    >>> round(level_beyond(0.3, 0.22, 0.39, 0.22, unit="share"), 3)
    0.975
    >>> level_beyond(400, 400, 400, 300, unit="money") is None
    True
    """
    if value is None or low is None or high is None or low == high:
        return None
    z = _distance(value, low, high, target, unit)
    if z is None:
        return None
    from scipy.special import ndtr

    sure = float(ndtr(z))
    return sure if better == "higher" else 1.0 - sure


@dataclass(frozen=True)
class Projection:
    """Where a number will stand at the end, as a distribution of its possible ends.

    Attributes
    ----------
    value, low, high
        What is expected, and the 95 % prediction interval of the final number.
    method
        What it assumes.
    """

    value: float
    low: float
    high: float
    method: str
    _law: Any
    _done: float = 0.0
    _sd: float = 0.0

    def chance(self, target: float, better: Better = "higher") -> float:
        """Give the probability that the final number is at or beyond the target."""
        rest = target - self._done
        if better == "lower":
            return float(self._law.cdf(rest))
        # `sf` gives strictly more; a target that is reached exactly counts.
        return float(self._law.sf(rest - 1e-9 * max(1.0, abs(rest))))


def project_total(
    daily: Mapping[date, float], *, done: float, last: date, end: date, whole: bool
) -> Projection | str:
    """Project a sum over days to the end of its period; a text says why that can't be done.

    Estimand: the final sum, a number that is still to come; the interval is one of prediction. The days to come have
    the means of their weekdays, and spread in proportion to their mean, as counts and sums of sales do. The factor
    of the spread (1 for a Poisson process) is the larger of the one between days and the one between weeks, so that
    runs of good and bad weeks count. Assumes that the pace stays as it was on the days given.

    Parameters
    ----------
    daily
        The sum of each day that the pace is taken from, every day named, 0 included.
    done
        The period's sum up to `last`.
    last, end
        The last day that is known, and the first day after the period.
    whole
        The sum counts things, so that its end is a whole number and can only grow.
    """
    weeks = len(daily) // 7
    if weeks < WEEKS:
        return say_count(
            len(daily),
            "{n} day is too little to project from, at least {weeks} are needed",
            "{n} days are too few to project from, at least {weeks} are needed",
            weeks=7 * WEEKS,
        )
    days = sorted(daily)
    by_weekday = [[daily[d] for d in days if d.weekday() == w] for w in range(7)]
    means = [math.fsum(v) / len(v) for v in by_weekday]
    left = [0] * 7
    day = last + timedelta(days=1)
    while day < end:
        left[day.weekday()] += 1
        day += timedelta(days=1)
    if min(means) < 0 or not any(m > 0 for m in means):
        return say("the days so far sum up to nothing, or less, on some weekday")
    mean = math.fsum(r * m for r, m in zip(left, means, strict=True))
    busy = sum(v != 0 for v in daily.values())
    if not whole and busy < BUSY:
        return say_count(
            busy,
            "only {n} day so far with anything to add up, at least {least} are needed",
            "only {n} days so far with anything to add up, at least {least} are needed",
            least=BUSY,
        )
    of_days, of_weeks = _between_days(by_weekday, means), _between_weeks(daily, days, weeks)
    seen = max(of_days, of_weeks)
    factor = max(seen, 1.0 if whole else 0.0)
    # The factor is itself an estimate, from few weeks: Student's quantile says by how much to widen. Weeks that swing
    # are skewed, and the variance of skewed ones is known as if from about half of them.
    free = weeks - 1 if of_days >= of_weeks else max(weeks // 2, WEEKS - 1)
    widened = (quantile(free) / Z95) ** 2 if seen >= factor else 1.0
    # The spread of what comes, and that of the means it is foretold with.
    variance = (
        widened
        * factor
        * math.fsum(m * (r + r * r / len(v)) for r, m, v in zip(left, means, by_weekday, strict=True))
    )
    words = say(
        "the pace of the {days} days up to {last} goes on, weekday by weekday; spread between days "
        "and weeks {factor:.3g} times that of {text}",
        days=len(days),
        last=last,
        factor=factor,
        text=say("independent events") if whole else say("sums of 1"),
    )
    from scipy import stats

    if mean <= 0 or variance <= 0:
        law: Any = stats.norm(loc=mean, scale=1e-12)
    elif whole and variance > mean * (1 + 1e-9):
        law = stats.nbinom(n=mean * mean / (variance - mean), p=mean / variance)
    elif whole:
        law = stats.poisson(mean)
    else:
        law = stats.gamma(a=mean * mean / variance, scale=variance / mean)
    low, high = (float(law.ppf(p)) for p in (0.025, 0.975))
    return Projection(done + mean, done + low, done + high, words, law, done, math.sqrt(max(variance, 0.0)))


def _between_days(by_weekday: list[list[float]], means: list[float]) -> float:
    squares = [(y - m) ** 2 / m for values, m in zip(by_weekday, means, strict=True) if m > 0 for y in values]
    free = len(squares) - sum(m > 0 for m in means)
    return math.fsum(squares) / free if free > 0 else 0.0


def _between_weeks(daily: Mapping[date, float], days: list[date], weeks: int) -> float:
    """Give the variance of whole weeks, counted back from the last day, over their mean."""
    last = days[-7 * weeks :]
    sums = [math.fsum(daily[d] for d in last[7 * i : 7 * i + 7]) for i in range(weeks)]
    mean = math.fsum(sums) / weeks
    return math.fsum((s - mean) ** 2 for s in sums) / (weeks - 1) / mean if mean > 0 else 0.0


def project_share(
    value: float, low: float, high: float, *, to_come: float, unit: str, what: str
) -> Projection:
    r"""Project a share, or a ratio of sums, of which a part of the rows is still to come.

    Estimand: the final share. The rows to come are taken to be made by the same process as those known. The final share
    then has its expectation at the known one, and the variance of the known one (that of its interval) times the part
    that is to come: the final one is :math:`(1 - f) \hat p + f \hat p_2`, with :math:`n` rows known,
    :math:`m = n f / (1 - f)` to come, and :math:`f^2 (1/n + 1/m) = f / n`.

    Parameters
    ----------
    value, low, high
        The share of the rows known, with its 95 % interval.
    to_come
        The part of all rows that is still to come, between 0 and 1.
    what
        What is taken as alike, for the words of the method.

    Examples
    --------
    >>> half = project_share(0.3, 0.2, 0.42, to_come=0.5, unit="share", what="deals")
    >>> round(half.low, 3), round(half.high, 3)
    (0.229, 0.385)
    """
    root = math.sqrt(to_come)
    ends = (value + (low - value) * root, value + (high - value) * root)
    law = _Sides(value, low, high, root)
    words = say(
        "{to_come:.0%} of {what} still to come, taken to be like those known", to_come=to_come, what=what
    ).replace("%", " %")
    return Projection(value, *ends, words, law)


@dataclass(frozen=True)
class _Sides:
    """A normal law with a spread of its own on either side, as an uneven interval has."""

    value: float
    low: float
    high: float
    root: float

    def cdf(self, x: float) -> float:
        end = self.low if x < self.value else self.high
        sd = abs(end - self.value) * self.root / Z95
        if sd == 0:
            return 1.0 if x >= self.value else 0.0
        from scipy.special import ndtr

        return float(ndtr((x - self.value) / sd))

    def sf(self, x: float) -> float:
        return 1.0 - self.cdf(x)


def project_ratio(top: Projection, bottom: Projection) -> Projection | str:
    """Project one sum divided by another, taken as independent, to first order on the scale of the logarithm."""
    if top.value <= 0 or bottom.value <= 0:
        return say("one of its two parts is expected to end at 0")
    sd = math.hypot(top._sd / top.value, bottom._sd / bottom.value)
    value = top.value / bottom.value
    from scipy import stats

    law: Any = stats.lognorm(s=sd, scale=value) if sd > 0 else stats.norm(loc=value, scale=1e-12)
    words = say(
        "both parts, taken as independent: {top}; {bottom}", top=say(top.method), bottom=say(bottom.method)
    )
    return Projection(value, value * math.exp(-Z95 * sd), value * math.exp(Z95 * sd), words, law)
