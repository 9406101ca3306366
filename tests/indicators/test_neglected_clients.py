"""Does somebody keep in touch with good repeat clients? Six clients by hand, personal touches, then plain pandas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.indicators.neglected_clients import PERSONAL, neglected_clients
from alignment_toolkit.periods import Period
from tests.indicators.guarding import fires, quiet
from tests.indicators.looks import KINDS, check, look_at

# One order each, a year before the window, so that expected values are as these amounts.
WORTH = (100, 100, 50, 50, 50, 50)
ORDERS = [
    {"order_id": f"o{i}", "ordered_at": "2025-07-01", "amount": str(w), "account_id": f"a{i}"}
    for i, w in enumerate(WORTH)
]


def touch(account: str, **more: Any) -> dict[str, Any]:
    row = {
        "touch_id": f"t-{account}",
        "account_id": account,
        "touched_at": "2026-08-10",
        "department": "sales",
    }
    return {**row, "channel": "phone", "automated": False, **more}


TOUCHES = [touch(f"a{i}") for i in (1, 2, 3, 4)]
TABLES = {"orders": ORDERS, "touches": TOUCHES}


def seen(tables: Any, **more: Any) -> Any:
    found = look_at(neglected_clients, tables, **more)
    assert found.error is None, found.error
    assert found.seen is not None
    return found.seen


def test_the_worked_example() -> None:
    found = seen(TABLES)
    assert found.gap.estimate.value == pytest.approx(150 / 400)
    assert [r[0] for r in found.evidence.rows] == ["a0", "a5"]
    assert found.money.value == pytest.approx(150, rel=1e-6)
    assert "revenue per order" in found.money.basis  # no costs are known
    by_head = next(m for m in found.measures if m.name == "by_head")
    assert by_head.value == pytest.approx(2 / 6)


@pytest.mark.parametrize(
    ("more", "met"),
    [
        ({"department": "marketing"}, True),
        ({"direction": "inbound"}, True),
        ({"automated": True}, False),
        ({"channel": "ad"}, False),
        ({"channel": None}, False),
        ({"touched_at": "2026-07-03"}, True),  # 90 days up to the end
        ({"touched_at": "2026-07-02 23:59"}, False),
        ({"touched_at": "2026-10-01"}, False),
    ],
)
def test_what_is_a_personal_touch(more: dict[str, Any], met: bool) -> None:
    found = seen({**TABLES, "touches": [*TOUCHES, touch("a0", **more)]})
    assert found.gap.estimate.value == pytest.approx((50 if met else 150) / 400)


def test_where_every_client_cost_more_than_it_paid_the_finding_says_so() -> None:
    sold_below_cost = [{**o, "cost": "200"} for o in ORDERS]
    gap = seen({**TABLES, "orders": sold_below_cost}).gap.estimate
    assert (gap.value, gap.n) == (None, 6)
    assert gap.method == "by what they brought so far, no client is expected to bring anything above zero"
    one_earns = [{**o, "cost": "200" if o["account_id"] != "a0" else "40"} for o in ORDERS]
    assert seen({**TABLES, "orders": one_earns}).gap.estimate.value == 1.0


def test_only_clients_from_before_the_window_count() -> None:
    new = {"order_id": "new", "ordered_at": "2026-07-01", "amount": "1000", "account_id": "new"}
    back = {"order_id": "back", "ordered_at": "2025-07-01", "amount": "-10", "account_id": "returns only"}
    nobody = {"order_id": "x", "ordered_at": "2025-07-01", "amount": "10"}
    assert seen({**TABLES, "orders": [*ORDERS, new, back, nobody]}).gap.estimate.n == 6


def test_a_clients_margin_weighs_where_costs_are_known() -> None:
    costed = [{**r, "cost": "90" if r["account_id"] == "a0" else "0"} for r in ORDERS]
    found = seen({**TABLES, "orders": costed})
    assert found.gap.estimate.value == pytest.approx((10 + 50) / (10 + 100 + 200))
    assert "margin per order" in found.money.basis


def many(silent: Any) -> dict[str, list[dict[str, Any]]]:
    """Give 60 clients: every second one orders each month, the others ordered twice long ago."""
    orders, touches = [], []
    for i in range(60):
        days = pd.date_range("2025-01-15", "2026-06-15", freq="MS") if i % 2 else ["2025-01-15", "2025-02-15"]
        orders += [
            {
                "order_id": f"{i}-{k}",
                "ordered_at": str(d)[:10],
                "amount": str(90 + (i + k) % 21),
                "account_id": f"a{i}",
            }
            for k, d in enumerate(days)
        ]
        touches += [] if silent(i) else [touch(f"a{i}")]
    return {"orders": orders, "touches": touches}


@pytest.mark.slow
def test_living_clients_weigh_more_than_those_who_have_gone_quiet() -> None:
    good = seen(many(lambda i: i % 2 == 1)).gap.estimate
    gone = seen(many(lambda i: i % 2 == 0)).gap.estimate
    assert good.value > 0.9
    assert gone.value < 0.1
    assert good.value + gone.value == pytest.approx(1)
    assert "BG/NBD" in seen(many(lambda i: i % 2 == 1)).money.basis


def test_service_contacts_that_may_be_kept_elsewhere_are_told() -> None:
    for served in (True, False):
        accounts = [{"account_id": f"a{i}", "service_contract": served} for i in range(6)]
        found = seen({**TABLES, "accounts": accounts})
        if served:
            fires("neglected_clients", "logging", found)
        else:
            quiet("neglected_clients", "logging", found)


def test_one_client_that_makes_the_gap_is_told() -> None:
    whale = [{**r, "amount": "5000" if r["account_id"] == "a0" else r["amount"]} for r in ORDERS]
    fires("neglected_clients", "one_whale", seen({**TABLES, "orders": whale}))
    quiet("neglected_clients", "one_whale", seen(many(lambda i: i % 2 == 1)))


def test_what_goes_to_clients_and_how_much_of_the_offer_they_buy_is_told() -> None:
    """Of the quarter's 80, 60 came from a client; of 40 minutes 30 went there; of 10 spent on either, 4."""
    now = [
        {"order_id": "n0", "ordered_at": "2026-07-05", "amount": "60", "account_id": "a0"},
        {"order_id": "n1", "ordered_at": "2026-07-05", "amount": "20", "account_id": "new"},
    ]
    effort = [
        touch("a1", minutes=30.0),
        touch("new", minutes=10.0),
        touch("new2", minutes=99.0, automated=True),
    ]
    spend = [
        {"spent_on": "2026-08-01", "amount": a, "audience": who}
        for a, who in (("4", "existing"), ("6", "new"), ("99", "both"))
    ]
    found = seen({"orders": [*ORDERS, *now], "touches": effort, "spend": spend})
    told = {m.name: m.value for m in found.measures}
    assert told["revenue_on_clients"] == pytest.approx(60 / 80)
    assert told["effort_on_clients"] == pytest.approx(30 / 40)
    assert told["spend_on_clients"] == pytest.approx(4 / 10)
    # Clients not met have bought one product, those who were met two, at every value.
    orders = [
        {"order_id": f"o{i}-{p}", "ordered_at": "2025-07-01", "amount": str(50 + i % 5), "account_id": f"a{i:02d}",
         "product_id": f"p{p}"}
        for i in range(40) for p in range(1 + (i >= 20))
    ]  # fmt: skip
    orders = [{**r, "amount": str(float(r["amount"]) / (1 + (r["account_id"] >= "a20")))} for r in orders]
    # One client of twenty on each side bought one product more: means need a spread.
    for i in (3, 23):
        orders.append(
            {**orders[0], "order_id": f"x{i}", "account_id": f"a{i:02d}", "amount": "0.01", "product_id": "q"}
        )
    touches = [touch(f"a{i:02d}") for i in range(20, 40)]
    breadth = next(m for m in seen({"orders": orders, "touches": touches}).measures if m.name == "breadth")
    assert breadth.value == pytest.approx(-1.0, abs=0.15)


