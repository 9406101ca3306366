"""Segments and plays of whole companies: by hand, shuffled, matched with an earlier run, degenerate."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_mutual_info_score

from alignment_toolkit.analysis import analyse
from alignment_toolkit.catalog import Catalog
from alignment_toolkit.company import Company
from alignment_toolkit.periods import Period
from alignment_toolkit.pseudonyms import Pseudonyms
from alignment_toolkit.results import Analysis
from alignment_toolkit.segmentation import (
    FEATURES,
    Accounts,
    Placing,
    account_features,
    features,
    find_clusters,
    segment_company,
)
from alignment_toolkit.segmentation.features import _features, forget
from alignment_toolkit.segmentation.matching import matched
from alignment_toolkit.segmentation.scaling import loosened, scale_of, scaled
from alignment_toolkit.segmentation.telling import agreement, share_of
from alignment_toolkit.tables import TABLES
from tests.builders import Unbound, company_of, written

SEGMENT = {
    "segmentation", "segment", "label", "size", "share_of_revenue", "share_of_spend", "share_of_effort", "value",
    "rule", "rule_accuracy", "stability", "plays", "exceptions",
}  # fmt: skip
PLAY = {"account", "segment", "proposed", "intent", "reasons", "value"}


def three_rows() -> dict[str, Any]:
    """Anna bought twice, Bob once and long ago, Cleo never."""
    return {
        "accounts": [{"account_id": a, "segment": "x"} for a in ("anna", "bob", "cleo")],
        "orders": [
            {"order_id": "1", "ordered_at": "2026-06-30", "amount": "100", "account_id": "anna", "list_amount": "125"},
            {"order_id": "2", "ordered_at": "2026-03-01", "amount": "50", "account_id": "anna", "list_amount": "50"},
            {"order_id": "3", "ordered_at": "2024-07-01", "amount": "40", "account_id": "bob", "list_amount": "40"},
            # After the end of the period: not known yet.
            {"order_id": "4", "ordered_at": "2026-07-01", "amount": "999", "account_id": "cleo", "list_amount": "999"},
        ],
    }  # fmt: skip


def test_features_by_hand(tmp_path: Path) -> None:
    company = Company.open(written(three_rows(), tmp_path))
    table, missing = account_features(company, date(2026, 7, 1))
    rows = company.fetch(table).set_index("account_id")
    anna, bob = rows.loc["anna"], rows.loc["bob"]
    asked = ["recency", "tenure", "order_days", "frequency", "money", "order_size"]
    assert anna[asked].tolist() == [0, 121, 2, 2, 150, 75]
    assert anna.discount == pytest.approx(1 - 150 / 175)
    assert np.isnan(anna.growth)  # no client two years ago
    assert bob[["recency", "order_days", "frequency", "money"]].tolist() == [729, 1, 0, 0]
    assert np.isnan(rows.loc["cleo"].order_days)
    assert missing["breadth"] == "needs product_id"
    assert missing["touches"] == "needs touches with accounts"


def test_parts_of_the_accounts_have_the_features_of_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is too large for the memory is made part by part: every account once, with the same numbers."""
    rows = shop(n=30) | {
        "accounts": [{"account_id": f"a{i:04d}", "segment": "xy"[i % 2]} for i in range(0, 40, 2)],
        "touches": [
            {"touch_id": f"t{i}", "touched_at": f"2026-0{1 + i % 6}-05", "account_id": f"a{i % 45:04d}",
             "department": "sales", "direction": "outbound", "channel": "phone"}
            for i in range(90)
        ],
    }  # fmt: skip
    company = Company.open(written(rows, tmp_path))
    end = date(2026, 7, 1)
    whole, missing = account_features(company, end)
    want = company.fetch(whole).sort_values("account_id").reset_index(drop=True)
    forget(company, whole)
    assert features._parts(company) == 1
    monkeypatch.setattr(features, "ROWS_AT_ONCE", len(rows["orders"]) // 2 + 1)
    assert features._parts(company) == 2
    parts, lacking = account_features(company, end)
    found = company.fetch(parts).sort_values("account_id").reset_index(drop=True)
    assert lacking == missing
    pd.testing.assert_frame_equal(found, want)
    # The first part alone is not the whole: else the second would have added nothing.
    first, _ = _features(company, end, [FEATURES["touches"]], features._Part(0, 2))
    assert 0 < len(company.fetch(first)) < len(want) == 45


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "databricks"])
def test_features_compile_for_every_engine(dialect: str) -> None:
    every = {t: tuple(spec.columns) for t, spec in TABLES.items()}
    company: Any = company_of({t: [] for t in every}, columns=every, kind=Unbound)
    table, missing = _features(company, date(2026, 7, 1), list(FEATURES.values()))
    assert not missing
    assert set(FEATURES) < set(table.columns)
    assert "SELECT" in ibis.to_sql(table, dialect=dialect)


