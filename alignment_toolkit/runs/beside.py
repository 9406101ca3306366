"""The runs beside a run: those of earlier periods through which its gaps are followed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from alignment_toolkit.errors import AlignmentError
from alignment_toolkit.notebooks.opening import split_part, write_part
from alignment_toolkit.runs.places import MANIFEST, latest, slug

__all__ = ["MOST", "bearing", "earlier_runs", "folder_of", "newest"]

# As many as the limits of the charts are made for.
MOST: Final = 26
# What an earlier run says of the runs before it has no part in what is said of this one.
_ASIDE: Final = (
    "alarms",
    "warnings",
    "data_quality",
    "attribution",
    "drivers",
    "plays",
    "incentives",
    "scorecard",
)


def folder_of(company: Any, part: str) -> str:
    """Name the folder of the runs of a part; it has a digest where another part differs from it only in case."""
    if "=" not in part:  # the whole company
        return slug(part)
    whole = getattr(company, "whole", company)
    dimension, _ = split_part(part)
    return slug(part, [write_part(dimension, value) for value in whole.values(dimension)])


def newest(period: Path, part: str, folder: str) -> Path | None:
    """Give the newest published run of a part in the folder of a period; one from before it had a digest counts too."""
    run = latest(period / folder)
    if run is not None or folder == slug(part):
        return run
    run = latest(period / slug(part))
    told = None if run is None else _read(run / MANIFEST)
    return run if told is not None and told.get("slice") == part else None


def earlier_runs(
    out: Path, notebook: str, part: str, start: str, kind_days: int, *, folder: str = ""
) -> tuple[str, ...]:
    """Find the newest run of each earlier period of the same notebook and slice, the oldest first.

    Parameters
    ----------
    out
        The root of the reports.
    notebook, part
        Whose runs: the notebook's name, and the slice's.
    start
        The first day of the period that is to be run, as text.
    kind_days
        Its length; of other lengths there is nothing to follow.
    folder
        The folder of this part, as `folder_of` gives it.

    Returns
    -------
    tuple of str
        The files analysis.json, at most the last `MOST`, relative to the working folder where that is possible.
    """
    found: dict[tuple[str, str], Path] = {}
    for period in sorted((out / slug(notebook)).glob("*")):
        if not period.is_dir() or period.name.startswith("."):
            continue
        run = newest(period, part, folder or slug(part))
        path = run / "analysis.json" if run is not None else None
        if path is None or not path.is_file():
            continue
        told = _read(path)
        if told is None or not str(told.get("to", "")) < start:
            continue
        if 0.85 <= _days(told) / kind_days <= 1.18:
            found[str(told["from"]), str(told["to"])] = path
    return tuple(_portable(found[key]) for key in sorted(found)[-MOST:])


def bearing(places: Iterable[str]) -> str:
    """Give one hash of what earlier analyses can change in a later one; empty for none.

    It does not know where they lie nor when they were made: a run that was made again with the same result is the same.
    """
    told = []
    for place in map(Path, places):
        files = [place] if place.is_file() else sorted(place.rglob("analysis.json")) if place.is_dir() else []
        for path in files:
            data = _read(path)
            if data is not None:
                kept = {k: v for k, v in data.items() if k not in _ASIDE}
                if isinstance(kept.get("definitions"), dict):
                    kept["definitions"] = {k: v for k, v in kept["definitions"].items() if k != "changed"}
                told.append(json.dumps(kept, sort_keys=True))
    return hashlib.sha256("\n".join(dict.fromkeys(told)).encode()).hexdigest() if told else ""


def _read(path: Path) -> dict[str, Any] | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, AlignmentError):
        return None
    return data if isinstance(data, dict) else None


def _days(told: dict[str, Any]) -> int:
    import datetime as dt

    try:
        return (dt.date.fromisoformat(told["to"]) - dt.date.fromisoformat(told["from"])).days + 1
    except (KeyError, TypeError, ValueError):
        return 0


def _portable(path: Path) -> str:
    """Write a path so that the executed notebook names no machine."""
    try:
        return Path(os.path.relpath(path.resolve())).as_posix()
    except ValueError:  # another drive has no relative path
        return path.as_posix()
