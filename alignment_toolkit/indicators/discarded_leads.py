"""Are leads discarded that would have bought later?

**Question.** Of the leads that sales gave up, how many became clients within a year all the same? Not every
lead need sell now.

**Gap.** The share of discarded episodes whose account became a client within `within_days` days (365) after
the day of the last discard. An episode (the leads of one account that follow each other within 180 days) is
discarded where every lead of it was rejected, or every opportunity of it was lost. Episodes of existing
clients, and of accounts that became clients on or before that day, are left out.

**Estimand.** The share in the process of giving up. **Interval.** Wilson's on the effective number of episodes,
accounts being what repeats. **Margin.** 10 %: of ten that are given up one may come back by itself; who keeps
more than that in view has to give up more than it brings. **Minimum.** 100 episodes.

**Worked example.** Six accounts whose leads were all rejected on 1 March 2025: one bought on 1 June 2025, one
on 28 February 2026 (day 364), one on 15 March 2026 (day 379), three never. Two of six: gap = 33.3 %.

**When it lies.** A duplicate that is rejected because the same person is worked elsewhere is no discard:
merge first. Who comes back within the episode and is then taken was not given up, and is not counted. Buying
later does not say that more work would have made it sooner.

**What to do.** Give back to marketing what is too early, with a date, instead of closing it; look at what the
late buyers had in common.

**Literature.** Sabnis, Chatterjee, Grewal and Lilien (2013), The Sales Lead Black Hole, Journal of Marketing
77. Homburg and Jensen (2007), The Thought Worlds of Marketing and Sales, Journal of Marketing 71. Korn and
Graubard (1998), Survey Methodology 24. Maller and Zhou (1996), Survival Analysis with Long-Term Survivors.
"""

from __future__ import annotations

from datetime import date

import ibis
import pandas as pd

from alignment_toolkit.indicator import (
    CLIENT_SIGNS,
    DEAL_ENDS,
    LEAD_ENDS,
    Data,
    Observation,
    evidence,
    indicator,
)
from alignment_toolkit.indicator.parts import without_rate
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Chart, Column, Guard, Measure, Money
from alignment_toolkit.statistics.clustered import share_of_rows
from alignment_toolkit.statistics.cure import long_run_share

QUARTERS = ((0, 91), (91, 182), (182, 273), (273, 365))
DUPLICATES = 0.2


@indicator(
    question="Are leads discarded that would have bought later?",
    title="Few of the leads that were given up buy later",
    failure_title="Many of the leads that were given up buy later all the same",
    nature="tactical",
    area="handover",
    kind="level",
    unit="share",
    margin=0.10,
    enough={"episodes": 100},
    window="mature-365-days",
    population="episodes given up in a stretch of the period's length that ended a year ago or more",
    relations=("discarded_episodes",),
    uses_relations=("client_values", "first_touches"),
    uses={"leads": ("referred_by", "reject_reason", "lead_id", "account_id", "created_at")},
    looked_up=("leads", "client_values", "first_touches"),
    outcomes={"leads": LEAD_ENDS, "opportunities": DEAL_ENDS, "accounts": CLIENT_SIGNS},
    says=(
        "{gap} of the episodes that were given up became clients within {within_days} days all the same (leads of one "
        "account that follow each other are one episode)."
    ),
    who=("sales", "marketing"),
    advice=(
        "Give back what is too early instead of closing it, with a date on which marketing brings it again. Read the "
        "late buyers together: what did they have in common?"
    ),
    innocent={
        "marketing": "A lead that comes early is still a lead; nobody can know the month in which a budget is passed.",
        "sales": "Time is short, and a lead that is given up today may rightly be a client of next year.",
    },
)
def discarded_leads(data: Data, window: Period, *, within_days: int = 365) -> Observation:
    """Not every lead must sell at once.

    Somebody who does not buy this quarter may buy next year, from whoever is still in touch. A lead that was closed and
    has to be found again is paid for twice.
    """
    t = data.relation("discarded_episodes")
    rows = data.fetch(
        t.filter(t.discarded_on >= ibis.date(window.start), t.discarded_on < ibis.date(window.end)).order_by(
            ["discarded_on", "episode_id"]
        )
    )
    gone, since = pd.to_datetime(rows.discarded_on), pd.to_datetime(rows.client_since)
    rows["days"] = (since - gone).dt.days
    known = data.known_until("discarded_episodes") or window.last
    bought = rows.days.notna() & (rows.days <= within_days) & (since <= pd.Timestamp(known))
    own = rows.account_id.fillna(rows.episode_id)
    gap = share_of_rows(bought, n_unit="episodes", accounts=own)
    shown = rows[bought].sort_values(["days", "episode_id"])
    columns = [
        Column("episode_id", say("Episode, by its first lead"), None, "id"),
        Column("account_id", say("Account"), None, "id"),
        Column("discarded_on", say("Given up"), None, "time"),
        Column("discarded_by", say("By"), None, "dimension"),
        Column("client_since", say("Client since"), None, "time"),
        Column("days", say("Days later"), "days", "measure"),
    ]
    columns += [Column("campaign_id", say("Brought by"), None, "id")] if "campaign_id" in rows.columns else []
    money, unrated = _money(data, rows[bought])
    return Observation(
        gap=gap,
        measures=_measures(data, rows, bought, own, known),
        money=money,
        guards=[*_guards(data, rows), *without_rate(unrated, say("what these clients brought is not told"))],
        evidence=evidence(shown, columns),
        chart=_chart(rows, bought, within_days),
    )


