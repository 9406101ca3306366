"""Every number that the case studies print is computed again on the public data and looked for in the page."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from alignment_toolkit.analysis import findings_of
from alignment_toolkit.company import Company
from alignment_toolkit.results import Estimate
from alignment_toolkit.segmentation.features import account_features
from alignment_toolkit.segmentation.looking_back import LookBack, look_back
from alignment_toolkit.segmentation.outlook import look_ahead
from alignment_toolkit.statistics.ranking import auc_difference
from tests.indicators.test_cases import by_its_page
from tests.source_tree import PROJECT

pytestmark = pytest.mark.slow


class Page:
    """A page's text, in which numbers are looked for."""

    def __init__(self, name: str) -> None:
        text = (PROJECT / "docs" / "cases" / f"{name}.md").read_text("utf-8")
        self.text = re.sub(r"\s+", " ", text)

    def says(self, *phrases: str) -> None:
        """Claim that the page has each phrase."""
        assert [p for p in phrases if p not in self.text] == []


def points(e: Estimate) -> str:
    assert e.value is not None
    assert e.low is not None
    assert e.high is not None
    return f"{100 * e.value:.1f} percentage points, 95 % interval {100 * e.low:.1f} to {100 * e.high:.1f}"


def percent(e: Estimate) -> str:
    assert e.value is not None
    return f"{100 * e.value:.1f} %"


def _from_july_on(company: Company) -> list[str]:
    """Give the gaps that the share of deals won in a quarter's last days would have by the whole year's calendar."""
    won = pd.to_datetime(company.fetch(company["opportunities"].closed_at.name("on")).on).dt.normalize()
    told = []
    for start, end in (("2017-07-01", "2018-06-30"), ("2017-04-01", "2018-03-31")):
        days = pd.bdate_range(start, end)
        quarters = days.to_series().groupby(days.to_period("Q"))
        first = {quarter: own.iloc[-5] for quarter, own in quarters}
        here = won[(won >= start) & (won <= end)]
        rushed = sum(day >= first[day.to_period("Q")] for day in here)
        told.append(100 * (rushed / len(here) - 5 * len(first) / len(days)))
    return [f"the gap would have been {told[0]:.1f}", f"would have shown {told[1]:.1f} points more"]


def test_olist(real_data: Path, tmp_path: Path) -> None:
    page, folder = Page("olist"), real_data / "olist"
    toml = tmp_path / "alignment.toml"
    toml.write_text(f'[source]\nkind = "olist"\nurl = "{folder}"\n', encoding="utf-8")
    company = Company.open(toml)
    found = {f.indicator: f for f in findings_of(company, "2018-Q2")}
    rush, conflict = found["quarter_end_rush"], found["conflicting_kpis"]
    assert rush.gap is not None
    assert conflict.gap is not None
    page.says(f"3 quarter-ends where 4 are needed (gap {points(rush.gap)}, {rush.gap.n} deals won)")
    assert (rush.status, rush.statement) == (
        "too_little_data",
        "At least 4 quarter-ends are needed; here: 3.",
    )
    others = next(m.value for m in rush.measures if m.name == "other_months_ends")
    page.says(f"other months bring {100 * (others or 0):.1f} points more")
    e = conflict.gap
    page.says(f"{e.n} whole weeks where 52 are needed (gap {e.value:.2f}, {e.low:.2f} to {e.high:.2f})")
    assert found["discarded_leads"].gap is not None
    page.says(f"too little data, {found['discarded_leads'].gap.n} episodes")
    leads = pd.read_csv(folder / "olist_marketing_qualified_leads_dataset.csv")
    deals = pd.read_csv(folder / "olist_closed_deals_dataset.csv")
    won = leads.mql_id.isin(deals.mql_id).sum()
    page.says(
        f"{len(leads):,} leads of a Brazilian",
        f"the {len(deals)} deals",
        f"the {len(leads) - won:,} leads without a deal",
    )
    page.says(*_from_july_on(company))
    first = pd.to_datetime(deals.won_date).min()
    page.says(f"before {first.day} {first:%B} {first.year}")
    named = set(re.findall(r"\(\.\./indicators/(\w+)\.md\)", page.text))
    assert {id for id, f in found.items() if f.status not in ("not_assessed", "withheld")} == named


