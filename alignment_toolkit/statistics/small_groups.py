"""Means of small groups of people of whom most have answered: the few who have not are all that is unknown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alignment_toolkit.languages import say
from alignment_toolkit.statistics.inference import INFINITY, Gap

__all__ = ["Group", "difference_of_groups", "mean_of_groups"]


@dataclass(frozen=True)
class Group:
    """The people of one department who answered.

    Attributes
    ----------
    values
        One number per person, such as the mean of the answers.
    headcount
        How many people the department has; None where that is not known, then it is taken as endless.
    reliability
        The share of the spread between people that a repetition would find again (Cronbach's alpha). Even where
        everybody has answered, the rest is chance.
    """

    values: NDArray[np.float64]
    headcount: int | None = None
    reliability: float = 1.0

    @property
    def answered(self) -> float:
        """Give the share of the department that answered; 0 where the headcount is not known or cannot be right."""
        n = len(self.values)
        return n / self.headcount if self.headcount is not None and self.headcount >= n > 0 else 0.0

    @property
    def variance(self) -> float:
        """Give the variance of the mean, NaN below two people.

        Two stages (Cochran 1977, section 10.3): who answered among those who could have, and what one person happens
        to answer: ``s² / n x (1 - answered share x reliability)``.
        """
        n = len(self.values)
        if n < 2:
            return math.nan
        kept = min(max(self.reliability, 0.0), 1.0) if math.isfinite(self.reliability) else 0.0
        return float(self.values.var(ddof=1)) / n * max(1.0 - self.answered * kept, 0.0)


def difference_of_groups(
    first: Group, second: Group, *, n_unit: str, unit: str, space: tuple[float, float] = (-INFINITY, INFINITY)
) -> Gap:
    """Give the difference of two groups' means, the first minus the second.

    Estimand: the difference of the means over all people of either department, those who did not answer too, and over
    what a person might have answered on another day. Interval: Welch's (1947, Biometrika 34), with the variances of
    `Group`. It assumes that those who did not answer do not differ from those who did.

    Examples
    --------
    >>> a, b = Group(np.array([4.0, 5.0, 3.0])), Group(np.array([2.0, 3.0, 1.0]))
    >>> e = difference_of_groups(a, b, n_unit="people", unit="points").estimate
    >>> e.value, round(e.low, 2), e.n
    (2.0, -0.27, 6)
    """
    return _contrast([(1.0, first), (-1.0, second)], 0.0, n_unit=n_unit, unit=unit, space=space)


def mean_of_groups(
    groups: Sequence[Group],
    *,
    n_unit: str,
    unit: str,
    minus_from: float | None = None,
    space: tuple[float, float] = (-INFINITY, INFINITY),
) -> Gap:
    """Give the mean over all people of several groups, every person weighing alike, or a number minus this mean.

    Estimand, interval: as `difference_of_groups`, conditional on how many of each group answered.

    Examples
    --------
    >>> groups = [Group(np.array([60.0, 70.0])), Group(np.array([50.0, 40.0, 60.0]))]
    >>> mean_of_groups(groups, n_unit="people", unit="points", minus_from=65).estimate.value
    9.0
    """
    there = [g for g in groups if len(g.values)]
    n = sum(len(g.values) for g in there)
    if any(len(g.values) < 2 for g in there) and n > 1:  # too few to know their own spread: one group then
        known = [g.headcount for g in there]
        whole = None if any(h is None for h in known) else sum(h for h in known if h is not None)
        there = [Group(np.concatenate([g.values for g in there]), whole, min(g.reliability for g in there))]
    sign = 1.0 if minus_from is None else -1.0
    parts = [(sign * len(g.values) / n, g) for g in there]
    return _contrast(parts, minus_from or 0.0, n_unit=n_unit, unit=unit, space=space)


def _contrast(
    parts: Sequence[tuple[float, Group]],
    start: float,
    *,
    n_unit: str,
    unit: str,
    space: tuple[float, float],
) -> Gap:
    n = sum(len(g.values) for _, g in parts)
    words = say("Student's, Welch") if len(parts) > 1 else say("Student's")
    shares = [g.answered for _, g in parts]
    if any(shares):
        words += say(
            "; corrected for {shares} of the people having answered",
            shares=say(" and ").join(f"{100 * s:.0f} %" for s in shares),
        )
    if not parts or any(len(g.values) == 0 for _, g in parts):
        return Gap.none(n=n, n_unit=n_unit, unit=unit, method=say("{words}; nobody answered", words=words))
    value = start + sum(c * float(g.values.mean()) for c, g in parts)
    variances = [c * c * g.variance for c, g in parts]
    total = sum(variances)
    if total == 0 and all(g.answered == 1 and g.reliability >= 1 for _, g in parts):
        return Gap.exact(value, n=n, n_unit=n_unit, unit=unit, method="everybody was asked and answered")
    if not total > 0:
        return Gap.none(
            n=n,
            n_unit=n_unit,
            unit=unit,
            method=say("{words}; no spread, no interval", words=words),
            value=value,
        )
    squares = sum(v * v / (len(g.values) - 1) for v, (_, g) in zip(variances, parts, strict=True))
    return Gap.normal(
        value,
        math.sqrt(total),
        df=total * total / squares,
        space=space,
        n=n,
        n_unit=n_unit,
        unit=unit,
        method=words,
    )
