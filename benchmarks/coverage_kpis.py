"""Coverage of whole KPIs and of what is made of them: ``python benchmarks/coverage.py [runs] [name ...]``.

Every part draws companies from a process whose truth is known, measures them as a user would, and counts how often the
95 % interval holds the truth. The tables of docs/kpis/*.md, docs/scorecard.md and docs/drivers.md come from here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from coverage import Row, count

from alignment_toolkit.kpi import measure
from alignment_toolkit.kpis import sales
from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics import cure
from alignment_toolkit.statistics.bursts import event_count
from alignment_toolkit.statistics.event_study import Event, event_study
from alignment_toolkit.statistics.shares import poisson_count
from alignment_toolkit.statistics.targets import project_total

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the small companies of the tests
from tests.builders import company_of

Random = np.random.Generator
CYCLE = 19.6  # half of the deals end within 20 whole days


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


WEEK = (1.2, 1.3, 1.1, 1.0, 0.9, 0.3, 0.2)


def to_come(r: Random, kind: str, rate: float, known: int, left: int, wild: float) -> tuple[Any, float]:
    """Days of a company by weekday, in weeks that vary by `wild`; the projection from those known, and the true end."""
    profile = np.array(WEEK) / np.mean(WEEK)
    weeks = r.gamma(1 / wild, wild, (known + left) // 7 + 1) if wild else np.ones((known + left) // 7 + 1)
    pace = rate * np.array([profile[i % 7] * weeks[i // 7] for i in range(known + left)])
    values = r.poisson(pace).astype(float)
    if kind == "money":
        values = np.array([r.lognormal(0, 1, int(n)).sum() for n in values])
    first = date(2026, 1, 5)
    last = first + timedelta(days=known - 1)
    found = project_total(
        {first + timedelta(days=i): float(v) for i, v in enumerate(values[:known])},
        done=float(values[:known].sum()), last=last, end=last + timedelta(days=left + 1), whole=kind == "count",
    )  # fmt: skip
    return found, float(values.sum())


def projections(runs: int) -> Iterator[Row]:
    """The final number against the 95 % prediction interval, and how far the stated chance of a target is kept."""
    for kind, rate, known, left, wild in (
        ("count", 4, 60, 32, 0.0), ("count", 0.3, 60, 32, 0.0), ("count", 4, 60, 30, 0.1), ("money", 4, 60, 32, 0.0),
        ("money", 0.5, 60, 32, 0.0), ("money", 0.5, 60, 7, 0.0),
    ):  # fmt: skip
        below = above = told = 0
        stated: list[float] = []
        reached: list[bool] = []
        for run in range(runs):
            r = np.random.default_rng([run, 20260103])
            found, end = to_come(r, kind, rate, known, left, wild)
            if isinstance(found, str):
                continue
            told += 1
            below += end < found.low - 1e-9
            above += end > found.high + 1e-9
            target = rate * (known + left) * r.uniform(0.9, 1.1) * (np.exp(0.5) if kind == "money" else 1)
            stated.append(found.chance(target))
            reached.append(end >= target)
        bands = np.digitize(stated, [0.2, 0.8])
        kept = ", ".join(
            f"{np.mean(np.array(stated)[bands == b]):.2f} said {np.mean(np.array(reached)[bands == b]):.2f} reached"
            for b in range(3)
            if (bands == b).sum() > 20
        )
        none = f"; none in {1 - told / runs:.0%}" if told < runs else ""
        case = f"{kind}, {rate} a day, {known} days known, {left} to come" + (", weeks vary" if wild else "")
        yield Row("projection", case, told, below / told, above / told, f"chance: {kept}{none}")


def long_tails(runs: int) -> Iterator[Row]:
    """Long-run shares of a log-logistic wait whose tail is cut: what is said is chosen by what was seen."""

    def once(r: Random, n: int, oldest: float) -> Estimate:
        u = r.uniform(0, 1, n)
        days = np.where(r.random(n) < 0.3, np.floor(20 * (u / (1 - u)) ** (1 / 1.2)), np.inf)
        age = np.floor(r.uniform(30, oldest, n))
        return cure.long_run_share(np.minimum(days, age), days <= age).estimate

    for n in (300, 1000):
        for oldest in (120, 365):
            case = f"n {n}, share 0.3, log-logistic (shape 1.2, median 20 days), seen for 30 to {oldest} days"
            yield count("long_run_share", case, 0.3, runs, lambda r, a=(n, oldest): once(r, *a))


def pipeline_velocity(runs: int) -> Iterator[Row]:
    """Whole companies, measured: open opportunities x win rate x average deal / sales cycle."""
    kpi = next(k for k in sales.KPIS if k.id == "pipeline-velocity")

    def once(r: Random, a_day: float) -> Estimate:
        rows = []
        opened = np.sort(r.uniform(0, 360, r.poisson(360 * a_day)))
        waits = np.floor(r.exponential(CYCLE / np.log(2), len(opened))) + 1
        for i, (at, wait) in enumerate(zip(opened, waits, strict=True)):
            row: dict[str, Any] = {
                "opportunity_id": f"o{i}", "account_id": f"a{i}",
                "opened_at": datetime(2025, 1, 5) + timedelta(days=float(at)),
            }  # fmt: skip
            if at + wait < 360:
                row["closed_at"] = datetime(2025, 1, 5) + timedelta(days=float(at + wait))
                row["outcome"] = "won" if r.random() < 0.3 else "lost"
            rows.append(row | {"amount": round(float(r.lognormal(-0.125, 0.5)) * 1000, 2)})
        company = company_of({"opportunities": rows}, until={"opportunities": "2025-12-30"})
        found = measure(company, kpi, "2025-10-01..2025-12-30", spread=False)[0]
        return Estimate(found.value, found.low, found.high, found.n, "deals", "money", found.method)

    for a_day in (1.0, 4.0):
        # Deals are open for the mean of their waits; half of them end within the median, a whole day later.
        mean, median = 1 / (1 - np.exp(-np.log(2) / CYCLE)), np.ceil(CYCLE) * 1.0
        truth = a_day * mean * 0.3 * 1000 / median
        yield count(
            "pipeline-velocity", f"{a_day:g} opportunities a day", truth, runs, lambda r, a=a_day: once(r, a)
        )


# A day, days, variance of days and of weeks, growth a month, bursts of three days that bring 20 days' worth a day.
BURSTS = tuple(
    (rate, days, *how)
    for days in (7, 28, 31, 91, 365)
    for rate in (1, 10)
    for how in (
        (0.0, 0.0, 0.0, 0.0), (0.5, 0.0, 0.0, 0.0), (0.0, 0.02, 0.0, 0.0), (0.0, 0.1, 0.0, 0.0), (0.0, 0.5, 0.0, 0.0),
        (0.3, 0.3, 0.0, 0.0), (0.0, 0.0, 0.05, 0.0), (0.0, 0.0, 0.0, 0.1),
    )
    if days > 7 or how in ((0.0, 0.0, 0.0, 0.0), (0.5, 0.0, 0.0, 0.0))
)  # fmt: skip
PIECES = ((7, 91), (31, 91), (31, 365))


def burst_days(
    r: Random, rate: float, days: int, of_days: float, of_weeks: float, growth: float, fairs: float
) -> tuple[Any, Any]:
    """Give events of each day, and how many are expected: a profile of the week, which begins on any day."""
    at, start = np.arange(days), int(r.integers(7))
    pace = rate * (np.array(WEEK) / np.mean(WEEK))[at % 7] * (1 + growth * (at - (days - 1) / 2) / 30)
    expected = pace.copy()
    if of_days:
        pace = pace * r.gamma(1 / of_days, of_days, days)
    if of_weeks:
        pace = pace * r.gamma(1 / of_weeks, of_weeks, days // 7 + 2)[(at + start) // 7]
    events = r.poisson(pace)
    if fairs:
        brought = r.multinomial(r.poisson(20 * rate * r.poisson(fairs, days + 2)), [1 / 3] * 3)
        events = events + brought[2:, 0] + brought[1:-1, 1] + brought[:-2, 2]
        expected = expected + fairs * 20 * rate
    return events, expected


def burst_case(rate: float, days: int, of_days: float, of_weeks: float, growth: float, fairs: float) -> str:
    how = [
        f"days vary by {of_days}" if of_days else "",
        f"weeks vary by {of_weeks}" if of_weeks else "",
        f"growth of {growth:.0%} a month" if growth else "",
        f"{fairs:g} bursts of three days a day" if fairs else "",
    ]
    return f"{days} days, {rate} a day, {' and '.join(h for h in how if h) or 'events by chance alone'}"


def counts_in_bursts(runs: int, cases: Any = BURSTS) -> Iterator[Row]:
    """Counts such as leads, where days or weeks vary by themselves; the note is what exact Poisson would hold."""
    for case in cases:
        yield _burst_row(runs, case, case[1])


def pieces_in_bursts(runs: int, cases: Any = BURSTS, pieces: Any = PIECES) -> Iterator[Row]:
    """The same of a week or month, told by the days of the longer stretch around it."""
    for piece, whole in pieces:
        for case in cases:
            if case[1] == whole:
                yield _burst_row(runs, case, piece)


def _burst_row(runs: int, case: Any, piece: int) -> Row:
    held, days = 0, case[1]

    def once(r: Random) -> Estimate:
        nonlocal held
        events, by_day = burst_days(r, *case)
        first = int(r.integers(days - piece + 1))
        own, expected = events[first : first + piece], float(by_day[first : first + piece].sum())
        plain = poisson_count(int(own.sum()))
        held += plain.low <= expected <= plain.high
        e = event_count(own, within=None if piece == days else events)
        # The truth differs from run to run by the weekday that the stretch begins on; it is counted from 0.
        low, high = (None if limit is None else limit - expected for limit in (e.low, e.high))
        return Estimate(0.0, low, high, e.n, "", "count", "")

    of = "" if piece == days else f"{piece} of "
    row = count("event_count", of + burst_case(*case), 0.0, runs, once)
    return replace(row, note="; ".join(n for n in (row.note, f"exact Poisson {held / runs:.3f}") if n))


PARTS: dict[str, Callable[[int], Iterator[Row]]] = {
    f.__name__: f
    for f in (event_studies, projections, long_tails, pipeline_velocity, counts_in_bursts, pieces_in_bursts)
}
