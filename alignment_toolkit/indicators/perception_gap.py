"""Do both departments see the cooperation alike?

**Question.** Do marketing and sales give the same answers on how well they work together?

**Gap.** Marketing's minus sales' mean answer to the twenty statements c01 to c20 of the questionnaire, in
points of its scale from 1 to 5. The last wave up to the window's end counts. Who answered fewer than sixteen
of the twenty is left out.

**Estimand.** The difference over all people of both departments, those who did not answer too. **Interval.**
Welch's, corrected for the share of the headcount (`people`) that answered; what one person would answer
otherwise on another day stays in (the correction is multiplied by Cronbach's alpha). **Margin.** 0.5 points:
every second statement answered one step apart. **Minimum.** 5 people a side; with fewer, nothing is shown.
**Size needed.** With a spread of 0.8 points between people, a true gap of twice the margin is found in 9 of
10 surveys where 10 of 12 and 34 of 40 people answer, or 14 of 16 on both sides (by simulation). Where the
headcount is not known, it takes 50 answers a side.

**Worked example.** Six people, each with one answer throughout: marketing 4, 4, 3; sales 3, 3, 2. Means 3.667
and 2.667: gap = 1.0 points. With three a side the finding itself would be withheld.

**When it lies.** People who fear to be recognised answer in the middle. Who gave one number throughout may
not have read the statements (guard `straight_lining`). A scale whose alpha is below 0.70 does not measure one
thing (guard `reliability`). If those who did not answer think otherwise, no correction helps: see the bounds
of `strained_relationship`.

**Thought worlds.** The differences on t01 to t12 stand beside the gap, without verdict: on what comes first
(clients or products) and on the time horizon a difference can help, since two views see more than one; a
difference of competence hurts (Homburg and Jensen 2007).

**What to do.** Read the three statements furthest apart together, and ask each side for one example.

**Literature.** Homburg and Jensen (2007), The Thought Worlds of Marketing and Sales, Journal of Marketing 71.
Cochran (1977), Sampling Techniques, chapters 2 and 10. Cronbach (1951), Psychometrika 16. Mann and Whitney
(1947), Annals of Mathematical Statistics 18.
"""

from __future__ import annotations

import pandas as pd

from alignment_toolkit.indicator import Data, Observation, evidence, indicator
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Chart, Column, Guard, Measure
from alignment_toolkit.statistics.inference import Gap
from alignment_toolkit.statistics.instrument import FLOOR, RELIABLE, WORLDS, Reading

SHOWN = 6


@indicator(
    question="Do both departments see the cooperation alike?",
    title="Marketing and sales see their cooperation alike",
    failure_title="Marketing and sales see their cooperation differently",
    nature="personal",
    area="cooperation",
    kind="contrast",
    direction="both",
    unit="points",
    margin=0.5,
    enough={"people on the side that has fewer": FLOOR},
    window="history",
    population="people of marketing and sales, last wave of the questionnaire",
    needs={"survey": ("respondent_id", "department", "item", "answer")},
    uses={"survey": ("wave",)},
    uses_relations=("staff",),
    outcomes={"survey": ("department", "answer")},
    says=(
        "Asked about the cooperation, marketing's mean answer is {marketing} and sales' is {sales} on a scale from 1 "
        "to 5: a difference of {gap}."
    ),
    advice=(
        "Read the three statements furthest apart together, both departments at one table, and ask each side for one "
        "example from the last month. Agree on one thing that each side does differently, and ask again in half a year."
    ),
    innocent={
        "marketing": "Marketing sees the planning of the common work, and may judge what has been agreed on.",
        "sales": "Sales sees what reaches the client, and may judge what has come of it so far.",
    },
)
def perception_gap(data: Data, window: Period) -> Observation:
    """Where one side believes that all is well and the other does not, nobody works on it.

    The difference says nothing about who is right. It says that the two have not told each other what they see.
    """
    staff = data.fetch(data.relation("staff")) if data.has_relation("staff") else None
    reading = Reading.latest(data.fetch(data["survey"]), staff, data.period_of, window.end)
    counts = {"people on the side that has fewer": reading.fewest}
    if reading.exposed:
        hidden = Gap.none(n_unit="people", unit="points", method="withheld")
        return Observation(gap=hidden, counts=counts, withheld=reading.exposed)
    gap = reading.perception_gap()
    items = reading.by_item()
    said = {side.name: _text(items, side.name) for side in reading.sides}
    items["apart"] = items["gap"].abs()
    items = items.sort_values(["apart", "item"], ascending=[False, True], kind="stable")
    return Observation(
        gap=gap,
        values=said,
        counts=counts,
        measures=_measures(reading),
        guards=_guards(reading, gap, data.margin),
        evidence=evidence(items, COLUMNS),
        chart=_chart(items),
    )


