"""Period: read, written, cut along a grain; calendar, ISO weeks and fiscal years."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, Literal

from alignment_toolkit.errors import ParameterError, PeriodError, did_you_mean
from alignment_toolkit.periods.hints import near_period

__all__ = [
    "FORMS",
    "GRAINS",
    "Grain",
    "Kind",
    "Period",
    "YearNames",
    "grain_of",
]

Grain = Literal["day", "week", "month", "quarter", "year"]
Kind = Literal["day", "week", "month", "quarter", "year", "fiscal-quarter", "fiscal-year", "range"]
YearNames = Literal["end", "start"]

GRAINS: Final[tuple[Grain, ...]] = ("day", "week", "month", "quarter", "year")
FORMS: Final = (
    "2026 (year), 2026-Q3 (quarter), 2026-07 (month), 2026-W28 (ISO week), FY2026 and FY2026-Q2 (fiscal), "
    "2026-07-01 (day), 2026-07-01..2026-09-30 (both ends included)"
)
_UNITS: Final[tuple[Kind, ...]] = ("day", "week", "month", "quarter", "year", "fiscal-quarter", "fiscal-year")
_MONTHS: Final[dict[str, int]] = {
    "month": 1,
    "quarter": 3,
    "year": 12,
    "fiscal-quarter": 3,
    "fiscal-year": 12,
}
_YEARS: Final = range(1000, 9999)  # so that every label has four digits and every end is a date
_NAMED: Final = re.compile(
    r"(?P<fy>FY)?(?P<y>[0-9]{4})(?:-(?:Q(?P<q>[0-9])|W(?P<w>[0-9]{2})|(?P<m>[0-9]{2})))?"
)
_DAYS: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:\.\.([0-9]{4}-[0-9]{2}-[0-9]{2}))?")
_ONE_DAY: Final = timedelta(days=1)


@functools.total_ordering
@dataclass(frozen=True)
class Period:
    """A named stretch of whole days, half open; ordered by start, then end.

    Attributes
    ----------
    label
        The canonical name; ``Period.parse(period.label)`` gives the period again.
    start, end
        First day, and first day **after** the period.
    kind
        ``year``, ``quarter``, ``month``, ``week``, ``day``, ``fiscal-year``, ``fiscal-quarter`` or ``range``.
    fiscal_year_starts, fiscal_year_names
        The fiscal calendar that the period was read with; no part of its identity.

    Examples
    --------
    >>> quarter = Period.parse("2026-Q3")
    >>> quarter.start, quarter.end, quarter.last
    (datetime.date(2026, 7, 1), datetime.date(2026, 10, 1), datetime.date(2026, 9, 30))
    >>> str(quarter.previous()), str(quarter.year_ago())
    ('2026-Q2', '2025-Q3')
    >>> [str(month) for month in quarter.split("month")]
    ['2026-07', '2026-08', '2026-09']
    """

    label: str
    start: date
    end: date
    kind: Kind
    fiscal_year_starts: int = field(default=1, compare=False, repr=False)
    fiscal_year_names: YearNames = field(default="end", compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise PeriodError(f"The period '{self.label}' ends before it begins.")

    def __str__(self) -> str:
        return self.label

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Period):
            return NotImplemented
        return (self.start, self.end, self.label) < (other.start, other.end, other.label)

    @classmethod
    def parse(cls, text: str, *, fiscal_year_starts: int = 1, fiscal_year_names: YearNames = "end") -> Period:
        """Read a period from its written form.

        Parameters
        ----------
        text
            One of the forms of `FORMS`.
        fiscal_year_starts
            The month in which the fiscal year begins, 1 to 12.
        fiscal_year_names
            Whether FY2026 is the fiscal year that ends (``"end"``) or begins (``"start"``) in 2026.

        Raises
        ------
        PeriodError
            If the text is no period; it names the near match and the forms.

        Examples
        --------
        >>> Period.parse("FY2026-Q1", fiscal_year_starts=4).start
        datetime.date(2025, 4, 1)
        >>> Period.parse("2026Q3")
        Traceback (most recent call last):
        alignment_toolkit.errors.PeriodError: There is no period '2026Q3'. Did you mean '2026-Q3'? ...
        """
        fiscal = _Fiscal.of(fiscal_year_starts, fiscal_year_names)
        try:
            return _parse(text.strip(), fiscal)
        except (_NoPeriodError, PeriodError) as why:
            near = near_period(text, lambda candidate: _parses(candidate, fiscal), fiscal.shift)
            hint = f" Did you mean '{near}'?" if near else ""
            reason = f": {str(why).rstrip('.')}." if str(why) else "."
            raise PeriodError(
                f"There is no period '{text}'{reason}{hint} A period is written {FORMS}."
            ) from None

    @classmethod
    def of(
        cls, day: date, kind: Kind, *, fiscal_year_starts: int = 1, fiscal_year_names: YearNames = "end"
    ) -> Period:
        """Give the period of a kind that holds a day.

        Examples
        --------
        >>> import datetime as dt
        >>> str(Period.of(dt.date(2026, 8, 9), "week"))
        '2026-W32'
        >>> str(Period.of(dt.date(2026, 8, 9), "fiscal-year", fiscal_year_starts=4))
        'FY2027'
        """
        return _unit(_plain_day(day), kind, _Fiscal.of(fiscal_year_starts, fiscal_year_names))

    @property
    def last(self) -> date:
        """The last day that belongs to the period."""
        return self.end - _ONE_DAY

    @property
    def days(self) -> int:
        """The number of days."""
        return (self.end - self.start).days

    @property
    def _fiscal(self) -> _Fiscal:
        return _Fiscal(self.fiscal_year_starts, self.fiscal_year_names)

    def contains(self, day: date) -> bool:
        """Tell whether a day, or a moment in the company's time zone (without offset), lies in the period."""
        return self.start <= _plain_day(day) < self.end

    def previous(self) -> Period:
        """Give the period of the same kind just before; for a range the same number of days just before.

        Examples
        --------
        >>> str(Period.parse("2026-02-01..2026-02-10").previous())
        '2026-01-22..2026-01-31'
        """
        if self.kind == "range":
            return _range(
                _back(self.start, self.days, self.label), self.last - timedelta(days=self.days), self._fiscal
            )
        return _unit(_back(self.start, 1, self.label), self.kind, self._fiscal)

    def year_ago(self) -> Period:
        """Give the same period one year back.

        A range and a day keep their dates (29 February becomes the 28th); a week keeps its ISO number, and week 53
        is compared with week 52 where the year before has no week 53, so that a weekly run never stops there.

        Examples
        --------
        >>> str(Period.parse("2026-W53").year_ago())
        '2025-W52'
        >>> str(Period.parse("2024-02-01..2024-02-29").year_ago())
        '2023-02-01..2023-02-28'
        """
        if self.kind == "week":
            iso = self.start.isocalendar()
            _check_year(iso.year - 1, self.label)
            # Two years of 53 weeks never follow each other.
            week = min(iso.week, 52)
            return _unit(date.fromisocalendar(iso.year - 1, week, 1), "week", self._fiscal)
        if self.kind == "range":
            return _range(_year_back(self.start, self.label), _year_back(self.last, self.label), self._fiscal)
        return _unit(_year_back(self.start, self.label), self.kind, self._fiscal)

    def split(self, grain: Grain) -> tuple[Period, ...]:
        """Cut the period along a grain; pieces at the ends are clipped to it and then named as ranges.

        A fiscal period is cut into fiscal quarters and years, every other into calendar ones.

        Examples
        --------
        >>> [str(piece) for piece in Period.parse("2026-08-20..2026-10-02").split("month")]
        ['2026-08-20..2026-08-31', '2026-09', '2026-10-01..2026-10-02']
        """
        if grain not in GRAINS:
            raise ParameterError(f"There is no grain '{grain}'. {did_you_mean(str(grain), GRAINS)}")
        kind: Kind = grain
        if self.kind.startswith("fiscal"):
            kind = {"quarter": "fiscal-quarter", "year": "fiscal-year"}.get(grain, grain)  # type: ignore[assignment]
        pieces: list[Period] = []
        day = self.start
        while day < self.end:
            piece = _unit(day, kind, self._fiscal)
            if piece.start < self.start or piece.end > self.end:
                start, end = max(piece.start, self.start), min(piece.end, self.end)
                whole = (start, end) == (self.start, self.end)
                piece = self if whole else _range(start, end - _ONE_DAY, self._fiscal)
            pieces.append(piece)
            day = piece.end
        return tuple(pieces)


