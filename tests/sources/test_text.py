"""Text files: every cell as it is written, or a fault that names file and row."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alignment_toolkit.sources.text import TextTable, read_text

ENGINE = duckdb.connect()
WANTED = ("lead_id", "name", "amount")


def read(
    tmp_path: Path, content: bytes | str, **options: object
) -> tuple[TextTable, list[tuple[object, ...]]]:
    path = tmp_path / "leads.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    table = read_text(ENGINE, path, "raw", WANTED, **options)  # type: ignore[arg-type]
    rows = [] if table.refusal else ENGINE.execute("SELECT * FROM raw ORDER BY row_number").fetchall()
    return table, rows


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_three_rows(tmp_path: Path, plain: bool, mark: str, end: str) -> None:
    lines = ["lead_id,name", "007,NA", "1E5, b ", "x,"]
    content = end.join(line.replace(",", mark) for line in lines) + end
    table, rows = read(tmp_path, content, plain_by_engine=plain)
    assert table.header == ["lead_id", "name"]
    assert rows == [("007", "NA", 2), ("1E5", " b ", 3), ("x", None, 4)]
    assert (table.rows, table.blank, table.refused) == (3, 0, 0)


@pytest.mark.parametrize(
    "word", ["NA", "None", "null", "nan", "NULL", "TRUE", "-", "#N/A", "NaN", "n/a", "0", " "]
)
def test_only_the_empty_cell_is_missing(tmp_path: Path, word: str) -> None:
    for plain in (True, False):
        _, rows = read(tmp_path, f"lead_id,name\n1,{word}\n2,\n", plain_by_engine=plain)
        assert rows == [("1", word, 2), ("2", None, 3)]


def test_quotes_hold_delimiters_quotes_and_line_ends(tmp_path: Path) -> None:
    table, rows = read(tmp_path, 'lead_id,name\n1,"a,b"\n2,"say ""x"""\n3,"two\nlines"\n4,z\n')
    assert rows == [("1", "a,b", 2), ("2", 'say "x"', 3), ("3", "two\nlines", 4), ("4", "z", 5)]
    assert table.rows == 4


def test_lone_carriage_returns_end_lines(tmp_path: Path) -> None:
    assert read(tmp_path, "lead_id,name\r1,a\r2,b\r")[1] == [("1", "a", 2), ("2", "b", 3)]


def test_blank_rows_are_skipped_but_counted(tmp_path: Path) -> None:
    table, rows = read(tmp_path, "\nlead_id,name\n\n1,a\n,\n   \n2,b\n\n")
    assert rows == [("1", "a", 4), ("2", "b", 7)]
    assert (table.rows, table.blank) == (7, 5)


def test_ragged_rows_are_named(tmp_path: Path) -> None:
    table, rows = read(tmp_path, "lead_id,name\n1,a,\n2\n3,c\n")
    assert rows == [("3", "c", 4)]
    assert [(f.code, f.row) for f in table.faults] == [("ragged_row", 2), ("ragged_row", 3)]
    assert "leads.csv, row 2: 3 cells where the header has 2" in table.faults[0].message
    assert (table.rows, table.refused) == (3, 2)


