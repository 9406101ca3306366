"""What does each part of a whole analysis cost? A made-up company, all KPIs, indicators, splits, models and segments.

CPU seconds of this process, not wall time; what the engine's threads use counts. Read the shares: they hold on any
machine. A second column times the same with half the accounts: what grows with the data and what does not.

    python benchmarks/analysis.py                      # 5,000 accounts, 20,000 leads
    python benchmarks/analysis.py --accounts 800       # quicker
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alignment_toolkit import analysis
from alignment_toolkit.company import Company
from alignment_toolkit.simulation import Recipe, simulate

PARTS = {
    "measure_kpis": "KPIs",
    "find": "indicators",
    "_drivers": "splits of changes",
    "_attribution": "attribution",
    "_segments": "segments and plays",
}
AIM = 10.0


def _timed(function: Callable[..., Any], part: str, spent: dict[str, float]) -> Callable[..., Any]:
    def call(*words: Any, **named: Any) -> Any:
        begun, inner = time.process_time(), sum(spent.values())
        try:
            return function(*words, **named)
        finally:  # KPIs that an indicator asks for count as KPIs
            own = time.process_time() - begun - (sum(spent.values()) - inner)
            spent[part] = spent.get(part, 0.0) + own

    return call


def measured(accounts: int) -> dict[str, float]:
    """Give the CPU seconds of each part of one analysis."""
    spent: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as place:
        simulate(Recipe(accounts=accounts)).write(Path(place))
        begun = time.process_time()
        company = Company.open(Path(place) / "data")
        opened = time.process_time() - begun
        plain = {name: getattr(analysis, name) for name in PARTS}
        try:
            for name, part in PARTS.items():
                setattr(analysis, name, _timed(plain[name], part, spent))
            begun = time.process_time()
            analysis.analyse(company)
            whole = time.process_time() - begun
        finally:
            for name, function in plain.items():
                setattr(analysis, name, function)
    return {
        **spent,
        "scorecard, fingerprint, the rest": whole - sum(spent.values()),
        "whole": whole,
        "opening": opened,
    }


def main() -> None:
    """Print the table."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--accounts", type=int, default=5_000)
    said = words.parse_args()
    few, many = measured(said.accounts // 2), measured(said.accounts)
    print(f"| part | {said.accounts // 2:,} accounts, cpu s | {said.accounts:,} accounts, cpu s | share |")
    print("|---|---|---|---|")
    for part, seconds in many.items():
        print(f"| {part} | {few[part]:.1f} | {seconds:.1f} | {seconds / many['whole']:.0%} |")
    print(f"\nThe aim is {AIM:.0f} s on an idle core: {'met' if many['whole'] <= AIM else 'not met here'}.")


if __name__ == "__main__":
    main()
