"""Reference numbers of public data on money, which somebody else computed with plain pandas."""

from __future__ import annotations

import pytest

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.company import Company
from alignment_toolkit.kpi import measure

KPIS = Catalog.load().kpis
EVER = "2009-01-01..2029-12-31"
# The file writes euros with nine binary digits (1.429999948); its day was made up by whoever copied it.
KAG = """[company]
currency = "EUR"
[source]
url = "{url}"
[tables.spend]
from = "KAG_conversion_data.csv"
[tables.spend.columns]
spent_on = {{ value = 2017-08-30 }}
amount = "Spent"
campaign_id = "xyz_campaign_id"
[tables.results]
from = "KAG_conversion_data.csv"
[tables.results.columns]
result_id = "ad_id"
on = {{ value = 2017-08-30 }}
kind = {{ value = "{kind}" }}
count = "{column}"
campaign_id = "xyz_campaign_id"
[kpis.cost-per-result]
kind = "{kind}"
"""


def kag(real_data, folder, kind, column):
    toml = folder / "alignment.toml"
    toml.write_text(KAG.format(url=real_data / "kag_facebook_ads", kind=kind, column=column))
    return Company.open(toml)


def test_kag_cost_per_sale_of_each_campaign(real_data, tmp_path):
    company = kag(real_data, tmp_path, "sales", "Approved_Conversion")
    total, *parts = measure(company, KPIS["cost-per-result"], "2017", by=("campaign_id",))
    assert (total.top, total.bottom) == (58705.23, 1079)
    assert {p.by["campaign_id"]: round(p.value, 2) for p in parts} == {
        "916": 6.24,
        "936": 15.81,
        "1178": 63.83,
    }


def test_kag_cost_per_enquiry(real_data, tmp_path):
    row = measure(kag(real_data, tmp_path, "enquiries", "Total_Conversion"), KPIS["cost-per-result"], "2017")[
        0
    ]
    assert (row.top, row.bottom) == (58705.23, 3264)
    assert row.value == pytest.approx(58705.23 / 3264, rel=1e-11)


@pytest.fixture(scope="module")
def retail(real_data, tmp_path_factory):
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
product_id = "StockCode"
quantity = "Quantity"
amount = {{ sql = "Quantity * UnitPrice" }}
"""
    )
    return Company.open(toml)


def test_online_retail_orders_per_client(retail):
    (row,) = measure(retail, KPIS["orders-per-client"], EVER)
    assert (row.top, row.bottom) == (18532, 4338)
    (row,) = measure(retail, KPIS["revenue"], EVER)
    assert (row.value, row.n) == (8911407.904, 397884)


def test_online_retail_by_plain_pandas(retail, real_data):
    import pandas as pd

    t = pd.read_parquet(real_data / "online_retail" / "online_retail.parquet")
    t = t[t.CustomerID.notna() & (t.Quantity > 0) & (t.UnitPrice > 0)]
    t = t.assign(amount=t.Quantity * t.UnitPrice, quarter=t.InvoiceDate.dt.to_period("Q"))
    (row,) = measure(retail, KPIS["products-per-client"], EVER)
    assert row.top == len(t[["CustomerID", "StockCode"]].drop_duplicates())
    for now in ("2011Q2", "2011Q4"):
        before = t[t.quarter == pd.Period(now) - 1].groupby("CustomerID").amount.sum()
        current = t[t.quarter == pd.Period(now)].groupby("CustomerID").amount.sum()
        kept, net = measure(
            retail, [KPIS["retention"], KPIS["net-revenue-retention"]], now.replace("Q", "-Q")
        )
        assert (kept.top, kept.bottom) == (len(before.index.intersection(current.index)), len(before))
        assert net.value == pytest.approx(current.reindex(before.index).sum() / before.sum(), rel=1e-9)
    first = t.groupby("CustomerID").InvoiceDate.transform("min").dt.normalize()
    (row,) = measure(retail, KPIS["repeat-revenue-share"], EVER)
    repeated = t[t.InvoiceDate.dt.normalize() > first].amount.sum()
    assert row.value == pytest.approx(repeated / t.amount.sum(), rel=1e-9)
