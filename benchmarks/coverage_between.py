"""Coverage of differences between two sides where people differ: ``python benchmarks/coverage.py 1000 between``.

Leads of like score (three bands) go to people whose own rates of clients differ; some leads are on one side (answered
late, say), and being there changes nothing. People mix both sides alike, more or less, or are wholly on one of them.
Beside the interval that is used stands the one that takes leads as independent. Part of docs/statistics.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from coverage import Random, Row
from scipy.optimize import brentq
from scipy.special import expit, logit

from alignment_toolkit.statistics.between import compared, compared_few
from alignment_toolkit.statistics.clustered import share_of_rows
from alignment_toolkit.statistics.stratified import risk_difference
from alignment_toolkit.statistics.stratified_newcombe import stratified_newcombe

BANDS = 3


@dataclass(frozen=True)
class World:
    """Leads of people: how many of both, how people differ, and how far whole people are on one side."""

    people: int
    leads: int
    spread: float  # of the logit of a person's rate
    mixed: (
        float | str
    )  # 0: all alike, "whole": people wholly on one side, between: correlation of a person's leads
    share: float = 0.15
    late: float = 0.3
    uneven: float = 0.5  # sd of the logarithm of how many leads a person gets
    bands: int = BANDS
    gap: float = 0.0
    few: bool = False  # projects of one department or of both, of which there are few

    def __str__(self) -> str:
        how = {0: "all mix alike", "whole": "whole people on one side"}.get(
            self.mixed, f"people mix unalike ({self.mixed})"
        )
        more = f", rate {self.share}" if self.share != 0.15 else ""
        more += f", {self.late:.0%} {'joint' if self.few else 'late'}" if self.late != 0.3 else ""
        more += f", uneven ({self.uneven})" if self.uneven != 0.5 else ""
        more += f", {self.bands} strata" if self.bands != BANDS else ""
        more += f", difference {self.gap}" if self.gap else ""
        what = "projects" if self.few else "leads"
        return f"{self.leads} {what}, {self.people} people, sd {self.spread}, {how}{more}"

    def draw(self, r: Random) -> tuple[Any, Any, Any, Any]:
        """Give late or not, client or not, band and person of each lead."""
        size = r.lognormal(0, self.uneven, self.people)
        person = r.choice(self.people, self.leads, p=size / size.sum())
        if self.mixed == "whole":
            often = np.zeros(self.people)
            often[r.permutation(self.people)[: max(1, round(self.late * self.people))]] = 1.0
        elif self.mixed:
            scale = (1 - float(self.mixed)) / float(self.mixed)
            often = r.beta(self.late * scale, (1 - self.late) * scale, self.people)
        else:
            often = np.full(self.people, self.late)
        late, band = r.random(self.leads) < often[person], r.integers(0, self.bands, self.leads)
        rate = expit(logit(self.share) + 0.4 * (band % 3 - 1) + r.normal(0, self.spread, self.people)[person])
        return late, r.random(self.leads) < rate + self.gap * late, band, person


SIZES = ((4, 400), (8, 800), (20, 1000), (40, 2000))
WORLDS = (
    *(World(*size, spread, mixed)
      for spread in (0.0, 0.3, 0.6) for mixed in (0, 0.3, "whole") for size in SIZES),
    World(20, 1000, 0.6, "whole", share=0.05),
    World(20, 1000, 0.6, "whole", late=0.1),
    World(20, 1000, 0.6, 0.3, uneven=1.2),
    World(20, 1000, 0.6, "whole", uneven=1.2),
    World(20, 1000, 0.6, 0.3, bands=150),
    World(20, 1000, 0.6, "whole", bands=150),
    World(20, 1000, 0.6, 0, gap=0.1),
    World(20, 1000, 0.6, 0.3, gap=0.1),
    World(20, 1000, 0.6, "whole", gap=0.1),
)  # fmt: skip
PROJECTS = tuple(
    World(people, rows, spread, mixed, share=0.25, late=0.4, gap=gap, few=True)
    for people, rows in ((6, 40), (6, 100), (10, 100), (10, 250))
    for mixed in (0, 0.3, "whole") for spread, gap in ((0.0, 0.0), (0.6, 0.0), (0.6, 0.2), (1.0, 0.0))
)  # fmt: skip


def between(runs: int, worlds: tuple[World, ...] = WORLDS) -> Iterator[Row]:
    """The interval of `compared`, and what the one of independent leads would have said."""
    for world in worlds:
        ours, plain, told = np.zeros(3), np.zeros(3), {"within": 0, "explained": 0, "alone": 0}
        widths = []
        for run in range(runs):
            late, won, band, person = world.draw(np.random.default_rng([run, 20260105]))
            one = np.ones(len(won))
            ours_of = compared_few if world.few else compared
            seen = ours_of(late, won, one, band, n_unit="leads", people=person)
            alone = _independent(world, late, won, band)
            for name in told:
                told[name] += bool(getattr(seen, name))
            plain += _misses(alone, world.gap)
            e = seen.gap.estimate
            if e.low is None or e.high is None or alone.low is None or alone.high is None:
                continue
            ours += _misses(e, world.gap)
            widths.append((e.high - e.low) / (alone.high - alone.low))
        made = max(float(ours[0]), 1.0)
        note = f"independent: {1 - (plain[1] + plain[2]) / max(plain[0], 1):.3f}"
        note += f"; width {np.median(widths):.2f}" if widths else ""
        note += "".join(f"; {name} {n / runs:.0%}" for name, n in told.items() if n)
        yield Row("compared", str(world), int(made), ours[1] / made, ours[2] / made, note)


def projects(runs: int) -> Iterator[Row]:
    """The same of projects, which are few, and of which a side may fail more often by a fifth."""
    yield from between(runs, PROJECTS)


def levels(runs: int) -> Iterator[Row]:
    """A share of rows (leads answered late, say) as the share of these people, and as that of people such as these."""
    margin = 0.2
    for people, leads, spread, away in (
        (10, 300, 0.0, 0.0), (10, 300, 0.6, 0.0), (10, 1000, 0.6, 0.0), (10, 300, 1.0, 0.0), (40, 1000, 0.6, 0.0),
        (10, 300, 0.0, 0.1), (10, 1000, 0.0, 0.1), (40, 1000, 0.0, 0.1),
    ):  # fmt: skip
        mean = float(expit(_centre(margin, spread)))
        misses, others, alarms = np.zeros(2), 0, 0
        for run in range(runs):
            r = np.random.default_rng([run, 20260107])
            size = r.lognormal(0, 0.5, people)
            person, week = r.choice(people, leads, p=size / size.sum()), r.integers(0, 13, leads)
            own = expit(logit(mean) + r.normal(0, spread, people))
            gone = r.random((people, 13)) < away
            base = (own - away) / (1 - away)
            truth = float(own[person].mean())
            late = (r.random(leads) < base[person]) | gone[person, week]
            e = share_of_rows(late, n_unit="leads", accounts=range(leads)).estimate
            assert e.low is not None
            assert e.high is not None
            misses += [truth < e.low, truth > e.high]
            others += not e.low <= margin <= e.high
            alarms += e.low > margin
        case = f"{leads} leads, {people} people, sd {spread}" + (
            f", away in {away:.0%} of weeks" if away else ""
        )
        note = f"of people such as these: {1 - others / runs:.3f}; above the margin {alarms / runs:.3f}"
        yield Row("share_of_rows", case, runs, misses[0] / runs, misses[1] / runs, note)


def _centre(share: float, spread: float) -> float:
    """Give the logit around which people's shares have this mean."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    weights = weights / weights.sum()

    def over(middle: float) -> float:
        return float(weights @ expit(middle + spread * nodes)) - share

    return float(brentq(over, -10.0, 10.0))


def _independent(world: World, late: Any, won: Any, band: Any) -> Any:
    if not world.few:
        return risk_difference(late, won, band, n_unit="leads").estimate
    sides = (late & won, late, ~late & won, ~late)
    counted = [np.bincount(band, weights=own, minlength=world.bands) for own in sides]
    return stratified_newcombe(*counted, n_unit="projects").estimate


def _misses(e: Any, truth: float) -> Any:
    if e.low is None or e.high is None:
        return np.zeros(3)
    return np.array([1.0, truth < e.low - 1e-12, truth > e.high + 1e-12])


PARTS: dict[str, Callable[[int], Iterator[Row]]] = {
    "between": between,
    "projects": projects,
    "levels": levels,
}
