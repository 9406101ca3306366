"""Faults 29, 37 and 38: the same again has the same bytes, wherever and after whatever it runs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import alignment_toolkit as at
from alignment_toolkit.report import FORMATS, Report
from alignment_toolkit.sources import engine
from tests.cli.conftest import company
from tests.faults import versions
from tests.faults.harness import FORM, amount, bytes_of

__all__ = ["company"]

# ---- 29 --------------------------------------------------------------------------------------------------------

PLACES = [
    {"TZ": "Pacific/Auckland", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"},
    {"TZ": "America/New_York", "LC_ALL": "de_DE.UTF-8", "PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "2"},
    {"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "random", "OMP_NUM_THREADS": "1"},
]
ONE = """
import sys
from alignment_toolkit.runs import perform, plan
formats = ",".join(sys.argv[3:])
print(perform(plan(sys.argv[1], given={"period": sys.argv[2], "formats": formats}), force=True).folder)
"""
NAIVE = "import time; print(sorted({'a', 'b', 'c'}, key=hash), time.strftime('%H %Z', time.localtime(0)))"


def said(number: int, words: list[str], folder: Path, project: Path) -> str:
    """Run Python in one of the places and give what it prints."""
    environment = {**os.environ, **PLACES[number % len(PLACES)], "PYTHONPATH": str(project)}
    told = subprocess.run(
        [sys.executable, "-c", *words], cwd=folder, capture_output=True, text=True, env=environment
    )
    assert told.returncode == 0, told.stderr
    return told.stdout.strip()


def plain(notebook: Path) -> str:
    """Give an executed notebook without the moments and lengths of its run."""
    node = nbformat.read(notebook, 4)
    del node.metadata["papermill"]
    for cell in node.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
    return json.dumps(node, sort_keys=True)


@pytest.mark.faults
@pytest.mark.timeout(7200)
def test_forced_again_a_run_has_the_same_bytes_in_any_zone_language_and_order(company, tmp_path, project_dir):
    # The full form takes the sample, with every question that can be asked of it.
    source, period = ("sample", "2026-Q3") if FORM == "full" else (company.name, "2026-Q1")
    kinds: dict[str, set[str]] = {}
    for number in range(amount(2, 3, 10)):
        words = [ONE, source, period, *(f for f in FORMATS if f != "json")]
        folder = tmp_path / said(number, words, tmp_path, project_dir).splitlines()[-1]
        for name, digest in bytes_of(folder).items():
            kinds.setdefault(name, set()).add(digest)
        kinds.setdefault("notebook", set()).add(plain(folder / "01_alignment_report.ipynb"))
    assert set(kinds) >= {"analysis.json", *(f"report.{f}" for f in FORMATS if f != "json")}
    differ = {name for name, digests in kinds.items() if len(digests) > 1}
    assert differ <= {"manifest.json", "01_alignment_report.ipynb"}, "these two tell times"
    assert json.loads((folder / "manifest.json").read_text())["status"] == "ok"


def test_what_depends_on_the_place_differs_between_them(tmp_path, project_dir):
    assert len({said(number, [NAIVE], tmp_path, project_dir) for number in range(3)}) == 3


# ---- 38 --------------------------------------------------------------------------------------------------------

QUESTIONS = [
    ("2026-Q1", {"kpis": ["leads"], "indicators": []}),
    ("2026-01", {"kpis": ["leads", "revenue"], "indicators": [], "by": ["channel"]}),
    ("2026-02", {"kpis": ["leads"], "indicators": [], "compare": "none"}),
]
OF_SAMPLE = [
    ("2026-Q2", {"by": ["region"], "compare": "year-ago"}),
    ("2026-08", {"compare": "none", "segmentations": ["value"]}),
    ("2026-Q3", {}),
]


def told_of(source: str, asked: list[tuple[str, dict]], formats: tuple[str, ...] = ()) -> str:
    """Ask one question after the other in this process and give a digest of the last one's answer."""
    for period, options in asked:
        analysis = at.analyse(at.Company.open(source), period, **options)
        contents = [Report.of(analysis).content(name) for name in formats]
    return hashlib.sha256(b"\0".join([analysis.dumps().encode(), *contents])).hexdigest()


def alone(source: str, index: str) -> None:
    """Print the digest of a question that is the first in its process."""
    questions, formats = (OF_SAMPLE, FORMATS) if source == "sample" else (QUESTIONS, ())
    sys.stdout.write(told_of(source, [questions[int(index)]], tuple(f for f in formats if f != "json")))


@pytest.mark.faults
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("source", ["company", "sample"] if FORM == "full" else ["company"])
def test_nothing_of_one_run_is_left_in_the_next(source, company, tmp_path, monkeypatch, project_dir):
    """Of runs in one process each is as if it were alone."""
    monkeypatch.chdir(tmp_path)
    questions = OF_SAMPLE if source == "sample" else QUESTIONS
    formats = tuple(f for f in FORMATS if f != "json") if source == "sample" else ()
    code = "import sys; from tests.faults.test_repeated import alone; alone(*sys.argv[1:])"
    by_itself = [said(2, [code, source, str(i)], tmp_path, project_dir) for i in range(len(questions))]
    assert len(set(by_itself)) == len(questions)
    assert [told_of(source, [q], formats) for q in questions] == by_itself
    assert told_of(source, questions[::-1], formats) == by_itself[0]


@pytest.mark.faults
def test_a_query_that_is_taken_for_another_leaves_one_run_in_the_next(company, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, later = QUESTIONS[2], ("2026-03", QUESTIONS[2][1])
    monkeypatch.setattr(engine, "WRITTEN", engine._Latest())
    right = told_of("company", [later])
    assert told_of("company", [first, later]) == right
    real = engine.shape_of
    # Queries are known by their kinds of step alone, not by their literals: the period of the first one stays.
    monkeypatch.setattr(engine, "shape_of", lambda op: (s := real(op)) and tuple(str(one[0]) for one in s))
    monkeypatch.setattr(engine, "WRITTEN", engine._Latest())
    # The wrong query may not fit at all.
    with contextlib.suppress(at.AlignmentError):
        assert told_of("company", [first, later]) != right


# ---- 37 --------------------------------------------------------------------------------------------------------


def test_results_of_other_versions_are_compared_number_by_number():
    told = {"a": [1.0, {"b": 2.0, "c": "x"}], "n": 3}
    assert list(versions.differences(told, json.loads(json.dumps(told)))) == []
    other = {"a": [1.0, {"b": 2.0 + 1e-12, "c": "x"}], "n": 3}
    ((place, size),) = versions.differences(told, other)
    assert place == ".a[1].b"
    assert size == pytest.approx(5e-13, rel=1e-3)
    assert size <= versions.TOLERANCE
    for odd in ({"a": [1.0], "n": 3}, {"a": told["a"], "n": 4}, {"a": told["a"]}):
        assert max(d for _, d in versions.differences(told, odd)) > versions.TOLERANCE
