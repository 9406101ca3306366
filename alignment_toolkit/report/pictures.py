"""A figure's picture, drawn once for all formats that show it as one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from alignment_toolkit import charts
from alignment_toolkit.charts.data import ChartData
from alignment_toolkit.languages import spoken
from alignment_toolkit.report.blocks import Figure

__all__ = ["Picture", "picture"]


@dataclass(frozen=True)
class Picture:
    """The picture as SVG text, and its size in inches."""

    svg: str
    wide: float
    high: float


def picture(figure: Figure) -> Picture:
    """Draw a figure; the same data in the same language, the same bytes."""
    return _drawn(figure.chart, figure.small, spoken())


@lru_cache(maxsize=256)
def _drawn(chart: ChartData, small: bool, language: str) -> Picture:
    """Draw a chart; its numbers on the axes are written in the language spoken, so pictures are kept by it."""
    drawn = charts.draw(chart, titled=False, small=small)
    wide, high = drawn.get_size_inches()
    return Picture(charts.svg(drawn), float(wide), float(high))
