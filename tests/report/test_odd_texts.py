"""Texts and amounts that few companies have: signs without a font, currencies without cents, amounts below a cent."""

from __future__ import annotations

import io
import re

import pypdf

from alignment_toolkit import charts
from alignment_toolkit.report import Report, pdf
from alignment_toolkit.report.blocks import Document, Section, Tile, Tiles
from alignment_toolkit.report.html import escape_text, render
from alignment_toolkit.results import Analysis


def paper(company: str) -> str:
    empty = Analysis.empty(company=company, currency="EUR", period="2026-Q3")
    made = pypdf.PdfReader(io.BytesIO(Report.of(empty).content("pdf")))
    return " ".join("\n".join(page.extract_text() for page in made.pages).split())


def test_signs_that_no_font_has_as_one_are_set_apart_and_told(monkeypatch):
    """A heart on fire and a dark thumb are several characters: the PDF was refused because of them."""
    monkeypatch.setattr(pdf, "_files", tuple)  # as on a machine that has no font beside that of the drawings
    told = paper("Fire \u2764\ufe0f\u200d\U0001f525 \U0001f44d\U0001f3fd \u682a\u5f0f")
    assert "no font for 5 of the characters in it (CJK, emoji and other signs)" in told
    assert "Letters without a font" not in paper("Plain & S\u00f6hne \u2764")


def test_only_what_is_missing_becomes_a_box():
    assert charts.lacking("a\u00fc\u20ac \u2764\u200d\U0001f525\u682a") == "\u682a\U0001f525"


def test_an_amount_stays_on_the_line_of_its_sign_and_its_currency():
    shown = str(escape_text("from -\u20ac5 to +\u20ac7, 5 \u20ac, SEK 12, n 36, 12 %"))
    assert not re.search(r"[-+]\u20ac|\d [%\u20ac]|SEK \d|n \d", shown)
    assert str(escape_text("no-one, 2026-Q3")) == "no-one, 2026-Q3"


def test_a_long_amount_has_smaller_letters():
    amounts = ("€877,490", "€877,489,850", "€87,748,985,000,000")
    tiles = Tiles(tuple(Tile("Revenue", amount) for amount in amounts))
    page = render(Document("t", "", "", (Section((tiles,)),)))
    found = re.findall(r'<span class="value( long| longest|)">([^<]+)</span>', page)
    assert [name.strip() for name, _ in found] == ["", "long", "longest"]
