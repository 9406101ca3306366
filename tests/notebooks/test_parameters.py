"""The parameters cell: read by its syntax, values by the declared type."""

from __future__ import annotations

import ast
import datetime as dt

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment_toolkit.errors import ParameterError, PeriodError, UnknownName
from alignment_toolkit.notebooks import check_parameters, json_schema, parameters_of, parse_parameters

CELL = """
code: str = "x"  # an id
count: int = 3
share: float = 0.5  # of all
quick: bool = False
day: "date" = "2026-01-31"
period: "Period" = "2026-Q3"
by: list[str] = []  # columns
side: Literal["left", "right"] = "left"  # which
until: "date | None" = None
plain = 7
"""
DECLARED = parse_parameters(CELL, "n")


def check(**given):
    return check_parameters(DECLARED, given, notebook="n")


def test_every_line_is_a_parameter_with_type_default_and_help():
    told = {p.name: (str(p.kind), p.default, p.help) for p in DECLARED}
    assert told["code"] == ("str", "x", "an id")
    assert told["by"] == ("list[str]", [], "columns")
    assert told["side"] == ("Literal['left', 'right']", "left", "which")
    assert told["until"] == ("date | None", None, "")
    assert told["plain"] == ("int", 7, "")


def test_nothing_in_the_cell_is_executed(tmp_path):
    canary = tmp_path / "canary"
    for line in (
        f"x: str = open({str(canary)!r}, 'w').name",
        f"x: open({str(canary)!r}, 'w') = 'a'",
        f"open({str(canary)!r}, 'w')",
        f"for x in [open({str(canary)!r}, 'w')]: pass",
    ):
        with pytest.raises(ParameterError):
            parse_parameters(line)
    assert not canary.exists()


@pytest.mark.parametrize(
    "line",
    ["a, b = 1, 2", "x.y = 1", "x: dict = {}", "x: str = 5", "x: int = 'five'", "x = None", "x: int = 1\nx: int = 2",
     "x: Literal['a'] = 'b'", "x: 'list[int]' = []", "x = ", "x: int = 1 +\n"],
)  # fmt: skip
def test_a_line_that_declares_no_parameter_is_refused(line):
    with pytest.raises(ParameterError):
        parse_parameters(line, "n")


def test_a_cell_with_the_tag_is_needed_and_only_one():
    tagged = nbformat.v4.new_code_cell("x: int = 1", metadata={"tags": ["parameters"]})
    for cells in ([], [tagged, nbformat.v4.new_code_cell("y: int = 1", metadata={"tags": ["parameters"]})]):
        with pytest.raises(ParameterError, match="exactly one"):
            parameters_of(nbformat.v4.new_notebook(cells=cells), "n")
    assert [p.name for p in parameters_of(nbformat.v4.new_notebook(cells=[tagged]), "n")] == ["x"]


def test_text_is_read_by_the_declared_type():
    assert check(code="00123")["code"] == "00123"
    assert check(code="true")["code"] == "true"
    assert check(count="-12")["count"] == -12
    assert check(share="1e-3")["share"] == 0.001
    assert check(quick="Yes")["quick"] is True
    assert check(day=dt.date(2026, 2, 28))["day"] == "2026-02-28"
    assert check(by="region, channel")["by"] == ["region", "channel"]
    assert check(period="last-month")["period"] == "last-month"
    assert check(until="2026-02-28")["until"] == "2026-02-28"
    assert check(until="")["until"] is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("count", "3.0"), ("count", "1_000"), ("count", True), ("count", "٣"), ("share", "nan"), ("share", "inf"),
     ("share", "half"), ("share", True), ("quick", "2"), ("quick", "maybe"), ("day", "31.01.2026"),
     ("day", "2026-02-30"),
     ("day", dt.datetime(2026, 1, 1, 12)), ("by", 5), ("by", [1]), ("side", "lef"), ("code", 5), ("code", "a\x00b"),
     ("count", None), ("code", "\ud800")],
)  # fmt: skip
def test_an_impossible_value_names_the_parameter(name, value):
    with pytest.raises(ParameterError, match=f"'{name}'"):
        check(**{name: value})


def test_messages_name_the_near_match():
    with pytest.raises(UnknownName, match="Did you mean 'period'"):
        check(perod="2026-Q3")
    with pytest.raises(PeriodError, match="2026-Q3"):
        check(period="2026-3Q")
    with pytest.raises(PeriodError, match="last-quarter"):
        check(period="last-quartr")
    with pytest.raises(ParameterError, match="Did you mean 'left'"):
        check(side="lft")


@pytest.mark.parametrize(
    "name", ["x; import os", "__import__('os')", "count\n", "", "período", "class", "pm"]
)
def test_only_declared_names_get_through(name):
    with pytest.raises(UnknownName):
        check(**{name: "1"})


def test_a_value_without_default_must_be_given():
    declared = parse_parameters("x: int")
    with pytest.raises(ParameterError, match="x"):
        check_parameters(declared, {}, notebook="n")
    assert check_parameters(declared, {"x": "4"}, notebook="n") == {"x": 4}


@given(st.text())
def test_any_text_stays_as_it_is_or_is_refused(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    if "\x00" not in text:
        assert check(code=text)["code"] == text


@given(st.text(), st.lists(st.text()), st.floats(allow_nan=False, allow_infinity=False), st.integers())
def test_what_papermill_injects_is_the_value_and_nothing_else(text, words, number, whole):
    from papermill.translators import PythonTranslator

    try:
        given = {"code": text, "by": words, "share": number, "count": whole}
        checked = check(**given)
    except (ParameterError, UnicodeEncodeError):
        return
    body = ast.parse(PythonTranslator.codify(checked)).body
    assert all(isinstance(node, ast.Assign) for node in body)
    assert {node.targets[0].id: ast.literal_eval(node.value) for node in body} == checked


def test_the_schema_allows_what_is_declared_and_no_more():
    schema = json_schema(DECLARED, "n")
    assert schema["additionalProperties"] is False
    assert schema["properties"]["side"]["enum"] == ["left", "right"]
    assert schema["properties"]["until"]["anyOf"][1] == {"type": "null"}
    assert schema["properties"]["share"] == {"type": "number", "description": "of all", "default": 0.5}
