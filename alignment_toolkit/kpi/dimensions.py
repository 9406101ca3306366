"""Dimensions: what may stand in `by`, and the many-to-one joins that bring it to a relation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from alignment_toolkit.errors import ParameterError, UnknownName
from alignment_toolkit.kpi.kinds import whole_of
from alignment_toolkit.relations import PARENTS, RELATIONS, Source
from alignment_toolkit.sources.narrow import Step, Way, with_values

if TYPE_CHECKING:
    from ibis.expr.types import Table

__all__ = ["Place", "attach", "dimension_column", "home_of", "place_of", "ways_of"]

KEY_OF: Final = {
    "accounts": "account_id", "campaigns": "campaign_id", "products": "product_id",
    "contacts": "contact_id", "people": "person_id",
}  # fmt: skip
# A short name is sought among what is sold and who is sold to before it is sought among persons.
_TIERS: Final = (("accounts", "campaigns", "products"), ("contacts", "people"))


@dataclass(frozen=True)
class Place:
    """Where a dimension stands: in the relation itself (`key` is None) or in a table, reached by a key."""

    column: str
    key: str | None = None
    table: str | None = None

    @property
    def name(self) -> str:
        """Give the name that is never ambiguous."""
        if self.key is None:
            return self.column
        return f"{self.key if self.table == 'people' else self.table}.{self.column}"


def dimension_column(number: int) -> str:
    """Name the column that holds the dimension of that number."""
    return f"_d{number}"


def home_of(relation: str, source: Source) -> tuple[str, ...]:
    """Name the tables that a relation's own columns may be called by."""
    return (relation, *RELATIONS[relation].dated_by(source)) if relation in RELATIONS else (relation,)


def attach(source: Source, relation: str, t: Table, by: Sequence[str]) -> Table:
    """Give the relation with one more column per dimension; its rows stay as they are.

    What describes a row is looked up in the whole company: a part of it may lack products, or the client of an order.

    Raises
    ------
    UnknownName
        For a name that the relation neither has nor reaches by a key, with the near match.
    ParameterError
        For a name that stands in several tables, with the choices, or for a moment of time.
    """
    places, whole = [place_of(source, relation, t, name) for name in by], whole_of(source)
    own = list(t.columns)
    for number, place in enumerate(places):
        into = dimension_column(number)
        if place.table is None or place.key is None:
            t = t.mutate(**{into: t[place.column]})
            continue
        ways = ways_of(source, relation, t, by[number], place)
        if len(ways) > 1:
            t = with_values(whole, t, ways, into)
            continue
        parent = whole[place.table]
        parent = parent.select(_key=parent[KEY_OF[place.table]], **{into: parent[place.column]})
        t = t.left_join(parent, t[place.key] == parent._key).drop("_key")
    return t.select(*own, *[dimension_column(n) for n in range(len(places))])


def ways_of(source: Source, relation: str, t: Table, name: str, place: Place) -> tuple[Way, ...]:
    """Give the ways to a dimension with this place: those of a part of the company, where they begin there too."""
    own = Way(place.column, place.key, place.table)
    found = () if place.key is None else Step(name, None).ways(whole_of(source), relation, t.columns)
    return found if found[:1] == (own,) else (own,)


def place_of(source: Source, relation: str, t: Table, name: str) -> Place:
    """Give the place where a dimension of a relation stands; the errors are those of `attach`."""
    whole = whole_of(source)
    own = [Place(c) for c in t.columns]
    reached = [
        Place(c, key, table)
        for key, table in PARENTS.items()
        if key in t.columns and whole.has(table, KEY_OF[table])
        for c in whole[table].columns
        if c != KEY_OF[table]
    ]
    prefix, _, column = name.rpartition(".")
    if not prefix:
        found = [p for p in own if p.column == name]
        for tier in _TIERS:
            found = found or [p for p in reached if p.column == name and p.table in tier]
    elif prefix in home_of(relation, source):
        found = [p for p in own if p.column == column]
    else:
        found = [p for p in reached if p.column == column and prefix in (p.table, p.key)]
    if not found:
        choices = [p.name for p in own] + [p.name for p in reached]
        if not prefix:
            choices += [p.column for p in reached]
        raise UnknownName("dimension", name, choices, where=f"of {relation}")
    if len(found) > 1:
        choices_text = ", ".join(sorted(p.name for p in found))
        raise ParameterError(
            f"The dimension '{name}' of {relation} could be any of {choices_text}: say which."
        )
    place = found[0]
    holder = t if place.table is None else whole[place.table]
    kind = holder[place.column].type()
    if kind.is_timestamp() or kind.is_date():
        raise ParameterError(f"'{name}' of {relation} is a time and no dimension; a grain cuts by time.")
    return place
