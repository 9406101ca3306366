"""A matrix of slices beside as many separate runs, and two jobs beside one.

Three ratios, all taken in one run: the time and the CPU of a matrix over those of as many separate runs (aim: at most
0.5), and the time of one job over that of two, without what is shared (aim: at least 1.4). A separate run uses two
processors, so that its time is that of a matrix of two jobs.

    python benchmarks/matrix.py                        # the sample company, 24 slices of two dimensions
    python benchmarks/matrix.py --slices 4 --separate 2

Of the separate runs `--separate` are made, spread over all, and their mean counts for all; their SQL is known by then.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from alignment_toolkit.company import Company

DIMENSIONS = ("industry", "channel", "size", "region", "country", "segment")
PERIOD = "2026-Q3"


def spent() -> tuple[float, float]:
    """Give wall and CPU seconds; the children that have ended count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter(), used.ru_utime + used.ru_stime


def timed(*words: str) -> tuple[float, float]:
    """Run the command; give its wall and CPU seconds, its kernels included."""
    wall, cpu = spent()
    subprocess.run(
        [sys.executable, "-m", "alignment_toolkit", *words], check=True, stdout=subprocess.DEVNULL, env=ENV
    )
    after = spent()
    return after[0] - wall, after[1] - cpu


# Written SQL is kept for the whole benchmark: separate runs find it as a matrix does.
CACHE = tempfile.TemporaryDirectory(prefix="alignment_cache.")
ENV = {
    **{k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
    "OMP_NUM_THREADS": "1",
    "ALIGNMENT_CACHE": CACHE.name,
}


def main() -> None:
    """Print the table."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--source", default="sample")
    words.add_argument("--slices", type=int, default=24)
    words.add_argument("--separate", type=int, default=24)
    words.add_argument("--set", action="append", default=[], help="a parameter of the notebook")
    said = words.parse_args()
    company = Company.open(said.source)
    parts = [
        f"{d}={v}"
        for d in DIMENSIONS
        if any(d in company.columns(t) for t in company.tables)
        for v in company.values(d)
    ][: said.slices]
    options = [w for pair in said.set for w in ("--set", pair)]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        lists = {"all": parts, "few": parts[:2]}
        for name, chosen in lists.items():
            (folder / f"{name}.json").write_text(json.dumps(chosen), encoding="utf-8")

        def matrix(name: str, jobs: int) -> tuple[float, float]:
            out = str(folder / f"{name}-{jobs}")
            return timed(
                "run", said.source, "--period", PERIOD, "--matrix", str(folder / f"{name}.json"), "--jobs", str(jobs),
                "--out", out, *options,
            )  # fmt: skip

        timed("run", said.source, "--period", PERIOD, "--out", str(folder / "first"), *options)

        def separate(part: str, out: str) -> tuple[float, float]:
            return timed(
                "run", said.source, "--period", PERIOD, "--set", f"part={part}", "--out", str(folder / out), *options
            )  # fmt: skip

        # The first part of a dimension writes its SQL; the others find it, as all do in the matrix.
        firsts = {part.partition("=")[0]: part for part in reversed(parts)}
        for part in firsts.values():
            separate(part, "unknown")
        begin = [
            separate(part, "alone") for part in parts[:: max(1, len(parts) // said.separate)][: said.separate]
        ]
        alone_wall, alone = (sum(column) / len(begin) for column in zip(*begin, strict=True))
        one, two = matrix("all", 1), matrix("all", 2)
        few = matrix("few", 1)
    # Two slices and all of them lie on a line: what is left at none is shared.
    each = (one[0] - few[0]) / (len(parts) - 2)
    shared = max(0.0, one[0] - each * len(parts))
    print(
        f"{len(parts)} slices of {company.name}; separate runs: {len(begin)} run, {alone_wall:.1f} s and {alone:.1f} s"
        " of CPU each"
    )
    whole_wall, whole = alone_wall * len(parts), alone * len(parts)
    print("| way | wall s | over separate runs | cpu s | over separate runs |")
    print("|---|---|---|---|---|")
    print(f"| separate | {whole_wall:.0f} | 1.00 | {whole:.0f} | 1.00 |")
    for name, (wall, cpu) in (("matrix, one job", one), ("matrix, two jobs", two)):
        print(f"| {name} | {wall:.0f} | {wall / whole_wall:.2f} | {cpu:.0f} | {cpu / whole:.2f} |")
    faster = (one[0] - shared) / max(1e-9, two[0] - shared)
    print(
        f"\nshared {shared:.1f} s, each slice {each:.1f} s; two jobs without it: {faster:.2f} times as fast"
    )
    met = {"time": two[0] / whole_wall <= 0.5, "CPU": one[1] / whole <= 0.5}
    told = ", ".join(f"{what} {'met' if yes else 'not met here'}" for what, yes in met.items())
    print(f"aims: at most 0.50 of separate runs ({told}); at least 1.4 times as fast")


if __name__ == "__main__":
    main()
