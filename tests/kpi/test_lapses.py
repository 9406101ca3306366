"""Days in which no touch was recorded are no silence of sales: leads are watched until then, and that is said."""

from __future__ import annotations

from typing import Any

import pytest

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.kpi import measure
from alignment_toolkit.results import KpiValue
from tests.builders import company_of
from tests.indicators.test_lapses import AUGUST, HOLIDAYS, strangers, touch

KPIS = Catalog.load().kpis
# Three leads of July answered within the hour, one after days, one never; three of August that nobody answered.
LEADS = {
    "a": ("2026-07-20 09:00", "2026-07-20 10:00"),
    "b": ("2026-07-21 09:00", "2026-07-21 10:00"),
    "c": ("2026-07-22 09:00", "2026-07-22 10:00"),
    "late": ("2026-07-20 09:00", "2026-07-28 10:00"),
    "never": ("2026-07-20 09:00", None),
    "then": ("2026-08-10 09:00", None),
    "then too": ("2026-08-11 09:00", None),
    "answered later": ("2026-08-12 09:00", "2026-08-25 10:00"),
}
SAID = (
    "no touch of sales is on record from 2026-08-01 to 2026-08-23 (15 working days; about 120 rows would be usual): "
    "leads are watched until then"
)


def told(kpi: str, period: str, *lost: tuple[str, str], toml: str = "") -> KpiValue:
    leads = [
        {"lead_id": n, "account_id": n, "created_at": at, "qualified_at": at} for n, (at, _) in LEADS.items()
    ]
    own: list[dict[str, Any]] = [touch(n, at, lead_id=n) for n, (_, at) in LEADS.items() if at]
    company = company_of(
        {"leads": leads, "touches": [*strangers(*lost), *own]},
        until=dict.fromkeys(("leads", "touches"), "2026-12-31"),
        toml=toml,
    )
    return measure(company, KPIS[kpi], period)[0]


def test_leads_of_days_that_nobody_recorded_are_not_unanswered() -> None:
    for kpi in ("followed-up-in-time", "time-to-first-touch"):
        row = told(kpi, "2026-08", AUGUST)
        assert (row.status, row.value) == ("not_available", None)
        assert SAID in str(row.reason)
    assert told("followed-up-in-time", "2026-08").value == 0.0
    # A company that was closed knows that nobody was called.
    assert told("followed-up-in-time", "2026-08", AUGUST, toml=HOLIDAYS).value is not None
    assert "on record" not in told("followed-up-in-time", "2026-08", AUGUST, toml=HOLIDAYS).method


def test_of_a_quarter_those_count_whose_time_had_run_out_before() -> None:
    """Of five leads of July three were answered in time; with those of August it would be three of eight."""
    row = told("followed-up-in-time", "2026-Q3", AUGUST)
    assert row.value == pytest.approx(3 / 5)
    assert SAID in row.method
    assert told("followed-up-in-time", "2026-Q3").value == pytest.approx(3 / 8)
    whole = told("followed-up-in-time", "2026-07-20..2026-07-22", AUGUST)
    assert whole.value == pytest.approx(3 / 5)
    # One lead of July still waits when the record ends; that its time had long run out is known.
    assert "on record" not in whole.method
    assert "on record" not in told("time-to-first-touch", "2026-07-20..2026-07-22", AUGUST).method


def test_what_was_done_in_days_that_nobody_recorded_is_not_in_the_cost_and_that_is_said() -> None:
    """Eight calls of half an hour at 60 euros an hour on every working day, for one client."""
    toml = '[company]\ncurrency = "EUR"\n[effort.cost_per_hour]\nsales = 60\n'
    orders = [{"order_id": "o", "ordered_at": "2026-09-15", "amount": "9", "account_id": "stranger"}]
    for lost in ((), (AUGUST,)):
        touches = [{**t, "minutes": 30.0} for t in strangers(*lost)]
        tables = {"orders": orders, "touches": touches}
        until = dict.fromkeys(tables, "2026-12-31")
        row = measure(company_of(tables, toml=toml, until=until), KPIS["cost-to-serve"], "2026-Q3")[0]
        assert row.value == pytest.approx((66 - 15 * len(lost)) * 8 * 30)
        assert ("no row of touches is on record from 2026-08-01 to 2026-08-23" in row.method) == bool(lost)
