"""KPIs as blocks: tiles, the table, slices, the course over time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from alignment_toolkit import charts, units
from alignment_toolkit.charts import as_number, clean
from alignment_toolkit.errors import BeyondPart
from alignment_toolkit.languages import noted, opening, say, say_count, term
from alignment_toolkit.report import findings, words
from alignment_toolkit.report.blocks import (
    Block,
    Cell,
    Detail,
    Figure,
    Fold,
    Heading,
    Prose,
    SideBySide,
    Table,
    Tile,
    Tiles,
    data,
)
from alignment_toolkit.results import Analysis, KpiValue

__all__ = ["headlines", "key_figures", "slices", "totals"]

_TILES: Final = 8
# What a page opens with, where there are more key figures than a page takes in.
_HEADLINES: Final = (
    "revenue", "active-clients", "arpu", "leads", "lead-to-client", "win-rate", "new-clients", "cost-per-sale",
    "spend", "profit", "conversions-to-date", "average-order",
)  # fmt: skip
_ROWS: Final = 40
_CHARTS: Final = 6
_COURSES: Final = 12
_COLUMNS: Final = 5
_NAMED: Final = 6
_GAPS: Final = 8
_NO_COLUMN: Final = noted("the rows that it counts do not tell it")
_ON_SLIDES: Final = 2
_COST_PER_HOUR: Final = re.compile(r"\[effort\.cost_per_hour\] (\w+)")


def totals(analysis: Analysis) -> list[KpiValue]:
    """Give the rows of the whole company in the whole period, in catalogue order."""
    return [r for r in analysis.kpis if not r.by and r.grain is None and r.period == analysis.period]


def key_figures(analysis: Analysis, note: str) -> list[Block]:
    """Give tiles, table and courses of the company's KPIs."""
    rows = totals(analysis)
    if not rows:
        return []
    compared = analysis.compared_with[0] if analysis.compared_with else None
    found = headlines(analysis)
    shown, absent = _split(rows)
    more: list[Block] = [
        _table(members, analysis, compared, family) for family, members in _families(shown, analysis)
    ]
    if any(r.low is None or r.low == r.high for r in shown if r.status == "ok"):
        more.append(
            Prose(
                say("Where no interval is given, all cases were counted, or they are too few for one."),
                tone="muted",
            )
        )
    if any(r.immature for r in rows):
        more.append(
            Prose(
                say("Rows marked * hold cases too young to have come to their end; do not compare them."),
                tone="muted",
            )
        )
    if absent:
        more.append(_absent(absent))
    return [*found, Detail(tuple(more)), *_courses(analysis, note)]


def headlines(analysis: Analysis) -> list[Block]:
    """Give the tiles; where no key figure has a value, say so."""
    rows = totals(analysis)
    if not rows:
        return []
    if all(r.status != "ok" or as_number(r.value) is None for r in rows):
        return [Prose(_none_of(rows))]
    return [_tiles(rows, analysis.currency, analysis.compared_with[0] if analysis.compared_with else None)]


def _none_of(rows: Sequence[KpiValue]) -> str:
    counts: dict[str, int] = {}
    for r in rows:
        if r.reason:
            reason = say(clean(r.reason)).rstrip(".")
            counts[reason] = counts.get(reason, 0) + 1
    text = say_count(
        len(rows),
        "The one key figure that was asked for cannot be told for this period.",
        "None of the {n:,} key figures can be told for this period.",
    )
    if not counts:
        return text
    most = max(counts, key=lambda r: counts[r])  # the first of those that are as frequent
    if len(counts) == 1:
        return say("{text} The reason: {most}.", text=text, most=data(most))
    return say("{text} The most frequent reason: {most}.", text=text, most=data(most))


def _split(rows: Sequence[KpiValue]) -> tuple[list[KpiValue], list[KpiValue]]:
    """Keep apart what the data could show and what its tables can't, unless nothing at all is shown."""
    lacking = [r for r in rows if r.status != "ok" and _needs_data(r)]
    if len(lacking) == len(rows) or len(rows) <= _COURSES:
        return list(rows), []
    return [r for r in rows if r not in lacking], lacking


def _needs_data(row: KpiValue) -> bool:
    return (row.reason or "").startswith((opening("needs {gone}"), opening(BeyondPart.UNSAID)))


