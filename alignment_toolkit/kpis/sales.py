"""Sales: deals opened, won and standing, how long they take, new clients, and what a new client costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np

from alignment_toolkit.kpi import Found, Kpi, KpiOfRows, ProductOfKpis, RatioOfKpis, Terms
from alignment_toolkit.languages import noted
from alignment_toolkit.relations import day
from alignment_toolkit.statistics import survival

if TYPE_CHECKING:
    import pandas as pd

BOTH = {"marketing": 0.5, "sales": 0.5}
MOSTLY_SALES = {"marketing": 0.3, "sales": 0.7}
# Price, size and pace are mostly sales' work, as the win rate is; marketing's part is whom it brings with what offer.
DEALS: dict[str, Any] = {
    "relation": "opportunities",
    "cluster": "account_id",
    "alone": "opportunity_id",
    "owners": MOSTLY_SALES,
}


def _new(t: Any, terms: Terms) -> Any:
    return t.count() if terms.warm_until is None else t.count(where=t.client_since >= terms.warm_until)


def _on_new_clients(t: Any) -> Any:
    """Spend on new clients, on both kinds, or on nobody in particular."""
    if "audience" not in t.columns:
        return ibis.literal(True)
    return t.audience.isnull() | t.audience.isin(("new", "both"))


def _won(t: Any) -> Any:
    return t.outcome == "won"


def _open(t: Any, moment: date) -> Any:
    """Say which deals, opened before a moment, were not closed and not deleted by then."""
    begins = datetime.combine(moment, time()) if t.closed_at.type().is_timestamp() else moment
    standing = t.outcome.isnull() | (t.closed_at >= ibis.literal(begins))
    if "deleted_at" not in t.columns:
        return standing
    gone = datetime.combine(moment, time()) if t.deleted_at.type().is_timestamp() else moment
    return standing & (t.deleted_at.isnull() | (t.deleted_at >= ibis.literal(gone)))


def _discounted(t: Any) -> Any:
    return (_won(t) & t.amount.notnull() & (t.list_amount > 0)).fill_null(False)


def _days_open(t: Any, terms: Terms) -> dict[str, Any]:
    days = day(t.closed_at).delta(day(t.opened_at), unit="day").cast("int64")
    return {"days": (days < 0).ifelse(ibis.literal(0, type="int64"), days)}


def _median_days(rows: pd.DataFrame, terms: Terms) -> Found:
    closed = [True] * len(rows)
    belongs = rows.cluster if "cluster" in rows.columns else None
    e = survival.median(
        rows.days.to_numpy(),
        closed,
        counts=rows["count"],
        clusters=belongs,
        n_unit="won opportunities",
        unit="days",
    )
    if e.value is None:
        return Found(e)
    # Every deal's end is known: an even number of them has its median between the middle two.
    middle = float(np.median(np.repeat(rows.days, rows["count"].astype("int64"))))
    return Found(replace(e, value=middle))


ONLY_WON = noted(
    "the source has no open and no lost opportunity: only won ones are recorded, and how many were opened is not known"
)


def _not_won(t: Any) -> Any:
    """Count what is open or lost; of no opportunity at all there is nothing to say either."""
    return t.count() - t.count(where=_won(t)) + (t.count() == 0).ifelse(1, 0)


opportunities = Kpi(
    id="opportunities",
    title="Opportunities opened",
    relation="opportunities",
    date="opened_at",
    unit="count",
    better="higher",
    owners=BOTH,
    about="Opportunities opened in the period.",
    top=lambda t: t.count(),
    interval="events",
    n_unit="opportunities",
    needs={"opportunities": ("opportunity_id",)},
    requires=lambda t: _not_won(t) if "outcome" in t.columns else t.count(),
    requires_words=ONLY_WON,
)

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

sales_cycle = KpiOfRows(
    id="sales-cycle",
    title="Sales cycle",
    **DEALS,
    date="closed_at",
    unit="days",
    better="lower",
    about="Median of the whole days from opened to won, of the opportunities won in the period.",
    top=lambda t: t.count(where=_won(t)),
    n_unit="won opportunities",
    empty="no opportunity was won",
    needs={"opportunities": ("opportunity_id", "outcome", "opened_at")},
    columns=_days_open,
    where=lambda t, terms: _won(t) & t.opened_at.notnull(),
    statistic=_median_days,
)

average_deal = Kpi(
    id="average-deal",
    title="Average deal",
    **DEALS,
    date="closed_at",
    unit="money",
    better="higher",
    about="Amount of the opportunities won in the period / their number. Won ones without amount are left out.",
    top=lambda t: t.amount.sum(where=_won(t)),
    bottom=lambda t: t.opportunity_id.nunique(where=_won(t) & t.amount.notnull()),
    n_unit="won opportunities",
    empty="no opportunity with an amount was won",
    needs={"opportunities": ("opportunity_id", "outcome", "amount")},
    left_out=lambda t: t.count(where=_won(t) & t.amount.isnull()),
    left_out_words="won without an amount, left out: {n}",
    spread=True,
)

STANDING: dict[str, Any] = {
    **DEALS,
    "date": "opened_at",
    "better": "higher",
    "standing": _open,
    "needs": {"opportunities": ("opportunity_id", "outcome", "closed_at", "amount")},
}

pipeline = Kpi(
    id="pipeline",
    title="Pipeline",
    **STANDING,
    unit="money",
    about="Amount of the opportunities that are open at the end of the period, as it is known today.",
    top=lambda t: t.amount.sum(),
    interval="total",
    n=lambda t: t.count(where=t.amount.notnull()),
    n_unit="open opportunities",
    left_out=lambda t: t.count(where=t.amount.isnull()),
    left_out_words="open without an amount, left out: {n}",
    requires=_not_won,
    requires_words=ONLY_WON,
)

pipeline_velocity = ProductOfKpis(
    id="pipeline-velocity",
    title="Pipeline velocity per day",
    top_kpi=Kpi(
        id="open-opportunities",
        title="Open opportunities",
        **STANDING,
        unit="count",
        about="Opportunities that are open at the end of the period.",
        top=lambda t: t.count(),
        interval="count",
        n_unit="open opportunities",
    ),
    times=(win_rate, average_deal),
    bottom_kpi=sales_cycle,
    unit="money",
    better="higher",
    owners=MOSTLY_SALES,
    about=(
        "Money that the open opportunities would bring per day at the period's pace: open opportunities x win rate x "
        "average deal / sales cycle in days."
    ),
    empty="half of the won opportunities were won on the day they were opened",
)

discount = Kpi(
    id="discount",
    title="Discount",
    **DEALS,
    date="closed_at",
    unit="share",
    better="lower",
    about="1 - amount / list amount, summed over the opportunities won in the period that have both.",
    top=lambda t: (t.list_amount - t.amount).sum(where=_discounted(t)),
    bottom=lambda t: t.list_amount.sum(where=_discounted(t)),
    n=lambda t: t.count(where=_discounted(t)),
    n_unit="won opportunities",
    empty="no opportunity with both amount and list amount was won",
    needs={"opportunities": ("opportunity_id", "outcome", "amount", "list_amount")},
    left_out=lambda t: t.count(where=_won(t) & ~_discounted(t)),
    left_out_words="won without both amounts, left out: {n}",
)

new_clients = Kpi(
    id="new-clients",
    title="New clients",
    relation="clients",
    date="client_since",
    unit="count",
    better="higher",
    owners=BOTH,
    about="Clients who became one in the period; by channel or campaign those of their opening lead.",
    top=_new,
    interval="events",
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
        "Spend of both departments in the period on new clients, on both or on none named / clients who became one "
        "in it. "
        "By channel or campaign: spend on it / clients whose opening lead came by it."
    ),
    empty="no new client",
)

KPIS = (
    opportunities,
    win_rate,
    sales_cycle,
    average_deal,
    pipeline,
    pipeline_velocity,
    discount,
    new_clients,
    cost_per_sale,
)
