"""Hand-over and sales: the worked examples of their pages are read, measured, and must say what is in bold."""

from __future__ import annotations

import re
from typing import Any

import pytest

from alignment_toolkit.kpi import measure
from alignment_toolkit.kpis import handover, sales
from alignment_toolkit.units import unit
from tests.builders import company_of
from tests.kpi.rows import KPIS, deal, one
from tests.source_tree import PROJECT


def page(name: str) -> str:
    return (PROJECT / "docs" / "kpis" / f"{name}.md").read_text(encoding="utf-8")


def table(text: str) -> list[dict[str, str | None]]:
    """Give the rows of the worked example, an empty cell as None."""
    after = text[text.index("## A worked example") :]
    lines = [line for line in after.splitlines() if line.startswith("|")]
    rows = [[cell.strip() or None for cell in line.strip("|").split("|")] for line in lines]
    names, found = rows[0], rows[2:]
    assert len(found) == 6
    return [dict(zip(names, row, strict=True)) for row in found]


def bold(text: str) -> dict[str, str]:
    """Give what the example says of each KPI."""
    return dict(re.findall(r"^- `([a-z-]+)`:.*?\*\*(.+?)\*\*", text, re.MULTILINE | re.DOTALL))


def told(company: Any, id: str, period: str) -> str:
    row = one(company, id, period)
    return unit(row.unit).text(row.value, currency="EUR")


def lead(id: str, **more: Any) -> dict[str, Any]:
    """Give a lead that was handed over on a Monday at 09:00."""
    on = "2026-03-02 09:00"
    return {"lead_id": id, "account_id": f"a{id}", "created_at": on, "qualified_at": on, **more}


def touch(lead: str, at: str) -> dict[str, Any]:
    return {
        "touch_id": lead,
        "touched_at": at,
        "department": "sales",
        "direction": "outbound",
        "lead_id": lead,
    }


def handed_over(toml: str = "") -> Any:
    rows = table(page("handover"))
    won = [
        deal(r["lead"], r["client since"], account=f"a{r['lead']}", opened_at=r["client since"])
        for r in rows
        if r["client since"]
    ]
    return company_of(
        {
            "leads": [lead(r["lead"], accepted_at=r["accepted"]) for r in rows],
            "touches": [touch(r["lead"], r["first touch"]) for r in rows if r["first touch"]],
            "opportunities": won,
        },
        until=dict.fromkeys(("leads", "touches", "opportunities"), "2026-09-30"),
        toml=toml,
    )


def test_the_worked_example_of_the_hand_over() -> None:
    company, said = handed_over(), bold(page("handover"))
    assert set(said) == {
        "followed-up-in-time", "time-to-first-touch", "acceptance-rate", "lead-to-client", "time-to-client",
    }  # fmt: skip
    for id, text in said.items():
        assert told(company, id, "2026-03") == text, id
    row = one(company, "long-run-conversion", "2026-03")
    assert (row.status, row.value, row.low, row.high) == ("not_available", None, None, None)
    assert (
        row.reason == "conversions seen: 4, at least 20 are needed; the share lies between 30.0 % and 100 %"
    )


def test_the_worked_example_of_sales() -> None:
    deals = [
        {
            "opportunity_id": r["deal"],
            "opened_at": r["opened"],
            "closed_at": r["closed"],
            "outcome": r["outcome"],
            "amount": r["amount"],
            "list_amount": r["list amount"],
            "account_id": f"a{r['deal']}",
        }
        for r in table(page("sales"))
    ]
    company, said = company_of({"opportunities": deals}), bold(page("sales"))
    assert set(said) == {k.id for k in sales.KPIS} - {"new-clients", "cost-per-sale"}
    for id, text in said.items():
        assert told(company, id, "2026-Q1") == text, id
    assert "left out: 1" in one(company, "discount", "2026-Q1").method
    assert "amounts as known by 2026-04-10" in one(company, "pipeline", "2026-Q1").method


@pytest.mark.parametrize(("name", "family"), [("handover", handover), ("sales", sales)])
def test_the_page_has_the_owners_of_every_kpi(name: str, family: Any) -> None:
    for kpi in family.KPIS:
        if kpi.id.startswith("cost-per-sale"):
            continue  # told with the cost
        row = re.search(rf"^\| `{kpi.id}` \|.*$", page(name), re.MULTILINE)
        assert row, kpi.id
        marketing = round(100 * kpi.owners["marketing"])
        assert f"| {marketing} : {100 - marketing} |" in row.group(), kpi.id


# What the definitions turn on ---------------------------------------------------------------------------------------


