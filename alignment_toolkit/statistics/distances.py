"""Total variation between what is pushed and what should be, without the bias of small numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from alignment_toolkit.languages import say
from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics.inference import Gap
from alignment_toolkit.statistics.resampling import generator

__all__ = ["Side", "total_variation_gap"]

Array = NDArray[np.float64]
Way = Literal["few", "all"]

# Above this many effective lumps their unequal sizes no longer show, and a multinomial draw does.
_MANY = 60.0
_TINY = 1e-9


@dataclass(frozen=True)
class Side:
    """One department's push.

    Attributes
    ----------
    categories
        Labels (products), one per column of `weights`.
    weights
        Clusters x categories: money or minutes of each unit that repeats (marketing: campaign; sales: account).
        Negative entries count as 0.
    target
        The plan's share of each category, on any scale; None where there is no plan.
    """

    categories: Sequence[str]
    weights: Any
    target: Any = None


class _Push:
    """A side as a process that can be drawn again: lumps that fall on categories.

    Every cell (cluster x category) is a lump that falls on a category by itself; with probability `together` all
    lumps of a cluster fall on the same one. That probability is set so that the variance of the shares is the one
    seen between clusters (the first-order correction of Rao and Scott 1981, JASA 76). Where each cluster has one
    category there is nothing to set: the clusters' sizes say it all.
    """

    def __init__(self, weights: Array, target: Array | None) -> None:
        w = weights[weights.sum(axis=1) > 0]
        w = w[np.lexsort(w.T[::-1])] if len(w) else w
        self.clusters = len(w)
        self.target = target
        self.total = float(w.sum())
        if self.total <= 0:
            return
        self.shares: Array = w.sum(axis=0) / self.total
        sizes = w.sum(axis=1)
        apart = float((w**2).sum()) / self.total**2
        whole = float((sizes**2).sum()) / self.total**2
        self.together = 0.0
        inverse = apart
        if int((w > 0).sum()) > self.clusters > 1:
            off = (w - np.outer(sizes, self.shares)) / self.total
            seen = self.clusters / (self.clusters - 1) * float((off**2).sum())
            inverse = seen / max(1 - float((self.shares**2).sum()), _TINY)
            inverse = min(max(inverse, apart), whole)
            self.together = (inverse - apart) / (whole - apart) if whole > apart else 0.0
        self.effective = 1 / inverse
        self.cluster, category = np.nonzero(w)
        self.lumps = w[self.cluster, category] / self.total

    def draw(self, shares: Array, draws: int, random: np.random.Generator) -> Array:
        """Draw the shares again as often as asked, had the process these shares."""
        p = np.maximum(shares, 0.0)
        p = p / p.sum()
        if self.effective > _MANY:
            n = round(self.effective)
            return np.asarray(random.multinomial(n, p, size=draws) / n, dtype=float)
        fallen = random.random((draws, len(self.lumps)))
        if self.together > 0:
            same = random.random((draws, self.clusters))
            tied = random.random((draws, self.clusters)) < self.together
            fallen = np.where(tied[:, self.cluster], same[:, self.cluster], fallen)
        # How much falls on the first categories, up to each; what falls on one is the difference.
        upto = [(fallen < step) @ self.lumps for step in np.cumsum(p)[:-1]]
        upto.append(np.full(draws, self.lumps.sum()))
        return np.asarray(np.diff(np.column_stack(upto), axis=1, prepend=0.0), dtype=float)


class _Path:
    """From an observed deviation to one of any given size, by cutting a multiple of `weight` off every category.

    How far the seen distance overshoots the true one depends on where the true deviation sits: more where it sits in
    few categories, less where all deviate a little. So there are two ways. The `few` way cuts variance over deviation
    (the garrote of Breiman 1995, Technometrics 37): what could be noise goes first, and few categories are left. The
    `all` way scales the deviation as it is. Beyond the size seen both add instead of cutting, up to `room`.
    """

    def __init__(self, way: Way, seen: Array, variance: Array, up_room: Array, down_room: Array) -> None:
        size = np.maximum(np.abs(seen), _TINY)
        self.weight = np.maximum(variance, _TINY) / size if way == "few" else size
        self.up, self.down = np.maximum(seen, 0.0), np.maximum(-seen, 0.0)
        self.up_room = np.where(seen > 0, np.maximum(up_room, self.up), 0.0)
        self.down_room = np.where(seen < 0, np.maximum(down_room, self.down), 0.0)
        up_cut, up_size = self._curve(self.up, self.up_room)
        down_cut, down_size = self._curve(self.down, self.down_room)
        self.largest = float(min(up_size[-1], down_size[-1]))
        sizes = np.unique(np.concatenate([up_size, down_size]))
        self.sizes = sizes[sizes <= self.largest]
        self.up_cuts = np.interp(self.sizes, up_size, up_cut)
        self.down_cuts = np.interp(self.sizes, down_size, down_cut)
        self.price = self.up_cuts + self.down_cuts  # falls as the size grows

    def _curve(self, part: Array, room: Array) -> tuple[Array, Array]:
        """Give the cuts at which the cut-off sum bends, from the largest, and that sum."""
        on = part > 0
        if not on.any():
            return np.zeros(1), np.zeros(1)
        x, v, most = part[on], self.weight[on], room[on]
        cuts = np.unique(np.concatenate([x / v, (x - most) / v, [0.0]]))[::-1]
        return cuts, np.clip(x[None, :] - cuts[:, None] * v[None, :], 0.0, most[None, :]).sum(axis=1)

    def size_at(self, price: Any) -> Any:
        return np.interp(-np.asarray(price), -self.price, self.sizes)

    def at(self, size: float) -> Array:
        """Give the deviation of that size."""
        up_cut = np.interp(size, self.sizes, self.up_cuts)
        down_cut = np.interp(size, self.sizes, self.down_cuts)
        up = np.clip(self.up - up_cut * self.weight, 0.0, self.up_room)
        down = np.clip(self.down - down_cut * self.weight, 0.0, self.down_room)
        return np.asarray(up - down, dtype=float)


class _AgainstPlans:
    """Mean over sides of the distance between push and plan."""

    def __init__(self, pushes: Sequence[_Push], way: Way) -> None:
        self.pushes = pushes
        self.paths = []
        for push in pushes:
            q = _plan(push)
            variance = (q + push.shares) / 2 / push.effective
            self.paths.append(_Path(way, push.shares - q, variance, 1 - q, q))
        self.largest = float(np.mean([path.largest for path in self.paths]))
        self.prices = np.unique(np.concatenate([path.price for path in self.paths]))[::-1]
        self.sizes = np.mean([path.size_at(self.prices) for path in self.paths], axis=0)
        self.seen = float(self.distance([push.shares[None, :] for push in pushes])[0])

    def distance(self, shares: Sequence[Array]) -> Array:
        each = [np.abs(p - _plan(s)).sum(axis=1) / 2 for p, s in zip(shares, self.pushes, strict=True)]
        return np.asarray(np.mean(each, axis=0), dtype=float)

    def process(self, size: float) -> list[Array]:
        """Give the nearest process with that distance: each side pays the same price per unit of distance."""
        price = np.interp(size, self.sizes, self.prices)
        return [
            _plan(push) + path.at(float(path.size_at(price)))
            for push, path in zip(self.pushes, self.paths, strict=True)
        ]


class _Between:
    """Distance between the pushes of two sides."""

    def __init__(self, pushes: Sequence[_Push], way: Way) -> None:
        self.pushes = pushes
        one, two = pushes
        # The common centre, each side weighing by its precision.
        self.first = (1 / one.effective) / (1 / one.effective + 1 / two.effective)
        self.second = 1 - self.first
        centre = self.second * one.shares + self.first * two.shares
        self.centre = centre
        variance = centre / one.effective + centre / two.effective
        with np.errstate(divide="ignore", invalid="ignore"):
            up = np.where(self.second > 0, centre / self.second, 1.0)
            down = np.where(self.first > 0, centre / self.first, 1.0)
        self.path = _Path(way, one.shares - two.shares, variance, up, down)
        self.largest = self.path.largest
        self.seen = float(self.distance([push.shares[None, :] for push in pushes])[0])

    def distance(self, shares: Sequence[Array]) -> Array:
        return np.asarray(np.abs(shares[0] - shares[1]).sum(axis=1) / 2, dtype=float)

    def process(self, size: float) -> list[Array]:
        moved = self.path.at(size)
        return [self.centre + self.first * moved, self.centre - self.second * moved]


def _plan(push: _Push) -> Array:
    assert push.target is not None
    return push.target


Case = _AgainstPlans | _Between


def _p_values(few: Case, every: Case, m: float, seed: str, draws: int) -> tuple[float, float]:
    """Give the p values of a distance of at most `m` and of at least `m`."""
    up, behind = _tails(few, m, seed, draws)
    return up, max(behind, _tails(every, m, seed, draws)[1])


def _tails(case: Case, m: float, seed: str, draws: int) -> tuple[float, float]:
    random = generator(seed)  # the same numbers for each candidate: the curve is smooth
    shares = [push.draw(p, draws, random) for push, p in zip(case.pushes, case.process(m), strict=True)]
    drawn = case.distance(shares)
    ahead = int((drawn >= case.seen - _TINY).sum())
    behind = int((drawn <= case.seen + _TINY).sum())
    return (1 + ahead) / (draws + 1), (1 + behind) / (draws + 1)


class _Curve:
    """One-sided p values over candidate truths, made monotone, so that interval and tests agree.

    `up` is that of a distance of at most the candidate, on the way that overshoots most; `down` that of at least the
    candidate, the larger of the two ways.
    """

    def __init__(self, few: Case, every: Case, seed: str, draws: int) -> None:
        self.few, self.every, self.seed, self.draws = few, every, seed, draws
        self.known: dict[float, tuple[float, float]] = {}
        for m in np.linspace(0.0, max(few.largest, every.largest), 9):
            self._look(float(m))
        # Halve where a p value moves most, so that the quantiles are met between near neighbours.
        for _ in range(20):
            at = sorted(self.known)
            moves = [self._move(a, b) for a, b in pairwise(at)]
            if max(moves, default=0.0) < 0.15:
                break
            i = int(np.argmax(moves))
            self._look(0.5 * (at[i] + at[i + 1]))
        self.at = np.array(sorted(self.known))
        self.up = np.maximum.accumulate([self.known[m][0] for m in self.at])
        self.down = np.maximum.accumulate([self.known[m][1] for m in self.at][::-1])[::-1]

    def _look(self, m: float) -> None:
        self.known[m] = _p_values(self.few, self.every, m, self.seed, self.draws)

    def _move(self, a: float, b: float) -> float:
        return 0.0 if b - a < 1e-3 else max(map(_between, self.known[a], self.known[b]))

    def above(self, m: float) -> float:
        if m < 0:
            return 0.0
        return 1.0 if m > 1 else float(np.interp(m, self.at, self.up))

    def below(self, m: float) -> float:
        if m > 1:
            return 0.0
        return 1.0 if m < 0 else float(np.interp(m, self.at, self.down))

    def low(self) -> float:
        return _first(self.at, self.up, 0.025)

    def high(self) -> float:
        """Give the upper limit: 1 where even the largest distance within reach isn't rejected."""
        return 1.0 if self.down[-1] >= 0.025 else -_first(-self.at[::-1], self.down[::-1], 0.025)

    def middle(self) -> float:
        """Give the distance that is as likely too small as too large, or 0."""
        return _first(self.at, self.up - self.down, 0.0)


