"""Company: tables, cohorts, slices, the one gate, what is complete, the fingerprint."""

from __future__ import annotations

import datetime as dt
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import ibis
import ibis.expr.operations as ops
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alignment_toolkit.company import Company
from alignment_toolkit.errors import (
    BeyondPart,
    DataError,
    MissingColumn,
    MissingTable,
    ParameterError,
    PeriodError,
    TooManyRows,
    UnknownName,
)
from alignment_toolkit.periods import Period
from alignment_toolkit.relations import RELATIONS
from alignment_toolkit.tables import TABLES

FILES = {
    "accounts.csv": "account_id,name,region,industry\na,A,North,Food\nb,B,south,Cars\nc,C,,Cars\n",
    "campaigns.csv": "campaign_id,channel,theme\nk,email,speed\nl,paid_search,cost\n",
    "leads.csv": "lead_id,created_at,account_id,campaign_id,channel,qualified_at\n"
    "1,2026-06-30T23:59:59,a,k,email,2026-07-02\n2,2026-07-01,b,l,paid_search,\n"
    "3,2026-09-30T23:00,c,k,Email,2026-10-02\n4,2026-10-01,zz,l,,\n",
    "touches.csv": "touch_id,touched_at,department,channel,lead_id,account_id\n"
    "t1,2026-07-03,sales,phone,1,a\nt2,2026-07-04,sales,email,2,b\nt3,2026-10-05,marketing,email,,c\n",
    "orders.csv": "order_id,ordered_at,amount,account_id\no1,2026-07-10,100,a\no2,2026-08-10,50,b\no3,2026-08-11,7,\n",
    "rates.csv": "currency,valid_on,rate\nUSD,2026-01-01,0.9\n",
    "survey.csv": "respondent_id,department,item,answer\nx,sales,c01,5\n",
}

Written = Callable[..., Company]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "acme"
    path.mkdir()
    for name, text in FILES.items():
        (path / name).write_text(text)
    return path


@pytest.fixture
def company(folder: Path) -> Company:
    return Company.open(folder)


def ids(company: Company, table: object, column: str) -> list[str]:
    return sorted(company.fetch(table[column].name("x")).x)  # type: ignore[index]


def test_what_is_there(company: Company) -> None:
    assert company.tables == ("accounts", "campaigns", "leads", "orders", "touches", "survey", "rates")
    assert company.has("leads")
    assert company.has("leads", "channel", "sourced_by")
    assert not company.has("leads", "need")
    assert not company.has("people")
    assert company.columns("rates") == ("currency", "valid_on", "rate")
    assert company.missing({"leads": ("created_at",)}) == ()
    assert company.missing({"touches": ("theme", "touched_at"), "people": ("name", "team"), "work": ()}) == (
        "touches.theme",
        "people.name",
        "people.team",
        "work",
    )
    assert "acme" in repr(company)


def test_types_are_canonical(company: Company) -> None:
    for table in company.tables:
        schema = company[table].schema()
        for column in company.columns(table):
            spec = TABLES[table].columns[column]
            kind = schema[column]
            expected = {
                "timestamp": kind.is_timestamp() and kind.timezone is None,
                "date": kind.is_date(),
                "money": str(kind) == "decimal(18, 4)",
                "bool": kind.is_boolean(),
                "integer": str(kind) == "int64",
                **dict.fromkeys(("number", "share", "score"), str(kind) == "float64"),
                **dict.fromkeys(("id", "text", "word"), kind.is_string()),
            }
            assert expected[spec.type], (table, column, kind)


def test_an_absent_table_says_what_is_there(company: Company) -> None:
    with pytest.raises(MissingTable, match=r"no table 'people'.*There is: accounts"):
        company["people"]
    with pytest.raises(MissingTable, match="Did you mean 'leads'"):
        company["lead"]


def test_a_refused_table_says_why(folder: Path) -> None:
    (folder / "leads.csv").write_text("lead_id,created_at\n1,2026-09-01\n1,2026-09-01\n")
    company = Company.open(folder)
    with pytest.raises(MissingTable, match="lead_id more than once: '1'"):
        company["leads"]
    assert not company.has("leads")
    with pytest.raises(DataError, match="Refused as a whole: leads") as caught:
        company.require_clean()
    assert [p.code for p in caught.value.problems] == ["duplicate_id"]


def test_clean_data_and_refused_rows_pass(company: Company, folder: Path) -> None:
    company.require_clean()
    (folder / "rates.csv").write_text("currency,valid_on,rate\nUSD,2026-01-01,x\n")
    Company.open(folder).require_clean()


