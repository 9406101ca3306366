"""Coverage of crossings beyond placebos where edits come in people: ``python benchmarks/coverage.py 400 placebos``.

People correct values, each around a level of their own that lies anywhere on the scale; a threshold decides something,
four others, 10 and 20 points above and below, do not. Some people may lift cases over the one that decides as well.
Beside the interval that is used stands the one that takes crossings as independent. Part of docs/statistics.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from coverage import Random, Row

from alignment_toolkit.statistics.placebos import beyond_placebos
from alignment_toolkit.statistics.shares import newcombe

THRESHOLDS = (0.0, -20.0, -10.0, 10.0, 20.0)
REACH, DAYS, STEP, MARGIN = 70.0, 42, 5.0, 0.03


@dataclass(frozen=True)
class World:
    """A list: its rows, who edits how often and where, and who lifts."""

    people: int
    rows: int
    edits: float  # per row
    within: float | None  # points around a person's level; None: anywhere
    bulk: int = 0  # edits of one day, around a level of their own
    gap: float = 0.0
    lifting: int = 0  # people who lift; 0: all
    lists: int = 1  # on which the same accounts stand

    def __str__(self) -> str:
        where = "anywhere" if self.within is None else f"within {self.within:g} points of the person's level"
        where = f"{self.bulk} a day at one level" if self.bulk else where
        more = f", {self.lifting} lift" if self.lifting else ""
        more += f", {self.lists} lists of the same" if self.lists > 1 else ""
        more += f", difference {self.gap}" if self.gap else ""
        return f"{self.rows} rows, {self.people} people, {self.edits:g} edits a row {where}{more}"

    def draw(self, r: Random) -> tuple[Any, Any, Any, Any]:
        """Give the threshold, person, day and case of each crossing."""
        size = r.lognormal(0, 0.7, self.people)
        cases = self.rows // self.lists
        who = np.repeat(np.arange(self.people), r.poisson(cases * self.edits * size / size.sum()))
        day = r.integers(0, DAYS if not self.bulk else 10**9, len(who))
        if self.bulk:
            many = np.bincount(who, minlength=self.people)
            day = r.integers(0, np.maximum(1, np.round(many / self.bulk))[who])
        _, level = np.unique(who * 10**6 + day * bool(self.bulk), return_inverse=True)
        old = r.uniform(-REACH, REACH, len(who))
        if self.within is not None or self.bulk:
            at = r.uniform(-REACH, REACH, len(who))[level]
            old = at + r.normal(0, 3.0 if self.bulk else float(self.within or 0), len(who))
        new = old + np.abs(r.normal(0, STEP, len(who))) * np.where(r.random(len(who)) < 0.7, 1, -1)
        found = [
            np.column_stack([np.full(up.sum(), k), who[up], day[up], np.flatnonzero(up)])
            for k, limit in enumerate(THRESHOLDS)
            for up in [(old < limit) & (new >= limit)]
        ]
        if self.gap:
            lifting = r.permutation(self.people)[: self.lifting or self.people]
            eager = r.lognormal(0, 0.7, len(lifting))
            by = np.repeat(lifting, r.poisson(self.gap * cases * eager / eager.sum()))
            fresh = len(who) + np.arange(len(by))
            found.append(np.column_stack([np.zeros(len(by)), by, r.integers(0, DAYS, len(by)), fresh]))
        every = np.concatenate(found).astype(int)
        return tuple(np.repeat(every, self.lists, axis=0).T)


WORLDS = (
    *(World(people, rows, edits, within, bulk)
      for people in (3, 10, 40) for rows, edits in ((200, 1.4), (200, 5.6), (1000, 1.4))
      for within, bulk in ((None, 0), (15.0, 0), (8.0, 0), (4.0, 0), (None, 10))),
    *(World(people, rows, 1.4, within, bulk, gap, lifting)
      for gap in (0.03, 0.06) for people, lifting in ((10, 0), (10, 2), (40, 0), (40, 5)) for rows in (200, 1000)
      for within, bulk in ((None, 0), (15.0, 0), (8.0, 0), (None, 10))),
    World(10, 1000, 0.0, None, gap=0.03, lifting=2),
    World(10, 1000, 0.0, None, gap=0.06, lifting=2),
    World(1, 1000, 0.0, None, gap=0.06),
    World(1, 1000, 1.4, 8.0),
    World(40, 1000, 1.4, None, gap=0.03, lists=2),
    World(40, 1000, 1.4, None, lists=2),
)  # fmt: skip


def placebos(runs: int, worlds: tuple[World, ...] = WORLDS) -> Iterator[Row]:
    """The interval of `beyond_placebos`, and what Newcombe's of independent crossings would have said."""
    for world in worlds:
        seen = {"ours": np.zeros(5), "plain": np.zeros(5)}
        told = {"alone": 0, "explained": 0}
        for run in range(runs):
            at, who, day, case = world.draw(np.random.default_rng([run, 20260106]))
            acts = [f"{w} {d}" for w, d in zip(who, day, strict=True)]
            found = beyond_placebos(at, who, acts, case, rows=world.rows, placebos=4, n_unit="accounts")
            hits, other = min(int((at == 0).sum()), world.rows), int((at > 0).sum())
            plain = newcombe(hits, world.rows, min(other, 4 * world.rows), 4 * world.rows).estimate
            for name, e in (("ours", found.gap.estimate), ("plain", plain)):
                if e.low is not None and e.high is not None:
                    seen[name] += [world.gap < e.low - 1e-12, world.gap > e.high + 1e-12, e.low > MARGIN,
                                   e.high < MARGIN, e.high - e.low]  # fmt: skip
            for name in told:
                told[name] += bool(getattr(found, name))
        ours, old = seen["ours"] / runs, seen["plain"] / runs
        note = f"independent: {1 - old[0] - old[1]:.3f}; above 0.03: {old[2]:.3f}, now {ours[2]:.3f}"
        note += f"; below: {old[3]:.2f}, now {ours[3]:.2f}; width {ours[4] / old[4]:.2f}"
        note += "".join(f"; {name} {n / runs:.0%}" for name, n in told.items() if n)
        yield Row("beyond_placebos", str(world), runs, ours[0], ours[1], note)


PARTS: dict[str, Callable[[int], Iterator[Row]]] = {"placebos": placebos}
