"""Charts of findings and KPIs: what is shown (data functions) and how (drawing) are two.

A finding names its chart from a fixed set (bars, lines, funnel, waterfall, matrix, scatter) and its rows; nothing else
is needed to draw it. Titles say the finding, intervals and n are always shown, what is too young to compare is hatched.
"""

from alignment_toolkit.charts.data import (
    ChartData,
    Point,
    Series,
    alt_text,
    as_number,
    by_text,
    number,
    of_finding,
    of_months,
    of_slices,
    table,
)
from alignment_toolkit.charts.draw import draw
from alignment_toolkit.charts.gap import as_told, of_gap
from alignment_toolkit.charts.style import (
    PALETTE,
    advance,
    colour,
    font_folder,
    for_page,
    lacking,
    png,
    style,
    svg,
)
from alignment_toolkit.charts.text import clean, humanise, numeric_columns, shorten, width, wrap
from alignment_toolkit.charts.waterfall import clear_of_chance, of_drivers

__all__ = [
    "PALETTE",
    "ChartData",
    "Point",
    "Series",
    "advance",
    "alt_text",
    "as_number",
    "as_told",
    "by_text",
    "clean",
    "clear_of_chance",
    "colour",
    "draw",
    "font_folder",
    "for_page",
    "humanise",
    "lacking",
    "number",
    "numeric_columns",
    "of_drivers",
    "of_finding",
    "of_gap",
    "of_months",
    "of_slices",
    "png",
    "shorten",
    "style",
    "svg",
    "table",
    "width",
    "wrap",
]
