"""Coverage of the intervals, by simulation with known truth: ``python benchmarks/coverage.py [runs] [name ...]``.

Prints the tables of docs/statistics.md (the parts below and those of coverage_between.py and coverage_placebos.py),
docs/coverage.md, docs/drivers.md and docs/scorecard.md (the parts of coverage_kpis.py and coverage_families.py); 100
runs are a quick form of any. Every part draws from a process whose truth is known, asks the statistic for its 95 %
interval, and counts how often the truth lies below it or above it. tests/statistics/test_coverage.py runs a quick
form, with a naive method beside it that must fail.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics import agreement, cure, distances, shares, stratified, survival

Random = np.random.Generator
CATEGORIES = 12


@dataclass(frozen=True)
class Row:
    """One line: misses are shares of the runs in which the truth lay below or above the interval."""

    what: str
    case: str
    runs: int
    below: float
    above: float
    note: str = ""

    @property
    def coverage(self) -> float:
        return 1 - self.below - self.above

    @property
    def error(self) -> float:
        """Two Monte Carlo standard errors."""
        return 2 * math.sqrt(max(self.coverage * (1 - self.coverage), 1 / self.runs) / self.runs)


def count(what: str, case: str, truth: float, runs: int, once: Callable[[Random], Any]) -> Row:
    below = above = made = 0
    for run in range(runs):
        found = once(np.random.default_rng([run, 20260101]))
        e: Estimate = getattr(found, "estimate", found)
        if e.low is None or e.high is None:
            continue
        made += 1
        below += truth < e.low - 1e-12
        above += truth > e.high + 1e-12
    none = f"no interval in {1 - made / runs:.1%}" if made < runs else ""
    return Row(what, case, max(made, 1), below / max(made, 1), above / max(made, 1), none)


def wilson(runs: int) -> Iterator[Row]:
    for n in (20, 100, 1000):
        for p in (0.02, 0.1, 0.5):
            yield count(
                "wilson",
                f"n {n}, share {p}",
                p,
                runs,
                lambda r, n=n, p=p: shares.wilson(float(r.binomial(n, p)), n, n_unit="rows"),
            )


def cluster_sizes(r: Random, clusters: int) -> Any:
    return 1 + r.poisson(r.lognormal(0.5, 1.0, clusters))


def clustered(r: Random, clusters: int, p: float, together: float) -> tuple[Any, Any]:
    """Rows of a cluster share a beta-distributed probability; `together` is their correlation."""
    m = cluster_sizes(r, clusters)
    scale = (1 - together) / together
    return r.binomial(m, r.beta(p * scale, (1 - p) * scale, clusters)).astype(float), m.astype(float)


def clustered_share(runs: int) -> Iterator[Row]:
    for clusters in (30, 100, 1000):
        for p in (0.05, 0.3):
            for together in (0.05, 0.4):
                yield count(
                    "clustered_share",
                    f"{clusters} clusters, share {p}, correlation {together}",
                    p,
                    runs,
                    lambda r, c=clusters, p=p, t=together: shares.clustered_share(*clustered(r, c, p, t)),
                )


def few_clusters(runs: int) -> Iterator[Row]:
    """Few clusters of many rows, such as campaigns; how often all rows agree, and the interval lies below the truth."""
    for p, clusters, size in ((0.2, 5, 80), (0.2, 12, 33), (0.1, 12, 33), (0.1, 30, 10)):
        for together in (0.1, 0.3, 0.5, 0.8):
            a, b = p * (1 / together - 1), (1 - p) * (1 / together - 1)
            alike = [0, 0]  # in all, and too low

            def once(r: Random, a: float = a, b: float = b, k: int = clusters, m: int = size, p: float = p,
                     alike: list[int] = alike) -> Any:  # fmt: skip
                y = r.binomial(m, r.beta(a, b, k))
                found = shares.clustered_share(y, [m] * k)
                if not y.any():
                    alike[0] += 1
                    alike[1] += (found.estimate.high or 0) < p
                return found

            case = f"{clusters} clusters of {size}, share {p}, correlation {together}"
            row = count("few_clusters", case, p, runs, once)
            yield replace(row, note=f"none counts {alike[0] / runs:.3f}, then too low {alike[1] / runs:.3f}")


def ratio(y: Any, m: Any) -> Estimate:
    return shares.clustered_ratio(
        y.sum(), m.sum(), (y * y).sum(), (y * m).sum(), (m * m).sum(), len(m), unit="money", n_unit="rows"
    )


def order_values(r: Random, clusters: int, spread: float) -> tuple[Any, Any]:
    """Orders per account skewed, their values log-normal around an account's own level."""
    m = cluster_sizes(r, clusters)
    level = r.lognormal(-0.125, 0.5, clusters)
    y = np.array([r.lognormal(-(spread**2) / 2, spread, k).sum() for k in m]) * level
    return y, m.astype(float)


