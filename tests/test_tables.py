from __future__ import annotations

import re
from pathlib import Path

import pytest

from alignment_toolkit.tables import DEPARTMENTS, TABLES, TOUCH_CHANNELS, data_dictionary


def test_the_dictionary_in_docs_is_what_the_tables_say(project_dir: Path) -> None:
    written = (project_dir / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    assert written == data_dictionary(), "docs/data-dictionary.md is old: write data_dictionary() into it"


def test_the_dictionary_names_every_table_and_column() -> None:
    text = data_dictionary()
    for table in TABLES.values():
        section = re.split(rf"^### {table.name}$", text, flags=re.M)[1].split("\n### ")[0]
        for column in table.columns.values():
            assert f"| `{column.name}`" in section
            assert column.about


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_what_a_table_points_at_is_there(table) -> None:  # type: ignore[no-untyped-def]
    for column in (table.key, table.date, table.department_of, *table.event_columns):
        assert column is None or column in table.columns
    for column, (target, key) in table.references.items():
        assert column in table.columns
        assert TABLES[target].key == key
    for group in table.unique:
        assert set(group) <= set(table.columns)
    if table.date:
        assert table.columns[table.date].type in ("date", "timestamp")
    if table.key:
        assert table.columns[table.key].type == "id"
        assert table.columns[table.key].required


def test_names_tell_types() -> None:
    for table in TABLES.values():
        for column in table.columns.values():
            if column.name.endswith("_at"):
                assert column.type == "timestamp", (table.name, column.name)
            if column.name.endswith("_on") or column.name == "on":
                assert column.type == "date", (table.name, column.name)
            if column.name.endswith("_id"):
                assert column.type == "id", (table.name, column.name)


def test_required_columns_are_those_of_the_contract() -> None:
    assert TABLES["leads"].required == ("lead_id", "created_at")
    assert TABLES["orders"].required == ("order_id", "ordered_at", "amount")
    assert TABLES["touches"].required == ("touch_id", "touched_at", "department")
    assert TABLES["plan"].required == ("dimension", "key", "department", "measure", "value")
    assert TABLES["survey"].required == ("respondent_id", "department", "item", "answer")


def test_columns_that_are_compared_share_a_vocabulary() -> None:
    assert TABLES["leads"].columns["need"].vocabulary == TABLES["campaigns"].columns["theme"].vocabulary
    assert TABLES["touches"].columns["theme"].vocabulary == TABLES["campaigns"].columns["theme"].vocabulary
    assert TABLES["touches"].columns["channel"].words == TOUCH_CHANNELS
    assert TABLES["leads"].columns["channel"].vocabulary != TABLES["touches"].columns["channel"].vocabulary
    assert TABLES["people"].columns["department"].words == DEPARTMENTS
