"""What a page says of segments beside their numbers, and what it must not let a reader believe."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alignment_toolkit.charts import table
from alignment_toolkit.charts.segments import of_migration, of_profile, of_segment_map
from alignment_toolkit.report.blocks import Prose, data, without_isolates
from alignment_toolkit.report.segment_terms import by_hand, leaving, looked_back, spread_inside, terms
from alignment_toolkit.results import Analysis

EMPTY = Analysis.empty(company="Acme", currency="EUR", period="2026-Q3")


def text(blocks: list[Any]) -> str:
    return " | ".join(
        f"{b.label}: {b.text}" if isinstance(b, Prose) else f"{b.title}: {b.text}" for b in blocks
    )


def test_cut_points_and_what_counts_as_high_are_printed() -> None:
    cuts = {"recency": [42.2, 97.0], "order_days": [1.0, 2.5], "money": [0.0, 6355.4]}
    said = text(terms({"cut_points": cuts}, "EUR"))
    assert "days since the last order 42, 97; days with an order, ever 1, 2; " in said
    assert "revenue of the last year €0.00, €6,355" in said
    told = {
        "expected_value_from": 6.71,
        "revenue_of_the_best_tenth": 122.22,
        "model": {"reason": "nobody knows"},
    }
    said = text(terms(told, "USD"))
    assert "begins at $6.71" in said
    assert "half of them have it by definition" in said
    assert "large from $61.11 on" in said
    assert "They get no potential: nobody knows." in said
    model = {"reason": None, "auc": {"value": 0.8, "low": 0.7, "high": 0.9}}
    assert "first in 80.0 % of cases (70.0 % to 90.0 %; 50 % is chance)" in text(
        terms({**told, "by_size": {"10-49": 9.0}, "model": model}, "USD")
    )
    assert terms({}, "USD") == []


def row(size: int, rule: str, right: float, stability: float | None = None) -> dict[str, Any]:
    return {
        "label": f"size {size}: so many",
        "size": size,
        "rule": rule,
        "rule_accuracy": right,
        "stability": stability,
    }


def test_rules_that_place_nobody_are_not_shown() -> None:
    said = text(by_hand([row(41, "orders up to 3", 0.42), row(59, "orders above 3", 0.61)]))
    assert "No short rule places the accounts" in said
    assert "orders" not in said
    shown = by_hand([row(41, "orders up to 3", 0.81), row(59, "orders above 3", 0.81)])
    assert text(shown) == "By hand: Right for 81.0 % of accounts that the rules did not see."
    assert isinstance(shown[0], Prose)
    assert shown[0].bullets == (f"{data('size 41')}: orders up to 3", f"{data('size 59')}: orders above 3")
    assert by_hand([row(41, "", 0.81)]) == []


@pytest.mark.parametrize(
    ("rule", "stability", "said"),
    [("a above 0", 1.0, True), ("a above 0; b up to 1", 1.0, False), ("a above 0", None, False)],
)  # fmt: skip
def test_segments_that_one_number_parts_are_called_that(
    rule: str, stability: float | None, said: bool
) -> None:
    rows = [row(40, rule, 0.99, stability), row(60, "a up to 0", 0.99, stability)]
    assert ("One number parts these segments" in text(by_hand(rows))) is said


@pytest.mark.parametrize(("lowest", "said"), [(0.687, True), (0.499, False), (None, False)])
def test_where_nobody_seems_to_have_left_nobody_is_healthy(lowest: float | None, said: bool) -> None:
    about = {"segments": {"clients": {"lowest_alive": lowest}}, "plays": {"thresholds": {"alive_below": 0.5}}}
    found = leaving(replace(EMPTY, definitions=about))
    assert bool(found) is said
    if said:
        assert "still one with a probability of 68.7 %" in text(found)


@pytest.mark.parametrize(
    ("came", "said"),
    [
        (110.0, "€110.00 came, 10.0 % more. The interval held it."),
        (150.0, "€150.00 came, 50.0 % more. The interval did not hold it"),
        (70.0, "€70.00 came, 30.0 % less. The interval did not hold it"),
    ],
)
def test_how_far_off_the_forecast_was_is_told(came: float, said: str) -> None:
    told = {"value": 100.0, "low": 85.0, "high": 115.0}
    past = {"fitted_up_to": "2026-03-31", "days": 182, "told": told, "came": came}
    shown = text(looked_back(replace(EMPTY, definitions={"segments": {"clients": {"past": past}}})))
    assert "up to 2026-03-31, the same model told €100.00 (€85.00 to €115.00) for the 182 days" in shown
    assert said in shown


def test_a_forecast_without_interval_has_none_that_could_hold_what_came() -> None:
    told = {"value": 100.0, "low": None, "high": None}
    past = {"fitted_up_to": "2026-03-31", "days": 182, "told": told, "came": 120.0}
    shown = text(looked_back(replace(EMPTY, definitions={"segments": {"clients": {"past": past}}})))
    assert "told €100.00 (no interval) for the 182 days" in shown
    assert "came, 20.0 % more. How far chance alone takes it is not known." in shown
    assert "hold it" not in shown


def test_a_forecast_that_was_never_held_against_anything_is_told_so() -> None:
    clients = {"past": {"reason": "the data is too short"}}
    assert text(looked_back(replace(EMPTY, definitions={"segments": {"clients": clients}}))).endswith(
        "Not known: the data is too short."
    )
    assert (
        looked_back(replace(EMPTY, definitions={"segments": {"clients": clients | {"reason": "none"}}})) == []
    )


def test_how_alike_accounts_of_a_segment_are_is_told() -> None:
    told = {"labels": {"a": "A: one", "b": "B: other"}, "spread": {"a": 0.5, "b": 1.204, "gone": 3.0}}
    assert "in usual distances: A 0.50, B 1.20. The less" in without_isolates(text(spread_inside(told)))
    assert spread_inside({**told, "spread": {"a": 0.5, "b": None}}) == []


def test_a_map_ends_where_nearly_all_accounts_are() -> None:
    points = [[float(i % 50), float(i % 7), "ab"[i % 2]] for i in range(100)] + [[90_000.0, 3.0, "a"]]
    told = {
        "title": "Value", "labels": {"a": "A: one", "b": "B: other"},
        "map": {"x": "money", "y": "order_days", "points": points},
        "profile": [{"feature": "money", "unit": "money"}, {"feature": "order_days", "unit": "count"}],
    }  # fmt: skip
    seen = of_segment_map(told, {"money": "Revenue", "order_days": "Days"}, currency="EUR")
    assert seen is not None
    assert sum(len(s.points) for s in seen.series) == 100
    assert "1 with more lie outside" in seen.note
    assert (seen.x_unit, seen.y_unit, seen.currency) == ("money", "count", "EUR")


def test_a_map_names_the_segment_of_which_the_sample_has_no_account() -> None:
    """Of 3,557 accounts 29 were of a fourth segment, none of them in the sample: only "3 segments" was told."""
    points = [[float(i), 1.0, "ab"[i % 2]] for i in range(10)]
    told = {
        "title": "Value", "labels": {"a": "A: one", "b": "B: other", "c": "C: few", "d": "D: empty"},
        "map": {"x": "money", "y": "order_days", "points": points},
        "profile": [{"feature": "money", "unit": "money", "segment": k} for k in "abc"],
    }  # fmt: skip
    seen = of_segment_map(told, {})
    assert seen is not None
    assert seen.note == "a sample of the accounts; none of them is of: C"
    whole = of_segment_map({**told, "profile": told["profile"][:2]}, {})  # type: ignore[index]
    assert whole is not None
    assert whole.note == "a sample of the accounts"


def test_who_went_nowhere_has_no_column() -> None:
    rows = [{"from": a, "to": b, "accounts": 3} for a in ("a", "b", None) for b in ("a", "b")]
    told = {"labels": {"a": "A", "b": "B"}, "migration": {"from": "2026-06-01..2026-06-30", "rows": rows}}
    seen = of_migration(told)
    assert seen is not None
    assert [s.name for s in seen.series] == ["A", "B", "(no segment)"]
    assert [p.x for p in seen.series[0].points] == ["A", "B"]
    assert seen.title.endswith("at the end of 2026-06-30")
    # The numbers stand as the picture has them: before down, now across.
    assert table(seen)[0] == ("before", "A", "B")
    assert [r[0] for r in table(seen)[1]] == ["A", "B", "(no segment)"]


@pytest.mark.parametrize(("features", "down"), [(2, "segment"), (5, "feature")])
def test_the_longer_side_of_a_profile_goes_down(features: int, down: str) -> None:
    rows = [
        {"segment": s, "feature": f"f{i}", "title": f"Title {i}", "against_all": 10.0 * "abc".index(s) + i}
        for s in "abc"
        for i in range(features)
    ]
    seen = of_profile({"labels": {s: s.upper() for s in "abc"}, "profile": rows})
    assert seen is not None
    assert (seen.group_label, len(seen.series)) == (down, max(3, features))
    last = table(seen)[1][-1]
    assert last[0] in ("C", f"Title {features - 1}")
    assert [float(v) for v in last[1:]] == ([20.0, 21.0] if features == 2 else [4.0, 14.0, 24.0])
