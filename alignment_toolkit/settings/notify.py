"""[notify]: who is told about a run, and how."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from alignment_toolkit.settings.model import Strict
from alignment_toolkit.settings.words import wrong

__all__ = ["CommandNotice", "NotifySettings", "SmtpNotice", "WebhookNotice"]

_REFERENCE = r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$"


def _secret(text: str) -> str:
    if not re.fullmatch(_REFERENCE, text):
        raise wrong("a secret stands in the environment; write ${NAME} here")
    return text


def _address(text: str) -> str:
    if re.search(r"//[^/]*@", text) or re.search(
        r"[?&](key|token|secret|sig|signature)=(?!\$\{)", text, re.I
    ):
        raise wrong("an address with a secret in it stands in the environment; write ${NAME} here")
    return text


def _one_line(text: str) -> str:
    if re.search(r"[\r\n]", text):
        raise wrong("must be one line")
    return text


Secret = Annotated[str, AfterValidator(_secret), WithJsonSchema({"type": "string", "pattern": _REFERENCE})]
Line = Annotated[str, Field(min_length=1), AfterValidator(_one_line)]
Seconds = Annotated[float, Field(gt=0, le=600, strict=False)]


class CommandNotice(Strict):
    """A program that gets the summary as JSON on its standard input."""

    run: Annotated[
        tuple[Line, ...],
        Field(strict=False, min_length=1, description="The program and its arguments; no shell."),
    ]
    seconds: Annotated[Seconds, Field(description="How long it may take.")] = 60.0


class WebhookNotice(Strict):
    """A server that gets the summary as JSON by POST."""

    url: Annotated[
        Line,
        AfterValidator(_address),
        Field(description="The address; one that is a secret itself as ${NAME}."),
    ]
    headers: Annotated[
        dict[str, Secret], Field(description="Further headers, each value as ${NAME}: Authorization ...")
    ] = Field(default_factory=dict)
    text: Annotated[
        bool, Field(description="Put the summary in words into `text` too, which chats show.")
    ] = True
    seconds: Annotated[Seconds, Field(description="How long it may take.")] = 30.0


class SmtpNotice(Strict):
    """A mail with the summary in words, and attached as JSON."""

    host: Annotated[Line, Field(description="The mail server.")]
    port: Annotated[int, Field(ge=1, le=65535, description="Its port.")] = 587
    security: Annotated[
        Literal["starttls", "ssl", "none"], Field(description="How the connection is encrypted.")
    ] = "starttls"
    user: Annotated[Line | None, Field(description="The account, if the server asks for one.")] = None
    password: Annotated[Secret | None, Field(description="Its password as ${NAME}.")] = None
    sender: Annotated[Line, Field(description="Who sends it.")]
    to: Annotated[tuple[Line, ...], Field(strict=False, min_length=1, description="Who gets it.")]
    attach: Annotated[
        tuple[Line, ...],
        Field(strict=False, description="Files of a run to attach as well, such as report.pdf."),
    ] = ()
    seconds: Annotated[Seconds, Field(description="How long it may take.")] = 30.0

    @model_validator(mode="after")
    def _no_password_in_the_open(self) -> SmtpNotice:
        if self.user is not None and self.security == "none" and self.host not in ("127.0.0.1", "localhost"):
            raise wrong("with a user the connection must be encrypted: security = starttls or ssl")
        return self


class NotifySettings(Strict):
    """Who is told about a run. A notice that can't be sent is a warning; the run and its exit code stay as they are."""

    on: Annotated[
        tuple[Literal["published", "findings", "alarms", "failed"], ...],
        Field(strict=False, description="What is worth a notice."),
    ] = ("findings", "alarms", "failed")
    level: Annotated[
        Literal["high", "medium", "low"], Field(description="From which severity on findings are worth one.")
    ] = "high"
    command: Annotated[CommandNotice | None, Field(description="Tell a program.")] = None
    webhook: Annotated[WebhookNotice | None, Field(description="Tell a server.")] = None
    smtp: Annotated[SmtpNotice | None, Field(description="Send a mail.")] = None
