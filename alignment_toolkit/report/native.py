"""A chart's data as rows of numbers, for formats that draw charts of their own which the reader can edit."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Final, Literal

from alignment_toolkit import charts, units
from alignment_toolkit.charts import ChartData, Point
from alignment_toolkit.languages import say
from alignment_toolkit.report.blocks import Cell

__all__ = ["Lines", "Native", "matrix", "of"]

Shape = Literal["bar", "line", "curve", "scatter"]
_WIDEST: Final = 12
_SUM: Final = "#5b6875"
_WORD: Final = re.compile(r'" ?[a-z]+"$')


@dataclass(frozen=True)
class Lines:
    """One series: a value per category (None where there is none), the arms of its interval, what is too young.

    `joined` is a line among points, `shades` a colour of its own for each bar.
    """

    name: str
    values: tuple[float | None, ...]
    below: tuple[float, ...]
    above: tuple[float, ...]
    young: tuple[bool, ...]
    colour: str
    places: tuple[float, ...] = ()
    joined: bool = False
    shades: tuple[str, ...] = ()

    @property
    def sure(self) -> bool:
        """Whether no point has an interval."""
        return not any(self.below) and not any(self.above)


@dataclass(frozen=True)
class Native:
    """What a spreadsheet or slide needs to draw a chart; `reference` is said in words below it."""

    shape: Shape
    title: str
    categories: tuple[str, ...]
    series: tuple[Lines, ...]
    number_format: str
    axis_format: str
    place_format: str
    x_label: str
    y_label: str
    under: str
    alt: str
    least: float | None
    most: float | None


def of(data: ChartData) -> Native | None:
    """Read a chart's data; None for a matrix, which is a table in these formats."""
    if data.kind == "matrix" or not any(s.points for s in data.series):
        return None
    if data.kind in ("scatter", "lines") and data.numeric_x:
        return _scaled(data)
    if data.kind == "waterfall":
        return _waterfall(data)
    names = list(dict.fromkeys(data.place(p.x) for s in data.series for p in s.points))
    series = [_lines(s.name or data.y_label, s.points, names, data, i) for i, s in enumerate(data.series)]
    if data.kind == "interval" and data.reference is not None:
        names = [say("Gap"), say("Tolerated")]
        only = data.series[0].points[0]
        series = [
            _lines(
                data.y_label,
                (Point(say("Gap"), only.y, only.low, only.high), Point(say("Tolerated"), data.reference)),
                names,
                data,
                0,
            )
        ]
    shape: Shape = "line" if data.kind == "lines" else "bar"
    return _native(data, shape, tuple(names), tuple(series))


def matrix(data: ChartData) -> tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]]:
    """Give a matrix as a table: a row per group, a column per place, as the picture has it."""
    places = list(dict.fromkeys(data.place(p.x) for s in data.series for p in s.points))
    rows = []
    for s in data.series:
        known = {data.place(p.x): p for p in s.points}
        cells = (
            Cell(data.number(known[n].y), number=known[n].y, unit=data.y_unit) if n in known else Cell("")
            for n in places
        )
        rows.append((Cell(s.name or data.y_label), *cells))
    return (data.group_label or say("Group"), *places), tuple(rows)


def _native(
    data: ChartData,
    shape: Shape,
    categories: tuple[str, ...],
    series: tuple[Lines, ...],
) -> Native:
    ends = _ends(shape, series)
    shown = _format(data.y_unit, data, series)
    # The scale says its unit once, in the title; and whole per cents where its steps are such.
    coarse = (
        data.y_unit == "share" and ends[0] is not None and ends[1] is not None and ends[1] - ends[0] >= 0.08
    )
    return Native(
        shape=shape,
        title=data.title,
        categories=categories,
        series=series,
        number_format=shown,
        axis_format=units.UNITS["share"].spreadsheet(decimals=0) if coarse else _WORD.sub("", shown),
        place_format=units.UNITS[data.x_unit].spreadsheet(currency=data.currency)
        if data.x_unit in units.UNITS
        else "General",
        x_label=data.x_label,
        y_label=data.y_label,
        under=_under(data, series),
        alt=charts.alt_text(data),
        least=ends[0],
        most=ends[1],
    )


