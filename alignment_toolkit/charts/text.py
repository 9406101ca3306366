"""Text from data, made fit to be shown: cleaned, measured, wrapped, shortened."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, Final

from alignment_toolkit.languages import ENGLISH, noted, say, spoken

__all__ = ["MISSING", "clean", "humanise", "numeric_columns", "shorten", "width", "within", "wrap"]

MISSING: Final = noted("(missing)")
# A sign, a currency, a digit.
_NUMBER: Final = re.compile(r"[+-]?\W{0,2}(?:[A-Z]{3} ?)?\d[^-]|[+-]?\W?\d$")
# Embeddings, overrides and isolates of text direction: a name that carries one would turn the text around it.
_DIRECTION: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_DROPPED: Final = _DIRECTION | {"\ufeff", "\ufffe", "\uffff"}
_BREAKS: Final = re.compile(r"\r\n?|[\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]")


def clean(value: Any, *, lines: bool = False) -> str:
    r"""Give text without control characters, lone surrogates or characters that turn the direction of what follows.

    Parameters
    ----------
    value
        Any value; None gives ``(missing)``.
    lines
        Keep line breaks; otherwise all white space becomes single blanks.

    Examples
    --------
    >>> clean("a\x00b\tc\n\u202ed")
    'ab c d'
    >>> clean(None)
    '(missing)'
    """
    if value is None:
        return say(MISSING)
    plain = str(value)
    if plain.isascii() and plain.isprintable():
        return plain.strip() if lines else " ".join(plain.split())
    text = _BREAKS.sub("\n", plain).replace("\t", " ")
    kept = [c for c in text if c == "\n" or not _unfit(c)]
    text = "".join(kept)
    return text.strip() if lines else " ".join(text.split())


def _unfit(character: str) -> bool:
    code = ord(character)
    return (
        character in _DROPPED
        or unicodedata.category(character) in ("Cc", "Cs")
        or (code & 0xFFFE) == 0xFFFE
        or 0xFDD0 <= code <= 0xFDEF
    )


def humanise(name: str) -> str:
    """Make a label of a column's name.

    Examples
    --------
    >>> humanise("share_late")
    'Share late'
    """
    text = clean(name).replace("_", " ").strip()
    return say(text[:1].upper() + text[1:])


def within(text: str) -> str:
    """Write a label as it stands within a sentence: small in English; other languages write as their file does."""
    return text.lower() if spoken() == ENGLISH else text


def width(text: str) -> int:
    """Give the width in columns: two for East Asian wide characters and emoji, none for combining marks."""
    return sum(_columns(c) for c in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def shorten(text: str, columns: float, measure: Callable[[str], float] | None = None) -> str:
    """Cut text to a width, with an ellipsis where something was cut; `measure` gives the width of a text in columns.

    Examples
    --------
    >>> shorten("Lighthouse", 6)
    'Light…'
    """
    wide = measure or width
    if wide(text) <= columns:
        return text
    kept, used = [], wide("…")
    for character in text:
        used += wide(character)
        if used > columns:
            break
        kept.append(character)
    return "".join(kept).rstrip() + "…"


def wrap(
    text: str, columns: float, lines: int = 2, measure: Callable[[str], float] | None = None
) -> list[str]:
    """Break text into at most so many lines of at most so many columns; what does not fit ends in an ellipsis.

    Examples
    --------
    >>> wrap("paid search in the north", 12)
    ['paid search', 'in the north']
    """
    wide = measure or width
    done: list[str] = []
    words = text.split() or [""]
    line = ""
    for position, word in enumerate(words):
        joined = f"{line} {word}" if line else word
        if wide(joined) <= columns:
            line = joined
            continue
        if line and len(done) < lines - 1:
            done.append(line)
            line = word
            if wide(word) <= columns:
                continue
        # The last line takes all that is left, cut; so does a word that is longer than a line.
        rest = [line] if line and line != word else []
        return [*done, shorten(" ".join([*rest, *words[position:]]), columns, wide)]
    return [*done, line]


def numeric_columns(rows: Sequence[Sequence[str]]) -> tuple[bool, ...]:
    """Say which columns of such a table hold numbers, which stand at the right.

    Examples
    --------
    >>> numeric_columns((("email", "-1,200", "2.0 to 3.0"), ("2026-09", "€5 (n 3)", "")))
    (False, True, True)
    """
    return tuple(
        i > 0 and all(_NUMBER.match(row[i]) for row in rows if row[i])
        for i in range(len(rows[0]) if rows else 0)
    )
