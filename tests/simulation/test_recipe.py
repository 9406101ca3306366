"""What cannot be simulated is refused, all of it at once, with the near match."""

from __future__ import annotations

from datetime import date

import pytest

from alignment_toolkit.errors import ParameterError
from alignment_toolkit.simulation import CONFOUNDERS, PLANTS, Recipe, simulate


def test_leads_and_campaigns_follow_the_size():
    assert Recipe().leads == 20_000
    assert Recipe().campaigns == 96
    assert Recipe(accounts=500).leads == 2_000
    assert Recipe(accounts=500).campaigns == 36
    assert Recipe(accounts=500, leads=7_000).leads == 7_000


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"plant": {"droped_leads": 1}}, ["droped_leads", "Did you mean 'dropped_leads'?"]),
        ({"plant": {"price_seling": 1}}, ["price_seling", "Did you mean 'price_selling'?"]),
        ({"confound": {"mixshift": 1}}, ["mixshift", "Did you mean 'mix_shift'?"]),
        ({"plant": {"dropped_leads": -0.1}}, ["dropped_leads is -0.1", "0 to 2"]),
        ({"plant": {"targeting_disagreement": 1.2}}, ["0 to 1"]),
        ({"confound": {"immature": float("nan")}}, ["immature is nan"]),
        ({"accounts": 3}, ["accounts is 3", "20"]),
        ({"salespeople": 2}, ["salespeople is 2", "4"]),
        ({"start": date(2026, 9, 1)}, ["end is 2026-09-30", "180 days"]),
    ],
)
def test_impossible_recipes_are_refused(keywords, words):
    with pytest.raises(ParameterError) as refused:
        Recipe(**keywords)
    for word in words:
        assert word in str(refused.value)


def test_all_problems_are_told_at_once():
    with pytest.raises(ParameterError) as refused:
        Recipe(accounts=1, products=99, plant={"x": 1}, confound={"y": 1})
    assert str(refused.value).count("\n- ") == 5  # leads follow the accounts


def test_every_plant_and_confounder_can_be_made():
    for name, most in PLANTS.items():
        made = simulate(Recipe(accounts=40, salespeople=8, plant={name: most}))
        assert made.answers["misaligned"] == [name]
    for name in CONFOUNDERS:
        made = simulate(Recipe(accounts=40, salespeople=8, confound={name: 1}))
        assert made.answers["misaligned"] == []
        assert made.answers["confounders"] == {name: 1.0}
