"""Levers, double messages, and the scorecard in the Analysis and the report."""

from __future__ import annotations

import json

import pytest

from alignment_toolkit import analysis as analysis_module
from alignment_toolkit.company import Company
from alignment_toolkit.errors import SettingsError
from alignment_toolkit.kpi import measure
from alignment_toolkit.report import Report
from alignment_toolkit.results import Analysis, Scorecard
from alignment_toolkit.scorecard import check_incentives, shared_scorecard
from alignment_toolkit.scorecard.levers import KPIS, LEVERS, State
from alignment_toolkit.settings import Settings
from tests.builders import company_of, written
from tests.scorecards import CATALOG, QUARTER, card, deals, department_of, goal, leads

# ---- levers ----------------------------------------------------------------------------------------------------

NOT_COUNTED = {
    "acceptance-rate",
    "followed-up-in-time",
    "time-to-first-touch",
    "payback-months",
    "cost-to-serve",
}


def company_like(s):
    """Make rows of a company that is a `State`, with whole numbers."""
    spread = "2026-01-15 09:00"
    n, new, old = round(s.leads), round(s.new), round(s.old)
    lead = [
        {
            "lead_id": f"l{i}", "account_id": f"new{i}", "created_at": spread, "sourced_by": "marketing",
            "qualified_at": "2026-01-20 09:00" if i < round(n * s.passed) else None,
        }
        for i in range(n)
    ]  # fmt: skip
    deal = [
        {
            "opportunity_id": f"d{i}", "account_id": f"new{i}", "lead_id": f"l{i}", "opened_at": "2026-01-21 09:00",
            "closed_at": "2026-02-10 09:00", "outcome": "won" if i < new else "lost",
            "amount": s.value * s.price, "list_amount": s.value,
        }
        for i in range(round(s.deals))
    ]  # fmt: skip
    clients = [f"new{i}" for i in range(new)] + [f"old{i}" for i in range(old)]
    order = [
        {
            "order_id": f"{c} {k}", "account_id": c, "ordered_at": f"2026-02-{10 + k} 10:00",
            "amount": s.value * s.price, "list_amount": s.value, "cost": s.cost,
        }
        for c in clients
        for k in range(round(s.orders))
    ]  # fmt: skip
    order += [
        {
            "order_id": f"before old{i}", "account_id": f"old{i}", "ordered_at": "2025-11-10 10:00", "amount": 1,
            "list_amount": 1, "cost": 1,
        }
        for i in range(old)
    ]  # fmt: skip
    spend = [
        {
            "spend_id": d,
            "spent_on": "2026-01-10",
            "amount": a,
            "department": d,
            "audience": "new",
            "category": "media",
        }
        for d, a in (("marketing", s.marketing), ("sales", s.sales))
    ]
    tables = {"leads": lead, "opportunities": deal, "orders": order, "spend": spend}
    # Late enough for all of them to be old enough.
    return company_of(
        tables, until=dict.fromkeys(("leads", "opportunities", "orders", "spend"), "2027-12-31")
    )


START = State(
    leads=40, quality=0.2, passed=0.5, opened=0.8, old=12, orders=2, value=100, price=0.9, cost=50, marketing=400,
    sales=240,
)  # fmt: skip
OTHER = State(
    leads=50, quality=0.2, care=0.9, passed=0.4, opened=0.7, old=15, orders=3, value=110, price=0.8, cost=44,
    marketing=500, sales=200,
)  # fmt: skip


@pytest.mark.parametrize("state", [START, OTHER], ids=["one", "other"])
def test_the_identities_of_the_levers_are_those_of_the_catalogue(state):
    known = [k for id, k in CATALOG.kpis.items() if id in KPIS and id not in NOT_COUNTED]
    rows = measure(company_like(state), known, QUARTER, catalogue=CATALOG.kpis, spread=False)
    checked = {r.kpi for r in rows if r.status == "ok"}
    assert {
        "revenue",
        "arpu",
        "leads",
        "lead-to-client",
        "win-rate",
        "new-clients",
        "cost-per-sale",
    } <= checked
    assert {"profit", "gross-margin-rate", "revenue-per-lead", "discount", "repeat-revenue-share"} <= checked
    for row in rows:
        if row.status == "ok":
            assert row.value == pytest.approx(KPIS[row.kpi](state), rel=1e-9), row.kpi


