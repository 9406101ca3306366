"""Which slices explain a change best: the search on a company's data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from alignment_toolkit import brief
from alignment_toolkit.drivers.measured import Measurements, Refused, comparable
from alignment_toolkit.errors import ParameterError, TooManyRows
from alignment_toolkit.kpi import Kpi
from alignment_toolkit.kpi.clusters import MOST, rows_of
from alignment_toolkit.kpi.dimensions import dimension_column
from alignment_toolkit.kpi.judged import not_asked
from alignment_toolkit.kpi.kinds import call
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import clean_value
from alignment_toolkit.statistics.slice_search import search_slices

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Slice", "find_slices"]

# Values of a dimension beyond the most frequent are looked at together.
VALUES: Final = 12
OTHER: Final = "(other)"


@dataclass(frozen=True)
class Slice:
    """A slice that moved otherwise than the rest; `p` and the interval know of all the slices looked at."""

    by: Mapping[str, Any]
    effect: float
    low: float
    high: float
    p: float
    n: int
    looks: int
    unit: str

    __repr__ = brief.where


def find_slices(
    measured: Measurements,
    kpi: str,
    then: Period,
    now: Period,
    dimensions: Sequence[str],
    *,
    depth: int = 3,
    most: int = 5,
) -> tuple[Slice, ...] | Refused:
    """Find the few slices that explain the change of a KPI best.

    The effect of a slice is what it added to the change beyond the rest: for a sum, what it has now less what it would
    have had it grown as the rest did; for a ratio, the change less the change without the slice. Nothing is found where
    no slice stands out against the number of slices looked at. Associational: a slice is where, not why.

    Parameters
    ----------
    measured
        What is measured of a company.
    kpi
        A KPI that is a sum or a ratio on one relation.
    then, now
        The periods.
    dimensions
        Columns, or ``table.column``; the twelve most frequent values of each, and the others together.
    depth, most
        How many dimensions a slice may name, and how many slices to tell.

    Raises
    ------
    ParameterError
        For a KPI that is booked or is made of two, without dimensions, or with more slices than can be looked at.
    """
    found = measured.catalogue.get(kpi)
    if not isinstance(found, Kpi) or found.interval == "exact" or found.lookback:
        raise ParameterError(
            f"{kpi} has no slices to search: a KPI is needed that is a sum or a ratio on one relation, not one that "
            "is booked or made of two."
        )
    if not dimensions:
        raise ParameterError("Name at least one dimension to search, such as region or channel.")
    both = comparable(measured, [found], then, now, kpi)
    if isinstance(both, Refused):
        return both
    reason = not_asked(measured.company, found, dimensions)
    if reason is not None:
        return Refused(kpi, reason)
    try:
        frame, weighted = _rows(measured, found, then, now, dimensions)
    except TooManyRows:
        return Refused(
            kpi, say("too many clusters for a search; narrow the company or name fewer dimensions")
        )
    codes, values = _coded(frame, len(dimensions))
    if not len(frame):
        return Refused(kpi, say("no rows in either period"))
    cells, cell = np.unique(codes, axis=0, return_inverse=True)
    numbers = np.zeros((len(frame), 4))
    side = frame["part"].to_numpy(dtype=int)
    numbers[np.arange(len(frame)), 2 * side] = 1.0 if weighted else frame["top"]
    numbers[np.arange(len(frame)), 2 * side + 1] = frame["bottom"]
    clusters = np.arange(len(frame)) if weighted else frame["cluster"].to_numpy()
    try:
        slices = search_slices(
            cells, clusters, cell.ravel(), numbers, ratio=found.bottom is not None,
            weights=frame["top"] if weighted else None, depth=depth, most=most,
            seed=f"slices.{kpi}.{then.label}.{now.label}",
        )  # fmt: skip
    except ValueError as problem:
        raise ParameterError(f"{kpi}: {problem}.") from problem
    points = found.unit == "share"
    scale = 100.0 if points else 1.0
    return tuple(
        Slice(
            {dimensions[d]: values[d][v] for d, v in s.members},
            scale * s.effect,
            scale * s.low,
            scale * s.high,
            s.p,
            s.n,
            s.looks,
            "points" if points else found.unit,
        )
        for s in slices
    )


def _rows(
    measured: Measurements, kpi: Kpi, then: Period, now: Period, dimensions: Sequence[str]
) -> tuple[pd.DataFrame, bool]:
    """Give tops and bottoms by period, cell and cluster; where every row stands alone, by period and cell."""
    rows, asks = rows_of(measured.company, [kpi], then, now, dimensions)
    dims = [dimension_column(i) for i in range(len(dimensions))]
    weighted = "_cluster" not in rows.columns
    keys = ["part", *dims, *([] if weighted else ["_cluster", "_alone"])]
    bottom = kpi.bottom or kpi.top
    made = rows.group_by(keys).aggregate(
        top=call(kpi.top, rows, asks[0].terms).cast("float64"),
        bottom=call(bottom, rows, asks[0].terms).cast("float64"),
    )
    made = made.filter((made.top != 0) | (made.bottom != 0))
    frame = measured.company.fetch(made, limit=MOST)
    if not weighted:
        frame["cluster"] = [f"{a}\x1f{b}" for a, b in zip(frame["_cluster"], frame["_alone"], strict=True)]
    return frame.fillna({"top": 0.0, "bottom": 0.0}), weighted


def _coded(frame: pd.DataFrame, count: int) -> tuple[Any, list[list[Any]]]:
    """Number the values of every dimension, the most frequent first."""
    codes, values = [], []
    for i in range(count):
        column = [clean_value(v) for v in frame[dimension_column(i)]]
        often: dict[Any, int] = {}
        for v in column:
            often[v] = often.get(v, 0) + 1
        known = sorted(often, key=lambda v: (-often[v], v is None, str(v)))
        kept = known[:VALUES]
        place = {v: n for n, v in enumerate(kept)}
        codes.append([place.get(v, len(kept)) for v in column])
        values.append([*kept, OTHER])
    return np.array(codes, dtype=int).reshape(count, len(frame)).T, values
