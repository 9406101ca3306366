"""`measure`: slices, time and changes, on rows that one can add up in one's head."""

from __future__ import annotations

import ibis
import pytest

from alignment_toolkit.errors import ParameterError, PeriodError, UnknownName
from alignment_toolkit.kpi import measure
from alignment_toolkit.kpi.measuring import queries
from alignment_toolkit.periods import Period
from tests.builders import company_of
from tests.kpi.rows import KPIS, LINES, by, deal, lead, line, one

# Slices -------------------------------------------------------------------------------------------------------


def test_the_missing_value_is_a_slice_and_parts_add_up():
    rows = [
        line("2026-01-10", "1", "a", "1", channel="x"),
        line("2026-01-10", "2", "a", "2"),
        line("2026-01-10", "4", "b", "3", channel="y"),
    ]
    company = company_of({"orders": rows})
    assert by(measure(company, KPIS["revenue"], "2026-Q1", by=("channel",))) == {
        (): 7,
        ("x",): 1,
        ("y",): 4,
        (None,): 2,
    }
    assert by(measure(company, KPIS["active-clients"], "2026-Q1", by=("channel",))) == {
        (): 2,
        ("x",): 1,
        ("y",): 1,
        (None,): 1,
    }


def test_slices_through_keys():
    company = company_of(
        {
            "accounts": [{"account_id": "a", "region": "north"}, {"account_id": "b", "region": None}],
            "orders": [
                line("2026-01-10", "1", "a"),
                line("2026-01-10", "2", "b"),
                line("2026-01-10", "4", "c"),
                line("2026-01-11", "8"),
            ],
        }
    )
    for name in ("region", "accounts.region"):
        assert by(measure(company, KPIS["revenue"], "2026-Q1", by=(name,))) == {
            (): 15,
            ("north",): 1,
            (None,): 14,
        }


def test_a_column_of_its_own_goes_before_one_of_its_account():
    company = company_of(
        {
            "accounts": [{"account_id": "a", "region": "north"}],
            "orders": [line("2026-01-10", "1", "a", region="shop")],
        }
    )
    assert by(measure(company, KPIS["revenue"], "2026-Q1", by=("region",))) == {(): 1, ("shop",): 1}
    assert by(measure(company, KPIS["revenue"], "2026-Q1", by=("orders.region",))) == {(): 1, ("shop",): 1}
    assert by(measure(company, KPIS["revenue"], "2026-Q1", by=("accounts.region",))) == {(): 1, ("north",): 1}


def test_people_are_reached_by_the_column_that_names_them():
    company = company_of(
        {
            "people": [
                {"person_id": "p", "department": "sales", "team": "one"},
                {"person_id": "q", "department": "sales", "team": "two"},
            ],
            "leads": [lead("l", "2026-01-10", owner="p", received_by="q")],
        }
    )
    assert by(measure(company, KPIS["leads"], "2026-01", by=("received_by.team",))) == {(): 1, ("two",): 1}
    with pytest.raises(ParameterError, match=r"could be any of owner\.team, received_by\.team: say which"):
        measure(company, KPIS["leads"], "2026-01", by=("team",))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("chanel", "no dimension 'chanel'.*Did you mean 'channel'"),
        ("accounts.regio", "Did you mean 'accounts.region'"),
    ],
)
def test_an_unknown_dimension_names_the_near_match(name, message):
    company = company_of(
        {
            "accounts": [{"account_id": "a", "region": "n"}],
            "orders": [line("2026-01-10", "1", "a", channel="x")],
        }
    )
    with pytest.raises(UnknownName, match=message):
        measure(company, KPIS["revenue"], "2026-Q1", by=(name,))


def test_a_moment_is_no_dimension():
    with pytest.raises(ParameterError, match="a time and no dimension; a grain cuts by time"):
        measure(company_of({"orders": LINES}), KPIS["revenue"], "2026-Q1", by=("ordered_at",))


def test_a_kpi_without_the_dimension_says_so_beside_those_that_have_it():
    company = company_of(
        {"orders": [line("2026-01-10", "1", "a")], "leads": [lead("l", "2026-01-10", channel="x")]}
    )
    rows = measure(company, [KPIS["revenue"], KPIS["leads"]], "2026-01", by=("channel",))
    assert [(r.kpi, dict(r.by), r.value) for r in rows] == [
        ("revenue", {}, 1),
        ("revenue", {"channel": None}, None),
        ("leads", {}, 1),
        ("leads", {"channel": "x"}, 1),
    ]
    assert "no dimension 'channel' of sales" in rows[1].reason


