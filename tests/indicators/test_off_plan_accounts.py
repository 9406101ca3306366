"""Are accounts treated as planned? Six accounts by hand, pandas on the sample, days at the edges, guards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.indicator import Look, Observation
from alignment_toolkit.indicators.off_plan_accounts import off_plan_accounts
from alignment_toolkit.periods import Period
from tests.builders import company_of
from tests.indicators.degenerate import FRAMES, sound
from tests.indicators.guarding import fires, quiet
from tests.indicators.looks import KINDS

Q3 = Period.parse("2026-Q3")
SIX = {"A": "attack", "B": "attack", "C": "defend", "D": "defend", "E": "release", "F": "release"}


def intent(account: str, what: str, on: str = "2025-10-01") -> dict[str, Any]:
    return {"account_id": account, "intent": what, "decided_on": on}


def touch(account: str | None, at: str, department: str = "sales", **more: Any) -> dict[str, Any]:
    row = {"touch_id": f"{account}-{at}-{department}", "touched_at": at, "department": department}
    return row | {"account_id": account, "direction": "outbound", "automated": False} | more


def stranger() -> dict[str, Any]:
    """Give a touch of the window, so that who has none in it was not met."""
    return touch("Z", "2026-08-10")


def six() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    touches = [
        touch("A", "2026-01-10"), touch("C", "2026-09-01", "marketing"), touch("D", "2026-05-01"),
        touch("F", "2026-09-20"),
    ]  # fmt: skip
    return [intent(a, i) for a, i in SIX.items()], touches


def look(
    intents: list[dict[str, Any]], touches: list[dict[str, Any]], **tables: list[dict[str, Any]]
) -> Look:
    company = company_of(
        {"intents": intents, "touches": touches, **tables},
        until={"touches": "2026-09-30", "intents": "2026-09-30"},
        columns={"touches": ("account_id", "direction")},
    )
    return off_plan_accounts.look(company, Q3)


def seen(
    intents: list[dict[str, Any]], touches: list[dict[str, Any]], **tables: list[dict[str, Any]]
) -> Observation:
    found = look(intents, touches, **tables)
    assert found.error is None
    assert found.seen is not None
    return found.seen


def off(intents: list[dict[str, Any]], touches: list[dict[str, Any]]) -> set[str]:
    return {str(r[0]) for r in seen(intents, touches).evidence.rows}


def test_the_worked_example() -> None:
    found = seen(*six())
    assert found.gap.estimate.value == pytest.approx(3 / 6)
    assert off(*six()) == {"B", "D", "F"}
    assert look(*six()).short_of == {"accounts": 24}
    assert {m.name: m.value for m in found.measures} == pytest.approx(
        {"attack": 0.5, "defend": 0.5, "release": 0.5}
    )
    assert found.values["attack"] == "1 of 2"


@pytest.mark.parametrize(
    ("what", "at", "more", "wrong"),
    [
        ("release", "2026-07-01 00:00:00", {}, True),
        ("release", "2026-06-30 23:59:59", {}, False),
        ("release", "2026-09-30 23:59:59", {}, True),
        ("release", "2026-10-01 00:00:00", {}, False),
        ("release", "2026-09-01", {"automated": True}, False),
        ("release", "2026-09-01", {"direction": "inbound"}, False),
        ("release", "2026-09-01", {"department": "marketing"}, False),
        ("attack", "2025-10-01 00:00:00", {}, False),
        ("attack", "2025-09-30 23:59:59", {}, True),
        ("attack", "2026-09-01", {"automated": True}, True),
        ("attack", "2026-09-01", {"department": "marketing"}, False),
        ("attack", "2026-09-01", {"department": "service"}, True),
        ("defend", "2026-07-03 00:00:00", {}, False),
        ("defend", "2026-07-02 23:59:59", {}, True),
        ("defend", "2026-09-01", {"direction": "inbound"}, False),
    ],
)
def test_what_counts_and_from_which_day_on(what: str, at: str, more: dict[str, Any], wrong: bool) -> None:
    assert off([intent("A", what)], [touch("A", at, **more), stranger()]) == ({"A"} if wrong else set())


def test_the_latest_settled_intent_counts_once() -> None:
    changed = [intent("A", "release"), intent("A", "attack", "2026-02-01")]
    found = seen(changed, [touch("A", "2026-08-01")])
    assert (found.gap.estimate.n, found.gap.estimate.value) == (1, 0.0)
    # decided within the 90 days before the window's end: too young, and the old intent is no longer what is wanted
    assert seen([*changed, intent("A", "release", "2026-08-15")], [stranger()]).gap.estimate.n == 0
    assert seen([intent("A", "attack", "2026-07-03")], [stranger()]).gap.estimate.n == 1
    assert seen([intent("A", "attack", "2026-07-04")], [stranger()]).gap.estimate.n == 0


def test_weights_contracts_and_names_are_used_where_known() -> None:
    intents, touches = six()
    accounts = [{"account_id": a, "name": f"Name {a}", "service_contract": a == "F"} for a in SIX]
    orders = [
        {"order_id": a, "ordered_at": "2026-05-05", "amount": v, "account_id": a}
        for a, v in zip(SIX, (10, 20, 10, 40, 10, 10), strict=True)
    ]
    found = seen(intents, touches, accounts=accounts, orders=orders)
    shares = {m.name: m.value for m in found.measures}
    assert shares["by_value"] == pytest.approx(0.7)
    assert shares["no_service"] == pytest.approx(2 / 5)
    assert [r[:2] for r in found.evidence.rows] == [("D", "Name D"), ("B", "Name B"), ("F", "Name F")]


def test_effort_on_release_is_compared_with_before() -> None:
    """Two accounts were decided on 1 October 2025, with four touches in 90 days before and one after."""
    intents = [intent("E", "release"), intent("F", "release"), intent("G", "attack")]
    before = [touch(a, d) for a, d in (("E", "2025-07-03"), ("E", "2025-08-01"), ("F", "2025-09-30"))]
    after = [touch("E", "2025-10-01")]
    not_counted = [
        touch("E", "2025-07-02"),  # 91 days before
        touch("E", "2025-12-30"),  # 90 days after
        touch("E", "2025-11-01", "marketing"),
        touch("E", "2025-11-02", automated=True),
        touch("E", "2025-11-03", direction="inbound"),
        touch("G", "2025-11-01"),
        stranger(),
    ]
    found = {
        m.name: m for m in seen(intents, [*before, touch("F", "2025-09-01"), *after, *not_counted]).measures
    }
    assert (found["release_effort"].value, found["release_effort"].n) == (pytest.approx(1 / 4), 2)
    # Where records begin after the 90 days did, nothing is known of before.
    young = {m.name for m in seen(intents, [touch("F", "2025-09-01"), *after, stranger()]).measures}
    assert "release_effort" not in young


def test_accounts_to_win_that_are_on_nobodys_list_are_told() -> None:
    intents, touches = six()
    rows = [
        {
            "assessment_id": f"{a}{d}{on}",
            "account_id": a,
            "department": d,
            "assessed_at": on,
            "target": wanted,
        }
        for a, d, on, wanted in (
            ("A", "marketing", "2026-05-01", True),
            ("B", "sales", "2026-05-01", True),
            ("B", "sales", "2026-06-01", False),  # changed its mind
            ("C", "sales", "2025-09-01", True),  # more than a year ago
            ("D", "sales", "2026-06-01", False),
            ("D", "marketing", "2026-06-01", True),
        )
    ]
    found = {m.name: (m.value, m.n) for m in seen(intents, touches, assessments=rows).measures}
    assert found["on_nobodys_list"] == (pytest.approx(2 / 4), 4)
    assert "on_nobodys_list" not in {m.name for m in seen(intents, touches).measures}


def test_touches_without_account_and_accounts_without_touches_are_told() -> None:
    intents, touches = six()
    quiet("off_plan_accounts", "join_health", seen(intents, touches))
    quiet("off_plan_accounts", "logging", seen(intents, touches))
    loose = [touch(None, "2026-08-01")] * 2
    fires("off_plan_accounts", "join_health", seen(intents, touches + loose), "accounts may look quieter")
    fires("off_plan_accounts", "logging", seen(intents, touches[3:]))
    many = [intent(f"{i}{n}", i) for i in ("attack", "defend", "release") for n in range(10)]
    assert {g.guard for g in seen(many, [touch(r["account_id"], "2026-08-01") for r in many]).guards} == set()


def test_nobody_is_silent_after_the_last_day_of_the_touches() -> None:
    """Touches end on 15 August: C, met on 1 June, was met within 90 days of what is known; D was not."""
    intents = [intent("C", "defend"), intent("D", "defend")]
    touches = [touch("C", "2026-06-01"), touch("D", "2026-04-01"), stranger()]
    for until, silent in (("2026-08-15", {"D"}), ("2026-09-30", {"C", "D"})):
        company = company_of(
            {"intents": intents, "touches": touches},
            until={"touches": until},
            columns={"touches": ("account_id", "direction")},
        )
        facts = off_plan_accounts.look(company, Q3).seen
        assert facts is not None
        assert {row[0] for row in facts.evidence.rows} == silent


def test_a_window_in_which_nobody_wrote_anything_down_is_not_silence() -> None:
    """Touches of April and of October: of the quarter between them nothing was recorded of anybody."""
    around = [touch("C", "2026-04-01"), touch("D", "2026-10-05")]
    found = look([intent("C", "defend"), intent("D", "defend")], around)
    assert found.seen is None
    assert "No row of touches that counts here is dated from 2026-07-01 to 2026-09-30" in str(found.outside)
    assert look([intent("C", "defend")], [*around, stranger()]).seen is not None


@pytest.mark.parametrize(("rows", "known"), [(90, False), (30, True)])
def test_what_was_done_before_touches_were_kept_is_not_known(rows: int, known: bool) -> None:
    """90 days are looked at; in the 29 of them before August, 90 rows in 61 days would make 43, 30 would make 14."""
    days = pd.date_range("2026-08-01", "2026-09-30", periods=rows)
    touches = [touch("Z", str(d), touch_id=f"z{i}") for i, d in enumerate(days)]
    found = seen([intent("C", "defend")], touches)
    if known:
        assert found.gap.estimate.value == 1.0
        quiet("off_plan_accounts", "unrecorded", found)
    else:
        assert found.gap.estimate.n == 0
        fires(
            "off_plan_accounts",
            "unrecorded",
            found,
            "is dated from 2026-07-03 to 2026-07-31 (21 working days;",
        )


def test_a_window_after_the_last_day_of_the_touches_is_not_silence() -> None:
    found = look(*six()).header.look(
        company_of({"intents": six()[0], "touches": six()[1]}, until={"touches": "2026-06-30"}), Q3
    )
    assert found.seen is None
    assert found.outside == "Data is complete until 2026-06-30; the window begins on 2026-07-01."


def test_a_small_intent_that_looks_worse_than_the_whole_is_told() -> None:
    intents = [intent(f"a{n}", "attack") for n in range(12)] + [
        intent("d1", "defend"),
        intent("d2", "defend"),
    ]
    kept = [touch(f"a{n}", "2026-09-01") for n in range(12)]
    found = seen(intents, [*kept, touch("d1", "2026-09-01")])
    fires("off_plan_accounts", "small_cells", found, "Accounts to defend: only 2, 1 of them off plan")
    both = seen(intents, [*kept, touch("d1", "2026-09-01"), touch("d2", "2026-09-01")])
    quiet("off_plan_accounts", "small_cells", both)


def test_columns_that_are_missing_are_named() -> None:
    missing = off_plan_accounts.look(company_of({"intents": []}), Q3).missing
    assert any(m.startswith("touches") for m in missing)


def test_on_the_sample_it_is_the_share_in_pandas(sample: Company, sample_dir: Path) -> None:
    intents = pd.read_csv(sample_dir / "intents.csv", parse_dates=["decided_on"])
    touches = pd.read_csv(sample_dir / "touches.csv", parse_dates=["touched_at"], dtype={"account_id": str})
    touches = touches[~touches.automated & touches.department.isin(["marketing", "sales"])]
    touches = touches[touches.touched_at < "2026-10-01"]
    latest = (
        intents[intents.decided_on < "2026-10-01"].sort_values("decided_on").groupby("account_id").tail(1)
    )
    latest = latest[latest.decided_on <= pd.Timestamp("2026-10-01") - pd.Timedelta(days=90)]
    wrong = 0
    for row in latest.itertuples():
        own = touches[touches.account_id == row.account_id]
        if row.intent == "release":
            own = own[(own.department == "sales") & (own.direction == "outbound")]
            wrong += bool((own.touched_at >= max(pd.Timestamp("2026-07-01"), row.decided_on)).any())
        else:
            since = row.decided_on if row.intent == "attack" else pd.Timestamp("2026-07-03")
            wrong += not bool((own.touched_at >= since).any())
    found = off_plan_accounts.look(sample, Q3).seen
    assert found is not None
    assert found.gap.estimate.n == len(latest)
    assert found.gap.estimate.value == pytest.approx(wrong / len(latest))


@pytest.mark.parametrize("frame", KINDS)
def test_whatever_the_data_the_finding_is_sound(frame: str) -> None:
    intents, touches = six()
    orders = [{"order_id": a, "ordered_at": "2026-05-05", "amount": 10.0, "account_id": a} for a in SIX]
    tables = FRAMES[frame]({"intents": intents, "touches": touches, "orders": orders})
    sound(off_plan_accounts.look(company_of(tables, columns={"touches": tuple(touches[0])}), Q3))
