"""What an earlier version told stays readable: a run of every past schema is kept, as it was written (fault 39)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from alignment_toolkit.notebooks.opening import earlier
from alignment_toolkit.report import Report
from alignment_toolkit.results import SCHEMA, Analysis
from alignment_toolkit.runs import history, read_manifest, show
from alignment_toolkit.runs.beside import bearing
from alignment_toolkit.runs.performing import MANIFEST_SCHEMA

KEPT = {int(p.name.removeprefix("schema_")): p for p in Path(__file__).parent.glob("schema_*")}


def test_a_run_of_every_schema_is_kept():
    assert set(KEPT) == set(range(1, max(SCHEMA, MANIFEST_SCHEMA) + 1)), "keep a run of the old schema here"


@pytest.mark.parametrize("schema", sorted(KEPT))
def test_a_run_of_a_past_schema_is_listed_shown_followed_and_reported_as_it_was(schema, tmp_path):
    manifest = json.loads((KEPT[schema] / "manifest.json").read_text())
    key = tmp_path / manifest["notebook"] / manifest["period"] / manifest["slice"]
    key.mkdir(parents=True)
    shutil.copytree(KEPT[schema], key / manifest["id"])
    (key / "latest").symlink_to(manifest["id"], target_is_directory=True)
    (listed,) = history(tmp_path)
    assert (listed["id"], listed["status"], listed["latest"]) == (manifest["id"], "ok", True)
    assert listed["findings"] == manifest["findings"]
    assert show(manifest["id"], tmp_path).manifest == read_manifest(KEPT[schema])
    (analysis,) = earlier([tmp_path])
    told = json.loads((KEPT[schema] / "analysis.json").read_text())
    assert analysis == Analysis.from_json(told)
    assert bearing([str(tmp_path)])
    # The report is made from it alone, and says what was said then.
    page = Report.of(analysis).content("html").decode()
    for finding in analysis.findings:
        assert finding.title.replace("'", "&#39;") in page
    assert analysis.to_json() == told, "nothing of it was changed by reading it"
