"""Text from data stays text, in every field of an Analysis, in the page and in its pictures."""

from __future__ import annotations

import pytest
from markupsafe import Markup
from matplotlib.figure import Figure

from alignment_toolkit.charts import clean
from alignment_toolkit.report import Report, html
from tests.report import builders
from tests.report.hostile import MANY, PAYLOADS, Page, plant

ALLOWED = set(
    "html head meta title style body a header h1 h2 h3 h4 p main section article span div dl dt dd ul li nav table "
    "caption thead tbody tr th td figure figcaption picture source img details summary footer bdi strong".split()
)


def disguised(payload):
    """Give a disguise that keeps different texts different."""
    numbers: dict[str, int] = {}
    return lambda text: f"{payload} {numbers.setdefault(text, len(numbers))}"


@pytest.fixture(scope="module")
def plain_drawings():
    """Leave out the drawing, which another test looks at: the page around it is what counts here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("alignment_toolkit.charts.draw", lambda *_, **__: Figure(figsize=(1, 1)))
        patch.setattr("alignment_toolkit.charts.svg", lambda _: "<svg/>")
        yield


@pytest.fixture(scope="module")
def harmless(plain_drawings):
    return Page(Report.of(plant(builders.analysis(), disguised("plain"))).text("html"))


def planted_page(payload):
    return Page(Report.of(plant(builders.analysis(), disguised(payload))).text("html"))


def faults(page: Page) -> list[str]:
    """Give whatever a page holds that could run or ask for something."""
    found = [f"<{tag}>" for tag, _ in page.tags if tag not in ALLOWED]
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            if name.startswith("on") or name in ("style", "srcdoc", "formaction", "action"):
                found.append(f"<{tag} {name}>")
            if name == "href" and not (value or "").startswith("#"):
                found.append(f"<{tag} href={value!r}>")
            if name in ("src", "srcset") and not (value or "").startswith("data:image/svg+xml;base64,"):
                found.append(f"<{tag} {name}={value!r:.60}>")
    return found


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_in_every_text_changes_nothing_but_text(payload, harmless):
    page = planted_page(payload)
    assert faults(page) == []
    assert page.shape == harmless.shape
    # It can be read as what it is, from the company's name in the title to the last setting.
    assert page.text.count(clean(payload)) > 100


@pytest.mark.slow
def test_200_payloads_in_every_text_change_nothing_but_text(harmless):
    assert len(set(MANY)) == 200
    for payload in MANY[len(PAYLOADS) :]:
        page = planted_page(payload)
        assert faults(page) == [], payload
        assert page.shape == harmless.shape, payload
        assert page.text.count(clean(payload)) > 100, payload


def test_without_the_escape_the_same_check_finds_it(monkeypatch, harmless):
    monkeypatch.setattr(html, "escape_text", lambda text: Markup(str(text)))
    page = planted_page("<img src=x onerror=alert(1)>")
    assert "<img onerror>" in faults(page)
    assert page.shape != harmless.shape


def test_every_text_of_an_analysis_is_planted():
    marked = plant(builders.analysis(), lambda _: "MARK")
    finding = marked.findings[0]
    told = [marked.company, marked.toolkit, finding.title, finding.statement, finding.why, finding.who[0], finding.id,
            finding.guards[0].message, finding.measures[0].label, finding.evidence.rows[0][0], finding.chart.title,
            marked.warnings[0], marked.kpis[0].title,
            marked.data_quality[0].table, finding.money_at_stake.basis]  # fmt: skip
    assert set(told) == {"MARK"}
    assert set(marked.settings) == {"MARK"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a & b < c", "a &amp; b &lt; c"),
        ('"quoted"', "&#34;quoted&#34;"),
        ("bell\x07 and\x00 nothing", "bell and nothing"),
        ("\u2068name\u2069 rests", "<bdi>name</bdi> rests"),
        ("open \u2068never closed", "open never closed"),
        ("12.3 % of 5", "12.3\u00a0% of 5"),
        ("a \ud800 b", "a b"),
        (" both ends ", " both ends "),
    ],
)
def test_the_one_escape(text, expected):
    got = str(html.escape_text(text))
    assert " ".join(got.split(" ")) == expected or got.replace("  ", " ") == expected
