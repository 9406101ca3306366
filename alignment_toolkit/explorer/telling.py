"""How results are told: which sentences, tables and pictures stand for them, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from alignment_toolkit import brief, charts, units
from alignment_toolkit.brief import some
from alignment_toolkit.charts.segments import of_profile
from alignment_toolkit.drivers import known_drivers
from alignment_toolkit.explorer.shown import Part, Shown
from alignment_toolkit.notebooks.cards import Cards
from alignment_toolkit.notebooks.pieces import Card, Figure, Grid, Multiples, Text
from alignment_toolkit.report import words
from alignment_toolkit.report.findings import in_order
from alignment_toolkit.results import Analysis, Finding, KpiValue

if TYPE_CHECKING:
    import pandas as pd

    from alignment_toolkit.explorer.view import View
    from alignment_toolkit.scorecard import Shared
    from alignment_toolkit.segmentation import Segmented

__all__ = ["all_figures", "course", "figures", "findings", "moved", "not_split", "segments", "what_if"]

EVIDENCE: Final = 12
MULTIPLES: Final = 12
_NUMBERS: Final = ("value", "95 % interval", "n", "change", "part", "least", "most")
_VALUE, _SHARE = "value", units.unit("share")
_ORDER: Final = ("misaligned", "uncertain", "aligned", "too_little_data", "not_assessed", "withheld", "error")


def figures(title: str, rows: Sequence[KpiValue], currency: str, about: str = "", note: str = "") -> Shown:
    """Tell one key figure: its value, its course, its slices."""
    whole = [r for r in rows if r.grain is None]
    total = next((r for r in whole if not r.by), None)
    slices = [r for r in whole if r.by]
    course = [r for r in rows if r.grain is not None and not r.by]
    parts: list[Part] = []
    if total is not None:
        parts.append(Text(_sentence(total, currency)))
    if about:
        parts.append(Text(" ".join(about.split())))
    for data in (
        charts.of_months(course, currency=currency, note=note),
        charts.of_slices(slices, total, currency=currency, note=note) if slices else None,
    ):
        if data is not None:
            parts.append(Figure(data))
    parts.append(_kpi_grid(total.title if total else title, [*whole, *course], currency))
    return Shown("figures", title, parts, tuple(rows))


def _sentence(row: KpiValue, currency: str) -> str:
    if row.value is None:
        return f"{row.title}, {row.period}: not available; {(row.reason or 'no cases').rstrip('.')}."
    interval = words.interval_text(row, currency)
    said = f"{row.title}, {row.period}: {_text(row.value, row.unit, currency)}"
    said += f" (95 % interval {interval}; n {row.n:,})." if interval else f" (n {row.n:,})."
    for change in row.changes:
        difference, sure = words.change_text(row, currency, change.from_period)
        if difference:
            said += f" Against {change.from_period}: {difference}{f' ({sure})' if sure else ''}."
    if row.immature:
        said += " Some cases have not come to their end: too young to compare."
    return said


def _kpi_grid(title: str, rows: Sequence[KpiValue], currency: str, *, named: bool = False) -> Grid:
    dimensions = list(dict.fromkeys(d for r in rows for d in r.by))
    head = ["key figure" if named else "period", *dimensions, "value", "95 % interval", "n", "change", "note"]
    told = []
    for r, part in zip(rows, brief.parts_of(rows), strict=True):
        notes = [r.reason or "", "too young to compare" if r.immature else ""]
        told.append([
            r.title if named else r.period,
            *(part[d] for d in dimensions),
            _text(r.value, r.unit, currency), words.interval_text(r, currency), f"{r.n:,}",
            words.change_text(r, currency, r.changes[0].from_period)[0] if r.changes else "",
            "; ".join(n for n in notes if n),
        ])  # fmt: skip
    return _without_empty(Grid(title, head, told, _NUMBERS))


def course(title: str, rows: Sequence[KpiValue], currency: str, note: str = "") -> Shown:
    """Tell how the key figure went in each slice: small pictures on one scale, the slices with the most rows first."""
    size = {tuple(r.by.values()): r.n for r in rows if r.grain is None}
    steps: dict[tuple[Any, ...], list[KpiValue]] = {}
    for row in rows:
        if row.grain is not None and row.by:
            steps.setdefault(tuple(row.by.values()), []).append(row)
    ordered = sorted(steps, key=lambda by: (-size.get(by, 0), [str(v) for v in by]))
    named = (
        (charts.by_text(steps[by][0].by), charts.of_months(steps[by], currency=currency, note=note))
        for by in ordered
    )
    drawn = [replace(data, title=name) for name, data in named if data is not None]
    if not drawn:
        why = list(dict.fromkeys(r.reason for r in rows if r.by and r.grain is None and r.reason))
        said = why[0] if len(why) == 1 else "There are no slices with two stretches of time or more."
        return Shown("course", title, (Text(said),), tuple(rows))
    points = [p for data in drawn[:MULTIPLES] for s in data.series for p in s.points]
    ends = [v for p in points for v in (p.y, p.low, p.high) if v is not None]
    pictures = [replace(data, scale=(min(ends), max(ends))) for data in drawn[:MULTIPLES]]
    parts: list[Part] = [Multiples(pictures)]
    left = len(steps) - len(pictures)
    if left:
        parts.append(
            Text(
                f"{left} more with fewer rows, or with a number in fewer than two stretches of time, are not drawn."
            )
        )
    return Shown("course", title, parts, tuple(rows))


def all_figures(title: str, rows: Sequence[KpiValue], currency: str, families: Mapping[str, str]) -> Shown:
    """Tell all key figures, one table for each family."""
    groups: dict[str, list[KpiValue]] = {}
    for row in rows:
        if row.value is not None:
            groups.setdefault(families.get(row.kpi, ""), []).append(row)
    lacking = [f"{r.title} ({r.reason})" if r.reason else r.title for r in rows if r.value is None]
    parts: list[Part] = [
        _kpi_grid(name or title, group, currency, named=True) for name, group in groups.items()
    ]
    if lacking:
        parts.append(Text(f"Not available: {'; '.join(lacking)}."))
    return Shown("all", title, parts, tuple(rows))


def moved(title: str, rows: Sequence[Mapping[str, Any]], name: str, currency: str, note: str = "") -> Shown:
    """Tell what moved a key figure, and what either department can move."""
    parts: list[Part] = []
    for row in rows:
        data = charts.of_drivers(row, name, currency=currency, note=note)
        if data is not None:
            parts.append(Figure(data))
        unit = row["unit"]
        told = [
            [p["driver"], _text(p["value"], unit, currency), _between(p, unit, currency),
             words.owners_text(p["owners"])]
            for p in row["parts"]
        ]  # fmt: skip
        head = ["driver", "part", "95 % interval", "owners"]
        label = f"{name}, {row['from_period']} to {row['to_period']}: {_text(row['total'], unit, currency)}"
        parts.append(Grid(label, head, told, _NUMBERS))
        parts.append(_owner_grid(row, currency))
        parts.append(Text(row["method"]))
    return Shown("moved", title, parts, tuple(rows))


def not_split(title: str, name: str, others: Sequence[str]) -> Shown:
    """Tell that nothing divides the change of a key figure, and of which ones something does."""
    said = f"The change of {name} is not split into drivers; that of these is: {', '.join(others)}."
    return Shown("moved", title, (Text(said),), ())


def _owner_grid(row: Mapping[str, Any], currency: str) -> Grid:
    unit = row["unit"]
    head = ["in the hands of", "part", "95 % interval", "least", "most"]
    told = [
        [who, _text(o["value"], unit, currency), _between(o, unit, currency),
         _text(o["least"], unit, currency), _text(o["most"], unit, currency)]
        for who, o in row["by_owner"].items()
    ]  # fmt: skip
    title = "What either department can move; least and most over all ways to divide what both own"
    return Grid(title, head, told, _NUMBERS)


def segments(
    title: str, found: Segmented, id: str, segment: str, accounts: pd.DataFrame | None, currency: str
) -> Shown:
    """Tell the segments, and of one of them the accounts that are worth the most."""
    about = (found.about.get("segments") or {}).get(id) or found.about.get("segments") or {}
    parts: list[Part] = []
    if about.get("question"):
        parts.append(Text(str(about["question"])))
    if about.get("reason") or not found.segments:
        parts.append(
            Text(f"There are no segments: {about.get('reason') or 'no account is in one'}.", loud=True)
        )
        return Shown("segments", title, parts, found.segments)
    head = [
        "segment", "accounts", "of revenue", "of effort", "expected in 12 months", "95 % interval", "stability",
        "plays",
    ]  # fmt: skip
    told = [
        [
            r["label"], f"{r['size']:,}", _SHARE.text(r["share_of_revenue"].value),
            _SHARE.text(r["share_of_effort"].value), _text(r["value"].value, "money", currency),
            words.interval_text(r["value"], currency), "" if r["stability"] is None else f"{r['stability']:.2f}",
            ", ".join(f"{k} {v:,}" for k, v in r["plays"].items() if v),
        ]
        for r in found.segments
    ]  # fmt: skip
    right = ("accounts", "of revenue", "of effort", "expected in 12 months", "95 % interval", "stability")
    parts.append(_without_empty(Grid(str(about.get("title") or title), head, told, right)))
    picture = of_profile(about)
    if picture is not None:
        parts.append(Figure(picture))
    chosen = next(r for r in found.segments if str(r["segment"]) == segment)
    if chosen["rule"]:
        sure = chosen["rule_accuracy"]
        right_for = f" (right for {sure:.0%} of accounts that the rules did not see)" if sure else ""
        parts.append(Text(f"{chosen['label']}, by hand: {chosen['rule']}{right_for}.".replace("%", " %")))
    if accounts is not None:
        parts.append(_accounts(chosen["label"], accounts, currency))
        parts.append(Text("A play is a proposal by rules. A person who knows the account decides."))
    picks = {"segment": {str(r["segment"]): str(r["label"]) for r in found.segments}}
    return Shown("segments", title, parts, found.segments, picks)


def _accounts(label: str, accounts: pd.DataFrame, currency: str) -> Grid:
    money = {"revenue_last_year": "revenue last year", "expected_in_12_months": "expected in 12 months"}
    columns = [c for c in ("account", "proposed", "reasons", *money) if c in accounts]
    by = next((c for c in ("expected_in_12_months", "revenue_last_year") if c in accounts), "account")
    ranked = accounts.sort_values(by, ascending=by == "account", kind="stable", na_position="last")
    told = [
        [_text(_finite(row[c]), "money", currency) if c in money else str(row[c] or "") for c in columns]
        for _, row in ranked.iterrows()
    ]
    head = [money.get(c, c) for c in columns]
    title = f"{label}: the {some(len(told), 'account that is', 'accounts that are')} worth the most"
    return Grid(title, head, told, tuple(money.values()))


def findings(title: str, found: Sequence[Finding], chosen: str, frame: Analysis) -> Shown:
    """Tell all findings in a line each, and one of them at length with its evidence."""
    whole = sorted((f for f in found if not f.by), key=lambda f: _ORDER.index(f.status))
    ordered = [f for s in _ORDER for f in in_order([f for f in whole if f.status == s])]
    if not ordered:
        return Shown("findings", title, (Text("No question was put to the data."),), ())
    one = next((f for f in ordered if f.indicator == chosen), ordered[0])
    wrong = sum(f.status == "misaligned" for f in ordered)
    judged = sum(f.status in ("misaligned", "aligned", "uncertain") for f in ordered)
    parts: list[Part] = [
        Text(
            f"{wrong} of {judged} questions that could be answered are out of line."
            if judged
            else "No question could be answered yet. Each line says what it would take."
        ),
        Card(Cards(frame, (one,))),
    ]
    if one.evidence.rows:
        parts.append(_evidence(one, frame.currency))
    told = [
        [words.status_word(f.status), f.title, "" if f.severity == "none" else f.severity,
         _text(f.gap.value, f.gap.unit, frame.currency) if f.gap else "",
         words.interval_text(f.gap, frame.currency) if f.gap else "",
         _text(f.margin, f.gap.unit, frame.currency) if f.gap else "", f"{f.gap.n:,}" if f.gap else ""]
        for f in ordered
    ]  # fmt: skip
    head = ["verdict", "finding", "severity", "gap", "95 % interval", "tolerated", "n"]
    parts.append(Grid("All questions", head, told, ("gap", "95 % interval", "tolerated", "n")))
    picks = {"finding": {f.indicator: f"{words.status_word(f.status)}: {f.title}" for f in ordered}}
    return Shown("findings", title, parts, tuple(ordered), picks)


def _evidence(f: Finding, currency: str) -> Grid:
    head = [c.label for c in f.evidence.columns]
    told = [
        [
            charts.number(number, c.unit, currency)
            if c.role == "measure" and (number := charts.as_number(v)) is not None
            else _word(v)
            for c, v in zip(f.evidence.columns, row, strict=True)
        ]
        for row in f.evidence.rows[:EVIDENCE]
    ]
    more = len(f.evidence.rows) - len(told)
    right = [c.label for c in f.evidence.columns if c.role == "measure"]
    return Grid(
        f"Evidence{f' (the first {len(told)} of {len(told) + more} rows)' if more > 0 else ''}",
        head,
        told,
        right,
    )


def what_if(
    title: str,
    view: View,
    *,
    findings: tuple[Sequence[Finding], Sequence[Finding]],
    shared: tuple[Shared, Shared],
    pulled: Mapping[str, Any],
    moved: tuple[Shown, Shown] | None,
    drivers: Sequence[Mapping[str, Any]],
    currency: str,
) -> Shown:
    """Tell what becomes of verdicts, owners' parts and both departments' scores."""
    parts: list[Part] = []
    if not view.what_if:
        parts.append(
            Text("Nothing is supposed yet; this is how it stands. Move something to see what it changes.")
        )
    parts.append(_scores(shared, view))
    parts += _levers(pulled)
    parts += _verdicts(findings, currency)
    if moved is not None:
        before, after = moved
        if after.failed:
            parts += after.parts
        for old, new in zip(before.results or (), after.results or (), strict=False):
            parts.append(_two_owners(old, new, currency))
    results = {"findings": findings[1], "scorecard": shared[1].scorecard, "pulled": pulled,
               "moved": moved[1].results if moved else None}  # fmt: skip
    weights = {
        f"{r['department']}.{r['kpi']}": f"{r['department']}: {r['title']}" for r in shared[0].scorecard.rows
    }
    judged = [f for f in findings[0] if f.gap is not None and not f.by]
    shared_drivers = _shared_drivers(drivers)
    picks = {
        "weight": weights,
        "margin": {f.indicator: f.title for f in judged},
        "owner": {id: label for id, (label, _) in shared_drivers.items()},
    }
    starts = {
        "weight": {f"{r['department']}.{r['kpi']}": r["weight"] for r in shared[0].scorecard.rows},
        "margin": {f.indicator: f.margin for f in judged},
        "owner": {id: share for id, (_, share) in shared_drivers.items()},
    }
    return Shown("what-if", title, parts, results, picks, starts)


def _shared_drivers(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, float]]:
    """Give the drivers of a change by the id under which settings name their owners, with marketing's share."""
    ids = {d.name: id for id, d in known_drivers().items()}
    return {
        ids[p["driver"]]: (p["driver"], float(p["owners"].get("marketing", 0.0)))
        for row in rows
        for p in row["parts"]
        if p["driver"] in ids
    }


