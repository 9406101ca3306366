"""What became of signs from clients, and of leads that were given up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import ibis

from alignment_toolkit.relations.derived import client_tables, lead_outcomes, with_region
from alignment_toolkit.relations.source import DEALS, Source, alive, column, day, standing, without

if TYPE_CHECKING:
    from ibis.expr.types import Table

__all__ = ["ANSWERS", "DISCARDS", "discard_tables", "discarded_episodes", "signal_answers", "signal_tables"]

ANSWERS: Final[tuple[dict[str, tuple[str, ...]], ...]] = (
    {"touches": ("touch_id", "touched_at", "direction", "account_id")},
    {"signals": ("answered_at",)},
)
DISCARDS: Final[tuple[dict[str, tuple[str, ...]], ...]] = (
    {"leads": ("rejected_at",)},
    {"opportunities": (*DEALS, "lead_id")},
)


def signal_tables(source: Source) -> tuple[str, ...]:
    """Name the tables that tell whether a signal was answered."""
    return ("signals", *(("touches",) if source.has("touches", *ANSWERS[0]["touches"]) else ()))


def signal_answers(source: Source) -> Table:
    """Give one row per signal: its own columns, first_answered_at and answered_by.

    A signal is answered at answered_at, else by the first outbound touch of its account that is not automated, by
    whatever department, at or after signalled_at. `answered_by` is the department of that touch, empty where the signal
    says itself when it was answered; both are empty where there is no answer yet.
    """
    signals = source["signals"]
    added = ("first_answered_at", "answered_by")
    signals = alive(without(signals, added), "signalled_at")
    kept = list(signals.columns)
    told = column(signals, "answered_at", "timestamp")
    if not source.has("touches", *ANSWERS[0]["touches"]):
        return signals.mutate(first_answered_at=told, answered_by=ibis.null("string"))
    t = alive(source["touches"], "touched_at")
    t = t.filter(t.direction == "outbound", ~column(t, "automated", "boolean").fill_null(False))
    t = t.select(to=t.account_id, at=t.touched_at, touch_id=t.touch_id, by=column(t, "department"))
    asked = signals.select(_signal=signals.signal_id, _of=signals.account_id, _since=signals.signalled_at)
    near = asked.inner_join(t, [asked._of == t.to, asked._since <= t.at])
    near = near.mutate(
        _place=ibis.row_number().over(group_by=near._signal, order_by=[near.at, near.touch_id])
    )
    first = near.filter(near._place == 0).select("_signal", _at=near.at, _by=near.by)
    both = signals.left_join(first, signals.signal_id == first._signal)
    told = column(both, "answered_at", "timestamp")
    return both.select(
        *kept,
        first_answered_at=ibis.coalesce(told, both._at),
        answered_by=told.isnull().ifelse(both._by, ibis.null("string")),
    )


def discard_tables(source: Source) -> tuple[str, ...]:
    """Name the tables that discards, and what became of them, come from."""
    found = [t for choice in DISCARDS for t, columns in choice.items() if source.has(t, *columns)]
    return tuple(dict.fromkeys(["leads", *found, *client_tables(source)]))


def discarded_episodes(source: Source) -> Table:
    """Give one row per episode that was given up: when, and when the account became a client all the same.

    An episode is given up where every lead of it was rejected, or where it has opportunities and every one of them was
    lost; the day of the last of these is discarded_on. Columns are episode_id, account_id, discarded_on, discarded_by
    (``rejected``, ``lost``, ``both``), leads, deals, client_since, of the lead that opened it campaign_id and channel
    where they are there, and region: the account's, else that lead's. Episodes of accounts that were clients before, or
    on or before the day of the discard, are left out: they were not given up.
    """
    t = standing(source, "lead_outcomes", lead_outcomes)
    t = t.mutate(_rejected=column(t, "rejected_at", "timestamp"))
    rejected = t._rejected
    # The opening lead's own columns; of an episode exactly one lead opens it.
    of_opener: dict[str, Any] = {
        c: t.opens_episode.ifelse(t[c], ibis.null(t[c].type())).max()
        for c in ("campaign_id", "channel", "region")
        if c in t.columns
    }
    episodes = t.group_by("episode_id").aggregate(
        account_id=t.account_id.max(),
        client_since=t.client_since.min(),
        existing=t.existing_client.ifelse(1, 0).max(),
        leads=t.count(),
        rejected=rejected.notnull().ifelse(1, 0).sum(),
        rejected_on=day(rejected).max(),
        **of_opener,
    )
    deals = _deals_of_episodes(source, t)
    if deals is None:
        episodes = episodes.mutate(deals=ibis.literal(0), lost=ibis.literal(0), lost_on=ibis.null("date"))
    else:
        episodes = episodes.left_join(deals, episodes.episode_id == deals._episode).drop("_episode")
        episodes = episodes.mutate(deals=episodes.deals.fill_null(0), lost=episodes.lost.fill_null(0))
    given_back = episodes.rejected == episodes.leads
    all_lost = (episodes.deals > 0) & (episodes.lost == episodes.deals)
    never = ibis.date(1, 1, 1)
    last = ibis.greatest(ibis.coalesce(episodes.rejected_on, never), ibis.coalesce(episodes.lost_on, never))
    words = ibis.cases((given_back & all_lost, "both"), (given_back, "rejected"), else_="lost")
    episodes = episodes.mutate(discarded_on=last, discarded_by=words).filter(given_back | all_lost)
    episodes = episodes.filter(
        episodes.existing == 0,
        episodes.client_since.isnull() | (episodes.client_since > episodes.discarded_on),
    )
    episodes = with_region(source, episodes)
    of_opener = {c: episodes[c] for c in (*of_opener, "region") if c in episodes.columns}
    return episodes.select(
        "episode_id",
        "account_id",
        "discarded_on",
        "discarded_by",
        "leads",
        "deals",
        "client_since",
        *of_opener,
    )


def _deals_of_episodes(source: Source, outcomes: Table) -> Table | None:
    if not source.has("opportunities", *DISCARDS[1]["opportunities"]):
        return None
    deals = alive(
        source["opportunities"], "opened_at" if source.has("opportunities", "opened_at") else "closed_at"
    )
    leads = outcomes.select(_lead=outcomes.lead_id, _episode=outcomes.episode_id)
    both = deals.inner_join(leads, deals.lead_id == leads._lead)
    lost = (both.outcome == "lost").fill_null(False)
    return both.group_by("_episode").aggregate(
        deals=both.count(), lost=lost.ifelse(1, 0).sum(), lost_on=lost.ifelse(day(both.closed_at), None).max()
    )
