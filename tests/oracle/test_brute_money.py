"""Every KPI of revenue, marketing and cost equals its brute-force twin: counts exact, the rest to 1e-12."""

from __future__ import annotations

import math
import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, seed
from hypothesis import settings as tries
from hypothesis import strategies as st

from alignment_toolkit.errors import UnknownName
from alignment_toolkit.kpi import RatioOfKpis, measure
from alignment_toolkit.kpis import cost, marketing, revenue
from alignment_toolkit.periods import Period
from alignment_toolkit.results import KpiValue
from tests.builders import company_of
from tests.oracle.brute import Answer, World
from tests.oracle.brute_money import Money
from tests.oracle.test_brute import NO_SHRINK, PERIODS, absent, picker, to_the_digit
from tests.oracle.worlds import COLUMNS, DATA_SETS, PARTS, _until, larger, untold, worlds

KPIS = {k.id: k for m in (revenue, marketing, cost) for k in m.KPIS if hasattr(Money, k.id.replace("-", "_"))}
PRODUCTS = [None, "p1", "p2", "p3", "gone"]
WIDER = {
    **COLUMNS,
    "orders": (
        *COLUMNS["orders"],
        *("product_id", "quantity", "list_amount", "cost", "opportunity_id", "promised_on", "delivered_on"),
    ),
    "opportunities": (*COLUMNS["opportunities"], "product_id", "list_amount"),
    "leads": (*COLUMNS["leads"], "sourced_by", "product_id"),
    "spend": (*COLUMNS["spend"], "department", "product_id"),
    "touches": (*COLUMNS["touches"], "minutes", "channel", "product_id"),
    "products": ("product_id", "unit_cost", "category"),
    "results": ("result_id", "kind", "count", "on", "channel", "campaign_id", "product_id"),
}
WIDER = {table: tuple(dict.fromkeys(columns)) for table, columns in WIDER.items()}
PER_HOUR = {"sales": 60.5, "service": 45.0}
TOML = "[company]\ncurrency = 'EUR'\n{cap}\n[effort.cost_per_hour]\nsales = 60.5\nservice = 45\n"


def wider(rows: dict[str, list[dict[str, Any]]], seed: int) -> dict[str, list[dict[str, Any]]]:
    """Give the rows with the further columns that these KPIs stand on."""
    chance = random.Random(seed)

    def maybe(value: Any, share: float = 0.7) -> Any:
        return value if chance.random() < share else None

    def money(most: int = 10**6) -> Decimal:
        return Decimal(chance.randint(-(10**4), most)) / 10 ** chance.randint(0, 4)

    def day(after: date) -> date:
        return after + timedelta(days=chance.choice([0, 1, 5, 30, 200]))

    made = {table: [dict(r) for r in found] for table, found in rows.items()}
    for table in ("orders", "opportunities", "leads", "spend", "touches"):
        for r in made.get(table, ()):
            r["product_id"] = chance.choice(PRODUCTS)
    for r in made.get("orders", ()):
        on = r["ordered_at"].date()
        promised = maybe(day(on))
        r |= {
            "quantity": maybe(chance.choice([1.0, 2.0, -1.0, 0.25]), 0.5),
            "list_amount": maybe(money()),
            "cost": maybe(money(), 0.4),
            "opportunity_id": maybe(f"o{chance.randrange(16):02d}", 0.3),
            "promised_on": promised,
            "delivered_on": maybe(chance.choice([day(on), promised])),
        }
    for r in made.get("opportunities", ()):
        r["list_amount"] = maybe(money())
    for r in made.get("leads", ()):
        r["sourced_by"] = chance.choice([None, "marketing", "sales"])
    for r in made.get("spend", ()):
        r["department"] = chance.choice([None, "marketing", "sales"])
    for r in made.get("touches", ()):
        r["minutes"] = maybe(chance.choice([0.0, 5.0, 12.5, 90.0]), 0.5)
        r["channel"] = chance.choice([None, "phone", "email", "visit"])
        r["department"] = chance.choice(["sales", "service", "marketing"])
    if chance.random() < 0.8:
        made["products"] = [
            {
                "product_id": p,
                "unit_cost": maybe(money(10**5), 0.8),
                "category": chance.choice(["x", "y", None]),
            }
            for p in PRODUCTS[1:4]
        ]
    made["results"] = [
        {
            "result_id": f"r{i}",
            "kind": chance.choice(["clicks", "enquiries", "enquiries", "sales"]),
            "count": chance.choice([0.0, 1.0, 2.5, 40.0]),
            "on": maybe(date(2025, 1, 1) + timedelta(days=chance.randrange(540)), 0.95),
            "channel": chance.choice([None, "paid", "mail"]),
            "campaign_id": chance.choice([None, "c1", "c2"]),
            "product_id": chance.choice(PRODUCTS),
        }
        for i in range(12)
    ]
    return made


def chosen(by: tuple[str, ...], world: World, kpi: Any) -> Any:
    plain = picker(by, world, kpi)
    categories = {r["product_id"]: r["category"] for r in world.rows("products")}

    def pick(row: Any) -> tuple[Any, ...]:
        values = zip(by, plain(row), strict=True)
        return tuple(
            categories.get(row.get("product_id")) if n == "products.category" else v for n, v in values
        )

    return pick


