"""The company is whole: every table and column, unique keys, keys that lead somewhere, nothing after the end."""

from __future__ import annotations

import json
import time
from datetime import date

import numpy as np
import pandas as pd

from alignment_toolkit.simulation import Recipe, simulate
from alignment_toolkit.tables import TABLES

END = pd.Timestamp("2026-10-01")
# What lies ahead may be known: a contract's end, a review, a promise.
AHEAD = {"contract_until", "review_on", "promised_on"}


def test_every_table_and_every_required_column_is_there_and_filled(plain):
    assert list(plain.tables) == list(TABLES)
    for name, spec in TABLES.items():
        table = plain.tables[name]
        assert len(table) > 0, name
        assert set(table.columns) <= set(spec.columns), name
        for column in (c for c in spec.columns.values() if c.required and not c.may_be_empty):
            assert table[column.name].notna().all(), f"{name}.{column.name}"


def test_ids_are_unique_and_references_lead_somewhere(plain):
    followed = 0
    for name, spec in TABLES.items():
        table = plain.tables[name]
        if spec.key:
            assert table[spec.key].is_unique, name
        for column, (other, key) in spec.references.items():
            if column in table.columns:
                known = table[column].dropna()
                assert known.isin(plain.tables[other][key]).all(), f"{name}.{column}"
                followed += len(known) > 0
    assert followed > 25


def test_only_the_words_of_the_data_model_are_used(plain):
    checked = 0
    for name, spec in TABLES.items():
        for column in spec.columns.values():
            if column.words and column.name in plain.tables[name].columns:
                used = set(plain.tables[name][column.name].dropna().astype(str))
                assert used <= set(column.words), f"{name}.{column.name}"
                checked += 1
    assert checked > 15


def test_persons_are_persons(plain):
    known = set(plain.tables["people"]["person_id"])
    for table, column in (
        ("accounts", "owner"), ("assessments", "assessor"), ("leads", "received_by"), ("leads", "owner"),
        ("opportunities", "owner"),
        ("touches", "actor"), ("edits", "actor"), ("training", "actor"),
        ("signals", "person_id"),
    ):  # fmt: skip
        used = plain.tables[table][column].dropna()
        assert len(used) > 0
        assert set(used) <= known, f"{table}.{column}"


def test_nobody_works_before_joining_or_after_leaving(plain):
    people = plain.tables["people"].set_index("person_id")
    assert people["left_on"].notna().any()
    touches = plain.tables["touches"].dropna(subset=["actor"])
    assert (touches["touched_at"] >= touches["actor"].map(people["joined_on"])).all()
    left = touches["actor"].map(people["left_on"])
    assert (left.isna() | (touches["touched_at"] < left + pd.Timedelta(days=1))).all()


def test_no_event_before_its_account_or_after_the_end(plain):
    for name, table in plain.tables.items():
        for column in table.select_dtypes("datetime").columns:
            if column not in AHEAD:
                assert not (table[column] >= END).any(), f"{name}.{column}"
    created = plain.tables["accounts"].set_index("account_id")["created_at"]
    for name, column in (
        ("leads", "created_at"), ("opportunities", "opened_at"), ("orders", "ordered_at"), ("touches", "touched_at"),
        ("assessments", "assessed_at"), ("signals", "signalled_at"),
    ):  # fmt: skip
        table = plain.tables[name].dropna(subset=["account_id"])
        assert (table[column] >= table["account_id"].map(created)).all(), name
        assert table[column].max() >= END - pd.Timedelta(days=1), name
        if name != "accounts":
            assert table[column].min() >= pd.Timestamp("2024-10-01"), name


def test_things_happen_in_their_order(plain):
    leads = plain.tables["leads"]
    for first, then in (
        ("created_at", "qualified_at"), ("qualified_at", "accepted_at"), ("qualified_at", "rejected_at"),
        ("accepted_at", "converted_at"),
    ):  # fmt: skip
        both = leads.dropna(subset=[first, then])
        assert len(both) > 100
        assert (both[first] <= both[then]).all(), (first, then)
    assert not (leads["accepted_at"].notna() & leads["rejected_at"].notna()).any()
    deals = plain.tables["opportunities"]
    assert (deals["closed_at"].isna() == deals["outcome"].isna()).all()
    assert deals["outcome"].isna().any()
    assert not (deals["closed_at"] < deals["opened_at"]).any()
    linked = deals.dropna(subset=["lead_id"]).merge(leads, on="lead_id", suffixes=("", "_lead"))
    assert (linked["opened_at"] >= linked["accepted_at"]).all()
    assert (linked["account_id"] == linked["account_id_lead"]).all()


def test_clocks_can_be_read_in_the_companys_zone(plain):
    for table in plain.tables.values():
        for column in (c for c in table.columns if c.endswith("_at")):
            at = table[column].dropna()
            at.dt.tz_localize("Europe/Berlin", ambiguous="raise", nonexistent="raise")


