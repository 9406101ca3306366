"""Units: how a number is written in text, in a spreadsheet and on an axis, in one place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from alignment_toolkit.errors import UnknownName
from alignment_toolkit.languages import ENGLISH, noted, say, spoken
from alignment_toolkit.languages.locale import currency_behind, currency_text, numerals

__all__ = ["UNITS", "Unit", "signed", "unit"]

_SYMBOLS: Final = {
    "EUR": "€",
    "USD": "$",
    "GBP": "£",
    "JPY": "¥",
    "BRL": "R$",
    "CHF": "CHF",
    "INR": "₹",
    "XXX": "¤",
}
# Currencies without a smaller coin: decimals only where the amount is small.
_WHOLE: Final = frozenset("CLP IDR ISK JPY KRW PYG UGX VND XAF XOF".split())
_ALL_DIGITS: Final = 4
NOT_AVAILABLE: Final = noted("not available")


@dataclass(frozen=True)
class Unit:
    """A unit of measure, and how its numbers are written.

    Attributes
    ----------
    name
        ``share`` (0 to 1, written in per cent), ``points`` (on its own scale: 2 percentage points is 2.0), ``money``
        (company's currency), ``count``, ``days``, ``hours``, ``months``, ``ratio``, ``index``.
    decimals
        Digits after the point in text.
    word
        What stands behind the number, if anything.
    excel
        The number format for a spreadsheet; ``{currency}`` is filled in by the writer.

    Examples
    --------
    >>> unit("share").text(0.1234)
    '12.3 %'
    >>> unit("money").text(1234567.8, currency="EUR")
    '€1,234,568'
    >>> unit("money").text(0.0012, currency="EUR"), unit("money").text(-250, currency="JPY")
    ('€0.0012', '-¥250')
    >>> unit("days").text(1)
    '1.0 days'
    >>> unit("count").text(None)
    'not available'
    """

    name: str
    decimals: int
    word: str
    excel: str

    def text(self, value: float | None, *, currency: str | None = None) -> str:
        """Write a number with its unit; None is written as not available."""
        if value is None or not math.isfinite(value):
            return say(NOT_AVAILABLE)
        if self.name == "share":
            return f"{_plain(value * 100, self.decimals)} %"
        if self.name == "money":
            code = (currency or "").upper()
            digits = _cents(value, self.decimals, code)
            sign = "-" if round(value, digits) < 0 else ""
            if code and spoken() != ENGLISH:
                return currency_text(value, code, digits)
            symbol = _SYMBOLS.get(code, f"{code} " if code else "")
            gap = " " if symbol in ("CHF",) else ""
            return f"{sign}{symbol}{gap}{_plain(abs(value), digits)}"
        number = _plain(value, 0 if self.name == "count" and float(value).is_integer() else self.decimals)
        return f"{number} {say(self.word)}".rstrip()

    def interval(self, low: float | None, high: float | None, *, currency: str | None = None) -> str:
        """Write an interval as ``low to high``; empty where either end is missing.

        Examples
        --------
        >>> unit("share").interval(0.1, 0.25), unit("points").interval(-2, 3.5)
        ('10.0 % to 25.0 %', '-2.00 to 3.50 points')
        """
        if low is None or high is None:
            return ""
        ends = {"low": self.text(low, currency=currency), "high": self.text(high, currency=currency)}
        if self.word:  # said once, behind the second number
            ends["low"] = ends["low"].removesuffix(f" {say(self.word)}")
        return say("{low} to {high}", **ends)

    def spreadsheet(self, *, currency: str | None = None, decimals: int | None = None) -> str:
        r"""Give the number format with which a spreadsheet or a native chart writes what `text` writes.

        Examples
        --------
        >>> unit("share").spreadsheet()
        '0.0\\ %'
        >>> unit("days").spreadsheet()
        '#,##0.0" days"'
        """
        digits = self.decimals if decimals is None else decimals
        plain = "#,##0" + ("." + "0" * digits if digits else "")
        if self.name == "share":
            return plain.replace("#,##", "") + "\\ %"
        if self.name == "count" and decimals is None:
            return "#,##0"
        if self.name == "money":
            code = (currency or "").upper()
            sign = _SYMBOLS.get(code, f"{code} " if code else "") + (" " if code == "CHF" else "")
            limit = _limit(code)
            if sign and currency_behind():
                whole, cents = '#,##0" {sign}"'.replace("{sign}", sign.strip()), f'{plain}" {sign.strip()}"'
                return cents if decimals is not None else f"[>={limit}]{whole};[<=-{limit}]-{whole};{cents}"
            head = f'"{sign}"' if sign else ""
            if decimals is not None:
                return f"{head}{plain}"
            whole = f"{head}#,##0"
            return f"[>={limit}]{whole};[<=-{limit}]-{whole};{head}{plain}"
        return plain + (f'" {say(self.word)}"' if self.word else "")

    def cents(self, value: float, *, currency: str | None = None) -> int | None:
        """Give the decimals of an amount of which the usual ones would leave nothing; None where they are enough.

        Examples
        --------
        >>> unit("money").cents(0.0014, currency="EUR"), unit("money").cents(0.5, currency="EUR")
        (4, None)
        """
        digits = _cents(value, self.decimals, (currency or "").upper())
        return digits if digits > self.decimals else None

    def axis(self, *, currency: str | None = None) -> str:
        """Give the words for a chart's axis."""
        if self.name == "money":
            return currency or say("money")
        return say(
            {"share": "%", "count": noted("number"), "points": noted("points")}.get(
                self.name, self.word or self.name
            )
        )


def _limit(code: str) -> int:
    return 100 if code in _WHOLE else 1000


def _cents(value: float, decimals: int, code: str) -> int:
    """Say how many decimals an amount needs: none where it is large, more where two would leave nothing of it."""
    size = abs(value)
    if size >= _limit(code) or (code in _WHOLE and float(value).is_integer()):
        return 0
    if round(size, _ALL_DIGITS) == 0:
        return decimals
    enough = (n for n in range(decimals, _ALL_DIGITS) if abs(round(size, n) - size) < size / 20)
    return next(enough, _ALL_DIGITS)


def signed(value: float | None, text: str) -> str:
    """Put a plus before the text of a number above zero, unless nothing of it is left in the text.

    Examples
    --------
    >>> signed(2.0, "2.00"), signed(0.001, "0.00"), signed(-2.0, "-2.00")
    ('+2.00', '0.00', '-2.00')
    """
    return f"+{text}" if value is not None and value > 0 and any(c in "123456789" for c in text) else text


def _plain(value: float, decimals: int) -> str:
    rounded = round(value, decimals) + 0.0  # + 0.0 turns -0.0 into 0.0
    return numerals(f"{rounded:,.{decimals}f}")


UNITS: Final[dict[str, Unit]] = {
    u.name: u
    for u in (
        Unit("share", 1, "", "0.0%"),
        Unit("points", 2, noted("points"), "0.00"),
        Unit("money", 2, "", "#,##0.00"),
        Unit("count", 1, "", "#,##0"),
        Unit("days", 1, noted("days"), "0.0"),
        Unit("hours", 1, noted("hours"), "0.0"),
        Unit("months", 1, noted("months"), "0.0"),
        Unit("ratio", 2, "", "0.00"),
        Unit("index", 2, "", "0.00"),
    )
}


def unit(name: str) -> Unit:
    """Look a unit up by name.

    Raises
    ------
    UnknownName
        For a name that is no unit, with the near match.

    Examples
    --------
    >>> unit("ratio").text(1.25)
    '1.25'
    """
    try:
        return UNITS[name]
    except KeyError:
        raise UnknownName("unit", name, UNITS) from None
