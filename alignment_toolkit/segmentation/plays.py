"""Plays: what could be done with an account, by rules that stand in the settings. A person decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import ibis

from alignment_toolkit.kpi.lapses import ANY, Lapse, lapses_of, spans
from alignment_toolkit.languages import say
from alignment_toolkit.relations.endings import ANSWERS
from alignment_toolkit.relations.source import alive, day
from alignment_toolkit.segmentation.assessed import SIDES, latest_views

if TYPE_CHECKING:
    from ibis.expr.types import Table

    from alignment_toolkit.company import Company

__all__ = ["PLAYS", "Proposed", "proposed_plays"]

PLAYS: Final = ("attack", "defend", "grow", "release", "keep")
QUARTER: Final = 91
OPEN_FOR: Final = 180


@dataclass(frozen=True)
class Proposed:
    """The accounts with `proposed`, what the rule saw, and which rules could not be asked.

    Attributes
    ----------
    table
        One row per account, with proposed, intent, open_signal, cost_to_serve, contract.
    lacking
        What could not be looked at.
    """

    table: Table
    lacking: tuple[str, ...]


def proposed_plays(company: Company, t: Table, end: date) -> Proposed:
    """Propose a play for every account.

    The first rule that holds counts. **Release**: a client whose margin did not pay for the work in each of the last
    four quarters, of low potential and without contract. **Defend**: a client of the last year whose probability of
    still being one is below the threshold, or with a sign of change without answer. **Attack**: who is no client and
    has high potential or a sign of change, or a client who buys little and in whom a department sees more. Orders
    alone show what a client buys here, not what it could buy; so without an assessment no client is attacked.
    **Grow**: a client of the last year, probably still one, who buys few products. **Keep**: everything else.

    Parameters
    ----------
    company
        The company.
    t
        Accounts with features, alive, expected_value and `potential_segment`.
    end
        The first day that is not known.
    """
    rules = company.settings.plays
    lacking: list[str] = []
    t = _intents(company, t, end, lacking)
    t = _views(company, t, end, lacking)
    t = _signals(company, t, end, lacking)
    t = _contracts(company, t, end, lacking)
    t = _costs(company, t, end, lacking)
    client = (t.order_days >= 1).fill_null(False) if "order_days" in t.columns else ibis.literal(False)
    high = t.potential_segment.isin(["high_small", "high_large"]).fill_null(False)
    small = (~client) | t.potential_segment.isin(["high_small", "low_small"]).fill_null(False)
    worth = t.expected_value.fill_null(0.0) + 0.0
    silent = (t.alive < rules.alive_below).fill_null(False)
    troubled = (t.open_signal > 0).fill_null(False)
    # Who was never worth much is not defended.
    valued = (t.money.fill_null(0.0) > 0) if "money" in t.columns else client
    narrow = (
        (t.breadth <= rules.few_products).fill_null(False) if "breadth" in t.columns else ibis.literal(False)
    )
    unpaid = (t.lossy_quarters >= rules.release_quarters).fill_null(False)
    bound = t.contract.fill_null(False)
    release = client & unpaid & ~high & ~bound
    defend = client & (silent | troubled) & valued & ~release
    wanted = t.wanted_by_marketing | t.wanted_by_sales
    attack = ibis.ifelse(client, small & wanted, high | troubled) & ~defend & ~release
    grow = (
        client
        & valued
        & ~defend
        & ~release
        & ~attack
        & narrow
        & (t.alive >= rules.alive_below).fill_null(False)
    )
    t = t.mutate(
        proposed=ibis.cases(
            (release, "release"), (defend, "defend"), (attack, "attack"), (grow, "grow"), else_="keep"
        ),
        is_client=client,
        is_high=high,
        is_small=small,
        is_silent=silent,
        worth=worth,
    )
    return Proposed(t, tuple(lacking))


def _left(t: Table, other: Table, fill: dict[str, Any]) -> Table:
    other = other.rename({"_key": "account_id"})
    t = t.left_join(other, t.account_id == other._key).drop("_key")
    return t.mutate(**{c: t[c].fill_null(v) for c, v in fill.items()}) if fill else t


def _intents(company: Company, t: Table, end: date, lacking: list[str]) -> Table:
    if not company.has("intents", "account_id", "intent", "decided_on"):
        lacking.append(say("intents: what the plan wants of an account"))
        return t.mutate(intent=ibis.null("string"))
    i = company["intents"]
    i = i.filter(i.decided_on < ibis.literal(end), i.account_id.notnull())
    last = i.group_by("account_id").aggregate(intent=i.intent.argmax(i.decided_on))
    return _left(t, last, {})


def _views(company: Company, t: Table, end: date, lacking: list[str]) -> Table:
    """Add which department sees more in an account, by its latest assessment."""
    sides = latest_views(company, end)
    if sides is None:
        lacking.append(
            say("assessments: what a client could buy beyond its orders, so that no client is attacked")
        )
        return t.mutate(**{f"wanted_by_{d}": ibis.literal(False) for d in SIDES})
    for d, side in sides.items():
        t = t.left_join(side, t.account_id == side._who).drop("_who")
        t = t.mutate(**{f"wanted_by_{d}": t[d].fill_null(False)}).drop(d)
    return t


def _signals(company: Company, t: Table, end: date, lacking: list[str]) -> Table:
    if not company.has("signals", "account_id", "signalled_at"):
        lacking.append(say("signals: signs of change at the account"))
        return t.mutate(open_signal=ibis.literal(0))
    if not any(company.has(table, *columns) for choice in ANSWERS for table, columns in choice.items()):
        lacking.append(say("signals.answered_at, or touches: whether a sign of change was answered"))
        return t.mutate(open_signal=ibis.literal(0))
    s = company.relation("signal_answers")
    start = end - timedelta(days=OPEN_FOR)
    gone = _lapses(company, {"direction": "outbound", "automated": False, "account_id": ANY}, start, end)
    if gone:
        said = say(
            "touches {spans}: whether signs of change noted up to then were answered", spans=spans(gone)
        )
        lacking.append(said)
        start = gone[-1].last + timedelta(days=1)
    on, answered = day(s.signalled_at), day(s.first_answered_at)
    s = s.filter(on < ibis.literal(end), on >= ibis.literal(start), s.account_id.notnull())
    s = s.filter(answered.isnull() | (answered >= ibis.literal(end)))
    return _left(t, s.group_by("account_id").aggregate(open_signal=s.count()), {"open_signal": 0})


def _lapses(company: Any, which: dict[str, Any], start: date, end: date) -> tuple[Lapse, ...]:
    """Give the days in which nobody kept the touches that count."""
    if not company.has("touches", "touched_at", *(c for c in ("account_id",) if c in which)):
        return ()
    return lapses_of(getattr(company, "whole", company), "touches", which, start, end)


def _contracts(company: Company, t: Table, end: date, lacking: list[str]) -> Table:
    if not company.has("accounts", "account_id", "contract_until"):
        lacking.append(say("accounts.contract_until: who is under contract"))
        return t.mutate(contract=ibis.literal(False))
    a = company["accounts"]
    return _left(
        t,
        a.select("account_id", contract=(day(a.contract_until) >= ibis.literal(end)).fill_null(False)),
        {"contract": False},
    )


def _costs(company: Company, t: Table, end: date, lacking: list[str]) -> Table:
    """Add margin and cost of the work of each of the last four quarters: in how many the margin did not pay."""
    priced = any(company.settings.effort.cost_per_hour.values())
    costed = company.has("orders", "cost") or company.has("products", "unit_cost")
    if not (priced and costed and company.has("touches", "account_id", "touch_id", "department")):
        lacking.append(say("cost to serve: costs of orders, touches, and the cost of an hour of work"))
        nothing = {"cost_to_serve": ibis.null("float64"), "year_margin": ibis.null("float64")}
        return t.mutate(lossy_quarters=ibis.literal(0), year_minutes=ibis.null("float64"), **nothing)

    if gone := _lapses(company, {"automated": False}, end - timedelta(days=4 * QUARTER), end):
        lacking.append(say("touches {spans}: what the work of these days cost", spans=spans(gone)))

    def aged(rows: Table, moment: str) -> Table:
        rows = alive(rows, moment)
        rows = rows.mutate(_age=ibis.literal(end).delta(day(rows[moment]), unit="day") - 1)
        return rows.filter(rows._age >= 0, rows._age < 4 * QUARTER, rows.account_id.notnull())

    work = aged(company.relation("served"), "served_at")
    work = work.mutate(
        cost=(work.effort_minutes.cast("float64") / 60 * work.hourly_cost.cast("float64")).fill_null(0.0)
    )
    lines = aged(company.relation("sales_details"), "ordered_at")
    made: dict[str, Any] = {
        f"_c{q}": work.cost.sum(where=(work._age >= q * QUARTER) & (work._age < (q + 1) * QUARTER))
        for q in range(4)
    }
    t = _left(
        t,
        work.group_by("account_id").aggregate(year_minutes=work.effort_minutes.cast("float64").sum(), **made),
        {},
    )
    # Where the cost of a line is not known, all of it counts as margin: the upper limit, so that no gap releases.
    lines = lines.mutate(most=ibis.coalesce(lines.margin.cast("float64"), lines.amount.cast("float64")))
    made = {
        f"_m{q}": lines.most.sum(where=(lines._age >= q * QUARTER) & (lines._age < (q + 1) * QUARTER))
        for q in range(4)
    }
    t = _left(t, lines.group_by("account_id").aggregate(**made), {})
    lossy: Any = ibis.literal(0)
    cost: Any = ibis.literal(0.0)
    margin: Any = ibis.literal(0.0)
    for q in range(4):
        c, m = t[f"_c{q}"].fill_null(0.0), t[f"_m{q}"].fill_null(0.0)
        lossy = lossy + (c > m).cast("int8")
        cost, margin = cost + c, margin + m
    t = t.mutate(lossy_quarters=lossy, cost_to_serve=cost, year_margin=margin)
    return t.drop(*[f"_{k}{q}" for k in "cm" for q in range(4)])
