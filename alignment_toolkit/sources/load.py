"""Loading: parts of tables become canonical tables in the engine; every problem is found and counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from alignment_toolkit.brief import some
from alignment_toolkit.errors import Problem, did_you_mean
from alignment_toolkit.progress import step, telling
from alignment_toolkit.sources.cells import BLANKS, Cell, Fault, cell
from alignment_toolkit.sources.part import Engine, Part, RawColumn, literal, quoted
from alignment_toolkit.sources.spelling import Spelling, WordUse, spell, spelled_sql
from alignment_toolkit.tables import TABLES, Rule, TableSpec

__all__ = ["Loaded", "LoadedTable", "load"]

SHOWN = 20
# Below this, threads that wait for one another cost more than they bring.
_FEW_ROWS: Final = 500_000
# Look-up tables that canonical views lean on live in a schema of their own.
_DEPARTMENTS = "toolkit.departments"
_OF_PERSON = "department of the person"


@dataclass
class LoadedTable:
    """A canonical table in the engine, with its control total: rows = used + refused + blank + left_out.

    `left_out` counts rows that a condition of the mapping, a merge or a deletion takes out. `undated` says that its
    date is a constant of the mapping. `view` says that it is a view over the source's own files.
    """

    spec: TableSpec
    columns: tuple[str, ...]
    parts: tuple[Part, ...]
    rows: int = 0
    used: int = 0
    refused: int = 0
    blank: int = 0
    left_out: int = 0
    undated: bool = False
    view: bool = False
    # Where rows came from, for messages found later: file, what stands behind FROM, row number, typed columns.
    origins: list[tuple[str, str, str | None, dict[str, str]]] = field(default_factory=list)
    # Of each of them what says that a row has no error and was kept.
    kept: list[str] = field(default_factory=list)


@dataclass
class Loaded:
    """All that was loaded: tables by name in canonical order, why others were refused, and every problem."""

    tables: dict[str, LoadedTable] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, table: str, reason: str) -> None:
        """Take a table out, with the first reason."""
        self.tables.pop(table, None)
        self.refused.setdefault(table, reason)


@dataclass
class _Scan:
    """A part with its cells, and what one look at all its rows has told."""

    part: Part
    spec: TableSpec
    cells: dict[str, Cell]
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    words: dict[str, dict[str, int]] = field(default_factory=dict)
    spellings: dict[str, Spelling] = field(default_factory=dict)
    kept: int = 0

    def faults(self) -> Iterable[tuple[str, Fault]]:
        for name, made in self.cells.items():
            for fault in made.faults:
                yield name, fault

    @property
    def source(self) -> str:
        return f"{self.part.relation} WHERE {self.part.where or 'true'}"


@telling("Reading the data")
def load(engine: Engine, parts: Iterable[Part], zone: str) -> Loaded:
    """Type, check and bind the parts of all tables.

    Parameters
    ----------
    engine
        The DuckDB connection; the tables are made in its schema `main`.
    parts
        The parts, already read; several of one table are put together.
    zone
        The company's time zone.
    """
    loaded = Loaded()
    engine.execute("CREATE SCHEMA IF NOT EXISTS toolkit")
    by_table: dict[str, list[Part]] = {}
    for part in parts:
        step(part.table)
        by_table.setdefault(part.table, []).append(part)
    # A table with one part that can't be used as a whole is no table: half of it would be a wrong number.
    scans: dict[str, list[_Scan]] = {}
    for name in (n for n in TABLES if n in by_table):
        spec = TABLES[name]
        step(name)
        broken = [part.refusal for part in by_table[name] if part.refusal is not None]
        if broken:
            loaded.refuse(name, broken[0])
            continue
        has_people = bool(scans.get("people"))
        made = [_cells(part, spec, zone, has_people) for part in by_table[name]]
        reasons = [problem for _, problem in made if problem is not None]
        if reasons:
            loaded.problems += reasons
            loaded.refuse(name, reasons[0].message)
            continue
        group = [scan for scan, _ in made if scan is not None]
        if has_people and name != "people":
            group = [_fill_department(engine, scan) for scan in group]
        try:
            scans[name] = [_look(engine, scan) for scan in group]
        except Exception as error:  # the engine's own errors: an expression of the mapping fails on some cell
            reason = str(error).splitlines()[0]
            message = f"{group[0].part.file}: the engine can't compute the columns of {name}: {reason}"
            loaded.problems.append(
                Problem(name, group[0].part.file, None, None, None, "engine_refused", "error", message)
            )
            loaded.refuse(name, message)
            continue
        if name == "people":
            _spell_all(scans["people"])
            _departments(engine, scans["people"])
    loaded.problems = [
        p for group in by_table.values() for part in group for p in part.problems
    ] + loaded.problems
    _spell_all([scan for group in scans.values() for scan in group])
    for name, group in scans.items():
        _bind(engine, TABLES[name], group, loaded)
    if sum(table.rows for table in loaded.tables.values()) < _FEW_ROWS:
        engine.execute("SET threads = 1")
    return loaded


def _cells(part: Part, spec: TableSpec, zone: str, has_people: bool) -> tuple[_Scan | None, Problem | None]:
    """Give the typed cells of a part, or the reason why it can't be used at all."""
    _part_alike(part, spec)
    for column in spec.columns.values():
        if column.name in part.columns:
            continue
        if column.default is not None:
            part.columns[column.name] = RawColumn(literal(column.default), constant=True)
        elif column.name == "department" and has_people and spec.department_of in part.columns:
            part.columns["department"] = RawColumn("CAST(NULL AS VARCHAR)")
    missing = [name for name in spec.required if name not in part.columns]
    if missing:
        sources = [c.source or n for n, c in part.columns.items() if n not in spec.columns]
        lacks = "; ".join(f"no column '{name}'. {did_you_mean(name, sources)}" for name in missing)
        message = f"{part.file} has {lacks}"
        problem = Problem(part.table, part.file, None, missing[0], None, "missing_column", "error", message)
        return None, problem
    cells: dict[str, Cell] = {}
    for name in spec.columns:
        if name in part.columns:
            raw = part.columns[name]
            made = cell(spec.columns[name], raw, part.formats, zone)
            if made.wrong_type:
                shown = f"'{raw.source}' (for {name})" if raw.source not in ("", name) else f"'{name}'"
                message = f"{part.file}: column {shown} {made.wrong_type}."
                return None, Problem(part.table, part.file, None, name, None, "wrong_type", "error", message)
            default = spec.columns[name].default
            if default is not None:
                typed = "BOOLEAN" if spec.columns[name].type == "bool" else "VARCHAR"
                made = Cell(
                    f"coalesce({made.typed}, CAST({literal(default)} AS {typed}))", made.shown, made.faults
                )
            cells[name] = made
    for rule in spec.rules:
        if rule.column in cells and rule.of in cells:
            cells[rule.column] = _ruled(cells[rule.column], cells[rule.of], rule)
    for name in sorted(set(part.columns) - set(spec.columns)):
        raw = part.columns[name]
        text = raw.sql if raw.physical == "VARCHAR" else f"CAST({raw.sql} AS VARCHAR)"
        cells[name] = Cell(f"nullif({text}, '')", text)
    return _Scan(part, spec, cells), None


