"""Does somebody keep in touch with good repeat clients?

**Question.** How much of what your clients will be worth lies with clients to whom nobody has spoken lately?

**Gap.** The share of the expected value of the next 12 months that belongs to clients without a personal touch
in the `within_days` days (90) up to the window's end. Clients are the accounts that had bought before the
window's start; a client's expected value is the number of orders to be expected (BG/NBD, fitted to the orders
before the window) times the margin per order to be expected (gamma-gamma; revenue where costs are not known).
A personal touch is one by any department, in any direction, that is not automated and came by e-mail, phone,
meeting, visit or chat.

**Estimand.** The value-weighted share in the process of keeping in touch, given what is expected of each
client. **Interval.** Wilson's on the effective number of clients that the weights leave; a client is what
repeats. The models' own uncertainty moves weights only, and is not in it. **Margin.** 15 %: in a quarter a
seventh of the value may well rest with clients who want no call. **Minimum.** 50 clients.

**Worked example.** Six clients with expected values of 100, 100, 50, 50, 50 and 50. Spoken to were all but one
of 100 and one of 50: gap = 150 / 400 = 37.5 %.

**Beside the gap.** What of the period's revenue, of sales' minutes and of the spend that names its audience
went to those who were clients before; and how many products the clients not met have bought, compared with
others in the same fifth of expected value.

Where up to a fifth of the days is missing from the record, so much of what looks silent is taken off as any other
such days would add, and the interval holds both (guard `unrecorded`); where more is, the finding says too little
data.

**When it lies.** Service contacts that are kept elsewhere look like silence (guard `logging`). Some clients want
to be left alone and buy by themselves. Clients worth little are rightly served by machine: they weigh little.

**What to do.** Read the list from the top: who knows this client, and when is it natural to call?

**Literature.** Fader, Hardie and Lee (2005), Counting Your Customers the Easy Way, Marketing Science 24. Fader
and Hardie (2013), The Gamma-Gamma Model of Monetary Value. Reinartz, Thomas and Kumar (2005), Balancing
Acquisition and Retention Resources, Journal of Marketing 69.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd

from alignment_toolkit.indicator import Data, Observation, evidence, indicator
from alignment_toolkit.indicator.lapses import ANY, Lapse, counted, days_of, not_known, unrecorded
from alignment_toolkit.indicator.parts import without_amount, without_rate
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.relations import alive, day
from alignment_toolkit.results import Chart, Column, Guard, Measure, Money
from alignment_toolkit.statistics.client_value import fit_purchases, fit_spend
from alignment_toolkit.statistics.clustered import share_of_rows
from alignment_toolkit.statistics.inference import Gap
from alignment_toolkit.statistics.means import stratified_mean_difference
from alignment_toolkit.statistics.shares import clustered_part, clustered_part_gap

PERSONAL = ("email", "phone", "meeting", "visit", "chat")
PERSONALLY = {"channel": PERSONAL, "automated": False, "account_id": ANY}
YEAR = 365.0
COSTED = 0.9
OUTSIDE = 0.2
SHORTLY = 14  # days before the end: where nothing is recorded from then on, silence is judged up to then
MISSING = 0.2  # of the days that are looked at: more must not be missing from the record


@indicator(
    question="Does somebody keep in touch with good repeat clients?",
    title="Somebody keeps in touch with most of the clients that matter",
    failure_title="Clients that matter have no personal contact on record",
    nature="tactical",
    area="clients",
    kind="level",
    unit="share",
    margin=0.15,
    enough={"clients": 50},
    window="period",
    looks_back=("within_days",),
    population="accounts that had bought before the window, each weighing by its expected value of 12 months",
    needs={"touches": ("touched_at", "account_id", "channel")},
    uses={
        "touches": ("automated",),
        "spend": ("spent_on", "amount", "audience"),
        "accounts": ("account_id", "name", "service_contract", "contract_until"),
    },
    relations=("sales_details",),
    uses_relations=("served",),
    looked_up=("touches", "accounts"),
    silence={"touches": PERSONALLY},
    says=(
        "{gap} of what clients are expected to bring within 12 months belongs to {silent} of {clients} clients with "
        "whom nobody had been personally in touch in the last {within_days} days."
    ),
    who=("sales", "marketing"),
    advice=(
        "Read the list from the top: who knows this client, and when is it natural to call? Agree on who keeps in "
        "touch with whom, and let machines write only to those who want it."
    ),
    innocent={
        "marketing": "Clients may be reached by newsletters and events that are no personal touch.",
        "sales": "A client who is content and orders unasked may not want to be called.",
    },
)
def neglected_clients(data: Data, window: Period, *, within_days: int = 90) -> Observation:
    """Keeping a client usually costs less than winning one.

    Those who have bought again and again are expected to go on, and so it is easy to call
    others first. When they stop, it can take long until somebody notices.
    """
    end = min(window.end, (data.as_of("touches") or window.last) + timedelta(days=1))
    end, lapses, unclear = _known(data, end, within_days)
    bought = _bought(data, window)
    lacking = data.unrated(bought)
    unpriced = without_amount(
        *_priced(data, _sold(data, None, window.start)),
        say("what clients are expected to bring is told of the rest"),
    )
    rows = _clients(data, bought)
    rows, basis = _valued(rows, window)
    touched = _touched(data, end, within_days)
    met = rows.account_id.isin(set(touched.account_id))
    silent = (~met).to_numpy()
    value = rows.value.to_numpy(float)
    # Some of them will have been met in days that nobody recorded.
    still = 1 - _met_unseen(rows, silent, touched, lapses, end, within_days)
    part = value * silent * still
    gap = _share(part, value)
    if still < 1:  # at least so much without contact, and at most what has none on record
        most = _share(value * silent, value)
        gap = Gap(replace(gap.estimate, high=most.estimate.high), gap.above, most.below)
    shown = rows.assign(met=met)[silent].sort_values(["value", "account_id"], ascending=[False, True])
    columns = [Column("account_id", say("Client"), None, "id")]
    if data.has("accounts", "name"):
        names = data.fetch(data["accounts"].select("account_id", "name"))
        shown = shown.merge(names, on="account_id", how="left", validate="many_to_one")
        columns.append(Column("name", say("Name"), None, "name"))
    money = None
    if gap.estimate.value is not None:
        at_stake = float(part.sum())
        money = Money(
            at_stake,
            at_stake,
            at_stake,
            data.currency,
            say("arithmetical: {basis}, of the clients not met", basis=basis),
        )
    devoted, why = _devoted(data, rows, window)
    return Observation(
        gap=gap,
        values={
            "silent": say("{silent:,}", silent=round(still * silent.sum())),
            "clients": say("{rows:,}", rows=len(rows)),
        },
        measures=[*(() if lapses else _measures(rows, silent)), *devoted],
        money=money,
        guards=[*_guards(data, rows, silent), *unclear, *_gone(lapses, still), *unpriced, *why],
        evidence=evidence(
            shown,
            [
                *columns,
                Column("value", say("Expected within 12 months"), "money", "measure"),
                Column("orders", say("Orders so far"), "count", "measure"),
                Column("last", say("Last order"), None, "time"),
            ],
        ),
        chart=_chart(rows, silent, data.margin),
        withheld=say(
            "orders in {lacking} have no rate in `rates`: what clients are expected to bring cannot be told",
            lacking=lacking,
        )
        if lacking
        else None,
    )


def _sold(data: Data, start: date | None, end: date) -> ibis.Table:
    """Give what accounts bought from `start` to before `end`."""
    t = alive(data.relation("sales_details"), "ordered_at")
    t = t.mutate(on=day(t.ordered_at))
    t = t.filter(t.account_id.notnull(), t.on < ibis.date(end))
    return t if start is None else t.filter(t.on >= ibis.date(start))


def _bought(data: Data, window: Period) -> ibis.Table:
    """Give what accounts had bought before the window."""
    t = _sold(data, None, window.start)
    return t.filter(t.amount > 0)


def _priced(data: Data, sold: ibis.Table) -> tuple[int, int]:
    """Count sales, and those whose amount is known."""
    rows = data.fetch(sold.aggregate(rows=sold.count(), known=sold.amount.count()))
    return int(rows.rows[0]), int(rows.known[0])


def _clients(data: Data, t: ibis.Table) -> pd.DataFrame:
    """Give the accounts that had bought before the window: first and last day, days with orders, what they brought."""
    by = t.group_by("account_id").aggregate(
        first=t.on.min(),
        last=t.on.max(),
        orders=t.on.nunique(),
        revenue=t.amount.sum().cast("float64"),
        margin=t.margin.sum().cast("float64"),
        costed=(t.margin.notnull().ifelse(1, 0)).mean(),
        **({"products": t.product_id.nunique()} if "product_id" in t.columns else {}),
    )
    return data.fetch(by.order_by("account_id"))


def _valued(rows: pd.DataFrame, window: Period) -> tuple[pd.DataFrame, str]:
    """Add each client's expected value of 12 months, and say in words what it is."""
    if rows.empty:
        return rows.assign(value=pd.Series(dtype=float)), "nothing"
    costed = float(rows.costed.mean()) >= COSTED
    brought = (rows.margin if costed else rows.revenue).fillna(0.0).to_numpy(float)
    first, last = pd.to_datetime(rows["first"]), pd.to_datetime(rows["last"])
    seen = (pd.Timestamp(window.start) - first).dt.days.to_numpy(float)
    until = (last - first).dt.days.to_numpy(float)
    orders = rows.orders.to_numpy(float)
    model = fit_purchases(orders - 1, until, seen)
    mean = np.maximum(brought / orders, 0.0)
    if model.problem:
        ahead, words = orders / np.maximum(seen, 1.0) * YEAR, say("orders at the rate of the past")
    else:
        ahead, words = model.expected(orders - 1, until, seen, YEAR), say("orders expected by BG/NBD")
    sizes = fit_spend(orders, mean)
    each = mean if sizes.problem else sizes.expected(orders, mean)
    each = np.where(np.isfinite(each), each, mean)
    what = "margin" if costed else "revenue"
    return rows.assign(value=np.maximum(ahead * each, 0.0)), say(
        "{words} within 12 months x {what} per order", words=words, what=what
    )