def test_what_is_missing_is_named() -> None:
    assert look_at(neglected_clients, {"orders": ORDERS}).missing == (
        "touches.touched_at",
        "touches.account_id",
        "touches.channel",
    )
    assert "orders.order_id" in look_at(neglected_clients, {"touches": TOUCHES}).missing


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_say_little(kind: str) -> None:
    check(neglected_clients, TABLES, kind)


def test_on_the_sample_the_clients_not_met_are_those_of_plain_pandas(
    sample: Company, sample_dir: Path
) -> None:
    orders, touches = (pd.read_csv(sample_dir / f"{t}.csv", dtype=str) for t in ("orders", "touches"))
    orders = orders[(orders.ordered_at < "2026-07-01") & (orders.amount.astype(float) > 0)]
    clients = set(orders.account_id.dropna())
    near = touches[(touches.touched_at >= "2026-07-03") & (touches.touched_at < "2026-10-01")]
    near = near[near.channel.isin(PERSONAL) & (near.automated != "true")]
    found = neglected_clients.look(sample, Period.parse("2026-Q3")).seen
    assert found is not None
    assert found.gap.estimate.n == len(clients)
    by_head = next(m for m in found.measures if m.name == "by_head")
    assert by_head.value == pytest.approx(1 - len(clients & set(near.account_id)) / len(clients))
