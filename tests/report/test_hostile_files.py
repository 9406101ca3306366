"""Text that wants to be more than text, in every text of an Analysis: every format is written, and tells it as text."""

from __future__ import annotations

import dataclasses
import itertools
from datetime import UTC, datetime, timedelta, timezone

import pytest

from alignment_toolkit.report import Report
from alignment_toolkit.results import Column, Evidence
from tests.report import builders
from tests.report.hostile import PAYLOADS, plant
from tests.report.test_all_formats import READERS, flat
from tests.report.test_formulas import live

_HARD = (
    '#import "x.typ": *',
    '#read("/etc/passwd")',
    "$ sum_(i=0)^n i $",
    "*bold* _it_ `raw` @ref <label>",
    "// comment",
    "\\u{1F600} \\",
    "]]>",
    "{{7*7}}",
    "x" * 500,
    "مرحبا بالعالم",
    "שלום",
    "漢字かな交じり文",
    "😀👩‍👩‍👧",
    "Ελλάδα Україна",
    "a\x00b\x0bc",
    "\ud800",
    "\ufffe",
    "%d %s {0}",
    "_x000D_",
    "&lt;&#60;",
    "  ",
    "-",
    "0",
    "nan",
    "1e400",
)


@pytest.fixture(scope="module")
def hostile():
    """Build an Analysis whose texts are hostile in turn, each marked so that it can be found again."""
    texts = itertools.cycle([*_HARD, *PAYLOADS])
    known: dict[str, str] = {}

    def disguise(value: str) -> str:
        if value not in known:
            known[value] = f"{next(texts)} q{len(known)}q"
        return known[value]

    return plant(builders.analysis(), disguise), known


@pytest.mark.parametrize("format", READERS)
def test_every_format_is_written_and_tells_it_as_text(hostile, format):
    analysis, known = hostile
    made = Report.of(analysis, audience="internal", kind="full").content(format)
    text = flat(READERS[format](made))
    titles = [f.title for f in analysis.findings if not f.by]
    assert all(f"q{t.rsplit(' q', 1)[1]}" in text for t in titles)
    assert len(known) > 80
    if format in ("pptx", "xlsx"):
        assert live(made) == []
    if format == "pdf":
        assert b"/JavaScript" not in made
        assert b"/Launch" not in made
        assert b"/URI" not in made


@pytest.mark.parametrize("audience", ["client", "public"])
def test_readers_outside_get_it_too(hostile, audience):
    analysis, _ = hostile
    assert Report.of(analysis, audience=audience, kind="workshop").content("pdf").startswith(b"%PDF")


def test_moments_with_a_zone_and_moments_at_the_ends_of_time_are_texts():
    berlin = datetime(2026, 10, 25, 2, 30, tzinfo=timezone(timedelta(hours=1)))
    moments = (berlin, berlin.isoformat(), datetime(1, 1, 1, tzinfo=UTC), "9999-12-31T23:59:59+14:00", None)
    evidence = Evidence((Column("at", "Handed over", None, "time"),), tuple((m,) for m in moments))
    made = builders.analysis(findings=(dataclasses.replace(builders.dropped(), evidence=evidence),))
    report = Report.of(made)
    for format in ("html", "pdf", "pptx", "xlsx"):
        assert "2026-10-25" in flat(READERS[format](report.content(format)))
