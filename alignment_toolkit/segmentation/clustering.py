"""Groups in numbers: three ways to find them behind one interface, how stable they are, and when there are none."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from alignment_toolkit.languages import say, say_count
from alignment_toolkit.statistics.resampling import generator
from alignment_toolkit.units import unit

__all__ = ["Clusters", "find_clusters", "jaccard"]

Method = Literal["mixture", "kmeans", "hdbscan"]
METHODS: Final = ("mixture", "kmeans", "hdbscan")
Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

STABLE: Final = 0.75
FEWEST: Final = 60
LARGEST_SAMPLE: Final = 4_000
TEST_SAMPLE: Final = 1_000
DRAWS: Final = 20
REFERENCES: Final = 19
# Two normal groups of 500 reach this where their centres lie 3.4 standard deviations apart. What lies nearer is one
# cloud with two ends, and where it is cut is a choice.
BRIDGE: Final = 0.6
# Of accounts without groups, at most one set in twenty may be said to have some, whatever the number of groups.
LEVEL: Final = 0.05
REGULAR: Final = 1e-3
GRID: Final = 2048
# A group of fewer than one in fifty is an exception, not a segment.
SMALLEST: Final = 0.02


@dataclass(frozen=True)
class Clusters:
    """Groups that were found, or why there are none.

    Attributes
    ----------
    labels
        The group of each row; all 0 where there are no clear groups.
    weights, means, precisions, constants
        Of each group: its share, its centre, the half precision matrix and the constant of its log density. A row
        belongs to the group whose density is highest there.
    jaccard
        Of each group, the mean overlap with its like in bootstrap draws.
    rand
        The mean adjusted Rand index between draws and the whole.
    reason
        Why there are no clear groups; None where there are.
    method, tried
        How they were found, and the numbers of groups that were looked at with their criterion.
    """

    labels: Labels
    weights: Floats
    means: Floats
    precisions: Floats
    constants: Floats
    jaccard: tuple[float, ...]
    rand: float | None
    reason: str | None
    method: str
    tried: tuple[tuple[int, float], ...] = ()

    @property
    def k(self) -> int:
        """The number of groups; 0 where there are none."""
        return 0 if self.reason else len(self.weights)

    def scores(self, rows: Floats) -> Floats:
        """Give the log density of each row under each group."""
        out = np.empty((len(rows), len(self.weights)))
        for i, (mean, half, constant) in enumerate(
            zip(self.means, self.precisions, self.constants, strict=True)
        ):
            out[:, i] = constant - (((rows - mean) @ half) ** 2).sum(axis=1)
        return out

    def assign(self, rows: Floats) -> Labels:
        """Give the group of rows."""
        return np.asarray(self.scores(rows).argmax(axis=1), dtype=np.int64)


def jaccard(one: Labels, other: Labels, k: int) -> Floats:
    """Give for each group of `one` the overlap with its best match in `other`.

    Examples
    --------
    >>> jaccard(np.array([0, 0, 1, 1]), np.array([5, 5, 5, 2]), 2).round(3).tolist()
    [0.667, 0.5]
    """
    _, there = np.unique(other, return_inverse=True)
    table = np.zeros((k, int(there.max(initial=0)) + 1))
    np.add.at(table, (one, there), 1)
    union = table.sum(1)[:, None] + table.sum(0)[None, :] - table
    best: Floats = (table / np.maximum(union, 1)).max(axis=1)
    return best


def find_clusters(
    rows: Floats,
    *,
    method: Method = "mixture",
    numbers: Sequence[int] = range(2, 9),
    seed: str = "clusters",
) -> Clusters:
    """Find groups among rows of scaled features.

    Every number of groups is looked into, best first by BIC (mixture) or silhouette (k-means), as long as it describes
    the rows better than one group does. The first one counts in which every group holds a fiftieth of the rows, no two
    run into each other (between them at most six tenths of the density of the sparser one) and every group comes
    back in bootstrap draws (mean Jaccard at least 0.75, Hennig 2007), and whose fit is better than that to samples
    without groups: 19 uniform ones over the same box and 19 normal ones of the same covariance (as Liu et al.
    2008, and Tibshirani et al. 2001). The level of that test, one in twenty, is shared among the numbers of groups;
    otherwise several looks would find groups in noise more often. Where none is left there are no clear groups.

    Parameters
    ----------
    rows
        In a fixed order (by id), so that the result is the same whatever the order of the data.
    method
        ``mixture`` (normal mixture), ``kmeans`` or ``hdbscan`` (which finds the number by itself).
    numbers
        How many groups may be.
    seed
        A text.
    """
    # Loaded before the limit is set: it reaches only the libraries of threads that are there already.
    import sklearn.cluster
    import sklearn.mixture  # noqa: F401
    from threadpoolctl import threadpool_limits

    rows = np.asarray(rows, dtype=float)
    if len(rows) < FEWEST:
        few = say_count(
            len(rows), "{n} account, {fewest} are needed", "{n} accounts, {fewest} are needed", fewest=FEWEST
        )
        return _none(rows, few, method)
    rows_used = rows[:, np.ptp(rows, axis=0) > 1e-12]
    if not rows_used.shape[1]:
        return _none(rows, say("the accounts do not differ in any feature"), method)
    if len(np.unique(rows_used.round(9), axis=0)) < 3:
        return _none(rows, say("the accounts take fewer than 3 different values"), method)
    # One thread: sums of floats in another order could move a row that lies between two groups.
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _found(rows, method, numbers, seed)


def _found(rows: Floats, method: Method, numbers: Sequence[int], seed: str) -> Clusters:
    fit_rows = _part(rows, LARGEST_SAMPLE, seed)
    tried = _criteria(fit_rows, method, numbers, seed)
    best_first = sorted(tried, key=lambda t: (-t[1], t[0]))
    if not best_first:
        return _none(rows, say("no method finds two groups"), method)
    if best_first[0][0] < 2:
        return _none(rows, say("one group describes the accounts best"), method, tuple(tried))
    # What describes the accounts worse than one group does is no candidate.
    candidates = list(itertools.takewhile(lambda k: k >= 2, (k for k, _ in best_first)))
    # Of the numbers that fail, the one that came farthest is told.
    failed: list[str] = [""] * 4
    for k in candidates:
        labels = _canonical(fit_rows, _fit(fit_rows, method, k, seed))
        made = _describe(fit_rows, labels, method)
        k = len(made.weights)
        if k < 2:
            continue
        if made.weights.min() < SMALLEST:
            failed[0] = failed[0] or say(
                "the smallest of {k} groups holds {share} of the accounts",
                k=k,
                share=_share(made.weights.min()),
            )
            continue
        found = made.assign(fit_rows)
        bridge = _bridge(fit_rows, found, k)
        if bridge > BRIDGE:
            failed[1] = failed[1] or say(
                "two of {k} groups run into each other: between them the accounts lie {share} as dense as in the "
                "sparser one",
                k=k,
                share=_share(bridge),
            )
            continue
        overlap, rand = _stability(fit_rows, found, method, k, seed)
        if overlap.min() < STABLE:
            failed[2] = failed[2] or say(
                "of {k} groups the least stable comes back to {share} in other draws",
                k=k,
                share=_share(overlap.min()),
            )
            continue
        if not _beyond_chance(fit_rows, method, k, seed, LEVEL / len(candidates)):
            failed[3] = failed[3] or say("samples without groups are described as well by {k} groups", k=k)
            continue
        return Clusters(
            made.assign(rows), made.weights, made.means, made.precisions, made.constants,
            tuple(float(v) for v in overlap), rand, None, method, tuple(tried),
        )  # fmt: skip
    reason = next((words for words in reversed(failed) if words), say("no number of groups is stable"))
    return _none(rows, reason, method, tuple(tried))


def _share(value: float) -> str:
    return unit("share").text(float(value))


def _part(rows: Floats, most: int, seed: str) -> Floats:
    if len(rows) <= most:
        return rows
    return rows[np.sort(generator(f"{seed} sample").choice(len(rows), most, replace=False))]


def _mixture(rows: Floats, k: int, seed: str, starts: int = 2) -> tuple[Labels, float, float]:
    from sklearn.mixture import GaussianMixture

    state = int(generator(f"{seed} {k}").integers(2**31))
    shape = "full" if len(rows) > 12 * k * rows.shape[1] else "diag"
    model = GaussianMixture(
        k, covariance_type=shape, reg_covar=REGULAR, n_init=starts, max_iter=300, random_state=state
    )
    model.fit(rows)
    return model.predict(rows).astype(np.int64), float(model.bic(rows)), float(model.score(rows))


def _fit(rows: Floats, method: Method, k: int, seed: str) -> Labels:
    if method == "mixture":
        return _mixture(rows, k, seed, 5)[0]
    if method == "kmeans":
        from sklearn.cluster import KMeans

        state = int(generator(f"{seed} {k}").integers(2**31))
        labels: Labels = KMeans(k, n_init=10, random_state=state).fit(rows).labels_.astype(np.int64)
        return labels
    return _dense(rows)


def _dense(rows: Floats) -> Labels:
    """Give the dense groups; what lies in none gets the nearest group's centre."""
    from sklearn.cluster import HDBSCAN

    least = max(10, len(rows) // 50)
    labels: Labels = HDBSCAN(min_cluster_size=least, copy=True).fit(rows).labels_.astype(np.int64)
    known = [c for c in np.unique(labels) if c >= 0]
    if len(known) < 2:
        return np.zeros(len(rows), dtype=np.int64)
    made = _describe(rows[labels >= 0], np.searchsorted(known, labels[labels >= 0]), "hdbscan")
    return np.where(labels >= 0, labels, made.assign(rows))


def _criteria(rows: Floats, method: Method, numbers: Sequence[int], seed: str) -> list[tuple[int, float]]:
    """Give each number of groups with its criterion."""
    if method == "hdbscan":
        k = len(np.unique(_dense(rows)))
        return [(k, 1.0)] if 2 <= k <= max(numbers) else []
    few = _part(rows, TEST_SAMPLE, seed)
    most = len(np.unique(few.round(9), axis=0)) - 1
    numbers = [k for k in numbers if 2 <= k <= most]
    if method == "mixture":
        return [(k, -_mixture(few, k, seed)[1]) for k in (1, *numbers)]
    from sklearn.metrics import silhouette_score

    return [(k, float(silhouette_score(few, _fit(few, method, k, seed)))) for k in numbers]


def _canonical(rows: Floats, labels: Labels) -> Labels:
    """Number the groups by their centres, whatever numbers a method gave them."""
    names = np.unique(labels)
    centres = [tuple(rows[labels == c].mean(axis=0).round(6)) for c in names]
    order = sorted(range(len(names)), key=lambda i: centres[i])
    place = np.empty(len(names), dtype=np.int64)
    place[order] = np.arange(len(names))
    return place[np.searchsorted(names, labels)]


def _describe(rows: Floats, labels: Labels, method: str) -> Clusters:
    """Describe groups by their share, centre and spread; k-means by round groups of one size."""
    k, d = int(labels.max()) + 1, rows.shape[1]
    weights, means = np.empty(k), np.empty((k, d))
    halves, constants = np.empty((k, d, d)), np.empty(k)
    for i in range(k):
        own = rows[labels == i]
        weights[i], means[i] = len(own) / len(rows), own.mean(axis=0)
        if method == "kmeans":
            halves[i], constants[i] = np.eye(d), 0.0
            continue
        spread = np.cov(own, rowvar=False, bias=True).reshape(d, d) if len(own) > 1 else np.zeros((d, d))
        spread = spread + REGULAR * np.eye(d)
        lower = np.linalg.cholesky(spread)
        halves[i] = np.linalg.inv(lower).T / np.sqrt(2)
        constants[i] = np.log(weights[i]) - np.log(np.diag(lower)).sum()
    return Clusters(labels, weights, means, halves, constants, (), None, None, method)


def _bridge(rows: Floats, labels: Labels, k: int) -> float:
    """Give how dense the rows lie between two groups, against the sparser one of the two: the largest of all pairs.

    Measured on the line that parts the two best. A bent or skewed cloud is described well and stably by several normal
    groups, but there is no gap between them (Hennig 2010, Advances in Data Analysis and Classification 4).
    """
    worst = 0.0
    spreads = [
        np.cov(rows[labels == i], rowvar=False, bias=True).reshape(2 * (rows.shape[1],)) for i in range(k)
    ]
    means = [rows[labels == i].mean(axis=0) for i in range(k)]
    for i in range(k):
        for j in range(i):
            both = spreads[i] + spreads[j] + REGULAR * np.eye(rows.shape[1])
            line = np.linalg.solve(both, means[j] - means[i])
            on_it = rows[(labels == i) | (labels == j)] @ line
            worst = max(worst, _valley(on_it, float(means[i] @ line), float(means[j] @ line)))
    return worst


def _valley(values: Floats, left: float, right: float) -> float:
    """Give the lowest density between two places against the lower of the peaks on either side of it."""
    low, high = np.quantile(values, [0.25, 0.75])
    spread = min(float(values.std()), float(high - low) / 1.349) or float(values.std())
    width = 0.9 * spread * len(values) ** -0.2
    edges = np.linspace(values.min() - 3 * width, values.max() + 3 * width, GRID + 1)
    counts = np.histogram(values, edges)[0].astype(float)
    middle = (edges[1:] + edges[:-1]) / 2
    step = middle[1] - middle[0]
    reach = max(1, int(np.ceil(4 * width / step)))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * step / width) ** 2)
    density = np.convolve(counts, kernel)[reach : reach + GRID]
    between = np.flatnonzero((middle >= left) & (middle <= right))
    if not len(between):
        return 1.0
    lowest = int(between[density[between].argmin()])
    return float(density[lowest] / max(min(density[: lowest + 1].max(), density[lowest:].max()), 1e-300))


