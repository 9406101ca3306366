"""Who became a client before anything recorded it is not known: that is no 0, and no change is made from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.drivers.leads import new_clients_by_lead
from alignment_toolkit.drivers.measured import Measurements, Refused
from alignment_toolkit.kpi import measure
from alignment_toolkit.periods import Period
from tests.builders import company_of

KPIS = Catalog.load().kpis
Rows = list[dict[str, Any]]


def orders(*days: str, by: Sequence[str | None] = ("b", "c", "d")) -> Rows:
    return [
        {"order_id": str(n), "ordered_at": on, "amount": 10, "account_id": account}
        for n, (on, account) in enumerate(zip(days, by, strict=False))
    ]


def since(**days: str | None) -> Rows:
    return [{"account_id": account, "client_since": on} for account, on in days.items()]


def leads(*days: str) -> Rows:
    return [{"lead_id": f"l{n}", "created_at": on, "account_id": f"x{n}"} for n, on in enumerate(days)]


def told(tables: Mapping[str, Rows], period: str, kpi: str = "new-clients", **more: Any) -> tuple[Any, ...]:
    return measure(company_of(tables, **more), KPIS[kpi], period, compare="previous")


OLD = {"accounts": since(a="2015-03-01"), "orders": orders("2026-04-01", "2026-05-05", "2026-06-30")}


def test_before_the_first_order_nobody_knows_who_became_a_client() -> None:
    row = told(OLD, "2026-Q1")[0]
    assert (row.status, row.value) == ("not_available", None)
    assert row.reason == (
        "who became a client is recorded from 2026-04-01 on (orders): "
        "accounts.client_since alone does not tell everyone"
    )


def test_no_change_is_made_of_what_was_not_recorded() -> None:
    row = told(OLD, "2026-Q2")[0]
    assert (row.value, row.changes[0].value) == (3, None)
    company = company_of({**OLD, "leads": leads("2026-04-02")})
    then, now = Period.parse("2026-Q1"), Period.parse("2026-Q2")
    split = new_clients_by_lead(Measurements(company, KPIS), then, now)
    assert isinstance(split, Refused)
    assert "recorded from 2026-04-01 on" in split.reason


def test_the_count_of_a_few_old_clients_is_no_count_either() -> None:
    row = told(OLD, "2015-Q1")[0]
    assert (row.status, row.value) == ("not_available", None)


def test_a_quarter_in_which_the_orders_begin_is_told_and_not_compared() -> None:
    late = {**OLD, "orders": orders("2026-02-01", "2026-05-05", "2026-06-30")}
    rows = told(late, "2026-Q2")
    assert (rows[0].value, rows[0].changes[0].value) == (2, None)
    assert "not compared with 2026-Q1" in rows[0].method
    first = told(late, "2026-Q1")[0]
    assert first.value == 1
    assert "recorded from 2026-02-01 on (orders)" in first.method


def test_a_date_that_is_kept_for_everyone_is_a_source_of_its_own() -> None:
    kept = since(a="2025-11-01", b="2026-04-01", c="2026-05-05", d="2026-06-30")
    rows = told({**OLD, "accounts": kept}, "2026-Q1")
    assert rows[0].value == 0
    now = told({**OLD, "accounts": kept}, "2026-Q2")[0]
    assert (now.value, now.changes[0].value) == (3, 3)


def test_where_nothing_else_says_who_is_a_client_the_accounts_do() -> None:
    alone = {
        "accounts": since(a="2025-10-02", b="2026-02-02", c="2026-02-03"),
        "orders": orders("2026-01-01", "2026-06-30", by=(None, None)),
    }
    row = told(alone, "2026-Q1")[0]
    assert (row.value, row.changes[0].value) == (2, 1)


def test_a_table_that_begins_later_and_brings_most_clients_leaves_no_zero_before_it() -> None:
    deals = [
        {"opportunity_id": "1", "account_id": "a", "opened_at": "2025-09-01", "closed_at": "2025-09-09",
         "outcome": "won"}
    ]  # fmt: skip
    both = {"opportunities": deals, "orders": orders("2026-04-01", "2026-05-05", "2026-06-30")}
    ended = {"opportunities": "2026-06-30", "orders": "2026-06-30"}
    row = told(both, "2026-Q1", until=ended)[0]
    assert (row.status, row.value) == ("not_available", None)
    assert "recorded in part only" in str(row.reason)
    assert "2026-04-01" in str(row.reason)
    row = told(both, "2025-Q3", until=ended)[0]
    assert row.value == 1  # one is known by name
    assert told(both, "2026-Q2", until=ended)[0].changes[0].value is None


def test_the_accounts_that_begin_later_leave_no_zero_either() -> None:
    named = {
        "accounts": since(a="2026-04-03", b="2026-05-03", c="2026-06-03"),
        "orders": orders("2025-09-01", "2026-06-30", by=("z", None)),
    }
    assert told(named, "2026-Q1")[0].status == "not_available"
    row = told(named, "2026-Q2")[0]
    assert (row.value, row.changes[0].value) == (3, None)


def test_a_table_whose_clients_the_others_know_breaks_nothing() -> None:
    days = ["2025-10-01", "2026-02-01", "2026-04-05"]
    known = {
        "orders": orders(*days),
        "leads": [
            {"lead_id": "l", "created_at": "2026-04-01", "account_id": "d", "converted_at": "2026-04-05"}
        ],
    }
    row = told(known, "2026-Q1", until={"orders": "2026-06-30", "leads": "2026-06-30"})[0]
    assert (row.value, row.changes[0].value) == (1, 0)


def test_a_cost_per_sale_has_no_clients_to_divide_by_before_they_are_recorded() -> None:
    spend = [{"spent_on": on, "amount": 100} for on in ("2026-01-15", "2026-02-15", "2026-05-15")]
    rows = told({**OLD, "spend": spend}, "2026-Q1", "cost-per-sale")
    assert "recorded from 2026-04-01 on" in str(rows[0].reason)


def test_a_cost_per_sale_of_a_quarter_recorded_in_part_is_not_compared() -> None:
    late = {**OLD, "orders": orders("2026-02-01", "2026-05-05", "2026-06-30")}
    spend = [{"spent_on": on, "amount": 100} for on in ("2026-01-15", "2026-02-15", "2026-05-15")]
    row = told({**late, "spend": spend}, "2026-Q2", "cost-per-sale")[0]
    assert (row.value, row.changes[0].value) == (50, None)


@pytest.mark.parametrize(
    "kpi", ["lead-to-client", "cost-per-sale-cohort", "time-to-client", "long-run-conversion"]
)
def test_leads_long_before_the_first_outcome_are_no_failures(kpi: str) -> None:
    # 90 days after 2025-12-31 is 2026-03-31, a day before the first order.
    early = {
        **OLD,
        "leads": leads("2025-10-01", "2025-11-01", "2025-12-31"),
        "spend": [{"spent_on": on, "amount": 5} for on in ("2025-10-02", "2026-06-30")],
    }
    row = told(early, "2025-Q4", kpi)[0]
    assert row.status == "not_available"
    assert "recorded from 2026-04-01 on" in str(row.reason)


def test_leads_that_an_outcome_could_still_follow_are_told() -> None:
    early = {**OLD, "leads": leads("2025-10-01", "2025-11-01", "2026-01-01")}
    row = told(early, "2025-10-01..2026-01-01", "lead-to-client")[0]
    assert (row.top, row.bottom) == (0, 3)


def test_leads_before_the_first_touch_are_not_unanswered() -> None:
    rows = {
        "leads": [{**row, "qualified_at": row["created_at"]} for row in leads("2025-10-01", "2025-12-31")],
        "touches": [
            {"touch_id": "t", "touched_at": "2026-03-01", "department": "sales", "direction": "outbound"}
        ],
    }
    row = told(rows, "2025-Q4", "followed-up-in-time", until={"leads": "2026-03-01"})[0]
    assert row.status == "not_available"
    assert "recorded from 2026-03-01 on" in str(row.reason)
