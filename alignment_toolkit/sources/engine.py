"""The engine: ibis on DuckDB; a query's SQL is written once for all companies of a process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import ibis.expr.operations as ops
from ibis.backends.duckdb import Backend
from ibis.common.graph import Node

from alignment_toolkit.sources.part import quoted

if TYPE_CHECKING:
    from ibis.expr.datatypes import DataType
    from ibis.expr.schema import Schema
    from ibis.expr.types import Expr, Table

__all__ = ["MOST_QUERIES", "DuckDB", "connect", "rows_hash", "shape_of"]

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


def shape_of(op: ops.Node) -> tuple[Any, ...] | None:
    """Give all that an expression says, without the connection; None where rows in memory are in it.

    Two that are equal are written alike, those of two companies too whose tables have the same names and columns. It is
    flat: each node once, with the places of its parts, so that it is made, hashed and compared in one walk.
    """
    places: dict[Node, int] = {}
    said: list[tuple[Any, ...]] = []

    def told(value: Any) -> Any:
        if isinstance(value, Node):
            return Node, places[value]  # marked, so that it is no number of the query
        if isinstance(value, (tuple, list)):
            return tuple(map(told, value))
        if isinstance(value, dict):
            return tuple((told(k), told(v)) for k, v in value.items())
        return value

    waiting: list[tuple[Node, bool]] = [(op, False)]
    while waiting:
        node, parts_told = waiting.pop()
        if node in places:
            continue
        if not parts_told:
            waiting.append((node, True))
            waiting += [(part, False) for part in node.__children__]
            continue
        if isinstance(node, ops.PhysicalTable):
            if type(node) is not ops.DatabaseTable:
                return None
            said.append((type(node), node.name, node.schema, node.namespace))
        else:
            said.append((type(node), *map(told, node.__args__)))
        places[node] = len(places)
    return tuple(said)


@lru_cache(maxsize=256)
def _type(kind: DataType) -> str:
    return str(DuckDB.compiler.type_mapper.to_string(kind))


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
        shape = shape_of(expr.as_table().op())
        sql = WRITTEN.get(shape) if shape is not None else None
        if sql is None:
            sql = str(super().compile(expr))
            if shape is not None:
                WRITTEN.put(shape, sql)
        return sql

    def store(self, name: str, t: Table) -> Table:
        """Compute a table and keep it in the engine until the connection ends, in place of what had its name."""
        self._run_pre_execute_hooks(t)
        return self._store(name, t.schema(), self.compile(t))

    def keep(self, name: str, make: Callable[[], Table], follows_from: Hashable) -> Table:
        """Give what `store` gives, but build the table only where none that follows from the same was built before.

        Parameters
        ----------
        name
            Its name.
        make
            Builds it, from tables of the engine.
        follows_from
            All that decides how it is built.
        """
        known = BUILT.get((name, follows_from))
        if known is None:
            made = make()
            known = made.schema(), self.compile(made)
            if shape_of(made.op()) is not None:
                BUILT.put((name, follows_from), known)
        return self._store(name, *known)

    def _store(self, name: str, schema: Schema, sql: str) -> Table:
        place = f"temp.main.{quoted(name)}"
        columns = ", ".join(f"{quoted(c)} {_type(kind)}" for c, kind in schema.items())
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE {place} ({columns})")
        self.con.execute(f"INSERT INTO {place} ({', '.join(map(quoted, schema.names))}) {sql}")
        at = ops.Namespace(catalog="temp", database="main")
        return ops.DatabaseTable(name, schema=schema, source=self, namespace=at).to_expr()


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