# Time ---------------------------------------------------------------------------------------------------------


def test_a_grain_gives_a_row_for_every_piece_beside_the_whole():
    rows = measure(company_of({"orders": LINES}), KPIS["revenue"], "2026-01-05..2026-03-31", grain="month")
    assert [(r.period, r.grain, r.value) for r in rows] == [
        ("2026-01-05..2026-03-31", None, 150),
        ("2026-01-05..2026-01-31", "month", 150),
        ("2026-02", "month", -20),
        ("2026-03", "month", 20),
    ]


@pytest.mark.parametrize("starts", [1, 2, 4])
def test_fiscal_quarters_are_cut_where_the_fiscal_year_says(starts):
    toml = f"[company]\nfiscal_year_starts = {starts}\nfiscal_year_names = 'start'\n"
    rows = [line(f"2026-{m:02d}-15", str(m)) for m in range(1, 13)] + [line("2027-12-31", "0")]
    company = company_of({"orders": rows}, toml=toml)
    found = measure(company, KPIS["revenue"], "FY2026", grain="quarter")
    expected = [sum(m for m in range(starts + 3 * q, starts + 3 * q + 3) if m <= 12) for q in range(4)]
    assert [r.value for r in found if r.grain] == expected


def test_months_of_slices_are_left_out_where_they_are_not_asked_for():
    company = company_of(
        {"orders": [line("2026-01-10", "1", "a", channel="x"), line("2026-02-10", "2", "b")]}
    )
    asked = {"by": ("channel",), "grain": "month", "compare": "previous"}
    whole = measure(company, KPIS["revenue"], "2026-Q1", **asked)
    less = measure(company, KPIS["revenue"], "2026-Q1", **asked, sliced_grain=False)
    assert less == tuple(r for r in whole if r.grain is None or not r.by)
    assert any(r.grain and r.by and r.value for r in whole), "there was something to leave out"


def test_weeks_are_iso_weeks():
    rows = [
        line("2026-01-04 23:59", "1"),
        line("2026-01-05", "2"),
        line("2026-01-11 23:59:59", "4"),
        line("2026-01-20", "8"),
    ]
    found = measure(company_of({"orders": rows}), KPIS["revenue"], "2026-01-01..2026-01-18", grain="week")
    assert [(r.period, r.value) for r in found if r.grain] == [
        ("2026-01-01..2026-01-04", 1),
        ("2026-W02", 6),
        ("2026-W03", 0),
    ]


def test_after_the_data_ends_there_is_no_number_and_before_its_end_there_is_a_young_one():
    company = company_of({"orders": LINES})
    row = one(company, "revenue", "2026-Q3")
    assert (row.status, row.value, row.reason) == ("not_available", None, "data ends 2026-04-01")
    young = one(company, "revenue", "2026-Q2")
    assert (young.value, young.immature) == (999, True)
    assert not one(company, "revenue", "2026-Q1").immature
    assert (
        one(company_of({"orders": LINES}, until={"orders": "2026-06-30"}), "revenue", "2026-Q2").immature
        is False
    )


def test_spend_does_not_end_with_a_table_that_nobody_keeps_any_more():
    """Deals are no longer recorded; what was spent since is on record all the same, up to the last booking."""
    tables = {
        "opportunities": [deal("1", "2025-09-18", opened_at="2025-09-01")],
        "orders": [line("2025-09-10", "1", "a"), line("2026-06-10", "2", "a")],
        "spend": [
            {"spent_on": "2025-09-10", "amount": "1"},
            {"spent_on": "2026-01-10", "amount": "5"},
            {"spent_on": "2026-03-25", "amount": "7"},
            {"spent_on": "2031-01-01", "amount": "1000"},  # no day of it is past
        ],
    }
    company = company_of(tables)
    assert str(company.as_of) == "2025-09-18"
    assert (one(company, "spend", "2026-01").value, one(company, "spend", "2026-01").immature) == (5, False)
    assert (one(company, "spend", "2026-Q1").value, one(company, "spend", "2026-Q1").immature) == (12, True)
    assert one(company, "spend", "2026-Q3").reason == "data ends 2026-03-25"
    assert one(company, "spend", "2031-Q1").value is None
    capped = company_of(tables, toml="[company]\nas_of = 2026-02-28\n")
    assert (one(capped, "spend", "2026-Q1").value, one(capped, "spend", "2026-Q1").immature) == (5, True)
    # Where all is kept up to one day, a month without a booking is a counted 0.
    kept = {**tables, "opportunities": [deal("1", "2026-06-10")], "spend": tables["spend"][:3]}
    assert (
        one(company_of(kept), "spend", "2026-05").value,
        one(company_of(kept), "spend", "2026-05").immature,
    ) == (0, False)


