"""Amounts in a currency that no rate converts are never added up: no finding and no sum of money stands on them."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.company import Company
from alignment_toolkit.indicator import Observation
from alignment_toolkit.kpi import measure
from alignment_toolkit.periods import Period
from tests.builders import written
from tests.indicators import (
    test_discarded_leads,
    test_off_plan_accounts,
    test_quarter_end_rush,
    test_unanswered_signals,
    test_untrained_launch,
)
from tests.indicators.guarding import fires, quiet
from tests.indicators.looks import look_at
from tests.indicators.test_neglected_clients import ORDERS, TOUCHES
from tests.indicators.test_neglected_clients import touch as met
from tests.indicators.test_unbacked_price import hand

CATALOG = Catalog.load()
Q3 = Period.parse("2026-Q3")
BY_MONEY = {"by_value", "back_spend", "spend_on_clients", "revenue_on_clients", "unseen_value"}


@pytest.fixture(scope="module", params=["EUR", ""], ids=["in euros", "in no currency"])
def mixed(
    request: pytest.FixtureRequest, sample_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Company:
    """Give the sample with every other amount in dollars, and without the table of rates; or its own currency."""
    folder = tmp_path_factory.mktemp("mixed") / "sample"
    shutil.copytree(sample_dir, folder)
    (folder / "rates.csv").unlink()
    for name in ("orders", "opportunities", "spend", "value_ratings"):
        rows = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
        rows["currency"] = "EUR"
        rows.loc[1::2, "currency"] = "USD"
        rows.to_csv(folder / f"{name}.csv", index=False)
    settings = folder / "alignment.toml"
    if not request.param:
        settings.write_text(settings.read_text("utf-8").replace('currency = "EUR"\n', "", 1), "utf-8")
    company = Company.open(folder)
    assert company.currency == (request.param or "XXX")
    return company


def seen_of(company: Company, id: str) -> Observation:
    measured = {r.kpi: r for r in measure(company, CATALOG.chosen_kpis(["arpu"]), Q3) if not r.by}
    look = CATALOG.indicators[id].look(company, Q3, first=date(2024, 10, 1), measured=measured)
    assert look.error is None, look.error
    assert look.seen is not None
    return look.seen


@pytest.mark.parametrize(
    "id",
    [
        "discarded_leads", "dropped_leads", "neglected_clients", "off_plan_accounts", "portfolio_mismatch",
        "price_ambition", "price_selling", "quarter_end_rush", "unanswered_signals", "unbacked_price",
        "untrained_launch",
    ],
)  # fmt: skip
def test_no_sum_of_money_stands_on_mixed_currencies(id: str, mixed: Company, sample: Company) -> None:
    seen, plain = seen_of(mixed, id), seen_of(sample, id)
    # Of the sample as it is, all in euros, each tells a sum, an amount, a share of money, or deals of like size.
    columns = {c.name for c in plain.evidence.columns if c.unit == "money"}
    shares = {m.name for m in plain.measures if m.value is not None} & BY_MONEY
    assert plain.money or columns or shares or id in ("price_selling", "portfolio_mismatch")
    assert plain.withheld is None
    if seen.withheld is not None:
        assert "USD on " in seen.withheld
        assert "no rate in `rates`" in seen.withheld
        return
    assert seen.money is None
    assert not [c.name for c in seen.evidence.columns if c.unit == "money"]
    assert not {m.name for m in seen.measures if m.value is not None} & BY_MONEY


def test_key_figures_do_not_add_them_up(mixed: Company) -> None:
    (row,) = (r for r in measure(mixed, CATALOG.chosen_kpis(["revenue"]), Q3) if not r.by)
    assert row.value is None
    assert row.reason == (
        "amounts are in several currencies, USD among them: to add them up, set [company] currency and fill in rates"
        if mixed.currency == "XXX"
        else "amounts are in other currencies, and the table rates has no rate for USD on 2026-07-01"
    )


def opened(folder: Path, tables: dict[str, list[dict[str, Any]]]) -> Company:
    first = next(iter(tables))
    toml = f'[company]\ncurrency = "EUR"\n[tables]\n{first} = {{ complete_until = 2026-09-30 }}\n'
    (folder / "alignment.toml").write_text(toml, encoding="utf-8")
    written(tables, folder)
    return Company.open(folder)


def test_what_clients_are_expected_to_bring_waits_for_the_rate(tmp_path: Path) -> None:
    # a0's order of 100 euros, told as 200 dollars.
    orders = [
        {**o, "currency": "USD" if i == 0 else "EUR", "amount": "200" if i == 0 else o["amount"]}
        for i, o in enumerate(ORDERS)
    ]
    tables = {"orders": orders, "touches": TOUCHES}
    found = seen_of(opened(tmp_path, tables), "neglected_clients")
    assert found.withheld == (
        "orders in USD on 2025-07-01 have no rate in `rates`: what clients are expected to bring cannot be told"
    )
    tables["rates"] = [{"currency": "USD", "valid_on": "2025-01-01", "rate": 0.5}]
    found = seen_of(opened(tmp_path, tables), "neglected_clients")
    assert found.withheld is None
    # As in the worked example: a0 and a5, 100 and 50 of 400, are not met.
    assert found.gap.estimate.value == pytest.approx(150 / 400)


def test_prices_are_compared_where_all_have_a_rate(tmp_path: Path) -> None:
    day = {"rated_on": "2026-08-01"}
    # The own offer's 150 euros, told as 300 dollars.
    rows = [{**r, **day, "currency": "EUR"} for r in hand()]
    rows = [{**r, "price": 300.0, "currency": "USD"} if r["owner"] == "own" else r for r in rows]
    found = seen_of(opened(tmp_path, {"value_ratings": rows}), "unbacked_price")
    assert found.withheld == "prices in USD on 2026-08-01 have no rate in `rates`: they cannot be compared"
    rates = [{"currency": "USD", "valid_on": "2026-01-01", "rate": 0.5}]
    found = seen_of(opened(tmp_path, {"value_ratings": rows, "rates": rates}), "unbacked_price")
    assert found.withheld is None
    # The line asks 125 for a benefit of 6.
    assert found.gap.estimate.value == pytest.approx(150 / 125 - 1)


def test_offers_weigh_alike_where_their_revenue_has_no_rate(tmp_path: Path) -> None:
    rows = [{**r, "product_id": "p"} if r["owner"] == "own" else r for r in hand()]
    orders = [
        {"order_id": "o", "ordered_at": "2026-08-01", "amount": "9", "product_id": "p", "currency": "USD"}
    ]
    found = seen_of(opened(tmp_path, {"value_ratings": rows, "orders": orders}), "unbacked_price")
    fires(
        "unbacked_price",
        "join_health",
        found,
        "USD on 2026-08-01 has no rate in `rates`: all products weigh the same.",
    )
    assert found.gap.estimate.value == pytest.approx(150 / 125 - 1)
    told = [{**o, "currency": "EUR"} for o in orders]
    found = seen_of(opened(tmp_path, {"value_ratings": rows, "orders": told}), "unbacked_price")
    quiet("unbacked_price", "join_health", found)


def foreign(tables: dict[str, Any], table: str, row: int, **more: Any) -> dict[str, Any]:
    """Give one amount in dollars, where no rate is."""
    rows = [{**r, "currency": "USD" if i == row else "EUR"} | more for i, r in enumerate(tables[table])]
    return {**tables, table: rows}


def told(id: str, tables: dict[str, Any]) -> Observation:
    early = id == "discarded_leads"  # they are looked at when they are a year old
    until = test_discarded_leads.UNTIL if early else {}
    look = look_at(CATALOG.indicators[id], tables, period="2026-Q1" if early else "2026-Q3", until=until)
    assert look.error is None, look.error
    assert look.seen is not None
    return look.seen


def test_that_money_is_not_told_for_want_of_a_rate_is_said_with_currency_and_day() -> None:
    """Of three amounts or more one is in dollars; with all in euros nothing is said."""
    orders: dict[str, Any] = test_discarded_leads.TABLES
    seen = told("discarded_leads", foreign(orders, "orders", 0))
    fires("discarded_leads", "join_health", seen, "has no rate in `rates`")
    fires("parts", "join_health", seen, "has no rate in `rates`: ")
    said = "USD on 2025-06-01 has no rate in `rates`: what these clients brought is not told."
    assert seen.guards[-1].message == said
    assert seen.money is None
    seen = told("discarded_leads", foreign(orders, "orders", -1))
    quiet("discarded_leads", "join_health", seen, "has no rate in `rates`")
    quiet("parts", "join_health", seen)

    intents, touches = test_off_plan_accounts.six()
    bought = [
        {"order_id": a, "ordered_at": "2026-05-05", "amount": "10", "account_id": a} for a in ("A", "B", "C")
    ]
    plan = {"intents": intents, "touches": touches, "orders": bought}
    seen = told("off_plan_accounts", foreign(plan, "orders", 1))
    fires("off_plan_accounts", "join_health", seen, "has no rate in `rates`")
    assert "by_value" not in {m.name for m in seen.measures}
    seen = told("off_plan_accounts", foreign(plan, "orders", -1))
    quiet("off_plan_accounts", "join_health", seen, "has no rate in `rates`")
    assert "by_value" in {m.name for m in seen.measures}

    deals: dict[str, Any] = test_quarter_end_rush.TABLES
    seen = told("quarter_end_rush", foreign(deals, "opportunities", 0, amount="10"))
    fires("quarter_end_rush", "join_health", seen, "has no rate in `rates`")
    assert "by_value" not in {m.name for m in seen.measures}
    seen = told("quarter_end_rush", foreign(deals, "opportunities", -1, amount="10"))
    quiet("quarter_end_rush", "join_health", seen, "has no rate in `rates`")
    assert "by_value" in {m.name for m in seen.measures}

    spend = [
        {"spent_on": f"2026-07-0{i}", "amount": "10", "campaign_id": c["campaign_id"], "channel": "web"}
        for c in test_untrained_launch.CAMPAIGNS
        for i in (1, 2, 3)
    ]
    launch = {**test_untrained_launch.TABLES, "spend": spend}
    seen = told("untrained_launch", foreign(launch, "spend", 1))
    fires("untrained_launch", "join_health", seen, "has no rate in `rates`")
    assert seen.money is None
    seen = told("untrained_launch", foreign(launch, "spend", -1))
    quiet("untrained_launch", "join_health", seen, "has no rate in `rates`")
    assert seen.money is not None


SOLD = [
    {"order_id": a, "ordered_at": "2026-08-01", "amount": v, "account_id": a}
    for a, v in (("a0", "60"), ("new", "20"), ("newer", "20"))
]
SPENT = [
    {"spent_on": "2026-08-01", "amount": a, "audience": who}
    for a, who in (("4", "existing"), ("6", "new"), ("99", "both"))
]


def shares(seen: Observation) -> dict[str, float | None]:
    """Give the shares of money that stand beside a finding."""
    return {m.name: m.value for m in seen.measures if m.name in BY_MONEY}


def said_of(seen: Observation) -> list[str]:
    return [g.message for g in seen.guards if g.guard == "join_health"]


def without(tables: dict[str, Any], first: str) -> dict[str, Any]:
    """Give orders as deals won, the first of those from `first` on without an amount."""
    deals = [
        {
            "opportunity_id": o["order_id"],
            "account_id": o["account_id"],
            "closed_at": o["ordered_at"],
            "outcome": "won",
            "amount": o["amount"],
        }
        for o in tables["orders"]
    ]
    lost = next((d for d in deals if d["closed_at"] >= first), None)
    if lost:
        lost["amount"] = None
    return {**{k: v for k, v in tables.items() if k != "orders"}, "opportunities": deals}


def test_what_part_of_revenue_and_spend_was_on_clients_is_not_told_without_a_rate_and_that_is_said() -> None:
    """Of the quarter's 100 a client brought 60; of the 10 spent on either side, 4 were spent on clients."""
    tables = {"orders": ORDERS + SOLD, "touches": TOUCHES, "spend": SPENT}
    every = told("neglected_clients", tables)
    assert shares(every) == {"revenue_on_clients": 0.6, "spend_on_clients": 0.4}
    quiet("neglected_clients", "join_health", every)

    sold = told("neglected_clients", foreign(tables, "orders", len(ORDERS)))
    fires("neglected_clients", "join_health", sold, "has no rate in `rates`")
    said = "USD on 2026-08-01 has no rate in `rates`: what part of the revenue came from clients is not told."
    assert said_of(sold) == [said]
    assert shares(sold) == {"spend_on_clients": 0.4}

    spent = told("neglected_clients", foreign(tables, "spend", 0))
    said = "USD on 2026-08-01 has no rate in `rates`: what part of the spend was on clients is not told."
    assert said_of(spent) == [said]
    assert shares(spent) == {"revenue_on_clients": 0.6}
    # What addresses both sides counts on neither.
    assert shares(told("neglected_clients", foreign(tables, "spend", 2))) == shares(every)


