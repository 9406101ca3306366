"""A plan made by hand, with a notebook that needs no data: quick to run, and to break."""

from __future__ import annotations

import dataclasses

import nbformat
import pytest

from alignment_toolkit.runs import Plan

FINISH = (
    "import alignment_toolkit as at\n"
    "analysis = at.Analysis.empty(company='Acme', currency='EUR', period=period)\n"
    "at.finish(analysis, formats=['json'])"
)


def notebook(*sources):
    cell = nbformat.v4.new_code_cell(
        'period: str = "2026-Q3"  # the period', metadata={"tags": ["parameters"]}
    )
    return nbformat.v4.new_notebook(cells=[cell, *(nbformat.v4.new_code_cell(s) for s in sources)])


@pytest.fixture
def make_plan(tmp_path):
    def made(*sources, out=None, **changes):
        plan = Plan(
            notebook=tmp_path / "n.ipynb",
            node=notebook(*(sources or (FINISH,))),
            parameters={"period": "2026-Q3"},
            company="Acme",
            period="2026-Q3",
            slice="all",
            fingerprint="",
            out=out or tmp_path / "reports",
            formats=("json",),
            settings="",
        )
        return dataclasses.replace(plan, **changes)

    return made
