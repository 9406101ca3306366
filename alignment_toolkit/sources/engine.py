"""The engine: ibis on DuckDB, which writes each query's SQL once for all companies of a process."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import ibis.expr.operations as ops
from ibis.backends.duckdb import Backend

from alignment_toolkit.sources.part import quoted

if TYPE_CHECKING:
    from ibis.expr.types import Expr, Table

__all__ = ["MOST_QUERIES", "DuckDB", "connect"]

MOST_QUERIES: Final = 512


class _Written:
    """The SQL of the latest queries.

    A query's SQL follows from its expression alone: names, columns with their types, and literals. Expressions are
    compared whole, never by their hash only (-1 and -2 have the same). The kept ones name no connection, so that a
    company which nobody holds any more is freed.
    """

    def __init__(self) -> None:
        self._sql: OrderedDict[ops.Node, str] = OrderedDict()
        self._lock = Lock()

    def get(self, op: ops.Node) -> str | None:
        with self._lock:
            if (known := self._sql.get(op)) is not None:
                self._sql.move_to_end(op)
            return known

    def put(self, op: ops.Node, sql: str) -> None:
        tables = op.find(ops.PhysicalTable)
        if any(type(table) is not ops.DatabaseTable for table in tables):
            return  # rows in memory would be kept with it
        bare = op.replace({table: table.copy(source=_NOWHERE) for table in tables})
        with self._lock:
            self._sql[bare] = sql
            if len(self._sql) > MOST_QUERIES:
                self._sql.popitem(last=False)

    def __len__(self) -> int:
        return len(self._sql)


class DuckDB(Backend):  # type: ignore[misc]  # ibis has no types of its own
    """DuckDB as ibis knows it, but a query that was written before is not written again."""

    def compile(self, expr: Expr, /, **options: Any) -> str:
        """Give an expression's SQL."""
        if any(options.values()):
            return str(super().compile(expr, **options))
        op = expr.as_table().op()
        sql = WRITTEN.get(op)
        if sql is None:
            sql = str(super().compile(expr))
            WRITTEN.put(op, sql)
        return sql

    def keep(self, name: str, made: Table) -> Table:
        """Compute a table and keep it in the engine, under a name, until the connection ends."""
        kept = self.create_table(name, schema=made.schema(), temp=True)
        columns = ", ".join(quoted(c) for c in made.columns)
        self.con.execute(f"INSERT INTO temp.main.{quoted(name)} ({columns}) {self.compile(made)}")
        return kept


_NOWHERE: Final = DuckDB()
WRITTEN: Final = _Written()


def connect() -> DuckDB:
    """Connect to a new database in memory."""
    made: DuckDB = _NOWHERE.connect()
    return made
