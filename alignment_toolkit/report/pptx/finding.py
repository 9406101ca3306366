"""A finding on one slide: the sentence on top, pictures to the left, words to the right, the rest in the notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from alignment_toolkit.languages import noted, say
from alignment_toolkit.report import native
from alignment_toolkit.report.blocks import (
    Block,
    Callout,
    Detail,
    Facts,
    Figure,
    Heading,
    Prose,
    Section,
    SideBySide,
)
from alignment_toolkit.report.native import Native
from alignment_toolkit.report.plain import sentences
from alignment_toolkit.report.pptx.deck import MUTED, Deck
from alignment_toolkit.report.pptx.text import broken, high, lines, slide_text

__all__ = ["for_the_speaker", "put"]

# What the speaker needs and the audience does not.
SPOKEN: Final = (
    noted("Method"),
    noted("Looked at"),
    noted("Fingerprint of the data"),
    noted("Toolkit"),
    noted("Schema of the analysis"),
)
_SIZES: Final = (12.0, 11.0, 10.0, 9.0)
_GAP: Final = 0.4
_SPACE: Final = 0.07


def for_the_speaker(label: str) -> bool:
    """Say whether what stands under a label is for the notes."""
    return label in map(say, SPOKEN)


def put(deck: Deck, section: Section) -> list[Block]:
    """Write a finding, and give what is for the notes."""
    head, *blocks = section.blocks
    assert isinstance(head, Heading)
    deck.begin(head.text)
    if section.tags:
        deck.text(" · ".join(section.tags), 11, colour=MUTED)
    if blocks and isinstance(blocks[0], Prose) and blocks[0].tone == "lead":
        deck.text(blocks.pop(0).text, 15)  # type: ignore[union-attr]
    words, pictures, spoken = _sorted(blocks)
    left = (deck.master.wide - _GAP) * 0.52 if pictures else 0.0
    if pictures:
        deck.stack(pictures[:2], left)
    start = deck.master.left + left + (_GAP if pictures else 0.0)
    rest = _words(deck, words, start, deck.master.wide - (start - deck.master.left))
    return [*rest, *spoken]


def _sorted(blocks: Sequence[Block]) -> tuple[list[tuple[str, str]], list[Native], list[Block]]:
    """Tell words from pictures, and both from what is too much for a slide."""
    words: list[tuple[str, str]] = []
    pictures: list[Native] = []
    spoken: list[Block] = []
    head = ""
    for block in _opened(blocks):
        if isinstance(block, Heading):
            head = block.text
            continue
        if isinstance(block, Prose):
            words.append((block.label or head, block.text))
            words += [("", f"• {b}") for b in block.bullets]
        elif isinstance(block, Facts):
            words += [(k, v) for k, v in block.items if not for_the_speaker(k)]
            spoken.append(Facts(tuple((k, v) for k, v in block.items if for_the_speaker(k))))
        elif isinstance(block, Callout):
            words.append((block.title, block.text))
        elif isinstance(block, Figure) and (drawn := native.of(block.chart)) is not None:
            pictures.append(drawn)
        else:
            spoken += list(block.blocks) if isinstance(block, Detail) else [block]
        head = ""
    return words, pictures, spoken


def _opened(blocks: Sequence[Block]) -> Iterator[Block]:
    for block in blocks:
        if isinstance(block, SideBySide):
            for column in block.columns:
                yield from _opened(column)
        else:
            yield block


def _words(deck: Deck, words: Sequence[tuple[str, str]], left: float, wide: float) -> list[Block]:
    """Write labels and texts as large as they fit; what does not fit at the smallest size is for the notes."""
    told = [(slide_text(sentences(k, "x")[:-1].strip()) if k else "", slide_text(v)) for k, v in words]
    room = deck.left_over
    size = next((s for s in _SIZES if sum(_tall(t, s, wide) for t in told) <= room), _SIZES[-1])
    most = max(3, int(room / high(1, size) / max(1, len(told))))
    box, used, rest = deck.box(left, wide), 0.0, []
    for i, (label, text) in enumerate(told):
        shown = text
        if used + sum(_tall(t, size, wide) for t in told[i:]) > room:
            rows = broken(f"{label} {text}".strip(), size, wide)
            if len(rows) > most:
                shown = " ".join(rows[:most])[len(label) :].strip() + " …"
                rest.append(Prose(text, label=label))
        if used + _tall((label, shown), size, wide) > room:
            rest += [Prose(v, label=k) for k, v in told[i:]]
            break
        deck.add(box, label, shown, size, space=_SPACE, first=used == 0.0)
        used += _tall((label, shown), size, wide)
    return list(rest)


def _tall(told: tuple[str, str], size: float, wide: float) -> float:
    return high(lines(f"{told[0]} {told[1]}".strip(), size, wide * 0.97), size) + _SPACE
