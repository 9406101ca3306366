"""A made-up company in every canonical table, with planted misalignments and their answer key.

The simulation draws accounts with a true potential, what marketing does about them, what sales does with what
marketing brings, what the clients buy, and what both departments think and write down. What is planted, and how
large the true gap of the process is, stands in the answers. It shares no formula with the toolkit's estimators.
"""

from __future__ import annotations

from alignment_toolkit.simulation.making import COLUMNS, Simulated, simulate
from alignment_toolkit.simulation.plants import CLASHES, PLANTS
from alignment_toolkit.simulation.recipe import CONFOUNDERS, Recipe
from alignment_toolkit.simulation.sample import SAMPLE, write_sample

__all__ = [
    "CLASHES",
    "COLUMNS",
    "CONFOUNDERS",
    "PLANTS",
    "SAMPLE",
    "Recipe",
    "Simulated",
    "simulate",
    "write_sample",
]