def _share(part: np.ndarray, value: np.ndarray) -> Gap:
    p, w = part, value
    if len(w) and not w.any():
        nothing = say("by what they brought so far, no client is expected to bring anything above zero")
        return Gap.none(n=len(w), n_unit="clients", unit="share", method=nothing)
    sums = float(p.sum()), float(w.sum()), float(p @ p), float(p @ w), float(w @ w)
    return clustered_part_gap(*sums, len(value), n_unit="clients")


def _known(data: Data, end: date, within: int) -> tuple[date, tuple[Lapse, ...], list[Guard]]:
    """Give the day up to which silence is judged, the days before it that nobody recorded, and a guard where it moved.

    Raises
    ------
    NotRecorded
        Where too many of the days that are looked at are missing.
    """
    guards: list[Guard] = []
    lapses = data.lapses("touches", end - timedelta(days=within), end)
    if lapses and lapses[-1].last >= end - timedelta(days=1) and (end - lapses[-1].first).days <= SHORTLY:
        end = lapses[-1].first
        said = say("Silence is judged up to {last}.", last=end - timedelta(days=1))
        guards = unrecorded(lapses[-1:], said)
        lapses = data.lapses("touches", end - timedelta(days=within), end)
    gone = days_of(lapses, end - timedelta(days=within), end)
    if gone > MISSING * within:
        raise not_known(
            lapses,
            say(
                "With whom somebody was in touch then is not known: {gone} of the {within} days that are looked at.",
                gone=gone,
                within=within,
            ),
        )
    return end, lapses, guards


