"""Is sales trained before the leads of a campaign come?

**Question.** How many leads of campaigns go to somebody who was not trained on the campaign or its product
before?

**Gap.** The share of campaigns' leads handed over in the window (`leads.qualified_at`) whose receiver
(`leads.received_by`) had no training (`training`) on the lead's campaign, nor on the campaign's product,
dated on the day of the hand-over or before (which of the two came first on that day is not known).

**Estimand.** The share in the process of training and handing over. **Interval.** Wilson's on the effective
number of leads, receivers or campaigns being what repeats, whichever gives the wider one: a training is taken
by a person, for all leads of that product. **Margin.** 20 %: newcomers and stand-ins may take one lead in
five. **Minimum.** 50 leads.

**Worked example.** Six leads of a campaign for product A, handed over on 10 July. Ann was trained on A on
1 July and gets three; Ben was trained on the campaign on 9 July and gets one; Cem was trained on A on 20 July
and gets one; Dora was never trained and gets one. Two of six: gap = 33.3 %.

**Beside the gap.** Sales' part of what both departments spent on these campaigns: the front of a launch
against its back, where lines of spend by sales name campaigns.

**When it lies.** People learn from each other and from papers; a training that is not recorded did not happen
here (guard `logging`). The better people are often trained first, so that what trained people achieve is not
what training achieves: compare leads of both kinds of the same people (measure "same person"). Where leads became
clients more often without the training, the finding says so (guard `other_way`).

**What to do.** Plan the training with the campaign, before the first advertisement, and let the leads of a
launch go to those who have had it.

**Literature.** Ahearne, Jelinek and Rapp (2005), Moving beyond the direct effect of SFA adoption on
salesperson performance, Industrial Marketing Management 34. Korn and Graubard (1998), Survey Methodology 24.
Sato (1989), Biometrics 45. Klingenberg (2014), Statistics in Medicine 33. VanderWeele and Ding (2017), Annals of
Internal Medicine 167.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import ibis
import pandas as pd

from alignment_toolkit.indicator import LEAD_ENDS, Data, Observation, evidence, indicator
from alignment_toolkit.indicator.conversion import Conversion, conversion, score_band, whose
from alignment_toolkit.indicator.parts import without_rate
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.relations import alive, day
from alignment_toolkit.results import Chart, Column, Guard, Measure, Money
from alignment_toolkit.statistics.clustered import share_of_rows
from alignment_toolkit.statistics.shares import clustered_part

LONG_AGO = 365


@indicator(
    question="Is sales trained before the leads of a campaign come?",
    title="Leads of campaigns go to people trained for them",
    failure_title="Leads of campaigns go to people not trained for them",
    nature="tactical",
    area="message",
    kind="level",
    unit="share",
    margin=0.20,
    enough={"leads": 50},
    window="period",
    population="leads of campaigns handed over in the period, with a known receiver",
    needs={
        "leads": ("lead_id", "qualified_at", "campaign_id", "received_by"),
        "campaigns": ("campaign_id",),
        "training": ("actor", "trained_on"),
    },
    any_of=(
        {"campaigns": ("product_id",), "training": ("product_id",)},
        {"training": ("campaign_id",)},
    ),
    uses={
        "leads": ("account_id", "marketing_score", "deleted_at"),
        "campaigns": ("product_id", "name"),
        "training": ("product_id", "campaign_id"),
        "spend": ("campaign_id", "amount", "spent_on", "department"),
    },
    uses_relations=("lead_outcomes",),
    looked_up=("campaigns", "training"),
    outcomes={"leads": LEAD_ENDS},
    says="{gap} of the campaigns' leads went to somebody with no training on record for the campaign or its product.",
    who=("sales", "marketing"),
    advice=(
        "Plan the training with the campaign, before the first advertisement. Until everybody has had it, hand the "
        "leads of a launch to those who have."
    ),
    innocent={
        "marketing": "The date of a launch may have been set by others, with no time left for a training.",
        "sales": "What is needed may have been learnt at work, from colleagues or papers, without a record.",
    },
)
def untrained_launch(data: Data, window: Period, *, horizon_days: int = 90) -> Observation:
    """A campaign that calls people to act sends them to somebody who should know what it is about.

    Money spent on the front of a launch brings less where the back is not ready: the lead asks, and hears that somebody
    will find out.
    """
    handed = _handed(data)
    inside = handed.filter(handed.qualified_at >= str(window.start), handed.qualified_at < str(window.end))
    rows = data.fetch(inside.order_by(["qualified_at", "lead_id"]))
    untrained = rows.untrained.astype(bool)
    gap = share_of_rows(untrained, n_unit="leads", receivers=rows.received_by, campaigns=rows.campaign_id)
    words: dict[str, Any] = {
        "others": say("received by people trained for them"),
        "those": say("received by people not trained for them"),
        "horizon_days": horizon_days,
    }
    cases = handed.select(
        "lead_id", **whose(handed, "received_by"), pointed_at=handed.untrained, band=score_band(handed)
    )
    became = conversion(data, cases, window, strata=("band",), **words)
    same = conversion(data, cases, window, strata=("people", "band"), **words)
    surprise = [g for g in same.guards if g.guard == "other_way" and g not in became.guards]
    return Observation(
        gap=gap,
        measures=[*_measures(rows, became, same), *_back(data, rows, window)],
        money=_money(data, rows, window),
        guards=[
            *(_guards(data, rows) if untrained.any() else []),
            *became.guards,
            *surprise,
            *_unrated(data, rows, window),
        ],
        evidence=evidence(*_by_campaign(data, rows)),
        chart=_chart(rows, data.margin),
    )


def _handed(data: Data) -> ibis.Table:
    """Give the campaigns' leads handed to somebody, and whether that person was trained for them by that day."""
    leads, campaigns, training = alive(data["leads"], "qualified_at"), data["campaigns"], data["training"]
    t = leads.filter(leads.qualified_at.notnull(), leads.campaign_id.notnull(), leads.received_by.notnull())
    first = []
    for key in ("campaign_id", "product_id"):
        if key not in training.columns:
            continue
        if key == "product_id":
            if "product_id" not in campaigns.columns:
                continue
            sold = campaigns.select(_campaign=campaigns.campaign_id, product_id=campaigns.product_id)
            t = t.left_join(sold, t.campaign_id == sold._campaign).drop("_campaign")
        taken = training.filter(training[key].notnull())
        taken = taken.group_by(_actor=taken.actor, _on=taken[key]).aggregate(_since=taken.trained_on.min())
        t = t.left_join(taken, [t.received_by == taken._actor, t[key] == taken._on])
        t = t.mutate(**{f"since_{key}": t._since}).drop("_actor", "_on", "_since")
        first.append(f"since_{key}")
    never = ibis.date(date(9999, 12, 31))
    since = ibis.least(*[t[c].fill_null(never) for c in first])
    kept = ["lead_id", "qualified_at", "campaign_id", "received_by"]
    kept += [c for c in ("marketing_score",) if c in t.columns]
    return t.select(*kept, trained_on=since.nullif(never), untrained=since > day(t.qualified_at))


