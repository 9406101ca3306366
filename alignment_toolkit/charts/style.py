"""The one visual language: colours, sizes, and how a figure becomes bytes that are the same every time."""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font

from alignment_toolkit.charts.text import width
from alignment_toolkit.languages import say

__all__ = [
    "DARK",
    "DEPARTMENTS",
    "GRID",
    "INK",
    "MUTED",
    "PALETTE",
    "advance",
    "colour",
    "font_folder",
    "for_page",
    "lacking",
    "png",
    "style",
    "svg",
]

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
DARK: Final = {
    INK: "#e8ebee",
    MUTED: "#a9b4bf",
    GRID: "#3a444e",
    ZONE: "#1d3444",
    PAPER: "#171c21",
    "#0072b2": "#3d9bd6",
    "#d55e00": "#f0803c",
    "#009e73": "#2fc296",
}

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
_FAMILY: Final = " font-family: system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif;"
_TAG: Final = re.compile(r"<[^>]*>")
_BETWEEN: Final = re.compile(r">\s+<")
_BLANKS: Final = re.compile(r"\s+")
_ID: Final = re.compile(r" id=\"([^\"]*)\"")
_UNTURNED: Final = re.compile(r" transform=\"rotate\(-0 [^\"]*\"")
# A hundredth of a point can't be seen.
_DIGITS: Final = re.compile(r"(\d\.\d\d)\d+")


_STYLED: Final[ContextVar[bool]] = ContextVar("styled", default=False)


@contextmanager
def style() -> Iterator[None]:
    """Draw with the toolkit's style, whatever the caller's matplotlib is set to, and put that back.

    Setting it costs as much as a small drawing; within another of the same it costs nothing.
    """
    if _STYLED.get():
        yield
        return
    within = _STYLED.set(True)
    try:
        with _styled():
            yield
    finally:
        _STYLED.reset(within)


@contextmanager
def _styled() -> Iterator[None]:
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()
        for name, value in _RC.items():
            mpl.rcParams[name] = value  # type: ignore[index]
        # A browser has fonts for what DejaVu lacks; a label in another script is no reason to warn.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .*missing from")
        warnings.filterwarnings("ignore", message=r"Matplotlib currently does not support")
        yield


@lru_cache(maxsize=1)
def _font() -> FT2Font:
    font = FT2Font(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"))
    font.set_size(100, 72)
    return font


# A font reads its letters from an open file, whose place a process shares with its copies: each opens its own.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_font.cache_clear)


@lru_cache(maxsize=4096)
def advance(character: str) -> float:
    """Give a character's width in em, in the font of the drawings; what that font lacks counts as a wide one."""
    code = ord(character)
    if width(character) == 0:
        return 0.0
    if not _font().get_char_index(code):
        return 1.0
    return float(_font().load_char(code).linearHoriAdvance) / 65536 / 100


def font_folder() -> Path:
    """Give the folder of the font that comes with the drawings: Latin, Greek and Cyrillic on every machine."""
    return Path(mpl.get_data_path()) / "fonts" / "ttf"


def lacking(text: str, files: Iterable[str] = ()) -> str:
    """Give the characters of a text that neither the font of the drawings has nor one of these files of fonts."""
    left = {c for c in set(text) if not (c.isspace() or width(c) == 0 or _font().get_char_index(ord(c)))}
    for file in files:
        if not left:
            break
        try:
            font = FT2Font(file)
        except (OSError, RuntimeError):  # a kind of file that only others read: what it has is not known
            continue
        left = {c for c in left if not font.get_char_index(ord(c))}
    return "".join(sorted(left))


def colour(name: str, position: int) -> str:
    """Give the colour of a series: a department's own, by its name in the language spoken, else by position."""
    named = {word: own for id_, own in DEPARTMENTS.items() for word in (id_, say(id_).casefold())}
    return named.get(name.strip().casefold(), PALETTE[position % len(PALETTE)])


def plain(figure: Figure) -> Figure:
    """Fix that no text of a figure is ever read as maths, also when it is saved by someone else later."""
    for text in (*figure.texts, *(t for axes in figure.axes for t in axes.texts)):
        text.set_parse_math(False)
    return figure


def svg(figure: Figure) -> str:
    """Give a figure as SVG text: the same figure, the same bytes; text stays text."""
    buffer = io.BytesIO()
    with style():
        nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(buffer, format="svg", metadata=nothing, facecolor="none")
    # The prologue names a document type at an address; an image inside a page needs neither.
    drawn = buffer.getvalue()
    return _FONT.sub(_SYSTEM, drawn[drawn.index(b"<svg") :]).decode("utf-8")


def for_page(picture: str) -> str:
    """Give an SVG as a page carries it: half as long, and with colours of its own where the page is dark.

    Only what stands inside tags is changed, so that every text stays what it is.
    """
    used = set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", picture))

    def shorter(match: re.Match[str]) -> str:
        tag = _ID.sub(lambda m: m.group() if m.group(1) in used else "", match.group())
        tag = _DIGITS.sub(r"\1", _UNTURNED.sub("", tag.replace(_FAMILY, "")))
        return _BLANKS.sub(" ", tag).replace(": ", ":").replace("; ", ";")

    told = _BETWEEN.sub("><", _TAG.sub(shorter, picture))
    dark = "".join(
        f'[style*="{part}:{light}"]{{{part}:{DARK[light]}!important}}'
        for light in DARK
        for part in ("fill", "stroke")
        if f"{part}:{light}" in told
    )
    own = f"<style>text{{{_FAMILY.strip().rstrip(';')}}}@media screen and (prefers-color-scheme:dark){{{dark}}}</style>"
    return told.replace(">", f">{own}", 1)


def png(figure: Figure, *, dpi: int = 144) -> bytes:
    """Give a figure as PNG without metadata: the same figure, the same bytes."""
    buffer = io.BytesIO()
    with style():
        FigureCanvasAgg(figure)
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None}, facecolor=PAPER)
    return buffer.getvalue()
