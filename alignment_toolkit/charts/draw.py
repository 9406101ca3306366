"""From a chart's data to a figure: one function per kind, in one visual language."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from alignment_toolkit.charts.data import ChartData, Point
from alignment_toolkit.charts.marks import marks, whiskers
from alignment_toolkit.charts.sheet import CHAR, SMALL, WIDE, Sheet, shorten, width, wrap
from alignment_toolkit.charts.style import (
    GRID,
    INK,
    MUTED,
    PALETTE,
    PAPER,
    ZONE,
    colour,
    plain,
    style,
)
from alignment_toolkit.languages import say
from alignment_toolkit.units import signed

__all__ = ["draw"]

_REACH: Final = 5  # how many times the largest value an interval is drawn beyond the values
_HATCH: Final = "////"
_CELL: Final = 0.4  # inches of a matrix's row


def draw(data: ChartData, *, titled: bool = True, small: bool = False) -> Figure:
    """Draw a chart.

    Parameters
    ----------
    data
        What to draw, from one of the data functions.
    titled
        Write the title into the picture; a page that has its own caption leaves it out.
    small
        Draw it for half a column's width.
    """
    data = _within_reach(data)
    with style():
        figure = _KINDS[data.kind](data, SMALL if small else WIDE, titled)
        return plain(figure)


def _limits(values: Sequence[float], *, zero: bool, pad: float = 0.06) -> tuple[float, float]:
    low, high = min(values), max(values)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    # Numbers that differ by less than a float can tell apart are one place, which still needs room around it.
    span = max(high - low, 1e-9 * max(abs(low), abs(high))) or 1.0
    low, high = (
        (low - pad * span if low < 0 or not zero else low),
        (high + pad * span if high > 0 or not zero else high),
    )
    return (low, high) if high > low else (low - 0.5 * span * (not zero), high + 0.5 * span)


def _within_reach(data: ChartData) -> ChartData:
    """Cut intervals that reach so far that the values could not be told apart; the numbers stay in table and words."""
    heights = [p.y for s in data.series for p in s.points]
    size = max((abs(y) for y in heights), default=0.0)
    if size == 0 or data.kind == "interval":
        return data
    least, most = min(heights) - _REACH * size, max(heights) + _REACH * size

    def fit(p: Point) -> Point:
        low, high = (None if v is None else min(max(v, least), most) for v in (p.low, p.high))
        return replace(p, low=low, high=high, cut=(low != p.low, high != p.high))

    series = tuple(replace(s, points=tuple(fit(p) for p in s.points)) for s in data.series)
    return replace(data, series=series)


def _ends(data: ChartData) -> list[float]:
    values = [v for s in data.series for p in s.points for v in (p.y, p.low, p.high) if v is not None]
    return [*values, *([data.reference] if data.reference is not None else [])]


def _reference(sheet: Sheet, data: ChartData, *, across: bool) -> None:
    # A reference at zero is the axis itself.
    if not data.reference:
        return
    text = f"{data.reference_label} {data.number(data.reference)}"
    if across:
        sheet.axes.axvline(data.reference, color=MUTED, lw=0.9, ls=(0, (4, 2)), zorder=0.5)
        low, high = sheet.axes.get_xlim()
        right = (data.reference - low) / (high - low) < 0.6
        shown = f" {text}" if right else f"{text} "
        sheet.axes.text(
            data.reference, 1.01, shown, transform=sheet.axes.get_xaxis_transform(), fontsize=8.5, color=INK,
            ha="left" if right else "right", va="bottom",
        )  # fmt: skip
    else:
        sheet.axes.axhline(data.reference, color=INK, lw=1.1, ls=(0, (4, 2)))
        sheet.axes.text(
            0.005, data.reference, text, transform=sheet.axes.get_yaxis_transform(), fontsize=8.5, color=INK,
            ha="left", va="bottom",
        )  # fmt: skip


def _categories(data: ChartData) -> list[str]:
    return list(dict.fromkeys(data.place(p.x) for s in data.series for p in s.points))


def _label_room(labels: Sequence[str], wide: float) -> tuple[float, float]:
    most = wide * 0.36 / CHAR
    columns = max(6.0, min(most, max((width(t) for t in labels), default=6.0) + 0.1))
    return columns * CHAR + 0.2, columns


def _value_text(data: ChartData, p: Point) -> str:
    return data.number(p.y) + (say("  (n {n:,})", n=p.n) if p.n is not None else "")


def _bars(data: ChartData, wide: float, titled: bool) -> Figure:
    labels = _categories(data)
    groups, dots = len(data.series), data.kind == "dots"
    thick = 0.22 if groups == 1 else max(0.1, min(0.17, 0.6 / groups))
    step = max(thick * groups + (0.12 if groups == 1 else 0.14), 0.34)
    left, columns = _label_room(labels, wide)
    longest = max(width(_value_text(data, p)) for s in data.series for p in s.points)
    right = min(longest * 0.072 + 0.2, wide * 0.4)
    head = 0.2 if data.reference else 0.0
    sheet = Sheet(data, wide, titled, height=step * len(labels) + head, left=left, right=right)
    axes = sheet.axes
    where = {label: -i * step for i, label in enumerate(labels)}
    axes.set_ylim(-(len(labels) - 1) * step - step / 2, step / 2 + head)
    low, high = _limits(_ends(data), zero=not dots)
    if not dots and min(p.y for s in data.series for p in s.points) < 0:
        # A negative bar carries its number at its own end, to the left.
        low -= (high - low) * min(longest * 0.072 / sheet.plot_wide, 0.4)
    for number, series in enumerate(data.series):
        shade = colour(series.name, number)
        places = [where[data.place(p.x)] + ((groups - 1) / 2 - number) * thick for p in series.points]
        rows = list(zip(series.points, places, strict=True))
        if dots:
            marked = [(p.y, at, p.immature) for p, at in rows]
            marks(axes, marked, "o", shade, ms=6.5, mew=1.5, zorder=4)
        whiskers(axes, rows, across=True, shade=shade if dots else INK)
        for p, at in rows:
            if not dots:
                axes.barh(
                    at, p.y, thick * 0.88, color=PAPER if p.immature else shade, edgecolor=shade, lw=0.8,
                    hatch=_HATCH if p.immature else None,
                )  # fmt: skip
            left_of = p.y < 0 and not dots
            known = [v for v in (p.y, p.low, p.high) if v is not None]
            axes.annotate(
                _value_text(data, p), (min(known) if left_of else max(known), at),
                xytext=(-5 if left_of else 8 if dots else 5, 0),
                textcoords="offset points", fontsize=8.5 if thick > 0.14 else 7.5, color=INK, va="center_baseline",
                ha="right" if left_of else "left", annotation_clip=False,
            )  # fmt: skip
    sheet.label_rows(list(where.values()), labels, columns)
    sheet.scale_x(low, high, data, unit=data.y_unit, label=data.y_label)
    if not dots:
        axes.axvline(0, color=MUTED, lw=0.9)
    _reference(sheet, data, across=True)
    return sheet.figure


def _spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Move label heights apart so that none lies on another, the order kept."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed = list(wanted)
    for before, now in pairwise(order):
        placed[now] = max(placed[now], placed[before] + gap)
    shift = sum(placed[i] - wanted[i] for i in order) / max(len(order), 1)
    return [p - shift for p in placed]


def _lines(data: ChartData, wide: float, titled: bool) -> Figure:
    many = len(data.series) > 1
    small = wide < WIDE
    ends = [(shorten(s.name, 18), s.points[-1]) for s in data.series]
    texts = [f"{name} {data.number(p.y)}".strip() for name, p in ends]
    right = min(max(width(t) for t in texts) * 0.072 + 0.25, wide * 0.4)
    sheet = Sheet(data, wide, titled, height=1.35 if small else 2.3, left=0.66, right=right)
    axes = sheet.axes
    labels = [] if data.numeric_x else _categories(data)
    place = {label: float(i) for i, label in enumerate(labels)}

    def x_of(p: Point) -> float:
        return place[data.place(p.x)] if labels else float(p.x)

    ends_of_scale = _ends(data) if data.scale is None else list(data.scale)
    lows, highs = _limits(ends_of_scale, zero=data.y_unit in ("share", "money", "count", None))
    sheet.scale_y(lows, highs, data)
    for number, series in enumerate(data.series):
        shade = colour(series.name, number)
        xs, ys = [x_of(p) for p in series.points], [p.y for p in series.points]
        band = [(x_of(p), p.low, p.high) for p in series.points if p.low is not None and p.high is not None]
        if len(band) > 1 and (many or not labels):
            axes.fill_between(
                [b[0] for b in band],
                [b[1] for b in band],
                [b[2] for b in band],
                color=shade,
                alpha=0.16,
                lw=0,
            )
        elif band:
            whiskers(axes, [(p, x_of(p)) for p in series.points], across=False, shade=shade)
        mature = [i for i, p in enumerate(series.points) if not p.immature]
        split = mature[-1] if mature else 0
        axes.plot(xs[: split + 1], ys[: split + 1], color=shade, lw=1.9)
        axes.plot(xs[split:], ys[split:], color=shade, lw=1.4, ls=(0, (2, 2)))
        shown = [
            (x, p.y, p.immature)
            for x, p in zip(xs, series.points, strict=True)
            if labels or p.immature or len(xs) <= MOST_MARKS
        ]
        marks(axes, shown, "o", shade, ms=5, mew=1.4, zorder=4)
        for x, p in zip(xs, series.points, strict=True):
            if p.immature and labels:
                axes.axvspan(x - 0.5, x + 0.5, facecolor="none", edgecolor=GRID, hatch=_HATCH, lw=0, zorder=0)
    span = highs - lows
    heights = _spread([p.y for _, p in ends], span * 0.17 / sheet.height)
    for number, ((_, p), text, height) in enumerate(zip(ends, texts, heights, strict=True)):
        if many:
            axes.annotate(
                "●", (x_of(p), height), xytext=(5, 0), textcoords="offset points", fontsize=7, va="center_baseline",
                color=colour(data.series[number].name, number), annotation_clip=False,
            )  # fmt: skip
        axes.annotate(
            text, (x_of(p), height), xytext=(13 if many else 8, 0), textcoords="offset points", fontsize=8.5,
            color=INK, va="center_baseline", annotation_clip=False,
        )  # fmt: skip
    if labels:
        axes.set_xlim(-0.5, len(labels) - 0.5)
        most = max(1, int(sheet.plot_wide / (0.075 * max(min(width(t), 12) for t in labels) + 0.12)))
        every = math.ceil(len(labels) / most)
        told = list(range(len(labels)))[::every]
        sheet.number_x(told, [shorten(labels[i], 12) for i in told])
        sheet.label_x(data.x_label)
    else:
        first, last = _limits([x_of(p) for s in data.series for p in s.points], zero=False, pad=0.0)
        sheet.scale_x(first, last, data, unit=data.x_unit, label=data.x_label)
    _reference(sheet, data, across=False)
    return sheet.figure


MOST_MARKS: Final = 20


def _funnel(data: ChartData, wide: float, titled: bool) -> Figure:
    labels = _categories(data)
    points = data.series[0].points
    left, columns = _label_room(labels, wide)
    step = 0.44
    said = [_funnel_text(data, points, i, wide) for i in range(len(points))]
    right = min(max(width(t) for t in said) * 0.072 + 0.2, wide * 0.45)
    sheet = Sheet(data, wide, titled, height=step * len(points), left=left, right=right)
    axes = sheet.axes
    axes.set_ylim(-(len(points) - 0.5) * step, step / 2)
    first = points[0].y
    for i, p in enumerate(points):
        shade = colour("", 0)
        axes.barh(-i * step, p.y, 0.27, color=PAPER if p.immature else shade, edgecolor=shade, lw=0.8,
                  hatch=_HATCH if p.immature else None)  # fmt: skip
        axes.annotate(
            said[i], (max(p.y, p.high or p.y, 0.0), -i * step), xytext=(5, 0), textcoords="offset points",
            fontsize=8.5, color=INK, va="center_baseline", annotation_clip=False,
        )  # fmt: skip
    whiskers(axes, [(p, -i * step) for i, p in enumerate(points)], across=True)
    sheet.label_rows([-i * step for i in range(len(points))], [data.place(p.x) for p in points], columns)
    low, high = _limits([*_ends(data), first], zero=True)
    sheet.scale_x(low, high, data, unit=data.y_unit, label=data.y_label)
    axes.axvline(0, color=MUTED, lw=0.9)
    return sheet.figure


def _funnel_text(data: ChartData, points: Sequence[Point], i: int, wide: float) -> str:
    before = points[i - 1].y if i else 0.0
    if wide < WIDE or before <= 0 or not 0 <= points[i].y / before < 10:
        return data.number(points[i].y)
    return say(
        "{number}  ({share:.1f} % of the step before)",
        number=data.number(points[i].y),
        share=points[i].y / before * 100,
    )


def _waterfall(data: ChartData, wide: float, titled: bool) -> Figure:
    points = data.series[0].points
    labels = [data.place(p.x) for p in points]
    labels.append(say("sum"))
    left, columns = _label_room(labels, wide)
    step = 0.4
    longest = max(width(data.number(v)) for v in (*(p.y for p in points), math.fsum(p.y for p in points))) + 1
    right = min(longest * 0.072 + 0.2, wide * 0.4)
    sheet = Sheet(data, wide, titled, height=step * (len(points) + 1), left=left, right=right)
    axes = sheet.axes
    axes.set_ylim(-(len(points) + 0.5) * step, step / 2)
    running, edges = 0.0, [0.0]
    reaching: list[tuple[Point, float]] = []
    links: list[tuple[float, float, float]] = []
    for i, p in enumerate(points):
        shade = PALETTE[0] if p.y >= 0 else PALETTE[1]
        axes.barh(-i * step, p.y, 0.26, left=running, color=PAPER if p.immature else shade, edgecolor=shade, lw=0.8,
                  hatch=_HATCH if p.immature else None)  # fmt: skip
        reach = [running + (v if v is not None else p.y) for v in (p.low, p.high)]
        if p.low != p.high:
            reaching.append((replace(p, low=reach[0], high=reach[1]), -i * step))
            edges += reach
        end = max(running, running + p.y, *reach)
        axes.annotate(signed(p.y, data.number(p.y)), (end, -i * step), xytext=(5, 0), textcoords="offset points",
                      fontsize=8.5, color=INK, va="center_baseline", annotation_clip=False)  # fmt: skip
        running += p.y
        edges.append(running)
        links.append((running, -(i + 1) * step, -i * step))
    whiskers(axes, reaching, across=True)
    if links:
        places, lows, highs = zip(*links, strict=True)
        axes.vlines(places, lows, highs, colors=MUTED, lw=0.8)
    axes.barh(-len(points) * step, running, 0.26, color=MUTED)
    axes.annotate(data.number(running), (max(running, 0.0), -len(points) * step), xytext=(5, 0),
                  textcoords="offset points", fontsize=8.5, color=INK, va="center_baseline",
                  annotation_clip=False, fontweight="bold")  # fmt: skip
    sheet.label_rows([-i * step for i in range(len(points) + 1)], labels, columns)
    low, high = _limits(edges, zero=True)
    sheet.scale_x(low, high, data, unit=data.y_unit, label=data.y_label)
    axes.axvline(0, color=MUTED, lw=0.9)
    return sheet.figure


def _matrix(data: ChartData, wide: float, titled: bool) -> Figure:
    columns_ = _categories(data)
    rows = [s.name for s in data.series]
    left, room = _label_room(rows, wide)
    cell = min(1.5, (wide - left - 0.15) / max(len(columns_), 1))
    right = wide - left - cell * len(columns_)
    size = 8.5 if cell > 0.8 else 7.5
    heads = [wrap(label, max(4, int((cell - 0.06) / (0.0085 * size))), 3) for label in columns_]
    top = 0.12 + 0.15 * max([2, *map(len, heads)])
    sheet = Sheet(data, wide, titled, height=_CELL * len(rows) + top, left=left, right=right)
    axes = sheet.axes
    axes.set_xlim(0, len(columns_))
    axes.set_ylim(-_CELL * len(rows), top)
    most = max((abs(p.y) for s in data.series for p in s.points), default=0.0) or 1.0
    for i, lines in enumerate(heads):
        for k, line in enumerate(lines):
            axes.text(i + 0.06 / cell, top - 0.18 - 0.15 * k, line, fontsize=size, color=INK, va="baseline")
    for r, series in enumerate(data.series):
        for p in series.points:
            x = columns_.index(data.place(p.x))
            shade = _tint(PALETTE[0] if p.y >= 0 else PALETTE[1], abs(p.y) / most)
            axes.add_patch(Rectangle((x + 0.015, -_CELL * (r + 1) + 0.015), 0.97, _CELL - 0.03, lw=0.7, edgecolor=GRID,
                                     facecolor=shade,
                                     hatch=_HATCH if p.immature else None))  # fmt: skip
            axes.text(x + 0.5, -_CELL * (r + 0.5), data.number(p.y), ha="center", va="center_baseline",
                      fontsize=9.5 if cell > 0.8 else 8,
                      color=_ink_on(shade))  # fmt: skip
    sheet.label_rows([-_CELL * (r + 0.5) for r in range(len(rows))], rows, room)
    sheet.label_x(
        say(
            "{value}; {across} across, {down} down",
            value=data.y_label,
            across=data.x_label,
            down=data.group_label or say("group"),
        ),
        edge=True,
    )
    return sheet.figure


def _tint(shade: str, share: float) -> str:
    """Mix a colour with white."""
    parts = [int(shade[i : i + 2], 16) for i in (1, 3, 5)]
    amount = 0.08 + 0.86 * share
    return "#" + "".join(f"{round(255 - (255 - c) * amount):02x}" for c in parts)


def _ink_on(shade: str) -> str:
    """Give the ink, dark or white, that stands out more on a colour (relative luminance as in WCAG 2)."""
    parts = [int(shade[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    light = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    luminance = 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]
    return "#ffffff" if luminance < 0.22 else "#1f2932"


def _scatter(data: ChartData, wide: float, titled: bool) -> Figure:
    sheet = Sheet(data, wide, titled, height=2.9, left=0.66, right=0.25)
    axes = sheet.axes
    low, high = _limits(_ends(data), zero=False)
    sheet.scale_y(low, high, data)
    xs = [float(p.x) for s in data.series for p in s.points]
    for number, series in enumerate(data.series):
        shade = colour(series.name, number)
        if series.joined:
            _band(axes, series.points, shade)
            continue
        whiskers(axes, [(p, float(p.x)) for p in series.points], across=False, shade=shade)
        marked = [(float(p.x), p.y, p.immature) for p in series.points]
        marks(axes, marked, "osD^vPX*"[number % 8], shade, ms=6, mew=1.2, alpha=0.85)
    first, last = _limits(xs, zero=False)
    for p in (p for s in data.series for p in s.points if p.name):
        left = float(p.x) > first + (last - first) * 0.75  # where there is no room to the right
        axes.annotate(shorten(p.name, 28), (float(p.x), p.y), (-7, 5) if left else (7, -11), textcoords="offset points",
                      fontsize=8.5, color=INK, ha="right" if left else "left")  # fmt: skip
    sheet.scale_x(
        first,
        last,
        data,
        unit=data.x_unit,
        label=say("{across} (across), {up} (up)", across=data.x_label, up=data.y_label),
    )
    _reference(sheet, data, across=False)
    return sheet.figure


def _band(axes: Axes, points: Sequence[Point], shade: str) -> None:
    xs = [float(p.x) for p in points]
    axes.plot(xs, [p.y for p in points], color=shade, lw=1.4)
    ends = [(p.y if p.low is None else p.low, p.y if p.high is None else p.high) for p in points]
    axes.fill_between(xs, [e[0] for e in ends], [e[1] for e in ends], color=shade, alpha=0.15, lw=0)


def _interval(data: ChartData, wide: float, titled: bool) -> Figure:
    p = data.series[0].points[0]
    sheet = Sheet(data, wide, titled, height=0.74, left=0.22, right=0.3)
    axes = sheet.axes
    axes.set_ylim(0, 1)
    zone = data.zone or (0.0, 0.0)
    ends = [v for v in (p.y, p.low, p.high, 0.0, *zone) if v is not None and math.isfinite(v)]
    low, high = _limits(ends, zero=False, pad=0.12)
    low = 0.0 if min(ends) >= 0 else low
    axes.add_patch(
        Rectangle(
            (max(zone[0], low), 0.0), min(zone[1], high) - max(zone[0], low), 0.72, color=ZONE, lw=0, zorder=0
        )
    )
    for edge in zone:
        if math.isfinite(edge):
            axes.plot([edge, edge], [0, 0.72], color=INK, lw=1.1, ls=(0, (4, 2)))
    span = high - low
    limit = say("tolerated up to {number}", number=data.number(zone[1]))
    axes.text(_inside(zone[1], low, span), 0.8, limit, fontsize=8.5, color=INK,
              ha="right" if zone[1] - low > span * 0.42 else "left", va="baseline")  # fmt: skip
    outside = (p.low if p.low is not None else p.y) > zone[1] or (
        p.high if p.high is not None else p.y
    ) < zone[0]
    shade = PALETTE[1] if outside else PALETTE[0]
    if p.low is not None and p.high is not None:
        axes.plot([p.low, p.high], [0.28, 0.28], color=shade, lw=5, alpha=0.45, solid_capstyle="butt")
    axes.plot([p.y], [0.28], "o", ms=9, color=shade, mec=PAPER, mew=1.2, zorder=4)
    # At either end of the scale half of a centred number would be cut off.
    side = "left" if p.y - low < 0.1 * span else "right" if high - p.y < 0.1 * span else "center"
    axes.text(p.y, 0.46, data.number(p.y), fontsize=9.5, fontweight="bold", color=INK, ha=side, va="baseline")
    sheet.scale_x(low, high, data, unit=data.y_unit, label=say("Gap"))
    return sheet.figure


def _inside(value: float, low: float, span: float) -> float:
    return value + (0.004 * span if value - low <= span * 0.42 else -0.004 * span)


_KINDS: Final[dict[str, Callable[[ChartData, float, bool], Figure]]] = {
    "bars": _bars,
    "dots": _bars,
    "lines": _lines,
    "funnel": _funnel,
    "waterfall": _waterfall,
    "matrix": _matrix,
    "scatter": _scatter,
    "interval": _interval,
}
