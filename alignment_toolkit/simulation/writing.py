"""How the tables look on disk: one text per value, so that the same company gives the same bytes everywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from alignment_toolkit.tables import TABLES

MONEY = {"amount", "list_amount", "cost", "list_price", "unit_cost", "price"}
SCORES = {"potential", "marketing_score"}
SETTINGS = """\
# This company is made up: none of its people, clients and numbers exist.
[company]
name = "Sample company (made up)"
currency = "EUR"
timezone = "Europe/Berlin"
fiscal_year_starts = 1

[calendar]
days = ["mon", "tue", "wed", "thu", "fri"]
from = "09:00"
to = "17:00"

# The last day of the data, also where nothing happened on it.
[tables]
"""


def texts(table: pd.DataFrame) -> pd.DataFrame:
    """Every value as the text that is written: ISO dates, money with 2 decimals, scores with 1, true/false, else empty.

    >>> texts(pd.DataFrame({"amount": [3.5, None], "target": [True, False]})).to_dict("list")
    {'amount': ['3.50', ''], 'target': ['true', 'false']}
    """
    return pd.DataFrame({name: _texts(str(name), table[name]) for name in table.columns})


def _texts(name: str, column: pd.Series) -> list[str]:
    if column.dtype.kind == "M":
        days = name.endswith("_on") or name in ("on", "client_since", "contract_until")
        text = np.datetime_as_string(column.to_numpy().astype("datetime64[s]"), unit="D" if days else "s")
        return ["" if each == "NaT" else each for each in text.tolist()]
    if column.dtype.kind == "b":
        return ["true" if each else "false" for each in column.tolist()]
    if column.dtype.kind == "f":
        if name in MONEY:
            return ["" if each != each else f"{each:.2f}" for each in column.tolist()]
        if name in SCORES:
            return ["" if each != each else f"{each:.1f}" for each in column.tolist()]
        return ["" if each != each else f"{each:.10g}" for each in column.tolist()]
    return ["" if each is None or each != each else _text(each) for each in column.tolist()]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, (bool, np.bool_)) else str(value)


def write_tables(tables: Mapping[str, pd.DataFrame], end: date, folder: Path) -> None:
    """Write each table as CSV, and the settings that go with them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        texts(table).to_csv(folder / f"{name}.csv", index=False, lineterminator="\n", encoding="utf-8")
    complete = "".join(
        f"{name} = {{ complete_until = {end} }}\n" for name in tables if TABLES[name].event_columns
    )
    (folder / "alignment.toml").write_text(SETTINGS + complete, encoding="utf-8", newline="\n")


def write_answers(answers: Mapping[str, object], file: Path) -> None:
    """Write the answer key."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(answers, indent=2) + "\n", encoding="utf-8", newline="\n")
