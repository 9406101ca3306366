"""What the words of a segmentation mean in this data: cut points, what counts as high, how good a model is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from alignment_toolkit import units
from alignment_toolkit.charts import as_number, clean
from alignment_toolkit.languages import noted, say
from alignment_toolkit.languages.locale import day_text
from alignment_toolkit.report.blocks import Block, Callout, Prose, data
from alignment_toolkit.results import Analysis

__all__ = ["by_hand", "leaving", "looked_back", "spread_inside", "terms"]

# A rule that does not beat the name of the largest segment by this much places nobody.
_BETTER: Final = 0.05
_ALL: Final = 0.98

_CUT: Final = {
    "recency": (noted("days since the last order"), "count"),
    "order_days": (noted("days with an order, ever"), "count"),
    "money": (noted("revenue of the last year"), "money"),
}


def terms(told: Mapping[str, Any], currency: str) -> list[Block]:
    """Give what a reader must know before the names mean anything; empty where nothing is to be said."""
    return [*_cuts(told, currency), *_potential(told, currency)]


def _cuts(told: Mapping[str, Any], currency: str) -> list[Block]:
    cuts = told.get("cut_points")
    if not isinstance(cuts, Mapping):
        return []
    said = []
    for name, (words, unit) in _CUT.items():
        places = [v for v in map(as_number, cuts.get(name) or []) if v is not None]
        if places:
            u = units.unit(unit)
            # Of whole numbers, above 42.2 is above 42.
            places = [float(int(v)) if unit == "count" else v for v in places]
            said.append(f"{say(words)} {', '.join(u.text(v, currency=currency) for v in places)}")
    if not said:
        return []
    text = say(
        "Fifths of the clients part at: {cuts}. They are relative: a fifth is always the best, in a bad year too.",
        cuts="; ".join(said),
    )
    return [Prose(text, label=say("Cut points"))]


def _potential(told: Mapping[str, Any], currency: str) -> list[Block]:
    high = as_number(told.get("expected_value_from"))
    if high is None:
        return []
    money = units.unit("money")
    best = as_number(told.get("revenue_of_the_best_tenth"))
    text = say(
        "High potential begins at {high} expected in 12 months, the median of the clients: half of them have it by "
        "definition.",
        high=money.text(high, currency=currency),
    )
    if best is not None:
        sizes = told.get("by_size")
        text += " " + (
            say("A share is large from half of what the best tenth of clients of the same size buys.")
            if sizes
            else say(
                "A share is large from {half} on, half of what the best tenth of clients buys; what they buy from "
                "others is not known.",
                half=money.text(best / 2, currency=currency),
            )
        )
    return [Prose(text, label=say("What the words mean")), *_model(told.get("model"))]


def _model(model: Any) -> list[Block]:
    if not isinstance(model, Mapping):
        return []
    label = say("Accounts without orders")
    auc = model.get("auc")
    value = as_number(auc.get("value")) if isinstance(auc, Mapping) else None
    if model.get("reason") or value is None or not isinstance(auc, Mapping):
        text = say("They get no potential: {reason}.", reason=clean(model.get("reason")) or say("no model"))
        return [Prose(text, label=label)]
    share = units.unit("share")
    text = say(
        "Of two such accounts, one of which became a client, the model put the right one first in {auc} of cases "
        "({interval}; 50 % is chance), in accounts that it had not seen.",
        auc=share.text(value),
        interval=share.interval(as_number(auc.get("low")), as_number(auc.get("high"))),
    )
    return [Prose(text, label=label)]


def by_hand(rows: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Give the rules by which a person can place an account; where they place nobody, that is said instead."""
    right = as_number(rows[0].get("rule_accuracy")) if rows else None
    rules = [(r, clean(r["rule"])) for r in rows if r.get("rule")]
    if right is None or not rules:
        return []
    share, label = units.unit("share"), say("By hand")
    sizes = [float(r["size"]) for r in rows]
    largest = max(sizes) / max(sum(sizes), 1.0)
    if right < largest + _BETTER and len(rows) > 1 and largest < _ALL - _BETTER:
        text = say(
            "No short rule places the accounts: the best is right for {right} of those that it did not see, and "
            "calling each one after the largest segment for {largest}.",
            right=share.text(right),
            largest=share.text(largest),
        )
        return [Prose(text, label=label)]
    said = tuple(f"{data(str(r['label']).split(':')[0])}: {rule}" for r, rule in rules)
    blocks: list[Block] = [
        Prose(
            say("Right for {right} of accounts that the rules did not see.", right=share.text(right)),
            label=label,
            bullets=said,
        )
    ]
    found = any(r.get("stability") is not None for r in rows)
    if found and right >= _ALL and len(rules) == len(rows) and not any("; " in rule for _, rule in rules):
        text = say(
            "One number parts these segments. A line in a table says the same, and is easier to check."
        )
        blocks.append(Prose(text))
    return blocks


