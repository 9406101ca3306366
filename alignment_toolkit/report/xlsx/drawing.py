"""A chart of the spreadsheet's own, which points at the numbers beside it."""

from __future__ import annotations

from typing import Any, Final

from alignment_toolkit.report.native import Lines, Native
from alignment_toolkit.report.plain import plain

__all__ = ["add_chart"]

_KINDS: Final = {
    "bar": {"type": "bar"},
    "line": {"type": "line"},
    "curve": {"type": "scatter", "subtype": "straight"},
    "scatter": {"type": "scatter"},
}
_INK, _MUTED, _GRID = "#1f2933", "#5b6875", "#d9dee3"


def add_chart(book: Any, sheet: Any, name: str, drawn: Native, top: int, rows: int, columns: int) -> None:
    """Add a chart to the right of its numbers, whose header is in row `top` and which has `rows` rows."""
    chart = book.add_chart(dict(_KINDS[drawn.shape]))
    if drawn.categories:
        _categories(chart, name, drawn, top, rows)
    else:
        _places(chart, name, drawn, top)
    font = {"size": 9, "color": _MUTED}
    value: dict[str, Any] = {
        "num_format": drawn.axis_format,
        "num_font": font,
        "major_gridlines": {"visible": True, "line": {"color": _GRID, "width": 0.5}},
        "line": {"none": True},
    }
    if drawn.least is not None and drawn.most is not None:
        value |= {"min": drawn.least, "max": drawn.most}
    place: dict[str, Any] = {"num_font": font, "line": {"color": _GRID}, "label_position": "low"}
    if drawn.shape == "bar":
        # The library calls what lies across the x axis of a bar chart, which is the one of the numbers.
        chart.set_y_axis(place | {"reverse": True})
        chart.set_x_axis(value | {"label_position": "high"})
    else:
        numbers = {"num_format": drawn.place_format} if not drawn.categories else {}
        chart.set_x_axis(place | numbers)
        chart.set_y_axis(value)
    chart.set_title({"none": True})
    if len(drawn.series) > 1:
        chart.set_legend({"position": "bottom", "font": font})
    else:
        chart.set_legend({"none": True})
    high = 300 + 14 * max(0, len(drawn.categories) * len(drawn.series) - 10)
    chart.set_size({"width": 560, "height": min(high, 400)})
    sheet.insert_chart(
        top, max(columns, 3) + 1, chart,
        {"object_position": 2, "description": plain(drawn.alt)[:2000], "x_offset": 4, "y_offset": 2},
    )  # fmt: skip


def _look(drawn: Native, told: Lines) -> dict[str, Any]:
    colour, young = told.colour, told.young
    if drawn.shape == "bar":
        hatched = {"pattern": {"pattern": "wide_upward_diagonal", "fg_color": colour, "bg_color": "#ffffff"}}
        look: dict[str, Any] = {"fill": {"color": colour}, "gap": 60}
        if any(young):
            look["points"] = [hatched if y else None for y in young]
        elif told.shades:
            look["points"] = [{"fill": {"color": shade}} for shade in told.shades]
        return look
    marker = {"type": "circle", "size": 6, "fill": {"color": colour}, "border": {"color": colour}}
    look = {"marker": marker, "line": {"color": colour, "width": 1.75}}
    if drawn.shape == "scatter" and not told.joined:
        look["line"] = {"none": True}
    if drawn.shape == "curve" or told.joined:
        look["marker"] = {"type": "none"}
    return look


def _categories(chart: Any, name: str, drawn: Native, top: int, rows: int) -> None:
    column = 1
    for s in drawn.series:
        series = {
            # By the place of the header, never by its text: a text that begins like a formula would be read as one.
            "name": [name, top, column],
            "categories": [name, top + 1, 0, top + rows, 0],
            "values": [name, top + 1, column, top + rows, column],
        } | _look(drawn, s)
        if not s.sure:
            series["y_error_bars" if drawn.shape != "bar" else "x_error_bars"] = _whiskers(s.below, s.above)
        elif len(drawn.series) == 1 and drawn.shape == "bar":
            series["data_labels"] = {"value": True, "font": {"size": 9}, "num_format": drawn.number_format}
        chart.add_series(series)
        column += 1 if s.sure else 3


def _places(chart: Any, name: str, drawn: Native, top: int) -> None:
    first = top + 1
    for s in drawn.series:
        last = first + len(s.values) - 1
        series = {
            "name": [name, first, 0],
            "categories": [name, first, 1, last, 1],
            "values": [name, first, 2, last, 2],
        } | _look(drawn, s)
        if not s.sure:
            series["y_error_bars"] = _whiskers(s.below, s.above)
        chart.add_series(series)
        first = last + 1


def _whiskers(below: tuple[float, ...], above: tuple[float, ...]) -> dict[str, Any]:
    return {
        "type": "custom",
        "plus_values": list(above),
        "minus_values": list(below),
        "line": {"color": _INK, "width": 1},
    }