COLUMNS = (
    Column("item", "Item", None, "id"),
    Column("text", "Statement", None, "dimension"),
    Column("marketing", "Marketing's mean answer", "points", "measure"),
    Column("sales", "Sales' mean answer", "points", "measure"),
    Column("gap", "Marketing minus sales", "points", "measure"),
    Column("often", "How much more often marketing answers higher (-1 to 1)", "index", "measure"),
    Column("q", "q value of the difference (Mann-Whitney, over all statements)", "index", "measure"),
    Column("n", "Answers", "count", "measure"),
)


def _text(items: pd.DataFrame, side: str) -> str:
    known = items.loc[items["item"].str.startswith("c"), side].dropna()
    return say("{known:.2f}", known=known.mean()) if len(known) else say("not known")


def _measures(reading: Reading) -> list[Measure]:
    found = []
    for side in reading.sides:
        name = side.name
        label = say("Total of c01 to c20 in {name} (20 to 100)", name=name)
        found.append(Measure.of(f"{name}_total", label, reading.total_of(side).estimate))
        label = say("Reliability of the answers of {name} (Cronbach's alpha)", name=name)
        found.append(Measure.of(f"{name}_alpha", label, reading.reliability(side)))
        if side.headcount:
            share = Gap.exact(
                min(side.people / side.headcount, 1.0), n=side.headcount, n_unit="people", method="counted"
            )
            found.append(
                Measure.of(
                    f"{name}_answered", say("People of {name} who answered", name=name), share.estimate
                )
            )
    for world in WORLDS:
        helps = say("can help") if world.tension == "productive" else say("hurts")
        label = say(
            "Thought worlds, {title}: marketing minus sales ({tension}: a difference {helps})",
            title=say(world.title),
            tension=world.tension,
            helps=helps,
        )
        found.append(Measure.of(f"world_{world.id}", label, reading.world(world).estimate))
    return found


def _guards(reading: Reading, gap: Gap, margin: float) -> list[Guard]:
    guards = []
    people = sum(side.people for side in reading.sides)
    straight = sum(int(reading.straight(side).sum()) for side in reading.sides)
    value, without = gap.estimate.value, reading.without_straight_lines().perception_gap().estimate.value
    crosses = value is not None and without is not None and (abs(value) > margin) != (abs(without) > margin)
    if straight and (straight >= 0.1 * people or crosses):
        more = say(" Without them the gap lies on the other side of the margin.") if crosses else ""
        said = say(
            "{straight:,} of {people:,} people gave one number throughout", straight=straight, people=people
        )
        guards.append(
            Guard(
                "straight_lining",
                say("{said}: some may not have read the statements.{more}", said=said, more=more),
            )
        )
    for side in reading.sides:
        alpha = reading.reliability(side).value
        if alpha is not None and alpha < RELIABLE:
            said = say(
                "Cronbach's alpha of the answers of {name} is {alpha:.2f}", name=side.name, alpha=alpha
            )
            guards.append(
                Guard(
                    "reliability",
                    say(
                        "{said}, below {reliable:.2f}: the statements do not measure one thing.",
                        said=said,
                        reliable=RELIABLE,
                    ),
                )
            )
        if side.headcount is not None and side.headcount < side.people:
            said = say(
                "Answer sheets of {name}: {people:,}; people there: {headcount:,}",
                people=side.people,
                name=side.name,
                headcount=side.headcount,
            )
            guards.append(Guard("join_health", say("{said}: the headcount is not used.", said=said)))
    if copies := reading.copies():
        guards.append(
            Guard(
                "copied_ratings",
                say("Answer sheets that equal another one in every answer: {copies:,}.", copies=copies),
            )
        )
    return guards


def _chart(items: pd.DataFrame) -> Chart | None:
    shown = items[items["item"].str.startswith("c") & items["gap"].notna()].head(SHOWN)
    if shown.empty:
        return None
    rows = tuple(
        {"statement": row.text, "department": side, "mean answer": float(getattr(row, side))}
        for row in shown.itertuples()
        for side in ("marketing", "sales")
    )
    title = say(
        "The {shown} statements on which the departments' answers lie furthest apart", shown=len(shown)
    )
    return Chart("bars", "statement", "mean answer", group="department", rows=rows, title=title)
