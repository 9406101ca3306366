"""Profit and cost per sale split by hand from the sample's files; slices found on data; the view for notebooks."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.changes import what_moved, where_it_moved
from alignment_toolkit.company import Company
from alignment_toolkit.drivers.measured import Measurements, Refused
from alignment_toolkit.drivers.slices import find_slices
from alignment_toolkit.errors import DataError, ParameterError, UnknownName
from alignment_toolkit.notebooks.moves import moved
from alignment_toolkit.periods import Period
from alignment_toolkit.statistics.decomposition import shapley_of
from tests.builders import company_of

JULY, AUGUST = Period.parse("2026-07"), Period.parse("2026-08")


@pytest.fixture(scope="module")
def company(sample_dir: Path) -> Company:
    return Company.open(sample_dir)


def months(table: pd.DataFrame, column: str, wanted: str) -> pd.DataFrame:
    return table[table[column].str[:7].isin([f"2026-{m}" for m in wanted.split()])]


def test_profit_of_the_sample_by_pandas(company: Company, sample_dir: Path) -> None:
    lines, spend = (pd.read_csv(sample_dir / f"{t}.csv") for t in ("orders", "spend"))
    unit_cost = pd.read_csv(sample_dir / "products.csv").set_index("product_id")["unit_cost"]
    lines["cost"] = lines["cost"].fillna(lines["quantity"] * lines["product_id"].map(unit_cost))
    sides = []
    for wanted in ("04 05 06", "07 08 09"):
        known = months(lines, "ordered_at", wanted).dropna(subset=["cost"])
        booked = months(spend, "spent_on", wanted)
        by = booked.groupby(booked["department"].fillna("marketing"))["amount"].sum()
        revenue = known["amount"].sum()
        rate = (known["amount"] - known["cost"]).sum() / revenue
        sides.append([revenue, rate, by["marketing"], by["sales"]])
    by_hand = shapley_of(lambda f: f[0] * f[1] - f[2] - f[3], *sides)
    [found] = what_moved(company, "profit", "2026-Q3")
    assert found.total == pytest.approx(by_hand.total, rel=1e-9)
    assert [p.value for p in found.parts] == pytest.approx(list(by_hand.parts.values()), rel=1e-7)
    spent = found.parts[2]
    assert (spent.low, spent.high) == (pytest.approx(spent.value), pytest.approx(spent.value))  # booked
    assert found.parts[0].low is not None
    assert found.parts[0].low < found.parts[0].value


def test_cost_per_sale_of_a_cohort_by_pandas(company: Company, sample_dir: Path) -> None:
    [found] = what_moved(company, "cost-per-sale-cohort", "2026-Q3")
    assert (found.from_period, found.to_period) == ("2026-Q1", "2026-Q2")  # the third quarter is too young
    spend = pd.read_csv(sample_dir / "spend.csv")
    spend = spend[spend["audience"].isna() | spend["audience"].isin(["new", "both"])]
    t = company.fetch(company.relation("lead_outcomes"))
    t = t[t["opens_episode"] & ~t["existing_client"]]
    t["month"] = pd.to_datetime(t["created_on"]).dt.strftime("%Y-%m")
    sides = []
    for wanted in ("01 02 03", "04 05 06"):
        mine = months(t, "month", wanted)
        booked = months(spend, "spent_on", wanted)
        by = booked.groupby(booked["department"].fillna("marketing"))["amount"].sum()
        won = (mine["days_to_client"] <= 90).sum()
        sides.append([by["marketing"] / len(mine), won / len(mine), by["sales"] / won])
    by_hand = shapley_of(lambda f: f[0] / f[1] + f[2], *sides)
    assert found.total == pytest.approx(by_hand.total, rel=1e-9)
    assert [p.value for p in found.parts] == pytest.approx(list(by_hand.parts.values()), rel=1e-9)


def test_a_slice_without_a_sale_on_either_side_has_no_cost_per_sale(company: Company) -> None:
    found = what_moved(company, "cost-per-sale-cohort", "2026-Q2", compare="year-ago", by=["channel"])
    every = company.fetch(company.relation("lead_outcomes"))
    t = every[every["opens_episode"] & ~every["existing_client"] & (every["days_to_client"] <= 90)]
    month = pd.to_datetime(t["created_on"]).dt.strftime("%Y-%m")
    sold = [set(t[month.between(f"{year}-04", f"{year}-06")]["channel"]) for year in (2025, 2026)]
    told = {s.by["channel"] for s in found if s.by}
    assert told, "the change is split by channel"
    assert told <= sold[0] & sold[1], "told is what has a figure on both sides"
    with pytest.raises(ValueError, match="nothing to divide by"):
        shapley_of(lambda f: f[0] / f[1], [100, float("nan")], [120, float("nan")])


# Slices ---------------------------------------------------------------------------------------------------------


def test_slices_of_leads_by_pandas(company: Company, sample_dir: Path) -> None:
    found = where_it_moved(company, "leads", "2026-Q2", by=["channel", "region"])
    leads = pd.read_csv(sample_dir / "leads.csv")
    then, now = (months(leads, "created_at", m)["channel"].value_counts() for m in ("01 02 03", "04 05 06"))
    first = found[0]
    assert first.by == {"channel": "social"}
    growth = (now.sum() - now["social"]) / (then.sum() - then["social"])
    assert first.effect == pytest.approx(now["social"] - then["social"] * growth)
    assert first.low > 0
    assert first.n == then["social"] + now["social"]
    # The second is searched among what the first leaves.
    second = found[1].by["channel"]
    before, after = (side.drop(["social", second]).sum() for side in (then, now))
    assert found[1].effect == pytest.approx(now[second] - then[second] * after / before)


def sold(rng: np.random.Generator, *, lift: float) -> Any:
    lines = []
    for i in range(400):
        region, size = ["North", "South", "East", "West"][i % 4], rng.lognormal(4, 0.5)
        for month in ("07", "08"):
            for product in ("p", "q"):
                if rng.random() < 0.7:
                    more = lift if (month, region, product) == ("08", "North", "q") else 1.0
                    lines.append({
                        "order_id": f"{i}{month}{product}", "ordered_at": f"2026-{month}-{1 + i % 28:02d}",
                        "amount": round(size * rng.lognormal(0, 0.3) * more, 2), "account_id": f"a{i}",
                        "region": region, "product_id": product,
                    })  # fmt: skip
    return company_of({"orders": lines}, until={"orders": "2026-08-31"})


def search(stand: Any) -> Any:
    measured = Measurements(stand, Catalog.load(stand.settings).kpis)
    return find_slices(measured, "revenue", JULY, AUGUST, ["region", "product_id"])


def test_a_planted_slice_of_revenue_is_found_and_nothing_else() -> None:
    rng = np.random.default_rng(9)
    found = search(sold(rng, lift=3.0))
    assert found[0].by == {"region": "North", "product_id": "q"}
    assert found[0].low > 0
    assert found[0].unit == "money"
    assert search(sold(rng, lift=1.0)) == ()


def test_a_search_says_what_is_wrong(company: Company) -> None:
    with pytest.raises(UnknownName, match="leads"):
        where_it_moved(company, "lead", "2026-Q2", by=["channel"])
    with pytest.raises(UnknownName, match="channel"):
        where_it_moved(company, "leads", "2026-Q2", by=["chanel"])
    with pytest.raises(ParameterError, match="at least one dimension"):
        where_it_moved(company, "leads", "2026-Q2", by=[])
    with pytest.raises(ParameterError, match="booked"):
        where_it_moved(company, "spend", "2026-Q2", by=["channel"])
    with pytest.raises(ParameterError, match="one period"):
        where_it_moved(company, "leads", "2026-Q2", by=["channel"], compare="none")
    with pytest.raises(DataError, match="not searched"):
        where_it_moved(company, "lead-to-client", "2026-Q3", by=["channel"])


def test_a_search_in_no_rows_is_refused() -> None:
    stand = company_of(
        {"orders": [{"order_id": "1", "ordered_at": "2025-01-01", "amount": 1, "account_id": "a"}]}
    )
    assert isinstance(search(stand), Refused)


# In a notebook ----------------------------------------------------------------------------------------------------


def test_moved_shows_drivers_and_owners(company: Company) -> None:
    from alignment_toolkit.analysis import analyse

    analysis = analyse(company, "2026-Q3", kpis=["revenue"], indicators=[])
    shown = moved(analysis, "revenue")
    table = shown.frame()
    assert list(table["driver"])[:3] == ["active clients", "orders per client", "average order"]
    assert math.fsum(table["part"][:3]) == pytest.approx(analysis.drivers[0]["total"], abs=0.05)
    assert set(shown.owners()["in the hands of"]) == {"marketing", "sales"}
    assert "average order" in repr(shown)
    assert shown._repr_html_().count("<img") == len(analysis.drivers)
    assert moved(analysis, "profit").frame().empty
    assert "No change was split" in repr(moved(analysis, "profit"))
