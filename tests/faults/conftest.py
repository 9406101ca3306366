"""Trials of a transaction are made in a process without threads, once for all tests that ask what was seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.faults.harness import FORM
from tests.runs.conftest import make_plan

__all__ = ["make_plan", "trials"]


@pytest.fixture(scope="session")
def trials(project_dir):
    """Give what `tests.faults.trials` saw of the kinds that are named; each kind is tried once."""
    known: dict[str, dict] = {}

    def seen(*kinds):
        key = " ".join(kinds)
        if key not in known:
            done = subprocess.run(
                [sys.executable, "-m", "tests.faults.trials", *kinds], cwd=project_dir,
                env={**os.environ, "PYTHONPATH": str(project_dir)}, capture_output=True, text=True,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            known[key] = json.loads(done.stdout)
            if FORM == "full":
                (project_dir / "build").mkdir(exist_ok=True)
                (project_dir / "build" / "faults.json").write_text(json.dumps(known, indent=1))
        return known[key]

    return seen
