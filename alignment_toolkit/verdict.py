"""The verdict: what the framework makes of the facts, the same way for every indicator.

A finding is *misaligned* where its interval lies wholly beyond the margin and the false-discovery control over all
findings of the Analysis lets it through, *aligned* where the interval lies wholly inside, else *uncertain*.

Slices are looked at only where the whole company is misaligned, and held to a stricter level: the rate times the share
of the company-level tests that were misaligned (Benjamini and Bogomolov 2014, JRSS B 76).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from alignment_toolkit.indicator import AREAS, Look, Observation
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.pseudonyms import Pseudonyms
from alignment_toolkit.relations.telling import why
from alignment_toolkit.results import (
    Chart,
    Estimate,
    Evidence,
    Finding,
    Measure,
    Severity,
    Status,
    Window,
    clean_value,
)
from alignment_toolkit.statistics.inference import needs_more
from alignment_toolkit.statistics.multiplicity import benjamini_hochberg
from alignment_toolkit.statistics.shrinkage import error_of, shrink

__all__ = ["Part", "by_area", "slice_verdicts", "verdicts"]

FALSE_DISCOVERY_RATE = 0.10
Revenue = Callable[[Period], float | None]


@dataclass(frozen=True)
class Part:
    """One look at a part of the company."""

    by: Mapping[str, Any]
    look: Look


def verdicts(
    looks: Sequence[Look],
    *,
    revenue: Callable[[Period], float | None] = lambda window: None,
    pseudonyms: Pseudonyms | None = None,
    rate: float = FALSE_DISCOVERY_RATE,
) -> tuple[Finding, ...]:
    """Turn the looks of one Analysis into findings, false discoveries controlled over all of them.

    Parameters
    ----------
    looks
        All company-level looks: they are one family (Benjamini and Hochberg 1995).
    revenue
        Gives the revenue of a window, for the severity.
    pseudonyms
        Hides the names of people and clients in the evidence.
    rate
        The false-discovery rate.
    """
    tested = [_tested(look) for look in looks]
    q_values = benjamini_hochberg([p for _, p in tested if p is not None])
    by_place = iter(float(q) for q in q_values)
    found = []
    for look, p in tested:
        q = next(by_place) if p is not None else None
        found.append(_safely(look, p, q, revenue, pseudonyms, rate))
    return by_area(found)


def slice_verdicts(
    whole: Sequence[Finding],
    parts: Mapping[str, Sequence[Part]],
    *,
    revenue: Callable[[Mapping[str, Any], Period], float | None] = lambda by, window: None,
    pseudonyms: Pseudonyms | None = None,
    rate: float = FALSE_DISCOVERY_RATE,
) -> tuple[Finding, ...]:
    """Turn looks at parts of the company into findings; none of them changes a company-level verdict.

    Parameters
    ----------
    whole
        The company-level findings.
    parts
        The looks at parts, by indicator; those of indicators that are not misaligned in the whole are left out.
    revenue
        Gives the revenue of a part and a window, for the severity.
    pseudonyms, rate
        As in `verdicts`.
    """
    level = slice_level(whole, rate)
    chosen = {f.indicator: f for f in whole if f.status == "misaligned" and not f.by}
    found: list[Finding] = []
    for id, company in chosen.items():
        own = [(part, *_tested(part.look)) for part in parts.get(id, ())]
        q_values = benjamini_hochberg([p for *_, p in own if p is not None])
        by_place = iter(float(q) for q in q_values)
        drawn = _drawn_together([look for _, look, _ in own])
        for (part, look, p), estimate in zip(own, drawn, strict=True):
            q = next(by_place) if p is not None else None

            def sold(window: Period, by: Mapping[str, Any] = part.by) -> float | None:
                return revenue(by, window)

            made = _safely(look, p, q, sold, pseudonyms, level, estimate)
            name = ",".join(f"{k}={'(missing)' if v is None else v}" for k, v in part.by.items())
            found.append(replace(made, id=f"{company.id}@{name}", by=dict(part.by)))
    return tuple(found)


def slice_level(whole: Sequence[Finding], rate: float = FALSE_DISCOVERY_RATE) -> float:
    """Give the false-discovery rate that slices are held to."""
    tests = [f for f in whole if f.q_value is not None and not f.by]
    return rate * sum(f.status == "misaligned" for f in tests) / len(tests) if tests else 0.0


def by_area(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Sort findings by area, then indicator; a slice stands behind its whole."""
    order = {area: i for i, area in enumerate(AREAS)}
    return tuple(
        sorted(findings, key=lambda f: (order.get(f.area, len(order)), f.area, f.indicator, bool(f.by)))
    )


