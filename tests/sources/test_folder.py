"""Folders, files and what else can be opened."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.errors import DataError, ParameterError, SettingsError
from alignment_toolkit.settings import Settings

LEADS = "lead_id,created_at\n1,2026-09-01\n"


def test_a_file_that_is_no_table_is_a_warning_with_near_match(written) -> None:  # type: ignore[no-untyped-def]
    company = written({"leads.csv": LEADS, "lead.csv": "x\n", "notes.txt": "x", "README.md": "x"})
    assert [(p.code, p.level, p.file) for p in company.problems] == [
        ("unknown_table", "warning", "lead.csv"),
        ("unknown_table", "warning", "notes.txt"),
    ]
    assert "Did you mean 'leads'" in company.problems[0].message


def test_two_files_for_one_table_are_refused(written, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "acme").mkdir()
    pd.DataFrame({"lead_id": ["1"]}).to_parquet(tmp_path / "acme" / "leads.parquet")
    company = written({"leads.csv": LEADS, "lists.csv": "list_id\n1\n"})
    (problem,) = company.problems
    assert problem.code == "two_files"
    assert "leads.csv and leads.parquet" in problem.message
    assert company.tables == ("lists",)


def test_a_folder_without_a_table(written) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(
        DataError, match=r"holds: lead\.csv, notes\.md.*Did you mean 'leads'.*Expected files like"
    ):
        written({"lead.csv": "x\n", "notes.md": "x"})


def test_defaults_of_a_folder_without_settings(written) -> None:  # type: ignore[no-untyped-def]
    company = written({"leads.csv": LEADS})
    assert (company.name, company.currency, company.timezone) == ("acme", "XXX", "UTC")
    assert company.calendar.hours_per_day == 8
    assert company.as_of == dt.date(2026, 9, 1)


def test_settings_of_the_folder_hold(written) -> None:  # type: ignore[no-untyped-def]
    text = '[company]\nname = "Acme Ltd"\ncurrency = "GBP"\ntimezone = "Europe/London"\nas_of = 2026-08-31\n'
    company = written({"leads.csv": LEADS}, text)
    assert (company.name, company.currency, company.timezone) == ("Acme Ltd", "GBP", "Europe/London")
    assert company.as_of == dt.date(2026, 8, 31)
    assert company.complete_until("leads") is None


def test_settings_may_lie_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "leads.csv").write_text(LEADS)
    toml = tmp_path / "alignment.toml"
    toml.write_text('[source]\nurl = "data/"\n')
    assert Company.open(toml).name == "data"
    assert Company.open(str(tmp_path)).quality[0].rows == 1
    assert Company.open(Settings.load(toml)).quality[0].rows == 1


def test_settings_without_source_mean_their_own_folder(written, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    written({"leads.csv": LEADS}, '[company]\nname = "A"\n')
    assert Company.open(tmp_path / "acme" / "alignment.toml").name == "A"
    with pytest.raises(SettingsError, match="name no source"):
        Company.open(Settings())


@pytest.mark.parametrize("wrong", ["acm", "acme/leads.csv", "nowhere/at/all"])
def test_what_is_not_there_names_the_near_match(written, tmp_path: Path, wrong: str) -> None:  # type: ignore[no-untyped-def]
    written({"leads.csv": LEADS})
    with pytest.raises(ParameterError) as caught:
        Company.open(tmp_path / wrong)
    text = str(caught.value)
    assert ("Did you mean 'acme'" in text) is (wrong == "acm")
    assert "alignment.toml" in text


def test_a_source_that_the_settings_name_and_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    toml = tmp_path / "alignment.toml"
    toml.write_text('[source]\nurl = "dat/"\n')
    with pytest.raises(SettingsError, match=r"line 2.*Did you mean 'data'"):
        Company.open(toml)
    toml.write_text('[source]\nkind = "foldr"\nurl = "data/"\n')
    with pytest.raises(SettingsError, match=r"line 2.*Did you mean 'folder'"):
        Company.open(toml)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "acme.duckdb"
    engine = duckdb.connect(str(path))
    engine.execute("SET TimeZone = 'UTC'")
    engine.execute(
        "CREATE TABLE leads AS SELECT i::VARCHAR AS lead_id, TIMESTAMPTZ '2026-03-31 23:30:00+00' AS created_at,"
        " CASE i WHEN 2 THEN 'Web ' ELSE 'web' END AS channel FROM range(3) t(i)"
    )
    engine.execute("CREATE SCHEMA crm")
    engine.execute(
        "CREATE TABLE crm.deals AS SELECT 'd1' AS id, DATE '2026-04-02' AS opened, 12.5::DOUBLE AS amount"
    )
    engine.execute("CREATE VIEW products AS SELECT 'p' AS product_id")
    engine.close()
    return path


def test_a_duckdb_file_is_opened_read_only(database: Path) -> None:
    before = database.read_bytes()
    company = Company.open(database)
    assert company.name == "acme"
    assert company.tables == ("products", "leads")
    assert company.fetch(company["leads"]).channel.to_list() == ["web"] * 3
    for address in (f"duckdb://{database}", f"duckdb:{database}"):
        assert Company.open(address).tables == ("products", "leads")
    with pytest.raises(Exception, match="read-only"):
        company.backend.con.execute("INSERT INTO source.crm.deals VALUES ('x', NULL, NULL)")
    assert database.read_bytes() == before
    assert [p.name for p in database.parent.iterdir()] == [database.name]


def test_a_duckdb_file_with_a_mapping(database: Path) -> None:
    toml = database.parent / "alignment.toml"
    toml.write_text(
        '[company]\ntimezone = "Europe/Berlin"\n[source]\nurl = "acme.duckdb"\n[tables.opportunities]\nfrom = "crm.deals"\n'  # noqa: E501
        '[tables.opportunities.columns]\nopportunity_id = "id"\nopened_at = "opened"\n'
        '[tables.lists]\nfrom = "SELECT id AS list_id FROM crm.deals WHERE amount > 1"\n'
    )
    company = Company.open(toml)
    assert company.tables == ("lists", "products", "leads", "opportunities")
    assert str(company.fetch(company["opportunities"]).amount[0]) == "12.5000"
    assert str(company.fetch(company["leads"]).created_at[0]) == "2026-04-01 01:30:00"


def test_a_database_names_a_row_by_its_key(database: Path) -> None:
    engine = duckdb.connect(str(database))
    engine.execute("CREATE TABLE orders AS SELECT 'o1' AS order_id, 'x' AS ordered_at, 1 AS amount")
    engine.execute(
        "CREATE TABLE touches AS SELECT 't1' AS touch_id, 'x' AS touched_at, 'sales' AS department"
    )
    engine.close()
    texts = [p.message for p in Company.open(database).problems]
    assert "acme.duckdb, touch_id 't1': touched_at is 'x'" in "\n".join(texts)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("crm.deal", "Did you mean 'crm.deals'"),
        ("DELETE FROM leads; ", "no SELECT"),
        ("SELECT 1; DROP TABLE leads", "several statements"),
        ("SELECT * FROM read_csv('/etc/passwd')", "not allowed"),
        ("SELECT * FROM '/etc/passwd'", "file"),
    ],
)
def test_only_tables_and_selects_of_a_database(database: Path, said: str, words: str) -> None:
    toml = database.parent / "alignment.toml"
    toml.write_text(f'[source]\nurl = "acme.duckdb"\n[tables.lists]\nfrom = "{said}"\n')
    with pytest.raises(SettingsError, match="line 4") as caught:
        Company.open(toml)
    assert words in str(caught.value)


def test_a_file_that_is_no_duckdb_database(tmp_path: Path) -> None:
    path = tmp_path / "x.duckdb"
    path.write_text("not a database" * 1000)
    with pytest.raises(DataError, match=r"x\.duckdb can.t be opened"):
        Company.open(path)
    engine = duckdb.connect(str(tmp_path / "y.duckdb"))
    engine.execute("CREATE TABLE foo (a INT)")
    engine.close()
    with pytest.raises(DataError, match=r"y\.duckdb holds no canonical table; it holds: .*foo"):
        Company.open(tmp_path / "y.duckdb")


def test_every_code_of_a_problem_is_in_the_docs(project_dir: Path) -> None:
    import re

    code = "".join(p.read_text() for p in (project_dir / "alignment_toolkit" / "sources").glob("*.py"))
    used = set(
        re.findall(
            r"""(?:tell\(|Fault\(|_untypable\(|loaded, table,|None, None, None,|name, None,)\s*"([a-z_]+)",""",
            code,
        )
    )
    assert len(used) > 25
    documented = set(re.findall(r"`([a-z_]+)`", (project_dir / "docs" / "loading.md").read_text()))
    assert used - documented == set()
