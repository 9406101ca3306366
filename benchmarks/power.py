"""How often each indicator finds what is planted, and how often it raises a false alarm, in the whole analysis.

``python benchmarks/power.py --seeds 200 --out docs/power.md`` makes companies from seeds, runs `analyse` on each and
counts verdicts against the answer key: at gap 0, at the margin (strength 0.5), at twice the margin (1), and under each
confounder alone. Every share has its Monte Carlo interval (Wilson). Each company is analysed whole, so that the
false-discovery control over all findings is part of what is measured.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alignment_toolkit.simulation import CONFOUNDERS, PLANTS, Recipe, simulate

PERIOD = "2026-Q3"
STRENGTHS = {"gap 0": 0.0, "at the margin": 0.5, "twice the margin": 1.0}


@dataclass(frozen=True)
class Cell:
    """One kind of company: its name, what is planted, what confounds."""

    name: str
    strength: float
    confounder: str | None = None


def cells() -> list[Cell]:
    """List every kind of company that the proof looks at."""
    return [Cell(name, strength) for name, strength in STRENGTHS.items()] + [
        Cell(f"confounder {name}", 0.0, name) for name in sorted(CONFOUNDERS)
    ]


def one(cell: Cell, seed: int, accounts: int) -> list[dict[str, Any]]:
    """Simulate and analyse one company; give a row per finding."""
    from alignment_toolkit.analysis import analyse
    from alignment_toolkit.company import Company

    confound = {cell.confounder: 1.0} if cell.confounder else {}
    plant = dict.fromkeys(PLANTS, cell.strength)
    made = simulate(Recipe(seed=seed, accounts=accounts, plant=plant, confound=confound))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, table in made.tables.items():
            table.to_parquet(Path(folder) / f"{name}.parquet", index=False)
        settings = Path(folder) / "alignment.toml"
        settings.write_text(
            '[company]\nname = "made up"\ncurrency = "EUR"\ntimezone = "Europe/Berlin"\n', encoding="utf-8"
        )
        start = time.perf_counter()
        found = analyse(Company.open(folder), PERIOD, compare="none", kpis=[])
        spent = time.perf_counter() - start
    for f in found.findings:
        truth = made.answers["gaps"][f.indicator]["value"]
        gap = f.gap
        known = gap is not None and gap.low is not None and gap.high is not None
        rows.append(
            {
                "cell": cell.name,
                "indicator": f.indicator,
                "seed": seed,
                "status": f.status,
                "value": gap.value if gap else None,
                "truth": truth,
                "covered": bool(known and gap.low - 1e-9 <= truth <= gap.high + 1e-9),  # type: ignore[union-attr,operator]
                "n": gap.n if gap else 0,
                "seconds": spent,
            }
        )
    return rows


def run(tasks: Iterable[tuple[Cell, int]], accounts: int, jobs: int) -> list[dict[str, Any]]:
    """Run every kind of company from its seed, in several processes."""
    with ProcessPoolExecutor(jobs) as pool:
        futures = [pool.submit(one, cell, seed, accounts) for cell, seed in tasks]
        return [row for future in futures for row in future.result()]


def table(rows: list[dict[str, Any]]) -> str:
    """Write the shares with their Monte Carlo intervals as Markdown."""
    from alignment_toolkit.statistics.shares import wilson

    def share(hits: int, of: int) -> str:
        e = wilson(hits, of, n_unit="companies").estimate
        if e.value is None or e.low is None or e.high is None:
            return "none run"
        return f"{e.value:.3f} ({e.low:.3f} to {e.high:.3f})"

    out = []
    for indicator in sorted({r["indicator"] for r in rows}):
        own = [r for r in rows if r["indicator"] == indicator]
        out += [f"## {indicator}", ""]
        out += ["| company | runs | true gap | mean estimate | misaligned | aligned | uncertain | covered |"]
        out += ["|---|---|---|---|---|---|---|---|"]
        for cell in dict.fromkeys(r["cell"] for r in own):
            part = [r for r in own if r["cell"] == cell]
            n = len(part)
            statuses = [r["status"] for r in part]
            values = [r["value"] for r in part if r["value"] is not None]
            mean = sum(values) / len(values) if values else float("nan")
            out.append(
                f"| {cell} | {n} | {part[0]['truth']:.3f} | {mean:.3f} | {share(statuses.count('misaligned'), n)} "
                f"| {share(statuses.count('aligned'), n)} | {share(statuses.count('uncertain'), n)} "
                f"| {share(sum(r['covered'] for r in part), n)} |"
            )
        out.append("")
    alarms = {(r["cell"], r["seed"]) for r in rows if r["cell"] == "gap 0" and r["status"] == "misaligned"}
    companies = {(r["cell"], r["seed"]) for r in rows if r["cell"] == "gap 0"}
    out.append(f"Companies at gap 0 with any alarm: {share(len(alarms), len(companies))}.")
    return "\n".join(out) + "\n"


HEAD = """# Does it find what is there, and keep quiet where there is nothing?

Made by `python benchmarks/power.py --accounts {accounts} --out docs/power.md`. Each row is a kind of
made-up company ([how it is made](simulation.md)), each run a whole analysis of {period} with all indicators.
*covered* is the share of runs whose 95 % interval holds the true gap of the process. In brackets: the 95 %
Monte Carlo interval.
The aims: *misaligned* at most 0.05 at gap 0, at the margin and under a confounder, at least 0.9 at twice the margin;
*aligned* at most 0.025 at twice the margin and at least 0.8 at gap 0; coverage 0.93 to 0.97, at least 0.93 at gap 0.

"""


def main() -> None:
    """Run the proof."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--accounts", type=int, default=5000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cells", nargs="*", help="names of cells; all by default")
    parser.add_argument(
        "--rows",
        type=Path,
        help="keep the single runs here, as JSON lines; those that are there already are not run again",
    )
    parser.add_argument("--out", type=Path, help="write the table here")
    args = parser.parse_args()
    chosen = [c for c in cells() if not args.cells or c.name in args.cells]
    seeds = range(args.first, args.first + args.seeds)
    rows = []
    if args.rows and args.rows.exists():
        rows = [json.loads(line) for line in args.rows.read_text(encoding="utf-8").splitlines()]
    done = {(r["cell"], r["seed"]) for r in rows}
    tasks = [(cell, seed) for cell in chosen for seed in seeds if (cell.name, seed) not in done]
    fresh = run(tasks, args.accounts, args.jobs)
    if args.rows:
        with args.rows.open("a", encoding="utf-8") as f:
            f.writelines(json.dumps(r) + "\n" for r in fresh)
    order = {cell.name: i for i, cell in enumerate(cells())}
    rows = sorted([*rows, *fresh], key=lambda r: order[r["cell"]])
    text = table(rows)
    if args.out:
        head = HEAD.format(accounts=args.accounts, period=PERIOD)
        args.out.write_text(head + text, encoding="utf-8")
    print(text)
    slow = sorted(r["seconds"] for r in rows)
    print(f"seconds per analysis: median {slow[len(slow) // 2]:.1f}, longest {slow[-1]:.1f}")


if __name__ == "__main__":
    main()
