"""`alignment segments`: the keys of the contract, the file of all accounts, a wrong name."""

from __future__ import annotations

import csv
import json

import pytest

from alignment_toolkit.segmentation import segmenting


@pytest.fixture
def shop(tmp_path):
    """Eighty clients, each with two orders."""
    folder = tmp_path / "shop"
    folder.mkdir()
    lines = ["order_id,ordered_at,account_id,amount"]
    for i in range(80):
        lines += [f"a{i},2025-{1 + i % 12:02d}-03,c{i},{20 + i}", f"b{i},2026-0{1 + i % 3}-05,c{i},{10 + i}"]
    (folder / "orders.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_the_keys_are_those_of_the_contract(alignment, shop, tmp_path, monkeypatch) -> None:
    """And what the file holds is not computed a second time."""
    made, times = segmenting._segmented, []
    monkeypatch.setattr(segmenting, "_segmented", lambda *given: times.append(1) or made(*given))
    done = alignment(
        "segments", shop, "--period", "2026-Q1", "--segmentation", "value", "--compare", "none",
        "--out", tmp_path / "plays.csv", "--json",
    )  # fmt: skip
    assert done.code == 0
    assert len(times) == 1
    told = json.loads(done.out)
    assert set(told) == {"segments", "plays", "definitions"}
    assert set(told["segments"][0]) == {
        "segmentation", "segment", "label", "size", "share_of_revenue", "share_of_spend", "share_of_effort", "value",
        "rule", "rule_accuracy", "stability", "plays", "exceptions",
    }  # fmt: skip
    assert set(told["plays"][0]) == {"account", "segment", "proposed", "intent", "reasons", "value"}
    assert len(told["plays"]) == 50
    assert sum(s["size"] for s in told["segments"]) == 80
    with (tmp_path / "plays.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 80
    # Names, not the keys that they have in the data.
    assert {r["value"] for r in rows} == {s["label"] for s in told["segments"]}
    assert {p["account"] for p in told["plays"]} <= {r["account"] for r in rows}
    counts = told["definitions"]["plays"]["counts"]
    assert {p: sum(r["proposed"] == p for r in rows) for p in counts} == counts


def test_people_read_a_table_and_that_a_person_decides(alignment, shop) -> None:
    done = alignment("segments", shop, "--period", "2026-Q1", "--segmentation", "value", "--compare", "none")
    assert "Value (value): Who are the best clients" in done.out
    # Nobody knows the work and the spend of this shop: no column is full of "not available".
    head = next(line for line in done.out.splitlines() if line.startswith("segment "))
    assert "revenue" in head
    assert not [c for c in ("spend", "effort", "stability") if c in head]
    assert "A person who knows the account decides." in done.out
    assert "--out plays.csv" in done.out


def test_a_folder_that_is_not_there_is_told(alignment, shop) -> None:
    done = alignment(
        "segments", shop, "--period", "2026-Q1", "--segmentation", "value", "--out", "nowhere/plays.csv"
    )
    assert done.code != 0
    assert "There is no folder nowhere" in done.err
