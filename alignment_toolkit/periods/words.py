"""Periods by relative words (``last-quarter``, ``FY-1``) and the words of a comparison (``previous``)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Final

from alignment_toolkit.errors import PeriodError, did_you_mean
from alignment_toolkit.periods.period import FORMS, Kind, Period, YearNames

__all__ = ["RELATIVE", "compare_periods", "last_complete", "resolve"]

_UNITS: Final[dict[str, Kind]] = {
    "day": "day",
    "week": "week",
    "month": "month",
    "quarter": "quarter",
    "year": "year",
    "fiscal-quarter": "fiscal-quarter",
    "fiscal-year": "fiscal-year",
}
RELATIVE: Final[tuple[str, ...]] = (
    *(f"{word}-{unit}" for word in ("last", "this") for unit in _UNITS),
    "FY-1",
)


def last_complete(
    as_of: date, kind: Kind = "quarter", *, fiscal_year_starts: int = 1, fiscal_year_names: YearNames = "end"
) -> Period:
    """Give the last period of a kind that is complete at `as_of`, the last day for which data is complete.

    Examples
    --------
    >>> import datetime as dt
    >>> str(last_complete(dt.date(2026, 9, 30))), str(last_complete(dt.date(2026, 9, 29)))
    ('2026-Q3', '2026-Q2')
    """
    here = Period.of(as_of, kind, fiscal_year_starts=fiscal_year_starts, fiscal_year_names=fiscal_year_names)
    return here if here.last <= as_of else here.previous()


def resolve(
    text: str | int, as_of: date | None, *, fiscal_year_starts: int = 1, fiscal_year_names: YearNames = "end"
) -> Period:
    """Read a period or a relative word.

    ``last-month``, ``last-quarter`` ... are the last such period that is **complete** at `as_of`, and ``FY-1`` the
    last complete fiscal year, ``FY-2`` the one before. ``this-month`` ... hold `as_of`, complete or not. So on the
    last day of a quarter ``last-quarter`` and ``this-quarter`` are the same.

    Examples
    --------
    >>> import datetime as dt
    >>> str(resolve("last-month", dt.date(2026, 9, 29))), str(resolve("this-month", dt.date(2026, 9, 29)))
    ('2026-08', '2026-09')
    >>> str(resolve("FY-1", dt.date(2026, 9, 30), fiscal_year_starts=4))
    'FY2026'
    """
    text = _written(text)
    word = text.strip()
    back = re.fullmatch(r"FY-([1-9][0-9]?)", word)
    if word not in RELATIVE and not back:
        if not any(character.isdigit() for character in word):
            near = did_you_mean(word, RELATIVE, shown=len(RELATIVE))
            raise PeriodError(f"There is no period '{text}'. {near} A period is also written {FORMS}.")
        return Period.parse(text, fiscal_year_starts=fiscal_year_starts, fiscal_year_names=fiscal_year_names)
    if as_of is None:
        raise PeriodError(
            f"'{word}' counts from the last day with complete data, which is not known here. Name the period: {FORMS}."
        )
    which, _, unit = ("last", "-", "fiscal-year") if back else word.partition("-")
    kind = _UNITS[unit]
    if which == "this":
        return Period.of(
            as_of, kind, fiscal_year_starts=fiscal_year_starts, fiscal_year_names=fiscal_year_names
        )
    period = last_complete(
        as_of, kind, fiscal_year_starts=fiscal_year_starts, fiscal_year_names=fiscal_year_names
    )
    for _ in range(int(back.group(1)) - 1 if back else 0):
        period = period.previous()
    return period


def compare_periods(
    compare: str | int | Iterable[str | int | Period] | None, period: Period
) -> tuple[Period, ...]:
    """Give the periods that a period is compared with.

    Parameters
    ----------
    compare
        ``"previous"``, ``"year-ago"``, ``"none"`` (or None), or periods; several with commas or as a list.
    period
        The period itself; its fiscal calendar is used to read the others.

    Examples
    --------
    >>> [str(p) for p in compare_periods("previous,year-ago", Period.parse("2026-Q3"))]
    ['2026-Q2', '2025-Q3']
    >>> compare_periods("none", Period.parse("2026-Q3"))
    ()
    """
    if isinstance(compare, int):
        compare = _written(compare)
    wanted = compare.split(",") if isinstance(compare, str) else list(compare or ())
    words = [w if isinstance(w, Period) else _written(w).strip() for w in wanted]
    if words == ["none"]:
        return ()
    found: list[Period] = []
    for word in words:
        other = word if isinstance(word, Period) else _comparison(word, period)
        if (other.start, other.end) == (period.start, period.end):
            raise PeriodError(
                f"The period '{period}' can't be compared with itself. "
                "Write previous, year-ago, none or another period."
            )
        if other not in found:
            found.append(other)
    return tuple(found)


def _written(period: object) -> str:
    """Give a period's text; a year is a number where papermill, YAML or JSON has read it."""
    if isinstance(period, str):
        return period
    if isinstance(period, int) and not isinstance(period, bool):
        return str(period)
    raise PeriodError(f"{period!r} is no text, and so no period. A period is written {FORMS}.")


def _comparison(word: str, period: Period) -> Period:
    if word == "previous":
        return period.previous()
    if word == "year-ago":
        return period.year_ago()
    if word == "none":
        raise PeriodError("'none' stands alone: there is nothing else to compare with beside it.")
    if not any(character.isdigit() for character in word):
        near = did_you_mean(word, ("previous", "year-ago", "none"))
        raise PeriodError(f"There is no comparison '{word}'. {near} A period may stand there too: {FORMS}.")
    return Period.parse(
        word, fiscal_year_starts=period.fiscal_year_starts, fiscal_year_names=period.fiscal_year_names
    )
