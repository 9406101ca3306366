"""The sections "Segments and plays" and "Value map": who belongs together, what could be done, what offers give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from alignment_toolkit import units
from alignment_toolkit.charts import as_number, clean, humanise, shorten
from alignment_toolkit.charts.segments import (
    of_migration,
    of_profile,
    of_segment_map,
    of_target_grid,
    of_value_map,
)
from alignment_toolkit.languages import noted, say, say_count, term
from alignment_toolkit.report.blocks import (
    Block,
    Callout,
    Cell,
    Detail,
    Figure,
    Fold,
    Heading,
    Prose,
    Table,
    data,
)
from alignment_toolkit.report.segment_terms import by_hand, leaving, looked_back, spread_inside, terms
from alignment_toolkit.results import Analysis

__all__ = ["segments_and_plays", "value_map"]

_PLAYS: Final = 50
_FIRST: Final = 8
_ROWS: Final = 12
_READ: Final = noted(
    "Shares are of the last 365 days, with 95 % intervals: of accounts like these another year would bring other "
    "shares. Expected in 12 months is the model's forecast of their orders; it knows no season and no market."
)


def segments_and_plays(analysis: Analysis, note: str = "") -> list[Block]:
    """Give the section's blocks; empty where no segments were asked for."""
    about = analysis.definitions.get("segments")
    if not isinstance(about, Mapping):
        return []
    if about.get("reason"):
        return [Prose(say("There are no segments: {reason}.", reason=clean(about["reason"])))]
    blocks: list[Block] = looked_back(analysis) if analysis.segments else []
    for id, told in about.items():
        if isinstance(told, Mapping) and "title" in told:
            blocks += _one(analysis, str(id), told, note)
    grid = analysis.definitions.get("target_grid")
    grid = grid if isinstance(grid, Mapping) else {}
    seen = of_target_grid(grid, note)
    if seen is not None:
        blocks += [Heading(3, say("Targets in the eyes of both")), Prose(clean(grid["about"])), Figure(seen)]
    blocks += _plays(analysis)
    return blocks


def _one(analysis: Analysis, id: str, told: Mapping[str, Any], note: str) -> list[Block]:
    rows = [r for r in analysis.segments if r["segmentation"] == id]
    blocks: list[Block] = [
        Heading(3, clean(told["title"])),
        Prose(f"{clean(told['question'])} {clean(told['about'])}"),
    ]
    reason = clean(told.get("reason") or "")
    none = say("no clear segments: {reason}", reason="")
    if reason.startswith(none):
        found = reason.removeprefix(none)
        text = say(
            "{reason}. That is a result: any division of these accounts would be made up.",
            reason=found[:1].upper() + found[1:],
        )
        return [*blocks, Callout(say("No clear segments"), text)]
    if reason or not rows:
        return [
            *blocks,
            Prose(say("Not available: {reason}.", reason=reason or say("no account is in a segment"))),
        ]
    blocks.append(_told_only(_table(rows, analysis.currency)))
    blocks += terms(told, analysis.currency)
    titles = {str(r["feature"]): str(r["title"]) for r in told.get("profile") or []}
    charts = (
        of_profile(told, note),
        of_segment_map(told, titles, note, currency=analysis.currency),
        of_migration(told, note),
    )
    # The numbers of a map of accounts are the accounts themselves, which nobody reads.
    drawn = [Figure(c, with_table=c.kind != "scatter") for c in charts if c is not None]
    more: list[Block] = [*drawn]
    more += by_hand(rows)
    more += spread_inside(told)
    if told.get("drift"):
        more.append(Prose(_drift(told), label=say("Since the last run")))
    for key, words in (
        ("agreement_with_behaviour", say("behaviour")),
        ("agreement_with_treatment", say("how sales treats them")),
    ):
        e = told.get(key)
        if isinstance(e, Mapping) and as_number(e.get("value")) is not None:
            u = units.unit("index")
            interval = u.interval(as_number(e.get("low")), as_number(e.get("high")))
            more.append(
                Prose(
                    say(
                        "Agreement with {words}: {number} ({interval}); 0 is chance, 1 is the same.",
                        words=words,
                        number=u.text(as_number(e["value"])),
                        interval=interval,
                    )
                )
            )
    odd = _exceptions(rows, analysis.currency)
    if odd is not None:
        more.append(Fold(say("Accounts that fit worst: {title}", title=clean(told["title"])), (odd,)))
    if more:
        blocks.append(Detail(tuple(more)))
    return blocks


def _estimate(e: Any, unit: str, currency: str = "") -> Cell:
    value = as_number(e.get("value")) if isinstance(e, Mapping) else None
    if value is None:
        return Cell(say(units.NOT_AVAILABLE))
    u = units.unit(unit)
    return Cell(
        u.text(value, currency=currency),
        u.interval(as_number(e.get("low")), as_number(e.get("high")), currency=currency) or "",
        number=value,
        unit=unit,
    )