def test_a_believable_company(plain):
    leads, deals, orders = (plain.tables[name] for name in ("leads", "opportunities", "orders"))
    assert 0.35 < leads["qualified_at"].notna().mean() < 0.6
    closed = deals.dropna(subset=["outcome"])
    assert 0.25 < (closed["outcome"] == "won").mean() < 0.36
    assert 20 < (closed["closed_at"] - closed["opened_at"]).dt.days.median() < 60
    assert 0.005 < (orders["amount"] < 0).mean() < 0.05
    assert 0.005 < orders["account_id"].isna().mean() < 0.05
    assert 0.01 < leads["account_id"].isna().mean() < 0.08
    per_client = orders.groupby("account_id")["order_id"].nunique()
    assert (per_client > 1).mean() > 0.3

    # Episodes that convert within 90 days, those of existing clients left out.
    accounts = plain.tables["accounts"].set_index("account_id")
    won = closed[closed["outcome"] == "won"].groupby("account_id")["closed_at"].min()
    bought = orders[orders["amount"] > 0].groupby("account_id")["ordered_at"].min()
    since = pd.concat([accounts["client_since"].dropna(), won, bought]).groupby(level=0).min()
    own = leads.dropna(subset=["account_id"]).sort_values("created_at", kind="stable")
    pause = own.groupby("account_id")["created_at"].diff()
    opening = own[~(pause <= pd.Timedelta(days=180))]
    client = opening["account_id"].map(since)
    new = opening[~(client < opening["created_at"] - pd.Timedelta(days=7))]
    new = new[new["created_at"] < END - pd.Timedelta(days=91)]
    rate = (client.reindex(new.index) < new["created_at"] + pd.Timedelta(days=90)).mean()
    assert 0.07 < rate < 0.15
    assert (pause <= pd.Timedelta(days=180)).sum() > 1000
    assert (pause > pd.Timedelta(days=180)).sum() > 1000


def test_hand_overs_of_an_account_are_not_closer_than_four_weeks(plain):
    handed = plain.tables["leads"].dropna(subset=["qualified_at", "account_id"]).sort_values("qualified_at")
    pause = handed.groupby("account_id")["qualified_at"].diff().dropna()
    assert len(pause) > 1000
    assert pause.min() >= pd.Timedelta(days=28)


def test_same_recipe_same_bytes_and_another_seed_another_company(tmp_path):
    recipe = Recipe(
        seed=3, accounts=120, salespeople=8, plant={"dropped_leads": 0.7}, confound={"mix_shift": 1}
    )
    for name in ("one", "two"):
        simulate(recipe).write(tmp_path / name)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    assert {f"data/{name}.csv" for name in TABLES} <= {path.as_posix() for path in files}
    for path in files:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes(), path
    other = simulate(Recipe(seed=4, accounts=120, salespeople=8)).write(tmp_path / "three")
    assert (other / "leads.csv").read_bytes() != (tmp_path / "one" / "data" / "leads.csv").read_bytes()


def test_what_is_written(tmp_path):
    data = simulate(Recipe(accounts=60, salespeople=8)).write(tmp_path)
    assert data == tmp_path / "data"
    assert (tmp_path / "answers.json").is_file()
    assert not list(data.glob("*answers*"))
    answers = json.loads((tmp_path / "answers.json").read_text(encoding="utf-8"))
    assert list(answers) == ["seed", "planted", "confounders", "gaps", "misaligned"]
    assert answers["planted"]["dropped_leads"] == 0
    assert set(answers["gaps"]["dropped_leads"]) == {"value", "unit", "window"}
    for file in data.glob("*.csv"):
        assert b"\r" not in file.read_bytes()
    text = pd.read_csv(data / "leads.csv", dtype=str, keep_default_na=False)
    assert text["created_at"].str.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d").all()
    orders = pd.read_csv(data / "orders.csv", dtype=str, keep_default_na=False)
    assert orders["amount"].str.fullmatch(r"-?\d+\.\d\d").all()
    assert orders["promised_on"].str.fullmatch(r"(\d{4}-\d\d-\d\d)?").all()
    assert set(pd.read_csv(data / "touches.csv", dtype=str)["automated"]) == {"true", "false"}
    assert "made up" in (data / "alignment.toml").read_text(encoding="utf-8")


def test_small_odd_and_short_companies_are_made_too():
    for recipe in (
        Recipe(accounts=20, leads=20, salespeople=1, regions=1, products=4),
        Recipe(
            accounts=30, regions=8, salespeople=8, products=24, start=date(2025, 2, 10), end=date(2025, 8, 20)
        ),
    ):
        tables = simulate(recipe).tables
        assert len(tables["leads"]) == recipe.leads
        assert tables["leads"]["created_at"].max() < pd.Timestamp(recipe.end) + pd.Timedelta(days=1)
        assert tables["campaigns"]["product_id"].nunique() > 1


def test_standard_size_takes_seconds():
    begin = time.perf_counter()
    company = simulate(Recipe(seed=21))
    assert len(company.tables["leads"]) == 20_000
    assert len(company.tables["accounts"]) == 5_000
    assert time.perf_counter() - begin < 10


def test_money_of_campaigns_comes_in_lumps_and_covers_every_product(plain):
    campaigns = plain.tables["campaigns"]
    quarter = campaigns["starts_on"].dt.to_period("Q")
    assert (campaigns.groupby(quarter)["product_id"].nunique() >= 10).all()
    assert (quarter == campaigns["ends_on"].dt.to_period("Q")).all()
    spent = plain.tables["spend"].dropna(subset=["campaign_id"]).groupby("campaign_id")["amount"].sum()
    assert len(spent) == len(campaigns)
    assert 0.4 < float(np.log(spent).std()) < 0.8
