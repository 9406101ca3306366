"""Do both departments push the products that the plan wants pushed?

**Question.** Do marketing's money and sales' hours go to the products as planned?

**Gap.** The share of a department's push that would have to move to other products to match its own row of
the plan (total variation distance), averaged over the departments. Marketing's push is its spend by product
(the line's product, else its campaign's), or, where no spend is known, its campaigns' leads. Sales' push is
the minutes of its outbound touches that are not automated and whose lead and opportunity were not sourced by
marketing (answering marketing's leads is marketing's choice of product, not sales'); the product is the
touch's, else its opportunity's, lead's, campaign's. Where no touches are known: opportunities sourced by
sales. Without a plan: the distance between the two pushes.

**Estimand.** The distance in the process, not in the sample: twelve products and a handful of campaigns
differ from any plan by luck alone. **Interval.** By inverting a parametric test at each candidate distance;
campaigns (marketing) and accounts (sales) are what repeats. **Margin.** 15 %: one working day in seven.
**Minimum.** 5 campaigns and 100 touches or opportunities.

**Worked example.** Plan: A 50 %, B 30 %, C 20 % for both. Spend: A 20, B 30, C 50 of 100: 30 % would have to
move. Minutes: A 60, B 30, C 10 of 100: 10 % would have to move. Raw gap = (30 % + 10 %) / 2 = 20 %, before
luck is taken off.

**When it lies.** A launch or a stock-out can make the plan obsolete before it is rewritten. Money and hours
have different natural mixes: a product that sells itself needs no visits. Spend and touches without a product
are left out and counted (guard `join_health`).

**What to do.** Put the two bars of each product side by side and ask of the widest differences: is the plan
wrong, or the habit?

**Literature.** Gibbs and Su (2002), On choosing and bounding probability metrics, International Statistical
Review 70.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from alignment_toolkit.indicator import Data, Observation, evidence, indicator
from alignment_toolkit.languages import noted, say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Chart, Column, Guard, Measure, Money
from alignment_toolkit.statistics.distances import Side, total_variation_gap
from alignment_toolkit.statistics.inference import Gap

SIDES = ("marketing", "sales")
PUSHES = {
    "spend": noted("Marketing's spend"),
    "leads": noted("Marketing's leads"),
    "minutes": noted("Sales' minutes"),
    "opportunities": noted("Sales' opportunities"),
}


@indicator(
    question="Do marketing's money and sales' effort go to the products that were planned?",
    title="Marketing's money and sales' effort largely follow one plan",
    failure_title="Marketing's money and sales' effort do not follow one plan",
    nature="strategic",
    area="portfolio",
    kind="distance",
    unit="share",
    margin=0.15,
    enough={"campaigns": 5, "touches or opportunities": 100},
    window="period",
    population="marketing's spend and sales' own outbound effort in the period, by product",
    relations=("product_pushes",),
    uses={
        "products": ("product_id", "name"),
        "plan": ("dimension", "key", "department", "measure", "value", "period"),
    },
    witnesses={"product_pushes": "product_id"},
    looked_up=("plan",),
    says=(
        "On average of both departments, {gap} of their push (money, hours) would have to move to other products to "
        "match {yardstick}."
    ),
    advice=(
        "Look together at the products with the widest differences and ask of each: is the plan out of date, or the "
        "habit? Change one of the two, in writing."
    ),
    innocent={
        "marketing": "A launch, a season or a stock-out may have called for money elsewhere than planned.",
        "sales": "Products need different amounts of talk, and clients choose what they ask about.",
    },
)
def portfolio_mismatch(data: Data, window: Period) -> Observation:
    """A portfolio is decided by where money and hours go, as much as by the plan.

    Where marketing advertises one product and sales talks about another, clients hear two companies; where both leave
    the plan, it no longer says what will be sold.
    """
    t = data.relation("product_pushes")
    t = t.filter(t.pushed_on >= str(window.start), t.pushed_on < str(window.end))
    keys = ["department", "measure", "cluster", "product_id"]
    rows = data.fetch(
        t.group_by(keys)
        .aggregate(push=t.push.sum().cast("float64"), cases=t.count(), unrated=t.unrated.min())
        .order_by(keys)
    )
    pushes = {side: _push(rows, side) for side in SIDES}
    plan = _plan(data, window)
    if data.of_part and not plan.empty:
        plan = _of_part(data, plan, {p for push in pushes.values() for p in push["product_id"].dropna()})
        if not all(plan[side].sum() > 0 for side in SIDES):
            said = say(
                "The plan wants none of these products of one department: no shares to hold others against."
            )
            none = Gap.none(n_unit="campaigns", unit="share", method="no plan of these products")
            return Observation(none, {"yardstick": say("the plan")}, withheld=said)
        plan = plan / plan.sum()
    products = sorted({*plan.index, *(p for push in pushes.values() for p in push["product_id"].dropna())})
    sides = []
    for side in SIDES:
        known = pushes[side].dropna(subset="product_id")
        wide = known.pivot_table(
            index="cluster", columns="product_id", values="push", aggfunc="sum", observed=True
        )
        wide = wide.reindex(columns=products).fillna(0.0).sort_index()
        target = plan[side].reindex(products).fillna(0.0).to_numpy() if side in plan else None
        sides.append(Side(tuple(products), wide.to_numpy(), target))
    planned = all(side.target is not None for side in sides)
    campaigns, contacts = len(sides[0].weights), int(pushes["sales"]["cases"].sum())
    measured = set(rows["measure"])
    words = {
        "marketing": say(PUSHES["spend" if "spend" in measured else "leads"]),
        "sales": say(PUSHES["minutes" if "minutes" in measured else "opportunities"]),
    }
    contact = "touches" if "minutes" in measured else "opportunities"
    cases = {"marketing": (campaigns, "campaigns"), "sales": (contacts, contact)}
    empty = _nothing(rows, sides)
    if empty:
        named = rows.dropna(subset="product_id")
        campaigns = named["cluster"][named.department == "marketing"].nunique()
        contacts = int(rows["cases"][rows.department == "sales"].sum())
    compared = sides if planned else [Side(s.categories, s.weights, None) for s in sides]
    gap = total_variation_gap(
        compared,
        n=campaigns + contacts,
        n_unit=say("campaigns and {contact}", contact=contact),
        seed=data.seed,
    )
    if empty:
        said = say("{words} of the period: in sum nothing, so there are no shares", words=words[empty[0]])
        gap = Gap.none(n=gap.estimate.n, n_unit=gap.estimate.n_unit, unit="share", method=said)
    table = _table(data, products, sides, planned)
    own = {
        side: total_variation_gap(
            [part], n=cases[side][0], n_unit=cases[side][1], seed=f"{data.seed}/{side}"
        ).estimate
        for side, part in zip(SIDES, sides, strict=True)
        if planned
    }
    counts = {"campaigns": campaigns, "touches or opportunities": contacts}
    money = None
    if planned and "spend" in measured:
        # Where no product is named nobody knows whether it was the planned one.
        spent, apart = float(pushes["marketing"].dropna(subset="product_id")["push"].sum()), own["marketing"]
        if apart.value is not None and apart.low is not None and apart.high is not None:
            basis = say(
                "arithmetical: marketing's spend of the period that names a product x the share of it to move"
            )
            money = Money(apart.value * spent, apart.low * spent, apart.high * spent, data.currency, basis)
    return Observation(
        gap=gap,
        values={
            "yardstick": say("the plan")
            if planned
            else say("the other department (there is no plan by product)")
        },
        counts=counts,
        measures=[
            Measure.of(f"{side}_to_move", say("{words} to move", words=words[side]), estimate)
            for side, estimate in own.items()
        ],
        money=money,
        evidence=evidence(table, _columns(words, planned)),
        chart=_chart(table, planned),
        guards=_guards(pushes),
        withheld=_unrated(rows),
    )


def _unrated(rows: pd.DataFrame) -> str | None:
    """Say that amounts of several currencies can't be added up where a rate is missing."""
    lacking = sorted(rows["unrated"].dropna())
    return (
        say("spend in {lacking} has no rate in `rates`: shares of money cannot be told", lacking=lacking[0])
        if lacking
        else None
    )


