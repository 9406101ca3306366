"""Fault 21: a mapping's query on a database only reads; two guards stand one behind the other, and each alone holds."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import duckdb
import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.errors import AlignmentError
from alignment_toolkit.sources import sql
from tests.sources.test_query import HOSTILE

pytestmark = pytest.mark.faults
# Those that change a table or write a file; the others read what they should not.
WRITING = HOSTILE[:10]


@pytest.fixture
def database(tmp_path) -> Path:
    path = tmp_path / "acme.duckdb"
    with duckdb.connect(str(path)) as engine:
        engine.execute("CREATE TABLE leads AS SELECT '1' AS lead_id, DATE '2026-01-02' AS created_at, 2 AS a")
    return path


def mapped(database: Path, query: str) -> Path:
    toml = database.parent / "alignment.toml"
    toml.write_text(f'[source]\nurl = "acme.duckdb"\n[tables.lists]\nfrom = {json.dumps(query)}\n')
    return toml


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def refused(database: Path) -> list[str]:
    """Give the hostile queries that are refused as the mapping of a table."""
    found = []
    for query in HOSTILE:
        try:
            Company.open(mapped(database, query))
        except AlignmentError:
            found.append(query)
    return found


def test_fifty_hostile_queries_are_refused_and_the_database_is_as_it_was(database):
    before, there = digest(database), sorted(p.name for p in database.parent.iterdir())
    assert len(HOSTILE) >= 50
    assert refused(database) == HOSTILE
    assert digest(database) == before
    assert sorted(p.name for p in database.parent.iterdir()) == sorted([*there, "alignment.toml"])


def test_where_the_parser_lets_them_through_the_database_itself_is_only_read(database, monkeypatch):
    before = digest(database)
    monkeypatch.setattr(sql, "only_select", lambda text, _: text)
    monkeypatch.chdir(database.parent)
    for query in WRITING:
        toml = mapped(database, query)
        with pytest.raises((AlignmentError, duckdb.Error)):
            Company.open(toml)
    assert digest(database) == before


def test_without_both_guards_the_database_changes(database, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    changed = set()
    for query in WRITING:
        copy = shutil.copyfile(database, tmp_path / "copy.duckdb")
        before = digest(copy)
        with duckdb.connect(str(copy)) as engine:
            try:
                engine.execute(query)
                engine.execute("CHECKPOINT")
            except duckdb.Error:
                continue
        if digest(copy) != before:
            changed.add(query)
    assert {"DELETE FROM leads", "UPDATE leads SET a = 1", "DROP TABLE leads"} <= changed
