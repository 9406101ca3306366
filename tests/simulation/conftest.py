"""A few made-up companies that several tests look at, and formulas that know nothing of the simulation's own."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from alignment_toolkit.simulation import Recipe, Simulated, simulate


@cache
def _plain() -> Simulated:
    return simulate(Recipe(seed=11))


@pytest.fixture(scope="session")
def plain() -> Simulated:
    """The company of standard size with nothing planted."""
    return _plain()


class BruteForce:
    """What the drawn data says, computed the long way."""

    @staticmethod
    def working_hours(a: pd.Series, b: pd.Series) -> pd.Series:
        """Working hours between two moments, Monday to Friday 09:00 to 17:00; missing where either is."""

        def today(at: pd.Series) -> pd.Series:
            hours = (at - at.dt.normalize()).dt.total_seconds() / 3600
            return (hours - 9).clip(0, 8).where(at.dt.day_of_week < 5, 0)

        known = a.notna() & b.notna()
        first, last = a[known], b[known]
        days = np.busday_count(
            first.to_numpy().astype("datetime64[D]"), last.to_numpy().astype("datetime64[D]")
        )
        return (today(last) - today(first) + 8 * days).reindex(a.index)

    @staticmethod
    def outbound(company: Simulated) -> pd.DataFrame:
        """Sales' own outbound touches by people."""
        touches = company.tables["touches"]
        return touches[
            (touches["department"] == "sales")
            & (touches["direction"] == "outbound")
            & ~touches["automated"].astype(bool)
        ]

    @classmethod
    def handed_over(
        cls, company: Simulated, end: pd.Timestamp, *, any_touch_of_the_account: bool = False
    ) -> pd.DataFrame:
        """Leads handed over at least a week before the end, with the first touch and the working hours to it."""
        leads = company.tables["leads"]
        leads = leads[leads["qualified_at"].notna() & (leads["qualified_at"] < end - pd.Timedelta(days=6))]
        key = "account_id" if any_touch_of_the_account else "lead_id"
        touches = cls.outbound(company)[[key, "touched_at", "channel", "theme"]].dropna(subset=[key])
        pairs = leads[["lead_id", "qualified_at"] + ([key] if key != "lead_id" else [])].merge(
            touches, on=key
        )
        pairs = pairs[pairs["touched_at"] >= pairs["qualified_at"]].sort_values("touched_at", kind="stable")
        first = pairs.groupby("lead_id")[["touched_at", "channel", "theme"]].first().add_prefix("first_")
        leads = leads.set_index("lead_id").join(first)
        leads["hours"] = cls.working_hours(leads["qualified_at"], leads["first_touched_at"])
        return leads

    @classmethod
    def disagreement(cls, company: Simulated, end: pd.Timestamp) -> tuple[float, int]:
        """1 - kappa over the accounts that both departments assessed in the last 365 days."""
        rows = company.tables["assessments"]
        rows = rows[rows["assessed_at"] >= end - pd.Timedelta(days=365)].sort_values(
            "assessed_at", kind="stable"
        )
        last = rows.groupby(["account_id", "department"])["target"].last().unstack().dropna()
        one, two = last["marketing"].astype(bool), last["sales"].astype(bool)
        agree, p, q = float((one == two).mean()), float(one.mean()), float(two.mean())
        chance = p * q + (1 - p) * (1 - q)
        return 1 - (agree - chance) / (1 - chance), len(last)

    @classmethod
    def portfolio(cls, company: Simulated) -> tuple[float, float]:
        """Total variation of marketing's money and of sales' own minutes against each one's plan."""
        tables = company.tables
        plan = tables["plan"].query("dimension == 'product' and measure == 'share'")
        spend = tables["spend"].query("department == 'marketing'").dropna(subset=["product_id"])
        own = cls.outbound(company)
        by_lead = own["lead_id"].map(tables["leads"].set_index("lead_id")["sourced_by"])
        by_deal = own["opportunity_id"].map(tables["opportunities"].set_index("opportunity_id")["sourced_by"])
        own = own[(by_lead != "marketing") & (by_deal != "marketing")]
        distances = []
        for department, push in (
            ("marketing", spend.groupby("product_id")["amount"].sum()),
            ("sales", own.groupby("product_id")["minutes"].sum()),
        ):
            intended = plan[plan["department"] == department].set_index("key")["value"]
            distances.append(float((push / push.sum()).sub(intended, fill_value=0).abs().sum() / 2))
        return distances[0], distances[1]


@pytest.fixture(scope="session")
def brute_force() -> type[BruteForce]:
    """Formulas of the tests' own."""
    return BruteForce
