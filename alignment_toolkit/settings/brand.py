"""A house's logo and slides: inside the settings' folder, checked before anything is made of them."""

from __future__ import annotations

import base64
import re
import struct
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from alignment_toolkit.errors import ParameterError

__all__ = ["LOGO_BYTES", "SLIDES_BYTES", "check_logo", "decoded", "encoded", "is_inside"]

LOGO_BYTES: Final = 200_000
SLIDES_BYTES: Final = 20_000_000
_SIDE: Final = 4_000
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_DRAWN: Final = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"sRGB")
_SVG: Final = "{http://www.w3.org/2000/svg}"
_ACTIVE: Final = {
    "script", "foreignObject", "a", "animate", "animateTransform", "animateMotion", "set", "image", "feImage", "style",
    "iframe", "handler", "metadata",
}  # fmt: skip
_HEADS: Final = {"png": "data:image/png;base64,", "svg": "data:image/svg+xml;base64,"}


def is_inside(path: Path, folder: Path) -> bool:
    """Say whether a path, links followed, is inside a folder."""
    return path.resolve().is_relative_to(folder.resolve())


def check_logo(content: bytes) -> str:
    """Give a logo's kind, ``png`` or ``svg``.

    Raises
    ------
    ParameterError
        For what is neither, is too large, or holds more than a picture: scripts, links, styles, other files.
    """
    if len(content) > LOGO_BYTES:
        raise ParameterError(f"The logo has {len(content):,} bytes; it may have {LOGO_BYTES:,}.")
    if content.startswith(_PNG):
        wide, high = struct.unpack(">II", content[16:24]) if content[12:16] == b"IHDR" else (0, 0)
        if not (0 < wide <= _SIDE and 0 < high <= _SIDE):
            raise ParameterError(f"The logo's PNG is damaged, or a side is longer than {_SIDE:,} pixels.")
        return "png"
    _check_svg(content)
    return "svg"


def _check_svg(content: bytes) -> None:
    # A document type can name other files and make a small file endless; no logo needs one.
    if re.search(rb"<!(DOCTYPE|ENTITY)|<\?xml-", content, re.IGNORECASE):
        raise ParameterError(
            "The logo's SVG has a document type, entities or a style sheet; save it without."
        )
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as e:
        raise ParameterError(f"The logo is no PNG, and as SVG it can't be read: {e}.") from None
    if root.tag != f"{_SVG}svg":
        raise ParameterError("The logo is neither a PNG nor an SVG.")
    for element in root.iter():
        name = element.tag.rpartition("}")[2]
        if name in _ACTIVE or not element.tag.startswith("{"):
            raise ParameterError(f"The logo's SVG holds <{name}>; a logo may hold shapes only.")
        for key, value in element.attrib.items():
            plain = key.rpartition("}")[2].casefold()
            outside = re.search(r"url\(\s*['\"]?(?!#)|javascript:|data:|//", value, re.IGNORECASE)
            if plain.startswith("on") or outside or (plain == "href" and not value.startswith("#")):
                raise ParameterError(
                    f"The logo's SVG asks for something else in '{plain}'; a logo may hold shapes only."
                )


def encoded(content: bytes) -> str:
    """Write a checked logo as an Analysis keeps it, so that its reports need no other file; who made it is left out."""
    kind = check_logo(content)
    bare = _bare(content) if kind == "png" else re.sub(rb"<!--.*?-->", b"", content, flags=re.DOTALL)
    return _HEADS[kind] + base64.b64encode(bare).decode("ascii")


def _bare(png: bytes) -> bytes:
    """Keep what draws the picture; texts, times and cameras' words go."""
    kept, at = [png[:8]], 8
    while at + 8 <= len(png):
        end = at + 12 + int.from_bytes(png[at : at + 4], "big")
        if png[at + 4 : at + 8] in _DRAWN:
            kept.append(png[at:end])
        at = end
    return b"".join(kept)


def decoded(text: str) -> bytes:
    """Read a logo back, checked again: an Analysis may come from elsewhere.

    Raises
    ------
    ParameterError
        For what is no logo.
    """
    head = next((h for h in _HEADS.values() if text.startswith(h)), None)
    if head is None or len(text) > 2 * LOGO_BYTES:
        raise ParameterError("The logo in the Analysis is neither a PNG nor an SVG.")
    try:
        content = base64.b64decode(text[len(head) :], validate=True)
    except ValueError:
        raise ParameterError("The logo in the Analysis is damaged.") from None
    check_logo(content)
    return content
