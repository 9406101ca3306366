"""How many cross a threshold that decides something, beyond what crosses thresholds that decide nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignment_toolkit.languages import say
from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics.inference import Gap
from alignment_toolkit.statistics.shares import clustered_share, newcombe

__all__ = ["Beyond", "beyond_placebos"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Beyond:
    """A difference from placebos, and what people had to do with it.

    Attributes
    ----------
    gap
        The difference, over all rows.
    alone
        Whether one person made all crossings, and they would be more than luck if they were independent.
    explained
        Whether they would be more than luck if they were independent, and are not where people differ.
    """

    gap: Gap
    alone: bool
    explained: bool


def beyond_placebos(
    threshold: ArrayLike,
    people: ArrayLike,
    acts: ArrayLike,
    cases: ArrayLike,
    *,
    rows: int,
    placebos: int,
    n_unit: str,
) -> Beyond:
    """Give crossings of the threshold that decides, minus the mean over placebos, per row.

    Estimand: of these rows, the share that crossed beyond those that would have crossed if the threshold decided
    nothing. In that case all thresholds would be crossed alike on average over people; but one person's edits may lie
    in one part of the scale, and those of one act (one person's of one day) may be one decision.

    Interval: the widest of (1) Newcombe's, numbers being effective where a case comes several times (in two lists); (2)
    Student's, the crossings that nobody needed the threshold for varying as unevenly as each person's lie over the
    placebos, with Satterthwaite's degrees of freedom; (3) that of the share of crossings that lie at the threshold,
    acts being what repeats; (4) where one person made all crossings, all that they could come to.

    Parameters
    ----------
    threshold
        Which each crossing is of: 0 for the one that decides, 1 and more for placebos.
    people, acts, cases
        Whose each crossing is, in which act, and of which case (account).
    rows
        How many rows the difference is of.
    placebos
        How many placebos there are.

    Examples
    --------
    >>> each = list(range(16))
    >>> many = beyond_placebos([0] * 12 + [1, 2, 3, 4], each, each, each, rows=200, placebos=4, n_unit="accounts").gap
    >>> round(many.estimate.value, 3), round(many.estimate.low, 3)
    (0.055, 0.028)
    >>> one = beyond_placebos([0] * 12 + [1, 2, 3, 4], [1] * 16, each, each, rows=200, placebos=4, n_unit="accounts")
    >>> one.gap.estimate.low, one.alone
    (-0.02, True)
    """
    at = np.asarray(threshold, dtype=np.int64)
    who, act, case = (_codes(keys) for keys in (people, acts, cases))
    real = at == 0
    twice = _repeated(case[real], _repeated(case[~real])), _repeated(case[~real], _repeated(case[real]))
    hits, other = min(int(real.sum()), rows), min(int((~real).sum()), placebos * rows)
    plain = newcombe(
        hits / twice[0], rows / twice[0], other / twice[1], placebos * rows / twice[1], n_unit=n_unit
    )
    plain = replace(plain, estimate=replace(plain.estimate, n=rows))
    e = plain.estimate
    if e.value is None or e.low is None or not len(at):
        return Beyond(plain, alone=False, explained=False)
    told: dict[str, Any] = {"n": rows, "n_unit": n_unit, "unit": e.unit}
    gap = plain.widened(_of_acts(real, act, rows, placebos, e, told))
    uneven = _of_people(at, who, rows, placebos, e.value, told)
    gap = gap if uneven is None else gap.widened(uneven)
    alone = len(np.unique(who)) == 1
    if alone:
        gap = gap.widened(_bounds(-len(at) / (placebos * rows), len(at) / rows, e, told))
    low = gap.estimate.low
    lost = e.low > 0 and low is not None and low <= 0
    return Beyond(gap, alone=alone and lost, explained=lost and not alone)


def _repeated(cases: Ints, otherwise: float = 1.0) -> float:
    """Give how often a case comes, so that rows over it are as many as cases that come once."""
    counts = np.bincount(cases) if len(cases) else np.zeros(1)
    return float((counts**2).sum() / counts.sum()) if len(cases) else otherwise


def _of_acts(
    real: NDArray[np.bool_], act: Ints, rows: int, placebos: int, e: Estimate, told: dict[str, Any]
) -> Gap:
    """Give the difference by the share of crossings that lie at the threshold (by luck one in placebos + 1)."""
    hits, size = np.bincount(act, weights=real), np.bincount(act)
    share = clustered_share(hits, size, n_unit="crossings", cluster_unit="acts", alike=1.0)
    each = len(real) / rows / placebos

    def moved(s: float) -> float:
        return each * ((placebos + 1) * s - 1)

    def back(m: float) -> float:
        return (m / each + 1) / (placebos + 1)

    low, high = share.estimate.low, share.estimate.high
    if low is None or high is None:
        return _bounds(moved(0.0), moved(1.0), e, told)
    method = say("share of crossings at the threshold, those of one person and day together")
    estimate = Estimate(e.value, moved(low), moved(high), method=method, **told)
    return Gap(estimate, lambda m: share.above(back(m)), lambda m: share.below(back(m)))


def _of_people(
    at: Ints, who: Ints, rows: int, placebos: int, value: float, told: dict[str, Any]
) -> Gap | None:
    """Give the difference where people's edits lie unevenly; None where they do so no more than by luck."""
    crossed = np.zeros((int(who.max()) + 1, placebos + 1))
    np.add.at(crossed, (who, at), 1)
    usual = float(crossed[:, 1:].sum()) / placebos
    spread = crossed[:, 1:].var(axis=1, ddof=1)
    whole = float(spread.sum())
    if whole <= usual:
        return None
    # The square of a variance on k degrees of freedom is (k + 2) / k times too large on average.
    df = max(whole**2 / float((spread**2).sum()) * (placebos + 1), 1.0)
    honest = whole * (1 + 1 / placebos)
    variance = max(float(crossed[:, 0].sum()) - usual, 0.0) + honest
    df *= (variance / honest) ** 2
    method = say("Student's, crossings lying as unevenly as each person's over the placebos")
    return Gap.normal(value, variance**0.5 / rows, df=df, space=(-1.0, 1.0), method=method, **told)


def _bounds(low: float, high: float, e: Estimate, told: dict[str, Any]) -> Gap:
    method = say("all that crossings of one act or person could come to")
    estimate = Estimate(e.value, max(low, -1.0), min(high, 1.0), method=method, **told)
    return Gap(estimate, lambda m: float(m >= low), lambda m: float(m <= high))


def _codes(keys: ArrayLike) -> Ints:
    return np.asarray(np.unique(np.asarray(keys).astype(str), return_inverse=True)[1], dtype=np.int64)
