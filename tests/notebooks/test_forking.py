"""A forked kernel is a kernel like any other: same results, same failures, same end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from alignment_toolkit.errors import CellFailed, KernelLost
from alignment_toolkit.notebooks import execute
from alignment_toolkit.notebooks.forking import KERNELS, available, shared_kernels

pytestmark = pytest.mark.skipif(not available(), reason="kernels are forked on Linux only")


def notebook(*sources):
    tagged = nbformat.v4.new_code_cell(
        'source: str = "sample"  # the company', metadata={"tags": ["parameters"]}
    )
    return nbformat.v4.new_notebook(cells=[tagged, *(nbformat.v4.new_code_cell(s) for s in sources)])


def printed(*sources, **options):
    done = execute(notebook(*sources), "n", {}, timeout=120, **options)
    return [out.text for cell in done.cells for out in cell.get("outputs", []) if out.output_type == "stream"]


ASKS = """import os, sys
import alignment_toolkit as at
from alignment_toolkit.notebooks.forking import inherited
company = at.opened(source, part="region=North")
print(inherited(source, None) is not None, os.environ.get("MARK"), os.getcwd(), sorted(os.environ)[:0])
found = at.analyse(company, "2026-Q3", indicators=["dropped_leads"], kpis=["leads"])
print(found.dumps(), len(at.Report.of(found).content("html")))
print(at.Report.of(found).content("html").decode()[-3000:])"""
ALIVE = "import subprocess\nchild = subprocess.Popen(['sleep', '60'])\nprint(os.getpid(), child.pid)"


def gone(*numbers, within=10.0):
    end = time.monotonic() + within
    while time.monotonic() < end:
        if not any(_state(n) != "Z" for n in numbers):
            return True
        time.sleep(0.05)
    return False


def _state(number):
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


@pytest.mark.slow
def test_a_forked_kernel_gives_the_same_and_ends_as_one_that_was_started(monkeypatch):
    monkeypatch.setenv("MARK", "here")
    plain = printed(ASKS)
    with shared_kernels("sample"):
        assert os.environ[KERNELS]
        forked = printed(ASKS)
        (mine,) = printed("import os", ALIVE)
        with pytest.raises(CellFailed, match="division"):
            printed("1 / 0")
        for death in ("import os; os._exit(0)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"):
            with pytest.raises(KernelLost, match="died"):
                printed(death)
        with pytest.raises(KernelLost, match="longer than"):
            execute(notebook("while True: pass"), "n", {}, timeout=2)
    assert KERNELS not in os.environ
    assert plain[0].startswith("False here")
    assert forked[0].startswith("True here")
    assert forked[0].split()[2] == str(Path.cwd())
    assert forked[1:] == plain[1:], "the same analysis, byte for byte"
    assert gone(*map(int, mine.split())), "a kernel and what its cells have started end with the run"


WAITS = """import os, time
from pathlib import Path
_ = Path(os.environ["TOLD"]).write_text(str(os.getpid()))
time.sleep(60)"""


@pytest.mark.slow
def test_whoever_asked_for_a_kernel_and_is_killed_takes_it_along(tmp_path, monkeypatch):
    told = tmp_path / "pid"
    monkeypatch.setenv("TOLD", str(told))
    code = "from tests.notebooks.test_forking import *; execute(notebook(WAITS), 'n', {}, timeout=100)"
    with shared_kernels("sample"):
        asking = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
        end = time.monotonic() + 90
        while not (told.exists() and told.read_text()) and time.monotonic() < end:
            time.sleep(0.05)
        number = int(told.read_text())
        assert not gone(number, within=0.1)
        os.killpg(asking.pid, 9)
        # The one that stands for the kernel has a group of its own, as every kernel has.
        for process in Path("/proc").glob("[0-9]*"):
            if _stands_for_a_kernel(process):
                os.kill(int(process.name), 9)
        assert gone(number)
        asking.wait()


def _stands_for_a_kernel(process):
    try:
        return os.environ[KERNELS] in (process / "cmdline").read_text()
    except OSError:
        return False


@pytest.mark.slow
def test_where_nobody_answers_the_kernel_starts_from_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv(KERNELS, str(tmp_path / "nobody"))
    assert printed("print(1 + 1)") == ["2\n"]