def shop(seed: int = 1, n: int = 120) -> dict[str, Any]:
    """Two kinds of clients: many small orders till the end, and one large order long ago."""
    drawn = np.random.default_rng(seed)
    end = date(2026, 6, 30)
    orders = []
    for i in range(n):
        often = i % 3 > 0
        days = (
            drawn.integers(0, 300, size=drawn.integers(6, 14)) if often else drawn.integers(300, 360, size=1)
        )
        for d in days:
            amount = drawn.lognormal(3 if often else 6, 0.25)
            orders.append({"order_id": f"o{len(orders)}", "ordered_at": str(end - timedelta(days=int(d))),
                           "amount": f"{amount:.2f}", "account_id": f"a{i:04d}"})  # fmt: skip
    return {"orders": orders}


ONLY = {"kpis": [], "indicators": [], "compare": "none"}


@pytest.fixture(scope="module")
def two_kinds(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    company = Company.open(written(shop(), tmp_path_factory.mktemp("shop")))
    return analyse(company, "2026-Q2", segmentations=["behaviour", "value", "as_given"], **ONLY)


def test_two_kinds_of_clients_are_found_and_told(two_kinds: Analysis) -> None:
    found = [r for r in two_kinds.segments if r["segmentation"] == "behaviour"]
    assert sorted(r["size"] for r in found) == [40, 80]
    assert all(set(r) == SEGMENT for r in two_kinds.segments)
    assert all(set(p) == PLAY for p in two_kinds.plays)
    for r in found:
        assert r["stability"] >= 0.75
        assert r["rule"]
        assert r["rule_accuracy"] > 0.95
        assert sum(r["plays"].values()) == r["size"]
        assert len(r["exceptions"]["rows"]) == 3
        assert "a0" not in json.dumps(r["exceptions"])
    total = sum(r["share_of_revenue"]["value"] for r in found)
    assert total == pytest.approx(1)
    assert "person" in two_kinds.definitions["plays"]["decides"]
    assert (
        two_kinds.definitions["segments"]["as_given"]["reason"]
        == "needs accounts.account_id, accounts.segment"
    )


def test_order_of_rows_does_not_matter(two_kinds: Analysis, tmp_path: Path) -> None:
    rows = shop()
    random.Random(4).shuffle(rows["orders"])
    again = analyse(
        Company.open(written(rows, tmp_path)),
        "2026-Q2",
        segmentations=["behaviour", "value", "as_given"],
        **ONLY,
    )
    same = replace(again, company=two_kinds.company)
    assert [r["label"] for r in same.segments] == [r["label"] for r in two_kinds.segments]
    assert [{**r, "exceptions": None} for r in same.segments] == [
        {**r, "exceptions": None} for r in two_kinds.segments
    ]


def test_neither_whole_numbers_nor_the_unknown_make_a_group() -> None:
    """Half of the clients ordered once, and of a third it is not known how they grew: one cloud all the same."""
    drawn = np.random.default_rng(4)
    orders = 1.0 + drawn.poisson(drawn.gamma(1.0, 1.0, 400))
    money = orders * drawn.lognormal(4, 0.6, 400)
    growth = np.where(drawn.random(400) < 0.35, np.nan, drawn.normal(0, 0.3, 400))
    rows = pd.DataFrame({"frequency": orders, "money": money, "growth": growth})
    scales, _ = scale_of(rows, list(rows))
    assert find_clusters(loosened(rows, scales, "x"), numbers=[2, 3]).k == 0
    spread = loosened(rows, scales, "x")
    assert len(np.unique(spread[:, 0])) == 400
    # They are placed as they are: once spread, a value stays nearer to its own number than to any other.
    assert np.abs(np.expm1(spread[:, 0] * scales[0].spread + scales[0].centre) - orders).max() <= 0.5


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("sizes", [[1, 2], ["1", None, "2", "2"], [1.5, 1.5, None, 40]])
def test_a_category_of_numbers_or_partly_unknown_is_scaled(sizes: list[Any]) -> None:
    rows = pd.DataFrame({"size": pd.Series(sizes * 10, dtype=object)})
    scales, _ = scale_of(rows, ["size"])
    assert [s.value for s in scales] == sorted({str(v) for v in sizes if v is not None})
    z = scaled(rows, scales)
    assert z.mean(axis=0) == pytest.approx(0)
    # Together as wide as one number, however many values there are.
    assert (z**2).sum(axis=1).mean() == pytest.approx(1)


def test_names_stay_from_run_to_run() -> None:
    scales = [{"feature": "money", "centre": 0.0, "spread": 1.0}]
    now = Placing(lambda t: t, {"s1": "Low", "s2": "High"}, None, {"s1": 0.9, "s2": 0.8}, {"scales": scales},
                  {"s1": [-2.1], "s2": [2.0]})  # fmt: skip
    before = {
        "scales": scales,
        "centres": {"s1": [2.2], "s2": [-2.0]},
        "labels": {"s1": "Large", "s2": "Small"},
    }
    made, drift = matched(now, before)
    assert dict(made.labels) == {"s2": "Small", "s1": "Large"}
    assert dict(made.stability) == {"s2": 0.9, "s1": 0.8}
    assert {d["segment"]: round(d["distance"], 6) for d in drift} == {"s2": 0.1, "s1": 0.2}
    made, drift = matched(now, {**before, "centres": {"s1": [9.0], "s2": [-2.0]}})
    assert {d["what"] for d in drift} == {"moved", "new", "gone"}
    assert "s1" not in made.labels  # a new segment takes no old one's key


def test_shares_cover() -> None:
    drawn = np.random.default_rng(3)
    inside = 0
    for _ in range(400):
        own, rest = drawn.lognormal(0, 1, 60), drawn.lognormal(0, 1, 140)
        counts = drawn.binomial(200, 0.3)
        own, rest = drawn.lognormal(0, 1, counts), drawn.lognormal(0, 1, 200 - counts)
        e = share_of(
            own.sum(), (own**2).sum(), own.sum() + rest.sum(), (own**2).sum() + (rest**2).sum(), 200, "x"
        )
        assert e.low is not None
        assert e.high is not None
        inside += e.low <= 0.3 <= e.high
    assert inside / 400 >= 0.92


def test_no_agreement_is_told_as_none() -> None:
    drawn = np.random.default_rng(1)
    a, b = drawn.integers(3, size=400).astype(str), drawn.integers(3, size=400).astype(str)
    found = agreement(list(a), list(b), "x")
    assert abs(found.value or 0) < 0.02
    assert agreement(["a"] * 9, ["b"] * 9, "x").value is None


@pytest.mark.parametrize(("n", "rows", "columns"), [(30, 2, 3), (228, 2, 3), (1_500, 40, 8)])
def test_agreement_is_that_of_another_library(n: int, rows: int, columns: int) -> None:
    drawn = np.random.default_rng(n)
    a = drawn.integers(rows, size=n)
    b = (a + drawn.integers(2, size=n)) % columns
    found = agreement([f"{v}" for v in a], [f"{v}" for v in b], "x")
    assert found.value == pytest.approx(adjusted_mutual_info_score(a, b), abs=1e-9)


def degenerate() -> dict[str, dict[str, Any]]:
    one = {"order_id": "1", "ordered_at": "2026-06-01", "amount": "10", "account_id": "a"}
    alike = [{**one, "order_id": str(i), "account_id": f"a{i}"} for i in range(80)]
    return {
        "one client": {"orders": [one]},
        "all alike": {"orders": alike},
        "one feature constant": {
            "orders": [{**r, "ordered_at": f"2026-0{1 + i % 5}-03"} for i, r in enumerate(alike)],
            "accounts": [{"account_id": f"a{i}", "segment": "xy"[i % 2]} for i in range(80)],
        },
        "only returns": {"orders": [{**r, "amount": "-5"} for r in alike]},
        "orders without account": {"orders": [{**r, "account_id": ""} for r in alike]},
        "accounts only": {
            "accounts": [{"account_id": "a", "segment": "x"}, {"account_id": "b", "segment": ""}]
        },
        "all segments missing": {"accounts": [{"account_id": "a", "segment": ""}], "orders": [one]},
        "everything later": {"orders": [{**r, "ordered_at": "2026-12-01"} for r in alike]},
    }


FOUR = Catalog.load().chosen_segmentations(["value", "behaviour", "potential", "as_given"])


@pytest.mark.parametrize("rows", degenerate().values(), ids=degenerate())
def test_degenerate_companies_have_an_answer(rows: dict[str, Any], tmp_path: Path) -> None:
    company = Company.open(written(rows, tmp_path))
    found = segment_company(
        company, Period.parse("2026-Q2"), FOUR, Pseudonyms("degenerate"), before=Period.parse("2026-Q1")
    )
    assert not [w for w in found.warnings if "could not be made" in w]
    about = found.about["segments"]
    for id in ("value", "behaviour", "potential", "as_given"):
        told = about.get("reason") or about[id]["reason"]
        assert told or any(r["segmentation"] == id for r in found.segments)
    assert not np.isnan([r["stability"] or 0.0 for r in found.segments]).any()


def test_a_segmentation_that_fails_is_told_and_leaves_the_others(tmp_path: Path) -> None:
    """The guard of the test above can fail: a failure is a warning that names the segmentation."""

    def fit(accounts: Accounts) -> Placing:
        raise ZeroDivisionError("nobody")

    value = next(s for s in FOUR if s.id == "value")
    broken = replace(value, id="broken", fit=fit)
    company = Company.open(written(degenerate()["one client"], tmp_path))
    found = segment_company(company, Period.parse("2026-Q2"), [broken, value], Pseudonyms("x"))
    assert found.warnings[0] == "segmentation broken could not be made: ZeroDivisionError: nobody"
    assert [r["size"] for r in found.segments] == [1]


def test_clients_are_not_ranked_by_amounts_that_no_rate_converts(tmp_path: Path) -> None:
    rows = degenerate()["one client"]
    last = max(o["ordered_at"] for o in rows["orders"])
    rows["orders"] = [{**o, "currency": "USD" if o["ordered_at"] == last else "EUR"} for o in rows["orders"]]
    (tmp_path / "alignment.toml").write_text('[company]\ncurrency = "EUR"\n', encoding="utf-8")
    found = segment_company(
        Company.open(written(rows, tmp_path)), Period.parse("2026-Q2"), FOUR, Pseudonyms("x")
    )
    assert (found.segments, list(found.plays)) == ((), [])
    assert found.about["segments"]["reason"] == (
        f"amounts are in other currencies, and the table rates has no rate for USD on {last[:10]}"
    )
    written({"rates": [{"currency": "USD", "valid_on": "2020-01-01", "rate": 1}]}, tmp_path)
    found = segment_company(Company.open(tmp_path), Period.parse("2026-Q2"), FOUR, Pseudonyms("x"))
    assert "reason" not in found.about["segments"]


def test_nobody_is_silent_after_the_last_day_that_is_known(tmp_path: Path) -> None:
    """A year after the data ends the clients are those of its last day: none has left, and no forecast failed."""
    value = [s for s in FOUR if s.id == "value"]
    company = Company.open(written(shop(n=60), tmp_path))
    then, later = (
        segment_company(company, Period.parse(p), value, Pseudonyms("x"), before=Period.parse(b))
        for p, b in (("2026-Q2", "2026-Q1"), ("2027-Q2", "2027-Q1"))
    )
    assert later.segments == then.segments
    assert later.about["segments"]["clients"] == then.about["segments"]["clients"]
    assert "migration" in then.about["segments"]["value"]
    assert "migration" not in later.about["segments"]["value"]
    assert f"as of {company.as_of}" in later.warnings[0]
    assert not then.warnings
