"""Are clients lifted onto the list? Six leads by hand, values read back, placebos, who and when, signs, guards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.indicator import Look, Observation
from alignment_toolkit.indicators.score_gaming import score_gaming
from alignment_toolkit.periods import Period
from tests.builders import company_of
from tests.indicators.degenerate import FRAMES, sound
from tests.indicators.guarding import fires, quiet
from tests.indicators.looks import KINDS

Q3 = Period.parse("2026-Q3")
LIST = {
    "list_id": "l1",
    "name": "Spring",
    "field": "leads.marketing_score",
    "threshold": 60.0,
    "freezes_on": "2026-05-01",
}


def lead(number: int, score: float, at: str = "2026-01-05") -> dict[str, Any]:
    return {
        "lead_id": f"L{number}",
        "account_id": f"a{number}",
        "created_at": at,
        "marketing_score": float(score),
    }


def edit(
    number: int, old: Any, new: Any, at: str = "2026-04-10", by: str = "sales", **more: Any
) -> dict[str, Any]:
    row = {
        "edit_id": f"e{number}-{old}-{new}-{at}-{by}",
        "edited_at": at,
        "entity": "lead",
        "entity_id": f"L{number}",
    }
    return (
        row
        | {"field": "marketing_score", "department": by, "old_value": str(old), "new_value": str(new)}
        | more
    )


def hand() -> dict[str, list[dict[str, Any]]]:
    scores = (61, 62, 70, 80, 52, 30)
    return {
        "lists": [LIST],
        "leads": [lead(i, s) for i, s in enumerate(scores)],
        "edits": [edit(0, 55, 61), edit(1, 58, 62), edit(4, 45, 52)],
    }


def look(tables: dict[str, list[dict[str, Any]]]) -> Look:
    columns = {"edits": ("department", "old_value", "new_value"), "lists": tuple(LIST)}
    return score_gaming.look(company_of(tables, columns=columns), Q3, first=Period.parse("2025").start)


def seen(tables: dict[str, list[dict[str, Any]]]) -> Observation:
    found = look(tables)
    assert found.error is None
    assert found.seen is not None
    return found.seen


def value(tables: dict[str, list[dict[str, Any]]]) -> float:
    found = seen(tables).gap.estimate.value
    assert found is not None
    return found


def test_the_worked_example() -> None:
    found = seen(hand())
    assert found.gap.estimate.value == pytest.approx(0.4375)
    assert found.counts == {"listed accounts": 4}
    assert look(hand()).short_of == {"listed accounts": 196}
    assert [r[0] for r in found.evidence.rows] == ["a0", "a1"]


@pytest.mark.parametrize(
    ("change", "lifted"),
    [
        ({"at": "2026-03-02 00:00:00"}, 1), ({"at": "2026-03-01 23:59:59"}, 0), ({"at": "2026-04-30 23:59:59"}, 1),
        ({"at": "2026-05-01 00:00:00"}, 0), ({"by": "marketing"}, 0), ({"field": "status"}, 0),
        ({"entity": "account"}, 0), ({"old": "n/a"}, 0), ({"old": 60}, 0), ({"new": 60}, 1), ({"new": 59.9}, 0),
    ],
)  # fmt: skip
def test_which_edits_lift(change: dict[str, Any], lifted: int) -> None:
    tables = hand()
    one = {"number": 0, "old": 55, "new": 61} | {
        k: v for k, v in change.items() if k in ("old", "new", "at", "by")
    }
    tables["edits"] = [edit(**one) | {k: v for k, v in change.items() if k in ("field", "entity")}]
    assert seen(tables).values["lifted"] == str(lifted)


def test_the_value_on_the_day_is_read_back_from_the_edits() -> None:
    tables = hand()
    tables["edits"] += [edit(0, 61, 55, "2026-06-01"), edit(5, 75, 30, "2026-06-02")]
    tables["leads"][0]["marketing_score"] = 55.0
    tables["leads"].append(lead(9, 90, at="2026-05-02"))  # came after the freeze
    found = seen(tables)
    assert found.counts == {"listed accounts": 5}  # 0 to 3, and 5, which fell later
    assert [r[-1] for r in found.evidence.rows] == ["put back", "stayed"]
    assert {m.name: m.value for m in found.measures}["put_back"] == pytest.approx(0.5)


def test_corrections_that_cross_all_thresholds_cancel() -> None:
    tables = hand()
    tables["leads"] = [lead(i, 70) for i in range(40)] + [lead(100 + i, 5 + i) for i in range(90)]
    tables["edits"] = [edit(100 + i, 5 + i, 8 + i) for i in range(90)]  # everybody three points up
    assert value(tables) == pytest.approx(0.0)
    assert seen(tables).gap.above(0.03) > 0.1


def test_machines_do_not_count_and_a_list_is_pooled_with_others() -> None:
    tables = hand()
    tables["edits"] = [dict(e, actor="robot") for e in tables["edits"]]
    assert value(tables) == pytest.approx(0.4375)
    tables["people"] = [{"person_id": "robot", "department": "sales", "kind": "system"}]
    assert value(tables) == 0.0
    tables = hand()
    tables["lists"] = [LIST, dict(LIST, list_id="l2", freezes_on="2026-09-01")]
    assert value(tables) == pytest.approx(2 / 8 - 1 / 4 / 8)


def test_a_list_on_assessments_takes_the_ratings_of_its_year() -> None:
    rows = [
        {
            "assessment_id": f"s{i}",
            "account_id": f"a{i}",
            "department": "sales",
            "assessed_at": at,
            "potential": 80.0,
        }
        for i, at in enumerate(("2026-04-01", "2025-06-01", "2025-03-01"))
    ]
    edits = [edit(0, 50, 80) | {"entity": "assessment", "entity_id": "s0", "field": "assessments.potential"}]
    found = seen({"lists": [dict(LIST, field="assessments.potential")], "assessments": rows, "edits": edits})
    assert found.counts == {"listed accounts": 2}
    assert found.values["lifted"] == "1"


def test_values_lifted_to_a_full_ten_are_told() -> None:
    tables = hand()
    tables["edits"] += [edit(3, 40, 60)]
    found = {m.name: (m.value, m.n) for m in seen(tables).measures}
    assert found["round_numbers"] == (pytest.approx(1 / 3), 3)


def lifted_by(who: list[str], at: list[str], placebo: bool = True) -> dict[str, list[dict[str, Any]]]:
    """Give a list of 300 accounts onto which each of `who` lifted one; others corrected twelve over placebos."""
    leads = [lead(i, 61) for i in range(300)] + [lead(400 + i, 10 * (1 + i % 2) + 31) for i in range(12)]
    edits = [edit(i, 55, 61, day, actor=name) for i, (name, day) in enumerate(zip(who, at, strict=True))]
    if placebo:  # each of six people over 40 once, and over 50 once
        low = [10 * (1 + i % 2) + 31 for i in range(12)]
        edits += [
            edit(400 + i, low[i] - 3, low[i], f"2026-04-{10 + i}", actor=f"q{i // 2}") for i in range(12)
        ]
    return {"lists": [LIST], "leads": leads, "edits": edits}


DAYS = [f"2026-04-{day:02d}" for day in range(1, 25)]


def test_whose_edits_lifted_counts_where_one_person_made_them_all() -> None:
    """24 of 300 accounts: of as many people, or of one in 24 acts, or of nobody on record on one day."""
    many = seen(lifted_by([f"p{i}" for i in range(24)], DAYS))
    assert many.gap.estimate.value == pytest.approx((24 - 12 / 4) / 300)
    assert many.gap.above(0.03) < 0.025
    quiet("score_gaming", "confounding", many, "one person's")
    quiet("score_gaming", "confounding", many, "happens to edit")
    alone = seen(lifted_by(["p"] * 24, DAYS, placebo=False))
    assert alone.gap.estimate.low == pytest.approx(-24 / 4 / 300)
    fires("score_gaming", "confounding", alone, "one person's")
    nobody = lifted_by(["p"] * 24, ["2026-04-20"] * 24, placebo=False)
    nobody["edits"] = [{k: v for k, v in e.items() if k != "actor"} for e in nobody["edits"]]
    fires("score_gaming", "confounding", seen(nobody), "of one day")
    apart = [dict(e, edited_at=day) for e, day in zip(nobody["edits"], DAYS, strict=True)]
    assert seen(nobody | {"edits": apart}).gap.above(0.03) < 0.025


def test_a_person_who_lifts_where_others_correct_evenly_is_found() -> None:
    """Two of eight people lift: where people's edits do not lie in one part of the scale, two are enough."""
    two = seen(lifted_by(["p", "q"] * 12, DAYS))
    assert two.gap.above(0.03) < 0.025


