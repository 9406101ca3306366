"""A page of forty key figures: what it opens with, families, what the data can't show."""

from __future__ import annotations

import dataclasses

from alignment_toolkit.report.blocks import Block, Figure, Fold, SideBySide, Table, Tiles
from alignment_toolkit.report.figures import key_figures
from alignment_toolkit.results import Analysis, KpiValue
from tests.report.builders import analysis, kpi, opened


def many(lacking: int = 3) -> Analysis:
    rows: list[KpiValue] = []
    for i in range(20):
        rows += [kpi(f"extra-{i}", f"Extra {i}", value=float(i), unit="count"), *months(f"extra-{i}")]
    rows += [kpi("win-rate", "Win rate", 0.3, "share"), *months("win-rate")]
    rows += [kpi("profit", "Profit", 3.0, "money")]
    for i in range(lacking):
        rows.append(
            dataclasses.replace(
                kpi(f"gone-{i}", f"Gone {i}", None, "money"), status="not_available", reason="needs orders.cost"
            )
        )  # fmt: skip
    families = {
        r.kpi: {"title": r.title, "family": "Sales" if r.kpi == "win-rate" else "Extra"} for r in rows
    }
    return analysis(kpis=tuple(rows), definitions={"kpis": families})


def months(id: str) -> list[KpiValue]:
    return [
        dataclasses.replace(
            kpi(id, id, float(m), "count"), period=f"2026-0{m}", grain="month", start=f"2026-0{m}-01"
        )
        for m in (7, 8, 9)
    ]


def found(kind: type[Block], blocks: list[Block]) -> list[Block]:
    return [b for b in opened(blocks) if isinstance(b, kind)]


def test_the_headlines_come_first_in_tiles() -> None:
    tiles = found(Tiles, key_figures(many(), ""))[0]
    assert isinstance(tiles, Tiles)
    assert [t.title for t in tiles.tiles][:2] == ["Win rate", "Profit"]
    assert len(tiles.tiles) == 8


def test_each_family_has_its_table_and_what_is_lacking_is_folded() -> None:
    blocks = key_figures(many(), "")
    tables = [b for b in found(Table, blocks) if isinstance(b, Table)]
    assert [t.caption.split(",")[0] for t in tables] == ["Extra", "Sales"]
    assert [len(t.rows) for t in tables] == [21, 1]
    (fold,) = found(Fold, blocks)
    assert fold.title == "3 key figures that the data can't show"
    inside = fold.blocks[0]
    assert isinstance(inside, Table)
    assert [row[1].text for row in inside.rows] == ["needs orders.cost"] * 3


def test_only_the_headlines_have_a_course() -> None:
    pairs = [b for b in opened(key_figures(many(), "")) if isinstance(b, SideBySide)]
    drawn = [f for pair in pairs for column in pair.columns for f in column if isinstance(f, Figure)]
    assert len(drawn) == 12


def test_a_short_list_stays_one_table() -> None:
    few = many()
    few = dataclasses.replace(few, kpis=tuple(r for r in few.kpis if r.kpi in ("win-rate", "gone-1")))
    blocks = key_figures(few, "")
    (table,) = found(Table, blocks)
    assert len(table.rows) == 2
    assert not found(Fold, blocks)
