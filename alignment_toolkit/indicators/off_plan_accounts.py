"""Are accounts treated as planned: attacked, defended, released?

**Question.** Of the accounts for which the plan says attack, defend or release, how many are treated
otherwise?

**Gap.** The share of accounts that are off plan, among those whose latest stated intent (`intents`, by
`decided_on`) is at least 90 days old at the window's end; each account counts once. Off plan is: *release*
with an outbound touch by sales in the window (from the day of the decision on), *attack* without any touch by
either department since the decision, *defend* without any in the 90 days up to the window's end. Automated
touches do not count. Intents without a date (`accounts.intent`) are left out, since nobody knows how old they
are.

**Estimand.** The share in the process. **Interval.** Wilson's. **Margin.** 0.10: one account in ten may be
off plan because something happened since. **Minimum.** 30 accounts.

**Worked example.** Six accounts, decided a year ago: attack A touched since, attack B never; defend C touched
last month, defend D last touched five months ago; release E not touched, release F visited last week. B, D
and F are off plan: 3/6 = 50 %.

**Beside the gap.** Touches by sales at accounts to release in `settled_days` from the decision on, over
those in as many days before (accounts whose records reach back that far), and the accounts to attack or
defend that neither department names as a target in its latest assessment of the year.

Accounts to defend with days that nobody recorded in the last 90, and accounts to attack where such days are more
than a tenth of those since the decision, are left out (guard `unrecorded`).

**When it lies.** A client that leaves by itself is no release, and a call about an open service contract is
no attack: see the share without service contracts. Contacts that nobody records look like neglect (guard
`logging`). A plan that nobody told to those who should follow it measures the telling.

**What to do.** Read the ten largest accounts off plan together and ask of each: is the plan wrong, or the
habit? Write the answer into the plan.

**Literature.** Porter (1980), Competitive Strategy. Homburg, Droll and Totzek (2008), Customer
Prioritization: Does It Pay Off, and How Should It Be Implemented?, Journal of Marketing 72(5).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import ibis
import numpy as np
import pandas as pd

from alignment_toolkit.indicator import Data, Observation, evidence, indicator
from alignment_toolkit.indicator.lapses import ANY, counted, days_of, unrecorded
from alignment_toolkit.indicator.parts import without_rate
from alignment_toolkit.languages import noted, say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Chart, Column, Guard, Measure
from alignment_toolkit.statistics.shares import clustered_ratio, clustered_share, wilson

INTENTS = ("attack", "defend", "release")
FEW = 10
TOUCHED = {"department": ("marketing", "sales"), "automated": False, "account_id": ANY}
UNCLEAR = 0.1  # of the days since a decision: so many may be missing from the record
SAID = {
    "attack": noted("attack, and nobody has been in touch since the decision"),
    "defend": noted("defend, and nobody has been in touch for 90 days"),
    "release": noted("release, and sales has been in touch since"),
}


@indicator(
    question="Are accounts treated as planned: attacked, defended, released?",
    title="Most accounts are treated as the plan says",
    failure_title="Accounts are treated otherwise than the plan says",
    nature="strategic",
    area="targeting",
    kind="level",
    unit="share",
    margin=0.10,
    enough=30,
    window="period",
    looks_back=("settled_days", "silence_days"),
    witnesses={"intents": "account_id"},
    looked_up=("touches", "accounts", "assessments", "sales"),
    silence={"touches": TOUCHED},
    population="accounts whose stated intent is at least 90 days old at the window's end",
    needs={
        "intents": ("account_id", "intent", "decided_on"),
        "touches": ("touched_at", "department", "account_id", "direction"),
    },
    uses={
        "touches": ("automated",),
        "accounts": ("account_id", "name", "service_contract"),
        "assessments": ("account_id", "department", "assessed_at", "target"),
    },
    uses_relations=("sales",),
    says=(
        "{gap} of {n} accounts with a stated intent are treated otherwise: {attack} to attack, {defend} to defend, "
        "{release} to release."
    ),
    advice=(
        "Read the ten largest accounts off plan together and ask of each: is the plan wrong, or the habit? Change one "
        "of the two, in writing, and tell those who look after the account."
    ),
    innocent={
        "marketing": "The plan may have been written before a client changed, and nobody asked for a new one.",
        "sales": "A client that should be released may call by itself, and an answer is owed.",
    },
)
def off_plan_accounts(
    data: Data, window: Period, *, settled_days: int = 90, silence_days: int = 90
) -> Observation:
    """A strategy that says whom to win, keep and let go is worth what it changes in the calendar.

    Hours spent on accounts that should be released are missing where the plan wants them, and an attack that nobody
    has begun is a wish.
    """
    known = data.as_of("touches") or window.last
    end = min(window.end, known + timedelta(days=1))
    rows, unclear = _told(data, _accounts(data, window, end, settled_days, silence_days), end, silence_days)
    rows, unrated = _known(data, rows, window)
    per_intent = {i: _share(rows[rows.intent == i]) for i in INTENTS}
    measures = [
        Measure.of(i, say("Off plan: {i}", i=i), wilson(a, n, n_unit="accounts").estimate)
        for i, (a, n) in per_intent.items()
        if n
    ]
    if "value" in rows.columns and rows.value.clip(lower=0).sum() > 0:
        w = rows.value.clip(lower=0) / rows.value.clip(lower=0).mean()
        e = clustered_share((w * rows.off).to_numpy(), w.to_numpy(), n_unit="accounts").estimate
        measures.append(
            Measure.of("by_value", say("Off plan, accounts weighing by their revenue of twelve months"), e)
        )
    if "service_contract" in rows.columns:
        free = rows[~rows.service_contract.fillna(False).astype(bool)]
        e = wilson(*_share(free), n_unit="accounts").estimate
        measures.append(Measure.of("no_service", say("Off plan, accounts without service contract"), e))
    measures += [*_effort(data, rows, end, settled_days), *_unlisted(data, rows, end)]
    shown = rows[rows.off].sort_values(
        [c for c in ("value", "account_id") if c in rows.columns],
        ascending=[c != "value" for c in ("value", "account_id") if c in rows.columns],
    )
    shown = shown.assign(said=shown.intent.map({intent: say(words) for intent, words in SAID.items()}))
    columns = [
        Column("account_id", say("Account"), None, "id"),
        Column("name", say("Name"), None, "name"),
        Column("said", say("Plan, and what is"), None, "dimension"),
        Column("decided_on", say("Decided"), None, "time"),
        Column("last_touch", say("Last touch"), None, "time"),
        Column("value", say("Revenue of twelve months"), "money", "measure"),
    ]
    off, n = _share(rows)
    return Observation(
        gap=wilson(off, n, n_unit="accounts"),
        values={i: say("{a:,} of {m:,}", a=a, m=m) for i, (a, m) in per_intent.items()},
        measures=measures,
        guards=[
            *_guards(data, rows, window),
            *unclear,
            *without_rate(unrated, say("no account weighs by its revenue")),
        ],
        evidence=evidence(shown, [c for c in columns if c.name in shown.columns]),
        chart=_chart(per_intent, data.margin),
    )


def _share(rows: pd.DataFrame) -> tuple[int, int]:
    return int(rows.off.sum()), len(rows)


def _accounts(data: Data, window: Period, end: date, settled: int, silence: int) -> pd.DataFrame:
    """Give one row per account with a settled intent: the intent, the last touches, and whether it is off plan.

    Silence is counted up to `end`, the day after the last for which touches are complete: later nobody could be seen.
    """
    t = data["intents"]
    t = t.filter(t.decided_on < str(end), t.intent.isin(INTENTS)).distinct()
    intents = data.fetch(t.order_by(["account_id", "decided_on", "intent"]))
    intents = intents.drop_duplicates("account_id", keep="last")
    decided = pd.to_datetime(intents.decided_on)
    intents = intents.assign(decided_on=decided)
    intents = intents[decided <= pd.Timestamp(end - timedelta(days=settled))].reset_index(drop=True)
    touches = counted(data["touches"], TOUCHED)
    touches = touches.filter(touches.touched_at < str(end))
    by_sales = (touches.department == "sales") & (touches.direction == "outbound")
    last = touches.group_by("account_id").aggregate(
        last_touch=touches.touched_at.max(),
        last_by_sales=by_sales.ifelse(touches.touched_at, ibis.null("timestamp")).max(),
    )
    rows = intents.merge(data.fetch(last), on="account_id", how="left", validate="one_to_one")
    for column in ("last_touch", "last_by_sales"):
        rows[column] = pd.to_datetime(rows[column])
    from_ = pd.Timestamp(window.start)
    start = rows.decided_on.where(rows.decided_on > from_, from_)
    since = pd.Timestamp(end - timedelta(days=silence))
    off: dict[str, Any] = {
        "attack": ~(rows.last_touch >= rows.decided_on),
        "defend": ~(rows.last_touch >= since),
        "release": rows.last_by_sales >= start,
    }
    rows["off"] = np.select([rows.intent == i for i in off], list(off.values()), default=False).astype(bool)
    return rows


def _told(data: Data, rows: pd.DataFrame, end: date, silence: int) -> tuple[pd.DataFrame, list[Guard]]:
    """Leave out accounts of which it is not known who was in touch with them, for want of a record, met or not.

    Those to defend where days of the last `silence` are missing, those to attack where more than a tenth of the days
    since the decision are. What was done at accounts to release is on record where it is.
    """
    since = rows.decided_on.dt.date.where(rows.intent == "attack", end - timedelta(days=silence))
    tolerated = rows.intent.map({"attack": UNCLEAR, "defend": 0.0}).fillna(1.0)
    if rows.empty or not (lapses := data.lapses("touches", since.min(), end)):
        return rows, []
    out = pd.Series(
        [
            days_of(lapses, day_, end) > least * (end - day_).days
            for day_, least in zip(since, tolerated, strict=True)
        ],
        index=rows.index,
    )
    met = [r for r in lapses if out.any() and r.last >= since[out].min()]
    said = say(
        "Accounts to attack or defend left out, as nobody knows who was in touch with them: {n:,}.",
        n=int(out.sum()),
    )
    return rows[~out].reset_index(drop=True), unrecorded(met, said)


def _known(data: Data, rows: pd.DataFrame, window: Period) -> tuple[pd.DataFrame, str | None]:
    """Add names, service contracts, and the revenue of the twelve months up to the window's end."""
    extra = [c for c in ("name", "service_contract") if data.has("accounts", "account_id", c)]
    if extra:
        known = data.fetch(data["accounts"].select("account_id", *extra))
        rows = rows.merge(known, on="account_id", how="left", validate="many_to_one")
    if data.has_relation("sales"):
        t = data.relation("sales")
        year = window.end - timedelta(days=365)
        t = t.filter(t.ordered_at >= str(year), t.ordered_at < str(window.end), t.account_id.notnull())
        if unrated := data.unrated(t):
            return rows, unrated
        sums = data.fetch(t.group_by("account_id").aggregate(value=t.amount.sum().cast("float64")))
        rows = rows.merge(sums, on="account_id", how="left", validate="many_to_one")
        rows["value"] = rows.value.fillna(0.0)
    return rows, None


