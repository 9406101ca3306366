"""Pictures of segments, targets and offers in a notebook: each kind, what there is not, and what is unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alignment_toolkit.errors import UnknownName
from alignment_toolkit.notebooks.pictures import PICTURES, pictures
from alignment_toolkit.results import Analysis

EMPTY = Analysis.empty(company="Acme", currency="EUR", period="2026-Q3")


@pytest.fixture(scope="module")
def drawn(sample_report) -> Analysis:
    (told,) = sample_report.rglob("analysis.json")
    return Analysis.loads(told.read_text(encoding="utf-8"))


def test_every_kind_is_drawn_and_in_the_order_of_the_segmentations(drawn) -> None:
    for kind in PICTURES:
        found = pictures(drawn, kind)
        assert found.charts, kind
        assert found._repr_html_().count("<img") == len(found.charts)
    whole = pictures(drawn)
    assert len(whole.charts) == sum(len(pictures(drawn, kind).charts) for kind in PICTURES)
    value = pictures(drawn, "profile", "map", segmentation="value")
    assert [(heading, chart.kind) for heading, chart in value.charts] == [
        ("Value", "matrix"),
        ("Value", "scatter"),
    ]
    assert repr(value).startswith("Value\n")


def test_what_is_not_there_is_said_and_what_is_unknown_is_refused(drawn) -> None:
    assert repr(pictures(EMPTY)).startswith("There is nothing to draw")
    bare = replace(drawn, definitions={**drawn.definitions, "target_grid": None})
    assert pictures(bare, "targets")._repr_html_().startswith("<p>There is nothing")
    with pytest.raises(UnknownName, match="Did you mean 'migration'"):
        pictures(drawn, "migrations")
    with pytest.raises(UnknownName, match="Did you mean 'value'"):
        pictures(drawn, segmentation="values")
