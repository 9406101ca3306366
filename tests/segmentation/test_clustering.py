"""Groups: planted ones are found, noise has none, neither rows' order nor threads matter, degenerate input is told."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from alignment_toolkit.segmentation import clustering, find_clusters
from alignment_toolkit.segmentation.clustering import _beyond_chance, _bridge, jaccard


def planted(k: int, seed: int, n: int = 700, d: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Draw k groups of different size and shape, their centres at least 4.5 apart."""
    random = np.random.default_rng(seed)
    sizes = np.maximum((random.dirichlet(np.full(k, 3.0)) * n).astype(int), 60)
    centres: list[np.ndarray] = []
    while len(centres) < k:
        p = random.uniform(-5, 5, d)
        if all(np.linalg.norm(p - q) > 4.5 for q in centres):
            centres.append(p)
    rows = []
    for centre, size in zip(centres, sizes, strict=True):
        shape = random.normal(size=(d, d)) * 0.35 + np.eye(d) * random.uniform(0.4, 0.8)
        rows.append(centre + random.normal(size=(size, d)) @ shape)
    return np.vstack(rows), np.repeat(np.arange(k), sizes)


def noise(kind: str, seed: int, n: int = 300) -> np.ndarray:
    random = np.random.default_rng(seed)
    if kind == "uniform":
        return random.uniform(size=(n, 2))
    return random.normal(size=(n, 2)) @ random.normal(size=(2, 2))


def test_four_planted_groups_are_found() -> None:
    rows, truth = planted(4, 1, n=400)
    found = find_clusters(rows, numbers=[3, 4, 5])
    assert found.reason is None
    assert found.k == 4
    assert adjusted_rand_score(truth, found.labels) > 0.9
    assert min(found.jaccard) >= 0.75


@pytest.mark.slow
@pytest.mark.parametrize("k", [3, 4, 5, 6])
def test_planted_groups_are_found(k: int) -> None:
    for seed in range(10):
        rows, truth = planted(k, seed)
        assert adjusted_rand_score(truth, find_clusters(rows, seed=str(seed)).labels) > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("method", ["kmeans", "hdbscan"])
def test_the_other_methods_find_them_too(method: str) -> None:
    rows, truth = planted(4, 1)
    assert adjusted_rand_score(truth, find_clusters(rows, method=method).labels) > 0.9  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_noise_has_no_clear_groups(kind: str) -> None:
    found = find_clusters(noise(kind, 1), numbers=[2, 3, 4])
    assert found.k == 0
    assert found.reason
    assert set(found.labels) == {0}


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_noise_has_no_clear_groups_in_95_of_100(kind: str) -> None:
    """Seeds: ALIGNMENT_NOISE_SEEDS, 200 by default."""
    seeds = int(os.environ.get("ALIGNMENT_NOISE_SEEDS", "200"))
    none = sum(find_clusters(noise(kind, seed), seed=str(seed)).k == 0 for seed in range(seeds))
    assert none >= 0.95 * seeds


def test_one_bent_cloud_has_no_clear_groups() -> None:
    """A skewed cloud: two normal groups describe it better than one and come back in draws, but there is no gap."""
    rows = np.random.default_rng(1).gamma(1.5, size=(400, 2))
    found = find_clusters(rows, numbers=[2, 3])
    assert found.k == 0
    assert found.reason is not None
    assert "run into each other" in found.reason


@pytest.mark.parametrize(("apart", "lowest"), [(0.0, 1.0), (3.4, 0.6), (5.0, 0.18)])
def test_the_density_between_two_groups(apart: float, lowest: float) -> None:
    random = np.random.default_rng(2)
    rows = random.normal(size=(1000, 2)) + np.repeat([[0.0, 0.0], [apart, 0.0]], 500, axis=0)
    labels = np.repeat([0, 1], 500) if apart else (rows[:, 0] > 0).astype(int)
    assert _bridge(rows, labels, 2) == pytest.approx(lowest, abs=0.1)


def test_the_test_against_chance_can_fail_and_pass() -> None:
    rows, _ = planted(3, 2)
    assert _beyond_chance(rows, "kmeans", 3, "x")
    assert not _beyond_chance(noise("uniform", 3), "kmeans", 3, "x")


def test_the_test_against_chance_keeps_its_level(monkeypatch: pytest.MonkeyPatch) -> None:
    """What beats all reference samples by a hair is not beyond chance; what beats them by far is."""
    gains = iter([])

    def gain(rows: np.ndarray, method: str, k: int, seed: str) -> float:
        return next(gains)

    monkeypatch.setattr(clustering, "_gain", gain)
    references = list(np.random.default_rng(1).normal(size=2 * clustering.REFERENCES))
    for seen, beyond in ((max(references) + 0.01, False), (6.0, True)):
        gains = iter([seen, *references])
        assert _beyond_chance(noise("normal", 1), "mixture", 2, "x", 0.05 / 7) is beyond


ANSWER = """
import hashlib
from tests.segmentation.test_clustering import planted
from alignment_toolkit.segmentation import clustering, find_clusters
from threadpoolctl import threadpool_info
inside, search = [], clustering._found
def watched(*given):
    inside.extend(library["num_threads"] for library in threadpool_info() if library["user_api"] == "openmp")
    return search(*given)
clustering._found = watched
found = find_clusters(planted(3, 5, n=300)[0], numbers=[3])
print(found.k, max(inside), hashlib.sha256(found.labels.tobytes() + found.means.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_threads_do_not_matter() -> None:
    """In processes of their own: the search holds itself to one thread, whatever the machine would give it."""
    said = []
    for threads in ("1", "2"):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        words = {**os.environ, **dict.fromkeys(names, threads), "PYTHONPATH": os.pathsep.join(sys.path)}
        made = subprocess.run(
            [sys.executable, "-c", ANSWER], env=words, capture_output=True, text=True, check=True
        )
        said.append(made.stdout.split())
    assert said[0][:2] == ["3", "1"]
    assert said[0] == said[1]


DEGENERATE = {
    "nobody": np.zeros((0, 2)),
    "one": np.zeros((1, 2)),
    "all alike": np.ones((200, 2)),
    "two values": np.repeat([[0.0, 1.0], [1.0, 0.0]], 100, axis=0),
    "no feature": np.zeros((200, 0)),
}


@pytest.mark.parametrize("rows", DEGENERATE.values(), ids=DEGENERATE)
def test_degenerate_rows_have_a_reason(rows: np.ndarray) -> None:
    found = find_clusters(rows)
    assert found.k == 0
    assert found.reason
    assert len(found.labels) == len(rows)


def test_one_constant_feature_is_no_obstacle() -> None:
    rows, truth = planted(3, 2, n=300)
    found = find_clusters(np.column_stack([rows, np.full(len(rows), 7.0)]), numbers=[3])
    assert adjusted_rand_score(truth, found.labels) > 0.9


def test_overlap_by_hand() -> None:
    assert jaccard(np.array([0, 0, 1]), np.array([1, 0, 0]), 2).tolist() == [0.5, 0.5]
