"""The laws of the architecture that reading the source or one Analysis can prove; law 1 has its own file.

Every check is also tried on something that breaks it, because a check that finds nothing proves nothing.
"""

from __future__ import annotations

import ast
import copy
import json
import math
import subprocess
import sys
from typing import Any

import pytest

from tests.source_tree import (
    FLOORS,
    PACKAGE,
    PROJECT,
    Files,
    foreign,
    imports,
    module_name,
    package_files,
    place,
)

# Law 2 ----------------------------------------------------------------------------------------------------------

DATA_AND_KINDS = {*FLOORS[1], *FLOORS[2], *FLOORS[3]}
# Library -> the places that may import it: a module or package of the list of floors, or one module within one.
HOMES: dict[str, set[str]] = {
    "ibis": DATA_AND_KINDS,
    "duckdb": {"company", "sources", "simulation"},
    "sqlglot": {"settings", "sources", "company"},
    "psycopg": {"sources", "company"},
    "statsmodels": {"statistics", "segmentation"},
    "scipy.stats": {"statistics", "segmentation"},
    "sklearn": {"statistics", "segmentation"},
    "matplotlib": {"charts"},
    "seaborn": {"charts"},
    "jinja2": {"report.html"},
    "markupsafe": {"report.html"},
    "nh3": {"report.html"},
    "typst": {"report.pdf"},
    "pptx": {"report.pptx"},
    "lxml": {"report.pptx"},
    "xlsxwriter": {"report.xlsx", "questionnaire.form"},
    "pypdf": set(),
    "openpyxl": {"sources", "questionnaire.returned"},
    "ipywidgets": {"explorer"},
    "papermill": {"notebooks"},
    "nbclient": {"notebooks"},
    "nbformat": {"notebooks"},
    "nbconvert": {"notebooks"},
    "jupyter_client": {"notebooks", "cli"},
    "typer": {"cli"},
    "click": {"cli"},
    "rich": {"cli"},
}


def away_from_home(files: Files) -> list[str]:
    """Return the imports of a library outside the places that may have it."""
    faults = []
    for path, text in files.items():
        own = module_name(path).partition(".")[2]
        for found in imports(path, text):
            homes = [homes for library, homes in HOMES.items() if within(found.target, library)]
            if homes and not any(within(own, home) for home in homes[0]):
                faults.append(
                    f"{path}:{found.line}: {found.target} is for {', '.join(sorted(homes[0]))} only"
                )
    return faults


def within(dotted: str, name: str) -> bool:
    return dotted == name or dotted.startswith(f"{name}.")


def test_law_2_each_library_stays_in_its_place():
    assert away_from_home(package_files()) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("analysis.py", "import ibis"),
        ("cli.py", "def f():\n    import ibis.expr.types as ir"),
        ("kpi.py", "from scipy import stats"),
        ("indicators/a.py", "import sklearn.cluster"),
        ("report/blocks.py", "import matplotlib.pyplot as plt"),
        ("report/blocks.py", "from jinja2 import Environment"),
        ("runs.py", "import papermill as pm"),
        ("company.py", "from rich.progress import track"),
        ("questionnaire/returned.py", "import xlsxwriter"),
        ("questionnaire/form.py", "def f():\n    import openpyxl"),
    ],
)
def test_law_2_is_broken_by(path, text):
    assert away_from_home({f"{PACKAGE}/{path}": text}) != []


def test_law_2_is_kept_by_its_places():
    files = {
        f"{PACKAGE}/statistics/shares.py": "from scipy.stats import norm\nimport scipy.special",
        f"{PACKAGE}/report/html.py": "import jinja2",
        f"{PACKAGE}/kpi.py": "import scipy.special\nimport ibis",
    }
    assert away_from_home(files) == []


# Law 3 ----------------------------------------------------------------------------------------------------------

HEAVY = {
    "IPython", "duckdb", "ibis", "ipywidgets", "jinja2", "lxml", "matplotlib", "nbformat", "numpy", "pandas",
    "papermill", "pptx", "pyarrow", "pydantic", "rich", "scipy", "seaborn", "sklearn", "sqlglot", "statsmodels",
    "typer", "typst", "xlsxwriter",
}  # fmt: skip


def loaded_by(statement: str) -> set[str]:
    """Return the libraries that a fresh Python has loaded after one statement."""
    code = f"{statement}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT, timeout=60
    )
    return set(done.stdout.split())


def test_law_3_importing_the_toolkit_loads_no_heavy_library():
    assert loaded_by(f"import {PACKAGE}") & HEAVY == set()


def test_law_3_a_heavy_library_would_be_seen():
    assert "pandas" in loaded_by("import pandas") & HEAVY


# Law 4 ----------------------------------------------------------------------------------------------------------

