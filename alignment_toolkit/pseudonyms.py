"""Stable pseudonyms: names of people and clients never enter an Analysis unless the settings allow names."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

__all__ = ["Pseudonyms"]

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # no I, O, 0, 1: read aloud in a meeting without mistakes


@dataclass(frozen=True)
class Pseudonyms:
    """Gives the same pseudonym to the same name, run after run, without a table of names.

    Keyed HMAC-SHA256, cut to 35 bits: among 1,000 names a clash has a chance of about 1 in 70,000. Who has the key
    can test a guess; without a key of your own (``[privacy] key``) the company's name serves, which hides names from
    readers of a report but not from somebody who guesses them on purpose.

    Examples
    --------
    >>> hidden = Pseudonyms(key="secret", names=False)
    >>> hidden.person("Ada Lovelace") == hidden.person("Ada Lovelace")
    True
    >>> hidden.person("Ada Lovelace").startswith("Person ")
    True
    >>> Pseudonyms(key="secret", names=True).person("Ada Lovelace")
    'Ada Lovelace'
    """

    key: str
    names: bool = False

    def person(self, value: object) -> str | None:
        """Give a person's pseudonym; None stays None."""
        return self._of("Person", value)

    def client(self, value: object) -> str | None:
        """Give a client's pseudonym; None stays None."""
        return self._of("Client", value)

    def shown(self, value: object, whose: str | None) -> object:
        """Give a value as readers may see it: the pseudonym of a `person` or a `client`, anything else as it is."""
        return value if whose is None else self._of(whose.capitalize(), value)

    def _of(self, kind: str, value: object) -> str | None:
        if value is None or value != value:
            return None
        if self.names:
            return str(value)
        digest = hmac.new(self.key.encode(), f"{kind}\0{value}".encode(), hashlib.sha256).digest()
        number = int.from_bytes(digest[:8], "big")
        letters = "".join(_ALPHABET[(number >> (5 * i)) & 31] for i in range(7))
        return f"{kind} {letters}"
