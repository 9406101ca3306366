"""What moved a figure: the splits that a company's data allows, for one KPI or for a whole Analysis."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.company import Company
from alignment_toolkit.drivers import IDENTITIES, Refused, SplitChange, split_identity
from alignment_toolkit.drivers.interventions import TEAM_KPIS
from alignment_toolkit.drivers.interventions import after_interventions as studied
from alignment_toolkit.drivers.leads import new_clients_by_lead, quality_or_handling
from alignment_toolkit.drivers.measured import Measurements
from alignment_toolkit.drivers.products import revenue_by_product
from alignment_toolkit.drivers.slices import Slice, find_slices
from alignment_toolkit.errors import DataError, ParameterError, UnknownName, did_you_mean, names_given
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period, compare_periods, last_complete
from alignment_toolkit.relations.telling import why

__all__ = ["SPLIT", "after_interventions", "changes", "what_moved", "where_it_moved"]

Found: TypeAlias = "tuple[SplitChange, ...] | SplitChange | Refused"
MOST_SLICES: Final = 50
# How many periods to go back to one whose cases have come to their end.
BACK: Final = 4

_BY_SLICE: Final = {i.kpi: partial(split_identity, identity=i) for i in IDENTITIES}
# The KPI that is asked for, and what splits its change, in the order of telling.
_PLAN: Final[tuple[tuple[str, Callable[..., Found], bool], ...]] = (
    ("revenue", _BY_SLICE["revenue"], True),
    ("revenue", revenue_by_product, False),
    ("arpu", _BY_SLICE["arpu"], True),
    ("profit", _BY_SLICE["profit"], True),
    ("new-clients", new_clients_by_lead, False),
    ("lead-to-client", quality_or_handling, False),
    ("lead-to-client", _BY_SLICE["conversions"], True),
    ("cost-per-sale-cohort", _BY_SLICE["cost-per-sale-cohort"], True),
)
SPLIT: Final = tuple(dict.fromkeys(id for id, _, _ in _PLAN))
"""The KPIs whose change can be split into drivers."""
_BY_LOGARITHMS: Final[dict[Callable[..., Found], Callable[..., Found]]] = {
    **{f: partial(f, way="lmdi") for f in _BY_SLICE.values()},
    revenue_by_product: partial(revenue_by_product, way="lmdi"),
}


def what_moved(
    company: Company,
    kpi: str,
    period: str | Period | None = None,
    *,
    compare: str | Iterable[str | Period] | None = "previous",
    by: Sequence[str] = (),
    way: str = "shapley",
    catalog: Catalog | None = None,
) -> tuple[SplitChange, ...]:
    """Split the change of a KPI into drivers that add up to it, each with an interval and its owners.

    Parameters
    ----------
    company
        The company.
    kpi
        revenue, arpu, profit, new-clients, lead-to-client, or cost-per-sale-cohort.
    period
        By default the last quarter that is complete. Where its cases are too young, the last period is taken whose
        cases are old enough, and the one that lies as far before it.
    compare
        ``previous``, ``year-ago``, or periods.
    by
        Dimensions; the splits that can are given for every slice as well.
    way
        ``shapley``, or ``lmdi``: logarithmic means, for products (revenue, revenue per client, conversions) and for
        price, volume and mix. Both are exact; they weigh what changes together differently.
    catalog
        The catalogue, with a company's own KPIs.

    Returns
    -------
    tuple of SplitChange
        One for every way to split the change; each has a `frame`.

    Raises
    ------
    UnknownName
        For a KPI whose change is not split, with those that are.
    DataError
        Where the data does not allow any split, with the reasons.

    Examples
    --------
    >>> from alignment_toolkit.company import Company
    >>> company = Company.open("data/sample")
    >>> split = what_moved(company, "revenue", "2026-Q3")[0]
    >>> [part.driver for part in split.parts]
    ['active clients', 'orders per client', 'average order']
    >>> round(sum(part.value for part in split.parts) - split.total, 6)
    0.0
    """
    asked = str(kpi).replace("_", "-")
    if asked not in SPLIT:
        raise UnknownName("KPI whose change is split", kpi, SPLIT)
    if period is None and company.as_of is None:
        raise DataError(
            f"{company.name} has no dated rows, so there is no last complete quarter. Name a period."
        )
    now = company.settings.period(period, as_of=company.as_of) if period is not None else None
    now = now or last_complete(company.as_of, "quarter")  # type: ignore[arg-type]
    against = compare_periods(compare, now)
    if not against:
        raise ParameterError(
            "A change needs a period to compare with: previous, year-ago, or another period."
        )
    entries = (catalog or Catalog.load(company.settings)).kpis
    if way not in ("shapley", "lmdi"):
        raise ParameterError(
            f"There is no way '{way}' to split a change. {did_you_mean(way, ('shapley', 'lmdi'))}"
        )
    found, refused = _splits(company, [asked], now, against, entries, tuple(by), way=way)
    if not found:
        raise DataError(
            f"The change of {asked} is not split. {' '.join(dict.fromkeys(_said(r) for r in refused))}"
        )
    return tuple(found)


def where_it_moved(
    company: Company,
    kpi: str,
    period: str | Period | None = None,
    *,
    by: str | Sequence[str],
    compare: str | Period = "previous",
    depth: int = 3,
    most: int = 5,
    catalog: Catalog | None = None,
) -> tuple[Slice, ...]:
    """Find the few slices of a company that explain the change of a KPI best.

    Parameters
    ----------
    company, kpi, period, catalog
        As for `what_moved`; any KPI that is a sum or a ratio on one relation.
    by
        The dimensions to search: columns, or ``table.column``.
    compare
        One other period, or a word for it.
    depth, most
        How many dimensions a slice may name, and how many slices to tell.

    Returns
    -------
    tuple of Slice
        The slices that moved otherwise than the rest, the clearest first; empty where none stands out against the
        number of slices looked at.

    Raises
    ------
    DataError
        Where the two periods can't be compared, with the reason.

    Examples
    --------
    >>> from alignment_toolkit.company import Company
    >>> company = Company.open("data/sample")
    >>> [slice.by for slice in where_it_moved(company, "leads", "2026-Q2", by=["channel", "region"])]
    [{'channel': 'social'}, {'channel': 'email'}]
    """
    now = _period(company, period)
    against = compare_periods([compare] if isinstance(compare, Period) else compare, now)
    if len(against) != 1:
        raise ParameterError(
            "A search needs one period to compare with: previous, year-ago, or another period."
        )
    entries = (catalog or Catalog.load(company.settings)).kpis
    asked = str(kpi).replace("_", "-")
    if asked not in entries:
        raise UnknownName("KPI", kpi, entries)
    measured = Measurements(company, entries)
    found = find_slices(measured, asked, against[0], now, names_given(by, "by"), depth=depth, most=most)
    if isinstance(found, Refused):
        raise DataError(f"The slices of {asked} are not searched. {_said(found)}")
    return found


def after_interventions(
    company: Company,
    kpi: str,
    period: str | Period | None = None,
    *,
    weeks: int = 8,
    catalog: Catalog | None = None,
) -> tuple[SplitChange, ...]:
    """Compare a team's figure before and after ride-alongs, job swaps, joint projects and training with other teams'.

    Parameters
    ----------
    company, period, catalog
        As for `what_moved`; what was done in the year up to the period's end counts.
    kpi
        A share or mean whose cases belong to a person: win-rate, acceptance-rate, lead-to-client, average-deal ...
    weeks
        Weeks before and after, at least eight.

    Returns
    -------
    tuple of SplitChange
        One for each kind of intervention: the change of the teams with it, split into what the teams without did too
        and what lies beyond. `path` tells it by half windows; what stands before the event should hold 0. This is
        associational: the teams that take part are chosen, not drawn by lot.

    Raises
    ------
    UnknownName
        For a KPI that is not in the catalogue.
    DataError
        Where nothing was done, or the data does not allow a comparison, with the reasons.
    """
    now = _period(company, period)
    entries = (catalog or Catalog.load(company.settings)).kpis
    asked = str(kpi).replace("_", "-")
    if asked not in entries:
        raise UnknownName("KPI", kpi, entries)
    found = studied(company, entries[asked], now, weeks=weeks, catalogue=entries)
    splits = tuple(f for f in found if isinstance(f, SplitChange))
    if not splits:
        why = " ".join(dict.fromkeys(_said(f) for f in found if isinstance(f, Refused)))
        raise DataError(
            f"{company.name} has no intervention whose effect on {asked} can be judged. "
            f"{why or 'Nothing of the kind is in work or training in the year up to ' + now.label + '.'}"
        )
    return splits


def _period(company: Company, period: str | Period | None) -> Period:
    if period is not None:
        found: Period = company.settings.period(period, as_of=company.as_of)
        return found
    if company.as_of is None:
        raise DataError(
            f"{company.name} has no dated rows, so there is no last complete quarter. Name a period."
        )
    return last_complete(company.as_of, "quarter")


def changes(
    company: Company,
    kpis: Collection[str],
    now: Period,
    against: Sequence[Period],
    entries: Mapping[str, Any],
    *,
    by: Sequence[str] = (),
    warnings: list[str],
) -> tuple[SplitChange, ...]:
    """Split the changes of all these KPIs, as far as the data allows; what fails becomes a warning."""
    found, _ = _splits(company, kpis, now, against, entries, tuple(by), warnings)
    return (*found, *_interventions(company, kpis, now, entries, warnings))


def _interventions(
    company: Company, kpis: Collection[str], now: Period, entries: Mapping[str, Any], warnings: list[str]
) -> list[SplitChange]:
    found: list[SplitChange] = []
    refused: list[Refused] = []
    for id in TEAM_KPIS:
        if id not in kpis or id not in entries:
            continue
        try:
            made = studied(company, entries[id], now, catalogue=entries)
        except Exception as problem:  # one that fails never takes the rest down
            said = why(problem)
            warnings.append(
                say(
                    "What was done with teams could not be compared by {id}: {said}",
                    id=say(entries[id].title),
                    said=said,
                )
            )
            continue
        found += [m for m in made if isinstance(m, SplitChange)]
        refused += [m for m in made if isinstance(m, Refused)]
    by_reason: dict[str, list[str]] = {}
    for r in refused:
        by_reason.setdefault(r.reason, []).append(say(entries[r.kpi].title))
    warnings += [
        say("What was done with teams is not compared by {k}: {w}.", k="; ".join(dict.fromkeys(k)), w=w)
        for w, k in by_reason.items()
    ]
    return found


def _splits(
    company: Company,
    kpis: Collection[str],
    now: Period,
    against: Sequence[Period],
    entries: Mapping[str, Any],
    by: tuple[str, ...],
    warnings: list[str] | None = None,
    *,
    way: str = "shapley",
) -> tuple[list[SplitChange], list[Refused]]:
    measured = Measurements(company, entries)
    found: list[SplitChange] = []
    refused: list[Refused] = []
    for id, plain, sliced in _PLAN:
        if id not in kpis:
            continue
        split = plain if way == "shapley" else _BY_LOGARITHMS.get(plain)
        if split is None:
            continue
        for then in against:
            try:
                made = _old_enough(split, measured, then, now, by if sliced else ())
            except Exception as problem:  # one that fails never takes the rest down
                if warnings is None:
                    raise
                said = why(problem)
                warnings.append(
                    say(
                        "The change of {id} against {label} could not be split: {said}",
                        id=id,
                        label=then.label,
                        said=said,
                    )
                )
                continue
            if isinstance(made, Refused):
                refused.append(made)
                continue
            if len(made) > MOST_SLICES + 1:
                made = made[:1]
                if warnings is not None:
                    warnings.append(
                        say(
                            "The change of {id} is split in total only: more than {most_slices} slices.",
                            id=id,
                            most_slices=MOST_SLICES,
                        )
                    )
            found += made
    return found, refused


def _old_enough(
    split: Callable[..., Found], measured: Measurements, then: Period, now: Period, by: tuple[str, ...]
) -> tuple[SplitChange, ...] | Refused:
    """Split the change; where cases are too young, that of the last pair of periods in which they are not."""
    first: Refused | None = None
    for _ in range(BACK + 1):
        made = _once(split, measured, then, now, by)
        if not isinstance(made, Refused):
            return made if isinstance(made, tuple) else (made,)
        first = first or made
        if not made.young:
            return first
        if then == now.previous():
            now, then = then, then.previous()
        elif then == now.year_ago():
            now = now.previous()
            then = now.year_ago()
        else:
            return first
    return first or Refused("", "")


def _once(
    split: Callable[..., Found], measured: Measurements, then: Period, now: Period, by: tuple[str, ...]
) -> Found:
    if not by:
        return split(measured, then=then, now=now)
    try:
        return split(measured, then=then, now=now, by=by)
    except UnknownName:  # what the figure is made of does not have the dimension
        return split(measured, then=then, now=now)


def _said(refused: Refused) -> str:
    return f"{refused.reason[:1].upper()}{refused.reason[1:]}."
