"""What is missing, mixed or empty is said and never invented; the same data gives the same bytes."""

from __future__ import annotations

import json
import math
import random
from datetime import date
from decimal import Decimal

import ibis
import pytest

from alignment_toolkit.errors import ParameterError
from alignment_toolkit.kpi import Kpi, RatioOfKpis, measure, queries
from alignment_toolkit.kpi.measuring import _shared
from alignment_toolkit.kpis import revenue
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Analysis
from alignment_toolkit.tables import TABLES
from tests.builders import Unbound, company_of
from tests.kpi.rows import ALL, DEALS, EPISODES, KPIS, LINES, deal, lead, line, one
from tests.oracle.test_brute_money import TOML
from tests.oracle.worlds import COLUMNS

# What must never be added up, and what is not there -----------------------------------------------------------


def test_amounts_of_several_currencies_are_refused():
    rows = [line("2026-01-10", "1", "a", currency="EUR"), line("2026-01-10", "1", "b", currency="usd")]
    company = company_of({"orders": rows})
    row = one(company, "revenue", "2026-01")
    assert (row.status, row.reason) == (
        "not_available",
        "amounts are in other currencies, and the table rates has no rate for USD on 2026-01-10",
    )
    assert one(company, "active-clients", "2026-01").value == 2
    none_in_particular = company_of({"orders": rows}, toml="[company]\n")
    assert one(none_in_particular, "revenue", "2026-01").status == "not_available"
    assert one(company_of({"orders": rows[:1]}, toml="[company]\n"), "revenue", "2026-01").value == 1


def test_what_is_needed_is_named():
    rows = measure(company_of({"orders": LINES}), ALL, "2026-Q1")
    reasons = {r.kpi: r.reason for r in rows if r.status == "not_available"}
    assert (
        reasons["win-rate"]
        == "needs opportunities.closed_at, opportunities.opportunity_id, opportunities.outcome"
    )
    assert reasons["leads"] == "needs leads.created_at"
    assert reasons["cost-per-sale"] == "needs spend.spent_on, spend.amount"
    assert len(rows) == len(ALL)


DEGENERATE = {
    "nothing but headers": {t: [] for t in COLUMNS},
    "orders without accounts": {"orders": [line("2026-01-10", "5")]},
    "only returns": {"orders": [line("2026-01-10", "-5", "a")]},
    "only zeros": {"orders": [line("2026-01-10", "0", "a")]},
    "one line": {"orders": [line("2026-01-10", "5", "a")]},
    "one account": {"orders": [line(f"2026-01-{d}", "5", "a") for d in range(10, 20)]},
    "equal accounts": {"orders": [line("2026-01-10", "5", f"a{i}") for i in range(5)]},
    "sums to nothing": {"orders": [line("2026-01-10", "5", "a"), line("2026-01-10", "-5", "b")]},
    "the largest amounts": {
        "orders": [line("2026-01-10", "99999999999999.9999", f"a{i}") for i in range(12)]
    },
    "one lead": {"leads": [lead("l", "2026-01-10")], "opportunities": [deal("o", "2026-12-31", "lost")]},
    "all convert": {
        "leads": [lead(f"l{i}", "2026-01-10", f"a{i}") for i in range(3)],
        "opportunities": [
            *(deal(f"o{i}", "2026-01-20", account=f"a{i}") for i in range(3)),
            deal("z", "2026-12-31", "lost"),
        ],
    },
    "spend on nobody": {
        "spend": [{"spent_on": "2026-01-10", "amount": "0"}],
        "orders": [line("2026-12-31", "1")],
    },
}


# Long before and long after all data, what is degenerate in the data hardly matters: one case in the quick form.
EMPTY_PERIODS = ("2030", "2020")
ALWAYS = ("all convert",)
# "No rows" of every KPI's tables is also among the frames of test_every_kpi.
LONGER = ("nothing but headers", "one lead")


