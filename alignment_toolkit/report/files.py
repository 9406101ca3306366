"""Files written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from alignment_toolkit.errors import ExportFailed

__all__ = ["write_whole"]


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write a file so that a reader sees the old one or the new one, never a half.

    Raises
    ------
    ExportFailed
        Where it cannot be written, with the path and the reason; what was there before is still there.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as e:
        with contextlib.suppress(OSError):
            part.unlink()
        reason = e.strerror or str(e)
        raise ExportFailed(f"'{path}' could not be written: {reason}. Nothing was changed there.") from e
    return path
