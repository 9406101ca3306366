"""Rows and look-ups that the tests of KPIs share."""

from __future__ import annotations

from alignment_toolkit.kpi import measure
from alignment_toolkit.kpis import cost, handover, marketing, revenue, sales

KPIS = {k.id: k for m in (revenue, marketing, handover, sales, cost) for k in m.KPIS}
ALL = tuple(KPIS.values())


def line(on, amount, account=None, order=None, **more):
    return {
        "order_id": order or f"{on}{account}",
        "ordered_at": on,
        "amount": amount,
        "account_id": account,
        **more,
    }


def lead(id, created, account=None, **more):
    return {"lead_id": id, "created_at": created, "account_id": account, **more}


def deal(id, closed, outcome="won", account=None, **more):
    return {
        "opportunity_id": id,
        "opened_at": "2026-01-01",
        "closed_at": closed,
        "outcome": outcome,
        "account_id": account,
        **more,
    }


def one(company, id, period="2026-Q1", **more):
    """Give the row of the total."""
    rows = measure(company, KPIS[id], period, **more)
    (total,) = [r for r in rows if not r.by and r.grain is None]
    return total


def by(rows):
    return {tuple(r.by.values()): r.value for r in rows if r.grain is None}


LINES = [
    line("2026-01-10", "100", "a", "1"),
    line("2026-01-10", "50", "a", "1"),
    line("2026-02-01", "-30", "a", "2"),
    line("2026-03-31 23:59:59", "20", "b", "3"),
    line("2026-02-05", "10", None, "4"),
    line("2026-04-01", "999", "c", "5"),
]

EPISODES = [
    lead("l1", "2026-01-01", "a"),
    lead("l2", "2026-01-20", "a"),  # one episode, converts on day 40
    lead("l3", "2026-01-05", "b"),  # converts on day 91
    lead("l4", "2026-01-06", "c"),  # a client since before
    lead("l5", "2026-03-31"),
    lead("l6", "2026-04-01"),  # 91 and 90 days old
    lead("l7", "2026-04-02"),  # 89 days old
]
DEALS = [
    deal("o1", "2026-02-10", account="a"),
    deal("o2", "2026-04-06", account="b"),
    deal("o3", "2025-12-01", account="c"),
    deal("o4", "2026-06-30", "lost"),
]
