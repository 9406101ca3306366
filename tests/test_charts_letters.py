"""The font that comes along draws every letter it promises."""

from __future__ import annotations

import unicodedata
import warnings

from matplotlib.backends.backend_agg import FigureCanvasAgg

from alignment_toolkit import charts
from alignment_toolkit.charts import ChartData, Point, Series

LETTERS = "".join(
    c
    for first, last in (("\u0020", "\u017f"), ("\u0391", "\u03c9"), ("\u0400", "\u045f"))
    for c in map(chr, range(ord(first), ord(last) + 1))
    if unicodedata.category(c)[0] in "LNPS"
)


def missing_glyphs(label):
    """Draw a label without the drawings' own silence about letters that the font lacks."""
    data = ChartData("bars", label, (Series("", (Point(label, 1.0),)),), y_unit="count", x_unit=None)
    figure = charts.draw(data)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        FigureCanvasAgg(figure).draw()
    return [str(w.message) for w in seen if "missing from" in str(w.message)]


def test_the_font_that_comes_along_has_every_letter_of_latin_greek_and_cyrillic():
    assert len(LETTERS) > 450
    assert not charts.lacking(LETTERS)
    for start in range(0, len(LETTERS), 30):
        assert missing_glyphs(LETTERS[start : start + 30]) == []
    assert missing_glyphs("\u6f22\u5b57")
    assert charts.lacking("\u6f22\u5b57")
