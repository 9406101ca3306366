"""What a part of the company can't be asked says so in words, and no finding is made of what the part left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alignment_toolkit import brief, display
from alignment_toolkit.brief import read_value, write_value
from alignment_toolkit.catalog import Catalog
from alignment_toolkit.company import Company
from alignment_toolkit.errors import BeyondPart
from alignment_toolkit.explanation import told
from alignment_toolkit.findings import first_day, look_at
from alignment_toolkit.kpi import measure
from alignment_toolkit.languages import speaking
from alignment_toolkit.notebooks.opening import part_of
from alignment_toolkit.periods import Period
from alignment_toolkit.relations.telling import lacks, untold
from alignment_toolkit.runs.matrix import parts_of
from alignment_toolkit.simulation import Recipe, simulate
from tests.builders import written

Q3 = Period.parse("2026-Q3")
CLIENTS = 60


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Sixty clients who ordered by e-mail and were all called since, as they wanted: nothing is out of line.

    Calls name no lead and no campaign; what marketing sends to those who decide names the person, not the account.
    """
    folder = tmp_path_factory.mktemp("acme")
    numbers = range(CLIENTS)
    bought = [date(2026, 1, 1) + timedelta(days=i) for i in numbers]
    files = {
        "accounts": ["account_id,region", *(f"a{i},North" for i in numbers)],
        "leads": [
            "lead_id,created_at,account_id,contact_id,channel,response_channel,qualified_at,campaign_id,received_by",
            *(f"l{i},2026-07-01,a{i},c{i},email,email,2026-07-02,k,p" for i in numbers),
            "z,2026-09-30,,,email,email,2026-09-30,k,",
        ],
        "orders": [
            "order_id,ordered_at,amount,account_id,channel",
            *(f"o{i},{bought[i]},100,a{i},email" for i in numbers),
            "z,2026-09-30,1,,email",
        ],
        "touches": [
            "touch_id,touched_at,department,direction,channel,account_id,lead_id,contact_id",
            *(f"t{i},2026-09-0{i % 9 + 1},sales,outbound,phone,a{i},," for i in numbers),
            *(f"m{i},2026-07-01,marketing,outbound,email,,,c{i}" for i in numbers),
            *(f"n{i}{j},2026-07-01,marketing,outbound,email,a{i},,u{i}" for i in numbers for j in "123"),
        ],
        "contacts": [
            "contact_id,account_id,role,known_on,preferred_channel",
            *(f"c{i},a{i},decision_maker,2026-01-01,phone" for i in numbers),
            *(f"u{i},a{i},user,2026-01-01,phone" for i in numbers),
        ],
        "opportunities": [
            "opportunity_id,opened_at,account_id",
            *(f"d{i},2026-08-01,a{i}" for i in numbers),
        ],
        "intents": [
            "account_id,intent,decided_on,department",
            "a1,attack,2025-01-01,marketing",
            "a1,release,2026-01-01,sales",
        ],
        "assessments": [
            "assessment_id,account_id,department,assessed_at,potential,target",
            "x1,a1,marketing,2026-08-01,50,yes",
            "x2,a1,sales,2026-08-02,60,yes",
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
    ("id", "dimension", "value"),
    [
        ("neglected_clients", "channel", "email"),  # the calls name no channel
        ("untrained_launch", "channel", "email"),  # the training neither
        ("channel_mismatch", "channel", "email"),  # nor does the wish of who asked
        ("missed_decision_makers", "region", "North"),  # what was sent to a person names no account
    ],
)
def test_what_a_part_left_out_is_not_silence(company: Company, id: str, dimension: str, value: str) -> None:
    whole, part = asked(company, id), asked(company.narrowed(dimension, value), id)
    assert whole.seen.gap.estimate.value == 0, "all are called, trained, answered as they asked, written to"
    assert part.seen.gap.estimate.value == 0
    assert part.seen.gap.estimate.n == CLIENTS
    # The positive control: from the part's own rows alone it would say that all of them are forgotten.
    bare = replace(Catalog.load().indicators[id], looked_up=())
    found = look_at(company.narrowed(dimension, value), bare, Q3, None, lambda *_: None)
    assert found.seen.gap.estimate.value == 1


@pytest.mark.parametrize(
    ("id", "table"),
    [
        ("off_plan_accounts", "intents"),  # marketing's attack was taken back by sales
        ("targeting_disagreement", "assessments"),
        ("misjudged_potential", "assessments"),
        ("misplaced_effort", "assessments"),
    ],
)
def test_a_part_of_what_was_said_about_an_account_is_not_asked(company: Company, id: str, table: str) -> None:
    found = asked(company.narrowed("department", "marketing"), id)
    assert found.seen is None
    assert found.missing == ()
    assert found.beyond.startswith(f"Not told by department: rows of {table} that belong to another")
    assert asked(company.narrowed("region", "North"), id).beyond is None


def test_a_category_is_held_against_the_plan_of_its_products(tmp_path: Path) -> None:
    files = {
        "products": ["product_id,category", "x,tools", "y,tools", "z,services"],
        "plan": [
            "dimension,key,department,measure,value",
            *(f"product,{p},company,share,{v}" for p, v in (("x", 0.2), ("y", 0.2), ("z", 0.6))),
        ],
        "spend": [
            "spent_on,amount,product_id,campaign_id",
            "2026-08-01,20,x,a",
            "2026-08-01,20,y,b",
            "2026-08-01,60,z,c",
        ],
        "touches": [
            "touch_id,touched_at,department,direction,product_id,minutes",
            *(f"t{p},2026-08-01,sales,outbound,{p},{v}" for p, v in (("x", 20), ("y", 20), ("z", 60))),
        ],
    }
    for name, lines in files.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n")
    company = Company.open(tmp_path)
    for part in (company, company.narrowed("category", "tools")):
        seen = asked(part, "portfolio_mismatch").seen
        assert seen.values["yardstick"] == "the plan"
        shares = {row[0]: row[1:] for row in seen.evidence.rows}
        assert shares["x"] == pytest.approx((0.2,) * 4 if part is company else (0.5,) * 4)
    # The positive control: a part knows no plan, and the finding would say that there is none.
    bare = replace(Catalog.load().indicators["portfolio_mismatch"], looked_up=())
    found = look_at(company.narrowed("category", "tools"), bare, Q3, None, lambda *_: None)
    assert "there is no plan" in found.seen.values["yardstick"]
    one_side = asked(company.narrowed("department", "sales"), "portfolio_mismatch")
    assert one_side.beyond.startswith("Not told by department: rows of product_pushes")


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
    # The client's own region takes its orders and its calls along.
    for dimension, value in (("region", "South"), ("accounts.region", "North")):
        found = asked(whole.narrowed(dimension, value), "neglected_clients")
        assert (found.seen.gap.estimate.value, found.seen.gap.estimate.n) == (0, CLIENTS)
    # Without what is looked up the part refuses, or tells a silence that is none.
    bare = replace(Catalog.load().indicators["neglected_clients"], witnesses={"touches": "account_id"})
    found = look_at(whole.narrowed("region", "South"), replace(bare, looked_up=()), Q3, None, lambda *_: None)
    assert found.seen is None
    assert found.beyond.startswith("Not told by region: rows of touches that belong to another region")


# A column that only the cases have, with one value: the part is the whole, and must be told alike.
MARKED = {
    "accounts": ("misjudged_potential", "misplaced_effort", "off_plan_accounts", "targeting_disagreement"),
    "leads": (
        "acceptance_lottery", "channel_mismatch", "conflicting_kpis", "dropped_leads", "message_mismatch",
        "need_mismatch", "score_gaming", "untrained_launch",
    ),
    "opportunities": (
        "missed_decision_makers", "positioning_mismatch", "price_selling", "quarter_end_rush",
    ),
    "orders": ("neglected_clients",),
    "products": ("portfolio_mismatch",),
    "signals": ("unanswered_signals",),
}  # fmt: skip
# What they look up comes along with the account by itself.
ALONG = (
    "dropped_leads",
    "misjudged_potential",
    "misplaced_effort",
    "off_plan_accounts",
    "targeting_disagreement",
)


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Company, dict[str, Any]]:
    """Give a made-up company whose cases are marked, table by table, and what is seen of the whole."""
    folder = tmp_path_factory.mktemp("marked")
    for name, table in simulate(Recipe(seed=1, accounts=1000)).tables.items():
        own = table.assign(**{f"marked_{name}": "yes"}) if name in MARKED else table
        own.to_parquet(folder / f"{name}.parquet")
    company = Company.open(folder)
    return company, {id: asked(company, id) for ids in MARKED.values() for id in ids}


