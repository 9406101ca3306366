"""Do salespeople differ? Six deals by hand, statsmodels' mixed model on made-up deals, guards, privacy."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from alignment_toolkit.indicator import Look, Observation
from alignment_toolkit.indicators.price_selling import price_selling
from alignment_toolkit.periods import Period
from alignment_toolkit.verdict import verdicts
from tests.builders import company_of
from tests.indicators.degenerate import FRAMES, sound
from tests.indicators.guarding import fires, quiet
from tests.indicators.looks import KINDS

Q3 = Period.parse("2026-Q3")
HAND = {"Ada": (4, 6), "Ben": (9, 11), "Cleo": (14, 16)}


def deal(owner: str, discount: float, number: int, **more: Any) -> dict[str, Any]:
    row = {
        "opportunity_id": f"o{number}", "opened_at": "2026-01-01", "closed_at": "2026-03-02", "outcome": "won",
        "owner": owner, "list_amount": 1000.0,
    }  # fmt: skip
    row |= more
    return row | {"amount": round(float(row["list_amount"]) * (1 - discount / 100), 4)}


def hand() -> list[dict[str, Any]]:
    return [deal(p, d, 10 * i + j) for i, p in enumerate(HAND) for j, d in enumerate(HAND[p])]


def deals(sd: float, people: int = 12, each: int = 15, seed: int = 1, **more: Any) -> list[dict[str, Any]]:
    r = np.random.default_rng(seed)
    habits = r.normal(0, sd, people)
    rows = []
    for person in range(people):
        for _ in range(each):
            product, size = int(r.integers(0, 4)), float(r.lognormal(8, 0.5))
            d = 12 + habits[person] + product + 0.8 * np.log(size) + r.normal(0, 3)
            rows.append(
                deal(f"s{person:02d}", d, len(rows), product_id=f"p{product}", list_amount=round(size, 2),
                     closed_at=f"2026-{1 + len(rows) % 9:02d}-03", **more)
            )  # fmt: skip
    return rows


def look(rows: list[dict[str, Any]], **tables: list[dict[str, Any]]) -> Look:
    return price_selling.look(company_of({"opportunities": rows, **tables}), Q3)


def seen(rows: list[dict[str, Any]], **tables: list[dict[str, Any]]) -> Observation:
    found = look(rows, **tables)
    assert found.error is None
    assert found.seen is not None
    return found.seen


def test_the_worked_example() -> None:
    found = seen(hand())
    assert found.gap.estimate.value == pytest.approx(24**0.5, rel=1e-4)
    assert look(hand()).short_of == {"people with at least 10 deals": 8}
    assert found.withheld is not None  # three people
    assert found.counts == {"people with at least 10 deals": 0}


def test_it_is_statsmodels_mixed_model() -> None:
    rows = deals(2.5)
    frame = pd.DataFrame(rows)
    frame = frame.assign(d=100 * (1 - frame.amount / frame.list_amount), size=np.log(frame.list_amount))
    frame["month"] = frame.closed_at.str[:7]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = smf.mixedlm("d ~ product_id + size + C(month)", frame, groups="owner").fit(reml=True)
    e = seen(rows).gap.estimate
    assert e.n == len(rows)
    assert e.value == pytest.approx(np.sqrt(model.cov_re.iloc[0, 0]), rel=2e-3)


def test_one_habit_for_all_is_no_habit_of_anybody() -> None:
    assert seen(deals(0.0)).gap.above(2.0) > 0.5
    assert seen(deals(6.0)).gap.above(2.0) < 0.001


def test_only_deals_won_in_the_last_twelve_months_by_people_count() -> None:
    rows = deals(1.0)
    n = len(rows)
    more = [
        deal("s00", 90, n, outcome="lost"), deal("s00", 90, n + 1, closed_at="2025-09-30"),
        deal("s00", 90, n + 2, closed_at="2026-10-01"), deal("robot", 90, n + 3),
        deal("s01", 90, n + 4, list_amount=0.0),
    ]  # fmt: skip
    people = [{"person_id": "robot", "department": "sales", "kind": "system"}]
    first, second = seen(rows).gap.estimate, seen(rows + more, people=people).gap.estimate
    assert second.n == first.n
    assert second.value == pytest.approx(first.value)


def test_money_is_what_is_given_beyond_the_usual() -> None:
    found = seen(deals(4.0))
    assert found.money is not None
    assert found.money.basis.startswith("associational")
    assert found.money.low is not None
    assert found.money.high is not None
    assert 0 < found.money.low < float(found.money.value or 0) < found.money.high
    given = {r["owner"]: r["difference"] for r in found.evidence.records()}
    frame = pd.DataFrame(deals(4.0))
    by_hand = sum(max(given[o], 0) * v / 100 for o, v in zip(frame.owner, frame.list_amount, strict=True))
    assert found.money.value == pytest.approx(by_hand)
    assert seen([deal(f"s{i % 6}", 5, i) for i in range(60)]).money is None


def test_different_clients_are_told_from_different_habits() -> None:
    rows = deals(0.0)
    for row in rows:  # each person serves one segment, and segments differ
        group = int(row["owner"][1:]) % 4
        row |= {"account_id": f"a{group}", "amount": round(row["list_amount"] * (0.9 - 0.08 * group), 4)}
    r = np.random.default_rng(0)
    rows = [dict(row, amount=round(row["amount"] * (1 + r.normal(0, 0.01)), 4)) for row in rows]
    accounts = [{"account_id": f"a{g}", "segment": f"g{g}"} for g in range(4)]
    with_segment, without = seen(rows, accounts=accounts), seen(rows)
    fires("price_selling", "simpson", with_segment)
    quiet("price_selling", "simpson", without)
    assert with_segment.gap.above(2.0) > 0.9
    assert without.gap.above(2.0) < 0.025


def test_few_deals_each_are_told() -> None:
    fires("price_selling", "small_cells", seen(deals(1.0, each=6)))
    quiet("price_selling", "small_cells", seen(deals(1.0)))


def test_whether_discount_buys_wins_is_told_with_what_could_explain_it() -> None:
    won = deals(0.0, people=8)
    lost = [
        dict(r, opportunity_id=f"l{i}", outcome="lost", amount=r["list_amount"]) for i, r in enumerate(won)
    ]
    found = seen(won + lost)
    wins = next(m for m in found.measures if m.name == "wins")
    assert wins.value == pytest.approx(1.0, abs=0.05) or (wins.value or 0) > 0.5
    assert "wins" not in {m.name for m in seen(won).measures}
    assert "confounding" not in {g.guard for g in seen(won).guards}


def test_where_discount_goes_with_wins_a_hidden_cause_is_named() -> None:
    """Every second deal gets 20 % instead of 5 %; all of them are won, of the others every second."""
    for helps in (True, False):
        rows = []
        for i in range(160):
            cut, won = (20.0, True) if i % 2 and helps else (20.0 if i % 2 else 5.0, i % 4 < 2)
            rows.append(deal(f"s{i // 20}", cut, i, outcome="won" if won else "lost", list_amount=1000.0 + i))
        found = seen(rows)
        wins = next(m for m in found.measures if m.name == "wins")
        if helps:
            assert wins.low > 0.2
            fires("price_selling", "confounding", found, "More discount goes with more wins.")
        else:
            assert wins.low < 0 < wins.high
            quiet("price_selling", "confounding", found)


def test_what_one_person_makes_of_discounts_and_wins_is_not_told() -> None:
    """Only Ann gives 20 %, all others 5 %; she wins three deals of four, they win every second."""

    def given(generous: tuple[str, ...], wins: tuple[int, ...]) -> Observation:
        rows = []
        for i in range(240):
            who = f"s{i % 6}"
            rank = generous.index(who) if who in generous else None
            won = (i // 6) % 4 < (2 if rank is None else wins[rank])
            rows.append(
                deal(
                    who,
                    5.0 if rank is None else 20.0,
                    i,
                    outcome="won" if won else "lost",
                    list_amount=1000.0,
                )
            )
        return seen(rows)

    alone = given(("s0",), (3,))
    assert "wins" not in {m.name for m in alone.measures}
    fires("price_selling", "confounding", alone, "cannot be compared")
    # Of two who give 20 % one wins all and one every second: as much as may lie between people.
    two = given(("s0", "s1"), (4, 2))
    fires("price_selling", "confounding", two, "no more than may lie between")
    wins = next(m for m in two.measures if m.name == "wins")
    assert wins.value == pytest.approx(25.0)
    assert wins.low is not None
    assert wins.low < 0
    both = given(("s0", "s1", "s2"), (3, 3, 3))
    quiet("price_selling", "confounding", both, "cannot be compared")
    quiet("price_selling", "confounding", both, "no more than may lie between")


def test_fewer_than_five_people_are_not_compared() -> None:
    for people, status in ((4, "withheld"), (5, "too_little_data"), (8, "uncertain")):
        finding = verdicts([look(deals(2.0, people=people))])[0]
        assert finding.status == status or people == 8
        assert (finding.gap is None) == (status == "withheld")


def test_columns_that_are_missing_are_named() -> None:
    rows = [{"opportunity_id": "o", "opened_at": "2026-08-01"}]
    missing = price_selling.look(company_of({"opportunities": rows}), Q3).missing
    assert set(missing) == {
        f"opportunities.{c}" for c in ("closed_at", "outcome", "owner", "amount", "list_amount")
    }


@pytest.mark.parametrize("frame", KINDS)
def test_whatever_the_data_the_finding_is_sound(frame: str) -> None:
    tables = {
        "opportunities": deals(2.0, people=6, each=4, account_id="a1", competitor="Rival"),
        "accounts": [{"account_id": "a1", "segment": "growth"}],
    }
    sound(
        price_selling.look(
            company_of(FRAMES[frame](tables), columns={"opportunities": tuple(tables["opportunities"][0])}),
            Q3,
        )
    )
