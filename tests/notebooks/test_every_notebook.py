"""Every notebook with other parameters and nobody before it: no error, no dead control, the numbers of `analyse`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import alignment_toolkit as at
from alignment_toolkit.notebooks import find_notebook, known_notebooks

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SOME = ["dropped_leads", "price_ambition"]
CHANGED = {
    "00_start_here": ({"kpis": ["leads", "win-rate"]}, {"kpis": ["leads", "win-rate"]}),
    "01_alignment_report": (
        {"compare": "none", "part": "region=North", "indicators": SOME},
        {"compare": "none", "indicators": SOME},
    ),
    "02_kpis_and_drivers": (
        {"compare": "year-ago", "by": ["region"], "search": ["region"], "search_kpi": "win-rate"},
        {"compare": "year-ago", "by": ["region"], "indicators": []},
    ),
    "03_attribution": ({"show": 3}, {"kpis": ["new-clients", "spend"], "indicators": []}),
    "04_segments_and_plays": (
        {"show": 5, "compare": "none"},
        {"compare": "none", "kpis": ["revenue"], "indicators": [],
         "segmentations": ["value", "behaviour", "potential", "as_given"]},
    ),
    "05_find_misalignment": (
        {"by": ["region"], "indicators": SOME},
        {"by": ["region"], "indicators": SOME, "kpis": [], "compare": "none"},
    ),
    "06_survey": (
        {"formats": ["html"]},
        {"compare": "none", "kpis": [], "indicators": ["perception_gap", "strained_relationship"]},
    ),
    "07_explore": (
        {"kpi": "arpu", "by": ["region"], "only": ["region=North"], "look_at": ["finding=dropped_leads"],
         "what_if": ["lever.faster-follow-up=1"]},
        None,
    ),
    "08_present": ({"most": 2, "formats": ["html", "pptx"]}, {"compare": "none", "kpis": ["revenue"]}),
}  # fmt: skip


def run(name: str, folder: Path) -> nbformat.NotebookNode:
    """Execute a notebook by papermill, as somebody without the toolkit's command would."""
    told = dict(CHANGED[name][0]) | {"period": "2026-Q2"}
    (folder / "told.json").write_text(json.dumps(told), encoding="utf-8")
    words = [
        sys.executable,
        "-m",
        "papermill",
        str(find_notebook(name).resolve()),
        "out.ipynb",
        "-f",
        "told.json",
    ]
    done = subprocess.run([*words, "--no-progress-bar"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "unknown parameter" not in done.stderr
    assert "Unable to parse" not in done.stderr
    return nbformat.read(folder / "out.ipynb", 4)


def faults(node: nbformat.NotebookNode) -> list[str]:
    """Give what must not stand in a notebook that ran without anybody."""
    found = []
    for output in (o for c in node.cells if c.cell_type == "code" for o in c.outputs):
        kinds = set(output.get("data", {}))
        if output.output_type == "error" or output.get("name") == "stderr":
            found.append("an error or a warning")
        if any("widget" in kind for kind in kinds):
            found.append("a dead control")
        if "Computing" in str(output) or re.search(r"object at 0x[0-9a-f]+", str(output)):
            found.append("a line of progress, or an object that does not show itself")
    return found


@pytest.mark.parametrize("name", sorted(CHANGED))
def test_with_other_parameters_it_gives_the_numbers_of_the_analysis(name, tmp_path):
    node = run(name, tmp_path)
    assert faults(node) == []
    (written,) = tmp_path.rglob("analysis.json")
    made = at.Analysis.loads(written.read_text(encoding="utf-8"))
    assert made.period == "2026-Q2"
    asked = CHANGED[name][1]
    if asked is not None:
        part = CHANGED[name][0].get("part", "")
        assert made == at.analyse(at.opened("sample", part=str(part)), "2026-Q2", **asked)
    else:
        view = {k: v for k, v in CHANGED[name][0].items() if k != "what_if"}
        assert made == at.explore(at.Company.open("sample"), "2026-Q2", **view).analysis()
        assert made.kpi("arpu").n > 0
    page = tmp_path / "page.html"
    page_of(tmp_path / "out.ipynb", page)
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=.https?:", text), "the page asks somebody else"
    assert "application/vnd.jupyter.widget-view" not in text


def page_of(notebook: Path, page: Path) -> None:
    """Make a page of a notebook by nbconvert, with the settings that lie beside the notebooks."""
    config = find_notebook("00_start_here").resolve().parent / "nbconvert_offline.json"
    words = [
        sys.executable,
        "-m",
        "nbconvert",
        "--to",
        "html",
        "--config",
        str(config),
        "--output",
        page.name,
    ]
    done = subprocess.run([*words, notebook.name], cwd=page.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


def test_all_notebooks_are_tried_and_a_fault_is_seen():
    assert set(CHANGED) == set(known_notebooks())
    cell = nbformat.v4.new_code_cell("1")
    data = {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "Explorer object at 0x7f"}
    cell.outputs = [
        nbformat.v4.new_output("display_data", data=data),
        nbformat.v4.new_output("stream", name="stderr", text="w"),
    ]
    assert len(faults(nbformat.v4.new_notebook(cells=[cell]))) == 3
