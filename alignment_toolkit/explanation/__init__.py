"""`explain`: what a KPI or an indicator is, and where one number of it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.company import Company
from alignment_toolkit.errors import DataError, ParameterError
from alignment_toolkit.explanation.declared import declared, tables_of
from alignment_toolkit.explanation.of_analysis import loaded, of_analysis
from alignment_toolkit.explanation.told import Explanation, number_of, part_of
from alignment_toolkit.indicator import Indicator
from alignment_toolkit.kpi import Kpi, RatioOfKpis, measure
from alignment_toolkit.kpi.excluded import Rows, rows_of
from alignment_toolkit.periods import Period, last_complete
from alignment_toolkit.results import Analysis

__all__ = ["Explanation", "explain"]


def explain(
    id: str,
    source: Company | str | Path | None = None,
    period: str | Period | None = None,
    *,
    by: Mapping[str, Any] | None = None,
    analysis: Analysis | str | Path | None = None,
    catalog: Catalog | None = None,
) -> Explanation:
    """Explain a KPI or an indicator, and where one number of it comes from.

    Parameters
    ----------
    id
        A KPI or an indicator.
    source, period
        A company, or what `Company.open` takes, and a period (by default the last complete quarter): the KPI is
        measured, and its rows are counted by what became of them. Formula, owners and options are those of its
        settings.
    by
        One slice, values by dimension; None is the missing value.
    analysis
        An Analysis or its file: explains the number in it, without the data.
    catalog
        The catalogue; by default the built-in one with what packages and settings add.

    Returns
    -------
    Explanation
        Prints as text; ``to_json()`` gives it as data.

    Raises
    ------
    UnknownName
        For an id, a dimension or a slice that is not there, with the near match.
    ParameterError
        Where a company and an Analysis are given at once, or a number is asked of an indicator without an Analysis.

    Examples
    --------
    >>> explain("arpu").facts["owners"]
    {'marketing': 0.4, 'sales': 0.6}
    >>> told = explain("win-rate", "data/sample", "2026-Q3")
    >>> told.number["n"]
    '125 opportunities'
    >>> sum(r["rows"] for r in told.rows if r["of"] == "opportunities") == 2 * told.rows[0]["rows"]
    True
    """
    if source is not None and analysis is not None:
        raise ParameterError("Both a source and an Analysis are given: name the one that holds the number.")
    if analysis is not None:
        return of_analysis(id, loaded(analysis), dict(by or {}), catalog)
    company = None if source is None else source if isinstance(source, Company) else Company.open(source)
    catalog = catalog or Catalog.load(company.settings if company else None)
    if company is not None:
        catalog.check(company.settings)
    entry = catalog.get(id)
    told = declared(entry, catalog, company)
    if company is None:
        if by or period:
            raise ParameterError(
                f"A period or a slice of {entry.id} needs the data: name a source, or an Analysis that holds it."
            )
        return told
    if isinstance(entry, Indicator):
        raise ParameterError(
            f"{entry.id} is an indicator: analyse the company first, then explain its finding by the Analysis."
        )
    return _measured(told, entry, company, period, dict(by or {}), catalog)


def _measured(
    told: Explanation,
    kpi: Any,
    company: Company,
    period: str | Period | None,
    by: dict[str, Any],
    catalog: Catalog,
) -> Explanation:
    when = _period(company, period)
    rows = [r for r in measure(company, kpi, when, by=tuple(by), catalogue=catalog.kpis) if r.grain is None]
    row = part_of(rows, by, told.id)
    sides: tuple[Any, ...] = kpi.sides(catalog.kpis) if isinstance(kpi, RatioOfKpis) else (kpi,)
    sorted_: list[Mapping[str, Any]] = []
    for side in (s for s in sides if isinstance(s, Kpi)):
        if side.missing(company):
            continue
        one = row
        if isinstance(kpi, RatioOfKpis):
            parts = measure(company, side, when, by=tuple(by), catalogue=catalog.kpis, spread=False)
            one = part_of([r for r in parts if r.grain is None], by, side.id, missing=row)
        named = dict(one.by) if one.by else by
        sorted_ += _rows(rows_of(company, side, when, one, named))
    sorted_ += _refused(company, sides)
    number = number_of(row, company.currency, n_unit=_unit_of(sides))
    if when.last > (until := company.as_of or when.last):
        number["not over"] = f"the data is complete until {until}"
    return Explanation(told.id, told.kind, told.title, told.facts, number, tuple(sorted_))


def _unit_of(sides: Sequence[Any]) -> str:
    return str(getattr(sides[-1], "n_unit", "") or "") if sides else ""


def _period(company: Company, period: str | Period | None) -> Period:
    if isinstance(period, Period):
        return period
    if period:
        return company.settings.period(period, as_of=company.as_of)
    if company.as_of is None:
        raise DataError(
            f"{company.name} has no dated rows, so there is no last complete quarter. Name a period."
        )
    return last_complete(company.as_of, "quarter")


def _rows(found: Rows) -> list[dict[str, Any]]:
    rows = [{"of": found.relation, "what": "rows there are", "rows": found.all, "counted": None}]
    rows += [
        {"of": found.relation, "what": what, "rows": n, "counted": False} for what, n in found.left.items()
    ]
    what = f"counted ({found.unit})"
    if found.without_client:
        what += f", {found.without_client:,} of them without account"
    return [*rows, {"of": found.relation, "what": what, "rows": found.counted, "counted": True}]


def _refused(company: Company, sides: Sequence[Any]) -> list[dict[str, Any]]:
    """Give the rows that were refused on reading, of every table that the KPI comes from."""
    tables = [t for side in sides for t in tables_of(side)]
    found = []
    for quality in company.quality:
        if quality.table in tables and quality.rejected:
            codes = sorted(
                {
                    p.code.replace("_", " ")
                    for p in company.problems
                    if p.table == quality.table and p.level == "error"
                }
            )
            why = f" ({', '.join(codes)})" if codes else ""
            found.append(
                {
                    "of": f"table {quality.table}",
                    "what": f"refused on reading{why}",
                    "rows": quality.rejected,
                    "counted": False,
                }
            )
    return found
