"""Quick form of benchmarks/coverage.py; beside each proof stands a naive method that the same test must catch."""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics import agreement, distances, shares, survival
from alignment_toolkit.statistics.inference import Z95, Gap

RUNS = 400


def loaded(project_dir: Path, name: str) -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location(name, project_dir / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[name]


@pytest.fixture(scope="module")
def bench(project_dir: Path) -> Iterator[ModuleType]:
    yield from loaded(project_dir, "coverage")


@pytest.fixture(scope="module")
def kpi_bench(bench: ModuleType, project_dir: Path) -> Iterator[ModuleType]:
    yield from loaded(project_dir, "coverage_kpis")


def holds(row: Any, least: float = 0.93) -> bool:
    """Whether a coverage is at least what is promised, plus or minus two Monte Carlo standard errors."""
    return bool(row.coverage >= least - row.error)


def wald(top: float, bottom: float) -> Estimate:
    p = top / bottom
    half = Z95 * math.sqrt(p * (1 - p) / bottom)
    return Estimate(p, p - half, p + half, int(bottom), "rows", "share", "Wald")


def check(
    bench: ModuleType,
    truth: float,
    good: Callable[[Any], Any],
    naive: Callable[[Any], Any],
    runs: int = RUNS,
) -> None:
    assert holds(bench.count("", "", truth, runs, good))
    assert not holds(bench.count("", "", truth, runs, naive))


def test_wilson(bench: ModuleType) -> None:
    check(
        bench,
        0.1,
        lambda r: shares.wilson(r.binomial(20, 0.1), 20, n_unit="rows"),
        lambda r: wald(r.binomial(20, 0.1), 20),
    )


def test_clustered_share(bench: ModuleType) -> None:
    def rows(r: Any) -> Gap:
        y, m = bench.clustered(r, 60, 0.3, 0.4)
        return shares.wilson(y.sum(), m.sum(), n_unit="rows")

    check(bench, 0.3, lambda r: shares.clustered_share(*bench.clustered(r, 60, 0.3, 0.4)), rows)


def test_clustered_ratio(bench: ModuleType) -> None:
    def plain(r: Any) -> Estimate:
        x = r.lognormal(-0.5, 1.0, 30)
        half = Z95 * x.std() / math.sqrt(30)
        return Estimate(1, x.mean() - half, x.mean() + half, 30, "clients", "money", "normal")

    check(bench, 1.0, lambda r: bench.ratio(r.lognormal(-0.5, 1.0, 30), np.ones(30)), plain)


def test_compound_total(bench: ModuleType) -> None:
    def once(r: Any, *, fixed: bool) -> Estimate:
        x = r.lognormal(-0.72, 1.2, r.poisson(100))
        if not fixed:
            return shares.compound_total(x.sum(), (x * x).sum(), len(x))
        half = Z95 * x.std() * math.sqrt(len(x))  # as if the number of clients were no chance
        return Estimate(x.sum(), x.sum() - half, x.sum() + half, len(x), "clients", "money", "normal")

    check(bench, 100, lambda r: once(r, fixed=False), lambda r: once(r, fixed=True))


def test_share_by(bench: ModuleType) -> None:
    def ignoring(r: Any) -> Gap:
        t, event = bench.waiting(r, 300, 0.5, 0.3)
        return shares.wilson((event & (t <= 1)).sum(), 300, n_unit="rows")

    check(bench, 0.5, lambda r: survival.share_by(*bench.waiting(r, 300, 0.5, 0.3), at=1.0), ignoring)


@pytest.mark.parametrize("truth", [0.0, 1.0])
def test_share_by_where_nothing_varies(bench: ModuleType, truth: float) -> None:
    row = bench.count(
        "", "", truth, 200, lambda r: survival.share_by(*bench.waiting(r, 50, truth, 0.3), at=1.0)
    )
    assert row.coverage == 1


def test_disagreement(bench: ModuleType) -> None:
    def large_sample(r: Any) -> Gap:
        t = bench.ratings(r, 100, 0.1, 1.0)
        p = t / t.sum()
        k = agreement._kappa_value(p)
        se = None if k is None else math.sqrt(agreement._kappa_variance(p, k) / 100)
        return Gap.normal(None if k is None else 1 - k, se, n=100, n_unit="accounts", unit="index", method="")

    # Test inversion takes long, and the naive interval holds the truth in two of three cases: a hundred runs tell.
    check(bench, 1.0, lambda r: agreement.disagreement(bench.ratings(r, 100, 0.1, 1.0)), large_sample, 100)


@pytest.mark.parametrize("planned", [True, False])
def test_total_variation(bench: ModuleType, planned: bool) -> None:
    rows = list(
        bench.total_variation(100, sizes=((30, 500, 200),), lumps=(0.5,), gaps=(0.0, 0.15), plans=(planned,))
    )
    assert all(holds(row) for row in rows), rows
    assert float(rows[0].note.split()[1].rstrip(",")) <= 0.05, "misaligned said of an aligned company"


def test_naive_total_variation_is_biased(bench: ModuleType) -> None:
    """Positive control: the sample's distance, with a percentile bootstrap, never covers 0."""
    covered = 0
    for run in range(30):
        r = np.random.default_rng(run)
        q = r.dirichlet(np.full(12, 3.0))
        money = bench.campaigns(r, q, 30, 0.5)
        drawn = [money[r.integers(30, size=30)].sum(axis=0) for _ in range(100)]
        naive = np.quantile([np.abs(d / d.sum() - q).sum() / 2 for d in drawn], [0.025, 0.975])
        covered += naive[0] <= 0.0
    assert covered == 0


def side(weights: Any, target: Any = None) -> distances.Side:
    return distances.Side([f"p{i}" for i in range(len(weights[0]))], weights, target)


def estimate(*sides: distances.Side) -> Estimate:
    return distances.total_variation_gap(sides, seed="x", n_unit="touches", n=5).estimate


def test_total_variation_of_much_data_is_the_distance() -> None:
    even, tilted = [[50.0, 50.0]] * 400, [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]] * 500
    target = [0.8, 0.2]
    assert estimate(side(tilted, target)).value == pytest.approx(0.3, abs=0.01)
    assert estimate(side(tilted, target), side(tilted, [0.5, 0.5])).value == pytest.approx(0.15, abs=0.01)
    assert estimate(side(even), side([[1.0, 0.0]] * 300)).value == pytest.approx(0.5, abs=0.02)


