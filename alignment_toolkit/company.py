"""Company: a company's canonical tables, bound to one engine; the one gate from the engine to pandas."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import ibis

from alignment_toolkit.errors import DataError, MissingColumn, MissingTable, Problem, TooManyRows, UnknownName
from alignment_toolkit.periods import Period, WorkingCalendar
from alignment_toolkit.relations import RELATIONS
from alignment_toolkit.relations.money import AMOUNTS, home_currency, in_own_currency, rates_of
from alignment_toolkit.results import DataQuality
from alignment_toolkit.settings import Settings
from alignment_toolkit.sources.engine import connect, rows_hash
from alignment_toolkit.sources.load import Loaded, load
from alignment_toolkit.sources.narrow import (
    Step,
    narrowed_table,
    owners_of_dimension,
    require_divided,
    undivided,
)
from alignment_toolkit.sources.opening import Opened, open_source, read_source
from alignment_toolkit.sources.part import literal, quoted
from alignment_toolkit.sources.relate import Facts, relate
from alignment_toolkit.sources.shape import shape_of
from alignment_toolkit.tables import TABLES

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import Expr, Table

    from alignment_toolkit.sources.engine import DuckDB

__all__ = ["Company"]

_DEFAULTS: Final[Mapping[str, Mapping[str, str]]] = {
    "olist": {"name": "Olist", "currency": "BRL", "timezone": "America/Sao_Paulo"}
}
_BYTES: Final = {"bytes": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


@dataclass(frozen=True)
class _Data:
    """What all slices of a company share."""

    backend: DuckDB
    engine: Any
    loaded: Loaded
    facts: Facts


class Company:
    """A company's canonical tables, bound to one engine.

    Opened with `Company.open`. Tables are ibis tables in canonical types: moments are naive in the company's zone,
    money is decimal, ids are text. What a company does not have is absent, with the reason.

    Attributes
    ----------
    settings
        The settings that hold.
    """

    def __init__(
        self,
        data: _Data,
        settings: Settings,
        as_of: date | None,
        steps: tuple[Step, ...] = (),
        root: Company | None = None,
    ) -> None:
        self._data = data
        self.settings = settings
        self._cap = as_of
        self._steps = steps
        self._root = root or self
        self._tables: dict[str, Table] = {}
        self._relations: dict[str, Table] = {}
        self._prints: dict[str, str] | None = None

    @classmethod
    def open(cls, source: str | Path | Settings, *, as_of: date | str | None = None) -> Company:
        """Open a company: a folder of canonical files, a .duckdb file, a database address or an alignment.toml.

        Parameters
        ----------
        source
            What to open. An alignment.toml in a folder is read. "sample" is the made-up company of the toolkit.
        as_of
            No day after this one counts as past; by default the setting, else the data itself says.

        Returns
        -------
        Company
            With all its problems in `problems`; tables that had to be refused are absent.

        Raises
        ------
        ParameterError
            If there is no such source.
        SettingsError
            If the settings are wrong, or name columns and files that are not there.
        DataError
            If nothing in the source can be used as a table.
        """
        opened = open_source(source)
        settings = _with_defaults(opened)
        cap = (date.fromisoformat(as_of) if isinstance(as_of, str) else as_of) or settings.company.as_of
        backend = connect()
        engine = backend.con
        engine.execute("SET TimeZone = 'UTC'")
        engine.execute("SET enable_progress_bar = false")
        engine.execute("SET autoinstall_known_extensions = false")
        engine.execute(
            f"SET temp_directory = {literal(str(Path(tempfile.gettempdir()) / 'alignment_toolkit.spill'))}"
        )
        parts = read_source(engine, Opened(opened.kind, opened.place, settings, opened.name))
        loaded = load(engine, parts, settings.company.timezone)
        facts = relate(engine, loaded, cap, settings.company.currency)
        for (name,) in engine.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall():
            engine.execute(f"DROP TABLE {quoted(name)}")
        return cls(_Data(backend, engine, loaded, facts), settings, cap)

    @property
    def name(self) -> str:
        """The company's name."""
        return self.settings.company.name

    @property
    def currency(self) -> str:
        """The company's currency."""
        return self.settings.company.currency

    @property
    def timezone(self) -> str:
        """The company's time zone, in which days begin and end."""
        return self.settings.company.timezone

    @property
    def calendar(self) -> WorkingCalendar:
        """The company's working hours."""
        return self.settings.working_calendar()

    @property
    def backend(self) -> DuckDB:
        """The ibis backend that the tables are bound to."""
        return self._data.backend

    @property
    def steps(self) -> tuple[tuple[str, Any], ...]:
        """The dimensions and values by which this company is narrowed; empty for the whole."""
        return tuple((s.dimension, s.value) for s in self._steps)

    @property
    def whole(self) -> Company:
        """The company before any narrowing."""
        return self._root

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """The tables that are there, in canonical order; in a slice those that can be narrowed."""
        present = self._data.loaded.tables
        return tuple(n for n in TABLES if n in present and self._undivided(n) is None)

    @property
    def undated(self) -> frozenset[str]:
        """Tables whose date is a constant of the mapping: no horizon, grain or comparison can be read from them."""
        return frozenset(n for n, t in self._data.loaded.tables.items() if t.undated)

    def columns(self, table: str) -> tuple[str, ...]:
        """Name the columns of a table that is there."""
        self._check_there(table)
        return self._data.loaded.tables[table].columns

    def has(self, table: str, *columns: str) -> bool:
        """Say whether a table and these columns of it are there."""
        return table in self.tables and set(columns) <= set(self._data.loaded.tables[table].columns)

    def missing(self, needs: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
        """Name the table.columns of `needs` that are not there; of an absent table all, or itself.

        Parameters
        ----------
        needs
            Table -> columns.
        """
        out: list[str] = []
        for table, columns in needs.items():
            there = self._data.loaded.tables[table].columns if table in self.tables else ()
            wanted = tuple(columns)
            out += [f"{table}.{c}" for c in wanted if c not in there]
            if not wanted and table not in self.tables:
                out.append(table)
        return tuple(out)

    def __getitem__(self, table: str) -> Table:
        """Give a table, narrowed as this company is.

        Raises
        ------
        MissingTable
            Names what is there and why this one is not.
        """
        self._check_there(table)
        if table not in self._tables:
            if not self._steps:
                self._tables[table] = self._in_own_currency(table)
            else:
                made = self._root[table]
                for step in self._steps:
                    made = narrowed_table(self._root, table, made, step)
                self._tables[table] = made
        return self._tables[table]

    def _in_own_currency(self, table: str) -> Table:
        """Bind a table; where any of its amounts is in another currency, they are turned into the company's own."""
        made = self._data.backend.table(table, database="main")
        if table not in AMOUNTS or "currency" not in made.columns:
            return made
        by = f"SELECT upper(currency), count(*) FROM {quoted(table)} WHERE currency IS NOT NULL GROUP BY ALL"
        home = home_currency(self.currency, dict(self._data.engine.execute(by).fetchall()))
        rates = rates_of(self) if home == self.currency else None
        return made if home is None else in_own_currency(made, table, rates, home)

    def cohort(self, table: str, period: Period | str, on: str | None = None) -> Table:
        """Filter one table by a period, half open, on its own date.

        Parameters
        ----------
        table
            The table.
        period
            The period, or its text.
        on
            Another date of the table; by default the one that dates its rows.
        """
        made = self[table]
        column = on or TABLES[table].date
        if column is None or column not in made.columns:
            raise MissingColumn(table, column or "(a date)", made.columns)
        span = self.settings.period(period, as_of=self.as_of)
        start: Any = span.start
        end: Any = span.end
        if made[column].type().is_timestamp():
            start, end = (ibis.timestamp(datetime.combine(d, time())) for d in (start, end))
        else:
            start, end = ibis.date(start), ibis.date(end)
        made = made.filter(made[column] >= start, made[column] < end)
        if "deleted_at" in made.columns and column != "deleted_at":
            made = made.filter(made.deleted_at.isnull() | (made[column] < made.deleted_at))
        return made

    def relation(self, name: str) -> Table:
        """Give a canonical table or a derived relation, which is computed on the whole company and then narrowed."""
        if name in TABLES:
            return self[name]
        if name not in RELATIONS:
            raise UnknownName("relation", name, [*RELATIONS, *TABLES])
        made, of = self._root._derived(name), RELATIONS[name].tables(self._root)
        for step in self._steps:
            made = narrowed_table(self._root, name, made, step, of)
        return made

    def _derived(self, name: str) -> Table:
        """Give a derived relation of the whole company, computed once and kept in the engine.

        Sales lines are a plain selection of a table that may be very large: they stay a view.
        """
        if name not in self._relations:
            for below in RELATIONS[name].stands_on:  # its SQL may be known, and name their tables
                if not RELATIONS[below].missing(self):
                    self._derived(below)
            build = partial(RELATIONS[name].build, self)
            keep = partial(self._data.backend.keep, f"relation {name}", build, self._shape)
            self._relations[name] = build() if name == "sales" else keep()
        return self._relations[name]

    @cached_property
    def _shape(self) -> tuple[Any, ...]:
        """All that decides how relations are built (`relations.Source`): tables, their columns, settings."""
        # A table with rows of this process in it is like no other.
        told = [(n, shape.apart if (shape := shape_of(self[n].op())) else object()) for n in self.tables]
        return (*told, self.settings.model_dump_json())

    def relation_columns(self, name: str) -> tuple[str, ...]:
        """Name the columns of a table or a relation."""
        return self.columns(name) if name in TABLES else tuple(self.relation(name).columns)

    def fetch(self, expr: Expr, *, limit: int = 2_000_000) -> pd.DataFrame:
        """Bring a result from the engine to pandas; nothing else does.

        Parameters
        ----------
        expr
            An ibis table, column or value.
        limit
            The most rows that may come.

        Raises
        ------
        TooManyRows
            If there are more; aggregate in the engine, or raise the limit.
        DataError
            If the engine refuses; the message carries its SQL.
        """
        table = expr if isinstance(expr, ibis.Table) else expr.as_table()
        try:
            frame: pd.DataFrame = self._data.backend.to_pandas(table.limit(limit + 1))
        except Exception as error:  # the engine's own errors, of many kinds
            raise DataError(f"The engine refused a query: {_first_line(error)}\n{_sql(table)}") from error
        if len(frame) > limit:
            raise TooManyRows(
                f"The query gives more than {limit:,} rows; aggregate in the engine or raise the limit.\n{_sql(table)}"
            )
        return frame

    def complete_until(self, table: str) -> date | None:
        """Give the last day for which a table is complete: the setting, else its latest past event; None if unknown."""
        if table not in self._data.loaded.tables:
            return None
        mapping = self.settings.tables.get(table)
        if mapping is not None and mapping.complete_until is not None:
            return mapping.complete_until
        return self._data.facts.complete_until.get(table)

    @contextmanager
    def frugal(self, mebibytes: int) -> Iterator[None]:
        """Keep the engine below so much memory meanwhile; what does not fit goes to its temporary files."""
        engine = self.backend.con
        (before,) = engine.execute("SELECT current_setting('memory_limit')").fetchone()
        number, unit = str(before).split()
        if float(number) * _BYTES[unit] <= mebibytes * _BYTES["MiB"]:
            yield
            return
        engine.execute(f"SET memory_limit = '{mebibytes}MiB'")
        try:
            yield
        finally:
            engine.execute(f"SET memory_limit = '{before}'")

    def as_of_of(self, tables: Iterable[str]) -> date | None:
        """Give the last day for which all these tables are complete, capped by `as_of`; None if unknown."""
        days = [d for d in map(self.complete_until, tables) if d is not None]
        if self._cap is not None:
            days.append(self._cap)
        return min(days, default=None)

    @property
    def as_of(self) -> date | None:
        """The last day for which all tables that know it are complete; never the clock."""
        return self.as_of_of(self._data.loaded.tables)

    def narrowed(self, dimension: str, value: Any) -> Company:
        """Give the company narrowed to one value of a dimension; None is where it is missing.

        Every table is narrowed that has the dimension itself or through a many-to-one key; the others are absent.

        Parameters
        ----------
        dimension
            A column, or table.column.
        value
            One of `values(dimension)`, or None.

        Raises
        ------
        UnknownName
            If no table has the dimension, or none of its rows the value.
        """
        if not owners_of_dimension(self._root, dimension):
            raise UnknownName("dimension", dimension, self._dimensions())
        if value is not None:
            known = self._root.values(dimension)
            folded = {str(k).strip().casefold(): k for k in reversed(known)}
            found = value if value in known else folded.get(str(value).strip().casefold())
            if found is None:
                raise UnknownName(f"value of {dimension}", str(value), map(str, known))
            value = found
        return Company(
            self._data, self.settings, self._cap, (*self._steps, Step(dimension, value)), self._root
        )

    def values(self, dimension: str) -> tuple[Any, ...]:
        """Give the observed values of a dimension, sorted; missing ones are left out."""
        found: set[Any] = set()
        for table, column in owners_of_dimension(self, dimension):
            name = quoted(column)
            if self._steps:
                made = self[table]
                found |= set(self.fetch(made.select(value=made[column]).distinct().drop_null()).value)
            else:
                query = f"SELECT DISTINCT {name} FROM {quoted(table)} WHERE {name} IS NOT NULL"
                found |= {row[0] for row in self._data.engine.execute(query).fetchall()}
        return tuple(sorted(found, key=lambda v: (str(type(v)), v)))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems found on opening: errors (a row or table was refused) and warnings."""
        return tuple(self._data.loaded.problems)

    @property
    def refused(self) -> dict[str, str]:
        """The tables that were refused as a whole, with the reason."""
        return dict(self._data.loaded.refused)

    @property
    def quality(self) -> tuple[DataQuality, ...]:
        """What each table brought: rows used and rejected, the share linked, the last complete day."""
        out = []
        for name in TABLES:
            table = self._data.loaded.tables.get(name)
            if table is not None:
                until = self.complete_until(name)
                linked = self._data.facts.linked.get(name)
                out.append(
                    DataQuality(name, table.used, table.refused, linked, until.isoformat() if until else None)
                )
        return tuple(out)

    def require_clean(self) -> None:
        """Refuse to go on where a whole table was refused.

        Raises
        ------
        DataError
            With all problems.
        """
        refused = self._data.loaded.refused
        if refused:
            errors = [p for p in self.problems if p.level == "error" and p.table in refused]
            raise DataError(f"Refused as a whole: {', '.join(refused)}.", errors)

    def fingerprint(self) -> str:
        """Give a fingerprint of the data: row counts and an order-free hash of every table, as used."""
        return hashlib.sha256("\n".join(self._lines().values()).encode()).hexdigest()[:32]

    def fingerprints(self) -> dict[str, str]:
        """Give of every table a fingerprint of its own, which tells in which of them data changed."""
        return {n: hashlib.sha256(line.encode()).hexdigest()[:32] for n, line in self._lines().items()}

    def _lines(self) -> dict[str, str]:
        if self is not self._root:
            return self._root._lines()
        if self._prints is None:
            tables, engine = self._data.loaded.tables, self._data.engine
            self._prints = {name: rows_hash(engine, name, tables[name].columns) for name in sorted(tables)}
        return self._prints

    def _check_there(self, table: str) -> None:
        if table not in self._data.loaded.tables:
            raise MissingTable(table, self.tables, reason=self._data.loaded.refused.get(table, ""))
        require_divided(table, self._undivided(table))

    def _undivided(self, table: str) -> str | None:
        return undivided(self._root, table, self._data.loaded.tables[table].columns, self._steps)

    def _dimensions(self) -> list[str]:
        kinds = ("word", "text")
        out = {
            column
            for name, table in self._data.loaded.tables.items()
            for column in table.columns
            if column not in TABLES[name].columns or TABLES[name].columns[column].type in kinds
        }
        return sorted(out)

    def __repr__(self) -> str:
        slices = "".join(f", {d} = {v!r}" for d, v in self.steps)
        return f"<Company {self.name!r}{slices}: {', '.join(self.tables)}; as of {self.as_of}>"


def _with_defaults(opened: Opened) -> Settings:
    """Fill in what the settings leave open: the name from the folder, and what a source knows of itself."""
    company = opened.settings.company
    known = {"name": opened.name or "Company", **_DEFAULTS.get(opened.kind, {})}
    update = {k: v for k, v in known.items() if k not in company.model_fields_set}
    return opened.settings.model_copy(update={"company": company.model_copy(update=update)})


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _sql(table: Table) -> str:
    try:
        return str(ibis.to_sql(table, dialect="duckdb"))
    except Exception:  # an expression that can't even be written
        return ""
