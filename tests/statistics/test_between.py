"""Differences where people differ: by hand, against R's clubSandwich, against the definition, and by simulation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy import stats

from alignment_toolkit.statistics.between import Robust, compared, compared_means, robust
from alignment_toolkit.statistics.inference import Gap
from alignment_toolkit.statistics.stratified import risk_difference
from tests.statistics.test_coverage import loaded

# Band, person, late, clients, others.
LEADS = [
    ("a", "p", 1, 3, 5), ("a", "p", 0, 4, 6), ("a", "q", 1, 2, 9), ("a", "r", 0, 5, 4), ("a", "s", 0, 1, 8),
    ("b", "p", 0, 2, 3), ("b", "q", 1, 4, 4), ("b", "q", 0, 1, 2), ("b", "r", 0, 6, 5), ("b", "s", 1, 3, 9),
    ("b", "t", 0, 2, 10), ("c", "t", 1, 0, 4), ("c", "r", 1, 2, 2), ("c", "s", 0, 3, 3), ("c", "p", 0, 0, 5),
]  # fmt: skip


def lines(table: list[tuple[str, str, int, int, int]]) -> tuple[np.ndarray, ...]:
    band, person, late, won, lost = (np.array(c) for c in zip(*table, strict=True))
    codes = [np.unique(c, return_inverse=True)[1] for c in (band, person)]
    return late.astype(bool), won.astype(float), (won + lost).astype(float), *codes


def test_the_variance_is_that_of_clubsandwich() -> None:
    """R's clubSandwich 0.5.8: coef_test(lm(won ~ late + band), vcov = "CR2", cluster = person)."""
    seen = robust(*lines(LEADS))
    assert seen.variance**0.5 == pytest.approx(0.0585837660600662, rel=1e-10)
    assert seen.df == pytest.approx(3.4028781061945, rel=1e-10)
    assert not seen.alone


def test_whole_people_with_as_many_leads_each_are_welchs_comparison_of_their_shares() -> None:
    won = [30, 42, 25, 20, 26, 18]
    table = [("a", f"p{i}", int(i < 3), w, 100 - w) for i, w in enumerate(won)]
    seen = robust(*lines(table))
    shares = np.array(won) / 100
    assert seen.variance == pytest.approx(shares[:3].var(ddof=1) / 3 + shares[3:].var(ddof=1) / 3, rel=1e-12)
    assert seen.df == pytest.approx(4.0, rel=1e-9)  # Satterthwaite's of equal variances: 2 (3 - 1)
    late, top, bottom, band, person = lines(table)
    e = compared(late, top, bottom, band, n_unit="leads", people=person).gap.estimate
    half = stats.t.ppf(0.975, 4) * seen.variance**0.5
    assert (e.low, e.high) == (pytest.approx(e.value - half), pytest.approx(e.value + half))


def by_definition(
    late: np.ndarray, won: np.ndarray, band: np.ndarray, person: np.ndarray
) -> tuple[float, float]:
    """Least squares on all rows, each block of I - H taken to the power of -1/2, and Satterthwaite's df."""
    both = np.array([len(set(late[band == b])) == 2 for b in band])
    late, won, band, person = (a[both] for a in (late, won, band, person))
    x = np.column_stack([*(band == b for b in np.unique(band)), late]).astype(float)
    inverse = np.linalg.inv(x.T @ x)
    rest = np.eye(len(won)) - x @ inverse @ x.T
    residual, variance, scores = rest @ won, 0.0, []
    for p in np.unique(person):
        own = np.flatnonzero(person == p)
        values, vectors = np.linalg.eigh(rest[np.ix_(own, own)])
        kept = values > 1e-9
        root = (vectors[:, kept] / np.sqrt(values[kept])) @ vectors[:, kept].T
        weight = (x[own] @ inverse[:, -1]) @ root
        variance += float(weight @ residual[own]) ** 2
        scores.append(rest[:, own] @ weight)
    covariance = np.array(scores) @ np.array(scores).T
    return variance, float(np.trace(covariance) ** 2 / (covariance**2).sum())


def test_it_is_the_definition_on_rows_of_any_design() -> None:
    rng = np.random.default_rng(3)
    looked = 0
    for _ in range(150):
        rows, bands, people = rng.integers(10, 100), rng.integers(1, 8), rng.integers(2, 20)
        band, person = rng.integers(0, bands, rows), rng.integers(0, people, rows)
        late = rng.random(rows) < rng.beta(0.5, 0.5, people)[person]
        won = (rng.random(rows) < 0.3).astype(float)
        unknown = rng.random(rows) < rng.choice([0.0, 0.3])
        seen = robust(late, won, np.ones(rows), band, np.where(unknown, -1, person))
        if seen.df == 0 or seen.alone:
            continue
        own = np.where(unknown, 1000 + np.arange(rows), person)
        variance, df = by_definition(late, won, band, own)
        assert seen.variance == pytest.approx(variance, rel=1e-8, abs=1e-14)
        assert seen.df == pytest.approx(df, rel=1e-6)
        looked += 1
    assert looked > 100


