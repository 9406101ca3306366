"""Relations: the words of the data dictionary, on rows that one can add up in one's head, then by brute force."""

from __future__ import annotations

from datetime import date, datetime

import ibis
import pytest
from hypothesis import given
from hypothesis import settings as tries

from alignment_toolkit.errors import DataError, UnknownName
from alignment_toolkit.relations import RELATIONS, relation
from alignment_toolkit.tables import TABLES
from tests.builders import Unbound, company_of
from tests.oracle.worlds import COLUMNS, both, worlds


def rows(company, name, *columns):
    frame = company.fetch(company.relation(name)).astype(object)
    frame = frame.where(frame.notna(), None)
    return [tuple(plain(v) for v in row) for row in frame[list(columns)].itertuples(index=False)]


def plain(value):
    if isinstance(value, datetime):
        return (
            value.date() if value == datetime(value.year, value.month, value.day) else value.to_pydatetime()
        )
    return int(value) if isinstance(value, float) else value


def lead(id, created, account=None, **more):
    return {"lead_id": id, "created_at": created, "account_id": account, **more}


def won(id, closed, account=None, lead_id=None):
    return {
        "opportunity_id": id,
        "opened_at": closed,
        "closed_at": closed,
        "outcome": "won",
        "account_id": account,
        "lead_id": lead_id,
        "amount": "10",
    }


# Sales lines --------------------------------------------------------------------------------------------------


def test_sales_lines_are_order_lines():
    company = company_of(
        {
            "orders": [{"order_id": "1", "ordered_at": "2026-01-05", "amount": "10"}],
            "opportunities": [won("o", "2026-01-06")],
        }
    )
    assert rows(company, "sales", "order_id", "account_id", "amount") == [("1", None, 10)]


def test_without_orders_won_opportunities_are_lines_dated_by_their_closing():
    still = {"opportunity_id": "open", "opened_at": "2026-01-01"}
    lost = {**won("lost", "2026-02-01"), "outcome": "lost"}
    undated = {**won("undated", "2026-02-01"), "closed_at": None}
    company = company_of({"opportunities": [won("o", "2026-01-06 10:30", "a"), still, lost, undated]})
    assert rows(company, "sales", "order_id", "ordered_at", "account_id") == [
        ("o", datetime(2026, 1, 6, 10, 30), "a")
    ]


def test_no_sales_lines_at_all():
    company = company_of({"leads": []})
    assert RELATIONS["sales"].missing(company) == ("orders.order_id", "orders.ordered_at", "orders.amount")
    with pytest.raises(DataError, match="no sales lines"):
        company.relation("sales")


# Client since -------------------------------------------------------------------------------------------------


def test_client_since_is_the_earliest_of_all_that_is_known():
    company = company_of(
        {
            "accounts": [{"account_id": "a", "client_since": "2020-05-01"}, {"account_id": "z"}],
            "leads": [lead("l1", "2026-01-01", "b", converted_at="2026-01-09 12:00")],
            "opportunities": [won("o1", "2026-01-20", "a"), won("o2", "2026-01-08", "c")],
            "orders": [
                {"order_id": "1", "ordered_at": "2026-01-10", "amount": "5", "account_id": "b"},
                {"order_id": "2", "ordered_at": "2026-01-07", "amount": "5", "account_id": "c"},
                {"order_id": "3", "ordered_at": "2026-01-01", "amount": "-5", "account_id": "d"},
                {"order_id": "4", "ordered_at": "2026-01-03", "amount": "5"},
            ],
        }
    )
    found = sorted(rows(company, "clients", "client_id", "account_id", "client_since"))
    assert found == [
        ("a", "a", date(2020, 5, 1)),
        ("b", "b", date(2026, 1, 9)),
        ("c", "c", date(2026, 1, 7)),
    ]


def test_a_won_opportunity_without_account_belongs_to_its_leads_account():
    company = company_of(
        {"leads": [lead("l", "2026-01-01", "a")], "opportunities": [won("o", "2026-01-20", None, "l")]}
    )
    assert rows(company, "clients", "client_id", "client_since", "lead_id") == [("a", date(2026, 1, 20), "l")]


def test_a_lead_without_account_is_a_client_of_its_own():
    company = company_of(
        {
            "leads": [
                lead("l", "2026-01-01"),
                lead("m", "2026-01-02", converted_at="2026-01-03"),
                lead("n", "2026-01-01"),
            ],
            "opportunities": [won("o", "2026-01-20", None, "l")],
        }
    )
    assert sorted(rows(company, "clients", "client_id", "account_id", "client_since", "lead_id")) == [
        ("l", None, date(2026, 1, 20), "l"),
        ("m", None, date(2026, 1, 3), "m"),
    ]


