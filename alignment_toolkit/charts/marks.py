"""Points and their intervals: all of a series in as few artists as can be, which is half of what a chart costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from alignment_toolkit.charts.data import Point
from alignment_toolkit.charts.style import INK, PAPER

__all__ = ["marks", "whiskers"]


def whiskers(axes: Axes, points: Sequence[tuple[Point, float]], *, across: bool, shade: str = INK) -> None:
    """Draw the intervals of points at their places; an end that was cut off gets an arrow."""
    known = [(p.low, p.high, at, p.cut) for p, at in points if p.low is not None and p.high is not None]
    if not known:
        return
    lows, highs, places, _ = zip(*known, strict=True)
    (axes.hlines if across else axes.vlines)(places, lows, highs, colors=shade, lw=1.3, capstyle="butt")
    for number, mark in enumerate("<>" if across else "v^"):
        ends = [((low, high)[number], at) for low, high, at, cut in known if cut[number]]
        marks(axes, [(*(end if across else end[::-1]), False) for end in ends], mark, shade, ms=5)


def marks(axes: Axes, places: Sequence[tuple[float, float, bool]], mark: str, shade: str, **how: Any) -> None:
    """Mark places; hollow are those that are too young to compare."""
    for young in (False, True):
        some = [(x, y) for x, y, immature in places if immature is young]
        if some:
            xs, ys = zip(*some, strict=True)
            axes.plot(xs, ys, mark, color=PAPER if young else shade, mec=shade, **how)
