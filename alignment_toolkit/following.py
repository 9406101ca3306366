"""Gaps over scheduled runs: whether this run's is where the earlier ones were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from alignment_toolkit.languages import say
from alignment_toolkit.results import Analysis, Finding
from alignment_toolkit.statistics.control import Point, limit_width, self_starting
from alignment_toolkit.statistics.shrinkage import error_of

__all__ = ["BUDGET", "LOOKS", "Followed", "follow"]

LOOKS: Final = 26
BUDGET: Final = 0.10
WEIGHT: Final = 0.2
# What a gap does not depend on.
_ASIDE: Final = ("report", "privacy", "scorecard", "owners", "catalogue")


@dataclass(frozen=True)
class Followed:
    """The charts over time, one per indicator, and which earlier analyses were not compared."""

    charts: tuple[dict[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()


def follow(analysis: Analysis, history: Sequence[Analysis]) -> Followed:
    """Follow the gaps of an Analysis through earlier ones.

    A gap raises an alarm where its moving average leaves limits that are printed. The limits are so wide that over 26
    looks at a company in which nothing changes, all indicators together raise any alarm with a chance of 10 %. Only
    indicators that look at the run's own period are followed so; what looks further back shares data with the runs
    before and is drawn without alarm.

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
        return Followed((), tuple(warnings))
    series = {f.indicator: _series(analysis, earlier, f, warnings) for f in analysis.findings if not f.by}
    series = {id: runs for id, runs in series.items() if len(runs) > 1}
    exact = {id for id, runs in series.items() if any(not error_of(*_limits(f)) > 0 for _, f in runs)}
    shared = {id: why for id in series if (why := _shares(analysis, id))}
    judged = [id for id in series if id not in exact and id not in shared]
    width = limit_width(WEIGHT, LOOKS, BUDGET / len(judged)) if judged else None
    charts = []
    for f in analysis.findings:
        if f.by or f.indicator not in series:
            continue
        runs = series[f.indicator][-LOOKS:]
        if f.indicator in judged and width is not None:
            values, errors = [_value(g) for _, g in runs], [error_of(*_limits(g)) for _, g in runs]
            points = self_starting(values, errors, lam=WEIGHT, width=width)
            charts.append(_chart(f, runs, points, width, len(judged)))
        else:
            why = shared.get(f.indicator, "the gap has no sampling error")
            charts.append(
                _chart(f, runs, (), None, 0) | {"message": say("Drawn without alarm: {why}.", why=why)}
            )
    return Followed(tuple(charts), tuple(dict.fromkeys(warnings)))


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
    told = analysis.definitions.get("indicators", {}).get(finding.indicator)
    runs = []
    for one in (*earlier, analysis):
        found = [f for f in one.findings if f.indicator == finding.indicator and not f.by]
        if one is not analysis and one.definitions.get("indicators", {}).get(finding.indicator) != told:
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


def _limits(finding: Finding) -> tuple[Any, Any]:
    return (finding.gap.low, finding.gap.high) if finding.gap else (None, None)


def _chart(
    finding: Finding,
    runs: Sequence[tuple[Analysis, Finding]],
    points: Sequence[Point],
    width: float | None,
    of: int,
) -> dict[str, Any]:
    told = []
    for place, (one, f) in enumerate(runs):
        point = points[place] if points else None
        low, high = _limits(f)
        told.append({
            "period": one.period, "from": one.start, "to": one.to, "value": _value(f), "low": low, "high": high,
            "expected": point.expected if point else None, "lower_limit": point.low if point else None,
            "upper_limit": point.high if point else None, "alarm": bool(point and point.alarm),
        })  # fmt: skip
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
        "method": (
            say(
                "self-starting EWMA, weight {weight:g}, limits of {width:.2f} standard deviations: a chance of "
                "{budget:.2f} of any false alarm over {looks} looks at all {of} indicators followed",
                weight=WEIGHT, width=width, budget=BUDGET, looks=LOOKS, of=of,
            )
            if width is not None
            else say("drawn only")
        ),
        "points": told,
    }  # fmt: skip