def test_where_each_person_corrects_one_part_of_the_scale_a_lifted_part_is_no_more() -> None:
    tables = lifted_by(["p"] * 24, DAYS)
    # Two others have twelve edits each, all over one placebo.
    for n, (name, low) in enumerate((("q", 39.0), ("r", 69.0))):
        tables["leads"] += [lead(1000 + 100 * n + i, low + 2) for i in range(12)]
        tables["edits"] += [edit(1000 + 100 * n + i, low, low + 2, DAYS[i], actor=name) for i in range(12)]
    found = seen(tables)
    fires("score_gaming", "confounding", found, "happens to edit")
    assert found.gap.estimate.low is not None
    assert found.gap.estimate.low < 0


def test_one_edit_that_brings_an_account_onto_two_lists_counts_once() -> None:
    tables = lifted_by([f"p{i}" for i in range(24)], DAYS)
    twice = tables | {"lists": [LIST, dict(LIST, list_id="l2")]}
    once, again = seen(tables).gap.estimate, seen(twice).gap.estimate
    assert (again.value, again.n) == (pytest.approx(once.value), 600)
    assert again.low is not None
    assert once.low is not None
    assert again.low <= once.low + 1e-9


def test_what_speaks_for_corrections_is_told() -> None:
    tables = hand()
    tables["edits"] = [dict(e, actor=f"p{i}") for i, e in enumerate(tables["edits"])]
    fires("score_gaming", "confounding", seen(tables), "the edits may have been corrections")
    quiet("score_gaming", "join_health", seen(tables))
    tables["edits"] += [edit(0, 61, 55, "2026-06-01")]
    quiet("score_gaming", "confounding", seen(tables))
    tables["edits"] += [edit(n, 55, 65, by="marketing") for n in (2, 3)]
    fires("score_gaming", "confounding", seen(tables), "everybody cleaned up")
    tables["lists"] = [*tables["lists"], dict(LIST, list_id="l3", field="accounts.size")]
    fires("score_gaming", "join_health", seen(tables))


