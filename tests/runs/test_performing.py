"""A run is published whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from alignment_toolkit.errors import (
    AlreadyRunning,
    CellFailed,
    DataError,
    ExportFailed,
    KernelLost,
    ParameterError,
    UnknownName,
)
from alignment_toolkit.runs import history, latest, perform, places, show
from tests.runs.conftest import FINISH, no_kernel


def files(folder: Path) -> list[str]:
    return sorted(
        p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"
    )


def test_a_run_has_all_its_files_and_a_manifest_that_says_so(make_plan):
    plan = make_plan()
    done = perform(plan)
    assert done.folder.parent == plan.key
    assert files(done.folder) == ["analysis.json", "manifest.json", "n.ipynb"]
    told = json.loads((done.folder / "manifest.json").read_text())
    assert told["status"] == "ok"
    assert told["parameters"] == {"period": "2026-Q3"}
    assert set(told) >= {"data_fingerprint", "versions", "seed", "started", "finished", "digest", "schema"}
    for name, artefact in told["artefacts"].items():
        data = (done.folder / name).read_bytes()
        assert artefact == {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    assert set(told["artefacts"]) == {"analysis.json", "n.ipynb"}
    assert latest(plan.key) == done.folder.resolve()
    for name in files(done.folder):
        text = (done.folder / name).read_text()
        assert str(plan.out) not in text
        assert os.uname().nodename not in text


@pytest.mark.usefixtures("without_kernel")
def test_the_same_again_is_already_done_and_force_gives_the_same_bytes(make_plan):
    first = perform(make_plan())
    again = perform(make_plan())
    assert (again.folder, again.fresh) == (first.folder, False)
    forced = perform(make_plan(), force=True)
    assert forced.fresh
    assert forced.folder != first.folder
    assert latest(make_plan().key) == forced.folder.resolve()
    assert (forced.folder / "analysis.json").read_bytes() == (first.folder / "analysis.json").read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": {"period": "2026-Q4"}},
        {"settings": "other"},
        {"formats": ("html",)},
        {"fingerprint": "x"},
    ],
)
def test_other_inputs_are_another_run(make_plan, change):
    assert make_plan(**change).digest != make_plan().digest
    assert make_plan(FINISH + "\n").digest != make_plan().digest


@pytest.mark.usefixtures("without_kernel")
def test_a_spoilt_run_does_not_count_as_done(make_plan):
    first = perform(make_plan())
    (first.folder / "analysis.json").write_text("{}")
    assert perform(make_plan()).folder != first.folder


DATA_ERROR = "import alignment_toolkit as at\nraise at.DataError('leads.csv, row 7, column amount: <b>')"
TAMPERING = """import os
path = os.environ["ALIGNMENT_RUN_FOLDER"] + "/analysis.json"
with open(path, "w") as file:
    _ = file.write("{}")"""
OTHER_DATA = FINISH.replace(
    "at.finish",
    "import dataclasses\nanalysis = dataclasses.replace(analysis, data_fingerprint='other')\nat.finish",
)

FAILURES = [
    (["1 / 0", FINISH], CellFailed, "code cell 2, line 1"),
    ([FINISH, "import sys; sys.exit(0)"], CellFailed, "sys.exit"),
    ([FINISH, "import os; os._exit(0)"], KernelLost, "kernel died"),
    (["period"], CellFailed, r"at\.finish"),
    ([DATA_ERROR], CellFailed, "row 7"),
    ([FINISH, TAMPERING], CellFailed, "changed after"),
    ([OTHER_DATA], DataError, "data changed"),
]


@pytest.mark.parametrize(("sources", "error", "said"), FAILURES)
def test_a_failure_publishes_nothing_and_leaves_a_page(make_plan, sources, error, said):
    with no_kernel():
        before = perform(make_plan())
    kept = {name: (before.folder / name).read_bytes() for name in files(before.folder)}
    plan = make_plan(*sources)
    # A kernel where it matters what becomes of it.
    needed = error is KernelLost or any(w in said for w in ("code cell", "exit", "row"))
    with nullcontext() if needed else no_kernel(), pytest.raises(error, match=said):
        perform(plan)
    assert files(plan.key) == sorted([*(f"{before.id}/{name}" for name in kept), "FAILED.html"])
    assert {name: (before.folder / name).read_bytes() for name in kept} == kept
    assert latest(plan.key) == before.folder.resolve()
    page = (plan.key / "FAILED.html").read_text()
    assert "FAILED" in page
    assert "There is no report here" in page
    assert "<b>" not in page
    assert "<script" not in page
    assert [(r["status"], r["latest"]) for r in history(plan.out)] in (
        [("ok", True), ("failed", False)],
        [("failed", False), ("ok", True)],
    )
    with no_kernel():
        perform(make_plan(), force=True)
    assert not (plan.key / "FAILED.html").exists(), (
        "a run that succeeds clears the page of the one that did not"
    )


@pytest.mark.usefixtures("without_kernel")
def test_a_first_run_that_fails_leaves_only_the_page(make_plan):
    plan = make_plan("raise ValueError('no')")
    with pytest.raises(CellFailed):
        perform(plan)
    assert files(plan.out) == ["n/2026-Q3/all/FAILED.html"]
    assert latest(plan.key) is None


@pytest.mark.usefixtures("without_kernel")
@pytest.mark.parametrize("step", ["write_notebook", "write", "sync"])
def test_a_disk_that_fails_is_an_export_that_failed(make_plan, monkeypatch, step):
    from alignment_toolkit.runs import performing

    def full(*_):
        raise OSError(28, "No space left on device", "manifest.json")

    monkeypatch.setattr(performing, step, full)
    with pytest.raises(ExportFailed, match="No space left"):
        perform(make_plan())
    assert latest(make_plan().key) is None
    assert [p.name for p in make_plan().key.iterdir() if p.is_dir()] == []


@pytest.mark.usefixtures("without_kernel")
def test_the_root_may_be_no_folder_and_a_link_leads_nowhere(make_plan, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportFailed):
        perform(make_plan(out=tmp_path / "file"))
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "reports" / "n").mkdir(parents=True)
    (tmp_path / "reports" / "n" / "2026-Q3").symlink_to(outside)
    with pytest.raises(ParameterError, match="leads out"):
        perform(make_plan())
    assert list(outside.iterdir()) == []


@pytest.mark.usefixtures("without_kernel")
def test_history_and_show(make_plan):
    one = perform(make_plan())
    two = perform(make_plan(period="2026-Q4"))
    assert [r["period"] for r in history(make_plan().out)] == ["2026-Q3", "2026-Q4"]
    assert show(two.id, make_plan().out).manifest["period"] == "2026-Q4"
    assert show(one.id[:12], make_plan().out).folder == one.folder
    with pytest.raises(UnknownName, match="no run 'nope'"):
        show("nope", make_plan().out)
    assert history(make_plan().out / "nothing") == []


def test_only_one_place_asks_the_clock():
    root = Path(places.__file__).parents[1]
    asking = [
        p.relative_to(root).as_posix()
        for p in root.rglob("*.py")
        if any(
            word in p.read_text(encoding="utf-8") for word in (".now(", ".today(", "utcnow(", "time.time(")
        )
    ]
    assert asking == ["runs/places.py"]


CHILD = """
    import sys
    from pathlib import Path
    import dataclasses, nbformat
    from tests.runs.conftest import FINISH, notebook
    from alignment_toolkit.errors import AlreadyRunning
    from alignment_toolkit.runs import Plan, perform
    plan = Plan(Path("n.ipynb"), notebook("import time; time.sleep({sleep})", FINISH), dict(period="2026-Q3"), "Acme",
                "2026-Q3", "all", "", Path(sys.argv[1]), ("json",), "")
    print("ready", flush=True)
    try:
        print(perform(plan, force=True).id)
    except AlreadyRunning:
        sys.exit(6)
