"""KPIs, drivers, searches, event studies and attribution computed **in** PostgreSQL are those computed in DuckDB.

A company copies a database into DuckDB before it computes; here the queries themselves run on the other engine.
ALIGNMENT_TEST_POSTGRES is the address of a database in which tables may be made.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import count
from typing import Any

import ibis
import pytest

from alignment_toolkit.attribution import attribute
from alignment_toolkit.catalog import Catalog
from alignment_toolkit.changes import changes
from alignment_toolkit.company import Company
from alignment_toolkit.drivers import Refused
from alignment_toolkit.drivers.interventions import after_interventions
from alignment_toolkit.drivers.leads import quality_or_handling_between
from alignment_toolkit.drivers.measured import Measurements
from alignment_toolkit.drivers.slices import find_slices
from alignment_toolkit.errors import AlignmentError
from alignment_toolkit.kpi import measure
from alignment_toolkit.periods import Period
from tests.builders import Stand
from tests.test_interventions import YEAR, planted, ride, stand_of

pytestmark = pytest.mark.postgres

SCHEMAS = count()
Q1, Q2 = Period.parse("2026-Q1"), Period.parse("2026-Q2")
YEAR_2025 = Period.parse("2025")
__all__ = ["planted"]


class OnPostgres(Stand):
    """The same tables in a schema of PostgreSQL, and every query there."""

    @cached_property
    def backend(self) -> Any:
        address = os.environ.get("ALIGNMENT_TEST_POSTGRES")
        assert address, "ALIGNMENT_TEST_POSTGRES names no database"
        found = ibis.connect(address)
        name = f"alignment_engine_{next(SCHEMAS)}"
        found.raw_sql(
            f"drop schema if exists {name} cascade; create schema {name}; set search_path to {name}"
        )
        return found


@pytest.fixture(scope="module")
def both(sample_dir) -> Iterator[tuple[Stand, OnPostgres]]:
    company = Company.open(sample_dir)
    data = {table: company[table].to_pyarrow() for table in company.tables}
    until = {table: company.complete_until(table) for table in company.tables}
    there = OnPostgres(data, company.settings, until)  # type: ignore[arg-type]
    yield Stand(data, company.settings, until), there  # type: ignore[arg-type]
    there.backend.disconnect()


@pytest.fixture(scope="module")
def catalogue(both) -> Mapping[str, Any]:
    return Catalog.load(both[0].settings).kpis


def unlike(a: Any, b: Any, at: str = "") -> list[str]:
    """Name where two results differ by more than the last of twelve digits."""
    if dataclasses.is_dataclass(a) and type(a) is type(b):
        names = [f.name for f in dataclasses.fields(a)]
        return [x for n in names for x in unlike(getattr(a, n), getattr(b, n), f"{at}.{n}")]
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        if a.keys() != b.keys():
            return [f"{at}: {a.keys()} and {b.keys()}"]
        return [x for k in a for x in unlike(a[k], b[k], f"{at}[{k!r}]")]
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        if len(a) != len(b):
            return [f"{at}: {len(a)} and {len(b)} of them"]
        return [x for i, (u, v) in enumerate(zip(a, b, strict=True)) for x in unlike(u, v, f"{at}[{i}]")]
    if isinstance(a, float) and isinstance(b, (int, float)):
        return [] if math.isclose(a, b, rel_tol=1e-11, abs_tol=1e-11) else [f"{at}: {a!r} and {b!r}"]
    return [] if a == b else [f"{at}: {a!r} and {b!r}"]


def test_a_difference_is_found():
    assert unlike({"a": (1.0, None)}, {"a": (1.0 + 1e-9, None)}) == ["['a'][0]: 1.0 and 1.000000001"]
    assert unlike([1], [1, 2])
    assert not unlike({"a": 1.0}, {"a": 1.0 + 1e-14})


@pytest.mark.parametrize(
    "how", [{"compare": "previous"}, {"by": ("channel",), "grain": "month"}], ids=["whole", "cut"]
)
def test_every_kpi(both, catalogue, how):
    measured = 0
    for kpi in catalogue.values():
        try:
            here = measure(both[0], kpi, Q1, catalogue=catalogue, **how)
        except AlignmentError as problem:
            with pytest.raises(type(problem)):
                measure(both[1], kpi, Q1, catalogue=catalogue, **how)
            continue
        there = measure(both[1], kpi, Q1, catalogue=catalogue, **how)
        assert unlike(here, there, kpi.id) == []
        measured += here[0].status == "ok"
    assert measured >= 25


def test_the_drivers_of_every_change(both, catalogue):
    asked = ["revenue", "arpu", "profit", "new-clients", "lead-to-client", "cost-per-sale-cohort"]
    found: list[Sequence[Any]] = []
    for stand in both:
        warnings: list[str] = []
        rows = changes(stand, asked, Q2, [Q1], catalogue, by=("channel",), warnings=warnings)
        found.append([*rows, *warnings])
    assert len({r.kpi for r in found[0] if not isinstance(r, str)}) >= 6
    assert unlike(*found) == []


def test_channels_side_by_side_and_the_slices_that_moved(both, catalogue):
    sides, slices = [], []
    for stand in both:
        measured = Measurements(stand, catalogue)
        sides.append(quality_or_handling_between(measured, YEAR_2025, "channel", "email", "social"))
        slices.append(find_slices(measured, "leads", Q1, Q2, ("channel", "region"), depth=2))
    assert not isinstance(sides[0], Refused)
    assert slices[0]
    assert unlike(*sides) == []
    assert unlike(*slices) == []


def test_the_credit_of_every_model(both):
    here, there = (attribute(stand, Q1) for stand in both)
    assert len(here.rows) > 20
    assert unlike(here, there) == []


def test_what_was_done_with_teams(planted):
    here = stand_of(*planted, [ride("east", 10)])
    there = OnPostgres(here.data, here.settings)
    entries = Catalog.load(here.settings).kpis
    found = [after_interventions(s, entries["win-rate"], YEAR, catalogue=entries) for s in (here, there)]
    there.backend.disconnect()
    assert not isinstance(found[0][0], Refused)
    assert unlike(*found) == []
