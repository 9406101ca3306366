"""The languages that reports are written in: one catalogue, one file per language, English as the key.

A sentence stands in the code in English, with named gaps: ``say("{n:,} leads wait", n=1200)``. In English it is
filled in as it stands. In another language its translation is looked up in that language's file (``de.po`` for German)
and filled in, with numbers, dates and currency as that language writes them. To add a language is to add one file.

Which language is spoken belongs to the context of a call (`speaking`), never to the process: two analyses in one
process do not hear each other.

Examples
--------
>>> say("{share:.1f} % of {n:,} leads wait", share=12.3, n=1200)
'12.3 % of 1,200 leads wait'
>>> with speaking("de"):
...     print(say("Not assessed"), say("{n:,}", n=1200))
Nicht beurteilt 1.200
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

from alignment_toolkit.errors import UnknownName

__all__ = [
    "ENGLISH",
    "language_of",
    "languages",
    "noted",
    "opening",
    "say",
    "say_count",
    "speaking",
    "spoken",
    "term",
]

ENGLISH: Final = "en"
FOLDER: Final = Path(__file__).parent
_SPOKEN: Final[ContextVar[str]] = ContextVar("language", default=ENGLISH)


def languages() -> tuple[str, ...]:
    """Name the languages that there are: English, and each that has a file.

    Examples
    --------
    >>> languages()[:2]
    ('en', 'de')
    """
    return (ENGLISH, *sorted(path.stem for path in FOLDER.glob("*.po")))


def spoken() -> str:
    """Name the language that is spoken here and now."""
    return _SPOKEN.get()


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak a language until the block ends.

    Raises
    ------
    UnknownName
        For a language that has no file, with what there is.

    Examples
    --------
    >>> with speaking("de"):
    ...     spoken()
    'de'
    >>> spoken()
    'en'
    """
    if language not in languages():
        raise UnknownName("language", language, languages())
    before = _SPOKEN.set(language)
    try:
        yield
    finally:
        _SPOKEN.reset(before)


def language_of(settings: Mapping[str, Any]) -> str:
    """Give the language that the settings of an Analysis name; English where they name none.

    Examples
    --------
    >>> language_of({"report": {"language": "de"}}), language_of({})
    ('de', 'en')
    """
    report = settings.get("report")
    named = report.get("language") if isinstance(report, Mapping) else None
    return str(named) if named else ENGLISH


class Filling(string.Formatter):
    """Fills the gaps of a message; a number that is written as 0 has no sign.

    Examples
    --------
    >>> Filling().format("from {low:+.0f} to {high:+.1f} %", low=-0.3, high=0.04)
    'from 0 to 0.0 %'
    """

    def format_field(self, value: Any, format_spec: str) -> str:
        """Write one value."""
        text: str = format(value, format_spec)
        return _SIGNED_ZERO.sub("", text) if isinstance(value, float) else text


_SIGNED_ZERO: Final = re.compile(r"[+-](?=0(?:\.0*)?%?$)")
_FILLING: Final = Filling()


def say(message: str, /, **values: Any) -> str:
    """Say a message in the language spoken, its gaps filled in.

    Parameters
    ----------
    message
        English, with gaps as in `str.format`; without values it is taken as it stands. One that the language's file
        does not know (a third party's) stays English.
    values
        What the gaps are filled with: numbers and days as the language writes them, terms in its words, any other
        text as it is.
    """
    if _SPOKEN.get() == ENGLISH:
        return _FILLING.vformat(message, (), values) if values else message
    from alignment_toolkit.languages.catalogue import fill, translated

    return fill(translated(_SPOKEN.get(), message), values)


def say_count(n: int, one: str, many: str, /, **values: Any) -> str:
    """Say a message about a number of things, in the form that the language has for that number.

    Examples
    --------
    >>> say_count(1, "{n:,} question", "{n:,} questions"), say_count(1200, "{n:,} question", "{n:,} questions")
    ('1 question', '1,200 questions')
    """
    if _SPOKEN.get() == ENGLISH:
        return _FILLING.vformat(one if n == 1 else many, (), {"n": n, **values})
    from alignment_toolkit.languages.catalogue import counted, fill

    return fill(counted(_SPOKEN.get(), n, one, many), {"n": n, **values})


def opening(message: str) -> str:
    """Give how a message begins in the language spoken, up to its first gap: by that it is known again.

    Examples
    --------
    >>> opening("needs {columns}")
    'needs '
    """
    return say(message).partition("{")[0]


def term(text: str) -> str:
    """Say a text that may be a term (a code or name of the toolkit: a department, a status); another stays as it is.

    Examples
    --------
    >>> term("not_delivered"), term("paid_search")
    ('not delivered', 'paid_search')
    >>> with speaking("de"):
    ...     term("sales"), term("Salesburg")
    ('Vertrieb', 'Salesburg')
    """
    from alignment_toolkit.languages.terms import TERMS

    if text not in TERMS:
        return text
    return text.replace("_", " ") if _SPOKEN.get() == ENGLISH else say(text)


def noted(message: str) -> str:
    """Give a message as it is, noted for the catalogue; it is said later, where the language is known.

    Examples
    --------
    >>> noted("Out of line")
    'Out of line'
    """
    return message