"""


def child(project_dir, out, sleep):
    script = textwrap.dedent(CHILD.format(sleep=sleep))
    return subprocess.Popen(
        [sys.executable, "-c", script, str(out)],
        cwd=project_dir,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


# With kernels; tests/faults tries the same more often without.
@pytest.mark.slow
def test_of_two_at_once_one_publishes_and_the_other_says_so_at_once(project_dir, tmp_path, make_plan):
    for repeat in range(3):
        out = tmp_path / str(repeat)
        pair = [child(project_dir, out, 1.5) for _ in range(2)]
        told = [p.communicate(timeout=120) for p in pair]
        assert sorted(p.returncode for p in pair) == [0, 6], told
        assert len(list(out.glob("n/2026-Q3/all/*/manifest.json"))) == 2, (
            "the run, and once more through latest"
        )
        assert [r["latest"] for r in history(out)] == [True]


@pytest.mark.usefixtures("without_kernel")
def test_the_lock_of_this_process_holds_too(make_plan):
    from filelock import FileLock

    plan = make_plan()
    plan.key.mkdir(parents=True)
    with FileLock(plan.key / ".lock"):
        begin = time.monotonic()
        with pytest.raises(AlreadyRunning, match="2026-Q3"):
            perform(plan)
        assert time.monotonic() - begin < 2
    assert perform(plan).fresh


@pytest.mark.slow
def test_a_killed_run_publishes_nothing_and_the_next_one_can_go_on(project_dir, make_plan):
    plan = make_plan()
    before = perform(plan)
    kept = {name: (before.folder / name).read_bytes() for name in files(before.folder)}
    moments = random.Random(7)
    for _ in range(5):
        victim = child(project_dir, plan.out, 0.3)
        assert victim.stdout.readline() == "ready\n"
        time.sleep(moments.uniform(0, 2.5))
        victim.send_signal(signal.SIGKILL)
        victim.communicate(timeout=60)
        for run in history(plan.out):
            folder = Path(run["folder"])
            told = json.loads((folder / "manifest.json").read_text())
            assert set(files(folder)) == {*told["artefacts"], "manifest.json"}
        assert latest(plan.key) is not None
        assert {name: (before.folder / name).read_bytes() for name in kept} == kept
    done = perform(plan, force=True)
    assert latest(plan.key) == done.folder.resolve()
    assert not list(plan.key.glob(".staging-*"))


@pytest.mark.slow
def test_the_slides_of_a_run_take_the_companys_own_master(make_plan, tmp_path):
    import pptx

    own = tmp_path / "brand.pptx"
    deck = pptx.Presentation()
    deck.slide_layouts[0].name = "Our cover"
    deck.save(own)
    with_slides = FINISH.replace("['json']", "['pptx']")
    runs = {slides: perform(make_plan(with_slides, slides=slides), force=True) for slides in (None, own)}
    names = {
        s: pptx.Presentation(r.folder / "report.pptx").slides[0].slide_layout.name for s, r in runs.items()
    }
    assert names[own] == "Our cover"
    assert names[None] != "Our cover"
    assert str(tmp_path) not in (runs[own].folder / "n.ipynb").read_text()
