"""The explorer in a real browser, in JupyterLab and in Voila: every control moved, numbers held against `analyse`."""

from __future__ import annotations

import importlib.util
import shutil
import time
from pathlib import Path

import pytest

from tests.browser.served import APP, LAB, PATIENCE, Served, run_all

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1500)]

LEVERS = ("More leads", "Fewer leads", "A stricter", "Faster follow-up", "Firmer prices", "Deeper discounts")


@pytest.fixture(scope="module", params=["lab", "app"])
def page(request, browser, look, tmp_path_factory):
    """Give a page with the explorer on it, and its kind, complaints and requests."""
    app = request.param == "app"
    if app and importlib.util.find_spec("voila") is None:
        pytest.skip("voila is not installed (the extra `app`)")
    served = Served(tmp_path_factory.mktemp(request.param), *(["--app"] if app else []))
    try:
        opened = browser.new_page(viewport={"width": 1400, "height": 1500})
        opened.set_default_timeout(PATIENCE)
        opened.complaints, opened.hosts, opened.kind, opened.served = [], set(), request.param, served
        opened.on("console", lambda m: opened.complaints.append(m.text) if m.type == "error" else None)
        opened.on("pageerror", lambda e: opened.complaints.append(str(e)))
        opened.on(
            "request", lambda r: opened.hosts.add(r.url.split("/")[2]) if r.url.startswith("http") else None
        )
        opened.goto(served.address(APP if app else LAB), wait_until="commit")
        if not app:
            run_all(opened, ".widget-dropdown select")
        opened.wait_for_selector(".widget-dropdown select")
        yield opened
        opened.screenshot(path=look / f"{request.param}-last.png")
        opened.close()
    finally:
        code = served.end()
    assert code == 0, "Ctrl-C did not end it cleanly"


def choose(page, label: str, option: str, nth: int = 0) -> None:
    box = page.locator(".widget-dropdown", has=page.locator(f'label:text-is("{label}")')).nth(nth)
    box.locator("select").select_option(label=option)


def pick(page, label: str, words: str) -> str:
    """Choose the option that holds these words, once the list has it."""
    of = page.locator(".widget-dropdown", has=page.locator(f'label:text-is("{label}")')).locator("select")
    until = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < until:
        # The lists write their spaces as hard ones.
        told = [
            o.replace("\N{NO-BREAK SPACE}", " ").strip() for o in of.locator("option").all_text_contents()
        ]
        places = [i for i, o in enumerate(told) if words in o]
        if places:
            of.select_option(index=places[0])
            return told[places[0]]
        time.sleep(0.2)
    raise AssertionError(f"'{words}' is not in the list {label}: {of.locator('option').all_text_contents()}")


def slider(page, label: str):
    return page.locator(".widget-slider", has=page.locator(f'label:has-text("{label}")')).locator(
        ".noUi-handle"
    )


def shown(page) -> str:
    """Give the text of the results."""
    return page.locator(".jp-OutputArea-output h3").last.locator("xpath=..").inner_text().replace("\xa0", " ")


def wait_for(page, words: str) -> str:
    until = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < until:
        said = shown(page)
        if words in said:
            return said
        time.sleep(0.2)
    raise AssertionError(f"'{words}' did not come; there stands:\n{shown(page)[:2000]}")


def test_every_control_leads_to_the_numbers_of_the_analysis(page, sample, look):
    from alignment_toolkit.analysis import analyse
    from alignment_toolkit.explorer import Looking, View

    looking = Looking(sample)
    view = View(period="2026-Q3", by=("channel",))
    first = analyse(sample, "2026-Q3", by="channel", kpis=["revenue"], indicators=[])
    said = wait_for(page, "Revenue, 2026-Q3")
    for row in first.kpis:
        assert f"€{row.value:,.0f}" in said
    page.screenshot(path=look / f"{page.kind}-figures.png")

    moves = (
        ("Key figure", "Win rate", {"kpi": "win-rate"}), ("Split by", "region", {"by": ("region",)}),
        ("Period", "2026-Q2", {"period": "2026-Q2"}), ("Compared with", "the same a year ago", {"compare": "year-ago"}),
        ("Only", "region", {"only": ("region=East",)}), ("Split by", "(nothing)", {"by": ()}),
        ("and only", "size", None), ("and only", "(everything)", {}), ("Only", "(everything)", {"only": ()}),
    )  # fmt: skip
    for label, option, changed in moves:
        before = shown(page)
        choose(page, label, option)
        if changed is None:
            until = time.monotonic() + 60
            while shown(page) == before and time.monotonic() < until:
                time.sleep(0.2)
            continue
        view = view.but(**changed)
        rows = looking.measured(view)
        total = next(r for r in rows if not r.by and r.grain is None)
        wait_for(
            page,
            f"{total.title}, {total.period}: {total.value * 100:.1f} %" if total.unit == "share" else "€",
        )
        for row in rows:
            if row.value is not None and row.unit == "share":
                wait_for(page, f"{row.value * 100:.1f} %")

    for topic, words in (
        ("What moved it", "What moved it"), ("All key figures", "Revenue per active client"), ("Segments", "by hand"),
        ("Findings", "All questions"), ("What if", "The departments' scores"),
    ):  # fmt: skip
        page.locator("button.widget-toggle-button", has_text=topic).click()
        wait_for(page, words)
        page.screenshot(path=look / f"{page.kind}-{topic.replace(' ', '-').lower()}.png")


