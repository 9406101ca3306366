"""Segments that share strength: nearer to the truth than each alone or all together; order and degenerate input."""

from __future__ import annotations

import numpy as np
import pytest

from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics.client_ahead import total_ahead
from alignment_toolkit.statistics.client_groups import (
    Shared,
    share_purchases,
    share_spend,
    total_of_segments,
)
from alignment_toolkit.statistics.client_value import Purchases, Spend, fit_purchases

HORIZON = 26.0
Floats = np.ndarray


def history(model: Purchases, n: int, random: np.random.Generator) -> tuple[Floats, ...]:
    """Draw repeats, last, observed and the orders to come, order by order."""
    observed = random.uniform(10, 60, n)
    rate = random.gamma(model.r, 1 / model.alpha, n)  # type: ignore[arg-type, operator]
    silence = random.beta(model.a, model.b, n)  # type: ignore[arg-type]
    repeats, last, ahead, now = (np.zeros(n) for _ in range(4))
    alive = np.ones(n, dtype=bool)
    while alive.any():
        now = now + random.exponential(1 / rate)
        alive &= now < observed + HORIZON
        past, later = alive & (now <= observed), alive & (now > observed)
        repeats[past] += 1
        last[past] = now[past]
        ahead[later] += 1
        alive &= random.random(n) >= silence
    return repeats, last, observed, ahead


def company(
    seed: int, sizes: list[int], apart: float
) -> tuple[list[Purchases], np.ndarray, tuple[Floats, ...]]:
    """Draw segments whose rates differ by `apart` (standard deviation of the logarithm), as the odds of silence do."""
    random = np.random.default_rng(seed)
    models, rows = [], []
    for n in sizes:
        rate, odds = random.normal(size=2) * apart
        r, alpha, a, b = np.array([0.6, 6.0, 0.8, 2.5]) * np.exp([0, -rate, odds / 2, -odds / 2])
        models.append(Purchases(float(r), float(alpha), float(a), float(b), None, n))
        rows.append(history(models[-1], n, random))
    names = np.repeat([f"g{i}" for i in range(len(sizes))], sizes)
    return models, names, tuple(np.concatenate(column) for column in zip(*rows, strict=True))


@pytest.fixture(scope="module")
def four() -> tuple[np.ndarray, tuple[Floats, ...], Shared[Purchases]]:
    _, names, rows = company(3, [30, 60, 200, 400], 0.6)
    return names, rows, share_purchases(names, *rows[:3])


def rate(model: Purchases) -> float:
    return float(np.log(model.r / model.alpha))  # type: ignore[operator]


def test_a_segment_lies_between_its_own_rate_and_that_of_all(
    four: tuple[np.ndarray, tuple[Floats, ...], Shared[Purchases]],
) -> None:
    names, rows, shared = four
    assert sorted(shared.own) == ["g0", "g1", "g2", "g3"]
    drawn = {}
    for k in shared.own:
        own = fit_purchases(*(v[names == k] for v in rows[:3]))
        drawn[k] = (rate(shared.of(k)) - rate(own)) / (rate(shared.whole) - rate(own))
    assert all(-0.1 < v < 1.1 for v in drawn.values())
    # Thirty clients say little of themselves, four hundred nearly all.
    assert drawn["g0"] > 2 * abs(drawn["g3"])
    assert shared.of("never seen") == shared.whole


def test_order_of_rows_does_not_matter(
    four: tuple[np.ndarray, tuple[Floats, ...], Shared[Purchases]],
) -> None:
    names, rows, shared = four
    other = np.random.default_rng(1).permutation(len(names))
    assert share_purchases(names[other], *(v[other] for v in rows[:3])) == shared


def test_segments_that_do_not_differ_get_the_model_of_all() -> None:
    _, _, alike = company(5, [80], 0.0)
    names, rows = np.repeat(["a", "b", "c", "d"], 80), [np.tile(v, 4) for v in alike]
    shared = share_purchases(names, *rows[:3])
    assert shared.between[0] < 0.1
    assert [rate(m) for m in shared.own.values()] == pytest.approx([rate(shared.whole)] * 4, abs=0.06)
    told = total_of_segments(shared, names, *rows[:3], horizon=HORIZON)
    whole = total_ahead(shared.whole, *rows[:3], horizon=HORIZON)
    assert told.value == pytest.approx(whole.value, rel=0.03)
    # Segments that lean on the same middle err together: the interval is no narrower for the number of segments.
    assert width(told) == pytest.approx(width(whole), rel=0.15)


def width(e: Estimate) -> float:
    return float(e.high - e.low)  # type: ignore[operator]


