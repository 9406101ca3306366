"""What sales lines are worth: their cost, whether they repeat, and what a client brings in its first year."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import ibis

from alignment_toolkit.relations.derived import _account_since, clients, lead_outcomes, sales
from alignment_toolkit.relations.money import EXACT, MONEY, UNSAID, money_marks, rates_of, with_rate
from alignment_toolkit.relations.source import Source, alive, column, day, standing, without

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

__all__ = ["FIRST_YEAR", "client_values", "lead_values", "sales_details", "sales_repeats", "same_money"]

FIRST_YEAR: Final = 365
_SUMS: Final = ("first_year_revenue", "first_year_margin", "first_year_uncosted")
_MARKS: Final = ("currency", "currency_max", "unrated")


def sales_details(source: Source) -> Table:
    """Give the sales lines with line_cost and margin.

    line_cost is the line's own cost, else its quantity x the product's unit_cost, else empty, and margin with it.
    """
    t = sales(source)
    t = _with_cost(source, without(t, ("line_cost", "margin")))
    # Sums of 38 digits cost several times those of 18: only what was multiplied needs them.
    plain = t.amount.type() == t.line_cost.type() == ibis.dtype(MONEY)
    return t.mutate(
        margin=(t.amount.cast(MONEY if plain else EXACT) - t.line_cost).cast(MONEY if plain else EXACT)
    )


def sales_repeats(source: Source) -> Table:
    """Give the sales lines with account_since, and whether each is repeated.

    A line is repeated where it is dated after the day on which its account became a client (account_since).
    """
    t = sales(source)
    t = without(t, ("account_since", "repeated"))
    kept = list(t.columns)
    since = _account_since(source)
    if since is None:
        return t.mutate(account_since=ibis.null("date"), repeated=ibis.literal(False))
    since = since.select(_account=since.account_id, account_since=since.client_since)
    t = t.left_join(since, t.account_id == since._account)
    return t.select(
        *kept,
        "account_since",
        repeated=(day(t.ordered_at) > t.account_since).fill_null(False),
    )


def same_money(source: Source) -> str | None:
    """Name the relation whose amounts `sales_details` leaves as they are, unless unit costs need rates of their own."""
    return None if source.has("products", "unit_cost", "currency") else "sales"


def _with_cost(source: Source, t: Table) -> Table:
    kept = [c for c in t.columns if c != "unrated"]
    own: Value = column(t, "cost", MONEY)
    unrated = column(t, "unrated")
    marks = {"unrated": unrated} if "unrated" in t.columns else {}
    if not ({"quantity", "product_id"} <= set(kept) and source.has("products", "product_id", "unit_cost")):
        return t.select(*kept, **marks, line_cost=own)
    products = source["products"]
    costs = {"_product": products.product_id, "_unit": products.unit_cost}
    priced = "currency" in products.columns
    costs |= {"_cost_currency": products.currency} if priced else {}
    products = products.select(**costs)
    t = t.left_join(products, t.product_id == products._product)
    unit = t._unit.cast("decimal(20, 8)")
    home = source.settings.company.currency
    if priced and home.upper() != UNSAID:
        t = with_rate(t, t._cost_currency, day(t.ordered_at), rates_of(source), home)
        unit = (t._unit.cast(MONEY) * t._rate).cast("decimal(20, 8)")
        used = column(t, "cost", MONEY).isnull() & t._unit.notnull() & t.quantity.notnull() & t._rate.isnull()
        lacking = t._code.concat(" on ", t._on.cast("string"))
        marks = {"unrated": ibis.coalesce(column(t, "unrated"), used.ifelse(lacking, ibis.null("string")))}
    elif "unrated" in t.columns:
        marks = {"unrated": t.unrated}
    usual = (t.quantity.cast(MONEY) * unit).cast(EXACT)
    own = column(t, "cost", MONEY).cast(EXACT)
    return t.select(*kept, **marks, line_cost=ibis.coalesce(own, usual))


def client_values(source: Source) -> Table:
    """Give the clients, one row each, with what they brought in their first year: 365 days from client_since on.

    Added are first_year_revenue, first_year_margin (of the lines whose cost is known) and first_year_uncosted (the
    number of lines whose cost is not). A line belongs to its account, else to that of its opportunity or lead.
    """
    t = standing(source, "clients", clients)
    t = without(t, (*_SUMS, *_MARKS))
    lines = _bought(source)
    since = t.select(_client=t.client_id, _since=t.client_since)
    lines = lines.inner_join(since, lines.client_id == since._client)
    age = lines.on.delta(lines._since, unit="day")
    lines = lines.filter(age >= 0, age <= FIRST_YEAR)
    sums = lines.group_by("client_id").aggregate(
        first_year_revenue=lines.amount.sum(),
        first_year_margin=lines.margin.sum(),
        first_year_uncosted=lines.margin.isnull().ifelse(1, 0).sum(),
        **money_marks(lines),
    )
    return _with_sums(t, sums, "client_id")


def _bought(source: Source) -> Table:
    """Give the sales lines with the client that each belongs to: an account, or a lead without account."""
    t = sales_details(source)
    t = alive(t, "ordered_at")
    marks = [c for c in ("currency", "unrated") if c in t.columns]
    account: Value = t.account_id
    lead: Value = column(t, "lead_id")
    if (
        "lead_id" not in t.columns
        and "opportunity_id" in t.columns
        and source.has("opportunities", "opportunity_id")
    ):
        deals = source["opportunities"]
        deals = deals.select(
            _deal=deals.opportunity_id, _account=column(deals, "account_id"), _lead=column(deals, "lead_id")
        )
        t = t.left_join(deals, t.opportunity_id == deals._deal)
        account, lead = ibis.coalesce(t.account_id, t._account), t._lead
    t = t.select(
        on=day(t.ordered_at), amount=t.amount.cast(EXACT), margin=t.margin, _by=account, _of=lead,
        **{c: t[c] for c in marks},
    )  # fmt: skip
    if source.has("leads", "lead_id"):
        leads = source["leads"]
        leads = leads.select(_known=leads.lead_id, _leads_account=column(leads, "account_id"))
        t = t.left_join(leads, t._of == leads._known)
        client = ibis.coalesce(t._by, t._leads_account, t._known)
    else:
        client = t._by
    t = t.select("on", "amount", "margin", *marks, client_id=client)
    return t.filter(t.client_id.notnull())


def lead_values(source: Source) -> Table:
    """Give one row per lead, as lead_outcomes, with the first year's revenue and margin of the client it brought.

    A client is brought by one lead: the one that opened its last episode up to the day it became a client.
    """
    t = standing(source, "lead_outcomes", lead_outcomes)
    t = without(t, (*_SUMS, *_MARKS))
    values = standing(source, "client_values", client_values)
    values = values.filter(values.lead_id.notnull())
    made: dict[str, Any] = {name: values[name].sum() for name in _SUMS}
    sums = values.group_by("lead_id").aggregate(**made, **money_marks(values))
    return _with_sums(t, sums, "lead_id")


def _with_sums(t: Table, sums: Table, key: str) -> Table:
    kept = list(t.columns)
    sums = sums.rename({"_key": key})
    added = [c for c in sums.columns if c != "_key"]
    t = t.left_join(sums, t[key] == sums._key)
    return t.select(*kept, **{c: t[c].fill_null(0) if c in _SUMS else t[c] for c in added})
