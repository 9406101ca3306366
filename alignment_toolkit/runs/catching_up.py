"""Periods that were missed: the machine was off, the data came late, the schedule was not there yet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from alignment_toolkit.errors import DataError, ParameterError, UnknownName
from alignment_toolkit.periods import Period, last_complete
from alignment_toolkit.runs.places import latest, slug
from alignment_toolkit.runs.planning import WHOLE, require_data

if TYPE_CHECKING:
    from alignment_toolkit.company import Company

__all__ = ["EVERY", "MOST", "Missed", "missed", "published_periods"]

EVERY: Final = ("day", "week", "month", "quarter", "year", "fiscal-quarter", "fiscal-year")
MOST: Final = 200


@dataclass(frozen=True)
class Missed:
    """The periods to run, the oldest first, and those without any data, which are left out."""

    every: str
    periods: tuple[Period, ...]
    empty: tuple[Period, ...] = ()


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
    wanted: list[Period] = []
    here = last
    while here.start >= begin.start:
        wanted.append(here)
        if len(wanted) > MOST:
            raise ParameterError(
                f"More than {MOST} periods lie between {begin} and {last}. Name a later --since."
            )
        here = here.previous()
    done = {p.label for p in own}
    left = [p for p in reversed(wanted) if p.label not in done]
    empty = [p for p in left if not _has_data(company, p)]
    return Missed(kind, tuple(p for p in left if p not in empty), tuple(empty))


def _has_data(company: Company, period: Period) -> bool:
    try:
        require_data(company, period)
    except DataError:
        return False
    return True


def published_periods(company: Company, out: str | Path, notebook: str, part: str = WHOLE) -> list[Period]:
    """Give the periods that have a published run of a notebook and slice, the oldest first."""
    found: list[Period] = []
    for folder in sorted((Path(out) / slug(notebook)).glob("*")):
        run = latest(folder / slug(part)) if folder.is_dir() else None
        if run is None:
            continue
        try:
            label = json.loads((run / "manifest.json").read_text(encoding="utf-8"))["period"]
            found.append(company.settings.period(label, as_of=company.as_of))
        except (OSError, ValueError, KeyError, ParameterError):
            continue
    return sorted(found, key=lambda p: (p.end, p.start))
