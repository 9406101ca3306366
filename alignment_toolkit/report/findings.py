"""A finding as blocks: at full length where it asks for a decision, shorter where things are in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from alignment_toolkit import charts, units
from alignment_toolkit.charts import as_number, clean
from alignment_toolkit.languages import noted, say, say_count, term
from alignment_toolkit.languages.locale import moment_text
from alignment_toolkit.report import questions, words
from alignment_toolkit.report.blocks import (
    Answer,
    Block,
    Callout,
    Cell,
    Detail,
    Facts,
    Figure,
    Fold,
    Heading,
    Link,
    Prose,
    Section,
    SideBySide,
    Table,
    data,
)
from alignment_toolkit.results import Estimate, Evidence, Finding

__all__ = [
    "answer",
    "company_level",
    "full",
    "in_order",
    "named_parts",
    "not_judged",
    "parts_not_asked",
    "shorter",
    "slices_of",
]

_SEVERITY: Final = {"high": 0, "medium": 1, "low": 2, "none": 3}
_SHOWN: Final = 10
_NAMED: Final = 6  # parts named before the rest is counted
_GUARDS: Final = {
    "simpson": noted("The picture changes with the mix"),
    "immature": noted("Some cases are too young"),
    "logging": noted("Somebody records little"),
    "unrecorded": noted("Days that nobody recorded"),
    "small_cells": noted("Small groups"),
    "join_health": noted("Links between tables"),
    "copied_ratings": noted("Copied ratings"),
    "confounding": noted("Other explanations"),
    "one_whale": noted("One case weighs heavily"),
    "other_way": noted("What came of it points the other way"),
}


def company_level(findings: Sequence[Finding]) -> list[Finding]:
    """Give the findings about the whole company."""
    return [f for f in findings if not f.by]


def slices_of(finding: Finding, findings: Sequence[Finding]) -> list[Finding]:
    """Give the same question's findings in slices."""
    return [f for f in findings if f.by and f.indicator == finding.indicator]


def in_order(findings: Sequence[Finding]) -> list[Finding]:
    """Sort by severity, then by the money that is at least at stake, then by certainty, then by name."""
    return sorted(
        findings, key=lambda f: (_SEVERITY.get(f.severity, 3), -_least_money(f), -_certainty(f), f.id)
    )


def _least_money(finding: Finding) -> float:
    money = finding.money_at_stake
    return (as_number(money.low) or 0.0) if money is not None else 0.0


def _certainty(finding: Finding) -> float:
    """Give the distance of the interval's near end from the margin, in margins."""
    if finding.gap is None:
        return 0.0
    low, high = as_number(finding.gap.low), as_number(finding.gap.high)
    near = max(low or 0.0, -(high or 0.0)) if finding.direction == "both" else (low or 0.0)
    return (near - finding.margin) / abs(finding.margin) if finding.margin else near


def answer(finding: Finding, anchor: str, currency: str) -> Answer:
    """Give a finding's line on the first screen."""
    tag = words.status_word(finding.status)
    gap = (
        words.gap_sentence(finding, currency)
        if finding.gap is not None and as_number(finding.gap.value) is not None
        else ""
    )
    mood, link = words.MOODS.get(finding.status, "open"), Link(clean(finding.title), anchor)
    if finding.status != "misaligned":
        takes = (
            say(" To settle it: {takes}", takes=words.small_start(words.what_it_takes(finding)))
            if finding.status == "uncertain"
            else ""
        )
        return Answer(
            mood, tag, link, say("Gap {gap}.{takes}", gap=gap, takes=takes) if gap else takes.strip()
        )
    money = finding.money_at_stake
    next_ = [words.departments(finding.who), clean(finding.advice)]
    facts = (
        (say("How far"), "" if _said(finding, currency) else gap),
        (say("How sure"), words.short_chance(finding)),
        (say("At stake"), words.money_short(money) if money is not None else say("not put into money")),
        (say("Who, and what next"), ": ".join(t for t in next_ if t)),
    )
    severity = (
        say(", severity {severity}", severity=say(finding.severity)) if finding.severity != "none" else ""
    )
    return Answer(mood, tag + severity, link, clean(finding.statement), tuple((k, v) for k, v in facts if v))


