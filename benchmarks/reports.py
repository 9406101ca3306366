"""All formats of one report, each timed by itself: seconds, seconds of the processor, size.

    python benchmarks/reports.py analysis.json

Without a file the hand-made Analysis of the tests is taken, with a finding of every status. The first format that draws
pays for the import of matplotlib and for the pictures, which the PDF takes over from the page.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

LIMITS = {"html": 2e6, "pdf": 5e6, "pptx": 5e6, "xlsx": 5e6}


def _since(start: tuple[float, float]) -> str:
    return f"{time.perf_counter() - start[0]:.2f} | {time.process_time() - start[1]:.2f}"


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("analysis", type=Path, nargs="?")
    said = words.parse_args()
    begun = time.perf_counter(), time.process_time()
    from alignment_toolkit.report import FORMATS, Report
    from alignment_toolkit.results import Analysis

    if said.analysis is None:
        sys.path.insert(0, str(Path(__file__).parents[1]))
        from tests.report import builders

        analysis = builders.analysis()
    else:
        analysis = Analysis.loads(said.analysis.read_text(encoding="utf-8"))
    report = Report.of(analysis)
    too_large = []
    print("| format | seconds | of the processor | kB |\n|---|---|---|---|")
    for name in FORMATS:
        start = time.perf_counter(), time.process_time()
        size = len(report.content(name))
        print(f"| {name} | {_since(start)} | {size / 1000:,.0f} |")
        too_large += [name] if size > LIMITS.get(name, size) else []
    print(f"| together | {_since(begun)} | |")
    return 1 if too_large else 0


if __name__ == "__main__":
    sys.exit(main())
