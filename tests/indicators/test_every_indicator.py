"""What every indicator of the catalogue must do: bear a company without rows, and ask in every engine's language."""

from __future__ import annotations

from datetime import date

import ibis
import pytest

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.periods import Period
from alignment_toolkit.tables import TABLES
from tests.builders import company_of

INDICATORS = Catalog.load().indicators
HEADS = "[privacy]\nheads = true\n"  # else the one on the two heads asks nothing
EVERY = {name: tuple(spec.columns) for name, spec in TABLES.items()}


@pytest.mark.slow
@pytest.mark.parametrize("id", sorted(INDICATORS))
def test_its_queries_compile_for_every_engine(id: str) -> None:
    company = company_of(
        {t: [] for t in EVERY}, columns=EVERY, until=dict.fromkeys(EVERY, "2026-12-31"), toml=HEADS
    )
    found = INDICATORS[id].look(company, Period.parse("2026-Q3"), first=date(2024, 1, 1))
    assert found.error is None
    assert found.seen is not None
    assert company.fetched
    for query in company.fetched:
        for dialect in ("postgres", "databricks"):  # DuckDB has just run it
            assert "SELECT" in ibis.to_sql(query, dialect=dialect)
