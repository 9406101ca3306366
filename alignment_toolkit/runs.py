"""Runs: a notebook executed for one period, published whole or not at all under ``reports/``.

A run writes into a hidden staging folder beside its future place. Only when the notebook came to its end, every file
is on the disk and the manifest lists them all, the folder gets its name by one rename, and ``latest`` follows. A run
that fails leaves a page FAILED.html and nothing else.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import html
import json
import os
import platform
import re
import shutil
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
    UnknownName,
)
from alignment_toolkit.notebooks import (
    SENTINEL,
    bundled,
    check_parameters,
    execute,
    find_notebook,
    parameters_of,
    read_notebook,
)

from alignment_toolkit.periods import Period, compare_periods

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from alignment_toolkit.company import Company

__all__ = ["Plan", "Run", "history", "now", "perform", "plan", "show", "slug"]

MANIFEST = "manifest.json"
MANIFEST_SCHEMA = 1
WHOLE = "all"
LATEST = "latest"
FAILED = "FAILED.html"
_STAGING = ".staging-"
# Names that Windows keeps for devices, whatever follows the dot.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10))}
FORMATS = ("html", "json")
_LATER = ("pdf", "pptx", "xlsx")
_LIBRARIES = ("duckdb", "ibis-framework", "pandas", "numpy", "scipy", "statsmodels", "papermill")


def now() -> dt.datetime:
    """Give the moment, in UTC; nothing else in the toolkit asks a clock for the date."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def slug(text: str) -> str:
    """Give a folder's name for any text: never a path, never hidden, the same for the same text.

    Examples
    --------
    >>> slug("2026-Q3"), slug("2026-07-01..2026-07-05")
    ('2026-Q3', '2026-07-01..2026-07-05')
    >>> slug("../../etc")
    'etc-e6fe17a4'
    """
    plain = unicodedata.normalize("NFKC", text)
    name = re.sub(r"[^A-Za-z0-9._=+-]+", "-", plain).strip("-. ")[:60].rstrip("-. ")
    # `latest` and the page of a failure stand beside folders of this kind.
    reserved = name.split(".")[0].casefold() in _DEVICES or name.casefold() in {LATEST, FAILED.casefold()}
    if name == text and name and not reserved:
        return name
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{name or 'x'}-{digest}".replace(".", "-") if reserved else f"{name or 'x'}-{digest}"


