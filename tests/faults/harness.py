"""How often a proof is tried, and runs without a kernel in forked processes, which cost a hundredth of a real one.

ALIGNMENT_FAULTS says how many trials there are: nothing for the quick form, ``middle`` for CI, ``full`` for
``make test-faults``.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import mmap
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alignment_toolkit.errors import AlignmentError, CellFailed
from alignment_toolkit.notebooks import RUN_FOLDER, finish
from alignment_toolkit.report import Report
from alignment_toolkit.results import Analysis
from alignment_toolkit.runs import Plan, latest, perform, performing, places
from tests.runs.conftest import notebook

FORMS = ("quick", "middle", "full")
FORM = os.environ.get("ALIGNMENT_FAULTS") or "quick"


def amount(quick: int, middle: int, full: int) -> int:
    """Give the number of trials of the form that is asked for."""
    return (quick, middle, full)[FORMS.index(FORM)]


def plan_in(out: Path, formats: tuple[str, ...] = ("json",), **changes: Any) -> Plan:
    told: dict[str, Any] = {
        "notebook": Path("n.ipynb"), "node": notebook("1"), "parameters": {"period": "2026-Q3"}, "company": "Acme",
        "period": "2026-Q3", "slice": "all", "fingerprint": "", "out": out, "formats": formats, "settings": "",
    }  # fmt: skip
    return Plan(**told | changes)


def without_kernel(
    formats: tuple[str, ...] = ("json",), analysis: Analysis | None = None, wait: float = 0
) -> Callable[..., Any]:
    """Give what stands for `execute`: the notebook's last cell in this very process, failing as a cell fails."""
    report = Report.of(analysis or Analysis.empty(company="Acme", currency="EUR", period="2026-Q3"))

    def execute(node: Any, name: str, parameters: Any, *, folder: Path, **_: Any) -> Any:
        os.environ[RUN_FOLDER] = str(folder)
        time.sleep(wait)
        try:
            finish(report, formats=list(formats))
        except AlignmentError:
            raise
        except Exception as e:
            raise CellFailed(f"{type(e).__name__}: {e}") from e
        return copy.deepcopy(node)

    return execute


def naive(plan: Plan, key: Path, limits: Any) -> performing.Run:
    """Publish as a script does: into the place itself, `latest` first."""
    started = places.now()
    id = performing._free_id(key, f"{plan.digest[:10]}-{started:%Y%m%dT%H%M%SZ}")
    (key / id).mkdir()
    places.point(key, id)
    try:
        executed = performing.execute(plan.node, plan.name, plan.parameters, folder=key / id, **limits)
        return performing.Run(key / id, performing._complete(plan, id, executed, key / id, started))
    except OSError as e:
        raise performing._unwritten(e, key) from e


def forked(work: Callable[[], int | None]) -> int:
    """Do work in a process of its own and give its number; what it returns is the exit code."""
    if pid := os.fork():
        return pid
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
            code = work() or 0
    except AlignmentError as e:
        code = e.exit_code
    except BaseException:
        code = 1
    finally:
        os._exit(code)


def ended(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def bytes_of(folder: Path | None) -> dict[str, str]:
    return (
        {}
        if folder is None
        else {
            p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(folder.rglob("*"))
            if p.is_file()
        }
    )


def half_written(key: Path) -> list[str]:
    """Name every folder that a reader sees and that is not whole."""
    found = []
    seen = [p for p in key.iterdir() if p.is_dir() and not p.name.startswith(".")]
    if (key / "latest").is_symlink() and not (key / "latest").exists():
        found.append("latest")
    for folder in seen:
        try:
            told = json.loads((folder / "manifest.json").read_text())["artefacts"]
            real = bytes_of(folder)
            real.pop("manifest.json")
            if {name: one["sha256"] for name, one in told.items()} != real:
                found.append(folder.name)
        except (OSError, ValueError, KeyError):
            found.append(folder.name)
    return found


class Steps:
    """Counts what a process does to files, and does something else at one of the steps.

    Opening for writing, renaming, linking, removing and making folders are seen by Python's audit; bringing to the disk
    is not, so `os.fsync` is wrapped.
    """

    EVENTS = ("open", "os.rename", "os.symlink", "os.remove", "os.mkdir", "os.rmdir", "tempfile.mkstemp")

    def __init__(self) -> None:
        # Shared with the forked process that takes the steps.
        self.taken = mmap.mmap(-1, 8)
        self.count, self.at, self.act = 0, 0, lambda: None
        self.on = False
        self.always = False
        real = os.fsync

        def fsync(handle: int) -> None:
            self.step()
            real(handle)

        os.fsync = fsync
        sys.addaudithook(self._audit)

    def total(self) -> int:
        return int.from_bytes(self.taken[:8], "little")

    def begin(self, at: int, act: Callable[[], None], always: bool = False) -> None:
        self.count, self.at, self.act, self.on, self.always = 0, at, act, True, always

    def _audit(self, event: str, told: tuple[Any, ...]) -> None:
        if not self.on or event not in self.EVENTS:
            return
        if event == "open" and not (
            isinstance(told[2], int) and told[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        ):
            return
        self.step()

    def step(self) -> None:
        if not self.on:
            return
        self.count += 1
        self.taken[:8] = self.count.to_bytes(8, "little")
        if self.count == self.at or (self.always and self.count > self.at):
            self.on = self.always
            self.act()


def run_forked(plan: Plan, before: Callable[[], None] = lambda: None, **options: Any) -> int:
    def work() -> int:
        before()
        perform(plan, **options)
        return 0

    return forked(work)


def newest(key: Path) -> str | None:
    found = latest(key)
    return found.name if found else None
