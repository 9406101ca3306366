"""Are signs of dissatisfaction or change acted on?

**Question.** When somebody notes that a client is dissatisfied or that something changes there, does anybody
act within a week?

**Gap.** 1 minus the Kaplan-Meier share of signals answered within `within_days` working days (5) of
`signals.signalled_at`. Answered is a signal at its `answered_at`, else at the first outbound touch of its
account that is not automated, by whatever department, at or after the signal. A signal whose time had not run
out on the last complete day of the data is censored, not unanswered.

**Estimand.** The share of the process that is answered late or never. **Interval.** Wilson's on the effective
number of signals that Greenwood's variance and the repetition within accounts imply. **Margin.** 15 %: some
signs need no answer. **Minimum.** 30 signals.

**Worked example.** Six signals, five working days of eight hours are 40 hours. Answered after 2, 10, 30, 39
and 60 working hours and never: two of six late, gap = 33.3 %.

**Beside the gap.** The part of twelve months' revenue that lies with clients at whom for 90 days nobody
noted a sign or was in touch otherwise than by machine.

Signals whose time ran out in days that nobody recorded are left out (guard `unrecorded`).

**When it lies.** Any outbound touch counts as an answer where no `answered_at` is noted, whatever it was
about: the truth may be worse. Talks that are not recorded make it look worse than it is. Who writes down many
signals looks worse than who writes down none: compare the numbers of signals noted, too (guard `logging`).

**What to do.** Decide for each kind of signal who answers, and let the one who saw it hear what was done.

**Literature.** Jaworski and Kohli (1993), Market Orientation, Journal of Marketing 57. Tax, Brown and
Chandrashekaran (1998), Customer Evaluations of Service Complaint Experiences, Journal of Marketing 62. Kaplan
and Meier (1958), JASA 53. Ying and Wei (1994), Journal of Multivariate Analysis 50.
"""

from __future__ import annotations

from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alignment_toolkit.indicator import Data, Observation, evidence, indicator
from alignment_toolkit.indicator.lapses import ANY, Lapse, counted, next_lapse, unrecorded
from alignment_toolkit.indicator.parts import without_amount, without_rate
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Chart, Column, Guard, Measure
from alignment_toolkit.statistics import survival
from alignment_toolkit.statistics.shares import clustered_part
from alignment_toolkit.statistics.working_time import working_hours

ONE_SIDED = 0.9
SIDES = ("marketing", "sales")
UNSEEN = 90
ANSWERS = {"direction": "outbound", "automated": False, "account_id": ANY}


@indicator(
    question="Are signs of dissatisfaction or change acted on?",
    title="Most signs from clients are answered within days",
    failure_title="Many signs from clients have no answer on record",
    nature="tactical",
    area="clients",
    kind="level",
    unit="share",
    margin=0.15,
    enough={"signals": 30},
    window="period",
    population="signs of dissatisfaction or change noted in the period",
    relations=("signal_answers",),
    uses={
        "signals": ("kind", "department"),
        "intents": ("account_id", "intent", "decided_on"),
        "accounts": ("account_id", "name"),
        "touches": ("touched_at", "account_id", "automated", "direction"),
    },
    uses_relations=("sales",),
    looked_up=("intents", "accounts"),
    silence={"touches": ANSWERS},
    outcomes={"signals": ("answered_at",)},
    says="{gap} of the signs that were noted had no answer on record within {within_days} working days.",
    who=("sales", "marketing"),
    advice=(
        "Decide for each kind of sign who answers, and by when. Whoever noted it should hear what was done; then more "
        "will be noted."
    ),
    innocent={
        "marketing": "Whoever sees a sign may not know whom to tell, or may be told that it is known already.",
        "sales": "An answer may have been given in person, or the sign may have needed none.",
    },
)
def unanswered_signals(data: Data, window: Period, *, within_days: float = 5.0) -> Observation:
    """A client who complains has not left yet.

    A sign that is seen is a cheap chance to act: it has cost nothing to get, and it comes before the loss.
    """
    within = within_days * _hours_per_day(data)
    rows, unclear = _waits(data, window, within)
    hours, answered = rows.hours.to_numpy(), rows.answered.to_numpy()
    accounts = pd.factorize(rows.account_id)[0]
    late = survival.share_by(hours, answered, at=within, clusters=accounts, n_unit="signals").complement()
    shown = (
        rows[rows.late]
        .assign(answered=rows.ever)
        .sort_values(["hours", "signal_id"], ascending=[False, True])
    )
    columns = [
        Column("signal_id", say("Signal"), None, "id"),
        Column("account_id", say("Account"), None, "id"),
        Column("signalled_at", say("Noted"), None, "time"),
        Column("hours", say("Working hours waited"), "hours", "measure"),
        Column("answered_later", say("Answered later"), None, "dimension"),
    ]
    columns += [
        Column(c, c.capitalize(), None, "dimension") for c in ("kind", "department") if c in rows.columns
    ]
    unseen, why = _unseen(data, window)
    return Observation(
        gap=late,
        measures=[*_measures(data, rows, within, window), *unseen],
        guards=[*_guards(rows), *unclear, *why],
        evidence=evidence(shown.rename(columns={"answered": "answered_later"}), columns),
        chart=_chart(data, rows, within_days, late.estimate.value),
    )


