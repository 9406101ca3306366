"""Until when a table counts, by the settings: what came later is no silence and no first answer."""

from __future__ import annotations

from typing import Any

import pytest

from alignment_toolkit.indicators.channel_mismatch import channel_mismatch
from alignment_toolkit.indicators.dropped_leads import dropped_leads
from alignment_toolkit.indicators.missed_decision_makers import missed_decision_makers
from tests.indicators.looks import look_at


def said(table: str, day: str) -> dict[str, Any]:
    """Say how far a table is complete as the settings do, and as the company then knows it."""
    toml = f'[company]\ncurrency = "EUR"\n[tables.{table}]\ncomplete_until = {day}\n'
    return {"toml": toml, "until": {table: day}}


def lead(id: str, on: str) -> dict[str, Any]:
    return {
        "lead_id": id, "account_id": id, "contact_id": id, "created_at": on, "qualified_at": f"{on} 08:00",
        "received_by": "p", "status": "open",
    }  # fmt: skip


def answer(id: str, at: str, channel: str = "phone", number: int = 0) -> dict[str, Any]:
    return {
        "touch_id": f"{id}{number}", "lead_id": id, "touched_at": at, "department": "sales", "direction": "outbound",
        "channel": channel, "automated": False,
    }  # fmt: skip


def follow_ups(*rows: tuple[str, str]) -> dict[str, list[dict[str, Any]]]:
    """Give leads that asked for e-mail, each with the day of the hand-over and of its first answer, by phone."""
    return {
        "leads": [lead(f"l{i}", on) for i, (on, _) in enumerate(rows)],
        "contacts": [{"contact_id": f"l{i}", "preferred_channel": "email"} for i in range(len(rows))],
        "touches": [answer(f"l{i}", f"{at} 10:00") for i, (_, at) in enumerate(rows)],
    }


# Handed over before the day, on it, and after it; the second is answered after it.
ROWS = (("2026-07-06", "2026-07-07"), ("2026-07-10", "2026-07-12"), ("2026-07-20", "2026-07-21"))


@pytest.mark.parametrize(
    ("day", "n"),
    [("2026-12-31", 3), ("2026-07-21", 3), ("2026-07-20", 2), ("2026-07-12", 2), ("2026-07-11", 1), ("2026-07-06", 0)],
)  # fmt: skip
def test_a_first_answer_counts_where_touches_are_complete(day: str, n: int) -> None:
    found = look_at(channel_mismatch, follow_ups(*ROWS), **said("touches", day))
    assert found.seen is not None, found
    assert found.seen.gap.estimate.n == n


def test_leads_without_an_answer_on_record_are_not_dropped_after_the_last_complete_day() -> None:
    tables = follow_ups(*ROWS)
    tables["touches"] = tables["touches"][:1]
    found = look_at(dropped_leads, tables, **said("touches", "2026-07-09"))
    assert found.seen is not None
    assert found.seen.gap.estimate.n == 1, (
        "the other two were handed over when touches were no longer written down"
    )
    assert found.seen.gap.estimate.value == 0


def test_deals_opened_after_the_last_complete_touch_do_not_miss_anybody() -> None:
    deals = [
        {"opportunity_id": f"o{i}", "account_id": "a", "opened_at": on}
        for i, on in enumerate(("2026-07-10", "2026-08-20"))
    ]
    contacts = [
        {"contact_id": c, "account_id": "a", "role": r, "known_on": "2026-01-01"}
        for c, r in (("d", "decision_maker"), ("u", "user"))
    ]
    touches = [
        {"touch_id": f"t{i}", "contact_id": "u", "touched_at": on, "department": "marketing"}
        for i, on in enumerate(("2026-06-01", "2026-06-10", "2026-06-20"))
    ]
    tables = {"opportunities": deals, "contacts": contacts, "touches": touches}
    for day, n in (("2026-12-31", 2), ("2026-08-19", 1)):
        found = look_at(missed_decision_makers, tables, until={"touches": day})
        assert found.seen is not None, found
        assert (found.seen.gap.estimate.value, found.seen.gap.estimate.n) == (1.0, n)


def test_of_several_answers_at_one_moment_none_is_the_first() -> None:
    tables = follow_ups(ROWS[0], ROWS[1])
    tables["touches"] += [
        answer("l0", "2026-07-07 10:00", "email", 1),
        answer("l1", "2026-07-12 10:00", "phone", 1),
    ]
    found = look_at(channel_mismatch, tables)
    assert found.seen is not None
    assert (found.seen.gap.estimate.value, found.seen.gap.estimate.n) == (1.0, 1), (
        "both answers to l1 were by phone"
    )
