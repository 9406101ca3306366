"""The section "Shared scorecard": targets and how far they are attained, who answers, and what the weights pay for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from alignment_toolkit import charts, units
from alignment_toolkit.charts import ChartData, Point, Series, as_number, clean
from alignment_toolkit.languages import noted, say, say_count
from alignment_toolkit.report import words
from alignment_toolkit.report.blocks import (
    Block,
    Callout,
    Cell,
    Detail,
    Figure,
    Fold,
    Heading,
    Mood,
    Prose,
    Table,
    data,
)
from alignment_toolkit.results import Analysis

__all__ = ["shared_scorecard"]

Row = Mapping[str, Any]
_SHARE: Final = units.unit("share")
_MESSAGES: Final = 20
_CONFLICTS: Final[Mapping[str, str]] = {
    "against the other department": noted("the other department pays"),
    "against profit": noted("profit pays"),
    "good for profit, not rewarded": noted("good for profit, not rewarded"),
}


def shared_scorecard(analysis: Analysis, note: str = "") -> list[Block]:
    """Tell targets, attainment, responsibility, weights tried, double messages and incentives."""
    card = analysis.scorecard
    if not card.rows:
        return []
    found: list[Block] = [Prose(_lead(card.departments, card.rows))]
    found.append(_departments(card.departments))
    drawn = _chart(analysis, note)
    if drawn is not None:
        found.append(Figure(drawn, with_table=False))
    found += [_targets(analysis), Detail((_matrix(card.rows), *_assumptions(card.rows)))]
    found += _messages(card.departments)
    if levers := _incentives(analysis):
        found.append(Detail(tuple(levers)))
    return found


def _percent(value: Any) -> str:
    return _SHARE.text(as_number(value))


def _whole(share: float) -> str:
    return say("{share:.0f} %", share=share * 100)


def _span(row: Row, low: str, high: str) -> str:
    a, b = as_number(row.get(low)), as_number(row.get(high))
    return "" if a is None or b is None or a == b else _SHARE.interval(a, b)


def _once(rows: Sequence[Row]) -> list[Row]:
    """Give one row per KPI: the attainment is the same in every department's scorecard."""
    seen: dict[str, Row] = {}
    for row in rows:
        seen.setdefault(str(row.get("kpi")), row)
    return list(seen.values())


def _lead(departments: Sequence[Row], rows: Sequence[Row]) -> str:
    told = [d for d in departments if as_number(d.get("score")) is not None]
    once = _once(rows)
    final = [r for r in once if r.get("reached") is not None]
    parts = []
    if final:
        hit = sum(bool(r.get("reached")) for r in final)
        parts.append(
            say_count(
                hit,
                "{n} of {counted} that can be judged is reached.",
                "{n} of {counted} that can be judged are reached.",
                counted=words.plural(len(final), "target"),
            )
        )
    open_ = [r for r in once if r.get("reached") is None and as_number(r.get("chance")) is not None]
    if open_:
        parts.append(say_count(len(open_), "{n:,} target is still open.", "{n:,} targets are still open."))
    lacking = len(once) - len(final) - len(open_)
    if lacking:
        parts.append(say("Of {counted} nothing can be said yet.", counted=words.plural(lacking, "target")))
    if told:
        scores = [f"{data(say(clean(d['department'])))} {_percent(d['score'])}" for d in told]
        parts.append(
            say(
                "Weighted, and with 100 % as on target: {listed}.",
                listed=words.enumerate_words(scores),
            )
        )
    if len(told) > 1:
        ends = [(as_number(d.get("low")), as_number(d.get("high"))) for d in told]
        known = [(a, b) for a, b in ends if a is not None and b is not None]
        if len(known) == len(told) and max(a for a, _ in known) <= min(b for _, b in known):
            parts.append(
                say("Their intervals overlap: which of them is ahead can't be told from this period.")
            )
    return " ".join(parts)


def _departments(departments: Sequence[Row]) -> Table:
    rows = []
    for d in departments:
        tried = d.get("sensitivity") or {}
        score = as_number(d.get("score"))
        weights = say("set") if d.get("weights_from") == "settings" else say("not set: equal")
        rows.append(
            (
                Cell(say(clean(d.get("department")))),
                Cell(
                    _percent(score), _span(d, "low", "high") or clean(d.get("reason") or say("no interval")),
                    number=score, unit="share",
                ),
                Cell(weights, say("{whole} of them have a number", whole=_whole(as_number(d.get('covered')) or 0.0))),
                Cell(_span(tried, "low", "high") or say(units.NOT_AVAILABLE), _span(tried, "least", "most")),
                Cell(_percent(tried.get("leads")), number=as_number(tried.get("leads")), unit="share"),
            )
        )  # fmt: skip
    within = next((as_number((d.get("sensitivity") or {}).get("within")) for d in departments), None) or 0.5
    columns = (
        say("Department"), say("Score, 95 % interval"), say("Weights"),
        say("Score if weights differ by up to {whole}; by any", whole=_whole(within)),
        say("Ahead under so many of all weights"),
    )  # fmt: skip
    note = say(
        "The score is the weighted mean of the attainments. Its interval holds for any dependence "
        "among the key figures, so it is rather too wide."
    )
    return Table(say("Scores"), columns, tuple(rows), (False, True, False, True, True), note=note)


