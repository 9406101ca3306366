"""The shorter kinds of a report: two pages for who decides, a page per finding for who discusses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from alignment_toolkit import charts
from alignment_toolkit.charts import clean
from alignment_toolkit.languages import say
from alignment_toolkit.report import figures, findings, words
from alignment_toolkit.report.blocks import (
    Block,
    Cell,
    Figure,
    Heading,
    PageBreak,
    Prose,
    Section,
    SideBySide,
    Table,
)
from alignment_toolkit.results import Analysis, Finding

__all__ = ["executive", "workshop"]

_SHOWN: Final = 3
_STEPS: Final = 5
_NAMED: Final = 8
_SENTENCE: Final = 240
_MARKS: Final = 10
_SIDES: Final = ("marketing", "sales")


def executive(
    analysis: Analysis,
    wrong: Sequence[Finding],
    open_: Sequence[Finding],
    right: Sequence[Finding],
    rest: Sequence[Finding],
    lead: str,
    anchors: Mapping[str, str],
) -> list[Block]:
    """Give the two pages: the answer and what it costs, then the key figures, the next steps and how it was judged."""
    currency = analysis.currency
    answer: list[Block] = [Heading(2, say("The answer"), "answer"), Prose(lead, tone="lead")]
    answer += [findings.answer(f, anchors[f.id], currency) for f in wrong[:_SHOWN]]
    others = [
        (say("Also out of line"), [clean(f.title) for f in wrong[_SHOWN:]]),
        (say("Uncertain"), [clean(f.title) for f in open_]),
        (say("Aligned"), [clean(f.title) for f in right]),
        (say("Could not be judged"), [clean(f.title) for f in rest]),
    ]
    answer += [Prose(_names(titles), label=label) for label, titles in others if titles]
    blocks: list[Block] = [Section(tuple(answer), kind="answer"), PageBreak()]
    tiles = figures.headlines(analysis)
    if tiles:
        blocks.append(Section((Heading(2, say("Key figures"), "figures"), *tiles)))
    steps = [f for f in [*wrong, *open_] if f.advice or f.who][:_STEPS]
    if steps:
        rows = tuple(
            (
                Cell(clean(f.title)),
                Cell(words.departments(f.who)),
                Cell(charts.shorten(clean(f.advice), _SENTENCE)),
                Cell(
                    words.money_text(f.money_at_stake, basis=False)
                    if f.money_at_stake
                    else say("not put into money")
                ),
            )
            for f in steps
        )
        columns = (say("Finding"), say("Who can act"), say("What next"), say("At stake"))
        blocks.append(
            Section(
                (Heading(2, say("Next steps"), "steps"), Table(say("Who can do what next"), columns, rows))
            )
        )
    judged = say(
        "Out of line: the whole 95 % interval of the gap lies beyond the margin set beforehand, and "
        "holds up against the number of questions asked. By chance: how often data like these come "
        "up where it does not. Sums at stake overlap and must not be added up. No finding proves a "
        "cause. The full report holds the evidence, the innocent explanations and the method."
    )
    blocks.append(Section((Heading(2, say("How this was judged"), "method"), Prose(judged))))
    return blocks


def _names(titles: Sequence[str]) -> str:
    more = len(titles) - _NAMED
    return "; ".join(titles[:_NAMED]) + (say("; and {more} more.", more=more) if more > 0 else ".")


def workshop(
    analysis: Analysis,
    wrong: Sequence[Finding],
    open_: Sequence[Finding],
    lead: str,
    label: str,
    anchors: Mapping[str, str],
) -> list[Block]:
    """Give the answer, then a page per finding: the number, both sides, questions, room for what is agreed."""
    currency = analysis.currency
    answer = [findings.answer(f, anchors[f.id], currency) for f in [*wrong, *open_]]
    blocks: list[Block] = [
        Section((Heading(2, say("The answer"), "answer"), Prose(lead, tone="lead"), *answer), kind="answer")
    ]
    for f in [*wrong, *open_]:
        blocks += [PageBreak(), _page(f, anchors[f.id], currency, label)]
    if not answer:
        nothing = say("Nothing is out of line or uncertain, so there is no finding to discuss.")
        blocks.append(Section((Heading(2, say("To discuss"), "discuss"), Prose(nothing))))
    return blocks


def _page(f: Finding, anchor: str, currency: str, label: str) -> Section:
    blocks: list[Block] = [Heading(2, clean(f.title), anchor)]
    if f.statement:
        blocks.append(Prose(clean(f.statement), tone="lead"))
    blocks.append(Prose(words.gap_sentence(f, currency), label=say("Gap")))
    blocks.append(Prose(words.how_sure(f), label=say("How sure")))
    if f.money_at_stake is not None:
        blocks.append(Prose(words.money_text(f.money_at_stake), label=say("At stake")))
    drawn = charts.of_finding(f, currency=currency, note=label) if f.chart is not None else None
    # A chart that takes half a page is for the full report.
    if drawn is None or (sum(len(s.points) for s in drawn.series) > _MARKS and drawn.kind != "lines"):
        drawn = charts.of_gap(f, currency=currency, note=label)
    if drawn is not None:
        blocks.append(Figure(drawn, small=True, with_table=False))
    blocks.append(Heading(3, say("Both sides")))
    told = {clean(k).casefold(): clean(v) for k, v in f.counter_explanations.items() if v}
    sides = list(dict.fromkeys([*_SIDES, *told]))
    columns = tuple(
        (
            Prose(
                told.get(side, say("No explanation on record: ask.")),
                label=say("Seen from {side}", side=say(side)),
            ),
        )
        for side in sides
    )
    blocks += [SideBySide(columns), Heading(3, say("To discuss")), Prose("", bullets=_questions(f, currency))]
    empty = tuple((Cell(f"{i}."), Cell(""), Cell(""), Cell("")) for i in range(1, 4))
    blocks.append(
        Table(say("What was agreed"), (say("No."), say("What"), say("Who"), say("Until when")), empty)
    )
    return Section(
        tuple(b for b in blocks if not (isinstance(b, Prose) and not b.text and not b.bullets)),
        kind="finding",
        mood=words.MOODS.get(f.status, "open"),
        tags=(words.status_word(f.status), charts.humanise(f.nature), charts.humanise(f.area)),
    )


def _questions(f: Finding, currency: str) -> tuple[str, ...]:
    told = charts.as_told(f)
    margin = charts.number(told.margin, told.gap.unit if told.gap is not None else None, currency)
    asked = [
        say("What had each side expected this number to be, before seeing it?"),
        say("Which of the explanations above could be checked within a week, and with which records?"),
        say(
            "What would have to change for the gap to come down to {margin}, and who decides that?",
            margin=margin,
        ),
    ]
    if f.status == "uncertain":
        asked[2] = say("What would settle it? {what_it_takes}", what_it_takes=words.what_it_takes(f)).strip()
    if f.tension != "harmful":
        asked.append(
            say("What does the company gain from this difference, and what would be lost without it?")
        )
    if f.advice:
        asked.append(say("Proposed: {advice} What speaks against it?", advice=clean(f.advice)))
    return tuple(asked)
