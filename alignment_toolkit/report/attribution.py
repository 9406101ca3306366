"""The section "Which steps came before the sales": the models side by side, and how far apart they lie."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from alignment_toolkit import units
from alignment_toolkit.charts import ChartData, Point, Series, as_number, clean, humanise, shorten
from alignment_toolkit.languages import ENGLISH, noted, say, say_count, spoken
from alignment_toolkit.report import words
from alignment_toolkit.report.blocks import Block, Cell, Detail, Figure, Fold, Prose, Table, data
from alignment_toolkit.results import Analysis

__all__ = ["steps_before_sales"]

NO_TOUCH: Final = "(no touch)"
_BY_SALES: Final = noted(" (sales)")
_SHOWN: Final = 11
_ROWS: Final = 40
_LITTLE: Final = 0.05
# A share of sales that is written 0.0 %.
_NONE: Final = 0.0005
# Money over a thousandth of a sale is a number, and says nothing.
_HALF: Final = 0.5
_SHORT: Final = {
    "first": noted("First"),
    "last": noted("Last"),
    "last_non_direct": noted("Last not direct"),
    "linear": noted("Linear"),
    "position": noted("Position"),
    "w_shaped": noted("W"),
    "time_decay": noted("Time decay"),
    "markov": noted("Markov"),
    "shapley": noted("Shapley"),
}


def _shown(channel: str) -> str:
    """Write a channel: what sales did bears its mark."""
    named = channel.removesuffix(_BY_SALES)
    return named + say(_BY_SALES) if named != channel else channel


def _short(model: str) -> str:
    return say(_SHORT[model]) if model in _SHORT else humanise(model)


@dataclass(frozen=True)
class _Channel:
    """A channel with what each model says of it."""

    name: str
    credits: Mapping[str, float]
    costs: tuple[float, ...]
    kept: tuple[float, ...]

    @property
    def least(self) -> float:
        return min(self.credits.values())

    @property
    def most(self) -> float:
        return max(self.credits.values())


def steps_before_sales(analysis: Analysis, note: str = "") -> list[Block]:
    """Give the section's blocks: what no model can say, the models side by side, their disagreement."""
    about = analysis.definitions.get("attribution")
    told = about if isinstance(about, Mapping) else {}
    channels, models = _channels(analysis)
    if not channels:
        return [Prose(clean(_text(told, "paths", "about")))] if told else []
    sales = math.fsum(c.credits.get(models[0], 0.0) for c in channels)
    untouched = next(
        (as_number(r["credit"]) or 0.0 for r in analysis.attribution if r["channel"] == NO_TOUCH), 0.0
    )
    blocks: list[Block] = [Prose(_lead(channels, models, sales, untouched, told))]
    blocks.append(Figure(_chart(channels, models, sales, note), with_table=False))
    every = Fold(say("Every credit"), (_everything(channels, models),), paper=False)
    blocks.append(Detail((_table(channels, len(models), analysis.currency), every)))
    return blocks


def _text(told: Mapping[str, Any], key: str, name: str) -> str:
    entry = told.get(key)
    return str(entry.get(name) or "") if isinstance(entry, Mapping) else ""


def _channels(analysis: Analysis) -> tuple[list[_Channel], list[str]]:
    """Read the rows: channels by their mean credit, the largest first, and the models in the order of the rows."""
    rows = [
        r for r in analysis.attribution if r["channel"] != NO_TOUCH and as_number(r["credit"]) is not None
    ]
    models = list(dict.fromkeys(str(r["model"]) for r in rows))
    found = []
    for name in dict.fromkeys(str(r["channel"]) for r in rows):
        own = [r for r in rows if r["channel"] == name]
        costs = (as_number(r["cost_per_sale"]) for r in own if float(r["credit"]) >= _HALF)
        kept = (as_number(r["rank_stability"]) for r in own)
        found.append(
            _Channel(
                name,
                {str(r["model"]): float(r["credit"]) for r in own},
                tuple(c for c in costs if c is not None),
                tuple(k for k in kept if k is not None),
            )
        )
    found.sort(key=lambda c: (-math.fsum(c.credits.values()), c.name))
    return found, models


def _lead(
    channels: Sequence[_Channel],
    models: Sequence[str],
    sales: float,
    untouched: float,
    told: Mapping[str, Any],
) -> str:
    count = units.unit("count")
    text = say(
        "No attribution is the truth. Each model is a rule by which a sale is shared among the steps "
        "before it, and none says what would have happened without a channel. What all models say is "
        "worth more than what one says."
    )
    text += say_count(
        round(sales),
        " {number} sale had a step before it",
        " {number} sales had a step before them",
        number=count.text(sales),
    )
    text += (
        say_count(
            round(untouched),
            "; {number} had none, and stands in no channel.",
            "; {number} had none, and stand in no channel.",
            number=count.text(untouched),
        )
        if untouched
        else "."
    )
    apart = told.get("disagreement")
    mean = as_number(apart.get("mean_distance")) if isinstance(apart, Mapping) else None
    largest = as_number(apart.get("largest_distance")) if isinstance(apart, Mapping) else None
    if isinstance(apart, Mapping) and mean is not None and largest is not None and largest < _NONE:
        text += say(" All models share them in the same way.")
    elif isinstance(apart, Mapping) and mean is not None and largest is not None:
        share = units.unit("share")
        pair = [
            data(words.small_start(say(str(name))) if spoken() != ENGLISH else str(name).lower())
            for name in apart.get("between") or ()
        ]
        text += say(
            " From one model to another, {number} of the sales change their channel on average",
            number=share.text(mean),
        )
        text += (
            say(
                "; most, {number}, between {listed}.",
                number=share.text(largest),
                listed=words.enumerate_words(pair),
            )
            if pair
            else "."
        )
    return text


