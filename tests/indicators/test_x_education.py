"""Real data: marketing's score against the salesperson's word, and the leak behind it (docs/cases/x_education.md)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from alignment_toolkit.statistics.agreement import disagreement
from alignment_toolkit.statistics.ranking import auc_difference

WORDS = {"Worst": 0, "Not Sure": 2, "Might be": 3, "Low in Relevance": 1, "High in Relevance": 4}


@pytest.fixture(scope="module")
def leads(real_data: Path) -> pd.DataFrame:
    path = real_data / "x_education" / "Leads.csv"
    if not path.is_file():
        pytest.skip(f"no X Education data at {path}")
    rows = pd.read_csv(path)
    score = rows["Asymmetrique Activity Score"] + rows["Asymmetrique Profile Score"]
    rows = rows.assign(marketing=score, sales=rows["Lead Quality"].map(WORDS), won=rows.Converted == 1)
    return rows.dropna(subset=["marketing", "sales"])


def test_the_departments_agree_hardly_more_than_by_chance(leads: pd.DataFrame) -> None:
    m, s = leads.marketing >= leads.marketing.quantile(0.6), leads.sales >= 3
    cells = [[int((m & s).sum()), int((m & ~s).sum())], [int((~m & s).sum()), int((~m & ~s).sum())]]
    assert (int(m.sum()), int(s.sum()), cells[0][1] + cells[1][0]) == (1140, 1222, 1104)
    e = disagreement(cells).estimate
    assert (e.value, e.low, e.high) == pytest.approx((0.902, 0.863, 0.942), abs=0.001)


def test_sales_seems_right_only_because_its_word_is_written_afterwards(leads: pd.DataFrame) -> None:
    all_ = auc_difference(leads.sales, leads.marketing, leads.won, n_unit="leads")
    assert (len(leads), int(leads.won.sum())) == (2447, 1400)
    assert all_.gap.estimate.value == pytest.approx(0.0560, abs=0.0005)
    told = leads[~leads["Lead Quality"].isin(["Worst", "Not Sure"])]
    rest = auc_difference(told.sales, told.marketing, told.won, n_unit="leads").gap.estimate
    assert (len(told), rest.value) == (1574, pytest.approx(-0.1473, abs=0.0005))
