"""Periods against pandas and the C library over every day of 33 years, by properties."""

from __future__ import annotations

import itertools
from datetime import date, datetime, time, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment_toolkit.errors import ParameterError, PeriodError
from alignment_toolkit.periods import (
    FORMS,
    GRAINS,
    RELATIVE,
    Period,
    compare_periods,
    grain_of,
    last_complete,
    resolve,
)

DAY = timedelta(days=1)
DAYS = pd.date_range("1999-01-01", "2031-12-31", freq="D")
KINDS = ("day", "week", "month", "quarter", "year", "fiscal-quarter", "fiscal-year")
MONTH_WORDS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

days = st.dates(date(1999, 1, 1), date(2031, 12, 31))
starts = st.integers(1, 12)
names = st.sampled_from(["end", "start"])


@st.composite
def periods(draw):
    first, month, name = draw(days), draw(starts), draw(names)
    if draw(st.booleans()):
        return Period.of(
            first, draw(st.sampled_from(KINDS)), fiscal_year_starts=month, fiscal_year_names=name
        )
    last = first + timedelta(days=draw(st.integers(0, 900)))
    return Period.parse(f"{first}..{last}", fiscal_year_starts=month, fiscal_year_names=name)


def same(period: Period, text: str) -> Period:
    return Period.parse(
        text, fiscal_year_starts=period.fiscal_year_starts, fiscal_year_names=period.fiscal_year_names
    )


# --- every form, by hand -------------------------------------------------------------------------------------------

BY_HAND = [
    ("2026", {}, "2026-01-01", "2026-12-31", "year"),
    ("2026-Q3", {}, "2026-07-01", "2026-09-30", "quarter"),
    ("2026-07", {}, "2026-07-01", "2026-07-31", "month"),
    ("2024-02", {}, "2024-02-01", "2024-02-29", "month"),
    ("2026-W01", {}, "2025-12-29", "2026-01-04", "week"),
    ("2026-W28", {}, "2026-07-06", "2026-07-12", "week"),
    ("2026-W53", {}, "2026-12-28", "2027-01-03", "week"),
    ("2026-07-01", {}, "2026-07-01", "2026-07-01", "day"),
    ("2026-07-01..2026-09-30", {}, "2026-07-01", "2026-09-30", "range"),
    ("2026-07-01..2026-07-01", {}, "2026-07-01", "2026-07-01", "range"),
    ("FY2026", {}, "2026-01-01", "2026-12-31", "fiscal-year"),
    ("FY2026", {"fiscal_year_starts": 4}, "2025-04-01", "2026-03-31", "fiscal-year"),
    ("FY2026", {"fiscal_year_starts": 4, "fiscal_year_names": "start"}, "2026-04-01", "2027-03-31", "fiscal-year"),
    ("FY2026", {"fiscal_year_starts": 1, "fiscal_year_names": "start"}, "2026-01-01", "2026-12-31", "fiscal-year"),
    ("FY2026-Q2", {"fiscal_year_starts": 4}, "2025-07-01", "2025-09-30", "fiscal-quarter"),
    ("FY2026-Q4", {"fiscal_year_starts": 4}, "2026-01-01", "2026-03-31", "fiscal-quarter"),
    ("FY2026-Q1", {"fiscal_year_starts": 12}, "2025-12-01", "2026-02-28", "fiscal-quarter"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "fiscal", "first", "last", "kind"), BY_HAND)
def test_every_form(text, fiscal, first, last, kind):
    period = Period.parse(text, **fiscal)
    assert (str(period), period.start.isoformat(), period.last.isoformat(), period.kind) == (
        text,
        first,
        last,
        kind,
    )
    assert period.end == period.last + DAY
    assert period.days == (date.fromisoformat(last) - date.fromisoformat(first)).days + 1


# --- an oracle over all days ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "freq"), [("day", "D"), ("month", "M"), ("quarter", "Q"), ("year", "Y"), ("week", "W-SUN")]
)
def test_calendar_periods_of_all_days_equal_pandas(kind, freq):
    theirs = DAYS.to_period(freq)
    written = {"day": "%Y-%m-%d", "month": "%Y-%m", "quarter": "%Y-Q", "year": "%Y", "week": "%G-W%V"}[kind]
    quarters = theirs.quarter if kind == "quarter" else [""] * len(DAYS)
    known = zip(DAYS.date, theirs.start_time.date, theirs.end_time.date, quarters, strict=True)
    for day, first, last, quarter in known:
        ours = Period.of(day, kind)
        assert (str(ours), ours.start, ours.last) == (f"{day.strftime(written)}{quarter}", first, last)


