"""Paths by hand and by brute force, and the rows of an Analysis that stand on them."""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta

import ibis
import pytest
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st

from alignment_toolkit.analysis import analyse
from alignment_toolkit.attribution import MODELS, NO_TOUCH, Path, attribute, journeys
from alignment_toolkit.attribution.journeys import lacking, told
from alignment_toolkit.company import Company
from alignment_toolkit.errors import DataError
from alignment_toolkit.periods import Period
from alignment_toolkit.settings import Settings
from tests.builders import Unbound, company_of, written
from tests.indicators.test_lapses import AUGUST, strangers
from tests.oracle.paths import Walker, by_brute_force
from tests.oracle.worlds import COLUMNS, both, larger, worlds

Q3 = Period.parse("2026-Q3")


def touch(id, at, account="a", channel="email", by="marketing", **more):
    row = {"touch_id": id, "touched_at": at, "department": by, "account_id": account, "channel": channel}
    return row | more


def lead(id, at, account="a", channel="paid_search", **more):
    return {"lead_id": id, "created_at": at, "account_id": account, "channel": channel, **more}


def deal(id, closed, account="a", opened=None, outcome="won", **more):
    row = {"opportunity_id": id, "opened_at": opened or closed, "closed_at": closed, "outcome": outcome}
    return row | {"account_id": account, "amount": "10", **more}


def found(tables, period=Q3, **options):
    return journeys(company_of(tables), period, **options)


def only_path(tables, **options):
    """Give the one path to a sale."""
    (path,) = [p for p, _ in found(tables, **options).paths() if p.converted]
    return path


# Paths by hand ---------------------------------------------------------------------------------------------------


def test_a_path_holds_both_departments_in_order_with_ages_and_milestones():
    tables = {
        "leads": [lead("l", "2026-06-01 10:00")],
        "touches": [
            touch("t1", "2026-05-20 09:00", channel="event"),
            touch("t2", "2026-06-02 09:00", channel="phone", by="sales"),
            touch("t3", "2026-06-20 09:00", channel="visit", by="sales"),
            touch("t9", "2026-06-03 09:00", by="service"),
        ],
        "opportunities": [deal("o", "2026-07-01 12:00", opened="2026-06-10 08:00")],
    }
    assert only_path(tables) == Path(
        ("event", "paid_search", "phone (sales)", "visit (sales)"), True, (42, 30, 29, 11), 1, 2
    )


def test_steps_after_the_sale_and_beyond_the_look_back_are_left_out():
    tables = {
        "touches": [
            touch("old", "2026-01-01 09:00", channel="mail"),
            touch("edge", "2026-06-01 09:00", channel="web"),
            touch("same moment", "2026-07-01 12:00", channel="phone", by="sales"),
            touch("a second later", "2026-07-01 12:00:01", channel="chat", by="sales"),
        ],
        "opportunities": [deal("o", "2026-07-01 12:00")],
    }
    assert only_path(tables, lookback_days=30).channels == ("web", "phone (sales)")
    assert only_path(tables, lookback_days=29).channels == ("phone (sales)",)
    assert only_path(tables, lookback_days=200).channels == ("mail", "web", "phone (sales)")


def test_where_only_the_day_of_the_sale_is_known_the_whole_day_counts():
    tables = {
        "accounts": [{"account_id": "a", "client_since": "2026-07-01"}],
        "touches": [touch("t1", "2026-07-01 23:00"), touch("t2", "2026-07-02 00:00", channel="web")],
        "leads": [],
        "orders": [{"order_id": "o", "ordered_at": "2026-08-01", "amount": "1", "account_id": "a"}],
    }
    assert only_path(tables).channels == ("email",)


def test_steps_of_one_moment_stand_in_a_fixed_order():
    touches = [
        touch("t2", "2026-06-01 09:00", channel="web"),
        touch("t1", "2026-06-01 09:00", channel="event"),
    ]
    tables = {"leads": [lead("z", "2026-06-01 09:00")], "opportunities": [deal("o", "2026-07-01")]}
    for rows in (touches, touches[::-1]):
        assert only_path({**tables, "touches": rows}).channels == ("paid_search", "event", "web")


