"""`explain`: what a KPI is, and where its rows went, against plain pandas."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import alignment_toolkit as at
from alignment_toolkit.catalog import Catalog
from alignment_toolkit.display import html
from alignment_toolkit.errors import ParameterError, UnknownName
from alignment_toolkit.kpi import Kpi, measure
from alignment_toolkit.kpi.excluded import rows_of
from alignment_toolkit.periods import Period
from tests.builders import company_of, written

CATALOG = Catalog.load()
QUARTER = Period.parse("2026-Q2")


@pytest.fixture(scope="module")
def company(sample_dir):
    return at.Company.open(sample_dir)


@pytest.fixture(scope="module")
def analysis(company):
    return at.analyse(company, "2026-Q2", by="region", kpis=["leads", "arpu"], indicators=["dropped_leads"])


@pytest.mark.parametrize("id", [*CATALOG.kpis, *CATALOG.indicators])
def test_every_entry_is_explained_in_all_forms(id):
    told = at.explain(id)
    entry = CATALOG.get(id)
    assert entry.title in str(told)
    assert entry.title in told.to_json()["title"]
    json.dumps(told.to_json(), allow_nan=False)
    page = html(told)
    assert page.count("<table ") == page.count("</table>") == 1
    if told.kind == "kpi":
        assert set(told.facts["owners"]) == set(entry.owners)
        assert " ".join(entry.about.split())[:40] in str(told).replace("\n", " ")


def lead(id, created, account=None, **more):
    return {"lead_id": id, "account_id": account, "created_at": created} | more


def test_every_reason_is_counted_by_hand():
    company = company_of(
        {
            "leads": [
                lead("1", "2026-04-01 10:00", "a"),
                lead("2", "2026-04-20 10:00", "a"),  # the same episode
                lead("3", "2026-05-01 10:00", "b"),  # a client since long
                lead("4", "2026-06-20 10:00", "c"),  # too young
                lead("5", "2026-03-31 10:00", "d"),  # the quarter before
                lead("6", "2026-07-01 10:00", "e"),  # the quarter after
                lead("7", "2026-05-05 10:00", "f", deleted_at="2026-05-01 10:00"),
                lead("8", "2026-04-02 10:00"),  # without account
            ],
            "orders": [{"order_id": "o", "account_id": "b", "ordered_at": "2025-01-01 10:00", "amount": 1}],
        },
        until=dict.fromkeys(("leads", "orders"), "2026-08-31"),
    )
    kpi = CATALOG.kpis["lead-to-client"]
    row = measure(company, kpi, QUARTER)[0]
    found = rows_of(company, kpi, QUARTER, row, {})
    assert found.left == {
        "deleted before created_at": 1,
        "created_at outside the period": 2,
        "too young to be judged": 1,
        "episodes opened by existing clients": 1,
        "later leads of an episode, which counts once": 1,
    }
    assert (found.all, found.counted, found.unit, found.without_client) == (8, 2, "episodes", 1)


def test_rows_without_date_and_after_the_last_day_are_told_apart():
    deals = [
        {"opportunity_id": str(i), "opened_at": "2026-04-01 09:00", "closed_at": day, "outcome": outcome}
        for i, (day, outcome) in enumerate(
            [("2026-04-10 09:00", "won"), ("2026-04-11 09:00", "lost"), (None, None), ("2026-04-12 09:00", None),
             ("2026-06-10 09:00", "won")]
        )
    ]  # fmt: skip
    company = company_of({"opportunities": deals}, toml='[company]\ncurrency = "EUR"\nas_of = 2026-05-31\n')
    kpi = CATALOG.kpis["win-rate"]
    found = rows_of(company, kpi, QUARTER, measure(company, kpi, QUARTER)[0], {})
    assert found.left == {
        "without closed_at": 1,
        "after 2026-05-31, the last day of complete data": 1,
        "not part of the definition": 1,
    }
    assert found.counted == 2


@pytest.mark.parametrize("by", [{}, {"region": "North"}], ids=["whole", "part"])
def test_the_sorts_add_up_for_every_kpi_and_slice(company, by):
    kpis = [k for k in CATALOG.kpis.values() if isinstance(k, Kpi) and not k.missing(company)]
    measured = measure(company, kpis, QUARTER, by=tuple(by), catalogue=CATALOG.kpis, spread=False)
    rows = {r.kpi: r for r in measured if dict(r.by) == by and r.grain is None}
    assert len(rows) >= 10
    for kpi in kpis:
        if (row := rows.get(kpi.id)) is None:
            continue
        found = rows_of(company, kpi, QUARTER, row, by)
        assert found.all == found.counted + sum(found.left.values()), kpi.id
        assert min([found.counted, found.without_client, *found.left.values()]) >= 0, kpi.id
        if found.unit != "rows" and row.status == "ok":
            assert found.counted == row.n, kpi.id


def test_against_pandas_on_the_sample(company, sample_dir):
    told = at.explain("leads", company, "2026-Q2", by={"channel": "email"})
    leads = pd.read_csv(sample_dir / "leads.csv", parse_dates=["created_at"])
    email = leads[leads.channel == "email"]
    inside = email[(email.created_at >= "2026-04-01") & (email.created_at < "2026-07-01")]
    assert [r["rows"] for r in told.rows] == [
        len(leads), len(leads) - len(email), len(email) - len(inside), len(inside),
    ]  # fmt: skip
    assert told.number["n"] == f"{len(inside)} leads"


def test_a_ratio_of_two_relations_has_the_rows_of_both(company):
    told = at.explain("cost-per-sale", company, "2026-Q2")
    assert {r["of"] for r in told.rows} == {"spend", "clients"}
    for relation in ("spend", "clients"):
        whole, *rest = [r["rows"] for r in told.rows if r["of"] == relation]
        assert whole == sum(rest)


def test_owners_and_options_are_those_of_the_settings(tmp_path):
    folder = written({"leads": [lead("1", "2026-04-01 10:00", "a")]}, tmp_path)
    (folder / "alignment.toml").write_text(
        "[owners.leads]\nmarketing = 0.6\nsales = 0.4\n[kpis.lead-to-client]\nhorizon_days = 30\n", "utf-8"
    )
    assert at.explain("leads", folder, "2026-Q2").facts["owners"] == {"marketing": 0.6, "sales": 0.4}
    told = at.explain("lead-to-client", folder, "2026-Q2")
    assert told.facts["options"] == {"horizon_days": 30}
    assert "needs" in told.number["not available because"]
    assert told.rows == ()


def test_refused_rows_are_told(tmp_path):
    folder = written({"leads": [lead("1", "2026-04-01 10:00")]}, tmp_path)
    with (folder / "leads.csv").open("a", encoding="utf-8") as out:
        out.write("2,,\n")
    told = at.explain("leads", folder, "2026-Q2")
    refused = [r for r in told.rows if r["of"] == "table leads"]
    assert [r["rows"] for r in refused] == [1]
    assert "refused on reading" in refused[0]["what"]


def test_a_number_of_an_analysis_without_the_data(analysis, tmp_path):
    whole = analysis.kpi("arpu")
    told = at.explain("arpu", analysis=analysis)
    assert (told.number["top"], told.number["bottom"]) == (whole.top, whole.bottom)
    assert told.number["method"] == whole.method
    assert told.number["fingerprint of the data"] == analysis.data_fingerprint
    assert told.number["target"] == "€10,000"
    north = at.explain("leads", analysis=analysis, by={"region": "North"})
    assert north.number["n"] == str(analysis.kpi("leads", region="North").n)
    assert north.number["filters"] == "region = North"
    assert "target" not in at.explain("arpu", analysis=analysis, by={"region": "North"}).number
    file = tmp_path / "analysis.json"
    file.write_text(analysis.dumps(), "utf-8")
    assert at.explain("arpu", analysis=file).to_json() == told.to_json()
    assert at.explain("arpu", analysis=tmp_path).to_json() == told.to_json()


def test_a_finding_of_an_analysis(analysis):
    found = analysis.finding("dropped_leads")
    told = at.explain("dropped-leads", analysis=analysis)
    assert told.number["n"] == f"{found.gap.n} leads"
    assert told.number["method"] == found.gap.method
    assert told.number["margin"] == "10.0 %"


def test_a_kpi_that_only_the_analysis_knows(analysis):
    data = json.loads(analysis.dumps().replace('"arpu"', '"spend-per-head"'))
    told = at.explain("spend-per-head", analysis=at.Analysis.from_json(data))
    assert told.title == "Revenue per active client"
    assert told.number["value"] == "€10,560"


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        ({"id": "arpo"}, UnknownName, "Did you mean 'arpu'?"),
        ({"id": "leads", "source": "data/sample", "period": "2026-Q2", "by": {"channel": "emial"}}, UnknownName,
         "Did you mean 'channel=email'?"),
        ({"id": "leads", "source": "data/sample", "period": "2026-Q2", "by": {"chanel": "email"}}, UnknownName,
         "Did you mean 'channel'?"),
        ({"id": "leads", "period": "2026-Q2"}, ParameterError, "needs the data: name a source"),
        ({"id": "dropped_leads", "source": "data/sample"}, ParameterError, "is an indicator: analyse"),
        ({"id": "leads", "analysis": "no/such.json"}, ParameterError, "can't be read"),
    ],
)  # fmt: skip
def test_errors_say_what_is_there(call, error, said, project_dir, monkeypatch):
    monkeypatch.chdir(project_dir)
    with pytest.raises(error) as raised:
        at.explain(**call)
    assert said in str(raised.value)


def test_errors_of_an_analysis(analysis):
    with pytest.raises(UnknownName, match="Did you mean 'region=North'"):
        at.explain("leads", analysis=analysis, by={"region": "Nort"})
    with pytest.raises(UnknownName, match="in the Analysis of 2026-Q2"):
        at.explain("win-rate", analysis=analysis)
    with pytest.raises(ParameterError, match="Both a source and an Analysis"):
        at.explain("leads", "data/sample", analysis=analysis)


def test_a_product_of_kpis_tells_all_its_sides():
    from alignment_toolkit.catalog import Catalog
    from alignment_toolkit.explanation.declared import declared
    from alignment_toolkit.settings import Settings

    catalog = Catalog.load(Settings.from_toml("[company]\ncurrency = 'EUR'\n"))
    told = declared(catalog.kpis["pipeline-velocity"], catalog, None).facts
    assert told["top_kpi"].startswith("Open opportunities")
    assert [t.partition(" (")[0] for t in told["times"]] == ["Win rate", "Average deal"]
    assert told["bottom_kpi"].startswith("Sales cycle")
    assert "times" not in declared(catalog.kpis["cost-per-sale"], catalog, None).facts
