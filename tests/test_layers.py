"""Law 1: imports go downward, those inside functions and those for types too."""

from __future__ import annotations

import sys

import pytest

from tests.source_tree import (
    CATALOGUES,
    DOORS,
    FLOORS,
    PACKAGE,
    Files,
    floor,
    foreign,
    imports,
    module_name,
    package_files,
    place,
)

# What a third party's indicator may use; the catalogue's own files have no more.
SURFACE = {
    "errors", "languages", "units", "periods", "results", "relations",
    "statistics", "kpi", "drivers", "attribution", "indicator", "segmentation",
}  # fmt: skip
SURFACE_LIBRARIES = {"ibis", "numpy", "pandas"}
# Of the standard library what computes; an indicator reads no file, no clock and no network.
SURFACE_STANDARD = {
    "__future__", "collections", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools",
    "itertools", "math", "operator", "re", "typing",
}  # fmt: skip


def homeless(files: Files) -> list[str]:
    """Return the files without a place in the list of floors."""
    names = {path: place(module_name(path)) for path in files}
    return [
        f"{path}: {name} has no place in the list of floors"
        for path, name in names.items()
        if not known(name)
    ]


def known(name: str | None) -> bool:
    return name is not None and floor(name) is not None


def upward(files: Files) -> list[str]:
    """Return the imports of what stands later in the list of the own floor, on a higher floor, or at the door."""
    faults = []
    for path, text in files.items():
        own = place(module_name(path))
        if own is None or own in DOORS or not known(own):
            continue
        for found in imports(path, text):
            target = place(found.target)
            if target is None or target == own:
                continue
            where = f"{path}:{found.line}: {own} imports {found.target}"
            if target == "__init__" or not known(target):
                faults.append(f"{where}: inside the package import from the module that defines the name")
            elif floor(target) >= floor(own):  # type: ignore[operator]
                faults.append(f"{where}, which does not lie below it")
    return faults


def beyond_surface(files: Files) -> list[str]:
    """Return the imports of catalogue files that a third party does not have."""
    faults = []
    for path, text in files.items():
        if place(module_name(path)) not in CATALOGUES:
            continue
        for found in imports(path, text):
            library = foreign(found.target)
            allowed = (
                place(found.target) in SURFACE
                if library is None
                else library in SURFACE_LIBRARIES or library in SURFACE_STANDARD
            )
            if not allowed:
                faults.append(f"{path}:{found.line}: a catalogue file imports {found.target}")
    return faults


def catalogue_imported(files: Files) -> list[str]:
    """Return the imports of catalogue files by anything but `catalog`."""
    return [
        f"{path}:{found.line}: only catalog.py may import {found.target}"
        for path, text in files.items()
        for found in imports(path, text)
        if place(found.target) in CATALOGUES and place(module_name(path)) != "catalog"
    ]


def cycles(files: Files) -> list[str]:
    """Return the circles among files of one package, by their imports at module level.

    Between places there can be none, because imports go downward.
    """
    names = {module_name(path) for path in files}
    edges: dict[str, set[str]] = {name: set() for name in names}
    for path, text in files.items():
        own = module_name(path)
        for found in imports(path, text):
            # `from package import name` means the module `package.name` if there is one, else the package.
            target = found.target if found.target in names else found.target.rpartition(".")[0]
            if not found.later and target in names and target != own:
                edges[own].add(target)
    left = dict(edges)
    while free := [name for name, targets in left.items() if not targets & left.keys()]:
        for name in free:
            del left[name]
    # What is left lies on a circle or leads to one; only those that reach themselves are named.
    return [f"{name} imports itself in a circle" for name in sorted(left) if name in _reach(name, left)]


