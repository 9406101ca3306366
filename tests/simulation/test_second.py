"""A second, differently built company: the indicators' verdicts are those of its own answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from alignment_toolkit.analysis import analyse
from alignment_toolkit.catalog import Catalog
from alignment_toolkit.company import Company
from alignment_toolkit.errors import ParameterError
from alignment_toolkit.simulation.second import LEVELS, simulate_second

SEEDS = range(50, 56)


def test_an_unknown_plant_is_refused_with_its_near_match():
    with pytest.raises(ParameterError, match="Did you mean 'price_selling'"):
        simulate_second(plant={"price_seling": 1})


def test_it_has_the_discounts_and_closings_it_says():
    made = simulate_second(
        seed=7, accounts=20_000, people=200, plant={"price_selling": 1, "quarter_end_rush": 1}
    )
    won = made.tables["opportunities"].query("outcome == 'won'")
    means = (100 * (1 - won["amount"] / won["list_amount"])).groupby(won["owner"]).mean()
    assert means.std() == pytest.approx(4.0, abs=0.8)
    closed = won["closed_at"][won["closed_at"] >= "2025-10-01"]
    ends = closed.dt.to_period("Q").dt.start_time + pd.DateOffset(months=3)
    left = np.busday_count(closed.to_numpy().astype("datetime64[D]"), ends.to_numpy().astype("datetime64[D]"))
    assert (left <= 5).mean() - 20 / 261 == pytest.approx(0.20, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_the_verdicts_are_those_of_the_other_mechanism(strength, tmp_path):
    known = {each.id for each in Catalog.load().chosen_indicators(None)}
    asked = [each for each in LEVELS if each in known]
    wrong, right, covered, judged = [], dict.fromkeys(asked, 0), 0, 0
    for seed in SEEDS:
        made = simulate_second(seed=seed, plant=dict.fromkeys(LEVELS, strength))
        source = Company.open(made.write(tmp_path / f"{seed}"))
        for finding in analyse(source, "2026-Q3", compare="none", kpis=[], indicators=asked).findings:
            expected = "misaligned" if finding.indicator in made.answers["misaligned"] else "aligned"
            if finding.status in ("aligned", "misaligned") and finding.status != expected:
                wrong.append((seed, finding.indicator, finding.status))
            right[finding.indicator] += finding.status == expected
            truth = made.answers["gaps"][finding.indicator]["value"]
            covered += finding.gap.low - 1e-9 <= truth <= finding.gap.high + 1e-9
            judged += 1
    assert wrong == []
    # Projects are few in any firm: there it may stay uncertain.
    sure = {name: count for name, count in right.items() if name != "failing_joint_projects"}
    assert min(sure.values()) >= 0.8 * len(SEEDS), right
    assert covered >= 0.85 * judged
