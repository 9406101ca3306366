"""Mappings: other names, words and forms, brought into the canonical ones; anything impossible named with its line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.errors import SettingsError

CRM = "Record ID,Created,Source,points,lifecycle,Owner Name\n1,05.09.2026,Google Ads,7,lead,Ann\n2,06.09.2026,Select,8,test,Bo\n3,07.09.2026,organic,,,Cy\n"  # noqa: E501
MAPPED = """
[tables.leads]
from = "contacts.csv"
dates = "%d.%m.%Y"
complete_until = 2026-09-30
[tables.leads.columns]
lead_id = "Record ID"
created_at = "Created"
channel = { from = "Source", map = { "google ads" = "paid_search" }, nulls = ["Select"] }
sourced_by = { value = "sales" }
marketing_score = { sql = "points * 10" }
"""


def leads(company):  # type: ignore[no-untyped-def]
    return company.fetch(company["leads"].order_by("lead_id"))


def test_names_words_constants_and_expressions(written) -> None:  # type: ignore[no-untyped-def]
    company = written({"contacts.csv": CRM}, MAPPED)
    frame = leads(company)
    assert list(frame.lead_id) == ["1", "2", "3"]
    assert [str(d.date()) for d in frame.created_at] == ["2026-09-05", "2026-09-06", "2026-09-07"]
    assert list(frame.channel.fillna("-")) == ["paid_search", "-", "organic"]
    assert list(frame.sourced_by) == ["sales"] * 3
    assert list(frame.marketing_score.fillna(-1)) == [70, 80, -1]
    assert list(frame["Owner Name"]) == ["Ann", "Bo", "Cy"]
    assert str(company.complete_until("leads")) == "2026-09-30"
    assert company.problems == ()


def test_where_leaves_rows_out_and_says_which_it_could_not_decide(written) -> None:  # type: ignore[no-untyped-def]
    text = MAPPED.replace("complete_until", "where = \"lifecycle <> 'test'\"\ncomplete_until")
    company = written({"contacts.csv": CRM}, text)
    assert list(leads(company).lead_id) == ["1"]
    assert [p.code for p in company.problems] == ["where_undecided"]
    table = company._data.loaded.tables["leads"]
    assert (table.rows, table.used, table.left_out) == (3, 1, 2)
    text = MAPPED.replace("complete_until", "where = \"coalesce(lifecycle, '') <> 'test'\"\ncomplete_until")
    company = written({"contacts.csv": CRM}, text)
    assert list(leads(company).lead_id) == ["1", "3"]
    assert company.problems == ()


def test_a_text_in_a_reckoning_is_a_problem(written) -> None:  # type: ignore[no-untyped-def]
    company = written({"contacts.csv": CRM.replace(",8,", ",eight,")}, MAPPED)
    (problem,) = company.problems
    assert (problem.code, problem.row, problem.column) == ("not_a_number", 3, "marketing_score")
    assert "is 'eight'; its SQL expression takes a number." in problem.message
    assert list(leads(company).lead_id) == ["1", "3"]


def test_problems_name_the_sources_own_column(written) -> None:  # type: ignore[no-untyped-def]
    company = written({"contacts.csv": CRM.replace("06.09.2026", "2026-09-06")}, MAPPED)
    (problem,) = company.problems
    assert problem.message.startswith(
        "contacts.csv, row 3: created_at (column 'Created') is '2026-09-06'; it must be"
    )


def test_union_of_files(written) -> None:  # type: ignore[no-untyped-def]
    company = written(
        {
            "a.csv": "id,day,zip\n1,2026-09-01,07\n",
            "b.csv": "key;day\n2;02.09.2026\nx;y\n",
        },
        """