def _scores(shared: tuple[Shared, Shared], view: View) -> Part:
    before, after = (s.scorecard.departments for s in shared)
    if not before and view.only:
        return Text("Targets and weights are the whole company's, so a part of it has no scorecard.")
    if not before:
        return Text(
            f"There is no shared scorecard: neither targets for {view.period} in the table plan nor weights in the"
            " settings."
        )
    then = {d["department"]: d for d in before}
    told = []
    for d in after:
        old = then.get(d["department"], d)
        told.append([
            d["department"], _SHARE.text(old["score"]), _SHARE.text(d["score"]), _SHARE.interval(d["low"], d["high"]),
            _points(None if None in (d["score"], old["score"]) else d["score"] - old["score"]), d["reason"] or "",
        ])  # fmt: skip
    head = ["department", "score as it is", "score with these weights", "95 % interval", "difference", "note"]
    return _without_empty(Grid("The departments' scores: targets attained, weighed", head, told, head[1:5]))


def _levers(pulled: Mapping[str, Any]) -> list[Part]:
    if pulled["title"].startswith("No lever"):
        return [Text("No lever is pulled.")]
    told = [
        [f"score of {s['department']}", _points(s["change"]), f"{_points(s['low'])} to {_points(s['high'])}",
         _SHARE.text(s["covered"])]
        for s in pulled["scores"]
    ]  # fmt: skip
    p = pulled["profit"]
    told.append(
        ["profit, of revenue", _points(p["change"]), f"{_points(p['low'])} to {_points(p['high'])}", ""]
    )
    head = ["what", "change", "range over all assumptions", "weight that the identities know"]
    parts: list[Part] = [
        Grid(f"Levers: {pulled['title']}", head, told, head[1:]),
        Text(
            _started(pulled["statement"].partition("all at once): ")[2])
            if ": " in pulled["statement"]
            else ""
        ),
    ]
    if pulled["conflict"]:
        parts.append(Text(f"Mind: {'; '.join(pulled['conflict'])}.", loud=True))
    parts.append(
        Text(f"Scores stand at their targets before the lever is pulled. Assumed: {pulled['assumes']}.")
    )
    return parts


