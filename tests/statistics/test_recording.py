"""Days that nobody recorded: by hand, what must never count, and the quick form of benchmarks/recording.py."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from alignment_toolkit.statistics.recording import lapses, would_stand_out
from tests.test_power import loaded

DAY = np.arange(364)
WORKS = DAY % 7 < 5


def found(rows: NDArray[np.int64], works: NDArray[np.bool_] = WORKS) -> list[tuple[int, int]]:
    return [(r.first, r.last) for r in lapses(rows, works, DAY[: len(rows)] % 7)]


def steady(each: int = 8) -> NDArray[np.int64]:
    return np.where(WORKS, each, 0)


def test_the_chance_of_none_by_hand() -> None:
    """Of 8 rows a day, 40 are usual in a week, and k is 5: (1 + 40/5)^-5 is 1 in 59,049; of 5 a day 1 in 7,776."""
    rows = steady()
    rows[140:147] = 0
    (run,) = lapses(rows, WORKS, DAY % 7)
    assert (run.first, run.last, run.days, run.usual) == (138, 146, 5, 40.0)
    fewer = steady(5)
    fewer[140:147] = 0
    assert found(fewer) == []


def test_two_lost_months_do_not_hide_each_other() -> None:
    rows = steady()
    rows[70:98] = rows[210:238] = 0
    assert found(rows) == [(68, 97), (208, 237)]


def test_a_record_that_begins_late_or_ends_early_has_a_lapse_there() -> None:
    rows = steady()
    rows[:14] = 0
    assert found(rows) == [(0, 13)]
    rows = steady()
    rows[350:] = 0
    assert found(rows) == [(348, 363)]
    rows[:] = 0
    rows[-14:] = 3  # kept for ten days only: of fewer than four weeks days with rows are counted
    assert found(rows) == [(0, 349)]
    rows[:-3] = 0
    assert found(rows) == []


def test_days_off_are_no_lapse() -> None:
    rows = steady()
    rows[140:161] = 0
    closed = WORKS.copy()
    closed[140:161] = False
    assert found(rows, closed) == []
    assert found(rows) == [(138, 160)]


def test_what_comes_in_bursts_or_seldom_has_none() -> None:
    monthly = np.where(DAY % 28 == 2, 5000, 0)
    assert found(monthly) == []
    monthly[60:150] = 0
    assert found(monthly) == []
    assert found(np.where(DAY % 14 == 1, 1, 0)) == []
    assert found(np.zeros(364, dtype=np.int64)) == []
    assert lapses([], [], []) == ()


def test_a_month_stands_out_from_about_two_rows_a_day() -> None:
    assert not would_stand_out(15, 64)
    assert not would_stand_out(64, 64)
    assert would_stand_out(128, 64)
    assert not would_stand_out(0, 0)


@pytest.fixture(scope="module")
def recording() -> ModuleType:
    return loaded("recording")


def test_honest_companies_have_no_lapse_and_lost_months_are_found(recording: ModuleType) -> None:
    for scene, rate in (
        ("season", 2.0),
        ("season", 40.0),
        ("weeks differ twice as much", 10.0),
        ("growth", 5.0),
    ):
        rows = [recording.one(scene, rate, seed) for seed in range(30)]
        assert sum(r["false"] for r in rows) == 0, (scene, rate)
        least = 20 if rate < 40 and scene != "season" else 26
        assert sum(r["month"] for r in rows) >= least, (scene, rate)
