"""From an Analysis to the blocks of a report: the answer first, then what it rests on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from alignment_toolkit.charts import clean
from alignment_toolkit.languages import noted, say, say_count, spoken
from alignment_toolkit.report import (
    attribution,
    coverage,
    drivers,
    figures,
    findings,
    kinds,
    method,
    questions,
    scorecard,
    segments,
    words,
)
from alignment_toolkit.report.blocks import (
    Block,
    Brand,
    Callout,
    Document,
    Heading,
    Link,
    PageBreak,
    Prose,
    Section,
    data,
)
from alignment_toolkit.results import Analysis, Finding
from alignment_toolkit.settings.brand import decoded

__all__ = ["story"]

_LACKING: Final = 5
_JUDGED: Final = ("misaligned", "aligned", "uncertain")


_READERS: Final = {
    "internal": noted("For internal use"),
    "client": noted("For the client; people and small groups are left out"),
    "public": noted("People and small groups are left out"),
}


def story(analysis: Analysis, *, kind: str = "full", audience: str = "internal") -> Document:
    r"""Tell what an Analysis found.

    Parameters
    ----------
    kind
        ``full``, ``executive`` (two pages) or ``workshop`` (a finding per page, with questions to discuss).
    audience
        Who reads it, for the words at the foot; what they may see was settled before.

    Examples
    --------
    >>> from alignment_toolkit.results import Analysis
    >>> story(Analysis.empty(company="Acme", currency="EUR", period="2026-Q3")).title
    'Marketing and sales at \u2068Acme\u2069'
    """
    analysis = _cleaned(analysis)
    label = words.made_up(analysis)
    whole = findings.company_level(analysis.findings)
    # A slice without its company-level finding would be lost; it then stands for itself.
    whole += [f for f in analysis.findings if f.by and not any(w.indicator == f.indicator for w in whole)]
    wrong = findings.in_order([f for f in whole if f.status == "misaligned"])
    open_ = findings.in_order([f for f in whole if f.status == "uncertain"])
    right = [f for f in whole if f.status == "aligned"]
    rest = [f for f in whole if f.status not in _JUDGED]
    anchors = {f.id: f"finding-{i}" for i, f in enumerate([*wrong, *open_, *right], start=1)}
    currency = analysis.currency

    if kind != "full":
        lead = _lead(wrong, open_, right, rest)
        short = (
            kinds.executive(analysis, wrong, open_, right, rest, lead, anchors)
            if kind == "executive"
            else kinds.workshop(analysis, wrong, open_, lead, label, anchors)
        )
        return _document(analysis, label, short, (), audience)

    parts: list[tuple[str, str, list[Block]]] = [
        (say("Shared scorecard"), "scorecard", scorecard.shared_scorecard(analysis, label)),
        (say("Key figures"), "figures", figures.key_figures(analysis, label)),
        (say("Key figures in parts of the company"), "parts", figures.slices(analysis, label)),
        (say("What moved the figures"), "drivers", drivers.what_moved(analysis, label)),
        (
            say("Which steps came before the sales"),
            "attribution",
            attribution.steps_before_sales(analysis, label),
        ),
        (say("Segments and plays"), "segments", segments.segments_and_plays(analysis, label)),
        (say("Value map"), "value-map", segments.value_map(analysis, label)),
    ]
    told = [
        findings.full(
            f, anchors[f.id], currency, label, findings.slices_of(f, analysis.findings) if not f.by else ()
        )
        for f in [*wrong, *open_]
    ]
    parts += [
        (say("Findings"), "findings", [*questions.routes(wrong), *told] if told else []),
        (
            say("What is aligned"),
            "aligned",
            questions.by_area(
                right, {f.id: findings.shorter(f, anchors[f.id], currency, label) for f in right}, currency
            ),
        ),
        (say("What could not be judged"), "open", findings.not_judged(rest, anchors)),
        (say("What has changed since earlier runs"), "runs", questions.over_time(analysis)),
        (say("Method and data"), "method", method.of(analysis, _subtitle(analysis))),
    ]
    parts = [p for p in parts if p[2]]
    blocks: list[Block] = [_answer(analysis, wrong, open_, right, rest, anchors)]
    for title, anchor, inside in parts:
        if anchor in ("findings", "method"):
            blocks.append(PageBreak())
        blocks.append(Section((Heading(2, title, anchor), *inside)))
    links = tuple(Link(title, anchor) for title, anchor, _ in parts)
    return _document(analysis, label, blocks, links, audience)


def _document(
    analysis: Analysis, label: str, blocks: Sequence[Block], links: tuple[Link, ...], audience: str
) -> Document:
    about = analysis.settings.get("report")
    told = about.get("brand") if isinstance(about, Mapping) else None
    brand = told if isinstance(told, Mapping) else {}
    name = clean(brand.get("name") or "")
    return Document(
        title=say("Marketing and sales at {company}", company=data(analysis.company)),
        subtitle=_subtitle(analysis) + coverage.short(analysis),
        label=label,
        blocks=tuple(blocks),
        contents=links,
        footer=_footer(analysis, label, audience, clean(brand.get("footer") or name)),
        date=clean(analysis.as_of or analysis.to or ""),
        currency=clean(analysis.currency),
        lang=spoken(),
        brand=Brand(
            name=name,
            colour=_colour(brand.get("colour")),
            logo=decoded(str(brand["logo"])) if brand.get("logo") else b"",
            font=clean(brand.get("font") or ""),
        ),
    )


def _colour(value: Any) -> str:
    return value.upper() if isinstance(value, str) and re.fullmatch(r"#[0-9A-Fa-f]{6}", value) else ""


def _cleaned(analysis: Analysis) -> Analysis:
    """Clean every text once, before any of it becomes a word in a sentence."""

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {clean(k, lines=True): walk(v) for k, v in value.items()}
        if isinstance(value, list):
            return [walk(v) for v in value]
        return clean(value, lines=True) if isinstance(value, str) else value

    return Analysis.from_json(walk(analysis.to_json()))


def _subtitle(analysis: Analysis) -> str:
    text = data(analysis.period)
    if analysis.start and analysis.to:
        text += say(", {first} to {last}", first=words.day(analysis.start), last=words.day(analysis.to))
    if analysis.compared_with:
        text += say(
            ", compared with {listed}",
            listed=words.enumerate_words([data(p) for p in analysis.compared_with]),
        )
    if analysis.as_of:
        text += say("; data complete until {day}", day=words.day(analysis.as_of))
    return text


def _footer(analysis: Analysis, label: str, audience: str, brand: str) -> str:
    made = (
        say("Made with alignment_toolkit {toolkit}", toolkit=data(analysis.toolkit))
        if analysis.toolkit
        else say("Made with alignment_toolkit")
    )
    return ". ".join(t for t in (brand, label, made, say(_READERS[audience])) if t) + "."


def _answer(
    analysis: Analysis,
    wrong: Sequence[Finding],
    open_: Sequence[Finding],
    right: Sequence[Finding],
    rest: Sequence[Finding],
    anchors: Mapping[str, str],
) -> Section:
    currency = analysis.currency
    judged = len(wrong) + len(open_) + len(right)
    blocks: list[Block] = [
        Heading(2, say("The answer"), "answer"),
        Prose(_lead(wrong, open_, right, rest), tone="lead"),
        *coverage.told(analysis),
    ]
    blocks += [findings.answer(f, anchors[f.id], currency) for f in wrong]
    told = [words.HOW_SURE, *([words.AT_STAKE] if any(f.money_at_stake for f in wrong) else [])]
    blocks += [Prose(" ".join(map(say, told)), tone="muted")] if wrong else []
    blocks += _overlap(wrong)
    blocks += [findings.answer(f, anchors[f.id], currency) for f in open_]
    if len(right) > questions.FEW:
        blocks += questions.one_line(right, currency)
    else:
        blocks += [findings.answer(f, anchors[f.id], currency) for f in right]
    if len(rest) > questions.FEW:
        blocks.append(Prose(_what_lacks(rest), label=say("Could not be judged")))
    elif rest:
        names = tuple(_open_line(f) for f in rest)
        blocks.append(Prose("", label=say("Could not be judged"), bullets=names))
    if not judged and not rest:
        blocks.append(Prose(say("No question about alignment was part of this analysis.")))
    return Section(tuple(blocks), kind="answer")


def _what_lacks(rest: Sequence[Finding]) -> str:
    """Say of many open questions what most of them lack; the list is further below."""
    counts: dict[str, int] = {}
    for f in rest:
        for table in dict.fromkeys(name.partition(".")[0] for name in words.first_needs(f)):
            counts[table] = counts.get(table, 0) + 1
    lacking = sum(f.status == "not_assessed" for f in rest)
    parts = []
    if lacking:
        parts.append(
            say_count(
                lacking,
                "{n:,} question asks for data that is not there.",
                "{n:,} questions ask for data that is not there.",
            )
        )
    if counts:
        most = sorted(counts, key=lambda t: (-counts[t], t))[:_LACKING]
        parts.append(
            say(
                "Most ask for {listed}.",
                listed=words.enumerate_words([f"{data(t)} ({counts[t]})" for t in most]),
            )
        )
    if other := len(rest) - lacking:
        parts.append(
            say_count(
                other,
                "{n} has too little data or is withheld.",
                "{n} have too little data or are withheld.",
            )
        )
    return " ".join([*parts, say("Each question and what it would take is listed below.")])


def _open_line(finding: Finding) -> str:
    title, status = clean(finding.title), words.status_text(finding)
    return f"{title} {status}" if title[-1:] in "?!." else f"{title}: {words.small_start(status)}"


def _lead(
    wrong: Sequence[Finding], open_: Sequence[Finding], right: Sequence[Finding], rest: Sequence[Finding]
) -> str:
    judged = len(wrong) + len(open_) + len(right)
    if not judged:
        return (
            say(
                "None of {counted} could be judged with the data at hand.",
                counted=words.plural(len(rest), "question"),
            )
            if rest
            else ""
        )
    parts = [
        say_count(len(wrong), "{n} is out of line", "{n} are out of line")
        if wrong
        else say("none are out of line"),
        say_count(len(right), "{n} is aligned", "{n} are aligned") if right else say("none are aligned"),
    ]
    if open_:
        parts.append(say_count(len(open_), "{n} is uncertain", "{n} are uncertain"))
    text = say(
        "Of {counted} that could be judged, {listed}.",
        counted=words.plural(judged, "question"),
        listed=words.enumerate_words(parts),
    )
    if rest:
        text += say_count(len(rest), " One more could not be judged.", " {n} more could not be judged.")
    return text


def _overlap(wrong: Sequence[Finding]) -> list[Block]:
    if sum(f.money_at_stake is not None for f in wrong) < 2:
        return []
    text = say(
        "The sums at stake overlap: the same deal can count in more than one. They must not be added up."
    )
    return [Callout(say("Do not add these sums"), text)]
