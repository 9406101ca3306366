"""Revenue, marketing and cost: what is missing, too young, cut by a dimension or without sense is said."""

from __future__ import annotations

import pytest

from alignment_toolkit.errors import SettingsError
from alignment_toolkit.kpi import measure
from alignment_toolkit.languages import say, speaking
from tests.builders import company_of
from tests.kpi.rows import KPIS, by, deal, lead, line, one

BOUGHT = [
    line("2026-01-10", "100", "a", "1", channel="web", product_id="p", cost="60", list_amount="125"),
    line("2026-01-11", "50", "b", "2", channel="web", product_id="q", cost="20", list_amount="50"),
    line("2026-02-11", "30", "b", "3", channel="shop", product_id="p", cost="40"),
    line("2026-04-10", "80", "a", "4", channel="shop", product_id="p", cost="20", list_amount="80"),
    line("2026-06-30", "10", "c", "5", channel="web", product_id="q"),
]
SPENT = [
    {"spent_on": "2026-01-05", "amount": "30", "channel": "web", "campaign_id": "k", "product_id": "p",
     "audience": "new"},
    {"spent_on": "2026-01-06", "amount": "12", "channel": "mail", "product_id": "q"},
]  # fmt: skip
FULL = {
    "orders": BOUGHT,
    "spend": SPENT,
    "accounts": [{"account_id": "a", "region": "north"}, {"account_id": "b", "region": "south"}],
    "products": [{"product_id": "p", "family": "pumps"}, {"product_id": "q", "family": None}],
    "campaigns": [{"campaign_id": "k", "theme": "speed"}],
    "leads": [
        lead("l1", "2026-01-02", "a", channel="web", campaign_id="k", product_id="p", qualified_at="2026-01-03"),
        lead("l2", "2026-01-02", "d", channel="mail", product_id="q"),
    ],
    "results": [
        {"result_id": "1", "kind": "enquiries", "count": "3", "on": "2026-01-07", "channel": "web", "campaign_id": "k"},
        {"result_id": "2", "kind": "sales", "count": "1", "on": "2026-01-07", "channel": "mail"},
    ],
    "touches": [
        {"touch_id": "t", "touched_at": "2026-01-08", "department": "sales", "account_id": "a", "minutes": 30}
    ],
}  # fmt: skip
HOUR = '[company]\ncurrency = "EUR"\n[effort.cost_per_hour]\nsales = 60\n'


def full(**more):
    return company_of({**FULL, **more}, toml=HOUR, until=dict.fromkeys(FULL, "2026-06-30"))


# What is not there --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("id", "tables", "needs"),
    [
        ("orders-per-client", {"leads": []}, "orders.order_id, orders.ordered_at, orders.amount"),
        ("products-per-client", {"orders": [line("2026-01-10", "1", "a")]}, "orders.product_id"),
        ("gross-margin", {"orders": [line("2026-01-10", "1", "a")]}, "orders.cost"),
        ("gross-margin-rate", {"opportunities": [deal("o", "2026-01-10", amount="1")]}, "orders.cost"),
        (
            "gross-margin",
            {"orders": [line("2026-01-10", "1", "a", product_id="p", quantity=1)], "products": [{"product_id": "p"}]},
            "orders.cost",
        ),
        ("realised-price", {"orders": [line("2026-01-10", "1", "a")]}, "orders.list_amount"),
        ("realised-price", {"opportunities": [deal("o", "2026-01-10", amount="1")]}, "opportunities.list_amount"),
        ("on-time-delivery", {"orders": [line("2026-01-10", "1", "a")]}, "orders.promised_on, orders.delivered_on"),
        ("profit", {"orders": [line("2026-01-10", "1", "a", cost="1")]}, "spend.spent_on, spend.amount"),
        ("profit", {"orders": [line("2026-01-10", "1", "a")]}, "orders.cost, spend.spent_on, spend.amount"),
        ("qualified-leads", {"leads": [lead("l", "2026-01-10")]}, "leads.qualified_at"),
        ("qualification-rate", {"leads": [lead("l", "2026-01-10")]}, "leads.qualified_at"),
        ("cost-per-lead", {"spend": SPENT}, "leads.created_at"),
        ("cost-per-result", {"spend": SPENT}, "results.on, results.kind, results.count"),
        ("new-client-spend-share", {"spend": [{"spent_on": "2026-01-01", "amount": "1"}]}, "spend.audience"),
        ("revenue-per-lead", {"orders": BOUGHT}, "leads.lead_id, leads.created_at"),
        ("cost-to-serve", {"orders": BOUGHT, "touches": FULL["touches"]}, "[effort.cost_per_hour] sales"),
        ("payback-months", {"orders": [line("2026-01-10", "1", "a")], "spend": SPENT}, "orders.cost"),
    ],
)  # fmt: skip
def test_what_is_needed_is_named(id, tables, needs):
    row = one(company_of(tables), id)
    assert (row.value, row.reason) == (None, f"needs {needs}")


