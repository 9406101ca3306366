"""The shorter kinds, the client's own master, the brand."""

from __future__ import annotations

import dataclasses
import io

import pptx
import pypdf
import pytest
from pptx.util import Inches

from alignment_toolkit.errors import ParameterError
from alignment_toolkit.report import Report
from alignment_toolkit.report.blocks import Prose, Section, without_isolates
from alignment_toolkit.report.plain import heading
from tests.report import builders
from tests.report.test_all_formats import flat, in_pdf, in_slides


@pytest.fixture(scope="module")
def analysis():
    return builders.analysis()


def test_the_executive_report_has_two_pages_and_the_answer(analysis):
    made = Report.of(analysis, kind="executive").content("pdf")
    assert len(pypdf.PdfReader(io.BytesIO(made)).pages) == 2
    text = flat(in_pdf(made))
    for said in (
        "Leads are dropped at the hand-over",
        "€41,000",
        "Agree on one owner for each lead",
        "€1,284,350",
    ):
        assert flat(said) in text


def test_many_findings_still_fit_two_pages(analysis):
    long = "Agree on one owner for each lead from the moment it is handed over, and write the hour down. " * 4
    many = [
        dataclasses.replace(builders.dropped(), id=f"d{i}", indicator=f"d{i}", advice=long) for i in range(20)
    ]
    made = Report.of(dataclasses.replace(analysis, findings=tuple(many)), kind="executive").content("pdf")
    assert len(pypdf.PdfReader(io.BytesIO(made)).pages) == 2


def test_the_workshop_has_a_page_per_finding_with_both_sides(analysis):
    made = Report.of(analysis, kind="workshop").content("pdf")
    pages = [flat(p.extract_text()) for p in pypdf.PdfReader(io.BytesIO(made)).pages]
    assert len(pages) == 1 + 3
    for page in pages[1:]:
        for said in ("Seen from marketing", "Seen from sales", "To discuss", "What was agreed"):
            assert flat(said) in page


def test_the_kind_and_the_audience_come_from_the_settings(analysis):
    settings = {**analysis.settings, "report": {"kind": "workshop", "audience": "public"}}
    report = Report.of(dataclasses.replace(analysis, settings=settings))
    assert (report.kind, report.audience) == ("workshop", "public")
    assert Report.of(report.analysis, kind="full", audience="internal").audience == "internal"


@pytest.fixture(scope="module")
def master(tmp_path_factory):
    """Build somebody's slides: 4:3, an author, a slide of their own."""
    deck = pptx.Presentation()
    deck.slide_width, deck.slide_height = Inches(10), Inches(7.5)
    deck.core_properties.author = "Berta Beispiel"
    slide = deck.slides.add_slide(deck.slide_layouts[0])
    slide.shapes.title.text = "Last year's offer"
    path = tmp_path_factory.mktemp("master") / "brand.pptx"
    deck.save(path)
    return path


def test_slides_on_the_clients_master(analysis, master):
    made = Report.of(analysis, kind="workshop", slides=master, layouts={"content": "Title Only"}).content(
        "pptx"
    )
    deck = pptx.Presentation(io.BytesIO(made))
    assert deck.slide_width == Inches(10)
    assert {s.slide_layout.name for s in deck.slides} == {"Title Slide", "Title Only"}
    assert deck.core_properties.author == ""
    text = in_slides(made)
    assert "Leads are dropped at the hand-over" in text
    assert "Last year's offer" not in text
    assert b"Berta" not in made
    low = Inches(7.5)
    assert all(s.top + s.height <= low for slide in deck.slides for s in slide.shapes)


def test_a_master_that_cannot_be_used_is_refused(analysis, master, tmp_path):
    with pytest.raises(ParameterError, match="no layout with a title named 'Cover'"):
        Report.of(analysis, slides=master, layouts={"cover": "Cover"}).content("pptx")
    (tmp_path / "no.pptx").write_bytes(b"no")
    with pytest.raises(ParameterError, match=r"can't be read as \.pptx"):
        Report.of(analysis, slides=tmp_path / "no.pptx").content("pptx")
    with pytest.raises(ParameterError, match="can't be read: No such file"):
        Report.of(analysis, slides=tmp_path / "absent.pptx")


def test_the_brand_stands_at_the_foot(analysis):
    brand = {"name": "Beispiel & Söhne", "colour": "#123456", "font": "", "footer": ""}
    settings = {**analysis.settings, "report": {"brand": brand}}
    report = Report.of(dataclasses.replace(analysis, settings=settings), kind="executive")
    assert "Beispiel & Söhne" in in_slides(report.content("pptx"))
    assert "Beispiel &amp; Söhne" in report.text("html")
    package = pptx.Presentation(io.BytesIO(report.content("pptx"))).part.package
    assert any(b"123456" in p.blob for p in package.iter_parts() if "theme" in p.partname)


def without_values(analysis, reasons):
    rows = tuple(
        builders.kpi(f"k{i}", f"K {i}", None, "money", status="not_available", reason=reason)
        for i, reason in enumerate(reasons)
    )
    return dataclasses.replace(analysis, kpis=rows)


@pytest.mark.parametrize("kind", ["executive", "full"])
@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        (
            ["needs orders.cost"] * 2,
            "None of the 2 key figures can be told for this period. The reason: needs orders.cost.",
        ),
        (["no order", "needs leads", "needs leads"], "The most frequent reason: needs leads."),
        ([None], "The one key figure that was asked for cannot be told for this period."),
    ],
)
def test_key_figures_without_any_value_say_why(analysis, kind, reasons, said):
    document = Report.of(without_values(analysis, reasons), kind=kind).document
    (section,) = (s for s in document.blocks if isinstance(s, Section) and heading(s) == "Key figures")
    first = section.blocks[1]
    assert isinstance(first, Prose)
    assert said in without_isolates(first.text)


def test_without_key_figures_there_is_no_heading(analysis):
    document = Report.of(dataclasses.replace(analysis, kpis=()), kind="executive").document
    assert "Key figures" not in [heading(s) for s in document.blocks if isinstance(s, Section)]