def _chart(analysis: Analysis, note: str) -> ChartData | None:
    rows = [r for r in _once(analysis.scorecard.rows) if as_number(r.get("attainment")) is not None]
    if not rows:
        return None
    points = []
    for r in rows:
        low, high = as_number(r.get("attainment_low")), as_number(r.get("attainment_high"))
        points.append(
            Point(
                clean(r.get("title")), as_number(r["attainment"]) or 0.0, low, high,
                n=int(as_number(r.get("n")) or 0), immature=r.get("projected") is not None,
            )
        )  # fmt: skip
    sure = [r for r, p in zip(rows, points, strict=True) if p.high is not None and p.high < 1]
    above = [r for r, p in zip(rows, points, strict=True) if p.low is not None and p.low > 1]
    said = []
    if sure:
        names = words.enumerate_words([clean(r.get("title")) for r in sure])
        said.append(say("{names} below target, interval and all", names=names))
    if above:
        names = words.enumerate_words([clean(r.get("title")) for r in above])
        said.append(say("{names} beyond target, interval and all", names=names))
    title = "; ".join(said) or say("No target is clearly missed or beaten: every interval holds 100 %")
    return ChartData(
        kind="dots",
        title=title[:1].upper() + title[1:],
        series=(Series("", tuple(points)),),
        x_label=say("Key figure"),
        y_label=say("Attainment of the target"),
        y_unit="share",
        reference=1.0,
        reference_label=say("target"),
        note=note,
    )


def _outcome(row: Row) -> Cell:
    chance, reached, sure = as_number(row.get("chance")), row.get("reached"), as_number(row.get("confidence"))
    small = (
        ""
        if sure is None
        else say("{likely} sure that the level behind it is on target", likely=_likely(sure))
    )
    if reached is not None:
        return Cell(say("reached") if reached else say("not reached"), small)
    if chance is None:
        return Cell(say("open"))
    return Cell(say("chance {likely}", likely=_likely(chance)), small, number=chance, unit="share")


def _likely(chance: float) -> str:
    if chance < 0.01:
        return say("under 1 %")
    return say("over 99 %") if chance > 0.99 else say("{chance:.0f} %", chance=chance * 100)


def _targets(analysis: Analysis) -> Table:
    currency = analysis.currency
    rows = []
    for r in _once(analysis.scorecard.rows):
        unit = clean(r.get("unit"))
        target, value = as_number(r.get("target")), as_number(r.get("value"))
        attainment = as_number(r.get("attainment"))
        ends = (as_number(r.get("low")), as_number(r.get("high")))
        between = (
            say(
                "{low} to {high}",
                low=charts.number(ends[0], unit, currency),
                high=charts.number(ends[1], unit, currency),
            )
            if None not in ends and ends[0] != ends[1]
            else ""
        )
        projected = r.get("projected") or {}
        if projected:
            end = charts.number(as_number(projected.get("value")), unit, currency)
            between = say("so far; at the end {end}", end=end)
        basis = clean(r.get("target_of") or "")
        written = charts.number(target, unit, currency)
        limit = (
            say("at most {target}", target=written)
            if r.get("better") == "lower"
            else say("at least {target}", target=written)
        )
        rows.append(
            (
                Cell(clean(r.get("title")), clean(r.get("reason") or "")),
                Cell(
                    limit if target is not None else say("none"),
                    say("of {basis}", basis=basis) if basis else "",
                    number=target, unit=unit,
                ),
                Cell(charts.number(value, unit, currency), between, number=value, unit=unit),
                Cell(
                    _percent(attainment), _span(r, "attainment_low", "attainment_high"),
                    number=attainment, unit="share",
                ),
                _outcome(r),
            )
        )  # fmt: skip
    columns = (
        say("Key figure"),
        say("Target"),
        say("Value, 95 % interval"),
        say("Attainment"),
        say("By the end of the period"),
    )
    note = say("Where less is better, attainment is the target divided by the value.")
    return Table(say("Targets"), columns, tuple(rows), (False, True, True, True, False), note=note)


