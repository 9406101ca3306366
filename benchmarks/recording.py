"""How often an honest company's quiet days are taken for days that nobody recorded, and how often lost days are found.

``python benchmarks/recording.py [companies]``: false alarms in a year, by rows a working day, in companies with a
summer lull, quiet days around New Year, holidays that no calendar names, leave, growth and rows that come in clusters;
then how often a lost week, three weeks and a month are found in the same companies.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alignment_toolkit.statistics.recording import lapses

YEAR, DAYS = 365, 730
RATES = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 40.0)
SCENES: dict[str, dict[str, float]] = {
    "Poisson": {"weeks": 0.0, "summer": 1.0, "new_year": 1.0, "holidays": 0},
    "season": {},
    "deep lulls": {"summer": 0.3, "new_year": 0.05},
    "clusters of 3": {"cluster": 3.0},
    "weeks differ twice as much": {"weeks": 0.6},
    "leave": {"leave": 6},
    "growth": {"growth": 1.0},
}
CUTS = {"week": 7, "three weeks": 21, "month": 30}
TURN = 14  # days before and after New Year


def company(
    rng: np.random.Generator,
    rate: float,
    *,
    weeks: float = 0.3,
    cluster: float = 1.0,
    summer: float = 0.5,
    new_year: float = 0.15,
    holidays: float = 8,
    growth: float = 0.0,
    leave: float = 0,
) -> NDArray[np.int64]:
    """Draw the rows of each day of two years, the first a Monday and 6 January."""
    day = np.arange(DAYS)
    of_year = (day + 5) % YEAR
    mean = rate * np.select([day % 7 < 4, day % 7 == 4], [1.0, 0.7], 0.0)
    mean *= np.where((of_year >= 200) & (of_year < 235), summer, 1.0)
    mean *= np.where((of_year >= 357) | (of_year < 5), new_year, 1.0)
    mean *= np.exp(growth * (day / YEAR - 1))
    spread = np.sqrt(np.log1p(weeks**2))
    swings, z = [], rng.normal()
    for _ in range(DAYS // 7 + 1):
        z = 0.5 * z + np.sqrt(0.75) * rng.normal()
        swings.append(np.exp(spread * z - spread**2 / 2))
    mean *= np.array(swings)[day // 7]
    for start in rng.integers(0, DAYS - 14, int(leave)):
        mean[start : start + 14] *= 0.25
    mean[rng.choice(np.flatnonzero(day % 7 < 5), 2 * int(holidays), replace=False)] = 0.0
    drawn = rng.poisson(mean / cluster)
    if cluster > 1:
        drawn = np.array([int(rng.geometric(1 / cluster, n).sum()) if n else 0 for n in drawn])
    return drawn


def found(by_day: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Give the lapses by first and last day."""
    day = np.arange(len(by_day))
    return [(r.first, r.last) for r in lapses(by_day, day % 7 < 5, day % 7)]


def at_the_turn(first: int, last: int) -> bool:
    """Say whether a run reaches into the days around New Year."""
    of_year = (np.arange(first, last + 1) + 5) % YEAR
    return bool(((of_year < TURN) | (of_year >= YEAR - TURN)).any())


def one(scene: str, rate: float, seed: int) -> dict[str, Any]:
    """Look at one company, as it is and with days cut out."""
    rng = np.random.default_rng([seed, list(SCENES).index(scene), int(100 * rate)])
    rows = company(rng, rate, **SCENES[scene])
    runs = found(rows)
    told: dict[str, Any] = {
        "false": any(not at_the_turn(*r) for r in runs),
        "turn": any(at_the_turn(*r) for r in runs),
    }
    for name, days in CUTS.items():
        start = int(rng.integers(150, DAYS - 150))
        cut = rows.copy()
        cut[start : start + days] = 0
        told[name] = any(a <= start and b >= start + days - 1 for a, b in found(cut))
    return told


def main(companies: int = 200) -> None:
    """Print a table of shares: false alarms of a year (two are drawn), then of cuts found."""
    print(f"{companies} companies of two years each; per year, in per cent")
    print(f"{'':27s}{'rows':>6s}{'false':>8s}{'N. Year':>8s}" + "".join(f"{c:>13s}" for c in CUTS))
    for scene in SCENES:
        for rate in RATES:
            rows = [one(scene, rate, seed) for seed in range(companies)]
            share = {k: 100 * float(np.mean([r[k] for r in rows])) for k in rows[0]}
            print(
                f"{scene:27s}{rate:6g}{share['false'] / 2:8.2f}{share['turn'] / 2:8.2f}"
                + "".join(f"{share[c]:13.0f}" for c in CUTS),
                flush=True,
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
