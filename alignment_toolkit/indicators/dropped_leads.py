"""Are leads dropped at the hand-over?

**Question.** Of the leads that marketing hands to sales, how many does nobody in sales answer in time?

**Gap.** 1 minus the Kaplan-Meier share of leads touched within `within_hours` working hours (16, two days of
eight) of `leads.qualified_at`. A touch is an outbound touch by sales that is not automated, linked by lead,
else by contact, else by account. Hours outside `[calendar]` do not count, so a lead of Friday evening is not
late on Monday morning. A lead whose time had not run out on the last complete day of the touches is censored,
not late.

**Estimand.** The share of the period's hand-over process, with the people there were and the days on which
they were away, that is answered late or never: it says what happened, not what other people would do.
**Interval.** Wilson's, on the effective number of leads that Greenwood's variance implies. **Margin.** 10 %:
one lead in ten may fall through for reasons that nobody can plan away. **Minimum.** 50 leads.

**Worked example.** Six leads, calendar Monday to Friday, 09:00 to 17:00, answered after 1, 3, 8, 15, 40
working hours and never (200 working hours on the last day of the data): four of six in time, gap = 2/6 = 33.3
%.

**Beside the gap.** How many touches name a lead in its first 14 days, over leads that are that old.

Leads whose time ran out in days that nobody recorded are left out (guard `unrecorded`).

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

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alignment_toolkit.indicator import LEAD_ENDS, Data, Observation, evidence, indicator
from alignment_toolkit.indicator.conversion import alike
from alignment_toolkit.indicator.lapses import Lapse, next_lapse, unrecorded
from alignment_toolkit.indicator.parts import between, flipped, other_way
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Chart, Column, Guard, Measure, Money
from alignment_toolkit.statistics import survival
from alignment_toolkit.statistics.between import Compared, compared
from alignment_toolkit.statistics.inference import Gap
from alignment_toolkit.statistics.shares import wilson
from alignment_toolkit.statistics.working_time import working_hours

ATTEMPTS = 14
ANSWERS = {"department": "sales", "direction": "outbound", "automated": False}
STEPS = (1, 2, 4, 8, 16, 24, 40, 80)


@indicator(
    question="Are leads dropped at the hand-over?",
    title="New leads are answered in time",
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
    uses_relations=("lead_outcomes",),
    uses={
        "leads": ("accepted_at", "received_by", "channel", "campaign_id", "marketing_score"),
        "touches": ("touched_at", "department", "direction", "lead_id", "automated"),
    },
    kpis=("arpu",),
    looked_up=("touches",),
    silence={"touches": ANSWERS},
    outcomes={"leads": LEAD_ENDS},
    says="{gap} of the leads handed to sales had no personal answer on record within {within_hours} working hours.",
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
def dropped_leads(
    data: Data, window: Period, *, within_hours: float = 16.0, horizon_days: int = 90
) -> Observation:
    """A person who asks for something and hears nothing may ask somebody else.

    Marketing has paid for each of these leads, and sales is measured on what becomes of them: a lead that waits costs
    both.
    """
    every, lapses = _waits(data, window.start, window.end)
    rows = _told(data, every, within_hours)
    hours, touched = rows.hours.to_numpy(), rows.touched
    late = survival.share_by(hours, touched.to_numpy(), at=within_hours, n_unit="leads").complement()
    measures = [
        Measure.of(
            "median_hours",
            say("Half of the leads are answered within"),
            survival.median(hours, touched.to_numpy(), n_unit="leads", unit="hours"),
        ),
    ]
    if (whole := rows[rows.lapse.isna()]).size or not lapses:
        measures.append(
            Measure.of(
                "never",
                say("Not answered by the last day of the data"),
                wilson(int((~whole.touched).sum()), len(whole), n_unit="leads").estimate,
            )
        )
    measures += _attempts(data, rows)
    shown = (
        rows[rows.late].assign(touched=rows.ever).sort_values(["hours", "lead_id"], ascending=[False, True])
    )
    columns = [
        Column("lead_id", say("Lead"), None, "id"),
        Column("qualified_at", say("Handed over"), None, "time"),
        Column("hours", say("Working hours waited"), "hours", "measure"),
        Column("touched", say("Answered later"), None, "dimension"),
    ]
    if "received_by" in shown.columns:
        columns.append(Column("received_by", say("Handed to"), None, "person"))
    if "channel" in shown.columns:
        columns.append(Column("channel", say("Channel"), None, "dimension"))
    lost = _lost_clients(data, window, within_hours, horizon_days)
    # What rests on one person would be a number of that person.
    if lost is not None and lost.gap.estimate.value is not None and not lost.alone:
        label = say(
            "Clients within {horizon_days} days: leads answered in time minus late ones, {alike}",
            horizon_days=horizon_days,
            alike=alike(lost.within),
        )
        measures.append(Measure.of("lost_conversion", label, lost.gap.estimate.in_points()))
    return Observation(
        gap=late,
        measures=measures,
        money=_money(data, lost, int(rows.late.sum()), horizon_days),
        guards=[*_guards(rows, rows.ever), *_surprise(lost), *_left_out(lapses, every, rows)],
        evidence=evidence(shown, columns),
        chart=_chart(hours, touched, within_hours, late.estimate.value, 1 - data.margin),
    )


def _waits(data: Data, start: date, end: date) -> tuple[pd.DataFrame, tuple[Lapse, ...]]:
    """Give one row per lead handed over from `start` to before `end`, when it was touched, and when a lapse came."""
    t = data.relation("first_touches")
    columns = ["lead_id", "qualified_at", "first_touched_at"]
    also = ("accepted_at", "received_by", "channel", "campaign_id", "marketing_score")
    columns += [c for c in also if c in t.columns]
    t = t.filter(t.qualified_at >= str(start), t.qualified_at < str(end))
    rows = data.fetch(t.select(columns).order_by(["qualified_at", "lead_id"]))
    as_of = data.as_of("touches") or end - timedelta(days=1)
    end_of_data = pd.Timestamp(as_of) + pd.Timedelta(days=1)
    rows = rows[rows.qualified_at < end_of_data].reset_index(drop=True)
    lapses = data.lapses("touches", start, end_of_data.date())
    return rows.assign(lapse=next_lapse(rows.qualified_at, lapses), end_of_data=end_of_data), lapses


def _told(data: Data, rows: pd.DataFrame, within: float) -> pd.DataFrame:
    """Add the working hours waited, touched, late; leave out leads whose time ran out in days that nobody recorded.

    A lead that waits when such days begin is known to have waited until then.
    """

    def hours(until: pd.Series) -> NDArray[np.float64]:
        return working_hours(data.calendar, rows.qualified_at.to_numpy(), until.to_numpy())

    end = rows.lapse.fillna(rows.end_of_data)
    touched = rows.first_touched_at.notna() & (rows.first_touched_at < end)
    waited = hours(rows.first_touched_at.where(touched, end))
    ever = rows.first_touched_at.notna() & (rows.first_touched_at < rows.end_of_data)
    rows = rows.assign(hours=waited, touched=touched, ever=ever, late=waited > within)
    return rows[rows.lapse.isna() | (hours(end) > within)].reset_index(drop=True)


def _left_out(lapses: Sequence[Lapse], every: pd.DataFrame, rows: pd.DataFrame) -> list[Guard]:
    gone = len(every) - len(rows)
    said = say("Leads left out, as nobody knows whether they were answered: {n:,}.", n=gone)
    met = set(every.lapse[~every.lead_id.isin(set(rows.lead_id))])
    return unrecorded([r for r in lapses if pd.Timestamp(r.first) in met], said) if gone else []


def _attempts(data: Data, rows: pd.DataFrame) -> list[Measure]:
    """Count the touches that name a lead in its first days, of leads that are that old."""
    if rows.empty or not data.has("touches", "touched_at", "department", "direction", "lead_id"):
        return []
    known = pd.Timestamp(data.as_of("touches") or rows.qualified_at.max())
    full = rows.qualified_at + pd.Timedelta(days=ATTEMPTS)
    old = rows[(full <= known + pd.Timedelta(days=1)) & (rows.lapse.isna() | (full <= rows.lapse))]
    t = data["touches"]
    t = t.filter(t.department == "sales", t.direction == "outbound", t.lead_id.notnull())
    t = t.filter(t.touched_at >= str(rows.qualified_at.min()))
    if "automated" in t.columns:
        t = t.filter(~t.automated.fill_null(False))
    near = data.fetch(t.select("lead_id", "touched_at")).merge(old[["lead_id", "qualified_at"]], on="lead_id")
    away = pd.to_datetime(near.touched_at) - near.qualified_at
    near = near[(away >= pd.Timedelta(0)) & (away < pd.Timedelta(days=ATTEMPTS))]
    if near.empty:  # touches do not say which lead they are for
        return []
    times = near.groupby("lead_id").size().reindex(old.lead_id, fill_value=0).to_numpy(float)
    se = float(times.std(ddof=1)) / len(times) ** 0.5 if len(times) > 1 else None
    e = Gap.normal(
        float(times.mean()), se, df=max(len(times) - 1, 1), n=len(times), n_unit="leads", unit="count",
        method="mean, Student's interval", space=(0.0, np.inf),
    ).estimate  # fmt: skip
    label = say("Attempts on a lead in its first {days} days, on average", days=ATTEMPTS)
    return [Measure.of("attempts", label, e)]


def _lost_clients(data: Data, window: Period, within: float, horizon: int) -> Compared | None:
    """Compare what became of leads answered in time and late: the last twelve months that are old enough to tell."""
    if not data.has_relation("lead_outcomes"):
        return None
    t = data.relation("lead_outcomes")
    known = data.known_until("lead_outcomes")
    if known is None:
        return None
    end = min(window.end, known + timedelta(days=1 - horizon))
    waits = _told(data, _waits(data, end - timedelta(days=365), end)[0], within)
    fresh = t.filter(t.opens_episode, ~t.existing_client).select("lead_id", "converted", "days_to_client")
    both = waits.merge(data.fetch(fresh), on="lead_id", validate="one_to_one")
    both = both.sort_values("lead_id")
    won = both.converted.astype(bool) & (both.days_to_client <= horizon)
    strata = pd.Series(0, index=both.index)
    if "marketing_score" in both.columns and both.marketing_score.notna().sum() >= 30:
        strata = pd.qcut(both.marketing_score, 3, labels=False, duplicates="drop").fillna(-1)
    # Who answered is known of answered leads only; who received a lead, of late ones too.
    whose = {"people": "received_by", "campaigns": "campaign_id"}
    kinds = {kind: both[c] for kind, c in whose.items() if c in both.columns}
    return compared(~both.late, won, np.ones(len(both)), strata, n_unit="leads", **kinds)


def _surprise(lost: Compared | None) -> list[Guard]:
    if lost is None:
        return []
    said = say(
        "Leads answered late became clients more often than leads answered in time, {alike}",
        alike=alike(lost.within),
    )
    unclear = between(lost, say("In becoming a client, leads answered late and leads answered in time"))
    return [*unclear, *other_way(*flipped(lost.gap.estimate.in_points()), said)]


def _money(data: Data, lost: Compared | None, late: int, horizon: int) -> Money | None:
    arpu = data.kpis.get("arpu")
    if lost is None or arpu is None or arpu.value is None:
        return None
    e = lost.gap.estimate
    # Where late leads did not do worse, nothing speaks for a loss.
    if e.value is None or e.low is None or e.high is None or e.value <= 0:
        return None
    basis = say(
        "associational: late leads ({late:,}) x the difference in becoming a client within {horizon} "
        "days between leads answered in time and late, {alike} x revenue per active client and period",
        alike=alike(lost.within),
        late=late,
        horizon=horizon,
    )
    each = late * arpu.value
    return Money(each * e.value, each * e.low, each * e.high, data.currency, basis)


def _guards(rows: pd.DataFrame, touched: pd.Series) -> list[Guard]:
    guards = []
    if "accepted_at" in rows.columns and (~touched).any():
        worked = int((rows.accepted_at.notna() & ~touched).sum())
        share = worked / int((~touched).sum())
        if share >= 0.2:
            said = say(
                "Of {touched:,} leads without a touch {worked:,} were accepted by sales all the same",
                worked=worked,
                touched=int((~touched).sum()),
            )
            guards.append(
                Guard("logging", say("{said}: part of the follow-up may not be recorded.", said=said))
            )
    return guards


def _chart(
    hours: NDArray[np.float64], touched: pd.Series, within: float, late: float | None, tolerated: float
) -> Chart | None:
    if late is None:
        return None
    rows = []
    for step in sorted({*STEPS, within}):
        share = survival.share_by(hours, touched.to_numpy(), at=step, n_unit="leads").estimate
        rows.append({"hours": step, "answered": share.value, "low": share.low, "high": share.high})
    title = say(
        "{late:.0f} % of leads are answered within {within:g} working hours",
        late=100 * (1 - late),
        within=within,
    )
    return Chart(
        "lines", "hours", "answered", "low", "high", rows=tuple(rows), reference=tolerated, title=title
    )