def test_total_variation_of_too_little() -> None:
    for sides in (
        [], [side([[1.0, 2.0]])], [side([[0.0, 0.0]], [1, 1])], [side([[1.0, 0.0]], [1, 1])],
        [side([[1.0, 0.0]] * 5, [0, 0])], [side([[1.0, 0.0]] * 5), side([[0.0, 0.0]] * 5)],
    ):  # fmt: skip
        e = estimate(*sides)
        assert (e.value, e.low, e.high) == (None, None, None)
    one = estimate(side([[3.0]] * 5, [1.0]))
    assert (one.value, one.low) == (0, 0)


def test_total_variation_does_not_know_order_names_or_scale() -> None:
    r = np.random.default_rng(1)
    w = r.lognormal(0, 1, (30, 4)) * (r.random((30, 4)) < 0.4)
    target = np.array([0.1, 0.2, 0.3, 0.4])
    first = estimate(side(w, target))
    columns = [2, 0, 3, 1]
    other = distances.Side([f"p{i}" for i in columns], w[r.permutation(30)][:, columns], target[columns] * 50)
    assert estimate(other) == first
    scaled = estimate(side(w * 4, target))
    assert (scaled.value, scaled.low, scaled.high) == (first.value, first.low, first.high)


def test_a_product_without_campaign_by_chance_is_allowed_for() -> None:
    """Nine campaigns over twelve products leave three without: that alone is no misalignment."""
    money = np.eye(12)[:9]
    gap = distances.total_variation_gap([side(money, np.full(12, 1 / 12))], seed="x", n_unit="campaigns", n=9)
    assert gap.estimate.low == 0
    assert gap.above(0.15) > 0.1


def test_money_on_a_product_outside_the_plan_counts() -> None:
    money = np.array([[1.0, 0.0]] * 30 + [[0.0, 1.0]] * 30)
    gap = distances.total_variation_gap([side(money, [1.0, 0.0])], seed="x", n_unit="campaigns", n=60)
    assert gap.above(0.15) < 0.025
    assert gap.estimate.value == pytest.approx(0.5, abs=0.03)
