"""The section "What moved the figures": each change by its drivers, and what either department can move of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from alignment_toolkit import charts, units
from alignment_toolkit.charts import as_number, clean, clear_of_chance, humanise
from alignment_toolkit.languages import opening, say, say_count
from alignment_toolkit.report import words
from alignment_toolkit.report.blocks import Block, Cell, Detail, Figure, Fold, Heading, Prose, Table, data
from alignment_toolkit.results import Analysis

__all__ = ["what_moved"]

_SLICES: Final = 40
_ON_SLIDES: Final = 3
Row = Mapping[str, Any]


def what_moved(analysis: Analysis, note: str = "") -> list[Block]:
    """Tell every change with its drivers."""
    if not analysis.drivers:
        return []
    whole = [r for r in analysis.drivers if not r.get("by")]
    found: list[Block] = [
        Prose(
            say(
                "A figure is made of others, and each change here is split into parts that add up to it "
                "exactly. Beside each part stands who can move it. The parts say where the change sits, not "
                "what caused it."
            )
            + _by_chance(whole)
        )
    ]
    shown = 0
    for row in whole:
        told = _one(analysis, row, note)
        found += told if shown < _ON_SLIDES else [Detail(tuple(told))]
        shown += bool(told)
    return found if len(found) > 1 else []


def _by_chance(rows: Sequence[Row]) -> str:
    """Say how many parts would stand out where nothing has changed: each interval is judged by itself."""
    parts = [p for r in rows for p in r["parts"]]
    open_ = sum(p["low"] is not None and p["low"] != p["high"] for p in parts)
    if open_ < 2:
        return ""
    return say(
        " Each interval is judged by itself: of these {open} parts about {expected:.1f} would leave out "
        "0 by chance alone.",
        open=open_,
        expected=0.05 * open_,
    )


def _title(analysis: Analysis, row: Row) -> str:
    about = analysis.definitions.get("kpis") or {}
    told = about.get(row["kpi"]) if isinstance(about, Mapping) else None
    title = told.get("title") if isinstance(told, Mapping) else None
    return clean(title or humanise(str(row["kpi"])))


def _one(analysis: Analysis, row: Row, note: str) -> list[Block]:
    title, currency = _title(analysis, row), analysis.currency
    drawn = charts.of_drivers(row, title, currency=currency, note=note)
    if drawn is None:
        return []
    unit = clean(row["unit"])
    # The method begins with the way of splitting, which tells two splits of one figure apart.
    way = clean(row["method"]).partition(";")[0]
    found: list[Block] = [Heading(3, f"{title}: {_short(way)}"), Prose(_sentence(row, title, unit, currency))]
    if row["to_period"] != analysis.period and not way.startswith(_event_study()):
        young = say("{period} holds cases that have not come to their end.", period=data(analysis.period))
        found.append(
            Prose(
                say(
                    "{young} {to_period} is the last period before it that can be compared.",
                    young=young,
                    to_period=data(row["to_period"]),
                )
            )
        )
    found.append(Figure(drawn, with_table=False))
    return [
        *found,
        Detail((_table(row, title, unit, currency), *_slices(analysis, row, title, unit))),
    ]


def _event_study() -> str:
    return opening("event study of {name}")


def _short(way: str) -> str:
    for start, short in (
        (opening("Shapley values of {formula}"), say("by its factors")),
        (opening("Logarithmic means (LMDI) of {formula}"), say("by its factors, logarithmic means")),
        (say("price, volume and mix over"), say("by price, volume and mix of products")),
        (
            say("mix against rate (Kitagawa) over"),
            say("quality or handling?"),
        ),
        (_event_study(), way.partition(",")[0]),
        (opening("counted by the cohort of the lead"), say("by the lead they came from")),
    ):
        if way.startswith(start):
            return short
    return way


def _signed(value: Any, unit: str, currency: str) -> str:
    number = as_number(value)
    return units.signed(number, charts.number(number, unit, currency))


def _sentence(row: Row, title: str, unit: str, currency: str) -> str:
    total = as_number(row["total"]) or 0.0
    between = {"title": title, "from_period": data(row["from_period"]), "to_period": data(row["to_period"])}
    size = charts.number(abs(total), unit, currency)
    if total == 0:
        text = say("{title} did not change from {from_period} to {to_period}.", **between)
    elif total > 0:
        text = say("{title} rose by {size} from {from_period} to {to_period}.", size=size, **between)
    else:
        text = say("{title} fell by {size} from {from_period} to {to_period}.", size=size, **between)
    clear = [p for p in row["parts"] if clear_of_chance(p)]
    if not clear and not any(as_number(p.get("low")) is not None for p in row["parts"]):
        return say("{text} Its parts have no interval, so how sure they are is not known.", text=text)
    if not clear:
        return say("{text} The interval of every part holds 0.", text=text)
    told = [f"{data(say(clean(p['driver'])))} ({_signed(p['value'], unit, currency)})" for p in clear]
    return say(
        "{text} Away from 0 by its own interval: {listed}.",
        text=text,
        listed=words.enumerate_words(told),
    )


def _interval(low: Any, high: Any, unit: str, currency: str) -> str:
    low, high = as_number(low), as_number(high)
    if low is None or high is None:
        return say("no interval")
    if low == high:
        return say("no sampling error")
    return units.unit(unit).interval(low, high, currency=currency)


def _table(row: Row, title: str, unit: str, currency: str) -> Table:
    rows = [
        (
            Cell(say(clean(p["driver"]))),
            Cell(
                _signed(p["value"], unit, currency),
                _interval(p["low"], p["high"], unit, currency),
                number=as_number(p["value"]),
                unit=unit,
            ),
            Cell(words.owners_text(p["owners"])),
        )
        for p in row["parts"]
    ]
    rows.append(
        (
            Cell(say("Together")),
            Cell(_signed(row["total"], unit, currency), number=as_number(row["total"]), unit=unit),
            Cell(""),
        )
    )
    for name, part in row["by_owner"].items():
        rows.append(
            (
                Cell(say("Of this in the hands of {name}", name=say(clean(name)))),
                Cell(
                    _signed(part["value"], unit, currency),
                    _interval(part["low"], part["high"], unit, currency),
                    number=as_number(part["value"]),
                    unit=unit,
                ),
                Cell(_range(part, unit, currency)),
            )
        )
    return Table(
        say(
            "{title}: drivers of the change, {from_period} to {to_period}",
            title=title,
            from_period=data(row["from_period"]),
            to_period=data(row["to_period"]),
        ),
        (say("Driver"), say("Part, 95 % interval"), say("Who can move it, in %")),
        tuple(rows),
        (False, True, False),
        note=f"{clean(row['method'])[:1].upper()}{clean(row['method'])[1:]}.",
    )


def _range(part: Mapping[str, Any], unit: str, currency: str) -> str:
    least, most = as_number(part.get("least")), as_number(part.get("most"))
    if least is None or most is None or least == most:
        return ""
    least_text, most_text = (_signed(v, unit, currency) for v in (least, most))
    return say(
        "{least_text} to {most_text}, however the shared drivers are divided",
        least_text=least_text,
        most_text=most_text,
    )


def _slices(analysis: Analysis, total: Row, title: str, unit: str) -> list[Block]:
    same = ("kpi", "from_period", "to_period")
    way = clean(total["method"]).partition(";")[0]
    rows = [
        r
        for r in analysis.drivers
        if r.get("by") and all(r[k] == total[k] for k in same) and clean(r["method"]).partition(";")[0] == way
    ]
    if not rows:
        return []
    names = list(dict.fromkeys(p["driver"] for r in [total, *rows] for p in r["parts"]))
    written = tuple(_slice_row(r, names, unit, analysis.currency) for r in rows[:_SLICES])
    more = len(rows) - _SLICES
    table = Table(
        say(
            "{title}: drivers of the change by {by}",
            title=title,
            by=say(" and ").join(say(clean(d).replace("_", " ")) for d in rows[0]["by"]),
        ),
        (say("Part of the company"), say("Change"), *(say(clean(n)) for n in names)),
        written,
        (False, *(True for _ in range(len(names) + 1))),
        note=say_count(more, "{n:,} more row is in analysis.json.", "{n:,} more rows are in analysis.json.")
        if more > 0
        else "",
    )
    return [Fold(table.caption, (table,))]


def _slice_row(row: Row, names: Sequence[str], unit: str, currency: str) -> tuple[Cell, ...]:
    parts = {p["driver"]: p for p in row["parts"]}
    cells = [
        Cell(charts.by_text(row["by"])),
        Cell(_signed(row["total"], unit, currency), number=as_number(row["total"]), unit=unit),
    ]
    for name in names:
        part = parts.get(name)
        if part is None:
            cells.append(Cell(""))
            continue
        small = _interval(part["low"], part["high"], unit, currency)
        cells.append(
            Cell(_signed(part["value"], unit, currency), small, number=as_number(part["value"]), unit=unit)
        )
    return tuple(cells)
