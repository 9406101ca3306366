"""Slides filled from the top: what fits stays, what does not goes on to the next one."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

from lxml import etree
from pptx.dml.color import RGBColor
from pptx.enum.shapes import MSO_SHAPE
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.util import Inches, Pt

from alignment_toolkit.languages import say, say_count
from alignment_toolkit.report.blocks import Cell, Document, Table, Tile
from alignment_toolkit.report.native import Native
from alignment_toolkit.report.pdf import as_png
from alignment_toolkit.report.pptx.drawing import add_chart
from alignment_toolkit.report.pptx.master import Master
from alignment_toolkit.report.pptx.text import broken, high, lines, slide_text

__all__ = ["INK", "MUTED", "Deck"]

INK: Final = RGBColor(0x1F, 0x29, 0x33)
MUTED: Final = RGBColor(0x55, 0x61, 0x6D)
_SOFT: Final = RGBColor(0xF4, 0xF6, 0xF8)
_HEAD: Final = RGBColor(0xEE, 0xF1, 0xF3)
_MOODS: Final = {
    "misaligned": RGBColor(0xA8, 0x43, 0x00),
    "aligned": RGBColor(0x00, 0x6B, 0x4F),
    "uncertain": RGBColor(0x5C, 0x54, 0x70),
    "open": MUTED,
    "none": INK,
}
# PowerPoint wants the country too.
_LANGS: Final = {"en": "en-US", "de": "de-DE"}
_A: Final = "http://schemas.openxmlformats.org/drawingml/2006/main"
_GAP: Final = 0.1
_CELL, _SMALL = 10.0, 8.5
_PAD: Final = 0.045
_NOTE_LINES: Final = 60
_TITLE: Final = 24.0
_LEAST, _FEW_ROWS = 1.4, 2.2


class Deck:
    """A presentation being written; all places in inches."""

    def __init__(self, master: Master, document: Document) -> None:
        self.master, self.document = master, document
        self.slide: Any = None
        self.name = ""
        self.y = 0.0
        self.fresh = False
        self.notes: list[str] = []

    # ---- slides

    def cover(self) -> None:
        """Write the first slide."""
        d, m = self.document, self.master
        self.slide = m.slides.slides.add_slide(m.cover)
        for shape in list(self.slide.placeholders):
            kind = shape.placeholder_format.idx
            if kind == 0:
                shape.text_frame.text = slide_text(d.title)
            elif kind == 1:
                shape.text_frame.text = slide_text(d.subtitle)
                for text in (d.label, *(f"{k}: {v}" for k, v in d.facts)):
                    if text:
                        shape.text_frame.add_paragraph().text = slide_text(text)
                for paragraph in shape.text_frame.paragraphs:
                    paragraph.font.size = Pt(16)
                    paragraph.alignment = PP_ALIGN.LEFT
            else:
                shape._element.getparent().remove(shape._element)
        if d.brand.logo:
            self._logo(m.left, 0.6, 0.8, left=True)
        self.notes = []
        self.end()

    def begin(self, name: str) -> None:
        """Begin a slide under a title."""
        self.end()
        m = self.master
        self.name = name
        self.slide = m.slides.slides.add_slide(m.content)
        for shape in list(self.slide.placeholders):
            if shape.placeholder_format.idx != 0:
                shape._element.getparent().remove(shape._element)
        title = self.slide.shapes.title
        title.text_frame.text = slide_text(name)
        size = _TITLE
        while size > 14 and lines(slide_text(name), size, m.wide) > 2:
            size -= 1
        title.text_frame.paragraphs[0].font.size = Pt(size)
        self.y, self.fresh, self.notes = m.top, True, []
        self._foot()

    def _foot(self) -> None:
        m = self.master
        box = self._box(m.left, m.bottom + 0.12, m.wide - 0.7, 0.3)
        self._run(box.text_frame.paragraphs[0], slide_text(self.document.footer), 8, colour=MUTED)
        if self.document.brand.logo:
            self._logo(m.left + m.wide - 0.7, m.bottom + 0.08, 0.34)
        number = self._box(m.left + m.wide - 0.6, m.bottom + 0.12, 0.6, 0.3)
        paragraph = number.text_frame.paragraphs[0]
        paragraph.alignment = PP_ALIGN.RIGHT
        held = etree.SubElement(
            paragraph._p, f"{{{_A}}}fld", id="{B6F15528-21DE-4FAA-801E-634DDDAF4B2B}", type="slidenum"
        )
        etree.SubElement(
            held, f"{{{_A}}}rPr", lang=_LANGS.get(self.document.lang, self.document.lang), sz="800"
        )
        etree.SubElement(held, f"{{{_A}}}t").text = str(len(self.master.slides.slides))

    def _logo(self, edge: float, top: float, high: float, *, left: bool = False) -> None:
        """Put the logo at an edge; a wide one is made smaller."""
        picture = self.slide.shapes.add_picture(
            io.BytesIO(as_png(self.document.brand.logo)), Inches(edge), Inches(top), height=Inches(high)
        )
        most = Inches(high * 5)
        if picture.width > most:
            picture.height, picture.width = round(picture.height * most / picture.width), most
        if not left:
            picture.left = Inches(edge) - picture.width
        picture.name = "Logo"
        picture._element.nvPicPr.cNvPr.set("descr", slide_text(self.document.brand.name or "Logo"))

    def end(self) -> None:
        """Write the notes of the slide."""
        if self.slide is None:
            return
        d = self.document
        source = [slide_text(t) for t in (say("Source: {footer}", footer=d.footer), d.subtitle) if t]
        frame = self.slide.notes_slide.notes_text_frame
        frame.text = "\n".join([*(slide_text(t) for t in self.notes if t), *source])
        self.slide = None

    def note(self, text: str) -> None:
        """Add a line to the notes of the slide."""
        self.notes.append(text)

    def note_table(self, table: Table) -> None:
        """Add a table to the notes, a row a line, and what stands below it."""
        self.note(table.caption)
        self.note(" | ".join(table.columns))
        for row in table.rows[:_NOTE_LINES]:
            self.note(" | ".join(f"{c.text} ({c.small})" if c.small else c.text for c in row))
        if len(table.rows) > _NOTE_LINES:
            more = len(table.rows) - _NOTE_LINES
            self.note(
                say_count(more, "{n:,} more row is in the workbook.", "{n:,} more rows are in the workbook.")
            )
        self.note(table.note)

    @property
    def left_over(self) -> float:
        """The room below what is on the slide."""
        return self.master.bottom - self.y

    def need(self, height: float) -> None:
        """Go on to the next slide where there is less room than that; the notes go with what follows."""
        if height > self.left_over and not self.fresh:
            self.more()

    def more(self) -> None:
        """Go on to the next slide under the same title."""
        name = self.name.removesuffix(say("{name} (continued)", name=""))
        self.begin(say("{name} (continued)", name=name))

    def _moved(self, height: float) -> None:
        self.y += height + _GAP
        self.fresh = False

    # ---- text

    def _box(self, left: float, top: float, wide: float, height: float) -> Any:
        box = self.slide.shapes.add_textbox(Inches(left), Inches(top), Inches(wide), Inches(height))
        frame = box.text_frame
        frame.word_wrap = True
        frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
        return box

    def _run(self, paragraph: Any, text: str, size: float, *, bold: bool = False, colour: Any = INK) -> None:
        run = paragraph.add_run()
        run.text = text
        run.font.size, run.font.bold = Pt(size), bold
        run.font.color.rgb = colour
        if self.document.brand.font:
            run.font.name = self.document.brand.font

    def text(
        self,
        text: str,
        size: float = 14,
        *,
        label: str = "",
        bold: bool = False,
        colour: Any = INK,
        keep: float = 0.0,
    ) -> None:
        """Write a paragraph; what does not fit on the slide goes on on the next."""
        shown, head = slide_text(text), slide_text(label)
        whole = f"{head} {shown}".strip()
        if not whole:
            return
        wide = self.master.wide
        rows = broken(whole, size, wide)
        self.need(high(min(len(rows), 3), size) + keep)
        room = max(1, int(self.left_over / high(1, size)))
        if len(rows) > room:
            first = " ".join(rows[:room])
            self._paragraph(first[len(head) :].strip() if head else first, size, head, bold, colour, room)
            self.more()
            self.text(" ".join(rows[room:]), size, bold=bold, colour=colour)
            return
        self._paragraph(shown, size, head, bold, colour, len(rows))

    def _paragraph(self, text: str, size: float, head: str, bold: bool, colour: Any, rows: int) -> None:
        height = high(rows, size)
        box = self._box(self.master.left, self.y, self.master.wide, height)
        paragraph = box.text_frame.paragraphs[0]
        if head:
            self._run(paragraph, f"{head} " if text else head, size, bold=True, colour=colour)
        if text:
            self._run(paragraph, text, size, bold=bold, colour=colour)
        self._moved(height)

    def columns(self, texts: Sequence[Sequence[tuple[str, str]]], size: float = 13) -> None:
        """Write paragraphs (label, text) side by side."""
        gap = 0.4
        wide = (self.master.wide - gap * (len(texts) - 1)) / len(texts)
        told = [[(slide_text(a), slide_text(b)) for a, b in column] for column in texts]
        height = max(
            sum(high(lines(f"{a} {b}".strip(), size, wide), size) + 0.08 for a, b in column)
            for column in told
        )
        if height > self.master.bottom - self.master.top:
            for column in told:
                for a, b in column:
                    self.text(b, size, label=a)
            return
        self.need(height)
        for i, column in enumerate(told):
            box = self._box(self.master.left + i * (wide + gap), self.y, wide, height)
            for k, (a, b) in enumerate(column):
                paragraph = box.text_frame.paragraphs[0] if k == 0 else box.text_frame.add_paragraph()
                if a:
                    self._run(paragraph, f"{a} ", size, bold=True)
                self._run(paragraph, b, size)
        self._moved(height)

    def callout(self, title: str, text: str) -> None:
        """Write a note on a tinted ground."""
        size = 12.0
        whole = f"{slide_text(title)}. {slide_text(text)}"
        height = high(lines(whole, size, self.master.wide - 0.4), size) + 0.16
        self.need(height)
        box = self._box(self.master.left, self.y, self.master.wide, height)
        box.fill.solid()
        box.fill.fore_color.rgb = _SOFT
        frame = box.text_frame
        frame.margin_left = frame.margin_right = Inches(0.15)
        frame.margin_top = frame.margin_bottom = Inches(0.07)
        self._run(frame.paragraphs[0], f"{slide_text(title)}. ", size, bold=True)
        self._run(frame.paragraphs[0], slide_text(text), size)
        self._moved(height)

    # ---- tiles

    def tiles(self, tiles: Sequence[Tile]) -> None:
        """Write numbers to see at a glance, four in a row."""
        gap, across = 0.15, 4
        wide = (self.master.wide - gap * (across - 1)) / across
        for start in range(0, len(tiles), across):
            row = tiles[start : start + across]
            height = max(self._tile_height(t, wide) for t in row)
            self.need(height)
            for i, tile in enumerate(row):
                self._tile(tile, self.master.left + i * (wide + gap), wide, height)
            self._moved(height)

    @staticmethod
    def _tile_parts(tile: Tile) -> list[tuple[str, float, bool, Any]]:
        small = (tile.interval, tile.change, tile.small)
        parts = [(tile.title, 11.0, False, MUTED), (tile.value, 20.0, True, INK)]
        return [
            (slide_text(t), s, b, c) for t, s, b, c in [*parts, *((t, 9.0, False, MUTED) for t in small)] if t
        ]

    def _tile_height(self, tile: Tile, wide: float) -> float:
        return 0.2 + sum(high(lines(t, s, wide - 0.3), s) for t, s, _, _ in self._tile_parts(tile))

    def _tile(self, tile: Tile, left: float, wide: float, height: float) -> None:
        shape = self.slide.shapes.add_shape(
            MSO_SHAPE.RECTANGLE, Inches(left), Inches(self.y), Inches(wide), Inches(height)
        )
        shape.fill.solid()
        shape.fill.fore_color.rgb = _SOFT
        shape.line.fill.background()
        shape.shadow.inherit = False
        frame = shape.text_frame
        frame.word_wrap, frame.vertical_anchor = True, MSO_ANCHOR.TOP
        frame.margin_left = frame.margin_right = Inches(0.12)
        frame.margin_top = frame.margin_bottom = Inches(0.08)
        for i, (text, size, bold, colour) in enumerate(self._tile_parts(tile)):
            paragraph = frame.paragraphs[0] if i == 0 else frame.add_paragraph()
            paragraph.alignment = PP_ALIGN.LEFT
            self._run(paragraph, text, size, bold=bold, colour=colour)

    # ---- tables

    def table(self, table: Table) -> None:
        """Write a native table, over as many slides as its rows take; each begins with the header."""
        if not table.rows or not table.columns:
            return
        widths = self._widths(table)
        heads = [Cell(name) for name in table.columns]
        head = self._row_height(heads, widths, bold=True)
        heights = [self._row_height(row, widths) for row in table.rows]
        caption = high(lines(slide_text(table.caption), 12, self.master.wide), 12) + _GAP
        rows = list(zip(table.rows, heights, strict=True))
        first = True
        while rows:
            self.need(caption + head + sum(h for _, h in rows[:2]))
            room = self.left_over - caption - head
            count, used = 0, 0.0
            while count < len(rows) and (used + rows[count][1] <= room or count == 0):
                used += rows[count][1]
                count += 1
            self.text(
                table.caption if first else say("{caption} (continued)", caption=table.caption), 12, bold=True
            )
            self._grid(table, heads, rows[:count], widths, head, used)
            rows, first = rows[count:], False
            if rows:
                self.more()
        if table.note:
            self.text(table.note, 9, colour=MUTED)

    def _widths(self, table: Table) -> list[float]:
        shares = []
        for i, name in enumerate(table.columns):
            texts = [t for row in table.rows if i < len(row) for t in (row[i].text, row[i].small) if t]
            word = max((len(w) for t in [*texts, name] for w in slide_text(t).split()), default=3)
            longest = max((len(slide_text(t)) for t in texts), default=3)
            shares.append(max(5.0, min(word, 22) + 2.0, min(longest, 60) * 0.8))
        return [self.master.wide * s / sum(shares) for s in shares]

    @staticmethod
    def _row_height(row: Sequence[Cell], widths: Sequence[float], *, bold: bool = False) -> float:
        tallest = 0.0
        for cell, wide in zip(row, widths, strict=False):
            room = (wide - 0.12) * (0.88 if bold else 0.93)
            height = (
                high(lines(slide_text(cell.text), _CELL, room), _CELL) if cell.text or not cell.small else 0.0
            )
            if cell.small:
                height += high(lines(slide_text(cell.small), _SMALL, room), _SMALL)
            tallest = max(tallest, height)
        return tallest + 2 * _PAD

    def _grid(
        self,
        table: Table,
        heads: Sequence[Cell],
        rows: Sequence[tuple[tuple[Cell, ...], float]],
        widths: Sequence[float],
        head: float,
        used: float,
    ) -> None:
        m = self.master
        frame = self.slide.shapes.add_table(
            len(rows) + 1, len(heads), Inches(m.left), Inches(self.y), Inches(m.wide), Inches(head + used)
        )
        about = frame._element.nvGraphicFramePr.cNvPr
        about.set("descr", slide_text(table.caption))
        about.set("name", say("Table {shape_id}", shape_id=frame.shape_id))
        grid = frame.table
        grid.horz_banding = False
        style = frame._element.find(".//{*}tableStyleId")
        if style is not None:
            # No style but thin lines.
            style.text = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"
        for column, wide in zip(grid.columns, widths, strict=True):
            column.width = Inches(wide)
        for r, (row, height) in enumerate([(tuple(heads), head), *rows]):
            grid.rows[r].height = Inches(height)
            for c in range(len(heads)):
                cell = row[c] if c < len(row) else Cell("")
                right = bool(table.numeric[c]) if c < len(table.numeric) else False
                self._cell(grid.cell(r, c), cell, right=right, head=r == 0)
        self._moved(head + used + 0.05)

    def _cell(self, place: Any, cell: Cell, *, right: bool, head: bool) -> None:
        place.margin_left = place.margin_right = Inches(0.06)
        place.margin_top = place.margin_bottom = Inches(_PAD)
        place.vertical_anchor = MSO_ANCHOR.BOTTOM if head else MSO_ANCHOR.TOP
        place.fill.solid()
        place.fill.fore_color.rgb = _HEAD if head else RGBColor(255, 255, 255)
        frame = place.text_frame
        frame.word_wrap = True
        paragraph = frame.paragraphs[0]
        paragraph.alignment = PP_ALIGN.RIGHT if right else PP_ALIGN.LEFT
        if not cell.text and not cell.small:
            # An empty line would have the height of the default size.
            etree.SubElement(paragraph._p, f"{{{_A}}}endParaRPr", sz=str(round(_CELL * 100)))
            _line_below(place)
            return
        if cell.text:
            bold = head or cell.mood != "none"
            self._run(paragraph, slide_text(cell.text), _CELL, bold=bold, colour=_MOODS[cell.mood])
        if cell.small:
            below = frame.add_paragraph() if cell.text else paragraph
            below.alignment = paragraph.alignment
            self._run(below, slide_text(cell.small), _SMALL, colour=MUTED)
        if not head:
            _line_below(place)

    # ---- charts

    def charts(self, drawn: Sequence[Native]) -> None:
        """Write charts side by side, each with its title above and its small print below."""
        gap = 0.4
        wide = (self.master.wide - gap * (len(drawn) - 1)) / len(drawn)
        title = max(high(lines(slide_text(d.title), 12, wide * 0.94), 12) for d in drawn) + 0.05
        under = max(high(lines(slide_text(d.under), 9, wide), 9) for d in drawn) + 0.05
        rows = max(len(d.categories) * len(d.series) for d in drawn)
        ideal = 2.8 if rows <= 5 else 3.3 if rows <= 8 else min(4.6, 0.36 * rows + 0.6)
        if max(len(d.categories) for d in drawn) <= 2 and all(d.shape == "bar" for d in drawn):
            ideal = 1.5
        whole = self.master.bottom - self.master.top - title - under
        self.need(title + min(ideal, whole) + under)
        height = min(ideal, self.left_over - title - under)
        for i, d in enumerate(drawn):
            left = self.master.left + i * (wide + gap)
            box = self._box(left, self.y, wide, title)
            self._run(box.text_frame.paragraphs[0], slide_text(d.title), 12, bold=True)
            add_chart(self.slide, d, left, self.y + title, wide, height)
            if d.under:
                small = self._box(left, self.y + title + height, wide, under)
                self._run(small.text_frame.paragraphs[0], slide_text(d.under), 9, colour=MUTED)
        self._moved(title + height + under)

    def stack(self, drawn: Sequence[Native], wide: float) -> None:
        """Write charts below each other at the left, down to the foot, and stay at the height of the first."""
        top = self.y
        heads = [
            (
                high(lines(slide_text(d.title), 11, wide * 0.94), 11),
                high(lines(slide_text(d.under), 8, wide), 8),
            )
            for d in drawn
        ]
        room = self.left_over - sum(a + b for a, b in heads) - _GAP * len(drawn)
        for d, (title, under), height in zip(drawn, heads, _shares(drawn, room), strict=True):
            box = self._box(self.master.left, top, wide, title)
            self._run(box.text_frame.paragraphs[0], slide_text(d.title), 11, bold=True)
            add_chart(self.slide, d, self.master.left, top + title, wide, height)
            top += title + height
            if d.under:
                small = self._box(self.master.left, top, wide, under)
                self._run(small.text_frame.paragraphs[0], slide_text(d.under), 8, colour=MUTED)
            top += under + _GAP

    def box(self, left: float, wide: float) -> Any:
        """Open a box for words, from where the slide has got to, down to the foot."""
        return self._box(left, self.y, wide, self.left_over).text_frame

    def add(self, frame: Any, label: str, text: str, size: float, *, space: float, first: bool) -> None:
        """Add a paragraph with its label to a box."""
        paragraph = frame.paragraphs[0] if first else frame.add_paragraph()
        paragraph.space_after = Pt(space * 72)
        if label:
            self._run(paragraph, f"{label} ", size, bold=True)
        if text:
            self._run(paragraph, text, size)


def _shares(drawn: Sequence[Native], room: float) -> list[float]:
    """Give each chart its height: one with few rows gets little, the other what is left."""
    few = [len(d.categories) <= 2 and d.shape == "bar" for d in drawn]
    if len(drawn) == 1:
        return [min(room, _FEW_ROWS if few[0] else room)]
    if few[0] == few[1]:
        return [room / len(drawn)] * len(drawn)
    small = max(_LEAST, room * 0.34)
    return [small if f else room - small for f in few]


def _line_below(place: Any) -> None:
    properties = place._tc.get_or_add_tcPr()
    line = etree.Element(f"{{{_A}}}lnB", w="6350")
    etree.SubElement(etree.SubElement(line, f"{{{_A}}}solidFill"), f"{{{_A}}}srgbClr", val="D9DEE3")
    properties.insert(0, line)