def test_every_catalogue_kpi_of_the_levers_is_in_the_catalogue_or_says_so():
    assert {id for id in KPIS if id in CATALOG.kpis} >= {
        "revenue",
        "leads",
        "win-rate",
        "new-clients",
        "spend",
    }


BETTER = dict.fromkeys(KPIS, "higher") | dict.fromkeys(("spend", "cost-per-lead", "cost-per-sale"), "lower")


def lever(id, weights, spans=None):
    return next(r for r in check_incentives(weights, BETTER, spans) if r["lever"] == id)


def test_more_but_weaker_leads_by_hand():
    spans = {"margin": (0.5,), "new": (0.5,), "spend": (0.1,), "later": (0.0,)}
    found = lever("more-weaker-leads", {"marketing": {"leads": 1}, "sales": {"lead-to-client": 1}}, spans)
    scores = {s["department"]: s for s in found["scores"]}
    assert scores["marketing"]["change"] == scores["marketing"]["low"] == pytest.approx(0.1)
    assert scores["sales"]["high"] == pytest.approx(1 / 1.1 - 1, abs=1e-9)  # sales' time is lost to nobody
    assert scores["sales"]["change"] == pytest.approx(1.1**-1.3 - 1, abs=1e-9)
    # New clients are half of all; revenue and margin move with clients, spend does not.
    assert found["profit"]["change"] == pytest.approx(0.5 * 0.5 * (1.1**-0.3 - 1), abs=1e-9)
    assert found["conflict"] == ["against the other department", "against profit"]


def test_a_discount_pays_only_what_it_must_by_hand():
    spans = {"margin": (0.4,), "new": (0.25,), "spend": (0.1,), "later": (0.0,)}
    found = lever("deeper-discounts", {"sales": {"win-rate": 1}, "marketing": {"arpu": 1}}, spans)
    # Per 1 of revenue: clients 1 + 0.25 (1/0.95 - 1), at a margin of 0.95 - 0.6 instead of 0.4.
    clients = 1 + 0.25 * (1 / 0.95 - 1)
    assert found["profit"]["change"] == pytest.approx(clients * 0.35 - 0.4, abs=1e-9)
    scores = {s["department"]: s["change"] for s in found["scores"]}
    assert scores["sales"] == pytest.approx(1 / 0.95 - 1, abs=1e-9)
    assert scores["marketing"] == pytest.approx(-0.05)
    assert found["conflict"] == ["against the other department", "against profit"]


def test_a_scorecard_of_profit_sets_nobody_against_profit():
    both = {"marketing": {"profit": 1}, "sales": {"profit": 1}}
    spans = {"margin": (0.4,), "new": (0.3,), "spend": (0.1,), "later": (0.0,)}
    rows = check_incentives(both, BETTER, spans)
    assert [r["lever"] for r in rows if r["conflict"]] == []
    assert any(s["change"] > 0 for r in rows for s in r["scores"])


def test_good_work_that_nobody_pays_for_is_named():
    found = lever("faster-follow-up", {"marketing": {"leads": 1}, "sales": {"average-order": 1}},
                  {"margin": (0.6,), "new": (0.6,), "spend": (0.05,), "later": (1.0,)})  # fmt: skip
    assert found["conflict"] == ["good for profit, not rewarded"]


def test_a_kpi_that_no_lever_knows_is_left_out_and_said():
    found = lever("deeper-discounts", {"sales": {"win-rate": 1, "on-time-delivery": 3}})
    assert found["scores"][0]["covered"] == 0.25


def test_both_ends_of_every_lever_hold_the_middle():
    for row in check_incentives(
        {"marketing": {"leads": 1, "cost-per-lead": 1}, "sales": {"win-rate": 1, "arpu": 1}}, BETTER
    ):
        for span in (*row["kpis"], *row["scores"], row["profit"]):
            assert span["low"] <= span["change"] <= span["high"]
    assert len({v.id for v in LEVERS}) == len(LEVERS)


# ---- double messages -------------------------------------------------------------------------------------------


def messages(found, department):
    return {(m["kind"], m["kpi"], m["lever"]) for m in department_of(found, department)["messages"]}


