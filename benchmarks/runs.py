"""What a run costs beside the bare notebook: seconds, and each as a ratio to papermill alone, in one go.

    python benchmarks/runs.py [--repeat 3]

`empty` is papermill over a notebook that imports what the report has imported at its end, module by module, and does
nothing else (for comparison: only the libraries by their names, which leaves half of their modules out); `papermill` is
the report by papermill alone; `alignment run` checks, watches, hashes and publishes it. Each way is a process of its
own. Written SQL is kept in a cache of the benchmark's own: the first run finds none and is a row of its own. The limit
is that a run takes at most twice as long as the empty notebook; it uses two processors, so what it takes of them is$
told beside. Elsewhere than on Linux, and with one processor, it takes longer.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

PROJECT = Path(__file__).parents[1]
REPORT = PROJECT / "notebooks" / "01_alignment_report.ipynb"
KNOWN = (
    "alignment_toolkit ibis duckdb pandas numpy scipy statsmodels sklearn matplotlib seaborn jinja2 babel pydantic"
    " pyarrow sqlglot"
).split()
# What a report has loaded when it is written, asked of a run itself.
PROBE = f"""
import json, sys
known = {KNOWN!r}
there = [m for m, found in list(sys.modules.items()) if getattr(found, "__spec__", None)]
json.dumps([m for m in there if m.partition(".")[0] in known])
"""
LIMIT = 2.0


def _environment(place: Path) -> dict[str, str]:
    # Compiled modules are kept, as they are wherever nobody forbids it.
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(PROJECT), "ALIGNMENT_CACHE": str(place / "cache")}


def _timed(words: list[str], place: Path) -> tuple[float, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    done = subprocess.run(words, cwd=place, capture_output=True, text=True, env=_environment(place))
    took = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}\n{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _imports(place: Path) -> list[str]:
    """Ask the report notebook, run as it is, which modules of the libraries it has loaded at its end."""
    node = nbformat.read(REPORT, as_version=4)
    node.cells.append(nbformat.v4.new_code_cell(PROBE))
    nbformat.write(node, place / "probe.ipynb")
    subprocess.run(
        [sys.executable, "-m", "papermill", "probe.ipynb", "probed.ipynb", "-p", "source", "sample"],
        cwd=place, check=True, capture_output=True, env=_environment(place),
    )  # fmt: skip
    told = nbformat.read(place / "probed.ipynb", as_version=4).cells[-1].outputs[0].data["text/plain"]
    return [str(name) for name in json.loads(ast.literal_eval(told))]


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--repeat", type=int, default=3)
    repeat = words.parse_args().repeat
    python = sys.executable
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        papermill = [python, "-m", "papermill"]
        run = [python, "-m", "alignment_toolkit", "run", "sample", "--force"]
        cold = _timed(run, place)
        modules = _imports(place)
        for name, imported in {
            "empty": modules,
            "packages": sorted({m.partition(".")[0] for m in modules}),
        }.items():
            cells = [nbformat.v4.new_code_cell("\n".join(f"import {m}" for m in imported))]
            nbformat.write(nbformat.v4.new_notebook(cells=cells), place / f"{name}.ipynb")
        ways = {
            "empty, same modules": [*papermill, "empty.ipynb", "out.ipynb", "-k", "python3"],
            "empty, same libraries by name": [*papermill, "packages.ipynb", "out.ipynb", "-k", "python3"],
            "papermill alone": [*papermill, str(REPORT), "out.ipynb", "-p", "source", "sample"],
            "alignment run": run,
        }
        spent: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for _ in range(repeat):
            for way, command in ways.items():
                spent[way].append(_timed(command, place))
    base = [statistics.median(column) for column in zip(*spent["empty, same modules"], strict=True)]
    print("| way | seconds | ratio | of the processor | ratio |\n|---|---|---|---|---|")
    ratio = 0.0
    for way, rows in {"alignment run, nothing kept": [cold], **spent}.items():
        wall, cpu = (statistics.median(column) for column in zip(*rows, strict=True))
        ratio = wall / base[0]
        print(f"| {way} | {wall:.1f} | {ratio:.2f} | {cpu:.1f} | {cpu / base[1]:.2f} |")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
