"""Where runs lie: names of folders, the pointer to the newest run, the clock."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

__all__ = [
    "FAILED",
    "LATEST",
    "MANIFEST",
    "file_hash",
    "latest",
    "now",
    "point",
    "slug",
    "stamp",
    "sync",
    "write",
]

MANIFEST = "manifest.json"
LATEST = "latest"
FAILED = "FAILED.html"
# Names that Windows keeps for devices, whatever follows the dot.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10))}


def now() -> dt.datetime:
    """Give the moment, in UTC; nothing else in the toolkit asks a clock for the date."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def slug(text: str, beside: Iterable[str] = ()) -> str:
    """Give a folder's name for any text: never a path, never hidden, the same for the same text.

    Where texts `beside` it differ from it only in upper and lower case, it has a digest: some file systems tell such
    names not apart.

    Examples
    --------
    >>> slug("2026-Q3"), slug("2026-07-01..2026-07-05")
    ('2026-Q3', '2026-07-01..2026-07-05')
    >>> slug("../../etc")
    'etc-74ccf3c5'
    >>> slug("region=North", beside=["region=North", "region=NORTH"])
    'region=North-ff44f672'
    """
    plain = unicodedata.normalize("NFKC", text)
    name = re.sub(r"[^A-Za-z0-9._=+-]+", "-", plain).strip("-. ")[:60].rstrip("-. ")
    # `latest` and the page of a failure stand beside folders of this kind.
    reserved = name.split(".")[0].casefold() in _DEVICES or name.casefold() in {LATEST, FAILED.casefold()}
    # What looks like a name with a digest gets one too, or it could take another text's folder.
    alike = any(other != text and other.casefold() == text.casefold() for other in beside)
    if name == text and name and not reserved and not alike and not re.search(r"-[0-9a-f]{8}$", name):
        return name
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{name or 'x'}-{digest}".replace(".", "-") if reserved else f"{name or 'x'}-{digest}"


def point(key: Path, id: str) -> None:
    """Make `latest` name this run: a relative link, or a line of text where links can't be made."""
    pointer, fresh = key / LATEST, key / f".{LATEST}-{id}"
    fresh.unlink(missing_ok=True)
    try:
        fresh.symlink_to(id, target_is_directory=True)
    except (OSError, NotImplementedError):
        write(fresh, id + "\n")
        sync(fresh)
    fresh.replace(pointer)
    sync(key)


def latest(key: Path) -> Path | None:
    """Give the folder of the newest published run of a notebook, period and slice."""
    pointer = key / LATEST
    if not pointer.is_symlink() and pointer.is_file():
        pointer = key / slug(pointer.read_text(encoding="utf-8").strip())
    folder = pointer.resolve()
    return folder if (folder / MANIFEST).is_file() else None


def write(path: Path, text: str) -> None:
    """Write text as UTF-8 with plain line ends, on every system."""
    path.write_text(text, encoding="utf-8", newline="\n")


def sync(path: Path) -> None:
    """Bring a file or folder to the disk; some systems can't for folders."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_hash(path: Path) -> str:
    """Give the SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def stamp(moment: dt.datetime) -> str:
    """Write a moment as a manifest does."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
