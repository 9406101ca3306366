"""How often each word of each column stands in the rows of a period: what tells that a word was renamed or is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import ibis

from alignment_toolkit.tables import TABLES

if TYPE_CHECKING:
    from ibis.expr.types import Table

__all__ = ["word_columns", "word_counts"]

# Words that are names of people or firms are no vocabulary.
_NAMES: Final = ("owner", "received_by", "actor", "assessor", "person_id", "initiated_by")


def word_columns(company: Any) -> dict[str, tuple[str, ...]]:
    """Name the columns of words in the tables of events, by table."""
    found = {}
    for name in company.tables:
        spec = TABLES[name]
        if spec.date is None or spec.date not in company.columns(name) or not spec.event_columns:
            continue
        columns = tuple(
            c
            for c in company.columns(name)
            if c in spec.columns and spec.columns[c].type == "word" and c not in _NAMES
        )
        if columns:
            found[name] = columns
    return found


def word_counts(company: Any, period: Any) -> Table | None:
    """Give ``column`` (table.column), ``word`` and ``rows`` of a period; None where no table of events has words."""
    parts = []
    for name, columns in word_columns(company).items():
        rows = company.cohort(name, period)
        for column in columns:
            counted = rows.group_by(word=rows[column].cast("string")).aggregate(rows=rows.count())
            parts.append(counted.select(column=ibis.literal(f"{name}.{column}"), word="word", rows="rows"))
    return ibis.union(*parts, distinct=False) if len(parts) > 1 else parts[0] if parts else None
