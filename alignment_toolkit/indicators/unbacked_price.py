"""Is the price premium backed by benefit?

**Question.** How far does the own price lie above what the market asks for the same benefit?

**Gap.** Own price over the price that the line of the rivals' offers gives its benefit, minus 1, averaged
over the own offers with the period's revenue as weight. An offer's benefit is the mean rating of each
attribute, weighed by the attribute's importance; the line is the least-squares line of the logarithm of the
price on benefit over the rivals' offers of the same category, without the own offers. Positive: more is asked
than the benefit backs; negative: benefit is given away.

**Estimand.** The premium at the benefit that all clients of the kind asked would state. **Interval.** Raters
are drawn again, and the line's own uncertainty is added, on the logarithm (see docs: statistics,
`price_line`). **Margin.** 0.10 either way: a price list cannot be finer than that. **Minimum.** 4 rivals'
offers in a category and 30 raters.

**Worked example.** Five offers and six ratings, one attribute: rivals at 80, 100, 125 and 156.25 are rated 4,
5, 6 and 7 (each point of benefit costs a quarter more); the own offer at 150 is rated 6 twice. The line asks
125 for a 6, and the gap is 150 / 125 - 1 = 0.20.

**When it lies.** A line through four offers is a rough line. Raters who are clients already like what they
bought (guard `confounding`). List prices are compared although everybody grants discounts.

**What to do.** Positive: show the benefit that clients do not see, or let the price go. Negative: try a
higher price with the next new clients.

**Literature.** Gale (1994), Managing Customer Value. Leszinski and Marn (1997), Setting Value, Not Price,
McKinsey Quarterly 1. Satterthwaite (1946), Biometrics Bulletin 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from alignment_toolkit.indicator import Data, Observation, evidence, indicator
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Chart, Column, Estimate, Guard, Measure, Money
from alignment_toolkit.statistics.inference import Gap
from alignment_toolkit.statistics.price_line import Market, Premium, price_premium


@indicator(
    question="Is the price premium backed by benefit?",
    title="The price is what the benefit asks",
    failure_title="Price and benefit do not fit together",
    nature="strategic",
    area="value",
    kind="contrast",
    direction="both",
    unit="ratio",
    margin=0.10,
    told="per cent",
    enough={"rivals' offers in a category": 4, "raters": 30},
    window="history",
    population="offers that clients have rated, compared within their category",
    needs={"value_ratings": ("offer", "attribute", "rating", "owner", "price")},
    any_of=(
        {"value_ratings": ("rater_id",)},
        {"value_ratings": ("account_id",)},
    ),
    uses={"value_ratings": ("importance", "kind", "category", "product_id", "rated_on", "account_id")},
    uses_relations=("sales", "clients"),
    timeless=("value_ratings",),
    outcomes={"value_ratings": ("owner", "offer", "rating", "price")},
    says="The own price differs by {gap} from what rivals ask for the same benefit (below 0: it is cheaper).",
    advice=(
        "Where the price lies above the line: name the benefit that clients do not see, and prove it, before the price "
        "goes. Where it lies below: ask more of the next new clients and watch who still buys."
    ),
    innocent={
        "marketing": "Clients may rate what they know; a benefit that is new needs time to be seen.",
        "sales": "Rivals' prices are list prices here; what is paid in the end may lie closer together.",
    },
)
def unbacked_price(data: Data, window: Period) -> Observation:
    """A price holds where clients see what they get for it.

    Above the line every deal becomes a talk about discount; below it benefit is given away. Either way marketing and
    sales may tell different stories about the same offer.
    """
    rows, lacking = _ratings(data, window)
    revenue, unrated = _revenue(data)
    categories = _categories(rows, revenue, set(rows.rater))
    found = price_premium([c.market for c in categories], seed=data.seed)
    table = _table(categories, found)
    rivals = [int((~c.market.own).sum()) for c in categories]
    counts = {"rivals' offers in a category": min(rivals, default=0), "raters": int(rows.rater.nunique())}
    columns = [
        Column("offer", say("Offer"), None, "dimension"),
        Column("owner", say("Offered by"), None, "dimension"),
        Column("category", say("Category"), None, "dimension"),
        Column("benefit", say("Benefit, as rated (1 to 10)"), "index", "measure"),
        Column("price", say("Price"), "money", "measure"),
        Column("line", say("Price on the rivals' line"), "money", "measure"),
        Column("premium", say("Premium"), "ratio", "measure"),
    ]
    return Observation(
        gap=found.gap,
        counts=counts,
        measures=_kinds(rows, categories),
        money=_money(data, categories, found.gap.estimate),
        guards=[*_guards(data, rows, rivals), *_unweighed(unrated)],
        evidence=evidence(table, columns),
        chart=_chart(table, found.gap.estimate),
        withheld=say("prices in {lacking} have no rate in `rates`: they cannot be compared", lacking=lacking)
        if lacking
        else None,
    )


def _unweighed(unrated: str | None) -> list[Guard]:
    if not unrated:
        return []
    said = say("{unrated} has no rate in `rates`: all products weigh the same.", unrated=unrated)
    return [Guard("join_health", said)]


@dataclass(frozen=True)
class _Category:
    name: str
    offers: tuple[str, ...]
    owners: tuple[str, ...]
    revenue: Any
    market: Market


def _ratings(data: Data, window: Period) -> tuple[pd.DataFrame, str | None]:
    """Give the ratings of each rater, offer and attribute, summed, and the first price that has no rate."""
    t = data.money("value_ratings")
    if "rated_on" in t.columns:
        t = t.filter(t.rated_on.isnull() | (t.rated_on < str(window.end)))
    t = t.filter(t.rating.notnull(), t.price > 0, t.owner.notnull())
    rater = "rater_id" if "rater_id" in t.columns else "account_id"
    more = {
        c: t[c].cast("string") for c in ("category", "product_id", "kind", "account_id") if c in t.columns
    }
    t = t.filter(t[rater].notnull())
    lacking = data.unrated(t)
    t = t.select(
        "offer", "attribute", "owner", **more, rater=t[rater], rating=t.rating.cast("float64"),
        price=t.price.cast("float64"),
        importance=t.importance.cast("float64") if "importance" in t.columns else t.rating.cast("float64") * 0 + 1,
    )  # fmt: skip
    keys = ["offer", "attribute", "owner", *more, "rater"]
    rows = data.fetch(
        t.group_by(keys)
        .aggregate(
            total=t.rating.sum(),
            n=t.count(),
            price=t.price.mean(),
            importance=t.importance.fill_null(1.0).mean(),
        )
        .order_by(keys)
    )
    own = rows.owner.str.strip().str.lower() == "own"
    category = rows["category"].fillna("") if "category" in rows.columns else ""
    return rows.assign(own=own.astype(bool), category=category), lacking


def _revenue(data: Data) -> tuple[dict[str, float], str | None]:
    """Give the period's revenue of each product, unless an amount has no rate: then its currency and day."""
    if not data.has_relation("sales"):
        return {}, None
    t = data.relation("sales")
    if "product_id" not in t.columns:
        return {}, None
    t = t.filter(
        t.ordered_at >= str(data.period.start), t.ordered_at < str(data.period.end), t.product_id.notnull()
    )
    if unrated := data.unrated(t):
        return {}, unrated
    sums = data.fetch(t.group_by("product_id").aggregate(revenue=t.amount.sum().cast("float64")))
    return {str(p): max(float(r), 0.0) for p, r in zip(sums.product_id, sums.revenue, strict=True)}, None


