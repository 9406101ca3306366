from __future__ import annotations

import datetime
import json
import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment_toolkit.errors import AlignmentError, UnknownName
from alignment_toolkit.results import (
    VERSION,
    Analysis,
    Chart,
    Column,
    Estimate,
    Evidence,
    Finding,
    Guard,
    KpiValue,
    Measure,
    Money,
    Window,
    clean_number,
    clean_value,
)


def finding(**changes: object) -> Finding:
    gap = Estimate(0.25, 0.2, 0.3, 300, "leads", "share", "Wilson")
    base = {
        "id": "dropped_leads", "indicator": "dropped_leads", "by": {}, "title": "t", "nature": "tactical",
        "area": "handover", "status": "misaligned", "tension": "harmful", "severity": "medium", "direction": "greater",
        "window": Window("2026-07-01", "2026-09-30"), "population": "leads", "gap": gap, "margin": 0.1,
        "p_value": 0.0, "q_value": 0.0, "measures": (Measure.of("m", "M", gap),),
        "money_at_stake": Money(1.0, 0.5, 2.0, "EUR", "arithmetical"), "statement": "s", "why": "w", "advice": "a",
        "who": ("sales",), "counter_explanations": {"marketing": "x", "sales": "y"},
        "guards": (Guard("logging", "g"),), "missing": (), "message": None, "needs_more": None,
        "evidence": Evidence((Column("a", "A", None, "id"),), (("1",), (None,))),
        "chart": Chart("bars", "a", "b", rows=({"a": "x", "b": 1.5},)),
    }  # fmt: skip
    return Finding(**{**base, **changes})  # type: ignore[arg-type]


def kpi_value(**changes: object) -> KpiValue:
    base = {
        "kpi": "leads", "title": "Leads", "by": {"channel": None}, "period": "2026-Q3", "grain": None,
        "start": "2026-07-01", "to": "2026-09-30", "value": 3, "low": 1.0, "high": 6.0, "level": 0.95, "n": 3,
        "top": 3.0, "bottom": None, "unit": "count", "method": "Poisson", "better": "higher",
        "owners": {"marketing": 1.0},
        "censored": 0, "immature": False, "spread": None, "status": "ok", "reason": None,
    }  # fmt: skip
    return KpiValue(**{**base, **changes})  # type: ignore[arg-type]


def analysis() -> Analysis:
    empty = Analysis.empty(
        company="Acme", currency="EUR", period="2026-Q3", start="2026-07-01", to="2026-09-30"
    )
    return Analysis(**{**vars(empty), "kpis": (kpi_value(),), "findings": (finding(),)})


def test_there_and_back_without_loss() -> None:
    whole = analysis()
    assert Analysis.loads(whole.dumps()) == whole
    assert Analysis.loads(whole.dumps()).dumps() == whole.dumps()


def test_the_contracts_keys_are_all_there() -> None:
    data = analysis().to_json()
    assert list(data) == [
        "schema", "toolkit", "company", "currency", "period", "from", "to", "compared_with", "as_of",
        "data_fingerprint", "settings", "kpis", "drivers", "attribution", "cohorts", "scorecard", "incentives",
        "segments", "plays", "findings", "areas", "data_quality", "alarms", "definitions", "warnings",
    ]  # fmt: skip
    assert set(data["kpis"][0]) == {
        "kpi", "title", "by", "period", "grain", "from", "to", "value", "low", "high", "level", "n", "top", "bottom",
        "unit", "method", "better", "owners", "censored", "immature", "spread", "status", "reason", "changes",
    }  # fmt: skip
    assert set(data["findings"][0]) == {
        "id", "indicator", "by", "title", "nature", "area", "status", "tension", "severity", "direction", "window",
        "population", "gap", "margin", "p_value", "q_value", "measures", "money_at_stake", "statement", "why", "advice",
        "who", "counter_explanations", "guards", "missing", "message", "needs_more", "evidence", "chart",
    }  # fmt: skip
    assert set(data["findings"][0]["gap"]) == {
        "value",
        "low",
        "high",
        "level",
        "n",
        "n_unit",
        "unit",
        "method",
    }
    assert data["findings"][0]["window"] == {"from": "2026-07-01", "to": "2026-09-30"}
    assert data["scorecard"] == {"departments": [], "rows": []}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_have_at_most_twelve_digits_and_stay_put(number: float) -> None:
    once = clean_number(number)
    assert clean_number(once) == once
    assert math.isclose(once, number, rel_tol=1e-11, abs_tol=0) or number == 0  # type: ignore[arg-type]
    assert str(once) != "-0.0"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_nan_and_infinities_are_refused(bad: float) -> None:
    with pytest.raises(AlignmentError, match="must be None"):
        clean_number(bad)


def test_cells_become_plain_json() -> None:
    cells = [np.int64(3), np.float64(0.5), pd.NA, pd.NaT, float("nan"), Decimal("1.50"), np.bool_(True), "x"]
    assert [clean_value(c) for c in cells] == [3, 0.5, None, None, None, 1.5, True, "x"]
    assert clean_value(pd.Timestamp("2026-01-02 03:04")) == "2026-01-02T03:04:00"
    assert clean_value(datetime.date(2026, 1, 2)) == "2026-01-02"


def test_another_schema_and_foreign_keys_are_refused_by_name() -> None:
    data = analysis().to_json()
    with pytest.raises(AlignmentError, match="schema 2"):
        Analysis.from_json({**data, "schema": 2})
    with pytest.raises(AlignmentError, match="colour unknown"):
        Analysis.from_json({**data, "colour": 1})
    del data["kpis"]
    with pytest.raises(AlignmentError, match="kpis missing"):
        Analysis.from_json(data)
    with pytest.raises(AlignmentError, match="line 1, column"):
        Analysis.loads("{oops")


def test_look_up_by_id_with_near_match() -> None:
    whole = analysis()
    assert whole.finding("dropped-leads").status == "misaligned"
    assert whole.kpi("leads", channel=None).value == 3
    with pytest.raises(UnknownName, match="Did you mean 'leads'"):
        whole.kpi("lead")


def test_frame_gives_a_column_per_dimension() -> None:
    frame = analysis().frame()
    assert list(frame["channel"]) == [None]
    assert frame.loc[0, "value"] == 3


def test_version_is_pyprojects() -> None:
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{VERSION}"' in text


def test_text_is_valid_json_without_nan() -> None:
    assert json.loads(analysis().dumps(), parse_constant=lambda c: pytest.fail(c))["schema"] == 1
