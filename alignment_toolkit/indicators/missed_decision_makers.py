"""Does marketing reach those who decide?

**Question.** When a deal is opened, had marketing reached the person who decides, or only others at that
account?

**Gap.** The share of opportunities whose decision maker had no touch by marketing in the `within_days` days
(180) before the day of opening. Counted are opportunities opened in the window at accounts that have a
contact with the role `decision_maker` known before that day (`contacts.known_on`), and whose contacts
together had at least `at_least` touches (3) by marketing in those days. Where several decide, one who was
reached is enough. Touches by machine count: they are how marketing reaches people.

**Estimand.** The share in the process of reaching people before they buy. **Interval.** Wilson's on the
effective number of opportunities, accounts being what repeats. **Margin.** 30 %: some who decide read
nothing, and are spoken to by those who do. **Minimum.** 50 opportunities.

**Worked example.** Six opportunities, each account with three touches or more of its contacts. The decision
makers of four had one touch or more in the half year before, those of two had none: gap = 2/6 = 33.3 %.

**Beside the gap.** How often somebody else became known as decision maker from the opening on: where roles
drift, whom marketing reached before says less.

Deals with days that nobody in marketing recorded in the half year before are left out (guard `unrecorded`).

**When it lies.** Roles are often noted late, when the deal is under way; who became known on or after the
opening does not count here (guard `join_health`, measure "known for less than 30 days"). Roles drift: who
decided last year may not decide now. A reached decision maker may be the sign of a warm account, not its
cause: the difference in winning is associational.

**What to do.** Name together, for the next twenty deals, who decides, and see to it that what marketing sends
reaches them.

**Literature.** Webster and Wind (1972), A General Model for Understanding Organizational Buying Behavior,
Journal of Marketing 36. Johnston and Bonoma (1981), The Buying Center, Journal of Marketing 45. Korn and
Graubard (1998), Survey Methodology 24.
"""

from __future__ import annotations

from datetime import timedelta

import ibis
import numpy as np
import pandas as pd

from alignment_toolkit.indicator import DEAL_ENDS, LEAD_ENDS, Data, Observation, evidence, indicator
from alignment_toolkit.indicator.lapses import ANY, counted, unrecorded
from alignment_toolkit.indicator.parts import between, flipped, left_out, other_way
from alignment_toolkit.languages import noted, say
from alignment_toolkit.periods import Period
from alignment_toolkit.relations import alive, day
from alignment_toolkit.results import Chart, Column, Guard, Measure
from alignment_toolkit.statistics.between import Compared, compared
from alignment_toolkit.statistics.clustered import share_of_rows

REACHED = {"department": "marketing", "contact_id": ANY}
UNKNOWN = 0.25
UNTOLD = noted("opportunities had no decision maker on record before the opening")
LATE_DAYS = 30
FEWEST = 20


