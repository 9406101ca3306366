"""Which counts must be hidden so that no small one can be worked out from those that are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

__all__ = ["LEAST", "hidden_cells"]

LEAST: Final = 10
# Beyond this many hidden cells a table is hidden whole: the check would take longer than a report may.
_MOST: Final = 250


def hidden_cells(
    counts: Sequence[float],
    sums: Sequence[tuple[int, tuple[int, ...]]],
    *,
    least: float = LEAST,
    also: frozenset[int] = frozenset(),
) -> set[int]:
    """Give the positions of the counts to hide.

    Parameters
    ----------
    counts
        All counts, totals among them.
    sums
        What adds up: the position of a total and those of its parts.
    least
        The smallest count that may be shown.
    also
        Positions that are hidden for another reason.

    Returns
    -------
    set of int
        Counts below `least`, and as few others as it takes that none of the hidden can be worked out exactly by who
        knows the sums and that no count is negative.

    Examples
    --------
    >>> sorted(hidden_cells([100, 3, 40, 57], [(0, (1, 2, 3))]))
    [1, 2]
    >>> hidden_cells([100, 43, 57], [(0, (1, 2))])
    set()
    """
    hidden = {i for i, count in enumerate(counts) if count < least} | set(also)
    while hidden:
        more = _thin(counts, sums, hidden, least) or _known(counts, sums, hidden)
        if not more:
            return hidden
        hidden |= more
        if len(hidden) > _MOST:
            return hidden | {i for _, parts in sums for i in parts}
    return hidden


def _thin(
    counts: Sequence[float], sums: Sequence[tuple[int, tuple[int, ...]]], hidden: set[int], least: float
) -> set[int]:
    """Give one more cell of a sum whose hidden cells are alone or together too small."""
    for total, parts in sums:
        gone = [i for i in parts if i in hidden]
        shown = sorted((i for i in parts if i not in hidden), key=lambda i: (counts[i], i))
        if total in hidden:
            if not gone and shown:
                return {shown[0]}
            continue
        if gone and (len(gone) < 2 or sum(counts[i] for i in gone) < least):
            # A total of which no part is left to hide is hidden itself.
            return {shown[0]} if shown else {total}
    return set()


def _known(
    counts: Sequence[float], sums: Sequence[tuple[int, tuple[int, ...]]], hidden: set[int]
) -> set[int]:
    """Give one more cell next to a hidden one that can be worked out from the sums together."""
    solved = next((i for i in sorted(hidden) if _exact(i, counts, sums, hidden)), None)
    if solved is None:
        return set()
    near = {i for total, parts in sums if solved in (total, *parts) for i in (total, *parts)} - hidden
    wide = near or ({i for total, parts in sums for i in (total, *parts)} - hidden)
    return {min(wide, key=lambda i: (counts[i], i))} if wide else set()


def _exact(
    cell: int, counts: Sequence[float], sums: Sequence[tuple[int, tuple[int, ...]]], hidden: set[int]
) -> bool:
    from scipy.optimize import linprog

    order = sorted(hidden)
    place = {i: k for k, i in enumerate(order)}
    left, right = [], []
    for total, parts in sums:
        row = [0.0] * len(order)
        known = 0.0
        for i, sign in [(total, -1.0), *((p, 1.0) for p in parts)]:
            if i in place:
                row[place[i]] += sign
            else:
                known += sign * counts[i]
        if any(row):
            left.append(row)
            right.append(-known)
    if not left:
        return False
    goal = [0.0] * len(order)
    ends = []
    for sign in (1.0, -1.0):
        goal[place[cell]] = sign
        done = linprog(goal, A_eq=left, b_eq=right, bounds=(0, None), method="highs")
        if done.status == 3:  # no bound on this side
            return False
        if done.status != 0:
            return True
        ends.append(sign * done.fun)
    return bool(ends[1] - ends[0] < 1 - 1e-6)