def _categories(rows: pd.DataFrame, revenue: dict[str, float], raters: set[str]) -> list[_Category]:
    """Give the categories in which own offers can be compared with at least 4 rivals' offers, else the fullest."""
    people = {r: i for i, r in enumerate(sorted(raters))}
    found = []
    for name, part in rows.groupby("category", sort=True):
        offers = part.groupby("offer", sort=True).agg(
            own=("own", "max"), owner=("owner", "first"), price=("price", "median")
        )
        if not offers.own.any() or offers.own.all():
            continue
        attributes = part.groupby("attribute", sort=True).importance.mean()
        where = (
            part.rater.map(people).to_numpy(),
            offers.index.get_indexer(pd.Index(part.offer)),
            attributes.index.get_indexer(pd.Index(part.attribute)),
        )
        shape = (len(people), len(offers), len(attributes))
        totals, counts = np.zeros(shape), np.zeros(shape)
        np.add.at(totals, where, part.total.to_numpy(dtype=float))
        np.add.at(counts, where, part.n.to_numpy(dtype=float))
        products = (
            part.groupby("offer", sort=True).product_id.first() if "product_id" in part.columns else None
        )
        sold = np.array(
            [revenue.get(str(products[o]), 0.0) if products is not None else 0.0 for o in offers.index]
        )
        sold = np.where(offers.own, sold, 0.0)
        weights = sold if sold.sum() > 0 else offers.own.to_numpy(dtype=float)
        market = Market(
            offers.price.to_numpy(), offers.own.to_numpy(), weights, totals, counts, attributes.to_numpy()
        )
        found.append(_Category(str(name), tuple(offers.index), tuple(offers.owner), sold, market))
    if any(c.revenue.sum() > 0 for c in found):  # weighted by revenue: what is not sold weighs nothing
        found = [c for c in found if c.revenue.sum() > 0]
    enough = [c for c in found if (~c.market.own).sum() >= 4]
    return enough or sorted(found, key=lambda c: (-int((~c.market.own).sum()), c.name))[:1]


