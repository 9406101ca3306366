"""The small company that is committed in data/sample."""

from __future__ import annotations

from pathlib import Path

from alignment_toolkit.simulation.making import simulate
from alignment_toolkit.simulation.recipe import Recipe
from alignment_toolkit.simulation.writing import write_answers, write_tables

SAMPLE = Recipe(
    seed=3, accounts=800, leads=3300, salespeople=14, products=8, campaigns=56,
    plant={
        "dropped_leads": 1.2, "portfolio_mismatch": 1.1, "price_ambition": 1.4, "positioning_mismatch": 1.2,
        "untrained_launch": 1.2, "off_plan_accounts": 1.5, "perception_gap": 1.2, "failing_joint_projects": 0.6,
    },
)  # fmt: skip
"""Misaligned in all three natures, some of it beyond doubt, some too little data for a verdict; most is in line."""


def write_sample(folder: str | Path) -> Path:
    """Write the sample's tables into the folder itself, and its answers beside it as ``<folder>-answers.json``."""
    made_up, data = simulate(SAMPLE), Path(folder)
    write_tables(made_up.tables, made_up.end, data)
    write_answers(made_up.answers, data.with_name(f"{data.name}-answers.json"))
    return data
