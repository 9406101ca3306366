"""Does the follow-up carry the campaign's message? Six leads by hand, guards, then plain pandas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.indicators.message_mismatch import message_mismatch
from alignment_toolkit.periods import Period
from tests.indicators.follow_ups import followed, together
from tests.indicators.guarding import fires, quiet
from tests.indicators.looks import KINDS, check, look_at

SAID = [
    ("speed", "speed"),
    ("speed", "speed"),
    ("speed", "speed"),
    ("speed", "service"),
    ("service", "service"),
    ("service", "speed"),
]
CAMPAIGNS = [
    {"campaign_id": "speed", "theme": "speed", "product_id": "p", "starts_on": "2026-06-01"},
    {"campaign_id": "service", "theme": "service", "product_id": "p", "starts_on": "2026-07-01"},
]
LEADS: list[dict[str, Any]] = [
    {
        "lead_id": f"l{i}", "account_id": f"a{i}", "created_at": "2026-07-05", "qualified_at": "2026-07-06 10:00",
        "campaign_id": theme, "need": "speed", "marketing_score": 50,
    }
    for i, (theme, _) in enumerate(SAID)
]  # fmt: skip
TOUCHES: list[dict[str, Any]] = [
    {
        "touch_id": f"t{i}", "lead_id": f"l{i}", "touched_at": "2026-07-07 10:00", "department": "sales",
        "direction": "outbound", "theme": said, "automated": False,
    }
    for i, (_, said) in enumerate(SAID)
]  # fmt: skip
CAMP = {"campaign_id": "speed"}
TABLES = {"leads": LEADS, "campaigns": CAMPAIGNS, "touches": TOUCHES}


def seen(tables: Any, **more: Any) -> Any:
    found = look_at(message_mismatch, tables, **more)
    assert found.error is None, found.error
    assert found.seen is not None
    return found.seen


def measure(found: Any, name: str) -> Any:
    return next(m.value for m in found.measures if m.name == name)


def test_the_worked_example() -> None:
    found = seen(TABLES)
    assert found.gap.estimate.value == pytest.approx(2 / 6)
    assert {r[0] for r in found.evidence.rows} == {"l3", "l5"}
    assert found.chart.title == "4 of 6 first follow-ups take up the campaign's message"
    # Lead 5 needs speed and hears of it; lead 3 hears of the service campaign, which is newer.
    assert (measure(found, "own_need"), measure(found, "newer_material")) == (0.5, 0.5)


def test_what_is_no_first_follow_up() -> None:
    other = {**TOUCHES[0], "theme": "service"}
    more = [
        {**other, "touch_id": "x1", "touched_at": "2026-07-06 09:00"},  # before the hand-over
        {**other, "touch_id": "x2", "touched_at": "2026-07-06 12:00", "automated": True},
        {**other, "touch_id": "x3", "touched_at": "2026-07-06 12:00", "direction": "inbound"},
        {**other, "touch_id": "x4", "touched_at": "2026-07-06 12:00", "department": "marketing"},
        {**other, "touch_id": "x5", "touched_at": "2026-07-08 12:00"},  # the second one
    ]
    assert seen({**TABLES, "touches": [*TOUCHES, *more]}).gap.estimate.value == pytest.approx(2 / 6)
    first = {**other, "touch_id": "x6", "touched_at": "2026-07-06 12:00"}
    found = seen({**TABLES, "touches": [*TOUCHES, first]})
    assert (found.gap.estimate.value, found.gap.estimate.n) == (pytest.approx(3 / 6), 6)


def test_follow_ups_without_a_theme_are_left_out_and_told() -> None:
    found = seen(
        {
            **TABLES,
            "touches": [{**t, "theme": None if t["touch_id"] == "t5" else t["theme"]} for t in TOUCHES],
        }
    )
    assert (found.gap.estimate.value, found.gap.estimate.n) == (pytest.approx(1 / 5), 5)
    fires("message_mismatch", "join_health", found)
    quiet("message_mismatch", "join_health", seen(TABLES))
    fires("parts", "join_health", found, "the finding speaks of the rest only.")
    quiet("parts", "join_health", seen(TABLES))


def old(count: int, won: tuple[int, int], **more: Any) -> dict[str, list[dict[str, Any]]]:
    lead = {"campaign_id": "speed", "marketing_score": 50, **more.pop("lead", {})}
    return followed(count, wrong={"theme": "service"}, right={"theme": "speed"}, won=won, lead=lead, **more)


def test_what_became_of_them_is_compared() -> None:
    found = seen({**together(old(200, (20, 60))), "campaigns": CAMPAIGNS})
    assert measure(found, "lost_conversion") == pytest.approx(100 * (60 / 200 - 20 / 200))
    # Three times as often: no weak hidden cause explains that.
    quiet("conversion", "confounding", found, "hidden cause")
    quiet("conversion", "simpson", found)
    quiet("conversion", "small_cells", found)
    quiet("message_mismatch", "small_cells", found)
    weak = seen({**together(old(800, (240, 300))), "campaigns": CAMPAIGNS})
    fires("conversion", "confounding", weak, "hidden cause")


def test_that_another_message_did_better_is_told() -> None:
    found = seen({**together(old(200, (60, 20))), "campaigns": CAMPAIGNS})
    fires("conversion", "other_way", found)
    fires("parts", "other_way", found)
    (told,) = [g.message for g in found.guards if g.guard == "other_way"]
    assert told.startswith(
        "Leads followed up with another message became clients more often than leads followed up with the campaign's "
        "message, of the same campaign and like scores, by 20.0 percentage points (at least "
    )
    assert found.money is None
    for won in ((20, 60), (40, 42), (42, 40)):  # as many, but for luck
        found = seen({**together(old(200, won)), "campaigns": CAMPAIGNS})
        quiet("conversion", "other_way", found)
        quiet("parts", "other_way", found)


def by_people(wrong: dict[str, int], right: dict[str, int]) -> Any:
    """Give what is seen where each person has 200 leads on a side, and so many of them became clients."""
    names = sorted({*wrong, *right})
    made = []
    for i, name in enumerate(names):
        part = old(200, (wrong.get(name, 0), right.get(name, 0)), start=1000 * i, lead={"received_by": name})
        sides = [side for side, of in (("w", wrong), ("r", right)) if name in of]
        made.append({
            t: [r for r in rows if r["lead_id"][0] in sides] for t, rows in part.items()
        })  # fmt: skip
    return seen({**together(*made), "campaigns": CAMPAIGNS})


def test_a_difference_between_people_is_not_taken_for_one_between_messages() -> None:
    apart = by_people({"Ann": 120, "Ben": 40, "Cem": 20}, {"Dora": 30, "Eva": 30, "Fay": 30})
    fires("conversion", "confounding", apart, "no more than may lie between")
    fires("parts", "confounding", apart, "no more than may lie between")
    (told,) = [g.message for g in apart.guards if "may lie between" in g.message]
    assert told == (
        "In becoming a client, leads followed up with another message and leads followed up with the campaign's "
        "message differ by 15.0 percentage points: no more than may lie between the people who had them."
    )
    lost = next(m for m in apart.measures if m.name == "lost_conversion")
    assert lost.value == pytest.approx(-15.0)
    assert lost.low < 0 < lost.high
    quiet("conversion", "other_way", apart)
    quiet("parts", "other_way", apart)
    alone = by_people({"Ann": 120}, {"Dora": 30, "Eva": 30, "Fay": 30})
    fires("parts", "confounding", alone, "cannot be compared: the comparison rests on a single person")
    assert all(m.name != "lost_conversion" for m in alone.measures)
    quiet("parts", "other_way", alone)


def test_people_who_sent_both_messages_are_compared_with_themselves() -> None:
    both = by_people({"Ann": 80, "Ben": 40}, {"Ann": 40, "Ben": 20})
    quiet("conversion", "confounding", both, "no more than may lie between")
    quiet("conversion", "confounding", both, "cannot be compared")
    quiet("parts", "confounding", both)
    fires("conversion", "other_way", both)
    (told,) = [g.message for g in both.guards if g.guard == "other_way"]
    assert "of the same people, campaign and like scores, by 15.0 percentage points" in told


def test_few_clients_are_not_compared() -> None:
    found = seen({**together(old(20, (1, 2))), "campaigns": CAMPAIGNS})
    fires("conversion", "small_cells", found)
    fires("message_mismatch", "small_cells", found)
    assert all(m.name != "lost_conversion" for m in found.measures)


def test_that_few_are_pointed_at_because_little_went_wrong_is_no_warning() -> None:
    wrong, right = {"theme": "service"}, {"theme": "speed"}
    lead = CAMP | {"marketing_score": 50}
    few = followed(10, wrong=wrong, right=right, won=(1, 2), lead=lead)
    more = followed(90, wrong=right, right=right, won=(20, 20), lead=lead, start=1000)
    found = seen({**together(few, more), "campaigns": CAMPAIGNS})
    assert all(m.name != "lost_conversion" for m in found.measures)
    assert not found.guards


def test_a_difference_that_only_the_mix_makes_is_told() -> None:
    """Within good and within poor leads both kinds fare alike; the good ones hear more often what was promised."""
    good, poor = CAMP | {"marketing_score": 90}, CAMP | {"marketing_score": 10}
    same, other = {"theme": "speed"}, {"theme": "service"}
    parts = [
        followed(300, wrong=same, right=same, won=(150, 150), lead=good),
        followed(50, wrong=other, right=same, won=(25, 25), lead=good, start=1000),
        followed(50, wrong=other, right=same, won=(2, 2), lead=poor, start=2000),
        followed(300, wrong=other, right=other, won=(12, 12), lead=poor, start=3000),
    ]
    found = seen({**together(*parts), "campaigns": CAMPAIGNS})
    fires("conversion", "simpson", found)
    assert abs(measure(found, "lost_conversion")) < 1.0


def test_what_is_missing_is_named() -> None:
    bare = [{k: v for k, v in r.items() if k != "theme"} for r in TOUCHES]
    assert look_at(message_mismatch, {**TABLES, "touches": bare}).missing == ("touches.theme",)
    assert "touches.touched_at" in look_at(message_mismatch, {"leads": LEADS, "campaigns": CAMPAIGNS}).missing


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_say_little(kind: str) -> None:
    check(message_mismatch, {**TABLES, "opportunities": old(1, (1, 1))["opportunities"]}, kind)


@pytest.mark.slow
def test_on_the_sample_it_equals_plain_pandas(sample: Company, sample_dir: Path) -> None:
    leads, campaigns, touches = (
        pd.read_csv(sample_dir / f"{t}.csv", dtype=str) for t in ("leads", "campaigns", "touches")
    )
    leads = leads[(leads.qualified_at >= "2026-07-01") & (leads.qualified_at < "2026-10-01")]
    leads = leads.merge(campaigns[["campaign_id", "theme"]], on="campaign_id")
    own = touches[
        (touches.department == "sales") & (touches.direction == "outbound") & (touches.automated != "true")
    ]
    differ = []
    for row in leads.itertuples():
        loose = own.lead_id.isna()
        near = own[
            (own.lead_id == row.lead_id)
            | (loose & own.contact_id.notna() & (own.contact_id == row.contact_id))
            | (loose & (own.account_id == row.account_id) & (own.contact_id.isna() | pd.isna(row.contact_id)))
        ]
        near = near[near.touched_at >= row.qualified_at].sort_values(["touched_at", "touch_id"])
        if len(near) and isinstance(near.theme.iloc[0], str) and isinstance(row.theme, str):
            differ.append(near.theme.iloc[0] != row.theme)
    found = message_mismatch.look(sample, Period.parse("2026-Q3")).seen
    assert found is not None
    assert found.gap.estimate.n == len(differ)
    assert found.gap.estimate.value == pytest.approx(np.mean(differ))
