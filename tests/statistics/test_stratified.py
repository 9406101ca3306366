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


def test_one_stratum_is_the_plain_difference_with_its_usual_variance() -> None:
    gap = risk_difference(*rows([("a", 1, 30, 70), ("a", 0, 10, 90)]), n_unit="leads").estimate
    se = (0.3 * 0.7 / 100 + 0.1 * 0.9 / 100) ** 0.5
    assert gap.value == pytest.approx(0.2)
    assert gap.low == pytest.approx(0.2 - 1.959964 * se, abs=1e-6)


@pytest.mark.parametrize("table", [[], [("a", 1, 3, 2)], [("a", 1, 3, 2), ("b", 0, 1, 1)]])
def test_nothing_to_compare_gives_no_value(table: list[tuple[str, int, int, int]]) -> None:
    assert risk_difference(*rows(table), n_unit="leads").estimate.value is None


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