def _one(sales: float) -> int:
    """Tell one from several; 1.2 sales are several."""
    return 1 if sales == 1 else 2


def _chart(channels: Sequence[_Channel], models: Sequence[str], sales: float, note: str) -> ChartData:
    count = units.unit("count")
    widest = max(channels, key=lambda c: (c.most - c.least, c.name))
    title = say_count(
        _one(sales),
        "{channel}: {least} or {most} of {sales} sale, depending on the model",
        "{channel}: {least} or {most} of {sales} sales, depending on the model",
        channel=shorten(_shown(widest.name), 40),
        least=count.text(widest.least),
        most=count.text(widest.most),
        sales=count.text(sales),
    )
    if widest.most - widest.least < 0.05:
        title = say_count(
            _one(sales),
            "All models share the {number} sale in the same way",
            "All models share the {number} sales in the same way",
            number=count.text(sales),
        )
    shown = list(channels) if len(channels) <= _SHOWN + 1 else list(channels[:_SHOWN])
    rest = channels[len(shown) :]
    series = [
        Series(_shown(c.name), tuple(Point(_short(m), c.credits.get(m, 0.0)) for m in models)) for c in shown
    ]
    if rest:
        sums = (math.fsum(c.credits.get(m, 0.0) for c in rest) for m in models)
        points = (Point(_short(m), v) for m, v in zip(models, sums, strict=True))
        series.append(Series(say("other ({rest})", rest=len(rest)), tuple(points)))
    small = say_count(_one(sales), "n {number} sale", "n {number} sales", number=count.text(sales))
    return ChartData(
        kind="matrix",
        title=title,
        series=tuple(series),
        x_label=say("model"),
        y_label=say("Sales by channel under each model"),
        y_unit="count",
        group_label=say("channel"),
        note="; ".join(t for t in (small, note) if t),
    )


def _credits(channel: _Channel) -> Cell:
    if channel.most < _LITTLE:
        return Cell("0" if channel.most == 0 else say("below 0.1"), number=channel.most, unit="count")
    return _span((channel.least, channel.most), "count")


def _span(values: Sequence[float], unit: str, currency: str = "") -> Cell:
    if not values:
        return Cell(say(units.NOT_AVAILABLE))
    kind = units.unit(unit)
    low, high = min(values), max(values)
    if kind.text(low, currency=currency) == kind.text(high, currency=currency):
        return Cell(kind.text(low, currency=currency), number=low, unit=unit)
    return Cell(kind.interval(low, high, currency=currency))


def _table(channels: Sequence[_Channel], models: int, currency: str) -> Table:
    share = units.unit("share")
    rows = []
    for c in channels[:_ROWS]:
        kept = math.fsum(c.kept) / len(c.kept) if c.kept else None
        rows.append(
            (
                Cell(shorten(_shown(c.name), 60)),
                _credits(c),
                _span(c.costs, "money", currency),
                Cell(share.text(kept), number=kept, unit="share"),
            )
        )
    more = len(channels) - _ROWS
    note = say(
        "Sales and cost: from the lowest to the highest of the models. Cost per sale: the "
        "department's spend on the channel in the period over the credit, from the models that give "
        "the channel half a sale or more; not available where there is no such spend or credit. Rank "
        "kept: the share of bootstrap draws of accounts in which the channel keeps its rank, the "
        "mean of the models."
    )
    note += say(" {more:,} more channels are in analysis.json.", more=more) if more > 0 else ""
    columns = (say("Channel"), say("Number of sales"), say("Cost per sale"), say("Rank kept"))
    return Table(
        say("Where {models} models agree and where not", models=models),
        columns,
        tuple(rows),
        (False, True, True, True),
        note=note,
    )


def _everything(channels: Sequence[_Channel], models: Sequence[str]) -> Table:
    count = units.unit("count")
    rows = tuple(
        (
            Cell(shorten(_shown(c.name), 60)),
            *(Cell(count.text(c.credits.get(m)), number=c.credits.get(m), unit="count") for m in models),
        )
        for c in channels[:_ROWS]
    )
    columns = (say("Channel"), *(_short(m) for m in models))
    return Table(say("Sales by channel and model"), columns, rows, (False, *(True for _ in models)))
