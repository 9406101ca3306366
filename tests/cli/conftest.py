"""The command, called as a user calls it, and a small company to call it on."""

from __future__ import annotations

import contextlib
import io
import shutil
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from alignment_toolkit.cli import main

LEADS = """lead_id,created_at,account_id,channel,qualified_at
00123,2026-01-05,A1,email,2026-01-06
L2,2026-02-10,A2,web,
L3,2026-03-20,A3,email,2026-03-21
"""
ORDERS = """order_id,ordered_at,account_id,amount
O1,2026-02-01,A1,100.00
O2,2026-03-31,A2,50.00
"""


@pytest.fixture(autouse=True)
def _one_processor(monkeypatch):
    """Most commands here are refused: a kernel that starts meanwhile (tests/notebooks/test_early.py) is in vain."""
    monkeypatch.setenv("ALIGNMENT_RUN_PROCESSES", "1")


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


def call(*words: object) -> Done:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(w) for w in words])
    return Done(code, out.getvalue(), err.getvalue())


@pytest.fixture
def alignment(tmp_path, monkeypatch):
    """Call the command in an empty folder; every error must be one plain message without a traceback."""
    monkeypatch.chdir(tmp_path)

    def called(*words):
        done = call(*words)
        assert "Traceback" not in done.err + done.out
        if done.code not in (0, 130):
            assert "error: " in done.err
        return done

    return called


def small_company(folder: Path) -> Path:
    """Write three leads and two orders of the first quarter of 2026."""
    folder.mkdir()
    (folder / "leads.csv").write_text(LEADS)
    (folder / "orders.csv").write_text(ORDERS)
    return folder


@pytest.fixture
def company(tmp_path) -> Path:
    return small_company(tmp_path / "company")


@pytest.fixture
def own_notebook(tmp_path):
    """Write a notebook of the user's own and give its path."""

    def write(*sources, name="own"):
        first = 'source: str = "x"\nperiod: "Period" = "last-quarter"  # when\nshare: float = 0.5  # of all'
        cells = [nbformat.v4.new_code_cell(first, metadata={"tags": ["parameters"]})]
        cells += [nbformat.v4.new_code_cell(s) for s in sources]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / f"{name}.ipynb")
        return tmp_path / f"{name}.ipynb"

    return write


@pytest.fixture(scope="session")
def sample_copy(tmp_path_factory, sample_dir) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "data"
    shutil.copytree(sample_dir, folder)
    return folder
