"""A run as a transaction: executed in a staging folder, published by one rename, or not at all."""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import html
import json
import platform
import shutil
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignment_toolkit.errors import (
    AlignmentError,
    AlreadyRunning,
    CellFailed,
    DataError,
    ExportFailed,
    ParameterError,
)
from alignment_toolkit.notebooks import SENTINEL, execute, scrubbed, write_notebook
from alignment_toolkit.results import VERSION
from alignment_toolkit.runs.places import (
    FAILED,
    LATEST,
    MANIFEST,
    file_hash,
    latest,
    now,
    point,
    stamp,
    sync,
    write,
)
from alignment_toolkit.runs.planning import Plan
from alignment_toolkit.secrets import Scrubber

if TYPE_CHECKING:
    from alignment_toolkit.notebooks import EarlyKernel, NotebookNode

__all__ = ["MANIFEST_SCHEMA", "Run", "perform", "read_manifest"]

MANIFEST_SCHEMA = 1
_STAGING = ".staging-"
_LIBRARIES = ("duckdb", "ibis-framework", "pandas", "numpy", "scipy", "statsmodels", "papermill")


@dataclass(frozen=True)
class Run:
    """A published run."""

    folder: Path
    manifest: Mapping[str, Any]
    fresh: bool = True

    @property
    def id(self) -> str:
        """The run's id, which is its folder's name."""
        return self.folder.name

    @property
    def files(self) -> tuple[Path, ...]:
        """The artefacts and the manifest."""
        return (*(self.folder / name for name in self.manifest["artefacts"]), self.folder / MANIFEST)

    def to_json(self) -> dict[str, Any]:
        """Give what ``alignment run --json`` prints."""
        return {"folder": self.folder.as_posix(), "fresh": self.fresh, **self.manifest}


def perform(
    plan: Plan,
    *,
    force: bool = False,
    timeout: float | None = 3600,
    run_timeout: float | None = None,
    memory: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    processes: int = 2,
    early: EarlyKernel | None = None,
) -> Run:
    """Execute a plan and publish it whole, or publish nothing.

    Parameters
    ----------
    plan
        What `plan` gave.
    force
        Run again where the same run is there already.
    timeout
        Seconds that one cell may take.
    run_timeout
        Seconds that the whole notebook may take.
    memory
        Bytes of memory that the kernel and what it starts may take; by default nine tenths of the machine's.
    progress
        Called with a cell's position and the number of cells.
    processes
        Processes that the kernel may use for one analysis: on Linux, with as many processors and 4 GB of memory.
    early
        A kernel that was started while the plan was made (`early_kernel`), with the same `memory`.

    Raises
    ------
    AlreadyRunning
        Where another process works on the same notebook, period and slice.
    CellFailed, KernelLost, ExportFailed
        Where the run failed; FAILED.html beside the runs says why.
    """
    limits: dict[str, Any] = {
        "timeout": timeout, "run_timeout": run_timeout, "memory": memory, "progress": progress, "processes": processes,
        "early": early,
    }  # fmt: skip
    try:
        key = _key_folder(plan)
        with _locked(key, plan):
            _clear(key)
            if not force and (done := _done(key, plan.digest)) is not None:
                if latest(key) != done.resolve():
                    point(key, done.name)
                return Run(done, read_manifest(done), fresh=False)
            return _publish(plan, key, limits)
    except OSError as e:
        raise _unwritten(e, plan.key) from e


def _unwritten(error: OSError, key: Path) -> ExportFailed:
    return ExportFailed(f"The run could not be written: {error.strerror or error} ({error.filename or key}).")


def _clear(key: Path) -> None:
    """Clear away what a run left that was killed."""
    for left in key.glob(f"{_STAGING}*"):
        shutil.rmtree(left, ignore_errors=True)
    for left in (*key.glob(f".{LATEST}-*"), key / f".{FAILED}"):
        left.unlink(missing_ok=True)


