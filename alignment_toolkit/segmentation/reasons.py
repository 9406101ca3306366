"""Plays in words: why one is proposed, what would change it, and what releasing would free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import ibis
import pandas as pd

from alignment_toolkit.languages import say, say_count
from alignment_toolkit.results import Estimate
from alignment_toolkit.segmentation.assessed import SIDES
from alignment_toolkit.units import unit

if TYPE_CHECKING:
    from ibis.expr.types import Table

    from alignment_toolkit.company import Company
    from alignment_toolkit.pseudonyms import Pseudonyms
    from alignment_toolkit.segmentation.outlook import Outlook

__all__ = ["economics", "every_play", "told_plays"]

SHOWN: Final = 50
# No model of orders knows more of a client than this.
CERTAIN: Final = 0.999
# What to look at first: money that may be lost, then money that may be won.
ORDER: Final = {"defend": 0, "release": 1, "attack": 2, "grow": 3, "keep": 4}


def told_plays(
    company: Company,
    t: Table,
    outlook: Outlook,
    hidden: Pseudonyms,
    segmentation: str | None,
    labels: Mapping[str, str],
    tells: bool,
) -> tuple[dict[str, Any], ...]:
    """Give the 50 plays that matter most: those other than keep, by what is at stake.

    `tells` says that the model finds anybody who has probably left; where it finds nobody it proves nobody healthy.
    """
    weight = ibis.coalesce(t.money if "money" in t.columns else ibis.null("float64"), 0.0)
    at_stake = ibis.greatest(weight, t.expected_value.fill_null(0.0)).round(6)
    t = t.mutate(
        at_stake=at_stake, _first=ibis.cases(*[(t.proposed == p, n) for p, n in ORDER.items()], else_=9)
    )
    changes = t.filter(t.proposed != "keep")
    each = changes.mutate(
        _rank=ibis.row_number().over(
            group_by="proposed",
            order_by=[changes.at_stake.desc(), changes.open_signal.desc(), changes.account_id],
        )
    )
    rows = company.fetch(each.filter(each._rank < SHOWN))
    rows = rows.sort_values(["_rank", "_first", "account_id"]).head(SHOWN)
    rows = rows.sort_values(["_first", "_rank", "account_id"]).reset_index(drop=True)
    low: Any = [None] * len(rows)
    high: Any = [None] * len(rows)
    known: Any = rows.order_days.notna().to_numpy() if "order_days" in rows.columns else []
    if len(rows) and not outlook.reason and any(known):
        some_low, some_high = outlook.ranges(rows[known])
        low, high = pd.Series(index=rows.index, dtype=float), pd.Series(index=rows.index, dtype=float)
        low[known], high[known] = some_low, some_high
    out = []
    for i, r in rows.iterrows():
        n = int(i)  # type: ignore[call-overload]
        value = Estimate.none(
            n=1, n_unit="accounts", unit="money", method=outlook.reason or say("no orders yet")
        )
        if not pd.isna(r.expected_value):
            value = Estimate(
                float(r.expected_value), min(float(low[n]), float(r.expected_value)),
                max(float(high[n]), float(r.expected_value)), int(r.order_days), "orders", "money",
                say("BG/NBD and gamma-gamma: 19 of 20 futures of this client in 365 days"),
            )  # fmt: skip
        segment = r.get(f"in_{segmentation}") if segmentation else None
        said, otherwise = _reasons(r, company, tells)
        if otherwise:
            said.append(say("would change with {otherwise}", otherwise=say(" or ").join(otherwise)))
        out.append({
            "account": hidden.client(r.account_id),
            "segment": None if pd.isna(segment) else labels.get(segment, segment),
            "proposed": r.proposed, "intent": None if pd.isna(r.intent) else r.intent,
            "reasons": said, "value": value,
        })  # fmt: skip
    return tuple(out)


def every_play(
    company: Company,
    t: Table,
    hidden: Pseudonyms,
    *,
    tells: bool | None = None,
    labels: Mapping[str, Mapping[str, str]] | None = None,
) -> pd.DataFrame:
    """Give every account with its segments, its play and the reasons, one row each, by pseudonym of the account.

    What an Analysis holds of plays are the 50 that matter most; this is for working through all of them. `tells` says
    whether the model finds anybody who has probably left; by default these accounts themselves say so. `labels` are
    the names of each segmentation's segments; where there is none the key stands.
    """
    segments = [c.removeprefix("in_") for c in t.columns if c.startswith("in_")]
    rows = company.fetch(t)
    if tells is None:
        tells = bool((rows.alive < company.settings.plays.alive_below).any())
    if "order_days" in rows:
        rows["alive"] = rows.alive.where(~_once(rows))
    numbers = [c for c in ("money", "alive", "expected_value", "cost_to_serve", "year_margin") if c in rows]
    told = pd.DataFrame({
        "account": [hidden.client(a) for a in rows.account_id],
        **{i: _named(rows[f"in_{i}"], (labels or {}).get(i, {})) for i in segments},
        "proposed": rows.proposed,
        "intent": rows.intent,
        "reasons": ["; ".join(_reasons(r, company, tells)[0]) for _, r in rows.iterrows()],
        **{_TITLES[c]: rows[c].astype(float).round(6) for c in numbers},
    })  # fmt: skip
    texts = [c for c in told.columns if c not in _TITLES.values()]
    told[texts] = told[texts].map(_harmless)
    return told.sort_values("account", kind="stable").reset_index(drop=True)


def _named(keys: pd.Series, names: Mapping[str, str]) -> pd.Series:
    return keys.replace(dict(names)) if names else keys


def _harmless(value: Any) -> Any:
    """Keep a spreadsheet from reading a text of the data as a formula."""
    return (
        f"'{value}"
        if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
        else value
    )


_TITLES: Final = {
    "money": "revenue_last_year", "alive": "probability_alive", "expected_value": "expected_in_12_months",
    "cost_to_serve": "cost_to_serve_last_year", "year_margin": "margin_at_most_last_year",
}  # fmt: skip


def _signs(r: Any) -> str:
    return say_count(
        int(r.open_signal), "{n} sign of change without answer", "{n} signs of change without answer"
    )


def _once(r: Any) -> Any:
    """Say who ordered on one day: the model is certain by its formula that they are clients, and knows nothing."""
    return r.order_days == 1


def _health(r: Any, tells: bool) -> list[str]:
    """Say what is known of whether a client is still one."""
    if _once(r):
        known = say("ordered on one day only: nothing tells yet whether it comes back")
    elif not tells:
        known = say("the data does not tell who has left")
    else:
        share = unit("share")
        least = r.alive > CERTAIN
        alive = share.text(CERTAIN if least else float(r.alive))
        alive = say("above {alive}", alive=alive) if least else alive
        known = say("probability of still being a client {alive}", alive=alive)
    return [known, say("days since the last order: {days:,}", days=int(r.recency))]


def _reasons(r: Any, company: Company, tells: bool) -> tuple[list[str], list[str]]:
    rules, money, share = company.settings.plays, unit("money"), unit("share")

    def m(v: Any) -> str:
        return money.text(float(v), currency=company.currency)

    said: list[str] = []
    otherwise: list[str] = []
    if r.proposed == "defend":
        if r.is_silent:
            said.append(
                say(
                    "probability of still being a client {alive}, below {limit}",
                    alive=share.text(float(r.alive)),
                    limit=share.text(rules.alive_below),
                )
            )
            otherwise.append(say("an order"))
        if r.open_signal > 0:
            said.append(_signs(r))
            otherwise.append(say("an answer to them"))
        said.append(say("revenue of the last year {m}", m=m(r.money)) if "money" in r else "")
    elif r.proposed == "release":
        quarters, margin, cost = int(r.lossy_quarters), m(r.year_margin), m(r.cost_to_serve)
        said += [
            say("margin did not pay for the work in {quarters} of the last four quarters", quarters=quarters),
            say("margin of at most {margin} for work that cost {cost}", margin=margin, cost=cost),
            say("low potential"), say("no contract"),
        ]  # fmt: skip
        otherwise += [
            say("less work for the same orders"),
            say("a price that pays for it"),
            say("a higher potential than the data shows"),
        ]
    elif r.proposed == "attack":
        said.append(
            say("no client")
            if not r.is_client
            else say("it buys less than half of what the best tenth of clients like it does")
        )
        by = [d for d in SIDES if r[f"wanted_by_{d}"]]
        if by:
            said.append(say("a target in the eyes of {who}", who=say(" and ").join(say(d) for d in by)))
        if r.is_high and not r.is_client:
            said.append(say("among the accounts most likely to become one within a year"))
        if r.open_signal > 0:
            said.append(_signs(r))
        otherwise.append(say("an assessment by somebody who knows them that says otherwise"))
    elif r.proposed == "grow":
        products = say_count(int(r.breadth), "{n} product in the last year", "{n} products in the last year")
        said += [*_health(r, tells), products]
        otherwise.append(say("more than {few_products} products", few_products=rules.few_products))
    if isinstance(r.intent, str) and r.intent != r.proposed:
        said.append(say("the plan says {intent}", intent=say(r.intent)))
    return [s for s in said if s], otherwise


def economics(company: Company, t: Table) -> dict[str, Any]:
    """Give what releasing all proposed would free and cost, and what an hour brings elsewhere."""
    gone = t.filter(t.proposed == "release")
    rest = t.filter(t.is_client, t.proposed != "release", t.year_minutes > 0)
    found = company.fetch(
        gone.aggregate(
            n=gone.count(),
            minutes=gone.year_minutes.sum(),
            margin=gone.year_margin.sum(),
            cost=gone.cost_to_serve.sum(),
        )
    )
    n = int(found.n[0])
    if not n:
        return {"accounts": 0}
    others = company.fetch(
        rest.group_by("proposed").aggregate(
            n=rest.count(), margin=rest.year_margin.sum(), minutes=rest.year_minutes.sum()
        )
    ).sort_values("proposed")
    elsewhere = [
        {
            "play": r["proposed"],
            "clients": int(r["n"]),
            "margin_per_hour": float(r["margin"]) / (float(r["minutes"]) / 60),
        }
        for r in others.to_dict("records")
        if r["minutes"] and r["margin"] == r["margin"]
    ]
    return {
        "accounts": n,
        "hours_freed": float(found.minutes[0]) / 60,
        "cost_freed": float(found.cost[0]),
        "margin_lost_at_most": float(found.margin[0]),
        "elsewhere": sorted(elsewhere, key=lambda e: -e["margin_per_hour"]),
        "basis": say(
            "average margin per hour of the last year; what one more hour brings is less, and not known"
        ),
    }
