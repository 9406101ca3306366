"""A part chosen by what a KPI judges, or by what came of it, is not told: a win rate by outcome is 0 or 100 %."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import alignment_toolkit.kpi.measuring as measuring
from alignment_toolkit.catalog import Catalog
from alignment_toolkit.company import Company
from alignment_toolkit.drivers.measured import Measurements, Refused
from alignment_toolkit.drivers.slices import find_slices
from alignment_toolkit.errors import ParameterError, UnknownName
from alignment_toolkit.explanation import explain
from alignment_toolkit.kpi import Kpi, KpiOfRows, RatioOfKpis, measure
from alignment_toolkit.kpi.judged import Judged
from alignment_toolkit.languages import speaking
from alignment_toolkit.periods import Period
from alignment_toolkit.relations import PARENTS
from alignment_toolkit.results import KpiValue
from tests.builders import written

KPIS = Catalog.load().kpis
SAMPLE = Path(__file__).parents[2] / "data" / "sample"
YEARS = Period.parse("2024-01-01..2026-09-30")
YEAR = Period.parse("2026-01-01..2026-09-30")
# So many rows of a part are not all alike by chance, and a part of one row is 0 or 1 whatever is asked.
MANY = 8


@pytest.fixture(scope="module")
def sample() -> Company:
    return Company.open(SAMPLE)


def rates() -> list[Kpi]:
    """Give the KPIs that are no plain sum: of the others each part is a number of its own."""
    return [
        k for k in KPIS.values() if isinstance(k, Kpi) and (k.bottom is not None or isinstance(k, KpiOfRows))
    ]


def dimensions(company: Company, relation: str) -> Iterator[str]:
    t = company.relation(relation)
    yield from t.columns
    for key, table in PARENTS.items():
        if key in t.columns and table in company.tables:
            home = key if table == "people" else table
            yield from (f"{home}.{c}" for c in company.columns(table) if not c.endswith("_id"))


def parts(rows: tuple[KpiValue, ...], id: str) -> list[KpiValue]:
    return [r for r in rows if r.kpi == id and r.by]


# Not by construction: one price is one product's in the sample, and of one product a client has one.
BY_CHANCE = {("products-per-client", "products.list_price"), ("products-per-client", "products.unit_cost")}


@pytest.mark.slow
@pytest.mark.parametrize("relation", sorted({k.relation for k in rates()}))
def test_no_rate_is_0_or_1_in_all_parts_by_any_column(sample: Company, relation: str) -> None:
    kpis = [k for k in rates() if k.relation == relation and not k.missing(sample)]
    asked, by_choice = 0, set()
    for name in dimensions(sample, relation):
        try:
            rows = measure(sample, kpis, YEARS, by=(name,), catalogue=KPIS, spread=False)
        except (ParameterError, UnknownName):  # a moment of time, or a name of two tables
            continue
        for kpi in kpis:
            values = [r.value for r in parts(rows, kpi.id) if r.n >= MANY and r.value is not None]
            asked += bool(values)
            if len(values) > 1 and all(v in (0, 1) for v in values):
                by_choice.add((kpi.id, name))
    assert by_choice <= BY_CHANCE
    assert asked > 9 or not kpis  # what serving costs is not known in the sample


REFUSED = {
    "win-rate": ("outcome", "stage", "lost_reason", "win_reason"),
    "acceptance-rate": ("status", "reject_reason", "owner", "owner.team"),
    "qualification-rate": (
        "status",
        "owner",
        "owner.team",
        "received_by",
        "received_by.team",
        "marketing_score",
    ),
    "time-to-first-touch": ("status", "owner", "touch_channel", "touch_theme", "touch_actor"),
    "followed-up-in-time": ("status", "owner.team", "touch_channel", "touch_theme", "touch_actor"),
    "lead-to-client": (
        "status",
        "owner",
        "owner.team",
        "reject_reason",
        "converted",
        "accounts.service_contract",
    ),
    "time-to-client": ("status", "converted", "accounts.service_contract"),
    "long-run-conversion": ("status", "converted", "owner"),
    "revenue-per-lead": ("status", "converted", "owner.team"),
    "repeat-revenue-share": ("repeated",),
    "new-client-spend-share": ("audience", "campaigns.audience"),
    "products-per-client": ("product_id", "products.name"),
    "orders-per-client": ("order_id",),
    "pipeline-velocity": ("outcome", "stage"),
}
# What stood before, and what is a number of its own in every part.
TOLD = {
    "win-rate": ("region", "motion", "pitch", "owner.team", "accounts.service_contract"),
    "acceptance-rate": ("channel", "received_by", "received_by.team", "marketing_score"),
    "qualification-rate": ("channel", "sourced_by", "accounts.industry"),
    "followed-up-in-time": ("received_by.team", "response_channel"),
    "lead-to-client": ("channel", "received_by.team", "accounts.segment"),
    "sales-cycle": ("win_reason", "owner.team"),
    "average-deal": ("win_reason", "pitch"),
    "discount": ("win_reason", "pitch"),
    "new-client-spend-share": ("department", "category", "channel"),
    "products-per-client": ("products.category", "account_id"),
    "arpu": ("account_id", "accounts.service_contract"),
    "retention": ("accounts.service_contract",),
    "leads": ("status", "owner.team", "reject_reason"),
    "opportunities": ("stage", "outcome", "lost_reason"),
    "pipeline": ("stage",),
    "conversions-to-date": ("status",),
    "revenue": ("account_id",),
}  # fmt: skip


@pytest.mark.parametrize(("id", "column"), [(id, c) for id, columns in REFUSED.items() for c in columns])
def test_what_is_judged_and_what_came_of_it_tells_no_part(sample: Company, id: str, column: str) -> None:
    whole, refused = measure(sample, KPIS[id], YEAR, by=(column,), catalogue=KPIS)
    assert whole == measure(sample, KPIS[id], YEAR, catalogue=KPIS)[0]
    assert (refused.status, refused.value, refused.n) == ("not_available", None, 0)
    assert str(refused.reason).startswith(f"Not asked by {column.rpartition('.')[2].replace('_', ' ')}: ")


@pytest.mark.parametrize(("id", "column"), [(id, c) for id, columns in TOLD.items() for c in columns])
def test_what_stood_before_and_counts_are_told(sample: Company, id: str, column: str) -> None:
    rows = measure(sample, KPIS[id], YEAR, by=(column,), catalogue=KPIS)
    told = [r for r in rows if r.by and r.status == "ok"]
    assert told
    assert not any(str(r.reason).startswith("Not asked") for r in rows)


HALF = 20


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Twenty leads handed to team A, of which every second is taken and won; what was not taken nobody has."""
    folder, numbers = tmp_path_factory.mktemp("halves"), range(HALF)
    files = {
        "people": ["person_id,department,team", "p,sales,A"],
        "accounts": ["account_id,region", *(f"a{i},North" for i in numbers)],
        "leads": [
            "lead_id,created_at,account_id,qualified_at,received_by,accepted_at,owner,status",
            *(f"l{i},2026-01-01,a{i},2026-01-02,p,{('2026-01-05,p,won', ',,gone')[i % 2]}" for i in numbers),
            "z,2026-12-31,,2026-12-31,,,,",
        ],
        "touches": [
            "touch_id,touched_at,department,direction,lead_id",
            *(f"t{i},2026-01-02,sales,outbound,l{i}" for i in numbers if i % 2 == 0),
            "z,2026-12-31,sales,outbound,",
        ],
        "opportunities": [
            "opportunity_id,opened_at,account_id,lead_id,closed_at,outcome,stage",
            *(f"o{i},2026-01-03,a{i},l{i},2026-02-03,{('won,9', 'lost,0')[i % 2]}" for i in numbers),
            "z,2026-12-31,,,2026-12-31,,1",
        ],
    }
    for name, lines in files.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return Company.open(folder)