def _matrix(rows: Sequence[Row]) -> Table:
    departments = list(dict.fromkeys(str(r.get("department")) for r in rows))
    owners = [d for r in rows for d in (r.get("owners") or {})]
    heads = list(dict.fromkeys([*departments, *owners]))
    weights: dict[str, float] = {}
    for r in rows:
        name = str(r.get("department"))
        weights[name] = weights.get(name, 0.0) + (as_number(r.get("weight")) or 0.0)
    own = {(str(r.get("department")), str(r.get("kpi"))): as_number(r.get("weight")) for r in rows}
    written = []
    for r in _once(rows):
        cells = [Cell(clean(r.get("title")))]
        for d in heads:
            share = as_number((r.get("owners") or {}).get(d))
            weight = own.get((d, str(r.get("kpi"))))
            counts = weight / weights[d] if weight and weights.get(d) else None
            of_score = (
                say("not in its score")
                if counts is None
                else say("{whole} of its score", whole=_whole(counts))
            )
            cells.append(Cell(_whole(share or 0.0), of_score, number=share or 0.0, unit="share"))
        written.append(tuple(cells))
    return Table(
        say("Who answers for what"),
        (say("Key figure"), *(say(clean(d)) for d in heads)),
        tuple(written),
        (False, *(True for _ in heads)),
        note=say(
            "The share of each department in a key figure, and below it what the figure counts in its score."
        ),
    )


def _assumptions(rows: Sequence[Row]) -> list[Block]:
    said = [
        f"{clean(r.get('title'))}: {clean(r.get('basis'))}."
        for r in _once(rows)
        if r.get("projected") is not None and r.get("basis")
    ]
    return [Fold(say("What the projections assume"), (Prose("", bullets=tuple(said)),))] if said else []


def _messages(departments: Sequence[Row]) -> list[Block]:
    groups: dict[tuple[str, str], list[str]] = {}
    for d in departments:
        for m in d.get("messages") or ():
            text = clean(m.get("text"))
            # Of a lever that takes away from several goals, one is told in full.
            lever = f"{d.get('department')} {m['lever']}" if m.get("lever") else text
            groups.setdefault((clean(m.get("kind")), lever), []).append(text)
    said = [
        texts[0]
        + (
            say_count(
                len(texts) - 1, " So it would from {n:,} more goal.", " So it would from {n:,} more goals."
            )
            if len(texts) > 1
            else ""
        )
        for texts in (list(dict.fromkeys(t)) for t in groups.values())
    ]
    if not said:
        return []
    more = (
        [say("{said} more are in analysis.json.", said=len(said) - _MESSAGES)]
        if len(said) > _MESSAGES
        else []
    )
    text = say(
        "What the plan asks of a department, and what its scorecard makes it do, do not go together here:"
    )
    return [Heading(3, say("Double messages")), Prose(text, bullets=(*said[:_MESSAGES], *more))]


def _incentives(analysis: Analysis) -> list[Block]:
    rows = analysis.incentives
    if not rows:
        return []
    bad = [r for r in rows if r.get("conflict")]
    fine = [r for r in rows if not r.get("conflict")]
    found: list[Block] = [
        Heading(3, say("What the weights pay for")),
        Prose(
            say(
                "Each lever is pulled by itself, with every department on target. The identities of the key "
                "figures say what becomes of scores and profit; how others answer is assumed, and tried over "
                "a range. Profit counts what new clients buy later as well, also over a range. Nothing here "
                "says that anybody does so."
            )
        ),
    ]
    if bad:
        found.append(_levers(say("Levers that set one against another, or against profit"), bad))
    else:
        found.append(
            Callout(
                say("No lever stands out"),
                say(
                    "None of the levers tried raises its department's score while the other's, or profit, "
                    "clearly falls."
                ),
            )
        )
    if fine:
        found.append(Fold(say("The other levers"), (_levers(say("The other levers"), fine),)))
    return found


def _levers(caption: str, rows: Sequence[Row]) -> Table:
    departments = list(dict.fromkeys(str(s.get("department")) for r in rows for s in r.get("scores") or ()))
    written = []
    for r in rows:
        scores = {str(s.get("department")): s for s in r.get("scores") or ()}
        moods: Mood = "misaligned" if r.get("conflict") else "none"
        said = "; ".join(say(_CONFLICTS.get(str(c), clean(c))) for c in r.get("conflict") or ())
        written.append(
            (
                Cell(clean(r.get("title")), f"{clean(r.get('pull'))}; {clean(r.get('assumes'))}"),
                Cell(say(clean(r.get("department")))),
                *(_moved(scores.get(d)) for d in departments),
                _moved(r.get("profit")),
                Cell(said, mood=moods),
            )
        )
    columns = (
        say("Lever"), say("Pulled by"), *(say("Score of {d}, points", d=say(clean(d))) for d in departments),
        say("Profit, points of revenue"), say("What follows"),
    )  # fmt: skip
    numeric = (False, False, *(True for _ in departments), True, False)
    return Table(caption, columns, tuple(written), numeric)


def _moved(span: Any) -> Cell:
    """Write a change in points: the middle case, and the range over all that is assumed."""
    if not isinstance(span, Mapping) or (change := as_number(span.get("change"))) is None:
        return Cell(say(units.NOT_AVAILABLE))
    low, high = as_number(span.get("low")), as_number(span.get("high"))
    small = (
        ""
        if low is None or high is None or low == high
        else say("{low:+.1f} to {high:+.1f}", low=low * 100, high=high * 100)
    )
    return Cell(say("{change:+.1f}", change=change * 100), small, number=change * 100, unit="points")
