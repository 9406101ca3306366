"""Counts under ten within sentences: a method, a reason or a caution tells them as well as a table does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from alignment_toolkit.languages import noted, say
from alignment_toolkit.privacy.cells import LEAST

__all__ = ["TEXTS", "masked", "masked_in"]

# The keys of an Analysis under which whole sentences stand that may tell counts.
TEXTS: Final = ("basis", "lacking", "message", "method", "reason", "statement")
_FEW: Final = noted("fewer than {least}")
# What is measured, set or numbered is no count of cases: a time, a rank, a scale, a day, a limit.
_BEFORE: Final = (
    r"(?:at least|at most|more than|fewer than|less than|within|up to|above|below|over|last|between|every"
    r"|mindestens|höchstens|mehr als|weniger als|binnen|innerhalb von|bis zu|über|unter|letzten|zwischen|alle)\s$"
)
_UNITS: Final = (
    r"(?:(?:working|of the)\s)?(?:days?|weeks?|hours?|months?|years?|quarters?|points?|minutes?|cosines"
    r"|Tagen?|Wochen?|Stunden?|Monaten?|Jahren?|Quartalen?|Punkten?|Minuten|Arbeits\w+|Kosinus\w*"
    r"|January|February|March|April|May|June|July|August|September|October|November|December)\b"
)
# The first of two numbers is what the second is: 3 to 7 days, 3 and 7 leads.
_BEHIND: Final = rf"(?:\s(?:to|bis|and|und)\s[\d.,]+)?(?:\s{_UNITS}|\s?(?:%|=))"
# The numbers of definitions, by the words that they stand in: scales, formulas and what is required.
_DEFINED: Final = re.compile(
    r"\bfrom [1-9] on\b|\bab [1-9] Personen\b"
    r"|[1-9] (?:of either kind )?are needed\b|[1-9] (?:von beiderlei )?sind nötig\b"
    r"|\b(?:a line needs|eine Linie braucht) \w+ (?:and|und) 1\b"
    r"|(?<![\w.,])1 - (?:Cohen|paid|amount|gezahlt|Betrag)"
    r"|\b1: (?:no better than chance|nicht besser als Zufall)"
    r"|\b0 (?:not at all, 1 wholly|gar nicht, 1 ganz|is chance, 1 is|ist Zufall, 1 ist)\b"
    r"|\b(?:where 1 is|wobei 1)\b"
    r"|\b(?:scale|number|Skala|Zahl) (?:from|von) 1 (?:to|bis) 5\b|\b(?:Answer|Antwort), 1 (?:to|bis) 5\b"
    r"|\b(?:rated|rating|Bewertung), 1 (?:to|bis) 10\b|-1 (?:to|bis) 1\b|\b(?:of 1 or 2|Antworten 1 oder 2)\b"
    r"|\b1 means: |\b1 heißt: |\b(?:1|5) \((?:lowest|highest|niedrigstes|höchstes)\)"
    r"|\b[35]: (?:partly|holds|zum Teil|trifft)\b"
)
_NUMBER: Final = re.compile(
    r"(?<![\w.,:/%€$£¥+<>=()-])(?<!\u2013)([1-9])(?![\w/%-]|[.,:]\d|\.\s\w)(\s\(\d+[.,]\d\s?%\))?"
)
_NOT_BEFORE: Final = re.compile(_BEFORE, re.IGNORECASE)
_NOT_BEHIND: Final = re.compile(_BEHIND)


def masked(text: str) -> str:
    """Write "fewer than 10" for a count of one to nine, and leave out the share in brackets behind it.

    Examples
    --------
    >>> masked("lines without client, left out: 2 (3.1 %); 8 cosines of 92 days")
    'lines without client, left out: fewer than 10; 8 cosines of 92 days'
    >>> masked("At least 5 wins are needed; here: 2.")
    'At least 5 wins are needed; here: fewer than 10.'
    >>> masked("people are compared from 5 on; here: 4 (0: of one mind, 1: no better than chance)")
    'people are compared from 5 on; here: fewer than 10 (0: of one mind, 1: no better than chance)'
    """
    defined = [found.span() for found in _DEFINED.finditer(text)]

    def few(found: re.Match[str]) -> str:
        if any(start <= found.start(1) < end for start, end in defined):
            return found.group()
        constant = _NOT_BEFORE.search(text[: found.start()]) or _NOT_BEHIND.match(text[found.end(1) :])
        return found.group() if constant else say(_FEW, least=LEAST)

    return _NUMBER.sub(few, text)


def masked_in(value: Any) -> Any:
    """Mask the sentences within nested values, by the keys under which they stand."""
    if isinstance(value, Mapping):
        return {k: _sentence(v) if k in TEXTS else masked_in(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked_in(v) for v in value]
    return value


def _sentence(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    return [_sentence(v) for v in value] if isinstance(value, (list, tuple)) else masked_in(value)
