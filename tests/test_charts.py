"""Charts: the data read from a finding, and drawings that no label and no number can break."""

from __future__ import annotations

import dataclasses
import math
import re
import xml.etree.ElementTree as ET

import matplotlib as mpl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.text import Text

from alignment_toolkit import charts
from alignment_toolkit.charts import ChartData, Point, Series
from alignment_toolkit.charts.style import DARK
from alignment_toolkit.results import Chart, Column, Estimate, Evidence
from alignment_toolkit.units import unit
from tests.report import builders

KINDS = ("bars", "lines", "funnel", "waterfall", "matrix", "scatter")
HOSTILE = (
    "$x^2$",
    "$",
    "$$",
    "$\\frac{1}{",
    "\\",
    "\\alpha",
    "a_b^c",
    "{",
    "}",
    "%",
    "&",
    "#",
    "~",
    "_leading",
    "<b>",
    "]]>",
    "&amp;",
    "Zażółć gęślą jaźń",
    "Ελληνικά",
    "Кириллица",
    "北京市朝阳区",
    "東京",
    "서울",
    "العربية",
    "עברית",
    "ไทย",
    "हिन्दी",
    "👩‍👩‍👧‍👦 family",
    "🇩🇪",
    "e\u0301\u0301\u0301",
    "a\u200bb",
    "x" * 500,
    "word " * 100,
    "",
    " ",
    "\x00",
    "\ud800",
    "\ufffe",
    "\u202eevil",
    "line\nbreak",
    "tab\tbed",
    "None",
    "nan",
    "True",
    "0",
    "=1+1",
    "C:\\Users",
    "'quoted'",
    '"double"',
    "`tick`",
    "−1",
    "½",
    "Ω≈ç√",
)


def of(chart, evidence=None, **changed):
    """Give the chart data of the usual finding with another chart."""
    found = dataclasses.replace(builders.dropped(), chart=chart, evidence=evidence or Evidence(), **changed)
    return charts.of_finding(found, currency="EUR")


def rows(*pairs, **more):
    return tuple({"x": x, "y": y, **more} for x, y in pairs)


# Data.


def test_own_rows_go_before_the_evidence():
    found = of(Chart("bars", "x", "y", rows=rows(("a", 1), ("b", 2))))
    assert [(p.x, p.y) for p in found.series[0].points] == [("a", 1.0), ("b", 2.0)]


def test_without_own_rows_the_evidence_is_drawn_with_its_labels_and_units():
    columns = (Column("p", "Product", None, "dimension"), Column("v", "Value lost", "money", "measure"))
    found = of(Chart("bars", "p", "v"), Evidence(columns, (("A", 1200.0), (None, 30.0))))
    assert (found.x_label, found.y_label, found.y_unit) == ("Product", "Value lost", "money")
    assert [p.x for p in found.series[0].points] == ["A", "(missing)"]
    assert found.number(found.series[0].points[0].y) == unit("money").text(1200, currency="EUR") == "€1,200"


@pytest.mark.parametrize(
    ("chart", "why"),
    [
        (Chart("bars", "x", "nowhere", rows=rows(("a", 1))), "no such column"),
        (Chart("bars", "nowhere", "y", rows=rows(("a", 1))), "no such column"),
        (Chart("bars", "x", "y", rows=()), "no rows"),
        (Chart("bars", "x", "y", rows=rows(("a", None), ("b", "text"), ("c", True))), "no numbers"),
        (Chart("scatter", "x", "y", rows=rows(("a", 1))), "no scale"),
        (Chart("lines", "x", "y"), "no evidence"),
        (None, "no chart"),
    ],
)
def test_what_cannot_be_drawn_is_none(chart, why):
    assert of(chart) is None, why


def test_groups_become_series_in_order():
    found = of(
        Chart(
            "bars",
            "x",
            "y",
            group="g",
            rows=({"x": "a", "y": 1, "g": "sales"}, {"x": "a", "y": 2, "g": "marketing"}),
        )
    )
    assert [s.name for s in found.series] == ["sales", "marketing"]


