"""From when on the data tells who became a client, or what became of a lead, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
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


def no_noughts(found: dict[Any, Any], blind: bool) -> dict[Any, Any]:
    """Nothing came of rows that are all older than the records: that is no 0."""
    for answer in found.values() if blind else ():
        if answer.value == 0:
            answer.value = answer.low = answer.high = None
    return found
