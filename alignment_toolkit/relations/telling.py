"""Why something is not there, in words: what a part of a company lacks though the whole has it, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alignment_toolkit.errors import AlignmentError, BeyondPart
from alignment_toolkit.languages import noted, say
from alignment_toolkit.sources.narrow import Step, undivided
from alignment_toolkit.tables import TABLES

__all__ = ["lacks", "partly", "untold", "why"]

noted("Not told by {dimension}: nothing in {tables} says to which {dimension} a row belongs.")
noted("Not told by {dimension}: what {tables} tell together belongs to no single {dimension}.")


def why(problem: Exception) -> str:
    """Say in one line what went wrong; the name of its kind only where the toolkit did not raise it on purpose.

    Examples
    --------
    >>> from alignment_toolkit.errors import DataError
    >>> why(ZeroDivisionError("no client")), why(DataError("leads.csv, row 7"))
    ('ZeroDivisionError: no client', 'leads.csv, row 7')
    """
    if isinstance(problem, BeyondPart):
        return say(problem.message, **problem.values)
    said = (str(problem).splitlines() or [""])[0]
    return said if isinstance(problem, AlignmentError) else f"{type(problem).__name__}: {said}".rstrip(": ")


def untold(company: Any, lacking: Iterable[str]) -> str | None:
    """Say why a part lacks tables that the whole company has; None where the whole lacks some of it too.

    Parameters
    ----------
    company
        The company, or a part of it.
    lacking
        What it lacks, as ``table.column``.
    """
    if not getattr(company, "steps", ()):
        return None
    names = [name for way in lacking for name in way.split(" ") if "." in name]
    asked = dict.fromkeys(tuple(name.split(".")[:2]) for name in names)
    gone = dict.fromkeys(table for table, column in asked if not company.has(table, column))
    if not gone or not all(company.whole.has(table, column) for table, column in asked):
        return None
    steps = [Step(d, v) for d, v in company.steps]
    by = {table: undivided(company.whole, table, company.whole.columns(table), steps) for table in gone}
    first = next((d for d in by.values() if d is not None), None)
    return None if first is None else why(BeyondPart(" and ".join(t for t in by if by[t] == first), first))


def lacks(company: Any, lacking: Sequence[str]) -> str:
    """Say what is needed and not there; of a part, why it can't have what the whole company has."""
    return untold(company, lacking) or say("needs {gone}", gone=", ".join(lacking))


def partly(company: Any, witnesses: Mapping[str, str], cases: Iterable[str] = ()) -> str | None:
    """Say where a part has some rows of a case and leaves out others that count; else None.

    Of an order in the South by a client of the North, the calls lie in the North: that is left out, too.

    Parameters
    ----------
    company
        The company, or a part of it.
    witnesses
        The tables and relations, and the key of each by which all rows of one case must come or go together.
    cases
        The tables and relations that those asked about come from; they must find the dimension where a witness does.
    """
    for table, key in witnesses.items():
        for dimension, value in getattr(company, "steps", ()):
            step, whole = Step(dimension, value), company.whole
            columns = _columns(whole, table)
            # Rows of one case name the same in the key, so that the first way decides where they are.
            path = next(iter(() if columns is None else step.ways(whole, table, columns)), None)
            if path is None:
                continue
            others = {n: _columns(whole, n) for n in cases if n not in witnesses}
            # Where a row finds the value: in another table by a key, or in its own.
            homes = {
                way.table or n
                for n, own in others.items()
                for way in (() if own is None else step.ways(whole, n, own))
            }
            apart = bool(homes - {path.table or table})
            if (path.key or path.column) != key or apart:
                return say(
                    "Not told by {dimension}: rows of {table} that belong to another {dimension}, or to none, would "
                    "be missed, and the answer would be another one.",
                    dimension=dimension.rpartition(".")[2].replace("_", " "),
                    table=table,
                )
    return None


def _columns(company: Any, name: str) -> Iterable[str] | None:
    if name in TABLES:
        return tuple(company.columns(name)) if name in company.tables else None
    return tuple(company.relation(name).columns)
