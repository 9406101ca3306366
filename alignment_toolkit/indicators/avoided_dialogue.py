"""Do the two heads come as often when both are invited?

**Question.** Does a head come to a meeting less often when the other head is invited too?

**Gap.** P(attends, invited alone) minus P(attends, both invited), over both heads, each compared with himself
or herself: the difference within each head, weighed by how well it can be compared (Mantel and Haenszel).
Rows of `work` of the kind `meeting` that started in the twelve months up to the window's end.

**Estimand.** The difference of the two probabilities in the way the two heads fill their calendars.
**Interval.** Newcombe's, over the two heads; that both sit (or miss) the same meetings is in it by their
correlation. **Margin.** 20 %: one meeting in five; below that, leave and travel make the difference.
**Minimum.** 40 invitations. **Privacy.** Withheld unless `[privacy] heads = true` and the audience is internal:
each side is one person. **Size needed.** Attendance of 80 % alone against 40 % (twice the margin) is found in 9
of 10 years from 240 invitations on (60 alone and 60 with the other for each head); at 40 the answer is mostly
*uncertain* (by simulation).

**Worked example.** Six invitations of marketing's head: alone to three meetings, came to 3; with the other
head to three, came to 1. 3/3 - 1/3 = 66.7 %. Six of sales' head: alone 2 of 3, with the other 2 of 3: 0. Both
weigh alike: gap = 33.3 %.

**When it lies.** Calendars: meetings for both are longer, announced later, or set by somebody else at a bad
hour. Some are sent a deputy by agreement. Attendance that nobody noted is left out (guard `logging`).
Meetings for both may be larger; the guard `simpson` fires where the answer changes within meetings of like
size.

**What to do.** Ask both, one by one, which of the common meetings they would keep. Keep few, make them short,
and give them an owner.

**Literature.** Newcombe (1998), Statistics in Medicine 17. Yan and Su (2010), Statistics in Biopharmaceutical
Research 2. Mantel and Haenszel (1959), Journal of the National Cancer Institute 22.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from alignment_toolkit.indicator import Data, Observation, evidence, indicator
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Chart, Column, Evidence, Guard, Measure
from alignment_toolkit.statistics.inference import Gap
from alignment_toolkit.statistics.shares import newcombe, wilson
from alignment_toolkit.statistics.simpson import crude_and_adjusted
from alignment_toolkit.statistics.stratified_newcombe import stratified_newcombe

HEADS = {"marketing": "sales", "sales": "marketing"}
FLAGS = ("marketing_invited", "sales_invited", "marketing_attended", "sales_attended")
SEVERAL = 10


@indicator(
    question="Do the two heads come as often when both are invited?",
    title="The two heads come about as often when both are invited",
    failure_title="The two heads come less often when both are invited",
    nature="personal",
    area="cooperation",
    kind="contrast",
    unit="share",
    margin=0.20,
    enough={"invitations": 40},
    window="trailing-12-months",
    population="invitations of the two heads to meetings in the last twelve months",
    needs={"work": ("work_id", "kind", "started_on", *FLAGS)},
    uses={"work": ("people",)},
    outcomes={"work": (*FLAGS, "ended_on", "outcome")},
    says=(
        "Invited without the other, a head came to {alone} meetings; where both were invited, to {both}. Among the "
        "meetings of each head that is a difference of {gap}."
    ),
    advice=(
        "Ask both, one by one, which of the common meetings they would keep and what would make them worth the time. "
        "Keep few of them, make them short, give each an owner and a fixed hour."
    ),
    innocent={
        "marketing": "Common meetings may fall into hours that marketing needs for launches, or a deputy may go.",
        "sales": "Common meetings may fall into hours that sales needs for clients, or a deputy may go.",
    },
)
def avoided_dialogue(data: Data, window: Period) -> Observation:
    """What the two heads do not settle between them is settled late, or by somebody else.

    Where they seldom meet, their teams have less to go by. The numbers show calendars, not intentions.
    """
    if not data.may_compare_heads():
        hidden = Gap.none(n_unit="invitations", unit="share", method="withheld")
        said = say(
            "Each side is one person. Shown only with [privacy] heads = true, in reports for the company "
            "itself."
        )
        return Observation(gap=hidden, counts={"invitations": 0}, withheld=said)
    t = data["work"]
    t = t.filter(t.kind == "meeting", t.started_on >= str(window.start), t.started_on < str(window.end))
    rows = data.fetch(t.order_by(["started_on", "work_id"]))
    for flag in FLAGS:
        rows[flag] = rows[flag].astype("boolean")
    asked = pd.concat([_invitations(rows, head) for head in HEADS], ignore_index=True)
    noted = asked[asked["came"].notna() & asked["other"].notna()]
    cells = _cells(noted)
    gap = stratified_newcombe(
        *(cells[c] for c in ("came_alone", "alone", "came_both", "both")),
        n_unit="invitations",
        together=_together(rows),
    )
    return Observation(
        gap=gap,
        values={"alone": _share(cells, "alone"), "both": _share(cells, "both")},
        counts={"invitations": gap.estimate.n},
        measures=_measures(cells),
        guards=_guards(asked, noted),
        evidence=_evidence(rows),
        chart=_chart(cells),
    )


def _invitations(rows: pd.DataFrame, head: str) -> pd.DataFrame:
    """Give one row per invitation of a head: whether the other head was invited too, whether he or she came."""
    own = rows[rows[f"{head}_invited"].fillna(False).astype(bool)]
    kept = pd.DataFrame(
        {"other": own[f"{HEADS[head]}_invited"], "came": own[f"{head}_attended"], "head": head}
    )
    return kept.assign(people=own["people"] if "people" in own.columns else np.nan)


def _cells(noted: pd.DataFrame) -> pd.DataFrame:
    with_other, came = noted["other"].astype(bool), noted["came"].astype(bool)
    columns = {
        "alone": ~with_other,
        "came_alone": ~with_other & came,
        "both": with_other,
        "came_both": with_other & came,
    }
    counted = pd.DataFrame({**columns, "head": noted["head"]}).groupby("head").sum()
    return counted.reindex(list(HEADS), fill_value=0).astype("int64")


def _together(rows: pd.DataFrame) -> float:
    """Give the correlation of the two heads' coming to the meetings to which both are invited."""
    both = rows["marketing_invited"].fillna(False) & rows["sales_invited"].fillna(False)
    came = rows.loc[both.astype(bool), ["marketing_attended", "sales_attended"]].dropna().astype(float)
    if len(came) < SEVERAL or (came.nunique() < 2).any():
        return 0.0
    return float(np.corrcoef(came.to_numpy().T)[0, 1])


