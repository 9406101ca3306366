"""Client value in segments that share strength: the fewer clients one has, the more it is drawn to the others.

A small segment alone tells little of how its clients order, and all clients together tell nothing of how it differs.
Between the two lies a population of segments: the logarithms of a segment's parameters are normal around those of all
(empirical Bayes: Efron and Morris 1975, JASA 70). How far segments differ is
estimated from the data; where they do not, each gets the model of all clients.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignment_toolkit.languages import say
from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics.client_ahead import Ahead, ahead, total_ahead
from alignment_toolkit.statistics.client_histories import Histories, Sizes
from alignment_toolkit.statistics.client_value import Purchases, Spend, fit_purchases, fit_spend

__all__ = ["Shared", "share_purchases", "share_spend", "total_of_segments"]

Floats = NDArray[np.float64]
Model = TypeVar("Model", Purchases, Spend)
Loss = Callable[[Floats], tuple[float, Floats]]
# What differs between segments, in logarithms: of orders, their rate and its shape, the odds of falling silent and
# their shape; of sizes, their level and the two shapes. In these directions the data tell one thing from another.
_ORDERS: Final = np.array(
    [[1.0, -1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0], [0.0, 0.0, 0.5, 0.5]]
)
_SIZES: Final = np.array([[1.0, -1.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
_BEGIN: Final = 0.3
_ROUNDS: Final = 25
_STEP: Final = 1.0


@dataclass(frozen=True)
class Shared(Generic[Model]):
    """The model of each segment, and that of all clients.

    Attributes
    ----------
    whole
        Of all clients together; it stands for a segment that was not seen.
    own
        Segment -> its model. Empty where there is a single segment or no model of all.
    between
        Standard deviation between segments of the logarithm of the rate (of the size) and of the other parameters.
    inside, pull, middle
        Of the log parameters: a segment's covariance were the middle of all segments known, how far the segment follows
        that middle, and the middle's covariance, which all segments share.
    """

    whole: Model
    own: Mapping[str, Model]
    between: tuple[float, ...] = ()
    inside: Mapping[str, Floats] = field(default_factory=dict, repr=False, compare=False)
    pull: Mapping[str, Floats] = field(default_factory=dict, repr=False, compare=False)
    middle: Floats | None = field(default=None, repr=False, compare=False)

    def of(self, segment: str) -> Model:
        """Give a segment's model."""
        return self.own.get(segment, self.whole)


def share_purchases(
    segments: ArrayLike,
    repeats: ArrayLike,
    last: ArrayLike,
    observed: ArrayLike,
) -> Shared[Purchases]:
    """Fit BG/NBD models to segments that share strength.

    Estimand: of each segment, the distribution of its clients' rates of orders and chances to fall silent. Estimator:
    the mode of the segment's likelihood times a normal distribution of its log parameters, whose mean and variances are
    estimated from all segments (empirical Bayes by EM, with Laplace's approximation). Segments must have been given
    beforehand: one that was made of the orders has its rates by selection.

    Parameters
    ----------
    segments
        Per client, the segment.
    repeats, last, observed
        As in `fit_purchases`.

    Examples
    --------
    >>> share_purchases(["a", "b"], [0, 1], [0, 2], [3, 3]).of("a").problem
    '2 clients, 30 are needed'
    """
    names = np.asarray(segments, dtype=object).astype(str)
    x, t_x, seen = (np.atleast_1d(np.asarray(v, dtype=float)) for v in (repeats, last, observed))
    whole = fit_purchases(x, t_x, seen)
    keys = sorted(set(names.tolist()))
    if whole.problem or len(keys) < 2:
        return Shared(whole, {})
    scale = float(np.nanmax(seen))
    found = [Histories.of(*(v[names == k] for v in (x, t_x, seen))).over(scale) for k in keys]
    assert whole.alpha is not None
    theta = np.log(np.array([whole.r, whole.alpha / scale, whole.a, whole.b], dtype=float))
    drawn = _drawn([rows.loss for rows in found], _ORDERS, theta)
    own = {}
    for k, rows, place in zip(keys, found, drawn.places, strict=True):
        r, alpha, a, b = np.exp(place).tolist()
        own[k] = replace(whole, r=r, alpha=alpha * scale, a=a, b=b, n=rows.n, log_likelihood=None)
    return drawn.shared(whole, own)


