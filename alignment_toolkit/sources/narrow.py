"""Narrowing: one value of a dimension, on a table's own column or through a many-to-one key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from alignment_toolkit.errors import BeyondPart
from alignment_toolkit.sources.relate import PERSON_COLUMNS
from alignment_toolkit.tables import TABLES

if TYPE_CHECKING:
    from ibis.expr.types import Table

__all__ = [
    "Step",
    "combinations",
    "narrowed_table",
    "owners_of_dimension",
    "placed",
    "require_divided",
    "undivided",
]

# Keys are tried in this order; the first whose table has the dimension is used.
_KEYS: Final = (
    ("account_id", "accounts"),
    ("lead_id", "leads"),
    ("opportunity_id", "opportunities"),
    ("campaign_id", "campaigns"),
    ("product_id", "products"),
    ("contact_id", "contacts"),
    *((column, "people") for column in PERSON_COLUMNS),
)
# The same word for two things: where a lead came from is not by what means somebody was touched, so a touch is
# narrowed through its lead or campaign; how large a project is says nothing of a client's size.
_MAIN: Final = {
    "channel": "channel", "category": "product_category", "size": "size", "outcome": "outcome",
}  # fmt: skip


class _Tables(Protocol):
    @property
    def tables(self) -> tuple[str, ...]: ...
    def columns(self, table: str) -> tuple[str, ...]: ...
    def __getitem__(self, table: str) -> Table: ...


@dataclass(frozen=True)
class Step:
    """One narrowing: the dimension (a column or table.column) and its value; None is where it is missing.

    Where leads say to whom they were `handed`, that person and no later owner may be the key to a person's dimension.
    """

    dimension: str
    value: Any
    handed: bool = False

    def path(
        self, company: _Tables, table: str, columns: Iterable[str]
    ) -> tuple[str, str | None, str | None] | None:
        """Give (column, key, key's table): own column without key, or through a key; None where there is no way."""
        home, _, column = self.dimension.rpartition(".")
        there = set(columns)
        if column in there and (home == table or (not home and _is_dimension(table, column))):
            return column, None, None
        for key, target in _KEYS:
            if (
                key not in there
                or target not in company.tables
                or target == table
                or (home and home != target)
            ):
                continue
            if key == "owner" and (table == "value_ratings" or (self.handed and "received_by" in there)):
                continue
            if column in company.columns(target) and (home or _is_dimension(target, column)):
                return column, key, target
        return None

    def reaches(self, company: _Tables, table: str, columns: Iterable[str]) -> bool:
        """Tell whether a table can be narrowed by this step."""
        return self.path(company, table, columns) is not None


def undivided(company: _Tables, table: str, columns: Iterable[str], steps: Iterable[Step]) -> str | None:
    """Name the dimension by which a table can't be narrowed: it has no such column and no key to a table that has."""
    return next((s.dimension for s in steps if not s.reaches(company, table, columns)), None)


def require_divided(table: str, dimension: str | None) -> None:
    """Refuse a table that can't be narrowed by a dimension, which `undivided` gave."""
    if dimension is not None:
        raise BeyondPart(table, dimension)


def _is_dimension(table: str, column: str) -> bool:
    main = _MAIN.get(column)
    if main is None:
        return True
    if table in TABLES:
        spec = TABLES[table].columns.get(column)
        return spec is None or spec.vocabulary == main
    return True


def owners_of_dimension(company: _Tables, dimension: str) -> list[tuple[str, str]]:
    """Give the (table, column) that hold a dimension themselves."""
    home, _, column = dimension.rpartition(".")
    return [
        (table, column)
        for table in company.tables
        if column in company.columns(table) and (home == table or (not home and _is_dimension(table, column)))
    ]


def narrowed_table(
    company: _Tables, name: str, made: Table, step: Step, made_of: Sequence[str] = ()
) -> Table:
    """Filter a table, or a relation that is made of tables; keys are looked up in the whole company.

    Raises
    ------
    BeyondPart
        Where there is no way from it to the dimension.
    """
    path = step.path(company, name, made.columns)
    if path is None:
        raise BeyondPart(name, step.dimension, made_of)
    column, key, target = path
    if key is None or target is None:
        return made.filter(made[column].isnull() if step.value is None else made[column] == step.value)
    other = company[target]
    own = TABLES[target].key
    if step.value is None:
        filled = other.filter(other[column].notnull())
        return made.filter(made[key].isnull() | made[key].notin(filled[own]))
    fitting = other.filter(other[column] == step.value)
    return made.filter(made[key].isin(fitting[own]))


def combinations(company: _Tables, table: str, dimensions: Iterable[str]) -> Table | None:
    """Give a table's rows counted by combination of the dimensions' values; None where it does not reach one of them.

    A row belongs where `narrowed_table` puts it.
    """
    t, names = company[table], []
    for number, dimension in enumerate(dimensions):
        names.append(f"_d{number}")
        found = placed(company, table, t, dimension, names[-1])
        if found is None:
            return None
        t = found
    return t.group_by(names).aggregate(rows=t.count()).order_by(names)


def placed(company: _Tables, name: str, made: Table, dimension: str, into: str) -> Table | None:
    """Give a table or relation with a column of the value by which `narrowed_table` places a row; None without a way.

    It has no value where the row is of no part, since its own column or key is empty or its key leads nowhere.
    """
    path = Step(dimension, None).path(company, name, made.columns)
    if path is None:
        return None
    column, key, target = path
    if key is None or target is None:
        return made.mutate(**{into: made[column]})
    other = company[target]
    other = other.select(**{f"{into}_key": other[TABLES[target].key], into: other[column]})
    return made.left_join(other, made[key] == other[f"{into}_key"]).drop(f"{into}_key")
