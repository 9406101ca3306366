"""KPIs of single rows: waits, medians and models, which no sums can carry; rows that are alike are counted together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import ibis
import pandas as pd

from alignment_toolkit.kpi.cells import Ask
from alignment_toolkit.kpi.cube import Answer, By, Cube, _piece_of
from alignment_toolkit.kpi.kinds import Kpi, Terms
from alignment_toolkit.results import Estimate, clean_value

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

__all__ = ["Found", "KpiOfRows", "RowCube"]

COUNT: Final = "count"
CLUSTER: Final = "cluster"
_KEPT: Final = "_kept"


@dataclass(frozen=True)
class Found:
    """What a statistic says of rows: an Estimate, or why there is none.

    Attributes
    ----------
    estimate
        Value, interval, n and method.
    reason
        Why there is no value; where it is empty and there is none, the method says it.
    censored
        Rows that were not seen long enough to say when, or whether, their event comes.
    note
        What the method says beside.
    """

    estimate: Estimate
    reason: str | None = None
    censored: int = 0
    note: str = ""


def _every_row(t: Table, terms: Terms) -> Value:
    return ibis.literal(True)


def _nothing(rows: pd.DataFrame, terms: Terms) -> Found:
    raise NotImplementedError("a KpiOfRows needs a statistic")


@dataclass(frozen=True, repr=False)
class KpiOfRows(Kpi):
    """A KPI that is a statistic of single rows (a median, Kaplan-Meier, a cure model), and no quotient of sums.

    `top` counts the rows, and nothing else of it is used. What reaches pandas is one row per slice, stretch of time,
    cluster and distinct values of `columns`, with their `count` and `cluster`.

    Attributes
    ----------
    columns
        What the statistic needs of each row, by name: ``lambda t, terms: {"days": ...}``.
    where
        The rows that count.
    left
        The rows that are left out and told (`left_out_words`).
    statistic
        From these rows and the terms to a `Found`; it accepts no rows.
    waits
        The outcome takes time: nothing is said where no table tells how far it goes, and what began before the first
        recorded outcome is never compared.
    """

    columns: Callable[[Table, Terms], Mapping[str, Value]] = lambda t, terms: {}
    where: Callable[[Table, Terms], Value] = _every_row
    left: Callable[[Table, Terms], Value] | None = None
    statistic: Callable[[pd.DataFrame, Terms], Found] = _nothing
    waits: bool = False

    @property
    def takes_time(self) -> bool:
        """Say whether the outcome comes after the row's date."""
        return self.waits


class RowCube(Cube):
    """The query for the rows of KPIs that share relation, columns and conditions, and its answer."""

    def answer(self, frame: pd.DataFrame) -> Answer:
        """Read what the engine gave; the cells hold rows in an order of their own, so that theirs does not matter."""
        names = [str(c) for c in frame.columns]
        facts = {}
        for row in frame[frame["what"] == "facts"].to_dict("records"):
            facts = {str(k): (None if pd.isna(v) else v) for k, v in row.items()}
        rows = frame[frame["what"] == "rows"].drop(columns=["what", *[c for c in names if c in ("begins",)]])
        own = [c for c in rows.columns if c not in (*self.dims, "part", "piece")]
        rows = rows.sort_values(own, kind="stable", na_position="last").reset_index(drop=True)
        cells: dict[tuple[int, By, int | None], dict[str, Any]] = {}
        for (part, by, piece), found in self._cells(rows):
            kept = found[found[_KEPT].astype(bool)]
            cells[part, by, piece] = {
                "rows": kept[[c for c in own if c != _KEPT]].reset_index(drop=True),
                "left_out": int(found[COUNT].sum() - kept[COUNT].sum()),
            }
        for ask in self.asks:
            self.names |= {(ask.number, role): role for role in ("rows", "left_out")}
        return Answer(self, facts, cells)

    def _cells(self, rows: pd.DataFrame) -> Iterator[tuple[tuple[int, By, int | None], pd.DataFrame]]:
        for part, asked in enumerate(self.parts):
            mine = rows[rows["part"] == part] if "part" in rows.columns else rows
            slices: list[tuple[By, pd.DataFrame]] = [(None, mine)]
            if self.dims:
                grouped = mine.groupby(self.dims, dropna=False, sort=False)
                slices += [(tuple(map(_value, key)), found) for key, found in grouped]
            for by, found in slices:
                yield (part, by, None), found
                if asked.pieces:
                    place = {first: _piece_of(first, asked) for first in found["piece"].unique()}
                    numbers = found["piece"].map(place)
                    for number in range(len(asked.pieces)):
                        yield (part, by, number), found[numbers == number]

    def no_rows(self) -> pd.DataFrame:
        """Give what a cell without rows holds: the columns."""
        return pd.DataFrame(columns=[*self.query.schema()])

    def _groups(self) -> list[tuple[str | None, str | None, list[Ask]]]:
        return [(None, None, list(self.asks))]

    def _sums(self, asks: Any, cluster: str | None, alone: str | None, prefix: str) -> Iterator[Table]:
        kpi, terms = asks[0].kpi, asks[0].terms
        t = self._rows
        kept = kpi.where(t, terms).fill_null(False)
        told = kept if kpi.left is None else kept | kpi.left(t, terms).fill_null(False)
        columns = dict(kpi.columns(t, terms))
        named = [c for c in (kpi.cluster, kpi.alone) if c is not None and c in t.columns]
        if len(named) > 1:
            columns[CLUSTER] = (
                t[named[0]]
                .isnull()
                .ifelse(ibis.literal("1").concat(t[named[1]]), ibis.literal("0").concat(t[named[0]]))
            )
        elif named:
            columns[CLUSTER] = t[named[0]]
        keys = [*(["part"] if len(self.parts) > 1 else []), *self.dims]
        keys += ["piece"] if self.parts[0].pieces else []
        t = t.mutate(**columns, **{_KEPT: kept}).filter(told)
        if CLUSTER in columns:
            # Numbers instead of names: they are what a statistic needs, and far smaller.
            t = t.mutate(**{CLUSTER: ibis.dense_rank().over(order_by=t[CLUSTER]).cast("int64")})
        names = [*keys, *columns, _KEPT]
        yield (
            t.group_by(names).aggregate(**{COUNT: t.count().cast("int64")}).mutate(what=ibis.literal("rows"))
        )


def _value(value: Any) -> Any:
    return None if value is None or value is pd.NaT or value != value else clean_value(value)
