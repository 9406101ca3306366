"""KPI cube on generated order lines: the toolkit against hand-written DuckDB SQL and pandas.

Revenue, active clients, revenue per active client and average order, by month and channel, with the total, the months
and the channels as well, and with what their intervals are made of (sums of squares and products over accounts). Each
way runs in a process of its own on the same Parquet file; wall time and peak memory are printed as ratios to the SQL.

    python benchmarks/kpi_cube.py                      # 20 million lines
    python benchmarks/kpi_cube.py --lines 2000000      # quicker
    python benchmarks/kpi_cube.py --data FOLDER        # keep the generated file there
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import run

SEED = 1
FIRST, AFTER, PERIOD = "2024-01-01", "2026-01-01", "2024-01-01..2025-12-31"
CHANNELS = ("direct", "email", "event", "organic", "paid_search", "partner", "referral", "social")


def generate(folder: Path, lines: int) -> None:
    """Write orders.parquet: about two lines an order, ten an account; 2 % without account, 2 % returns."""
    import duckdb

    names = ", ".join(f"'{c}'" for c in CHANNELS)
    duckdb.connect().execute(f"""
        COPY (
            SELECT 'o' || (i // 2) AS order_id,
                   TIMESTAMP '{FIRST}' + to_seconds((hash(i // 2, {SEED}) % 63158400)::BIGINT) AS ordered_at,
                   CAST((hash(i, {SEED + 1}) % 100000)::DOUBLE / 100
                        * CASE WHEN hash(i, {SEED + 2}) % 50 = 0 THEN -1 ELSE 1 END AS DECIMAL(18, 4)) AS amount,
                   CASE WHEN hash(i // 2, {SEED + 3}) % 50 <> 0
                        THEN 'a' || (hash(i // 2, {SEED + 4}) % {max(lines // 10, 1)}) END AS account_id,
                   [{names}][(hash(i // 2, {SEED + 5}) % {len(CHANNELS)})::INT + 1] AS channel
            FROM range({lines}) r(i)
        ) TO '{folder / "orders.parquet"}' (FORMAT PARQUET)
    """)


def by_toolkit(folder: Path) -> Any:
    """Measure with the toolkit, on the Parquet file as it lies there."""
    from alignment_toolkit.kpi import measure
    from alignment_toolkit.kpis.revenue import active_clients, arpu, average_order, revenue

    kpis = [revenue, active_clients, arpu, average_order]
    rows = measure(_Lines(folder), kpis, PERIOD, by=("channel",), grain="month", spread=False)
    return {
        (r.kpi, r.by.get("channel"), r.period if r.grain else None): (r.value, r.low, r.high) for r in rows
    }


class _Lines:
    """A company that has nothing but the file: measuring is timed, loading and checking are not."""

    def __init__(self, folder: Path) -> None:
        import ibis

        from alignment_toolkit.settings import Settings

        self.settings = Settings.from_toml("[company]\ncurrency = 'EUR'\n", file="alignment.toml")
        self.currency, self.tables = "EUR", ("orders",)
        self.backend = ibis.duckdb.connect()
        self.orders = self.backend.read_parquet(str(folder / "orders.parquet"), table_name="orders")

    def __getitem__(self, table: str) -> Any:
        return self.orders

    def has(self, table: str, *columns: str) -> bool:
        return table == "orders" and set(columns) <= set(self.orders.columns)

    def relation(self, name: str) -> Any:
        from alignment_toolkit.relations import RELATIONS

        return RELATIONS[name].build(self)

    def complete_until(self, table: str) -> Any:
        from datetime import date

        return date(2025, 12, 31)

    def as_of_of(self, tables: Any) -> Any:
        return self.complete_until("orders") if tables else None

    @property
    def as_of(self) -> Any:
        return self.complete_until("orders")

    def fetch(self, expr: Any, *, limit: int = 0) -> Any:
        return self.backend.to_pandas(expr)


SQL = """
WITH lines AS NOT MATERIALIZED (
    SELECT CAST(date_trunc('month', ordered_at) AS DATE) AS month, channel, account_id,
           CASE WHEN account_id IS NULL THEN order_id END AS alone, order_id, amount
    FROM read_parquet('{file}')
    WHERE ordered_at >= TIMESTAMP '{first}' AND ordered_at < TIMESTAMP '{after}'
), clusters AS (
    SELECT grouping(month, channel) AS g, month, channel, account_id, alone,
           sum(amount) AS top,
           max(CASE WHEN account_id IS NOT NULL AND amount > 0 THEN 1 ELSE 0 END) AS active,
           count(DISTINCT order_id) FILTER (WHERE amount > 0) AS orders
    FROM lines
    GROUP BY GROUPING SETS ((month, channel, account_id, alone), (month, account_id, alone),
                            (channel, account_id, alone), (account_id, alone))
)
SELECT g, month, channel, count(*) AS clusters, sum(top) AS top, sum(active) AS active, sum(orders) AS orders,
       sum(top::DECIMAL(19, 4) * top::DECIMAL(19, 4)) AS top2,
       sum(top::DECIMAL(19, 4) * active::DECIMAL(18, 0)) AS top_active,
       sum(top::DECIMAL(19, 4) * orders::DECIMAL(18, 0)) AS top_orders,
       sum(active * active) AS active2, sum(orders * orders) AS orders2
FROM clusters GROUP BY g, month, channel
"""


def _numbers(rows: list[dict[str, Any]]) -> Any:
    """Give values and intervals from sums, by the same statistics as the toolkit."""
    from alignment_toolkit.statistics.shares import clustered_ratio, compound_total, poisson_count

    words: Any = {"unit": "money", "n_unit": ""}
    found = {}
    for r in rows:
        at = (r["channel"], r["month"])
        n = {k: float(v) for k, v in r.items() if k not in ("channel", "month", "g")}
        k = int(n["clusters"])
        for name, e in (
            ("revenue", compound_total(n["top"], n["top2"], k)),
            ("active-clients", poisson_count(n["active"])),
            (
                "arpu",
                clustered_ratio(n["top"], n["active"], n["top2"], n["top_active"], n["active2"], k, **words),
            ),
            (
                "average-order",
                clustered_ratio(n["top"], n["orders"], n["top2"], n["top_orders"], n["orders2"], k, **words),
            ),
        ):
            found[(name, *at)] = (e.value, e.low, e.high)
    return found


def by_sql(folder: Path) -> Any:
    """Ask DuckDB with one hand-written query over grouping sets."""
    import duckdb

    query = SQL.format(file=folder / "orders.parquet", first=FIRST, after=AFTER)
    cursor = duckdb.connect().execute(query)
    names = [c[0] for c in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return _numbers([{**r, "month": r["month"] and r["month"].isoformat()[:7]} for r in rows])


def by_pandas(folder: Path) -> Any:
    """Compute the same in pandas, money as floats."""
    import pandas as pd

    t = pd.read_parquet(folder / "orders.parquet")
    t = t[(t.ordered_at >= FIRST) & (t.ordered_at < AFTER)]
    t["amount"] = t["amount"].astype("float64")
    for name in ("order_id", "account_id", "channel"):
        t[name] = t[name].astype("category")
    t["month"] = t.ordered_at.dt.strftime("%Y-%m").astype("category")
    code, order = t["account_id"].cat.codes.astype("int64"), t["order_id"].cat.codes.astype("int64")
    t = pd.DataFrame({
        "month": t["month"], "channel": t["channel"], "order": order, "amount": t["amount"],
        "cluster": code.where(code >= 0, -2 - order), "positive": (t["amount"] > 0).astype("int8"),
    })  # fmt: skip
    t["active"] = ((t["cluster"] >= 0) & (t["amount"] > 0)).astype("int8")
    rows = []
    for keys in ([], ["month"], ["channel"], ["month", "channel"]):
        units = t.groupby([*keys, "cluster", "order"], observed=True, sort=False)
        units = units.agg(
            top=("amount", "sum"), active=("active", "max"), orders=("positive", "max")
        ).reset_index()
        per = units.groupby([*keys, "cluster"], observed=True, sort=False)
        per = per.agg(top=("top", "sum"), active=("active", "max"), orders=("orders", "sum")).reset_index()
        per = per.astype({"active": "int64", "orders": "int64"}).assign(clusters=1)
        for a, b, name in (
            ("top", "top", "top2"), ("top", "active", "top_active"), ("top", "orders", "top_orders"),
            ("active", "active", "active2"), ("orders", "orders", "orders2"),
        ):  # fmt: skip
            per[name] = per[a] * per[b]
        sums = per.drop(columns=["cluster"])
        sums = sums.groupby(keys, observed=True).sum().reset_index() if keys else sums.sum().to_frame().T
        rows += [{"month": None, "channel": None, **r} for r in sums.to_dict("records")]
    return _numbers(rows)


WAYS = {"sql": by_sql, "toolkit": by_toolkit, "pandas": by_pandas}


if __name__ == "__main__":
    run(__file__, __doc__, WAYS, generate, 20_000_000)