def test_sizes_of_orders_share_too() -> None:
    random = np.random.default_rng(2)
    sizes, level = [40, 400, 400], [1.0, 2.0, 0.5]
    names = np.repeat(["a", "b", "c"], sizes)
    own = random.gamma(4.0, 1 / (15.0 * np.repeat(level, sizes)))
    mean = random.gamma(6.0 * 3, 1 / own) / 3
    shared = share_spend(names, np.full(len(names), 3), mean)
    told = [float(shared.of(k).expected(0, 0)[0]) for k in ("a", "b", "c")]
    assert told == pytest.approx([30.0, 60.0, 15.0], rel=0.2)
    assert float(shared.whole.expected(0, 0)[0]) == pytest.approx(37.0, rel=0.2)


DEGENERATE = {
    "nobody": ([], [], [], []),
    "one client": (["a"], [1], [2], [3]),
    "none came back": (["a", "b"] * 30, [0] * 60, [0] * 60, [9] * 60),
    "nothing known": (["a", "b"] * 30, [np.nan] * 60, [np.nan] * 60, [np.nan] * 60),
}


@pytest.mark.parametrize("case", DEGENERATE.values(), ids=DEGENERATE)
def test_degenerate_segments_have_a_reason(case: tuple[list[object], ...]) -> None:
    shared = share_purchases(*case)  # type: ignore[arg-type]
    assert shared.whole.problem
    assert not shared.own
    told = total_of_segments(shared, *case, horizon=1)  # type: ignore[arg-type]
    assert told.value is None
    assert str(shared.whole.problem) in told.method


def test_a_segment_of_one_client_and_one_without_a_repeat_have_a_model() -> None:
    _, names, rows = company(3, [200, 200], 0.3)
    names = np.concatenate([names, ["alone"], ["silent"] * 20])
    more = [
        np.concatenate([v, [w], [z] * 20]) for v, w, z in zip(rows[:3], (4, 20, 30), (0, 0, 30), strict=True)
    ]
    shared = share_purchases(names, *more)
    assert np.isfinite([rate(m) for m in shared.own.values()]).all()
    assert rate(shared.of("silent")) < rate(shared.whole)
    assert total_of_segments(shared, names, *more, horizon=HORIZON).low is not None


def test_no_model_of_sizes_is_told() -> None:
    _, names, rows = company(3, [60, 60], 0.3)
    shared = share_purchases(names, *rows[:3])
    same = share_spend(names, rows[0] + 1, np.full(len(names), 7.0))
    told = total_of_segments(shared, names, *rows[:3], horizon=HORIZON, spend=same, mean=[7.0] * 120)
    assert told.value is None
    assert "the same mean size" in told.method
    assert same.of("g0") == Spend(None, None, None, None, 120, "all clients' orders have the same mean size")


@pytest.mark.slow
@pytest.mark.parametrize("apart", [0.0, 0.2, 0.4, 0.8])
def test_sharing_is_nearer_to_the_truth_than_either_extreme(apart: float) -> None:
    sizes = [40, 40, 80, 80, 160, 400, 800]
    off: dict[str, list[float]] = {"own": [], "whole": [], "shared": []}
    inside, together = [], []
    for seed in range(40):
        models, names, rows = company(seed, sizes, apart)
        shared = share_purchases(names, *rows[:3])
        total = total_of_segments(shared, names, *rows[:3], horizon=HORIZON)
        together.append(total.low <= rows[3].sum() <= total.high)  # type: ignore[operator]
        for i, truth in enumerate(models):
            k, mine = f"g{i}", names == f"g{i}"
            who = [v[mine] for v in rows[:3]]
            told = total_ahead(shared.of(k), *who, horizon=HORIZON)
            inside.append(told.low <= rows[3][mine].sum() <= told.high)  # type: ignore[operator]
            if sizes[i] > 80:
                continue
            right = truth.expected(*who, HORIZON).sum()
            for way, model in (
                ("own", fit_purchases(*who)),
                ("whole", shared.whole),
                ("shared", shared.of(k)),
            ):
                off[way].append(float(np.log(model.expected(*who, HORIZON).sum() / right)))
    error = {way: float(np.sqrt(np.nanmean(np.square(v)))) for way, v in off.items()}
    if apart >= 0.4:
        assert error["shared"] < min(0.8 * error["own"], 0.9 * error["whole"])
    elif apart:
        assert error["shared"] < min(0.6 * error["own"], 1.05 * error["whole"])
    else:  # nothing is to be told apart: what it costs to look is far less than to go alone
        assert error["shared"] < min(0.4 * error["own"], 2 * error["whole"])
    assert 0.90 <= np.mean(inside) <= 0.98
    assert 0.90 <= np.mean(together) <= 0.99
