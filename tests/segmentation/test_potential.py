"""Potential of accounts without orders: what came after the day cannot enter, and what did come before does."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from alignment_toolkit.company import Company
from alignment_toolkit.segmentation import Accounts, Potential, account_features, potential_of
from alignment_toolkit.segmentation.outlook import look_ahead
from alignment_toolkit.segmentation.potential import _auc

END = date(2026, 7, 1)
COLUMNS = ("touches", "personal", "leads", "score", "effort")


def market(*, known_before: bool, n: int = 400) -> dict[str, Any]:
    """Three of ten become clients in the last year; who does was touched, a year ago already or only since."""
    drawn = np.random.default_rng(5)
    when = END - timedelta(days=500 if known_before else 100)
    accounts, orders, touches = [], [], []
    for i in range(n):
        a, becomes = f"a{i:03d}", drawn.random() < 0.3
        accounts.append(
            {"account_id": a, "created_at": "2024-01-01", "size": ["s", "m"][int(drawn.integers(2))]}
        )
        if becomes:
            orders.append(
                {"order_id": a, "account_id": a, "ordered_at": str(END - timedelta(days=50)), "amount": "9"}
            )
        # Of those who become one eight in ten were met, of the others one in ten.
        if drawn.random() < (0.8 if becomes else 0.1):
            touches.append({"touch_id": a, "account_id": a, "touched_at": str(when), "channel": "visit",
                            "department": "sales", "minutes": 60})  # fmt: skip
    # Somebody bought before, so that orders are known by account.
    old = {"account_id": "old", "ordered_at": "2025-01-01", "amount": "9"}
    return {"accounts": accounts, "orders": [*orders, {"order_id": "old", **old}], "touches": touches}


def fitted(rows: dict[str, Any], folder: Path) -> tuple[Potential, Accounts]:
    from tests.builders import written

    company = Company.open(written(rows, folder))
    table, missing = account_features(company, END)
    accounts = Accounts(company, table, missing, END, look_ahead(company, table))
    return potential_of(accounts), accounts


def test_what_came_with_the_order_does_not_enter(tmp_path: Path) -> None:
    model, _ = fitted(market(known_before=False), tmp_path)
    # Touches since would tell nearly all; a year ago there were none, and size says nothing.
    assert set(model.left_out) >= {"touches", "effort"}
    assert not {s.id for s in model.scales} & set(COLUMNS)
    assert model.auc.value is not None
    assert model.auc.value < 0.6
    assert model.reason


def test_what_was_known_before_does(tmp_path: Path) -> None:
    model, accounts = fitted(market(known_before=True), tmp_path)
    assert model.reason is None
    assert model.auc.value is not None
    # Met or not: the AUC is (0.8 + 0.9) / 2.
    assert model.auc.value == pytest.approx(0.85, abs=0.05)
    t = accounts.table
    at_the_time, _ = account_features(accounts.company, END - timedelta(days=365))
    said = accounts.fetch(
        at_the_time.mutate(p=model.column(at_the_time)).select("account_id", "p", "touches")
    )
    became = set(accounts.fetch(t.filter(t.order_days >= 1).select("account_id")).account_id) - {"old"}
    said = said[said.account_id != "old"]
    y = said.account_id.isin(became)
    # Calibrated: as many become clients as the model says, among those who were met and those who were not.
    for met in (True, False):
        own = (said.touches > 0) == met
        assert said.p[own].mean() == pytest.approx(y[own].mean(), abs=0.05)


@pytest.mark.parametrize("seed", range(3))
def test_the_area_is_that_of_another_library(seed: int) -> None:
    drawn = np.random.default_rng(seed)
    y, said = drawn.random(80) < 0.4, drawn.integers(0, 9, 80) / 9  # with ties
    once = np.ones(len(y), dtype=np.int64)
    assert _auc(said, y)(once) == pytest.approx(roc_auc_score(y, said))
