"""The shared scorecard by hand: goals, attainment, scores, weights tried, levers, double messages."""

from __future__ import annotations

import itertools
import math
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment_toolkit.company import Company
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Scorecard
from alignment_toolkit.scorecard import shared_scorecard
from alignment_toolkit.scorecard.attainment import ratio_to_target
from alignment_toolkit.scorecard.goals import read_goals
from alignment_toolkit.scorecard.scores import Counted, leads_under, range_within, score
from alignment_toolkit.statistics.shares import wilson
from tests.builders import company_of, written
from tests.scorecards import CATALOG, QUARTER, UNTIL, card, deals, department_of, goal, leads, row_of

# ---- goals of the plan -----------------------------------------------------------------------------------------


def goals_of(*rows):
    return read_goals(company_of({"plan": rows}, columns={"plan": ["period"]}), QUARTER, CATALOG.kpis)


def test_the_goal_of_the_period_itself_holds_before_a_longer_and_one_without_period():
    found = goals_of(
        goal("win-rate", "sales", 0.5, None),
        goal("win-rate", "sales", 0.4, "2026"),
        goal("win_rate", "sales", 0.3),
    )
    assert found.targets["sales", "win-rate"].value == 0.3
    found = goals_of(goal("win-rate", "sales", 0.5, None), goal("win-rate", "sales", 0.4, "2026"))
    assert found.targets["sales", "win-rate"].value == 0.4


def test_a_years_target_holds_for_a_quarter_only_of_what_does_not_grow():
    found = goals_of(goal("win-rate", "sales", 0.4, "2026"), goal("leads", "marketing", 400, "2026"))
    assert set(found.targets) == {("sales", "win-rate")}
    assert "what part of it falls to 2026-Q1" in found.unclear["marketing", "leads"]


def test_a_goal_of_another_period_is_none():
    found = goals_of(goal("leads", "marketing", 400, "2026-Q2"))
    assert not found.targets
    assert found.for_department("marketing", "leads") == (
        None, "the plan's targets of it are for other periods, 2026-Q2 for one",
    )  # fmt: skip


def test_two_values_at_once_are_no_goal():
    found = goals_of(goal("leads", "marketing", 400), goal("leads", "marketing", 500))
    assert not found.targets
    assert "several targets of it for marketing at once: 400 and 500" in found.unclear["marketing", "leads"]


def test_own_goal_then_the_companys_then_anothers():
    found = goals_of(
        goal("arpu", "company", 10),
        goal("arpu", "sales", 12),
        goal("win-rate", "sales", 0.3),
        goal("leads", "company", 4),
    )
    assert found.for_department("sales", "arpu")[0].value == 12
    assert found.for_department("marketing", "arpu")[0].value == 10
    assert found.for_department("marketing", "win-rate")[0].department == "sales"
    assert found.for_department("marketing", "revenue") == (None, "the plan has no target of it")


def test_rows_that_can_not_be_used_are_told_with_the_near_match():
    found = goals_of(goal("win-rat", "sales", 0.3), goal("leads", "marketing", 4, "2026Q1"))
    assert not found.targets
    assert any("no KPI 'win-rat'" in w and "Did you mean 'win-rate'?" in w for w in found.warnings)
    assert any("'2026Q1' of leads can't be read" in w for w in found.warnings)


# ---- attainment ------------------------------------------------------------------------------------------------


def test_attainment_is_the_kpi_and_its_interval_over_the_target():
    found = row_of(card({"opportunities": deals(4, 6), "plan": [goal("win-rate", "sales", 0.5)]}), "win-rate")
    e = wilson(4, 10, n_unit="opportunities").estimate
    assert found["attainment"] == pytest.approx(0.8)
    assert found["attainment_low"] == pytest.approx(e.low / 0.5)
    assert found["attainment_high"] == pytest.approx(e.high / 0.5)
    assert (found["reached"], found["chance"], found["projected"]) == (False, 0.0, None)
    z = (0.4 - 0.5) / math.sqrt(0.25 / 10)
    assert found["confidence"] == pytest.approx(0.5 * math.erfc(-z / math.sqrt(2)), abs=1e-6)
    assert found["weight_from"] == "equal over KPIs owned 30% or more"


