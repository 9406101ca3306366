"""What the explorer shows is what an Analysis holds, computed in parts."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from alignment_toolkit.analysis import analyse
from alignment_toolkit.catalog import Catalog
from alignment_toolkit.company import Company
from alignment_toolkit.display import somebody_looks
from alignment_toolkit.errors import AlignmentError, ParameterError, UnknownName
from alignment_toolkit.explorer import TOPICS, Looking, View, explore
from alignment_toolkit.explorer.keeping import keep_view
from alignment_toolkit.explorer.view import picked
from alignment_toolkit.notebooks import RUN_FOLDER
from alignment_toolkit.results import Analysis, frame

# A family of three is judged by the same rules as one of twenty-seven, and sooner.
SOME = ("dropped_leads", "price_ambition", "channel_mismatch")


@pytest.fixture(scope="module")
def catalog():
    whole = Catalog.load()
    return replace(whole, indicators={k: v for k, v in whole.indicators.items() if k in SOME})


@pytest.fixture(scope="module")
def looking(sample_dir, catalog):
    return Looking(Company.open(sample_dir), catalog)


VIEW = View(period="2026-Q3", kpi="win-rate", by=("region",))


def rounded(rows):
    """Give results as an Analysis writes them."""
    empty = Analysis.empty(company="", currency="", period="")
    return Analysis.from_json(replace(empty, kpis=tuple(rows)).to_json()).kpis


def test_figures_and_findings_are_those_of_the_analysis(looking, catalog):
    expected = analyse(
        looking.company,
        "2026-Q3",
        by=["region"],
        kpis=["win-rate"],
        indicators=list(catalog.indicators),
        catalog=catalog,
    )
    shown = looking.show("figures", VIEW)
    key = lambda r: (r.grain or "", str(r.by), r.period)  # noqa: E731
    assert sorted(rounded(shown.results), key=key) == sorted(expected.kpis, key=key)
    findings = {f.indicator: f for f in looking.findings(VIEW)}
    for f in expected.findings:
        if not f.by:
            assert findings[f.indicator] == f
    for number in (r.value for r in shown.results if r.value is not None):
        assert f"{number * 100:.1f} %" in repr(shown)
        assert f"{number * 100:.1f} %" in shown._repr_html_().replace("\N{NO-BREAK SPACE}", " ")


def test_what_moved_is_that_of_the_analysis(looking, catalog):
    view = View(period="2026-Q3", kpi="arpu")
    expected = analyse(looking.company, "2026-Q3", kpis=["arpu"], indicators=[], catalog=catalog).drivers
    shown = looking.show("moved", view)
    for row, other in zip(shown.results, expected, strict=True):
        assert [p["driver"] for p in row["parts"]] == [p["driver"] for p in other["parts"]]
        assert row["total"] == pytest.approx(other["total"])
    assert not looking.show("moved", view.but(kpi="leads")).results
    assert "Leads" in repr(looking.show("moved", view.but(kpi="leads")))


@pytest.mark.slow
def test_another_margin_gives_the_verdict_that_the_settings_would_give(
    looking, catalog, sample_dir, tmp_path
):
    view = VIEW.but(what_if={"margin.dropped_leads": 0.3})
    found = {f.indicator: f for f in looking.findings(view)}
    told = (sample_dir / "alignment.toml").read_text(encoding="utf-8")
    told += f'\n[source]\nkind = "folder"\nurl = {json.dumps(sample_dir.as_posix())}\n'
    (tmp_path / "alignment.toml").write_text(told + "[indicators.dropped_leads]\nmargin = 0.3\n")
    other = Looking(Company.open(tmp_path / "alignment.toml"), catalog)
    assert found == {f.indicator: f for f in other.findings(VIEW)}
    before = {f.indicator: f for f in looking.findings(VIEW)}["dropped_leads"]
    assert (before.status, found["dropped_leads"].status) == ("misaligned", "uncertain")


def test_a_part_of_the_company_is_narrowed_and_an_unknown_one_is_said_in_the_same_place(looking):
    whole = looking.measured(View(period="2026-Q3", kpi="leads"))[0].value
    north = looking.measured(View(period="2026-Q3", kpi="leads", only=("region=North",)))[0].value
    assert 0 < north < whole
    shown = looking.show("figures", View(period="2026-Q3", kpi="leads", only=("region=Nort",)))
    assert shown.failed
    assert "Did you mean 'North'" in repr(shown)
    assert "Traceback" not in shown._repr_html_()
    assert looking.show("figures", View(period="2026-Q3", kpi="leads", only=("owner=P1",))).failed


def test_what_fails_inside_is_a_sentence_not_a_traceback(looking, monkeypatch):
    def broken(*args, **kwargs):
        raise ZeroDivisionError("a fault\nwith lines")

    monkeypatch.setattr("alignment_toolkit.explorer.looking.measure_kpis", broken)
    shown = looking.show("figures", View(period="2025-Q1", kpi="leads"))
    assert shown.failed
    assert repr(shown).splitlines()[1] == "This could not be computed: ZeroDivisionError: a fault"


def test_the_same_view_is_computed_once_and_found_again_by_its_data(
    looking, sample_dir, catalog, monkeypatch
):
    looking.show("figures", VIEW)
    monkeypatch.setattr("alignment_toolkit.explorer.looking.measure_kpis", None)
    assert not looking.show("figures", VIEW).failed
    again = Looking(Company.open(sample_dir), catalog)
    assert not again.show("figures", VIEW).failed
    assert again.show("figures", VIEW.but(kpi="leads", by=("size",))).failed


def test_weights_and_owners_go_through_the_settings(looking):
    bare = looking.shared(VIEW).scorecard
    under = looking.shared(VIEW.but(what_if={"weight.sales.arpu": 3})).scorecard
    rows = [r for r in under.rows if r["department"] == "sales" and r["counted"] is not None]
    by_hand = sum(r["counted"] * (3 if r["kpi"] == "arpu" else 1) for r in rows) / sum(
        3 if r["kpi"] == "arpu" else 1 for r in rows
    )
    score = {d["department"]: d["score"] for d in under.departments}
    assert score["sales"] == pytest.approx(by_hand)
    assert score["marketing"] == {d["department"]: d["score"] for d in bare.departments}["marketing"]
    view = View(period="2026-Q3", kpi="revenue", what_if={"owner.orders-per-client": 1})
    (row, *_) = looking.show("moved", view).results
    value = {p["driver"]: p["value"] for p in row["parts"]}
    owners = {p["driver"]: p["owners"]["marketing"] for p in row["parts"]}
    assert owners["orders per client"] == 1
    assert row["by_owner"]["marketing"]["value"] == pytest.approx(sum(value[d] * owners[d] for d in value))


def test_what_if_shows_all_that_is_supposed(looking):
    supposed = {
        "margin.dropped_leads": 0.3,
        "weight.sales.arpu": 3,
        "lever.faster-follow-up": 2,
        "owner.arpu": 1,
    }
    shown = looking.show("what-if", View(period="2026-Q3", what_if=supposed))
    said = repr(shown)
    for word in (
        "score with these weights",
        "Faster follow-up",
        "Verdicts under other margins",
        "Owners of the change",
    ):
        assert word in said
    assert set(shown.picks) == {"weight", "margin", "owner"}
    assert shown.starts["weight"]["sales.arpu"] == 1
    assert looking.show("what-if", View(period="2026-Q3", what_if={"lever.none": 1})).failed


@pytest.mark.slow
def test_segments_lead_to_accounts_by_pseudonym(looking, sample_dir):
    shown = looking.show("segments", View(period="2026-Q3", compare="none", segmentation="as_given"))
    assert not shown.failed, shown
    assert shown.picks["segment"]
    names = set(looking.company.values("accounts.name")) if looking.company.has("accounts", "name") else set()
    assert names
    page = shown._repr_html_()
    assert not any(name in page for name in names)
    assert sum(r["size"] for r in shown.results) > 0


def test_the_view_is_its_parameters_and_comes_back(tmp_path):
    view = View.of(
        period="2026-Q3", kpi="win_rate", only="region=North", by="region,channel", finding="dropped-leads",
        what_if="lever.faster-follow-up=1.5", segment="3",
    )  # fmt: skip
    told = json.loads(keep_view(view, tmp_path / "views").read_text(encoding="utf-8"))
    look_at = picked(told.pop("look_at"))
    assert View.of(**told, **look_at) == view
    assert keep_view(view, tmp_path / "views") != keep_view(view, tmp_path / "views")
    for wrong in (
        {"what_if": ["levr.x=1"]},
        {"what_if": ["lever.x=a"]},
        {"what_if": ["lever.=1"]},
        {"kpy": "a"},
    ):
        with pytest.raises(AlignmentError):
            View.of(**wrong)
    with pytest.raises(ParameterError, match="look_at takes"):
        picked(["find=a"])


def test_who_looks_is_seen_from_the_environment(monkeypatch):
    assert not somebody_looks(environment={})
    assert somebody_looks(environment={"SERVER_SOFTWARE": "voila/0.5.13"})
    assert not somebody_looks(environment={"JPY_SESSION_NAME": "a.ipynb", RUN_FOLDER: "x"})
    assert not somebody_looks("no", {"JPY_SESSION_NAME": "a.ipynb"})
    with pytest.raises(ParameterError, match="Did you mean 'yes'"):
        somebody_looks("yess")


@pytest.mark.slow
def test_without_anybody_the_explorer_is_tables_and_pictures(looking, catalog):
    explorer = explore(
        looking.company, "2026-Q3", kpi="win-rate", by=["region"], interactive="no", catalog=catalog
    )
    bundle = explorer._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    for title in ("Key figure", "What moved it", "Segments", "Findings", "What if"):
        assert f"<h3>{title}</h3>" in bundle["text/html"]
    with pytest.raises(UnknownName, match="win-rate"):
        explore(looking.company, kpi="win-rat")
    with pytest.raises(UnknownName):
        explorer.show("figure")
    assert next(iter(TOPICS)) == "figures"
    assert frame(explorer.show("figures").results).shape[0] > 4


def test_a_split_that_is_not_told_says_why_in_each_place(looking):
    """No deal is without an outcome here: a row for a missing one would say that there are such."""
    view = View(period="2026-Q3", kpi="win-rate", by=("outcome",))
    shown = looking.show("figures", view)
    assert "(missing)" not in repr(shown)
    assert "(not told)" in repr(shown)
    assert "Not asked by outcome" in repr(shown)
    assert "Not asked by outcome" in repr(looking.show("course", view))
    part = repr(looking.show("figures", View(period="2026-Q3", kpi="win-rate", only=("outcome=won",))))
    assert "how they were chosen." in part
    assert "chosen.." not in part


def test_a_key_figure_that_no_drivers_divide_is_no_failure(looking):
    shown = looking.show("moved", View(period="2026-Q3", kpi="win-rate"))
    assert not shown.failed
    assert "The change of Win rate is not split into drivers; that of these is: Revenue, " in repr(shown)


def test_why_there_is_no_scorecard_is_told_as_it_is(looking):
    """The sample's plan has targets: of the whole company, from 2025 on."""
    part = repr(looking.show("what-if", View(period="2026-Q3", only=("region=North",))))
    assert "Targets and weights are the whole company's, so a part of it has no scorecard." in part
    assert "neither targets" not in part
    early = repr(looking.show("what-if", View(period="2019-Q1")))
    assert "neither targets for 2019-Q1 in the table plan nor weights in the settings" in early
