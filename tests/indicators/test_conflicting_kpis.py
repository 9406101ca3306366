"""Does one target pull against the other? Six weeks by hand, second implementations, small regions, guards."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from alignment_toolkit.indicators.conflicting_kpis import conflicting_kpis
from alignment_toolkit.statistics.pull import partial_correlation, residuals
from tests.indicators.guarding import fires, quiet
from tests.indicators.personal import look

MONDAY = datetime(2025, 1, 6)


def leads(
    weeks: list[tuple[int, int]], region: str = "north", start: datetime = MONDAY, days: int = 20
) -> list[dict[str, Any]]:
    """Give leads week by week: how many, and how many of them convert after so many days."""
    rows = []
    for week, (n, won) in enumerate(weeks):
        for i in range(n):
            at = start + timedelta(weeks=week, days=i % 7, hours=9)
            name = f"{region}-{week}-{i}"
            rows.append(
                {"lead_id": name, "account_id": f"a-{name}", "created_at": at, "region": region,
                 "converted_at": at + timedelta(days=days) if i < won else None}
            )  # fmt: skip
    return rows


LAST = {"lead_id": "z", "account_id": "z", "created_at": datetime(2026, 9, 30), "region": "north"}


def seen(rows: list[dict[str, Any]], **more: Any):
    found = look(conflicting_kpis, {"leads": [*rows, LAST]}, until={"leads": "2026-09-30"}, **more)
    assert found.error is None
    assert found.seen is not None
    return found.seen


def random_weeks(seed: int, pull: float, weeks: int = 66, size: int = 30) -> list[tuple[int, int]]:
    rng = np.random.default_rng(seed)
    n = rng.integers(size // 2, 2 * size, weeks)
    share = np.clip(0.4 - pull * (n - n.mean()) / n.std() + 0.04 * rng.standard_normal(weeks), 0.05, 0.95)
    return [(int(k), round(float(k * p))) for k, p in zip(n, share, strict=True)]


def test_the_worked_example():
    weeks = [(n, 4) for n in (10, 20, 20, 10, 10, 20)]
    counts, won = np.array(weeks, dtype=float).T
    # A line through six weeks is taken out of both, so what is left of 20 against 10 keeps its sign.
    left = residuals(np.log(counts), won / counts, np.arange(6), ["north"] * 6)
    assert partial_correlation(left).complement(one=0.0).estimate.value == pytest.approx(1.0)
    found = seen(leads(weeks))
    assert found.gap.estimate.value == pytest.approx(1.0)
    assert found.counts == {"weeks": 6}


def test_it_is_the_correlation_of_what_ols_leaves():
    rng = np.random.default_rng(3)
    week, region = np.repeat(np.arange(80), 3), np.tile(["a", "b", "c"], 80)
    x, y = rng.standard_normal(240) + week / 40, rng.standard_normal(240) - week / 40
    y = y - 0.5 * x
    at = (week - week.mean()) / (week.max() - week.min())
    turn = 2 * np.pi * week / (365.25 / 7)
    design = np.column_stack(
        [
            pd.get_dummies(region).to_numpy(float),
            at,
            at**2,
            np.sin(turn),
            np.cos(turn),
            np.sin(2 * turn),
            np.cos(2 * turn),
        ]
    )
    u, v = (sm.OLS(z, design).fit().resid for z in (x, y))
    gap = partial_correlation(residuals(x, y, week, region)).estimate
    assert gap.value == pytest.approx(stats.pearsonr(u, v).statistic)
    # The clustered variance of the slope of v on u (both standardised, r itself) is of the same size as ours.
    u, v = u / u.std(), v / v.std()
    clustered = sm.OLS(v, u).fit(cov_type="cluster", cov_kwds={"groups": week // 8})
    half = (gap.high - gap.low) / 2 / stats.t.ppf(0.975, 9)
    assert half == pytest.approx(clustered.bse[0], rel=0.35)


def test_leads_too_young_to_judge_and_existing_clients_do_not_count():
    base = seen(leads(random_weeks(1, 0.1)))
    young = leads([(60, 0)] * 3, start=datetime(2026, 7, 13))
    assert seen(leads(random_weeks(1, 0.1)) + young).gap.estimate == base.gap.estimate
    old = [
        {**row, "lead_id": f"x{i}", "account_id": "old", "converted_at": MONDAY - timedelta(days=400)}
        for i, row in enumerate(leads([(9, 0)] * 20))
    ]
    assert seen(leads(random_weeks(1, 0.1)) + old).gap.estimate == base.gap.estimate
    assert seen(leads(random_weeks(1, 0.1), days=95)).gap.estimate.value is None  # nobody within 90 days
    late = seen(leads(random_weeks(1, 0.1), days=95), options={"horizon_days": 100})
    assert late.gap.estimate.value == pytest.approx(base.gap.estimate.value)


def test_regions_are_compared_with_themselves():
    """A large region that converts badly is no conflict; small regions are put together, or left out with a word."""
    one, two = random_weeks(2, 0.0), random_weeks(5, 0.0, size=120)
    poor = [(n, round(0.3 * won)) for n, won in two]
    both = seen(leads(one) + leads(poor, "south"))
    assert abs(both.gap.estimate.value) < 0.3
    assert {m.name for m in both.measures} == {"within_week", "region_north", "region_south"}
    few = [(6, 2 + week % 2) for week in range(60)]
    pooled = seen(leads(few) + leads(few, "south"))
    assert {row[1] for row in pooled.evidence.rows} == {"smaller regions together"}
    alone = seen(leads(few))
    assert alone.counts == {"weeks": 0}
    fires("conflicting_kpis", "small_cells", alone, "even together")


def test_guards_fire_and_do_not():
    pulled = [random_weeks(seed, 0.15, size=60) for seed in (1, 2)]
    none = seen(leads(pulled[0]) + leads(pulled[1], "south"))
    quiet("conflicting_kpis", "small_cells", none)
    quiet("conflicting_kpis", "confounding", none)
    shared = random_weeks(1, 0.15, size=60)
    rng = np.random.default_rng(7)
    jitter = [(n + int(rng.integers(0, 5)), max(won + int(rng.integers(-3, 4)), 0)) for n, won in shared]
    fair = seen(leads(shared) + leads(jitter, "south"))
    fires("conflicting_kpis", "confounding", fair)
    lucky = [(14 + week % 5, int(np.random.default_rng(week).binomial(14, 0.3))) for week in range(60)]
    fires("conflicting_kpis", "small_cells", seen(leads(lucky)), "reads smaller")
