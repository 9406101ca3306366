"""Amounts in the company's own currency: exact, by the rate of the row's day, and never by a guess."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import ibis

from alignment_toolkit.relations.source import Source, day
from alignment_toolkit.tables import AMOUNTS, UNSAID

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

__all__ = [
    "AMOUNTS",
    "EXACT",
    "MONEY",
    "UNSAID",
    "first_unrated",
    "home_currency",
    "in_own_currency",
    "money_marks",
    "rates_of",
    "with_rate",
]

MONEY: Final = "decimal(18, 4)"
# DuckDB multiplies two decimals of 18 digits in 64 bits, too few for the product; one of 20 has it in 128.
RATE: Final = "decimal(20, 10)"
# Money times a rate, with all its digits.
EXACT: Final = "decimal(38, 14)"


def home_currency(own: str, rows: Mapping[str, int]) -> str | None:
    """Give the currency that a table's amounts must be in to be added up; None where all are in it.

    Where the company names none, it is the one of most rows: amounts in others must not be added to them.

    Parameters
    ----------
    own
        The company's currency.
    rows
        How many rows of the table are in which currency.

    Examples
    --------
    >>> home_currency("EUR", {"EUR": 5, "USD": 1}), home_currency("EUR", {"EUR": 5}), home_currency("EUR", {})
    ('EUR', None, None)
    >>> home_currency("XXX", {"EUR": 1, "USD": 5}), home_currency("XXX", {"USD": 5})
    ('USD', None)
    """
    if own.upper() != UNSAID:
        return own if set(rows) - {own.upper()} else None
    return min(rows, key=lambda code: (-rows[code], code)) if len(rows) > 1 else None


def in_own_currency(t: Table, table: str, rates: Table | None, own: str) -> Table:
    """Give a canonical table with its amounts in the company's currency; its rows stay as they are.

    The rate is that of the row's day: the latest of its currency that was valid by then. `currency` stays what it was.
    Added is `unrated`: the currency and day of a row that has no rate, whose amounts stay what they were, so that
    their sign is known; whoever adds them up must refuse.
    """
    if table not in AMOUNTS or "currency" not in t.columns or own.upper() == UNSAID:
        return t
    days, amounts = AMOUNTS[table]
    there = [day(t[name]) for name in days if name in t.columns]
    on = ibis.coalesce(*there) if there else ibis.null("date")
    kept = [c for c in t.columns if c != "unrated"]
    t = with_rate(t, t.currency, on, rates, own)
    made: dict[str, Value] = {c: _times(t[c], t._rate) for c in amounts if c in kept}
    lacking = t._code.concat(" on ", ibis.coalesce(t._on.cast("string"), ibis.literal("no day")))
    return t.select(
        **{c: made.get(c, t[c]) for c in kept},
        unrated=t._rate.isnull().ifelse(lacking, ibis.null("string")),
    )


def with_rate(t: Table, currency: Value, on: Value, rates: Table | None, own: str) -> Table:
    """Add _code, _on and _rate: 1 in the own currency or where none is written, empty where none is known."""
    t = t.mutate(_code=currency.upper(), _on=on)
    one = ibis.literal(1).cast(RATE)
    home = t._code.isnull() | (t._code == own.upper())
    if rates is None:
        return t.mutate(_rate=home.ifelse(one, ibis.null(RATE)))
    known = rates.select(_of=rates.currency.upper(), _from=day(rates.valid_on), _worth=rates.rate.cast(RATE))
    known = known.group_by("_of", "_from").aggregate(_worth=known._worth.max())  # a day has one rate
    known = known.mutate(_until=known._from.lead(1).over(group_by=known._of, order_by=known._from))
    names = list(t.columns)
    t = t.left_join(
        known,
        [t._code == known._of, t._on >= known._from, (t._on < known._until) | known._until.isnull()],
    )
    home = t._code.isnull() | (t._code == own.upper())
    return t.select(*names, _rate=home.ifelse(one, t._worth))


def _times(amount: Value, rate: Value) -> Value:
    return ibis.coalesce((amount.cast(MONEY) * rate).cast(EXACT), amount.cast(EXACT))


def money_marks(t: Table) -> dict[str, Any]:
    """Give the aggregates that keep, over rows that are added up, what currencies they are in and what has no rate."""
    made: dict[str, Any] = {}
    if "currency" in t.columns:
        last = t["currency_max" if "currency_max" in t.columns else "currency"]
        made = {"currency": t.currency.upper().min(), "currency_max": last.upper().max()}
    if "unrated" in t.columns:
        made["unrated"] = t.unrated.min()
    return made


def first_unrated(source: Any, t: Table) -> str | None:
    """Name the currency and day of the first amount among these rows that has no rate; None where all have one."""
    if "unrated" not in t.columns:
        return None
    first = source.fetch(t.aggregate(first=t.unrated.min()))["first"][0]
    return first if isinstance(first, str) else None


def rates_of(source: Source) -> Table | None:
    """Give the rates of a company, if it has any."""
    return source["rates"] if source.has("rates", "currency", "valid_on", "rate") else None
