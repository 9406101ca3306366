"""Does the follow-up carry the campaign's message?

**Question.** When sales speaks to a lead for the first time, does it go on where the campaign left off?

**Gap.** The share of first follow-ups whose theme (`touches.theme`) differs from that of the lead's campaign
(`campaigns.theme`). The first follow-up is the first outbound touch by sales that is not automated, at or
after `leads.qualified_at`, linked by lead, else by contact, else by account; leads handed over in the window
count.

**Estimand.** The share in the process of following up by the people who did so in the period: it says what
happened, not what other people, or these in another period, would do. **Interval.** Wilson's on the effective number
of follow-ups, accounts being what repeats. **Margin.** 20 %: one talk in five may open with something else for
good reason. **Minimum.** 50 follow-ups.

**Worked example.** Six leads of campaigns on speed (1 to 4) and service (5, 6). The first follow-ups speak of
speed, speed, speed, service, service, speed: two of six differ, gap = 33.3 %.

**When it lies.** New material of a later campaign reads as another message (measure "a newer campaign's").
Good sellers drop the campaign's theme where the lead has another need (measure "the lead's own need"): that
is listening. A follow-up without a theme is left out (guard `join_health`), and so are several of the same
moment on different themes: none of them is known to be the first.

**What to do.** Give sales the campaign's page before the leads come, in three lines: who was asked, what was
promised, what to say first.

**Literature.** Rouziès and others (2005), Sales and Marketing Integration, Journal of Personal Selling and
Sales Management 25. Mantel and Haenszel (1959), JNCI 22. Sato (1989), Biometrics 45. Klingenberg (2014), Statistics in
Medicine 33. VanderWeele and Ding (2017), Annals of Internal Medicine 167.
"""

from __future__ import annotations

import ibis
import pandas as pd

from alignment_toolkit.indicator import LEAD_ENDS, Data, Observation, evidence, indicator
from alignment_toolkit.indicator.conversion import conversion, score_band, whose
from alignment_toolkit.indicator.parts import answered, count_matrix, left_out
from alignment_toolkit.languages import noted, say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Chart, Column, Measure
from alignment_toolkit.statistics.clustered import share_of_rows

UNTOLD = noted("first follow-ups had no theme or several at the same moment, or their campaign had none")


@indicator(
    question="Does the follow-up carry the campaign's message?",
    title="Most follow-ups take up the campaign's message",
    failure_title="Many follow-ups carry another message than the campaign",
    nature="tactical",
    area="message",
    kind="level",
    unit="share",
    margin=0.20,
    enough={"follow-ups": 50},
    window="period",
    population="first follow-ups of campaigns' leads handed over in the period",
    needs={
        "leads": ("campaign_id",),
        "campaigns": ("campaign_id", "theme"),
        "touches": ("theme",),
    },
    uses={
        "leads": ("account_id", "marketing_score", "need", "received_by"),
        "campaigns": ("product_id", "starts_on"),
        "touches": ("actor",),
    },
    relations=("first_touches",),
    uses_relations=("lead_outcomes",),
    kpis=("arpu",),
    looked_up=("touches", "campaigns"),
    outcomes={"leads": LEAD_ENDS},
    says="{gap} of the first follow-ups speak of something else than the campaign that brought the lead.",
    who=("marketing", "sales"),
    advice=(
        "Hand a campaign over in three lines before its leads come: who was asked, what was promised, what to say "
        "first. Let sales say which of it does not work in a talk."
    ),
    innocent={
        "marketing": "The campaign's message may have been meant to open a door, and no more.",
        "sales": "The lead may have asked for something else, or newer material may have been at hand.",
    },
)
def message_mismatch(data: Data, window: Period, *, horizon_days: int = 90) -> Observation:
    """Somebody who answers one message and hears another has to start again.

    What the campaign promised is what the lead remembers of you. A first talk that takes it up saves half of the way;
    one that does not makes two companies of yours.
    """
    told = _answered(data)
    inside = told.filter(told.qualified_at >= str(window.start), told.qualified_at < str(window.end))
    rows = data.fetch(inside.order_by(["qualified_at", "lead_id"]))
    known = rows[rows.touch_theme.notna() & rows.theme.notna()].reset_index(drop=True)
    differs = known.touch_theme != known.theme
    gap = share_of_rows(differs, n_unit="follow-ups", accounts=known.account_id)
    both = told.filter(told.touch_theme.notnull(), told.theme.notnull())
    cases = both.select(
        "lead_id",
        **whose(both, "touch_actor", "received_by"),
        pointed_at=both.touch_theme != both.theme,
        band=score_band(both),
    )
    became = conversion(
        data,
        cases,
        window,
        strata=("campaigns", "band"),
        others=say("followed up with the campaign's message"),
        those=say("followed up with another message"),
        horizon_days=horizon_days,
    )
    return Observation(
        gap=gap,
        counts={"follow-ups": len(known)},
        measures=[*_measures(data, known[differs]), *became.measures],
        money=became.money(data, int(differs.sum()), say("leads followed up with another message")),
        guards=[*left_out(len(rows), len(known), say(UNTOLD)), *became.guards],
        evidence=evidence(
            known[differs].sort_values(["first_touched_at", "lead_id"], ascending=[False, True]),
            [
                Column("lead_id", say("Lead"), None, "id"),
                Column("first_touched_at", say("First follow-up"), None, "time"),
                Column("campaign_id", say("Campaign"), None, "id"),
                Column("theme", say("The campaign speaks of"), None, "dimension"),
                Column("touch_theme", say("The follow-up speaks of"), None, "dimension"),
                *(
                    [Column("need", say("The lead needs"), None, "dimension")]
                    if "need" in known.columns
                    else []
                ),
            ],
        ),
        chart=_chart(known, differs),
    )


