"""Notices reach those whom the settings name, carry no secret, and change no run."""

from __future__ import annotations

import http.server
import json
import os
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace

import pytest

from alignment_toolkit.cli.notices import noticed
from alignment_toolkit.errors import DataError, SettingsError
from alignment_toolkit.results import Analysis
from alignment_toolkit.runs import Run
from alignment_toolkit.runs import notices as notices_module
from alignment_toolkit.runs.notices import Notices, scrubbed, summary_text
from alignment_toolkit.settings import Settings
from tests.report.test_questions import aligned

CANARY = "canary-7f31"
FACTS = {"notebook": "n", "company": "Acme", "period": "2026-Q3", "slice": "all"}


@pytest.fixture
def run(tmp_path):
    """Give a published run with one finding of high severity."""
    analysis = Analysis.empty(company="Acme", currency="EUR", period="2026-Q3")
    found = replace(aligned(1)[0], status="misaligned", severity="high", title="Leads are dropped")
    (tmp_path / "analysis.json").write_text(replace(analysis, findings=(found,)).dumps())
    (tmp_path / "report.html").write_text("<p>the report</p>")
    return Run(tmp_path, {**FACTS, "artefacts": {}})


@pytest.fixture
def sent(run):
    """Send a notice of that run by these settings; give the warnings."""

    def send(toml, *, failed=False):
        warnings = []
        notices = Notices(Settings.from_toml(toml), "run", warnings.append)
        notices.published(run)
        if failed:
            notices.failed(FACTS, "code cell 2: no\r\nBcc: x@example.com", 4)
        notices.send()
        return warnings

    return send


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, dict(self.headers), json.loads(body)))
        self.send_response(self.server.answer)
        if self.server.answer == 302:
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/other")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def hook():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.seen, server.answer = [], 200
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_webhook_gets_the_summary_and_its_secret_header(hook, sent, monkeypatch):
    monkeypatch.setenv("TOKEN", CANARY)
    monkeypatch.setenv("HOOK", f"http://127.0.0.1:{hook.server_port}/{CANARY}")
    toml = '[notify.webhook]\nurl = "${HOOK}"\nheaders = { Authorization = "${TOKEN}" }'
    assert sent(toml, failed=True) == []
    ((path, headers, body),) = hook.seen
    assert path == f"/{CANARY}"
    assert headers["Authorization"] == CANARY
    assert (body["published"], body["failed"], body["because"]) == (1, 1, ["findings", "failed"])
    assert body["runs"][0]["findings"][0]["title"] == "Leads are dropped"
    assert body["text"] == summary_text(body)
    assert "high: Leads are dropped" in body["text"]


@pytest.mark.parametrize("answer", [302, 404, 500])
def test_a_server_that_refuses_is_a_warning_without_the_secret(hook, sent, monkeypatch, answer):
    hook.answer = answer
    monkeypatch.setenv("HOOK", f"http://127.0.0.1:{hook.server_port}/{CANARY}")
    (warning,) = sent('[notify.webhook]\nurl = "${HOOK}"')
    assert str(answer) in warning
    assert CANARY not in warning
    assert [path for path, _, _ in hook.seen] == [f"/{CANARY}"], (
        "what was meant for one address goes to no other"
    )


