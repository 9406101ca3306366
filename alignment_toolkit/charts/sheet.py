"""The sheet that every chart is drawn on: measured in inches, labels placed where they are true in any font."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from alignment_toolkit import units
from alignment_toolkit.charts import text as texts
from alignment_toolkit.charts.data import ChartData
from alignment_toolkit.charts.style import GRID, INK, MUTED, advance, colour
from alignment_toolkit.languages import noted, say
from alignment_toolkit.languages.locale import currency_behind, numerals

__all__ = ["CHAR", "SMALL", "WIDE", "Sheet", "shorten", "width", "wrap"]

WIDE: Final = 7.0
SMALL: Final = 4.3
CHAR: Final = 0.078  # inches of one column at the usual size
_PAD: Final = 5 / 72  # between the plot and its numbers
_BELOW: Final = 0.5  # under bars and lines
_NUMBER: Final[dict[str, Any]] = {"size": 8.5, "shade": MUTED}


def width(text: str) -> float:
    """Give a text's width in columns of the drawing's own font."""
    return sum(advance(c) for c in text) / 0.6


def shorten(text: str, columns: float) -> str:
    """Cut a text to a width in this font."""
    return texts.shorten(text, columns, width)


def wrap(text: str, columns: float, lines: int = 2) -> list[str]:
    """Break a text into lines of a width in this font."""
    return texts.wrap(text, columns, lines, width)


class Sheet:
    """A figure measured in inches from its top left corner, with one axes."""

    def __init__(
        self, data: ChartData, wide: float, titled: bool, *, height: float, left: float, right: float
    ) -> None:
        names = [s.name for s in data.series if s.name] if len(data.series) > 1 else []
        if data.kind in ("matrix", "lines"):
            names = []
        title = wrap(data.title, int(wide / 0.1), 2) if titled and data.title else []
        notes = wrap(_note(data), int(wide / 0.064), 2) if _note(data) else []
        rows = _legend_rows(names, wide)
        top = 0.12 + 0.21 * len(title) + (0.24 * len(rows) + 0.06 if rows else 0.06)
        bottom = (0.34 if wide < WIDE else 0.5) + 0.14 * len(notes) + (0.06 if notes else 0)
        whole = top + height + bottom
        self.figure = Figure(figsize=(wide, whole))
        self.axes: Axes = self.figure.add_axes(
            (left / wide, bottom / whole, (wide - left - right) / wide, height / whole)
        )
        self.wide, self.whole, self.left, self.height, self.bottom = wide, whole, left, height, bottom
        self.plot_wide = wide - left - right
        # Grid and numbers are drawn as what they are: matplotlib's ticks make five artists each and cost a fifth more.
        self.axes.set_axis_off()
        y = 0.2
        for line in title:
            self.write(0.04, y, line, size=10.5, weight="bold")
            y += 0.21
        for row in rows:
            for x, name, position in row:
                shade = colour(name, position)
                box = Rectangle(
                    (self._x(x), self._y(y + 0.045)), 0.11 / wide, 0.11 / whole, color=shade, lw=0
                )
                self.figure.add_artist(box)
                self.write(x + 0.17, y + 0.05, shorten(name, 34), size=9)
            y += 0.24
        for i, line in enumerate(notes):
            self.write(0.04, whole - 0.07 - 0.14 * (len(notes) - 1 - i), line, size=7.5, shade=MUTED)

    def _x(self, inches: float) -> float:
        return inches / self.wide

    def _y(self, inches: float) -> float:
        return 1 - inches / self.whole

    def write(self, x: float, y: float, text: str, **how: Any) -> None:
        """Write one line of text, its base line at inches from the top left."""
        shade, size = how.pop("shade", INK), how.pop("size", 9.5)
        how.setdefault("va", "baseline")
        self.figure.text(self._x(x), self._y(y), text, color=shade, fontsize=size, **how)

    def label_rows(self, places: Sequence[float], labels: Sequence[str], columns: float) -> None:
        """Write category labels at the left edge, wrapped: left-aligned they stay true in any font."""
        low, high = self.axes.get_ylim()
        for place, label in zip(places, labels, strict=True):
            share = (place - low) / (high - low)
            middle = self.whole - self.bottom - share * self.height
            lines = wrap(label, columns, 2)
            first = middle + 0.045 - 0.075 * (len(lines) - 1)
            for i, line in enumerate(lines):
                self.write(0.04, first + 0.15 * i, line, size=9)

    def scale_x(self, low: float, high: float, data: ChartData, *, unit: str | None, label: str) -> None:
        """Set the horizontal scale with few, round ticks and a light grid."""
        self.axes.set_xlim(low, high)
        ticks = _ticks(
            low, high, max(2, int(self.plot_wide / (1.0 if unit == "money" else 0.75))), whole=unit == "count"
        )
        self.number_x(ticks, [_tick(t, unit, data.currency, ticks) for t in ticks])
        self.axes.vlines(
            ticks, 0, 1, transform=self.axes.get_xaxis_transform(), colors=GRID, lw=0.7, zorder=_BELOW
        )
        self.axes.set_xlim(low, high)
        self.label_x(label)

    def number_x(self, places: Sequence[float], told: Sequence[str]) -> None:
        """Write what stands at places of the horizontal scale, below it; the scale is set."""
        low, high = self.axes.get_xlim()
        for place, text in zip(places, told, strict=True):
            x = self.left + self.plot_wide * (place - low) / (high - low)
            self.write(x, self.whole - self.bottom + _PAD, text, ha="center", va="top", **_NUMBER)

    def scale_y(self, low: float, high: float, data: ChartData) -> None:
        """Set the vertical scale with few, round ticks and a light grid."""
        self.axes.set_ylim(low, high)
        ticks = _ticks(low, high, 5, whole=data.y_unit == "count")
        for place in ticks:
            y = self.whole - self.bottom - self.height * (place - low) / (high - low)
            told = _tick(place, data.y_unit, data.currency, ticks)
            self.write(self.left - _PAD, y, told, ha="right", va="center_baseline", **_NUMBER)
        across = self.axes.get_yaxis_transform()
        self.axes.hlines(ticks, 0, 1, transform=across, colors=GRID, lw=0.7, zorder=_BELOW)
        self.axes.set_ylim(low, high)

    def label_x(self, label: str, *, edge: bool = False) -> None:
        """Write what the horizontal scale shows, from the drawing's edge where asked; small charts do without."""
        if self.wide < WIDE:
            return
        y = self.whole - self.bottom + 0.39
        left, end = (0.04, self.wide - 0.04) if edge else (self.left, self.left + self.plot_wide)
        self.write(left, y, shorten(label, (end - left) / 0.072), size=8.5, shade=MUTED)


