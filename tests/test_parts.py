"""What a part of the company can't be asked says so in words, and no finding is made of what the part left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.company import Company
from alignment_toolkit.errors import BeyondPart
from alignment_toolkit.findings import look_at
from alignment_toolkit.languages import speaking
from alignment_toolkit.periods import Period
from alignment_toolkit.relations.telling import lacks, untold

Q3 = Period.parse("2026-Q3")
CLIENTS = 60


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Sixty clients who ordered by e-mail and were all called since, without a campaign: nobody is neglected."""
    folder = tmp_path_factory.mktemp("acme")
    numbers = range(CLIENTS)
    bought = [date(2026, 1, 1) + timedelta(days=i) for i in numbers]
    files = {
        "accounts": ["account_id,region", *(f"a{i},North" for i in numbers)],
        "leads": [
            "lead_id,created_at,account_id,channel,qualified_at,campaign_id,received_by",
            *(f"l{i},2026-07-01,a{i},email,2026-07-02,k,p" for i in numbers),
            "z,2026-09-30,,email,2026-09-30,k,",
        ],
        "orders": [
            "order_id,ordered_at,amount,account_id,channel",
            *(f"o{i},{bought[i]},100,a{i},email" for i in numbers),
            "z,2026-09-30,1,,email",
        ],
        "touches": [
            "touch_id,touched_at,department,direction,channel,account_id,lead_id",
            *(f"t{i},2026-09-0{i % 9 + 1},sales,outbound,phone,a{i}," for i in numbers),
        ],
        "campaigns": ["campaign_id,channel,product_id", "k,email,x"],
        "training": ["actor,trained_on,product_id,campaign_id", "p,2026-01-01,x,"],
        "survey": ["respondent_id,department,item,answer", "r,sales,c01,5"],
    }
    for name, lines in files.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return Company.open(folder)


def asked(company: Company, id: str) -> Any:
    return look_at(company, Catalog.load().indicators[id], Q3, None, lambda *_: None)


@pytest.mark.parametrize(
    ("id", "table"), [("neglected_clients", "touches"), ("untrained_launch", "training")]
)
def test_what_a_part_left_out_is_not_silence(company: Company, id: str, table: str) -> None:
    whole, part = asked(company, id), asked(company.narrowed("channel", "email"), id)
    assert whole.seen.gap.estimate.value == 0, "all are called, all are trained"
    assert part.seen is None
    assert part.beyond.startswith(f"Not told by channel: rows of {table} that belong to another channel")
    assert part.missing == ()
    # The positive control: without the declaration the part would say that all of them are forgotten.
    bare = replace(Catalog.load().indicators[id], witnesses={})
    found = look_at(company.narrowed("channel", "email"), bare, Q3, None, lambda *_: None)
    assert found.seen.gap.estimate.value == 1


def test_a_part_whose_rows_come_or_go_with_their_client_is_asked(company: Company) -> None:
    found = asked(company.narrowed("region", "North"), "neglected_clients")
    assert found.seen.gap.estimate.value == 0


def test_an_order_in_another_region_than_its_client_is_not_silence(company: Company, tmp_path: Path) -> None:
    for table in ("accounts", "touches"):
        pd.DataFrame(company.fetch(company[table])).to_parquet(tmp_path / f"{table}.parquet")
    orders = company.fetch(company["orders"])
    pd.DataFrame(orders.assign(region="South")).to_parquet(tmp_path / "orders.parquet")
    whole = Company.open(tmp_path)
    assert asked(whole, "neglected_clients").seen.gap.estimate.value == 0
    found = asked(whole.narrowed("region", "South"), "neglected_clients")
    assert found.seen is None
    assert found.beyond.startswith("Not told by region: rows of touches that belong to another region")
    # The client's own region takes its orders and its calls along.
    found = asked(whole.narrowed("accounts.region", "North"), "neglected_clients")
    assert found.seen.gap.estimate.value == 0


def test_a_relation_that_a_part_can_not_have_is_told_by_its_tables(company: Company) -> None:
    with pytest.raises(BeyondPart) as told:
        company.narrowed("channel", "email").relation("served")
    assert str(told.value) == (
        "Not told by channel: what touches and orders tell together belongs to no single channel."
    )


def test_what_the_whole_company_lacks_too_is_needed(company: Company) -> None:
    part = company.narrowed("channel", "email")
    survey = ["survey.item", "survey.answer"]
    assert untold(company, survey) is None
    assert (
        lacks(part, survey) == "Not told by channel: nothing in survey says to which channel a row belongs."
    )
    assert lacks(part, [*survey, "plan.key"]) == "needs survey.item, survey.answer, plan.key"
    assert lacks(part, ["touches.theme"]) == "needs touches.theme"
    with speaking("de"):
        assert lacks(part, survey).startswith("Nicht zu trennen nach Kanal: In survey")