def test_lines_over_numbers_are_sorted_and_words_are_not():
    assert [p.x for p in of(Chart("lines", "x", "y", rows=rows((3, 1), (1, 2)))).series[0].points] == [
        1.0,
        3.0,
    ]
    assert [p.x for p in of(Chart("lines", "x", "y", rows=rows(("b", 1), ("a", 2)))).series[0].points] == [
        "b",
        "a",
    ]


@pytest.mark.parametrize("names", [("x", "g", "n"), ("x", "n", "g")])
def test_a_matrix_may_name_its_number_or_its_second_side(names):
    cells = ({"x": "yes", "g": "no", "n": 4}, {"x": "no", "g": "no", "n": 6})
    x, y, group = names
    found = of(Chart("matrix", x, y, group=group if y == "n" else None, rows=cells))
    assert found.series[0].name == "no"
    assert [(p.x, p.y) for p in found.series[0].points] == [("yes", 4.0), ("no", 6.0)]


def test_a_share_without_a_declared_unit_is_taken_from_the_gap():
    assert of(Chart("bars", "x", "y", rows=rows(("a", 0.5)))).y_unit == "share"
    assert of(Chart("bars", "x", "y", rows=rows(("a", 12)))).y_unit is None
    money = Estimate(5.0, 4.0, 6.0, 10, "deals", "money", "t")
    assert of(Chart("bars", "x", "y", rows=rows(("a", 0.5))), gap=money).y_unit is None


@pytest.mark.parametrize(
    ("reference", "said"), [(0.1, "tolerated up to"), (0.9, "tolerated from"), (0.5, "reference")]
)
def test_a_reference_at_the_margin_says_so(reference, said):
    assert of(Chart("bars", "x", "y", rows=rows(("a", 0.5)), reference=reference)).reference_label == said


def test_the_title_says_the_finding_where_the_chart_has_none():
    assert of(Chart("bars", "x", "y", rows=rows(("a", 1)))).title == "Leads are dropped at the hand-over"


def test_twenty_categories_of_money_become_eleven_and_other():
    columns = (Column("x", "X", None, "dimension"), Column("y", "Y", "money", "measure"))
    found = of(Chart("bars", "x", "y"), Evidence(columns, tuple((f"c{i}", float(i)) for i in range(20))))
    assert len(found.series[0].points) == 12
    assert found.series[0].points[-1] == Point("other (9)", float(sum(range(11, 20))))
    assert sum(p.y for p in found.series[0].points) == sum(range(20))
    assert len(charts.table(found)[1]) == 20


def test_shares_are_never_summed_into_other():
    found = of(Chart("bars", "x", "y", rows=rows(*((f"c{i}", 0.5) for i in range(20)))))
    assert len(found.series[0].points) == 11
    assert found.left_out == 9
    assert "9 more in the table" in charts.alt_text(found)


def test_at_most_twelve_series():
    many = tuple({"x": i, "y": i, "g": f"s{g}"} for g in range(30) for i in range(2))
    found = of(Chart("lines", "x", "y", group="g", rows=many))
    assert len(found.series) == 12
    assert found.left_out == 36


def test_the_gap_against_its_margin():
    found = charts.of_gap(builders.dropped())
    assert found.title == "The gap: 34.2 %, tolerated up to 10.0 %"
    assert found.zone == (-math.inf, 0.10)
    both = dataclasses.replace(builders.dropped(), direction="both")
    assert charts.of_gap(both).zone == (-0.10, 0.10)
    assert charts.of_gap(dataclasses.replace(builders.dropped(), gap=None)) is None


def test_months_say_their_span_without_those_too_young():
    months = [r for r in builders.kpis() if r.kpi == "lead-to-client" and r.grain]
    found = charts.of_months(list(reversed(months)))
    assert [p.x for p in found.series[0].points] == builders.MONTHS
    assert found.title.endswith("between 11.5 % (2026-06) and 15.0 % (2026-01)")
    assert [p.immature for p in found.series[0].points][-4:] == [False, True, True, True]
    assert charts.of_months(months[:1]) is None


