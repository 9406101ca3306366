"""Text that wants to be more than text, a way to put it into every text of an Analysis, and a reader of pages."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

from alignment_toolkit.results import Analysis
from alignment_toolkit.units import UNITS

PAYLOADS = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</textarea><img src=x onerror=alert(1)>",
    "--><script>alert(1)</script><!--",
    "]]><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "'><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "' onmouseover='alert(1)",
    '" autofocus onfocus=alert(1) x="',
    "` onload=alert(1) `",
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text y=20>x</text></a></svg>",
    "</text></svg><script>alert(1)</script>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)>",
    "<embed src=javascript:alert(1)>",
    "<a href=javascript:alert(1)>click</a>",
    "<a href='JaVaScRiPt:alert(1)'>click</a>",
    "<a href='java\tscript:alert(1)'>click</a>",
    "<a href='&#106;avascript:alert(1)'>click</a>",
    "<form action=http://example.invalid><input name=x autofocus></form>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<meta http-equiv=refresh content='0;url=http://example.invalid'>",
    "<base href=http://example.invalid/>",
    "<link rel=stylesheet href=http://example.invalid/x.css>",
    "<style>@import 'http://example.invalid/x.css';</style>",
    "<style>body{background:url(http://example.invalid/x.png)}</style>",
    "<div style='background:url(http://example.invalid/x)'>x</div>",
    "<img srcset='http://example.invalid/x 1x'>",
    "<video src=http://example.invalid/x onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)>x</details>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<input autofocus onfocus=alert(1)>",
    "<select autofocus onfocus=alert(1)>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
    "{{ 7*7 }}{{ self.__init__.__globals__ }}",
    "{% for x in range(9) %}x{% endfor %}",
    "${alert(1)}",
    "#{7*7}",
    "[click](javascript:alert(1))",
    "![x](http://example.invalid/x.png)",
    "<scr\x00ipt>alert(1)</scr\x00ipt>",
    "<\x00script>alert(1)</script>",
    "\u202e<script>alert(1)</script>\u2066",
    "\u2068<b>bold</b>\u2069</bdi><script>alert(1)</script>",
    "<bdi>x</bdi>",
    "＜script＞alert(1)＜/script＞",
    "<p/onclick=alert(1)//",
    "<!DOCTYPE html><html><body>",
    "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;",
)


def _disguised(payload: str) -> tuple[str, ...]:
    """Give a text in the shapes that get by a check that looks for the plain one."""
    return (
        payload.swapcase(),
        payload.replace("<", "<\t").replace("=", " = "),
        f"'\"></td></svg>{payload}<!--",
        payload.replace("alert(1)", "alert`1`").replace(">", " >"),
    )


# Two hundred: each as it is, then disguised.
MANY = tuple(dict.fromkeys([*PAYLOADS, *(d for p in PAYLOADS for d in _disguised(p))]))[:200]

# Words that the contract fixes; everything else in an Analysis is free text.
_FIXED = frozenset(
    "misaligned aligned uncertain too_little_data withheld not_assessed error high medium low none greater both "
    "harmful neutral productive strategic tactical personal ok not_available higher lower "
    "bars lines funnel waterfall matrix scatter id name person dimension measure time month".split()
) | set(UNITS)
_FREE_MAPS = frozenset({"by", "owners", "settings", "definitions", "counter_explanations"})
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")


def plant(analysis: Analysis, disguise: Callable[[str], str]) -> Analysis:
    """Put other text in the place of every free text: equal texts stay equal, names of columns and dimensions too."""

    def text(value: str) -> str:
        return value if value in _FIXED or _DAY.match(value) or not value else disguise(value)

    def walk(value: Any, *, free: bool) -> Any:
        if isinstance(value, dict):
            return {
                (text(k) if free else k): walk(v, free=free or k in _FREE_MAPS)
                if k != "chart" or v is None
                else chart(v)
                for k, v in value.items()
            }
        if isinstance(value, list):
            return [walk(v, free=free) for v in value]
        return text(value) if isinstance(value, str) else value

    def chart(value: dict[str, Any]) -> dict[str, Any]:
        rows = value.get("rows")
        return walk({k: v for k, v in value.items() if k != "rows"}, free=False) | {
            "rows": None if rows is None else walk(rows, free=True)
        }

    return Analysis.from_json(walk(analysis.to_json(), free=False))


class Page(HTMLParser):
    """What a page consists of: tags in order with their attributes, and text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.closed: list[str] = []
        self.pieces: list[str] = []
        self.declarations = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.closed.append(tag)

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    def handle_decl(self, decl: str) -> None:
        self.declarations += 1

    def handle_comment(self, data: str) -> None:
        self.declarations += 100

    def handle_pi(self, data: str) -> None:
        self.declarations += 100

    @property
    def shape(self) -> tuple[object, ...]:
        """Everything of the page that is not text: tags and attribute names, in order.

        The class of a cell is left out: a short text is kept on one line, a long one is not. So is <bdi>: what is
        missing is told by its tables, of which a text with other dots in it names more or fewer.
        """
        tags = tuple(
            (tag, tuple(n for n in a if tag not in ("td", "th") or n != "class"))
            for tag, a in self.tags
            if tag != "bdi"
        )
        return (tags, tuple(t for t in self.closed if t != "bdi"), self.declarations)

    @property
    def text(self) -> str:
        """The page's text, white space made one blank."""
        return " ".join("".join(self.pieces).split())

    @property
    def pictures(self) -> list[str]:
        """The SVG texts of all pictures, light and dark."""
        sources = [a.get("src") or a.get("srcset") or "" for tag, a in self.tags if tag in ("img", "source")]
        return [base64.b64decode(s.partition("base64,")[2]).decode("utf-8") for s in sources]