def test_a_stock_is_taken_at_the_end_of_each_stretch_and_never_added_up() -> None:
    deals = [
        deal("1", None, None, "a", opened_at="2026-01-10", amount="10", region="north"),
        deal("2", "2026-02-28", "lost", "b", opened_at="2026-01-31 23:59", amount="20", region="south"),
        deal("3", "2026-05-01", "won", "c", opened_at="2026-03-01", amount="40", region="south"),
        deal("4", None, "won", "d", opened_at="2026-01-01", amount="80", region="north"),
    ]
    company = company_of({"opportunities": deals})
    rows = measure(company, KPIS["pipeline"], "2026-Q1", by=("region",), grain="month", compare="previous")
    values = {(r.by.get("region"), r.period): r.value for r in rows}
    assert values[None, "2026-Q1"] == 50, "closed without a date is not known to be open"
    assert [values[None, f"2026-0{m}"] for m in (1, 2, 3)] == [30, 10, 50]
    assert [values["south", f"2026-0{m}"] for m in (1, 2, 3)] == [20, 0, 40]
    assert rows[0].changes[0].value is None, "the data begins in January"


def test_a_stock_beyond_the_end_of_the_data_is_that_of_its_end() -> None:
    deals = [
        deal("1", None, None, "a", opened_at="2026-01-10", amount="10"),
        deal("2", "2026-02-10", "won", "b", opened_at="2026-01-11", amount="20"),
    ]
    row = one(company_of({"opportunities": deals}), "pipeline", "2026-Q1")
    assert (row.value, row.immature) == (10, True)
    assert "at the end of 2026-02-10" in row.method


def test_waits_of_one_account_are_no_independent_rows() -> None:
    def row(accounts: int) -> Any:
        leads = [lead(f"l{i}", account_id=f"a{i % accounts}") for i in range(40)]
        # Half of the accounts are answered, all of their leads at once.
        answered = [touch(f"l{i}", "2026-03-02 10:00") for i in range(40) if i % accounts < accounts // 2]
        company = company_of(
            {"leads": leads, "touches": answered}, until=dict.fromkeys(("leads", "touches"), "2026-09-30")
        )
        return one(company, "followed-up-in-time", "2026-03")

    apart, together = row(40), row(8)
    assert apart.value == together.value == 0.5
    assert together.high - together.low > 1.5 * (apart.high - apart.low)
    assert "clustered" in together.method
    assert "clustered" not in apart.method


def test_the_hours_within_are_a_setting() -> None:
    assert one(handed_over(), "followed-up-in-time", "2026-03").value == pytest.approx(4 / 6)
    strict = handed_over(toml="[kpis.followed-up-in-time]\nwithin_hours = 2\n")
    assert one(strict, "followed-up-in-time", "2026-03").value == pytest.approx(1 / 6)


def test_leads_whose_time_still_runs_are_not_late() -> None:
    leads = [lead(f"l{i}") for i in range(10)]
    leads += [lead(f"n{i}", qualified_at="2026-03-06 16:30") for i in range(10)]  # seen for half an hour
    answered = [touch(f"l{i}", "2026-03-02 10:00") for i in range(8)]
    until = dict.fromkeys(("leads", "touches"), "2026-03-06")
    company = company_of({"leads": leads, "touches": answered}, until=until)
    row = one(company, "followed-up-in-time", "2026-03-01..2026-03-06")
    assert row.value == pytest.approx(0.8), "8 of the 10 that were seen for an hour or longer"
    assert (row.n, row.censored, row.immature) == (20, 10, False)


def test_the_share_in_the_end_is_given_where_the_curve_has_come_to_rest() -> None:
    def company(until: str) -> Any:
        leads = [{"lead_id": f"l{i}", "account_id": f"a{i}", "created_at": "2026-01-01"} for i in range(200)]
        won = [deal(f"o{i}", f"2026-{1 + i // 28:02}-{1 + i % 28:02}", account=f"a{i}") for i in range(50)]
        return company_of(
            {"leads": leads, "opportunities": won}, until=dict.fromkeys(("leads", "opportunities"), until)
        )

    old, young = (
        one(company(until), "long-run-conversion", "2026-01") for until in ("2026-12-31", "2026-02-25")
    )
    assert old.value == pytest.approx(0.25, abs=1e-3)
    assert old.low < 0.22 < 0.28 < old.high
    assert (old.n, old.censored) == (200, 0)
    assert young.status == "not_available"
    assert young.reason.startswith("too young: ")
    assert young.reason.endswith("and 100 %")