def test_online_retail(real_data: Path) -> None:
    page = Page("online_retail")
    rows = pd.read_parquet(real_data / "online_retail" / "online_retail.parquet")
    kept = rows[rows.CustomerID.notna() & (rows.Quantity > 0) & (rows.UnitPrice > 0)]
    day = pd.to_datetime(kept.InvoiceDate).dt.normalize()
    before = kept[day < "2011-07-01"].assign(day=day[day < "2011-07-01"])
    days = before.groupby("CustomerID").day.nunique()
    page.says(
        f"{len(days):,} clients, {(days > 1).sum():,} of whom", f"about {round(len(days) / 5, -1):.0f} names"
    )
    last = day.max()
    page.says(f"to {last.day} {last:%B} {last.year}")
    # What is expected of them is computed in test_cases; the page prints these shares.
    page.says("GBP 6.1 million", "worth most | 65 %", "worth most | 24 %", "one day only | 19 %")


def test_x_education(real_data: Path) -> None:
    page = Page("x_education")
    rows = pd.read_csv(real_data / "x_education" / "Leads.csv")
    scores = rows["Asymmetrique Activity Score"] + rows["Asymmetrique Profile Score"]
    both = rows[scores.notna() & rows["Lead Quality"].notna()].assign(marketing=scores)
    won = both.Converted.astype(bool)
    page.says(
        f"{rows['Prospect ID'].nunique():,} leads, {100 * rows.Converted.mean():.0f} % of them converted",
        f"{len(both):,} leads, of which {won.sum():,} converted ({100 * won.mean():.0f} %",
    )
    words = ["Worst", "Low in Relevance", "Not Sure", "Might be", "High in Relevance"]
    sales = both["Lead Quality"].map({w: 25.0 * i for i, w in enumerate(words)})
    m, s = both.marketing >= 32, sales >= 75
    page.says(
        f"32 points and more, {m.sum():,} leads",
        f"({s.sum():,}) as targets",
        f"differ on {(m != s).sum():,} of",
    )
    found = auc_difference(sales, both.marketing, won, n_unit="leads")
    e = found.gap.estimate
    page.says(
        f"in {percent(found.first)} of pairs, marketing's sum of scores in {percent(found.second)}",
        f"{e.value:.3f} ({e.low:.3f} to {e.high:.3f})",
    )
    by = both.groupby("Lead Quality").Converted.mean()
    ranked = both["Lead Quality"].map(by.rank())
    best = auc_difference(ranked, both.marketing, won, n_unit="leads").first.value
    page.says(f"they reach {100 * float(best or 0):.1f} %")
    assert by.sort_values().index.tolist() == [
        "Worst",
        "Not Sure",
        "Might be",
        "Low in Relevance",
        "High in Relevance",
    ]
    all_ = rows[rows["Lead Quality"].notna()].groupby("Lead Quality").Converted.agg(["size", "mean"])
    n, share = all_["size"], (100 * all_["mean"]).round().astype(int)
    page.says(
        f'of {n["Worst"]:,} leads called "Worst" {share["Worst"]} % converted',
        f'of {n["Not Sure"]:,} "Not Sure" {share["Not Sure"]} %',
        f'of the {n["Low in Relevance"]:,} called "Low in Relevance" {share["Low in Relevance"]} %',
        f'than of the {n["Might be"]:,} "Might be" ({share["Might be"]} %)',
    )
    rest = ~both["Lead Quality"].isin(["Worst", "Not Sure"])
    e = auc_difference(sales[rest], both.marketing[rest], won[rest], n_unit="leads").gap.estimate
    page.says(
        f"{rest.sum():,} are left",
        f"worse by {-float(e.value or 0):.3f} ({-float(e.high or 0):.3f} to {-float(e.low or 0):.3f})",
    )


