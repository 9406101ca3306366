"""The recipes for schedules: each parsed by what reads it, or by a stand-in where that is not installed.

Airflow, Dagster and Prefect are not among the test dependencies (they pin half of what the toolkit needs): their files
are run against small stand-ins that keep what they are called with. What they would start is then read by the command's
own parser. cron's five fields are checked here; systemd's units by systemd itself where it is there.
"""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest
import typer
import yaml

from alignment_toolkit.cli import app, main
from alignment_toolkit.notebooks import bundled, find_notebook, parameters_of, read_notebook

FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
WEAK = ("0 6 3 1,4,7,10", "60 6 3 * *", "0 6 0 * *", "0 6 3 13 *", "0 6 x * *", "0 6 3 9-4 *")


def parsed(words):
    """Let the command read its words, as it does before it does anything; give the name and values of the command."""
    assert Path(words[0]).name == "alignment"
    name, *rest = words[1:]
    with typer.main.get_command(app).commands[name].make_context(name, rest) as context:
        return name, context.params


def is_scheduled(fields):
    """Tell whether these are five fields as cron reads them: numbers in their range, lists, ranges and steps."""
    if len(fields) != len(FIELDS):
        return False
    for text, (low, high) in zip(fields, FIELDS, strict=True):
        for item in text.split(","):
            found = re.fullmatch(r"(?:\*|(\d+)(?:-(\d+))?)(?:/[1-9]\d*)?", item)
            numbers = [int(n) for n in found.groups() if n] if found else []
            if found is None or numbers != sorted(numbers) or not all(low <= n <= high for n in numbers):
                return False
    return True


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Give the recipes as `alignment init` writes them, in a folder that is not easy to name."""
    made = tmp_path_factory.mktemp("init") / 'it\'s 100% "ours"'
    assert main(["init", str(made)]) == 0
    return made / "schedule"


def starts(command):
    """Tell whether a shell with nothing of this process's environment finds and starts a command."""
    told = subprocess.run(
        ["/bin/sh", "-c", f"{command} --version"], env={}, capture_output=True, text=True, check=False
    )
    return told.returncode == 0 and told.stdout.startswith("alignment_toolkit")


def test_init_copies_every_recipe_for_its_own_folder(folder):
    assert sorted(p.name for p in folder.iterdir()) == sorted(p.name for p in bundled("schedule").iterdir())
    assert not [p.name for p in folder.iterdir() if "/srv/acme" in p.read_text()]


def test_cron_reads_the_line_and_the_shell_the_command(folder):
    (line,) = [t for t in (folder / "crontab").read_text().splitlines() if t and not t.startswith("#")]
    fields, command = line.split()[:5], line.split(maxsplit=5)[5]
    assert is_scheduled(fields)
    assert not any(is_scheduled(weak.split()) for weak in WEAK), "the check itself refuses what cron would"
    # cron ends the line at a bare percent sign and takes the backslash from others.
    assert not re.search(r"(?<!\\)%", command)
    words = shlex.split(command.replace("\\%", "%"))
    assert words[:3] == ["cd", str(folder.parent), "&&"]
    assert starts(f"cd {shlex.quote(words[1])} && {shlex.quote(words[3])}")
    assert not starts("alignment"), "a schedule has not the PATH of this process"
    name, values = parsed(words[3 : words.index(">>")])
    assert (name, values["every"], values["fail_on"]) == ("catch-up", "quarter", "high")


