"""How often a finding of a part of a company with nothing planted is out of line, part by part as a matrix asks.

``python benchmarks/parts.py --seeds 10 --rows rows.jsonl`` makes companies without any misalignment, narrows each to
every value of every dimension below and looks at the part with all indicators, judged together as in an Analysis of
that part. *plain* companies are as the simulation makes them. *loose* ones have rows that name less, or something
else: regions and channels of orders, deals and leads that are not their account's or lead's; touches that name a person
or a deal and no account; leads, deals and touches without account, campaign or lead. Every company is one line of the
row file; a run that was interrupted goes on where the file ends. Shares have Wilson's limits.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from alignment_toolkit.analysis import findings_of
from alignment_toolkit.company import Company
from alignment_toolkit.simulation import Recipe, simulate
from alignment_toolkit.statistics.shares import wilson

PERIOD = "2026-Q3"
SETTINGS = (
    '[company]\nname = "made up"\ncurrency = "EUR"\ntimezone = "Europe/Berlin"\n[privacy]\nheads = true\n'
)
DIMENSIONS = (
    "region", "channel", "industry", "country", "size", "segment", "team", "department", "category", "need",
    "campaigns.channel", "accounts.region", "people.region",
)  # fmt: skip
KINDS = ("plain", "loose")
JUDGED = ("aligned", "uncertain", "misaligned")
# Table, column, share of rows, what else must be there; the last names where another value is taken from.
EMPTIED = (
    ("touches", "lead_id", 0.2, "campaign_id"),
    ("opportunities", "lead_id", 0.3, None),
    ("orders", "opportunity_id", 0.3, None),
    ("leads", "account_id", 0.2, None),
    ("leads", "campaign_id", 0.2, None),
)
OTHERS = (
    ("orders", "region", "accounts"),
    ("opportunities", "region", "accounts"),
    ("leads", "region", "accounts"),
    ("orders", "channel", "leads"),
    ("opportunities", "channel", "leads"),
)


def loosened(tables: Mapping[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    """Give the tables with links left out, and with regions and channels that belong to somebody else."""
    rng = np.random.default_rng([seed, 77])
    made = {name: table.copy() for name, table in tables.items()}
    for table, column, source in OTHERS:
        own = rng.random(len(made[table])) < 0.3
        words = sorted(tables[source][column].dropna().unique())
        made[table].loc[own, column] = rng.choice(words, int(own.sum()))
    touches = made["touches"]
    linked = touches[["contact_id", "lead_id", "opportunity_id"]].notna().any(axis=1)
    touches.loc[(rng.random(len(touches)) < 0.3) & linked, "account_id"] = None
    for table, column, share, also in EMPTIED:
        own = rng.random(len(made[table])) < share
        made[table].loc[own & made[table][also].notna() if also else own, column] = None
    return made


def one(kind: str, seed: int, accounts: int) -> dict[str, Any]:
    """Make one company up and count the verdicts on its parts, by indicator and dimension."""
    tables = simulate(Recipe(seed=seed, accounts=accounts)).tables
    tables = loosened(tables, seed) if kind == "loose" else tables
    counts: Counter[tuple[str, str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for name, table in tables.items():
            table.to_parquet(Path(folder) / f"{name}.parquet", index=False)
        (Path(folder) / "alignment.toml").write_text(SETTINGS, encoding="utf-8")
        company = Company.open(folder)
        for dimension in DIMENSIONS:
            for value in (*company.values(dimension), None):
                for found in findings_of(company.narrowed(dimension, value), PERIOD):
                    counts[found.indicator, dimension, found.status] += 1
    told = [[*key, n] for key, n in sorted(counts.items())]
    return {"kind": kind, "seed": seed, "accounts": accounts, "counts": told}


def document(rows: list[dict[str, Any]]) -> str:
    """Write the table: parts judged, out of line, in error and not asked, by indicator."""
    frame = pd.DataFrame(
        [(r["kind"], *line) for r in rows for line in r["counts"]],
        columns=["kind", "indicator", "dimension", "status", "n"],
    )
    lines = [
        f"{len(rows)} companies of {rows[0]['accounts']:,} accounts, nothing planted.",
        f"Parts by {', '.join(DIMENSIONS)}.",
        "",
        "| indicator | companies | parts judged | out of line | share, Wilson's limits | where | errors | not asked |",
        "|---|---|---|---|---|---|---|---|",
    ]
    everything = frame.assign(indicator="all")
    for (name, kind), own in pd.concat([frame, everything]).groupby(["indicator", "kind"], sort=True):
        by = own.groupby("status").n.sum()
        judged, out = int(by.reindex(JUDGED).fillna(0).sum()), int(by.get("misaligned", 0))
        e = wilson(out, judged, n_unit="parts").estimate
        share = "" if e.value is None else f"{e.value:.1%} ({e.low:.1%} to {e.high:.1%})"
        where = own[own.status == "misaligned"].groupby("dimension").n.sum()
        told = ", ".join(f"{d} {n}" for d, n in where.items()) if name != "all" else ""
        lines.append(
            f"| {name} | {kind} | {judged:,} | {out:,} | {share} | {told} | {int(by.get('error', 0)):,} | "
            f"{int(by.get('not_assessed', 0)):,} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run the proof."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--rows", type=Path, required=True, help="keep the companies here, as JSON lines")
    args = parser.parse_args()
    lines = args.rows.read_text(encoding="utf-8").splitlines() if args.rows.exists() else []
    rows = [row for line in lines if (row := json.loads(line))["accounts"] == args.accounts]
    done = {(row["kind"], row["seed"]) for row in rows}
    for seed in range(1, args.seeds + 1):
        for kind in KINDS:
            if (kind, seed) not in done:
                rows.append(one(kind, seed, args.accounts))
                with args.rows.open("a", encoding="utf-8") as f:
                    f.write(json.dumps(rows[-1]) + "\n")
    print(document(rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
