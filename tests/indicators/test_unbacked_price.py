"""Is the premium backed by benefit? A line by hand, a second implementation, resampled raters, guards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from alignment_toolkit.indicator import Look, Observation
from alignment_toolkit.indicators.unbacked_price import unbacked_price
from alignment_toolkit.periods import Period
from alignment_toolkit.statistics.price_line import Market, price_premium
from tests.builders import company_of
from tests.indicators.degenerate import FRAMES, sound
from tests.indicators.guarding import fires, quiet
from tests.indicators.looks import KINDS

Q3 = Period.parse("2026-Q3")
LEVELS = {"r1": (80.0, 4), "r2": (100.0, 5), "r3": (125.0, 6), "r4": (156.25, 7)}


def rating(offer: str, rater: str, value: float, price: float, owner: str, **more: Any) -> dict[str, Any]:
    row = {
        "rating_id": f"{offer}-{rater}-{len(more)}{more.get('attribute')}",
        "offer": offer,
        "attribute": "benefit",
    }
    row |= {"rating": value, "rater_id": rater, "price": price, "owner": owner}
    return row | more


def hand() -> list[dict[str, Any]]:
    rows = [rating(o, f"v{i}", v, p, o) for i, (o, (p, v)) in enumerate(LEVELS.items())]
    return [*rows, rating("ours", "v8", 6, 150.0, "own"), rating("ours", "v9", 6, 150.0, "own")]


def survey(premium: float, seed: int = 1, raters: int = 40, noise: float = 0.0) -> list[dict[str, Any]]:
    """Six rivals' offers whose log prices lie `noise` around a line in benefit; the own one lies above it."""
    r = np.random.default_rng(seed)
    rows = []
    offers = [
        (f"r{i}", m, 100 * np.exp(0.2 * (m - 6) + noise * r.normal()))
        for i, m in enumerate((4, 5, 5.5, 6.5, 7, 8))
    ]
    offers.append(("ours", 6.2, 100 * np.exp(0.2 * 0.2) * (1 + premium)))
    for offer, level, price in offers:
        for v in range(raters):
            for attribute, weight, kind in (("speed", 0.7, "rational"), ("trust", 0.3, "emotional")):
                rows.append(
                    rating(offer, f"v{v}", float(np.clip(round(r.normal(level, 1.2)), 1, 10)), round(price, 4),
                           "own" if offer == "ours" else offer, attribute=attribute, importance=weight, kind=kind,
                           account_id=f"a{v}", product_id="p1" if offer == "ours" else None)
                )  # fmt: skip
    return rows


def look(rows: list[dict[str, Any]], **tables: list[dict[str, Any]]) -> Look:
    return unbacked_price.look(company_of({"value_ratings": rows, **tables}), Q3)


def seen(rows: list[dict[str, Any]], **tables: list[dict[str, Any]]) -> Observation:
    found = look(rows, **tables)
    assert found.error is None
    assert found.seen is not None
    return found.seen


def test_the_worked_example() -> None:
    found = seen(hand())
    assert found.gap.estimate.value == pytest.approx(0.20)
    assert found.counts == {"rivals' offers in a category": 4, "raters": 6}
    assert look(hand()).short_of == {"raters": 24}
    ours = next(r for r in found.evidence.records() if r["offer"] == "ours")
    assert ours["line"] == pytest.approx(125.0)


def test_it_is_least_squares_of_log_price_on_weighted_benefit() -> None:
    rows = survey(0.15, noise=0.1)
    frame = pd.DataFrame(rows)
    by = frame.groupby(["offer", "attribute"]).rating.mean().unstack()
    benefit = 0.7 * by["speed"] + 0.3 * by["trust"]
    price = np.log(frame.groupby("offer").price.first())
    rivals = benefit.index != "ours"
    fit = sm.OLS(price[rivals], sm.add_constant(benefit[rivals])).fit()
    expected = np.exp(price["ours"] - (fit.params["const"] + fit.params.iloc[1] * benefit["ours"])) - 1
    found = seen(rows)
    assert found.gap.estimate.value == pytest.approx(expected)
    assert found.gap.estimate.low is not None
    assert found.gap.estimate.high is not None
    line_se = fit.get_prediction([[1.0, benefit["ours"]]]).se_mean[0]
    assert found.gap.estimate.high - found.gap.estimate.low > 2 * 1.96 * line_se


