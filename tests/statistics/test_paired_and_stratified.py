"""Two small estimators of further measures: they cover what they estimate, and a second implementation agrees."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from alignment_toolkit.statistics.agreement import bias
from alignment_toolkit.statistics.means import mean_difference, stratified_mean_difference

# Two Monte Carlo standard errors of a coverage of .95 over 600 draws.
LEAST, MOST = 0.93, 0.97


def test_a_paired_difference_covers() -> None:
    """Both raters say yes to 20 % and 30 % of 150 accounts, mostly to the same."""
    random = np.random.default_rng(1)
    chances = np.array([0.17, 0.03, 0.13, 0.67])
    hits = 0
    for cells in random.multinomial(150, chances, size=600):
        e = bias(cells.reshape(2, 2))
        hits += e.low <= -0.10 <= e.high
    assert LEAST - 0.018 <= hits / 600 <= MOST + 0.018


def test_a_paired_difference_without_any_is_0_and_has_an_interval() -> None:
    e = bias([[10, 0], [0, 10]])
    assert e.value == 0.0
    assert e.low < 0 < e.high
    assert bias([[0, 0], [0, 0]]).value is None


def test_a_difference_within_strata_covers_where_strata_and_sides_go_together() -> None:
    """Whoever is in a high stratum is seldom on the first side: a crude difference would read 2.6 for 0.5."""
    random = np.random.default_rng(2)
    strata = np.repeat(np.arange(4), 25)
    hits, crude = 0, []
    for _ in range(600):
        first = random.random(100) < 0.2 + 0.2 * strata
        y = 3.0 * strata + 0.5 * first + random.normal(0, 1 + first, 100)
        e = stratified_mean_difference(y, first, strata, n_unit="clients", unit="count").estimate
        hits += e.low <= 0.5 <= e.high
        crude.append(y[first].mean() - y[~first].mean())
    assert LEAST - 0.018 <= hits / 600 <= MOST + 0.018
    assert np.mean(crude) > 2


def test_a_difference_within_strata_of_two_against_twenty_covers() -> None:
    random = np.random.default_rng(4)
    strata, first = np.repeat(np.arange(5), 22), np.tile(np.arange(22) < 2, 5)
    hits = 0
    for _ in range(600):
        y = strata + random.normal(size=110)
        e = stratified_mean_difference(y, first, strata, n_unit="clients", unit="count").estimate
        hits += e.low <= 0 <= e.high
    assert 0.94 <= hits / 600 <= 0.985  # 0.917 with the normal quantile


def test_with_one_stratum_it_is_the_plain_difference() -> None:
    y, first = np.random.default_rng(3).normal(size=400), np.arange(400) % 3 == 0
    e = stratified_mean_difference(y, first, np.zeros(400), n_unit="rows", unit="count").estimate
    plain = mean_difference(y[first], y[~first], n_unit="rows", unit="count").estimate
    assert e.value == pytest.approx(plain.value)
    told = stats.ttest_ind(y[first], y[~first], equal_var=False).confidence_interval(0.95)
    assert (e.low, e.high) == pytest.approx((told.low, told.high), abs=1e-6)
    alone = stratified_mean_difference(
        [1.0, 2.0], [True, False], [0, 1], n_unit="rows", unit="count"
    ).estimate
    assert alone.value is None