def _table(rows: Sequence[Mapping[str, Any]], currency: str) -> Table:
    count = units.unit("count")
    stable = any(r["stability"] is not None for r in rows)
    out = []
    for r in rows:
        cells = [
            Cell(shorten(clean(r["label"]), 60)),
            Cell(count.text(r["size"]), number=float(r["size"]), unit="count"),
            _estimate(r["share_of_revenue"], "share"),
            _estimate(r["share_of_spend"], "share"),
            _estimate(r["share_of_effort"], "share"),
            _estimate(r["value"], "money", currency),
            Cell(", ".join(say("{play} {n:,}", play=say(p), n=n) for p, n in r["plays"].items() if n)),
        ]
        if stable:
            s = as_number(r["stability"])
            cells.append(Cell(say(units.NOT_AVAILABLE) if s is None else say("{s:.2f}", s=s), number=s))
        out.append(tuple(cells))
    columns = (
        say("Segment"),
        say("Accounts"),
        say("Revenue"),
        say("Spend"),
        say("Effort"),
        say("Expected in 12 months"),
        say("Plays"),
        *((say("Stability"),) if stable else ()),
    )
    numeric = (False, True, True, True, True, True, False, *((True,) if stable else ()))
    note = say(_READ)
    if stable:
        note += say(
            " Stability is how much of a segment comes back in other draws of the accounts: 0.75 or more."
        )
    return Table(say("Segments"), columns, tuple(out), numeric, note=note)


def _told_only(table: Table) -> Table:
    """Leave out columns in which nothing is known of any row."""
    kept = [
        i
        for i in range(len(table.columns))
        if any(r[i].text not in ("", units.NOT_AVAILABLE, say(units.NOT_AVAILABLE)) for r in table.rows)
    ]
    return replace(
        table,
        columns=tuple(table.columns[i] for i in kept),
        rows=tuple(tuple(r[i] for i in kept) for r in table.rows),
        numeric=tuple(table.numeric[i] for i in kept),
    )


def _drift(told: Mapping[str, Any]) -> str:
    labels = told.get("labels") or {}
    parts = []
    for d in told["drift"]:
        if d["what"] == "moved":
            parts.append(
                say(
                    "{segment} has moved by {distance:.2f} distances",
                    segment=data(labels.get(d["segment"], d["segment"])),
                    distance=float(d["distance"]),
                )
            )
        elif d["what"] == "new":
            parts.append(say("{segment} is new", segment=data(labels.get(d["segment"], d["segment"]))))
        elif d["what"] == "gone":
            parts.append(say("{was} has gone", was=data(d["was"])))
        else:
            parts.append(clean(d["what"]))
    return "; ".join(parts) + "."


def _exceptions(rows: Sequence[Mapping[str, Any]], currency: str) -> Table | None:
    out: list[tuple[Cell, ...]] = []
    columns: tuple[str, ...] = ()
    for r in rows[:_ROWS]:
        found = r["exceptions"]
        if not isinstance(found, Mapping) or not found.get("rows"):
            continue
        columns = (say("Segment"), *(clean(c["label"]) for c in found["columns"]))
        for row in found["rows"]:
            cells = [Cell(shorten(clean(r["label"]).split(":")[0], 60))]
            for c, v in zip(found["columns"], row, strict=True):
                n = as_number(v)
                u = units.UNITS.get(c["unit"] or "")
                text = (
                    clean(v) if n is None and v is not None else u.text(n, currency=currency) if u else f"{n}"
                )
                cells.append(Cell(text, number=n))
            out.append(tuple(cells))
    if not out or any(len(r) != len(columns) for r in out):
        return None
    return Table(
        say("Accounts that fit worst"), columns, tuple(out), (False, False, *(True for _ in columns[2:]))
    )


def _plays(analysis: Analysis) -> list[Block]:
    about = analysis.definitions.get("plays")
    if not isinstance(about, Mapping):
        return []
    blocks: list[Block] = [
        Heading(3, say("Plays")),
        Callout(say("A person decides"), clean(about.get("decides"))),
    ]
    blocks += leaving(analysis)
    counts = about.get("counts") or {}
    said = ", ".join(say("{play} {n:,}", play=say(p), n=int(n)) for p, n in counts.items())
    limits = about.get("thresholds") or {}
    proposed = say("Proposed: {said}. ", said=said) if said else ""
    blocks.append(Prose(proposed + _limits(limits)))
    if about.get("lacking"):
        blocks.append(
            Prose(
                say("Not looked at, because the data has none: ")
                + "; ".join(map(clean, about["lacking"]))
                + "."
            )
        )
    if analysis.plays:
        rows = tuple(
            (
                Cell(shorten(clean(p["account"]), 40)),
                Cell(say(clean(p["proposed"]))),
                Cell(say(clean(p["intent"] or ""))),
                Cell("; ".join(map(clean, p["reasons"]))),
                _estimate(p["value"], "money", analysis.currency),
            )
            for p in analysis.plays[:_PLAYS]
        )
        columns = (
            say("Account"),
            say("Proposed"),
            say("Plan says"),
            say("Because"),
            say("Expected in 12 months"),
        )
        numeric = (False, False, False, False, True)
        note = say(
            "The most important of each play. The interval holds 19 of 20 futures of such a client: what a single "
            "client orders is mostly chance."
        )
        blocks.append(_told_only(Table(say("Proposed plays"), columns, rows[:_FIRST], numeric, note=note)))
        if len(rows) > _FIRST:
            rest = say("Proposed plays: the other {rows}", rows=len(rows) - _FIRST)
            blocks.append(
                Fold(rest, (_told_only(Table(rest, columns, rows[_FIRST:], numeric)),), paper=False)
            )
    blocks += _release(about.get("release") or {}, analysis.currency)
    return blocks


