"""Processes that perform plans for a matrix, one at a time each; one that dies takes only its own run with it."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alignment_toolkit.errors import AlignmentError, KernelLost
from alignment_toolkit.runs.performing import Run, perform, read_manifest
from alignment_toolkit.runs.planning import Plan

__all__ = ["Worker", "attempt", "serve"]

_CODE = "from alignment_toolkit.runs.workers import serve; serve()"
_PATIENCE = 20.0


def attempt(plan: Plan, options: Mapping[str, Any]) -> tuple[Run | None, int, str]:
    """Perform a plan; give the run, or the exit code and the message of what went wrong."""
    try:
        return perform(plan, **options), 0, ""
    except AlignmentError as e:
        return None, e.exit_code, str(e)
    except Exception as e:  # an error of the toolkit itself must not take the other runs down
        return None, 1, f"internal error: {type(e).__name__}: {e}"


class Worker:
    """A process that performs plans, one after the other.

    Plans reach it through a private pipe; it prints one line of JSON for each.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __call__(self, plan: Plan, options: Mapping[str, Any]) -> tuple[Run | None, int, str]:
        """Let the process perform a plan; see `attempt`."""
        process = self._process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(base64.b64encode(pickle.dumps((plan, dict(options)))).decode() + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            self.stop()
            lost = KernelLost(
                f"The process that ran '{plan.name}' for {plan.slice} died (killed, or out of memory)."
            )
            return None, lost.exit_code, str(lost)
        told = json.loads(line)
        if told["folder"] is None:
            return None, told["code"], told["message"]
        folder = Path(told["folder"])
        return Run(folder, read_manifest(folder), fresh=told["fresh"]), 0, ""

    def _start(self) -> subprocess.Popen[str]:
        environment = dict(os.environ)
        # The worker works with this very toolkit, from a checkout that is not installed too.
        root = str(Path(__file__).resolve().parents[2])
        if not root.endswith("-packages"):
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, environment.get("PYTHONPATH")]))
        return subprocess.Popen(
            [sys.executable, "-c", _CODE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environment,
        )

    def stop(self) -> None:
        """End the process; a run that it is at is interrupted and publishes nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            _end(process)
        finally:
            if process.stdout is not None:
                process.stdout.close()


def _end(process: subprocess.Popen[str]) -> None:
    """End a worker's process: it leaves by itself when nothing can come any more; else it is told, then killed."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(0.5)
        return
    # The way of Ctrl-C, on which a run ends its kernel.
    process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def serve() -> None:
    """Perform the plans that come in by stdin; what a run prints goes to stderr."""
    # As in the command itself: a second for a grammar that no notebook asks for.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    # Interrupts end a run, also where the command was started in the background, which has them ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        for line in sys.stdin:
            # From the process that started this one, through a pipe that nobody else has.
            plan, options = pickle.loads(base64.b64decode(line))  # noqa: S301
            done, code, message = attempt(plan, options)
            told = {
                "folder": done.folder.as_posix() if done else None,
                "fresh": bool(done and done.fresh),
                "code": code,
                "message": message,
            }
            answers.write(json.dumps(told) + "\n")
            answers.flush()
