"""What is drawn into the page: labels from data are text there too."""

from __future__ import annotations

import itertools
import os
import sys
import xml.etree.ElementTree as ET

import pytest

from alignment_toolkit import charts
from alignment_toolkit.charts.data import ChartData, Point, Series
from alignment_toolkit.languages import speaking
from alignment_toolkit.report import Report
from alignment_toolkit.report import pictures as module
from alignment_toolkit.report.blocks import Figure
from alignment_toolkit.report.pictures import draw, picture
from alignment_toolkit.report.plain import figures
from tests.report import builders
from tests.report.hostile import PAYLOADS, Page, plant

ELEMENTS = set("svg g path defs style use text tspan clipPath rect metadata pattern".split())


def faults(picture):
    """Give whatever a picture holds that could run or ask for something."""
    found = []
    for element in ET.fromstring(picture).iter():
        name = element.tag.rpartition("}")[2]
        if name not in ELEMENTS:
            found.append(name)
        for key, value in element.attrib.items():
            plain = key.rpartition("}")[2]
            if plain.startswith("on") or (plain == "href" and not value.startswith("#")):
                found.append(f"{name} {plain}")
    return found


def said(picture):
    """Give the texts of a picture."""
    return ["".join(e.itertext()) for e in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]


def test_pictures_hold_payloads_as_text_only():
    endless = itertools.cycle(PAYLOADS)
    given: dict[str, str] = {}
    analysis = plant(
        builders.analysis(), lambda text: given.setdefault(text, f"{next(endless)} {len(given)}")
    )
    pictures = Page(Report.of(analysis).text("html")).pictures
    assert len(pictures) > 10
    assert [faults(p) for p in pictures if faults(p)] == []
    assert any("<script>" in text for p in pictures for text in said(p))


def test_the_check_finds_what_it_looks_for():
    bad = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" onload="x">'
        '<script>1</script><a xlink:href="http://example.invalid"/></svg>'
    )
    assert faults(bad) == ["svg onload", "script", "a", "a href"]


def test_a_picture_for_the_page_says_the_same_and_is_shorter():
    drawn = [picture(f).svg for f in figures(Report.of(builders.analysis()).document)]
    for light, both in zip(drawn, map(charts.for_page, drawn), strict=True):
        assert said(both) == said(light)
        assert len(both) < 0.8 * len(light)
        assert "prefers-color-scheme:dark" in both


def bars(*names):
    series = (Series("", (Point("North", 1.0), Point("South", 2.0))),)
    return [Figure(ChartData(kind="bars", title="T", note=name, series=series)) for name in names]


@pytest.mark.skipif(sys.platform != "linux", reason="copies are made on Linux only")
def test_pictures_that_a_copy_has_drawn_are_those_drawn_here(monkeypatch):
    wanted = bars(*"abcdefghij")
    module._known.clear()
    with charts.style():
        one_by_one = [picture(f) for f in wanted]
        module._known.clear()
        copies = []
        fork = os.fork
        monkeypatch.setattr(os, "fork", lambda: copies.append(1) or fork())
        monkeypatch.setattr(module, "processes", lambda: 2)
        draw([*wanted, *wanted])
        drawn = []
        monkeypatch.setattr(module, "_drawn", lambda *_: drawn.append(1))
        assert [picture(f) for f in wanted] == one_by_one
        assert (copies, drawn) == ([1], [])
        draw(wanted)
        assert copies == [1], "what is drawn is not drawn again"


def test_few_pictures_need_no_copy(monkeypatch):
    monkeypatch.setattr(module, "processes", lambda: 2)
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("a copy was made"))
    module._known.clear()
    with charts.style():
        draw(bars(*"abc"))
        assert len(module._known) == 3


def test_pictures_are_kept_by_language_and_only_so_many(monkeypatch):
    monkeypatch.setattr(module, "MOST", 3)
    module._known.clear()
    with charts.style():
        (one,) = bars("a")
        with speaking("de"):
            picture(one)
        picture(one)
        assert len(module._known) == 2
        for f in bars("b", "c", "d"):
            picture(f)
    assert len(module._known) == 3
