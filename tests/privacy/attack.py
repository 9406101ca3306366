"""Somebody who wants the numbers that are hidden: solves the published sums in whole numbers."""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp


def recovered(counts, sums, hidden):
    """Give the hidden cells that only one whole number fits, knowing only that counts are not negative."""
    order = sorted(hidden)
    if not order:
        return []
    place = {i: k for k, i in enumerate(order)}
    rows, known = [], []
    for total, parts in sums:
        row = np.zeros(len(order))
        rest = 0.0
        for i, sign in [(total, -1), *((p, 1) for p in parts)]:
            if i in place:
                row[place[i]] += sign
            else:
                rest += sign * counts[i]
        if row.any():
            rows.append(row)
            known.append(-rest)
    if not rows:
        return []
    sure = []
    for i in order:
        goal = np.zeros(len(order))
        ends = []
        for sign in (1, -1):
            goal[place[i]] = sign
            done = milp(
                goal,
                constraints=LinearConstraint(np.array(rows), known, known),
                integrality=np.ones(len(order)),
                bounds=Bounds(0, 100_000),
            )
            ends.append(sign * done.fun)
        if round(ends[0]) == round(ends[1]):
            sure.append(i)
    return sure


def one_way(rng):
    """Make a total and its parts."""
    parts = rng.negative_binomial(1, 0.04, size=rng.integers(2, 9)).tolist()
    return [sum(parts), *parts], [(0, tuple(range(1, len(parts) + 1)))]


def two_way(rng):
    """Make a table with both margins and the total."""
    high, wide = int(rng.integers(2, 5)), int(rng.integers(2, 5))
    cells = rng.negative_binomial(1, 0.05, size=(high, wide))
    counts = cells.ravel().tolist()
    across = [len(counts) + i for i in range(high)]
    counts += cells.sum(1).tolist()
    down = [len(counts) + j for j in range(wide)]
    counts += cells.sum(0).tolist()
    whole = len(counts)
    counts.append(int(cells.sum()))
    sums = [(across[i], tuple(i * wide + j for j in range(wide))) for i in range(high)]
    sums += [(down[j], tuple(i * wide + j for i in range(high))) for j in range(wide)]
    return counts, [*sums, (whole, tuple(across)), (whole, tuple(down))]
