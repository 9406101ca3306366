"""Does the message meet the need?

**Question.** Of the people who answered a campaign, how many need something else than the campaign speaks of?

**Gap.** The share of leads created in the window whose stated need (`leads.need`) differs from their
campaign's theme (`campaigns.theme`), over leads of which both are known.

**Estimand.** The share in the process that brings the leads. **Interval.** Wilson's on the effective number
of leads, accounts or campaigns being what repeats, whichever gives the wider one: a theme is chosen once for
all leads of a campaign. **Margin.** 20 %: one lead in five may come for another reason than the advertised
one without anything being wrong. **Minimum.** 100 leads, and two needs that at least 5 % of them state (where
everybody needs the same, agreement says nothing).

**Worked example.** Six leads. Theme and need: speed and speed, speed and speed, speed and service, service
and service, service and service, service and speed. Two of six differ: gap = 33.3 %. Chance alone would give
an agreement of one half here; Gwet's AC1 = 0.33.

**When it lies.** Where the form suggests a need, or sales fills it in from the campaign, need and theme agree
by construction. A campaign of wide reach brings people with all sorts of needs, and may be worth its money
all the same. Leads without a stated need are left out (guard `join_health`).

**What to do.** Look at the themes that bring the wrong needs: change the message, or the audience that sees
it. Ask sales which needs they hear of that no campaign speaks of.

**Literature.** Gwet (2008), British Journal of Mathematical and Statistical Psychology 61 (AC1). Korn and
Graubard (1998), Survey Methodology 24 (the interval). VanderWeele and Ding (2017), Annals of Internal
Medicine 167 (E-value).
"""

from __future__ import annotations

import ibis
import pandas as pd

from alignment_toolkit.indicator import LEAD_ENDS, Data, Observation, evidence, indicator
from alignment_toolkit.indicator.conversion import conversion, score_band, whose
from alignment_toolkit.indicator.parts import count_matrix, left_out
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.relations import alive
from alignment_toolkit.results import Chart, Column, Measure
from alignment_toolkit.statistics import agreement
from alignment_toolkit.statistics.clustered import share_of_rows

COMMON = 0.05
UNTOLD = "leads of campaigns had no stated need, or their campaign no theme"


@indicator(
    question="Does the message meet the need?",
    title="Most leads need what their campaign speaks of",
    failure_title="Many leads need something else than their campaign speaks of",
    nature="tactical",
    area="message",
    kind="level",
    unit="share",
    margin=0.20,
    enough={"leads": 100, "needs that at least 5 % of the leads state": 2},
    window="period",
    population="leads of campaigns created in the period, with a stated need",
    needs={"leads": ("lead_id", "created_at", "campaign_id", "need"), "campaigns": ("campaign_id", "theme")},
    uses={"leads": ("account_id", "marketing_score", "received_by", "deleted_at"), "campaigns": ("name",)},
    uses_relations=("lead_outcomes",),
    kpis=("arpu",),
    timeless=("leads", "campaigns"),
    looked_up=("campaigns",),
    outcomes={"leads": ("need", *LEAD_ENDS)},
    says="{gap} of the leads of campaigns need something else than their campaign speaks of.",
    who=("marketing", "sales"),
    advice=(
        "Take the campaigns with the widest gap: change what they say, or who sees them. Let sales name the needs that "
        "they hear of and no campaign speaks of."
    ),
    innocent={
        "marketing": "A campaign of wide reach brings people with many needs, some of them worth having.",
        "sales": "A need that is noted in a first talk may be only the first of several.",
    },
)
def need_mismatch(data: Data, window: Period, *, horizon_days: int = 90) -> Observation:
    """People answer a message because they hope that it is about them.

    Where it is not, marketing has paid for a lead that sales must first talk out of one thing and then into another.
    """
    told = _told(data)
    inside = told.filter(told.created_at >= str(window.start), told.created_at < str(window.end))
    rows = data.fetch(inside.order_by(["created_at", "lead_id"]))
    known = rows[rows.need.notna() & rows.theme.notna()].reset_index(drop=True)
    differs = known.need != known.theme
    accounts = known.account_id if "account_id" in known.columns else known.lead_id
    gap = share_of_rows(differs, n_unit="leads", campaigns=known.campaign_id, accounts=accounts)
    shares = known.need.value_counts(normalize=True)
    both = told.filter(told.need.notnull(), told.theme.notnull())
    cases = both.select(
        "lead_id",
        "theme",
        **whose(both, "received_by"),
        pointed_at=both.need != both.theme,
        band=score_band(both),
    )
    became = conversion(
        data,
        cases,
        window,
        strata=("theme", "band"),
        others=say("whose need the campaign met"),
        those=say("whose need it did not meet"),
        horizon_days=horizon_days,
    )
    shown, columns = _by_campaign(data, known, differs)
    return Observation(
        gap=gap,
        counts={
            "leads": len(known),
            "needs that at least 5 % of the leads state": int((shares >= COMMON).sum()),
        },
        measures=[*_measures(known, shares), *became.measures],
        money=became.money(data, int(differs.sum()), say("leads whose need was not met")),
        guards=[*left_out(len(rows), len(known), UNTOLD), *became.guards],
        evidence=evidence(shown, columns),
        chart=_chart(known, differs),
    )


