"""Leads that are older than the first recorded outcome look bad by construction; they are told, never compared."""

from __future__ import annotations

from datetime import date

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.kpi import measure
from tests.builders import company_of

LEADS = [
    {"lead_id": f"l{month}{n}", "account_id": f"a{month}{n}", "created_at": f"2026-{month:02}-0{n + 1}"}
    for month in (1, 4)
    for n in range(4)
]


def deals(first: str) -> list[dict[str, object]]:
    days = {
        "d1": ("a10", first),
        "d2": ("a40", "2026-04-20"),
        "d3": ("a41", "2026-04-21"),
        "d4": ("a42", "2026-12-30"),
    }
    return [
        {"opportunity_id": d, "account_id": a, "opened_at": on, "closed_at": on, "outcome": "won"}
        for d, (a, on) in days.items()
    ]


def quarter(first: str) -> tuple[object, ...]:
    end = date(2026, 12, 31)
    company = company_of(
        {"leads": LEADS, "opportunities": deals(first)}, until={"leads": end, "opportunities": end}
    )
    kpi = Catalog.load().kpis["lead-to-client"]
    return measure(company, kpi, "2026-Q2", compare="previous")


def test_a_quarter_before_the_first_outcome_is_not_compared() -> None:
    row = quarter("2026-02-20")[0]
    assert (row.top, row.bottom, row.immature) == (2, 4, False)
    assert row.changes[0].value is None
    assert "not compared with 2026-Q1" in row.method


def test_a_quarter_whose_outcomes_are_recorded_is_compared() -> None:
    row = quarter("2026-01-01")[0]
    assert row.changes[0].value == 0.25  # 2 of 4 against 1 of 4
    assert "not compared" not in row.method


def test_that_nothing_came_of_leads_is_no_nought_where_nothing_was_recorded() -> None:
    """Of January's four leads none is known to have become a client; the first deal on record is of 20 April."""
    end = date(2026, 12, 31)
    tables = {"leads": LEADS, "opportunities": deals("2026-04-22")[1:]}
    # One client of 2025: orders began long before, and know few of the clients.
    tables["orders"] = [{"order_id": "o", "ordered_at": "2025-01-01", "amount": "1", "account_id": "z"}]
    company = company_of(tables, until=dict.fromkeys(tables, end))
    kpi = Catalog.load().kpis["lead-to-client"]
    (row,) = measure(company, kpi, "2026-Q1")
    assert (row.value, row.low, row.high, row.status) == (None, None, None, "not_available")
    assert str(row.reason).startswith("outcomes are recorded from 2026-04-20 on: that none of these")
    assert measure(company, kpi, "2026-Q2")[0].value == 0.5  # two of four


def test_a_nought_within_the_records_is_counted() -> None:
    end = date(2026, 12, 31)
    none = [{**d, "account_id": "a9"} for d in deals("2026-01-01")]
    company = company_of({"leads": LEADS, "opportunities": none}, until={"leads": end, "opportunities": end})
    assert measure(company, Catalog.load().kpis["lead-to-client"], "2026-Q2")[0].value == 0


def test_first_touches_are_recorded_from_the_first_touch_on_whoever_was_a_client_before() -> None:
    end = date(2026, 12, 31)
    leads = [{**r, "qualified_at": r["created_at"]} for r in LEADS]
    touch = {"lead_id": "l40", "department": "sales", "direction": "outbound", "touched_at": "2026-05-12"}
    tables = {
        "leads": leads,
        "touches": [{"touch_id": "t", **touch}],
        "orders": [{"order_id": "o", "ordered_at": "2025-01-02", "amount": "1", "account_id": "a10"}],
        "opportunities": deals("2026-03-01")[:1],
    }
    company = company_of(tables, until=dict.fromkeys(tables, end))
    kpi = Catalog.load().kpis["followed-up-in-time"]
    (row,) = measure(company, kpi, "2026-Q1")
    assert row.status == "not_available"
    assert "recorded from 2026-05-12 on" in str(row.reason)
    assert measure(company, kpi, "2026-Q2")[0].status == "ok"
