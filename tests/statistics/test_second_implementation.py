"""The toolkit's own formulas against statsmodels, scipy, plain loops, and tables one can add up in one's head."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignment_toolkit.periods import WorkingCalendar
from alignment_toolkit.statistics import agreement, shares
from alignment_toolkit.statistics.multiplicity import benjamini_hochberg
from alignment_toolkit.statistics.resampling import cluster_bootstrap, generator, percentile_interval
from alignment_toolkit.statistics.simpson import crude_and_adjusted
from alignment_toolkit.statistics.stratified import risk_difference
from alignment_toolkit.statistics.survival import kaplan_meier, median, share_by
from alignment_toolkit.statistics.whale import leave_one_out
from alignment_toolkit.statistics.working_time import working_hours


@given(st.integers(1, 500), st.integers(0, 500))
@settings(max_examples=30)
def test_wilson_is_that_of_statsmodels(n: int, k: int) -> None:
    from statsmodels.stats.proportion import proportion_confint

    k = min(k, n)
    e = shares.wilson(k, n, n_unit="rows").estimate
    assert (e.low, e.high) == pytest.approx(proportion_confint(k, n, method="wilson"), abs=1e-12)


@given(*[st.integers(0, 60)] * 2, *[st.integers(1, 60)] * 2)
@settings(max_examples=30)
def test_newcombe_is_that_of_statsmodels(a: int, c: int, n: int, m: int) -> None:
    from statsmodels.stats.proportion import confint_proportions_2indep

    a, c = min(a, n), min(c, m)
    e = shares.newcombe(a, n, c, m).estimate
    assert (e.low, e.high) == pytest.approx(
        confint_proportions_2indep(a, n, c, m, method="newcomb"), abs=1e-9
    )


@pytest.mark.parametrize("table", [[[20, 5], [10, 15]], [[9, 2, 1], [3, 14, 2], [0, 4, 11]]])
def test_kappa_is_that_of_statsmodels(table: list[list[int]]) -> None:
    from statsmodels.stats.inter_rater import cohens_kappa

    other = cohens_kappa(table)
    e = agreement.kappa(table).estimate
    assert e.value == pytest.approx(other.kappa)
    if len(table) > 2:
        assert (e.low, e.high) == pytest.approx((other.kappa_low, other.kappa_upp))
    for name, code in (("linear", "ca"), ("quadratic", "fc")):
        weighted, other = agreement.weighted_kappa(table, weights=name), cohens_kappa(table, wt=code)
        assert weighted.value == pytest.approx(other.kappa)
        assert (weighted.low, weighted.high) == pytest.approx((other.kappa_low, other.kappa_upp))


def test_kappa_score_interval_nears_the_large_sample_one() -> None:
    from statsmodels.stats.inter_rater import cohens_kappa

    table = np.array([[20, 5], [10, 15]]) * 400
    e, other = agreement.kappa(table).estimate, cohens_kappa(table)
    assert (e.low, e.high) == pytest.approx((other.kappa_low, other.kappa_upp), abs=5e-4)


def test_likeliest_process_is_the_best_on_a_grid() -> None:
    cells, gap = (20.0, 5.0, 10.0, 15.0), 0.9
    found = agreement._likeliest(cells, gap)
    at = np.linspace(0.01, 0.99, 491)
    p, q = np.meshgrid(at, at)
    d = gap * (p + q - 2 * p * q)
    parts = [(p + q - d) / 2, (p - q + d) / 2, (q - p + d) / 2, 1 - (p + q + d) / 2]
    inside = np.min(parts, axis=0) > 0
    likelihood = sum(c * np.log(np.where(inside, s, 1e-300)) for c, s in zip(cells, parts, strict=True))
    best = np.unravel_index(np.argmax(likelihood), likelihood.shape)
    assert found == pytest.approx([part[best] for part in parts], abs=3e-3)
    assert (found[1] + found[2]) / gap == pytest.approx(
        (found[0] + found[1]) * (found[1] + found[3]) + (found[0] + found[2]) * (found[2] + found[3])
    )


def test_ac1_and_raw_by_hand() -> None:
    # raw (20 + 15) / 50; mean share of the first category (25 + 30) / 100; chance 2 x .55 x .45.
    assert agreement.raw([[20, 5], [10, 15]]).value == pytest.approx(0.7)
    chance = 2 * 0.55 * 0.45
    assert agreement.ac1([[20, 5], [10, 15]]).value == pytest.approx((0.7 - chance) / (1 - chance))


@given(st.lists(st.floats(0, 1), max_size=20))
@settings(max_examples=30)
def test_benjamini_hochberg_is_that_of_statsmodels(p: list[float]) -> None:
    from statsmodels.stats.multitest import multipletests

    ours = benjamini_hochberg(p)
    assert len(ours) == len(p)
    if p:
        assert ours == pytest.approx(multipletests(p, method="fdr_bh")[1], abs=1e-12)


@given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=40))
@settings(max_examples=40)
def test_kaplan_meier_is_that_of_statsmodels(rows: list[tuple[int, bool]]) -> None:
    from statsmodels.duration.survfunc import SurvfuncRight

    t, e = [float(r[0]) for r in rows], [int(r[1]) for r in rows]
    ours = kaplan_meier(t, e)
    if not any(e):
        assert ours.empty
        return
    with np.errstate(all="ignore"):
        other = SurvfuncRight(t, e)
        theirs = other.surv_prob_se
    assert ours.time.tolist() == other.surv_times.tolist()
    assert ours.survival.tolist() == pytest.approx(other.surv_prob.tolist())
    assert ours.at_risk.tolist() == other.n_risk.tolist()
    alive = ours.survival > 0
    assert ours.se[alive].tolist() == pytest.approx(theirs[alive].tolist())
    if not np.isclose(other.surv_prob, 0.5).any():  # there the two take different ends of a flat stretch
        half = other.quantile(0.5)
        assert median(t, e).value == (pytest.approx(half) if math.isfinite(half) else None)


def test_share_by_without_censoring_is_wilson() -> None:
    gap = share_by([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [1] * 10, at=3)
    same = shares.wilson(3, 10, n_unit="rows").estimate
    e = gap.estimate
    assert (e.value, e.low, e.high) == pytest.approx((same.value, same.low, same.high))


@pytest.mark.parametrize(
    ("durations", "events", "at", "value"),
    [
        ([], [], 5, None),
        ([1, 2], [0, 0], 5, None),  # nobody was watched for 5
        ([6, 7, 8], [0, 0, 0], 5, 0.0),
        ([1, 2, 3], [1, 1, 1], 5, 1.0),
        ([5, 6], [1, 0], 5, 0.5),  # the moment itself counts
        ([math.nan, 1.0], [1, 1], 5, 1.0),
    ],
)
def test_share_by_at_the_edges(
    durations: list[float], events: list[int], at: float, value: float | None
) -> None:
    e = share_by(durations, events, at).estimate
    assert e.value == value
    if value is not None:
        assert e.low is not None
        assert e.high is not None
        assert e.high - e.low > 0.2


def test_median_without_half() -> None:
    assert median([1, 2, 3, 4], [1, 0, 0, 0]).value is None
    assert median([], []).value is None
    e = median(range(1, 101), [1] * 100)
    assert e.value == 50
    assert e.low is not None
    assert e.high is not None
    assert 38 <= e.low <= 42
    assert 58 <= e.high <= 62


def test_clustered_ratio_by_hand_and_degenerate() -> None:
    e = shares.clustered_ratio(0, 0, 0, 0, 0, 0, unit="money", n_unit="clients")
    assert (e.value, e.low) == (None, None)
    assert shares.clustered_ratio(5, 1, 25, 5, 1, 1, unit="money", n_unit="clients").low is None
    equal = shares.clustered_ratio(6, 3, 12, 6, 3, 3, unit="money", n_unit="clients")
    assert (equal.value, equal.low) == (2.0, None)
    refunds = shares.clustered_ratio(-4, 4, 40, -4, 4, 4, unit="money", n_unit="clients", n=7)
    assert refunds.low is not None
    assert refunds.high is not None
    assert refunds.low < -1 < refunds.high
    assert refunds.n == 7
    huge = shares.clustered_ratio(1e150, 2, 1e300, 1e150, 4, 2, unit="money", n_unit="clients")
    assert huge.high is None or math.isfinite(huge.high)


def test_counts_and_totals_degenerate() -> None:
    from scipy import stats

    e = shares.poisson_count(7)
    assert (e.low, e.high) == pytest.approx((stats.chi2.ppf(0.025, 14) / 2, stats.chi2.ppf(0.975, 16) / 2))
    assert shares.poisson_count(math.nan).value is None
    assert shares.compound_total(0, 0, 0).low is None
    assert shares.compound_total(math.nan, 1, 1).value is None
    back = shares.compound_total(-10, 200, 5)
    assert back.low is not None
    assert back.low < -10
    assert shares.e_value(0) is None
    assert shares.wilson(0, 0, n_unit="rows").estimate.n == 0
    assert shares.newcombe(1, 2, 0, 0).estimate.value is None


def test_clustered_share_degenerate() -> None:
    assert shares.clustered_share([], []).estimate.value is None
    one = shares.clustered_share([3], [5]).estimate
    assert (one.value, one.low) == (0.6, None)
    singles, rows = shares.clustered_share([1, 0, 1], [1, 1, 1]).estimate, shares.wilson(2, 3, n_unit="rows")
    assert (singles.low, singles.high) == (rows.estimate.low, rows.estimate.high)
    none = shares.clustered_share([0] * 10, [5] * 10, alike=1.0).estimate
    assert (none.low, none.high) == pytest.approx((0, shares.wilson(0, 10, n_unit="rows").estimate.high))


def test_difference_of_missing_and_equal() -> None:
    a, none = shares.wilson(5, 10, n_unit="rows").estimate, shares.wilson(0, 0, n_unit="rows").estimate
    nothing, no_p = shares.difference(a, none)
    assert (nothing.value, nothing.low, no_p) == (None, None, None)
    d, p = shares.difference(a, a)
    assert d.value == 0
    assert p == 1


@given(st.lists(st.tuples(*[st.integers(0, 20)] * 4), min_size=1, max_size=5))
@settings(max_examples=40)
def test_strata_are_those_of_statsmodels(rows: list[tuple[int, int, int, int]]) -> None:
    from statsmodels.stats.contingency_tables import StratifiedTable

    tables = [np.array([[a, b], [c, d]], dtype=float) for a, b, c, d in rows]
    found = crude_and_adjusted(*np.array([(a, a + b, c, c + d) for a, b, c, d in rows]).T)
    usable = [t for t in tables if t.sum(axis=1).min() > 0]
    with np.errstate(all="ignore"):
        other = StratifiedTable(usable) if usable else None
        odds, risk = (other.oddsratio_pooled, other.riskratio_pooled) if other else (math.nan, math.nan)
    for ours, theirs in ((found.odds_ratio, odds), (found.risk_ratio, risk)):
        assert ours is None if not math.isfinite(theirs) else ours == pytest.approx(theirs)


def test_simpson_stays_silent_without_paradox() -> None:
    assert not crude_and_adjusted([50, 50], [100, 100], [30, 30], [100, 100]).fires
    assert crude_and_adjusted([1], [0], [1], [2]).adjusted is None
    assert crude_and_adjusted([], [], [], []).crude is None


def test_risk_difference_by_hand() -> None:
    exposed = [1] * 20 + [0] * 20
    outcome = [1] * 15 + [0] * 5 + [1] * 10 + [0] * 10
    e = risk_difference(exposed, outcome, ["a"] * 40, n_unit="leads").estimate
    # The stratum weighs 20 x 20 / 40 = 10; Sato's two sums are (10 - 15) x 400 / 1600 and (15 x 10 + 10 x 5) / 80.
    slope, base, z2 = -1.25 / 10**2, 2.5 / 10**2, 1.959964**2
    assert slope * 0.25 + base == pytest.approx(0.75 * 0.25 / 20 + 0.5 * 0.5 / 20)
    middle = 0.25 + z2 * slope / 2
    half = math.sqrt(middle**2 - 0.25**2 + z2 * base)
    assert (e.value, e.low, e.high) == pytest.approx((0.25, middle - half, middle + half), abs=1e-6)
    assert risk_difference([], [], [], n_unit="leads").estimate.value is None


@dataclass(frozen=True)
class Week:
    days: tuple[int, ...] = (0, 1, 2, 3, 4)
    opens: time = time(9)
    closes: time = time(17)
    holidays: frozenset[date] = field(default_factory=frozenset)


MOMENTS = st.datetimes(datetime(2025, 12, 20), datetime(2026, 1, 20))


@given(
    st.lists(st.tuples(MOMENTS, MOMENTS), min_size=1, max_size=20),
    st.sets(st.integers(0, 6)),
    st.sets(st.dates(date(2025, 12, 20), date(2026, 1, 20)), max_size=4),
)
def test_working_hours_equal_the_calendar(
    rows: list[tuple[datetime, datetime]], days: set[int], holidays: set[date]
) -> None:
    week = Week(tuple(days), time(8, 30), time(17, 15), frozenset(holidays))
    hours = working_hours(week, [r[0] for r in rows], [r[1] for r in rows])
    for got, (a, b) in zip(hours, rows, strict=True):
        wanted, day = 0.0, a.date()
        while day <= b.date():
            if day.weekday() in days and day not in holidays:
                begin = max(a, datetime.combine(day, week.opens))
                finish = min(b, datetime.combine(day, week.closes))
                wanted += max((finish - begin).total_seconds(), 0) / 3600
            day += timedelta(days=1)
        assert got == pytest.approx(wanted, abs=1e-9)


@given(st.lists(st.tuples(MOMENTS, MOMENTS), min_size=1, max_size=10))
@settings(max_examples=30)
def test_working_hours_equal_hours_between(rows: list[tuple[datetime, datetime]]) -> None:
    calendar = WorkingCalendar()
    hours = working_hours(calendar, [r[0] for r in rows], [r[1] for r in rows])
    assert hours.tolist() == pytest.approx([calendar.hours_between(a, b) for a, b in rows], abs=1e-9)


def test_working_hours_of_missing_moments() -> None:
    hours = working_hours(Week(), ["2026-01-05T10:00", "NaT"], ["NaT", "2026-01-05T10:00"])
    assert np.isnan(hours).all()
    assert working_hours(Week(), [], []).tolist() == []
    import pandas as pd

    column = pd.Series(pd.to_datetime(["2026-01-05 10:00", None]))
    assert working_hours(Week(), column, column)[0] == 0


@given(st.permutations(range(12)))
@settings(max_examples=20)
def test_bootstrap_does_not_know_the_order(order: list[int]) -> None:
    keys = np.array([f"k{i // 3}" for i in range(12)])
    values = np.arange(24.0).reshape(12, 2)

    def draw(seed: str, by: list[int]) -> list[float]:
        return cluster_bootstrap(
            keys[by], values[by], lambda r: r[:, 0].sum() / r[:, 1].sum(), seed=seed, draws=50
        ).tolist()

    assert draw("x", list(range(12))) == draw("x", order)
    assert draw("x", order) != draw("y", order)


def test_bootstrap_draws_whole_clusters() -> None:
    keys = ["a", "a", "b", "b", "c"]
    drawn = cluster_bootstrap(
        keys, [[1.0], [1.0], [2.0], [2.0], [5.0]], lambda r: float(len(r)), seed="x", draws=400
    )
    assert set(drawn) == {3.0, 4.0, 5.0, 6.0}  # rows of three clusters of 2, 2 and 1
    assert cluster_bootstrap(["a"], [[1.0]], np.mean, seed="x").size == 0
    assert cluster_bootstrap([], [], np.mean, seed="x").size == 0
    values = generator("v").normal(size=(400, 1))
    e = percentile_interval(
        float(values.mean()), cluster_bootstrap(range(400), values, np.mean, seed="x"), n=400, n_unit="rows",
        unit="points", method="bootstrap",
    )  # fmt: skip
    assert e.low is not None
    assert e.high is not None
    assert e.high - e.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.15)


def test_whale() -> None:
    even = leave_one_out([*"abcde"], [[10.0]] * 5)
    assert (even.value, even.without, even.top_share, even.fires) == (50, 40, 0.2, False)
    rate = leave_one_out([*"aabc"], [[40.0, 1.0], [50.0, 1.0], [2.0, 1.0], [4.0, 1.0]])
    assert (rate.cluster, rate.value, rate.without, rate.fires) == ("a", 24.0, 3.0, True)
    assert leave_one_out([], []).value == 0
    assert leave_one_out(["a"], [[3.0]]).without is None
    assert leave_one_out(["a", "b", "c"], [[4.0], [4.0], [4.0]], margin=10).fires