def test_cohorts_are_half_open_on_their_own_date(company: Company) -> None:
    assert ids(company, company.cohort("leads", "2026-Q3"), "lead_id") == ["2", "3"]
    assert ids(company, company.cohort("leads", Period.parse("2026-Q2")), "lead_id") == ["1"]
    assert ids(company, company.cohort("leads", "2026-Q3", on="qualified_at"), "lead_id") == ["1"]
    assert ids(company, company.cohort("leads", "2026-07-01..2026-09-30"), "lead_id") == ["2", "3"]
    assert ids(company, company.cohort("rates", "2026-01"), "currency") == ["USD"]
    with pytest.raises(PeriodError):
        company.cohort("leads", "2026-Q5")
    with pytest.raises(MissingColumn, match="Did you mean 'created_at'"):
        company.cohort("leads", "2026", on="create_at")
    with pytest.raises(MissingColumn):
        company.cohort("survey", "2026")


def test_the_fiscal_year_of_the_settings_holds(folder: Path) -> None:
    (folder / "alignment.toml").write_text("[company]\nfiscal_year_starts = 10\n")
    company = Company.open(folder)
    assert ids(company, company.cohort("leads", "FY2026"), "lead_id") == ["1", "2", "3"]


def test_complete_until_and_as_of(company: Company, folder: Path) -> None:
    assert company.complete_until("leads") == dt.date(2026, 10, 2)
    assert company.complete_until("touches") == dt.date(2026, 10, 5)
    assert company.complete_until("orders") == dt.date(2026, 8, 11)
    assert company.complete_until("rates") is None
    assert company.complete_until("people") is None
    assert company.as_of == dt.date(2026, 8, 11)
    assert company.as_of_of(("leads", "touches", "rates")) == dt.date(2026, 10, 2)
    assert company.as_of_of(("rates",)) is None
    assert company.as_of_of(()) is None
    text = "[company]\nas_of = 2026-09-30\n[tables.orders]\ncomplete_until = 2026-09-15\n"
    (folder / "alignment.toml").write_text(text)
    capped = Company.open(folder)
    assert capped.complete_until("orders") == dt.date(2026, 9, 15)
    assert capped.as_of_of(("leads",)) == dt.date(2026, 9, 30)
    assert capped.as_of == dt.date(2026, 7, 4)  # the last touch that is past by then
    assert Company.open(folder, as_of=dt.date(2026, 8, 1)).as_of == dt.date(2026, 7, 2)


def test_the_gate_has_a_limit(company: Company) -> None:
    assert len(company.fetch(company["leads"], limit=4)) == 4
    with pytest.raises(TooManyRows, match=r"more than 3 rows(.|\n)*SELECT"):
        company.fetch(company["leads"], limit=3)
    assert company.fetch(company["orders"].amount.sum()).iloc[0, 0] == 157
    assert list(company.fetch(company["orders"].order_id)["order_id"]) == ["o1", "o2", "o3"]


def test_the_gates_errors_carry_the_sql(company: Company) -> None:
    bad = company["leads"].mutate(x=company["leads"].lead_id.cast("int64"), y=ibis.literal("a").cast("int64"))
    with pytest.raises(DataError, match=r"(?s)engine refused.*SELECT"):
        company.fetch(bad)


def test_a_slice_narrows_every_table_that_can_be_narrowed(company: Company) -> None:
    north = company.narrowed("region", "North")
    assert north.tables == ("accounts", "leads", "orders", "touches")
    assert ids(north, north["accounts"], "account_id") == ["a"]
    assert ids(north, north["leads"], "lead_id") == ["1"]
    assert ids(north, north["orders"], "order_id") == ["o1"]
    assert ids(north, north["touches"], "touch_id") == ["t1"]
    assert not north.has("survey")
    with pytest.raises(BeyondPart) as told:
        north["survey"]
    assert str(told.value) == "Not told by region: nothing in survey says to which region a row belongs."
    assert north.missing({"rates": ("rate",)}) == ("rates.rate",)
    assert north.steps == (("region", "North"),)
    assert north.as_of == company.as_of


def test_the_missing_value_is_a_slice_too(company: Company) -> None:
    nowhere = company.narrowed("region", None)
    assert ids(nowhere, nowhere["accounts"], "account_id") == ["c"]
    assert ids(nowhere, nowhere["leads"], "lead_id") == [
        "3",
        "4",
    ]  # an account without region, and an unknown one
    assert ids(nowhere, nowhere["orders"], "order_id") == ["o3"]


def test_slices_part_the_whole(company: Company) -> None:
    for dimension in ("region", "industry", "channel", "theme"):
        whole = company.narrowed(dimension, None)
        parts = [company.narrowed(dimension, v) for v in company.values(dimension)] + [whole]
        for table in whole.tables:
            key = "order_id" if table == "orders" else TABLES[table].key
            assert sorted(i for p in parts for i in ids(p, p[table], key or "")) == ids(
                company, company[table], key or ""
            )


