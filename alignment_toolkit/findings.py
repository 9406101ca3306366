"""All indicators over one company: each alone, then those that are out of line again in its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.company import Company
from alignment_toolkit.errors import AlignmentError, MissingTable
from alignment_toolkit.indicator import Indicator, Look
from alignment_toolkit.indicator.outcomes import chosen_by_outcome
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.progress import step
from alignment_toolkit.pseudonyms import Pseudonyms
from alignment_toolkit.relations import RELATIONS
from alignment_toolkit.relations.telling import partly, why
from alignment_toolkit.results import Finding, KpiValue
from alignment_toolkit.sources.narrow import combinations
from alignment_toolkit.sources.relate import named_by
from alignment_toolkit.tables import TABLES
from alignment_toolkit.verdict import (
    FALSE_DISCOVERY_RATE,
    Part,
    by_area,
    slice_level,
    slice_verdicts,
    verdicts,
)

__all__ = ["MOST_SLICES", "Found", "find"]

MOST_SLICES: Final = 24
Measuring = Callable[[Company, str, Period], KpiValue | None]


@dataclass(frozen=True)
class Found:
    """The findings of an Analysis, what was left out of the slices, and how they were judged."""

    findings: tuple[Finding, ...]
    warnings: tuple[str, ...] = ()
    about: Mapping[str, Any] | None = None


def find(
    company: Company,
    indicators: Sequence[Indicator],
    period: Period,
    *,
    catalog: Catalog,
    measured: Measuring,
    by: Sequence[str] = (),
    hidden: Pseudonyms | None = None,
) -> Found:
    """Look with every indicator, judge all of them together, then look at the parts where that says something.

    Parameters
    ----------
    company, period
        What is looked at, and when.
    indicators
        Those to look with.
    catalog
        Knows the KPIs that indicators ask for.
    measured
        Measures one KPI of a company, or of a part of it; None where it cannot be.
    by
        Dimensions; indicators that are misaligned in the whole company are looked at again in each combination of their
        values, at most `MOST_SLICES`, those with the most rows.
    hidden
        Hides the names of people and clients.
    """
    first = first_day(company) if any(i.window == "history" for i in indicators) else None
    looks = []
    for number, i in enumerate(indicators):
        step("questions", number + 1, len(indicators))
        looks.append(look_at(company, i, period, first, measured))

    def revenue(window: Period) -> float | None:
        row = measured(company, "revenue", window) if "revenue" in catalog.kpis else None
        return row.value if row else None

    whole = verdicts(looks, revenue=revenue, pseudonyms=hidden)
    out = {f.indicator for f in whole if f.status == "misaligned"}
    again = [i for i in indicators if i.id in out]
    if not by or not again:
        return Found(whole)
    parts, left = _combinations(company, again, by)
    warnings = []
    if left:
        told = say("the {most_slices} with the most rows", most_slices=MOST_SLICES)
        warnings.append(
            say(
                "findings by {by}: {left} more slices were not looked at, only {told}",
                by=", ".join(by),
                left=left,
                told=told,
            )
        )
    seen: dict[str, list[Part]] = {i.id: [] for i in again}
    narrow: dict[str, Company] = {}
    whose = {d: named_by(d, company.has) for d in by}
    for combination in parts:
        part = company
        for dimension, value in zip(by, combination, strict=True):
            part = part.narrowed(dimension, value)
        shown = {d: hidden.shown(v, whose[d]) if hidden else v for d, v in zip(by, combination, strict=True)}
        narrow[_key(shown)] = part
        for indicator in again:
            look = look_at(part, indicator, period, first, measured)
            # A part without a single row of what is asked for is no part of this question.
            if look.seen is None or look.seen.gap.estimate.n or look.seen.withheld:
                seen[indicator.id].append(Part(shown, look))

    def sold(by: Mapping[str, Any], window: Period) -> float | None:
        row = measured(narrow[_key(by)], "revenue", window) if "revenue" in catalog.kpis else None
        return row.value if row else None

    slices = slice_verdicts(whole, seen, revenue=sold, pseudonyms=hidden)
    about = {
        "by": list(by),
        "looked at": say(
            "slices: {parts}, for each indicator out of line in the whole company: {again}",
            parts=len(parts),
            again=len(again),
        ),
        "false discovery rate": slice_level(whole),
        "method": (
            say(
                "Benjamini and Bogomolov (2014): {false_discovery_rate:g} times the share of the company's "
                "tests that were out of line; gaps drawn towards the company's level by empirical Bayes",
                false_discovery_rate=FALSE_DISCOVERY_RATE,
            )
        ),
        "left out": left,
    }
    return Found(by_area([*whole, *slices]), tuple(warnings), about)


def look_at(
    company: Company, indicator: Indicator, period: Period, first: date | None, measured: Measuring
) -> Look:
    """Look once; whatever goes wrong, in the KPIs that it asks for too, is this indicator's error alone."""
    options = company.settings.indicator_options(indicator.id)
    beyond = _beyond(company, indicator)
    if beyond:
        margin, chosen = indicator.configured(options)
        return Look(indicator, margin, period, period, chosen, beyond=beyond)
    try:
        asked = {id: row for id in indicator.kpis if (row := measured(company, id, period)) is not None}
        return indicator.look(company, period, options=options, first=first, measured=asked)
    except Exception as problem:
        margin, chosen = indicator.configured(options)
        return Look(indicator, margin, period, period, chosen, error=why(problem))


