"""Notices: who is told what a command has published, found or failed at; no notice that fails changes a run."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from alignment_toolkit.errors import AlignmentError, SettingsError
from alignment_toolkit.runs.performing import Run
from alignment_toolkit.settings import Settings
from alignment_toolkit.settings.loading import expand
from alignment_toolkit.settings.notify import CommandNotice, SmtpNotice, WebhookNotice

__all__ = ["Notices", "scrubbed", "summary_text"]

_LEVELS: Final = ("high", "medium", "low")
_STARS: Final = "***"


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
        entry["findings"] = [{k: f[k] for k in ("indicator", "title", "severity")} for f in out]
        entry["alarms"] = [str(a["title"]) for a in told["alarms"] if a.get("alarm") and not a.get("kpi")]
        entry["folder"] = run.folder.as_posix()

    def failed(self, about: Mapping[str, Any], error: str, code: int) -> None:
        """Keep a run that failed."""
        entry = self._add(about, "failed")
        entry["message"], entry["code"] = error, code

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
                way(asked, told, _filled(name, secrets))
            except AlignmentError as e:
                self.warn(f"no notice by {name}: {scrubbed(str(e), secrets)}")
            except Exception as e:  # of a foreign server anything may come back
                said = f"{type(e).__name__}: {e}".splitlines()[0]
                self.warn(f"no notice by {name}: {scrubbed(said, secrets)}")


Fill = Callable[[str], str]


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
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
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
    n, 2026-Q3, all: FAILED (exit code 4)
      no
    """
    lines = [f"{told['company']}: {told['published']} published, {told['failed']} failed"]
    for run in told["runs"]:
        head = f"{run['notebook']}, {run['period']}, {run['slice']}"
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
    done = subprocess.run(
        [fill(word) for word in asked.run],
        input=json.dumps(told, ensure_ascii=False),
        text=True,
        encoding="utf-8",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=asked.seconds,
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [""]
        raise AlignmentError(f"the command ended with exit code {done.returncode}. {last[0]}".rstrip())


def _webhook(asked: WebhookNotice, told: Mapping[str, Any], fill: Fill) -> None:
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
        raise AlignmentError(f"the server answered {e.code}.") from None
    except (urllib.error.URLError, TimeoutError) as e:
        raise AlignmentError(f"the server could not be reached: {getattr(e, 'reason', e)}.") from None


def _no_redirect() -> Any:
    import urllib.request

    class NoRedirect(urllib.request.HTTPRedirectHandler):
        """What was meant for one server, its secrets too, goes to no other."""

        def redirect_request(self, *_: Any) -> None:
            return None

    return NoRedirect


_NoRedirect = _no_redirect()


def _smtp(asked: SmtpNotice, told: Mapping[str, Any], fill: Fill) -> None:
    import smtplib
    import ssl
    from email.message import EmailMessage

    letter = EmailMessage()
    letter["Subject"] = _subject(told)
    letter["From"] = asked.sender
    letter["To"] = ", ".join(asked.to)
    letter.set_content(summary_text(told) + "\n")
    letter.add_attachment(
        json.dumps(told, ensure_ascii=False, indent=1).encode(), maintype="application", subtype="json",
        filename="summary.json",
    )  # fmt: skip
    for name in asked.attach:
        for run in told["runs"]:
            path = Path(run["folder"] or "") / name
            if run["folder"] and path.is_file():
                letter.add_attachment(
                    path.read_bytes(), maintype="application", subtype="octet-stream",
                    filename=f"{run['period']} {run['slice']} {name}",
                )  # fmt: skip
    safe = ssl.create_default_context()
    make = smtplib.SMTP_SSL if asked.security == "ssl" else smtplib.SMTP
    extra: dict[str, Any] = {"context": safe} if asked.security == "ssl" else {}
    with make(fill(asked.host), asked.port, timeout=asked.seconds, **extra) as server:
        if asked.security == "starttls":
            server.starttls(context=safe)
        if asked.user is not None:
            server.login(fill(asked.user), fill(asked.password or ""))
        server.send_message(letter)
