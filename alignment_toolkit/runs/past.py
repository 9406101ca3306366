"""What was run: published runs by their manifests, failed ones by their page."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

from alignment_toolkit.errors import AlignmentError, ParameterError, UnknownName
from alignment_toolkit.runs.performing import Run, read_manifest
from alignment_toolkit.runs.places import FAILED, LATEST, MANIFEST, latest

__all__ = ["history", "show"]


def history(out: str | Path = "reports") -> list[dict[str, Any]]:
    """List what was published and what failed, the oldest first."""
    found: list[dict[str, Any]] = []
    for path in Path(out).glob(f"*/*/*/*/{MANIFEST}"):
        if path.parent.name == LATEST or path.parent.name.startswith("."):
            continue
        with contextlib.suppress(OSError, ValueError, AlignmentError):
            manifest = read_manifest(path.parent)
            current = latest(path.parent.parent)
            found.append(
                {
                    k: manifest.get(k)
                    for k in ("id", "notebook", "company", "period", "slice", "status", "finished")
                }
                | {k: manifest.get(k) for k in ("seconds", "findings")}
                | {"latest": current is not None and current.name == path.parent.name}
                | {"folder": path.parent.as_posix()}
            )
    for page in Path(out).glob(f"*/*/*/{FAILED}"):
        time = re.search(r'<time datetime="([^"]+)"', page.read_text(encoding="utf-8", errors="replace"))
        notebook, period, part = page.parts[-4:-1]
        found.append(
            {
                "id": None,
                "notebook": notebook,
                "company": None,
                "period": period,
                "slice": part,
                "status": "failed",
            }
            | {
                "finished": time.group(1) if time else None,
                "seconds": None,
                "findings": None,
                "latest": False,
            }
            | {"folder": page.as_posix()}
        )
    return sorted(found, key=lambda r: (r["finished"] or "", r["folder"]))


def show(id: str, out: str | Path = "reports") -> Run:
    """Give one run by its id or the beginning of it.

    Raises
    ------
    UnknownName
        Where there is none.
    ParameterError
        Where several begin so.
    """
    published = [r for r in history(out) if r["id"]]
    found = [r for r in published if r["id"] == id] or [r for r in published if r["id"].startswith(id)]
    if not found:
        raise UnknownName("run", id, [r["id"] for r in published], where=f"in {out}")
    if len(found) > 1:
        ids = ", ".join(r["id"] for r in found[:12])
        raise ParameterError(f"'{id}' begins the ids of {len(found)} runs in {out}: {ids}. Write more of it.")
    folder = Path(found[0]["folder"])
    return Run(folder, read_manifest(folder), fresh=False)
