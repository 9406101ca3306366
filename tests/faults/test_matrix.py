"""Fault 30: of twenty runs five fail; fifteen are published, and exactly the five are run again."""

from __future__ import annotations

import pytest

from tests.runs.test_matrix import proves_the_matrix, sliced

__all__ = ["sliced"]


@pytest.mark.faults
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("jobs", [1, 2])
def test_twenty_runs_of_which_five_fail(sliced, jobs):
    proves_the_matrix(sliced, 20, [2, 3, 7, 11, 19], jobs=jobs)
