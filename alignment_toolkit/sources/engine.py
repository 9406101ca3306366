"""The engine: ibis on DuckDB; a query's SQL is written once for all companies of a process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import ibis.expr.operations as ops
from ibis.backends.duckdb import Backend

from alignment_toolkit.sources.part import quoted

if TYPE_CHECKING:
    from ibis.expr.schema import Schema
    from ibis.expr.types import Expr, Table

__all__ = ["MOST_QUERIES", "DuckDB", "bare", "connect", "rows_hash"]

MOST_QUERIES: Final = 512
T = TypeVar("T")


class _Latest(Generic[T]):
    """The latest results, by what they follow from."""

    def __init__(self) -> None:
        self._known: OrderedDict[Any, T] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Any) -> T | None:
        with self._lock:
            if (known := self._known.get(key)) is not None:
                self._known.move_to_end(key)
            return known

    def put(self, key: Any, result: T) -> None:
        with self._lock:
            self._known[key] = result
            if len(self._known) > MOST_QUERIES:
                self._known.popitem(last=False)

    def __len__(self) -> int:
        return len(self._known)


def bare(op: ops.Node) -> ops.Node | None:
    """Give an expression that names no connection, so that it can be kept; None where rows in memory are in it.

    It equals the one it was made from, and that of another company whose tables have the same names and columns.
    """
    tables = op.find(ops.PhysicalTable)
    if any(type(table) is not ops.DatabaseTable for table in tables):
        return None
    return op.replace({table: table.copy(source=_NOWHERE) for table in tables})


class DuckDB(Backend):  # type: ignore[misc]  # ibis has no types of its own
    """DuckDB as ibis knows it, but a query that was written before is not written again.

    A query's SQL follows from its expression alone: names, columns with their types, and literals. Expressions are
    compared whole, never by their hash only (-1 and -2 have the same). The kept ones name no connection, so that a
    company which nobody holds any more is freed.
    """

    def compile(self, expr: Expr, /, **options: Any) -> str:
        """Give an expression's SQL."""
        if any(options.values()):
            return str(super().compile(expr, **options))
        op = expr.as_table().op()
        sql = WRITTEN.get(op)
        if sql is None:
            sql = str(super().compile(expr))
            key = bare(op)
            if key is not None:
                WRITTEN.put(key, sql)
        return sql

    def keep(self, name: str, make: Callable[[], Table], follows_from: Hashable) -> Table:
        """Compute a table and keep it in the engine, under a name, until the connection ends.

        Parameters
        ----------
        name
            Its name.
        make
            Builds it, where none of this name that follows from the same was built before.
        follows_from
            All that decides how it is built.
        """
        known = BUILT.get((name, follows_from))
        if known is None:
            made = make()
            known = made.schema(), self.compile(made)
            if bare(made.op()) is not None:
                BUILT.put((name, follows_from), known)
        schema, sql = known
        kept = self.create_table(name, schema=schema, temp=True)
        columns = ", ".join(map(quoted, schema.names))
        self.con.execute(f"INSERT INTO temp.main.{quoted(name)} ({columns}) {sql}")
        return kept


_NOWHERE: Final = DuckDB()
WRITTEN: Final[_Latest[str]] = _Latest()
BUILT: Final[_Latest[tuple[Schema, str]]] = _Latest()


def connect() -> DuckDB:
    """Connect to a new database in memory."""
    made: DuckDB = _NOWHERE.connect()
    return made


def rows_hash(engine: Any, table: str, columns: Iterable[str]) -> str:
    """Give a table's name, columns, number of rows and an order-free hash of its cells."""
    names = sorted(columns)
    # Control characters part the cells and stand for missing ones. A sum does not know the order of its terms.
    cells = ", ".join(f"coalesce(CAST({quoted(c)} AS VARCHAR), chr(30))" for c in names)
    count, low, high = engine.execute(
        "SELECT count(*), coalesce(sum(CAST(h & 18446744073709551615::UHUGEINT AS HUGEINT)), 0),"
        " coalesce(sum(CAST(h >> 64 AS HUGEINT)), 0)"
        f" FROM (SELECT md5_number(concat_ws(chr(31), {cells})) AS h FROM {quoted(table)})"
    ).fetchone()
    return f"{table}|{','.join(names)}|{count}|{low}|{high}"
