"""Notices: who is told what a command has published, found or failed at; no notice that fails changes a run."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from alignment_toolkit.errors import AlignmentError, SettingsError
from alignment_toolkit.runs.performing import Run
from alignment_toolkit.runs.planning import WHOLE
from alignment_toolkit.secrets import Scrubber, forms
from alignment_toolkit.settings import Settings
from alignment_toolkit.settings.loading import expand
from alignment_toolkit.settings.notify import CommandNotice, SmtpNotice, WebhookNotice

__all__ = ["Notices", "scrubbed", "summary_text"]

_LEVELS: Final = ("high", "medium", "low")
_STARS: Final = "***"
MOST_ATTACHED: Final = 15_000_000
"""Bytes of reports in one mail: most servers refuse more than 20 to 25 MB, and a file grows by a third on its way."""


@dataclass
class Notices:
    """What a command has to tell, and to whom; sent once, at the command's end.

    Parameters
    ----------
    settings
        The company's settings; without ``[notify]`` nothing is sent.
    command
        The command's name.
    warn
        Called with a line for each notice that could not be sent.
    """

    settings: Settings
    command: str
    warn: Callable[[str], None]
    entries: list[dict[str, Any]] = field(default_factory=list)

    def published(self, run: Run) -> None:
        """Keep a run that was published now; one that was done already is no news."""
        if not run.fresh:
            return
        told = json.loads((run.folder / "analysis.json").read_text(encoding="utf-8"))
        out = [f for f in told["findings"] if f["status"] == "misaligned" and not f["by"]]
        entry = self._add(run.manifest, "published")
        worst = sorted(out, key=lambda f: _LEVELS.index(f["severity"]) if f["severity"] in _LEVELS else 9)
        entry["findings"] = [{k: f[k] for k in ("indicator", "title", "severity")} for f in worst]
        entry["alarms"] = [str(a["title"]) for a in told["alarms"] if a.get("alarm") and not a.get("kpi")]
        entry["folder"] = run.folder.as_posix()

    def failed(self, about: Mapping[str, Any], error: str, code: int) -> None:
        """Keep a run that failed."""
        entry = self._add(about, "failed")
        # What a library says of a failure may repeat an address with its password.
        entry["message"], entry["code"] = Scrubber.of(self.settings.secret_names())(error), code

    def _add(self, about: Mapping[str, Any], status: str) -> dict[str, Any]:
        entry = {k: about.get(k) for k in ("notebook", "company", "period", "slice")}
        entry |= {"status": status, "findings": [], "alarms": [], "message": "", "code": 0, "folder": None}
        self.entries.append(entry)
        return entry

    def worth_telling(self) -> list[str]:
        """Give the reasons for which a notice is to be sent, of those that ``[notify] on`` names."""
        notify = self.settings.notify
        wanted = _LEVELS[: _LEVELS.index(notify.level) + 1]
        found = {
            "published": any(e["status"] == "published" for e in self.entries),
            "failed": any(e["status"] == "failed" for e in self.entries),
            "findings": any(f["severity"] in wanted for e in self.entries for f in e["findings"]),
            "alarms": any(e["alarms"] for e in self.entries),
        }
        return [name for name in notify.on if found[name]]

    def summary(self) -> dict[str, Any]:
        """Give what is sent as JSON."""
        return {
            "schema": 1,
            "command": self.command,
            "company": next((e["company"] for e in self.entries if e["company"]), None),
            "because": self.worth_telling(),
            "published": sum(e["status"] == "published" for e in self.entries),
            "failed": sum(e["status"] == "failed" for e in self.entries),
            "runs": self.entries,
        }

    def send(self) -> None:
        """Tell everybody whom the settings name; what can't be sent becomes a warning and nothing else."""
        notify = self.settings.notify
        if not self.entries or not self.worth_telling():
            return
        told = self.summary()
        for name, way in (("command", _command), ("webhook", _webhook), ("smtp", _smtp)):
            asked = getattr(notify, name)
            if asked is None:
                continue
            secrets: list[str] = []
            try:
                _within(asked.seconds, partial(way, asked, told, _filled(name, secrets)))
            except AlignmentError as e:
                self.warn(f"no notice by {name}: {scrubbed(str(e), secrets)}")
            except Exception as e:  # of a foreign server anything may come back
                said = (f"{type(e).__name__}: {e}".splitlines() or [""])[0]
                self.warn(f"no notice by {name}: {scrubbed(said, secrets)}")


Fill = Callable[[str], str]


def _within(seconds: float, send: Callable[[], None]) -> None:
    """Send, and wait so long and no longer: a server that answers a byte a minute holds up no scheduled run."""
    ended: list[BaseException | None] = []

    def run() -> None:
        try:
            send()
            ended.append(None)
        except BaseException as e:
            ended.append(e)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds + GRACE)
    if not ended:
        raise AlignmentError(f"it took longer than {seconds:g} seconds.")
    if ended[0] is not None:
        raise ended[0]


