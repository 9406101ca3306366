"""Numbers, dates and currency as the language spoken writes them, by Babel; English stays as the toolkit writes it."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

from alignment_toolkit.languages import ENGLISH, spoken

__all__ = ["currency_behind", "currency_text", "day_text", "moment_text", "numerals"]

# Babel's blanks that do not break; the toolkit's texts have plain ones, so that texts can be compared.
_BLANKS: Final = str.maketrans({"\u00a0": " ", "\u202f": " "})


@lru_cache(maxsize=8)
def _signs(language: str) -> dict[int, str]:
    from babel.numbers import get_decimal_symbol, get_group_symbol

    return str.maketrans({",": get_group_symbol(language), ".": get_decimal_symbol(language)})


def numerals(text: str) -> str:
    """Give a number that Python wrote (1,234.5) with the signs of the language spoken.

    Examples
    --------
    >>> from alignment_toolkit.languages import speaking
    >>> with speaking("de"):
    ...     numerals("1,234.5")
    '1.234,5'
    """
    if spoken() == ENGLISH:
        return text
    return text.translate(_signs(spoken())).translate(_BLANKS)


def day_text(day: date) -> str:
    """Give a day as the language spoken writes it in short; in English as ISO 8601 does.

    Examples
    --------
    >>> from alignment_toolkit.languages import speaking
    >>> with speaking("de"):
    ...     day_text(date(2026, 9, 30))
    '30.09.2026'
    """
    if spoken() == ENGLISH:
        return str(day)
    from babel.dates import format_date

    return str(format_date(day, "medium", locale=spoken())).translate(_BLANKS)


def moment_text(text: str) -> str:
    """Give a day, or a day with a time, from its ISO text; what is neither, and English, stays as it is.

    Examples
    --------
    >>> from alignment_toolkit.languages import speaking
    >>> with speaking("de"):
    ...     moment_text("2026-09-30 14:05"), moment_text("2026-Q3")
    ('30.09.2026 14:05', '2026-Q3')
    """
    if spoken() == ENGLISH or len(text) < 10:
        return text
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return day_text(found.date()) + text[10:].replace("T", " ")


@lru_cache(maxsize=8)
def _money_pattern(language: str) -> str:
    from babel import Locale

    return str(Locale.parse(language).currency_formats["standard"].pattern)


def currency_behind() -> bool:
    """Say whether the currency stands behind the amount in the language spoken."""
    return spoken() != ENGLISH and _money_pattern(spoken()).partition(";")[0].endswith("\u00a4")


def currency_text(value: float, currency: str, decimals: int) -> str:
    """Give an amount with its currency in another language than English.

    Examples
    --------
    >>> from alignment_toolkit.languages import speaking
    >>> with speaking("de"):
    ...     currency_text(1234567.8, "EUR", 0)
    '1.234.568 €'
    """
    from babel.numbers import format_currency

    pattern = _money_pattern(spoken()).replace("0.00", "0." + "0" * decimals if decimals else "0")
    rounded: Any = round(value, decimals) + 0.0
    made = format_currency(rounded, currency, pattern, locale=spoken(), currency_digits=False)
    return str(made).translate(_BLANKS)
