"""Do both departments want the same price?

**Question.** How far apart are the price levels that marketing and sales have planned for the same products?

**Gap.** The absolute difference between marketing's and sales' planned price level (`plan.measure` = `price`,
1 = the market's level) of each product, averaged with the product's revenue in the period as weight. Where
the plan has several rows for a product and a department, the one for the shortest period that holds the
window counts. Products that only one department has planned are left out. Where no product has revenue, all
weigh the same.

**Estimand.** The difference in the plan itself: there is **no sampling error**, so the interval is the value.
**Margin.** 0.05: five points of price are what a discount round moves. **Minimum.** 5 products.

**Worked example.** Three products, marketing and sales plan A 1.10 and 1.00, B 1.05 and 1.05, C 1.00 and 0.90
(six rows of the plan), with revenue 100, 300 and 100: (100 x 0.10 + 300 x 0 + 100 x 0.10) / 500 = 0.04.

**When it lies.** A plan is what was written down, not what is charged. One department may plan list prices
and the other prices after discount; then they differ by the usual discount and by nothing else.

**What to do.** Agree first on what the number means (list or net), then on the number for the product with
the most revenue among those that differ.

**Literature.** Homburg and Jensen (2007), The Thought Worlds of Marketing and Sales, Journal of Marketing
71(3). Nagle and Müller (2018), The Strategy and Tactics of Pricing, 6th edition.
"""

from __future__ import annotations

import math

import pandas as pd

from alignment_toolkit.indicator import Data, Observation, evidence, indicator
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Chart, Column, Estimate, Guard, Measure, Money
from alignment_toolkit.statistics.inference import Gap

SIDES = ("marketing", "sales")


@indicator(
    question="Do both departments want the same price?",
    title="Marketing and sales want the same price",
    failure_title="Marketing and sales want different prices",
    nature="strategic",
    area="value",
    kind="level",
    unit="ratio",
    margin=0.05,
    told="per cent",
    enough={"products": 5},
    window="period",
    population="products for which both departments have planned a price level",
    needs={"plan": ("dimension", "key", "department", "measure", "value")},
    uses={"plan": ("period",), "products": ("product_id", "name")},
    uses_relations=("sales",),
    timeless=("plan",),
    outcomes={"plan": ("department", "value")},
    says="Over {n} products the planned price levels lie {gap} of the market's price apart, on average.",
    advice=(
        "Say first what the planned price means: list price or price after discount. Then settle the product with the "
        "most revenue among those that differ, and write one number into both plans."
    ),
    innocent={
        "marketing": "Marketing may plan list prices, which stand before any discount.",
        "sales": "Sales may plan what clients pay in the end, which stands after discounts.",
    },
)
def price_ambition(data: Data, window: Period) -> Observation:
    """Who wants a higher price must build the reasons for it; who wants a lower one must sell more.

    Two departments that plan for different prices prepare two different years. Some pull in both directions can be
    healthy, if it ends in one number before the year begins.
    """
    table, weighting, guards = _products(data, window)
    n = len(table)
    # Written prices are decimals: rounding of binary numbers must not carry a gap at the margin over it.
    value = round(float((table.apart * table.weight).sum() / table.weight.sum()), 9) if n else None
    gap = Gap.exact(
        value,
        n=n,
        n_unit="products",
        unit="ratio",
        method=say("no sampling error; {weighting}", weighting=weighting),
    )
    higher = None if not n else float((table.marketing > table.sales + 1e-12).mean())
    measures = []
    if higher is not None:
        told = Estimate(higher, higher, higher, n, "products", "share", say("no sampling error"))
        measures.append(
            Measure.of("marketing_higher", say("Products for which marketing plans the higher price"), told)
        )
        widest = float(table.apart.max())
        told = Estimate(widest, widest, widest, n, "products", "ratio", say("no sampling error"))
        measures.append(
            Measure.of("widest", say("Widest difference of one product (1: the market's price)"), told)
        )
    money = None
    weighs = bool(n) and bool((table.revenue > 0).any())
    if n and value is not None and weighs:
        amount = float((table.apart * table.revenue.clip(lower=0)).sum())
        basis = say(
            "arithmetical: the period's revenue of these products x the difference of the planned price "
            "levels"
        )
        money = Money(amount, amount, amount, data.currency, basis)
    columns = [
        Column("product", say("Product"), None, "dimension"),
        Column("marketing", say("Marketing's planned price"), "ratio", "measure"),
        Column("sales", say("Sales' planned price"), "ratio", "measure"),
    ]
    if weighs:
        columns.append(Column("revenue", say("Revenue of the period"), "money", "measure"))
    return Observation(
        gap=gap,
        counts={"products": n},
        measures=measures,
        money=money,
        guards=guards,
        evidence=evidence(table, columns),
        chart=_chart(table),
    )


