"""The shared scorecard in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from alignment_toolkit.cli.common import print_table, say

if TYPE_CHECKING:
    from alignment_toolkit.results import Analysis

__all__ = ["print_scorecard"]


def print_scorecard(analysis: Analysis) -> None:
    """Print targets and scores, and how many levers and messages do not go together with them."""
    from alignment_toolkit.units import unit

    card = analysis.scorecard
    if not card.rows:
        return
    say("\nScorecard: what the plan asks for")
    share, rows = unit("share"), []
    once: dict[str, Mapping[str, Any]] = {}
    for row in card.rows:
        once.setdefault(row["kpi"], row)
    for row in once.values():
        u = unit(row["unit"])
        weights = [f"{r['department']} {r['weight']:g}" for r in card.rows if r["kpi"] == row["kpi"]]
        target = u.text(row["target"], currency=analysis.currency) if row["target"] is not None else "none"
        rows.append(
            [
                row["title"], target, u.text(row["value"], currency=analysis.currency),
                share.text(row["attainment"]), share.interval(row["attainment_low"], row["attainment_high"]),
                _outcome(row), ", ".join(weights),
            ]
        )  # fmt: skip
    columns = ["KPI", "target", "value", "attainment", "95 % interval", "outcome", "weights"]
    print_table(columns, rows, right=["target", "value", "attainment"])
    for d in card.departments:
        interval = share.interval(d["low"], d["high"])
        score = share.text(d["score"]) + (f" ({interval})" if interval else "")
        say(f"Score of {d['department']}: {score}{': ' + d['reason'] if d['reason'] else ''}")
    said = len({m["text"] for d in card.departments for m in d["messages"]})
    against = [row["title"] for row in analysis.incentives if row["conflict"]]
    if said:
        say(f"Double messages between plan and scorecard: {said}, in the report.")
    if against:
        say(f"Levers that set one against another, or against profit: {', '.join(against)}.")


def _outcome(row: Mapping[str, Any]) -> str:
    if row["reached"] is not None:
        return "reached" if row["reached"] else "not reached"
    return (
        row["reason"] or "open" if row["chance"] is None else f"chance {row['chance']:.0%}".replace("%", " %")
    )