@pytest.mark.parametrize("month", range(1, 13))
def test_fiscal_periods_of_all_days_equal_pandas(month):
    theirs = DAYS.to_period(f"Q-{MONTH_WORDS[month - 2]}")
    years = DAYS.to_period(f"Y-{MONTH_WORDS[month - 2]}").start_time.date
    behind = 1 if month > 1 else 0
    columns = (DAYS.date, theirs.start_time.date, theirs.end_time.date, theirs.qyear, theirs.quarter, years)
    for day, first, last, named, number, year_first in zip(*columns, strict=True):
        for name, year in (("end", named), ("start", named - behind)):
            quarter = Period.of(day, "fiscal-quarter", fiscal_year_starts=month, fiscal_year_names=name)
            assert (str(quarter), quarter.start, quarter.last) == (f"FY{year}-Q{number}", first, last)
            whole = Period.of(day, "fiscal-year", fiscal_year_starts=month, fiscal_year_names=name)
            assert (str(whole), whole.start) == (f"FY{year}", year_first)


def test_every_week_that_the_c_library_knows_and_no_other():
    real = {(date(1999, 1, 1) + k * DAY).strftime("%G-W%V") for k in range(len(DAYS))}
    for year, week in itertools.product(range(1999, 2032), range(100)):
        text = f"{year}-W{week:02d}"
        if text in real:
            assert Period.parse(text).days == 7
        else:
            with pytest.raises(PeriodError):
                Period.parse(text)


def test_every_day_that_exists_and_no_other():
    real = set(DAYS.strftime("%Y-%m-%d"))
    for year, month, day in itertools.product((1999, 2000, 2024, 2025, 2026), range(14), range(33)):
        text = f"{year}-{month:02d}-{day:02d}"
        if text in real:
            assert Period.parse(text).start.isoformat() == text
        else:
            with pytest.raises(PeriodError):
                Period.parse(text)


# --- properties ----------------------------------------------------------------------------------------------------


@given(periods())
def test_what_is_written_is_read_again(period):
    again = same(period, str(period))
    assert again == period
    assert hash(again) == hash(period)
    assert (again.fiscal_year_starts, again.fiscal_year_names) == (
        period.fiscal_year_starts, period.fiscal_year_names,
    )  # fmt: skip


@given(periods())
def test_the_previous_ends_where_this_begins(period):
    before = period.previous()
    assert before.end == period.start
    assert before.kind == period.kind
    assert before == same(period, str(before))
    if period.kind in ("range", "week", "day"):
        assert before.days == period.days


@given(periods(), st.sampled_from(GRAINS))
def test_a_split_covers_without_gap_or_overlap(period, grain):
    pieces = period.split(grain)
    assert (pieces[0].start, pieces[-1].end) == (period.start, period.end)
    assert all(a.end == b.start for a, b in itertools.pairwise(pieces))
    fiscal = period.kind.startswith("fiscal") and grain in ("quarter", "year")
    kind = f"fiscal-{grain}" if fiscal else grain
    for piece in pieces:
        assert piece == same(period, str(piece))
        whole = Period.of(
            piece.start, kind,
            fiscal_year_starts=period.fiscal_year_starts, fiscal_year_names=period.fiscal_year_names,
        )  # fmt: skip
        # A piece is its unit, cut to the period: no unit is split in two and none is left out.
        assert (piece.start, piece.end) == (max(whole.start, period.start), min(whole.end, period.end))
        assert piece in (whole, period) or piece.kind == "range"


@given(periods(), days)
def test_a_day_lies_in_one_piece_or_outside(period, day):
    inside = period.start <= day <= period.last
    assert period.contains(day) is inside
    assert period.contains(datetime.combine(day, time(23, 59))) is inside
    assert sum(piece.contains(day) for piece in period.split("week")) == inside


