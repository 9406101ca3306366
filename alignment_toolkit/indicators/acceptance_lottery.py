"""Does acceptance depend on who receives the lead?

**Question.** Would the same lead be accepted by one salesperson and given back by another?

**Gap.** The standard deviation between the people to whom leads were handed (`leads.received_by`), in points
of the share accepted, at the mean, after marketing's score, channel, campaign and client segment. Counted are
leads handed over in the last twelve months on which a decision is recorded (`accepted_at`, or `rejected_at`;
where rejections are not recorded, every lead that is at least `within_days` days old), of people with at
least `leads_each` of them (20). Who has the lead now (`leads.owner`) says nothing here.

**Estimand.** The spread of habits in the process that decides on leads, not of the shares that are seen: these
differ by luck alone. **Interval.** By inverting a test of the spread (Wald's, for a mixed model); the people
are what repeats. **Margin.** 5 points: with that spread one receiver in six accepts five in a hundred more of
like leads than the usual, and one in six five fewer, which people who compare notes would not notice.
**Minimum.** 8 people with 20 leads each; with fewer than 5 people it is withheld.

**Worked example.** Six leads of equal score are too few for the test; by hand: Ann decides on three and
accepts three, Ben decides on three and accepts one. Their shares, 100 % and 33 %, lie 47 points (standard
deviation) apart, and luck alone would give about 27: the spread beyond luck is what this gap estimates, from
8 people on.

**When it lies.** Where leads are routed by segment or region, people see different leads; what score, channel,
campaign and segment do not tell of this difference is read as habit. Somebody new may be given the hard ones.

**What to do.** Take ten leads and let five people judge each of them, alone. Write down together what makes a
lead acceptable. The spread is a matter of the rule, not of persons.

**Literature.** Breslow and Clayton (1993), JASA 88. Harville and Fenech (1985), Biometrics 41. Kahneman,
Sibony and Sunstein (2021), Noise.
"""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from alignment_toolkit.indicator import LEAD_ENDS, Data, Observation, evidence, indicator
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.relations import alive
from alignment_toolkit.results import Chart, Column, Guard, Measure
from alignment_toolkit.statistics.clustered import share_of_rows
from alignment_toolkit.statistics.inference import Gap
from alignment_toolkit.statistics.spread import Spread, spread

FEWEST_PEOPLE = 5
# Levels of their own: campaigns that brought enough leads to tell; all others are one level.
CAMPAIGNS, LEADS_OF_A_CAMPAIGN = 20, 30
ROUTED = 0.5


@indicator(
    question="Does acceptance depend on who receives the lead?",
    title="Like leads are accepted alike, whoever receives them",
    failure_title="Like leads are accepted differently, depending on who receives them",
    nature="tactical",
    area="handover",
    kind="distance",
    unit="points",
    margin=5.0,
    enough={"people with enough leads": 8},
    window="trailing-12-months",
    population="leads handed over in twelve months and decided on, of people with enough of them",
    needs={"leads": ("lead_id", "qualified_at", "received_by", "accepted_at")},
    uses={
        "leads": (
            "account_id",
            "rejected_at",
            "marketing_score",
            "channel",
            "campaign_id",
            "region",
            "deleted_at",
        ),
        "accounts": ("account_id", "segment"),
        "people": ("person_id", "kind"),
    },
    looked_up=("accounts", "people"),
    outcomes={"leads": LEAD_ENDS},
    says=(
        "Between {people} people the share of like leads accepted, in per cent, differs by {gap} (standard deviation)."
    ),
    who=("sales", "marketing"),
    advice=(
        "Take ten leads and let five people judge each of them, alone. Where they differ, write down together what "
        "makes a lead acceptable. Look at the rule first, never at persons."
    ),
    innocent={
        "marketing": "The score may leave out what those who take the leads can see at once.",
        "sales": "Leads may be routed by what a person knows best, so that people do not receive like leads.",
    },
)
def acceptance_lottery(
    data: Data, window: Period, *, leads_each: int = 20, within_days: int = 30
) -> Observation:
    """Where acceptance depends on the receiver, marketing cannot learn what a good lead is.

    The same lead is then taken by one person and given back by another, and both departments talk about single leads
    where they could agree on the rule.
    """
    rows = _decided(data, window, within_days)
    enough = rows.groupby("received_by").lead_id.transform("size") >= leads_each
    rows = rows[enough].reset_index(drop=True)
    people = int(rows.received_by.nunique())
    covariates = _covariates(rows)
    if people < FEWEST_PEOPLE:
        said = say(
            "People with at least {leads_each} leads each: {people}; people are compared from "
            "{fewest_people} on",
            people=people,
            leads_each=leads_each,
            fewest_people=FEWEST_PEOPLE,
        )
        none = Gap.none(n=len(rows), n_unit="leads", unit="points", method="not computed: too few people")
        return Observation(gap=none, counts={"people with enough leads": people}, withheld=f"{said}.")
    found = spread(
        rows.accepted,
        list(rows.received_by),
        covariates,
        kind="yes_no",
        scale=100.0,
        n_unit="leads",
        unit="points",
    )
    told = share_of_rows(rows.accepted, n_unit="leads", receivers=rows.received_by)
    plain = spread(
        rows.accepted, list(rows.received_by), kind="yes_no", scale=100.0, n_unit="leads", unit="points"
    )
    table = _table(rows, found)
    return Observation(
        gap=found.gap,
        values={"people": say("{people:,}", people=people)},
        counts={"people with enough leads": people},
        measures=[
            Measure.of("accepted", say("Accepted, of the leads decided on"), told.estimate),
            Measure.of(
                "unadjusted", say("The same spread without regard to the kind of lead"), plain.gap.estimate
            ),
        ],
        guards=_guards(rows, found, plain),
        evidence=evidence(
            table,
            [
                Column("received_by", say("Received by"), None, "person"),
                Column("leads", say("Leads decided on"), "count", "measure"),
                Column("share", say("Accepted"), "share", "measure"),
                Column("apart", say("Beside like leads, beyond luck"), "points", "measure"),
            ],
        ),
        chart=_chart(table),
    )