def test_rows_counted_together_say_the_same_as_one_by_one() -> None:
    late, won, leads, band, person = lines(LEADS)
    each = leads.astype(int)
    hits = np.concatenate([[1.0] * int(w) + [0.0] * int(n - w) for w, n in zip(won, leads, strict=True)])
    one = [np.repeat(a, each) for a in (late, band, person)]
    together = compared(late, won, leads, band, n_unit="leads", people=person).gap.estimate
    apart = compared(one[0], hits, np.ones(len(hits)), one[1], n_unit="leads", people=one[2]).gap.estimate
    assert (together.value, together.low, together.high) == pytest.approx(
        (apart.value, apart.low, apart.high)
    )
    nobody = compared(late, won, leads, band, n_unit="leads", people=[None] * len(late))
    rows = compared(one[0], hits, np.ones(len(hits)), one[1], n_unit="leads", people=np.arange(len(hits)))
    assert nobody.gap.estimate.low == pytest.approx(rows.gap.estimate.low)


def test_without_people_it_is_the_difference_of_independent_rows() -> None:
    late, won, leads, band, _ = lines(LEADS)
    e = compared(late, won, leads, band, n_unit="leads").gap.estimate
    each = leads.astype(int)
    hits = np.concatenate([[1.0] * int(w) + [0.0] * int(n - w) for w, n in zip(won, leads, strict=True)])
    assert e == risk_difference(np.repeat(late, each), hits, np.repeat(band, each), n_unit="leads").estimate


def test_people_with_both_kinds_are_compared_with_themselves() -> None:
    """Ann is late with 90 of 100 leads and good at it, Ben with 10 of 100 and is not: late leads do no better."""
    late, person = [True, False, True, False], ["Ann", "Ann", "Ben", "Ben"]
    won, leads = [45, 5, 1, 9], [90, 10, 10, 90]
    crude = compared(late, won, leads, [""] * 4, n_unit="leads").gap.estimate
    assert crude.low > 0.15  # type: ignore[operator]
    seen = compared(late, won, leads, [""] * 4, n_unit="leads", people=person)
    assert (seen.within, seen.gap.estimate.value) == (("people",), pytest.approx(0.0))
    assert "within people" in seen.gap.estimate.method


@pytest.mark.parametrize("others", [["Ben", "Cem", "Dora"], ["Ann", "Ben", "Cem"]])
def test_a_side_of_one_person_says_nothing_but_within_that_person(others: list[str]) -> None:
    table = [("a", "Ann", 1, 60, 40), *(("a", name, 0, 20, 80) for name in others)]
    late, won, leads, band, _ = lines(table)
    seen = compared(late, won, leads, band, n_unit="leads", people=[row[1] for row in table])
    if "Ann" in others:
        assert (seen.alone, seen.within) == ((), ("people",))
        assert seen.gap.estimate.value == pytest.approx(0.4)
        assert seen.gap.estimate.low > 0  # type: ignore[operator]
    else:
        assert seen.alone == ("people",)
        assert (seen.gap.estimate.value, seen.gap.estimate.low) == (pytest.approx(0.4), None)
        assert seen.gap.above(0.0) == 1.0


def test_a_difference_that_people_may_make_is_named() -> None:
    won = [50, 20, 5, 15, 15, 15]
    table = [("a", f"p{i}", int(i < 3), w, 100 - w) for i, w in enumerate(won)]
    late, top, bottom, band, person = lines(table)
    rows = compared(late, top, bottom, band, n_unit="leads")
    assert rows.gap.estimate.low > 0  # type: ignore[operator]
    seen = compared(late, top, bottom, band, n_unit="leads", people=person)
    assert (seen.explained, seen.alone, seen.within) == (("people",), (), ())
    assert seen.gap.estimate.low < 0 < seen.gap.estimate.high  # type: ignore[operator]
    # Of two kinds the wider one counts: campaigns that had both alike change nothing.
    two = compared(late, top, bottom, band, n_unit="leads", people=person, campaigns=list("xyzxyz"))
    assert two.gap.estimate.high - two.gap.estimate.low >= seen.gap.estimate.high - seen.gap.estimate.low  # type: ignore[operator]


def test_nothing_to_compare() -> None:
    for table in ([("a", "Ann", 1, 3, 2)], [("a", "Ann", 1, 3, 2), ("b", "Ben", 0, 1, 1)]):
        late, won, leads, band, person = lines(table)
        seen = compared(late, won, leads, band, n_unit="leads", people=person)
        assert (seen.gap.estimate.value, seen.alone, seen.explained) == (None, (), ())
    empty = compared([], [], [], [], n_unit="leads", people=[])
    assert empty.gap.estimate.value is None
    none = np.zeros(0, dtype=np.int64)
    assert robust(np.zeros(0, dtype=bool), np.zeros(0), np.zeros(0), none, none) == Robust(
        0.0, 0.0, 0.0, alone=False
    )