GRACE: Final = 1.0
"""Seconds beyond the limit, so that a time-out which a way has of itself is told in its own words."""


def _filled(name: str, secrets: list[str]) -> Fill:
    def fill(text: str) -> str:
        try:
            filled = expand(text)
        except SettingsError as e:
            raise SettingsError(f"[notify.{name}]: {e}") from None
        if filled != text:
            secrets.extend([filled, *(os.environ.get(n, "") for n in re.findall(r"\$\{(\w+)\}", text))])
        return filled

    return fill


def scrubbed(text: str, secrets: Sequence[str]) -> str:
    """Give a text without the secrets that went into a notice.

    Examples
    --------
    >>> scrubbed("no route to https://hook/abc123", ["https://hook/abc123"])
    'no route to ***'
    """
    written = {form for secret in filter(None, secrets) for form in forms(secret)}
    for secret in sorted(written, key=len, reverse=True):
        text = text.replace(secret, _STARS)
    return text


def summary_text(told: Mapping[str, Any]) -> str:
    """Write a summary for people.

    Examples
    --------
    >>> run = {"notebook": "n", "period": "2026-Q3", "slice": "all", "status": "failed", "code": 4, "message": "no"}
    >>> print(summary_text({"company": "Acme", "published": 0, "failed": 1, "runs": [run]}))
    Acme: 0 published, 1 failed
    <BLANKLINE>
    n, 2026-Q3, the whole company: FAILED (exit code 4)
      no
    """
    lines = [f"{told['company']}: {told['published']} published, {told['failed']} failed"]
    for run in told["runs"]:
        whole = run["slice"] in (None, WHOLE)
        head = f"{run['notebook']}, {run['period']}, {'the whole company' if whole else run['slice']}"
        if run["status"] == "failed":
            lines += ["", f"{head}: FAILED (exit code {run['code']})"]
            lines += [f"  {line}" for line in run["message"].splitlines()]
            continue
        lines += ["", f"{head}: {len(run['findings'])} out of line"]
        lines += [f"  {f['severity']}: {f['title']}" for f in run["findings"]]
        lines += [f"  moved since earlier runs: {title}" for title in run["alarms"]]
        lines.append(f"  {run['folder']}")
    return "\n".join(lines)


def _subject(told: Mapping[str, Any]) -> str:
    worst = next((w for w in ("failed", "findings", "alarms") if w in told["because"]), "published")
    word = {"failed": "FAILED", "findings": "out of line", "alarms": "moved", "published": "published"}[worst]
    periods = ", ".join(dict.fromkeys(str(r["period"]) for r in told["runs"]))
    # A line break in a name would begin another header.
    return " ".join(f"Alignment: {told['company']}, {periods}: {word}".split())[:200]


# ---- the ways ------------------------------------------------------------------------------------------------------