def test_a_quotient_of_nothing_says_so_in_the_readers_language():
    leads = [lead("k", "2025-12-10"), lead("l", "2026-02-10")]  # money was spent in January, and no lead came
    row = one(company_of({"spend": SPENT, "leads": leads}), "cost-per-lead", "2026-01")
    with speaking("de"):
        told = one(company_of({"spend": SPENT, "leads": leads}), "cost-per-lead", "2026-01")
        assert told.reason == say(row.reason)
    assert row.value is told.value is None
    assert told.reason != row.reason == KPIS["cost-per-lead"].empty


# Sums ---------------------------------------------------------------------------------------------------------


def test_lines_without_cost_are_left_out_and_told():
    rows = [line("2026-01-10", "10", f"a{i}", cost=None if i == 3 else "4") for i in range(4)]
    row = one(company_of({"orders": rows}), "gross-margin", "2026-01")
    assert (row.value, row.n) == (18, 3)
    assert "lines whose cost is not known, left out: 1 (25.0 %)" in row.method
    rate = one(company_of({"orders": rows}), "gross-margin-rate", "2026-01")
    assert (rate.value, rate.top, rate.bottom) == (0.6, 18, 30)


def test_the_cost_of_a_line_goes_before_that_of_its_product():
    rows = [
        line("2026-01-10", "10", "a", product_id="p", quantity=2, cost="1"),
        line("2026-01-10", "10", "a", product_id="p", quantity=2),
        line("2026-01-10", "10", "a", product_id="unknown", quantity=2),
        line("2026-01-10", "10", "a", product_id="p"),
    ]
    company = company_of({"orders": rows, "products": [{"product_id": "p", "unit_cost": "3"}]})
    row = one(company, "gross-margin", "2026-01")
    assert (row.value, row.n) == (9 + 4, 2)


@pytest.mark.parametrize(
    ("id", "more"),
    [
        ("gross-margin-rate", {"cost": "1"}),
        ("realised-price", {"list_amount": "-5"}),
        ("repeat-revenue-share", {}),
    ],
)
def test_nothing_is_divided_by_less_than_nothing(id, more):
    row = one(company_of({"orders": [line("2026-01-10", "-5", "a", **more)]}), id, "2026-01")
    assert (row.value, row.status) == (None, "not_available")
    assert "above zero" in row.reason


def test_profit_is_a_sum_over_parts():
    rows = measure(full(), KPIS["profit"], "2026-Q1", by=("channel",))
    assert by(rows) == {(): 60 - 42, ("web",): 70 - 30, ("shop",): -10, ("mail",): -12}
    assert (rows[0].top, rows[0].bottom) == (18, None), "it adds up as it is"
    many = [line("2026-01-10", str(i), f"a{i}", cost="1") for i in range(5, 40)]
    company = company_of({"orders": many, "spend": SPENT})
    margin, profit = one(company, "gross-margin", "2026-01"), one(company, "profit", "2026-01")
    assert (profit.low, profit.high) == (pytest.approx(margin.low - 42), pytest.approx(margin.high - 42))


def test_the_identity_of_revenue():
    company = full()
    parts = [one(company, id).value for id in ("active-clients", "orders-per-client", "average-order")]
    assert parts[0] * parts[1] * parts[2] == pytest.approx(one(company, "revenue").value, rel=1e-11)


def test_a_part_of_revenue_stays_within_it():
    rows = [line("2026-01-10", "10", f"a{i}") for i in range(12)]
    rows += [line("2026-02-10", "500", f"a{i}") for i in range(12)]
    row = one(company_of({"orders": rows}), "repeat-revenue-share")
    assert row.low < row.value < row.high <= 1


