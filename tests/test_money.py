"""Several currencies: amounts are turned into the company's own by the rate of their day, exactly, or refused."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.kpi import measure
from tests.builders import company_of, written
from tests.kpi.rows import KPIS, deal, line, one

RATES = [
    {"currency": "USD", "valid_on": "2026-01-01", "rate": "0.9"},
    {"currency": "USD", "valid_on": "2026-02-01", "rate": "0.8"},
    {"currency": "CHF", "valid_on": "2026-01-15", "rate": "1.0123456789"},
]
MIXED = [
    line("2026-01-31 23:59:59", "100", "a", currency="USD"),
    line("2026-02-01", "100", "a", currency="usd"),
    line("2026-03-01", "-10", "a", currency="USD"),
    line("2026-02-01", "1", "b", currency="EUR"),
    line("2026-02-01", "1", "b"),
    line("2026-01-15", "3.3333", "b", currency="CHF"),
]


def test_each_line_has_the_rate_of_its_own_day():
    company = company_of({"orders": MIXED, "rates": RATES})
    lines = company.fetch(company["orders"].select("amount")).amount
    exact = [
        Decimal(90),
        Decimal(80),
        Decimal(-8),
        Decimal(1),
        Decimal(1),
        Decimal("3.3333") * Decimal("1.0123456789"),
    ]
    assert sorted(lines) == sorted(exact), "to the last digit"
    assert sum(lines) == sum(exact)
    assert one(company, "revenue").value == pytest.approx(float(sum(exact)), rel=1e-11)
    assert one(company, "active-clients").value == 2


def test_the_company_does_the_same_as_its_stand_in(tmp_path):
    (tmp_path / "alignment.toml").write_text('[company]\ncurrency = "EUR"\n')
    company = Company.open(written({"orders": MIXED, "rates": RATES}, tmp_path))
    stand = company_of({"orders": MIXED, "rates": RATES})
    ids = ["revenue", "arpu", "average-order", "gross-margin", "retention", "repeat-revenue-share"]
    for id in ids:
        a, b = one(company, id), one(stand, id)
        assert (a.value, a.low, a.high, a.n, a.reason) == (b.value, b.low, b.high, b.n, b.reason)
    in_usd = company.narrowed("currency", "USD")
    assert one(in_usd, "revenue").value == 162


@pytest.mark.parametrize(
    ("rates", "named"),
    [
        ([], "CHF on 2026-01-15"),
        (RATES[1:], "USD on 2026-01-31"),
        (RATES[:2], "CHF on 2026-01-15"),
        ([*RATES[:2], {**RATES[2], "valid_on": "2026-01-16"}], "CHF on 2026-01-15"),
    ],
)
def test_a_rate_that_is_missing_is_named_and_never_guessed(rates, named):
    company = company_of({"orders": MIXED, "rates": rates} if rates else {"orders": MIXED})
    for id in ("revenue", "arpu", "repeat-revenue-share", "average-order"):
        row = one(company, id)
        assert (row.value, row.status) == (None, "not_available")
        assert row.reason == f"amounts are in other currencies, and the table rates has no rate for {named}"
    assert one(company, "active-clients").value == 2, "that somebody bought is known without a rate"
    assert one(company, "revenue", "2026-02").value == (82 if rates else None)


def test_only_the_slice_without_a_rate_is_refused():
    rows = measure(
        company_of({"orders": MIXED, "rates": RATES[:2]}), KPIS["revenue"], "2026-Q1", by=("currency",)
    )
    found = {r.by["currency"]: r.value for r in rows if r.by}
    assert found == {"USD": 90 - 8, "EUR": 1, "CHF": None, "usd": 80, None: 1}


def test_deals_are_dated_by_their_closing_and_spend_by_its_day():
    deals = [deal("o", "2026-02-10", account="a", amount="10", currency="USD")]
    spend = [
        {"spent_on": "2026-01-31", "amount": "10", "currency": "USD"},
        {"spent_on": "2026-02-01", "amount": "1"},
    ]
    company = company_of({"opportunities": deals, "spend": spend, "rates": RATES})
    assert one(company, "revenue").value == 8
    assert one(company, "spend").value == 10
    assert one(company, "cost-per-sale").value == 10


def test_a_cost_in_another_currency():
    rows = [
        line("2026-01-10", "10", "a", product_id="p", quantity=2),
        line("2026-02-10", "10", "a", product_id="p", quantity=2),
    ]
    products = [{"product_id": "p", "unit_cost": "3", "currency": "USD"}]
    company = company_of({"orders": rows, "products": products, "rates": RATES})
    assert one(company, "gross-margin").value == pytest.approx(20 - 2 * 3 * 0.9 - 2 * 3 * 0.8)
    early = company_of({"orders": rows, "products": products, "rates": RATES[1:]})
    assert one(early, "gross-margin").reason.endswith("no rate for USD on 2026-01-10")
    assert one(early, "revenue").value == 20


def test_a_company_that_says_no_currency_adds_up_one_and_refuses_two():
    company = company_of({"orders": MIXED, "rates": RATES}, toml="[company]\n")
    assert one(company, "revenue").status == "not_available"
    assert one(company_of({"orders": [MIXED[0]]}, toml="[company]\n"), "revenue").value == 100
    assert (
        one(company_of({"orders": MIXED}, toml="[company]\n"), "net-revenue-retention", "2026-03").value
        is None
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_total_is_conserved_to_the_last_digit(seed):
    chance = random.Random(seed)
    first = date(2026, 1, 1)
    worth = {(c, first + timedelta(days=d)): Decimal(chance.randint(1, 10**9)) / 10**8
             for c in ("USD", "CHF") for d in (0, *chance.sample(range(1, 80), 6))}  # fmt: skip
    rows, exact = [], []
    for i in range(200):
        on, code = first + timedelta(days=chance.randrange(90)), chance.choice(["USD", "CHF", "EUR", None])
        amount = Decimal(chance.randint(-(10**6), 10**8)) / 10**4
        rows.append(
            line(on.isoformat(), str(amount), f"a{i % 30}", f"o{i}", currency=code, channel="xyz"[i % 3])
        )
        known = [d for c, d in worth if c == code and d <= on]
        exact.append(amount * (worth[code, max(known)] if known else 1))
    rates = [{"currency": c, "valid_on": d.isoformat(), "rate": str(r)} for (c, d), r in worth.items()]
    chance.shuffle(rates)
    company = company_of({"orders": rows, "rates": rates})
    assert company.fetch(company["orders"].aggregate(total=company["orders"].amount.sum())).total[0] == sum(
        exact
    )
    parts = measure(company, KPIS["revenue"], "2026-Q1", by=("channel",))
    assert sum(r.value for r in parts if r.by) == pytest.approx(parts[0].value, rel=1e-11)
    assert parts[0].value == pytest.approx(float(sum(exact)), rel=1e-11)


def test_money_in_another_currency_scales_with_its_rate():
    rates = [{"currency": "USD", "valid_on": "2026-01-01", "rate": "0.5"}]
    half = [line("2026-02-01", str(2 * i), f"a{i}", currency="USD") for i in range(1, 25)]
    plain = [line("2026-02-01", str(i), f"a{i}", currency="EUR") for i in range(1, 25)]
    for id in ("revenue", "arpu", "average-order"):
        a, b = one(company_of({"orders": half, "rates": rates}), id), one(company_of({"orders": plain}), id)
        assert (a.value, a.low, a.high) == (b.value, b.low, b.high)
        assert a.low is not None


def test_a_missing_rate_is_the_whole_reason_also_where_leads_are_too_young():
    """The lead's year of revenue is not over either, but waiting for it would not bring the rate."""
    lead = {"lead_id": "b", "created_at": "2026-03-01 08:00:00", "account_id": "b"}
    tables = {
        "leads": [{**lead, "converted_at": "2026-03-01 09:00:00"}],
        "orders": [line("2026-03-02", "10", "b", currency="USD")],
    }
    row = one(company_of(tables), "revenue-per-lead", "2026-Q1")
    assert (
        row.reason == "amounts are in other currencies, and the table rates has no rate for USD on 2026-03-02"
    )
