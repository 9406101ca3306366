"""Are signs of dissatisfaction or change acted on? Six signals by hand, what is an answer, then plain pandas."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.indicators.unanswered_signals import unanswered_signals
from alignment_toolkit.periods import Period
from tests.builders import company_of
from tests.indicators.guarding import fires, quiet
from tests.indicators.looks import KINDS, check, look_at

MONDAY = pd.Timestamp("2026-07-06 09:00")


def after(hours: float) -> str:
    """Give the moment that many working hours after Monday 09:00 (eight a day, five days a week)."""
    days, rest = divmod(hours, 8)
    weeks, weekday = divmod(int(days), 5)
    return str(MONDAY + timedelta(weeks=weeks, days=weekday, hours=rest))


WAITS = (2, 10, 30, 39, 60)
SIGNALS: list[dict[str, Any]] = [
    {"signal_id": f"s{i}", "account_id": f"a{i}", "signalled_at": str(MONDAY), "kind": "dissatisfaction",
     "department": "sales" if i % 2 else "marketing", "answered_at": after(WAITS[i]) if i < 3 else None}
    for i in range(6)
]  # fmt: skip
TOUCHES: list[dict[str, Any]] = [
    {"touch_id": f"t{i}", "account_id": f"a{i}", "touched_at": after(WAITS[i]), "department": "sales",
     "direction": "outbound", "automated": False}
    for i in (3, 4)
]  # fmt: skip
TABLES = {"signals": SIGNALS, "touches": TOUCHES}


def seen(tables: Any, **more: Any) -> Any:
    found = look_at(unanswered_signals, tables, **more)
    assert found.error is None, found.error
    assert found.seen is not None
    return found.seen


def gap(tables: Any, **more: Any) -> float | None:
    value: float | None = seen(tables, **more).gap.estimate.value
    return value


def test_the_worked_example() -> None:
    found = seen(TABLES)
    assert found.gap.estimate.value == pytest.approx(2 / 6)
    rows = {r[0]: r[3:] for r in found.evidence.rows}
    assert rows["s4"][:2] == (60.0, True)
    assert rows["s5"][1] is False
    assert {m.name for m in found.measures} == {
        "median_hours",
        "seen_by_marketing",
        "seen_by_sales",
        "dissatisfied",
    }
    assert found.chart.reference == pytest.approx(0.85)


@pytest.mark.parametrize(
    ("more", "late"),
    [
        ({}, 1),
        ({"department": "marketing"}, 1),  # whoever answers
        ({"automated": True}, 2),
        ({"direction": "inbound"}, 2),
        ({"account_id": "another"}, 2),
        ({"touched_at": str(MONDAY - timedelta(minutes=1))}, 2),
        ({"touched_at": str(MONDAY)}, 1),
        ({"touched_at": after(40)}, 1),
        ({"touched_at": after(40.1)}, 2),
    ],
)
def test_what_is_an_answer(more: dict[str, Any], late: int) -> None:
    touch = {**TOUCHES[0], "touch_id": "x", "account_id": "a5", "touched_at": after(5), **more}
    assert gap({**TABLES, "touches": [*TOUCHES, touch]}) == pytest.approx(late / 6)


def test_what_the_signal_says_itself_comes_before_touches() -> None:
    early = [
        {**TOUCHES[0], "touch_id": f"e{i}", "account_id": f"a{i}", "touched_at": after(1)} for i in range(3)
    ]
    slow = [{**s, "answered_at": after(50) if s["answered_at"] else None} for s in SIGNALS]
    assert gap({"signals": slow, "touches": [*TOUCHES, *early]}) == pytest.approx(5 / 6)


def test_touches_or_answers_alone_are_enough_and_without_both_they_are_named() -> None:
    bare = [{k: v for k, v in s.items() if k != "answered_at"} for s in SIGNALS]
    assert gap({"signals": SIGNALS}) == pytest.approx(3 / 6)
    assert gap({"signals": bare, "touches": TOUCHES}) == pytest.approx(5 / 6)
    assert look_at(unanswered_signals, {"signals": bare}).missing == ("signals.answered_at",)
    assert "signals.signal_id" in look_at(unanswered_signals, {"touches": TOUCHES}).missing


def test_a_signal_whose_time_has_not_run_out_is_censored() -> None:
    young = {**SIGNALS[5], "signal_id": "young", "account_id": "y", "signalled_at": "2026-09-29 09:00"}
    found = seen(
        {**TABLES, "signals": [*SIGNALS, young]}, until={"signals": "2026-09-30", "touches": "2026-09-30"}
    )
    # 16 hours observed: two answered before then (6/7, 5/6 still wait), then the others without it.
    assert found.gap.estimate.value == pytest.approx(5 / 7 * (3 / 4) * (2 / 3))


def test_many_touches_never_multiply_signals() -> None:
    many = [{**t, "touch_id": f"{t['touch_id']}-{i}"} for t in TOUCHES for i in range(30)]
    company = company_of({"signals": SIGNALS, "touches": many})
    assert int(company.fetch(company.relation("signal_answers").count().as_table()).iloc[0, 0]) == 6


def test_revenue_that_nobody_looks_at_is_told() -> None:
    """Of 100, a client of 30 was touched, one of 20 has a sign; one of 40 was met long ago, one of 10 by a machine."""
    orders = [
        {"order_id": a, "ordered_at": "2026-02-01", "amount": v, "account_id": a}
        for a, v in (("a3", "30"), ("a5", "20"), ("old", "40"), ("mail", "10"))
    ]
    orders.append({"order_id": "x", "ordered_at": "2025-09-30", "amount": "999", "account_id": "old"})
    touches = [
        *TOUCHES,
        {**TOUCHES[0], "touch_id": "o", "account_id": "old", "touched_at": "2026-07-02"},
        {**TOUCHES[0], "touch_id": "m", "account_id": "mail", "automated": True},
    ]
    until = dict.fromkeys(("signals", "touches", "orders"), "2026-09-30")
    found = seen({"signals": SIGNALS, "touches": touches, "orders": orders}, until=until)
    unseen = next(m for m in found.measures if m.name == "unseen_value")
    assert (unseen.value, unseen.n) == (pytest.approx(50 / 100), 4)


def test_signs_that_only_one_department_notes_are_told() -> None:
    one = [{**SIGNALS[0], "signal_id": f"s{i}", "account_id": f"a{i}"} for i in range(12)]
    fires("unanswered_signals", "logging", seen({"signals": one, "touches": TOUCHES}))
    both = [{**r, "department": "sales" if i % 2 else "marketing"} for i, r in enumerate(one)]
    quiet("unanswered_signals", "logging", seen({"signals": both, "touches": TOUCHES}))


def test_openings_at_accounts_to_be_attacked() -> None:
    intents = [
        {"account_id": "a5", "intent": "defend", "decided_on": "2026-01-01"},
        {"account_id": "a5", "intent": "attack", "decided_on": "2026-02-01"},
        {"account_id": "a1", "intent": "attack", "decided_on": "2026-01-01"},
        {"account_id": "a0", "intent": "attack", "decided_on": "2026-10-01"},
    ]
    openings = next(m for m in seen({**TABLES, "intents": intents}).measures if m.name == "openings")
    assert (openings.value, openings.n) == (0.5, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_say_little(kind: str) -> None:
    check(unanswered_signals, TABLES, kind)


def test_on_the_sample_it_equals_plain_pandas(sample: Company, sample_dir: Path) -> None:
    signals, touches = (pd.read_csv(sample_dir / f"{t}.csv", dtype=str) for t in ("signals", "touches"))
    signals = signals[(signals.signalled_at >= "2026-07-01") & (signals.signalled_at < "2026-09-01")]
    own = touches[(touches.direction == "outbound") & (touches.automated != "true")]
    late = []
    for row in signals.itertuples():
        end = row.answered_at
        if not isinstance(end, str):
            near = own[(own.account_id == row.account_id) & (own.touched_at >= row.signalled_at)]
            end = near.touched_at.min() if len(near) else "2026-10-01"
        hours = sample.calendar.hours_between(
            pd.Timestamp(row.signalled_at).to_pydatetime(), pd.Timestamp(end).to_pydatetime()
        )
        late.append(hours > 5 * sample.calendar.hours_per_day)
    found = unanswered_signals.look(sample, Period.parse("2026-07-01..2026-08-31")).seen
    assert found is not None
    assert found.gap.estimate.n == len(late)
    assert found.gap.estimate.value == pytest.approx(np.mean(late))
