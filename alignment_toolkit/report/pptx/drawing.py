"""A chart of the slide's own: its numbers can be edited, its intervals are drawn, its workbook holds no formula."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final
from xml.sax.saxutils import escape, unescape

from lxml import etree
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.chart.xlsx import CategoryWorkbookWriter, XyWorkbookWriter
from pptx.dml.color import RGBColor
from pptx.enum.chart import (
    XL_CHART_TYPE,
    XL_LABEL_POSITION,
    XL_LEGEND_POSITION,
    XL_MARKER_STYLE,
    XL_TICK_LABEL_POSITION,
)
from pptx.enum.dml import MSO_PATTERN
from pptx.util import Inches, Pt

from alignment_toolkit.languages import say
from alignment_toolkit.report.native import Lines, Native
from alignment_toolkit.report.pptx.text import slide_text
from alignment_toolkit.report.xlsx import embedded

__all__ = ["add_chart"]

_CROWDED: Final = 4.0  # bars an inch
_C: Final = "http://schemas.openxmlformats.org/drawingml/2006/chart"
_A: Final = "http://schemas.openxmlformats.org/drawingml/2006/main"
_KINDS: Final = {
    "bar": XL_CHART_TYPE.BAR_CLUSTERED,
    "line": XL_CHART_TYPE.LINE_MARKERS,
    "curve": XL_CHART_TYPE.XY_SCATTER_LINES_NO_MARKERS,
    "scatter": XL_CHART_TYPE.XY_SCATTER,
}
_MUTED: Final = RGBColor(0x55, 0x61, 0x6D)
_GRID: Final = RGBColor(0xD9, 0xDE, 0xE3)


class _CategoryBook(CategoryWorkbookWriter):  # type: ignore[misc]
    """The library's own writer makes formulas of texts that begin like one; this keeps its places and not its cells."""

    @property
    def xlsx_blob(self) -> bytes:
        data = self._chart_data
        names = [c.label for c in data.categories]
        rows = [[name, *(s.values[i] for s in data)] for i, name in enumerate(names)]
        return embedded(["", *(s.name for s in data)], rows, unescape(data.number_format))


class _PlaceBook(XyWorkbookWriter):  # type: ignore[misc]
    @property
    def xlsx_blob(self) -> bytes:
        rows: list[list[str | float | None]] = []
        for s in self._chart_data:
            rows += [[None, s.name], *([p.x, p.y] for p in s), [None, None]]
        head = [str(v) if v else "" for v in rows[0]]
        return embedded(head, rows[1:], unescape(self._chart_data.number_format))


class _Categories(CategoryChartData):  # type: ignore[misc]
    @property
    def _workbook_writer(self) -> Any:
        return _CategoryBook(self)


class _Places(XyChartData):  # type: ignore[misc]
    @property
    def _workbook_writer(self) -> Any:
        return _PlaceBook(self)


def add_chart(slide: Any, drawn: Native, left: float, top: float, wide: float, high: float) -> Any:
    """Put a chart on a slide, at a place in inches."""
    if not drawn.categories:
        # LibreOffice draws none of the points of a series before one that has more of them.
        drawn = replace(drawn, series=tuple(sorted(drawn.series, key=lambda s: -len(s.values))))
    data = _data(drawn)
    frame = slide.shapes.add_chart(
        _KINDS[drawn.shape], Inches(left), Inches(top), Inches(wide), Inches(high), data
    )
    about = frame._element.nvGraphicFramePr.cNvPr
    about.set("descr", slide_text(drawn.alt))
    about.set("name", say("Chart {shape_id}", shape_id=frame.shape_id))
    chart = frame.chart
    chart.has_title = False
    # Every bar keeps its name, so many bars get smaller names.
    crowded = len(drawn.categories) / high > _CROWDED
    chart.font.size, chart.font.color.rgb = Pt(8 if crowded else 10), _MUTED
    chart.has_legend = len(drawn.series) > 1
    if chart.has_legend:
        chart.legend.position, chart.legend.include_in_layout = XL_LEGEND_POSITION.BOTTOM, False
    _axes(chart, drawn)
    plot = chart.plots[0]
    if drawn.shape == "bar":
        plot.gap_width, plot.overlap = 60, 0
    for series, told in zip(plot.series, drawn.series, strict=True):
        _look(series, told, drawn)
    if len(drawn.series) == 1 and drawn.shape == "bar" and drawn.series[0].sure:
        plot.has_data_labels = True
        labels = plot.data_labels
        labels.number_format, labels.number_format_is_linked = drawn.number_format, False
        labels.font.size, labels.position = Pt(8 if crowded else 10), XL_LABEL_POSITION.OUTSIDE_END
    return frame