JANUARY, FEBRUARY = Period.parse("2026-01"), Period.parse("2026-02")
CHOSEN = [
    ("win-rate", FEBRUARY, "outcome", "won", 1),
    ("win-rate", FEBRUARY, "stage", "0", 0),
    ("win-rate", FEBRUARY, "leads.status", "won", 1),
    ("acceptance-rate", JANUARY, "status", "won", 1),
    ("acceptance-rate", JANUARY, "owner", None, 0),
    ("followed-up-in-time", JANUARY, "status", "gone", 0),
    ("lead-to-client", JANUARY, "status", "won", 1),
    ("qualification-rate", JANUARY, "received_by", "p", 1),
]


@pytest.mark.parametrize(("id", "period", "dimension", "value", "tautology"), CHOSEN)
def test_a_part_of_the_company_is_refused_as_a_slice_is(
    halves: Company,
    monkeypatch: pytest.MonkeyPatch,
    id: str,
    period: Period,
    dimension: str,
    value: str | None,
    tautology: float,
) -> None:
    whole, part = measure(halves, KPIS[id], period)[0], halves.narrowed(dimension, value)
    assert whole.value == (0.5 if id != "qualification-rate" else 1)
    (refused,) = measure(part, KPIS[id], period)
    assert (refused.status, refused.value, refused.n) == ("not_available", None, 0)
    assert str(refused.reason).startswith(f"Not asked by {dimension.rpartition('.')[2].replace('_', ' ')}")
    # The positive control: asked all the same it is answered by the choice.
    monkeypatch.setattr(measuring, "part_of", lambda company, ask: (None, None))
    kpi = replace(KPIS[id], requires=None)  # type: ignore[type-var]
    assert measure(part, kpi, period)[0].value == tautology


