"""Key figures in parts of the company: a part without a number says why, once for each key figure and dimension."""

from __future__ import annotations

import dataclasses

import pytest

from alignment_toolkit.languages import speaking
from alignment_toolkit.report import Report
from alignment_toolkit.report.blocks import Table, without_isolates
from alignment_toolkit.report.figures import slices
from alignment_toolkit.report.findings import full
from alignment_toolkit.report.plain import walk
from alignment_toolkit.results import Analysis, KpiValue
from tests.report.builders import analysis, dropped, kpi, opened
from tests.report.test_all_formats import READERS

NO_REGION = (
    'Not told by region: 100.0 % of "Spend on leads" names no region, more than 10 %. Fill in spend.region.'
)
REGIONS = ("North", "South", None)


def untold(id: str, title: str, region: str | None, reason: str) -> KpiValue:
    return kpi(id, title, None, "money", by={"region": region}, status="not_available", reason=reason)


def by_region() -> Analysis:
    """Revenue is told of each region, the average order not where the region is missing, the cost per lead of none."""
    rows = [kpi("revenue", "Revenue", 60.0, "money"), kpi("cost-per-lead", "Cost per lead", 9.0, "money")]
    for i, region in enumerate(REGIONS, start=1):
        rows.append(kpi("revenue", "Revenue", 10.0 * i, "money", by={"region": region}))
        rows.append(
            kpi("order", "Average order", 5.0 * i, "money", by={"region": region})
            if region
            else untold("order", "Average order", region, "no order with a positive line")
        )
        rows.append(
            untold("cost-per-lead", "Cost per lead", region, NO_REGION if region else "no lead sourced")
        )
    return analysis(kpis=tuple(rows))


def tables(told: Analysis) -> list[Table]:
    return [b for b in opened(slices(told, "")) if isinstance(b, Table)]


def texts(table: Table) -> list[list[str]]:
    return [[without_isolates(c.text) for c in row] for row in table.rows]


def test_a_key_figure_that_is_told_of_no_part_says_why() -> None:
    lacking = next(t for t in tables(by_region()) if t.caption == "Not told by region, and why")
    assert texts(lacking) == [
        ["Cost per lead", "North and South", NO_REGION],
        ["Cost per lead", "(missing)", "no lead sourced"],
    ]


def test_a_cell_without_a_number_has_its_reason_below_its_table() -> None:
    (table,) = (t for t in tables(by_region()) if "Revenue" in t.columns)
    assert (
        without_isolates(table.note)
        == "Not available: Average order in (missing): no order with a positive line."
    )


def test_what_the_whole_company_lacks_is_not_said_again_for_its_parts() -> None:
    reason = "needs orders.cost"
    whole = dataclasses.replace(kpi("margin", "Margin", None, "money"), status="not_available", reason=reason)
    parts = [untold("margin", "Margin", region, reason) for region in REGIONS]
    told = dataclasses.replace(by_region(), kpis=(*by_region().kpis, whole, *parts))
    assert not any("Margin" in row for t in tables(told) for row in texts(t))


def test_names_of_columns_that_there_are_stay_out() -> None:
    long = "There is no dimension 'region' of results. There is: appeal, campaigns.channel and 31 more."
    told = dataclasses.replace(by_region(), kpis=(*by_region().kpis, untold("r", "Results", None, long)))
    (lacking,) = (t for t in tables(told) if t.caption.startswith("Not told"))
    assert texts(lacking)[-1] == ["Results", "all", "the rows that it counts do not tell it"]


def test_many_parts_are_counted_and_many_reasons_cut() -> None:
    rows = [kpi("revenue", "Revenue", 1.0, "money", by={"region": "North"})]
    rows += [untold("revenue", "Revenue", f"part {i}", f"reason {i}") for i in range(12)]
    rows += [untold("cost", "Cost", f"part {i}", "no lead") for i in range(30)]
    rows += [untold("cost", "Cost", "other", "no sale")]
    first, lacking = tables(analysis(kpis=tuple(rows)))
    assert "reason 7." in first.note
    assert "reason 8" not in first.note
    assert first.note.endswith("The other reasons are in analysis.json.")
    assert texts(lacking)[0][1].endswith("part 5 and 24 more")


@pytest.mark.parametrize("format", list(READERS))
def test_every_format_says_it(format: str) -> None:
    seen = READERS[format](Report.of(by_region()).content(format))
    assert "Not told by region: 100.0 %" in " ".join(seen.replace("\u00a0", " ").split())


def test_a_reason_that_was_left_english_is_said_in_german() -> None:
    with speaking("de"):
        told = tables(
            analysis(kpis=(untold("cost-per-lead", "Kosten", "Nord", "no lead sourced by marketing"),))
        )
    assert texts(told[0])[0][2] == "kein von Marketing gebrachter Lead"


def test_parts_of_a_finding_that_are_not_assessed_say_why_once_for_all_that_share_the_reason() -> None:
    whole = dropped()
    parts = [
        dataclasses.replace(whole, by={"region": region}, status="not_assessed", message=reason, gap=None)
        for region, reason in (
            ("North", "No plan by region."),
            ("South", "No plan by region."),
            (None, "No plan."),
        )
    ]
    (table,) = (
        b
        for b in walk(full(whole, "", "EUR", "", parts).blocks)
        if isinstance(b, Table) and "parts of the company" in b.caption
    )
    assert without_isolates(table.note).endswith(
        "Not assessed (North and South): No plan by region. Not assessed ((missing)): No plan."
    )
    (same,) = (
        b
        for b in walk(full(whole, "", "EUR", "", parts[:2]).blocks)
        if isinstance(b, Table) and "parts of the company" in b.caption
    )
    assert same.note.endswith("Not assessed (all): No plan by region.")