def test_whether_lifted_accounts_do_worse_is_told() -> None:
    tables = hand()
    tables["orders"] = [{"order_id": "1", "ordered_at": "2026-06-01", "amount": 5.0, "account_id": "a2"}]
    company = company_of(tables, until={"orders": "2026-12-31"})
    found = score_gaming.look(company, Q3, first=Period.parse("2025").start).seen
    assert found is not None
    assert {m.name: m.value for m in found.measures}["outcome"] == pytest.approx(-50)


def received(lifted: dict[str, int], others: dict[str, int]) -> Observation:
    """Look at accounts, twenty of each person, of whom so many became clients; those of some people were lifted."""
    leads, edits, orders = [], [], []
    for number, (person, won) in enumerate([*lifted.items(), *others.items()]):
        for i in range(20):
            n = 20 * number + i
            leads.append(lead(n, 61) | {"received_by": person.rstrip("0123456789")})
            if number < len(lifted):
                edits.append(edit(n, 55, 61, f"2026-04-{1 + i:02d}", actor=f"p{n}"))
            if i < won:
                orders.append(
                    {"order_id": f"o{n}", "ordered_at": "2026-06-01", "amount": 5.0, "account_id": f"a{n}"}
                )
    tables = {"lists": [LIST], "leads": leads, "edits": edits, "orders": orders}
    company = company_of(tables, until={"orders": "2026-12-31"})
    found = score_gaming.look(company, Q3, first=Period.parse("2025").start).seen
    assert found is not None
    return found


