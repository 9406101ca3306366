"""A kernel that starts while its run is checked is a kernel like any other, and leaves nothing without one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from alignment_toolkit.errors import CellFailed, KernelLost, ParameterError
from alignment_toolkit.notebooks import early as module
from alignment_toolkit.notebooks import early_kernel, execute
from alignment_toolkit.notebooks.kernel import MARK
from alignment_toolkit.runs import perform, plan

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _two(monkeypatch):
    monkeypatch.setattr(module, "processors", lambda: 2)


def notebook(*sources):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])


def printed(done):
    return [out.text for cell in done.cells for out in cell.get("outputs", []) if out.output_type == "stream"]


def kernels():
    """Give the processes that carry the mark of a kernel of this process's runs."""
    found = []
    for process in psutil.process_iter():
        try:
            mark = process.environ().get(MARK, "")
            if f"-{os.getpid()}-" in mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def waited(condition, within=20.0):
    end = time.monotonic() + within
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


TELLS = """import os, sys
from alignment_toolkit.notebooks.forking import inherited
print(os.getpid(), os.environ["ALIGNMENT_RUN_FOLDER"], inherited("sample", None) is not None, os.getcwd())
print("alignment_toolkit.report.html" in sys.modules, sys.argv[0] != "")
import alignment_toolkit as at
at.Period.parse("2026-Q3")"""


def test_it_is_the_kernel_of_the_run_with_its_folder_and_its_company(tmp_path):
    with early_kernel() as early:
        early.begin("sample", None)
        (begun,) = kernels()
        done = execute(notebook(TELLS), "n", {}, folder=tmp_path, timeout=120, early=early)
        pid, folder, inherited, place = printed(done)[0].split("\n")[0].split(" ", 3)
        assert (int(pid), folder, inherited, place) == (begun, str(tmp_path), "True", str(Path.cwd()))
    assert not kernels()


def test_what_it_shows_and_gives_is_what_any_kernel_does(tmp_path):
    cells = [
        "import alignment_toolkit as at\nat.Period.parse('2026-Q3')",
        "print(open('/dev/null').read(), 1)",
    ]
    plain = execute(notebook(*cells), "n", {}, timeout=120)
    with early_kernel() as early:
        early.begin("sample", None)
        soon = execute(notebook(*cells), "n", {}, timeout=120, early=early)
    shown = [[c.get("outputs") for c in done.cells] for done in (plain, soon)]
    assert shown[0] == shown[1]
    assert "text/html" in shown[0][0][0]["data"]


def test_a_run_with_it_gives_the_same_files(tmp_path):
    given = {"indicators": ["dropped_leads"], "formats": ["html"]}
    alone = perform(plan("sample", given=given, out=tmp_path / "a"), processes=1)
    with early_kernel() as early:
        made = plan("sample", given=given, out=tmp_path / "b", meanwhile=early.begin)
        assert kernels()
        beside = perform(made, early=early)
    for name in ("analysis.json", "report.html"):
        assert (alone.folder / name).read_bytes() == (beside.folder / name).read_bytes()
    assert not kernels()


def test_a_run_that_is_refused_leaves_nothing_behind(tmp_path):
    with pytest.raises(ParameterError), early_kernel() as early:
        plan("sample", given={"period": "2026-Q5"}, out=tmp_path, meanwhile=early.begin)
    assert not kernels()


def test_unknown_names_are_refused_before_it_starts(tmp_path):
    asked = []
    with pytest.raises(ParameterError, match="perod"):
        plan("sample", given={"perod": "2026-Q3"}, out=tmp_path, meanwhile=lambda *told: asked.append(told))
    assert not asked
    plan("sample", given={"period": "2026-Q3"}, out=tmp_path, meanwhile=lambda *told: asked.append(told))
    assert asked == [("sample", None)]


def test_a_source_that_cannot_be_opened_is_refused_as_always_by_the_notebook(tmp_path):
    with early_kernel() as early:
        early.begin(str(tmp_path / "nowhere"), None)
        with pytest.raises(CellFailed, match="nowhere"):
            execute(
                notebook(f"import alignment_toolkit as at\nat.opened({str(tmp_path / 'nowhere')!r})"),
                "n", {}, timeout=120, early=early,
            )  # fmt: skip
    assert not kernels()


def test_one_that_died_is_replaced(tmp_path):
    with early_kernel() as early:
        early.begin("sample", None)
        (begun,) = kernels()
        os.kill(begun, signal.SIGKILL)
        done = execute(notebook("import os\nprint(os.getpid())"), "n", {}, timeout=120, early=early)
        assert int(printed(done)[0]) != begun
    assert not kernels()


def test_where_it_cannot_start_the_run_starts_its_own(monkeypatch):
    monkeypatch.setattr(module, "kernel_manager", lambda *_, **__: 1 / 0)
    with early_kernel() as early:
        early.begin("sample", None)
        assert early.manager is None
        assert printed(execute(notebook("print(1)"), "n", {}, timeout=120, early=early)) == ["1\n"]


def test_with_one_processor_there_is_none(monkeypatch):
    monkeypatch.setattr(module, "processors", lambda: 1)
    with early_kernel() as early:
        early.begin("sample", None)
        assert early.manager is None
        assert not kernels()


def test_it_is_for_one_run():
    with early_kernel() as early:
        early.begin("sample", None)
        early.begin("sample", None)
        (begun,) = kernels()
        one = execute(notebook("import os\nprint(os.getpid())"), "n", {}, timeout=120, early=early)
        two = execute(notebook("import os\nprint(os.getpid())"), "n", {}, timeout=120, early=early)
    assert [int(printed(done)[0]) == begun for done in (one, two)] == [True, False]


def test_its_limits_are_those_of_any_kernel():
    with early_kernel(memory=300_000_000) as early:
        early.begin("sample", None)
        with pytest.raises(KernelLost, match="memory limit is 300 MB"):
            execute(
                notebook("x = bytearray(400_000_000)\nimport time\ntime.sleep(60)"),
                "n", {}, memory=300_000_000, timeout=120, early=early,
            )  # fmt: skip
    with early_kernel() as early:
        early.begin("sample", None)
        with pytest.raises(KernelLost, match="longer than 3 seconds"):
            execute(notebook("while True: pass"), "n", {}, run_timeout=3, early=early)
    assert not kernels()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it looks for itself whether it is alone")
def test_it_ends_with_the_command_that_started_it(tmp_path):
    told = tmp_path / "pid"
    code = f"""
import os, json
from alignment_toolkit.notebooks import early, early_kernel
early.processors = lambda: 2
with early_kernel() as kernel:
    kernel.begin("sample", None)
    open({str(told)!r}, "w").write(str(kernel.manager.provisioner.pid))
    os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    pid = int(told.read_text())
    assert waited(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_the_command_uses_it(tmp_path, monkeypatch):
    from alignment_toolkit.cli import main
    from alignment_toolkit.notebooks import execution

    taken = []
    take = module.EarlyKernel.take
    monkeypatch.setattr(module.EarlyKernel, "take", lambda self, told: taken.append(1) or take(self, told))
    words = ["run", "sample", "--set", "indicators=dropped_leads", "--out", str(tmp_path), "--json"]
    assert main(words) == 0
    assert taken == [1]
    assert execution.PROCESSES not in os.environ
    assert not kernels()
    assert json.loads((next(tmp_path.rglob("manifest.json"))).read_text())["status"] == "ok"
