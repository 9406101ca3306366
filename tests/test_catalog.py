from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.errors import SettingsError, UnknownName
from alignment_toolkit.settings import Settings

EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "untouched_accounts.py"


def settings(text: str) -> Settings:
    return Settings.from_toml(dedent(text))


def test_the_built_in_entries_are_there() -> None:
    catalog = Catalog.load()
    assert {"revenue", "active-clients", "arpu", "average-order", "leads", "lead-to-client", "spend"} <= set(
        catalog.kpis
    )
    assert {"cost-per-sale", "win-rate", "new-clients"} <= set(catalog.kpis)
    assert {"targeting_disagreement", "portfolio_mismatch", "dropped_leads"} <= set(catalog.indicators)
    assert set(catalog.origin.values()) == {"toolkit"}


def test_dashes_and_underscores_are_the_same() -> None:
    catalog = Catalog.load()
    assert catalog.get("dropped-leads") is catalog.get("dropped_leads")
    assert catalog.get("lead_to_client") is catalog.get("lead-to-client")
    assert catalog.kind_of("lead_to_client") == "kpi"


def test_an_unknown_id_names_the_near_match() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'dropped_leads'"):
        Catalog.load().get("droped_leads")
    with pytest.raises(UnknownName, match="Did you mean 'revenue'"):
        Catalog.load().chosen_kpis(["revenu"])


def test_chosen_entries_come_in_catalogue_order() -> None:
    catalog = Catalog.load()
    ids = [k.id for k in catalog.chosen_kpis(["leads", "revenue"])]
    assert ids == [id for id in catalog.kpis if id in ("leads", "revenue")]


def test_a_users_folder_adds_and_its_file_is_at_most_forty_lines(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 40
    (tmp_path / "untouched_accounts.py").write_text(text, encoding="utf-8")
    (tmp_path / "_helper.py").write_text("raise RuntimeError", encoding="utf-8")
    catalog = Catalog.load(folders=[tmp_path])
    assert catalog.origin["untouched_accounts"] == "untouched_accounts.py"
    assert catalog.indicators["untouched_accounts"].options == {"automated_counts": True}


def test_an_id_that_exists_twice_is_refused(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8").replace("def untouched_accounts", "def dropped_leads")
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"'dropped_leads' exists twice: in toolkit and in mine\.py"):
        Catalog.load(folders=[tmp_path])


def test_a_broken_file_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("x = 1\ny = 1 / 0\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"'broken\.py', line 2 does not load: ZeroDivisionError"):
        Catalog.load(folders=[tmp_path])
    (tmp_path / "broken.py").write_text("x = (\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"'broken\.py', line 1 does not load: SyntaxError"):
        Catalog.load(folders=[tmp_path])


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no catalogue folder"):
        Catalog.load(folders=[tmp_path / "nowhere"])


def test_settings_for_unknown_ids_and_options_are_refused_all_at_once() -> None:
    given = settings(
        """
        [indicators.droped_leads]
        margin = 0.1
        [indicators.dropped_leads]
        within_hour = 8
        [kpis.lead-to-client]
        horizon = 60
        """
    )
    with pytest.raises(SettingsError) as raised:
        Catalog.load().check(given)
    said = str(raised.value)
    assert "Did you mean 'dropped_leads'?" in said
    assert "Did you mean 'within_hours'?" in said
    assert "Did you mean 'horizon_days'?" in said
    assert "line 2" in said


def test_right_settings_pass() -> None:
    given = settings(
        """
        [indicators.dropped-leads]
        within_hours = 8
        margin = 0.05
        [kpis.lead_to_client]
        horizon_days = 60
        """
    )
    catalog = Catalog.load()
    catalog.check(given)
    options = given.indicator_options("dropped_leads")
    assert catalog.indicators["dropped_leads"].configured(options) == (
        0.05,
        {"within_hours": 8.0, "horizon_days": 90},
    )


@pytest.mark.parametrize("id", sorted(Catalog.load().indicators))
def test_the_cards_in_the_docs_are_the_indicators_own(id: str) -> None:
    page = Path(__file__).parents[1] / "docs" / "indicators" / f"{id}.md"
    card = Catalog.load().indicators[id].describe()
    assert page.read_text(encoding="utf-8") == card
    for part in ("Worked example", "When it lies", "What to do", "Literature", "Margin", "Best innocent"):
        assert part in card
