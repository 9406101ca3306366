"""The published page in a browser: it asks nobody for anything, fits a narrow window, and prints."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

WIDTHS = (1280, 768, 360)


@pytest.fixture(scope="module")
def page_file(sample_dir, tmp_path_factory) -> Path:
    from alignment_toolkit.analysis import analyse
    from alignment_toolkit.company import Company
    from alignment_toolkit.report import Report

    analysis = analyse(Company.open(sample_dir), "2026-Q3")
    return Report.of(analysis).write(tmp_path_factory.mktemp("report"), formats=("html",))["html"]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_fits_and_asks_nobody(browser, page_file, look, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(page_file.as_uri())
    page.screenshot(path=look / f"page-{width}.png", full_page=True)
    assert [url for url in asked if not url.startswith("data:")] == [page_file.as_uri()]
    assert complaints == []
    # What is wider than the window may scroll in a box of its own, but not the page.
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_the_page_can_be_read_without_seeing_it(browser, page_file):
    page = browser.new_page()
    page.goto(page_file.as_uri())
    assert page.title()
    assert page.evaluate("document.documentElement.lang")
    assert page.locator("h1").count() == 1
    pictures = page.locator("img, svg[role=img]")
    assert pictures.count() > 0
    for picture in pictures.all():
        said = (
            picture.get_attribute("alt")
            or picture.get_attribute("aria-label")
            or picture.get_attribute("aria-labelledby")
        )
        assert said, "a picture without a text for who cannot see it"
    page.close()


def test_the_page_prints(browser, page_file, look):
    page = browser.new_page()
    page.goto(page_file.as_uri())
    page.emulate_media(media="print")
    paper = page.pdf(path=look / "page.pdf", format="A4")
    assert paper.startswith(b"%PDF")
    # A4 at 96 dots an inch less its margins: what is wider would be cut off on paper.
    page.set_viewport_size({"width": 700, "height": 900})
    cut_off = page.evaluate(
        "[...document.querySelectorAll('table, img, svg, pre')]"
        ".filter(e => e.getBoundingClientRect().right > 701).map(e => e.outerHTML.slice(0, 80))"
    )
    assert cut_off == []
    page.close()
