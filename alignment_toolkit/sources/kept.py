"""SQL that was written before, kept in the user's cache: a new process does not write it again.

Each query is a file of its own, named by the digest of what its expression says and of the versions that wrote it. A
file is made aside and put in its place at once, so that neither a crash nor a hundred runs beside each other leave half
of one; what does not bear out its own digest is not used and is written anew. Where nothing can be kept, all goes on
without.
"""

from __future__ import annotations

import hashlib
import os
import platform
import stat
import tempfile
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from alignment_toolkit.results import VERSION

__all__ = ["MOST", "VARIABLE", "get", "place", "put", "usable"]

VARIABLE: Final = "ALIGNMENT_CACHE"
MOST: Final = 4_000
_LARGEST: Final = 2_000_000
_HOUR: Final = 3600
# What says, writes and keeps: with another text of these, nothing that was kept is used.
_WRITERS: Final = ("kept.py", "shape.py", "engine.py")


def place() -> Path | None:
    """Give the folder of the cache, whether it is there or not; None where it is switched off or there is no home."""
    named = os.environ.get(VARIABLE, "").strip()
    if named.lower() in ("off", "0", "no", "none"):
        return None
    if named:
        return Path(named).expanduser().absolute()
    from platformdirs import user_cache_path

    try:
        return user_cache_path("alignment_toolkit", appauthor=False)
    except (OSError, RuntimeError):
        return None


def usable() -> Path | None:
    """Give the folder that SQL is kept in; None where nothing can be kept."""
    return _folder(place())


def get(digest: bytes) -> str | None:
    """Give the SQL that was kept for a digest."""
    folder = usable()
    if folder is None:
        return None
    try:
        with (folder / _name(digest)).open("rb") as file:
            told, _, sql = file.read(2 * _LARGEST).partition(b"\n")
        return sql.decode() if told == _proof(digest, sql) else None
    except (OSError, UnicodeDecodeError):
        return None


def put(digest: bytes, sql: str) -> None:
    """Keep the SQL of a digest, if that can be done."""
    folder = usable()
    text = sql.encode()
    if folder is None or len(text) > _LARGEST:
        return
    with suppress(OSError):
        number, aside = tempfile.mkstemp(dir=folder, suffix=".new")
        try:
            with os.fdopen(number, "wb") as file:
                file.write(_proof(digest, text) + b"\n" + text)
            Path(aside).replace(folder / _name(digest))
        except BaseException:
            with suppress(OSError):
                Path(aside).unlink()
            raise
        _swept(folder)


@lru_cache(maxsize=8)
def _folder(named: Path | None) -> Path | None:
    """Make the folder, for its owner's eyes only; None where that fails or another one could write to it."""
    if named is None:
        return None
    folder = named / "sql"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        seen = folder.lstat()
        _versions()
    except (OSError, ValueError, ImportError):  # a name that no system knows, an install without versions
        return None
    if not stat.S_ISDIR(seen.st_mode):
        return None
    if os.name == "posix" and (seen.st_uid != os.getuid() or seen.st_mode & 0o022):
        return None
    return folder


@lru_cache(maxsize=8)
def _swept(folder: Path) -> None:
    """Remove the oldest where there are too many, and what a killed process left; once a process."""
    found: list[tuple[float, str]] = []
    with os.scandir(folder) as files:
        for file in files:
            with suppress(OSError):
                found.append((file.stat().st_mtime, file.path))
    found.sort(reverse=True)
    before = found[0][0] - _HOUR if found else 0.0  # by the newest, which was just written: no clock is asked
    kept = MOST // 2 if len(found) > MOST else MOST
    for number, (when, path) in enumerate(found):
        if number >= kept or (path.endswith(".new") and when < before):
            with suppress(OSError):
                Path(path).unlink()


@lru_cache(maxsize=1)
def _versions() -> bytes:
    parts = [VERSION, platform.python_version(), *map(version, ("ibis-framework", "sqlglot", "duckdb"))]
    text = [(Path(__file__).parent / name).read_bytes() for name in _WRITERS]
    return hashlib.sha256("|".join(parts).encode() + b"|" + b"|".join(text)).digest()


def _name(digest: bytes) -> str:
    return hashlib.sha256(_versions() + digest).hexdigest()


def _proof(digest: bytes, sql: bytes) -> bytes:
    return hashlib.sha256(digest + sql).hexdigest().encode()