def spread_inside(told: Mapping[str, Any]) -> list[Block]:
    """Say how alike the accounts of each segment are; empty where that is not known."""
    labels, spread = told.get("labels") or {}, told.get("spread") or {}
    known = [(k, v) for k in labels if (v := as_number(spread.get(k))) is not None]
    if len(known) < 2:
        return []
    said = ", ".join(
        say("{segment} {spread:.2f}", segment=data(str(labels[k]).split(":")[0]), spread=v) for k, v in known
    )
    text = say(
        "How far accounts lie from the middle of their segment, in usual distances: {said}. The less, the more alike "
        "they are.",
        said=said,
    )
    return [Prose(text, label=say("Spread inside"))]


def looked_back(analysis: Analysis) -> list[Block]:
    """Say how far off the forecast of orders was on the company's own past; empty where no forecast is told."""
    about = analysis.definitions.get("segments")
    clients = about.get("clients") if isinstance(about, Mapping) else None
    past = clients.get("past") if isinstance(clients, Mapping) else None
    if not isinstance(past, Mapping) or not isinstance(clients, Mapping) or clients.get("reason"):
        return []
    label = say("How far off the forecast was")
    told, came = past.get("told"), as_number(past.get("came"))
    value = as_number(told.get("value")) if isinstance(told, Mapping) else None
    if value is None or came is None or not isinstance(told, Mapping):
        text = say("Not known: {reason}.", reason=clean(past.get("reason") or say("no forecast")))
        return [Prose(text, label=label)]
    money, share = units.unit("money"), units.unit("share")
    low, high = as_number(told.get("low")), as_number(told.get("high"))
    held = low is not None and high is not None and low <= came <= high
    given = {
        "day": day_text(date.fromisoformat(str(past["fitted_up_to"]))),
        "days": int(past["days"]),
        "told": money.text(value, currency=analysis.currency),
        "interval": money.interval(low, high, currency=analysis.currency) or say("no interval"),
        "came": money.text(came, currency=analysis.currency),
        "gap": share.text(abs(came / value - 1)) if value > 0 else say(units.NOT_AVAILABLE),
    }
    if came >= value:
        text = say(
            "Fitted to the orders up to {day}, the same model told {told} ({interval}) for the {days} days after it; "
            "{came} came, {gap} more.",
            **given,
        )
    else:
        text = say(
            "Fitted to the orders up to {day}, the same model told {told} ({interval}) for the {days} days after it; "
            "{came} came, {gap} less.",
            **given,
        )
    if low is None or high is None:
        text += say(
            " How far chance alone takes it is not known. Intervals of what is expected in 12 months hold an error of "
            "that size."
        )
        return [Prose(text, label=label)]
    text += (
        say(" The interval held it.")
        if held
        else say(
            " The interval did not hold it: seasons, growth and campaigns are not in the model. Intervals of what is "
            "expected in 12 months hold an error of that size."
        )
    )
    return [Prose(text, label=label)]


def leaving(analysis: Analysis) -> list[Block]:
    """Say where the model of repeat orders cannot tell who has left: who is slow then looks like a client for ever."""
    about = analysis.definitions.get("segments")
    clients = about.get("clients") if isinstance(about, Mapping) else None
    plays = analysis.definitions.get("plays")
    limits = plays.get("thresholds") if isinstance(plays, Mapping) else None
    if not isinstance(clients, Mapping) or not isinstance(limits, Mapping):
        return []
    lowest, below = as_number(clients.get("lowest_alive")), as_number(limits.get("alive_below"))
    if lowest is None or below is None or lowest < below:
        return []
    share = units.unit("share")
    text = say(
        "By the model of repeat orders the client most likely to have left is still one with a probability of "
        "{lowest}. It explains silence by slow clients, and the data may be too short to tell the two apart. So nobody "
        "is proposed to be defended for silence, and nobody is proved to be healthy: read the days since the last "
        "order.",
        lowest=share.text(lowest),
    )
    return [Callout(say("Nobody seems to have left"), text)]
