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

# What readers of the file need, and no dates: the same messages, the same bytes.
_HEAD = """msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plurals}\\n"

"""


def read(path: Path, language: str) -> Catalog:
    """Read a language's file; where there is none yet, one without messages in the language's own form of plurals."""
    from babel.messages import Catalog
    from babel.messages.pofile import read_po

    if not path.exists():
        return Catalog(locale=language)
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
    after = Catalog(locale=language)
    done, said = 0, messages()
    for text, message in said.items():
        id = (text, message.many) if message.many else text
        known = before.get(text)
        told = known.string if known is not None and known.id == id else ""
        after.add(id, told, auto_comments=["; ".join(message.places)])
        done += bool(told and all((told,) if isinstance(told, str) else told))
    body = io.BytesIO()
    write_po(body, after, width=110, omit_header=True)
    head = path.read_text(encoding="utf-8").partition('msgid ""')[0] if path.exists() else f"# {language}\n"
    head += _HEAD.format(language=language, plurals=before.plural_forms)
    path.write_text(head + body.getvalue().decode("utf-8").lstrip("\n"), encoding="utf-8")
    return f"{path.name}: {done} of {len(said)} messages are translated"
