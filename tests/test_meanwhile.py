"""What a copy of the process computes is what would have been computed here, whatever becomes of the copy."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import warnings
from pathlib import Path

import pytest

from alignment_toolkit import analysis as analysing
from alignment_toolkit import meanwhile as module
from alignment_toolkit.analysis import analyse
from alignment_toolkit.charts.style import _font, advance
from alignment_toolkit.company import Company
from alignment_toolkit.meanwhile import PROCESSES, meanwhile, processes

linux = pytest.mark.skipif(sys.platform != "linux", reason="copies are made on Linux only")


HERE = os.getpid()  # of the process that has collected this test, and runs it


def in_copy():
    return os.getpid() != HERE


def ended(pid, within=5.0):
    end = time.monotonic() + within
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                time.sleep(0.02)
                continue
        return True
    return False


def test_without_a_copy_the_work_is_done_when_its_result_is_asked_for():
    done = []
    with meanwhile(lambda: done.append(1) or os.getpid(), apart=False) as later:
        assert not done
        assert later() == os.getpid()


@linux
def test_a_copy_works_beside_and_is_gone_afterwards():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with meanwhile(os.getpid, apart=True) as later:
            other = later()
    assert other != os.getpid()
    assert ended(other, within=0.1)


@linux
def test_both_work_at_a_time(tmp_path):
    word = tmp_path / "word"

    def waits():
        while not word.exists():
            time.sleep(0.01)
        return os.getpid()

    with meanwhile(waits, apart=True) as later:
        word.touch()  # said while the copy works; without it there would be nothing to wait for
        assert later() != os.getpid()


@linux
def test_a_result_larger_than_a_pipe_comes_whole():
    with meanwhile(lambda: [str(n) * 10 for n in range(500_000)], apart=True) as later:
        assert later() == [str(n) * 10 for n in range(500_000)]


@linux
@pytest.mark.parametrize(
    "end",
    [
        lambda: os._exit(3),
        lambda: os.kill(os.getpid(), signal.SIGKILL),
        lambda: sys.exit("out"),
        lambda: 1 / 0,
    ],
    ids=["exit", "killed", "sys.exit", "error"],
)
def test_where_the_copy_ends_without_a_result_the_work_is_done_here(end):
    def work():
        if in_copy():
            end()
        return os.getpid()

    with meanwhile(work, apart=True) as later:
        assert later() == os.getpid()


@linux
def test_an_error_of_the_work_is_raised_here():
    def work():
        raise ValueError("three rows")

    with pytest.raises(ValueError, match="three rows"), meanwhile(work, apart=True) as later:
        later()


@linux
def test_what_cannot_be_sent_is_computed_here():
    with meanwhile(lambda: lambda: os.getpid(), apart=True) as later:
        assert later()() == os.getpid()


@linux
def test_a_result_that_breaks_off_is_not_used(monkeypatch):
    def broken(work, writing):
        os.write(writing, module.pickle.dumps(list(range(1000)))[:700])
        os._exit(0)

    monkeypatch.setattr(module, "_copy", broken)
    with meanwhile(lambda: "here", apart=True) as later:
        assert later() == "here"


@linux
def test_a_copy_that_hangs_costs_patience_and_no_more(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "PATIENCE", 0.5)
    told = tmp_path / "pid"

    def work():
        if in_copy():
            told.write_text(str(os.getpid()))
            time.sleep(600)
        return os.getpid()

    begun = time.monotonic()
    with meanwhile(work, apart=True) as later:
        assert later() == os.getpid()
    assert time.monotonic() - begun < 10
    assert ended(int(told.read_text()))


@linux
def test_whoever_leaves_early_leaves_no_copy_behind(tmp_path):
    told = tmp_path / "pid"

    def work():
        told.write_text(str(os.getpid()))
        time.sleep(600)

    def interrupted():
        with meanwhile(work, apart=True):
            while not (told.exists() and told.read_text()):
                time.sleep(0.01)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert ended(int(told.read_text()))


@linux
def test_the_copy_ends_with_the_process_that_it_was_made_from(tmp_path):
    told = tmp_path / "pid"
    code = f"""
