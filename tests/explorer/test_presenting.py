"""A meeting: one finding at a time, what was agreed, kept beside the analysis and nowhere else."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from alignment_toolkit.errors import AlignmentError, ParameterError
from alignment_toolkit.explorer import present
from alignment_toolkit.results import Analysis, Estimate, Evidence, Finding, Window


def finding(id, status, severity="none"):
    gap = Estimate(0.3, 0.2, 0.4, 100, "leads", "share", "Wilson")
    return Finding(
        id=id, indicator=id, by={}, title=f"Title of {id}", nature="tactical", area="handover", status=status,
        tension="harmful", severity=severity, direction="greater", window=Window("2026-07-01", "2026-09-30"),
        population="leads", gap=gap, margin=0.1, p_value=0.01, q_value=0.02, measures=(), money_at_stake=None,
        statement="A <b>statement</b>.", why="Why.", advice="Advice.", who=("sales",),
        counter_explanations={"marketing": "reading one", "sales": "reading two"}, guards=(), missing=(), message=None,
        needs_more=None, evidence=Evidence(), chart=None,
    )  # fmt: skip


@pytest.fixture
def analysis():
    found = (
        finding("a", "aligned"),
        finding("b", "uncertain"),
        finding("c", "misaligned", "low"),
        finding("d", "misaligned", "high"),
    )
    return replace(Analysis.empty(company="Acme", currency="EUR", period="2026-Q3"), findings=found)


def test_the_gravest_comes_first_with_both_readings_and_what_is_in_order_is_left_out(analysis, tmp_path):
    meeting = present(analysis, tmp_path)
    assert [f.id for f in meeting.findings] == ["d", "c", "b"]
    page = meeting._repr_mimebundle_()["text/html"]
    assert page.count("reading one") == page.count("reading two") == 3
    assert "<b>statement</b>" not in page
    assert [f.id for f in present(analysis, tmp_path, most=1).findings] == ["d"]


def test_what_was_agreed_is_kept_beside_the_analysis_and_is_there_again(analysis, tmp_path):
    path = present(analysis, tmp_path).agree("c", " Call within a day ", "Sales", "March")
    assert path == tmp_path / "agreed.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    assert told["agreed"]["c"] == {
        "title": "Title of c", "status": "misaligned", "what": "Call within a day", "who": "Sales", "until": "March",
    }  # fmt: skip
    again = present(analysis, tmp_path)
    assert "Agreed: Call within a day (who: Sales; until: March)" in repr(again)
    again.agree("c", "")
    assert json.loads(path.read_text(encoding="utf-8"))["agreed"] == {}
    assert [p.name for p in tmp_path.iterdir()] == ["agreed.json"]
    with pytest.raises(ParameterError, match="not among"):
        again.agree("a", "x")
    path.write_text("[]")
    with pytest.raises(AlignmentError, match=r"agreed\.json"):
        present(analysis, tmp_path)


def test_in_a_meeting_nothing_that_was_written_is_lost(analysis, tmp_path):
    meeting = present(analysis, tmp_path, interactive="yes").meeting
    assert meeting.back.disabled
    meeting.what.value = "First"
    meeting.on.click()
    assert meeting.what.value == ""
    assert "Title of c" in meeting.output.outputs[0]["data"]["text/html"]
    meeting.what.value = "Second"
    meeting.finding.value = "b"
    assert meeting.on.disabled
    meeting.back.click()
    assert meeting.what.value == "Second"
    meeting.save.click()
    assert "agreed.json" in meeting.status.value
    assert {k: v.what for k, v in present(analysis, tmp_path).agreed.items()} == {"d": "First", "c": "Second"}


def test_what_cannot_be_saved_is_said(analysis, tmp_path):
    (tmp_path / "file").write_text("")
    meeting = present(analysis, tmp_path / "file", interactive="yes").meeting
    meeting.what.value = "First"
    meeting.save.click()
    assert "could not be written" in meeting.status.value
