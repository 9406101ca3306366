"""Splits of a change: published numbers, exact sums for any data, second implementations, coverage by simulation."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment_toolkit.statistics.decomposition import (
    Split,
    lmdi,
    mix_and_rate,
    price_volume_mix,
    shapley,
    shapley_of,
)
from alignment_toolkit.statistics.inference import Z95
from alignment_toolkit.statistics.part_intervals import part_intervals
from alignment_toolkit.statistics.simpson import one_by_one, simpson_paradox

# Units 60/50 and 50/40 (actual/budget) at prices 1.10/1.20 and 1.00/0.80: revenue 116 against 92.
BUDGET = ([50, 40], [60, 32])
ACTUAL = ([60, 50], [66, 50])
STONES = ([234, 55], [270, 80], [81, 192], [87, 263])
POSITIVE = st.floats(1e-3, 1e6)
ANY = st.one_of(st.just(0.0), POSITIVE)


def adds_up(split: Split) -> bool:
    """Say whether the parts add up to 1e-9 of the total, or where parts dwarf it, as closely as floats can."""
    parts = list(split.parts.values())
    left = abs(math.fsum(parts) - split.total)
    return left <= max(1e-9 * abs(split.total), 4e-16 * max(map(abs, parts)))


# Published numbers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "expected", "tolerance"),
    [
        ("classic", {"price": 4.0, "volume": 20.444, "mix": -0.444}, 1e-3),
        ("symmetric", {"price": 3.5, "volume": 20.5}, 1e-12),
        ("lmdi", {"price": 3.522429, "volume": 20.726300, "mix": -0.248729}, 1e-6),
    ],
)
def test_price_volume_mix_known_numbers(way: str, expected: dict[str, float], tolerance: float) -> None:
    split = price_volume_mix(*BUDGET, *ACTUAL, way=way)
    assert split.total == 24
    assert split.parts == {name: pytest.approx(part, abs=tolerance) for name, part in expected.items()}


def test_kidney_stones_charig_1986_turn_around() -> None:
    found = simpson_paradox(*STONES)
    assert found.fires
    assert (found.flipped, found.compared) == (2, 2)
    assert found.total < 0 < found.within
    assert found.total == pytest.approx(273 / 350 - 289 / 350)


def test_kitagawa_by_hand() -> None:
    # Rates 10 % and 30 % become 20 % and 30 %; shares 1/2 and 1/2 become 1/4 and 3/4.
    split = mix_and_rate([5, 15], [50, 50], [5, 22.5], [25, 75])
    assert split.parts == {
        "mix": pytest.approx(0.25 * 0.3 - 0.25 * 0.1),
        "rate": pytest.approx(0.5 * 0.1),
        "interaction": pytest.approx(-0.25 * 0.1),
    }
    halved = mix_and_rate([5, 15], [50, 50], [5, 22.5], [25, 75], interaction=False)
    assert halved.parts == {"mix": pytest.approx(0.05 - 0.0125), "rate": pytest.approx(0.05 - 0.0125)}


# Second implementations -----------------------------------------------------------------------------------------


def by_orders(
    value: Callable[[Sequence[float]], float], then: Sequence[float], now: Sequence[float]
) -> list[float]:
    """Change the factors one by one in every order, and take the mean."""
    sums = [0.0] * len(then)
    orders = list(itertools.permutations(range(len(then))))
    for order in orders:
        state = list(then)
        for i in order:
            before = value(state)
            state[i] = now[i]
            sums[i] += value(state) - before
    return [s / len(orders) for s in sums]


@given(st.lists(st.tuples(ANY, ANY), min_size=1, max_size=4))
def test_shapley_is_the_mean_over_all_orders(pairs: list[tuple[float, float]]) -> None:
    then, now = [p[0] for p in pairs], [p[1] for p in pairs]
    split = shapley(then, now)
    size = max(math.prod(then), math.prod(now), max(map(abs, split.parts.values())), 1e-300)
    assert list(split.parts.values()) == pytest.approx(by_orders(math.prod, then, now), abs=1e-9 * size)
    of = shapley_of(math.prod, then, now)
    assert list(of.parts.values()) == pytest.approx(list(split.parts.values()), abs=1e-9 * size)


@given(st.tuples(POSITIVE, POSITIVE), st.tuples(POSITIVE, POSITIVE))
def test_lmdi_is_the_logarithmic_mean(then: tuple[float, float], now: tuple[float, float]) -> None:
    v0, v1 = math.prod(then), math.prod(now)
    if abs(math.log(v1 / v0)) < 1e-6:  # the plain quotient below loses its digits there
        return
    mean = (v1 - v0) / math.log(v1 / v0)
    expected = [mean * math.log(b / a) for a, b in zip(then, now, strict=True)]
    assert list(lmdi(then, now).parts.values()) == pytest.approx(expected, rel=1e-6, abs=1e-9 * (v0 + v1))


def test_the_halves_of_das_gupta_are_shapley_of_mix_and_rates() -> None:
    rng = np.random.default_rng(3)
    n0, n1 = rng.integers(5, 50, 4), rng.integers(5, 50, 4)
    s0, s1 = rng.binomial(n0, 0.4), rng.binomial(n1, 0.5)
    mixes, rates = [n0 / n0.sum(), n1 / n1.sum()], [s0 / n0, s1 / n1]
    by_hand = by_orders(lambda f: float(mixes[int(f[0])] @ rates[int(f[1])]), [0, 0], [1, 1])
    split = mix_and_rate(s0, n0, s1, n1, interaction=False)
    assert list(split.parts.values()) == pytest.approx(by_hand)


# Exact sums, zero, new and vanished -------------------------------------------------------------------------------

ITEMS = st.lists(st.tuples(ANY, ANY, ANY, ANY), min_size=1, max_size=6)


@given(ITEMS)
def test_products_add_up(items: list[tuple[float, float, float, float]]) -> None:
    rows = np.array(items)
    for split in (shapley(rows[:, :2], rows[:, 2:]), lmdi(rows[:, :2], rows[:, 2:])):
        assert split.total == pytest.approx(
            math.fsum(rows[:, 2] * rows[:, 3]) - math.fsum(rows[:, 0] * rows[:, 1]),
            abs=1e-12 * (1 + split.level),
        )
        assert adds_up(split)


@given(ITEMS)
def test_price_volume_mix_adds_up(items: list[tuple[float, float, float, float]]) -> None:
    rows = np.array(items)
    q0, q1 = rows[:, 0], rows[:, 2]
    a0, a1 = np.where(q0 > 0, rows[:, 1], 0.0), np.where(q1 > 0, rows[:, 3], 0.0)
    if not (q0.sum() and q1.sum()):
        with pytest.raises(ValueError, match="volume above 0"):
            price_volume_mix(q0, a0, q1, a1)
        return
    for way in ("classic", "symmetric", "lmdi"):
        split = price_volume_mix(q0, a0, q1, a1, way=way)
        assert split.total == pytest.approx(a1.sum() - a0.sum(), abs=1e-12 * (1 + split.level))
        assert adds_up(split)


@given(st.lists(st.tuples(*[st.integers(0, 40)] * 4), min_size=1, max_size=8))
def test_mix_and_rate_adds_up(groups: list[tuple[int, int, int, int]]) -> None:
    a, b, c, d = np.array(groups).T
    s0, n0, s1, n1 = np.minimum(a, b), b, np.minimum(c, d), d
    if not (n0.sum() and n1.sum()):
        with pytest.raises(ValueError, match="bottom above 0"):
            mix_and_rate(s0, n0, s1, n1)
        return
    for interaction in (True, False):
        split = mix_and_rate(s0, n0, s1, n1, interaction=interaction)
        assert split.total == pytest.approx(s1.sum() / n1.sum() - s0.sum() / n0.sum(), abs=1e-12)
        assert adds_up(split)


def test_new_and_vanished_products_have_no_part_in_price() -> None:
    split = price_volume_mix([10, 5, 0], [100, 50, 0], [10, 0, 5], [110, 0, 100])
    assert split.values[:, 0] == pytest.approx([10, 0, 0])
    assert adds_up(split)


def test_new_and_vanished_groups_are_mix() -> None:
    # The first group is gone, the last is new; the one that stayed kept its rate.
    split = mix_and_rate([9, 2, 0], [10, 10, 0], [0, 2, 6], [0, 10, 10])
    assert split.parts["rate"] == split.parts["interaction"] == 0
    assert split.parts["mix"] == pytest.approx(split.total) == pytest.approx(8 / 20 - 11 / 20)


def test_a_factor_that_did_not_exist_does_not_change() -> None:
    assert shapley([0, math.nan], [4, 2.5], ["clients", "each"]).parts == {"clients": 10, "each": 0}


def test_lmdi_by_its_limit() -> None:
    assert lmdi([0, 5], [3, 5], ["a", "b"]).parts == {"a": 15, "b": 0}
    assert lmdi([0, 0], [3, 5], ["a", "b"]).parts == {"a": 7.5, "b": 7.5}
    with pytest.raises(ValueError, match="shapley takes any values"):
        lmdi([-1, 5], [3, 5])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: shapley([1, 2], [1]), "shape"),
        (lambda: shapley([1, 2], [1, 2], ["one"]), "1 names for 2 factors"),
        (lambda: shapley([1.0] * 11, [2.0] * 11), "at most 10"),
        (lambda: price_volume_mix([0], [5], [1], [5]), "no price"),
        (lambda: price_volume_mix([1], [5], [1], [5], way="other"), "classic, symmetric or lmdi"),
    ],
)
def test_what_cannot_be_split(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


# Intervals ------------------------------------------------------------------------------------------------------


def revenue_parts(sums: Any) -> list[float]:
    a0, o0, r0, a1, o1, r1 = sums
    return list(shapley([a0, o0 / a0, r0 / o0], [a1, o1 / a1, r1 / o1]).parts.values())


def accounts(rng: np.random.Generator, expected: int) -> Any:
    """Draw accounts that stay themselves in both periods: how large, and how likely to come again."""
    n = rng.poisson(expected)
    size = rng.lognormal(0, 0.8, n)
    then = rng.random(n) < 0.5
    now = rng.random(n) < np.where(then, 0.7, 0.3)
    orders = [np.where(here, 1 + rng.poisson(mean, n), 0) for here, mean in ((then, 0.8), (now, 1.0))]
    money = [o * size * rng.lognormal(0, 0.3, n) for o in orders]
    x = np.column_stack([then, orders[0], money[0], now, orders[1], money[1]]).astype(float)
    return x[then | now]


def test_coverage_of_the_parts_of_revenue() -> None:
    rng = np.random.default_rng(11)
    truth = revenue_parts(np.mean([accounts(rng, 150).sum(axis=0) for _ in range(3000)], axis=0))
    runs, told = 500, {"n_unit": "accounts", "unit": "money", "method": ""}
    hits, given_, wider = np.zeros(3), np.zeros(3), []
    for _ in range(runs):
        x = accounts(rng, 150)
        # The naive way takes the two periods as different accounts.
        apart = np.vstack([x * [1, 1, 1, 0, 0, 0], x * [0, 0, 0, 1, 1, 1]])
        for i, (e, f) in enumerate(
            zip(
                part_intervals(revenue_parts, x.sum(axis=0), x, **told),
                part_intervals(revenue_parts, x.sum(axis=0), apart, **told),
                strict=True,
            )
        ):
            if e.low is None or e.high is None or f.low is None or f.high is None:
                continue
            given_[i] += 1
            hits[i] += e.low <= truth[i] <= e.high
            if i == 2:
                wider.append((f.high - f.low) / (e.high - e.low))
    error = 2 * math.sqrt(0.05 * 0.95 / runs)
    assert (given_ > 0.9 * runs).all()
    assert (hits / given_ >= 0.93 - error).all()
    assert (hits / given_ <= 0.97 + 2 * error).all()
    assert np.median(wider) > 1.2  # what an account keeps cancels out, and only whole accounts know it


def mixed(sums: Any) -> list[float]:
    return list(mix_and_rate(*np.reshape(sums, (4, -1))).parts.values())


def test_coverage_of_mix_and_rate() -> None:
    rng = np.random.default_rng(12)
    shares, rates = (
        np.array([[0.5, 0.3, 0.2], [0.3, 0.3, 0.4]]),
        np.array([[0.1, 0.2, 0.4], [0.15, 0.2, 0.3]]),
    )
    truth = mixed(np.concatenate([shares[0] * rates[0], shares[0], shares[1] * rates[1], shares[1]]))
    runs, hits = 500, np.zeros(3)
    for _ in range(runs):
        n = [rng.multinomial(300, p) for p in shares]
        s = [rng.binomial(m, r) for m, r in zip(n, rates, strict=True)]
        sums = [s[0], n[0], s[1], n[1]]
        rows, weights = one_by_one(*[np.asarray(v, dtype=float) for v in sums])
        found = part_intervals(
            mixed, np.concatenate(sums), rows, weights=weights, n_unit="leads", unit="share", method=""
        )
        hits += [
            e.low is not None and e.high is not None and e.low <= t <= e.high
            for e, t in zip(found, truth, strict=True)
        ]
    error = 2 * math.sqrt(0.05 * 0.95 / runs)
    assert (hits / runs >= 0.93 - error).all()
    assert (hits / runs <= 0.97 + error).all()


def test_variance_by_hand_and_in_long_form() -> None:
    rng = np.random.default_rng(5)
    x = rng.poisson(3, (40, 2)).astype(float)
    told = {"n_unit": "rows", "unit": "count", "method": ""}
    parts = lambda s: [s[1] - s[0], s[0]]  # noqa: E731
    change, _ = part_intervals(parts, x.sum(axis=0), x, **told)
    u = x[:, 1] - x[:, 0]
    n = (u != 0).sum()
    from scipy.stats import t

    half = t.ppf(0.975, 2 * (u**2).sum() ** 2 / (u**4).sum()) * math.sqrt((u**2).sum() * n / (n - 1))
    assert change.high == pytest.approx(u.sum() + half, rel=1e-6)
    clusters, columns = np.repeat(np.arange(40), 2), np.tile([0, 1], 40)
    shuffled = rng.permutation(80)
    long = part_intervals(
        parts,
        x.sum(axis=0),
        x.ravel()[shuffled],
        clusters=clusters[shuffled],
        columns=columns[shuffled],
        **told,
    )
    assert long[0].low == pytest.approx(change.low)
    assert long[0].n == 40


def test_few_clusters_have_no_interval() -> None:
    told = {"n_unit": "accounts", "unit": "money", "method": "delta"}
    [few] = part_intervals(lambda s: [s[0]], [9], np.ones((9, 1)), **told)
    assert (few.value, few.low, few.high) == (9, None, None)
    assert "at least 10 accounts" in few.method
    whale = np.ones((50, 1))
    whale[0] = 1000
    [one] = part_intervals(lambda s: [s[0]], [1049], whale, **told)
    assert one.low is None
    assert "nearly all" in one.method


# Simpson --------------------------------------------------------------------------------------------------------


def planted(rng: np.random.Generator, *, paradox: bool) -> tuple[Any, ...]:
    """Give counts of four groups; with the paradox every rate rises and the weak groups grow."""
    rates = np.array([0.1, 0.2, 0.5, 0.6])
    mix0, mix1 = np.array([0.15, 0.15, 0.35, 0.35]), np.array([0.35, 0.35, 0.15, 0.15])
    n0 = rng.multinomial(3000, mix0)
    n1 = rng.multinomial(3000, mix1 if paradox else mix0)
    return rng.binomial(n0, rates), n0, rng.binomial(n1, rates + 0.06 * paradox), n1


def test_planted_paradox_is_found_and_no_other() -> None:
    rng = np.random.default_rng(8)
    assert sum(simpson_paradox(*planted(rng, paradox=True)).fires for _ in range(100)) == 100
    assert sum(simpson_paradox(*planted(rng, paradox=False)).fires for _ in range(100)) == 0
    # By the signs alone, chance raises the alarm.
    rng = np.random.default_rng(8)
    naive = [simpson_paradox(*planted(rng, paradox=False)) for _ in range(200)]
    assert sum(p.flipped >= 2 / 3 * p.compared for p in naive) > 2


def test_z95_is_the_quantile_the_guard_divides_by() -> None:
    assert pytest.approx(1.959964, abs=1e-6) == Z95