[tables.leads]
union = ["a.csv", { from = "b.csv", dates = "%d.%m.%Y", columns = { lead_id = "key" } }]
[tables.leads.columns]
lead_id = "id"
created_at = "day"
""",
    )
    frame = leads(company)
    assert list(frame.lead_id) == ["1", "2"]
    assert list(frame.zip.fillna("-")) == ["07", "-"]
    assert [(p.file, p.row, p.code) for p in company.problems] == [("b.csv", 3, "not_a_timestamp")]
    table = company._data.loaded.tables["leads"]
    assert (table.rows, table.used, table.refused) == (3, 2, 1)


def test_a_file_split_in_two_is_the_same_company(written, tmp_path) -> None:  # type: ignore[no-untyped-def]
    whole = written(
        {"leads.csv": "lead_id,created_at,channel\n1,2026-09-01,a\n2,2026-09-02,B\n3,2026-09-03,b\n"}
    )
    print_whole = whole.fingerprint()
    (tmp_path / "acme" / "leads.csv").unlink()
    split = written(
        {"x.csv": "channel,lead_id,created_at\nb,3,2026-09-03\na,1,2026-09-01\n",
         "y.csv": "lead_id,created_at,channel\n2,2026-09-02,B\n"},
        '[company]\nname = "acme"\n[tables.leads]\nunion = ["x.csv", "y.csv"]\n',
    )  # fmt: skip
    assert split.fingerprint() == print_whole


def test_numbers_as_the_mapping_says(written) -> None:  # type: ignore[no-untyped-def]
    company = written(
        {
            "orders.csv": "order_id;ordered_at;amount\n1;2026-09-01;1.234,56\n2;2026-09-01;12\n3;2026-09-01;1,234.5\n"
        },
        '[tables.orders]\ndecimal = ","\nthousands = "."\n',
    )
    frame = company.fetch(company["orders"].order_by("order_id"))
    assert [str(a) for a in frame.amount] == ["1234.5600", "12.0000"]
    assert [(p.row, p.code) for p in company.problems] == [(4, "not_a_number")]


def test_encoding_and_delimiter_as_the_mapping_says(written) -> None:  # type: ignore[no-untyped-def]
    company = written(
        {"accounts.csv": "account_id~name\n1~Café\n".encode("cp1252")},
        '[tables.accounts]\nencoding = "cp1252"\ndelimiter = "~"\n',
    )
    assert company.fetch(company["accounts"]).name[0] == "Café"


def test_a_constant_date_makes_a_table_undated(written) -> None:  # type: ignore[no-untyped-def]
    company = written(
        {"orders.csv": "order_id,amount\n1,5\n", "leads.csv": "lead_id,created_at\n1,2026-09-01\n"},
        "[tables.orders.columns]\nordered_at = { value = 2017-08-30 }\n",
    )
    assert company.undated == frozenset({"orders"})
    assert company.complete_until("orders") is None
    assert str(company.as_of) == "2026-09-01"


def mistake(written, columns: str, extra: str = "") -> str:  # type: ignore[no-untyped-def]
    with pytest.raises(SettingsError) as caught:
        written(
            {"contacts.csv": CRM},
            f'[tables.leads]\nfrom = "contacts.csv"\n{extra}\n[tables.leads.columns]\ncreated_at = "Created"\n{columns}\n',  # noqa: E501
        )
    return str(caught.value)


def test_a_missing_column_names_line_and_near_match(written) -> None:  # type: ignore[no-untyped-def]
    text = mistake(written, 'lead_id = "Record Id"')
    assert "alignment.toml, line 6" in text
    assert "'Record Id'" in text
    assert "Did you mean 'Record ID'" in text


def test_all_mistakes_come_at_once(written) -> None:  # type: ignore[no-untyped-def]
    text = mistake(
        written, 'lead_id = "Nope"\nneed = { sql = "foo" }\nmarketing_score = { sql = "sum(points)" }'
    )
    assert text.count("line") >= 3


@pytest.mark.parametrize(
    "sql",
    [
        "(SELECT 1)",
        "(SELECT max(points) FROM read_csv('/etc/passwd'))",
        "read_text('/etc/passwd')",
        "points; DROP TABLE x",
        "points FROM read_csv('x')",
        "sum(points)",
        "row_number() over ()",
        "getenv('HOME')",
        "current_setting('temp_directory')",
        "random()",
        "now()",
        "current_date",
        "exists (select 1)",
        "points IN (SELECT 1)",
        "*",
        "points AS x",
        "points, points",
        "nope",
        "t.points",
        "points +",
        "",
        "$1",
        "?",
        "unnest([1,2])",
        "list_transform([1], x -> x)",
        "points::INTEGER[]",
        "nextval('s')",
        "query('x')",
        "columns('.*')",
    ],
)
def test_only_a_scalar_expression_over_columns_is_allowed(written, sql: str) -> None:  # type: ignore[no-untyped-def]
    quoted = sql.replace('"', '\\"')
    text = mistake(written, f'lead_id = "Record ID"\nneed = {{ sql = "{quoted}" }}')
    assert "line 7" in text


def test_an_expression_that_fails_on_a_cell_refuses_the_table(written) -> None:  # type: ignore[no-untyped-def]
    company = written(
        {"contacts.csv": CRM, "lists.csv": "list_id\n1\n"},
        MAPPED.replace('"points * 10"', '"CAST(lifecycle AS INTEGER)"'),
    )
    (problem,) = company.problems
    assert (problem.table, problem.code) == ("leads", "engine_refused")
    assert "'lead'" in problem.message
    assert company.tables == ("lists",)


@pytest.mark.parametrize(
    "where",
    ["lifecycle = (SELECT 1)", "true; DELETE FROM x", "1=1 UNION SELECT 2", "lifecycle LIKE '%' LIMIT 1"],
)
def test_a_condition_is_one_expression_too(written, where: str) -> None:  # type: ignore[no-untyped-def]
    assert "line 3" in mistake(written, 'lead_id = "Record ID"', f'where = "{where}"')


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("points + 1", ["8", "9", "-"]),
        ("CASE WHEN points > 7 THEN 'hot' ELSE 'cold' END", ["cold", "hot", "cold"]),
        ("CASE WHEN lifecycle = 'lead' THEN -points ELSE points END", ["-7.0", "8", "-"]),
        ("lower(Source)", ["google ads", "select", "organic"]),
        ("\"Owner Name\" || '/' || lifecycle", ["Ann/lead", "Bo/test", "-"]),
        ("coalesce(lifecycle, 'none')", ["lead", "test", "none"]),
        ("nullif(Source, 'Select')", ["Google Ads", "-", "organic"]),
        ("split_part(Source, ' ', 1)", ["Google", "Select", "organic"]),
        ("Source IN ('organic', 'Select')", ["false", "true", "true"]),
        ("regexp_replace(Source, '[a-z]', '', 'g')", ["G A", "S", "-"]),
        ("round(points / 2, 1)", ["3.5", "4.0", "-"]),
    ],
)
def test_expressions_that_are_allowed(written, sql: str, expected: list[str]) -> None:  # type: ignore[no-untyped-def]
    quoted = sql.replace('"', '\\"')
    company = written(
        {"contacts.csv": CRM.replace("05.09.2026", "2026-09-05").replace("06.09.2026", "2026-09-06").replace("07.09.2026", "2026-09-07")},  # noqa: E501
        f'[tables.leads]\nfrom = "contacts.csv"\n[tables.leads.columns]\ncreated_at = "Created"\nlead_id = "Record ID"\n'  # noqa: E501
        f'need = {{ sql = "{quoted}" }}\n',
    )  # fmt: skip
    got = [v.removesuffix(".0") if v in ("8.0", "9.0") else v for v in leads(company).need.fillna("-")]
    assert got == expected


def test_a_mapping_does_not_leave_the_folder_by_dots(written, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "outside.csv").write_text("lead_id,created_at\n1,2026-09-01\n")
    with pytest.raises(SettingsError, match="must not leave the data folder"):
        written({"x.csv": "a\n"}, '[tables.leads]\nfrom = "../outside.csv"\n')
    company = written({"x.csv": "a\n"}, f'[tables.leads]\nfrom = "{tmp_path / "outside.csv"}"\n')
    assert company.quality[0].rows == 1


def test_a_file_that_is_not_there_names_the_near_match(written) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SettingsError, match=r"line 2.*Did you mean 'contacts\.csv'"):
        written({"contacts.csv": CRM}, '[tables.leads]\nfrom = "contact.csv"\n')


def test_unknown_tables_and_columns_of_a_mapping(written) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SettingsError, match="Did you mean 'leads'"):
        written({"contacts.csv": CRM}, '[tables.lead]\nfrom = "contacts.csv"\n')


def test_nothing_is_written_into_the_data_folder(written, tmp_path) -> None:  # type: ignore[no-untyped-def]
    written({"contacts.csv": CRM}, MAPPED)
    folder = tmp_path / "acme"
    before = {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.iterdir()}
    os.chmod(folder, 0o555)  # noqa: PTH101
    try:
        company = written({}, None)
        company.fingerprint()
    finally:
        os.chmod(folder, 0o755)  # noqa: PTH101
    assert {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.iterdir()} == before


def test_online_retail_by_a_mapping_gives_its_reference_numbers(real_data: Path, tmp_path: Path) -> None:
    toml = tmp_path / "alignment.toml"
    toml.write_text(
        f'[source]\nurl = "{real_data / "online_retail"}"\n[tables.orders]\nfrom = "online_retail.parquet"\n'
        'where = "CustomerID IS NOT NULL AND Quantity > 0 AND UnitPrice > 0"\n[tables.orders.columns]\n'
        'order_id = "InvoiceNo"\nordered_at = "InvoiceDate"\naccount_id = "CustomerID"\n'
        'amount = { sql = "Quantity * UnitPrice" }\n'
    )
    company = Company.open(toml)
    orders = company["orders"]
    found = orders.agg(
        lines=orders.count(),
        orders=orders.order_id.nunique(),
        clients=orders.account_id.nunique(),
        sum=orders.amount.sum(),
    )
    assert [str(v) for v in company.fetch(found).iloc[0]] == ["397884", "18532", "4338", "8911407.9040"]


def test_facebook_ads_by_a_mapping_give_their_spend(real_data: Path, tmp_path: Path) -> None:
    toml = tmp_path / "alignment.toml"
    toml.write_text(
        f'[source]\nurl = "{real_data / "kag_facebook_ads"}"\n[tables.spend]\nfrom = "KAG_conversion_data.csv"\n'
        '[tables.spend.columns]\nspent_on = { value = 2017-08-30 }\namount = "Spent"\ncampaign_id = "xyz_campaign_id"\n'
    )
    company = Company.open(toml)
    assert str(company.fetch(company["spend"].amount.sum()).iloc[0, 0]) == "58705.2300"
    assert company.undated == frozenset({"spend"})
