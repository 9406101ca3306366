"""Days in a time zone against pandas over every half hour of a leap year; working hours counted by the minute."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment_toolkit.errors import ParameterError
from alignment_toolkit.periods import Period, WorkingCalendar, grain_of, local_date, time_zone

# --- time zones ----------------------------------------------------------------------------------------------------

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Apia"]


@pytest.mark.parametrize("zone", ZONES)
def test_days_in_a_zone_equal_pandas_over_every_hour_of_a_leap_year(zone):
    moments = pd.date_range("2024-01-01", "2024-12-31 23:30", freq="30min", tz="UTC")
    theirs = moments.tz_convert(zone).date
    assert [local_date(m.to_pydatetime(), zone) for m in moments] == list(theirs)


def test_a_month_ends_in_the_companys_zone():
    moment = datetime.fromisoformat("2026-03-31T23:30:00+00:00")
    assert str(grain_of(local_date(moment, "Europe/Berlin"), "month")) == "2026-04"
    assert str(grain_of(local_date(moment, "America/New_York"), "month")) == "2026-03"
    assert local_date(datetime.fromisoformat("2026-03-31T23:30"), "Europe/Berlin") == date(2026, 3, 31)


def test_a_moment_with_offset_is_no_day_of_the_company():
    with pytest.raises(ParameterError, match="time zone"):
        Period.parse("2026").contains(datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")))


@pytest.mark.parametrize(
    "name", ["Europe/Berln", "europe", "localtime", "", "../../etc/passwd", "/etc/localtime", "\0", "Europe"]
)
def test_unknown_zones_are_refused(name):
    with pytest.raises(ParameterError, match="There is no time zone"):
        time_zone(name)


def test_known_zones_are_given():
    assert [time_zone(zone).key for zone in ZONES] == ZONES


# --- working hours -------------------------------------------------------------------------------------------------

OFFICE = WorkingCalendar(holidays=frozenset({date(2026, 12, 25)}))
some_moment = st.datetimes(datetime.fromisoformat("2026-12-14"), datetime.fromisoformat("2027-01-10"))
moments = some_moment.map(lambda m: m.replace(second=0, microsecond=0))


@st.composite
def calendars(draw):
    opens = draw(st.integers(0, 24 * 60 - 2))
    closes = draw(st.integers(opens + 1, 24 * 60 - 1))
    return WorkingCalendar(
        days=tuple(draw(st.sets(st.integers(0, 6)))),
        opens=time(*divmod(opens, 60)),
        closes=time(*divmod(closes, 60)),
        holidays=frozenset(draw(st.sets(st.dates(date(2026, 12, 14), date(2027, 1, 10)), max_size=5))),
    )


def counted(calendar: WorkingCalendar, a: datetime, b: datetime) -> float:
    """Count the minutes of [a, b) that begin in opening hours, one by one."""
    minutes = 0
    while a < b:
        open_day = a.weekday() in calendar.days and a.date() not in calendar.holidays
        minutes += open_day and calendar.opens <= a.time() < calendar.closes
        a += timedelta(minutes=1)
    return minutes / 60


@given(calendars(), moments, moments)
def test_working_hours_equal_the_minutes_counted(calendar, a, b):
    assert calendar.hours_between(a, b) == pytest.approx(counted(calendar, a, b), abs=1e-9)


@given(calendars(), st.lists(some_moment, min_size=3, max_size=3))
def test_working_hours_add_up(calendar, three):
    a, b, c = sorted(three)
    whole = calendar.hours_between(a, c)
    assert whole == pytest.approx(calendar.hours_between(a, b) + calendar.hours_between(b, c), abs=1e-9)
    assert calendar.hours_between(c, a) == 0 or a == c


@pytest.mark.parametrize(
    ("a", "b", "hours"),
    [
        ("2026-12-14T09:00", "2026-12-14T17:00", 8),
        ("2026-12-14T00:00", "2026-12-15T00:00", 8),
        ("2026-12-14T17:00", "2026-12-15T09:00", 0),  # from closing to opening, over midnight
        ("2026-12-18T16:30", "2026-12-21T09:30", 1),  # over a week-end
        ("2026-12-24T16:00", "2026-12-28T10:00", 2),  # over Christmas Day and a week-end
        ("2026-12-25T09:00", "2026-12-25T17:00", 0),
        ("2026-12-14T10:00:00", "2026-12-14T10:00:36", 0.01),
        ("2026-12-14T12:00", "2026-12-14T11:00", 0),
        ("2026-12-14T12:00", "2026-12-14T12:00", 0),
    ],
)
def test_working_hours_by_hand(a, b, hours):
    assert OFFICE.hours_between(datetime.fromisoformat(a), datetime.fromisoformat(b)) == hours


def test_a_calendar_opens_before_it_closes():
    assert OFFICE.hours_per_day == 8
    assert WorkingCalendar(opens=time(9, 30), closes=time(13)).hours_per_day == 3.5
    with pytest.raises(ParameterError, match="before they begin"):
        WorkingCalendar(opens=time(22), closes=time(6))