def share_spend(segments: ArrayLike, repeats: ArrayLike, mean: ArrayLike) -> Shared[Spend]:
    """Fit gamma-gamma models to segments that share strength, as `share_purchases` does.

    Estimand: of each segment, the distribution over its clients of the mean size of their orders.

    Examples
    --------
    >>> share_spend(["a", "b"], [1, 2], [10, 20]).of("b").problem
    '2 clients with repeated orders, 30 are needed'
    """
    names = np.asarray(segments, dtype=object).astype(str)
    x, m = (np.atleast_1d(np.asarray(v, dtype=float)) for v in (repeats, mean))
    whole = fit_spend(x, m)
    keys = sorted(set(names.tolist()))
    if whole.problem or len(keys) < 2:
        return Shared(whole, {})
    assert whole.v is not None
    scale = whole.v
    found = [Sizes.of(x[names == k], m[names == k]).over(scale) for k in keys]
    theta = np.log(np.array([whole.p, whole.q, 1.0], dtype=float))
    drawn = _drawn([rows.loss for rows in found], _SIZES, theta)
    own = {}
    for k, rows, place in zip(keys, found, drawn.places, strict=True):
        p, q, v = np.exp(place).tolist()
        own[k] = replace(whole, p=p, q=q, v=v * scale, n=rows.n, log_likelihood=None)
    return drawn.shared(whole, own)


def total_of_segments(
    purchases: Shared[Purchases],
    segments: ArrayLike,
    repeats: ArrayLike,
    last: ArrayLike,
    observed: ArrayLike,
    *,
    horizon: float,
    spend: Shared[Spend] | None = None,
    mean: ArrayLike | None = None,
    sized: ArrayLike | None = None,
    counts: ArrayLike | None = None,
    unit: str = "count",
) -> Estimate:
    """Give what clients of several segments together will order within a horizon, as `total_ahead` does for one kind.

    Estimand: the total that will really come about. Segments that lean on each other err together: the error of the
    middle to which all are drawn is added before it is squared.

    Examples
    --------
    >>> total_of_segments(share_purchases([], [], [], []), [], [], [], [], horizon=1).value is None
    True
    """
    names = np.asarray(segments, dtype=object).astype(str)
    x, t_x, seen, m, of, w = (
        np.asarray(v, dtype=float)
        for v in (
            repeats, last, observed, np.zeros(len(names)) if mean is None else mean,
            repeats if sized is None else sized, np.ones(len(names)) if counts is None else counts,
        )
    )  # fmt: skip
    what: dict[str, Any] = {"horizon": horizon}
    if not (purchases.own or (spend and spend.own)):
        whole = spend.whole if spend else None
        return total_ahead(
            purchases.whole, x, t_x, seen, spend=whole, mean=m, sized=of, counts=w, unit=unit, **what
        )
    models: list[Shared[Any]] = [purchases, *([spend] if spend else [])]
    n, value, variance = 0, 0.0, 0.0
    together: list[Floats] = [
        np.zeros(model.middle.shape[0] if model.middle is not None else 0) for model in models
    ]
    method = "BG/NBD" if spend is None else say("BG/NBD and gamma-gamma")
    for k in sorted(set(names.tolist())):
        own = names == k
        part = ahead(
            purchases.of(k), x[own], t_x[own], seen[own], spend=spend.of(k) if spend else None, mean=m[own],
            sized=of[own], counts=w[own], **what,
        )  # fmt: skip
        n, value, variance = n + part.n, value + part.value, variance + part.chance
        if part.problem:
            return replace(part, n=int(w.sum())).told(None, unit, method)
        for i, (model, slope) in enumerate(zip(models, part.slopes, strict=True)):
            if k in model.inside:
                variance += float(slope @ model.inside[k] @ slope)
                together[i] = together[i] + model.pull[k].T @ slope
            elif k not in model.own and model.whole.covariance is not None:
                variance += float(slope @ model.whole.covariance @ slope)
            else:
                variance = np.nan
    for model, slope in zip(models, together, strict=True):
        if model.middle is not None:
            variance += float(slope @ model.middle @ slope)
    told = Ahead(n, value, variance, ())
    return told.told(variance, unit, say("{method}, segments sharing strength", method=method))


