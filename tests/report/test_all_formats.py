"""What one format tells, all tell: the same findings, numbers and words, read back from the files; the same bytes."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import re
import subprocess
import sys
import time
import zipfile

import openpyxl
import pptx
import pypdf
import pytest

from alignment_toolkit import charts, units
from alignment_toolkit.charts import as_number
from alignment_toolkit.report import Report, words
from alignment_toolkit.report.blocks import Cell
from alignment_toolkit.report.xlsx.cells import number_of
from alignment_toolkit.results import Analysis
from tests.report import builders
from tests.report.hostile import Page

FILES = ("html", "pdf", "pptx", "xlsx")


def flat(text: str) -> str:
    """Leave out what a format adds: blanks, line breaks, marks for direction and for breaking long words."""
    return re.sub(r"[\s\u200b\u2060\u2066-\u2069]+", "", text).casefold()


def in_page(content: bytes) -> str:
    return Page(content.decode("utf-8")).text


def in_pdf(content: bytes) -> str:
    # A page's foot stands in the middle of a sentence that goes on on the next page.
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages]
    return "\n".join(re.sub(r"\n[^\n]*\n?\d+ / \d+\s*$", "", p) for p in pages)


def in_slides(content: bytes) -> str:
    told = []
    for slide in pptx.Presentation(io.BytesIO(content)).slides:
        for shape in slide.shapes:
            if shape.has_text_frame:
                told.append(shape.text_frame.text)
            if shape.has_table:
                told += [c.text_frame.text for row in shape.table.rows for c in row.cells]
        told.append(slide.notes_slide.notes_text_frame.text)
    return "\n".join(told)


def in_workbook(content: bytes) -> str:
    """Give the texts, and the numbers as their format writes them."""
    told = []
    for sheet in openpyxl.load_workbook(io.BytesIO(content)):
        for row in sheet.iter_rows():
            told += [shown(c.value, c.number_format) for c in row if c.value is not None]
    return "\n".join(told)


def shown(value, code: str) -> str:
    """Write a number by its spreadsheet format, for the formats that the toolkit uses."""
    if isinstance(value, str):
        return value
    ways = code.split(";")
    if code.startswith("[>=1000]"):
        code = ways[0 if value >= 1000 else 1 if value <= -1000 else 2]
        value = abs(value) if value <= -1000 else value
    code = re.sub(r"^\[[^]]*\]", "", code)
    if code == "General":
        return str(value)
    digits = len(m.group(1)) if (m := re.search(r"0\.(0+)", code)) else 0
    number = f"{value * 100 if '%' in code else value:,.{digits}f}"
    head, _, tail = re.sub(r"(?:#,##)?0(?:\.0+)?", "\x00", code, count=1).partition("\x00")
    unquoted = re.sub(r'"([^"]*)"|\\(.)', r"\1\2", tail)
    before = re.sub(r'"([^"]*)"', r"\1", head)
    return (f"-{before}{number[1:]}" if number.startswith("-") else f"{before}{number}") + unquoted


READERS = {"html": in_page, "pdf": in_pdf, "pptx": in_slides, "xlsx": in_workbook}


@pytest.fixture(scope="module")
def analysis():
    return builders.analysis()


@pytest.fixture(scope="module")
def made(analysis):
    report = Report.of(analysis)
    return {f: report.content(f) for f in (*FILES, "json")}


@pytest.fixture(scope="module")
def texts(made):
    return {f: flat(READERS[f](made[f])) for f in FILES}


def told_of(analysis: Analysis) -> list[str]:
    """Give what every format must tell: findings with their words and numbers, key figures with theirs."""
    said = []
    currency = analysis.currency
    for f in analysis.findings:
        if f.by:
            continue
        said += [f.title, words.STATUS[f.status]]
        if f.status in ("misaligned", "uncertain", "aligned"):
            gap = words.gap_sentence(f, currency).split(";")[0]
            said += [f.statement, gap, *f.counter_explanations.values()]
            said += [] if f.status == "aligned" else [f.advice, *(m.label for m in f.measures)]
            said += [charts.number(as_number(m.value), m.unit, currency) for m in f.measures]
        if f.money_at_stake is not None:
            said.append(words.money_text(f.money_at_stake))
    for r in analysis.kpis:
        if not r.by and r.grain is None and r.status == "ok":
            said += [r.title, charts.number(r.value, r.unit, currency)]
            # An interval without width is not written.
            said += [words.interval_text(r, currency)] if r.low != r.high else []
            said += [words.change_text(r, currency, "2026-Q2")[0]]
    return [t for t in said if t]


@pytest.mark.parametrize("format", FILES)
def test_each_format_tells_the_same(analysis, texts, format):
    told = told_of(analysis)
    assert len(told) > 60
    assert [t for t in told if flat(t) not in texts[format]] == []


def test_the_json_tells_the_same(analysis, made):
    assert Analysis.loads(made["json"].decode("utf-8")).to_json() == analysis.to_json()


def test_another_number_is_missed(analysis, texts):
    changed = dataclasses.replace(analysis, findings=(
        dataclasses.replace(analysis.findings[0], gap=dataclasses.replace(analysis.findings[0].gap, value=0.3777)),
    ))  # fmt: skip
    missed = {f: [t for t in told_of(changed) if flat(t) not in text] for f, text in texts.items()}
    assert all(len(m) == 1 and m[0].startswith("37.8 %") for m in missed.values())


@pytest.mark.parametrize(
    ("unit", "value"),
    [("share", 0.1234), ("share", -0.05), ("money", 12.5), ("money", -12.5), ("money", 123456.7), ("money", -1234.5),
     ("money", 0.0014), ("money", -0.005), ("money", 0.0),
     ("count", 1234.0), ("count", 2.5), ("points", 1.25), ("days", 1234.5), ("ratio", 2.0), ("hours", -3.0)],
)  # fmt: skip
def test_a_spreadsheet_writes_a_number_as_the_text_does(unit, value):
    text = units.unit(unit).text(value, currency="EUR")
    number, code = number_of(Cell(text, number=value, unit=unit), "EUR")
    assert number == value
    assert shown(number, code) == text


def test_the_pdf_is_tagged_and_says_what_it_is(made):
    reader = pypdf.PdfReader(io.BytesIO(made["pdf"]))
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert "/StructTreeRoot" in root
    assert b"pdfuaid" in root["/Metadata"].get_object().get_data()


def test_charts_on_slides_and_sheets_are_their_own_and_have_alternative_texts(made):
    deck = pptx.Presentation(io.BytesIO(made["pptx"]))
    frames = [s for slide in deck.slides for s in slide.shapes if s.has_chart or s.has_table]
    assert sum(s.has_chart for s in frames) >= 5
    assert all(s._element.nvGraphicFramePr.cNvPr.get("descr") for s in frames)
    drawn = [s.chart._chartSpace.xml for s in frames if s.has_chart]
    assert any("<c:errBars>" in xml for xml in drawn), "intervals are drawn"
    with zipfile.ZipFile(io.BytesIO(made["xlsx"])) as archive:
        names = archive.namelist()
        assert sum("charts/chart" in n for n in names) >= 5
        assert sum("tables/table" in n for n in names) >= 10
        drawings = "".join(
            archive.read(n).decode() for n in names if "drawings/drawing" in n and n.endswith(".xml")
        )
        assert drawings.count("descr=") == drawings.count("<xdr:graphicFrame")
        views = [archive.read(n).decode() for n in names if "worksheets/sheet" in n and n.endswith(".xml")]
        assert all("<pane " in v for v in views), "titles or headers stay in view"


@pytest.mark.parametrize(("format", "most"), [("html", 2e6), ("pdf", 2e6), ("pptx", 5e6), ("xlsx", 5e6)])
def test_the_files_are_small(made, format, most):
    assert len(made[format]) < most


@pytest.mark.parametrize("format", FILES)
def test_no_trace_of_who_made_it_and_where(made, format, project_dir):
    content = made[format]
    inside = [content]
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            inside = [archive.read(n) for n in archive.namelist()]
            assert {i.date_time for i in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
            assert not [n for n in archive.namelist() if "printerSettings" in n or "thumbnail" in n]
    traces = [str(project_dir).encode(), b"python-pptx", b"Steve Canny", b"/site-packages/"]
    # A short name of a machine comes up by chance in what is packed.
    traces += [n.encode() for n in [os.uname().nodename] if len(n) > 5]
    assert [t for t in traces if any(t in part for part in inside)] == []


def test_a_trace_would_be_found(tmp_path):
    deck = pptx.Presentation()
    deck.core_properties.author = "Steve Canny"
    made = io.BytesIO()
    deck.save(made)
    with zipfile.ZipFile(made) as archive:
        assert any(b"Steve Canny" in archive.read(n) for n in archive.namelist())
        assert [n for n in archive.namelist() if "thumbnail" in n]


_MAKE = """
import hashlib, sys
from alignment_toolkit.report import Report
from tests.report import builders
report = Report.of(builders.analysis())
for f in ("html", "pdf", "pptx", "xlsx", "json"):
    print(f, hashlib.sha256(report.content(f)).hexdigest())
