"""Control charts over scheduled runs: exponentially weighted moving average."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ewma", "ewma"]


@dataclass(frozen=True)
class Ewma:
    """The average after each point, with limits.

    Attributes
    ----------
    values
        The average, one per point.
    low, high
        The limits that hold in the long run.
    lows, highs
        The limits at each point, narrower at the beginning.
    alarms
        Positions whose average lies beyond their own limits.
    """

    values: tuple[float, ...]
    low: float | None
    high: float | None
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    alarms: tuple[int, ...]


def ewma(
    data: Sequence[float] | NDArray[Any], lam: float, start: float, s: float, *, width: float = 3.0
) -> Ewma:
    """Follow a series by its exponentially weighted moving average.

    Estimand: the present level of the process. Estimator: each average is `lam` times the point plus 1 - `lam`
    times the average before (Roberts 1959, Technometrics 1; NIST/SEMATECH handbook 6.3.2.4). Limits are `width`
    standard deviations of the average in control. A missing point leaves the average where it was.

    Parameters
    ----------
    data
        Points in time order.
    lam
        The weight of the newest point, above 0 and at most 1.
    start
        Level in control.
    s
        Standard deviation of one point in control.
    width
        Half width of the limits, in standard deviations of the average.

    Examples
    --------
    >>> chart = ewma([52, 47, 53], 0.3, 50, 2.0539)
    >>> [round(v, 2) for v in chart.values], round(chart.low, 4), round(chart.high, 4)
    ([50.6, 49.52, 50.56], 47.4116, 52.5884)
    """
    if not 0 < lam <= 1:
        raise ValueError(f"lam is the weight of the newest point, above 0 and at most 1, not {lam}")
    points = np.asarray(data, dtype=float)
    spread = width * s if math.isfinite(s) and s >= 0 else None
    values: list[float] = []
    lows: list[float] = []
    highs: list[float] = []
    level = float(start)
    for i, point in enumerate(points, start=1):
        if math.isfinite(point):
            level = lam * float(point) + (1 - lam) * level
        values.append(level)
        if spread is not None:
            half = spread * math.sqrt(lam / (2 - lam) * (1 - (1 - lam) ** (2 * i)))
            lows.append(start - half)
            highs.append(start + half)
    wide = None if spread is None else spread * math.sqrt(lam / (2 - lam))
    alarms = [i for i, (v, lo, hi) in enumerate(zip(values, lows, highs, strict=False)) if v < lo or v > hi]
    return Ewma(
        tuple(values),
        None if wide is None else start - wide,
        None if wide is None else start + wide,
        tuple(lows),
        tuple(highs),
        tuple(alarms),
    )
