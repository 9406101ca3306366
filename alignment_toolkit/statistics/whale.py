"""Does one account, campaign or person carry the result? Leave each out in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Influence", "leave_one_out"]


@dataclass(frozen=True)
class Influence:
    """What the most influential cluster does to a statistic; None where there is nothing to leave out.

    Attributes
    ----------
    value
        With all clusters.
    without
        Without the most influential one.
    cluster
        Its name.
    top_share
        The largest cluster's share of the first column's total (sizes without sign).
    fires
        Whether leaving it out moves the value by at least half, or over `margin`.
    """

    value: float | None
    without: float | None
    cluster: str | None
    top_share: float | None
    fires: bool


def leave_one_out(
    keys: Sequence[Any] | NDArray[Any],
    values: ArrayLike,
    statistic: Callable[[NDArray[np.float64]], float] | None = None,
    *,
    margin: float | None = None,
) -> Influence:
    """Find the cluster without which the statistic changes most.

    Estimand: none; a diagnostic of the sample (leave-one-out influence, Cook 1977, Technometrics 19).

    Parameters
    ----------
    keys
        The cluster of each row.
    values
        One row per row, one column per variable.
    statistic
        From the sums of the columns to a number; the sum of the first column where not given, or first over second
        where there are two columns.
    margin
        A bound that the value should not cross because of one cluster.

    Examples
    --------
    >>> found = leave_one_out(["a", "b", "c"], [[90.0], [5.0], [5.0]])
    >>> found.cluster, found.without, found.top_share, found.fires
    ('a', 10.0, 0.9, True)
    """
    rows = np.asarray(values, dtype=float)
    rows = rows.reshape(len(rows), -1) if rows.size else np.zeros((0, 1))
    rows = np.where(np.isfinite(rows), rows, 0.0)
    names, cluster = np.unique(
        np.array([str(k) for k in keys], dtype=object).astype(str), return_inverse=True
    )
    sums = np.zeros((len(names), rows.shape[1]))
    np.add.at(sums, cluster, rows)
    of = statistic or _default
    total = sums.sum(axis=0)
    value = _number(of, total)
    sizes = np.abs(sums[:, 0])
    top = float(sizes.max() / sizes.sum()) if len(sizes) and sizes.sum() > 0 else None
    if len(names) < 2 or value is None:
        return Influence(value, None, None, top, False)
    left = [_number(of, total - each) for each in sums]
    moves = [np.inf if x is None else abs(x - value) for x in left]
    i = int(np.argmax(moves))
    without = left[i]
    over = margin is not None and without is not None and (value > margin) != (without > margin)
    fires = over or moves[i] >= abs(value) / 2 > 0
    return Influence(value, without, str(names[i]), top, bool(fires))


def _default(sums: NDArray[np.float64]) -> float:
    if len(sums) == 1:
        return float(sums[0])
    return float(sums[0] / sums[1]) if sums[1] != 0 else float("nan")


def _number(of: Callable[[NDArray[np.float64]], float], sums: NDArray[np.float64]) -> float | None:
    value = float(of(sums))
    return value if np.isfinite(value) else None