def _ruled(made: Cell, of: Cell, rule: Rule) -> Cell:
    """Add the bounds that hold where another column says a certain word."""
    outside = f"({made.typed}) < {rule.low:g} OR ({made.typed}) > {rule.high:g}"
    condition = f"lower(trim({of.typed}, {BLANKS})) = {literal(rule.word)} AND ({outside})"
    right = f"with {rule.of} {rule.word} it must be {rule.low:g} to {rule.high:g}"
    return Cell(made.typed, made.shown, (*made.faults, Fault("out_of_range", "error", condition, right)))


def _part_alike(part: Part, spec: TableSpec) -> None:
    """Leave out further columns that differ from another only in case: the engine holds them for one."""
    taken = {name.casefold(): name for name in spec.columns if name in part.columns}
    taken |= {c.name.casefold(): c.name for c in spec.columns.values() if c.default is not None}
    for name in sorted(set(part.columns) - set(spec.columns)):
        other = taken.setdefault(name.casefold(), name)
        if other != name:
            del part.columns[name]
            message = f"{part.file}: column '{name}' differs from '{other}' only in case; it is not kept."
            part.tell("column_alike", message, column=name, level="warning")


def _fill_department(engine: Engine, scan: _Scan) -> _Scan:
    """Take an empty department from the person who acted."""
    person = scan.cells.get(scan.spec.department_of or "")
    made = scan.cells.get("department")
    if person is None or made is None:
        return scan
    if not engine.execute(f"SELECT count(*) FROM {scan.source} AND ({made.typed}) IS NULL").fetchone()[0]:
        return scan
    scan.part.relation = (
        f"(SELECT r.*, d.{quoted(_OF_PERSON)} FROM {scan.part.relation} r"
        f' LEFT JOIN {_DEPARTMENTS} d ON d."toolkit person" = {person.typed})'
    )
    typed = f"coalesce({made.typed}, {quoted(_OF_PERSON)})"
    faults = tuple(
        Fault(
            f.code, f.level, f"({typed}) IS NULL", f"{f.right}, or the person's department known from people"
        )
        if f.code == "missing_value"
        else f
        for f in made.faults
    )
    scan.cells["department"] = Cell(typed, made.shown, faults)
    return scan


