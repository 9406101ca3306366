"""The section "Shared scorecard": targets and how far they are attained, who answers, and what the weights pay for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from alignment_toolkit import charts, units
from alignment_toolkit.charts import ChartData, Point, Series, as_number, clean
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
    "against the other department": "the other department pays",
    "against profit": "profit pays",
    "good for profit, not rewarded": "good for profit, not rewarded",
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
    return f"{share * 100:.0f} %"


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
        are = "is" if hit == 1 else "are"
        parts.append(f"{hit} of {words.plural(len(final), 'target')} that can be judged {are} reached.")
    open_ = [r for r in once if r.get("reached") is None and as_number(r.get("chance")) is not None]
    if open_:
        parts.append(f"{words.plural(len(open_), 'target')} {'is' if len(open_) == 1 else 'are'} still open.")
    lacking = len(once) - len(final) - len(open_)
    if lacking:
        parts.append(f"Of {words.plural(lacking, 'target')} nothing can be said yet.")
    if told:
        scores = [f"{data(d['department'])} {_percent(d['score'])}" for d in told]
        parts.append(f"Weighted, and with 100 % as on target: {words.enumerate_words(scores)}.")
    if len(told) > 1:
        ends = [(as_number(d.get("low")), as_number(d.get("high"))) for d in told]
        known = [(a, b) for a, b in ends if a is not None and b is not None]
        if len(known) == len(told) and max(a for a, _ in known) <= min(b for _, b in known):
            parts.append("Their intervals overlap: which of them is ahead can't be told from this period.")
    return " ".join(parts)


def _departments(departments: Sequence[Row]) -> Table:
    rows = []
    for d in departments:
        tried = d.get("sensitivity") or {}
        score = as_number(d.get("score"))
        weights = "set" if d.get("weights_from") == "settings" else "not set: equal"
        rows.append(
            (
                Cell(clean(d.get("department"))),
                Cell(
                    _percent(score), _span(d, "low", "high") or clean(d.get("reason") or "no interval"),
                    number=score, unit="share",
                ),
                Cell(weights, f"{_whole(as_number(d.get('covered')) or 0.0)} of them have a number"),
                Cell(_span(tried, "low", "high") or units.NOT_AVAILABLE, _span(tried, "least", "most")),
                Cell(_percent(tried.get("leads")), number=as_number(tried.get("leads")), unit="share"),
            )
        )  # fmt: skip
    within = next((as_number((d.get("sensitivity") or {}).get("within")) for d in departments), None) or 0.5
    columns = (
        "Department", "Score, 95 % interval", "Weights",
        f"Score if weights differ by up to {_whole(within)}; by any", "Ahead under so many of all weights",
    )  # fmt: skip
    note = (
        "The score is the weighted mean of the attainments. Its interval holds for any dependence among the key "
        "figures, so it is rather too wide."
    )
    return Table("Scores", columns, tuple(rows), (False, True, False, True, True), note=note)


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
    for which, what in ((sure, "below"), (above, "beyond")):
        if which:
            names = words.enumerate_words([clean(r.get("title")) for r in which])
            said.append(f"{names} {what} target, interval and all")
    title = "; ".join(said) or "No target is clearly missed or beaten: every interval holds 100 %"
    return ChartData(
        kind="dots",
        title=title[:1].upper() + title[1:],
        series=(Series("", tuple(points)),),
        x_label="Key figure",
        y_label="Attainment of the target",
        y_unit="share",
        reference=1.0,
        reference_label="target",
        note=note,
    )


def _outcome(row: Row) -> Cell:
    chance, reached, sure = as_number(row.get("chance")), row.get("reached"), as_number(row.get("confidence"))
    small = "" if sure is None else f"{_likely(sure)} sure that the level behind it is on target"
    if reached is not None:
        return Cell("reached" if reached else "not reached", small)
    if chance is None:
        return Cell("open")
    return Cell(f"chance {_likely(chance)}", small, number=chance, unit="share")


def _likely(chance: float) -> str:
    if chance < 0.01:
        return "under 1 %"
    return "over 99 %" if chance > 0.99 else f"{chance * 100:.0f} %"


def _targets(analysis: Analysis) -> Table:
    currency = analysis.currency
    rows = []
    for r in _once(analysis.scorecard.rows):
        unit = clean(r.get("unit"))
        target, value = as_number(r.get("target")), as_number(r.get("value"))
        attainment = as_number(r.get("attainment"))
        ends = (as_number(r.get("low")), as_number(r.get("high")))
        between = (
            f"{charts.number(ends[0], unit, currency)} to {charts.number(ends[1], unit, currency)}"
            if None not in ends and ends[0] != ends[1]
            else ""
        )
        projected = r.get("projected") or {}
        if projected:
            end = charts.number(as_number(projected.get("value")), unit, currency)
            between = f"so far; at the end {end}"
        basis = clean(r.get("target_of") or "")
        limit = "at most " if r.get("better") == "lower" else "at least "
        rows.append(
            (
                Cell(clean(r.get("title")), clean(r.get("reason") or "")),
                Cell(
                    limit + charts.number(target, unit, currency) if target is not None else "none",
                    f"of {basis}" if basis else "",
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
    columns = ("Key figure", "Target", "Value, 95 % interval", "Attainment", "By the end of the period")
    note = "Where less is better, attainment is the target divided by the value."
    return Table("Targets", columns, tuple(rows), (False, True, True, True, False), note=note)


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
            of_score = "not in its score" if counts is None else f"{_whole(counts)} of its score"
            cells.append(Cell(_whole(share or 0.0), of_score, number=share or 0.0, unit="share"))
        written.append(tuple(cells))
    return Table(
        "Who answers for what",
        ("Key figure", *(clean(d) for d in heads)),
        tuple(written),
        (False, *(True for _ in heads)),
        note="The share of each department in a key figure, and below it what the figure counts in its score.",
    )


def _assumptions(rows: Sequence[Row]) -> list[Block]:
    said = [
        f"{clean(r.get('title'))}: {clean(r.get('basis'))}."
        for r in _once(rows)
        if str(r.get("basis") or "").startswith("projected")
    ]
    return [Fold("What the projections assume", (Prose("", bullets=tuple(said)),))] if said else []


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
        + (f" So it would from {words.plural(len(texts) - 1, 'more goal')}." if len(texts) > 1 else "")
        for texts in (list(dict.fromkeys(t)) for t in groups.values())
    ]
    if not said:
        return []
    more = [f"{len(said) - _MESSAGES} more are in analysis.json."] if len(said) > _MESSAGES else []
    text = "What the plan asks of a department, and what its scorecard makes it do, do not go together here:"
    return [Heading(3, "Double messages"), Prose(text, bullets=(*said[:_MESSAGES], *more))]


def _incentives(analysis: Analysis) -> list[Block]:
    rows = analysis.incentives
    if not rows:
        return []
    bad = [r for r in rows if r.get("conflict")]
    fine = [r for r in rows if not r.get("conflict")]
    found: list[Block] = [
        Heading(3, "What the weights pay for"),
        Prose(
            "Each lever is pulled by itself, with every department on target. The identities of the key figures say "
            "what becomes of scores and profit; how others answer is assumed, and tried over a range. Profit counts "
            "what new clients buy later as well, also over a range. Nothing here says that anybody does so."
        ),
    ]
    if bad:
        found.append(_levers("Levers that set one against another, or against profit", bad))
    else:
        found.append(
            Callout(
                "No lever stands out",
                "None of the levers tried raises its department's score while the other's, or profit, clearly falls.",
            )
        )
    if fine:
        found.append(Fold("The other levers", (_levers("The other levers", fine),)))
    return found


def _levers(caption: str, rows: Sequence[Row]) -> Table:
    departments = list(dict.fromkeys(str(s.get("department")) for r in rows for s in r.get("scores") or ()))
    written = []
    for r in rows:
        scores = {str(s.get("department")): s for s in r.get("scores") or ()}
        moods: Mood = "misaligned" if r.get("conflict") else "none"
        said = "; ".join(_CONFLICTS.get(str(c), clean(c)) for c in r.get("conflict") or ())
        written.append(
            (
                Cell(clean(r.get("title")), f"{clean(r.get('pull'))}; {clean(r.get('assumes'))}"),
                Cell(clean(r.get("department"))),
                *(_moved(scores.get(d)) for d in departments),
                _moved(r.get("profit")),
                Cell(said, mood=moods),
            )
        )
    columns = (
        "Lever", "Pulled by", *(f"Score of {clean(d)}, points" for d in departments),
        "Profit, points of revenue", "What follows",
    )  # fmt: skip
    numeric = (False, False, *(True for _ in departments), True, False)
    return Table(caption, columns, tuple(written), numeric)


def _moved(span: Any) -> Cell:
    """Write a change in points: the middle case, and the range over all that is assumed."""
    if not isinstance(span, Mapping) or (change := as_number(span.get("change"))) is None:
        return Cell(units.NOT_AVAILABLE)
    low, high = as_number(span.get("low")), as_number(span.get("high"))
    small = "" if low is None or high is None or low == high else f"{low * 100:+.1f} to {high * 100:+.1f}"
    return Cell(f"{change * 100:+.1f}", small, number=change * 100, unit="points")