# Time ---------------------------------------------------------------------------------------------------------


def test_retention_says_its_length_and_needs_a_period_before():
    company = full()
    rows = measure(company, [KPIS["retention"], KPIS["net-revenue-retention"]], "2026", grain="quarter")
    found = {(r.kpi, r.period): r for r in rows}
    second = found["retention", "2026-Q2"]
    assert (second.value, second.top, second.bottom, second.n) == (0.5, 1, 2, 2)
    assert second.title == "Retention from quarter to quarter"
    assert found["net-revenue-retention", "2026-Q2"].value == pytest.approx(80 / 180)
    first = found["retention", "2026-Q1"]
    assert first.reason == "data begins 2026-01-10: nothing is known of the period before"
    assert found["retention", "2026-Q4"].reason == "data ends 2026-06-30"
    fortnight = one(company, "retention", "2026-02-01..2026-02-28")
    assert fortnight.title == "Retention from 28 days to 28 days"
    assert fortnight.value == 0.5, "b bought in both, a in January only"


def test_a_period_before_that_is_known_in_part_is_not_compared():
    rows = [*BOUGHT, line("2025-11-20", "5", "a", "0")]
    company = company_of({"orders": rows}, until={"orders": "2026-06-30"})
    row = one(company, "retention", "2026-Q1", compare="previous")
    assert row.value == 1
    assert "only what is dated 2025-11-20 or later is known" in row.method
    assert row.changes[0].value is None


def test_a_client_is_kept_in_the_slice_in_which_it_buys_again():
    rows = measure(full(), KPIS["retention"], "2026-Q2", by=("channel",))
    assert by(rows) == {(): 0.5, ("web",): 0, ("shop",): 0}
    rows = measure(full(), KPIS["retention"], "2026-Q2", by=("accounts.region",))
    assert {r.by["accounts.region"]: (r.top, r.bottom) for r in rows if r.by} == {
        "north": (1, 1), "south": (0, 1), None: (0, 0),
    }  # fmt: skip
    assert sum(r.bottom for r in rows if r.by) == rows[0].bottom


def test_what_is_promised_for_later_is_censored_and_what_is_not_delivered_is_late():
    rows = [
        line("2026-01-10", "1", "a", promised_on="2026-01-20", delivered_on="2026-01-20"),
        line("2026-01-10", "1", "b", promised_on="2026-01-20", delivered_on="2026-01-21"),
        line("2026-01-10", "1", "c", promised_on="2026-01-20"),
        line("2026-01-10", "1", "d", promised_on="2026-02-01", delivered_on=None),
        line("2026-01-10", "1", "e"),
    ]
    company = company_of({"orders": rows}, until={"orders": "2026-01-31"})
    row = one(company, "on-time-delivery", "2026-01")
    assert (row.top, row.bottom, row.censored, row.immature) == (1, 3, 1, True)
    late = company_of({"orders": rows[3:]}, until={"orders": "2026-01-31"})
    assert one(late, "on-time-delivery", "2026-01").reason.endswith("has come: 1 too young at 2026-01-31")


def test_a_cohort_that_is_not_whole_has_no_cost_per_sale_and_no_payback():
    young = {"leads": [*FULL["leads"], lead("l3", "2026-05-20", "z")]}
    assert one(full(**young), "cost-per-sale-cohort", "2026-Q1").value == 42
    row = one(full(**young), "cost-per-sale-cohort", "2026-Q2")
    assert (row.value, row.censored) == (None, 1)
    assert row.reason == "the cohort is not whole: of its episodes, 1 too young at 2026-06-30"
    payback = one(full(), "payback-months", "2026-Q1")
    assert payback.reason == "the cohort is not whole: of its clients, 2 too young at 2026-06-30"


def test_new_clients_who_bring_no_margin_never_pay_back():
    rows = [line("2024-01-10", "10", "a", cost="15"), line("2026-01-10", "1", "a", cost="0")]
    spend = [{"spent_on": "2024-01-02", "amount": "100"}, {"spent_on": "2026-01-02", "amount": "1"}]
    assert (
        "never pay back"
        in one(company_of({"orders": rows, "spend": spend}), "payback-months", "2024-01").reason
    )