def _families(rows: Sequence[KpiValue], analysis: Analysis) -> list[tuple[str, list[KpiValue]]]:
    known = analysis.definitions.get("kpis")
    about = known if isinstance(known, Mapping) else {}
    groups: dict[str, list[KpiValue]] = {}
    for row in rows:
        told = about.get(row.kpi)
        family = told.get("family") if isinstance(told, Mapping) else None
        groups.setdefault(clean(family) if family else "", []).append(row)
    if len(rows) <= _COURSES:
        return [("", list(rows))]
    return list(groups.items())


def _wanted(reason: str) -> str:
    """Say what a setting is about that is to be made; its name stays, for who makes it."""
    return _COST_PER_HOUR.sub(
        lambda found: say(
            "the cost of an hour of work ({department}), in the settings: {setting}",
            department=term(found.group(1)),
            setting=found.group(),
        ),
        reason,
    )


def _absent(rows: Sequence[KpiValue]) -> Fold:
    title = say_count(
        len(rows),
        "{n:,} key figure that the data can't show",
        "{n:,} key figures that the data can't show",
    )
    written = tuple((Cell(clean(r.title)), Cell(_wanted(clean(r.reason)))) for r in rows)
    return Fold(title, (Table(title, (say("Key figure"), say("What it needs")), written),))


def _headlines(rows: Sequence[KpiValue]) -> list[KpiValue]:
    """Put first what a page opens with; what is not on the list follows in its own order."""
    rank = {id: i for i, id in enumerate(_HEADLINES)}
    return sorted(rows, key=lambda r: rank.get(r.kpi, len(rank)))


def _tiles(rows: Sequence[KpiValue], currency: str, compared: str | None) -> Tiles:
    tiles = []
    told = [r for r in rows if r.status == "ok" and as_number(r.value) is not None]
    for r in _headlines(told)[:_TILES]:
        change, about = words.change_text(r, currency, compared)
        change = "" if change == say(units.NOT_AVAILABLE) else change
        interval = words.interval_text(r, currency)
        against = say(" against {compared}", compared=data(compared)) if compared else ""
        mark = (
            "clear" if about and not about.endswith(say("{interval}; no clear change", interval="")) else ""
        )
        tiles.append(
            Tile(
                title=clean(r.title) + (" *" if r.immature else ""),
                value=charts.number(as_number(r.value), r.unit, currency),
                interval=say("95 % interval {interval}", interval=interval)
                if interval and r.low != r.high
                else "",
                change=f"{change}{against}" + ("" if mark or not about else say(", no clear change"))
                if change
                else "",
                small=say("n {n:,}", n=r.n),
            )
        )
    return Tiles(tuple(tiles))


def _table(rows: Sequence[KpiValue], analysis: Analysis, compared: str | None, family: str) -> Table:
    currency = analysis.currency
    two_sides = all(set(r.owners) <= {"marketing", "sales"} for r in rows)
    written = []
    for r in rows:
        change, about = words.change_text(r, currency, compared)
        value = as_number(r.value) if r.status == "ok" else None
        written.append(
            (
                Cell(
                    clean(r.title) + (" *" if r.immature else ""),
                    clean(r.reason) if value is None and r.reason else "",
                ),
                Cell(
                    charts.number(value, r.unit, currency),
                    small=words.interval_text(r, currency) if value is not None and r.low != r.high else "",
                    number=value,
                    unit=r.unit,
                ),
                Cell(
                    say("{n:,}", n=r.n),
                    small=say("{censored:,} too young", censored=r.censored) if r.censored else "",
                    number=r.n,
                    unit="count",
                ),
                *([Cell(change, small=about)] if compared else []),
                Cell(_owners(r) if two_sides else words.owners_text(r.owners)),
            )
        )
    owners_head = say("Answer for it, marketing : sales") if two_sides else say("Answer for it, in %")
    change_head = (say("Change against {compared}", compared=data(compared)),) if compared else ()
    columns = (say("Key figure"), say("Value, 95 % interval"), "n", *change_head, owners_head)
    numeric = (False, True, True, *((True,) if compared else ()), two_sides)
    title = family or say("Key figures")
    return Table(f"{title}, {data(analysis.period)}", columns, tuple(written), numeric, even=True)


def _owners(row: KpiValue) -> str:
    shares = (as_number(row.owners.get(side)) or 0.0 for side in ("marketing", "sales"))
    return " : ".join(say("{share:.0f}", share=share * 100) for share in shares) if row.owners else ""


