"""The PDF writer: a typst template reads the blocks as data, so no text of the data is ever markup.

The files are tagged and follow PDF/UA-1: headings, tables, alternative texts and the language are in the structure.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from typing import Any, Final

import typst

from alignment_toolkit import charts
from alignment_toolkit.errors import ExportFailed
from alignment_toolkit.languages import say
from alignment_toolkit.report.blocks import (
    Answer,
    Block,
    Callout,
    Detail,
    Document,
    Facts,
    Figure,
    Fold,
    Heading,
    PageBreak,
    Prose,
    Section,
    SideBySide,
    Table,
    Tiles,
)
from alignment_toolkit.report.pictures import picture
from alignment_toolkit.report.plain import ELSEWHERE, plain, sentences, tied
from alignment_toolkit.settings.brand import check_logo

__all__ = ["as_png", "pdf_text", "render"]

_STANDARD: Final = "ua-1"
_LONG_WORD: Final = 24
_WIDEST: Final = 38
_NARROWEST: Final = 4
_NO_GLYPH: Final = "could not be displayed with font"
_JOINED: Final = re.compile("[\u200d\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")
# It has a box for every script and no letter.
_RESORT: Final = "Last Resort"
# Texts with no end would make a page with no end.
_MOST: Final = 6000


def pdf_text(text: object) -> str:
    r"""Give text as the template's data holds it: the one place where text gets into a PDF.

    A word that is longer than a column may break anywhere, which invisible blanks allow.

    Examples
    --------
    >>> pdf_text("#image(\"x\") *b* $x$")
    '#image("x") *b* $x$'
    >>> pdf_text("x" * 30).count("\u200b")
    1
    """
    shown = plain(text)
    if len(shown) > _MOST:
        shown = say("{shown}… [cut: {shown2:,} characters]", shown=shown[:_MOST], shown2=len(shown) - _MOST)
    return tied(" ".join(_breakable(word) for word in shown.split(" ")))


def as_png(logo: bytes) -> bytes:
    """Give a logo as PNG, for formats that take no SVG; the same logo, the same bytes."""
    if check_logo(logo) == "png":
        return logo
    made = typst.compile(
        b"#set page(width: auto, height: auto, margin: 0pt, fill: none)\n"
        b'#image(bytes(sys.inputs.logo), format: "svg", height: 40pt)',
        sys_inputs={"logo": logo.decode("utf-8")},
        font_paths=_fonts(system=False),
        format="png",
        ppi=288,
    )
    assert isinstance(made, bytes)
    return made


def _breakable(word: str) -> str:
    if len(word) <= _LONG_WORD:
        return word
    return "\u200b".join(word[i : i + _LONG_WORD] for i in range(0, len(word), _LONG_WORD))


def render(document: Document) -> bytes:
    """Write a document as a PDF; the same document, the same bytes.

    Raises
    ------
    ExportFailed
        Where the PDF could not be set; the message is typst's.
    """
    writer = _Writer()
    told: dict[str, Any] = {
        "title": pdf_text(document.title),
        "subtitle": pdf_text(document.subtitle),
        "label": pdf_text(document.label),
        "footer": pdf_text(document.footer),
        "facts": [[pdf_text(k), pdf_text(v)] for k, v in document.facts],
        "lang": document.lang,
        "logo": list(document.brand.logo),
        "logo_kind": check_logo(document.brand.logo) if document.brand.logo else "",
        "logo_alt": pdf_text(document.brand.name or "Logo"),
        "contents": bool(document.contents),
        "blocks": writer.blocks(document.blocks),
    }
    if writer.numbers:
        told["blocks"] += [
            {"kind": "PageBreak"},
            {"kind": "Heading", "level": 2, "text": say("Numbers behind the figures")},
            *writer.numbers,
        ]
    # What the bundled font lacks is taken from the machine's own, and only then.
    system = bool(charts.lacking(json.dumps(told, ensure_ascii=False)))
    if system and (boxes := charts.lacking(json.dumps(told, ensure_ascii=False), _files())):
        told["blocks"].insert(0, writer.block(_boxes(boxes)))
        # In a drawing one such character would take its whole label into the font of boxes.
        for drawn in writer.drawn:
            drawn["svg"] = drawn["svg"].translate(dict.fromkeys(map(ord, boxes), "\u25a1"))
    written = json.dumps(told, ensure_ascii=False, sort_keys=True)
    try:
        return _set(written, system=system)
    except ExportFailed as e:
        apart = _JOINED.sub("", written)
        if _NO_GLYPH not in str(e) or apart == written:
            raise
    # A sign that is put together of others, and no font here has it as one: its parts stand side by side.
    return _set(apart, system=system)


def _set(written: str, *, system: bool) -> bytes:
    try:
        made = typst.compile(
            _template(),
            sys_inputs={"data": written},
            font_paths=_fonts(system=system),
            format="pdf",
            pdf_standards=_STANDARD,
            timestamp=0,
        )
    except typst.TypstError as e:
        raise ExportFailed(f"The PDF could not be set: {e}. No file was written.") from e
    assert isinstance(made, bytes)
    return made


def _boxes(missing: str) -> Callout:
    """Say which letters stand as boxes because the machine that makes the file has no font for them."""
    scripts = {
        unicodedata.name(c, "").partition(" ")[0].partition("-")[0].title() for c in missing if c.isalpha()
    }
    named = [*sorted(s if s != "Cjk" else "CJK" for s in scripts if s)]
    named += [say("emoji and other signs")] if any(not c.isalpha() for c in missing) else []
    text = say(
        "The machine that made this file has no font for {n} of the characters in it ({listed}); they stand as "
        "boxes. report.html shows them in the reader's fonts, and so will this file once such a font is installed.",
        n=len(missing),
        listed=", ".join(named),
    )
    return Callout(say("Letters without a font"), text)


@lru_cache(maxsize=1)
def _template() -> bytes:
    return (resources.files("alignment_toolkit.report") / "templates" / "page.typ").read_bytes()


@lru_cache(maxsize=1)
def _files() -> tuple[str, ...]:
    found = {str(f.path) for f in _fonts(system=True).fonts() if f.path and not f.family.startswith(_RESORT)}
    return tuple(sorted(found))


@lru_cache(maxsize=2)
def _fonts(*, system: bool) -> typst.Fonts:
    return typst.Fonts(include_system_fonts=system, font_paths=[str(charts.font_folder())])


class _Writer:
    """Turns blocks into the template's data, and keeps the figures' numbers for the end."""

    def __init__(self) -> None:
        self.figures = 0
        self.drawn: list[dict[str, Any]] = []
        self.numbers: list[dict[str, Any]] = []

    def blocks(self, blocks: Sequence[Block]) -> list[dict[str, Any]]:
        return [self.block(b) for b in blocks]

    def block(self, block: Block) -> dict[str, Any]:
        found = self._inside(block)
        found["kind"] = type(block).__name__
        return found

    def _inside(self, b: Block) -> dict[str, Any]:
        if isinstance(b, Section):
            return {
                "tags": [pdf_text(t) for t in b.tags],
                "mood": b.mood,
                "what": b.kind,
                "blocks": self.blocks(b.blocks),
            }
        if isinstance(b, Heading):
            return {"level": min(max(b.level, 1), 4), "text": pdf_text(b.text)}
        if isinstance(b, Prose):
            head = (
                sentences(b.label, b.text)[: len(sentences(b.label, b.text)) - len(b.text)] if b.label else ""
            )
            return {
                "label": pdf_text(head),
                "text": pdf_text(b.text),
                "tone": b.tone,
                "bullets": [pdf_text(t) for t in b.bullets],
            }
        if isinstance(b, Answer):
            return {
                "mood": b.mood,
                "status": pdf_text(b.status),
                "title": pdf_text(b.title.text),
                "text": pdf_text(b.text),
                "facts": [[pdf_text(k), pdf_text(v)] for k, v in b.facts],
            }
        if isinstance(b, Tiles):
            return {
                "tiles": [
                    [pdf_text(t) for t in (x.title, x.value, x.interval, x.change, x.small)] for x in b.tiles
                ]
            }
        if isinstance(b, Table):
            return _table(b)
        if isinstance(b, Figure):
            return self._figure(b)
        if isinstance(b, Facts):
            return {"items": [[pdf_text(k), pdf_text(v)] for k, v in b.items]}
        if isinstance(b, Callout):
            return {"title": pdf_text(b.title), "text": pdf_text(b.text)}
        if isinstance(b, SideBySide):
            return {"columns": [self.blocks(c) for c in b.columns]}
        if isinstance(b, Detail):
            return {"blocks": self.blocks(b.blocks)}
        if isinstance(b, Fold) and not b.paper:
            return {"title": pdf_text(f"{b.title}: {say(ELSEWHERE)}"), "blocks": []}
        if isinstance(b, Fold):
            one = len(b.blocks) == 1 and isinstance(b.blocks[0], Table)
            return {"title": "" if one else pdf_text(b.title), "blocks": self.blocks(b.blocks)}
        assert isinstance(b, PageBreak)
        return {}

    def _figure(self, b: Figure) -> dict[str, Any]:
        self.figures += 1
        drawn = picture(b)
        number = say("Figure {figures}", figures=self.figures)
        if b.with_table:
            columns, rows = charts.table(b.chart)
            body = [[(text, "") for text in row] for row in rows]
            name = f"{number}: {b.chart.title}"
            self.numbers.append(
                {"kind": "Table"} | _grid(name, columns, body, charts.numeric_columns(rows), "")
            )
        made = {
            "title": pdf_text(f"{number}. {b.chart.title}"),
            "svg": drawn.svg,
            "alt": pdf_text(charts.alt_text(b.chart)),
            "wide": round(drawn.wide, 3),
            "high": round(drawn.high, 3),
            "small": b.small,
        }
        self.drawn.append(made)
        return made


def _table(b: Table) -> dict[str, Any]:
    body = [[(c.text, c.small) for c in row] for row in b.rows]
    return _grid(b.caption, b.columns, body, b.numeric, b.note)


def _grid(
    caption: str,
    columns: Sequence[str],
    body: Sequence[Sequence[tuple[str, str]]],
    numeric: Sequence[bool],
    note: str,
) -> dict[str, Any]:
    count = len(columns)
    return {
        "caption": pdf_text(caption),
        "columns": [pdf_text(c) for c in columns],
        "rows": [
            [
                [pdf_text(text), pdf_text(small)]
                for text, small in [*row, *[("", "")] * (count - len(row))][:count]
            ]
            for row in body
        ],
        "numeric": [bool(numeric[i]) if i < len(numeric) else False for i in range(count)],
        "widths": _widths(columns, body),
        "note": pdf_text(note),
    }


def _widths(columns: Sequence[str], body: Sequence[Sequence[tuple[str, str]]]) -> list[float]:
    """Give the columns' shares of the page, by their longest words first and by their texts then."""
    shares = []
    for i, name in enumerate(columns):
        texts = [t for row in body if i < len(row) for t in row[i]]
        words = max((charts.width(w) for t in [*texts, name] for w in plain(t).split(" ")), default=0)
        longest = max((charts.width(t) for t in texts), default=0)
        shares.append(float(max(_NARROWEST, min(words, _LONG_WORD) + 1, min(longest, _WIDEST) * 0.8)))
    return shares
