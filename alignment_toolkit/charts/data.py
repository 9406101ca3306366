"""What a chart shows, before anything is drawn: points, words, the alternative text, the table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from alignment_toolkit import units
from alignment_toolkit.charts.text import MISSING, clean, humanise, shorten
from alignment_toolkit.languages import noted, say, term
from alignment_toolkit.languages.locale import numerals
from alignment_toolkit.results import Chart, Finding, KpiValue

__all__ = [
    "MOST",
    "ChartData",
    "Point",
    "Series",
    "alt_text",
    "of_finding",
    "of_months",
    "of_slices",
    "table",
]

MOST: Final = 12
_KINDS: Final = {
    "bars": noted("Bar chart"),
    "lines": noted("Line chart"),
    "funnel": noted("Funnel"),
    "waterfall": noted("Waterfall chart"),
    "matrix": noted("Matrix"),
    "scatter": noted("Scatter plot"),
    "interval": noted("Interval plot"),
    "dots": noted("Dot plot with intervals"),
}
_ADDITIVE: Final = ("money", "count")


@dataclass(frozen=True)
class Point:
    """One mark: its place, its height with interval, the rows it stands on, and whether it is too young to compare.

    `cut` says which ends of the interval (low, high) lie so far out that a drawing ends them in an arrow; `name`
    stands beside the mark of a scatter plot.
    """

    x: str | float
    y: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    immature: bool = False
    cut: tuple[bool, bool] = (False, False)
    name: str = ""

    def __post_init__(self) -> None:
        """Make the place fit to be drawn."""
        if isinstance(self.x, str):
            object.__setattr__(self, "x", clean(self.x))


@dataclass(frozen=True)
class Series:
    """Points of one colour, in drawing order; `name` is empty where there is only one series.

    `joined` points of a scatter plot are a line, and their intervals a band around it.
    """

    name: str
    points: tuple[Point, ...]
    joined: bool = False

    def __post_init__(self) -> None:
        """Make the name fit to be drawn."""
        object.__setattr__(self, "name", clean(self.name))


@dataclass(frozen=True)
class ChartData:
    """All that a drawing needs, and no more: a writer with charts of its own can draw it too.

    `zone` is the stretch that is tolerated (interval plots); `reference` a line with its label; `note` the small print
    that goes with the picture wherever it is shown; `left_out` counts the points that are only in the table; `scale`
    holds the ends of the vertical scale where several pictures share one.
    """

    kind: str
    title: str
    series: tuple[Series, ...]
    x_label: str = ""
    y_label: str = ""
    x_unit: str | None = None
    y_unit: str | None = None
    currency: str = ""
    group_label: str = ""
    reference: float | None = None
    reference_label: str = ""
    zone: tuple[float, float] | None = None
    note: str = ""
    left_out: int = 0
    scale: tuple[float, float] | None = None
    rows: tuple[tuple[Any, ...], ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Make every text fit to be drawn, whoever made it."""
        for name in ("title", "x_label", "y_label", "currency", "group_label", "reference_label", "note"):
            object.__setattr__(self, name, clean(getattr(self, name)))

    @property
    def numeric_x(self) -> bool:
        """Whether all places are numbers (a scale), not words (categories)."""
        return all(not isinstance(p.x, str) for s in self.series for p in s.points)

    def number(self, value: float | None) -> str:
        """Write a height with its unit."""
        return number(value, self.y_unit, self.currency)

    def place(self, x: str | float) -> str:
        """Write a place."""
        return x if isinstance(x, str) else number(x, self.x_unit, self.currency)


def number(value: float | None, unit: str | None, currency: str = "") -> str:
    """Write a number with its unit; a unit that is none of the toolkit's is written behind the number."""
    if unit in units.UNITS:
        return units.UNITS[unit].text(value, currency=currency or None)
    if value is None or not math.isfinite(value):
        return say(units.NOT_AVAILABLE)
    text = (
        numerals(f"{value:,.2f}".rstrip("0").rstrip("."))
        if abs(value) < 1e15
        else say("{value:.3g}", value=value)
    )
    return f"{text} {say(clean(unit))}" if unit else text


