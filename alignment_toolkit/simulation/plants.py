"""The misalignments that can be planted: how each gap is measured, from where on it matters, its size unplanted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plant:
    """One misalignment, as the design of the indicators names it.

    Parameters
    ----------
    unit, window, direction, margin
        How the true gap is measured, over which window, which direction counts, from where on it matters.
    none
        The true gap of a company in which it is not planted.
    most
        The greatest strength that the mechanism can carry.
    """

    unit: str
    window: str
    direction: str
    margin: float
    none: float
    most: float

    def gap(self, strength: float, none: float | None = None) -> float:
        """Give the true gap of a strength: 0 none, 0.5 the margin, 1 twice the margin, straight lines between.

        >>> plant = Plant("share", "period", "greater", 0.1, 0.0, 2.0)
        >>> plant.gap(0.25), plant.gap(1.5)
        (0.05, 0.30000000000000004)
        """
        none = self.none if none is None else none
        if strength <= 0.5:
            return none + (self.margin - none) * strength / 0.5
        return self.margin + self.margin * (strength - 0.5) / 0.5


HEADERS: dict[str, Plant] = {
    "targeting_disagreement": Plant("index", "trailing-12-months", "greater", 0.50, 0.0, 1.0),
    "misjudged_potential": Plant("index", "mature-365-days", "both", 0.05, 0.0, 1.0),
    "score_gaming": Plant("share", "history", "greater", 0.03, 0.0, 2.0),
    "misplaced_effort": Plant("share", "period", "greater", 0.15, 0.0, 1.2),
    "off_plan_accounts": Plant("share", "period", "greater", 0.10, 0.02, 2.0),
    "portfolio_mismatch": Plant("share", "period", "greater", 0.15, 0.0, 1.2),
    "positioning_mismatch": Plant("share", "trailing-12-months", "greater", 0.20, 0.08, 2.0),
    "price_selling": Plant("points", "trailing-12-months", "greater", 2.0, 0.0, 1.5),
    "unbacked_price": Plant("ratio", "history", "both", 0.10, 0.0, 2.0),
    "price_ambition": Plant("ratio", "period", "greater", 0.05, 0.02, 2.0),
    "need_mismatch": Plant("share", "period", "greater", 0.20, 0.08, 2.0),
    "untrained_launch": Plant("share", "period", "greater", 0.20, 0.0, 2.0),
    "missed_decision_makers": Plant("share", "trailing-12-months", "greater", 0.30, 0.08, 1.5),
    "message_mismatch": Plant("share", "period", "greater", 0.20, 0.08, 2.0),
    "channel_mismatch": Plant("share", "period", "greater", 0.20, 0.10, 1.2),
    "neglected_clients": Plant("share", "period", "greater", 0.15, 0.04, 2.0),
    "dropped_leads": Plant("share", "period", "greater", 0.10, 0.03, 2.0),
    "acceptance_lottery": Plant("points", "trailing-12-months", "greater", 5.0, 0.0, 1.2),
    "discarded_leads": Plant("share", "mature-365-days", "greater", 0.10, 0.03, 2.0),
    "unanswered_signals": Plant("share", "period", "greater", 0.15, 0.06, 2.0),
    "quarter_end_rush": Plant("share", "trailing-12-months", "greater", 0.10, 0.0, 2.0),
    "perception_gap": Plant("points", "history", "both", 0.5, 0.0, 1.2),
    "strained_relationship": Plant("points", "history", "greater", 5.0, -7.0, 2.0),
    "avoided_dialogue": Plant("share", "trailing-12-months", "greater", 0.20, 0.0, 1.5),
    "failing_joint_projects": Plant("share", "history", "greater", 0.20, 0.0, 1.5),
    "busywork": Plant("index", "history", "greater", 0.20, 0.0, 2.0),
    "conflicting_kpis": Plant("index", "history", "greater", 0.20, 0.0, 1.0),
}
"""All 27, in the order of the design."""

PLANTS: dict[str, float] = {name: plant.most for name, plant in HEADERS.items()}
"""Each with its greatest strength (0.5 is at the margin, 1 at twice it)."""

CLASHES: frozenset[frozenset[str]] = frozenset({
    frozenset({"targeting_disagreement", "misjudged_potential"}),
    frozenset({"quarter_end_rush", "conflicting_kpis"}),
})  # fmt: skip
"""Pairs of which one, planted, moves the true gap of the other: not to be planted together where both are measured."""