def _verdicts(findings: tuple[Sequence[Finding], Sequence[Finding]], currency: str) -> list[Part]:
    before = {f.indicator: f for f in findings[0] if not f.by}
    told = []
    for f in findings[1]:
        old = before.get(f.indicator)
        if f.by or old is None or (f.margin, f.status, f.severity) == (old.margin, old.status, old.severity):
            continue
        unit = f.gap.unit if f.gap else ""
        told.append([
            before[f.indicator].title, _text(old.margin, unit, currency), _text(f.margin, unit, currency),
            _verdict(old), _verdict(f),
        ])  # fmt: skip
    if not told:
        return []
    head = ["finding", "tolerated", "tolerated instead", "verdict", "verdict instead"]
    changed = [Grid("Verdicts under other margins", head, told, ("tolerated", "tolerated instead"))]
    told_ = "A margin is set before looking. One that is moved until the verdict suits says nothing."
    return [*changed, Text(told_)]


def _two_owners(old: Mapping[str, Any], new: Mapping[str, Any], currency: str) -> Grid:
    unit = old["unit"]
    told = [
        [who, _text(old["by_owner"][who]["value"], unit, currency) if who in old["by_owner"] else "",
         _text(o["value"], unit, currency), _between(o, unit, currency)]
        for who, o in new["by_owner"].items()
    ]  # fmt: skip
    head = ["in the hands of", "part as it is", "part with these shares", "95 % interval"]
    return Grid(f"Owners of the change from {old['from_period']} to {old['to_period']}", head, told, head[1:])


def _verdict(f: Finding) -> str:
    said = words.status_word(f.status)
    return said if f.severity == "none" else f"{said}, {f.severity}"


def _points(value: float | None) -> str:
    if value is None:
        return ""
    return units.signed(value, units.unit("points").text(value * 100))


def _text(value: float | None, unit: str, currency: str) -> str:
    return charts.number(value, unit, currency)


def _between(e: Mapping[str, Any], unit: str, currency: str) -> str:
    if e["low"] is None or e["high"] is None or e["low"] == e["high"]:
        return ""
    return f"{_text(e['low'], unit, currency)} to {_text(e['high'], unit, currency)}"


def _word(value: Any) -> str:
    return "(missing)" if value is None or value != value else str(value)


def _started(text: str) -> str:
    return text[:1].upper() + text[1:]


def _finite(value: Any) -> float | None:
    return None if value is None or value != value else float(value)


def _without_empty(grid: Grid) -> Grid:
    keep = [i for i, _ in enumerate(grid.head) if i == 0 or any(row[i] for row in grid.rows)]
    return Grid(
        grid.title, [grid.head[i] for i in keep], [[row[i] for i in keep] for row in grid.rows], grid.right
    )