@pytest.mark.parametrize(
    ("name", "periods"),
    [
        *((n, ("2026",)) for n in DEGENERATE if n not in (*ALWAYS, *LONGER)),
        *((n, ("2026-Q1", EMPTY_PERIODS[0])) for n in ALWAYS),
        *(pytest.param(n, EMPTY_PERIODS, marks=pytest.mark.slow) for n in DEGENERATE),
        *(pytest.param(n, ("2026-Q1", "2026"), marks=pytest.mark.slow) for n in LONGER),
    ],
)
def test_degenerate_data_gives_reasons_and_never_nan_or_infinity(name, periods):
    company = company_of(
        DEGENERATE[name], columns={t: c for t, c in COLUMNS.items() if t in DEGENERATE[name]}
    )
    for period in periods:
        rows = measure(company, ALL, period, grain="quarter", compare="previous,year-ago")
        assert {r.kpi for r in rows} == set(KPIS)
        for r in rows:
            assert (r.value is None) == (r.status == "not_available") == (r.reason is not None)
            assert r.n is not None
            assert r.unit
            assert r.status == "not_available" or r.method
            for number in (r.value, r.low, r.high, r.top, r.bottom, *(r.spread or {}).values()):
                assert number is None or math.isfinite(number)
        empty = Analysis.empty(company="", currency="EUR", period=period)
        json.dumps(
            {**empty.to_json(), "kpis": [vars(r) | {"by": dict(r.by), "changes": []} for r in rows]},
            allow_nan=False,
        )


def test_sums_too_large_to_square_have_no_interval():
    row = one(company_of(DEGENERATE["the largest amounts"]), "revenue", "2026-01")
    assert row.value == pytest.approx(12e14)
    assert (row.low, row.high) == (None, None)
    assert "too large" in row.method


# The same data, the same bytes --------------------------------------------------------------------------------


def test_the_order_of_rows_and_the_number_of_threads_change_nothing():
    chance = random.Random(7)
    amounts = [str(Decimal(chance.randint(-(10**6), 10**9)) / 10**4) for _ in range(3000)]
    rows = [
        line(
            f"2026-0{1 + i % 6}-1{i % 9}", a, f"a{chance.randint(0, 400)}", f"o{i // 2}", channel="xyz"[i % 3]
        )
        for i, a in enumerate(amounts)
    ]
    seen = set()
    for threads in (1, 4):
        for _ in range(2):
            chance.shuffle(rows)
            company = company_of({"orders": rows})
            company.backend.con.execute(f"SET threads = {threads}")
            found = measure(
                company,
                revenue.KPIS,
                "2026-01-01..2026-05-31",
                by=("channel",),
                grain="month",
                compare="previous",
            )
            seen.add(repr(found))
    assert len(seen) == 1


@pytest.mark.parametrize("factor", [100, Decimal("0.01")])
def test_money_scales(factor):
    rows = [*LINES, *(line("2026-02-01", str(i), f"a{i}") for i in range(1, 20))]
    plain = company_of({"orders": rows})
    scaled = company_of({"orders": [{**r, "amount": str(Decimal(r["amount"]) * factor)} for r in rows]})
    for id in ("revenue", "arpu", "average-order"):
        a, b = one(plain, id), one(scaled, id)
        for field in ("value", "low", "high"):
            assert getattr(b, field) == pytest.approx(getattr(a, field) * float(factor), rel=1e-11)


# The kind itself ----------------------------------------------------------------------------------------------


def test_one_query_per_relation_and_date():
    tables = {
        "orders": LINES,
        "leads": EPISODES,
        "opportunities": DEALS,
        "spend": [{"spent_on": "2026-01-02", "amount": "30"}],
    }
    company = company_of(tables)
    measure(company, ALL, "2026-Q1", by=("account_id",), grain="month", compare="previous,year-ago")
    there = [k for k in leaves(ALL) if not k.missing(company)]
    cubes = {_shared(k) for k in there}
    # Once for all KPIs: the first days of orders and of closed opportunities, since when sales name their account, the
    # first days of what makes a client, how many clients each of these tables knows, and the last booking of spend.
    assert sum(k.takes_time and not k.rising for k in there) >= 5
    assert len(cubes) >= 7
    assert len(company.fetched) == len(cubes) + 6


def leaves(kpis):
    """Give the plain KPIs, those that stand in ratios and differences too."""
    for k in kpis:
        yield from (k,) if isinstance(k, Kpi) else leaves(k.named)


@pytest.fixture(scope="module")
def unbound():
    every = {t: tuple(spec.columns) for t, spec in TABLES.items()}
    return company_of({t: [] for t in every}, columns=every, kind=Unbound, toml=TOML.format(cap=""))