def _measures(rows: pd.DataFrame, became: Conversion, same: Conversion) -> list[Measure]:
    found = list(became.measures)
    for m in same.measures:
        label = say("The same, only of people who received leads of both kinds")
        found.append(Measure(**{**vars(m), "name": "same_person", "label": label}))
    if len(rows):
        told = share_of_rows(
            rows.trained_on.isna(), n_unit="leads", receivers=rows.received_by, campaigns=rows.campaign_id
        )
        found.append(
            Measure.of(
                "never_trained", say("Received by somebody not trained on it to this day"), told.estimate
            )
        )
    return found


def _back(data: Data, rows: pd.DataFrame, window: Period) -> list[Measure]:
    """Give the part of sales in what both departments spent on these campaigns: the back of the launch."""
    if rows.empty or not data.has("spend", "campaign_id", "amount", "spent_on", "department"):
        return []
    t = data.money("spend")
    t = t.filter(t.spent_on >= ibis.date(window.start), t.spent_on < ibis.date(window.end))
    t = t.filter(t.campaign_id.notnull(), t.amount > 0)
    if data.unrated(t):
        return []
    back = (t.department.fill_null("marketing") == "sales").ifelse(t.amount, 0)
    by = data.fetch(
        t.group_by("campaign_id").aggregate(
            back=back.sum().cast("float64"), whole=t.amount.sum().cast("float64")
        )
    )
    own = by[by.campaign_id.isin(set(rows.campaign_id))].sort_values("campaign_id")
    if not float(by.back.sum()) or own.empty:  # what sales spends is not told by campaign
        return []
    p, w = own.back.to_numpy(), own.whole.to_numpy()
    e = clustered_part(p.sum(), w.sum(), p @ p, p @ w, w @ w, len(own), n_unit="campaigns")
    label = say("Sales' part of what both departments spent on these campaigns")
    return [Measure.of("back_spend", label, e)]


