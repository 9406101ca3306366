"""Are leads discarded that would have bought later? Six accounts by hand, what a discard is, then plain pandas."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.indicators.discarded_leads import discarded_leads
from alignment_toolkit.periods import Period
from tests.builders import company_of
from tests.indicators.guarding import fires, quiet
from tests.indicators.looks import KINDS, check, look_at

BOUGHT = ("2025-06-01", "2026-02-28", "2026-03-15")


def lead(name: str, at: str = "2025-02-01", **more: Any) -> dict[str, Any]:
    row = {"lead_id": f"l-{name}", "account_id": f"a-{name}", "created_at": at, "rejected_at": "2025-03-01"}
    return {**row, "campaign_id": "k", **more}


def deal(name: str, outcome: str | None, closed: str | None, **more: Any) -> dict[str, Any]:
    row = {
        "opportunity_id": f"o-{name}",
        "opened_at": "2025-02-10",
        "account_id": f"a-{name}",
        "lead_id": f"l-{name}",
    }
    return {**row, "closed_at": closed, "outcome": outcome, "amount": "10", **more}


def order(name: str, on: str) -> dict[str, Any]:
    return {"order_id": f"b-{name}-{on}", "ordered_at": on, "amount": "100", "account_id": f"a-{name}"}


LEADS = [lead(str(i)) for i in range(6)]
ORDERS = [order(str(i), on) for i, on in enumerate(BOUGHT)]
TABLES = {"leads": LEADS, "orders": ORDERS, "opportunities": [deal("none", None, None, lead_id=None)]}
# The first quarter of 2025: everything in it is a year old at the end of March 2026.
UNTIL = {"leads": "2026-03-31", "orders": "2026-03-31", "opportunities": "2026-03-31"}


def seen(tables: Any, **more: Any) -> Any:
    found = look_at(discarded_leads, tables, **{"period": "2026-Q1", "until": UNTIL, **more})
    assert found.error is None, found.error
    assert found.seen is not None
    return found.seen


def gap(tables: Any, **more: Any) -> tuple[float | None, int]:
    e = seen(tables, **more).gap.estimate
    return e.value, e.n


def test_the_worked_example() -> None:
    found = seen(TABLES)
    assert (found.gap.estimate.value, found.gap.estimate.n) == (pytest.approx(2 / 6), 6)
    assert [(r[0], r[5]) for r in found.evidence.rows] == [("l-0", 92.0), ("l-1", 364.0)]
    assert found.money.value == 200.0
    assert sum(r["n"] for r in found.chart.rows) == 2


@pytest.mark.parametrize(
    ("rows", "given_up"),
    [
        ({"opportunities": [deal("x", "lost", "2025-03-10")]}, "2025-03-10"),
        ({"opportunities": [deal("x", None, None)]}, None),  # still open
        ({"opportunities": [deal("x", "lost", "2025-03-10"), deal("x", None, None, opportunity_id="o2")]}, None),
        ({"leads": [lead("x", "2025-02-05", lead_id="l2")], "opportunities": []}, None),  # only one of two
        ({"leads": [lead("x", "2025-02-05", lead_id="l2")], "opportunities": [deal("x", "lost", "2025-03-10")]},
         "2025-03-10"),
    ],
    ids=["lost", "open", "one of two deals lost", "one of two leads rejected", "and every deal lost"],
)  # fmt: skip
def test_when_an_episode_is_given_up(rows: dict[str, Any], given_up: str | None) -> None:
    tables = {
        "leads": [lead("x", rejected_at=None), *rows.get("leads", [])],
        "opportunities": rows["opportunities"],
        "orders": ORDERS,
    }
    company = company_of(tables, columns={"opportunities": ("lead_id", "outcome", "closed_at")})
    found = company.fetch(company.relation("discarded_episodes"))
    assert [str(d)[:10] for d in found.discarded_on] == ([given_up] if given_up else [])


def test_the_last_discard_dates_the_episode() -> None:
    tables = {
        **TABLES,
        "leads": [lead("x"), lead("x", "2025-02-05", lead_id="l2", rejected_at="2025-03-20")],
        "opportunities": [deal("x", "lost", "2025-03-10")],
    }
    company = company_of(tables)
    row = company.fetch(company.relation("discarded_episodes")).iloc[0]
    assert (str(row.discarded_on)[:10], row.discarded_by, row.leads, row.deals) == (
        "2025-03-20",
        "both",
        2,
        1,
    )


def test_who_was_or_became_a_client_before_was_not_given_up() -> None:
    orders = [*ORDERS, order("3", "2024-01-01"), order("4", "2025-02-15"), order("5", "2025-03-01")]
    assert gap({**TABLES, "orders": orders}) == (pytest.approx(2 / 3), 3)
    assert gap({**TABLES, "orders": [*ORDERS, order("5", "2025-03-02")]}) == (pytest.approx(3 / 6), 6)


def test_only_discards_that_are_a_year_old_count() -> None:
    young = dict.fromkeys(UNTIL, "2026-02-27")
    assert gap(TABLES, until=young) == (None, 0)
    found = look_at(discarded_leads, TABLES, period="2026-Q1", until=young)
    assert str(found.window.last) == "2025-02-27"


def test_leads_without_account_are_their_own() -> None:
    alone = [lead("x", lead_id="l-y", account_id=None), lead("x", lead_id="l-z", account_id=None)]
    deals = [*TABLES["opportunities"], deal("q", "won", "2025-07-01", account_id=None, lead_id="l-y")]
    assert gap({**TABLES, "leads": [*LEADS, *alone], "opportunities": deals}) == (pytest.approx(3 / 8), 8)


def test_those_never_contacted_and_those_who_recommend() -> None:
    leads = [{**r, "qualified_at": "2025-02-10", "referred_by": None} for r in LEADS]
    leads.append(lead("new", "2025-12-01", rejected_at=None, qualified_at=None, referred_by="a-4"))
    touches = [
        {"touch_id": f"t{i}", "touched_at": "2025-02-11", "department": "sales", "direction": "outbound",
         "lead_id": f"l-{i}"}
        for i in (0, 5)
    ]  # fmt: skip
    known = {m.name: (m.value, m.n) for m in seen({**TABLES, "leads": leads, "touches": touches}).measures}
    assert known["never_contacted"] == (0.25, 4)
    assert known["refer_others"] == (0.25, 4)
    assert known["after_rejected"] == (pytest.approx(2 / 6), 6)


def test_duplicates_are_told() -> None:
    twice = [{**r, "reject_reason": "duplicate" if i < 2 else "no budget"} for i, r in enumerate(LEADS)]
    fires("discarded_leads", "join_health", seen({**TABLES, "leads": twice}), "merging the accounts")
    once = [{**r, "reject_reason": "no budget"} for r in LEADS]
    quiet("discarded_leads", "join_health", seen({**TABLES, "leads": once}))


def test_where_rejections_are_not_recorded_lost_deals_are_what_was_given_up() -> None:
    bare = [{k: v for k, v in r.items() if k != "rejected_at"} for r in LEADS]
    deals = [deal(str(i), "lost", "2025-03-01") for i in range(5)]
    tables = {"leads": bare, "opportunities": deals, "orders": ORDERS}
    assert gap(tables) == (pytest.approx(2 / 5), 5)
    won_only = [deal(str(i), "won", "2025-06-01") for i in range(3)]
    assert gap({**tables, "opportunities": won_only}) == (None, 0)


def test_what_is_missing_is_named() -> None:
    bare = [{k: v for k, v in r.items() if k != "rejected_at"} for r in LEADS]
    assert look_at(discarded_leads, {"leads": bare, "orders": ORDERS}).missing == ("leads.rejected_at",)
    assert look_at(discarded_leads, {"orders": ORDERS}).missing


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_say_little(kind: str) -> None:
    check(discarded_leads, TABLES, kind, until="2026-03-31", period="2026-Q1")


@pytest.mark.slow
def test_on_the_sample_it_equals_plain_pandas(sample: Company, sample_dir: Path) -> None:
    leads, deals = (pd.read_csv(sample_dir / f"{t}.csv", dtype=str) for t in ("leads", "opportunities"))
    outcomes = sample.fetch(sample.relation("lead_outcomes"))
    outcomes = outcomes.set_index("lead_id")[["episode_id", "existing_client", "client_since"]]
    leads = leads.join(outcomes, on="lead_id")
    deals = deals[deals.lead_id.notna()]
    window = discarded_leads.look(sample, Period.parse("2026-Q3")).window
    bought = []
    for _, own in leads.groupby("episode_id"):
        theirs = deals[deals.lead_id.isin(own.lead_id)]
        rejected, lost = own.rejected_at.notna().all(), len(theirs) > 0 and (theirs.outcome == "lost").all()
        if not (rejected or lost) or own.existing_client.any():
            continue
        days = [*own.rejected_at.dropna(), *theirs.closed_at[theirs.outcome == "lost"].dropna()]
        last, since = date.fromisoformat(max(days)[:10]), own.client_since.min()
        if not window.start <= last < window.end or (since == since and pd.Timestamp(since).date() <= last):
            continue
        bought.append(since == since and (pd.Timestamp(since).date() - last).days <= 365)
    found = discarded_leads.look(sample, Period.parse("2026-Q3")).seen
    assert found is not None
    assert (found.gap.estimate.n, found.gap.estimate.value) == (
        len(bought),
        pytest.approx(sum(bought) / len(bought)),
    )


def test_a_lead_without_account_is_of_its_own_region(tmp_path: Path) -> None:
    """Ten leads of accounts in the North, ten without account in the South: no episode is without a region."""
    files = {
        "accounts": ["account_id,region", *(f"a{i},North" for i in range(10))],
        "leads": [
            "lead_id,created_at,account_id,region,rejected_at,converted_at",
            *(f"n{i},2025-07-01,a{i},South,2025-08-01," for i in range(10)),
            *(f"s{i},2025-07-01,,South,2025-08-01," for i in range(10)),
            "z,2026-09-30,,,,2026-09-30",
        ],
    }
    for name, lines in files.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n")
    company = Company.open(tmp_path)
    counted = {}
    for region in ("North", "South", None):
        look = discarded_leads.look(company.narrowed("region", region), Period.parse("2026-Q3"))
        counted[region] = look.seen.gap.estimate.n if look.seen else 0
    # The account's region goes before that of its lead.
    assert counted == {"North": 10, "South": 10, None: 0}
