"""Periods that were missed: the machine was off, the data came late, the schedule was not there yet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from alignment_toolkit.errors import DataError, ParameterError, UnknownName
from alignment_toolkit.periods import Period, last_complete
from alignment_toolkit.runs.beside import folder_of, newest
from alignment_toolkit.runs.places import slug
from alignment_toolkit.runs.planning import WHOLE, first_day, require_data

if TYPE_CHECKING:
    from alignment_toolkit.company import Company

__all__ = ["EVERY", "MOST", "Missed", "missed", "published_periods"]

EVERY: Final = ("day", "week", "month", "quarter", "year", "fiscal-quarter", "fiscal-year")
MOST: Final = 200
ROWS: Final = 5  # Of periods without data so many rows are named.


@dataclass(frozen=True)
class Missed:
    """The periods to run, the oldest first, and those without any data, which are left out.

    `begins` is the first day of the data, `last` the last period that is complete, and `early` says that the first
    period that was asked for comes after it.
    """

    every: str
    periods: tuple[Period, ...]
    empty: tuple[Period, ...] = ()
    begins: date | None = None
    last: Period | None = None
    early: bool = False

    def said(self, since: str | None, until: date | None) -> str | None:
        """Say in a sentence what is not run, and why; None where nothing is left out."""
        kind = self.every.replace("-", " ")
        if self.early:
            ends = f" (the data goes to {until})" if until is not None else ""
            return f"--since '{since}' lies after the last complete {kind}, {self.last}{ends}: nothing is missed."
        if not self.empty:
            return None
        rows = _in_rows(self.empty)
        named = [str(row[0]) if len(row) == 1 else f"{row[0]} to {row[-1]}" for row in rows[:ROWS]]
        more = sum(map(len, rows[ROWS:]))
        many = f" {len(self.empty)} {kind}s:" if len(self.empty) > 1 else ""
        begins = f" (the data begins {self.begins})" if self.begins is not None else ""
        return (
            f"no data in{many} {', '.join(named)}{f' and {more} more' if more else ''}{begins}; "
            f"nothing is run for {'them' if len(self.empty) > 1 else 'it'}."
        )


def _in_rows(periods: Sequence[Period]) -> list[list[Period]]:
    """Put periods that follow each other together."""
    rows: list[list[Period]] = []
    for period in periods:
        if rows and rows[-1][-1].end == period.start:
            rows[-1].append(period)
        else:
            rows.append([period])
    return rows


def missed(
    company: Company,
    out: str | Path,
    notebook: str,
    *,
    part: str = WHOLE,
    every: str | None = None,
    since: str | None = None,
) -> Missed:
    """Give the periods without a published run, from the first one that was run to the last one that is complete.

    Parameters
    ----------
    company
        The company, or the part of it that is run.
    out
        The root of the reports.
    notebook, part
        Whose runs: the notebook's name, and the slice's.
    every
        day, week, month, quarter, year, fiscal-quarter or fiscal-year; by default the kind of the newest run.
    since
        The first period; by default the first that was run. Without a run it is the last one that is complete.

    Raises
    ------
    ParameterError
        For a kind that is none, for a period of another kind, and for more than `MOST` periods.
    DataError
        Where no table has a date.
    """
    if every is not None and every not in EVERY:
        raise UnknownName("kind of period", every, EVERY, where="for --every")
    if company.as_of is None:
        raise DataError(f"{company.name} has no dated rows, so no period of it is complete.")
    there = published_periods(company, out, notebook, part)
    first = company.settings.period(since, as_of=company.as_of) if since else None
    kind: Any = every or (first.kind if first else there[-1].kind if there else "quarter")
    if every and first is not None and first.kind != every and first.kind in EVERY:
        raise ParameterError(
            f"--since '{since}' is a {first.kind}, and --every asks for each {every}. Give the first {every} instead, "
            f"or leave --every out."
        )
    if kind not in EVERY or (first is not None and first.kind != kind):
        named = f"'{since}'" if since else f"The newest run, of {there[-1].label},"
        kinds = ", ".join(EVERY)
        raise ParameterError(f"{named} is not one of a row of periods. Name the kind by --every: {kinds}.")
    own = [p for p in there if p.kind == kind]
    fiscal = company.settings.company
    last = last_complete(
        company.as_of,
        kind,
        fiscal_year_starts=fiscal.fiscal_year_starts,
        fiscal_year_names=fiscal.fiscal_year_names,
    )
    begin = first or (own[0] if own else last)
    begins = first_day(company)
    wanted: list[Period] = []
    here, full = last, 0
    while here.start >= begin.start:
        wanted.append(here)
        full += begins is None or here.end > begins
        if full > MOST:
            raise ParameterError(
                f"More than {MOST} periods lie between {begin} and {last}. Name a later --since."
            )
        if here.start == begin.start:
            break
        here = here.previous()
    done = {p.label for p in own}
    left = [p for p in reversed(wanted) if p.label not in done]
    # Before the first day there is nothing to ask for.
    empty = [p for p in left if (begins is not None and p.end <= begins) or not _has_data(company, p)]
    without = set(empty)
    kept = tuple(p for p in left if p not in without)
    return Missed(kind, kept, tuple(empty), begins, last, first is not None and first.start > last.start)


def _has_data(company: Company, period: Period) -> bool:
    try:
        require_data(company, period)
    except DataError:
        return False
    return True


def published_periods(company: Company, out: str | Path, notebook: str, part: str = WHOLE) -> list[Period]:
    """Give the periods that have a published run of a notebook and slice, the oldest first."""
    found: list[Period] = []
    own = folder_of(company, part)
    for folder in sorted((Path(out) / slug(notebook)).glob("*")):
        run = newest(folder, part, own) if folder.is_dir() else None
        if run is None:
            continue
        try:
            label = json.loads((run / "manifest.json").read_text(encoding="utf-8"))["period"]
            found.append(company.settings.period(label, as_of=company.as_of))
        except (OSError, ValueError, KeyError, ParameterError):
            continue
    return sorted(found, key=lambda p: (p.end, p.start))