def _nothing(rows: pd.DataFrame, sides: list[Side]) -> list[str]:
    """Name the departments that have rows of products, and push nothing in sum."""
    there = set(rows.dropna(subset="product_id")["department"])
    return [name for name, side in zip(SIDES, sides, strict=True) if name in there and not _pushed(side)]


def _pushed(side: Side) -> bool:
    return bool(side.weights.sum() > 0 and (side.weights.sum(axis=1) > 0).any())


def _push(rows: pd.DataFrame, side: str) -> pd.DataFrame:
    own = rows[rows.department == side]
    return own[own.push != 0].reset_index(drop=True)


def _plan(data: Data, window: Period) -> pd.DataFrame:
    """Give the intended shares by product and department, empty where the plan does not speak of both departments."""
    if not data.has("plan", "dimension", "key", "department", "measure", "value"):
        return pd.DataFrame()
    t = data["plan"]
    rows = data.fetch(t.filter(t.dimension == "product", t.measure == "share"))
    rows = rows.assign(
        span=[_span(data, label, window) for label in rows["period"]] if "period" in rows.columns else 0.0
    )
    rows = rows[rows.span.notna()].sort_values(["department", "key", "span"])
    rows = rows.drop_duplicates(["department", "key"], keep="first")
    wide = rows.pivot_table(
        index="key", columns="department", values="value", aggfunc="first", observed=True
    ).astype(float)
    for side in SIDES:
        if side not in wide and "company" in wide:
            wide[side] = wide["company"]
    if not all(side in wide and wide[side].sum() > 0 for side in SIDES):
        return pd.DataFrame()
    return wide[list(SIDES)] / wide[list(SIDES)].sum()


