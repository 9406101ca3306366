"""Who works in the two departments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignment_toolkit.relations.source import Source, column

if TYPE_CHECKING:
    from ibis.expr.types import Table

__all__ = ["staff"]


def staff(source: Source) -> Table:
    """Give one row per person of marketing or sales: person_id, department, joined_on, left_on (empty: not known)."""
    t = source["people"]
    t = t.filter(t.department.isin(["marketing", "sales"]), column(t, "kind").fill_null("human") != "system")
    return t.select(
        "person_id",
        "department",
        joined_on=column(t, "joined_on", "date"),
        left_on=column(t, "left_on", "date"),
    )
