"""Relations: tables derived from the canonical ones, each with one row per stated grain.

The words are those of the data dictionary: sales lines, client since, episode, a lead converts, first touch. A relation
never loses or doubles a row of its grain.
"""

from __future__ import annotations

from alignment_toolkit.relations.derived import (
    client_tables,
    clients,
    first_touches,
    lead_outcomes,
    sales,
    sales_table,
)
from alignment_toolkit.relations.paths import path_steps, sale_moments
from alignment_toolkit.relations.pushes import product_pushes
from alignment_toolkit.relations.registry import RELATIONS, Relation, relation
from alignment_toolkit.relations.source import PARENTS, Source, alive, day, missing

__all__ = [
    "PARENTS",
    "RELATIONS",
    "Relation",
    "Source",
    "alive",
    "client_tables",
    "clients",
    "day",
    "first_touches",
    "lead_outcomes",
    "missing",
    "path_steps",
    "product_pushes",
    "relation",
    "sale_moments",
    "sales",
    "sales_table",
]
