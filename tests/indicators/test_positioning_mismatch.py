"""Is price argued where benefit is positioned? Six deals by hand, pandas on the sample, guards, missing columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.indicator import Look, Observation
from alignment_toolkit.indicators.positioning_mismatch import positioning_mismatch
from alignment_toolkit.periods import Period
from tests.builders import company_of
from tests.indicators.degenerate import FRAMES, sound
from tests.indicators.guarding import fires, quiet
from tests.indicators.looks import KINDS

Q3 = Period.parse("2026-Q3")
PRODUCTS = [
    {"product_id": "b", "name": "Benefit", "positioning": "benefit"},
    {"product_id": "c", "name": "Cheap", "positioning": "price"},
]
CAMPAIGNS = [
    {"campaign_id": "kb", "positioning": "benefit"},
    {"campaign_id": "kc", "positioning": "price"},
]


def deal(number: int, product: str | None, pitch: str | None, **more: Any) -> dict[str, Any]:
    return {
        "opportunity_id": f"o{number}", "opened_at": "2026-01-01", "closed_at": "2026-03-02", "outcome": "won",
        "product_id": product, "pitch": pitch, "account_id": f"a{number}", **more,
    }  # fmt: skip


def six() -> list[dict[str, Any]]:
    pitches = [
        ("b", "benefit"),
        ("b", "benefit"),
        ("b", "total_cost"),
        ("b", "price"),
        ("c", "price"),
        ("c", "price"),
    ]
    return [deal(i, product, pitch) for i, (product, pitch) in enumerate(pitches)]


def look(rows: list[dict[str, Any]], **tables: list[dict[str, Any]]) -> Look:
    return positioning_mismatch.look(
        company_of({"opportunities": rows, **({"products": PRODUCTS} | tables)}), Q3
    )


def seen(rows: list[dict[str, Any]], **tables: list[dict[str, Any]]) -> Observation:
    found = look(rows, **tables)
    assert found.error is None
    assert found.seen is not None
    return found.seen


def test_the_worked_example() -> None:
    found = seen(six())
    assert found.gap.estimate.value == pytest.approx(1 / 4)
    assert found.counts == {"deals": 4}
    assert look(six()).short_of == {"deals": 46}
    assert [r[0] for r in found.evidence.rows] == ["o3"]
    assert {m.name: m.value for m in found.measures}["total_cost"] == pytest.approx(1 / 4)


def test_campaign_or_product_stands_for_benefit() -> None:
    rows = [
        deal(1, "c", "price", campaign_id="kb"), deal(2, "b", "benefit", campaign_id="kc"),
        deal(3, None, "benefit", campaign_id="kb"), deal(4, "c", "price", campaign_id="kc"), deal(5, None, "price"),
    ]  # fmt: skip
    assert seen(rows, campaigns=CAMPAIGNS).gap.estimate.value == pytest.approx(1 / 3)
    assert seen(rows).gap.estimate.value == 0.0  # products alone: one deal on benefit


def test_only_deals_closed_in_the_last_twelve_months_with_a_pitch_count() -> None:
    rows = [
        *six(), deal(10, "b", "price", closed_at="2025-09-30"), deal(11, "b", "price", closed_at="2026-10-01"),
        deal(12, "b", "price", closed_at=None, outcome=None), deal(13, "b", None), deal(14, "x", "price"),
    ]  # fmt: skip
    assert seen(rows).gap.estimate.n == 4


def test_deals_of_one_account_count_together() -> None:
    apart = [deal(i, "b", "price" if i % 2 else "benefit") for i in range(80)]
    together = [dict(r, account_id=f"a{i % 2}{i // 8}") for i, r in enumerate(apart)]
    one, other = seen(apart).gap.estimate, seen(together).gap.estimate
    assert one.low is not None
    assert other.low is not None
    assert other.low < one.low


def test_a_missing_pitch_is_told() -> None:
    silent = [deal(20 + i, "b", None) for i in range(2)]
    fires("positioning_mismatch", "logging", seen(six() + silent))
    quiet("positioning_mismatch", "logging", seen(six()))


def test_a_rival_in_the_deal_is_told_as_what_else_could_explain_it() -> None:
    rows = [
        deal(i, "b", "price" if i < 40 or i % 20 == 0 else "benefit", competitor="Rival" if i < 50 else None)
        for i in range(150)
    ]
    found = seen(rows)
    fires("positioning_mismatch", "confounding", found, "Price is argued more often")
    shares = {m.name: m.value for m in found.measures}
    assert shares["with_rival"] == pytest.approx(41 / 50)
    even = [dict(r, competitor="Rival" if i % 2 else None) for i, r in enumerate(rows)]
    quiet("positioning_mismatch", "confounding", seen(even), "Price is argued more often")


def test_that_price_wins_more_is_told() -> None:
    def rows(price: int, benefit: int) -> list[dict[str, Any]]:
        pitches = [("price", i < price) for i in range(50)] + [("benefit", i < benefit) for i in range(50)]
        return [deal(i, "b", p, outcome="won" if won else "lost") for i, (p, won) in enumerate(pitches)]

    found = seen(rows(40, 10))
    fires("positioning_mismatch", "other_way", found)
    assert any("by 60.0 percentage points (at least " in g.message for g in found.guards)
    for even in (rows(25, 25), rows(10, 40)):
        quiet("positioning_mismatch", "other_way", seen(even))


def test_a_seller_who_argues_on_price_is_not_taken_for_the_price() -> None:
    def rows(sellers: str) -> list[dict[str, Any]]:
        pitches = [("price", i < 40) for i in range(60)] + [("benefit", i % 6 == 0) for i in range(60)]
        return [
            deal(i, "b", p, outcome="won" if won else "lost", owner=sellers[i * len(sellers) // 120])
            for i, (p, won) in enumerate(pitches)
        ]

    alone = seen(rows("ab"))
    fires("positioning_mismatch", "confounding", alone, "cannot be compared")
    quiet("positioning_mismatch", "other_way", alone)
    assert all(m.name != "wins" for m in alone.measures)
    apart = seen(rows("abcdef"))  # two who won everything and one who won nothing argued on price
    fires("positioning_mismatch", "confounding", apart, "no more than may lie between")
    quiet("positioning_mismatch", "other_way", apart)
    one = seen(rows("a"))
    fires("positioning_mismatch", "other_way", one)
    quiet("positioning_mismatch", "confounding", one, "cannot be compared")
    quiet("positioning_mismatch", "confounding", one, "no more than may lie between")


def test_products_that_explain_a_difference_are_told() -> None:
    # Price wins less within either product and more over all: it is argued where much is won.
    made = [("b", "price", 72, 18), ("b", "benefit", 19, 1), ("d", "price", 1, 19), ("d", "benefit", 18, 72)]
    rows: list[dict[str, Any]] = []
    for product, pitch, won, lost in made:
        for outcome, n in (("won", won), ("lost", lost)):
            rows += [deal(len(rows) + i, product, pitch, outcome=outcome, competitor=None) for i in range(n)]
    products = [*PRODUCTS, {"product_id": "d", "name": "Dear", "positioning": "benefit"}]
    columns = {"opportunities": tuple(rows[0])}
    company = company_of({"opportunities": rows, "products": products}, columns=columns)
    found = positioning_mismatch.look(company, Q3).seen
    assert found is not None
    fires("positioning_mismatch", "simpson", found)
    plain = [dict(r, product_id="b") for r in rows]
    found = positioning_mismatch.look(
        company_of({"opportunities": plain, "products": products}, columns=columns), Q3
    ).seen
    assert found is not None
    quiet("positioning_mismatch", "simpson", found)


def test_columns_that_are_missing_are_named() -> None:
    assert "opportunities.pitch" in look([{"opportunity_id": "o", "opened_at": "2026-08-01"}]).missing
    without = positioning_mismatch.look(company_of({"opportunities": six()}), Q3).missing
    assert any("products" in m for m in without)


def test_on_the_sample_it_is_the_share_in_pandas(sample: Company, sample_dir: Path) -> None:
    rows = pd.read_csv(sample_dir / "opportunities.csv", parse_dates=["closed_at"])
    products = pd.read_csv(sample_dir / "products.csv").set_index("product_id").positioning
    campaigns = pd.read_csv(sample_dir / "campaigns.csv").set_index("campaign_id").positioning
    rows = rows[(rows.closed_at >= "2025-10-01") & (rows.closed_at < "2026-10-01") & rows.pitch.notna()]
    benefit = (rows.product_id.map(products) == "benefit") | (rows.campaign_id.map(campaigns) == "benefit")
    found = positioning_mismatch.look(sample, Q3).seen
    assert found is not None
    assert found.gap.estimate.n == int(benefit.sum())
    assert found.gap.estimate.value == pytest.approx((rows.pitch[benefit] == "price").mean())


@pytest.mark.parametrize("frame", KINDS)
def test_whatever_the_data_the_finding_is_sound(frame: str) -> None:
    rows = [dict(r, campaign_id="kb", competitor="Rival", amount=9.0, list_amount=10.0) for r in six()]
    tables = FRAMES[frame]({"opportunities": rows, "products": PRODUCTS, "campaigns": CAMPAIGNS})
    sound(positioning_mismatch.look(company_of(tables, columns={"opportunities": tuple(rows[0])}), Q3))
