"""Do both see the cooperation alike? Six people by hand, then brute force, guards, waves and what may be shown."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from alignment_toolkit.indicators.perception_gap import perception_gap
from alignment_toolkit.statistics.instrument import Reading
from alignment_toolkit.verdict import verdicts
from tests.indicators.guarding import fires, quiet
from tests.indicators.personal import look, person, sheet


def survey(sides: dict[str, list[list[int]]], **more):
    return [
        row
        for side, people in sides.items()
        for i, a in enumerate(people)
        for row in sheet(f"{side}{i}", side, a, **more)
    ]


def straight(*numbers: int) -> list[list[int]]:
    return [[n] * 20 for n in numbers]


def varied(mood: float, people: int, seed: int = 1, items: int = 32) -> list[list[int]]:
    chance = random.Random(seed)
    moods = [mood + chance.uniform(-0.8, 0.8) for _ in range(people)]
    return [[min(5, max(1, round(chance.gauss(m, 0.7)))) for _ in range(items)] for m in moods]


def test_the_worked_example():
    rows = survey({"marketing": straight(4, 4, 3), "sales": straight(3, 3, 2)})
    gap = Reading.of(pd.DataFrame(rows)).perception_gap().estimate
    assert gap.value == pytest.approx(11 / 3 - 8 / 3)
    # By hand: both variances are 1/3, so the standard error is sqrt(1/9 + 1/9) with 4 degrees of freedom.
    half = stats.t.ppf(0.975, 4) * np.sqrt(2 / 9)
    assert (gap.low, gap.high) == pytest.approx((1 - half, 1 + half))


def test_it_is_welchs_interval_where_the_headcount_is_not_known():
    sides = {"marketing": varied(4.2, 9, 1), "sales": varied(3.0, 14, 2)}
    seen = look(perception_gap, {"survey": survey(sides)}).seen
    m, s = (np.array(sides[d])[:, :20].mean(axis=1) for d in ("marketing", "sales"))
    test = stats.ttest_ind(m, s, equal_var=False)
    ci = test.confidence_interval(0.95)
    e = seen.gap.estimate
    assert (e.value, e.low, e.high) == pytest.approx((m.mean() - s.mean(), ci.low, ci.high))
    assert seen.gap.p_value(0.0, "both") == pytest.approx(test.pvalue)
    assert seen.counts == {"people on the side that has fewer": 9}


def test_who_did_not_answer_is_all_that_is_unknown():
    sides = {"marketing": varied(4.2, 9, 1), "sales": varied(3.0, 14, 2)}
    people = [person(f"m{i}", "marketing") for i in range(10)] + [person(f"s{i}", "sales") for i in range(15)]
    people += [
        person("old", "sales", left_on="2026-01-01"),
        person("new", "marketing", joined_on="2026-10-01"),
    ]
    people += [{**person("crm", "sales"), "kind": "system"}, person("ops", "operations")]
    wide = look(perception_gap, {"survey": survey(sides)}).seen
    narrow = look(perception_gap, {"survey": survey(sides), "people": people}).seen
    answered = {m.name: m.value for m in narrow.measures if m.name.endswith("answered")}
    assert answered == pytest.approx({"marketing_answered": 9 / 10, "sales_answered": 14 / 15})
    # By hand: each variance times 1 - answered x alpha.
    variance = 0.0
    for share, answers in ((9 / 10, sides["marketing"]), (14 / 15, sides["sales"])):
        x = np.array(answers)[:, :20]
        alpha = 20 / 19 * (1 - x.var(axis=0, ddof=1).sum() / x.sum(axis=1).var(ddof=1))
        variance += x.mean(axis=1).var(ddof=1) / len(x) * (1 - share * alpha)
    a, b = narrow.gap.estimate, wide.gap.estimate
    assert (a.high - a.low) < 0.7 * (b.high - b.low)
    z = (a.value - 0.0) / np.sqrt(variance)
    assert a.value == pytest.approx(b.value)
    assert a.value / ((a.high - a.low) / 2) == pytest.approx(
        z / stats.t.ppf(0.975, _df(sides, {"marketing": 10, "sales": 15}))
    )


def _df(sides, heads):
    parts = []
    for side, people in heads.items():
        x = np.array(sides[side])[:, :20]
        alpha = 20 / 19 * (1 - x.var(axis=0, ddof=1).sum() / x.sum(axis=1).var(ddof=1))
        parts.append((x.mean(axis=1).var(ddof=1) / len(x) * (1 - len(x) / people * alpha), len(x) - 1))
    return sum(v for v, _ in parts) ** 2 / sum(v * v / d for v, d in parts)


@pytest.mark.parametrize(("few", "status"), [(4, "withheld"), (5, "uncertain")])
def test_fewer_than_five_on_a_side_are_never_shown(few, status):
    tables = {"survey": survey({"marketing": varied(3.6, few), "sales": varied(3.4, 12, 2)})}
    found = verdicts([look(perception_gap, tables)])[0]
    assert found.status == status
    if status == "withheld":
        assert found.gap is None
        assert (found.measures, found.evidence.rows, found.chart) == ((), (), None)


def test_who_answered_too_little_does_not_make_a_side_large_enough():
    sides = {"marketing": [*varied(3.6, 4), *varied(3.6, 3, 5, items=10)], "sales": varied(3.4, 12, 2)}
    assert look(perception_gap, {"survey": survey(sides)}).seen.withheld


def test_the_last_wave_up_to_the_window_counts():
    now = survey({"marketing": varied(4.5, 8), "sales": varied(2.5, 8, 2)})
    before = survey({"marketing": varied(2.5, 8), "sales": varied(4.5, 8, 2)}, wave="2026-Q1")
    later = survey({"marketing": varied(2.5, 8), "sales": varied(4.5, 8, 2)}, wave="2026-Q4")
    odd = survey({"marketing": varied(2.5, 8), "sales": varied(4.5, 8, 2)}, wave="the second")
    one = look(perception_gap, {"survey": now}).seen.gap.estimate
    assert one.value > 1
    for rows in (before + now, now + later, odd + now):
        assert look(perception_gap, {"survey": rows}).seen.gap.estimate == one


def test_items_are_compared_by_ranks_and_corrected_for_their_number():
    sides = {"marketing": varied(4.2, 9, 1), "sales": varied(3.2, 14, 2)}
    seen = look(perception_gap, {"survey": survey(sides)}).seen
    rows = {r[0]: r for r in seen.evidence.rows}
    assert len(rows) == 32
    m, s = (np.array(sides[d]) for d in ("marketing", "sales"))
    p = [stats.mannwhitneyu(m[:, i], s[:, i], method="asymptotic").pvalue for i in range(20)]
    q = stats.false_discovery_control(p)
    for i in range(20):
        row = rows[f"c{i + 1:02d}"]
        assert row[4] == pytest.approx(m[:, i].mean() - s[:, i].mean(), abs=1e-9)
        pairs = [np.sign(a - b) for a in m[:, i] for b in s[:, i]]
        assert row[5] == pytest.approx(np.mean(pairs), abs=1e-9)
        assert row[6] == pytest.approx(q[i], abs=1e-9)


def test_thought_worlds_say_whether_a_difference_helps():
    seen = look(
        perception_gap, {"survey": survey({"marketing": varied(4.2, 9), "sales": varied(3.2, 9, 2)})}
    ).seen
    labels = {m.name: m.label for m in seen.measures if m.name.startswith("world_")}
    assert {n: ("productive" in text, "harmful" in text) for n, text in labels.items()} == {
        "world_orientation": (True, False),
        "world_horizon": (True, False),
        "world_competence": (False, True),
    }


def facts(sides, **tables):
    return look(perception_gap, {"survey": survey(sides), **tables}).seen


def test_guards_fire_and_do_not():
    good = {"marketing": varied(4.2, 9, 1), "sales": varied(3.2, 14, 2)}
    none = facts(good)
    quiet("perception_gap", "straight_lining", none)
    quiet("perception_gap", "reliability", none)
    quiet("perception_gap", "copied_ratings", none)
    straight = facts({**good, "marketing": [*varied(4.2, 9, 1), *[[3] * 32] * 3]})
    fires("perception_gap", "straight_lining", straight)
    noise = [[random.Random(i * 7 + k).randint(1, 5) for k in range(32)] for i in range(14)]
    fires("perception_gap", "reliability", facts({**good, "sales": noise}))
    twice = facts({**good, "sales": [*varied(3.2, 14, 2), varied(3.2, 1, 9)[0], varied(3.2, 1, 9)[0]]})
    fires("perception_gap", "copied_ratings", twice)
    fires(
        "perception_gap", "join_health", facts(good, people=[person(f"m{i}", "marketing") for i in range(3)])
    )
    enough = [person(f"{side[0]}{i}", side) for side in good for i in range(20)]
    quiet("perception_gap", "join_health", facts(good, people=enough))