# ---- the plan: all that can be wrong before a kernel starts ----------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """A run that is about to be: everything is checked, nothing is written."""

    notebook: Path
    node: NotebookNode = field(repr=False)
    parameters: Mapping[str, Any]
    company: str
    period: str
    slice: str
    fingerprint: str
    out: Path
    formats: tuple[str, ...]

    @property
    def name(self) -> str:
        """The notebook's name."""
        return self.notebook.stem

    @property
    def key(self) -> Path:
        """The folder of all runs of this notebook, period and slice."""
        return self.out / slug(self.name) / slug(self.period) / slug(self.slice)

    @property
    def digest(self) -> str:
        """The same inputs, parameters, notebook and version give the same digest."""
        sources = [[c.cell_type, c.source] for c in self.node.cells]
        told = [_version(), sources, dict(self.parameters), self.fingerprint, list(self.formats)]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Give what ``alignment run --dry-run --json`` prints."""
        return {
            "notebook": self.name,
            "company": self.company,
            "period": self.period,
            "slice": self.slice,
            "parameters": dict(self.parameters),
            "data_fingerprint": self.fingerprint,
            "formats": list(self.formats),
            "folder": self.key.as_posix(),
            "outputs": [f"{self.name}.ipynb", "analysis.json", *(f"report.{f}" for f in self.formats), MANIFEST],
            "digest": self.digest,
        }


def plan(
    source: str,
    *,
    notebook: str = "01_alignment_report",
    given: Mapping[str, Any] | None = None,
    out: str | Path = "reports",
) -> Plan:
    """Check everything about a run: notebook, parameters, data, period, columns, formats.

    Parameters
    ----------
    source
        As in ``Company.open``.
    notebook
        Name or path.
    given
        Values of the notebook's parameters by name; text is read by the declared type.
    out
        The root of the reports.

    Raises
    ------
    ParameterError
        For an unknown notebook, parameter, period, column, indicator or format (exit 2).
    DataError
        For data that is refused, and for a period without any data (exit 3).
    """
    path = find_notebook(notebook)
    node = read_notebook(path)
    declared = parameters_of(node, path.stem)
    values: dict[str, Any] = {**(given or {}), "source": _portable(source)}
    values = check_parameters(declared, values, notebook=path.stem)
    company = open_company(source, values.get("as_of"))
    company.require_clean()
    _check_names(company, values)
    formats = check_formats(values.get("formats") or company.settings.report.formats)
    period = resolve_period(company, values.get("period"))
    compare_periods(values.get("compare") or "previous", period)
    require_data(company, period)
    if "period" in values:
        values["period"] = period.label
    return Plan(
        notebook=path,
        node=node,
        parameters=values,
        company=company.name,
        period=period.label,
        slice=WHOLE,
        fingerprint=company.fingerprint(),
        out=Path(out),
        formats=formats,
    )


def _portable(source: str) -> str:
    """Write a source so that the executed notebook names no machine and no secret."""
    if "://" in source:
        from urllib.parse import urlsplit

        if urlsplit(source).password:
            raise ParameterError(
                "A run keeps its parameters, and this address carries a password. Put it into an alignment.toml as"
                ' [source] url = "...${ENV_NAME}..." and run that.'
            )
        return source
    with contextlib.suppress(ValueError):  # another drive has no relative path
        return Path(os.path.relpath(source)).as_posix() if os.path.isabs(source) else source
    return source


def open_company(source: str, as_of: str | None = None) -> Company:
    """Open a source as the command does: "sample" is the made-up company that comes with the toolkit."""
    from alignment_toolkit.company import Company

    place = bundled("sample") if source == "sample" and not Path(source).exists() else source
    return Company.open(place, as_of=dt.date.fromisoformat(as_of) if as_of else None)


def resolve_period(company: Company, text: str | None) -> Period:
    """Give the period of a text, a relative word or nothing (the last quarter that is complete)."""
    from alignment_toolkit.analysis import default_period

    if not text:
        return default_period(company)
    return company.settings.period(text, as_of=company.as_of)


def require_data(company: Company, period: Period) -> None:
    """Refuse a period in which no table has a row.

    Raises
    ------
    DataError
        Which names the period, what the data covers, and the nearest period with data.
    """
    from alignment_toolkit.tables import TABLES

    dated = {t: TABLES[t].date for t in company.tables if TABLES[t].date}
    # Plans and targets may lie in any year; they are no sign of business in it.
    dated = {t: c for t, c in dated.items() if TABLES[t].event_columns or t in ("spend", "results")} or dated
    edges: list[dt.date] = []
    for table, column in dated.items():
        if not company.has(table, column):
            continue
        day = company[table][column].cast("date")
        before, after = day < period.start, day >= period.end
        row = company.fetch(
            company[table].aggregate(
                inside=(~before & ~after).sum(), first=day.min(), last=day.max(),
                before=day.max(where=before), after=day.min(where=after),
            )
        ).iloc[0]  # fmt: skip
        if row["inside"] == row["inside"] and row["inside"]:
            return
        edges += [_day(row[c]) for c in ("first", "last", "before", "after") if _day(row[c]) is not None]
    if not edges:
        raise DataError(f"There is no data in {period}: {company.name} has no dated rows at all.")
    nearest = min(edges, key=lambda d: (min(abs((d - period.start).days), abs((d - period.last).days)), d))
    kind = "quarter" if period.kind == "range" else period.kind
    raise DataError(
        f"There is no data in {period} ({period.start} to {period.last}). The data of {company.name} covers"
        f" {min(edges)} to {max(edges)}. The nearest period with data is"
        f" {Period.of(nearest, kind, **_fiscal(company))}."
    )


def _day(value: Any) -> dt.date | None:
    if value is None or value != value:
        return None
    return value.date() if isinstance(value, dt.datetime) else value


def _check_names(company: Company, values: Mapping[str, Any]) -> None:
    from alignment_toolkit.catalog import Catalog

    catalog = Catalog.load(company.settings)
    catalog.check(company.settings)
    catalog.chosen_indicators(values.get("indicators") or None)
    catalog.chosen_kpis(values.get("kpis") or None)
    check_dimensions(company, values.get("by") or ())


def check_dimensions(company: Company, by: Sequence[str]) -> None:
    """Refuse a column that no table has.

    Raises
    ------
    UnknownName
        With the near match.
    """
    columns = {column for table in company.tables for column in company.columns(table)}
    for dimension in by:
        if dimension.rpartition(".")[2] not in columns:
            raise UnknownName("column", dimension, sorted(columns), where=f"in the data of {company.name}")


def check_formats(formats: Sequence[str]) -> tuple[str, ...]:
    """Give the formats without doubles; refuse those that can't be written."""
    for name in formats:
        if name in _LATER:
            raise ParameterError(f"Reports as {name} are not built yet. There is: {', '.join(FORMATS)}.")
        if name not in FORMATS:
            raise UnknownName("format", name, FORMATS)
    return tuple(dict.fromkeys(formats))