def test_the_own_column_goes_before_a_key(company: Company) -> None:
    email = company.narrowed("channel", "email")
    assert ids(email, email["leads"], "lead_id") == ["1", "3"]
    assert ids(email, email["campaigns"], "campaign_id") == ["k"]


def test_where_a_lead_came_from_is_not_how_a_touch_was_made(company: Company) -> None:
    assert company.values("channel") == ("email", "paid_search")
    email = company.narrowed("channel", "email")
    assert ids(email, email["touches"], "touch_id") == ["t1"]  # a phone call to a lead that came by email
    calls = company.narrowed("touches.channel", "phone")
    assert ids(calls, calls["touches"], "touch_id") == ["t1"]
    assert calls.tables == ("touches",)


def test_a_dimension_may_name_its_table(company: Company) -> None:
    cars = company.narrowed("accounts.industry", "Cars")
    assert ids(cars, cars["leads"], "lead_id") == ["2", "3"]
    assert company.values("accounts.industry") == ("Cars", "Food")


def test_slices_of_slices(company: Company) -> None:
    both = company.narrowed("region", "North").narrowed("channel", "email")
    assert ids(both, both["leads"], "lead_id") == ["1"]
    assert (
        both.fetch(
            company.narrowed("region", "North").narrowed("channel", "paid_search")["leads"].count()
        ).iloc[0, 0]
        == 0
    )
    assert company.narrowed("region", "North").values("industry") == ("Food",)