def test_where_less_is_better_attainment_is_turned_round_and_the_ends_change_places():
    tables = {
        "opportunities": deals(8, 2),
        "spend": [{"spend_id": "s", "spent_on": "2026-02-01", "amount": 1000}],
        "plan": [goal("cost-per-sale", "company", 100), goal("spend", "company", 800)],
    }
    found = card(tables, until=UNTIL | {"spend": "2026-09-30"})
    cost = row_of(found, "cost-per-sale")
    assert cost["value"] == 125
    assert cost["attainment"] == pytest.approx(0.8)
    assert cost["attainment_low"] == pytest.approx(100 / cost["high"])
    assert cost["attainment_low"] < cost["attainment"] < cost["attainment_high"]
    assert cost["reached"] is False
    spend = row_of(found, "spend")
    assert (spend["attainment"], spend["attainment_low"], spend["confidence"]) == (0.8, 0.8, None)


@pytest.mark.parametrize(
    ("value", "target", "better", "expected"),
    [(0, 10, "higher", 0.0), (-5, 10, "higher", -0.5), (0, 10, "lower", None), (5, 0, "higher", None),
     (5, -1, "lower", None)],
)  # fmt: skip
def test_no_ratio_is_invented(value, target, better, expected):
    assert ratio_to_target(value, target, better) == expected


def test_a_target_of_zero_is_reached_or_not_without_attainment():
    found = row_of(card({"opportunities": deals(4, 6), "plan": [goal("win-rate", "sales", 0)]}), "win-rate")
    assert (found["status"], found["attainment"], found["reached"], found["chance"]) == (
        "not_available",
        None,
        True,
        1.0,
    )
    assert "target of 0 or less has no attainment" in found["reason"]


def test_a_share_in_per_cent_is_refused():
    found = row_of(card({"opportunities": deals(4, 6), "plan": [goal("win-rate", "sales", 30)]}), "win-rate")
    assert found["attainment"] is None
    assert "30 % is written 0.3" in found["reason"]


def test_what_can_not_be_measured_is_not_available_with_its_reason():
    found = card({"opportunities": deals(4, 0), "plan": [goal("win-rate", "sales", 0.3)]})
    assert "no lost opportunity at all" in row_of(found, "win-rate")["reason"]
    sales = department_of(found, "sales")
    assert (sales["score"], sales["status"]) == (None, "not_available")
    assert "only 0 % of the weight" in sales["reason"]


def test_a_period_that_runs_is_projected_to_its_end():
    rows = [lead for i in range(60) for lead in leads(2, str(date(2026, 1, 1) + timedelta(days=i)), f"d{i}-")]
    until = dict.fromkeys(("leads", "orders"), "2026-03-01")
    orders = [{"order_id": "o", "account_id": "x", "ordered_at": "2026-01-05 10:00", "amount": 10}]
    plan = [goal("leads", "marketing", 180), goal("arpu", "company", 5)]
    found = card({"leads": rows, "orders": orders, "plan": plan}, until=until)
    got = row_of(found, "leads", "marketing")
    assert got["projected"]["value"] == 180  # two a day, 90 days
    assert got["attainment"] == 1.0
    assert got["reached"] is None
    assert 0.3 < got["chance"] < 0.7
    assert "the pace of the 60 days up to 2026-03-01 goes on" in got["basis"]
    arpu = row_of(found, "arpu", "sales")
    assert (arpu["attainment"], arpu["chance"]) == (None, None)
    assert arpu["reason"]


