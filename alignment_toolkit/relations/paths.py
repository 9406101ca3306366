"""The steps that lead to a sale, by either department, and the moments of the sales."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import ibis

from alignment_toolkit.relations.derived import clients
from alignment_toolkit.relations.source import DEALS, ORDERS, Source, alive, column, day, standing

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

__all__ = ["STEPS", "journey", "path_steps", "sale_moments"]

STEPS: Final[tuple[dict[str, tuple[str, ...]], ...]] = (
    {"touches": ("touch_id", "touched_at", "department")},
    {"leads": ("lead_id", "created_at")},
)
_DEPARTMENTS: Final = ("marketing", "sales")
_MISSING: Final = "(missing)"
_ARRIVAL: Final = ibis.interval(hours=1)


def journey(account: Value, lead: Value) -> Value:
    """Name whose journey it is: the account's, else the lead's; empty where neither is known."""
    return ibis.coalesce("account " + account, "lead " + lead)


def path_steps(source: Source) -> Table:
    """Give one row per step towards a sale: the arrival of a lead, or a touch by marketing or sales.

    Columns are step_id, journey (the account's, else the lead's), account_id, lead_id, stepped_at, stepped_on,
    stepped_by (the department), step_channel and step_kind (``lead``, ``touch``). A lead arrives by its own channel,
    else its campaign's, and belongs to the department that sourced it. A touch has the channel by which somebody was
    touched; where that is empty or ``ad``, its campaign's. The inbound touch by which a lead came, within an hour of
    its creation, is the arrival itself and no second step. What leads to no account and no lead is left out.
    """
    parts = []
    if source.has("leads", *STEPS[1]["leads"]):
        parts.append(_arrivals(source))
    if source.has("touches", *STEPS[0]["touches"]):
        parts.append(_touches(source))
    steps = parts[0].union(parts[1]) if len(parts) > 1 else parts[0]
    return steps.filter(steps.journey.notnull(), steps.stepped_at.notnull())


def _accounts_of_leads(source: Source) -> Table:
    """Give each lead's account: its own, else that of an opportunity made of it (the first by id)."""
    leads = source["leads"]
    known = leads.select(_lead=leads.lead_id, _own=column(leads, "account_id"))
    if not source.has("opportunities", "lead_id", "account_id"):
        return known.select("_lead", _account=known._own)
    deals = source["opportunities"]
    deals = deals.filter(deals.lead_id.notnull(), deals.account_id.notnull())
    made = deals.group_by(_from=deals.lead_id).aggregate(_brought=deals.account_id.min())
    both = known.left_join(made, known._lead == made._from)
    return both.select("_lead", _account=ibis.coalesce(both._own, both._brought))


def _campaign_channels(source: Source) -> Table | None:
    if not source.has("campaigns", "campaign_id", "channel"):
        return None
    campaigns = source["campaigns"]
    return campaigns.select(_campaign=campaigns.campaign_id, _campaign_channel=campaigns.channel)


def _with_campaign(source: Source, t: Table) -> Table:
    """Join the campaign's channel, many to one; empty where there is none."""
    campaigns = _campaign_channels(source) if "campaign_id" in t.columns else None
    if campaigns is None:
        return t.mutate(_campaign_channel=ibis.null("string"))
    return t.left_join(campaigns, t.campaign_id == campaigns._campaign)


def _arrivals(source: Source) -> Table:
    leads = alive(source["leads"], "created_at")
    t = _with_campaign(source, leads)
    accounts = _accounts_of_leads(source)
    t = t.left_join(accounts, t.lead_id == accounts._lead)
    by = column(t, "sourced_by").fill_null("marketing")
    return t.filter(by.isin(_DEPARTMENTS)).select(
        step_id=t.lead_id,
        journey=journey(t._account, t.lead_id),
        account_id=t._account,
        lead_id=t.lead_id,
        stepped_at=t.created_at,
        stepped_on=day(t.created_at),
        stepped_by=by,
        step_channel=ibis.coalesce(column(t, "channel"), t._campaign_channel, ibis.literal(_MISSING)),
        step_kind=ibis.literal("lead"),
    )


