"""The cache of written SQL: it is used by the next process, it never lies, and nothing fails for want of it."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import stat
import time
from datetime import datetime
from pathlib import Path

import pytest

from alignment_toolkit.analysis import analyse
from alignment_toolkit.company import Company
from alignment_toolkit.sources import engine, kept
from tests.builders import written


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Name an empty cache of the test's own."""
    monkeypatch.setenv("ALIGNMENT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "sql"


def digest(n: int) -> bytes:
    return n.to_bytes(32, "big")


def forget(monkeypatch) -> list[int]:
    """Do as a new process does; count what it writes."""
    monkeypatch.setattr(engine, "WRITTEN", engine._Latest())
    monkeypatch.setattr(engine, "BUILT", engine._Latest())
    asked: list[int] = []
    usual = engine.DuckDB.compiler.to_sqlglot
    monkeypatch.setattr(
        engine._Compiler, "to_sqlglot", lambda self, *a, **k: asked.append(1) or usual(*a, **k)
    )
    return asked


def told(company, **chosen) -> str:
    return json.dumps(analyse(company, "2026-Q3", **chosen).to_json())


def alike_with_and_without(company, monkeypatch, **chosen) -> None:
    """Hold an analysis on an empty cache against one that finds all there and one without any."""
    asked = forget(monkeypatch)
    cold = told(company, **chosen)
    assert asked
    asked = forget(monkeypatch)
    assert told(company, **chosen) == cold
    assert asked == []
    monkeypatch.setenv("ALIGNMENT_CACHE", "off")
    asked = forget(monkeypatch)
    assert told(company, **chosen) == cold
    assert asked


def test_the_next_process_writes_no_query_and_says_the_same(cache, tmp_path, monkeypatch):
    rows = [{"lead_id": f"l{n}", "created_at": datetime(2026, 1 + n % 9, 3, n % 24)} for n in range(60)]
    company = Company.open(written({"leads": rows}, tmp_path))
    chosen = {"kpis": ["leads"], "indicators": [], "segmentations": [], "compare": "none"}
    alike_with_and_without(company, monkeypatch, **chosen)
    assert all(stat.S_IMODE(f.stat().st_mode) == 0o600 for f in cache.iterdir())
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    monkeypatch.setenv("ALIGNMENT_CACHE", str(cache.parent))
    asked = forget(monkeypatch)
    analyse(company, "2026-Q2", **chosen)
    assert asked == [], "another period is another query, but it is not written in another way"


@pytest.mark.slow
def test_a_whole_analysis_is_the_same_with_and_without_a_cache(cache, sample_dir, monkeypatch):
    alike_with_and_without(Company.open(sample_dir), monkeypatch)


def test_what_is_kept_comes_back_and_nothing_else_does(cache):
    assert kept.get(digest(1)) is None
    kept.put(digest(1), "SELECT 'é'")
    assert kept.get(digest(1)) == "SELECT 'é'"
    assert kept.get(digest(2)) is None
    assert [f.suffix for f in cache.iterdir()] == [""]


@pytest.mark.parametrize(
    "torn",
    [b"", b"SELECT 1", b"\xff\xfe\n\x00", bytes(5000), None],
    ids=["empty", "foreign", "bytes", "zeros", "half"],
)
def test_a_torn_or_foreign_file_is_written_anew(cache, torn):
    kept.put(digest(1), "SELECT 1 -- as it was")
    (file,) = cache.iterdir()
    file.write_bytes(file.read_bytes()[:-3] if torn is None else torn)
    assert kept.get(digest(1)) is None
    kept.put(digest(1), "SELECT 1")
    assert kept.get(digest(1)) == "SELECT 1"


def test_a_file_under_another_name_is_not_used(cache):
    kept.put(digest(1), "SELECT 1")
    kept.put(digest(2), "SELECT 2")
    one, two = sorted(cache.iterdir())
    other = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(other)
    assert kept.get(digest(1)) is None
    assert kept.get(digest(2)) is None


def test_what_another_version_wrote_is_not_used(cache, monkeypatch):
    kept.put(digest(1), "SELECT 1")
    usual = kept.version
    for library in ("ibis-framework", "sqlglot", "duckdb"):
        with monkeypatch.context() as other:
            other.setattr(kept, "version", lambda name, new=library: "99.0" if name == new else usual(name))
            kept._versions.cache_clear()
            assert kept.get(digest(1)) is None
    kept._versions.cache_clear()
    assert kept.get(digest(1)) == "SELECT 1"


def test_without_a_place_all_goes_on(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    for named in ("off", str(tmp_path / "file"), str(tmp_path / "file" / "deeper"), "\0"):
        monkeypatch.setattr(os, "environ", {**os.environ, "ALIGNMENT_CACHE": named})
        kept.put(digest(1), "SELECT 1")
        assert kept.get(digest(1)) is None


def test_a_folder_that_others_may_write_to_is_not_used(cache):
    cache.mkdir(parents=True)
    cache.chmod(0o777)
    kept.put(digest(1), "SELECT 1")
    assert list(cache.iterdir()) == []


@pytest.mark.skipif(os.name != "posix" or not os.getuid(), reason="root may write anywhere")
def test_a_folder_without_leave_to_write_is_borne(cache):
    kept.put(digest(1), "SELECT 1")
    cache.chmod(0o500)
    try:
        kept.put(digest(2), "SELECT 2")
        assert kept.get(digest(1)) == "SELECT 1"
        assert kept.get(digest(2)) is None
    finally:
        cache.chmod(0o700)


def test_a_full_disk_is_borne(cache, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as none_left:
        none_left.setattr(Path, "replace", full)
        kept.put(digest(1), "SELECT 1")
    assert kept.get(digest(1)) is None
    assert list(cache.iterdir()) == []


def test_the_oldest_make_room_and_what_was_left_half_made_goes(cache, monkeypatch):
    monkeypatch.setattr(kept, "MOST", 10)
    for n in range(12):
        kept.put(digest(n), "SELECT 1")
        os.utime(cache / kept._name(digest(n)), (n, n))
    for name, when in (("old.new", 1), ("young.new", time.time())):
        (cache / name).write_text("half")
        os.utime(cache / name, (when, when))
    kept._swept.cache_clear()
    kept.put(digest(12), "SELECT 1")
    left = {f.name for f in cache.iterdir()}
    # Of half as many as may be there, the half-made one of a process at work is one.
    assert left == {"young.new", *(kept._name(digest(n)) for n in (12, 11, 10, 9))}


def _work(begin: int) -> None:
    while True:
        for n in range(begin, begin + 50):
            kept.put(digest(n % 60), f"SELECT {n % 60}" * 2000)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_processes_beside_each_other_that_are_killed_leave_nothing_wrong(cache):
    fork = multiprocessing.get_context("fork")
    for _ in range(3):
        workers = [fork.Process(target=_work, args=(n,)) for n in (0, 30)]
        for worker in workers:
            worker.start()
        time.sleep(0.2)
        for worker in workers:
            os.kill(worker.pid, signal.SIGKILL)
            worker.join()
    found = {n: sql for n in range(60) if (sql := kept.get(digest(n))) is not None}
    assert len(found) > 10
    assert all(sql == f"SELECT {n}" * 2000 for n, sql in found.items())