# The methods by which rows leave the engine.
GATES = {
    "arrow", "df", "execute", "fetch_arrow_table", "fetchall", "fetchdf", "fetchmany", "fetchnumpy", "fetchone",
    "raw_sql", "to_pandas", "to_pandas_batches", "to_polars", "to_pyarrow", "to_pyarrow_batches",
}  # fmt: skip
GATE_KEEPERS = {"company", "sources"}
# A notebook's client has a method of the same name and knows no engine.
NO_GATE = {("notebooks", "execute")}


def side_doors(files: Files) -> list[str]:
    """Return the calls that take rows out of the engine past `Company.fetch`."""
    return [
        f"{path}:{node.lineno}: .{node.func.attr}(...) goes round Company.fetch"
        for path, text in files.items()
        if place(module_name(path)) not in GATE_KEEPERS
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in GATES
        if (place(module_name(path)), node.func.attr) not in NO_GATE
    ]


def test_law_4_rows_leave_the_engine_by_one_gate():
    assert side_doors(package_files()) == []


@pytest.mark.parametrize(
    "call", ["t.execute()", "t.to_pandas()", "con.raw_sql('select 1').fetchdf()", "r.df()"]
)
def test_law_4_is_broken_by(call):
    assert side_doors({f"{PACKAGE}/kpi.py": f"def f(t, con, r):\n    return {call}"}) != []


def test_law_4_is_kept_by_the_gate_itself():
    assert side_doors({f"{PACKAGE}/company.py": "x = t.to_pandas()", f"{PACKAGE}/kpi.py": "c.fetch(t)"}) == []


# Law 8 ----------------------------------------------------------------------------------------------------------

UNIT_NAMES = {"share", "points", "money", "count", "days", "hours", "months", "ratio", "index"}


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} in analysis.json")


def bare_numbers(analysis: dict[str, Any]) -> list[str]:
    """Return the numbers without n, unit, period or method of an analysis.json."""
    faults = []
    for number, row in enumerate(analysis["kpis"]):
        where = f"kpis[{number}] {row['kpi']} {row['by']}"
        faults += [f"{where}: no {key}" for key in ("period", "from", "to") if not row[key]]
        faults += unclear(row, where)
        if (row["status"] == "ok") != (row["value"] is not None):
            faults.append(f"{where}: status {row['status']} with value {row['value']}")
        if row["status"] != "ok" and not row["reason"]:
            faults.append(f"{where}: not available without a reason")
    for finding in analysis["findings"]:
        where = f"findings {finding['id']} {finding['by']}"
        faults += [f"{where}: no window.{key}" for key in ("from", "to") if not finding["window"][key]]
        judged = finding["status"] in {"misaligned", "aligned", "uncertain"}
        if judged and (finding["gap"] is None or finding["p_value"] is None):
            faults.append(f"{where}: the verdict {finding['status']} without a gap and its p value")
        if not judged and not (finding["missing"] or finding["message"]):
            faults.append(f"{where}: {finding['status']} without saying why")
        estimates = [("gap", finding["gap"]), *((m["name"], m) for m in finding["measures"])]
        for name, estimate in estimates:
            if estimate is not None:
                faults += unclear(estimate, f"{where}: {name}")
                faults += [f"{where}: {name} has no n_unit"] if not estimate["n_unit"] else []
        for column in finding["evidence"]["columns"]:
            if column["role"] == "measure" and column["unit"] not in UNIT_NAMES:
                faults.append(f"{where}: evidence {column['name']} is a measure with unit {column['unit']}")
        money = finding["money_at_stake"]
        if money is not None and not (money["currency"] and money["basis"]):
            faults.append(f"{where}: money at stake without currency or basis")
    return faults + unfit(analysis)


def unclear(estimate: dict[str, Any], where: str) -> list[str]:
    """Return what one number lacks to be understood: n, a unit, a method for its interval, an order of its ends."""
    faults = []
    value, low, high, n = (estimate[key] for key in ("value", "low", "high", "n"))
    if isinstance(n, bool) or not isinstance(n, int) or n < 0:
        faults.append(f"{where}: n is {n!r}")
    if estimate["unit"] not in UNIT_NAMES:
        faults.append(f"{where}: unit is {estimate['unit']!r}")
    if (low is None) != (high is None):
        faults.append(f"{where}: half an interval, {low} to {high}")
    if low is not None and high is not None:
        if not estimate["method"] or not 0 < estimate["level"] < 1:
            faults.append(f"{where}: an interval without its method and level")
        if value is None or not low <= value <= high:
            faults.append(f"{where}: {value} outside its interval, {low} to {high}")
    return faults


