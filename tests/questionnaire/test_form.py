"""From the blank form to the canonical table and back: a round trip, every mistake named at once, nobody named."""

from __future__ import annotations

import csv
import random
import zipfile

import openpyxl
import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.errors import DataError, MissingTable, ParameterError
from alignment_toolkit.questionnaire import read_returned, read_survey, write_form, write_survey
from alignment_toolkit.questionnaire.layout import ANSWER, DEPARTMENT_CELL, FIRST_ROW, SHEET, WAVE_CELL
from alignment_toolkit.statistics.instrument import ITEMS

IDS = [item.id for item in ITEMS]


def filled(path, form, department, answers):
    book = openpyxl.load_workbook(form)
    sheet = book[SHEET]
    sheet.cell(*DEPARTMENT_CELL, value=department)
    for row, item in enumerate(IDS, start=FIRST_ROW):
        if answers.get(item) is not None:
            sheet.cell(row, ANSWER, value=answers[item])
    book.save(path)
    return path


@pytest.fixture(scope="module")
def form(tmp_path_factory):
    return write_form(
        tmp_path_factory.mktemp("form") / "form", company='=HYPERLINK("http://x")', wave="2026-Q3"
    )


def test_the_form_asks_every_item_with_a_list_of_answers(form):
    assert form.suffix == ".xlsx"
    sheet = openpyxl.load_workbook(form)[SHEET]
    assert [sheet.cell(row, 1).value for row in range(FIRST_ROW, FIRST_ROW + 32)] == IDS
    assert [sheet.cell(row, 2).value for row in range(FIRST_ROW, FIRST_ROW + 32)] == [i.text for i in ITEMS]
    lists = {str(v.sqref): v.formula1 for v in sheet.data_validations.dataValidation}
    assert len(lists) == 33
    assert set(lists.values()) == {'"1,2,3,4,5"', '"marketing,sales"'}
    assert sheet.protection.sheet
    assert not sheet.cell(FIRST_ROW, ANSWER).protection.locked
    assert sheet.cell(*WAVE_CELL).value == "2026-Q3"
    words = " ".join(str(c.value) for row in sheet.iter_rows() for c in row if c.value)
    assert "Privacy: your name is not asked for" in words


def test_nothing_on_the_form_is_a_formula_or_a_link(form):
    with zipfile.ZipFile(form) as packed:
        text = packed.read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in text
        assert "hyperlink" not in text
    assert openpyxl.load_workbook(form)[SHEET].cell(2, 2).data_type == "s"


def test_the_same_form_is_the_same_bytes(form, tmp_path):
    again = write_form(tmp_path / "again.xlsx", company='=HYPERLINK("http://x")', wave="2026-Q3")
    assert again.read_bytes() == form.read_bytes()


def test_round_trip(form, tmp_path):
    chance = random.Random(4)
    sent = {}
    for i in range(3):
        answers = {item: chance.choice([1, 2, 3, 4, 5, None]) for item in IDS}
        sent[tuple(answers.items())] = ("Sales", "marketing", " SALES ")[i].strip().casefold()
        filled(tmp_path / f"Ann Miller {i}.xlsx", form, ("Sales", "marketing", " SALES ")[i], answers)
    files = sorted(tmp_path.glob("*.xlsx"))
    rows = read_returned(files)
    back = {}
    for who in sorted({r["respondent_id"] for r in rows}):
        own = [r for r in rows if r["respondent_id"] == who]
        answers = {item: next((r["answer"] for r in own if r["item"] == item), None) for item in IDS}
        back[tuple(answers.items())] = own[0]["department"]
    assert back == sent
    assert {r["wave"] for r in rows} == {"2026-Q3"}
    written = write_survey(rows, tmp_path / "company" / "survey.csv")
    assert b"Ann" not in written.read_bytes()
    # Whose form it was is not in the numbers: the order of the files changes nothing.
    assert read_returned(files[::-1]) == rows
    assert list(csv.DictReader(written.read_text().splitlines())) == [
        {k: str(v) for k, v in r.items()} for r in rows
    ]
    company = Company.open(tmp_path / "company")
    assert company.problems == ()
    assert len(company.fetch(company["survey"])) == len(rows)


def test_a_wide_file_is_read_as_the_forms_are(form, tmp_path):
    answers = [{"c01": 4, "t12": 2}, {"c01": 1, "c20": 5}]
    forms = [filled(tmp_path / f"{i}.xlsx", form, "sales", a) for i, a in enumerate(answers)]
    head = "\ufeffRespondent_ID;Department;C01;c20;t12;wave;remark\n"
    text = head + "ann@x.org;sales;4;;2;2026-Q3;hello\n;Sales;1;5;;2026-Q3;\n;;;;;;\n"
    wide = tmp_path / "wide.csv"
    wide.write_text(text, encoding="utf-8")
    assert read_returned([wide]) == read_returned(forms)
    book = openpyxl.Workbook()
    for row in (["department", "c01", "c20", "t12"], ["sales", 4, None, 2.0], ["sales", 1, "5", None]):
        book.active.append(row)
    book.save(tmp_path / "wide.xlsx")
    assert read_returned([tmp_path / "wide.xlsx"], wave="2026-Q3") == read_returned(forms)


