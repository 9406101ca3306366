"""The case studies in the docs, held against the public data where it is there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.company import Company
from alignment_toolkit.indicator import Data, Look
from alignment_toolkit.indicators.neglected_clients import _clients, _valued, neglected_clients
from alignment_toolkit.periods import Period

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
    rows, basis = _valued(_clients(data, window), window)
    value = np.sort(rows.value.to_numpy())[::-1]
    assert (len(rows), int((rows.orders > 1).sum())) == (2960, 1556)
    assert "BG/NBD" in basis
    assert value.sum() == pytest.approx(6.06e6, rel=0.01)
    assert value[: len(value) // 5].sum() / value.sum() == pytest.approx(0.65, abs=0.01)
    assert value[: len(value) // 100].sum() / value.sum() == pytest.approx(0.24, abs=0.01)
    assert rows.value[rows.orders == 1].sum() / value.sum() == pytest.approx(0.19, abs=0.01)


@pytest.mark.slow
def test_olist_closes_its_deals_evenly_and_says_what_it_lacks(olist: Company) -> None:
    found = looks(olist, "2018-Q2")
    assert all(look.error is None for look in found.values())
    assert {id for id, look in found.items() if not look.missing} == {"quarter_end_rush", "discarded_leads"}
    rush, discarded = found["quarter_end_rush"].seen, found["discarded_leads"].seen
    assert rush is not None
    assert discarded is not None
    e = rush.gap.estimate
    assert (e.n, e.value) == (722, pytest.approx(-0.00906, abs=1e-4))
    assert e.high is not None
    assert e.high < 0.10
    assert discarded.gap.estimate.n == 0