def test_the_touch_by_which_a_lead_came_is_no_second_step():
    tables = {
        "leads": [lead("l", "2026-06-01 10:00")],
        "touches": [
            touch("arrival", "2026-06-01 10:59", channel="web", direction="inbound", lead_id="l"),
            touch("later", "2026-06-01 11:01", channel="web", direction="inbound", lead_id="l"),
            touch("ours", "2026-06-01 10:05", direction="outbound", lead_id="l"),
        ],
        "opportunities": [deal("o", "2026-07-01")],
    }
    assert only_path(tables).channels == ("paid_search", "email", "web")


def test_channels_come_from_the_touch_else_the_campaign_and_are_missing_by_name():
    tables = {
        "campaigns": [{"campaign_id": "k", "channel": "social"}],
        "touches": [
            touch("t1", "2026-06-01", channel="ad", campaign_id="k"),
            touch("t2", "2026-06-02", channel=None, campaign_id="k"),
            touch("t3", "2026-06-03", channel="mail", campaign_id="k"),
            touch("t4", "2026-06-04", channel="ad"),
            touch("t5", "2026-06-05", channel=None),
        ],
        "leads": [lead("l", "2026-06-06", channel=None, campaign_id="k", sourced_by="sales")],
        "opportunities": [deal("o", "2026-07-01")],
    }
    expected = ("social", "social", "mail", "ad", "(missing)", "social (sales)")
    assert only_path(tables).channels == expected


def test_a_touch_finds_its_account_by_lead_deal_or_contact():
    none = {"account": None}
    tables = {
        "contacts": [{"contact_id": "c", "account_id": "a"}],
        "leads": [lead("l", "2026-06-01"), lead("loose", "2026-06-05", None, "referral")],
        "touches": [
            touch("t1", "2026-06-02", channel="web", lead_id="l", **none),
            touch("t2", "2026-06-03", channel="chat", opportunity_id="o", **none),
            touch("t3", "2026-06-04", channel="mail", contact_id="c", **none),
            touch("t4", "2026-06-04", channel="event", **none),
        ],
        # The deal names the account of the lead that has none.
        "opportunities": [deal("o", "2026-07-01", lead_id="loose")],
    }
    assert only_path(tables).channels == ("paid_search", "web", "chat", "mail", "referral")


def test_a_lead_without_account_has_a_journey_of_its_own():
    tables = {
        "leads": [
            lead("l1", "2026-07-02", None, converted_at="2026-07-09"),
            lead("l2", "2026-07-02", None, "social"),
        ],
        "touches": [touch("t", "2026-07-03", None, lead_id="l1")],
    }
    assert list(found(tables).paths()) == [
        (Path(("paid_search", "email"), True, (7, 6), 0), 1),
        (Path(("social",), False), 1),
    ]


def test_paths_without_a_sale_end_in_the_period_and_belong_to_nobody_who_bought():
    tables = {
        "touches": [
            touch("t1", "2026-08-01", "open"),
            touch("t2", "2026-06-01", "silent since"),
            touch("t3", "2026-08-01", "bought before"),
            touch("t4", "2026-08-01", "buys later"),
            touch("t5", "2026-11-01", "buys later", "web"),
            touch("t6", "2025-01-01", "open", "mail"),
        ],
        "opportunities": [
            deal("o1", "2025-05-01", "bought before"),
            deal("o2", "2026-12-01", "buys later"),
            deal("o3", "2026-08-09", "untouched"),
        ],
    }
    told_ = found(tables)
    assert list(told_.paths()) == [(Path(("email",), False), 2)]
    assert (told_.converted, told_.open, told_.untouched, told_.accounts) == (0, 2, 1, 2)


