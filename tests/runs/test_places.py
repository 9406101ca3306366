"""Folders of runs: no text leads out of the root, the pointer is swapped whole."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment_toolkit.runs.places import latest, point, slug

HOSTILE = [
    "", ".", "..", "...", "../x", "../../x", "/etc/passwd", "//x", "\\\\host\\share", "C:\\x", "~", "~root", "a/b",
    "a\\b", "\x00", "a\x00b", "a\nb", "\t", " ", " x", "x ", "x.", ".x", "-rf", "--", "CON", "con", "con.txt", "NUL",
    "aux.", "COM1", "lpt9.x", "latest", "LATEST", "FAILED.html", "failed.HTML", "x" * 300, "é" * 300, "🙂", "\u202etxt",
    "\ufeffx", "．．／x", "․․/x", "%2e%2e%2f", "$(touch x)", "`x`", "a;b", "a|b", "a*b", "a?b", 'a"b', "a'b", "<x>",
    ":", "a:b", "\ud800",
    *(f"..{sep}{word}" for sep in ("/", "\\", "//", "/./", "/../", "\x00/") for word in ("x", "..", "~", "CON", "é")),
    *(word + tail for word in ("x", "..", ".", "~", "CON", "latest", "*") for tail in ("", "/", ".", " ", "\n", "\r")),
    *(chr(n) for n in range(48)),
]  # fmt: skip


def test_the_corpus_is_large_enough():
    assert len(set(HOSTILE)) >= 150


@pytest.mark.parametrize("text", sorted(set(HOSTILE)), ids=ascii)
def test_no_text_leads_out_of_the_root(tmp_path, text):
    root = tmp_path / "root"
    folder = root / slug(text)
    folder.mkdir(parents=True)
    assert Path(os.path.realpath(folder)).parent == Path(os.path.realpath(root))
    assert [p.name for p in root.iterdir()] == [slug(text)]
    assert not slug(text).startswith((".", "-"))
    assert slug(text).casefold() not in ("latest", "failed.html")
    assert len(slug(text)) <= 80


@given(st.text(), st.text())
def test_two_texts_have_two_folders(one, other):
    assert (slug(one) == slug(other)) == (one == other)


def test_no_text_can_take_the_folder_of_another():
    assert slug("../../etc") != slug(slug("../../etc"))


@pytest.mark.parametrize(
    "label", ["2026", "2026-Q3", "2026-07", "2026-W28", "FY2026-Q2", "2026-07-01..2026-09-30", "all"]
)
def test_a_period_keeps_its_name(label):
    assert slug(label) == label


@pytest.mark.parametrize("links", [True, False])
def test_the_pointer_follows_and_a_reader_always_finds_a_whole_run(tmp_path, monkeypatch, links):
    if not links:

        def refuse(*_, **__):
            raise OSError("no links here")

        monkeypatch.setattr(Path, "symlink_to", refuse)
    for id in ("one", "two"):
        (tmp_path / id).mkdir()
        (tmp_path / id / "manifest.json").write_text("{}")
    assert latest(tmp_path) is None
    point(tmp_path, "one")
    assert latest(tmp_path) == tmp_path / "one"
    point(tmp_path, "two")
    assert latest(tmp_path) == tmp_path / "two"
    assert (tmp_path / "latest").is_symlink() == links
    if links:
        assert str((tmp_path / "latest").readlink()) == "two", "relative, so that the reports can be moved"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["latest", "one", "two"]


def test_whoever_reads_latest_meanwhile_reads_a_whole_run(tmp_path):
    for n in range(100):
        (tmp_path / f"run{n}").mkdir()
        (tmp_path / f"run{n}" / "manifest.json").write_text(f"run{n}" * 1000)
    point(tmp_path, "run0")
    seen, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            seen.append((tmp_path / "latest" / "manifest.json").read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(100):
        point(tmp_path, f"run{n}")
    stop.set()
    reader.join()
    assert len(set(seen)) > 1, "the reader saw the pointer move"
    assert all(text == text[: len(text) // 1000] * 1000 for text in seen)


def test_the_formats_of_the_settings_are_all_written() -> None:
    from alignment_toolkit.runs import default_formats

    assert default_formats(["xlsx", "html", "xlsx"]) == ("xlsx", "html")
    assert default_formats([]) == ("html",)


def test_names_that_differ_only_in_case_have_folders_that_do_not():
    texts = ["region=North", "region=NORTH", "region=north", "region=South"]
    names = [slug(text, texts) for text in texts]
    assert len({name.casefold() for name in names}) == 4
    assert names[-1] == "region=South"
    # One that looks like such a name can't take its folder.
    assert slug(names[0], texts) != names[0]
