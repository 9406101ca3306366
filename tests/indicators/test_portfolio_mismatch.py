"""Do both departments push what the plan wants? Three products by hand, then the sample against pandas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.indicator import Look
from alignment_toolkit.indicators.portfolio_mismatch import portfolio_mismatch
from alignment_toolkit.periods import Period
from alignment_toolkit.verdict import verdicts
from tests.builders import company_of, written
from tests.indicators.guarding import fires, quiet
from tests.indicators.looks import KINDS, check

Q3 = Period.parse("2026-Q3")
PRODUCTS = [{"product_id": p, "name": f"Product {p}"} for p in "ABC"]
PLAN = [
    {"dimension": "product", "key": p, "department": d, "measure": "share", "value": v}
    for d in ("marketing", "sales")
    for p, v in (("A", 0.5), ("B", 0.3), ("C", 0.2))
]
SPEND = [
    {"spent_on": "2026-07-05", "amount": "20", "campaign_id": "k1", "product_id": "A"},
    {"spent_on": "2026-08-05", "amount": "30", "campaign_id": "k2", "product_id": "B"},
    {"spent_on": "2026-09-30", "amount": "50", "campaign_id": "k3", "product_id": "C"},
    {"spent_on": "2026-10-01", "amount": "999", "campaign_id": "k3", "product_id": "A"},  # after the period
]


def touch(number: int, product: str | None, minutes: float | None, **more: Any) -> dict[str, Any]:
    row = {
        "touch_id": f"t{number}", "account_id": f"a{number}", "touched_at": "2026-08-01 10:00", "department": "sales",
        "direction": "outbound", "channel": "phone", "product_id": product, "minutes": minutes,
    }  # fmt: skip
    return {**row, **more}


TOUCHES = [touch(1, "A", 60.0), touch(2, "B", 30.0), touch(3, "C", 10.0)]


def look(**tables: list[dict[str, Any]]) -> Look:
    return portfolio_mismatch.look(company_of({"products": PRODUCTS, **tables}), Q3)


def table_of(found: Look) -> dict[str, dict[str, Any]]:
    assert found.error is None
    assert found.seen is not None
    names = [c.name for c in found.seen.evidence.columns]
    return {str(r[0]): dict(zip(names, r, strict=True)) for r in found.seen.evidence.rows}


def test_shares_and_plan_of_the_worked_example() -> None:
    rows = table_of(look(spend=SPEND, touches=TOUCHES, plan=PLAN))
    assert {p: r["marketing_share"] for p, r in rows.items()} == pytest.approx(
        {"Product A": 0.2, "Product B": 0.3, "Product C": 0.5}
    )
    assert {p: r["sales_share"] for p, r in rows.items()} == pytest.approx(
        {"Product A": 0.6, "Product B": 0.3, "Product C": 0.1}
    )
    assert {p: r["marketing_plan"] for p, r in rows.items()} == pytest.approx(
        {"Product A": 0.5, "Product B": 0.3, "Product C": 0.2}
    )


def test_three_campaigns_and_three_touches_are_too_few() -> None:
    found = look(spend=SPEND, touches=TOUCHES, plan=PLAN)
    assert found.seen is not None
    assert found.seen.counts == {"campaigns": 3, "touches or opportunities": 3}
    assert found.short_of == {"campaigns": 2, "touches or opportunities": 97}


def many(shares: dict[str, int], cut: int = 1) -> list[dict[str, Any]]:
    rows = [(p, i) for p, n in shares.items() for i in range(n)]
    return [
        {"spent_on": "2026-08-05", "amount": "100", "campaign_id": f"k{p}{i}", "product_id": p}
        for p, i in rows[::cut]
    ]


def test_with_much_data_the_gap_is_the_mean_of_both_distances() -> None:
    spend = many({"A": 200, "B": 300, "C": 500})
    rows = [(p, i) for p, n in (("A", 600), ("B", 300), ("C", 100)) for i in range(n)]
    touches = [touch(k, p, 10.0) for k, (p, _) in enumerate(rows)]
    seen = look(spend=spend, touches=touches, plan=PLAN).seen
    assert seen is not None
    e = seen.gap.estimate
    assert e.value == pytest.approx(0.20, abs=0.01)  # (0.3 + 0.1) / 2, little luck left to take off
    assert e.low is not None
    assert e.high is not None
    assert e.low < 0.20 < e.high
    own = {m.name: m for m in seen.measures}
    assert own["marketing_to_move"].value == pytest.approx(0.30, abs=0.01)
    assert own["sales_to_move"].value == pytest.approx(0.10, abs=0.01)
    assert (own["marketing_to_move"].n, own["sales_to_move"].n) == (1000, 1000)
    assert (own["marketing_to_move"].n_unit, own["sales_to_move"].n_unit) == ("campaigns", "touches")
    assert seen.money is not None
    assert seen.money.value == pytest.approx(own["marketing_to_move"].value * 100_000)


def test_a_push_that_follows_the_plan_is_no_gap() -> None:
    spend = many({"A": 500, "B": 300, "C": 200})
    rows = [(p, i) for p, n in (("A", 500), ("B", 300), ("C", 200)) for i in range(n)]
    touches = [touch(k, p, 10.0) for k, (p, _) in enumerate(rows)]
    seen = look(spend=spend, touches=touches, plan=PLAN).seen
    assert seen is not None
    assert seen.gap.estimate.value == pytest.approx(0.0, abs=0.005)
    assert seen.gap.estimate.high is not None
    assert seen.gap.estimate.high < 0.15


def test_what_answers_marketings_leads_what_is_automated_or_inbound_is_not_sales_choice() -> None:
    leads = [
        {"lead_id": "l1", "created_at": "2026-07-01", "sourced_by": "marketing"},
        {"lead_id": "l2", "created_at": "2026-07-01", "sourced_by": "sales"},
    ]
    touches = [
        *TOUCHES,
        touch(4, "C", 500.0, lead_id="l1"),
        touch(5, "C", 500.0, automated=True),
        touch(6, "C", 500.0, direction="inbound"),
        touch(7, "C", 500.0, department="marketing"),
        touch(8, "A", 100.0, lead_id="l2"),
    ]
    rows = table_of(look(spend=SPEND, touches=touches, plan=PLAN, leads=leads))
    assert rows["Product A"]["sales_share"] == pytest.approx(160 / 200)
    assert rows["Product C"]["sales_share"] == pytest.approx(10 / 200)


def test_without_a_plan_the_departments_are_compared_with_each_other() -> None:
    found = look(spend=SPEND, touches=TOUCHES)
    rows = table_of(found)
    assert "marketing_plan" not in rows["Product A"]
    assert found.seen is not None
    assert "the other department" in found.seen.values["yardstick"]
    assert not found.seen.measures
    assert found.seen.money is None


def test_a_plan_for_another_year_is_no_plan_for_this_period() -> None:
    early = [{**r, "period": "2025"} for r in PLAN]
    narrow = [{**r, "period": "2026-Q3", "value": v} for r, v in zip(PLAN, [1.0, 0.0, 0.0] * 2, strict=True)]
    wide = [{**r, "period": "2026"} for r in PLAN]
    assert "marketing_plan" not in table_of(look(spend=SPEND, touches=TOUCHES, plan=early))["Product A"]
    rows = table_of(look(spend=SPEND, touches=TOUCHES, plan=[*wide, *narrow, *early]))
    assert rows["Product A"]["marketing_plan"] == 1.0  # the narrowest plan that holds the period


def test_leads_and_opportunities_stand_in_and_are_called_so() -> None:
    campaigns = [{"campaign_id": "k1", "product_id": "A"}, {"campaign_id": "k2", "product_id": "B"}]
    leads = [
        {"lead_id": f"l{i}", "created_at": "2026-07-02", "campaign_id": f"k{1 + i % 2}"} for i in range(4)
    ]
    deals = [
        {
            "opportunity_id": f"o{i}",
            "opened_at": "2026-07-03",
            "account_id": f"a{i}",
            "sourced_by": "sales",
            "product_id": p,
        }
        for i, p in enumerate("AAC")
    ]
    found = look(campaigns=campaigns, leads=leads, opportunities=deals, plan=PLAN)
    rows = table_of(found)
    assert rows["Product A"]["marketing_share"] == 0.5
    assert rows["Product A"]["sales_share"] == pytest.approx(2 / 3)
    assert found.seen is not None
    assert [m.label for m in found.seen.measures] == [
        "Marketing's leads to move",
        "Sales' opportunities to move",
    ]
    assert [c.label for c in found.seen.evidence.columns][1::2] == [
        "Marketing's leads",
        "Sales' opportunities",
    ]
    assert found.seen.gap.estimate.n_unit == "campaigns and opportunities"
    assert found.seen.money is None


def test_a_push_without_a_product_is_left_out_and_told() -> None:
    touches = [*TOUCHES, touch(9, None, 100.0)]
    found = look(spend=SPEND, touches=touches, plan=PLAN)
    assert table_of(found)["Product A"]["sales_share"] == 0.6
    assert found.seen is not None
    fires("portfolio_mismatch", "join_health", found.seen, "50 % of sales' push names no product")
    whole = look(spend=SPEND, touches=TOUCHES, plan=PLAN)
    quiet("portfolio_mismatch", "join_health", whole.seen)
    # A tenth is let pass.
    quiet(
        "portfolio_mismatch", "join_health", look(spend=SPEND, touches=[*TOUCHES, touch(9, None, 11.0)]).seen
    )


def test_money_without_a_rate_withholds_the_finding(tmp_path: Path) -> None:
    spend = [{**r, "currency": "USD" if i == 1 else "EUR"} for i, r in enumerate(SPEND)]
    tables = {"spend": spend, "touches": TOUCHES, "plan": PLAN, "products": PRODUCTS}
    (tmp_path / "alignment.toml").write_text('[company]\ncurrency = "EUR"\n', encoding="utf-8")
    written(tables, tmp_path)
    seen = portfolio_mismatch.look(Company.open(tmp_path), Q3).seen
    assert seen is not None
    assert (
        seen.withheld == "spend in USD on 2026-08-05 has no rate in `rates`: shares of money cannot be told"
    )
    rates = [{"currency": "USD", "valid_on": "2026-08-01", "rate": 2}]
    written({"rates": rates}, tmp_path)
    seen = portfolio_mismatch.look(Company.open(tmp_path), Q3).seen
    assert seen is not None
    assert seen.withheld is None
    assert {str(r[0]): r[1] for r in seen.evidence.rows}["Product B"] == pytest.approx(60 / 130)


def test_an_empty_period_gives_no_gap_and_no_error() -> None:
    company = company_of({"spend": SPEND, "touches": TOUCHES, "plan": PLAN, "products": PRODUCTS})
    found = portfolio_mismatch.look(company, Period.parse("2024-Q1"))
    assert found.error is None
    assert found.seen is not None
    assert found.seen.gap.estimate.low is None
    assert found.short_of


@pytest.mark.parametrize("plan", [PLAN, []])
@pytest.mark.parametrize("amount", ["0", "-5"])
def test_a_spend_of_nothing_has_no_shares(amount: str, plan: list[dict[str, Any]]) -> None:
    spend = [{**row, "amount": amount} for row in many({"A": 4, "B": 3})]
    touches = [touch(k, "AB"[k % 2], 10.0) for k in range(120)]
    found = look(spend=spend, touches=touches, **({"plan": plan} if plan else {}))
    assert found.seen is not None
    assert (found.seen.gap.estimate.value, found.seen.chart, found.seen.money) == (None, None, None)
    assert {r["marketing_share"] for r in table_of(found).values()} == {None}
    assert [r["sales_share"] for r in table_of(found).values()][:2] == [0.5, 0.5]
    finding = verdicts([found])[0]
    assert finding.status == "too_little_data"
    assert "Marketing's spend of the period: in sum nothing" in str(finding.message)


def test_effort_of_nothing_has_no_shares() -> None:
    touches = [touch(k, "AB"[k % 2], 0.0) for k in range(120)]
    found = look(spend=many({"A": 4, "B": 3}), touches=touches, plan=PLAN)
    assert {r["sales_share"] for r in table_of(found).values()} == {None}
    finding = verdicts([found])[0]
    assert finding.status == "too_little_data"
    assert "Sales' minutes of the period: in sum nothing" in str(finding.message)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_say_little(kind: str) -> None:
    touches = [touch(k, "ABC"[k % 3], 10.0 + k % 5, automated=k % 9 == 0) for k in range(120)]
    spend = [{**row, "department": "marketing"} for row in many({"A": 3, "B": 5, "C": 2})]
    check(portfolio_mismatch, {"products": PRODUCTS, "spend": spend, "touches": touches, "plan": PLAN}, kind)


def test_what_is_missing_is_named() -> None:
    assert portfolio_mismatch.look(company_of({"products": PRODUCTS}), Q3).missing


def test_shares_of_the_sample_equal_pandas(sample: Company, sample_dir: Path) -> None:
    spend = pd.read_csv(sample_dir / "spend.csv")
    spend = spend[(spend.spent_on >= "2026-07-01") & (spend.spent_on < "2026-10-01")]
    spend = spend[
        spend.get("department", pd.Series("marketing", spend.index)).fillna("marketing") == "marketing"
    ]
    products = pd.read_csv(sample_dir / "products.csv").set_index("product_id")["name"]
    campaigns = pd.read_csv(sample_dir / "campaigns.csv").set_index("campaign_id")["product_id"]
    own = spend["product_id"] if "product_id" in spend else pd.Series(None, spend.index, dtype=object)
    by = spend.amount.groupby(own.fillna(spend.campaign_id.map(campaigns)).map(products)).sum()
    expected = (by / by.sum()).to_dict()
    rows = table_of(portfolio_mismatch.look(sample, Q3))
    assert {p: r["marketing_share"] for p, r in rows.items()} == pytest.approx(expected, rel=1e-9)
