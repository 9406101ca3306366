"""Does marketing reach those who decide? Six deals by hand, what does not count, then plain pandas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.indicators.missed_decision_makers import missed_decision_makers
from alignment_toolkit.periods import Period
from tests.indicators.guarding import fires, quiet
from tests.indicators.looks import KINDS, check, look_at

DEALS: list[dict[str, Any]] = [
    {"opportunity_id": f"o{i}", "account_id": f"a{i}", "opened_at": "2026-06-30 10:00", "outcome": "won"}
    for i in range(6)
]
CONTACTS: list[dict[str, Any]] = [
    {"contact_id": f"{who}{i}", "account_id": f"a{i}", "role": role, "known_on": "2026-01-01"}
    for i in range(6) for who, role in (("d", "decision_maker"), ("u", "user"))
]  # fmt: skip


def touch(who: str, on: str, **more: Any) -> dict[str, Any]:
    return {"touch_id": f"{who} {on}", "contact_id": who, "touched_at": on, "department": "marketing", **more}


DAYS = ("2026-03-01", "2026-04-01", "2026-05-01")
TOUCHES = [touch(f"u{i}", day) for i in range(6) for day in DAYS] + [
    touch(f"d{i}", "2026-05-05") for i in range(4)
]
TABLES = {"opportunities": DEALS, "contacts": CONTACTS, "touches": TOUCHES}


def seen(tables: Any, **more: Any) -> Any:
    found = look_at(missed_decision_makers, tables, **more)
    assert found.error is None, found.error
    assert found.seen is not None
    return found.seen


def gap(tables: Any, **more: Any) -> tuple[float | None, int]:
    e = seen(tables, **more).gap.estimate
    return e.value, e.n


def test_the_worked_example() -> None:
    found = seen(TABLES)
    assert (found.gap.estimate.value, found.gap.estimate.n) == (pytest.approx(2 / 6), 6)
    assert [r[0] for r in found.evidence.rows] == ["o4", "o5"]
    assert found.evidence.rows[0][3:] == (1, 3)
    assert found.chart.title == "Marketing had reached the decision maker of 4 of 6 opportunities"


@pytest.mark.parametrize(
    ("more", "missed"),
    [
        (touch("d4", "2026-06-29"), 1),  # the day before
        (touch("d4", "2026-06-30"), 2),  # the day itself is not before
        (touch("d4", "2026-01-01"), 1),  # 180 days before
        (touch("d4", "2025-12-31"), 2),  # 181
        (touch("d4", "2026-06-01", department="sales"), 2),
        (touch("d4", "2026-06-01", automated=True), 1),  # marketing reaches people by machine
    ],
)
def test_what_reaches_the_decision_maker(more: dict[str, Any], missed: int) -> None:
    assert gap({**TABLES, "touches": [*TOUCHES, more]}) == (pytest.approx(missed / 6), 6)


def test_that_roles_drift_is_told() -> None:
    """At one of six accounts somebody else became known as decision maker on the day of the opening."""
    for on, share in (("2026-06-30", 1 / 6), ("2026-06-29", 0.0)):
        late = {"contact_id": "n0", "account_id": "a0", "role": "decision_maker", "known_on": on}
        measures = {m.name: m for m in seen({**TABLES, "contacts": [*CONTACTS, late]}).measures}
        assert (measures["role_drift"].value, measures["role_drift"].n) == (pytest.approx(share), 6)


def test_of_several_who_decide_one_is_enough_and_rows_do_not_multiply() -> None:
    second = [{"contact_id": f"e{i}", "account_id": f"a{i}", "role": "decision_maker", "known_on": "2026-02-01"}
              for i in range(6)]  # fmt: skip
    assert gap({**TABLES, "contacts": [*CONTACTS, *second]}) == (pytest.approx(2 / 6), 6)
    reached = [*TOUCHES, touch("e4", "2026-06-01"), touch("e4", "2026-06-02")]
    assert gap({**TABLES, "contacts": [*CONTACTS, *second], "touches": reached}) == (pytest.approx(1 / 6), 6)


def test_who_is_known_too_late_and_where_marketing_was_quiet_is_not_counted() -> None:
    late = [{**c, "known_on": "2026-06-30"} if c["contact_id"] == "d5" else c for c in CONTACTS]
    found = seen({**TABLES, "contacts": late})
    assert (found.gap.estimate.value, found.gap.estimate.n) == (pytest.approx(1 / 5), 5)
    quiet("missed_decision_makers", "join_health", found)  # one of six
    never = [{**c, "known_on": None} if c["contact_id"] in ("d3", "d4", "d5") else c for c in CONTACTS]
    fires("missed_decision_makers", "join_health", seen({**TABLES, "contacts": never}))
    silent = [t for t in TOUCHES if t["touch_id"] != "u5 2026-03-01"]
    assert gap({**TABLES, "touches": silent}) == (pytest.approx(1 / 5), 5)
    assert gap({**TABLES, "touches": silent}, options={"at_least": 2}) == (pytest.approx(2 / 6), 6)


def test_the_last_twelve_months_count() -> None:
    others = [{**DEALS[4], "opportunity_id": "old", "opened_at": "2025-09-30"},
              {**DEALS[4], "opportunity_id": "new", "opened_at": "2026-10-01"}]  # fmt: skip
    assert gap({**TABLES, "opportunities": [*DEALS, *others]}) == (pytest.approx(2 / 6), 6)


@pytest.mark.slow
def test_winning_is_compared_where_there_is_enough() -> None:
    many: dict[str, list[dict[str, Any]]] = {
        t: [
            {k: f"{v}-{i}" if k.endswith("_id") else v for k, v in r.items()}
            for r in rows for i in range(20)
        ]
        for t, rows in TABLES.items()
    }  # fmt: skip
    for r in many["opportunities"]:
        r["closed_at"] = "2026-08-01"
        r["outcome"] = "won" if r["opportunity_id"].startswith(("o0", "o1", "o4")) else "lost"
    won = next(m for m in seen(many).measures if m.name == "win_rate")
    assert won.value == pytest.approx(2 / 4 - 1 / 2)
    assert all(m.name != "win_rate" for m in seen(TABLES).measures)
    quiet("missed_decision_makers", "other_way", seen(many))
    for r in many[
        "opportunities"
    ]:  # of the four whose decision maker was reached one is won, of the others both
        r["outcome"] = "won" if r["opportunity_id"].startswith(("o0", "o4", "o5")) else "lost"
    fires("missed_decision_makers", "other_way", seen(many))
    quiet("missed_decision_makers", "confounding", seen(many), "cannot be compared")
    quiet("missed_decision_makers", "confounding", seen(many), "no more than may lie between")
    for r in many["opportunities"]:  # those whose decision maker was not reached are Ann's alone
        r["owner"] = "Ann" if r["opportunity_id"].startswith(("o4", "o5")) else f"p{r['opportunity_id'][-1]}"
    alone = seen(many)
    fires("missed_decision_makers", "confounding", alone, "cannot be compared")
    quiet("missed_decision_makers", "other_way", alone)
    for r in many["opportunities"]:  # Ann's were all won, and of Ben's as many as of the others'
        if r["owner"] == "Ann":
            nine = r["opportunity_id"].endswith(("7", "8", "9"))
            r["owner"], r["outcome"] = ("Ben", "lost") if nine else ("Ann", "won")
    fires("missed_decision_makers", "confounding", seen(many), "no more than may lie between")


def test_what_is_missing_is_named() -> None:
    bare = [{k: v for k, v in r.items() if k != "known_on"} for r in CONTACTS]
    assert look_at(missed_decision_makers, {**TABLES, "contacts": bare}).missing == ("contacts.known_on",)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_say_little(kind: str) -> None:
    check(missed_decision_makers, TABLES, kind)


@pytest.mark.slow
def test_on_the_sample_it_equals_plain_pandas(sample: Company, sample_dir: Path) -> None:
    deals, contacts, touches = (
        pd.read_csv(sample_dir / f"{t}.csv", dtype=str) for t in ("opportunities", "contacts", "touches")
    )
    touches = touches[(touches.department == "marketing") & touches.contact_id.notna()]
    touches["on"] = pd.to_datetime(touches.touched_at).dt.normalize()
    deals = deals[
        (deals.opened_at >= "2025-10-01") & (deals.opened_at < "2026-10-01") & deals.account_id.notna()
    ]
    missed = []
    for row in deals.itertuples():
        opened = pd.Timestamp(row.opened_at).normalize()
        people = contacts[contacts.account_id == row.account_id]
        decides = people[
            (people.role == "decision_maker") & (people.known_on < str(opened.date()))
        ].contact_id
        near = touches[(touches.on < opened) & (touches.on >= opened - pd.Timedelta(days=180))]
        near = near[near.contact_id.isin(people.contact_id)]
        if len(decides) and len(near) >= 3:
            missed.append(not near.contact_id.isin(decides).any())
    found = missed_decision_makers.look(sample, Period.parse("2026-Q3")).seen
    assert found is not None
    assert found.gap.estimate.n == len(missed)
    assert found.gap.estimate.value == pytest.approx(np.mean(missed))
