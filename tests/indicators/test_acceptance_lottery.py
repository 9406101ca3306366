"""Does acceptance depend on who receives the lead? Who counts, privacy, known spreads, what only routing makes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from alignment_toolkit.indicators.acceptance_lottery import _table, acceptance_lottery
from alignment_toolkit.statistics.inference import Gap
from alignment_toolkit.statistics.spread import Spread
from alignment_toolkit.verdict import verdicts
from tests.indicators.guarding import fires, quiet
from tests.indicators.looks import KINDS, check, look_at


def leads(chances: Any, each: int = 40, *, seed: int = 1, **more: Any) -> list[dict[str, Any]]:
    """Give leads of people who accept each with their own chance; `more` may be functions of person and number."""
    random = np.random.default_rng(seed)
    rows = []
    for p, chance in enumerate(chances):
        for i in range(each):
            said = {c: v(p, i) if callable(v) else v for c, v in more.items()}
            yes = random.random() < (chance(said) if callable(chance) else chance)
            rows.append({
                "lead_id": f"l{p}-{i}", "account_id": f"a{p}-{i}", "created_at": "2026-05-01",
                "qualified_at": "2026-05-02", "received_by": f"p{p:02}", "marketing_score": 50.0,
                "accepted_at": "2026-05-03" if yes else None, "rejected_at": None if yes else "2026-05-03", **said,
            })  # fmt: skip
    return rows


def seen(rows: list[dict[str, Any]], **more: Any) -> Any:
    found = look_at(acceptance_lottery, {"leads": rows, **more})
    assert found.error is None, found.error
    assert found.seen is not None
    return found.seen


def test_the_worked_example_by_hand_and_why_six_leads_are_too_few() -> None:
    rows = leads([1.0, 1.0], each=3)
    for row in rows[4:]:
        row["accepted_at"], row["rejected_at"] = None, "2026-05-03"
    shares = [np.mean([r["accepted_at"] is not None for r in rows[i : i + 3]]) for i in (0, 3)]
    assert shares == [1.0, pytest.approx(1 / 3)]
    assert np.std(shares, ddof=1) == pytest.approx(0.471, abs=1e-3)
    # Luck: four of six accepted, three leads each, two people.
    assert np.sqrt(2 / 3 * 1 / 3 / 3) == pytest.approx(0.272, abs=1e-3)
    found = look_at(acceptance_lottery, {"leads": rows})
    assert found.seen is not None
    assert found.seen.withheld == "People with at least 20 leads each: 0; people are compared from 5 on."


def test_where_people_do_not_differ_the_chart_shows_zeros_in_the_order_of_people() -> None:
    gap = Gap.none(n=6, n_unit="leads", unit="points", method="none")
    found = Spread(gap, ("a", "b", "c"), (2, 2, 2), (-1e-14, 3e-13, 0.0))
    rows = pd.DataFrame({"received_by": list("aabbcc"), "accepted": [1.0, 0.0] * 3})
    shown = _table(rows, found)
    assert shown.apart.tolist() == [0.0] * 3
    assert shown.received_by.tolist() == ["a", "b", "c"]


def test_with_fewer_than_five_people_nothing_is_shown() -> None:
    (finding,) = verdicts([look_at(acceptance_lottery, {"leads": leads([0.2, 0.4, 0.6, 0.8])})])
    assert finding.status == "withheld"
    assert finding.gap is None
    assert not finding.evidence.rows
    assert finding.chart is None
    five = look_at(acceptance_lottery, {"leads": leads([0.2, 0.4, 0.6, 0.8, 0.5])})
    assert five.short_of == {"people with enough leads": 3}


def test_a_spread_that_is_there_is_found_and_one_of_luck_is_not() -> None:
    chances = 0.6 + 0.15 * np.array([-1.5, -1, -0.5, 0, 0, 0.5, 1, 1.5, -1, 1])
    lottery = seen(leads(chances, each=100)).gap
    assert 9 < lottery.estimate.value < 22
    assert lottery.above(5.0) < 0.025
    fair = seen(leads([0.6] * 10, each=100)).gap
    assert fair.estimate.value < 5
    assert fair.above(5.0) > 0.2


@pytest.mark.slow
def test_what_only_the_mix_of_leads_makes_is_no_lottery() -> None:
    """Everybody accepts good leads nine times in ten and poor ones three; half of the people get mostly good ones."""
    score = {"marketing_score": lambda p, i: 90.0 if (i % 10 < (8 if p % 2 else 2)) else 10.0}
    rule = [lambda lead: 0.9 if lead["marketing_score"] > 50 else 0.3] * 10
    found = seen(leads(rule, each=100, **score))
    plain = next(m for m in found.measures if m.name == "unadjusted")
    assert plain.value > 12
    assert found.gap.estimate.value < 6
    fires("acceptance_lottery", "simpson", found)
    quiet("acceptance_lottery", "simpson", seen(leads([0.6] * 10, each=100)))


def test_routing_by_segment_is_told() -> None:
    rows = leads([0.6] * 8, each=40)
    for routed in (True, False):
        accounts = [
            {"account_id": r["account_id"], "segment": f"s{int(r['received_by'][1:]) if routed else i % 8}"}
            for i, r in enumerate(rows)
        ]
        found = seen(rows, accounts=accounts)
        if routed:
            fires("acceptance_lottery", "confounding", found)
        else:
            quiet("acceptance_lottery", "confounding", found)


def test_who_and_what_counts() -> None:
    rows = leads([0.6] * 8, each=20)
    others = [
        {**rows[0], "lead_id": "undecided", "accepted_at": None, "rejected_at": None},
        {**rows[0], "lead_id": "old", "qualified_at": "2025-09-30"},
        {**rows[0], "lead_id": "nobody", "received_by": None},
        *({**rows[0], "lead_id": f"few{i}", "received_by": "few"} for i in range(19)),
        *({**rows[0], "lead_id": f"m{i}", "received_by": "machine"} for i in range(30)),
    ]
    people = [{"person_id": "machine", "department": "sales", "kind": "system"}]
    found = seen([*rows, *others], people=people)
    assert (found.gap.estimate.n, found.counts) == (160, {"people with enough leads": 8})
    assert {r[0] for r in found.evidence.rows} == {f"p{p:02}" for p in range(8)}


def test_people_are_pseudonyms() -> None:
    look = look_at(acceptance_lottery, {"leads": leads([0.6] * 8)})
    assert look.seen is not None
    assert next(c.role for c in look.seen.evidence.columns) == "person"
    assert look.seen.chart is not None
    assert look.seen.chart.x == "received_by"  # the evidence's column, so that the chart hides it alike


def test_what_is_missing_is_named() -> None:
    bare = [{k: v for k, v in r.items() if k != "accepted_at"} for r in leads([0.5])]
    assert look_at(acceptance_lottery, {"leads": bare}).missing == ("leads.accepted_at",)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_say_little(kind: str) -> None:
    check(acceptance_lottery, {"leads": leads([0.6] * 8, each=20, channel="event", campaign_id="k")}, kind)
