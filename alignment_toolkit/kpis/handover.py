"""Hand-over: from a lead to a client, once per episode."""

from __future__ import annotations

from typing import Any

from alignment_toolkit.kpi import Kpi, Terms

BOTH = {"marketing": 0.5, "sales": 0.5}
EPISODES: dict[str, Any] = {
    "relation": "lead_outcomes",
    "date": "created_at",
    "cluster": "account_id",
    "alone": "lead_id",
}


def _episodes(t: Any) -> Any:
    return t.opens_episode & ~t.existing_client


def _mature(t: Any, terms: Terms) -> Any:
    return _episodes(t) & (t.created_on <= terms.born_until(terms.options["horizon_days"]))


def _of_existing_clients(t: Any) -> Any:
    return (t.opens_episode & t.existing_client).ifelse(1, 0).sum()


lead_to_client = Kpi(
    id="lead-to-client",
    title="Leads that become clients",
    **EPISODES,
    unit="share",
    better="higher",
    owners=BOTH,
    about=(
        "Of the episodes opened in the period that are at least 90 days old (horizon_days) when the data ends, "
        "the share that converts within 90 days. Episodes opened by an existing client's lead are left out."
    ),
    top=lambda t, terms: t.count(
        where=_mature(t, terms) & (t.days_to_client <= terms.options["horizon_days"])
    ),
    bottom=lambda t, terms: t.count(where=_mature(t, terms)),
    interval="share",
    n_unit="episodes",
    empty="no episode that is old enough",
    censored=lambda t, terms: t.count(where=_episodes(t) & ~_mature(t, terms)),
    left_out=_of_existing_clients,
    left_out_words="episodes opened by existing clients, left out: {n}",
    options={"horizon_days": 90},
)

conversions_to_date = Kpi(
    id="conversions-to-date",
    title="Conversions so far",
    **EPISODES,
    unit="count",
    better="higher",
    owners=BOTH,
    about="Episodes opened in the period that have become clients by the end of the data; the number still rises.",
    top=lambda t, terms: t.count(where=t.opens_episode & t.converted & (t.client_since <= terms.known_until)),
    interval="count",
    n=lambda t: t.count(where=_episodes(t)),
    n_unit="episodes",
    left_out=_of_existing_clients,
    left_out_words="episodes opened by existing clients, left out: {n}",
    rising=True,
)

KPIS = (lead_to_client, conversions_to_date)
