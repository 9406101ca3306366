"""How often each indicator finds what is planted, and how often it raises a false alarm, in the whole analysis.

``python benchmarks/power.py --seeds 100 --rows rows.jsonl --out docs/power.md`` makes companies from seeds, looks at
each with all indicators, judged together in one family as in an Analysis, and counts verdicts against the answer key.

Kinds of companies: *null* (nothing planted), *margin* (everything that does not clash planted at the margin), *twice*
(a random half planted at twice the margin, so that each company tells both what is found and what else fires; *twice 2*
has the other half), and *confounders* (a random half of them at once and nothing planted; *confounders 2* has the other
half). ``--cells "confounder mix_shift"`` makes companies with one alone. Every company is one line of the row file,
written as soon as it is done: a run that was interrupted, or a larger one, goes on where the file ends. Every share has
its Monte Carlo interval (Wilson).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

from power_tables import aims_missed, document

from alignment_toolkit.simulation import CLASHES, CONFOUNDERS, PLANTS, Recipe, simulate

PERIOD = "2026-Q3"
SETTINGS = """[company]
name = "made up"
currency = "EUR"
timezone = "Europe/Berlin"
[privacy]
heads = true
"""
Row = dict[str, Any]


@dataclass(frozen=True)
class Cell:
    """One kind of company."""

    name: str

    @property
    def second(self) -> bool:
        """Tell the cell that has the other half."""
        return self.name.endswith(" 2")


def alone() -> list[Cell]:
    """List the companies with one confounder each."""
    return [Cell(f"confounder {c}") for c in sorted(CONFOUNDERS)]


def cells() -> list[Cell]:
    """List every kind of company that the proof looks at: what matters most first."""
    groups = [Cell(f"margin {i + 1}" if i else "margin") for i in range(len(colours()))]
    halves = [Cell(f"{kind}{which}") for kind in ("twice", "confounders") for which in ("", " 2")]
    return [Cell("null"), *groups, *halves]


def colours() -> list[list[str]]:
    """Share the plants out so that no two that clash are planted together; the first group is the largest."""
    groups: list[list[str]] = []
    for plant in PLANTS:
        fitting = (g for g in groups if not any(frozenset({plant, other}) in CLASHES for other in g))
        group = next(fitting, None)
        if group is None:
            groups.append([plant])
        else:
            group.append(plant)
    return groups


def planted(cell: Cell, seed: int) -> dict[str, float]:
    """Say what is planted in a company, and how strongly."""
    if cell.name.startswith("margin"):
        number = int(cell.name.removeprefix("margin").strip() or 1) - 1
        return dict.fromkeys(colours()[number], 0.5)
    if not cell.name.startswith("twice"):
        return {}
    rng = np.random.default_rng([seed, zlib.crc32(b"which half")])
    order = [str(plant) for plant in rng.permutation(sorted(PLANTS))]
    first = _fitting(order[: (len(order) + 1) // 2])
    # What clashed in the first half comes first in the second, so that each is planted in one of them.
    chosen = _fitting([p for p in order if p not in first]) if cell.second else first
    return dict.fromkeys(sorted(chosen), 1.0)


def _fitting(plants: Sequence[str]) -> list[str]:
    chosen: list[str] = []
    for plant in plants:
        if not any(frozenset({plant, other}) in CLASHES for other in chosen):
            chosen.append(plant)
    return chosen


def confounded(cell: Cell, seed: int) -> list[str]:
    """Name the confounders of a company."""
    if not cell.name.startswith("confounders"):
        return [cell.name.removeprefix("confounder ")] if cell.name.startswith("confounder ") else []
    rng = np.random.default_rng([seed, zlib.crc32(b"which confounders")])
    order = [str(c) for c in rng.permutation(sorted(CONFOUNDERS))]
    half = (len(order) + 1) // 2
    return sorted(order[half:] if cell.second else order[:half])


def one(cell: Cell, seed: int, accounts: int) -> Row:
    """Make one company up, look at it, and put the verdicts beside the truth.

    Columns of so few rows are quicker with pandas' own texts; the findings are the same.
    """
    with pd.option_context("mode.string_storage", "python"):
        return _one(cell, seed, accounts)


def _one(cell: Cell, seed: int, accounts: int) -> Row:
    from alignment_toolkit.analysis import findings_of
    from alignment_toolkit.company import Company

    plant = planted(cell, seed)
    confounders = confounded(cell, seed)
    confound = dict.fromkeys(confounders, 1.0)
    made = simulate(Recipe(seed=seed, accounts=accounts, plant=plant, confound=confound))
    with tempfile.TemporaryDirectory() as folder:
        for name, table in made.tables.items():
            table.to_parquet(Path(folder) / f"{name}.parquet", index=False)
        (Path(folder) / "alignment.toml").write_text(SETTINGS, encoding="utf-8")
        company = Company.open(folder)
        start = time.perf_counter()
        found = findings_of(company, PERIOD)
        spent = time.perf_counter() - start
    truth = made.answers["gaps"]
    rows = {
        f.indicator: {
            "status": f.status,
            "truth": truth[f.indicator]["value"] if f.indicator in truth else None,
            "value": f.gap.value if f.gap else None,
            "low": f.gap.low if f.gap else None,
            "high": f.gap.high if f.gap else None,
            "n": f.gap.n if f.gap else 0,
            "margin": f.margin,
            "direction": f.direction,
            "message": f.message if f.status == "error" else None,
        }
        for f in found
    }
    return {
        "cell": cell.name, "seed": seed, "accounts": accounts, "planted": plant,
        "confounded": confounders, "seconds": round(spent, 2), "findings": rows,
    }  # fmt: skip


def run(
    tasks: Sequence[tuple[Cell, int]], accounts: int, jobs: int, keep: Callable[[Row], None]
) -> Iterator[Row]:
    """Run every company, in several processes where asked; `keep` is called with each as soon as it is done."""
    if jobs == 1:
        for cell, seed in tasks:
            row = one(cell, seed, accounts)
            keep(row)
            yield row
        return
    with ProcessPoolExecutor(jobs) as pool:
        for future in as_completed([pool.submit(one, cell, seed, accounts) for cell, seed in tasks]):
            row = future.result()
            keep(row)
            yield row


def main() -> int:
    """Run the proof."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--accounts", type=int, default=5000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--cells", nargs="*", help="kinds of companies, or how the names of several begin; all by default"
    )
    parser.add_argument(
        "--rows", type=Path, help="keep the companies here, as JSON lines; those there are not run again"
    )
    parser.add_argument("--out", type=Path, help="write the tables here")
    parser.add_argument(
        "--check", action="store_true", help="exit 1 where more alarms were raised than can be luck"
    )
    args = parser.parse_args()
    known = [*cells(), *alone()]
    names = {c.name for c in known}
    chosen = cells() if not args.cells else [
        c for c in known
        if any(c.name == w if w in names else c.name.startswith(w) for w in args.cells)
    ]  # fmt: skip
    rows: list[Row] = []
    if args.rows and args.rows.exists():
        lines = args.rows.read_text(encoding="utf-8").splitlines()
        rows = [
            row for line in lines if line.strip() and (row := json.loads(line))["accounts"] == args.accounts
        ]
    done = {(r["cell"], r["seed"]) for r in rows}
    seeds = range(args.first, args.first + args.seeds)
    # Seed by seed through the kinds, so that an interrupted run has something of each.
    tasks = [(cell, seed) for seed in seeds for cell in chosen if (cell.name, seed) not in done]

    def keep(row: Row) -> None:
        if args.rows:
            with args.rows.open("a", encoding="utf-8") as f:
                f.write(json.dumps(row) + "\n")

    rows += run(tasks, args.accounts, args.jobs, keep)
    if not rows:
        print("no company was made")
        return 1
    text = document(rows, accounts=args.accounts, period=PERIOD)
    if args.out:
        args.out.write_text(text, encoding="utf-8")
    print(text)
    missed = aims_missed(rows, only_alarms=True) if args.check else []
    for line in missed:
        print(f"missed: {line}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
