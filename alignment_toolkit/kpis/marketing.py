"""Marketing: leads, what becomes of them at the hand-over, and what is spent on what."""

from __future__ import annotations

from typing import Any

import ibis

from alignment_toolkit.kpi import Kpi, RatioOfKpis, Terms
from alignment_toolkit.relations import day

BOTH = {"marketing": 0.5, "sales": 0.5}
MOSTLY_MARKETING = {"marketing": 0.8, "sales": 0.2}
SPEND: dict[str, Any] = {
    "relation": "spend",
    "date": "spent_on",
    "unit": "money",
    "better": "lower",
    "interval": "exact",
    "needs": {"spend": ("amount",)},
}
KINDS = ("impressions", "clicks", "enquiries", "sales")


def _by_marketing(t: Any, column: str) -> Any:
    """What nobody is named for is marketing's."""
    return t[column].fill_null("marketing") == "marketing" if column in t.columns else ibis.literal(True)


def _audience(t: Any) -> Any:
    return t.audience.fill_null("") if "audience" in t.columns else ibis.literal("")


def _mature(t: Any, terms: Terms) -> Any:
    return day(t.created_at) <= terms.born_until(terms.options["horizon_days"])


def _qualified(t: Any, terms: Terms) -> Any:
    return day(t.qualified_at).delta(day(t.created_at), unit="day") <= terms.options["horizon_days"]


leads = Kpi(
    id="leads",
    title="Leads",
    relation="leads",
    date="created_at",
    unit="count",
    better="higher",
    owners=MOSTLY_MARKETING,
    about="Leads created in the period, those of existing clients included.",
    top=lambda t: t.count(),
    interval="events",
    n_unit="leads",
)

qualified_leads = Kpi(
    id="qualified-leads",
    title="Leads handed over",
    relation="leads",
    date="qualified_at",
    unit="count",
    better="higher",
    # Marketing brings and qualifies them; sales has a say in what qualifies.
    owners=MOSTLY_MARKETING,
    about="Leads handed over to sales (qualified) in the period, whenever they were created.",
    top=lambda t: t.count(where=t.qualified_at.notnull()),
    interval="events",
    n_unit="leads",
)

qualification_rate = Kpi(
    id="qualification-rate",
    title="Leads that are handed over",
    relation="leads",
    date="created_at",
    cluster="account_id",
    alone="lead_id",
    unit="share",
    better="higher",
    owners=MOSTLY_MARKETING,
    about=(
        "Of the leads created in the period that are at least 90 days old (horizon_days) when the data ends, the share "
        "that is qualified within 90 days."
    ),
    top=lambda t, terms: t.count(where=_mature(t, terms) & _qualified(t, terms)),
    bottom=lambda t, terms: t.count(where=_mature(t, terms)),
    interval="share",
    n_unit="leads",
    empty="no lead that is old enough",
    needs={"leads": ("lead_id", "qualified_at")},
    censored=lambda t, terms: t.count(where=~_mature(t, terms)),
    outcome="qualified_at",
    options={"horizon_days": 90},
)

spend = Kpi(
    id="spend",
    title="Spend",
    **SPEND,
    owners=BOTH,
    about="Money and people cost of both departments in the period.",
    top=lambda t: t.amount.sum(),
    n_unit="bookings",
)

cost_per_lead = RatioOfKpis(
    id="cost-per-lead",
    title="Cost per lead",
    top_kpi=Kpi(
        id="cost-per-lead",
        title="Marketing's spend on leads",
        **SPEND,
        owners=MOSTLY_MARKETING,
        about="Marketing's spend that is not for existing clients.",
        top=lambda t: t.amount.sum(where=_by_marketing(t, "department") & (_audience(t) != "existing")),
        n=lambda t: t.count(where=_by_marketing(t, "department") & (_audience(t) != "existing")),
        n_unit="bookings",
    ),
    bottom_kpi=Kpi(
        id="cost-per-lead",
        title="Leads sourced by marketing",
        relation="leads",
        date="created_at",
        unit="count",
        better="higher",
        owners=MOSTLY_MARKETING,
        about="Leads sourced by marketing.",
        top=lambda t: t.count(where=_by_marketing(t, "sourced_by")),
        interval="events",
        n=lambda t: t.count(where=_by_marketing(t, "sourced_by")),
        n_unit="leads",
    ),
    unit="money",
    better="lower",
    owners=MOSTLY_MARKETING,
    about="Marketing's spend that is not for existing clients / leads sourced by marketing, both of the period.",
    empty="no lead sourced by marketing",
)

