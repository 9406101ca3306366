"""Which messages there are: read out of the source, so that a language's file can be compared with what is said.

What is written as ``say("...")``, ``say_count(n, "...", "...")`` or ``noted("...")`` is a message. So are the words of
what is declared: an indicator's header and its docstring, a KPI's title, a column's label.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from alignment_toolkit.languages import FOLDER
from alignment_toolkit.languages.terms import TERMS

__all__ = ["Message", "gaps", "messages"]

# The fields of declarations that a reader sees: by position, or by name.
_DECLARED: Final[dict[str, tuple[int | str, ...]]] = {
    "Kpi": ("title", "about", "empty", "left_out_words", "requires_words", "says"),
    "KpiOfRows": ("title", "about", "empty", "left_out_words", "requires_words", "says"),
    "RatioOfKpis": ("title", "about", "empty"),
    "ProductOfKpis": ("title", "about", "empty"),
    "DifferenceOfKpis": ("title", "about", "empty"),
    "Segmentation": ("title", "question", "about"),
    "Identity": ("title", "formula"),
    "Driver": (0,),
    "Lever": (1, 3, 4),
    "Feature": (1, 5, "low", "high"),
    "Column": (1,),
    "Measure.of": (1,),
    "indicator": ("title", "failure_title", "question", "says", "advice", "population", "innocent", "enough"),
    "World": (1,),
}
# Names of columns that become labels of a chart.
_CHARTED: Final[dict[str, tuple[int | str, ...]]] = {
    "Chart": (1, 2, "x", "y", "group"),
    "count_matrix": (1, 2),
}
# Fields that are words wherever they stand.
_ANYWHERE: Final = ("n_unit", "method")
# Calls whose `method` is none of ours.
_OF_OTHERS: Final = (
    "Request",
    "linprog",
    "mannwhitneyu",
    "minimize",
    "minimize_scalar",
    "rank",
    "root_scalar",
)
# What is said in a terminal, in a notebook or by a made-up company, and the words of this package itself.
_ELSEWHERE: Final = (
    "cli",
    "notebooks",
    "explorer",
    "simulation",
    "sources",
    "tables",
    "settings",
    "languages",
)
_IN_PAGES: Final = re.compile(r"say\(\"((?:[^\"\\]|\\.)*)\"")


@dataclass
class Message:
    """A message: its English, its form for many things where it has one, and where it is said."""

    text: str
    many: str = ""
    places: list[str] = field(default_factory=list)


def gaps(text: str) -> frozenset[str]:
    """Name a message's gaps.

    Examples
    --------
    >>> sorted(gaps("{n:,} of {of} {{not one}}"))
    ['n', 'of']
    """
    return frozenset(re.findall(r"(?<!\{)\{(\w+)[^{}]*\}", text.replace("{{", "").replace("}}", "")))


def _letters(text: str) -> bool:
    """Whether there is anything to translate beside the gaps."""
    return bool(re.search(r"[A-Za-z]", re.sub(r"\{[^{}]*\}", "", text)))


@lru_cache(maxsize=4)
def messages(folder: Path = FOLDER.parent) -> dict[str, Message]:
    """Read all messages of the package, in the order of its files.

    Examples
    --------
    >>> messages()["Out of line"].places[0]
    'report/words.py'
    """
    found: dict[str, Message] = {}
    for text in sorted(TERMS):
        found.setdefault(text, Message(text)).places.append("languages/terms.py")
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder).as_posix()
        if path.suffix == ".py" and place.partition("/")[0] not in _ELSEWHERE:
            told = _of_module(path.read_text(encoding="utf-8"))
        elif path.suffix == ".j2":
            told = ((text, "") for text in _IN_PAGES.findall(path.read_text(encoding="utf-8")))
        else:
            continue
        for text, many in told:
            if not _letters(text):
                continue
            known = found.setdefault(text, Message(text))
            known.many = known.many or many
            if place not in known.places:
                known.places.append(place)
    return found


def _of_module(source: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield from _of_call(node)
        elif isinstance(node, ast.FunctionDef) and any(
            _called(d) == "indicator" for d in node.decorator_list
        ):
            yield inspect.cleandoc(ast.get_docstring(node, clean=False) or ""), ""


def _called(node: ast.AST) -> str:
    """Name what is called: ``say``, ``Measure.of``, ``words.plural`` as ``plural``."""
    target = node.func if isinstance(node, ast.Call) else node
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, ast.Attribute):
        whole = f"{target.value.id}.{target.attr}" if isinstance(target.value, ast.Name) else target.attr
        return whole if whole in _DECLARED else target.attr
    return ""


def _of_call(node: ast.Call) -> Iterator[tuple[str, str]]:
    name = _called(node)
    if name in ("say", "noted", "opening"):
        yield from ((text, "") for text in _texts(node.args[:1]))
    elif name == "say_count" and len(node.args) > 2:
        yield from zip(_texts(node.args[1:2]), _texts(node.args[2:3]), strict=False)
    elif name == "plural" and len(node.args) > 1:
        ones, many = [*_texts(node.args[1:2])], [*_texts(node.args[2:3])]
        yield from ((one, many[0] if many else f"{one}s") for one in ones)
    yield from ((text, "") for text in _texts(_fields(node, _DECLARED.get(name, ()))))
    for text in _texts(_fields(node, _CHARTED.get(name, ()))):
        label = text.replace("_", " ").strip()
        yield label[:1].upper() + label[1:], ""
    if name not in _OF_OTHERS:
        yield from ((text, "") for text in _texts(k.value for k in node.keywords if k.arg in _ANYWHERE))


def _fields(node: ast.Call, wanted: tuple[int | str, ...]) -> Iterator[ast.AST]:
    for one in wanted:
        if isinstance(one, int):
            yield from node.args[one : one + 1]
        else:
            yield from (k.value for k in node.keywords if k.arg == one)


def _texts(nodes: Any) -> Iterator[str]:
    """Give the constant texts of expressions: of choices both, of dictionaries the values, or the keys of counts."""
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value:
                yield node.value
        elif isinstance(node, ast.IfExp):
            yield from _texts((node.body, node.orelse))
        elif isinstance(node, ast.BoolOp):
            yield from _texts(node.values)
        elif isinstance(node, ast.Dict):
            told = [*_texts(node.values)]
            yield from told or _texts(k for k in node.keys if k is not None)
