"""Keeping a view: as parameters of a scheduled run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from alignment_toolkit.errors import ExportFailed
from alignment_toolkit.explorer.view import View

__all__ = ["AGREED", "keep_view"]

AGREED: Final = "agreed.json"
"""What was agreed lies beside analysis.json, on this machine and nowhere else."""


def keep_view(view: View, folder: str | Path = "views") -> Path:
    """Write a view as parameters that ``alignment run --parameters`` takes; nothing that is there is overwritten.

    Raises
    ------
    ExportFailed
        Where the folder cannot be written.
    """
    words = "-".join([view.kpi, view.period, *view.only])
    name = re.sub(r"[^\w.-]+", "-", words).strip("-.") or "view"
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            path = Path(folder) / f"{name}{f'-{number}' if number > 1 else ''}.json"
            try:
                with path.open("x", encoding="utf-8", newline="\n") as file:
                    file.write(view.dumps())
            except FileExistsError:
                number += 1
                continue
            return path
    except OSError as e:
        raise ExportFailed(f"The view could not be kept in {folder}: {e.strerror or e}.") from e
