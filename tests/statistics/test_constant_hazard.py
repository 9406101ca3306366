"""A process that does not change, with ever more leads: no fall is told, while the share so far falls nearly always."""

from __future__ import annotations

from typing import Any

import numpy as np

from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics import survival
from alignment_toolkit.statistics.shares import difference, wilson

RUNS = 1000
HORIZON, MONTHS, DAYS = 90, 12, 30
HAZARD = 0.002  # per day, the same for every lead on every day


def leads(r: np.random.Generator) -> tuple[Any, Any]:
    """Give age at the data's end and days to client of leads whose number grows by a fifth each month."""
    numbers = r.poisson(60 * 1.2 ** np.arange(MONTHS))
    created = np.concatenate([m * DAYS + r.integers(0, DAYS, n) for m, n in enumerate(numbers)])
    return MONTHS * DAYS - created, np.floor(r.exponential(1 / HAZARD, created.size))


def falls(now: Estimate, then: Estimate) -> bool:
    change, p = difference(now, then)
    return change.value is not None and change.value < 0 and p is not None and p < 0.05


def share(came: Any) -> Estimate:
    return wilson(int(came.sum()), int(came.size), n_unit="leads").estimate


def quarters(age: Any) -> list[Any]:
    """Give the rows of each quarter, the oldest first."""
    return [(age > 270 - 90 * q) & (age <= 360 - 90 * q) for q in range(4)]


def test_no_fall_is_told_of_a_process_that_does_not_change() -> None:
    fixed = waits = naive = 0
    for run in range(RUNS):
        age, days = leads(np.random.default_rng([run, 20260103]))
        first, _, mature, newest = quarters(age)
        within = days <= HORIZON
        # At a fixed age: the latest quarter that is old enough against the first (lead-to-client).
        fixed += falls(share(within[mature & (age >= HORIZON)]), share(within[first]))
        # Kaplan-Meier, which may use the newest quarter too.
        seen, came = np.minimum(days, age), days <= age
        newest_share, first_share = (
            survival.share_by(seen[rows], came[rows], 45).estimate for rows in (newest, first)
        )
        waits += falls(newest_share, first_share)
        # Conversions so far / leads so far.
        naive += falls(share(came[newest]), share(came[first]))
    assert fixed <= 0.05 * RUNS
    assert waits <= 0.05 * RUNS
    assert naive >= 0.95 * RUNS, "the control: the naive share must raise the false alarm"
