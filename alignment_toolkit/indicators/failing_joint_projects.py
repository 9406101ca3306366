"""Are joint projects delivered as often as a department's own?

**Question.** Of the projects that came to an end, are those of both departments delivered less often?

**Gap.** Share not delivered, joint projects minus those of one department, within projects of like `size`
(weights of Mantel and Haenszel). Rows of `work` of the kind `project` with an outcome, ended (or, without
`ended_on`, started) up to the window's end. Where those who began them (`initiated_by`) or teams (`team`) had
projects of both kinds, so that comparing each only with itself tells more, projects of one size and of the same
people or team are compared.

**Estimand.** The difference of the two probabilities where both kinds had the same sizes and like people: those who
began them, and teams, stand for others who might. **Interval.** Newcombe's over strata, which holds for few
projects (within people or teams the wider of it and Klingenberg's); where whole people or teams have one kind
alone, widened to the variance between them (CR2). A column that is not on record, or that names a department,
leaves projects independent. **Margin.** 20 %: one project in five; work across two
departments is harder, and that much more of it may end early. **Minimum.** 15 projects a side. **Size needed.**
65 % against 25 % not delivered (twice the margin) is found in 9 of 10 cases from 125 projects a side on; with
15 a side the answer is mostly *uncertain* (by simulation).

**Worked example.** Six projects of one size. Joint: delivered, not, not. Own: delivered, delivered, not. 2/3
- 1/3 = 33.3 %.

**When it lies.** Joint projects are harder: they are larger, newer, and nobody gives the easy ones to two
departments. Size takes part of that out; the guard `confounding` says how strong the rest would have to be
(E-value). Where one person began all joint projects, that person's and theirs cannot be told apart: no interval
(guard `confounding`). Projects that are quietly dropped have no outcome: see the share that is still open.

**What to do.** Take the last three joint projects that were not delivered and write down, together, when each
side first saw it coming. Then give every joint project one owner and one goal.

**Literature.** Mantel and Haenszel (1959), Journal of the National Cancer Institute 22. Newcombe (1998),
Statistics in Medicine 17. Yan and Su (2010), Statistics in Biopharmaceutical Research 2. Bell and McCaffrey
(2002), Survey Methodology 28. VanderWeele and Ding (2017), Annals of Internal Medicine 167.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alignment_toolkit.indicator import Data, Observation, evidence, indicator
from alignment_toolkit.indicator.parts import between
from alignment_toolkit.languages import noted, say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Chart, Column, Guard, Measure
from alignment_toolkit.statistics.between import Compared, compared_few
from alignment_toolkit.statistics.shares import e_value, wilson
from alignment_toolkit.statistics.simpson import crude_and_adjusted
from alignment_toolkit.statistics.stratified_newcombe import stratified_newcombe

MISSING = "(missing)"
WHOSE = {"people": "initiated_by", "teams": "team"}
# Whose projects of a kind are is the question itself, and no person or team among others.
DEPARTMENTS = ("joint", "marketing", "sales", "service", "operations", "company", "other")
ALIKE = {
    (): noted("among projects of like size"),
    ("people",): noted("among projects of like size that the same people began"),
    ("teams",): noted("among projects of like size and of the same team"),
    ("people", "teams"): noted("among projects of like size that the same people of one team began"),
}
WEAK = 3.0
MANY = 0.1


@indicator(
    question="Are joint projects delivered as often as a department's own?",
    title="Joint projects are delivered as often as others",
    failure_title="Joint projects are delivered less often than others",
    nature="personal",
    area="cooperation",
    kind="contrast",
    unit="share",
    margin=0.20,
    enough={"projects on the side that has fewer": 15},
    window="history",
    population="projects that came to an end",
    needs={"work": ("work_id", "kind", "started_on", "scope", "outcome")},
    uses={"work": ("ended_on", "size", "initiated_by", "team")},
    outcomes={"work": ("scope", "ended_on", "outcome")},
    says=(
        "{joint} joint projects were not delivered, and {single} of those of one department: {alike}, joint ones were "
        "not delivered {gap} more often (below 0: less often)."
    ),
    advice=(
        "Take the last three joint projects that were not delivered and write down together when each side first saw "
        "it coming. Then give every joint project one owner, one goal and one date that both departments have signed."
    ),
    innocent={
        "marketing": "Joint projects tend to be newer and harder than what a department does alone.",
        "sales": "Joint projects depend on more people's time, and the quarter's sales come first for good reason.",
    },
)
def failing_joint_projects(data: Data, window: Period) -> Observation:
    """What both departments begin together and do not finish costs twice, and makes the next attempt harder.

    A difference does not say that people do not get on: it may be that only the hard things are done together.
    """
    t = data["work"]
    t = t.filter(t.kind == "project", t.started_on < str(window.end), t.scope.notnull())
    rows = data.fetch(t.order_by(["started_on", "work_id"]))
    ended = rows["ended_on"] if "ended_on" in rows.columns else pd.Series(pd.NaT, index=rows.index)
    past = pd.to_datetime(ended).fillna(pd.to_datetime(rows["started_on"])) < pd.Timestamp(window.end)
    rows = rows.assign(
        joint=rows["scope"] == "joint",
        over=rows["outcome"].notna() & past,
        failed=rows["outcome"] == "not_delivered",
        size=rows["size"].fillna(MISSING) if "size" in rows.columns else MISSING,
    )
    over = rows[rows["over"]]
    cells = [
        np.asarray(part.groupby(over["size"]).sum().sort_index(), dtype=np.float64)
        for part in (over.joint & over.failed, over.joint, ~over.joint & over.failed, ~over.joint)
    ]
    seen = _compared(over)
    joint, single = int(over.joint.sum()), int((~over.joint).sum())
    failed = int((over.joint & over.failed).sum()), int((~over.joint & over.failed).sum())
    return Observation(
        gap=seen.gap,
        values={
            "alike": say(ALIKE[seen.within]),
            "joint": say("{failed:,} of {joint:,}", failed=failed[0], joint=joint),
            "single": say("{failed:,} of {single:,}", failed=failed[1], single=single),
        },
        counts={"projects on the side that has fewer": min(joint, single)},
        measures=_measures(rows, over, cells),
        guards=[
            *_guards(over, cells, seen, data.margin),
            *between(seen, say("In being delivered, joint projects and those of one department")),
        ],
        evidence=evidence(
            over[over.failed]
            .assign(started_on=_day(over["started_on"]))
            .sort_values(["joint", "started_on", "work_id"], ascending=[False, False, True]),
            [
                Column("work_id", say("Project"), None, "id"),
                Column("scope", say("Whose"), None, "dimension"),
                Column("started_on", say("Started"), None, "time"),
                Column("size", say("Size"), None, "dimension"),
                Column("outcome", say("Outcome"), None, "dimension"),
            ],
        ),
        chart=_chart(over),
    )


def _compared(over: pd.DataFrame) -> Compared:
    """Compare projects of like size, knowing whose they are."""
    kinds = {}
    for kind, column in WHOSE.items():
        own = over[column] if column in over.columns else pd.Series(None, index=over.index, dtype=object)
        own = own.where(~own.astype(str).str.strip().str.lower().isin(DEPARTMENTS))
        if own.notna().any():
            kinds[kind] = own
    one = np.ones(len(over))
    return compared_few(over.joint, over.failed, one, over["size"], n_unit="projects", **kinds)


def _day(moments: pd.Series) -> pd.Series:
    return pd.to_datetime(moments).dt.date.astype(str)


def _measures(rows: pd.DataFrame, over: pd.DataFrame, cells: Sequence[NDArray[np.float64]]) -> list[Measure]:
    found = []
    for name, label, own in (("joint", say("Joint"), True), ("single", say("One department's"), False)):
        of = over[over.joint == own]
        share = wilson(int(of.failed.sum()), len(of), n_unit="projects").estimate
        found.append(Measure.of(f"{name}_failed", say("{label} projects: not delivered", label=label), share))
        all_ = rows[rows.joint == own]
        still = wilson(int((~all_.over).sum()), len(all_), n_unit="projects").estimate
        found.append(Measure.of(f"{name}_open", say("{label} projects: no outcome yet", label=label), still))
    crude = stratified_newcombe(*(c.sum() for c in cells), n_unit="projects").estimate
    found.append(Measure.of("crude", say("The difference without regard to size"), crude))
    return found


def _guards(
    over: pd.DataFrame, cells: Sequence[NDArray[np.float64]], seen: Compared, margin: float
) -> list[Guard]:
    guards = []
    value, n = seen.gap.estimate.value, seen.gap.estimate.n
    adjusted = crude_and_adjusted(*cells)
    if adjusted.fires:
        guards.append(
            Guard(
                "simpson", say("Among projects of like size the answer is another one than over all of them.")
            )
        )
    if len(over) and (over["size"] == MISSING).mean() >= 0.2:
        said = say(
            "Of {over:,} projects {unsized:,} had no size on record",
            unsized=int((over["size"] == MISSING).sum()),
            over=len(over),
        )
        guards.append(
            Guard(
                "confounding",
                say("{said}: that joint ones are larger is not taken out of the difference.", said=said),
            )
        )
    elif value is not None and value > margin:
        (a, n1), (c, n0) = seen.first.T, seen.second.T
        ratio = crude_and_adjusted(a, n1, c, n0).risk_ratio
        strength = None if ratio is None else e_value(ratio)
        if strength is not None and strength < WEAK:
            said = say(
                "A trait that makes failure {strength:.1f} times as likely and is {strength:.1f} times as "
                "common in",
                strength=strength,
            )
            guards.append(
                Guard(
                    "confounding",
                    say("{said} joint projects (being hard, say) would explain the difference.", said=said),
                )
            )
    if len(over) - n > MANY * len(over):
        numbers = {"alone": len(over) - n, "over": len(over)}
        if seen.within:
            said = say(
                "Of {over:,} projects {alone:,} were of a size, a person or a team that one side alone has: left out.",
                **numbers,
            )
        else:
            said = say(
                "Of {over:,} projects {alone:,} were of a size that one side alone has: left out.", **numbers
            )
        guards.append(Guard("small_cells", said))
    return guards


def _chart(over: pd.DataFrame) -> Chart | None:
    rows = []
    for size, joint in sorted(set(zip(over["size"], over["joint"], strict=True))):
        own = over[(over["size"] == size) & (over["joint"] == joint)]
        share = wilson(int(own.failed.sum()), len(own), n_unit="projects").estimate
        rows.append(
            {"size": str(size), "not delivered": share.value, "low": share.low, "high": share.high}
            | {"whose": "joint" if joint else say("one department's"), "n": len(own)}
        )
    if not rows:
        return None
    failed = over.groupby("joint").failed.agg(["sum", "size"]).reindex([True, False], fill_value=0)
    (a, b), (c, d) = failed.astype(int).to_numpy().tolist()
    title = say(
        "Not delivered: {a:,} of {b:,} joint projects, {c:,} of {d:,} of one department", a=a, b=b, c=c, d=d
    )
    return Chart("bars", "size", "not delivered", "low", "high", group="whose", rows=tuple(rows), title=title)
