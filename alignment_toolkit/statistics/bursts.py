"""Counts of events that may come in bursts (a mailing, a fair): how far the swings between days and weeks reach."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignment_toolkit.languages import say, say_count
from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics.inference import quantile
from alignment_toolkit.statistics.shares import poisson_count

__all__ = ["FEWEST_DAYS", "FEWEST_EVENTS", "event_count"]

FEWEST_DAYS: Final = 28  # four whole weeks
FEWEST_EVENTS: Final = 10
FEWEST_ALIKE: Final = 5  # days of equal numbers that would vary as much
QUARTER: Final = 91


def event_count(
    by_day: ArrayLike, *, total: float | None = None, n_unit: str = "rows", unit: str = "count"
) -> Estimate:
    """Give a count of events from the numbers of each day.

    Estimand: the expected number of events of such a period of the process. Where the daily numbers swing no
    more than single events by chance: exact Poisson (Garwood). Where they swing more, days or weeks at a time: the
    wider of that and Student's interval, on the scale of the logarithm, with the long-run variance of the days as
    equally weighted cosines tell it (Lazarus, Lewis, Stock and Watson 2018, Journal of Business & Economic
    Statistics 36), ``0.4 days^(2/3)`` of them. The profile of the weekdays is taken out of the cosines, for which one
    degree of freedom is given up; those slower than a quarter, which are season and growth, are left out.

    Parameters
    ----------
    by_day
        The number of each day of the period in order, days without any as 0.
    total
        The count, where it is known more exactly than the sum of the days.

    Notes
    -----
    Under four weeks, or with fewer than ten events, nothing can be told of bursts: exact Poisson, and the method
    says so. Where nearly all came on a few days there is no interval.

    Examples
    --------
    >>> calm = event_count([3, 2, 4, 3, 3, 1, 2] * 13)
    >>> calm.value, round(calm.low), round(calm.high), calm.method
    (234, 205, 266, 'exact Poisson (Garwood), days swing no more than by chance')
    >>> fairs = [24 if day in (9, 10, 11, 50, 51, 58) else 1 for day in range(91)]
    >>> bursts = event_count(fairs)
    >>> bursts.value, round(bursts.low), round(bursts.high)
    (229, 93, 565)
    """
    y: NDArray[np.float64] = np.asarray(by_day, dtype=float)
    number: Any = total if total is not None else float(y.sum())
    number = int(number) if float(number).is_integer() else number
    exact = poisson_count(number, n_unit=n_unit, unit=unit)
    if exact.value is None:
        return exact

    def plain(why: str) -> Estimate:
        return Estimate(exact.value, exact.low, exact.high, exact.n, n_unit, unit, f"{exact.method}, {why}")

    if len(y) < FEWEST_DAYS:
        few = say_count(len(y), "{n} day is too few to tell bursts", "{n} days are too few to tell bursts")
        return plain(few)
    if number < FEWEST_EVENTS:
        return plain(say("too few to tell bursts"))
    alike = float(number) ** 2 / float((y * y).sum())
    if alike < FEWEST_ALIKE:
        few = say("no interval: nearly all of them on a few days")
        return Estimate(exact.value, None, None, exact.n, n_unit, unit, few)
    waves = _waves(len(y))
    variance = len(y) * float(np.mean((waves * y).sum(axis=1) ** 2))
    if variance <= number:
        return plain(say("days swing no more than by chance"))
    factor = math.exp(min(quantile(len(waves) - 1) * math.sqrt(variance) / number, 700.0))
    low, high = number / factor, number * factor
    if exact.low is not None and exact.high is not None:
        low, high = min(low, exact.low), max(high, exact.high)
    words = say(
        "swings between days and weeks, {waves} cosines of {days} days, Student's, logarithm",
        waves=len(waves),
        days=len(y),
    )
    return Estimate(exact.value, low, high, exact.n, n_unit, unit, words)


@lru_cache(maxsize=32)
def _waves(days: int) -> NDArray[np.float64]:
    """Give the cosines, one a row: of length 1, at right angles to the weekdays."""
    first = max(1, 2 * days // QUARTER)
    at = np.arange(days)
    waves = np.cos(np.pi * np.outer(np.arange(first, first + int(0.4 * days ** (2 / 3))), at + 0.5) / days)
    for weekday in range(7):
        own = waves[:, at % 7 == weekday]
        waves[:, at % 7 == weekday] = own - own.mean(axis=1, keepdims=True)
    made: NDArray[np.float64] = waves / np.sqrt((waves**2).sum(axis=1, keepdims=True))
    return made
