"""The one visual language: colours, sizes, and how a figure becomes bytes that are the same every time."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

__all__ = ["DARK", "DEPARTMENTS", "GRID", "INK", "MUTED", "PALETTE", "colour", "darker_page", "png", "style", "svg"]

# Okabe-Ito, the strongest against white first.
PALETTE: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6E6E6E", "#F0E442")
# A department has the same colour in every chart.
DEPARTMENTS: Final = {"sales": "#0072B2", "marketing": "#D55E00", "service": "#009E73"}
INK: Final = "#1f2933"
MUTED: Final = "#5b6875"
GRID: Final = "#d9dee3"
ZONE: Final = "#e6f1f8"
PAPER: Final = "#ffffff"
# What the same parts look like on a dark page.
DARK: Final = {INK: "#e8ebee", MUTED: "#a9b4bf", GRID: "#3a444e", ZONE: "#1d3444", PAPER: "#171c21"}

_RC: Final[dict[str, Any]] = {
    "text.parse_math": False,
    "text.usetex": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "alignment_toolkit",
    "font.family": ["DejaVu Sans"],
    "font.size": 9.5,
    "axes.unicode_minus": False,
    "axes.formatter.use_locale": False,
    "hatch.linewidth": 0.8,
    "path.simplify": False,
    "text.color": INK,
    "figure.dpi": 100,
}
# A browser shows the labels in its own system font, which is narrower than the one they were measured in.
_FONT: Final = re.compile(rb"(style=\"[^\"]*?)'?DejaVu Sans'?(?:, [^;\"]*)?")
_SYSTEM: Final = rb"\1system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
_STYLES: Final = re.compile(r"style=\"[^\"]*\"")


@contextmanager
def style() -> Iterator[None]:
    """Draw with the toolkit's style, whatever the caller's matplotlib is set to, and put that back."""
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)
        # A browser has fonts for what DejaVu lacks; a label in another script is no reason to warn.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .*missing from")
        warnings.filterwarnings("ignore", message=r"Matplotlib currently does not support")
        yield


def colour(name: str, position: int) -> str:
    """Give the colour of a series: a department's own, else by position."""
    return DEPARTMENTS.get(name.strip().casefold(), PALETTE[position % len(PALETTE)])


def plain(figure: Figure) -> Figure:
    """Fix that no text of a figure is ever read as maths, also when it is saved by someone else later."""
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_parse_math(False)
    return figure


def svg(figure: Figure) -> str:
    """Give a figure as SVG text: the same figure, the same bytes; text stays text."""
    buffer = io.BytesIO()
    with style():
        nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(buffer, format="svg", metadata=nothing, facecolor="none")
    return _FONT.sub(_SYSTEM, buffer.getvalue()).decode("utf-8")


def darker_page(picture: str) -> str:
    """Give the same SVG for a dark page: ink, grid and paper exchanged, data colours kept."""

    def exchange(match: re.Match[str]) -> str:
        styles = match.group()
        for light, dark in DARK.items():
            styles = styles.replace(light, dark)
        return styles

    return _STYLES.sub(exchange, picture)


def png(figure: Figure, *, dpi: int = 144) -> bytes:
    """Give a figure as PNG without metadata: the same figure, the same bytes."""
    buffer = io.BytesIO()
    with style():
        FigureCanvasAgg(figure)
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None}, facecolor=PAPER)
    return buffer.getvalue()
