"""Ctrl-C ends a command, whatever is being done at that moment."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

__all__ = ["Interrupted", "interruptible"]

_AGAIN = 0.05


class Interrupted:
    """Whether the command was interrupted."""

    def __init__(self) -> None:
        self.seen = False

    def __bool__(self) -> bool:
        """Say whether it was."""
        return self.seen


def _interrupt_main() -> None:
    if hasattr(signal, "pthread_kill") and (main := threading.main_thread().ident) is not None:
        # Sent to the thread itself, it ends a sleep too.
        signal.pthread_kill(main, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)


@contextlib.contextmanager
def interruptible() -> Iterator[Interrupted]:
    """Let an interrupt come through that a library would lose.

    Python raises KeyboardInterrupt between any two steps, also in a destructor, where it is printed and forgotten;
    destructors run at any moment, and those of expressions by the thousand. What was lost there is raised again. A
    library that turns it into an error of its own is seen by what this gives.
    """
    interrupted = Interrupted()
    handler, hook = signal.getsignal(signal.SIGINT), sys.unraisablehook
    # A shell starts what shall go on in the background with interrupts ignored.
    if handler is signal.SIG_IGN or threading.current_thread() is not threading.main_thread():
        yield interrupted
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        interrupted.seen = True
        raise KeyboardInterrupt

    def lost(told: Any) -> None:
        if not issubclass(told.exc_type, KeyboardInterrupt):
            hook(told)
            return
        # Raised here it would be lost once more.
        again = threading.Timer(_AGAIN, _interrupt_main)
        again.daemon = True
        again.start()

    signal.signal(signal.SIGINT, interrupt)
    sys.unraisablehook = lost
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, handler)
        sys.unraisablehook = hook