@pytest.mark.slow
@pytest.mark.parametrize(("table", "id"), [(t, id) for t, ids in MARKED.items() for id in ids])
def test_a_part_that_is_the_whole_is_told_as_the_whole(
    marked: tuple[Company, dict[str, Any]], table: str, id: str
) -> None:
    company, seen = marked
    part = company.narrowed(f"marked_{table}", "yes")
    found = asked(part, id)
    assert _told(found) == pytest.approx(_told(seen[id]), rel=1e-12, abs=1e-12)
    assert found.seen.gap.estimate.value is not None or id == "conflicting_kpis"  # it wants many leads a week
    rows = {m.name: (m.value, m.n) for m in seen[id].seen.measures}
    for m in found.seen.measures:
        assert rows[m.name] == (pytest.approx(m.value, rel=1e-12), m.n)
    asking = Catalog.load().indicators[id]
    if id not in ALONG and asking.looked_up:
        control = look_at(part, replace(asking, looked_up=()), Q3, None, lambda *_: None)
        assert control.seen is None or _all(control) != _all(seen[id]), "nothing is looked up"


def _told(look: Any) -> list[float]:
    e = look.seen.gap.estimate
    return [e.value or 0, e.low or 0, e.high or 0, e.n]


def _all(look: Any) -> Any:
    e, m = look.seen.gap.estimate, [(m.name, m.value, m.n) for m in look.seen.measures]
    return e.value, e.low, e.high, e.n, m, look.seen.counts