"""


def elsewhere(project_dir, **surroundings: str) -> str:
    path = os.pathsep.join([str(project_dir), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = os.environ | {"PYTHONPATH": path} | surroundings
    command = [sys.executable, "-c", _MAKE]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env, cwd=project_dir)
    return done.stdout


def test_the_same_bytes_a_second_later_and_in_another_zone(made, monkeypatch):
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        # A stamp in an archive has a resolution of two seconds.
        time.sleep(2.1)
        again = Report.of(builders.analysis())
        assert [f for f in ("pdf", "pptx", "xlsx") if again.content(f) != made[f]] == []
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.slow
def test_the_same_bytes_in_ten_processes(made, project_dir):
    here = "".join(
        f"{f} {hashlib.sha256(made[f]).hexdigest()}\n" for f in ("html", "pdf", "pptx", "xlsx", "json")
    )
    for i in range(10):
        zone = ("UTC", "Asia/Kathmandu")[i % 2]
        tongue = ("C.UTF-8", "de_DE.UTF-8")[i // 2 % 2]
        seed = ("0", "1", "random")[i % 3]
        threads = str(1 + i % 2)
        told = elsewhere(project_dir, TZ=zone, LC_ALL=tongue, PYTHONHASHSEED=seed, OMP_NUM_THREADS=threads)
        assert told == here, (zone, tongue, seed)
