"""Working time, against counting it minute by minute."""

from __future__ import annotations

from datetime import date

import numpy as np

from alignment_toolkit.simulation.clock import DAY, HOUR, by_day, later, moment, second, somewhere, worked


def _minute_by_minute(start: int, end: int) -> int:
    minutes = np.arange(start, end, 60)
    open_day = (minutes // DAY + 3) % 7 < 5
    return int((open_day & (minutes % DAY >= 9 * HOUR) & (minutes % DAY < 17 * HOUR)).sum()) * 60


def test_worked_is_what_counting_gives():
    rng = np.random.default_rng(1)
    base = second(date(2026, 3, 1))
    for a, length in zip(
        rng.integers(0, 14 * DAY, 60) // 60 * 60, rng.integers(0, 12 * DAY, 60) // 60 * 60, strict=True
    ):
        span = np.array([base + a, base + a + length])
        assert np.diff(worked(span))[0] == _minute_by_minute(*span)


def test_two_working_days_after_friday_afternoon_is_tuesday_afternoon():
    friday = second(date(2026, 9, 4)) + 15 * HOUR
    assert later(np.array([friday]), np.array([16.0]))[0] == second(date(2026, 9, 8)) + 15 * HOUR
    saturday = second(date(2026, 9, 5)) + 12 * HOUR
    assert later(np.array([saturday]), np.array([0.5]))[0] == second(date(2026, 9, 7)) + 9 * HOUR + HOUR // 2


def test_a_moment_of_working_time_is_at_work():
    work = np.arange(0, 5 * 10**7, 997)
    at = moment(work)
    assert (worked(at) == work).all()
    assert ((at // DAY + 3) % 7 < 5).all()
    assert ((at % DAY >= 9 * HOUR) & (at % DAY < 17 * HOUR)).all()


def test_somewhere_lies_between():
    a, b = np.array([second(date(2026, 9, 4))] * 3), np.array([second(date(2026, 9, 8))] * 3)
    found = somewhere(a, b, np.array([0.0, 0.5, 0.999]))
    assert found[0] == second(date(2026, 9, 4)) + 9 * HOUR
    assert found[1] == second(date(2026, 9, 7)) + 9 * HOUR
    assert (found < b).all()


def test_by_day_keeps_the_day_and_leaves_the_night():
    at = np.arange(second(date(2026, 3, 28)), second(date(2026, 3, 31)), 601)
    drawn = by_day(at)
    assert (drawn // DAY == at // DAY).all()
    assert ((drawn % DAY >= 6 * HOUR) & (drawn % DAY < 23 * HOUR)).all()
