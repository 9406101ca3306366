"""The slides that all others rest on: the toolkit's own, or the client's file, without anybody's name in it."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any, Final

import pptx
from lxml import etree
from pptx.opc.constants import RELATIONSHIP_TYPE as RT
from pptx.util import Emu, Inches

from alignment_toolkit.charts import PALETTE
from alignment_toolkit.errors import ParameterError
from alignment_toolkit.report.blocks import Document
from alignment_toolkit.report.plain import moment, plain

__all__ = ["Master", "open_master"]

_WIDE: Final = 13.333
_HIGH: Final = 7.5
_EDGE: Final = 0.6
_FONT: Final = "Arial"
_COLOURS: Final = {
    "dk2": "1F2933",
    "lt2": "EEF1F3",
    **{f"accent{i}": colour.lstrip("#") for i, colour in enumerate(PALETTE[:6], start=1)},
    "hlink": "00568A",
}


@dataclass(frozen=True)
class Master:
    """An empty presentation, its two layouts, and the room between title and foot, in inches."""

    slides: Any
    cover: Any
    content: Any
    left: float
    top: float
    wide: float
    bottom: float


def open_master(document: Document, template: bytes | None, layouts: dict[str, str] | None = None) -> Master:
    """Open the master: the client's file where there is one.

    Parameters
    ----------
    template
        The content of a .pptx file; its slides are left out, its masters and layouts are used.
    layouts
        The names of the layouts for ``cover`` and ``content``; by default the first that have a title.

    Raises
    ------
    ParameterError
        Where the file is no presentation, or has no layout of a name or with a title.
    """
    if template is None:
        made = _own(document.brand.colour)
    else:
        try:
            made = pptx.Presentation(io.BytesIO(template))
        except Exception as e:
            raise ParameterError(f"The slides to start from can't be read as .pptx: {e}.") from e
        _without_slides(made)
    _without_traces(made, document)
    cover, content = _layouts(made, layouts or {})
    return _room(made, cover, content)


def _own(colour: str) -> Any:
    made = pptx.Presentation()
    made.slide_width, made.slide_height = Inches(_WIDE), Inches(_HIGH)
    master = made.slide_master
    layouts = list(made.slide_layouts)
    for layout in layouts:
        if layout.name not in ("Title Slide", "Title Only"):
            made.slide_layouts.remove(layout)
    places = {
        1: (_EDGE, 0.42, _WIDE - 2 * _EDGE, 0.85), 2: (_EDGE, 1.45, _WIDE - 2 * _EDGE, 5.2),
        3: (_EDGE, 0.42, _WIDE - 2 * _EDGE, 0.85),
    }  # fmt: skip
    for shape in list(master.placeholders):
        kind = shape.placeholder_format.type
        if int(kind) in places:
            _put(shape, *places[int(kind)])
        else:
            shape._element.getparent().remove(shape._element)
    for layout in made.slide_layouts:
        for shape in list(layout.placeholders):
            if shape.placeholder_format.idx >= 10:
                shape._element.getparent().remove(shape._element)
            elif layout.name == "Title Slide":
                title = shape.placeholder_format.idx == 0
                _put(shape, _EDGE + 0.3, 2.1 if title else 3.75, _WIDE - 2 * _EDGE - 0.6, 1.5)
            else:
                _put(shape, *places[1])
    _styles(master)
    _theme(master, colour)
    return made


def _put(shape: Any, left: float, top: float, wide: float, high: float) -> None:
    shape.left, shape.top, shape.width, shape.height = (Inches(v) for v in (left, top, wide, high))


def _styles(master: Any) -> None:
    space = {"a": "http://schemas.openxmlformats.org/drawingml/2006/main"}
    for run in master._element.iterfind(".//{*}titleStyle/a:lvl1pPr", space):
        run.set("algn", "l")
        for look in run.iterfind("a:defRPr", space):
            look.set("sz", "2400")
            look.set("b", "1")
    for layout in master.slide_layouts:
        for look in layout._element.iterfind(".//a:lvl1pPr", space):
            look.set("algn", "l")
            look.set("marL", "0")
    for shape in [*master.placeholders, *(s for lay in master.slide_layouts for s in lay.placeholders)]:
        body = shape._element.find(".//{*}bodyPr")
        if body is not None:
            body.set("anchor", "b" if shape.placeholder_format.idx == 0 else "t")
            for side in ("lIns", "rIns"):
                body.set(side, "0")


def _theme(master: Any, colour: str) -> None:
    part = master.part.part_related_by(RT.THEME)
    tree = etree.fromstring(part.blob)
    space = {"a": "http://schemas.openxmlformats.org/drawingml/2006/main"}
    colours = dict(_COLOURS) | ({"accent1": colour.lstrip("#")} if colour else {})
    for name, value in colours.items():
        for node in tree.iterfind(f".//a:clrScheme/a:{name}", space):
            for old in list(node):
                node.remove(old)
            etree.SubElement(node, f"{{{space['a']}}}srgbClr", val=value.upper())
    for node in tree.iterfind(".//a:fontScheme/*/a:latin", space):
        node.set("typeface", _FONT)
    part._blob = etree.tostring(tree, xml_declaration=True, encoding="UTF-8", standalone=True)


def _without_slides(made: Any) -> None:
    listed = made.slides._sldIdLst
    for entry in list(listed):
        made.part.drop_rel(entry.rId)
        listed.remove(entry)
    # Groups of slides name slides that are gone.
    for group in made.part._element.iterfind(".//{*}extLst"):
        group.getparent().remove(group)


def _without_traces(made: Any, document: Document) -> None:
    """Take out who made the file, on what machine and when."""
    package = made.part.package
    for key, related in list(package._rels.items()):
        if re.search(r"thumbnail|extended-properties|custom-properties", related.reltype):
            package._rels.pop(key)
    for key, related in list(made.part.rels.items()):
        if re.search(r"printerSettings|commentAuthors|customXml|viewProps", related.reltype):
            made.part.rels.pop(key)
    about = made.core_properties
    for name in (
        "author",
        "category",
        "comments",
        "content_status",
        "identifier",
        "keywords",
        "last_modified_by",
    ):
        setattr(about, name, "")
    about.title, about.subject, about.language, about.version = (
        plain(document.title)[:250],
        "",
        document.lang,
        "",
    )
    about.created = about.modified = about.last_printed = moment(document)
    about.revision = 1


def _layouts(made: Any, names: dict[str, str]) -> tuple[Any, Any]:
    known = [layout for one in made.slide_masters for layout in one.slide_layouts]
    titled = [lay for lay in known if any(s.placeholder_format.idx == 0 for s in lay.placeholders)]
    found = {}
    for key in ("cover", "content"):
        if key in names:
            match = [lay for lay in titled if lay.name == names[key]]
            if not match:
                there = ", ".join(f"'{lay.name}'" for lay in titled)
                raise ParameterError(
                    f"The slides to start from have no layout with a title named '{names[key]}'. There is: {there}."
                )
            found[key] = match[0]
    if not titled:
        raise ParameterError("The slides to start from have no layout with a title.")
    bare = min(titled, key=lambda lay: (_bodies(lay), titled.index(lay)))
    return found.get("cover", titled[0]), found.get("content", bare)


def _bodies(layout: Any) -> int:
    return sum(1 for s in layout.placeholders if s.placeholder_format.idx not in (0, 10, 11, 12))


def _room(made: Any, cover: Any, content: Any) -> Master:
    title = next(s for s in content.placeholders if s.placeholder_format.idx == 0)
    wide, high = Emu(made.slide_width).inches, Emu(made.slide_height).inches
    left = Emu(title.left).inches
    top = Emu(title.top + title.height).inches + 0.18
    return Master(made, cover, content, left, top, min(Emu(title.width).inches, wide - 2 * left), high - 0.62)
