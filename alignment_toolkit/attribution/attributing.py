"""All models side by side for one period of a company."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import ibis

from alignment_toolkit.attribution.comparing import MOST_STATES_DRAWN, distances, draws_for, stability
from alignment_toolkit.attribution.journeys import Engine, Journeys, journeys, lacking, undated
from alignment_toolkit.attribution.markov import markov_credits
from alignment_toolkit.attribution.models import RULES, Terms, rule_credits
from alignment_toolkit.attribution.shapley import EXACT, Shapley, chain_game, shapley, within_shares
from alignment_toolkit.kpi.lapses import lapses_of, spans
from alignment_toolkit.languages import noted, say
from alignment_toolkit.statistics.resampling import generator

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

    from alignment_toolkit.periods import Period

__all__ = ["MODELS", "NO_TOUCH", "Attribution", "attribute"]

NO_TOUCH: Final = "(no touch)"
MODELS: Final[dict[str, str]] = {
    "first": noted("First touch"),
    "last": noted("Last touch"),
    "last_non_direct": noted("Last non-direct touch"),
    "linear": noted("Linear"),
    "position": noted("Position (40/20/40)"),
    "w_shaped": noted("W-shaped (30/30/30/10)"),
    "time_decay": noted("Time decay"),
    "markov": noted("Markov removal"),
    "shapley": noted("Shapley"),
}
SEED: Final = "attribution"
_DIGITS: Final = 10
"""Credits are written to ten decimals: what lies behind depends on the machine's linear algebra."""


@dataclass(frozen=True)
class Attribution:
    """What `attribute` gives: rows (model, channel, credit, cost_per_sale, rank_stability), and what they rest on."""

    rows: tuple[Mapping[str, Any], ...] = ()
    about: Mapping[str, Mapping[str, Any]] | None = None


@dataclass(frozen=True)
class _Spend:
    """Spend by channel, in the marks of the paths; `why` says why it is not available."""

    by_channel: Mapping[str, float]
    why: str = ""


def attribute(company: Engine, period: Period) -> Attribution:
    """Share the sales of a period among the steps that led to them, by every model.

    Estimand: none beyond the sharing itself. Each model is a rule of sharing; none says what would have happened
    without a channel. The settings in ``[attribution]`` say what a sale is, how far paths reach back, and how the
    models are told.

    Parameters
    ----------
    company
        The company.
    period
        The period in which the paths end.

    Returns
    -------
    Attribution
        Rows by model, then by channel; steps by sales carry ``(sales)`` behind their channel. The credits of a model
        sum to the sales with a path; sales without any step stand in the row ``(no touch)`` and are never spread.
        Without the tables that paths need: nothing.

    Examples
    --------
    >>> from alignment_toolkit.company import Company
    >>> from alignment_toolkit.periods import Period
    >>> found = attribute(Company.open("data/sample"), Period.parse("2026-Q3"))
    >>> found.about["paths"]["sales_with_a_path"]
    14
    >>> round(sum(row["credit"] for row in found.rows if row["model"] == "markov"), 9)
    15.0
    """
    options = company.settings.attribution
    if lacking(company, options.sale):
        return Attribution()
    if one_day := undated(company, options.sale):
        why = say("Not available: {table} is undated: its date is the same in every row.", table=one_day)
        return Attribution(about={"paths": {"title": say("Attribution"), "about": why}})
    found = journeys(company, period, sale=options.sale, lookback_days=options.lookback_days)
    if not found.converted + found.untouched:
        why = say("Not available: no sales in {label}.", label=period.label)
        return Attribution(about={"paths": {"title": say("Attribution"), "about": why}})
    spend = _spend(company, period, new_only=options.sale == "new_client")
    credits, valued = _credits(found, options) if found.converted else ({}, None)
    terms = Terms(options.half_life_days, options.direct)
    draws = draws_for(found.groups)
    order = options.markov_order
    kept = (
        stability(found.groups, terms=terms, order=order, seed=SEED, draws=draws) if found.converted else {}
    )
    if options.shapley == "chain":
        kept.pop("shapley", None)
    rows = []
    for model in MODELS:
        for channel, credit in credits.get(model, {}).items():
            cost = spend.by_channel.get(channel, 0.0)
            written = max(0.0, round(credit, _DIGITS))
            rows.append(
                {
                    "model": model,
                    "channel": channel,
                    "credit": written,
                    "cost_per_sale": cost / written if cost > 0 and written > 0 else None,
                    "rank_stability": kept.get(model, {}).get(channel),
                }
            )
        if found.untouched:
            row = {"model": model, "channel": NO_TOUCH, "credit": float(found.untouched)}
            rows.append({**row, "cost_per_sale": None, "rank_stability": None})
    about = _about(company, period, found, spend, valued, credits, kept)
    return Attribution(tuple(rows), about)


