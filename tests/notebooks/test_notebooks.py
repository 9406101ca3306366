"""The notebooks that come with the toolkit, and how they are found."""

from __future__ import annotations

import hashlib
import json

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


@pytest.fixture(params=sorted(known_notebooks()))
def shipped(request):
    return find_notebook(request.param)


def test_a_notebook_asks_calls_and_explains(shipped):
    node = read_notebook(shipped)
    nbformat.validate(node)
    code = [c for c in node.cells if c.cell_type == "code"]
    assert node.cells[0].cell_type == "markdown"
    assert node.cells[0].source.splitlines()[0].startswith("# ")
    assert node.cells[0].source.splitlines()[0].endswith("?")
    assert code[0].metadata["tags"] == ["parameters"]
    assert len(code) <= 12
    assert max(len(c.source.splitlines()) for c in code) <= 10
    for before, cell in zip(node.cells, node.cells[1:], strict=False):
        if cell.cell_type == "code":
            assert before.cell_type == "markdown", f"no prose before {cell.source!r}"
    assert all(c.outputs == [] and c.execution_count is None for c in code)
    assert not any(word in c.source for c in code for word in ("def ", "class ", "lambda"))
    assert "at.finish(" in code[-1].source
    assert node.metadata.kernelspec.name == "python3"
    assert [c.id for c in node.cells] == [
        hashlib.sha256(f"{i}{c.source}".encode()).hexdigest()[:8] for i, c in enumerate(node.cells)
    ], "ids follow from place and text, so that they change only with them"
    assert all(p.help for p in parameters_of(node, shipped.stem))


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
