"""What a view shows: sentences, tables, pictures and cards, as text, as HTML, and with the results behind them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from alignment_toolkit import charts
from alignment_toolkit.charts import ChartData, clean
from alignment_toolkit.report.blocks import without_isolates
from alignment_toolkit.report.html import escape_text

__all__ = ["Figure", "Grid", "Part", "Shown", "Text"]

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
class Card:
    """Something that shows itself."""

    shows: Rich

    def html(self) -> str:
        """Give it as HTML."""
        return self.shows._repr_html_()

    def text(self) -> str:
        """Give it as lines of text."""
        return repr(self.shows)


Part: TypeAlias = Text | Grid | Figure | Card


@dataclass(frozen=True)
class Shown:
    """What one topic shows of a view.

    Attributes
    ----------
    topic, title
        Which, and its name for readers.
    parts
        What is seen, from top to bottom.
    results
        The results behind it, as an Analysis holds them: for who checks, counts or goes on computing.
    picks
        What can be picked next, by the name of the view's field: value -> label.
    starts
        What holds now of that which can be supposed, by kind and name.
    failed
        Whether it says why it could not be computed.
    """

    topic: str
    title: str
    parts: Sequence[Part]
    results: Any = None
    picks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    starts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    failed: bool = False

    def __repr__(self) -> str:
        """Write it as lines of text."""
        return "\n".join([self.title, *(part.text() for part in self.parts)])

    def _repr_html_(self) -> str:
        return f"<h3>{escape_text(self.title)}</h3>" + "".join(part.html() for part in self.parts)


def together(shown: Iterable[Shown]) -> str:
    """Give several as one piece of HTML."""
    return "".join(one._repr_html_() for one in shown)


def _plain(text: object) -> str:
    return without_isolates(clean("" if text is None else text))