def _stability(rows: Floats, labels: Labels, method: Method, k: int, seed: str) -> tuple[Floats, float]:
    """Give the mean overlap of each group with its like in draws; it stops where one can no longer be stable."""
    from sklearn.metrics import adjusted_rand_score

    random = generator(f"{seed} stability {k}")
    size = min(len(rows), TEST_SAMPLE)
    overlaps: list[Floats] = []
    rands = []
    for i in range(DRAWS):
        drawn = np.sort(random.integers(len(rows), size=size))
        unique = np.unique(drawn)
        again = _fit_again(rows[drawn], method, k, f"{seed} {i}")
        other = again.assign(rows[unique])
        overlaps.append(jaccard(labels[unique], other, k))
        rands.append(float(adjusted_rand_score(labels[unique], other)))
        lost: Floats = (1 - np.array(overlaps)).sum(axis=0)
        if lost.max() > DRAWS * (1 - STABLE):
            break
    mean: Floats = np.mean(overlaps, axis=0)
    return mean, float(np.mean(rands))


def _fit_again(rows: Floats, method: Method, k: int, seed: str) -> Clusters:
    labels = _mixture(rows, k, seed, 1)[0] if method == "mixture" else _fit(rows, method, k, seed)
    _, labels = np.unique(labels, return_inverse=True)
    return _describe(rows, labels.astype(np.int64), method)