def _publish(plan: Plan, key: Path, limits: Mapping[str, Any]) -> Run:
    started = now()
    id = _free_id(key, f"{plan.digest[:10]}-{started:%Y%m%dT%H%M%SZ}")
    staging = key / f"{_STAGING}{id}"
    staging.mkdir()
    try:
        executed = execute(
            plan.node,
            plan.name,
            plan.parameters,
            folder=staging,
            slides=plan.slides,
            kept_back=plan.kept_back,
            **limits,
        )
        manifest = _complete(plan, id, executed, staging, started)
        for path in [*staging.rglob("*"), staging]:
            sync(path)
        _swap(key, staging, id)
    except AlignmentError as e:
        shutil.rmtree(staging, ignore_errors=True)
        clean = _without_secrets(e, plan)
        _leave_page(plan, key, clean, started)
        raise clean from (e.__cause__ if clean is e else None)
    except OSError as e:
        shutil.rmtree(staging, ignore_errors=True)
        failed = _unwritten(e, key)
        _leave_page(plan, key, failed, started)
        raise failed from e
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return Run(key / id, manifest)


def _swap(key: Path, staging: Path, id: str) -> None:
    """Give the run its name and let `latest` follow; what can't be brought to the disk is taken back."""
    before = latest(key)
    staging.rename(key / id)
    try:
        sync(key)
        point(key, id)
        (key / FAILED).unlink(missing_ok=True)
    except BaseException:
        # The pointer first: whoever reads it meanwhile must find a whole run.
        if before is not None:
            point(key, before.name)
        elif (key / LATEST).is_symlink() or (key / LATEST).is_file():
            (key / LATEST).unlink()
        (key / id).rename(staging)
        raise


def _without_secrets(error: AlignmentError, plan: Plan) -> AlignmentError:
    """Give the error itself where it tells no secret, else one of its kind that does not."""
    scrub = Scrubber.of(plan.secrets)
    if scrub.report_of(error) == "".join(traceback.format_exception(error)):
        return error
    clean = copy.copy(error)
    clean.args = tuple(scrub(a) if isinstance(a, str) else a for a in error.args)
    clean.__notes__ = [scrub(note) for note in getattr(error, "__notes__", [])]
    return clean


