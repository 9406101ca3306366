"""Small helpers to draw with."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from alignment_toolkit.simulation.clock import Bools, Floats, Ints

Texts = npt.NDArray[np.object_]


def stream(seed: int, part: str) -> np.random.Generator:
    """A random stream of its own for each part, so that a change in one part leaves the others as they were."""
    return np.random.default_rng([seed, zlib.crc32(part.encode())])


def pick(
    rng: np.random.Generator, words: Sequence[str], size: int, weights: Sequence[float] | None = None
) -> Texts:
    """Draw words, by weight."""
    drawn: Texts = np.array(words, dtype=object)[pick_index(rng, len(words), size, weights)]
    return drawn


def pick_index(
    rng: np.random.Generator, count: int, size: int, weights: Sequence[float] | Floats | None = None
) -> Ints:
    """Draw positions, by weight."""
    if weights is None:
        return rng.integers(0, count, size)
    edges = np.cumsum(np.asarray(weights, dtype=float))
    drawn = np.searchsorted(edges, rng.random(size) * edges[-1], side="right")
    return np.asarray(np.minimum(drawn, count - 1), dtype=np.int64)


def ids(prefix: str, count: int, digits: int = 0) -> Texts:
    """Numbered ids of one width.

    >>> list(ids("A", 2, 3))
    ['A001', 'A002']
    """
    width = max(digits, len(str(count)))
    return np.array([f"{prefix}{number:0{width}d}" for number in range(1, count + 1)], dtype=object)


def optional(values: Texts, index: Ints) -> Texts:
    """The values at these positions, None where the position is negative or nothing is known."""
    found = np.array([*(None if each != each else each for each in values), None], dtype=object)
    return np.asarray(found[np.where(index < 0, len(values), index)], dtype=object)


def only(when: Bools, values: object) -> Texts:
    """The values where something holds, None elsewhere.

    >>> list(only(np.array([True, False]), "won"))
    ['won', None]
    """
    kept = np.full(len(when), None, dtype=object)
    kept[when] = np.broadcast_to(np.asarray(values, dtype=object), kept.shape)[when]
    return kept


def parts(total: int, shares: Floats, least: int = 0) -> Ints:
    """Whole numbers in proportion to shares that add up to the total (largest remainder), none below `least`.

    >>> [int(n) for n in parts(10, np.array([0.5, 0.26, 0.24]))]
    [5, 3, 2]
    """
    free = total - least * len(shares)
    exact = np.asarray(shares, dtype=float) / float(np.sum(shares)) * free
    whole = np.floor(exact + 1e-9).astype(np.int64)
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[: free - int(whole.sum())]] += 1
    return whole + least
