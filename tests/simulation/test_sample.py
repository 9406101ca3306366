"""The committed sample is what its seed gives, small, and shows what it is to show."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pandas as pd

from alignment_toolkit.company import Company
from alignment_toolkit.simulation import SAMPLE, simulate
from alignment_toolkit.tables import TABLES

END = pd.Timestamp("2026-10-01")


def test_the_committed_sample_comes_out_byte_for_byte(tmp_path, project_dir, sample_dir):
    subprocess.run(
        [sys.executable, "-m", "alignment_toolkit.simulation", str(tmp_path / "sample")],
        check=True, cwd=project_dir,
        env={**os.environ, "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "PYTHONPATH": str(project_dir)},
    )  # fmt: skip
    made = {path.name: path.read_bytes() for path in (tmp_path / "sample").iterdir()}
    kept = {path.name: path.read_bytes() for path in sample_dir.iterdir()}
    assert sorted(made) == sorted(kept)
    assert [name for name in made if made[name] != kept[name]] == []
    answers = sample_dir.with_name("sample-answers.json").read_bytes()
    assert (tmp_path / "sample-answers.json").read_bytes() == answers
    assert not list(sample_dir.glob("*answers*"))


def test_the_sample_is_small_and_labelled(sample_dir):
    assert sum(path.stat().st_size for path in sample_dir.iterdir()) < 3_000_000
    assert 'name = "Sample company (made up)"' in (sample_dir / "alignment.toml").read_text(encoding="utf-8")


def test_the_sample_shows_agreement_and_misalignment_of_all_three_natures(sample_dir, brute_force):
    company = simulate(SAMPLE)
    answers = json.loads(sample_dir.with_name("sample-answers.json").read_text(encoding="utf-8"))
    assert answers["misaligned"] == [
        "off_plan_accounts", "portfolio_mismatch", "positioning_mismatch", "price_ambition", "untrained_launch",
        "dropped_leads", "perception_gap", "failing_joint_projects",
    ]  # fmt: skip
    assert answers == company.answers

    disagreement, accounts = brute_force.disagreement(company, END)
    assert accounts >= 400
    assert disagreement < 0.40
    handed = brute_force.handed_over(company, END)
    quarter = handed[handed["qualified_at"] >= "2026-07-01"]
    late = float((~(quarter["hours"] <= 16)).mean())
    assert len(quarter) >= 120
    assert late - 1.96 * (late * (1 - late) / len(quarter)) ** 0.5 > 0.10
    campaigns = company.tables["campaigns"]
    assert (campaigns["starts_on"] >= "2026-07-01").sum() >= 40
    own = brute_force.outbound(company)
    assert (own["touched_at"] >= "2026-07-01").sum() >= 300


def test_the_samples_tables_reach_its_last_day():
    tables = simulate(SAMPLE).tables
    for name, column in (
        ("leads", "created_at"), ("opportunities", "closed_at"), ("orders", "ordered_at"), ("touches", "touched_at"),
        ("spend", "spent_on"), ("assessments", "assessed_at"),
    ):  # fmt: skip
        assert tables[name][column].max() >= END - pd.Timedelta(days=1), name


def test_the_toolkit_reads_the_sample_without_a_problem(sample_dir):
    company = Company.open(sample_dir)
    assert company.problems == ()
    assert company.tables == tuple(TABLES)
    assert str(company.as_of) == "2026-09-30"
