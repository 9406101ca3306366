"""Sales: deals won, new clients, and what a new client costs."""

from __future__ import annotations

from typing import Any

import ibis

from alignment_toolkit.kpi import Kpi, RatioOfKpis, Terms

BOTH = {"marketing": 0.5, "sales": 0.5}
MOSTLY_SALES = {"marketing": 0.3, "sales": 0.7}


def _new(t: Any, terms: Terms) -> Any:
    return t.count() if terms.warm_until is None else t.count(where=t.client_since >= terms.warm_until)


def _on_new_clients(t: Any) -> Any:
    """Spend on new clients, on both kinds, or on nobody in particular."""
    if "audience" not in t.columns:
        return ibis.literal(True)
    return t.audience.isnull() | t.audience.isin(("new", "both"))


win_rate = Kpi(
    id="win-rate",
    title="Win rate",
    relation="opportunities",
    date="closed_at",
    cluster="account_id",
    alone="opportunity_id",
    unit="share",
    better="higher",
    owners=MOSTLY_SALES,
    about="Won / (won + lost) of the opportunities closed in the period.",
    top=lambda t: t.count(where=t.outcome == "won"),
    bottom=lambda t: t.count(where=t.outcome.isin(("won", "lost"))),
    interval="share",
    n_unit="opportunities",
    empty="no opportunity was closed",
    needs={"opportunities": ("opportunity_id", "outcome")},
    requires=lambda t: t.count(where=t.outcome == "lost"),
    requires_words="the source has no lost opportunity at all: only won ones are recorded",
)

new_clients = Kpi(
    id="new-clients",
    title="New clients",
    relation="clients",
    date="client_since",
    unit="count",
    better="higher",
    owners=BOTH,
    about="Clients whose client_since lies in the period; by channel or campaign those of their opening lead.",
    top=_new,
    interval="count",
    n=_new,
    n_unit="clients",
    warm_up=True,
)

cost_per_sale = RatioOfKpis(
    id="cost-per-sale",
    title="Cost per sale",
    top_kpi=Kpi(
        id="cost-per-sale",
        title="Spend on new clients",
        relation="spend",
        date="spent_on",
        unit="money",
        better="lower",
        owners=BOTH,
        about="Spend of both departments with audience new, both or empty.",
        top=lambda t: t.amount.sum(where=_on_new_clients(t)),
        interval="exact",
        n=lambda t: t.count(where=_on_new_clients(t)),
        n_unit="bookings",
        needs={"spend": ("amount",)},
    ),
    bottom_kpi=new_clients,
    unit="money",
    better="lower",
    owners=BOTH,
    about=(
        "Spend of both departments in the period with audience new, both or empty / clients whose client_since lies "
        "in it. "
        "By channel or campaign: spend on it / clients whose opening lead came by it."
    ),
    empty="no new client",
)

KPIS = (win_rate, new_clients, cost_per_sale)
