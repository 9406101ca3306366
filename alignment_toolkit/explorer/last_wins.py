"""Fast moves lead to few computations, and the last one is what is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, Generic, Protocol, TypeVar

__all__ = ["DELAY", "LastWins"]

DELAY: Final = 0.15
"""So many seconds of rest after a move before anything is computed: longer than between two steps of a held key."""
T = TypeVar("T")


class Timer(Protocol):
    """What can be called off."""

    def cancel(self) -> None:
        """Call it off."""


class LastWins(Generic[T]):
    """Does the last thing that was asked for, once nothing more has been asked for a moment.

    Work is done in the thread that asks, because the engine has one connection: what is asked for meanwhile waits in
    the kernel's queue, and then only the last of it is done.

    Parameters
    ----------
    work
        Does what was asked for; what it raises is its own affair.
    delay
        Seconds of rest.
    call_later
        ``call_later(seconds, function)`` gives a timer; by default that of the running event loop. Without a loop the
        work is done at once.

    Examples
    --------
    >>> done = []
    >>> asked = LastWins(done.append)
    >>> asked(1)  # no event loop here
    >>> done
    [1]
    """

    def __init__(
        self,
        work: Callable[[T], None],
        delay: float = DELAY,
        call_later: Callable[[float, Callable[[], None]], Timer] | None = None,
    ) -> None:
        self._work = work
        self._delay = delay
        self._later = call_later
        self._timer: Timer | None = None
        self._wanted: list[T] = []
        self._busy = False
        self.computed = 0

    def __call__(self, wanted: T) -> None:
        """Ask for something; what was asked for before and is not done yet is forgotten."""
        self._wanted = [wanted]
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        later = self._later or _loop_later()
        if later is None:
            self.at_once()
        else:
            self._timer = later(self._delay, self.at_once)

    def at_once(self) -> None:
        """Do what was last asked for without waiting; nothing where it is done."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._busy:  # asked for by the work itself; it is done when that has come to its end
            return
        self._busy = True
        try:
            while self._wanted:
                wanted = self._wanted.pop()
                self.computed += 1
                self._work(wanted)
        finally:
            self._busy = False


def _loop_later() -> Any:
    try:
        return asyncio.get_running_loop().call_later
    except RuntimeError:
        return None
