"""What each table says of who became a client, and since when it says anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import ibis

from alignment_toolkit.relations.derived import _won
from alignment_toolkit.relations.source import DEALS, ORDERS, Source, column, day

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

__all__ = ["client_witnesses"]

# Keeps the id of a lead without account apart from an account's.
_LEAD: Final = "\x1f"


def client_witnesses(source: Source) -> dict[str, Table]:
    """Give by table its rows that tell of clients: client, day on which it became one, and day of the row (seen_on).

    A row that shows that the table was kept, but makes nobody a client (a lost deal, a return), has neither client nor
    day. A lead without account stands for itself.
    """
    found: dict[str, Table] = {}
    if source.has("accounts", "account_id", "client_since"):
        t = source["accounts"]
        t = t.filter(t.client_since.notnull())
        found["accounts"] = _told(t, t.account_id, day(t.client_since))
    if source.has("leads", "lead_id", "converted_at"):
        t = source["leads"]
        t = t.filter(t.converted_at.notnull())
        found["leads"] = _told(t, _client(column(t, "account_id"), t.lead_id), day(t.converted_at))
    won = _won(source)
    if won is not None and source.has("opportunities", *DEALS):
        t = source["opportunities"]
        t = t.filter(t.closed_at.notnull())
        others = t.select(client=ibis.null("string"), day=ibis.null("date"), seen_on=day(t.closed_at))
        own = _told(won, _client(won.account_id, won.lead_id), won.day)
        found["opportunities"] = own.filter(own.client.notnull()).union(others)
    if source.has("orders", *ORDERS, "account_id"):
        t = source["orders"]
        t = t.filter(t.account_id.notnull())
        bought, on = (t.amount > 0).fill_null(False), day(t.ordered_at)
        found["orders"] = t.select(
            client=bought.ifelse(t.account_id, ibis.null("string")),
            day=bought.ifelse(on, ibis.null("date")),
            seen_on=on,
        )
    return found


def _told(t: Table, client: Value, on: Value) -> Table:
    return t.select(client=client, day=on, seen_on=on)


def _client(account: Value, lead: Value) -> Value:
    return ibis.coalesce(account, ibis.literal(_LEAD) + lead)
