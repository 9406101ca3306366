"""What of the period the data does not reach: told on the first page, before any finding is read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from alignment_toolkit.languages import say
from alignment_toolkit.report import words
from alignment_toolkit.report.blocks import Block, Callout, data
from alignment_toolkit.results import Analysis

__all__ = ["short", "told"]


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None


def _ends(analysis: Analysis) -> tuple[date | None, date | None]:
    """Give the first day of the data where the period begins before it, the last where it ends after it."""
    start, end, last = _day(analysis.start), _day(analysis.to), _day(analysis.as_of)
    about = analysis.definitions.get("covered")
    first = _day(about.get("from")) if isinstance(about, Mapping) else None
    return (
        first if first and start and start < first else None,
        last if last and end and last < end else None,
    )


def _missing(analysis: Analysis) -> tuple[int, int]:
    """Give how many days of the period the data does not reach, and how many it has."""
    start, end = _day(analysis.start), _day(analysis.to)
    if start is None or end is None:
        return 0, 0
    first, last = _ends(analysis)
    days = (end - start).days + 1
    inside = (min(end, last or end) - max(start, first or start)).days + 1
    return days - max(0, inside), days


def short(analysis: Analysis) -> str:
    """Say it at the end of the line below the title; nothing where the data reaches all of the period."""
    gone, days = _missing(analysis)
    if not gone:
        return ""
    if gone == days:
        return say("; the data reaches no day of the period")
    return say("; the data does not reach {gone:,} of the {days:,} days of the period", gone=gone, days=days)


def told(analysis: Analysis) -> list[Block]:
    """Say it in a note that must not be overlooked, with what it means for the figures."""
    gone, days = _missing(analysis)
    if not gone:
        return []
    first, last = _ends(analysis)
    period = data(analysis.period)
    parts = []
    if first is not None:
        parts.append(say("The data begins on {day}.", day=words.day(str(first))))
    if last is not None:
        after = words.day(str(last + timedelta(days=1)))
        parts.append(
            say(
                "The data of all tables is complete until {day}; from {after} on it is not or only partly there.",
                day=words.day(str(last)),
                after=after,
            )
        )
    if gone == days:
        title = say("The data does not reach {period}", period=period)
        parts.append(
            say(
                "Figures of the period itself say nothing; what is judged below rests on other periods, as stands with"
                " each finding, or on plans."
            )
        )
    else:
        title = say("The data reaches a part of {period} only", period=period)
        parts.append(
            say("What happened on the other days is in no figure, so sums of the period are not whole.")
        )
    return [Callout(title, " ".join(parts))]
