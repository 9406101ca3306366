"""Interventions: an effect by hand, a planted and an absent one, who counts as without, what is refused, simulation."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.changes import changes
from alignment_toolkit.drivers import Refused, SplitChange
from alignment_toolkit.drivers.interventions import after_interventions
from alignment_toolkit.periods import Period
from alignment_toolkit.report import Report
from alignment_toolkit.results import Analysis
from alignment_toolkit.statistics.event_study import Event, event_study
from tests.builders import company_of

YEAR = Period.parse("2026")
FIRST = date(2026, 1, 5)  # a Monday
TEAMS = ("east", "north", "south", "west", "centre", "harbour")


def deals(won: Any, closed: Any) -> list[dict[str, Any]]:
    """Give opportunities: a row per team, a column per week of won and closed ones."""
    rows = []
    for i, team in enumerate(TEAMS):
        for week in range(np.shape(won)[1]):
            at = datetime.combine(FIRST + timedelta(weeks=week, days=2), datetime.min.time())
            rows += [
                {
                    "opportunity_id": f"{team}-{week}-{n}", "opened_at": at - timedelta(days=10), "closed_at": at,
                    "outcome": "won" if n < won[i][week] else "lost", "owner": f"{team}-1", "amount": 100,
                }
                for n in range(closed[i][week])
            ]  # fmt: skip
    return rows


def stand_of(won: Any, closed: Any, work: list[dict[str, Any]], **more: Any) -> Any:
    people = [
        {"person_id": f"{t}-{n}", "department": "sales", "team": t.title()} for t in TEAMS for n in (1, 2)
    ]
    return company_of({"opportunities": deals(won, closed), "people": people, "work": work, **more})


def ride(team: str, week: int, kind: str = "ride_along", scope: str = "joint") -> dict[str, Any]:
    on = FIRST + timedelta(weeks=week, days=3)
    return {"work_id": f"{kind}{team}{week}", "kind": kind, "started_on": on, "scope": scope, "team": team}


def found_in(stand: Any, kpi: str = "win-rate") -> tuple[Any, ...]:
    entries = Catalog.load(stand.settings).kpis
    return after_interventions(stand, entries[kpi], YEAR, catalogue=entries)


@pytest.fixture(scope="module")
def planted() -> tuple[Any, Any]:
    """East wins 6 of 10 after week 10 and 3 before; the others go from 3 to 4, each around it by a week's chance."""
    rng = np.random.default_rng(7)
    closed = np.full((6, 24), 10)
    level = np.full((6, 24), 0.3)
    level[:, 10:] = 0.4
    level[0, 10:] = 0.8
    return rng.binomial(closed, level), closed


def test_the_change_is_split_into_what_others_did_too_and_what_lies_beyond(planted: Any) -> None:
    won, closed = planted
    stand = stand_of(won, closed, [ride("EAST", 10), ride("east", 22, scope="sales", kind="project")])
    (found,) = found_in(stand)
    assert isinstance(found, SplitChange), found
    rate = lambda rows, weeks: won[rows][:, weeks].sum(axis=1) / closed[rows][:, weeks].sum(axis=1)  # noqa: E731
    change = rate(slice(None), slice(11, 19)) - rate(slice(None), slice(2, 10))
    # All teams have the same number of deals, so every team without weighs the same.
    without, beyond = found.parts
    assert found.total == pytest.approx(100 * change[0])
    assert without.value == pytest.approx(100 * change[1:].mean())
    assert beyond.value == pytest.approx(100 * (change[0] - change[1:].mean()))
    assert without.value + beyond.value == pytest.approx(found.total, abs=1e-9)
    assert beyond.low is not None
    assert 0 < beyond.low < beyond.value < beyond.high
    assert (found.unit, found.kpi) == ("points", "win-rate")
    assert "associational" in found.method
    assert "1 team with, 5 teams without" in found.method
    assert [name for name, _ in found.path] == ["weeks -8 to -5", "weeks +1 to +4", "weeks +5 to +8"]
    assert found.by_owner["sales"].value == pytest.approx(0.7 * found.total)


def test_who_had_something_in_these_weeks_is_not_without(planted: Any) -> None:
    won, closed = planted
    busy = won.copy()
    busy[1] = closed[1]  # had north counted, the change of those without would be another
    trained = [{"actor": "north-1", "trained_on": FIRST + timedelta(weeks=14)}]
    (one,) = found_in(stand_of(won, closed, [ride("east", 10), ride("south", 3, "job_swap")]))[:1]
    more = found_in(
        stand_of(busy, closed, [ride("east", 10), ride("south", 3, "job_swap")], training=trained)
    )
    assert "4 teams without" in one.method
    assert "3 teams without" in more[0].method
    # The swap had no eight weeks before it, the training too many teams with something around it.
    assert isinstance(more[1], Refused)


