"""Where the departments judge differently, who is right?

**Question.** Which department's judgement of potential says better which accounts will be won?

**Gap.** Area under the ROC curve of sales' potential minus that of marketing's, for becoming a client within
365 days of the assessment, over accounts that both have rated and that were no clients then. The latest
rating of each department within the 365 days before the window's end counts, the year runs from the later of
the two, and the window lies so far back that the year is over for all. Positive: sales sees better. Ratings
copied by one from the other (same value at the same moment) are left out.

**Estimand.** The difference of the probabilities that a winner is rated above one that is not won.
**Interval.** DeLong's for paired ratings. **Margin.** 0.05 either way: an index of 0.70 against 0.75 is what
a year's experience may bring. **Minimum.** 200 accounts and 30 wins. **Self-fulfilling.** Sales works on what
it rates highly, and wins there for that reason too. So the difference is computed a second time among the
accounts that sales worked on, each weighing by the inverse of its probability of being worked on given both
ratings. The finding holds only as far as both versions hold it: where they differ in sign the interval spans
both, and the test takes the larger p value. **Size needed.** A difference of 0.10 (twice the margin) is found in 8 of
10 cases from 350 wins on, in 9 of 10 from 470, where there are nine rated accounts for each win (from the standard
error in made-up companies of 5,000 to 15,000 accounts: 0.0205 at 263 wins, 0.0118 at 795).

**Worked example.** Six accounts, two won (W). Sales rates W 90 and 60, the others 70, 40, 30, 20: of 8 pairs
7 are right, 0.875. Marketing rates W 80 and 50, the others 70, 60, 40, 30: 6 of 8, 0.75. Gap = 0.125.

**Beside the gap.** The share won of the fifth that each department rates highest: a rating may rank well
and still promise too much.

**When it lies.** A rating given after the first talks knows more than one given before. Effort outside the
records hides what made the rating true. Wins say nothing of how much an account would have been worth.

**What to do.** Neither is "right": use the average of both where it ranks better than either (a measure of
this finding), and ask the side that sees better what it looks at.

**Literature.** DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44. Hanley and McNeil (1982), Radiology
143. Rosenbaum and Rubin (1983), Biometrika 70. Merton (1948), The Self-Fulfilling Prophecy, Antioch Review 8.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from alignment_toolkit.indicator import CLIENT_SIGNS, Data, Observation, evidence, indicator
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Chart, Column, Estimate, Guard, Measure
from alignment_toolkit.statistics.inference import Gap
from alignment_toolkit.statistics.ranking import Ranking, auc_difference, logistic
from alignment_toolkit.statistics.shares import wilson

SIDES = ("marketing", "sales")
YEAR = pd.Timedelta(days=365)
FIFTHS = 5


@indicator(
    question="Where the departments judge potential differently, who is right?",
    title="Both departments judge potential equally well",
    failure_title="One department judges potential better than the other",
    nature="strategic",
    area="targeting",
    kind="contrast",
    direction="both",
    unit="index",
    margin=0.05,
    enough={"accounts": 200, "wins": 30},
    window="mature-365-days",
    population="accounts rated by both departments that were no clients yet, a year later",
    needs={"assessments": ("account_id", "department", "assessed_at", "potential")},
    uses={
        "assessments": ("assessment_id",),
        "touches": ("touched_at", "department", "account_id", "direction", "automated"),
        "accounts": ("account_id", "name"),
    },
    relations=("clients",),
    tension="neutral",
    witnesses={"assessments": "account_id"},
    looked_up=("clients", "touches", "accounts"),
    outcomes={"assessments": ("potential", "target"), "accounts": CLIENT_SIGNS},
    says=(
        "Of {n} accounts that both have rated, {wins} were won within a year. Of an account that was won and one that "
        "was not, sales' rating puts the winner first in {sales} of cases, marketing's in {marketing}: a difference "
        "of {gap}, where 1 is all cases (below 0: marketing sees better)."
    ),
    advice=(
        "Use what both see: rank accounts by the average of both ratings, and look together at ten accounts that one "
        "side got right and the other did not. Ask what it had looked at."
    ),
    innocent={
        "marketing": "Marketing judges from afar and early: what an account could become, not whom sales will visit.",
        "sales": "Sales works on what it rates highly, so its ratings come true in part because of the work.",
    },
)
def misjudged_potential(data: Data, window: Period) -> Observation:
    """Two views of the same account are worth more than one, if you know which is better at what.

    Where one side ranks clearly better, the plan should listen to it; where both are equal, a dispute about who knows
    the market is idle.
    """
    rows, guards = _accounts(data, window)
    seen = auc_difference(rows.sales, rows.marketing, rows.won, n_unit="accounts")
    worked = _worked(rows)
    gap = seen.gap if worked is None else _both(seen.gap, worked.gap)
    shown = rows.assign(
        apart=(rows.sales - rows.marketing).abs(), outcome=np.where(rows.won, say("won"), say("not won"))
    )
    shown = shown.sort_values(["apart", "account_id"], ascending=[False, True])
    columns = [Column("account_id", say("Account"), None, "id")]
    if data.has("accounts", "account_id", "name"):
        names = data.fetch(data["accounts"].select("account_id", "name"))
        shown = shown.head(50).merge(names, on="account_id", how="left", validate="one_to_one")
        columns.append(Column("name", say("Name"), None, "name"))
    columns += [
        Column("marketing", say("Potential, says marketing"), "index", "measure"),
        Column("sales", say("Potential, says sales"), "index", "measure"),
        Column("rated", say("Both had rated by"), None, "time"),
        Column("outcome", say("Within a year"), None, "dimension"),
    ]
    if worked is not None and _opposite(seen.gap.estimate, worked.gap.estimate):
        said = say("Among all accounts and among those that sales worked on, another department ranks better")
        guards.append(Guard("confounding", say("{said}: the wins may follow the effort.", said=said)))
    wins = int(rows.won.sum())
    return Observation(
        gap=gap,
        values={
            "wins": say("{wins:,}", wins=wins),
            "sales": _percent(seen.first),
            "marketing": _percent(seen.second),
        },
        counts={"accounts": len(rows), "wins": wins},
        measures=_measures(rows, seen, worked),
        guards=guards,
        evidence=evidence(shown, columns),
        chart=_chart(rows, seen),
    )


def _percent(e: Estimate) -> str:
    return say("no share") if e.value is None else say("{value:.0f} %", value=100 * e.value)


def _accounts(data: Data, window: Period) -> tuple[pd.DataFrame, list[Guard]]:
    """Give one row per account that both rated and that was no client: both ratings, won, worked on by sales."""
    t = data["assessments"]
    table = t.filter(
        t.assessed_at >= str(window.end - timedelta(days=365)),
        t.assessed_at < str(window.end),
        t.department.isin(SIDES),
        t.potential.notnull(),
    )
    rows = data.fetch(table)
    order = [
        c
        for c in ("account_id", "department", "assessed_at", "assessment_id", "potential")
        if c in rows.columns
    ]
    rows = rows.sort_values(order, kind="stable").drop_duplicates(["account_id", "department"], keep="last")
    rows = rows.assign(assessed_at=pd.to_datetime(rows.assessed_at), potential=rows.potential.astype(float))
    sides = [rows.loc[rows.department == s, ["account_id", "assessed_at", "potential"]] for s in SIDES]
    both = sides[0].merge(sides[1], on="account_id", suffixes=("_m", "_s"), validate="one_to_one")
    copied = (both.potential_m == both.potential_s) & (both.assessed_at_m == both.assessed_at_s)
    guards = []
    if copied.any():
        said = say(
            "Of {both:,} pairs {copied:,} had the same potential at the same moment",
            copied=int(copied.sum()),
            both=len(both),
        )
        guards.append(Guard("copied_ratings", say("{said}: taken as copies and left out.", said=said)))
    both = both[~copied]
    both = both.assign(rated=both[["assessed_at_m", "assessed_at_s"]].max(axis=1))
    both = both.rename(columns={"potential_m": "marketing", "potential_s": "sales"})
    clients = data.relation("clients")
    clients = data.fetch(
        clients.filter(clients.account_id.notnull())
        .group_by("account_id")
        .aggregate(client_since=clients.client_since.min())
    )
    both = both.merge(clients, on="account_id", how="left", validate="one_to_one")
    since, day = pd.to_datetime(both.client_since), both.rated.dt.normalize()
    both = both.assign(won=(since <= day + YEAR).fillna(False).astype(bool))
    both = both[~(since <= day).fillna(False).astype(bool)].sort_values("account_id").reset_index(drop=True)
    return both.assign(worked=_efforts(data, window, both)), guards


def _efforts(data: Data, window: Period, rows: pd.DataFrame) -> pd.Series:
    """Say which accounts sales was in touch with, of its own accord, in the year after the ratings (unknown: empty)."""
    if not data.has("touches", "touched_at", "department", "account_id", "direction"):
        return pd.Series(pd.NA, index=rows.index, dtype="boolean")
    t = data["touches"]
    t = t.filter(
        t.department == "sales",
        t.direction == "outbound",
        t.account_id.notnull(),
        t.touched_at >= str(window.end - timedelta(days=365)),
        t.touched_at < str(window.end + timedelta(days=365)),
    )
    if "automated" in t.columns:
        t = t.filter(~t.automated.fill_null(False))
    touches = data.fetch(t.select("account_id", day=t.touched_at.date()).distinct())
    near = touches.merge(rows[["account_id", "rated"]], on="account_id")
    day = pd.to_datetime(near.day)
    near = near[(day >= near.rated.dt.normalize()) & (day <= near.rated + YEAR)]
    return rows.account_id.isin(set(near.account_id)).astype("boolean")


def _worked(rows: pd.DataFrame) -> Ranking | None:
    """Compare the ratings among accounts that sales worked on, as if all had been."""
    worked = rows.worked.fillna(False).astype(bool)
    if worked.all() or worked.sum() < 30 or rows.won[worked].sum() < 10 or rows.won[worked].all():
        return None
    m, s = rows.marketing.to_numpy(), rows.sales.to_numpy()
    chance = logistic(np.column_stack([m, s, m * m, s * s, m * s]), worked)
    weights = 1 / np.clip(chance[worked], 0.05, 1.0)
    own = rows[worked]
    return auc_difference(own.sales, own.marketing, own.won, weights, n_unit="accounts")


def _opposite(one: Estimate, two: Estimate) -> bool:
    return one.value is not None and two.value is not None and one.value * two.value < 0


def _both(seen: Gap, worked: Gap) -> Gap:
    """Let the gap hold only as far as both versions hold it, where they point to different sides."""
    a, b = seen.estimate, worked.estimate
    if not _opposite(a, b) or a.low is None or b.low is None or a.high is None or b.high is None:
        return seen
    words = say(
        "{method}; weighted by the probability of effort the sign is another, so the interval spans both",
        method=a.method,
    )
    e = Estimate(a.value, min(a.low, b.low), max(a.high, b.high), a.n, a.n_unit, a.unit, words)
    return Gap(
        e, lambda m: max(seen.above(m), worked.above(m)), lambda m: max(seen.below(m), worked.below(m))
    )


def _measures(rows: pd.DataFrame, seen: Ranking, worked: Ranking | None) -> list[Measure]:
    found = [
        Measure.of(
            "sales", say("Sales: how often a winner is rated above one not won (0.5: by chance)"), seen.first
        ),
        Measure.of(
            "marketing",
            say("Marketing: how often a winner is rated above one not won (0.5: by chance)"),
            seen.second,
        ),
    ]
    if worked is not None:
        label = say(
            "Sales minus marketing among accounts that sales worked on, weighted by the probability of effort"
        )
        found.append(Measure.of("worked", label, worked.gap.estimate))
    if len(rows):
        average = rows.sales.rank() + rows.marketing.rank()
        for side in SIDES:
            e = auc_difference(average, rows[side], rows.won, n_unit="accounts").gap.estimate
            found.append(
                Measure.of(
                    f"average_over_{side}",
                    say("Average of both ratings minus that of {side} alone", side=side),
                    e,
                )
            )
    if len(rows) >= FIFTHS:
        for side in SIDES:
            best = rows[rows[side].rank(method="first") > len(rows) * (1 - 1 / FIFTHS)]
            label = say("Won, of the fifth that {side} rates highest", side=side)
            e = wilson(int(best.won.sum()), len(best), n_unit="accounts").estimate
            found.append(Measure.of(f"won_of_best_{side}", label, e))
    return found


def _chart(rows: pd.DataFrame, seen: Ranking) -> Chart | None:
    if seen.first.value is None or seen.second.value is None or len(rows) < 5:
        return None
    made = []
    for side in SIDES:
        fifth = pd.qcut(rows[side].rank(method="first"), 5, labels=False)
        for number, part in rows.groupby(fifth):
            e = wilson(int(part.won.sum()), len(part), n_unit="accounts").estimate
            made.append({
                "fifth of the rating": f"{int(number) + 1}", "won": e.value, "low": e.low, "high": e.high,
                "rated by": side,
            })  # fmt: skip
    first, second = seen.first.value, seen.second.value
    side = say("Sales") if first >= second else say("Marketing")
    most, least = max(first, second), min(first, second)
    title = say(
        "{side} rates the winner higher in {most:.0f} % of pairs, the other side in {least:.0f} %",
        side=side,
        most=100 * most,
        least=100 * least,
    )
    return Chart("lines", "fifth of the rating", "won", "low", "high", "rated by", tuple(made), title=title)