def _courses(analysis: Analysis, note: str) -> list[Block]:
    drawn: list[Figure] = []
    told = {r.kpi: r for r in analysis.kpis if r.grain is not None and not r.by}
    first = {r.kpi for r in _headlines([*told.values()])[:_COURSES]}
    for kpi in (k for k in told if k in first):
        rows = [r for r in analysis.kpis if r.kpi == kpi and r.grain is not None and not r.by]
        grain = rows[0].grain
        data_ = charts.of_months([r for r in rows if r.grain == grain], currency=analysis.currency, note=note)
        if data_ is not None:
            drawn.append(Figure(data_, small=True))
    if not drawn:
        return []
    shown, rest = _pairs(drawn[:_ON_SLIDES]), _pairs(drawn[_ON_SLIDES:])
    return [Heading(3, say("Over time")), *shown, *([Detail(tuple(rest))] if rest else [])]


def _pairs(figures: Sequence[Figure]) -> list[Block]:
    return [SideBySide(tuple((f,) for f in figures[i : i + 2])) for i in range(0, len(figures), 2)]


def slices(analysis: Analysis, note: str) -> list[Block]:
    """Give each dimension's table and charts."""
    rows = [r for r in analysis.kpis if r.by and r.grain is None and r.period == analysis.period]
    found: list[Block] = []
    asked = [f for f in analysis.findings if f.by]
    for dimensions in dict.fromkeys([*(tuple(r.by) for r in rows), *(tuple(f.by) for f in asked)]):
        mine = [r for r in rows if tuple(r.by) == dimensions]
        found += _one_dimension(analysis, dimensions, mine, note)
    return found


def _one_dimension(
    analysis: Analysis, dimensions: tuple[str, ...], rows: Sequence[KpiValue], note: str
) -> list[Block]:
    named = say(" and ").join(say(clean(d).replace("_", " ")) for d in dimensions)
    found: list[Block] = []
    for kpis in _alike(rows):
        found += _one_table(analysis, named, kpis, [r for r in rows if r.kpi in kpis], note)
    lacking = (*_nowhere(analysis, named, rows), *_questions(analysis, dimensions, named))
    if lacking:
        found += [Detail(lacking)] if found else lacking
    return [Heading(3, say("By {named}", named=named)), *found] if found else []


def _reasons(rows: Sequence[KpiValue]) -> dict[tuple[str, str], list[KpiValue]]:
    """Group the parts that are not told by key figure and reason."""
    found: dict[tuple[str, str], list[KpiValue]] = {}
    for r in rows:
        if r.status != "ok" and r.reason:
            # The names of all columns that there are help who types one, not who reads.
            told = say(_NO_COLUMN) if r.reason.startswith("There is no dimension ") else say(clean(r.reason))
            found.setdefault((r.kpi, told), []).append(r)
    return found


def _nowhere(analysis: Analysis, named: str, rows: Sequence[KpiValue]) -> list[Table]:
    """Say of key figures that are told of no part why; what the company as a whole lacks too is said there."""
    told = {r.kpi for r in rows if r.status == "ok"}
    whole = {r.kpi: say(clean(r.reason)) for r in totals(analysis)}
    lines = [
        (clean(same[0].title), _parts(same, rows), reason)
        for (kpi, reason), same in _reasons(rows).items()
        if kpi not in told and whole.get(kpi) != reason
    ]
    return _why(say("Not told by {named}, and why", named=named), say("Key figure"), lines)


def _why(caption: str, what: str, lines: Sequence[tuple[str, str, str]]) -> list[Table]:
    if not lines:
        return []
    written = tuple(tuple(Cell(text) for text in line) for line in lines[:_ROWS])
    return [Table(caption, (what, say("Parts"), say("Why")), written, note=_more(len(lines) - _ROWS))]


def _questions(analysis: Analysis, dimensions: tuple[str, ...], named: str) -> list[Table]:
    """Say of questions that were put to no part why."""
    lines = []
    asked = [f for f in analysis.findings if f.by and tuple(f.by) == dimensions]
    for indicator in dict.fromkeys(f.indicator for f in asked):
        own = [f for f in asked if f.indicator == indicator]
        refused = findings.parts_not_asked(own)
        if sum(map(len, refused.values())) == len(own):
            title = clean(own[0].title)
            lines += [(title, findings.named_parts(same, own), reason) for reason, same in refused.items()]
    return _why(say("Not asked by {named}, and why", named=named), say("Question"), lines)


