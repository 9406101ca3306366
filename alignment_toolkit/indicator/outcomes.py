"""Columns that say what came of a case: a part of the company that is chosen by them answers by how it was chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from alignment_toolkit.languages import say
from alignment_toolkit.relations import RELATIONS
from alignment_toolkit.relations.outcomes import CLIENT_SIGNS, DEAL_ENDS, LEAD_ENDS
from alignment_toolkit.sources.narrow import Step
from alignment_toolkit.tables import TABLES

__all__ = ["CLIENT_SIGNS", "DEAL_ENDS", "LEAD_ENDS", "chosen_by_outcome"]


def chosen_by_outcome(
    company: Any, outcomes: Mapping[str, Iterable[str]], cases: Iterable[str]
) -> str | None:
    """Say why a part of a company was chosen by what is judged, or by what came of it; else None.

    Of the leads that are lost now all were answered late, of the deals argued on price all were argued on price.

    Parameters
    ----------
    company
        The company, or a part of it.
    outcomes
        The columns that tell, by table.
    cases
        The tables and relations that those asked about come from.
    """
    whole = getattr(company, "whole", company)
    for dimension, value in getattr(company, "steps", ()):
        for name in cases:
            if name in TABLES:
                own, homes = (whole.columns(name) if name in whole.tables else ()), [name]
            else:
                own, homes = whole.relation(name).columns, [*RELATIONS[name].tables(whole)]
            for column, key, target in Step(dimension, value, handed=True).ways(whole, name, own):
                # By way of a key that is an outcome (a lead's owner) the team behind it is one, too.
                read = [(target or home, column) for home in homes]
                for table, told in read if key is None else [*read, *((home, key) for home in homes)]:
                    if told in outcomes.get(table, ()):
                        return say(
                            "Not asked by {dimension}: {column} says what is judged here, or what came of it. "
                            "Rows chosen by it would give the answer by how they were chosen.",
                            dimension=dimension.rpartition(".")[2].replace("_", " "),
                            column=f"{table}.{told}",
                        )
    return None
