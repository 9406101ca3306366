"""The KPIs of the catalogue, on rows that one can add up in one's head."""

from __future__ import annotations

import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.errors import SettingsError
from alignment_toolkit.kpi import measure
from alignment_toolkit.relations import RELATIONS
from tests.builders import company_of, written
from tests.kpi.rows import DEALS, EPISODES, KPIS, LINES, by, deal, lead, line, one

# Revenue ------------------------------------------------------------------------------------------------------


def test_revenue_counts_returns_and_lines_without_account():
    row = one(company_of({"orders": LINES}), "revenue")
    assert (row.value, row.top, row.bottom, row.n, row.status) == (150, 150, None, 5, "ok")
    assert (row.low, row.high) == (None, None), "three clients are too few for an interval"
    many = [*LINES, *(line("2026-02-01", str(i), f"a{i}") for i in range(1, 20))]
    row = one(company_of({"orders": many}), "revenue")
    assert row.value == 150 + 190
    assert row.low < row.value < row.high
    assert "process" in row.method


def test_active_clients_arpu_and_average_order():
    company = company_of({"orders": LINES})
    assert one(company, "active-clients").value == 2
    arpu = one(company, "arpu")
    assert (arpu.value, arpu.top, arpu.bottom, arpu.n) == (75, 150, 2, 2)
    assert arpu.spread == {"p10": 30, "p50": 70, "p90": 110}, "clients bought for 120 and 20"
    average = one(company, "average-order")
    assert (average.value, average.bottom) == (50, 3), "orders 1, 3 and 4; a return is none"
    assert average.spread["p50"] == 20


def test_the_smallest_company_says_what_its_clients_would_need():
    bare = [{k: v for k, v in row.items() if k != "account_id"} for row in LINES]
    company = company_of({"orders": bare, "leads": [{"lead_id": "1", "created_at": "2026-01-02"}]})
    found = {r.kpi: r for r in measure(company, list(KPIS.values()), "2026-Q1", compare="previous")}
    assert (found["revenue"].value, found["average-order"].value, found["leads"].value) == (150, 50, 1)
    ids = [
        "active-clients",
        "arpu",
        "orders-per-client",
        "repeat-revenue-share",
        "retention",
        "revenue-per-lead",
    ]
    assert {found[id].reason for id in ids} == {"needs orders.account_id"}, (
        "no client is not the same as none"
    )
    deals = [deal("d1", "2026-01-10", lead_id="1", amount="5")]
    lacking = RELATIONS["client_values"].missing(company_of({"orders": bare, "opportunities": deals}))
    assert lacking == ("orders.account_id",), "where there are orders they are the sales lines"


def test_an_order_is_a_distinct_order_id_and_account():
    rows = [
        line("2026-01-10", "10", "a", "1"),
        line("2026-01-10", "10", "b", "1"),
        line("2026-01-11", "10", None, "1"),
    ]
    assert one(company_of({"orders": rows}), "average-order").bottom == 3


def test_an_order_with_lines_in_two_channels_is_one_order_of_the_total_and_one_of_each():
    rows = [line("2026-01-10", "10", "a", "1", channel=c) for c in ("x", "y", "y")]
    found = measure(
        company_of({"orders": rows}), KPIS["average-order"], "2026-Q1", by=("channel",), grain="month"
    )
    assert {tuple(r.by.values()): r.bottom for r in found if r.grain is None} == {(): 1, ("x",): 1, ("y",): 1}


def test_sales_lines_that_are_won_opportunities_are_said_to_be():
    company = company_of(
        {
            "opportunities": [
                deal("o1", "2026-01-10", account="a", amount="40"),
                deal("o2", "2026-02-01", "lost"),
            ]
        }
    )
    row = one(company, "revenue", "2026-01")
    assert row.value == 40
    assert "won opportunities" in row.method


# Leads and conversion -----------------------------------------------------------------------------------------


def test_lead_to_client_once_per_episode_with_its_horizon():
    company = company_of({"leads": EPISODES, "opportunities": DEALS})
    row = one(company, "lead-to-client", "2026-01-01..2026-06-30")
    assert (row.top, row.bottom, row.n, row.value) == (1, 4, 4, 0.25)
    assert (row.censored, row.immature) == (1, True)
    assert "left out: 1" in row.method
    assert one(company, "conversions-to-date", "2026-01").value == 2
    assert one(company, "leads", "2026-01").value == 4, "existing clients' leads are leads"