def _hours_per_day(data: Data) -> float:
    return float(data.calendar.hours_per_day)


def _waits(data: Data, window: Period, within: float) -> tuple[pd.DataFrame, list[Guard]]:
    """Give one row per signal: working hours waited, answered, late; and what had to be left out."""
    t = data.relation("signal_answers")
    kept = ["signal_id", "account_id", "signalled_at", "first_answered_at", "answered_by"]
    kept += [c for c in ("kind", "department", "answered_at") if c in t.columns]
    t = t.filter(t.signalled_at >= str(window.start), t.signalled_at < str(window.end))
    rows = data.fetch(t.select(kept).order_by(["signalled_at", "signal_id"]))
    as_of = data.known_until("signal_answers") or window.last
    end = pd.Timestamp(as_of + timedelta(days=1))
    rows = rows[rows.signalled_at < end].reset_index(drop=True)
    lapses = _lapses(data, rows, window, end.date())
    lapse = next_lapse(rows.signalled_at, lapses)
    until = lapse.fillna(end)

    def hours(to: pd.Series) -> NDArray[np.float64]:
        return working_hours(data.calendar, rows.signalled_at.to_numpy(), to.to_numpy())

    answered = rows.first_answered_at.notna() & (rows.first_answered_at < until)
    waited = hours(rows.first_answered_at.where(answered, until))
    ever = rows.first_answered_at.notna() & (rows.first_answered_at < end)
    rows = rows.assign(hours=waited, answered=answered, ever=ever, late=waited > within)
    # When a sign's time runs out in days that nobody recorded, no answer on record tells nothing.
    told = lapse.isna() | (hours(until) > within)
    said = say(
        "Signs left out, as nobody knows whether they were answered: {n:,}.",
        n=int((~told).sum()),
    )
    met = set(lapse[~told])
    return rows[told].reset_index(drop=True), unrecorded(
        [r for r in lapses if pd.Timestamp(r.first) in met], said
    )


def _lapses(data: Data, rows: pd.DataFrame, window: Period, end: date) -> tuple[Lapse, ...]:
    """Give the days in which no touch was recorded, where touches are what answers are told by."""
    says_itself = "answered_at" in rows.columns and rows.answered_at.notna().any()
    if rows.empty or (says_itself and rows.answered_by.isna().all()):
        return ()
    if not data.has("touches", "touched_at", "account_id", "direction"):
        return ()
    return data.lapses("touches", window.start, end)


def _measures(data: Data, rows: pd.DataFrame, within: float, window: Period) -> list[Measure]:
    found = [
        Measure.of(
            "median_hours",
            say("Half of the signs are answered within"),
            survival.median(rows.hours.to_numpy(), rows.answered.to_numpy(), n_unit="signals", unit="hours"),
        )
    ]
    parts = []
    if "department" in rows.columns:
        parts += [
            (f"seen_by_{d}", say("Noted by {d}, not answered in time", d=d), rows.department == d)
            for d in SIDES
        ]
    if "kind" in rows.columns:
        unhappy = rows.kind == "dissatisfaction"
        parts.append(("dissatisfied", say("Signs of dissatisfaction, not answered in time"), unhappy))
    if data.has("intents", "account_id", "intent", "decided_on"):
        intents = data["intents"]
        intents = intents.filter(intents.decided_on < ibis.date(window.end))
        last = data.fetch(intents.order_by(["account_id", "decided_on", "intent"]))
        last = last.drop_duplicates("account_id", keep="last")
        attack = rows.account_id.isin(last.account_id[last.intent == "attack"])
        parts.append(("openings", say("Signs at accounts to be attacked, not answered in time"), attack))
    for name, label, own in parts:
        if own.any():
            here = rows[own]
            told = survival.share_by(
                here.hours.to_numpy(),
                here.answered.to_numpy(),
                at=within,
                clusters=pd.factorize(here.account_id)[0],
                n_unit="signals",
            )
            found.append(Measure.of(name, label, told.complement().estimate))
    return found


