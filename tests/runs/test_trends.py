"""Gaps and key figures over runs, as the command shows them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from alignment_toolkit.cli import main
from alignment_toolkit.errors import UnknownName
from alignment_toolkit.results import Analysis, KpiValue
from alignment_toolkit.runs.trends import trends
from alignment_toolkit.statistics.shares import wilson_limits

MONTHS = [f"2026-{m:02}" for m in range(1, 9)]
CALM = [0.20, 0.22, 0.19, 0.21, 0.20, 0.21, 0.20]


def told(share: float, period: str, n: int = 400) -> Analysis:
    low, high = wilson_limits(share, n)
    row = KpiValue(
        kpi="win-rate", title="Win rate", by={}, period=period, grain=None, start=f"{period}-01", to=f"{period}-28",
        value=share, low=low, high=high, level=0.95, n=n, top=share * n, bottom=n, unit="share", method="Wilson",
        better="higher", owners={}, censored=0, immature=False, spread=None, status="ok", reason=None,
    )  # fmt: skip
    return replace(Analysis.empty(company="Acme", currency="EUR", period=period), kpis=(row,))


@pytest.fixture
def runs(published):
    def publish(shares, **changes):
        for period, share in zip(MONTHS, shares, strict=False):
            published(period, f"{period}-01", f"{period}-28", told(share, period), **changes)

    return publish


def test_a_figure_that_jumps_is_named_and_one_that_stays_is_not(runs, tmp_path, capsys):
    out = tmp_path / "reports"
    runs([*CALM, 0.40])
    runs([*CALM, 0.20], slice="region=North")
    whole, north = trends(out)
    assert [t.slice for t in (whole, north)] == ["all", "region=North"]
    (chart,) = whole.charts
    assert [p["alarm"] for p in chart["points"]] == [False] * 7 + [True]
    assert not any(p["alarm"] for p in north.charts[0]["points"])
    assert main(["runs", "trend", "win_rate", "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [whole.to_json(), north.to_json()]
    assert main(["runs", "trend", "win-rate", "--part", "all", "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    lines = {
        period: line for line in shown.splitlines() for period in MONTHS if line.strip().startswith(period)
    }
    assert list(lines) == MONTHS
    assert [period for period, line in lines.items() if "ALARM" in line] == ["2026-08"]
    assert "region=North" not in shown
    assert main(["runs", "trend", "--out", str(out)]) == 0
    assert "alarm: higher" in capsys.readouterr().out


def test_weeks_between_months_are_another_series_and_the_last_run_decides(runs, published, tmp_path):
    runs(CALM[:3])
    for day in (2, 9):
        published(f"2026-03-{day:02}..", f"2026-03-{day:02}", f"2026-03-{day + 6:02}", told(0.2, "2026-03"))
    (trend,) = trends(tmp_path / "reports")
    assert not trend.charts or [len(c["points"]) for c in trend.charts] == [2]


def test_what_nobody_has_followed_is_refused_with_the_near_match(runs, tmp_path):
    assert trends(tmp_path / "reports") == ()
    runs(CALM)
    with pytest.raises(UnknownName, match="win-rate"):
        trends(tmp_path / "reports", ["win-rat"])


def test_runs_that_cannot_stand_beside_the_newest_are_named_where_nothing_is_left_to_follow(
    published, tmp_path, capsys
):
    out = tmp_path / "reports"
    for period in MONTHS[:2]:
        old = replace(told(0.2, period), toolkit="0.0.9")
        published(period, f"{period}-01", f"{period}-28", old)
    published("2026-03", "2026-03-01", "2026-03-28", told(0.2, "2026-03"))
    assert main(["runs", "trend", "--out", str(out)]) == 0
    shown = capsys.readouterr()
    assert "nothing before it" not in shown.out
    assert "Nothing stands beside the run of 2026-03" in shown.out
    assert shown.err.count("made by another version (0.0.9)") == 2
    assert main(["runs", "trend", "win-rate", "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert "second period" not in said
    assert all(w in said for w in ("2026-01", "2026-02", "another version (0.0.9)"))


def test_a_part_or_notebook_that_was_never_run_is_refused_with_the_near_match(runs, tmp_path, capsys):
    out = tmp_path / "reports"
    assert trends(out, part="region=North") == ()
    runs(CALM, slice="region=North")
    with pytest.raises(UnknownName, match=r"no part 'region=Nord' .*region=North"):
        trends(out, part="region=Nord")
    with pytest.raises(UnknownName, match=r"no notebook 'm' .*: n"):
        trends(out, notebook="m")
    assert main(["runs", "trend", "--part", "region=Nord", "--out", str(out)]) == 2
    assert "Nothing was run" not in capsys.readouterr().out


def test_what_several_ids_begin_with_is_not_told_as_a_run_that_is_not_there(runs, tmp_path, capsys):
    runs(CALM)
    out = str(tmp_path / "reports")
    assert main(["runs", "show", "2026-0", "--out", out]) == 2
    said = capsys.readouterr().err
    assert f"'2026-0' begins the ids of 7 runs in {out}: 2026-01-run, 2026-02-run" in said
    assert "There is no run" not in said
    assert main(["runs", "show", "2027", "--out", out]) == 2
    assert "There is no run '2027'" in capsys.readouterr().err