def _touched(data: Data, end: date, within: int) -> pd.DataFrame:
    """Give who was met on which of the days up to `end`."""
    t = counted(data["touches"], PERSONALLY)
    t = t.filter(t.touched_at >= str(end - timedelta(days=within)), t.touched_at < str(end))
    return data.fetch(t.select("account_id", on=day(t.touched_at)).distinct())


def _met_unseen(
    rows: pd.DataFrame,
    silent: np.ndarray,
    touched: pd.DataFrame,
    lapses: Sequence[Lapse],
    end: date,
    within: int,
) -> float:
    """Estimate which part of what looks silent was met in the days that nobody recorded.

    As much of the value as would look silent in addition, had any other stretch of as many days been lost, too.
    """
    start = end - timedelta(days=within)
    gone = days_of(lapses, start, end)
    value = rows.value.to_numpy(float)
    seemed = float((value * silent).sum())
    if not gone or seemed <= 0:
        return 0.0
    on = pd.to_datetime(touched.on)
    kept = [
        day_
        for day_ in pd.date_range(start, end, inclusive="left")
        if not days_of(lapses, day_.date(), day_.date() + timedelta(days=1))
    ]
    more = []
    for i in range(0, len(kept) - gone + 1, gone):
        met = set(touched.account_id[~on.isin(kept[i : i + gone])])
        more.append(float((value * ~rows.account_id.isin(met)).sum()) - seemed)
    return min(1.0, float(np.mean(more)) / seemed)


