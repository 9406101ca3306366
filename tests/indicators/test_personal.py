"""What holds for all six personal indicators: degenerate data, the order of rows, missing columns, no names."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.verdict import verdicts
from tests.indicators.degenerate import FRAMES, sound
from tests.indicators.looks import KINDS
from tests.indicators.personal import FIRST, Q3, company, look, whole

IDS = (
    "perception_gap", "strained_relationship", "avoided_dialogue", "failing_joint_projects", "busywork",
    "conflicting_kpis",
)  # fmt: skip
PERSONAL = {id: Catalog.load().indicators[id] for id in IDS}


@pytest.fixture(scope="module")
def found():
    here = company(whole())
    return {id: sound(indicator.look(here, Q3, first=FIRST)) for id, indicator in PERSONAL.items()}


def test_a_whole_company_gets_six_verdicts(found):
    assert {f.status for f in found.values()} <= {"misaligned", "aligned", "uncertain"}
    assert all(f.chart is not None and f.evidence.rows for f in found.values())


@pytest.mark.parametrize("frame", KINDS)
def test_degenerate(frame, found):
    here = company(FRAMES[frame](whole()))
    for indicator in PERSONAL.values():
        sound(indicator.look(here, Q3, first=FIRST))


def test_the_order_of_rows_does_not_matter(found):
    tables = whole()
    for rows in tables.values():
        random.Random(9).shuffle(rows)
    here = company(tables)
    for id, indicator in PERSONAL.items():
        assert repr(verdicts([indicator.look(here, Q3, first=FIRST)])[0]) == repr(found[id])


def test_nobody_is_named(found):
    names = {p["person_id"] for p in whole()["people"]} | {a["respondent_id"] for a in whole()["survey"]}
    for finding in found.values():
        told = repr(replace(finding, why="", advice=""))
        assert not [name for name in names if f"'{name}'" in told]
        assert not [c for c in finding.evidence.columns if c.role in ("person", "name")]


@pytest.mark.parametrize(
    ("id", "gone", "named"),
    [
        ("perception_gap", "survey", "survey.answer"),
        ("strained_relationship", "survey", "survey.item"),
        ("avoided_dialogue", "work", "work.marketing_invited"),
        ("failing_joint_projects", "work", "work.outcome"),
        ("busywork", "people", "people.department"),
        ("busywork", "work", "work.started_on"),
        ("conflicting_kpis", "leads", "leads.created_at"),
    ],
)
def test_what_is_missing_is_named(id, gone, named):
    tables = {name: rows for name, rows in whole().items() if name != gone}
    found = look(PERSONAL[id], tables)
    assert any(named.split(".")[0] in m for m in found.missing)
    assert verdicts([found])[0].status == "not_assessed"
