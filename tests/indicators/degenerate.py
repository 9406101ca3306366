"""Degenerate companies for every indicator: twelve ways in which data says nothing, and what a finding must be then.

@pytest.mark.parametrize("frame", FRAMES)
def test_degenerate(frame):
    company = company_of(FRAMES[frame](tables()), columns=...)
    sound(dropped_leads.look(company, PERIOD))
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from alignment_toolkit.indicator import Look
from alignment_toolkit.results import Finding
from alignment_toolkit.tables import TABLES
from alignment_toolkit.verdict import verdicts

Row = dict[str, Any]
Tables = dict[str, list[Row]]

MOMENT = datetime(2025, 3, 3, 9)
NUMBERS = ("number", "integer", "money", "share", "score")
LINKS = (
    "account_id",
    "campaign_id",
    "product_id",
    "lead_id",
    "contact_id",
    "region",
    "channel",
    "owner",
    "actor",
)


def each(tables: Tables, change: Callable[[str, str, Any], Any]) -> Tables:
    """Change every value that a table's specification knows: ``change(table, column, value)``."""
    return {
        table: [
            {c: change(table, c, v) if c in TABLES[table].columns else v for c, v in row.items()}
            for row in rows
        ]
        for table, rows in tables.items()
    }


def _kind(table: str, column: str) -> str:
    return TABLES[table].columns[column].type


def _own(table: str, column: str) -> bool:
    """Say whether a column names the row itself."""
    spec = TABLES[table]
    return column == spec.key or any(column in group for group in spec.unique)


def _numbered(value: Any, to: float) -> Any:
    return None if value is None else (Decimal(str(to)) if isinstance(value, Decimal) else type(value)(to))


def _bounded(table: str, column: str, value: Any, *, most: bool) -> Any:
    if _kind(table, column) not in NUMBERS or value is None:
        return value
    spec = TABLES[table].columns[column]
    if most:
        return _numbered(value, spec.high if spec.high is not None else 1e9)
    return _numbered(value, spec.low or 0)


def _at(value: Any) -> Any:
    if isinstance(value, datetime):
        return MOMENT
    if isinstance(value, date):
        return MOMENT.date()
    if isinstance(value, str):  # as tests write moments down
        try:
            datetime.fromisoformat(value)
        except ValueError:
            return value
        return str(MOMENT) if len(value) > 10 else str(MOMENT.date())
    return value


def _long_ago(value: Any) -> Any:
    now = _at(value)
    if now == value or now is None:
        return value
    return now.replace(year=1990) if isinstance(now, date) else f"1990{now[4:]}"


def _first_word(tables: Tables) -> Callable[[str, str, Any], Any]:
    def change(table: str, column: str, value: Any) -> Any:
        if _kind(table, column) != "word" or value is None or _own(table, column):
            return value
        return next(v for row in tables[table] if (v := row.get(column)) is not None)

    return change


def _copies(tables: Tables) -> Tables:
    return {
        table: [{c: f"{v}{i}" if _own(table, c) else v for c, v in rows[0].items()} for i in range(20)]
        if rows
        else []
        for table, rows in tables.items()
    }


def _one(table: str, column: str, value: Any) -> Any:
    return "one" if column in LINKS and not _own(table, column) and value is not None else value


def _side(table: str, column: str, value: Any) -> Any:
    return "sales" if column in ("department", "scope", "sourced_by") and value is not None else value


def _required(table: str, column: str, value: Any) -> Any:
    return value if TABLES[table].columns[column].required else None


FRAMES: Mapping[str, Callable[[Tables], Tables]] = {
    "no rows": lambda tables: {name: [] for name in tables},
    "one row of each": lambda tables: {name: rows[:1] for name, rows in tables.items()},
    "nothing but what is required": lambda tables: each(tables, _required),
    "one department": lambda tables: each(tables, _side),
    "all words alike": lambda tables: each(tables, _first_word(tables)),
    "one of everything that is linked to": lambda tables: each(tables, _one),
    "all at one moment": lambda tables: each(
        tables, lambda t, c, v: _at(v) if _kind(t, c) in ("date", "timestamp") else v
    ),
    "long before the window": lambda tables: each(
        tables, lambda t, c, v: _long_ago(v) if _kind(t, c) in ("date", "timestamp") else v
    ),
    "all numbers the least": lambda tables: each(tables, lambda t, c, v: _bounded(t, c, v, most=False)),
    "all numbers the most": lambda tables: each(tables, lambda t, c, v: _bounded(t, c, v, most=True)),
    "all true": lambda tables: each(tables, lambda t, c, v: True if isinstance(v, bool) else v),
    "all a copy of one": _copies,
}


def sound(look: Look) -> Finding:
    """Check what must hold whatever the data is, and give the finding.

    Nothing is raised and no number is infinite or made up; a verdict needs an interval; a value lies in its interval.
    """
    assert look.error is None, look.error
    finding = verdicts([look])[0]
    json.dumps(finding.to_json() if hasattr(finding, "to_json") else _plain(finding), allow_nan=False)
    if finding.status in ("misaligned", "aligned", "uncertain"):
        assert finding.gap is not None
        assert finding.gap.low is not None
        assert finding.p_value is not None
        assert 0 <= finding.p_value <= 1
    elif finding.status in ("too_little_data", "withheld"):
        assert finding.message
    for number in (finding.gap, *finding.measures):
        if number is not None and number.low is not None and number.high is not None:
            assert number.value is not None
            assert number.low <= number.value <= number.high
            assert number.method
    assert "nan" not in finding.statement.casefold().replace("finance", "")
    return finding


def _plain(value: Any) -> Any:
    """Give nested data; a number that is not finite fails here already."""
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        assert math.isfinite(value)
        return value
    return value if isinstance(value, int | str | bool | None) else str(value)