def test_a_part_knows_outcomes_no_longer_than_the_whole(tmp_path: Path) -> None:
    """Orders name no channel; but whether a lead of the channel became a client is known only as long as they are."""
    files = {
        "leads": [
            "lead_id,created_at,account_id,channel,rejected_at,converted_at",
            *(f"l{i},2024-{i:02}-01,a{i},email,2024-{i:02}-02," for i in range(1, 13)),
            "z,2026-09-30,,email,2026-09-30,2026-09-30",
        ],
        "orders": ["order_id,ordered_at,amount,account_id,rival", "o,2025-06-30,100,a1,us"],
    }
    for name, lines in files.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n")
    company = Company.open(tmp_path)
    whole, part = (asked(c, "discarded_leads") for c in (company, company.narrowed("channel", "email")))
    assert str(whole.window.last) == "2024-06-30", "a year before the last order"
    assert part.window == whole.window
    # What is looked up is there; what became of leads, and how, does not tell of the orders' rivals.
    gone = asked(company.narrowed("rival", "us"), "discarded_leads")
    assert gone.missing == ()
    assert gone.beyond.startswith("Not told by rival: what leads and")
    assert part.seen.gap.estimate.n == whole.seen.gap.estimate.n > 0


def test_all_history_begins_with_what_was_recorded_of_it(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text("account_id,created_at\na1,2019-01-01\n")
    (tmp_path / "rates.csv").write_text("currency,valid_on,rate\nUSD,1999-01-04,0.85\n")
    (tmp_path / "orders.csv").write_text("order_id,ordered_at,amount,account_id\no,2026-05-04,100,a1\n")
    assert first_day(Company.open(tmp_path)) == date(2026, 5, 4)


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


@pytest.mark.slow
def test_no_part_of_a_loosely_linked_company_is_out_of_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The quick form of benchmarks/parts.py: one company, two dimensions."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    import parts

    monkeypatch.setattr(parts, "DIMENSIONS", ("region", "channel"))
    row = parts.one("loose", 1, 800)
    told = {status for *_, status, n in row["counts"] if n}
    assert "aligned" in told
    assert not told & {"misaligned", "error"}
    assert "| all | loose |" in parts.document([row])


def test_what_is_empty_and_the_text_that_says_so_are_two_parts(tmp_path: Path) -> None:
    """Of six orders one has no region, two have the text "(missing)", three are of the North."""
    regions = [None, "(missing)", "(missing)", "North", "North", "North"]
    orders = [
        {"order_id": f"o{i}", "ordered_at": "2026-08-01", "amount": "10", "account_id": "a", "region": region}
        for i, region in enumerate(regions)
    ]
    company = Company.open(written({"orders": orders}, tmp_path))
    parts = [*parts_of(company, "region"), "region=(missing)"]
    assert parts == ['region="(missing)"', "region=North", "region=(missing)"]
    found = {}
    for part in parts:
        t = part_of(company, part)["orders"]
        found[part] = int(company.fetch(t.aggregate(n=t.count())).n[0])
    assert list(found.values()) == [2, 3, 1]
    assert part_of(company, 'region="(missing)"').steps == (("region", "(missing)"),)
    for value in (None, "(missing)", '"(missing)"', '""(missing)""', '"(missing)', "North", '"North"', ""):
        assert read_value(write_value(value)) == value
    measured = measure(company, Catalog.load().chosen_kpis(["revenue"]), Q3, by=["region"])
    assert told.part_of(measured, {"region": "(missing)"}, "revenue").value == 20
    assert told.part_of(measured, {"region": None}, "revenue").value == 10
    # Tables of the terminal and of notebooks tell them apart, too.
    rows = [m for m in measured if m.by]
    names = sorted(['"(missing)"', "(missing)", "North"])
    assert sorted(p["region"] for p in brief.parts_of(rows)) == names
    assert sorted(display._part(row.by, rows)["region"] for row in rows) == names
