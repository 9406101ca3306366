"""The HTML writer: one page that carries everything, runs no script and asks nothing of any machine."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from alignment_toolkit import charts
from alignment_toolkit.languages import say
from alignment_toolkit.report.blocks import CLOSE, OPEN, Document, Figure, without_isolates
from alignment_toolkit.report.pictures import draw, picture
from alignment_toolkit.report.plain import figures, tied
from alignment_toolkit.settings.brand import encoded

__all__ = ["escape_text", "render"]

_INCH: Final = 96  # pixels of a browser
# A line must not break within 95-%-.
_PER_CENT_OF: Final = re.compile(r"(?<=\d)-%-")


def escape_text(text: object) -> Markup:
    r"""Give text as HTML: the one place where text becomes markup.

    Control characters go, special characters are escaped, and what `blocks.data()` marked becomes ``<bdi>``.

    Examples
    --------
    >>> print(escape_text("<b> & \x00'x'"))
    &lt;b&gt; &amp; &#39;x&#39;
    """
    if isinstance(text, Markup):
        return text
    parts: list[Markup] = []
    rest = str(text)
    while (start := rest.find(OPEN)) >= 0 and (end := rest.find(CLOSE, start)) >= 0:
        parts += [_safe(rest[:start]), Markup("<bdi>"), _safe(rest[start + 1 : end]), Markup("</bdi>")]
        rest = rest[end + 1 :]
    return Markup("").join([*parts, _safe(rest)])


def _safe(text: str) -> Markup:
    """Escape, keeping the blanks at both ends, which separate words from marked data."""
    cleaned = charts.clean(f"|{text}|", lines=True)[1:-1]
    return escape(_PER_CENT_OF.sub("\u2011%\u2011", tied(cleaned)))


def _attribute(text: object) -> Markup:
    return escape(charts.clean(without_isolates(str(text))))


@dataclass(frozen=True)
class _Picture:
    source: Markup
    wide: int
    high: int
    alt: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]


def _uri(svg: str) -> Markup:
    # The letters of base64 need no escape.
    return Markup("data:image/svg+xml;base64," + base64.b64encode(svg.encode("utf-8")).decode("ascii"))


def _picture(figure: Figure) -> _Picture:
    drawn = picture(figure)
    columns, rows = charts.table(figure.chart) if figure.with_table else ((), ())
    return _Picture(
        source=_uri(charts.for_page(drawn.svg)),
        wide=round(drawn.wide * _INCH),
        high=round(drawn.high * _INCH),
        alt=charts.alt_text(figure.chart),
        columns=columns,
        rows=rows,
        numeric=charts.numeric_columns(rows),
    )


@lru_cache(maxsize=1)
def _style() -> str:
    return (resources.files("alignment_toolkit.report") / "templates" / "page.css").read_text(
        encoding="utf-8"
    )


def _finalize(value: Any) -> Any:
    return "" if value is None else escape_text(value)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("alignment_toolkit.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["attribute"] = _attribute
    environment.filters["kind"] = lambda block: type(block).__name__
    environment.filters["level"] = lambda number: min(max(int(number), 1), 4)
    environment.globals["say"] = say
    environment.globals["picture"] = _picture
    environment.globals["logo"] = lambda content: Markup(encoded(content))
    return environment


def render(document: Document) -> str:
    """Write a document as one HTML page; the same document, the same bytes."""
    style = "\n" + _style()
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    policy: Iterable[str] = (
        "default-src 'none'",
        "img-src data:",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    )
    page = _environment().get_template("page.html.j2")
    with charts.style():
        draw(figures(document))
        return page.render(document=document, style=Markup(style), policy="; ".join(policy))  # its own file