def _touches(source: Source) -> Table:
    t = alive(source["touches"], "touched_at")
    t = t.filter(t.department.isin(_DEPARTMENTS))
    t = _with_campaign(source, t.mutate(_by_what=column(t, "channel"), _began=column(t, "direction")))
    own: Value = column(t, "account_id")
    if "lead_id" in t.columns and source.has("leads", *STEPS[1]["leads"]):
        leads = (
            source["leads"].select("lead_id", "created_at").rename(_made_of="lead_id", _made_at="created_at")
        )
        t = t.left_join(leads, t.lead_id == leads._made_of)
        inbound = (t._began == "inbound").fill_null(False)
        near = (t.touched_at <= t._made_at + _ARRIVAL) & (t._made_at <= t.touched_at + _ARRIVAL)
        t = t.filter(~(inbound & near.fill_null(False)))
        accounts = _accounts_of_leads(source)
        t = t.left_join(accounts, t.lead_id == accounts._lead)
        own = ibis.coalesce(column(t, "account_id"), t._account)
    if "opportunity_id" in t.columns and source.has("opportunities", "opportunity_id", "account_id"):
        deals = source["opportunities"].select("opportunity_id", "account_id")
        deals = deals.rename(_deal="opportunity_id", _deal_account="account_id")
        t = t.mutate(_own=own).left_join(deals, t.opportunity_id == deals._deal)
        own = ibis.coalesce(t._own, t._deal_account)
    if "contact_id" in t.columns and source.has("contacts", "contact_id", "account_id"):
        people = source["contacts"].select("contact_id", "account_id")
        people = people.rename(_contact="contact_id", _contact_account="account_id")
        t = t.mutate(_so_far=own).left_join(people, t.contact_id == people._contact)
        own = ibis.coalesce(t._so_far, t._contact_account)
    of_campaign = ibis.coalesce(t._campaign_channel, t._by_what, ibis.literal(_MISSING))
    lead = column(t, "lead_id")
    return t.select(
        step_id=t.touch_id,
        journey=journey(own, lead),
        account_id=own,
        lead_id=lead,
        stepped_at=t.touched_at,
        stepped_on=day(t.touched_at),
        stepped_by=t.department,
        step_channel=(t._by_what == "ad").fill_null(True).ifelse(of_campaign, t._by_what),
        step_kind=ibis.literal("touch"),
    )


def sale_moments(source: Source, of: str) -> Table:
    """Give one row per sale that a path can lead to: journey, sold_on, sold_at.

    `of` is ``new_client``: a client once, on the day of its client_since; or ``won_deal``: won opportunities, those of
    one account on one day as one. The moment is that of the earliest event (of the latest deal) of the day; where the
    data knows only the day, its last second.
    """
    if of == "won_deal":
        deals = _deals(source)
        found = deals.group_by("journey", sold_on=day(deals.at)).aggregate(moment=_timed(deals.at).max())
    else:
        known = standing(source, "clients", clients)
        lead = known.lead_id if "lead_id" in known.columns else ibis.null("string")
        known = known.select("account_id", lead_id=lead, sold_on=known.client_since)
        known = _owned(source, known, "account_id").select("journey", "sold_on")
        found = known.filter(known.journey.notnull(), known.sold_on.notnull()).distinct()
        events = _events(source)
        if events is None:
            found = found.mutate(moment=ibis.null("timestamp"))
        else:
            first = events.group_by(_journey=events.journey, _on=day(events.at)).aggregate(
                moment=_timed(events.at).min()
            )
            found = found.left_join(first, [found.journey == first._journey, found.sold_on == first._on])
    last = found.sold_on.cast("timestamp") + ibis.interval(seconds=86399)
    return found.select("journey", "sold_on", sold_at=ibis.coalesce(found.moment, last))


def _timed(at: Value) -> Value:
    """Give a moment, or nothing where it is a midnight, which stands for a day without time."""
    return (at == at.date().cast("timestamp")).ifelse(ibis.null("timestamp"), at.cast("timestamp"))


def _owned(source: Source, t: Table, account: str) -> Table:
    """Add whose journey a row with an account and a lead belongs to."""
    if not source.has("leads", "lead_id"):
        return t.mutate(journey=journey(t[account], t.lead_id))
    accounts = _accounts_of_leads(source)
    t = t.left_join(accounts, t.lead_id == accounts._lead)
    return t.mutate(journey=journey(ibis.coalesce(t[account], t._account), t.lead_id))


def _deals(source: Source) -> Table:
    deals = source["opportunities"]
    won = alive(deals.filter(deals.outcome == "won", deals.closed_at.notnull()), "closed_at")
    won = won.select(at=won.closed_at, account_id=column(won, "account_id"), lead_id=column(won, "lead_id"))
    owned = _owned(source, won, "account_id").select("journey", "at")
    return owned.filter(owned.journey.notnull())


def _events(source: Source) -> Table | None:
    """Give every event that makes a client, with its moment."""
    parts = []
    if source.has("opportunities", *DEALS):
        parts.append(_deals(source))
    if source.has("leads", "converted_at"):
        leads = source["leads"]
        t = leads.select(account_id=column(leads, "account_id"), lead_id=leads.lead_id, at=leads.converted_at)
        parts.append(_owned(source, t, "account_id").select("journey", "at"))
    if source.has("orders", *ORDERS, "account_id"):
        orders = source["orders"]
        orders = orders.filter(orders.amount > 0, orders.account_id.notnull())
        parts.append(orders.select(journey="account " + orders.account_id, at=orders.ordered_at))
    if not parts:
        return None
    events = (
        ibis.union(*[p.select("journey", at=p.at.cast("timestamp")) for p in parts])
        if len(parts) > 1
        else (parts[0].select("journey", at=parts[0].at.cast("timestamp")))
    )
    return events.filter(events.at.notnull())
