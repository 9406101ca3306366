"""Each confounder does what it says, and leaves the true gaps of what it may be taken for as they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from alignment_toolkit.simulation import Recipe, Simulated, simulate

END = pd.Timestamp("2026-10-01")


def confounded(name: str) -> Simulated:
    return simulate(Recipe(seed=11, confound={name: 1}))


def test_mix_shift_brings_more_and_more_leads_from_the_weak_channel(plain):
    def growth(company: Simulated) -> float:
        leads = company.tables["leads"]
        weak = (leads["channel"] == "social").groupby(leads["created_at"].dt.to_period("Q")).mean()
        return float(weak.iloc[-1] - weak.iloc[0])

    assert abs(growth(plain)) < 0.15
    assert growth(confounded("mix_shift")) > 0.25


def test_immature_triples_the_leads_towards_the_end(plain):
    def ratio(company: Simulated) -> float:
        created = company.tables["leads"]["created_at"]
        last, before = (
            (created >= "2026-08-15").sum(),
            ((created >= "2025-08-15") & (created < "2025-10-01")).sum(),
        )
        return float(last / before)

    assert 0.75 < ratio(plain) < 1.33
    assert 2 < ratio(confounded("immature")) < 3.5


def test_noisy_raters_stay_below_the_margin(plain, brute_force):
    company = confounded("noisy_raters")
    true = company.answers["gaps"]["targeting_disagreement"]["value"]
    assert 0.41 < true < 0.49
    drawn, n = brute_force.disagreement(company, END)
    assert drawn == pytest.approx(true, abs=4 / np.sqrt(n))
    assert plain.answers["gaps"]["targeting_disagreement"]["value"] < 0.30


def test_phone_better_leads_moves_which_leads_are_phoned_but_not_how_many_are_mismatched(plain, brute_force):
    def phoned_and_missed(company: Simulated) -> tuple[float, float]:
        tables = company.tables
        handed = brute_force.handed_over(company, END).dropna(subset=["first_touched_at"])
        asked = handed["contact_id"].map(tables["contacts"].set_index("contact_id")["preferred_channel"])
        asked = asked.fillna(
            handed["campaign_id"].map(tables["campaigns"].set_index("campaign_id")["follow_up_channel"])
        ).fillna(handed["response_channel"])
        missed = handed["first_channel"] != asked
        score = handed["marketing_score"]
        return float(score[missed & (handed["first_channel"] == "phone")].mean() - score.mean()), float(
            missed.mean()
        )

    better, share = phoned_and_missed(confounded("phone_better_leads"))
    same, usual = phoned_and_missed(plain)
    assert abs(same) < 2.5
    assert better > 4
    assert share == pytest.approx(0.10, abs=0.015)
    assert usual == pytest.approx(0.10, abs=0.015)


def test_unlogged_effort_thins_touches_but_neither_hand_over_nor_portfolio(plain, brute_force):
    company = confounded("unlogged_effort")
    own, usual = brute_force.outbound(company), brute_force.outbound(plain)
    assert 0.55 < len(own) / len(usual) < 0.8
    counts = own.groupby("actor").size()
    assert counts.quantile(0.75) > 1.7 * counts.quantile(0.25)
    late = ~(brute_force.handed_over(company, END)["hours"] <= 16)
    assert late.mean() == pytest.approx(0.03, abs=0.01)
    assert sum(brute_force.portfolio(company)) / 2 < 0.05


def test_week_end_handover_is_late_by_the_clock_alone(plain, brute_force):
    def late(company: Simulated) -> tuple[float, float, float]:
        handed = brute_force.handed_over(company, END)
        clock = (handed["first_touched_at"] - handed["qualified_at"]) > pd.Timedelta(days=2)
        week_end = (handed["qualified_at"] + pd.Timedelta(hours=7)).dt.day_of_week >= 5
        return float(week_end.mean()), float(clock.mean()), float((~(handed["hours"] <= 16)).mean())

    quiet, company = late(plain), late(confounded("week_end_handover"))
    assert quiet[0] < 0.2 < 0.5 < company[0]
    assert company[1] > quiet[1] + 0.15
    assert company[2] == pytest.approx(0.03, abs=0.01)
