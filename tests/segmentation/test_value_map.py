"""The value map and the target grid, by hand; the line's band, by simulation."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alignment_toolkit.charts import draw, table
from alignment_toolkit.charts.segments import of_target_grid, of_value_map
from alignment_toolkit.company import Company
from alignment_toolkit.segmentation.assessed import target_grid
from alignment_toolkit.segmentation.value_map import value_map
from alignment_toolkit.statistics.price_line import Market, fair_line
from tests.builders import written

END = date(2026, 7, 1)
# Each point of benefit costs a quarter more: 80, 100, 125, 156.25.
OFFERS = {"r4": (4, "Rival", 80), "r5": (5, "Rival", 100), "r6": (6, "Rival", 125), "r7": (7, "Rival", 156.25),
          "ours": (6, "own", 150)}  # fmt: skip


def rated() -> list[dict[str, Any]]:
    """Two raters who differ by one either way; what counts double lies a point up, what counts once two down."""
    out = []
    for offer, (benefit, owner, price) in OFFERS.items():
        for rater, shift in (("x", -0.5), ("y", 0.5)):
            for attribute, kind, off, weight in (("speed", "rational", 1, 2), ("trust", "emotional", -2, 1)):
                out.append({
                    "rating_id": f"{len(out)}", "offer": offer, "attribute": attribute, "kind": kind, "owner": owner,
                    "rating": str(benefit + shift + off), "rater_id": rater, "importance": str(weight),
                    "price": str(price), "rated_on": "2026-05-01", "category": "c",
                })  # fmt: skip
    # After the end: not known yet.
    out.append({**out[0], "rating_id": "late", "rating": "10", "rated_on": "2026-07-01"})
    return out


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    company = Company.open(written({"value_ratings": rated()}, tmp_path_factory.mktemp("map")))
    found = value_map(company, END)
    assert found is not None
    assert found["reason"] is None
    return dict(found["categories"][0])


def test_value_map_by_hand(told: dict[str, Any]) -> None:
    offers = {o["offer"]: o for o in told["offers"]}
    for name, (benefit, owner, price) in OFFERS.items():
        o = offers[name]
        assert (o["price"], o["owner"]) == (price, owner)
        assert o["benefit"].value == pytest.approx(benefit)
        assert o["rational"].value == pytest.approx(benefit + 1)
        assert o["emotional"].value == pytest.approx(benefit - 2)
        assert o["benefit"].n == 2
    ours = offers["ours"]
    assert ours["fair_price"].value == pytest.approx(125)
    assert ours["premium"].value == pytest.approx(0.2)
    assert ours["premium"].n == 20
    assert ours["to_tie"] == pytest.approx(150 / 80)
    assert {offers[n]["to_tie"] for n in ("r4", "r5", "r6", "r7")} == {None}
    assert [offers[n]["fair_price"] for n in ("r4", "r5", "r6", "r7")] == [None] * 4
    ends = told["line"][0], told["line"][-1]
    assert [e["price"] for e in ends] == pytest.approx([80, 156.25])
    speed = next(a for a in told["attributes"] if a["attribute"] == "speed")
    assert speed["importance"] == pytest.approx(2 / 3)
    assert (speed["own"], speed["rivals"]) == (7.0, 6.5)


def test_value_map_is_drawn_with_its_line(told: dict[str, Any]) -> None:
    plain = {
        **told,
        "offers": [{**o, "benefit": {"value": o["benefit"].value}, "premium": None} for o in told["offers"]],
    }
    drawn = of_value_map(plain, "EUR")
    assert drawn is not None
    assert [(s.name, len(s.points), s.joined) for s in drawn.series] == [
        ("own offers", 1, False), ("rivals' offers", 4, False), ("fair-value line", 9, True),
    ]  # fmt: skip
    assert "No own offer is clearly" in drawn.title
    # Who reads it sees which offer is which, in the picture and in its numbers.
    assert [row[0] for row in table(drawn)[1]][:5] == ["ours", "r4", "r5", "r6", "r7"]
    assert {t.get_text() for t in draw(drawn).axes[0].texts} >= set(OFFERS)
    plain["offers"][0]["premium"] = {"value": 0.2, "low": 0.1, "high": 0.3}
    off = of_value_map(plain, "EUR")
    assert off is not None
    assert "20.0 % above" in off.title


@pytest.mark.parametrize("gone", ["offer r7", "owner own", "rating"])
def test_without_a_line_there_is_a_reason(gone: str, tmp_path: Path) -> None:
    what, _, which = gone.partition(" ")
    rows = [
        {k: v for k, v in r.items() if which or k != what} for r in rated() if not which or r[what] != which
    ]
    found = value_map(Company.open(written({"value_ratings": rows}, tmp_path)), END)
    assert found is None or found["reason"] or found["categories"][0]["reason"]
    assert found is None or not any(c["line"] for c in found["categories"])


def test_prices_without_a_rate_make_no_map(tmp_path: Path) -> None:
    rows = [{**r, "currency": "USD" if r["offer"] == "ours" else "EUR"} for r in rated()]
    (tmp_path / "alignment.toml").write_text('[company]\ncurrency = "EUR"\n', encoding="utf-8")
    found = value_map(Company.open(written({"value_ratings": rows}, tmp_path)), END)
    assert found == {
        "reason": "amounts are in other currencies, and the table rates has no rate for USD on 2026-05-01",
        "categories": [],
    }


def covered(seed: int) -> bool:
    """Say whether the band holds the true line's price at the middle of the benefits."""
    random = np.random.default_rng(seed)
    true = np.linspace(4, 8, 8)
    prices = np.append(np.exp(3 + 0.2 * true + random.normal(0, 0.05, 8)), 90.0)
    ratings = (
        np.append(true, 6.0)[None, :, None]
        + random.normal(0, 1, (60, 1, 1))
        + random.normal(0, 1, (60, 9, 1))
    )
    own = np.arange(9) == 8
    market = Market(prices, own, own.astype(float), ratings, np.ones_like(ratings), [1.0])
    line = fair_line(market, seed=str(seed), points=3, draws=200)
    assert line is not None
    return bool(line.low[1] <= np.exp(3 + 0.2 * line.benefit[1]) <= line.high[1])