def _said(finding: Finding, currency: str) -> bool:
    """Whether the statement gives the gap with its interval, so that it need not be given twice."""
    gap = charts.as_told(finding).gap
    if gap is None or as_number(gap.value) is None:
        return False
    return _told(gap, finding.statement, currency)


def _told(gap: Estimate, statement: str, currency: str) -> bool:
    value = charts.number(as_number(gap.value), gap.unit, currency)
    if gap.low is not None and gap.low == gap.high:
        return value in statement
    interval = words.interval_text(gap, currency)
    return bool(interval) and value in statement and interval in statement


def full(finding: Finding, anchor: str, currency: str, note: str, slices: Sequence[Finding] = ()) -> Section:
    """Give a finding at full length."""
    return Section(
        (
            *_head(finding, anchor, currency, note),
            *_money(finding, currency),
            *_slices(slices, currency),
            *_chart(finding, currency, note),
            *_measures(finding, currency),
            *_guards(finding),
            *_explanations(finding),
            *_advice(finding),
            Detail((*_evidence(finding, currency), *_why(finding))),
        ),
        kind="finding",
        mood=words.MOODS.get(finding.status, "open"),
        tags=_tags(finding),
    )


def shorter(finding: Finding, anchor: str, currency: str, note: str) -> Section:
    """Give a finding that is in order: the number, and the rest folded away."""
    rest = (
        *_chart(finding, currency, note),
        *_measures(finding, currency),
        *_evidence(finding, currency),
        *_why(finding),
    )
    return Section(
        (
            *_head(finding, anchor, currency, note),
            *_guards(finding),
            *([Fold(say("Numbers behind it, and why it matters"), rest)] if rest else []),
        ),
        kind="finding",
        mood=words.MOODS.get(finding.status, "open"),
        tags=_tags(finding),
    )


def not_judged(findings: Sequence[Finding], anchors: dict[str, str]) -> list[Block]:
    """Give the questions that stay open: which, why, and what it would take."""
    rows = tuple(
        (
            Cell(clean(f.title)),
            Cell(words.status_word(f.status), mood="open", whole=True),
            Cell(_reason(f), words.what_it_takes(f) if f.status != "not_assessed" else ""),
        )
        for f in findings
    )
    if not rows:
        return []
    table = Table(
        say("Questions without an answer"),
        (say("Question"), say("Status"), say("Why, and what it would take")),
        rows,
    )
    whys: list[Block] = []
    for f in findings:
        text = clean(f.why)
        if text:
            whys.append(Prose(text, label=clean(f.title)))
    return [table, *([Fold(say("Why these questions matter"), tuple(whys))] if whys else [])]


def _reason(finding: Finding) -> str:
    if finding.status == "not_assessed" and finding.missing:
        return words.needs(finding)
    if finding.message:
        return clean(finding.message)
    if finding.gap is not None and finding.status == "too_little_data":
        return say("Only {n:,} {n_unit}.", n=finding.gap.n, n_unit=data(say(finding.gap.n_unit)))
    return clean(finding.statement)


def _tags(finding: Finding) -> tuple[str, ...]:
    severity = (
        say("Severity: {severity}", severity=say(finding.severity)) if finding.status == "misaligned" else ""
    )
    by = f"{charts.humanise(', '.join(finding.by))}: {charts.by_text(finding.by)}" if finding.by else ""
    kind = (charts.humanise(finding.nature), charts.humanise(finding.area))
    tags = (words.status_word(finding.status), severity, *kind, by)
    return tuple(clean(t) for t in tags if t)


