"""Narrowing: one value of a dimension, on a table's own column or through a many-to-one key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from alignment_toolkit.errors import BeyondPart
from alignment_toolkit.sources.relate import PERSON_COLUMNS
from alignment_toolkit.tables import TABLES

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

__all__ = [
    "Step",
    "Way",
    "combinations",
    "narrowed_table",
    "owners_of_dimension",
    "placed",
    "require_divided",
    "undivided",
    "with_values",
]

# Keys are tried in this order, of those whose table has the dimension.
_KEYS: Final = (
    ("account_id", "accounts"),
    ("lead_id", "leads"),
    ("opportunity_id", "opportunities"),
    ("campaign_id", "campaigns"),
    ("product_id", "products"),
    ("contact_id", "contacts"),
    *((column, "people") for column in PERSON_COLUMNS),
)
# Whom a row is about, and what brought them: where one of these keys is empty, the next one says where a row belongs.
# What was sold and who did it are other things: a mailing that names no client is not of its sender's region.
_CASES: Final = ("accounts", "leads", "opportunities", "campaigns", "contacts")
# The same word for two things: where a lead came from is not by what means somebody was touched, so a touch is
# narrowed through its lead, deal or campaign; how large a project is says nothing of a client's size.
_MAIN: Final = {
    "channel": "channel", "category": "product_category", "size": "size", "outcome": "outcome",
}  # fmt: skip


class _Tables(Protocol):
    @property
    def tables(self) -> tuple[str, ...]: ...
    def has(self, table: str, *columns: str) -> bool: ...
    def __getitem__(self, table: str) -> Table: ...


class Way(NamedTuple):
    """Where a row finds its value of a dimension: in a column of its own (no key), or of the table that a key names."""

    column: str
    key: str | None = None
    table: str | None = None


@dataclass(frozen=True)
class Step:
    """One narrowing: the dimension (a column or table.column) and its value; None is where it is missing.

    Where leads say to whom they were `handed`, that person and no later owner may be the key to a person's dimension.
    """

    dimension: str
    value: Any
    handed: bool = False

    def ways(self, company: _Tables, table: str, columns: Iterable[str]) -> tuple[Way, ...]:
        """Give the ways to a row's value: the own column alone, or keys, the first filled of which decides; else none.

        A row stays with what its first key names, even where that has no value: a touch goes where its lead goes.
        """
        home, _, column = self.dimension.rpartition(".")
        there = set(columns)
        if column in there and (home == table or (not home and _is_dimension(table, column))):
            return (Way(column),)
        found: list[Way] = []
        for key, target in _KEYS:
            if key not in there or target == table or (home and home != target):
                continue
            if key == "owner" and (table == "value_ratings" or (self.handed and "received_by" in there)):
                continue
            if not company.has(target, column) or not (home or _is_dimension(target, column)):
                continue
            if found and not _alike(column, str(found[0].table), target):
                continue
            found.append(Way(column, key, target))
            if target not in _CASES:
                break
        return tuple(found)

    def reaches(self, company: _Tables, table: str, columns: Iterable[str]) -> bool:
        """Tell whether a table can be narrowed by this step."""
        return bool(self.ways(company, table, columns))


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


def _alike(column: str, *tables: str) -> bool:
    """Tell whether tables say the same by a column: words, and the company's own columns; no names, no ids."""
    specs = [TABLES[table].columns.get(column) for table in tables]
    return set(tables) <= set(_CASES) and all(spec is None or spec.type == "word" for spec in specs)


def owners_of_dimension(company: _Tables, dimension: str) -> list[tuple[str, str]]:
    """Give the (table, column) that hold a dimension themselves."""
    home, _, column = dimension.rpartition(".")
    return [
        (table, column)
        for table in company.tables
        if company.has(table, column) and (home == table or (not home and _is_dimension(table, column)))
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
    ways = step.ways(company, name, made.columns)
    if not ways:
        raise BeyondPart(name, step.dimension, made_of)
    return made.filter(_belongs(company, made, ways, step.value))


def _belongs(company: _Tables, made: Table, ways: Sequence[Way], value: Any) -> Value:
    """Tell of every row whether it has a value of a dimension, or where that is None, whether it has none."""
    (column, key, table), *others = ways
    if key is None or table is None:
        return made[column].isnull() if value is None else made[column] == value
    other = company[table]
    fitting = other.filter(other[column].notnull() if value is None else other[column] == value)
    named = fitting[TABLES[table].key]
    empty, here = made[key].isnull(), made[key].notin(named) if value is None else made[key].isin(named)
    if others:  # of no row at all even an empty key is "not in", to the engine
        return (~empty & here) | (empty & _belongs(company, made, others, value))
    return empty | here if value is None else here


def with_values(company: _Tables, t: Table, ways: Sequence[Way], into: str) -> Table:
    """Give a table with each row's value of a dimension in one more column; the rows stay as they are."""
    if ways[0].key is None:
        return t.mutate(**{into: t[ways[0].column]})
    found = [f"{into}_{number}" for number in range(len(ways))]
    for (column, key, table), name in zip(ways, found, strict=True):
        other = company[str(table)]
        other = other.select(**{f"{name}_key": other[TABLES[str(table)].key], name: other[column]})
        t = t.left_join(other, t[str(key)] == other[f"{name}_key"]).drop(f"{name}_key")
    value: Value = t[found[-1]]
    for way, name in reversed([*zip(ways[:-1], found[:-1], strict=True)]):
        value = t[str(way.key)].notnull().ifelse(t[name], value)
    return t.mutate(**{into: value}).drop(*found)


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

    It has no value where the row is of no part, since its own column or all keys are empty or its key leads nowhere.
    """
    ways = Step(dimension, None).ways(company, name, made.columns)
    return with_values(company, made, ways, into) if ways else None