def _look(engine: Engine, scan: _Scan) -> _Scan:
    """Look at all rows once: how many there are, how many cells have which fault, which words are used."""
    faults = list(scan.faults())
    words = [
        name for name in scan.cells if name in scan.spec.columns and scan.spec.columns[name].type == "word"
    ]
    asked = [f"count(*) FILTER (WHERE {fault.condition})" for _, fault in faults]
    asked += [f"histogram({scan.cells[name].typed})" for name in words]
    found = engine.execute(f"SELECT count(*), {', '.join(asked) or 'NULL'} FROM {scan.source}").fetchone()
    scan.kept = found[0]
    for (name, fault), count in zip(faults, found[1:], strict=False):
        if count:
            scan.counts[name, fault.code] = count
    for name, counts in zip(words, found[1 + len(faults) :], strict=False):
        scan.words[name] = counts or {}
    return scan


def _spell_all(scans: Sequence[_Scan]) -> None:
    keys = [(scan, name) for scan in scans for name in scan.words]
    uses = [WordUse(scan.spec.name, scan.spec.columns[name], scan.words[name]) for scan, name in keys]
    for (scan, name), spelling in zip(keys, spell(uses), strict=True):
        scan.spellings[name] = spelling


def _departments(engine: Engine, scans: Sequence[_Scan]) -> None:
    """Note who is in which department, for tables whose own department is empty."""
    selects = []
    for number, scan in enumerate(scans):
        shown = spelled_sql(
            engine, scan.spellings["department"], scan.cells["department"].typed, f"d{number}"
        )
        selects.append(
            f"SELECT {scan.cells['person_id'].typed} AS person, {shown} AS department FROM {scan.source}"
        )
    engine.execute(
        f'CREATE OR REPLACE TABLE {_DEPARTMENTS} AS SELECT person AS "toolkit person",'
        f" min(department) AS {quoted(_OF_PERSON)}"
        f" FROM ({' UNION ALL '.join(selects)}) WHERE person IS NOT NULL GROUP BY person"
    )


def _bind(engine: Engine, spec: TableSpec, scans: Sequence[_Scan], loaded: Loaded) -> None:
    """Make the canonical table of its parts, without the rows that have an error."""
    columns = [c for c in spec.columns if any(c in s.cells for s in scans)]
    # Further columns of several files that differ only in case are one column.
    alike: dict[str, str] = {}
    for name in sorted({c for s in scans for c in s.cells} - set(spec.columns)):
        alike.setdefault(name.casefold(), name)
    extras = sorted(alike.values())
    table = LoadedTable(spec, (*columns, *extras), tuple(s.part for s in scans))
    selects = []
    for number, scan in enumerate(scans):
        errors = _report(engine, scan, loaded)
        typed = {
            name if name in spec.columns else alike[name.casefold()]: made.typed
            for name, made in scan.cells.items()
        }
        for name, spelling in scan.spellings.items():
            typed[name] = spelled_sql(engine, spelling, typed[name], f"spelling {spec.name} {number} {name}")
        shown = ", ".join(f"{typed.get(c, _empty(spec, c))} AS {quoted(c)}" for c in table.columns)
        conditions = ([f"({scan.part.where})"] if scan.part.where else []) + [
            f"({e}) IS NOT TRUE" for e in errors
        ]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        selects.append(f"SELECT {shown} FROM {scan.part.relation}{where}")
        refused = 0
        if errors:
            some = " OR ".join(f"({e}) IS TRUE" for e in errors)
            keep = f"({scan.part.where}) AND " if scan.part.where else ""
            refused = engine.execute(
                f"SELECT count(*) FROM {scan.part.relation} WHERE {keep}({some})"
            ).fetchone()[0]
        part = scan.part
        table.origins.append((part.file, scan.source, part.row, typed))
        table.kept.append(" AND ".join(f"({e}) IS NOT TRUE" for e in errors) or "TRUE")
        table.rows += part.rows
        table.blank += part.blank
        table.refused += part.refused + refused
        table.used += scan.kept - refused
        table.left_out += part.rows - part.blank - part.refused - scan.kept
    table.view = any(s.part.large for s in scans)
    table.undated = spec.date is not None and any(
        spec.date in s.part.columns and s.part.columns[spec.date].constant for s in scans
    )
    kind = "VIEW" if table.view else "TABLE"
    engine.execute(f"CREATE OR REPLACE {kind} {quoted(spec.name)} AS {' UNION ALL '.join(selects)}")
    loaded.tables[spec.name] = table