def _decided(data: Data, window: Period, within: int) -> pd.DataFrame:
    """Give the leads handed over in the window to a human, on which a decision is recorded."""
    t = alive(data["leads"], "qualified_at")
    end = min(window.end, (data.as_of("leads") or window.last) + timedelta(days=1))
    if "rejected_at" in t.columns:
        t = t.filter(t.accepted_at.notnull() | t.rejected_at.notnull())
    else:
        end = min(end, (data.as_of("leads") or window.last) + timedelta(days=1 - within))
    t = t.filter(t.qualified_at >= str(window.start), t.qualified_at < str(end), t.received_by.notnull())
    if data.has("people", "person_id", "kind"):
        people = data["people"]
        machines = people.filter(people.kind == "system").select(_machine=people.person_id)
        t = t.left_join(machines, t.received_by == machines._machine)
        t = t.filter(t._machine.isnull()).drop("_machine")
    if "account_id" in t.columns and data.has("accounts", "account_id", "segment"):
        accounts = data["accounts"]
        accounts = accounts.select(_account=accounts.account_id, segment=accounts.segment)
        t = t.left_join(accounts, t.account_id == accounts._account).drop("_account")
    kept = ["lead_id", "received_by", "marketing_score", "channel", "campaign_id", "segment", "region"]
    t = t.select(*[c for c in kept if c in t.columns], accepted=t.accepted_at.notnull())
    rows = data.fetch(t.order_by(["received_by", "lead_id"]))
    return rows.assign(accepted=rows.accepted.astype(float))


def _covariates(rows: pd.DataFrame) -> pd.DataFrame:
    found = rows[[c for c in ("marketing_score", "channel", "segment") if c in rows.columns]].copy()
    if "campaign_id" in rows.columns:
        sizes = rows.campaign_id.value_counts()
        own = sorted(sizes.index[sizes >= LEADS_OF_A_CAMPAIGN], key=lambda c: (-sizes[c], c))[:CAMPAIGNS]
        found["campaign"] = rows.campaign_id.where(rows.campaign_id.isin(own), "others")
    return found


def _table(rows: pd.DataFrame, found: Spread) -> pd.DataFrame:
    by = rows.groupby("received_by").accepted.agg(["size", "mean"]).reset_index()
    by.columns = pd.Index(["received_by", "leads", "share"])
    # Where people do not differ, effects are rests of arithmetic, and would set the order of people.
    apart = by.received_by.map(dict(zip(found.people, found.effects, strict=True)))
    by["apart"] = apart.astype(float).round(9) + 0.0
    return by.sort_values(["apart", "received_by"], ascending=[False, True])


def _guards(rows: pd.DataFrame, found: Spread, plain: Spread) -> list[Guard]:
    """Say where people receive other leads, and where the kind of lead explains half of the spread."""
    guards = []
    crude, adjusted = plain.gap.estimate.value, found.gap.estimate.value
    if (
        crude is not None
        and adjusted is not None
        and plain.gap.above(0.0) < 0.025
        and crude - adjusted >= crude / 2
    ):
        said = say(
            "Without regard to the kind of lead the spread is {crude:.1f} points, among like leads "
            "{adjusted:.1f}",
            crude=crude,
            adjusted=adjusted,
        )
        guards.append(Guard("simpson", say("{said}: people receive different leads.", said=said)))
    if "segment" in rows.columns and rows.segment.notna().any():
        known = rows[rows.segment.notna()]
        most = known.groupby("received_by").segment.agg(lambda s: s.value_counts(normalize=True).iloc[0])
        usual = known.segment.value_counts(normalize=True).iloc[0]
        if len(most) and most.mean() - usual > ROUTED * (1 - usual):
            said = say(
                "{most:.0f} % of a person's leads are of one segment, on average", most=100 * most.mean()
            )
            guards.append(
                Guard(
                    "confounding",
                    say("{said}: leads are routed, and like leads are seldom compared.", said=said),
                )
            )
    return guards


def _chart(table: pd.DataFrame) -> Chart | None:
    if table.empty or table.apart.isna().all():
        return None
    shown = table if len(table) <= 12 else pd.concat([table.head(6), table.tail(6)])
    rows = tuple(
        {"received_by": r["received_by"], "apart": float(r["apart"]), "n": int(r["leads"])}
        for r in shown.to_dict("records")
    )
    least, most = float(table.apart.min()), float(table.apart.max())
    title = (
        say("Beside like leads, acceptance hardly differs between those who receive them")
        if round(least) == round(most)
        else say(
            "Beside like leads, acceptance runs from {least:+.0f} to {most:+.0f} points",
            least=least,
            most=most,
        )
    )
    return Chart("bars", "received_by", "apart", rows=rows, reference=0.0, title=title)
