"""One language's file, read once: messages, their forms by number, and what fills their gaps."""

from __future__ import annotations

import gettext
import io
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from numbers import Number
from typing import Any

from alignment_toolkit.languages import FOLDER, Filling, spoken
from alignment_toolkit.languages.locale import day_text, numerals
from alignment_toolkit.languages.terms import TERMS

__all__ = ["counted", "fill", "translated"]


@lru_cache(maxsize=8)
def _messages(language: str) -> gettext.GNUTranslations:
    # Babel is loaded only where another language than English is spoken.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with (FOLDER / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def translated(language: str, message: str) -> str:
    """Give a message's translation, or the message where there is none."""
    return _messages(language).gettext(message) if message else message


def counted(language: str, n: int, one: str, many: str) -> str:
    """Give the translation of a message in the form for a number."""
    return _messages(language).ngettext(one, many, n)


class _Filling(Filling):
    """Fills gaps with numbers and dates as the language spoken writes them, and with its words for terms."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, date) and not format_spec:
            return day_text(value.date() if isinstance(value, datetime) else value)
        if isinstance(value, str) and value in TERMS:
            value = translated(spoken(), value)
        text = super().format_field(value, format_spec)
        if isinstance(value, (str, bool)) or not isinstance(value, Number):
            return text
        return numerals(text)


_FILLING = _Filling()


def fill(template: str, values: Mapping[str, Any]) -> str:
    """Fill the gaps of a template.

    Examples
    --------
    >>> from alignment_toolkit.languages import speaking
    >>> with speaking("de"):
    ...     fill("{n:,} of {share:.1%} on {day}", {"n": 1234, "share": 0.125, "day": date(2026, 9, 30)})
    '1.234 of 12,5% on 30.09.2026'
    """
    return _FILLING.vformat(template, (), values) if values else template
