"""The runs beside a run: those of earlier periods through which its gaps are followed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from alignment_toolkit.errors import AlignmentError
from alignment_toolkit.runs.places import latest, slug

__all__ = ["MOST", "bearing", "earlier_runs"]

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


def earlier_runs(out: Path, notebook: str, part: str, start: str, kind_days: int) -> tuple[str, ...]:
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

    Returns
    -------
    tuple of str
        The files analysis.json, at most the last `MOST`, relative to the working folder where that is possible.
    """
    found: dict[tuple[str, str], Path] = {}
    for period in sorted((out / slug(notebook)).glob("*")):
        folder = latest(period / slug(part)) if period.is_dir() and not period.name.startswith(".") else None
        path = folder / "analysis.json" if folder is not None else None
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
