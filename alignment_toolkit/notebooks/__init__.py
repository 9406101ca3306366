"""Notebooks: their typed parameters, read without running anything, and their execution by papermill."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignment_toolkit.errors import ExportFailed, ParameterError, UnknownName, names_given
from alignment_toolkit.notebooks.early import EarlyKernel
from alignment_toolkit.notebooks.execution import (
    RUN_FOLDER,
    RUN_KEPT_BACK,
    RUN_SLIDES,
    SENTINEL,
    early_kernel,
    execute,
    kernel_starts,
)
from alignment_toolkit.notebooks.parameters import (
    Kind,
    Parameter,
    check_parameters,
    json_schema,
    parameters_of,
    parse_parameters,
)

if TYPE_CHECKING:
    from nbformat import NotebookNode as NotebookNode

    from alignment_toolkit.report import Report
    from alignment_toolkit.results import Analysis
    from alignment_toolkit.secrets import Scrubber

__all__ = [
    "RUN_FOLDER",
    "SENTINEL",
    "EarlyKernel",
    "Finished",
    "Kind",
    "Parameter",
    "bundled",
    "check_parameters",
    "early_kernel",
    "execute",
    "find_notebook",
    "finish",
    "json_schema",
    "kernel_starts",
    "known_notebooks",
    "parameters_of",
    "parse_parameters",
    "read_notebook",
    "scrubbed",
    "write_notebook",
]


def bundled(name: str) -> Path:
    """Give a folder that comes with the toolkit, from the wheel or from the checkout: notebooks, sample, schedule."""
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
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            node: NotebookNode = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
            nbformat.validate(node)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, nbformat.ValidationError) as e:
        reason = str(e).splitlines()[0] if str(e) else type(e).__name__
        raise ParameterError(f"{path} is no notebook that can be read: {reason}") from e
    return node


def scrubbed(notebook: NotebookNode, scrub: Scrubber) -> NotebookNode:
    """Give an executed notebook without secrets, in outputs, code and metadata."""
    import nbformat

    node: NotebookNode = nbformat.from_dict(scrub.clean(notebook))  # type: ignore[no-untyped-call]
    return node


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook file."""
    import nbformat

    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Finished:
    """What `finish` wrote, by name."""

    folder: Path
    files: tuple[str, ...]

    def __repr__(self) -> str:
        """Name the files without their folder, which may differ from run to run."""
        return f"Written: {', '.join(self.files)}"


def finish(
    report: Report | Analysis, out: str | Path = "reports/draft", *, formats: Sequence[str] | str = ()
) -> Finished:
    """Write analysis.json and the reports; the last thing that a notebook does.

    By hand the files go to `out`. Under ``alignment run`` they go to the run's own folder, and that this function came
    to its end is what tells the run from one that stopped half way.

    Parameters
    ----------
    report
        A Report, or an Analysis of which one is made as the settings say.
    out
        A folder; it is made where it is missing.
    formats
        ``["html"]``; by default those of the settings that are built.

    Returns
    -------
    Finished
        The folder and the names of the files.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from alignment_toolkit.results import Analysis
    >>> empty = Analysis.empty(company="Acme", currency="EUR", period="2026-Q3")
    >>> with TemporaryDirectory() as out:
    ...     done = finish(empty, out, formats=["html"])
    >>> done.files
    ('analysis.json', 'report.html')
    """
    from alignment_toolkit.report import FORMATS, Report

    if not isinstance(report, Report):
        report = Report.of(report, key=os.environ.get("ALIGNMENT_PRIVACY_KEY", ""))
    own = os.environ.get(RUN_SLIDES)
    if own and report.slides is None:
        report = replace(report, slides=Path(own).read_bytes())
    if kept := os.environ.get(RUN_KEPT_BACK):
        report = replace(report, kept_back=tuple(kept.split(",")))
    told: Any = report.analysis.settings.get("report") or {}
    wanted = (
        list(names_given(formats, "formats"))
        or [f for f in told.get("formats") or () if f in FORMATS]
        or ["html"]
    )
    staging = os.environ.get(RUN_FOLDER)
    try:
        written = report.write(staging or out, formats=dict.fromkeys(["json", *wanted]))
        names = tuple(path.name for path in written.values())
        if staging:
            digests = {n: hashlib.sha256((Path(staging) / n).read_bytes()).hexdigest() for n in names}
            (Path(staging) / SENTINEL).write_text(json.dumps(digests), encoding="utf-8")
    except OSError as e:
        raise ExportFailed(f"The report could not be written: {e.strerror or e} ({e.filename}).") from e
    return Finished(Path(staging or out), names)
