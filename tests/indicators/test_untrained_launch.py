"""Is sales trained before the leads of a campaign come? Six leads by hand, guards, then plain pandas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.indicators.untrained_launch import untrained_launch
from alignment_toolkit.periods import Period
from tests.indicators.follow_ups import followed, together
from tests.indicators.guarding import fires, quiet
from tests.indicators.looks import KINDS, check, look_at

GOT = ["Ann", "Ann", "Ann", "Ben", "Cem", "Dora"]
LEADS: list[dict[str, Any]] = [
    {
        "lead_id": f"l{i}", "account_id": f"a{i}", "created_at": "2026-07-09", "qualified_at": "2026-07-10 10:00",
        "campaign_id": "k", "received_by": who, "marketing_score": 50,
    }
    for i, who in enumerate(GOT)
]  # fmt: skip
CAMPAIGNS = [
    {"campaign_id": "k", "product_id": "A", "name": "Launch"},
    {"campaign_id": "other", "product_id": "B"},
]
TRAINING: list[dict[str, Any]] = [
    {"actor": "Ann", "trained_on": "2026-07-01", "product_id": "A", "campaign_id": None},
    {"actor": "Ann", "trained_on": "2026-08-01", "product_id": "A", "campaign_id": None},
    {"actor": "Ben", "trained_on": "2026-07-09", "product_id": None, "campaign_id": "k"},
    {"actor": "Cem", "trained_on": "2026-07-20", "product_id": "A", "campaign_id": None},
    {"actor": "Dora", "trained_on": "2026-07-01", "product_id": "B", "campaign_id": "other"},
]
TABLES = {"leads": LEADS, "campaigns": CAMPAIGNS, "training": TRAINING}


def seen(tables: Any, **more: Any) -> Any:
    found = look_at(untrained_launch, tables, **more)
    assert found.error is None, found.error
    assert found.seen is not None
    return found.seen


def value(tables: Any) -> float | None:
    found: float | None = seen(tables).gap.estimate.value
    return found


def test_the_worked_example() -> None:
    found = seen(TABLES)
    assert (found.gap.estimate.value, found.gap.estimate.n) == (pytest.approx(2 / 6), 6)
    assert found.evidence.rows == (("k", "Launch", 6, 2, pytest.approx(2 / 6), 4),)
    never = next(m for m in found.measures if m.name == "never_trained")
    assert never.value == pytest.approx(1 / 6)


def test_a_training_of_the_day_of_the_hand_over_may_have_come_first_and_one_of_the_next_day_comes_too_late() -> (
    None
):
    for on, gap in (("2026-07-10", 1 / 6), ("2026-07-11", 2 / 6)):
        training = [t if t["actor"] != "Cem" else {**t, "trained_on": on} for t in TRAINING]
        assert value({**TABLES, "training": training}) == pytest.approx(gap)


def test_product_or_campaign_is_enough() -> None:
    only_product = [{k: v for k, v in t.items() if k != "campaign_id"} for t in TRAINING]
    assert value({**TABLES, "training": only_product}) == pytest.approx(3 / 6)
    only_campaign = [{k: v for k, v in t.items() if k != "product_id"} for t in TRAINING]
    assert value({**TABLES, "training": only_campaign}) == pytest.approx(5 / 6)


def test_many_trainings_do_not_multiply_leads() -> None:
    assert seen({**TABLES, "training": TRAINING * 20}).gap.estimate == seen(TABLES).gap.estimate


def test_the_spend_that_called_for_them_is_what_is_at_stake() -> None:
    spend = [
        {"spent_on": "2026-07-01", "amount": "600", "campaign_id": "k"},
        {"spent_on": "2026-06-30", "amount": "600", "campaign_id": "k"},
        {"spent_on": "2026-07-01", "amount": "600", "campaign_id": "other"},
        {"spent_on": "2026-07-01", "amount": "600", "campaign_id": "k", "department": "sales"},
    ]
    money = seen({**TABLES, "spend": spend}).money
    assert money.value == pytest.approx(200)
    assert money.basis.startswith("arithmetical")
    assert seen(TABLES).money is None


def test_what_sales_spends_on_a_launch_is_told_beside_what_marketing_does() -> None:
    spend = [
        {"spent_on": "2026-07-01", "amount": "600", "campaign_id": "k", "department": "marketing"},
        {"spent_on": "2026-07-02", "amount": "200", "campaign_id": "k", "department": "sales"},
        {"spent_on": "2026-06-30", "amount": "999", "campaign_id": "k", "department": "sales"},
        {"spent_on": "2026-07-02", "amount": "999", "campaign_id": "other", "department": "sales"},
    ]
    found = {m.name: m.value for m in seen({**TABLES, "spend": spend}).measures}
    assert found["back_spend"] == pytest.approx(200 / 800)
    # Where no line of sales names a campaign, nobody knows what the back got.
    bare = [{**r, "campaign_id": None} if r["department"] == "sales" else r for r in spend]
    assert "back_spend" not in {m.name for m in seen({**TABLES, "spend": bare}).measures}


def test_records_of_training_that_may_not_be_whole_are_told() -> None:
    quiet("untrained_launch", "logging", seen(TABLES))
    ends = [t for t in TRAINING if t["actor"] == "Ann"][:1]
    few = seen({**TABLES, "training": ends})
    fires("untrained_launch", "logging", few, "people with a training on record: 1")
    old = seen({**TABLES, "training": [{**t, "trained_on": "2020-01-01"} for t in TRAINING]})
    fires("untrained_launch", "logging", old, "dates from 2020-01-01")
    none = seen({**TABLES, "training": []}, columns={"training": ("product_id", "campaign_id")})
    fires("untrained_launch", "logging", none, "no training is recorded at all")


@pytest.mark.slow
def test_who_is_trained_is_a_habit_of_the_person_so_people_widen_the_interval() -> None:
    def width(trained: Any) -> float:
        leads = [
            {**LEADS[0], "lead_id": f"{p}-{i}", "account_id": f"{p}-{i}", "received_by": f"p{p}",
             "campaign_id": f"k{i}"}
            for p in range(10) for i in range(10)
        ]  # fmt: skip
        training = [
            {"actor": f"p{p}", "trained_on": "2026-07-01", "campaign_id": f"k{i}", "product_id": None}
            for p in range(10) for i in range(10) if trained(p, i)
        ]  # fmt: skip
        campaigns = [{"campaign_id": f"k{i}"} for i in range(10)]
        e = seen({"leads": leads, "training": training, "campaigns": campaigns}).gap.estimate
        assert e.value == pytest.approx(0.5)
        return float(e.high - e.low)

    spread = width(lambda p, i: (p + i) % 2)
    assert width(lambda p, i: p < 5) > 1.5 * spread
    assert width(lambda p, i: i < 5) > 1.5 * spread


def test_that_people_did_better_with_what_they_were_not_trained_for_is_told() -> None:
    """Ann got 200 leads of three campaigns on which she was not trained, and 200 of three on which she was."""
    campaigns = [{**c, "campaign_id": f"{c['campaign_id']}{i}"} for c in CAMPAIGNS for i in range(3)]
    wrong, right = {"campaign_id": "k"}, {"campaign_id": "other"}
    training = [{"actor": "Ann", "trained_on": "2025-12-01", "product_id": "B", "campaign_id": None}]

    def found(without: int, trained: int, several: int = 3) -> Any:
        made = [
            followed(100, wrong={}, right={}, won=(n // 2, n - n // 2), start=start, lead=lead)
            for n, start, lead in ((without, 0, wrong), (trained, 1000, right))
        ]
        for part in made:
            for i, r in enumerate(part["leads"]):
                r |= {"received_by": "Ann", "marketing_score": 50}
                r["campaign_id"] += str(i % several)
        return seen({**together(*made), "campaigns": campaigns, "training": training})

    def told(*case: int) -> list[str]:
        return [g.message for g in found(*case).guards if g.guard == "other_way"]

    (said,) = told(100, 20)
    assert "of the same people and like scores, by 40.0 percentage points (at least " in said
    assert told(50, 50) == told(20, 100) == []
    # With one campaign a side, nobody knows whether it is the training or the campaign.
    assert told(100, 20, 1) == []
    fires("conversion", "confounding", found(100, 20, 1), "cannot be compared")


def test_what_became_of_few_leads_is_not_compared() -> None:
    for count, won in ((10, 2), (20, 10)):
        made = [
            followed(
                count,
                wrong={},
                right={},
                won=(won, won),
                lead={"campaign_id": "k", "received_by": who},
                start=s,
            )
            for who, s in (("Ann", 0), ("Zoe", 1000))
        ]
        training = [{**TRAINING[0], "trained_on": "2025-12-01"}]
        found = seen({**together(*made), "campaigns": CAMPAIGNS, "training": training})
        if count == 10:
            fires("untrained_launch", "small_cells", found)
        else:
            quiet("untrained_launch", "small_cells", found)


def test_what_is_missing_is_named() -> None:
    bare = [{k: v for k, v in r.items() if k != "received_by"} for r in LEADS]
    assert look_at(untrained_launch, {**TABLES, "leads": bare}).missing == ("leads.received_by",)
    actors = [{k: t[k] for k in ("actor", "trained_on")} for t in TRAINING]
    assert look_at(untrained_launch, {**TABLES, "training": actors}).missing == ("training.product_id",)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_say_little(kind: str) -> None:
    check(untrained_launch, TABLES, kind)


def test_on_the_sample_it_equals_plain_pandas(sample: Company, sample_dir: Path) -> None:
    leads, campaigns, training = (
        pd.read_csv(sample_dir / f"{t}.csv", dtype=str) for t in ("leads", "campaigns", "training")
    )
    leads = leads[(leads.qualified_at >= "2026-07-01") & (leads.qualified_at < "2026-10-01")]
    leads = leads.dropna(subset=["received_by", "campaign_id"])
    product = campaigns.set_index("campaign_id").product_id
    untrained = []
    for row in leads.itertuples():
        own = training[(training.actor == row.received_by) & (training.trained_on < row.qualified_at[:10])]
        fits = (own.campaign_id == row.campaign_id) | (own.product_id == product.get(row.campaign_id))
        untrained.append(not fits.any())
    found = untrained_launch.look(sample, Period.parse("2026-Q3")).seen
    assert found is not None
    assert found.gap.estimate.n == len(untrained)
    assert found.gap.estimate.value == pytest.approx(np.mean(untrained))
