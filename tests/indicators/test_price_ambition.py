"""Do both departments want the same price? Three products by hand, a second implementation, weights, plans in time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from alignment_toolkit.indicator import Look
from alignment_toolkit.indicators.price_ambition import price_ambition
from alignment_toolkit.periods import Period
from tests.builders import company_of
from tests.indicators.degenerate import FRAMES, sound
from tests.indicators.guarding import fires, quiet
from tests.indicators.looks import KINDS

Q3 = Period.parse("2026-Q3")
SIX = {"A": (1.10, 1.00), "B": (1.05, 1.05), "C": (1.00, 0.90)}
SOLD = {"A": 100.0, "B": 300.0, "C": 100.0}


def plan(levels: dict[str, tuple[float, float]], period: str | None = None) -> list[dict[str, Any]]:
    return [
        {"dimension": "product", "key": p, "department": d, "measure": "price", "value": v, "period": period}
        for p, pair in levels.items()
        for d, v in zip(("marketing", "sales"), pair, strict=True)
    ]


def orders(sold: dict[str, float], on: str = "2026-08-01") -> list[dict[str, Any]]:
    return [
        {"order_id": f"o{p}{on}", "ordered_at": on, "amount": a, "account_id": "a", "product_id": p}
        for p, a in sold.items()
    ]


def look(rows: list[dict[str, Any]], **tables: list[dict[str, Any]]) -> Look:
    return price_ambition.look(company_of({"plan": rows, **tables}), Q3)


def value(rows: list[dict[str, Any]], **tables: list[dict[str, Any]]) -> float:
    found = look(rows, **tables)
    assert found.error is None
    assert found.seen is not None
    assert found.seen.gap.estimate.value is not None
    return found.seen.gap.estimate.value


def test_the_worked_example() -> None:
    found = look(plan(SIX), orders=orders(SOLD)).seen
    assert found is not None
    e = found.gap.estimate
    assert (e.value, e.low, e.high) == pytest.approx((0.04, 0.04, 0.04))
    assert "no sampling error" in e.method
    assert found.gap.above(0.05) == 1.0
    assert found.gap.above(0.03) == 0.0
    assert found.money is not None
    assert found.money.value == pytest.approx(20.0)
    assert found.money.basis.startswith("arithmetical")
    assert look(plan(SIX)).short_of == {"products": 2}


def test_without_revenue_all_products_weigh_the_same() -> None:
    assert value(plan(SIX)) == pytest.approx(0.2 / 3)
    assert value(plan(SIX), orders=orders(SOLD, on="2026-05-01")) == pytest.approx(0.2 / 3)


def test_the_plan_of_the_shortest_period_that_holds_the_window_counts() -> None:
    rows = plan({"A": (1.2, 1.0)}) + plan({"A": (1.1, 1.0)}, "2026") + plan({"A": (1.05, 1.0)}, "2026-Q3")
    assert value(rows) == pytest.approx(0.05)
    assert value(rows[:4]) == pytest.approx(0.10)
    assert value(rows + plan({"A": (2.0, 1.0)}, "2026-Q2")) == pytest.approx(0.05)


def test_a_product_that_one_department_has_planned_does_not_count() -> None:
    assert value([*plan(SIX), plan({"D": (3.0, 1.0)})[0]], orders=orders(SOLD)) == pytest.approx(0.04)


def test_it_is_the_weighted_mean_in_pandas() -> None:
    r = np.random.default_rng(3)
    names = [f"p{i}" for i in range(30)]
    levels = {
        p: (float(a), float(b))
        for p, a, b in zip(names, r.normal(1, 0.1, 30), r.normal(1, 0.1, 30), strict=True)
    }
    sold = {p: float(v) for p, v in zip(names, r.lognormal(5, 1, 30).round(2), strict=True)}
    frame = pd.DataFrame(levels, index=["m", "s"]).T.assign(w=pd.Series(sold))
    expected = np.average((frame.m - frame.s).abs(), weights=frame.w)
    assert value(plan(levels), orders=orders(sold)) == pytest.approx(expected)


def test_a_gap_at_the_margin_is_not_beyond_it() -> None:
    found = look(plan(dict.fromkeys("ABCDEF", (1.075, 1.025)))).seen
    assert found is not None
    assert found.gap.above(0.05) == 1.0


def test_money_without_rate_is_told_and_weighs_nothing() -> None:
    foreign = [dict(r, currency="USD") for r in orders(SOLD)]
    found = look(plan(SIX), orders=foreign).seen
    assert found is not None
    fires("price_ambition", "join_health", found)
    known = look(plan(SIX), orders=orders(SOLD)).seen
    assert known is not None
    quiet("price_ambition", "join_health", known)
    assert found.gap.estimate.value == pytest.approx(0.2 / 3)
    assert found.money is None


def test_columns_that_are_missing_are_named() -> None:
    found = price_ambition.look(company_of({"leads": []}), Q3)
    assert any("plan" in m for m in found.missing)


@pytest.mark.parametrize("frame", KINDS)
def test_whatever_the_data_the_finding_is_sound(frame: str) -> None:
    sound(price_ambition.look(company_of(FRAMES[frame]({"plan": plan(SIX), "orders": orders(SOLD)})), Q3))
