"""The engine: a query is written once, for all companies; each still has its own rows; none is kept alive by it."""

from __future__ import annotations

import gc
import weakref
from functools import partial

import ibis
import pandas as pd
import pytest
from ibis.backends.duckdb import Backend

from alignment_toolkit.sources import engine
from alignment_toolkit.sources.engine import DuckDB, connect


@pytest.fixture
def written(monkeypatch):
    """Count how often ibis writes a query, on an empty memory and without a cache."""
    monkeypatch.setenv("ALIGNMENT_CACHE", "off")
    monkeypatch.setattr(engine, "WRITTEN", engine._Latest())
    monkeypatch.setattr(engine, "BUILT", engine._Latest())
    asked = []
    usual = DuckDB.compiler.to_sqlglot
    monkeypatch.setattr(
        type(DuckDB.compiler), "to_sqlglot", lambda self, *a, **k: asked.append(1) or usual(*a, **k)
    )
    return asked


def database(rows: list[int]) -> DuckDB:
    made = connect()
    made.con.execute("CREATE TABLE t (a BIGINT)")
    made.con.executemany("INSERT INTO t VALUES (?)", [[r] for r in rows])
    return made


def larger(made: DuckDB, than: int, name: str = "b") -> ibis.Table:
    t = made.table("t", database="main")
    return t.filter(t.a > than).select(**{name: t.a}).order_by(name)


def test_a_query_is_written_once_and_each_database_gives_its_own_rows(written):
    one, two = database([1, 2, 3]), database([5, 0])
    assert list(one.to_pandas(larger(one, 1)).b) == [2, 3]
    assert len(written) == 1
    assert list(two.to_pandas(larger(two, 1)).b) == [5]
    assert list(one.to_pandas(larger(one, 1)).b) == [2, 3]
    assert len(written) == 1


def test_another_literal_name_or_type_is_another_query(written):
    one = database([-2, -1, 3])
    # The hashes of -1 and -2 are the same.
    assert list(one.to_pandas(larger(one, -1)).b) == [3]
    assert list(one.to_pandas(larger(one, -2)).b) == [-1, 3]
    assert list(one.to_pandas(larger(one, -2, "c")).columns) == ["c"]
    other = connect()
    other.con.execute("CREATE TABLE t AS SELECT 3.5 AS a")
    assert list(other.to_pandas(larger(other, -2)).b) == [3.5]
    assert len(written) == 4


def test_a_kept_table_is_built_once_where_it_follows_from_the_same(written):
    one, two = database([1, 2]), database([3])
    built = []

    def build(made: DuckDB, than: int) -> ibis.Table:
        built.append(than)
        return larger(made, than)

    def kept(made: DuckDB, than: int, follows_from: str) -> list[int]:
        table = made.keep('a "name"', lambda: build(made, than), follows_from)
        assert table.schema() == larger(made, than).schema()
        rows = list(made.to_pandas(table).b)
        made.drop_table('a "name"')
        return rows

    assert kept(one, 1, "x") == [2]
    assert kept(two, 1, "x") == [3]
    assert built == [1]
    assert kept(one, 0, "y") == [1, 2]
    assert built == [1, 0]


def test_a_stored_table_has_the_types_that_were_asked_for_and_takes_the_place_of_the_last(written):
    made = database([1, 2])
    t = made.table("t", database="main")
    exact = t.aggregate(n=t.a.sum().cast("decimal(9, 2)"), none=ibis.null("date"))
    kept = made.store("k", exact)
    assert made.table("k", database="temp.main").schema() == kept.schema() == exact.schema()
    kept = made.store("k", larger(made, 1))
    assert list(made.to_pandas(kept).b) == [2]


def test_no_query_keeps_a_database_alive(written):
    made = database([1, 2])
    query = larger(made, 1)
    made.to_pandas(query)
    made.keep("k", partial(larger, made, 1), "x")
    assert (len(engine.WRITTEN), len(engine.BUILT)) == (1, 1)
    ref = weakref.ref(made)
    del made, query
    gc.collect()
    assert ref() is None


def test_rows_in_memory_and_old_queries_are_not_kept(written, monkeypatch):
    made = database([1])
    here = ibis.memtable(pd.DataFrame({"a": [1, 4]}))
    assert len(made.to_pandas(made.table("t", database="main").inner_join(here, "a"))) == 1
    assert len(engine.WRITTEN) == 0
    monkeypatch.setattr(engine, "MOST_QUERIES", 2)
    for than in (1, 2, 3):
        made.to_pandas(larger(made, than))
    assert len(engine.WRITTEN) == 2


def test_a_result_is_the_frame_that_ibis_gives():
    made = connect()
    made.con.execute(
        "CREATE TABLE t AS SELECT * FROM (VALUES"
        " (1, 1.5, 'a', DATE '2026-01-01', TIMESTAMP '2026-01-01 10:00:00.123456', TRUE,"
        " 1.50::DECIMAL(9, 2), 'x'::ENUM('x', 'y')),"
        " (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),"
        " (3, 'nan'::DOUBLE, 'é', DATE '1999-12-31', TIMESTAMP '1999-12-31', FALSE,"
        " 2.00::DECIMAL(9, 2), 'y'::ENUM('x', 'y'))"
        ") AS v (i, x, s, d, m, b, c, e)"
    )
    made.con.execute("CREATE TABLE whole AS SELECT * FROM t WHERE i IS NOT NULL")
    made.con.execute(
        "ALTER TABLE whole ADD COLUMN z TIMESTAMPTZ DEFAULT TIMESTAMPTZ '2026-01-01 00:00:00+00'"
    )
    for name in ("t", "whole"):
        t = made.table(name, database="main")
        t = t.mutate(n=ibis.null("int64"), w=t.x * 2, k=t.i.cast("int8"), l=t.s.length())
        more = [
            t,
            t.limit(0),
            t.filter(t.i == 1),
            t.aggregate(n=t.count(), s=t.c.sum(), q=t.x.quantile([0.5])),
        ]
        for query in [*more, t.mutate(many=ibis.array([t.s, t.s])), t.i, t.i.sum()]:
            own, plain = made.execute(query), Backend.execute(made, query)
            if hasattr(own, "columns"):
                pd.testing.assert_frame_equal(own, plain)
                assert [list(map(type, own[c])) for c in own] == [list(map(type, plain[c])) for c in plain]
            else:
                assert str(own) == str(plain)