def grain_of(day: date, grain: Grain) -> Period:
    """Give the calendar period of a grain that holds a day.

    Examples
    --------
    >>> import datetime as dt
    >>> str(grain_of(dt.date(2026, 8, 9), "month"))
    '2026-08'
    """
    return Period.of(day, grain)


@dataclass(frozen=True)
class _Fiscal:
    starts: int
    names: YearNames

    @classmethod
    def of(cls, starts: int, names: str) -> _Fiscal:
        if starts not in range(1, 13):
            raise ParameterError(f"fiscal_year_starts is {starts!r}; it must be a month, 1 to 12.")
        if names not in ("end", "start"):
            raise ParameterError(
                f"fiscal_year_names is {names!r}. {did_you_mean(str(names), ('end', 'start'))}"
            )
        return cls(starts, names)  # type: ignore[arg-type]

    @property
    def shift(self) -> int:
        """What the year's name is ahead of the year in which it begins."""
        return 1 if self.names == "end" and self.starts > 1 else 0


class _NoPeriodError(Exception):
    """Why a text is no period, in half a sentence."""


def _parses(text: str, fiscal: _Fiscal) -> bool:
    try:
        _parse(text, fiscal)
    except (_NoPeriodError, PeriodError):
        return False
    return True


def _parse(text: str, fiscal: _Fiscal) -> Period:
    if days := _DAYS.fullmatch(text):
        first = _day(days.group(1))
        if days.group(2) is None:
            return _unit(first, "day", fiscal)
        last = _day(days.group(2))
        if last < first:
            raise _NoPeriodError("it ends before it begins")
        return _range(first, last, fiscal)
    named = _NAMED.fullmatch(text)
    if named is None or (named["fy"] and (named["w"] or named["m"])):
        raise _NoPeriodError
    year = int(named["y"])
    if year not in _YEARS:
        raise _NoPeriodError(f"years go from {_YEARS.start} to {_YEARS.stop - 1}")
    if named["w"]:
        weeks = _iso_weeks(year)
        if not 1 <= int(named["w"]) <= weeks:
            raise _NoPeriodError(f"{year} has the ISO weeks W01 to W{weeks}")
        return _unit(date.fromisocalendar(year, int(named["w"]), 1), "week", fiscal)
    if named["m"]:
        if not 1 <= int(named["m"]) <= 12:
            raise _NoPeriodError("a year has the months 01 to 12")
        return _unit(date(year, int(named["m"]), 1), "month", fiscal)
    if named["q"] and not 1 <= int(named["q"]) <= 4:
        raise _NoPeriodError("a year has the quarters Q1 to Q4")
    months = 3 * (int(named["q"] or 1) - 1)
    kind = "quarter" if named["q"] else "year"
    if named["fy"]:
        months += (year - fiscal.shift) * 12 + fiscal.starts - 1
        return _unit(date(months // 12, months % 12 + 1, 1), f"fiscal-{kind}", fiscal)  # type: ignore[arg-type]
    return _unit(date(year, months + 1, 1), kind, fiscal)  # type: ignore[arg-type]


def _unit(day: date, kind: Kind, fiscal: _Fiscal) -> Period:
    """Give the period of a kind, a range excepted, that holds a day."""
    if kind == "day":
        return _make(day.isoformat(), day, day + _ONE_DAY, kind, fiscal)
    if kind == "week":
        iso = day.isocalendar()
        start = day - timedelta(days=iso.weekday - 1)
        return _make(f"{iso.year:04d}-W{iso.week:02d}", start, start + timedelta(days=7), kind, fiscal)
    if kind not in _MONTHS:
        raise ParameterError(
            f"There is no kind of period '{kind}' that holds a day. {did_you_mean(str(kind), _UNITS)}"
        )
    length = _MONTHS[kind]
    offset = fiscal.starts - 1 if kind.startswith("fiscal") else 0
    index = day.year * 12 + day.month - 1 - offset
    first = index - index % length
    year, number = first // 12, first % 12 // length + 1
    label = {
        "month": f"{year:04d}-{number:02d}",
        "quarter": f"{year:04d}-Q{number}",
        "year": f"{year:04d}",
        "fiscal-quarter": f"FY{year + fiscal.shift:04d}-Q{number}",
        "fiscal-year": f"FY{year + fiscal.shift:04d}",
    }[kind]
    begin, end = first + offset, first + offset + length
    _check_year(begin // 12, label)
    _check_year(end // 12 - 1, label)
    return _make(label, date(begin // 12, begin % 12 + 1, 1), date(end // 12, end % 12 + 1, 1), kind, fiscal)


def _range(first: date, last: date, fiscal: _Fiscal) -> Period:
    return _make(f"{first.isoformat()}..{last.isoformat()}", first, last + _ONE_DAY, "range", fiscal)


def _make(label: str, start: date, end: date, kind: Kind, fiscal: _Fiscal) -> Period:
    _check_year(start.year, label)
    return Period(label, start, end, kind, fiscal.starts, fiscal.names)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise _NoPeriodError(f"there is no day {text}") from None
    if day.year not in _YEARS:
        raise _NoPeriodError(f"years go from {_YEARS.start} to {_YEARS.stop - 1}")
    return day


def _check_year(year: int, label: str) -> None:
    if year not in _YEARS:
        raise PeriodError(f"'{label}' reaches beyond the years {_YEARS.start} to {_YEARS.stop - 1}.")


def _back(day: date, days: int, label: str) -> date:
    if day.toordinal() - days < date(_YEARS.start, 1, 1).toordinal():
        raise PeriodError(f"There is no period before '{label}'.")
    return day - timedelta(days=days)


def _year_back(day: date, label: str) -> date:
    _check_year(day.year - 1, label)
    leap_day = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - 1, day=28 if leap_day else day.day)


def _iso_weeks(year: int) -> int:
    return date(year, 12, 28).isocalendar().week  # 28 December always lies in the last week


def _plain_day(day: date) -> date:
    if isinstance(day, datetime):
        if day.tzinfo is not None:
            raise ParameterError(
                f"{day.isoformat()} has an offset; bring it into the company's time zone first (local_date)."
            )
        return day.date()
    return day