def test_a_client_is_born_once_and_deals_are_many():
    tables = {
        "touches": [
            touch("t1", "2026-07-01"),
            touch("t2", "2026-07-20", channel="phone", by="sales"),
            touch("t3", "2026-09-01", channel="web"),
        ],
        "opportunities": [
            deal("o1", "2026-07-10"),
            deal("o2", "2026-08-10 10:00"),
            deal("o2b", "2026-08-10 15:00"),
            deal("o3", "2026-08-20"),
            deal("lost", "2026-08-21", outcome="lost"),
        ],
    }
    assert list(found(tables).paths()) == [(Path(("email",), True, (9,), -1, 0), 1)]
    deals = found(tables, sale="won_deal")
    assert [p.channels for p, _ in deals.paths() if p.converted] == [("email",), ("phone (sales)",)]
    assert [p.channels for p, _ in deals.paths() if not p.converted] == [("web",)]
    assert (deals.untouched, deals.accounts) == (1, 1), (
        "o3 had no step of its own; two deals of a day are one"
    )


def test_what_is_missing_is_named():
    company = company_of({"spend": [{"spent_on": "2026-07-01", "amount": "5"}]})
    assert lacking(company, "new_client")
    with pytest.raises(DataError, match=r"touches\.touch_id|leads\.lead_id"):
        journeys(company, Q3)
    assert attribute(company, Q3).rows == ()
    assert attribute(company, Q3).about is None


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "databricks"])
@pytest.mark.parametrize("sale", ["new_client", "won_deal"])
def test_the_queries_compile_for_every_engine(dialect, sale):
    company = company_of({t: [] for t in COLUMNS}, columns=COLUMNS, kind=Unbound)
    for query in told(company, Q3, sale=sale, lookback_days=90):
        assert "SELECT" in ibis.to_sql(query, dialect=dialect)


# By brute force ----------------------------------------------------------------------------------------------------


def test_the_samples_paths_equal_pandas(sample_dir):
    period = Period.parse("2026")
    made = journeys(Company.open(sample_dir), period, lookback_days=60)
    own = sorted((p.converted, p.channels) for p, times in made.paths() for _ in range(times))
    assert own == by_brute_force(sample_dir, period.start, period.last, 60)
    assert made.converted > 50
    assert made.open > 300


@tries(max_examples=8)
@given(worlds(), st.sampled_from(["new_client", "won_deal"]), st.sampled_from([30, 180, 400]))
def test_paths_of_nasty_worlds_equal_plain_python(tables, of, lookback):
    company, world = both(tables)
    if lacking(company, of):
        with pytest.raises(DataError, match="Paths need"):
            journeys(company, Period.parse("2026"), sale=of)
        return
    period = Period.parse("2025-04-01..2026-03-31")
    made = journeys(company, period, sale=of, lookback_days=lookback)
    own = sorted(p for p, times in made.paths() for _ in range(times))
    assert (own, made.untouched) == Walker(world, lookback).paths(period, of)


@pytest.mark.parametrize(("seed", "of"), [(1, "new_client"), (2, "won_deal"), (3, "new_client")])
def test_paths_of_busy_companies_equal_plain_python(seed, of):
    chance = random.Random(seed)
    tables = larger(seed, 200)
    tables["touches"] = [
        {
            "touch_id": f"t{i}",
            "touched_at": datetime(2025, 1, 1) + timedelta(hours=chance.randrange(540 * 24)),
            "department": chance.choice(["marketing", "sales"]),
            "lead_id": chance.choice([None, f"l{chance.randrange(200)}"]),
            "account_id": chance.choice([None, f"a{chance.randrange(40)}"]),
            "direction": chance.choice([None, "inbound", "outbound"]),
        }
        for i in range(400)
    ]
    # Few accounts that buy early leave few new clients: orders and old clients out, so that deals make them.
    tables = {name: rows for name, rows in tables.items() if name not in ("orders", "accounts")}
    company, world = both(tables)
    period = Period.parse("2025-02-01..2026-01-31")
    made = journeys(company, period, sale=of, lookback_days=120)
    own = sorted(p for p, times in made.paths() for _ in range(times))
    assert (own, made.untouched) == Walker(world, 120).paths(period, of)
    assert (own, made.untouched) != Walker(world, 60).paths(period, of), "another look-back would be seen"
    assert made.converted > 10
    assert max(len(p.channels) for p in own) > 3
    assert any(p.opportunity >= 0 for p in own)


