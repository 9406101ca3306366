"""The controls of a meeting: one finding, back and on, and what was agreed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from alignment_toolkit.errors import AlignmentError
from alignment_toolkit.explorer.keeping import AGREED
from alignment_toolkit.report import words
from alignment_toolkit.report.html import escape_text

if TYPE_CHECKING:
    from alignment_toolkit.explorer.presenting import Presentation

__all__ = ["Meeting"]

_WIDE = {"description_width": "9em"}


class Meeting:
    """Goes through the findings of a presentation; `box` is the widget to display."""

    def __init__(self, presentation: Presentation) -> None:
        self.presentation = presentation
        found = presentation.findings
        options = [
            (f"{i} of {len(found)}. {words.status_word(f.status)}: {f.title}", f.id)
            for i, f in enumerate(found, 1)
        ]
        wide = w.Layout(width="52em", max_width="100%")
        self.finding = w.Dropdown(options=options, description="Finding", style=_WIDE, layout=wide)
        self.back = w.Button(description="Back", tooltip="The finding before")
        self.on = w.Button(description="Next", tooltip="The finding after")
        self.what = w.Textarea(description="What was agreed", rows=4, style=_WIDE, layout=wide)
        self.who = w.Text(description="Who does it", style=_WIDE, layout=wide)
        self.until = w.Text(description="Until when", style=_WIDE, layout=wide)
        self.save = w.Button(description="Save", tooltip="Write it beside analysis.json, on this machine")
        self.status = w.HTML()
        self.output = w.Output()
        self.finding.observe(self._guarded(self._turned), "value")
        self.back.on_click(self._guarded(lambda _: self._step(-1)))
        self.on.on_click(self._guarded(lambda _: self._step(1)))
        self.save.on_click(self._guarded(lambda _: self._save()))
        self.box = w.VBox([
            self.finding, w.HBox([self.back, self.on]), self.output, self.what, self.who, self.until,
            w.HBox([self.save]), self.status,
        ])  # fmt: skip
        self._show()

    def _guarded(self, act: Callable[[Any], None]) -> Callable[[Any], None]:
        def guarded(event: Any) -> None:
            try:
                act(event)
            except AlignmentError as problem:
                self.status.value = f"<p>{escape_text(str(problem))}</p>"
            except Exception as problem:
                self.status.value = (
                    f"<p>{escape_text(f'This did not work: {type(problem).__name__}: {problem}')}</p>"
                )

        return guarded

    def _show(self) -> None:
        finding = next(f for f in self.presentation.findings if f.id == self.finding.value)
        card = self.presentation.card(finding)
        data = {"text/html": card._repr_html_(), "text/plain": repr(card)}
        self.output.outputs = ({"output_type": "display_data", "data": data, "metadata": {}},)
        told = self.presentation.agreed.get(finding.id)
        self.what.value, self.who.value, self.until.value = (
            (told.what, told.who, told.until) if told else ("", "", "")
        )
        self.status.value = ""
        place = [f.id for f in self.presentation.findings].index(finding.id)
        self.back.disabled, self.on.disabled = place == 0, place == len(self.presentation.findings) - 1

    def _turned(self, change: Any) -> None:
        """Leave nothing that was written unsaved, then show the other finding."""
        self._write(change["old"])
        self._show()

    def _step(self, by: int) -> None:
        ids = [f.id for f in self.presentation.findings]
        place = ids.index(self.finding.value) + by
        if 0 <= place < len(ids):
            self.finding.value = ids[place]

    def _write(self, finding: str) -> None:
        told = self.presentation.agreed.get(finding)
        before = (told.what, told.who, told.until) if told else ("", "", "")
        now = (self.what.value.strip(), self.who.value.strip(), self.until.value.strip())
        if now != before:
            self.presentation.agree(finding, *now)

    def _save(self) -> None:
        self._write(self.finding.value)
        path = (self.presentation.folder / AGREED).as_posix()
        self.status.value = f"<p>{escape_text(f'Saved in {path}')}</p>"
