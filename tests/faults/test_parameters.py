"""Faults 19, 20, 35, 36: what comes in is text, data is only read, there is one clock."""

from __future__ import annotations

import ast
import datetime as dt
import hashlib
import shutil
from pathlib import Path

import nbformat
import pytest

import alignment_toolkit as at
from alignment_toolkit.errors import AlignmentError, ParameterError
from alignment_toolkit.notebooks import check_parameters, parameters_of, parse_parameters
from alignment_toolkit.runs import perform, performing, places, plan, planning
from alignment_toolkit.settings import Settings
from tests.cli.conftest import company
from tests.faults.harness import amount, bytes_of, plan_in, without_kernel

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


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Give a root of reports deep in folders that must stay as they are."""
    monkeypatch.setattr(performing, "execute", without_kernel())
    monkeypatch.setenv("ALIGNMENT_RUN_FOLDER", "")
    keep = tmp_path / "a" / "keep"
    keep.mkdir(parents=True)
    (keep / "data.csv").write_text("1")
    (keep / "alignment.toml").write_text('[company]\nname = "Acme"\n')
    return tmp_path / "a" / "b" / "reports"


def beside(root: Path) -> dict[str, str]:
    """Give all that lies around the reports, with its bytes."""
    around = bytes_of(root.parents[2])
    return {name: digest for name, digest in around.items() if not name.startswith("a/b/reports/")}


def test_whatever_a_run_is_called_its_files_stay_under_the_root(root):
    from tests.runs.test_places import HOSTILE

    before = beside(root)
    names = sorted(set(HOSTILE))[:: amount(10, 2, 1)]
    for text in (t.replace("\ud800", "?") for t in names):
        perform(plan_in(root, period=text, slice=text))
    assert len(list(root.glob("*/*/*/latest"))) >= len(names) - 1, "one was told in another way"
    assert beside(root) == before
    assert sorted(p.name for p in (root.parent).iterdir()) == ["reports"]


def test_without_safe_names_a_run_is_refused_and_without_both_guards_it_leads_out(root, monkeypatch):
    before = beside(root)
    monkeypatch.setattr(planning, "slug", lambda text: text)
    outside = plan_in(root, period="../../../keep", slice="out")
    with pytest.raises(ParameterError, match="leads out"):
        perform(outside)
    assert beside(root) == before
    monkeypatch.setattr(performing, "_key_folder", lambda plan: (plan.key.mkdir(parents=True), plan.key)[1])
    (root / "n").mkdir(parents=True)
    perform(outside)
    assert any(name.startswith("a/keep/out/") for name in beside(root).keys() - before.keys())


# ---- 35, 36 ----------------------------------------------------------------------------------------------------


def state(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        p.name: (hashlib.sha256(p.read_bytes()).hexdigest(), p.stat().st_mtime_ns) for p in folder.iterdir()
    }


def test_data_is_only_read(company, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = state(company)
    for path in (*company.iterdir(), company):
        path.chmod(0o555 if path.is_dir() else 0o444)
    plan(str(company), given={"period": "2026-Q1"})
    at.analyse(at.Company.open(str(company)), "2026-Q1", indicators=[], kpis=["leads"])
    company.chmod(0o755)
    assert state(company) == before
    assert [p.name for p in tmp_path.iterdir()] == ["company"]
    # What the look at the folder would see: the same bytes written again, and a file more.
    leads = company / "leads.csv"
    leads.chmod(0o644)
    leads.write_bytes(leads.read_bytes())
    assert state(company) != before
    assert set(before) == {"leads.csv", "orders.csv"}


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
    # By the clock it would be another quarter, but for the night that lies in the data's own.
    by_clock = Settings().period("this-quarter", as_of=now.date()).label
    assert (by_clock == then.period) == (moment == "2026-03-29T01:30:00")
    done = perform(plan_in(tmp_path / "reports"))
    assert done.manifest["started"] == f"{moment}Z"
    assert f"{now:%Y%m%dT%H%M%SZ}" in done.id
    shutil.rmtree(tmp_path / "reports")
