"""What holds for every indicator: its header is the one agreed on, it asks in every engine's language, and it is tried
on data that says nothing.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import ibis
import pytest

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.indicator import Indicator
from alignment_toolkit.periods import Period
from alignment_toolkit.tables import TABLES
from tests.builders import company_of

INDICATORS = Catalog.load().indicators
HEADS = "[privacy]\nheads = true\n"  # else the one on the two heads asks nothing
# Margins and minima are argued in the method cards; a change of one is a decision, not a slip.
AGREED = """
misjudged_potential     strategic targeting   contrast both    index  0.05 neutral  mature-365-days    200, 30
misplaced_effort        strategic targeting   distance greater share  0.15 harmful  period             200
off_plan_accounts       strategic targeting   level    greater share  0.1  harmful  period             30
portfolio_mismatch      strategic portfolio   distance greater share  0.15 harmful  period             5, 100
positioning_mismatch    strategic positioning level    greater share  0.2  harmful  trailing-12-months 50
price_ambition          strategic value       level    greater ratio  0.05 harmful  period             5
price_selling           strategic positioning distance greater points 2    harmful  trailing-12-months 8
score_gaming            strategic targeting   contrast greater share  0.03 harmful  history            200
targeting_disagreement  strategic targeting   level    greater index  0.5  harmful  trailing-12-months 100, 20
unbacked_price          strategic value       contrast both    ratio  0.1  harmful  history            4, 30
acceptance_lottery      tactical  handover    distance greater points 5    harmful  trailing-12-months 8
channel_mismatch        tactical  message     level    greater share  0.2  harmful  period             50
discarded_leads         tactical  handover    level    greater share  0.1  harmful  mature-365-days    100
dropped_leads           tactical  handover    level    greater share  0.1  harmful  period             50
message_mismatch        tactical  message     level    greater share  0.2  harmful  period             50
missed_decision_makers  tactical  message     level    greater share  0.3  harmful  trailing-12-months 50
need_mismatch           tactical  message     level    greater share  0.2  harmful  period             100, 2
neglected_clients       tactical  clients     level    greater share  0.15 harmful  period             50
quarter_end_rush        tactical  clients     contrast greater share  0.1  harmful  trailing-12-months 50, 4
unanswered_signals      tactical  clients     level    greater share  0.15 harmful  period             30
untrained_launch        tactical  message     level    greater share  0.2  harmful  period             50
avoided_dialogue        personal  cooperation contrast greater share  0.2  harmful  trailing-12-months 40
busywork                personal  cooperation contrast greater index  0.2  harmful  history            12
conflicting_kpis        personal  cooperation contrast greater index  0.2  harmful  history            52
failing_joint_projects  personal  cooperation contrast greater share  0.2  harmful  history            15
perception_gap          personal  cooperation contrast both    points 0.5  harmful  history            5
strained_relationship   personal  cooperation contrast greater points 5    harmful  history            10
"""
EVERY = {name: tuple(spec.columns) for name, spec in TABLES.items()}


@pytest.mark.slow
@pytest.mark.parametrize("id", sorted(INDICATORS))
def test_its_queries_compile_for_every_engine(id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    company = company_of(
        {t: [] for t in EVERY}, columns=EVERY, until=dict.fromkeys(EVERY, "2026-12-31"), toml=HEADS
    )
    period, first = Period.parse("2026-Q3"), date(2024, 1, 1)
    INDICATORS[id].look(company, period, first=first)  # whether anything was recorded at all
    monkeypatch.setattr(Indicator, "_decisive", lambda self, whole: [])
    found = INDICATORS[id].look(company, period, first=first)
    assert found.error is None
    assert found.seen is not None
    assert company.fetched
    for query in company.fetched:
        for dialect in ("postgres", "databricks"):  # DuckDB has just run it
            assert "SELECT" in ibis.to_sql(query, dialect=dialect)


def test_headers_are_those_agreed_on() -> None:
    told = {
        id: (
            f"{h.nature} {h.area} {h.kind} {h.direction} {h.unit} {h.margin:g} {h.tension} {h.window} "
            + ", ".join(str(n) for n in h.enough.values())
        )
        for id, h in INDICATORS.items()
    }
    agreed = dict(line.split(maxsplit=1) for line in AGREED.strip().splitlines())
    assert told == {id: " ".join(words.split()) for id, words in agreed.items()}
    assert len(agreed) == 27
    assert all(set(h.innocent) == {"marketing", "sales"} for h in INDICATORS.values())


def test_every_indicator_is_tried_on_degenerate_data() -> None:
    folder = Path(__file__).parent
    together = (folder / "test_personal.py").read_text("utf-8")
    lacking = [
        id
        for id in INDICATORS
        if "KINDS" not in (folder / f"test_{id}.py").read_text("utf-8") and f'"{id}"' not in together
    ]
    assert lacking == []
