"""What a relation needs of a company, and the keys from table to table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

import ibis

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

__all__ = ["DEALS", "ORDERS", "PARENTS", "Source", "alive", "column", "day", "missing", "standing", "without"]

# What makes a table of orders, or of opportunities, one that tells of sales.
ORDERS: Final = ("order_id", "ordered_at", "amount")
DEALS: Final = ("opportunity_id", "outcome", "closed_at")


# A column of this name, in whatever table or relation, is the many-to-one key to that table.
PARENTS: Final[Mapping[str, str]] = {
    "account_id": "accounts",
    "campaign_id": "campaigns",
    "product_id": "products",
    "contact_id": "contacts",
    "owner": "people",
    "received_by": "people",
    "actor": "people",
    "assessor": "people",
}


class Source(Protocol):
    """What a relation needs of a company; the toolkit's Company is one."""

    @property
    def tables(self) -> tuple[str, ...]:
        """Name the tables that are there."""

    @property
    def settings(self) -> Any:
        """Give the settings."""

    def __getitem__(self, table: str) -> Table:
        """Give a canonical table."""

    def has(self, table: str, *columns: str) -> bool:
        """Say whether a table and these columns of it are there."""

    def relation(self, name: str) -> Table:
        """Give a derived relation."""


def standing(source: Source, name: str, build: Callable[[Source], Table]) -> Table:
    """Give a relation that another one stands on: the one that a whole company keeps, or a part's own."""
    whole = getattr(source, "whole", source) is source
    return source.relation(name) if whole else build(source)


def day(column: Value) -> Value:
    """Give the calendar day of a date or of a moment in the company's zone."""
    return column if column.type().is_date() else column.date()


def column(t: Table, name: str, kind: str = "string") -> Value:
    """Give a column, or the empty one of a kind where the table does not have it."""
    return t[name] if name in t.columns else ibis.null(kind)


def alive(t: Table, moment: str) -> Table:
    """Leave out what happened on or after a row's deletion."""
    if "deleted_at" not in t.columns:
        return t
    return t.filter(t.deleted_at.isnull() | (t[moment] < t.deleted_at))


def without(t: Table, names: Iterable[str]) -> Table:
    """Leave out the source's own columns of these names, however they are written: engines do not tell case apart."""
    gone = {name.casefold() for name in names}
    return t.drop(*[c for c in t.columns if c.casefold() in gone])


def _distance(gone: Sequence[str]) -> tuple[int, int]:
    return len({name.partition(".")[0] for name in gone}), len(gone)


def missing(
    source: Source, needs: Mapping[str, Iterable[str]], any_of: Sequence[Mapping[str, Iterable[str]]] = ()
) -> tuple[str, ...]:
    """Name the table.columns that are not there: of `needs`, and of the nearest of `any_of` where none is whole."""

    def absent(choice: Mapping[str, Iterable[str]]) -> list[str]:
        return [
            f"{table}.{column}"
            for table, columns in choice.items()
            for column in columns
            if not source.has(table, column)
        ]

    lacking = absent(needs)
    if any_of and all(absent(choice) for choice in any_of):
        # The choice that is nearest: the fewest tables to bring, then the fewest columns.
        choices = [absent(choice) for choice in any_of]
        nearest: list[str] = min(choices, key=_distance)
        lacking += nearest
    return tuple(dict.fromkeys(lacking))
