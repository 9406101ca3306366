"""Every KPI of the catalogue: degenerate data gives a number or a reason, and what must not matter does not."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.company import Company
from alignment_toolkit.kpi import measure
from alignment_toolkit.results import KpiValue
from tests.builders import company_of, written

Tables = dict[str, list[dict[str, Any]]]
CATALOG = Catalog.load()
ALL = CATALOG.chosen_kpis(None)
PERIOD = "2025"
# Of so small a company: no median is reached, no curve has come to rest, so there is nothing but a reason.
WITHOUT_VALUE = {"time-to-client", "long-run-conversion"}
MONEY = {"amount", "list_amount", "cost", "unit_cost", "list_price"}


def whole(seed: int = 1, size: int = 120) -> Tables:
    """Make a company that has everything that a KPI needs."""
    chance = random.Random(seed)
    accounts = [f"a{i}" for i in range(60)]
    products = [f"p{i}" for i in range(4)]

    def moment(first: int = 0, last: int = 860) -> datetime:
        return datetime(2024, 10, 1) + timedelta(seconds=chance.randrange(first * 86400, last * 86400))

    def after(start: datetime, days: float, share: float) -> datetime | None:
        return start + timedelta(days=chance.expovariate(1 / days)) if chance.random() < share else None

    def money() -> Decimal:
        return Decimal(chance.randint(100, 500000)) / 100

    def common() -> dict[str, Any]:
        return {
            "account_id": chance.choice([*accounts, None]),
            "channel": chance.choice(["paid", "mail", None]),
            "region": chance.choice(["north", "south"]),
            "product_id": chance.choice(products),
        }

    leads, deals, orders, touches = [], [], [], []
    for i in range(size):
        created = moment()
        handed = after(created, 3, 0.7)
        leads.append(
            {"lead_id": f"l{i}", "created_at": created, "qualified_at": handed, **common(), "sourced_by": "marketing",
             "accepted_at": after(handed, 5, 0.7) if handed else None, "converted_at": after(created, 40, 0.15)}
        )  # fmt: skip
        opened = moment()
        closed = after(opened, 40, 0.8)
        amount = money()
        deals.append(
            {"opportunity_id": f"o{i}", "opened_at": opened, **common(), "closed_at": closed, "amount": amount,
             "outcome": chance.choice(["won", "lost"]) if closed else None, "list_amount": amount * 2,
             "lead_id": None}
        )  # fmt: skip
        bought = moment()
        orders.append(
            {"order_id": f"r{i}", "ordered_at": bought, **common(), "amount": amount, "quantity": 2.0,
             "list_amount": amount + 1, "cost": amount / 2, "promised_on": (bought + timedelta(days=5)).date(),
             "delivered_on": (bought + timedelta(days=chance.randint(1, 8))).date()}
        )  # fmt: skip
        answered = after(handed or created, 1.5, 1.0)
        touches.append(
            {"touch_id": f"t{i}", "touched_at": answered, "department": "sales", "direction": "outbound",
             "lead_id": f"l{i}", "account_id": leads[-1]["account_id"], "minutes": 30.0, "channel": "phone",
             "automated": False}
        )  # fmt: skip
    spend = [
        {"spend_id": f"s{i}", "spent_on": moment().date(), "amount": money(), "audience": chance.choice(["new", None]),
         "channel": chance.choice(["paid", "mail"]), "department": chance.choice(["marketing", "sales"])}
        for i in range(size // 2)
    ]  # fmt: skip
    results = [
        {"result_id": f"x{i}", "kind": chance.choice(["clicks", "enquiries", "impressions", "sales"]), "count": 10,
         "on": moment().date(), "channel": "paid"}
        for i in range(size // 4)
    ]  # fmt: skip
    return {
        "accounts": [{"account_id": a, "region": chance.choice(["north", "south"])} for a in accounts],
        "products": [{"product_id": p, "unit_cost": Decimal("3.5"), "category": "c"} for p in products],
        "leads": leads,
        "opportunities": deals,
        "orders": orders,
        "touches": touches,
        "spend": spend,
        "results": results,
    }


TOML = "[company]\ncurrency = 'EUR'\n[effort.cost_per_hour]\nsales = 60\nmarketing = 50\nservice = 40\n"


def totals(tables: Tables, *, period: str = PERIOD, toml: str = TOML) -> dict[str, KpiValue]:
    rows = measure(company_of(tables, toml=toml), ALL, period, catalogue=CATALOG.kpis)
    return {r.kpi: r for r in rows}


def each(tables: Tables, change: Callable[[str, dict[str, Any]], dict[str, Any]]) -> Tables:
    return {name: [change(name, row) for row in rows] for name, rows in tables.items()}


@pytest.fixture(scope="module")
def base() -> dict[str, KpiValue]:
    found = totals(whole())
    lacking = {id: row.reason for id, row in found.items() if row.status != "ok"}
    assert set(lacking) <= WITHOUT_VALUE, lacking  # else the tests below would compare nothing
    return found


def alike(
    found: dict[str, KpiValue], base: dict[str, KpiValue], *, scaled: int = 1, period: bool = True
) -> None:
    assert found.keys() == base.keys()
    for id, was in base.items():
        row = found[id]
        times = scaled if was.unit == "money" else 1
        assert (row.status, row.reason is None, row.n) == (was.status, was.reason is None, was.n), id
        for field in ("value", "low", "high"):
            mine, before = getattr(row, field), getattr(was, field)
            assert (mine is None) == (before is None), (id, field)
            if mine is not None:
                assert mine == pytest.approx(before * times, rel=1e-9, abs=1e-9), (id, field)
        if scaled == 1 and period:
            # What is written to analysis.json must be the same bytes.
            assert repr(replace(row, period="", start="", to="")) == repr(
                replace(was, period="", start="", to="")
            ), id


# Names that the toolkit uses itself, as a source may write them: engines do not tell case apart.
THE_TOOLKITS = dict.fromkeys(
    ("Part", "Converted", "Episode_ID", "Client_Since", "Margin", "Repeated", "SLICED"), "x"
)

# Relations that must hold -------------------------------------------------------------------------------------------


# Each relation alone: tests/oracle/test_metamorphic.py. Two at a time here, since a measure of everything takes long.


def test_neither_order_nor_columns_that_nothing_asks_for_matter(base: dict[str, KpiValue]) -> None:
    own = {"colour": "blue", "left_out": "1", "n": "7", "piece": "x", "top": "2"}
    tables = each(whole(), lambda _, row: {**row, **own, **THE_TOOLKITS})
    for rows in tables.values():
        random.Random(9).shuffle(rows)
    alike(totals(tables), base)


def test_neither_the_names_of_things_nor_the_year_matter(base: dict[str, KpiValue]) -> None:
    """After 28 years the weekdays and leap years are the same again, so that working hours are too."""

    def changed(name: str, value: Any) -> Any:
        # Names are turned round, so that they sort in another order too.
        if name.endswith("_id") and value is not None:
            return f"é{value[::-1]}"
        return value.replace(year=value.year + 28) if isinstance(value, date) else value

    tables = each(whole(), lambda _, row: {k: changed(k, v) for k, v in row.items()})
    alike(totals(tables, period="2053"), base, period=False)


def test_money_in_cents_is_a_hundred_times_the_money(base: dict[str, KpiValue]) -> None:
    def scaled(_: str, row: dict[str, Any]) -> dict[str, Any]:
        return {k: v * 100 if k in MONEY and v is not None else v for k, v in row.items()}

    # The cost of an hour is money too.
    toml = TOML.replace("60", "6000").replace("50", "5000").replace("40", "4000")
    alike(totals(each(whole(), scaled), toml=toml), base, scaled=100)


def test_a_file_in_two_parts_is_the_file(tmp_path: Any, base: dict[str, KpiValue]) -> None:
    tables = each(whole(), lambda _, row: {**row, **THE_TOOLKITS})
    for part in (0, 1):
        (tmp_path / f"part{part}").mkdir()
        written({name: rows[part::2] for name, rows in tables.items()}, tmp_path / f"part{part}")
    unions = "".join(
        f'[tables.{name}]\nunion = ["part0/{name}.csv", "part1/{name}.csv"]\n' for name in tables
    )
    (tmp_path / "alignment.toml").write_text(
        TOML.replace("[company]\n", '[company]\ntimezone = "UTC"\n') + unions, encoding="utf-8"
    )
    rows = measure(Company.open(tmp_path), ALL, PERIOD, catalogue=CATALOG.kpis)
    alike({r.kpi: r for r in rows}, base, period=False)


# Degenerate data ----------------------------------------------------------------------------------------------------


def blank(name: str, row: dict[str, Any]) -> dict[str, Any]:
    """Leave only what a row must have."""
    needed = {
        "leads": ("lead_id", "created_at"), "opportunities": ("opportunity_id", "opened_at"),
        "orders": ("order_id", "ordered_at", "amount"), "spend": ("spent_on", "amount"),
        "touches": ("touch_id", "touched_at", "department"), "results": ("result_id", "kind", "count"),
        "accounts": ("account_id",), "products": ("product_id",),
    }  # fmt: skip
    return {k: v if k in needed[name] else None for k, v in row.items()}


def changed(**fixed: Any) -> Tables:
    return each(whole(size=30), lambda _, row: {k: fixed.get(k, v) for k, v in row.items()})


MONDAY = datetime(2025, 3, 3, 9)


def moments(value: Any) -> Any:
    return (MONDAY if isinstance(value, datetime) else MONDAY.date()) if isinstance(value, date) else value


FRAMES: dict[str, Callable[[], Tables]] = {
    "no rows": lambda: {name: [] for name in whole()},
    "one row of each": lambda: {name: rows[:1] for name, rows in whole().items()},
    "nothing but what is required": lambda: each(whole(size=30), blank),
    "all won": lambda: changed(outcome="won"),
    "all lost": lambda: changed(outcome="lost"),
    "one account": lambda: changed(account_id="a1"),
    "all at one moment": lambda: each(whole(size=30), lambda _, row: {k: moments(v) for k, v in row.items()}),
    "money is nothing": lambda: each(
        whole(size=30), lambda _, row: {k: Decimal(0) if k in MONEY else v for k, v in row.items()}
    ),
    "only returns": lambda: each(
        whole(size=30),
        lambda name, row: {**row, "amount": -row["amount"]} if "amount" in row else row,
    ),
    "the largest amounts": lambda: changed(
        amount=Decimal("99999999999999"),
        list_amount=Decimal("99999999999999"),
        cost=Decimal("99999999999999"),
    ),
    "all a copy of one": lambda: {
        name: [
            {**rows[0], **{k: f"{v}{i}" for k, v in rows[0].items() if k == ids.get(name)}} for i in range(20)
        ]
        for name, rows in whole().items()
    },
    "nothing comes of anything": lambda: changed(
        converted_at=None, accepted_at=None, closed_at=None, outcome=None, delivered_on=None
    ),
}
ids = {
    "leads": "lead_id", "opportunities": "opportunity_id", "touches": "touch_id", "accounts": "account_id",
    "products": "product_id", "results": "result_id", "spend": "spend_id",
}  # fmt: skip


# One frame of each kind at once; the others take longer than a quick run should.
QUICK = ("no rows", "nothing but what is required", "one account", "only returns")


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in FRAMES]
)
def test_degenerate_data_gives_a_number_or_a_reason(name: str) -> None:
    company = company_of(FRAMES[name](), toml=TOML, columns={t: list(r[0]) for t, r in whole(size=4).items()})
    rows = measure(company, ALL, "2025-Q1", compare="previous", catalogue=CATALOG.kpis)
    assert {r.kpi for r in rows} == {k.id for k in ALL}
    for r in rows:
        assert (r.value is None) == (r.status == "not_available") == bool(r.reason), r
        assert r.status == "not_available" or r.method, r
        numbers = [r.value, r.low, r.high, r.top, r.bottom, *(r.spread or {}).values()]
        numbers += [x for c in r.changes for x in (c.value, c.low, c.high, c.p)]
        assert all(x is None or math.isfinite(x) for x in numbers), r
        if r.low is not None and r.high is not None and r.value is not None:
            assert r.low <= r.value <= r.high, r
        assert not (r.n == 0 and r.bottom is not None and r.value is not None), ("invented", r)