def _release(found: Mapping[str, Any], currency: str) -> list[Block]:
    if not found.get("accounts"):
        return []
    money, count = units.unit("money"), units.unit("count")
    text = say(
        "Releasing all {accounts} proposed would free {hours} hours of work a year ({cost}) and "
        "lose at most {margin} of margin.",
        accounts=count.text(found["accounts"]),
        hours=count.text(found["hours_freed"]),
        cost=money.text(found["cost_freed"], currency=currency),
        margin=money.text(found["margin_lost_at_most"], currency=currency),
    )
    best = [
        f"{say(e['play'])} {money.text(e['margin_per_hour'], currency=currency)}"
        for e in found.get("elsewhere") or []
    ]
    if best:
        text += say(
            " Margin per hour elsewhere, by play: {best}; {basis}.",
            best=", ".join(best),
            basis=clean(found.get("basis")),
        )
    return [Prose(text, label=say("What releasing would free"))]


def value_map(analysis: Analysis, note: str = "") -> list[Block]:
    """Give the section of what clients get for the price; empty where nobody was asked."""
    about = analysis.definitions.get("value_map")
    if not isinstance(about, Mapping):
        return []
    if about.get("reason"):
        return [Prose(say("Not available: {reason}.", reason=clean(about["reason"])))]
    blocks: list[Block] = [Prose(clean(about["about"]))]
    for told in about["categories"]:
        if told["category"]:
            blocks.append(Heading(3, humanise(told["category"])))
        chart = of_value_map(told, analysis.currency, note)
        blocks.append(
            Figure(chart)
            if chart is not None
            else Prose(say("No line: {reason}.", reason=clean(told["reason"])))
        )
        blocks.append(_offers(told, analysis.currency))
        blocks.append(_attributes(told))
    return blocks


def _limits(limits: Mapping[str, Any]) -> str:
    """Say in words from where on a play is proposed."""
    alive = as_number(limits.get("alive_below"))
    if alive is None:
        return ""
    return say(
        "Defend is for clients whose probability of still being one is below {alive}; grow for those who buy at most "
        "{products} products in a year; release where the margin did not pay for the work in {quarters} of the last "
        "four quarters. These limits stand in [plays] of the settings.",
        alive=units.unit("share").text(alive),
        products=limits.get("few_products"),
        quarters=limits.get("release_quarters"),
    )


def _offers(told: Mapping[str, Any], currency: str) -> Table:
    money = units.unit("money")
    rows = []
    for o in sorted(told["offers"], key=lambda o: (not o["own"], o["offer"])):
        rows.append((
            Cell(shorten(clean(o["offer"]), 40), shorten(term(clean(o["owner"])), 30)),
            *(_estimate(o[side], "index") for side in ("benefit", "rational", "emotional")),
            Cell(money.text(o["price"], currency=currency), number=float(o["price"]), unit="money"),
            _estimate(o["fair_price"], "money", currency) if o["own"] else Cell(""),
            _estimate(o["premium"], "share") if o["own"] else Cell(""),
        ))  # fmt: skip
    columns = (
        say("Offer"),
        say("Benefit"),
        say("Rational"),
        say("Emotional"),
        say("Price"),
        say("Line asks"),
        say("Price against line"),
    )
    note = say_count(
        told["raters"],
        "{n:,} rater; 95 % intervals. Price against line: above 0 more is asked than the benefit backs.",
        "{n:,} raters; 95 % intervals. Price against line: above 0 more is asked than the benefit backs.",
    )
    return Table(say("Offers"), columns, tuple(rows), (False, *(True for _ in columns[1:])), note=note)


def _attributes(told: Mapping[str, Any]) -> Table:
    share = units.unit("share")
    rows = []
    for a in sorted(told["attributes"], key=lambda a: (-(as_number(a["importance"]) or 0.0), a["attribute"])):
        means = [as_number(a[side]) for side in ("own", "rivals")]
        weight = as_number(a["importance"])
        rows.append((
            Cell(shorten(clean(a["attribute"]), 40)), Cell(term(clean(a["kind"] or ""))),
            Cell(share.text(weight), number=weight, unit="share"),
            *(Cell(say(units.NOT_AVAILABLE) if m is None else say("{m:.1f}", m=m), number=m) for m in means),
        ))  # fmt: skip
    columns = (say("Attribute"), say("Kind"), say("Importance"), say("Own offers"), say("Rivals' offers"))
    note = say("Mean rating, 1 to 10; rational and emotional attributes are told apart.")
    return Table(
        say("What the benefit is made of"), columns, tuple(rows), (False, False, True, True, True), note=note
    )