def _of_part(data: Data, plan: pd.DataFrame, pushed: set[str]) -> pd.DataFrame:
    """Give the plan's rows of the products that a part of the company is of: those alone are to be shared out there."""
    own = set(pushed)
    if data.has("products", "product_id"):
        own |= set(data.fetch(data["products"].select("product_id")).product_id)
    return plan[plan.index.isin(own)]


def _span(data: Data, label: object, window: Period) -> float:
    """Give the length of a plan's period that holds the window (the narrowest counts; empty: always), else NaN."""
    if not isinstance(label, str) or not label:
        return 1e9
    period = data.period_of(label)
    holds = period.start <= window.start and window.end <= period.end
    return float((period.end - period.start).days) if holds else math.nan


def _table(data: Data, products: list[str], sides: list[Side], planned: bool) -> pd.DataFrame:
    table = pd.DataFrame({"product_id": products, "product": products})
    if data.has("products", "product_id", "name"):
        names = data.fetch(data["products"].select("product_id", "name")).set_index("product_id")["name"]
        table["product"] = [names.get(p) or p for p in products]
    for name, side in zip(SIDES, sides, strict=True):
        total = side.weights.sum() if _pushed(side) else math.nan
        table[f"{name}_share"] = side.weights.sum(axis=0) / total
        if planned:
            table[f"{name}_plan"] = side.target
            table[f"{name}_apart"] = table[f"{name}_share"] - table[f"{name}_plan"]
    key = sum(table[f"{name}_apart"].abs() for name in SIDES) if planned else _between(table).abs()
    return (
        table.assign(order=key)
        .sort_values(["order", "product_id"], ascending=[False, True])
        .drop(columns="order")
    )


def _between(table: pd.DataFrame) -> pd.Series:
    return table["marketing_share"] - table["sales_share"]


def _columns(words: Mapping[str, str], planned: bool) -> list[Column]:
    columns = [Column("product", say("Product"), None, "dimension")]
    for name in SIDES:
        columns.append(Column(f"{name}_share", words[name], "share", "measure"))
        if planned:
            columns.append(Column(f"{name}_plan", say("Plan of {name}", name=name), "share", "measure"))
    return columns


def _chart(table: pd.DataFrame, planned: bool) -> Chart | None:
    if table.empty or table[[f"{s}_share" for s in SIDES]].isna().to_numpy().any():
        return None
    first = table.iloc[0]
    if not planned:
        rows = [
            {"product": r["product"], "share": float(r[f"{s}_share"]), "department": s}
            for r in table.to_dict("records")
            for s in SIDES
        ]
        apart = 100 * abs(first[f"{SIDES[0]}_share"] - first[f"{SIDES[1]}_share"])
        title = say(
            "The departments' shares are furthest apart at {product}: {apart:.0f} percentage points",
            product=first["product"],
            apart=apart,
        )
        return Chart("bars", "product", "share", group="department", rows=tuple(rows), title=title)
    rows = [
        {"product": r["product"], "push_minus_plan": float(r[f"{s}_apart"]), "department": s}
        for r in table.to_dict("records")
        for s in SIDES
    ]
    side = max(SIDES, key=lambda s: abs(first[f"{s}_apart"]))
    apart = float(first[f"{side}_apart"])
    words = {"product": first["product"], "side": side, "apart": 100 * abs(apart)}
    title = (
        say("{product} has {apart:.0f} percentage points more of the push of {side} than planned", **words)
        if apart >= 0
        else say(
            "{product} has {apart:.0f} percentage points less of the push of {side} than planned", **words
        )
    )
    return Chart(
        "bars", "product", "push_minus_plan", group="department", rows=tuple(rows), reference=0.0, title=title
    )


def _guards(pushes: Mapping[str, pd.DataFrame]) -> list[Guard]:
    guards = []
    for side, push in pushes.items():
        total = push["push"].sum()
        lost = push.loc[push["product_id"].isna(), "push"].sum()
        if total > 0 and lost / total > 0.1:
            whose = say("sales'") if side == "sales" else say("{side}'s", side=side)
            said = say("{lost:.0f} % of {whose} push names no product", lost=100 * lost / total, whose=whose)
            guards.append(
                Guard("join_health", say("{said}; the finding speaks of the rest only.", said=said))
            )
    return guards
