"""Every Gap: its tests agree with its interval, and nothing is ever NaN or infinite."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics import agreement, shares, survival
from alignment_toolkit.statistics.distances import Side, total_variation_gap
from alignment_toolkit.statistics.inference import Gap, needs_more, quantile, tail
from alignment_toolkit.statistics.resampling import generator

MARGINS = [*np.linspace(-0.5, 2.2, 28).tolist(), 0.15, 1.0, 0.0]


def agrees(gap: Gap) -> None:
    e = gap.estimate
    margins = list(MARGINS)
    if e.low is None or e.high is None:
        assert all(gap.above(m) == gap.below(m) == 1.0 for m in margins)
        return
    assert e.value is not None
    assert all(math.isfinite(x) for x in (e.value, e.low, e.high))
    assert e.low <= e.value <= e.high
    step = 1e-6
    margins += [e.low - step, e.low + step, e.high - step, e.high + step]
    for m in margins:
        above, below = gap.above(m), gap.below(m)
        assert 0 <= above <= 1
        assert 0 <= below <= 1
        if abs(e.low - m) > 1e-9:
            assert (above < 0.025) == (e.low > m), (m, above, e)
        if abs(e.high - m) > 1e-9:
            assert (below < 0.025) == (e.high < m), (m, below, e)
    rising = [gap.above(m) for m in sorted(margins)]
    falling = [gap.below(m) for m in sorted(margins)]
    assert all(a <= b + 1e-9 for a, b in pairwise(rising))
    assert all(a >= b - 1e-9 for a, b in pairwise(falling))


@given(st.integers(0, 300), st.integers(0, 300))
def test_wilson_agrees(a: int, b: int) -> None:
    agrees(shares.wilson(min(a, b), max(a, b), n_unit="rows"))


@given(*[st.integers(0, 60)] * 4)
def test_newcombe_agrees(a: int, b: int, c: int, d: int) -> None:
    agrees(shares.newcombe(min(a, b), max(a, b), min(c, d), max(c, d)))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_clustered_share_agrees(rows: list[tuple[int, int]]) -> None:
    agrees(shares.clustered_share([min(r) for r in rows], [max(r) for r in rows]))


@given(st.lists(st.tuples(st.floats(0, 50), st.booleans()), max_size=40), st.floats(0, 60))
def test_share_by_agrees(rows: list[tuple[float, bool]], at: float) -> None:
    gap = survival.share_by([r[0] for r in rows], [r[1] for r in rows], at)
    agrees(gap)
    agrees(gap.complement())


@given(*[st.integers(0, 40)] * 4)
@settings(max_examples=40)
def test_kappa_agrees(a: int, b: int, c: int, d: int) -> None:
    agrees(agreement.disagreement([[a, b], [c, d]]))
    agrees(agreement.kappa([[a, b], [c, d]]))


@given(st.lists(st.integers(0, 20), min_size=9, max_size=9))
@settings(max_examples=40)
def test_kappa_of_three_categories_agrees(cells: list[int]) -> None:
    agrees(agreement.disagreement(np.array(cells).reshape(3, 3)))


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=15)
def test_total_variation_agrees(seed: int, planned: bool) -> None:
    r = generator(str(seed))
    plan = r.dirichlet(np.ones(4)) if planned else None
    sides = [
        Side("abcd", r.lognormal(0, 1, (k, 4)) * (r.random((k, 4)) < 0.4), plan) for k in r.integers(2, 40, 2)
    ]
    agrees(total_variation_gap(sides, seed="x", n_unit="touches", n=9, draws=200))


@given(st.floats(-5, 5), st.floats(0.001, 3), st.sampled_from([math.inf, 1.0, 4.0, 30.0]))
def test_normal_agrees(value: float, se: float, df: float) -> None:
    agrees(Gap.normal(value, se, n=9, n_unit="rows", unit="points", method="", df=df))
    agrees(Gap.exact(value))


def test_exact_has_no_sampling_error() -> None:
    gap = Gap.exact(0.3)
    assert (gap.estimate.low, gap.estimate.high) == (0.3, 0.3)
    assert (gap.above(0.2), gap.above(0.3), gap.above(0.4)) == (0.0, 1.0, 1.0)
    assert (gap.below(0.2), gap.below(0.3), gap.below(0.4)) == (1.0, 1.0, 0.0)
    assert Gap.exact(None).estimate.value is None


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_no_value_is_not_available(value: float | None) -> None:
    gap = Gap.normal(value, 1.0, n=0, n_unit="rows", unit="points", method="mean")
    assert (gap.estimate.value, gap.estimate.low, gap.above(0), gap.below(0)) == (None, None, 1.0, 1.0)


def test_p_value_of_both_directions() -> None:
    gap = Gap.normal(-0.3, 0.05, n=9, n_unit="rows", unit="points", method="")
    assert gap.p_value(0.2) > 0.99
    assert gap.p_value(0.2, "both") == pytest.approx(2 * tail(2.0))


def test_quantiles_against_scipy() -> None:
    from scipy import stats

    for df in (1.0, 3.5, 20.0, math.inf):
        law = stats.norm if df == math.inf else stats.t(df)
        assert quantile(df) == pytest.approx(law.ppf(0.975), rel=1e-12)
        for z in (-3.0, 0.0, 1.5, 6.0):
            assert tail(z, df) == pytest.approx(law.sf(z), rel=1e-9)
    assert (tail(math.inf), tail(-math.inf)) == (0.0, 1.0)


def of(value: float, low: float, high: float, n: int = 100) -> Estimate:
    return Estimate(value, low, high, n, "rows", "share", "")


def test_needs_more() -> None:
    assert needs_more(of(0.3, 0.1, 0.5), 0.2) == 300  # half of the lower side: four times the rows
    assert needs_more(of(0.1, 0.0, 0.3), 0.2) == 300
    assert needs_more(of(0.3, 0.25, 0.5), 0.2) == 0
    assert needs_more(of(0.2, 0.1, 0.3), 0.2) is None
    assert needs_more(of(0.2001, 0.1, 0.3), 0.2) is None
    assert needs_more(of(0.0, -0.2, 0.2), 0.1, "both") == 300
    assert needs_more(of(-0.3, -0.5, -0.1), 0.2, "both") == 300
    assert needs_more(of(-0.3, -0.5, -0.1), 0.2, "greater") == 0
    assert needs_more(Estimate(0.3, None, None, 5, "rows", "share", ""), 0.2) is None


@given(st.floats(-1, 1), st.floats(0.001, 0.5), st.floats(0.001, 0.5), st.sampled_from(["greater", "both"]))
def test_needs_more_settles(value: float, down: float, up: float, direction: str) -> None:
    margin, n = 0.2, 1000
    more = needs_more(of(value, value - down, value + up, n), margin, direction)  # type: ignore[arg-type]
    if more is None:
        return
    shrink = math.sqrt(n / (n + more)) * (1 - 1e-9)
    low, high = value - down * shrink, value + up * shrink
    beyond = low > margin or (direction == "both" and high < -margin)
    inside = high <= margin and (direction == "greater" or low >= -margin)
    assert beyond or inside
