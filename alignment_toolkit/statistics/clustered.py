"""A share of rows that repeat in more than one way: leads of one account, and leads of one campaign."""

from __future__ import annotations

from typing import Any

import numpy as np

from alignment_toolkit.statistics.inference import Gap
from alignment_toolkit.statistics.shares import clustered_share

__all__ = ["share_of_rows"]


def share_of_rows(hits: Any, *, n_unit: str, unit: str = "share", **clusters: Any) -> Gap:
    """Give the share of rows that count, where rows repeat within clusters of one or several kinds.

    Estimand: the probability of the process, rows weighing alike. Estimator: the plain share. Interval: that of
    `clustered_share` for each kind of cluster by itself, the widest; it covers at least as often as the right one where
    one kind carries the dependence (both at once would need more clusters than a quarter has).

    Parameters
    ----------
    hits
        True or false, row by row.
    **clusters
        The cluster of each row, by the name of its kind in the plural (``accounts=...``); a row whose cluster is
        missing is one of its own.

    Examples
    --------
    >>> rows = [True, True, False, False] * 10
    >>> alone = share_of_rows(rows, n_unit="leads", accounts=list(range(40))).estimate
    >>> lumps = share_of_rows(rows, n_unit="leads", accounts=list(range(40)), campaigns=["a", "a", "b", "b"] * 10)
    >>> alone.value == lumps.estimate.value, lumps.estimate.high > alone.high
    (True, True)
    """
    y = np.asarray(hits, dtype=float)
    found = []
    for kind, keys in (clusters or {"rows": range(len(y))}).items():
        names = np.array(
            [f"row {i}" if _missing(k) else f"key {k}" for i, k in enumerate(keys)], dtype=object
        ).astype(str)
        if len(names) != len(y):
            raise ValueError(f"{len(names)} {kind} for {len(y)} rows")
        _, code = np.unique(names, return_inverse=True)
        found.append(
            clustered_share(
                np.bincount(code, weights=y), np.bincount(code), n_unit=n_unit, unit=unit, cluster_unit=kind
            )
        )
    return max(found, key=_width)


def _missing(key: Any) -> bool:
    return key is None or key != key or type(key).__name__ in ("NAType", "NaTType")


def _width(gap: Gap) -> float:
    e = gap.estimate
    # No interval says the least of all, so it counts as the widest.
    return e.high - e.low if e.low is not None and e.high is not None else float("inf")
