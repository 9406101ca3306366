"""Plays by hand: a dozen accounts, each made for one rule, with reasons and what releasing would free."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.pseudonyms import Pseudonyms
from alignment_toolkit.segmentation import every_play
from alignment_toolkit.segmentation.plays import Proposed, proposed_plays
from alignment_toolkit.segmentation.reasons import _health, economics
from tests.builders import written
from tests.indicators.test_lapses import strangers

END = date(2026, 7, 1)
SETTINGS = '[company]\ncurrency = "EUR"\n[effort.cost_per_hour]\nsales = 60\n'
QUARTERS = ("2026-06-15", "2026-03-15", "2025-12-15", "2025-09-15")
# account: days with an order, revenue, products, probability alive, potential, and the play it was made for
ACCOUNTS: dict[str, tuple[int | None, float, int, float | None, str | None, str]] = {
    "silent": (3, 100.0, 5, 0.2, "low_large", "defend"),
    "signal": (3, 100.0, 5, 0.9, "low_large", "defend"),
    "gone": (3, 0.0, 0, 0.2, "low_small", "keep"),
    "prospect": (None, 0.0, 0, None, "high_small", "attack"),
    "stir": (None, 0.0, 0, None, None, "attack"),
    "nobody": (None, 0.0, 0, None, "low_small", "keep"),
    "small": (3, 100.0, 5, 0.9, "high_small", "attack"),
    "unseen": (3, 100.0, 5, 0.9, "high_small", "keep"),
    "praised": (3, 100.0, 5, 0.9, "low_large", "keep"),
    "narrow": (3, 200.0, 1, 0.9, "low_large", "grow"),
    "wide": (3, 100.0, 5, 0.9, "low_large", "keep"),
    "loss": (4, 400.0, 1, 0.2, "low_small", "release"),
    "bound": (4, 400.0, 5, 0.9, "low_small", "keep"),
    "high": (4, 400.0, 5, 0.9, "high_large", "keep"),
    "three": (4, 400.0, 5, 0.9, "low_small", "keep"),
}
# Account, day, day of the answer: only a sign of the last half year that nobody answered before the end is open.
SIGNALS = (
    ("signal", "2026-06-01", None), ("stir", "2026-06-01", "2026-07-05"), ("wide", "2026-06-01", "2026-06-02"),
    ("wide", "2025-06-01", None), ("wide", "2026-07-01", None),
)  # fmt: skip


def rows() -> dict[str, Any]:
    """An order of 100 that cost 90 and an hour of work at 60 in each quarter, of four accounts; one that pays."""
    orders, touches = [], []
    for account in ("loss", "bound", "high", "three"):
        for q, day in enumerate(QUARTERS):
            orders.append((account, day, "100", "90"))
            if account != "three" or q < 3:
                touches.append((account, day, 60))
    orders.append(("narrow", "2026-05-01", "200", "100"))
    touches += [("narrow", "2026-05-01", 30), ("silent", "2024-01-01", 999), ("silent", "2026-07-01", 999)]
    return {
        "accounts": [
            {"account_id": a, "contract_until": "2026-12-31" if a == "bound" else None} for a in ACCOUNTS
        ],
        "orders": [
            {"order_id": f"o{i}", "account_id": a, "ordered_at": d, "amount": m, "cost": c}
            for i, (a, d, m, c) in enumerate(orders)
        ],
        "touches": [
            {"touch_id": f"t{i}", "account_id": a, "touched_at": d, "minutes": m, "department": "sales"}
            for i, (a, d, m) in enumerate(touches)
        ],
        "signals": [
            {"signal_id": str(i), "kind": "strategy_change", "account_id": a, "signalled_at": d, "answered_at": e}
            for i, (a, d, e) in enumerate(SIGNALS)
        ],
        # Of marketing the latest word counts, and none after the end.
        "assessments": [
            {"assessment_id": f"{a} {d} {day}", "account_id": a, "department": d, "assessed_at": day, "target": t}
            for a, d, day, t in (
                ("small", "marketing", "2026-05-01", False), ("small", "marketing", "2026-06-01", True),
                ("small", "sales", "2026-06-01", False), ("unseen", "marketing", "2026-05-01", True),
                ("unseen", "marketing", "2026-06-01", False), ("unseen", "sales", "2026-07-01", True),
                ("praised", "sales", "2026-06-01", True), ("nobody", "sales", "2026-06-01", True),
                ("prospect", "marketing", "2026-06-01", True), ("prospect", "sales", "2026-06-01", True),
            )
        ],
        "intents": [
            {"account_id": "wide", "intent": "defend", "decided_on": "2026-01-01"},
            {"account_id": "wide", "intent": "attack", "decided_on": "2026-02-01"},
            {"account_id": "wide", "intent": "release", "decided_on": "2026-08-01"},
        ],
    }  # fmt: skip


def seen(company: Company) -> Any:
    """Give the accounts as the segmentations would have left them."""
    names = ["order_days", "money", "breadth", "alive", "potential_segment"]
    frame = pd.DataFrame([[a, *v[:5]] for a, v in ACCOUNTS.items()], columns=["account_id", *names])
    numbers = ["order_days", "money", "breadth", "alive"]
    frame = frame.astype(dict.fromkeys(numbers, float)).assign(expected_value=frame.money, recency=61.0)
    return company.backend.create_table("seen", frame, temp=True)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    folder = written(rows(), tmp_path_factory.mktemp("plays"))
    (folder / "alignment.toml").write_text(SETTINGS, encoding="utf-8")
    return Company.open(folder)


@pytest.fixture(scope="module")
def proposed(company: Company) -> Proposed:
    return proposed_plays(company, seen(company), END)


@pytest.fixture(scope="module")
def told(company: Company, proposed: Proposed) -> pd.DataFrame:
    hidden = Pseudonyms("plays")
    found = every_play(company, proposed.table, hidden).set_index("account")
    return found.rename(index={hidden.client(a): a for a in ACCOUNTS})


def test_each_account_gets_the_play_it_was_made_for(told: pd.DataFrame, proposed: Proposed) -> None:
    assert told.proposed.to_dict() == {a: v[-1] for a, v in ACCOUNTS.items()}
    assert proposed.lacking == ()


@pytest.mark.parametrize(
    ("days", "alive", "tells", "known"),
    [
        (3, 0.9, True, "probability of still being a client 90.0 %"),
        (3, 0.99999, True, "probability of still being a client above 99.9 %"),
        # The model's formula gives 1 to who ordered once, whatever came since.
        (1, 1.0, True, "ordered on one day only: nothing tells yet whether it comes back"),
        (3, 0.9, False, "the data does not tell who has left"),
    ],
)
def test_a_client_is_not_called_healthy_without_knowledge(
    days: int, alive: float, tells: bool, known: str
) -> None:
    account = pd.Series({"order_days": days, "alive": alive, "recency": 1200.0})
    assert _health(account, tells) == [known, "days since the last order: 1,200"]


def test_each_play_says_why(told: pd.DataFrame) -> None:
    said = told.reasons
    assert said["silent"] == (
        "probability of still being a client 20.0 %, below 50.0 %; revenue of the last year €100.00"
    )
    assert said["signal"] == "1 sign of change without answer; revenue of the last year €100.00"
    assert said["prospect"] == (
        "no client; a target in the eyes of marketing and sales; "
        "among the accounts most likely to become one within a year"
    )
    assert said["stir"] == "no client; 1 sign of change without answer"
    assert said["small"] == (
        "it buys less than half of what the best tenth of clients like it does; a target in the eyes of marketing"
    )
    assert said["narrow"] == (
        "probability of still being a client 90.0 %; days since the last order: 61; 1 product in the last year"
    )
    assert said["loss"] == (
        "margin did not pay for the work in 4 of the last four quarters; "
        "margin of at most €40.00 for work that cost €240.00; low potential; no contract"
    )
    assert said["wide"] == "the plan says attack"  # the last word before the end


def test_what_releasing_would_free(company: Company, proposed: Proposed) -> None:
    found = economics(company, proposed.table)
    # Four hours at 60; four orders of 100 that cost 90.
    assert (found["accounts"], found["hours_freed"], found["cost_freed"]) == (1, 4.0, 240.0)
    assert found["margin_lost_at_most"] == 40.0
    # An hour brings 100 / 0.5 where the play is grow, 3 x 40 / (4 + 4 + 3) where it is keep.
    assert [(e["play"], e["clients"], round(e["margin_per_hour"], 6)) for e in found["elsewhere"]] == [
        ("grow", 1, 200.0), ("keep", 3, round(120 / 11, 6)),
    ]  # fmt: skip


def test_an_unknown_cost_releases_nobody(tmp_path: Path) -> None:
    without = rows()
    for order in without["orders"]:
        order["cost"] = None if order["account_id"] == "loss" else order["cost"]
    (written(without, tmp_path) / "alignment.toml").write_text(SETTINGS)
    company = Company.open(tmp_path)
    found = company.fetch(proposed_plays(company, seen(company), END).table).set_index("account_id")
    assert found.proposed["loss"] == "defend"
    assert found.year_margin["loss"] == 400


def test_what_could_not_be_looked_at_is_named(tmp_path: Path) -> None:
    company = Company.open(written({"orders": rows()["orders"]}, tmp_path))
    found = proposed_plays(company, seen(company), END)
    assert [w.split(":")[0] for w in found.lacking] == [
        "intents", "assessments", "signals", "accounts.contract_until", "cost to serve",
    ]  # fmt: skip
    assert set(company.fetch(found.table).proposed) == {"defend", "attack", "grow", "keep"}


def test_a_sign_is_answered_by_a_touch_too_and_where_no_answer_is_on_record_nobody_is_defended_for_it(
    tmp_path: Path,
) -> None:
    """Called back after the sign, before it, called by the client, and by a program: only the first is an answer."""
    signs = [
        {"signal_id": a, "kind": "dissatisfaction", "account_id": a, "signalled_at": "2026-06-01"}
        for a in ("signal", "stir", "wide", "praised")
    ]
    calls = [
        {"touch_id": a, "account_id": a, "department": "sales", "touched_at": on, "direction": d, "automated": m}
        for a, on, d, m in (
            ("signal", "2026-06-02", "outbound", False), ("stir", "2026-05-31", "outbound", False),
            ("wide", "2026-06-02", "inbound", False), ("praised", "2026-06-02", "outbound", True),
        )
    ]  # fmt: skip
    for name, touches, opened in (
        ("called", calls, {"stir", "wide", "praised"}),
        ("unknown", [], set[str]()),
    ):
        folder = tmp_path / name
        folder.mkdir()
        company = Company.open(
            written(
                {"signals": signs, "orders": rows()["orders"]} | ({"touches": touches} if touches else {}),
                folder,
            )
        )
        found = proposed_plays(company, seen(company), END)
        told = company.fetch(found.table).set_index("account_id")
        assert set(told.index[told.open_signal > 0]) == opened
        lacks = "signals.answered_at, or touches: whether a sign of change was answered"
        assert (lacks in found.lacking) == (name == "unknown")


def test_a_sign_whose_answer_may_not_have_been_recorded_is_no_sign_without_answer(tmp_path: Path) -> None:
    """One sign before three weeks without any touch, one in them, one after: only of the last it is known."""
    signs = [
        {"signal_id": a, "kind": "dissatisfaction", "account_id": a, "signalled_at": on}
        for a, on in (("signal", "2026-05-04"), ("wide", "2026-05-20"), ("stir", "2026-06-10"))
    ]
    lost = ("2026-05-11", "2026-05-31")
    for gone, opened in (((), {"signal", "wide", "stir"}), ((lost,), {"stir"})):
        folder = tmp_path / str(len(gone))
        folder.mkdir()
        touches = strangers(*gone, last="2026-06-30")
        tables = {"signals": signs, "orders": rows()["orders"], "touches": touches}
        company = Company.open(written(tables, folder))
        found = proposed_plays(company, seen(company), END)
        told = company.fetch(found.table).set_index("account_id")
        assert set(told.index[told.open_signal > 0]) == opened
        assert [w for w in found.lacking if w.startswith("touches from")] == [
            "touches from 2026-05-09 to 2026-05-31 (15 working days; about 120 rows would be usual): whether signs of "
            "change noted up to then were answered"
            for _ in gone
        ]


def test_a_text_that_a_spreadsheet_would_run_is_kept_a_text(company: Company, proposed: Proposed) -> None:
    t = proposed.table.mutate(intent=proposed.table.account_id.nullif("wide").fill_null("=1+1"))
    found = every_play(company, t, Pseudonyms("plays"))
    assert "'=1+1" in set(found.intent)
