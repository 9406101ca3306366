"""Kernels for the parts of a matrix, forked from one process that has loaded the company.

Every part's notebook runs in a kernel of its own, as always. But that kernel is not started from nothing: it is a copy
of a process that has imported the libraries, opened the company and built its relations, so that this is done once for
all parts. `opened` gives the kernel the company that it was born with.

Where this can't be (Windows and macOS, or the process has died), the kernel is started from nothing and gives the same.
"""

from __future__ import annotations

import array
import contextlib
import gc
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from alignment_toolkit.company import Company

__all__ = ["KERNELS", "SHOWN", "available", "import_all", "inherit", "inherited", "serve", "shared_kernels"]

# The socket at which forked kernels are to be had; `execute` looks here.
KERNELS: Final = "ALIGNMENT_RUN_KERNELS"
_CODE: Final = "from alignment_toolkit.notebooks.forking import serve; serve()"
_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_PATIENCE: Final = 600.0
# What the notebook of a report imports, its kernel included.
_MODULES: Final = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "IPython.core.completer",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "seaborn",
    "statsmodels.api",
    "sklearn.cluster",
    "sklearn.mixture",
    "scipy.stats",
    "alignment_toolkit.analysis",
    "alignment_toolkit.notebooks.cards",
    "alignment_toolkit.notebooks.moves",
    "alignment_toolkit.notebooks.opening",
    "alignment_toolkit.report",
    "alignment_toolkit.report.html",
    "alignment_toolkit.segmentation",
)
# The toolkit was imported before there was a notebook; this is what its import would have told IPython.
SHOWN: Final = "--InteractiveShellApp.extra_extensions=['alignment_toolkit.display']"
_COMPANIES: dict[tuple[str, str], Company] = {}


def available() -> bool:
    """Tell whether kernels can be forked here: on Linux, where nothing that is loaded forbids it."""
    return sys.platform == "linux"


def inherited(source: str, as_of: object) -> Company | None:
    """Give the company that this process was born with, if it is the one that is asked for."""
    return _COMPANIES.get(_key(source, as_of))


def inherit(source: str, as_of: str | None) -> None:
    """Open the company that a notebook of this process will ask for."""
    from alignment_toolkit.company import Company

    _COMPANIES[_key(source, as_of)] = Company.open(source, as_of=as_of)


def _key(source: str, as_of: object) -> tuple[str, str]:
    place = str(Path(source).resolve()) if "://" not in source and source != "sample" else source
    return place, str(as_of or "")


@contextlib.contextmanager
def shared_kernels(source: str, as_of: object = None) -> Iterator[None]:
    """Let the kernels of this block, and of processes started in it, be forked from one that has loaded `source`."""
    if not available():
        yield
        return
    folder = Path(tempfile.mkdtemp(prefix="alignment-fork-"))
    path = folder / "s"
    environment = {**os.environ, **dict.fromkeys(_THREADS, "1")}
    root = str(Path(__file__).resolve().parents[2])
    if not root.endswith("-packages"):
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, environment.get("PYTHONPATH")]))
    process = subprocess.Popen(
        [sys.executable, "-c", _CODE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )
    before = os.environ.get(KERNELS)
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):
            process.stdin.write(json.dumps([str(path), source, str(as_of or "")]) + "\n")
            process.stdin.flush()
        # Without the word every kernel is started from nothing, as it is without this.
        if process.stdout.readline() == "ready\n":
            os.environ[KERNELS] = str(path)
        yield
    finally:
        if before is None:
            os.environ.pop(KERNELS, None)
        with contextlib.suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()  # type: ignore[union-attr]
        shutil.rmtree(folder, ignore_errors=True)


def command(plain: list[str], told: Path) -> list[str]:
    """Give the command of a kernel: of one that is forked where that was prepared, else `plain`, which starts one.

    Parameters
    ----------
    plain
        The interpreter, ``-c``, its code, the number of the process that starts it, its memory limit in bytes, and the
        kernel's own arguments.
    told
        Where the number of the forked kernel's process is written.
    """
    path = os.environ.get(KERNELS)
    if not path:
        return plain
    return [sys.executable, "-S", "-E", str(Path(__file__).with_name("forked.py")), path, str(told), *plain]


# ---- the process that is forked ----------------------------------------------------------------------------------


def serve() -> None:
    """Load a company and fork a kernel for each that asks at the socket, until stdin is closed."""
    gc.set_threshold(50_000, 20, 20)  # as in the command
    path, source, as_of = json.loads(sys.stdin.readline())
    words = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with contextlib.suppress(Exception):  # the kernel that opens it by itself says what is wrong
        _COMPANIES[_key(source, as_of)] = _loaded(source, as_of or None)
    import_all()
    for company in _COMPANIES.values():
        with contextlib.suppress(Exception):  # nothing is kept of it
            _warm(company)
    # What is there now is never swept by a copy, which would have to copy every page of it.
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    door.bind(path)
    door.listen(64)
    words.write("ready\n")
    words.flush()
    heard: list[Any] = [door, 0]
    while True:
        ready, _, _ = select.select(heard, [], [], 1.0)
        while _reaped():
            pass
        if 0 in ready:
            # The last kernels are ending; the account of their time is taken along.
            with contextlib.suppress(ChildProcessError):
                while True:
                    os.waitpid(-1, 0)
            return
        if not ready:
            continue
        caller, _ = door.accept()
        # What is kept for Python's own use must not be written twice.
        sys.stderr.flush()
        if os.fork() == 0:
            words.close()
            door.close()
            _watch(caller)
        caller.close()


