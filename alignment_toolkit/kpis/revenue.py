"""Revenue: what clients buy, on the sales lines (returns included), dated by the order."""

from __future__ import annotations

from typing import Any

from alignment_toolkit.kpi import DifferenceOfKpis, Kpi, Terms

BOTH = {"marketing": 0.5, "sales": 0.5}
MOSTLY_SALES = {"marketing": 0.4, "sales": 0.6}
# A line without account belongs to no client; for the interval its order stands alone.
LINES: dict[str, Any] = {
    "relation": "sales",
    "date": "ordered_at",
    "cluster": "account_id",
    "alone": "order_id",
}
# The same lines with their cost, and with what their account bought before.
DETAILS: dict[str, Any] = {**LINES, "relation": "sales_details"}
REPEATS: dict[str, Any] = {**LINES, "relation": "sales_repeats"}
COSTS: tuple[dict[str, tuple[str, ...]], ...] = (
    {"orders": ("cost",)},
    {"orders": ("product_id", "quantity"), "products": ("product_id", "unit_cost")},
)
# Without this column there is no client at all, which is not the same as none.
OF_CLIENTS = {"sales": ("account_id",)}
WITHOUT_COST: dict[str, Any] = {
    "left_out": lambda t: t.count(where=t.margin.isnull()),
    "left_out_words": "lines whose cost is not known, left out: {n} ({share})",
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
    needs=OF_CLIENTS,
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
    needs=OF_CLIENTS,
)

average_order = Kpi(
    id="average-order",
    title="Average order",
    **LINES,
    unit="money",
    better="higher",
    owners=MOSTLY_SALES,
    about="Revenue of the period / orders with a positive line. An order is an order number of an account.",
    top=_revenue,
    bottom=_orders,
    n_unit="orders",
    empty="no order with a positive line",
    spread=True,
)

orders_per_client = Kpi(
    id="orders-per-client",
    title="Orders per active client",
    **LINES,
    unit="ratio",
    better="higher",
    owners=MOSTLY_SALES,
    about="Orders with a positive line / active clients; with revenue per order it makes up revenue per client.",
    top=_orders,
    bottom=_active,
    n_unit="clients",
    empty="no active client",
    left_out=lambda t: t.count(where=t.account_id.isnull() & (t.amount > 0)),
    left_out_words="lines without client, in the orders only: {n}",
    spread=True,
    needs=OF_CLIENTS,
)

products_per_client = Kpi(
    id="products-per-client",
    title="Products per active client",
    **LINES,
    unit="ratio",
    better="higher",
    owners=BOTH,
    about=(
        "Distinct products that each active client bought in the period, on average over the active clients. "
        "Lines without product or client are left out."
    ),
    top=lambda t: t.product_id.nunique(where=t.account_id.notnull() & (t.amount > 0)),
    bottom=_active,
    n_unit="clients",
    empty="no active client",
    needs={"sales": ("account_id", "product_id")},
    left_out=lambda t: t.count(where=t.product_id.isnull() & t.account_id.notnull() & (t.amount > 0)),
    left_out_words="lines without product, left out: {n}",
    spread=True,
)

gross_margin = Kpi(
    id="gross-margin",
    title="Gross margin",
    **DETAILS,
    unit="money",
    better="higher",
    owners=BOTH,
    about=(
        "Sum of amount - cost of the sales lines; the cost is the line's, else quantity x the product's unit cost. "
        "Lines with neither are left out."
    ),
    top=lambda t: t.margin.sum(),
    interval="total",
    n=lambda t: t.count(where=t.margin.notnull()),
    n_unit="sales lines",
    any_of=COSTS,
    **WITHOUT_COST,
)

gross_margin_rate = Kpi(
    id="gross-margin-rate",
    title="Gross margin rate",
    **DETAILS,
    unit="share",
    better="higher",
    owners=MOSTLY_SALES,
    about="Gross margin / revenue of the lines whose cost is known.",
    top=lambda t: t.margin.sum(),
    bottom=lambda t: t.amount.sum(where=t.margin.notnull()),
    n=lambda t: t.count(where=t.margin.notnull()),
    n_unit="sales lines",
    empty="no revenue above zero in lines whose cost is known",
    any_of=COSTS,
    **WITHOUT_COST,
)

