"""Keeping a view: as parameters of a scheduled run, and as a report; and who is there to look."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from alignment_toolkit.errors import ExportFailed, ParameterError, did_you_mean
from alignment_toolkit.explorer.view import View
from alignment_toolkit.notebooks import RUN_FOLDER

__all__ = ["AGREED", "INTERACTIVE", "keep_view", "somebody_looks"]

AGREED: Final = "agreed.json"
"""What was agreed lies beside analysis.json, on this machine and nowhere else."""
INTERACTIVE: Final = ("auto", "yes", "no")


def somebody_looks(interactive: str = "auto", environment: Mapping[str, str] | None = None) -> bool:
    """Say whether controls make sense: a person has a page open, and not papermill, nbconvert or nbval alone.

    Parameters
    ----------
    interactive
        ``yes`` or ``no`` decide; ``auto`` looks: Jupyter tells its kernels which page they serve, Voila says who it is,
        and VS Code and Colab leave a sign too. A run by ``alignment run`` has nobody.
    environment
        By default that of the process.

    Examples
    --------
    >>> somebody_looks(environment={}), somebody_looks("yes", {}), somebody_looks(environment={"JPY_SESSION_NAME": "a"})
    (False, True, True)
    """
    if interactive not in INTERACTIVE:
        raise ParameterError(
            f"interactive can't be '{interactive}'. {did_you_mean(interactive, INTERACTIVE)}"
        )
    if interactive != "auto":
        return interactive == "yes"
    known = os.environ if environment is None else environment
    if known.get(RUN_FOLDER):
        return False
    if known.get("JPY_SESSION_NAME") or known.get("SERVER_SOFTWARE", "").startswith("voila"):
        return True
    return environment is None and ("google.colab" in sys.modules or "VSCODE_PID" in known)


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
