"""The kernel of a run: this very interpreter, reached through private sockets, watched, ended with all it started."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignment_toolkit.notebooks.forking import command

if TYPE_CHECKING:
    import psutil

__all__ = ["Watch", "kernel_manager", "machine_memory", "size_text"]

MARK = "ALIGNMENT_KERNEL"
_SOCKETS = "alignment-"
_LOG = "kernel.log"
FORKED = "forked"
_LOOK = 0.1
_LOOK_AROUND = 1.0
# In the kernel itself: it ends with the process that started it, and takes no memory far beyond its limit at once.
# Garbage is looked for as seldom as in the command.
_LAUNCH = """
import sys
sys.path[:] = [p for p in sys.path if p]
import gc, os, signal
gc.set_threshold(50_000, 20, 20)
parent, memory = int(sys.argv.pop(1)), int(sys.argv.pop(1))
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
if memory:
    import resource
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
{first}
from ipykernel.kernelapp import launch_new_instance
launch_new_instance()
"""


def machine_memory() -> int:
    """Give nine tenths of the bytes of memory that this machine, or the container around the process, has."""
    import psutil

    sizes = [psutil.virtual_memory().total]
    for told in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            sizes.append(int(Path(told).read_text(encoding="ascii")))
    return int(min(sizes) * 0.9)


def size_text(size: float) -> str:
    """Write bytes as a person reads them.

    Examples
    --------
    >>> size_text(2_500_000_000), size_text(300_000_000)
    ('2.5 GB', '300 MB')
    """
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"


@dataclass
class Watch:
    """Looks at one run's kernel from a thread, and ends it where it takes more memory or time than it may.

    `reason` then says why. `index` is the cell that is running, `progress` is told of it.
    """

    memory: int | None = None
    until: float | None = None
    seconds: float | None = None
    progress: Callable[[int, int], None] | None = None
    index: int | None = None
    reason: str | None = None
    log: Path | None = None
    _family: dict[int, psutil.Process] = field(default_factory=dict)
    _mark: str = ""
    _group: int | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self, pid: int, group: int | None, mark: str) -> None:
        """Begin to look at a kernel that has just been started."""
        import psutil

        self.end()
        self._mark, self._group = mark, group
        self._stop = threading.Event()
        with contextlib.suppress(psutil.Error):
            self._family[pid] = psutil.Process(pid)
            self._thread = threading.Thread(target=self._look, args=(self._family[pid],), daemon=True)
            self._thread.start()

    def _look(self, kernel: psutil.Process) -> None:
        import psutil

        around = 0.0
        while not self._stop.wait(_LOOK):
            moment = time.monotonic()
            if moment - around >= _LOOK_AROUND:
                around = moment
                self._look_around(kernel)
            used = 0
            for process in list(self._family.values()):
                with contextlib.suppress(psutil.Error):
                    used += process.memory_info().rss
            if self.memory is not None and used > self.memory:
                told = size_text(self.memory)
                self.reason = f"it took more memory than it may: the memory limit is {told} (--memory)."
            elif self.until is not None and moment > self.until:
                self.reason = f"the run took longer than {self.seconds:g} seconds (--run-timeout)."
            if self.reason is not None:
                with contextlib.suppress(psutil.Error):
                    kernel.kill()
                return

    def _look_around(self, kernel: psutil.Process) -> None:
        """Remember what the kernel has started, which is harder to find once the kernel is gone."""
        import psutil

        with contextlib.suppress(psutil.Error):
            self._family |= {p.pid: p for p in kernel.children(recursive=True)}
        # A forked kernel is a child of the process that it was forked from.
        with contextlib.suppress(psutil.Error, OSError, ValueError):
            if self.log is not None:
                forked = psutil.Process(int((self.log.parent / FORKED).read_text(encoding="ascii")))
                self._family |= {p.pid: p for p in (forked, *forked.children(recursive=True))}

    def end(self) -> None:
        """End the kernel and all that its cells have started, in sessions of their own too."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        for process in list(self._family.values()):
            self._look_around(process)
        if self._group is not None:
            with contextlib.suppress(OSError):
                os.killpg(self._group, signal.SIGKILL)
            self._group = None
        if self._mark:
            _end(self._family.values(), self._mark)
        self._family.clear()
        self._mark = ""

    def last_words(self) -> str:
        """Give the last line that a kernel which died has said, or nothing."""
        with contextlib.suppress(OSError):
            if self.log is not None and (lines := self.log.read_text("utf-8", "replace").split("\n")):
                said = [line.strip() for line in lines if re.match(r"Fatal|\w*(Error|Exception)\b", line)]
                return said[-1][:300] if said else ""
        return ""


