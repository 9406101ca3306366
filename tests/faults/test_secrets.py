"""Fault 22: the value of a secret variable stands in no file, page, log or message, whatever a notebook does."""

from __future__ import annotations

import base64
import json
import re
import zipfile

import pytest

from alignment_toolkit.cli import main
from alignment_toolkit.errors import AlignmentError, CellFailed, ParameterError
from alignment_toolkit.runs import perform, performing, plan
from alignment_toolkit.secrets import Scrubber
from tests.runs.conftest import FINISH

CANARY = "c4nary-Wr3n/7&x"
CANARIES = {
    "DB_WORD": CANARY,
    "CRM_TOKEN": f"{CANARY}-2",
    "SALES_ADDRESS": "postgres://me:c4nary-Wr3n-7x3@host/db",
}
FORMS = [CANARY, "c4nary-Wr3n%2F7%26x", "c4nary-Wr3n/7&amp;x", base64.b64encode(CANARY.encode()).decode()]
TELLING = f"""import os, base64, html, urllib.parse
print(os.environ)
print(dict(os.environ))
w = os.environ["DB_WORD"]
_ = os.system("echo $DB_WORD")
print(urllib.parse.quote(w, safe=""), html.escape(w), base64.b64encode(w.encode()).decode())
%env DB_WORD
%env
{FINISH}"""
LOCALS = "%xmode Verbose\nimport os\ndef connect(word):\n    return 1 / 0\nconnect(os.environ['DB_WORD'])"
ADDRESS = "import os\nraise ConnectionError('no answer from ' + os.environ['SALES_ADDRESS'])"
DEATH = """import os
os.write(2, b'ConnectionError: ' + os.environ['DB_WORD'].encode())
os._exit(0)"""
WRITTEN = f"""{FINISH}
import os, pathlib
_ = pathlib.Path(os.environ['ALIGNMENT_RUN_FOLDER'], 'more.txt').write_text(os.environ['DB_WORD'])"""
ZIPPED = f"""{FINISH}
import os, zipfile
with zipfile.ZipFile(os.environ['ALIGNMENT_RUN_FOLDER'] + '/more.zip', 'w', zipfile.ZIP_DEFLATED) as file:
    file.writestr('a', os.environ['DB_WORD'] * 9)"""

CHAINED = """import os
try:
    raise OSError('refused: ' + os.environ['DB_WORD'])
except OSError as e:
    raise RuntimeError('no data') from e"""
LOGGED = f"""import logging, os, subprocess, sys, warnings
logging.getLogger("any").error("with %s", os.environ["DB_WORD"])
warnings.warn("with " + os.environ["DB_WORD"])
_ = subprocess.run([sys.executable, "-c", "import os, sys; sys.stderr.write(os.environ['DB_WORD'])"])
{FINISH}"""
SHOWN = f"""import os
from IPython.display import HTML, display
display(HTML("<b>" + os.environ["DB_WORD"] + "</b>"), metadata={{"where": os.environ["DB_WORD"]}})
{FINISH}
os.environ["DB_WORD"]"""


@pytest.fixture
def canaries(monkeypatch):
    for name, value in CANARIES.items():
        monkeypatch.setenv(name, value)


def told_by(plan, capfd) -> str:
    """Perform a plan and give all that anybody can read of it."""
    said = ""
    try:
        perform(plan)
    except AlignmentError as e:
        said = (
            f"{e} {e.__notes__ if hasattr(e, '__notes__') else ''} {Scrubber.of(plan.secrets).report_of(e)}"
        )
    out, err = capfd.readouterr()
    files = [p for p in plan.out.rglob("*") if p.is_file()]
    texts = [p.read_bytes().decode("utf-8", "replace") for p in files]
    for path in files:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as members:
                texts += [members.read(m).decode("utf-8", "replace") for m in members.namelist()]
    return "\n".join([said, out, err, *texts])


WAYS = {
    "locals": LOCALS, "address": ADDRESS, "death": DEATH, "written": WRITTEN, "zipped": ZIPPED, "chained": CHAINED,
    "logged": LOGGED, "shown": SHOWN,
}  # fmt: skip


