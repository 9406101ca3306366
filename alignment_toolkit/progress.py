"""How far a computation is, for whoever wants to hear it: nobody does unless a terminal or a notebook listens."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["listen", "silent", "step", "telling"]

FIRST: Final = 1.0
"""So many seconds nothing is said: what is shorter needs no word."""
PAUSE: Final = 0.25

Listener = Callable[[str], None]
_listener: list[Listener] = []
_running: list[_Running] = []


class _Running:
    """What is being computed, and when something was last said of it."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.next = time.monotonic() + FIRST
        self.said = False

    def say(self, text: str) -> None:
        """Say something, unless it is too early."""
        listener = _listener[-1] if _listener else _on_terminal if sys.stderr.isatty() else None
        if listener is None or time.monotonic() < self.next:
            return
        self.next, self.said = time.monotonic() + PAUSE, True
        listener(f"{self.what}: {text}")

    def end(self) -> None:
        """Take away what was said."""
        if self.said:
            (_listener[-1] if _listener else _on_terminal)("")


@contextmanager
def telling(what: str) -> Iterator[None]:
    """Tell of this computation as one; what it calls is a part of it. Also a decorator.

    Examples
    --------
    >>> heard = []
    >>> with listen(heard.append), telling("Counting"):
    ...     step("sheep", 1, 3)  # too early
    >>> heard
    []
    """
    if _running:
        yield
        return
    _running.append(_Running(what))
    try:
        yield
    finally:
        _running.pop().end()


def step(part: str, done: int = 0, of: int = 0) -> None:
    """Say what is done now, and how much of how much is done."""
    if _running:
        _running[-1].say(f"{part}, {done} of {of}" if of else part)


@contextmanager
def listen(listener: Listener) -> Iterator[None]:
    """Have this function hear each sentence, and an empty one at the end."""
    _listener.append(listener)
    try:
        yield
    finally:
        _listener.remove(listener)


def silent() -> None:
    """Say nothing more in this process of what is running."""
    _running.clear()


def always(listener: Listener) -> None:
    """Have this function hear everything from now on; it takes the place of one that was set before."""
    _listener[:] = [listener]


def _on_terminal(text: str) -> None:
    """Write over the last line, and leave none behind."""
    sys.stderr.write(f"\r\x1b[2K{text[:100]}")
    sys.stderr.flush()