def _head(finding: Finding, anchor: str, currency: str, note: str) -> list[Block]:
    found: list[Block] = [Heading(3, clean(finding.title), anchor)]
    if finding.statement:
        found.append(Prose(clean(finding.statement), tone="lead"))
    drawn = charts.of_gap(finding, currency=currency, note=note)
    if drawn is not None:
        found.append(Figure(drawn, small=True, with_table=False))
    facts = [
        (say("Gap"), words.gap_sentence(finding, currency) if drawn is not None else ""),
        (say("How sure"), words.how_sure(finding)),
        (say("Method"), clean(finding.gap.method) if finding.gap is not None else ""),
        (say("Looked at"), _population(finding)),
        (say("To settle it"), words.what_it_takes(finding) if finding.status == "uncertain" else ""),
        (say("Belongs to"), questions.route(finding) if finding.status == "misaligned" else ""),
        (say("Note"), say(words.TENSION.get(finding.tension, "")) if finding.status == "misaligned" else ""),
    ]
    found.append(Facts(tuple((k, v) for k, v in facts if v)))
    return found


def _population(finding: Finding) -> str:
    start, end = words.day(finding.window.start), words.day(finding.window.to)
    when = say("{start} to {end}", start=start, end=end) if start and end else ""
    return "; ".join(t for t in (clean(finding.population) if finding.population else "", when) if t)


def _money(finding: Finding, currency: str) -> list[Block]:
    if finding.money_at_stake is None:
        return []
    return [Facts(((say("Money at stake"), words.money_text(finding.money_at_stake)),))]


def _chart(finding: Finding, currency: str, note: str) -> list[Block]:
    if finding.chart is None:
        return []
    drawn = charts.of_finding(finding, currency=currency, note=note)
    if drawn is None:
        return [Prose(say("The chart of this finding has no rows that can be drawn."), tone="muted")]
    # A chart of the evidence has its numbers in the evidence's own table.
    own_rows = finding.chart.rows is not None
    return [
        Figure(
            drawn, with_table=own_rows or (len(finding.evidence.rows) > _SHOWN and drawn.kind == "scatter")
        )
    ]


def _measures(finding: Finding, currency: str) -> list[Block]:
    if not finding.measures:
        return []
    rows = tuple(
        (
            Cell(clean(m.label)),
            Cell(charts.number(as_number(m.value), m.unit, currency), number=as_number(m.value), unit=m.unit),
            Cell(words.interval_text(m, currency)),
            Cell(words.counted(m.n, m.n_unit), number=m.n, unit="count"),
            Cell(clean(m.method)),
        )
        for m in finding.measures
    )
    columns = (say("Further measures"), say("Value"), say("95 % interval"), "n", say("Method"))
    return [Table(say("Further measures, without verdict"), columns, rows, (False, True, True, True, False))]


def _slices(slices: Sequence[Finding], currency: str) -> list[Block]:
    if not slices:
        return []
    rows = tuple(
        (
            Cell(f"{charts.humanise(', '.join(f.by))}: {charts.by_text(f.by)}"),
            Cell(words.status_word(f.status), mood=words.MOODS.get(f.status, "open")),
            Cell(
                charts.number(as_number(f.gap.value), f.gap.unit, currency)
                if f.gap
                else say(units.NOT_AVAILABLE)
            ),
            Cell(words.interval_text(f.gap, currency) if f.gap else ""),
            Cell(say("{n:,}", n=f.gap.n) if f.gap else ""),
        )
        for f in map(charts.as_told, slices)
    )
    columns = (say("Slice"), say("Status"), say("Gap"), say("95 % interval"), "n")
    note = say("Gaps of parts are drawn towards the company's level; no part changes the company's verdict.")
    title = say("The same question in parts of the company")
    note = " ".join([note, *_why_not(slices)])
    table = Table(title, columns, rows, (False, False, True, True, True), note=note)
    return [Fold(f"{title}: {_parts_line(slices)}", (table,))]


def _why_not(slices: Sequence[Finding]) -> list[str]:
    """Say why parts have no answer, once for all that share the reason."""
    return [
        say("Not assessed ({parts}): {reason}.", parts=named_parts(same, slices), reason=reason.rstrip("."))
        for reason, same in parts_not_asked(slices).items()
    ]


def parts_not_asked(slices: Sequence[Finding]) -> dict[str, list[Finding]]:
    """Group the parts that a question was not put to by reason."""
    found: dict[str, list[Finding]] = {}
    for f in slices:
        if f.status == "not_assessed" and (reason := _reason(f)):
            found.setdefault(reason, []).append(f)
    return found


