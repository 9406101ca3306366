"""The worked examples of the pages of the KPI families are what the toolkit computes from the rows that they show."""

from __future__ import annotations

import csv
import re

import pytest

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.company import Company
from alignment_toolkit.kpi import measure
from tests.source_tree import PROJECT

PAGES = {
    name: (PROJECT / "docs" / "kpis" / f"{name}.md").read_text("utf-8")
    for name in ("revenue", "marketing", "cost")
}
KPIS = Catalog.load().kpis


def table(text: str, title: str) -> list[list[str]]:
    """Return the rows of the table below a bold title, the header first."""
    found = re.search(rf"^\*\*{title}\*\*\n\n((?:\|.*\n)+)", text, flags=re.MULTILINE)
    assert found, title
    rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in found[1].splitlines()]
    return [rows[0], *rows[2:]]


@pytest.fixture(scope="module", params=PAGES)
def page(request, tmp_path_factory):
    text, folder = PAGES[request.param], tmp_path_factory.mktemp(request.param)
    for name in re.findall(r"^\*\*([a-z]+)\*\*\n\n\|", text, flags=re.MULTILINE):
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows(table(text, name))
    settings = "".join(re.findall(r"^```toml\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL))
    (folder / "alignment.toml").write_text('[company]\ncurrency = "EUR"\n' + settings, encoding="utf-8")
    company = Company.open(folder)
    assert not company.refused
    return request.param, text, company


def test_the_worked_example(page):
    _, text, company = page
    _, *rows = table(text, "What comes out")
    assert len(rows) >= 4
    for id, period, value, _ in rows:
        (row,) = measure(company, KPIS[id.strip("`")], period)
        assert row.value == (pytest.approx(float(value), rel=1e-11) if value else None), (id, period, row)
        assert bool(row.reason) == (not value)


def test_the_page_lists_its_family_with_owners_and_direction(page):
    name, text, _ = page
    listed = {
        id: (owners, better)
        for id, owners, better in re.findall(
            r"^\| `([a-z-]+)` \|[^|]*\| (\d+ : \d+) \| (\w+) \|", text, flags=re.MULTILINE
        )
    }
    for id, (owners, better) in listed.items():
        shares = [round(100 * KPIS[id].owners[d]) for d in ("marketing", "sales")]
        assert (owners, better) == (f"{shares[0]} : {shares[1]}", KPIS[id].better), id
    module = __import__(f"alignment_toolkit.kpis.{name}", fromlist=["KPIS"])
    assert {k.id for k in module.KPIS} <= set(listed)


def test_how_far_its_interval_holds_is_told_of_every_kpi():
    text = (PROJECT / "docs" / "coverage.md").read_text("utf-8")
    assert [id for id in KPIS if f"`{id}`" not in text] == []
