"""Looks of one indicator at rows that a test writes down, and at degenerate ones made of them."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pytest

from alignment_toolkit.indicator import EVIDENCE_ROWS, Indicator, Look
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Finding
from tests.builders import company_of
from tests.indicators.degenerate import FRAMES, sound

Tables = Mapping[str, Sequence[Mapping[str, Any]]]

AT_ONCE = ("nothing but what is required",)
# The others go with the slow tests: twelve of each indicator would take a minute of every run.
KINDS = tuple(kind if kind in AT_ONCE else pytest.param(kind, marks=pytest.mark.slow) for kind in FRAMES)


def look_at(
    indicator: Indicator,
    tables: Tables,
    *,
    period: str = "2026-Q3",
    until: Mapping[str, str | date] | None = None,
    columns: Mapping[str, Sequence[str]] | None = None,
    toml: str = "",
    options: Mapping[str, Any] | None = None,
    measured: Mapping[str, Any] | None = None,
) -> Look:
    """Look at rows that a test writes down, complete until the end of 2026 where nothing else is said."""
    known = dict.fromkeys(tables, "2026-12-31") | dict(until or {})
    company = company_of(tables, until=known, columns=columns, toml=toml)
    first = date(2024, 1, 1)
    return indicator.look(company, Period.parse(period), options=options, first=first, measured=measured)


def check(
    indicator: Indicator, tables: Tables, kind: str, *, until: str = "2026-12-31", period: str = "2026-Q3"
) -> Finding:
    """Look at the rows as one of the degenerate frames, and ask what must always hold."""
    rows = FRAMES[kind](copy.deepcopy({name: [dict(r) for r in given] for name, given in tables.items()}))
    columns = {name: tuple(dict.fromkeys(c for r in given for c in r)) for name, given in tables.items()}
    seen = look_at(indicator, rows, period=period, until=dict.fromkeys(tables, until), columns=columns)
    finding = sound(seen)
    if kind == "no rows":
        assert finding.status in ("too_little_data", "withheld"), finding.status
    assert len(finding.evidence.rows) <= EVIDENCE_ROWS
    assert len({m.name for m in finding.measures}) == len(finding.measures)
    return finding
