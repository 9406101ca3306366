"""Outside the company segments and plays tell how they were made, and of no single account or small group."""

from __future__ import annotations

import dataclasses
import json

from alignment_toolkit.privacy import seen_by
from alignment_toolkit.report import Report
from tests.report import builders

TOLD = {
    "title": "Value", "question": "Who are the best clients?", "about": "Fifths.", "features": ["money"],
    "labels": {"best": "Best"}, "reason": None, "spread": {"best": 0.771717}, "profile": [],
    "map": {"x": "money", "y": "recency", "points": [[616161.25, 12.0, "best"]]},
    "migration": {"from": "2026-06-30", "rows": [{"from": "best", "to": None, "accounts": 919}]},
}  # fmt: skip
GRID = {
    "about": "Views.",
    "views": ["target"],
    "rows": [{"marketing": "target", "sales": "target", "accounts": 3}],
}
PLAYS = {
    "decides": "A person decides.", "thresholds": {"alive_below": 0.5}, "lacking": [],
    "counts": {"defend": 3}, "release": {"accounts": 0},
}  # fmt: skip


def test_points_of_accounts_and_small_counts_stay_inside() -> None:
    whole = builders.analysis()
    definitions = {**whole.definitions, "segments": {"value": TOLD}, "plays": PLAYS, "target_grid": GRID}
    whole = dataclasses.replace(whole, definitions=definitions)
    inside = json.dumps(seen_by(whole, "internal").to_json())
    assert "616161.25" in inside  # the control: it is there to be left out
    for audience in ("client", "public"):
        seen = seen_by(whole, audience)
        told = json.dumps(seen.to_json()["definitions"])
        for kept_in in ("616161.25", "919", "0.771717", "target_grid", "counts"):
            assert kept_in not in told
        assert "Who are the best clients?" in told
        assert "A person decides." in told
        page = Report.of(whole, audience=audience).text("html")
        assert "Who are the best clients?" in page
        assert "Proposed: ." not in page
