"""Words of a column over months: which was renamed, split, has vanished, is new, or suddenly means more or less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["CHANCE", "WordChange", "word_changes"]

CHANCE: Final = 0.01
# A step of a share that is worth a word: at least doubled or halved, and by at least so much.
_FACTOR, _POINTS = 1.8, 0.08
# A word that was hardly ever used may come and go.
_USED: Final = 0.01
Kind = Literal["renamed", "split", "merged", "vanished", "new", "shifted"]


@dataclass(frozen=True)
class WordChange:
    """What happened to a column's words, and from which month on.

    Attributes
    ----------
    kind
        ``renamed`` (one word for another), ``split`` (one for several), ``merged`` (several for one), ``vanished``,
        ``new``, or ``shifted`` (the same word, used suddenly far more or less often).
    month
        Position of the first month in which it is so.
    before, after
        The words that were used until then, and those that are used since. For ``shifted`` both name the word.
    shares
        The share of rows with these words before and after.
    p
        The chance of such a step in a column whose words are used as ever, all words and months looked at considered.
    """

    kind: Kind
    month: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    shares: tuple[float, float]
    p: float


def word_changes(
    words: Sequence[str], counts: NDArray[Any] | Sequence[Sequence[float]]
) -> tuple[WordChange, ...]:
    """Find sudden changes in how a column's words are used.

    Estimand: for each word, whether its share of the rows has a step, and where. Estimator: the largest step of the
    binomial likelihood over all months, over a dispersion that is estimated around the step (quasi-likelihood, F tail;
    McCullagh and Nelder 1989), all words and months looked at considered (Bonferroni). A share that drifts is no step:
    a step must fit better than a straight line. Words that step in the same month are told as one change.

    Parameters
    ----------
    words
        The column's words.
    counts
        Rows by month and word, months in order; months without a row say nothing.

    Examples
    --------
    >>> months = [[60, 40, 0]] * 6 + [[60, 0, 41]] * 4
    >>> (change,) = word_changes(["open", "won", "closed won"], months)
    >>> change.kind, change.month, change.before, change.after
    ('renamed', 6, ('won',), ('closed won',))
    >>> word_changes(["open", "won"], [[60, 40]] * 10)
    ()
    """
    table = np.asarray(counts, dtype=float)
    if table.ndim != 2 or table.shape[0] < 4 or table.shape[1] < 1:
        return ()
    filled = np.flatnonzero(table.sum(axis=1) > 0)
    total = table[filled].sum(axis=1)
    if filled.size < 4:
        return ()
    looks = table.shape[1] * (filled.size - 1)
    steps: list[tuple[int, int, float, float, float]] = []
    for column in range(table.shape[1]):
        at, p = _step(table[filled, column], total)
        p = min(1.0, p * looks)
        before, after = (
            float(table[filled[part], column].sum() / total[part].sum())
            for part in (slice(0, at), slice(at, None))
        )
        gone_or_new = min(before, after) == 0 and max(before, after) >= _USED
        high, low = max(before, after), min(before, after)
        large = high >= _FACTOR * low and high - low >= _POINTS
        if p <= CHANCE and (gone_or_new or large):
            steps.append((int(filled[at]), column, before, after, p))
    return _told(words, steps)


def _step(k: NDArray[np.float64], n: NDArray[np.float64]) -> tuple[int, float]:
    """Give the position of the largest step of a share and its p value; 1 where a line fits as well."""
    from scipy.special import fdtrc

    months = k.size
    k1, n1 = np.cumsum(k)[:-1], np.cumsum(n)[:-1]
    k2, n2 = k.sum() - k1, n.sum() - n1
    best = _fit(k1, n1) + _fit(k2, n2) - _fit(k.sum(), n.sum())
    at = int(np.argmax(best)) + 1
    shares = np.where(np.arange(months) < at, k1[at - 1] / n1[at - 1], k2[at - 1] / n2[at - 1])
    spread = n * shares * (1 - shares)
    seen = spread > 0
    freedom = max(1, months - 2)
    left = float(np.sum((k - n * shares)[seen] ** 2 / spread[seen]))
    dispersion = max(1.0, left / freedom)
    line = _line(k, n)
    inside = float(np.sum((k - n * shares) ** 2 / n))
    if line <= inside:  # a drift explains it as well
        return at, 1.0
    return at, float(fdtrc(1.0, float(freedom), 2 * float(best[at - 1]) / dispersion))


def _fit(k: Any, n: Any) -> Any:
    """Give the binomial log likelihood at its own share."""
    from scipy.special import xlogy

    return xlogy(k, k / n) + xlogy(n - k, 1 - k / n)


def _line(k: NDArray[np.float64], n: NDArray[np.float64]) -> float:
    """Give the weighted squares that a straight line leaves."""
    x, y = np.arange(k.size, dtype=float), k / n
    x = x - (n @ x) / n.sum()
    slope = (n @ (x * y)) / (n @ x**2)
    return float(n @ (y - (n @ y) / n.sum() - slope * x) ** 2)


def _told(words: Sequence[str], steps: list[tuple[int, int, float, float, float]]) -> tuple[WordChange, ...]:
    found: list[WordChange] = []
    for month in sorted({s[0] for s in steps}):
        own = [s for s in steps if s[0] == month]
        gone = [s for s in own if s[3] == 0]
        new = [s for s in own if s[2] == 0]
        shifted = [s for s in own if s not in gone and s not in new]
        # A word that a part of is taken away by new ones is split, though it stays.
        if new and not gone and any(s[3] < s[2] for s in shifted):
            gone = [s for s in shifted if s[3] < s[2]]
            shifted = [s for s in shifted if s not in gone]
        if gone and not new and any(s[3] > s[2] for s in shifted):
            new = [s for s in shifted if s[3] > s[2]]
            shifted = [s for s in shifted if s not in new]
        if gone or new:
            kind: Kind = "renamed"
            if not new or not gone:
                kind = "vanished" if gone else "new"
            elif len(new) > len(gone) or any(s[3] > 0 for s in gone):
                kind = "split"
            elif len(gone) > len(new) or any(s[2] > 0 for s in new):
                kind = "merged"
            found.append(_change(words, kind, month, gone, new))
        # What others lose or win by a word that came or went is no change of its own.
        if not (gone or new):
            found += [_change(words, "shifted", month, [s], [s]) for s in shifted[:1]]
    return tuple(found)


def _change(
    words: Sequence[str], kind: Kind, month: int, gone: Sequence[Any], new: Sequence[Any]
) -> WordChange:
    both = {s[1]: s for s in (*gone, *new)}.values()
    return WordChange(
        kind, month, tuple(words[s[1]] for s in gone), tuple(words[s[1]] for s in new),
        (sum(s[2] for s in both), sum(s[3] for s in both)) if kind == "shifted" else
        (sum(s[2] for s in gone or new), sum(s[3] for s in new or gone)),
        min(s[4] for s in both),
    )  # fmt: skip
