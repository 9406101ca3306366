"""Excel workbooks: one sheet is one table; what the cells hold as numbers, dates and yes/no stays what it is."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from alignment_toolkit.errors import did_you_mean
from alignment_toolkit.sources.part import Engine, Formats, quoted
from alignment_toolkit.sources.text import SHOWN, TextFault, TextTable, find_header

__all__ = ["WORKBOOKS", "read_workbook", "sheet_headers"]

WORKBOOKS: Final = (".xlsx", ".xlsm")
# A formula whose value was never computed: the cell would be read as empty.
_UNCOMPUTED = re.compile(rb"<f\b[^>]*?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>")
_HEADER_ROWS = 200


def sheet_headers(path: Path) -> dict[str, list[str]]:
    """Give the sheets of a workbook that are not hidden, each with its first row; none where it can't be opened."""
    try:
        book = _opened(path)
    except Exception:  # the file is told of where it is used
        return {}
    try:
        return {name: _first_row(book[name]) for name in _visible(book)}
    finally:
        book.close()


def _first_row(found: Any) -> list[str]:
    found.reset_dimensions()
    for row in found.iter_rows(max_row=_HEADER_ROWS, values_only=True):
        if filled := [_text(v, Formats()).strip() for v in row if v is not None]:
            return filled
    return []


def read_workbook(
    engine: Engine,
    path: Path,
    relation: str,
    wanted: Iterable[str],
    *,
    table: str,
    sheet: str | None = None,
    formats: Formats | None = None,
) -> TextTable:
    """Read a sheet into the engine: the columns c0, c1 ... and row_number, as for text files.

    A column that holds nothing but numbers, nothing but dates or nothing but yes and no keeps that type. What is mixed
    becomes text, written in the forms that the settings say.

    Parameters
    ----------
    engine
        The DuckDB connection.
    path
        The workbook.
    relation
        The name of the temporary table to make.
    wanted
        Column names of which at least one is expected in the header.
    table
        The canonical table; the sheet of its name is taken where none is named.
    sheet
        The sheet's name; it may be left out where there is but one.
    formats
        How the settings say that dates and numbers are written.
    """
    try:
        book = _opened(path)
    except Exception as error:  # openpyxl and the zip reader raise what they like on a broken file
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return _refused("not_a_workbook", f"{path.name} can't be read as an Excel workbook: {reason}.")
    try:
        names = [ws.title for ws in book.worksheets]
        chosen = _chosen(names, _visible(book), sheet, table)
        if isinstance(chosen, int):
            found = book.worksheets[chosen]
            label = path.name if len(names) == 1 else f"{path.name} [{found.title}]"
            return _of_sheet(engine, path, found, relation, list(wanted), label, formats or Formats())
        return _refused("which_sheet", f"{path.name} {chosen}")
    finally:
        book.close()


def _opened(path: Path) -> Any:
    import openpyxl

    return openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)


def _visible(book: Any) -> list[str]:
    return [ws.title for ws in book.worksheets if ws.sheet_state == "visible"]


def _refused(code: str, message: str, row: int | None = None) -> TextTable:
    return TextTable(refusal=TextFault(code, message, row))


def _chosen(names: Sequence[str], visible: Sequence[str], sheet: str | None, table: str) -> int | str:
    """Give the number of the sheet that is meant, or say why none is."""
    if sheet is not None:
        return (
            names.index(sheet) if sheet in names else f"has no sheet '{sheet}'. {did_you_mean(sheet, names)}"
        )
    own = [i for i, name in enumerate(names) if name.strip().casefold() == table]
    if len(own) == 1:
        return own[0]
    if len(visible) == 1:
        return names.index(visible[0])
    there = ", ".join(f"'{name}'" for name in visible[:12]) or "none that is not hidden"
    return f'has the sheets {there}; name the one that is meant in the settings: sheet = "...".'


def _of_sheet(
    engine: Engine, path: Path, found: Any, relation: str, wanted: list[str], label: str, formats: Formats
) -> TextTable:
    where = _uncomputed(path, found)
    if where:
        return _refused("not_computed", f"{label}: {where}")
    found.reset_dimensions()
    rows = [list(row) for row in found.iter_rows(values_only=True)]
    start = io.StringIO()
    csv.writer(start).writerows([_text(v, Formats()) for v in row] for row in rows[:_HEADER_ROWS])
    header, _, before, fault = find_header(start.getvalue(), label, wanted, ",")
    if fault is not None:
        return TextTable(header=header, refusal=fault)
    while header and not header[-1]:
        header.pop()
    width = len(header)
    made = TextTable(header=header, relation=relation)
    kept: list[list[Any]] = []
    numbers: list[int] = []
    for number, row in enumerate(rows[before + 1 :], start=before + 2):
        made.rows += 1
        filled = max((i for i, v in enumerate(row, start=1) if v is not None and str(v).strip()), default=0)
        if not filled:
            made.blank += 1
        elif filled > width:
            made.refused += 1
            if made.refused <= SHOWN:
                message = f"{label}, row {number}: {filled} cells where the header has {width}."
                made.faults.append(TextFault("ragged_row", message, number))
        else:
            kept.append((row + [None] * width)[:width])
            numbers.append(number)
    # Blank rows at the end are none: a spreadsheet keeps those that were once formatted.
    last = next((i for i in range(len(rows) - 1, before, -1) if any(v is not None for v in rows[i])), before)
    trailing = len(rows) - 1 - last
    made.rows -= trailing
    made.blank -= trailing
    columns = [_column([row[i] for row in kept], formats) for i in range(width)]
    incoming = pa.table(
        [*columns, pa.array(numbers, pa.int64())], [*(f"c{i}" for i in range(width)), "row_number"]
    )
    engine.register("incoming", incoming)
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(relation)} AS SELECT * FROM incoming")
    engine.unregister("incoming")
    return made


def _uncomputed(path: Path, found: Any) -> str | None:
    """Say where a formula stands whose value the file does not hold."""
    with zipfile.ZipFile(path) as members:
        data = members.read(found._worksheet_path.lstrip("/"))
    at = _UNCOMPUTED.search(data)
    if at is None:
        return None
    cells = re.findall(rb'<c r="([A-Z]+[0-9]+)"', data[: at.start()])
    cell = cells[-1].decode() if cells else "a cell"
    return f"{cell} has a formula whose value was never computed; open the workbook in a spreadsheet program and save."


def _column(cells: list[Any], formats: Formats) -> pa.Array:
    """Give a column its own type where all its cells are of one kind, else text."""
    kinds = {type(v) for v in cells if v is not None}
    if kinds and kinds <= {datetime, date}:
        whole = [datetime(v.year, v.month, v.day) if type(v) is date else v for v in cells]
        return pa.array(whole, pa.timestamp("us"))
    if kinds == {bool}:
        return pa.array(cells, pa.bool_())
    if kinds == {int} and all(v is None or abs(v) < 2**63 for v in cells):
        return pa.array(cells, pa.int64())
    if kinds and kinds <= {int, float}:
        # A spreadsheet knows 15 digits; what floating point adds behind them is no part of the number.
        return pa.array([None if v is None else float(f"{v:.15g}") for v in cells], pa.float64())
    return pa.array([_text(v, formats) or None for v in cells], pa.string())


def _text(value: Any, formats: Formats) -> str:
    """Write a cell among others that are text, in the forms that the settings say."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        told = str(value) if isinstance(value, int) else format(Decimal(f"{value:.15g}"), "f")
        return told.replace(".", formats.decimal)
    if isinstance(value, datetime):
        if formats.dates:
            return value.strftime(formats.dates)
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value)
