"""The relations themselves: sales lines, clients, leads with their outcome, first touches.

Every relation joins many-to-one or on something aggregated before, so that no row of its grain is lost or doubled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import ibis

from alignment_toolkit.errors import DataError
from alignment_toolkit.relations.source import DEALS, ORDERS, Source, alive, column, day, standing, without

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

__all__ = [
    "client_tables",
    "clients",
    "first_touches",
    "lead_outcomes",
    "sales",
    "sales_table",
    "with_region",
]


def sales_table(source: Source) -> str | None:
    """Name the table that the sales lines come from: orders, else opportunities; None where there is neither.

    Where there is no orders table, each won opportunity is one line, dated by its closing.
    """
    if source.has("orders", *ORDERS):
        return "orders"
    return "opportunities" if source.has("opportunities", *DEALS, "amount") else None


def sales(source: Source) -> Table:
    """Give the sales lines, one row each: order_id, ordered_at, amount, account_id and whatever else the table has.

    Returns are negative. A line without account counts as revenue, not as a client.
    """
    table = sales_table(source)
    if table is None:
        raise DataError(
            "There are no sales lines: orders, or opportunities with closed_at, outcome and amount."
        )
    lines = source[table]
    if table == "opportunities":
        won = alive(lines.filter(lines.outcome == "won", lines.closed_at.notnull()), "closed_at")
        rest = [c for c in lines.columns if c not in ("order_id", "ordered_at", "closed_at", "amount")]
        lines = won.select(
            order_id=won.opportunity_id,
            ordered_at=won.closed_at,
            amount=won.amount,
            **{c: won[c] for c in rest},
        )
    return lines if "account_id" in lines.columns else lines.mutate(account_id=ibis.null("string"))


def client_tables(source: Source) -> tuple[str, ...]:
    """Name the tables whose events make a client: their completeness bounds what is known of outcomes."""
    found = []
    if source.has("leads", "converted_at"):
        found.append("leads")
    if source.has("opportunities", *DEALS):
        found.append("opportunities")
    if source.has("orders", *ORDERS):
        found.append("orders")
    return tuple(found)


def _leads(source: Source) -> Table:
    leads = source["leads"]
    return leads if "account_id" in leads.columns else leads.mutate(account_id=ibis.null("string"))


def _won(source: Source) -> Table | None:
    """Give won opportunities: day, account (the opportunity's own, else its lead's), lead."""
    if not source.has("opportunities", *DEALS):
        return None
    deals = source["opportunities"]
    won = alive(deals.filter(deals.outcome == "won", deals.closed_at.notnull()), "closed_at")
    won = won.select(
        day=day(won.closed_at), own_account=column(won, "account_id"), lead_id=column(won, "lead_id")
    )
    if not source.has("leads", "lead_id"):
        return won.select("day", "lead_id", account_id=won.own_account)
    leads = _leads(source)
    leads = leads.select(known_lead=leads.lead_id, leads_account=leads.account_id)
    both = won.left_join(leads, won.lead_id == leads.known_lead)
    return both.select("day", "lead_id", account_id=ibis.coalesce(both.own_account, both.leads_account))


def _account_since(source: Source) -> Table | None:
    """Give client_since per account: the earliest of what the source knows of it."""
    parts = []
    if source.has("accounts", "account_id", "client_since"):
        t = source["accounts"]
        parts.append(t.select(account_id=t.account_id, day=day(t.client_since)))
    if source.has("leads", "account_id", "converted_at"):
        t = source["leads"]
        parts.append(t.select(account_id=t.account_id, day=day(t.converted_at)))
    won = _won(source)
    if won is not None:
        parts.append(won.select("account_id", "day"))
    if source.has("orders", *ORDERS, "account_id"):
        t = source["orders"]
        t = t.filter(t.amount > 0)
        parts.append(t.select(account_id=t.account_id, day=day(t.ordered_at)))
    if not parts:
        return None
    first = ibis.union(*parts) if len(parts) > 1 else parts[0]
    first = first.filter(first.account_id.notnull(), first.day.notnull())
    return first.group_by("account_id").aggregate(client_since=first.day.min())


def _lead_since(source: Source) -> Table | None:
    """Give client_since per lead without account: its own conversion, or an opportunity won from it.

    `named` says that a won opportunity names an account: then that account is the client, not the lead.
    """
    leads = _leads(source)
    loose = leads.filter(leads.account_id.isnull())
    parts = []
    if "converted_at" in loose.columns:
        parts.append(loose.select("lead_id", day=day(loose.converted_at), named=ibis.literal(0)))
    won = _won(source)
    if won is not None:
        known = loose.select(known_lead=loose.lead_id)
        of_leads = won.inner_join(known, won.lead_id == known.known_lead)
        parts.append(of_leads.select("lead_id", "day", named=of_leads.account_id.notnull().ifelse(1, 0)))
    if not parts:
        return None
    first = ibis.union(*parts) if len(parts) > 1 else parts[0]
    first = first.filter(first.day.notnull())
    return first.group_by("lead_id").aggregate(lead_since=first.day.min(), named=first.named.max())


_OUTCOME: Final = (
    "created_on", "episode_id", "opens_episode", "existing_client", "client_since", "days_to_client", "converted",
)  # fmt: skip


def lead_outcomes(source: Source) -> Table:
    """Give one row per lead: its own columns, its episode and what became of it.

    Added are created_on, episode_id (the lead that opened the episode), opens_episode, client_since (of the account, or
    of the lead without one), existing_client (a client since before the grace days), converted, and days_to_client
    (whole days, 0 within the grace days; empty where the lead did not convert).
    """
    company = source.settings.company
    leads = _leads(source)
    leads = without(leads, _OUTCOME)
    kept = list(leads.columns)
    t = leads.mutate(
        created_on=day(leads.created_at),
        _alone=leads.account_id.isnull().ifelse(leads.lead_id, ibis.null("string")),
    )
    # Moment, then id: the order within a day is the same in every engine.
    order = [t.created_at, t.lead_id]
    t = t.mutate(_before=t.created_on.lag(1).over(group_by=[t.account_id, t._alone], order_by=order))
    gap = t.created_on.delta(t._before, unit="day")
    t = t.mutate(opens_episode=t._before.isnull() | (gap > company.episode_days))
    order = [t.created_at, t.lead_id]
    t = t.mutate(
        _number=t.opens_episode.ifelse(1, 0)
        .sum()
        .over(group_by=[t.account_id, t._alone], order_by=order, rows=(None, 0))
    )
    opener = t.opens_episode.ifelse(t.lead_id, ibis.null("string"))
    t = t.mutate(episode_id=opener.max().over(group_by=[t.account_id, t._alone, t._number]))
    t = _with_since(source, t.select(*kept, "created_on", "episode_id", "opens_episode"))
    days = t.client_since.delta(t.created_on, unit="day")
    t = t.mutate(
        existing_client=(days < -company.grace_days).fill_null(False),
        converted=(days >= -company.grace_days).fill_null(False),
    )
    days = t.client_since.delta(t.created_on, unit="day")
    whole = (days < 0).ifelse(ibis.literal(0, type="int64"), days.cast("int64"))
    return t.mutate(days_to_client=t.converted.ifelse(whole, ibis.null("int64")))


def _with_since(source: Source, t: Table) -> Table:
    since: Value = ibis.null("date")
    kept = list(t.columns)
    accounts, loose = _account_since(source), _lead_since(source)
    if accounts is not None:
        accounts = accounts.select(_account=accounts.account_id, _account_since=accounts.client_since)
        t = t.left_join(accounts, t.account_id == accounts._account)
        since = t._account_since
    if loose is not None:
        loose = loose.select(_lead=loose.lead_id, _lead_since=loose.lead_since)
        t = t.left_join(loose, t.lead_id == loose._lead)
        since = ibis.coalesce(t._account_since, t._lead_since) if accounts is not None else t._lead_since
    return t.select(*kept, client_since=since)


# What the relation `clients` says of the client itself; of the opening lead it has all else but its moments.
_OF_THE_CLIENT: Final = ("client_id", "account_id", "client_since", "lead_id", "lead_created_on")


def clients(source: Source) -> Table:
    """Give one row per client: client_since, and the lead that opened its last episode up to then.

    A client is an account, or a lead without account, that has a client_since. channel, campaign_id and so on, a
    company's own columns too, are those of the opening lead, empty where none is known; region is the
    account's, else the opening lead's.
    """
    since = _account_since(source)
    parts = []
    if since is not None:
        known = since.select(
            client_id=since.account_id, account_id=since.account_id, client_since=since.client_since
        )
        if source.has("leads", "lead_id", "created_at"):
            openers = _openers(source, since)
            openers = openers.select(_account=openers.account_id, lead_id=openers.lead_id)
            known = known.left_join(openers, known.account_id == openers._account).drop("_account")
        else:
            known = known.mutate(lead_id=ibis.null("string"))
        parts.append(known)
    loose = _lead_since(source) if source.has("leads", "lead_id", "created_at") else None
    if loose is not None:
        own = loose.filter(loose.named == 0)
        parts.append(
            own.select(
                client_id=own.lead_id,
                account_id=ibis.null("string"),
                client_since=own.lead_since,
                lead_id=own.lead_id,
            )
        )
    if not parts:
        raise DataError(
            "Nothing says who is a client: orders, closed opportunities or leads.converted_at are needed."
        )
    t = ibis.union(*parts) if len(parts) > 1 else parts[0]
    if source.has("leads", "lead_id", "created_at"):
        t = _with_opening_lead(source, t)
    return with_region(source, t)


def _openers(source: Source, since: Table) -> Table:
    """Give each client account's opening lead: of the last episode opened up to client_since (and its grace days)."""
    grace = source.settings.company.grace_days
    t = standing(source, "lead_outcomes", lead_outcomes)
    found = t.filter(t.opens_episode, t.converted, t.account_id.notnull())
    found = found.select("account_id", "lead_id", "created_at")
    won = _won(source)
    if won is not None:
        # Lead and opportunity join by lead_id first: a lead without account brought the account of its won deals.
        won = won.filter(won.account_id.notnull(), won.lead_id.notnull())
        pairs = won.select(_account=won.account_id, _lead=won.lead_id).distinct()
        # It is the account that became a client, whatever the lead itself is said to have been before.
        alone = t.filter(t.account_id.isnull()).select("lead_id", "created_at", "created_on")
        brought = alone.inner_join(pairs, alone.lead_id == pairs._lead)
        brought = brought.inner_join(since, brought._account == since.account_id)
        brought = brought.filter(brought.client_since.delta(brought.created_on, unit="day") >= -grace)
        found = found.union(brought.select("account_id", "lead_id", "created_at"))
    last = found.mutate(
        _place=ibis.row_number().over(
            group_by=found.account_id, order_by=[found.created_at.desc(), found.lead_id.desc()]
        )
    )
    return last.filter(last._place == 0).select("account_id", "lead_id")


