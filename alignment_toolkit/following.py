"""Gaps over scheduled runs: whether this run's is where the earlier ones were."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from alignment_toolkit.languages import say
from alignment_toolkit.relations.telling import why
from alignment_toolkit.results import Analysis, Finding, KpiValue
from alignment_toolkit.statistics.control import Point, limit_width, self_starting
from alignment_toolkit.statistics.shrinkage import error_of
from alignment_toolkit.wording import changed_words

__all__ = ["BUDGET", "LOOKS", "Followed", "follow", "followed_through"]

LOOKS: Final = 26
BUDGET: Final = 0.10
# A change of some three standard errors is named soonest, over the next four runs, by weights of 0.25 to 0.4.
WEIGHT: Final = 0.3
# Where only more is worse, so much of the budget goes to that side; that a gap narrowed is worth less of it.
WIDER: Final = 0.8
# What a gap does not depend on.
_ASIDE: Final = ("report", "privacy", "scorecard", "owners", "catalogue")


@dataclass(frozen=True)
class Followed:
    """The charts over time, one per indicator, which earlier analyses were not compared, and changes of definition."""

    charts: tuple[dict[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()
    changed: tuple[dict[str, Any], ...] = ()


def follow(analysis: Analysis, history: Sequence[Analysis]) -> Followed:
    """Follow the gaps of an Analysis through earlier ones.

    A gap raises an alarm where its moving average leaves limits that are printed. The limits are so wide that over 26
    looks at a company in which nothing changes, all indicators together raise any alarm with a chance of 10 %. Only
    indicators that look at the run's own period are followed so; what looks further back shares data with the runs
    before and is drawn without alarm. Key figures that are rates or means are followed in the same way, with a budget
    of their own; that they move may be a season as well.

    Parameters
    ----------
    analysis
        This run.
    history
        Earlier runs in any order; of several for the same period the last one counts. Those with other settings,
        definitions, version or length of period, and those that overlap, are named and not compared.
    """
    earlier, left = _comparable(analysis, history)
    warnings = [say("history: {label} is not compared: {why}", label=label, why=why) for label, why in left]
    if not earlier:
        return Followed((), tuple(warnings), _aside(warnings))
    changed = changed_words(analysis, earlier)
    warnings += [say("history: {what}", what=c["message"]) for c in changed]
    series = {f.indicator: _series(analysis, earlier, f, warnings) for f in analysis.findings if not f.by}
    series = {id: runs for id, runs in series.items() if len(runs) > 1}
    exact = {id for id, runs in series.items() if not any(_error(_value(f), *_limits(f)) for _, f in runs)}
    shared = {id: why for id in series if (why := _shares(analysis, id))}
    judged = [id for id in series if id not in exact and id not in shared]
    charts = []
    for f in analysis.findings:
        if f.by or f.indicator not in series:
            continue
        runs = series[f.indicator][-LOOKS:]
        if f.indicator in judged:
            width, below = _widths(len(judged), f.direction)
            values, errors = [_value(g) for _, g in runs], [_error(_value(g), *_limits(g)) for _, g in runs]
            cases = [g.gap.n if g.gap else 0 for _, g in runs]
            points = self_starting(values, errors, cases=cases, lam=WEIGHT, width=width, below=below)
            charts.append(_chart(f, runs, points, _method(len(judged), "indicators", width, below)))
        else:
            why = shared.get(f.indicator, "the gap has no sampling error")
            charts.append(
                _chart(f, runs, (), say("drawn only"))
                | {"message": say("Drawn without alarm: {why}.", why=why)}
            )
    charts += _figures(analysis, earlier)
    said = {say("history: {what}", what=c["message"]) for c in changed}
    return Followed(
        tuple(charts),
        tuple(dict.fromkeys(warnings)),
        (*changed, *_aside([w for w in warnings if w not in said])),
    )


def followed_through(analysis: Analysis, history: Sequence[Analysis]) -> Analysis:
    """Give an Analysis with its alarms, changes of definition and warnings from the runs before it."""
    try:
        found = follow(analysis, history)
    except Exception as problem:  # what earlier files hold must not take this run down
        told = say("The history could not be followed: {said}", said=why(problem))
        return replace(analysis, warnings=(*analysis.warnings, told))
    about = dict(analysis.definitions) | ({"changed": list(found.changed)} if found.changed else {})
    warnings = (*analysis.warnings, *found.warnings)
    return replace(analysis, alarms=found.charts, definitions=about, warnings=warnings)


def _aside(warnings: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """Give what was not compared as changes of definition, without the word that its warning begins with."""
    return tuple({"message": w.partition(": ")[2] or w} for w in dict.fromkeys(warnings))


def _comparable(
    analysis: Analysis, history: Sequence[Analysis]
) -> tuple[list[Analysis], list[tuple[str, str]]]:
    chosen: dict[str, Analysis] = {}
    left = []
    for one in history:
        why = _differs(analysis, one)
        if why:
            left.append((one.period, why))
        else:
            chosen[one.start] = one
    found: list[Analysis] = []
    for one in sorted(chosen.values(), key=lambda a: (a.start, a.to)):
        if found and one.start <= found[-1].to:
            left.append((one.period, say("it overlaps {period}", period=found[-1].period)))
        else:
            found.append(one)
    return found, left


def _differs(now: Analysis, then: Analysis) -> str:
    """Say why an earlier Analysis cannot stand beside this one; nothing where it can."""
    if then.company != now.company:
        return say("it is of another company ({company})", company=then.company)
    if then.to >= now.start:
        return say("its period is not before this one")
    if then.toolkit != now.toolkit:
        return say("it was made by another version ({toolkit})", toolkit=then.toolkit)
    days = [_days(a) for a in (now, then)]
    if not 0.85 <= days[1] / days[0] <= 1.18:
        return say("its period is of another length ({days} days, not {days2})", days=days[1], days2=days[0])
    changed = sorted(_other(_bearing(now.settings), _bearing(then.settings)))
    return (
        say("it was made with other settings ({changed})", changed=", ".join(changed[:5])) if changed else ""
    )


def _bearing(settings: Mapping[str, Any]) -> dict[str, Any]:
    kept = {k: v for k, v in settings.items() if k not in _ASIDE}
    if isinstance(kept.get("company"), Mapping):
        kept["company"] = {k: v for k, v in kept["company"].items() if k not in ("as_of", "name")}
    return kept


def _other(a: Any, b: Any, head: str = "") -> set[str]:
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        found: set[str] = set()
        for key in {*a, *b}:
            found |= _other(a.get(key), b.get(key), f"{head}.{key}" if head else str(key))
        return found
    return set() if a == b else {head}


def _series(
    analysis: Analysis, earlier: Sequence[Analysis], finding: Finding, warnings: list[str]
) -> list[tuple[Analysis, Finding]]:
    runs = []
    for one in (*earlier, analysis):
        found = [f for f in one.findings if f.indicator == finding.indicator and not f.by]
        if one is not analysis and not _same(analysis, one, "indicators", finding.indicator):
            if found:
                warnings.append(
                    say(
                        "history: {indicator} of {period} is not compared: it was defined otherwise",
                        indicator=finding.indicator,
                        period=one.period,
                    )
                )
            continue
        if found and found[0].gap is not None and None not in (found[0].gap.value, *_limits(found[0])):
            runs.append((one, found[0]))
    return runs if runs and runs[-1][0] is analysis else []


def _same(now: Analysis, then: Analysis, kind: str, id: str) -> bool:
    """Tell whether a question or key figure was defined as it is now; in another language by what it computes."""
    told, before = (a.definitions.get(kind, {}).get(id) for a in (now, then))
    tongues = [(a.settings.get("report") or {}).get("language") for a in (now, then)]
    if tongues[0] == tongues[1] or not (isinstance(told, Mapping) and isinstance(before, Mapping)):
        return bool(told == before)
    return all(told.get(k) == before.get(k) for k in ("kind", "margin", "unit", "window", "looks_back"))


def _window(analysis: Analysis, indicator: str) -> str:
    return str(analysis.definitions.get("indicators", {}).get(indicator, {}).get("window", ""))


def _shares(analysis: Analysis, indicator: str) -> str:
    """Say how an indicator's runs share data; nothing where each run has cases of its own."""
    if (window := _window(analysis, indicator)) != "period":
        return say("the window ({window}) shares data with the runs before", window=window)
    back = int(analysis.definitions.get("indicators", {}).get(indicator, {}).get("looks_back", 0))
    if back > _days(analysis):
        return say(
            "it looks back {back} days, over more than the run's own period, and shares cases with the "
            "runs before",
            back=back,
        )
    return ""