cost_per_result = RatioOfKpis(
    id="cost-per-result",
    title="Cost per result",
    top_kpi=spend,
    bottom_kpi=Kpi(
        id="cost-per-result",
        title="Results",
        relation="results",
        date="on",
        unit="count",
        better="higher",
        owners=MOSTLY_MARKETING,
        about="Results of one kind, as the platforms count them.",
        top=lambda t, terms: t["count"].cast("decimal(18, 4)").sum(where=t.kind == terms.options["kind"]),
        interval="events",
        n=lambda t, terms: t.count(where=t.kind == terms.options["kind"]),
        n_unit="rows of results",
        needs={"results": ("kind", "count")},
        says="results of kind {kind}",
        options={"kind": "enquiries"},
        choices={"kind": KINDS},
    ),
    unit="money",
    better="lower",
    owners=MOSTLY_MARKETING,
    about=(
        "Spend / results of one kind that advertising platforms count (kind: impressions, clicks, enquiries or sales; "
        "enquiries unless set). By channel, campaign or product."
    ),
    empty="no result of kind {kind} ([kpis.cost-per-result] kind says which)",
)

revenue_per_lead = Kpi(
    id="revenue-per-lead",
    title="Revenue per lead",
    relation="lead_values",
    date="created_at",
    cluster="account_id",
    alone="lead_id",
    unit="money",
    better="higher",
    owners=BOTH,
    about=(
        "First-year revenue of the clients won within 90 days (horizon_days) from the episodes opened in the period / "
        "those episodes, once they are 90 + 365 days old. Counted per episode as lead-to-client is, so that no revenue "
        "is counted twice."
    ),
    top=lambda t, terms: t.first_year_revenue.sum(
        where=_whole_year(t, terms) & (t.days_to_client <= terms.options["horizon_days"])
    ),
    bottom=lambda t, terms: t.count(where=_whole_year(t, terms)),
    n_unit="episodes",
    empty="no episode that is old enough",
    censored=lambda t, terms: t.count(where=_episodes(t) & ~_whole_year(t, terms)),
    left_out=lambda t: t.count(where=t.opens_episode & t.existing_client),
    left_out_words="episodes opened by existing clients, left out: {n}",
    options={"horizon_days": 90},
)


def _episodes(t: Any) -> Any:
    return t.opens_episode & ~t.existing_client


def _whole_year(t: Any, terms: Terms) -> Any:
    return _episodes(t) & (t.created_on <= terms.born_until(terms.options["horizon_days"] + 365))


return_on_spend = RatioOfKpis(
    id="return-on-spend",
    title="Revenue per unit of spend",
    top_kpi=Kpi(
        id="return-on-spend",
        title="Revenue",
        relation="sales",
        date="ordered_at",
        cluster="account_id",
        alone="order_id",
        unit="money",
        better="higher",
        owners=BOTH,
        about="Sum of the sales lines, returns included.",
        top=lambda t: t.amount.sum(),
        interval="total",
        n=lambda t: t.count(),
        n_unit="sales lines",
    ),
    bottom_kpi=spend,
    unit="ratio",
    better="higher",
    owners=BOTH,
    about=(
        "Revenue / spend of both departments, both of the period. Calendar form: it says nothing of what the spend "
        "brought, since what is spent today sells later."
    ),
    empty="no spend above zero",
)

new_client_spend_share = Kpi(
    id="new-client-spend-share",
    title="Spend on new clients",
    **{**SPEND, "unit": "share", "better": "higher", "needs": {"spend": ("amount", "audience")}},
    # Where the money goes is decided by marketing first; higher is what growth asks for, not always what is right.
    owners={"marketing": 0.7, "sales": 0.3},
    about="Spend with audience new / spend whose audience is known (new, existing or both).",
    top=lambda t: t.amount.sum(where=t.audience == "new"),
    bottom=lambda t: t.amount.sum(where=t.audience.notnull()),
    n=lambda t: t.count(where=t.audience.notnull()),
    n_unit="bookings",
    empty="no spend whose audience is known",
    left_out=lambda t: t.count(where=t.audience.isnull()),
    left_out_words="bookings without audience, left out: {n} ({share})",
)

KPIS = (
    leads,
    qualified_leads,
    qualification_rate,
    spend,
    cost_per_lead,
    cost_per_result,
    revenue_per_lead,
    return_on_spend,
    new_client_spend_share,
)
