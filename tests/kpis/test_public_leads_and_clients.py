"""Reference numbers of X Education (upGrad's case) and CDNOW (Fader and Hardie), made with plain pandas elsewhere."""

from __future__ import annotations

import pandas as pd
import pytest
from scipy.stats import spearmanr

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.company import Company
from alignment_toolkit.kpi import measure
from alignment_toolkit.statistics.ranking import auc

KPIS = Catalog.load().kpis
# The days are made up: the file has none. `marketing_score` is the sum of marketing's two scores, on their own scale.
X_EDUCATION = """[company]
currency = "INR"
[source]
url = "{url}"
[tables.leads]
from = "Leads.csv"
[tables.leads.columns]
lead_id = "Prospect ID"
created_at = {{ sql = "DATE '2018-01-01'" }}
account_id = "Prospect ID"
converted_at = {{ sql = "CASE WHEN CAST(Converted AS INTEGER) = 1 THEN DATE '2018-01-01' END" }}
channel = {{ from = "Lead Source", map = {{ "google" = "Google" }}, nulls = ["Select"] }}
marketing_score = {{ sql = '"Asymmetrique Activity Score" + "Asymmetrique Profile Score"' }}
"""
# The order in which the reference takes the salesperson's words.
WORDS = ("Worst", "Not Sure", "Might be", "Low in Relevance", "High in Relevance")


@pytest.fixture(scope="module")
def x_education(real_data, tmp_path_factory):
    toml = tmp_path_factory.mktemp("x_education") / "alignment.toml"
    toml.write_text(X_EDUCATION.format(url=real_data / "x_education"))
    return Company.open(toml)


def test_x_education_converted(x_education):
    rows = measure(x_education, [KPIS["leads"], KPIS["conversions-to-date"]], "2018", by=("channel",))
    assert {r.kpi: r.value for r in rows if not r.by} == {"leads": 9237, "conversions-to-date": 3559}
    by = {r.by["channel"]: r.value for r in rows if r.by and r.kpi == "leads"}
    assert "google" not in by, "google and Google are one source"
    assert sum(by.values()) == 9237


def test_x_education_marketings_score_against_sales_word(x_education):
    leads = x_education["leads"]
    frame = x_education.fetch(
        leads.select(score="marketing_score", quality="Lead Quality", won=leads.converted_at.notnull())
    )
    frame = frame.dropna(subset=["score", "quality"])
    marketing, sales = frame.score.astype(int), frame.quality.map(WORDS.index)
    assert len(frame) == 2447
    assert round(float(spearmanr(marketing, sales).statistic), 3) == 0.282
    found = [auc(score, frame.won, n_unit="leads").estimate for score in (marketing, sales)]
    assert [round(e.value, 3) for e in found] == [0.691, 0.842]
    assert all(e.low < e.value < e.high for e in found)


@pytest.fixture(scope="module")
def cdnow(real_data, tmp_path_factory):
    """The master file has no header and columns as wide as it likes, which no dialect of CSV knows."""
    names = ["customer", "day", "cds", "dollars"]
    rows = pd.read_csv(
        real_data / "cdnow" / "CDNOW_master.txt", sep=r"\s+", dtype=str, header=None, skiprows=1, names=names
    )
    folder = tmp_path_factory.mktemp("cdnow")
    rows["day"] = pd.to_datetime(rows.day, format="%Y%m%d").dt.date
    rows.to_csv(folder / "purchases.csv", index_label="number")
    (folder / "alignment.toml").write_text(
        '[company]\ncurrency = "USD"\n[tables.orders]\nfrom = "purchases.csv"\n[tables.orders.columns]\n'
        'order_id = "number"\naccount_id = "customer"\namount = "dollars"\nquantity = "cds"\n'
        'ordered_at = "day"\n'
    )
    return Company.open(folder)


def test_cdnow_customers_transactions_and_dollars(cdnow):
    rows = measure(cdnow, [KPIS["revenue"], KPIS["active-clients"], KPIS["arpu"]], "1997-01-01..1998-06-30")
    found = {r.kpi: r for r in rows}
    assert (found["revenue"].value, found["revenue"].n) == (2500315.63, 69659)
    accounts = cdnow["orders"].account_id.nunique()
    assert cdnow.fetch(accounts).iloc[0, 0] == 23570
    # 68 of them took only what was free: they are no active clients.
    assert found["active-clients"].value == found["arpu"].bottom == 23570 - 68
    assert found["arpu"].value == pytest.approx(2500315.63 / 23502, rel=1e-11)