def as_number(value: Any) -> float | None:
    """Give a finite number, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e300:
        return None
    return float(value)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    return term(clean(value)) or say(MISSING)


def of_finding(finding: Finding, *, currency: str = "", note: str = "") -> ChartData | None:
    """Read a finding's chart out of its own rows or its evidence.

    Returns
    -------
    ChartData or None
        None where there is no chart, or where its columns hold nothing that can be drawn.
    """
    chart = finding.chart
    if chart is None:
        return None
    rows: Sequence[Mapping[str, Any]] = finding.evidence.records() if chart.rows is None else chart.rows
    labels = {c.name: clean(c.label) for c in finding.evidence.columns}
    found = {c.name: c.unit for c in finding.evidence.columns}
    found |= {m.name: m.unit for m in finding.measures if m.name not in found}

    def unit_of(name: str) -> str | None:
        if name in found:
            return found[name]
        values = [v for v in (as_number(r.get(name)) for r in rows) if v is not None]
        gap = finding.gap.unit if finding.gap is not None else None
        # A column without a declared unit is taken for the gap's share where it can be one.
        return "share" if gap == "share" and values and all(-1 <= v <= 1 for v in values) else None

    x, y, group = _roles(chart, rows)
    points = _points(chart, rows, x=x, y=y, group=group)
    if not points:
        return None
    reference = as_number(chart.reference)
    data = ChartData(
        kind=chart.kind,
        title=clean(chart.title) or clean(finding.title),
        series=points,
        x_label=labels.get(x) or humanise(x),
        y_label=labels.get(y) or humanise(y),
        group_label=(labels.get(group) or humanise(group)) if group else "",
        x_unit=unit_of(x),
        y_unit=unit_of(y),
        currency=currency,
        reference=reference,
        reference_label=_reference_label(reference, finding),
        note=note,
    )
    return _at_most(data)


def _reference_label(reference: float | None, finding: Finding) -> str:
    if reference is not None and math.isclose(reference, finding.margin, rel_tol=1e-9):
        return say("tolerated up to")
    share = finding.gap is not None and finding.gap.unit == "share"
    # Where the chart shows the share that is in order, the margin stands at what is left of the whole.
    if reference is not None and share and math.isclose(reference, 1 - finding.margin, rel_tol=1e-9):
        return say("tolerated from")
    return say("reference")


def _roles(chart: Chart, rows: Sequence[Mapping[str, Any]]) -> tuple[str, str, str | None]:
    """Give x, y and group; a matrix may name its two sides x and y, then the number is the column that is left."""
    if chart.kind == "matrix" and rows and all(as_number(r.get(chart.y)) is None for r in rows):
        others = [chart.group, *rows[0]]
        for name in others:
            if (
                name
                and name not in (chart.x, chart.y)
                and any(as_number(r.get(name)) is not None for r in rows)
            ):
                return chart.x, name, chart.y
    return chart.x, chart.y, chart.group


def _points(
    chart: Chart, rows: Sequence[Mapping[str, Any]], *, x: str, y: str, group: str | None
) -> tuple[Series, ...]:
    scale = chart.kind in ("lines", "scatter") and all(as_number(r.get(x)) is not None for r in rows)
    if chart.kind == "scatter" and not scale:
        rows = [r for r in rows if as_number(r.get(x)) is not None]
        scale = True
    series: dict[str, list[Point]] = {}
    for row in rows:
        height, place = as_number(row.get(y)), row.get(x)
        if height is None or (x not in row):
            continue
        low, high = (as_number(row.get(name)) if name else None for name in (chart.low, chart.high))
        n = as_number(row.get("n"))
        number_of = None if n is None else int(n)
        where = as_number(place) if scale else None
        name = _word(row.get(group)) if group else ""
        point = Point(
            x=_word(place) if where is None else where,
            y=height,
            low=low,
            high=high,
            n=number_of,
            immature=row.get("immature") is True,
        )
        series.setdefault(name, []).append(point)
    if scale and chart.kind == "lines":
        return tuple(Series(k, tuple(sorted(v, key=lambda p: float(p.x)))) for k, v in series.items())
    return tuple(Series(k, tuple(v)) for k, v in series.items())


def _at_most(data: ChartData) -> ChartData:
    """Keep at most twelve series and categories; the rest is summed where a sum means something, else left out."""
    complete = table_rows(data)
    left_out = 0
    if len(data.series) > MOST:
        left_out += sum(len(s.points) for s in data.series[MOST:])
        data = replace(data, series=data.series[:MOST])
    if data.kind in ("bars", "dots", "funnel", "matrix", "waterfall") and not data.numeric_x:
        order = list(dict.fromkeys(p.x for s in data.series for p in s.points))
        if len(order) > MOST:
            kept = set(order[: MOST - 1])
            adds_up = (data.y_unit in _ADDITIVE and data.kind == "bars") or data.kind == "waterfall"
            series = []
            for one in data.series:
                rest = [p for p in one.points if p.x not in kept]
                points = [p for p in one.points if p.x in kept]
                if rest and adds_up:
                    points.append(Point(say("other ({rest})", rest=len(rest)), math.fsum(p.y for p in rest)))
                else:
                    left_out += len(rest)
                series.append(Series(one.name, tuple(points)))
            data = replace(data, series=tuple(series))
    return replace(data, left_out=left_out, rows=complete)


def of_months(rows: Sequence[KpiValue], *, currency: str = "", note: str = "") -> ChartData | None:
    """Read one KPI's course over its grain; periods that are too young are marked."""
    known = sorted((r for r in rows if as_number(r.value) is not None), key=lambda r: r.start)
    if len(known) < 2:
        return None
    points = tuple(_kpi_point(r, r.period) for r in known)
    mature = [p for p in points if not p.immature] or list(points)
    least, most = min(mature, key=lambda p: p.y), max(mature, key=lambda p: p.y)
    unit = known[0].unit
    between = say(
        "between {least} ({first}) and {most} ({last})",
        least=number(least.y, unit, currency),
        first=least.x,
        most=number(most.y, unit, currency),
        last=most.x,
    )
    return ChartData(
        kind="lines",
        title=say(
            "{title} by {grain}: {between}",
            title=clean(known[0].title),
            grain=say(known[0].grain or "period"),
            between=between,
        ),
        series=(Series("", points),),
        x_label=humanise(known[0].grain or "period"),
        y_label=clean(known[0].title),
        y_unit=unit,
        currency=currency,
        note=note,
        rows=tuple((p.x, p.y, p.low, p.high, p.n, p.immature) for p in points),
    )