def _tested(look: Look) -> tuple[Look, float | None]:
    """Give the look with its p value; a test that fails makes it an error of this indicator alone."""
    try:
        p = look.p_value
        if p is not None and not 0 <= p <= 1:
            raise ValueError(f"its test gives p = {p}")
    except Exception as problem:  # an author's own gap may do anything
        return _failed(look, problem), None
    return look, p


def _failed(look: Look, problem: Exception) -> Look:
    return replace(look, seen=None, error=why(problem))


def _safely(
    look: Look,
    p: float | None,
    q: float | None,
    revenue: Revenue,
    pseudonyms: Pseudonyms | None,
    rate: float,
    drawn: Estimate | None = None,
) -> Finding:
    """Make the finding; facts that cannot be told (a sentence without its word, a number that is none) are an error."""
    try:
        return _finding(look, p, q, revenue, pseudonyms, rate, drawn).checked()
    except Exception as problem:
        return _finding(_failed(look, problem), None, None, revenue, pseudonyms, rate)


def _drawn_together(looks: Sequence[Look]) -> list[Estimate | None]:
    """Draw the parts' gaps towards their common level; None where a part has no interval to draw."""
    known = {}
    for i, look in enumerate(looks):
        e = look.seen.gap.estimate if look.seen and not look.seen.withheld else None
        if e and None not in (e.value, e.low, e.high) and 0 < _width(e) < math.inf:
            known[i] = e
    drawn: list[Estimate | None] = [None] * len(looks)
    shrunken = shrink(
        [e.value or 0.0 for e in known.values()], [error_of(0, _width(e)) for e in known.values()]
    )
    for (i, e), s in zip(known.items(), shrunken, strict=True):
        least, most = _space(looks[i])
        told = say(
            "{method}; drawn towards the company's level (empirical Bayes; own data weigh {weight:.0f} %)",
            method=say(e.method),
            weight=100 * s.weight,
        )
        value, low, high = (min(max(x, least), most) for x in (s.value, s.low, s.high))
        drawn[i] = replace(e, value=value, low=low, high=high, method=told)
    return drawn


def _width(e: Estimate) -> float:
    return (e.high or 0.0) - (e.low or 0.0)


def _space(look: Look) -> tuple[float, float]:
    if look.header.kind == "contrast":
        return -math.inf, math.inf
    return 0.0, 1.0 if look.header.unit == "share" else math.inf


def _finding(
    look: Look,
    p: float | None,
    q: float | None,
    revenue: Revenue,
    pseudonyms: Pseudonyms | None,
    rate: float,
    drawn: Estimate | None = None,
) -> Finding:
    head, seen = look.header, look.seen
    status, message = _status(look, q, rate, drawn)
    estimate = seen.gap.estimate if seen and status not in ("withheld", "not_assessed", "error") else None
    shown = seen if estimate is not None else None
    measures = tuple(shown.measures) if shown else ()
    if estimate is not None and drawn is not None:
        measures = (Measure.of("own_data", say("From this part's data alone"), estimate), *measures)
        estimate = drawn
    severity: Severity = _severity(look, status, estimate, seen, revenue) if seen and estimate else "none"
    titles = {"misaligned": head.failure_title, "aligned": head.title}
    more = None
    if status == "uncertain" and estimate is not None:
        more = needs_more(estimate, look.margin, head.direction)
    elif status == "too_little_data":
        more = max(look.short_of.values(), default=None)
    chart = shown.chart if shown else None
    innocent = (shown.innocent if shown and shown.innocent else None) or head.innocent
    return Finding(
        id=head.id,
        indicator=head.id,
        by={},
        title=say(titles.get(status, head.question)),
        nature=head.nature,
        area=head.area,
        status=status,
        tension=head.tension,
        severity=severity,
        direction=head.direction,
        window=Window(str(look.window.start), str(look.window.last)),
        population=say(head.population),
        gap=replace(estimate, method=say(estimate.method)) if estimate is not None else None,
        margin=look.margin,
        p_value=p if estimate is not None else None,
        q_value=q if estimate is not None else None,
        measures=tuple(replace(m, label=say(m.label), method=say(m.method)) for m in measures),
        money_at_stake=shown.money if shown else None,
        statement=_statement(look, None if status == "too_little_data" else estimate, message),
        why=say(head.why),
        advice=say(head.advice),
        who=head.who,
        counter_explanations={side: say(text) for side, text in innocent.items()},
        guards=tuple(shown.guards) if shown else (),
        missing=look.missing,
        message=message,
        needs_more=more,
        evidence=_hide(shown.evidence, pseudonyms) if shown else Evidence(),
        chart=chart if chart is None or pseudonyms is None else _hide_chart(chart, shown, pseudonyms),
    )


