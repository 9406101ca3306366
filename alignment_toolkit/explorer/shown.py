"""What a view shows: sentences, tables, pictures and cards, as text, as HTML, and with the results behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from alignment_toolkit.notebooks.pieces import Card, Figure, Grid, Multiples, Text
from alignment_toolkit.report.html import escape_text

__all__ = ["Part", "Shown"]

Part: TypeAlias = Text | Grid | Figure | Multiples | Card


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