def _empty(spec: TableSpec, name: str) -> str:
    kinds = {
        "timestamp": "TIMESTAMP",
        "date": "DATE",
        "money": "DECIMAL(18,4)",
        "bool": "BOOLEAN",
        "integer": "BIGINT",
    }
    kinds |= {"number": "DOUBLE", "share": "DOUBLE", "score": "DOUBLE"}
    kind = spec.columns[name].type if name in spec.columns else "text"
    return f"CAST(NULL AS {kinds.get(kind, 'VARCHAR')})"


def _report(engine: Engine, scan: _Scan, loaded: Loaded) -> list[str]:
    """Record the problems of a part; give the conditions under which a row is refused."""
    errors: list[str] = []
    done: list[str] = []
    last = ""
    for name, fault in scan.faults():
        if name != last:
            done, last = [], name
        if (name, fault.code) in scan.counts:
            first = " AND ".join([f"({fault.condition})", *(f"({d}) IS NOT TRUE" for d in done)])
            _tell(engine, scan, name, fault.code, fault.level, first, fault.right, loaded)
            done.append(fault.condition)
            if fault.level == "error":
                errors.append(fault.condition)
    for name, spelling in scan.spellings.items():
        spec = scan.spec.columns[name]
        typed = scan.cells[name].typed
        if spelling.unknown:
            condition = f"{typed} IN ({', '.join(literal(w) for w in spelling.unknown)})"
            _tell(engine, scan, name, "unknown_word", "error", condition, None, loaded)
            errors.append(condition)
        blank = [w for w, shown in spelling.shown.items() if shown is None]
        if blank and spec.required:
            condition = f"{typed} IN ({', '.join(literal(w) for w in blank)})"
            _tell(engine, scan, name, "missing_value", "error", condition, "it must be filled", loaded)
            errors.append(condition)
    return errors


def _tell(
    engine: Engine,
    scan: _Scan,
    name: str,
    code: str,
    level: str,
    condition: str,
    right: str | None,
    loaded: Loaded,
) -> None:
    """List the first rows with a fault, and count them all."""
    part, made = scan.part, scan.cells[name]
    shown = 1 if code == "id_from_number" else SHOWN  # it speaks of the column, not of the row
    row = part.row or "NULL"
    key = scan.cells[part.row_name].shown if part.row_name in scan.cells else "NULL"
    keep = f"({part.where}) AND " if part.where else ""
    found = engine.execute(
        f"SELECT {row} AS number, {key}, {made.shown}, count(*) OVER () FROM {part.relation}"
        f" WHERE {keep}({condition}) ORDER BY 1, 2, 3 LIMIT {shown}"
    ).fetchall()
    total = found[0][3] if found else 0
    source = part.columns[name].source if name in part.columns else ""
    label = f"{name} (column '{source}')" if source and source != name else name
    for number, row_key, value, _ in found:
        named = f", {part.row_name} '{row_key}'" if row_key is not None else ""
        at = f", row {number}" if number is not None else named
        says = (
            right or f"it is none of the allowed words. {did_you_mean(value, scan.spec.columns[name].words)}"
        )
        what = (
            f"{label} is empty"
            if value is None or code == "missing_value"
            else f"{label} is '{_short(value)}'"
        )
        message = f"{part.file}{at}: {what}; {says if says.endswith(('.', '?')) else f'{says}.'}"
        loaded.problems.append(Problem(part.table, part.file, number, name, value, code, level, message))  # type: ignore[arg-type]
    if total > len(found):
        more = some(total - len(found), "more row")
        message = f"{part.file}: {more} in which {label} has the same problem ({code})."
        loaded.problems.append(
            Problem(part.table, part.file, None, name, None, code, level, message, total - len(found))  # type: ignore[arg-type]
        )


def _short(value: Mapping[str, str] | str) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
