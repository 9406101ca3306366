"""Files: by suffix or into a folder, whole or not at all, and errors that name what is built."""

from __future__ import annotations

import dataclasses
import os
import stat
import subprocess
import sys

import pytest

from alignment_toolkit.errors import ExportFailed, ParameterError
from alignment_toolkit.report import Report
from alignment_toolkit.report.files import write_whole
from alignment_toolkit.results import Analysis
from tests.report import builders


@pytest.fixture(scope="module")
def small():
    return Analysis.empty(company="Acme", currency="EUR", period="2026-Q3")


@pytest.mark.parametrize(
    ("name", "start"), [("a.html", "<!DOCTYPE html>"), ("a.HTML", "<!DOCTYPE html>"), ("a.json", "{")]
)
def test_the_suffix_names_the_format(small, tmp_path, name, start):
    path = Report.of(small).save(tmp_path / name)
    assert path.read_text(encoding="utf-8").startswith(start)


def test_the_json_is_the_analysis_without_loss(tmp_path):
    whole = builders.analysis()
    path = Report.of(whole).save(tmp_path / "analysis.json")
    again = Analysis.loads(path.read_text(encoding="utf-8"))
    assert again.to_json() == whole.to_json()
    assert Report.of(again).text("html") == Report.of(whole).text("html")


def test_write_gives_the_paths_by_format(small, tmp_path):
    paths = Report.of(small).write(tmp_path / "new" / "folder")
    names = {f: f"report.{f}" for f in ("html", "pdf", "pptx", "xlsx")} | {"json": "analysis.json"}
    assert paths == {f: tmp_path / "new/folder" / name for f, name in names.items()}
    assert sorted(p.name for p in (tmp_path / "new/folder").iterdir()) == sorted(names.values())
    starts = {f: path.read_bytes()[:4] for f, path in paths.items()}
    assert starts == {
        "html": b"<!DO",
        "pdf": b"%PDF",
        "pptx": b"PK\x03\x04",
        "xlsx": b"PK\x03\x04",
        "json": b'{\n "',
    }


@pytest.mark.parametrize(
    ("format", "said"),
    [
        ("htm", "Did you mean 'html'?"),
        ("doc", "There is: html, json, pdf, pptx, xlsx."),
    ],
)
def test_a_format_that_is_not_there(small, tmp_path, format, said):
    with pytest.raises(ParameterError) as e:
        Report.of(small).write(tmp_path, formats=("html", format))
    assert said in str(e.value)
    assert e.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_a_suffix(small, tmp_path):
    with pytest.raises(ParameterError, match="html, json, pdf, pptx, xlsx"):
        Report.of(small).save(tmp_path / "report")


def test_an_audience_or_a_kind_that_there_is_not(small):
    for make in (lambda **a: Report.of(small, **a), lambda **a: Report(small, **a)):
        with pytest.raises(ParameterError, match="Did you mean 'internal'"):
            make(audience="internl")
        with pytest.raises(ParameterError, match="Did you mean 'workshop'"):
            make(kind="workshp")


def test_what_cannot_be_written_is_named_and_nothing_is_lost(small, tmp_path):
    (tmp_path / "file").write_text("here", encoding="utf-8")
    with pytest.raises(ExportFailed) as e:
        Report.of(small).save(tmp_path / "file" / "report.html")
    assert str(tmp_path / "file" / "report.html") in str(e.value)
    assert e.value.exit_code == 8
    assert (tmp_path / "file").read_text(encoding="utf-8") == "here"


@pytest.mark.parametrize("failing", ["open", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_report(small, tmp_path, monkeypatch, failing):
    target = tmp_path / "report.html"
    target.write_text("the old one", encoding="utf-8")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    where = {"open": "pathlib.Path.open", "fsync": "os.fsync", "replace": "pathlib.Path.replace"}[failing]
    monkeypatch.setattr(where, full)
    with pytest.raises(ExportFailed, match="No space left on device"):
        Report.of(small).save(target)
    monkeypatch.undo()
    assert target.read_text(encoding="utf-8") == "the old one"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_a_link_in_the_folder_is_replaced_not_followed(small, tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("mine", encoding="utf-8")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "report.html").symlink_to(outside)
    Report.of(small).write(folder, formats=("html",))
    assert outside.read_text(encoding="utf-8") == "mine"
    assert not (folder / "report.html").is_symlink()


def test_a_report_can_be_read_by_others(tmp_path):
    before = os.umask(0o022)
    try:
        path = write_whole(tmp_path / "a.html", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_json_needs_no_drawing_library(project_dir):
    code = (
        "import sys; from alignment_toolkit.report import Report; from alignment_toolkit.results import Analysis\n"
        "Report.of(Analysis.empty(company='A', currency='EUR', period='2026')).text('json')\n"
        "assert not {'matplotlib', 'jinja2', 'pandas', 'typst', 'pptx', 'xlsxwriter'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=project_dir)


def test_a_report_is_frozen(small):
    with pytest.raises(dataclasses.FrozenInstanceError):
        Report.of(small).audience = "public"  # type: ignore[misc]