def test_a_second_event_that_is_not_clean_does_not_count(planted: Any) -> None:
    won, closed = planted
    (found,) = found_in(stand_of(won, closed, [ride("east", 10), ride("east", 12)]))
    (alone,) = found_in(stand_of(won, closed, [ride("east", 10)]))
    assert [p.value for p in found.parts] == pytest.approx([p.value for p in alone.parts])


@pytest.mark.parametrize(
    ("work", "why"),
    [
        ([ride("sales", 10)], "no team of those whose cases are known"),
        ([ride("east", 20)], "have not come to their end"),
        ([ride("east", 7)], "does not reach 8 weeks back"),
        ([ride("east", 3), ride("east", 10)], "weeks back from the first"),
        ([ride(t, 10) for t in TEAMS[:4]], "at least 3 teams without"),
    ],
)
def test_refused_with_the_reason(planted: Any, work: list[dict[str, Any]], why: str) -> None:
    (found,) = found_in(stand_of(*planted, work))
    assert isinstance(found, Refused)
    assert why in found.reason


def test_nothing_done_nothing_said(planted: Any) -> None:
    assert found_in(stand_of(*planted, [ride("east", 10, "meeting")])) == ()
    stand = stand_of(*planted, [ride("east", 10)])
    entries = Catalog.load(stand.settings).kpis
    assert isinstance(after_interventions(stand, entries["opportunities"], YEAR)[0], Refused)


def test_it_stands_in_the_analysis_and_in_the_report(planted: Any) -> None:
    stand = stand_of(*planted, [ride("east", 10)])
    entries = Catalog.load(stand.settings).kpis
    said: list[str] = []
    rows = [s.row() for s in changes(stand, ["win-rate"], YEAR, (), entries, warnings=said)]
    assert [r["kpi"] for r in rows] == ["win-rate"]
    assert not said
    empty = Analysis.empty(company="Acme", currency="EUR", period="2026")
    page = Report.of(dataclasses.replace(empty, drivers=tuple(rows))).text("html")
    assert "event study of ride-alongs" in page
    assert "beyond teams without ride-alongs" in page
    assert "have not come to their end" not in page


# By simulation --------------------------------------------------------------------------------------------------


def runs(number: int, effect: float, *, drift: float = 0.0) -> tuple[float, float, float]:
    """Give how often the interval holds the truth and leaves out 0, and how often the weeks before stood out.

    Twelve teams of 2, 8 or 20 cases a week in bursts, four with; every team moves by chance of its own as well.
    """
    rng = np.random.default_rng(11)
    held = told = before = 0
    for _ in range(number):
        cases = rng.poisson(rng.choice([2, 8, 20], 12)[:, None] * rng.choice([0.2, 1, 2.4], (12, 36)))
        level = rng.uniform(0.25, 0.5, 12)[:, None] + 0.05 * np.sin(np.arange(36) / 4)
        start = rng.integers(12, 20, 12)
        late = np.arange(36) > start[:, None]
        level = level + late * rng.normal(0, 0.03, 12)[:, None]
        level[:4] += late[:4] * effect + drift * np.arange(36)
        top = rng.binomial(cases, level.clip(0.02, 0.98))
        events = [Event(i, int(start[i]), tuple(range(4, 12))) for i in range(4)]
        found = event_study(top, cases, events, unit="share")
        assert not isinstance(found, str)
        held += found.effect.low <= effect <= found.effect.high
        told += not found.effect.low <= 0 <= found.effect.high
        before += not found.path[0][2].low <= 0 <= found.path[0][2].high
    return held / number, told / number, before / number


def test_the_interval_holds_the_truth_and_an_absent_effect_stays_absent() -> None:
    held, told, before = runs(60, 0.0)
    assert held >= 0.88
    assert told <= 0.12
    assert before <= 0.12


@pytest.mark.slow
def test_coverage_of_the_event_study() -> None:
    for effect in (0.0, 0.10):
        held, told, _ = runs(600, effect)
        assert 0.925 <= held <= 0.985
        if effect:
            assert told >= 0.25
    # Positive control: teams on another way beforehand are seen before the event, in most runs.
    _, told, before = runs(100, 0.0, drift=0.03)
    assert before > 0.3
    assert told > 0.5
