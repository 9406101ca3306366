"""From when on the data tells who became a client, or what became of a lead, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any


def day_of(moment: Any) -> date | None:
    return moment.date() if isinstance(moment, datetime) else moment


def told_by(world: Any) -> dict[str, list[tuple[Any, date | None, date]]]:
    """By table, who became a client on which day (nobody: empty) and the day of the row."""
    found = {
        "accounts": [(r["account_id"], r["client_since"]) for r in world.rows("accounts")],
        "leads": [
            (r["account_id"] or ("lead", r["lead_id"]), r["converted_at"]) for r in world.rows("leads")
        ],
        "opportunities": [
            (w["account"] or (("lead", w["lead"]) if w["lead"] else None), w["on"]) for w in world.won()
        ]
        + [(None, r["closed_at"]) for r in world.rows("opportunities")],
        "orders": [
            (r["account_id"] if r["amount"] > 0 else None, r["ordered_at"])
            for r in world.rows("orders")
            if r["account_id"] is not None
        ],
    }
    rows = {t: [(c, day_of(on)) for c, on in mine if on is not None] for t, mine in found.items()}
    return {
        t: [(c, on if c else None, on) for c, on in mine if not world.cap or on <= world.cap]
        for t, mine in rows.items()
    }


def clients_told_from(world: Any) -> tuple[date | None, date | None, date | None]:
    """Before the first day nobody is known, before the second a part; the third is the first of all, unbroken.

    A table breaks the series where those that began before it know less than 90 % of the clients since.
    """
    if "told_from" in world.cache:
        return world.cache["told_from"]
    rows = {t: mine for t, mine in told_by(world).items() if mine}
    begins = {t: min(on for _, _, on in mine) for t, mine in rows.items()}
    order = sorted(rows, key=lambda t: begins[t])  # equal days: in the order above
    since: dict[Any, date] = {}
    for mine in rows.values():
        for c, on, _ in mine:
            if c:
                since[c] = min(on, since.get(c, on))
    first = whole = None
    for number, t in enumerate(order):
        if not number or begins[t] == begins[order[0]]:
            continue
        new = [c for c, on in since.items() if on >= begins[t]]
        known = {c for e in order[:number] for c, _, _ in rows[e] if c}
        alone = order[:number] == ["accounts"]
        if 10 * sum(c in known for c in new) < 9 * len(new) or (alone and not new):
            first = begins[t] if alone else first
            whole = begins[t]
    world.cache["told_from"] = (first, whole, begins[order[0]] if order and whole is None else None)
    return world.cache["told_from"]


def outcomes_from(world: Any, columns: Mapping[str, str], *, clients: bool = False) -> date | None:
    """The first day that any of these columns holds; of clients that of the accounts too, where they tell all."""
    days = [day_of(r[c]) for t, c in columns.items() for r in world.rows(t) if r.get(c) is not None]
    first = min(days, default=None)
    begins = clients_told_from(world)[2] if clients else None
    return first if first is None or begins is None else min(first, begins)


def known_from(world: Any) -> date | None:
    """The first day from which who became a client is recorded in every table, where that makes a break."""
    columns = {"orders": "ordered_at", "opportunities": "closed_at", "leads": "converted_at"}
    firsts = [d for t, c in columns.items() if (d := outcomes_from(world, {t: c})) is not None]
    whole = clients_told_from(world)[1]
    return min(max(firsts), whole) if firsts and whole else None


OF_SALES = (
    "revenue active-clients arpu average-order orders-per-client products-per-client gross-margin gross-margin-rate "
    "realised-price repeat-revenue-share retention net-revenue-retention profit cost-to-serve"
).split()
OF_CLIENTS = ("new-clients", "cost-per-sale", "payback-months")
OF_ACCOUNTS = (
    "active-clients arpu orders-per-client products-per-client repeat-revenue-share retention net-revenue-retention"
).split()
CAME_BACK = ("retention", "net-revenue-retention")
OF_CLOSED = ("win-rate", "sales-cycle", "average-deal", "discount", "pipeline-velocity")


def dateless(world: Any, kpi: str) -> bool:
    """Whether deals were won on days that nobody knows, and no row that the KPI is of has a day."""
    deals = world.rows("opportunities")
    if not any(r["outcome"] == "won" and r["closed_at"] is None for r in deals):
        return False
    if kpi in OF_SALES:
        return world.sales_table() == "opportunities" and not world.sales_lines()
    if kpi in OF_CLIENTS:
        return not world.clients()
    return kpi in OF_CLOSED and all(r["closed_at"] is None for r in deals)


def only_won(world: Any, kpi: str) -> bool:
    """Whether nobody knows how many deals were opened, since those that were not won are not on record."""
    deals = world.rows("opportunities")
    return kpi in ("opportunities", "pipeline") and bool(deals) and all(r["outcome"] == "won" for r in deals)


def nameless(world: Any, kpi: str, start: date, last: date) -> bool:
    """Whether a stretch of time (for those who came back, the one before) ended before sales named their account."""
    lines = [r for r in world.sales_lines() if not world.cap or r["on"] <= world.cap]
    named = [r["on"] for r in lines if r["account_id"] is not None]
    if kpi not in OF_ACCOUNTS or not lines:
        return False
    first = min(named, default=None)
    if first is None or first == min(r["on"] for r in lines):
        return first is None
    return (start - timedelta(days=1) if kpi in CAME_BACK else last) < first


def unknown(world: Any, kpi: str, start: date, last: date) -> bool:
    """Whether nothing can be said of a KPI in a stretch of time."""
    return dateless(world, kpi) or only_won(world, kpi) or nameless(world, kpi, start, last)


def booked_until(world: Any, table: str, column: str) -> date | None:
    """The last day of a table without events: its own last booking, no later than any table goes."""
    ends = [d for t in world.until if (d := world.as_of([t])) is not None]
    if not ends:
        return world.cap
    days = [d for r in world.rows(table) if (d := day_of(r[column])) is not None and d <= max(ends)]
    return max([min(ends), *days])


def no_noughts(found: dict[Any, Any], blind: bool) -> dict[Any, Any]:
    """Nothing came of rows that are all older than the records: that is no 0."""
    for answer in found.values() if blind else ():
        if answer.value == 0:
            answer.value = answer.low = answer.high = None
    return found