def test_olists_one_step_paths_give_every_model_the_reference_numbers(real_data):
    text = f'[source]\nkind = "olist"\nurl = "{real_data / "olist"}"\n[attribution]\nlookback_days = 5000\n'
    company = Company.open(Settings.from_toml(text, file="alignment.toml"))
    made = attribute(company, Period.parse("2016-01-01..2020-12-31"))
    # 842 deals by origin, computed from the published data; one was won before its first contact: no step before it.
    won = {
        "organic_search": 270, "paid_search": 195, "social": 75, "unknown": 179, "direct_traffic": 56, "email": 15,
        "referral": 24, "other": 4, "display": 6, "other_publicities": 3, "(missing)": 14,
    }  # fmt: skip
    for model in MODELS:
        by = {
            r["channel"]: r["credit"] for r in made.rows if r["model"] == model and r["channel"] != NO_TOUCH
        }
        assert by == pytest.approx(won, abs=1e-9), model
    assert made.about["paths"]["paths_without_a_sale"] == 8000 - 842


# Rows of an Analysis -------------------------------------------------------------------------------------------------

SHOP = {
    "leads": [
        lead("l1", "2026-07-01"),
        lead("l2", "2026-07-02", "b", "social"),
        lead("l3", "2026-07-03", "c"),
    ],
    "touches": [
        touch("t1", "2026-07-05", channel="phone", by="sales"),
        touch("t2", "2026-07-06", "b", "email"),
        touch("t3", "2026-07-07", "c", "web"),
    ],
    "opportunities": [deal("o1", "2026-08-01"), deal("o2", "2026-08-02", "b"), deal("o3", "2026-08-03", "z")],
    "campaigns": [{"campaign_id": "k", "channel": "social"}],
    "spend": [
        {"spent_on": "2026-07-01", "amount": "300", "channel": "paid_search"},
        {"spent_on": "2026-07-31", "amount": "60", "campaign_id": "k", "audience": "both"},
        {"spent_on": "2026-07-31", "amount": "1000", "channel": "social", "audience": "existing"},
        {"spent_on": "2026-10-01", "amount": "1000", "channel": "social"},
        {"spent_on": "2026-09-01", "amount": "44", "channel": "phone", "department": "sales"},
        {"spent_on": "2026-09-01", "amount": "70"},
    ],
}


def test_rows_by_hand():
    made = attribute(company_of(SHOP), Q3)
    rows = {(r["model"], r["channel"]): r for r in made.rows}
    assert {r["model"] for r in made.rows} == set(MODELS)
    assert all(
        list(r) == ["model", "channel", "credit", "cost_per_sale", "rank_stability"] for r in made.rows
    )
    linear = {c: r["credit"] for (m, c), r in rows.items() if m == "linear"}
    assert linear == {
        "email": 0.5,
        "paid_search": 0.5,
        "phone (sales)": 0.5,
        "social": 0.5,
        "web": 0.0,
        NO_TOUCH: 1,
    }
    cost = {c: r["cost_per_sale"] for (m, c), r in rows.items() if m == "linear"}
    assert cost == {
        "email": None,
        "paid_search": 600,
        "phone (sales)": 88,
        "social": 120,
        "web": None,
        NO_TOUCH: None,
    }
    assert rows["last", "paid_search"]["cost_per_sale"] is None, "money spent, no credit: no number"
    assert made.about["paths"]["sales_with_a_path"] == 2
    assert made.about["paths"]["sales_without_a_touch"] == 1
    assert made.about["paths"]["paths_without_a_sale"] == 1
    # First gives paid_search and social one each, last phone and email: nothing in common.
    assert made.about["disagreement"]["largest_distance"] == 1
    assert made.about["disagreement"]["between"] == ["First touch", "Last touch"]


