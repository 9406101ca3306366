"""Rules 9 and 10 of the architecture, and what must never get into the repository: machine paths, hosts, outputs."""

from __future__ import annotations

import ast
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.source_tree import PROJECT

FOLDERS = ("alignment_toolkit", "benchmarks", "data/sample", "docs", "notebooks", "tests", ".ci")
GENERATED = {".git", "__pycache__", "_build", ".ipynb_checkpoints"}
TEXT = {
    ".cfg",
    ".css",
    ".csv",
    ".html",
    ".ipynb",
    ".j2",
    ".json",
    ".lock",
    ".md",
    ".py",
    ".toml",
    ".txt",
    ".yml",
    "",
}


def repository() -> Iterator[Path]:
    """Give the text files of the project, those that are not yet committed too."""
    paths = [path for path in PROJECT.iterdir() if path.is_file()]
    for folder in FOLDERS:
        paths += [path for path in (PROJECT / folder).rglob("*") if path.is_file()]
    for path in sorted(paths):
        inside = path.relative_to(PROJECT).parts
        if path.suffix in TEXT and not GENERATED & set(inside) and inside[:2] != ("benchmarks", "data"):
            yield path


# Length ---------------------------------------------------------------------------------------------------------

LONGEST = 500


def too_long(text: str) -> bool:
    return len(text.splitlines()) > LONGEST


def test_no_file_of_code_is_over_500_lines():
    long = [path.name for path in repository() if path.suffix == ".py" and too_long(path.read_text("utf-8"))]
    assert long == []


def test_a_long_file_is_found():
    assert not too_long("a\n" * LONGEST)
    assert too_long("a\n" * (LONGEST + 1))


# Paths and hosts ------------------------------------------------------------------------------------------------

# Put together from pieces, so that this file does not find itself.
MACHINE_PATH = re.compile(
    r"(?<![\w.~*)}\]/-])/(?:"
    + "|".join(["work", "root", "farm", "home", "Users", "tmp", "mnt", "opt"])
    + r")/[\w.]"
    r"|\b[A-Z]:\\+Users\\"
)
INDEX_HOST = re.compile(
    "|".join(["py" + r"pi\.", "pythonhosted" + r"\.", "--(?:extra-)?index" + "-url", "PIP" + "_INDEX"])
)


def leaks(text: str) -> list[str]:
    """Return the paths of one machine and the names of package hosts in a text."""
    return [found[0] for pattern in (MACHINE_PATH, INDEX_HOST) for found in pattern.finditer(text)]


def test_the_repository_names_no_machine_and_no_package_host():
    found = {path.relative_to(PROJECT).as_posix(): leaks(path.read_text("utf-8")) for path in repository()}
    assert len(found) > 20
    assert {path: each for path, each in found.items() if each} == {}


LEAKS = [
    "see /ro" + "ot/notes",
    "'/ho" + "me/ann/data'",
    "C:\\Us" + "ers\\ann",
    "https://py" + "pi.org/simple",
    "PIP" + "_INDEX_URL=x",
]


@pytest.mark.parametrize("text", LEAKS)
def test_a_leak_is_found(text):
    assert leaks(text) != []


def test_an_example_path_is_no_leak():
    for start, end in [
        ("PYTHON=/pa", "th/to/python3.12"),
        ("reports/wo", "rk/one"),
        ("../sha", "red/data"),
        ("https://example.org/ho", "me/page"),
    ]:
        assert leaks(start + end) == []


# Notebooks ------------------------------------------------------------------------------------------------------

MOST_CELLS = 12
MOST_LINES = 10
# name: type = default  # help
PARAMETER = re.compile(r"[a-z]\w*: [^=]+ = .+\S  # \S.*")


def unruly(notebook: dict[str, Any]) -> list[str]:
    """Return what a notebook does beyond asking, calling and explaining."""
    cells = notebook["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    texts = ["".join(cell["source"]) for cell in code]
    faults = []
    if not code or "parameters" not in code[0]["metadata"].get("tags", []):
        faults.append("the first code cell is not the one tagged `parameters`")
    elif wrong := [line for line in texts[0].splitlines() if not re.fullmatch(PARAMETER, line)]:
        faults.append(f"parameters are written `name: type = default  # help`, not {wrong}")
    if len(code) > MOST_CELLS:
        faults.append(f"{len(code)} code cells, more than {MOST_CELLS}")
    for number, (cell, text) in enumerate(zip(code, texts, strict=True), start=1):
        where = f"code cell {number}"
        if cell["outputs"] or cell["execution_count"] is not None:
            faults.append(f"{where}: outputs or an execution count are committed")
        if len(text.splitlines()) > MOST_LINES:
            faults.append(f"{where}: {len(text.splitlines())} lines, more than {MOST_LINES}")
        defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        if any(isinstance(node, defined) for node in ast.walk(ast.parse(text))):
            faults.append(f"{where}: defines something; that belongs in the package")
    kinds = [cell["cell_type"] for cell in cells]
    if kinds[:1] != ["markdown"]:
        faults.append("it does not begin with its title in prose")
    if any(pair == ("code", "code") for pair in itertools.pairwise(kinds)):
        faults.append("two code cells without prose between them")
    if notebook["metadata"].get("kernelspec", {}).get("name") != "python3":
        faults.append("its kernel is not `python3`, the one every machine has")
    return faults


NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_asks_calls_and_explains(path):
    assert unruly(json.loads(path.read_text("utf-8"))) == []
    assert re.fullmatch(r"\d\d_[a-z]+(_[a-z]+)*", path.stem)


def a_notebook(*cells: tuple[str, str], **first: Any) -> dict[str, Any]:
    """Return a notebook of (kind, source) cells; `first` changes its first code cell."""
    made: list[dict[str, Any]] = []
    for kind, source in cells:
        cell: dict[str, Any] = {"cell_type": kind, "source": source.splitlines(keepends=True), "metadata": {}}
        if kind == "code":
            cell |= {"outputs": [], "execution_count": None}
            if not any(each["cell_type"] == "code" for each in made):
                cell |= {"metadata": {"tags": ["parameters"]}} | first
        made.append(cell)
    return {"cells": made, "metadata": {"kernelspec": {"name": "python3"}}}


TITLE = ("markdown", "# Title")
ASKS = ("code", 'period: str = "2026-Q3"  # the period')


def test_a_thin_notebook_is_taken():
    assert unruly(a_notebook(TITLE, ASKS, ("markdown", "The result."), ("code", "analyse(period)"))) == []


@pytest.mark.parametrize(
    "notebook",
    [
        a_notebook(TITLE, ASKS, metadata={}),
        a_notebook(TITLE, ASKS, outputs=[{"text": "1"}]),
        a_notebook(TITLE, ASKS, execution_count=1),
        a_notebook(ASKS),
        a_notebook(TITLE, ASKS, ("code", "analyse(period)")),
        a_notebook(TITLE, ("code", "period = 1  # no type")),
        a_notebook(TITLE, ("code", "period: int = 1")),
        a_notebook(TITLE, ASKS, TITLE, ("code", "def f():\n    pass")),
        a_notebook(TITLE, ASKS, TITLE, ("code", "a = 1\n" * (MOST_LINES + 1))),
        a_notebook(TITLE, ASKS, *[TITLE, ("code", "a = 1")] * MOST_CELLS),
        a_notebook(TITLE, ASKS) | {"metadata": {"kernelspec": {"name": "mine"}}},
    ],
)
def test_an_unruly_notebook_is_found(notebook):
    assert unruly(notebook) != []
