"""Execution: this interpreter's kernel, success and every way to fail."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import pytest

from alignment_toolkit.errors import CellFailed, ExportFailed, KernelLost
from alignment_toolkit.notebooks import execution
from alignment_toolkit.notebooks.execution import execute

PARAMETERS = nbformat.v4.new_code_cell("a: int = 1  # a number", metadata={"tags": ["parameters"]})


def notebook(*sources):
    return nbformat.v4.new_notebook(cells=[PARAMETERS, *(nbformat.v4.new_code_cell(s) for s in sources)])


def outputs(executed):
    return [o.data["text/plain"] for c in executed.cells for o in c.get("outputs", []) if "data" in o]


def test_a_notebook_runs_with_its_parameters_in_this_interpreter(tmp_path):
    foreign = notebook("a", "import sys, os\nsys.executable", "os.environ['ALIGNMENT_RUN_FOLDER']")
    foreign.metadata["kernelspec"] = {"name": "no-such-kernel", "display_name": "?", "language": "python"}
    seen = []
    executed = execute(
        foreign, "n", {"a": 41}, folder=tmp_path, progress=lambda done, total: seen.append((done, total))
    )
    assert outputs(executed) == ["41", repr(sys.executable), repr(str(tmp_path))]
    assert len(foreign.cells) == 4, "the notebook that was given stays as it was"
    assert seen[-1] == (4, 5)
    again = execute(foreign, "n", {"a": 41}, folder=tmp_path)
    assert [c.id for c in again.cells] == [c.id for c in executed.cells]


@pytest.mark.parametrize(
    ("source", "error", "said"),
    [
        (
            "b = 1\nraise ValueError('no such client')",
            CellFailed,
            "code cell 3, line 2: raise.*\n.*no such client",
        ),
        (
            "import alignment_toolkit as at\nraise at.DataError('leads.csv, row 7')",
            CellFailed,
            "line 2.*\n  leads.csv",
        ),
        ("def f(:", CellFailed, "code cell 3, line 1"),
        ("helper()", CellFailed, "code cell 3, line 1: helper()"),
        ("import sys\nsys.exit(0)", CellFailed, "code cell 3.*\n.*sys.exit"),
        ("import sys\nsys.exit(3)", CellFailed, "code cell 3.*\n.*sys.exit"),
        ("input()", CellFailed, "line 1: input()"),
        ("import os\nos._exit(0)", KernelLost, "code cell 3: the kernel died"),
        (
            "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
            KernelLost,
            "code cell 3: the kernel died",
        ),
        ("raise MemoryError", KernelLost, "memory"),
        (
            "from alignment_toolkit.errors import ExportFailed\nraise ExportFailed('disk full')",
            ExportFailed,
            "disk full",
        ),
    ],
)
def test_every_failure_names_the_cell(source, error, said):
    with pytest.raises(error, match=f"(?s)Notebook 'n', .*{said}") as caught:
        execute(
            notebook("def helper():\n\n\n    1 / 0", source, "raise SystemError('never reached')"),
            "n",
            {"a": 1},
        )
    assert "Traceback" not in str(caught.value)
    assert "never reached" not in str(caught.value)


def test_a_cell_that_may_raise_may_not():
    lenient = notebook("1 / 0")
    lenient.cells[1].metadata["tags"] = ["raises-exception"]
    with pytest.raises(CellFailed, match="ZeroDivisionError"):
        execute(lenient, "n", {"a": 1})


def test_a_cell_that_takes_too_long_is_ended_with_all_it_started(tmp_path):
    told = tmp_path / "pid"
    source = (
        "import subprocess, sys, pathlib, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"pathlib.Path({str(told)!r}).write_text(str(child.pid))\n"
        "time.sleep(600)"
    )
    begin = time.monotonic()
    with pytest.raises(KernelLost, match="longer than 2 seconds"):
        execute(notebook(source), "n", {"a": 1}, timeout=2)
    assert time.monotonic() - begin < 12
    assert gone(int(told.read_text()))


def gone(pid: int) -> bool:
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        # A killed child whose parent is gone too may wait a moment to be cleared away.
        told = Path(f"/proc/{pid}/status")
        if told.exists() and "\nState:\tZ" in told.read_text():
            return True
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    return False


def count_starts(monkeypatch, fail: int):
    """Let the first starts fail, and count them all."""
    from jupyter_client.manager import AsyncKernelManager

    starts = []
    real = AsyncKernelManager.start_kernel

    async def start_kernel(self, **options):
        starts.append(1)
        if len(starts) <= fail:
            raise RuntimeError("no room")
        return await real(self, **options)

    monkeypatch.setattr(AsyncKernelManager, "start_kernel", start_kernel)
    return starts


def test_a_start_that_fails_twice_is_tried_a_third_time_and_no_cell_runs_twice(monkeypatch, tmp_path):
    starts = count_starts(monkeypatch, fail=2)
    told = tmp_path / "told"
    execute(notebook(f"_ = open({str(told)!r}, 'a').write('x')"), "n", {"a": 1})
    assert len(starts) == 3
    assert told.read_text() == "x"


def test_a_start_that_fails_three_times_is_told(monkeypatch):
    starts = count_starts(monkeypatch, fail=3)
    with pytest.raises(KernelLost, match=r"3 attempts.*no room"):
        execute(notebook("1"), "n", {"a": 1})
    assert len(starts) == execution.START_ATTEMPTS


def test_no_socket_and_no_kernel_is_left(tmp_path, monkeypatch):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    # A socket's path must be short, which this test's own folder is not.
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        place = Path(name)
        monkeypatch.setattr(tempfile, "gettempdir", lambda: name)
        (place / f"alignment-{process.pid}-killed").mkdir()
        (place / f"alignment-{os.getpid()}-running").mkdir()
        source = f"import os, glob\n_ = open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))"
        executed = execute(notebook(source, f"len(glob.glob('{name}/*/k-*'))"), "n", {"a": 1})
        assert int(outputs(executed)[0]) >= 4, "the sockets were there"
        assert [p.name for p in place.iterdir()] == [f"alignment-{os.getpid()}-running"]
    assert gone(int((tmp_path / "pid").read_text()))
