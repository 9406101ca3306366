"""A chart of the spreadsheet's or the slide's own points at numbers, and draws what the picture draws."""

from __future__ import annotations

import io
import zipfile

import openpyxl
import pptx
from lxml import etree

from alignment_toolkit.charts import ChartData, Point, Series, numeric_columns
from alignment_toolkit.report import native
from alignment_toolkit.report.blocks import Document, Figure, Heading, Section
from alignment_toolkit.report.method import of as method_of
from alignment_toolkit.report.pptx import render as slides
from alignment_toolkit.report.xlsx import render as workbook
from tests.report.builders import analysis

SPOTS = ChartData(
    kind="scatter",
    title="Own offers lie below the line",
    series=(
        Series("own", (Point(14728.8, 1140.0),)),
        Series("line", (Point(4178.6, 850.0, 800.0, 900.0), Point(25886.85, 1500.0, 1400.0, 1600.0)), joined=True),
    ),
    y_unit="money", x_unit=None, x_label="Revenue", y_label="Price", currency="EUR",
)  # fmt: skip
STEPS = ChartData(
    kind="waterfall",
    title="Revenue fell",
    series=(Series("", (Point("leads", 3.0), Point("prices", -5.0))),),
    y_unit="money", x_unit=None, x_label="", y_label="Part", currency="EUR",
)  # fmt: skip


def document(*charts):
    return Document("t", "", "", (Section((Heading(2, "Part"), *(Figure(c) for c in charts))),))


def test_what_a_chart_points_at_is_a_number():
    sheet = openpyxl.load_workbook(io.BytesIO(workbook(document(SPOTS))))["Part"]
    found = {c.value for row in sheet.iter_rows() for c in row}
    assert {14728.8, 4178.6, 25886.85} <= found
    with zipfile.ZipFile(io.BytesIO(workbook(document(SPOTS)))) as parts:
        chart = parts.read("xl/charts/chart1.xml").decode()
    assert "<c:xVal><c:strRef>" not in chart
    assert chart.count("<c:xVal><c:numRef>") == 2


def test_a_line_among_points_is_a_line_and_the_points_are_not():
    deck = pptx.Presentation(io.BytesIO(slides(document(SPOTS))))
    (chart,) = [s.chart for slide in deck.slides for s in slide.shapes if s.has_chart]
    # The longer one comes first: LibreOffice loses the points of a series before one that has more.
    line, own = chart.plots[0].series
    assert [s.name for s in (line, own)] == ["line", "own"]
    told = [etree.tostring(s._element).decode() for s in (own, line)]
    assert '<c:symbol val="circle"/>' in told[0]
    assert "<a:ln" in told[0]
    assert "<a:noFill/>" in told[0]
    assert '<c:symbol val="none"/>' in told[1]
    assert "<a:noFill/>" not in told[1]


def test_falls_rises_and_the_sum_have_their_own_colours():
    (series,) = native.of(STEPS).series
    assert series.values == (3.0, -5.0, -2.0)
    assert len(set(series.shades)) == 3


def test_a_scale_says_no_unit_and_no_more_digits_than_its_steps():
    def drawn(unit, high):
        points = (Point("a", high / 2, 0.0, high), Point("b", high / 4))
        return native.of(ChartData("bars", "t", (Series("", points),), y_unit=unit, x_unit=None)).axis_format

    assert drawn("share", 0.5) == "0\\ %"
    assert drawn("share", 0.01) == "0.0\\ %"
    assert drawn("points", 5.0) == "#,##0.00"


def test_columns_of_numbers():
    rows = (("a", "€1,200", "-3.0 % to 2.0 %", "high"), ("b", "-€5", "", "low"))
    assert numeric_columns(rows) == (False, True, True, False)
    assert numeric_columns(()) == ()


def test_definitions_tell_words_and_no_stored_data():
    told = {"about": "By what they do.", "features": ["money", "order_days"], "enough": {"people": 8}}
    data = {"profile": [{"mean": 0.123}], "map": {"points": [[1.0, 2.0]] * 50}, "spread": {"a": 0.1234567}}
    shown = str(method_of(analysis(definitions={"segments": {"behaviour": told | data}}), ""))
    assert "By what they do." in shown
    assert "money, order days" in shown
    assert "enough (people): 8" in shown
    for hidden in ("0.123", "profile", "points"):
        assert hidden not in shown
