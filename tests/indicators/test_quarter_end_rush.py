"""Are more deals won at the quarter's end? Six deals by hand, calendars, guards, then the sample day by day."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.indicators.quarter_end_rush import quarter_end_rush
from alignment_toolkit.periods import Period
from tests.indicators.guarding import fires, quiet
from tests.indicators.looks import KINDS, check, look_at

# 2026-Q3 back to 2025-10-01: 261 week days, of which 20 end a quarter.
WORKED, LAST = 261, 20


def deal(name: str, on: str, **more: Any) -> dict[str, Any]:
    row = {"opportunity_id": name, "opened_at": "2025-08-01", "closed_at": f"{on} 12:00", "outcome": "won"}
    return {**row, "account_id": f"a-{name}", "amount": "100", **more}


DEALS = [
    deal("o1", "2025-11-12"),
    deal("o2", "2025-12-31"),
    deal("o3", "2026-02-11"),
    deal("o4", "2026-05-13"),
    deal("o5", "2026-06-24"),  # Wednesday; the fifth working day before July
    deal("o6", "2026-08-12"),
]
TABLES = {"opportunities": DEALS}
# Closed before the window: records reach back beyond it.
EARLIER = deal("early", "2025-09-01", outcome="lost")


def seen(tables: Any, *, earlier: bool = True, **more: Any) -> Any:
    if earlier:
        tables = {**tables, "opportunities": [EARLIER, *tables["opportunities"]]}
    found = look_at(quarter_end_rush, tables, **more)
    assert found.error is None, found.error
    assert found.seen is not None
    return found.seen


def gap(tables: Any, **more: Any) -> float | None:
    value: float | None = seen(tables, **more).gap.estimate.value
    return value


def test_the_worked_example() -> None:
    found = seen(TABLES)
    assert found.gap.estimate.value == pytest.approx(2 / 6 - LAST / WORKED)
    assert found.counts == {"wins": 6, "quarter-ends": 4}
    assert {r[0] for r in found.evidence.rows} == {"o2", "o5"}
    assert found.chart.reference == pytest.approx(LAST / WORKED)


def test_days_before_the_first_closing_on_record_count_nowhere() -> None:
    """Records begin on Monday, 1 June 2026: 22 working days of June and 66 of the third quarter, ten of them last."""
    rows = [deal("o1", "2026-06-01"), deal("o2", "2026-06-30"), deal("o3", "2026-08-12")]
    found = seen({"opportunities": rows}, earlier=False)
    assert found.gap.estimate.value == pytest.approx(1 / 3 - 10 / 88)
    assert found.counts == {"wins": 3, "quarter-ends": 2}
    # A lost deal of the winter is on record: then nothing was won in spring, and that counts.
    lost = deal("o0", "2026-01-01", outcome="lost")
    found = seen({"opportunities": [lost, *rows]}, earlier=False)
    assert found.gap.estimate.value == pytest.approx(1 / 3 - 15 / (88 + 64 + 43))
    assert found.counts == {"wins": 3, "quarter-ends": 3}


def test_records_begin_for_the_whole_company_and_not_for_its_part(tmp_path: Path) -> None:
    rows = [deal("n1", "2026-06-30", region="North"), deal("s1", "2025-09-01", region="South")]
    rows.append(deal("s2", "2026-12-31", region="South"))
    pd.DataFrame(rows).to_csv(tmp_path / "opportunities.csv", index=False)
    company = Company.open(tmp_path)
    north = quarter_end_rush.look(company.narrowed("region", "North"), Period.parse("2026-Q3")).seen
    assert north is not None
    assert north.counts == {"wins": 1, "quarter-ends": 4}


@pytest.mark.parametrize(
    ("on", "rushed"),
    [("2026-06-23", 0), ("2026-06-24", 1), ("2026-06-28", 1), ("2026-06-30", 1), ("2026-07-01", 0)],
)
def test_the_last_five_working_days(on: str, rushed: int) -> None:
    rows = [deal("x", on), deal("y", "2026-08-12")]
    assert gap({"opportunities": rows}) == pytest.approx(rushed / 2 - LAST / WORKED)


def test_holidays_move_the_last_days() -> None:
    toml = "[company]\n[calendar]\nholidays = [2026-06-29, 2026-06-30]\n"
    rows = [deal("x", "2026-06-22"), deal("y", "2026-08-12")]
    assert gap({"opportunities": rows}, toml=toml) == pytest.approx(1 / 2 - LAST / (WORKED - 2))


def test_quarters_are_the_companys_fiscal_ones() -> None:
    toml = "[company]\nfiscal_year_starts = 2\n"
    rows = [deal("x", "2026-07-31"), deal("y", "2026-06-30")]
    found = seen({"opportunities": rows}, toml=toml)
    assert [r[0] for r in found.evidence.rows] == ["x"]


def test_a_clients_own_year_end_is_no_push_and_counts_nowhere() -> None:
    """Five clients end their year with June; one won in its last days is left out, and so are these days for them."""
    accounts = [{"account_id": f"a-o{i}", "fiscal_year_starts": 7 if i > 1 else None} for i in range(1, 7)]
    found = seen({**TABLES, "accounts": accounts})
    usual = (1 * LAST / WORKED + 4 * (LAST - 5) / (WORKED - 5)) / 5
    assert (found.gap.estimate.value, found.gap.estimate.n) == (pytest.approx(1 / 5 - usual), 5)


@pytest.mark.slow
def test_wins_spread_evenly_over_the_working_days_have_no_gap() -> None:
    """With every second client ending its year in March: what is left out moves nothing."""
    days = [d for d in pd.bdate_range("2025-10-01", "2026-09-30") for _ in range(2)]
    rows = [deal(f"o{i}", str(d.date())) for i, d in enumerate(days)]
    accounts = [
        {"account_id": f"a-o{i}", "fiscal_year_starts": 4 if i % 2 else None} for i in range(len(days))
    ]
    assert gap({"opportunities": rows, "accounts": accounts}) == pytest.approx(0, abs=1e-3)


def test_the_discount_of_the_last_days_is_what_is_at_stake() -> None:
    rows = [deal(f"r{i}", "2026-06-30", amount=str(80 + i % 2), list_amount="100") for i in range(20)]
    rows += [deal(f"s{i}", "2026-05-13", amount=str(95 + i % 2), list_amount="100") for i in range(20)]
    found = seen({"opportunities": rows})
    discount = next(m for m in found.measures if m.name == "discount")
    assert (discount.value, discount.unit) == (pytest.approx(15), "points")
    assert found.money.value == pytest.approx(20 * 100 * 0.15)
    assert found.money.basis.startswith("associational")
    # All deals of these days are Ann's, and no other: her habit is not the calendar's, and nothing is at stake.
    apart = [{**r, "owner": "Ann" if i < 20 else f"p{i % 4}"} for i, r in enumerate(rows)]
    found = seen({"opportunities": apart})
    assert found.money is None
    assert "discount" not in {m.name for m in found.measures}
    fires(
        "quarter_end_rush",
        "confounding",
        found,
        "cannot be compared",
    )
    own = [{**r, "owner": f"p{i % 3}"} for i, r in enumerate(rows)]
    found = seen({"opportunities": own})
    assert found.money.value == pytest.approx(20 * 100 * 0.15, rel=1e-3)
    quiet("quarter_end_rush", "confounding", found)
    # Two sell in the last days, two on others, and each gives what he or she always gives: 20, 5, 12 and 4.
    cuts = {"Ann": 20, "Ben": 5, "Cleo": 12, "Dan": 4}
    whose = [("Ann", "Ben") if i < 20 else ("Cleo", "Dan") for i in range(40)]
    habits = [
        {**r, "owner": (who := pair[i % 2]), "amount": str(100 - cuts[who] + 0.1 * (i % 3))}
        for i, (r, pair) in enumerate(zip(rows, whose, strict=True))
    ]
    found = seen({"opportunities": habits})
    fires("quarter_end_rush", "confounding", found, "no more than may lie between")


def test_one_account_that_makes_the_rush_is_told() -> None:
    many = [deal(f"r{i}", "2026-06-30", account_id="whale") for i in range(20)]
    rest = [deal(f"s{i}", "2026-05-13") for i in range(40)]
    fires("quarter_end_rush", "one_whale", seen({"opportunities": [*many, *rest]}))
    spread = [{**r, "account_id": f"b{i}"} for i, r in enumerate(many)]
    quiet("quarter_end_rush", "one_whale", seen({"opportunities": [*spread, *rest]}))


def test_other_months_ends_are_told() -> None:
    rows = [deal(f"o{i}", "2026-05-29") for i in range(3)] + [deal("x", "2026-05-13")]
    other = next(m for m in seen({"opportunities": rows}).measures if m.name == "other_months_ends")
    assert other.value == pytest.approx(3 / 4 - 40 / WORKED)


def test_what_is_missing_is_named() -> None:
    bare = [{k: v for k, v in r.items() if k != "outcome"} for r in DEALS]
    assert look_at(quarter_end_rush, {"opportunities": bare}).missing == ("opportunities.outcome",)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_say_little(kind: str) -> None:
    tables = {**TABLES, "accounts": [{"account_id": "a-o1", "fiscal_year_starts": 7}]}
    check(quarter_end_rush, tables, kind)


def test_on_the_sample_it_equals_counting_day_by_day(sample: Company, sample_dir: Path) -> None:
    deals, accounts = (pd.read_csv(sample_dir / f"{t}.csv", dtype=str) for t in ("opportunities", "accounts"))
    starts = accounts.set_index("account_id").fiscal_year_starts
    calendar = sample.calendar

    def last_days(quarter_end: date) -> set[date]:
        found, day, worked = set(), quarter_end, 0
        while worked < 5:
            found.add(day)
            worked += calendar.is_working_day(day)
            day -= timedelta(days=1)
        return found

    ends = [date(2025, 12, 31), date(2026, 3, 31), date(2026, 6, 30), date(2026, 9, 30)]
    last = set().union(*map(last_days, ends))
    days = [d.date() for d in pd.date_range("2025-10-01", "2026-09-30") if calendar.is_working_day(d.date())]
    hits, usual = [], []
    for row in deals[(deals.outcome == "won") & (deals.closed_at >= "2025-10-01")].itertuples():
        on, start = date.fromisoformat(row.closed_at[:10]), starts.get(row.account_id)
        own = (int(start) - 2) % 12 + 1 if isinstance(start, str) else 0
        if on > date(2026, 9, 30) or (on in last and on.month == own):
            continue
        open_days = [d for d in days if not (d in last and d.month == own)]
        hits.append(on in last)
        usual.append(sum(d in last for d in open_days) / len(open_days))
    found = quarter_end_rush.look(sample, Period.parse("2026-Q3")).seen
    assert found is not None
    assert found.gap.estimate.n == len(hits)
    assert found.gap.estimate.value == pytest.approx(sum(hits) / len(hits) - sum(usual) / len(usual))
