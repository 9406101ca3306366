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
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kpi_cube import generate

PERIOD, BEFORE = "2025-Q3", "2025-Q2"
SPAN = "ordered_at >= DATE '2025-04-01' AND ordered_at < DATE '2025-10-01'"
SQL = f"""
WITH lines AS (
    SELECT coalesce(account_id, '~' || order_id) AS client, channel, amount, ordered_at >= DATE '2025-07-01' AS now,
           CASE WHEN ordered_at >= DATE '2025-07-01' THEN date_trunc('month', ordered_at)::DATE::TEXT END AS month
    FROM orders WHERE {SPAN}
), clients AS (
    SELECT grouping(channel, month) AS g, now, channel, month, client, sum(amount)::DOUBLE AS money, count(*) AS n
    FROM lines
    GROUP BY GROUPING SETS ((now, client), (now, channel, client), (now, month, client))
)
SELECT now, channel, month, sum(money) AS top, sum(money * money) AS top2, sum(n) AS n, count(*) AS clusters
FROM clients WHERE now OR g <> 2 GROUP BY ALL ORDER BY ALL
"""


def timed(what: str, work: Callable[[], Any]) -> tuple[float, float, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what:<48} {wall:8.2f} s  {cpu:8.2f} s of CPU", flush=True)
    return wall, cpu, found


def furthest(shown: Sequence[Any], rows: Sequence[tuple[Any, ...]]) -> float:
    """Give the largest relative difference between the view's numbers and those of the SQL, intervals included."""
    from alignment_toolkit.statistics.shares import compound_total

    by_hand = {(c, m): compound_total(top, top2, k) for now, c, m, top, top2, _, k in rows if now}
    assert len(shown) == len(by_hand)
    found = 0.0
    for r in shown:
        e = by_hand[r.by.get("channel"), r.start if r.grain else None]
        found = max(
            found, *(abs(a / b - 1) for a, b in ((r.value, e.value), (r.low, e.low), (r.high, e.high)))
        )
    return found


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
        apart = furthest(shown, rows)
        assert apart < 1e-9, apart
        print(
            f"  the view over SQL: wall {wall / wall_sql:.2f}, CPU {cpu / cpu_sql:.2f}; {len(shown)} numbers with"
        )
        print(f"  their intervals, largest relative difference {apart:.0e}")


if __name__ == "__main__":
    main()