@given(periods())
def test_a_year_ago_is_a_year_ago(period):
    ago = period.year_ago()
    assert ago.kind == period.kind
    assert ago == same(period, str(ago))
    if period.kind == "week":
        year, week = period.start.isocalendar()[:2]
        assert ago.start.isocalendar()[:2] in {(year - 1, week), (year - 1, 52)}
        assert ago.start.isocalendar().week == week or week == 53
    elif period.kind in ("day", "range"):
        for now, then in ((period.start, ago.start), (period.last, ago.last)):
            leap = (now.month, now.day) == (2, 29)
            assert then == date(now.year - 1, now.month, 28 if leap else now.day)
    else:
        assert ago.start == period.start.replace(year=period.start.year - 1)
        assert (ago.end.year, ago.end.month) == (period.end.year - 1, period.end.month)


@given(st.lists(periods(), min_size=2, max_size=6))
def test_periods_are_ordered_by_start(some):
    assert [p.start for p in sorted(some)] == sorted(p.start for p in some)


@given(st.text(max_size=25) | st.from_regex(r"(FY)?[0-9]{4}(-[QW]?[0-9]{1,2})?(-[0-9]{2})?", fullmatch=True))
def test_any_text_is_read_or_refused(text):
    said = told = ""
    try:
        said = str(Period.parse(text, fiscal_year_starts=4))
    except PeriodError as error:
        told = str(error)
    assert said == text.strip() or FORMS in told


# --- a year back and one back, by hand ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "previous", "year_ago"),
    [
        ("2026-Q1", "2025-Q4", "2025-Q1"),
        ("2024-03", "2024-02", "2023-03"),
        ("2026-W01", "2025-W52", "2025-W01"),
        ("2027-W01", "2026-W53", "2026-W01"),
        ("2026-W53", "2026-W52", "2025-W52"),
        ("2021-W53", None, None),
        ("2024-02-29", "2024-02-28", "2023-02-28"),
        ("2024-02-29..2024-03-31", "2024-01-28..2024-02-28", "2023-02-28..2023-03-31"),
        ("2024-02-01..2024-02-29", "2024-01-03..2024-01-31", "2023-02-01..2023-02-28"),
        ("2025-02-01..2025-02-28", "2025-01-04..2025-01-31", "2024-02-01..2024-02-28"),
    ],
)
def test_previous_and_year_ago(text, previous, year_ago):
    if previous is None:
        with pytest.raises(
            PeriodError, match=r"2021 has the ISO weeks W01 to W52.* Did you mean '2021-W52'\?"
        ):
            Period.parse(text)
        return
    period = Period.parse(text)
    assert (str(period.previous()), str(period.year_ago())) == (previous, year_ago)


def test_fiscal_neighbours_keep_their_calendar():
    period = Period.parse("FY2026-Q1", fiscal_year_starts=4)
    assert [str(p) for p in (period.previous(), period.previous().previous(), period.year_ago())] == [
        "FY2025-Q4", "FY2025-Q3", "FY2025-Q1",
    ]  # fmt: skip
    assert [str(p) for p in Period.parse("FY2026", fiscal_year_starts=4).split("quarter")] == [
        "FY2026-Q1", "FY2026-Q2", "FY2026-Q3", "FY2026-Q4",
    ]  # fmt: skip
    # Months of a fiscal year are calendar months, and a calendar year is cut into calendar quarters.
    assert str(Period.parse("FY2026", fiscal_year_starts=4).split("month")[0]) == "2025-04"
    assert str(Period.parse("2026", fiscal_year_starts=4).split("quarter")[0]) == "2026-Q1"


def test_a_split_names_what_is_whole_and_what_is_cut():
    pieces = [str(p) for p in Period.parse("2026-Q3").split("week")]
    assert pieces[0] == "2026-07-01..2026-07-05"
    assert pieces[1] == "2026-W28"
    assert pieces[-1] == "2026-09-28..2026-09-30"
    assert [str(p) for p in Period.parse("2026-Q3").split("year")] == ["2026-Q3"]
    assert [str(p) for p in Period.parse("2026-02").split("day")][-1] == "2026-02-28"


def back(period: Period, step: str) -> None:
    """Go back until there is nothing; every period on the way must be one that can be read."""
    for _ in range(800):
        period = getattr(period, step)()
        assert same(period, str(period)) == period


