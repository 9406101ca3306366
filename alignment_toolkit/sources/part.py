"""What a source brings: parts of tables, still as they stand there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from alignment_toolkit.errors import Problem

__all__ = ["Engine", "Formats", "Part", "RawColumn", "literal", "quoted"]

Level = Literal["error", "warning"]
Engine = Any  # a duckdb connection; the library has no types that say more


def quoted(name: str) -> str:
    """Quote a name for SQL.

    Examples
    --------
    >>> print(quoted("order"))
    "order"
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text for SQL.

    Examples
    --------
    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True)
class Formats:
    """How a file writes dates and numbers, where that is not the plain form."""

    dates: str | None = None
    decimal: str = "."
    thousands: str | None = None


@dataclass
class RawColumn:
    """One column as the source has it: an SQL expression over the part's relation, and its type in the engine."""

    sql: str
    physical: str = "VARCHAR"
    source: str = ""
    constant: bool = False
    # Texts that the expression reads as numbers: a row where one is filled and is no number is refused.
    operands: tuple[str, ...] = ()


@dataclass
class Part:
    """One file (or database table) that fills a canonical table, or a part of one.

    Attributes
    ----------
    table
        The canonical table.
    file
        What messages call it: the file's name, never a path or address.
    relation
        What stands behind FROM.
    columns
        The columns by canonical name; further columns by their own.
    row
        SQL that gives the row's number as a spreadsheet counts, or None where a key names the row.
    row_name
        The canonical column whose value names a row that has no number.
    rows, blank, refused
        Rows in the source without the header (blank ones included), blank ones, and those refused before typing.
    where
        SQL condition that keeps a row, or None.
    formats
        How dates and numbers are written.
    large
        The data stays where it is; the canonical table is a view over it.
    refusal
        Why the part can't be used at all, or None.
    """

    table: str
    file: str
    relation: str
    columns: dict[str, RawColumn]
    row: str | None = "row_number"
    row_name: str | None = None
    rows: int = 0
    blank: int = 0
    refused: int = 0
    where: str | None = None
    formats: Formats = field(default_factory=Formats)
    large: bool = False
    refusal: str | None = None
    problems: list[Problem] = field(default_factory=list)

    def tell(
        self,
        code: str,
        message: str,
        *,
        row: int | None = None,
        column: str | None = None,
        value: str | None = None,
        level: Level = "error",
        more: int = 0,
    ) -> None:
        """Record a problem of this part."""
        self.problems.append(Problem(self.table, self.file, row, column, value, code, level, message, more))


def listed(names: Sequence[object], shown: int = 10) -> str:
    """List a few and count the rest.

    Examples
    --------
    >>> listed(["a", "b", "c"], shown=2)
    "'a', 'b' and 1 more"
    """
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(f"'{n}'" for n in names[:shown]) + more