def _parts(same: Sequence[KpiValue], rows: Sequence[KpiValue]) -> str:
    own = sum(r.kpi == same[0].kpi for r in rows)
    if len(same) == own:
        return say("all")
    names = [data(charts.shorten(charts.by_text(r.by), 40)) for r in same]
    more = len(names) - _NAMED
    if more > 1:
        names = [*names[:_NAMED], say("{more:,} more", more=more)]
    return words.enumerate_words(names)


def _why_gaps(rows: Sequence[KpiValue]) -> str:
    """Say below a table why cells of it have no number, once for all that share parts and reason."""
    shared: dict[tuple[str, str], list[str]] = {}
    for (_, reason), same in _reasons(rows).items():
        shared.setdefault((_parts(same, rows), reason), []).append(clean(same[0].title))
    lines = [
        say(
            "{figures} in {parts}: {reason}.",
            figures=words.enumerate_words(titles),
            parts=parts,
            reason=reason.rstrip("."),
        )
        for (parts, reason), titles in shared.items()
    ]
    more = len(lines) - _GAPS
    told = [*lines[:_GAPS], *([say("The other reasons are in analysis.json.")] if more > 0 else [])]
    return say("Not available: {told}", told=" ".join(told)) if told else ""


def _more(count: int) -> str:
    told = say_count(count, "{n:,} more row is in analysis.json.", "{n:,} more rows are in analysis.json.")
    return told if count > 0 else ""


def _alike(rows: Sequence[KpiValue]) -> list[list[str]]:
    """Group KPIs whose values of the dimension go together, at most five a table.

    The channel of an order and that of a lead may share a name and no value; in one table they would leave holes.
    """
    groups: list[tuple[set[object], list[str]]] = []
    for kpi in dict.fromkeys(r.kpi for r in rows if r.status == "ok"):
        values = {tuple(r.by.values()) for r in rows if r.kpi == kpi} - {(None,)}
        for known, kpis in groups:
            if (values <= known or known <= values) and len(kpis) < _COLUMNS:
                known |= values
                kpis.append(kpi)
                break
        else:
            groups.append((set(values), [kpi]))
    return [kpis for _, kpis in groups]


def _one_table(
    analysis: Analysis, named: str, kpis: Sequence[str], rows: Sequence[KpiValue], note: str
) -> list[Block]:
    titles = {r.kpi: clean(r.title) for r in rows}
    values = list(dict.fromkeys(tuple(r.by.values()) for r in rows))
    cells = {(tuple(r.by.values()), r.kpi): r for r in rows}
    written = tuple(
        (
            Cell(charts.shorten(", ".join(clean(v) for v in value), 80)),
            *(_slice_cell(cells.get((value, kpi)), analysis.currency) for kpi in kpis),
        )
        for value in values[:_ROWS]
    )
    notes = (_more(len(values) - _ROWS), _why_gaps(rows))
    table = Table(
        say("By {named}, with 95 % intervals", named=named),
        (charts.humanise(named), *(titles[k] for k in kpis)),
        written,
        (False, *(True for _ in kpis)),
        note=" ".join(n for n in notes if n),
    )
    whole = {r.kpi: r for r in totals(analysis)}
    drawn = []
    for kpi in kpis:
        chart = charts.of_slices(
            [r for r in rows if r.kpi == kpi], whole.get(kpi), currency=analysis.currency, note=note
        )
        # Without intervals a table says as much as a picture.
        if chart is not None and any(p.low != p.high for s in chart.series for p in s.points):
            drawn.append(Figure(chart, small=True, with_table=False))
    first, rest = _pairs(drawn[:_ON_SLIDES]), _pairs(drawn[_ON_SLIDES:_CHARTS])
    # Without a picture the table is what a slide can show.
    told = [Detail((table,)), *first] if first else [table]
    return [*told, *([Detail(tuple(rest))] if rest else [])]


def _slice_cell(row: KpiValue | None, currency: str) -> Cell:
    if row is None:
        return Cell("")
    value = as_number(row.value) if row.status == "ok" else None
    if value is None:
        return Cell(say(units.NOT_AVAILABLE))
    interval = words.interval_text(row, currency) if row.low != row.high else ""
    small = "; ".join(t for t in (interval, say("n {n:,}", n=row.n)) if t)
    return Cell(
        charts.number(value, row.unit, currency) + (" *" if row.immature else ""),
        small,
        number=value,
        unit=row.unit,
    )
