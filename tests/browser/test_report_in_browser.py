"""The report in a real browser, every text of its Analysis wanting to be a script: nothing runs, nothing is asked."""

from __future__ import annotations

import pytest

from alignment_toolkit.report import Report, html
from tests.report import builders
from tests.report.hostile import MANY, plant

pytestmark = pytest.mark.browser


class Seen:
    """What a page did while it was open."""

    def __init__(self, browser, file, *, width=1280, dark=False, media="screen"):
        scheme = "dark" if dark else "light"
        self.page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.asked, self.dialogs, self.said = [], [], []
        self.page.on("request", lambda r: self.asked.append(r.url))
        self.page.on("dialog", lambda d: (self.dialogs.append(d.message), d.dismiss()))
        self.page.on("console", lambda m: self.said.append(m.text))
        self.page.on("pageerror", lambda e: self.said.append(str(e)))
        self.page.emulate_media(media=media)
        self.page.goto(file.as_uri())
        # What an event handler of a picture or a focus would do, it does at once.
        self.page.wait_for_timeout(150)
        self.asked = [u for u in self.asked if not u.startswith("data:") and u != file.as_uri()]

    def count(self, selector):
        return self.page.locator(selector).count()


def written(tmp_path, analysis, name="report.html"):
    return Report.of(analysis).save(tmp_path / name)


def hostile(start):
    """Give the Analysis with other payloads in each text, beginning with one of them."""
    given = {}
    return plant(
        builders.analysis(),
        lambda text: given.setdefault(text, f"{MANY[(start + len(given)) % len(MANY)]} {len(given)}"),
    )


@pytest.mark.parametrize("start", range(0, len(MANY), 20))
def test_no_text_runs_and_nothing_is_asked_for(browser, tmp_path, start):
    seen = Seen(browser, written(tmp_path, hostile(start)))
    assert seen.dialogs == []
    assert seen.asked == []
    assert seen.said == []
    assert (
        seen.count(
            "script, iframe, object, embed, form, input, video, audio, base, link, [onerror], [onload]"
        )
        == 0
    )
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_without_escape_and_policy_the_browser_shows_it(browser, tmp_path, monkeypatch):
    from markupsafe import Markup

    monkeypatch.setattr(html, "escape_text", lambda text: Markup(str(text)))
    monkeypatch.setattr(html, "_attribute", lambda text: Markup(str(text)))
    html._environment.cache_clear()
    payload = "<img src=http://example.invalid/x.png onerror=alert(1)>"
    text = (
        Report.of(builders.analysis(company=payload))
        .text("html")
        .replace("Content-Security-Policy", "x-none")
    )
    html._environment.cache_clear()
    file = tmp_path / "open.html"
    file.write_text(text, encoding="utf-8")
    seen = Seen(browser, file)
    assert seen.dialogs
    assert seen.asked


def test_the_policy_alone_holds_where_the_escape_would_fail(browser, tmp_path, monkeypatch):
    from markupsafe import Markup

    monkeypatch.setattr(html, "escape_text", lambda text: Markup(str(text)))
    payload = "<img src=http://example.invalid/x.png onerror=alert(1)><script>alert(2)</script>"
    file = tmp_path / "open.html"
    text = Report.of(builders.analysis(warnings=(payload,))).text("html")
    assert payload in text
    file.write_text(text, encoding="utf-8")
    assert Seen(browser, file).dialogs == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_page_fits_every_window(browser, tmp_path, width, dark):
    for name, analysis in (
        ("plain", builders.analysis()),
        ("long", plant(builders.analysis(), lambda t: t + "W" * 200)),
    ):
        seen = Seen(browser, written(tmp_path, analysis, f"{name}.html"), width=width, dark=dark)
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert seen.said == []


def test_pictures_are_shown_in_both_colours(browser, tmp_path):
    file = written(tmp_path, builders.analysis())
    taken = []
    for dark in (False, True):
        seen = Seen(browser, file, dark=dark)
        assert seen.page.evaluate("[...document.images].every(i => i.naturalWidth > 0)")
        # A canvas that a picture was drawn on says what colours are in it.
        script = """() => { const i = document.images[0], c = document.createElement('canvas');
            c.width = i.naturalWidth; c.height = i.naturalHeight; const g = c.getContext('2d'); g.drawImage(i, 0, 0);
            const d = g.getImageData(0, 0, c.width, c.height).data; let most = 0, least = 255;
            for (let k = 0; k < d.length; k += 4) if (d[k + 3] > 250) {
              const light = (d[k] + d[k + 1] + d[k + 2]) / 3;
              most = Math.max(most, light); least = Math.min(least, light); }
            return [least, most]; }"""
        taken.append(seen.page.evaluate(script))
    (least, most), (least_dark, most_dark) = taken
    assert least < 120, "ink on a light page is dark"
    assert most_dark > 160, "ink on a dark page is light"
    assert (least, most) != (least_dark, most_dark)


def test_on_paper_everything_is_open_and_nothing_is_cut(browser, tmp_path):
    seen = Seen(browser, written(tmp_path, builders.analysis()), media="print", width=690)
    folded = "[...document.querySelectorAll('details > *:not(summary, .caption)')]"
    hidden = f"{folded}.filter(e => !e.checkVisibility()).length"
    assert seen.page.evaluate(hidden) == 0
    wide = (
        "[...document.querySelectorAll('table, img')].filter(e => e.getBoundingClientRect().right > 691)"
        ".map(e => e.outerHTML.slice(0, 80))"
    )
    assert seen.page.evaluate(wide) == []
    assert Seen(browser, written(tmp_path, builders.analysis())).page.pdf().startswith(b"%PDF")
