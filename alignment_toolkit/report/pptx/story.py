"""Blocks as slides: a slide or more per part and per finding; what is folded away on a page is in the speaker notes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

from alignment_toolkit import charts
from alignment_toolkit.languages import say
from alignment_toolkit.report import native
from alignment_toolkit.report.blocks import (
    Answer,
    Block,
    Callout,
    Cell,
    Detail,
    Document,
    Facts,
    Figure,
    Fold,
    Heading,
    Prose,
    Section,
    SideBySide,
    Table,
    Tiles,
)
from alignment_toolkit.report.plain import ELSEWHERE, fixed_zip, sentences
from alignment_toolkit.report.pptx.deck import INK, MUTED, Deck
from alignment_toolkit.report.pptx.finding import for_the_speaker, put
from alignment_toolkit.report.pptx.master import open_master

__all__ = ["render"]

_SIZES: Final = {"lead": 17.0, "": 13.0, "muted": 10.0}
_FEW: Final = 3
_LETTERS: Final = 170
_SHORT: Final = 40


def render(document: Document, template: bytes | None = None, layouts: dict[str, str] | None = None) -> bytes:
    """Write a document as slides; the same document, the same bytes.

    Parameters
    ----------
    template
        The content of the client's .pptx, whose master is used; by default the toolkit's own, 16:9.
    layouts
        The names of the template's layouts for ``cover`` and ``content``.
    """
    master = open_master(document, template, layouts)
    deck = Deck(master, document)
    deck.cover()
    story = _Story(deck)
    for block in document.blocks:
        story.block(block)
    deck.end()
    made = io.BytesIO()
    master.slides.save(made)
    return fixed_zip(made.getvalue())


def _with(blocks: Sequence[Block]) -> float:
    """Give the room that must be left below a heading, for what it introduces, in inches."""
    needed = 0.3
    for block in blocks[:4]:
        if isinstance(block, Prose):
            needed += 0.6
        elif isinstance(block, Figure | SideBySide):
            return min(needed + 3.2, 4.2)
        elif isinstance(block, Table):
            return min(needed + 1.3, 3.0)
        else:
            break
    return needed


class _Story:
    """Walks through the blocks."""

    def __init__(self, deck: Deck) -> None:
        self.deck = deck

    def blocks(self, blocks: Sequence[Block]) -> None:
        answers: list[Answer] = []
        for i, block in enumerate(blocks):
            if isinstance(block, Heading):
                self.deck.text(
                    block.text, 16 if block.level <= 3 else 14, bold=True, keep=_with(blocks[i + 1 :])
                )
                continue
            if isinstance(block, Answer):
                answers.append(block)
                continue
            self._answers(answers)
            self.block(block)
        self._answers(answers)

    def _answers(self, answers: list[Answer]) -> None:
        if not answers:
            return
        labels = list(dict.fromkeys(k for a in answers for k, _ in a.facts))
        # Many of them must be seen at a glance; their whole text stands with each finding, and in the notes.
        brief = len(answers) > _FEW
        rows = []
        for a in answers:
            facts = [dict(a.facts).get(k, "") for k in labels]
            told = [charts.shorten(t, _LETTERS) if brief else t for t in facts]
            named = (
                (Cell(a.title.text, a.status, mood=a.mood),)
                if brief and labels
                else (Cell(a.status, mood=a.mood), Cell(a.title.text, a.text))
            )
            rows.append((*named, *(Cell(t) if len(t) <= _SHORT else Cell("", t) for t in told)))
            if brief and a.facts:
                self.deck.note(f"{sentences(a.title.text, a.text)} {'; '.join(facts)}")
        heads = (say("Finding"),) if brief and labels else (say("Status"), say("Question and answer"))
        self.deck.table(Table(say("Question by question"), (*heads, *labels), tuple(rows)))
        answers.clear()

    def block(self, block: Block) -> None:
        deck = self.deck
        if isinstance(block, Section):
            self._section(block)
        elif deck.slide is None:
            deck.begin(deck.document.title)
            self.block(block)
        elif isinstance(block, Heading):
            deck.text(block.text, 16 if block.level <= 3 else 14, bold=True, keep=1.2)
        elif isinstance(block, Prose):
            self._prose(block)
        elif isinstance(block, Answer):
            self._answers([block])
        elif isinstance(block, Tiles):
            deck.tiles(block.tiles)
        elif isinstance(block, Table):
            deck.table(block)
        elif isinstance(block, Figure):
            self._figures([block])
        elif isinstance(block, Facts):
            for name, text in block.items:
                if for_the_speaker(name):
                    deck.note(f"{name}: {text}")
                else:
                    deck.text(text, 12, label=f"{name}:")
        elif isinstance(block, Callout):
            deck.callout(block.title, block.text)
        elif isinstance(block, SideBySide):
            self._side(block)
        elif isinstance(block, Fold | Detail):
            self._spoken([block])

    def _section(self, section: Section) -> None:
        blocks = list(section.blocks)
        if section.kind == "finding" and isinstance(blocks[0], Heading):
            self._spoken(put(self.deck, section))
            return
        if blocks and isinstance(blocks[0], Heading):
            first = blocks.pop(0)
            assert isinstance(first, Heading)
            # A part that begins with a part of its own needs no slide for its name alone.
            if not (blocks and isinstance(blocks[0], Section)):
                self.deck.begin(first.text)
        if section.tags:
            self.deck.text(" · ".join(section.tags), 11, colour=MUTED)
        self.blocks(blocks)

    def _prose(self, block: Prose) -> None:
        head = sentences(block.label, "x")[:-1].rstrip() if block.label and block.text else block.label
        self.deck.text(
            block.text,
            _SIZES[block.tone],
            label=head,
            colour=MUTED if block.tone == "muted" else INK,
            keep=0.3 * min(len(block.bullets), 4),
        )
        for bullet in block.bullets:
            self.deck.text(f"• {bullet}", 12)

    def _figures(self, figures: Sequence[Figure]) -> None:
        drawn = []
        for figure in figures:
            made = native.of(figure.chart)
            if made is None:
                columns, cells = native.matrix(figure.chart)
                numeric = (False, *(True for _ in columns[1:]))
                self.deck.table(Table(figure.chart.title, columns, cells, numeric, note=figure.chart.note))
            else:
                drawn.append(made)
        if drawn:
            self.deck.charts(drawn)

    def _side(self, block: SideBySide) -> None:
        inside = [b for column in block.columns for b in column]
        if all(isinstance(b, Figure) for b in inside):
            self._figures([b for b in inside if isinstance(b, Figure)])
        elif all(isinstance(b, Prose) for b in inside):
            self.deck.columns(
                [
                    [(sentences(b.label, "x")[:-1].strip(), b.text) for b in column if isinstance(b, Prose)]
                    for column in block.columns
                ]
            )
        else:
            self.blocks(inside)

    def _spoken(self, blocks: Sequence[Block]) -> None:
        deck = self.deck
        for b in blocks:
            if isinstance(b, Heading):
                deck.note(b.text)
            elif isinstance(b, Prose):
                deck.note(sentences(b.label, b.text))
                for bullet in b.bullets:
                    deck.note(f"• {bullet}")
            elif isinstance(b, Table):
                deck.note_table(b)
            elif isinstance(b, Figure):
                columns, rows = charts.table(b.chart)
                cells = tuple(tuple(Cell(text) for text in row) for row in rows)
                deck.note_table(Table(b.chart.title, columns, cells))
            elif isinstance(b, Facts):
                for name, text in b.items:
                    deck.note(f"{name}: {text}")
            elif isinstance(b, Callout):
                deck.note(f"{b.title}. {b.text}")
            elif isinstance(b, SideBySide):
                for column in b.columns:
                    self._spoken(column)
            elif isinstance(b, Fold):
                deck.note(b.title if b.paper else f"{b.title}: {say(ELSEWHERE)}.")
                self._spoken(b.blocks if b.paper else ())
            elif isinstance(b, Section | Detail):
                self._spoken(b.blocks)
