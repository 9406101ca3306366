"""A sum of nothing is made by nobody: no few of its clusters make nearly all of it."""

from __future__ import annotations

import pytest

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.kpi import measure
from tests.builders import company_of

KPIS = Catalog.load().kpis


@pytest.mark.parametrize("amounts", [("0", "0"), ("5", "-5")])
def test_nothing_sold_is_not_sold_to_a_few(amounts: tuple[str, str]) -> None:
    orders = [
        {"order_id": f"{n}", "ordered_at": f"2026-0{1 + n % 6}-0{1 + n % 9}", "account_id": f"a{n}",
         "amount": amounts[n % 2]}
        for n in range(30)
    ]  # fmt: skip
    company = company_of({"orders": orders}, until={"orders": "2026-06-30"})
    (row,) = measure(company, KPIS["revenue"], "2026-01-01..2026-06-30")
    assert (row.value, row.low, row.high, row.n) == (0, None, None, 30)
    assert "a few" not in row.method
    assert "no interval: the 30 clusters add up to nothing" in row.method
