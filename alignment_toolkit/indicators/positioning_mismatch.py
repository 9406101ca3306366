"""Is price argued where benefit is positioned?

**Question.** Of the deals on what marketing positions on benefit, how many were argued on price?

**Gap.** The share of closed opportunities of the last twelve months with `pitch` = `price`, among those whose
campaign or product has `positioning` = `benefit`. Deals without a recorded pitch are left out and counted
(guard `logging`).

**Estimand.** The share in the process that makes the deals. **Interval.** Wilson's, on the effective number
of deals (deals of one account count together). **Margin.** 0.20: one deal in five may be about price whatever
the positioning, because the client makes it so. **Minimum.** 50 deals.

**Worked example.** Six closed deals: four on products positioned on benefit, pitched on benefit, benefit,
total cost and price; two on a product positioned on price, both pitched on price. Gap = 1/4 = 25 %.

**When it lies.** Where a rival is in the deal, price comes up by itself: compare deals with and without a
competitor. A pitch on total cost of ownership is a pitch on benefit in money's words and does not count. What
is written down as the pitch may be what won, not what was said first.

**What to do.** Listen to three first talks about the product with the largest share. Is the benefit said in
the client's words, with a number? If not, that is work for both departments.

**Literature.** Anderson, Narus and van Rossum (2006), Customer Value Propositions in Business Markets,
Harvard Business Review 84(3). Gwet (2008), British Journal of Mathematical and Statistical Psychology 61
(AC1).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from alignment_toolkit.indicator import DEAL_ENDS, LEAD_ENDS, Data, Observation, evidence, indicator
from alignment_toolkit.indicator.parts import between, other_way
from alignment_toolkit.languages import noted, say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Chart, Column, Guard, Measure
from alignment_toolkit.statistics import agreement
from alignment_toolkit.statistics.between import Compared, compared
from alignment_toolkit.statistics.shares import clustered_share, e_value, newcombe, wilson
from alignment_toolkit.statistics.simpson import crude_and_adjusted

DEALS = ("opportunity_id", "closed_at", "outcome", "pitch")
RIVALRY = {
    "with_rival": noted("Argued on price in deals with a rival"),
    "without_rival": noted("Argued on price in deals without a rival"),
}


@indicator(
    question="Is price argued where benefit is positioned?",
    title="What is positioned on benefit is mostly sold on benefit",
    failure_title="Price is often argued where benefit is positioned",
    nature="strategic",
    area="positioning",
    kind="level",
    unit="share",
    margin=0.20,
    enough=50,
    window="trailing-12-months",
    population="deals closed in the last twelve months whose campaign or product is positioned on benefit",
    needs={"opportunities": DEALS},
    any_of=(
        {
            "opportunities": ("product_id", "campaign_id"),
            "products": ("product_id", "positioning"),
            "campaigns": ("campaign_id", "positioning"),
        },
        {"opportunities": ("product_id",), "products": ("product_id", "positioning")},
        {"opportunities": ("campaign_id",), "campaigns": ("campaign_id", "positioning")},
    ),
    uses={
        "opportunities": (
            "account_id",
            "owner",
            "competitor",
            "amount",
            "list_amount",
            "product_id",
            "campaign_id",
        ),
        "products": ("product_id", "positioning", "name"),
        "campaigns": ("campaign_id", "positioning", "offer"),
    },
    looked_up=("products", "campaigns"),
    outcomes={"opportunities": ("pitch", *DEAL_ENDS), "leads": LEAD_ENDS},
    says="Of {n} deals on offers that are positioned on benefit, {gap} were argued on price.",
    advice=(
        "Take the product with the largest share and listen to three first talks together: is the benefit said in the "
        "client's words, with a number? Write the argument down once, and use it in both departments."
    ),
    innocent={
        "marketing": "Marketing may have positioned the product for clients other than those who are buying now.",
        "sales": "Clients may have asked for the price first, and a rival in the deal leaves little choice.",
    },
)
def positioning_mismatch(data: Data, window: Period) -> Observation:
    """A benefit that is advertised and not sold may be paid for twice: once for the campaign, once in discount.

    Clients who hear about benefit from one side and about price from the other are likely to remember the price.
    """
    closed = _closed(data, window)
    known = closed[closed.pitch.notna().astype(bool)].reset_index(drop=True)
    benefit = known[known.benefit.astype(bool)].reset_index(drop=True)
    on_price = (benefit.pitch == "price").astype(float)
    by = (
        benefit.account_id.fillna(benefit.opportunity_id)
        if "account_id" in benefit
        else benefit.opportunity_id
    )
    sums = pd.DataFrame({"by": by, "price": on_price, "n": 1.0}).groupby("by")[["price", "n"]].sum()
    gap = clustered_share(sums.price.to_numpy(), sums.n.to_numpy(), n_unit="deals", cluster_unit="accounts")
    shown = benefit[benefit.pitch == "price"].sort_values(
        ["closed_at", "opportunity_id"], ascending=[False, True]
    )
    columns = [
        Column("opportunity_id", say("Deal"), None, "id"),
        Column("closed_at", say("Closed"), None, "time"),
        Column("offer_name", say("Product or campaign"), None, "dimension"),
        Column("outcome", say("Outcome"), None, "dimension"),
    ]
    if "competitor" in shown.columns:
        columns.append(Column("competitor", say("Rival in the deal"), None, "dimension"))
    wins = _wins(benefit, on_price.astype(bool))
    measures = _measures(known, benefit, on_price.astype(bool), wins)
    better = next(((m.value, m.low) for m in measures if m.name == "wins"), (None, None))
    whole = say("In being won, deals argued on price and the others")
    said = say("Deals argued on price were won more often than the others, of the same product")
    return Observation(
        gap=gap,
        counts={"deals": len(benefit)},
        measures=measures,
        guards=[
            *_guards(closed, benefit, on_price.astype(bool)),
            *(between(wins, whole) if wins else []),
            *other_way(*better, said),
        ],
        evidence=evidence(shown, columns),
        chart=_chart(benefit, data.margin),
    )


def _closed(data: Data, window: Period) -> pd.DataFrame:
    """Give the closed deals whose positioning is known: pitch, and whether campaign or product stands for benefit."""
    t = data["opportunities"]
    t = t.filter(
        t.closed_at >= str(window.start), t.closed_at < str(window.end), t.outcome.isin(["won", "lost"])
    )
    for link, key, also in (("products", "product_id", "name"), ("campaigns", "campaign_id", "offer")):
        if not data.has(link, key, "positioning") or key not in t.columns:
            continue
        other = data[link]
        side = {f"{link}_key": other[key], f"{link}_positioning": other.positioning}
        if also in other.columns:
            side[f"{link}_{also}"] = other[also]
        side_table = other.select(**side)
        t = t.left_join(side_table, t[key] == side_table[f"{link}_key"]).drop(f"{link}_key")
    for column in ("amount", "list_amount"):
        if column in t.columns:
            t = t.mutate(**{column: t[column].cast("float64")})
    rows = data.fetch(t.order_by("opportunity_id"))
    positions = [c for c in ("products_positioning", "campaigns_positioning") if c in rows.columns]
    rows = rows.assign(benefit=(rows[positions] == "benefit").any(axis=1).astype(bool))
    names = [c for c in ("products_name", "product_id", "campaign_id") if c in rows.columns]
    offer = pd.Series(None, index=rows.index, dtype=object)
    for name in names:
        offer = offer.where(offer.notna(), rows[name])
    return (
        rows[rows[positions].notna().any(axis=1)]
        .assign(offer_name=offer.astype(object))
        .reset_index(drop=True)
    )


def _wins(benefit: pd.DataFrame, on_price: pd.Series) -> Compared | None:
    """Compare how many were won, argued on price minus the others, of the same product."""
    if on_price.all() or not on_price.any():
        return None
    whose = {"people": "owner", "accounts": "account_id"}
    kinds = {kind: benefit[c] for kind, c in whose.items() if c in benefit.columns}
    won, one = benefit.outcome == "won", np.ones(len(benefit))
    return compared(on_price, won, one, benefit.offer_name.astype(str), n_unit="deals", **kinds)


def _measures(
    known: pd.DataFrame, benefit: pd.DataFrame, on_price: pd.Series, wins: Compared | None
) -> list[Measure]:
    b, p = known.benefit.astype(bool), known.pitch == "price"
    cells = [[int((b & ~p).sum()), int((b & p).sum())], [int((~b & ~p).sum()), int((~b & p).sum())]]
    label = say("Agreement of pitch and positioning beyond chance (Gwet's AC1)")
    found = [Measure.of("ac1", label, agreement.ac1(cells, n_unit="deals"))]
    if "competitor" in benefit.columns:
        rival = benefit.competitor.notna()
        for name, part in (("with_rival", rival), ("without_rival", ~rival)):
            e = wilson(int((on_price & part).sum()), int(part.sum()), n_unit="deals").estimate
            found.append(Measure.of(name, say(RIVALRY[name]), e))
    total = benefit.pitch == "total_cost"
    e = wilson(int(total.sum()), len(benefit), n_unit="deals").estimate
    found.append(Measure.of("total_cost", say("Argued on total cost"), e))
    if wins is not None and not wins.alone:  # else it would be a number of one person
        label = say("Won: argued on price minus the others, same product")
        found.append(Measure.of("wins", label, wins.gap.estimate.in_points()))
    if (
        "campaigns_offer" in benefit.columns
        and "list_amount" in benefit.columns
        and "amount" in benefit.columns
    ):
        special = benefit[benefit.campaigns_offer == "special_offer"]
        cut = (special.list_amount > 0) & (special.amount < 0.98 * special.list_amount)
        e = wilson(int(cut.sum()), int((special.list_amount > 0).sum()), n_unit="deals").estimate
        found.append(
            Measure.of(
                "discount_instead", say("Discount of 2 % and more where a special offer was promised"), e
            )
        )
    return found


def _guards(closed: pd.DataFrame, benefit: pd.DataFrame, on_price: pd.Series) -> list[Guard]:
    guards = []
    own = closed[closed.benefit.astype(bool)]
    silent = int(own.pitch.isna().sum())
    if len(own) and silent / len(own) > 0.2:
        said = say("Of {own:,} deals {silent:,} had no recorded pitch", silent=silent, own=len(own))
        guards.append(Guard("logging", say("{said}; the finding speaks of the rest only.", said=said)))
    if "competitor" not in benefit.columns or benefit.empty:
        return guards
    rival = benefit.competitor.notna()
    won = benefit.outcome == "won"
    strata = benefit.offer_name.astype(str)
    sides = [won[on_price].groupby(strata[on_price]), won[~on_price].groupby(strata[~on_price])]
    tops = pd.DataFrame({i: side.sum() for i, side in enumerate(sides)}).fillna(0)
    rows = pd.DataFrame({i: side.count() for i, side in enumerate(sides)}).fillna(0)
    if len(tops.columns) == 2 and len(tops):
        seen = crude_and_adjusted(tops[0], rows[0], tops[1], rows[1])
        if seen.fires and len(tops) > 1 and seen.crude is not None and abs(seen.crude) > 0.05:
            guards.append(
                Guard(
                    "simpson",
                    say(
                        "Whether price wins more deals looks otherwise within each product than over all of them."
                    ),
                )
            )
    with_, without = int((on_price & rival).sum()), int((on_price & ~rival).sum())
    contrast = newcombe(with_, int(rival.sum()), without, int((~rival).sum()), n_unit="deals").estimate
    if contrast.low is not None and contrast.low > 0.05 and without:
        ratio = (with_ / rival.sum()) / (without / (~rival).sum())
        needed = e_value(float(ratio))
        said = say("Price is argued more often where a rival is in the deal")
        guards.append(
            Guard(
                "confounding",
                say(
                    "{said}: {ratio:.1f} times as often (E-value {needed:.2f}).",
                    said=said,
                    ratio=ratio,
                    needed=needed,
                ),
            )
        )
    return guards


def _chart(benefit: pd.DataFrame, tolerated: float) -> Chart | None:
    if benefit.empty:
        return None
    rows = []
    for name, part in benefit.assign(on=benefit.pitch == "price").groupby(benefit.offer_name.astype(str)):
        e = wilson(int(part.on.sum()), len(part), n_unit="deals").estimate
        rows.append(
            {"product": name, "argued on price": e.value, "low": e.low, "high": e.high, "n": len(part)}
        )
    rows.sort(key=lambda r: (-float(r["argued on price"] or 0), str(r["product"])))
    share = float((benefit.pitch == "price").mean())
    title = say(
        "{share:.0f} % of deals on offers that are positioned on benefit were argued on price",
        share=100 * share,
    )
    return Chart(
        "bars",
        "product",
        "argued on price",
        "low",
        "high",
        rows=tuple(rows[:20]),
        reference=tolerated,
        title=title,
    )
