"""Catching up runs what was missed, each period once, whoever else is at it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import pytest

from alignment_toolkit.cli import main
from alignment_toolkit.errors import ParameterError, UnknownName
from alignment_toolkit.periods import Period
from alignment_toolkit.runs import history
from alignment_toolkit.runs.catching_up import Missed, missed

REPORT = "01_alignment_report"


@pytest.fixture
def ran(make_plan, published):
    """Publish runs by hand and give the root of the reports."""

    def made(*labels, notebook=REPORT, part="all"):
        for label in labels:
            plan = make_plan()
            named = plan.notebook.with_name(f"{notebook}.ipynb")
            published(label, "2026-01-01", "2026-01-31", notebook=named, slice=part)
        return make_plan().out

    return made


def labels(found):
    return [p.label for p in found.periods]


def test_a_first_period_of_another_kind_than_every_is_told(sample, tmp_path):
    with pytest.raises(ParameterError) as said:
        missed(sample, tmp_path, REPORT, every="week", since="2026-09")
    assert str(said.value) == (
        "--since '2026-09' is a month, and --every asks for each week."
        " Give the first week instead, or leave --every out."
    )


def test_every_gap_is_missed_and_what_is_there_is_not(sample, ran):
    out = ran("2025-Q4", "2026-Q2", "2026-05")
    assert labels(missed(sample, out, REPORT)) == ["2026-Q1", "2026-Q3"]
    assert labels(missed(sample, out, REPORT, every="month")) == ["2026-06", "2026-07", "2026-08", "2026-09"]
    assert labels(missed(sample, out, REPORT, since="2025-Q2")) == [
        "2025-Q2",
        "2025-Q3",
        "2026-Q1",
        "2026-Q3",
    ]
    assert labels(missed(sample, out, REPORT, since="2026-Q4")) == []
    assert labels(missed(sample, out, "other")) == ["2026-Q3"], "nothing was run: the last complete quarter"
    assert labels(missed(sample, out, REPORT, part="region=North", every="year")) == ["2025"]


def test_weeks_over_the_turn_of_a_year_and_periods_without_data(sample, ran):
    found = missed(sample, ran(), REPORT, since="2025-W51")
    assert labels(found)[:4] == ["2025-W51", "2025-W52", "2026-W01", "2026-W02"]
    assert labels(found)[-1] == "2026-W39"
    early = missed(sample, ran(), REPORT, since="2024-Q2")
    assert [p.label for p in early.empty] == ["2024-Q2", "2024-Q3"]
    assert labels(early)[0] == "2024-Q4"


def test_years_before_the_data_are_named_in_a_sentence(sample, ran, capsys):
    out = ran()
    found = missed(sample, out, REPORT, since="2018-02")
    assert labels(found)[0] == "2024-10"
    assert len(labels(found)) == 24
    assert len(found.empty) == 80  # 2018-02 to 2024-09
    command = ["catch-up", "sample", "--since", "2018-02", "--out", str(out), "--dry-run", "--json"]
    assert main(command) == 0
    shown = capsys.readouterr()
    assert len(json.loads(shown.out)) == 24
    assert (
        f"{REPORT}: no data in 80 months: 2018-02 to 2024-09 (the data begins 2024-10-01); "
        f"nothing is run for them."
    ) in " ".join(shown.err.split())


def test_so_many_periods_without_data_are_no_reason_to_refuse(sample, ran):
    found = missed(sample, ran(), REPORT, since="1990-01")
    assert (len(found.periods), len(found.empty)) == (24, 417)


def test_a_first_period_after_the_data_is_told(sample, ran, capsys):
    command = ["catch-up", "sample", "--since", "2027-01", "--out", str(ran()), "--dry-run", "--json"]
    assert main(command) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == []
    assert (
        "--since '2027-01' lies after the last complete month, 2026-09 (the data goes to 2026-09-30): "
        "nothing is missed."
    ) in " ".join(shown.err.split())


def test_only_the_first_rows_of_gaps_are_named():
    gaps = tuple(Period.parse(f"20{year}-{month:02}") for year in range(10, 17) for month in (1, 2, 5))
    assert Missed("month", (), gaps).said(None, None) == (
        "no data in 21 months: 2010-01 to 2010-02, 2010-05, 2011-01 to 2011-02, 2011-05, 2012-01 to 2012-02 "
        "and 13 more; nothing is run for them."
    )
    assert Missed("month", (), gaps[2:3]).said(None, None) == "no data in 2010-05; nothing is run for it."


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"every": "weak"}, UnknownName, "Did you mean 'week'"),
        ({"since": "2026-01-05..2026-01-09"}, ParameterError, "--every"),
        ({"since": "2026-Q1", "every": "month"}, ParameterError, "--every"),
        ({"since": "2020-01-01", "every": "day"}, ParameterError, "later --since"),
    ],
)
def test_what_cannot_be_caught_up_says_why(sample, ran, options, error, said):
    with pytest.raises(error, match=said):
        missed(sample, ran(), REPORT, **options)


def test_the_command_shows_what_it_would_run(ran, capsys):
    out = ran("2026-Q1", "2026-Q2")
    assert main(["catch-up", "sample", "--out", str(out), "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == [{"notebook": REPORT, "period": "2026-Q3", "slice": "all", "status": "missed"}]


@pytest.mark.faults
@pytest.mark.timeout(1200)
def test_two_at_once_and_once_more_run_each_period_once(project_dir, tmp_path):
    out = tmp_path / "r"
    command = [
        sys.executable, "-m", "alignment_toolkit", "catch-up", "sample", "--since", "2026-07", "--out", str(out),
        "--set", "indicators=dropped_leads", "--formats", "json", "--json",
    ]  # fmt: skip
    pair = [subprocess.Popen(command, cwd=project_dir, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [json.loads(p.communicate(timeout=600)[0]) for p in pair]
    assert [p.returncode for p in pair] == [0, 0]
    runs = history(out)
    assert Counter(r["period"] for r in runs) == {"2026-07": 1, "2026-08": 1, "2026-09": 1}
    assert sum(row["status"] == "published" for rows in told for row in rows) == 3
    again = subprocess.run(command, cwd=project_dir, stdout=subprocess.PIPE, text=True, check=True)
    assert json.loads(again.stdout) == []
    last = next(r for r in runs if r["period"] == "2026-09")
    analysis = json.loads((out / REPORT / "2026-09" / "all" / last["id"] / "analysis.json").read_text())
    followed = [a for a in analysis["alarms"] if a["indicator"] == "dropped_leads"]
    assert [len(a["points"]) for a in followed] == [3], "each follows the runs before it"
