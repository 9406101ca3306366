"""Each confounder does what it says, and leaves the true gaps of what it may be taken for as they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from alignment_toolkit.simulation import CONFOUNDERS, Recipe, Simulated, simulate

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


def small(name: str | None = None) -> Simulated:
    return simulate(Recipe(seed=12, accounts=1200, confound={name: 1} if name else {}))


@pytest.fixture(scope="module")
def usual() -> Simulated:
    return small()


def corrected_scores(made: Simulated) -> float:
    """Corrections of scores per lead."""
    edits = made.tables["edits"]
    return float((edits["field"] == "marketing_score").sum() / len(made.tables["leads"]))


def ratings_in_tens(made: Simulated) -> float:
    return float((made.tables["assessments"]["potential"] % 10 == 0).mean())


def early_trained_win_more(made: Simulated) -> float:
    """Wins of those trained before the first day minus those of the others, in share of closed deals."""
    first = made.tables["training"].groupby("actor")["trained_on"].min()
    deals = made.tables["opportunities"].dropna(subset=["outcome"])
    early = deals["owner"].map(first) < pd.Timestamp("2024-10-01")
    # Whoever came later was trained on coming: neither early nor late.
    here = deals["owner"].map(made.tables["people"].set_index("person_id")["joined_on"]) < pd.Timestamp(
        "2024-10-01"
    )
    won = deals["outcome"] == "won"
    return float(won[here & early].mean() - won[here & ~early].mean()) if (here & ~early).any() else 0.0


def joint_projects_are_larger(made: Simulated) -> float:
    projects = made.tables["work"].query("kind == 'project'")
    large = projects["size"] == "large"
    joint = projects["scope"] == "joint"
    return float(large[joint].mean() - large[~joint].mean())


def heads(made: Simulated) -> float:
    """Heads at the end for each at the start."""
    people = made.tables["people"].query("kind == 'human'")
    start, end = (
        ((people["joined_on"] <= day) & ~(people["left_on"] <= day)).sum()
        for day in (pd.Timestamp("2024-10-01"), END)
    )
    return float(end / start)


def procedures_at_once(made: Simulated) -> float:
    """Procedures of the fullest three months for each of a usual three months."""
    procedures = made.tables["work"].query("kind == 'procedure'")
    months = procedures.groupby(procedures["started_on"].dt.to_period("M")).size()
    return float(months.rolling(3).sum().max() / (3 * months.mean()))


def discounts(made: Simulated) -> pd.DataFrame:
    won = made.tables["opportunities"].query("outcome == 'won'")
    return won.assign(
        discount=1 - won["amount"] / won["list_amount"], number=won["product_id"].str[2:].astype(int) - 1
    )


def discount_of_risen_prices(made: Simulated) -> float:
    won = discounts(made)
    risen, late = won["number"] % 2 == 0, won["opened_at"] > END - pd.Timedelta(days=182)
    return float(won["discount"][risen & late].mean() - won["discount"][~risen | ~late].mean())


def discount_of_cheap_products(made: Simulated) -> float:
    won = discounts(made)
    cheap = won["number"] % 3 == 0
    return float(won["discount"][cheap].mean() - won["discount"][~cheap].mean())


def closed_at_the_clients_year_end(made: Simulated) -> float:
    """Share of the wins of the last quarter of the client's own year that fall on its last ten days."""
    won = made.tables["opportunities"].query("outcome == 'won'")
    starts = won["account_id"].map(made.tables["accounts"].set_index("account_id")["fiscal_year_starts"])
    quarter_end = won["closed_at"].dt.to_period("Q").dt.end_time
    own = quarter_end.dt.month % 12 + 1 == starts
    return float(((quarter_end - won["closed_at"]).dt.days < 10)[own].mean())


def scores_differ_between_people(made: Simulated) -> float:
    leads = made.tables["leads"].dropna(subset=["received_by"])
    means = leads.groupby("received_by")["marketing_score"].mean()
    return float(means[leads.groupby("received_by").size() >= 20].std())


def sales_is_right_of_itself(made: Simulated) -> float:
    """Correlation of what sales rates higher than marketing with winning the account's deals."""
    rated = made.tables["assessments"].groupby(["account_id", "department"])["potential"].mean().unstack()
    deals = made.tables["opportunities"].dropna(subset=["outcome"])
    higher = deals["account_id"].map(rated["sales"] - rated["marketing"])
    return float(higher.corr((deals["outcome"] == "won").astype(float)))


def rivals_where_price_is_pitched(made: Simulated) -> float:
    deals = made.tables["opportunities"]
    rival, price = deals["competitor"].notna(), deals["pitch"] == "price"
    return float(rival[price].mean() - rival[~price].mean())


def weeks_that_regions_share(made: Simulated) -> float:
    """Mean correlation between two regions' weekly numbers of leads."""
    leads = made.tables["leads"]
    week = (leads["created_at"] - pd.Timestamp("2024-09-30")).dt.days // 7
    counts = np.log(leads.groupby([week, "region"]).size().unstack(fill_value=0) + 0.5)
    between = counts.corr().to_numpy()
    return float(between[np.triu_indices(len(between), 1)].mean())


SEEN = {
    "honest_cleanup": (corrected_scores, 0.05, 0.15),
    "round_numbers": (ratings_in_tens, 0.10, 0.70),
    "better_trained_first": (early_trained_win_more, 0.001, 0.05),
    "hard_joint_projects": (joint_projects_are_larger, 0.20, 0.40),
    "growing_firm": (heads, 1.15, 1.70),
    "new_law": (procedures_at_once, 1.8, 2.3),
    "list_price_change": (discount_of_risen_prices, 0.02, 0.05),
    "discounted_products": (discount_of_cheap_products, 0.02, 0.04),
    "seasonal_close": (closed_at_the_clients_year_end, 0.25, 0.40),
    "routing_by_segment": (scores_differ_between_people, 6.0, 10.0),
    "self_fulfilling": (sales_is_right_of_itself, 0.06, 0.12),
    "rival_price": (rivals_where_price_is_pitched, 0.12, 0.50),
    "common_shocks": (weeks_that_regions_share, 0.45, 0.55),
}


@pytest.mark.parametrize("name", SEEN)
def test_a_confounder_is_seen_in_the_data_and_not_without_it(name, usual):
    measured, most_without, least_with = SEEN[name]
    assert measured(usual) < most_without
    assert measured(small(name)) > least_with


def test_every_confounder_has_such_a_test():
    own = {name.removeprefix("test_") for name in globals()}
    assert not [c for c in CONFOUNDERS if c not in SEEN and not any(name.startswith(c) for name in own)]