def test_means_of_people_who_had_both_are_compared_within_them() -> None:
    """One row of each side a person: the paired comparison, whose variance is that of the differences."""
    first, second = np.array([0.20, 0.31, 0.12, 0.40]), np.array([0.10, 0.25, 0.10, 0.28])
    gap = compared_means(
        np.repeat([True, False], 4), [*first, *second], n_unit="deals", unit="share", people=list("abcdabcd")
    ).gap.estimate
    apart = first - second
    assert gap.value == pytest.approx(apart.mean())
    paired = stats.ttest_rel(first, second).confidence_interval()
    assert (gap.low, gap.high) == (pytest.approx(paired.low), pytest.approx(paired.high))


def test_means_of_whole_people_are_welchs_of_their_means_where_that_is_wider() -> None:
    rng = np.random.default_rng(2)
    own = np.array([0.05, 0.10, 0.15, 0.02, 0.12, 0.20])
    values = (own[:, None] + rng.normal(0, 0.01, (6, 30))).ravel()
    first = np.repeat([True, True, True, False, False, False], 30)
    words = {"n_unit": "deals", "unit": "share"}
    gap = compared_means(first, values, people=np.repeat(list("abcdef"), 30), **words).gap.estimate
    means = values.reshape(6, 30).mean(axis=1)
    half = stats.t.ppf(0.975, 4) * np.sqrt(means[:3].var(ddof=1) / 3 + means[3:].var(ddof=1) / 3)
    assert (gap.low, gap.high) == (pytest.approx(gap.value - half), pytest.approx(gap.value + half))
    alone = compared_means(first, values, people=np.repeat(list("aaadef"), 30), **words)
    e = alone.gap.estimate
    assert (e.value, e.low, alone.alone) == (pytest.approx(gap.value), None, ("people",))
    unknown = compared_means(first, values, people=[None] * 180, **words).gap.estimate
    plain = stats.ttest_ind(values[:90], values[90:], equal_var=False).confidence_interval()
    assert (unknown.low, unknown.high) == (
        pytest.approx(plain.low, rel=1e-2),
        pytest.approx(plain.high, rel=1e-2),
    )


def test_coverage_of_means_where_people_differ() -> None:
    rng = np.random.default_rng(4)
    held = plain = 0
    for _ in range(200):
        person = rng.integers(0, 12, 240)
        first = rng.random(240) < rng.beta(0.6, 1.4, 12)[person]
        values = rng.normal(0, 0.02, 12)[person] + rng.normal(0, 0.04, 240)
        e = compared_means(first, values, n_unit="deals", unit="share", people=person).gap.estimate
        held += e.low <= 0 <= e.high  # type: ignore[operator]
        low, high = stats.ttest_ind(values[first], values[~first], equal_var=False).confidence_interval()
        plain += low <= 0 <= high
    assert held / 200 >= 0.92
    assert plain / 200 < 0.85


def test_a_widened_gap_tests_as_its_interval_says() -> None:
    words = {"n": 10, "n_unit": "leads", "unit": "share", "method": "m"}
    gap = Gap.normal(0.2, 0.05, **words).widened(Gap.normal(0.2, 0.04, df=3, **words))  # type: ignore[arg-type]
    for m in np.linspace(-0.2, 0.6, 81):
        assert (gap.above(m) < 0.025) == (gap.estimate.low > m)  # type: ignore[operator]
        assert (gap.below(m) < 0.025) == (gap.estimate.high < m)  # type: ignore[operator]
    with pytest.raises(ValueError, match="without interval"):
        gap.widened(Gap.none(n_unit="leads", unit="share", method="m"))


@pytest.fixture(scope="module")
def bench(project_dir: Path) -> Iterator[ModuleType]:
    for _ in loaded(project_dir, "coverage"):
        yield from loaded(project_dir, "coverage_between")


def test_coverage_where_people_differ_and_independent_rows_failing(bench: ModuleType) -> None:
    worlds = (bench.World(8, 800, 0.6, "whole"), bench.World(20, 1000, 0.6, 0.3), bench.World(8, 800, 0.6, 0))
    whole, mixed, alike = bench.between(150, worlds)
    for row, independent in ((whole, 0.75), (mixed, 0.92), (alike, 1.0)):
        assert row.coverage >= 0.93 - row.error, row
        assert float(row.note.partition(";")[0].removeprefix("independent: ")) < independent, row
    assert alike.above + alike.below >= 0.02, "an interval that is never wrong is too wide"
