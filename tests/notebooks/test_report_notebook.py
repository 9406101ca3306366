"""The report notebook under papermill alone gives what a run gives."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from alignment_toolkit.runs import perform, plan

LEADS = "lead_id,created_at,account_id,channel\nL1,2026-05-05,A1,email\nL2,2026-08-10,A2,web\nL3,2026-09-30,A3,web\n"
ORDERS = "order_id,ordered_at,account_id,amount\nO1,2026-07-01,A1,100.00\nO2,2026-09-30,A2,50.00\n"


# As papermill passes what stands behind -p: lists with commas, dates, None and numbers as text or as it reads them.
GIVEN = {
    "period": "2026-Q3", "as_of": "2026-09-30", "compare": "none", "by": "channel", "history": "",
    "indicators": "dropped_leads, price_ambition", "formats": "html,xlsx",
}  # fmt: skip


# The sample twice takes a minute; a small company shows whether papermill hands over what a run does.
@pytest.mark.parametrize("company", ["small", pytest.param("sample", marks=pytest.mark.slow)])
def test_papermill_by_itself_gives_the_same_analysis(company, tmp_path, project_dir, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if company == "small":
        (tmp_path / "small").mkdir()
        (tmp_path / "small" / "leads.csv").write_text(LEADS)
        (tmp_path / "small" / "orders.csv").write_text(ORDERS)
    notebook = project_dir / "notebooks" / "01_alignment_report.ipynb"
    words = [
        sys.executable,
        "-m",
        "papermill",
        str(notebook),
        "out.ipynb",
    ]
    for name, value in {"source": company, **GIVEN}.items():
        words += ["-p", name, value]
    done = subprocess.run(
        words, env={**os.environ, "PYTHONPATH": str(project_dir)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "unknown parameter" not in done.stderr
    made = perform(plan(company, given=GIVEN))
    for name in ("analysis.json", "report.html", "report.xlsx"):
        assert (tmp_path / "reports" / "draft" / name).read_bytes() == (made.folder / name).read_bytes()
