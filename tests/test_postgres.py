"""The sample company out of PostgreSQL gives the same analysis as out of its files.

ALIGNMENT_TEST_POSTGRES is the address of a database in which tables may be made.
"""

from __future__ import annotations

import dataclasses
import os

import ibis
import pytest

from alignment_toolkit.analysis import analyse
from alignment_toolkit.company import Company
from alignment_toolkit.settings import Settings

pytestmark = pytest.mark.postgres

SCHEMA = "alignment_sample"


@pytest.fixture(scope="module")
def address() -> str:
    named = os.environ.get("ALIGNMENT_TEST_POSTGRES")
    assert named, "ALIGNMENT_TEST_POSTGRES names no database"
    return named


@pytest.fixture(scope="module")
def from_files(sample_dir) -> Company:
    return Company.open(sample_dir)


@pytest.fixture(scope="module")
def from_postgres(address, from_files, sample_dir) -> Company:
    database = ibis.connect(address)
    database.raw_sql(f"drop schema if exists {SCHEMA} cascade; create schema {SCHEMA}")
    for table in from_files.tables:
        database.create_table(table, from_files[table].to_pyarrow(), database=SCHEMA)
    database.disconnect()
    # The address comes out of the environment, as a secret would.
    source = f'\n[source]\nkind = "sql"\nurl = "${{ALIGNMENT_TEST_POSTGRES}}"\nschema = "{SCHEMA}"\n'
    return Company.open(Settings.from_toml((sample_dir / "alignment.toml").read_text("utf-8") + source))


def test_every_table_has_its_rows(from_files, from_postgres):
    rows = {
        table: from_files.fetch(from_files[table].count().as_table()).iat[0, 0] for table in from_files.tables
    }
    assert rows["orders"] > 100
    assert {
        table: from_postgres.fetch(from_postgres[table].count().as_table()).iat[0, 0]
        for table in from_postgres.tables
    } == rows


def test_the_analysis_is_the_same(from_files, from_postgres):
    files, postgres = (
        analyse(company, "2026-Q3", by=("channel",)) for company in (from_files, from_postgres)
    )
    assert any(finding.status == "misaligned" for finding in files.findings)
    assert dataclasses.replace(postgres, settings=files.settings).dumps() == files.dumps()


def test_the_address_is_told_to_nobody(address, from_postgres):
    text = analyse(from_postgres, "2026-Q3").dumps()
    assert address not in text
    assert address not in repr(from_postgres)
    assert address not in repr(from_postgres.settings)