def _beyond_chance(rows: Floats, method: Method, k: int, seed: str, level: float = LEVEL) -> bool:
    """Say whether k groups describe the rows better than samples without groups do.

    They must beat every reference sample, and the limit below which one more such sample would lie with probability
    1 - level (Student's prediction limit): 19 samples alone are beaten by chance once in 20, for every number of groups
    that is looked into.
    """
    from scipy.stats import t

    few = _part(rows, TEST_SAMPLE, seed)
    random = generator(f"{seed} chance {k}")
    centre = few.mean(axis=0)
    _, _, axes = np.linalg.svd(few - centre, full_matrices=False)
    turned = (few - centre) @ axes.T
    low, high = np.quantile(turned, [0.005, 0.995], axis=0)
    seen = _gain(few, method, k, seed)
    gains = np.empty((REFERENCES, 2))
    for i in range(REFERENCES):
        flat = random.uniform(low, high, turned.shape) @ axes
        normal = (random.standard_normal(turned.shape) * turned.std(axis=0)) @ axes
        for j, sample in enumerate((flat, normal)):
            gains[i, j] = _gain(sample + centre, method, k, f"{seed} {i}")
            if gains[i, j] >= seen:
                return False
    reach = float(t.ppf(1 - level, REFERENCES - 1)) * float(np.sqrt(1 + 1 / REFERENCES))
    return bool((gains.mean(axis=0) + reach * gains.std(axis=0, ddof=1) < seen).all())