@pytest.mark.parametrize("step", ["previous", "year_ago"])
@pytest.mark.parametrize(
    "text", ["1001", "1001-Q1", "1001-W02", "1001-01-01..1001-12-31", "1001-01-01", "FY1002", "FY1002-Q2"]
)
def test_the_way_back_ends_with_a_message(text, step):
    with pytest.raises(PeriodError):
        back(Period.parse(text, fiscal_year_starts=4), step)


@pytest.mark.parametrize("text", ["9998", "9998-Q4", "9998-12", "9998-W52", "FY9998", "9998-12-31"])
def test_the_last_year_is_read(text):
    assert same(Period.parse(text), text).end.year in (9998, 9999)


def test_a_period_never_ends_before_it_begins():
    with pytest.raises(PeriodError):
        Period("x", date(2026, 1, 1), date(2026, 1, 1), "range")


# --- misspelt ------------------------------------------------------------------------------------------------------

MISSPELT = [
    ("2026Q3", "2026-Q3"), ("2026-Q5", "2026-Q4"), ("2026-Q0", "2026-Q1"), ("Q3 2026", "2026-Q3"), ("Q3/26", "2026-Q3"),
    ("3Q2026", "2026-Q3"), ("2026-q3", "2026-Q3"), ("2026/Q3", "2026-Q3"), ("2026 Quarter 3", "2026-Q3"),
    ("2026-13", "2026-12"), ("2026-00", "2026-01"), ("2026-7", "2026-07"), ("2026/07", "2026-07"),
    ("07/2026", "2026-07"),
    ("202607", "2026-07"), ("July 2026", "2026-07"), ("2026-Sep", "2026-09"),
    ("2026-W54", "2026-W53"), ("2025-W54", "2025-W52"), ("2025-W53", "2025-W52"), ("2026-W0", "2026-W01"),
    ("2026W28", "2026-W28"), ("KW 28 2026", "2026-W28"), ("2026-W8", "2026-W08"),
    ("FY26", "FY2026"), ("fy2026", "FY2026"), ("FY2025/26", "FY2026"), ("FY 2026 Q2", "FY2026-Q2"),
    ("FY2026Q7", "FY2026-Q4"),
    ("2026FY", "FY2026"), ("Q2 FY2026", "FY2026-Q2"),
    ("2026-02-30", "2026-02-28"), ("2026-7-1", "2026-07-01"), ("2026-13-01", "2026-12-01"),
    ("2026-09-30..2026-07-01", "2026-07-01..2026-09-30"), ("2026-07-01...2026-09-30", "2026-07-01..2026-09-30"),
    ("2026-07-01 – 2026-09-30", "2026-07-01..2026-09-30"), ("2026-07-01 to 2026-09-31", "2026-07-01..2026-09-30"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "meant"), MISSPELT)
def test_misspelt_periods_name_the_near_match_and_the_forms(text, meant):
    with pytest.raises(PeriodError) as caught:
        Period.parse(text, fiscal_year_starts=4)
    assert f"'{text}'" in str(caught.value)
    assert f"Did you mean '{meant}'?" in str(caught.value)
    assert FORMS in str(caught.value)
    Period.parse(meant, fiscal_year_starts=4)


@pytest.mark.parametrize(
    "text", ["", "soon", "26", "20266-Q3", "0000", "9999", "٢٠٢٦", "2026-Q3\n2026", "FY2026-07-01", "-1"]
)
def test_what_is_near_nothing_still_names_the_forms(text):
    with pytest.raises(PeriodError) as caught:
        Period.parse(text)
    assert FORMS in str(caught.value)
    assert "Did you mean" not in str(caught.value) or text == "FY2026-07-01"


def test_a_named_fiscal_year_follows_its_naming():
    with pytest.raises(PeriodError, match="'FY2025'"):
        Period.parse("FY2025/26", fiscal_year_starts=4, fiscal_year_names="start")


@pytest.mark.parametrize(
    "bad", [{"fiscal_year_starts": 0}, {"fiscal_year_starts": 13}, {"fiscal_year_names": "ends"}]
)
def test_an_impossible_fiscal_calendar_is_refused(bad):
    with pytest.raises(ParameterError, match=next(iter(bad))):
        Period.parse("2026", **bad)


