"""Are leads dropped at the hand-over?

**Question.** Of the leads that marketing hands to sales, how many does nobody in sales answer in time?

**Gap.** 1 minus the Kaplan-Meier share of leads touched within `within_hours` working hours (16, two days of
eight) of `leads.qualified_at`. A touch is an outbound touch by sales that is not automated, linked by lead,
else by contact, else by account. Hours outside `[calendar]` do not count, so a lead of Friday evening is not
late on Monday morning. A lead whose time had not run out on the last complete day of the touches is censored,
not late.

**Estimand.** The share of the hand-over process that is answered late or never. **Interval.** Wilson's, on
the effective number of leads that Greenwood's variance implies. **Margin.** 10 %: one lead in ten may fall
through for reasons that nobody can plan away. **Minimum.** 50 leads.

**Worked example.** Six leads, calendar Monday to Friday, 09:00 to 17:00, answered after 1, 3, 8, 15, 40
working hours and never (200 working hours on the last day of the data): four of six in time, gap = 2/6 = 33.3
%.

**When it lies.** Follow-up that is not logged looks like no follow-up (guard `logging`). Leads that reply
first, or that are rejected at once for a good reason, count as untouched. Holidays that are missing in
`[calendar]` make leads late.

**What to do.** Agree on one time limit and on who stands in; route new leads to who is at work; read ten of
the late leads together before talking about people.

**Literature.** Oldroyd, McElheran and Elkington (2011), The Short Life of Online Sales Leads, Harvard
Business Review 89(3). Kaplan and Meier (1958), JASA 53. Barber and Jennison (1999), Symmetric tests and
confidence intervals for survival probabilities and quantiles of censored survival data, Biometrics 55.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pandas as pd

from alignment_toolkit.indicator import Data, Observation, evidence, indicator
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Chart, Column, Guard, Measure
from alignment_toolkit.statistics import survival
from alignment_toolkit.statistics.shares import wilson
from alignment_toolkit.statistics.working_time import working_hours

STEPS = (1, 2, 4, 8, 16, 24, 40, 80)


@indicator(
    question="Are leads dropped at the hand-over?",
    title="Sales answers new leads in time",
    failure_title="Leads are dropped at the hand-over",
    nature="tactical",
    area="handover",
    kind="level",
    unit="share",
    margin=0.10,
    enough=50,
    window="period",
    population="leads handed to sales in the period",
    relations=("first_touches",),
    uses={"leads": ("accepted_at", "rejected_at", "received_by", "channel", "campaign_id")},
    says="{gap} of {n} leads handed to sales had no personal answer from sales within {within_hours} working hours.",
    who=("sales", "marketing"),
    advice=(
        "Agree on one time limit and on who stands in when a person is away. Hand leads over in working hours, in "
        "numbers that sales can answer. Read ten late leads together first: some may have been answered off the record."
    ),
    innocent={
        "marketing": "Hand-overs may come in bursts after events or mailings, more than any team could answer at once.",
        "sales": "Leads may have been answered by telephone or in person without a record, or need no answer.",
    },
)
def dropped_leads(data: Data, window: Period, *, within_hours: float = 16.0) -> Observation:
    """A person who asks for something and hears nothing asks somebody else.

    Marketing has paid for each of these leads, and sales is measured on what becomes of them: a lead that waits costs
    both. The first working hours decide most of it.
    """
    touches = data.relation("first_touches")
    inside = touches.qualified_at.between(
        _midnight(window.start), _midnight(window.end) - timedelta(microseconds=1)
    )
    rows = data.fetch(touches.filter(inside).order_by(["qualified_at", "lead_id"]))
    as_of = data.as_of("touches") or window.last
    end_of_data = pd.Timestamp(_midnight(as_of + timedelta(days=1)))
    rows = rows[rows.qualified_at < end_of_data].reset_index(drop=True)
    touched = rows.first_touched_at.notna() & (rows.first_touched_at < end_of_data)
    until = rows.first_touched_at.where(touched, end_of_data)
    hours = working_hours(data.calendar, rows.qualified_at.to_numpy(), until.to_numpy())
    late = survival.late_share(hours, touched.to_numpy(), at=within_hours, n_unit="leads")
    rows = rows.assign(hours=hours, touched=touched, late=hours > within_hours)
    measures = [
        Measure.of(
            "median_hours",
            "Half of the leads are answered within",
            survival.median(hours, touched.to_numpy(), n_unit="leads", unit="hours"),
        ),
        Measure.of(
            "never",
            "Not answered by the last day of the data",
            wilson(int((~touched).sum()), len(rows), n_unit="leads").estimate,
        ),
    ]
    shown = rows[rows.late].sort_values(["hours", "lead_id"], ascending=[False, True])
    columns = [
        Column("lead_id", "Lead", None, "id"),
        Column("qualified_at", "Handed over", None, "time"),
        Column("hours", "Working hours waited", "hours", "measure"),
        Column("touched", "Answered later", None, "dimension"),
    ]
    if "received_by" in shown.columns:
        columns.append(Column("received_by", "Handed to", None, "person"))
    if "channel" in shown.columns:
        columns.append(Column("channel", "Channel", None, "dimension"))
    return Observation(
        gap=late,
        measures=measures,
        guards=_guards(rows, touched),
        evidence=evidence(shown, columns),
        chart=_chart(hours, touched, within_hours, late.estimate.value),
    )


def _guards(rows: pd.DataFrame, touched: pd.Series) -> list[Guard]:
    guards = []
    if "accepted_at" in rows.columns and (~touched).any():
        worked = int((rows.accepted_at.notna() & ~touched).sum())
        share = worked / int((~touched).sum())
        if share >= 0.2:
            said = f"{worked:,} of {int((~touched).sum()):,} leads without a touch were accepted by sales all the same"
            guards.append(Guard("logging", f"{said}: part of the follow-up may not be recorded."))
    return guards


def _chart(hours: object, touched: pd.Series, within: float, late: float | None) -> Chart | None:
    if late is None:
        return None
    rows = []
    for step in sorted({*STEPS, within}):
        share = survival.share_by(hours, touched.to_numpy(), at=step, n_unit="leads").estimate
        rows.append({"hours": step, "answered": share.value, "low": share.low, "high": share.high})
    title = f"{1 - late:.0%} of leads are answered within {within:g} working hours"
    return Chart("lines", "hours", "answered", "low", "high", rows=tuple(rows), reference=0.9, title=title)


def _midnight(day: object) -> datetime:
    return datetime.combine(day, time())  # type: ignore[arg-type]
