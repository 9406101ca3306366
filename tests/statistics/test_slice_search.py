"""The search for slices: effects by hand, silence without a difference, planted slices found, many looks told."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from alignment_toolkit.statistics.inference import tail
from alignment_toolkit.statistics.slice_search import FoundSlice, search_slices

RUNS = 100


def world(rng: np.random.Generator, *, lift: float = 0.0, n: int = 300) -> tuple[Any, ...]:
    """Draw accounts of 4 regions and 3 sizes, which buy up to 3 products in either period, and come again as they are.

    What region 1 buys of product 2 grows by the lift.
    """
    region, size = rng.integers(0, 4, n), rng.integers(0, 3, n)
    account, product = (a.ravel() for a in np.meshgrid(np.arange(n), np.arange(3), indexing="ij"))
    kept = rng.random(len(account)) < 0.5
    account, product = account[kept], product[kept]
    worth = rng.lognormal(0, 0.7, n)[account]
    then, now = (
        worth * rng.lognormal(0, 0.4, len(account)) * (rng.random(len(account)) < 0.7) for _ in range(2)
    )
    now = now * np.where((region[account] == 1) & (product == 2), 1 + lift, 1.0)
    codes = np.column_stack([region[account], size[account], product])
    cells, cell = np.unique(codes, axis=0, return_inverse=True)
    values = np.column_stack([then, then > 0, now, now > 0]).astype(float)
    return cells, account, cell.ravel(), values


@pytest.mark.parametrize("ratio", [False, True])
def test_nothing_is_found_where_nothing_differs(ratio: bool) -> None:
    rng = np.random.default_rng(20 + ratio)
    worlds = [world(rng) for _ in range(RUNS)]
    false = sum(bool(search_slices(*w, ratio=ratio, seed="null")) for w in worlds)
    assert false <= 0.05 * RUNS + 2 * math.sqrt(RUNS * 0.05 * 0.95)
    # Positive control: the best of all slices, judged as if it were the only one, nearly always stands out.
    naive = sum(lone_p(w, ratio) < 0.05 for w in worlds[:40])
    assert naive > 0.4 * 40


def lone_p(w: tuple[Any, ...], ratio: bool) -> float:
    """Give the p of the slice that stands out most as if nobody had looked at any other."""
    [best] = search_slices(*w, ratio=ratio, most=1, level=0.999999, seed="null")
    return one_look(w, best, ratio)


def one_look(w: tuple[Any, ...], s: FoundSlice, ratio: bool) -> float:
    cells, account, cell, values = w
    inside = np.ones(len(cell), dtype=bool)
    for dimension, value in s.members:
        inside &= cells[cell, dimension] == value
    within, rest = values[inside].sum(axis=0), values[~inside].sum(axis=0)
    pieces = np.zeros(len(values))
    if ratio:
        whole = within + rest
        for sums, sign, mask in ((whole, 1, slice(None)), (rest, -1, ~inside)):
            r0, r1 = sums[0] / sums[1], sums[2] / sums[3]
            x = values[mask]
            pieces[mask] += sign * ((x[:, 2] - r1 * x[:, 3]) / sums[3] - (x[:, 0] - r0 * x[:, 1]) / sums[1])
    else:
        g = rest[2] / rest[0]
        pieces[inside] = values[inside, 2] - g * values[inside, 0]
        pieces[~inside] = -within[0] / rest[0] * (values[~inside, 2] - g * values[~inside, 0])
    u = np.bincount(account, weights=pieces)
    return 2 * tail(abs(s.effect) / math.sqrt((u**2).sum()))


def test_a_planted_slice_is_found_by_its_name() -> None:
    rng = np.random.default_rng(5)
    runs = 20
    found = [search_slices(*world(rng, lift=2.0, n=1500), ratio=False, seed="planted") for _ in range(runs)]
    assert sum(bool(f) for f in found) >= 0.95 * runs
    first = [f[0] for f in found if f]
    assert sum(bool({(0, 1), (2, 2)} & set(s.members)) for s in first) >= 0.9 * len(first)
    assert sum(dict(s.members) == {0: 1, 2: 2} for s in first) >= 0.6 * len(first)
    assert all(s.effect > s.low > 0 for s in first if (2, 2) in s.members)
    assert all(s.low > 0 or s.high < 0 for s in first)


def test_the_effect_by_hand() -> None:
    # Region 0: 20 accounts of 10 become 30. Regions 1 and 2: 20 accounts of 10 each become 11.
    cells = [[0], [1], [2]]
    account = np.arange(60)
    cell = np.repeat([0, 1, 2], 20)
    jitter = np.tile([-0.5, 0.5], 30)
    values = np.column_stack(
        [np.full(60, 10.0), np.ones(60), np.where(cell == 0, 30.0, 11.0) + jitter, np.ones(60)]
    )
    [one] = search_slices(cells, account, cell, values, ratio=False, most=1, seed="hand")
    assert one.members == ((0, 0),)
    assert one.effect == pytest.approx(20 * 30 - 20 * 10 * 1.1)
    assert one.n == 20
    [mean] = search_slices(cells, account, cell, values, ratio=True, most=1, seed="hand")
    assert mean.members == ((0, 0),)
    assert mean.effect == pytest.approx((20 * 30 + 40 * 11) / 60 - 10 - (11 - 10))


def test_order_of_rows_and_depth() -> None:
    rng = np.random.default_rng(6)
    cells, account, cell, values = world(rng, lift=3.0, n=800)
    shuffled = rng.permutation(len(cell))
    one = search_slices(cells, account, cell, values, ratio=False, seed="order")
    other = search_slices(
        cells, account[shuffled], cell[shuffled], values[shuffled], ratio=False, seed="order"
    )
    assert one
    assert [(s.members, s.n, s.looks) for s in one] == [(s.members, s.n, s.looks) for s in other]
    assert [s.low for s in one] == pytest.approx([s.low for s in other])
    flat = search_slices(cells, account, cell, values, ratio=False, depth=1, seed="order")
    assert all(len(s.members) == 1 for s in flat)
    assert all(f.looks <= 10 for f in flat)


def test_few_clusters_are_no_slice() -> None:
    rng = np.random.default_rng(7)
    assert search_slices(*world(rng, lift=9.0, n=12), ratio=False, seed="few") == ()


def test_too_many_slices_are_refused() -> None:
    rng = np.random.default_rng(8)
    codes = rng.integers(0, 30, (3500, 3))
    cells, cell = np.unique(codes, axis=0, return_inverse=True)
    with pytest.raises(ValueError, match="slices to look at"):
        search_slices(cells, np.arange(3500), cell.ravel(), np.ones((3500, 4)), ratio=False, seed="many")
