"""Cells: typed by declaration, or a fault; never guessed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment_toolkit.sources.cells import cell
from alignment_toolkit.sources.part import Formats, RawColumn
from alignment_toolkit.tables import ColumnSpec

ENGINE = duckdb.connect()
ENGINE.execute("SET TimeZone = 'UTC'")
PLAIN = Formats()
BERLIN = "Europe/Berlin"


def typed(
    kind: str,
    value: object,
    formats: Formats = PLAIN,
    *,
    physical: str = "VARCHAR",
    zone: str = BERLIN,
    **spec,
):  # type: ignore[no-untyped-def]
    """Give (typed value, code of the fault)."""
    made = cell(ColumnSpec("x", kind, **spec), RawColumn("v", physical), formats, zone)  # type: ignore[arg-type]
    if made.wrong_type:
        return None, "wrong_type"
    cases = " ".join(f"WHEN {f.condition} THEN '{f.code}'" for f in made.faults)
    code = f"CASE {cases} END" if cases else "NULL"
    return ENGINE.execute(
        f"SELECT {made.typed}, {code} FROM (SELECT CAST(? AS {physical}) AS v)", [value]
    ).fetchone()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-09-30", dt.datetime(2026, 9, 30)),
        ("2026-09-30 14:05", dt.datetime(2026, 9, 30, 14, 5)),
        ("2026-09-30T14:05:06", dt.datetime(2026, 9, 30, 14, 5, 6)),
        (" 2026-09-30T14:05:06.5 ", dt.datetime(2026, 9, 30, 14, 5, 6, 500000)),
        ("2026-03-31T23:30Z", dt.datetime(2026, 4, 1, 1, 30)),
        ("2026-03-31T23:30:00+00:00", dt.datetime(2026, 4, 1, 1, 30)),
        ("2026-03-31 23:30:00-0330", dt.datetime(2026, 4, 1, 5, 0)),
        ("2026-12-31 23:30:00 +00", dt.datetime(2027, 1, 1, 0, 30)),
        ("2028-02-29", dt.datetime(2028, 2, 29)),
        ("2026-03-29 02:30", dt.datetime(2026, 3, 29, 2, 30)),  # in the gap: kept as it is written
        (None, None),
        ("", None),
    ],
)
def test_moments(text: str | None, value: object) -> None:
    assert typed("timestamp", text) == (value, None)


@pytest.mark.parametrize(
    "text",
    ["30.09.2026", "09/30/2026", "2026-9-3", "2026-02-30", "2026-02-29", "2026-13-01", "26-09-30", "2026-09-30T24:00",
     "2026-09-30 14", "46295", "20260930", "2026-09-30T14:05:06+99:00", "yesterday", "2026-09-30T14:05:60", "NaT"],
)  # fmt: skip
def test_what_is_no_moment(text: str) -> None:
    assert typed("timestamp", text) == (None, "not_a_timestamp")
    assert typed("date", text) == (None, "not_a_date")


def test_dates() -> None:
    assert typed("date", "2026-09-30") == (dt.date(2026, 9, 30), None)
    assert typed("date", "2026-09-30 23:59:59") == (dt.date(2026, 9, 30), None)
    assert typed("date", "2026-03-31T23:30Z") == (dt.date(2026, 4, 1), None)


@pytest.mark.parametrize(
    ("form", "text", "value"),
    [
        ("%d.%m.%Y", "05.09.2026", dt.datetime(2026, 9, 5)),
        ("%d.%m.%Y", "5.9.2026", dt.datetime(2026, 9, 5)),
        ("%d.%m.%Y", "05.09.2026 14:05", dt.datetime(2026, 9, 5, 14, 5)),
        ("%d.%m.%Y", "05.09.2026 14:05:06", dt.datetime(2026, 9, 5, 14, 5, 6)),
        ("%m/%d/%Y %I:%M %p", "09/05/2026 02:05 PM", dt.datetime(2026, 9, 5, 14, 5)),
        ("%d.%m.%y", "05.09.26", dt.datetime(2026, 9, 5)),
        ("%Y%m%d", "20260905", dt.datetime(2026, 9, 5)),
        ("%Y-%m-%dT%H:%M:%S%z", "2026-03-31T23:30:00+0000", dt.datetime(2026, 4, 1, 1, 30)),
    ],
)
def test_the_mappings_dates(form: str, text: str, value: dt.datetime) -> None:
    assert typed("timestamp", text, Formats(dates=form)) == (value, None)
    assert typed("date", text, Formats(dates=form)) == (value.date(), None)


@pytest.mark.parametrize("text", ["2026-09-05", "31.02.2026", "05.09.26", "09/05/2026", "05.09.2026x"])
def test_what_the_mappings_dates_do_not_take(text: str) -> None:
    assert typed("timestamp", text, Formats(dates="%d.%m.%Y")) == (None, "not_a_timestamp")


@given(
    moment=st.datetimes(dt.datetime(1975, 1, 1), dt.datetime(2037, 12, 31), timezones=st.just(dt.UTC)),
    zone=st.sampled_from(
        ["Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]
    ),
    offset=st.integers(-12 * 60, 14 * 60),
)
def test_moments_with_offset_equal_an_independent_reckoning(
    moment: dt.datetime, zone: str, offset: int
) -> None:
    written = moment.astimezone(dt.timezone(dt.timedelta(minutes=offset))).isoformat()
    expected = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert typed("timestamp", written, zone=zone) == (expected, None)
    assert typed("date", written, zone=zone) == (expected.date(), None)


@pytest.mark.parametrize("year", [2024, 2026])
def test_every_day_of_a_year_at_the_edge_of_a_month(year: int) -> None:
    day = dt.datetime(year, 1, 1, 23, 30, tzinfo=dt.UTC)
    while day.year == year:
        expected = day.astimezone(ZoneInfo(BERLIN)).replace(tzinfo=None)
        assert typed("timestamp", day.strftime("%Y-%m-%dT%H:%MZ")) == (expected, None)
        day += dt.timedelta(days=9)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1234.56", "1234.56"), ("-3", "-3"), ("+4.5", "4.5"), (".5", "0.5"), ("0", "0"), (" 7 ", "7"), ("007", "7"),
     ("99999999999999.9999", "99999999999999.9999")],
)  # fmt: skip
def test_money(text: str, value: str) -> None:
    assert typed("money", text) == (Decimal(value), None)


@pytest.mark.parametrize(
    "text",
    ["1,234.56", "1.234,56", "12,50", "1 234", "(123)", "-", "--", "€5", "CA$5", "45%", "45k", "1,00,000", "1e5", "5.",
     "NaN", "inf", "0x10", "1_000", "+-3", "٣"],
)  # fmt: skip
def test_what_is_no_plain_number(text: str) -> None:
    for kind in ("money", "number", "share", "score"):
        assert typed(kind, text, low=0, high=1) == (None, "not_a_number"), kind
    assert typed("integer", text)[1] == "not_a_whole_number"


@pytest.mark.parametrize(
    ("formats", "text", "value"),
    [
        (Formats(decimal=","), "1234,56", "1234.56"),
        (Formats(decimal=",", thousands="."), "1.234.567,8", "1234567.8"),
        (Formats(thousands=","), "1,234.5", "1234.5"),
        (Formats(thousands=","), "1234.5", "1234.5"),
        (Formats(decimal=",", thousands=" "), "1\u00a0234,5", "1234.5"),
        (Formats(decimal=",", thousands=" "), "1\u202f234,5", "1234.5"),
        (Formats(thousands="'"), "1’234.5", "1234.5"),
    ],
)
def test_the_mappings_numbers(formats: Formats, text: str, value: str) -> None:
    assert typed("money", text, formats) == (Decimal(value), None)
    assert typed("number", text, formats) == (float(value), None)


@pytest.mark.parametrize(
    ("formats", "text"),
    [
        (Formats(decimal=","), "1234.56"),
        (Formats(decimal=",", thousands="."), "12.34"),
        (Formats(decimal=",", thousands="."), "1.2345"),
        (Formats(thousands=","), "12,50"),
        (Formats(thousands=","), "1,00,000"),
        (Formats(thousands=","), ",123"),
    ],
)
def test_what_the_mappings_numbers_do_not_take(formats: Formats, text: str) -> None:
    assert typed("money", text, formats) == (None, "not_a_number")


@given(st.decimals(min_value=-(10**13), max_value=10**13, places=4))
def test_money_is_exact(value: Decimal) -> None:
    assert typed("money", format(value, "f")) == (value, None)
    german = format(value, ",.4f").translate(str.maketrans(",.", ".,"))
    assert typed("money", german, Formats(decimal=",", thousands=".")) == (value, None)


def test_money_is_rounded_with_a_warning_and_never_beyond_its_size() -> None:
    assert typed("money", "1.23456") == (Decimal("1.2346"), "rounded")
    assert typed("money", "1.23450") == (Decimal("1.2345"), None)
    assert typed("money", "1000000000000000") == (None, "too_large")


def test_bounds() -> None:
    assert typed("share", "0.5", low=0, high=1) == (0.5, None)
    assert typed("share", "1.01", low=0, high=1)[1] == "out_of_range"
    assert typed("share", "-0.01", low=0, high=1)[1] == "out_of_range"
    assert typed("integer", "5", low=1, high=5) == (5, None)
    assert typed("integer", "6", low=1, high=5)[1] == "out_of_range"
    assert typed("number", "-1", low=0)[1] == "out_of_range"


def test_whole_numbers() -> None:
    assert typed("integer", "3") == (3, None)
    assert typed("integer", "3.0") == (3, None)
    assert typed("integer", "3.5") == (None, "not_a_whole_number")


@pytest.mark.parametrize("text", ["true", "TRUE", "Yes", "1", " yes "])
def test_true(text: str) -> None:
    assert typed("bool", text) == (True, None)


@pytest.mark.parametrize("text", ["false", "No", "0"])
def test_false(text: str) -> None:
    assert typed("bool", text) == (False, None)


@pytest.mark.parametrize("text", ["t", "y", "ja", "2", "-1", "x"])
def test_what_is_neither(text: str) -> None:
    assert typed("bool", text) == (None, "not_a_bool")


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), min_size=1))
def test_ids_and_names_are_kept_byte_by_byte(text: str) -> None:
    assert typed("id", text) == (text, None)
    assert typed("text", text) == (text, None)


def test_missing_values() -> None:
    assert typed("id", None, required=True) == (None, "missing_value")
    assert typed("id", "", required=True) == (None, "missing_value")
    assert typed("id", "0", required=True) == ("0", None)
    assert typed("timestamp", None) == (None, None)


@pytest.mark.parametrize(
    ("kind", "physical", "value", "expected"),
    [
        ("id", "BIGINT", 17, ("17", None)),
        ("id", "DOUBLE", 17.0, ("17", "id_from_number")),
        ("id", "DOUBLE", 17.5, (None, "not_an_id")),
        ("id", "DOUBLE", 123456789012345678.0, (None, "not_an_id")),
        ("id", "UUID", "6f1c0b52-6f6e-4b9b-8a1e-0d8f6f1b0a11", ("6f1c0b52-6f6e-4b9b-8a1e-0d8f6f1b0a11", None)),
        ("timestamp", "TIMESTAMP_NS", "2026-09-30 14:05:00", (dt.datetime(2026, 9, 30, 14, 5), None)),
        ("timestamp", "DATE", "2026-09-30", (dt.datetime(2026, 9, 30), None)),
        ("timestamp", "TIMESTAMP WITH TIME ZONE", "2026-03-31 23:30:00+00", (dt.datetime(2026, 4, 1, 1, 30), None)),
        ("date", "TIMESTAMP WITH TIME ZONE", "2026-03-31 23:30:00+00", (dt.date(2026, 4, 1), None)),
        ("date", "TIMESTAMP", "2026-09-30 23:59:59", (dt.date(2026, 9, 30), None)),
        ("timestamp", "BIGINT", 1, (None, "wrong_type")),
        ("money", "DOUBLE", 58.9, (Decimal("58.9"), None)),
        ("money", "DOUBLE", 15.299999999999999, (Decimal("15.3"), None)),
        ("money", "DOUBLE", 1.23456, (Decimal("1.2346"), "rounded")),
        ("money", "DOUBLE", float("nan"), (None, "not_a_number")),
        ("money", "DOUBLE", float("inf"), (None, "not_a_number")),
        ("money", "DECIMAL(18,4)", "1.5", (Decimal("1.5"), None)),
        ("money", "INTEGER", 3, (Decimal(3), None)),
        ("money", "BOOLEAN", True, (None, "wrong_type")),
        ("number", "DOUBLE", float("nan"), (None, "not_a_number")),
        ("number", "DECIMAL(9,2)", "1.5", (1.5, None)),
        ("score", "INTEGER", 101, (101.0, "out_of_range")),
        ("integer", "DOUBLE", 3.0, (3, None)),
        ("bool", "BOOLEAN", True, (True, None)),
        ("bool", "INTEGER", 2, (None, "not_a_bool")),
        ("bool", "DOUBLE", 1.0, (None, "wrong_type")),
        ("word", "INTEGER", 250, ("250", None)),
    ],
)  # fmt: skip
def test_what_the_source_has_typed(
    kind: str, physical: str, value: object, expected: tuple[object, object]
) -> None:
    bounds = {"low": 0, "high": 100} if kind == "score" else {}
    found = typed(kind, value, physical=physical, **bounds)
    assert found[1] == expected[1]
    if expected[1] not in ("not_a_number",):
        assert found[0] == expected[0]