@dataclass(frozen=True)
class _Drawn:
    """Segments drawn together: places and covariances of log parameters, and how far segments differ."""

    places: Sequence[Floats]
    inside: Sequence[Floats]
    turn: Floats
    variance: Floats

    def shared(self, whole: Model, own: Mapping[str, Model]) -> Shared[Model]:
        """Add what the segments have in common: the middle to which they are drawn is an estimate too.

        Its error is that of the clients (as in the model of all) and that of which segments there are.
        """
        between = tuple(float(v) for v in np.sqrt(self.variance))
        inside = dict(zip(own, self.inside, strict=True))
        pull = {k: s @ self.turn.T @ np.diag(1 / self.variance) for k, s in inside.items()}
        if whole.covariance is None:
            return Shared(whole, {k: replace(m, covariance=None) for k, m in own.items()}, between)
        middle = self.turn @ whole.covariance @ self.turn.T + np.diag(self.variance) / len(own)
        both = {k: replace(m, covariance=inside[k] + pull[k] @ middle @ pull[k].T) for k, m in own.items()}
        return Shared(whole, both, between, inside, pull, middle)


def _drawn(losses: Sequence[Loss], turn: Floats, start: Floats) -> _Drawn:
    """Estimate the middle of the segments, how far they differ in each direction, and each segment's own place."""
    g, d = len(losses), len(start)
    places = [start.copy() for _ in range(g)]
    middle, variance = turn @ start, np.full(d, _BEGIN**2)
    spreads = [np.eye(d)] * g
    for _ in range(_ROUNDS):
        for i, loss in enumerate(losses):
            places[i], spreads[i] = _mode(loss, places[i], turn, middle, variance)
        turned = np.array([turn @ p for p in places])
        own = np.array([np.diag(turn @ s @ turn.T) for s in spreads])
        middle = turned.mean(axis=0)
        # As a sample variance of places that are known with an error each.
        new = ((turned - middle) ** 2).sum(axis=0) / (g - 1) + own.mean(axis=0)
        new = np.clip(new, 1e-8, 4.0)
        moved = float(np.abs(np.log(new / variance)).max())
        variance = new
        if moved < 0.02:
            break
    return _Drawn(places, spreads, turn, variance)


def _mode(loss: Loss, place: Floats, turn: Floats, middle: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Give the mode of likelihood times prior from a place near by, and the inverse curvature there (Newton)."""
    inside = turn.T @ (turn / variance[:, None])

    def both(theta: Floats) -> tuple[float, Floats]:
        value, slope = loss(theta)
        off = turn @ theta - middle
        return value + float(off @ (off / variance)) / 2, slope + turn.T @ (off / variance)

    value, slope = both(place)
    curve = np.eye(len(place))
    step = 1e-4
    for _ in range(4):
        # From one side: half of the work, and what that is off by is far below what the clients leave open.
        here = slope - turn.T @ ((turn @ place - middle) / variance)
        curve = np.array([(loss(place + e)[1] - here) / step for e in np.eye(len(place)) * step])
        values, vectors = np.linalg.eigh((curve + curve.T) / 2 + inside)
        # Where the likelihood bends the wrong way the prior's curvature still holds.
        values = np.maximum(values, 1e-3 * float(np.linalg.eigvalsh(inside).min()))
        curve = (vectors / values) @ vectors.T
        move = -curve @ slope
        length = float(np.abs(move).max())
        move = move * min(1.0, _STEP / max(length, 1e-12))
        for _ in range(12):
            tried, bent = both(place + move)
            if np.isfinite(tried) and tried <= value + 1e-12:
                place, value, slope = place + move, tried, bent
                break
            move = move / 2
        if length < 1e-3:
            break
    return place, np.asarray(curve, dtype=float)