def test_kag(real_data: Path) -> None:
    page = Page("kag")
    rows = pd.read_csv(real_data / "kag_facebook_ads" / "KAG_conversion_data.csv")
    by = rows.groupby("xyz_campaign_id")[["Spent", "Total_Conversion", "Approved_Conversion"]].sum()
    by.loc["all"] = by.sum()
    for name, (spent, enquiries, sales) in zip(by.index, by.to_numpy(), strict=True):
        page.says(
            f"| {name} | USD {spent:,.2f} | {enquiries:,.0f} | {sales:,.0f} | USD {spent / enquiries:,.2f} | "
            f"USD {spent / sales:,.2f} |"
        )
    shares = [f"{100 * by.Approved_Conversion[c] / by.Total_Conversion[c]:.0f} %" for c in (916, 936, 1178)]
    page.says(f"{shares[0]} in campaign 916, {shares[1]} in 936 and {shares[2]} in 1178")
    page.says(f"{len(rows):,} advertisements", f"{(rows.xyz_campaign_id == 916).sum()} advertisements and")
    silent = rows[(rows.Clicks == 0) & (rows.Spent == 0)]
    sold = silent[silent.Approved_Conversion > 0]
    page.says(
        f"{len(silent)} advertisements with neither clicks nor spend: {len(sold)} of them have a sale all the same "
        f"({sold.Approved_Conversion.sum()} sales)"
    )
    odd = ~np.isclose(rows.Spent * 1e4, (rows.Spent * 1e4).round(), rtol=0, atol=1e-6)
    page.says(f"{odd.sum()} amounts have more than four decimals")
    assert f"{rows.Spent.round(4).sum():,.2f}" in page.text


def _ahead(company: Company, end: date) -> tuple[LookBack, Estimate, Estimate]:
    """Give the look back, and what is expected of the next year with the look back's error and without it."""
    now, _ = account_features(company, end)
    outlook = look_ahead(company, now)
    all_ = now.mutate(_all=ibis.literal("all"))
    past = look_back(company, now, outlook, end)
    wide, plain = (o.total(company, all_, "_all")["all"] for o in (replace(outlook, off=past.off), outlook))
    return past, wide, plain


def _span(e: Estimate, by: float, form: str) -> str:
    assert e.low is not None
    assert e.high is not None
    return f"{e.low / by:{form}} to {e.high / by:{form}}"


def test_the_forecasts_of_online_retail_and_cdnow(real_data: Path, tmp_path: Path) -> None:
    page, segments = Page("segments_online_retail"), Page("../segments")
    past, wide, _ = _ahead(
        by_its_page("online_retail", real_data / "online_retail", tmp_path), date(2011, 12, 1)
    )
    told = past.told
    assert told is not None
    assert told.value is not None
    assert past.came is not None
    page.says(
        f"That {(wide.value or 0) / 1e6:.1f} million pounds will come",
        f"it told {told.value / 1e6:.1f} million ({_span(told, 1e6, '.1f')}) for {past.days} days, and "
        f"{past.came / 1e6:.1f} million came, {100 * (past.came / told.value - 1):.0f} % more",
        f"interval is {_span(wide, 1e6, '.1f')} million",
    )
    names = ["customer", "day", "cds", "dollars"]
    rows = pd.read_csv(
        real_data / "cdnow" / "CDNOW_master.txt", sep=r"\s+", dtype=str, header=None, skiprows=1, names=names
    )
    rows["day"] = pd.to_datetime(rows.day, format="%Y%m%d").dt.date
    rows.to_csv(tmp_path / "purchases.csv", index_label="number")
    toml = (
        '[tables.orders]\nfrom = "purchases.csv"\n[tables.orders.columns]\norder_id = "number"\n'
        'account_id = "customer"\namount = "dollars"\nquantity = "cds"\nordered_at = "day"\n'
    )
    (tmp_path / "alignment.toml").write_text(f'[company]\ncurrency = "USD"\n{toml}')
    past, wide, plain = _ahead(Company.open(tmp_path / "alignment.toml"), date(1998, 7, 1))
    told = past.told
    assert told is not None
    assert told.value is not None
    assert past.came is not None
    thousands = f"{told.value / 1e3:.0f},000"
    each = f"{_span(told, 1e3, '.0f').replace(' to', ',000 to')},000"
    gap = 100 * (past.came / told.value - 1)
    segments.says(
        f"{thousands} dollars told ({each}), {past.came / 1e3:.0f},000 came, {gap:.0f} % more",
        f"the {(wide.value or 0) / 1e6:.2f} million expected of the next year have the interval "
        f"{_span(wide, 1e6, '.2f')} million, and not the {_span(plain, 1e6, '.2f')} of",
    )
    page.says(
        f"told {thousands} ({each}) for {past.days} days in which {past.came / 1e3:.0f},000 came",
        f"the interval is {_span(wide, 1e6, '.2f')} million",
        f"alone would give {_span(plain, 1e6, '.2f')}",
    )


def test_a_number_that_is_no_longer_true_is_found() -> None:
    with pytest.raises(AssertionError, match="8,001 leads"):
        Page("olist").says("8,000 leads", "8,001 leads")