def _answered(data: Data) -> ibis.Table:
    """Give the leads that sales has answered, each with its campaign's theme."""
    t, campaigns = answered(data), data["campaigns"]
    columns = {f"campaign_{c}": campaigns[c] for c in ("product_id", "starts_on") if c in campaigns.columns}
    campaigns = campaigns.select(_campaign=campaigns.campaign_id, theme=campaigns.theme, **columns)
    kept = ["lead_id", "qualified_at", "account_id", "campaign_id", "first_touched_at", "touch_theme"]
    kept += [c for c in ("marketing_score", "need", "touch_actor", "received_by") if c in t.columns]
    t = t.filter(t.campaign_id.notnull()).select(kept)
    return t.left_join(campaigns, t.campaign_id == campaigns._campaign).drop("_campaign")


def _measures(data: Data, apart: pd.DataFrame) -> list[Measure]:
    """Say what the other message was: the lead's own need, or that of a newer campaign for the same product."""
    found = []
    if "need" in apart.columns:
        own = apart.touch_theme == apart.need
        told = share_of_rows(own, n_unit="follow-ups with another message", accounts=apart.account_id)
        found.append(Measure.of("own_need", say("Of these, speak of the lead's own need"), told.estimate))
    if {"campaign_product_id", "campaign_starts_on"} <= set(apart.columns):
        every = data.fetch(data["campaigns"].select("product_id", "theme", "starts_on").drop_null())
        pairs = apart.reset_index(drop=True).reset_index()
        pairs = pairs.merge(
            every.rename(columns={"theme": "_theme", "starts_on": "_since"}),
            left_on=["campaign_product_id", "touch_theme"],
            right_on=["product_id", "_theme"],
        )
        since = pd.to_datetime(pairs._since)
        newer = (since > pd.to_datetime(pairs.campaign_starts_on)) & (since <= pairs.first_touched_at)
        told = share_of_rows(
            pd.Series(range(len(apart))).isin(pairs["index"][newer]),
            n_unit="follow-ups with another message",
            accounts=apart.account_id,
        )
        label = say("Of these, speak of a newer campaign's theme for the same product")
        found.append(Measure.of("newer_material", label, told.estimate))
    return found


def _chart(known: pd.DataFrame, differs: pd.Series) -> Chart | None:
    if known.empty:
        return None
    title = say(
        "{differs:,} of {known:,} first follow-ups take up the campaign's message",
        differs=int((~differs).sum()),
        known=len(known),
    )
    return count_matrix(
        known, "touch_theme", "theme", words=(say("follow-up: "), say("campaign: ")), title=title
    )
