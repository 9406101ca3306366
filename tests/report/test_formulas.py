"""Text that wants to be a formula, in every place of a workbook and of slides: it stays text, and can be read."""

from __future__ import annotations

import io
import itertools
import re
import warnings
import zipfile

import openpyxl
import pptx
import pytest
import xlsxwriter
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE

from alignment_toolkit.charts import ChartData, Point, Series
from alignment_toolkit.report.blocks import Cell, Document, Figure, Heading, Section, Table
from alignment_toolkit.report.pptx import render as slides
from alignment_toolkit.report.pptx.text import slide_text
from alignment_toolkit.report.xlsx import render as workbook
from alignment_toolkit.report.xlsx.cells import LONGEST, cell_text, sheet_name

_STARTS = (
    "=", "+", "-", "@", "\t=", "\r=", "\n=", "\x00=", " =", "'=", '"=', "|", "%", ";=", ",=", "{=",
    "\uff1d", "\uff0b", "\uff0d", "\uff20",
)  # fmt: skip
_BODIES = (
    "1+1", "cmd|'/C calc'!A0", 'HYPERLINK("http://example.invalid","x")', "SUM(A1:A9)", "WEBSERVICE(\"http://e.invalid\")",
    "IMPORTXML(\"http://e.invalid\",\"//a\")", "DDE(\"cmd\";\"/C calc\";\"x\")", "rundll32|'URL.dll,OpenURL x'!A",
    "INDIRECT(\"Sheet1!A1\")", "1;2", "msexcel|'\\..\\..\\calc.exe'!_xlbgnm.A1", "2+5+cmd|'/C calc'!A0",
    "A1", "NOW()", "_x0041_",
)  # fmt: skip
PAYLOADS = [a + b for a, b in itertools.product(_STARTS, _BODIES)]
_LINKS = (
    "http://example.invalid/x",
    "mailto:a@example.invalid",
    "internal:Sheet1!A1",
    "external:c:\\x.xlsx",
    "file:///etc/passwd",
)


def document(payloads):
    """Put each text into cells, headers, captions, sheet names, categories and names of series."""
    sections = []
    for start in range(0, len(payloads), 10):
        some = payloads[start : start + 10]
        rows = tuple((Cell(p), Cell(p, p)) for p in some)
        points = tuple(Point(f"{p} {i}", float(i)) for i, p in enumerate(some))
        chart = ChartData(
            kind="bars", title=some[0], series=(Series(some[0], points), Series(some[-1], points)), y_label=some[0],
            x_label=some[-1], note=some[0],
        )  # fmt: skip
        wide = Table(some[0], tuple(some), (tuple(Cell(p) for p in some),))
        blocks = (Heading(2, some[0]), Table(some[-1], (some[0], some[-1]), rows), wide, Figure(chart))
        sections.append(Section(blocks))
    return Document(payloads[0], payloads[1], payloads[2], tuple(sections), footer=payloads[3])


