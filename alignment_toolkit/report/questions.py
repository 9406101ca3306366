"""Many findings at a glance: where to take what is out of line, what is in order by area, how gaps moved over runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from alignment_toolkit import charts
from alignment_toolkit.charts import as_number, clean
from alignment_toolkit.languages import noted, say, say_count
from alignment_toolkit.report import words
from alignment_toolkit.report.blocks import Block, Cell, Fold, Prose, Section, Table
from alignment_toolkit.results import Analysis, Finding

__all__ = ["FEW", "by_area", "one_line", "over_time", "route", "routes"]

FEW: Final = 5
MANY: Final = 12
_ROUTES: Final = {
    "personal": (
        noted("People"),
        noted("A matter between people: talk, get to know each other's work, and ask again."),
    ),
    "tactical": (
        noted("Process"),
        noted("A matter of daily work: agree on one rule at the hand-over, try it, and look again."),
    ),
    "strategic": (
        noted("Plan"),
        noted("A matter of aims: the heads of both departments settle one plan, then their teams follow."),
    ),
}


def route(finding: Finding) -> str:
    """Say where a finding belongs by its nature: to people, to process or to the plan."""
    name, text = _ROUTES.get(finding.nature, ("", ""))
    return f"{say(name)}. {say(text)}" if name else ""


def routes(wrong: Sequence[Finding]) -> list[Block]:
    """Give the table that takes each finding to those who can do something about it."""
    rows = []
    for nature, (name, text) in _ROUTES.items():
        own = [f for f in wrong if f.nature == nature]
        if own:
            who = dict.fromkeys(clean(w) for f in own for w in f.who)
            titles = "; ".join(clean(f.title) for f in own)
            rows.append((Cell(say(name), say(text)), Cell(titles), Cell(words.departments(list(who)))))
    if not rows:
        return []
    return [
        Table(
            say("Where to take it"),
            (say("Belongs to"), say("What is out of line"), say("Who can act")),
            tuple(rows),
        )
    ]


def by_area(findings: Sequence[Finding], told: Mapping[str, Section], currency: str) -> list[Block]:
    """Give findings that are in order: a table of all by area, and each area's details folded away."""
    if len(findings) <= FEW:
        return [told[f.id] for f in findings]
    areas = dict.fromkeys(f.area for f in findings)
    ordered = [charts.as_told(f) for area in areas for f in findings if f.area == area]
    rows = tuple(
        (
            Cell(charts.humanise(f.area)),
            Cell(clean(f.title), clean(f.statement)),
            Cell(_gap(f, currency), number=_value(f), unit=f.gap.unit if f.gap else None),
            Cell(words.interval_text(f.gap, currency) if f.gap else ""),
            Cell(charts.number(f.margin, f.gap.unit, currency) if f.gap else ""),
        )
        for f in ordered
    )
    columns = (say("Area"), say("Finding"), say("Gap"), say("95 % interval"), say("Tolerated"))
    found: list[Block] = [
        Table(say("What is aligned, by area"), columns, rows, (False, False, True, True, True))
    ]
    for area in areas:
        own = [f for f in ordered if f.area == area]
        title = say(
            "{name}: {counted} in detail",
            name=charts.humanise(area),
            counted=words.plural(len(own), "finding"),
        )
        found.append(Fold(title, tuple(told[f.id] for f in own), paper=False))
    return found


def one_line(findings: Sequence[Finding], currency: str) -> list[Block]:
    """Give many aligned findings of the first screen as one list."""
    bullets = tuple(
        say(
            "{title}: {gap}, tolerated {tolerated}",
            title=clean(f.title),
            gap=_gap(charts.as_told(f), currency),
            tolerated=words.tolerated(f, currency),
        )
        for f in findings
    )
    return [Prose("", label=say("Aligned"), bullets=bullets)]


def over_time(analysis: Analysis) -> list[Block]:
    """Give where this run's gaps stand against the runs before, and what is no movement but another definition."""
    drawn = [a for a in analysis.alarms if a.get("points")]
    aside = [str(c.get("message", "")) for c in analysis.definitions.get("changed", ())]
    named: list[Block] = []
    if aside:
        more = [say("and {n:,} more", n=len(aside) - MANY)] if len(aside) > MANY else []
        bullets = (*map(clean, aside[:MANY]), *more)
        named.append(Prose("", label=say("Changes of definition, not of the company"), bullets=bullets))
    if not drawn:
        return named
    gaps = [a for a in drawn if not a.get("kpi")]
    figures = [a for a in drawn if a.get("kpi")]
    moved = sum(bool(a.get("alarm")) for a in gaps)
    text = (
        say_count(moved, "{n:,} gap moved beyond the limits.", "{n:,} gaps moved beyond the limits.")
        if moved
        else say("No gap moved beyond its limits.")
    )
    found: list[Block] = (
        [Prose(text), _runs(say("Gaps over the runs"), gaps, analysis.currency)] if gaps else []
    )
    if figures:
        found.append(_runs(say("Key figures over the runs"), figures, analysis.currency))
    return [*found, *named]


def _runs(caption: str, charts_: Sequence[Mapping[str, Any]], currency: str) -> Table:
    columns = (
        say("Finding"),
        say("Runs"),
        say("This run"),
        say("Expected"),
        say("Limits for this run"),
        say("What it says"),
    )
    methods = (str(a["method"]) for a in charts_ if a["points"][-1].get("upper_limit") is not None)
    rows = tuple(_followed(a, currency) for a in charts_)
    return Table(
        caption,
        columns,
        rows,
        (False, True, True, True, True, False),
        note="; ".join(clean(m) for m in dict.fromkeys(methods)),
    )


def _followed(alarm: Mapping[str, Any], currency: str) -> tuple[Cell, ...]:
    last, unit = alarm["points"][-1], alarm.get("unit")

    def number(name: str) -> str:
        value = as_number(last.get(name))
        return charts.number(value, unit, currency) if value is not None else ""

    limits = (
        say("{low} to {high}", low=number("lower_limit"), high=number("upper_limit"))
        if number("upper_limit")
        else ""
    )
    said = (
        say("Alarm: {turn} than before", turn=say(str(alarm.get("turn"))))
        if alarm.get("alarm")
        else clean(alarm.get("message"))
    )
    return (
        Cell(clean(alarm.get("title"))),
        Cell(str(len(alarm["points"])), number=len(alarm["points"]), unit="count"),
        Cell(number("value"), number=as_number(last.get("value")), unit=unit),
        Cell(number("expected"), number=as_number(last.get("expected")), unit=unit),
        Cell(limits),
        Cell(said, mood="misaligned" if alarm.get("alarm") else "open"),
    )


def _value(finding: Finding) -> float | None:
    return as_number(finding.gap.value) if finding.gap else None


def _gap(finding: Finding, currency: str) -> str:
    value = _value(finding)
    return charts.number(value, finding.gap.unit, currency) if finding.gap and value is not None else ""
