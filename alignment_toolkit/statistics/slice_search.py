"""A search for the few slices that explain a change best, with intervals that know how many slices were looked at."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignment_toolkit.statistics.inference import quantile, tail
from alignment_toolkit.statistics.part_intervals import FEWEST, FEWEST_ALIKE
from alignment_toolkit.statistics.resampling import generator

__all__ = ["FoundSlice", "search_slices"]

Array = NDArray[np.float64]
Members = tuple[tuple[int, int], ...]
DRAWS = 4000
MOST_CANDIDATES = 3000


@dataclass(frozen=True)
class FoundSlice:
    """A slice that moved otherwise than the rest.

    Attributes
    ----------
    members
        Dimension and value, by number.
    effect, low, high
        What it added to the change beyond the rest; the interval holds for all slices looked at together.
    p
        The chance that any of the slices looked at would stand out as much where none differs.
    n, looks
        Clusters in the slice, and slices looked at.
    """

    members: Members
    effect: float
    low: float
    high: float
    p: float
    n: int
    looks: int


def search_slices(
    codes: ArrayLike,
    clusters: ArrayLike,
    cells: ArrayLike,
    values: ArrayLike,
    *,
    ratio: bool,
    weights: ArrayLike | None = None,
    depth: int = 3,
    most: int = 5,
    level: float = 0.05,
    seed: str,
) -> tuple[FoundSlice, ...]:
    """Find the slices that moved otherwise than the rest, one after the other.

    Estimand, of a sum: what the slice has now less what it had before times the growth of the rest. Of a ratio: the
    whole change less the change without the slice. Each in the process that makes the clusters (delta method,
    Satterthwaite's degrees of freedom). The slice that stands out most is named where it would be the largest of all
    slices looked at by chance in less than 5 % of cases: the distribution of the largest is drawn from their joint
    normal distribution (Westfall and Young 1993, Resampling-Based Multiple Testing, chapter 2). Then it is set aside
    and the rest is searched anew; the search ends with the first that does not stand out.

    Parameters
    ----------
    codes
        A row per finest cell, a column per dimension: the number of the value.
    clusters, cells, values
        Long form: the cluster and the cell of a row, and its top then, bottom then, top now, bottom now.
    ratio
        Whether the figure is top / bottom; else the tops are summed.
    weights
        How many clusters a row stands for, where each row is one.
    depth, most
        How many dimensions a slice may name, and how many slices are told.
    level
        The chance of naming any slice where none differs.
    seed
        A text.
    """
    code = np.asarray(codes, dtype=int).reshape(len(np.asarray(codes)), -1)
    cell, x = np.asarray(cells, dtype=int), np.asarray(values, dtype=float).reshape(-1, 4)
    weight = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=float)
    _, cluster = np.unique(np.asarray(clusters), return_inverse=True)
    order = np.lexsort((*x.T, cell, cluster))
    cell, x, weight, cluster = cell[order], x[order], weight[order], cluster[order]
    left = np.ones(len(code), dtype=bool)
    found: list[FoundSlice] = []
    while len(found) < most:
        kept = left[cell]
        best = _best(
            code, left, cluster[kept], cell[kept], x[kept], weight[kept],
            ratio=ratio, depth=depth, level=level, seed=f"{seed}.{len(found)}",
        )  # fmt: skip
        if best is None:
            break
        found.append(best)
        left &= ~_inside(code, best.members)
    return tuple(found)


def _inside(code: NDArray[np.int64], members: Members) -> NDArray[np.bool_]:
    inside = np.ones(len(code), dtype=bool)
    for dimension, value in members:
        inside &= code[:, dimension] == value
    return inside


def _candidates(
    code: NDArray[np.int64], left: NDArray[np.bool_], depth: int
) -> tuple[list[Members], NDArray[np.bool_]]:
    """Give the slices of up to `depth` dimensions, each set of cells once and by its shortest name."""
    seen: dict[bytes, tuple[Members, NDArray[np.bool_]]] = {}
    for size in range(1, min(depth, code.shape[1]) + 1):
        for dimensions in itertools.combinations(range(code.shape[1]), size):
            for row in np.unique(code[left][:, dimensions], axis=0):
                members = tuple(zip(dimensions, map(int, row), strict=True))
                inside = _inside(code, members) & left
                if inside.any() and not (inside == left).all():
                    seen.setdefault(inside.tobytes(), (members, inside))
    chosen = list(seen.values())
    if len(chosen) > MOST_CANDIDATES:
        raise ValueError(
            f"{len(chosen):,} slices to look at, at most {MOST_CANDIDATES:,}; name fewer dimensions or a smaller depth"
        )
    names = [m for m, _ in chosen]
    return names, np.array([i for _, i in chosen]).reshape(len(chosen), len(code))


def _best(
    code: NDArray[np.int64],
    left: NDArray[np.bool_],
    cluster: NDArray[np.int64],
    cell: NDArray[np.int64],
    x: Array,
    weight: Array,
    *,
    ratio: bool,
    depth: int,
    level: float,
    seed: str,
) -> FoundSlice | None:
    names, inside = _candidates(code, left, depth)
    if not names or not len(x):
        return None
    sums = np.zeros((len(code), 4))
    np.add.at(sums, cell, x * weight[:, None])
    within = inside.astype(float) @ sums
    rest = sums.sum(axis=0) - within
    usable = (within[:, [0, 2]] != 0).any(axis=1) if not ratio else within[:, [1, 3]].all(axis=1)
    usable &= (rest[:, 1] > 0) & (rest[:, 3] > 0) if ratio else (rest[:, 0] > 0) & (rest[:, 2] > 0)
    names = [n for n, u in zip(names, usable, strict=True) if u]
    inside, within, rest = inside[usable], within[usable], rest[usable]
    if not names:
        return None
    effect, slopes_in, slopes_rest = (_of_ratio if ratio else _of_sum)(within, rest)
    # The influence of every cluster on every slice's effect.
    mine = inside[:, cell].T
    pieces = np.where(mine, x @ slopes_in.T, x @ slopes_rest.T)
    groups = int(cluster.max()) + 1
    influence = np.zeros((groups, len(names)))
    np.add.at(influence, cluster, pieces)
    count = np.zeros(groups)
    np.maximum.at(count, cluster, weight)
    members = np.zeros((groups, len(names)))
    np.maximum.at(members, cluster, mine * weight[:, None])
    squares = influence**2 * count[:, None]
    variance = squares.sum(axis=0)
    fourth = (influence**4 * count[:, None]).sum(axis=0)
    n = members.sum(axis=0)
    df = np.divide(2 * variance**2, fourth, out=np.zeros_like(variance), where=fourth > 0)
    fit = (variance > 0) & (df >= FEWEST_ALIKE) & (n >= FEWEST) & (count.sum() - n >= FEWEST)
    if not fit.any():
        return None
    se = np.sqrt(variance[fit])
    z = effect[fit] / se
    p = np.array([2 * tail(abs(float(t)), float(d)) for t, d in zip(z, df[fit], strict=True)])
    scaled = influence[:, fit] / se
    together = scaled.T @ (scaled * count[:, None])
    largest = _largest(together, seed)
    place = int(np.argmin(p))  # the first of several: the shortest name
    chance = float((1 + (largest >= _normal(float(p[place]))).sum()) / (1 + DRAWS))
    if chance > level:
        return None
    at = int(np.flatnonzero(fit)[place])
    # Student's quantile at the level that the largest of all asks for.
    one = 2 * tail(float(np.quantile(largest, 1 - level)))
    half = quantile(float(df[at]), 1 - one / 2) * float(se[place])
    value = float(effect[at])
    return FoundSlice(
        names[at], value, value - half, value + half, chance, round(float(n[at])), int(fit.sum())
    )


def _normal(p: float) -> float:
    return quantile(p=1 - max(p, 1e-15) / 2)


def _largest(together: Array, seed: str) -> Array:
    """Draw the largest of normal deviates with these correlations, in size."""
    values, vectors = np.linalg.eigh(together)
    root = vectors * np.sqrt(np.maximum(values, 0))
    root = root[:, values > 1e-9 * values.max()]
    drawn = generator(seed).standard_normal((DRAWS, root.shape[1])) @ root.T
    found: Array = np.abs(drawn).max(axis=1)
    return found


def _of_sum(within: Array, rest: Array) -> tuple[Array, Array, Array]:
    before, after = rest[:, 0], rest[:, 2]
    growth = after / before
    zero = np.zeros_like(growth)
    effect = within[:, 2] - within[:, 0] * growth
    slopes_in = np.column_stack([-growth, zero, zero + 1, zero])
    slopes_rest = np.column_stack([within[:, 0] * growth / before, zero, -within[:, 0] / before, zero])
    return effect, slopes_in, slopes_rest


def _of_ratio(within: Array, rest: Array) -> tuple[Array, Array, Array]:
    whole = within + rest

    def rates(sums: Array) -> tuple[Array, Array]:
        return sums[:, 0] / sums[:, 1], sums[:, 2] / sums[:, 3]

    def slopes(sums: Array) -> Array:
        r0, r1 = rates(sums)
        return np.column_stack([-1 / sums[:, 1], r0 / sums[:, 1], 1 / sums[:, 3], -r1 / sums[:, 3]])

    (w0, w1), (r0, r1) = rates(whole), rates(rest)
    all_, others = slopes(whole), slopes(rest)
    return (w1 - w0) - (r1 - r0), all_, all_ - others
