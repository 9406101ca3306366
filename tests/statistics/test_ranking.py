"""Paired areas under the ROC curve: against counting all pairs, scikit-learn, DeLong's covariance, the bootstrap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from alignment_toolkit.statistics.ranking import auc, auc_difference, logistic

Random = np.random.Generator


def drawn(r: Random, n: int = 200, apart: float = 0.0) -> tuple[Any, Any, Any]:
    """Two ratings of one truth; the second carries more noise where `apart` is above 0."""
    truth = r.normal(0, 1, n)
    won = r.random(n) < 1 / (1 + np.exp(1.5 - truth))
    return truth + r.normal(0, 0.7, n), truth + r.normal(0, 0.7 + apart, n), won


def pairs(score: Any, won: Any, weights: Any) -> float:
    """Count all pairs one by one."""
    top = bottom = 0.0
    for i in np.flatnonzero(won):
        for j in np.flatnonzero(~won):
            w = weights[i] * weights[j]
            top += w * (1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0)
            bottom += w
    return top / bottom


def test_areas_are_the_share_of_pairs_in_order_ties_and_weights_included() -> None:
    r = np.random.default_rng(1)
    one, two, won = drawn(r, 60)
    one, two = one.round(0), two.round(0)
    weights = r.uniform(0.5, 3, 60)
    plain, weighed = (
        auc_difference(one, two, won, n_unit="a"),
        auc_difference(one, two, won, weights, n_unit="a"),
    )
    assert plain.first.value == pytest.approx(roc_auc_score(won, one))
    assert plain.second.value == pytest.approx(roc_auc_score(won, two))
    assert weighed.first.value == pytest.approx(pairs(one, won, weights))
    assert weighed.gap.estimate.value == pytest.approx(pairs(one, won, weights) - pairs(two, won, weights))
    assert weighed.first.value == pytest.approx(roc_auc_score(won, one, sample_weight=weights))


def test_the_variance_is_that_of_delong() -> None:
    one, two, won = drawn(np.random.default_rng(2), 80)
    x, y = np.column_stack([one, two])[won], np.column_stack([one, two])[~won]
    v10 = np.array([[np.mean((a > y[:, k]) + 0.5 * (a == y[:, k])) for k, a in enumerate(row)] for row in x])
    v01 = np.array([[np.mean((x[:, k] > b) + 0.5 * (x[:, k] == b)) for k, b in enumerate(row)] for row in y])
    covariance = np.cov(v10.T) / len(x) + np.cov(v01.T) / len(y)
    se = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    e = auc_difference(one, two, won, n_unit="a").gap.estimate
    assert e.low is not None
    assert e.high is not None
    assert (e.high - e.low) / (2 * 1.959963985) == pytest.approx(se)


def test_the_weighted_variance_is_that_of_the_bootstrap() -> None:
    r = np.random.default_rng(3)
    one, two, won = drawn(r, 300, 0.5)
    weights = r.uniform(0.5, 3, 300)
    e = auc_difference(one, two, won, weights, n_unit="a").gap.estimate
    again = []
    for _ in range(300):
        i = np.concatenate(
            [r.choice(np.flatnonzero(won), won.sum()), r.choice(np.flatnonzero(~won), (~won).sum())]
        )
        again.append(auc_difference(one[i], two[i], won[i], weights[i], n_unit="a").gap.estimate.value or 0.0)
    assert e.low is not None
    assert e.high is not None
    assert (e.high - e.low) / 3.92 == pytest.approx(np.std(again), rel=0.15)


def test_the_interval_holds_the_truth() -> None:
    one, two, won = drawn(np.random.default_rng(0), 200_000, 0.5)
    truth = auc_difference(one, two, won, n_unit="a").gap.estimate.value or 0.0
    missed = independent = 0
    for run in range(300):
        one, two, won = drawn(np.random.default_rng([run, 1]), 300, 0.5)
        seen = auc_difference(one, two, won, n_unit="a")
        e = seen.gap.estimate
        assert e.low is not None
        assert e.high is not None
        missed += not e.low <= truth <= e.high
        independent += not _apart(seen, truth)
    assert 0 < missed / 300 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 300)
    assert independent < missed  # control: ratings taken as independent give intervals that are too wide


def _apart(seen: Any, truth: float) -> bool:
    half = np.hypot(seen.first.high - seen.first.low, seen.second.high - seen.second.low) / 2
    return bool(abs(seen.gap.estimate.value - truth) <= half)


@pytest.mark.parametrize(
    ("one", "two", "won"),
    [([], [], []), ([1.0], [2.0], [1]), ([1.0, 2.0], [2.0, 1.0], [1, 1]), ([np.nan] * 4, [1.0] * 4, [0, 1, 0, 1]),
     ([1.0, 2.0], [1.0, 2.0], [0, 1])],
    ids=["nothing", "one row", "all won", "no ratings", "a row each"],
)  # fmt: skip
def test_too_little_gives_no_interval(one: Any, two: Any, won: Any) -> None:
    gap = auc_difference(one, two, won, n_unit="a").gap
    assert gap.estimate.low is None
    assert gap.above(0.0) == 1.0
    assert auc(one, won, n_unit="a").estimate.low is None


def test_probabilities_are_calibrated_and_missing_counts_as_the_mean() -> None:
    r = np.random.default_rng(5)
    x = r.normal(0, 1, 5000)
    y = r.random(5000) < 1 / (1 + np.exp(-x))
    p = logistic(x, y)
    assert p.mean() == pytest.approx(y.mean(), abs=1e-6)
    assert np.corrcoef(p, 1 / (1 + np.exp(-x)))[0, 1] > 0.999
    assert logistic([[np.nan], [1.0], [-1.0], [0.0]], [1, 1, 0, 0])[0] == pytest.approx(0.5, abs=0.05)
    assert np.isfinite(logistic([[0.0], [0.0], [9.0], [9.0]], [0, 0, 1, 1])).all()
