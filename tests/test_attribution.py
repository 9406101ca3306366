"""Attribution: published numbers, second implementations, properties, and a market whose causes are known."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st

from alignment_toolkit.attribution import (
    RULES,
    Chain,
    Path,
    Terms,
    chain_game,
    distances,
    markov_credits,
    rule_credits,
    shapley,
    shares,
    stability,
    within_game,
    within_shares,
)
from alignment_toolkit.errors import ParameterError, UnknownName
from benchmarks.attribution import market, table, trust

CHANNELS = ["a", "b", "c", "d", "e"]


@st.composite
def some_paths(draw, channels=CHANNELS, most=6):
    """Draw paths with at least one sale."""
    found = []
    for number in range(draw(st.integers(1, most))):
        steps = draw(st.lists(st.sampled_from(channels), min_size=1, max_size=5))
        ages = sorted(draw(st.lists(st.integers(0, 400), min_size=len(steps), max_size=len(steps))))[::-1]
        lead, deal = (draw(st.integers(-1, len(steps) - 1)) for _ in range(2))
        sold = number == 0 or draw(st.booleans())
        found.append((Path(tuple(steps), sold, tuple(ages), lead, deal), draw(st.integers(1, 9))))
    return found


def every_model(paths, order=1):
    """Give the credits of all models."""
    credits = {rule: rule_credits(paths, rule) for rule in RULES}
    channels = {c for path, _ in paths for c in path.channels}
    return credits | {
        "markov": markov_credits(paths, order),
        "shapley": dict(shapley(within_game(paths), channels).values),
        "shapley of the chain": dict(shapley(chain_game(paths, order), channels).values),
    }


# Published and known numbers: shared design, known-numbers -------------------------------------------------------

EXAMPLE = [
    (Path(("ga",)), 2),
    (Path(("mailing",)), 1),
    (Path(("ga", "mailing")), 1),
    (Path(("ga",), converted=False), 1),
]


def test_markov_removal_on_the_example_of_five_paths():
    chain = Chain.of(EXAMPLE)
    sale, lost = chain.solved(chain.counted(EXAMPLE))
    assert sale == pytest.approx(0.8, abs=1e-12)
    assert lost == pytest.approx([0.75, 0.50], abs=1e-12)
    assert markov_credits(EXAMPLE) == pytest.approx({"ga": 2.4, "mailing": 1.6}, abs=1e-12)


def test_shapleys_value_of_the_game_of_three():
    worth = {"O": 7, "F": 6, "D": 4, "OF": 15, "OD": 7, "FD": 9, "OFD": 19}
    found = shapley({frozenset(k): v for k, v in worth.items()}, "OFD")
    assert [found.values[p] for p in "OFD"] == pytest.approx([23 / 3, 49 / 6, 19 / 6], abs=1e-12)
    assert found.orders is None
    assert set(found.errors.values()) == {0.0}


FIVE = Path(("1", "2", "3", "4", "5"), ages=(38, 33, 26, 8, 0))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("time_decay", [175.2, 287.4, 574.9, 3417.0, 7545.4]),
        ("linear", [2400] * 5),
        ("position", [4800, 800, 800, 800, 4800]),
    ],
)
def test_twelve_thousand_shared_among_five_steps(rule, expected):
    assert [12_000 * s for s in shares(FIVE, rule)] == pytest.approx(expected, abs=0.05)


# The rules by hand ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "path", "expected"),
    [
        ("first", Path(("a", "b", "a")), [1, 0, 0]),
        ("last", Path(("a", "b", "a")), [0, 0, 1]),
        ("last_non_direct", Path(("a", "Direct", "direct_traffic")), [1, 0, 0]),
        ("last_non_direct", Path(("direct", "direct")), [0, 1]),
        ("linear", Path(("a", "a", "b")), [1 / 3] * 3),
        ("position", Path(("a",)), [1]),
        ("position", Path(("a", "b")), [0.5, 0.5]),
        ("position", Path(("a", "b", "c")), [0.4, 0.2, 0.4]),
        # The textbook W: first, lead, opportunity, and one of two others each side.
        ("w_shaped", Path(("a", "b", "c", "d", "e"), lead=1, opportunity=3), [0.3, 0.3, 0.05, 0.3, 0.05]),
        # The first step made the lead: 60 and 30 of 90, nobody is left for the 10.
        ("w_shaped", Path(("a", "b"), lead=0, opportunity=1), [2 / 3, 1 / 3]),
        ("w_shaped", Path(("a", "b", "c"), lead=0, opportunity=0), [0.9, 0.05, 0.05]),
        # No opportunity known: 30 and 30 and 10 of 70.
        ("w_shaped", Path(("a", "b", "c"), lead=1), [3 / 7, 3 / 7, 1 / 7]),
        ("w_shaped", Path(("a",)), [1]),
        ("time_decay", Path(("a", "b", "c"), ages=(14, 7, 0)), [1 / 7, 2 / 7, 4 / 7]),
        # Steps so old that their weights alone would be 0 / 0.
        ("time_decay", Path(("a", "b"), ages=(90_007, 90_000)), [1 / 3, 2 / 3]),
    ],
)
def test_shares_by_hand(rule, path, expected):
    assert shares(path, rule) == pytest.approx(expected, abs=1e-12)


def test_time_decay_by_another_half_life():
    path = Path(("a", "b"), ages=(14, 0))
    assert shares(path, "time_decay", Terms(half_life_days=14)) == pytest.approx([1 / 3, 2 / 3])


def test_what_is_no_path_and_no_rule_is_refused():
    with pytest.raises(ParameterError, match="at least one step"):
        Path(())
    with pytest.raises(ParameterError, match="2 steps has 1 ages"):
        Path(("a", "b"), ages=(1,))
    with pytest.raises(ParameterError, match="beyond its end"):
        Path(("a",), lead=1)
    with pytest.raises(ParameterError, match="needs the age"):
        shares(Path(("a",)), "time_decay")
    with pytest.raises(UnknownName, match="Did you mean 'linear'"):
        shares(Path(("a",)), "liner")
    with pytest.raises(ParameterError, match="above 0"):
        Terms(half_life_days=0)
    with pytest.raises(ParameterError, match="at least 1"):
        markov_credits(EXAMPLE, 0)


# Properties of all models ------------------------------------------------------------------------------------------


@tries(max_examples=60)
@given(some_paths(), st.integers(1, 3))
def test_credits_add_up_and_are_nowhere_negative(paths, order):
    sales = sum(n for p, n in paths if p.converted)
    for model, credit in every_model(paths, order).items():
        assert math.fsum(credit.values()) == pytest.approx(sales, abs=1e-9), model
        assert min(credit.values()) >= -1e-12, model


@tries(max_examples=40)
@given(some_paths(), st.permutations(CHANNELS), st.randoms())
def test_other_names_and_another_order_of_the_paths_change_nothing(paths, names, random):
    called = dict(zip(CHANNELS, names, strict=True))
    other = [
        (Path(tuple(called[c] for c in p.channels), p.converted, p.ages, p.lead, p.opportunity), n)
        for p, n in paths
    ]
    random.shuffle(other)
    renamed = every_model(other)
    for model, credit in every_model(paths).items():
        expected = {called[c]: value for c, value in credit.items()}
        assert renamed[model] == pytest.approx(expected, abs=1e-9), model


@tries(max_examples=40)
@given(some_paths())
def test_channels_that_play_the_same_part_get_the_same(paths):
    # Every path once more with a and b exchanged.
    swap = {"a": "b", "b": "a"}
    both = paths + [
        (
            Path(tuple(swap.get(c, c) for c in p.channels), p.converted, p.ages, p.lead, p.opportunity),
            n,
        )
        for p, n in paths
    ]
    for model, credit in every_model(both).items():
        assert credit.get("a", 0) == pytest.approx(credit.get("b", 0), abs=1e-9), model


@tries(max_examples=30)
@given(some_paths(most=3), st.integers(1, 5))
def test_a_channel_that_is_only_on_paths_without_a_sale_gets_nothing(paths, times):
    both = [*paths, (Path(("idle",), converted=False), times)]
    for model, credit in every_model(both).items():
        assert credit["idle"] == pytest.approx(0, abs=1e-12), model


def test_paths_without_a_sale_count_in_the_chain_and_not_in_the_rules():
    more = [*EXAMPLE, (Path(("mailing",), converted=False), 6)]
    assert rule_credits(more, "linear") == rule_credits(EXAMPLE, "linear")
    # By hand: start to ga 4 of 11, to mailing 7; mailing to a sale 2 of 8. Without ga 7/44, without mailing 2/11.
    whole = 4 / 11 * (2 / 4 + 1 / 4 * 2 / 8) + 7 / 11 * 2 / 8
    lost = {"ga": 1 - 7 / 44 / whole, "mailing": 1 - 2 / 11 / whole}
    expected = {c: 4 * part / sum(lost.values()) for c, part in lost.items()}
    assert markov_credits(more) == pytest.approx(expected, abs=1e-12)
    assert abs(markov_credits(more)["ga"] - 2.4) > 0.1


# Second implementations ---------------------------------------------------------------------------------------------


def walked(paths, order, removed=None):
    """Give the chance of a sale by walking the chain step by step until nearly nobody is left (a matrix series)."""
    moves: dict[tuple, Counter] = {}
    for path, times in paths:
        told = ["start", *path.channels, "SALE" if path.converted else "END"]
        for i in range(len(told) - 1):
            state = tuple(told[max(0, i - order + 1) : i + 1])
            moves.setdefault(state, Counter())[told[i + 1]] += times
    here = {("start",): 1.0}
    sold = 0.0
    for _ in range(3000):
        there: dict[tuple, float] = {}
        for state, mass in here.items():
            total = sum(moves[state].values())
            for following, times in moves[state].items():
                if following == "SALE":
                    sold += mass * times / total
                elif following not in ("END", removed):
                    to = (*state, following)[-order:]
                    there[to] = there.get(to, 0.0) + mass * times / total
        here = there
        if sum(here.values()) < 1e-13:
            break
    return sold


@tries(max_examples=40)
@given(some_paths(channels=["a", "b", "c"]), st.integers(1, 3))
def test_removal_equals_walking_the_chain_without_the_channel(paths, order):
    chain = Chain.of(paths, order)
    sale, lost = chain.solved(chain.counted(paths))
    whole = walked(paths, order)
    assert sale == pytest.approx(whole, abs=1e-9)
    for channel, part in zip(chain.channels, lost, strict=True):
        assert part == pytest.approx(1 - walked(paths, order, channel) / whole, abs=1e-8)


def test_a_chain_that_is_known_is_found_again():
    # Truth: a and b by chance, b after a helps; removal effects of the process itself, walked.
    move = {"start": [("a", 0.6), ("b", 0.4)], "a": [("b", 0.5), ("SALE", 0.1), ("END", 0.4)],
            "b": [("a", 0.2), ("SALE", 0.4), ("END", 0.4)]}  # fmt: skip
    random = np.random.default_rng(7)
    found: Counter[Path] = Counter()
    for _ in range(20_000):
        at, steps = "start", []
        while at not in ("SALE", "END"):
            names, chances = zip(*move[at], strict=True)
            at = names[random.choice(len(names), p=chances)]
            steps.append(at)
        found[Path(tuple(steps[:-1]), steps[-1] == "SALE")] += 1
    paths = sorted(found.items())
    # P(sale) from a: x = .1 + .5 y, from b: y = .4 + .2 x; without b: .6 * .1, without a: .4 * .4.
    y = (0.4 + 0.02) / (1 - 0.1)
    whole = 0.6 * (0.1 + 0.5 * y) + 0.4 * y
    truth = [1 - 0.16 / whole, 1 - 0.06 / whole]
    chain = Chain.of(paths)
    sale, lost = chain.solved(chain.counted(paths))
    assert sale == pytest.approx(whole, abs=4 * math.sqrt(whole * (1 - whole) / 20_000))
    assert lost == pytest.approx(truth, abs=0.02)


def by_orders(worth, players):
    """Give Shapley's value as the mean over all orders, in fractions."""
    found = dict.fromkeys(players, Fraction(0))
    orders = list(permutations(players))
    for order in orders:
        for i, player in enumerate(order):
            gain = worth(frozenset(order[: i + 1])) - worth(frozenset(order[:i]))
            found[player] += Fraction(gain) / len(orders)
    return {p: float(v) for p, v in found.items()}


