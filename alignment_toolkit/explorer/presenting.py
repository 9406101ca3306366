"""For a meeting: one finding at a time, how either side reads it, and a place to write what was agreed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignment_toolkit.display import somebody_looks
from alignment_toolkit.errors import AlignmentError, ExportFailed, ParameterError
from alignment_toolkit.explorer.keeping import AGREED
from alignment_toolkit.notebooks import RUN_FOLDER
from alignment_toolkit.notebooks.cards import Cards
from alignment_toolkit.report.findings import in_order
from alignment_toolkit.report.html import escape_text
from alignment_toolkit.results import Analysis, Finding

if TYPE_CHECKING:
    from alignment_toolkit.explorer.meeting import Meeting

__all__ = ["Agreed", "Presentation", "present", "read_agreed"]


@dataclass(frozen=True)
class Agreed:
    """What was agreed on one finding: what, who does it, until when."""

    what: str = ""
    who: str = ""
    until: str = ""

    @property
    def empty(self) -> bool:
        """Whether nothing was written."""
        return not (self.what or self.who or self.until)


class Presentation:
    """Findings to go through together; made by `present`.

    Attributes
    ----------
    analysis, findings
        Whose, and which, the gravest first.
    folder
        Where what was agreed is written.
    agreed
        What was agreed, by the finding's id.
    """

    def __init__(
        self, analysis: Analysis, findings: tuple[Finding, ...], folder: Path, *, interactive: bool
    ) -> None:
        self.analysis = analysis
        self.findings = findings
        self.folder = folder
        self.interactive = interactive
        self.agreed = {k: v for k, v in read_agreed(folder).items() if not v.empty}
        self._meeting: Meeting | None = None

    def agree(self, finding: str, what: str, who: str = "", until: str = "") -> Path:
        """Write what was agreed on a finding; an empty text takes it back.

        Parameters
        ----------
        finding
            The finding's id.
        what, who, until
            In your own words.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ParameterError
            For a finding that is not among those presented.
        """
        if finding not in {f.id for f in self.findings}:
            raise ParameterError(f"'{finding}' is not among the findings presented.")
        told = Agreed(what.strip(), who.strip(), until.strip())
        self.agreed = {k: v for k, v in self.agreed.items() if k != finding}
        if not told.empty:
            self.agreed[finding] = told
        return self._write()

    def _write(self) -> Path:
        path = self.folder / AGREED
        a = self.analysis
        told = {
            "company": a.company, "period": a.period, "data_fingerprint": a.data_fingerprint,
            "agreed": {
                f.id: {"title": f.title, "status": f.status, **asdict(self.agreed[f.id])}
                for f in self.findings
                if f.id in self.agreed
            },
        }  # fmt: skip
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(f".{AGREED}.{os.getpid()}")
            beside.write_text(
                json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n"
            )
            beside.replace(path)
        except OSError as e:
            raise ExportFailed(f"What was agreed could not be written to {path}: {e.strerror or e}.") from e
        return path

    def card(self, finding: Finding) -> Cards:
        """Give one finding at full length, with the other readings of both departments."""
        return Cards(self.analysis, (finding,))

    @property
    def meeting(self) -> Meeting:
        """The controls, as ipywidgets; made when they are first asked for."""
        if self._meeting is None:
            from alignment_toolkit.explorer.meeting import Meeting

            self._meeting = Meeting(self)
        return self._meeting

    def _said(self, finding: Finding) -> str:
        told = self.agreed.get(finding.id)
        if told is None:
            return ""
        more = [f"who: {told.who}" if told.who else "", f"until: {told.until}" if told.until else ""]
        rest = "; ".join(m for m in more if m)
        return f"Agreed: {told.what}{f' ({rest})' if rest else ''}"

    def __repr__(self) -> str:
        """Write all findings as text, each with what was agreed."""
        if not self.findings:
            return _nothing(self.analysis)
        return "\n".join("\n".join([repr(self.card(f)), self._said(f)]).rstrip() for f in self.findings)

    def _repr_html_(self) -> str:
        if not self.findings:
            return f"<p>{escape_text(repr(self))}</p>"
        return "".join(
            self.card(f)._repr_html_() + (f"<p><b>{escape_text(s)}</b></p>" if (s := self._said(f)) else "")
            for f in self.findings
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        if not self.interactive or not self.findings:
            return {"text/html": self._repr_html_(), "text/plain": repr(self)}
        bundle: Mapping[str, Any] = self.meeting.box._repr_mimebundle_()
        return {**bundle, "text/plain": repr(self)}


def _nothing(analysis: Analysis) -> str:
    """Say why there is nothing to agree on: all is aligned, or nothing could be judged."""
    if not any(f.status == "aligned" for f in analysis.findings):
        return "No question could be judged with the data at hand: there is nothing to agree on."
    return "Nothing is out of line or open: there is nothing to agree on."


def present(
    analysis: Analysis,
    folder: str | Path = "reports/draft",
    *,
    most: int = 12,
    interactive: str | bool = "auto",
) -> Presentation:
    """Present the findings that ask for a decision, one at a time, with a place to write what was agreed.

    What is out of line comes first, then what is open. What was agreed is written to agreed.json in the folder, beside
    analysis.json, and is there again when the same folder is presented once more.

    Parameters
    ----------
    analysis
        An Analysis, or one read back from its file.
    folder
        Where analysis.json lies, or will lie.
    most
        So many findings at most.
    interactive
        ``auto``, ``yes`` or ``no``; without anybody before it, all findings stand one below the other.

    Examples
    --------
    >>> present(Analysis.empty(company="Acme", currency="EUR", period="2026-Q3"))
    No question could be judged with the data at hand: there is nothing to agree on.
    """
    found = [
        f
        for status in ("misaligned", "uncertain")
        for f in in_order([f for f in analysis.findings if f.status == status and not f.by])
    ]
    place = Path(os.environ.get(RUN_FOLDER) or folder)
    return Presentation(analysis, tuple(found[:most]), place, interactive=somebody_looks(interactive))


def read_agreed(folder: str | Path) -> dict[str, Agreed]:
    """Read what was agreed, by the finding's id; nothing where nothing was.

    Raises
    ------
    AlignmentError
        For a file that was not written by `Presentation.agree`.
    """
    path = Path(folder) / AGREED
    if not path.is_file():
        return {}
    try:
        told = json.loads(path.read_text(encoding="utf-8"))["agreed"]
        return {
            str(id): Agreed(*(str(one.get(k, "")) for k in ("what", "who", "until")))
            for id, one in told.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
        raise AlignmentError(f"{path} does not hold what was agreed: {type(e).__name__}.") from None