def sold(day, account, amount=10):
    return {
        "order_id": f"{day} {account}",
        "account_id": account,
        "ordered_at": f"{day} 10:00",
        "amount": amount,
    }


def test_clients_of_a_period_are_not_projected_from_days_however_few_there_are():
    # In January each client buys on one day only; in December one of them bought as well.
    orders = [sold(str(date(2025, 12, 1) + timedelta(days=i)), f"a{i % 31}") for i in range(34)]
    found = row_of(
        card(
            {"orders": orders, "plan": [goal("active-clients", "company", 50)]},
            until={"orders": "2026-01-03"},
        ),
        "active-clients",
    )
    assert found["value"] == 3
    assert (found["projected"], found["chance"]) == (None, None)
    assert "counts clients or orders of the whole period" in found["reason"]


def test_revenue_that_runs_is_projected_and_a_quotient_of_two_sums_too():
    days = [str(date(2026, 1, 1) + timedelta(days=i)) for i in range(45)]
    orders = [sold(day, f"{day} {k}") for day in days for k in range(2)]
    spend = [{"spend_id": day, "spent_on": day, "amount": 5} for day in days]
    plan = [goal("revenue", "company", 1800), goal("cost-per-sale", "company", 2.5)]
    until = dict.fromkeys(("orders", "spend"), "2026-02-14")
    found = card({"orders": orders, "spend": spend, "plan": plan}, until=until)
    revenue = row_of(found, "revenue")
    assert revenue["projected"]["value"] == pytest.approx(1800)
    assert revenue["attainment"] == pytest.approx(1)
    cost = row_of(found, "cost-per-sale")
    assert cost["projected"]["value"] == pytest.approx(2.5)
    assert cost["projected"]["low"] < 2.5 < cost["projected"]["high"]
    assert cost["confidence"] is None


def test_what_is_booked_is_not_projected_as_if_the_rest_were_known():
    days = [str(date(2026, 1, 1) + timedelta(days=i)) for i in range(45)]
    spend = [
        {"spend_id": f"{day} {who}", "spent_on": day, "amount": 5, "audience": who}
        for day in days
        for who in ("new", "existing")
    ]
    plan = [goal("new-client-spend-share", "company", 0.4)]
    found = row_of(
        card({"spend": spend, "plan": plan}, until={"spend": "2026-02-14"}),
        "new-client-spend-share",
        "marketing",
    )
    assert found["value"] == 0.5
    assert (found["chance"], found["projected"]) == (None, None)
    assert "booked" in found["reason"]


def test_a_part_of_a_company_has_no_targets(sample_dir):
    part = Company.open(sample_dir).narrowed("region", "North")
    assert shared_scorecard(part, Period.parse("2026-Q2"), CATALOG).scorecard == Scorecard()


@pytest.mark.parametrize("as_of", ["2026-08-20", pytest.param("2026-09-30", marks=pytest.mark.slow)])
def test_every_kpi_with_a_target_has_an_attainment_or_a_reason(sample_dir, tmp_path, as_of):
    rows = [
        {
            "dimension": "kpi",
            "key": id,
            "department": "company",
            "measure": "target",
            "value": 1,
            "period": "2026-Q3",
        }
        for id in CATALOG.kpis
    ]
    for file in sample_dir.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    written({"plan": rows}, tmp_path)
    company = Company.open(tmp_path, as_of=as_of)
    found = shared_scorecard(company, Period.parse("2026-Q3"), CATALOG)
    assert {r["kpi"] for r in found.scorecard.rows} == set(CATALOG.kpis)
    for row in found.scorecard.rows:
        assert (row["status"] == "ok") == (row["attainment"] is not None)
        assert (row["reason"] is None) == (row["status"] == "ok")
        for name in ("attainment", "attainment_low", "attainment_high", "chance", "confidence"):
            assert row[name] is None or math.isfinite(row[name])
        assert (
            row["attainment_low"] is None
            or row["attainment_low"] <= row["attainment"] <= row["attainment_high"]
        )
        assert row["chance"] is None or 0 <= row["chance"] <= 1
        assert (row["reached"] is None) or row["chance"] in (0, 1)


