"""Counts of events: their interval is that of days that swing, not of single events alone."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime, timedelta

import pytest

from alignment_toolkit.errors import ParameterError
from alignment_toolkit.kpi import measure
from alignment_toolkit.kpis import marketing, sales
from alignment_toolkit.statistics.bursts import event_count
from alignment_toolkit.statistics.shares import poisson_count
from tests.builders import company_of

START = date(2026, 1, 1)
# A quarter with a lead a day, and three fairs that bring twelve a day.
QUARTER = [13 if day in (9, 10, 40, 41, 42, 70) else 1 for day in range(90)]


def leads(numbers, channel="mail", start=START):
    nine = datetime(start.year, start.month, start.day, 9)
    return [
        {
            "lead_id": f"{channel}{start}{day}-{i}",
            "created_at": nine + timedelta(days=day),
            "channel": channel,
        }
        for day, n in enumerate(numbers)
        for i in range(n)
    ]


@pytest.fixture(scope="module")
def company():
    rows = [*leads(QUARTER), *leads([1] * 90, "web"), *leads([1] * 31, start=date(2025, 12, 1))]
    return company_of({"leads": rows}, until={"leads": "2026-03-31"})


def interval(row):
    return (row.low, row.high)


def told(numbers, within=None):
    e = event_count(numbers, within=within)
    return (pytest.approx(e.low, rel=1e-11), pytest.approx(e.high, rel=1e-11))


def test_the_days_tell_the_spread_of_each_slice_and_stretch(company):
    rows = measure(company, marketing.leads, "2026-Q1", by=("channel",), grain="month")
    found = {(tuple(r.by.values()), r.period): r for r in rows}
    assert interval(found[("mail",), "2026-Q1"]) == told(QUARTER)
    assert interval(found[("mail",), "2026-01"]) == told(QUARTER[:31], QUARTER)
    assert interval(found[("mail",), "2026-03"]) == told(QUARTER[59:], QUARTER)
    assert interval(found[(), "2026-Q1"]) == told([n + 1 for n in QUARTER])
    calm = found[("web",), "2026-Q1"]
    assert interval(calm) == told([1] * 90)
    assert calm.method == "exact Poisson (Garwood), days swing no more than by chance"
    bursts, plain = found[("mail",), "2026-Q1"], poisson_count(sum(QUARTER))
    assert bursts.high - bursts.low > 2 * (plain.high - plain.low)
    assert bursts.method.startswith("swings between days and weeks, 8 cosines of 90 days")


def test_a_month_is_told_by_the_days_of_the_quarter_around_it(company):
    month, piece = (
        next(r for r in measure(company, marketing.leads, p, grain="month") if r.period == "2026-01")
        for p in ("2026-01", "2026-Q1")
    )
    assert month.value == piece.value == 2 * 31 + 2 * 12
    assert month.low < piece.low < piece.high < month.high
    assert "of the 90 days around it" in piece.method


def test_a_part_alone_says_what_it_says_beside_others(company):
    for period in ("2026-Q1", "2026-01"):
        alone = measure(company, marketing.leads, period, compare=("2025-12",))[0]
        assert interval(alone) == told([n + 1 for n in QUARTER][: 90 if period == "2026-Q1" else 31])


def test_too_few_days_are_said(company):
    row = measure(company, marketing.leads, "2026-01-05..2026-01-18")[0]
    plain = poisson_count(row.value)
    assert interval(row) == (pytest.approx(plain.low), pytest.approx(plain.high))
    assert row.method == "exact Poisson (Garwood), 14 days are too few to tell bursts"


def test_days_without_data_are_no_quiet_days():
    rows = leads(QUARTER[:45])
    company = company_of({"leads": rows}, until={"leads": "2026-02-14"})
    row = measure(company, marketing.leads, "2025-11-01..2026-04-30")[0]
    assert interval(row) == told(QUARTER[:45])


def test_rows_of_one_made_up_date_tell_nothing_of_days():
    company = company_of({"leads": leads([40])}, until={"leads": "2026-03-31"})
    company.undated = frozenset({"leads"})
    assert measure(company, marketing.leads, "2026-Q1")[0].method == "exact Poisson (Garwood)"


def test_nearly_all_on_one_day_has_no_interval():
    company = company_of({"leads": leads([40, 1, 1])}, until={"leads": "2026-03-31"})
    row = measure(company, marketing.leads, "2026-Q1")[0]
    assert (row.value, *interval(row)) == (42, None, None)
    assert row.method == "no interval: nearly all of them on a few days"


def test_what_is_made_of_such_counts_takes_their_interval():
    results = [
        {"result_id": f"r{day}", "kind": "enquiries", "count": float(n), "on": START + timedelta(days=day)}
        for day, n in enumerate(QUARTER)
    ]
    spend = [{"spent_on": START, "amount": "1000"}]
    company = company_of(
        {"results": results, "spend": spend}, until={"results": "2026-03-31", "spend": "2026-03-31"}
    )
    row, e = measure(company, marketing.cost_per_result, "2026-Q1")[0], event_count(QUARTER)
    assert interval(row) == (pytest.approx(1000 / e.high), pytest.approx(1000 / e.low))


def test_what_is_distinct_is_no_event_of_a_day(company):
    odd = dataclasses.replace(marketing.leads, id="odd", top=lambda t: t.channel.nunique())
    with pytest.raises(ParameterError, match="interval='count'"):
        measure(company, odd, "2026-Q1")


def test_a_channel_without_clients_where_the_first_client_is_dated_after_the_data_ends():
    """A client of December in data of June: a date that was typed ahead, or a clock that was wrong."""
    tables = {
        "accounts": [{"account_id": "a1", "client_since": date(2025, 12, 28)}],
        "leads": [{"lead_id": "l1", "created_at": datetime(2025, 6, 29, 12), "channel": "web"}],
        "spend": [{"channel": "mail", "spent_on": date(2025, 6, 29), "amount": 10}],
    }
    company = company_of(tables, columns={"leads": ["account_id", "converted_at"]})
    total, *channels = measure(company, sales.cost_per_sale, "2025", by=("channel",))
    assert (total.value, total.n) == (10, 1)
    mail = next(row for row in channels if row.by == {"channel": "mail"})
    assert (mail.value, mail.reason) == (None, "no new client")
