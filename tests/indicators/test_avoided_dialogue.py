"""Do the heads come as often when both are invited? Twelve invitations by hand, the setting that shows it, guards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from alignment_toolkit.indicators.avoided_dialogue import avoided_dialogue
from alignment_toolkit.statistics.shares import newcombe
from alignment_toolkit.statistics.stratified import risk_difference
from alignment_toolkit.verdict import verdicts
from tests.indicators.guarding import fires, quiet
from tests.indicators.personal import HEADS, look

SIDES = ("marketing", "sales")


def meeting(
    number: int, marketing: bool | None, sales: bool | None, on: str = "2026-08-03", **more: Any
) -> dict[str, Any]:
    """Give a meeting: None where a head was not invited, else whether he or she came."""
    row = {"work_id": f"w{number:03d}", "kind": "meeting", "scope": "joint", "started_on": on}
    for side, came in zip(SIDES, (marketing, sales), strict=True):
        row |= {f"{side}_invited": came is not None, f"{side}_attended": came}
    return {**row, **more}


def calendar(alone: dict[str, tuple[int, int]], both: list[tuple[bool, bool]]) -> list[dict[str, Any]]:
    """Give meetings: of each head alone (came, invited), and those of both."""
    told: list[tuple[bool | None, bool | None]] = []
    for side, (came, invited) in alone.items():
        own = [i < came for i in range(invited)]
        told += [(c, None) if side == "marketing" else (None, c) for c in own]
    told += both
    return [meeting(i, m, s) for i, (m, s) in enumerate(told)]


SIX = calendar({"marketing": (3, 3), "sales": (2, 3)}, [(True, True), (False, True), (False, False)])


def test_the_worked_example():
    seen = look(avoided_dialogue, {"work": SIX}).seen
    # Marketing 3/3 - 1/3, sales 2/3 - 2/3, of like weight.
    assert seen.gap.estimate.value == pytest.approx((2 / 3 + 0) / 2)
    assert seen.counts == {"invitations": 12}
    assert seen.values == {"alone": "5 of 6", "both": "3 of 6"}


@pytest.mark.parametrize(
    "toml",
    [
        HEADS.replace("true", "false"),
        HEADS + '[report]\naudience = "client"\n',
        HEADS + '[report]\naudience = "public"\n',
    ],
    ids=["not allowed", "for the client", "for everybody"],
)
def test_it_is_withheld_unless_it_is_allowed_and_for_the_company_itself(toml):
    found = verdicts([look(avoided_dialogue, {"work": SIX * 1}, toml=toml)])[0]
    assert found.status == "withheld"
    assert (found.gap, found.measures, found.evidence.rows, found.chart) == (None, (), (), None)
    assert "[privacy] heads" in found.message


def test_it_is_withheld_by_default():
    assert look(avoided_dialogue, {"work": SIX}, toml="").seen.withheld
    assert not look(avoided_dialogue, {"work": SIX}).seen.withheld


def many(alone: float, both: float, rows: int = 60) -> list[dict[str, Any]]:
    return calendar(
        {side: (round(alone * rows), rows) for side in SIDES},
        [(i < both * rows, (i * 7) % rows < both * rows) for i in range(rows)],
    )


@pytest.mark.parametrize(("both", "status"), [(0.2, "misaligned"), (0.85, "aligned"), (0.65, "uncertain")])
def test_the_verdict(both, status):
    assert verdicts([look(avoided_dialogue, {"work": many(0.85, both)})])[0].status == status


def test_it_is_the_mantel_haenszel_difference_and_for_one_head_newcombes_interval():
    rows = calendar({"marketing": (20, 24), "sales": (9, 15)}, [(i < 6, i % 2 == 0) for i in range(20)])
    gap = look(avoided_dialogue, {"work": rows}).seen.gap.estimate
    cases = [(0, "m", i < 20) for i in range(24)] + [(0, "s", i < 9) for i in range(15)]
    cases += [(1, "m", i < 6) for i in range(20)] + [(1, "s", i % 2 == 0) for i in range(20)]
    other, head, came = zip(*cases, strict=True)
    assert gap.value == pytest.approx(
        risk_difference(1 - np.array(other), came, head, n_unit="x").estimate.value
    )
    one = [r for r in rows if not (r["sales_invited"] and not r["marketing_invited"])]
    e = look(
        avoided_dialogue, {"work": one}
    ).seen.gap.estimate  # sales never alone: marketing's head is what is left
    assert (e.value, e.low, e.high) == pytest.approx(
        [getattr(newcombe(20, 24, 6, 20).estimate, f) for f in ("value", "low", "high")]
    )


def test_heads_who_sit_in_the_same_meetings_are_less_certain_than_heads_who_do_not():
    def width(together: bool) -> float:
        both = [(i % 2 == 0, (i % 2 == 0) == together) for i in range(40)]
        e = look(
            avoided_dialogue, {"work": calendar({"marketing": (30, 40), "sales": (30, 40)}, both)}
        ).seen.gap.estimate
        assert e.value == pytest.approx(0.25)
        return e.high - e.low

    assert width(together=True) > width(together=False)


def test_what_was_not_noted_is_left_out_and_what_lies_outside_the_year_does_not_count():
    rows = many(0.8, 0.8)
    base = look(avoided_dialogue, {"work": rows}).seen
    quiet("avoided_dialogue", "logging", base)
    quiet("avoided_dialogue", "simpson", base)
    assert base.guards == ()
    unknown = [
        meeting(900 + i, None, None, marketing_invited=True, marketing_attended=None) for i in range(60)
    ]
    old = [meeting(800 + i, True, False, on=on) for i, on in enumerate(("2025-09-30", "2026-10-01"))]
    other = [meeting(700, True, False, kind="project")]
    seen = look(avoided_dialogue, {"work": rows + unknown + old + other}).seen
    assert seen.gap.estimate == base.gap.estimate
    fires("avoided_dialogue", "logging", seen)


def test_simpson_is_told():
    """Large meetings are attended less by everybody, and those for both are the large ones."""
    rows = []
    for i, (n, came, size, both) in enumerate(
        ((40, 36, 3, False), (5, 1, 30, False), (5, 5, 3, True), (40, 10, 30, True))
    ):
        for k in range(n):
            rows.append(meeting(100 * i + k, k < came, (k < came) if both else None, people=float(size)))
    fires("avoided_dialogue", "simpson", look(avoided_dialogue, {"work": rows}).seen)
    alike = [{**row, "people": 3.0} for row in rows]
    quiet("avoided_dialogue", "simpson", look(avoided_dialogue, {"work": alike}).seen)
