"""The explorer's views: on the sample, and on a large company against hand-written DuckDB SQL for the same numbers.

    python benchmarks/explorer.py                                  # 1 million leads, 20 million order lines
    python benchmarks/explorer.py --lines 2000000 --leads 100000   # quicker

On the sample: the first view after imports, and a changed filter. On the large company: revenue of a quarter by channel
and month, against the quarter before, with what the intervals are made of, on the tables as they lie in the engine;
then the same view from the explorer's memory. Times are wall and CPU seconds.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kpi_cube import generate

PERIOD, BEFORE = "2025-Q3", "2025-Q2"
SPAN = "ordered_at >= DATE '2025-04-01' AND ordered_at < DATE '2025-10-01'"
SQL = f"""
WITH lines AS (
    SELECT account_id, channel, amount, date_trunc('month', ordered_at) AS month,
           ordered_at >= DATE '2025-07-01' AS now
    FROM orders WHERE {SPAN}
), accounts AS (
    SELECT now, channel, month, account_id, sum(amount)::DOUBLE AS money, count(*) AS n
    FROM lines
    GROUP BY GROUPING SETS ((now, account_id), (now, channel, account_id), (now, month, account_id))
)
SELECT now, channel, month, sum(money), sum(money * money), sum(n), sum(n * n), sum(money * n), count(*)
FROM accounts GROUP BY ALL ORDER BY ALL
"""


def timed(what: str, work: Callable[[], Any]) -> tuple[float, float, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what:<48} {wall:8.2f} s  {cpu:8.2f} s of CPU", flush=True)
    return wall, cpu, found


def leads(folder: Path, number: int) -> None:
    """Write leads.parquet."""
    import duckdb

    duckdb.connect().execute(f"""
        COPY (SELECT 'l' || i AS lead_id,
                     TIMESTAMP '2024-01-01' + to_seconds((hash(i, 7) % 63158400)::BIGINT) AS created_at,
                     'a' || (hash(i, 8) % {max(number * 2, 1)}) AS account_id
              FROM range({number}) r(i)) TO '{folder / "leads.parquet"}' (FORMAT PARQUET)
    """)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--lines", type=int, default=20_000_000)
    options.add_argument("--leads", type=int, default=1_000_000)
    asked = options.parse_args()

    import alignment_toolkit as at
    from alignment_toolkit.explorer import Looking, View
    from alignment_toolkit.explorer.controls import Controls

    at.analyse, at.measure  # noqa: B018  # imports are not part of a view
    company = at.Company.open("sample")
    view = View(period="2026-Q3", by=("channel",))
    _, _, controls = timed("sample: first view, with its controls", lambda: Controls(Looking(company), view))
    timed(
        "sample: a changed filter",
        lambda: controls.looking.show("figures", view.but(only=("region=North",)))._repr_html_(),
    )

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        generate(folder, asked.lines)
        leads(folder, asked.leads)
        _, _, large = timed(
            f"{asked.leads:,} leads, {asked.lines:,} lines: opened", lambda: at.Company.open(folder)
        )
        looking = Looking(large)
        large.backend.con.execute(
            "SELECT sum(amount) FROM orders"
        ).fetchone()  # both find the table in memory
        wall_sql, cpu_sql, rows = timed(
            "  hand-written SQL", lambda: large.backend.con.execute(SQL).fetchall()
        )
        view = View(period=PERIOD, by=("channel",))
        wall, cpu, shown = timed("  the view's numbers", lambda: looking.measured(view))
        timed("  the same from memory, drawn", lambda: looking.show("figures", view)._repr_html_())
        timed("  the same from memory once more", lambda: looking.measured(view))
        total = next(r.value for r in shown if not r.by and r.grain is None)
        by_hand = next(r[3] for r in rows if r[0] and r[1] is None and r[2] is None)
        assert abs(total - by_hand) < 1e-6 * abs(by_hand), (total, by_hand)
        print(f"  the view over SQL: wall {wall / wall_sql:.2f}, CPU {cpu / cpu_sql:.2f}")


if __name__ == "__main__":
    main()
