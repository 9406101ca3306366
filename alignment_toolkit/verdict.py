"""The verdict: what the framework makes of the facts, the same way for every indicator.

A finding is *misaligned* where its interval lies wholly beyond the margin and the false-discovery control over all
findings of the Analysis lets it through, *aligned* where the interval lies wholly inside, else *uncertain*.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from alignment_toolkit.indicator import AREAS, Look, Observation
from alignment_toolkit.periods import Period
from alignment_toolkit.pseudonyms import Pseudonyms
from alignment_toolkit.results import (
    Chart,
    Estimate,
    Evidence,
    Finding,
    Severity,
    Status,
    Window,
    clean_value,
)
from alignment_toolkit.statistics.inference import needs_more
from alignment_toolkit.statistics.multiplicity import benjamini_hochberg
from alignment_toolkit.units import unit as unit_of

__all__ = ["verdicts"]

FALSE_DISCOVERY_RATE = 0.10


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
    tested = [look for look in looks if look.p_value is not None]
    q_values = benjamini_hochberg([look.p_value for look in tested if look.p_value is not None])
    q_of = {id(look): float(q) for look, q in zip(tested, q_values, strict=True)}
    found = [_finding(look, q_of.get(id(look)), revenue, pseudonyms, rate) for look in looks]
    order = {area: i for i, area in enumerate(AREAS)}
    return tuple(sorted(found, key=lambda f: (order.get(f.area, len(order)), f.area, f.id)))


def _finding(
    look: Look,
    q: float | None,
    revenue: Callable[[Period], float | None],
    pseudonyms: Pseudonyms | None,
    rate: float,
) -> Finding:
    head, seen = look.header, look.seen
    status, message = _status(look, q, rate)
    estimate = seen.gap.estimate if seen and status not in ("withheld", "not_assessed", "error") else None
    shown = seen if estimate is not None else None
    severity: Severity = _severity(look, status, estimate, seen, revenue) if seen and estimate else "none"
    titles = {"misaligned": head.failure_title, "aligned": head.title}
    more = None
    if status == "uncertain" and estimate is not None:
        more = needs_more(estimate, look.margin, head.direction)
    elif status == "too_little_data":
        more = max(look.short_of.values(), default=None)
    chart = shown.chart if shown else None
    return Finding(
        id=head.id,
        indicator=head.id,
        by={},
        title=titles.get(status, head.question),
        nature=head.nature,
        area=head.area,
        status=status,
        tension=head.tension,
        severity=severity,
        direction=head.direction,
        window=Window(str(look.window.start), str(look.window.last)),
        population=head.population,
        gap=estimate,
        margin=look.margin,
        p_value=look.p_value if estimate is not None else None,
        q_value=q if estimate is not None else None,
        measures=tuple(shown.measures) if shown else (),
        money_at_stake=shown.money if shown else None,
        statement=_statement(look, estimate, message),
        why=head.why,
        advice=head.advice,
        who=head.who,
        counter_explanations=dict((shown.innocent if shown and shown.innocent else None) or head.innocent),
        guards=tuple(shown.guards) if shown else (),
        missing=look.missing,
        message=message,
        needs_more=more,
        evidence=_hide(shown.evidence, pseudonyms) if shown else Evidence(),
        chart=chart if chart is None or pseudonyms is None else _hide_chart(chart, shown, pseudonyms),
    )


def _status(look: Look, q: float | None, rate: float) -> tuple[Status, str | None]:
    if look.error is not None:
        return "error", look.error
    if look.missing or look.seen is None:
        return "not_assessed", f"Needs {', '.join(look.missing)}."
    if look.seen.withheld:
        return "withheld", look.seen.withheld
    short = look.short_of
    if short:
        have = look.seen.counts or {next(iter(look.header.enough)): look.seen.gap.estimate.n}
        parts = [
            f"{have.get(what, 0):,} {what}, at least {look.header.enough[what]:,} are needed"
            for what in short
        ]
        return "too_little_data", f"There are {'; '.join(parts)}."
    estimate, margin = look.seen.gap.estimate, look.margin
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "too_little_data", f"No interval could be computed ({estimate.method})."
    both = look.header.direction == "both"
    beyond = estimate.low > margin or (both and estimate.high < -margin)
    inside = estimate.high <= margin and (not both or estimate.low >= -margin)
    if beyond and q is not None and q <= rate:
        return "misaligned", None
    if inside:
        return "aligned", None
    return "uncertain", None


def _severity(
    look: Look, status: str, estimate: Estimate, seen: Observation, revenue: Callable[[Period], float | None]
) -> Severity:
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
    written = unit_of(look.header.unit)
    words = {
        **{
            name: f"{value:g}" if isinstance(value, float) else str(value)
            for name, value in look.options.items()
        },
        **look.seen.values,
        "gap": written.text(estimate.value),
        "n": f"{estimate.n:,}",
    }
    said = look.header.says.format(**words)
    if estimate.low is not None and estimate.high is not None:
        said += f" The 95 % interval is {written.interval(estimate.low, estimate.high)}"
        said += f", from {estimate.n:,} {estimate.n_unit}; up to {written.text(look.margin)} is tolerated."
    return f"{said} {message}" if message else said


def _hide(rows: Evidence, pseudonyms: Pseudonyms | None) -> Evidence:
    if pseudonyms is None:
        return rows
    hide = [{"person": pseudonyms.person, "name": pseudonyms.client}.get(c.role) for c in rows.columns]
    hidden = tuple(tuple(h(v) if h else v for h, v in zip(hide, row, strict=True)) for row in rows.rows)
    return Evidence(rows.columns, hidden)


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
