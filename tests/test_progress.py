"""How far a computation is: nothing of what is short, little of what is long, nothing left behind, nothing in a log."""

from __future__ import annotations

import io
import sys

import pytest

from alignment_toolkit import progress
from alignment_toolkit.progress import listen, step, telling


@pytest.fixture
def moment(monkeypatch):
    """Give the moment that the module believes it is."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_after_a_second_it_is_told_now_and_then_and_taken_away_at_the_end(moment):
    heard: list[str] = []
    with listen(heard.append), telling("Analysis"):
        step("key figures")
        for number in range(20):
            moment[0] += 0.125
            with telling("Inside"):  # a part of the first
                step("questions", number + 1, 20)
    assert heard[0] == "Analysis: questions, 8 of 20"
    assert heard[-1] == ""
    assert 5 <= len(heard) <= 8


def test_what_is_short_is_not_told_and_a_failure_takes_the_line_away(moment):
    heard: list[str] = []
    with listen(heard.append), telling("Analysis"):
        step("key figures")
    assert heard == []

    @telling("Analysis")
    def fails():
        moment[0] += 2
        step("key figures")
        raise ZeroDivisionError

    with listen(heard.append), pytest.raises(ZeroDivisionError):
        fails()
    assert heard == ["Analysis: key figures", ""]
    step("nobody asked")
    assert len(heard) == 2


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_hears_it_and_a_log_does_not(moment, monkeypatch, terminal):
    stream = io.StringIO()
    stream.isatty = lambda: terminal  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "_listener", [])
    with telling("Analysis"):
        moment[0] += 2
        step("key figures")
    assert ("key figures" in stream.getvalue()) == terminal
    if terminal:
        assert stream.getvalue().endswith("\r\x1b[2K")
