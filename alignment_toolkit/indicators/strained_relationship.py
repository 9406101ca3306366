"""How strained is the relationship of marketing and sales?

**Question.** How far has the working relationship been built, as those who are in it see it?

**Gap.** 65 minus the mean total of the twenty statements c01 to c20 (each 1 to 5, so totals run from 20 to
100), over all people of both departments who answered at least sixteen of them; what is missing counts as the
person's own mean. The last wave up to the window's end counts. Bands: 20 to 39 undefined, 40 to 59 defined,
60 to 79 aligned, 80 to 100 integrated.

**Estimand.** The mean over all people of both departments. **Interval.** Student's within departments,
corrected for the share of the headcount (`people`) that answered, times Cronbach's alpha. **Margin.** 5
points: *misaligned* then means that the total lies below 60, where the band "aligned" begins. **Minimum.** 10
answers; fewer than five on a side are never shown. **Size needed.** With a spread of 16 points between
people, a total of 55 (twice the margin) is found in 9 of 10 surveys where 10 of 12 and 34 of 40 people
answer, or 17 of 20 on both sides (by simulation). Where the headcount is not known, it takes 105 answers.

**Worked example.** Six people with totals 70, 60, 50 (marketing) and 60, 50, 40 (sales): mean 55, band
"defined", gap = 65 - 55 = 10 points. With three a side the finding itself would be withheld.

**When it lies.** A survey right after a bad quarter measures the quarter. Who is unhappy may answer more, or
less, than others: the bounds show the total if all who did not answer had given the least, and the most,
everywhere (guard `non_response` where they reach across the margin and the interval does not).

**What to do.** Begin with the two lowest statements, not with the mean. In the band "undefined" agree on who
does what; in "defined" on common goals and figures; in "aligned" on common planning.

**Literature.** Kotler, Rackham and Krishnaswamy (2006), Ending the War Between Sales and Marketing, Harvard
Business Review 84 (four levels of a relationship; the questionnaire's words and bands are the toolkit's own).
Cochran (1977), Sampling Techniques, chapters 2 and 13. Manski (1989), Journal of Human Resources 24 (bounds).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from alignment_toolkit.indicator import Data, Observation, evidence, indicator
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Chart, Column, Estimate, Guard, Measure
from alignment_toolkit.statistics.inference import Gap
from alignment_toolkit.statistics.instrument import COOPERATION, FLOOR, RELIABLE, Reading, band

ASKED = 65.0


@indicator(
    question="How strained is the relationship of marketing and sales?",
    title="Marketing and sales work together well, say those who do",
    failure_title="Marketing and sales find their relationship strained",
    nature="personal",
    area="cooperation",
    kind="contrast",
    unit="points",
    margin=5.0,
    enough={"answers": 10},
    window="history",
    population="people of marketing and sales, last wave of the questionnaire",
    needs={"survey": ("respondent_id", "department", "item", "answer")},
    uses={"survey": ("wave",)},
    uses_relations=("staff",),
    outcomes={"survey": ("answer",)},
    says=(
        "The mean total of the twenty statements is {total} of 100, in the band '{band}'. Aligned begins at 60. "
        "Counted down from 65, the total lacks {gap} (below 0: it lies above 65)."
    ),
    advice=(
        "Begin with the two statements that got the lowest answers, not with the mean. Agree first on who does what, "
        "then on common goals and figures, then on common planning. Ask again in half a year."
    ),
    innocent={
        "marketing": "A hard quarter, a new team or a new system makes every relationship look worse for a while.",
        "sales": "Pressure at the end of a quarter leaves little time for talks, and answers show it.",
    },
)
def strained_relationship(data: Data, window: Period) -> Observation:
    """People who find working together hard tend to do less of it, whatever the process says.

    The answers are opinions, and that is the point: who feels that nobody listens stops telling. The bands say how far
    the relationship has been built, not who made it so.
    """
    staff = data.fetch(data.relation("staff")) if data.has_relation("staff") else None
    reading = Reading.latest(data.fetch(data["survey"]), staff, data.period_of, window.end)
    if reading.exposed:
        hidden = Gap.none(n_unit="people", unit="points", method="withheld")
        return Observation(gap=hidden, counts={"answers": 0}, withheld=reading.exposed)
    total = reading.total().estimate
    known = total.value
    items = _items(reading)
    return Observation(
        gap=reading.strain(ASKED),
        values={
            "total": say("not known") if known is None else say("{known:.1f}", known=known),
            "band": (None if known is None else band(known)) or say("not known"),
        },
        counts={"answers": total.n},
        measures=_measures(reading, total),
        guards=_guards(reading, total, ASKED - data.margin),
        evidence=evidence(items, COLUMNS),
        chart=_chart(reading, total, ASKED - data.margin),
    )


COLUMNS = (
    Column("item", "Item", None, "id"),
    Column("text", "Statement", None, "dimension"),
    Column("mean", "Mean answer", "points", "measure"),
    Column("low_answers", "Answers of 1 or 2", "share", "measure"),
    Column("n", "Answers", "count", "measure"),
)


def _items(reading: Reading) -> pd.DataFrame:
    rows = []
    for item in COOPERATION:
        given = np.concatenate([side.of([item.id])[:, 0] for side in reading.sides])
        given = given[np.isfinite(given)]
        if len(given) < FLOOR:
            continue
        mean, low = float(given.mean()), float((given <= 2).mean())
        rows.append(
            {"item": item.id, "text": say(item.text), "mean": mean, "low_answers": low, "n": len(given)}
        )
    frame = pd.DataFrame(rows, columns=[c.name for c in COLUMNS])
    return frame.sort_values(["mean", "item"], kind="stable")


def _measures(reading: Reading, total: Estimate) -> list[Measure]:
    found = [Measure.of("total", say("Mean total of c01 to c20 (20 to 100)"), total)]
    for side in reading.sides:
        label = say("Mean total in {name}", name=side.name)
        found.append(Measure.of(f"{side.name}_total", label, reading.total_of(side).estimate))
    bounds, people = reading.bounds(), sum(side.headcount or 0 for side in reading.sides)
    if bounds is not None:
        label = say("Mean total, whatever those who did not answer would have said")
        worst = say("bounds: all who did not answer at 20, and at 100")
        found.append(
            Measure.of("bounds", label, Estimate(total.value, *bounds, people, "people", "points", worst))
        )
    for side in reading.sides:
        label = say("Reliability of the answers of {name} (Cronbach's alpha)", name=side.name)
        found.append(Measure.of(f"{side.name}_alpha", label, reading.reliability(side)))
    return found


def _guards(reading: Reading, total: Estimate, limit: float) -> list[Guard]:
    guards = []
    bounds = reading.bounds()
    if bounds is not None and total.low is not None and total.high is not None:
        settled = not total.low <= limit <= total.high
        if settled and bounds[0] <= limit <= bounds[1]:
            low, high = bounds
            said = say(
                "If those who did not answer think otherwise, the total may lie between {low:.0f} and "
                "{high:.0f}",
                low=low,
                high=high,
            )
            guards.append(
                Guard("non_response", say("{said}: on either side of {limit:g}.", said=said, limit=limit))
            )
    elif bounds is None:
        said = say(
            "How many people were asked is not known (people), so nothing can be said of those who did "
            "not answer."
        )
        guards.append(Guard("non_response", said))
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
    people = sum(side.people for side in reading.sides)
    straight = sum(int(reading.straight(side).sum()) for side in reading.sides)
    if straight and straight >= 0.1 * people:
        said = say(
            "{straight:,} of {people:,} people gave one number throughout", straight=straight, people=people
        )
        guards.append(
            Guard("straight_lining", say("{said}: some may not have read the statements.", said=said))
        )
    return guards


def _chart(reading: Reading, total: Estimate, limit: float) -> Chart | None:
    named = [*((s.name, reading.total_of(s).estimate) for s in reading.sides), ("both", total)]
    rows = tuple(
        {"department": name, "mean total": e.value, "low": e.low, "high": e.high, "n": e.n}
        for name, e in named
        if e.value is not None
    )
    if not rows or total.value is None:
        return None
    title = say(
        "The mean total of the twenty statements is {total:.1f}; the line stands at {limit:g}",
        total=total.value,
        limit=limit,
    )
    return Chart("bars", "department", "mean total", "low", "high", rows=rows, reference=limit, title=title)
