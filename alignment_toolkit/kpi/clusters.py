"""Sums of two periods by cluster: what a change is judged by, since a cluster that comes again is one and the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alignment_toolkit.kpi.cells import Ask
from alignment_toolkit.kpi.cube import Cube, Part
from alignment_toolkit.kpi.dimensions import attach, dimension_column, home_of
from alignment_toolkit.kpi.judged import asked_of, rows_in
from alignment_toolkit.kpi.kinds import Kpi, call
from alignment_toolkit.kpi.reach import Measured
from alignment_toolkit.periods import Period
from alignment_toolkit.results import clean_value

if TYPE_CHECKING:
    from ibis.expr.types import Table

__all__ = ["ClusterSums", "cluster_sums", "rows_of"]

# Only so many different clusters are brought from the engine; more say nothing more about an interval.
MOST = 500_000


@dataclass(frozen=True)
class ClusterSums:
    """How many clusters bring what.

    Attributes
    ----------
    slices
        The slice of each row: a value per dimension.
    sums
        A row per kind of cluster; a column per KPI's top and bottom in the first period, then the same of the second.
    weights
        How many clusters bring just these sums.
    """

    slices: tuple[tuple[Any, ...], ...]
    sums: NDArray[np.float64]
    weights: NDArray[np.float64]

    def of(self, by: Sequence[Any]) -> ClusterSums:
        """Give those of one slice."""
        wanted = np.array([s == tuple(by) for s in self.slices], dtype=bool)
        kept = tuple(s for s in self.slices if s == tuple(by))
        return ClusterSums(kept, self.sums[wanted], self.weights[wanted])


def rows_of(
    company: Measured, kpis: Sequence[Kpi], then: Period, now: Period, by: Sequence[str] = ()
) -> tuple[Table, list[Ask]]:
    """Give the rows of both periods of the KPIs' relation, exactly those that `measure` adds up.

    Added are ``part`` (0 then, 1 now), a column per dimension (`dimension_column`) and the two that name the cluster,
    ``_cluster`` and ``_alone`` (none where each row stands alone).
    """
    first = kpis[0]
    asks = [asked_of(company, k, i) for i, k in enumerate(kpis)]
    t = attach(company, first.relation, rows_in(company, first), by)
    cap = company.as_of_of(())
    parts = (Part(then, cap=cap), Part(now, cap=cap))
    cube = Cube(t, first.date, asks, parts, len(by), home=home_of(first.relation, company)[-1], spread=False)
    rows = cube._rows
    keys = [c for c in (first.cluster, first.alone) if c is not None and c in rows.columns]
    if len(keys) == 2:
        cluster, alone = keys
        rows = rows.mutate(_alone=rows[cluster].isnull().ifelse(rows[alone], None), _cluster=rows[cluster])
    elif keys:
        rows = rows.mutate(_cluster=rows[keys[0]], _alone=rows[keys[0]])
    return rows, asks


def cluster_sums(
    company: Measured, kpis: Sequence[Kpi], then: Period, now: Period, by: Sequence[str] = ()
) -> ClusterSums:
    """Give the sums of both periods by cluster, in the whole (`by` empty) or by slice.

    Parameters
    ----------
    company
        The company.
    kpis
        KPIs of one relation, date and cluster.
    then, now
        The two periods.
    by
        Dimensions; every slice stands for itself.

    Raises
    ------
    TooManyRows
        Where more different clusters than a person's machine should hold would have to come.
    """
    rows, asks = rows_of(company, kpis, then, now, by)
    dims = [dimension_column(i) for i in range(len(by))]
    made: dict[str, Any] = {}
    for a in asks:
        for role, aggregate in (("top", a.kpi.top), ("bottom", a.kpi.bottom)):
            if aggregate is not None:
                made[f"{role}_{a.number}"] = call(aggregate, rows, a.terms)
    level = rows.group_by(["part", *dims, "_cluster", "_alone"]).aggregate(**made)
    sides = {
        f"{name}_{side}": level[name].sum(where=level.part == side).cast("float64").fill_null(0.0)
        for side in (0, 1)
        for name in made
    }
    wide = level.group_by([*dims, "_cluster", "_alone"]).aggregate(**sides)
    alike = wide.group_by([*dims, *sides]).aggregate(weight=wide.count())
    frame = company.fetch(alike, limit=MOST)
    frame = frame.sort_values([*sides, "weight"], kind="stable", ignore_index=True)
    slices = [tuple(clean_value(v) for v in row) for row in frame[dims].to_numpy(dtype=object)]
    return ClusterSums(
        tuple(slices), frame[list(sides)].to_numpy(dtype=float), frame["weight"].to_numpy(dtype=float)
    )