def _count(cells: pd.DataFrame, head: str, which: str) -> int:
    return int(cells[which].to_dict()[head])


def _share(cells: pd.DataFrame, which: str) -> str:
    rows, came = int(cells[which].sum()), int(cells[f"came_{which}"].sum())
    return say("{came:,} of {rows:,}", came=came, rows=rows)


def _measures(cells: pd.DataFrame) -> list[Measure]:
    found = []
    for head in HEADS:
        came_alone, alone, came_both, both = (
            _count(cells, head, c) for c in ("came_alone", "alone", "came_both", "both")
        )
        own = newcombe(came_alone, alone, came_both, both, n_unit="invitations")
        found.append(
            Measure.of(f"{head}_gap", say("The difference for the head of {head}", head=head), own.estimate)
        )
    for which, label in (
        ("alone", say("Comes when invited without the other")),
        ("both", say("Comes when both are invited")),
    ):
        share = wilson(int(cells[f"came_{which}"].sum()), int(cells[which].sum()), n_unit="invitations")
        found.append(Measure.of(f"came_{which}", label, share.estimate))
    return found


def _guards(asked: pd.DataFrame, noted: pd.DataFrame) -> list[Guard]:
    guards = []
    missing = len(asked) - len(noted)
    if missing and missing >= 0.2 * len(asked):
        said = say(
            "For {missing:,} of {asked:,} invitations nobody noted who came",
            missing=missing,
            asked=len(asked),
        )
        guards.append(Guard("logging", say("{said}, or who else was invited: they are left out.", said=said)))
    known = noted[noted["people"].notna()]
    if len(known) >= 40:
        size = known["people"].astype(float)
        large = size > float(size.mean())
        codes = known["head"] + large.map({True: " large", False: " small"})
        came, other = known["came"].astype(bool), known["other"].astype(bool)
        sums = [
            part.groupby(codes).sum().sort_index().to_numpy(float)
            for part in (came & ~other, ~other, came & other, other)
        ]
        if crude_and_adjusted(*sums).fires:
            guards.append(
                Guard(
                    "simpson",
                    say("Within meetings of like size the answer is another one than over all of them."),
                )
            )
    return guards


def _evidence(rows: pd.DataFrame) -> Evidence:
    invited = rows["marketing_invited"].fillna(False) & rows["sales_invited"].fillna(False)
    missed = rows["marketing_attended"].eq(False).fillna(False) | rows["sales_attended"].eq(False).fillna(
        False
    )
    shown = rows[(invited & missed).astype(bool)].sort_values(
        ["started_on", "work_id"], ascending=[False, True]
    )
    return evidence(
        shown.assign(started_on=pd.to_datetime(shown["started_on"]).dt.date.astype(str)),
        [
            Column("work_id", say("Meeting"), None, "id"),
            Column("started_on", say("On"), None, "time"),
            Column("marketing_attended", say("Marketing's head came"), None, "dimension"),
            Column("sales_attended", say("Sales' head came"), None, "dimension"),
        ],
    )


def _chart(cells: pd.DataFrame) -> Chart | None:
    rows = []
    for head in HEADS:
        for which, words in (("alone", say("invited without the other")), ("both", say("both invited"))):
            n = _count(cells, head, which)
            if not n:
                continue
            share = wilson(_count(cells, head, f"came_{which}"), n, n_unit="invitations").estimate
            rows.append(
                {
                    "head": say("head of {head}", head=head),
                    "attendance": share.value,
                    "low": share.low,
                    "high": share.high,
                }
                | {"invited": words, "n": n}
            )
    if not rows:
        return None
    said = [
        f"{_share(cells, which)} {words}"
        for which, words in (("alone", say("where one head is invited")), ("both", say("where both are")))
    ]
    title = say("Attended: {first}, {second}", first=said[0], second=said[1])
    return Chart("bars", "head", "attendance", "low", "high", group="invited", rows=tuple(rows), title=title)