@indicator(
    question="Does marketing reach those who decide?",
    title="Those who decide have mostly heard from marketing before the deal",
    failure_title="Those who decide have often not heard from marketing before the deal",
    nature="tactical",
    area="message",
    kind="level",
    unit="share",
    margin=0.30,
    enough={"opportunities": 50},
    window="trailing-12-months",
    population="opportunities opened in twelve months where a decision maker was known and marketing was active",
    needs={
        "opportunities": ("opportunity_id", "opened_at", "account_id"),
        "contacts": ("contact_id", "account_id", "role", "known_on"),
        "touches": ("touch_id", "touched_at", "department", "contact_id"),
    },
    uses={"opportunities": ("outcome", "closed_at", "product_id", "owner", "amount", "deleted_at")},
    looked_up=("contacts", "touches"),
    silence={"touches": REACHED},
    outcomes={"opportunities": DEAL_ENDS, "leads": LEAD_ENDS},
    says=(
        "In {gap} of the opportunities at accounts that marketing was in touch with, the decision maker had heard "
        "nothing from marketing in the {within_days} days before the opening."
    ),
    who=("marketing", "sales"),
    advice=(
        "Take the next twenty deals and name together who decides. Sales tells marketing the roles as soon as they are "
        "known; marketing sees to it that what it sends reaches them."
    ),
    innocent={
        "marketing": "Who decides may not have been known, or may have asked not to be written to.",
        "sales": "Roles come to light in talks, often only when the deal is under way.",
    },
)
def missed_decision_makers(
    data: Data, window: Period, *, within_days: int = 180, at_least: int = 3
) -> Observation:
    """A message that reaches many at an account, and not the one who decides, leaves sales to begin from the start.

    Marketing warms an account for sales; where the person who signs was never addressed, sales begins cold with the
    one who matters.
    """
    rows = data.fetch(_deals(data, window, within_days).order_by(["opened_at", "opportunity_id"]))
    rows, unclear = _known(data, rows, window, within_days)
    known = rows[rows.deciders > 0]
    active = known[known.touches >= at_least].reset_index(drop=True)
    missed = active.reached == 0
    gap = share_of_rows(missed, n_unit="opportunities", accounts=active.account_id)
    measures = _measures(active, missed, known)
    wins = _wins(active, missed)
    won = None
    if wins is not None and wins.gap.estimate.low is not None:
        label = say("Won, of those closed: decision maker reached minus not reached, of the same product")
        won = Measure.of("win_rate", label, wins.gap.estimate.in_points())
        measures.append(won)
    whole = say("In being won, opportunities whose decision maker was not reached and the others")
    said = say("Opportunities whose decision maker was not reached were won more often, of the same product")
    return Observation(
        gap=gap,
        measures=measures,
        guards=[
            *left_out(len(rows), len(known), say(UNTOLD), tolerated=UNKNOWN),
            *(between(wins, whole) if wins else []),
            *other_way(*flipped(won), said),
            *unclear,
        ],
        evidence=evidence(
            active[missed].sort_values(["touches", "opportunity_id"], ascending=[False, True]),
            [
                Column("opportunity_id", say("Opportunity"), None, "id"),
                Column("account_id", say("Account"), None, "id"),
                Column("opened_at", say("Opened"), None, "time"),
                Column("deciders", say("Decision makers known"), "count", "measure"),
                Column("touches", say("Touches of the account's contacts"), "count", "measure"),
            ],
        ),
        chart=_chart(active, missed, 1 - data.margin),
    )


def _known(data: Data, rows: pd.DataFrame, window: Period, within: int) -> tuple[pd.DataFrame, list[Guard]]:
    """Leave out the deals before which marketing's touches were not kept for some of the days that are looked at."""
    opened = pd.to_datetime(rows.opened_at).dt.normalize()
    out, met = pd.Series(False, index=rows.index), []
    for r in data.lapses("touches", window.start - timedelta(days=within), window.end):
        here = (opened > pd.Timestamp(r.first)) & (opened <= pd.Timestamp(r.last + timedelta(days=within)))
        out |= here
        met += [r] * bool(here.any())
    said = say(
        "Opportunities left out, as nobody knows whom marketing reached before: {n:,}.", n=int(out.sum())
    )
    return rows[~out].reset_index(drop=True), unrecorded(met, said)


