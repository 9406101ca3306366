"""Faults 19, 20, 29, 35, 36, 38: what comes in is text, data is only read, there is one clock, no state stays."""

from __future__ import annotations

import ast
import datetime as dt
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from alignment_toolkit.errors import AlignmentError
from alignment_toolkit.notebooks import check_parameters, parameters_of, parse_parameters
from alignment_toolkit.runs import perform, performing, places, plan
from alignment_toolkit.settings import Settings
from tests.cli.conftest import company
from tests.faults.harness import bytes_of, plan_in, without_kernel

__all__ = ["company"]

# ---- 20: names, values, cells and settings that want to be code ------------------------------------------------

TOUCH = "__import__('pathlib').Path({!r}).touch()"


def hostile(canary: Path) -> list[str]:
    """Give texts of which each would make the canary file, were it taken for code anywhere."""
    python, quoted = TOUCH.format(str(canary)), str(canary)
    code = [
        python, f"x={python}", f"x;{python}", f"x\n{python}", f"x\r{python}", f"x\u2028{python}", f"x\x0b{python}",
        f"'+{python}+'", f'"+{python}+"', f"'''+{python}+'''", f'"""+{python}+"""', f"\\';{python};'", f"\\\n{python}",
        f"[{python}]", f"{{{python}}}", f"f'{{{python}}}'", f"lambda: {python}", f"({python},)", f"x: str = {python}",
        f"x = 1  # {python}", f"exec({python!r})", f"eval({python!r})", f"%run {quoted}", f"!touch {quoted}",
        f"!!touch {quoted}", f"%%bash\ntouch {quoted}", f"%sx touch {quoted}",
        f"get_ipython().system('touch {quoted}')",
    ]  # fmt: skip
    other = [
        f"$(touch {quoted})", f"`touch {quoted}`", f"; touch {quoted}", f"| touch {quoted}", f"&& touch {quoted}",
        f"\ntouch {quoted}\n", f"{{{{ ''.__class__.__mro__[1].__subclasses__() }}}} {quoted}",
        f"{{% import os %}}{{{{ os.system('touch {quoted}') }}}}",
        f"!!python/object/apply:os.system ['touch {quoted}']",
        f"cos\nsystem\n(S'touch {quoted}'\ntR.", f"'; COPY (SELECT 1) TO '{quoted}'; --",
        f"x' UNION SELECT * FROM read_csv('{quoted}')", f"=cmd|'/c touch {quoted}'!A1", f"${{{quoted}}}",
        f"<script>{quoted}</script>", f"\x00{python}", f"\ud800{python}", f"{'(' * 300}{python}", f"-- touch {quoted}",
        f"--out={quoted}", f"@{quoted}", f"file://{quoted}",
    ]  # fmt: skip
    return code + other


CELL = 'text: str = "x"\nwords: list[str] = []\nday: "date | None" = None\nside: Literal["a", "b"] = "a"\nn: int = 1'


def test_two_hundred_hostile_names_values_and_settings_make_no_file(tmp_path):
    from papermill.translators import PythonTranslator

    canary = tmp_path / "canary"
    declared = parse_parameters(CELL, "n")
    tried = 0
    for text in hostile(canary):
        for name in (text, "text", "words", "day", "n"):
            tried += 1
            try:
                values = check_parameters(declared, {name: text if name != text else "1"}, notebook="n")
            except (AlignmentError, UnicodeEncodeError):
                continue
            code = PythonTranslator.codify(values)
            assert all(
                isinstance(n, ast.Assign) and ast.literal_eval(n.value) is not n for n in ast.parse(code).body
            )
            namespace: dict = {}
            exec(code, namespace)
            assert {k: namespace[k] for k in values} == values
        for cell in (text, f"x: str = {text}", f"x: {text} = 'a'"):
            tried += 1
            node = nbformat.v4.new_notebook(
                cells=[nbformat.v4.new_code_cell(cell, metadata={"tags": ["parameters"]})]
            )
            try:
                parameters_of(node, "n")
            except (AlignmentError, RecursionError, UnicodeEncodeError):
                continue
        for settings in (f"[company]\nname = {text}\n", f"{text}\n", f'[company]\nname = "{text}"\n'):
            tried += 1
            try:
                (tmp_path / "alignment.toml").write_text(settings, encoding="utf-8", errors="replace")
                Settings.load(tmp_path / "alignment.toml")
            except AlignmentError:
                continue
    assert tried >= 200
    assert not canary.exists()
    # The positive control: what papermill alone does with a name.
    exec(PythonTranslator.codify({f"x={TOUCH.format(str(canary))};y": 1}), {})
    assert canary.exists()


# ---- 19: nothing is written beside the reports -----------------------------------------------------------------