def test_a_lead_without_account_whose_deal_names_one_is_not_counted_twice():
    company = company_of(
        {
            "leads": [lead("l", "2026-01-01", channel="fair")],
            "opportunities": [won("o", "2026-01-20", "a", "l")],
        }
    )
    assert rows(company, "clients", "client_id", "lead_id", "channel") == [("a", "l", "fair")]
    assert rows(company, "lead_outcomes", "lead_id", "client_since", "converted") == [
        ("l", date(2026, 1, 20), True)
    ]


def test_a_lead_that_says_it_was_a_client_before_still_opened_its_deals_account():
    company = company_of(
        {
            "leads": [lead("l", "2026-01-10", channel="fair", converted_at="2025-06-01")],
            "opportunities": [won("o", "2026-01-20", "a", "l")],
        }
    )
    assert ("a", date(2026, 1, 20), "l", "fair") in rows(
        company, "clients", "client_id", "client_since", "lead_id", "channel"
    )


def test_the_opening_lead_is_that_of_the_last_episode_up_to_client_since():
    company = company_of(
        {
            "leads": [
                lead("l1", "2025-01-01", "a", channel="old"),
                lead("l2", "2025-12-01", "a", channel="opener"),
                lead("l3", "2026-01-01", "a", channel="later in the episode"),
                lead("l4", "2026-09-01", "a", channel="after"),
            ],
            "opportunities": [won("o", "2026-01-20", "a")],
        }
    )
    assert rows(company, "clients", "lead_id", "channel", "lead_created_on") == [
        ("l2", "opener", date(2025, 12, 1))
    ]


def test_a_lead_recorded_within_the_grace_days_still_opened_it():
    deals = {"opportunities": [won("o", "2026-01-20", "a")]}
    inside = company_of({"leads": [lead("l", "2026-01-27", "a", channel="fair")], **deals})
    beyond = company_of({"leads": [lead("l", "2026-01-28", "a", channel="fair")], **deals})
    assert rows(inside, "clients", "channel") == [("fair",)]
    assert rows(beyond, "clients", "channel") == [(None,)]


def test_the_region_of_a_client_is_its_accounts_else_its_opening_leads():
    company = company_of(
        {
            "accounts": [{"account_id": "a", "region": "north"}, {"account_id": "b", "region": None}],
            "leads": [
                lead("l1", "2026-01-01", "a", region="south"),
                lead("l2", "2026-01-01", "b", region="south"),
            ],
            "opportunities": [won("o1", "2026-01-20", "a"), won("o2", "2026-01-20", "b")],
        }
    )
    assert sorted(rows(company, "clients", "client_id", "region")) == [("a", "north"), ("b", "south")]


def test_nothing_that_says_who_is_a_client():
    company = company_of({"accounts": [{"account_id": "a"}], "leads": [lead("l", "2026-01-01")]})
    assert RELATIONS["clients"].missing(company) == ("leads.converted_at",), "the nearest"


# Episodes and conversion --------------------------------------------------------------------------------------


def test_an_episode_is_a_chain_of_leads_at_most_180_days_apart():
    company = company_of(
        {
            "leads": [
                lead("a", "2025-01-01 23:59", "x"),
                lead("b", "2025-06-30", "x"),  # 180 days
                lead("c", "2025-12-28 00:01", "x"),  # 181 days
                lead("d", "2025-01-02"),
                lead("e", "2025-01-02"),
            ],
            "orders": [],
        }
    )
    assert sorted(rows(company, "lead_outcomes", "lead_id", "episode_id", "opens_episode")) == [
        ("a", "a", True),
        ("b", "a", False),
        ("c", "c", True),
        ("d", "d", True),
        ("e", "e", True),
    ]


def test_leads_of_one_moment_are_ordered_by_id():
    company = company_of(
        {"leads": [lead("b", "2025-01-01", "x"), lead("a", "2025-01-01", "x")], "orders": []}
    )
    assert sorted(rows(company, "lead_outcomes", "lead_id", "episode_id")) == [("a", "a"), ("b", "a")]


@pytest.mark.parametrize(
    ("closed", "existing", "converted", "days"),
    [
        ("2026-01-02", True, False, None),
        ("2026-01-03", False, True, 0),
        ("2026-01-10", False, True, 0),
        ("2026-04-10", False, True, 90),
    ],
)
def test_a_lead_converts_from_seven_days_before_it_was_created(closed, existing, converted, days):
    company = company_of(
        {"leads": [lead("l", "2026-01-10 18:00", "a")], "opportunities": [won("o", f"{closed} 23:59", "a")]}
    )
    found = rows(company, "lead_outcomes", "existing_client", "converted", "days_to_client")
    assert found == [(existing, converted, days)]


def test_settings_move_the_limits():
    toml = "[company]\nepisode_days = 30\ngrace_days = 0\n"
    tables = {
        "leads": [lead("l1", "2026-01-01", "a"), lead("l2", "2026-02-01", "a")],
        "opportunities": [won("o", "2026-01-31", "a")],
    }
    company = company_of(tables, toml=toml)
    assert sorted(rows(company, "lead_outcomes", "lead_id", "opens_episode", "existing_client")) == [
        ("l1", True, False),
        ("l2", True, True),
    ]


