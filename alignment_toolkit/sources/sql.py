"""Sources `duckdb` and `sql`: the tables of a database file, or of a database at an address; only ever read."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote_plus, urlsplit

from alignment_toolkit.errors import DataError, ParameterError, did_you_mean
from alignment_toolkit.sources.folder import formats
from alignment_toolkit.sources.mapping import mapped_columns
from alignment_toolkit.sources.part import Engine, Part, RawColumn, literal, quoted
from alignment_toolkit.sources.query import BadQuery, is_query, only_select, qualified
from alignment_toolkit.tables import TABLES

__all__ = ["connected", "database_name", "duckdb_parts", "sql_parts"]

_ROWS: Final = 100_000
_TIMEOUT_MINUTES: Final = 30


def duckdb_parts(engine: Engine, path: Path, settings: Any) -> list[Part]:
    """Read the tables of a DuckDB file, which is opened read-only; the tables stay in it.

    Raises
    ------
    DataError
        If the file can't be opened, or holds no canonical table.
    """
    try:
        engine.execute(f"ATTACH {literal(str(path))} AS source (READ_ONLY)")
    except Exception as error:  # the engine's own errors, of many kinds
        raise DataError(
            f"{path.name} can't be opened as a DuckDB file: {str(error).splitlines()[0]}"
        ) from None
    schema = settings.source_option("schema") or "main"
    rows = engine.execute(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = 'source' ORDER BY 1, 2"
    ).fetchall()
    names = {f"{s}.{t}": f"source.{quoted(s)}.{quoted(t)}" for s, t in rows}
    names |= {t: f"source.{quoted(s)}.{quoted(t)}" for s, t in rows if s == schema}

    def make(table: str, name: str) -> Part:
        relation = names.get(name)
        if relation is None:
            relation = f"({qualified(only_select(name, 'duckdb'), 'source', schema, 'duckdb')})"
        return Part(table, path.name, relation, {}, row=None, large=True)

    return _parts(engine, names, path.name, settings, make, names.__contains__)


def sql_parts(engine: Engine, url: str, settings: Any) -> list[Part]:
    """Bring the tables of a database over a connection that only reads.

    Raises
    ------
    ParameterError
        If the database can't be reached; nothing of the address but its host and name is told.
    DataError
        If it holds no canonical table.
    """
    label = database_name(url)
    backend = connected(url, label, settings)
    schema = settings.source_option("schema")
    dialect = str(backend.name)
    names = set(backend.list_tables(**({"database": schema} if schema else {})))

    def known(name: str) -> bool:
        home, _, own = name.rpartition(".")
        return name in names or (
            home in backend.list_databases() and own in backend.list_tables(database=home)
        )

    def make(table: str, name: str) -> Part:
        if is_query(name):
            source = _queried(backend, only_select(name, dialect))
        else:
            home, _, own = name.rpartition(".")
            source = backend.table(own, database=home or schema)
        source = source.select(*[_plain(source[c]) for c in source.columns])
        relation = f"raw sql {table} {len(engine.execute('SHOW TABLES').fetchall())}"
        reader = backend.to_pyarrow_batches(source, chunk_size=_ROWS)
        engine.register("incoming", reader)
        engine.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(relation)} AS SELECT * FROM incoming")
        engine.unregister("incoming")
        return Part(table, own if not is_query(name) else f"{table} (query)", quoted(relation), {}, row=None)

    try:
        return _parts(engine, names, label, settings, make, known)
    except (DataError, ParameterError):
        raise
    except Exception as error:  # of the database's driver; its text may repeat the address
        if type(error).__module__.startswith("alignment_toolkit"):
            raise
        raise DataError(f"{label} refused a query: {_scrubbed(str(error), url)}") from None
    finally:
        backend.disconnect()


def database_name(url: str) -> str:
    """Name a database without user, password and options.

    Examples
    --------
    >>> database_name("postgresql://ann:secret@db.example:5432/crm?sslmode=require")
    'postgresql://db.example:5432/crm'
    >>> database_name("sqlite:///data/crm.db")
    'crm.db'
    """
    if url.startswith("sqlite://"):
        return Path(url).name
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    return f"{parts.scheme}://{host}{port}{parts.path}"


def _scrubbed(text: str, url: str) -> str:
    """Take whatever is secret in an address out of a message."""
    parts = urlsplit(url)
    netloc = parts.netloc.rpartition("@")[0]
    secrets = {url, netloc, parts.query, parts.username or "", parts.password or "", *netloc.split(":")}
    secrets |= {value for pair in parts.query.split("&") for value in (pair.partition("=")[2],)}
    secrets |= {unquote_plus(s) for s in secrets}
    line = (text.strip().splitlines() or ["no reason given"])[0]
    for secret in sorted(secrets - {""}, key=len, reverse=True):
        # A user "u" is no reason to spoil every word that has that letter.
        edge = r"\b" if len(secret) < 4 and secret.isalnum() else ""
        line = re.sub(f"{edge}{re.escape(secret)}{edge}", "***", line)
    return line


def connected(url: str, label: str, settings: Any) -> Any:
    """Connect to a database for reading only.

    Raises
    ------
    ParameterError
        If it can't be reached; the message tells nothing secret.
    """
    import ibis

    try:
        backend = _sqlite(url) if url.startswith("sqlite://") else ibis.connect(url)
    except ImportError as error:
        scheme = urlsplit(url).scheme.partition("+")[0].replace("postgresql", "postgres")
        package = "alignment-toolkit" if scheme == "postgres" else "ibis-framework"
        named = f" ({error.name})" if error.name else ""
        raise ParameterError(
            f"{label} needs a driver that is not installed{named}; pip install '{package}[{scheme}]'."
        ) from None
    except Exception as error:  # of the driver; its text may repeat the address
        raise ParameterError(f"{label} can't be reached: {_scrubbed(str(error), url)}") from None
    if backend.name == "postgres":
        zone = settings.company.timezone.replace("'", "''")
        with backend.con.cursor() as cursor:
            cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
            cursor.execute(f"SET TIME ZONE '{zone}'")
            cursor.execute(f"SET statement_timeout = '{_TIMEOUT_MINUTES}min'")
    return backend


def _sqlite(url: str) -> Any:
    """Open a SQLite file for reading only: what is not there is not made, and no journal is left beside it."""
    import ibis

    path = Path(url.removeprefix("sqlite://"))
    return ibis.sqlite.from_connection(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True))


def _queried(backend: Any, query: str) -> Any:
    """Give a query as a table; PostgreSQL is asked for the columns, since a view for that would be writing."""
    if backend.name != "postgres":
        return backend.sql(query)
    from ibis.backends.sql.datatypes import PostgresType

    with backend.con.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({query}) AS q LIMIT 0")
        kinds = backend.con.adapters.types
        names = {c.name: getattr(kinds.get(c.type_code), "name", "text") for c in cursor.description}
    return backend.sql(query, schema={n: PostgresType.from_string(k) for n, k in names.items()})


def _plain(column: Any) -> Any:
    """Give a column in a form that keeps every digit on its way."""
    kind = column.type()
    plain = (
        kind.is_string(),
        kind.is_boolean(),
        kind.is_integer(),
        kind.is_floating(),
        kind.is_date(),
        kind.is_timestamp(),
    )
    return column if any(plain) else column.cast("string").name(column.get_name())


def _parts(
    engine: Engine,
    names: Collection[str],
    label: str,
    settings: Any,
    make: Callable[[str, str], Part],
    known: Callable[[str], bool],
) -> list[Part]:
    parts: list[Part] = []
    for table in TABLES:
        mapping = settings.tables.get(table)
        if mapping is None:
            if table in names:
                parts.append(_read(engine, make(table, table), None, settings))
            continue
        for part in mapping.parts(table):
            key = ("tables", table, "from")
            said = part.from_ or table
            if not known(said) and not is_query(said):
                near = did_you_mean(said, names)
                raise settings.error((key, f"names the table '{said}', which is not there. {near}"))
            try:
                parts.append(_read(engine, make(table, said), part, settings))
            except BadQuery as error:
                raise settings.error((key, f"is a query that is refused: {error}")) from None
    if not parts:
        there = ", ".join(sorted(names)[:12]) or "nothing"
        raise DataError(
            f"{label} holds no canonical table; it holds: {there}. Expected some of: {', '.join(TABLES)}."
        )
    return parts


def _read(engine: Engine, part: Part, mapping: Any, settings: Any) -> Part:
    part.formats = formats(mapping)
    described = engine.execute(f"DESCRIBE SELECT * FROM {part.relation}").fetchall()
    part.rows = engine.execute(f"SELECT count(*) FROM {part.relation}").fetchone()[0]
    present = {name: RawColumn(quoted(name), physical, source=name) for name, physical, *_ in described}
    if not part.rows:
        part.tell("header_only", f"{part.file} has no row.", level="warning")
    mapped_columns(engine, part, TABLES[part.table], present, mapping, settings)
    return part
