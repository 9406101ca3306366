"""Blocks as sheets: what stands where, and how wide."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any, Final

import xlsxwriter

from alignment_toolkit import charts
from alignment_toolkit.charts import ChartData
from alignment_toolkit.languages import noted, say
from alignment_toolkit.report import native
from alignment_toolkit.report.blocks import (
    Answer,
    Block,
    Callout,
    Cell,
    Detail,
    Document,
    Facts,
    Figure,
    Fold,
    Heading,
    Prose,
    Section,
    SideBySide,
    Table,
    Tiles,
)
from alignment_toolkit.report.pdf import as_png
from alignment_toolkit.report.plain import fixed_zip, heading, moment, plain, sentences
from alignment_toolkit.report.xlsx.cells import (
    cell_text,
    column_names,
    number_of,
    sheet_name,
    table_name,
    wakes,
)
from alignment_toolkit.report.xlsx.drawing import add_chart

__all__ = ["embedded", "render"]

_OPTIONS: Final = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}
_ROWS: Final = 1_048_000
_ACROSS: Final = 8
_LETTERS: Final = 118
_NARROW, _BROAD = 9.0, 46.0
_TABLE_STYLE: Final = "Table Style Light 1"
_CHART_ROWS: Final = 17
_LOGO: Final = 48  # pixels
_READ_ME: Final = noted(
    "Numbers are numbers here, with the rounding of the other formats as their number format; what is no single number "
    "(an interval, a change with its meaning) is text. An interval stands in the column behind its number. Charts are "
    "the spreadsheet's own and can be edited. No sheet is hidden, there is no formula, no link and no macro."
)


def render(document: Document) -> bytes:
    """Write a document as a workbook; the same document, the same bytes."""
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, _OPTIONS)
    book.set_properties(
        {"title": plain(document.title)[:250], "author": "", "company": "", "created": moment(document)}
    )
    _Book(book, document).write()
    book.close()
    return fixed_zip(made.getvalue())


def embedded(head: Sequence[str], rows: Sequence[Sequence[str | float | None]], number_format: str) -> bytes:
    """Give the workbook inside a slide's chart: headers in the first row, categories or places in the first column.

    Text stays text, whatever it begins with.
    """
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, _OPTIONS)
    book.set_properties({"author": "", "created": moment(Document("", "", "", ()))})
    sheet = book.add_worksheet("Sheet1")
    shown = book.add_format({"num_format": number_format})
    text = book.add_format({"quote_prefix": True})
    for r, row in enumerate([list(head), *rows]):
        for c, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(r, c, cell_text(value), text if wakes(value) else None)
            elif value is not None:
                sheet.write_number(r, c, value, shown if c else None)
    sheet.set_column(0, len(head), 16)
    book.close()
    return fixed_zip(made.getvalue())


class _Book:
    """All sheets of one document."""

    def __init__(self, book: Any, document: Document) -> None:
        self.book, self.document = book, document
        self.tables = 0
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def format(self, **properties: Any) -> Any:
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            base = {"font_name": "Calibri", "font_size": 11, "valign": "top"}
            self._formats[key] = self.book.add_format(base | properties)
        return self._formats[key]

    def write(self) -> None:
        sections = [b for b in self.document.blocks if isinstance(b, Section)]
        loose = tuple(b for b in self.document.blocks if not isinstance(b, Section))
        taken = {say("Read me").casefold()}
        names = [sheet_name(heading(s), taken) for s in sections]
        first = _Sheet(self, say("Read me"))
        if self.document.brand.logo:
            first.logo(self.document)
        first.title(self.document.title)
        for text in (
            self.document.subtitle,
            self.document.label,
            *(f"{k}: {v}" for k, v in self.document.facts),
        ):
            if text:
                first.text(text)
        first.row += 1
        first.text(say(_READ_ME))
        first.row += 1
        rows = tuple((Cell(n), Cell(heading(s))) for n, s in zip(names, sections, strict=True))
        if rows:
            first.table(Table(say("Sheets"), (say("Sheet"), say("What it holds")), rows))
        for block in loose:
            first.block(block)
        first.text(self.document.footer, tone="muted")
        first.end()
        for name, section in zip(names, sections, strict=True):
            sheet = _Sheet(self, name)
            sheet.section(section, top=True)
            sheet.end()


class _Sheet:
    """One sheet, written from the top down."""

    def __init__(self, owner: _Book, name: str) -> None:
        self.owner, self.name = owner, name
        self.sheet = owner.book.add_worksheet(name)
        self.sheet.hide_gridlines(2)
        self.sheet.set_landscape()
        self.sheet.set_paper(9)
        self.sheet.fit_to_pages(1, 0)
        self.row = 0
        self.frozen = 0
        self.widths: dict[int, float] = {}
        self.rows: dict[int, list[str]] = {}

    def logo(self, document: Document) -> None:
        """Put the logo above the first sheet's words."""
        picture = as_png(document.brand.logo)
        high = max(1, int.from_bytes(picture[20:24], "big"))
        scale = _LOGO / high
        options = {
            "image_data": io.BytesIO(picture),
            "x_scale": scale,
            "y_scale": scale,
            "description": plain(document.brand.name or "Logo"),
        }
        self.sheet.insert_image(0, 0, "logo.png", options)
        self.sheet.set_row(0, _LOGO * 0.8)
        self.row = 1

    # ---- words

    def title(self, text: str) -> None:
        self._string(self.row, 0, text, bold=True, font_size=16)
        self.sheet.set_row(self.row, 24)
        self.row += 1
        self.frozen = self.frozen or self.row

    def text(self, text: str, *, tone: str = "", bold: bool = False, indent: int = 0) -> None:
        if not text:
            return
        look: dict[str, Any] = {"text_wrap": True, "indent": indent}
        look |= {"bold": True} if bold else {}
        look |= {"font_color": "#5b6875"} if tone == "muted" else {}
        look |= {"font_size": 12} if tone == "lead" else {}
        shown = cell_text(text)
        self.sheet.merge_range(self.row, 0, self.row, _ACROSS - 1, "", self.owner.format(**look))
        self._string(self.row, 0, shown, **look)
        lines = sum(max(1, math.ceil(charts.width(part) / _LETTERS)) for part in shown.split("\n"))
        self.sheet.set_row(self.row, min(409, 15.5 * lines + (2 if tone == "lead" else 0)))
        self.row += 1

    def _string(self, row: int, column: int, text: str, **look: Any) -> None:
        shown = cell_text(text)
        if wakes(shown):
            look["quote_prefix"] = True
        self.sheet.write_string(row, column, shown, self.owner.format(**look))

    # ---- blocks

    def section(self, section: Section, *, top: bool = False) -> None:
        if section.tags:
            self.text(" | ".join(section.tags), tone="muted")
        blocks = list(section.blocks)
        if top and blocks and isinstance(blocks[0], Heading):
            self.title(blocks.pop(0).text)  # type: ignore[union-attr]
        answers: list[Answer] = []
        for block in blocks:
            if isinstance(block, Answer):
                answers.append(block)
                continue
            self._answers(answers)
            self.block(block)
        self._answers(answers)

    def _answers(self, answers: list[Answer]) -> None:
        if not answers:
            return
        labels = list(dict.fromkeys(k for a in answers for k, _ in a.facts))
        rows = tuple(
            (
                Cell(a.status),
                Cell(a.title.text),
                Cell(a.text),
                *(Cell(dict(a.facts).get(k, "")) for k in labels),
            )
            for a in answers
        )
        self.table(
            Table(
                say("The answer, question by question"),
                (say("Status"), say("Question"), say("What"), *labels),
                rows,
            )
        )
        answers.clear()

    def block(self, block: Block) -> None:
        if isinstance(block, Section):
            self.row += 1
            self.section(block)
        elif isinstance(block, Heading):
            self.row += 1
            self._string(self.row, 0, block.text, bold=True, font_size={2: 15, 3: 13}.get(block.level, 11))
            self.row += 1
        elif isinstance(block, Prose):
            self.text(sentences(block.label, block.text), tone=block.tone)
            for bullet in block.bullets:
                self.text(f"• {bullet}", indent=1)
        elif isinstance(block, Answer):
            self._answers([block])
        elif isinstance(block, Tiles):
            rows = tuple(
                (Cell(t.title), Cell(t.value), Cell(t.interval), Cell(t.change), Cell(t.small))
                for t in block.tiles
            )
            columns = (say("At a glance"), say("Value"), say("Interval"), say("Change"), "n")
            self.table(Table(say("At a glance"), columns, rows))
        elif isinstance(block, Table):
            self.table(block)
        elif isinstance(block, Figure):
            self.figure(block)
        elif isinstance(block, Facts):
            for name, text in block.items:
                self.text(f"{name}: {text}")
        elif isinstance(block, Callout):
            self.text(f"{block.title}. {block.text}", bold=True)
        elif isinstance(block, SideBySide):
            for column in block.columns:
                for inner in column:
                    self.block(inner)
        elif isinstance(block, Detail):
            for inner in block.blocks:
                self.block(inner)
        elif isinstance(block, Fold):
            if not (len(block.blocks) == 1 and isinstance(block.blocks[0], Table)):
                self.row += 1
                self.text(block.title, bold=True)
            for inner in block.blocks:
                self.block(inner)

    # ---- tables

    def table(self, table: Table) -> None:
        """Write a table with its caption above and its note below."""
        if not table.rows or not table.columns:
            return
        self.row += 1
        self.text(table.caption, bold=True)
        smalls = [any(i < len(row) and row[i].small for row in table.rows) for i in range(len(table.columns))]
        heads: list[str] = []
        for name, small in zip(table.columns, smalls, strict=True):
            heads += [name, say("{plain}, note", plain=plain(name))] if small else [name]
        rows = [_spread(row, smalls) for row in table.rows[:_ROWS]]
        self._grid(table.caption, column_names(tuple(heads)), rows)
        if len(table.rows) > _ROWS:
            self.text(
                say("{rows:,} more rows do not fit on a sheet.", rows=len(table.rows) - _ROWS), tone="muted"
            )
        self.text(table.note, tone="muted")
        self.row += 1

    def _grid(
        self, caption: str, heads: list[str], rows: list[list[Cell]], *, plotted: bool = False
    ) -> tuple[int, int]:
        owner = self.owner
        owner.tables += 1
        top = self.row
        head = owner.format(bold=True, text_wrap=True, bottom=1, font_color="#1f2933", bg_color="#eef1f3")
        columns = [{"header": name, "header_format": head} for name in heads]
        self.sheet.add_table(
            top, 0, top + len(rows), len(heads) - 1,
            {
                "name": table_name(caption, owner.tables), "columns": columns, "style": _TABLE_STYLE,
                "banded_rows": False, "autofilter": len(rows) > 3,
            },
        )  # fmt: skip
        if top <= 8 and self.frozen <= 1 and self.row:
            self.frozen = top + 1
        self._fit(0, heads, bold=True)
        self.rows[top] = heads
        currency = self.owner.document.currency
        for r, row in enumerate(rows, start=top + 1):
            for c, cell in enumerate(row):
                found = number_of(cell, currency)
                if found is None and plotted and cell.number is not None:
                    # A chart reads a text as its place in the row.
                    found = cell.number, "#,##0" if float(cell.number).is_integer() else "#,##0.0#"
                if found is None:
                    self._string(r, c, cell.text, text_wrap=True)
                else:
                    self.sheet.write_number(r, c, found[0], owner.format(num_format=found[1]))
            self._fit(0, [cell.text for cell in row])
            self.rows[r] = [cell.text for cell in row]
        self.row = top + len(rows) + 1
        return top, len(rows)

    def _fit(self, first: int, texts: Sequence[str], *, bold: bool = False) -> None:
        for c, text in enumerate(texts, start=first):
            widest = max((charts.width(part) for part in plain(text, lines=True).split("\n")), default=0)
            if bold:
                # A header may break between words.
                widest = max((charts.width(w) for w in plain(text).split()), default=0) + 4
            self.widths[c] = min(_BROAD, max(self.widths.get(c, _NARROW), widest + 1.5))

    # ---- figures

    def figure(self, figure: Figure) -> None:
        """Write a chart's numbers as a table and the chart beside it; a matrix is its table."""
        data = figure.chart
        drawn = native.of(data)
        self.row += 1
        self.text(data.title, bold=True)
        top = self.row
        if drawn is None:
            self._matrix(data)
        else:
            heads, rows = _numbers(data, drawn)
            self._grid(data.title, column_names(heads), rows, plotted=True)
            add_chart(self.owner.book, self.sheet, self.name, drawn, top, len(rows), len(heads))
            self.row = max(self.row, top + _CHART_ROWS + (3 if len(drawn.categories) > 9 else 0))
        under = drawn.under if drawn is not None else data.note
        self.text(under, tone="muted")
        self.row += 1

    def _matrix(self, data: ChartData) -> None:
        columns, rows = native.matrix(data)
        self._grid(data.title, column_names(columns), [list(row) for row in rows])

    def _lines(self, column: int, text: str) -> int:
        parts = plain(text, lines=True).split("\n")
        return sum(math.ceil(charts.width(part) / self.widths[column] * 1.08) or 1 for part in parts)

    def end(self) -> None:
        """Set widths and what stays in view."""
        for c in range(max([*self.widths, _ACROSS - 1]) + 1):
            self.sheet.set_column(c, c, self.widths.get(c, 12.0))
        for row, texts in self.rows.items():
            # Not every program fits a row to its text by itself.
            lines = max(self._lines(c, text) for c, text in enumerate(texts))
            if lines > 1:
                self.sheet.set_row(row, min(409, 15.5 * lines))
        if self.frozen:
            self.sheet.freeze_panes(self.frozen, 0)


