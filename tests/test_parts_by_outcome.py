"""A part of the company that is chosen by what is judged, or by what came of it, is not asked: it is a tautology."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.company import Company
from alignment_toolkit.errors import UnknownName
from alignment_toolkit.findings import look_at
from alignment_toolkit.indicator import CLIENT_SIGNS, DEAL_ENDS, LEAD_ENDS, Observation, indicator
from alignment_toolkit.languages import speaking
from alignment_toolkit.periods import Period

Q3 = Period.parse("2026-Q3")
INDICATORS = Catalog.load().indicators
SAMPLE = Path(__file__).parents[1] / "data" / "sample"
MANY = 60


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Half of the deals are argued on price; half of the leads are answered at once, and then have an owner."""
    folder = tmp_path_factory.mktemp("halves")
    pitches, numbers = ("price", "benefit"), range(2 * MANY)
    files = {
        "people": ["person_id,department,team", "p,sales,A"],
        "accounts": ["account_id,region", *(f"a{i},North" for i in numbers)],
        "products": ["product_id,positioning", "x,benefit"],
        "leads": [
            "lead_id,created_at,account_id,qualified_at,received_by,owner,status",
            *(f"l{i},2026-07-01,a{i},2026-07-02,p,{('p,accepted', ',qualified')[i % 2]}" for i in numbers),
        ],
        "touches": [
            "touch_id,touched_at,department,direction,lead_id",
            *(f"t{i},2026-07-02,sales,outbound,l{i}" for i in numbers if i % 2 == 0),
            "z,2026-09-30,sales,outbound,",
        ],
        "opportunities": [
            "opportunity_id,opened_at,account_id,lead_id,product_id,pitch,closed_at,outcome,stage",
            *(f"o{i},2026-07-03,a{i},l{i},x,{pitches[i % 2]},2026-08-03,lost,lost" for i in numbers),
        ],
    }
    for name, lines in files.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return Company.open(folder)


def asked(company: Company, id: str, **changes: Any) -> Any:
    return look_at(company, replace(INDICATORS[id], **changes), Q3, None, lambda *_: None)


@pytest.mark.parametrize(
    ("id", "dimension", "value", "column", "tautology"),
    [
        ("positioning_mismatch", "pitch", "price", "opportunities.pitch", 1),
        ("positioning_mismatch", "opportunities.pitch", "benefit", "opportunities.pitch", 0),
        ("dropped_leads", "status", "qualified", "leads.status", 1),
        ("dropped_leads", "leads.status", "accepted", "leads.status", 0),
        ("dropped_leads", "owner", None, "leads.owner", 1),
    ],
)
def test_a_part_chosen_by_the_answer_is_not_asked(
    company: Company, id: str, dimension: str, value: str | None, column: str, tautology: float
) -> None:
    whole, part = asked(company, id), company.narrowed(dimension, value)
    assert whole.seen.gap.estimate.value == 0.5
    found = asked(part, id)
    assert (found.seen, found.missing, found.error) == (None, (), None)
    assert found.beyond.startswith(
        f"Not asked by {dimension.rpartition('.')[2]}: {column} says what is judged"
    )
    # The positive control: asked all the same it is answered by the choice.
    assert asked(part, id, outcomes={}).seen.gap.estimate.value == tautology


def test_a_lead_is_of_the_team_that_it_was_handed_to(company: Company, tmp_path: Path) -> None:
    part = company.narrowed("team", "A")
    found = asked(part, "dropped_leads")
    # All leads were handed to this team. Only those that were answered are with it now.
    assert (found.seen.gap.estimate.value, found.seen.gap.estimate.n) == (0.5, 2 * MANY)
    assert int(company.fetch(part["leads"].count().as_table()).iloc[0, 0]) == MANY
    for table in company.tables:
        rows = company.fetch(company[table])
        rows[[c for c in rows.columns if c != "received_by"]].to_parquet(tmp_path / f"{table}.parquet")
    unknown = Company.open(tmp_path).narrowed("team", "A")
    assert asked(unknown, "dropped_leads").beyond.startswith("Not asked by team: leads.owner says")
    assert asked(unknown, "dropped_leads", outcomes={}).seen.gap.estimate.value == 0


@pytest.mark.parametrize("id", ["positioning_mismatch", "dropped_leads"])
def test_a_part_chosen_by_what_stood_before_is_asked(company: Company, id: str) -> None:
    found = asked(company.narrowed("region", "North"), id)
    assert (found.seen.gap.estimate.value, found.seen.gap.estimate.n) == (0.5, 2 * MANY)


