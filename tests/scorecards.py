"""Small companies with a plan, and their scorecards."""

from __future__ import annotations

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.periods import Period
from alignment_toolkit.scorecard import shared_scorecard
from tests.builders import company_of

CATALOG = Catalog.load()
QUARTER = Period.parse("2026-Q1")
UNTIL = dict.fromkeys(("leads", "opportunities", "orders", "touches"), "2026-09-30")


def goal(kpi, department, value, period="2026-Q1", **more):
    row = {"dimension": "kpi", "key": kpi, "department": department, "measure": "target", "value": value}
    return row | {"period": period} | more


def deals(won, lost, day="2026-02-10"):
    return [
        {
            "opportunity_id": f"{day} {outcome} {i}", "account_id": f"{outcome} {i}", "opened_at": f"{day} 08:00",
            "closed_at": f"{day} 09:00", "outcome": outcome, "amount": 100,
        }
        for outcome, n in (("won", won), ("lost", lost))
        for i in range(n)
    ]  # fmt: skip


def leads(n, day="2026-01-15", prefix="l"):
    return [
        {"lead_id": f"{prefix}{i}", "account_id": f"{prefix}a{i}", "created_at": f"{day} 09:00"}
        for i in range(n)
    ]


def card(tables, *, toml="", until=UNTIL, period=QUARTER):
    toml = '[company]\ncurrency = "EUR"\n' + toml
    return shared_scorecard(company_of(tables, toml=toml, until=until), period, CATALOG)


def row_of(found, kpi, department="sales"):
    return next(r for r in found.scorecard.rows if (r["kpi"], r["department"]) == (kpi, department))


def department_of(found, name):
    return next(d for d in found.scorecard.departments if d["department"] == name)
