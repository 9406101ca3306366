"""What a report is made of. Blocks know no format; writers know no table name.

Text in blocks is plain. What came from data inside a sentence is wrapped by `data()` in the two Unicode characters that
isolate its direction; each writer turns them into what its format has for that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from alignment_toolkit.charts import ChartData, clean

__all__ = [
    "Answer",
    "Block",
    "Brand",
    "Callout",
    "Cell",
    "Detail",
    "Document",
    "Facts",
    "Figure",
    "Fold",
    "Heading",
    "Link",
    "PageBreak",
    "Prose",
    "Section",
    "SideBySide",
    "Table",
    "Tile",
    "Tiles",
    "data",
    "without_isolates",
]

OPEN: Final = "\u2068"
CLOSE: Final = "\u2069"

Tone: TypeAlias = Literal["", "lead", "muted"]
Mood: TypeAlias = Literal["misaligned", "aligned", "uncertain", "open", "none"]


def data(value: object) -> str:
    r"""Mark text from data inside a sentence, so that its writing direction stays its own.

    Examples
    --------
    >>> data("Acme") == "\u2068Acme\u2069"
    True
    """
    return f"{OPEN}{clean(value)}{CLOSE}"


def without_isolates(text: str) -> str:
    """Give the text without the marks of `data()`."""
    return text.replace(OPEN, "").replace(CLOSE, "")


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 to 4; `anchor` is made by the toolkit, never by data."""

    level: int
    text: str
    anchor: str = ""


@dataclass(frozen=True)
class Prose:
    """One paragraph, with an optional label in front and bullets below."""

    text: str
    label: str = ""
    tone: Tone = ""
    bullets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Link:
    """A reference to a heading of the same report."""

    text: str
    anchor: str


@dataclass(frozen=True)
class Answer:
    """One line of the answer on the first screen."""

    mood: Mood
    status: str
    title: Link
    text: str
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Tile:
    """One number to see at a glance."""

    title: str
    value: str
    interval: str = ""
    change: str = ""
    small: str = ""


@dataclass(frozen=True)
class Tiles:
    """Numbers to see at a glance, side by side."""

    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Cell:
    """A cell: its text, a smaller second line, and the number behind it for writers that keep numbers.

    `whole` asks for one unbroken line. `href` is a file beside the page, made by the toolkit, never by data.
    """

    text: str
    small: str = ""
    number: float | None = None
    unit: str | None = None
    mood: Mood = "none"
    whole: bool = False
    href: str = ""


@dataclass(frozen=True)
class Table:
    """A table with one header row; the first column names the row where `named_rows`.

    `even` gives columns of set width, so that tables of the same columns line up under each other.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numeric: tuple[bool, ...] = ()
    named_rows: bool = True
    note: str = ""
    even: bool = False


@dataclass(frozen=True)
class Figure:
    """A chart by its data; how it is drawn is the writer's choice."""

    chart: ChartData
    small: bool = False
    with_table: bool = True


@dataclass(frozen=True)
class Facts:
    """Label and text, pair by pair."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Callout:
    """A note that must not be overlooked."""

    title: str
    text: str


@dataclass(frozen=True)
class SideBySide:
    """Blocks next to each other where there is room."""

    columns: tuple[tuple[Block, ...], ...]


@dataclass(frozen=True)
class Fold:
    """Blocks that may be folded away on a screen; on paper they are open.

    Without `paper` they are too much for paper and for speaker notes, which say where they are.
    """

    title: str
    blocks: tuple[Block, ...]
    paper: bool = True


@dataclass(frozen=True)
class Detail:
    """Blocks that stand open everywhere but on slides, which leave them to the speaker notes."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class PageBreak:
    """What follows begins a page, where there are pages."""


@dataclass(frozen=True)
class Section:
    """Blocks that belong together; `mood` colours a finding's edge, `tags` stand above its title."""

    blocks: tuple[Block, ...]
    kind: Literal["section", "finding", "answer"] = "section"
    mood: Mood = "none"
    tags: tuple[str, ...] = ()


Block: TypeAlias = (
    Heading
    | Prose
    | Answer
    | Tiles
    | Table
    | Figure
    | Facts
    | Callout
    | SideBySide
    | Fold
    | Detail
    | PageBreak
    | Section
)


@dataclass(frozen=True)
class Brand:
    """Whose report it is: the name at the foot, the first colour, the logo as PNG or SVG, the font of the slides."""

    name: str = ""
    colour: str = ""
    logo: bytes = b""
    font: str = ""


@dataclass(frozen=True)
class Document:
    """A whole report: title, label of made-up data, contents and blocks."""

    title: str
    subtitle: str
    label: str
    blocks: tuple[Block, ...]
    contents: tuple[Link, ...] = ()
    footer: str = ""
    lang: str = "en"
    date: str = ""
    currency: str = ""
    brand: Brand = Brand()
    facts: tuple[tuple[str, str], ...] = field(default=())
