"""Does the message meet the need? Six leads by hand, guards, then plain pandas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alignment_toolkit.company import Company
from alignment_toolkit.indicators.need_mismatch import need_mismatch
from alignment_toolkit.periods import Period
from tests.indicators.follow_ups import followed, together
from tests.indicators.guarding import fires, quiet
from tests.indicators.looks import KINDS, check, look_at

PAIRS = [
    ("speed", "speed"),
    ("speed", "speed"),
    ("speed", "service"),
    ("service", "service"),
    ("service", "service"),
    ("service", "speed"),
]
CAMPAIGNS = [
    {"campaign_id": theme, "theme": theme, "name": f"All about {theme}"} for theme in ("speed", "service")
]
LEADS: list[dict[str, Any]] = [
    {
        "lead_id": f"l{i}",
        "account_id": f"a{i}",
        "created_at": "2026-07-06 10:00",
        "campaign_id": theme,
        "need": need,
    }
    for i, (theme, need) in enumerate(PAIRS)
]
CAMP = {"campaign_id": "speed", "marketing_score": 50}
TABLES = {"leads": LEADS, "campaigns": CAMPAIGNS}


def seen(tables: Any, **more: Any) -> Any:
    found = look_at(need_mismatch, tables, **more)
    assert found.error is None, found.error
    assert found.seen is not None
    return found.seen


def test_the_worked_example() -> None:
    found = seen(TABLES)
    assert found.gap.estimate.value == pytest.approx(2 / 6)
    assert found.gap.estimate.n == 6
    assert found.counts == {"leads": 6, "needs that at least 5 % of the leads state": 2}
    ac1 = next(m for m in found.measures if m.name == "ac1")
    # Agreement 4/6, chance 2 x 1/2 x 1/2: (4/6 - 1/2) / (1 - 1/2).
    assert ac1.value == pytest.approx(1 / 3)
    rows = {r[0]: r[3:] for r in found.evidence.rows}
    assert rows == {
        "service": (3, 1, pytest.approx(1 / 3), "speed"),
        "speed": (3, 1, pytest.approx(1 / 3), "service"),
    }
    assert found.chart.title.startswith("4 of 6 leads need")


def test_what_is_not_counted() -> None:
    others = [
        {**LEADS[0], "lead_id": "before", "created_at": "2026-06-30 23:59", "need": "service"},
        {**LEADS[0], "lead_id": "after", "created_at": "2026-10-01", "need": "service"},
        {**LEADS[0], "lead_id": "no campaign", "campaign_id": None, "need": "service"},
        {**LEADS[0], "lead_id": "no need", "need": None},
        {**LEADS[0], "lead_id": "unknown campaign", "campaign_id": "x", "need": "service"},
    ]
    found = seen({**TABLES, "leads": [*LEADS, *others]})
    assert (found.gap.estimate.value, found.gap.estimate.n) == (pytest.approx(2 / 6), 6)
    fires("need_mismatch", "join_health", found)
    assert "2 of 8 leads of campaigns" in found.guards[0].message
    quiet("need_mismatch", "join_health", seen(TABLES))


def test_what_became_of_few_leads_is_not_compared() -> None:
    for count, won in ((10, 2), (20, 10)):
        made = [
            followed(count, wrong={}, right={}, won=(won, won), lead=CAMP | {"need": need}, start=start)
            for need, start in (("speed", 0), ("service", 1000))
        ]
        found = seen({**together(*made), "campaigns": CAMPAIGNS})
        if count == 10:
            fires("need_mismatch", "small_cells", found)
        else:
            quiet("need_mismatch", "small_cells", found)


def test_one_need_is_not_enough() -> None:
    same = look_at(need_mismatch, {**TABLES, "leads": [{**r, "need": "speed"} for r in LEADS]})
    assert same.short_of == {"leads": 94, "needs that at least 5 % of the leads state": 1}


def test_a_theme_that_nobody_needs_is_named() -> None:
    odd = [{**LEADS[0], "lead_id": "odd", "campaign_id": "low cost"}]
    found = seen(
        {"leads": [*LEADS, *odd], "campaigns": [*CAMPAIGNS, {"campaign_id": "low cost", "theme": "low cost"}]}
    )
    few = next(m for m in found.measures if m.name == "themes_of_few")
    assert few.value == pytest.approx(1 / 7)


@pytest.mark.slow
def test_campaigns_that_are_wrong_as_a_whole_widen_the_interval() -> None:
    themes = [f"t{i}" for i in range(8)]
    campaigns = [{"campaign_id": t, "theme": t} for t in themes]

    def width(wrong: Any) -> float:
        rows = [
            {**LEADS[0], "lead_id": f"{t}{i}", "account_id": f"{t}{i}", "campaign_id": t,
             "need": "other" if wrong(k, i) else t}
            for k, t in enumerate(themes) for i in range(20)
        ]  # fmt: skip
        e = seen({"leads": rows, "campaigns": campaigns}).gap.estimate
        assert e.value == pytest.approx(0.25)
        return float(e.high - e.low)

    assert width(lambda campaign, lead: campaign < 2) > 1.5 * width(lambda campaign, lead: lead % 4 == 0)


def test_what_is_missing_is_named() -> None:
    bare = [{k: v for k, v in r.items() if k != "need"} for r in LEADS]
    assert look_at(need_mismatch, {"leads": bare, "campaigns": CAMPAIGNS}).missing == ("leads.need",)
    assert look_at(need_mismatch, {"leads": LEADS}).missing == ("campaigns.campaign_id", "campaigns.theme")


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_say_little(kind: str) -> None:
    check(need_mismatch, TABLES, kind)


def test_on_the_sample_it_equals_plain_pandas(sample: Company, sample_dir: Path) -> None:
    leads = pd.read_csv(sample_dir / "leads.csv", dtype=str)
    campaigns = pd.read_csv(sample_dir / "campaigns.csv", dtype=str)
    both = leads.merge(campaigns[["campaign_id", "theme"]], on="campaign_id")
    both = both[(both.created_at >= "2026-07-01") & (both.created_at < "2026-10-01")].dropna(
        subset=["need", "theme"]
    )
    found = need_mismatch.look(sample, Period.parse("2026-Q3")).seen
    assert found is not None
    assert found.gap.estimate.n == len(both)
    assert found.gap.estimate.value == pytest.approx(np.mean(both.need != both.theme))
