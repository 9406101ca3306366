"""Do procedures and approvals grow faster than the people?

**Question.** Do procedures and approvals grow faster than the people who have to live with them?

**Gap.** The yearly growth, in natural logarithms (0.20 is 22 % more in a year), of procedures started and
approvals asked for, per head of both departments: each month, the rows of `work` of the kind `procedure` plus
the `approvals` of all work started in that month, over the people (`people`, without programs) who worked
there.

**Estimand.** The slope of the expected rate. **Interval.** A quasi-Poisson trend with the headcount as
offset, Student's on the dispersion seen (approvals come in lumps); from 24 months on the time of year is
taken out. **Margin.** 0.20: a fifth more each year doubles the load in less than four. **Minimum.** 12 whole
months. **Size needed.** A growth of 0.40 (twice the margin) is found in 9 of 10 cases where two years hold
165 procedures and approvals a month, four years 17, five years 9 (by simulation, two approvals a procedure).
With less the answer is mostly *uncertain*.

**Worked example.** Six months, ten people, counts 10, 10, 11, 11, 12, 12: the logarithm of the rate rises by
0.0416 a month, so gap = 0.50 a year.

**When it lies.** A new law, an audit or a new system brings procedures that nobody chose. Recording that
improves looks like growth: the growth of all other recorded work stands beside it (guard `logging`). A
headcount without `joined_on` is the same in every month, so that a growing firm looks busier (guard
`confounding`).

**What to do.** List the five youngest procedures and ask of each what it has prevented so far. End one for
each new one.

**Literature.** Parkinson (1957), Parkinson's Law. McCullagh and Nelder (1989), Generalized Linear Models,
chapter 6.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from alignment_toolkit.indicator import Data, Observation, evidence, indicator
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Chart, Column, Guard, Measure
from alignment_toolkit.statistics.count_trend import yearly_growth
from alignment_toolkit.statistics.inference import Gap


@indicator(
    question="Do procedures and approvals grow faster than the people?",
    title="Procedures and approvals do not outgrow the people",
    failure_title="Procedures and approvals grow faster than the people",
    nature="personal",
    area="cooperation",
    kind="contrast",
    unit="index",
    margin=0.20,
    told="growth",
    enough={"months": 12},
    window="history",
    population="months of recorded work",
    needs={"work": ("work_id", "kind", "started_on")},
    uses={"work": ("approvals", "outcome", "scope"), "people": ("joined_on",)},
    relations=("staff",),
    outcomes={"work": ("ended_on", "outcome")},
    says=(
        "Over {n} months, procedures and approvals per head changed by {gap} a year, to {times} times as many "
        "as a year before."
    ),
    advice=(
        "List the five youngest procedures and ask of each what it has prevented so far, and who asked for it. End one "
        "for each new one, and let approvals lapse that nobody has refused in a year."
    ),
    innocent={
        "marketing": "New rules on data and advertising ask for approvals that nobody in the company has chosen.",
        "sales": "New contract or audit rules ask for procedures, and growth needs some order.",
    },
)
def busywork(data: Data, window: Period) -> Observation:
    """Hours spent on procedures and approvals are missing elsewhere, in talks with clients for one.

    Where two departments are unsure of each other, rules are written on both sides. Each rule has its reason; together
    they may be more than anybody wanted.
    """
    t = data["work"]
    rows = data.fetch(t.filter(t.started_on < str(window.end)).order_by(["started_on", "work_id"]))
    as_of = data.as_of("work")
    months = _months(rows, window, as_of)
    staff = data.fetch(data.relation("staff"))
    months = months.assign(people=[_people(staff, month) for month in months.index])
    approvals = (
        rows["approvals"].fillna(0) if "approvals" in rows.columns else pd.Series(0.0, index=rows.index)
    )
    month = pd.to_datetime(rows["started_on"]).dt.to_period("M")
    procedure = rows["kind"] == "procedure"
    load = procedure.astype(float) + approvals.astype(float)
    months = months.assign(
        load=_monthly(load, month, months.index),
        procedures=_monthly(procedure.astype(float), month, months.index),
        other=_monthly((~procedure).astype(float), month, months.index),
        delivered=_monthly(_delivered(rows), month, months.index),
    )
    gap = yearly_growth(months["load"], months["people"], words=say("per head"))
    value = gap.estimate.value
    other = yearly_growth(months["other"], months["people"], words=say("per head"))
    return Observation(
        gap=gap,
        values={
            "times": say("not known") if value is None else say("{times:.2f}", times=np.exp(min(value, 20.0)))
        },
        counts={"months": len(months)},
        measures=_measures(months, other),
        guards=_guards(data, gap, other, data.margin),
        evidence=evidence(_shown(months), COLUMNS),
        chart=_chart(months),
    )


COLUMNS = (
    Column("month", "Month", None, "time"),
    Column("procedures", "Procedures started", "count", "measure"),
    Column("load", "Procedures and approvals", "count", "measure"),
    Column("people", "People", "count", "measure"),
    Column("per_head", "Per ten people", "index", "measure"),
)


def _months(rows: pd.DataFrame, window: Period, as_of: date | None) -> pd.DataFrame:
    """Give the whole months from the first recorded one on; a month in which recording only began is left out."""
    if rows.empty:
        return pd.DataFrame(index=pd.PeriodIndex([], freq="M"))
    last_day = pd.Timestamp(window.last if as_of is None else min(window.last, as_of))
    first = pd.Timestamp(rows["started_on"].min()).to_period("M")
    begins = pd.Timestamp(rows["started_on"].min())
    if begins.day != 1 and window.start != first.start_time.date():
        first += 1
    last = last_day.to_period("M")
    if last_day.normalize() < last.end_time.normalize():
        last -= 1
    return pd.DataFrame(index=pd.period_range(first, last, freq="M"))


def _people(staff: pd.DataFrame, month: pd.Period) -> float:
    """Count who worked here in the middle of a month."""
    day = month.start_time + pd.Timedelta(days=14)
    joined, left = pd.to_datetime(staff["joined_on"]), pd.to_datetime(staff["left_on"])
    return float(((joined.isna() | (joined <= day)) & (left.isna() | (left >= day))).sum())


def _monthly(values: pd.Series, month: pd.Series, index: pd.Index) -> pd.Series:
    return values.groupby(month).sum().reindex(index, fill_value=0.0)


def _delivered(rows: pd.DataFrame) -> pd.Series:
    if "outcome" not in rows.columns:
        return pd.Series(0.0, index=rows.index)
    return (rows["outcome"] == "delivered").astype(float)


def _measures(months: pd.DataFrame, other: Gap) -> list[Measure]:
    everybody = np.ones(len(months))
    return [
        Measure.of(
            "other", say("Yearly growth of all other recorded work per head (logarithm)"), other.estimate
        ),
        Measure.of(
            "procedures",
            say("Yearly growth of procedures alone, per head (logarithm)"),
            yearly_growth(months["procedures"], months["people"], words=say("per head")).estimate,
        ),
        Measure.of(
            "delivered",
            say("Yearly growth of projects that were delivered, by their start, per head (logarithm)"),
            yearly_growth(months["delivered"], months["people"], words=say("per head")).estimate,
        ),
        Measure.of(
            "total",
            say("Yearly growth of procedures and approvals, not per head (logarithm)"),
            yearly_growth(months["load"], everybody).estimate,
        ),
    ]


def _guards(data: Data, gap: Gap, other: Gap, margin: float) -> list[Guard]:
    guards = []
    value, beside = gap.estimate.value, other.estimate.value
    if value is not None and beside is not None and value > margin and beside > 0 and beside >= value / 2:
        more = 100 * float(np.expm1(min(beside, 20.0)))
        said = say("All other recorded work per head grew by {more:.0f} % a year as well", more=more)
        guards.append(
            Guard(
                "logging",
                say(
                    "{said}: more may be recorded than before, or there may be more work of all kinds.",
                    said=said,
                ),
            )
        )
    if not data.has("people", "joined_on"):
        said = say("people.joined_on is missing: the headcount is taken to be the same in every month")
        guards.append(Guard("confounding", say("{said}, so that a growing firm looks busier.", said=said)))
    if 0 < gap.estimate.n < 24:
        guards.append(
            Guard(
                "small_cells",
                say("Fewer than two years: a time of year that is usually busy may look like growth."),
            )
        )
    return guards


def _shown(months: pd.DataFrame) -> pd.DataFrame:
    shown = months.assign(
        month=[str(m) for m in months.index],
        per_head=(10 * months["load"] / months["people"]).where(months["people"] > 0),
    )
    return shown.iloc[::-1]


def _chart(months: pd.DataFrame) -> Chart | None:
    shown = _shown(months).iloc[::-1].dropna(subset="per_head")
    if shown.empty:
        return None
    rows = tuple(
        {"month": month, "per_head": float(load)}
        for month, load in zip(shown["month"], shown["per_head"], strict=True)
    )
    return Chart(
        "lines",
        "month",
        "per_head",
        rows=rows,
        title=_said(shown),
    )


def _said(shown: pd.DataFrame) -> str:
    # A single month is luck: the first and the last year, or half of what there is.
    some = max(min(12, len(shown) // 2), 1)
    return say(
        "Procedures and approvals per ten people and month: {then:.1f} in the first {some} months, {now:.1f} in the "
        "last {some}",
        then=float(shown["per_head"].head(some).mean()),
        now=float(shown["per_head"].tail(some).mean()),
        some=some,
    )
