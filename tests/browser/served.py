"""`alignment explore`, started and ended as a user would, and a notebook run from JupyterLab's menu."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

PATIENCE = 180_000  # milliseconds; on a busy machine a kernel with all its libraries takes long
LAB = r"(http://127\.0\.0\.1:\d+/lab\S*token=\w+)"
APP = r"running at:\s+(http://127\.0\.0\.1:\d+/)"


class Served:
    """`alignment explore`, started as a user would, and ended with Ctrl-C."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        self.log = folder / "log.txt"
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "alignment_toolkit", "explore", "sample", "--no-browser", *words],
                cwd=folder, stdout=log, stderr=subprocess.STDOUT, env=environment,
                # Where the tests run in the background, Ctrl-C would be ignored by all that they start.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )  # fmt: skip

    def address(self, pattern: str) -> str:
        until = time.monotonic() + PATIENCE / 1000
        while time.monotonic() < until and self.process.poll() is None:
            found = re.search(pattern, self.log.read_text())
            if found:
                return found[1]
            time.sleep(0.3)
        raise AssertionError(f"the server did not start:\n{self.log.read_text()}")

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(240)
        finally:
            if self.process.poll() is None:
                self.process.kill()


def run_all(page, until_there: str) -> None:
    """Run all cells of the notebook that JupyterLab shows, until something is there."""
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    # Lab takes the menu's command only once it has put the notebook in front and started its kernel.
    page.wait_for_selector(".jp-Toolbar-kernelName:has-text('Python 3')")
    until, asked = time.monotonic() + PATIENCE / 1000, 0
    while not page.locator(until_there).count() and time.monotonic() < until:
        prompts = page.locator(".jp-InputPrompt").all_text_contents()
        first = page.locator(".jp-Notebook .jp-Cell").first
        # What has begun has a number or a star; cells that are scrolled away are not clicked.
        if asked < 5 and not any(re.search(r"\[[0-9*]+\]", p) for p in prompts) and first.is_visible():
            first.click()
            page.locator(".lm-MenuBar-itemLabel", has_text="Run").first.click()
            page.locator(".lm-Menu-itemLabel", has_text="Run All Cells").first.click()
            asked += 1
        time.sleep(3)
    page.wait_for_selector(until_there, state="attached")