def _credits(found: Journeys, options: Any) -> tuple[dict[str, dict[str, float]], Shapley | None]:
    paths = list(found.paths())
    terms = Terms(options.half_life_days, options.direct)
    credits = {rule: rule_credits(paths, rule, terms) for rule in RULES}
    credits["markov"] = markov_credits(paths, options.markov_order)
    channels = list(credits["first"])
    if options.shapley == "chain":
        game = chain_game(paths, options.markov_order)
        valued = shapley(game, channels, random=generator(f"{SEED} shapley"))
        # The coalition of all is worth the sales themselves; what rounding leaves is shared in proportion.
        total = math.fsum(valued.values.values())
        credits["shapley"] = {c: v * found.converted / total for c, v in valued.values.items()}
        return credits, valued
    parts: dict[str, list[float]] = {c: [] for c in channels}
    for path, times in paths:
        if path.converted:
            for channel, share in within_shares(path).items():
                parts[channel].append(times * share)
    credits["shapley"] = {c: math.fsum(p) for c, p in parts.items()}
    return credits, None


def _spend(company: Engine, period: Period, *, new_only: bool) -> _Spend:
    """Sum the period's spend on each channel, where it is said; new clients' cost leaves out that on existing ones."""
    if not company.has("spend", "spent_on", "amount"):
        return _Spend({}, say("there is no spend"))
    t = company.relation("spend")
    t = t.filter(t.spent_on >= ibis.date(period.start), t.spent_on < ibis.date(period.end))
    t = t.mutate(
        _by=_text(t, "department").fill_null("marketing"),
        _own=_text(t, "channel"),
        _audience=_text(t, "audience").fill_null("new"),
        # Amounts that are in the company's currency already say so by having a rate for every row.
        _foreign=_text(t, "unrated") if "unrated" in t.columns else _text(t, "currency").upper(),
    )
    if new_only:
        t = t.filter(t._audience != "existing")
    if "campaign_id" in t.columns and company.has("campaigns", "campaign_id", "channel"):
        campaigns = company["campaigns"].select(_campaign="campaign_id", _channel="channel")
        t = t.left_join(campaigns, t.campaign_id == campaigns._campaign)
        t = t.mutate(_own=ibis.coalesce(t._own, t._channel))
    t = t.filter(t._own.notnull(), t._by.isin(("marketing", "sales")))
    sums = t.group_by("_own", "_by", "_foreign").aggregate(total=t.amount.sum())
    found = company.fetch(sums.order_by("_own", "_by", "_foreign"))
    foreign = {word for word in found["_foreign"] if isinstance(word, str)}
    if "unrated" not in t.columns:
        own = company.settings.company.currency.upper()
        foreign -= {own} if own != "XXX" or len(foreign) > 1 else foreign
    if foreign:
        return _Spend(
            {}, say("there is no rate for spend in {foreign}", foreign=", ".join(sorted(foreign)[:5]))
        )
    totals: dict[str, float] = {}
    for channel, by, total in zip(found["_own"], found["_by"], found["total"], strict=True):
        name = f"{channel} (sales)" if by == "sales" else str(channel)
        totals[name] = totals.get(name, 0.0) + float(total)
    return _Spend(totals)


def _unrecorded(company: Any, period: Period, lookback_days: int) -> list[str]:
    """Say in which days that paths reach into no step of a department was recorded."""
    start = period.start - timedelta(days=lookback_days)
    whole = getattr(company, "whole", company)
    sides = {
        "marketing": noted(
            "No touch of marketing is on record {spans}. Its steps of these days have no credit."
        ),
        "sales": noted("No touch of sales is on record {spans}. Its steps of these days have no credit."),
    }
    told = []
    for department, words in sides.items():
        if found := lapses_of(whole, "touches", {"department": department}, start, period.end):
            told.append(say(words, spans=spans(found)))
    return told


