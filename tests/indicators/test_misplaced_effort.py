"""Does effort follow potential? Shares by hand, pandas on the sample, targets, service contracts, guards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.indicator import Look, Observation
from alignment_toolkit.indicators.misplaced_effort import misplaced_effort
from alignment_toolkit.periods import Period
from tests.builders import company_of
from tests.indicators.degenerate import FRAMES, sound
from tests.indicators.guarding import fires, quiet
from tests.indicators.looks import KINDS

Q3 = Period.parse("2026-Q3")


def rated(account: str, potential: float, at: str = "2026-06-01", side: str = "marketing") -> dict[str, Any]:
    return {"assessment_id": f"{account}{at}{side}", "account_id": account, "department": side, "assessed_at": at,
            "potential": float(potential)}  # fmt: skip


def touch(account: str | None, minutes: float | None, at: str = "2026-08-03", **more: Any) -> dict[str, Any]:
    row = {
        "touch_id": f"{account}-{minutes}-{at}-{len(more)}{more.get('number')}",
        "touched_at": at,
        "department": "sales",
    }
    row |= {"account_id": account, "minutes": minutes, "channel": "phone", "automated": False}
    return row | {k: v for k, v in more.items() if k != "number"}


def look(
    rows: list[dict[str, Any]], touches: list[dict[str, Any]], *, options: Any = None, **tables: Any
) -> Look:
    columns = {"assessments": ("potential",), "touches": ("account_id", "minutes")}
    company = company_of({"assessments": rows, "touches": touches, **tables}, columns=columns)
    return misplaced_effort.look(company, Q3, options=options)


def seen(rows: list[dict[str, Any]], touches: list[dict[str, Any]], **more: Any) -> Observation:
    found = look(rows, touches, **more)
    assert found.error is None
    assert found.seen is not None
    return found.seen


def shares(found: Observation, kind: str = "effort") -> list[float]:
    assert found.chart is not None
    assert found.chart.rows is not None
    return [r["share"] for r in found.chart.rows if r["kind"] == kind]


def field(moved: float, n: int = 400, seed: int = 1) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Accounts whose minutes follow potential but for a part that goes from the upper fifths to the lowest."""
    r = np.random.default_rng(seed)
    potential = np.sort(r.uniform(20, 100, n))
    sums = np.add.reduceat(potential, np.arange(0, n, n // 5))
    wanted = sums / sums.sum()
    wanted = wanted + moved * np.array([1, 0, 0, 0, -1]) * 1.0
    rows = [rated(f"a{i:03d}", p) for i, p in enumerate(potential)]
    minutes = r.exponential(1, n) * np.repeat(wanted, n // 5) * 10_000
    return rows, [touch(f"a{i:03d}", round(float(m), 2)) for i, m in enumerate(minutes)]


def test_the_worked_example() -> None:
    rows = [rated(f"a{i}", p) for i, p in enumerate((5, 15, 30, 40, 50, 60))]
    touches = [touch(f"a{i}", m) for i, m in enumerate((40, 20, 30, 40, 35, 35))]
    found = seen(rows, touches)
    assert shares(found) == pytest.approx([0.30, 0.15, 0.20, 0.175, 0.175])
    assert shares(found, "target") == pytest.approx([0.10, 0.15, 0.20, 0.25, 0.30])
    assert 0.5 * sum(
        abs(a - b) for a, b in zip(shares(found), shares(found, "target"), strict=True)
    ) == pytest.approx(0.2)
    assert look(rows, touches).short_of == {"accounts": 194}
    assert found.gap.estimate.n == 6


def test_distance_is_found_and_its_absence_too() -> None:
    assert seen(*field(0.0)).gap.below(0.15) < 0.025
    assert seen(*field(0.27)).gap.above(0.15) < 0.025


def test_the_target_may_be_set() -> None:
    rows, touches = field(0.0)
    own = shares(seen(rows, touches))
    found = seen(rows, touches, options={"target": own})
    assert shares(found, "target") == pytest.approx(own)
    assert found.gap.estimate.value == pytest.approx(0.0, abs=0.02)
    assert "five shares" in str(look(rows, touches, options={"target": [1, 2]}).error)


def test_only_sales_own_minutes_in_the_window_count() -> None:
    rows, touches = field(0.0, n=50)
    more = [
        touch("a000", 9999, "2026-06-30 23:59:59"), touch("a000", 9999, "2026-10-01"),
        touch("a000", 9999, automated=True), touch("a000", 9999, department="marketing"), touch(None, 9999),
    ]  # fmt: skip
    assert shares(seen(rows, touches + more)) == pytest.approx(shares(seen(rows, touches)))
    usual = [touch("a000", None, number=i) for i in range(3)]
    records = {r["account_id"]: r["minutes"] for r in seen(rows[:5], usual).evidence.records()}
    assert records["a000"] == pytest.approx(30.0)  # ten minutes for a telephone call, as the setting says


def test_marketings_latest_rating_of_the_year_counts_and_service_contracts_are_out() -> None:
    rows, touches = field(0.0, n=50)
    more = [rated("a000", 99, "2025-09-30"), rated("a000", 99, "2026-10-01"), rated("a001", 99, side="sales")]
    assert shares(seen(rows + more, touches)) == pytest.approx(shares(seen(rows, touches)))
    accounts = [
        {"account_id": "a049", "service_contract": True},
        {"account_id": "a000", "service_contract": False},
    ]
    assert seen(rows, touches, accounts=accounts).gap.estimate.n == 49


def test_effort_elsewhere_and_silence_are_told() -> None:
    rows, touches = field(0.0, n=50)
    quiet("misplaced_effort", "join_health", seen(rows, touches))
    quiet("misplaced_effort", "logging", seen(rows, touches))
    fires("misplaced_effort", "join_health", seen(rows, [*touches, touch("unrated", 1e6)]))
    fires("misplaced_effort", "logging", seen(rows, touches[:5]))


def test_columns_that_are_missing_are_named() -> None:
    missing = misplaced_effort.look(company_of({"assessments": []}), Q3).missing
    assert any(m.startswith("touches") for m in missing)


def test_on_the_sample_the_shares_are_those_of_pandas(sample: Company, sample_dir: Path) -> None:
    rows = pd.read_csv(sample_dir / "assessments.csv", parse_dates=["assessed_at"])
    touches = pd.read_csv(sample_dir / "touches.csv", parse_dates=["touched_at"])
    accounts = pd.read_csv(sample_dir / "accounts.csv").set_index("account_id").service_contract
    own = rows[
        (rows.department == "marketing")
        & (rows.assessed_at >= "2025-10-01")
        & (rows.assessed_at < "2026-10-01")
    ]
    potential = own.sort_values("assessed_at").groupby("account_id").potential.last().sort_index()
    potential = potential[~accounts.reindex(potential.index).fillna(False).astype(bool)]
    touches = touches[(touches.department == "sales") & ~touches.automated]
    touches = touches[(touches.touched_at >= "2026-07-01") & (touches.touched_at < "2026-10-01")]
    usual = pd.Series(dict(sample.settings.effort.minutes))
    minutes = touches.minutes.fillna(touches.channel.map(usual)).groupby(touches.account_id).sum()
    fifth = ((potential.rank(method="first") - 1) * 5 // len(potential)).astype(int)
    spent = minutes.reindex(potential.index).fillna(0).groupby(fifth).sum()
    found = misplaced_effort.look(sample, Q3).seen
    assert found is not None
    assert found.gap.estimate.n == len(potential)
    assert shares(found) == pytest.approx(list(spent / spent.sum()))
    assert shares(found, "target") == pytest.approx(list(potential.groupby(fifth).sum() / potential.sum()))


@pytest.mark.parametrize("frame", KINDS)
def test_whatever_the_data_the_finding_is_sound(frame: str) -> None:
    rows, touches = field(0.1, n=30)
    tables = FRAMES[frame]({"assessments": rows, "touches": touches})
    sound(misplaced_effort.look(company_of(tables, columns={"touches": tuple(touches[0])}), Q3))
