"""Excel workbooks: a sheet is a table, its cells are what they are, and what can't be read is named."""

from __future__ import annotations

import io
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest

from alignment_toolkit.cli import main
from alignment_toolkit.errors import DataError

ORDERS = [
    ["order_id", "ordered_at", "amount", "account_id", "note"],
    ["007", datetime(2026, 1, 31, 23, 59, 59), 0.1 + 0.2, 4711, "é"],
    [None, None, None, None, None],
    ["8", datetime(2026, 2, 1), -1234567.89, 4711, 5],
    ["9", datetime(2026, 2, 1), 7, 12, True],
]


def book(**sheets: list[list[Any]]) -> bytes:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    data = io.BytesIO()
    made.save(data)
    return data.getvalue()


def orders(company: Any) -> list[tuple[Any, ...]]:
    rows = company.fetch(company["orders"].order_by("order_id"))
    return [(r.order_id, str(r.ordered_at), str(r.amount), r.account_id, r.note) for r in rows.itertuples()]


READ = [
    ("007", "2026-01-31 23:59:59", "0.3000", "4711", "é"),
    ("8", "2026-02-01 00:00:00", "-1234567.8900", "4711", "5"),
    ("9", "2026-02-01 00:00:00", "7.0000", "12", "true"),
]


def test_a_sheet_is_a_table_by_the_name_of_the_file_or_its_own(written, tmp_path) -> None:  # type: ignore[no-untyped-def]
    company = written({"orders.xlsx": book(Tabelle1=ORDERS), "~$orders.xlsx": b"lock"})
    assert orders(company) == READ
    (quality,) = company.quality
    assert (quality.rows, quality.rejected) == (3, 0)
    assert not company.problems
    (tmp_path / "acme" / "orders.xlsx").unlink()
    spent = [["spent_on", "amount"], [date(2026, 1, 5), 10]]
    company = written({"export.xlsx": book(Orders=ORDERS, spend=spent, Notes=[["x"]])})
    assert company.tables == ("spend", "orders")
    assert orders(company) == READ


def test_a_sheet_that_looks_like_a_table_and_is_none_is_named(written) -> None:  # type: ignore[no-untyped-def]
    lead = [["lead_id", "created_at"], ["1", datetime(2026, 1, 5)]]
    sold = [["order_id", "ordered_at", "amount"], ["1", datetime(2026, 1, 5), 10]]
    found = written({"crm.xlsx": book(leads=lead, Order=sold, Hinweise=[["Stand: Januar"]], Leer=[])})
    assert set(found.tables) == {"leads"}
    (problem,) = found.problems
    assert (problem.code, problem.level, problem.file) == ("unknown_table", "warning", "crm.xlsx")
    assert problem.message == "crm.xlsx [Order] is no canonical table and is not used. Did you mean 'orders'?"


def test_a_mapping_names_the_sheet_and_mixed_cells_follow_its_forms(written) -> None:  # type: ignore[no-untyped-def]
    mixed = [
        ["Nr", "Tag", "Netto"],
        [1, datetime(2026, 1, 10), 12.5],
        ["R-2", "11.01.2026", "1.000,25"],
        [3, "n/a", 1],
    ]
    columns = '[tables.orders.columns]\norder_id = "Nr"\nordered_at = "Tag"\namount = "Netto"\n'
    how = 'from = "crm.xlsx"\ndates = "%d.%m.%Y"\ndecimal = ","\nthousands = "."\n'
    files = {"crm.xlsx": book(Deckblatt=[["x"]], Umsatz=mixed)}
    company = written(files, f'[tables.orders]\nsheet = "Umsatz"\n{how}{columns}')
    rows = company.fetch(company["orders"].order_by("order_id"))
    assert [(r.order_id, str(r.ordered_at.date()), str(r.amount)) for r in rows.itertuples()] == [
        ("1", "2026-01-10", "12.5000"),
        ("R-2", "2026-01-11", "1000.2500"),
    ]
    (problem,) = company.problems
    assert "crm.xlsx" in problem.message
    assert "row 4" in problem.message
    (problem, *_) = written(files, f"[tables.orders]\n{how}{columns}").problems
    assert (problem.code, problem.level) == ("which_sheet", "error")
    assert "has the sheets 'Deckblatt', 'Umsatz'" in problem.message
    (problem, *_) = written(files, f'[tables.orders]\nsheet = "Umsaetze"\n{how}{columns}').problems
    assert "has no sheet 'Umsaetze'. Did you mean 'Umsatz'?" in problem.message


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"order_id,amount\n1,2\n", "not_a_workbook", "orders.xlsx can't be read as an Excel workbook"),
        (book(a=[["what", "else"], [1, 2]]), "no_known_column", "no known column in the header (what, else)"),
        (book(a=[]), "empty_file", "not even a header"),
        (book(a=[["order_id", "amount", "Amount"]]), "duplicate_header", "more than once"),
        (book(a=[["order_id", "amount"], ["1", "=1+1"]]), "not_computed", "B2 has a formula whose value"),
    ],
)
def test_what_cannot_be_read_is_named(written, content: bytes, code: str, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError) as caught:
        written({"orders.xlsx": content}).require_clean()
    assert says in str(caught.value)
    problems = written({"orders.xlsx": content}).problems
    assert [p.code for p in problems] == [code]


def test_a_row_that_is_wider_than_the_header_is_refused_by_number(written) -> None:  # type: ignore[no-untyped-def]
    company = written({"orders.xlsx": book(a=[*ORDERS, ["10", datetime(2026, 2, 2), 5, 1, "x", "y"]])})
    assert [(p.code, p.row) for p in company.problems if p.level == "error"] == [("ragged_row", 6)]
    assert len(orders(company)) == 3


def test_init_lists_the_sheets_that_are_to_be_mapped(tmp_path, capsys) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "crm.xlsx").write_bytes(book(Umsatz=[[], ["Nr", "Netto"]], orders=ORDERS))
    assert main(["init", str(tmp_path / "acme"), "--from", "csv", "--data", str(tmp_path / "data")]) == 0
    told = (tmp_path / "acme" / "alignment.toml").read_text(encoding="utf-8")
    assert '# "crm.xlsx", sheet = "Umsatz", has the columns "Nr", "Netto"' in told
    assert '"orders"' not in told
