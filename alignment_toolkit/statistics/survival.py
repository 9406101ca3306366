"""Waiting times of which some are still running: Kaplan-Meier shares and medians."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alignment_toolkit.languages import say
from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics.inference import INFINITY, Gap, quantile
from alignment_toolkit.statistics.shares import rows_where_all_agree, score_gap

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["kaplan_meier", "median", "share_by"]

# All of five rows lie on one side of the median in 6 % of all samples: no test at 5 % can exclude anything.
FEWEST = 6

Numbers = Sequence[float] | NDArray[Any]


@dataclass(frozen=True)
class _Rows:
    """Waits that were seen, alike ones together; `cluster` numbers what belongs together, None where nothing does."""

    time: NDArray[np.float64]
    event: NDArray[np.bool_]
    count: NDArray[np.int64]
    cluster: NDArray[np.int64] | None

    @classmethod
    def of(cls, durations: Numbers, events: Any, counts: Any, clusters: Any) -> _Rows:
        t = np.asarray(durations, dtype=float)
        e = np.asarray(events, dtype=float)
        w = np.ones(t.size, dtype=np.int64) if counts is None else np.asarray(counts, dtype=np.int64)
        keep = np.isfinite(t) & np.isfinite(e) & (w > 0)
        if clusters is None:
            return cls(t[keep], e[keep] > 0, w[keep], None)
        _, c = np.unique(np.asarray(clusters)[keep], return_inverse=True)
        repeats = bool(c.size) and np.bincount(c, weights=w[keep]).max() > 1
        return cls(t[keep], e[keep] > 0, w[keep], c.astype(np.int64) if repeats else None)


class _Curve:
    """The estimator at its event times; an event at the same time as a censoring comes first."""

    def __init__(self, durations: Numbers, events: Any, counts: Any = None, clusters: Any = None) -> None:
        r = self.rows = _Rows.of(durations, events, counts, clusters)
        self.n = int(r.count.sum())
        self.last = float(r.time.max()) if r.time.size else 0.0
        seen, place = np.unique(r.time, return_inverse=True)
        here = np.bincount(place, weights=r.count, minlength=seen.size).astype(np.int64)
        over = np.bincount(place, weights=r.count * r.event, minlength=seen.size).astype(np.int64)
        self._seen, self._still = seen, np.append(np.cumsum(here[::-1])[::-1], 0)
        self.time, self.events, self.at_risk = seen[over > 0], over[over > 0], self._still[:-1][over > 0]
        left = self.at_risk - self.events
        self.survival = np.cumprod(left / self.at_risk)
        # The number at risk over the survival just before: what an uncensored sample of that precision would hold.
        before = np.concatenate([[1.0], self.survival[:-1]])
        self.complete = self.at_risk / np.where(before > 0, before, 1.0)
        with np.errstate(divide="ignore"):
            self.greenwood = np.cumsum(self.events / (self.at_risk * left))

    def observed(self, at: float) -> int:
        """Give how many rows were observed up to a time."""
        return int(self._still[np.searchsorted(self._seen, at, side="left")])

    def design(self, index: int) -> tuple[float, float]:
        """Give the design effect of the clusters at an event time, and the degrees of freedom of its estimate.

        The ratio of the variance with clusters to that without, both from the rows' influence on the curve (Ying and
        Wei 1994, Journal of Multivariate Analysis 50); where nothing varies, that of `rows_where_all_agree`.
        """
        r = self.rows
        if r.cluster is None:
            return 1.0, INFINITY
        size = np.bincount(r.cluster, weights=r.count)
        kish = self.n**2 / float((size**2).sum())
        if size.size < 2:
            return INFINITY, 1.0
        agreed = self.n / rows_where_all_agree(self.n, kish), INFINITY
        if index < 0 or self.survival[index] <= 0:
            return agreed
        upto = np.searchsorted(self.time, np.minimum(r.time, self.time[index]), side="right")
        hazard = np.concatenate([[0.0], np.cumsum(self.events / self.at_risk**2)])
        own = np.where(r.event & (r.time <= self.time[index]), 1 / self.at_risk[np.maximum(upto - 1, 0)], 0.0)
        pull = own - hazard[upto]
        alone = math.fsum((r.count * pull**2).tolist())
        together = math.fsum((np.bincount(r.cluster, weights=r.count * pull) ** 2).tolist())
        if alone <= 0:
            return agreed
        return max(together / alone * size.size / (size.size - 1), 1.0), max(kish - 1, 1.0)

    def effective(self, survival: float, greenwood: float, index: int, at: float) -> float:
        """Give the n of which an uncensored sample has the same (Greenwood) variance."""
        if index < 0:  # no event yet: those still under observation
            return float(self.observed(at))
        if survival <= 0:
            return float(self.complete[index])
        return (1 - survival) / (survival * greenwood)


def kaplan_meier(durations: Numbers, events: Any) -> pd.DataFrame:
    """Give the Kaplan-Meier curve.

    Estimand: at each time, the probability that the event has not come by then, censoring being independent
    of it. Kaplan and Meier (1958, JASA 53) with Greenwood's standard error.

    Returns
    -------
    pandas.DataFrame
        One row per event time: `time`, `at_risk`, `events`, `survival`, `se`; empty where there is no
        event.

    Examples
    --------
    >>> kaplan_meier([1, 2, 2, 3], [1, 1, 0, 0]).survival.tolist()
    [0.75, 0.5]
    """
    import pandas as pd

    c = _Curve(durations, events)
    with np.errstate(invalid="ignore"):
        se = np.where(c.survival > 0, c.survival * np.sqrt(c.greenwood), 0.0)
    return pd.DataFrame(
        {"time": c.time, "at_risk": c.at_risk, "events": c.events, "survival": c.survival, "se": se}
    )


def share_by(
    durations: Numbers,
    events: Any,
    at: float,
    *,
    counts: Any = None,
    clusters: Any = None,
    n_unit: str = "rows",
    unit: str = "share",
) -> Gap:
    """Give the share whose event comes by `at`, that moment included, some rows being censored before.

    Estimand: the probability of the process that the waiting time is at most `at`. Estimator: 1 -
    Kaplan-Meier. Interval: Wilson's on the number of rows of an uncensored sample with Greenwood's variance
    (Cutler and Ederer 1958); where there was no event, on the rows still observed at `at`; where the curve
    is at 0, on the rows at risk at its last step, divided by the survival before it. Where rows belong together,
    that number is divided by the design effect (at least 1), with Student's quantile.

    Parameters
    ----------
    durations, events
        How long each row was seen, and whether the event came then.
    at
        The time.
    counts
        How many rows each entry stands for.
    clusters
        What each row belongs to (an account), as whole numbers.

    Returns
    -------
    Gap
        Without value where no row was observed as long as `at` and some were censored before: the data
        can't say.

    Examples
    --------
    >>> e = share_by([1, 2, 2, 3], [1, 1, 0, 0], at=2).estimate
    >>> e.value, e.n
    (0.5, 4)
    """
    c = _Curve(durations, events, counts, clusters)
    words = say("Kaplan-Meier, Wilson on Greenwood's effective number")
    if c.n == 0:
        return Gap.none(n_unit=n_unit, unit=unit, method=say("{words}; no rows", words=words))
    index = int(np.searchsorted(c.time, at, side="right")) - 1
    survival = float(c.survival[index]) if index >= 0 else 1.0
    if c.last < at and survival > 0:
        return Gap.none(
            n=c.n,
            n_unit=n_unit,
            unit=unit,
            method=say("{words}; no row was observed for {at:g} yet", words=words, at=at),
        )
    greenwood = float(c.greenwood[index]) if index >= 0 else 0.0
    design, df = c.design(index)
    effective = min(c.effective(survival, greenwood, index, at), float(c.n)) / design
    if c.rows.cluster is not None:
        words = say("{words}, clustered", words=words)
    return score_gap(1 - survival, effective, df=df, n=c.n, n_unit=n_unit, unit=unit, method=words)


def median(
    durations: Numbers,
    events: Any,
    *,
    counts: Any = None,
    clusters: Any = None,
    n_unit: str = "rows",
    unit: str = "hours",
) -> Estimate:
    """Give the median waiting time.

    Estimand: the time by which half of the process have had the event. Estimator: the first time at which
    the Kaplan-Meier curve is at or below one half. Interval: the times at which one half is not rejected
    (Brookmeyer and Crowley 1982, Biometrics 38), by the same score test as `share_by`, with the design effect of
    the clusters at the median; the upper end is the last time seen where the curve can't tell.

    Returns
    -------
    Estimate
        Without value where the curve does not come down to one half.

    Examples
    --------
    >>> median([1, 2, 3, 4, 5], [1, 1, 1, 1, 1]).value
    3.0
    """
    c = _Curve(durations, events, counts, clusters)
    words = say("Kaplan-Meier median, inverted score test")
    if c.n == 0:
        return Estimate.none(n_unit=n_unit, unit=unit, method=say("{words}; no rows", words=words))
    reached = np.flatnonzero(c.survival <= 0.5 + 1e-12)
    if reached.size == 0:
        return Estimate.none(
            n=c.n, n_unit=n_unit, unit=unit, method=say("{words}; half is not reached", words=words)
        )
    low: float | None = None
    high: float | None = None
    value = float(c.time[reached[0]])
    # At the last step nothing varies any more; the step before tells how the clusters vary.
    inside = int(reached[0]) - int(c.survival[reached[0]] <= 0)
    design, df = c.design(inside)
    if c.rows.cluster is not None:
        words = say("{words}, clustered", words=words)
    if c.n / design < FEWEST:
        return Estimate(
            value, None, None, c.n, n_unit, unit, say("{words}; no interval: too few rows", words=words)
        )
    limit = quantile(df)
    for i, time in enumerate(c.time):
        s = float(c.survival[i])
        effective = min(c.effective(s, float(c.greenwood[i]), i, float(time)), float(c.n)) / design
        z = (s - 0.5) * 2 * math.sqrt(effective)
        if low is None and z <= limit:
            low = float(time)
        if z < -limit:
            high = float(time)
            break
    if high is None:
        high, words = (
            max(c.last, value),
            say("{words}; upper end open, cut at the last time seen", words=words),
        )
    return Estimate(value, low, high, c.n, n_unit, unit, words)
