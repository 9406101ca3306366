"""The controls, moved without a browser: what they say is looked at, and what goes wrong is said where results are."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.company import Company
from alignment_toolkit.errors import ParameterError
from alignment_toolkit.explorer import Looking, View
from alignment_toolkit.explorer.controls import UNSPLIT, Controls

SOME = ("dropped_leads", "price_ambition", "channel_mismatch")


@pytest.fixture(scope="module")
def looking(sample_dir):
    whole = Catalog.load()
    some = replace(whole, indicators={k: v for k, v in whole.indicators.items() if k in SOME})
    return Looking(Company.open(sample_dir), some)


@pytest.fixture
def controls(looking):
    return Controls(looking, View(period="2026-Q3", kpi="leads", compare="none", segmentation="as_given"))


def page(controls):
    (shown,) = controls.output.outputs
    return shown["data"]["text/html"].replace("\N{NO-BREAK SPACE}", " ")


def test_each_control_leads_to_the_numbers_of_its_view(controls, looking):
    assert "389" in page(controls)
    for move in (
        lambda: setattr(controls.period, "value", "2026-Q2"),
        lambda: setattr(controls.compare, "value", "year-ago"),
        lambda: setattr(controls.kpi, "value", "win-rate"),
        lambda: setattr(controls.by, "value", "region"),
        lambda: setattr(controls.only[0][0], "value", "region"),
        lambda: setattr(controls.only[0][1], "value", "South"),
        lambda: setattr(controls.by, "value", ""),
        lambda: setattr(controls.only[0][0], "value", ""),
    ):
        before = controls.view
        move()
        assert controls.view != before
        assert controls.shown is not None
        assert not controls.shown.failed
        assert controls.shown.results == looking.show("figures", controls.view).results
    assert controls.view == View(
        period="2026-Q2", compare="year-ago", kpi="win-rate", segmentation="as_given"
    )


def test_only_splits_that_the_key_figure_has_are_offered(controls, looking):
    """Each that is offered is told, each that is not says why when it is asked for; one chosen before stays."""
    every = looking.dimensions()
    for kpi in ("leads", "win-rate", "spend"):
        controls.kpi.value = kpi
        offered = [d for _, d in controls.by.options if d]
        assert offered
        assert offered == [d for d in every if d in offered]
        for dimension in every:
            try:
                rows = looking.measured(controls.view.but(by=(dimension,)))
            except ParameterError:  # it could be either of two
                assert dimension not in offered
                continue
            parts = [r for r in rows if r.by and r.grain is None]
            assert (dimension in offered) != (len(parts) == 1 and bool(parts[0].reason)), (kpi, dimension)
    controls.kpi.value = "leads"
    controls.by.value = "channel"
    controls.kpi.value = "win-rate"
    assert controls.view.by == ("channel",)
    assert controls.by.value == "channel"


def test_where_a_key_figure_has_no_split_that_is_said(looking, monkeypatch):
    monkeypatch.setattr(looking, "splits", lambda view: [])
    made = Controls(looking, View(period="2026-Q3", kpi="leads", compare="none"))
    assert made.by.options == ((UNSPLIT, ""),)


def test_lists_are_filled_by_what_was_found_and_lead_on(controls):
    controls.topics.value = "findings"
    assert len(controls.finding.options) == len(SOME)
    assert controls.asked.computed == 2
    controls.finding.value = "channel_mismatch"
    assert "Channel" in page(controls) or "channel" in page(controls)
    assert controls.view.finding == "channel_mismatch"


def test_what_is_supposed_is_shown_and_forgotten(controls):
    controls.topics.value = "what-if"
    computed = controls.asked.computed
    controls.margin_of.value = "dropped_leads"
    assert controls.asked.computed == computed, "to choose is not yet to suppose"
    assert controls.margin.value == pytest.approx(0.1)
    controls.margin.value = 0.3
    controls.levers["faster-follow-up"].value = 2
    controls.weight_of.value = "sales.arpu"
    controls.weight.value = 3
    assert controls.view.what_if == {
        "margin.dropped_leads": 0.3, "lever.faster-follow-up": 2, "weight.sales.arpu": 3,
    }  # fmt: skip
    assert "Verdicts under other margins" in page(controls)
    controls.reset.click()
    assert controls.view.what_if == {}
    assert controls.margin.value == pytest.approx(0.1)
    assert "Nothing is supposed yet" in page(controls)


def test_a_hundred_fast_moves_of_a_slider_are_at_most_five_computations_and_the_last_is_shown(controls):
    controls.topics.value = "what-if"
    before = controls.asked.computed

    async def drag():
        for step in range(100):
            controls.levers["faster-follow-up"].value = (step % 11) / 4
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.5)

    asyncio.run(drag())
    assert 1 <= controls.asked.computed - before <= 5
    last = (99 % 11) / 4
    assert controls.levers["faster-follow-up"].value == last == 0
    controls.levers["faster-follow-up"].value = 1.5
    assert "1.5 times as far" in page(controls)


def test_what_goes_wrong_is_a_sentence_in_the_place_of_results(controls, monkeypatch):
    def broken(*args):
        raise RuntimeError("out of order")

    monkeypatch.setattr(controls.looking, "values", broken)
    controls.only[0][0].value = "region"
    assert "This did not work: RuntimeError: out of order" in page(controls)
    assert "Traceback" not in page(controls)


def test_a_view_is_kept_as_parameters(controls, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    controls.by.value = "channel"
    controls.keep.click()
    (kept,) = (tmp_path / "views").iterdir()
    assert json.loads(kept.read_text(encoding="utf-8"))["by"] == ["channel"]
    assert kept.name in controls.status.value


def test_every_control_has_a_name_and_can_be_reached_by_keyboard(controls):
    controls.topics.value = "what-if"
    found, todo = [], [controls.box]
    while todo:
        one = todo.pop()
        todo += getattr(one, "children", ())
        if hasattr(one, "value") and hasattr(one, "description") and type(one).__name__ != "HTML":
            found.append(one)
    assert len(found) > 15
    assert all(one.description for one in found)
    assert not any(one.tabbable is False for one in found)
