"""One rich, hand-made Analysis: every status, every kind of row a report has to show."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from alignment_toolkit.report.blocks import Block, Detail
from alignment_toolkit.results import (
    Analysis,
    Area,
    Chart,
    Column,
    DataQuality,
    Estimate,
    Evidence,
    Finding,
    Guard,
    Measure,
    Money,
    Window,
)
from tests.report.kpi_rows import CHANNELS, MONTHS, PERIOD, kpi, kpis

__all__ = [
    "CHANNELS",
    "MONTHS",
    "PERIOD",
    "analysis",
    "dropped",
    "finding",
    "findings",
    "kpi",
    "kpis",
    "opened",
    "portfolio",
]


def opened(blocks: Sequence[Block]) -> list[Block]:
    """Give blocks with what slides leave out in its place."""
    return [inner for b in blocks for inner in (opened(b.blocks) if isinstance(b, Detail) else [b])]


def finding(indicator: str, status: str, title: str, **changed: Any) -> Finding:
    """Build one finding."""
    known: dict[str, Any] = {
        "id": indicator,
        "by": {},
        "nature": "tactical",
        "area": "handover",
        "tension": "harmful",
        "severity": "none",
        "direction": "greater",
        "window": Window("2026-07-01", "2026-09-30"),
        "population": "qualified leads of the period",
        "gap": None,
        "margin": 0.10,
        "p_value": None,
        "q_value": None,
        "measures": (),
        "money_at_stake": None,
        "statement": "",
        "why": "A lead cools quickly. Who asked on Monday has often bought elsewhere by Thursday.\n\n"
        "Answering in time is what both departments promise together: marketing by sending what is ready, sales "
        "by taking it up.",
        "advice": "Agree on one owner for each lead from the moment it is handed over.",
        "who": ("sales", "marketing"),
        "counter_explanations": {},
        "guards": (),
        "missing": (),
        "message": None,
        "needs_more": None,
        "evidence": Evidence(),
        "chart": None,
    }
    return Finding(indicator=indicator, status=status, title=title, **(known | changed))  # type: ignore[arg-type]


def share(
    value: float, low: float, high: float, n: int = 320, n_unit: str = "leads", method: str = "Kaplan-Meier"
) -> Estimate:
    """Build an Estimate of a share."""
    return Estimate(value, low, high, n, n_unit, "share", method)


def dropped() -> Finding:
    """Build a finding that is out of line, with everything a finding can carry."""
    columns = (
        Column("lead_id", "Lead", None, "id"),
        Column("channel", "Channel", None, "dimension"),
        Column("qualified_at", "Handed over", None, "time"),
        Column("hours", "Working hours until the first touch", "hours", "measure"),
        Column("value", "Expected value", "money", "measure"),
        Column("late", "Late", None, "dimension"),
    )
    rows = tuple(
        (
            f"L-{1000 + i:05d}",
            CHANNELS[i % 5][0],
            f"2026-08-{1 + i % 28:02d}T09:{i:02d}:00",
            4.5 + 1.3 * i,
            900.0 + 37 * i,
            i > 9,
        )
        for i in range(24)
    )
    curve = tuple(
        {"hours": h, "share": s, "low": s - 0.04, "high": s + 0.04, "channel": c}
        for c, f in (("paid_search", 1.0), ("trade_fair", 0.8), ("email", 0.7))
        for h, s in (
            (0, 0.0),
            (2, 0.2 * f),
            (4, 0.37 * f),
            (8, 0.52 * f),
            (16, 0.66 * f),
            (24, 0.71 * f),
            (40, 0.76 * f),
        )
    )
    return finding(
        "dropped_leads",
        "misaligned",
        "Leads are dropped at the hand-over",
        severity="high",
        gap=share(0.3424, 0.2891, 0.3992),
        p_value=1.2e-9,
        q_value=3.6e-9,
        statement="34.2 % of 320 leads that marketing handed over had no personal answer by sales "
        "within 16 working hours.",
        measures=(
            Measure.of("ever", "Never touched at all", share(0.11, 0.08, 0.149, method="Wilson")),
            Measure.of(
                "median",
                "Median time to the first touch",
                Estimate(9.5, 8.1, 11.9, 320, "leads", "hours", "Kaplan-Meier"),
            ),
            Measure.of(
                "early", "Conversion when answered in time", share(0.164, 0.12, 0.22, 210, method="Wilson")
            ),
        ),
        money_at_stake=Money(
            41_000.0,
            20_100.0,
            66_400.0,
            "EUR",
            "associational: the late leads at the conversion of those answered in time, "
            "times revenue per new client",
        ),
        counter_explanations={
            "marketing": "Part of the leads came in late on Fridays in batches, so "
            "nobody could have answered them at once.",
            "sales": "Salespeople may answer by telephone and not record the call; "
            "the three with the fewest records have most late leads.",
        },
        guards=(
            Guard(
                "logging",
                "3 of 14 salespeople recorded fewer than 5 touches; without them the gap is 29.8 %.",
            ),
            Guard(
                "immature",
                "18 leads are younger than 16 working hours and count only as long as they were watched.",
            ),
        ),
        evidence=Evidence(columns, rows),
        chart=Chart(
            "lines",
            "hours",
            "share",
            "low",
            "high",
            "channel",
            curve,
            None,
            "Two in three leads are answered within 16 working hours",
        ),
    )


def portfolio() -> Finding:
    """Build a second finding with money, over two departments and many products."""
    columns = (
        Column("product", "Product", None, "dimension"),
        Column("department", "Department", None, "dimension"),
        Column("push", "Share of push", "share", "measure"),
        Column("plan", "Share in the plan", "share", "measure"),
    )
    rows = tuple(
        (f"Product {chr(65 + i)}", d, (i + 1 + (j * 5) % 7) / 120, (15 - i) / 120)
        for i in range(14)
        for j, d in enumerate(("marketing", "sales"))
    )
    return finding(
        "portfolio_mismatch",
        "misaligned",
        "The departments push other products than the plan asks for",
        nature="strategic",
        area="portfolio",
        severity="low",
        tension="neutral",
        margin=0.15,
        gap=share(0.244, 0.171, 0.305, 1490, "touches", "parametric test inverted"),
        p_value=0.0081,
        q_value=0.0122,
        statement="On average 24.4 % of the push would have to move to another product to match the plan.",
        money_at_stake=Money(
            18_000.0, 18_000.0, 18_000.0, "EUR", "arithmetical: spend beyond the plan's share"
        ),
        counter_explanations={"marketing": "Two products were out of stock in August."},
        evidence=Evidence(columns, rows),
        chart=Chart(
            "bars",
            "product",
            "push",
            None,
            None,
            "department",
            None,
            0.0833,
            "Push by product and department",
        ),
    )


def findings() -> tuple[Finding, ...]:
    """Build a finding of every status."""
    agreement = tuple(
        {"marketing": m, "sales": s, "accounts": n, "n": n}
        for m, s, n in (
            ("target", "target", 61),
            ("target", "no target", 34),
            ("no target", "target", 29),
            ("no target", "no target", 288),
        )
    )
    slices = tuple(
        dataclasses.replace(
            finding(
                "dropped_leads",
                status,
                "Leads are dropped at the hand-over",
                gap=share(v, v - 0.08, v + 0.09, 64),
            ),
            id=f"dropped_leads:{region}",
            by={"region": region},
        )
        for region, v, status in (
            ("north", 0.41, "misaligned"),
            ("south", 0.13, "uncertain"),
            (None, 0.04, "aligned"),
        )
    )
    return (
        dropped(),
        *slices,
        portfolio(),
        finding(
            "targeting_disagreement",
            "aligned",
            "Both departments pursue the same accounts",
            nature="strategic",
            area="targeting",
            margin=0.5,
            gap=share(0.3402, 0.262, 0.418, 412, "accounts", "Cohen's kappa"),
            statement="Of 412 accounts that both have assessed, 349 are judged alike.",
            p_value=0.99,
            q_value=0.99,
            measures=(
                Measure.of("raw", "Judged alike", share(0.847, 0.81, 0.879, 412, "accounts", "Wilson")),
            ),
            evidence=Evidence(
                (
                    Column("account", "Account", None, "name"),
                    Column("potential", "Potential", "index", "measure"),
                ),
                (("A-71c2", 71.0), ("A-92f0", 64.5)),
            ),
            chart=Chart("matrix", "marketing", "sales", rows=agreement, title="Where the two lists differ"),
        ),
        finding(
            "price_ambition",
            "uncertain",
            "The departments want different prices",
            area="value",
            margin=0.05,
            direction="both",
            gap=Estimate(0.061, 0.021, 0.098, 11, "products", "ratio", "bootstrap by product"),
            statement="Prices in the two plans differ by 6 % on average.",
            needs_more=14,
            counter_explanations={
                "marketing": "List prices were raised in July.",
                "sales": "Two products are sold in bundles.",
            },
            chart=Chart(
                "scatter",
                "marketing",
                "sales",
                rows=tuple({"marketing": 10.0 + i, "sales": 9.5 + 1.1 * i} for i in range(11)),
            ),
        ),
        finding(
            "discarded_leads",
            "too_little_data",
            "Discarded leads would not have bought",
            gap=Estimate.none(n=31, n_unit="episodes", unit="share", method="Wilson"),
            message="31 episodes; at least 100 are needed.",
            needs_more=69,
        ),
        finding(
            "message_mismatch",
            "not_assessed",
            "The follow-up carries the campaign's message",
            area="message",
            missing=("touches.theme", "campaigns.theme"),
        ),
        finding(
            "avoided_dialogue",
            "withheld",
            "The heads talk to each other",
            nature="personal",
            area="cooperation",
            message="Two persons can be recognised; settings do not allow it.",
        ),
        finding(
            "quarter_end_rush",
            "error",
            "Deals close when they are ready",
            area="clients",
            message="ZeroDivisionError: no working day in the window",
        ),
    )


def analysis(**changed: Any) -> Analysis:
    """Build the whole Analysis."""
    known: dict[str, Any] = {
        "toolkit": "0.1.0",
        "start": "2026-07-01",
        "to": "2026-09-30",
        "compared_with": ("2026-Q2",),
        "as_of": "2026-09-30",
        "data_fingerprint": "9f2c4b7d0a5e4c1c8b7e6f5a4d3c2b1a",
        "settings": {
            "company": {
                "name": "Lighthouse Instruments",
                "currency": "EUR",
                "timezone": "Europe/Berlin",
                "made_up": True,
            },
            "calendar": {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"},
            "kpis": {"lead-to-client": {"horizon_days": 90}},
            "indicators": {"dropped_leads": {"within_hours": 16, "margin": 0.1}},
        },
        "kpis": kpis(),
        "findings": findings(),
        "areas": (
            Area("portfolio", 0.0, 1, 1, 1),
            Area("targeting", 1.0, 1, 1, 5),
            Area("value", None, 1, 0, 2),
            Area("handover", 0.0, 2, 1, 3),
        ),
        "data_quality": (
            DataQuality("leads", 4812, 3, 0.942, "2026-09-30"),
            DataQuality("touches", 23_104, 0, 0.871, "2026-09-30"),
            DataQuality("accounts", 1200, 0, None, None),
        ),
        "definitions": {
            "Active client": "An account with a positive sales line in the period.",
            "lead-to-client": {
                "title": "Leads that become clients within 90 days",
                "formula": "episodes that convert / mature episodes",
                "horizon_days": 90,
            },
        },
        "warnings": (
            "leads: 3 rows were refused; `alignment check` names them.",
            "quarter_end_rush could not be computed: ZeroDivisionError: no working day in the window",
        ),
    }
    return dataclasses.replace(
        Analysis.empty(company="Lighthouse Instruments", currency="EUR", period=PERIOD), **(known | changed)
    )