def _days(analysis: Analysis) -> int:
    return (date.fromisoformat(analysis.to) - date.fromisoformat(analysis.start) + timedelta(days=1)).days


def _value(finding: Finding) -> float:
    return float(finding.gap.value) if finding.gap and finding.gap.value is not None else 0.0


def _error(value: float, low: float, high: float) -> float:
    """Give the standard error behind an interval; 0 where it has no width.

    An interval that ends at 0 because nothing lies below (a share, a distance) is only half an interval.
    """
    return error_of(2 * value - high, high) if low == 0 and value < high else error_of(low, high)


def _limits(finding: Finding) -> tuple[Any, Any]:
    return (finding.gap.low, finding.gap.high) if finding.gap else (None, None)


def _chart(
    finding: Finding,
    runs: Sequence[tuple[Analysis, Finding]],
    points: Sequence[Point],
    method: str,
) -> dict[str, Any]:
    told = [
        _point(one, _value(f), _limits(f), points[place] if points else None)
        for place, (one, f) in enumerate(runs)
    ]
    last = points[-1] if points else None
    turn = None
    if last is not None and last.alarm and last.expected is not None:
        now, then = _value(finding), last.expected
        wider = abs(now) > abs(then) if finding.direction == "both" else now > then
        turn = "wider" if wider else "narrower"
    said = ""
    if last is not None and last.low is not None:
        said = (
            say("The gap has moved beyond what chance explains")
            if last.alarm
            else say("The gap is where it was before")
        )
        said += say("; over {runs} runs, this run's limits stand beside it.", runs=len(runs))
    return {
        "indicator": finding.indicator, "title": finding.title, "unit": finding.gap.unit if finding.gap else None,
        "margin": finding.margin, "alarm": turn is not None, "turn": turn, "message": said,
        "method": method,
        "points": told,
    }  # fmt: skip


