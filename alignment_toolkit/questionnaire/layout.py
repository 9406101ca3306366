"""Where things stand on the form: what its writer and its reader must agree on."""

from __future__ import annotations

import re
from typing import Final

from alignment_toolkit.errors import ParameterError

__all__ = [
    "ANSWER",
    "DEPARTMENTS",
    "DEPARTMENT_CELL",
    "FIRST_ROW",
    "MARK",
    "MARK_CELL",
    "SHEET",
    "WAVE_CELL",
    "checked_wave",
]

SHEET: Final = "Questionnaire"
MARK: Final = "alignment questionnaire, form 1"
# Rows and columns as a spreadsheet counts them: A1 is (1, 1).
MARK_CELL: Final = (1, 5)
DEPARTMENT_CELL: Final = (8, 3)
WAVE_CELL: Final = (9, 3)
FIRST_ROW: Final = 12
ANSWER: Final = 3
DEPARTMENTS: Final = ("marketing", "sales")
_WAVE: Final = re.compile(r"[A-Za-z0-9][\w .-]{0,39}")


def checked_wave(wave: str) -> str:
    """Give the name of a wave back, without blanks around it; empty is no name.

    Raises
    ------
    ParameterError
        Where it has other characters than letters, digits, blanks, points, dashes, or is too long.

    Examples
    --------
    >>> checked_wave(" 2026-Q3 ")
    '2026-Q3'
    >>> checked_wave("=1+1")
    Traceback (most recent call last):
        ...
    alignment_toolkit.errors.ParameterError: A wave is named like 2026-Q3, not '=1+1'.
    """
    name = wave.strip()
    if name and not _WAVE.fullmatch(name):
        raise ParameterError(f"A wave is named like 2026-Q3, not '{name[:60]}'.")
    return name
