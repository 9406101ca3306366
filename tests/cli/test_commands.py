"""What the commands print and write where all is well."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from alignment_toolkit.notebooks import read_notebook
from alignment_toolkit.results import Analysis
from alignment_toolkit.settings import Settings

COMMANDS = [
    "demo",
    "init",
    "check",
    "kpis",
    "analyse",
    "report",
    "run",
    "runs",
    "params",
    "list",
    "explain",
    "doctor",
]
COMMANDS += ["segments", "simulate", "survey", "catch-up", "explore"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_that_the_command_takes(alignment, command):
    done = alignment(command, "--help")
    assert done.code == 0
    assert f"Example: alignment {command}" in " ".join(done.out.split())


def test_help_names_all_commands_and_no_other(alignment):
    done = alignment("--help")
    lines = done.out.partition("Commands:")[2].partition("Exit codes")[0].splitlines()
    listed = [line.split()[0] for line in lines if line.strip()]
    assert sorted(listed) == sorted(COMMANDS)
    assert alignment().out == done.out


def test_help_loads_no_heavy_library(project_dir):
    script = (
        "import sys\n"
        "from alignment_toolkit.cli import main\n"
        "main(['--help'])\n"
        "heavy = {'ibis', 'duckdb', 'pandas', 'numpy', 'matplotlib', 'papermill', 'nbformat', 'scipy', 'pydantic'}\n"
        "sys.exit(bool(heavy & set(sys.modules)))\n"
    )
    assert (
        subprocess.run([sys.executable, "-c", script], cwd=project_dir, capture_output=True).returncode == 0
    )


def test_check_json_has_the_shape_of_the_contract(alignment, company):
    (company / "orders.csv").write_text("order_id,ordered_at,account_id,amount\nO1,2026-02-30,A1,100\n")
    done = alignment("check", company, "--json")
    assert done.code == 3
    told = json.loads(done.out)
    assert set(told) == {"problems", "can", "cannot"}
    problem = next(p for p in told["problems"] if p["level"] == "error")
    assert set(problem) == {"table", "file", "row", "column", "value", "code", "level", "message"}
    assert (problem["table"], problem["file"], problem["row"], problem["value"]) == (
        "orders",
        "orders.csv",
        2,
        "2026-02-30",
    )
    assert "leads" in told["can"]
    assert {"id": "spend", "missing": ["spend.spent_on", "spend.amount"]} in told["cannot"]


def test_check_shows_the_first_of_many_alike_and_counts_the_rest(alignment, company):
    ids = "".join(f"D{n:02},2026-01-01\n" * 2 for n in range(30))
    days = "".join(f"E{n:02},xx\n" for n in range(26))
    (company / "leads.csv").write_text(f"lead_id,created_at\n{ids}{days}")
    done = alignment("check", company)
    assert done.code == 3
    shown = " ".join(done.out.split())
    assert "leads.csv, rows 2, 3: lead_id 'D00' stands in 2 rows" in shown
    assert "'D04'" in shown
    assert "'D05'" not in shown
    assert "and 25 more of this kind (duplicate_id); --json names them." in shown
    assert "and 21 more of this kind (not_a_timestamp); --json names 15 of them." in shown
    assert "56 errors" in done.err
    told = json.loads(alignment("check", company, "--json").out)["problems"]
    assert [p["value"] for p in told if p["code"] == "duplicate_id"] == [f"D{n:02}" for n in range(30)]


def test_a_table_that_ends_long_before_the_others_is_named_where_it_decides_the_period(alignment, company):
    apart = "The tables end far apart: opportunities 2025-02-10, "
    assert "far apart" not in alignment("check", company).out
    assert "far apart" not in alignment("kpis", company, "--kpi", "leads").err
    (company / "opportunities.csv").write_text("opportunity_id,opened_at\no1,2025-02-10\n")
    shown = " ".join(alignment("check", company).out.split())
    assert apart in shown
    assert "leads 2026-0" in shown
    assert apart in alignment("kpis", company, "--kpi", "leads").err
    assert apart not in alignment("kpis", company, "--kpi", "leads", "--period", "2026-Q1").err
    (company / "alignment.toml").write_text("[tables.opportunities]\ncomplete_until = 2026-03-31\n")
    assert "far apart" not in alignment("check", company).out


def test_kpis_json_are_rows_as_in_an_analysis(alignment, company):
    words = ("--period", "2026-Q1", "--kpi", "leads,revenue", "--by", "channel")
    rows = json.loads(alignment("kpis", company, *words, "--json").out)
    empty = Analysis.empty(company="x", currency="EUR", period="2026-Q1").to_json()
    assert [Analysis.from_json({**empty, "kpis": [row]}).kpis[0].kpi for row in rows]
    total = {row["kpi"]: row["value"] for row in rows if row["by"] == {}}
    assert total == {"leads": 3, "revenue": 150}
    assert {row["by"].get("channel"): row["value"] for row in rows if row["kpi"] == "leads"} == {
        None: 3,
        "email": 2,
        "web": 1,
    }
    repeated = ("--period", "2026-Q1", "--kpi", "leads", "--kpi", "revenue", "--by", "channel")
    assert json.loads(alignment("kpis", company, *repeated, "--json").out) == rows
    assert "€" not in alignment("kpis", company, *words).err


def test_the_default_period_is_the_last_complete_quarter(alignment, company):
    rows = json.loads(alignment("kpis", company, "--kpi", "leads", "--json").out)
    # The leads end on 20 March, the least day of all tables, so the last complete quarter is the one before.
    assert {row["period"] for row in rows} == {"2025-Q4"}
    rows = json.loads(alignment("kpis", "sample", "--kpi", "leads", "--json").out)
    assert {row["period"] for row in rows} == {"2026-Q3"}


def test_a_period_without_data_gives_typed_rows(alignment, company):
    rows = json.loads(alignment("kpis", company, "--period", "2030-Q1", "--json").out)
    assert {row["status"] for row in rows} == {"not_available"}
    assert all(row["value"] is None and row["reason"] for row in rows)


def test_kpis_and_analyse_tell_of_rows_that_were_left_out(alignment, company):
    orders = company / "orders.csv"
    orders.write_text(orders.read_text() + "".join(f'O{i},2026-03-01,A1,"1.{i},5"\n' for i in range(10, 17)))
    for command in ("kpis", "analyse"):
        done = alignment(command, company, "--period", "2026-Q1")
        assert done.code == 0
        told = [line for line in done.err.splitlines() if line.startswith("warning: ")]
        assert "orders.csv, row 4: amount is '1.10,5'" in told[0]
        assert "`alignment check` lists them all" in told[-1]
        assert len(told) == 6


def test_analyse_writes_and_prints_the_same_analysis(alignment, company, tmp_path):
    done = alignment("analyse", company, "--period", "2026-Q1", "--out", "a.json", "--json")
    assert done.out == (tmp_path / "a.json").read_text()
    assert Analysis.loads(done.out).period == "2026-Q1"
    again = alignment("report", "a.json", "--out", "r", "--formats", "html,json")
    assert again.out.splitlines() == ["r/report.html", "r/analysis.json"]
    assert (tmp_path / "r" / "analysis.json").read_bytes() == (tmp_path / "a.json").read_bytes()
    assert (tmp_path / "r" / "report.html").read_text().startswith("<!DOCTYPE html>")


def test_dry_run_says_all_and_does_nothing(alignment, company, tmp_path):
    done = alignment("run", company, "--period", "2026-Q1", "--set", "by=channel", "--dry-run", "--json")
    told = json.loads(done.out)
    assert told["parameters"]["by"] == ["channel"]
    assert told["period"] == told["parameters"]["period"] == "2026-Q1"
    assert told["outputs"] == ["01_alignment_report.ipynb", "analysis.json", "report.html", "manifest.json"]
    assert not (tmp_path / "reports").exists()
    done = alignment("run", "sample", "--dry-run", "--period", "last-month", "--json")
    assert json.loads(done.out)["parameters"]["period"] == "2026-09", (
        "a relative word is resolved and recorded"
    )


def test_params_lists_and_gives_a_schema(alignment):
    told = json.loads(alignment("params", "01_alignment_report", "--json").out)
    assert [p["name"] for p in told][:3] == ["source", "period", "compare"]
    schema = json.loads(alignment("params", "alignment_report", "--schema").out)
    assert schema["properties"]["by"]["type"] == "array"
    assert "last-quarter" in alignment("params", "01_alignment_report").out


@pytest.mark.parametrize("kind", ["kpis", "indicators", "notebooks"])
def test_list_and_explain_know_the_same_ids(alignment, kind):
    rows = json.loads(alignment("list", kind, "--json").out)
    assert rows
    table = alignment("list", kind).out
    for row in rows:
        assert row["id"] in table
        if kind != "notebooks":
            told = json.loads(alignment("explain", row["id"], "--json").out)
            assert told["id"] == row["id"]
            assert told["title"] in alignment("explain", row["id"].replace("-", "_")).out


def test_a_users_own_indicator_is_listed_and_explained(alignment, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "kpis.py").write_text(
        "from alignment_toolkit.kpi import Kpi\n"
        "MINE = Kpi(id='big-orders', title='Big orders', relation='sales', date='ordered_at', unit='count',\n"
        "           better='higher', owners={'sales': 1.0}, about='Lines above 100.',\n"
        "           top=lambda t: (t.amount > 100).sum())\n"
    )
    (tmp_path / "alignment.toml").write_text('[catalogue]\nfolders = ["mine"]\n')
    rows = json.loads(alignment("list", "kpis", "--json").out)
    assert {"id": "big-orders", "from": "kpis.py"}.items() <= next(
        r for r in rows if r["id"] == "big-orders"
    ).items()
    assert "Lines above 100" in alignment("explain", "big-orders").out


def test_doctor_looks_at_kernel_fonts_access_and_versions(alignment):
    rows = {row["check"]: row for row in json.loads(alignment("doctor", "--json").out)}
    assert rows["cache"]["found"].startswith("written SQL is kept in ")
    assert set(rows) >= {"kernel", "fonts", "write access", "alignment_toolkit", "python", "duckdb"}
    assert {row["status"] for row in rows.values()} == {"ok"}


def test_version(alignment):
    assert alignment("--version").out.startswith("alignment_toolkit ")


@pytest.mark.parametrize("kind", ["sample", "csv", "olist"])
def test_init_makes_a_folder_that_works(alignment, company, tmp_path, kind):
    words = [] if kind == "sample" else ["--data", company]
    done = alignment("init", "my 100% work", "--from", kind, *words)
    assert done.code == 0
    folder = tmp_path / "my 100% work"
    text = (folder / "alignment.toml").read_text()
    settings = Settings.load(folder / "alignment.toml")
    assert (settings.source.kind, tomllib.loads(text)["source"]["url"]) == (
        ("folder", "data") if kind == "sample" else ({"csv": "folder"}.get(kind, kind), "../company")
    )
    # Every commented setting is one that exists: with the signs taken off, the file still loads.
    bare = "\n".join(line.removeprefix("# ") if _is_toml(line) else line for line in text.splitlines())
    assert Settings.from_toml(bare).calendar.holidays
    for path in (folder / "notebooks").glob("*.ipynb"):
        assert '"../alignment.toml"' in read_notebook(path).cells[1].source
    cron = [
        line
        for line in (folder / "schedule" / "crontab").read_text().splitlines()
        if not line.startswith("#")
    ]
    assert len(cron) == 1
    assert cron[0].split()[:5] == ["0", "6", "3", "1,4,7,10", "*"]
    assert "\\%" in cron[0], "cron takes a bare percent sign for the end of the line"
    if kind != "olist":
        assert alignment("check", folder / "alignment.toml").code == 0


def _is_toml(line: str) -> bool:
    words = line.removeprefix("# ")
    return (
        line.startswith("# ")
        and (words.startswith("[") or " = " in words.split("#")[0])
        and "postgres" not in words
    )


def test_simulate_makes_a_company_that_opens(alignment, tmp_path):
    words = [
        "--seed",
        "3",
        "--accounts",
        "60",
        "--plant",
        "dropped_leads=1",
        "--confound",
        "noisy_raters=0.5",
    ]
    assert alignment("simulate", "made-up", *words).code == 0
    answers = json.loads((tmp_path / "made-up" / "answers.json").read_text())
    assert "dropped_leads" in answers["misaligned"]
    assert alignment("check", "made-up/data").code == 0


def test_run_runs_and_show(alignment, company, tmp_path):
    done = alignment("run", company, "--period", "2026-Q1", "--set", "by=channel", "--formats", "html")
    assert done.code == 0
    files = [Path(line) for line in done.out.splitlines()]
    assert sorted(p.name for p in files) == [
        "01_alignment_report.ipynb",
        "analysis.json",
        "manifest.json",
        "report.html",
    ]
    assert all((tmp_path / p).is_file() for p in files)
    run = files[0].parent
    assert run.parent == Path("reports/01_alignment_report/2026-Q1/all")
    assert {row["by"].get("channel") for row in json.loads((run / "analysis.json").read_text())["kpis"]} >= {
        "email",
        "web",
    }
    again = alignment("run", company, "--period", "2026-Q1", "--set", "by=channel", "--formats", "html")
    assert again.out.startswith(f"already done: {run.name}")
    (row,) = json.loads(alignment("runs", "--json").out)
    assert (row["id"], row["latest"], row["status"]) == (run.name, True, "ok")
    assert run.name in alignment("runs").out
    told = json.loads(alignment("runs", "show", run.name[:10], "--json").out)
    assert told["parameters"]["source"] == "company", "no path of this machine"
    for name in ("analysis.json", "manifest.json", "report.html", "01_alignment_report.ipynb"):
        assert str(tmp_path) not in (run / name).read_text()
    assert "nbconvert_exporter" in (run / "01_alignment_report.ipynb").read_text()


def test_demo_makes_the_whole_report_of_the_made_up_company(alignment, sample_report, sample_dir):
    before = {p.name: p.stat().st_mtime_ns for p in sample_dir.iterdir()}
    done = alignment("demo", "--out", sample_report)
    assert done.code == 0
    files = [Path(line) for line in done.out.splitlines()[1:]]
    assert {p.suffix for p in files} == {".html", ".pdf", ".pptx", ".xlsx", ".json", ".ipynb"}
    assert "made up" in next(p for p in files if p.suffix == ".html").read_text().casefold()
    assert {p.name: p.stat().st_mtime_ns for p in sample_dir.iterdir()} == before
    whole = ("run", "sample", "--out", sample_report, "--formats", "html,pdf,pptx,xlsx,json")
    again = alignment(*whole, "--fail-on", "low")
    assert again.code == 10
    assert again.out.startswith("already done: ")
    assert alignment(*whole, "--fail-on", "never").code == 0


def test_a_table_that_ends_inside_the_period_is_told_with_what_to_say(alignment, tmp_path):
    folder = tmp_path / "acme"
    folder.mkdir()
    (folder / "leads.csv").write_text("lead_id,created_at\n1,2026-03-01\n", encoding="utf-8")
    asked = ("kpis", folder, "--kpi", "leads", "--period", "2026-Q1", "--json")
    done = alignment(*asked)
    assert "leads 2026-03-01" in done.err
    assert "[tables.leads] complete_until = 2026-03-31" in done.err
    assert json.loads(done.out)[0]["immature"]
    (folder / "alignment.toml").write_text("[tables.leads]\ncomplete_until = 2026-03-31\n", encoding="utf-8")
    done = alignment(*asked)
    assert (done.err, json.loads(done.out)[0]["immature"]) == ("", False)