def _end(family: Iterable[psutil.Process], mark: str) -> None:
    """Kill processes, and every other that carries the mark, until there is none."""
    import psutil

    left = list(family)
    for _ in range(50):
        for process in left:
            # A process that was found by its start, not by its number alone, is never a stranger.
            with contextlib.suppress(psutil.Error):
                process.kill()
        left = _marked(mark)
        if not left:
            return
        time.sleep(0.02)


def _marked(mark: str) -> list[psutil.Process]:
    import psutil

    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@contextlib.contextmanager
def kernel_manager(environment: Mapping[str, str], watch: Watch, *, first: str = "") -> Iterator[Any]:
    """Give a manager whose kernel is this interpreter, whatever kernels are registered on the machine.

    Parameters
    ----------
    environment
        The kernel's environment.
    watch
        Looks at the kernel from its start on.
    first
        Python that the kernel's process runs before it is a kernel.
    """
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    # A socket's path may have about 100 characters, and a kernel start over TCP times out under load.
    places = [Path(tempfile.gettempdir()), Path("/tmp")]
    place = next((p for p in places if len(str(p)) < 60 and os.access(p, os.W_OK)), places[0])
    _sweep(place)
    folder = Path(tempfile.mkdtemp(prefix=f"{_SOCKETS}{os.getpid()}-", dir=place))
    # What is taken at once is refused here; what grows is seen by the watch. Threads and engines reserve some.
    most = 0 if watch.memory is None or os.name != "posix" else int(watch.memory * 1.25) + 1_000_000_000
    code = _LAUNCH.replace("{first}", first)
    plain = [sys.executable, "-c", code, str(os.getpid()), str(most), "-f", "{connection_file}"]
    argv = plain if first else command(plain, folder / FORKED)
    manager = AsyncKernelManager(kernel_name="python3", connection_file=str(folder / "kernel.json"))
    manager._kernel_spec = KernelSpec(argv=argv, display_name="Python 3", language="python")
    if os.name == "posix":
        manager.transport, manager.ip = "ipc", str(folder / "k")
    start = manager.start_kernel
    watch.log = folder / _LOG

    async def start_kernel(**options: Any) -> None:
        # A profile of the user's own would bring its start-up scripts into the run. What the kernel says beside its
        # cells may hold what no log may hold.
        own = {**environment, MARK: str(folder), "IPYTHONDIR": str(folder / "ipython")}
        with (folder / _LOG).open("wb") as log:
            await start(**{**options, "env": own, "stdout": log, "stderr": log})
        if (pid := getattr(manager.provisioner, "pid", None)) is not None:
            watch.begin(pid, getattr(manager.provisioner, "pgid", None), str(folder))

    manager.start_kernel = start_kernel
    try:
        yield manager
    finally:
        watch.end()
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(place: Path) -> None:
    """Clear away what runs left that were killed before they could do it themselves: sockets and processes."""
    if os.name != "posix":
        return
    for folder in place.glob(f"{_SOCKETS}[0-9]*-*"):
        with contextlib.suppress(OSError, ValueError):
            if folder.stat().st_uid != os.getuid():
                continue
            try:
                os.kill(int(folder.name.split("-")[1]), 0)
            except ProcessLookupError:
                _end((), str(folder))
                shutil.rmtree(folder, ignore_errors=True)