@pytest.mark.usefixtures("canaries")
@pytest.mark.parametrize(
    "source",
    [
        pytest.param(TELLING, id="printed"),
        *(pytest.param(s, id=n, marks=pytest.mark.faults) for n, s in WAYS.items()),
    ],
)
def test_a_secret_is_told_nowhere(make_plan, capfd, source):
    told = told_by(make_plan(source, secrets=("DB_WORD",)), capfd)
    assert len(told) > 200
    for form in [*FORMS, *CANARIES.values()]:
        assert form not in told


@pytest.mark.faults
@pytest.mark.usefixtures("canaries")
@pytest.mark.parametrize("way", ["printed", *WAYS])
def test_without_the_guard_the_secret_is_found(make_plan, capfd, monkeypatch, way):
    monkeypatch.setattr(performing.Scrubber, "of", classmethod(lambda cls, *_: cls()))
    told = told_by(make_plan({"printed": TELLING, **WAYS}[way], secrets=("DB_WORD",)), capfd)
    forms = FORMS if way == "printed" else [CANARIES["SALES_ADDRESS"] if way == "address" else CANARY]
    assert all(form in told for form in forms)


def test_the_working_folder_is_no_secret_though_its_name_ends_like_a_password():
    told = {"PWD": "/srv/acme", "OLDPWD": "/srv/other", "DB_PWD": "w0rd/of/some"}
    scrub = Scrubber.of(environment=told)
    assert scrub("/srv/acme /srv/other w0rd/of/some") == "/srv/acme /srv/other ${DB_PWD}"


@pytest.mark.usefixtures("canaries")
def test_a_file_with_a_secret_is_not_published_and_the_variable_is_named(make_plan, monkeypatch):
    def execute(node, name, parameters, *, folder, **_):
        monkeypatch.setenv("ALIGNMENT_RUN_FOLDER", str(folder))
        exec(compile("period = '2026-Q3'\n" + WRITTEN, "cell", "exec"), {})
        return node

    monkeypatch.setattr(performing, "execute", execute)
    plan = make_plan(secrets=("DB_WORD",))
    with pytest.raises(CellFailed, match=r"'DB_WORD' into more\.txt"):
        perform(plan)
    assert CANARY not in (plan.key / "FAILED.html").read_text()


@pytest.mark.usefixtures("canaries")
def test_a_parameter_that_is_a_secret_is_refused(sample_dir, tmp_path):
    settings = tmp_path / "alignment.toml"
    settings.write_text(f'[source]\nurl = "{sample_dir}"\n[privacy]\nkey = "${{DB_WORD}}"\n')
    with pytest.raises(ParameterError, match=r"'compare' holds a secret.*\$\{DB_WORD\}") as told:
        plan(str(settings), given={"compare": CANARY}, out=tmp_path / "reports")
    assert CANARY not in str(told.value)


@pytest.mark.usefixtures("canaries")
def test_the_command_tells_no_secret_in_messages_and_tracebacks(monkeypatch, capsys, tmp_path):
    from alignment_toolkit import runs

    def fail(*_):
        raise RuntimeError(f"no connection to {CANARIES['SALES_ADDRESS']} with {CANARY}")

    monkeypatch.setattr(runs, "history", fail)
    (tmp_path / "alignment.toml").write_text('[source]\nurl = "postgres://me:${DB_WORD}@host/db"\n')
    for debug in ([], ["--debug"]):
        assert main([*debug, "runs", "--out", str(tmp_path / "alignment.toml")]) == 1
        err = capsys.readouterr().err
        assert CANARY not in err
        assert "no connection to ${SALES_ADDRESS} with ${DB_WORD}" in err


def test_what_is_no_secret_is_left_alone():
    environment = {
        "A_TOKEN": "short",
        "B_TOKEN": "marketing",
        "PLACE": "the third floor",
        "C_TOKEN": "Marketing-7",
    }
    scrub = Scrubber.of(["B_TOKEN"], environment)
    text = "short marketing the third floor Marketing-7"
    assert scrub(text) == "short marketing the third floor ${C_TOKEN}"
    assert re.fullmatch(r'{"a": \["\$\{C_TOKEN\}", 1\]}', json.dumps(scrub.clean({"a": ["Marketing-7", 1]})))
    assert scrub.found_in(b"x Marketing-7 y") == "C_TOKEN"
    assert scrub.found_in(text[:20].encode()) is None