def test_the_size_of_a_project_is_no_size_of_a_client(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text("account_id,size\nA1,1-49\nA2,1000+\n")
    (tmp_path / "work.csv").write_text(
        "work_id,kind,started_on,scope,size\nW1,project,2026-01-05,joint,large\nW2,project,2026-01-06,joint,small\n"
    )
    company = Company.open(tmp_path)
    assert company.values("size") == ("1-49", "1000+")
    assert company.values("work.size") == ("large", "small")
    assert company.narrowed("work.size", "large")["work"].count().execute() == 1
    assert "work" not in company.narrowed("size", "1-49").tables


def test_a_value_is_found_in_any_spelling_and_a_wrong_one_named(company: Company) -> None:
    assert company.narrowed("region", " NORTH ").steps == (("region", "North"),)
    with pytest.raises(UnknownName, match=r"no value of region 'Nort'. Did you mean 'North'"):
        company.narrowed("region", "Nort")
    with pytest.raises(UnknownName, match=r"no dimension 'regio'. Did you mean 'region'"):
        company.narrowed("regio", "North")


def test_relations_are_computed_on_the_whole_and_then_narrowed(folder: Path) -> None:
    (folder / "orders.csv").write_text(
        "order_id,ordered_at,amount,account_id,channel\no1,2026-01-10,100,a,web\no2,2026-08-10,50,a,phone\n"
    )
    company = Company.open(folder)
    phone = company.narrowed("channel", "phone")
    assert ids(phone, phone.relation("sales"), "order_id") == ["o2"]
    # The client's first order came by another channel: in the slice it is not a new client of August.
    since = company.fetch(company.relation("clients")).set_index("account_id").client_since
    assert str(since["a"])[:10] == "2026-01-10"
    north = company.narrowed("region", "North")
    inside = north.fetch(north.relation("clients"))
    assert [str(v)[:10] for v in inside.client_since] == ["2026-01-10"]
    assert ids(north, north.relation("leads"), "lead_id") == ["1"]
    assert "client_since" in company.relation_columns("clients")
    assert company.relation_columns("leads") == company.columns("leads")
    with pytest.raises(UnknownName, match="Did you mean 'clients'"):
        company.relation("client")


def test_the_fingerprint_knows_no_order_but_every_cell(folder: Path) -> None:
    first = Company.open(folder).fingerprint()
    assert len(first) == 32
    for name, text in FILES.items():
        header, *rows = text.splitlines()
        columns = header.split(",")
        order = random.Random(name).sample(range(len(columns)), len(columns))
        random.Random(1).shuffle(rows)
        lines = [",".join(row.split(",")[i] for i in order) for row in [header, *rows]]
        (folder / name).write_text("\n".join(lines) + "\n")
    shuffled = Company.open(folder)
    assert shuffled.fingerprint() == first
    assert shuffled.narrowed("region", "North").fingerprint() == first
    (folder / "rates.csv").write_text("currency,valid_on,rate\nUSD,2026-01-01,0.90001\n")
    assert Company.open(folder).fingerprint() != first
    (folder / "rates.csv").write_text(FILES["rates.csv"])
    assert Company.open(folder).fingerprint() == first
    (folder / "orders.csv").write_text(FILES["orders.csv"] + "o4,2026-08-11,7,\n")
    assert Company.open(folder).fingerprint() != first


def test_the_fingerprint_knows_neither_threads_nor_zone_nor_language(folder: Path) -> None:
    script = (
        "import sys; from alignment_toolkit.company import Company\n"
        "c = Company.open(sys.argv[1]); print(c.fingerprint(), c.as_of)"
    )
    out = set()
    for zone, language in (("UTC", "C.UTF-8"), ("Asia/Kolkata", "de_DE.UTF-8")):
        environment = {"TZ": zone, "LC_ALL": language, "PATH": "", "PYTHONHASHSEED": "1"}
        run = subprocess.run(
            [sys.executable, "-c", script, str(folder)],
            capture_output=True,
            text=True,
            env=environment,
            check=True,
        )
        out.add(run.stdout)
    assert len(out) == 1


@given(rows=st.permutations(range(8)), split=st.integers(0, 8))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_row_order_and_file_split_change_nothing(tmp_path: Path, rows: list[int], split: int) -> None:
    lines = [f"{i},2026-09-{i + 1:02d},{'Web' if i % 3 else 'web'},{i / 7:.4f}" for i in range(8)]
    prints = []
    for order, at in ((list(range(8)), 8), (rows, split)):
        for name, part in (("a.csv", order[:at]), ("b.csv", order[at:])):
            text = "\n".join(["spent_on_id,spent_on,channel,amount", *(lines[i] for i in part)])
            (tmp_path / name).write_text(text.replace("spent_on_id", "spend_id") + "\n")
        (tmp_path / "alignment.toml").write_text('[tables.spend]\nunion = ["a.csv", "b.csv"]\n')
        prints.append(Company.open(tmp_path).fingerprint())
    assert prints[0] == prints[1]


def test_nothing_looks_at_the_clock(folder: Path) -> None:
    (folder / "orders.csv").write_text("order_id,ordered_at,amount\n1,2199-01-01,1\n")
    assert Company.open(folder).complete_until("orders") == dt.date(2199, 1, 1)


def test_two_companies_do_not_know_each_other(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "leads.csv").write_text("lead_id,created_at\nx,2026-01-01\n")
    first, second = Company.open(folder), Company.open(other)
    assert ids(first, first["leads"], "lead_id") == ["1", "2", "3", "4"]
    assert ids(second, second["leads"], "lead_id") == ["x"]


def test_the_sample_company_is_clean(sample_dir: Path) -> None:
    company = Company.open(sample_dir)
    assert set(company.tables) == set(TABLES)
    assert company.problems == ()
    assert company.as_of == dt.date(2026, 9, 30)
    assert "made up" in company.name


def test_a_wrong_place_is_a_parameter_error(tmp_path: Path) -> None:
    with pytest.raises(ParameterError):
        Company.open(tmp_path / "nowhere")


def test_relations_of_a_company_of_another_shape_are_built_anew(folder):
    """What is kept of one company serves another of the same shape, and none of another shape."""
    whole = Company.open(folder)
    before = in_order(whole.fetch(whole.relation("lead_outcomes")))
    assert Company.open(folder)._shape == whole._shape
    leads = (folder / "leads.csv").read_text(encoding="utf-8")
    (folder / "leads.csv").write_text(leads.replace("channel", "medium", 1), encoding="utf-8")
    other = Company.open(folder)
    assert other._shape != whole._shape
    assert "medium" in other.relation("lead_outcomes").columns
    (folder / "leads.csv").write_text(leads, encoding="utf-8")
    (folder / "alignment.toml").write_text("[company]\nepisode_days = 1\n", encoding="utf-8")
    assert Company.open(folder)._shape != whole._shape
    (folder / "alignment.toml").unlink()
    again = Company.open(folder)
    assert in_order(again.fetch(again.relation("lead_outcomes"))).equals(before)


def in_order(rows):
    """The engine gives rows in any order."""
    return rows.sort_values("lead_id").reset_index(drop=True)


def test_a_relation_names_all_that_it_is_made_from(sample):
    """The SQL of a relation is kept for later companies: what its tables stand on must be there before."""
    there = [name for name, r in RELATIONS.items() if not r.missing(sample)]
    assert {"clients", "lead_values", "discarded_episodes"} <= set(there)
    for name in there:
        tables = RELATIONS[name].build(sample).op().find(ops.DatabaseTable)
        stood_on = {t.name for t in tables if t.namespace.catalog == "temp"}
        assert stood_on == {f"relation {below}" for below in RELATIONS[name].stands_on}, name


def test_a_second_company_of_one_shape_may_ask_for_the_last_relation_first(folder):
    before = Company.open(folder)
    told = before.fetch(before.relation("lead_values").order_by("lead_id"))
    second = Company.open(folder)
    assert second.fetch(second.relation("lead_values").order_by("lead_id")).equals(told)
