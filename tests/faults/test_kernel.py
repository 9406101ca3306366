"""Faults 31 to 34: what hangs is ended with all it started, what takes too much memory too, starts that fail are tried
again, and only a notebook that came to its end is a success."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import threading
import time

import psutil
import pytest

from alignment_toolkit.errors import AlignmentError, CellFailed, KernelLost
from alignment_toolkit.notebooks import kernel
from alignment_toolkit.notebooks.execution import execute
from alignment_toolkit.runs import latest, perform
from tests.faults.harness import amount, bytes_of, half_written
from tests.runs.conftest import FINISH, notebook

CHILD = "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(987)'], {})"
HEAD = "import os, signal, subprocess, sys, threading, time\n"
HANGS = {
    "a child in a session of its own": CHILD.format("start_new_session=True") + "\ntime.sleep(600)",
    "a busy loop": "while True: pass",
    "a sleep": "time.sleep(600)",
    "a call into C": "import ctypes; ctypes.CDLL(None).sleep(600)",
    "a C call that keeps the interpreter": "import ctypes; ctypes.PyDLL(None).sleep(600)",
    "a search without end": "import re; re.match('(a+)+$', 'a' * 60 + 'b')",
    "threads that wait for each other": (
        "a, b = threading.Lock(), threading.Lock()\n"
        "a.acquire(); b.acquire()\n"
        "threading.Thread(target=a.acquire).start()\n"
        "b.acquire()"
    ),
    "children": "\n".join([CHILD.format(""), CHILD.format(""), "child.wait()"]),
    "grandchildren whose parent is gone": (
        "_ = subprocess.run(['sh', '-c', 'setsid sleep 987 & setsid sleep 987 & exit'])\ntime.sleep(600)"
    ),
    "a child without the environment": CHILD.format("env={}, start_new_session=True") + "\ntime.sleep(600)",
    "no signal is heard": (
        "for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP): _ = signal.signal(n, signal.SIG_IGN)\n"
        "while True: time.sleep(1)"
    ),
    "a process that stopped itself": "os.kill(os.getpid(), signal.SIGSTOP)",
    "a flood of output": "while True: print('x' * 10_000)",
    "a wait for a word": "sys.stdin = os.fdopen(os.pipe()[0]); sys.stdin.read()",
}


def sleeping() -> list[int]:
    """Give the children that the cells above start, wherever they are."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            if any("987" in w for w in words[1:]) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def proves_the_end(source: str, timeout: float = 3) -> float:
    before = set(sleeping())
    begun = time.monotonic()
    with pytest.raises(KernelLost, match=f"longer than {timeout:g} seconds"):
        execute(notebook(HEAD + source), "n", {"period": "2026-Q3"}, timeout=timeout)
    took = time.monotonic() - begun
    assert not set(sleeping()) - before
    return took


@pytest.mark.faults
@pytest.mark.parametrize("hang", HANGS)
def test_what_hangs_is_ended_in_time_with_all_it_started(hang):
    # The start of the kernel is no part of the cell's time; on a machine under load it takes seconds.
    begun = time.monotonic()
    execute(notebook("1"), "n", {"period": "2026-Q3"})
    start = time.monotonic() - begun
    assert proves_the_end(HANGS[hang]) - start < 3 + 10


def test_a_child_in_a_session_of_its_own_is_ended_too_and_would_live_without_the_guard(monkeypatch):
    source = HANGS["a child in a session of its own"]
    proves_the_end(source, timeout=1)
    if amount(0, 1, 1):
        before = set(sleeping())
        monkeypatch.setattr(kernel, "_end", lambda *_: None)
        with pytest.raises(KernelLost):
            execute(notebook(HEAD + source), "n", {"period": "2026-Q3"}, timeout=1)
        (left,) = set(sleeping()) - before
        os.kill(left, 9)


def test_a_whole_run_has_a_time_too():
    with pytest.raises(KernelLost, match=r"code cell 2: the run took longer than 4 seconds"):
        execute(notebook("import time; time.sleep(600)"), "n", {"period": "2026-Q3"}, run_timeout=4)


GROW = "kept = []\nwhile True:\n    kept.append(bytearray(os.urandom(1_000_000)) * 10)"


@pytest.mark.parametrize(
    "source",
    [
        "kept = bytearray(3_000_000_000)",
        pytest.param(GROW, marks=pytest.mark.faults),
        pytest.param(
            f"_ = subprocess.run([sys.executable, '-c', {'import os' + chr(10) + GROW!r}])",
            marks=pytest.mark.faults,
        ),
    ],
    ids=["at once", "bit by bit", "in a child"],
)
def test_a_cell_that_takes_ten_times_its_memory_is_ended_and_says_so(source):
    with pytest.raises(KernelLost, match="memory limit") as told:
        execute(notebook(HEAD + source), "n", {"period": "2026-Q3"}, memory=300_000_000)
    assert told.value.exit_code == 5


@pytest.mark.faults
def test_without_a_limit_the_same_cell_takes_what_it_wants():
    source = (
        "kept = []\nfor _ in range(60):\n    kept.append(bytearray(os.urandom(1_000_000)) * 10)\nlen(kept)"
    )
    with pytest.raises(KernelLost, match="memory limit"):
        execute(notebook(HEAD + source), "n", {"period": "2026-Q3"}, memory=300_000_000)
    done = execute(notebook(HEAD + source), "n", {"period": "2026-Q3"})
    assert done.cells[2].outputs[0].data["text/plain"] == "60"


