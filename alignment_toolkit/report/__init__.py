"""Reports of an Analysis: blocks told by the story, written by one writer per format.

Examples
--------
>>> from alignment_toolkit.results import Analysis
>>> report = Report.of(Analysis.empty(company="Acme", currency="EUR", period="2026-Q3"))
>>> report.text("html").startswith("<!DOCTYPE html>")
True
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from alignment_toolkit.errors import ParameterError, UnknownName
from alignment_toolkit.privacy import check_audience
from alignment_toolkit.results import Analysis

if TYPE_CHECKING:
    from alignment_toolkit.report.blocks import Document

__all__ = ["FILES", "FORMATS", "Report"]

FORMATS: Final = ("html", "json")
_PLANNED: Final = ("pdf", "pptx", "xlsx")
# What each format's file is called inside a folder of reports.
FILES: Final = {"html": "report.html", "json": "analysis.json"}


@dataclass(frozen=True)
class Report:
    """A report of one Analysis for one audience; made by `of`."""

    analysis: Analysis
    audience: str = "internal"

    def __post_init__(self) -> None:
        """Refuse an audience for which no report is built."""
        check_audience(self.audience)

    @classmethod
    def of(cls, analysis: Analysis, *, audience: str = "internal") -> Report:
        """Make a report.

        Raises
        ------
        ParameterError
            For an audience that is unknown or not built yet.
        """
        return cls(analysis, audience)

    @cached_property
    def document(self) -> Document:
        """The report's blocks, in reading order."""
        from alignment_toolkit.report.story import story

        return story(self.analysis)

    def text(self, format: str) -> str:
        """Give the report's text in a format; the same Analysis, the same text."""
        if check_format(format) == "json":
            return self.analysis.dumps()
        from alignment_toolkit.report.html import render

        return render(self.document)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one file; its suffix names the format.

        Raises
        ------
        ParameterError
            For a suffix that is no format, or not built yet.
        ExportFailed
            Where the file cannot be written.
        """
        from alignment_toolkit.report.files import write_whole

        target = Path(path)
        return write_whole(target, self.text(target.suffix.lstrip(".").lower() or "(none)"))

    def write(self, out_dir: str | os.PathLike[str], formats: Iterable[str] = FORMATS) -> dict[str, Path]:
        """Write the report into a folder, in each format once, and give the paths by format.

        All formats are made before the first is written, so that a report that cannot be made leaves nothing behind.
        """
        from alignment_toolkit.report.files import write_whole

        texts = {name: self.text(name) for name in dict.fromkeys(formats)}
        folder = Path(out_dir)
        return {name: write_whole(folder / FILES[name], text) for name, text in texts.items()}


def check_format(name: str) -> str:
    """Give a format's name back if it is built.

    Raises
    ------
    ParameterError
        For a format that is not built yet, or unknown, with what there is.
    """
    if name in _PLANNED:
        raise ParameterError(
            f"Reports in the format '{name}' are not built yet; built: {', '.join(FORMATS)}."
        )
    if name not in FORMATS:
        raise UnknownName("report format", name, FORMATS)
    return name