def _command(asked: CommandNotice, told: Mapping[str, Any], fill: Fill) -> None:
    try:
        started = subprocess.Popen(
            [fill(word) for word in asked.run],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
    except FileNotFoundError:
        raise AlignmentError(f"there is no program '{asked.run[0]}'.") from None
    except OSError as e:
        raise AlignmentError(f"'{asked.run[0]}' could not be started: {e.strerror}.") from None
    try:
        _, said = started.communicate(json.dumps(told, ensure_ascii=False).encode(), timeout=asked.seconds)
    except subprocess.TimeoutExpired:
        _end(started)
        raise AlignmentError(
            f"the command took longer than {asked.seconds:g} seconds and was ended."
        ) from None
    if started.returncode:
        last = said.decode("utf-8", "replace").strip().splitlines()[-1:] or [""]
        raise AlignmentError(f"the command ended with exit code {started.returncode}. {last[0]}".rstrip())


def _end(started: subprocess.Popen[bytes]) -> None:
    """End a program, and what it has started in its turn."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
    else:
        started.kill()
    started.wait()
    for pipe in (started.stdin, started.stderr):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


def _webhook(asked: WebhookNotice, told: Mapping[str, Any], fill: Fill) -> None:
    import http.client
    import urllib.error
    import urllib.request

    url = fill(asked.url)
    if not url.startswith(("https://", "http://")):
        raise AlignmentError("the address must begin with https:// or http://")
    body = {"text": summary_text(told), **told} if asked.text else told
    headers = {name: fill(value) for name, value in asked.headers.items()}
    request = urllib.request.Request(
        url,
        data=json.dumps(body, ensure_ascii=False).encode(),
        headers={"Content-Type": "application/json; charset=utf-8", **headers},
        method="POST",
    )
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=asked.seconds):
            pass
    except urllib.error.HTTPError as e:
        e.close()
        raise AlignmentError(f"the server answered {e.code}.") from None
    except http.client.InvalidURL as e:
        raise AlignmentError(f"the address can't be used: {e}.") from None
    except (OSError, http.client.HTTPException) as e:
        raise AlignmentError(f"the server could not be reached: {_reason(e)}.") from None


def _no_redirect() -> Any:
    import urllib.request

    class NoRedirect(urllib.request.HTTPRedirectHandler):
        """What was meant for one server, its secrets too, goes to no other."""

        def redirect_request(self, *_: Any) -> None:
            return None

    return NoRedirect


_NoRedirect = _no_redirect()


def _smtp(asked: SmtpNotice, told: Mapping[str, Any], fill: Fill) -> None:
    import mimetypes
    import smtplib
    import ssl
    from email.message import EmailMessage
    from email.utils import format_datetime, localtime, make_msgid

    letter = EmailMessage()
    letter["Subject"] = _subject(told)
    letter["From"] = asked.sender
    letter["To"] = ", ".join(asked.to)
    # Servers take a letter without them for spam.
    letter["Date"] = format_datetime(localtime())
    letter["Message-ID"] = make_msgid(domain=asked.sender.rpartition("@")[2].strip("> ") or None)
    files, left_out = _to_attach(asked.attach, told)
    letter.set_content("\n\n".join([summary_text(told), *left_out]) + "\n")
    letter.add_attachment(
        json.dumps(told, ensure_ascii=False, indent=1).encode(), maintype="application", subtype="json",
        filename="summary.json",
    )  # fmt: skip
    for filename, path in files:
        kind = (mimetypes.guess_type(path.name)[0] or "application/octet-stream").split("/")
        letter.add_attachment(path.read_bytes(), maintype=kind[0], subtype=kind[1], filename=filename)
    safe = ssl.create_default_context()
    make = smtplib.SMTP_SSL if asked.security == "ssl" else smtplib.SMTP
    extra: dict[str, Any] = {"context": safe} if asked.security == "ssl" else {}
    host = fill(asked.host)
    try:
        with make(host, asked.port, timeout=asked.seconds, **extra) as server:
            if asked.security == "starttls":
                server.starttls(context=safe)
            if asked.user is not None:
                server.login(fill(asked.user), fill(asked.password or ""))
            server.send_message(letter)
    except smtplib.SMTPAuthenticationError as e:
        # What the server says to it may repeat what was sent.
        raise AlignmentError(f"the mail server did not take user and password ({e.smtp_code}).") from None
    except smtplib.SMTPRecipientsRefused as e:
        said = "; ".join(f"{who}: {_answer(*answer)}" for who, answer in e.recipients.items())
        raise AlignmentError(f"the mail server refused everybody it is for: {said}.") from None
    except smtplib.SMTPResponseException as e:
        raise AlignmentError(f"the mail server answered {_answer(e.smtp_code, e.smtp_error)}.") from None
    except smtplib.SMTPNotSupportedError as e:
        hint = ' Set security = "ssl", or "none" inside your own network.' if "STARTTLS" in str(e) else ""
        raise AlignmentError(f"the mail server can't do what is asked: {_reason(e)}.{hint}") from None
    except OSError as e:
        where = f"{host}, port {asked.port}"
        raise AlignmentError(f"the mail server ({where}) could not be reached: {_reason(e)}.") from None


def _to_attach(names: Sequence[str], told: Mapping[str, Any]) -> tuple[list[tuple[str, Path]], list[str]]:
    """Give the files of the runs with the names they get, as many as a mail holds, and words on those left out."""
    files, left_out, room = [], [], MOST_ATTACHED
    for run in told["runs"]:
        for name in names if run["folder"] else ():
            path = Path(run["folder"]) / name
            if not path.is_file():
                continue
            if (size := path.stat().st_size) > room:
                left_out.append(path.as_posix())
                continue
            room -= size
            part = "" if run["slice"] in (None, WHOLE) else f" {run['slice']}"
            files.append((f"{run['period']}{part} {name}", path))
    words = [f"Not attached, because a mail holds {MOST_ATTACHED / 1e6:.0f} MB: {', '.join(left_out)}"]
    return files, words if left_out else []


def _answer(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{code} {' '.join(text.split())}".strip().rstrip(".")


def _reason(error: BaseException) -> str:
    """Say in words why no connection came about, without the number of the error."""
    inner = getattr(error, "reason", error)
    said = str(inner.strerror if isinstance(inner, OSError) and inner.strerror else inner)
    return (said.splitlines() or [type(error).__name__])[0].rstrip(".")
