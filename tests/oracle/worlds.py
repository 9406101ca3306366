"""Made-up companies with nasty content: what data from real systems does to a definition."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
from hypothesis import strategies as st

from alignment_toolkit.tables import TABLES
from tests.builders import Stand, company_of
from tests.oracle.brute import World

# How many generated data sets the slow tests take, and in how many parts: a part is a test with a seed of its own, so a
# long proof can be interrupted and go on (`-k "many_data_sets and 7"`).
DATA_SETS = int(os.environ.get("ALIGNMENT_TEST_DATA_SETS", "500"))
PARTS = 20
FIRST = date(2025, 1, 1)
DAYS = 540
COLUMNS = {
    "accounts": ("account_id", "client_since", "region"),
    "campaigns": ("campaign_id", "theme"),
    "leads": (
        "lead_id",
        "created_at",
        "account_id",
        "contact_id",
        "channel",
        "campaign_id",
        "region",
        "converted_at",
        "qualified_at",
        "accepted_at",
    ),
    "opportunities": (
        "opportunity_id",
        "opened_at",
        "account_id",
        "lead_id",
        "closed_at",
        "outcome",
        "amount",
        "list_amount",
        "channel",
        "region",
    ),
    "orders": ("order_id", "ordered_at", "amount", "account_id", "channel", "region"),
    "spend": ("spent_on", "amount", "audience", "channel", "campaign_id"),
    "touches": (
        "touch_id",
        "touched_at",
        "department",
        "lead_id",
        "contact_id",
        "account_id",
        "direction",
        "automated",
    ),
}
ACCOUNTS = [None, "A", "a", "b", "c", "d"]
CHANNELS = [None, "paid", "mail", "fair"]
REGIONS = [None, "north", "south"]
CAMPAIGNS = [None, "c1", "c2", "gone"]
# Few days around which much happens, so that limits (180, 90, 7 days, ends of months) are hit from both sides.
NEAR = [0, 1, 6, 7, 8, 89, 90, 91, 179, 180, 181, 182, 187, 270, 271, 360, 361, 362, 539]

days = st.one_of(st.sampled_from(NEAR), st.integers(0, DAYS)).map(lambda n: FIRST + timedelta(days=n))
moments = st.builds(
    lambda d, s: datetime(d.year, d.month, d.day) + timedelta(seconds=s),
    days,
    st.sampled_from([0, 0, 1, 43200, 86399]),
)
amounts = st.sampled_from(["0", "0.01", "10", "10", "99.99", "12.3456", "-10", "-99.99", "100000"]).map(
    Decimal
)


def _rows(**columns: Any) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.fixed_dictionaries(columns), max_size=14)


def _numbered(rows: list[dict[str, Any]], name: str, letter: str) -> list[dict[str, Any]]:
    # In an order that is not that of time: the id of an earlier row may be the larger one.
    return [{name: f"{letter}{(7 * i) % 16:02d}", **row} for i, row in enumerate(rows)]


@st.composite
def worlds(draw: st.DrawFn, *, tables: tuple[str, ...] = tuple(COLUMNS)) -> dict[str, list[dict[str, Any]]]:
    """Draw the rows of a company; any table but leads may be missing or empty."""
    account, channel, region = (st.sampled_from(pool) for pool in (ACCOUNTS, CHANNELS, REGIONS))
    campaign, lead = st.sampled_from(CAMPAIGNS), st.sampled_from([None, "l00", "l07", "l14", "l05", "nobody"])
    contact = st.sampled_from([None, None, "k1", "k2"])
    later = st.one_of(st.none(), st.none(), moments)
    made = {
        "accounts": st.lists(
            st.fixed_dictionaries(
                {
                    "account_id": st.sampled_from(ACCOUNTS[1:]),
                    "client_since": st.one_of(st.none(), st.none(), days),
                    "region": region,
                }
            ),
            max_size=4,
            unique_by=lambda r: r["account_id"],
        ),
        "campaigns": st.just([{"campaign_id": "c1", "theme": "speed"}, {"campaign_id": "c2", "theme": None}]),
        "leads": _rows(
            created_at=moments,
            account_id=account,
            contact_id=contact,
            channel=channel,
            campaign_id=campaign,
            region=region,
            converted_at=later,
            qualified_at=later,
            accepted_at=later,
        ).map(lambda rows: _numbered(rows, "lead_id", "l")),
        "opportunities": _rows(
            opened_at=moments,
            account_id=account,
            lead_id=lead,
            closed_at=later,
            outcome=st.sampled_from([None, "won", "won", "lost"]),
            amount=st.one_of(st.none(), amounts),
            list_amount=st.one_of(st.none(), amounts),
            channel=channel,
            region=region,
        ).map(lambda rows: _numbered(rows, "opportunity_id", "o")),
        "orders": _rows(
            order_id=st.sampled_from(["1", "2", "3", "4", "5", "6"]),
            ordered_at=moments,
            amount=amounts,
            account_id=account,
            channel=channel,
            region=region,
        ),
        "spend": _rows(
            spent_on=days,
            amount=amounts,
            audience=st.sampled_from([None, "new", "both", "existing"]),
            channel=channel,
            campaign_id=campaign,
        ),
        "touches": _rows(
            touched_at=moments,
            department=st.sampled_from(["sales", "sales", "marketing"]),
            lead_id=lead,
            contact_id=contact,
            account_id=account,
            direction=st.sampled_from(["outbound", "outbound", "inbound", None]),
            automated=st.sampled_from([None, False, True]),
        ).map(lambda rows: _numbered(rows, "touch_id", "t")),
    }
    there = [t for t in tables if t == "leads" or draw(st.sampled_from([True, True, True, False]))]
    return {t: draw(made[t]) for t in there}


def larger(seed: int, rows: int = 150) -> dict[str, list[dict[str, Any]]]:
    """Make a company in which money comes from enough clients to have intervals."""
    chance = random.Random(seed)
    accounts = [None, *(f"a{i}" for i in range(40))]

    def moment() -> datetime:
        return datetime(2025, 1, 1) + timedelta(seconds=chance.randrange(DAYS * 86400))

    def maybe(value: Any, share: float) -> Any:
        return value if chance.random() < share else None

    def amount() -> Decimal:
        return Decimal(chance.randint(-20000, 1000000)) / 10 ** chance.randint(0, 4)

    def common() -> dict[str, Any]:
        return {
            "account_id": chance.choice(accounts),
            "channel": chance.choice(CHANNELS),
            "region": chance.choice(REGIONS),
        }

    leads = [
        {"lead_id": f"l{i}", "created_at": moment(), **common(), "campaign_id": chance.choice(CAMPAIGNS),
         "converted_at": maybe(moment(), 0.05), "qualified_at": maybe(moment(), 0.5), "contact_id": None,
         "accepted_at": maybe(moment(), 0.3)}
        for i in range(rows)
    ]  # fmt: skip
    deals = [
        {"opportunity_id": f"o{i}", "opened_at": moment(), **common(),
         "lead_id": maybe(f"l{chance.randrange(rows)}", 0.5), "closed_at": maybe(moment(), 0.7),
         "outcome": maybe(chance.choice(["won", "lost"]), 0.9), "amount": maybe(amount(), 0.8),
         "list_amount": maybe(amount(), 0.8)}
        for i in range(rows // 2)
    ]  # fmt: skip
    orders = [
        {"order_id": f"{chance.randrange(rows // 2)}", "ordered_at": moment(), "amount": amount(), **common()}
        for _ in range(rows)
    ]
    spend = [
        {"spent_on": moment().date(), "amount": amount(), "audience": chance.choice([None, "new", "both", "existing"]),
         "channel": chance.choice(CHANNELS), "campaign_id": chance.choice(CAMPAIGNS)}
        for _ in range(rows // 3)
    ]  # fmt: skip
    known = [
        {"account_id": a, "client_since": maybe(moment().date(), 0.1), "region": chance.choice(REGIONS)}
        for a in accounts[1:30]
    ]
    campaigns = [{"campaign_id": "c1", "theme": "speed"}, {"campaign_id": "c2", "theme": None}]
    return {
        "accounts": known,
        "campaigns": campaigns,
        "leads": leads,
        "opportunities": deals,
        "orders": orders,
        "spend": spend,
    }


def both(rows: Mapping[str, list[dict[str, Any]]], *, toml: str = "", **more: Any) -> tuple[Stand, World]:
    """Give the same rows as a company of the toolkit and as a world of the oracle."""
    company = company_of(rows, columns=COLUMNS, toml=toml)
    frames = {
        name: pd.DataFrame(
            [{c: row.get(c) for c in COLUMNS[name]} for row in found],
            columns=list(COLUMNS[name]),
            dtype=object,
        )
        for name, found in rows.items()
    }
    return company, World(frames, _until(rows), **more)


def _until(rows: Mapping[str, list[dict[str, Any]]]) -> dict[str, date | None]:
    found = {}
    for name, table in rows.items():
        moments = [row[c] for c in TABLES[name].event_columns for row in table if row.get(c) is not None]
        found[name] = max(m.date() if isinstance(m, datetime) else m for m in moments) if moments else None
    return found


def untold(row: Any) -> bool:
    """Say whether a part of a figure of two relations is kept untold; tests/kpi/test_placed.py says when it must be."""
    apart = ("cost-per-lead", "cost-per-result", "cost-per-sale", "cost-per-sale-cohort", "cost-to-serve",
             "payback-months", "profit", "return-on-spend")  # fmt: skip
    return bool(row.by) and row.kpi in apart and str(row.reason).startswith("Not told by")