realised_price = Kpi(
    id="realised-price",
    title="Price realised",
    **LINES,
    unit="share",
    better="higher",
    owners={"marketing": 0.3, "sales": 0.7},
    about="Amount / the same at list price, of the sales lines that have both.",
    top=lambda t: t.amount.sum(where=t.list_amount.notnull()),
    bottom=lambda t: t.list_amount.sum(where=t.amount.notnull()),
    n=lambda t: t.count(where=t.list_amount.notnull() & t.amount.notnull()),
    n_unit="sales lines",
    empty="no amount at list price above zero",
    needs={"sales": ("list_amount",)},
    left_out=lambda t: t.count(where=t.list_amount.isnull() | t.amount.isnull()),
    left_out_words="lines without a list price, left out: {n} ({share})",
)

repeat_revenue_share = Kpi(
    id="repeat-revenue-share",
    title="Revenue from repeated sales",
    **REPEATS,
    unit="share",
    better="higher",
    owners=MOSTLY_SALES,
    about="Revenue dated after the day on which its account became a client / revenue.",
    top=lambda t: t.amount.sum(where=t.repeated),
    bottom=_revenue,
    interval="part",
    n=lambda t: t.count(),
    n_unit="sales lines",
    empty="no revenue above zero",
    left_out=lambda t: t.count(where=t.account_id.isnull()),
    left_out_words="lines without client, in the bottom only: {n}",
    needs=OF_CLIENTS,
)

# A client is lost by what sales does and by what marketing promised it; winning it back is anybody's.
retention = Kpi(
    id="retention",
    title="Retention",
    **LINES,
    unit="share",
    better="higher",
    owners=MOSTLY_SALES,
    about="Of the clients active in the period before, the share that is active in this one too.",
    top=lambda t: t.count(where=t.active_before & t.active_now),
    bottom=lambda t: t.count(where=t.active_before),
    interval="share",
    n_unit="clients",
    empty="no client was active in the period before",
    lookback=True,
    needs=OF_CLIENTS,
)

net_revenue_retention = Kpi(
    id="net-revenue-retention",
    title="Net revenue retention",
    **LINES,
    unit="share",
    better="higher",
    owners=MOSTLY_SALES,
    about=(
        "Revenue of this period from the clients active in the period before / their revenue then; above 100 % they "
        "grew by more than was lost."
    ),
    top=lambda t: t.revenue_now.sum(where=t.active_before),
    bottom=lambda t: t.revenue_before.sum(where=t.active_before),
    n=lambda t: t.count(where=t.active_before),
    n_unit="clients",
    empty="the clients active in the period before brought no revenue above zero then",
    lookback=True,
    needs=OF_CLIENTS,
)

profit = DifferenceOfKpis(
    id="profit",
    title="Profit after marketing and sales",
    top_kpi=gross_margin,
    bottom_kpi=Kpi(
        id="profit",
        title="Spend",
        relation="spend",
        date="spent_on",
        unit="money",
        better="lower",
        owners=BOTH,
        about="Money and people cost of both departments.",
        top=lambda t: t.amount.sum(),
        interval="exact",
        n_unit="bookings",
        needs={"spend": ("amount",)},
    ),
    unit="money",
    better="higher",
    owners=BOTH,
    about="Gross margin - spend of both departments in the period; commission counts where it is in spend.",
)


def _due(t: Any, terms: Terms) -> Any:
    return t.promised_on <= terms.born_until(0)


on_time_delivery = Kpi(
    id="on-time-delivery",
    title="Delivered as promised",
    **LINES,
    unit="share",
    better="higher",
    # Who promises is sales; what marketing announces moves the demand that has to be met.
    owners={"marketing": 0.2, "sales": 0.8},
    about=(
        "Of the lines ordered in the period with a promised day that has come, the share delivered by that day. "
        "Not delivered yet is late."
    ),
    top=lambda t, terms: t.count(where=_due(t, terms) & (t.delivered_on <= t.promised_on)),
    bottom=lambda t, terms: t.count(where=_due(t, terms)),
    interval="share",
    n_unit="promised lines",
    empty="no line with a promised day that has come",
    needs={"orders": ("promised_on", "delivered_on")},
    censored=lambda t, terms: t.count(where=t.promised_on.notnull() & ~_due(t, terms)),
    outcome="delivered_on",
)

KPIS = (
    revenue,
    active_clients,
    arpu,
    orders_per_client,
    average_order,
    products_per_client,
    gross_margin,
    gross_margin_rate,
    realised_price,
    repeat_revenue_share,
    retention,
    net_revenue_retention,
    profit,
    on_time_delivery,
)
