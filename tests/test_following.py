"""Gaps over runs: what raises an alarm, what is drawn without, and what is named and not compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from alignment_toolkit.following import BUDGET, LOOKS, WEIGHT, _error, _widths, follow
from alignment_toolkit.indicator import Look, Observation
from alignment_toolkit.periods import Period
from alignment_toolkit.results import VERSION, Analysis, KpiValue
from alignment_toolkit.statistics.control import limit_width, self_starting
from alignment_toolkit.statistics.inference import Gap
from alignment_toolkit.statistics.resampling import generator
from alignment_toolkit.verdict import verdicts
from tests.test_verdict_families import header

WINDOWS = {"late": "period", "raters": "trailing-12-months", "plan": "period"}
HEADERS = {id: header(id, window=window) for id, window in WINDOWS.items()}
QUARTERS = [f"{year}-Q{quarter}" for year in (2023, 2024, 2025, 2026) for quarter in (1, 2, 3, 4)]


def run(
    label: str, late: float, *, margin: float = 0.1, settings: Mapping[str, Any] | None = None
) -> Analysis:
    period = Period.parse(label)
    looks = []
    for id, head in HEADERS.items():
        made = (
            Gap.exact(0.2, n=99, n_unit="leads")
            if id == "plan"
            else Gap.normal(late, 0.02, n=99, n_unit="leads", unit="share", method="normal")
        )
        looks.append(Look(head, margin, period, period, {}, seen=Observation(made)))
    empty = Analysis.empty(
        company="Acme", currency="EUR", period=label, start=str(period.start), to=str(period.last)
    )
    about = {"indicators": {id: {"window": w, "margin": margin} for id, w in WINDOWS.items()}}
    return replace(
        empty,
        toolkit=VERSION,
        findings=verdicts(looks),
        definitions=about,
        settings=dict(settings or {"a": {"b": 1}}),
    )


CALM = [run(q, 0.10 + 0.01 * (-1) ** i) for i, q in enumerate(QUARTERS[:12])]


def charts(found: Any) -> dict[str, Any]:
    return {c["indicator"]: c for c in found.charts}


def test_a_gap_that_stays_raises_no_alarm_and_one_that_jumps_does() -> None:
    calm = charts(follow(run("2026-Q1", 0.11), CALM))["late"]
    assert (calm["alarm"], calm["turn"], len(calm["points"])) == (False, None, 13)
    wider = charts(follow(run("2026-Q1", 0.40), CALM))["late"]
    assert (wider["alarm"], wider["turn"]) == (True, "wider")
    last = wider["points"][-1]
    assert last["upper_limit"] < 0.40
    assert last["lower_limit"] < last["expected"] < last["upper_limit"]
    assert not any(p["alarm"] for p in wider["points"][:-1])
    assert charts(follow(run("2026-Q1", -0.2), CALM))["late"]["turn"] == "narrower"


def test_the_printed_limits_are_where_the_alarm_begins() -> None:
    limit = charts(follow(run("2026-Q1", 0.11), CALM))["late"]["points"][-1]["upper_limit"]
    assert charts(follow(run("2026-Q1", limit + 1e-6), CALM))["late"]["alarm"]
    assert not charts(follow(run("2026-Q1", limit - 1e-6), CALM))["late"]["alarm"]


def test_windows_that_overlap_and_exact_gaps_are_drawn_without_alarm() -> None:
    found = charts(follow(run("2026-Q1", 0.9), CALM))
    assert found["late"]["alarm"]
    assert not found["raters"]["alarm"]
    assert "shares data with the runs before" in found["raters"]["message"]
    assert not found["plan"]["alarm"]
    assert "no sampling error" in found["plan"]["message"]
    assert len(found["raters"]["points"]) == 13


@pytest.mark.parametrize(("back", "alarm"), [(90, True), (120, False)])
def test_what_looks_back_over_more_than_the_period_is_drawn_without_alarm(back: int, alarm: bool) -> None:
    def told(one: Analysis) -> Analysis:
        about = one.definitions["indicators"]
        return replace(
            one, definitions={"indicators": {**about, "late": {**about["late"], "looks_back": back}}}
        )

    late = charts(follow(told(run("2026-Q1", 0.9)), [told(one) for one in CALM]))["late"]
    assert late["alarm"] is alarm
    assert ("looks back 120 days" in late["message"]) is not alarm


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (run("2025-Q1", 0.1, settings={"a": {"b": 2}}), r"other settings \(a.b\)"),
        (replace(run("2025-Q1", 0.1), toolkit="0.0.9"), "another version"),
        (replace(run("2025-Q1", 0.1), company="Other"), "another company"),
        (run("2025-03", 0.1), "another length"),
        (run("2026-Q1", 0.1), "not before this one"),
        (run("2025-Q1", 0.1, margin=0.2), "defined otherwise"),
    ],
)
def test_what_cannot_be_compared_is_named(other: Analysis, why: str) -> None:
    found = follow(run("2026-Q1", 0.11), [CALM[0], other])
    assert any(re.search(why, c["message"]) for c in found.changed)
    assert any(re.search(why, w) for w in found.warnings), found.warnings
    assert [p["period"] for p in charts(found)["late"]["points"]] == [CALM[0].period, "2026-Q1"]


def test_a_run_made_again_counts_once_and_overlapping_runs_are_named() -> None:
    again = follow(run("2026-Q1", 0.11), [*CALM, run("2025-Q4", 0.12)])
    assert len(charts(again)["late"]["points"]) == 13
    assert again.warnings == ()
    shifted = replace(run("2025-Q3", 0.1), period="mid", start="2025-08-15", to="2025-11-14")
    assert any("overlaps" in w for w in follow(run("2026-Q1", 0.11), [*CALM, shifted]).warnings)


def figure(value: float, **changes: Any) -> KpiValue:
    row = KpiValue(
        kpi="win-rate", title="Win rate", by={}, period="", grain=None, start="", to="", value=value, low=value - 0.04,
        high=value + 0.04, level=0.95, n=400, top=400 * value, bottom=400, unit="share", method="Wilson",
        better="higher", owners={}, censored=0, immature=False, spread=None, status="ok", reason=None,
    )  # fmt: skip
    return replace(row, **changes)


def with_figures(one: Analysis, value: float, **changes: Any) -> Analysis:
    rows = [
        figure(value, period=one.period, **changes),
        figure(value, kpi="leads", bottom=None, period=one.period),
    ]
    return replace(one, kpis=tuple(rows))


def test_a_rate_is_followed_and_a_sum_or_a_young_figure_is_not() -> None:
    before = [with_figures(one, 0.25 + 0.005 * (-1) ** i) for i, one in enumerate(CALM)]
    found = follow(with_figures(run("2026-Q1", 0.11), 0.45), before)
    (chart,) = (c for c in found.charts if c.get("kpi"))
    assert (chart["kpi"], chart["alarm"], chart["turn"], len(chart["points"])) == (
        "win-rate",
        True,
        "higher",
        13,
    )
    assert chart["points"][-1]["upper_limit"] < 0.45
    assert charts(found)["late"]["alarm"] is False
    calm = follow(with_figures(run("2026-Q1", 0.11), 0.25), before)
    assert [c["turn"] for c in calm.charts if c.get("kpi")] == [None]
    young = follow(with_figures(run("2026-Q1", 0.11), 0.45, immature=True), before)
    assert not [c for c in young.charts if c.get("kpi")]


def test_a_figure_composed_of_others_is_drawn_without_an_alarm() -> None:
    # A cost per lead moves with the spend, and its interval knows only of the leads.
    def told(one: Analysis, value: float) -> Analysis:
        rows = (
            figure(value, kpi="cost-per-lead", period=one.period),
            figure(0.25, kpi="win-rate", period=one.period),
        )
        about = {"cost-per-lead": {"unit": "money", "composed": True}, "win-rate": {"unit": "share"}}
        return replace(one, kpis=rows, definitions={**one.definitions, "kpis": about})

    found = follow(told(run("2026-Q1", 0.11), 9.0), [told(one, 0.25) for one in CALM])
    drawn, followed = (c for c in found.charts if c.get("kpi"))
    assert (drawn["kpi"], drawn["alarm"], drawn["method"]) == ("cost-per-lead", False, "drawn only")
    assert len(drawn["points"]) == 13
    assert drawn["points"][-1]["upper_limit"] is None
    assert "composed of other key figures" in drawn["message"]
    assert "all 1 key figures followed" in followed["method"]


def words(one: Analysis, **counts: int) -> Analysis:
    return replace(
        one, definitions={**one.definitions, "words": {"leads.status": counts, "leads.channel": {"web": 9}}}
    )


def test_a_word_that_was_renamed_is_named_with_its_period_and_stable_ones_are_not() -> None:
    runs = [words(one, won=40 + i, lost=60) for i, one in enumerate(CALM[:9])]
    runs += [words(one, closed=42, lost=61) for one in CALM[9:]]
    found = follow(words(run("2026-Q1", 0.11), closed=40, lost=60), runs)
    changed, *others = found.changed
    assert others == []
    assert (changed["column"], changed["kind"], changed["since"]) == (
        "leads.status",
        "renamed",
        CALM[9].period,
    )
    assert (changed["before"], changed["after"]) == (["won"], ["closed"])
    assert f"history: {changed['message']}" in found.warnings
    assert follow(words(run("2026-Q1", 0.11), won=44, lost=60), runs[:9]).changed == ()
    # A run that was told before words were counted is passed over, not taken for one without words.
    assert follow(words(run("2026-Q1", 0.11), won=44, lost=60), [*CALM[:4], *runs[4:9]]).changed == ()


def test_nothing_earlier_nothing_followed() -> None:
    assert follow(run("2026-Q1", 0.11), []).charts == ()


@pytest.mark.parametrize(("indicators", "direction"), [(1, "both"), (1, "greater"), (8, "greater")])
def test_false_alarms_over_26_looks_stay_within_the_budget(indicators: int, direction: str) -> None:
    rng = generator(f"control {indicators}")
    width, below = _widths(indicators, direction)
    times = 400 // indicators
    alarms = 0
    for _ in range(times):
        runs = []
        for _ in range(indicators):
            errors = rng.uniform(0.7, 1.3, LOOKS + 1)
            seen = errors * rng.standard_normal(LOOKS + 1)
            points = self_starting(seen, errors, lam=WEIGHT, width=width, below=below)
            runs.append(any(p.alarm for p in points))
        alarms += any(runs)
    assert alarms / times <= BUDGET + 2 * (BUDGET * (1 - BUDGET) / times) ** 0.5


def test_a_lasting_shift_is_found_and_a_wandering_series_is_not_called_one_each_time() -> None:
    rng = generator("shift")
    width = limit_width(0.2, LOOKS, BUDGET)
    found = wandering = 0
    for _ in range(100):
        steady = rng.standard_normal(20)
        steady[10:] += 3
        found += any(p.alarm for p in self_starting(steady, np.ones(20), width=width)[10:14])
        wide = 2.0 * rng.standard_normal(20)
        wandering += any(p.alarm for p in self_starting(wide, np.ones(20), width=width)[10:14])
    assert found >= 75
    assert wandering <= 35


def test_where_only_more_is_worse_the_upper_limit_is_the_nearer_one() -> None:
    rise, fall = [0.10] * 8 + [0.17], [0.10] * 8 + [0.03]
    width, below = _widths(7, "greater")
    assert width < limit_width(WEIGHT, LOOKS, BUDGET / 7) < below
    assert _widths(7, "both") == (limit_width(WEIGHT, LOOKS, BUDGET / 7),) * 2
    told = [
        self_starting(values, [0.01] * 9, lam=WEIGHT, width=width, below=below)[-1] for values in (rise, fall)
    ]
    assert [p.alarm for p in told] == [True, True]
    assert told[0].high - told[0].expected < told[0].expected - told[0].low
    between = 0.5 * (width + below) / width * (told[0].high - told[0].expected)
    moved = [
        self_starting([0.10] * 8 + [0.10 + way * between], [0.01] * 9, lam=WEIGHT, width=width, below=below)[
            -1
        ].alarm
        for way in (1, -1)
    ]
    assert moved == [True, False]


def test_the_width_of_one_look_is_the_normal_quantile() -> None:
    assert limit_width(1.0, 1, 0.05) == pytest.approx(1.959964, abs=1e-4)
    assert limit_width(0.2, 26, 0.01) > limit_width(0.2, 26, 0.05) > limit_width(0.2, 4, 0.05)


def test_a_distance_near_0_raises_no_more_alarms_than_stated() -> None:
    # Its interval is half as wide where it lies at 0: weighed by it, low looks would draw the level down.
    rng = generator("distances near 0")
    width = limit_width(0.2, LOOKS, 0.05)
    shared = own = 0
    for _ in range(100):
        seen = rng.normal(0.05, 0.07, LOOKS)
        low, high = np.maximum(seen - 0.137, 0.0), np.maximum(seen + 0.137, 0.001)
        values = np.maximum(seen, 0.0)
        errors = [_error(*one) for one in zip(values, low, high, strict=True)]
        halves = (high - low) / 3.92
        shared += any(p.alarm for p in self_starting(values, errors, cases=[500] * LOOKS, width=width))
        own += any(p.alarm for p in self_starting(values, halves, width=width))
    assert shared <= 5 + 2 * 2.2
    assert own > 20, "weighed each by its own interval they do"


def test_an_interval_without_width_takes_the_error_of_the_others_and_hides_no_jump() -> None:
    values, errors = [0.0, 0.02, 0.0, 0.01, 0.02, 0.30], [0.0, 0.03, 0.0, 0.03, 0.03, 0.03]
    points = self_starting(values, errors, cases=[400] * 6)
    assert [p.low is None for p in points] == [True, True, False, False, False, False]
    assert [p.alarm for p in points] == [False] * 5 + [True]
    with pytest.raises(ValueError, match="above 0"):
        self_starting(values, errors)
