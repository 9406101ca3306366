"""What is shown, piece by piece: sentences, tables, pictures and cards, each as text and as HTML."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from alignment_toolkit import charts
from alignment_toolkit.charts import ChartData, clean
from alignment_toolkit.report.blocks import without_isolates
from alignment_toolkit.report.html import escape_text

__all__ = ["Card", "Figure", "Grid", "Multiples", "Text"]

_CELL = "padding:.25em .7em;border-bottom:1px solid #d5d5d5;vertical-align:top"


class Rich(Protocol):
    """What shows itself in a notebook, such as findings as cards."""

    def _repr_html_(self) -> str: ...


@dataclass(frozen=True)
class Text:
    """A sentence; `loud` where it must not be overlooked."""

    words: str
    loud: bool = False

    def html(self) -> str:
        """Give it as HTML."""
        style = "border-left:4px solid #d55e00;padding-left:.6em" if self.loud else ""
        return f'<p style="max-width:52em;{style}">{escape_text(_plain(self.words))}</p>'

    def text(self) -> str:
        """Give it as lines of text."""
        return _plain(self.words)


@dataclass(frozen=True)
class Grid:
    """A table of texts; the columns named in `right` hold numbers."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Sequence[str] = ()

    def html(self) -> str:
        """Give it as HTML."""
        sides = ["right" if name in self.right else "left" for name in self.head]
        head = "".join(
            f'<th scope="col" style="{_CELL};text-align:{side}">{escape_text(_plain(name))}</th>'
            for side, name in zip(sides, self.head, strict=True)
        )
        body = "".join(
            "<tr>"
            + "".join(
                f'<td style="{_CELL};text-align:{side}">{escape_text(_plain(cell))}</td>'
                for side, cell in zip(sides, row, strict=True)
            )
            + "</tr>"
            for row in self.rows
        )
        return (
            '<table style="border-collapse:collapse;margin:1em 0;font-size:.95em">'
            '<caption style="text-align:left;font-weight:bold;padding:.3em 0;caption-side:top;color:inherit">'
            f"{escape_text(_plain(self.title))}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )

    def text(self) -> str:
        """Give it as lines of text."""
        rows = [[_plain(c) for c in row] for row in (self.head, *self.rows)]
        wide = [max(len(row[i]) for row in rows) for i in range(len(self.head))]
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, wide, strict=True)).rstrip() for row in rows]
        return "\n".join([_plain(self.title), *(f"  {line}" for line in lines)])


@dataclass(frozen=True)
class Figure:
    """A picture with its words for who cannot see it."""

    data: ChartData

    def html(self) -> str:
        """Give it as HTML."""
        picture = base64.b64encode(charts.png(charts.draw(self.data), dpi=96)).decode()
        alt = escape_text(charts.alt_text(self.data))
        return f'<p><img style="max-width:100%" alt="{alt}" src="data:image/png;base64,{picture}"></p>'

    def text(self) -> str:
        """Give it as lines of text."""
        return charts.alt_text(self.data)


@dataclass(frozen=True)
class Multiples:
    """Small pictures side by side, all on one scale."""

    pictures: Sequence[ChartData]

    def html(self) -> str:
        """Give it as HTML."""
        found = []
        for data in self.pictures:
            picture = base64.b64encode(charts.png(charts.draw(data, small=True), dpi=96)).decode()
            alt = escape_text(charts.alt_text(data))
            found.append(f'<img style="max-width:100%" alt="{alt}" src="data:image/png;base64,{picture}">')
        return f'<div style="display:flex;flex-wrap:wrap;gap:.5em 1.5em">{"".join(found)}</div>'

    def text(self) -> str:
        """Give it as lines of text."""
        return "\n".join(charts.alt_text(data) for data in self.pictures)


@dataclass(frozen=True)
class Card:
    """Something that shows itself."""

    shows: Rich

    def html(self) -> str:
        """Give it as HTML."""
        return self.shows._repr_html_()

    def text(self) -> str:
        """Give it as lines of text."""
        return repr(self.shows)


def _plain(text: object) -> str:
    return without_isolates(clean("" if text is None else text))
