"""Forms that came back, or one wide file of an online survey, as rows of the canonical table `survey`."""

from __future__ import annotations

import csv
import hashlib
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from alignment_toolkit.brief import some
from alignment_toolkit.errors import DataError, ExportFailed, ParameterError, Problem, did_you_mean
from alignment_toolkit.languages import languages, speaking, term
from alignment_toolkit.questionnaire.layout import (
    ANSWER,
    DEPARTMENT_CELL,
    DEPARTMENTS,
    FIRST_ROW,
    MARK,
    MARK_CELL,
    SHEET,
    WAVE_CELL,
    checked_wave,
)
from alignment_toolkit.statistics.instrument import ITEMS

__all__ = ["COLUMNS", "Answer", "read_returned", "write_survey"]

COLUMNS: Final = ("respondent_id", "department", "item", "answer", "wave")
_IDS: Final = tuple(item.id for item in ITEMS)
_LARGEST: Final = 50_000_000  # bytes of one workbook, unpacked
_ROWS: Final = 200_000
Answer = dict[str, Any]


@dataclass
class _Sheet:
    """The answers of one person, and where they were found."""

    file: str
    row: int | None
    department: str
    wave: str
    answers: dict[str, int]


@dataclass
class _Found:
    sheets: list[_Sheet] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def tell(
        self, file: str, row: int | None, column: str | None, value: Any, code: str, message: str
    ) -> None:
        """Keep a problem; its message names file, row, column and value."""
        where = (
            f"{file}" + (f", row {row}" if row is not None else "") + (f", column {column}" if column else "")
        )
        shown = str(value)[:60] if value not in (None, "") else None
        said = f"{where}: {message}" + (f" It holds '{shown}'." if shown else "")
        self.problems.append(Problem("survey", file, row, column, shown, code, "error", said))


def read_returned(paths: Iterable[str | Path], *, wave: str | None = None) -> list[Answer]:
    r"""Read filled forms (one person a workbook) and wide files (one person a row, one column an item).

    A wide file is a CSV or a workbook with the columns department and any of c01 to t12; wave and respondent_id may be
    there. Names of files and ids are not kept: people are numbered by what they answered, so that no number says whose
    form it was. A person's missing answers are left out.

    Parameters
    ----------
    paths
        Files.
    wave
        The wave of all of them; by default what they say themselves.

    Returns
    -------
    list of dict
        Rows of the canonical table `survey`.

    Raises
    ------
    DataError
        With every problem at once, each with file, row, column and value.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "answers.csv"
    >>> _ = path.write_text("department,c01,c02\nsales,4,\nMarketing,2,5\n")
    >>> [(a["department"], a["item"], a["answer"]) for a in read_returned([path])]
    [('marketing', 'c01', 2), ('marketing', 'c02', 5), ('sales', 'c01', 4)]
    """
    found = _Found()
    name = None if wave is None else checked_wave(wave)
    files = [Path(p) for p in paths]
    if not files:
        raise ParameterError("No file to read answers from was named.")
    for place, times in Counter(str(p.resolve()) for p in files).items():
        if times > 1:
            found.tell(Path(place).name, None, None, None, "file_twice", "The file is named more than once.")
    for path in dict.fromkeys(files):
        _read(path, name, found)
    if found.problems:
        raise DataError(
            f"{some(len(found.problems), 'problem')} in the answers; nothing was taken over.", found.problems
        )
    return _numbered(found.sheets)


def write_survey(rows: Sequence[Answer], path: str | Path) -> Path:
    """Write rows as `survey.csv`, whole or not at all."""
    path = Path(path)
    draft = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        draft.replace(path)
    except OSError as problem:
        draft.unlink(missing_ok=True)
        raise ExportFailed(f"The answers could not be written to {path}: {problem}") from problem
    return path


def _read(path: Path, wave: str | None, found: _Found) -> None:
    kind = path.suffix.lower()
    if not path.is_file():
        near = (
            did_you_mean(path.name, (p.name for p in path.parent.glob("*"))) if path.parent.is_dir() else ""
        )
        found.tell(path.name, None, None, None, "no_file", f"There is no such file. {near}".strip())
    elif kind == ".csv":
        _read_csv(path, wave, found)
    elif kind == ".xlsx":
        _read_workbook(path, wave, found)
    else:
        found.tell(path.name, None, None, None, "no_form", "Only .xlsx and .csv files hold answers.")


def _read_csv(path: Path, wave: str | None, found: _Found) -> None:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        found.tell(
            path.name, None, None, None, "encoding", "The file is not in UTF-8; save it again as CSV UTF-8."
        )
        return
    first = text.split("\n", 1)[0]
    mark = max((",", ";", "\t"), key=first.count)
    _read_wide(path.name, list(csv.reader(text.splitlines(), delimiter=mark)), wave, found)


def _read_workbook(path: Path, wave: str | None, found: _Found) -> None:
    import openpyxl

    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(part.file_size for part in packed.infolist())
        if size > _LARGEST:
            found.tell(path.name, None, None, None, "too_large", "The workbook is too large to be a form.")
            return
        book = openpyxl.load_workbook(path, data_only=True, keep_links=False)
    except Exception as problem:  # openpyxl and the zip reader raise what they like on a broken file
        said = f"The workbook cannot be read ({type(problem).__name__})."
        found.tell(path.name, None, None, None, "unreadable", said)
        return
    try:
        if SHEET in book.sheetnames and book[SHEET].cell(*MARK_CELL).value == MARK:
            _read_form(path.name, book[SHEET], wave, found)
        else:
            rows = book.worksheets[0].iter_rows(values_only=True, max_row=_ROWS)
            _read_wide(path.name, [list(row) for row in rows], wave, found)
    finally:
        book.close()


