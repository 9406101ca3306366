"""Are leads followed up as they asked? Six leads by hand, each source of the wish alone, then plain pandas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.indicators.channel_mismatch import channel_mismatch
from alignment_toolkit.periods import Period
from tests.indicators.follow_ups import followed
from tests.indicators.guarding import fires, quiet
from tests.indicators.looks import KINDS, check, look_at

# The contact's preference, the campaign's follow-up channel, how the person answered, what came.
WISHES = [
    ("email", None, "phone", "email"),
    ("phone", "email", None, "phone"),
    (None, "phone", "email", "email"),
    (None, None, "chat", "phone"),
    (None, None, "email", "email"),
    (None, None, None, "phone"),
]
CONTACTS = [
    {"contact_id": f"c{i}", "account_id": f"a{i}", "preferred_channel": w[0]} for i, w in enumerate(WISHES)
]
CAMPAIGNS = [{"campaign_id": f"k{i}", "follow_up_channel": w[1]} for i, w in enumerate(WISHES)]
LEADS: list[dict[str, Any]] = [
    {
        "lead_id": f"l{i}", "account_id": f"a{i}", "created_at": "2026-07-05", "qualified_at": "2026-07-06 10:00",
        "contact_id": f"c{i}", "campaign_id": f"k{i}", "response_channel": w[2], "channel": "paid_search",
        "marketing_score": 50,
    }
    for i, w in enumerate(WISHES)
]  # fmt: skip
TOUCHES: list[dict[str, Any]] = [
    {
        "touch_id": f"t{i}", "lead_id": f"l{i}", "touched_at": "2026-07-07 10:00", "department": "sales",
        "direction": "outbound", "channel": w[3], "automated": False,
    }
    for i, w in enumerate(WISHES)
]  # fmt: skip
TABLES = {"leads": LEADS, "contacts": CONTACTS, "campaigns": CAMPAIGNS, "touches": TOUCHES}


def seen(tables: Any, **more: Any) -> Any:
    found = look_at(channel_mismatch, tables, **more)
    assert found.error is None, found.error
    assert found.seen is not None
    return found.seen


def test_the_worked_example() -> None:
    found = seen(TABLES)
    assert (found.gap.estimate.value, found.gap.estimate.n) == (pytest.approx(2 / 5), 5)
    rows = {r[0]: r[2:] for r in found.evidence.rows}
    assert rows == {
        "l2": ("phone", "the campaign's follow-up channel", "email"),
        "l3": ("chat", "the way in which the person answered", "phone"),
    }
    by = {m.name: (m.value, m.n) for m in found.measures}
    assert by == {
        "against_contact": (0.0, 2),
        "against_campaign": (1.0, 1),
        "against_response": (0.5, 2),
        "phoned_instead": (0.0, 2),
    }


@pytest.mark.parametrize(
    ("kept", "value", "n"),
    [
        # Wishes by contact alone: email met, phone met.
        ({"contacts"}, 0.0, 2),
        # By campaign alone: email asked and phone came; phone asked and email came.
        ({"campaigns"}, 1.0, 2),
        # By response alone: phone and email came; email met; chat and phone came; email met.
        ({"response"}, 0.5, 4),
    ],
)
def test_one_source_of_wishes_is_enough(kept: set[str], value: float, n: int) -> None:
    tables = {t: rows for t, rows in TABLES.items() if t in kept or t in ("leads", "touches")}
    if "response" not in kept:
        tables["leads"] = [{k: v for k, v in r.items() if k != "response_channel"} for r in LEADS]
    e = seen(tables).gap.estimate
    assert (e.value, e.n) == (value, n)


def test_where_nothing_says_what_was_asked_for_it_is_named() -> None:
    bare = [{k: v for k, v in r.items() if k != "response_channel"} for r in LEADS]
    assert look_at(channel_mismatch, {"leads": bare, "touches": TOUCHES}).missing == (
        "leads.response_channel",
    )
    no_channel = [{k: v for k, v in r.items() if k != "channel"} for r in TOUCHES]
    assert look_at(channel_mismatch, {**TABLES, "touches": no_channel}).missing == ("touches.channel",)


def test_follow_ups_without_a_channel_are_left_out_and_told() -> None:
    bare = [{**t, "channel": None} if t["touch_id"] == "t4" else t for t in TOUCHES]
    fires("channel_mismatch", "join_health", seen({**TABLES, "touches": bare}))
    quiet("channel_mismatch", "join_health", seen(TABLES))


def test_few_clients_are_not_compared() -> None:
    mail, call = {"channel": "email"}, {"channel": "phone"}
    few = followed(20, wrong=call, right=mail, won=(1, 2), lead={"response_channel": "email"})
    fires("channel_mismatch", "small_cells", seen(few))


def test_two_campaigns_or_contacts_of_one_name_do_not_multiply_leads() -> None:
    double = [
        *TOUCHES,
        *({**t, "touch_id": f"x{t['touch_id']}", "touched_at": "2026-07-08"} for t in TOUCHES),
    ]
    assert seen({**TABLES, "touches": double}).gap.estimate == seen(TABLES).gap.estimate


def test_better_leads_that_are_phoned_do_not_make_the_phone_look_good() -> None:
    """Half of the good leads convert and a fiftieth of the poor, however they are followed up; good ones are phoned."""
    mail, call = {"channel": "email"}, {"channel": "phone"}
    parts: dict[str, list[dict[str, Any]]] = {"leads": [], "touches": [], "opportunities": []}
    for start, count, used, won, score in (
        (0, 150, (call, call), (75, 75), 90),
        (1000, 50, (mail, mail), (25, 25), 90),
        (2000, 50, (call, call), (1, 1), 10),
        (3000, 150, (mail, mail), (3, 3), 10),
    ):
        lead = {"response_channel": "email", "marketing_score": score}
        made = followed(count, wrong=used[0], right=used[1], won=won, start=start, lead=lead)
        for table, rows in made.items():
            parts[table] += rows
    found = seen(parts)
    fires("conversion", "simpson", found)
    quiet("channel_mismatch", "small_cells", found)
    lost = next(m for m in found.measures if m.name == "lost_conversion")
    assert lost.value == pytest.approx(0.0, abs=1e-9)
    assert found.money is None


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_say_little(kind: str) -> None:
    check(channel_mismatch, TABLES, kind)


def test_on_the_sample_it_equals_plain_pandas(sample: Company, sample_dir: Path) -> None:
    company = sample
    first = company.fetch(company.relation("first_touches"))
    first = first[(first.qualified_at >= "2026-07-01") & (first.qualified_at < "2026-10-01")]
    contacts = pd.read_csv(sample_dir / "contacts.csv", dtype=str).set_index("contact_id").preferred_channel
    campaigns = (
        pd.read_csv(sample_dir / "campaigns.csv", dtype=str).set_index("campaign_id").follow_up_channel
    )
    differ = []
    for row in first[first.touch_channel.notna()].itertuples():
        wishes = [contacts.get(row.contact_id), campaigns.get(row.campaign_id), row.response_channel]
        said = [w for w in wishes if isinstance(w, str)]
        if said:
            differ.append(said[0] != row.touch_channel)
    found = channel_mismatch.look(company, Period.parse("2026-Q3")).seen
    assert found is not None
    assert found.gap.estimate.n == len(differ)
    assert found.gap.estimate.value == pytest.approx(np.mean(differ))
