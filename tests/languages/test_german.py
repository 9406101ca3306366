"""A German report holds no English sentence, writes numbers and days the German way, and leaves English as it was."""

from __future__ import annotations

import io
import re
from typing import Any

import openpyxl
import pptx
import pypdf
import pytest

from alignment_toolkit import charts
from alignment_toolkit.analysis import analyse
from alignment_toolkit.charts import as_number
from alignment_toolkit.company import Company
from alignment_toolkit.languages import speaking
from alignment_toolkit.languages.locale import numerals
from alignment_toolkit.questionnaire import read_returned, write_form
from alignment_toolkit.questionnaire.layout import ANSWER, DEPARTMENT_CELL, FIRST_ROW
from alignment_toolkit.report import Report, words
from alignment_toolkit.results import Analysis
from tests.report import builders
from tests.report.test_all_formats import READERS, flat, shown

# Words that no English sentence does without, and that are no German ones.
ENGLISH = re.compile(
    r"\b(the|and|of|is|are|which|with|that|from|for|not|than|were|have|has|their|where|been|its|these|those|"
    r"between|within|each|by|to|or|without|needs?)\b",
    re.IGNORECASE,
)
# What stands in a report as it came: paths of settings, ids, names of tables and columns, methods' proper names.
AS_IT_IS = re.compile(
    r"\b[\w-]+(?:[._]\w+)+|[a-z]+(?:-[a-z]+){1,4}\b|\[[a-z_.]+\]|calendar\.(?:from|to)|Case-by-case|\b[A-Z]{3}\b"
)


def english(text: str) -> list[str]:
    """Return the lines in which English words stand."""
    lines = re.split(r"[\n\u2028]", AS_IT_IS.sub(" ", text))
    # The value of a setting ([attribution] shapley) stands by itself.
    return [line.strip() for line in lines if ENGLISH.search(line) and line.strip("| ") != "within"]


def in_words(value: Any) -> Any:
    """Put a German word for every sentence of an Analysis: what is left in its report are the report's own words."""
    if isinstance(value, dict):
        return {k: in_words(v) for k, v in value.items()}
    if isinstance(value, list):
        return [in_words(v) for v in value]
    return "Wort" if isinstance(value, str) and " " in value.strip() else value


def in_german(analysis: Analysis) -> Analysis:
    data = in_words(analysis.to_json())
    data["settings"].setdefault("report", {})["language"] = "de"
    return Analysis.from_json(data)


@pytest.fixture(scope="module")
def told() -> Analysis:
    return builders.analysis()


@pytest.fixture(scope="module")
def german(told) -> dict[str, bytes]:
    report = Report.of(in_german(told))
    return {format: report.content(format) for format in READERS}


def texts(format: str, content: bytes) -> str:
    if format == "html":
        page = content.decode("utf-8")
        attributes = re.findall(r'(?:alt|aria-label)="([^"]*)"', page)
        body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
        return "\n".join([re.sub(r"<[^>]+>", "\n", body), *attributes])
    return READERS[format](content)


@pytest.mark.parametrize("format", READERS)
def test_the_reports_own_words_are_german(german, format):
    found = texts(format, german[format])
    assert "Abweichend" in found
    assert english(found) == []


def test_english_would_be_found(told):
    assert len(english(texts("html", Report.of(told).content("html")))) > 100
    assert english("Von 27 Fragen\nOf 27 questions") == ["Of 27 questions"]


def test_english_is_as_before_beside_a_german_report(told):
    before = Report.of(told).content("html")
    assert Report.of(in_german(told)).content("html") != before
    assert Report.of(told).content("html") == before


def test_each_format_says_that_it_is_german(german):
    assert b'<html lang="de">' in german["html"]
    assert pypdf.PdfReader(io.BytesIO(german["pdf"])).trailer["/Root"]["/Lang"] == "de"
    deck = pptx.Presentation(io.BytesIO(german["pptx"]))
    assert deck.core_properties.language == "de"
    assert {e.get("lang") for s in deck.slides for e in s._element.iter("{*}rPr") if e.get("lang")} == {
        "de-DE"
    }


def read_back(text: str) -> float:
    """Read a number as a German reader does."""
    found = re.search(r"-?[\d.]+(?:,\d+)?", text)
    assert found, text
    return float(found[0].replace(".", "").replace(",", ".")) / (100 if "%" in text else 1)


def test_numbers_come_back_from_their_german_form(told, german):
    page = flat(texts("html", german["html"]))
    with speaking("de"):
        for row in told.kpis:
            if row.by or row.grain is not None or row.status != "ok":
                continue
            value = as_number(row.value)
            text = charts.number(value, row.unit, told.currency)
            assert flat(text) in page
            assert value is not None
            assert read_back(text) == pytest.approx(value, rel=0.005, abs=0.006)
        assert words.day("2026-09-30") == "30.09.2026"
        assert "30.09.2026" in texts("html", german["html"])


def test_the_workbook_writes_the_same_numbers(german):
    page = flat(texts("html", german["html"]))
    book = openpyxl.load_workbook(io.BytesIO(german["xlsx"]))
    known = 0
    with speaking("de"):
        for row in book["Kennzahlen"].iter_rows(min_col=2, max_col=2):
            for cell in row:
                if isinstance(cell.value, (int, float)):
                    assert flat(numerals(shown(cell.value, cell.number_format))) in page
                    known += 1
    assert known > 3


def test_a_form_in_german_comes_back(tmp_path):
    form = write_form(tmp_path / "bogen.xlsx", company="Acme", wave="2026-Q3", language="de")
    book = openpyxl.load_workbook(form)
    sheet = book.active
    said = "\n".join(str(c.value) for row in sheet.iter_rows() for c in row if c.value)
    assert "Wie arbeiten Marketing und Vertrieb hier zusammen?" in said
    assert english(said.replace("alignment questionnaire, form 1", "")) == []
    sheet.cell(*DEPARTMENT_CELL).value = "Vertrieb"
    for number in range(20):
        sheet.cell(FIRST_ROW + number, ANSWER).value = 4
    book.save(form)
    rows = read_returned([form])
    assert {row["department"] for row in rows} == {"sales"}
    assert len(rows) == 20


# The whole sample -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(sample_dir) -> Analysis:
    company = Company.open(sample_dir)
    spoken = company.settings.report.model_copy(update={"language": "de"})
    object.__setattr__(company.settings, "report", spoken)
    return analyse(company, "2026-Q3")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["full", "executive", "workshop"])
def test_the_whole_report_of_the_sample_is_german(whole, kind):
    names = names_of(whole)
    report = Report.of(whole, kind=kind)
    for format in READERS if kind == "full" else ("html",):
        found = texts(format, report.content(format))
        for name in names:
            found = found.replace(name, " ")
        assert english(found) == [], format


def names_of(analysis: Analysis) -> list[str]:
    """Return what came from the data: names of products, campaigns, offers, and what stands in evidence."""
    found = {str(v) for f in analysis.findings for row in f.evidence.rows for v in row if isinstance(v, str)}
    found |= {f"\n{id}\n" for part in analysis.definitions.values() if isinstance(part, dict) for id in part}
    found |= {o["offer"] for c in analysis.definitions["value_map"]["categories"] for o in c["offers"]}
    return sorted((n for n in found if ENGLISH.search(n)), key=len, reverse=True)