def _gone(lapses: Sequence[Lapse], still: float) -> list[Guard]:
    said = say(
        "Of the clients without contact on record about {met:.0f} % will have been met then, as any other days tell: "
        "so much is taken off, and the interval holds both. The list names them all.",
        met=100 * (1 - still),
    )
    return unrecorded(lapses, said)


def _measures(rows: pd.DataFrame, silent: np.ndarray) -> list[Measure]:
    if rows.empty:
        return []
    found = [
        Measure.of(
            "by_head",
            say("Clients not met, each weighing alike"),
            share_of_rows(silent, n_unit="clients").estimate,
        )
    ]
    again = (rows.orders > 1).to_numpy()
    if again.any():
        told = share_of_rows(silent[again], n_unit="clients").estimate
        found.append(
            Measure.of("repeat_clients", say("Not met, of those who had bought more than once"), told)
        )
    good = rows.value.to_numpy() >= np.quantile(rows.value, 0.8)
    told = share_of_rows(silent[good], n_unit="clients").estimate
    found.append(Measure.of("best_fifth", say("Not met, of the fifth worth most"), told))
    if "products" in rows.columns:
        fifth = np.ceil(rows.value.rank(method="first") / len(rows) * 5)
        broad = stratified_mean_difference(rows.products, silent, fifth, n_unit="clients", unit="count")
        if broad.estimate.value is not None:
            label = say("Products bought so far: clients not met minus others of like value")
            found.append(Measure.of("breadth", label, broad.estimate))
    return found


