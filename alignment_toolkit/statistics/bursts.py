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
    by_day: ArrayLike,
    *,
    total: float | None = None,
    within: ArrayLike | None = None,
    n_unit: str = "rows",
    unit: str = "count",
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
    within
        The number of each day of a longer stretch that holds these days: a quarter around its month. How far its days
        swing, for each event, is then taken for the spread of the shorter one too, which alone tells it badly.

    Notes
    -----
    Under four weeks, or with fewer than ten events, nothing can be told of bursts: exact Poisson, and the method
    says so. Where nearly all came on a few days there is no interval. A stretch of few days is spread less than its
    share of a longer one where good days follow good days: the interval is then rather too wide.

    Examples
    --------
    >>> calm = event_count([3, 2, 4, 3, 3, 1, 2] * 13)
    >>> calm.value, round(calm.low), round(calm.high), calm.method
    (234, 205, 266, 'exact Poisson (Garwood), days swing no more than by chance')
    >>> fairs = [24 if day in (9, 10, 11, 50, 51, 58) else 1 for day in range(91)]
    >>> bursts = event_count(fairs)
    >>> bursts.value, round(bursts.low), round(bursts.high)
    (229, 93, 565)
    >>> month = event_count(fairs[:30], within=fairs)
    >>> month.value, round(month.low), round(month.high), month.method
    (99, 25, 391, "swings between days and weeks of the 91 days around it, 8 cosines, Student's, logarithm")
    """
    y: NDArray[np.float64] = np.asarray(by_day, dtype=float)
    around: NDArray[np.float64] = y if within is None else np.asarray(within, dtype=float)
    number: Any = total if total is not None else float(y.sum())
    number = int(number) if float(number).is_integer() else number
    exact = poisson_count(number, n_unit=n_unit, unit=unit)
    if exact.value is None:
        return exact

    def plain(why: str) -> Estimate:
        return Estimate(exact.value, exact.low, exact.high, exact.n, n_unit, unit, f"{exact.method}, {why}")

    if len(around) < FEWEST_DAYS:
        few = say_count(
            len(around), "{n} day is too few to tell bursts", "{n} days are too few to tell bursts"
        )
        return plain(few)
    events = float(number) if within is None else float(around.sum())
    if events < FEWEST_EVENTS:
        return plain(say("too few to tell bursts"))
    if events**2 / float((around * around).sum()) < FEWEST_ALIKE:
        few = say("no interval: nearly all of them on a few days")
        return Estimate(exact.value, None, None, exact.n, n_unit, unit, few)
    waves = _waves(len(around))
    per_event = len(around) * float(np.mean((waves * around).sum(axis=1) ** 2)) / events
    if per_event <= 1 or exact.low is None or exact.high is None:
        return plain(say("days swing no more than by chance"))
    if number > 0:
        factor = math.exp(min(quantile(len(waves) - 1) * math.sqrt(per_event / number), 700.0))
        low, high = min(number / factor, exact.low), max(number * factor, exact.high)
    else:
        low, high = 0.0, exact.high * per_event
    told = {"waves": len(waves), "days": len(around)}
    words = (
        say("swings between days and weeks, {waves} cosines of {days} days, Student's, logarithm", **told)
        if within is None
        else say(
            "swings between days and weeks of the {days} days around it, {waves} cosines, Student's, logarithm",
            **told,
        )
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