def _text(t: Table, name: str) -> Value:
    """Give a column, or the empty text where the table does not have it."""
    return t[name] if name in t.columns else ibis.null("string")


def _about(
    company: Engine,
    period: Period,
    found: Journeys,
    spend: _Spend,
    valued: Shapley | None,
    credits: Mapping[str, Mapping[str, float]],
    kept: Mapping[str, Mapping[str, float]],
) -> dict[str, dict[str, Any]]:
    """Say what the rows rest on: the paths, each model's rule, how far the models lie apart."""
    options = company.settings.attribution
    sale = say("a new client") if options.sale == "new_client" else say("a won deal")
    cost = (
        say("Cost per sale is not available: {why}.", why=spend.why)
        if spend.why
        else (
            say(
                "Cost per sale is the period's spend on the channel over its credit; spend on no channel is "
                "left out."
            )
        )
    )
    alone = (
        []
        if any(c.casefold() in {d.casefold() for d in options.direct} for c in credits.get("first", {}))
        else [say("No channel here counts as direct, so this is last touch.")]
    )
    if options.shapley == "within":
        game = say(
            "sales whose path uses no other channel (exact; this is linear over the channels of a path)"
        )
    elif valued is not None and valued.orders is not None:
        worst = max(valued.errors.values())
        game = say(
            "sales expected from the Markov chain with these channels alone (more than {exact} channels: "
            "{orders} orders drawn, largest standard error {worst:.3g} sales)",
            exact=EXACT,
            orders=valued.orders,
            worst=worst,
        )
    else:
        game = say("sales expected from the Markov chain with these channels alone (exact)")
    chain = say(
        "Order {markov_order}, solved exactly, paths without a sale included.",
        markov_order=options.markov_order,
    )
    if "markov" not in kept and kept:
        chain += say(
            " Stability is not available: the chain has more than {most_states_drawn} states.",
            most_states_drawn=MOST_STATES_DRAWN,
        )
    told = {
        "first": say("All to the first step."),
        "last": say("All to the last step before the sale."),
        "last_non_direct": " ".join(
            [
                say("All to the last step that is not {direct}.", direct=say(" or ").join(options.direct)),
                *alone,
            ]
        ),
        "linear": say("The same to every step."),
        "position": say("40 % each to the first and the last step, 20 % to those between."),
        "w_shaped": say("30 % each to the first step, the lead and the opportunity, 10 % to the rest."),
        "time_decay": say(
            "A step's weight halves with every {half_life_days:g} days before the sale.",
            half_life_days=options.half_life_days,
        ),
        "markov": say(
            "What share of the sales would be lost if the channel led nowhere. {chain}", chain=chain
        ),
        "shapley": say(
            "The mean of what the channel adds to the others. A coalition is worth the {game}.", game=game
        ),
    }
    apart = distances(credits)
    unrecorded = _unrecorded(company, period, options.lookback_days)
    about: dict[str, dict[str, Any]] = {
        "paths": {
            "title": say("Paths"),
            "about": " ".join(
                [
                    say(
                        "A sale is {sale} in {label}. A path holds the steps of both departments in the "
                        "{lookback_days} days up to the sale; paths without a sale end with their last step in the "
                        "period. Steps by sales are marked (sales). {cost} Stability of a rank: the share of "
                        "{draws_for} bootstrap draws of half as many accounts in which the channel keeps it.",
                        sale=sale,
                        label=period.label,
                        lookback_days=options.lookback_days,
                        cost=cost,
                        draws_for=draws_for(found.groups),
                    ),
                    *unrecorded,
                ]
            ),
            "sales_with_a_path": found.converted,
            "sales_without_a_touch": found.untouched,
            "paths_without_a_sale": found.open,
            "accounts": found.accounts,
        }
    }
    if apart:
        # Of equal distances the first: max takes it.
        most = max(apart, key=lambda pair: round(apart[pair], _DIGITS))
        about["disagreement"] = {
            "title": say("Disagreement of the models"),
            "about": (
                say(
                    "Total variation distance of two models: the share of the sales that goes to another channel "
                    "under the other model."
                )
            ),
            "mean_distance": round(math.fsum(apart.values()) / len(apart), _DIGITS),
            "largest_distance": round(apart[most], _DIGITS),
            "between": [say(MODELS[m]) for m in most],
        }
    return about | {m: {"title": say(MODELS[m]), "about": told[m]} for m in MODELS}
