"""Outside the company no sentence, chart or play tells a count under ten."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from alignment_toolkit.languages import languages, say, speaking
from alignment_toolkit.languages.messages import messages
from alignment_toolkit.privacy import seen_by
from alignment_toolkit.privacy.small_counts import masked
from alignment_toolkit.results import Chart, Column, Evidence, Guard
from tests.report import builders
from tests.report.kpi_rows import kpi


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("At least 50 wins are needed; here: 7.", "At least 50 wins are needed; here: fewer than 10."),
        ("9 of 28 opportunities had no decision maker.", "fewer than 10 of 28 opportunities had no decision maker."),
        ("bookings without audience, left out: 1 (3.1 %)", "bookings without audience, left out: fewer than 10"),
        ("old enough: none, 3 too young at 2026-09-08", "old enough: none, fewer than 10 too young at 2026-09-08"),
        ("conversions seen: 1, at least 20 are needed", "conversions seen: fewer than 10, at least 20 are needed"),
        # What is no count of cases stays.
        ("within 5 working days, 1 July 2026 to 9 July 2026", "within 5 working days, 1 July 2026 to 9 July 2026"),
        ("between 0.3 % and 7 %, 1.5 points, 2026-Q3, q 0.04", "between 0.3 % and 7 %, 1.5 points, 2026-Q3, q 0.04"),
        ("here: 10, 1,200 and 37", "here: 10, 1,200 and 37"),
        ("8 cosines of 92 days; EWMA, weight 0.2", "8 cosines of 92 days; EWMA, weight 0.2"),
        ("€7 and at most 2 products", "€7 and at most 2 products"),
    ],
)  # fmt: skip
def test_a_count_is_masked_and_other_numbers_stay(text, said):
    assert masked(text) == said


def test_in_german_too():
    with speaking("de"):
        assert masked("Mindestens 5 Geschäfte sind nötig; hier: 7.") == (
            "Mindestens 5 Geschäfte sind nötig; hier: weniger als 10."
        )
        assert masked("binnen 5 Arbeitstagen, 1. Juli 2026") == "binnen 5 Arbeitstagen, 1. Juli 2026"


# What these say of one is a count.
COUNTS = {"sums of 1", "About {n:,} more of: {said}."}


@pytest.mark.parametrize("language", languages())
def test_no_number_that_stands_in_a_definition_is_masked(language):
    """Whatever the numbers that are filled in: those that a message is written with are constants."""
    with speaking(language):
        for message, known in messages().items():
            if message in COUNTS or known.many:
                continue
            text = re.sub(r"\{[^{}]*\}", "Qq", (say(message)).replace("{{", "").replace("}}", ""))
            assert masked(text) == text, known.places


@pytest.mark.parametrize(
    "text",
    [
        "changed from 3 to 7 leads",
        "3 and 7 of them",
        "of 5 clients 2 left",
        "1 lead came late",
        "here: 7 - too few",
    ],
)
def test_a_count_beside_such_words_is_masked(text):
    assert not re.search(r"(?<!\d)[1-9](?!\d)", masked(text).replace("10", ""))


def seen(audience, **changes):
    return seen_by(replace(builders.analysis(), **changes), audience)


SECRETS = ("7 leads", "here: 6", "seen: 4", '"censored": 3', "Client B3CDFGH", "Person B3CDFGH")


def leaking():
    """Give an analysis that tells small counts in a method, a reason, a guard, a chart and a play."""
    rows = (
        kpi("time-to-client", "Time to client", None, "days", status="not_available", reason="seen: 4", n=4),
        kpi("win-rate", "Win rate", 0.4, "share", n=40, censored=3, method="Wilson; 7 leads left out"),
    )
    finding = replace(
        builders.dropped(), message="Needed: 30; here: 6.", guards=(Guard("few", "7 leads came late."),),
        evidence=Evidence(), chart=None,
    )  # fmt: skip
    play = {"account": "Client B3CDFGH", "proposed": "defend", "reasons": []}
    people = replace(
        finding, id="people", indicator="people",
        chart=Chart("bars", "to", "share", rows=({"to": "Person B3CDFGH", "share": 0.5},), title="By person"),
    )  # fmt: skip
    return {"kpis": rows, "findings": (finding, people), "plays": (play,)}


def test_no_text_tells_a_small_count_outside():
    inside = json.dumps(seen("internal", **leaking()).to_json())
    assert all(secret in inside for secret in SECRETS)
    for audience in ("client", "public"):
        told = seen(audience, **leaking())
        text = json.dumps(told.to_json())
        assert [secret for secret in SECRETS if secret in text] == []
        assert told.kpis[1].value == 0.4
        assert told.kpis[0].n == 0
        assert told.findings[0].message == "Needed: 30; here: fewer than 10."
        assert told.plays == ()


def test_a_small_count_among_many_is_hidden_and_a_mean_is_not():
    told = seen("client", kpis=(
        kpi("conversions", "Conversions", 4.0, "count", n=90), kpi("many", "Leads", 40.0, "count", n=90),
        kpi("touches", "Touches a lead", 4.0, "count", n=90, top=360.0, bottom=90.0),
        kpi("rate", "Conversion rate", 4 / 90, "share", n=90, top=4.0, bottom=90.0),
    )).kpis  # fmt: skip
    assert [k.value for k in told] == [None, 40.0, 4.0, None], "the rate tells the count again"


def test_the_title_of_a_chart_tells_no_small_count():
    chart = Chart(
        "bars", "a", "b", rows=({"a": "x", "b": 0.4},), title="Off plan: 5 of 12 in the last 5 days"
    )
    (finding,) = seen("client", findings=(replace(builders.dropped(), chart=chart),)).findings
    assert finding.chart.title == "Off plan: fewer than 10 of 12 in the last 5 days"


def matrix(*counts):
    rows = tuple({"asked": f"a{i}", "came": "web", "cases": n} for i, n in enumerate(counts))
    chart = Chart("matrix", "asked", "cases", group="came", rows=rows, title="Asked and came")
    return seen("client", findings=(replace(builders.dropped(), chart=chart),)).findings[0].chart


def test_small_fields_of_a_matrix_are_left_out_and_another_with_them():
    assert [r["cases"] for r in matrix(50, 40, 30).rows] == [50, 40, 30]
    assert matrix(50, 40, 30).title == "Asked and came"
    assert [r["cases"] for r in matrix(50, 40, 3).rows] == [50]
    assert matrix(50, 40, 3).title == "Asked and came (fields under 10 left out)"


def test_evidence_of_small_groups_is_left_out_by_any_count():
    columns = (Column("region", "Region", "", "dimension"), Column("wins", "Wins", "count", "measure"))
    rows = (("North", 60), ("South", 20), ("West", 3))
    finding = replace(builders.dropped(), evidence=Evidence(columns, rows), chart=None)
    assert seen("client", findings=(finding,)).findings[0].evidence.rows == (("North", 60),)


def test_segments_name_no_account_and_no_play_of_few():
    odd = {"columns": [{"name": "account"}], "rows": [["Client B3CDFGH"]]}
    segment = {"segmentation": "value", "segment": "a", "size": 30, "plays": {"attack": 3}, "exceptions": odd}
    told = seen("client", segments=(segment,)).segments
    assert [(s["plays"], s["exceptions"]["rows"]) for s in told] == [({}, [])]


def test_a_small_count_of_a_part_is_not_worked_out_from_the_whole():
    parts = {"North": 4.0, "South": 11.0, "West": 25.0}
    rows = [kpi("conversions", "Conversions", v, "count", n=90, by={"region": r}) for r, v in parts.items()]
    told = seen("client", kpis=(kpi("conversions", "Conversions", 40.0, "count", n=270), *rows)).kpis
    assert [k.value for k in told] == [40.0, None, None, 25.0]