def outcome(found: Observation) -> Any:
    return next((m for m in found.measures if m.name == "outcome"), None)


def test_what_became_of_lifted_accounts_is_compared_knowing_whose_they_are() -> None:
    told = received({"A": 1, "B": 1}, {"C": 10, "D": 10, "E": 10, "F": 10})
    assert outcome(told).value == pytest.approx(-45)
    assert outcome(told).high < 0
    quiet("score_gaming", "confounding", told, "no more than may lie between")
    quiet("score_gaming", "confounding", told, "cannot be compared")
    quiet("score_gaming", "confounding", told, "the edits may have been corrections")
    # As many clients, but two people made all of them.
    uneven = received({"A": 0, "B": 2}, {"C": 20, "D": 20, "E": 0, "F": 0})
    assert outcome(uneven).value == pytest.approx(-45)
    fires("score_gaming", "confounding", uneven, "no more than may lie between")
    fires("score_gaming", "confounding", uneven, "the edits may have been corrections")
    alone = received({"A": 0}, {"C": 10, "D": 10})
    fires("score_gaming", "confounding", alone, "cannot be compared")
    assert outcome(alone) is None


def test_lifted_accounts_are_compared_with_others_of_the_same_people() -> None:
    """Ann's: 2 of 20 lifted, 12 of 20 others; Ben's: 0 of 20 and 10 of 20: half fewer within each."""
    told = received({"A1": 2, "B1": 0}, {"A2": 12, "B2": 10})
    assert outcome(told).value == pytest.approx(-50)
    assert outcome(told).label.endswith("that the same people received")


def test_columns_that_are_missing_are_named() -> None:
    missing = score_gaming.look(company_of({"lists": [LIST]}), Q3).missing
    assert any(m.startswith("edits") for m in missing)


@pytest.mark.parametrize("frame", KINDS)
def test_whatever_the_data_the_finding_is_sound(frame: str) -> None:
    orders = [{"order_id": "1", "ordered_at": "2025-06-01", "amount": 5.0, "account_id": "a2"}]
    tables = FRAMES[frame](hand() | {"orders": orders})
    columns = {"edits": ("department", "old_value", "new_value"), "lists": tuple(LIST)}
    sound(score_gaming.look(company_of(tables, columns=columns), Q3, first=Period.parse("2025").start))


def test_a_part_names_the_fields_that_it_can_tell(tmp_path: Path) -> None:
    """Of a channel, leads' scores are told and opinions on accounts are not: a list that stands on them is left out."""
    opinions = {**LIST, "list_id": "l2", "field": "assessments.potential"}
    frames = {
        "lists": [LIST, opinions],
        "leads": [{**lead(n, 70), "channel": "email"} for n in range(3)],
        "assessments": [
            {"assessment_id": f"A{n}", "account_id": f"a{n}", "department": "sales", "potential": 70.0}
            | {"assessed_at": "2026-02-01"}
            for n in range(3)
        ],
        "edits": [edit(1, 55, 70)],
    }
    for name, rows in frames.items():
        pd.DataFrame(rows).to_parquet(tmp_path / f"{name}.parquet")
    company = Company.open(tmp_path)
    for part, listed, said in (
        (company, 6, []),
        (
            company.narrowed("channel", "email"),
            3,
            ["other fields than leads.marketing_score, and are left out: 1."],
        ),
    ):
        seen = score_gaming.look(part, Q3, first=pd.Timestamp("2026-01-01").date()).seen
        assert seen is not None
        assert seen.gap.estimate.n == listed
        told = [g.message for g in seen.guards if g.guard == "join_health"]
        assert [m.removeprefix("Lists that stand on ") for m in told] == said
