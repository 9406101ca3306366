"""Coverage of whole KPIs and of what is made of them: ``python benchmarks/coverage_kpis.py [runs] [name ...]``.

Every part draws companies from a process whose truth is known, measures them as a user would, and counts how often the
95 % interval holds the truth. The tables of docs/kpis/*.md, docs/scorecard.md and docs/drivers.md come from here.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from coverage import Row, count, line

from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics.event_study import Event, event_study

Random = np.random.Generator


def event_studies(runs: int) -> Iterator[Row]:
    """Teams of 2, 8 or 20 cases a week in bursts, a season, a shift of each team's own, and the effect of an event."""

    def once(r: Random, teams: int, treated: int, own: float, effect: float) -> Estimate:
        weeks = np.arange(36)
        cases = r.poisson(r.choice([2, 8, 20], teams)[:, None] * r.choice([0.2, 1, 2.4], (teams, 36)))
        start = r.integers(12, 20, teams)
        late = weeks > start[:, None]
        level = r.uniform(0.25, 0.5, teams)[:, None] + 0.05 * np.sin(weeks / 4)
        level = level + late * r.normal(0, own, teams)[:, None]
        level[:treated] += late[:treated] * effect
        top = r.binomial(cases, level.clip(0.02, 0.98))
        events = [Event(i, int(start[i]), tuple(range(treated, teams))) for i in range(treated)]
        found = event_study(top, cases, events, unit="share")
        return (
            found.effect
            if not isinstance(found, str)
            else Estimate(None, None, None, 0, "rows", "share", found)
        )

    for teams, treated, own, effect in (
        (6, 1, 0.03, 0.0), (8, 2, 0.0, 0.0), (8, 2, 0.03, 0.10), (12, 4, 0.03, 0.0), (12, 4, 0.03, 0.10),
        (20, 6, 0.05, 0.0),
    ):  # fmt: skip
        yield count(
            "event study",
            f"{teams} teams, {treated} with; teams differ by {own} (sd); effect {effect}",
            effect,
            runs,
            lambda r, a=(teams, treated, own, effect): once(r, *a),
        )


PARTS: dict[str, Callable[[int], Iterator[Row]]] = {f.__name__: f for f in (event_studies,)}


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    names: Any = sys.argv[2:] or list(PARTS)
    print("| statistic | process | coverage | truth below | truth above | |\n|---|---|---|---|---|---|")
    for name in names:
        start = time.perf_counter()
        for row in PARTS[name](runs):
            print(line(row), flush=True)
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