def test_a_server_that_is_not_there_and_a_variable_that_is_not_set_are_warnings(sent, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("HOOK", f"http://127.0.0.1:{port}/{CANARY}")
    (warning,) = sent('[notify.webhook]\nurl = "${HOOK}"')
    assert warning.startswith("no notice by webhook: the server could not be reached")
    assert CANARY not in warning
    monkeypatch.delenv("HOOK")
    (warning,) = sent('[notify.webhook]\nurl = "${HOOK}"')
    assert "'HOOK' is not set" in warning


@pytest.fixture
def mail_server():
    """Speak as much SMTP as a client needs; keep what came."""
    door = socket.create_server(("127.0.0.1", 0))
    kept = {"to": [], "data": "", "refuse": False}

    def serve():
        with door.accept()[0] as caller:
            lines = caller.makefile("rb")
            caller.sendall(b"220 hello\r\n")
            while line := lines.readline():
                word = line[:4].upper()
                if word == b"DATA":
                    caller.sendall(b"354 go on\r\n")
                    while (text := lines.readline()) != b".\r\n":
                        kept["data"] += text.decode()
                if word == b"RCPT":
                    kept["to"].append(line.decode().strip())
                    if kept["refuse"]:
                        caller.sendall(b"550 nobody here\r\n")
                        continue
                caller.sendall(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
                if word == b"QUIT":
                    return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    kept["port"] = door.getsockname()[1]
    yield kept
    thread.join(5)
    door.close()


MAIL = """[notify.smtp]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "toolkit@example.com"
to = ["head@example.com", "other@example.com"]
attach = ["report.html", "none.pdf"]
"""


def test_a_mail_has_the_summary_in_words_and_attached(sent, mail_server):
    from email import message_from_string, policy

    assert sent(MAIL.format(**mail_server), failed=True) == []
    letter = message_from_string(mail_server["data"], policy=policy.default)
    assert letter["Subject"] == "Alignment: Acme, 2026-Q3: FAILED"
    assert letter["Bcc"] is None
    assert len(mail_server["to"]) == 2
    assert "high: Leads are dropped" in letter.get_body().get_content()
    files = {part.get_filename(): part.get_content() for part in letter.iter_attachments()}
    assert json.loads(files["summary.json"])["failed"] == 1
    assert files["2026-Q3 report.html"].strip() == "<p>the report</p>"
    assert letter["Date"] is not None
    assert letter["Message-ID"].endswith("@example.com>")


def test_a_mail_attaches_what_fits_and_names_the_rest(sent, mail_server, monkeypatch):
    from email import message_from_string, policy

    monkeypatch.setattr(notices_module, "MOST_ATTACHED", 10)
    assert sent(MAIL.format(**mail_server)) == []
    letter = message_from_string(mail_server["data"], policy=policy.default)
    assert [part.get_filename() for part in letter.iter_attachments()] == ["summary.json"]
    assert "Not attached, because a mail holds 0 MB: " in letter.get_body().get_content()
    assert "/report.html" in letter.get_body().get_content()


def test_a_mail_that_is_refused_is_a_warning(sent, mail_server):
    mail_server["refuse"] = True
    (warning,) = sent(MAIL.format(**mail_server))
    assert warning == (
        "no notice by smtp: the mail server refused everybody it is for: head@example.com: 550 nobody here; "
        "other@example.com: 550 nobody here."
    )


def test_a_command_gets_the_summary_and_one_that_fails_is_a_warning(sent, tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET", CANARY)
    keep = f"import sys; open({str(tmp_path / 'got')!r}, 'w').write(sys.stdin.read() + sys.argv[1])"
    toml = f"[notify.command]\nrun = {json.dumps([sys.executable, '-c', keep, '${SECRET}'])}"
    assert sent(toml) == []
    assert (tmp_path / "got").read_text().endswith(CANARY)
    fails = [sys.executable, "-c", "import sys; sys.exit(sys.argv[1])", "${SECRET}"]
    (warning,) = sent(f"[notify.command]\nrun = {json.dumps(fails)}")
    assert warning == "no notice by command: the command ended with exit code 1. ***"
    (warning,) = sent('[notify.command]\nrun = ["no-such-program-here"]')
    assert warning == "no notice by command: there is no program 'no-such-program-here'."


def test_a_command_that_hangs_is_ended_with_all_it_started_and_its_secret_is_not_told(
    sent, tmp_path, monkeypatch
):
    monkeypatch.setenv("SECRET", 'canary"7\\f31')  # repr and JSON write it otherwise
    mark = tmp_path / "late"
    hang = ["sh", "-c", f"(sleep 1; touch '{mark}') & sleep 9", "${SECRET}"]
    (warning,) = sent(f"[notify.command]\nrun = {json.dumps(hang)}\nseconds = 0.2")
    assert warning == "no notice by command: the command took longer than 0.2 seconds and was ended."
    time.sleep(1.2)
    assert not mark.exists()
    assert scrubbed(repr(os.environ["SECRET"]), [os.environ["SECRET"]]) == "'***'"


def test_a_server_that_answers_a_byte_at_a_time_holds_nothing_up(sent, monkeypatch):
    monkeypatch.setattr(notices_module, "GRACE", 0.1)
    door = socket.create_server(("127.0.0.1", 0))

    def drip():
        with door.accept()[0] as caller:
            for byte in b"HTTP/1.1 200 OK":
                time.sleep(0.1)  # each byte comes in time
                with suppress(OSError):
                    caller.sendall(bytes([byte]))

    dripping = threading.Thread(target=drip, daemon=True)
    dripping.start()
    port, began = door.getsockname()[1], time.monotonic()
    (warning,) = sent(f'[notify.webhook]\nurl = "http://127.0.0.1:{port}/"\nseconds = 0.3')
    assert time.monotonic() - began < 2
    assert warning == "no notice by webhook: it took longer than 0.3 seconds."
    dripping.join(10)
    door.close()


def test_a_password_in_the_message_of_a_failure_is_not_sent(hook, sent, monkeypatch):
    monkeypatch.setenv("DB_PASSWORD", CANARY)
    notices = Notices(
        Settings.from_toml(f'[notify.webhook]\nurl = "http://127.0.0.1:{hook.server_port}/"'),
        "run",
        pytest.fail,
    )
    notices.failed(FACTS, f"no route to postgres://me:{CANARY}@host/crm", 3)
    notices.send()
    assert hook.seen[0][2]["runs"][0]["message"] == "no route to postgres://me:${DB_PASSWORD}@host/crm"


def test_what_is_not_worth_a_notice_sends_none(hook, run):
    toml = f'[notify]\non = {{}}\n[notify.webhook]\nurl = "http://127.0.0.1:{hook.server_port}/"'

    def send(on, one):
        notices = Notices(Settings.from_toml(toml.replace("{}", json.dumps(on))), "run", pytest.fail)
        notices.published(one)
        notices.send()
        return len(hook.seen)

    assert send(["failed", "alarms"], run) == 0
    assert send(["findings", "published"], replace(run, fresh=False)) == 0, "done already is no news"
    assert send(["published"], run) == 1


def test_data_that_is_refused_before_any_run_is_told_too(hook, tmp_path):
    (tmp_path / "alignment.toml").write_text(
        f'[notify.webhook]\nurl = "http://127.0.0.1:{hook.server_port}/"'
    )
    with pytest.raises(DataError), noticed(str(tmp_path), "run", {"notebook": "n", "period": "2026-Q3"}):
        raise DataError("leads.csv, row 7")
    ((_, _, body),) = hook.seen
    assert body["runs"][0]["message"] == "leads.csv, row 7"
    assert body["runs"][0]["code"] == 3


@pytest.mark.parametrize(
    "toml",
    [
        '[notify.webhook]\nurl = "https://me:pw@example.com/"',
        '[notify.webhook]\nurl = "https://example.com/?token=abc"',
        '[notify.webhook]\nurl = "https://example.com/"\nheaders = { Authorization = "abc" }',
        MAIL.format(port=25) + 'user = "me"\npassword = "pw"',
        MAIL.format(port=25).replace("127.0.0.1", "mail.example.com") + 'user = "me"\npassword = "${PW}"',
        MAIL.format(port=25).replace("toolkit@", "a\\nBcc: toolkit@"),
        "[notify.command]\nrun = []",
        '[notify]\non = ["sometimes"]',
    ],
)
def test_a_secret_in_the_open_and_impossible_values_are_refused(toml):
    with pytest.raises(SettingsError) as told:
        Settings.from_toml(toml)
    assert "abc" not in str(told.value)
    assert "pw" not in str(told.value)


def test_notify_is_no_part_of_what_is_published():
    settings = Settings.from_toml('[notify]\non = ["failed"]\n[notify.webhook]\nurl = "${HOOK}"')
    assert "notify" not in settings.public()
    assert "HOOK" not in json.dumps(settings.public())
