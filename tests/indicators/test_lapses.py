"""Days in which nobody wrote anything down are no silence of people: what is judged by them is left out, and told.

Around the few rows that each test is about, strangers are called eight times on every working day but those lost.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd
import pytest

from alignment_toolkit.errors import ParameterError
from alignment_toolkit.indicator import Look
from alignment_toolkit.indicator.lapses import Lapse, unrecorded
from alignment_toolkit.indicators.dropped_leads import dropped_leads
from alignment_toolkit.indicators.missed_decision_makers import missed_decision_makers
from alignment_toolkit.indicators.neglected_clients import neglected_clients
from alignment_toolkit.indicators.off_plan_accounts import off_plan_accounts
from alignment_toolkit.indicators.unanswered_signals import unanswered_signals
from alignment_toolkit.verdict import verdicts
from tests.indicators.guarding import fires, quiet
from tests.indicators.looks import look_at

AUGUST = ("2026-08-03", "2026-08-23")
LOST = (
    "No row of touches that counts here is dated from 2026-08-01 to 2026-08-23 (15 working days; about 120 rows would "
    "be usual), of anybody."
)
HOLIDAYS = "[company]\ncurrency = 'EUR'\n[calendar]\nholidays = [{}]\n".format(
    ", ".join(str(d.date()) for d in pd.bdate_range(*AUGUST))
)


def touch(account: str | None, at: str, **more: Any) -> dict[str, Any]:
    row = {"touch_id": f"{account} {at}", "account_id": account, "touched_at": at, "department": "sales"}
    return {**row, "channel": "phone", "direction": "outbound", "automated": False, **more}


def strangers(
    *lost: tuple[str, str], first: str = "2026-01-01", last: str = "2026-12-31"
) -> list[dict[str, Any]]:
    """Give eight touches of every working day but those in `lost`."""
    days = [d for d in pd.bdate_range(first, last) if not any(a <= str(d.date()) <= b for a, b in lost)]
    return [
        touch("stranger", f"{d.date()} {9 + i:02d}:00", touch_id=f"z{d.date()}{i}", contact_id="stranger")
        for d in days
        for i in range(8)
    ]


def seen(found: Look) -> Any:
    assert found.error is None, found.error
    assert found.outside is None, found.outside
    assert found.seen is not None
    return found.seen


def names(facts: Any) -> set[str]:
    return {str(row[0]) for row in facts.evidence.rows}


LEADS = {
    "in time": ("2026-07-20 09:00", "2026-07-20 10:00"),
    "late": ("2026-07-21 09:00", None),
    "on the last day": ("2026-07-31 09:00", "2026-08-24 10:00"),
    "then": ("2026-08-10 09:00", None),
    "answered then": ("2026-08-10 09:00", None),
    "after": ("2026-08-25 09:00", "2026-08-25 10:00"),
}


def answered(*lost: tuple[str, str], toml: str = "", **more: Any) -> Look:
    leads = [
        {"lead_id": n, "account_id": n, "created_at": at, "qualified_at": at} for n, (at, _) in LEADS.items()
    ]
    own = [touch(n, at, lead_id=n) for n, (_, at) in LEADS.items() if at]
    return look_at(dropped_leads, {"leads": leads, "touches": [*strangers(*lost), *own]}, toml=toml, **more)


def test_leads_whose_time_runs_out_in_days_that_nobody_recorded_are_left_out() -> None:
    found = seen(answered(AUGUST))
    assert found.gap.estimate.value == pytest.approx(1 / 3)
    assert names(found) == {"late"}
    fires("dropped_leads", "unrecorded", found, "whether they were answered: 3.")
    assert LOST in found.guards[-1].message
    fires("lapses", "unrecorded", found, "If nobody worked then, name these days as `[calendar] holidays`.")
    # Of who was handed over before nobody knows whether an answer ever came; of the one after it is known.
    assert next(m for m in found.measures if m.name == "never").n == 1
    whole = seen(answered())
    assert whole.gap.estimate.value == pytest.approx(4 / 6)
    quiet("dropped_leads", "unrecorded", whole)
    quiet("lapses", "unrecorded", whole)


def test_days_that_the_calendar_calls_holidays_are_no_lapse() -> None:
    found = seen(answered(AUGUST, toml=HOLIDAYS))
    quiet("dropped_leads", "unrecorded", found)
    assert next(m for m in found.measures if m.name == "never").n == 6


def test_what_sales_did_is_not_recorded_where_only_marketing_has_rows() -> None:
    rows = [{**r, "department": "marketing", "touch_id": f"m{r['touch_id']}"} for r in strangers()]
    leads = [
        {"lead_id": n, "account_id": n, "created_at": at, "qualified_at": at} for n, (at, _) in LEADS.items()
    ]
    found = look_at(dropped_leads, {"leads": leads, "touches": [*strangers(AUGUST), *rows]})
    fires("dropped_leads", "unrecorded", seen(found), "dated from 2026-08-01 to 2026-08-23")
    found = look_at(dropped_leads, {"leads": leads, "touches": rows})
    assert "No row of touches that counts here is dated from 2026-07-01 to 2026-09-30" in str(found.outside)


MET = ("2026-08-10", "2026-09-01", "2026-09-10")


def neglected(*lost: tuple[str, str], toml: str = "") -> Look:
    orders = [
        {"order_id": f"o{i}", "ordered_at": "2025-07-01", "amount": "50", "account_id": f"c{i}"}
        for i in range(3)
    ]
    met = [touch(f"c{i}", d) for i, d in enumerate(MET) if not any(a <= d <= b for a, b in lost)]
    tables = {"orders": orders, "touches": [*strangers(*lost, last="2026-09-30"), *met]}
    return look_at(neglected_clients, tables, until={"touches": "2026-09-30"}, toml=toml)


def test_nobody_is_neglected_for_weeks_that_are_missing() -> None:
    assert seen(neglected()).gap.estimate.value == 0.0
    found = neglected(AUGUST)
    assert found.seen is None
    assert found.outside == (
        f"{LOST} With whom somebody was in touch then is not known: 23 of the 90 days that "
        "are looked at. If nobody worked then, name these days as `[calendar] holidays`."
    )
    (finding,) = verdicts([found])
    assert finding.status == "too_little_data"
    # A company that was closed knows that nobody was called.
    closed = seen(neglected(AUGUST, toml=HOLIDAYS))
    assert names(closed) == {"c0"}
    quiet("neglected_clients", "unrecorded", closed)


def test_of_a_missing_week_so_much_is_taken_off_as_any_other_week_would_add() -> None:
    """Ten weeks of the 90 days have one client each, met once; the one of the lost week looks silent, nobody else."""
    monday = pd.Timestamp("2026-07-13")
    days = [str((monday + pd.Timedelta(weeks=w, days=1)).date()) for w in range(10)]
    lost = ("2026-08-10", "2026-08-16")
    orders = [{"order_id": d, "ordered_at": "2025-07-01", "amount": "50", "account_id": d} for d in days]
    met = [touch(d, d) for d in days if not lost[0] <= d <= lost[1]]
    rows = [*strangers(lost, last="2026-09-30"), *met]
    found = seen(
        look_at(neglected_clients, {"orders": orders, "touches": rows}, until={"touches": "2026-09-30"})
    )
    assert names(found) == {"2026-08-11"}
    e = found.gap.estimate
    # 9 days are lost (the Saturday and Sunday before are empty, too): 9 other stretches of 9 hold one client each.
    assert e.value == pytest.approx(0.0, abs=0.01)
    assert e.low <= e.value <= 0.1 <= e.high
    fires("neglected_clients", "unrecorded", found, "will have been met then, as any other days tell")
    whole = [*strangers(last="2026-09-30"), *(touch(d, d) for d in days)]
    found = seen(
        look_at(neglected_clients, {"orders": orders, "touches": whole}, until={"touches": "2026-09-30"})
    )
    quiet("neglected_clients", "unrecorded", found)


def test_where_the_record_ends_with_the_year_silence_is_judged_up_to_then() -> None:
    found = seen(neglected(("2026-09-21", "2026-09-30")))
    fires("neglected_clients", "unrecorded", found, "Silence is judged up to 2026-09-18.")
    assert found.gap.estimate.value == 0.0


INTENTS = {
    "old attack": "2025-08-01",
    "attack": "2026-06-01",
    "defend": "2026-01-10",
    "release": "2026-01-10",
}


def planned(*lost: tuple[str, str], first: str = "2025-08-01") -> Look:
    intents = [
        {"account_id": a, "intent": a.rpartition(" ")[2], "decided_on": on} for a, on in INTENTS.items()
    ]
    rows = {"intents": intents, "touches": [*strangers(*lost, first=first), touch("release", "2026-07-05")]}
    return look_at(off_plan_accounts, rows)


def test_accounts_whose_touches_may_be_missing_are_not_off_plan() -> None:
    """23 days are missing: all that count of 90 to defend, a fifth since June, a twentieth since August a year ago."""
    found = seen(planned(AUGUST))
    assert names(found) == {"old attack", "release"}
    assert found.gap.estimate.n == 2
    fires("off_plan_accounts", "unrecorded", found, "who was in touch with them: 2.")
    found = seen(planned())
    assert names(found) == {"old attack", "attack", "defend", "release"}
    quiet("off_plan_accounts", "unrecorded", found)


def test_an_attack_from_before_touches_were_kept_is_not_judged() -> None:
    found = seen(planned(first="2026-05-01"))
    assert names(found) == {"attack", "defend", "release"}


SIGNS = {"in time": ("2026-07-20 09:00", "2026-07-20 10:00"), "late": ("2026-07-21 09:00", None),
         "then": ("2026-08-10 09:00", None)}  # fmt: skip


def signs(*lost: tuple[str, str], told: bool = False, touches: bool = True) -> Look:
    rows = [{"signal_id": n, "account_id": n, "signalled_at": at} for n, (at, _) in SIGNS.items()]
    own = [touch(n, at) for n, (_, at) in SIGNS.items() if at]
    if told:
        rows, own = [{**r, "answered_at": SIGNS[r["signal_id"]][1]} for r in rows], []
    return look_at(
        unanswered_signals, {"signals": rows, "touches": [*(strangers(*lost) if touches else ()), *own]},
        columns={"touches": ("account_id", "direction")},
    )  # fmt: skip


def test_signs_of_days_that_nobody_recorded_are_left_out() -> None:
    found = seen(signs(AUGUST))
    assert found.gap.estimate.value == pytest.approx(1 / 2)
    fires("unanswered_signals", "unrecorded", found, "whether they were answered: 1.")
    found = seen(signs())
    assert found.gap.estimate.value == pytest.approx(2 / 3)
    quiet("unanswered_signals", "unrecorded", found)


def test_revenue_that_nobody_looks_at_is_not_told_of_days_that_nobody_recorded() -> None:
    """One client bought, and nobody was in touch in the last 90 days; without a touch in August nobody knows."""
    tables = {
        "signals": [{"signal_id": "s", "account_id": "s", "signalled_at": "2026-07-10 09:00"}],
        "orders": [{"order_id": "o", "ordered_at": "2026-05-05", "amount": "10", "account_id": "o"}],
    }
    for lost in ((), (AUGUST,)):
        touches = [*strangers(*lost, last="2026-09-30"), touch("s", "2026-07-10 10:00")]
        until = dict.fromkeys(("signals", "orders", "touches"), "2026-09-30")
        found = seen(look_at(unanswered_signals, {**tables, "touches": touches}, until=until))
        unseen = [m.value for m in found.measures if m.name == "unseen_value"]
        if lost:
            assert unseen == []
            fires(
                "unanswered_signals", "unrecorded", found, "What revenue lies with clients of whom nobody has"
            )
        else:
            assert unseen == [1.0]
            quiet("unanswered_signals", "unrecorded", found)


def test_signs_that_say_themselves_when_they_were_answered_need_no_touches() -> None:
    for found in (seen(signs(AUGUST, told=True)), seen(signs(told=True, touches=False))):
        assert found.gap.estimate.value == pytest.approx(2 / 3)
        quiet("unanswered_signals", "unrecorded", found)


def test_deals_before_which_marketings_touches_are_missing_are_left_out() -> None:
    deals = [
        {"opportunity_id": on, "account_id": "a", "opened_at": on}
        for on in ("2026-08-01", "2026-08-02", "2026-09-15")
    ]
    contacts = [
        {"contact_id": who, "account_id": "a", "role": role, "known_on": "2026-01-01"}
        for who, role in (("decides", "decision_maker"), ("uses", "user"))
    ]

    def asked(*lost: tuple[str, str]) -> Any:
        rows = [{**r, "department": "marketing"} for r in strangers(*lost)]
        near = [touch("a", f"2026-05-{d}", contact_id="uses", department="marketing") for d in (11, 12, 13)]
        tables = {"opportunities": deals, "contacts": contacts, "touches": [*rows, *near]}
        return seen(look_at(missed_decision_makers, tables))

    found = asked(AUGUST)
    assert names(found) == {"2026-08-01"}
    fires("missed_decision_makers", "unrecorded", found, "whom marketing reached before: 2.")
    found = asked()
    assert found.gap.estimate.n == 3
    quiet("missed_decision_makers", "unrecorded", found)


@pytest.mark.parametrize(("each", "status"), [(1, "too_little_data"), (9, "misaligned")])
def test_so_few_rows_that_everybody_must_look_silent_say_nothing(each: int, status: str) -> None:
    """Five calls a month and 200 clients: whom nobody called is not known. Of 45 a month it is."""
    orders = [
        {"order_id": f"o{i}", "ordered_at": "2025-07-01", "amount": "50", "account_id": f"c{i}"}
        for i in range(200)
    ]
    days = pd.bdate_range("2026-01-01", "2026-09-30")[::4]
    calls = [
        touch(f"c{(n + i) % 40}", str(d.date()), touch_id=f"{n} {i}")
        for n, d in enumerate(days)
        for i in range(each)
    ]
    found = look_at(neglected_clients, {"orders": orders, "touches": calls}, until={"touches": "2026-09-30"})
    (finding,) = verdicts([found])
    assert finding.status == status
    if each == 1:
        assert finding.message == (
            "Only 16 rows of touches that count here are dated from 2026-07-01 to 2026-09-30, of anybody: one for each "
            "would not do for 200 clients, and if a month had been left out nobody could tell. So little on record is "
            "no sign that nothing was done."
        )


def test_the_lapses_of_a_table_that_is_not_declared_are_refused() -> None:
    company_seen: dict[str, Any] = {}

    def spy(data: Any, window: Any, **options: Any) -> Any:
        with pytest.raises(ParameterError, match="asks for lapses of 'orders' without declaring it"):
            data.lapses("orders", window.start, window.end)
        company_seen["asked"] = True
        return dropped_leads.function(data, window, **options)

    leads = [{"lead_id": "l", "account_id": "l", "created_at": "2026-07-20", "qualified_at": "2026-07-20"}]
    look_at(replace(dropped_leads, function=spy), {"leads": leads, "touches": strangers()})
    assert company_seen["asked"]


def test_several_lapses_are_told_together() -> None:
    two = [Lapse("touches", date(2026, m, 1), date(2026, m, 21), 15, 120.0) for m in (6, 9)]
    (guard,) = unrecorded(two, "Some are left out.")
    assert (
        "from 2026-06-01 to 2026-06-21 (15 working days; about 120 rows would be usual) and from 2026-09-01"
        in (guard.message)
    )
