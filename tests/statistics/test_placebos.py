"""Crossings beyond placebos: by hand, what repeats, one person, and by simulation beside independent crossings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import stats

from alignment_toolkit.statistics.placebos import Beyond, beyond_placebos
from alignment_toolkit.statistics.shares import newcombe
from tests.statistics.test_coverage import loaded


def beyond(at: list[int], who: Any = None, acts: Any = None, cases: Any = None, rows: int = 200) -> Beyond:
    each = list(range(len(at)))
    who = each if who is None else who
    return beyond_placebos(
        at, who, each if acts is None else acts, each if cases is None else cases,
        rows=rows, placebos=4, n_unit="accounts",
    )  # fmt: skip


def test_nobody_crossed_anything() -> None:
    e, plain = beyond([]).gap.estimate, newcombe(0, 200, 0, 800).estimate
    assert (e.value, e.low, e.high, e.n) == (0.0, plain.low, plain.high, 200)


def test_no_rows_say_nothing() -> None:
    assert beyond([0, 1], rows=0).gap.estimate.value is None


def test_many_people_with_one_edit_each_are_independent() -> None:
    """20 over the threshold and 4 over each of four placebos, 36 people of 200 accounts."""
    found = beyond([0] * 20 + [1, 2, 3, 4] * 4)
    plain = newcombe(20, 200, 16, 800).estimate
    assert found.gap.estimate.value == pytest.approx(0.1 - 0.02)
    assert found.gap.estimate.high == pytest.approx(plain.high, abs=0.02)
    assert not found.alone
    assert not found.explained


def test_people_whose_edits_lie_in_one_part_of_the_scale_by_hand() -> None:
    """Four people, six edits each: of the threshold, of the first, of the second, of the third placebo."""
    who = np.repeat([0, 1, 2, 3], 6)
    found = beyond(list(np.repeat([0, 1, 2, 3], 6)), who)
    # A person's four counts 6, 0, 0, 0 have the variance 9; three of them 27, times 1 + 1/4. Beyond the mean of
    # 18 / 4 come 6 - 4.5 lifted.
    honest, variance = 27 * 1.25, 27 * 1.25 + 1.5
    df = 27**2 / (3 * 81) * 5 * (variance / honest) ** 2
    half = stats.t.ppf(0.975, df) * variance**0.5 / 200
    assert found.gap.estimate.value == pytest.approx(1.5 / 200)
    assert found.gap.estimate.low == pytest.approx(1.5 / 200 - half)
    assert found.gap.estimate.high == pytest.approx(1.5 / 200 + half)


def test_edits_of_one_day_are_one_decision() -> None:
    """Two people lift 15 each, on one day each or on a day for every account."""
    who = ["p"] * 15 + ["q"] * 15
    lumps, apart = beyond([0] * 30, who, who), beyond([0] * 30, who)
    assert lumps.gap.estimate.low is not None
    assert apart.gap.estimate.low is not None
    assert lumps.gap.estimate.low < 0.03 < apart.gap.estimate.low


def test_one_person_who_made_all_could_have_made_them_anywhere() -> None:
    found = beyond([0] * 30, ["p"] * 30)
    assert (found.gap.estimate.low, found.gap.estimate.high) == (
        pytest.approx(-30 / 800),
        pytest.approx(0.2, abs=0.06),
    )
    assert (found.alone, found.explained) == (True, False)
    few = beyond([0, 1], ["p"] * 2)
    assert not few.alone  # nothing that luck does not do


def test_a_case_that_comes_twice_is_one() -> None:
    twice = beyond(
        [0] * 20, np.repeat(range(10), 2), np.repeat(range(10), 2), np.repeat(range(10), 2), rows=400
    )
    once = beyond([0] * 10)
    assert twice.gap.estimate.low == pytest.approx(once.gap.estimate.low, abs=1e-6)
    assert twice.gap.estimate.high == pytest.approx(once.gap.estimate.high, abs=1e-6)


def test_the_tests_agree_with_the_interval() -> None:
    rng = np.random.default_rng(5)
    for _ in range(60):
        n = int(rng.integers(1, 60))
        who = rng.integers(0, rng.integers(1, 12), n)
        found = beyond(
            list(rng.integers(0, 5, n)),
            who,
            [f"{w} {d}" for w, d in zip(who, rng.integers(0, 9, n), strict=True)],
        ).gap
        for m in np.linspace(-0.3, 0.4, 36):
            assert (found.above(m) < 0.025) == (found.estimate.low > m)  # type: ignore[operator]
            assert (found.below(m) < 0.025) == (found.estimate.high < m)  # type: ignore[operator]


@pytest.fixture(scope="module")
def bench(project_dir: Path) -> Iterator[ModuleType]:
    for _ in loaded(project_dir, "coverage"):
        yield from loaded(project_dir, "coverage_placebos")


def test_coverage_where_edits_come_in_people_and_independent_crossings_failing(bench: ModuleType) -> None:
    worlds = (
        bench.World(10, 200, 5.6, 8.0), bench.World(10, 1000, 1.4, None, 10), bench.World(10, 1000, 1.4, 15.0, gap=0.03)
    )  # fmt: skip
    for row, most in zip(bench.placebos(120, worlds), (0.7, 0.85, 0.96), strict=True):
        assert row.coverage >= 0.93 - row.error
        assert row.below <= 0.07
        assert float(row.note.split(": ")[1].split(";")[0]) < most