def clustered_ratio(runs: int) -> Iterator[Row]:
    for clusters in (30, 100, 1000):
        yield count(
            "clustered_ratio",
            f"{clusters} accounts, value per order",
            1.0,
            runs,
            lambda r, c=clusters: ratio(*order_values(r, c, 0.7)),
        )
        yield count(
            "clustered_ratio",
            f"{clusters} accounts, revenue per account (log-normal, sd of log 1)",
            1.0,
            runs,
            lambda r, c=clusters: ratio(r.lognormal(-0.5, 1.0, c), np.ones(c)),
        )


def poisson_count(runs: int) -> Iterator[Row]:
    for mean in (1, 5, 50, 1000):
        yield count(
            "poisson_count",
            f"expected {mean}",
            mean,
            runs,
            lambda r, mean=mean: shares.poisson_count(int(r.poisson(mean))),
        )


def compound_total(runs: int) -> Iterator[Row]:
    def once(r: Random, mean: int, spread: float) -> Estimate:
        x = r.lognormal(-(spread**2) / 2, spread, r.poisson(mean))
        return shares.compound_total(float(x.sum()), float((x * x).sum()), len(x))

    for mean in (30, 100, 1000):
        for spread in (0.7, 1.2):
            yield count(
                "compound_total",
                f"{mean} accounts expected, sd of log {spread}",
                mean,
                runs,
                lambda r, m=mean, s=spread: once(r, m, s),
            )


def waiting(r: Random, n: int, p: float, censored: float) -> tuple[Any, Any]:
    """A share `p` has the event by time 1; observation ends at random, before 1 for a share `censored`."""
    if p in (0.0, 1.0):
        event = np.full(n, 2.0) if p == 0 else r.uniform(0, 0.9, n)
    else:
        event = r.exponential(-1 / math.log(1 - p), n)
    end = np.where(r.random(n) < censored, r.uniform(0, 1, n), 1.5)
    return np.minimum(event, end), event <= end


def share_by(runs: int) -> Iterator[Row]:
    for n in (50, 300):
        for p in (0.0, 0.02, 0.1, 0.5, 0.9, 0.98, 1.0):
            yield count(
                "share_by",
                f"n {n}, share {p}, 30 % censored",
                p,
                runs,
                lambda r, n=n, p=p: survival.share_by(*waiting(r, n, p, 0.3), at=1.0),
            )


def together(r: Random, clusters: int) -> tuple[Any, Any, Any]:
    """Waits of clusters with a pace of their own, median 1; a fifth is censored early."""
    cluster = np.repeat(np.arange(clusters), cluster_sizes(r, clusters))
    wait = np.exp(r.normal(0, 0.7, clusters)[cluster] + r.normal(0, 0.7, cluster.size))
    end = np.where(r.random(cluster.size) < 0.2, r.uniform(0, 2, cluster.size), 9.0)
    return np.minimum(wait, end), wait <= end, cluster


def median_wait(runs: int) -> Iterator[Row]:
    for clusters in (30, 100, 300):

        def once(r: Random, clusters: int = clusters) -> Estimate:
            waits, came, cluster = together(r, clusters)
            return survival.median(waits, came, clusters=cluster)

        yield count("median", f"{clusters} clusters of waits, correlation 0.5", 1.0, runs, once)