def _effort(data: Data, rows: pd.DataFrame, end: date, days: int) -> list[Measure]:
    """Compare what sales did at accounts to release after the decision with what it did before."""
    touches = data["touches"]
    first = data.fetch(touches.aggregate(first=touches.touched_at.min()))["first"][0]
    release = rows[rows.intent == "release"]
    span = pd.Timedelta(days=days)
    release = release[release.decided_on - span >= pd.Timestamp(first)] if first == first else release[:0]
    if release.empty:
        return []
    around = (release.decided_on.min() - span).date(), (release.decided_on.max() + span).date()
    for r in data.lapses("touches", *around):  # before and after must be equally well known
        before, behind = pd.Timestamp(r.first) - span, pd.Timestamp(r.last) + span
        release = release[(release.decided_on <= before) | (release.decided_on > behind)]
    if release.empty:
        return []
    t = touches.filter(
        touches.department == "sales",
        touches.direction == "outbound",
        touches.account_id.isin(list(release.account_id)),
        touches.touched_at < str(end),
    )
    if "automated" in t.columns:
        t = t.filter(~t.automated.fill_null(False))
    near = data.fetch(t.select("account_id", "touched_at")).merge(
        release[["account_id", "decided_on"]], on="account_id"
    )
    away = pd.to_datetime(near.touched_at) - near.decided_on
    counts = [
        near[inside].groupby("account_id").size().reindex(release.account_id, fill_value=0).to_numpy(float)
        for inside in ((away >= pd.Timedelta(0)) & (away < span), (away < pd.Timedelta(0)) & (away >= -span))
    ]
    a, b = counts
    e = clustered_ratio(
        float(a.sum()),
        float(b.sum()),
        float(a @ a),
        float(a @ b),
        float(b @ b),
        len(release),
        unit="ratio",
        n_unit="accounts to release",
    )
    label = say(
        "Touches by sales at accounts to release: {days} days from the decision on over {days} days before",
        days=days,
    )
    return [] if e.value is None else [Measure.of("release_effort", label, e)]