def _between(a: float, b: float) -> float:
    """Say how far two p values are apart, more where the quantile that decides lies between them."""
    low, high = min(a, b), max(a, b)
    return high - low + (0.3 if low < 0.025 < high and high - low > 0.01 else 0.0)


def _first(at: Array, rising: Array, level: float) -> float:
    """Give where rising values first reach the level."""
    i = int(np.searchsorted(rising, level, side="left"))
    if i == 0 or i == len(rising):
        return float(at[min(i, len(at) - 1)])
    step = (level - rising[i - 1]) / (rising[i] - rising[i - 1])
    return float(at[i - 1] + step * (at[i] - at[i - 1]))


def total_variation_gap(
    sides: Sequence[Side], *, seed: str, n_unit: str, n: int, unit: str = "share", draws: int = 2000
) -> Gap:
    """Give the distance between push and plan, or between two pushes.

    Estimand: with a plan for every side, the mean over sides of the total variation distance between the side's
    shares *of the process* and its plan: the share of its push to move. Without, the distance between two sides'
    shares. The distance of the sample itself is biased upwards, the more the fewer campaigns or accounts there are.

    Estimator: for each candidate distance, processes near to what was seen that have it are drawn again (clusters in
    their sizes, falling on products by the candidate's shares, so that a product that got no campaign by chance is
    allowed for). The estimate is the candidate for which the seen distance is as likely too small as too large, or 0;
    the interval holds the candidates for which it lies in neither tail of 2.5 % (test inversion by parametric
    bootstrap: Carpenter 1999, Statistics in Medicine 18).

    Parameters
    ----------
    sides
        One or more sides with target, or two without.
    seed
        A text (the indicator's id): the same input gives the same numbers.
    n, n_unit
        What the finding counts.
    draws
        Draws per candidate.

    Examples
    --------
    >>> plan = [0.5, 0.5]
    >>> even = Side(["a", "b"], [[1.0, 0.0], [0.0, 1.0]] * 50, plan)
    >>> one_sided = Side(["a", "b"], [[1.0, 0.0]] * 90 + [[0.0, 1.0]] * 10, plan)
    >>> total_variation_gap([even], seed="x", n_unit="campaigns", n=100).estimate.value
    0.0
    >>> gap = total_variation_gap([one_sided], seed="x", n_unit="campaigns", n=100)
    >>> round(gap.estimate.value, 1), gap.above(0.15) < 0.025
    (0.4, True)
    """
    planned = bool(sides) and all(_has_plan(side) for side in sides)
    words = say("total variation to plan") if planned else say("total variation between two pushes")
    words = say("{words}, debiased, test inversion", words=words)
    if not planned and len(sides) != 2:
        return Gap.none(
            n=n, n_unit=n_unit, unit=unit, method=say("{words}; neither plans nor two sides", words=words)
        )
    pushes = _pushes(sides, planned)
    if any(push.total <= 0 for push in pushes):
        return Gap.none(
            n=n, n_unit=n_unit, unit=unit, method=say("{words}; a side pushes nothing", words=words)
        )
    if any(push.clusters < 2 for push in pushes):
        return Gap.none(
            n=n, n_unit=n_unit, unit=unit, method=say("{words}; one cluster has no spread", words=words)
        )
    kind = _AgainstPlans if planned else _Between
    curve = _Curve(kind(pushes, "few"), kind(pushes, "all"), seed, draws)
    low, high = curve.low(), curve.high()
    value = min(max(curve.middle(), low), high)
    return Gap(Estimate(value, low, high, n, n_unit, unit, words), curve.above, curve.below)


def _has_plan(side: Side) -> bool:
    if side.target is None:
        return False
    target = np.asarray(side.target, dtype=float)
    return bool(np.isfinite(target).all() and (target >= 0).all() and target.sum() > 0)


def _pushes(sides: Sequence[Side], planned: bool) -> list[_Push]:
    """Put all sides on the same categories, in one order."""
    labels = sorted({str(c) for side in sides for c in side.categories})
    column = {label: i for i, label in enumerate(labels)}
    pushes = []
    for side in sides:
        own = [column[str(c)] for c in side.categories]
        raw = np.asarray(side.weights, dtype=float).reshape(-1, len(own)) if own else np.zeros((0, 0))
        raw = np.where(np.isfinite(raw), np.maximum(raw, 0.0), 0.0)
        weights = np.zeros((len(raw), len(labels)))
        np.add.at(weights.T, own, raw.T)
        target = None
        if planned:
            target = np.zeros(len(labels))
            np.add.at(target, own, np.asarray(side.target, dtype=float))
            target = target / target.sum()
        pushes.append(_Push(weights, target))
    return pushes