# ---- the run ---------------------------------------------------------------------------------------------------


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
    progress: Callable[[int, int], None] | None = None,
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
    progress
        Called with a cell's position and the number of cells.

    Raises
    ------
    AlreadyRunning
        Where another process works on the same notebook, period and slice.
    CellFailed, KernelLost, ExportFailed
        Where the run failed; FAILED.html beside the runs says why.
    """
    try:
        key = _key_folder(plan)
        with _locked(key, plan):
            for left in key.glob(f"{_STAGING}*"):
                shutil.rmtree(left, ignore_errors=True)
            if not force and (done := _done(key, plan.digest)) is not None:
                _point(key, done.name)
                return Run(done, read_manifest(done), fresh=False)
            return _publish(plan, key, timeout, progress)
    except OSError as e:
        raise ExportFailed(f"The run could not be written: {e.strerror or e} ({e.filename or plan.key}).") from e


def _publish(
    plan: Plan, key: Path, timeout: float | None, progress: Callable[[int, int], None] | None
) -> Run:
    started = now()
    id = _free_id(key, f"{plan.digest[:10]}-{started:%Y%m%dT%H%M%SZ}")
    staging = key / f"{_STAGING}{id}"
    staging.mkdir()
    try:
        executed = execute(
            plan.node, plan.name, plan.parameters, folder=staging, timeout=timeout, progress=progress
        )
        manifest = _complete(plan, id, executed, staging, started)
        for path in [*staging.iterdir(), staging]:
            _sync(path)
        staging.rename(key / id)
        _sync(key)
    except AlignmentError as e:
        shutil.rmtree(staging, ignore_errors=True)
        _leave_page(plan, key, e, started)
        raise
    except OSError as e:
        shutil.rmtree(staging, ignore_errors=True)
        failed = ExportFailed(f"The run could not be written: {e.strerror or e} ({e.filename or key}).")
        _leave_page(plan, key, failed, started)
        raise failed from e
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    _point(key, id)
    (key / FAILED).unlink(missing_ok=True)
    return Run(key / id, manifest)


def _complete(
    plan: Plan, id: str, executed: NotebookNode, staging: Path, started: dt.datetime
) -> dict[str, Any]:
    """Check what the notebook left, add the executed notebook and the manifest."""
    import nbformat

    sentinel = staging / SENTINEL
    if not sentinel.is_file():
        raise CellFailed(
            f"Notebook '{plan.name}' came to its end without at.finish(...): nothing was handed over. Its last cell must"
            " call it."
        )
    promised: dict[str, str] = json.loads(sentinel.read_text(encoding="utf-8"))
    sentinel.unlink()
    nbformat.write(executed, staging / f"{plan.name}.ipynb")
    artefacts = {
        p.relative_to(staging).as_posix(): {"sha256": _hash(p), "bytes": p.stat().st_size}
        for p in sorted(staging.rglob("*"))
        if p.is_file()
    }
    spoilt = [name for name, digest in promised.items() if artefacts.get(name, {}).get("sha256") != digest]
    if spoilt:
        raise CellFailed(f"Notebook '{plan.name}' changed after at.finish(...) what that had written: {', '.join(spoilt)}.")
    analysis = json.loads((staging / "analysis.json").read_text(encoding="utf-8"))
    if "as_of" not in plan.parameters and analysis["data_fingerprint"] != plan.fingerprint:
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
        "data_fingerprint": plan.fingerprint,
        "digest": plan.digest,
        "seed": "each indicator's id",
        "versions": _versions(),
        "started": _stamp(started),
        "finished": _stamp(finished),
        "seconds": (finished - started).total_seconds(),
        "findings": _counts(analysis),
        "artefacts": artefacts,
    }
    _write(staging / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")
    return manifest


def _counts(analysis: Mapping[str, Any]) -> dict[str, int]:
    counts = {"high": 0, "medium": 0, "low": 0}
    for finding in analysis["findings"]:
        if finding["severity"] in counts:
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
            whole = all(_hash(folder / name) == told["sha256"] for name, told in manifest["artefacts"].items())
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


def _point(key: Path, id: str) -> None:
    """Make `latest` name this run: a relative link, or a line of text where links can't be made."""
    pointer, fresh = key / LATEST, key / f".{LATEST}-{id}"
    fresh.unlink(missing_ok=True)
    try:
        fresh.symlink_to(id, target_is_directory=True)
    except (OSError, NotImplementedError):
        _write(fresh, id + "\n")
        _sync(fresh)
    fresh.replace(pointer)
    _sync(key)