def _deals(data: Data, window: Period, within: int) -> ibis.Table:
    """Give the opportunities opened in the window: deciders known before, touches of all contacts and of deciders."""
    t = alive(data["opportunities"], "opened_at")
    # Of later days the touches do not tell whom marketing reached.
    end = min(window.end, (data.as_of("touches") or window.last) + timedelta(days=1))
    t = t.filter(t.opened_at >= str(window.start), t.opened_at < str(end), t.account_id.notnull()).mutate(
        opened_on=day(t.opened_at)
    )
    deals = t.select(_deal=t.opportunity_id, _account=t.account_id, _opened=t.opened_on)
    contacts = data["contacts"].filter(data["contacts"].account_id.notnull())
    people = deals.inner_join(contacts, deals._account == contacts.account_id)
    decides = ((people.role == "decision_maker") & (people.known_on < people._opened)).fill_null(False)
    later = ((people.role == "decision_maker") & (people.known_on >= people._opened)).fill_null(False)
    people = people.select(
        "_deal", "_opened", who=people.contact_id, known_on=people.known_on, decides=decides, later=later
    )
    touches = counted(data["touches"], REACHED)
    touches = touches.select(to=touches.contact_id, on=day(touches.touched_at))
    near = people.inner_join(touches, people.who == touches.to)
    age = near._opened.delta(near.on, unit="day")
    near = near.filter(age > 0, age <= within)
    heard = near.group_by(_of=near._deal, _who=near.who).aggregate(heard=near.count())
    people = people.left_join(heard, [people._deal == heard._of, people.who == heard._who])
    times = people.heard.fill_null(0)
    sums = people.group_by("_deal").aggregate(
        deciders=people.decides.ifelse(1, 0).sum(),
        later=people.later.ifelse(1, 0).sum(),
        touches=times.sum(),
        reached=(people.decides & (times > 0)).ifelse(1, 0).sum(),
        known_for=people.decides.ifelse(people._opened.delta(people.known_on, unit="day"), None).max(),
    )
    t = t.left_join(sums, t.opportunity_id == sums._deal).drop("_deal")
    return t.mutate(**{c: t[c].fill_null(0) for c in ("deciders", "later", "touches", "reached")})


def _measures(active: pd.DataFrame, missed: pd.Series, known: pd.DataFrame) -> list[Measure]:
    found = []
    if len(active):
        late = share_of_rows(active.known_for < LATE_DAYS, n_unit="opportunities", accounts=active.account_id)
        label = say("The decision maker had been known for less than {late_days} days", late_days=LATE_DAYS)
        found.append(Measure.of("known_late", label, late.estimate))
        drift = share_of_rows(active.later > 0, n_unit="opportunities", accounts=active.account_id)
        label = say("Somebody else became known as decision maker from the opening on")
        found.append(Measure.of("role_drift", label, drift.estimate))
    if len(known):
        quiet = share_of_rows(known.touches == 0, n_unit="opportunities", accounts=known.account_id)
        found.append(
            Measure.of(
                "nobody_reached", say("Nobody at the account had heard from marketing"), quiet.estimate
            )
        )
    return found


def _wins(active: pd.DataFrame, missed: pd.Series) -> Compared | None:
    """Compare how many of the closed ones were won, decision maker reached minus not reached."""
    if not {"outcome", "closed_at"} <= set(active.columns):
        return None
    closed = active[active.outcome.isin(["won", "lost"])]
    reached = ~missed[closed.index]
    if min(int(reached.sum()), int((~reached).sum())) < FEWEST:
        return None
    product = closed.product_id.astype(str) if "product_id" in closed.columns else pd.Series("", closed.index)
    whose = {"people": "owner", "accounts": "account_id"}
    kinds = {kind: closed[c] for kind, c in whose.items() if c in closed.columns}
    won = closed.outcome == "won"
    return compared(reached, won, np.ones(len(closed)), product, n_unit="opportunities", **kinds)


def _chart(active: pd.DataFrame, missed: pd.Series, tolerated: float) -> Chart | None:
    if active.empty:
        return None
    quarter = pd.PeriodIndex(pd.to_datetime(active.opened_at), freq="Q").astype(str)
    rows = []
    for label, own in (~missed).groupby(quarter):
        told = share_of_rows(own, n_unit="opportunities", accounts=active.account_id[own.index]).estimate
        rows.append(
            {"opened": str(label), "reached": told.value, "low": told.low, "high": told.high, "n": told.n}
        )
    title = say(
        "Marketing had reached the decision maker of {missed:,} of {active:,} opportunities",
        missed=int((~missed).sum()),
        active=len(active),
    )
    return Chart(
        "bars", "opened", "reached", "low", "high", rows=tuple(rows), reference=tolerated, title=title
    )
