"""Drivers on data: by hand, by brute force on the sample, planted and absent changes, what is never compared."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alignment_toolkit.analysis import analyse
from alignment_toolkit.catalog import Catalog
from alignment_toolkit.changes import changes, what_moved
from alignment_toolkit.company import Company
from alignment_toolkit.drivers import IDENTITIES, Refused, SplitChange, known_drivers, split_identity
from alignment_toolkit.drivers.leads import (
    new_clients_by_lead,
    quality_or_handling,
    quality_or_handling_between,
)
from alignment_toolkit.drivers.measured import Measurements
from alignment_toolkit.drivers.products import revenue_by_product
from alignment_toolkit.errors import DataError, ParameterError, SettingsError, UnknownName
from alignment_toolkit.periods import Period
from alignment_toolkit.report import Report
from alignment_toolkit.statistics.decomposition import price_volume_mix, shapley
from tests.builders import company_of

Q2, Q3 = Period.parse("2026-Q2"), Period.parse("2026-Q3")
JULY, AUGUST = Period.parse("2026-07"), Period.parse("2026-08")
REVENUE = next(i for i in IDENTITIES if i.kpi == "revenue")


@pytest.fixture(scope="module")
def company(sample_dir: Path) -> Company:
    return Company.open(sample_dir)


@pytest.fixture(scope="module")
def catalogue(company: Company) -> dict[str, Any]:
    return dict(Catalog.load(company.settings).kpis)


@pytest.fixture(scope="module")
def measured(company: Company, catalogue: dict[str, Any]) -> Measurements:
    return Measurements(company, catalogue)


@pytest.fixture(scope="module")
def orders(sample_dir: Path) -> pd.DataFrame:
    rates = pd.read_csv(sample_dir / "rates.csv")
    lines = pd.read_csv(sample_dir / "orders.csv")
    assert set(lines["currency"]) == {"EUR"}, f"of {len(rates)} rates none is needed"
    lines["month"] = lines["ordered_at"].str[:7]
    return lines


def quarter(lines: pd.DataFrame, months: str) -> pd.DataFrame:
    return lines[lines["month"].isin([f"2026-{m}" for m in months.split()])]


def split_of(found: Any) -> SplitChange:
    assert not isinstance(found, Refused), found
    return found[0] if isinstance(found, tuple) else found


def parts_of(found: Any) -> dict[str, float]:
    return {p.driver: p.value for p in split_of(found).parts}


# By hand --------------------------------------------------------------------------------------------------------


def order(id: str, day: str, amount: float, account: str | None, **more: Any) -> dict[str, Any]:
    return {"order_id": id, "ordered_at": f"{day}T10:00:00", "amount": amount, "account_id": account, **more}


BY_HAND = [
    # July: 2 clients, 3 orders, 60. August: 3 clients, 6 orders, 180.
    order("1", "2026-07-01", 10, "a"), order("2", "2026-07-02", 20, "a"), order("3", "2026-07-03", 30, "b"),
    order("4", "2026-08-01", 30, "a"), order("5", "2026-08-02", 30, "a"), order("6", "2026-08-03", 30, "b"),
    order("7", "2026-08-04", 30, "b"), order("8", "2026-08-05", 30, "c"), order("9", "2026-08-31", 30, "c"),
]  # fmt: skip


def test_revenue_by_hand() -> None:
    stand = company_of({"orders": BY_HAND})
    found = split_of(split_identity(Measurements(stand, catalogue_of(stand)), REVENUE, JULY, AUGUST))
    # 2 x 1.5 x 20 becomes 3 x 2 x 30.
    assert found.total == 120
    expected = shapley([2, 1.5, 20], [3, 2, 30]).parts.values()
    assert [p.value for p in found.parts] == pytest.approx(list(expected))
    assert [p.value for p in found.parts] == pytest.approx([44.1666667, 31.6666667, 44.1666667])
    assert all(p.low is None for p in found.parts)  # three clients have no interval
    assert "no interval" in found.method
    marketing = found.by_owner["marketing"]
    assert marketing.value == pytest.approx(0.5 * 44.1666667 + 0.4 * 31.6666667 + 0.4 * 44.1666667)
    assert (marketing.least, marketing.most) == (0, pytest.approx(120))


def test_logarithmic_means_are_a_choice() -> None:
    stand = company_of({"orders": BY_HAND})
    measured = Measurements(stand, catalogue_of(stand))
    found = split_of(split_identity(measured, REVENUE, JULY, AUGUST, way="lmdi"))
    # 60 becomes 180: their logarithmic mean is 120 / ln 3, and each factor has the logarithm of its growth.
    mean = 120 / math.log(3)
    expected = [mean * math.log(f) for f in (1.5, 2 / 1.5, 1.5)]
    assert [p.value for p in found.parts] == pytest.approx(expected)
    assert found.total == pytest.approx(sum(expected)) == 120
    assert found.method.startswith("Logarithmic means (LMDI) of active clients")
    cost = next(i for i in IDENTITIES if i.kpi == "profit")
    refused = split_identity(measured, cost, JULY, AUGUST, way="lmdi")
    assert isinstance(refused, Refused)
    assert "products only" in refused.reason


def test_what_moved_takes_the_way(company: Company) -> None:
    found = what_moved(company, "revenue", "2026-Q3", way="lmdi")
    assert [f.method.partition(" of ")[0] for f in found][:1] == ["Logarithmic means (LMDI)"]
    assert "by logarithmic means" in found[1].method
    for split in found:
        assert math.fsum(p.value for p in split.parts) == pytest.approx(split.total, rel=1e-9)
    with pytest.raises(ParameterError, match="Did you mean 'lmdi'"):
        what_moved(company, "revenue", "2026-Q3", way="lmd")
    with pytest.raises(DataError, match="products only"):
        what_moved(company, "profit", "2026-Q3", way="lmdi")


def catalogue_of(stand: Any) -> dict[str, Any]:
    return dict(Catalog.load(stand.settings).kpis)


def test_owners_of_the_settings_hold_for_drivers() -> None:
    stand = company_of({"orders": BY_HAND}, toml="[owners.average-order]\nmarketing = 0.9\nsales = 0.1\n")
    found = split_of(split_identity(Measurements(stand, catalogue_of(stand)), REVENUE, JULY, AUGUST))
    assert found.parts[2].owners == {"marketing": 0.9, "sales": 0.1}
    assert found.by_owner["sales"].value == pytest.approx(
        0.5 * 44.1666667 + 0.6 * 31.6666667 + 0.1 * 44.1666667
    )


def test_a_driver_that_is_no_kpi_has_owners_in_the_settings_too() -> None:
    stand = company_of({"orders": BY_HAND}, toml="[owners.mix-of-products]\nmarketing = 1.0\nsales = 0.0\n")
    Catalog.load(stand.settings).check(stand.settings)
    assert known_drivers()["mix-of-products"].owned(stand.settings) == {"marketing": 1.0, "sales": 0.0}
    wrong = company_of({"orders": BY_HAND}, toml="[owners.mix-of-product]\nmarketing = 1.0\nsales = 0.0\n")
    with pytest.raises(SettingsError, match="mix-of-products"):
        Catalog.load(wrong.settings).check(wrong.settings)


def test_a_period_of_nothing_is_no_division_by_zero() -> None:
    stand = company_of(
        {"orders": [*BY_HAND[3:], order("0", "2026-06-01", 5, "z")]}, until={"orders": "2026-08-31"}
    )
    found = split_identity(Measurements(stand, catalogue_of(stand)), REVENUE, JULY, AUGUST)
    assert isinstance(found, Refused)  # July has no average order
    assert "2026-07" in found.reason


def test_price_volume_mix_with_new_vanished_and_untold_products() -> None:
    lines = [
        order("1", "2026-07-01", 100, "a", product_id="x", quantity=10),
        order("2", "2026-07-02", 50, "b", product_id="gone", quantity=5),
        order("3", "2026-07-03", 7, "b"),
        order("4", "2026-08-01", 110, "a", product_id="x", quantity=10),
        order("5", "2026-08-02", 100, "b", product_id="new", quantity=5),
        order("6", "2026-08-03", 3, None, product_id="x"),
        # Sold and given back at a loss: an amount without a quantity.
        order("7", "2026-08-04", 20, "a", product_id="odd", quantity=1),
        order("8", "2026-08-05", -18, "a", product_id="odd", quantity=-1),
    ]
    stand = company_of({"orders": lines}, until={"orders": "2026-08-31"})
    found = parts_of(revenue_by_product(Measurements(stand, catalogue_of(stand)), JULY, AUGUST))
    by_hand = price_volume_mix([10, 5, 0], [100, 50, 0], [10, 0, 5], [110, 0, 100]).parts
    assert found == {
        "price realised": pytest.approx(by_hand["price"]),
        "volume": pytest.approx(by_hand["volume"]),
        "mix of products": pytest.approx(by_hand["mix"]),
        "lines without product or quantity": pytest.approx(3 + 2 - 7),
    }
    assert by_hand["price"] == 10


# Brute force on the sample ----------------------------------------------------------------------------------------


def test_revenue_of_the_sample_by_pandas(measured: Measurements, orders: pd.DataFrame) -> None:
    factors, per_account = [], []
    for months in ("04 05 06", "07 08 09"):
        lines = quarter(orders, months)
        positive = lines[lines["amount"] > 0]
        clients = positive["account_id"].nunique()
        count = len(positive.drop_duplicates(["order_id", "account_id"]))
        total = lines["amount"].sum()
        factors.append([clients, count / clients, total / count])
        keys = lines["account_id"].fillna("order " + lines["order_id"])
        sums = lines.groupby(keys)["amount"].sum()
        numbers = positive.groupby(keys)["order_id"].nunique()
        bought = positive[positive["account_id"].notna()].groupby(keys)["order_id"].nunique() * 0 + 1
        per_account.append(pd.concat([bought, numbers, sums], axis=1))
    found = split_of(split_identity(measured, REVENUE, Q2, Q3))
    by_hand = shapley(*factors).parts
    assert [p.value for p in found.parts] == pytest.approx(list(by_hand.values()), rel=1e-9)
    assert math.fsum(p.value for p in found.parts) == pytest.approx(found.total, rel=1e-9)
    # The interval again, from one row per account and one-sided differences.
    both = pd.concat(per_account, axis=1).fillna(0).to_numpy(dtype=float)
    sums = both.sum(axis=0)

    def part(s: Any) -> float:
        return next(
            iter(shapley([s[0], s[1] / s[0], s[2] / s[1]], [s[3], s[4] / s[3], s[5] / s[4]]).parts.values())
        )

    slope = np.array(
        [(part(sums + np.eye(6)[j] * h) - part(sums)) / h for j in range(6) for h in [sums[j] * 1e-6]]
    )
    u = both @ slope
    moving = u[u != 0]
    from scipy.stats import t

    n, df = len(moving), 2 * (moving**2).sum() ** 2 / (moving**4).sum()
    half = t.ppf(0.975, df) * math.sqrt((moving**2).sum() * n / (n - 1))
    first = found.parts[0]
    assert first.low is not None
    assert first.high is not None
    assert (first.high - first.low) / 2 == pytest.approx(half, rel=1e-3)


def test_price_volume_mix_of_the_sample_by_pandas(measured: Measurements, orders: pd.DataFrame) -> None:
    sides = [
        quarter(orders, m).groupby("product_id")[["quantity", "amount"]].sum()
        for m in ("04 05 06", "07 08 09")
    ]
    then, now = (side.reindex(sorted(set(sides[0].index) | set(sides[1].index))).fillna(0) for side in sides)
    by_hand = price_volume_mix(then["quantity"], then["amount"], now["quantity"], now["amount"]).parts
    found = split_of(revenue_by_product(measured, Q2, Q3))
    assert [p.value for p in found.parts][:3] == pytest.approx(list(by_hand.values()), rel=1e-9)
    assert all(p.low is not None and p.high is not None and p.low < p.value < p.high for p in found.parts)


def test_slices_of_the_sample_by_pandas(measured: Measurements, orders: pd.DataFrame) -> None:
    found = split_identity(measured, REVENUE, Q2, Q3, by=("region",))
    assert not isinstance(found, Refused)
    sums = [quarter(orders, m).groupby("region")["amount"].sum() for m in ("04 05 06", "07 08 09")]
    expected = (sums[1] - sums[0]).to_dict()
    assert {s.by["region"]: s.total for s in found if s.by} == {
        region: pytest.approx(change) for region, change in expected.items()
    }
    for s in found:
        assert math.fsum(p.value for p in s.parts) == pytest.approx(s.total, rel=1e-9, abs=1e-6)


def test_all_splits_of_the_sample_add_up(company: Company, catalogue: dict[str, Any]) -> None:
    asked = ["revenue", "arpu", "profit", "new-clients", "lead-to-client", "cost-per-sale-cohort"]
    warnings: list[str] = []
    found = changes(company, asked, Q3, [Q2, Period.parse("2025-Q3")], catalogue, warnings=warnings)
    # The sample's ride-alongs and projects are those of whole departments.
    assert len(warnings) == 2
    assert "is named in it" in warnings[0]
    assert "at least 3 teams without" in warnings[1]
    assert {s.kpi for s in found} >= {"revenue", "arpu", "new-clients", "lead-to-client", "conversions"}
    for s in found:
        assert math.fsum(p.value for p in s.parts) == pytest.approx(s.total, rel=1e-9, abs=1e-9), s.kpi
        assert math.fsum(o.value for o in s.by_owner.values()) == pytest.approx(s.total, rel=1e-9, abs=1e-9)
        for o in s.by_owner.values():
            assert o.least - 1e-9 <= o.value <= o.most + 1e-9
    # Leads of the third quarter are too young at its end: their split is that of the second.
    assert {(s.from_period, s.to_period) for s in found if s.kpi == "lead-to-client"} == {
        ("2026-Q1", "2026-Q2"), ("2025-Q2", "2026-Q2"),
    }  # fmt: skip


def test_new_clients_of_the_sample_add_up_over_cohorts(measured: Measurements, company: Company) -> None:
    found = split_of(new_clients_by_lead(measured, Q2, Q3))
    t = company.fetch(company.relation("clients"))
    since, lead = pd.to_datetime(t["client_since"]), pd.to_datetime(t["lead_created_on"])
    counts = []
    for period in (Q2, Q3):
        mine = (since >= str(period.start)) & (since < str(period.end))
        before = mine & (lead < str(period.start))
        recent = before & (lead >= str(period.previous().start))
        counts.append(
            [
                (mine & ~before & lead.notna()).sum(),
                recent.sum(),
                (before & ~recent).sum(),
                (mine & lead.isna()).sum(),
            ]
        )
    assert [p.value for p in found.parts] == list(np.subtract(counts[1], counts[0]))


# Quality or handling? ---------------------------------------------------------------------------------------------


def leads(
    rng: np.random.Generator, month: str, n: int, mix: list[float], rates: list[float]
) -> list[dict[str, Any]]:
    """Draw leads of two kinds (score 10 and 90), which convert a week later with the rates."""
    kinds = rng.choice(2, n, p=mix)
    won = rng.random(n) < np.take(rates, kinds)
    return [
        {
            "lead_id": f"{month}-{i}",
            "created_at": f"{month}-{1 + i % 28:02d}T10:00:00",
            "marketing_score": [10, 90][kind],
            "converted_at": f"{month}-{1 + i % 28:02d}T12:00:00" if hit else None,
        }
        for i, (kind, hit) in enumerate(zip(kinds, won, strict=True))
    ]


def handled(
    seed: int, mixes: tuple[list[float], list[float]], rates: tuple[list[float], list[float]], n: int = 1500
) -> Any:
    rng = np.random.default_rng(seed)
    rows = leads(rng, "2026-01", n, mixes[0], rates[0]) + leads(rng, "2026-02", n, mixes[1], rates[1])
    # One old conversion, so that outcomes are recorded from before the first period on.
    rows.append(
        {
            "lead_id": "old",
            "created_at": "2025-06-01T10:00:00",
            "marketing_score": 10,
            "converted_at": "2025-06-02T10:00:00",
        }
    )
    stand = company_of({"leads": rows}, until={"leads": "2026-08-31"})
    return split_of(
        quality_or_handling(
            Measurements(stand, catalogue_of(stand)), Period.parse("2026-01"), Period.parse("2026-02")
        )
    )


EVEN, WEAK = [0.5, 0.5], [0.8, 0.2]


def clear(part: Any) -> bool:
    return part.low is not None and part.high is not None and (part.low > 0 or part.high < 0)


def test_weaker_leads_are_the_mix() -> None:
    mix, rate, _ = handled(1, (EVEN, WEAK), ([0.1, 0.5], [0.1, 0.5])).parts
    assert clear(mix)
    assert mix.low < 100 * -0.3 * 0.4 < mix.high
    assert not clear(rate)
    assert mix.owners == {"marketing": 1.0}


def test_worse_handling_is_the_rate() -> None:
    mix, rate, _ = handled(2, (EVEN, EVEN), ([0.2, 0.5], [0.1, 0.4])).parts
    assert clear(rate)
    assert rate.low < -10 < rate.high
    assert not clear(mix)
    assert rate.owners["sales"] > 0.5


def test_no_change_is_quiet_and_intervals_cover() -> None:
    runs = 12
    found = [handled(100 + i, (EVEN, EVEN), ([0.2, 0.4], [0.2, 0.4]), n=400) for i in range(runs)]
    alarms = sum(clear(p) for s in found for p in s.parts)
    assert alarms <= 0.05 * 3 * runs + 2 * math.sqrt(3 * runs * 0.05 * 0.95)


def test_simpsons_paradox_is_told() -> None:
    # Both kinds convert better than before, and yet the total falls: far more leads are weak.
    found = handled(3, ([0.2, 0.8], [0.8, 0.2]), ([0.1, 0.5], [0.2, 0.6]))
    assert found.total < 0 < found.parts[1].value
    assert "Simpson's paradox: the total falls, but the rate rises in 2 of 2 groups" in found.method
    assert "Simpson" not in handled(1, (EVEN, WEAK), ([0.1, 0.5], [0.1, 0.5])).method


def test_difference_between_two_regions(measured: Measurements, company: Company) -> None:
    found = split_of(quality_or_handling_between(measured, Period.parse("2025"), "region", "South", "North"))
    t = company.fetch(company.relation("lead_outcomes"))
    t = t[t["opens_episode"] & ~t["existing_client"] & (pd.to_datetime(t["created_on"]).dt.year == 2025)]
    won = (t["days_to_client"] <= 90).groupby(t["region"]).mean()
    assert found.total == pytest.approx(100 * (won["North"] - won["South"]))
    assert math.fsum(p.value for p in found.parts) == pytest.approx(found.total, rel=1e-9)
    with pytest.raises(ParameterError, match="region = 'Nowhere'"):
        quality_or_handling_between(measured, Period.parse("2025"), "region", "South", "Nowhere")


def test_leads_that_nothing_tells_apart() -> None:
    rows = [
        {"lead_id": str(i), "created_at": f"2026-01-{1 + i % 28:02d}", "converted_at": "2026-02-01"}
        for i in range(50)
    ]
    rows += [
        {"lead_id": f"f{i}", "created_at": f"2026-02-{1 + i % 28:02d}", "converted_at": "2026-03-01"}
        for i in range(50)
    ]
    rows += [{"lead_id": "old", "created_at": "2025-06-01", "converted_at": "2025-06-02"}]
    stand = company_of({"leads": rows}, until={"leads": "2026-08-31"})
    found = quality_or_handling(
        Measurements(stand, catalogue_of(stand)), Period.parse("2026-01"), Period.parse("2026-02")
    )
    assert isinstance(found, Refused)
    assert "nothing tells leads apart" in found.reason


# What is compared, and what an Analysis holds -----------------------------------------------------------------------


def test_too_young_is_never_compared(measured: Measurements) -> None:
    found = quality_or_handling(measured, Q2, Q3)
    assert isinstance(found, Refused)
    assert found.young


def test_what_moved_gives_the_last_period_that_is_old_enough(company: Company) -> None:
    found = what_moved(company, "lead_to_client", "2026-Q3")
    assert {(s.from_period, s.to_period) for s in found} == {("2026-Q1", "2026-Q2")}
    assert list(found[0].frame()["driver"]) == [
        "mix of leads",
        "rate within like leads",
        "mix and rate together",
    ]


def test_what_moved_says_what_is_wrong(company: Company) -> None:
    with pytest.raises(UnknownName, match="revenue"):
        what_moved(company, "revenu", "2026-Q3")
    with pytest.raises(ParameterError, match="compare"):
        what_moved(company, "revenue", "2026-Q3", compare="none")
    with pytest.raises(DataError, match=r"not split.*2024-Q3"):
        what_moved(company, "revenue", "2024-Q4")


def test_the_analysis_holds_the_rows_of_the_contract(company: Company) -> None:
    analysis = analyse(company, "2026-Q3", kpis=["revenue"], indicators=[], by=["region"])
    rows = json.loads(analysis.dumps())["drivers"]
    assert {tuple(sorted(r)) for r in rows} == {
        ("by", "by_owner", "from_period", "kpi", "method", "parts", "to_period", "total", "unit")
    }
    assert {tuple(sorted(p)) for r in rows for p in r["parts"]} == {
        ("driver", "high", "low", "owners", "value")
    }
    assert {tuple(r["by"].items()) for r in rows} >= {(), (("region", "North"),)}
    for r in rows:
        assert math.fsum(p["value"] for p in r["parts"]) == pytest.approx(r["total"], rel=1e-9)
        assert set(r["by_owner"]) == {"marketing", "sales"}
    page = Report.of(analysis).text("html")
    assert "What moved the figures" in page
    assert "by price, volume and mix of products" in page


def test_without_another_period_there_are_no_drivers(company: Company) -> None:
    assert analyse(company, "2026-Q3", compare="none", kpis=["revenue"], indicators=[]).drivers == ()
    assert analyse(company, "2026-Q3", kpis=["spend"], indicators=[]).drivers == ()


def test_a_split_that_fails_is_a_warning(
    company: Company, catalogue: dict[str, Any], monkeypatch: Any
) -> None:
    import alignment_toolkit.changes as module

    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("boom")

    plan = [("revenue", broken, False), *module._PLAN[1:]]
    monkeypatch.setattr(module, "_PLAN", plan)
    warnings: list[str] = []
    found = changes(company, ["revenue", "arpu"], Q3, [Q2], catalogue, warnings=warnings)
    assert warnings == ["The change of revenue against 2026-Q2 could not be split: ZeroDivisionError: boom"]
    assert [s.kpi for s in found] == ["revenue", "arpu"]


def test_the_order_of_rows_does_not_matter(catalogue: dict[str, Any]) -> None:
    rng = np.random.default_rng(4)
    lines = [
        order(str(i), f"2026-0{7 + i % 2}-{1 + i % 28:02d}", round(float(rng.lognormal(3, 1)), 2), f"a{i % 37}",
              product_id=f"p{i % 5}", quantity=int(rng.integers(1, 9)))
        for i in range(300)
    ]  # fmt: skip
    told = []
    for rows in (lines, lines[::-1]):
        stand = company_of({"orders": rows}, until={"orders": "2026-08-31"})
        found = changes(stand, ["revenue", "arpu"], AUGUST, [JULY], catalogue, warnings=[])  # type: ignore[arg-type]
        told.append([s.row() for s in found])
    assert len(told[0]) == 3
    assert told[0] == told[1]
