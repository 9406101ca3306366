"""Queries on databases: hostile ones are refused before they reach the database."""

from __future__ import annotations

import pytest

from alignment_toolkit.sources.query import BadQuery, is_query, only_select

HOSTILE = [
    "DELETE FROM leads",
    "UPDATE leads SET a = 1",
    "INSERT INTO leads VALUES (1)",
    "DROP TABLE leads",
    "TRUNCATE leads",
    "ALTER TABLE leads ADD COLUMN x INT",
    "CREATE TABLE x AS SELECT 1",
    "CREATE FUNCTION f() RETURNS int AS 'x' LANGUAGE c",
    "GRANT ALL ON leads TO public",
    "COPY leads TO 'out.csv'",
    "COPY leads FROM PROGRAM 'id'",
    "VACUUM",
    "SET ROLE postgres",
    "RESET ALL",
    "CALL f()",
    "DO $$ BEGIN END $$",
    "BEGIN; DELETE FROM leads; COMMIT",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE leads",
    "WITH x AS (DELETE FROM leads RETURNING *) SELECT * FROM x",
    "WITH x AS (INSERT INTO leads VALUES (1) RETURNING *) SELECT * FROM x",
    "WITH x AS (UPDATE leads SET a = 1 RETURNING *) SELECT * FROM x",
    "SELECT * INTO y FROM leads",
    "SELECT * FROM leads FOR UPDATE",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_sleep(1000)",
    "SELECT pg_terminate_backend(1)",
    "SELECT pg_ls_dir('/')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, 'out.csv')",
    "SELECT * FROM dblink('host=x', 'select 1') AS t(a int)",
    "SELECT dblink_exec('x', 'DROP TABLE y')",
    "SELECT query_to_xml('DELETE FROM x', true, true, '')",
    "SELECT set_config('a', 'b', false)",
    "SELECT nextval('s')",
    "SELECT setval('s', 1)",
    "SELECT current_setting('data_directory')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_parquet('https://example.org/x')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM \"/etc/passwd.csv\"",
    "ATTACH 'x.db'",
    "DETACH x",
    "INSTALL httpfs",
    "LOAD httpfs",
    "PRAGMA database_list",
    "EXPORT DATABASE 'x'",
    "IMPORT DATABASE 'x'",
    "SELECT getenv('HOME')",
    "EXPLAIN ANALYZE DELETE FROM leads",
    "SELECT (",
    "",
]  # fmt: skip


@pytest.mark.parametrize("dialect", ["postgres", "duckdb"])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_queries_are_refused(text: str, dialect: str) -> None:
    with pytest.raises(BadQuery):
        only_select(text, dialect)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT a, b AS c FROM leads WHERE d = 'x;y' -- comment",
        "WITH x AS (SELECT * FROM leads) SELECT * FROM x UNION ALL SELECT * FROM y",
        "SELECT l.a, count(*) FROM crm.leads l JOIN crm.deals d ON d.id = l.id GROUP BY 1 ORDER BY 2 LIMIT 5",
        "SELECT coalesce(a, 'DROP TABLE x') FROM (SELECT lower(b) AS a FROM t) s",
    ],
)
def test_reading_queries_are_taken(text: str) -> None:
    for dialect in ("postgres", "duckdb"):
        assert only_select(text, dialect)


def test_names_are_no_queries() -> None:
    assert not is_query("leads")
    assert not is_query("crm.selected_leads")
    assert not is_query("withdrawals")
    assert is_query("  select 1")
    assert is_query("x; DROP TABLE y")