def test_many_ragged_rows_are_counted_and_the_first_listed(tmp_path: Path) -> None:
    table, _ = read(tmp_path, "lead_id,name\n" + "1\n" * 50)
    assert (table.refused, len(table.faults)) == (50, 20)


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "empty_file", "leads.csv is empty (0 bytes)"),
        (b"\n\n", "empty_file", "only blank lines"),
        (b"PK\x03\x04rest", "not_text", "spreadsheet (xlsx)"),
        (b"lead_id,name\n1,caf\xe9\n", "bad_encoding", "line 2: byte 0xE9 at position 18 is not utf-8"),
        (b"lead_id,name\n1,a\x00b\n", "nul_byte", "line 2: a NUL byte"),
        (b"lead_id,lead_id\n1,2\n", "duplicate_header", "'lead_id' more than once"),
        (b"lead_id,Lead_ID\n1,2\n", "duplicate_header", "more than once"),
        (b'lead_id,name\n1,"open\n2,b\n', "unclosed_quote", "row 2"),
        (b'lead_id,name\n1,"a"b\n', "unclosed_quote", "row 2"),
        (b"foo,bar\n1,2\n", "no_known_column", "no known column in the header (foo, bar)"),
        (b"Report of May\nlead_id,name\n", "no_known_column", "The header must be the first row"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(
    tmp_path: Path, content: bytes, code: str, words: str
) -> None:
    table, _ = read(tmp_path, content)
    assert table.refusal is not None
    assert table.refusal.code == code
    assert words in table.refusal.message
    assert "leads.csv" in table.refusal.message


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_that_show_themselves(tmp_path: Path, encoding: str) -> None:
    _, rows = read(tmp_path, "lead_id,name\n1,Zoë Łódź 東京 🙂\n".encode(encoding))
    assert rows == [("1", "Zoë Łódź 東京 🙂", 2)]


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "mac-roman", "utf-16-le", "utf-16-be", "cp850"])
def test_encodings_that_the_settings_name(tmp_path: Path, encoding: str) -> None:
    content = "lead_id,name\n1,café über\n".encode(encoding)
    table, _ = read(tmp_path, content)
    assert table.refusal is not None
    _, rows = read(tmp_path, content, encoding=encoding)
    assert rows == [("1", "café über", 2)]


def test_a_wrong_encoding_in_the_settings_is_refused(tmp_path: Path) -> None:
    table, _ = read(tmp_path, "lead_id,name\n1,é\n", encoding="ascii")
    assert table.refusal is not None
    assert table.refusal.code == "bad_encoding"


def test_the_delimiter_is_the_one_that_shows_known_columns(tmp_path: Path) -> None:
    _, rows = read(tmp_path, "lead_id;name, first\n1;a,b\n")
    assert rows == [("1", "a,b", 2)]


def test_the_delimiter_of_the_settings_counts(tmp_path: Path) -> None:
    table, _ = read(tmp_path, "lead_id;name\n1;a\n", delimiter=",")
    assert table.refusal is not None
    assert read(tmp_path, "lead_id~name\n1~a\n", delimiter="~")[1] == [("1", "a", 2)]


def test_the_first_line_of_a_spreadsheet_program_is_understood(tmp_path: Path) -> None:
    table, rows = read(tmp_path, "sep=;\nlead_id;name\n1;a\n")
    assert rows == [("1", "a", 3)]
    assert table.rows == 1


def test_one_column(tmp_path: Path) -> None:
    assert read(tmp_path, "lead_id\n1\n\n2\n")[1] == [("1", 2), ("2", 4)]


def test_header_only(tmp_path: Path) -> None:
    table, rows = read(tmp_path, "lead_id,name\n")
    assert (table.refusal, rows, table.rows) == (None, [], 0)


CELLS = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00\r", exclude_categories=("Cs",)), max_size=8
)


@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=8),
    mark=st.sampled_from([",", ";", "\t", "|"]),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_round_trip(tmp_path: Path, rows: list[tuple[str, ...]], mark: str, end: str, quoting: int) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=mark, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(["lead_id", "name", "amount"])
    writer.writerows(rows)
    table, found = read(tmp_path, text.getvalue())
    assert table.refusal is None
    kept = [(n, r) for n, r in enumerate(rows, start=2) if any(cell.strip() for cell in r)]
    assert found == [(*(cell or None for cell in r), n) for n, r in kept]
    assert table.rows == len(kept) + table.blank + table.refused == len(rows)


@given(
    lines=st.lists(st.text("ab, ;|\t", max_size=8), max_size=6),
    last=st.sampled_from(["", "\n"]),
    end=st.sampled_from(["\n", "\r\n"]),
)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_engine_and_the_careful_way_agree(tmp_path: Path, lines: list[str], last: str, end: str) -> None:
    content = end.join(["lead_id,name", *lines]) + last
    fast, fast_rows = read(tmp_path, content)
    slow, slow_rows = read(tmp_path, content, plain_by_engine=False)
    assert fast_rows == slow_rows
    assert (fast.rows, fast.blank, fast.refused) == (slow.rows, slow.blank, slow.refused)
    assert slow.rows == len(slow_rows) + slow.blank + slow.refused
