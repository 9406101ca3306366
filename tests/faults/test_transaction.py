"""Faults 26 to 28: killed, full disk, two at once, a reader meanwhile. A run is published whole or not at all."""

from __future__ import annotations

import pytest

from tests.faults.harness import FORM, amount
from tests.faults.trials import FORMATS

pytestmark = pytest.mark.timeout(7200)
EXPORTERS = {"quick": ["json"], "middle": ["json", "html"], "full": [*FORMATS]}


# One process for all that the quick form asks, which spares its imports.
KINDS = ("transaction", "controls", *EXPORTERS[FORM], *([] if FORM == "quick" else ["exporters"]))


@pytest.fixture(scope="session")
def seen(trials):
    return trials(*KINDS)


# In the quick form the kills meet one format only; writing all of them takes most of the time.
@pytest.mark.parametrize("kind", ["kills"] if FORM == "quick" else ["kills", "exporter kills"])
def test_whenever_a_run_is_killed_what_was_published_stays_and_nothing_half_written_is_seen(seen, kind):
    kills = seen[kind]
    assert kills["faults"] == 0, kills["wrong"]
    assert kills["steps"] >= 20
    assert kills["ends"]["killed"] == kills["steps"] + kills["random"]
    assert kills["random"] == (amount(10, 150, 300) if kind == "kills" else amount(0, 20, 100))


def test_of_two_at_once_one_publishes_and_the_other_ends_with_6_at_once(seen):
    pairs = seen["pairs"]
    assert pairs["ends"] == {"[0, 6] 1": amount(3, 40, 100)}
    assert pairs["slowest"] < 2
    assert pairs["apart"] == [0, 0], "two periods are two keys"


def test_the_lock_of_a_killed_run_is_taken_over(seen):
    assert seen["pairs"]["stale"] == [True, 0]


def test_a_reader_of_latest_never_reads_half_a_run(seen):
    reader = seen["reader"]
    assert (reader["partial"], reader["code"]) == (0, 0)
    assert reader["reads"] >= reader["publishes"]
    assert reader["runs"] >= 5, "the reader saw the pointer move"


@pytest.mark.parametrize("format", EXPORTERS[FORM])
def test_whichever_step_on_files_fails_the_exit_is_8_and_nothing_is_published_or_lost(seen, format):
    disk = seen[f"disk {format}"]
    assert disk["faults"] == 0, disk["wrong"]
    assert disk["points"] >= 25


def test_without_the_guards_every_one_of_these_trials_sees_a_fault(seen):
    assert any("half written" in one for one in seen["naive kills"]["wrong"])
    assert seen["naive disk"]["faults"] > 0
    assert seen["naive reader"]["partial"] > 0
    assert "[0, 6] 1" not in seen["naive pairs"]["ends"]