def unfit(part: Any, where: str = "analysis") -> list[str]:
    """Return the numbers that JSON should not carry: not finite, or with more than 12 significant digits."""
    if isinstance(part, dict):
        return [fault for key, inner in part.items() for fault in unfit(inner, f"{where}.{key}")]
    if isinstance(part, list):
        return [fault for number, inner in enumerate(part) for fault in unfit(inner, f"{where}[{number}]")]
    if isinstance(part, float) and not (math.isfinite(part) and part == float(f"{part:.12g}")):
        return [f"{where}: {part!r}"]
    return []


@pytest.fixture(scope="module")
def sample_analysis(sample_report):
    (made,) = sample_report.glob("*/*/*/latest/analysis.json")
    return json.loads(made.read_text(encoding="utf-8"), parse_constant=refuse_constant)


def test_law_8_no_number_of_the_sample_stands_alone(sample_analysis):
    assert sample_analysis["kpis"]
    assert sample_analysis["findings"]
    assert bare_numbers(sample_analysis) == []


def an_analysis() -> dict[str, Any]:
    """Return the least analysis.json with one KPI and one finding that keeps law 8."""
    estimate = {
        "value": 0.4, "low": 0.3, "high": 0.5, "level": 0.95, "n": 90, "unit": "share", "method": "Wilson",
    }  # fmt: skip
    kpi = {"kpi": "win-rate", "by": {}, "period": "2026-Q3", "from": "2026-07-01", "to": "2026-09-30"}
    finding = {
        "id": "dropped_leads", "by": {}, "status": "misaligned", "window": {"from": "2026-07-01", "to": "2026-09-30"},
        "gap": {**estimate, "n_unit": "leads"}, "p_value": 0.001, "missing": [], "message": None,
        "measures": [{**estimate, "n_unit": "leads", "name": "late", "label": "Late"}],
        "evidence": {"columns": [{"name": "late", "label": "Late", "unit": "share", "role": "measure"}], "rows": []},
        "money_at_stake": {"value": 5.0, "low": 4.0, "high": 6.0, "currency": "EUR", "basis": "arithmetical"},
    }  # fmt: skip
    return {"kpis": [{**kpi, **estimate, "status": "ok", "reason": None}], "findings": [finding]}


def test_law_8_is_kept_by_the_least_analysis():
    assert bare_numbers(an_analysis()) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("kpis", 0, "n"), None),
        (("kpis", 0, "n"), 2.5),
        (("kpis", 0, "unit"), "per cent"),
        (("kpis", 0, "from"), ""),
        (("kpis", 0, "method"), ""),
        (("kpis", 0, "high"), None),
        (("kpis", 0, "value"), None),
        (("kpis", 0, "value"), math.inf),
        (("kpis", 0, "value"), 1 / 3),
        (("kpis", 0, "status"), "not_available"),
        (("findings", 0, "gap"), None),
        (("findings", 0, "gap", "n_unit"), ""),
        (("findings", 0, "gap", "low"), 0.45),
        (("findings", 0, "p_value"), None),
        (("findings", 0, "window", "to"), ""),
        (("findings", 0, "status"), "not_assessed"),
        (("findings", 0, "measures", 0, "method"), ""),
        (("findings", 0, "evidence", "columns", 0, "unit"), None),
        (("findings", 0, "money_at_stake", "basis"), ""),
    ],
)
def test_law_8_is_broken_by(path, value):
    broken = copy.deepcopy(an_analysis())
    part: Any = broken
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    assert bare_numbers(broken) != []


def test_law_8_refuses_nan_in_the_text():
    with pytest.raises(ValueError, match="NaN in analysis"):
        json.loads('{"value": NaN}', parse_constant=refuse_constant)


# Nothing is used that is not declared ---------------------------------------------------------------------------

# Import name -> name under which it is declared, where the two differ.
DISTRIBUTIONS = {
    "ibis": "ibis-framework",
    "pptx": "python-pptx",
    "pydantic_core": "pydantic",
    "sklearn": "scikit-learn",
}


def undeclared(files: Files, declared: set[str]) -> list[str]:
    """Return the imports of libraries that pyproject.toml does not name: they are there only by chance."""
    return [
        f"{path}:{found.line}: {found.target} is not among the dependencies"
        for path, text in files.items()
        for found in imports(path, text)
        if (library := foreign(found.target)) is not None
        and library not in sys.stdlib_module_names
        and DISTRIBUTIONS.get(library, library).lower().replace("_", "-") not in declared
    ]


def test_every_library_in_use_is_declared():
    from tests.test_environment import declared_names

    assert undeclared(package_files(), declared_names()) == []


def test_a_library_that_is_not_declared_is_found():
    assert undeclared({f"{PACKAGE}/kpi.py": "import toolz"}, {"pandas"}) != []
