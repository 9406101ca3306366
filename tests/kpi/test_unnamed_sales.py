"""Sales that name no account until a later day are nobody's: before it nothing is counted, and no 0 is told."""

from __future__ import annotations

from typing import Any

import pytest

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.kpi import measure
from tests.builders import company_of

KPIS = Catalog.load().kpis
OF_CLIENTS = (
    "active-clients", "arpu", "orders-per-client", "repeat-revenue-share", "retention", "net-revenue-retention",
)  # fmt: skip


def orders(*sold: tuple[str, str | None], many: int = 1) -> list[dict[str, Any]]:
    """Give so many orders a day; accounts of one day are told apart by number."""
    return [
        {
            "order_id": f"{on} {i}",
            "ordered_at": on,
            "amount": "10",
            "account_id": f"{account}{i % 3}" if account else None,
        }
        for on, account in sold
        for i in range(many)
    ]


def told(rows: list[dict[str, Any]], kpi: str, period: str, compare: str = "none") -> Any:
    return measure(company_of({"orders": rows}), KPIS[kpi], period, compare=compare)[0]


# Ten orders of each of three days of the first quarter, and of three of the second, which alone name accounts.
LATE = [
    *orders(("2026-01-10", None), ("2026-02-10", None), ("2026-03-10", None), many=10),
    *orders(("2026-04-01", "a"), ("2026-05-10", "a"), ("2026-06-30", "b"), many=10),
]
SAID = "orders name their account from 2026-04-01 on: whose the earlier ones are is not known"


@pytest.mark.parametrize("kpi", OF_CLIENTS)
def test_before_sales_name_their_account_there_is_no_number(kpi: str) -> None:
    row = told(LATE, kpi, "2026-Q1")
    assert (row.status, row.value) == ("not_available", None)
    if kpi not in ("retention", "net-revenue-retention"):  # before the first day of the data
        assert row.reason == SAID
    assert told(LATE, "revenue", "2026-Q1").value == 300


def test_from_then_on_there_is_one_and_no_change() -> None:
    row = told(LATE, "active-clients", "2026-Q2", "previous")
    assert (row.value, row.changes[0].value) == (6, None)
    assert told(LATE, "retention", "2026-Q2").reason == SAID
    half = told(LATE, "active-clients", "2026-03-01..2026-05-31", "previous")
    assert half.value == 3
    assert "orders name their account from 2026-04-01 on: earlier ones are nobody's" in half.method


def test_a_first_sale_without_account_is_no_break() -> None:
    """Of a shop where every second order is a guest's the first is one: that is chance."""
    rows = orders(("2026-01-01", None), ("2026-01-02", "a"), ("2026-01-03", None), ("2026-01-04", "b"))
    rows += orders(("2025-10-01", "c"))
    row = told(rows[:4], "active-clients", "2026-Q1", "previous")
    assert row.value == 2
    assert "name their account" not in row.method
    # Of the first day itself nothing is known.
    assert told(rows[:4], "active-clients", "2026-01-01").status == "not_available"
    # A quarter later than one that names its accounts may well have none.
    assert told(rows, "active-clients", "2026-Q1").value == 2


def test_where_no_sale_ever_names_its_account_nobody_is_counted() -> None:
    rows = orders(("2026-01-10", None), ("2026-04-10", None))
    row = measure(
        company_of({"orders": rows}, columns={"orders": ("account_id",)}), KPIS["active-clients"], "2026-Q2"
    )[0]
    assert row.reason == "no row of orders names its account: whose they are is not known"