def named_parts(same: Sequence[Finding], slices: Sequence[Finding]) -> str:
    """Name the parts that share a reason: all, or the first few of them."""
    if len(same) == len(slices):
        return say("all")
    names = [data(charts.shorten(charts.by_text(f.by), 40)) for f in same]
    more = len(names) - _NAMED
    return words.enumerate_words([*names[:_NAMED], say("{more:,} more", more=more)] if more > 1 else names)


def _parts_line(slices: Sequence[Finding]) -> str:
    counts: dict[str, int] = {}
    for f in slices:
        said = words.status_word(f.status)
        counts[said] = counts.get(said, 0) + 1
    return words.enumerate_words([f"{n} {words.small_start(said)}" for said, n in counts.items()])


def _guards(finding: Finding) -> list[Block]:
    return [
        Callout(say(_GUARDS[g.guard]) if g.guard in _GUARDS else charts.humanise(g.guard), clean(g.message))
        for g in finding.guards
    ]


def _explanations(finding: Finding) -> list[Block]:
    sides = [(k, v) for k, v in finding.counter_explanations.items() if v]
    if not sides:
        return []
    columns = tuple(
        (Prose(clean(text), label=say("Seen from {side}", side=say(clean(side)))),) for side, text in sides
    )
    heading = Heading(4, say("The best innocent explanations"))
    return [heading, SideBySide(columns) if len(columns) > 1 else columns[0][0]]


def _advice(finding: Finding) -> list[Block]:
    if not finding.advice and not finding.who:
        return []
    found: list[Block] = [Heading(4, say("What to do next"))]
    if finding.advice:
        found.append(Prose(clean(finding.advice)))
    if finding.who:
        found.append(Prose(words.departments(finding.who), label=say("Who can act")))
    return found


def _why(finding: Finding) -> list[Block]:
    paragraphs = [clean(p) for p in clean(finding.why, lines=True).split("\n\n") if p.strip()]
    if not paragraphs:
        return []
    return [Heading(4, say("Why it matters")), *(Prose(p) for p in paragraphs)]


def _evidence(finding: Finding, currency: str) -> list[Block]:
    evidence = finding.evidence
    if not evidence.columns or not evidence.rows:
        return []
    if len(evidence.rows) <= _SHOWN:
        return [_evidence_table(evidence, currency, say("Evidence: rows to check"), "")]
    first = Evidence(evidence.columns, evidence.rows[:_SHOWN])
    rest = Evidence(evidence.columns, evidence.rows[_SHOWN:])
    more = say_count(len(rest.rows), "Evidence: the other row", "Evidence: the other {n:,} rows")
    note = say("The first {shown} of {rows} rows.", shown=_SHOWN, rows=len(evidence.rows))
    return [
        _evidence_table(first, currency, say("Evidence: rows to check"), note),
        Fold(more, (_evidence_table(rest, currency, more, ""),), paper=False),
    ]


def _moment(text: str) -> str:
    """Write a time stamp without what says nothing."""
    return (
        text[:10] + text[10:].replace("T", " ").removesuffix(" 00:00:00").removesuffix(":00")
        if text[10:11] == "T"
        else text
    )


def _evidence_table(evidence: Evidence, currency: str, caption: str, note: str) -> Table:
    numeric = tuple(c.role == "measure" for c in evidence.columns)
    rows = tuple(
        tuple(_cell(value, c.unit, c.role, currency) for value, c in zip(row, evidence.columns, strict=False))
        for row in evidence.rows
    )
    return Table(
        caption, tuple(clean(c.label) or clean(c.name) for c in evidence.columns), rows, numeric, note=note
    )


def _cell(value: object, unit: str | None, role: str, currency: str) -> Cell:
    found = as_number(value)
    if found is None or role != "measure":
        if isinstance(value, bool):
            return Cell(say("yes") if value else say("no"))
        text = term(clean(value))
        return Cell(
            moment_text(_moment(text)) if role == "time" else charts.shorten(text, 200),
            whole=charts.width(text) <= 24,
        )
    return Cell(charts.number(found, unit, currency), number=found, unit=unit)
