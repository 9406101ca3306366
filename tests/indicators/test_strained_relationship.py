"""How strained is it? Six people by hand, the bands, who did not answer, who may not be shown."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from alignment_toolkit.indicators.strained_relationship import strained_relationship
from alignment_toolkit.statistics.instrument import Reading
from alignment_toolkit.verdict import verdicts
from tests.indicators.guarding import fires, quiet
from tests.indicators.personal import look, person, sheet
from tests.indicators.test_perception_gap import survey, varied


def people(marketing: int, sales: int):
    return [person(f"m{i}", "marketing") for i in range(marketing)] + [
        person(f"s{i}", "sales") for i in range(sales)
    ]


def total(value: int) -> list[int]:
    """Give twenty answers that sum to a value."""
    least, more = divmod(value, 20)
    return [least + 1] * more + [least] * (20 - more)


def test_the_worked_example():
    rows = survey({"marketing": [total(t) for t in (70, 60, 50)], "sales": [total(t) for t in (60, 50, 40)]})
    reading = Reading.of(pd.DataFrame(rows))
    assert reading.strain(65.0).estimate.value == pytest.approx(10.0)
    assert reading.exposed
    assert look(strained_relationship, {"survey": rows}).seen.withheld


def test_it_is_the_mean_of_all_with_the_spread_within_departments():
    sides = {"marketing": varied(2.6, 7, 1), "sales": varied(3.0, 11, 2)}
    seen = look(strained_relationship, {"survey": survey(sides)}).seen
    m, s = (np.array(sides[d])[:, :20].sum(axis=1) for d in ("marketing", "sales"))
    e = seen.gap.estimate
    assert e.value == pytest.approx(65 - np.concatenate([m, s]).mean())
    parts = [(7 / 18) ** 2 * m.var(ddof=1) / 7, (11 / 18) ** 2 * s.var(ddof=1) / 11]
    df = sum(parts) ** 2 / (parts[0] ** 2 / 6 + parts[1] ** 2 / 10)
    assert e.high - e.value == pytest.approx(stats.t.ppf(0.975, df) * np.sqrt(sum(parts)))
    assert (e.n, seen.counts) == (18, {"answers": 18})


@pytest.mark.parametrize(
    ("mood", "status", "word"),
    [(2.2, "misaligned", "defined"), (4.4, "aligned", "integrated"), (3.0, "uncertain", "")],
)
def test_misaligned_means_below_the_band_aligned(mood, status, word):
    tables = {"survey": survey({"marketing": varied(mood, 12, 1), "sales": varied(mood, 20, 2)})}
    found = verdicts([look(strained_relationship, tables)])[0]
    assert found.status == status
    assert word in found.statement
    total = next(m for m in found.measures if m.name == "total")
    assert (status == "misaligned") == (total.high < 60)


def test_missing_answers_count_as_the_persons_own_mean_down_to_sixteen():
    sides = {"marketing": varied(3.0, 5, 1), "sales": varied(3.0, 5, 2)}
    rows = survey(sides)
    kept = [
        r for r in rows if not (r["respondent_id"] == "sales0" and r["item"] in ("c01", "c02", "c03", "c04"))
    ]
    x = np.array(sides["sales"][0])[4:20].mean() * 20
    rest = [np.array(a)[:20].sum() for d in sides for i, a in enumerate(sides[d]) if (d, i) != ("sales", 0)]
    gap = look(strained_relationship, {"survey": kept}).seen.gap.estimate
    assert gap.value == pytest.approx(65 - (sum(rest) + x) / 10)
    fewer = [r for r in kept if not (r["respondent_id"] == "sales0" and r["item"] == "c05")]
    assert look(strained_relationship, {"survey": fewer}).seen.withheld  # only four have a total


def test_nine_answers_are_too_few_and_four_of_a_side_are_withheld():
    def status(m: int, s: int) -> str:
        tables = {"survey": survey({"marketing": varied(3.0, m, 1), "sales": varied(3.0, s, 2)})}
        return verdicts([look(strained_relationship, tables)])[0].status

    assert status(0, 9) == "too_little_data"
    assert status(4, 30) == "withheld"
    assert status(0, 0) == "too_little_data"


def test_bounds_take_those_who_did_not_answer_at_their_worst_and_best():
    sides = {"marketing": varied(3.6, 6, 1), "sales": varied(3.6, 10, 2)}
    seen = look(strained_relationship, {"survey": survey(sides), "people": people(8, 12)}).seen
    sum_ = sum(np.array(a)[:20].sum() for side in sides.values() for a in side)
    bounds = next(m for m in seen.measures if m.name == "bounds")
    assert (bounds.low, bounds.high, bounds.n) == pytest.approx(
        ((sum_ + 4 * 20) / 20, (sum_ + 4 * 100) / 20, 20)
    )


def test_guards_fire_and_do_not():
    def facts(marketing: int, sales: int, mood: float = 4.4, extra=(), noisy=False) -> Any:
        sides = {"marketing": [*varied(mood, 10, 1), *extra], "sales": varied(mood, 20, 2)}
        if noisy:
            sides["sales"] = [[random.Random(i * 7 + k).randint(1, 5) for k in range(32)] for i in range(20)]
        tables = {"survey": survey(sides)} | ({"people": people(marketing, sales)} if marketing else {})
        return look(strained_relationship, tables).seen

    none = facts(10, 20, mood=3.6)
    quiet("strained_relationship", "non_response", none)
    quiet("strained_relationship", "straight_lining", none)
    quiet("strained_relationship", "reliability", none)
    fires("strained_relationship", "non_response", facts(20, 60, mood=3.6), "on either side of")
    unknown = facts(0, 0, mood=3.6)
    fires("strained_relationship", "non_response", unknown, "How many people were asked is not known")
    fires("strained_relationship", "straight_lining", facts(14, 20, mood=3.6, extra=[[4] * 32] * 4))
    fires("strained_relationship", "reliability", facts(10, 20, noisy=True))


def test_a_sheet_of_another_department_is_left_out():
    rows = survey({"marketing": varied(3.0, 6, 1), "sales": varied(3.0, 6, 2)})
    more = [*rows, *sheet("x", "service", [5] * 32), *({**r, "item": "own01"} for r in rows)]
    with_, without = (look(strained_relationship, {"survey": r}).seen.gap.estimate for r in (more, rows))
    assert with_ == without