def _note(data: ChartData) -> str:
    parts = [data.note] if data.note else []
    sizes = {p.n for s in data.series for p in s.points if p.n is not None}
    if data.kind in ("interval", "lines") and sizes:
        parts.append(
            say("n {sizes:,}", sizes=min(sizes))
            + (say(" to {sizes:,}", sizes=max(sizes)) if len(sizes) > 1 else "")
        )
    if any(p.immature for s in data.series for p in s.points):
        parts.append(say("hatched or hollow: too young to compare"))
    if any(True in p.cut for s in data.series for p in s.points):
        parts.append(say("arrow: the interval goes on"))
    if data.left_out:
        parts.append(say("{left_out} more in the table", left_out=data.left_out))
    if any(None not in (p.low, p.high) and p.low != p.high for s in data.series for p in s.points):
        parts.append(
            say("bar: 95 % interval") if data.kind == "interval" else say("whiskers and bands: 95 % interval")
        )
    return " · ".join(parts)


def _legend_rows(names: Sequence[str], wide: float) -> list[list[tuple[float, str, int]]]:
    rows: list[list[tuple[float, str, int]]] = []
    x = wide
    for position, name in enumerate(names):
        need = 0.17 + CHAR * min(width(name), 34) + 0.22
        if x + need > wide:
            rows.append([])
            x = 0.04
        rows[-1].append((x, name, position))
        x += need
    return rows


def _ticks(low: float, high: float, most: int, *, whole: bool = False) -> list[float]:
    found = MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10], integer=whole).tick_values(low, high)
    slack = (high - low) * 1e-9
    return [float(t) + 0.0 for t in found if low - slack <= t <= high + slack]


# Short forms of large numbers on an axis.
_LARGE: Final = (
    (1e12, noted("{amount}tn")),
    (1e9, noted("{amount}bn")),
    (1e6, noted("{amount}m")),
    (1e3, noted("{amount}k")),
)


def _tick(value: float, unit: str | None, currency: str, ticks: Sequence[float]) -> str:
    """Write a round number as short as an axis wants it."""
    step = min((abs(b - a) for a, b in pairwise(ticks)), default=1.0)
    factor, large = 1.0, "{amount}"
    if unit == "share":
        factor, large = 100.0, "{amount} %"
    else:
        largest = max((abs(t) for t in ticks), default=0.0)
        for size, letter in _LARGE:
            if largest >= size * (10 if size == 1e3 else 1):
                factor, large = 1 / size, letter
                break
    scaled = step * factor
    decimals = 0 if scaled == 0 else max(0, min(6, -math.floor(math.log10(scaled) + 1e-9)))
    if decimals == 0 and abs(scaled - round(scaled)) > 1e-6:
        decimals = 1
    elif decimals and abs(scaled * 10**decimals - round(scaled * 10**decimals)) > 1e-6:
        decimals += 1
    amount = numerals(f"{abs(value) * factor:,.{decimals}f}") if value else "0"
    sign = "-" if value < 0 else ""
    large = large if value or unit == "share" else "{amount}"
    if unit != "money":
        return sign + say(large, amount=amount)
    head = units.unit("money").text(0, currency=currency or None).strip("0.,").strip()
    if currency_behind():
        return f"{sign}{say(large, amount=amount)} {head}".rstrip()
    head += " " if head[-1:].isalpha() else ""
    return sign + say(large, amount=head + amount)
