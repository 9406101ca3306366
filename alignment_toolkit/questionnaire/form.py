"""The blank form, as a workbook to send out: one person, one file, answers from a list."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Final

from alignment_toolkit.errors import ExportFailed
from alignment_toolkit.languages import ENGLISH, noted, say, speaking, term
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
from alignment_toolkit.statistics.instrument import FLOOR, ITEMS

__all__ = ["write_form"]

TITLE: Final = noted("How do marketing and sales work together here?")
SAID: Final = (
    noted(
        "Please answer for yourself: there is no right answer, and nobody is graded. It takes about five minutes."
    ),
    noted(
        "1 means: does not hold at all. 3: partly. 5: holds fully. Leave a row empty where you cannot say."
    ),
    noted("'The other department' is sales if you work in marketing, and marketing if you work in sales."),
    noted(
        "Privacy: your name is not asked for. Answers are shown only as means of at least {floor} people of a "
        "department; the file is deleted once its answers are read in."
    ),
)
# A fixed moment, so that the same form is the same bytes.
MADE: Final = dt.datetime(2026, 1, 1)


def write_form(path: str | Path, *, company: str = "", wave: str = "", language: str = ENGLISH) -> Path:
    """Write the blank form.

    Parameters
    ----------
    path
        The workbook to write; ``.xlsx`` is added where it has no ending.
    company, wave
        Printed on the form; the wave (``2026-Q3``) comes back with the answers.
    language
        The language of the form; forms of all languages are read back alike.

    Returns
    -------
    pathlib.Path
        The workbook.

    Raises
    ------
    ParameterError
        Where the wave's name cannot be one, or the language has no file.
    ExportFailed
        Where the file cannot be written.
    """
    import xlsxwriter
    from xlsxwriter.exceptions import XlsxWriterException

    name = checked_wave(wave)
    path = Path(path)
    path = path if path.suffix else path.with_suffix(".xlsx")
    draft = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            xlsxwriter.Workbook(
                str(draft), {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
            ) as book,
            speaking(language),
        ):
            book.set_properties({"title": say(TITLE), "created": MADE})
            _fill(book, company, name)
        draft.replace(path)
    except (OSError, XlsxWriterException) as problem:
        draft.unlink(missing_ok=True)
        raise ExportFailed(f"The form could not be written to {path}: {problem}") from problem
    return path


def _fill(book: Any, company: str, wave: str) -> None:
    sheet = book.add_worksheet(SHEET)
    style = {
        "title": book.add_format({"bold": True, "font_size": 16}),
        "head": book.add_format({"bold": True, "bottom": 1}),
        "text": book.add_format({"text_wrap": True, "valign": "top"}),
        "label": book.add_format({"bold": True, "valign": "top"}),
        "grey": book.add_format({"font_color": "#777777", "valign": "top"}),
        "mark": book.add_format({"font_color": "#FFFFFF"}),
        "field": book.add_format({"locked": False, "bg_color": "#FFF8DC", "border": 1, "align": "center"}),
    }
    sheet.set_column(0, 0, 6)
    sheet.set_column(1, 1, 86)
    sheet.set_column(2, 2, 14)
    sheet.hide_gridlines(2)
    _put(sheet, (1, 1), say(TITLE), style["title"])
    _put(sheet, MARK_CELL, MARK, style["mark"])
    _put(sheet, (2, 2), company, style["label"])
    for number, line in enumerate(SAID):
        _put(sheet, (3 + number, 2), say(line, floor=FLOOR), style["text"])
        sheet.set_row(2 + number, 32)
    _put(sheet, (DEPARTMENT_CELL[0], 2), say("Your department (choose from the list)"), style["label"])
    _put(sheet, DEPARTMENT_CELL, "", style["field"])
    _choice(sheet, DEPARTMENT_CELL, [term(d) for d in DEPARTMENTS], say("Please choose marketing or sales."))
    _put(sheet, (WAVE_CELL[0], 2), say("Round"), style["label"])
    _put(sheet, WAVE_CELL, wave, style["text"])
    for column, word in enumerate(
        (say("No."), say("How far does this hold?"), say("Answer, 1 to 5")), start=1
    ):
        _put(sheet, (FIRST_ROW - 1, column), word, style["head"])
    for number, item in enumerate(ITEMS):
        row = FIRST_ROW + number
        _put(sheet, (row, 1), item.id, style["grey"])
        _put(sheet, (row, 2), say(item.text), style["text"])
        _put(sheet, (row, ANSWER), "", style["field"])
        _choice(
            sheet,
            (row, ANSWER),
            [1, 2, 3, 4, 5],
            say("Please choose a number from 1 to 5, or leave it empty."),
        )
    sheet.freeze_panes(FIRST_ROW - 1, 0)
    # Without a password: it keeps the words from being changed by accident.
    sheet.protect("", {"select_locked_cells": True})
    sheet.fit_to_pages(1, 0)
    sheet.set_paper(9)


def _put(sheet: Any, cell: tuple[int, int], value: str, style: Any) -> None:
    row, column = cell[0] - 1, cell[1] - 1
    if value:
        sheet.write_string(row, column, value, style)
    else:
        sheet.write_blank(row, column, None, style)


def _choice(sheet: Any, cell: tuple[int, int], allowed: list[Any], message: str) -> None:
    sheet.data_validation(
        cell[0] - 1,
        cell[1] - 1,
        cell[0] - 1,
        cell[1] - 1,
        {"validate": "list", "source": allowed, "ignore_blank": True, "error_title": say("Not in the list"),
         "error_message": message},
    )  # fmt: skip
