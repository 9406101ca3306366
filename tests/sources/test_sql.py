"""A database at an address: only read, in the company's zone, its secrets in no message."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.errors import AlignmentError, DataError, ParameterError, SettingsError
from alignment_toolkit.sources.sql import database_name

SECRET = "s3cr3t-pa55"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ann:{SECRET}@127.0.0.1:9/crm",
        f"postgres://ann:{SECRET}@127.0.0.1:9/crm?connect_timeout=1&sslpassword={SECRET}",
        f"postgresql://{SECRET}@127.0.0.1:9/crm",
        f"nosuchkind://ann:{SECRET}@host/crm",
        f"postgresql://ann:{SECRET}@127.0.0.1:notaport/crm",
    ],
)
def test_an_address_that_cannot_be_reached_tells_no_secret(url: str, tmp_path: Path) -> None:
    toml = tmp_path / "alignment.toml"
    toml.write_text(f'[source]\nurl = "{url}"\n')
    for source in (url, toml):
        with pytest.raises(ParameterError) as caught:
            Company.open(source)
        error: BaseException | None = caught.value
        while error is not None:
            assert SECRET not in str(error)
            assert error.__cause__ is None
            error = error.__cause__
        assert "ann" not in str(caught.value)


def test_a_short_user_name_spoils_no_word_and_a_missing_driver_names_its_package() -> None:
    with pytest.raises(ParameterError, match="Connection refused"):
        Company.open("postgresql://u:pw@127.0.0.1:9/crm")
    with pytest.raises(ParameterError, match=r"pip install 'ibis-framework\[mysql\]'"):
        Company.open("mysql://u:pw@127.0.0.1:9/crm")


def test_a_sqlite_file_is_read_by_path_or_address_and_never_made(tmp_path: Path) -> None:
    file = tmp_path / "crm.db"
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE orders (order_id TEXT, ordered_at TEXT, amount REAL)")
        db.execute(
            "INSERT INTO orders VALUES ('007', '2026-01-31 23:59:59', 12.5), ('8', '2026-02-01', -2.5)"
        )
    before = file.read_bytes()
    toml = tmp_path / "alignment.toml"
    for url in ("crm.db", "sqlite:///crm.db", "sqlite://crm.db", f"sqlite://{file}", f"sqlite:///{file}"):
        toml.write_text(f'[source]\nurl = "{url}"\n')
        company = Company.open(toml)
        assert company.name == "crm"
        rows = company.fetch(company["orders"].order_by("order_id"))
        assert [str(a) for a in rows["amount"]] == ["12.5000", "-2.5000"]
        assert list(rows["order_id"]) == ["007", "8"]
    assert Company.open(file).tables == Company.open(f"sqlite://{file}").tables == ("orders",)
    with pytest.raises(ParameterError, match=r"'none\.db', which is not there.* crm\.db"):
        Company.open(f"sqlite://{tmp_path / 'none.db'}")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["alignment.toml", "crm.db"]
    assert file.read_bytes() == before


def test_secrets_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml = tmp_path / "alignment.toml"
    toml.write_text('[source]\nurl = "postgresql://ann:${CRM_PASSWORD}@127.0.0.1:9/crm"\n')
    monkeypatch.delenv("CRM_PASSWORD", raising=False)
    with pytest.raises(SettingsError, match="CRM_PASSWORD"):
        Company.open(toml)
    monkeypatch.setenv("CRM_PASSWORD", SECRET)
    with pytest.raises(ParameterError) as caught:
        Company.open(toml)
    assert SECRET not in str(caught.value)
    assert "127.0.0.1:9/crm" in str(caught.value)


def test_a_database_is_named_without_what_is_secret() -> None:
    assert database_name(f"mysql://u:{SECRET}@h/db?key={SECRET}") == "mysql://h/db"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    url = os.environ.get("ALIGNMENT_TEST_POSTGRES")
    if not url:
        pytest.skip("no PostgreSQL server: name one in ALIGNMENT_TEST_POSTGRES")
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS alignment_test CASCADE")
        connection.execute("CREATE SCHEMA alignment_test")
        connection.execute(
            """
            CREATE TABLE alignment_test.leads (lead_id text, created_at timestamptz, channel varchar(20), score numeric,
                tags text[], note json);
            INSERT INTO alignment_test.leads VALUES
                ('007', '2026-03-31 23:30+00', 'Web', 12.5, '{a,b}', '{"x": 1}'), ('NA', '2026-03-01 10:00+00', ' web', NULL,
                NULL, NULL), ('123456789012345678', '2026-03-02 10:00+00', '', 7, NULL, NULL);
            CREATE TABLE alignment_test.orders (order_id int, ordered_at timestamp, amount numeric(20,6), cost float8,
                account_id uuid);
            INSERT INTO alignment_test.orders VALUES (1, '2026-03-05 10:00', 12345678901.123400, 0.1, NULL),
                (2, '2026-03-06', 0.00005, 1e-5, '6f1c0b52-6f6e-4b9b-8a1e-0d8f6f1b0a11');
            CREATE TABLE alignment_test.crm_deals (id text, opened date, flag boolean);
            INSERT INTO alignment_test.crm_deals VALUES ('d', '2026-03-01', true), ('e', NULL, false);
            """  # noqa: E501
        )
        yield url
        connection.execute("DROP SCHEMA alignment_test CASCADE")


def opened(address: str, tmp_path: Path, more: str = "") -> Company:
    toml = tmp_path / "alignment.toml"
    toml.write_text(
        f'[company]\ntimezone = "Europe/Berlin"\n[source]\nurl = "{address}"\nschema = "alignment_test"\n{more}'
    )
    return Company.open(toml)


@pytest.mark.postgres
def test_postgres_tables_are_typed_as_files_are(address: str, tmp_path: Path) -> None:
    company = opened(address, tmp_path)
    assert company.tables == ("leads", "orders")
    leads = company.fetch(company["leads"].order_by("lead_id"))
    assert list(leads.lead_id) == ["007", "123456789012345678", "NA"]
    assert str(leads.created_at[0]) == "2026-04-01 01:30:00"
    assert list(leads.channel.fillna("-")) == ["Web", "-", "Web"]
    orders = company.fetch(company["orders"].order_by("order_id"))
    assert [str(a) for a in orders.amount] == ["12345678901.1234", "0.0001"]
    assert orders.account_id[1] == "6f1c0b52-6f6e-4b9b-8a1e-0d8f6f1b0a11"
    assert {p.code for p in company.problems} == {"rounded"}


@pytest.mark.postgres
def test_postgres_mapping_queries_and_rows_by_key(address: str, tmp_path: Path) -> None:
    company = opened(
        address,
        tmp_path,
        '[tables.opportunities]\nfrom = "SELECT id, opened FROM alignment_test.crm_deals"\n'
        '[tables.opportunities.columns]\nopportunity_id = "id"\nopened_at = "opened"\n'
        '[tables.lists]\nfrom = "alignment_test.crm_deals"\n[tables.lists.columns]\nlist_id = "id"\n',
    )
    assert company.tables == ("lists", "leads", "opportunities", "orders")
    (problem,) = [p for p in company.problems if p.table == "opportunities"]
    assert (problem.code, problem.row) == ("missing_value", None)
    assert "opportunity_id 'e'" in problem.message


@pytest.mark.postgres
@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM alignment_test.leads",
        "WITH x AS (DELETE FROM alignment_test.leads RETURNING *) SELECT * FROM x",
    ],
)
def test_postgres_is_only_read(address: str, tmp_path: Path, query: str) -> None:
    with pytest.raises(SettingsError, match="refused"):
        opened(address, tmp_path, f'[tables.lists]\nfrom = "{query}"\n')
    assert opened(address, tmp_path).quality[0].rows == 3


@pytest.mark.postgres
def test_postgres_itself_refuses_to_write(address: str) -> None:
    from alignment_toolkit.settings import Settings
    from alignment_toolkit.sources.sql import connected

    backend = connected(address, "x", Settings())
    try:
        with pytest.raises(Exception, match="read-only"):
            backend.raw_sql("CREATE TABLE alignment_test.x (a int)")
    finally:
        backend.disconnect()


@pytest.mark.postgres
def test_postgres_errors_tell_no_secret(address: str, tmp_path: Path) -> None:
    with pytest.raises(AlignmentError) as caught:
        opened(address, tmp_path, '[tables.lists]\nfrom = "SELECT nope FROM alignment_test.leads"\n')
    assert isinstance(caught.value, (DataError, SettingsError))
    password = urlsplit(address).password
    assert password is None or password not in str(caught.value)
    assert "nope" in str(caught.value)