def latest(key: Path) -> Path | None:
    """Give the folder of the newest published run of a notebook, period and slice."""
    pointer = key / LATEST
    if not pointer.is_symlink() and pointer.is_file():
        pointer = key / slug(pointer.read_text(encoding="utf-8").strip())
    folder = pointer.resolve()
    return folder if (folder / MANIFEST).is_file() else None


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _sync(path: Path) -> None:
    """Bring a file or folder to the disk; some systems can't for folders."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _stamp(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _version() -> str:
    from alignment_toolkit.results import VERSION

    return VERSION


def _versions() -> dict[str, str]:
    found = {"alignment_toolkit": _version(), "python": platform.python_version()}
    for name in _LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


# ---- what is left of a failed run ------------------------------------------------------------------------------

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
    5: "What to do: run again; if it dies again, give it more memory or time (--timeout), or a shorter period.",
    8: "What to do: see that the disk has room and the folder may be written, and run again.",
}


def _leave_page(plan: Plan, key: Path, error: AlignmentError, at: dt.datetime) -> None:
    facts = {
        "notebook": plan.name,
        "company": plan.company,
        "period": plan.period,
        "slice": plan.slice,
        "at": _stamp(at),
        "code": str(error.exit_code),
        "message": str(error),
        "next": _NEXT.get(error.exit_code, "Run again with --debug to see where it went wrong."),
    }
    page = _PAGE.format(**{k: html.escape(v) for k, v in facts.items()})
    # Where even the page can't be written, the error itself still says why.
    with contextlib.suppress(OSError):
        _write(key / f".{FAILED}", page)
        (key / f".{FAILED}").replace(key / FAILED)


# ---- history ---------------------------------------------------------------------------------------------------


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a published run."""
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    if manifest.get("schema") != MANIFEST_SCHEMA:
        raise AlignmentError(
            f"{folder / MANIFEST} has schema {manifest.get('schema')!r}; this version reads {MANIFEST_SCHEMA}."
        )
    return manifest


def history(out: str | Path = "reports") -> list[dict[str, Any]]:
    """List what was published and what failed, the oldest first."""
    found: list[dict[str, Any]] = []
    for path in Path(out).glob(f"*/*/*/*/{MANIFEST}"):
        if path.parent.name == LATEST or path.parent.name.startswith("."):
            continue
        with contextlib.suppress(OSError, ValueError, AlignmentError):
            manifest = read_manifest(path.parent)
            current = latest(path.parent.parent)
            found.append(
                {k: manifest.get(k) for k in ("id", "notebook", "company", "period", "slice", "status", "finished")}
                | {k: manifest.get(k) for k in ("seconds", "findings")}
                | {"latest": current is not None and current.name == path.parent.name}
                | {"folder": path.parent.as_posix()}
            )
    for page in Path(out).glob(f"*/*/*/{FAILED}"):
        time = re.search(r'<time datetime="([^"]+)"', page.read_text(encoding="utf-8", errors="replace"))
        notebook, period, part = page.parts[-4:-1]
        found.append(
            {"id": None, "notebook": notebook, "company": None, "period": period, "slice": part, "status": "failed"}
            | {"finished": time.group(1) if time else None, "seconds": None, "findings": None, "latest": False}
            | {"folder": page.as_posix()}
        )
    return sorted(found, key=lambda r: (r["finished"] or "", r["folder"]))


def show(id: str, out: str | Path = "reports") -> Run:
    """Give one run by its id or the beginning of it.

    Raises
    ------
    UnknownName
        Where there is none, or more than one.
    """
    published = [r for r in history(out) if r["id"]]
    found = [r for r in published if r["id"] == id] or [r for r in published if r["id"].startswith(id)]
    if len(found) != 1:
        raise UnknownName("run", id, [r["id"] for r in found or published], where=f"in {out}")
    folder = Path(found[0]["folder"])
    return Run(folder, read_manifest(folder), fresh=False)
