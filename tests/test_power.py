"""The quick form of benchmarks/power.py: a few companies, but whole ones."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def power() -> ModuleType:
    path = Path(__file__).parents[1] / "benchmarks" / "power.py"
    spec = importlib.util.spec_from_file_location("benchmark_power", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", [11, 12])
def test_planted_gaps_are_found_and_absent_ones_are_not(power: ModuleType, seed: int) -> None:
    planted = power.one(power.Cell("twice the margin", 1.0), seed, 2500)
    status = {r["indicator"]: r["status"] for r in planted}
    assert status["targeting_disagreement"] == "misaligned"
    assert status["dropped_leads"] == "misaligned"
    # Half the proof's size: the distance may stay uncertain now and then, but never gives false comfort.
    assert status["portfolio_mismatch"] in ("misaligned", "uncertain")
    null = power.one(power.Cell("gap 0", 0.0), seed, 2500)
    assert "misaligned" not in {r["status"] for r in null}
    found = {r["indicator"]: r["status"] for r in null}
    assert found["targeting_disagreement"] == "aligned"
    assert found["dropped_leads"] == "aligned"
    rows = planted + null
    assert sum(r["covered"] for r in rows) >= 5  # six intervals of 95 %


def test_the_table_counts_what_the_rows_say(power: ModuleType) -> None:
    rows = [
        {
            "cell": "gap 0",
            "indicator": "x",
            "seed": s,
            "status": status,
            "value": 0.1,
            "truth": 0.0,
            "covered": s > 1,
        }
        for s, status in ((1, "misaligned"), (2, "aligned"), (3, "aligned"), (4, "uncertain"))
    ]
    text = power.table(rows)
    assert "| gap 0 | 4 | 0.000 | 0.100 | 0.250" in text
    assert "| 0.750" in text
    assert "any alarm: 0.250" in text
