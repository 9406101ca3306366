"""Reads the package's source text for the tests of its laws: what imports what, without running anything.

Everything works on a mapping from path to text, so that a law can be tried on a few made-up lines as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
PACKAGE = "alignment_toolkit"

# The lowest floor first; within a floor, a module stands above those listed before it.
FLOORS: tuple[tuple[str, ...], ...] = (
    (
        "errors",
        "secrets",
        "languages",
        "units",
        "periods",
        "pseudonyms",
        "progress",
        "meanwhile",
        "brief",
        "lossless",
        "results",
    ),
    ("settings", "tables", "sources", "relations", "company", "simulation"),
    ("statistics", "kpi", "drivers", "attribution", "indicator", "verdict", "segmentation"),
    ("kpis", "indicators", "segmentations"),
    (
        "catalog",
        "changes",
        "scorecard",
        "findings",
        "wording",
        "following",
        "analysis",
        "explanation",
        "questionnaire",
    ),
    ("privacy", "charts", "report"),
    ("notebooks", "display", "explorer", "runs", "cli"),
)
# What starts the toolkit stands above all floors.
DOORS = ("__init__", "__main__")
CATALOGUES = FLOORS[3]

Files = Mapping[str, str]


@dataclass(frozen=True)
class Import:
    """What is imported; `later` says that importing the file does not run it (in a function, for types only)."""

    line: int
    target: str
    later: bool


def package_files() -> dict[str, str]:
    """Return every Python file of the package, by its path from the project's root."""
    return {
        path.relative_to(PROJECT).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted((PROJECT / PACKAGE).rglob("*.py"))
    }


def module_name(path: str) -> str:
    """Return the dotted name of a file, `alignment_toolkit.report.html` for example."""
    parts = list(Path(path).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def place(module: str) -> str | None:
    """Return the module or package of the list of floors that a dotted name belongs to; None if foreign."""
    parts = module.split(".")
    if parts[0] != PACKAGE:
        return None
    return parts[1] if len(parts) > 1 else "__init__"


def floor(name: str) -> tuple[int, int] | None:
    """Return floor and position of a place; None where it has none."""
    for number, names in enumerate(FLOORS):
        if name in names:
            return number, names.index(name)
    return (len(FLOORS), 0) if name in DOORS else None


def imports(path: str, text: str) -> list[Import]:
    """Return all imports of a file: at the top, in functions, for types only, by `import_module("...")`."""
    own = module_name(path)
    package = own if path.endswith("__init__.py") else own.rpartition(".")[0]
    found: list[Import] = []
    for node, later in _walk(ast.parse(text, filename=path), later=False):
        found += [Import(node.lineno, target, later) for target in _targets(node, package)]
    return found


def _walk(node: ast.AST, *, later: bool) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(node):
        yield child, later
        function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        types_only = isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING")
        yield from _walk(child, later=later or function or types_only)


def _targets(node: ast.AST, package: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*above, base] if base else above)
        return [f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        target = node.args[0].value
        if called in {"import_module", "__import__"} and isinstance(target, str):
            return [f"{package}{target}" if target.startswith(".") else target]
    return []


def foreign(target: str) -> str | None:
    """Return the top-level name of an imported library; None for the toolkit's own modules."""
    top = target.partition(".")[0]
    return None if top == PACKAGE else top
