"""Counts whose days or weeks vary by themselves: held as promised, where exact Poisson is not."""

from __future__ import annotations

import numpy as np
import pytest

from alignment_toolkit.statistics.bursts import event_count
from tests.statistics.test_coverage import bench as bench
from tests.statistics.test_coverage import holds
from tests.statistics.test_coverage import kpi_bench as kpi_bench

CALM, DAYS, WEEKS, BOTH = (0.0, 0.0), (0.5, 0.0), (0.0, 0.1), (0.3, 0.3)


def check(rows) -> None:
    for row in rows:
        plain = float(row.note.rpartition(" ")[2])
        calm = "chance alone" in row.case or "growth" in row.case
        assert holds(row, 0.93), row
        piece = " of " in row.case  # told by more days than its own, and never narrower than exact Poisson
        assert row.coverage <= (0.985 if piece else 0.97) + row.error + 0.005, row
        few = "weeks vary by 0.02" in row.case or "7 of 91 days, 1 a day" in row.case
        assert calm or few or plain < 0.93, "the control must miss the truth"


def test_bursts_of_days_and_weeks_are_held(kpi_bench) -> None:
    check(
        kpi_bench.counts_in_bursts(
            300, [(10, days, *how, 0, 0) for days in (31, 91) for how in (CALM, DAYS, BOTH)]
        )
    )


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_all_cases_of_the_table_are_held(kpi_bench) -> None:
    check(kpi_bench.counts_in_bursts(2000, [case for case in kpi_bench.BURSTS if case[1] > 7]))


def test_a_week_or_a_month_is_held_by_the_days_around_it(kpi_bench) -> None:
    cases = [(rate, 91, *how, 0, 0) for rate, how in ((10, DAYS), (10, BOTH))]
    rows = list(kpi_bench.pieces_in_bursts(200, cases, [(7, 91), (31, 91)]))
    check(rows)
    alone = [float(row.note.rpartition(" ")[2]) for row in rows]
    assert max(alone) < 0.8, "the control must miss the truth"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_all_pieces_of_the_table_are_held(kpi_bench) -> None:
    check(kpi_bench.pieces_in_bursts(1000))


def test_a_stretch_without_events_among_bursts_is_wider_than_poisson() -> None:
    days = [30, 0, 0, 0, 0, 0, 0] * 4 + [0] * 7 + [25, 0, 30, 0, 0, 0, 0] * 6
    none = event_count(days[28:35], within=days)
    assert (none.value, none.low) == (0, 0)
    assert none.high > 2 * event_count(days[28:35]).high


def test_few_days_or_events_are_said_to_tell_nothing() -> None:
    assert "27 days are too few" in event_count([3] * 27).method
    assert "1 day is too few" in event_count([3]).method
    assert event_count([0] * 90 + [9]).method.endswith("too few to tell bursts")
    assert event_count([]).value == 0
    none = event_count([0] * 60 + [400, 20])
    assert (none.value, none.low, none.high) == (420, None, None)


def test_the_profile_of_the_week_and_growth_are_no_bursts() -> None:
    week = event_count([5, 5, 5, 5, 5, 0, 0] * 13)
    assert "no more than by chance" in week.method
    slow = event_count(np.round(np.linspace(20, 40, 364)))
    assert "no more than by chance" in slow.method
    assert "swings" in event_count([1, 1, 1, 1, 1, 1, 40] * 4 + [1] * 63).method