def parts(content: bytes) -> dict[str, str]:
    """Give the XML of an archive and of the archives inside."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            if data[:2] == b"PK":
                found |= {f"{name}!{inner}": text for inner, text in parts(data).items()}
            else:
                found[name] = data.decode("utf-8", errors="replace")
    return found


def live(content: bytes) -> list[str]:
    """Give what would act: formulas in sheets, links anywhere."""
    acting = []
    for name, text in parts(content).items():
        if "worksheets/" in name:
            acting += re.findall(r"<f[ >].*?</f>", text)
        acting += re.findall(
            r"<hyperlink\b|hlinkClick|relationships/hyperlink|<calculatedColumnFormula", text
        )
        # A chart points at cells; a name that was read as a formula would point elsewhere.
        acting += [
            f for f in re.findall(r"<c:f>(.*?)</c:f>", text)
            if not re.fullmatch(r"(?:'(?:[^']|'')*'|\w+)!\$[A-Z]+\$\d+(?::\$[A-Z]+\$\d+)?", f)
        ]  # fmt: skip
    return acting


def check(payloads):
    asked = document([*payloads, *_LINKS])
    book = workbook(asked)
    assert live(book) == []
    read = openpyxl.load_workbook(io.BytesIO(book))
    cells = {c.value for sheet in read for row in sheet.iter_rows() for c in row if isinstance(c.value, str)}
    assert all(c.data_type != "f" for sheet in read for row in sheet.iter_rows() for c in row)
    for p in payloads:
        assert cell_text(p) in cells, repr(p)
    assert all(len(name) <= 31 and not name.startswith(("=", "+", "-", "@")) for name in read.sheetnames)
    deck = slides(asked)
    assert live(deck) == []
    shown = set()
    for slide in pptx.Presentation(io.BytesIO(deck)).slides:
        for shape in slide.shapes:
            if shape.has_table:
                shown |= {
                    p.text for row in shape.table.rows for c in row.cells for p in c.text_frame.paragraphs
                }
    for p in payloads:
        assert slide_text(p) in shown, repr(p)
    inside = [text for name, text in parts(deck).items() if ".xlsx!" in name and "sharedStrings" in name]
    assert any("=" in text for text in inside)


def test_texts_that_begin_like_formulas_stay_texts():
    check(PAYLOADS[::9])


@pytest.mark.slow
def test_300_texts_in_every_place():
    assert len(set(PAYLOADS)) == 300
    check(PAYLOADS)


def test_the_library_by_itself_would_make_formulas_and_links():
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True})
    sheet = book.add_worksheet()
    for i, text in enumerate(["=1+1", "http://example.invalid"]):
        sheet.write(i, 0, text)
    book.close()
    assert len(live(made.getvalue())) >= 2


def test_the_slides_library_by_itself_would_make_formulas():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        deck = pptx.Presentation()
        slide = deck.slides.add_slide(deck.slide_layouts[6])
        data = CategoryChartData()
        data.categories = ["=1+1"]
        data.add_series("=2+2", [1.0])
        slide.shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, 0, 0, 999999, 999999, data)
        made = io.BytesIO()
        deck.save(made)
    assert live(made.getvalue())


def test_the_limits_of_a_spreadsheet():
    long = "x" * 40_000
    faces = "\U0001f600" * 20_000
    strange = "a\x00b\x0bc\ud800d\ufffee"
    names = ["[a]:*?/\\" * 9, "History", "'quoted'", "", "same", "SAME", "x" * 80, "\U0001f600" * 40]
    sections = tuple(
        Section(
            (
                Heading(2, n),
                Table(n, ("a", "a", "", long), ((Cell(long), Cell(faces), Cell(strange), Cell("1e400")),)),
            )
        )
        for n in names
    )
    read = openpyxl.load_workbook(io.BytesIO(workbook(Document("t", "", "", sections))))
    assert len(read.sheetnames) == len(names) + 1
    assert len({n.casefold() for n in read.sheetnames}) == len(names) + 1
    values = [c.value for row in read.worksheets[1].iter_rows() for c in row if isinstance(c.value, str)]
    assert all(len(v.encode("utf-16-le")) // 2 <= LONGEST for v in values)
    assert sum("[cut: " in v for v in values) >= 2
    assert "ab\ncde" in values


def test_more_rows_than_a_sheet_takes_are_said(monkeypatch):
    monkeypatch.setattr("alignment_toolkit.report.xlsx.book._ROWS", 50)
    table = Table("many", ("a",), tuple((Cell(f"row {i}"),) for i in range(80)))
    sheet = Section((Heading(2, "many"), table))
    read = openpyxl.load_workbook(io.BytesIO(workbook(Document("t", "", "", (sheet,)))))["many"]
    told = [c.value for row in read.iter_rows() for c in row if c.value]
    assert "row 49" in told
    assert "row 50" not in told
    assert any("30 more rows do not fit on a sheet" in str(t) for t in told)


def test_a_sheet_is_never_named_like_a_formula():
    taken = set()
    for p in PAYLOADS:
        name = sheet_name(p, taken)
        assert name[0].isalnum()
        assert not re.search(r"[\[\]:*?/\\]", name)