# First touches ------------------------------------------------------------------------------------------------


def touch(id, at, **more):
    return {"touch_id": id, "touched_at": at, "department": "sales", "direction": "outbound", **more}


@pytest.mark.parametrize(
    ("touches", "expected"),
    [
        ([touch("t", "2026-01-05 10:00", lead_id="l")], "t"),
        ([touch("t", "2026-01-05 09:59:59", lead_id="l")], None),
        ([touch("t", "2026-01-06", contact_id="k")], "t"),
        ([touch("t", "2026-01-06", account_id="a")], "t"),
        ([touch("t", "2026-01-06", account_id="a", lead_id="other")], None),
        ([touch("t", "2026-01-06", account_id="a", contact_id="other")], None),
        ([{**touch("t", "2026-01-06", lead_id="l"), "direction": "inbound"}], None),
        ([{**touch("t", "2026-01-06", lead_id="l"), "department": "marketing"}], None),
        ([touch("t", "2026-01-06", lead_id="l", automated=True)], None),
        ([touch("t2", "2026-01-06", lead_id="l"), touch("t1", "2026-01-06", account_id="a")], "t1"),
    ],
)
def test_the_first_touch_is_sales_first_answer(touches, expected):
    tables = {
        "leads": [lead("l", "2026-01-01", "a", contact_id="k", qualified_at="2026-01-05 10:00")],
        "touches": touches,
    }
    company = company_of(tables, columns={"touches": COLUMNS["touches"]})
    assert rows(company, "first_touches", "lead_id", "touch_id") == [("l", expected)]


def test_a_touch_of_a_contact_answers_a_lead_of_the_account_that_names_no_contact():
    tables = {
        "leads": [lead("l", "2026-01-01", "a", qualified_at="2026-01-05")],
        "touches": [touch("t", "2026-01-06", account_id="a", contact_id="k")],
    }
    assert rows(company_of(tables), "first_touches", "touch_id") == [("t",)]


def test_leads_that_were_never_handed_over_are_not_in_it():
    company = company_of(
        {
            "leads": [lead("l", "2026-01-01", qualified_at=None)],
            "touches": [touch("t", "2026-01-06", lead_id="l")],
        }
    )
    assert rows(company, "first_touches", "lead_id") == []


# By brute force -----------------------------------------------------------------------------------------------


@tries(max_examples=15)
@given(worlds())
def test_relations_equal_brute_force_and_never_lose_or_double_a_row(tables):
    relations_are_brute_force(tables)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@tries(max_examples=500)
@given(worlds())
def test_relations_equal_brute_force_on_many_data_sets(tables):
    relations_are_brute_force(tables)


def relations_are_brute_force(tables):
    company, world = both(tables)
    if not RELATIONS["lead_outcomes"].missing(company):
        found = rows(
            company,
            "lead_outcomes",
            "lead_id",
            "episode_id",
            "opens_episode",
            "client_since",
            "existing_client",
            "converted",
            "days_to_client",
        )
        expected = [
            (r["lead_id"], r["episode"], r["opens"], r["since"], r["existing"], r["converts"], r["days"])
            for r in world.leads()
        ]
        assert sorted(found, key=str) == sorted(expected, key=str)
        found = rows(
            company, "clients", "client_id", "client_since", "lead_id", "channel", "campaign_id", "region"
        )
        expected = [
            (c["client"], c["on"], c["lead_id"], c["channel"], c["campaign_id"], c["region"])
            for c in world.clients()
        ]
        assert sorted(found, key=str) == sorted(expected, key=str)
    if not RELATIONS["sales"].missing(company):
        found = rows(company, "sales", "order_id", "account_id", "amount")
        expected = [(r["order_id"], r["account_id"], r["amount"]) for r in world.sales_lines()]
        assert sorted((o, a or "", m or 0) for o, a, m in found) == sorted(
            (o, a or "", m) for o, a, m in expected
        )
    if not RELATIONS["first_touches"].missing(company):
        found = rows(company, "first_touches", "lead_id", "touch_id")
        expected = [(r["lead_id"], r["touch_id"]) for r in world.first_touches()]
        assert sorted(found, key=str) == sorted(expected, key=str)


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "databricks"])
@pytest.mark.parametrize("name", RELATIONS)
def test_relations_compile_for_every_engine(name, dialect):
    every = {t: tuple(spec.columns) for t, spec in TABLES.items()}
    company = company_of({t: [] for t in every}, columns=every, kind=Unbound)
    assert "SELECT" in ibis.to_sql(company.relation(name), dialect=dialect)


def test_an_unknown_relation_names_the_near_match():
    with pytest.raises(UnknownName, match="Did you mean 'clients'"):
        relation("client")
