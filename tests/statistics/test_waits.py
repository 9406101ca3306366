"""Waits in clusters and the share in the end: against statsmodels, brute force, and processes whose truth is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignment_toolkit.statistics import survival
from alignment_toolkit.statistics.cure import _came, _Fit, _Grouped, long_run_share
from alignment_toolkit.statistics.inference import Z95
from alignment_toolkit.statistics.shares import clustered_share

Random = np.random.Generator
ROWS = st.lists(st.tuples(st.integers(0, 12), st.booleans(), st.integers(0, 5)), min_size=2, max_size=40)


@given(ROWS)
@settings(max_examples=40)
def test_the_curve_and_its_error_are_those_of_statsmodels(rows: list[tuple[int, bool, int]]) -> None:
    from statsmodels.duration.survfunc import SurvfuncRight

    t, e, _ = map(np.array, zip(*rows, strict=True))
    if not e.any():
        return
    mine, other = survival.kaplan_meier(t, e), SurvfuncRight(t, e)
    assert mine.time.tolist() == other.surv_times.tolist()
    assert mine.survival.to_numpy() == pytest.approx(other.surv_prob)
    inside = other.surv_prob > 0
    assert mine.se.to_numpy()[inside] == pytest.approx(other.surv_prob_se[inside])
    value, middle = survival.median(t, e).value, other.quantile(0.5)
    # statsmodels asks for a curve below one half, we for one at or below it.
    assert value is None or value <= middle or math.isnan(middle)
    if not (np.abs(other.surv_prob - 0.5) < 1e-9).any():
        assert value == middle or (value is None and math.isnan(middle))


@given(ROWS)
@settings(max_examples=40)
def test_rows_may_come_counted_and_clusters_by_any_number(rows: list[tuple[int, bool, int]]) -> None:
    t, e, c = map(np.array, zip(*rows, strict=True))
    groups = sorted(set(rows))
    counts = [rows.count(g) for g in groups]
    gt, ge, gc = map(np.array, zip(*groups, strict=True))
    for one, other in (
        (survival.median(t, e, clusters=c), survival.median(gt, ge, counts=counts, clusters=gc * 7 + 3)),
        (
            survival.share_by(t, e, 5, clusters=c).estimate,
            survival.share_by(gt, ge, 5, counts=counts, clusters=-gc).estimate,
        ),
    ):
        assert (one.value, one.n, one.method) == (other.value, other.n, other.method)
        assert (one.low is None) == (other.low is None)
        if one.low is not None:
            assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-9)


@pytest.mark.parametrize("came", [True, False])
def test_where_all_rows_of_clusters_agree_the_share_is_that_without_waiting(came: bool) -> None:
    people = np.arange(12 * 33) // 33
    waited = survival.share_by(
        np.full(396, 3 if came else 40), np.full(396, came), 16, clusters=people
    ).estimate
    told = clustered_share([33 * came] * 12, [33] * 12).estimate
    assert (waited.value, waited.low, waited.high) == pytest.approx((told.value, told.low, told.high))
    assert waited.high - waited.low < 0.1  # as copies of one another they would be 12 rows: 0.24


def test_a_row_of_its_own_is_no_cluster_and_copies_say_nothing_new() -> None:
    t, e = [1, 3, 4, 4, 8, 9, 12, 15, 20, 30], [1, 1, 1, 0, 1, 1, 0, 1, 1, 0]
    alone = survival.share_by(t, e, 9, clusters=range(10)).estimate
    assert alone == survival.share_by(t, e, 9).estimate
    copies = survival.share_by(t * 3, e * 3, 9, clusters=[*range(10)] * 3).estimate
    independent = survival.share_by(t * 3, e * 3, 9).estimate
    assert copies.value == alone.value == independent.value
    assert copies.high - copies.low > alone.high - alone.low > independent.high - independent.low


def test_the_design_effect_is_that_of_the_jackknife_over_clusters() -> None:
    r = np.random.default_rng(3)
    c = np.repeat(np.arange(60), r.integers(1, 6, 60))
    t = np.round(r.exponential(np.exp(r.normal(0, 1, 60)))[c] * r.exponential(1, c.size), 2)
    end = r.uniform(0.2, 3, c.size)
    e, t = t <= end, np.minimum(t, end)

    def late(keep: Any) -> float:
        return 1 - survival.share_by(t[keep], e[keep], 0.5).estimate.value

    def variance(of: Any) -> float:
        names = np.unique(of)
        left = np.array([late(of != name) for name in names])
        return float((names.size - 1) / names.size * ((left - left.mean()) ** 2).sum())

    curve = survival._Curve(t, e, None, c)
    design, _ = curve.design(int(np.searchsorted(curve.time, 0.5, side="right")) - 1)
    assert design == pytest.approx(variance(c) / variance(np.arange(c.size)), rel=0.1)
    assert design > 1.3


def test_too_few_rows_have_a_median_and_no_interval() -> None:
    few = survival.median([1, 2, 3, 4, 5], [1] * 5)
    assert (few.value, few.low, few.high) == (3, None, None)
    assert survival.median([1, 2, 3, 4, 5, 6], [1] * 6).low == 1


# The share in the end ---------------------------------------------------------------------------------------------


def process(
    r: Random, n: int, share: float, scale: float, ages: tuple[float, float], shape: float = 1.0
) -> Any:
    """A share converts after a Weibull time; all are seen for a while of their own."""
    t = np.where(r.random(n) < share, np.floor(scale * r.weibull(shape, n)), np.inf)
    age = np.floor(r.uniform(*ages, n))
    return np.minimum(t, age), t <= age


def test_the_likelihood_is_that_of_a_loop_and_its_best_is_the_best_on_a_grid() -> None:
    days, became = process(np.random.default_rng(1), 300, 0.3, 20, (60, 200))
    fit = _Fit("Weibull", _Grouped.of(days, became, None))

    def loss(share: float, shape: float, scale: float) -> float:
        def came(t: float) -> float:
            return 1 - math.exp(-((t / scale) ** shape))

        return -sum(
            math.log(share * (came(d + 1) - came(d))) if b else math.log(1 - share * came(d + 1))
            for d, b in zip(days, became, strict=True)
        )

    assert fit.loss(0.25, 1.2, 15.0) == pytest.approx(loss(0.25, 1.2, 15.0))
    least, share, shape, scale = fit.best()
    grid = [
        loss(p, k, s)
        for p in np.linspace(share - 0.04, share + 0.04, 7)
        for k in shape * np.linspace(0.9, 1.1, 7)
        for s in scale * np.linspace(0.9, 1.1, 7)
    ]
    assert least <= min(grid) + 1e-6
    assert least == pytest.approx(min(grid), abs=0.05)


def test_the_ends_of_the_interval_are_where_the_likelihood_drops_by_1_92() -> None:
    days, became = process(np.random.default_rng(2), 300, 0.3, 20, (150, 300))
    found = long_run_share(days, became).estimate
    fits = [_Fit(f, _Grouped.of(days, became, None)) for f in ("Weibull", "log-logistic")]
    best = [fit.best() for fit in fits]
    least = min(b[0] for b in best)
    for end in (found.low, found.high):
        drop = min(fit.least(end, b[2:]) for fit, b in zip(fits, best, strict=True)) - least
        assert drop == pytest.approx(Z95**2 / 2, abs=0.02)


def test_with_nothing_censored_early_it_is_the_plain_share() -> None:
    days, became = process(np.random.default_rng(4), 400, 0.3, 10, (300, 301))
    found = long_run_share(days, became).estimate
    assert found.value == pytest.approx(became.mean(), abs=2e-3)
    assert _came("log-logistic", np.array([0.0, 5.0]), 2.0, 5.0).tolist() == [0.0, 0.5]


def test_clusters_widen_it() -> None:
    days, became = process(np.random.default_rng(5), 200, 0.3, 10, (100, 200))
    alone = long_run_share(days, became).estimate
    twice = long_run_share(np.tile(days, 2), np.tile(became, 2), clusters=np.tile(np.arange(200), 2)).estimate
    assert twice.value == pytest.approx(alone.value, abs=1e-4)
    assert twice.high - twice.low == pytest.approx(alone.high - alone.low, rel=0.1)
    assert "clustered" in twice.method


@pytest.mark.parametrize(
    ("days", "became", "reason"),
    [
        ([], [], "no rows"),
        ([5], [1], "conversions seen: 1"),
        ([0] * 50, [1] * 50, ""),
        ([0] * 50, [0] * 50, "conversions seen: 0"),
        ([3] * 25 + [400] * 75, [1] * 25 + [0] * 75, ""),
        ([math.nan] * 9, [1] * 9, "no rows"),
    ],
)
def test_degenerate_waits_give_a_number_or_a_reason(days: Any, became: Any, reason: str) -> None:
    found = long_run_share(days, became)
    e = found.estimate
    assert (e.value is None) == (found.reason is not None)
    assert (found.reason or "").startswith(reason)
    for x in (e.value, e.low, e.high, *(found.bounds or ())):
        assert x is None or 0 <= x <= 1


def test_young_data_gives_bounds_and_not_a_number() -> None:
    """Half of the time that the process takes has been seen; the naive share is far too low and says nothing of it."""
    told = 0
    for run in range(60):
        days, became = process(np.random.default_rng([run, 11]), 300, 0.3, 30, (0, 40))
        found = long_run_share(days, became)
        told += found.estimate.value is not None
        if found.bounds:
            assert found.bounds[0] <= 0.3 <= found.bounds[1]
    assert told <= 3


def coverage(runs: int, ages: tuple[float, float]) -> tuple[float, float]:
    """Give the coverage of the model, and that of the naive share so far."""
    held = naive = made = 0
    for run in range(runs):
        days, became = process(np.random.default_rng([run, 12]), 300, 0.3, 25, ages, 0.9)
        e = long_run_share(days, became).estimate
        p, n = became.mean(), became.size
        half = Z95 * math.sqrt(p * (1 - p) / n)
        naive += p - half <= 0.3 <= p + half
        if e.low is not None and e.high is not None:
            made += 1
            held += e.low <= 0.3 <= e.high
    return held / made, naive / runs


def test_the_interval_covers_and_the_naive_share_does_not() -> None:
    model, naive = coverage(70, (0, 365))
    assert model >= 0.93 - 2 * math.sqrt(0.95 * 0.05 / 70)
    assert naive < 0.9


@pytest.mark.slow
def test_coverage_over_many_runs() -> None:
    model, _ = coverage(1000, (0, 365))
    assert 0.93 - 0.014 <= model <= 0.97 + 0.014
