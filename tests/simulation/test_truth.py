"""The true gaps of the answers are those that large companies drawn from the process show."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from alignment_toolkit.simulation import Recipe, Simulated, simulate

END = pd.Timestamp("2026-10-01")
THREE = ("targeting_disagreement", "dropped_leads", "portfolio_mismatch")


def gap(company: Simulated, name: str) -> float:
    return float(company.answers["gaps"][name]["value"])


@pytest.mark.parametrize("strength", [0.5, *(pytest.param(s, marks=pytest.mark.slow) for s in (0.0, 1.0))])
def test_drawn_gaps_of_a_large_company_are_the_true_ones(strength, brute_force):
    company = simulate(
        Recipe(
            seed=5,
            accounts=50_000,
            leads=60_000,
            salespeople=80,
            campaigns=2_400,
            plant=dict.fromkeys(THREE, strength),
        )
    )

    drawn, n = brute_force.disagreement(company, END)
    assert n > 30_000
    assert drawn == pytest.approx(gap(company, "targeting_disagreement"), abs=4 / np.sqrt(n))

    true = gap(company, "dropped_leads")
    for linked_by_account in (False, True):
        handed = brute_force.handed_over(company, END, any_touch_of_the_account=linked_by_account)
        late = ~(handed["hours"] <= 16)
        if linked_by_account:
            late = late[handed["account_id"].notna()]
        assert len(late) > 15_000
        assert late.mean() == pytest.approx(true, abs=4 * np.sqrt(true * (1 - true) / len(late)))

    marketing, sales = brute_force.portfolio(company)
    assert (marketing + sales) / 2 == pytest.approx(gap(company, "portfolio_mismatch"), abs=0.015)
    assert company.answers["misaligned"] == (
        sorted(THREE, key=_answer_order(company)) if strength > 0.5 else []
    )


def _answer_order(company: Simulated):
    return list(company.answers["gaps"]).index


def test_strengths_are_straight_lines_through_none_the_margin_and_twice_the_margin():
    margins = {"targeting_disagreement": 0.50, "dropped_leads": 0.10, "portfolio_mismatch": 0.15}
    for name, margin in margins.items():
        none, quarter, half, one = (
            gap(simulate(Recipe(seed=2, accounts=40, salespeople=8, plant={name: s})), name)
            for s in (0, 0.25, 0.5, 1)
        )
        assert none < 0.6 * margin
        assert quarter == pytest.approx((none + margin) / 2)
        assert half == pytest.approx(margin)
        assert one == pytest.approx(2 * margin)


def test_two_honest_raters_as_in_the_design():
    from alignment_toolkit.simulation.truth import _kappa_of_two_raters, _normal_quantile

    spread = np.hypot(20, 10)
    for share, expected in ((0.5, 0.41), (0.1, 0.49)):
        cut = 50 + spread * _normal_quantile(1 - share)
        assert 1 - _kappa_of_two_raters(10, cut) == pytest.approx(expected, abs=0.005)


def test_a_plant_leaves_what_it_does_not_touch_as_it_was():
    none = simulate(Recipe(accounts=200, salespeople=8)).tables
    dropped = simulate(Recipe(accounts=200, salespeople=8, plant={"dropped_leads": 1})).tables
    for name in ("accounts", "assessments", "campaigns", "plan", "survey", "people"):
        pd.testing.assert_frame_equal(none[name], dropped[name])
    assert not none["touches"].equals(dropped["touches"])

    shifted = simulate(Recipe(accounts=200, salespeople=8, plant={"portfolio_mismatch": 1})).tables
    for name in ("plan", "people", "products", "training", "survey"):
        pd.testing.assert_frame_equal(none[name], shifted[name])
    assert not none["spend"].equals(shifted["spend"])


def test_levels_that_are_not_planted_are_what_the_answers_say(plain, brute_force):
    tables = plain.tables
    campaigns = tables["campaigns"].set_index("campaign_id")

    leads = tables["leads"].dropna(subset=["campaign_id"])
    _near(plain, "need_mismatch", leads["need"] != leads["campaign_id"].map(campaigns["theme"]))

    handed = brute_force.handed_over(plain, END).dropna(subset=["first_touched_at"])
    led = handed.dropna(subset=["campaign_id"])
    _near(plain, "message_mismatch", led["first_theme"] != led["campaign_id"].map(campaigns["theme"]))

    asked = handed["contact_id"].map(tables["contacts"].set_index("contact_id")["preferred_channel"])
    asked = asked.fillna(handed["campaign_id"].map(campaigns["follow_up_channel"])).fillna(
        handed["response_channel"]
    )
    _near(plain, "channel_mismatch", handed["first_channel"] != asked)

    closed = tables["opportunities"].dropna(subset=["closed_at"])
    benefit = closed["product_id"].map(tables["products"].set_index("product_id")["positioning"]) == "benefit"
    _near(plain, "positioning_mismatch", closed[benefit]["pitch"] == "price")

    signals = tables["signals"][tables["signals"]["signalled_at"] < END - pd.Timedelta(days=40)]
    late = ~(brute_force.working_hours(signals["signalled_at"], signals["answered_at"]) <= 40)
    _near(plain, "unanswered_signals", late)


def _near(company: Simulated, name: str, misses: pd.Series) -> None:
    true = gap(company, name)
    assert len(misses) > 1000
    assert misses.mean() == pytest.approx(true, abs=4 * np.sqrt(true * (1 - true) / len(misses)))


def test_nobody_takes_a_lead_untrained(plain):
    tables = plain.tables
    handed = tables["leads"].dropna(subset=["received_by"])
    pairs = handed.merge(
        tables["training"],
        left_on=["received_by", "product_id"],
        right_on=["actor", "product_id"],
        how="left",
    )
    assert len(pairs) == len(handed)
    assert (pairs["trained_on"] < pairs["qualified_at"]).all()
    assert gap(plain, "untrained_launch") == 0


def test_salespeople_differ_neither_in_discount_nor_in_acceptance(plain):
    won = plain.tables["opportunities"].query("outcome == 'won'")
    discount = 100 * (1 - won["amount"] / won["list_amount"])
    assert _between(discount, won["owner"]) < 0.5
    assert gap(plain, "price_selling") == 0

    handed = plain.tables["leads"].dropna(subset=["received_by"])
    judged = handed[handed["accepted_at"].notna() | handed["rejected_at"].notna()]
    judged = judged[judged["reject_reason"] != "not_reached"]
    assert _between(100 * judged["accepted_at"].notna(), judged["received_by"]) < 3
    assert gap(plain, "acceptance_lottery") == 0


def _between(values: pd.Series, person: pd.Series) -> float:
    """Standard deviation between persons, by analysis of variance."""
    groups = values.groupby(person)
    sizes, means = groups.size(), groups.mean()
    within = (values - means.reindex(person).to_numpy()).pow(2).sum() / (len(values) - len(sizes))
    between = (sizes * (means - values.mean()) ** 2).sum() / (len(sizes) - 1)
    typical = (len(values) - (sizes**2).sum() / len(values)) / (len(sizes) - 1)
    return float(np.sqrt(max(0.0, (between - within) / typical)))


def test_both_departments_rate_equally_well_even_where_they_disagree():
    company = simulate(
        Recipe(seed=8, accounts=20_000, leads=20_000, salespeople=40, plant={"targeting_disagreement": 0.8})
    )
    segment = company.tables["accounts"].set_index("account_id")["segment"] == "key"
    rows = company.tables["assessments"]
    good = rows["account_id"].map(segment)
    means = rows.groupby([rows["department"], good])["potential"].mean().unstack()
    lift = means[True] - means[False]
    assert lift["marketing"] == pytest.approx(lift["sales"], abs=1.0)
    assert lift["marketing"] > 5
    assert gap(company, "misjudged_potential") == 0


def test_survey_heads_projects_prices(plain):
    tables = plain.tables
    survey = tables["survey"]
    cooperation = survey[survey["item"].str.startswith("c")]
    total = cooperation.groupby(["department", "respondent_id"])["answer"].sum()
    assert 65 - total.mean() == pytest.approx(gap(plain, "strained_relationship"), abs=4)
    by_department = total.groupby("department").mean() / 20
    assert abs(by_department["marketing"] - by_department["sales"]) < 0.35

    prices = (
        tables["plan"].query("measure == 'price'").pivot(index="key", columns="department", values="value")
    )
    assert (prices["marketing"] - prices["sales"]).abs().mean() == pytest.approx(gap(plain, "price_ambition"))

    heads = tables["people"].query("role == 'head'")["department"].tolist()
    assert heads == ["marketing", "sales"]