def _unlisted(data: Data, rows: pd.DataFrame, end: date) -> list[Measure]:
    """Say how many accounts to attack or defend no department names as a target."""
    wanted = rows[rows.intent.isin(["attack", "defend"])]
    if wanted.empty or not data.has("assessments", "account_id", "department", "assessed_at", "target"):
        return []
    t = data["assessments"]
    t = t.filter(
        t.assessed_at >= str(end - timedelta(days=365)), t.assessed_at < str(end), t.target.notnull()
    )
    judged = data.fetch(t.order_by(["account_id", "department", "assessed_at", "target"]))
    if judged.empty:
        return []
    judged = judged.drop_duplicates(["account_id", "department"], keep="last")
    listed = set(judged.account_id[judged.target.astype(bool)])
    off = int((~wanted.account_id.isin(listed)).sum())
    label = say("Accounts to attack or defend that neither department names as a target")
    return [Measure.of("on_nobodys_list", label, wilson(off, len(wanted), n_unit="accounts").estimate)]


def _guards(data: Data, rows: pd.DataFrame, window: Period) -> list[Guard]:
    guards = []
    t = data["touches"]
    t = t.filter(t.touched_at >= str(window.start), t.touched_at < str(window.end))
    seen = data.fetch(t.aggregate(n=t.count(), loose=t.account_id.isnull().sum()))
    n, loose = int(seen.n.iloc[0]), int(seen.loose.fillna(0).iloc[0])
    if n and loose / n > 0.1:
        said = say("Of {n:,} touches of the window {loose:,} named no account", loose=loose, n=n)
        guards.append(
            Guard("join_health", say("{said}: accounts may look quieter than they are.", said=said))
        )
    active = rows[rows.intent.isin(["attack", "defend"])]
    never = int(active.last_touch.isna().sum())
    if len(active) and never / len(active) > 0.5:
        said = say(
            "Of {active:,} accounts to attack or defend {never:,} had no recorded touch at all",
            never=never,
            active=len(active),
        )
        guards.append(Guard("logging", say("{said}: part of the contacts may not be recorded.", said=said)))
    for intent in INTENTS:
        own = rows[rows.intent == intent]
        # A small intent misleads the reader where it looks worse than the whole.
        if 0 < len(own) < FEW and own.off.mean() > rows.off.mean():
            said = say(
                "Accounts to {intent}: only {own}, {off} of them off plan",
                own=len(own),
                intent=intent,
                off=int(own.off.sum()),
            )
            guards.append(Guard("small_cells", say("{said}: too few to read a share from.", said=said)))
    return guards


def _chart(per_intent: dict[str, tuple[int, int]], tolerated: float) -> Chart | None:
    rows = []
    for intent, (off, n) in per_intent.items():
        if n:
            e = wilson(off, n, n_unit="accounts").estimate
            rows.append({"intent": intent, "off plan": e.value, "low": e.low, "high": e.high})
    if not rows:
        return None
    title = say("Off plan: ") + ", ".join(
        say("{off:,} of {n:,} to {intent}", off=off, n=n, intent=intent)
        for intent, (off, n) in per_intent.items()
        if n
    )
    return Chart(
        "bars", "intent", "off plan", "low", "high", rows=tuple(rows), reference=tolerated, title=title
    )
