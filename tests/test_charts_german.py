"""A chart in German: a department keeps its colour under its German name, and no label stays English."""

from __future__ import annotations

import dataclasses

import pytest
from matplotlib.text import Text

from alignment_toolkit import charts
from alignment_toolkit.charts import ChartData, Point, Series
from alignment_toolkit.languages import say, speaking
from alignment_toolkit.results import Chart, Evidence
from tests.report import builders


def texts(figure) -> str:
    return " ".join(t.get_text() for t in figure.findobj(Text))


@pytest.mark.parametrize("language", ["en", "de"])
def test_departments_are_told_apart_by_their_colours_in_each_language(language):
    with speaking(language):
        names = [say(word) for word in ("Marketing", "Sales", "Service")]
        shades = [charts.colour(name, 1) for name in names]
    assert shades == [charts.colour(name, 0) for name in ("marketing", "sales", "service")]
    assert len(set(shades)) == 3


def test_the_sum_of_a_waterfall_is_named_in_german():
    data = ChartData("waterfall", "T", (Series("", (Point("a", 3.0), Point("b", -1.0))),))
    with speaking("de"):
        said = texts(charts.draw(data)).split()
    assert "Summe" in said
    assert "sum" not in said


def test_the_company_beside_its_parts_is_named_in_german():
    rows = [builders.kpi("k", "K", 0.1 * i, "share", by={"c": str(i)}) for i in (1, 2)]
    with speaking("de"):
        data = charts.of_slices(rows, builders.kpi("k", "K", 0.15, "share"))
        assert "Unternehmen 15,0 %" in texts(charts.draw(data))


def test_a_line_to_compare_with_is_named_in_german():
    rows = ({"x": "a", "y": 1.2}, {"x": "b", "y": 0.9})
    told = dataclasses.replace(
        builders.dropped(), chart=Chart("bars", "x", "y", rows=rows, reference=1.0), evidence=Evidence()
    )
    with speaking("de"):
        data = charts.of_finding(told)
    assert data.reference_label == "Vergleichswert"


def test_what_a_matrix_shows_is_written_across_the_whole_width():
    """Two narrow columns leave most of the width to the line below them."""
    series = tuple(Series(f"feature number {i}", (Point("a", 1.0), Point("b", 2.0))) for i in range(3))
    data = ChartData(
        "matrix", "T", series, x_label="Segment", y_label="Mean against the median of all, in usual distances",
        group_label="Characteristic",
    )  # fmt: skip
    assert "Segment across, Characteristic down" in texts(charts.draw(data))
