"""Segments of many clients: features against hand-written DuckDB SQL; fit, stability and assignment in time and memory.

Generated order lines, ten an account, of three planted kinds of clients: small orders of the last months, middling ones
over all the time, large ones of long ago. `sql`, `sql_below` and `features` make the same eight features of the same
files, each in a process of its own: `sql` with all memory of the machine, `sql_below` below the memory that the toolkit
allows itself, as `features` does. `segments` goes on from there: expected value, the forecast of a year before against
what came, groups with stability and the test against chance, every account's segment and play.

    python benchmarks/segments.py                      # 20 million lines, 2 million clients
    python benchmarks/segments.py --lines 2000000      # quicker
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
from datetime import date
from pathlib import Path
from typing import Any

END = date(2026, 1, 1)
IDS = ["recency", "tenure", "order_days", "frequency", "money", "order_size", "breadth", "growth"]
SQL = """
CREATE TABLE by_hand AS
SELECT account_id, min(age) FILTER (amount > 0) AS recency, max(age) FILTER (amount > 0) AS tenure,
       count(DISTINCT day) FILTER (amount > 0) AS order_days,
       count(DISTINCT day) FILTER (amount > 0 AND age < 365) AS frequency,
       coalesce(sum(amount) FILTER (age < 365), 0)::DOUBLE AS money,
       sum(amount) FILTER (amount > 0)::DOUBLE / count(DISTINCT day) FILTER (amount > 0) AS order_size,
       count(DISTINCT product_id) FILTER (amount > 0 AND age < 365) AS breadth,
       CASE WHEN max(age) >= 730 THEN
            (coalesce(sum(amount) FILTER (age < 365), 0) - coalesce(sum(amount) FILTER (age >= 365 AND age < 730), 0))::DOUBLE
            / nullif(coalesce(sum(amount) FILTER (age < 365), 0) + coalesce(sum(amount) FILTER (age >= 365 AND age < 730), 0), 0)
       END AS growth
FROM (SELECT account_id, amount, product_id, ordered_at::DATE AS day, DATE '2026-01-01' - ordered_at::DATE - 1 AS age
      FROM orders WHERE ordered_at < TIMESTAMP '2026-01-01' AND account_id IS NOT NULL)