def test_within_its_memory_a_cell_is_left_alone_and_its_output_is_cut():
    source = "kept = bytearray(50_000_000)\nfor _ in range(50): print('x' * 1000)\nlen(kept)"
    done = execute(
        notebook(source, "'more'"), "n", {"period": "2026-Q3"}, memory=600_000_000, output_limit=9_999
    )
    cut, after = done.cells[2], done.cells[3]
    texts = "".join(o.get("text", "") for o in cut.outputs)
    assert "cut here: it is more than 0 MB" in texts
    assert len(texts) < 11_000
    assert after.outputs[0].data["text/plain"] == "'more'"


ENDS = {
    "sys.exit(0)": CellFailed, "sys.exit(3)": CellFailed, "os._exit(0)": KernelLost, "os._exit(1)": KernelLost,
    "raise SystemExit": CellFailed, "quit()": CellFailed, "exit()": CellFailed, "os.abort()": KernelLost,
    "os.kill(os.getpid(), signal.SIGKILL)": KernelLost, "os.kill(os.getpid(), signal.SIGSEGV)": KernelLost,
    "os.execv('/bin/true', ['true'])": KernelLost, "import ctypes; ctypes.string_at(0)": KernelLost,
}  # fmt: skip


@pytest.mark.faults
@pytest.mark.parametrize("source", ENDS)
def test_a_notebook_that_is_left_early_is_a_failure(source):
    with pytest.raises(AlignmentError) as told:
        execute(notebook(HEAD + source, "1"), "n", {"period": "2026-Q3"})
    assert type(told.value) is ENDS[source]


@pytest.mark.faults
def test_papermill_alone_takes_a_notebook_that_was_left_for_a_success(tmp_path):
    import papermill

    node = notebook("import sys; sys.exit(0)", "open('went on', 'w')")
    # It raises nothing, and its command ends with 0.
    done = papermill.execute_notebook(node, None, kernel_name="python3", cwd=tmp_path, progress_bar=False)
    assert [o.ename for c in done.cells for o in c.outputs if o.output_type == "error"] == ["SystemExit"]
    assert not (tmp_path / "went on").exists(), "the rest was never run"


@pytest.mark.faults
@pytest.mark.timeout(3600)
def test_a_kernel_that_is_killed_at_any_moment_publishes_nothing(make_plan):
    """The runner lives and says so; what was published stays, and the next run goes on."""
    plan = make_plan("import time; time.sleep(0.5)", FINISH)
    before = perform(plan)
    kept = bytes_of(before.folder)
    moments = random.Random(5)
    killed = 0
    for trial in range(amount(1, 4, 30)):
        # Every other one counts from the first cell on, so that enough meet a kernel at work on a machine of any speed.
        late = trial % 2 == 0
        timer = threading.Timer(
            moments.uniform(0.0, 0.4) if late else moments.uniform(0.2, 2.5), kill_kernels
        )

        def begun(*_: int, timer: threading.Timer = timer) -> None:
            if not timer.is_alive() and not timer.finished.is_set():
                timer.start()

        if not late:
            timer.start()
        try:
            perform(plan, force=True, progress=begun)
        except KernelLost:
            killed += 1
            assert latest(plan.key) is not None
            assert (plan.key / "FAILED.html").is_file()
        timer.join()
        assert half_written(plan.key) == []
        assert bytes_of(before.folder) == kept
    assert killed >= amount(1, 2, 15)
    done = perform(plan, force=True)
    assert bytes_of(done.folder)["analysis.json"] == kept["analysis.json"]


def kill_kernels() -> None:
    """Kill the kernels that this very process has started."""
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any("ipykernel" in word for word in child.cmdline()):
                child.kill()


START = """
import sys
if "broken" in sys.argv:
    sys.executable = "/bin/false"
from alignment_toolkit.notebooks.execution import execute
from tests.runs.conftest import notebook
for _ in range(int(sys.argv[1])):
    done = execute(notebook("1 + 1"), "n", {"period": "2026-Q3"})
    assert done.cells[2].outputs[0].data["text/plain"] == "2"
    print("started", flush=True)
"""


@pytest.mark.faults
@pytest.mark.timeout(3600)
def test_kernels_start_at_three_times_the_cores(project_dir):
    """Count the starts of many processes at a time; not one may fail."""
    many = 3 * (os.cpu_count() or 1)
    each = -(-amount(12, 30, 500) // many)
    begun = [
        subprocess.Popen([sys.executable, "-c", START, str(each)], cwd=project_dir,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(many)
    ]  # fmt: skip
    told = [p.communicate() for p in begun]
    assert [p.returncode for p in begun] == [0] * many, [err for _, err in told if err]
    assert sum(out.count("started") for out, _ in told) == many * each
    # A start that fails is counted as one: here every one does.
    broken = subprocess.run(
        [sys.executable, "-c", START, "1", "broken"], cwd=project_dir, capture_output=True
    )
    assert broken.returncode != 0
    assert b"did not start in 3 attempts" in broken.stderr
