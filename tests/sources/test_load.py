"""Loading: every problem found and counted, every row accounted for."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alignment_toolkit.company import Company

LEADS = "lead_id,created_at\n1,2026-09-01\n2,2026-09-02\n3,2026-09-03\n"


def found(company: Company) -> list[tuple[str, str | None, int | None, str | None, str | None]]:
    return [(p.code, p.table, p.row, p.column, p.value) for p in company.problems]


def test_three_clean_rows(written) -> None:  # type: ignore[no-untyped-def]
    company = written({"leads.csv": LEADS})
    assert company.problems == ()
    assert company.quality[0].rows == 3
    assert company.fetch(company["leads"].lead_id.count()).iloc[0, 0] == 3


def test_all_problems_come_at_once_with_file_row_column_and_value(written) -> None:  # type: ignore[no-untyped-def]
    company = written(
        {
            "leads.csv": "lead_id,created_at,marketing_score,sourced_by\n"
            "a,2026-09-01,50,marketing\n"
            ",2026-09-02,50,sales\n"
            "c,31.12.2026,101,sals\n"
            "d,2026-09-04,x,\n",
            "orders.csv": "order_id,ordered_at,amount\n1,2026-09-01,1.234,56\n2,2026-09-01,\n3,2026-09-01,3\n",
        }
    )
    assert sorted(found(company)) == sorted(
        [
            ("missing_value", "leads", 3, "lead_id", None),
            ("not_a_timestamp", "leads", 4, "created_at", "31.12.2026"),
            ("out_of_range", "leads", 4, "marketing_score", "101"),
            ("unknown_word", "leads", 4, "sourced_by", "sals"),
            ("not_a_number", "leads", 5, "marketing_score", "x"),
            ("ragged_row", "orders", 2, None, None),
            ("missing_value", "orders", 3, "amount", None),
        ]
    )
    assert all(p.level == "error" and p.file in ("leads.csv", "orders.csv") for p in company.problems)
    texts = "\n".join(p.message for p in company.problems)
    assert (
        "leads.csv, row 4: sourced_by is 'sals'; it is none of the allowed words. Did you mean 'sales'"
        in texts
    )
    assert "leads.csv, row 4: marketing_score is '101'; it must be 0 to 100." in texts
    assert [(q.table, q.rows, q.rejected) for q in company.quality] == [("leads", 1, 3), ("orders", 1, 2)]


def test_many_faults_are_counted_and_the_first_listed(written) -> None:  # type: ignore[no-untyped-def]
    rows = "".join(f"{i},x\n" for i in range(30))
    company = written({"leads.csv": f"lead_id,created_at\n{rows}"})
    assert len(company.problems) == 21
    assert company.problems[-1].message == (
        "leads.csv: 10 more rows in which created_at has the same problem (not_a_timestamp)."
    )
    assert company.quality[0].rejected == 30


def test_many_ragged_rows_stand_for_as_many_problems(written) -> None:  # type: ignore[no-untyped-def]
    """`check` adds up what each line stands for: of 1,500 torn rows it said '16 more of this kind'."""
    company = written({"leads.csv": "lead_id,created_at\n" + "1\n" * 1500})
    assert sum(p.count for p in company.problems if p.code == "ragged_row") == 1500
    assert company.problems[20].message == "leads.csv: 1,480 more rows with too many or too few cells."


def test_warnings_keep_the_row(written) -> None:  # type: ignore[no-untyped-def]
    company = written({"orders.csv": "order_id,ordered_at,amount\n1,2026-09-01,1.23456\n"})
    assert found(company) == [("rounded", "orders", 2, "amount", "1.23456")]
    assert company.problems[0].level == "warning"
    assert company.quality[0].rows == 1


def test_a_missing_required_column_refuses_the_table_and_names_the_near_match(written) -> None:  # type: ignore[no-untyped-def]
    company = written({"leads.csv": "lead_id,created\n1,2026-09-01\n", "lists.csv": "list_id\n1\n"})
    assert found(company) == [("missing_column", "leads", None, "created_at", None)]
    assert company.problems[0].message == "leads.csv has no column 'created_at'. Did you mean 'created'?"
    assert company.tables == ("lists",)
    assert company.refused == {"leads": company.problems[0].message}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "empty_file"),
        ("lead_id,lead_id\n", "duplicate_header"),
        ('lead_id,created_at\n1,"x\n', "unclosed_quote"),
    ],
)
def test_a_file_that_cannot_be_read_refuses_the_table(written, content: str, code: str) -> None:  # type: ignore[no-untyped-def]
    company = written({"leads.csv": content, "lists.csv": "list_id\n1\n"})
    assert [p.code for p in company.problems] == [code]
    assert "leads" in company.refused
    assert "leads" not in company.tables


def test_header_only_is_a_table_without_rows(written) -> None:  # type: ignore[no-untyped-def]
    company = written({"leads.csv": "lead_id,created_at\n"})
    assert [(p.code, p.level) for p in company.problems] == [("header_only", "warning")]
    assert company.has("leads", "created_at")
    assert company.quality[0].rows == 0
    assert str(company["leads"].schema()["created_at"]) == "timestamp(6)"


def test_defaults_fill_empty_cells_and_absent_columns(written) -> None:  # type: ignore[no-untyped-def]
    company = written(
        {
            "leads.csv": "lead_id,created_at,sourced_by\n1,2026-09-01,\n2,2026-09-01,sales\n",
            "touches.csv": "touch_id,touched_at,department\n1,2026-09-01,sales\n",
        }
    )
    assert list(company.fetch(company["leads"].order_by("lead_id")).sourced_by) == ["marketing", "sales"]
    assert list(company.fetch(company["touches"]).automated) == [False]


def test_an_empty_department_is_that_of_the_person(written) -> None:  # type: ignore[no-untyped-def]
    company = written(
        {
            "people.csv": "person_id,department\np1,Sales\np2,marketing\n",
            "touches.csv": "touch_id,touched_at,department,actor\n"
            "1,2026-09-01,,p1\n2,2026-09-01,service,p1\n3,2026-09-01,,p9\n",
            "assessments.csv": "assessment_id,account_id,assessed_at,assessor\n1,a,2026-09-01,p2\n",
        }
    )
    touches = company.fetch(company["touches"].order_by("touch_id"))
    assert list(touches.department) == ["sales", "service"]
    assert list(company.fetch(company["assessments"]).department) == ["marketing"]
    assert found(company) == [("missing_value", "touches", 4, "department", None)]


def test_without_people_the_department_is_needed(written) -> None:  # type: ignore[no-untyped-def]
    company = written(
        {"touches.csv": "touch_id,touched_at,actor\n1,2026-09-01,p1\n", "lists.csv": "list_id\n1\n"}
    )
    assert [p.code for p in company.problems] == ["missing_column"]


def test_words_are_shown_in_their_most_frequent_spelling(written) -> None:  # type: ignore[no-untyped-def]
    company = written(
        {
            "leads.csv": "lead_id,created_at,channel,need,owner\n"
            "1,2026-09-01,Google,SPEED,Ann\n2,2026-09-01, google ,Speed,ann\n3,2026-09-01,google,Speed,ANN\n"
            "4,2026-09-01,B,cost,x\n5,2026-09-01,b,  ,x\n",
            "campaigns.csv": "campaign_id,theme\n1,SPEED\n2,SPEED\n3,Cost\n",
        }
    )
    leads = company.fetch(company["leads"].order_by("lead_id"))
    assert list(leads.channel) == ["google"] * 3 + ["B"] * 2  # a tie goes to the alphabet
    assert list(leads.owner) == ["Ann", "ann", "ANN", "x", "x"]  # ids are never folded
    # A need and a theme are one vocabulary: three SPEED against two Speed; Cost before cost.
    assert list(leads.need.fillna("-")) == ["SPEED"] * 3 + ["Cost", "-"]
    assert list(company.fetch(company["campaigns"].order_by("campaign_id")).theme) == [
        "SPEED",
        "SPEED",
        "Cost",
    ]


def test_many_spellings_go_through_a_look_up(written) -> None:  # type: ignore[no-untyped-def]
    rows = "".join(f"{i},2026-09-01, w{i} \n" for i in range(100)) + "x,2026-09-01,\ny,2026-09-01,  \n"
    company = written({"leads.csv": f"lead_id,created_at,channel\n{rows}"})
    leads = company.fetch(company["leads"])
    assert set(leads.channel.dropna()) == {f"w{i}" for i in range(100)}
    assert leads.channel.isna().sum() == 2


def test_allowed_words_are_folded_and_currencies_capital(written) -> None:  # type: ignore[no-untyped-def]
    company = written(
        {
            "opportunities.csv": "opportunity_id,opened_at,outcome,currency\n1,2026-09-01,WON,eur\n2,2026-09-01, lost,USD\n"  # noqa: E501
        }
    )
    deals = company.fetch(company["opportunities"].order_by("opportunity_id"))
    assert list(deals.outcome) == ["won", "lost"]
    assert list(deals.currency) == ["EUR", "USD"]
    assert company.problems == ()


def test_a_blank_required_word_is_missing(written) -> None:  # type: ignore[no-untyped-def]
    company = written({"people.csv": 'person_id,department\n1,"  "\n2,sales\n'})
    assert found(company) == [("missing_value", "people", 2, "department", "  ")]
    assert company.quality[0].rows == 1


def test_further_columns_are_kept_as_text(written) -> None:  # type: ignore[no-untyped-def]
    company = written({"leads.csv": "lead_id,created_at,zip,NA\n1,2026-09-01,00123,NA\n"})
    frame = company.fetch(company["leads"])
    assert (frame.zip[0], frame.NA[0]) == ("00123", "NA")
    assert company.columns("leads")[-2:] == ("NA", "zip")


def test_a_near_miss_of_an_optional_column_is_a_warning(written) -> None:  # type: ignore[no-untyped-def]
    company = written({"leads.csv": "lead_id,created_at,chanel,colour\n1,2026-09-01,x,red\n"})
    assert found(company) == [("near_column", "leads", None, "chanel", None)]
    assert "Did you mean 'channel'" in company.problems[0].message


def test_columns_that_differ_only_in_case(written) -> None:  # type: ignore[no-untyped-def]
    company = written(
        {"a.csv": "lead_id,created_at,Zip,Channel,Sourced_By\n1,2026-09-01,7,x,y\n", "b.csv": "lead_id,created_at,zip\n2,2026-09-01,8\n"},  # noqa: E501
        '[tables.leads]\nunion = ["a.csv", "b.csv"]\n',
    )  # fmt: skip
    assert company.columns("leads") == ("lead_id", "created_at", "sourced_by", "Channel", "Zip")
    assert list(company.fetch(company["leads"].order_by("lead_id")).Zip) == ["7", "8"]
    found = [(p.code, p.column) for p in company.problems]
    assert found == [
        ("near_column", "Channel"),
        ("near_column", "Sourced_By"),
        ("column_alike", "Sourced_By"),
    ]


def test_a_planned_share_is_a_share(written) -> None:  # type: ignore[no-untyped-def]
    company = written(
        {
            "plan.csv": "dimension,key,department,measure,value\nproduct,a,sales,share,0.4\nproduct,b,sales,share,40\n"
            "kpi,arpu,sales,target,40\n"
        }
    )
    assert [(p.code, p.row, p.value) for p in company.problems] == [("out_of_range", 3, "40")]
    assert company.quality[0].rows == 2


def test_parquet_is_read_where_it_lies_with_the_same_checks(tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    folder.mkdir()
    frame = pd.DataFrame(
        {
            "order_id": ["1", "2", "3"],
            "ordered_at": pd.to_datetime(["2026-09-01 10:00", "2026-09-02 00:00", None]),
            "amount": [1.5, 2.25, 3.0],
            "channel": ["Web", "web ", "web"],
            "account_id": [17.0, None, 18.0],
            "extra": [1, 2, 3],
        }
    )
    frame.to_parquet(folder / "orders.parquet", index=False)
    company = Company.open(folder)
    assert [(p.code, p.row) for p in company.problems if p.level == "error"] == [("missing_value", 3)]
    assert [(p.code, p.row) for p in company.problems if p.code == "id_from_number"] == [
        ("id_from_number", 1),
        ("id_from_number", None),
    ]
    rows = company.fetch(company["orders"].order_by("order_id"))
    assert list(rows.channel) == ["web", "web"]
    assert [str(a) for a in rows.amount] == ["1.5000", "2.2500"]
    assert list(rows.extra) == ["1", "2"]
    assert rows.account_id[0] == "17"
    kinds = company.backend.con.execute(
        "SELECT view_name FROM duckdb_views() WHERE schema_name = 'main'"
    ).fetchall()
    assert ("orders",) in kinds


def test_merges_are_followed_in_parquet_too(tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    folder.mkdir()
    (folder / "accounts.csv").write_text("account_id,merged_into\na,\nb,a\n")
    (folder / "campaigns.csv").write_text("campaign_id,merged_into\nk,\nl,k\n")
    pd.DataFrame(
        {
            "lead_id": ["1"],
            "created_at": pd.to_datetime(["2026-09-01"]),
            "account_id": ["b"],
            "campaign_id": ["l"],
        }
    ).to_parquet(folder / "leads.parquet")
    company = Company.open(folder)
    row = company.fetch(company["leads"]).iloc[0]
    assert (row.account_id, row.campaign_id) == ("a", "k")
    temporary = company.backend.con.execute("SELECT count(*) FROM duckdb_tables() WHERE temporary").fetchone()
    assert temporary == (0,)


def test_a_parquet_column_of_an_impossible_type_refuses_the_table(tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    folder.mkdir()
    pd.DataFrame({"order_id": ["1"], "ordered_at": [20260901], "amount": [1.0]}).to_parquet(
        folder / "orders.parquet"
    )
    (folder / "lists.csv").write_text("list_id\n1\n")
    (folder / "leads.parquet").write_bytes(b"PAR1 but no more")
    company = Company.open(folder)
    codes = {p.table: p.code for p in company.problems}
    assert codes["orders"] == "wrong_type"
    assert codes["leads"] == "not_parquet"
    assert company.tables == ("lists",)


ROW = st.lists(
    st.sampled_from(
        ["a", "b1", "", "2026-09-01", "12", "1.5", "-3", "sales", "SALES ", "sals", "x,y", "nan", "200"]
    ),
    min_size=0,
    max_size=5,
)


@given(rows=st.lists(ROW, max_size=12))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_of_a_file_is_accounted_for(written, rows: list[list[str]]) -> None:  # type: ignore[no-untyped-def]
    header = ["spent_on", "amount", "department", "region"]
    lines = [",".join(f'"{c}"' if "," in c else c for c in row) for row in rows]
    company = written({"spend.csv": "\n".join([",".join(header), *lines]) + "\n"})
    table = company._data.loaded.tables["spend"]
    assert table.rows == len(rows) == table.used + table.refused + table.blank + table.left_out
    assert company.fetch(company["spend"].count()).iloc[0, 0] == table.used
    good = [
        r
        for r in rows
        if len(r) == 4
        and r[0] == "2026-09-01"
        and r[1] in ("12", "1.5", "-3", "200")
        and r[2] in ("", "sales", "SALES ")
    ]
    assert table.used == len(good)
    amounts = company.fetch(company["spend"].amount.sum()).iloc[0, 0]
    assert float(amounts or 0) == sum(float(r[1]) for r in good)


@given(
    ids=st.lists(st.text("0123456789aAbBeE-", min_size=1, max_size=18), min_size=1, max_size=12, unique=True)
)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_ids_stay_as_they_are(written, ids: list[str]) -> None:  # type: ignore[no-untyped-def]
    company = written({"leads.csv": "lead_id,created_at\n" + "".join(f"{i},2026-09-01\n" for i in ids)})
    assert sorted(company.fetch(company["leads"]).lead_id) == sorted(ids)


def test_the_months_edge_is_that_of_the_companys_zone(written) -> None:  # type: ignore[no-untyped-def]
    company = written(
        {"leads.csv": "lead_id,created_at\n1,2026-03-31T23:30Z\n2,2026-03-31T21:30Z\n"},
        '[company]\ntimezone = "Europe/Berlin"\n',
    )
    assert list(company.fetch(company.cohort("leads", "2026-04")).lead_id) == ["1"]
    assert company.complete_until("leads") == dt.date(2026, 4, 1)


def test_further_columns_may_be_called_anything(written) -> None:  # type: ignore[no-untyped-def]
    names = [
        "d",
        "n",
        "r",
        "m",
        "old",
        "root",
        "word",
        "person",
        "number",
        "row_number",
        "c0",
        "select",
        'a "b"',
        "it's",
    ]
    cells = ",".join(str(i) for i, _ in enumerate(names))
    header = ",".join(f'"{n.replace(chr(34), chr(34) * 2)}"' for n in names)
    company = written(
        {
            "people.csv": "person_id,department\np1,sales\n",
            "accounts.csv": f"account_id,merged_into,{header}\na,,{cells}\nb,a,{cells}\n",
            "touches.csv": f"touch_id,touched_at,department,actor,account_id,{header}\n1,2026-09-01,,p1,b,{cells}\n",
            "orders.csv": f"order_id,ordered_at,amount,account_id,{header}\n1,2026-09-01,1,b,{cells}\n",
        }
    )
    assert [p.code for p in company.problems] == ["merged"]
    for table in ("accounts", "touches", "orders"):
        row = company.fetch(company[table]).iloc[0]
        assert [row[n] for n in names] == [str(i) for i, _ in enumerate(names)]
        assert row.account_id == "a"