def test_slices_say_whether_their_intervals_overlap():
    one = builders.kpi("k", "K", 0.1, "share", by={"c": "a"}, low=0.05, high=0.15)
    two = builders.kpi("k", "K", 0.3, "share", by={"c": "b"}, low=0.25, high=0.35)
    assert charts.of_slices([one, two], None).title == "K by c: from 10.0 % to 30.0 %"
    wide = dataclasses.replace(two, low=0.12)
    assert charts.of_slices([one, wide], None).title.endswith("; their intervals overlap")


def test_the_words_for_a_picture_are_its_numbers():
    found = of(
        Chart("bars", "x", "y", "low", "high", rows=rows(("a", 0.25), low=0.2, high=0.3), reference=0.1)
    )
    assert charts.alt_text(found) == (
        "Bar chart. Leads are dropped at the hand-over. a 25.0 % (20.0 % to 30.0 %). "
        "The line 'tolerated up to' stands at 10.0 %."
    )


def test_the_table_sets_groups_side_by_side():
    both = tuple(
        {"x": x, "y": y, "g": g}
        for x, y, g in (("a", 0.1, "sales"), ("b", 0.2, "sales"), ("a", 0.3, "marketing"))
    )
    heads, written = charts.table(of(Chart("bars", "x", "y", group="g", rows=both)))
    assert heads == ("X", "sales", "marketing")
    assert written == (("a", "10.0 %", "30.0 %"), ("b", "20.0 %", ""))


# Drawings.


def texts(figure):
    return [t.get_text() for t in figure.findobj(Text) if t.get_text()]