def _unseen(data: Data, window: Period) -> tuple[list[Measure], list[Guard]]:
    """Give the part of the revenue that lies with clients of whom nobody has seen anything lately, or why not."""
    # A part need not have all that was sold to the clients whose signs it has, nor all their signs.
    if data.of_part or not data.has_relation("sales") or not data.has("touches", "touched_at", "account_id"):
        return [], []
    end = min(window.end, (data.as_of("touches") or window.last) + timedelta(days=1))
    start = end - timedelta(days=UNSEEN)
    t = data.relation("sales")
    t = t.filter(
        t.ordered_at >= str(end - timedelta(days=365)), t.ordered_at < str(end), t.account_id.notnull()
    )
    untold = say("what revenue lies with clients of whom nobody has seen anything is not told")
    if unrated := data.unrated(t):
        return [], without_rate(unrated, untold)
    by = t.group_by("account_id")
    every = data.fetch(
        by.aggregate(value=t.amount.sum().cast("float64"), rows=t.count(), known=t.amount.count())
    )
    sold = every[every.value > 0].sort_values("account_id")
    if sold.empty:
        return [], []
    if lapses := data.lapses("touches", start, end):
        said = say("What revenue lies with clients of whom nobody has seen anything is not told.")
        return [], unrecorded(lapses, said)
    touches, signs = counted(data["touches"], {"automated": False}), data.relation("signal_answers")
    touches = touches.filter(touches.touched_at >= str(start), touches.touched_at < str(end))
    signs = signs.filter(signs.signalled_at >= str(start), signs.signalled_at < str(end))
    seen = data.fetch(touches.select("account_id").union(signs.select("account_id")).distinct())
    w = sold.value.to_numpy()
    p = w * ~sold.account_id.isin(set(seen.account_id.dropna())).to_numpy()
    e = clustered_part(p.sum(), w.sum(), p @ p, p @ w, w @ w, len(sold), n_unit="clients")
    label = say(
        "Revenue of twelve months with clients at whom nobody noted a sign or was in touch for {days} days",
        days=UNSEEN,
    )
    rest = say("what revenue lies with clients of whom nobody has seen anything is told of the rest")
    few = without_amount(int(every.rows.sum()), int(every.known.sum()), rest)
    return [Measure.of("unseen_value", label, e)], few


def _guards(rows: pd.DataFrame) -> list[Guard]:
    if "department" not in rows.columns or len(rows) < 10:
        return []
    shares = rows.department.value_counts(normalize=True)
    if shares.empty or shares.iloc[0] < ONE_SIDED:
        return []
    said = say(
        "{share:.0f} % of the signs were noted by {department}",
        share=100 * shares.iloc[0],
        department=shares.index[0],
    )
    return [Guard("logging", say("{said}: what the others see may not be written down.", said=said))]


def _chart(data: Data, rows: pd.DataFrame, within_days: float, late: float | None) -> Chart | None:
    if late is None:
        return None
    points = []
    for days in sorted({1.0, 2.0, 3.0, 5.0, 10.0, 20.0, within_days}):
        told = survival.share_by(
            rows.hours.to_numpy(), rows.answered.to_numpy(), at=days * _hours_per_day(data), n_unit="signals"
        ).estimate
        points.append({"working_days": days, "answered": told.value, "low": told.low, "high": told.high})
    title = say(
        "{late:.0f} % of the signs are answered within {within_days:g} working days",
        late=100 * (1 - late),
        within_days=within_days,
    )
    line = 1 - data.margin
    return Chart(
        "lines", "working_days", "answered", "low", "high", rows=tuple(points), reference=line, title=title
    )
