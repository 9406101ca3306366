"""Revenue: what clients buy, on the sales lines (returns included), dated by the order."""

from __future__ import annotations

from typing import Any

from alignment_toolkit.kpi import Kpi

BOTH = {"marketing": 0.5, "sales": 0.5}
MOSTLY_SALES = {"marketing": 0.4, "sales": 0.6}
# A line without account belongs to no client; for the interval its order stands alone.
LINES: dict[str, Any] = {
    "relation": "sales",
    "date": "ordered_at",
    "cluster": "account_id",
    "alone": "order_id",
}


def _revenue(t: Any) -> Any:
    return t.amount.sum()


def _active(t: Any) -> Any:
    return (t.account_id.notnull() & (t.amount > 0)).ifelse(1, 0).max()


def _orders(t: Any) -> Any:
    return t.order_id.nunique(where=t.amount > 0)


revenue = Kpi(
    id="revenue",
    title="Revenue",
    **LINES,
    unit="money",
    better="higher",
    owners=BOTH,
    about="Sum of the sales lines of the period, returns included.",
    top=_revenue,
    interval="total",
    n=lambda t: t.count(),
    n_unit="sales lines",
)

active_clients = Kpi(
    id="active-clients",
    title="Active clients",
    **LINES,
    unit="count",
    better="higher",
    owners=BOTH,
    about="Accounts with a positive sales line in the period.",
    top=_active,
    interval="count",
    n=_active,
    n_unit="clients",
)

arpu = Kpi(
    id="arpu",
    title="Revenue per active client",
    **LINES,
    unit="money",
    better="higher",
    owners=MOSTLY_SALES,
    about="Revenue of the period / active clients.",
    top=_revenue,
    bottom=_active,
    n_unit="clients",
    empty="no active client",
    spread=True,
)

average_order = Kpi(
    id="average-order",
    title="Average order",
    **LINES,
    unit="money",
    better="higher",
    owners=MOSTLY_SALES,
    about="Revenue of the period / orders with a positive line. An order is a distinct (order_id, account_id).",
    top=_revenue,
    bottom=_orders,
    n_unit="orders",
    empty="no order with a positive line",
    spread=True,
)

KPIS = (revenue, active_clients, arpu, average_order)
