"""Work that a copy of this process does meanwhile, where a run may use two; else it is done when it is asked for."""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from alignment_toolkit import progress

__all__ = ["PROCESSES", "meanwhile", "processes", "processors"]

PROCESSES: Final = "ALIGNMENT_RUN_PROCESSES"
"""The variable of the environment that says how many processors a run may use; its kernel finds there what it may."""
# A copy that takes far longer than what was done beside it hangs, whatever the reason: the work is done here then.
PATIENCE: Final = 60.0
_TIMES: Final = 10.0
T = TypeVar("T")


def processes() -> int:
    """Give how many processes one analysis may use: what the run allows, at most as many as there are processors.

    Examples
    --------
    >>> processes()  # nobody but a run allows more
    1
    """
    told = os.environ.get(PROCESSES, "")
    if sys.platform != "linux" or not told.isdecimal():
        return 1
    return max(1, min(int(told), processors()))


def processors() -> int:
    """Give how many processors this process may use: those that are there, at most as many as the variable says."""
    allowed = getattr(os, "sched_getaffinity", None)  # Linux knows of a container's bounds
    found = len(allowed(0)) if allowed else os.cpu_count() or 1
    told = os.environ.get(PROCESSES, "")
    return max(1, min(found, int(told))) if told.isdecimal() else found


@contextlib.contextmanager
def meanwhile(work: Callable[[], T], *, apart: bool) -> Iterator[Callable[[], T]]:
    """Give a function that gives what `work` gives, computed by a copy of this process from now on.

    The result is the same in either way. A copy that dies, fails, or hangs costs nothing but its time: the work is done
    here then, and raises here what it raises.

    Parameters
    ----------
    work
        Computes something that can be pickled, and changes nothing that is used here.
    apart
        Whether a copy may be made; False is to do the work when its result is asked for.

    Examples
    --------
    >>> with meanwhile(lambda: 2 + 2, apart=False) as later:
    ...     later()
    4
    """
    if not apart:
        yield work
        return
    begun = time.monotonic()
    sys.stdout.flush()
    sys.stderr.flush()
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python warns of threads; the copy has the one that asks, and uses no lock of the others.
        warnings.simplefilter("ignore", DeprecationWarning)
        copy = os.fork()
    if copy == 0:
        os.close(reading)
        _copy(work, writing)
    os.close(writing)

    def later() -> T:
        told = _read(reading, until=time.monotonic() + max(PATIENCE, _TIMES * (time.monotonic() - begun)))
        try:
            # From the copy of this very process, through a pipe that nobody else has.
            result: T = pickle.loads(told)  # noqa: S301
        except (EOFError, pickle.UnpicklingError):
            result = work()
        return result

    try:
        yield later
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError):
            os.kill(copy, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(copy, 0)


def _copy(work: Callable[[], Any], writing: int) -> None:
    """Be the copy: do the work, write its result, end; never comes back."""
    try:
        _end_with_parent()
        progress.silent()
        # What the notebook shows is the parent's to send; this goes to the kernel's log.
        sys.stdout = sys.stderr = os.fdopen(os.dup(2), "w", encoding="utf-8")
        told = pickle.dumps(work(), protocol=pickle.HIGHEST_PROTOCOL)
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(told)
    except BaseException:  # the parent does the work itself and meets what is wrong
        os._exit(1)
    os._exit(0)


def _end_with_parent() -> None:
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _read(reading: int, until: float) -> bytes:
    """Read what the copy writes; nothing where it ends without a result, or not in time."""
    told = bytearray()
    while (left := until - time.monotonic()) > 0:
        ready, _, _ = select.select([reading], [], [], left)
        if ready:
            some = os.read(reading, 1 << 20)
            if not some:
                return bytes(told)
            told += some
    return b""
