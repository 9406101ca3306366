"""How many convert in the end, where those who never will can't be told from those who have not yet: a cure model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alignment_toolkit.languages import say
from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics.inference import INFINITY, quantile
from alignment_toolkit.statistics.shares import wilson_limits
from alignment_toolkit.statistics.survival import _Curve

__all__ = ["LongRun", "long_run_share"]

FEWEST: Final = 20  # events
# The curve has come to rest where surely less than this part of what was seen came in the second half of the time.
LATE: Final = 0.25
SEEN: Final = 0.9  # of those who will convert, the part that must have been seen by the fitted curve
FAR: Final = 0.1  # of the share, how far a curve that fits may lie beside Kaplan-Meier's
DROP: Final = 3.841458820694124 / 2  # of the log-likelihood, at the ends of a 95 % interval

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LongRun:
    """The share that converts in the end, or the bounds that the data allows.

    Attributes
    ----------
    estimate
        Without value where the data can't tell.
    bounds
        Between what shares the truth lies where the curve has not come to rest: what was surely seen, and 1.
    reason
        Why there is no value.
    last
        The time of the last event that was seen.
    """

    estimate: Estimate
    bounds: tuple[float, float] | None = None
    reason: str | None = None
    last: float | None = None


@dataclass(frozen=True)
class _Grouped:
    """Events and censorings by whole units of time; an event of day d comes from d to before d + 1."""

    day: Floats
    events: Floats
    until: Floats
    censored: Floats

    @classmethod
    def of(cls, days: Any, became: Any, counts: Any) -> _Grouped:
        d = np.floor(np.asarray(days, dtype=float))
        e = np.asarray(became, dtype=float) > 0
        w = np.ones(d.size) if counts is None else np.asarray(counts, dtype=float)
        keep = np.isfinite(d) & (d >= 0) & (w > 0)
        d, e, w = d[keep], e[keep], w[keep]
        sides = []
        for mine in (e, ~e):
            at, place = np.unique(d[mine], return_inverse=True)
            sides += [at, np.bincount(place, weights=w[mine], minlength=at.size)]
        return cls(*sides)


def _came(family: str, t: Floats, shape: float, scale: float) -> Floats:
    """Give the share of those who convert that has done so by a time."""
    power = np.power(np.maximum(t, 0.0) / scale, shape)
    return -np.expm1(-power) if family == "Weibull" else power / (1 + power)


class _Fit:
    """One family of curves: its log-likelihood, and its best for a given share."""

    def __init__(self, family: str, rows: _Grouped) -> None:
        self.family, self.rows = family, rows
        self.unit = float(np.average(rows.day, weights=rows.events)) + 0.5

    def loss(self, share: float, shape: float, scale: float) -> float:
        r = self.rows
        came = _came(self.family, r.day + 1, shape, scale) - _came(self.family, r.day, shape, scale)
        left = 1 - share * _came(self.family, r.until + 1, shape, scale)
        with np.errstate(divide="ignore"):
            total = r.events @ np.log(share * np.maximum(came, 1e-300)) + r.censored @ np.log(
                np.maximum(left, 1e-300)
            )
        return -float(total)

    def best(self) -> tuple[float, float, float, float]:
        """Give loss, share, shape and scale of the likeliest process."""
        seen = self.rows.events.sum() / (self.rows.events.sum() + self.rows.censored.sum())
        start = math.log(max(seen, 1e-4) / max(1 - seen, 1e-4))

        def loss(x: Floats) -> float:
            return self.loss(_inverse_logit(x[0]), math.exp(x[1]), self.unit * math.exp(x[2]))

        x, least = _minimum(loss, np.array([start, 0.0, 0.0]), ((-12, 12), *_BOX), exact=True)
        return least, _inverse_logit(x[0]), math.exp(x[1]), self.unit * math.exp(x[2])

    def least(self, share: float, near: tuple[float, float]) -> float:
        """Give the least loss for a share."""

        def loss(x: Floats) -> float:
            return self.loss(share, math.exp(x[0]), self.unit * math.exp(x[1]))

        start = np.array([math.log(near[0]), math.log(near[1] / self.unit)])
        return _minimum(loss, start, _BOX)[1]


_BOX: Final = ((-2.5, 2.5), (-4.0, 7.0))


def _inverse_logit(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def _minimum(loss: Any, start: Floats, box: Any, *, exact: bool = False) -> tuple[Floats, float]:
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    low, high = np.array(box).T
    with threadpool_limits(
        1, user_api="blas"
    ):  # threads cost more than they bring to two or three parameters
        found = minimize(loss, np.clip(start, low, high), method="L-BFGS-B", bounds=box)
    if exact:
        found = minimize(
            loss, found.x, method="Nelder-Mead", bounds=box, options={"xatol": 1e-7, "fatol": 1e-9}
        )
    return found.x, float(found.fun)


def long_run_share(
    days: Any, became: Any, *, counts: Any = None, clusters: Any = None, n_unit: str = "rows"
) -> LongRun:
    """Give the share that converts in the end, if the data is old enough to tell.

    Estimand: the share of the process that ever has the event. Estimator: mixture cure model (Boag 1949, Journal of the
    Royal Statistical Society B 11; Farewell 1982, Biometrics 38) on whole days: a share converts, after a time that is
    Weibull or log-logistic, the rest never does; maximum likelihood, the likelier of the two families. Interval:
    profile likelihood over both families, each curve of either that the data does not reject; the drop is multiplied by
    the design effect where rows belong together.

    The number depends on a curve going on as it was seen to, so it is only given where the curve has come to rest
    (the idea of Maller and Zhou 1992, Biometrika 79): 20 events; the part of the events that came in the second half of
    the time seen is surely below a quarter (Wilson); the fitted curve has seen 90 % of those who convert; and it lies
    nowhere far from Kaplan-Meier's. Else there are bounds: what was surely seen (the lower limit of Kaplan-Meier's
    share at the end of that time), and 1.

    Parameters
    ----------
    days, became
        Whole days to the event, or seen without it; and whether it came.
    counts, clusters
        How many rows each entry stands for, and what it belongs to.

    Examples
    --------
    >>> days = [*range(40), *[400] * 160]
    >>> became = [1] * 40 + [0] * 160
    >>> found = long_run_share(days, became).estimate
    >>> round(found.value, 2), found.low < 0.2 < found.high
    (0.2, True)
    >>> young = long_run_share([*range(40), *[40] * 160], became)
    >>> young.estimate.value is None, [round(x, 2) for x in young.bounds]
    (True, [0.15, 1.0])
    """
    rows, curve = _Grouped.of(days, became, counts), _Curve(days, became, counts, clusters)
    words = say("mixture cure model")

    def none(reason: str, bounds: tuple[float, float] | None = None) -> LongRun:
        estimate = Estimate.none(n=curve.n, n_unit=n_unit, unit="share", method=words)
        return LongRun(estimate, bounds, reason, float(curve.time[-1]) if curve.time.size else None)

    events = int(rows.events.sum())
    if curve.n == 0:
        return none(say("no rows"))
    end = _reliable_end(curve)
    bounds = _bounds(curve, end)
    if events < FEWEST:
        return none(
            say("conversions seen: {events}, at least {fewest} are needed", events=events, fewest=FEWEST),
            bounds,
        )
    by_end, by_half = _share_at(curve, end), _share_at(curve, end / 2)
    late = (by_end - by_half) / by_end if by_end > 0 else 1.0
    design, df = curve.design(int(np.searchsorted(curve.time, end, side="right")) - 1)
    if design == INFINITY:
        return none(say("all rows belong together"), bounds)
    if wilson_limits(late, events / design)[1] > LATE:
        return none(
            say(
                "too young: {late:.0f} % of the conversions seen by day {end:.0f} came in its second half",
                late=100 * late,
                end=end,
            ),
            bounds,
        )
    fits = [_Fit(family, rows) for family in ("Weibull", "log-logistic")]
    best = [fit.best() for fit in fits]
    first = min(range(2), key=lambda i: best[i][0])
    least, share, shape, scale = best[first]
    if _came(fits[first].family, np.array([end + 1]), shape, scale)[0] < SEEN:
        return none(
            say("too young: by the curve that fits best more would come after day {end:.0f}", end=end), bounds
        )
    if _misfit(curve, fits[first].family, share, shape, scale, end, design):
        return none(say("no curve of the model fits what was seen"), bounds)
    drop = DROP * design * (quantile(df) / quantile()) ** 2
    limits = [_limit(fits, best, least + drop, share, toward) for toward in (0.0, 1.0)]
    words = say(
        "{words}, {family}, profile likelihood over Weibull and log-logistic",
        words=words,
        family=fits[first].family,
    )
    words += ", clustered" if curve.rows.cluster is not None else ""
    estimate = Estimate(share, limits[0], limits[1], curve.n, n_unit, "share", words)
    return LongRun(estimate, None, None, float(curve.time[-1]))


def _reliable_end(curve: _Curve) -> float:
    """Give the time up to which enough rows are still seen: a twentieth of them, 20, or a quarter of fewer than 80."""
    enough = max(min(FEWEST, 0.25 * curve.n), 0.05 * curve.n)
    still = curve._still[:-1]
    return float(curve._seen[still >= enough][-1])


def _share_at(curve: _Curve, at: float) -> float:
    index = int(np.searchsorted(curve.time, at, side="right")) - 1
    return 1 - float(curve.survival[index]) if index >= 0 else 0.0


def _bounds(curve: _Curve, end: float) -> tuple[float, float]:
    index = int(np.searchsorted(curve.time, end, side="right")) - 1
    if index < 0:
        return 0.0, 1.0
    survival = float(curve.survival[index])
    design, _ = curve.design(index)
    effective = (
        min(curve.effective(survival, float(curve.greenwood[index]), index, end), float(curve.n)) / design
    )
    return (wilson_limits(1 - survival, effective)[0] if effective > 0 else 0.0), 1.0


def _misfit(
    curve: _Curve, family: str, share: float, shape: float, scale: float, end: float, design: float
) -> bool:
    """Say whether the fitted curve is off Kaplan-Meier's by more than chance and more than a tenth of the share."""
    inside = curve.time <= end
    fitted = share * _came(family, curve.time[inside] + 1, shape, scale)
    left = curve.survival[inside]
    chance = left * np.sqrt(np.where(left > 0, curve.greenwood[inside], 0.0) * design)
    return bool((np.abs(fitted - (1 - left)) > np.maximum(4 * chance, FAR * share)).any())


def _limit(fits: Any, best: Any, most: float, share: float, toward: float) -> float:
    """Give the share at which the loss of the likelier family reaches `most`."""
    from scipy.optimize import brentq

    def over(x: float) -> float:
        losses = [fit.least(_inverse_logit(x), b[2:]) for fit, b in zip(fits, best, strict=True)]
        return float(min(losses)) - most

    inside = math.log(share / (1 - share)) if share < 1 else 12.0
    step = 0.25 if toward else -0.25
    while over(inside + step) <= 0:
        step *= 2
        if abs(inside + step) > 12:
            return toward
    return _inverse_logit(
        float(brentq(over, inside + step / 2 * (abs(step) > 0.25), inside + step, xtol=1e-4))
    )
