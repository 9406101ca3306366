"""The section on attribution: what it shows of the rows, and what it does without any."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alignment_toolkit.report.attribution import steps_before_sales
from alignment_toolkit.report.blocks import Figure, Fold, Prose, Table
from alignment_toolkit.report.html import render
from alignment_toolkit.report.story import story
from alignment_toolkit.results import Analysis
from tests.report.builders import opened

EMPTY = Analysis.empty(company="Acme", currency="EUR", period="2026-Q3")


def row(model, channel, credit, cost=None, kept=None):
    return {
        "model": model,
        "channel": channel,
        "credit": credit,
        "cost_per_sale": cost,
        "rank_stability": kept,
    }


ROWS = (
    row("first", "email", 3.0, 100.0, 0.9),
    row("first", "phone (sales)", 1.0, None, 0.5),
    row("first", "(no touch)", 2.0),
    row("last", "email", 0.4, 750.0, 0.7),
    row("last", "phone (sales)", 3.6, None, 0.7),
    row("last", "(no touch)", 2.0),
)
ABOUT = {
    "paths": {"title": "Paths", "about": "How paths were built."},
    "disagreement": {
        "mean_distance": 0.65,
        "largest_distance": 0.65,
        "between": ["First touch", "Last touch"],
    },
}
MADE = replace(EMPTY, attribution=ROWS, definitions={"attribution": ABOUT})


def blocks_of(analysis, kind):
    return [b for b in opened(steps_before_sales(analysis)) if isinstance(b, kind)]


def cells(table):
    return [[c.text for c in row] for row in table.rows]


def test_the_section_says_what_no_model_can_say_and_how_far_they_lie_apart():
    (lead,) = blocks_of(MADE, Prose)
    assert "No attribution is the truth." in lead.text
    assert "4 sales had a step before them; 2 had none" in lead.text
    assert "65.0 % of the sales change their channel" in lead.text


def test_the_chart_holds_every_credit_and_its_title_the_finding():
    (figure,) = blocks_of(MADE, Figure)
    chart = figure.chart
    assert chart.title == "phone (sales): 1 or 3.6 of 4 sales, depending on the model"
    assert {s.name: [p.y for p in s.points] for s in chart.series} == {
        "phone (sales)": [1.0, 3.6],
        "email": [3.0, 0.4],
    }
    assert "n 4 sales" in chart.note


def test_the_table_spans_the_models_and_takes_no_cost_from_less_than_half_a_sale():
    (table,) = blocks_of(MADE, Table)
    assert cells(table) == [
        ["phone (sales)", "1 to 3.6", "not available", "60.0 %"],
        ["email", "0.4 to 3", "€100.00", "80.0 %"],
    ]
    (fold,) = blocks_of(MADE, Fold)
    assert cells(fold.blocks[0]) == [["phone (sales)", "1", "3.6"], ["email", "3", "0.4"]]


def test_many_channels_are_a_short_picture_that_still_adds_up():
    rows = tuple(row("linear", f"channel {i:03d}", 1.0 + i / 100) for i in range(60))
    (figure,) = blocks_of(replace(EMPTY, attribution=rows), Figure)
    assert len(figure.chart.series) == 12
    assert figure.chart.series[-1].name == "other (49)"
    shown = sum(p.y for s in figure.chart.series for p in s.points)
    assert shown == pytest.approx(sum(r["credit"] for r in rows))


def test_models_that_agree_are_not_said_to_move_0_percent():
    told = {
        "disagreement": {
            "mean_distance": 0.0,
            "largest_distance": 0.0,
            "between": ["First touch", "Last touch"],
        }
    }
    alike = tuple({**r, "credit": 2.0} for r in ROWS)
    lead = steps_before_sales(replace(MADE, attribution=alike, definitions={"attribution": told}))[0]
    assert lead.text.endswith(" All models share them in the same way.")
    assert "0.0 %" not in lead.text


def test_without_rows_there_is_the_reason_or_nothing():
    assert steps_before_sales(EMPTY) == []
    why = {"paths": {"title": "Attribution", "about": "Not available: no sales in 2026-Q3."}}
    told = steps_before_sales(replace(EMPTY, definitions={"attribution": why}))
    assert [b.text for b in told] == ["Not available: no sales in 2026-Q3."]


def test_names_from_data_are_escaped():
    hostile = tuple({**r, "channel": f"<script>alert(1)</script>{r['channel']}"} for r in ROWS)
    page = render(story(replace(MADE, attribution=hostile)))
    assert "Which steps came before the sales" in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
