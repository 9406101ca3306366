"""The reference numbers of the public Olist data, which were computed with plain pandas by somebody else."""

from __future__ import annotations

import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.kpi import measure
from alignment_toolkit.kpis import handover, marketing, revenue, sales
from alignment_toolkit.settings import Settings

KPIS = {k.id: k for m in (revenue, marketing, handover, sales) for k in m.KPIS}
BY_ORIGIN = {
    "organic_search": (271, 2296), "paid_search": (195, 1586), "social": (75, 1350), "unknown": (179, 1099),
    "direct_traffic": (56, 499), "email": (15, 493), "referral": (24, 284), "other": (4, 150), "display": (6, 118),
    "other_publicities": (3, 65), None: (14, 60),
}  # fmt: skip
COHORTS = {
    "2018-01": (1141, 152, 129), "2018-02": (1028, 149, 128), "2018-03": (1174, 167, 141), "2018-04": (1352, 183, 171),
    "2018-05": (1303, 130, 109),
}  # fmt: skip
EVER = "2016-01-01..2020-12-31"


@pytest.fixture(scope="module")
def olist(real_data):
    folder = real_data / "olist"
    return Company.open(
        Settings.from_toml(f'[source]\nkind = "olist"\nurl = "{folder}"\n', file="alignment.toml")
    )


def rows(company, ids, period, **more):
    return measure(company, [KPIS[id] for id in ids], period, **more)


def test_leads_and_conversions_by_origin(olist):
    found = rows(olist, ["leads", "conversions-to-date"], EVER, by=("channel",))
    total = {r.kpi: r.value for r in found if not r.by}
    assert total == {"leads": 8000, "conversions-to-date": 842}
    by = {(r.kpi, r.by["channel"]): r.value for r in found if r.by}
    assert {o: (by["conversions-to-date", o], by["leads", o]) for o in BY_ORIGIN} == BY_ORIGIN
    assert len(by) == 2 * len(BY_ORIGIN)


def test_every_seller_won_is_a_new_client_of_its_leads_origin(olist):
    found = rows(olist, ["new-clients"], EVER, by=("channel",))
    by = {r.by["channel"]: r.value for r in found if r.by}
    assert {o: n for o, n in by.items() if o} == {o: won for o, (won, _) in BY_ORIGIN.items() if o}


def test_monthly_cohorts(olist):
    found = rows(
        olist, ["leads", "conversions-to-date", "lead-to-client"], "2018-01-01..2018-05-31", grain="month"
    )
    by = {(r.kpi, r.period): r for r in found if r.grain == "month"}
    assert {
        month: (
            by["leads", month].value,
            by["conversions-to-date", month].value,
            by["lead-to-client", month].top,
        )
        for month in COHORTS
    } == COHORTS
    for month, (leads, _, within) in COHORTS.items():
        row = by["lead-to-client", month]
        assert (row.bottom, row.censored, row.immature) == (leads, 0, False)
        assert row.value == pytest.approx(within / leads, rel=1e-11)
        assert by["conversions-to-date", month].immature, "more of them may still become clients"


def test_revenue_of_won_sellers(olist):
    ids = ["revenue", "arpu", "active-clients"]
    found = {(r.kpi, r.by.get("from_lead")): r for r in rows(olist, ids, EVER, by=("from_lead",))}
    won = "yes"  # in orders.from_lead: the seller came as a lead
    assert found["revenue", won].value == 676851.48
    assert found["revenue", won].n == 5044
    assert found["active-clients", won].value == 380
    assert round(found["arpu", won].value, 2) == 1781.19
    assert round(found["revenue", won].value / 842, 2) == 803.86
    assert found["revenue", None].value == 13591643.70
    assert found["revenue", None].n == 112650


def test_what_olist_cannot_show_is_named(olist):
    found = {r.kpi: r for r in rows(olist, ["win-rate", "spend", "cost-per-sale"], "2018-Q1")}
    assert {r.status for r in found.values()} == {"not_available"}
    assert found["spend"].reason == "needs spend.spent_on, spend.amount"
    assert found["cost-per-sale"].reason == "needs spend.spent_on, spend.amount"
    assert "no lost opportunity" in found["win-rate"].reason


def test_what_was_opened_is_not_counted_by_what_was_won_of_it(olist):
    """Deals on record since December 2017 are those won: 468 'opened' against 43 was told as ten times as many."""
    (row,) = rows(olist, ["opportunities"], "2018-Q1", compare="previous")
    assert (row.status, row.value) == ("not_available", None)
    assert "only won ones are recorded, and how many were opened is not known" in row.reason
