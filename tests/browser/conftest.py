"""A browser without a screen, and a folder for pictures: `ALIGNMENT_LOOK=folder` keeps them for a person to look at.

Needs chromium and playwright; without either these tests are skipped with a message.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install playwright"
    )
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((p for p in map(shutil.which, names) if p), None)
    if program is None:
        pytest.skip("no chromium on the path; on Debian: apt-get install chromium")
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=program, args=list(QUIET))
        yield started
        started.close()


@pytest.fixture(scope="module")
def look(tmp_path_factory) -> Path:
    named = os.environ.get("ALIGNMENT_LOOK")
    folder = Path(named) if named else tmp_path_factory.mktemp("look")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
