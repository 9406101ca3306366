"""The canonical tables, as data: columns, types, keys, references, meaning.

Everything that is loaded is typed, checked and documented from here; nothing else names a column of a source.
"""

from __future__ import annotations

from typing import Final

from alignment_toolkit.tables.declared import AMOUNTS, DEPARTMENTS, TABLES, TOUCH_CHANNELS, UNSAID
from alignment_toolkit.tables.spec import ColumnSpec, ColumnType, Rule, TableSpec

__all__ = [
    "AMOUNTS",
    "DEPARTMENTS",
    "TABLES",
    "TOUCH_CHANNELS",
    "UNSAID",
    "ColumnSpec",
    "ColumnType",
    "Rule",
    "TableSpec",
    "data_dictionary",
]

_TYPES: Final = {
    "text": "text",
    "id": "id",
    "word": "word",
    "timestamp": "time",
    "date": "date",
    "money": "money",
    "number": "number",
    "integer": "whole number",
    "share": "share 0-1",
    "score": "score 0-100",
    "bool": "yes/no",
}


def _values(column: ColumnSpec) -> str:
    parts = [", ".join(f"`{w}`" for w in column.words)] if column.words else []
    if column.type not in ("share", "score") and column.low is not None:
        parts.append(
            f"{column.low:g} to {column.high:g}" if column.high is not None else f"from {column.low:g}"
        )
    if column.default is not None:
        parts.append(f"default `{column.default}`")
    return "; ".join(parts)


def data_dictionary() -> str:
    """Write the data dictionary as Markdown: the whole contract of the tables.

    Examples
    --------
    >>> data_dictionary().splitlines()[0]
    '# Data dictionary'
    """
    lines = [
        "# Data dictionary",
        "",
        "Generated from `alignment_toolkit.tables`; a test keeps it true. A folder of files `<table>.csv` or",
        "`<table>.parquet` with these columns needs no configuration. Columns marked **!** must be there and filled: a",
        "row without them is refused and counted. All others are optional; further columns are kept as text and can be",
        "used as dimensions. How cells are read is described in [loading](loading.md).",
    ]
    group = ""
    for table in TABLES.values():
        if table.group != group:
            group = table.group
            lines += ["", f"## {group}"]
        facts = [f"Key: `{table.key}`."] if table.key else []
        facts += [f"Dated by `{table.date}`."] if table.date else []
        if table.event_columns:
            facts.append(f"Complete until: from {', '.join(f'`{c}`' for c in table.event_columns)}.")
        if table.department_of:
            facts.append(f"An empty department is taken from the person in `{table.department_of}`.")
        lines += ["", f"### {table.name}", "", " ".join([table.about, *facts]), ""]
        lines += ["| column | type | meaning | values |", "|---|---|---|---|"]
        for column in table.columns.values():
            target = table.references.get(column.name)
            about = column.about + (f" → `{target[0]}`" if target else "")
            mark = "**!**" if column.required else ""
            lines.append(f"| `{column.name}`{mark} | {_TYPES[column.type]} | {about} | {_values(column)} |")
    return "\n".join(lines) + "\n"