def test_double_messages_are_named():
    tables = {
        "leads": leads(60), "opportunities": deals(4, 6),
        "plan": [
            goal("lead-to-client", "marketing", 0.1), goal("leads", "marketing", 40), goal("leads", "sales", 50),
            goal("win-rate", "sales", 0.5),
            {"dimension": "product", "key": "P", "department": "sales", "measure": "price", "value": 1.1},
        ],
    }  # fmt: skip
    toml = "[scorecard.marketing.weights]\nleads = 1\n[scorecard.sales.weights]\nwin-rate = 1\n"
    found = card(tables, toml=toml)
    assert messages(found, "marketing") == {
        ("goal without weight", "lead-to-client", None),
        ("two goals", "leads", None),
        ("pays against the goal", "lead-to-client", "more-weaker-leads"),
    }
    sales = messages(found, "sales")
    assert ("pays against the goal", "realised-price", "deeper-discounts") in sales
    assert ("two goals", "leads", None) in sales
    assert ("goal without weight", "leads", None) in sales


def test_one_message_is_no_double_message():
    found = card(
        {"leads": leads(60), "plan": [goal("leads", "marketing", 40)]},
        toml="[scorecard.marketing.weights]\nleads = 1\n",
    )
    assert messages(found, "marketing") == set()


# ---- in the Analysis and the report ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample(sample_dir):
    company = Company.open(sample_dir)
    return analysis_module.analyse(
        company, "2026-Q2", indicators=[], kpis=["leads", "arpu", "win-rate", "lead-to-client"]
    )


def test_the_sample_has_a_scorecard_that_goes_to_json_and_back(sample):
    assert [d["department"] for d in sample.scorecard.departments] == ["marketing", "sales"]
    assert len(sample.scorecard.rows) == 7
    assert len(sample.incentives) == len(LEVERS)
    text = sample.dumps()
    assert Analysis.loads(text).dumps() == text
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} in analysis.json"))


def test_the_rows_say_what_the_kpis_say(sample):
    for row in sample.scorecard.rows:
        kpi = sample.kpi(row["kpi"])
        assert (row["value"], row["n"], row["owners"]) == (kpi.value, kpi.n, kpi.owners)
        assert row["attainment"] == pytest.approx(kpi.value / row["target"], rel=1e-9)


def test_the_docs_name_every_key(sample, project_dir):
    page = (project_dir / "docs" / "scorecard.md").read_text("utf-8")
    rows = (sample.scorecard.rows[0], sample.scorecard.departments[0], sample.incentives[0])
    assert [k for row in rows for k in row if f"`{k}`" not in page] == []


def test_the_report_tells_it(sample):
    page = Report.of(sample).text("html")
    for words in (
        "Shared scorecard",
        "Who answers for what",
        "Double messages",
        "What the weights pay for",
        "not reached",
    ):
        assert words in page


def test_a_scorecard_that_fails_takes_nothing_down(sample_dir, monkeypatch):
    def broken(*_):
        raise RuntimeError("plan of the moon")

    monkeypatch.setattr(analysis_module, "shared_scorecard", broken)
    found = analysis_module.analyse(Company.open(sample_dir), "2026-Q2", indicators=[], kpis=["leads"])
    assert found.scorecard == Scorecard()
    assert found.kpi("leads").value
    assert any("plan of the moon" in w for w in found.warnings)


def test_a_weight_of_an_unknown_kpi_is_refused_with_line_and_near_match():
    settings = Settings.from_toml("[scorecard.sales.weights]\nwin-rat = 1\n")
    with pytest.raises(SettingsError, match=r"(?s)2.*no KPI 'win-rat'.*Did you mean 'win-rate'"):
        CATALOG.check(settings)


def test_row_order_changes_nothing(tmp_path):
    rows = {
        "leads": leads(60),
        "opportunities": deals(14, 16),
        "plan": [goal("leads", "marketing", 40), goal("win-rate", "sales", 0.5)],
    }
    found = []
    for name, turn in (("a", 1), ("b", -1)):
        folder = tmp_path / name
        folder.mkdir()
        company = Company.open(written({t: r[::turn] for t, r in rows.items()}, folder))
        found.append(shared_scorecard(company, QUARTER, CATALOG))
    assert found[0] == found[1]