def test_one_lead_with_two_won_deals_is_two_wins_and_one_client():
    """Known numbers, "conversion, dedupe": 200 % per event, 100 % per lead; lead-to-client is per lead."""
    deals = [
        deal("o1", "2026-01-20", account="a", amount="5"),
        deal("o2", "2026-02-10", account="a", amount="5"),
    ]
    tables = {"leads": [lead("l1", "2026-01-10", "a")], "opportunities": deals}
    company = company_of(tables, until={"leads": "2026-12-31", "opportunities": "2026-12-31"})
    per_lead = one(company, "lead-to-client")
    assert (per_lead.value, per_lead.top, per_lead.bottom) == (1.0, 1, 1)
    assert one(company, "average-order").bottom / one(company, "leads").value == 2.0
    assert one(company, "new-clients").value == 1


def test_the_horizon_is_a_setting():
    company = company_of(
        {"leads": EPISODES, "opportunities": DEALS}, toml="[kpis.lead_to_client]\nhorizon_days = 91\n"
    )
    row = one(company, "lead-to-client", "2026-01-01..2026-06-30")
    assert (row.top, row.bottom, row.censored) == (2, 3, 2)
    for wrong in ("horizon_day = 30", "horizon_days = -1", "horizon_days = true"):
        company = company_of(
            {"leads": EPISODES, "opportunities": DEALS}, toml=f"[kpis.lead-to-client]\n{wrong}\n"
        )
        with pytest.raises(SettingsError, match="horizon_days"):
            one(company, "lead-to-client")


def test_only_young_episodes():
    row = one(
        company_of({"leads": [lead("l", "2026-06-01")], "opportunities": DEALS}), "lead-to-client", "2026-06"
    )
    assert (row.status, row.value, row.censored, row.immature) == ("not_available", None, 1, True)
    assert row.reason == "no episode that is old enough: 1 too young at 2026-06-30"


def test_the_horizon_ends_where_the_least_complete_outcome_ends():
    tables = {"leads": [lead("l", "2026-01-01", "a")], "opportunities": [], "orders": []}
    until = {"leads": "2026-01-31", "opportunities": "2026-12-31", "orders": "2026-03-31"}
    named = {"orders": ("account_id",)}
    early = one(company_of(tables, until=until, columns=named), "lead-to-client", "2026-01")
    assert (early.bottom, early.censored) == (0, 1), "orders are complete for 89 days only"
    until["orders"] = "2026-04-01"
    late = one(company_of(tables, until=until, columns=named), "lead-to-client", "2026-01")
    assert (late.value, late.bottom, late.censored, late.immature) == (0, 1, 0, False)


def test_conversions_to_date_are_always_said_to_be_rising():
    row = one(
        company_of({"leads": EPISODES, "opportunities": DEALS}),
        "conversions-to-date",
        "2026-01",
        compare="previous",
    )
    assert row.immature
    assert "still rising" in row.method
    assert row.changes[0].value is None


def test_without_anything_that_makes_a_client_nothing_converts_and_nothing_is_said():
    row = one(company_of({"leads": EPISODES}), "lead-to-client")
    assert row.status == "not_available"
    assert row.reason == "needs leads.converted_at"


# Deals, clients, cost -----------------------------------------------------------------------------------------


def test_win_rate():
    deals = [
        deal("o1", "2026-01-10", account="a"),
        deal("o2", "2026-01-10", "lost", "b"),
        deal("o3", "2026-02-01", "lost", "b"),
        deal("o4", None, None),
    ]
    row = one(company_of({"opportunities": deals}), "win-rate", "2026-01")
    assert (row.value, row.top, row.bottom) == (0.5, 1, 2)
    assert one(company_of({"opportunities": deals[:1]}), "win-rate", "2026-01").reason.startswith(
        "the source has no lost"
    )


def test_where_only_won_deals_are_recorded_nobody_knows_what_was_opened():
    """What was opened lately is then what has been won of it so far, and grows from day to day."""
    won = [deal(f"o{i}", f"2026-02-{i:02d}", amount=10) for i in range(1, 4)]
    rest = [deal("o4", "2026-02-09", "lost", amount=10), deal("o5", None, None, amount=10)]
    for more in rest:
        company = company_of({"opportunities": [*won, more]})
        assert one(company, "opportunities").value == 4
        assert one(company, "pipeline", "2026-01").value == 40
    for id in ("opportunities", "pipeline"):
        row = one(company_of({"opportunities": won}), id)
        assert row.value is None
        assert row.reason == (
            "the source has no open and no lost opportunity: only won ones are recorded, and how many were opened is "
            "not known"
        )