def becoming(r: Random, n: int, share: float, scale: float, shape: float, oldest: float) -> tuple[Any, Any]:
    """A share converts after a Weibull time, the rest never; ages are even up to the oldest."""
    days = np.where(r.random(n) < share, np.floor(scale * r.weibull(shape, n)), np.inf)
    age = np.floor(r.uniform(0, oldest, n))
    return np.minimum(days, age), days <= age


def long_run_share(runs: int) -> Iterator[Row]:
    for n, share, scale, shape, oldest in (
        (300, 0.2, 20, 1.2, 365), (300, 0.2, 20, 0.8, 365), (1000, 0.1, 30, 1.0, 365), (300, 0.2, 30, 1.0, 45),
    ):  # fmt: skip
        yield count(
            "long_run_share",
            f"n {n}, share {share}, Weibull scale {scale} days, shape {shape}, seen for up to {oldest} days",
            share,
            runs,
            lambda r, a=(n, share, scale, shape, oldest): cure.long_run_share(*becoming(r, *a)).estimate,
        )


def ratings(r: Random, n: int, share: float, gap: float) -> Any:
    """Two raters with the same share of targets and 1 - kappa = gap."""
    both = share**2 + (1 - gap) * share * (1 - share)
    cells = np.array([both, share - both, share - both, 1 - 2 * share + both])
    return r.multinomial(n, np.maximum(cells, 0) / np.maximum(cells, 0).sum()).reshape(2, 2)


def disagreement(runs: int) -> Iterator[Row]:
    for n in (100, 300, 1000):
        for share in (0.1, 0.2, 0.5):
            for gap in (0.1, 0.5, 1.0):
                yield count(
                    "disagreement",
                    f"n {n}, targets {share}, gap {gap}",
                    gap,
                    runs,
                    lambda r, n=n, s=share, g=gap: agreement.disagreement(ratings(r, n, s, g)),
                )


def within(r: Random, rows: int, strata: int, share: float, exposed: float, gap: float) -> Any:
    """A difference within strata, whose outcome is 0.8 times as often again in every other one."""
    stratum, side = r.integers(0, strata, rows), r.random(rows) < exposed
    hit = r.random(rows) < share * (1 + 0.8 * (stratum % 2)) + gap * side
    return stratified.risk_difference(side, hit, stratum, n_unit="leads")


def risk_difference(runs: int) -> Iterator[Row]:
    for rows, strata, share, exposed, gap in (
        (200, 5, 0.06, 0.5, 0.0),
        (200, 5, 0.1, 0.5, 0.1),
        (600, 5, 0.05, 0.2, 0.0),
        (600, 70, 0.1, 0.5, 0.0),
        (180, 60, 0.1, 0.5, 0.0),
        (180, 60, 0.1, 0.5, 0.15),
        (60, 10, 0.3, 0.5, 0.2),
        (400, 200, 0.2, 0.5, 0.1),
    ):
        case = f"{rows} rows in {strata} strata, share {share}, {exposed:.0%} pointed at, difference {gap}"
        yield count(
            "risk_difference", case, gap, runs,
            lambda r, a=(rows, strata, share, exposed, gap): within(r, *a),
        )  # fmt: skip