def test_what_deals_without_an_amount_leave_out_is_said() -> None:
    """Of three deals of the quarter one has no amount, of six before it another one."""
    tables = {"orders": ORDERS + SOLD, "touches": TOUCHES}
    quiet("neglected_clients", "join_health", told("neglected_clients", without(tables, "2027")))
    inside = told("neglected_clients", without(tables, "2026"))
    fires("neglected_clients", "join_health", inside, "have no amount")
    fires("parts", "join_health", inside, " sales have no amount: ")
    said = "1 of 3 sales have no amount: what part of the revenue came from clients is told of the rest."
    assert said_of(inside) == [said]
    assert shares(inside) == {"revenue_on_clients": 0.0}
    before = told("neglected_clients", without(tables, "2025"))
    said = "1 of 6 sales have no amount: what clients are expected to bring is told of the rest."
    assert said_of(before) == [said]
    assert before.gap.estimate.n == 5


def test_what_revenue_nobody_looks_at_is_not_told_without_a_rate_and_that_is_said() -> None:
    """Of 100 a client of 60 was not looked at, and no other; then its amount has no rate, then there is none."""
    touches = [met("new"), met("newer")]
    signals = [{**s, "answered_at": None} for s in test_unanswered_signals.SIGNALS]
    signals = [{**s, "account_id": f"{s['account_id']} of another"} for s in signals]
    touches = [{**t, "direction": "outbound"} for t in touches]
    tables: dict[str, Any] = {"signals": signals, "touches": touches, "orders": SOLD}

    def looked(tables: dict[str, Any]) -> Observation:
        until = dict.fromkeys(tables, "2026-09-30")
        seen = look_at(CATALOG.indicators["unanswered_signals"], tables, until=until).seen
        assert seen is not None
        return seen

    every = looked(tables)
    assert shares(every) == {"unseen_value": 0.6}
    quiet("unanswered_signals", "join_health", every)
    unrated = looked(foreign(tables, "orders", 0))
    fires("unanswered_signals", "join_health", unrated, "has no rate in `rates`")
    said = (
        "USD on 2026-08-01 has no rate in `rates`: what revenue lies with clients of whom nobody has seen "
        "anything is not told."
    )
    assert said_of(unrated) == [said]
    assert shares(unrated) == {}
    unpriced = looked(without(tables, "2026"))
    fires("unanswered_signals", "join_health", unpriced, "have no amount")
    said = (
        "1 of 3 sales have no amount: what revenue lies with clients of whom nobody has seen anything is told "
        "of the rest."
    )
    assert said_of(unpriced) == [said]
    assert shares(unpriced) == {"unseen_value": 0.0}