def _ends(shape: Shape, series: tuple[Lines, ...]) -> tuple[float | None, float | None]:
    """Give an axis that holds all intervals, which the programs themselves do not look at; bars stand on zero."""
    known = [
        (v - a, v + b)
        for s in series
        for v, a, b in zip(s.values, s.below, s.above, strict=True)
        if v is not None
    ]
    low, high = min((a for a, _ in known), default=0.0), max((b for _, b in known), default=0.0)
    if shape == "scatter":
        return None, None
    if shape == "bar" and low < 0 and len(series) == 1 and series[0].sure:
        # A negative bar carries its number at its own end, where the names stand.
        low -= 0.15 * (max(high, 0.0) - low)
    if shape == "bar" or not (low > 0 and high < 1.4 * low):
        low, high = min(low, 0.0), max(high, 0.0)
    if not high - low > 0 or high - low > 1e14:
        return None, None
    step = 10.0 ** math.floor(math.log10(high - low))
    step = next(s for s in (step / 5, step / 2, step, 2 * step) if (high - low) / s <= 8)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


def _format(unit: str | None, data: ChartData, series: tuple[Lines, ...]) -> str:
    if unit not in units.UNITS:
        return "General"
    kind = units.UNITS[unit]
    largest = max((abs(v) for s in series for v in s.values if v is not None), default=0.0)
    # A label in a chart has one form for all its numbers.
    digits = 0 if (kind.name == "money" and largest >= 1000) else None
    if kind.name == "count" and any(v is not None and not v.is_integer() for s in series for v in s.values):
        digits = 1
    return kind.spreadsheet(currency=data.currency, decimals=digits)


def _under(data: ChartData, series: tuple[Lines, ...]) -> str:
    said = []
    if data.reference is not None and data.kind != "interval":
        said.append(f"{data.reference_label}: {data.number(data.reference)}")
    if not all(s.sure for s in series):
        said.append(say("whiskers: 95 % interval"))
    if any(any(s.young) for s in series):
        said.append(say("hatched or hollow: too young to compare"))
    if data.left_out:
        said.append(say("{left_out:,} more points are only in the table", left_out=data.left_out))
    return "; ".join([*said, *([data.note] if data.note else [])])


def _arms(p: Point | None) -> tuple[float, float]:
    if p is None or p.low is None or p.high is None:
        return 0.0, 0.0
    return max(p.y - p.low, 0.0), max(p.high - p.y, 0.0)


def _lines(name: str, points: tuple[Point, ...], names: list[str], data: ChartData, position: int) -> Lines:
    known: dict[str, Point] = {}
    for p in points:
        known.setdefault(data.place(p.x), p)
    arms = [_arms(known.get(n)) for n in names]
    return Lines(
        name=name,
        values=tuple(known[n].y if n in known else None for n in names),
        below=tuple(a for a, _ in arms),
        above=tuple(b for _, b in arms),
        young=tuple(n in known and known[n].immature for n in names),
        colour=charts.colour(name, position),
    )


def _scaled(data: ChartData) -> Native:
    series = []
    for i, s in enumerate(data.series):
        arms = [_arms(p) for p in s.points]
        many = len(s.points) > _WIDEST * 3
        series.append(
            Lines(
                name=s.name or data.y_label,
                values=tuple(p.y for p in s.points),
                below=tuple(0.0 if many else a for a, _ in arms),
                above=tuple(0.0 if many else b for _, b in arms),
                young=tuple(p.immature for p in s.points),
                colour=charts.colour(s.name or data.y_label, i),
                places=tuple(float(p.x) for p in s.points),
                joined=s.joined,
            )
        )
    return _native(data, "scatter" if data.kind == "scatter" else "curve", (), tuple(series))


def _waterfall(data: ChartData) -> Native:
    """Draw the steps as bars from zero with their intervals, and their sum last: a stack could not carry intervals."""
    points = [p for s in data.series for p in s.points]
    points.append(Point(say("Sum"), math.fsum(p.y for p in points)))
    names = [data.place(p.x) for p in points]
    steps = _lines(data.y_label, tuple(points), names, data, 0)
    shades = tuple(charts.PALETTE[0 if p.y >= 0 else 1] for p in points[:-1])
    return _native(data, "bar", tuple(names), (replace(steps, shades=(*shades, _SUM)),))