@tries(max_examples=30)
@given(some_paths())
def test_shapley_equals_the_mean_over_all_orders_and_equal_parts_of_each_path(paths):
    channels = sorted({c for p, _ in paths for c in p.channels})
    exact = shapley(within_game(paths), channels).values
    assert exact == pytest.approx(by_orders(within_game(paths), channels), abs=1e-9)
    parts = dict.fromkeys(channels, 0.0)
    for path, times in paths:
        if path.converted:
            for channel, share in within_shares(path).items():
                parts[channel] += times * share
    assert exact == pytest.approx(parts, abs=1e-9)
    chained = shapley(chain_game(paths), channels).values
    assert chained == pytest.approx(by_orders(chain_game(paths), channels), abs=1e-9)


def test_sampled_shapley_lies_within_its_stated_error():
    # Fourteen players: a game whose value is known, the equal parts of each path.
    random = np.random.default_rng(3)
    names = [f"c{i:02d}" for i in range(14)]
    paths = [
        (Path(tuple(random.choice(names, random.integers(1, 5)))), int(random.integers(1, 9)))
        for _ in range(40)
    ]
    truth = dict.fromkeys(names, 0.0)
    for path, times in paths:
        for channel, share in within_shares(path).items():
            truth[channel] += times * share
    found = shapley(within_game(paths), names, random=np.random.default_rng(4), orders=300)
    assert found.orders == 300
    off = [abs(found.values[c] - truth[c]) / found.errors[c] for c in names if found.errors[c] > 0]
    assert max(off) < 4
    assert np.mean(np.array(off) < 1.96) > 0.75
    assert sum(found.values.values()) == pytest.approx(sum(n for _, n in paths), abs=1e-9)
    assert max(found.errors.values()) < 0.6
    with pytest.raises(ParameterError, match="sampled"):
        shapley(within_game(paths), names)


