"""The one place where text gets onto a slide, and where it is measured before it does."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

from alignment_toolkit import charts
from alignment_toolkit.languages import say
from alignment_toolkit.report.plain import plain

__all__ = ["broken", "high", "lines", "slide_text"]

_MOST: Final = 4000
# The fonts of slides run narrower than the one that is measured; some room is kept.
_NARROWER: Final = 0.97
_LINE: Final = 1.24


def slide_text(text: object) -> str:
    r"""Give text as a slide, a note, a chart or an alternative text holds it.

    Examples
    --------
    >>> slide_text("=1+1\x0b<a:t>")
    '=1+1 <a:t>'
    """
    shown = plain(text)
    return (
        shown
        if len(shown) <= _MOST
        else say("{shown}… [cut: {shown2:,} characters]", shown=shown[:_MOST], shown2=len(shown) - _MOST)
    )


@lru_cache(maxsize=20_000)
def _wide(word: str) -> float:
    return sum(charts.advance(c) for c in word)


def lines(text: str, size: float, inches: float) -> int:
    """Count the lines that a text takes at a size in points and a width in inches.

    Examples
    --------
    >>> lines("one two three", 12, 10), lines("one two three", 12, 0.5)
    (1, 3)
    """
    return len(broken(text, size, inches))


def broken(text: str, size: float, inches: float) -> list[str]:
    """Break a text as a slide does."""
    room = max(inches, 0.2) * 72 / size / _NARROWER
    done: list[str] = []
    line, used = "", 0.0
    blank = _wide(" ")
    for word in text.split(" "):
        need = _wide(word)
        if line and used + blank + need > room:
            done.append(line)
            line, used = word, need
        else:
            line, used = (f"{line} {word}", used + blank + need) if line else (word, need)
        # A word that is wider than the line is broken by the slide itself.
        while used > room and len(line) > 1:
            keep = max(1, math.floor(len(line) * room / used))
            done.append(line[:keep])
            line = line[keep:]
            used = _wide(line)
    return [*done, line]


def high(count: int, size: float) -> float:
    """Give the height of so many lines in inches."""
    return count * size * _LINE / 72
