"""Do procedures and approvals grow? Six months by hand, a second implementation, whole months, heads, guards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from alignment_toolkit.indicators.busywork import busywork
from alignment_toolkit.statistics.count_trend import yearly_growth
from alignment_toolkit.verdict import verdicts
from tests.indicators.guarding import fires, quiet
from tests.indicators.personal import Q3, look, person

PEOPLE = [person(f"s{i}", "sales", joined_on="2020-01-01") for i in range(10)]


def work(
    counts: list[int],
    *,
    until: str = "2026-09",
    approvals: float = 0.0,
    kind: str = "procedure",
    each: str = "p",
) -> list[dict[str, Any]]:
    """Give so many pieces of work in each month up to one, the first on the first of the month."""
    months = pd.period_range(end=until, periods=len(counts), freq="M")
    return [
        {"work_id": f"{each}{month}-{i}", "kind": kind, "scope": "sales", "approvals": approvals,
         "started_on": (month.start_time + pd.Timedelta(days=i % 28)).date()}
        for month, n in zip(months, counts, strict=True) for i in range(n)
    ]  # fmt: skip


def seen(rows: list[dict[str, Any]], people: list[dict[str, Any]] = PEOPLE, **more: Any):
    found = look(busywork, {"work": rows, "people": people}, until={"work": "2026-09-30"}, **more)
    assert found.error is None
    assert found.seen is not None
    return found.seen


def test_the_worked_example():
    counts = np.array([10, 10, 11, 11, 12, 12])
    gap = yearly_growth(counts, np.full(6, 10.0)).estimate
    assert gap.value == pytest.approx(0.50, abs=0.005)
    assert seen(work(list(counts))).gap.estimate.value == pytest.approx(gap.value)


def test_it_is_statsmodels_quasi_poisson():
    rng = np.random.default_rng(4)
    month = np.arange(30)
    people = np.linspace(20, 31, 30)
    counts = rng.negative_binomial(4, 0.4, 30) + 1
    turn = 2 * np.pi * month / 12
    x = np.column_stack([np.ones(30), (month - month.mean()) / 12, np.sin(turn), np.cos(turn)])
    fit = sm.GLM(counts, x, family=sm.families.Poisson(), offset=np.log(people)).fit(scale="X2")
    gap = yearly_growth(counts, people).estimate
    assert gap.value == pytest.approx(fit.params[1])
    low, high = fit.params[1] + np.array([-1, 1]) * 2.0555294 * fit.bse[1]  # Student's, 26 degrees of freedom
    assert (gap.low, gap.high) == pytest.approx((low, high), rel=1e-6)


def test_approvals_count_with_the_procedures():
    few, many = work([2] * 18, approvals=1.0), work([2] * 18, approvals=4.0)
    assert [row[2] for row in seen(many).evidence.rows] == [10.0] * 18
    assert [row[2] for row in seen(few).evidence.rows] == [4.0] * 18
    meetings = work([3] * 18, kind="meeting", each="m", approvals=1.0)
    assert [row[2] for row in seen(few + meetings).evidence.rows] == [7.0] * 18


@pytest.mark.parametrize(("yearly", "status"), [(0.5, "misaligned"), (0.0, "aligned"), (0.2, "uncertain")])
def test_the_verdict(yearly, status):
    counts = [round(60 * np.exp(yearly * m / 12)) for m in range(36)]
    found = verdicts(
        [look(busywork, {"work": work(counts), "people": PEOPLE}, until={"work": "2026-09-30"})]
    )[0]
    assert found.status == status


def test_per_head_a_growing_firm_is_not_busier():
    months = pd.period_range(end="2026-09", periods=30, freq="M")
    people = [person(f"s{i}", "sales", joined_on=str(months[i].start_time.date())) for i in range(30)]
    people += [person(f"m{i}", "marketing") for i in range(20)]
    rows = work([2 * (21 + i) for i in range(30)])
    gap, measures = seen(rows, people).gap.estimate, {m.name: m for m in seen(rows, people).measures}
    assert abs(gap.value) < 1e-6
    assert measures["total"].value > 0.25
    gone = [{**p, "left_on": "2025-01-01"} if p["department"] == "marketing" else p for p in people]
    assert seen(rows, gone).gap.estimate.value > 0.2
    programs = [{**person("crm", "sales"), "kind": "system"}, person("x", "operations")]
    assert seen(rows, people + programs).gap.estimate == gap


def test_only_whole_months_count():
    rows = work([5] * 14)
    assert seen(rows).counts == {"months": 14}
    assert seen([r for r in rows if str(r["started_on"]) > "2025-08-02"]).counts == {"months": 13}
    found = look(busywork, {"work": rows, "people": PEOPLE}, until={"work": "2026-09-20"})
    assert found.seen.counts == {"months": 13}
    fires("header", "immature", found.seen, "the window runs to")
    quiet("header", "immature", seen(rows))
    assert found.window.end == Q3.end
    assert (
        verdicts([look(busywork, {"work": work([5] * 11), "people": PEOPLE})])[0].status == "too_little_data"
    )


def test_guards_fire_and_do_not():
    counts = [round(40 * np.exp(0.5 * m / 12)) for m in range(26)]
    steady = work([30] * 26, kind="meeting", each="m")
    rising = work(counts, kind="meeting", each="m")
    none = seen(work(counts) + steady)
    quiet("busywork", "logging", none)
    quiet("busywork", "small_cells", none)
    quiet("busywork", "confounding", none)
    fires("busywork", "logging", seen(work(counts) + rising))
    fires("busywork", "small_cells", seen(work(counts[:20]) + work([30] * 20, kind="meeting", each="m")))
    bare = [{"person_id": f"s{i}", "department": "sales"} for i in range(10)]
    fires("busywork", "confounding", seen(work(counts) + steady, bare, columns={"people": ()}))