def test_the_reason_is_told_in_german(company: Company) -> None:
    with speaking("de"):
        told = asked(company.narrowed("pitch", "price"), "positioning_mismatch").beyond
    assert told.startswith("Nicht gefragt nach pitch: opportunities.pitch ")


# What says how something ended, and of which indicators it is no outcome, with the reason.
ENDS = {
    "leads": LEAD_ENDS,
    "opportunities": ("pitch", *DEAL_ENDS),
    "accounts": CLIENT_SIGNS,
    "assessments": ("target", "potential"),
    "signals": ("answered_at",),
    "work": ("outcome", "ended_on", "marketing_attended", "sales_attended"),
    "survey": ("answer",),
    "value_ratings": ("rating",),
}
FAIR = {
    # Whoever bought is a client already when these are judged, and leads and deals come from clients, too.
    "accounts": {
        "acceptance_lottery", "channel_mismatch", "dropped_leads", "message_mismatch", "misplaced_effort",
        "missed_decision_makers", "need_mismatch", "neglected_clients", "off_plan_accounts", "positioning_mismatch",
        "price_selling", "quarter_end_rush", "score_gaming", "targeting_disagreement", "unanswered_signals",
        "unbacked_price", "untrained_launch",
    },
    # How the deal was argued stands before its price and its day.
    "opportunities.pitch": {"missed_decision_makers", "price_selling", "quarter_end_rush", "neglected_clients"},
    # Who came to a meeting tells nothing of projects.
    "work.marketing_attended": {"failing_joint_projects"},
    "work.sales_attended": {"failing_joint_projects"},
    # An order was won in any case.
    "opportunities": {"neglected_clients"},
}  # fmt: skip


@pytest.mark.parametrize("id", list(INDICATORS))
def test_no_part_by_an_ending_is_asked_where_it_could_be_the_answer(sample: Company, id: str) -> None:
    for table, columns in ENDS.items():
        for column in columns:
            if not sample.has(table, column) or id in FAIR.get(table, ()):
                continue
            if id in FAIR.get(f"{table}.{column}", ()):
                continue
            value = next(iter(sample.values(f"{table}.{column}")), None)
            found = asked(sample.narrowed(f"{table}.{column}", value), id)
            assert found.seen is None, f"{id} by {table}.{column} is asked"


@pytest.fixture(scope="module")
def sample() -> Company:
    return Company.open(SAMPLE)


def test_a_segment_of_like_accounts_says_nothing_of_targeting(tmp_path: Path) -> None:
    """Both pick nearly all key accounts and hardly any other; of each hundred they differ on twenty."""
    picks = {"key": "11" * 80 + "10" * 10 + "01" * 10, "standard": "00" * 80 + "10" * 10 + "01" * 10}
    files = {
        "accounts": ["account_id,segment"],
        "assessments": ["assessment_id,account_id,department,assessed_at,target"],
    }
    for segment, flags in picks.items():
        for i in range(100):
            files["accounts"].append(f"{segment}{i},{segment}")
            for side, flag in zip(("marketing", "sales"), flags[2 * i : 2 * i + 2], strict=True):
                files["assessments"].append(f"{segment}{i}{side},{segment}{i},{side},2026-08-01,{flag}")
    for name, lines in files.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n")
    company = Company.open(tmp_path)
    # Half of all accounts are picked by either: independent picks would differ on half, and these differ on a fifth.
    assert asked(company, "targeting_disagreement").seen.gap.estimate.value == pytest.approx(0.2 / 0.5)
    part = company.narrowed("segment", "key")
    assert asked(part, "targeting_disagreement").beyond.startswith("Not asked by segment: accounts.segment")
    # Nine tenths of the key accounts are picked by either: there, independent picks would differ on 18 of a hundred.
    found = asked(part, "targeting_disagreement", outcomes={})
    assert found.seen.gap.estimate.value == pytest.approx(0.2 / 0.18)


def test_an_outcome_that_is_no_column_is_refused() -> None:
    header = INDICATORS["dropped_leads"]
    names = ("title", "failure_title", "nature", "area", "kind", "unit", "margin", "enough", "says", "advice")

    def mine(data: Any, window: Period) -> Observation:
        """Why."""
        raise NotImplementedError

    with pytest.raises(UnknownName, match="statsu"):
        indicator(
            **{n: getattr(header, n) for n in names}, population="leads", outcomes={"leads": ("statsu",)}
        )(mine)
