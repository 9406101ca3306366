"""Small companies made of rows that a test writes down: `company_of({"leads": [{...}]})`.

`Stand` binds rows to an engine with the interface that KPIs and relations use of a Company; `written` writes the same
rows as canonical files for the real one.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa

from alignment_toolkit.errors import MissingTable
from alignment_toolkit.relations import RELATIONS, missing
from alignment_toolkit.relations.money import in_own_currency
from alignment_toolkit.settings import Settings
from alignment_toolkit.tables import TABLES

Rows = Sequence[Mapping[str, Any]]
ARROW = {
    "text": pa.string(), "id": pa.string(), "word": pa.string(), "timestamp": pa.timestamp("us"), "date": pa.date32(),
    "money": pa.decimal128(18, 4), "number": pa.float64(), "integer": pa.int64(), "share": pa.float64(),
    "score": pa.float64(), "bool": pa.bool_(),
}  # fmt: skip


@dataclass
class Stand:
    """Tables in one DuckDB, with what KPIs and relations ask of a company."""

    data: Mapping[str, pa.Table]
    settings: Settings
    until: Mapping[str, date] = field(default_factory=dict)
    fetched: list[Any] = field(default_factory=list)
    undated: frozenset[str] = frozenset()

    @cached_property
    def backend(self) -> Any:
        return ibis.duckdb.connect()

    @cached_property
    def _bound(self) -> dict[str, Any]:
        return {name: self.backend.create_table(name, rows) for name, rows in self.data.items()}

    @property
    def currency(self) -> str:
        return self.settings.company.currency

    @property
    def calendar(self) -> Any:
        return self.settings.working_calendar()

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(t for t in TABLES if t in self.data)

    def columns(self, table: str) -> tuple[str, ...]:
        return tuple(self.data[table].column_names) if table in self.data else ()

    def has(self, table: str, *columns: str) -> bool:
        return table in self.data and set(columns) <= set(self.columns(table))

    def missing(self, needs: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
        return missing(self, needs)

    def __getitem__(self, table: str) -> Any:
        if table not in self.data:
            raise MissingTable(table, self.tables)
        rates = self._bound.get("rates")
        return in_own_currency(self._bound[table], table, rates, self.currency)

    def relation(self, name: str) -> Any:
        return RELATIONS[name].build(self) if name in RELATIONS else self[name]

    def fetch(self, expr: Any, *, limit: int = 2_000_000) -> pd.DataFrame:
        self.fetched.append(expr)
        return self.backend.to_pandas(expr)

    def complete_until(self, table: str) -> date | None:
        if table in self.until:
            return self.until[table]
        found = []
        for column in TABLES[table].event_columns:
            if self.has(table, column):
                found += [v for v in self.data[table][column].to_pylist() if v is not None]
        days = [v.date() if isinstance(v, datetime) else v for v in found]
        return max(days) if days else None

    def as_of_of(self, tables: Iterable[str]) -> date | None:
        found = [d for t in tables if (d := self.complete_until(t)) is not None]
        cap = self.settings.company.as_of
        return min([*found, cap] if cap else found, default=None)

    @property
    def as_of(self) -> date | None:
        return self.as_of_of(self.tables)


class Unbound(Stand):
    """The same tables without an engine: their expressions compile for any dialect, and run nowhere."""

    @cached_property
    def _bound(self) -> dict[str, Any]:
        return {
            name: ibis.table(ibis.Schema.from_pyarrow(t.schema), name=name) for name, t in self.data.items()
        }


def _value(value: Any, kind: pa.DataType) -> Any:
    if isinstance(value, str):
        if pa.types.is_timestamp(kind):
            return datetime.fromisoformat(value)
        if pa.types.is_date(kind):
            return date.fromisoformat(value)
    if value is not None and pa.types.is_decimal(kind):
        return Decimal(str(value))
    if value is not None and pa.types.is_floating(kind):
        return float(value)
    return value


def arrow(table: str, rows: Rows, columns: Sequence[str] = ()) -> pa.Table:
    """Give rows as a typed table: the columns that any row has, those named, and those that are required."""
    spec = TABLES[table].columns
    names = dict.fromkeys(
        [*(c for c in spec if spec[c].required), *columns, *(c for row in rows for c in row)]
    )
    kinds = {c: ARROW[spec[c].type] if c in spec else pa.string() for c in names}
    return pa.table({c: pa.array([_value(row.get(c), k) for row in rows], k) for c, k in kinds.items()})


def company_of(
    tables: Mapping[str, Rows],
    *,
    toml: str = "",
    until: Mapping[str, str | date] | None = None,
    columns: Mapping[str, Sequence[str]] | None = None,
    kind: type[Stand] = Stand,
) -> Stand:
    """Give a company of these rows.

    `toml` is the text of an alignment.toml, `until` sets how far a table is complete, and `columns` names columns that
    are there even where no row fills them.
    """
    settings = Settings.from_toml(toml or '[company]\ncurrency = "EUR"\n', file="alignment.toml")
    days = {t: date.fromisoformat(d) if isinstance(d, str) else d for t, d in (until or {}).items()}
    data = {name: arrow(name, rows, (columns or {}).get(name, ())) for name, rows in tables.items()}
    return kind(data, settings, days)


def written(
    tables: Mapping[str, Rows], folder: Path, *, columns: Mapping[str, Sequence[str]] | None = None
) -> Path:
    """Write rows as the canonical files of a folder."""
    for name, rows in tables.items():
        table = arrow(name, rows, (columns or {}).get(name, ()))
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out)
            writer.writerow(table.column_names)
            for row in table.to_pylist():
                writer.writerow(["" if v is None else _text(v) for v in row.values()])
    return folder


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)