def _unrated(data: Data, rows: pd.DataFrame, window: Period) -> list[Guard]:
    if rows.empty or not data.has("spend", "campaign_id", "amount", "spent_on"):
        return []
    t = data.money("spend")
    t = t.filter(t.spent_on >= ibis.date(window.start), t.spent_on < ibis.date(window.end))
    return without_rate(data.unrated(t), say("what was spent on these campaigns may not be told"))


def _money(data: Data, rows: pd.DataFrame, window: Period) -> Money | None:
    """Give the campaigns' spend of the window that called for leads nobody was trained for."""
    if rows.empty or not data.has("spend", "campaign_id", "amount", "spent_on"):
        return None
    t = data.money("spend")
    t = t.filter(t.spent_on >= ibis.date(window.start), t.spent_on < ibis.date(window.end))
    if "department" in t.columns:
        t = t.filter(t.department.fill_null("marketing") == "marketing")
    if data.unrated(t):
        return None
    spent = data.fetch(t.group_by("campaign_id").aggregate(spent=t.amount.sum().cast("float64")))
    shares = rows.groupby("campaign_id").untrained.mean()
    # Of nothing but missing campaigns pandas makes a column of texts.
    spent["share"] = spent.campaign_id.map(shares).astype(float)
    value = float((spent.spent * spent.share).sum())
    basis = say(
        "arithmetical: each campaign's spend of the period x the share of its leads that went to "
        "untrained people"
    )
    return Money(value, value, value, data.currency, basis) if value > 0 else None


def _guards(data: Data, rows: pd.DataFrame) -> list[Guard]:
    t = data["training"]
    counted = data.fetch(t.aggregate(last=t.trained_on.max(), people=t.actor.nunique()))
    people, receivers = int(counted.people[0] or 0), rows.received_by.nunique()
    last = counted["last"][0]
    told = []
    if len(rows) and (people == 0 or last != last or last is None):
        told.append(say("no training is recorded at all"))
    elif len(rows):
        since = (pd.Timestamp(rows.qualified_at.max()) - pd.Timestamp(last)).days
        if since > LONG_AGO:
            told.append(
                say(
                    "the last training that is recorded dates from {day:%Y-%m-%d}",
                    day=pd.Timestamp(last),
                )
            )
        elif people < receivers / 2:
            told.append(
                say(
                    "people with a training on record: {people:,}; people who receive leads: {receivers:,}",
                    people=people,
                    receivers=receivers,
                )
            )
    return [
        Guard("logging", say("About trainings: {each}. The record may not be whole.", each=each))
        for each in told
    ]


def _by_campaign(data: Data, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[Column]]:
    by = rows.groupby("campaign_id")
    shown = by.agg(
        leads=("lead_id", "size"), untrained=("untrained", "sum"), people=("received_by", "nunique")
    )
    shown = shown.reset_index().assign(share=lambda t: t.untrained / t.leads)
    shown = shown.sort_values(["untrained", "campaign_id"], ascending=[False, True])
    columns = [Column("campaign_id", say("Campaign"), None, "id")]
    if data.has("campaigns", "name"):
        names = data.fetch(data["campaigns"].select("campaign_id", "name"))
        shown = shown.merge(names, on="campaign_id", how="left", validate="many_to_one")
        columns.append(Column("name", say("Its name"), None, "dimension"))
    return shown, [
        *columns,
        Column("leads", say("Leads handed over"), "count", "measure"),
        Column("untrained", say("To people not trained for it"), "count", "measure"),
        Column("share", say("Share of them"), "share", "measure"),
        Column("people", say("People who received leads"), "count", "measure"),
    ]


def _chart(rows: pd.DataFrame, margin: float) -> Chart | None:
    if rows.empty:
        return None
    by = rows.groupby("campaign_id").untrained.agg(["size", "sum"])
    by = by.sort_values(["size"], ascending=False, kind="stable").head(12)
    shown = tuple(
        {"campaign": str(name), "share": float(r["sum"] / r["size"]), "n": int(r["size"])}
        for name, r in by.iterrows()
    )
    untrained = int(rows.untrained.sum())
    title = say(
        "{untrained:,} of {rows:,} leads of campaigns went to people not trained for them",
        untrained=untrained,
        rows=len(rows),
    )
    return Chart("bars", "campaign", "share", rows=shown, reference=margin, title=title)