def test_foreign_money_without_a_rate_is_no_cost():
    spend = [{**row, "currency": "USD"} if row.get("campaign_id") else row for row in SHOP["spend"]]
    made = attribute(company_of({**SHOP, "spend": spend}), Q3)
    assert {r["cost_per_sale"] for r in made.rows} == {None}
    assert "no rate for spend in USD" in made.about["paths"]["about"]


def test_foreign_money_counts_at_the_rate_of_its_day(tmp_path):
    spend = [{**row, "currency": "USD" if row.get("campaign_id") else "EUR"} for row in SHOP["spend"]]
    rates = [
        {"currency": "USD", "valid_on": "2026-07-30", "rate": 0.5},
        {"currency": "USD", "valid_on": "2026-08-01", "rate": 9},
    ]
    folder = written({**SHOP, "spend": spend, "rates": rates}, tmp_path)
    (folder / "alignment.toml").write_text('[company]\ncurrency = "EUR"\n', encoding="utf-8")
    made = attribute(Company.open(folder), Q3)
    cost = {r["channel"]: r["cost_per_sale"] for r in made.rows if r["model"] == "linear"}
    assert (cost["paid_search"], cost["social"]) == (600, 60)


@pytest.mark.parametrize("drop", ["spend", "campaigns", "touches", "leads"])
def test_a_missing_table_takes_away_what_stands_on_it_and_no_more(drop):
    made = attribute(company_of({name: rows for name, rows in SHOP.items() if name != drop}), Q3)
    for model in MODELS:
        credits = [r["credit"] for r in made.rows if r["model"] == model]
        assert sum(credits) == pytest.approx(3), "the three new clients"
    if drop == "spend":
        assert {r["cost_per_sale"] for r in made.rows} == {None}


@pytest.mark.parametrize("sale", ["new_client", "won_deal"])
def test_where_one_date_stands_for_all_rows_nothing_came_before_anything(sale, tmp_path):
    """X Education has no dates: nine models shared its sales among steps 'before' them, all in the same way."""
    folder = written(SHOP, tmp_path)
    settings = f'[attribution]\nsale = "{sale}"\n'
    (folder / "alignment.toml").write_text(settings)
    assert attribute(Company.open(folder), Q3).rows
    (folder / "alignment.toml").write_text(
        settings + "[tables.leads.columns]\ncreated_at = { value = 2026-07-01 }\n"
    )
    made = attribute(Company.open(folder), Q3)
    assert made.rows == ()
    assert made.about["paths"]["about"] == (
        "Not available: leads is undated: its date is the same in every row."
    )


def test_no_sales_is_not_available_and_only_untouched_sales_are_counted():
    none = attribute(company_of({**SHOP, "opportunities": [deal("o", "2020-01-01")]}), Q3)
    assert none.rows == ()
    assert "no sales in 2026-Q3" in none.about["paths"]["about"]
    alone = attribute(
        company_of({"touches": [], "opportunities": [deal("o", "2026-08-01")], "leads": []}), Q3
    )
    assert [(r["channel"], r["credit"]) for r in alone.rows] == [(NO_TOUCH, 1.0)] * len(MODELS)