def test_wins_of_which_none_has_a_day_are_no_counted_zero():
    undated = [
        {"opportunity_id": i, "opened_at": "2026-01-05", "outcome": "won", "amount": "9", "closed_at": None}
        for i in "123"
    ]
    lost = deal("4", "2026-03-31", "lost", amount="9")
    found = company_of({"opportunities": [{**u, "account_id": "a"} for u in undated] + [lost]})
    for id in ("revenue", "active-clients", "average-order", "new-clients"):
        row = one(found, id)
        assert (row.value, row.reason) == (
            None,
            "won opportunities have no closed_at: the day of 3 is not known",
        )
    assert one(
        company_of({"opportunities": [u | {"account_id": "a"} for u in undated]}), "average-deal"
    ).reason.endswith("3 is not known")
    # One that is dated begins the record, and nothing won is a counted 0.
    assert one(company_of({"opportunities": [lost]}), "revenue").value == 0
    dated = deal("5", "2026-02-01", account="a", amount="4")
    assert one(company_of({"opportunities": [*undated, lost, dated]}), "revenue").value == 4


def test_before_the_data_begins_there_is_no_number():
    row = one(company_of({"orders": LINES}), "revenue", "2025-Q4")
    assert (row.status, row.reason) == ("not_available", "data begins 2026-01-10")


def test_nothing_in_complete_data_is_a_counted_zero():
    rows = [line("2026-01-10", "1", "a"), line("2026-12-31", "1", "a")]
    company = company_of({"orders": rows})
    assert one(company, "revenue", "2026-Q2").value == 0
    assert one(company, "active-clients", "2026-Q2").value == 0
    arpu = one(company, "arpu", "2026-Q2")
    assert (arpu.status, arpu.reason, arpu.top, arpu.bottom) == ("not_available", "no active client", 0, 0)


def test_an_explicit_as_of_hides_what_came_later():
    company = company_of({"orders": LINES}, toml="[company]\nas_of = 2026-02-28\n")
    row = one(company, "revenue")
    assert (row.value, row.immature) == (130, True)
    assert one(company, "revenue", "2026-Q2").reason == "data ends 2026-02-28"


def test_a_misspelt_period_or_grain():
    company = company_of({"orders": LINES})
    with pytest.raises(PeriodError, match="Did you mean '2026-Q1'"):
        measure(company, KPIS["revenue"], "2026Q1")
    with pytest.raises(ParameterError, match="Did you mean 'month'"):
        measure(company, KPIS["revenue"], "2026", grain="monht")


# Changes ------------------------------------------------------------------------------------------------------


def test_changes_against_other_periods():
    rows = [
        line(f"2026-0{m}-{d:02d}", "10", f"a{d}")
        for m, days in ((1, 20), (2, 10))
        for d in range(1, days + 1)
    ]
    company = company_of({"orders": rows}, until={"orders": "2026-03-31"})
    row = one(company, "active-clients", "2026-02", compare="previous")
    (change,) = row.changes
    assert (change.from_period, change.value) == ("2026-01", -10)
    assert change.low < -10 < change.high
    assert 0 < change.p < 1
    several = one(company, "revenue", "2026-02", compare=(Period.parse("2026-01"), Period.parse("2025-02")))
    assert [(c.from_period, c.value) for c in several.changes] == [("2026-01", -100), ("2025-02", None)]