def test_findings_and_segments_are_picked_from_their_lists(page, sample):
    from alignment_toolkit.explorer import Looking, View

    page.locator("button.widget-toggle-button", has_text="Findings").click()
    wait_for(page, "All questions")
    found = Looking(sample).findings(View(period="2026-Q2"))
    dropped = next(f for f in found if f.indicator == "dropped_leads")
    pick(page, "Finding", dropped.title)
    said = wait_for(page, dropped.statement[:60].replace("\xa0", " "))
    assert f"{dropped.gap.value * 100:.1f} %" in said
    page.locator("button.widget-toggle-button", has_text="Segments").click()
    wait_for(page, "by hand")
    last = pick(page, "Accounts of", "Lapsed")
    wait_for(page, f"{last}: the ")


def under(sample_dir, folder, settings: str):
    """Open the sample under other settings."""
    from alignment_toolkit.company import Company

    place = Path(shutil.copytree(sample_dir, folder / "sample"))
    with (place / "alignment.toml").open("a", encoding="utf-8") as file:
        file.write(settings)
    return Company.open(place)


def moved(page, label: str, times: int, to: float) -> float:
    """Move a slider by its keys, so many steps; give the value at which it comes to rest."""
    one = slider(page, label)
    # The handle itself tells one decimal only.
    readout = page.locator(".widget-slider", has=page.locator(f'label:has-text("{label}")')).locator(
        ".widget-readout"
    )
    one.focus()
    for _ in range(times):
        page.keyboard.press("ArrowRight")
    until = time.monotonic() + PATIENCE / 1000
    while abs(float(readout.inner_text()) - to) > 1e-6:
        assert time.monotonic() < until, f"{label} stands at {readout.inner_text()}, not at {to}"
        time.sleep(0.2)
    return round(to, 6)


def test_every_segmentation_is_chosen_and_shows_the_segments_of_the_analysis(page, sample, look):
    from alignment_toolkit.analysis import analyse
    from alignment_toolkit.catalog import Catalog

    known = Catalog.load(sample.settings).segmentations
    options = {"compare": "year-ago", "kpis": [], "indicators": [], "segmentations": [*known]}
    made = analyse(sample, "2026-Q2", **options)
    choose(page, "Period", "2026-Q2")
    choose(page, "Compared with", "the same a year ago")
    page.locator("button.widget-toggle-button", has_text="Segments").click()
    for id, segmentation in [*reversed(known.items())]:
        choose(page, "Segmentation", segmentation.title)
        wait_for(page, segmentation.question[:40])
        rows = [r for r in made.segments if r["segmentation"] == id]
        for row in rows:
            wait_for(page, f"{row['label']}\t{row['size']:,}")
        if not rows:
            wait_for(page, "There are no segments")
        page.screenshot(path=look / f"{page.kind}-segments-{id}.png")
    assert sum(r["segmentation"] == id for id in known for r in made.segments) > 5