def test_the_band_covers_quickly() -> None:
    assert sum(covered(seed) for seed in range(60)) >= 51


@pytest.mark.slow
def test_the_band_covers() -> None:
    assert 0.92 <= sum(covered(seed) for seed in range(1_000)) / 1_000 <= 0.99


OTHER = [{"order_id": "1", "ordered_at": "2026-01-01", "amount": "1", "account_id": "a"}]


def test_target_grid_by_hand(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    views = [
        ("a", "marketing", "2026-01-01", True, None), ("a", "sales", "2026-01-01", False, None),
        ("a", "sales", "2026-02-01", True, None),  # the latest counts
        ("a", "sales", "2026-07-01", False, None),  # not known yet
        ("b", "marketing", "2026-01-01", None, "50"), ("b", "sales", "2026-01-01", None, "49.9"),
        ("c", "sales", "2026-01-01", False, "90"),  # what was said goes before the potential
    ]  # fmt: skip
    rows = {
        "accounts": [{"account_id": a} for a in "abcd"],
        "assessments": [
            {"assessment_id": f"{i}", "account_id": a, "department": d, "assessed_at": on, "target": t, "potential": p}
            for i, (a, d, on, t, p) in enumerate(views)
        ],
    }  # fmt: skip
    company = Company.open(written(rows, tmp_path))
    accounts = company["accounts"].mutate(money=10.0)
    found = target_grid(company, accounts, END)
    assert found is not None
    assert {(r["marketing"], r["sales"]): (r["accounts"], r["revenue"]) for r in found["rows"]} == {
        ("target", "target"): (1, 10), ("target", "not a target"): (1, 10), ("no view", "not a target"): (1, 10),
        ("no view", "no view"): (1, 10),
    }  # fmt: skip
    drawn = of_target_grid(found)
    assert drawn is not None
    assert drawn.title == "Marketing and sales agree on 1 of the 2 accounts of which both have a view"
    folder = tmp_path_factory.mktemp("without")
    assert target_grid(Company.open(written({"orders": OTHER}, folder)), accounts, END) is None


def test_the_report_shows_map_and_offers(tmp_path: Path) -> None:
    from alignment_toolkit.analysis import analyse
    from alignment_toolkit.report.blocks import Figure, Table
    from alignment_toolkit.report.segments import value_map as section

    company = Company.open(written({"value_ratings": rated(), "orders": OTHER}, tmp_path))
    found = analyse(company, "2026-Q2", kpis=[], indicators=[], segmentations=["value"], compare="none")
    blocks = section(found)
    assert sum(isinstance(b, Figure) for b in blocks) == 1
    offers = next(b for b in blocks if isinstance(b, Table))
    own = dict(zip(offers.columns, offers.rows[0], strict=True))
    assert own["Offer"].text == "ours"
    assert own["Line asks"].number == pytest.approx(125)
    assert own["Price against line"].text == "20.0 %"
    assert offers.rows[1][-1].text == ""  # a rival's offer makes the line and is not held against it