def _spread(row: tuple[Cell, ...], smalls: list[bool]) -> list[Cell]:
    done: list[Cell] = []
    for cell, small in zip(row, smalls, strict=False):
        done += [cell, Cell(cell.small)] if small else [cell]
    return done


def _numbers(data: ChartData, drawn: native.Native) -> tuple[tuple[str, ...], list[list[Cell]]]:
    """Give the numbers that a native chart points at, as they stand on the sheet: place, then per series its parts."""
    unit = data.y_unit

    def cell(value: float | None) -> Cell:
        return Cell("") if value is None else Cell(data.number(value), number=value, unit=unit)

    heads: list[str] = [data.x_label or say("Item")]
    if drawn.categories:
        body = [[Cell(name)] for name in drawn.categories]
        for s in drawn.series:
            heads.append(s.name)
            for row, value in zip(body, s.values, strict=True):
                row.append(cell(value))
            if not s.sure:
                heads += [say("{name}: low", name=s.name), say("{name}: high", name=s.name)]
                for row, v, a, b in zip(body, s.values, s.below, s.above, strict=True):
                    row += [cell(v - a), cell(v + b)] if v is not None and (a or b) else [Cell(""), Cell("")]
        return tuple(heads), body
    heads = [say("Group"), data.x_label or say("Item"), data.y_label or say("Value"), say("low"), say("high")]
    body = []
    for s in drawn.series:
        for x, v, a, b in zip(s.places, s.values, s.below, s.above, strict=True):
            ends = [cell(v - a), cell(v + b)] if v is not None and (a or b) else [Cell(""), Cell("")]
            body.append([Cell(s.name), Cell(data.place(x), number=x, unit=data.x_unit), cell(v), *ends])
    return tuple(heads), body