def test_systemd_reads_the_units(folder, tmp_path):
    service = (folder / "alignment.service").read_text()
    (start,) = re.findall(r"^ExecStart=(.*)$", service, re.M)
    words = shlex.split(start)
    assert parsed(words)[0] == "catch-up"
    assert Path(words[0]).is_absolute()
    assert re.search(r"^SuccessExitStatus=6 10$", service, re.M)
    (when,) = re.findall(r"^OnCalendar=(.*)$", (folder / "alignment.timer").read_text(), re.M)
    systemd = shutil.which("systemd-analyze")
    if systemd is None:
        pytest.skip("systemd-analyze is not here; the units were read by their lines only")
    told = subprocess.run([systemd, "calendar", when], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    # A unit is verified in the folder that it names, which must be there.
    for name in ("alignment.service", "alignment.timer"):
        shutil.copy(folder / name, tmp_path / name)
    told = subprocess.run(
        [systemd, "--user", "verify", str(tmp_path / "alignment.timer")],
        capture_output=True,
        text=True,
        check=False,
    )
    faults = [line for line in told.stderr.splitlines() if "alignment." in line]
    assert faults == []


def _kept_on_a_branch(keep, tmp_path):
    """Let the shell do the step in a clone: reports reach the branch, and a run without news is no error."""
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "init.defaultBranch=main"]

    def do(*words, where=tmp_path):
        done = subprocess.run([*git, *words], cwd=where, capture_output=True, text=True, check=True)
        return done.stdout

    do("init", "--quiet", "--bare", "origin")
    do("clone", "--quiet", "origin", "reports")
    clone = tmp_path / keep["working-directory"]
    do("switch", "--quiet", "--orphan", "reports", where=clone)
    do("commit", "--quiet", "--allow-empty", "-m", "reports", where=clone)
    do("push", "--quiet", "origin", "reports", where=clone)
    (clone / "all").mkdir()
    (clone / "all" / "report.html").write_text("told")
    (clone / "all" / "latest").symlink_to("report.html")
    for _ in range(2):
        # GitHub runs a step with `bash -e`.
        done = subprocess.run(
            ["bash", "-e", "-c", keep["run"]], cwd=clone, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert do("show", "reports:all/report.html", where=tmp_path / "origin") == "told"
    assert do("rev-list", "--count", "reports", where=tmp_path / "origin").strip() == "2"


def test_github_reads_the_workflow(folder, tmp_path):
    told = yaml.safe_load((folder / "github-actions.yml").read_text())
    # YAML 1.1 reads the bare word `on` as true.
    starts = told[True]
    assert is_scheduled(starts["schedule"][0]["cron"].split())
    assert told["permissions"] == {"contents": "write"}, "the branch of the reports, and nothing else"
    steps = told["jobs"]["report"]["steps"]
    (command,) = [s["run"] for s in steps if s.get("run", "").startswith("alignment ")]
    assert parsed(shlex.split(command))[0] == "catch-up"
    assert all(("uses" in s) != ("run" in s) for s in steps)
    (keep,) = [s for s in steps if s.get("if") == "always()"]  # a report that trips the gate is kept too
    _kept_on_a_branch(keep, tmp_path)


class Kept:
    """Stands for whatever is called; keeps what it was called with."""

    calls: list = []  # noqa: RUF012 - one list for all, emptied by each test

    def __init__(self, *words, **named):
        Kept.calls.append((type(self).__name__, words, named))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def stand_in(monkeypatch, name, **contents):
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        path = ".".join(parts[:end])
        if path not in sys.modules:
            monkeypatch.setitem(sys.modules, path, types.ModuleType(path))
    for key, value in contents.items():
        setattr(sys.modules[name], key, value)


def kind(name):
    return type(name, (Kept,), {})


def test_airflow_gets_the_command_and_the_plain_notebook(folder, monkeypatch):
    Kept.calls.clear()
    stand_in(monkeypatch, "airflow.sdk", DAG=kind("DAG"))
    stand_in(monkeypatch, "airflow.providers.standard.operators.bash", BashOperator=kind("BashOperator"))
    stand_in(
        monkeypatch,
        "airflow.providers.papermill.operators.papermill",
        PapermillOperator=kind("PapermillOperator"),
    )
    runpy.run_path(str(folder / "airflow_dag.py"))
    calls = {name: named for name, _, named in Kept.calls}
    assert all(is_scheduled(named["schedule"].split()) for name, _, named in Kept.calls if name == "DAG")
    bash = calls["BashOperator"]
    assert bash["cwd"] == str(folder.parent)
    words = shlex.split(re.sub(r"\{\{.*?\}\}", "2026-07", bash["bash_command"]))
    assert starts(shlex.quote(words[0]))
    name, values = parsed(words)
    assert (name, values["period"]) == ("run", "2026-07")
    given = calls["PapermillOperator"]
    assert given["input_nb"] == str(folder.parent / "notebooks" / "01_alignment_report.ipynb")
    declared = parameters_of(read_notebook(find_notebook("01_alignment_report")), "n")
    assert set(given["parameters"]) <= {p.name for p in declared}, (
        "papermill would only warn of an unknown name"
    )


class Done:
    stdout, stderr = "", "why"

    def __init__(self, code):
        self.returncode = code


@pytest.mark.parametrize("recipe", ["dagster_job.py", "prefect_flow.py"])
def test_dagster_and_prefect_start_the_command_and_know_its_exit_codes(folder, monkeypatch, recipe):
    Kept.calls.clear()

    def bare(*words, **_):
        return words[0] if words else lambda function: function

    failure = type("Failure", (Exception,), {})
    stand_in(
        monkeypatch, "dagster", op=bare, job=bare, Failure=failure, OpExecutionContext=object,
        Definitions=kind("Definitions"), ScheduleDefinition=kind("ScheduleDefinition"),
    )  # fmt: skip
    logger = types.SimpleNamespace(info=lambda *_: None)
    stand_in(monkeypatch, "prefect", flow=bare, get_run_logger=lambda: logger)
    text = (folder / recipe).read_text()
    (cron,) = re.findall(r'cron(?:_schedule)?="([^"]+)"', text)
    assert is_scheduled(cron.split())
    made = runpy.run_path(str(folder / recipe))
    assert parsed(made["COMMAND"])[0] == "catch-up"
    assert made["FOLDER"] == str(folder.parent)
    log = types.SimpleNamespace(log=logger)
    start = (lambda: made["report"](log)) if "report" in made else made["alignment_report"]
    for code in (0, 6, 10):
        monkeypatch.setattr(subprocess, "run", lambda *_, code=code, **__: Done(code))
        start()
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: Done(4))
    with pytest.raises((failure, RuntimeError), match="exit code 4"):
        start()