def _devoted(data: Data, rows: pd.DataFrame, window: Period) -> tuple[list[Measure], list[Guard]]:
    """Give what of the window's revenue, effort and spend went to those who were clients before it, or why not."""
    found: list[Measure] = []
    guards: list[Guard] = []
    # A part's orders and touches need not be of the same clients: nothing can be shared out among them.
    if not data.of_part and data.has_relation("served"):
        t = data.relation("served")
        t = t.filter(t.served_at >= str(window.start), t.served_at < str(window.end), t.account_id.notnull())
        by = data.fetch(
            t.group_by("account_id")
            .aggregate(
                revenue=t.amount.sum().cast("float64"),
                # Only minutes of sales: marketing reaches clients by other means than hours.
                effort=(t.department == "sales").ifelse(t.effort_minutes, None).sum().cast("float64"),
            )
            .order_by("account_id")
        )
        old = by.account_id.isin(set(rows.account_id)).to_numpy()
        inside = _sold(data, window.start, window.end)
        unrated = data.unrated(inside)
        guards += without_rate(unrated, say("what part of the revenue came from clients is not told"))
        if not unrated:
            rest = say("what part of the revenue came from clients is told of the rest")
            guards += without_amount(*_priced(data, inside), rest)
        for name, label in (
            ("revenue", say("Of the period's revenue, from those who were clients before")),
            ("effort", say("Of sales' minutes on accounts, on those who were clients before")),
        ):
            if name == "revenue" and unrated:
                continue
            w = by[name].fillna(0.0).clip(lower=0).to_numpy(float)
            p = w * old
            e = clustered_part(p.sum(), w.sum(), p @ p, p @ w, w @ w, int((w > 0).sum()), n_unit="accounts")
            if e.value is not None:
                found.append(Measure.of(f"{name}_on_clients", label, e))
    if data.has("spend", "spent_on", "amount", "audience"):
        t = data.money("spend")
        t = t.filter(t.spent_on >= ibis.date(window.start), t.spent_on < ibis.date(window.end))
        t = t.filter(t.audience.isin(["new", "existing"]))
        if unrated := data.unrated(t):
            guards += without_rate(unrated, say("what part of the spend was on clients is not told"))
            return found, guards
        by = t.group_by("audience").aggregate(amount=t.amount.sum().cast("float64"), lines=t.count())
        spent = data.fetch(by).set_index("audience")
        if float(spent.amount.sum()) > 0:
            part = float(spent.amount.get("existing", 0.0)) / float(spent.amount.sum())
            e = Gap.exact(
                part, n=int(spent.lines.sum()), n_unit="lines of spend", unit="share", method=say("counted")
            ).estimate
            label = say("Of the spend that addresses one of them, on clients and not on new ones")
            found.append(Measure.of("spend_on_clients", label, e))
    return found, guards


def _guards(data: Data, rows: pd.DataFrame, silent: np.ndarray) -> list[Guard]:
    guards = []
    if data.has("accounts", "account_id", "service_contract") and silent.any():
        accounts = data["accounts"]
        served = data.fetch(accounts.filter(accounts.service_contract).select("account_id"))
        quiet = rows[silent]
        share = float(quiet.value[quiet.account_id.isin(set(served.account_id))].sum()) / max(
            quiet.value.sum(), 1e-9
        )
        if share > OUTSIDE:
            said = say("{share:.0f} % of this value has a service contract", share=100 * share)
            guards.append(
                Guard("logging", say("{said}: contacts of the service may be kept elsewhere.", said=said))
            )
    whole = rows.value.sum()
    if silent.any() and whole > 0:
        largest = float(rows.value[silent].max()) / whole
        if largest > 0.05 and largest > 0.5 * float(rows.value[silent].sum()) / whole:
            said = say(
                "one client alone is {largest:.0f} % of all expected value and makes most of the gap",
                largest=100 * largest,
            )
            guards.append(Guard("one_whale", f"{said[0].upper()}{said[1:]}."))
    return guards


def _chart(rows: pd.DataFrame, silent: np.ndarray, margin: float) -> Chart | None:
    """Draw the share not met by fifths of value."""
    if len(rows) < 5:
        return None
    rank = rows.value.rank(method="first", ascending=False)
    fifth = np.ceil(rank / len(rows) * 5).astype(int)
    words = {
        1: say("worth most"),
        2: say("2nd fifth"),
        3: say("3rd fifth"),
        4: say("4th fifth"),
        5: say("worth least"),
    }
    points = [
        {"fifth": words[k], "not_met": float(silent[fifth == k].mean()), "n": int((fifth == k).sum())}
        for k in sorted(set(fifth))
    ]
    alone = 100 * float(silent[fifth == 1].mean())
    title = say("Of the clients worth most, {alone:.0f} % have no personal contact on record", alone=alone)
    return Chart("bars", "fifth", "not_met", rows=tuple(points), reference=margin, title=title)