def _told(data: Data) -> ibis.Table:
    leads, campaigns = alive(data["leads"], "created_at"), data["campaigns"]
    campaigns = campaigns.select(_campaign=campaigns.campaign_id, theme=campaigns.theme)
    leads = leads.filter(leads.campaign_id.notnull())
    return leads.left_join(campaigns, leads.campaign_id == campaigns._campaign).drop("_campaign")


def _measures(known: pd.DataFrame, shares: pd.Series) -> list[Measure]:
    if known.empty:
        return []
    words = sorted({*known.need, *known.theme})
    table = pd.crosstab(known.theme, known.need).reindex(index=words, columns=words, fill_value=0)
    rare = ~known.theme.isin(shares.index[shares >= COMMON])
    nobody = share_of_rows(rare, n_unit="leads", campaigns=known.campaign_id)
    return [
        Measure.of("ac1", say("Agreement beyond chance (Gwet's AC1)"), agreement.ac1(table, n_unit="leads")),
        Measure.of(
            "themes_of_few", say("Leads under a theme that fewer than 5 % of all leads need"), nobody.estimate
        ),
    ]


def _by_campaign(data: Data, known: pd.DataFrame, differs: pd.Series) -> tuple[pd.DataFrame, list[Column]]:
    own = known.assign(differs=differs)
    by = own.groupby(["campaign_id", "theme"], observed=True)
    shown = by.agg(leads=("lead_id", "size"), differ=("differs", "sum")).reset_index()
    wrong = own[own.differs].groupby("campaign_id").need.agg(lambda s: s.value_counts().index[0])
    shown = shown.assign(share=shown.differ / shown.leads, most_needed=shown.campaign_id.map(wrong))
    shown = shown.sort_values(["differ", "campaign_id"], ascending=[False, True])
    columns = [Column("campaign_id", say("Campaign"), None, "id")]
    if data.has("campaigns", "name"):
        names = data.fetch(data["campaigns"].select("campaign_id", "name"))
        shown = shown.merge(names, on="campaign_id", how="left", validate="many_to_one")
        columns.append(Column("name", say("Its name"), None, "dimension"))
    return shown, [
        *columns,
        Column("theme", say("Speaks of"), None, "dimension"),
        Column("leads", say("Leads"), "count", "measure"),
        Column("differ", say("Need something else"), "count", "measure"),
        Column("share", say("Share of them"), "share", "measure"),
        Column("most_needed", say("Most often needed instead"), None, "dimension"),
    ]


def _chart(known: pd.DataFrame, differs: pd.Series) -> Chart | None:
    if known.empty:
        return None
    title = say(
        "{differs:,} of {known:,} leads need what their campaign speaks of",
        differs=int((~differs).sum()),
        known=len(known),
    )
    if differs.any():
        apart = known[differs].groupby(["theme", "need"]).size().sort_values(ascending=False, kind="stable")
        widest = apart.reset_index().iloc[0]
        title += say("; the widest gap: {theme} offered, {need} needed", theme=widest.theme, need=widest.need)
    return count_matrix(known, "need", "theme", words=(say("needs "), say("says ")), title=title)