def _read_form(file: str, sheet: Any, wave: str | None, found: _Found) -> None:
    before = len(found.problems)
    department = _department(file, DEPARTMENT_CELL[0], sheet.cell(*DEPARTMENT_CELL).value, found)
    name = wave if wave is not None else _wave(file, WAVE_CELL[0], sheet.cell(*WAVE_CELL).value, found)
    answers = {}
    for row, item in enumerate(_IDS, start=FIRST_ROW):
        if sheet.cell(row, 1).value != item:
            said = f"The form was changed: the row of {item} is expected here."
            found.tell(file, row, "No.", sheet.cell(row, 1).value, "form_changed", said)
            return
        value = _answer(file, row, item, sheet.cell(row, ANSWER).value, found)
        if value is not None:
            answers[item] = value
    if not answers and len(found.problems) == before:
        found.tell(file, None, None, None, "no_answer", "No statement is answered.")
    if department and name is not None:
        found.sheets.append(_Sheet(file, None, department, name, answers))


def _read_wide(file: str, rows: list[list[Any]], wave: str | None, found: _Found) -> None:
    head = [str(cell or "").strip().casefold() for cell in rows[0]] if rows else []
    items = [name for name in head if name in _IDS]
    missing = [name for name in ("department",) if name not in head]
    if missing or not items:
        what = "department" if missing else "none of the columns c01 to c20 and t01 to t12"
        said = f"The column {what} is missing." if missing else f"There is {what}."
        near = did_you_mean("department", [h for h in head if h]) if missing else ""
        found.tell(file, 1, None, None, "missing_column", f"{said} {near}".strip())
        return
    for name, times in Counter(head).items():
        if name and times > 1 and (name in _IDS or name in COLUMNS):
            found.tell(file, 1, name, None, "column_twice", "The column is there more than once.")
            return
    at = {name: head.index(name) for name in (*items, *(c for c in COLUMNS if c in head))}
    seen: dict[tuple[str, str], int] = {}
    for number, cells in enumerate(rows[1:], start=2):
        if not any(str(c or "").strip() for c in cells):
            continue
        told = {name: (cells[i] if i < len(cells) else None) for name, i in at.items()}
        department = _department(file, number, told["department"], found)
        name_ = wave if wave is not None else _wave(file, number, told.get("wave"), found)
        answers = {i: v for i in items if (v := _answer(file, number, i, told[i], found)) is not None}
        who = str(told.get("respondent_id") or "").strip()
        if who and name_ is not None:
            if (who, name_) in seen:
                said = f"This person answered in row {seen[who, name_]} already."
                found.tell(file, number, "respondent_id", who, "person_twice", said)
            seen.setdefault((who, name_), number)
        if department and name_ is not None and answers:
            found.sheets.append(_Sheet(file, number, department, name_, answers))
    if not found.sheets and not found.problems:
        found.tell(file, None, None, None, "no_answer", "No row has an answer.")


def _department(file: str, row: int, value: Any, found: _Found) -> str | None:
    word = str(value or "").strip().casefold()
    if word in DEPARTMENTS:
        return word
    if word in (known := _departments()):
        return known[word]
    near = did_you_mean(word, DEPARTMENTS) if word else "Choose marketing or sales."
    said = "The department must be marketing or sales." if word else "The department is empty."
    found.tell(file, row, "department", value, "department", f"{said} {near}")
    return None


def _departments() -> dict[str, str]:
    """Give the departments by their words in every language that a form can have."""
    told: dict[str, str] = {}
    for language in languages():
        with speaking(language):
            told |= {term(department).casefold(): department for department in DEPARTMENTS}
    return told


def _wave(file: str, row: int, value: Any, found: _Found) -> str | None:
    try:
        return checked_wave(str(value or ""))
    except ParameterError as problem:
        found.tell(file, row, "wave", value, "wave", str(problem))
        return None


def _answer(file: str, row: int, item: str, value: Any, found: _Found) -> int | None:
    text = str(value if value is not None else "").strip()
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if isinstance(value, bool) or number not in (1, 2, 3, 4, 5):
        found.tell(file, row, item, value, "answer", "An answer is a whole number from 1 to 5, or empty.")
        return None
    return int(number)


def _numbered(sheets: Iterable[_Sheet]) -> list[Answer]:
    """Number people by what they answered: neither the order of the files nor their names is in it."""

    def fingerprint(sheet: _Sheet) -> tuple[str, str, str]:
        told = repr(sorted(sheet.answers.items()))
        return sheet.wave, sheet.department, hashlib.sha256(told.encode()).hexdigest()

    return list(_rows(sorted(sheets, key=fingerprint)))


def _rows(sheets: Iterable[_Sheet]) -> Iterator[Answer]:
    number: Counter[str] = Counter()
    for sheet in sheets:
        number[sheet.wave] += 1
        who = f"{sheet.wave + '-' if sheet.wave else ''}{number[sheet.wave]:04d}"
        for item in _IDS:
            if item in sheet.answers:
                values = (who, sheet.department, item, sheet.answers[item], sheet.wave)
                yield dict(zip(COLUMNS, values, strict=True))
