"""The engine: ibis on DuckDB; a query's SQL is written once for all companies of a process."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from functools import lru_cache
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import ibis.expr.operations as ops
import pandas as pd
import sqlglot.expressions as sge
from ibis.backends.duckdb import Backend
from ibis.backends.sql.compilers.duckdb import DuckDBCompiler
from ibis.expr.types import Table
from ibis.formats.pandas import PandasData
from pyarrow.types import is_dictionary

from alignment_toolkit.sources import kept
from alignment_toolkit.sources.part import quoted
from alignment_toolkit.sources.shape import MARK, shape_of

if TYPE_CHECKING:
    from ibis.expr.datatypes import DataType
    from ibis.expr.schema import Schema
    from ibis.expr.types import Expr

    from alignment_toolkit.sources.shape import Shape

__all__ = ["MOST_QUERIES", "DuckDB", "connect", "rows_hash"]

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


@lru_cache(maxsize=256)
def _type(kind: DataType) -> str:
    return str(DuckDB.compiler.type_mapper.to_string(kind))


class _Compiler(DuckDBCompiler):  # type: ignore[misc]
    """Writes SQL as ibis does, but the number of a blank in place of what stands there."""

    __slots__ = ()

    def visit_Literal(self, op: ops.Literal, **kw: Any) -> Any:  # noqa: N802  # ibis names it so
        if (place := _BLANKS.get().get(op)) is not None:
            marked = sge.Anonymous(this=MARK, expressions=[sge.Literal.number(place)])
            return sge.Neg(this=marked) if op.dtype.is_floating() and op.value < 0 else marked
        within = _BLANKS.set({})  # what is inside of a list is no literal of the expression
        try:
            return super().visit_Literal(op, **kw)
        finally:
            _BLANKS.reset(within)

    def visit_DatabaseTable(self, op: ops.DatabaseTable, *, name: str, **kw: Any) -> Any:  # noqa: N802
        place = _BLANKS.get().get(op)
        return super().visit_DatabaseTable(op, name=name if place is None else f"{MARK}({place})", **kw)


_BLANKS: Final[ContextVar[Mapping[ops.Node, int]]] = ContextVar("blanks", default=MappingProxyType({}))
_MARKED: Final = re.compile(rf"{MARK}\((\d+)\)")


def _filled(sql: str, blanks: Sequence[ops.Literal | ops.DatabaseTable]) -> str:
    """Put into SQL what stands in its blanks."""

    def told(found: re.Match[str]) -> str:
        blank = blanks[int(found[1])]
        if isinstance(blank, ops.DatabaseTable):
            return str(blank.name).replace('"', '""')  # the quotation marks are there
        return _literal(blank.value, blank.dtype).removeprefix("-")  # the minus is there, too

    return _MARKED.sub(told, sql)


@lru_cache(maxsize=1024)
def _literal(value: Any, kind: DataType) -> str:
    op = ops.Literal(value, kind)
    return str(
        DuckDB.compiler.visit_Literal(op, value=value, dtype=kind).sql(dialect=DuckDB.compiler.dialect)
    )


class DuckDB(Backend):  # type: ignore[misc]  # ibis has no types of its own
    """DuckDB as ibis knows it, but a query that was written before is not written again.

    A query's SQL follows from its expression alone: names, columns with their types, and literals. It is known by the
    digest of all that the expression says (`shape_of`), in this process and in the user's cache. The known ones name no
    connection, so that a company which nobody holds any more is freed.
    """

    compiler = _Compiler()

    @property
    def works_alone(self) -> bool:
        """Whether the engine has no threads but the one that asks: only then does it work in a copy of the process."""
        return bool(self.con.execute("SELECT current_setting('threads')").fetchone() == (1,))

    def compile(self, expr: Expr, /, **options: Any) -> str:
        """Give an expression's SQL."""
        shape = None if any(options.values()) else shape_of(expr.as_table().op())
        return str(super().compile(expr, **options)) if shape is None else self._sql(expr, shape)

    def execute(self, expr: Expr, /, **options: Any) -> Any:
        """Give what ibis gives; a table of plain columns whose query is known takes the short way.

        ibis looks whether a table is a stream or holds places on a map, and goes over the columns twice. What
        `shape_of` tells is of tables in this database only.
        """
        plain = isinstance(expr, Table) and not any(kind.is_nested() for kind in expr.schema().types)
        shape = shape_of(expr.op()) if plain and not any(options.values()) else None
        if shape is None:
            return super().execute(expr, **options)
        # A relation (`con.sql`) is planned twice: once for its columns' types, once to run.
        found = self.con.execute(self._sql(expr, shape)).to_arrow_table()
        frame = pd.DataFrame(
            {
                name: c.to_pylist() if c.null_count or is_dictionary(c.type) else c.to_pandas()
                for name, c in zip(found.column_names, found.columns, strict=True)
            }
        )
        return PandasData.convert_table(frame, expr.schema())

    def _sql(self, expr: Expr, shape: Shape) -> str:
        """Give the SQL of an expression that says this."""
        sql = WRITTEN.get(shape.digest)
        if sql is None:
            sql = kept.get(shape.digest)
            if sql is None:
                marked = _BLANKS.set({blank: place for place, blank in enumerate(shape.blanks)})
                try:
                    sql = str(super().compile(expr))
                finally:
                    _BLANKS.reset(marked)
                kept.put(shape.digest, sql)
            WRITTEN.put(shape.digest, sql)
        return _filled(sql, shape.blanks)

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
