"""The one place where text becomes a spreadsheet's cell, header, sheet name or chart label."""

from __future__ import annotations

import math
import re
from typing import Final

from alignment_toolkit import units
from alignment_toolkit.languages import say
from alignment_toolkit.languages.locale import numerals
from alignment_toolkit.report.blocks import Cell
from alignment_toolkit.report.plain import plain

__all__ = ["LONGEST", "cell_text", "column_names", "number_of", "sheet_name", "table_name", "wakes"]

LONGEST: Final = 32_767
_NAME: Final = 31
_PIECE: Final = 4
_HEADER: Final = 255
_FORBIDDEN: Final = re.compile(r"[\[\]:*?/\\]")
# What makes a spreadsheet read a typed text as a formula or a command; the last four are their full-width forms.
_STARTS: Final = ("=", "+", "-", "@", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def cell_text(text: object) -> str:
    r"""Give text as a cell holds it: no control characters, at most what a cell takes, and marked where it was cut.

    Examples
    --------
    >>> cell_text("=1+1")
    '=1+1'
    >>> cell_text("x" * 40_000)[-40:]
    'xxxxxxxxxxxxxxx… [cut: 7,273 characters]'
    """
    return _cut(plain(text, lines=True), LONGEST)


def _cut(text: str, most: int) -> str:
    if _long(text) <= most:
        return text
    room = most - 40
    kept = text[:room]
    while _long(kept) > room:
        kept = kept[: len(kept) - (_long(kept) - room + 1) // 2]
    return say("{kept}… [cut: {text:,} characters]", kept=kept, text=len(text) - len(kept))


def _long(text: str) -> int:
    # Spreadsheets count in UTF-16.
    return len(text.encode("utf-16-le")) // 2


def wakes(text: str) -> bool:
    """Say whether a text would wake up as a formula when it is edited; such cells carry the quote mark of a text."""
    return text.lstrip(" '\"").startswith(_STARTS)


def sheet_name(text: str, taken: set[str]) -> str:
    """Give a sheet's name: within the limits, no formula, and not yet taken, whatever its case.

    Examples
    --------
    >>> sheet_name("Marketing: what/why?", set())
    'Marketing what why'
    >>> sheet_name("Findings", {"findings"})
    'Findings 2'
    >>> sheet_name("Welche Schritte den Verkäufen vorausgingen", set())
    'Welche Schritte den Verkäufen'
    """
    name = " ".join(_FORBIDDEN.sub(" ", plain(text)).split()).strip("'").strip()
    while name and (wakes(name) or not name[0].isalnum()):
        name = name[1:].strip("' ")
    # The word is kept back by spreadsheets.
    name = say("Part") if not name or name.casefold() == "history" else name
    shown, number = _fitting(name, ""), 1
    while shown.casefold() in taken:
        number += 1
        shown = _fitting(name, f" {number}")
    taken.add(shown.casefold())
    return shown


def _fitting(name: str, tail: str) -> str:
    kept = name
    while _long(kept + tail) > _NAME:
        kept = kept[:-1]
    # A single letter of a word that was cut says nothing.
    head, space, piece = kept.rpartition(" ")
    if space and len(kept) < len(name) and name[len(kept)] != " " and len(piece) < _PIECE:
        kept = head
    return kept.rstrip("' ") + tail


def table_name(caption: str, number: int) -> str:
    """Give a table's name: the toolkit's number and the ASCII letters of its caption.

    Examples
    --------
    >>> table_name("Key figures, 2026-Q3", 4)
    'T04_key_figures_2026_q3'
    """
    words = re.sub(r"[^a-z0-9]+", "_", plain(caption).casefold())[:40].strip("_")
    return f"T{number:02d}_{words or 'table'}"


def column_names(names: tuple[str, ...]) -> list[str]:
    """Give headers that a table takes: none empty, none twice, none too long."""
    done: list[str] = []
    seen: set[str] = set()
    for name in names:
        base = _cut(plain(name), _HEADER) or say("Column")
        shown, number = base, 1
        while shown.casefold() in seen:
            number += 1
            shown = f"{base[: _HEADER - 6]} ({number})"
        seen.add(shown.casefold())
        done.append(shown)
    return done


def number_of(cell: Cell, currency: str) -> tuple[float, str] | None:
    """Give a cell's number and its format, where the format writes exactly what the cell says.

    Everywhere else the text stays: a number that is written otherwise than in the other formats would be another one.
    """
    value = cell.number
    if value is None or not math.isfinite(value) or cell.unit not in units.UNITS or abs(value) >= 1e15:
        return None
    kind = units.UNITS[cell.unit]
    said, tail = cell.text, ""
    if said.endswith(" *"):
        said, tail = said[:-2], '" *"'
    digits = None
    if said == kind.text(value, currency=currency):
        if kind.name == "count" and not float(value).is_integer():
            digits = 1
        if kind.name == "money" and 0 < abs(value) < 1:
            digits = kind.cents(value, currency=currency)
        shown = kind.spreadsheet(currency=currency, decimals=digits)
    elif said == numerals(f"{value:,.0f}") and float(value).is_integer():
        shown = "#,##0"
    else:
        return None
    return value, ";".join(part + tail for part in shown.split(";"))