GROUP BY account_id
"""  # noqa: E501


def generate(folder: Path, lines: int) -> None:
    """Write orders.parquet: ten lines an account, 2 % returns, three kinds of clients (account number modulo 3)."""
    import duckdb

    duckdb.connect().execute(f"""
        COPY (
            SELECT 'o' || i AS order_id, 'a' || a AS account_id, 'p' || (hash(i, 5) % 40) AS product_id,
                   TIMESTAMP '2023-06-01' + to_seconds(
                        [58000000 + (hash(i, 1) % 23561600)::BIGINT, (hash(i, 1) % 81561600)::BIGINT,
                         (hash(i, 1) % 31000000)::BIGINT][a % 3 + 1]) AS ordered_at,
                   CAST((1 + hash(i, 2) % 100)::DOUBLE * [1, 3, 8][a % 3 + 1]
                        * CASE WHEN hash(i, 3) % 50 = 0 THEN -1 ELSE 1 END AS DECIMAL(18, 4)) AS amount
            FROM (SELECT i, (hash(i, 6) % {max(lines // 10, 1)})::BIGINT AS a FROM range({lines}) r(i))
        ) TO '{folder / "orders.parquet"}' (FORMAT PARQUET)
    """)


def _sql(folder: Path, mebibytes: int | None = None) -> dict[str, Any]:
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    if mebibytes is not None:
        connection.execute(f"SET memory_limit = '{mebibytes}MiB'")
        connection.execute(f"SET temp_directory = '{Path(tempfile.gettempdir()) / 'by_hand.spill'}'")
    connection.execute(f"CREATE VIEW orders AS SELECT * FROM '{folder / 'orders.parquet'}'")
    begun, used = time.perf_counter(), time.process_time()
    connection.execute(SQL)
    took, cpu = time.perf_counter() - begun, time.process_time() - used
    sums = ", ".join(f"sum({c})::DOUBLE" for c in IDS)
    return {
        "seconds": took,
        "cpu": cpu,
        "sums": list(connection.execute(f"SELECT {sums} FROM by_hand").fetchone()),
    }


def _sql_below(folder: Path) -> dict[str, Any]:
    from alignment_toolkit.segmentation.features import MEMORY

    return _sql(folder, MEMORY)


def _opened(folder: Path) -> Any:
    from alignment_toolkit.company import Company

    company = Company.open(folder)
    company.backend.raw_sql("SET threads = 2")
    return company


def _features(folder: Path) -> dict[str, Any]:
    from alignment_toolkit.segmentation import account_features

    company = _opened(folder)
    begun, used = time.perf_counter(), time.process_time()
    table, _ = account_features(company, END, IDS)
    took, cpu = time.perf_counter() - begun, time.process_time() - used
    sums = company.fetch(table.aggregate(**{c: table[c].sum() for c in IDS}))
    return {"seconds": took, "cpu": cpu, "sums": [float(sums[c][0]) for c in IDS]}


def _segments(folder: Path) -> dict[str, Any]:
    from alignment_toolkit.catalog import Catalog
    from alignment_toolkit.periods import Period
    from alignment_toolkit.pseudonyms import Pseudonyms
    from alignment_toolkit.segmentation import segment_company

    company = _opened(folder)
    opened = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    chosen = Catalog.load().chosen_segmentations(["behaviour"])
    begun, used = time.perf_counter(), time.process_time()
    found = segment_company(company, Period.parse("2025"), chosen, Pseudonyms("benchmark"))
    took, cpu = time.perf_counter() - begun, time.process_time() - used
    told = {row["label"]: row["size"] for row in found.segments}
    clients = found.about["segments"]["clients"]
    if clients["reason"]:
        raise SystemExit(f"no forecast was made, so this measures less than it says: {clients['reason']}")
    told["expected in 12 months"] = round(clients["expected_in_12_months"].value)
    return {"seconds": took, "cpu": cpu, "segments": told, "peak_after_opening": opened}


WAYS = {"sql": _sql, "sql_below": _sql_below, "features": _features, "segments": _segments}


def main() -> None:
    """Generate the data, run every way, print the table."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--lines", type=int, default=20_000_000)
    words.add_argument("--data", type=Path, help="keep the generated file there")
    words.add_argument("--one", choices=WAYS, help=argparse.SUPPRESS)
    said = words.parse_args()
    if said.one:
        found = WAYS[said.one](said.data)
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps({**found, "peak": used.ru_maxrss / 1024}))
        return
    with tempfile.TemporaryDirectory() as place:
        folder = said.data or Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "orders.parquet").exists():
            generate(folder, said.lines)
        base = None
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores at the begin")
        print("| way | seconds | CPU | CPU, wall against SQL | peak MB | |\n|---|---|---|---|---|---|")
        for way in WAYS:
            command = [sys.executable, __file__, "--one", way, "--data", str(folder)]
            result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            base = base or result
            told = ""
            if "sums" in result:
                apart = max(abs(a / b - 1) for a, b in zip(result["sums"], base["sums"], strict=True) if b)
                told = f"largest relative difference of a sum {apart:.0e}"
            if "segments" in result:
                told = f"{result['segments']}; {result['peak_after_opening']:.0f} MB after opening"
            ratio, longer = (result[k] / base[k] for k in ("cpu", "seconds"))
            cells = (f"{result['seconds']:.1f}", f"{result['cpu']:.1f}", f"{ratio:.2f}, {longer:.2f}")
            print("|", " | ".join((way, *cells, f"{result['peak']:.0f}", told)), "|", flush=True)


if __name__ == "__main__":
    main()