def _measures(
    data: Data, rows: pd.DataFrame, bought: pd.Series, own: pd.Series, known: date
) -> list[Measure]:
    found = []
    words = {"rejected": say("given back"), "lost": say("lost as a deal")}
    for by, label in words.items():
        here = rows.discarded_by == by
        if here.any():
            told = share_of_rows(bought[here], n_unit="episodes", accounts=own[here])
            found.append(
                Measure.of(f"after_{by}", say("Of those {label}, became clients", label=label), told.estimate)
            )
    if data.has_relation("first_touches") and len(rows):
        t = data.relation("first_touches")
        met = data.fetch(t.filter(t.first_touched_at.notnull()).select("lead_id"))
        cold = ~rows.episode_id.isin(set(met.lead_id))
        if cold.any():
            told = share_of_rows(bought[cold], n_unit="episodes", accounts=own[cold])
            label = say("Of those whose first lead sales never contacted, became clients")
            found.append(Measure.of("never_contacted", label, told.estimate))
    if len(rows):
        waited = rows.days.where(
            rows.days.notna(), (pd.Timestamp(known) - pd.to_datetime(rows.discarded_on)).dt.days
        )
        ever = long_run_share(waited, rows.days.notna(), n_unit="episodes")
        if ever.estimate.value is not None:
            found.append(Measure.of("in_the_end", say("Will have become clients in the end"), ever.estimate))
    if data.has("leads", "referred_by") and len(rows):
        leads = data["leads"]
        named = data.fetch(leads.filter(leads.referred_by.notnull()).select("referred_by").distinct())
        left = ~bought & rows.account_id.notna()
        if left.any():
            told = share_of_rows(
                rows.account_id[left].isin(set(named.referred_by)), n_unit="episodes", accounts=own[left]
            )
            found.append(
                Measure.of("refer_others", say("Did not buy, and recommended us to others"), told.estimate)
            )
    return found


def _money(data: Data, late: pd.DataFrame) -> tuple[Money | None, str | None]:
    """Give what the late buyers brought in their first year: lost, had they not come back by themselves.

    Where an amount has no rate, give its currency and day in the place of a sum.
    """
    if late.empty or not data.has_relation("client_values"):
        return None, None
    t = data.relation("client_values")
    ids = sorted({*late.account_id.dropna(), *late.episode_id[late.account_id.isna()]})
    t = t.filter(t.client_id.isin(ids))
    if unrated := data.unrated(t):
        return None, unrated
    own = data.fetch(t.aggregate(value=t.first_year_revenue.sum().cast("float64")))
    value = float(own.value[0]) if own.value.notna()[0] else None
    basis = say(
        "arithmetical: the first year's revenue, so far, of those who were given up and bought all the same: it came "
        "in, and nobody had counted on it"
    )
    return (None if value is None else Money(value, value, value, data.currency, basis)), None


def _guards(data: Data, rows: pd.DataFrame) -> list[Guard]:
    if not data.has("leads", "reject_reason") or rows.empty:
        return []
    leads = data["leads"].filter(data["leads"].reject_reason.lower().contains("dup"))
    twice = data.fetch(leads.select("lead_id"))
    share = float(rows.episode_id.isin(set(twice.lead_id)).mean())
    if share < DUPLICATES:
        return []
    said = say(
        "{share:.0f} % of these episodes began with a lead that was rejected as a duplicate",
        share=100 * share,
    )
    return [Guard("join_health", say("{said}: merging the accounts would take them out.", said=said))]


def _chart(rows: pd.DataFrame, bought: pd.Series, within: int) -> Chart | None:
    if rows.empty:
        return None
    points, total = [], len(rows)
    for low, high in QUARTERS:
        here = int((bought & (rows.days > low) & (rows.days <= high)).sum())
        points.append(
            {
                "days_later": say("{low} to {high}", low=low + 1, high=high),
                "became_clients": here / total,
                "n": here,
            }
        )
    title = say(
        "{bought:,} of {total:,} episodes that were given up became clients within {within} days",
        bought=int(bought.sum()),
        total=total,
        within=within,
    )
    return Chart("bars", "days_later", "became_clients", rows=tuple(points), title=title)
