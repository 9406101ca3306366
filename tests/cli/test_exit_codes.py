"""Every exit code that is documented, reached as a user reaches it; nothing published where it is not 0."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from alignment_toolkit.cli import main
from alignment_toolkit.cli.common import print_json, print_table
from alignment_toolkit.runs import history
from tests.report import builders


def published(folder):
    return [r for r in history(folder / "reports") if r["status"] == "ok"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["chek", "company"], "Did you mean 'check'"),
        (["kpis", "company", "--perod", "2026-Q1"], "Did you mean '--period'"),
        (["kpis", "company", "--period", "2026-Q5"], "Did you mean '2026-Q4'"),
        (["kpis", "company", "--period", "last-quartr"], "Did you mean 'last-quarter'"),
        (["kpis", "compny"], "Did you mean 'company'"),
        (["kpis", "company", "--kpi", "leds"], "Did you mean 'leads'"),
        (["kpis", "company", "--by", "chanel"], "Did you mean 'channel'"),
        (["kpis", "company", "--grain", "mont"], "Did you mean 'month'"),
        (["kpis", "company", "--compare", "year-agoo"], "Did you mean 'year-ago'"),
        (["kpis", "company", "--as-of", "31.3.2026"], "2026-09-30"),
        (["kpis"], "Missing argument"),
        (["analyse", "company", "--indicators", "droped_leads"], "Did you mean 'dropped_leads'"),
        (["analyse", "company", "--by", "chanel"], "Did you mean 'channel'"),
        (["analyse", "company", "--fail-on", "hihg"], "Did you mean 'high'"),
        (["run", "company", "--set", "perod=2026-Q1"], "Did you mean 'period'"),
        (["run", "company", "--set", "by=chanel"], "Did you mean 'channel'"),
        (["run", "company", "--set", "indicators=droped_leads"], "Did you mean 'dropped_leads'"),
        (["run", "company", "--set", "as_of=soon"], "'as_of'"),
        (["run", "company", "--set", "period"], "NAME=VALUE"),
        (["run", "company", "--set", "period=2026-Q1", "--period", "2026-Q1"], "twice"),
        (["run", "company", "--set", "source=x"], "alignment run SOURCE"),
        (["run", "company", "--period", "2026-3Q"], "2026-Q3"),
        (["run", "company", "--formats", "doc"], "There is: html, json, pdf, pptx, xlsx"),
        (["run", "company", "--formats", "htm"], "Did you mean 'html'"),
        (["run", "company", "--notebook", "01_alignmnt_report"], "Did you mean '01_alignment_report'"),
        (["run", "postgres://me:secret@host/db"], "${ENV_NAME}"),
        (["params", "01_alignmnt_report"], "Did you mean '01_alignment_report'"),
        (["runs", "show", "nope"], "no run 'nope'"),
        (["runs", "shw"], "Did you mean 'show'"),
        (["list", "kpi"], "Did you mean 'kpis'"),
        (["explain", "win-rat"], "Did you mean 'win-rate'"),
        (["report", "nothing.json"], "nothing.json"),
        (["init", "company"], "not an empty folder"),
        (["init", "new", "--from", "olst"], "Did you mean 'olist'"),
        (["init", "new", "--from", "olist"], "--data"),
        (["init", "new", "--from", "csv", "--data", "nowhere"], "nowhere"),
        (["simulate", "new", "--plant", "droped_leads=1"], "dropped_leads"),
        (["simulate", "new", "--plant", "dropped_leads"], "NAME=STRENGTH"),
        (["simulate", "company"], "not an empty folder"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_2_a_mistake_is_named_with_the_near_match(alignment, company, tmp_path, words, said):
    done = alignment(*words)
    assert done.code == 2
    assert said in done.err
    assert "secret" not in done.err
    assert done.out == ""
    assert not (tmp_path / "reports").exists()
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[company]\nnme = "x"\n', "line 2: there is no key 'nme' in [company]. Did you mean 'name'?"),
        ("[indicators.dropped_leads]\nwithin_hour = 8\n", "within_hours"),
        ("[indicators.droped_leads]\nmargin = 0.1\n", "dropped_leads"),
        ('[tables.leads]\nfrom = "lead.csv"\n', "leads.csv"),
        ("[company]\nname = \n", "line 2"),
    ],
)
@pytest.mark.parametrize("command", ["check", "kpis", "analyse", "run"])
def test_2_a_setting_that_is_wrong_is_named_with_its_line(alignment, company, tmp_path, command, text, said):
    file = company / "alignment.toml"
    file.write_text(text)
    done = alignment(command, file)
    assert done.code == 2
    assert said in done.err
    assert not (tmp_path / "reports").exists()


def test_3_an_empty_file_is_refused_by_all_but_check_tells_all(alignment, company, tmp_path):
    (company / "spend.csv").write_bytes(b"")
    for command in ("kpis", "analyse", "run"):
        done = alignment(command, company)
        assert done.code == 3
        assert "spend.csv" in done.err
    done = alignment("check", company)
    assert done.code == 3
    assert "spend.csv" in done.out
    assert not (tmp_path / "reports").exists()


def test_3_a_value_that_cannot_be_typed_is_named_by_check(alignment, company):
    (company / "orders.csv").write_text(
        "order_id,ordered_at,account_id,amount\nO1,2026-02-01,A1,100\nO2,2026-02-30,A2,5\n"
    )
    done = alignment("check", company)
    assert done.code == 3
    for word in ("orders.csv", "3", "ordered_at", "2026-02-30"):
        assert word in done.out
    assert alignment("kpis", company, "--period", "2026-Q1").code == 0, "the other rows are used"


def test_3_a_period_without_data_publishes_nothing(alignment, company, tmp_path):
    done = alignment("run", company, "--period", "2030-Q1")
    assert done.code == 3
    for word in ("2030-Q1", "2026-01-05 to 2026-03-31", "nearest period with data is 2026-Q1"):
        assert word in done.err
    assert not (tmp_path / "reports").exists()
    assert "nearest period with data is 2026-01." in alignment("run", company, "--period", "2025-01").err
    assert alignment("analyse", company, "--period", "2030-Q1", "--out", "empty.json").code == 0
    done = alignment("report", "empty.json")
    assert done.code == 3
    assert "2030-Q1" in done.err
    assert not (tmp_path / "reports").exists()


def test_3_what_is_no_analysis_is_refused(alignment, tmp_path):
    for text in ("{}", "no json", '{"schema": 99}'):
        (tmp_path / "a.json").write_text(text)
        done = alignment("report", "a.json")
        assert done.code == 3
        assert "a.json" in done.err


def test_a_header_alone_and_a_missing_table_are_no_errors_but_told(alignment, company):
    (company / "spend.csv").write_text("spent_on,amount\n")
    done = alignment("check", company)
    assert done.code == 0
    assert "spend" in done.out
    assert alignment("check", company, "--strict").code == 3
    done = alignment("analyse", company, "--period", "2026-Q1")
    assert done.code == 0
    assert "touches.touched_at" in done.out, "what is missing is named"
    assert "not available" in done.out


def test_4_a_cell_that_raises_is_named(alignment, company, own_notebook, tmp_path, project_dir):
    path = own_notebook(
        "import alignment_toolkit as at\nraise at.DataError('orders.csv, row 3, column amount: x')"
    )
    done = alignment("run", company, "--notebook", path, "--period", "2026-Q1")
    assert done.code == 4
    for word in ("own", "code cell 2", "line 2", "orders.csv, row 3, column amount"):
        assert word in done.err
    assert published(tmp_path) == []
    page = (tmp_path / "reports" / "own" / "2026-Q1" / "all" / "FAILED.html").read_text()
    assert "code cell 2, line 2" in page
    debug = command(
        tmp_path, project_dir, "--debug", "run", company, "--notebook", path, "--period", "2026-Q1"
    )
    assert "Traceback" in debug.communicate(timeout=120)[1]
    assert debug.returncode == 4


@pytest.mark.parametrize(
    ("source", "words", "said"),
    [
        ("import os\nos._exit(0)", [], "kernel died"),
        ("import os\nos.kill(os.getpid(), 9)", [], "kernel died"),
        ("while True: pass", ["--timeout", "2"], "longer than 2 seconds"),
    ],
)
def test_5_a_kernel_that_is_lost_is_told(alignment, company, own_notebook, tmp_path, source, words, said):
    done = alignment("run", company, "--notebook", own_notebook(source), "--period", "2026-Q1", *words)
    assert done.code == 5
    assert said in done.err
    assert published(tmp_path) == []


def test_6_another_process_is_at_it(alignment, company, tmp_path):
    from filelock import FileLock

    key = tmp_path / "reports" / "01_alignment_report" / "2026-Q1" / "all"
    key.mkdir(parents=True)
    with FileLock(key / ".lock"):
        done = alignment("run", company, "--period", "2026-Q1")
    assert done.code == 6
    assert "another process" in done.err
    assert published(tmp_path) == []


def test_7_one_of_several_notebooks_fails(alignment, company, own_notebook, tmp_path):
    good = own_notebook(
        "import alignment_toolkit as at\n"
        "analysis = at.analyse(at.Company.open(source), period, indicators=[], kpis=['leads'])\n"
        "at.finish(analysis, formats=['json'])",
        name="good",
    )
    bad = own_notebook("1 / 0", name="bad")
    done = alignment("run", company, "--notebook", bad, "--notebook", good, "--period", "2026-Q1")
    assert done.code == 7
    assert "1 of 2 notebooks failed: bad" in done.err
    assert [r["notebook"] for r in published(tmp_path)] == ["good"]


def test_8_where_nothing_can_be_written(alignment, company, tmp_path):
    (tmp_path / "file").write_text("")
    done = alignment("run", company, "--period", "2026-Q1", "--out", "file")
    assert done.code == 8
    assert alignment("analyse", company, "--period", "2026-Q1", "--out", "no/such/folder.json").code == 8
    assert alignment("analyse", company, "--period", "2026-Q1", "--out", "a.json").code == 0
    assert alignment("report", "a.json", "--out", "file").code == 8
    assert alignment("doctor", "--out", "file").code == 8


def test_10_findings_at_or_above_the_level(alignment, company, monkeypatch):
    """What is found is given here; `test_demo_makes_the_whole_report...` goes the whole way."""
    found = builders.analysis()
    monkeypatch.setattr("alignment_toolkit.analysis.analyse", lambda *_, **__: found)
    one = ("analyse", company, "--period", "2026-Q1")
    done = alignment(*one, "--fail-on", "low")
    assert done.code == 10
    worst = next(f for f in found.findings if f.status == "misaligned")
    assert worst.id in done.err
    assert worst.title in done.out, "the answer is printed all the same"
    assert alignment(*one, "--fail-on", "never").code == 0


def test_1_what_nobody_foresaw_is_one_line(monkeypatch, alignment):
    from alignment_toolkit import runs

    def break_(*_):
        raise RuntimeError("a fault\nin two lines")

    monkeypatch.setattr(runs, "history", break_)
    done = alignment("runs")
    assert done.code == 1
    assert done.err.strip() == (
        "error: internal error: RuntimeError: a fault. Run again with --debug to see where."
    )


def test_1_debug_prints_where(monkeypatch, capsys):
    from alignment_toolkit import runs

    def break_(*_):
        raise RuntimeError("a fault")

    monkeypatch.setattr(runs, "history", break_)
    for words in (["--debug", "runs"], ["runs", "--debug"]):
        assert main(words) == 1
        assert "in break_" in capsys.readouterr().err


def command(folder, project_dir, *words):
    """Start the command in a process of its own, as in a terminal: a shell's background job ignores the interrupt."""
    return subprocess.Popen(
        [sys.executable, "-m", "alignment_toolkit", *map(str, words)],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(project_dir)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


@pytest.fixture
def _foreground():
    """A shell starts background work, such as these tests, with interrupts ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_in_the_background_an_interrupt_stays_ignored():
    from alignment_toolkit.cli.interrupting import interruptible

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruptible() as interrupted:
            signal.raise_signal(signal.SIGINT)
        assert not interrupted
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_foreground")
def test_130_interrupted(alignment, company, own_notebook, tmp_path):
    path = own_notebook("open('begun', 'w').close()\nimport time\ntime.sleep(60)")

    def interrupt():
        while not (tmp_path / "begun").exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    done = alignment("run", company, "--notebook", path, "--period", "2026-Q1")
    assert done.code == 130
    assert done.err.strip().splitlines()[-1] == "error: interrupted"
    assert published(tmp_path) == []
    assert not list((tmp_path / "reports").rglob(".staging-*"))


class Deaf:
    """Its destructor is running when the user interrupts, as those of a library's expressions often are."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("_foreground")
def test_130_an_interrupt_that_a_destructor_loses_comes_again(alignment, monkeypatch):
    from alignment_toolkit import runs

    ended = []

    def work(*_):
        Deaf()
        time.sleep(10)
        ended.append(1)
        return []

    monkeypatch.setattr(runs, "history", work)
    assert alignment("runs").code == 130
    assert not ended
    # Python by itself loses it.
    monkeypatch.setattr("sys.unraisablehook", lambda _: None)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    work()
    assert ended


@pytest.mark.usefixtures("_foreground")
def test_130_an_interrupt_that_a_library_turns_into_its_own_error(alignment, monkeypatch):
    from alignment_toolkit import runs

    def work(*_):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("numpy.core.multiarray failed to import") from None

    monkeypatch.setattr(runs, "history", work)
    done = alignment("runs")
    assert (done.code, done.err.strip()) == (130, "error: interrupted")


def stdout_of(monkeypatch, file, encoding="utf-8"):
    stream = io.TextIOWrapper(file, encoding=encoding, write_through=True)
    monkeypatch.setattr(sys, "stdout", stream)
    return stream


def test_a_reader_that_has_gone_is_no_error(monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb", buffering=0) as file:
        kept = stdout_of(monkeypatch, file)
        assert main(["list", "kpis"]) == 0, "the command would end with 1, as if the toolkit had failed"
        monkeypatch.undo()
        kept.detach()


def test_letters_that_a_terminal_does_not_know_are_no_error(monkeypatch):
    file = io.BytesIO()
    kept = stdout_of(monkeypatch, file, "cp1252")
    assert main(["list", "kpis"]) == 0
    print_table(["name"], [["北 Süd"]])
    print_json({"name": "北"})
    monkeypatch.undo()
    told = file.getvalue().decode("cp1252")
    kept.detach()
    assert "? Süd" in told
    assert '"\\u5317"' in told, "JSON keeps every letter"
    assert "arpu" in told


@pytest.mark.parametrize(("text", "said"), [("", "line 1, column 1"), ('{"kpis": [NaN]}', "it holds NaN")])
def test_3_an_earlier_analysis_that_is_none_is_named(alignment, company, tmp_path, text, said):
    (tmp_path / "old.json").write_text(text)
    for words in (("analyse", company, "--history", "old.json"), ("report", "old.json")):
        done = alignment(*words)
        assert done.code == 3
        assert "old.json: This is no analysis.json: " in done.err
        assert said in done.err
