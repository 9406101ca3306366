"""Planted changes of a column's words are named with their month, and stable columns are left alone (fault 45)."""

from __future__ import annotations

import numpy as np
import pytest

from alignment_toolkit.statistics.resampling import generator
from alignment_toolkit.statistics.vocabulary import word_changes

KINDS = ("renamed", "split", "merged", "vanished", "new", "shifted")


def stable(rng, months=18, words=5):
    """Make up a column: shares that scatter more than chance, rows that grow."""
    shares = rng.dirichlet(np.full(words, 3.0))
    rows = (rng.integers(60, 300) * (1 + rng.uniform(0, 0.1)) ** np.arange(months)).astype(int)
    return np.array([rng.multinomial(n, rng.dirichlet(shares * 150)) for n in rows]), shares


def planted(kind, rng, months=18, words=5):
    """Plant one change; give the column and the month."""
    counts, shares = stable(rng, months, words)
    at = int(rng.integers(4, months - 3))
    word = int(np.argsort(shares)[-2])
    none = np.zeros((months, 1), dtype=int)
    if kind == "renamed":
        counts = np.hstack([counts, none])
        counts[at:, -1], counts[at:, word] = counts[at:, word], 0
    elif kind == "split":
        counts = np.hstack([counts, none, none])
        part = rng.binomial(counts[at:, word], 0.5)
        counts[at:, -1], counts[at:, -2], counts[at:, word] = part, counts[at:, word] - part, 0
    elif kind == "merged":
        other = int(np.argsort(shares)[-3])
        counts[at:, word] += counts[at:, other]
        counts[at:, other] = 0
    elif kind == "vanished":
        counts[at:, word] = 0
    elif kind == "new":
        counts = np.hstack([counts, none])
        counts[at:, -1] = rng.binomial(counts[at:].sum(axis=1), 0.15)
    else:
        moved = rng.binomial(counts[at:, word], 0.7)
        counts[at:, word] -= moved
        counts[at:, int(np.argmax(shares))] += moved
    return counts, at


def names(count):
    return [f"w{i}" for i in range(count)]


def test_of_thirty_planted_changes_28_are_named_with_their_month() -> None:
    rng = generator("planted words")
    right, told = 0, []
    for number in range(30):
        kind = KINDS[number % len(KINDS)]
        counts, at = planted(kind, rng)
        found = word_changes(names(counts.shape[1]), counts)
        hit = any(c.month == at and (c.kind == kind or kind in ("merged", "shifted")) for c in found)
        right += hit
        if not hit:
            told.append((kind, at, found))
    assert right >= 28, told


@pytest.mark.parametrize("words", [3, 8])
def test_of_stable_columns_at_most_one_in_twenty_is_called_changed(words: int) -> None:
    rng = generator(f"stable words {words}")
    wrong = [found for _ in range(200) if (found := word_changes(names(words), stable(rng, words=words)[0]))]
    assert len(wrong) <= 10, wrong


def test_a_drift_is_no_step_and_a_season_is_none() -> None:
    rng = generator("drifting words")
    wrong = 0
    for _ in range(60):
        share = 0.2 + 0.4 * np.arange(24) / 23
        season = 0.3 + 0.08 * np.sin(2 * np.pi * np.arange(24) / 12)
        for own in (share, season):
            k = rng.binomial(300, own)
            wrong += bool(word_changes(["a", "b"], np.column_stack([k, 300 - k])))
    assert wrong <= 6


def test_too_few_months_and_empty_ones_say_nothing() -> None:
    assert word_changes(["a"], [[1], [2], [3]]) == ()
    assert word_changes(["a", "b"], [[0, 0]] * 12) == ()
    assert word_changes([], np.zeros((12, 0))) == ()