def test_another_margin_share_or_weight_gives_what_other_settings_give(
    page, sample, sample_dir, tmp_path, look
):
    from alignment_toolkit.analysis import analyse
    from alignment_toolkit.changes import what_moved
    from alignment_toolkit.explorer import Looking, View

    for label, option in (
        ("Period", "2026-Q2"),
        ("Compared with", "the same a year ago"),
        ("Key figure", "Revenue"),
    ):
        choose(page, label, option)
    page.locator("button.widget-toggle-button", has_text="What if").click()
    wait_for(page, "The departments' scores")
    looking = Looking(sample)
    dropped = next(f for f in looking.findings(View(period="2026-Q2")) if f.indicator == "dropped_leads")
    pick(page, "Tolerated gap of", dropped.title)
    margin = moved(page, "up to", 45, dropped.margin * (1 + 45 / 20))
    wait_for(page, "Verdicts under other margins")
    pick(page, "Who owns", "active clients")
    share = moved(page, "marketing's share", 6, 0.5 + 6 * 0.05)
    wait_for(page, "part with these shares")
    card = looking.shared(View(period="2026-Q2")).scorecard.rows
    row = next(r for r in card if r["department"] == "sales")
    pick(page, "Weight of", f"sales: {row['title']}")
    weight = moved(page, "weighs", 8, row["weight"] + 8 * 0.25)

    weights = {r["kpi"]: r["weight"] for r in card if r["department"] == "sales"} | {row["kpi"]: weight}
    told = "\n".join(f'"{kpi}" = {value!r}' for kpi, value in weights.items())
    company = under(
        sample_dir, tmp_path,
        f"\n[indicators.dropped_leads]\nmargin = {margin!r}\n[owners.active-clients]\nmarketing = {share!r}\n"
        f"sales = {round(1 - share, 6)!r}\n[scorecard.sales.weights]\n{told}\n",
    )  # fmt: skip
    made = analyse(company, "2026-Q2", compare="none", kpis=["revenue"])
    other = made.finding("dropped_leads")
    assert (dropped.status, other.status) == ("misaligned", "aligned")
    scores = looking.shared(View(period="2026-Q2")).scorecard.departments
    before = {d["department"]: d["score"] for d in scores}
    for department in made.scorecard.departments:
        name = department["department"]
        said = wait_for(page, f"{name}\t{before[name] * 100:.1f} %\t{department['score'] * 100:.1f} %")
    assert before["sales"] != made.scorecard.departments[1]["score"]
    page.screenshot(path=look / f"{page.kind}-what-if.png", full_page=True)
    assert f"{other.margin * 100:.1f} %" in said
    assert "Aligned" in said
    for split in what_moved(company, "revenue", "2026-Q2", compare="year-ago"):
        for who, part in split.by_owner.items():
            assert any(
                line.startswith(who) and f"€{abs(part.value):,.0f}" in line for line in said.splitlines()
            ), (who, part)
    page.locator("button", has_text="Suppose nothing").click()
    wait_for(page, "Nothing is supposed yet")


def test_a_hundred_fast_moves_show_the_last_value(page, look):
    page.locator("button.widget-toggle-button", has_text="What if").click()
    wait_for(page, "The departments' scores")
    one = slider(page, "Faster follow-up")
    one.focus()
    for number in range(100):
        page.keyboard.press("ArrowRight" if number % 20 < 14 else "ArrowLeft")
    wait_for(page, "times as far")
    time.sleep(2)
    value = float(one.get_attribute("aria-valuenow"))
    wait_for(page, f"{value:g} times as far")
    for label in LEVERS:
        slider(page, label).focus()
        page.keyboard.press("ArrowRight")
    said = wait_for(page, "Deeper discounts")
    assert all(label in said for label in LEVERS)
    for label in ("weighs", "up to", "marketing's share"):
        slider(page, label).focus()
        for _ in range(30):
            page.keyboard.press("ArrowRight")
    wait_for(page, "difference")
    page.screenshot(path=look / f"{page.kind}-supposed.png", full_page=True)
    page.locator("button", has_text="Suppose nothing").click()
    wait_for(page, "Nothing is supposed yet")


def test_a_view_is_kept_and_a_report_written(page):
    page.locator("button", has_text="Keep this view").click()
    page.wait_for_selector("text=Kept in views/")
    page.locator("button", has_text="Report of this view").click()
    page.wait_for_selector("text=Written to reports/views/")
    place = page.served.folder / "explorer"
    assert len(list((place / "views").glob("*.json"))) == 1
    assert len(list((place / "reports" / "views").rglob("report.html"))) == 1


def test_nothing_is_complained_of_and_nobody_else_is_asked(page):
    assert [c for c in page.complaints if "favicon" not in c] == []
    assert {host.partition(":")[0] for host in page.hosts} <= {"127.0.0.1"}
