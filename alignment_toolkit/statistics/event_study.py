"""Event study: what teams did after something was done with them, beyond teams with which it was not done."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignment_toolkit.languages import say
from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics.inference import quantile

__all__ = ["FEWEST_WITHOUT", "Event", "EventStudy", "event_study"]

Array = NDArray[np.float64]

FEWEST_WITHOUT: Final = 3
METHOD: Final = "difference in differences, random effects over teams, Student's t"


@dataclass(frozen=True)
class Event:
    """Something done with a team: the team and the week, by number, and the teams that may be held against it."""

    team: int
    week: int
    without: tuple[int, ...]


@dataclass(frozen=True)
class EventStudy:
    """What an event study says.

    Attributes
    ----------
    effect
        The change of the teams with, beyond that of the teams without.
    treated, without
        The change of either, in the same weights: treated - without = effect.
    path
        The difference between both by half windows (the weeks from and to, counted from the event), against the half
        before the event. What stands before the event should hold 0: else the teams were on other ways already.
    events, teams_with, teams_without
        Their numbers.
    """

    effect: Estimate
    treated: Estimate
    without: Estimate
    path: tuple[tuple[int, int, Estimate], ...]
    events: int
    teams_with: int
    teams_without: int


@dataclass(frozen=True)
class _Changes:
    """The change of each team around each event: value, rows that stand behind it, group of events of one week."""

    value: Array
    weight: Array
    team: NDArray[np.int64]
    group: NDArray[np.int64]
    week: NDArray[np.int64]
    treated: NDArray[np.bool_]


def event_study(
    top: ArrayLike,
    bottom: ArrayLike,
    events: Sequence[Event],
    *,
    weeks: int = 8,
    unit: str,
    factor: float = 1.0,
) -> EventStudy | str:
    """Compare a share or mean of teams before and after an event with teams that had none.

    Estimand: the mean, over the events, of the change from the `weeks` before to the `weeks` after (the week of the
    event left out), less the change that the team would have had without it, taken to be that of the teams without in
    the same weeks. That is an assumption (parallel trends), not a fact: nobody drew the teams by lot.

    Estimator: differences in differences, stacked by the week of the event (Cengiz et al. 2019, QJE 134), by
    generalised least squares. A change varies with the rows behind it, by as much as the teams' weeks vary around
    their mean (so bursts are known), and from team to team besides (Paule and Mandel 1982); a team that stands against
    several events is correlated with itself as its windows overlap. The interval is Knapp and Hartung's (2003,
    Statistics in Medicine 22): Student's t with the number of teams less two.

    Parameters
    ----------
    top, bottom
        A row per team, a column per week.
    events
        What was done; several in one week are judged together.
    weeks
        Weeks before and after.
    unit, factor
        The unit of the figures, and by how much they are multiplied (100 for points of a share).

    Returns
    -------
    EventStudy, or str
        Why there is none.

    Examples
    --------
    Two teams of six begin to win more from week 10 on; all win more with time.

    >>> import numpy as np
    >>> bottom = np.full((6, 20), 10.0)
    >>> top = 3 + 0.05 * np.arange(20) + np.tile([0.3, -0.3], (6, 10)) * np.arange(1, 7)[:, None] / 6
    >>> top[:2, 10:] += 2
    >>> found = event_study(top, bottom, [Event(t, 10, (2, 3, 4, 5)) for t in (0, 1)], unit="share")
    >>> round(found.effect.value, 3), found.effect.low > 0.1, found.teams_without
    (0.2, True, 4)
    """
    tops, bottoms = np.asarray(top, dtype=float), np.asarray(bottom, dtype=float)
    half = weeks // 2
    before, after = range(-weeks, 0), range(1, weeks + 1)
    found = _judge(tops, bottoms, events, before, after, unit, factor)
    if isinstance(found, str):
        return found
    effect, treated, without, changes = found
    path = []
    near = range(-half, 0)
    for window in (range(-weeks, -half), range(1, half + 1), range(half + 1, weeks + 1)):
        part = _judge(tops, bottoms, events, near, window, unit, factor)
        if not isinstance(part, str):
            path.append((window[0], window[-1], part[0]))
    return EventStudy(
        effect, treated, without, tuple(path), len(np.unique(changes.group[changes.treated])),
        len(np.unique(changes.team[changes.treated])), len(np.unique(changes.team[~changes.treated])),
    )  # fmt: skip


def _judge(
    top: Array, bottom: Array, events: Sequence[Event], before: range, after: range, unit: str, factor: float
) -> tuple[Estimate, Estimate, Estimate, _Changes] | str:
    changes = _changes(top, bottom, events, before, after)
    if not changes.treated.any():
        return say("no team has rows before and after")
    teams_without = len(np.unique(changes.team[~changes.treated]))
    if teams_without < FEWEST_WITHOUT:
        needed = say(
            "at least {fewest_without} teams without, with rows before and after, are needed",
            fewest_without=FEWEST_WITHOUT,
        )
        return say("{needed}; here: {teams_without}", needed=needed, teams_without=teams_without)
    groups, at = np.unique(changes.group, return_inverse=True)
    design = np.column_stack([np.eye(len(groups))[at], changes.treated.astype(float)])
    scale = _dispersion(top, bottom, np.unique(changes.team))
    kernel = _kernel(changes, before, after)
    noise = scale / np.sqrt(np.outer(changes.weight, changes.weight)) * kernel
    free = len(changes.value) - design.shape[1]
    between = _between(changes.value, design, noise, kernel, free)
    inverse = np.linalg.pinv(noise + between * kernel, hermitian=True)
    middle = np.linalg.pinv(design.T @ inverse @ design, hermitian=True)
    coefficients = middle @ design.T @ inverse
    rest = changes.value - design @ (coefficients @ changes.value)
    spread = float(rest @ inverse @ rest) / free
    share = coefficients[-1]
    df = min(free, len(np.unique(changes.team)) - 2)
    n = round(float(bottom[np.unique(changes.team)].sum()))

    def told(own: Array) -> Estimate:
        value = float(own @ changes.value)
        se = math.sqrt(max(float(own @ (noise + between * kernel) @ own) * spread, 0.0))
        reach = quantile(df) * se
        low, high = (factor * (value - reach), factor * (value + reach))
        return Estimate(factor * value, low, high, n, "rows", unit, METHOD)

    treated, without = np.where(changes.treated, share, 0.0), np.where(changes.treated, 0.0, -share)
    return told(share), told(treated), told(without), changes


def _changes(top: Array, bottom: Array, events: Sequence[Event], before: range, after: range) -> _Changes:
    rows: list[tuple[float, float, int, int, int, bool]] = []
    for number, week in enumerate(sorted({e.week for e in events})):
        own = [e for e in events if e.week == week]
        sides = [[week + w for w in window] for window in (before, after)]
        teams = {e.team: True for e in own} | {t: False for e in own for t in e.without}
        if min(map(min, sides)) < 0 or max(map(max, sides)) >= top.shape[1]:
            continue
        found = []
        for team, treated in sorted(teams.items()):
            (t0, b0), (t1, b1) = ((top[team, s].sum(), bottom[team, s].sum()) for s in sides)
            if b0 > 0 and b1 > 0:
                found.append((t1 / b1 - t0 / b0, 1 / (1 / b0 + 1 / b1), team, number, week, treated))
        # A week in which only one side has rows says nothing about the difference.
        if len({row[-1] for row in found}) == 2:
            rows += found
    table = np.array(rows, dtype=float).reshape(-1, 6)
    whole = table[:, 2:].astype(np.int64)
    return _Changes(table[:, 0], table[:, 1], whole[:, 0], whole[:, 1], whole[:, 2], whole[:, 3].astype(bool))


def _dispersion(top: Array, bottom: Array, teams: NDArray[np.int64]) -> float:
    """Give the variance of a row's value, from how the weeks of each team vary around the team's mean."""
    squares, free = 0.0, 0
    for t, b in zip(top[teams], bottom[teams], strict=True):
        there = b > 0
        if there.sum() < 2:
            continue
        rest = t[there] - b[there] * (t.sum() / b.sum())
        squares += float((rest**2 / b[there]).sum())
        free += int(there.sum()) - 1
    return max(squares / free, 1e-12) if free else 1e-12


def _kernel(changes: _Changes, before: range, after: range) -> Array:
    """Give how far two changes share their weeks, 1 for the same; changes of different teams share none."""
    weights = {w: -1 / len(before) for w in before} | {w: 1 / len(after) for w in after}
    size = sum(v * v for v in weights.values())
    apart = changes.week[:, None] - changes.week[None, :]
    shared = {
        int(s): sum(v * weights.get(w + int(s), 0.0) for w, v in weights.items()) / size
        for s in np.unique(apart)
    }
    same = changes.team[:, None] == changes.team[None, :]
    return np.where(same, np.vectorize(shared.get, otypes=[float])(apart), 0.0)


def _between(value: Array, design: Array, noise: Array, kernel: Array, free: int) -> float:
    """Give the variance from team to team: that with which the weighted squares are what they should be."""

    def excess(between: float) -> float:
        inverse = np.linalg.pinv(noise + between * kernel, hermitian=True)
        hat = design @ np.linalg.pinv(design.T @ inverse @ design, hermitian=True) @ design.T @ inverse
        rest = value - hat @ value
        return float(rest @ inverse @ rest) - free

    if excess(0.0) <= 0:
        return 0.0
    high = float(np.var(value)) + 1e-12
    while excess(high) > 0:
        high *= 2
    low = 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return (low + high) / 2
