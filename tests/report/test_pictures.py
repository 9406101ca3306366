"""What is drawn into the page: labels from data are text there too."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET

from alignment_toolkit.report import Report
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
    assert len(pictures) > 20
    assert [faults(p) for p in pictures if faults(p)] == []
    assert any("<script>" in text for p in pictures for text in said(p))


def test_the_check_finds_what_it_looks_for():
    bad = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" onload="x">'
        '<script>1</script><a xlink:href="http://example.invalid"/></svg>'
    )
    assert faults(bad) == ["svg onload", "script", "a", "a href"]


def test_dark_pictures_say_the_same():
    pictures = Page(Report.of(builders.analysis()).text("html")).pictures
    dark, light = pictures[0::2], pictures[1::2]
    assert [said(p) for p in dark] == [said(p) for p in light]
    assert dark != light
