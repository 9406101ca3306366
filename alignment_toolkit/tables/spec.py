"""What a table and a column are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["ColumnSpec", "ColumnType", "Rule", "TableSpec"]

ColumnType = Literal[
    "text", "id", "word", "timestamp", "date", "money", "number", "integer", "share", "score", "bool"
]


@dataclass(frozen=True)
class ColumnSpec:
    """One canonical column.

    Attributes
    ----------
    name, type, about
        What it is called, how it is typed and what it means.
    required
        The column must be there and every cell filled, unless `may_be_empty`; a row without it is refused.
    words
        The only words that are allowed; empty where any word will do.
    vocabulary
        Columns of one vocabulary share their spelling, so that they can be compared (`need` and `theme`).
    low, high
        The least and the greatest value allowed.
    default
        What an empty cell or an absent column stands for.
    """

    name: str
    type: ColumnType
    required: bool = False
    may_be_empty: bool = False
    about: str = ""
    words: tuple[str, ...] = ()
    vocabulary: str = ""
    low: float | None = None
    high: float | None = None
    default: str | None = None


@dataclass(frozen=True)
class Rule:
    """Bounds of `column` that hold in rows where the column `of` says `word`."""

    column: str
    of: str
    word: str
    low: float
    high: float


@dataclass(frozen=True)
class TableSpec:
    """One canonical table.

    Attributes
    ----------
    name, about, group
        What it is called, what one row is, and under which heading the dictionary lists it.
    columns
        The columns by name, in order.
    key
        The column that identifies a row, or None.
    date
        The column that dates a row (`Company.cohort` filters on it), or None.
    event_columns
        The dates of past events, from which "complete until" is known; empty where a table says nothing of that.
    references
        Column -> (table, column) it points at.
    unique
        Groups of columns of which no two rows may have the same (filled) values, besides the key.
    department_of
        The column with the person from whom an empty `department` is taken, or None.
    rules
        Bounds that hold in some rows only.
    """

    name: str
    about: str
    group: str
    columns: Mapping[str, ColumnSpec]
    key: str | None = None
    date: str | None = None
    event_columns: tuple[str, ...] = ()
    references: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    unique: tuple[tuple[str, ...], ...] = ()
    department_of: str | None = None
    rules: tuple[Rule, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that must be there."""
        return tuple(c.name for c in self.columns.values() if c.required)
