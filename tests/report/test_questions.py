"""Many findings at a glance: in order by area, routed by nature, slices folded, gaps over runs."""

from __future__ import annotations

from dataclasses import replace

from alignment_toolkit.report import Report
from alignment_toolkit.report.blocks import Fold, Prose, Section, Table
from alignment_toolkit.report.findings import answer
from alignment_toolkit.report.questions import FEW, by_area, over_time, routes
from alignment_toolkit.results import Analysis, Estimate, Finding
from tests.report import builders
from tests.test_following import CALM, follow, run
from tests.test_verdict_families import HEADERS, Part, look, slice_verdicts, verdicts


def aligned(count: int) -> tuple[Finding, ...]:
    found = verdicts([look(h, 0.0) for h in HEADERS[:count]])
    return tuple(replace(f, area=("message", "clients")[i % 2]) for i, f in enumerate(found))


def page(*findings: Finding, analysis: Analysis | None = None) -> str:
    base = analysis or Analysis.empty(
        company="Acme", currency="EUR", period="2026-Q3", start="2026-07-01", to="2026-09-30"
    )
    return Report.of(replace(base, findings=findings)).text("html")


def test_few_aligned_findings_stand_each_and_many_by_area() -> None:
    few, many = aligned(FEW), aligned(FEW + 3)
    told = {f.id: Section(()) for f in many}
    assert by_area(few, told, "EUR") == [told[f.id] for f in few]
    table, *folds = by_area(many, told, "EUR")
    assert isinstance(table, Table)
    assert len(table.rows) == len(many)
    assert [f.title for f in folds if isinstance(f, Fold)] == [
        "Message: 4 findings in detail",
        "Clients: 4 findings in detail",
    ]
    text = page(*many)
    assert "What is aligned, by area" in text
    assert all(f.title in text for f in many)


def test_each_finding_goes_to_people_process_or_plan() -> None:
    found = verdicts([look(h, 0.3) for h in HEADERS[:2]])
    found = (found[0], replace(found[1], nature="personal", who=("sales",)))
    table = routes(found)[0]
    assert isinstance(table, Table)
    assert [[str(c.text) for c in row[::2]] for row in table.rows] == [
        ["People", "\u2068sales\u2069"], ["Process", "\u2068marketing\u2069 and \u2068sales\u2069"],
    ]  # fmt: skip
    assert "Where to take it" in page(*found)
    assert routes(()) == []


def test_slices_are_one_folded_table_with_intervals() -> None:
    whole = verdicts([look(HEADERS[0], 0.3)])
    parts = [Part({"region": r}, look(HEADERS[0], v, 0.02)) for r, v in (("North", 0.25), ("South", 0.12))]
    slices = slice_verdicts(whole, {HEADERS[0].id: parts})
    text = page(*whole, *slices)
    assert "The same question in parts of the company: 1 out of line and 1 uncertain" in text
    for f in slices:
        assert isinstance(f.gap, Estimate)
        assert f"{100 * (f.gap.low or 0):.1f}" in text
    assert "Region: " in text


def test_gaps_over_runs_are_told_with_their_limits() -> None:
    now = run("2026-Q1", 0.4)
    followed = replace(now, alarms=follow(now, CALM).charts)
    table = over_time(followed)[1]
    assert isinstance(table, Table)
    assert "Alarm: wider than before" in page(*now.findings, analysis=followed)
    assert over_time(now) == []


def test_a_change_of_definition_is_named_beside_the_gaps_and_by_itself() -> None:
    def changed(one: Analysis, *messages: str) -> Analysis:
        return replace(one, definitions={**one.definitions, "changed": [{"message": m} for m in messages]})

    now = run("2026-Q1", 0.4)
    said = "leads.status: since 2025-Q4 'won' is called <b>; what moved since then may be this change"
    assert [b.bullets for b in over_time(changed(now, said)) if isinstance(b, Prose)] == [(said,)]
    followed = replace(now, alarms=follow(now, CALM).charts)
    many = over_time(changed(followed, *map(str, range(20))))[-1]
    assert isinstance(many, Prose)
    assert many.bullets[-1] == "and 8 more"
    text = page(*now.findings, analysis=changed(followed, said))
    assert "Changes of definition, not of the company" in text
    assert "is called &lt;b&gt;" in text


def test_a_gap_told_in_per_cent_is_not_told_twice():
    def facts(statement, unit="ratio", value=0.14, low=0.14, high=0.14):
        gap = Estimate(value, low, high, 8, "products", unit, "m")
        made = builders.finding(
            "price_ambition", "misaligned", "t", gap=gap, margin=0.05, statement=statement
        )
        return [name for name, _ in answer(made, "a", "EUR").facts]

    assert "How far" not in facts("Prices lie 14.0 % apart.")
    assert "How far" not in facts("Prices lie 0.14 apart.")
    assert "How far" in facts("Prices lie apart.")
    grown = "Procedures grow by 22.1 % a year. The 95 % interval is 10.5 % to 35.0 %."
    assert "How far" not in facts(grown, "index", 0.2, 0.1, 0.3)
    assert "How far" in facts(grown, "share", 0.2, 0.1, 0.3)
