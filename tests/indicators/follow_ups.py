"""Leads that are followed up, as many as a comparison of what became of them needs."""

from __future__ import annotations

from typing import Any


def followed(
    count: int,
    *,
    wrong: dict[str, Any],
    right: dict[str, Any],
    won: tuple[int, int],
    start: int = 0,
    lead: dict[str, Any] | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """Give `count` leads followed up wrongly and as many rightly, of which `won` (wrong, right) became clients.

    They came in January and were handed over the day after; whoever won did so within a month.
    """
    leads, touches, deals = [], [], []
    for side, more, wins in (("w", wrong, won[0]), ("r", right, won[1])):
        for i in range(count):
            name = f"{side}{start + i}"
            leads.append({
                "lead_id": name, "account_id": f"a-{name}", "created_at": "2026-01-12 09:00",
                "qualified_at": "2026-01-13 09:00", **(lead or {}),
            })  # fmt: skip
            touches.append({
                "touch_id": f"t-{name}", "lead_id": name, "touched_at": "2026-01-14 09:00", "department": "sales",
                "direction": "outbound", **more,
            })  # fmt: skip
            if i < wins:
                deals.append({
                    "opportunity_id": f"o-{name}", "account_id": f"a-{name}", "lead_id": name,
                    "opened_at": "2026-01-20", "closed_at": "2026-02-10", "outcome": "won", "amount": "100",
                })  # fmt: skip
    return {"leads": leads, "touches": touches, "opportunities": deals}


def together(*parts: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Give the rows of several parts in one."""
    names = dict.fromkeys(t for part in parts for t in part)
    return {t: [row for part in parts for row in part.get(t, [])] for t in names}