def test_revenue_is_counted_once_however_many_leads_the_account_had():
    rows = {
        "leads": [
            lead("l1", "2024-01-01", "a"),
            lead("l2", "2024-08-01", "a"),
            lead("l3", "2024-08-02", "a"),
            lead("l4", "2024-08-03"),
        ],
        "opportunities": [deal("o", "2024-08-20", account=None, lead_id="l4", amount="7")],
        "orders": [
            line("2024-08-10", "100", "a"),
            line("2024-08-21", "7", None, opportunity_id="o"),
            line("2026-06-30", "1", "b"),
        ],
    }
    company = company_of(rows, until={"leads": "2026-06-30", "opportunities": "2026-06-30"})
    row = one(company, "revenue-per-lead", "2024")
    assert (row.top, row.bottom) == (107, 3), "l1 brought nothing in time, l3 is of l2's episode"


# Slices and options -------------------------------------------------------------------------------------------

MADE = {  # a joined dimension of each, and the value of the whole
    "orders-per-client": ("accounts.region", 1.5),
    "products-per-client": ("accounts.region", 1.5),
    "gross-margin": ("products.family", 60),
    "gross-margin-rate": ("products.family", 60 / 180),
    "realised-price": ("products.family", 150 / 175),
    "repeat-revenue-share": ("accounts.region", 30 / 180),
    "profit": ("products.family", 18),
    "qualified-leads": ("campaigns.theme", 1),
    "qualification-rate": ("campaigns.theme", 0.5),
    "cost-per-lead": ("campaigns.theme", 21),
    "cost-per-result": ("campaigns.theme", 14),
    "return-on-spend": ("products.family", 180 / 42),
    "new-client-spend-share": ("campaigns.theme", 1),
    "cost-per-sale-cohort": ("campaigns.theme", 42),
    "cost-to-serve": ("accounts.region", 15),
}


@pytest.mark.parametrize("id", MADE)
def test_a_joined_dimension_cuts_it_and_the_parts_add_up(id):
    dimension, value = MADE[id]
    total, *parts = measure(full(), KPIS[id], "2026-Q1", by=(dimension,))
    assert total.value == pytest.approx(value)
    assert {p.by[dimension] for p in parts} & {"north", "pumps", "speed"}
    if id == "profit":  # the spend on q is of no family, and the profit of a family without it would be none
        assert all(p.value is p.top is None for p in parts)
        return
    for side in ("top", "bottom"):
        whole = getattr(total, side)
        known = [getattr(p, side) or 0 for p in parts]
        assert whole is None or sum(known) == pytest.approx(whole)


def test_a_ratio_names_the_side_that_lacks_the_dimension():
    rows = measure(full(), [KPIS["return-on-spend"], KPIS["revenue"]], "2026-Q1", by=("accounts.region",))
    (told,) = [r for r in rows if r.kpi == "return-on-spend" and r.by]
    assert "no dimension 'accounts.region' of spend" in told.reason
    rows = measure(full(), [KPIS["profit"], KPIS["spend"]], "2026-Q1", by=("campaigns.theme",))
    (told,) = [r for r in rows if r.kpi == "profit" and r.by]
    assert "no dimension 'campaigns.theme' of sales_details" in told.reason


def test_the_kind_of_result_is_a_setting():
    def of(kind):
        toml = f'{HOUR}[kpis.cost-per-result]\nkind = "{kind}"\n'
        return one(company_of(FULL, toml=toml, until=dict.fromkeys(FULL, "2026-06-30")), "cost-per-result")

    assert of("sales").value == 42
    assert "results of kind sales" in of("sales").method
    assert of("clicks").reason == "no result of kind clicks ([kpis.cost-per-result] kind says which)"
    with pytest.raises(SettingsError, match="Did you mean 'sales'"):
        of("sale")


def test_touches_without_a_known_cost_are_told():
    more = [
        {
            "touch_id": "u",
            "touched_at": "2026-01-09",
            "department": "service",
            "account_id": "b",
            "minutes": 10,
        },
        {"touch_id": "v", "touched_at": "2026-01-09", "department": "sales", "account_id": "b"},
        {"touch_id": "w", "touched_at": "2026-01-09", "department": "marketing", "minutes": 10},
    ]
    row = one(full(touches=[*FULL["touches"], *more]), "cost-to-serve")
    assert row.value == 15
    assert "left out: 2" in row.method