@pytest.mark.parametrize("kpi", ["revenue", "leads"])
def test_the_period_just_before_is_read_with_the_same_pass_and_says_what_it_says_alone(kpi):
    days = ("2025-09-30", "2025-10-01", "2025-12-31", "2026-01-01", "2026-03-31", "2026-04-01")
    company = company_of(
        {
            "orders": [line(f"{on} 23:59:59", f"{2**i}", "a") for i, on in enumerate(days)],
            "leads": [lead(f"{on}{i}", on, f"{on}{i}") for i, on in enumerate(days)],
        }
    )
    then, now = Period.parse("2025-Q4"), Period.parse("2026-Q1")
    asked = {"revenue": ("orders", "ordered_at"), "leads": ("leads", "created_at")}[kpi]
    read = {
        words: str(ibis.to_sql(queries(company, KPIS[kpi], now, compare=[other])[0], dialect="duckdb")).count(
            f'"{asked[0]}"'
        )
        for words, other in (("before", then), ("a year ago", now.year_ago()))
    }
    assert read["before"] == read["a year ago"] - 1
    alone = {p: one(company, kpi, p).value for p in (then.label, now.label)}
    assert alone == (
        {"2025-Q4": 2 + 4, "2026-Q1": 8 + 16} if kpi == "revenue" else {"2025-Q4": 2, "2026-Q1": 2}
    )
    (change,) = one(company, kpi, now, compare=[then]).changes
    assert change.value == alone[now.label] - alone[then.label]


def test_a_slice_that_vanished_is_compared_too():
    rows = [line("2026-01-10", "5", "a", channel="x"), line("2026-02-10", "7", "a", channel="y")]
    company = company_of({"orders": rows}, until={"orders": "2026-02-28"})
    found = measure(company, KPIS["revenue"], "2026-02", by=("channel",), compare="previous")
    assert {tuple(r.by.values()): (r.value, r.changes[0].value) for r in found} == {
        (): (7, 2),
        ("x",): (0, -5),
        ("y",): (7, 7),
    }


def test_young_numbers_are_never_compared():
    rows = [line("2026-01-10", "5", "a"), line("2026-02-10", "7", "a")]
    row = one(company_of({"orders": rows}), "revenue", "2026-02", compare="previous")
    assert row.immature
    assert (row.changes[0].value, row.changes[0].p) == (None, None)


def months_of(company, id):
    total, *months = measure(company, KPIS[id], "2026-Q1", grain="month")
    return total, [m.top or 0 for m in months], months


def test_a_table_that_is_complete_until_a_day_counts_up_to_it_in_the_total_and_in_its_months():
    rows = [lead(f"l{m}{d}", f"2026-0{m}-{d:02}") for m in (1, 2, 3) for d in (1, 10, 20)]
    toml = '[company]\ncurrency = "EUR"\n[tables.leads]\ncomplete_until = 2026-02-10\n'
    total, months, pieces = months_of(
        company_of({"leads": rows}, toml=toml, until={"leads": "2026-02-10"}), "leads"
    )
    assert (total.value, months) == (5, [3, 2, 0])
    assert total.immature
    assert "up to 2026-02-10, until when the settings say" in total.method
    assert pieces[2].reason == "data ends 2026-02-10"
    assert "up to" not in pieces[0].method
    spend = [{"spent_on": f"2026-0{m}-01", "amount": "100"} for m in (1, 2, 3)]
    company = company_of({"leads": rows, "spend": spend}, toml=toml, until={"leads": "2026-02-10"})
    cost, months, _ = months_of(company, "cost-per-lead")
    assert (cost.value, cost.top, cost.bottom, months) == (40, 200, 5, [100, 100, 0]), (
        "both sides up to the same day"
    )
    assert one(company, "spend").value == 300


def test_what_one_of_two_tables_still_tells_is_in_the_total_and_in_the_months():
    """Deals end in January and orders in March: March is told and marked, not left out of the months alone."""
    orders = [line(f"2026-0{m}-05", "10", account) for m, account in ((1, "a"), (2, "b"), (3, "c"))]
    company = company_of({"orders": orders, "opportunities": [deal("o", "2026-01-20", account="d")]})
    total, months, pieces = months_of(company, "new-clients")
    assert (total.value, months, [m.immature for m in pieces]) == (4, [2, 1, 1], [True] * 3)
    assert total.immature
    assert one(company, "new-clients", "2026-Q2").reason == "data ends 2026-03-05"
