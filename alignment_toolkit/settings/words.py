"""The words that settings allow, and the small readers of single values."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any, Final

from pydantic_core import PydanticCustomError

from alignment_toolkit.errors import ParameterError, did_you_mean
from alignment_toolkit.languages import languages
from alignment_toolkit.periods import time_zone

__all__ = ["CHANNELS", "DEPARTMENTS", "MINUTES", "SOURCE_OPTIONS", "THOUSANDS", "WEEKDAYS", "same_id"]

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DEPARTMENTS: Final = ("marketing", "sales", "service", "operations", "company", "other")
# Minutes of one touch where the data has none; the channels are the words of touches.channel.
MINUTES: Final[Mapping[str, float]] = {
    "email": 5.0,
    "phone": 10.0,
    "meeting": 60.0,
    "visit": 120.0,
    "chat": 10.0,
    "web": 30.0,
    "event": 60.0,
    "social": 5.0,
    "mail": 5.0,
    "ad": 0.0,
}
CHANNELS: Final = tuple(MINUTES)
# Keys of [source] beside kind and url, by kind; a kind that is not here brings its own and checks them itself.
SOURCE_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "folder": ("path",),
    "duckdb": ("path", "schema"),
    "sql": ("schema",),
    "olist": ("path",),
}
_DATE_PARTS: Final = frozenset("aAbBcdfGHIjmMpSuUVwWxXyYzZ%")
THOUSANDS: Final = (".", ",", " ", "'", "’", "\u00a0", "\u202f")


def same_id(name: str) -> str:
    """Give the form in which ids with dashes and ids with underscores are the same.

    Examples
    --------
    >>> same_id("lead-to-client") == same_id("lead_to_client")
    True
    """
    return name.replace("-", "_")


def wrong(message: str) -> PydanticCustomError:
    """Make an error whose text is the whole sentence after the key's name."""
    return PydanticCustomError("setting", "{message}", {"message": message})


def currency(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", value):
        near = f" Did you mean '{value.upper()}'?" if re.fullmatch(r"[A-Za-z]{3}", value) else ""
        raise wrong(
            f"is '{value}'; it must be the three capital letters of a currency, as in EUR or USD.{near}"
        )
    return value


def zone(value: str) -> str:
    try:
        time_zone(value)
    except ParameterError as error:
        hint = str(error).partition("'. ")[2]
        raise wrong(f"is '{value}', which is no time zone. {hint}") from None
    return value


def plain_date(value: Any) -> Any:
    """Take a date, or its ISO text; a moment is none."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise wrong(f"is the text '{value}'; it must be a date, as in 2026-09-30.") from None
    if isinstance(value, datetime) or not isinstance(value, date):
        raise wrong(f"is {shown(value)}; it must be a date, as in 2026-09-30.")
    return value


def clock(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"[0-2][0-9]:[0-5][0-9]", value) and value < "24":
        return time.fromisoformat(value)
    if isinstance(value, time) and value.tzinfo is None:
        return value
    hint = " The latest is 23:59." if value in ("24:00", "00:00") else ""
    raise wrong(f'is {shown(value)}; it must be a time of day, as in "09:00".{hint}')


def weekday(value: Any) -> Any:
    if value not in WEEKDAYS:
        raise wrong(f"is {shown(value)}. {did_you_mean(str(value), WEEKDAYS)}")
    return value


def department(value: str) -> str:
    if value not in DEPARTMENTS:
        raise wrong(f"is no department. {did_you_mean(value, DEPARTMENTS)}")
    return value


def language(value: str) -> str:
    if value not in languages():
        raise wrong(f"is no language that has a file. {did_you_mean(value, languages())}")
    return value


def channel(value: str) -> str:
    if value not in CHANNELS:
        raise wrong(f"is no channel of a touch. {did_you_mean(value, CHANNELS)}")
    return value


def decimal(value: Any) -> Any:
    if value not in (".", ","):
        raise wrong(f"is {shown(value)}; it must be '.' or ','.")
    return value


def date_format(value: str) -> str:
    parts = re.findall(r"%(.?)", value.replace("%%", ""))
    bad = [part for part in parts if part not in _DATE_PARTS]
    if not parts or bad:
        what = f"'%{bad[0]}' is no part of a date" if bad else "it has no part that begins with %"
        raise wrong(f"is '{value}': {what}; it must be written as in '%d.%m.%Y' or '%Y-%m-%d %H:%M:%S'.")
    return value


def encoding(value: str) -> str:
    try:
        codecs.lookup(value)
    except LookupError:
        known = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1", "mac-roman")
        raise wrong(f"is '{value}', which is no encoding. {did_you_mean(value, known)}") from None
    return value


def thousands(value: str) -> str:
    if value not in THOUSANDS:
        raise wrong(f"is '{value}'; it must be one of . , ' and the space.")
    return value


def options(value: Any) -> Any:
    """Refuse what no result can carry: nan and infinities, at any depth."""
    if isinstance(value, float) and not math.isfinite(value):
        raise wrong(f"holds {value}; it must be a finite number.")
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inside:
        options(item)
    return value


def shown(value: Any) -> str:
    """Say in words what somebody wrote."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text '{value if len(value) <= 60 else value[:57] + '...'}'"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, (date, time)):
        return f"{'the date' if isinstance(value, date) else 'the time'} {value.isoformat()}"
    return (
        "a list" if isinstance(value, (list, tuple)) else "a table" if isinstance(value, dict) else str(value)
    )
