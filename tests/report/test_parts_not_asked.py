"""A question that is put to no part of the company says why, beside the key figures and at the finding itself."""

from __future__ import annotations

import dataclasses

import pytest

from alignment_toolkit.languages import speaking
from alignment_toolkit.report import Report
from alignment_toolkit.report.blocks import Fold, Table, without_isolates
from alignment_toolkit.report.figures import slices
from alignment_toolkit.report.findings import full
from alignment_toolkit.results import Analysis, Finding
from tests.report.builders import analysis, dropped, kpi, opened, share
from tests.report.test_all_formats import READERS

CHOSEN = "Not asked by status: leads.status says what is judged here, or what came of it."
NOWHERE = "needs touches.touched_at"
STATES = ("new", "open", None)


def part(state: str | None, message: str | None = CHOSEN, **changed: object) -> Finding:
    """Build a part of the finding that was not asked, unless changed."""
    known = {"status": "not_assessed", "gap": None, "statement": "", "message": message, "missing": ()}
    return dataclasses.replace(
        dropped(),
        id=f"dropped_leads@{state}",
        title="Are leads dropped?",
        by={"status": state},
        **(known | changed),
    )


def told(*parts: Finding) -> Analysis:
    return analysis(kpis=(), findings=(dropped(), *parts))


def tables(of: Analysis) -> list[tuple[str, list[list[str]]]]:
    found = [b for b in opened(slices(of, "")) if isinstance(b, Table)]
    return [(t.caption, [[without_isolates(c.text) for c in row] for row in t.rows]) for t in found]


def at_the_finding(*parts: Finding) -> Table:
    """Give the table of parts that stands with the finding."""
    folds = [b for b in full(dropped(), "a", "EUR", "", parts).blocks if isinstance(b, Fold)]
    (table,) = next(fold.blocks for fold in folds if "parts of the company" in fold.title)
    assert isinstance(table, Table)
    return table


def test_a_question_that_is_put_to_no_part_stands_where_such_key_figures_stand() -> None:
    of = told(*map(part, STATES))
    assert tables(of) == [("Not asked by status, and why", [["Are leads dropped?", "all", CHOSEN]])]
    # Key figures that are told by status are no reason to leave it out.
    both = dataclasses.replace(of, kpis=(kpi("leads", "Leads", 3.0, "count", by={"status": "new"}),))
    assert tables(both)[-1] == tables(of)[0]


def test_several_reasons_name_their_parts() -> None:
    of = told(part("new"), part("open", NOWHERE), part(None))
    assert tables(of)[0][1] == [
        ["Are leads dropped?", "new and (missing)", CHOSEN],
        ["Are leads dropped?", "open", NOWHERE],
    ]


def test_a_question_that_any_part_answers_is_not_said_to_be_asked_of_none() -> None:
    answered = part("new", None, status="aligned", gap=share(0.04, 0.01, 0.09))
    assert tables(told(answered, part("open"))) == []
    table = at_the_finding(answered, part("open"))
    assert len(table.rows) == 2
    assert without_isolates(table.note).endswith(f"Not assessed (open): {CHOSEN}")


def test_many_parts_are_counted_at_the_finding() -> None:
    table = at_the_finding(part("answered", NOWHERE), *(part(f"state {i}") for i in range(30)))
    assert "state 5 and 24 more" in without_isolates(table.note)


@pytest.mark.parametrize("format", list(READERS))
def test_every_format_says_it(format: str) -> None:
    seen = READERS[format](Report.of(told(*map(part, STATES))).content(format))
    text = " ".join(seen.replace("\u00a0", " ").split())
    assert "Not asked by status, and why" in text
    # Once beside the key figures, once at the finding.
    assert text.count("Not asked by status: leads.status") == 2


def test_it_is_said_in_german() -> None:
    with speaking("de"):
        assert tables(told(part("new")))[0][0] == "Nicht gefragt nach status, und warum"
