"""The window of a finding ends where the settings say that a table which it needs is complete, as KPIs end there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.company import Company
from alignment_toolkit.findings import look_at
from alignment_toolkit.periods import Period
from tests.indicators.guarding import fires, quiet

Q3 = Period.parse("2026-Q3")
INDICATORS = Catalog.load().indicators
MONTHS = ("07", "08", "09")


def opened(folder: Path, tables: dict[str, Sequence[str]], until: dict[str, str] | None = None) -> Company:
    for name, lines in tables.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    said = "".join(f"[tables.{t}]\ncomplete_until = {day}\n" for t, day in (until or {}).items())
    (folder / "alignment.toml").write_text(said)
    return Company.open(folder)


def asked(company: Company, id: str) -> Any:
    return look_at(company, INDICATORS[id], Q3, None, lambda *_: None)


def launch() -> dict[str, Sequence[str]]:
    """Give 60 leads a month; who receives those of September was trained in August, which is not on record yet."""
    return {
        "campaigns": ["campaign_id,product_id", "k,x"],
        "leads": [
            "lead_id,created_at,qualified_at,campaign_id,received_by",
            *(
                f"l{m}{i},2026-{m}-10,2026-{m}-10,k,{'new' if m == '09' else 'old'}"
                for m in MONTHS
                for i in range(60)
            ),
        ],
        "training": ["actor,trained_on,product_id", "old,2026-06-01,x"],
    }


def test_trainings_that_are_not_on_record_yet_are_no_silence(tmp_path: Path) -> None:
    found = asked(opened(tmp_path, launch(), {"training": "2026-08-15"}), "untrained_launch")
    assert (found.seen.gap.estimate.value, found.seen.gap.estimate.n) == (0, 2 * 60)
    assert (found.window.start, found.window.last) == (date(2026, 7, 1), date(2026, 8, 15))
    fires("header", "immature", found.seen, "counts, as was set; the window would run to ")
    (told,) = [g.message for g in found.seen.guards if g.guard == "immature"]
    assert "until 2026-08-15 counts" in told
    assert told.endswith("to 2026-09-30.")


def test_where_nothing_was_set_what_a_table_knows_is_told(tmp_path: Path) -> None:
    found = asked(opened(tmp_path, launch()), "untrained_launch")
    quiet("header", "immature", found.seen, "counts, as was set; the window would run to ")
    assert (found.seen.gap.estimate.value, found.window.last) == (pytest.approx(1 / 3), date(2026, 9, 30))


def test_the_last_day_of_the_company_ends_the_window_too(tmp_path: Path) -> None:
    opened(tmp_path, launch())
    found = asked(Company.open(tmp_path, as_of="2026-08-15"), "untrained_launch")
    assert (found.seen.gap.estimate.n, found.window.last) == (2 * 60, date(2026, 8, 15))


def test_a_table_behind_a_relation_does_not_end_the_window(tmp_path: Path) -> None:
    """Who is a client is known from orders before the window; whether anybody called lately, from the touches."""
    tables = {
        "orders": [
            "order_id,ordered_at,account_id,amount",
            *(f"o{i}{m},2026-0{m}-10,a{i},100" for i in range(60) for m in (1, 3, 5, 9)),
        ],
        "touches": [
            "touch_id,touched_at,department,channel,account_id",
            *(f"t{i},2026-09-20,sales,phone,a{i}" for i in range(60)),
        ],
    }
    for until in ({}, {"orders": "2026-08-15"}):
        found = asked(opened(tmp_path, tables, until), "neglected_clients")
        assert found.seen is not None, found
        assert (found.window.last, found.seen.gap.estimate.value) == (date(2026, 9, 30), 0)
    found = asked(opened(tmp_path, tables, {"touches": "2026-08-15"}), "neglected_clients")
    assert found.window.last == date(2026, 8, 15)
