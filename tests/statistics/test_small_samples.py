"""Coverage of what the personal indicators stand on, where data is as small as it is in any firm."""

from __future__ import annotations

import math

import numpy as np
import pytest

from alignment_toolkit.statistics.count_trend import yearly_growth
from alignment_toolkit.statistics.inference import Gap
from alignment_toolkit.statistics.pull import partial_correlation, residuals
from alignment_toolkit.statistics.shares import wilson_limits
from alignment_toolkit.statistics.stratified import risk_difference_of_counts
from alignment_toolkit.statistics.stratified_newcombe import stratified_newcombe

RUNS = 600
TWO_ERRORS = 2 * math.sqrt(0.95 * 0.05 / RUNS)


def coverage(gaps: list[Gap], truth: float) -> float:
    known = [g.estimate for g in gaps if g.estimate.low is not None]
    assert len(known) > 0.98 * len(gaps)
    return sum(e.low <= truth <= e.high for e in known) / len(gaps)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "p", "q"),
    [
        ((8, 6, 4), (0.3, 0.4, 0.5), (0.1, 0.2, 0.3)),
        ((15, 8, 3), (0.65, 0.65, 0.65), (0.25, 0.25, 0.25)),
        ((20, 25), (0.95, 0.9), (0.5, 0.5)),
    ],
)
def test_stratified_newcombe_covers_where_each_stratums_own_shares_do_not(rows, p, q):
    rng = np.random.default_rng(5)
    n = np.array(rows)
    truth = float((n * (np.array(p) - np.array(q))).sum() / n.sum())  # as many rows on either side
    ours, klingenberg, wald = [], [], 0
    for _ in range(RUNS):
        a, c = rng.binomial(n, p), rng.binomial(n, q)
        ours.append(stratified_newcombe(a, n, c, n, n_unit="rows"))
        klingenberg.append(risk_difference_of_counts(a, n, c, n, n_unit="rows"))
        weight, (x, y) = n / n.sum(), (a / n, c / n)
        se = math.sqrt(float((weight**2 * (x * (1 - x) + y * (1 - y)) / n).sum()))
        wald += abs(float((weight * (x - y)).sum()) - truth) <= 1.96 * se
    assert coverage(ours, truth) >= 0.93 - TWO_ERRORS
    assert coverage(klingenberg, truth) >= 0.93 - TWO_ERRORS
    assert coverage(ours, truth) > wald / RUNS


def test_where_all_of_one_side_count_rounding_of_the_weights_makes_nothing_certain():
    """Seven, two and four projects of three sizes, all of them failed: 13 rows cannot be sure of it."""
    all_, n, c, m = [7, 2, 4], [7, 2, 4], [0, 1, 3], [1, 3, 7]
    ours = stratified_newcombe(all_, n, c, m, n_unit="rows").estimate
    turned = stratified_newcombe(all_[::-1], n[::-1], c[::-1], m[::-1], n_unit="rows").estimate
    weight = np.array([7 / 8, 6 / 5, 28 / 11]) / (7 / 8 + 6 / 5 + 28 / 11)
    lowest = wilson_limits(1.0, 1 / float((weight**2 / np.array(n)).sum()))[0]
    assert ours.low is not None
    assert ours.value is not None
    assert ours.value - ours.low > 1 - lowest > 0.2
    assert (ours.low, ours.high) == pytest.approx((turned.low, turned.high))


@pytest.mark.slow
@pytest.mark.parametrize(("a_month", "months", "growth"), [(1.2, 24, 0.0), (3, 36, 0.4), (5, 12, 0.2)])
def test_growth_of_lumpy_counts_is_covered(a_month, months, growth):
    rng = np.random.default_rng(6)
    expected = a_month * np.exp(growth * (np.arange(months) - months / 2) / 12)
    gaps = []
    for _ in range(RUNS):
        procedures = rng.poisson(expected)
        gaps.append(yearly_growth(procedures + rng.poisson(2 * procedures), np.full(months, 20.0)))
    assert coverage(gaps, growth) >= 0.93 - TWO_ERRORS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("weeks", "regions", "rho", "shared"), [(91, 4, -0.4, 0.3), (56, 1, 0.0, 0.0), (91, 4, -0.2, 0.5)]
)
def test_correlation_of_weeks_that_lean_on_each_other_is_covered(weeks, regions, rho, shared):
    rng = np.random.default_rng(7)

    def series(columns: int) -> np.ndarray:
        x = rng.standard_normal((weeks, columns))
        for t in range(1, weeks):
            x[t] = 0.3 * x[t - 1] + math.sqrt(1 - 0.09) * x[t]
        return x

    week, region = np.repeat(np.arange(weeks), regions), np.tile(np.arange(regions), weeks)
    gaps = []
    for _ in range(RUNS):
        x, z = (math.sqrt(shared) * series(1) + math.sqrt(1 - shared) * series(regions) for _ in range(2))
        y = rho * x + math.sqrt(1 - rho**2) * z
        gaps.append(partial_correlation(residuals(x.ravel(), y.ravel(), week, region)))
    assert coverage(gaps, rho) >= 0.93 - TWO_ERRORS