def moved(r: Random, q: Any, gap: float, spread: str) -> Any:
    """Shares at total variation `gap` from q: one category down and one up, or half of them down and half up."""
    p, few = q.copy(), 1 if spread == "two products" else CATEGORIES // 2
    if gap == 0:
        return p
    while True:
        for _ in range(50):
            order = r.permutation(CATEGORIES)
            down, up = order[:few], order[few : 2 * few]
            if q[down].sum() >= gap:
                p[down] -= gap * q[down] / q[down].sum()
                p[up] += gap / len(up)
                return p
        few = min(few + 1, CATEGORIES // 2)


def campaigns(r: Random, p: Any, number: int, spread: float) -> Any:
    """Every campaign sells one product; its money is a log-normal lump."""
    money = np.zeros((number, CATEGORIES))
    money[np.arange(number), r.choice(CATEGORIES, number, p=p)] = r.lognormal(0, spread, number)
    return money


def touches(r: Random, p: Any, number: int, accounts: int) -> Any:
    """Accounts touched unevenly; half of an account's touches are about its own product; minutes log-normal."""
    weight = r.lognormal(0, 1, accounts)
    account = r.choice(accounts, number, p=weight / weight.sum())
    own = r.choice(CATEGORIES, accounts, p=p)
    product = np.where(r.random(number) < 0.5, own[account], r.choice(CATEGORIES, number, p=p))
    minutes = np.zeros((accounts, CATEGORIES))
    np.add.at(minutes, (account, product), r.lognormal(3, 0.7, number))
    return minutes


SIZES = ((10, 100, 50), (20, 300, 100), (30, 500, 200), (40, 2000, 500), (100, 2000, 500))


def total_variation(
    runs: int,
    *,
    sizes: Any = SIZES,
    lumps: Any = (0.5, 1.0),
    gaps: Any = (0.0, 0.15, 0.30),
    plans: Any = (True, False),
) -> Iterator[Row]:
    """The tests at the truth and at the margin, each at one candidate: what the interval would exclude."""
    labels = [f"p{i:02d}" for i in range(CATEGORIES)]
    for planned in plans:
        for lump in lumps:
            for size in sizes:
                for gap in gaps:
                    for spread in ("two products", "all products")[: 1 if gap == 0 else 2]:
                        seen = np.zeros((runs, 4))
                        for run in range(runs):
                            r = np.random.default_rng([run, 20260102])
                            q, q2 = r.dirichlet(np.full(CATEGORIES, 3.0), 2)
                            first = moved(r, q, gap, spread) if planned else q
                            second = moved(r, q2 if planned else q, gap, spread)
                            sides = [
                                distances.Side(
                                    labels, campaigns(r, first, size[0], lump), q if planned else None
                                ),
                                distances.Side(
                                    labels, touches(r, second, *size[1:]), q2 if planned else None
                                ),
                            ]
                            pushes = distances._pushes(sides, planned)
                            kind = distances._AgainstPlans if planned else distances._Between
                            cases = kind(pushes, "few"), kind(pushes, "all")
                            at = {m: distances._p_values(*cases, m, str(run), 400) for m in {gap, 0.15}}
                            seen[run] = (*at[gap], *at[0.15])
                        below, above, alarm, aligned = (seen < 0.025).mean(axis=0)
                        yield Row(
                            "total_variation" if planned else "total_variation, no plans",
                            f"gap {gap:.2f}, {spread if gap else 'none'}, {size[0]} campaigns (sd of log {lump}), "
                            f"{size[1]} touches in {size[2]} accounts",
                            runs, below, above if gap else 0.0,
                            f"misaligned {alarm:.3f}, aligned {aligned:.3f} (margin 0.15)",
                        )  # fmt: skip


PARTS: dict[str, Callable[[int], Iterator[Row]]] = {
    f.__name__: f
    for f in (wilson, clustered_share, few_clusters, clustered_ratio, poisson_count, compound_total, share_by,
              median_wait, long_run_share, disagreement, risk_difference,
              total_variation)
}  # fmt: skip


def line(row: Row) -> str:
    if row.runs <= 1:  # no run gave an interval
        return f"| {row.what} | {row.case} | no interval | | | {row.note} |"
    return (
        f"| {row.what} | {row.case} | {row.coverage:.3f} ± {row.error:.3f} | {row.below:.3f} | {row.above:.3f} "
        f"| {row.note} |"
    )


def main() -> None:
    import coverage_between
    import coverage_families
    import coverage_kpis
    import coverage_placebos

    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    parts = {**PARTS, **coverage_between.PARTS, **coverage_placebos.PARTS, **coverage_kpis.PARTS}
    names = sys.argv[2:] or [*parts, "families"]
    if "families" in names:
        names.remove("families")
        print(coverage_families.table(coverage_families.families(runs)), flush=True)
    if not names:
        return
    print("| what | process | coverage | truth below | truth above | |\n|---|---|---|---|---|---|")
    for name in names:
        start = time.perf_counter()
        for row in parts[name](runs if name != "total_variation" else max(runs // 5, 50)):
            print(line(row), flush=True)
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
