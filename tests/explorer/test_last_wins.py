"""Fast moves lead to few computations, and the last one is shown."""

from __future__ import annotations

import asyncio
import contextlib

from alignment_toolkit.explorer.last_wins import LastWins


class Clock:
    """Timers that go off when the test says so."""

    def __init__(self):
        self.now = 0.0
        self.timers = []

    def call_later(self, seconds, function):
        timer = Timer(self.now + seconds, function)
        self.timers.append(timer)
        return timer

    def move(self, seconds):
        self.now += seconds
        for timer in [t for t in self.timers if t.at <= self.now + 1e-12 and not t.off]:
            timer.off = True
            timer.function()


class Timer:
    def __init__(self, at, function):
        self.at, self.function, self.off = at, function, False

    def cancel(self):
        self.off = True


def test_a_hundred_fast_moves_are_computed_once_and_the_last_value_wins():
    clock, done = Clock(), []
    asked = LastWins(done.append, delay=0.15, call_later=clock.call_later)
    for value in range(100):
        asked(value)
        clock.move(0.02)
    clock.move(1)
    assert done == [99]
    assert asked.computed == 1


def test_moves_with_a_rest_between_them_are_each_computed():
    clock, done = Clock(), []
    asked = LastWins(done.append, delay=0.15, call_later=clock.call_later)
    for value in range(3):
        asked(value)
        clock.move(0.2)
    assert done == [0, 1, 2]


def test_what_is_asked_while_work_is_done_is_done_after_it_and_only_the_last():
    clock, done = Clock(), []

    def work(value):
        done.append(value)
        if value == "first":
            for other in range(10):
                asked(other)
            asked.at_once()  # a second call inside the first does not nest
            done.append("end of first")

    asked = LastWins(work, delay=0.15, call_later=clock.call_later)
    asked("first")
    clock.move(0.2)
    clock.move(0.2)
    assert done == ["first", "end of first", 9]


def test_work_that_fails_does_not_stop_the_next():
    clock, done = Clock(), []

    def work(value):
        if value == 1:
            raise ValueError(value)
        done.append(value)

    asked = LastWins(work, delay=0.1, call_later=clock.call_later)
    asked(1)
    with contextlib.suppress(ValueError):
        clock.move(0.2)
    asked(2)
    clock.move(0.2)
    assert done == [2]


def test_a_loop_that_runs_is_used_and_without_one_work_is_done_at_once():
    done = []
    LastWins(done.append)("at once")
    assert done == ["at once"]

    async def moves():
        asked = LastWins(done.append, delay=0.02)
        for value in range(100):
            asked(value)
            await asyncio.sleep(0)
        assert done == ["at once"]
        await asyncio.sleep(0.2)

    asyncio.run(moves())
    assert done == ["at once", 99]
