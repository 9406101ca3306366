"""Where a key of a TOML file stands: the line of every key and of every element of a list."""

from __future__ import annotations

import bisect
import re
import tomllib
from collections.abc import Sequence

__all__ = ["Path", "key_lines", "line_of"]

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    "|".join(
        [
            r'"""(?:\\.|[^\\])*?"""(?:"{0,2})',
            r"'''.*?'''(?:'{0,2})",
            r'"(?:\\.|[^"\\\n])*"',
            r"'[^'\n]*'",
        ]
    ),
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]\}#\r\n]+")


def key_lines(text: str) -> dict[Path, int]:
    r"""Give the line, from 1, of every key and list element of a **valid** TOML text.

    A table has the line of its first header, or of the first key that makes it.

    Examples
    --------
    >>> key_lines('[a]\nb.c = [1,\n  2]')
    {('a',): 1, ('a', 'b'): 2, ('a', 'b', 'c'): 2, ('a', 'b', 'c', 0): 2, ('a', 'b', 'c', 1): 3}
    """
    return _Reader(text).read()


def line_of(lines: dict[Path, int], path: Sequence[str | int]) -> int | None:
    """Give the line of a path, or of the nearest table above it that is written down; None if there is none."""
    for length in range(len(path), 0, -1):
        line = lines.get(tuple(path[:length]))
        if line is not None:
            return line
    return None


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.breaks = [found.start() for found in re.finditer("\n", text)]
        self.lines: dict[Path, int] = {}
        self.arrays: dict[Path, int] = {}  # arrays of tables: how many elements there are so far

    def read(self) -> dict[Path, int]:
        table: Path = ()
        self.skip(_BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
            self.skip(_BLANK)
        return self.lines

    def skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()

    def line(self) -> int:
        return bisect.bisect_left(self.breaks, self.at) + 1

    def note(self, path: Path, line: int) -> None:
        for length in range(1, len(path) + 1):
            self.lines.setdefault(path[:length], line)

    def header(self) -> Path:
        line = self.line()
        double = self.text.startswith("[[", self.at)
        self.at += 2 if double else 1
        keys = self.keys()
        self.at += 2 if double else 1
        path: Path = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            last = position == len(keys) - 1
            if double and last:
                self.arrays[path] = self.arrays.get(path, 0) + 1
            if path in self.arrays:
                # A header below an array of tables speaks of the element that was opened last.
                self.note(path, line)
                path = (*path, self.arrays[path] - 1)
        self.note(path, line)
        return path

    def pair(self, table: Path) -> None:
        line = self.line()
        path = (*table, *self.keys())
        self.at += 1  # the equals sign
        self.note(path, line)
        self.value(path)

    def keys(self) -> list[str]:
        found = []
        while True:
            self.skip(_SPACE)
            string = _STRING.match(self.text, self.at) or _BARE.match(self.text, self.at)
            if string is None:
                raise ValueError(f"no key on line {self.line()}")
            self.at = string.end()
            written = string.group()
            found.append(tomllib.loads(f"k = {written}")["k"] if written[0] in "\"'" else written)
            self.skip(_SPACE)
            if self.text[self.at : self.at + 1] != ".":
                return found
            self.at += 1

    def value(self, path: Path) -> None:
        self.skip(_SPACE)
        first = self.text[self.at]
        if first == "[":
            self.inside("]", path)
        elif first == "{":
            self.inside("}", path)
        else:
            string = _STRING.match(self.text, self.at) or _SCALAR.match(self.text, self.at)
            if string is None:
                raise ValueError(f"no value on line {self.line()}")
            self.at = string.end()

    def inside(self, closes: str, path: Path) -> None:
        self.at += 1
        element = 0
        self.skip(_BLANK)
        while self.text[self.at] != closes:
            if closes == "}":
                self.pair(path)
            else:
                self.note((*path, element), self.line())
                self.value((*path, element))
                element += 1
            self.skip(_BLANK)
            if self.text[self.at] == ",":
                self.at += 1
            self.skip(_BLANK)
        self.at += 1