def _gain(rows: Floats, method: Method, k: int, seed: str) -> float:
    """Give what k groups explain beyond one: log likelihood per row, or the logarithm of the spread within."""
    if method == "mixture":
        return _mixture(rows, k, seed, 1)[2] - _one_normal(rows)
    from sklearn.cluster import KMeans

    state = int(generator(f"{seed} {k}").integers(2**31))
    within = KMeans(k, n_init=3, random_state=state).fit(rows).inertia_
    return float(np.log(((rows - rows.mean(axis=0)) ** 2).sum()) - np.log(max(within, 1e-12)))


def _one_normal(rows: Floats) -> float:
    """Give the log likelihood per row of one group, for which the mixture needs no search."""
    n, d = rows.shape
    spread = np.cov(rows, rowvar=False, bias=True).reshape(d, d)
    own = spread + REGULAR * np.eye(d)
    if n <= 12 * d:
        spread, own = np.diag(np.diag(spread)), np.diag(np.diag(own))
    _, size = np.linalg.slogdet(own)
    return float(-0.5 * (d * np.log(2 * np.pi) + size + np.trace(np.linalg.solve(own, spread))))


def _none(rows: Floats, reason: str, method: str, tried: tuple[tuple[int, float], ...] = ()) -> Clusters:
    d = rows.shape[1] if rows.ndim > 1 else 0
    centre = rows.mean(axis=0) if len(rows) else np.zeros(d)
    return Clusters(
        np.zeros(len(rows), dtype=np.int64), np.ones(1), centre[None, :], np.eye(d)[None], np.zeros(1), (), None,
        reason, method, tried,
    )  # fmt: skip
