"""The report notebook under papermill alone gives what a run gives."""

from __future__ import annotations

import os
import subprocess
import sys

from alignment_toolkit.runs import perform, plan


def test_papermill_by_itself_gives_the_same_analysis(tmp_path, project_dir, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook = project_dir / "notebooks" / "01_alignment_report.ipynb"
    words = [
        sys.executable,
        "-m",
        "papermill",
        str(notebook),
        "out.ipynb",
        "-p",
        "period",
        "2026-Q3",
        "-p",
        "as_of",
        "2026-09-30",
    ]
    done = subprocess.run(
        words, env={**os.environ, "PYTHONPATH": str(project_dir)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "unknown parameter" not in done.stderr
    made = perform(plan("sample", given={"period": "2026-Q3", "as_of": "2026-09-30"}))
    own = (tmp_path / "reports" / "draft" / "analysis.json").read_bytes()
    assert own == (made.folder / "analysis.json").read_bytes()
