"""The command explore: what it puts where, and what it says where it cannot."""

from __future__ import annotations

import json
import sys

import pytest

from alignment_toolkit.cli import main
from alignment_toolkit.cli.explore import _app, _kernel_names, _lab, _put_notebooks, _serve
from alignment_toolkit.explorer import View
from alignment_toolkit.notebooks import bundled, parameters_of, read_notebook
from alignment_toolkit.notebooks.kernels import NAMES, ThisKernel


def source_of(path):
    return {p.name: p.default for p in parameters_of(read_notebook(path), path.stem)}["source"]


def test_the_notebooks_are_put_there_with_the_source_and_what_was_changed_stays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'da"ta').mkdir()
    _put_notebooks(tmp_path / "explorer", 'da"ta', "07_explore")
    for path in sorted((tmp_path / "explorer").glob("*.ipynb")):
        assert source_of(path) == '../da"ta'
    assert len(list((tmp_path / "explorer").glob("*.ipynb"))) == len(
        list(bundled("notebooks").glob("*.ipynb"))
    )
    own = tmp_path / "explorer" / "07_explore.ipynb"
    own.write_text(own.read_text(encoding="utf-8").replace("revenue", "win-rate", 1), encoding="utf-8")
    _put_notebooks(tmp_path / "explorer", "sample", "07_explore")
    assert source_of(own) == "sample"
    assert "win-rate" in own.read_text(encoding="utf-8")


def test_what_cannot_be_opened_is_said_before_anything_is_started(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("alignment_toolkit.cli.explore._serve", lambda *a: pytest.fail("started"))
    assert main(["explore", "nowhere"]) == 2
    assert "There is no nowhere" in capsys.readouterr().err
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["explore", "sample", "--app"]) == 2
    assert "voila is not installed" in (said := capsys.readouterr().err)
    assert "alignment-toolkit[app]" in said
    assert list(tmp_path.iterdir()) == []


def test_servers_listen_to_this_machine_alone_and_have_one_kernel():
    for words in (_lab("a.ipynb", 1234, True), _app("a.ipynb", 1234, True)):
        assert any(w.endswith("ip=127.0.0.1") for w in words)
        assert any(w.endswith("kernels.ThisKernel") for w in words)
        assert "--no-browser" in words


def test_whatever_kernel_a_notebook_names_it_is_this_environments(tmp_path, monkeypatch):
    (tmp_path / "a.ipynb").write_text(json.dumps({"metadata": {"kernelspec": {"name": "old-env"}}}))
    (tmp_path / "b.ipynb").write_text("no json")
    assert _kernel_names(tmp_path) == ["old-env"]
    monkeypatch.setenv(NAMES, "old-env")
    found = ThisKernel().get_all_specs()
    assert set(found) == {"python3", "old-env"}
    assert all(spec["spec"]["argv"][0] == sys.executable for spec in found.values())


def test_a_server_ends_with_ctrl_c(tmp_path, monkeypatch, capsys):
    import subprocess

    started = []

    class Server(subprocess.Popen):
        def __init__(self, words, **options):
            super().__init__([sys.executable, "-c", "import time; time.sleep(60)"], **options)
            started.append(self)

        def wait(self, timeout=None):
            if timeout is None and self.poll() is None:
                raise KeyboardInterrupt
            return super().wait(timeout)

    monkeypatch.setattr("alignment_toolkit.cli.explore.subprocess.Popen", Server)
    assert _serve(["voila"], tmp_path, {}) == 0
    assert started[0].returncode is not None


def test_a_view_that_was_kept_is_run_and_what_the_command_says_goes_before_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    kept = tmp_path / "view.json"
    kept.write_text(View.of(period="2026-Q2", kpi="leads", only="region=North").dumps())
    asked = ["run", "sample", "--notebook", "07_explore", "--parameters", "view.json", "--dry-run", "--json"]
    assert main(asked) == 0
    told = json.loads(capsys.readouterr().out)["parameters"]
    assert (told["period"], told["kpi"], told["only"]) == ("2026-Q2", "leads", ["region=North"])
    assert main([*asked, "--period", "2026-Q3", "--set", "kpi=arpu"]) == 0
    told = json.loads(capsys.readouterr().out)["parameters"]
    assert (told["period"], told["kpi"]) == ("2026-Q3", "arpu")
    for text, said in (
        ("[]", "one object"),
        ("{", "could not be read"),
        ('{"source": "x"}', "names a source"),
    ):
        kept.write_text(text)
        assert main(asked) == 2
        assert said in capsys.readouterr().err
