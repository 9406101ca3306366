"""All additive KPIs by month and two dimensions: the toolkit against hand-written DuckDB SQL and pandas.

Revenue and gross margin of generated order lines, leads and leads handed over, by month, channel and region, with the
months, the slices and the whole as well, and with their intervals (sums of squares over accounts for money, the numbers
of each day for leads).

    python benchmarks/additive_cube.py                      # 20 million lines, 1 million leads
    python benchmarks/additive_cube.py --lines 2000000      # quicker; a lead for every 20 lines
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import run

SEED = 1
FIRST, AFTER, PERIOD = "2024-01-01", "2026-01-01", "2024-01-01..2025-12-31"
CHANNELS = ("direct", "email", "event", "organic", "paid_search", "partner", "referral", "social")
REGIONS = ("east", "north", "south", "west")
SECONDS = 63158400


def generate(folder: Path, lines: int) -> None:
    """Write orders.parquet (two lines an order, ten an account, 2 % returns, 5 % without cost) and leads.parquet."""
    import duckdb

    channels, regions = (", ".join(f"'{w}'" for w in words) for words in (CHANNELS, REGIONS))
    connection = duckdb.connect()
    connection.execute(f"""
        COPY (
            SELECT 'o' || (i // 2) AS order_id,
                   TIMESTAMP '{FIRST}' + to_seconds((hash(i // 2, {SEED}) % {SECONDS})::BIGINT) AS ordered_at,
                   CAST((hash(i, {SEED + 1}) % 100000)::DOUBLE / 100
                        * CASE WHEN hash(i, {SEED + 2}) % 50 = 0 THEN -1 ELSE 1 END AS DECIMAL(18, 4)) AS amount,
                   CASE WHEN hash(i, {SEED + 6}) % 20 <> 0
                        THEN CAST((hash(i, {SEED + 7}) % 50000)::DOUBLE / 100 AS DECIMAL(18, 4)) END AS cost,
                   CASE WHEN hash(i // 2, {SEED + 3}) % 50 <> 0
                        THEN 'a' || (hash(i // 2, {SEED + 4}) % {max(lines // 10, 1)}) END AS account_id,
                   [{channels}][(hash(i // 2, {SEED + 5}) % {len(CHANNELS)})::INT + 1] AS channel,
                   [{regions}][(hash(i // 2, {SEED + 8}) % {len(REGIONS)})::INT + 1] AS region
            FROM range({lines}) r(i)
        ) TO '{folder / "orders.parquet"}' (FORMAT PARQUET)
    """)
    connection.execute(f"""
        COPY (
            SELECT 'l' || i AS lead_id,
                   TIMESTAMP '{FIRST}' + to_seconds((hash(i, {SEED}) % {SECONDS})::BIGINT) AS created_at,
                   CASE WHEN hash(i, {SEED + 1}) % 3 = 0
                        THEN created_at + to_seconds((hash(i, {SEED + 2}) % 2000000)::BIGINT) END AS qualified_at,
                   'a' || (hash(i, {SEED + 3}) % {max(lines // 20, 1)}) AS account_id,
                   [{channels}][(hash(i, {SEED + 4}) % {len(CHANNELS)})::INT + 1] AS channel,
                   [{regions}][(hash(i, {SEED + 5}) % {len(REGIONS)})::INT + 1] AS region
            FROM range({lines // 20}) r(i)
        ) TO '{folder / "leads.parquet"}' (FORMAT PARQUET)
    """)


def by_toolkit(folder: Path) -> Any:
    """Measure with the toolkit, on the Parquet files as they lie there."""
    from alignment_toolkit.kpi import measure
    from alignment_toolkit.kpis.marketing import leads, qualified_leads
    from alignment_toolkit.kpis.revenue import gross_margin, revenue

    kpis = [revenue, gross_margin, leads, qualified_leads]
    rows = measure(_Files(folder), kpis, PERIOD, by=("channel", "region"), grain="month", spread=False)
    return {
        (r.kpi, r.by.get("channel"), r.by.get("region"), r.period if r.grain else None): (
            r.value,
            r.low,
            r.high,
        )
        for r in rows
    }


class _Files:
    """A company that has nothing but the files: measuring is timed, loading and checking are not."""

    def __init__(self, folder: Path) -> None:
        import ibis

        from alignment_toolkit.settings import Settings

        self.settings = Settings.from_toml("[company]\ncurrency = 'EUR'\n", file="alignment.toml")
        self.currency, self.tables = "EUR", ("leads", "orders")
        self.backend = ibis.duckdb.connect()
        self.files = {
            name: self.backend.read_parquet(str(folder / f"{name}.parquet"), table_name=name)
            for name in self.tables
        }

    def __getitem__(self, table: str) -> Any:
        return self.files[table]

    def has(self, table: str, *columns: str) -> bool:
        return table in self.files and set(columns) <= set(self.files[table].columns)

    def relation(self, name: str) -> Any:
        from alignment_toolkit.relations import RELATIONS

        return RELATIONS[name].build(self) if name in RELATIONS else self[name]

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


MONEY = """
WITH lines AS NOT MATERIALIZED (
    SELECT CAST(date_trunc('month', ordered_at) AS DATE) AS month, channel, region, account_id,
           CASE WHEN account_id IS NULL THEN order_id END AS alone, amount, amount - cost AS margin
    FROM read_parquet('{folder}/orders.parquet')
    WHERE ordered_at >= TIMESTAMP '{first}' AND ordered_at < TIMESTAMP '{after}'
), clusters AS (
    SELECT grouping(month, channel) AS g, month, channel, region, account_id, alone,
           sum(amount) AS top, coalesce(sum(margin), 0) AS margin
    FROM lines
    GROUP BY GROUPING SETS ((month, channel, region, account_id, alone), (month, account_id, alone),
                            (channel, region, account_id, alone), (account_id, alone))
)
SELECT g, month, channel, region, count(*) AS clusters, sum(top) AS top, sum(margin) AS margin,
       sum(top::DECIMAL(19, 4) * top::DECIMAL(19, 4)) AS top2,
       sum(margin::DECIMAL(19, 4) * margin::DECIMAL(19, 4)) AS margin2
FROM clusters GROUP BY g, month, channel, region
"""
LEADS = """
WITH days AS (
    SELECT CAST({at} AS DATE) AS day, CAST(date_trunc('month', {at}) AS DATE) AS month, channel, region,
           grouping(channel) AS whole, count(*) AS k
    FROM read_parquet('{folder}/leads.parquet')
    WHERE {at} >= TIMESTAMP '{first}' AND {at} < TIMESTAMP '{after}'
    GROUP BY GROUPING SETS ((day, month, channel, region), (day, month))
)
SELECT month, channel, region, list(day) AS days, list(k) AS k
FROM days GROUP BY GROUPING SETS ((month, channel, region, whole), (channel, region, whole))
"""


def _money(rows: list[dict[str, Any]]) -> dict[Any, Any]:
    """Give values and intervals from sums, by the same statistics as the toolkit."""
    from alignment_toolkit.statistics.shares import compound_total

    found = {}
    for r in rows:
        for kpi, top in (("revenue", "top"), ("gross-margin", "margin")):
            e = compound_total(float(r[top]), float(r[f"{top}2"]), int(r["clusters"]))
            found[kpi, r["channel"], r["region"], r["month"]] = (e.value, e.low, e.high)
    return found


def _counts(kpi: str, rows: list[dict[str, Any]]) -> dict[Any, Any]:
    """Give counts and the intervals of their days, from the first day that there is data of."""
    from datetime import date

    import numpy as np

    from alignment_toolkit.statistics.bursts import event_count

    begins = min(min(r["days"]) for r in rows)

    def by_day(r: dict[str, Any], month: date | None) -> Any:
        after = date.fromisoformat(AFTER)
        if month:
            after = date(month.year + month.month // 12, month.month % 12 + 1, 1)
        first = max(month or begins, begins)
        days = np.zeros((after - first).days)
        days[[(d - first).days for d in r["days"]]] = r["k"]
        return days

    whole = {(r["channel"], r["region"]): by_day(r, None) for r in rows if not r["month"]}
    found = {}
    for r in rows:
        month = date.fromisoformat(f"{r['month']}-01") if r["month"] else None
        slice_ = r["channel"], r["region"]
        e = event_count(by_day(r, month), within=whole[slice_] if month else None)
        found[kpi, *slice_, r["month"]] = (e.value, e.low, e.high)
    return found


def by_sql(folder: Path) -> Any:
    """Ask DuckDB with three hand-written queries over grouping sets."""
    import duckdb

    connection = duckdb.connect()

    def asked(query: str, **words: str) -> list[dict[str, Any]]:
        cursor = connection.execute(query.format(folder=folder, first=FIRST, after=AFTER, **words))
        names = [c[0] for c in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return [{**r, "month": r["month"] and r["month"].isoformat()[:7]} for r in rows]

    found = _money(asked(MONEY))
    found |= _counts("leads", asked(LEADS, at="created_at"))
    return found | _counts("qualified-leads", asked(LEADS, at="qualified_at"))


def by_pandas(folder: Path) -> Any:
    """Compute the same in pandas, money as floats."""
    import pandas as pd

    t = pd.read_parquet(folder / "orders.parquet")
    t = t[(t.ordered_at >= FIRST) & (t.ordered_at < AFTER)]
    amount, cost = t["amount"].astype("float64"), t["cost"].astype("float64")
    code = t["account_id"].astype("category").cat.codes.astype("int64")
    order = t["order_id"].astype("category").cat.codes.astype("int64")
    t = pd.DataFrame({
        "month": t.ordered_at.dt.strftime("%Y-%m").astype("category"), "channel": t["channel"].astype("category"),
        "region": t["region"].astype("category"), "cluster": code.where(code >= 0, -2 - order), "top": amount,
        "margin": (amount - cost).fillna(0.0),
    })  # fmt: skip
    rows = []
    for keys in ([], ["month"], ["channel", "region"], ["month", "channel", "region"]):
        per = t.groupby([*keys, "cluster"], observed=True, sort=False)[["top", "margin"]].sum().reset_index()
        per = per.assign(top2=per["top"] ** 2, margin2=per["margin"] ** 2, clusters=1).drop(columns="cluster")
        sums = per.groupby(keys, observed=True).sum().reset_index() if keys else per.sum().to_frame().T
        rows += [{"month": None, "channel": None, "region": None, **r} for r in sums.to_dict("records")]
    found = _money(rows)
    leads = pd.read_parquet(folder / "leads.parquet")
    for kpi, at in (("leads", "created_at"), ("qualified-leads", "qualified_at")):
        own = leads[(leads[at] >= FIRST) & (leads[at] < AFTER)]
        own = own.assign(month=own[at].dt.strftime("%Y-%m"), day=own[at].dt.date)
        rows = []
        for keys in ([], ["month"], ["channel", "region"], ["month", "channel", "region"]):
            sums = own.groupby([*keys, "day"], observed=True).size().rename("k").reset_index()
            for at_keys, part in sums.groupby(keys) if keys else [((), sums)]:
                named = dict(zip(keys, at_keys, strict=True))
                rows.append(
                    {
                        "month": None,
                        "channel": None,
                        "region": None,
                        **named,
                        "days": [*part.day],
                        "k": [*part.k],
                    }
                )
        found |= _counts(kpi, rows)
    return found


WAYS = {"sql": by_sql, "toolkit": by_toolkit, "pandas": by_pandas}


if __name__ == "__main__":
    run(__file__, __doc__, WAYS, generate, 20_000_000)