import os, time
from pathlib import Path
from alignment_toolkit.meanwhile import meanwhile
told = Path({str(told)!r})
def work():
    told.write_text(str(os.getpid()))
    time.sleep(600)
with meanwhile(work, apart=True):
    while not (told.exists() and told.read_text()):
        time.sleep(0.01)
    os.kill(os.getpid(), 9)
"""
    pid = os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code])
    assert pid == -signal.SIGKILL
    assert ended(int(told.read_text()))


def test_only_a_run_allows_more_than_one(monkeypatch):
    monkeypatch.delenv(PROCESSES, raising=False)
    monkeypatch.setattr(module, "processors", lambda: 4)
    assert processes() == 1
    for told, allowed in {"2": 2, "8": 4, "0": 1, "": 1, "many": 1, "-2": 1}.items():
        monkeypatch.setenv(PROCESSES, told)
        assert processes() == (allowed if sys.platform == "linux" else 1)


def test_who_shares_a_machine_keeps_a_run_to_one_processor(monkeypatch):
    monkeypatch.delenv(PROCESSES, raising=False)
    there = module.processors()
    assert there >= 1
    for told, used in {"1": 1, "0": 1, "1000": there, "many": there}.items():
        monkeypatch.setenv(PROCESSES, told)
        assert module.processors() == used


@linux
def test_an_analysis_of_two_processes_is_that_of_one(sample, monkeypatch):
    options = {"indicators": ["dropped_leads"], "kpis": ["leads", "revenue"], "segmentations": ["value"]}
    alone = analyse(sample, "2026-Q3", **options)
    copies = []
    fork = os.fork
    monkeypatch.setattr(os, "fork", lambda: copies.append(1) or fork())
    monkeypatch.setattr(analysing, "processes", lambda: 2)
    assert analyse(sample, "2026-Q3", **options).dumps() == alone.dumps()
    assert len(copies) == 1
    assert alone.segments
    assert alone.attribution


@linux
def test_what_fails_beside_is_told_as_it_is_here(sample, monkeypatch):
    from alignment_toolkit import segmentation

    def fails(*_, **__):
        raise RuntimeError("no clients in the copy" if in_copy() else "no clients here")

    monkeypatch.setattr(segmentation, "segment_company", fails)
    monkeypatch.setattr(analysing, "processes", lambda: 2)
    found = analyse(sample, "2026-Q3", indicators=["dropped_leads"], kpis=["leads"], segmentations=["value"])
    assert any("no clients in the copy" in w for w in found.warnings)
    assert found.finding("dropped_leads").status == "misaligned"


@linux
def test_an_engine_with_threads_is_not_copied(sample_dir, monkeypatch):
    company = Company.open(sample_dir)
    assert company.backend.works_alone
    company.backend.con.execute("SET threads = 2")
    assert not company.backend.works_alone
    monkeypatch.setattr(analysing, "processes", lambda: 2)
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("a copy was made"))
    assert analyse(company, "2026-Q3", kpis=["leads"], indicators=[], segmentations=["value"]).kpis


@linux
def test_a_copy_reads_letters_from_a_file_of_its_own():
    """With one file for both, one process moved the place from which the other was reading."""
    letters = [chr(c) for c in range(0x100, 0x600) if _font().get_char_index(c)]

    def widths():
        own = _font()
        return [own.load_char(ord(c)).linearHoriAdvance for c in letters * 20]

    expected = [_font().load_char(ord(c)).linearHoriAdvance for c in letters * 20]
    with meanwhile(widths, apart=True) as later:
        assert [_font().load_char(ord(c)).linearHoriAdvance for c in letters * 20] == expected
        assert later() == expected


@linux
def test_neither_library_nor_toolkit_keeps_an_open_font_in_a_copy():
    from matplotlib import font_manager

    advance("a")
    font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    caches = (_font, font_manager._get_font)
    assert all(c.cache_info().currsize for c in caches)
    with meanwhile(lambda: [c.cache_info().currsize for c in caches], apart=True) as later:
        assert later() == [0, 0]
