"""The page can be used without eyes, colours or a mouse: rules, each tried on a page that breaks it."""

from __future__ import annotations

import itertools
import re

import pytest

from alignment_toolkit.report import Report
from tests.report import builders
from tests.report.hostile import Page

_VAGUE = {"here", "click here", "more", "link", "read more"}


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def texts(html: str, tag: str) -> list[str]:
    return [
        re.sub(r"<[^>]+>", "", t).strip() for t in re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", html, re.S)
    ]


def faults(html: str) -> set[str]:
    """Return the names of the rules that a page breaks."""
    page = Page(html)
    tags = [t for t, _ in page.tags]
    attributes = page.tags
    levels = [int(t[1]) for t in tags if re.fullmatch("h[1-6]", t)]
    ids = [a["id"] for _, a in attributes if a.get("id")]
    targets = [a["href"][1:] for t, a in attributes if t == "a" and (a.get("href") or "").startswith("#")]
    themes = [
        dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", html, re.S)
    ]
    pairs = [("ink", "paper"), ("muted", "paper"), ("muted", "soft"), ("link", "paper"), ("ink", "soft")]
    pairs += [(m, f"{m}-soft") for m in ("wrong", "right", "unsure", "open")]
    known = [(t[a], t[b]) for t in themes for a, b in pairs if a in t and b in t]
    tables = re.findall(r"<table\b.*?</table>", html, re.S)
    rules = {
        "one h1": levels.count(1) == 1,
        "headings in order": all(b <= a + 1 for a, b in itertools.pairwise(levels)),
        "no empty heading": all(t for n in range(1, 5) for t in texts(html, f"h{n}")),
        "language": any(t == "html" and a.get("lang") for t, a in attributes),
        "title": bool(texts(html, "title") and texts(html, "title")[0]),
        "alternative texts": all(a.get("alt") for t, a in attributes if t == "img"),
        "header cells have a scope": all(a.get("scope") in ("col", "row") for t, a in attributes if t == "th"),
        "tables have a caption": all("<caption" in t for t in tables),
        "tables have headers": all("<th" in t for t in tables),
        "ids once": len(ids) == len(set(ids)),
        "links lead somewhere": all(t in ids for t in targets),
        "links say where": all(t and t.casefold() not in _VAGUE for t in texts(html, "a")),
        "landmarks": all(tags.count(t) == 1 for t in ("main", "header", "footer")),
        "a way past the contents": (attributes[tags.index("a")][1].get("class") == "skip") if "a" in tags else False,
        "scrolling boxes by keyboard": all(
            a.get("tabindex") == "0" and a.get("aria-label") for _, a in attributes if a.get("role") == "region"
        ),
        "folds have a name": tags.count("details") == tags.count("summary"),
        "lists hold items": all("<li" in t for t in re.findall(r"<ul\b.*?</ul>", html, re.S)),
        "zoom is allowed": "user-scalable=no" not in html and "maximum-scale" not in html,
        "contrast": bool(known) and all(contrast(a, b) >= 4.5 for a, b in known),
        "focus is seen": ":focus-visible" in html,
        "no positive tab order": not any((a.get("tabindex") or "0") not in ("0", "-1") for _, a in attributes),
    }  # fmt: skip
    return {name for name, kept in rules.items() if not kept}


@pytest.fixture(scope="module")
def page():
    return Report.of(builders.analysis()).text("html")


def test_the_page_breaks_no_rule(page):
    assert faults(page) == set()


BROKEN = [
    ("one h1", "<main>", "<main><h1>again</h1>"),
    ("headings in order", "</main>", "<h2>a</h2><h4>b</h4></main>"),
    ("no empty heading", "</main>", "<h2></h2></main>"),
    ("language", '<html lang="en">', "<html>"),
    ("title", re.compile("<title>.*?</title>", re.S), "<title></title>"),
    ("alternative texts", "</main>", '<img src="data:,"></main>'),
    ("header cells have a scope", '<th scope="col"', "<th"),
    ("tables have a caption", "<caption", "<p"),
    ("tables have headers", "</main>", "<table><caption>c</caption><tr><td>x</td></tr></table></main>"),
    ("ids once", "</main>", '<p id="answer">x</p></main>'),
    ("links lead somewhere", "</main>", '<a href="#nowhere">to nowhere</a></main>'),
    ("links say where", "</main>", '<a href="#answer">click here</a></main>'),
    ("landmarks", "</main>", "</main><main></main>"),
    ("a way past the contents", 'class="skip"', 'class="x"'),
    ("scrolling boxes by keyboard", 'tabindex="0"', ""),
    ("folds have a name", "<summary>", "<p>"),
    ("lists hold items", "</main>", "<ul></ul></main>"),
    ("zoom is allowed", "initial-scale=1", "initial-scale=1, user-scalable=no"),
    ("contrast", "--muted: #55616d", "--muted: #aab0b6"),
    ("focus is seen", ":focus-visible", ":hover"),
    ("no positive tab order", "</main>", '<p tabindex="3">x</p></main>'),
]


@pytest.mark.parametrize(("rule", "old", "new"), BROKEN, ids=[b[0] for b in BROKEN])
def test_each_rule_finds_a_page_that_breaks_it(page, rule, old, new):
    worse = old.sub(new, page) if isinstance(old, re.Pattern) else page.replace(old, new)
    assert worse != page
    assert rule in faults(worse)