def _point(one: Analysis, value: float, limits: tuple[Any, Any], point: Point | None) -> dict[str, Any]:
    return {
        "period": one.period, "from": one.start, "to": one.to, "value": value, "low": limits[0], "high": limits[1],
        "expected": point.expected if point else None, "lower_limit": point.low if point else None,
        "upper_limit": point.high if point else None, "alarm": bool(point and point.alarm),
    }  # fmt: skip


def _widths(of: int, direction: str) -> tuple[float, float]:
    """Give how wide the upper and the lower limit are; of two rare crossings each has its half of the chance."""
    budget = BUDGET / of
    if direction != "greater":
        return (width := limit_width(WEIGHT, LOOKS, budget)), width
    return limit_width(WEIGHT, LOOKS, 2 * WIDER * budget), limit_width(
        WEIGHT, LOOKS, 2 * (1 - WIDER) * budget
    )


def _method(of: int, what: str, width: float, below: float) -> str:
    words = {"weight": WEIGHT, "width": width, "budget": BUDGET, "looks": LOOKS, "of": of}
    if what != "indicators":
        return say(
            "self-starting EWMA, weight {weight:g}, limits of {width:.2f} standard deviations: a chance of "
            "{budget:.2f} of any false alarm over {looks} looks at all {of} key figures followed", **words
        )  # fmt: skip
    if below == width:
        return say(
            "self-starting EWMA, weight {weight:g}, limits of {width:.2f} standard deviations: a chance of "
            "{budget:.2f} of any false alarm over {looks} looks at all {of} indicators followed", **words
        )  # fmt: skip
    return say(
        "self-starting EWMA, weight {weight:g}, limits of {width:.2f} standard deviations above and {below:.2f} below: "
        "a chance of {budget:.2f} of any false alarm over {looks} looks at all {of} indicators followed",
        below=below, **words,
    )  # fmt: skip


