"""Targets: confidence against exact tests, projections by hand and by simulation against known truth."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import pytest
from scipy import stats

from alignment_toolkit.statistics.shares import poisson_count, wilson
from alignment_toolkit.statistics.targets import (
    level_beyond,
    project_ratio,
    project_share,
    project_total,
)

BEGIN = date(2026, 7, 6)  # a Monday
WEEK = (1.5, 1.3, 1.2, 1.1, 1.0, 0.5, 0.4)


def days_of(values):
    return {BEGIN + timedelta(days=i): float(v) for i, v in enumerate(values)}


def project(values, left, *, whole=True):
    last = BEGIN + timedelta(days=len(values) - 1)
    end = last + timedelta(days=left + 1)
    return project_total(days_of(values), done=float(sum(values)), last=last, end=end, whole=whole)


@pytest.mark.parametrize("unit", ["share", "count", "money", "days"])
def test_confidence_is_that_of_the_interval_at_its_ends_and_at_the_value(unit):
    value, low, high = (0.3, 0.22, 0.41) if unit == "share" else (30.0, 22.0, 41.0)
    assert level_beyond(value, low, high, low, unit=unit) == pytest.approx(0.975)
    assert level_beyond(value, low, high, high, unit=unit) == pytest.approx(0.025)
    assert level_beyond(value, low, high, value, unit=unit) == 0.5
    assert level_beyond(value, low, high, high, unit=unit, better="lower") == pytest.approx(0.975)


def test_confidence_of_a_share_is_the_score_test():
    found = wilson(30, 100, n_unit="deals").estimate
    for target in (0.18, 0.25, 0.3, 0.36, 0.5):
        z = (0.3 - target) / math.sqrt(target * (1 - target) / 100)
        mine = level_beyond(found.value, found.low, found.high, target, unit="share")
        assert mine == pytest.approx(stats.norm.cdf(z), abs=1e-9)


def test_confidence_of_a_count_is_near_the_exact_poisson_test():
    found = poisson_count(40)
    for target in (25, 30, 35, 46, 55):
        exact = 1 - stats.poisson.sf(39, target)  # how far below 40 a level of `target` would keep it
        assert level_beyond(40, found.low, found.high, target, unit="count") == pytest.approx(exact, abs=0.05)


def test_no_interval_no_confidence():
    assert level_beyond(3.0, None, None, 2, unit="money") is None
    assert level_beyond(3.0, 3.0, 3.0, 2, unit="money") is None
    assert level_beyond(None, None, None, 2, unit="money") is None


def test_a_steady_pace_by_hand():
    # Two leads every day, four weeks known, seven days left: 56 so far, 14 to come, Poisson and the error of the mean.
    found = project([2] * 28, 7)
    assert found.value == 70
    variance = 7 * (2 + 2 / 4)
    law = stats.nbinom(14**2 / (variance - 14), 14 / variance)
    assert (found.low, found.high) == (56 + law.ppf(0.025), 56 + law.ppf(0.975))
    assert found.chance(70) == pytest.approx(law.sf(13))
    assert found.chance(56) == 1.0
    assert found.chance(70, "lower") == pytest.approx(law.cdf(14))


def test_weekdays_have_their_own_pace():
    # Ten on Mondays only; of two days left, one is a Monday.
    values = [10 if i % 7 == 0 else 0 for i in range(28)]
    assert project(values, 1).value == 50
    assert project([*values, 10], 6).value == 50


def test_nothing_left_is_what_is_there():
    found = project([2] * 28, 0)
    assert found.value == 56
    assert (found.chance(56), found.chance(57)) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("values", "whole", "said"),
    [([2] * 27, True, "27 days are too few"), ([0] * 35, True, "sum up to nothing"),
     ([0, 0, 0, 0, 0, 0, 5] * 4, False, "only 4 days so far"), ([2], True, "1 day is too little"),
     ([9, *[0] * 27], False, "only 1 day so far")],
)  # fmt: skip
def test_too_little_is_said(values, whole, said):
    assert said in project(values, 10, whole=whole)


def test_a_share_half_known_has_half_the_variance():
    found = project_share(0.4, 0.3, 0.52, to_come=0.5, unit="share", what="deals")
    assert found.low == pytest.approx(0.4 - 0.1 * math.sqrt(0.5))
    assert found.chance(0.3) == pytest.approx(stats.norm.cdf(1.959964 / math.sqrt(0.5)), abs=1e-6)
    assert found.chance(0.3, "lower") == pytest.approx(1 - found.chance(0.3))


def test_a_quotient_adds_the_relative_spreads():
    top, bottom = project([4] * 28, 28), project([2] * 28, 28)
    found = project_ratio(top, bottom)
    assert found.value == 2
    spread = math.hypot(math.sqrt(112 + 112) / 224, math.sqrt(56 + 56) / 112)
    assert found.high == pytest.approx(2 * math.exp(1.959964 * spread), rel=1e-6)


def simulated(kind, rate, known, left, runs, *, wild=0.0, seed=7):
    """Give how often the final sum lies in the interval, and in one that takes days as Poisson with a known mean."""
    rng = np.random.default_rng(seed)
    profile = np.array(WEEK) / np.mean(WEEK)
    hits = naive = told = 0
    for _ in range(runs):
        weeks = rng.gamma(1 / wild, wild, size=(known + left) // 7 + 1) if wild else np.ones(60)
        pace = np.array([profile[i % 7] * weeks[i // 7] for i in range(known + left)]) * rate
        values = rng.poisson(pace).astype(float)
        if kind == "money":
            values = np.array([rng.lognormal(0, 1, int(n)).sum() for n in values])
        found = project(list(values[:known]), left, whole=kind == "count")
        if isinstance(found, str):
            continue
        told += 1
        end = values.sum()
        hits += found.low - 1e-9 <= end <= found.high + 1e-9
        mean = values[:known].mean() * left
        low, high = stats.poisson(mean).ppf([0.025, 0.975]) if mean else (0, 0)
        naive += values[:known].sum() + low <= end <= values[:known].sum() + high
    return hits / told, naive / told, told


@pytest.mark.parametrize(
    ("kind", "rate", "known", "left", "wild"),
    [("count", 4, 60, 32, 0.0), ("count", 0.3, 60, 32, 0.0), ("count", 4, 35, 56, 0.0), ("money", 1.5, 60, 32, 0.0)],
)  # fmt: skip
def test_the_end_lies_in_the_interval_as_often_as_it_says(kind, rate, known, left, wild):
    hits, _, told = simulated(kind, rate, known, left, 300, wild=wild)
    assert told > 250
    assert 0.925 <= hits <= 1.0


def test_weeks_that_vary_widen_the_interval_and_a_naive_one_fails():
    hits, naive, _ = simulated("count", 4, 63, 28, 300, wild=0.1)
    assert hits >= 0.91
    assert naive <= 0.75
    assert hits - naive > 0.15


def test_the_final_share_lies_in_the_interval_as_often_as_it_says():
    rng = np.random.default_rng(11)
    hits = as_if_final = 0
    for _ in range(1500):
        known = rng.random(80) < 0.3
        rest = rng.random(120) < 0.3
        e = wilson(int(known.sum()), 80, n_unit="deals").estimate
        found = project_share(e.value, e.low, e.high, to_come=0.6, unit="share", what="deals")
        end = (known.sum() + rest.sum()) / 200
        hits += found.low <= end <= found.high
        narrow = project_share(e.value, e.low, e.high, to_come=0.2, unit="share", what="deals")
        as_if_final += narrow.low <= end <= narrow.high
    assert 0.93 <= hits / 1500 <= 0.97
    assert as_if_final / 1500 < 0.85  # a wrong part to come is found out
