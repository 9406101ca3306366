"""A figure's picture, drawn once for all formats that show it as one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from alignment_toolkit import charts
from alignment_toolkit.charts.data import ChartData
from alignment_toolkit.languages import spoken
from alignment_toolkit.meanwhile import meanwhile, processes
from alignment_toolkit.report.blocks import Figure

__all__ = ["Picture", "draw", "picture"]

MOST: Final = 256
_FEW: Final = 8
"""So few are drawn sooner than a copy of the process is made."""
_Key = tuple[ChartData, bool, str]


@dataclass(frozen=True)
class Picture:
    """The picture as SVG text, and its size in inches."""

    svg: str
    wide: float
    high: float


_known: OrderedDict[_Key, Picture] = OrderedDict()


def picture(figure: Figure) -> Picture:
    """Draw a figure; the same data in the same language, the same bytes."""
    key = _key(figure)
    found = _known.get(key)
    return _kept(key, _drawn(*key)) if found is None else found


def draw(figures: Iterable[Figure]) -> None:
    """Draw all these figures now, each once: half of them beside, where a run may use two processes."""
    left = [key for key in dict.fromkeys(map(_key, figures)) if key not in _known][:MOST]
    here, beside = left[::2], left[1::2]
    with meanwhile(
        lambda: [_drawn(*key) for key in beside], apart=len(left) > _FEW and processes() > 1
    ) as later:
        for key in here:
            _kept(key, _drawn(*key))
        for key, drawn in zip(beside, later(), strict=True):
            _kept(key, drawn)


def _key(figure: Figure) -> _Key:
    # The numbers on the axes are written in the language spoken.
    return figure.chart, figure.small, spoken()


def _kept(key: _Key, drawn: Picture) -> Picture:
    _known[key] = drawn
    if len(_known) > MOST:
        _known.popitem(last=False)
    return drawn


def _drawn(chart: ChartData, small: bool, _: str) -> Picture:
    drawn = charts.draw(chart, titled=False, small=small)
    wide, high = drawn.get_size_inches()
    return Picture(charts.svg(drawn), float(wide), float(high))