# ---- key figures ---------------------------------------------------------------------------------------------------


def _figures(analysis: Analysis, earlier: Sequence[Analysis]) -> list[dict[str, Any]]:
    """Follow the key figures that are rates or means of the run's own cases, with a false-alarm budget of their own.

    One that is composed of others is drawn only: its interval takes spend as given, which comes in lumps.
    """
    series = {k.kpi: _rates(analysis, earlier, k.kpi) for k in analysis.kpis if _rate(analysis, k.kpi) is k}
    series = {id: runs for id, runs in series.items() if len(runs) > 1}
    if not series:
        return []
    drawn = {id for id in series if _composed(analysis, id)}
    of = len(series) - len(drawn)
    width = limit_width(WEIGHT, LOOKS, BUDGET / of) if of else math.nan
    charts = []
    for id, runs in series.items():
        runs = runs[-LOOKS:]
        row = runs[-1][1]
        values = [float(r.value or 0.0) for _, r in runs]
        if id in drawn:
            why = say("it is composed of other key figures, and its interval does not hold how those move")
            told = (say("Drawn without alarm: {why}.", why=why), say("drawn only"))
            charts.append(_figure(row, runs, [None] * len(runs), None, *told))
            continue
        errors = [_error(v, r.low, r.high) for v, (_, r) in zip(values, runs, strict=True)]  # type: ignore[arg-type]
        points = self_starting(values, errors, cases=[r.n for _, r in runs], lam=WEIGHT, width=width)
        last = points[-1]
        turn = None
        if last.alarm and last.expected is not None:
            turn = "higher" if values[-1] > last.expected else "lower"
        said = (
            say(
                "It has moved beyond what chance explains; over {n} runs, this run's limits stand beside it.",
                n=len(runs),
            )
            if turn
            else say(
                "It is where it was before; over {n} runs, this run's limits stand beside it.", n=len(runs)
            )
        )
        charts.append(_figure(row, runs, points, turn, said, _method(of, "key figures", width, width)))
    return charts


def _figure(
    row: KpiValue,
    runs: Sequence[tuple[Analysis, KpiValue]],
    points: Sequence[Point | None],
    turn: str | None,
    message: str,
    method: str,
) -> dict[str, Any]:
    return {
        "indicator": None, "kpi": row.kpi, "title": row.title, "unit": row.unit, "margin": None,
        "alarm": turn is not None, "turn": turn, "message": message, "method": method,
        "points": [
            _point(one, float(r.value or 0.0), (r.low, r.high), p)
            for (one, r), p in zip(runs, points, strict=True)
        ],
    }  # fmt: skip


def _composed(analysis: Analysis, kpi: str) -> bool:
    told = analysis.definitions.get("kpis", {}).get(kpi)
    return isinstance(told, Mapping) and bool(told.get("composed"))


def _rates(analysis: Analysis, earlier: Sequence[Analysis], kpi: str) -> list[tuple[Analysis, KpiValue]]:
    return [
        (one, row)
        for one in (*earlier, analysis)
        if _same(analysis, one, "kpis", kpi) and (row := _rate(one, kpi)) is not None
    ]


def _rate(analysis: Analysis, kpi: str) -> KpiValue | None:
    """Give a key figure of the whole period that has an interval and a base; sums grow with the company."""
    for row in analysis.kpis:
        if row.kpi == kpi and not row.by and row.grain is None and row.period == analysis.period:
            whole = (
                row.status == "ok" and not row.immature and row.bottom is not None and row.value is not None
            )
            return (
                row if whole and row.low is not None and row.high is not None and row.high > row.low else None
            )
    return None
