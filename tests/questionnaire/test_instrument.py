"""The instrument: its items, bands, reliability by a second way, straight lines, ranks, and the floor of five."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats
from statsmodels.stats.anova import anova_lm

from alignment_toolkit.errors import UnknownName
from alignment_toolkit.questionnaire.reading import SurveyReading
from alignment_toolkit.statistics.instrument import COOPERATION, ITEMS, WORLDS, Reading, band, headcounts
from alignment_toolkit.statistics.reliability import (
    cronbach_alpha,
    more_often_higher,
    rank_p_value,
    straight_lines,
)
from alignment_toolkit.statistics.small_groups import Group, difference_of_groups, mean_of_groups
from tests.source_tree import PROJECT


def test_there_are_twenty_and_twelve_items_each_asked_once():
    assert [i.id for i in ITEMS] == [f"c{n:02d}" for n in range(1, 21)] + [f"t{n:02d}" for n in range(1, 13)]
    assert len({i.text for i in ITEMS}) == 32
    assert sorted(i for w in WORLDS for i in w.items) == [i.id for i in ITEMS[20:]]
    assert [w.tension for w in WORLDS] == ["productive", "productive", "harmful"]
    # Worded so that 5 is best: no statement denies, blames or asks two things at once.
    assert not [
        i.text
        for i in COOPERATION
        if re.search(r"\b(not|never|no|nobody|blame|fault)\b", i.text, re.IGNORECASE)
    ]
    assert all(i.text.endswith(".") and len(i.text) < 110 for i in ITEMS)


@pytest.mark.parametrize(
    ("total", "word"),
    [(20, "undefined"), (39, "undefined"), (40, "defined"), (59, "defined"), (60, "aligned"), (79, "aligned"),
     (80, "integrated"), (100, "integrated")],
)  # fmt: skip
def test_the_bands_of_the_known_numbers(total, word):
    assert band(total) == word
    assert band(None) is None


@pytest.mark.parametrize("answer", [1, 5])
def test_all_answers_alike_give_the_ends_of_the_scale(answer):
    rows = [
        {"respondent_id": f"{side}{i}", "department": side, "item": f"c{n:02d}", "answer": answer}
        for side in ("marketing", "sales") for i in range(6) for n in range(1, 21)
    ]  # fmt: skip
    total = Reading.of(pd.DataFrame(rows)).total().estimate
    assert total.value == 20 * answer
    assert band(total.value) == {1: "undefined", 5: "integrated"}[answer]
    assert total.low is None  # nobody differs from anybody: nothing is known of the spread


def test_alpha_is_hoyts_analysis_of_variance_with_feldts_interval():
    rng = np.random.default_rng(8)
    x = np.clip(np.round(3 + rng.normal(0, 0.7, (15, 1)) + rng.normal(0, 0.8, (15, 6))), 1, 5)
    long = pd.DataFrame(
        {"y": x.ravel(), "person": np.repeat(np.arange(15), 6), "item": np.tile(np.arange(6), 15)}
    )
    table = anova_lm(smf.ols("y ~ C(person) + C(item)", long).fit())
    mean = table["sum_sq"] / table["df"]
    alpha = 1 - mean["Residual"] / mean["C(person)"]
    e = cronbach_alpha(x)
    assert e.value == pytest.approx(alpha)
    assert e.low == pytest.approx(1 - (1 - alpha) * stats.f.ppf(0.975, 14, 70))
    assert e.high == pytest.approx(1 - (1 - alpha) * stats.f.ppf(0.025, 14, 70))


@pytest.mark.parametrize("answers", [[], [[3, 4]], [[3], [4]], [[3, 3], [3, 3]], [[np.nan, 1], [2, np.nan]]])
def test_alpha_says_nothing_where_there_is_nothing(answers):
    assert cronbach_alpha(answers).value is None


def test_straight_lines_need_ten_answers():
    x = np.full((4, 32), np.nan)
    x[0], x[1, :10], x[2, :9], x[3] = 4, 2, 2, [4] * 31 + [5]
    assert straight_lines(x).tolist() == [True, True, False, False]
    assert straight_lines(np.zeros((0, 32))).tolist() == []


def test_ranks_against_every_pair_and_scipy():
    rng = np.random.default_rng(2)
    a, b = rng.integers(1, 6, 14), rng.integers(2, 6, 9)
    pairs = np.mean([np.sign(x - y) for x in a for y in b])
    assert more_often_higher(a, b).value == pytest.approx(pairs)
    assert rank_p_value(a, b) == pytest.approx(stats.mannwhitneyu(a, b, method="asymptotic").pvalue)
    assert rank_p_value([3, 3], [3]) is None
    assert rank_p_value([], [3]) is None
    apart = more_often_higher([5] * 8, [1] * 8)
    assert apart.value == 1
    assert 0.5 < apart.low < 1 == apart.high
    assert more_often_higher([], [1]).value is None


def test_headcounts_are_those_of_the_day():
    staff = pd.DataFrame(
        {
            "department": ["sales", "sales", "sales", "marketing"],
            "joined_on": [None, "2026-10-01", "2020-01-01", None],
            "left_on": [None, None, "2026-09-30", "2026-09-29"],
        }
    )
    assert headcounts(staff, pd.Timestamp("2026-10-01").date()) == {"marketing": 0, "sales": 2}
    assert headcounts(None, pd.Timestamp("2026-10-01").date()) is None


def test_nothing_of_four_people_is_in_any_table():
    rows = [
        {"respondent_id": f"{side}{i}", "department": side, "item": f"c{n:02d}", "answer": 1 + (i + n) % 5}
        for side, people in (("marketing", 4), ("sales", 9)) for i in range(people) for n in range(1, 21)
    ]  # fmt: skip
    reading = Reading.of(pd.DataFrame(rows))
    assert reading.exposed == "Fewer than 5 people of marketing answered; showing more would expose them."
    assert reading.by_item()["marketing"].isna().all()
    assert reading.by_item()["gap"].isna().all()
    assert reading.total_of(reading.sides[0]).estimate.value is None
    with pytest.raises(UnknownName, match=r"There is no part 'poeple'\. Did you mean 'people'"):
        SurveyReading("x", "", ()).frame("poeple")


def test_everybody_having_answered_without_wobble_there_is_nothing_left_to_chance():
    full = [Group(np.array([1.0, 2, 3]), 3), Group(np.array([2.0, 2, 5]), 3)]
    e = difference_of_groups(*full, n_unit="people", unit="points").estimate
    assert (e.low, e.value, e.high) == (-1.0, -1.0, -1.0)
    wobble = [Group(g.values, 3, 0.8) for g in full]
    assert difference_of_groups(*wobble, n_unit="people", unit="points").estimate.low < -1
    lone = mean_of_groups(
        [Group(np.array([4.0])), Group(np.array([2.0, 3.0]))], n_unit="people", unit="points"
    )
    assert (lone.estimate.value, lone.estimate.n) == (3.0, 3)
    assert mean_of_groups([], n_unit="people", unit="points").estimate.value is None


@pytest.mark.parametrize("people", [(12, 40), (8, 8)])
def test_coverage_of_the_correction(people):
    """The truth is that of all people; answers wobble from day to day. Without the wobble it would be short."""
    rng = np.random.default_rng(11)
    hits, short, runs = 0, 0, 300
    for _ in range(runs):
        sides, truth = [], []
        for n in people:
            mood = rng.beta(3.5, 2.5, n)
            answers = 1 + rng.binomial(4, mood[: round(0.85 * n), None].repeat(20, 1))
            sides.append(Group(answers.mean(axis=1), n, cronbach_alpha(answers).value or 0.0))
            truth.append(1 + 4 * mood.mean())
        for reliable in (False, True):
            groups = [Group(g.values, g.headcount) if reliable else g for g in sides]
            e = difference_of_groups(*groups, n_unit="people", unit="points").estimate
            inside = e.low <= truth[0] - truth[1] <= e.high
            hits, short = (hits, short + inside) if reliable else (hits + inside, short)
    assert 0.93 - 2 * 0.0126 <= hits / runs <= 0.97 + 2 * 0.0126
    assert short < hits


def test_the_statements_in_the_docs_are_the_instruments_own():
    page = (PROJECT / "docs" / "questionnaire.md").read_text("utf-8")
    assert re.findall(r"^\| ([ct]\d\d) \| (.*) \|$", page, flags=re.MULTILINE) == [
        (i.id, i.text) for i in ITEMS
    ]