def close(a: Any, b: Any, rel: float) -> bool:
    return (a is None) == (b is None) and (
        a is None or math.isclose(float(a), float(b), rel_tol=rel, abs_tol=1e-9)
    )


def compare(row: KpiValue, expected: Answer, *, ratio: bool) -> None:
    where = (row.kpi, dict(row.by), row.period, row.grain, row, expected)
    if untold(row):
        assert (row.value, row.low, row.high) == (None, None, None), where
        assert row.top is None or to_the_digit(row.top, expected.top), where
        assert row.bottom is None or to_the_digit(row.bottom, expected.bottom), where
        return
    assert (row.status == "not_available") == (expected.value is None) == bool(row.reason), where
    assert to_the_digit(row.value, expected.value), where
    if expected.value is None:
        assert (row.low, row.high, row.spread) == (None, None, None), where
        return
    assert row.n == expected.n, where
    assert (row.censored, row.immature) == (expected.censored, expected.immature), where
    assert to_the_digit(row.top, expected.top), where
    assert to_the_digit(row.bottom, expected.bottom), where
    if not ratio and expected.n:
        assert close(row.low, expected.low, 1e-8), where
        assert close(row.high, expected.high, 1e-8), where
    if expected.spread:
        assert row.spread == pytest.approx(expected.spread, rel=1e-9, abs=1e-9), where


def check(
    rows: list[KpiValue], by: tuple[str, ...], period: Period, grain: str | None, world: World, minutes: Any
) -> int:
    kpi = KPIS[rows[0].kpi]
    pick, ratio = chosen(by, world, kpi), isinstance(kpi, RatioOfKpis) and kpi.id != "profit"
    around = Money(world, period, minutes, PER_HOUR)
    whole = around.measure(kpi.id, pick)
    made = {
        p: Money(world, p, minutes, PER_HOUR, around).measure(kpi.id, pick)
        for p in (period.split(grain) if grain else ())
    }
    said = {(tuple(r.by.values()) or None, r.period if r.grain else None): r for r in rows}
    assert len(said) == len(rows)
    if len(rows) == 1 and all(a.value is None for found in (whole, *made.values()) for a in found.values()):
        return 0
    assert {s for s, _ in said} == set(whole), (kpi.id, set(whole), set(said))
    for by_values in whole:
        compare(said[by_values, None], whole[by_values], ratio=ratio)
        for piece, found in made.items():
            if by_values not in found and ratio:
                continue  # what neither side has in this stretch is tried with plain KPIs
            expected = found[by_values] if by_values in found else absent(found, kpi)
            compare(said[by_values, piece.label], expected, ratio=ratio)
    return sum(a.value is not None for a in whole.values())


def run(
    rows: dict[str, list[dict[str, Any]]],
    period: Period,
    by: tuple[str, ...],
    grain: str | None,
    cap: date | None,
) -> dict[str, int]:
    company = company_of(rows, columns=WIDER, toml=TOML.format(cap=f"as_of = {cap}" if cap else ""))
    frames = {
        name: pd.DataFrame(
            [{c: r.get(c) for c in WIDER[name]} for r in found], columns=list(WIDER[name]), dtype=object
        )
        for name, found in rows.items()
    }
    world = World(frames, _until(rows), cap=cap)
    usable = [k for k in KPIS.values() if not k.missing(company)]
    try:
        found = measure(company, usable, period, by=by, grain=grain)
    except UnknownName:
        return {}
    told = {}
    for kpi in usable:
        mine = [r for r in found if r.kpi == kpi.id]
        if any(r.reason and "no dimension" in r.reason for r in mine):
            continue
        told[kpi.id] = check(mine, by, period, grain, world, company.settings.effort.minutes)
    return told


CASES = {
    "rows": st.builds(wider, worlds(), st.integers(0, 10**6)),
    "period": st.sampled_from(PERIODS).map(Period.parse),
    "by": st.sampled_from(
        [(), ("channel",), ("accounts.region",), ("theme", "channel"), ("products.category",)]
    ),
    "grain": st.sampled_from([None, "quarter"]),
    "cap": st.sampled_from([None, None, date(2025, 12, 31)]),
}


@tries(max_examples=4, phases=NO_SHRINK)
@given(**CASES)
def test_kpis_equal_brute_force(rows, period, by, grain, cap):
    run(rows, period, by, grain, cap)


@pytest.mark.parametrize(
    ("number", "period", "by", "grain"),
    [
        (0, "2025-04-01..2026-06-30", ("channel",), "quarter"),
        pytest.param(3, "2025-Q2", ("products.category",), None, marks=pytest.mark.slow),
    ],
)
def test_kpis_equal_brute_force_on_larger_data(number, period, by, grain):
    told = run(wider(larger(number), number), Period.parse(period), by, grain, None)
    assert sum(n > 0 for n in told.values()) >= 8, "most of them have something to say"


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_kpis_equal_brute_force_on_many_data_sets(part):
    @seed(part)
    @tries(max_examples=DATA_SETS // PARTS, phases=NO_SHRINK, database=None)
    @given(**CASES)
    def once(rows, period, by, grain, cap):
        run(rows, period, by, grain, cap)

    once()