def test_every_mistake_is_told_at_once_with_file_row_column_and_value(form, tmp_path):
    bad = filled(tmp_path / "bad.xlsx", form, "salse", {"c02": 6, "c03": "yes"})
    empty = filled(tmp_path / "empty.xlsx", form, "sales", {})
    wide = tmp_path / "wide.csv"
    wide.write_text("respondent_id,department,c01\nx,sales,3\nx,sales,4.5\ny,,2\n", encoding="utf-8")
    (tmp_path / "odd.csv").write_text("departmnt,c01\nsales,1\n", encoding="utf-8")
    (tmp_path / "broken.xlsx").write_bytes(b"no workbook")
    files = [
        bad,
        empty,
        wide,
        tmp_path / "odd.csv",
        tmp_path / "broken.xlsx",
        tmp_path / "gone.csv",
        tmp_path / "a.pdf",
    ]
    (tmp_path / "a.pdf").write_bytes(b"")
    with pytest.raises(DataError) as caught:
        read_returned(files)
    told = [(p.file, p.row, p.column, p.value, p.code) for p in caught.value.problems]
    assert told == [
        ("bad.xlsx", DEPARTMENT_CELL[0], "department", "salse", "department"),
        ("bad.xlsx", FIRST_ROW + 1, "c02", "6", "answer"),
        ("bad.xlsx", FIRST_ROW + 2, "c03", "yes", "answer"),
        ("empty.xlsx", None, None, None, "no_answer"),
        ("wide.csv", 3, "c01", "4.5", "answer"),
        ("wide.csv", 3, "respondent_id", "x", "person_twice"),
        ("wide.csv", 4, "department", None, "department"),
        ("odd.csv", 1, None, None, "missing_column"),
        ("broken.xlsx", None, None, None, "unreadable"),
        ("gone.csv", None, None, None, "no_file"),
        ("a.pdf", None, None, None, "no_form"),
    ]
    message = str(caught.value)
    assert "Did you mean 'sales'?" in message
    assert (
        "bad.xlsx, row 13, column c02: An answer is a whole number from 1 to 5, or empty. It holds '6'."
        in message
    )
    assert "Did you mean 'departmnt'?" in message


def test_a_form_whose_rows_were_moved_is_refused(form, tmp_path):
    path = filled(tmp_path / "moved.xlsx", form, "sales", {"c01": 3})
    book = openpyxl.load_workbook(path)
    book[SHEET].delete_rows(FIRST_ROW)
    book.save(path)
    with pytest.raises(DataError, match="The form was changed: the row of c01"):
        read_returned([path])


def test_a_file_named_twice_and_no_file_are_refused(form, tmp_path):
    path = filled(tmp_path / "one.xlsx", form, "sales", {"c01": 3})
    with pytest.raises(DataError, match="named more than once"):
        read_returned([path, tmp_path / "." / "one.xlsx"])
    with pytest.raises(ParameterError, match="No file"):
        read_returned([])
    with pytest.raises(ParameterError, match="A wave is named like"):
        write_form(tmp_path / "x.xlsx", wave="=1+1")


def test_a_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)
    with pytest.raises(DataError, match="too large"):
        read_returned([path])


def test_the_sample_is_read(sample_dir):
    company = Company.open(sample_dir)
    found = read_survey(company)
    assert (found.wave, [r["department"] for r in found.people]) == ("2026-Q3", ["marketing", "sales"])
    assert found.wave in found.waves
    assert len(found.items) == 32
    assert {r["name"] for r in found.numbers} >= {"total", "perception_gap", "bounds", "world_competence"}
    before = read_survey(company, found.waves[0])
    assert before.wave == found.waves[0]
    assert before.people != found.people
    with pytest.raises(ParameterError, match=f"Did you mean '{found.wave}'"):
        read_survey(company, "2026Q3")


def test_without_a_survey_the_way_to_one_is_named(tmp_path):
    (tmp_path / "results.csv").write_text(
        "result_id,kind,count,on\n1,clicks,3,2026-09-01\n", encoding="utf-8"
    )
    with pytest.raises(MissingTable) as said:
        read_survey(Company.open(tmp_path))
    assert str(said.value) == (
        "There is no table 'survey' (`alignment survey form` makes a form to send out, `alignment survey import` reads"
        " it). There is: results."
    )


def test_a_survey_that_was_refused_is_not_said_to_be_missing(tmp_path):
    (tmp_path / "survey.csv").write_text("respondent_id,department,item\nr1,sales,c01\n", encoding="utf-8")
    with pytest.raises(MissingTable, match=r"no table 'survey' \(.*answer"):
        read_survey(Company.open(tmp_path))
