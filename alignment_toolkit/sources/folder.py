"""Source `folder`: files `<table>.csv`, `.xlsx`, `.parquet` or sheets `<table>`, by their own names or by a mapping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alignment_toolkit.brief import some
from alignment_toolkit.errors import DataError, Problem, did_you_mean
from alignment_toolkit.sources.mapping import mapped_columns, wanted_names
from alignment_toolkit.sources.part import Engine, Formats, Part, RawColumn, literal, quoted
from alignment_toolkit.sources.text import read_text
from alignment_toolkit.sources.workbook import WORKBOOKS, read_workbook, sheet_headers
from alignment_toolkit.tables import TABLES

__all__ = ["file_part", "folder_parts", "formats"]

_TEXT = (".csv", ".tsv", ".txt")
_KINDS = (*_TEXT, *WORKBOOKS, ".parquet")
_OTHER_SHEETS = (".xls", ".xlsb", ".ods", ".numbers")
_SETTINGS = "alignment.toml"


def folder_parts(engine: Engine, folder: Path, settings: Any) -> list[Part]:
    """Read every canonical table of a folder.

    Parameters
    ----------
    engine
        The DuckDB connection.
    folder
        The folder; nothing is ever written into it.
    settings
        The Settings; `tables` has the mapping.

    Raises
    ------
    DataError
        If there is nothing in it that could be a table.
    """
    # What begins with ~$ is the mark of a workbook that is open elsewhere.
    files = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith((".", "~$")))
    tables = {p: {p.stem} for p in files if p.suffix.lower() in _KINDS}
    mapping = settings.tables
    parts: list[Part] = []
    mapped_files: set[Path] = set()
    strange: list[tuple[Path, str, str]] = []
    for name in (n for n in TABLES if n in mapping):
        for number, part in enumerate(mapping[name].parts(name)):
            path = _mapped_file(folder, part.from_, files, settings, name)
            mapped_files.add(path)
            parts.append(file_part(engine, path, name, part, settings, number))
    for path in tables:
        if path.suffix.lower() in WORKBOOKS and path.stem not in TABLES and path not in mapped_files:
            headers = sheet_headers(path)
            sheets = {sheet.strip().casefold(): sheet for sheet in headers}
            tables[path] |= set(sheets) & set(TABLES)
            if tables[path] & set(TABLES):
                # Beside a table, a sheet with more than one cell in its first row is meant as one.
                others = [
                    sheet for key, sheet in sheets.items() if key not in TABLES and len(headers[sheet]) > 1
                ]
                strange += [(path, sheet, f"{path.name} [{sheet}]") for sheet in others]
    for name in (n for n in TABLES if n not in mapping):
        own = [p for p, names in tables.items() if name in names and p not in mapped_files]
        if len(own) > 1:
            both = " and ".join(p.name for p in own)
            message = f"There are {both}: which of them is '{name}'? Keep one of them."
            parts.append(_refused(name, own[0], "two_files", message))
        elif own:
            parts.append(file_part(engine, own[0], name, None, settings, 0))
    if not parts:
        there = ", ".join(p.name for p in files[:12]) or "nothing"
        near = [did_you_mean(p.stem, TABLES) for p in files if p.suffix.lower() in _KINDS]
        hint = next((f" {n}" for n in near if n.startswith("Did")), "")
        if any(p.suffix.lower() in _OTHER_SHEETS for p in files):
            hint += " Spreadsheets are read as .xlsx; save others so, or as CSV (UTF-8)."
        raise DataError(
            f"{folder.name or folder} holds no canonical table; it holds: {there}.{hint} Expected files like leads.csv,"
            f" orders.xlsx or opportunities.parquet ({', '.join(TABLES)}), or an {_SETTINGS} that maps others."
        )
    files_aside = [p for p, names in tables.items() if not names & set(TABLES) and p not in mapped_files]
    for path, name, told in [*((p, p.stem, p.name) for p in files_aside), *strange]:
        message = f"{told} is no canonical table and is not used. {did_you_mean(name, TABLES, shown=23)}"
        problem = Problem(None, path.name, None, None, None, "unknown_table", "warning", message)
        parts[0].problems.append(problem)
    return parts


def _mapped_file(folder: Path, name: str | None, files: list[Path], settings: Any, table: str) -> Path:
    """Find the file that a mapping names; it may lie elsewhere only by an absolute path."""
    said = Path(name or table)
    key = ("tables", table, "from")
    if not said.is_absolute() and ".." in said.parts:
        raise settings.error((key, f"is '{name}'; it must not leave the data folder by '..'."))
    path = said if said.is_absolute() else folder / said
    if path.is_file():
        return path
    for kind in _KINDS:
        if path.with_name(path.name + kind).is_file():
            return path.with_name(path.name + kind)
    near = did_you_mean(said.name, [f.name for f in files])
    raise settings.error((key, f"names the file '{name}', which is not there. {near}"))


def _refused(table: str, path: Path, code: str, message: str) -> Part:
    part = Part(table, path.name, "", {})
    part.tell(code, message)
    part.refusal = message
    return part


def file_part(engine: Engine, path: Path, table: str, mapping: Any, settings: Any, number: int) -> Part:
    """Read one file into a part."""
    if path.suffix.lower() == ".parquet":
        return _parquet(engine, path, table, mapping, settings)
    spec = TABLES[table]
    relation = f"raw {table} {number}"
    wanted = wanted_names(spec, mapping)
    if path.suffix.lower() in WORKBOOKS:
        sheet = mapping.sheet if mapping else None
        text = read_workbook(
            engine, path, relation, wanted, table=table, sheet=sheet, formats=formats(mapping)
        )
    else:
        text = read_text(
            engine,
            path,
            relation,
            wanted,
            encoding=mapping.encoding if mapping else None,
            delimiter=mapping.delimiter if mapping else None,
        )
    part = Part(table, path.name, quoted(relation), {}, formats=formats(mapping))
    part.rows, part.blank, part.refused = text.rows, text.blank, text.refused
    if text.refusal is not None:
        fault = text.refusal
        part.tell(fault.code, fault.message, row=fault.row, value=fault.value)
        part.refusal = fault.message
        return part
    for fault in text.faults:
        part.tell(fault.code, fault.message, row=fault.row, value=fault.value)
    if text.refused > len(text.faults):
        more = text.refused - len(text.faults)
        told = f"{path.name}: {some(more, 'more row')} with too many or too few cells."
        part.tell("ragged_row", told, more=more)
    if text.rows == text.blank:
        part.tell("header_only", f"{path.name} has a header and no row.", level="warning")
    physical = [kind for _, kind, *_ in engine.execute(f"DESCRIBE {quoted(relation)}").fetchall()]
    present = {
        name: RawColumn(f"c{i}", physical[i], source=name) for i, name in enumerate(text.header) if name
    }
    mapped_columns(engine, part, spec, present, mapping, settings)
    return part


def formats(mapping: Any) -> Formats:
    """Give the forms of dates and numbers that a mapping says."""
    if mapping is None:
        return Formats()
    return Formats(mapping.dates, mapping.decimal or ".", mapping.thousands)


def _parquet(engine: Engine, path: Path, table: str, mapping: Any, settings: Any) -> Part:
    relation = f"read_parquet({literal(str(path))}, file_row_number = true)"
    part = Part(
        table, path.name, relation, {}, row="file_row_number + 1", large=True, formats=formats(mapping)
    )
    try:
        described = engine.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
        part.rows = engine.execute(f"SELECT count(*) FROM {relation}").fetchone()[0]
    except Exception as error:  # the engine's own errors, of many kinds
        reason = str(error).splitlines()[0]
        message = f"{path.name} can't be read as Parquet: {reason}"
        part.tell("not_parquet", message)
        part.refusal = message
        return part
    present = {
        name: RawColumn(quoted(name), physical, source=name)
        for name, physical, *_ in described
        if name != "file_row_number"
    }
    if not part.rows:
        part.tell("header_only", f"{path.name} has no row.", level="warning")
    mapped_columns(engine, part, TABLES[table], present, mapping, settings)
    return part
