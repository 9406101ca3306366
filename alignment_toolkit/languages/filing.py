"""Keeps a language's file: every message once, in the order of the source, with its translation or empty."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from alignment_toolkit.languages import FOLDER
from alignment_toolkit.languages.messages import messages

if TYPE_CHECKING:
    from babel.messages import Catalog

__all__ = ["read", "renew"]


def read(path: Path, language: str) -> Catalog:
    """Read a language's file; the language's own form of plurals where there is no file yet."""
    from babel.messages import Catalog
    from babel.messages.pofile import read_po

    if not path.exists():
        return Catalog(locale=language, fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def renew(language: str, folder: Path = FOLDER) -> str:
    """Write a language's file anew: translations kept, what is no longer said left out, what is new empty.

    Returns
    -------
    str
        How much of it is translated.
    """
    from babel.messages import Catalog
    from babel.messages.pofile import write_po

    path = folder / f"{language}.po"
    before = read(path, language)
    after = Catalog(locale=language, header_comment=before.header_comment, fuzzy=False)
    after.mime_headers = _headers(before)
    done = 0
    for text, message in messages().items():
        id = (text, message.many) if message.many else text
        known = before.get(text)
        told = known.string if known is not None and known.id == id else ""
        after.add(id, told, auto_comments=["; ".join(message.places)])
        done += bool(told and all((told,) if isinstance(told, str) else told))
    written = io.BytesIO()
    write_po(written, after, width=110, omit_header=False)
    path.write_bytes(written.getvalue())
    return f"{path.name}: {done} of {len(messages())} messages are translated"


def _headers(catalog: Catalog) -> list[tuple[str, str]]:
    """Keep what readers of the file need, and no dates."""
    wanted = ("MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Language", "Plural-Forms")
    return [(name, value) for name, value in catalog.mime_headers if name in wanted]