# Disagreement and stability -----------------------------------------------------------------------------------------


def test_distances_by_hand():
    credits = {"one": {"a": 2.0, "b": 2.0}, "two": {"a": 3.0, "b": 1.0}, "none": {"a": 0.0, "b": 0.0}}
    assert distances(credits) == {("one", "two"): pytest.approx(0.25)}


def drawn(groups, seed):
    """Draw accounts one by one, and rank by counting: the bootstrap written out."""
    random = np.random.default_rng(seed)
    accounts = [paths for paths, times in groups for _ in range(times)]

    def ranks(some):
        credit = rule_credits([(p, 1) for paths in some for p in paths], "linear")
        names = {c for paths, _ in groups for p in paths for c in p.channels}
        full = {c: credit.get(c, 0.0) for c in names}
        total = sum(full.values())
        return {c: sum(o >= v - 1e-9 * total for o in full.values()) for c, v in full.items()}, total

    here = ranks(accounts)[0]
    kept = Counter()
    used = 0
    for _ in range(1500):
        there, total = ranks([accounts[i] for i in random.integers(len(accounts), size=len(accounts) // 2)])
        if total:
            used += 1
            kept.update(c for c in here if here[c] == there[c])
    return {c: kept[c] / used for c in here}


def test_stability_equals_drawing_accounts_one_by_one():
    groups = sorted([
        ((Path(("a", "b"), ages=(2, 1)),), 6),
        ((Path(("b",), ages=(1,)), Path(("c", "c"), converted=False)), 3),
        ((Path(("c",), ages=(1,)),), 4),
        ((Path(("d",), converted=False),), 20),
    ])  # fmt: skip
    found = stability(groups, terms=Terms(), draws=1500)
    assert set(found) == {*RULES, "markov", "shapley"}
    assert found["linear"] == pytest.approx(drawn(groups, 5), abs=0.06)
    assert found["linear"]["d"] == 1.0, "never with credit, always last"
    assert all(0 <= share <= 1 for by in found.values() for share in by.values())


def test_stability_needs_two_accounts_with_a_sale_and_says_nothing_otherwise():
    assert stability([((Path(("a",), ages=(0,)),), 1)], terms=Terms()) == {}
    assert stability([((Path(("a",), converted=False),), 9)], terms=Terms()) == {}


def test_a_clear_order_is_stable_and_a_tie_is_not():
    clear = [((Path(("a",), ages=(0,)),), 300), ((Path(("b",), ages=(0,)),), 100)]
    tied = [((Path(("a",), ages=(0,)),), 200), ((Path(("b",), ages=(0,)),), 199)]
    assert stability(clear, terms=Terms())["linear"]["a"] == 1.0
    assert 0.4 < stability(tied, terms=Terms())["linear"]["a"] < 0.65


def test_the_stated_stability_is_that_of_another_sample():
    stated, same = trust(100, 30, "linear")
    assert abs(stated - same) < 0.15


# A market whose causes are known -------------------------------------------------------------------------------------


def test_no_model_is_the_truth_where_one_channel_only_accompanies():
    found = table(30_000)
    truth = found.pop("caused")
    assert truth["retargeting"] == 0
    assert truth["search"] > 2 * truth["newsletter"] > 0
    sales = market(30_000)[2]
    for model, credit in found.items():
        assert math.fsum(credit.values()) == pytest.approx(sales, abs=1e-6), model
        # What caused nothing is paid for a good part, and the weaker cause more than the stronger.
        assert credit["retargeting"] > 0.12 * sales, model
        assert credit["newsletter"] > 0.9 * credit["search"], model
    assert found["last"]["retargeting"] > 0.5 * sales
