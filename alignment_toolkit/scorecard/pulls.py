"""Several levers at once, each pulled as far as one likes: the incentive check along a road of one's own."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from alignment_toolkit.errors import ParameterError, UnknownName
from alignment_toolkit.languages import say
from alignment_toolkit.scorecard.incentives import Spans, Weights, row_of
from alignment_toolkit.scorecard.levers import LEVERS, REFERENCES, Lever, State

__all__ = ["FARTHEST", "check_pulls"]

FARTHEST: Final = 5.0
"""Farther than this the assumptions on how others answer say nothing any more."""


def check_pulls(
    pulls: Mapping[str, float],
    weights: Weights,
    better: Mapping[str, str],
    spans: Spans | None = None,
) -> dict[str, Any]:
    """Give what these levers do together to KPIs, department scores and profit.

    A lever multiplies quantities of the company; pulled `k` times as far it multiplies them by the `k`-th power, so
    half a pull twice is a whole one, and -1 undoes it. Several levers act one after the other; their order does not
    matter. How others answer is tried over all combinations of least, middle and most.

    Parameters
    ----------
    pulls
        Lever -> how far: 1 as described, 0 not at all, at most `FARTHEST` either way.
    weights, better, spans
        As in ``check_incentives``.

    Returns
    -------
    dict
        A row as ``check_incentives`` gives it, of the lever ``together``.

    Examples
    --------
    >>> cards = {"marketing": {"leads": 1}, "sales": {"win-rate": 1}}
    >>> row = check_pulls({"more-weaker-leads": 2}, cards, {"leads": "higher", "win-rate": "higher"})
    >>> [(s["department"], round(s["change"], 3)) for s in row["scores"]]
    [('marketing', 0.21), ('sales', -0.219)]
    """
    known = {lever.id: lever for lever in LEVERS}
    chosen: list[tuple[Lever, float]] = []
    for id, far in sorted(pulls.items()):
        if id not in known:
            raise UnknownName("lever", id, known)
        if not abs(far) <= FARTHEST:
            raise ParameterError(f"A lever is pulled by at most {FARTHEST:g} either way; {id} is {far:g}.")
        if far:
            chosen.append((known[id], far))
    return row_of(_together(chosen), weights, better, spans or REFERENCES)


def _together(chosen: Sequence[tuple[Lever, float]]) -> Lever:
    """Make one lever of several; its answers number the combinations, the second of which is the middle of all."""
    each = [lever.answers for lever, _ in chosen]
    middle = tuple(answers[1] for answers in each)
    combinations = [middle, middle, *itertools.product(*each)]

    def move(start: State, number: float) -> State:
        state = start
        for (lever, far), answer in zip(chosen, combinations[int(number)], strict=True):
            state = _farther(state, lever.move(state, answer), far)
        return state

    told = [
        say("{title} ({pull}, {far:g} times as far)", title=say(lever.title), pull=say(lever.pull), far=far)
        for lever, far in chosen
    ]
    who = {lever.who for lever, _ in chosen}
    assumed = "; ".join(f"{say(lever.title)}: {say(lever.assumes)}" for lever, _ in chosen)
    return Lever(
        "together", "; ".join(told) or say("No lever is pulled"), who.pop() if len(who) == 1 else "both",
        say("all at once"), assumed, tuple(range(len(combinations))), move,
    )  # fmt: skip


def _farther(start: State, after: State, far: float) -> State:
    moved = {}
    for one in fields(State):
        first, then = getattr(start, one.name), getattr(after, one.name)
        moved[one.name] = then if first == then or first <= 0 else first * (then / first) ** far
    return State(**moved)