def test_a_share_that_runs_keeps_its_value_and_narrows_with_time():
    plan = [goal("win-rate", "sales", 0.5)]
    ends = []
    for until in ("2026-01-20", "2026-03-20"):
        rows = deals(20, 20, "2026-01-10")
        found = row_of(
            card({"opportunities": rows, "plan": plan}, until={"opportunities": until}), "win-rate"
        )
        assert found["attainment"] == pytest.approx(1.0)
        assert found["chance"] == pytest.approx(0.5)
        ends.append(found["attainment_high"] - found["attainment_low"])
    f = [1 - 20 / 90, 1 - 79 / 90]
    assert ends[0] / ends[1] == pytest.approx(math.sqrt(f[0] / f[1]))


def test_a_cohort_that_is_young_in_part_is_projected_over_the_young():
    rows = [*leads(40, "2026-01-15", "old"), *leads(10, "2026-03-20", "young")]
    orders = [
        {"order_id": f"o{i}", "account_id": f"olda{i}", "ordered_at": "2026-02-15 09:00", "amount": 10}
        for i in range(10)
    ]
    until = dict.fromkeys(("leads", "orders"), "2026-05-15")
    found = row_of(
        card(
            {"leads": rows, "orders": orders, "plan": [goal("lead-to-client", "marketing", 0.2)]}, until=until
        ),
        "lead-to-client",
    )
    e = wilson(10, 40, n_unit="episodes").estimate
    assert found["projected"]["value"] == 0.25
    assert found["projected"]["low"] == pytest.approx(0.25 - (0.25 - e.low) * math.sqrt(10 / 50))
    assert found["immature"] is True
    assert 0.9 < found["chance"] < 1


# ---- scores ----------------------------------------------------------------------------------------------------

WEIGHTS = """
[scorecard.marketing.weights]
leads = 3
win_rate = 1
[scorecard.marketing.caps]
leads = 1.1
[scorecard.sales.weights]
win-rate = 1
"""


def test_scores_with_weights_and_caps_by_hand():
    tables = {
        "leads": leads(60), "opportunities": deals(4, 6),
        "plan": [goal("leads", "marketing", 40), goal("win-rate", "sales", 0.5)],
    }  # fmt: skip
    found = card(tables, toml=WEIGHTS)
    lead = row_of(found, "leads", "marketing")
    assert (lead["attainment"], lead["counted"], lead["cap"], lead["weight"]) == (1.5, 1.1, 1.1, 3.0)
    assert department_of(found, "marketing")["score"] == pytest.approx((3 * 1.1 + 0.8) / 4)
    assert department_of(found, "sales")["score"] == pytest.approx(0.8)
    tried = department_of(found, "marketing")["sensitivity"]
    assert (tried["least"], tried["most"]) == (pytest.approx(0.8), 1.1)
    assert tried["low"] == pytest.approx(
        (1.5 * 1.1 + 1.5 * 0.8) / 3
    )  # leads at half their weight, the other at 1.5
    assert tried["leads"] == 1.0
    assert department_of(found, "sales")["sensitivity"]["leads"] == 0.0
    assert [d["weights_from"] for d in found.scorecard.departments] == ["settings", "settings"]


def test_without_weights_a_department_answers_alike_for_what_it_owns():
    plan = [goal("leads", "marketing", 40), goal("win-rate", "sales", 0.5)]
    found = card({"leads": leads(60), "opportunities": deals(4, 6), "plan": plan})
    assert {(r["department"], r["kpi"]) for r in found.scorecard.rows} == {
        ("marketing", "leads"), ("marketing", "win-rate"), ("sales", "win-rate"),  # sales owns 20 % of leads
    }  # fmt: skip
    found = card(
        {"leads": leads(60), "opportunities": deals(4, 6), "plan": plan},
        toml="[owners.leads]\nmarketing = 0.5\nsales = 0.5\n",
    )
    assert ("sales", "leads") in {(r["department"], r["kpi"]) for r in found.scorecard.rows}
    assert row_of(found, "leads")["owners"] == {"marketing": 0.5, "sales": 0.5}


