"""Waiting times of which some are still running: Kaplan-Meier shares and medians."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics.inference import Z95, Gap
from alignment_toolkit.statistics.shares import score_gap

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["kaplan_meier", "median", "share_by"]

Numbers = Sequence[float] | NDArray[Any]


def _clean(durations: Numbers, events: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    t = np.asarray(durations, dtype=float)
    e = np.asarray(events, dtype=float)
    keep = np.isfinite(t) & np.isfinite(e)
    return t[keep], e[keep] > 0


class _Curve:
    """The estimator at its event times; an event at the same time as a censoring comes first."""

    def __init__(self, durations: Numbers, events: Any) -> None:
        t, e = _clean(durations, events)
        self.n = int(t.size)
        self.last = float(t.max()) if t.size else 0.0
        self.sorted = np.sort(t)
        self.time, self.events = np.unique(t[e], return_counts=True)
        self.at_risk = self.n - np.searchsorted(self.sorted, self.time, side="left")
        left = self.at_risk - self.events
        self.survival = np.cumprod(left / self.at_risk)
        # The number at risk over the survival just before: what an uncensored sample of that precision would hold.
        before = np.concatenate([[1.0], self.survival[:-1]])
        self.complete = self.at_risk / np.where(before > 0, before, 1.0)
        with np.errstate(divide="ignore"):
            self.greenwood = np.cumsum(self.events / (self.at_risk * left))

    def effective(self, survival: float, greenwood: float, index: int, at: float) -> float:
        """Give the n of which an uncensored sample has the same (Greenwood) variance."""
        if index < 0:  # no event yet: those still under observation
            return float(self.n - np.searchsorted(self.sorted, at, side="left"))
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


def share_by(durations: Numbers, events: Any, at: float, *, n_unit: str = "rows", unit: str = "share") -> Gap:
    """Give the share whose event comes by `at`, that moment included, some rows being censored before.

    Estimand: the probability of the process that the waiting time is at most `at`. Estimator: 1 -
    Kaplan-Meier. Interval: Wilson's on the number of rows of an uncensored sample with Greenwood's variance
    (Cutler and Ederer 1958); where there was no event, on the rows still observed at `at`; where the curve
    is at 0, on the rows at risk at its last step, divided by the survival before it.

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
    c = _Curve(durations, events)
    words = "Kaplan-Meier, Wilson on Greenwood's effective number"
    if c.n == 0:
        return Gap.none(n_unit=n_unit, unit=unit, method=f"{words}; no rows")
    index = int(np.searchsorted(c.time, at, side="right")) - 1
    survival = float(c.survival[index]) if index >= 0 else 1.0
    if c.last < at and survival > 0:
        return Gap.none(
            n=c.n, n_unit=n_unit, unit=unit, method=f"{words}; no row was observed for {at:g} yet"
        )
    greenwood = float(c.greenwood[index]) if index >= 0 else 0.0
    effective = min(c.effective(survival, greenwood, index, at), float(c.n))
    return score_gap(1 - survival, effective, n=c.n, n_unit=n_unit, unit=unit, method=words)


def median(durations: Numbers, events: Any, *, n_unit: str = "rows", unit: str = "hours") -> Estimate:
    """Give the median waiting time.

    Estimand: the time by which half of the process have had the event. Estimator: the first time at which
    the Kaplan-Meier curve is at or below one half. Interval: the times at which one half is not rejected
    (Brookmeyer and Crowley 1982, Biometrics 38), by the same score test as `share_by`; the upper end is the
    last time seen where the curve can't tell.

    Returns
    -------
    Estimate
        Without value where the curve does not come down to one half.

    Examples
    --------
    >>> median([1, 2, 3, 4, 5], [1, 1, 1, 1, 1]).value
    3.0
    """
    c = _Curve(durations, events)
    words = "Kaplan-Meier median, inverted score test"
    if c.n == 0:
        return Estimate.none(n_unit=n_unit, unit=unit, method=f"{words}; no rows")
    reached = np.flatnonzero(c.survival <= 0.5 + 1e-12)
    if reached.size == 0:
        return Estimate.none(n=c.n, n_unit=n_unit, unit=unit, method=f"{words}; half is not reached")
    low: float | None = None
    high: float | None = None
    for i, time in enumerate(c.time):
        s = float(c.survival[i])
        effective = min(c.effective(s, float(c.greenwood[i]), i, float(time)), float(c.n))
        z = (s - 0.5) * 2 * math.sqrt(effective)
        if low is None and z <= Z95:
            low = float(time)
        if z < -Z95:
            high = float(time)
            break
    value = float(c.time[reached[0]])
    if high is None:
        high, words = max(c.last, value), f"{words}; upper end open, cut at the last time seen"
    return Estimate(value, low, high, c.n, n_unit, unit, words)
