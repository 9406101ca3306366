"""Numbers printed in the literature, or computed from its data by two means."""

from __future__ import annotations

import pytest

from alignment_toolkit.statistics.agreement import disagreement, kappa
from alignment_toolkit.statistics.control import ewma
from alignment_toolkit.statistics.multiplicity import benjamini_hochberg
from alignment_toolkit.statistics.price_line import benefit_to_tie
from alignment_toolkit.statistics.shares import difference, e_value, newcombe, wilson
from alignment_toolkit.statistics.simpson import crude_and_adjusted
from alignment_toolkit.statistics.survival import kaplan_meier, median, share_by

SIX_MP_EVENTS = [6, 6, 6, 7, 10, 13, 16, 22, 23]
SIX_MP_CENSORED = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
SIX_MP = SIX_MP_EVENTS + SIX_MP_CENSORED
SIX_MP_IS_EVENT = [True] * 9 + [False] * 12


@pytest.mark.parametrize(
    ("top", "bottom", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_newcombe_1998_single(top: int, bottom: int, low: float, high: float) -> None:
    e = wilson(top, bottom, n_unit="patients").estimate
    assert (e.low, e.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@pytest.mark.parametrize(
    ("case", "value", "low", "high"),
    [((56, 70, 48, 80), 0.20, 0.0524, 0.3339), ((9, 10, 3, 10), 0.60, 0.1705, 0.8090)],
)
def test_difference_newcombe_1998_method_10(
    case: tuple[int, ...], value: float, low: float, high: float
) -> None:
    e = newcombe(*case).estimate
    assert e.value == pytest.approx(value)
    assert (e.low, e.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    a, b = (wilson(*side, n_unit="patients").estimate for side in (case[:2], case[2:]))
    d, p = difference(a, b)
    assert (d.low, d.high) == (pytest.approx(e.low), pytest.approx(e.high))
    assert p is not None
    assert p < 0.05


@pytest.mark.parametrize(
    ("table", "expected"),
    [([[20, 5], [10, 15]], 0.4), ([[45, 15], [25, 15]], 0.130435), ([[25, 35], [5, 35]], 0.259259)],
)
def test_cohens_kappa(table: list[list[int]], expected: float) -> None:
    assert kappa(table).estimate.value == pytest.approx(expected, abs=5e-7)
    assert disagreement(table).estimate.value == pytest.approx(1 - expected, abs=5e-7)


def test_benjamini_hochberg_1995_table_1() -> None:
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
         0.7590, 1.0]  # fmt: skip
    assert (benjamini_hochberg(p) <= 0.05).sum() == 4
    assert sum(x <= 0.05 / len(p) for x in p) == 3  # Bonferroni, as printed there


def test_e_value_vanderweele_ding_2017() -> None:
    assert e_value(3.9) == pytest.approx(7.2630, abs=5e-5)
    assert e_value(1.8) == pytest.approx(3.0, abs=1e-12)
    assert e_value(1 / 3.9) == pytest.approx(e_value(3.9))


def test_kaplan_meier_freireich_6_mp() -> None:
    curve = kaplan_meier(SIX_MP, SIX_MP_IS_EVENT).set_index("time").survival
    expected = {6: 0.8571, 7: 0.8067, 10: 0.7529, 13: 0.6902, 16: 0.6275, 22: 0.5378, 23: 0.4482}
    assert {int(t): round(float(s), 4) for t, s in curve.items()} == expected
    assert median(SIX_MP, SIX_MP_IS_EVENT).value == 23
    assert share_by(SIX_MP, SIX_MP_IS_EVENT, 10).estimate.value == pytest.approx(1 - 0.7529, abs=5e-5)
    assert share_by(SIX_MP, SIX_MP_IS_EVENT, 9.99).estimate.value == pytest.approx(1 - 0.8067, abs=5e-5)


def test_simpson_kidney_stones_charig_1986() -> None:
    found = crude_and_adjusted([81, 192], [87, 263], [234, 55], [270, 80])
    assert found.crude == pytest.approx(273 / 350 - 289 / 350)
    assert found.crude is not None
    assert found.adjusted is not None
    assert found.crude < 0 < found.adjusted
    assert found.odds_ratio == pytest.approx(1.44685, abs=5e-6)
    assert found.risk_ratio == pytest.approx(1.06900, abs=5e-6)
    assert found.fires


def test_ewma_nist_handbook_6_3_2_4() -> None:
    data = [52, 47, 53, 49.3, 50.1, 47, 51, 50.1, 51.2, 50.5, 49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6,
            52.1]  # fmt: skip
    chart = ewma(data, 0.3, 50, 2.0539)
    assert round(chart.values[-1], 2) == 51.99
    assert chart.low == pytest.approx(47.4116, abs=1e-4)
    assert chart.high == pytest.approx(52.5884, abs=1e-4)
    assert not any(v < 47.4116 or v > 52.5884 for v in chart.values)


def test_value_is_benefit_over_price() -> None:
    """Prices 39.90 and 195: the dearer must bring 4.887 times the benefit to tie (computed: 195 / 39.90)."""
    assert benefit_to_tie(195.0, 39.90) == pytest.approx(4.887, rel=1e-4)
    assert benefit_to_tie(39.90, 195.0) == pytest.approx(1 / 4.887, rel=1e-4)
    assert benefit_to_tie(195.0, 0.0) is None