def test_kpis_compile_for_every_engine(unbound):
    """Every KPI is in a query, since each answers all KPIs of its relation and date. DuckDB runs them.

    Parts of a period and slices roll up the same sums: of a few KPIs they are written too, and of all in the slow form.
    """
    few = [k for k in ALL if k.id in ("arpu", "leads", "time-to-first-touch", "pipeline", "retention")]
    assert {_shared(k)[0] for k in leaves(few)} == {_shared(k)[0] for k in leaves(ALL)}, "one of each kind"
    asked = [(ALL, (), {}), (few, ("accounts.region",), {"grain": "month"})]
    for kpis, by, more in asked:
        check_compiled(unbound, kpis, by, **more)


@pytest.mark.slow
def test_slices_and_months_of_all_kpis_compile_for_every_engine(unbound):
    booked = [k for k in ALL if any("spend" in leaf.relation for leaf in leaves([k]))]
    others = [k for k in ALL if k not in booked]
    assert booked
    for kpis, by in ((booked, ()), (others, ("accounts.region",))):
        check_compiled(unbound, kpis, by, grain="month")


def check_compiled(company, kpis, by, **more):
    found = queries(company, kpis, "2026-Q1", by=by, **more)
    assert len(found) == len({(_shared(k), k.relation) for k in leaves(kpis)})
    for query in found:
        for dialect in ("postgres", "databricks"):
            assert "SELECT" in ibis.to_sql(query, dialect=dialect), dialect


def own(**more):
    known = {
        "id": "own",
        "title": "Own",
        "relation": "orders",
        "date": "ordered_at",
        "unit": "money",
        "better": "higher",
        "owners": {"sales": 1.0},
        "about": "",
        "top": lambda t: t.amount.sum(),
        "interval": "exact",
    }
    return Kpi(**{**known, **more})


def test_a_kpi_of_ones_own():
    company = company_of({"orders": LINES})
    (row,) = measure(company, own(top=lambda t: t.amount.sum(where=t.amount < 0)), "2026-Q1")
    assert (row.value, row.low, row.high) == (-30, -30, -30)


@pytest.mark.parametrize(
    ("top", "message"),
    [
        (
            lambda t: t.amount.sum() + t.amount.count(),
            "own: top is a Add; it must be one sum, count, nunique, max or min",
        ),
        (lambda t: t.amount.mean(), "own: top is a Mean"),
        (
            lambda t: t.amount.cast("float64").sum(),
            "own: top is of type float64; it must be a decimal or a whole number",
        ),
    ],
)
def test_a_kpi_whose_sums_would_depend_on_the_order_is_refused(top, message):
    with pytest.raises(ParameterError, match=message):
        measure(company_of({"orders": LINES}), own(top=top), "2026-Q1")


def test_owners_sum_to_one_and_settings_change_them():
    with pytest.raises(ParameterError, match="must sum to 1"):
        own(owners={"sales": 0.5})
    toml = "[owners.arpu]\nmarketing = 0.25\nsales = 0.75\n"
    assert one(company_of({"orders": LINES}, toml=toml), "arpu").owners == {"marketing": 0.25, "sales": 0.75}
    assert one(company_of({"orders": LINES}), "arpu").owners == {"marketing": 0.4, "sales": 0.6}


def test_a_ratio_that_names_its_sides():
    ratio = RatioOfKpis("r", "R", "spend", "leads", "money", "lower", {"marketing": 1.0}, "", empty="no lead")
    tables = {
        "leads": [lead("l", "2026-01-10"), lead("m", "2026-01-31")],
        "spend": [{"spent_on": "2026-01-02", "amount": "30"}],
    }
    (row,) = measure(company_of(tables), ratio, "2026-01", catalogue=KPIS)
    assert row.value == 15
    with pytest.raises(ParameterError, match="Did you mean 'leads'"):
        measure(
            company_of(tables),
            RatioOfKpis("r", "R", "spend", "lead", "money", "lower", {"sales": 1.0}, ""),
            "2026-01",
            catalogue=KPIS,
        )


def test_dates_of_the_period_are_in_the_row():
    row = one(company_of({"orders": LINES}), "revenue")
    assert (row.start, row.to, row.period, row.grain) == ("2026-01-01", "2026-03-31", "2026-Q1", None)
    assert date.fromisoformat(row.to) == Period.parse("2026-Q1").last
