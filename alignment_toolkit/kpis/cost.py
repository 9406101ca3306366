"""Cost: what a sale costs by cohort, what serving a client costs, and when a new client has paid back."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import ibis

from alignment_toolkit.kpi import Kpi, RatioOfKpis, Terms
from alignment_toolkit.languages import say

BOTH = {"marketing": 0.5, "sales": 0.5}
YEAR = 365
# Months of a year of 365 days; a month is 365 / 12 days.
MONTHS = 12


def _for_new(t: Any) -> Any:
    """Spend on new clients, on both kinds, or on nobody in particular; that of cost-per-sale."""
    if "audience" not in t.columns:
        return ibis.literal(True)
    return t.audience.isnull() | t.audience.isin(("new", "both"))


def _spend(id: str) -> Kpi:
    return Kpi(
        id=id,
        title=say("Spend on new clients"),
        relation="spend",
        date="spent_on",
        unit="money",
        better="lower",
        owners=BOTH,
        about=say("Spend of both departments with audience new, both or empty."),
        top=lambda t: t.amount.sum(where=_for_new(t)),
        interval="exact",
        n=lambda t: t.count(where=_for_new(t)),
        n_unit="bookings",
        needs={"spend": ("amount",)},
    )


def _episodes(t: Any) -> Any:
    return t.opens_episode & ~t.existing_client


def _mature(t: Any, terms: Terms) -> Any:
    return _episodes(t) & (t.created_on <= terms.born_until(terms.options["horizon_days"]))


def _converted(t: Any, terms: Terms) -> Any:
    return t.count(where=_mature(t, terms) & (t.days_to_client <= terms.options["horizon_days"]))


cost_per_sale_cohort = RatioOfKpis(
    id="cost-per-sale-cohort",
    title="Cost per sale of the period's leads",
    top_kpi=_spend("cost-per-sale-cohort"),
    bottom_kpi=Kpi(
        id="cost-per-sale-cohort",
        title="Conversions of the period's leads",
        relation="lead_outcomes",
        date="created_at",
        unit="count",
        better="higher",
        owners=BOTH,
        about="Episodes opened in the period that convert within the horizon.",
        top=_converted,
        interval="events",
        n=_converted,
        n_unit="episodes",
        censored=lambda t, terms: t.count(where=_episodes(t) & ~_mature(t, terms)),
        whole=True,
        options={"horizon_days": 90},
    ),
    unit="money",
    better="lower",
    owners=BOTH,
    about=(
        "Spend of both departments in the period with audience new, both or empty / episodes opened in it that convert "
        "within 90 days (horizon_days). Not available before every episode is that old: the spend is that of all."
    ),
    empty="no episode of the period converted within the horizon",
)


def _served(t: Any) -> Any:
    return t.department.isin(("sales", "service"))


cost_to_serve = Kpi(
    id="cost-to-serve",
    title="Cost to serve a client",
    relation="served",
    date="served_at",
    cluster="account_id",
    alone="row_id",
    unit="money",
    better="lower",
    # Sales and service do the work; what marketing promises decides how much of it is asked for.
    owners={"marketing": 0.2, "sales": 0.8},
    about=(
        "Effort of sales and service in the period x the cost of an hour / active clients. Effort on those who have "
        "not bought in the period is in it."
    ),
    top=lambda t: (t.effort_minutes * t.hourly_cost).sum(where=_served(t)),
    bottom=lambda t: (t.account_id.notnull() & (t.amount > 0)).fill_null(False).ifelse(1, 0).max(),
    times=Fraction(1, 60),
    n_unit="clients",
    empty="no active client",
    left_out=lambda t: t.count(where=_served(t) & (t.effort_minutes.isnull() | t.hourly_cost.isnull())),
    left_out_words="touches without minutes, or of a department without a cost per hour, left out: {n}",
    needs_settings=("effort.cost_per_hour.sales",),
    silence={"touches": {"department": ("sales", "service"), "automated": False}},
)


def _of_age(t: Any, terms: Terms) -> Any:
    return _new(t, terms) & (t.client_since <= terms.born_until(YEAR))


def _new(t: Any, terms: Terms) -> Any:
    return ibis.literal(True) if terms.warm_until is None else t.client_since >= terms.warm_until


payback_months = RatioOfKpis(
    id="payback-months",
    title="Months until a new client has paid back",
    top_kpi=_spend("payback-months"),
    bottom_kpi=Kpi(
        id="payback-months",
        title="Gross margin of the period's new clients per month",
        relation="client_values",
        date="client_since",
        cluster="client_id",
        unit="money",
        better="higher",
        owners=BOTH,
        about="Gross margin of the first 365 days of the clients won in the period, per month.",
        top=lambda t, terms: t.first_year_margin.sum(where=_of_age(t, terms)),
        interval="total",
        n=lambda t, terms: t.count(where=_of_age(t, terms)),
        n_unit="clients",
        times=Fraction(1, MONTHS),
        any_of=(
            {"orders": ("cost",)},
            {"orders": ("product_id", "quantity"), "products": ("product_id", "unit_cost")},
        ),
        censored=lambda t, terms: t.count(where=_new(t, terms) & ~_of_age(t, terms)),
        whole=True,
        warm_up=True,
        left_out=lambda t: t.first_year_uncosted.sum(),
        left_out_words="first-year lines whose cost is not known, left out: {n}",
    ),
    unit="months",
    better="lower",
    owners=BOTH,
    about=(
        "Cost per sale / gross margin per new client and month, the month being a twelfth of the client's first 365 "
        "days; beyond twelve months it goes on at that pace. Not available before every new client is a year old."
    ),
    empty="new clients brought no gross margin above zero: they never pay back at this pace",
)

KPIS = (cost_per_sale_cohort, cost_to_serve, payback_months)