def test_whatever_a_run_is_called_its_files_stay_under_the_root(tmp_path, monkeypatch):
    from tests.runs.test_places import HOSTILE

    monkeypatch.setattr(performing, "execute", without_kernel())
    monkeypatch.setenv("ALIGNMENT_RUN_FOLDER", "")
    root, beside = tmp_path / "a" / "b" / "reports", tmp_path / "a" / "keep"
    beside.mkdir(parents=True)
    (beside / "data.csv").write_text("1")
    for text in sorted(set(HOSTILE))[::10]:
        perform(plan_in(root, period=text.replace("\ud800", "?"), slice=text.replace("\ud800", "?")))
    assert len(list(root.glob("*/*/*/latest"))) >= 15
    assert bytes_of(beside) == {"data.csv": hashlib.sha256(b"1").hexdigest()}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a"]
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["b", "keep"]
    assert sorted(p.name for p in (tmp_path / "a" / "b").iterdir()) == ["reports"]


# ---- 35, 36, 38 ------------------------------------------------------------------------------------------------


def state(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        p.name: (hashlib.sha256(p.read_bytes()).hexdigest(), p.stat().st_mtime_ns) for p in folder.iterdir()
    }


def analysis_of(company: Path, period: str) -> bytes:
    import alignment_toolkit as at

    told = at.analyse(at.Company.open(str(company)), period, indicators=[], kpis=["leads"])
    return told.dumps().encode()


@pytest.mark.faults
def test_nothing_of_one_run_is_left_in_the_next(company, tmp_path, monkeypatch, project_dir):
    monkeypatch.chdir(tmp_path)
    other = analysis_of(company, "2026-01")
    code = (
        "import sys; from pathlib import Path; from tests.faults.test_parameters import analysis_of\n"
        "sys.stdout.buffer.write(analysis_of(Path('company'), '2026-Q1'))"
    )
    environment = {**os.environ, "PYTHONPATH": str(project_dir)}
    alone = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment)
    assert analysis_of(company, "2026-Q1") == alone.stdout
    assert other != alone.stdout


def test_data_is_only_read(company, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = state(company)
    for path in (*company.iterdir(), company):
        path.chmod(0o555 if path.is_dir() else 0o444)
    plan(str(company), given={"period": "2026-Q1"})
    analysis_of(company, "2026-Q1")
    company.chmod(0o755)
    assert state(company) == before
    assert [p.name for p in tmp_path.iterdir()] == ["company"]


@pytest.mark.parametrize(
    "moment",
    [
        "2028-02-29T12:00:00",
        "2027-12-31T23:59:59",
        "2026-03-29T01:30:00",
        "2026-10-25T01:30:00",
        "1999-01-01T00:00:00",
    ],
)
def test_a_run_knows_the_clock_only_for_its_stamp(moment, company, tmp_path, monkeypatch):
    """In a leap year, at the turn of the year, in the nights of summer time: periods follow the data."""
    monkeypatch.setattr(performing, "execute", without_kernel())
    monkeypatch.chdir(tmp_path)
    usual = plan(str(company), given={"period": "this-quarter"})
    now = dt.datetime.fromisoformat(moment).replace(tzinfo=dt.UTC)
    for module in (places, performing):
        monkeypatch.setattr(module, "now", lambda: now)
    then = plan(str(company), given={"period": "this-quarter"})
    assert (then.digest, then.period, then.asked["period"]) == (usual.digest, usual.period, "this-quarter")
    done = perform(plan_in(tmp_path / "reports"))
    assert done.manifest["started"] == f"{moment}Z"
    assert f"{now:%Y%m%dT%H%M%SZ}" in done.id
    shutil.rmtree(tmp_path / "reports")


# ---- 29 --------------------------------------------------------------------------------------------------------

PLACES = [
    {"TZ": "Pacific/Auckland", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"},
    {"TZ": "America/New_York", "LC_ALL": "de_DE.UTF-8", "PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "2"},
    {"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "random", "OMP_NUM_THREADS": "1"},
]
ONE = """
import sys
from alignment_toolkit.runs import perform, plan
print(perform(plan("company", given={"period": "2026-Q1", "formats": "html,pdf,pptx,xlsx"}), force=True).folder)
"""


@pytest.mark.faults
@pytest.mark.timeout(3600)
def test_forced_again_a_run_has_the_same_bytes_in_any_zone_language_and_order(company, tmp_path, project_dir):
    kinds = {}
    for number in range(10 if os.environ.get("ALIGNMENT_FAULTS") == "full" else 3):
        place = PLACES[number % len(PLACES)]
        told = subprocess.run(
            [sys.executable, "-c", ONE], cwd=tmp_path, capture_output=True, text=True,
            env={**os.environ, **place, "PYTHONPATH": str(project_dir)},
        )  # fmt: skip
        assert told.returncode == 0, told.stderr
        folder = tmp_path / told.stdout.strip().splitlines()[-1]
        for name, digest in bytes_of(folder).items():
            kinds.setdefault(name, set()).add(digest)
    assert set(kinds) >= {"analysis.json", "report.html", "report.pdf", "report.pptx", "report.xlsx"}
    differ = {name for name, digests in kinds.items() if len(digests) > 1}
    assert differ <= {"manifest.json", "01_alignment_report.ipynb"}, "these two tell times"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["status"] == "ok"
