"""KPIs that look back: what each client bought in a period, beside what it bought in the period before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Final

import ibis

from alignment_toolkit.kpi.cells import Ask, Cells
from alignment_toolkit.kpi.cube import Cube
from alignment_toolkit.relations import day
from alignment_toolkit.relations.money import money_marks

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

__all__ = ["ClientPeriods"]


class ClientPeriods(Cube):
    """The query for KPIs that look back, and its answer: the rows are clients (accounts) instead of sales lines.

    A client of a slice is there once for each stretch of time that is asked for, with active_now, active_before,
    revenue_now and revenue_before. Every stretch has its own period before, so nothing is rolled up from finer ones.
    """

    def _groups(self) -> list[tuple[str | None, str | None, list[Ask]]]:
        return [("account_id", None, list(self.asks))]

    def _sums(
        self, asks: Sequence[Ask], cluster: str | None, alone: str | None, prefix: str
    ) -> Iterator[Table]:
        rows = self._both_stretches()
        for sliced in (False, True) if self.dims else (False,):
            keys = ["part", "piece", *(self.dims if sliced else ())]
            clients = _clients(rows, keys)
            cells = Cells(clients, prefix)
            outer: dict[str, Callable[[Table], Value]] = {}
            for ask in asks:
                self._declare(ask, cells, outer, clustered=True)
            level = clients.group_by([*keys, "account_id"]).aggregate(**cells.first(clients))
            sums = level.group_by(keys).aggregate(**{name: make(level) for name, make in outer.items()})
            yield sums.mutate(what=ibis.literal("sums"), sliced=ibis.literal(int(sliced), type="int64"))

    def _both_stretches(self) -> Table:
        """Give the lines of clients, once for each stretch that they lie in, now or in the period before."""
        found = []
        for number, part in enumerate(self.parts):
            for first, period in ((None, part.period), *((p.start, p) for p in part.pieces)):
                for now, stretch in ((True, period), (False, period.previous())):
                    last = min(stretch.last, part.cap) if part.cap is not None else stretch.last
                    found.append((number, first, now, stretch.start, last))
        stretches = _table(found)
        t = self.t.filter(self.t.account_id.notnull())
        marks = [c for c in ("currency", "unrated") if c in t.columns]
        t = t.select("account_id", "amount", *marks, *self.dims, bought_on=day(t[self.when]))
        return t.join(stretches, [t.bought_on >= stretches.first_day, t.bought_on <= stretches.last_day])


def _clients(t: Table, keys: Sequence[str]) -> Table:
    active = t.amount > 0
    nothing = ibis.literal(0).cast(t.amount.type())
    return t.group_by([*keys, "account_id"]).aggregate(
        active_now=(active & t.now).fill_null(False).ifelse(1, 0).max() > 0,
        active_before=(active & ~t.now).fill_null(False).ifelse(1, 0).max() > 0,
        revenue_now=t.now.ifelse(t.amount, nothing).sum(),
        revenue_before=t.now.ifelse(nothing, t.amount).sum(),
        **money_marks(t),
    )


_STRETCH: Final = {
    "part": "int64", "piece": "date", "now": "boolean", "first_day": "date", "last_day": "date"
}  # fmt: skip


def _table(rows: Sequence[tuple[int, date | None, bool, date, date]]) -> Table:
    return ibis.memtable(
        [dict(zip(_STRETCH, row, strict=True)) for row in rows], schema=ibis.schema(_STRETCH)
    )
