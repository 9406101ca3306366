"""Are leads followed up as they asked?

**Question.** Does sales answer a lead by the channel that the lead, or the campaign, asked for?

**Gap.** The share of first follow-ups by another channel than expected. Expected is the contact's
`contacts.preferred_channel`, else the campaign's `campaigns.follow_up_channel`, else how the person answered,
`leads.response_channel`; a lead without any of these is not counted, and where it came from
(`leads.channel`) says nothing of how to answer. The first follow-up is the first outbound touch by sales that
is not automated, at or after `leads.qualified_at`, linked by lead, else by contact, else by account. Of several
by different channels at the same moment none is known to be the first: left out (guard `join_health`).

**Estimand.** The share in the process of following up by the people who did so in the period: it says what
happened, not what other people, or these in another period, would do. **Interval.** Wilson's on the effective number
of follow-ups, accounts being what repeats. **Margin.** 20 %: one answer in five may take another way for good
reason. **Minimum.** 50 follow-ups with an expectation.

**Worked example.** Six leads: 1 prefers e-mail and gets e-mail; 2 prefers the phone, its campaign says e-mail,
it gets the phone; 3's campaign says phone and it gets e-mail; 4 answered by chat and gets the phone; 5
answered by e-mail and gets e-mail; 6 asked for nothing and is left out. Two of five: gap = 40 %.

**When it lies.** Salespeople phone the better leads, so that a mismatch can look as if it helped: the
difference in becoming a client is taken among leads of like scores (guard `simpson`). An e-mail answered by
phone may be what the sender hoped for (measure "written to, but phoned"). A web form is no channel that
anybody can be called back by: set `campaigns.follow_up_channel` where forms are common.

**What to do.** Put the channel that the person asked for next to the name, and ask for it in the form.

**Literature.** Neslin and others (2006), Challenges and Opportunities in Multichannel Customer Management,
Journal of Service Research 9. Mantel and Haenszel (1959), JNCI 22. VanderWeele and Ding (2017), Annals of
Internal Medicine 167.
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

ASKED_BY = {
    "contact": noted("the contact's preference"),
    "campaign": noted("the campaign's follow-up channel"),
    "response": noted("the way in which the person answered"),
}

UNTOLD = noted("first follow-ups had no channel, or several at the same moment")


@indicator(
    question="Are leads followed up as they asked?",
    title="Most leads are followed up by the channel they asked for",
    failure_title="Many leads are followed up by another channel than they asked for",
    nature="tactical",
    area="message",
    kind="level",
    unit="share",
    margin=0.20,
    enough={"follow-ups with an expectation": 50},
    window="period",
    population="first follow-ups of leads handed over in the period who asked for a channel",
    needs={"touches": ("channel",)},
    any_of=(
        {"leads": ("contact_id",), "contacts": ("contact_id", "preferred_channel")},
        {"leads": ("campaign_id",), "campaigns": ("campaign_id", "follow_up_channel")},
        {"leads": ("response_channel",)},
    ),
    uses={
        "leads": (
            "account_id",
            "contact_id",
            "campaign_id",
            "response_channel",
            "marketing_score",
            "received_by",
        ),
        "touches": ("actor",),
        "contacts": ("contact_id", "preferred_channel"),
        "campaigns": ("campaign_id", "follow_up_channel"),
    },
    relations=("first_touches",),
    uses_relations=("lead_outcomes",),
    kpis=("arpu",),
    looked_up=("touches", "contacts", "campaigns"),
    outcomes={"leads": LEAD_ENDS},
    says="{gap} of the first follow-ups came by another channel than the one that was asked for.",
    who=("sales", "marketing"),
    advice=(
        "Show the channel that was asked for next to the lead's name, ask for it in the form, and let sales say which "
        "of these wishes cannot be met."
    ),
    innocent={
        "marketing": "A form may ask for a channel that few people think about when they fill it in.",
        "sales": "A call may have been the quicker and kinder answer to an e-mail, or the number was all there was.",
    },
)
def channel_mismatch(data: Data, window: Period, *, horizon_days: int = 90) -> Observation:
    """Somebody who asks for an e-mail has a reason, and so has somebody who asks for a call.

    Who is answered in another way than asked feels not listened to before a word is said.
    """
    told = _answered(data)
    inside = told.filter(told.qualified_at >= str(window.start), told.qualified_at < str(window.end))
    rows = data.fetch(inside.order_by(["qualified_at", "lead_id"]))
    known = rows[rows.touch_channel.notna()].reset_index(drop=True)
    differs = known.touch_channel != known.expected
    gap = share_of_rows(differs, n_unit="follow-ups", accounts=known.account_id)
    both = told.filter(told.touch_channel.notnull())
    cases = both.select(
        "lead_id",
        "expected",
        **whose(both, "touch_actor", "received_by"),
        pointed_at=both.touch_channel != both.expected,
        band=score_band(both),
    )
    became = conversion(
        data,
        cases,
        window,
        strata=("expected", "band"),
        others=say("followed up as they asked"),
        those=say("followed up by another channel"),
        horizon_days=horizon_days,
    )
    shown = known[differs].sort_values(["first_touched_at", "lead_id"], ascending=[False, True])
    return Observation(
        gap=gap,
        counts={"follow-ups with an expectation": len(known)},
        measures=[*_measures(known, differs), *became.measures],
        money=became.money(data, int(differs.sum()), say("leads followed up by another channel")),
        guards=[*left_out(len(rows), len(known), say(UNTOLD)), *became.guards],
        evidence=evidence(
            shown.assign(asked_by=shown.asked_by.map(say)),
            [
                Column("lead_id", say("Lead"), None, "id"),
                Column("first_touched_at", say("First follow-up"), None, "time"),
                Column("expected", say("Asked for"), None, "dimension"),
                Column("asked_by", say("Says"), None, "dimension"),
                Column("touch_channel", say("Came by"), None, "dimension"),
            ],
        ),
        chart=_chart(known, differs),
    )


def _answered(data: Data) -> ibis.Table:
    """Give the leads that sales has answered and that asked for a channel, with what they asked for."""
    t = answered(data)
    asked = {}
    if "contact_id" in t.columns and data.has("contacts", "contact_id", "preferred_channel"):
        contacts = data["contacts"]
        contacts = contacts.select(_contact=contacts.contact_id, _preferred=contacts.preferred_channel)
        t = t.left_join(contacts, t.contact_id == contacts._contact)
        asked["contact"] = "_preferred"
    if "campaign_id" in t.columns and data.has("campaigns", "campaign_id", "follow_up_channel"):
        campaigns = data["campaigns"]
        campaigns = campaigns.select(_campaign=campaigns.campaign_id, _planned=campaigns.follow_up_channel)
        t = t.left_join(campaigns, t.campaign_id == campaigns._campaign)
        asked["campaign"] = "_planned"
    if "response_channel" in t.columns:
        asked["response"] = "response_channel"
    says = ibis.cases(
        *[(t[c].notnull(), ibis.literal(ASKED_BY[by])) for by, c in asked.items()], else_=ibis.null("string")
    )
    t = t.mutate(expected=ibis.coalesce(*[t[c] for c in asked.values()]), asked_by=says)
    kept = [
        "lead_id",
        "qualified_at",
        "account_id",
        "first_touched_at",
        "touch_channel",
        "expected",
        "asked_by",
    ]
    kept += [c for c in ("marketing_score", "campaign_id", "touch_actor", "received_by") if c in t.columns]
    return t.filter(t.expected.notnull()).select(kept)


def _measures(known: pd.DataFrame, differs: pd.Series) -> list[Measure]:
    found = []
    for by, own in known.assign(differs=differs).groupby("asked_by", sort=True):
        told = share_of_rows(own.differs, n_unit="follow-ups", accounts=own.account_id)
        name = next(k for k, words in ASKED_BY.items() if words == by)
        found.append(
            Measure.of(
                f"against_{name}", say("By another channel than {by} tells", by=say(str(by))), told.estimate
            )
        )
    written = known[known.expected == "email"]
    if len(written):
        told = share_of_rows(
            written.touch_channel == "phone", n_unit="follow-ups", accounts=written.account_id
        )
        found.append(Measure.of("phoned_instead", say("E-mail was asked for, a call came"), told.estimate))
    return found


def _chart(known: pd.DataFrame, differs: pd.Series) -> Chart | None:
    if known.empty:
        return None
    title = say(
        "{differs:,} of {known:,} leads were followed up by the channel they asked for",
        differs=int((~differs).sum()),
        known=len(known),
    )
    return count_matrix(
        known, "touch_channel", "expected", words=(say("came by "), say("asked for ")), title=title
    )