def test_the_interval_holds_the_premium_of_the_process() -> None:
    runs, missed = 150, 0
    levels, slope = np.array([4, 5, 5.5, 6.5, 7, 8, 6.2]), 0.2
    for run in range(runs):
        r = np.random.default_rng([run, 5])
        prices = 100 * np.exp(slope * (levels - 6) + np.append(r.normal(0, 0.08, 6), np.log(1.1)))
        ratings = r.normal(levels, 1.2, (40, 7)) + r.normal(0, 0.5, (40, 1))
        market = Market(prices, levels == 6.2, levels == 6.2, ratings[:, :, None], np.ones((40, 7, 1)), [1.0])
        e = price_premium([market], seed="x", draws=200).gap.estimate
        assert e.low is not None
        assert e.high is not None
        missed += not e.low <= 0.1 <= e.high
    assert missed / runs <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / runs)
    assert missed > 0  # an interval that always holds it would be too wide


def test_the_own_offer_does_not_bend_the_line() -> None:
    cheap, dear = seen(survey(-0.5)), seen(survey(1.0))
    assert cheap.gap.estimate.value is not None
    assert dear.gap.estimate.value is not None
    assert (1 + dear.gap.estimate.value) / (1 + cheap.gap.estimate.value) == pytest.approx(4.0, rel=1e-4)


def test_offers_weigh_by_revenue_and_money_is_what_lies_above_the_line() -> None:
    rows = [dict(r, category="a") for r in survey(0.4)]
    rows += [
        dict(r, rating_id=r["rating_id"] + "b", category="b", product_id="p2") for r in survey(0.0, seed=2)
    ]
    orders = [
        {"order_id": p, "ordered_at": "2026-08-01", "amount": v, "product_id": p, "account_id": "x"}
        for p, v in (("p1", 900.0), ("p2", 100.0))
    ]
    alone = [seen([r for r in rows if r["category"] == c]).gap.estimate.value or 0.0 for c in ("a", "b")]
    found = seen(rows, orders=orders)
    value = found.gap.estimate.value
    assert value == pytest.approx(0.9 * alone[0] + 0.1 * alone[1])
    assert seen(rows).gap.estimate.value == pytest.approx(np.mean(alone))
    assert found.money is not None
    assert found.money.value == pytest.approx(1000 * (value or 0) / (1 + (value or 0)))


def test_rational_and_emotional_attributes_are_told_apart() -> None:
    found = {m.name: m for m in seen(survey(0.0)).measures}
    assert set(found) == {"rational", "emotional"}
    assert found["rational"].n == 40


def test_few_offers_and_clients_only_are_told() -> None:
    rows = survey(0.0)
    quiet("unbacked_price", "small_cells", seen(rows))
    fires("unbacked_price", "small_cells", seen([r for r in rows if r["offer"] not in ("r0", "r1")]))
    orders = [
        {"order_id": f"o{v}", "ordered_at": "2026-01-01", "amount": 5.0, "account_id": f"a{v}"}
        for v in range(40)
    ]
    fires("unbacked_price", "confounding", seen(rows, orders=orders))
    quiet("unbacked_price", "confounding", seen(rows, orders=orders[:20]))


def test_without_rivals_or_own_offer_there_is_no_gap() -> None:
    for rows in ([r for r in hand() if r["owner"] == "own"], [r for r in hand() if r["owner"] != "own"]):
        found = seen(rows)
        assert found.gap.estimate.value is None
        assert found.counts is not None
        assert found.counts["rivals' offers in a category"] == 0


def test_columns_that_are_missing_are_named() -> None:
    rows = [{"rating_id": "1", "offer": "o", "attribute": "a", "rating": 5.0}]
    missing = look(rows).missing
    assert {"value_ratings.owner", "value_ratings.price"} <= set(missing)


@pytest.mark.parametrize("frame", KINDS)
def test_whatever_the_data_the_finding_is_sound(frame: str) -> None:
    rows = survey(0.1, raters=4)
    tables = {
        "value_ratings": rows,
        "orders": [{"order_id": "1", "ordered_at": "2026-08-01", "amount": 5.0, "product_id": "p1"}],
    }
    sound(
        unbacked_price.look(company_of(FRAMES[frame](tables), columns={"value_ratings": tuple(rows[0])}), Q3)
    )