def _with_opening_lead(source: Source, t: Table) -> Table:
    leads = source["leads"]
    own = without(leads, _OF_THE_CLIENT).columns
    kept = [c for c in own if not leads[c].type().is_timestamp()]
    taken = {c: leads[c] for c in kept}
    leads = leads.select(_lead=leads.lead_id, lead_created_on=day(leads.created_at), **taken)
    return t.left_join(leads, t.lead_id == leads._lead).drop("_lead")


def with_region(source: Source, t: Table) -> Table:
    """Give rows of accounts the account's region; where none is known they keep the one that they have."""
    if not source.has("accounts", "account_id", "region"):
        return t
    accounts = source["accounts"]
    accounts = accounts.select(_account=accounts.account_id, _region=accounts.region)
    t = t.left_join(accounts, t.account_id == accounts._account)
    region = ibis.coalesce(t._region, t.region) if "region" in t.columns else t._region
    return t.mutate(region=region).drop("_account", "_region")


def first_touches(source: Source) -> Table:
    """Give one row per qualified lead: its own columns and the first answer of sales.

    The first touch by sales, outbound and not automated, at or after qualified_at, linked by the lead, else by the
    contact where both name one, else by the account. Added are touch_id, first_touched_at, touch_channel, touch_theme,
    touch_actor; empty where there is none yet. Of several at the same moment none is known to be the first: channel,
    theme and actor are told where all agree. `channel` stays the lead's.
    """
    added = ("touch_id", "first_touched_at", "touch_channel", "touch_theme", "touch_actor")
    leads = _leads(source)
    leads = without(leads, added)
    leads = alive(leads.filter(leads.qualified_at.notnull()), "qualified_at")
    asked = leads.select(
        for_lead="lead_id",
        for_contact=column(leads, "contact_id"),
        for_account=leads.account_id,
        since="qualified_at",
    )
    t = source["touches"]
    automated = column(t, "automated", "boolean").fill_null(False)
    t = t.filter(t.department == "sales", t.direction == "outbound", ~automated)
    t = t.select(
        touch_id=t.touch_id,
        first_touched_at=t.touched_at,
        touch_channel=column(t, "channel"),
        touch_theme=column(t, "theme"),
        touch_actor=column(t, "actor"),
        to_lead=column(t, "lead_id"),
        to_contact=column(t, "contact_id"),
        to_account=column(t, "account_id"),
    )
    open_ = t.filter(t.to_lead.isnull())
    links = [
        asked.inner_join(t, [asked.for_lead == t.to_lead, asked.since <= t.first_touched_at]),
        asked.inner_join(
            open_, [asked.for_contact == open_.to_contact, asked.since <= open_.first_touched_at]
        ),
    ]
    by_account = asked.inner_join(
        open_, [asked.for_account == open_.to_account, asked.since <= open_.first_touched_at]
    )
    links.append(by_account.filter(by_account.for_contact.isnull() | by_account.to_contact.isnull()))
    found = ibis.union(*[link.select("for_lead", *added) for link in links])
    found = found.mutate(_place=ibis.rank().over(group_by=found.for_lead, order_by=found.first_touched_at))
    found = found.filter(found._place == 0)
    first = found.group_by("for_lead").aggregate(
        touch_id=found.touch_id.min(),
        first_touched_at=found.first_touched_at.min(),
        **{c: (found[c].min() == found[c].max()).ifelse(found[c].min(), None) for c in added[2:]},
    )
    return leads.left_join(first, leads.lead_id == first.for_lead).drop("for_lead")
