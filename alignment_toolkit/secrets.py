"""What is secret in the environment, and how it is kept out of files, logs and messages."""

from __future__ import annotations

import base64
import html
import io
import json
import os
import re
import traceback
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote

__all__ = ["Scrubber", "forms", "references"]

SHORTEST = 8
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NAMED_SO = re.compile(
    r"PASSW|PASSPHRASE|PWD$|SECRET|TOKEN|CREDENTIAL|API_?KEY|ACCESS_KEY|PRIVATE|PRIVACY_KEY|WEBHOOK",
    re.IGNORECASE,
)
# Every shell keeps the working folder under these names; taken for passwords, no message could name a path.
_FOLDERS = frozenset({"PWD", "OLDPWD"})
_WITH_PASSWORD = re.compile(r"://[^/@\s:]*:([^/@\s]+)@")


def references(text: str) -> tuple[str, ...]:
    """Give the names of the environment variables that a text refers to as ``${NAME}``.

    Examples
    --------
    >>> references("postgres://reader:${DB_PASSWORD}@${DB_HOST}/crm")
    ('DB_PASSWORD', 'DB_HOST')
    """
    return tuple(dict.fromkeys(_REFERENCE.findall(text)))


@dataclass(frozen=True)
class Scrubber:
    """Puts ``${NAME}`` where the value of a secret environment variable stands.

    Secret is what settings refer to as ``${NAME}``, and what is named like a password, key or token. A value with
    fewer than eight characters, or that is one plain word, cannot be told from other text and is left alone.
    """

    values: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, names: Iterable[str] = (), environment: Mapping[str, str] | None = None) -> Scrubber:
        """Look up the values of the names, and of all that are named like a secret.

        Parameters
        ----------
        names
            Names of environment variables that settings refer to.
        environment
            By default that of this process.

        Examples
        --------
        >>> scrub = Scrubber.of(["DB_PASSWORD"], {"DB_PASSWORD": "corr3ct horse"})
        >>> scrub("postgres://reader:corr3ct%20horse@host/crm")
        'postgres://reader:${DB_PASSWORD}@host/crm'
        """
        environment = os.environ if environment is None else environment
        named = {name: environment[name] for name in names if name in environment}
        named |= {
            n: v
            for n, v in environment.items()
            if (_NAMED_SO.search(n) and n not in _FOLDERS) or _WITH_PASSWORD.search(v)
        }
        told = [(name, value) for name, whole in named.items() for value in (whole, *_passwords(whole))]
        values = [(form, name) for name, value in told if _is_secret(value) for form in forms(value)]
        # The longest first, so that no part of a longer one is left.
        return cls(tuple(sorted(set(values), key=lambda pair: (-len(pair[0]), pair))))

    def __call__(self, text: str) -> str:
        """Give the text without secrets."""
        for value, name in self.values:
            if value in text:
                text = text.replace(value, f"${{{name}}}")
        return text

    def found_in(self, data: bytes) -> str | None:
        """Name the variable whose value stands in a file's bytes, those of a zip file's members too."""
        for value, name in self.values:
            if value.encode("utf-8", "surrogatepass") in data:
                return name
        if data[:4] == b"PK\x03\x04":
            try:
                with zipfile.ZipFile(io.BytesIO(data)) as members:
                    for member in members.namelist():
                        if (name_found := self.found_in(members.read(member))) is not None:
                            return name_found
            except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
                return None
        return None

    def clean(self, value: object) -> object:
        """Give a JSON value without secrets, its keys as they are."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, list):
            return [self.clean(v) for v in value]
        if isinstance(value, dict):
            return {k: self.clean(v) for k, v in value.items()}
        return value

    def report_of(self, error: BaseException) -> str:
        """Give the traceback of an error, and of those that led to it, without secrets."""
        return self("".join(traceback.format_exception(error)))

    @classmethod
    def of_words(cls, words: Iterable[str]) -> Scrubber:
        """Take the names from the settings files among the words of a command."""
        names: list[str] = []
        for word in words:
            try:
                path = Path(word.rpartition("=")[2])
                if path.suffix == ".toml" and path.is_file():
                    names += references(path.read_text(encoding="utf-8", errors="replace"))
            except (OSError, ValueError):
                continue
            names += references(word)
        return cls.of(names)


def _passwords(address: str) -> set[str]:
    """Give the password of an address, as it stands there and as it is sent."""
    found = _WITH_PASSWORD.findall(address)
    return {*found, *map(unquote, found)}


def _is_secret(value: str) -> bool:
    return len(value) >= SHORTEST and re.fullmatch(r"[A-Za-z]?[a-z]+", value) is None


def forms(value: str) -> set[str]:
    """Give a value as it stands in addresses, code, JSON, pages and headers."""
    return {
        value,
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        html.escape(value),
        base64.b64encode(value.encode("utf-8", "surrogatepass")).decode("ascii"),
    }
