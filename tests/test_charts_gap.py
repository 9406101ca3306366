"""The gap's own chart: told as its sentence tells it, and an interval only where there is one."""

from __future__ import annotations

import dataclasses
import math

import pytest

from alignment_toolkit import charts
from alignment_toolkit.languages import speaking
from alignment_toolkit.report import words
from alignment_toolkit.results import Estimate, Finding
from tests.report import builders


def finding(statement: str, margin: float = 0.05, **gap: float | str | None) -> Finding:
    known = {"value": 0.14, "low": 0.14, "high": 0.14, "n": 8, "n_unit": "products", "unit": "ratio"}
    estimate = Estimate(**(known | gap), method="counted")  # type: ignore[arg-type]
    return dataclasses.replace(builders.dropped(), gap=estimate, margin=margin, statement=statement)


PER_CENT = finding("The planned price levels lie 14.0 % of the market's price apart.")


def small_print(found: charts.ChartData) -> str:
    return charts.svg(charts.draw(found, small=True))


def test_a_ratio_that_the_sentence_tells_in_per_cent_is_in_per_cent_everywhere():
    found = charts.of_gap(PER_CENT)
    assert found.y_unit == "share"
    assert found.title == "The gap: 14.0 %, tolerated up to 5.0 %"
    assert words.gap_sentence(PER_CENT, "EUR").startswith("14.0 % (")
    assert words.tolerated(PER_CENT, "EUR") == "up to 5.0 %"
    drawn = small_print(found)
    assert "14.0 %" in drawn
    assert "0.14" not in drawn


def test_german_sentences_are_known_too():
    with speaking("de"):
        told = charts.of_gap(finding("Die Preise liegen 14,0 % auseinander."))
    assert told.y_unit == "share"


def test_a_logarithm_is_told_as_the_growth_of_the_sentence():
    """Twice as many is a logarithm of ln 2; the tolerance of ln 1.5 is half as many again."""
    two, four = math.log(2), math.log(4)
    told = finding(
        "It grew by 100.0 % a year (0.0 % to 300.0 %).", math.log(1.5), value=two, low=0.0, high=four
    )
    found = charts.of_gap(told)
    assert found.title == "The gap: 100.0 %, tolerated up to 50.0 %"
    assert [round(v, 9) for v in (found.series[0].points[0].low, found.series[0].points[0].high)] == [
        0.0,
        3.0,
    ]


@pytest.mark.parametrize(
    ("statement", "low"),
    [
        ("The difference is 0.14, where 14.0 % would be much.", 0.14),  # it is told as it stands
        ("The difference is large.", 0.14),
        ("It is 14.0 %, from 3.0 % to 20.0 %.", 0.05),  # another interval
    ],
)
def test_what_the_sentence_does_not_tell_so_stays_a_ratio(statement, low):
    kept = finding(statement, low=low)
    assert charts.as_told(kept) is kept


def test_a_chart_without_an_interval_says_nothing_of_one():
    counted, sampled = charts.of_gap(PER_CENT), charts.of_gap(builders.dropped())
    assert (counted.series[0].points[0].low, counted.series[0].points[0].high) == (None, None)
    assert "interval" not in small_print(counted)
    assert "bar: 95 % interval" in small_print(sampled)
    assert "95 % interval" not in charts.table(counted)[0]
    assert " to 14.0 %" not in charts.alt_text(counted)


def test_whiskers_without_width_are_not_named():
    points = (charts.Point("a", 1.0, 1.0, 1.0), charts.Point("b", 2.0, 2.0, 2.0))
    data = charts.ChartData("dots", "Two", (charts.Series("", points),))
    wide = dataclasses.replace(data, series=(charts.Series("", (charts.Point("a", 1.0, 0.5, 1.5), *points)),))
    assert "interval" not in small_print(data)
    assert "whiskers" in small_print(wide)
