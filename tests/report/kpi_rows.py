"""KPI rows of the hand-made Analysis: totals, slices and months, with what is not available and what is too young."""

from __future__ import annotations

import math
from typing import Any

from alignment_toolkit.results import Change, KpiValue

PERIOD = "2026-Q3"
MONTHS = [f"2025-{m:02d}" for m in range(10, 13)] + [f"2026-{m:02d}" for m in range(1, 10)]
CHANNELS: list[tuple[str | None, float]] = [
    ("paid_search", 0.081),
    ("trade_fair", 0.192),
    ("email", 0.117),
    ("partner", 0.154),
    (None, 0.09),
]


def kpi(id: str, title: str, value: float | None, unit: str, **changed: Any) -> KpiValue:
    """Build one row of a KPI."""
    known: dict[str, Any] = {
        "by": {},
        "period": PERIOD,
        "grain": None,
        "start": "2026-07-01",
        "to": "2026-09-30",
        "low": None,
        "high": None,
        "level": 0.95,
        "n": 812,
        "top": None,
        "bottom": None,
        "method": "exact",
        "better": "higher",
        "owners": {"marketing": 0.5, "sales": 0.5},
        "censored": 0,
        "immature": False,
        "spread": None,
        "status": "ok",
        "reason": None,
        "changes": (),
    }
    return KpiValue(kpi=id, title=title, value=value, unit=unit, **(known | changed))


def change(value: float, half: float, p: float = 0.03) -> tuple[Change, ...]:
    """Build a change against the quarter before."""
    return (Change("2026-Q2", value, value - half, value + half, p),)


def kpis() -> tuple[KpiValue, ...]:
    """Build totals, slices and months."""
    rows = [
        kpi(
            "revenue",
            "Revenue",
            1_284_350.5,
            "money",
            low=1_284_350.5,
            high=1_284_350.5,
            n=1903,
            changes=change(81_200.0, 96_000),
        ),
        kpi(
            "active-clients",
            "Active clients",
            642,
            "count",
            low=642,
            high=642,
            n=642,
            changes=change(-12, 51),
        ),
        kpi(
            "arpu",
            "Revenue per active client",
            2000.545,
            "money",
            low=1871.2,
            high=2129.9,
            n=642,
            method="ratio of sums, clustered by account",
            owners={"marketing": 0.4, "sales": 0.6},
            changes=change(161.1, 120),
        ),
        kpi(
            "average-order",
            "Average order",
            674.91,
            "money",
            low=640.1,
            high=709.8,
            n=1903,
            changes=change(-3.2, 30),
        ),
        kpi(
            "leads",
            "Leads",
            1240,
            "count",
            low=1240,
            high=1240,
            n=1240,
            owners={"marketing": 1.0},
            changes=change(140, 92),
        ),
        kpi(
            "lead-to-client",
            "Leads that become clients within 90 days",
            0.1234,
            "share",
            low=0.1061,
            high=0.1431,
            n=1180,
            method="Wilson",
            immature=True,
            censored=412,
            changes=change(-0.021, 0.019),
        ),
        kpi(
            "spend",
            "Spend",
            96_400,
            "money",
            low=96_400,
            high=96_400,
            n=310,
            better="neutral",
            changes=change(4_400, 0),
        ),
        kpi(
            "cost-per-sale",
            "Cost per sale",
            811.2,
            "money",
            low=702.4,
            high=951.7,
            n=119,
            better="lower",
            changes=change(96.0, 88),
        ),
        kpi(
            "win-rate",
            "Win rate",
            None,
            "share",
            n=0,
            status="not_available",
            owners={"sales": 0.7, "marketing": 0.3},
            reason="No opportunity was lost in this source, so a win rate would always read 100 %.",
        ),
        kpi(
            "new-clients",
            "New clients",
            119,
            "count",
            low=98.6,
            high=142.4,
            n=119,
            method="exact Poisson",
            changes=change(0, 0.0),
        ),
    ]
    for channel, share in CHANNELS:
        by = {"channel": channel}
        n = int(900 * share)
        rows.append(kpi("leads", "Leads", n, "count", by=by, n=n, low=n, high=n))
        half = 1.96 * math.sqrt(share * (1 - share) / (n + 40))
        rows.append(
            kpi(
                "lead-to-client",
                "Leads that become clients within 90 days",
                share,
                "share",
                by=by,
                n=n,
                low=share - half,
                high=share + half,
                method="Wilson",
                immature=channel == "email",
            )
        )
        rows.append(
            kpi(
                "arpu",
                "Revenue per active client",
                1500 + 4000 * share,
                "money",
                by=by,
                n=n,
                low=1300 + 4000 * share,
                high=1710 + 4000 * share,
            )
        )
    for i, month in enumerate(MONTHS):
        wave = math.sin(i / 2)
        late = i >= len(MONTHS) - 3
        start = f"{month}-01"
        rows.append(
            kpi(
                "revenue",
                "Revenue",
                400_000 + 40_000 * wave + 3_000 * i,
                "money",
                period=month,
                grain="month",
                start=start,
                to=f"{month}-28",
                n=600 + i,
            )
        )
        share = 0.13 + 0.02 * wave - (0.05 if late else 0)
        rows.append(
            kpi(
                "lead-to-client",
                "Leads that become clients within 90 days",
                share,
                "share",
                period=month,
                grain="month",
                start=start,
                to=f"{month}-28",
                n=390 + i,
                low=share - 0.03,
                high=share + 0.034,
                immature=late,
                censored=120 if late else 0,
                method="Wilson",
            )
        )
        rows.append(
            kpi(
                "cost-per-sale",
                "Cost per sale",
                780 + 60 * wave,
                "money",
                period=month,
                grain="month",
                start=start,
                to=f"{month}-28",
                n=40 + i,
                low=650 + 60 * wave,
                high=930 + 60 * wave,
            )
        )
    return tuple(rows)
