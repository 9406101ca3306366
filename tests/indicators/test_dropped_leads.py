"""Are leads dropped at the hand-over? Six leads by hand, then the sample against plain pandas."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.indicator import Look
from alignment_toolkit.indicators.dropped_leads import dropped_leads
from alignment_toolkit.indicators.unanswered_signals import unanswered_signals
from alignment_toolkit.periods import Period
from alignment_toolkit.verdict import verdicts
from tests.builders import company_of
from tests.indicators.follow_ups import followed
from tests.indicators.guarding import fires, quiet
from tests.indicators.looks import KINDS, check, look_at

Q3 = Period.parse("2026-Q3")
MONDAY = pd.Timestamp("2026-07-06 09:00")
TOML = """[company]
currency = "EUR"
[calendar]
days = ["mon", "tue", "wed", "thu", "fri"]
from = "09:00"
to = "17:00"
"""


def after(hours: float) -> str:
    """Give the moment that many working hours after Monday 09:00 (eight a day, five days a week)."""
    days, rest = divmod(hours, 8)
    if hours and not rest:
        days, rest = days - 1, 8.0  # the end of a day rather than the start of the next
    weeks, weekday = divmod(int(days), 5)
    return str(MONDAY + timedelta(weeks=weeks, days=weekday, hours=rest))


def lead(name: str, at: str | None = None, **more: Any) -> dict[str, Any]:
    moment = at or str(MONDAY)
    return {"lead_id": name, "account_id": f"a-{name}", "created_at": moment, "qualified_at": moment, **more}


def touch(name: str, hours: float, **more: Any) -> dict[str, Any]:
    row = {
        "touch_id": f"t-{name}",
        "lead_id": name,
        "touched_at": after(hours),
        "department": "sales",
        "direction": "outbound",
    }
    return {**row, "channel": "phone", **more}


WAITS = {"l1": 1.0, "l2": 3.0, "l3": 8.0, "l4": 15.0, "l5": 40.0}
LEADS = [lead(f"l{i}") for i in range(1, 7)]
TOUCHES = [touch(name, hours) for name, hours in WAITS.items()]


def look(
    leads: list[dict[str, Any]] = LEADS,
    touches: list[dict[str, Any]] = TOUCHES,
    *,
    until: str = "2026-09-30",
    toml: str = TOML,
    options: dict[str, Any] | None = None,
) -> Look:
    company = company_of(
        {"leads": leads, "touches": touches},
        toml=toml,
        until={"touches": until, "leads": until},
        columns={"leads": ("qualified_at",), "touches": ("direction", "department", "lead_id")},
    )
    return dropped_leads.look(company, Q3, options=options)


def gap(found: Look) -> float | None:
    assert found.error is None
    assert found.seen is not None
    return found.seen.gap.estimate.value


def test_the_worked_example() -> None:
    found = look()
    assert gap(found) == pytest.approx(2 / 6)
    assert found.seen is not None
    rows = {r[0]: r for r in found.seen.evidence.rows}
    assert set(rows) == {"l5", "l6"}
    assert rows["l5"][2] == 40.0
    assert rows["l5"][3] is True  # answered later
    assert rows["l6"][3] is False
    assert found.short_of == {"leads": 44}


def test_the_time_limit_is_an_option() -> None:
    assert gap(look(options={"within_hours": 8})) == pytest.approx(3 / 6)
    assert gap(look(options={"within_hours": 40})) == pytest.approx(1 / 6)


def test_a_lead_of_friday_evening_is_not_late_on_tuesday() -> None:
    friday = lead("f", at="2026-07-10 18:30")
    answered = {**touch("f", 0), "touched_at": "2026-07-14 16:00"}  # 15 working hours
    late = {**touch("f", 0), "touched_at": "2026-07-15 09:30"}  # 16.5
    assert gap(look([friday], [answered])) == 0.0
    assert gap(look([friday], [late])) == 1.0
    holiday = TOML + "holidays = [2026-07-13]\n"
    assert gap(look([friday], [late], toml=holiday)) == 0.0


def test_a_lead_whose_time_had_not_run_out_is_censored_not_late() -> None:
    # Three answered after 1 hour, one after 10, one after 20; one of the last day waits for 7 hours, unanswered.
    hours = {"q1": 1.0, "q2": 1.0, "q3": 1.0, "q4": 10.0, "q5": 20.0}
    leads = [*(lead(name) for name in hours), lead("young", at="2026-09-30 10:00")]
    found = look(leads, [touch(name, h) for name, h in hours.items()])
    # Kaplan-Meier: 3/6 still wait after 1 hour, half of the two at risk after 10. (Late: 2/6; left out: 1/5.)
    assert gap(found) == pytest.approx(3 / 6 * 1 / 2)
    assert found.seen is not None
    assert [r[0] for r in found.seen.evidence.rows] == ["q5"]


def test_where_no_lead_is_old_enough_there_is_no_gap() -> None:
    leads = [lead(name, at="2026-09-30 10:00") for name in ("q1", "q2")]
    assert gap(look(leads, [touch("x", 1.0)])) is None


@pytest.mark.parametrize(
    "more",
    [{"automated": True}, {"direction": "inbound"}, {"department": "marketing"}],
    ids=["automated", "inbound", "marketing's"],
)
def test_what_is_no_personal_answer_of_sales(more: dict[str, Any]) -> None:
    touches = [t if t["lead_id"] != "l1" else {**t, **more} for t in TOUCHES]
    assert gap(look(touches=touches)) == pytest.approx(3 / 6)


def test_a_touch_before_the_hand_over_is_no_answer_and_the_first_after_counts() -> None:
    leads = [lead("l1", at="2026-07-07 09:00")]
    early = touch("l1", 1.0)  # the day before
    assert gap(look(leads, [early])) == 1.0
    assert gap(look(leads, [early, {**touch("l1", 9.0), "touch_id": "t2"}])) == 0.0


def test_a_touch_of_the_account_answers_where_it_names_no_lead() -> None:
    touches = [{**touch("l1", 1.0), "lead_id": None, "account_id": "a-l1"}]
    assert gap(look([lead("l1")], touches)) == 0.0
    assert gap(look([lead("l1")], [{**touches[0], "account_id": "another"}])) == 1.0


def test_only_leads_handed_over_in_the_period_count() -> None:
    others = [
        lead("before", at="2026-06-30 23:59"),
        lead("after", at="2026-10-01 00:00"),
        {**lead("never"), "qualified_at": None},
    ]
    found = look([*LEADS, *others], until="2026-12-31")
    assert found.seen is not None
    assert found.seen.gap.estimate.n == 6


def test_attempts_of_the_first_days_are_counted() -> None:
    """Five leads have a touch in 14 days, one of them two; one has none; a seventh is too young to tell."""
    young = lead("young", at="2026-09-20 10:00")
    more = [{**touch("l1", 20), "touch_id": "again"}, {**touch("l2", 90), "touch_id": "late"}]
    machine = {**touch("l3", 9), "touch_id": "machine", "automated": True}
    found = look([*LEADS, young], [*TOUCHES, *more, machine])
    assert found.seen is not None
    attempts = next(m for m in found.seen.measures if m.name == "attempts")
    assert (attempts.value, attempts.n) == (pytest.approx(6 / 6), 6)
    bare = [{**t, "lead_id": None, "account_id": f"a-{t['lead_id']}"} for t in TOUCHES]
    untold = look(LEADS, bare)
    assert untold.seen is not None
    assert "attempts" not in {m.name for m in untold.seen.measures}


def test_leads_worked_without_a_touch_fire_the_guard_on_logging() -> None:
    leads = [{**r, "accepted_at": "2026-07-07" if r["lead_id"] == "l6" else None} for r in LEADS]
    found = look(leads)
    assert found.seen is not None
    fires("dropped_leads", "logging", found.seen)
    told = look([{**r, "accepted_at": None} for r in LEADS])
    assert told.seen is not None
    quiet("dropped_leads", "logging", told.seen)


@pytest.mark.parametrize("part", ["_money", "_guards", "evidence", "_chart"])
def test_a_bug_in_any_part_is_this_indicators_error_alone(
    part: str, other: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert other.error is None

    def explode(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError(f"boom in {part}")

    monkeypatch.setattr(sys.modules[dropped_leads.function.__module__], part, explode)
    found = {f.indicator: f for f in verdicts([look(), other])}
    assert found["dropped_leads"].status == "error"
    assert found["dropped_leads"].message == f"ZeroDivisionError: boom in {part}"
    assert found["unanswered_signals"] == verdicts([other])[0]


@pytest.fixture(scope="module")
def other() -> Look:
    """Look at signs of clients, which must not notice."""
    sign = {"signal_id": "s", "account_id": "a", "signalled_at": str(MONDAY), "answered_at": after(2)}
    return unanswered_signals.look(company_of({"signals": [sign], "touches": TOUCHES}, toml=TOML), Q3)


def test_that_late_leads_did_better_is_told_and_nothing_is_at_stake() -> None:
    arpu = {"arpu": SimpleNamespace(value=100.0)}

    def found(late: int, in_time: int) -> Any:
        slow = {"touched_at": "2026-01-30 09:00"}
        tables = followed(100, wrong=slow, right={}, won=(late, in_time), lead={"marketing_score": 50})
        tables["leads"].append(lead("now"))
        tables["touches"].append(touch("now", 40.0))
        look = look_at(dropped_leads, tables, measured=arpu)
        assert look.seen is not None, look
        return look.seen

    better = found(40, 10)
    fires("dropped_leads", "other_way", better)
    by = 40 / 101 - 10 / 100  # the late lead of the period has become no client
    assert any(f"by {100 * by:.1f} percentage points (at least " in g.message for g in better.guards)
    assert better.money is None
    worse = found(10, 40)
    quiet("dropped_leads", "other_way", worse)
    assert worse.money is not None
    assert worse.money.value == pytest.approx(1 * (40 / 100 - 10 / 101) * 100)
    quiet("dropped_leads", "other_way", found(25, 24))


def test_late_leads_of_one_person_are_not_taken_for_late_leads() -> None:
    def found(people: list[str]) -> Any:
        slow = {"touched_at": "2026-01-30 09:00"}
        tables = followed(100, wrong=slow, right={}, won=(40, 10), lead={"marketing_score": 50})
        for i, r in enumerate(tables["leads"]):
            r["received_by"] = people[i * len(people) // 200]
        tables["leads"].append(lead("now") | {"received_by": people[0]})
        tables["touches"].append(touch("now", 40.0))
        look = look_at(dropped_leads, tables)
        assert look.seen is not None, look
        return look.seen

    alone = found(["Ann", "Ben"])
    fires("dropped_leads", "confounding", alone, "cannot be compared")
    quiet("dropped_leads", "other_way", alone)
    assert all(m.name != "lost_conversion" for m in alone.measures)
    # Of the first half of the late leads 40 became clients, of the second none, as few of those in time.
    apart = found(["Ann", "Ben", "Cem", "Dora"])
    fires("dropped_leads", "confounding", apart, "no more than may lie between the people")
    quiet("dropped_leads", "other_way", apart)
    both = found(["Ann"])
    quiet("dropped_leads", "confounding", both, "cannot be compared")
    quiet("dropped_leads", "confounding", both, "no more than may lie between")
    fires("dropped_leads", "other_way", both)


def test_the_line_of_the_chart_is_what_the_settings_tolerate() -> None:
    for options, line in (({}, 0.9), ({"margin": 0.25}, 0.75)):
        found = look(options=options)
        assert found.seen is not None
        assert found.seen.chart is not None
        assert found.seen.chart.reference == pytest.approx(line)


def test_nothing_handed_over_gives_no_gap_and_no_error() -> None:
    never = {**lead("x"), "qualified_at": None}
    early = [touch("x", 1.0, lead_id="x")]
    for leads, touches in (([never], early), ([lead("x", at="2026-01-07")], early)):
        found = look(leads, touches)
        assert gap(found) is None
        assert found.short_of == {"leads": 50}


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_say_little(kind: str) -> None:
    answered = [lead(f"m{i}", marketing_score=20.0 + i, campaign_id=f"k{i % 3}") for i in range(60)]
    touches = [touch(f"m{i}", 1.0 + i % 30, automated=i % 7 == 0) for i in range(0, 60, 2)]
    check(dropped_leads, {"leads": [*LEADS, *answered], "touches": [*TOUCHES, *touches]}, kind)


def test_without_touches_it_names_what_it_needs() -> None:
    assert any("touches" in m for m in dropped_leads.look(company_of({"leads": LEADS}), Q3).missing)


def test_on_the_sample_it_equals_plain_pandas(sample: Company, sample_dir: Path) -> None:
    """The calendar is counted hour by hour here, the censoring left out: the third quarter is long past."""
    leads = pd.read_csv(sample_dir / "leads.csv", dtype=str)
    touches = pd.read_csv(sample_dir / "touches.csv", dtype=str)
    leads["qualified_at"] = pd.to_datetime(leads.qualified_at)
    touches["touched_at"] = pd.to_datetime(touches.touched_at)
    early = leads[(leads.qualified_at >= "2026-07-01") & (leads.qualified_at < "2026-08-15")]
    own = touches[
        (touches.department == "sales") & (touches.direction == "outbound") & (touches.automated != "true")
    ]
    late = []
    for row in early.itertuples():
        named = own[own.lead_id == row.lead_id]
        loose = own[own.lead_id.isna()]
        contact = loose[loose.contact_id.notna() & (loose.contact_id == row.contact_id)]
        account = loose[
            (loose.account_id == row.account_id)
            & (loose.contact_id.isna() | (row.contact_id != row.contact_id))
        ]
        for found in (named, contact, account):
            times = found.touched_at[found.touched_at >= row.qualified_at]
            if len(times):
                late.append(_working(row.qualified_at, times.min(), sample) > 16)
                break
        else:
            late.append(True)
    seen = dropped_leads.look(sample, Period.parse("2026-07-01..2026-08-14")).seen
    assert seen is not None
    assert len(late) == seen.gap.estimate.n
    assert np.mean(late) == pytest.approx(seen.gap.estimate.value)


def _working(start: pd.Timestamp, end: pd.Timestamp, company: Company) -> float:
    calendar = company.calendar
    total = 0.0
    day = start.normalize()
    while day <= end:
        if day.weekday() in calendar.days and day.date() not in calendar.holidays:
            opens = day + pd.Timedelta(hours=calendar.opens.hour, minutes=calendar.opens.minute)
            closes = day + pd.Timedelta(hours=calendar.closes.hour, minutes=calendar.closes.minute)
            worked = min(end, closes) - max(start, opens)
            total += max(worked.total_seconds(), 0.0) / 3600
        day += pd.Timedelta(days=1)
    return total
