"""What either department puts its weight behind, product by product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import ibis

from alignment_toolkit.relations.source import Source, column, day

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

__all__ = ["PUSHES", "product_pushes", "push_tables"]

MONEY: Final = "decimal(18, 4)"
NOBODY: Final = "(nobody)"
PUSHES: Final[tuple[dict[str, tuple[str, ...]], ...]] = (
    {"spend": ("spent_on", "amount"), "touches": ("touched_at", "department")},
    {"spend": ("spent_on", "amount"), "opportunities": ("opened_at", "sourced_by", "product_id")},
    {"leads": ("created_at", "campaign_id"), "touches": ("touched_at", "department")},
    {
        "leads": ("created_at", "campaign_id"),
        "opportunities": ("opened_at", "sourced_by", "product_id"),
    },
)
_KEYS: Final = {"opportunities": "opportunity_id", "leads": "lead_id", "campaigns": "campaign_id"}


def push_tables(source: Source) -> tuple[str, ...]:
    """Name the tables that the pushes come from: marketing's, then sales'."""
    marketing = "spend" if source.has("spend", *PUSHES[0]["spend"]) else "leads"
    sales = "touches" if source.has("touches", *PUSHES[0]["touches"]) else "opportunities"
    return marketing, sales


def product_pushes(source: Source) -> Table:
    """Give one row per line of spend and per touch: department, pushed_on, cluster, product_id, push, measure, unrated.

    Marketing's push is its spend (the line's product, else its campaign's); without a spend table, its campaigns'
    leads. Sales' push is the minutes of its outbound touches that are not automated and whose lead and opportunity
    were not sourced by marketing (the touch's product, else its opportunity's, lead's, campaign's); without a touches
    table, opportunities sourced by sales. Minutes that are empty are the setting's for the channel. `cluster` is
    what repeats: the campaign, the account. Nothing is left out for want of a product: product_id is empty then.
    `unrated` names the currency and day of an amount that no rate could convert; elsewhere it is empty.
    """
    first, second = push_tables(source)
    marketing = _spend(source) if first == "spend" else _leads(source)
    sales = _touches(source) if second == "touches" else _opportunities(source)
    return marketing.union(sales)


def _spend(source: Source) -> Table:
    t = source["spend"]
    t = t.filter(column(t, "department").fill_null("marketing") == "marketing")
    t = _linked(source, t, "campaigns")
    return _rows(t, "marketing", "spend", t.spent_on, column(t, "campaign_id"), t.amount, "campaigns")


def _leads(source: Source) -> Table:
    t = source["leads"]
    t = _linked(source, t.filter(t.campaign_id.notnull()), "campaigns")
    return _rows(t, "marketing", "leads", t.created_at, t.campaign_id, _number(1), "campaigns")


def _touches(source: Source) -> Table:
    t = source["touches"]
    t = t.filter(
        t.department == "sales",
        column(t, "direction").fill_null("outbound") == "outbound",
        ~column(t, "automated", "boolean").fill_null(False),
    )
    t = _linked(source, t, "opportunities", "leads", "campaigns")
    # Answering what marketing brought is no choice of sales. Linked to neither lead nor opportunity: its own.
    for link, default in (("opportunities", "sales"), ("leads", "marketing")):
        if f"{link}_sourced_by" in t.columns:
            theirs = t[f"{link}_sourced_by"].fill_null(default) == "marketing"
            t = t.filter(~(t[f"{link}_key"].notnull() & theirs))
    minutes = column(t, "minutes", "float64").cast(MONEY)
    usual = source.settings.effort.minutes
    if "channel" in t.columns and usual:
        cases = [(t.channel == word, _number(value)) for word, value in sorted(usual.items())]
        minutes = ibis.coalesce(minutes, ibis.cases(*cases, else_=ibis.null(MONEY)))
    push = ibis.coalesce(minutes, _number(0))
    return _rows(
        t, "sales", "minutes", t.touched_at, _who(t, "touch_id"), push, "opportunities", "leads", "campaigns"
    )


def _opportunities(source: Source) -> Table:
    t = source["opportunities"]
    t = t.filter(t.sourced_by == "sales")
    return _rows(t, "sales", "opportunities", t.opened_at, _who(t, "opportunity_id"), _number(1))


def _number(value: float) -> Value:
    return ibis.literal(value).cast(MONEY)


def _who(t: Table, own: str) -> Value:
    return ibis.coalesce(column(t, "account_id"), column(t, own), ibis.literal(NOBODY))


def _linked(source: Source, t: Table, *links: str) -> Table:
    """Join the product and the origin of what a row links to, many to one."""
    for link in links:
        key = _KEYS[link]
        if key not in t.columns or not source.has(link, key):
            continue
        other = source[link]
        side = other.select(
            **{
                f"{link}_key": other[key],
                f"{link}_product": column(other, "product_id"),
                f"{link}_sourced_by": column(other, "sourced_by"),
            }
        )
        t = t.left_join(side, t[key] == side[f"{link}_key"])
    return t


def _rows(
    t: Table, department: str, measure: str, at: Value, cluster: Value, push: Value, *links: str
) -> Table:
    products = [column(t, f"{link}_product") for link in links]
    return t.select(
        department=ibis.literal(department),
        measure=ibis.literal(measure),
        pushed_on=day(at),
        cluster=ibis.coalesce(cluster, ibis.literal(NOBODY)),
        product_id=ibis.coalesce(column(t, "product_id"), *products),
        push=push.cast(MONEY),
        unrated=column(t, "unrated"),
    )