def _products(data: Data, window: Period) -> tuple[pd.DataFrame, str, list[Guard]]:
    """Give one row per product that both have planned, how the products are weighed, and what to warn of."""
    t = data["plan"]
    rows = data.fetch(t.filter(t.dimension == "product", t.measure == "price", t.department.isin(SIDES)))
    span = [_span(data, label, window) for label in rows["period"]] if "period" in rows.columns else 0.0
    rows = rows.assign(span=span, value=rows["value"].astype(float))
    rows = rows[rows.span.notna() & rows.value.notna()].sort_values(["department", "key", "span", "value"])
    rows = rows.drop_duplicates(["department", "key"], keep="first")
    wide = rows.pivot(index="key", columns="department", values="value").reindex(columns=list(SIDES)).dropna()
    table = wide.rename_axis(None, axis=1).reset_index().rename(columns={"key": "product_id"})
    table = table.assign(apart=(table.marketing - table.sales).abs(), product=table.product_id, revenue=0.0)
    if data.has("products", "product_id", "name"):
        names = data.fetch(data["products"].select("product_id", "name")).set_index("product_id")["name"]
        table["product"] = [names.get(p) or p for p in table.product_id]
    guards: list[Guard] = []
    weighting = say("all products weigh the same")
    revenue, unrated = _revenue(data, window)
    if unrated:
        guards.append(
            Guard(
                "join_health",
                say("{unrated} has no rate in `rates`: all products weigh the same.", unrated=unrated),
            )
        )
    elif revenue is not None:
        table["revenue"] = [float(revenue.get(p, 0.0)) for p in table.product_id]
        if table.revenue.clip(lower=0).sum() > 0:
            weighting = say("weighted with the period's revenue")
    known = table.revenue.clip(lower=0)
    table["weight"] = known if known.sum() > 0 else 1.0
    order = (table.apart * table.weight).rename("order")
    table = table.assign(order=order).sort_values(["order", "product_id"], ascending=[False, True])
    return table.reset_index(drop=True), weighting, guards


def _revenue(data: Data, window: Period) -> tuple[pd.Series | None, str | None]:
    if not data.has_relation("sales"):
        return None, None
    t = data.relation("sales")
    if "product_id" not in t.columns:
        return None, None
    t = t.filter(t.ordered_at >= str(window.start), t.ordered_at < str(window.end), t.product_id.notnull())
    made = {"revenue": t.amount.sum().cast("float64")}
    if "unrated" in t.columns:
        made["unrated"] = t.unrated.min()
    rows = data.fetch(t.group_by("product_id").aggregate(**made).order_by("product_id"))
    lacking = sorted(rows["unrated"].dropna()) if "unrated" in rows.columns else []
    return rows.set_index("product_id")["revenue"], (str(lacking[0]) if lacking else None)


def _span(data: Data, label: object, window: Period) -> float:
    """Give the length of a plan's period that holds the window (empty: always), else NaN."""
    if not isinstance(label, str) or not label:
        return 1e9
    period = data.period_of(label)
    holds = period.start <= window.start and window.end <= period.end
    return float((period.end - period.start).days) if holds else math.nan


def _chart(table: pd.DataFrame) -> Chart | None:
    if table.empty:
        return None
    rows = [
        {"product": r["product"], "price level": float(r[side]), "department": side}
        for r in table.head(20).to_dict("records")
        for side in SIDES
    ]
    first = table.iloc[0]
    apart = abs(float(first[SIDES[0]]) - float(first[SIDES[1]]))
    title = say(
        "{product} weighs most: its planned price levels lie {apart:.0f} % of the market's price apart",
        product=first["product"],
        apart=100 * apart,
    )
    return Chart(
        "bars", "product", "price level", group="department", rows=tuple(rows), reference=1.0, title=title
    )