def test_neither_targets_nor_weights_give_nothing():
    found = card({"leads": leads(60), "opportunities": deals(4, 6)})
    assert (found.scorecard, found.incentives) == (Scorecard(), ())
    found = card({"leads": leads(60), "plan": [goal("leads", "marketing", 1, measure="share")]})
    assert found.scorecard == Scorecard()


def test_a_weight_without_target_counts_for_nothing_and_is_told():
    found = card({"leads": leads(60), "opportunities": deals(4, 6)}, toml=WEIGHTS)
    assert row_of(found, "win-rate")["reason"] == "the plan has no target of it"
    assert {m["kind"] for m in department_of(found, "marketing")["messages"]} == {"weight without goal"}


PARTS = st.lists(
    st.tuples(st.floats(0, 3), st.floats(0.1, 5)), min_size=1, max_size=6
).map(lambda ps: [Counted(f"k{i}", w, v, v - 0.1, v + 0.1) for i, (v, w) in enumerate(ps)])  # fmt: skip


@given(PARTS, st.floats(0, 0.99), st.integers(0, 2**32 - 1))
def test_the_range_over_weights_is_that_of_brute_force(parts, within, seed):
    low, high = range_within(parts, within)

    def mean(weights):
        return sum(w * p.value for w, p in zip(weights, parts, strict=True)) / sum(weights)

    ends = [
        mean(c)
        for c in itertools.product(*((p.weight * (1 - within), p.weight * (1 + within)) for p in parts))
    ]
    assert low == pytest.approx(min(ends), abs=1e-9)
    assert high == pytest.approx(max(ends), abs=1e-9)
    rng = np.random.default_rng(seed)
    inside = mean([p.weight * rng.uniform(1 - within, 1 + within) for p in parts])
    assert low - 1e-9 <= inside <= high + 1e-9
    assert low - 1e-9 <= score(parts)[0] <= high + 1e-9


def test_who_leads_under_how_many_weights_by_hand():
    one = Counted("a", 1, 1.0, None, None)
    two = [Counted("b", 1, 0.8, None, None), Counted("c", 5, 1.1, None, None)]
    # 0.8 w + 1.1 (1 - w) > 1 where w < 1/3: a third of all weights.
    found = leads_under({"marketing": [one], "sales": two})
    assert found["sales"] == pytest.approx(1 / 3, abs=0.03)
    assert found["marketing"] == pytest.approx(2 / 3, abs=0.03)
    assert found == leads_under({"sales": two[::-1], "marketing": [one]})
    assert leads_under({"marketing": [one], "sales": [one]}) == {"marketing": 0.0, "sales": 0.0}
    assert leads_under({"marketing": [one]}) == {}


@pytest.mark.parametrize("together", [-0.3, 0.0, 0.9])
def test_the_scores_interval_holds_whatever_the_dependence(together):
    rng = np.random.default_rng(5)
    cov = np.full((3, 3), together) + (1 - together) * np.eye(3)
    drawn = rng.multivariate_normal(np.zeros(3), cov, size=4000) * 0.1 + 1
    hits = naive = 0
    for values in drawn:
        found = score([Counted(str(i), 1, v, v - 0.196, v + 0.196) for i, v in enumerate(values)])
        hits += found[1] <= 1 <= found[2]
        half = 1.96 * 0.1 / math.sqrt(3)  # as if independent
        naive += abs(found[0] - 1) <= half
    assert hits / 4000 >= 0.95
    if together > 0.5:
        assert naive / 4000 < 0.8
