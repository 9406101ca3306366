from __future__ import annotations

import math

import pytest

from alignment_toolkit.errors import UnknownName
from alignment_toolkit.units import UNITS, unit


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("share", 0.105, "10.5 %"),
        ("share", 0.0, "0.0 %"),
        ("share", -0.0001, "0.0 %"),
        ("points", 2.0, "2.00 points"),
        ("count", 1234, "1,234"),
        ("count", 12.5, "12.5"),
        ("days", 14, "14.0 days"),
        ("hours", 1.25, "1.2 hours"),
        ("months", 3, "3.0 months"),
        ("ratio", 1.005, "1.00"),
        ("index", 0.5, "0.50"),
        ("share", None, "not available"),
        ("share", math.nan, "not available"),
        ("money", math.inf, "not available"),
    ],
)
def test_text(name: str, value: float | None, said: str) -> None:
    assert unit(name).text(value) == said


@pytest.mark.parametrize(
    ("value", "currency", "said"),
    [
        (803.86, "BRL", "R$803.86"),
        (676851.48, "BRL", "R$676,851"),
        (-12.5, "EUR", "-€12.50"),
        (-0.001, "EUR", "-€0.001"),  # nothing would be left of it
        (0.0149, "EUR", "€0.015"),
        (0.05, "EUR", "€0.05"),
        (-0.00001, "EUR", "€0.00"),
        (1234.6, "JPY", "¥1,235"),
        (250.4, "JPY", "¥250"),
        (7.25, "JPY", "¥7.25"),
        (12.5, "CHF", "CHF 12.50"),
        (12.5, "SEK", "SEK 12.50"),
        (12.5, "XXX", "¤12.50"),  # ISO 4217: no currency named
        (12.5, None, "12.50"),
    ],
)
def test_money_carries_its_currency(value: float, currency: str | None, said: str) -> None:
    assert unit("money").text(value, currency=currency) == said


def test_an_interval_needs_both_ends() -> None:
    assert unit("share").interval(0.1, 0.2) == "10.0 % to 20.0 %"
    assert unit("share").interval(None, 0.2) == ""


def test_the_contracts_units_are_all_there() -> None:
    assert set(UNITS) == {"share", "points", "money", "count", "days", "hours", "months", "ratio", "index"}
    assert all(u.axis(currency="EUR") for u in UNITS.values())


def test_an_unknown_unit_names_the_near_match() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'share'"):
        unit("shares")
