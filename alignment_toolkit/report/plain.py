"""What the writers of files share: paper text, moments, archives that are the same every time."""

from __future__ import annotations

import datetime
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterator
from typing import Final

from alignment_toolkit.charts import clean
from alignment_toolkit.languages import noted
from alignment_toolkit.report.blocks import (
    CLOSE,
    OPEN,
    Block,
    Detail,
    Document,
    Figure,
    Fold,
    Heading,
    Section,
    SideBySide,
    without_isolates,
)

__all__ = ["ELSEWHERE", "figures", "fixed_zip", "heading", "moment", "plain", "sentences", "tied", "walk"]

# A number stays on the line of its sign, of % and of its currency, whether that is a symbol or a code.
_TIED: Final = re.compile(
    r"(?<=\d) (?=[%$\u00a3\u00a5\u20a0-\u20bf])|(?<=\b[A-Z]{3}) (?=\d)|(?<=\bn) (?=\d)|(?<=\d) (?=[A-Z]{3}\b)"
)
_SIGNED: Final = re.compile(r"(?<![^\s(\u2068])([-+])(?=[$\u00a3\u00a5\u20a0-\u20bf]|[A-Z]{1,3}\$?\s?\d)")
# Where that is which would be too much for paper.
ELSEWHERE: Final = noted("in report.html, report.xlsx and analysis.json")
# The first moment that a zip archive can hold.
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def plain(text: object, *, lines: bool = False) -> str:
    r"""Give text for a format without marks for direction: isolates stay only around what runs from right to left.

    Examples
    --------
    >>> plain("by \u2068Acme\u2069: 12 %") == "by Acme: 12\u00a0%"
    True
    """
    parts: list[str] = []
    rest = str(text)
    while (start := rest.find(OPEN)) >= 0 and (end := rest.find(CLOSE, start)) >= 0:
        inside = _fit(rest[start + 1 : end], lines=lines)
        turned = any(unicodedata.bidirectional(c) in ("R", "AL") for c in inside)
        parts += [_fit(rest[:start], lines=lines), f"{OPEN}{inside}{CLOSE}" if turned else inside]
        rest = rest[end + 1 :]
    return _TIED.sub("\u00a0", "".join([*parts, _fit(rest, lines=lines)]).strip())


def tied(text: str) -> str:
    r"""Tie a number to its sign and its currency, where lines break by themselves.

    Examples
    --------
    >>> tied("12 % or 5 \u20ac") == "12\u00a0% or 5\u00a0\u20ac"
    True
    >>> tied("from -\u20ac5 to +JPY 7") == "from -\u2060\u20ac5 to +\u2060JPY\u00a07"
    True
    """
    return _SIGNED.sub("\\1\u2060", _TIED.sub("\u00a0", text))


def _fit(text: str, *, lines: bool) -> str:
    return clean(f"|{without_isolates(text)}|", lines=lines)[1:-1]


def moment(document: Document) -> datetime.datetime:
    """Give the moment that stands in a file's properties: midnight of the day up to which the data is complete."""
    try:
        day = datetime.date.fromisoformat(document.date)
    except ValueError:
        day = datetime.date(*_EPOCH[:3])
    return datetime.datetime(max(day.year, 1980), day.month, day.day)


def fixed_zip(content: bytes) -> bytes:
    """Write an archive again with fixed times and attributes: the same parts, the same bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            about = zipfile.ZipInfo(name, _EPOCH)
            about.create_system = 3
            about.external_attr = 0o600 << 16
            about.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(about, old.read(name), compresslevel=6)
    return made.getvalue()


def walk(blocks: tuple[Block, ...]) -> Iterator[Block]:
    """Give all blocks in reading order, those inside of others after these."""
    for block in blocks:
        yield block
        if isinstance(block, Section | Fold | Detail):
            yield from walk(block.blocks)
        elif isinstance(block, SideBySide):
            for column in block.columns:
                yield from walk(column)


def figures(document: Document) -> list[Figure]:
    """Give the figures of a document in reading order."""
    return [b for b in walk(document.blocks) if isinstance(b, Figure)]


def heading(section: Section) -> str:
    """Give the text of a section's first heading."""
    return next((b.text for b in section.blocks if isinstance(b, Heading)), "")


def sentences(label: str, text: str) -> str:
    """Join a label and its text as prose does."""
    if not label:
        return text
    if not text:
        return label if label[-1:] in "?!.:" else f"{label}:"
    return f"{label} {text}" if label[-1:] in "?!.:" else f"{label}. {text}"
