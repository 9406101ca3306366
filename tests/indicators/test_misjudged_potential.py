"""Who is right about potential? Six accounts by hand, scikit-learn on the sample, clients, copies, effort."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from alignment_toolkit.company import Company
from alignment_toolkit.indicator import Look, Observation
from alignment_toolkit.indicators.misjudged_potential import misjudged_potential
from alignment_toolkit.periods import Period
from tests.builders import company_of
from tests.indicators.degenerate import FRAMES, sound
from tests.indicators.guarding import fires, quiet
from tests.indicators.looks import KINDS

Q3 = Period.parse("2026-Q3")  # the window ends a year before 30 September 2026, with 1 October 2025
HAND = {"a1": (80, 90, True), "a2": (50, 60, True), "a3": (70, 70, False), "a4": (60, 40, False),
        "a5": (40, 30, False), "a6": (30, 20, False)}  # fmt: skip


def rated(account: str, department: str, potential: float, at: str = "2025-06-01") -> dict[str, Any]:
    return {"assessment_id": f"{account}{department}{at}", "account_id": account, "department": department,
            "assessed_at": at, "potential": float(potential)}  # fmt: skip


def order(account: str, on: str = "2025-12-01") -> dict[str, Any]:
    return {"order_id": f"{account}{on}", "ordered_at": on, "amount": 10.0, "account_id": account}


def touch(account: str, at: str = "2025-08-01") -> dict[str, Any]:
    return {"touch_id": f"{account}{at}", "touched_at": at, "department": "sales", "account_id": account,
            "direction": "outbound", "automated": False}  # fmt: skip


def hand() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    rows = [rated(a, d, v, f"2025-06-0{1 + i}") for a, (m, s, _) in HAND.items()
            for i, (d, v) in enumerate((("marketing", m), ("sales", s)))]  # fmt: skip
    return rows, [order(a) for a, (*_, won) in HAND.items() if won]


def look(rows: list[dict[str, Any]], orders: list[dict[str, Any]], **tables: list[dict[str, Any]]) -> Look:
    until = dict.fromkeys(("orders", "assessments", "touches"), "2026-09-30")
    company = company_of({"assessments": rows, "orders": orders, **tables}, until=until,
                         columns={"assessments": ("potential",), "orders": ("account_id",)})  # fmt: skip
    return misjudged_potential.look(company, Q3)


def seen(
    rows: list[dict[str, Any]], orders: list[dict[str, Any]], **tables: list[dict[str, Any]]
) -> Observation:
    found = look(rows, orders, **tables)
    assert found.error is None
    assert found.seen is not None
    return found.seen


def made(
    sales_noise: float = 1.0, n: int = 400, seed: int = 1
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    r = np.random.default_rng(seed)
    truth = r.normal(0, 1, n)
    rows = []
    for i in range(n):
        for day, (side, noise) in enumerate((("marketing", 1.0), ("sales", sales_noise))):
            rows.append(
                rated(f"a{i:03d}", side, 50 + 15 * (truth[i] + noise * r.normal()), f"2025-06-1{day}")
            )
    won = r.random(n) < 1 / (1 + np.exp(1.5 - 1.5 * truth))
    return rows, [order(f"a{i:03d}") for i in np.flatnonzero(won)]


def test_the_worked_example() -> None:
    found = seen(*hand())
    assert found.gap.estimate.value == pytest.approx(0.875 - 0.75)
    assert found.counts == {"accounts": 6, "wins": 2}
    assert look(*hand()).short_of == {"accounts": 194, "wins": 28}
    assert {m.name: m.value for m in found.measures}["marketing"] == pytest.approx(0.75)


def test_the_latest_rating_of_each_in_the_year_before_the_window_ends_counts() -> None:
    rows, orders = hand()
    old = [
        rated("a1", "sales", 0, "2025-05-01"),
        rated("a9", "sales", 50, "2024-09-30"),
        rated("a9", "marketing", 5),
    ]
    late = [rated("a1", "sales", 0, "2025-10-02")]
    assert seen(rows + old + late, orders).gap.estimate.value == pytest.approx(0.125)
    assert seen([*rows, rated("a1", "sales", 0, "2025-09-01")], orders).gap.estimate.value == pytest.approx(
        -0.375
    )


def test_a_win_is_within_365_days_of_the_later_rating_and_clients_are_out() -> None:
    rows, _ = hand()
    orders = [
        order("a1", "2026-06-02"),
        order("a2", "2026-06-03"),
        order("a3", "2025-06-02"),
        order("a4", "2025-06-03"),
    ]
    found = seen(rows, orders)
    assert {r[0]: r[-1] for r in found.evidence.rows} == {
        "a1": "won", "a2": "not won", "a4": "won", "a5": "not won", "a6": "not won"
    }  # fmt: skip


def test_how_many_of_the_highest_rated_were_won_is_told() -> None:
    """Of ten accounts each side rates two highest: sales' two were won, of marketing's one."""
    rows, orders = [], [order("a9"), order("a8")]
    for i in range(10):
        rows += [
            rated(f"a{i}", "sales", 10 * i),
            rated(f"a{i}", "marketing", 10 * i if i != 8 else 5, "2025-06-02"),
        ]
    found = {m.name: (m.value, m.n) for m in seen(rows, orders).measures}
    assert found["won_of_best_sales"] == (1.0, 2)
    assert found["won_of_best_marketing"] == (0.5, 2)


def test_copies_are_left_out_and_told() -> None:
    rows, orders = hand()
    copies = [rated("b1", d, 50) for d in ("marketing", "sales")]
    found = seen(rows + copies, orders)
    assert found.gap.estimate.n == 6
    fires("misjudged_potential", "copied_ratings", found)
    quiet("misjudged_potential", "copied_ratings", seen(rows, orders))


def test_who_is_better_is_found_either_way() -> None:
    assert seen(*made(sales_noise=0.1, n=1500)).gap.above(0.0) < 0.01
    assert seen(*made(sales_noise=4.0, n=1500)).gap.below(0.0) < 0.01


def test_wins_that_follow_effort_are_told_and_widen_the_interval() -> None:
    """Sales wins only where it works, and works where it rates highly, though its rating knows nothing."""
    r = np.random.default_rng(7)
    rows, orders, touches = [], [], []
    for i in range(1200):
        truth, sales = r.normal(), r.normal()
        rows += [rated(f"a{i:04d}", "marketing", 50 + 10 * (truth + 0.8 * r.normal()), "2025-06-01")]
        rows += [rated(f"a{i:04d}", "sales", 50 + 10 * sales, "2025-06-02")]
        worked = r.random() < 1 / (1 + np.exp(-2.5 * sales))
        touches += [touch(f"a{i:04d}")] if worked else []
        if worked and r.random() < 1 / (1 + np.exp(1.5 - 0.6 * truth)):
            orders.append(order(f"a{i:04d}"))
    found, blind = seen(rows, orders, touches=touches), seen(rows, orders)
    fires("misjudged_potential", "confounding", found)
    quiet("misjudged_potential", "confounding", blind)
    # Without the records of effort sales seems to see better, though its rating knows nothing.
    assert (blind.gap.estimate.value or 0) > 0.03
    assert blind.gap.below(0.0) > 0.9
    assert found.gap.below(0.0) > 0.9
    assert found.gap.above(0.0) > 0.9
    assert found.gap.estimate.low is not None
    assert found.gap.estimate.low < -0.05


def test_columns_that_are_missing_are_named() -> None:
    missing = misjudged_potential.look(company_of({"leads": []}), Q3).missing
    assert {"assessments.potential", "leads.converted_at"} <= set(missing)
    assert misjudged_potential.look(company_of({"assessments": hand()[0]}), Q3).missing == (
        "leads.converted_at",
    )


def test_on_the_sample_it_is_scikit_learns_difference(sample: Company, sample_dir: Path) -> None:
    found = misjudged_potential.look(sample, Q3)
    assert found.seen is not None
    end = pd.Timestamp(found.window.end)
    rows = pd.read_csv(sample_dir / "assessments.csv", parse_dates=["assessed_at"])
    rows = rows[(rows.assessed_at >= end - pd.Timedelta(days=365)) & (rows.assessed_at < end)].sort_values(
        "assessed_at"
    )
    wide = rows.groupby(["account_id", "department"])[["potential", "assessed_at"]].last().unstack().dropna()
    same = (wide["potential"].marketing == wide["potential"].sales) & (
        wide["assessed_at"].marketing == wide["assessed_at"].sales
    )
    wide = wide[~same]
    since = (
        sample.fetch(sample.relation("clients"))
        .dropna(subset="account_id")
        .groupby("account_id")
        .client_since.min()
    )
    day = wide["assessed_at"].max(axis=1).dt.normalize()
    since = pd.to_datetime(since).reindex(wide.index)
    fresh = ~(since <= day)
    won = ((since - day).dt.days <= 365)[fresh]
    potential = wide["potential"][fresh]
    assert found.seen.gap.estimate.n == len(potential)
    expected = roc_auc_score(won, potential.sales) - roc_auc_score(won, potential.marketing)
    assert found.seen.gap.estimate.value == pytest.approx(expected)


@pytest.mark.parametrize("frame", KINDS)
def test_whatever_the_data_the_finding_is_sound(frame: str) -> None:
    rows, orders = made(n=30)
    tables = FRAMES[frame](
        {"assessments": rows, "orders": orders, "touches": [touch(f"a{i:03d}") for i in range(25)]}
    )
    sound(misjudged_potential.look(company_of(tables, columns={"assessments": ("potential",)}), Q3))