def _status(
    look: Look, q: float | None, rate: float, drawn: Estimate | None = None
) -> tuple[Status, str | None]:
    if look.error is not None:
        return "error", look.error
    if look.outside is not None:
        return "too_little_data", look.outside
    if look.beyond is not None:
        return "not_assessed", look.beyond
    if look.missing or look.seen is None:
        return "not_assessed", say("Needs {missing}.", missing=", ".join(look.missing))
    if look.seen.withheld:
        return "withheld", look.seen.withheld
    short = look.short_of
    if short:
        have = look.seen.counts or {next(iter(look.header.enough)): look.seen.gap.estimate.n}
        parts = [
            say(
                "At least {enough:,} {what} are needed; here: {have:,}.",
                have=have.get(what, 0),
                what=say(what),
                enough=look.header.enough[what],
            )
            for what in short
        ]
        return "too_little_data", " ".join(parts)
    estimate, margin = drawn or look.seen.gap.estimate, look.margin
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "too_little_data", say(
            "No interval could be computed ({method}).", method=say(estimate.method)
        )
    both = look.header.direction == "both"
    beyond = estimate.low > margin or (both and estimate.high < -margin)
    inside = estimate.high <= margin and (not both or estimate.low >= -margin)
    if beyond and q is not None and q <= rate:
        return "misaligned", None
    if inside:
        return "aligned", None
    return "uncertain", None


def _severity(look: Look, status: str, estimate: Estimate, seen: Observation, revenue: Revenue) -> Severity:
    if status != "misaligned" or estimate.value is None:
        return "none"
    size = abs(estimate.value)
    if size >= 3 * look.margin:
        return "high"
    least = seen.money.low if seen.money else None
    if least is not None and least > 0:
        total = revenue(look.window)
        if total is not None and least > 0.01 * total > 0:
            return "high"
    return "medium" if size >= 2 * look.margin else "low"


def _statement(look: Look, estimate: Estimate | None, message: str | None) -> str:
    if estimate is None or estimate.value is None or look.seen is None:
        return message or ""
    head = look.header
    words = {
        **{
            name: say("{value:g}", value=value) if isinstance(value, float) else str(value)
            for name, value in look.options.items()
        },
        **look.seen.values,
        "gap": head.text(estimate.value),
        "n": say("{n:,}", n=estimate.n),
    }
    said = say(head.says, **words)
    n = say("{n:,} {n_unit}", n=estimate.n, n_unit=say(estimate.n_unit))
    if estimate.low is not None and estimate.low == estimate.high:
        said += say(" All {n} were counted.", n=n)
    elif estimate.low is not None and estimate.high is not None:
        told = head.interval(estimate.low, estimate.high)
        said += say(" The 95 % interval is {interval}, from {n}.", interval=told, n=n)
    margin = head.text(look.margin)
    said += (
        say(" The tolerance is {margin} either way.", margin=margin)
        if head.direction == "both"
        else say(" The tolerance is {margin}.", margin=margin)
    )
    return f"{said} {message}" if message else said


def _hide(rows: Evidence, pseudonyms: Pseudonyms | None) -> Evidence:
    columns = tuple(replace(c, label=say(c.label)) for c in rows.columns)
    if pseudonyms is None:
        return Evidence(columns, rows.rows)
    hide = [{"person": pseudonyms.person, "name": pseudonyms.client}.get(c.role) for c in rows.columns]
    hidden = tuple(tuple(h(v) if h else v for h, v in zip(hide, row, strict=True)) for row in rows.rows)
    return Evidence(columns, hidden)


def _hide_chart(chart: Chart, seen: Observation | None, pseudonyms: Pseudonyms) -> Chart:
    if chart.rows is None or seen is None:
        return chart
    roles = {c.name: c.role for c in seen.evidence.columns}
    hide = {
        name: {"person": pseudonyms.person, "name": pseudonyms.client}.get(role)
        for name, role in roles.items()
    }
    rows = []
    for row in chart.rows:
        changed = {}
        for name, value in row.items():
            hider = hide.get(name)
            changed[name] = hider(value) if hider else clean_value(value)
        rows.append(changed)
    return replace(chart, rows=tuple(rows))