def test_unknown_grains_and_kinds_name_the_near_match():
    with pytest.raises(ParameterError, match="Did you mean 'month'"):
        Period.parse("2026").split("months")
    with pytest.raises(ParameterError, match="Did you mean 'fiscal-year'"):
        Period.of(date(2026, 1, 1), "fiscal_year")
    assert str(grain_of(date(2026, 12, 31), "week")) == "2026-W53"


# --- relative words and comparison ---------------------------------------------------------------------------------


@given(days, st.sampled_from(KINDS), starts, names)
def test_the_last_complete_period_is_complete_and_the_last(as_of, kind, month, name):
    period = last_complete(as_of, kind, fiscal_year_starts=month, fiscal_year_names=name)
    following = Period.of(period.end, kind, fiscal_year_starts=month, fiscal_year_names=name)
    assert period.last <= as_of < following.last
    assert resolve(f"last-{kind}", as_of, fiscal_year_starts=month, fiscal_year_names=name) == period
    here = resolve(f"this-{kind}", as_of, fiscal_year_starts=month, fiscal_year_names=name)
    assert here.contains(as_of)
    assert here in (period, following)


def test_fiscal_years_back():
    told = [str(resolve(f"FY-{n}", date(2026, 9, 30), fiscal_year_starts=4)) for n in (1, 2, 10)]
    assert told == ["FY2026", "FY2025", "FY2017"]
    assert str(resolve("FY-1", date(2026, 3, 31), fiscal_year_starts=4)) == "FY2026"
    assert str(resolve("FY-1", date(2026, 3, 30), fiscal_year_starts=4)) == "FY2025"
    assert str(resolve(" 2026-Q3", None)) == "2026-Q3"


def test_relative_words_need_a_day_and_have_near_matches():
    assert {str(resolve(word, date(2026, 9, 30)))[:2] for word in RELATIVE} == {"20", "FY"}
    with pytest.raises(PeriodError, match="Did you mean 'last-quarter'"):
        resolve("last-qarter", date(2026, 9, 30))
    with pytest.raises(PeriodError, match="last day with complete data"):
        resolve("last-quarter", None)
    with pytest.raises(PeriodError, match="Did you mean '2026-Q3'"):
        resolve("2026Q3", date(2026, 9, 30))
    with pytest.raises(PeriodError, match="There is no period 'FY-0'"):
        resolve("FY-0", date(2026, 9, 30))


def test_what_a_period_is_compared_with():
    quarter = Period.parse("FY2026-Q2", fiscal_year_starts=4)

    def told(compare):
        return [str(p) for p in compare_periods(compare, quarter)]

    assert told("previous") == ["FY2026-Q1"]
    assert told("year-ago") == ["FY2025-Q2"]
    assert told("none") == told(None) == told(()) == []
    assert told("previous, year-ago,FY2024-Q2 ,previous") == ["FY2026-Q1", "FY2025-Q2", "FY2024-Q2"]
    assert told([Period.parse("2020"), "previous"]) == ["2020", "FY2026-Q1"]
    # The fiscal calendar of the period reads the others.
    assert compare_periods("FY2024-Q2", quarter)[0].start == date(2023, 7, 1)


@pytest.mark.parametrize(
    ("compare", "says"),
    [
        ("previus", "Did you mean 'previous'"),
        ("2026Q3", "Did you mean '2026-Q3'"),
        ("previous,none", "'none' stands alone"),
        ("2026-Q2", "can't be compared with itself"),
        ("2026-04-01..2026-06-30", "can't be compared with itself"),
        ("previous,", "There is no comparison ''"),
    ],
)
def test_a_misspelt_comparison_is_refused(compare, says):
    with pytest.raises(PeriodError, match=says):
        compare_periods(compare, Period.parse("2026-Q2"))


def test_a_year_that_arrives_as_a_number_is_that_year():
    """Papermill reads `-p period 2026` as a number, and so do YAML and JSON."""
    assert resolve(2026, None) == Period.parse("2026")
    assert compare_periods(2025, Period.parse("2026")) == (Period.parse("2025"),)
    assert compare_periods([2025, "2024"], Period.parse("2026")) == (
        Period.parse("2025"),
        Period.parse("2024"),
    )


@pytest.mark.parametrize("wrong", [True, 2026.5, None, ["2026"]])
def test_what_is_no_text_is_no_period_and_says_so(wrong):
    with pytest.raises(PeriodError, match="A period is written"):
        resolve(wrong, None)
