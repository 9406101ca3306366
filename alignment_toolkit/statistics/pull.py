"""Whether two weekly series of several regions move with each other, beyond trend and season."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignment_toolkit.languages import say
from alignment_toolkit.statistics.inference import Gap, quantile

__all__ = ["BLOCK_WEEKS", "Residuals", "partial_correlation", "residuals"]

BLOCK_WEEKS = 8
YEAR_WEEKS = 365.25 / 7
WAVES = 2
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Residuals:
    """What is left of two series after region, trend and season: one entry per region and week."""

    first: Array
    second: Array
    week: NDArray[np.int64]
    taken: int = 0  # numbers fitted that all regions share: trend and season


def residuals(
    first: ArrayLike, second: ArrayLike, week: ArrayLike, region: ArrayLike, *, common: bool = False
) -> Residuals:
    """Take region, trend (a line and its curve) and season (two waves a year) out of two series.

    Season and curve are left in where less than a year is seen. With `common`, what all regions share in a week is
    taken out instead of trend and season.

    Parameters
    ----------
    first, second
        One entry per region and week.
    week
        Number of the week.
    region
        Name of the region.
    """
    x, y = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    w = np.asarray(week, dtype=np.int64)
    if not len(x):
        return Residuals(x, y, w)
    names = np.unique(np.asarray(region).astype(str), return_inverse=True)[1]
    columns = [np.where(names == k, 1.0, 0.0) for k in range(int(names.max()) + 1)]
    if common:
        weeks = np.unique(w, return_inverse=True)[1]
        columns += [np.where(weeks == k, 1.0, 0.0) for k in range(1, int(weeks.max()) + 1)]
    else:
        span = float(w.max() - w.min())
        at = (w - w.mean()) / max(span, 1.0)
        columns.append(at)
        if span + 1 >= YEAR_WEEKS - 1:
            columns.append(at**2)
            for wave in range(1, WAVES + 1):
                turn = 2 * math.pi * wave * w / YEAR_WEEKS
                columns += [np.sin(turn), np.cos(turn)]
    design = np.column_stack(columns)
    taken = 0 if common else design.shape[1] - int(names.max()) - 1
    both = np.column_stack([x, y])
    left = both - design @ np.linalg.lstsq(design, both, rcond=None)[0]
    return Residuals(left[:, 0], left[:, 1], w, taken)


def partial_correlation(
    left: Residuals, *, n_unit: str = "weeks", unit: str = "index", block: int = BLOCK_WEEKS
) -> Gap:
    """Give the correlation of what is left of two series.

    Estimand: the correlation of the two processes beside region, trend and season. Interval: on Fisher's scale, with
    the variance between blocks of weeks: all regions of `block` weeks in a row are one cluster, so that both what weeks
    share with their neighbours and what regions share in a week is in it; Student's with one less than the number of
    blocks (Bester, Conley and Hansen 2011, Journal of Econometrics 165).

    Examples
    --------
    >>> weeks = np.arange(32)
    >>> leads = np.where(weeks % 2, 1.0, -1.0) * (1 + weeks % 5)
    >>> gap = partial_correlation(residuals(leads, weeks % 3 - leads, weeks, np.full(32, "north")))
    >>> gap.estimate.value < -0.9, gap.estimate.n
    (True, 32)
    """
    x, y, week = left.first, left.second, left.week
    weeks = np.unique(week)
    n = len(weeks)
    told: dict[str, Any] = {"n": n, "n_unit": n_unit, "unit": unit}
    words = say("correlation beside region, trend and season")
    xx, yy = float((x * x).mean()) if n else 0.0, float((y * y).mean()) if n else 0.0
    if n < 3 or xx <= 1e-20 or yy <= 1e-20:
        return Gap.none(**told, method=say("{words}; a series does not vary", words=words))
    u, v = x / math.sqrt(xx), y / math.sqrt(yy)
    r = float((u * v).mean())
    number = (week - weeks[0]) // block
    blocks = np.unique(number, return_inverse=True)[1]
    count = int(blocks.max()) + 1
    words += say("; Fisher's scale, {count} blocks of {block} weeks, Student's", count=count, block=block)
    if count < 3 or abs(r) >= 1 - 1e-12:
        return Gap.none(**told, method=say("{words}; no interval", words=words), value=r)
    influence = np.bincount(blocks, weights=u * v - r * (u * u + v * v) / 2)
    # What trend and season have taken cannot vary between blocks any more.
    lost = n / max(n - 1 - left.taken, 1)
    variance = lost * count / (count - 1) * float((influence**2).sum()) / len(x) ** 2
    se = math.sqrt(variance) / (1 - r * r)
    if se <= 0:
        return Gap.none(**told, method=say("{words}; no interval", words=words), value=r)
    df = count - 1
    middle, half = math.atanh(r), quantile(df) * se
    return Gap.of_statistic(
        r,
        math.tanh(middle - half),
        math.tanh(middle + half),
        lambda m: (middle - math.atanh(min(max(m, -1 + 1e-15), 1 - 1e-15))) / se,
        df=df,
        space=(-1.0, 1.0),
        **told,
        method=words,
    )
