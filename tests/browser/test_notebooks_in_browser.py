"""Notebooks run from top to bottom in JupyterLab, as by hand: the first one, and the one for a meeting."""

from __future__ import annotations

import contextlib
import json
import time

import pytest

from tests.browser.served import LAB, PATIENCE, Served, run_all

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1500)]


@pytest.fixture
def opened(browser, tmp_path):
    """Give a function that opens a notebook in JupyterLab."""
    served, pages = [], []

    def open_it(name):
        served.append(Served(tmp_path, "--notebook", name))
        page = browser.new_page(viewport={"width": 1400, "height": 1500})
        page.set_default_timeout(PATIENCE)
        page.hosts = set()
        page.on(
            "request", lambda r: page.hosts.add(r.url.split("/")[2]) if r.url.startswith("http") else None
        )
        page.goto(served[-1].address(LAB), wait_until="commit")
        pages.append(page)
        return page

    try:
        yield open_it
    finally:
        for page in pages:
            page.close()
        codes = [one.end() for one in served]
    assert codes == [0] * len(served)


def errors(page):
    return page.locator(
        ".jp-RenderedText[data-mime-type='application/vnd.jupyter.error']"
    ).all_text_contents()


def written(tmp_path, name, *words):
    """Give the files of a name once one of them holds the words."""
    until = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < until:
        found = list(tmp_path.rglob(name))
        if found and (not words or all(w in found[0].read_text(encoding="utf-8") for w in words)):
            return found
        time.sleep(0.3)
    raise AssertionError(f"no {name} in {tmp_path} holds {words}")


def saved(path):
    """Give a notebook once it was saved with the outputs of its last cell."""
    until = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < until:
        # Jupyter empties the file before it writes, so a reader may meet half of it.
        with contextlib.suppress(json.JSONDecodeError, UnicodeDecodeError):
            node = json.loads(path.read_text(encoding="utf-8"))
            if node["cells"][-1].get("outputs"):
                return node
        time.sleep(0.3)
    raise AssertionError(f"{path} was not saved")


def test_the_first_notebook_runs_and_shows_its_results_as_tables_and_cards(opened, tmp_path, look):
    page = opened("00_start_here")
    run_all(page, "text=Written: analysis.json")
    assert errors(page) == []
    page.screenshot(path=look / "lab-start-here.png", full_page=True)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+s")  # what is scrolled away is not in the page, so the saved file is read
    node = saved(tmp_path / "explorer" / "00_start_here.ipynb")
    said = json.dumps(node["cells"], ensure_ascii=False)
    for words in (
        "complete until",
        "questions that could be answered are out of line",
        "Company 'Sample company",
    ):
        assert words in said
    assert "Analysis: questions" not in said, "the line of progress has gone"
    counts = [c["execution_count"] for c in node["cells"] if c["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1)), "from top to bottom"
    assert written(tmp_path, "report.html")
    assert {host.partition(":")[0] for host in page.hosts} <= {"127.0.0.1"}


def test_a_meeting_goes_through_the_findings_and_keeps_what_was_agreed(opened, tmp_path, look):
    page = opened("08_present")
    run_all(page, "button:has-text('Next')")
    first = page.locator(".widget-dropdown select").first
    before = first.input_value()
    page.locator(".widget-textarea textarea").fill("Answer within a day")
    page.locator(".widget-text input").first.fill("Head of sales")
    page.locator("button", has_text="Next").click()
    page.wait_for_function("v => document.querySelector('.widget-dropdown select').value !== v", arg=before)
    page.screenshot(path=look / "lab-present.png", full_page=True)
    (kept,) = written(tmp_path, "agreed.json", "Answer within a day", "Head of sales")
    assert json.loads(kept.read_text(encoding="utf-8"))
    page.locator("button", has_text="Back").click()
    page.wait_for_function("document.querySelector('.widget-textarea textarea').value.startsWith('Answer')")
    page.locator("button", has_text="Save").click()
    page.wait_for_selector("text=Saved in")
    assert written(tmp_path, "report.pptx")
    assert errors(page) == []
    page.screenshot(path=look / "lab-present-back.png", full_page=True)
