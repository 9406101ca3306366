"""A quotient of two tables is told of a part only where nearly all of either side names one; the sums add up always."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.kpi import measure
from alignment_toolkit.kpi.placed import MOST
from alignment_toolkit.periods import Period
from tests.builders import company_of, written
from tests.kpi.rows import KPIS, lead, line

APART = ("cost-per-lead", "return-on-spend", "cost-per-sale", "profit")
HOUR = '[company]\ncurrency = "EUR"\n[effort.cost_per_hour]\nsales = 60\n'


def suppliers(unplaced: float = 6000.0):
    """Sixty leads with an account, one without; EUR 60 at an account, the rest at none."""
    return {
        "accounts": [{"account_id": f"a{i}", "industry": "food"} for i in range(60)],
        "leads": [
            *(lead(f"l{i}", "2026-07-01", f"a{i}", channel="email") for i in range(60)),
            lead("y", "2026-09-30", None, channel="email"),
        ],
        "spend": [
            {"spent_on": "2026-07-01", "amount": str(unplaced), "channel": "email"},
            {"spent_on": "2026-07-02", "amount": "60", "channel": "email", "account_id": "a1"},
        ],
    }


def test_the_little_that_names_an_industry_is_not_divided_by_all_leads():
    company = company_of(suppliers())
    total, food, none = measure(company, KPIS["cost-per-lead"], "2026-Q3", by=("industry",))
    assert (total.value, total.status) == (pytest.approx(6060 / 61), "ok")
    assert (food.status, food.value, food.top, food.bottom) == ("not_available", None, 60, 60)
    assert (none.status, none.top, none.bottom) == ("not_available", 6000, 1)
    assert food.reason == (
        'Not told by industry: 99.0 % of "Marketing\'s spend on leads" names no industry, more than 10 %. '
        "Fill in spend.account_id and accounts.industry."
    )
    months = measure(company, KPIS["cost-per-lead"], "2026-Q3", by=("industry",), grain="month")
    assert next(r.reason for r in months if r.by == {"industry": "food"} and r.grain) == food.reason


def test_a_small_rest_is_told_beside():
    rows = measure(company_of(suppliers(6.0)), KPIS["cost-per-lead"], "2026-Q3", by=("industry",))
    (food,) = [r for r in rows if r.by == {"industry": "food"}]
    assert food.value == 1
    assert '9.1 % of "Marketing\'s spend on leads" names no industry and is in no part' in food.method
    assert '1.6 % of "Leads sourced by marketing" names no industry' in food.method


def test_a_channel_is_told_by_what_was_spent_on_it_and_says_what_was_not():
    tables = suppliers()
    tables["spend"] += [{"spent_on": "2026-08-01", "amount": "6060"}]
    rows = measure(company_of(tables), KPIS["cost-per-lead"], "2026-Q3", by=("channel",))
    assert {r.by.get("channel", "all"): r.value for r in rows} == {
        "all": pytest.approx(12120 / 61), "email": pytest.approx(6060 / 61), None: None,
    }  # fmt: skip
    assert '50.0 % of "Marketing\'s spend on leads" names no channel and is in no part' in rows[1].method
    of_none = company_of({**tables, "spend": [{**row, "channel": None} for row in tables["spend"]]})
    assert (
        "100.0 % of \"Marketing's spend"
        in measure(of_none, KPIS["cost-per-lead"], "2026-Q3", by=("channel",))[1].reason
    )
    # Of a lead without channel the channel is not known.
    tables["leads"] = [lead(f"m{i}", "2026-07-01", None, channel="email" if i else None) for i in range(3)]
    email = measure(company_of(tables), KPIS["cost-per-lead"], "2026-Q3", by=("channel",))[1]
    assert 'of "Leads sourced by marketing" names no channel, more than' in str(email.reason)


def test_a_profit_without_most_of_the_cost_is_no_channels_profit():
    tables = {
        "orders": [line("2026-01-10", "100", "a", "1", channel="web", cost="60")],
        "spend": [
            {"spent_on": "2026-01-05", "amount": "5", "channel": "web"},
            {"spent_on": "2026-01-05", "amount": "30"},
        ],
    }  # fmt: skip
    total, web, none = measure(company_of(tables), KPIS["profit"], "2026-01", by=("channel",))
    assert (total.value, web.value, web.top, none.value) == (5, None, None, None)
    assert web.reason.startswith('Not told by channel: 85.7 % of "Spend" names no channel')


def test_effort_that_names_no_account_is_not_left_out_of_a_region():
    tables = {
        "accounts": [{"account_id": "a", "region": "north"}],
        "orders": [line("2026-01-10", "100", "a", "1")],
        "touches": [
            {"touch_id": f"t{i}", "touched_at": "2026-01-08", "department": "sales", "account_id": whose, "minutes": 30}
            for i, whose in enumerate(("a", None))
        ],
    }  # fmt: skip
    total, north, _ = measure(company_of(tables, toml=HOUR), KPIS["cost-to-serve"], "2026-01", by=("region",))
    assert (total.value, north.value, north.top, north.bottom) == (60, None, 30, 1)
    assert north.reason.startswith('Not told by region: 50.0 % of "the effort" names no region')


def test_a_part_of_the_company_is_told_as_the_split_is(tmp_path: Path):
    company = Company.open(written(suppliers(), tmp_path))
    for dimension, told in (("industry", None), ("channel", 6060 / 61)):
        (split,) = [
            r
            for r in measure(company, KPIS["cost-per-lead"], "2026-Q3", by=(dimension,))
            if None not in r.by.values() and r.by
        ]
        (alone,) = measure(company.narrowed(dimension, *split.by.values()), KPIS["cost-per-lead"], "2026-Q3")
        assert (alone.value, alone.top, alone.bottom, alone.reason) == (
            split.value,
            split.top,
            split.bottom,
            split.reason,
        )
        assert alone.value == (pytest.approx(told) if told else None)
    both = company.narrowed("channel", "email").narrowed("industry", "food")
    assert "Not told by industry: 99.0 %" in str(measure(both, KPIS["cost-per-lead"], "2026-Q3")[0].reason)
    (rest,) = measure(company.narrowed("industry", None), KPIS["cost-per-lead"], "2026-Q3")
    assert (rest.value, rest.top, rest.bottom) == (None, 6000, 1)


SLOW = [pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 20)]


def test_what_describes_a_row_is_known_in_a_part_too(tmp_path: Path):
    """A product is of no region, and a client may be of another one than its order: both describe it all the same."""
    tables = {
        "accounts": [
            {"account_id": "a1", "region": "North", "industry": "food"},
            {"account_id": "a2", "region": "South", "industry": "steel"},
        ],
        "products": [
            {"product_id": "p1", "category": "sensors"},
            {"product_id": "p2", "category": "software"},
        ],
        "orders": [
            line("2026-07-01", "10", "a1", product_id="p1", region="North"),
            line("2026-07-02", "20", "a2", product_id="p2", region="North"),
            line("2026-09-30", "40", "a2", product_id="p2", region="South"),
        ],
    }
    north = Company.open(written(tables, tmp_path)).narrowed("region", "North")
    for by, parts in (
        ("category", {"sensors": 10, "software": 20}),
        ("products.category", {"sensors": 10, "software": 20}),
        ("industry", {"food": 10, "steel": 20}),
    ):
        rows = measure(north, KPIS["revenue"], "2026-Q3", by=(by,))
        assert {r.by[by]: r.value for r in rows if r.by} == parts


@pytest.mark.parametrize("seed", [0, *SLOW])
def test_parts_add_up_and_none_is_told_where_more_than_the_threshold_has_no_place(seed):
    rng = random.Random(seed)
    gaps = {name: rng.choice((0.0, 0.03, 0.3, 0.9)) for name in ("leads", "orders", "spend", "opportunities")}
    regions = ("north", "south", "east")

    def whose(table):
        named = rng.random() >= gaps[table]
        return {
            "account_id": rng.choice("abcdef") if named else None,
            "region": rng.choice(regions) if named else None,
        }

    def on():
        return f"2026-0{rng.randint(1, 3)}-{rng.randint(1, 28):02}"

    tables = {
        "accounts": [{"account_id": a, "industry": rng.choice(("food", "steel"))} for a in "abcdef"],
        "leads": [lead(f"l{i}", on(), **whose("leads")) for i in range(60)],
        "orders": [line(on(), rng.randint(1, 90), order=f"o{i}", cost="1", **whose("orders")) for i in range(60)],
        "spend": [{"spent_on": on(), "amount": rng.randint(1, 90), **whose("spend")} for _ in range(60)],
        "opportunities": [
            {"opportunity_id": f"d{i}", "opened_at": "2026-01-01", "closed_at": on(), "outcome": "won", "amount": 5,
             **whose("opportunities")} for i in range(30)
        ],
    }  # fmt: skip
    company = company_of(tables, until=dict.fromkeys(tables, "2026-03-31"))
    sums = ("leads", "revenue", "spend", "new-clients", "gross-margin", "opportunities", *APART)
    for dimension in ("industry", "region"):
        rows = measure(company, [KPIS[id] for id in sums], Period.parse("2026-Q1"), by=(dimension,))
        by_kpi = {id: [r for r in rows if r.kpi == id] for id in sums}
        for id, (total, *parts) in by_kpi.items():
            if id == "profit" and any(p.reason for p in parts):
                continue  # it is its own sum
            for side in ("top", "bottom"):
                known = [getattr(p, side) for p in (total, *parts)]
                assert known[0] is None or math.isclose(
                    sum(v or 0 for v in known[1:]), known[0], abs_tol=1e-6
                ), (id, side)
        for id, (top, bottom) in zip(
            APART,
            (("spend", "leads"), ("revenue", "spend"), ("spend", "new-clients"), ("gross-margin", "spend")),
            strict=True,
        ):
            lost = [
                sum(r.value for r in by_kpi[side] if r.by == {dimension: None}) / by_kpi[side][0].value
                for side in (top, bottom)
            ]
            told = [r for r in by_kpi[id][1:] if r.value is not None]
            assert bool(told) == (max(lost) <= MOST), (id, dimension, lost)