def example(kind, labels=("first", "second", "third"), y=(0.2, 0.5, 0.3), **changed):
    points = tuple(
        Point(float(i) if kind == "scatter" else charts.clean(t) or "(missing)", v, v - 0.1, v + 0.1, 40 + i)
        for i, (t, v) in enumerate(zip(labels, y, strict=False))
    )
    known = {"title": "A title", "x_label": "Place", "y_label": "Height", "y_unit": "share"}
    series = (Series("sales", points), Series("marketing", points[:2]))
    if kind in ("funnel", "waterfall", "interval", "dots"):
        series = (Series("", points),)
    return ChartData(kind=kind, series=series, **(known | changed))


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("kind", [*KINDS, "interval", "dots"])
def test_every_kind_is_drawn_with_numbers_and_title(kind, small):
    figure = charts.draw(example(kind), small=small)
    said = texts(figure)
    assert "A title" in said
    if kind != "scatter":
        ends = 0.3 if kind == "lines" else 0.2
        assert any(unit("share").text(ends) in t for t in said)
    assert ET.fromstring(charts.svg(figure)).tag.endswith("svg")
    assert charts.png(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", [*KINDS, "interval", "dots"])
def test_same_data_same_bytes(kind):
    first, second = (charts.draw(example(kind)) for _ in range(2))
    assert charts.svg(first) == charts.svg(second)
    assert charts.png(first) == charts.png(second)
    assert charts.svg(first) == charts.svg(first)


@pytest.mark.parametrize("kind", [*KINDS, "interval", "dots"])
def test_nothing_is_drawn_outside_the_picture(kind):
    data = example(
        kind, labels=("a label of some length that needs a second line", "b", "W" * 60), title="T " * 80
    )
    for small in (False, True):
        figure = charts.draw(data, small=small)
        charts.png(figure, dpi=100)
        whole = figure.bbox
        for text in figure.findobj(Text):
            if text.get_text().strip() and text.get_visible():
                box = text.get_window_extent()
                assert box.x0 >= -1, text
                assert box.x1 <= whole.x1 + 1, text
                assert box.y0 >= -1, text
                assert box.y1 <= whole.y1 + 1, text


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_labels_are_drawn_and_found_as_text(kind):
    for start in range(0, len(HOSTILE), 3):
        labels = HOSTILE[start : start + 3]
        cells = tuple(
            {"x": i if kind == "scatter" else t, "y": 1.0 + i, "g": t} for i, t in enumerate(labels)
        )
        found = of(Chart(kind, "x", "y", group="g", rows=cells, title=labels[0]))
        drawn = charts.svg(charts.draw(found))
        said = " ".join(
            "".join(t.itertext()) for t in ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")
        )
        for label in labels:
            wanted = charts.clean(label).split()
            if wanted and len(label) < 20 and kind != "scatter":
                assert wanted[0] in said, (kind, label)
        charts.png(charts.draw(found, small=True))


def hostile_labels(count):
    """Give so many different texts made of hostile pieces, long ones among them."""
    ends = ("", " end", "$x_1$", " 漢字", "\\n", "😀", "{0}", " שלום", "^2_3", "é", "%s")
    made = dict.fromkeys(charts.clean(a + b) for b in ends for a in (*HOSTILE, "x" * 500, "word " * 100))
    return [t for t in made if t][:count]


def labels_in_pictures(labels, write=charts.svg):
    """Draw the labels, twelve to a picture, and give those whose beginning is not in it as text."""
    lost = []
    for start in range(0, len(labels), 12):
        some = labels[start : start + 12]
        rows = tuple({"x": t, "y": 1.0 + i} for i, t in enumerate(some))
        found = of(Chart("bars", "x", "y", rows=rows, title="t"))
        texts_ = ET.fromstring(write(charts.draw(found))).iter("{http://www.w3.org/2000/svg}text")
        said = "".join("".join(t.itertext()) for t in texts_).replace(" ", "")
        lost += [t for t in some if t.replace(" ", "")[:8] not in said]
    return lost


def test_hostile_labels_are_found_as_text_in_the_picture():
    assert labels_in_pictures(hostile_labels(500)[::25]) == []


@pytest.mark.slow
def test_500_hostile_labels_are_found_as_text_in_the_picture():
    labels = hostile_labels(500)
    assert len(labels) == 500
    assert labels_in_pictures(labels) == []


def test_a_label_that_is_lost_would_be_noticed():
    swallowed = labels_in_pictures(["$x$", "plain"], write=lambda f: charts.svg(f).replace("$x$", "x"))
    assert swallowed == ["$x$"]


@given(
    kind=st.sampled_from([*KINDS, "dots", "interval"]),
    labels=st.lists(st.text(max_size=60), min_size=1, max_size=14, unique_by=charts.clean),
    data=st.data(),
    currency=st.sampled_from(["EUR", "", "CHF", "$", "R$\\"]),
    unit_=st.sampled_from(["share", "money", "count", "points", None, "no such unit"]),
)
@settings(max_examples=30)
def test_no_label_and_no_number_breaks_a_drawing(kind, labels, data, currency, unit_):
    number = st.floats(-1e12, 1e12, allow_nan=False) | st.sampled_from([0.0, -0.0, 1e-12, 1e15, -1e15])
    cells = tuple(
        {
            "x": data.draw(number) if kind == "scatter" else t,
            "y": data.draw(number),
            "g": data.draw(st.sampled_from(labels)),
            "low": data.draw(number | st.none()),
            "high": data.draw(number | st.none()),
            "immature": data.draw(st.booleans()),
        }
        for t in labels
    )
    columns = (Column("y", labels[0], unit_, "measure"),)
    base = "bars" if kind in ("dots", "interval") else kind
    found = dataclasses.replace(
        builders.dropped(),
        chart=Chart(base, "x", "y", "low", "high", "g", cells, data.draw(number | st.none()), labels[0]),  # type: ignore[arg-type]
        evidence=Evidence(columns, ()),
    )
    read = charts.of_finding(found, currency=currency, note=labels[0])
    assert read is not None
    if kind in ("dots", "interval"):
        read = dataclasses.replace(read, kind=kind, zone=(-math.inf, 0.1))
    for small in (False, True):
        drawn = charts.svg(charts.draw(read, small=small))
        ET.fromstring(drawn)
    assert charts.alt_text(read)
    heads, written = charts.table(read)
    assert all(len(row) == len(heads) for row in written)


def test_no_text_is_ever_read_as_maths():
    with mpl.rc_context({"text.parse_math": True}):
        figure = charts.draw(example("bars", labels=("$\\frac{1}{$", "$a$", "b")))
        # matplotlib makes the ticks of an axis that is not drawn when it is asked for all texts; they are empty.
        told = [t for t in figure.findobj(Text) if t.get_text()]
        assert {"$\\frac{1}{$", "$a$", "b"} <= {t.get_text() for t in told}
        assert not any(t.get_parse_math() for t in told)
        figure.canvas.draw()


def test_the_interval_and_n_are_always_visible():
    said = " ".join(texts(charts.draw(example("dots"))))
    assert "(n 40)" in said
    assert "95 % interval" in said
    flat = dataclasses.replace(example("dots"), series=(Series("", (Point("a", 1.0), Point("b", 2.0))),))
    assert "95 % interval" not in " ".join(texts(charts.draw(flat)))


def test_an_endless_interval_does_not_squeeze_the_values():
    far = Point("b", 2.0, 0.1, 9e8)
    data = ChartData(
        kind="dots", title="T", series=(Series("", (Point("a", 1.0, 0.5, 1.5), far)),), y_unit="count"
    )
    figure = charts.draw(data)
    assert figure.axes[0].get_xlim()[1] < 20
    assert "arrow: the interval goes on" in " ".join(texts(figure))
    assert "900,000,000" in charts.alt_text(data)
    near = dataclasses.replace(
        data, series=(Series("", (Point("a", 1.0, 0.5, 1.5), Point("b", 2.0, 1.0, 4.0))),)
    )
    assert "arrow" not in " ".join(texts(charts.draw(near)))


def test_what_is_too_young_is_marked():
    points = (Point("a", 1.0), Point("b", 2.0, immature=True))
    data = ChartData(kind="bars", title="T", series=(Series("", points),))
    figure = charts.draw(data)
    assert [p.get_hatch() for p in figure.axes[0].patches] == [None, "////"]
    assert "too young to compare" in " ".join(texts(figure))


def test_the_small_print_is_in_the_picture():
    assert any(
        "Made-up sample company" in t
        for t in texts(charts.draw(example("lines", note="Made-up sample company")))
    )


def test_a_dark_page_changes_styles_and_no_text():
    light = charts.svg(charts.draw(example("bars", labels=("#1f2933", "b", "c"))))
    both = charts.for_page(light)
    assert "#1f2933</text>" in both
    dark = both[both.index("prefers-color-scheme:dark") : both.index("</style>")]
    assert set(re.findall(r"(?:fill|stroke):(#[0-9a-f]{6})!important", dark)) <= set(DARK.values())
    used = set(re.findall(r'(?:fill|stroke):(#[0-9a-f]{6})[;"]', both)) & set(DARK)
    assert used
    assert all(f"{DARK[colour]}!important" in dark for colour in used)
    assert len(both) < 0.7 * len(light)


def test_a_department_has_one_colour():
    from alignment_toolkit.charts.style import colour

    assert colour("Sales", 5) == colour("sales", 0) != colour("marketing", 0)


# Text.


@pytest.mark.parametrize("text", HOSTILE)
def test_cleaned_text_is_fit_for_xml_and_stays_the_same_when_cleaned_again(text):
    cleaned = charts.clean(text)
    cleaned.encode("utf-8")
    assert charts.clean(cleaned) == cleaned
    assert ET.fromstring(ET.tostring(_element(cleaned))).text in (cleaned, None)


def _element(text):
    element = ET.Element("t")
    element.text = text
    return element


@given(st.text(max_size=300), st.integers(2, 60), st.integers(1, 4))
def test_wrapped_text_fits_and_loses_nothing_unmarked(text, columns, lines):
    cleaned = charts.clean(text)
    wrapped = charts.wrap(cleaned, columns, lines)
    assert len(wrapped) <= lines
    assert all(charts.width(line) <= columns for line in wrapped)
    if "…" not in "".join(wrapped):
        assert " ".join(wrapped) == cleaned


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [("东京都", 4, "东…"), ("abc", 3, "abc"), ("abcd", 3, "ab…"), ("", 3, "")],
)
def test_shortened_text_counts_wide_characters_twice(text, columns, expected):
    assert charts.shorten(text, columns) == expected
