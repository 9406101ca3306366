"""Value map: what clients get for the price, of own and rivals' offers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import ibis
import numpy as np
import pandas as pd

from alignment_toolkit.languages import noted, say
from alignment_toolkit.relations.money import first_unrated
from alignment_toolkit.relations.source import day
from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics.price_line import Market, benefit_to_tie, benefits, fair_line, price_premium

if TYPE_CHECKING:
    from ibis.expr.types import Table

    from alignment_toolkit.company import Company

__all__ = ["value_map"]

NEEDS: Final = ("offer", "attribute", "rating", "owner", "price")
RIVALS: Final = 4
WORDS: Final = noted(
    "Benefit is the mean rating (1 to 10) of an offer's attributes, weighed by their importance. The line is what "
    "rivals' offers of the category ask for a benefit; own offers are left out of it. Above the line more is asked "
    "than the benefit backs, below it benefit is given away."
)


def value_map(company: Company, end: date) -> dict[str, Any] | None:
    """Give the value map as of a day; None where nobody was asked to rate offers.

    Per category of offers: benefit of every offer with its interval (over all attributes, and of the rational and the
    emotional ones apart), the fair-value line with its interval, what it asks for each own offer, and the attributes
    with their importance. Ratings after the day are not looked at.
    """
    if not company.has("value_ratings"):
        return None
    gone = [f"value_ratings.{c}" for c in NEEDS if not company.has("value_ratings", c)]
    who = next((c for c in ("rater_id", "account_id") if company.has("value_ratings", c)), None)
    if gone or who is None:
        return {
            "reason": say("needs {gone}", gone=", ".join(gone or ["value_ratings.rater_id"])),
            "categories": [],
        }
    t = _rated(company, end, who)
    if unrated := first_unrated(company, t):
        reason = say(
            "amounts are in other currencies, and the table rates has no rate for {unrated}", unrated=unrated
        )
        return {"reason": reason, "categories": []}
    rows = _rows(company, t, who)
    if rows.empty:
        return {"reason": say("there are no ratings with price and owner"), "categories": []}
    found = [_category(str(name), part) for name, part in rows.groupby("category", sort=True)]
    return {"reason": None, "about": say(WORDS), "to": str(end), "categories": found}


def _rated(company: Company, end: date, who: str) -> Table:
    """Give the ratings before a day that have what the map needs."""
    t = company["value_ratings"]
    if "rated_on" in t.columns:
        t = t.filter(t.rated_on.isnull() | (day(t.rated_on) < ibis.literal(end)))
    return t.filter(t.rating.notnull(), t.price > 0, t.owner.notnull(), t[who].notnull())


def _rows(company: Company, t: Table, who: str) -> pd.DataFrame:
    there = {c: t[c].cast("string") for c in ("category", "kind") if c in t.columns}
    importance: Any = (
        t.importance.cast("float64").fill_null(1.0) if "importance" in t.columns else ibis.literal(1.0)
    )
    keys = ["offer", "attribute", "owner", *there, "rater"]
    t = t.select(
        "offer", "attribute", "owner", **there, rater=t[who].cast("string"), rating=t.rating.cast("float64"),
        price=t.price.cast("float64"), importance=importance,
    )  # fmt: skip
    rows = company.fetch(
        t.group_by(keys)
        .aggregate(total=t.rating.sum(), n=t.count(), price=t.price.mean(), importance=t.importance.mean())
        .order_by(keys)
    )
    rows["own"] = (rows.owner.str.strip().str.lower() == "own").astype(bool)
    for c in ("category", "kind"):
        rows[c] = rows[c].fillna("") if c in rows.columns else ""
    return rows


def _market(part: pd.DataFrame, offers: pd.DataFrame) -> tuple[Market, pd.Series]:
    raters = sorted(set(part.rater))
    importance = part.groupby("attribute", sort=True).importance.mean()
    where = (
        pd.Index(raters).get_indexer(pd.Index(part.rater)),
        offers.index.get_indexer(pd.Index(part.offer)),
        importance.index.get_indexer(pd.Index(part.attribute)),
    )
    totals = np.zeros((len(raters), len(offers), len(importance)))
    counts = np.zeros_like(totals)
    np.add.at(totals, where, part.total.to_numpy(float))
    np.add.at(counts, where, part.n.to_numpy(float))
    own = offers.own.to_numpy(bool)
    return Market(
        offers.price.to_numpy(float), own, own.astype(float), totals, counts, importance.to_numpy()
    ), importance


def _category(name: str, part: pd.DataFrame) -> dict[str, Any]:
    offers = part.groupby("offer", sort=True).agg(
        own=("own", "max"), owner=("owner", "first"), price=("price", "median")
    )
    market, importance = _market(part, offers)
    sides = {"benefit": _benefits(market, name)}
    for kind in ("rational", "emotional"):
        own = part[part.kind == kind]
        sides[kind] = (
            _benefits(_market(own, offers)[0], f"{name} {kind}") if len(own) else [None] * len(offers)
        )
    rivals = int((~offers.own).sum())
    reason = None
    if not offers.own.any() or rivals < RIVALS:
        reason = say(
            "offers of rivals: {rivals}, own offers: {own}; a line needs {least} and 1",
            rivals=rivals,
            own=int(offers.own.sum()),
            least=RIVALS,
        )
    line = None if reason else fair_line(market, seed=f"value map {name}")
    if line is None and reason is None:
        reason = say("the rivals' offers do not differ in benefit")
    rows = []
    cheapest = offers.price[~offers.own].min() if rivals else 0.0
    for i, (offer, o) in enumerate(offers.iterrows()):
        row: dict[str, Any] = {
            "offer": str(offer),
            "owner": str(o.owner),
            "own": bool(o.own),
            "price": float(o.price),
        }
        row |= {side: values[i] for side, values in sides.items()}
        row["to_tie"] = benefit_to_tie(row["price"], float(cheapest)) if o.own else None
        row["premium"] = row["fair_price"] = None
        if o.own and line is not None:
            alone = np.zeros(len(offers))
            alone[i] = 1.0
            premium = price_premium(
                [replace(market, weights=alone)], seed=f"value map {name} {offer}"
            ).gap.estimate
            row |= {"premium": premium, "fair_price": _fair(float(o.price), premium)}
        rows.append(row)
    return {
        "category": name, "reason": reason, "raters": int(part.rater.nunique()), "offers": rows,
        "line": [
            {"benefit": b, "price": p, "low": lo, "high": hi}
            for b, p, lo, hi in zip(line.benefit, line.price, line.low, line.high, strict=True)
        ] if line is not None else [],
        "attributes": _attributes(part, importance),
    }  # fmt: skip


def _benefits(market: Market, name: str) -> list[Estimate | None]:
    return [
        Estimate(v, low, high, n=n, n_unit="raters", unit="index",
                 method=noted("mean rating weighed by importance; raters drawn again")) if n else None
        for v, low, high, n in benefits(market, seed=f"value map {name}")
    ]  # fmt: skip


def _fair(price: float, premium: Estimate) -> Estimate:
    """Turn the premium over the line into the line's price; the limits change sides."""
    what: dict[str, Any] = {
        "n": premium.n,
        "n_unit": premium.n_unit,
        "unit": "money",
        "method": premium.method,
    }
    if premium.value is None:
        return Estimate.none(**what)
    ends = [None if v is None or v <= -1 else price / (1 + v) for v in (premium.high, premium.low)]
    return Estimate(price / (1 + premium.value), *(ends if None not in ends else (None, None)), **what)


def _attributes(part: pd.DataFrame, importance: pd.Series) -> list[dict[str, Any]]:
    """Give each attribute's importance, and the mean rating of own and rivals' offers."""
    out = []
    for name, own in part.groupby("attribute", sort=True):
        sums = own.groupby("own")[["total", "n"]].sum()
        means = {
            side: float(sums.total[side] / sums.n[side]) if side in sums.index else None
            for side in (True, False)
        }
        out.append({"attribute": str(name), "kind": str(own.kind.iloc[0]) or None,
                    "importance": float(importance[name] / importance.sum()) if importance.sum() > 0 else None,
                    "own": means[True], "rivals": means[False]})  # fmt: skip
    return out
