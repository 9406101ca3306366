"""By which dimensions a KPI is told, found without asking the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from alignment_toolkit.errors import ParameterError
from alignment_toolkit.kpi.kinds import RatioOfKpis
from alignment_toolkit.kpi.measuring import AnyKpi, _Question

if TYPE_CHECKING:
    from alignment_toolkit.kpi.reach import Measured
    from alignment_toolkit.periods import Period

__all__ = ["untold_by"]


def untold_by(
    company: Measured,
    kpi: AnyKpi,
    dimensions: Iterable[str],
    period: Period,
    *,
    catalogue: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Give the dimensions by which a KPI is not told, each with the reason that `measure` would give.

    Parameters
    ----------
    company, kpi, period, catalogue
        As for `measure`.
    dimensions
        Columns, or ``table.column``.

    Examples
    --------
    >>> from alignment_toolkit.catalog import Catalog
    >>> from alignment_toolkit.company import Company
    >>> from alignment_toolkit.periods import Period
    >>> company, kpis = Company.open("data/sample"), Catalog.load().kpis
    >>> list(untold_by(company, kpis["win-rate"], ["region", "outcome", "planet"], Period.parse("2026-Q3")))
    ['outcome', 'planet']
    """
    found: dict[str, str] = {}
    for dimension in dimensions:
        try:
            q = _Question.of(company, [kpi], period, (dimension,), None, (), catalogue, ask=False)
        except ParameterError as e:
            found[dimension] = str(e)
            continue
        sides = (kpi, *q.sides[id(kpi)]) if isinstance(kpi, RatioOfKpis) else (kpi,)
        stopped = [s for side in sides if isinstance(s := q.sheets.get(id(side)), str) and s]
        reason = next((q.lacking[id(side)] for side in sides if id(side) in q.lacking), None)
        if stopped or reason is not None:
            found[dimension] = reason or stopped[0]
    return found
