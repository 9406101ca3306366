"""The quick form of benchmarks/power.py: a few companies, but whole ones."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def power() -> ModuleType:
    return loaded("power")


@pytest.fixture(scope="module")
def tables() -> ModuleType:
    return loaded("power_tables")


def test_planted_gaps_are_found_and_absent_ones_are_not(power: ModuleType) -> None:
    row = power.one(power.Cell("twice"), 11, 2500)
    found = row["findings"]
    assert 0 < len(row["planted"]) < len(power.PLANTS)
    assert not [f["message"] for f in found.values() if f["status"] == "error"]
    # Half the proof's size: a planted gap may stay uncertain, but never gives false comfort.
    for id in row["planted"].keys() & found.keys():
        assert found[id]["status"] != "aligned", id
    sure = {"targeting_disagreement", "dropped_leads", "unanswered_signals", "need_mismatch"}
    assert {found[id]["status"] for id in sure & row["planted"].keys() & found.keys()} == {"misaligned"}
    null = power.one(power.Cell("null"), 11, 2500)["findings"]
    # Of what cannot be planted yet the true gap is not known.
    assert [id for id, f in null.items() if f["status"] == "misaligned" and f["truth"] is not None] == []
    assert null["targeting_disagreement"]["status"] == "aligned"
    assert null["dropped_leads"]["status"] == "aligned"


def test_no_two_that_clash_are_planted_together(power: ModuleType) -> None:
    assert sorted(p for group in power.colours() for p in group) == sorted(power.PLANTS)
    every = [power.planted(c, seed) for c in power.cells() for seed in range(40)]
    assert not [c for c in power.CLASHES for plant in every if c <= plant.keys()]
    halves = [[power.planted(power.Cell(f"twice{which}"), s) for which in ("", " 2")] for s in range(40)]
    assert not [set(a) & set(b) for a, b in halves if set(a) & set(b)]
    assert min(len({*a, *b}) for a, b in halves) >= len(power.PLANTS) - 2
    twice = [a for a, _ in halves]
    assert len({tuple(p) for p in twice}) > 30
    assert {id for p in twice for id in p} == set(power.PLANTS)


def test_every_confounder_is_in_one_of_two_halves(power: ModuleType) -> None:
    for seed in range(10):
        a, b = (power.confounded(power.Cell(f"confounders{which}"), seed) for which in ("", " 2"))
        assert sorted(a + b) == sorted(power.CONFOUNDERS)
    assert power.confounded(power.Cell("confounder new_law"), 1) == ["new_law"]
    assert power.confounded(power.Cell("null"), 1) == []


def found(status: str, truth: float | None = 0.0, low: float = -0.1, high: float = 0.2) -> dict[str, Any]:
    return {
        "status": status, "truth": truth, "value": 0.1, "low": low, "high": high, "n": 9, "margin": 0.1,
        "direction": "greater", "message": None,
    }  # fmt: skip


def company(cell: str, seed: int, planted: dict[str, float], **findings: Any) -> dict[str, Any]:
    return {
        "cell": cell,
        "seed": seed,
        "accounts": 9,
        "planted": planted,
        "seconds": 1.0,
        "findings": findings,
    }


def test_the_tables_count_what_the_rows_say(tables: ModuleType) -> None:
    rows = [
        company("null", s, {}, x=found(w))
        for s, w in enumerate(("misaligned", "aligned", "aligned", "uncertain"))
    ]
    rows += [
        company(
            "twice",
            s,
            {"x": 1.0},
            x=found("misaligned", 0.2, 0.15, 0.3),
            y=found("misaligned" if s else "aligned"),
        )
        for s in range(2)
    ]
    rows += [company("twice", 3, {"y": 1.0}, x=found("uncertain"), y=found("misaligned", 0.2, 0.25, 0.3))]
    rows += [company("confounder mix", s, {}, x=found("misaligned")) for s in range(40)]
    rows += [company("confounders", 1, {}, x=found("aligned")) | {"confounded": ["mix", "rain"]}]
    page = tables.document(rows, accounts=9, period="2026-Q3")
    lines = page.splitlines()
    assert (
        "| x | 4 | 0.000 | 0.100 | 0.25 (0.05 to 0.70) | 0.50 (0.15 to 0.85) | 0 | 1.00 (0.51 to 1.00) |"
        in lines
    )
    assert (
        "| x | 2 | 0.200 | 0.100 | 1.00 (0.34 to 1.00) | 0.00 (0.00 to 0.66) | 0 | 1.00 (0.34 to 1.00) |"
        in lines
    )
    assert any(
        line.startswith("| x | 2 | y **0.50 (") and line.endswith(")**, else 0 of 0 |") for line in lines
    )
    assert any(line.startswith("| mix | 41, 40 | x **0.98") for line in lines)
    assert any(line.startswith("| rain | 1, 0 | none") for line in lines)
    assert "| nothing planted: any misaligned | 4 | 0.25 (0.05 to 0.70) | at most 0.05 |" in lines
    assert any("share of false among all alarms | 3 | 0.167" in line for line in lines)


def test_one_table_has_every_aim_and_the_page_says_how_few_companies_there_are(tables: ModuleType) -> None:
    rows = [company("null", s, {}, busywork=found("misaligned" if s < 9 else "uncertain")) for s in range(20)]
    rows += [company("twice", s, {"busywork": 1.0}, busywork=found("uncertain", 0.15)) for s in range(20)]
    page = tables.document(rows, accounts=9, period="2026-Q3")
    assert "| busywork | 20, 0, 20 | **0.45** |  | **0.00** | **0.00** | 0.00 | 1.00 |" in page.splitlines()
    assert "With 20 companies of nothing planted, no alarm at all still leaves room for 0.16." in page
    assert "Of the least tried confounder nothing is known." in page
    assert "\n- busywork: A growth of 0.40 (twice the margin) is found in 9 of 10 cases" in page
    kinds = ("null", "confounders", "confounders 2")
    full = [company(k, s, {}, x=found("aligned")) | {"confounded": [k]} for s in range(100) for k in kinds]
    assert "Fewer companies" in tables.document(full[:-1], accounts=9, period="2026-Q3")
    assert "Fewer companies" not in tables.document(full, accounts=9, period="2026-Q3")


def test_aims_that_are_missed_are_named_and_luck_is_not(tables: ModuleType) -> None:
    lucky = [company("null", s, {}, x=found("aligned" if s else "misaligned")) for s in range(20)]
    assert tables.aims_missed(lucky) == []
    bad = [company("margin", s, {"x": 0.5}, x=found("misaligned", 0.1)) for s in range(20)]
    assert "x at the margin: misaligned in 1.00" in tables.aims_missed(bad, only_alarms=True)[0]
    comfort = [company("twice", s, {"x": 1.0}, x=found("aligned", 0.2, 0.3, 0.4)) for s in range(20)]
    told = tables.aims_missed(comfort)
    assert len(told) == 3  # no power, false comfort, no coverage
    broken = [company("null", 1, {}, x={**found("error"), "message": "boom"})]
    assert tables.aims_missed(broken, only_alarms=True) == ["- x could not be computed in 1 companies: boom"]