def _data(drawn: Native) -> Any:
    # The library pastes a number format into its XML as it is.
    shown = escape(drawn.number_format)
    if drawn.categories:
        data = _Categories(number_format=shown)
        data.categories = [slide_text(name) for name in drawn.categories]
        for s in drawn.series:
            data.add_series(slide_text(s.name), s.values)
        return data
    data = _Places(number_format=shown)
    for s in drawn.series:
        series = data.add_series(slide_text(s.name))
        for x, y in zip(s.places, s.values, strict=True):
            series.add_data_point(x, y)
    return data


def _axes(chart: Any, drawn: Native) -> None:
    values, places = chart.value_axis, chart.category_axis
    values.tick_labels.number_format, values.tick_labels.number_format_is_linked = drawn.axis_format, False
    if drawn.least is not None and drawn.most is not None:
        values.minimum_scale, values.maximum_scale = drawn.least, drawn.most
    values.major_gridlines.format.line.color.rgb = _GRID
    values.format.line.fill.background()
    places.format.line.color.rgb = _GRID
    places.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    if drawn.categories:
        places.has_major_gridlines = False
        if drawn.shape == "bar":
            # The first category stands on top.
            places.reverse_order = True
            _every_label(places)
            values.tick_label_position = XL_TICK_LABEL_POSITION.HIGH
    else:
        places.has_major_gridlines = False
        places.tick_labels.number_format, places.tick_labels.number_format_is_linked = (
            drawn.place_format,
            False,
        )


def _every_label(axis: Any) -> None:
    """Ask for the name of every bar, where a program would leave out every second one."""
    skip = etree.Element(f"{{{_C}}}tickLblSkip", val="1")
    after = axis._element.find(f"{{{_C}}}noMultiLvlLbl")
    if after is None:
        axis._element.append(skip)
    else:
        after.addprevious(skip)


def _look(series: Any, told: Lines, drawn: Native) -> None:
    colour = RGBColor.from_string(told.colour.lstrip("#").upper())
    if drawn.shape == "bar":
        series.format.fill.solid()
        series.format.fill.fore_color.rgb = colour
        series.invert_if_negative = False
        for i, shade in enumerate(told.shades):
            if shade != told.colour:
                fill = series.points[i].format.fill
                fill.solid()
                fill.fore_color.rgb = RGBColor.from_string(shade.lstrip("#").upper())
        for i, young in enumerate(told.young):
            if young:
                fill = series.points[i].format.fill
                fill.patterned()
                fill.pattern = MSO_PATTERN.WIDE_UPWARD_DIAGONAL
                fill.fore_color.rgb, fill.back_color.rgb = colour, RGBColor(255, 255, 255)
    else:
        series.format.line.color.rgb = colour
        series.format.line.width = Pt(1.75)
        line = drawn.shape == "curve" or told.joined
        if drawn.shape == "scatter" and not line:
            series.format.line.fill.background()
        if line:
            series.marker.style = XL_MARKER_STYLE.NONE
        else:
            series.marker.style, series.marker.size = XL_MARKER_STYLE.CIRCLE, 7
            series.marker.format.fill.solid()
            series.marker.format.fill.fore_color.rgb = colour
            series.marker.format.line.color.rgb = colour
        series.smooth = False
        for i, young in enumerate(told.young):
            if young and drawn.shape == "line":
                fill = series.points[i].marker.format.fill
                fill.solid()
                fill.fore_color.rgb = RGBColor(255, 255, 255)
    if not told.sure:
        _whiskers(series._element, told, scaled=not drawn.categories)


def _whiskers(element: Any, told: Lines, *, scaled: bool) -> None:
    """Add the intervals as error bars, which the library has no words for."""
    bars = etree.Element(f"{{{_C}}}errBars")
    if scaled:
        etree.SubElement(bars, f"{{{_C}}}errDir", val="y")
    etree.SubElement(bars, f"{{{_C}}}errBarType", val="both")
    etree.SubElement(bars, f"{{{_C}}}errValType", val="cust")
    etree.SubElement(bars, f"{{{_C}}}noEndCap", val="0")
    for name, arms in (("plus", told.above), ("minus", told.below)):
        literal = etree.SubElement(etree.SubElement(bars, f"{{{_C}}}{name}"), f"{{{_C}}}numLit")
        etree.SubElement(literal, f"{{{_C}}}formatCode").text = "General"
        etree.SubElement(literal, f"{{{_C}}}ptCount", val=str(len(arms)))
        for i, arm in enumerate(arms):
            point = etree.SubElement(literal, f"{{{_C}}}pt", idx=str(i))
            etree.SubElement(point, f"{{{_C}}}v").text = repr(float(arm))
    line = etree.SubElement(etree.SubElement(bars, f"{{{_C}}}spPr"), f"{{{_A}}}ln", w="12700")
    etree.SubElement(etree.SubElement(line, f"{{{_A}}}solidFill"), f"{{{_A}}}srgbClr", val="1F2933")
    after = next(
        child for name in ("cat", "xVal", "val", "yVal") for child in element.iterfind(f"{{{_C}}}{name}")
    )
    after.addprevious(bars)