def _reach(start: str, edges: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    todo = list(edges[start])
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += edges.get(name, set())
    return seen


def only_standard_library(files: Files) -> list[str]:
    """Return what floor 0 imports beyond the standard library.

    In a function or for types pandas may be imported, and Babel where languages are.
    """
    return [
        f"{path}:{found.line}: floor 0 imports {found.target}"
        for path, text in files.items()
        if place(module_name(path)) in FLOORS[0]
        for found in imports(path, text)
        if (library := foreign(found.target)) is not None
        and library not in sys.stdlib_module_names
        and not (library == "pandas" and found.later)
        and not (library == "babel" and found.later and place(module_name(path)) == "languages")
    ]


CHECKS = [homeless, upward, beyond_surface, catalogue_imported, cycles, only_standard_library]


@pytest.mark.parametrize("check", CHECKS)
def test_law_1_holds(check):
    files = package_files()
    assert files
    assert check(files) == []


def made_up(path: str, text: str) -> Files:
    return {f"{PACKAGE}/{path}": text}


BAD = [
    (homeless, made_up("helpers.py", "")),
    (homeless, made_up("helpers/deep.py", "")),
    (upward, made_up("kpi.py", "from alignment_toolkit.analysis import analyse")),
    (upward, made_up("kpi.py", "def f():\n    from alignment_toolkit import analysis")),
    (upward, made_up("kpi.py", "from . import analysis")),
    (upward, made_up("kpi.py", "import importlib\nimportlib.import_module('alignment_toolkit.cli')")),
    (upward, made_up("kpi.py", "if TYPE_CHECKING:\n    import alignment_toolkit.charts")),
    (upward, made_up("relations.py", "from alignment_toolkit.company import Company")),
    (upward, made_up("report/html.py", "from ..cli import main")),
    (upward, made_up("kpi.py", "from alignment_toolkit import Company")),
    (beyond_surface, made_up("indicators/a.py", "from alignment_toolkit.company import Company")),
    (beyond_surface, made_up("indicators/a.py", "def f():\n    import matplotlib.pyplot as plt")),
    (beyond_surface, made_up("kpis/a.py", "import os")),
    (beyond_surface, made_up("segmentations/a.py", "from . import b")),
    (catalogue_imported, made_up("analysis.py", "def f():\n    from alignment_toolkit.kpis import sales")),
    (catalogue_imported, made_up("indicators/__init__.py", "from .a import a")),
    (cycles, {f"{PACKAGE}/report/{one}.py": f"from . import {two}" for one, two in ("ab", "ba")}),
    (
        cycles,
        {f"{PACKAGE}/report/__init__.py": "from .a import b", f"{PACKAGE}/report/a.py": "from . import b"},
    ),
    (only_standard_library, made_up("units.py", "def f():\n    import babel")),
    (only_standard_library, made_up("languages/locale.py", "import babel")),
    (only_standard_library, made_up("results.py", "import pandas as pd")),
]


@pytest.mark.parametrize(("check", "files"), BAD)
def test_law_1_is_broken_by(check, files):
    assert check(files) != []


GOOD = [
    (homeless, made_up("report/pages/front.py", "")),
    (upward, made_up("company.py", "from .relations import Relation\nfrom .errors import AlignmentError")),
    (
        upward,
        made_up("report/html.py", "from .blocks import Block\nfrom alignment_toolkit.charts import draw"),
    ),
    (upward, made_up("__init__.py", "from alignment_toolkit.cli import main")),
    (beyond_surface, made_up("indicators/a.py", "import math\nimport ibis\nfrom ..statistics import share")),
    (catalogue_imported, made_up("catalog.py", "from alignment_toolkit.kpis import sales")),
    (
        cycles,
        {
            f"{PACKAGE}/report/a.py": "from . import b",
            f"{PACKAGE}/report/b.py": "def f():\n    from . import a",
        },
    ),
    (only_standard_library, made_up("results.py", "import json\ndef frame():\n    import pandas as pd")),
    (only_standard_library, made_up("languages/locale.py", "def f():\n    import babel")),
]


@pytest.mark.parametrize(("check", "files"), GOOD)
def test_law_1_is_kept_by(check, files):
    assert check(files) == []


def test_every_place_is_listed_once():
    listed = [name for names in FLOORS for name in names]
    assert len(listed) == len(set(listed))