def _table(categories: list[_Category], found: Premium) -> pd.DataFrame:
    made = []
    for category, benefits, line in zip(categories, found.benefits, found.on_line, strict=False):
        for i, offer in enumerate(category.offers):
            price = float(category.market.prices[i])
            made.append({
                "offer": offer, "owner": category.owners[i], "category": category.name, "benefit": benefits[i],
                "price": price, "line": line[i], "premium": price / line[i] - 1, "own": bool(category.market.own[i]),
            })  # fmt: skip
    names = ["offer", "owner", "category", "benefit", "price", "line", "premium", "own"]
    table = pd.DataFrame(made, columns=names)
    return table.sort_values(["own", "category", "offer"], ascending=[False, True, True])


def _kinds(rows: pd.DataFrame, categories: list[_Category]) -> list[Measure]:
    """Compare own and rivals' ratings, rational and emotional attributes apart; raters are what repeats."""
    if "kind" not in rows.columns:
        return []
    found = []
    used = rows[rows.category.isin([c.name for c in categories])]
    for kind in ("rational", "emotional"):
        part = used[used.kind == kind]
        sums = part.groupby(["rater", "own"])[["total", "n"]].sum().unstack("own")
        if part.empty or sums.shape[1] < 4:
            continue
        each = (sums["total"][True] / sums["n"][True] - sums["total"][False] / sums["n"][False]).dropna()
        words = say("mean of the raters' own differences, Student's interval")
        error = float(each.std(ddof=1)) / len(each) ** 0.5 if len(each) > 1 else None
        mean = float(each.mean()) if len(each) else None
        e = Gap.normal(
            mean, error, n=len(each), n_unit="raters", unit="index", method=words, df=max(len(each) - 1, 1)
        ).estimate
        found.append(
            Measure.of(kind, say("Own rating minus rivals', {kind} attributes (of 10)", kind=kind), e)
        )
    return found


def _money(data: Data, categories: list[_Category], e: Estimate) -> Money | None:
    sold = float(sum(c.revenue.sum() for c in categories))
    if not sold or e.value is None or e.low is None or e.high is None:
        return None
    ends = [sold * v / (1 + v) for v in (e.value, e.low, e.high)]
    basis = say(
        "arithmetical: the period's revenue of the rated own offers above (below 0: under) the line's price"
    )
    return Money(ends[0], ends[1], ends[2], data.currency, basis)


def _guards(data: Data, rows: pd.DataFrame, rivals: list[int]) -> list[Guard]:
    guards = []
    if rivals and min(rivals) < 6:
        said = say("The line stands on {rivals} rivals' offers in a category", rivals=min(rivals))
        guards.append(Guard("small_cells", say("{said}: one offer more could turn it.", said=said)))
    if "account_id" in rows.columns and data.has_relation("clients"):
        clients = set(
            data.fetch(data.relation("clients").select("account_id").distinct()).account_id.dropna()
        )
        asked = set(rows.account_id.dropna())
        if asked and len(asked & clients) > 0.8 * len(asked):
            said = say(
                "Of {asked:,} accounts that rated {clients:,} were clients",
                clients=len(asked & clients),
                asked=len(asked),
            )
            guards.append(
                Guard("confounding", say("{said}: people tend to like what they have bought.", said=said))
            )
    return guards


def _chart(table: pd.DataFrame, e: Estimate) -> Chart | None:
    if table.empty or e.value is None:
        return None
    rows = tuple(
        {"benefit": r["benefit"], "price": r["price"], "offer": "own" if r["own"] else "rivals"}
        for r in table.to_dict("records")
    )
    words = {"value": 100 * abs(e.value)}
    title = (
        say("The own price lies {value:.0f} % above what rivals ask for the same benefit", **words)
        if e.value >= 0
        else say("The own price lies {value:.0f} % below what rivals ask for the same benefit", **words)
    )
    return Chart("scatter", "benefit", "price", group="offer", rows=rows, title=title)
