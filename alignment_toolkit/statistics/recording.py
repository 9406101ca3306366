"""Stretches of days in which nobody wrote anything down: by chance, or because nothing was kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Lapse", "lapses", "would_stand_out"]

IMPLAUSIBLE: Final = 1e-4
# Even a calm company has weeks far below its usual: so much spread between weeks (a variation of 45 %) is assumed.
CALMEST: Final = 5.0
FEWEST_DAYS: Final = 5  # working days: fewer are a holiday that no calendar names
REACH: Final = 182
WEEKS: Final = 4
MONTH: Final = 21  # working days
SWINGING: Final = 4.0  # where seasons make the weeks swing


@dataclass(frozen=True)
class Lapse:
    """A run of days without a row that chance does not explain: first and last by place, and what would be usual.

    Attributes
    ----------
    first, last
        Places of its first and last day.
    days
        The working days in it.
    usual
        The rows that as many such days have before and after.
    """

    first: int
    last: int
    days: int
    usual: float


def lapses(by_day: ArrayLike, works: ArrayLike, weekday: ArrayLike) -> tuple[Lapse, ...]:
    """Find the runs of days without a row that are too long for chance.

    The number of rows of a stretch is taken for negative binomial: Poisson, its rate drawn once for the stretch, so
    that lulls last. A run of at least five working days is a lapse where none at all has a chance of 1 in 10,000 or
    less: ``(1 + usual / k)^-k``. `usual` is the mean of days of the same weekday in the 26 weeks to either side; `k`
    comes from the weeks there (their mean squared over their variance beyond Poisson's), is at most 5, and less where
    few rows tell what is usual: to its inverse comes that of their number. With fewer than four whole weeks around,
    days with rows are counted in the rows' place: one mailing of many rows tells little. Runs found are left out of
    what is usual for the others.

    Parameters
    ----------
    by_day
        Rows of each day in order, without a day left out.
    works
        Whether there is work on that day, by the calendar: days off never add to what is usual, nor to the length.
    weekday
        Its weekday, Monday is 0.

    Notes
    -----
    False alarms in a simulated honest company, within a year, outside the turn of the year, and how often a cut is
    found: docs, indicators. At k = 5 about 27 rows must be usual in a run.

    Examples
    --------
    >>> days = np.arange(140)
    >>> rows = np.where(days % 7 < 5, 6, 0)
    >>> rows[70:84] = 0
    >>> lapses(rows, days % 7 < 5, days % 7)
    (Lapse(first=68, last=83, days=10, usual=60.0),)
    >>> lapses(np.minimum(rows, 1), days % 7 < 5, days % 7)
    ()
    """
    y: NDArray[np.float64] = np.asarray(by_day, dtype=float)
    on: NDArray[np.bool_] = np.asarray(works, dtype=bool)
    of: NDArray[np.int64] = np.asarray(weekday, dtype=int)
    runs = [(a, b, int(on[a : b + 1].sum())) for a, b in _runs(y == 0)]
    left = sorted((r for r in runs if r[2] >= FEWEST_DAYS), key=lambda r: (-r[2], r[0]))
    kept = np.ones(len(y), dtype=bool)
    found: list[Lapse] = []
    while True:
        for run in left:
            usual, chance = _judged(y, on, of, kept, run[0], run[1])
            if chance <= IMPLAUSIBLE:
                found.append(Lapse(*run, usual))
                kept[run[0] : run[1] + 1] = False
                left.remove(run)
                break
        else:
            return tuple(sorted(found, key=lambda r: r.first))


def would_stand_out(rows: float, days: int) -> bool:
    """Say whether a month without a row would be a lapse where so many rows came on so many working days.

    Examples
    --------
    >>> would_stand_out(15, 64), would_stand_out(200, 64)
    (False, True)
    """
    return days > 0 and _chance(rows / days * MONTH, SWINGING) <= IMPLAUSIBLE


def _chance(usual: float, k: float) -> float:
    return float(np.exp(-k * np.log1p(usual / k))) if k > 0 else 1.0


def _runs(empty: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], empty, [False]]).astype(int)))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _judged(
    y: NDArray[np.float64], on: Any, of: Any, kept: NDArray[np.bool_], first: int, last: int
) -> tuple[float, float]:
    """Give the rows that are usual in such a run, and the chance of none."""
    around = kept.copy()
    around[: max(0, first - REACH)] = False
    around[last + 1 + REACH :] = False
    around[first : last + 1] = False
    weeks = np.array(
        [
            y[i : i + 7].sum()
            for i in (
                *range(first - 7, max(first - REACH, 0) - 1, -7),
                *range(last + 1, min(last + REACH, len(y)) - 6, 7),
            )
            if around[i : i + 7].all()
        ]
    )
    told = len(weeks) >= WEEKS
    rows = y if told else np.minimum(y, 1.0)
    usual = 0.0
    for day in range(7):
        of_day = of == day
        # A weekday on which nobody works counts by what it has all the same; a holiday does not.
        of_day = of_day & on if (of_day & on).any() else of_day
        inside = int(of_day[first : last + 1].sum())
        if inside and (of_day & around).any():
            usual += inside * float(rows[of_day & around].mean())
    k = CALMEST
    if told and (mean := float(weeks.mean())) < (spread := float(weeks.var(ddof=1))):
        k = min(CALMEST, mean**2 / (spread - mean))
    seen = float(rows[around].sum())  # few rows tell little of what is usual
    return usual, _chance(usual, 1 / (1 / k + 1 / seen)) if seen and k else 1.0
