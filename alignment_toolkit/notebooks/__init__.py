"""Notebooks: their typed parameters, read without running anything, and their execution by papermill."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignment_toolkit.errors import AlignmentError, ExportFailed, ParameterError, UnknownName
from alignment_toolkit.notebooks.execution import RUN_FOLDER, SENTINEL, execute, kernel_starts
from alignment_toolkit.notebooks.parameters import (
    Kind,
    Parameter,
    check_parameters,
    json_schema,
    parameters_of,
    parse_parameters,
)

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from alignment_toolkit.results import Analysis

__all__ = [
    "Finished",
    "Kind",
    "Parameter",
    "bundled",
    "check_parameters",
    "execute",
    "find_notebook",
    "finish",
    "json_schema",
    "kernel_starts",
    "known_notebooks",
    "parameters_of",
    "parse_parameters",
    "read_notebook",
]


def bundled(name: str) -> Path:
    """Give a folder that comes with the toolkit ("notebooks" or "sample"), from the wheel or from the checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "_bundled" / name
    return inside if inside.is_dir() else package.parent / {"sample": "data/sample"}.get(name, name)


def known_notebooks(folder: Path | None = None) -> dict[str, Path]:
    """Give the notebooks by name: those of ./notebooks first, then those that come with the toolkit."""
    found: dict[str, Path] = {}
    for place in (folder or Path("notebooks"), bundled("notebooks")):
        if place.is_dir():
            for path in sorted(place.glob("*.ipynb")):
                found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def find_notebook(name: str) -> Path:
    """Give the path of a notebook that was asked for by name (its number may be left out) or by path.

    Raises
    ------
    UnknownName
        Where there is none, with the near match.
    """
    if name.endswith(".ipynb") and Path(name).is_file():
        return Path(name)
    known = known_notebooks()
    stem = name.removesuffix(".ipynb")
    by_name = {re.sub(r"^\d+_", "", stem): path for stem, path in known.items()} | known
    if stem in by_name:
        return by_name[stem]
    raise UnknownName("notebook", name, known)


def read_notebook(path: Path) -> NotebookNode:
    """Read a notebook file.

    Raises
    ------
    ParameterError
        Where the file is no notebook.
    """
    import nbformat

    try:
        text = path.read_text(encoding="utf-8")
        with contextlib.redirect_stderr(io.StringIO()):
            return nbformat.reads(text, as_version=4)
    except (OSError, ValueError, KeyError, AttributeError, nbformat.validator.NotebookValidationError) as e:
        reason = str(e).splitlines()[0] if str(e) else type(e).__name__
        raise ParameterError(f"{path} is no notebook that can be read: {reason}") from e


@dataclass(frozen=True)
class Finished:
    """What `finish` wrote, by name."""

    folder: Path
    files: tuple[str, ...]

    def __repr__(self) -> str:
        """Name the files without their folder, which may differ from run to run."""
        return f"Written: {', '.join(self.files)}"


def finish(
    analysis: Analysis, out: str | Path = "reports/draft", *, formats: Sequence[str] | str = ()
) -> Finished:
    """Write analysis.json and the reports; the last thing that a notebook does.

    By hand the files go to `out`. Under ``alignment run`` they go to the run's own folder, and that this function came
    to its end is what tells the run from one that stopped half way.

    Parameters
    ----------
    analysis
        What ``analyse`` gave.
    out
        A folder; it is made where it is missing.
    formats
        ``["html"]``; by default those of the settings.

    Returns
    -------
    Finished
        The folder and the names of the files.
    """
    from alignment_toolkit.report import Report

    staging = os.environ.get(RUN_FOLDER)
    folder = Path(staging) if staging else Path(out)
    wanted = [f.strip() for f in formats.split(",")] if isinstance(formats, str) else list(formats)
    told: Any = analysis.settings.get("report") or {}
    wanted = [f for f in wanted if f] or list(told.get("formats") or ["html"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = analysis.dumps()
        (folder / "analysis.json").write_text(text, encoding="utf-8", newline="\n")
        report = Report.of(analysis, audience=told.get("audience") or "internal")
        written = report.write(folder, formats=tuple(f for f in wanted if f != "json"))
        names = ["analysis.json", *sorted({Path(p).name for p in written.values()} - {"analysis.json"})]
        if staging:
            digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
            (folder / SENTINEL).write_text(json.dumps(digests), encoding="utf-8")
    except AlignmentError:
        raise
    except OSError as e:
        raise ExportFailed(
            f"The report could not be written: {e.strerror or e} ({Path(e.filename or out).name})."
        ) from e
    return Finished(folder, tuple(names))
