"""Fault 37: the oldest, the locked and the newest packages give the same numbers: ``python -m tests.faults.versions``.

For every Python and every set of packages a bare environment is made, the wheel is put into it, and `alignment demo`
makes the sample's report in an empty folder. Needs uv and a package index; `make test-versions` does it.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
SETS = ("lowest", "locked", "newest")
PYTHONS = ("3.11", "3.12", "3.13")
# What the versions of other people's code can break: files, statistics, the engine, kernels, every format.
TESTS = (
    "tests/statistics", "tests/kpi", "tests/sources", "tests/runs/test_performing.py", "tests/test_charts.py",
    "tests/notebooks/test_execution.py", "tests/cli/test_commands.py", "tests/report/test_report.py",
    "tests/report/test_all_formats.py",
)  # fmt: skip
# Fits that are found step by step end where they are near enough, which differs from version to version.
TOLERANCE = 1e-6
_COMPARED = "the first environment"


def differences(one: Any, other: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Give where two results differ, and by how much; numbers relatively, what is no number infinitely."""
    if isinstance(one, dict) and isinstance(other, dict) and set(one) == set(other):
        for key in one:
            yield from differences(one[key], other[key], f"{path}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for i, (a, b) in enumerate(zip(one, other, strict=True)):
            yield from differences(a, b, f"{path}[{i}]")
    elif isinstance(one, float) and isinstance(other, float):
        if one != other:
            yield path, abs(one - other) / max(abs(one), abs(other))
    elif one != other:
        yield path, math.inf


def run(words: list[str], **options: Any) -> str:
    """Run a command and give what it says; that it fails is told with what it said."""
    done = subprocess.run(words, capture_output=True, text=True, **options)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}\n{(done.stdout + done.stderr)[-4000:]}")
    return done.stdout


def environment(place: Path, python: str, packages: str, wheel: Path) -> Path:
    """Make a bare environment with the packages of a set and the toolkit's wheel, and give its folder of commands."""
    uv = [sys.executable, "-m", "uv"]
    run([*uv, "venv", "--quiet", "--clear", "--python", python, str(place)])
    bin = place / ("Scripts" if os.name == "nt" else "bin")
    install = [*uv, "pip", "install", "--quiet", "--only-binary", ":all:", "--python", str(bin / "python")]
    if packages == "locked":
        run([*install, "--require-hashes", "-r", str(PROJECT / "requirements.lock")])
    else:
        told = place / "packages.txt"
        run(
            [*uv, "pip", "compile", "--quiet", "--no-header", "--extra", "test", "--only-binary", ":all:",
             "--python", str(bin / "python"), "--resolution", "lowest-direct" if packages == "lowest" else "highest",
             str(PROJECT / "pyproject.toml"), "--output-file", str(told)]
        )  # fmt: skip
        run([*install, "-r", str(told)])
    run([*install, "--no-deps", str(wheel)])
    return bin


def tried(place: Path, python: str, packages: str, wheel: Path, tests: list[str]) -> dict[str, Any]:
    """Make an environment, the demo in it, and the tests; give what they told."""
    bin = environment(place / "environment", python, packages, wheel)
    bare = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    begun = time.perf_counter()
    out = run([str(bin / "alignment"), "demo", "--out", "made", "--json"], cwd=place, env=bare)
    manifest = json.loads(out)
    folder = place / manifest["folder"]
    told = {
        "python": manifest["versions"]["python"], "packages": packages, "versions": manifest["versions"],
        "seconds": time.perf_counter() - begun, "files": sorted(manifest["artefacts"]),
        "analysis": json.loads((folder / "analysis.json").read_text(encoding="utf-8")), "tests": "",
    }  # fmt: skip
    if tests:
        done = subprocess.run(
            [str(bin / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests], cwd=PROJECT, env=bare,
            capture_output=True, text=True,
        )  # fmt: skip
        told["tests"] = done.stdout.strip().splitlines()[-1].strip("= ")
        told["failed"] = done.stdout[-6000:] if done.returncode else ""
    return told


def line(told: dict[str, Any], first: dict[str, Any]) -> tuple[str, bool]:
    """Give a row of the table, and whether all is as in the first environment."""
    found = list(differences(first["analysis"], told["analysis"]))
    worst = max((d for _, d in found), default=0.0)
    place = max(found, key=lambda f: f[1], default=("", 0.0))[0]
    same = worst <= TOLERANCE and told["files"] == first["files"] and not told.get("failed")
    names = ("pandas", "numpy", "scipy", "statsmodels", "duckdb", "papermill")
    said = " ".join(f"{n} {told['versions'][n]}" for n in names)
    row = [
        told["python"],
        told["packages"],
        said,
        f"{len(found)}",
        f"{worst:.1e} {place}".strip(),
        told["tests"],
    ]
    return f"| {' | '.join(row)} |\n", same


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--python", action="append", help="a version or a path; by default 3.11, 3.12 and 3.13"
    )
    parser.add_argument("--packages", action="append", choices=SETS)
    parser.add_argument(
        "--tests", nargs="*", default=[], help="tests to run there; alone: those that versions can break"
    )
    parser.add_argument("--keep", type=Path, help="a folder for the environments, which then stay")
    asked = parser.parse_args()
    tests = list(TESTS) if asked.tests == [] and "--tests" in sys.argv else asked.tests
    wrong = []
    with tempfile.TemporaryDirectory() as name:
        root = (asked.keep or Path(name)).resolve()
        wheels = root / "wheel"
        shutil.rmtree(wheels, ignore_errors=True)
        run([sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps",
             "--no-build-isolation", "-w", str(wheels), str(PROJECT)])  # fmt: skip
        (wheel,) = wheels.glob("*.whl")
        first: dict[str, Any] | None = None
        sys.stdout.write(
            "| Python | packages | of them | figures that differ | by at most | tests |\n|---|---|---|---|---|---|\n"
        )
        for python in asked.python or PYTHONS:
            for packages in asked.packages or SETS:
                place = root / f"{Path(python).parts[-3] if '/' in python else python}-{packages}"
                place.mkdir(exist_ok=True)
                told = tried(place, python, packages, wheel, tests)
                first = first or told
                row, same = line(told, first)
                sys.stdout.write(row)
                sys.stdout.flush()
                if not same:
                    wrong.append(
                        f"{told['python']} {packages}: not as in {_COMPARED}\n{told.get('failed', '')}"
                    )
                if not asked.keep:
                    shutil.rmtree(place)
    sys.stdout.write("\n".join(wrong))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
