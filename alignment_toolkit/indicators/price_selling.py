"""Do salespeople give different discounts on like deals?

**Question.** How far do salespeople differ in the discount that they give on like deals?

**Gap.** The standard deviation between salespeople, in points of discount (100 x (1 - `amount` /
`list_amount`)) of the deals won in the last twelve months, after product, size of the deal (logarithm of
`list_amount`), segment of the client and month of closing, as far as these are known.

**Estimand.** The spread of what a salesperson adds to the discount of a like deal, in the process: raw
averages spread more, because luck and different clients spread them too. **Estimate and interval.** Residual
maximum likelihood; Wald's test inverted at each candidate spread (see docs: statistics, `spread`).
**Margin.** 2 points: with that spread one salesperson in six gives two points more than the usual, on
everything. **Minimum.** 8 people with 10 deals each. **Privacy.** With fewer than 5 people the finding is
withheld.

**Worked example.** Six deals of the same kind: Ada gives 4 and 6 points, Ben 9 and 11, Cleo 14 and 16. The
averages 5, 10, 15 have a variance of 25; luck within a person has a variance of 2, half of that per average
of two: 25 - 1 = 24, and the spread is the square root of 24 = 4.90 points.

**When it lies.** Who gets the contested deals gives more discount: compare the spread among deals with and
without a competitor. Bundles and changed list prices look like discount; the month takes up changes that
concern everybody.

**What to do.** Show the team the discounts of like deals without names. Ask those who need little what they
say instead, and agree on what a discount must be exchanged for.

**Literature.** Patterson and Thompson (1971), Biometrika 58. Harville and Fenech (1985), Biometrics 41.
Hinterhuber and Liozu (2012), Is It Time to Rethink Your Pricing Strategy?, MIT Sloan Management Review 53(4).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from alignment_toolkit.indicator import DEAL_ENDS, LEAD_ENDS, Data, Observation, evidence, indicator
from alignment_toolkit.indicator.parts import between
from alignment_toolkit.languages import noted, say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Chart, Column, Estimate, Guard, Measure, Money
from alignment_toolkit.statistics.between import compared
from alignment_toolkit.statistics.shares import e_value
from alignment_toolkit.statistics.spread import Spread, spread

LEAST_DEALS = 10
RIVALRY = {
    "with_rival": noted("Spread in deals with a rival"),
    "without_rival": noted("Spread in deals without a rival"),
}


@indicator(
    question="Do salespeople give different discounts on like deals?",
    title="On like deals, salespeople give like discounts",
    failure_title="On like deals, discounts differ between salespeople",
    nature="strategic",
    area="positioning",
    kind="distance",
    unit="points",
    margin=2.0,
    enough={f"people with at least {LEAST_DEALS} deals": 8},
    window="trailing-12-months",
    population="deals won in the last twelve months whose list price is known",
    needs={"opportunities": ("closed_at", "outcome", "owner", "amount", "list_amount")},
    uses={
        "opportunities": ("product_id", "account_id", "competitor"),
        "accounts": ("account_id", "segment"),
        "people": ("person_id", "kind"),
    },
    looked_up=("accounts", "people"),
    outcomes={"opportunities": DEAL_ENDS, "leads": LEAD_ENDS},
    says="On like deals, salespeople differ by {gap} of discount (standard deviation between {people} people).",
    who=("sales", "marketing"),
    advice=(
        "Show the team the discounts of like deals without names. Ask those who need little discount what they offer "
        "instead, and agree on what a discount must be exchanged for: volume, term, a reference."
    ),
    innocent={
        "marketing": "Offers of marketing may have reached the clients of some salespeople more than those of others.",
        "sales": "Some salespeople may be sent where a rival is already in, and win there at a price.",
    },
)
def price_selling(data: Data, window: Period) -> Observation:
    """Where discounts depend on whom a client asks, the price list says little, and clients learn whom to ask.

    Marketing's positioning holds only as long as those who sell believe in it. Differences between people on like deals
    show where belief, training or the price list itself is weak; they say nothing about anybody's will.
    """
    deals = _deals(data, window)
    lacking = sorted(deals.unrated.dropna()) if "unrated" in deals.columns else []
    won = deals[deals.won].reset_index(drop=True)
    mix = pd.DataFrame({"size": np.log(won.list_amount), "month": won.month})
    for column in ("product_id", "segment"):
        if column in won.columns:
            mix[column] = won[column]
    found = spread(won.discount, won.owner.tolist(), mix, n_unit="deals", unit="points")
    # Where people do not differ, effects are rests of arithmetic, and would set the order of people.
    effects = np.asarray(found.effects, dtype=float).round(9) + 0.0
    people = pd.DataFrame({"owner": found.people, "deals": found.rows, "difference": effects})
    typical = won.groupby("owner").discount.mean()
    people["discount"] = [float(typical.get(p, np.nan)) for p in people.owner]
    people = people.sort_values(["difference", "owner"], ascending=[False, True]).reset_index(drop=True)
    columns = [
        Column("owner", say("Salesperson"), None, "person"),
        Column("deals", say("Deals won"), "count", "measure"),
        Column("discount", say("Average discount"), "points", "measure"),
        Column("difference", say("More than on like deals of the others (shrunken)"), "points", "measure"),
    ]
    enough = int((people.deals >= LEAST_DEALS).sum())
    few = (
        say("Salespeople who won such deals: {people}; people are compared from 5 on", people=len(people))
        if 0 < len(people) < 5
        else None
    )
    raw = spread(won.discount, won.owner.tolist(), n_unit="deals", unit="points")
    wins, unclear = _wins(deals)
    return Observation(
        gap=found.gap,
        values={"people": say("{people:,}", people=len(people))},
        counts={f"people with at least {LEAST_DEALS} deals": enough},
        measures=[
            Measure.of("raw", say("Spread before product, size, segment and month"), raw.gap.estimate),
            *_with_rival(won),
            *wins,
        ],
        money=_money(data, won, people, found.gap.estimate),
        guards=[*_guards(raw, found), *unclear],
        evidence=evidence(people, columns),
        chart=_chart(people, found.gap.estimate),
        withheld=say(
            "deals in {lacking} have no rate in `rates`: deals of like size cannot be compared",
            lacking=lacking[0],
        )
        if lacking
        else few,
    )


def _deals(data: Data, window: Period) -> pd.DataFrame:
    """Give one row per closed deal with a list price: won, discount in points, month, and what is known of its kind."""
    t = data.money("opportunities")
    t = t.filter(
        t.closed_at >= str(window.start),
        t.closed_at < str(window.end),
        t.outcome.isin(["won", "lost"]),
        t.owner.notnull(),
        t.amount.notnull(),
        t.list_amount > 0,
    )
    columns = [c for c in ("product_id", "account_id", "competitor", "unrated") if c in t.columns]
    t = t.select(
        "owner",
        *columns,
        won=t.outcome == "won",
        closed=t.closed_at,
        amount=t.amount.cast("float64"),
        list_amount=t.list_amount.cast("float64"),
    )
    if data.has("people", "person_id", "kind"):
        machines = data["people"].filter(data["people"].kind == "system")
        t = t.anti_join(machines, t.owner == machines.person_id)
    if "account_id" in columns and data.has("accounts", "account_id", "segment"):
        accounts = data["accounts"].select(own_account="account_id", segment="segment")
        t = t.left_join(accounts, t.account_id == accounts.own_account).drop("own_account")
    rows = data.fetch(t.order_by(["closed", "owner", "amount", "list_amount"]))
    month = pd.to_datetime(rows.closed).dt.strftime("%Y-%m")
    discount = 100 * (1 - rows.amount / rows.list_amount)
    return rows.assign(month=month, discount=discount, won=rows.won.astype(bool))


def _with_rival(won: pd.DataFrame) -> list[Measure]:
    if "competitor" not in won.columns:
        return []
    found = []
    for name, rival in (("with_rival", True), ("without_rival", False)):
        own = won[won.competitor.notna() == rival]
        mix = pd.DataFrame({"size": np.log(own.list_amount), "month": own.month})
        e = spread(own.discount, own.owner.tolist(), mix, n_unit="deals", unit="points").gap.estimate
        found.append(Measure.of(name, say(RIVALRY[name]), e))
    return found


def _wins(deals: pd.DataFrame) -> tuple[list[Measure], list[Guard]]:
    """Say whether more discount goes with more wins, among deals of like product and size, and what may make it."""
    if "product_id" in deals.columns and deals.product_id.notna().any():
        deals = deals[deals.product_id.notna()]  # nothing says that the others are of like kind
    if deals.won.sum() < 30 or (~deals.won).sum() < 30:
        return [], []
    # Where all have one list price, there are no thirds.
    thirds = pd.qcut(deals.list_amount, 3, labels=False, duplicates="drop").fillna(0)
    size = thirds.astype(int).astype(str)
    strata = (
        size + " " + deals["product_id"].fillna("").astype(str) if "product_id" in deals.columns else size
    )
    high = deals.discount > deals.groupby(strata).discount.transform("median")
    whose = {"people": "owner", "accounts": "account_id"}
    kinds = {kind: deals[c] for kind, c in whose.items() if c in deals.columns}
    seen = compared(high, deals.won, np.ones(len(deals)), strata, n_unit="deals", **kinds)
    guards = between(seen, say("In being won, deals with more than the median discount and the others"))
    if seen.alone:  # it would be a number of one person
        return [], guards
    e = seen.gap.estimate
    label = say("Won: deals with more than the median discount minus the others, same product and size")
    low, most = deals.won[~high].mean(), deals.won[high].mean()
    if e.value is not None and e.low is not None and e.low > 0 and low > 0:
        needed = e_value(float(most / low))
        said = say(
            "More discount goes with more wins. A hidden cause would have to go with both by a risk "
            "ratio of {needed:.2f} to explain that away.",
            needed=needed,
        )
        guards.append(Guard("confounding", said))
    return [Measure.of("wins", label, e.in_points())], guards


def _money(data: Data, won: pd.DataFrame, people: pd.DataFrame, e: Estimate) -> Money | None:
    if not e.value or e.low is None or e.high is None:
        return None
    above = people.set_index("owner").difference.clip(lower=0)
    given = float((won.list_amount * won.owner.map(above).fillna(0.0)).sum()) / 100
    basis = say(
        "associational: list value of the deals won in twelve months x the points that a salesperson "
        "gives beyond what is usual on like deals; it does not say that these deals would have been "
        "won for more"
    )
    return Money(given, given * e.low / e.value, given * e.high / e.value, data.currency, basis)


def _guards(raw: Spread, found: Spread) -> list[Guard]:
    guards = []
    crude, like = raw.gap.estimate.value, found.gap.estimate.value
    if crude is not None and like is not None and crude - like >= crude / 2 and crude > 0.5:
        said = say(
            "Without regard to the kind of deal the spread is {crude:.1f} points, on like deals {like:.1f}",
            crude=crude,
            like=like,
        )
        guards.append(
            Guard("simpson", say("{said}: different clients explain most of the difference.", said=said))
        )
    few = sum(1 for n in found.rows if n < LEAST_DEALS)
    if found.rows and few > len(found.rows) / 2:
        said = say(
            "Of {rows} people {few} won fewer than {least_deals} deals",
            few=few,
            rows=len(found.rows),
            least_deals=LEAST_DEALS,
        )
        guards.append(
            Guard("small_cells", say("{said}; their own differences are drawn far towards 0.", said=said))
        )
    return guards


def _chart(people: pd.DataFrame, e: Estimate) -> Chart | None:
    if people.empty or e.value is None:
        return None
    title = say(
        "On like deals salespeople differ by {value:.1f} points of discount (standard deviation)",
        value=e.value,
    )
    return Chart("bars", "owner", "difference", reference=0.0, title=title)
