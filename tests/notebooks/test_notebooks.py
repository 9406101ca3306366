"""The notebooks that come with the toolkit, and how they are found."""

from __future__ import annotations

import hashlib
import json
import re

import nbformat
import pytest

from alignment_toolkit.errors import ParameterError, UnknownName
from alignment_toolkit.notebooks import (
    RUN_FOLDER,
    SENTINEL,
    find_notebook,
    finish,
    known_notebooks,
    parameters_of,
    read_notebook,
)
from alignment_toolkit.notebooks.cards import answer, cards
from alignment_toolkit.results import Analysis

EMPTY = Analysis.empty(company="Acme", currency="EUR", period="2026-Q3")


def faults(node, name):
    """Give what is wrong with a notebook by the rules that all of them keep."""
    nbformat.validate(node)
    code = [c for c in node.cells if c.cell_type == "code"]
    title = node.cells[0].source.splitlines()[0] if node.cells[0].cell_type == "markdown" else ""
    first = code[0].metadata.get("tags") == ["parameters"]
    parameters = code[0].source.splitlines()
    ids = [hashlib.sha256(f"{i}{c.source}".encode()).hexdigest()[:8] for i, c in enumerate(node.cells)]
    pairs = list(zip(node.cells, node.cells[1:], strict=False))
    rules = {
        "its title is no question": title.startswith("# ") and title.endswith("?"),
        "its parameters do not come first": first,
        "it has more than 12 code cells": len(code) <= 12,
        "a cell has more than 10 lines": max(len(c.source.splitlines()) for c in code) <= 10,
        "no prose before a cell": all(a.cell_type == "markdown" for a, b in pairs if b.cell_type == "code"),
        "an output is kept": all(c.outputs == [] for c in code),
        "a count is kept": all(c.execution_count is None for c in code),
        "it defines": not any(word in c.source for c in code for word in ("def ", "class ", "lambda")),
        "it does not hand over at its end": "at.finish(" in code[-1].source,
        "it asks for a kernel of its own": node.metadata.kernelspec.name == "python3",
        "ids do not follow from place and text": [c.id for c in node.cells] == ids,
        "a parameter says nothing of itself": not first or all(p.help for p in parameters_of(node, name)),
        # papermill warns of a parameter that is not there where it finds a second sign in the line.
        "papermill cannot read a parameter": all(line.count("=") == 1 for line in parameters),
        "a path of a machine": not re.search(r"/(home|root|Users|tmp|work)/", nbformat.writes(node)),
    }
    return [what for what, kept in rules.items() if not kept]


@pytest.mark.parametrize("name", sorted(known_notebooks()))
def test_a_notebook_asks_calls_and_explains(name):
    assert faults(read_notebook(find_notebook(name)), name) == []


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (lambda n: n.cells[0].update(source="# A title"), "its title is no question"),
        (lambda n: n.cells[1].metadata.update(tags=[]), "its parameters do not come first"),
        (lambda n: n.cells.extend(code("1") for _ in range(12)), "it has more than 12 code cells"),
        (lambda n: n.cells[3].update(source="1\n" * 11), "a cell has more than 10 lines"),
        (lambda n: n.cells.insert(3, code("1")), "no prose before a cell"),
        (lambda n: n.cells[3].outputs.append(nbformat.v4.new_output("stream", text="a")), "an output is kept"),
        (lambda n: n.cells[3].update(execution_count=1), "a count is kept"),
        (lambda n: n.cells[3].update(source="f = lambda x: x"), "it defines"),
        (lambda n: n.cells[-1].update(source="1"), "it does not hand over at its end"),
        (lambda n: n.metadata.kernelspec.update(name="mine"), "it asks for a kernel of its own"),
        (lambda n: n.cells[2].update(id="abc"), "ids do not follow from place and text"),
        (lambda n: n.cells[1].update(source='source: str = "sample"'), "a parameter says nothing of itself"),
        (lambda n: n.cells[1].update(source='source: str = "a"  # as a=b'), "papermill cannot read a parameter"),
        (lambda n: n.cells[3].update(source='"/ho' + 'me/ann/data"'), "a path of a machine"),
    ],
)  # fmt: skip
def test_each_rule_of_notebooks_is_missed_where_it_is_broken(broken, told):
    node = read_notebook(find_notebook("00_start_here"))
    broken(node)
    assert told in faults(node, "00_start_here")


def code(source):
    return nbformat.v4.new_code_cell(source)


def test_a_notebook_is_found_by_name_without_its_number_and_by_path(tmp_path, monkeypatch):
    assert find_notebook("01_alignment_report") == find_notebook("alignment_report")
    with pytest.raises(UnknownName, match="Did you mean '01_alignment_report'"):
        find_notebook("01_alignmnt_report")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notebooks").mkdir()
    own = tmp_path / "notebooks" / "01_alignment_report.ipynb"
    own.write_text("{}")
    assert find_notebook("01_alignment_report").resolve() == own
    (tmp_path / "other.ipynb").write_text("{}")
    assert find_notebook("other.ipynb").name == "other.ipynb"


@pytest.mark.parametrize(
    "text", ["", "{}", "no json", "[]", '{"nbformat": 4, "nbformat_minor": 5, "cells": 5}']
)
def test_what_is_no_notebook_is_refused(tmp_path, text):
    path = tmp_path / "n.ipynb"
    path.write_text(text)
    with pytest.raises(ParameterError, match=r"n\.ipynb"):
        parameters_of(read_notebook(path), "n")


def test_finish_by_hand_writes_where_it_is_told(tmp_path, monkeypatch):
    monkeypatch.delenv(RUN_FOLDER, raising=False)
    done = finish(EMPTY, tmp_path / "a" / "b", formats="html")
    assert sorted(p.name for p in done.folder.iterdir()) == ["analysis.json", "report.html"]
    assert Analysis.loads((done.folder / "analysis.json").read_text(encoding="utf-8")) == EMPTY
    assert repr(done) == "Written: analysis.json, report.html"


def test_finish_in_a_run_writes_there_and_signs(tmp_path, monkeypatch):
    monkeypatch.setenv(RUN_FOLDER, str(tmp_path))
    finish(EMPTY, tmp_path / "elsewhere", formats=["json"])
    assert not (tmp_path / "elsewhere").exists()
    assert list(json.loads((tmp_path / SENTINEL).read_text())) == ["analysis.json"]


def test_cards_escape_what_comes_from_data():
    hostile = Analysis.empty(company="<script>alert(1)</script>", currency="EUR", period="2026-Q3")
    shown = answer(hostile)
    assert "<script" not in shown._repr_html_()
    assert "&lt;script&gt;" in shown._repr_html_()
    assert len(cards(EMPTY)) == 0
    assert "There is none: out of line" in repr(cards(EMPTY, "misaligned"))
    with pytest.raises(UnknownName, match="Did you mean 'misaligned'"):
        cards(EMPTY, "misalined")