def test_settings_are_heard():
    text = '[company]\ncurrency = "EUR"\n[attribution]\n'
    plain = attribute(company_of(SHOP), Q3)

    def credits(made, model):
        return {r["channel"]: r["credit"] for r in made.rows if r["model"] == model}

    direct = attribute(company_of(SHOP, toml=text + 'direct = ["email"]'), Q3)
    assert credits(plain, "last_non_direct")["email"] == 1
    assert credits(direct, "last_non_direct") == credits(plain, "last_non_direct") | {"email": 0, "social": 1}
    slow = attribute(company_of(SHOP, toml=text + "half_life_days = 4"), Q3)
    assert credits(slow, "time_decay")["phone (sales)"] == pytest.approx(2 / 3, abs=1e-9)
    short = attribute(company_of(SHOP, toml=text + "lookback_days = 28"), Q3)
    assert "paid_search" not in [c for c, v in credits(short, "linear").items() if v]
    chain = attribute(company_of(SHOP, toml=text + 'shapley = "chain"\nmarkov_order = 2'), Q3)
    assert sum(credits(chain, "shapley").values()) == pytest.approx(3, abs=1e-9)
    assert {r["rank_stability"] for r in chain.rows if r["model"] == "shapley"} == {None}
    assert "Markov chain with these channels alone (exact)" in chain.about["shapley"]["about"]
    deals = attribute(company_of(SHOP, toml=text + 'sale = "won_deal"'), Q3)
    assert "a won deal" in deals.about["paths"]["about"]


def test_an_analysis_holds_the_rows_and_adds_up(sample_dir):
    company = Company.open(sample_dir)
    made = analyse(company, "2026-Q3", kpis=["new-clients"], indicators=["dropped_leads"])
    new = made.kpis[0].value
    for model in MODELS:
        rows = [r for r in made.attribution if r["model"] == model]
        assert math.fsum(r["credit"] for r in rows) == pytest.approx(new, abs=1e-9)
        assert all(0 <= r["rank_stability"] <= 1 for r in rows if r["channel"] != NO_TOUCH)
    assert set(made.definitions["attribution"]) == {"paths", "disagreement", *MODELS}
    assert type(made).from_json(made.to_json()).attribution == made.attribution


def test_another_order_of_rows_gives_the_same_rows(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one = Company.open(written(SHOP, tmp_path / "one"))
    two = Company.open(written({n: rows[::-1] for n, rows in SHOP.items()}, tmp_path / "two"))
    assert attribute(one, Q3) == attribute(two, Q3)


def test_where_attribution_fails_the_rest_stands(sample_dir, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("made up")

    monkeypatch.setattr("alignment_toolkit.analysis.attribute", broken)
    made = analyse(Company.open(sample_dir), "2026-Q3", kpis=["leads"], indicators=["dropped_leads"])
    assert made.attribution == ()
    assert made.kpis
    assert "Attribution could not be computed: ZeroDivisionError: made up" in made.warnings


def test_days_without_any_touch_of_a_department_are_told_beside_the_credits():
    """Sales' touches of three weeks of August are missing, marketing's are not."""
    said = (
        "No touch of sales is on record from 2026-08-01 to 2026-08-23 (15 working days; about 120 rows would be "
        "usual). Its steps of these days have no credit."
    )
    mailed = [{**t, "touch_id": f"m{t['touch_id']}", "department": "marketing"} for t in strangers()]
    sold = {
        "opportunities": [deal("o", "2026-09-15", account="stranger")],
        "leads": [lead("l", "2026-07-01")],
    }
    for lost in ((), (AUGUST,)):
        touches = [
            *strangers(*lost, last="2026-09-30"),
            *[t for t in mailed if t["touched_at"] < "2026-10-01"],
        ]
        about = attribute(company_of({**sold, "touches": touches}), Q3).about
        assert (said in about["paths"]["about"]) == bool(lost)
        assert "of marketing is on record" not in about["paths"]["about"]
    # What lies before the days that paths reach into is not told.
    late = Period.parse("2027-Q2")
    sold["opportunities"].append(deal("p", "2027-05-05", account="stranger"))
    touches = [*strangers(AUGUST, last="2027-06-30"), touch("t", "2027-05-01", account="stranger")]
    assert (
        "on record" not in attribute(company_of({**sold, "touches": touches}), late).about["paths"]["about"]
    )