def _loaded(source: str, as_of: str | None) -> Company:
    from alignment_toolkit.company import Company
    from alignment_toolkit.relations import RELATIONS, missing

    company = Company.open(source, as_of=as_of)
    for name, relation in RELATIONS.items():
        if not missing(company, relation.needs, relation.any_of):
            with contextlib.suppress(Exception):  # told by the figure that needs it
                company.relation(name)
    company.fingerprint()
    # A copy has no threads but its own: the engine must not count on any.
    company.backend.con.execute("SET threads = 1")
    return company


def _warm(company: Company) -> None:
    """Compute and draw a little once: what libraries build at their first use is then there for all copies."""
    from alignment_toolkit.analysis import analyse
    from alignment_toolkit.notebooks.cards import cards
    from alignment_toolkit.report import Report

    analysis = analyse(company, kpis=["leads"], indicators=["dropped_leads"], compare="none")
    cards(analysis)._repr_html_()
    Report.of(analysis).content("html")


def import_all(until: Callable[[], bool] = lambda: False) -> None:
    """Import what the notebook of a report imports, one module after the other, until something else is to be done."""
    import importlib

    for name in _MODULES:
        if until():
            return
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _watch(caller: socket.socket) -> None:
    """Fork the kernel, pass signals on to it, tell how it ended; it ends with the one who asked for it."""
    told, files = _received(caller)
    alive, end = os.pipe()
    kernel = os.fork()
    if kernel == 0:
        os.close(alive)
        _become(told, files)
    Path(told["told"]).write_text(str(kernel), encoding="ascii")
    os.close(end)
    for file in files:
        os.close(file)
    gone = False
    heard: list[Any] = [caller, alive]
    while True:
        # The pipe closes when the kernel, and whatever has inherited it, has ended.
        ready, _, _ = select.select(heard if not gone else heard[1:], [], [], 0.2)
        if caller in ready:
            word = caller.recv(1)
            if not word:
                gone = True
                _end(kernel, signal.SIGKILL)
            else:
                _end(kernel, signal.Signals(word[0]))
        ended, status = os.waitpid(kernel, os.WNOHANG)
        if ended:
            break
    _end(kernel, signal.SIGKILL)  # what it has started goes with it
    with contextlib.suppress(OSError):
        code = os.waitstatus_to_exitcode(status)
        caller.sendall(bytes([code & 0xFF if code >= 0 else 128 - code]))
    os._exit(0)


def _reaped() -> bool:
    """Take the exit of a watcher that has ended, and with it the account of the time that its kernel used."""
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


def _end_with_parent() -> None:
    """Let the system end this process when the one that watches it ends, however that happens."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _end(group: int, how: signal.Signals) -> None:
    with contextlib.suppress(OSError):
        os.killpg(group, how)


def _received(caller: socket.socket) -> tuple[Mapping[str, Any], list[int]]:
    """Take the request: its length, its text and three open files."""
    numbers = array.array("i")
    data, extra, _, _ = caller.recvmsg(8, socket.CMSG_LEN(3 * numbers.itemsize))
    for level, kind, content in extra:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            numbers.frombytes(content[: len(content) - len(content) % numbers.itemsize])
    length = int.from_bytes(data, "big")
    text = b""
    while len(text) < length:
        more = caller.recv(length - len(text))
        if not more:
            os._exit(1)
        text += more
    return json.loads(text), list(numbers)


def _become(told: Mapping[str, Any], files: list[int]) -> None:
    """Be the kernel that was asked for: its files, folder, environment, limits; never comes back."""
    code = 1
    try:
        os.setsid()
        _end_with_parent()
        for target, file in enumerate(files):
            os.dup2(file, target)
        os.chdir(told["folder"])
        os.environ.clear()
        os.environ.update(told["environment"])
        if told["memory"]:
            import resource

            resource.setrlimit(resource.RLIMIT_DATA, (told["memory"], told["memory"]))
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.argv = [sys.executable, *told["arguments"]]
        # Nothing of the working folder is imported by the kernel itself.
        sys.path[:] = [p for p in sys.path if p]
        from ipykernel.kernelapp import launch_new_instance

        launch_new_instance(argv=[*told["arguments"], SHOWN])
        code = 0
    except SystemExit as e:
        code = e.code if isinstance(e.code, int) else 0 if e.code is None else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
