"""Text files (CSV): read as text, cell by cell, without a guess; what can't be read is named by file and row."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from alignment_toolkit.errors import did_you_mean
from alignment_toolkit.sources.part import Engine, literal, quoted

__all__ = ["SHOWN", "TextFault", "TextTable", "find_header", "read_text"]

DELIMITERS = (",", ";", "\t", "|")
SHOWN = 20
_CHUNK = 50_000
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAGIC = (
    (b"PK\x03\x04", "a zip archive or a spreadsheet (xlsx)"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet (xls)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"PAR1", "a Parquet file"),
    (b"%PDF", "a PDF"),
)
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


@dataclass(frozen=True)
class TextFault:
    """What is wrong with one row (or, without a row, with the file)."""

    code: str
    message: str
    row: int | None = None
    value: str | None = None


@dataclass
class TextTable:
    """A text file in the engine: `relation` has the columns c0, c1 ... and row_number.

    `faults` lists at most 20 rows; `refused` counts all of them. `refusal` says why the whole file can't be read.
    """

    header: list[str] = field(default_factory=list)
    relation: str = ""
    rows: int = 0
    blank: int = 0
    refused: int = 0
    faults: list[TextFault] = field(default_factory=list)
    refusal: TextFault | None = None


def read_text(
    engine: Engine,
    path: Path,
    relation: str,
    wanted: Iterable[str],
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    plain_by_engine: bool = True,
) -> TextTable:
    """Read a text file into the engine, every cell as text; only the empty cell is missing.

    Parameters
    ----------
    engine
        The DuckDB connection.
    path
        The file.
    relation
        The name of the temporary table to make.
    wanted
        Column names of which at least one is expected in the header; they decide the delimiter.
    encoding, delimiter
        Settings; without them UTF-8, or what a byte order mark says, and the delimiter that shows known columns.
    plain_by_engine
        Let the engine read a file that has no quote character; turned off by the test that both ways agree.
    """
    data = path.read_bytes()
    fault = _unreadable(data, path.name)
    if fault is not None:
        return TextTable(refusal=fault)
    text, fault = _decode(data, path.name, encoding)
    if fault is not None:
        return TextTable(refusal=fault)
    text = text.removeprefix("\ufeff")
    declared = re.match(r"sep=(.)\r?\n", text)
    skipped = 0
    if declared:
        delimiter, skipped = delimiter or declared.group(1), 1
    start = declared.end() if declared else 0
    header, delimiter, before, fault = find_header(text[start:], path.name, list(wanted), delimiter)
    if fault is not None:
        return TextTable(header=header, refusal=fault)
    table = TextTable(header=header, relation=relation)
    plain = plain_by_engine and start == before == 0 and encoding is None and '"' not in text
    if plain and not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and _even_lines(text):
        lines = text.count("\n") + (0 if text.endswith("\n") else 1)
        # The engine takes an empty cell too many at a line's end for nothing; their number tells.
        even = text.count(delimiter) == (len(header) - 1) * lines
        rows = _by_engine(engine, path, relation, len(header), delimiter) if even else None
        if rows == lines - 1:
            table.rows = rows
            return table
    _by_hand(engine, text[start:], relation, delimiter, before, skipped, table, path.name)
    return table


def _unreadable(data: bytes, name: str) -> TextFault | None:
    if not data:
        return TextFault("empty_file", f"{name} is empty (0 bytes): not even a header.")
    for magic, what in _MAGIC:
        if data.startswith(magic):
            return TextFault("not_text", f"{name} is {what}, not a text file; save it as CSV (UTF-8).")
    return None


def _decode(data: bytes, name: str, encoding: str | None) -> tuple[str, TextFault | None]:
    bom = next((kind for mark, kind in _BOMS if data.startswith(mark)), None)
    used = bom or encoding or "utf-8"
    try:
        text = data.decode(used)
    except LookupError:
        known = ("utf-8", "utf-16", "cp1252", "latin-1", "mac-roman", "cp1250", "cp850")
        return "", TextFault(
            "bad_encoding", f"{name}: there is no encoding '{used}'. {did_you_mean(used, known)}"
        )
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = f"0x{data[error.start]:02X}" if error.start < len(data) else "the end"
        return "", TextFault(
            "bad_encoding",
            f"{name}, line {line}: byte {byte} at position {error.start} is not {used}; save the file as UTF-8, or name"
            f' its encoding in the settings: encoding = "cp1252".',
            value=byte,
        )
    at = text.find("\0")
    if at >= 0:
        line = text.count("\n", 0, at) + 1
        return "", TextFault(
            "nul_byte",
            f"{name}, line {line}: a NUL byte at position {at}; this is no text file, or it is UTF-16 without a byte"
            ' order mark (then set encoding = "utf-16-le").',
        )
    return text, None


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)


def find_header(
    text: str, name: str, wanted: list[str], delimiter: str | None
) -> tuple[list[str], str, int, TextFault | None]:
    """Find the header: its names, the delimiter, the blank rows before it."""
    candidates = [delimiter] if delimiter else list(DELIMITERS)
    found: list[tuple[int, int, str, list[str], int]] = []
    for rank, mark in enumerate(candidates):
        try:
            for before, record in enumerate(_records(text, mark)):
                if any(cell.strip() for cell in record):
                    names = [cell.strip() for cell in record]
                    known = len(set(names) & set(wanted))
                    found.append((known, -rank, mark, names, before))
                    break
        except csv.Error:
            continue
    if not found:
        if text.strip():
            message = f"{name}, row 1: the header has a quote that is not closed."
            return [], "", 0, TextFault("unclosed_quote", message, 1)
        return [], "", 0, TextFault("empty_file", f"{name} has only blank lines: not even a header.")
    known, _, mark, names, before = max(found, key=lambda f: f[:2])
    row = before + 1
    if known == 0:
        shown = max((f[3] for f in found), key=len)
        return shown, mark, before, TextFault(
            "no_known_column",
            f"{name}, row {row}: no known column in the header ({', '.join(shown[:12])}). Expected some of:"
            f" {', '.join(wanted[:12])}. The header must be the first row; other names need a mapping.",
            row,
        )  # fmt: skip
    twice = sorted({n for n in names if n and [m.casefold() for m in names].count(n.casefold()) > 1})
    if twice:
        return (
            names,
            mark,
            before,
            TextFault(
                "duplicate_header",
                f"{name}, row {row}: the header has {', '.join(map(repr, twice))} more than once.",
                row,
            ),
        )
    return names, mark, before, None


_UNEVEN = re.compile(r"^[\s,;|]*$", re.MULTILINE)


def _even_lines(text: str) -> bool:
    """Tell that no line is blank and that lines end in one way, so that line n is row n."""
    returns = text.count("\r")
    body = text[:-1] if text.endswith("\n") else text
    if returns and (returns != text.count("\r\n") or returns < body.count("\n")):
        return False
    return _UNEVEN.search(body.replace("\r", "")) is None


def _by_engine(engine: Engine, path: Path, relation: str, width: int, delimiter: str) -> int | None:
    """Let the engine read a file in which a cell is what stands between two delimiters; None where it refuses."""
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(width))
    names = ", ".join(f"c{i}" for i in range(width))
    try:
        engine.execute(
            f"CREATE OR REPLACE TEMP TABLE {quoted(relation)} AS SELECT {names},"
            " CAST(row_number() OVER () + 1 AS BIGINT) AS row_number"
            f" FROM read_csv({literal(str(path))}, delim = {literal(delimiter)}, quote = '', escape = '',"
            " header = false, skip = 1, auto_detect = false, null_padding = false, strict_mode = true,"
            f" columns = {{{columns}}})"
        )
    except Exception:  # any refusal sends the file down the careful way, which names the row
        return None
    return int(engine.execute(f"SELECT count(*) FROM {quoted(relation)}").fetchone()[0])


def _by_hand(
    engine: Engine,
    text: str,
    relation: str,
    delimiter: str,
    before: int,
    skipped: int,
    table: TextTable,
    name: str,
) -> None:
    """Read record by record; rows are counted as a spreadsheet does, blank ones too."""
    width = len(table.header)
    schema = pa.schema([*((f"c{i}", pa.string()) for i in range(width)), ("row_number", pa.int64())])
    batches: list[pa.RecordBatch] = []
    kept: list[list[str]] = []
    numbers: list[int] = []

    def flush() -> None:
        if kept:
            cells = [pa.array([v or None for v in column], pa.string()) for column in zip(*kept, strict=True)]
            batches.append(pa.record_batch([*cells, pa.array(numbers, pa.int64())], schema=schema))
            kept.clear()
            numbers.clear()

    row = skipped
    try:
        for row, record in enumerate(_records(text, delimiter), start=1 + skipped):
            if row == before + skipped + 1:
                continue
            table.rows += 1
            if not any(cell.strip() for cell in record):
                table.blank += 1
            elif len(record) != width:
                table.refused += 1
                if table.refused <= SHOWN:
                    table.faults.append(_ragged(name, row, len(record), width, delimiter))
            else:
                kept.append(record)
                numbers.append(row)
                if len(kept) == _CHUNK:
                    flush()
    except csv.Error as error:
        message = (
            f"{name}, row {row + 1}: the quotes of this record are not closed as they should be ({error})."
        )
        table.refusal = TextFault("unclosed_quote", message, row + 1)
        return
    flush()
    engine.register("incoming", pa.Table.from_batches(batches, schema=schema))
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(relation)} AS SELECT * FROM incoming")
    engine.unregister("incoming")


def _ragged(name: str, row: int, found: int, width: int, delimiter: str) -> TextFault:
    mark = _NAMES.get(delimiter, delimiter)
    return TextFault(
        "ragged_row",
        f"{name}, row {row}: {found} cells where the header has {width} (delimiter {mark}); a cell that holds the"
        " delimiter must stand in quotes.",
        row,
    )