def _kpi_point(row: KpiValue, x: str) -> Point:
    value = as_number(row.value)
    assert value is not None
    # Where nothing was drawn by chance, low and high are the value itself: no interval to show.
    low, high = (None, None) if row.low == row.high else (as_number(row.low), as_number(row.high))
    return Point(clean(x), value, low, high, row.n, row.immature)


def of_slices(
    rows: Sequence[KpiValue], total: KpiValue | None, *, currency: str = "", note: str = ""
) -> ChartData | None:
    """Read one KPI over the values of a dimension, the company's own value as the reference."""
    known = [r for r in rows if as_number(r.value) is not None]
    if len(known) < 2:
        return None
    first = known[0]
    points = tuple(_kpi_point(r, by_text(r.by)) for r in known)
    least, most = min(points, key=lambda p: p.y), max(points, key=lambda p: p.y)
    dimension = say(" and ").join(say(clean(k).replace("_", " ")) for k in first.by)
    span = say(
        "from {low} to {high}",
        low=number(least.y, first.unit, currency),
        high=number(most.y, first.unit, currency),
    )
    overlap = least.high is not None and most.low is not None and least.high >= most.low
    data = ChartData(
        kind="dots",
        title=say("{title} by {dimension}: {span}", title=clean(first.title), dimension=dimension, span=span)
        + (say("; their intervals overlap") if overlap else ""),
        series=(Series("", points),),
        x_label=humanise(dimension),
        y_label=clean(first.title),
        y_unit=first.unit,
        currency=currency,
        # The total of what adds up lies beyond all its parts and would squeeze them.
        reference=as_number(total.value) if total is not None and first.unit not in _ADDITIVE else None,
        reference_label=say("company"),
        note=note,
    )
    return _at_most(data)


