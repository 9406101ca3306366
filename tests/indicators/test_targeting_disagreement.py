"""Do both departments pursue the same accounts? Six accounts by hand, then the sample against statsmodels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.inter_rater import cohens_kappa

from alignment_toolkit.company import Company
from alignment_toolkit.indicator import Look
from alignment_toolkit.indicators.targeting_disagreement import targeting_disagreement
from alignment_toolkit.periods import Period
from tests.builders import company_of
from tests.indicators.guarding import fires, quiet
from tests.indicators.looks import KINDS, check

Q3 = Period.parse("2026-Q3")


def judged(
    department: str, account: str, target: bool | None, on: str = "2026-08-01", **more: Any
) -> dict[str, Any]:
    row = {"account_id": account, "department": department, "assessed_at": on, "target": target, **more}
    return {"assessment_id": f"{department}-{account}-{on}", **row}


def six(**more: Any) -> list[dict[str, Any]]:
    wants = {"marketing": {"a1", "a2", "a3"}, "sales": {"a2", "a3", "a4"}}
    return [judged(d, f"a{i}", f"a{i}" in wants[d], **more) for d in wants for i in range(1, 7)]


def look(rows: list[dict[str, Any]], **tables: list[dict[str, Any]]) -> Look:
    return targeting_disagreement.look(
        company_of({"assessments": rows, **tables}, columns={"assessments": ("target",)}), Q3
    )


def test_the_worked_example() -> None:
    seen = look(six()).seen
    assert seen is not None
    assert seen.gap.estimate.value == pytest.approx((2 / 6) / (1 / 2))
    assert seen.counts == {"accounts": 6, "targets on the side that has fewer": 3}
    assert {r[0]: r[1] for r in seen.evidence.rows} == {"a1": "marketing alone", "a4": "sales alone"}
    shares = {m.name: m.value for m in seen.measures}
    assert (shares["differ"], shares["marketing_only"], shares["sales_only"]) == pytest.approx(
        (2 / 6, 1 / 6, 1 / 6)
    )


def test_who_wants_more_and_whether_potentials_agree_is_told() -> None:
    """Marketing wants one account more; of six potentials, by bands of twenty, one lies one band apart."""
    rows = [*six(), judged("marketing", "a5", True, on="2026-08-02")]
    values = {"marketing": (10, 30, 50, 70, 90, 90), "sales": (10, 30, 50, 70, 90, 70)}
    for row in rows:
        row["potential"] = float(values[row["department"]][int(row["account_id"][1]) - 1])
        row["assessed_at"] += " 09:00" if row["department"] == "sales" else " 10:00"
    seen = look(rows).seen
    assert seen is not None
    shares = {m.name: m for m in seen.measures}
    assert shares["bias"].value == pytest.approx(100 / 6)
    assert shares["bias"].low < 100 / 6 < shares["bias"].high
    # Squared distances, of 16: seen 1 of 6; by chance 4 x (mean square of all 36 pairs).
    m, s = np.array([0, 1, 2, 3, 4, 4]), np.array([0, 1, 2, 3, 4, 3])
    chance = np.subtract.outer(m, s).astype(float) ** 2
    assert shares["potential_kappa"].value == pytest.approx(1 - (1 / 6) / chance.mean())
    assert "potential_kappa" not in {m.name for m in look(six()).seen.measures}


def test_six_accounts_are_too_few_to_judge() -> None:
    assert look(six()).short_of == {"accounts": 94, "targets on the side that has fewer": 17}


def test_the_latest_judgement_inside_twelve_months_counts() -> None:
    rows = six()
    rows += [
        judged("marketing", "a1", False, on="2026-09-30 23:59:59")
    ]  # changed its mind: one difference less
    rows += [judged("sales", "a4", False, on="2026-10-01")]  # after the window
    rows += [judged("sales", "a9", True, on="2025-09-30"), judged("marketing", "a9", False)]  # before it
    seen = look(rows).seen
    assert seen is not None
    # marketing wants 2, 3; sales wants 2, 3, 4: they differ on 1 of 6; by chance on 2/6 x 1/2 + 4/6 x 1/2 = 1/2.
    assert seen.gap.estimate.value == pytest.approx((1 / 6) / (1 / 2))
    assert seen.gap.estimate.n == 6


def test_who_judged_alone_or_left_it_open_does_not_count() -> None:
    rows = [*six(), judged("marketing", "b1", True), judged("sales", "b2", True)]
    rows += [judged("marketing", "b3", None), judged("sales", "b3", True)]
    seen = look(rows).seen
    assert seen is not None
    assert seen.gap.estimate.n == 6


def test_copies_are_left_out_and_told() -> None:
    rows = [dict(r, potential=float(i)) for i, r in enumerate(six())]
    rows += [judged(d, f"c{i}", True, potential=50.0) for d in ("marketing", "sales") for i in range(4)]
    seen = look(rows).seen
    assert seen is not None
    assert seen.gap.estimate.n == 6
    fires("targeting_disagreement", "copied_ratings", seen, "Of 10 pairs 4 had the same potential")
    later = [dict(r, assessed_at="2026-05-02") if r["department"] == "sales" else r for r in rows]
    apart = look(later).seen
    assert apart is not None
    assert apart.gap.estimate.n == 10
    quiet("targeting_disagreement", "copied_ratings", apart)


def test_judgements_without_a_day_of_their_own_are_told() -> None:
    for undated in (frozenset({"assessments"}), frozenset[str]()):
        company = company_of({"assessments": six()})
        company.undated = undated
        seen = targeting_disagreement.look(company, Q3).seen
        if undated:
            fires("header", "immature", seen, "when anything happened is not known")
        else:
            quiet("header", "immature", seen)


def test_names_of_accounts_are_looked_up_where_they_are_known() -> None:
    seen = look(six(), accounts=[{"account_id": "a1", "name": "=cmd|' /C calc'!A0"}]).seen
    assert seen is not None
    assert [c.name for c in seen.evidence.columns][:2] == ["account_id", "name"]
    assert {r[0]: r[1] for r in seen.evidence.rows} == {"a1": "=cmd|' /C calc'!A0", "a4": None}


@pytest.mark.parametrize("rows", [[], six()[:6]], ids=["nobody judged", "one department judged"])
def test_without_pairs_there_is_no_gap(rows: list[dict[str, Any]]) -> None:
    found = look(rows)
    assert found.error is None
    assert found.seen is not None
    assert found.seen.gap.estimate.value is None
    assert found.seen.counts == {"accounts": 0, "targets on the side that has fewer": 0}


def test_where_one_side_targets_all_the_gap_has_no_value_made_up() -> None:
    rows = [judged(d, f"a{i}", True) for d in ("marketing", "sales") for i in range(30)]
    seen = look(rows).seen
    assert seen is not None
    assert seen.gap.estimate.value is None
    assert seen.gap.estimate.low is None


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_say_little(kind: str) -> None:
    rows = [
        judged(d, f"b{i}", i % (3 if d == "sales" else 4) == 0, potential=float(i % 100))
        for d in ("marketing", "sales")
        for i in range(120)
    ]
    accounts = [{"account_id": f"b{i}", "name": f"Firm {i}"} for i in range(120)]
    check(targeting_disagreement, {"assessments": [*six(), *rows], "accounts": accounts}, kind)


def test_columns_that_are_missing_are_named() -> None:
    company = company_of({"leads": []})
    assert any("assessments" in m for m in targeting_disagreement.look(company, Q3).missing)


def test_on_the_sample_it_is_one_minus_statsmodels_kappa(sample: Company, sample_dir: Path) -> None:
    rows = pd.read_csv(sample_dir / "assessments.csv", dtype={"account_id": str}, parse_dates=["assessed_at"])
    inside = rows[
        (rows.assessed_at >= "2025-10-01") & (rows.assessed_at < "2026-10-01") & rows.target.notna()
    ]
    last = inside.sort_values("assessed_at").groupby(["account_id", "department"]).tail(1)
    wide = last.pivot(
        index="account_id", columns="department", values=["target", "potential", "assessed_at"]
    ).dropna()
    same = (wide["potential"].marketing == wide["potential"].sales) & (
        wide["assessed_at"].marketing == wide["assessed_at"].sales
    )
    wide = wide[~same]
    pairs = pd.crosstab(wide["target"].marketing.astype(str), wide["target"].sales.astype(str))
    seen = targeting_disagreement.look(sample, Q3).seen
    assert seen is not None
    assert seen.gap.estimate.n == len(wide)
    assert seen.gap.estimate.value == pytest.approx(1 - cohens_kappa(pairs.to_numpy()).kappa, rel=1e-9)
