"""The daily numbers of a count: how the engine tells them, and how they are read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import ibis
import numpy as np

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value
    from numpy.typing import NDArray

__all__ = ["DAY", "days_of", "series", "told"]

DAY: Final = "_day"


def told(name: str) -> Callable[[Table], Value]:
    """Give the numbers of all days as one text, ``2026-01-31:4;2026-01-07:1``, in any order."""

    def make(t: Table) -> Value:
        one = t["_cluster"].cast("string") + ibis.literal(":") + t[name].cast("string")
        return one.group_concat(";", where=t[name] != 0)

    return make


def days_of(text: str | None) -> dict[date, float]:
    """Read what the engine told.

    Examples
    --------
    >>> days_of("2026-01-31:4;2026-01-07:1.5")[date(2026, 1, 7)]
    1.5
    """
    pairs = (part.split(":") for part in text.split(";")) if text else ()
    return {date.fromisoformat(on): float(number) for on, number in pairs}


@lru_cache(maxsize=64)
def series(told: str | None, first: date, last: date) -> NDArray[np.float64]:
    """Give the numbers of each day from the first to the last, those beyond too where there are any.

    No day at all where the last lies before the first: rows are known until then, and events begin later. Not to be
    written to: the pieces of one period share it.

    Examples
    --------
    >>> series("2026-01-02:3", date(2026, 1, 1), date(2026, 1, 4))
    array([0., 3., 0., 0.])
    >>> series(None, date(2026, 1, 4), date(2026, 1, 1))
    array([], dtype=float64)
    """
    days = days_of(told)
    first, last = min(first, *days, first), max(last, *days, last)
    found = np.zeros(max((last - first).days + 1, 0))
    for on, number in days.items():
        found[(on - first).days] = number
    found.flags.writeable = False
    return found
