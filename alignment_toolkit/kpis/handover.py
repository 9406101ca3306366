"""Hand-over: whether and when sales answers marketing's leads, and which become clients, once per episode."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import ibis
import pandas as pd

from alignment_toolkit.kpi import Found, Kpi, KpiOfRows, Terms
from alignment_toolkit.kpi.lapses import next_lapse, spans
from alignment_toolkit.languages import say, say_count
from alignment_toolkit.relations import day
from alignment_toolkit.statistics import cure, survival
from alignment_toolkit.statistics.working_time import working_hours

BOTH = {"marketing": 0.5, "sales": 0.5}
# Whether a lead is taken depends on its quality; how soon it is answered is sales' own work.
ANSWERING = {"marketing": 0.2, "sales": 0.8}
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


def _old_enough(t: Any, terms: Terms) -> Any:
    return day(t.qualified_at) <= terms.born_until(terms.options["horizon_days"])


def _accepted(t: Any, terms: Terms) -> Any:
    days = day(t.accepted_at).delta(day(t.qualified_at), unit="day")
    return (days <= terms.options["horizon_days"]).fill_null(False)


acceptance_rate = Kpi(
    id="acceptance-rate",
    title="Leads accepted by sales",
    relation="leads",
    date="qualified_at",
    cluster="account_id",
    alone="lead_id",
    unit="share",
    better="higher",
    owners=BOTH,
    about=(
        "Of the leads handed to sales in the period that are at least 30 days old (horizon_days) when the data ends, "
        "the share that sales accepts within 30 days."
    ),
    top=lambda t, terms: t.count(where=_old_enough(t, terms) & _accepted(t, terms)),
    bottom=lambda t, terms: t.count(where=_old_enough(t, terms)),
    interval="share",
    n_unit="leads",
    empty="no lead handed over that is old enough",
    needs={"leads": ("lead_id", "accepted_at")},
    censored=lambda t, terms: t.count(where=~_old_enough(t, terms)),
    outcome="accepted_at",
    requires=lambda t: t.count(where=t.accepted_at.notnull()),
    requires_words="the source has no accepted lead at all: acceptance is not recorded",
    options={"horizon_days": 30},
)


def _end_of_data(terms: Terms) -> datetime:
    """Give the moment up to which is known whether sales has answered."""
    return datetime.combine(terms.born_until(0) + timedelta(days=1), time())


def _handed_over(t: Any, terms: Terms) -> Any:
    return t.qualified_at < ibis.literal(_end_of_data(terms))


def _answer(t: Any, terms: Terms) -> dict[str, Any]:
    return {"since": t.qualified_at, "answered": t.first_touched_at}


def _waits(rows: pd.DataFrame, terms: Terms) -> tuple[Any, Any, dict[str, Any], pd.Series]:
    """Give the working hours waited, whether the answer came, how rows belong together, and what each meets.

    Who waits when days begin that nobody recorded is known to have waited until then, and no longer.
    """
    since = pd.to_datetime(rows.since)
    lapse = next_lapse(since, terms.lapses)
    end = lapse.fillna(_end_of_data(terms))
    came = (rows.answered.notna() & (rows.answered < end)).to_numpy(dtype=bool)
    until = rows.answered.where(came, end)
    belongs = rows.cluster if "cluster" in rows.columns else None
    hours = working_hours(terms.calendar, since.to_numpy(), pd.to_datetime(until).to_numpy())
    return hours, came, {"counts": rows["count"], "clusters": belongs, "n_unit": "leads"}, lapse


def _unrecorded(waiting: Any, lapse: pd.Series, terms: Terms) -> str:
    """Say which days that nobody recorded cut short what is known of leads; `waiting` are those that count."""
    met = set(lapse[waiting])
    gone = [r for r in terms.lapses if pd.Timestamp(r.first) in met]
    if not gone:
        return ""
    return say("no touch of sales is on record {spans}: leads are watched until then", spans=spans(gone))


def _first_touch(rows: pd.DataFrame, terms: Terms) -> Found:
    hours, came, more, lapse = _waits(rows, terms)
    e = survival.median(hours, came, **more, unit="hours")
    note = _unrecorded(~came if e.value is None else ~came & (hours < e.value), lapse, terms)
    if e.value is None:
        why = say("half of the leads are not answered yet")
        return Found(e, "; ".join(w for w in (why, note) if w) if e.n else None, note=note)
    return Found(e, censored=_before(e.value, hours, came, rows), note=note)


def _in_time(rows: pd.DataFrame, terms: Terms) -> Found:
    hours, came, more, lapse = _waits(rows, terms)
    within = terms.options["within_hours"]
    note = _unrecorded(~came & (hours < within), lapse, terms)
    e = survival.share_by(hours, came, within, **more).estimate
    why = say("no lead could be watched for {within} working hours yet", within=within)
    reason = "; ".join(w for w in (why, note) if w) if e.n else None
    return Found(e, reason, _before(within, hours, came, rows), note)


def _before(at: float, waited: Any, came: Any, rows: pd.DataFrame) -> int:
    """Count the rows of which is not known what they were at a time: the data ends before."""
    return int(rows["count"][(waited < at) & ~came].sum()) if len(rows) else 0


ANSWERS: dict[str, Any] = {
    "relation": "first_touches",
    "date": "qualified_at",
    "cluster": "account_id",
    "alone": "lead_id",
    "owners": ANSWERING,
    "top": lambda t: t.count(),
    "n_unit": "leads",
    "empty": "no lead was handed over",
    "columns": _answer,
    "where": _handed_over,
    "waits": True,
    "silence": {"touches": {"department": "sales", "direction": "outbound", "automated": False}},
}

time_to_first_touch = KpiOfRows(
    id="time-to-first-touch",
    title="Time to sales' first touch",
    **ANSWERS,
    unit="hours",
    better="lower",
    about=(
        "Working hours within which half of the leads handed to sales in the period get a first outbound touch that is "
        "not automated: Kaplan-Meier median, leads without one being counted until the data ends."
    ),
    statistic=_first_touch,
)

followed_up_in_time = KpiOfRows(
    id="followed-up-in-time",
    title="Leads followed up in time",
    **ANSWERS,
    unit="share",
    better="higher",
    about=(
        "Share of the leads handed to sales in the period that get a first outbound touch, not automated, within 16 "
        "working hours (within_hours): Kaplan-Meier, so that leads whose time still runs count while they were seen."
    ),
    statistic=_in_time,
    options={"within_hours": 16},
)

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


def _became_client(t: Any, terms: Terms) -> dict[str, Any]:
    """Give the days to becoming a client, or those seen without."""
    known = terms.born_until(0)
    became = (t.converted & (t.client_since <= ibis.literal(known))).fill_null(False)
    seen = ibis.literal(known).delta(t.created_on, unit="day").cast("int64")
    return {"days": became.ifelse(t.days_to_client, seen), "became": became}


BECOMING: dict[str, Any] = {
    **EPISODES,
    "owners": BOTH,
    "n_unit": "episodes",
    "empty": "no episode was opened",
    "top": lambda t: t.count(where=_episodes(t)),
    "columns": _became_client,
    "where": lambda t, terms: _episodes(t) & (t.created_on <= terms.born_until(0)),
    "left": lambda t, terms: t.opens_episode & t.existing_client,
    "left_out": _of_existing_clients,
    "left_out_words": "episodes opened by existing clients, left out: {n}",
    "waits": True,
}


def _median_to_client(rows: pd.DataFrame, terms: Terms) -> Found:
    belongs = rows.cluster if "cluster" in rows.columns else None
    e = survival.median(
        rows.days.to_numpy(),
        rows.became,
        counts=rows["count"],
        clusters=belongs,
        n_unit="episodes",
        unit="days",
    )
    if e.value is None:
        few = say_count(
            e.n,
            "the one episode has not become a client",
            "fewer than half of {n} episodes have become clients",
        )
        return Found(e, few if e.n else None)
    return Found(e, censored=_before(e.value, rows.days, rows.became.astype(bool), rows))


time_to_client = KpiOfRows(
    id="time-to-client",
    title="Time to client",
    **BECOMING,
    unit="days",
    better="lower",
    about=(
        "Days within which half of the episodes opened in the period become clients: Kaplan-Meier median, the others "
        "being counted until the data ends. Not available where fewer than half do."
    ),
    statistic=_median_to_client,
)


def _in_the_end(rows: pd.DataFrame, terms: Terms) -> Found:
    belongs = rows.cluster if "cluster" in rows.columns else None
    found = cure.long_run_share(
        rows.days.to_numpy(), rows.became, counts=rows["count"], clusters=belongs, n_unit="episodes"
    )
    e = found.estimate
    if e.value is None:
        low, high = found.bounds or (0.0, 1.0)
        told = (
            say("; the share lies between {low:.1%} and {high:.0%}", low=low, high=high).replace("%", " %")
            if found.bounds
            else ""
        )
        return Found(e, f"{found.reason}{told}" if e.n else None)
    return Found(e, censored=_before(found.last or 0.0, rows.days, rows.became.astype(bool), rows))


long_run_conversion = KpiOfRows(
    id="long-run-conversion",
    title="Leads that become clients in the end",
    **BECOMING,
    unit="share",
    better="higher",
    about=(
        "Of the episodes opened in the period, the share that becomes clients in the end, however long it takes: "
        "mixture cure model. Bounds are told instead where the data is too young to say."
    ),
    statistic=_in_the_end,
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
    interval="events",
    n=lambda t: t.count(where=_episodes(t)),
    n_unit="episodes",
    left_out=_of_existing_clients,
    left_out_words="episodes opened by existing clients, left out: {n}",
    rising=True,
)

KPIS = (
    acceptance_rate,
    time_to_first_touch,
    followed_up_in_time,
    lead_to_client,
    time_to_client,
    long_run_conversion,
    conversions_to_date,
)
