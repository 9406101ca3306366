"""The period that somebody probably meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

__all__ = ["near_period"]

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SPOKEN = {"quarter": "q", "quartal": "q", "qtr": "q", "week": "w", "kw": "w", "cw": "w", "wk": "w"}
_DASHES = dict.fromkeys((8208, 8209, 8210, 8211, 8212, 8722), "-")
_YEAR = r"(?P<y>[0-9]{4}|[0-9]{2})"
_LONG = r"(?P<y>[0-9]{4})"
# What is written after separators became dashes, spoken words letters and month names numbers.
_SHAPES: tuple[tuple[str, str], ...] = (
    (rf"fy-?{_LONG}-(?P<next>[0-9]{{2}}|[0-9]{{4}})", "FY"),
    (rf"fy-?{_YEAR}", "FY"),
    (rf"{_YEAR}-?fy", "FY"),
    (rf"fy-?{_YEAR}-?q?-?(?P<n>[0-9]{{1,2}})", "FYQ"),
    (rf"q-?(?P<n>[0-9]{{1,2}})-?fy-?{_YEAR}", "FYQ"),
    (rf"{_YEAR}-?q-?(?P<n>[0-9]{{1,2}})", "Q"),
    (rf"{_YEAR}-?(?P<n>[0-9])-?q", "Q"),
    (rf"q-?(?P<n>[0-9]{{1,2}})-?{_YEAR}", "Q"),
    (rf"(?P<n>[0-9])-?q-?{_YEAR}", "Q"),
    (rf"{_YEAR}-?w-?(?P<n>[0-9]{{1,2}})", "W"),
    (rf"w-?(?P<n>[0-9]{{1,2}})-?{_YEAR}", "W"),
    (rf"{_LONG}-?m?-?(?P<n>[0-9]{{1,2}})", "M"),
    (rf"m?-?(?P<n>[0-9]{{1,2}})-{_LONG}", "M"),
)


def near_period(text: str, parses: Callable[[str], bool], shift: int) -> str | None:
    """Give the label nearest to a misspelt period, or None.

    Parameters
    ----------
    text
        What was written.
    parses
        Tells whether a candidate is a period; the first candidate that is one is given.
    shift
        1 where a fiscal year is named by its end and so by the second year of ``FY2025/26``.

    Examples
    --------
    >>> near_period("Q3 2026", lambda candidate: True, 0)
    '2026-Q3'
    """
    return next((candidate for candidate in _candidates(text, shift) if parses(candidate)), None)


def _candidates(text: str, shift: int) -> Iterator[str]:
    plain = text.strip().casefold().translate(_DASHES)
    days = re.findall(r"(?<![0-9])([0-9]{4})[-/. ]([0-9]{1,2})[-/. ]([0-9]{1,2})(?![0-9])", plain)
    if 1 <= len(days) <= 2:
        yield from _days([(int(y), int(m), int(d)) for y, m, d in days])
        return
    for spoken, letter in _SPOKEN.items():
        plain = re.sub(rf"(?<![a-z]){spoken}(?![a-z])", letter, plain)
    for number, name in enumerate(_MONTH_NAMES, start=1):
        plain = re.sub(rf"(?<![a-z]){name}[a-z]*", f"{number:02d}", plain)
    plain = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    for shape, kind in _SHAPES:
        found = re.fullmatch(shape, plain)
        if found:
            parts = found.groupdict()
            year = int(parts["y"]) + (2000 if len(parts["y"]) == 2 else 0)
            second = parts.get("next")
            if second:
                if int(second) % 100 != (year + 1) % 100:
                    continue
                year += shift
            yield from _named(kind, year, int(parts.get("n") or 0))


def _named(kind: str, year: int, number: int) -> Iterator[str]:
    """Give the label, with the number brought into its range; week 53 is tried before week 52."""
    if kind == "FY":
        yield f"FY{year:04d}"
    elif kind == "M":
        yield f"{year:04d}-{min(max(number, 1), 12):02d}"
    elif kind == "W":
        yield f"{year:04d}-W{min(max(number, 1), 53):02d}"
        yield f"{year:04d}-W52"
    else:
        yield f"{kind[:-1]}{year:04d}-Q{min(max(number, 1), 4)}"


def _days(days: list[tuple[int, int, int]]) -> Iterator[str]:
    ends = sorted((y, min(max(m, 1), 12), max(d, 1)) for y, m, d in days)
    for longest in (31, 30, 29, 28):
        yield "..".join(f"{y:04d}-{m:02d}-{min(d, longest):02d}" for y, m, d in ends)
