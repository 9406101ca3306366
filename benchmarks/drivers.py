"""How often the intervals of drivers hold the truth: python benchmarks/drivers.py [RUNS]."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from alignment_toolkit.statistics.decomposition import mix_and_rate, price_volume_mix, shapley
from alignment_toolkit.statistics.part_intervals import part_intervals
from alignment_toolkit.statistics.simpson import one_by_one

Draw = Callable[[np.random.Generator], tuple[Any, Any]]  # rows per cluster, and how many each stands for


def of_revenue(sums: Any) -> list[float]:
    a0, o0, r0, a1, o1, r1 = sums
    return list(shapley([a0, o0 / a0, r0 / o0], [a1, o1 / a1, r1 / o1]).parts.values())


def accounts(expected: int, sd: float) -> Draw:
    """Draw accounts that keep their size, and come again with 70 % against 30 %."""

    def draw(rng: np.random.Generator) -> tuple[Any, Any]:
        n = rng.poisson(expected)
        size, then = rng.lognormal(0, sd, n), rng.random(n) < 0.5
        now = rng.random(n) < np.where(then, 0.7, 0.3)
        orders = [np.where(here, 1 + rng.poisson(mean, n), 0) for here, mean in ((then, 0.8), (now, 1.0))]
        money = [o * size * rng.lognormal(0, 0.3, n) for o in orders]
        x = np.column_stack([then, orders[0], money[0], now, orders[1], money[1]]).astype(float)
        return x[then | now], None

    return draw


def of_products(sums: Any) -> list[float]:
    return list(price_volume_mix(*np.reshape(sums, (4, 5))).parts.values())


def baskets(expected: int) -> Draw:
    """Draw accounts that buy some of five products, with prices of their own; prices and the mix shift."""
    prices, chances = np.array([5.0, 8, 12, 20, 35]), np.array([0.5, 0.4, 0.3, 0.2, 0.1])

    def draw(rng: np.random.Generator) -> tuple[Any, Any]:
        n = rng.poisson(expected)
        size, deal = rng.lognormal(0, 0.6, n)[:, None], rng.normal(1, 0.05, n)[:, None]
        sides = []
        for rise, tilt in ((1.0, 0.0), (1.04, 0.03)):
            quantity = np.ceil(size * rng.lognormal(0, 0.4, (n, 5))) * (rng.random((n, 5)) < chances + tilt)
            sides += [quantity, quantity * prices * rise * deal * rng.normal(1, 0.03, (n, 5))]
        return np.hstack(sides), None

    return draw


def of_leads(sums: Any) -> list[float]:
    return list(mix_and_rate(*np.reshape(sums, (4, -1))).parts.values())


def leads(size: int) -> Draw:
    """Draw leads of four groups, whose shares and rates shift."""
    shares = ([0.4, 0.3, 0.2, 0.1], [0.3, 0.3, 0.2, 0.2])
    rates = ([0.05, 0.1, 0.2, 0.4], [0.08, 0.1, 0.2, 0.35])

    def draw(rng: np.random.Generator) -> tuple[Any, Any]:
        n = [rng.multinomial(size, p) for p in shares]
        s = [rng.binomial(m, r) for m, r in zip(n, rates, strict=True)]
        return one_by_one(*(np.asarray(v, dtype=float) for v in (s[0], n[0], s[1], n[1])))

    return draw


REVENUE = ["active clients", "orders per client", "average order"]
PRODUCTS = ["price realised", "volume", "mix of products"]
LEADS = ["mix of leads", "rate within like leads", "both together"]
CASES: list[tuple[str, list[str], Callable[[Any], list[float]], Draw]] = [
    *(
        (f"revenue, {n} accounts expected, sd of log {sd}", REVENUE, of_revenue, accounts(n, sd))
        for n, sd in ((60, 0.8), (300, 0.8), (300, 1.3), (1000, 1.3))
    ),
    *((f"price-volume-mix, {n} accounts expected", PRODUCTS, of_products, baskets(n)) for n in (60, 300)),
    *((f"quality or handling, {n} leads a period", LEADS, of_leads, leads(n)) for n in (200, 1000)),
]


def sums_of(rows: Any, weights: Any) -> Any:
    return rows.sum(axis=0) if weights is None else np.asarray(weights) @ rows


def lines(runs: int) -> Iterator[str]:
    yield "| split | driver | coverage | no interval |"
    yield "|---|---|---|---|"
    for i, (title, drivers, parts, draw) in enumerate(CASES):
        rng = np.random.default_rng(100 + i)
        truth = parts(np.mean([sums_of(*draw(rng)) for _ in range(4000)], axis=0))
        hits, told = np.zeros(len(drivers)), np.zeros(len(drivers))
        for _ in range(runs):
            rows, weights = draw(rng)
            found = part_intervals(
                parts,
                sums_of(rows, weights),
                rows,
                weights=weights,
                n_unit="accounts",
                unit="money",
                method="",
            )
            for j, e in enumerate(found):
                if e.low is not None and e.high is not None:
                    told[j] += 1
                    hits[j] += e.low <= truth[j] <= e.high
        for name, hit, n in zip(drivers, hits, told, strict=True):
            p = hit / n
            error = 2 * math.sqrt(max(p * (1 - p), 1e-9) / n)
            yield f"| {title} | {name} | {p:.3f} ± {error:.3f} | {100 * (1 - n / runs):.1f} % |"


if __name__ == "__main__":
    for line in lines(int(sys.argv[1]) if len(sys.argv) > 1 else 1000):
        print(line)