def by_text(by: Mapping[str, Any]) -> str:
    """Write a slice: its values, in the order of its dimensions."""
    return ", ".join(_word(v) for v in by.values()) if by else say("total")


def table_rows(data: ChartData) -> tuple[tuple[Any, ...], ...]:
    """Give every point as a row: series, place, height, low, high, n, immature."""
    points = [(p.name or s.name, p) for s in data.series for p in s.points]
    return tuple((name, p.x, p.y, p.low, p.high, p.n, p.immature) for name, p in points)


def table(data: ChartData) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Give the chart's data as a table of text: headers and rows, empty columns left out.

    Several series that share their places stand side by side.
    """
    rows = data.rows if data.rows and len(data.rows[0]) == 7 else table_rows(data)
    side_by_side = _pivot(data, rows)
    if side_by_side is not None:
        return side_by_side
    heads = (
        data.group_label or say("Group"),
        data.x_label or say("Item"),
        data.y_label or say("Value"),
        say("95 % interval"),
        "n",
        say("Note"),
    )
    written = [
        (
            clean(name) if name else "",
            data.place(x),
            data.number(y),
            _between(data, low, high),
            "" if n is None else say("{n:,}", n=n),
            say("too young") if immature else "",
        )
        for name, x, y, low, high, n, immature in rows
    ]
    used = [i for i in range(len(heads)) if i in (1, 2) or any(row[i] for row in written)]
    return tuple(heads[i] for i in used), tuple(tuple(row[i] for i in used) for row in written)


def _between(data: ChartData, low: float | None, high: float | None) -> str:
    return (
        ""
        if low is None or high is None
        else say("{low} to {high}", low=data.number(low), high=data.number(high))
    )


def _pivot(
    data: ChartData, rows: tuple[tuple[Any, ...], ...]
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]] | None:
    names = list(dict.fromkeys(row[0] for row in rows))
    places = list(dict.fromkeys(row[1] for row in rows))
    known = {(row[0], row[1]): row for row in rows}
    as_drawn = data.kind == "matrix" and 2 <= len(places) <= 9
    if (
        not (as_drawn or 2 <= len(names) <= (9 if data.kind == "matrix" else 4))
        or data.kind == "scatter"
        or len(known) != len(rows)
        or len(known) * 2 < len(names) * len(places)
    ):
        return None

    def cell(row: tuple[Any, ...] | None) -> str:
        if row is None:
            return ""
        inside = (
            _between(data, row[3], row[4]),
            say("n {n:,}", n=row[5]) if row[5] is not None else "",
            say("too young") if row[6] else "",
        )
        about = "; ".join(t for t in inside if t)
        return data.number(row[2]) + (f" ({about})" if about else "")

    if as_drawn:
        written = tuple((clean(n), *(cell(known.get((n, p))) for p in places)) for n in names)
        return (data.group_label or say("Group"), *map(data.place, places)), written
    written = tuple((data.place(p), *(cell(known.get((name, p))) for name in names)) for p in places)
    return (data.x_label or say("Item"), *(clean(n) for n in names)), written


def alt_text(data: ChartData) -> str:
    """Say in words what the picture shows, from its data."""
    points = [(s.name, p) for s in data.series for p in s.points]
    said, young = [], say(", too young to compare")
    for name, p in points[:MOST]:
        who = ", ".join(shorten(t, 60) for t in (name, data.place(p.x)) if t)
        interval = (
            ""
            if p.low is None or p.high is None
            else say(" ({low} to {high})", low=data.number(p.low), high=data.number(p.high))
        )
        said.append(f"{who} {data.number(p.y)}{interval}{young if p.immature else ''}")
    more = len(points) - MOST + data.left_out if len(points) > MOST else data.left_out
    tail = say("; and {more} more in the table", more=more) if more > 0 else ""
    line = ""
    if data.reference is not None:
        line = say(
            " The line '{label}' stands at {number}.",
            label=data.reference_label,
            number=data.number(data.reference),
        )
    small = f" {data.note}." if data.note else ""
    kind = say(_KINDS.get(data.kind, noted("Chart")))
    return f"{kind}. {shorten(data.title, 200)}. {'; '.join(said)}{tail}.{line}{small}"
