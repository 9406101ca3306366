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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from alignment_toolkit import brief
from alignment_toolkit.errors import ParameterError, UnknownName
from alignment_toolkit.languages import language_of, speaking
from alignment_toolkit.privacy import check_audience, seen_by
from alignment_toolkit.results import Analysis

if TYPE_CHECKING:
    from alignment_toolkit.report.blocks import Document

__all__ = ["FILES", "FORMATS", "KINDS", "Report"]

KINDS: Final = ("full", "executive", "workshop")
FORMATS: Final = ("html", "pdf", "pptx", "xlsx", "json")
# What each format's file is called inside a folder of reports.
FILES: Final = {
    "html": "report.html",
    "pdf": "report.pdf",
    "pptx": "report.pptx",
    "xlsx": "report.xlsx",
    "json": "analysis.json",
}


@dataclass(frozen=True)
class Report:
    """A report of one Analysis for one audience; made by `of`.

    Examples
    --------
    >>> from alignment_toolkit.results import Analysis
    >>> empty = Analysis.empty(company="Acme", currency="EUR", period="2026-Q3")
    >>> Report.of(empty, audience="client")
    <Report of Acme, 2026-Q3: full, for client; .save('report.html') writes it>
    """

    analysis: Analysis
    audience: str = "internal"
    kind: str = "full"
    key: str = field(default="", repr=False)
    slides: bytes | None = field(default=None, repr=False)
    layouts: Mapping[str, str] = field(default_factory=dict)
    kept_back: tuple[str, ...] = ()

    __repr__ = brief.report

    def __post_init__(self) -> None:
        """Refuse an audience or a kind that there is not."""
        check_audience(self.audience)
        if self.kind not in KINDS:
            raise UnknownName("kind of report", str(self.kind), KINDS)

    @classmethod
    def of(
        cls,
        analysis: Analysis,
        *,
        audience: str | None = None,
        kind: str | None = None,
        key: str = "",
        slides: str | os.PathLike[str] | None = None,
        layouts: Mapping[str, str] | None = None,
    ) -> Report:
        """Make a report.

        Parameters
        ----------
        audience
            ``internal`` sees all; for ``client`` and ``public`` see `alignment_toolkit.privacy`. By default as the
            settings of the Analysis say.
        kind
            ``full``, ``executive`` (two pages) or ``workshop`` (a finding per page). By default as the settings say.
        key
            The key of the pseudonyms for readers outside; without one the company's name serves.
        slides
            A .pptx file whose master the slides take.
        layouts
            The names of its layouts for ``cover`` and ``content``.

        Raises
        ------
        ParameterError
            For an audience or a kind that is unknown, and for slides that cannot be read.
        """
        template = None
        if slides is not None:
            try:
                template = Path(slides).read_bytes()
            except OSError as e:
                raise ParameterError(
                    f"The slides to start from, '{slides}', can't be read: {e.strerror}."
                ) from e
        about = analysis.settings.get("report")
        told = about if isinstance(about, Mapping) else {}
        return cls(
            analysis,
            audience or str(told.get("audience") or "internal"),
            kind or str(told.get("kind") or "full"),
            key,
            template,
            dict(layouts or {}),
        )

    @property
    def language(self) -> str:
        """The language of the Analysis: its sentences were made in it, and the report's own words follow."""
        return language_of(self.analysis.settings)

    @cached_property
    def seen(self) -> Analysis:
        """What the audience may see of the Analysis; every format is made from this."""
        with speaking(self.language):
            return seen_by(self.analysis, self.audience, key=self.key, kept_back=self.kept_back)

    @cached_property
    def document(self) -> Document:
        """The report's blocks, in reading order."""
        from alignment_toolkit.report.story import story

        with speaking(self.language):
            return story(self.seen, kind=self.kind, audience=self.audience)

    def text(self, format: str) -> str:
        """Give the report in a format that is text; the same Analysis, the same text."""
        if check_format(format) not in ("html", "json"):
            raise ParameterError(f"A report in the format '{format}' is no text; `content` gives its bytes.")
        return self.content(format).decode("utf-8")

    def content(self, format: str) -> bytes:
        """Give the report's bytes in a format; the same Analysis, the same bytes."""
        check_format(format)
        with speaking(self.language):
            return self._content(format)

    def _content(self, format: str) -> bytes:
        # Each writer brings its library; only the one that is asked for is loaded.
        if format == "json":
            return self.seen.dumps().encode("utf-8")
        if format == "html":
            from alignment_toolkit.report.html import render as page

            return page(self.document).encode("utf-8")
        if format == "pdf":
            from alignment_toolkit.report.pdf import render as paper

            return paper(self.document)
        if format == "pptx":
            from alignment_toolkit.report.pptx import render as slides

            return slides(self.document, self.slides, dict(self.layouts))
        from alignment_toolkit.report.xlsx import render as workbook

        return workbook(self.document)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one file; its suffix names the format.

        Raises
        ------
        ParameterError
            For a suffix that is no format.
        ExportFailed
            Where the file cannot be written.
        """
        from alignment_toolkit.report.files import write_whole

        target = Path(path)
        return write_whole(target, self.content(target.suffix.lstrip(".").lower() or "(none)"))

    def write(self, out_dir: str | os.PathLike[str], formats: Iterable[str] = FORMATS) -> dict[str, Path]:
        """Write the report into a folder, in each format once, and give the paths by format.

        All formats are made before the first is written, so that a report that cannot be made leaves nothing behind.
        """
        from alignment_toolkit.report.files import write_whole

        wanted = [check_format(name) for name in dict.fromkeys(formats)]
        made = {name: self.content(name) for name in wanted}
        folder = Path(out_dir)
        return {name: write_whole(folder / FILES[name], content) for name, content in made.items()}


def check_format(name: str) -> str:
    """Give a format's name back if it is built.

    Raises
    ------
    UnknownName
        For a format that is unknown, with what there is.
    """
    if name not in FORMATS:
        raise UnknownName("report format", name, FORMATS)
    return name
