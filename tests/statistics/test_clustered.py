"""Shares of rows that repeat in several ways, and differences of means: known truth and a second implementation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from alignment_toolkit.statistics.clustered import share_of_rows
from alignment_toolkit.statistics.inference import Gap
from alignment_toolkit.statistics.means import mean_difference


def covered(of: Any, runs: int = 200) -> tuple[float, float]:
    """Give how often the interval of leads in campaigns of their own level covers 0.25, two ways of clustering."""
    random = np.random.default_rng(5)
    hits = np.zeros(2)
    for _ in range(runs):
        sizes = random.integers(5, 40, 40)
        campaign = np.repeat(np.arange(40), sizes)
        level = of(random, 40)[campaign]
        wrong = random.random(len(campaign)) < level
        accounts = random.integers(0, 400, len(campaign))
        for i, clusters in enumerate(({"accounts": accounts}, {"accounts": accounts, "campaigns": campaign})):
            e = share_of_rows(wrong, n_unit="leads", **clusters).estimate
            assert e.low is not None
            assert e.high is not None
            hits[i] += e.low <= 0.25 <= e.high
    return float(hits[0] / runs), float(hits[1] / runs)


def test_campaigns_with_levels_of_their_own_are_covered_only_where_campaigns_are_what_repeats() -> None:
    accounts, both = covered(lambda random, n: random.beta(1.5, 4.5, n))
    assert accounts < 0.80
    assert both >= 0.90  # 0.931 in 1,200 runs; 200 are used here


def test_rows_that_do_not_depend_on_each_other_lose_little() -> None:
    accounts, both = covered(lambda random, n: np.full(n, 0.25))
    assert 0.92 <= accounts <= both <= 0.995


def test_a_row_without_cluster_is_one_of_its_own() -> None:
    rows = [True, False] * 20
    alone = share_of_rows(rows, n_unit="leads", accounts=[None] * 40).estimate
    assert alone == share_of_rows(rows, n_unit="leads").estimate
    assert alone.high < share_of_rows(rows, n_unit="leads", accounts=["a", "b"] * 20).estimate.high
    assert share_of_rows([], n_unit="leads", accounts=[]).estimate.value is None
    with pytest.raises(ValueError, match="2 accounts for 40 rows"):
        share_of_rows(rows, n_unit="leads", accounts=["a", "b"])


def none_of(clusters: int, size: int) -> float:
    """Give the upper limit where none of equal clusters' rows counts."""
    e = share_of_rows(
        [False] * clusters * size, n_unit="leads", campaigns=list(range(clusters)) * size
    ).estimate
    assert e.value == 0.0
    assert e.low == 0.0
    assert e.high is not None
    return e.high


def test_where_no_row_counts_the_limit_is_that_of_rows_that_correlate_by_a_half() -> None:
    for clusters, size in ((2, 50), (5, 80), (12, 33), (100, 4)):
        limit = none_of(clusters, size)
        seen = stats.betabinom(size, limit, 1 - limit).pmf(0) ** clusters
        assert seen == pytest.approx(0.025, rel=1e-9)
        assert none_of(clusters, 2 * size) < limit
        assert none_of(2 * clusters, size) < limit
    # Of leads of five campaigns none is another than the margin of one in five leaves room for.
    assert none_of(5, 80) < 0.2 < none_of(3, 20)
    rows = [True] * 400
    every = share_of_rows(rows, n_unit="leads", campaigns=list(range(5)) * 80).estimate
    assert every.low == pytest.approx(1 - none_of(5, 80))
    # One row a cluster is no cluster.
    alone = share_of_rows([False] * 40, n_unit="leads").estimate
    assert none_of(40, 1) == alone.high
    assert alone.high <= none_of(39, 1) * 1.001


def test_differences_of_means_are_scipys_welch() -> None:
    random = np.random.default_rng(3)
    a, b = random.normal(3, 1, 12), random.normal(2, 4, 30)
    found = mean_difference(a, b, n_unit="deals", unit="share")
    theirs = stats.ttest_ind(a, b, equal_var=False)
    limits = theirs.confidence_interval()
    assert (found.estimate.low, found.estimate.high) == (
        pytest.approx(limits.low),
        pytest.approx(limits.high),
    )
    assert 2 * min(found.above(0.0), found.below(0.0)) == pytest.approx(theirs.pvalue)


@pytest.mark.parametrize(("a", "b"), [([], [1, 2]), ([1], [1, 2]), ([1, 1], [2, 2])])
def test_too_little_for_an_interval(a: list[float], b: list[float]) -> None:
    assert mean_difference(a, b, n_unit="deals", unit="share").estimate.low is None


def test_a_gap_minus_a_constant_keeps_its_tests() -> None:
    gap = Gap.normal(0.3, 0.05, n=80, n_unit="deals", unit="share", method="normal", space=(0.0, 1.0))
    moved = gap.shifted(0.28, space=(-1.0, 1.0))
    assert moved.estimate.value == pytest.approx(0.02)
    assert moved.above(0.1) == gap.above(0.38)
    assert moved.below(0.1) == gap.below(0.38)
    assert Gap.none(n_unit="deals", unit="share", method="none").shifted(0.1).estimate.value is None
