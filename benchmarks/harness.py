"""One question asked in several ways: each way in a process of its own, time and memory as ratios to the first."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Way = Callable[[Path], Any]


def run(
    file: str, doc: str | None, ways: Mapping[str, Way], generate: Callable[[Path, int], None], lines: int
) -> None:
    """Generate the data, run every way over it, print the table.

    A way gives a dictionary from a cell's key to its numbers; the first way is the one that the others are held
    against, in time, memory and numbers.
    """
    words = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--lines", type=int, default=lines)
    words.add_argument("--data", type=Path, help="keep the generated files there")
    words.add_argument("--ways", default=",".join(ways))
    words.add_argument("--one", choices=ways, help=argparse.SUPPRESS)
    words.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    said = words.parse_args()
    if said.one:
        _one(ways[said.one], said.data, said.out)
        return
    with tempfile.TemporaryDirectory() as place:
        folder = said.data or Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        if not list(folder.glob("*.parquet")):
            generate(folder, said.lines)
        results = {}
        for way in said.ways.split(","):
            out = Path(place) / f"{way}.json"
            command = [sys.executable, file, "--one", way, "--data", str(folder), "--out", str(out)]
            subprocess.run(command, check=True)
            results[way] = json.loads(out.read_text(encoding="utf-8"))
    _show(results)


def _one(way: Way, folder: Path, out: Path) -> None:
    begun = time.perf_counter()
    found = way(folder)
    took = time.perf_counter() - begun
    used = resource.getrusage(resource.RUSAGE_SELF)
    cells = [[list(key), list(numbers)] for key, numbers in found.items()]
    spent = {"wall": took, "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss / 1024}
    out.write_text(json.dumps({**spent, "cells": cells}), encoding="utf-8")


def _show(results: Mapping[str, Any]) -> None:
    base = next(iter(results.values()))
    expected = {tuple(key): numbers for key, numbers in base["cells"]}
    print("| way | wall s | ratio | cpu s | ratio | peak MB | ratio | cells | largest relative difference |")
    print("|---|---|---|---|---|---|---|---|---|")
    for way, r in results.items():
        found = {tuple(key): numbers for key, numbers in r["cells"]}
        assert found.keys() == expected.keys(), f"{way} has other cells: {set(found) ^ set(expected)}"
        pairs = [(a, b) for k in expected for a, b in zip(found[k], expected[k], strict=True)]
        assert all((a is None) == (b is None) for a, b in pairs), f"{way} has a number where another has none"
        apart = max(abs(a / b - 1) for a, b in pairs if b)
        numbers = " | ".join(f"{r[k]:.1f} | {r[k] / base[k]:.2f}" for k in ("wall", "cpu", "peak"))
        print(f"| {way} | {numbers} | {len(found)} | {apart:.0e} |")
