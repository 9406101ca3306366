"""Queries of a mapping on a database: one SELECT that only reads, parsed; anything else is refused."""

from __future__ import annotations

import re
from typing import Final

import sqlglot
from sqlglot import exp

__all__ = ["BadQuery", "is_query", "only_select", "qualified"]

_WRITING: Final = (
    exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Alter, exp.Command, exp.Copy, exp.Into,
    exp.Lock, exp.Set, exp.Use, exp.Transaction, exp.Commit, exp.Rollback, exp.Attach, exp.Detach, exp.Pragma,
    exp.Grant, exp.TruncateTable, exp.LoadData, exp.Kill, exp.Analyze, exp.Describe,
)  # fmt: skip
# Functions that read files, reach other servers, wait, or change what others see.
_REACHING: Final = re.compile(
    r"pg_|lo_|dblink|query_to_|table_to_|cursor_to_|schema_to_|database_to_|set_config|setval|nextval|txid_|inet_server|"
    r"read_|glob$|sniff_|parquet_|sqlite_|postgres_|mysql_|iceberg_|delta_|load_|getenv|query$|query_table|"
    r"current_setting|version$|sleep|benchmark|xp_|openrowset|utl_|dbms_|sys_|http",
    re.IGNORECASE,
)


_VERBS: Final = (
    "select|with|insert|update|delete|merge|create|drop|alter|truncate|grant|revoke|copy|call|do|set|reset|begin|commit|"
    "vacuum|analyze|explain|attach|detach|install|load|pragma|export|import|values|table|from|show|lock|execute"
)


class BadQuery(Exception):
    """The query is not one that a mapping may have; the text says why."""


def is_query(text: str) -> bool:
    """Tell a query (or any other statement) from a table's name.

    Examples
    --------
    >>> is_query("crm.leads"), is_query("SELECT 1")
    (False, True)
    """
    return re.match(rf"\s*({_VERBS})\s|\s*\(|.*;", text, re.IGNORECASE | re.DOTALL) is not None


def only_select(text: str, dialect: str) -> str:
    """Check that a query is one SELECT that only reads, and give it.

    Raises
    ------
    BadQuery
        If it is anything else.

    Examples
    --------
    >>> only_select("SELECT a FROM t", "postgres")
    'SELECT a FROM t'
    """
    try:
        trees = [t for t in sqlglot.parse(text, read=dialect) if t is not None]
    except sqlglot.errors.SqlglotError as error:
        reason = str(error).splitlines()[0]
        raise BadQuery(f"it can't be read ({reason}); it must be a table's name or one SELECT.") from None
    if len(trees) != 1:
        raise BadQuery("it is several statements; it must be one SELECT.")
    tree = trees[0]
    if not isinstance(tree, exp.Query):
        raise BadQuery("it is no SELECT; nothing but a SELECT is allowed.")
    for node in tree.walk():
        if isinstance(node, _WRITING):
            raise BadQuery(f"it has {type(node).__name__.upper()}; a query may only read.")
        if isinstance(node, exp.Func):
            name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
            if _REACHING.match(name):
                raise BadQuery(f"the function {name.lower()} is not allowed in a query.")
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Literal):
            raise BadQuery("it reads a file; it may read tables only.")
        if isinstance(node, exp.Table) and re.search(r"[./\\]\w+$|://", node.name):
            raise BadQuery(f"'{node.name}' looks like a file; it may read tables only.")
    return tree.sql(dialect=dialect)


def qualified(query: str, catalog: str, schema: str, dialect: str) -> str:
    """Write the catalog and the usual schema before every table of a checked query.

    Examples
    --------
    >>> qualified("SELECT a FROM t, crm.u", "source", "main", "duckdb")
    'SELECT a FROM source.main.t, source.crm.u'
    """
    tree = sqlglot.parse_one(query, read=dialect)
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if table.name in own and not table.db:
            continue
        if not table.catalog:
            table.set("catalog", exp.to_identifier(catalog))
        if not table.db:
            table.set("db", exp.to_identifier(schema))
    return tree.sql(dialect=dialect)