def _beyond(company: Company, indicator: Indicator) -> str | None:
    """Say why a slice can't be asked: it lacks a relation, was chosen by the answer, or has a part of each case."""
    if not company.steps or indicator.missing(company):
        return None
    for name in indicator.relations:
        try:
            indicator.sight(company).relation(name)
        except MissingTable as e:
            return why(e)
    cases = [c for c in (*indicator.needs, *indicator.relations) if c not in indicator.looked_up]
    others = [t for choice in indicator.any_of for t in choice if t not in indicator.looked_up]
    by_answer = chosen_by_outcome(company, indicator.outcomes, dict.fromkeys([*cases, *others]))
    return by_answer or partly(company, indicator.witnesses, cases)


# Who and what there is, dated by when it came to be, often long before anything was recorded of it; and exchange rates.
_STANDING: Final = ("people", "accounts", "contacts", "products", "rates")


def first_day(company: Company, *, events: bool = False) -> date | None:
    """Give the earliest day on which anything was recorded: a client of 2019 is no event that the data tells of.

    With `events` only of what happened and was paid: plans and lists may lie in any year, and one date that the
    settings give to all rows of a table is no day on which anything happened.
    """
    days = []
    told = [t for t in company.tables if t not in _STANDING]
    if events:
        dated = [t for t in told if t not in company.undated]
        told = [t for t in dated if TABLES[t].event_columns or t in ("spend", "results")]
    for table in told:
        column = TABLES[table].date
        if column and company.has(table, column):
            t = company[table]
            days += [
                d
                for d in company.fetch(t.aggregate(first=t[column].min().cast("date")))["first"]
                if d == d and d
            ]
    return min((d.date() if hasattr(d, "date") else d for d in days), default=None)


def begins_after(company: Company, period: Period) -> dict[str, str]:
    """Give the first day on which anything happened on record, where the period begins well before it."""
    first = first_day(company, events=True)
    early = 0 if first is None else (first - period.start).days
    return {"from": str(first)} if early > max(7, period.days // 10) else {}


def _key(by: Mapping[str, Any]) -> str:
    return repr(sorted(by.items()))


def _combinations(
    company: Company, indicators: Sequence[Indicator], by: Sequence[str]
) -> tuple[list[tuple[Any, ...]], int]:
    """Give the combinations of values in the tables that these indicators stand on, and how many were left out."""
    tables: dict[str, None] = {}
    for i in indicators:
        tables.update(dict.fromkeys([*i.needs, *(t for choice in i.any_of for t in choice)]))
        for name in i.relations:
            stands = RELATIONS[name]
            tables.update(dict.fromkeys(t for group in (stands.needs, *stands.any_of) for t in group))
    rows: dict[tuple[Any, ...], int] = {}
    for table in tables:
        if table not in company.tables:
            continue
        try:
            counted = combinations(company, table, by)
        except AlignmentError:  # a table that this dimension does not reach has no part in it
            continue
        if counted is None:
            continue
        for *values, count in company.fetch(counted).itertuples(index=False):
            key = tuple(None if v is None or v != v else v for v in values)
            rows[key] = rows.get(key, 0) + int(count)
    ranked = sorted(rows, key=lambda k: (-rows[k], [str(v) for v in k]))
    chosen = sorted(ranked[:MOST_SLICES], key=lambda k: [(v is None, str(v)) for v in k])
    return chosen, len(ranked) - len(chosen)
