"""Parts of a change are judged one by one, and the page says what that means."""

from __future__ import annotations

from typing import Any

from alignment_toolkit.charts import of_drivers
from alignment_toolkit.report.blocks import Prose
from alignment_toolkit.report.drivers import what_moved
from tests.report.builders import analysis


def row(*intervals: tuple[float | None, float | None]) -> dict[str, Any]:
    parts = [
        {"driver": f"d{i}", "value": 1.0, "low": low, "high": high, "owners": {"sales": 1.0}}
        for i, (low, high) in enumerate(intervals)
    ]
    return {
        "kpi": "revenue", "by": {}, "from_period": "2026-Q2", "to_period": "2026-Q3", "method": "m", "unit": "money",
        "total": float(len(parts)), "parts": parts, "by_owner": {},
    }  # fmt: skip


def told(*intervals: tuple[float | None, float | None]) -> list[str]:
    return [b.text for b in what_moved(analysis(drivers=(row(*intervals),))) if isinstance(b, Prose)]


def test_the_page_says_how_many_parts_would_stand_out_by_chance() -> None:
    texts = told((0.5, 1.5), (-1.0, 3.0), (1.0, 1.0), (None, None))
    assert "of these 2 parts about 0.1 would leave out 0 by chance alone" in texts[0]
    assert "Away from 0 by its own interval" in texts[1]


def test_one_part_is_no_search() -> None:
    texts = told((-1.0, 3.0))
    assert "by chance alone" not in texts[0]
    assert texts[1].endswith("The interval of every part holds 0.")


def test_parts_without_interval_are_not_said_to_hold_0() -> None:
    assert told((None, None), (None, None))[-1].endswith(
        "Its parts have no interval, so how sure they are is not known."
    )
    drawn = of_drivers(row((None, None)), "Revenue")
    assert drawn is not None
    assert drawn.title.endswith("parts without interval")
    held = of_drivers(row((-1.0, 3.0), (None, None)), "Revenue")
    assert held is not None
    assert held.title.endswith("the interval of every part holds 0")