def test_a_slice_by_the_outcome_would_be_all_or_nothing(
    halves: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = Judged(("opportunities",), frozenset(), {}, frozenset())
    monkeypatch.setattr(measuring, "judged", lambda company, ask, t: nothing)
    rows = measure(halves, KPIS["win-rate"], FEBRUARY, by=("outcome",))
    assert [(r.by, r.value) for r in rows] == [({}, 0.5), ({"outcome": "lost"}, 0), ({"outcome": "won"}, 1)]


def test_a_lead_is_of_the_team_that_it_was_handed_to(halves: Company, tmp_path: Path) -> None:
    part = halves.narrowed("team", "A")
    for id in ("acceptance-rate", "followed-up-in-time", "lead-to-client"):
        (row,) = measure(part, KPIS[id], JANUARY)
        # All twenty were handed to this team, and every second was taken; only those are with it now.
        assert (row.value, row.n) == (0.5, HALF)
    assert measure(part, KPIS["leads"], JANUARY)[0].value == HALF / 2
    for table in halves.tables:
        rows = halves.fetch(halves[table])
        rows[[c for c in rows.columns if c != "received_by"]].to_parquet(tmp_path / f"{table}.parquet")
    (row,) = measure(Company.open(tmp_path).narrowed("team", "A"), KPIS["acceptance-rate"], JANUARY)
    assert str(row.reason).startswith("Not asked by team: leads.owner says what is judged here")


def own(top: Any, bottom: Any = None, **more: Any) -> Kpi:
    """Write a company's own KPI of deals closed."""
    return Kpi(
        id="own", title="Own", relation="opportunities", date="closed_at", unit="share", better="higher",
        owners={"sales": 1}, about="Own.", top=top, bottom=bottom, interval="share" if bottom else "count", **more,
    )  # fmt: skip


FORMS = {
    "a condition": lambda t: t.count(where=t.outcome == "won"),
    "a number": lambda t: (t.outcome == "won").ifelse(1, 0).sum(),
    "a number, filled": lambda t: (t.outcome == "won").fill_null(False).cast("int64").sum(),
    "a condition among others": lambda t: t.count(where=t.closed_at.notnull() & (t.outcome == "won")),
}


@pytest.mark.parametrize("form", list(FORMS))
def test_what_a_company_s_own_kpi_judges_is_read_from_its_definition(halves: Company, form: str) -> None:
    kpi = own(FORMS[form], lambda t: t.count(where=t.closed_at.notnull()))
    whole, refused = measure(halves, kpi, FEBRUARY, by=("stage",))
    assert (whole.value, whole.n) == (0.5, HALF)
    assert str(refused.reason).startswith("Not asked by stage: opportunities.stage says what is judged here")
    assert len(measure(halves, kpi, FEBRUARY, by=("accounts.region",))) == 2
    assert measure(halves, kpi, FEBRUARY, by=("accounts.region",))[1].value == 0.5


def test_a_condition_that_the_bottom_has_too_chooses_the_rows_and_judges_nothing(halves: Company) -> None:
    """How many of the deals won came of one lead: that they are won is what they are asked among."""
    kpi = own(
        lambda t: t.count(where=(t.outcome == "won") & (t.lead_id == "l0")),
        lambda t: t.count(where=t.outcome == "won"),
    )
    _, *told = measure(halves, kpi, FEBRUARY, by=("stage",))
    # One of the ten deals won came of the lead l0; in the stage of those lost nothing can be divided.
    assert [(r.by["stage"], r.value) for r in told if r.status == "ok"] == [("9", 0.1)]
    assert measure(halves, kpi, FEBRUARY, by=("lead_id",))[1].status == "not_available"


def test_a_quotient_of_two_counts_of_the_same_rows_judges_too(halves: Company) -> None:
    kpi = RatioOfKpis(
        id="ratio", title="Ratio", top_kpi=own(FORMS["a condition"]), bottom_kpi=own(lambda t: t.count()),
        unit="share", better="higher", owners={"sales": 1}, about="Won of all closed.",
    )  # fmt: skip
    whole, refused = measure(halves, kpi, FEBRUARY, by=("stage",))
    assert (whole.value, refused.status) == (0.5, "not_available")
    assert str(refused.reason).startswith("Not asked by stage")
    assert str(measure(halves.narrowed("outcome", "won"), kpi, FEBRUARY)[0].reason).startswith(
        "Not asked by outcome"
    )
    assert measure(halves, kpi, FEBRUARY, by=("accounts.region",))[1].value == 0.5


def test_a_search_and_an_explanation_refuse_it_too(sample: Company) -> None:
    then, now = Period.parse("2026-Q2"), Period.parse("2026-Q3")
    found = find_slices(Measurements(sample, KPIS), "win-rate", then, now, ["region", "stage"])
    assert isinstance(found, Refused)
    assert found.reason.startswith("Not asked by stage")
    assert not isinstance(find_slices(Measurements(sample, KPIS), "win-rate", then, now, ["region"]), Refused)
    with pytest.raises(ParameterError, match=r"'stage=won' of win-rate\. Not asked by stage"):
        explain("win-rate", sample, "2026-Q3", by={"stage": "won"})


def test_the_reasons_are_told_in_german(sample: Company) -> None:
    with speaking("de"):
        stage = measure(sample, KPIS["win-rate"], YEAR, by=("stage",))[1].reason
        product = measure(sample, KPIS["products-per-client"], YEAR, by=("product_id",))[1].reason
    assert str(stage).startswith("Nicht gefragt nach Stufe: opportunities.stage")
    assert str(product).startswith("Nicht gefragt nach product id: ")


ENDED = {
    "opportunities": [
        {
            "opportunity_id": "o1",
            "amount": 10,
            "opened_at": "2026-05-01",
            "closed_at": "2026-07-01",
            "outcome": "lost",
        },
        {
            "opportunity_id": "o2",
            "amount": 20,
            "opened_at": "2026-06-01",
            "closed_at": "2026-08-01",
            "outcome": "lost",
        },
        {
            "opportunity_id": "o3",
            "amount": 40,
            "opened_at": "2026-08-01",
            "closed_at": "2026-09-30",
            "outcome": "lost",
        },
        {"opportunity_id": "o4", "amount": 80, "opened_at": "2026-09-01", "closed_at": None, "outcome": None},
    ],
    "leads": [
        {"lead_id": "l1", "created_at": "2026-05-01", "status": "won", "channel": "email"},
        {"lead_id": "l2", "created_at": "2026-09-30", "status": "new", "channel": "email"},
    ],
}


@pytest.mark.parametrize(
    ("id", "column", "value"),
    [("opportunities", "outcome", "lost"), ("pipeline", "outcome", "lost"), ("leads", "status", "won")],
)
def test_what_came_of_rows_later_is_told_and_not_compared(
    tmp_path: Path, id: str, column: str, value: str
) -> None:
    """Of deals opened in May and June two are lost by now, of July's to September's one so far: that is no fall."""
    company = Company.open(written(ENDED, tmp_path))
    before = Period.parse("2026-Q2")
    part = company.narrowed(column, value)
    told = [
        next(
            r
            for r in measure(company, KPIS[id], "2026-Q3", by=(column,), compare=[before])
            if r.by == {column: value}
        ),
        measure(part, KPIS[id], "2026-Q3", compare=[before])[0],
    ]
    for row in told:
        assert row.value == {"opportunities": 1, "pipeline": 0, "leads": 0}[id]
        assert [c.value for c in row.changes] == [None]
        table = "leads" if id == "leads" else "opportunities"
        assert f"not compared with 2026-Q2: {table}.{column} is written later" in row.method
    for whole in (
        measure(company, KPIS[id], "2026-Q3", compare=[before])[0],
        measure(company, KPIS[id], "2026-Q3", by=(column,), compare=[before])[0],
    ):
        assert [c.value for c in whole.changes] != [None]
        assert "written later" not in whole.method


def test_what_was_known_when_a_row_was_counted_is_compared(tmp_path: Path) -> None:
    company = Company.open(written(ENDED, tmp_path))
    rows = measure(company, KPIS["leads"], "2026-Q3", by=("channel",), compare=[Period.parse("2026-Q2")])
    assert [[c.value for c in r.changes] for r in rows] == [[0], [0]]
