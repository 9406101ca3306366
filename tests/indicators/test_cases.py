"""The case studies in the docs, held against the public data where it is there."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.company import Company
from alignment_toolkit.indicator import Data, Look
from alignment_toolkit.indicators.neglected_clients import _bought, _clients, _valued, neglected_clients
from alignment_toolkit.kpi import measure
from alignment_toolkit.periods import Period
from alignment_toolkit.verdict import verdicts
from tests.source_tree import PROJECT

INDICATORS = Catalog.load().indicators
TACTICAL = (
    "acceptance_lottery",
    "channel_mismatch",
    "discarded_leads",
    "message_mismatch",
    "missed_decision_makers",
    "neglected_clients",
    "need_mismatch",
    "quarter_end_rush",
    "unanswered_signals",
    "untrained_launch",
)


@pytest.fixture(scope="module")
def retail(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Company:
    toml = tmp_path_factory.mktemp("retail") / "alignment.toml"
    toml.write_text(
        f"""[company]
currency = "GBP"
[source]
url = "{real_data / "online_retail"}"
[tables.orders]
from = "online_retail.parquet"
where = "CustomerID IS NOT NULL AND Quantity > 0 AND UnitPrice > 0"
[tables.orders.columns]
order_id = "InvoiceNo"
ordered_at = "InvoiceDate"
account_id = "CustomerID"
amount = {{ sql = "Quantity * UnitPrice" }}
"""
    )
    return Company.open(toml)


@pytest.fixture(scope="module")
def olist(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Company:
    toml = tmp_path_factory.mktemp("olist") / "alignment.toml"
    toml.write_text(f'[source]\nkind = "olist"\nurl = "{real_data / "olist"}"\n')
    return Company.open(toml)


def looks(company: Company, period: str) -> dict[str, Look]:
    return {id: INDICATORS[id].look(company, Period.parse(period)) for id in TACTICAL}


@pytest.mark.slow
def test_online_retail_names_what_it_lacks_and_tells_where_the_value_lies(retail: Company) -> None:
    found = looks(retail, "2011-Q3")
    assert all(look.missing and look.error is None for look in found.values())
    assert found["neglected_clients"].missing == (
        "touches.touched_at",
        "touches.account_id",
        "touches.channel",
    )
    window = Period.parse("2011-Q3")
    data = Data(retail, {}, neglected_clients, window)
    rows, basis = _valued(_clients(data, _bought(data, window)), window)
    value = np.sort(rows.value.to_numpy())[::-1]
    assert (len(rows), int((rows.orders > 1).sum())) == (2960, 1556)
    assert "BG/NBD" in basis
    assert value.sum() == pytest.approx(6.06e6, rel=0.01)
    assert value[: len(value) // 5].sum() / value.sum() == pytest.approx(0.65, abs=0.01)
    assert value[: len(value) // 100].sum() / value.sum() == pytest.approx(0.24, abs=0.01)
    assert rows.value[rows.orders == 1].sum() / value.sum() == pytest.approx(0.19, abs=0.01)


@pytest.mark.slow
def test_olists_deals_are_recorded_for_three_quarter_ends_and_what_it_lacks_is_said(olist: Company) -> None:
    found = looks(olist, "2018-Q2")
    assert all(look.error is None for look in found.values())
    assert {id for id, look in found.items() if not look.missing} == {"quarter_end_rush", "discarded_leads"}
    rush, discarded = found["quarter_end_rush"].seen, found["discarded_leads"].seen
    assert rush is not None
    assert discarded is not None
    e = rush.gap.estimate
    assert (e.n, e.value) == (722, pytest.approx(-0.0328, abs=1e-4))
    assert rush.counts == {"wins": 722, "quarter-ends": 3}
    assert e.high is not None
    assert e.high < 0.10
    assert discarded.gap.estimate.n == 0


def by_its_page(page: str, folder: Path, home: Path) -> Company:
    """Open public data with the very alignment.toml that the page prints."""
    text = (PROJECT / "docs" / "cases" / f"{page}.md").read_text("utf-8")
    (printed,) = re.findall(r"^```toml\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    toml = home / "alignment.toml"
    toml.write_text(re.sub(r'url = ".*"', f'url = "{folder}"', printed), encoding="utf-8")
    return Company.open(toml)


@pytest.mark.slow
def test_x_education_is_assessed_as_far_as_data_without_dates_goes(real_data: Path, tmp_path: Path) -> None:
    company = by_its_page("x_education", real_data / "x_education", tmp_path)
    assert company.undated == {"leads", "assessments"}
    looked = [entry.look(company, Period.parse("2024-Q1")) for entry in INDICATORS.values()]
    assert all(look.error is None for look in looked)
    found = {f.indicator: f for f in verdicts(looked)}
    assert [f.indicator for f in found.values() if f.status != "not_assessed"] == ["targeting_disagreement"]
    told = found["targeting_disagreement"]
    assert told.status == "misaligned"
    assert told.gap is not None
    assert told.gap.n == 2447
    numbers = (told.gap.value, told.gap.low, told.gap.high)
    assert numbers == pytest.approx((0.902, 0.863, 0.942), abs=0.001)
    assert [g.guard for g in told.guards] == ["immature"]
    assert found["misjudged_potential"].missing[0] == "assessments.assessed_at (one date stands for all rows)"


@pytest.mark.slow
def test_facebook_ads_have_costs_and_nothing_to_align(real_data: Path, tmp_path: Path) -> None:
    company = by_its_page("kag", real_data / "kag_facebook_ads", tmp_path)
    kpi = Catalog.load(company.settings).chosen_kpis(["cost-per-result", "spend"])
    rows = measure(company, kpi, Period.parse("2017-Q3"), by=("campaign_id",))
    cost = {r.by.get("campaign_id"): r.value for r in rows if r.kpi == "cost-per-result"}
    reference = {None: 54.407, "916": 6.24, "936": 15.81, "1178": 63.83}
    assert {k: cost[k] for k in reference} == pytest.approx(reference, abs=0.005)
    looked = [entry.look(company, Period.parse("2017-Q3")) for entry in INDICATORS.values()]
    assert all(look.missing for look in looked)