def _complete(
    plan: Plan, id: str, executed: NotebookNode, staging: Path, started: dt.datetime
) -> dict[str, Any]:
    """Check what the notebook left, add the executed notebook and the manifest."""
    sentinel = staging / SENTINEL
    if not sentinel.is_file():
        raise CellFailed(
            f"Notebook '{plan.name}' came to its end without at.finish(...), which hands over its results."
        )
    promised: dict[str, str] = json.loads(sentinel.read_text(encoding="utf-8"))
    sentinel.unlink()
    scrub = Scrubber.of(plan.secrets)
    write_notebook(scrubbed(executed, scrub), staging / f"{plan.name}.ipynb")
    artefacts = {
        p.relative_to(staging).as_posix(): {"sha256": file_hash(p), "bytes": p.stat().st_size}
        for p in sorted(staging.rglob("*"))
        if p.is_file()
    }
    spoilt = [name for name, digest in promised.items() if artefacts.get(name, {}).get("sha256") != digest]
    if spoilt:
        raise CellFailed(
            f"Notebook '{plan.name}' changed after at.finish(...) what that had written: {', '.join(spoilt)}."
        )
    for name in artefacts:
        if (secret := scrub.found_in((staging / name).read_bytes())) is not None:
            raise CellFailed(
                f"Notebook '{plan.name}' wrote the value of the environment variable '{secret}' into {name}."
                " A secret must not get into any file; take it out of the notebook."
            )
    analysis = json.loads((staging / "analysis.json").read_text(encoding="utf-8"))
    if analysis["data_fingerprint"] != plan.fingerprint:
        raise DataError("The data changed while the notebook ran. Run again when it is at rest.")
    finished = now()
    manifest = {
        "schema": MANIFEST_SCHEMA,
        "id": id,
        "status": "ok",
        "notebook": plan.name,
        "company": plan.company,
        "period": plan.period,
        "slice": plan.slice,
        "parameters": dict(plan.parameters),
        "asked": dict(plan.asked),
        "inputs": [dict(one) for one in plan.inputs],
        "data_fingerprint": plan.fingerprint,
        "digest": plan.digest,
        "seed": "each indicator's id",
        "versions": _versions(),
        "started": stamp(started),
        "finished": stamp(finished),
        "seconds": (finished - started).total_seconds(),
        "findings": _counts(analysis),
        "artefacts": artefacts,
    }
    write(staging / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")
    return manifest


def _counts(analysis: Mapping[str, Any]) -> dict[str, int]:
    counts = {"high": 0, "medium": 0, "low": 0}
    for finding in analysis["findings"]:
        if finding["severity"] in counts and not finding["by"]:
            counts[finding["severity"]] += 1
    return counts


def _key_folder(plan: Plan) -> Path:
    root = plan.out.resolve()
    # A link inside the reports must not lead a run out of them.
    if not plan.key.resolve().is_relative_to(root):
        raise ParameterError(f"{plan.key} leads out of {plan.out}; a link stands in its way.")
    plan.key.mkdir(parents=True, exist_ok=True)
    return plan.key


@contextlib.contextmanager
def _locked(key: Path, plan: Plan) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(key / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise AlreadyRunning(
            f"'{plan.name}' for {plan.period} is being run by another process. Wait for it, or name another --out."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _done(key: Path, digest: str) -> Path | None:
    """Give the newest published run with this digest whose files are as they were."""
    for folder in sorted(key.glob(f"{digest[:10]}-*"), reverse=True):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AlignmentError):
            manifest = read_manifest(folder)
            whole = all(
                file_hash(folder / name) == told["sha256"] for name, told in manifest["artefacts"].items()
            )
            if manifest["digest"] == digest and manifest["status"] == "ok" and whole:
                return folder
    return None


def _free_id(key: Path, id: str) -> str:
    taken = 1
    free = id
    while (key / free).exists():
        taken += 1
        free = f"{id}-{taken}"
    return free


def _versions() -> dict[str, str]:
    found = {"alignment_toolkit": VERSION, "python": platform.python_version()}
    for name in _LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a published run."""
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    if manifest.get("schema") != MANIFEST_SCHEMA:
        raise AlignmentError(
            f"{folder / MANIFEST} has schema {manifest.get('schema')!r}; this version reads {MANIFEST_SCHEMA}."
        )
    return manifest


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>FAILED: {notebook} for {period}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>body{{font:16px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em;border-left:8px solid #b00}}
pre{{white-space:pre-wrap;background:#f4f4f4;padding:1em}}</style></head>
<body><h1>This run FAILED. There is no report here.</h1>
<p>{notebook}, {company}, {period}, {slice}; <time datetime="{at}">{at}</time>; exit code {code}.</p>
<pre>{message}</pre>
<p>{next}</p>
<p>Nothing was published. What was published before is as it was.</p>
</body></html>
"""
_NEXT = {
    3: "What to do: mend the data (alignment check names every problem) and run again.",
    4: "What to do: mend what the message names, in the data or in that cell, and run again.",
    5: "What to do: run again; if it dies again, give it more memory (--memory) or time (--timeout,"
    " --run-timeout), or a shorter period.",
    8: "What to do: see that the disk has room and the folder may be written, and run again.",
}


def _leave_page(plan: Plan, key: Path, error: AlignmentError, at: dt.datetime) -> None:
    facts = {
        "notebook": plan.name,
        "company": plan.company,
        "period": plan.period,
        "slice": plan.slice,
        "at": stamp(at),
        "code": str(error.exit_code),
        "message": Scrubber.of(plan.secrets)(str(error)),
        "next": _NEXT.get(error.exit_code, "Run again with --debug to see where it went wrong."),
    }
    page = _PAGE.format(**{k: html.escape(v) for k, v in facts.items()})
    # Where even the page can't be written, the error itself still says why.
    with contextlib.suppress(OSError):
        write(key / f".{FAILED}", page)
        (key / f".{FAILED}").replace(key / FAILED)
