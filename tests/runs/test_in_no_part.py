"""What a matrix leaves out is told: how much of the revenue, the clients and the leads is in no part."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignment_toolkit.company import Company
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Analysis
from alignment_toolkit.runs import index, matrix
from alignment_toolkit.runs.in_no_part import Aside, Left, in_no_part, told_to
from tests.builders import written

Q3 = Period.parse("2026-Q3")
ACCOUNTS = [
    {"account_id": "A", "name": "A", "region": "North"},
    {"account_id": "B", "name": "B", "region": "South"},
    {"account_id": "C", "name": "C", "region": ""},
]


def order(number, account, amount, day="2026-08-01"):
    return {"order_id": f"O{number}", "account_id": account, "ordered_at": day, "amount": amount}


def company_of(folder, *, accounts=ACCOUNTS, **tables):
    folder.mkdir(exist_ok=True)
    return Company.open(written({"accounts": accounts, **tables}, folder))


def told(aside):
    return {f.figure: (f.value, f.of, f.n, f.of_n, f.share) for f in aside.figures}


def test_what_has_no_region_or_no_known_account_is_counted(tmp_path):
    orders = [order(1, "A", 60), order(2, "B", 25), order(3, "C", 10), order(4, "", 5)]
    leads = [{"lead_id": f"L{i}", "created_at": "2026-08-01", "account_id": a} for i, a in enumerate("AABC")]
    spend = [{"spent_on": "2026-08-01", "amount": 7, "department": "marketing"}]
    company = company_of(tmp_path / "three", orders=orders, leads=leads, spend=spend)
    found = in_no_part(company, matrix.parts_of(company, "region"), Q3)
    assert told(found) == {
        "revenue": (15, 100, 2, 4, 0.15),
        "clients": (1, 3, 1, 3, pytest.approx(1 / 3)),
        "leads": (1, 4, 1, 4, 0.25),
    }
    assert found.tables == ("spend",)
    # The missing ones as a part of their own leave nothing out, and a list of one part leaves the others out.
    every = in_no_part(company, ["region=North", "region=South", "region=(missing)"], Q3)
    assert [f.value for f in every.figures] == [0, 0, 0]
    north = in_no_part(company, ["region=North"], Q3)
    assert told(north)["revenue"] == (40, 100, 3, 4, 0.4)


def test_only_the_period_counts_and_a_table_that_names_no_region_is_in_no_part_at_all(tmp_path):
    orders = [order(1, "A", 60), order(2, "C", 10, "2026-10-01"), order(3, "C", 10, "2026-06-30")]
    leads = [{"lead_id": "L1", "created_at": "2026-08-01"}]
    company = company_of(tmp_path / "days", orders=orders, leads=leads)
    found = in_no_part(company, ["region=North"], Q3)
    assert told(found)["revenue"] == (0, 60, 0, 1, 0)
    assert told(found)["leads"] == (1, 1, 1, 1, 1)
    assert found.tables == ("leads",)


def test_parts_of_two_columns_hold_a_row_that_is_in_either(tmp_path):
    orders = [
        order(1, "A", 1) | {"channel": "web"},
        order(2, "C", 2) | {"channel": "web"},
        order(3, "C", 4) | {"channel": ""},
    ]
    company = company_of(tmp_path / "two", orders=orders)
    found = in_no_part(company, ["region=North", "channel=web"], Q3)
    assert told(found)["revenue"] == (4, 7, 1, 3, pytest.approx(4 / 7))
    # The client of the third order is in a part by the second.
    assert told(found)["clients"][:2] == (0, 2)


def test_returns_have_no_share_and_no_orders_no_revenue(tmp_path):
    orders = [order(1, "A", 10), order(2, "C", -4)]
    company = company_of(tmp_path / "back", orders=orders)
    found = in_no_part(company, ["region=North"], Q3)
    assert told(found)["revenue"] == (-4, 6, 1, 2, None)
    leads = [{"lead_id": "L1", "created_at": "2026-08-01", "account_id": "A"}]
    none = in_no_part(company_of(tmp_path / "without", leads=leads), ["region=North"], Q3)
    assert list(told(none)) == ["leads"]


@settings(max_examples=15, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["A", "B", "C", "", "gone"]), st.integers(-5, 20)), min_size=1, max_size=12
    )
)
def test_it_is_the_whole_less_the_parts_as_they_are_narrowed(rows, tmp_path_factory):
    orders = [order(i, account, amount) for i, (account, amount) in enumerate(rows)]
    company = company_of(tmp_path_factory.mktemp("any") / "company", orders=orders)
    found = told(in_no_part(company, ["region=North", "region=South"], Q3))["revenue"]
    sums = [0, 0]
    for region in ("North", "South"):
        lines = company.fetch(company.narrowed("region", region).relation("sales"))
        sums = [sums[0] + sum(Decimal(a) for a in lines["amount"]), sums[1] + len(lines)]
    whole = company.fetch(company.relation("sales"))
    assert found[0] == float(sum(Decimal(a) for a in whole["amount"]) - sums[0])
    assert found[2] == len(whole) - sums[1]


# ---- who may know ----------------------------------------------------------------------------------------------


def left(n, smallest, figure="leads"):
    return Left(figure, figure.title(), "count", n, 100, n, 100, smallest)


@pytest.mark.parametrize(
    ("n", "smallest", "known"), [(10, 10, True), (9, 50, False), (0, 50, False), (40, 9, False)]
)
def test_outside_nobody_is_told_less_than_ten_nor_what_a_small_part_could_be_worked_out_from(
    n, smallest, known
):
    aside = Aside((left(n, smallest),), ("spend",))
    assert told_to(aside, "internal") == aside
    for audience in ("client", "public"):
        (seen,) = told_to(aside, audience).to_json()["figures"]
        assert seen["told"] is known
        assert (seen["value"], seen["n"], seen["of"]) == ((n, n, 100) if known else (None, None, None))
        assert "smallest" not in seen


def test_the_page_and_its_json_say_what_is_in_no_part(make_plan):
    aside = Aside((left(7, 30), left(0, 30, "clients"), left(25, 30, "revenue")), ("spend",))
    plans = [make_plan(slice=f"region={r}") for r in ("North", "South")]
    outcomes = [matrix.Outcome(p, None, 4, "no") for p in plans]
    analysis = Analysis.empty(company="Acme", currency="EUR", period="2026-Q3")
    parts = [(p.slice, analysis) for p in plans]

    def read(audience, aside=aside):
        page = index.index_page(outcomes, parts, "region", audience, aside)
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))

    inside = read("internal")
    assert "do not add up to the whole company" in inside
    assert "Leads: 7 of 100 (7.0 %)" in inside
    assert "Clients:" not in inside
    assert "spend" in inside
    outside = read("client")
    assert "Revenue: 25 of 100 (25.0 %)" in outside
    assert (
        "Leads: left out, since what is in no part, or one of the parts, has fewer than 10 cases" in outside
    )
    assert "7 of 100" not in outside
    nothing = read("internal", Aside((left(0, 30), left(0, 30, "clients"))))
    assert "there is no such row in leads and clients" in nothing
    assert "In no part" not in read("internal", None)
    _, data = index.write_index(outcomes, "region", aside)
    figures = json.loads(data.read_text())["in_no_part"]["figures"]
    assert [(f["figure"], f["n"], f["share"]) for f in figures] == [
        ("leads", 7, 0.07), ("clients", 0, 0.0), ("revenue", 25, 0.25)
    ]  # fmt: skip


def test_a_page_of_which_all_parts_failed_is_still_for_its_readers(make_plan):
    failed = [matrix.Outcome(make_plan(slice="region=North"), None, 4, "orders.csv, row 7: Jane Doe")]
    for aside in (Aside((left(7, 30),), (), "client"), None):
        page, data = index.write_index(failed, "region", aside)
        said = json.loads(data.read_text())
        assert said["audience"] == ("internal" if aside is None else "client")
        assert ("Jane Doe" in page.read_text() + data.read_text()) is (aside is None)
        assert said["in_no_part"] is None or said["in_no_part"]["figures"][0]["n"] is None
    asked = replace(failed[0].plan, parameters={"audience": "internal"})
    _, data = index.write_index([matrix.Outcome(asked, None, 4, "no")], "region", Aside((), (), "client"))
    assert json.loads(data.read_text())["audience"] == "internal"
