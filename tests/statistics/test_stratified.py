from __future__ import annotations

import numpy as np
import pytest

from alignment_toolkit.statistics.stratified import risk_difference


def rows(table: list[tuple[str, int, int, int]]) -> tuple[list[bool], list[bool], list[str]]:
    """Stratum, exposed (1/0), with the outcome, without."""
    exposed, outcome, strata = [], [], []
    for stratum, e, yes, no in table:
        exposed += [bool(e)] * (yes + no)
        outcome += [True] * yes + [False] * no
        strata += [stratum] * (yes + no)
    return exposed, outcome, strata


# Charig et al. (1986), kidney stones: A 81/87 and 192/263, B 234/270 and 55/80.
STONES = [("small", 1, 81, 6), ("small", 0, 234, 36), ("large", 1, 192, 71), ("large", 0, 55, 25)]


def test_simpson_kidney_stones_by_hand() -> None:
    gap = risk_difference(*rows(STONES), n_unit="patients").estimate
    w1, w2 = 87 * 270 / 357, 263 * 80 / 343
    by_hand = (w1 * (81 / 87 - 234 / 270) + w2 * (192 / 263 - 55 / 80)) / (w1 + w2)
    assert gap.value == pytest.approx(by_hand, rel=1e-12)
    assert gap.value > 0 > 273 / 350 - 289 / 350  # the crude difference points the other way


def test_one_stratum_has_the_limits_at_which_the_test_turns() -> None:
    gap = risk_difference(*rows([("a", 1, 30, 70), ("a", 0, 10, 90)]), n_unit="leads").estimate
    assert gap.value == pytest.approx(0.2)
    # As many rows on either side: the variance is p (1 - p) of both over 100 at 0.2, and hangs on the difference only
    # by (0.1 - 0.3) / 4 of a stratum that weighs 50.
    for limit in (gap.low, gap.high):
        variance = (0.3 * 0.7 + 0.1 * 0.9) / 100 + (limit - 0.2) * (100 * (0.1 - 0.3) / 4) / 50**2
        assert (limit - 0.2) ** 2 == pytest.approx(1.959964**2 * variance, rel=1e-5)


# R's metafor 3.8, rma.mh(measure = "RD"): the difference and Sato's standard error.
SPARSE = [("a", 1, 1, 0), ("a", 0, 0, 2), ("b", 1, 0, 2), ("b", 0, 1, 0), ("c", 1, 2, 1), ("c", 0, 1, 1),
          ("d", 1, 1, 0), ("d", 0, 0, 3), ("e", 1, 0, 4), ("e", 0, 1, 4), ("f", 1, 1, 1), ("f", 0, 1, 0)]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "value", "error"),
    [(STONES, 0.05383557024, 0.03355419588), (SPARSE, 0.02790279028, 0.21328476745)],
)
def test_the_limits_carry_the_standard_error_of_metafor(table, value, error) -> None:
    gap = risk_difference(*rows(table), n_unit="rows").estimate
    assert gap.value == pytest.approx(value, rel=1e-9)
    # The limits solve (d - x)^2 = z^2 (slope x + base): their sum gives the slope, their product the base.
    z2 = 1.959963984540054**2
    slope, base = (gap.low + gap.high - 2 * value) / z2, (value**2 - gap.low * gap.high) / z2
    assert (slope * value + base) ** 0.5 == pytest.approx(error, rel=1e-6)


@pytest.mark.parametrize("table", [[], [("a", 1, 3, 2)], [("a", 1, 3, 2), ("b", 0, 1, 1)]])
def test_nothing_to_compare_gives_no_value(table: list[tuple[str, int, int, int]]) -> None:
    assert risk_difference(*rows(table), n_unit="leads").estimate.value is None


@pytest.mark.parametrize(
    ("leads", "strata", "share", "truth"), [(176, 60, 0.1, 0.0), (180, 30, 0.1, 0.1), (60, 10, 0.3, 0.2)]
)
def test_coverage_where_strata_hold_a_handful(leads: int, strata: int, share: float, truth: float) -> None:
    """Where the leads of a person and of like score are two or three, as before and after a training."""
    rng = np.random.default_rng(7)
    covered, wald = 0, 0
    for _ in range(600):
        stratum, exposed = rng.integers(0, strata, leads), rng.random(leads) < 0.5
        outcome = rng.random(leads) < share * (1 + 0.8 * (stratum % 2)) + truth * exposed
        gap = risk_difference(exposed, outcome, stratum, n_unit="leads").estimate
        covered += gap.low <= truth <= gap.high  # type: ignore[operator]
        wald += abs(gap.value - truth) <= 1.96 * _own_shares(exposed, outcome, stratum)  # type: ignore[operator]
    assert 0.93 <= covered / 600 <= 0.98
    assert wald / 600 < 0.9, (
        "the variance from each stratum's own shares, which was used before, is too small"
    )


def _own_shares(exposed: np.ndarray, outcome: np.ndarray, stratum: np.ndarray) -> float:
    spread, weight = 0.0, 0.0
    for s in set(stratum):
        y, x = outcome[(stratum == s) & exposed], outcome[(stratum == s) & ~exposed]
        if len(y) and len(x):
            w = len(y) * len(x) / (len(y) + len(x))
            spread += w**2 * (y.mean() * (1 - y.mean()) / len(y) + x.mean() * (1 - x.mean()) / len(x))
            weight += w
    return float(spread**0.5 / weight)


def test_coverage_with_a_confounding_stratum_and_the_crude_difference_failing() -> None:
    rng = np.random.default_rng(5)
    covered = crude_covered = 0
    for _ in range(400):
        stratum = rng.integers(0, 3, 600)
        exposed = rng.random(600) < 0.2 + 0.3 * stratum
        outcome = rng.random(600) < 0.1 + 0.2 * stratum + 0.1 * exposed
        gap = risk_difference(exposed, outcome, stratum, n_unit="leads").estimate
        crude = risk_difference(exposed, outcome, np.zeros(600), n_unit="leads").estimate
        covered += gap.low <= 0.1 <= gap.high  # type: ignore[operator]
        crude_covered += crude.low <= 0.1 <= crude.high  # type: ignore[operator]
    assert 0.925 <= covered / 400 <= 0.975
    assert crude_covered / 400 < 0.5
