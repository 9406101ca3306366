"""A plan made by hand, with a notebook that needs no data: quick to run, and to break."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import json
from dataclasses import replace

import nbformat
import pytest

from alignment_toolkit.errors import AlignmentError, CellFailed
from alignment_toolkit.notebooks.execution import RUN_FOLDER, RUN_KEPT_BACK
from alignment_toolkit.results import Analysis
from alignment_toolkit.runs import Plan, performing

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


def cells_here(node, name, parameters):
    """Run the cells in this very process, where a test asks for what is around them."""
    space = dict(parameters)
    try:
        for cell in node.cells[1:]:
            exec(cell.source, space)
    except AlignmentError:
        raise
    except Exception as e:
        raise CellFailed(f"Notebook '{name}': {type(e).__name__}: {e}") from e
    return copy.deepcopy(node)


@contextlib.contextmanager
def no_kernel():
    """Run notebooks without a kernel, which costs a second each."""

    def execute(node, name, parameters, *, folder, kept_back=(), **_):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(RUN_FOLDER, str(folder))
            patch.setenv(RUN_KEPT_BACK, ",".join(kept_back))
            return cells_here(node, name, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(performing, "execute", execute)
        yield


@pytest.fixture
def without_kernel():
    with no_kernel():
        yield


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


@pytest.fixture
def published(make_plan):
    """Publish a run by hand, without a kernel; give its analysis.json."""

    def publish(period, start, to, told=None, **changes):
        plan = make_plan(period=period, **changes)
        folder = plan.key / f"{period}-run"
        folder.mkdir(parents=True)
        told = replace(told, period=period, start=start, to=to) if told else Analysis.empty(
            company="Acme", currency="EUR", period=period, start=start, to=to
        )  # fmt: skip
        (folder / "analysis.json").write_text(told.dumps())
        about = {"schema": 1, "id": folder.name, "period": period, "finished": start}
        about |= {"notebook": plan.name, "slice": plan.slice, "company": plan.company, "status": "ok"}
        (folder / "manifest.json").write_text(json.dumps(about))
        (plan.key / "latest").symlink_to(folder.name, target_is_directory=True)
        return folder / "analysis.json"

    return publish