def test_that_a_part_lost_no_deal_is_a_fact_about_the_part(tmp_path):
    deals = [deal("o1", "2026-02-01", region="N"), deal("o2", "2026-02-02", region="N")]
    rest = [deal("o3", "2026-02-03", "lost", region="S"), deal("o4", "2026-02-03", region="S")]
    company = Company.open(written({"opportunities": [*deals, *rest]}, tmp_path))
    north = company.narrowed("region", "N")
    assert (one(north, "win-rate").top, one(north, "win-rate").bottom) == (2, 2)
    assert one(north, "opportunities").value == 2
    assert one(company.narrowed("region", "S"), "win-rate").value == 0.5


def test_repeated_deals_of_an_account_widen_the_interval():
    apart = [deal(f"o{i}", "2026-01-10", "won" if i % 2 else "lost", f"a{i}") for i in range(40)]
    together = [
        {**d, "account_id": f"a{i // 8}", "outcome": "won" if i // 8 % 2 else "lost"}
        for i, d in enumerate(apart)
    ]
    a, b = (one(company_of({"opportunities": rows}), "win-rate", "2026-01") for rows in (apart, together))
    assert b.high - b.low > 1.5 * (a.high - a.low)
    assert "5 clusters" in b.method


def test_new_clients_and_what_they_cost_by_channel():
    company = company_of(
        {
            "leads": [lead("l1", "2026-01-01", "a", channel="x"), lead("l2", "2026-01-01", "b", channel="y")],
            "opportunities": [
                deal("o1", "2026-01-20", account="a"),
                deal("o2", "2026-01-25", account="b"),
                deal("o3", "2026-01-26", account="c"),
            ],
            "spend": [
                {"spent_on": "2026-01-02", "amount": "30", "channel": "x", "audience": "new"},
                {"spent_on": "2026-01-03", "amount": "60", "channel": "x", "audience": "both"},
                {"spent_on": "2026-01-04", "amount": "500", "channel": "x", "audience": "existing"},
                {"spent_on": "2026-01-05", "amount": "10"},
                {"spent_on": "2026-01-31", "amount": "5", "channel": "z"},
            ],
        },
        until={"opportunities": "2026-01-31", "leads": "2026-01-31"},
    )
    assert by(measure(company, KPIS["new-clients"], "2026-01", by=("channel",))) == {
        (): 3,
        ("x",): 1,
        ("y",): 1,
        (None,): 1,
    }
    rows = measure(company, KPIS["cost-per-sale"], "2026-01", by=("channel",))
    assert by(rows) == {(): 35, ("x",): 90, ("y",): 0, ("z",): None, (None,): None}
    assert sum(r.top for r in rows if r.by) == rows[0].top == 105
    reasons = {r.by["channel"]: r.reason for r in rows if r.value is None}
    assert reasons["z"] == "no new client"
    assert '33.3 % of "New clients" names no channel' in reasons[None], (
        "it is told of no channel, and not divided"
    )
    assert by(measure(company, KPIS["spend"], "2026-01")) == {(): 605}


def test_the_interval_of_cost_per_sale_is_that_of_the_count_turned_over():
    tables = {
        "opportunities": [deal(f"o{i}", "2026-01-10", account=f"a{i}") for i in range(10)],
        "spend": [{"spent_on": "2026-01-02", "amount": "1000"}],
    }
    company = company_of(tables, until={"opportunities": "2026-01-31"})
    cost, count = one(company, "cost-per-sale", "2026-01"), one(company, "new-clients", "2026-01")
    assert cost.value == 100
    assert (cost.low, cost.high) == (pytest.approx(1000 / count.high), pytest.approx(1000 / count.low))


def test_warm_up_days_leave_the_beginning_of_the_data_out():
    rows = [
        line("2026-01-01", "1", "a"),
        line("2026-01-31", "1", "b"),
        line("2026-02-10", "1", "c"),
        line("2026-03-31", "1", "a"),
    ]
    company = company_of({"orders": rows}, toml="[company]\nwarm_up_days = 31\n")
    row = one(company, "new-clients")
    assert (row.value, row.immature) == (1, True)
    assert "before 2026-02-01 left out" in row.method
    assert one(company, "new-clients", "2026-01").status == "not_available"
    assert one(company, "new-clients", "2026-02").immature is False


def test_an_even_number_of_won_deals_has_its_median_between_the_middle_two():
    won = [deal("1", "2026-01-11", account="a"), deal("2", "2026-01-31", account="b")]
    assert one(company_of({"opportunities": won}), "sales-cycle").value == 20, "10 and 30 days"
