"""Who the best clients are, who is slipping, who has gone.

**What it does.** Clients are put into fifths by recency, by days with an order and by revenue of the last year; the
fifths have fixed names. Cut points are printed. No statistics are needed, and none are claimed.

**When it lies.** A fifth of the clients is always "best", in a bad year too. Where half of the clients ordered once,
the fifths of frequency are not fifths: equal values stay together.

**Literature.** Hughes (2005), Strategic Database Marketing.
"""

from __future__ import annotations

from typing import Any

import ibis

from alignment_toolkit.languages import noted, say
from alignment_toolkit.segmentation import Accounts, Placing, Segmentation

CUTS = (0.2, 0.4, 0.6, 0.8)
COLUMNS = ("recency", "order_days", "money")
LABELS = {
    "champions": noted("Champions: lately, often and much"),
    "loyal": noted("Loyal: often, not long ago"),
    "new": noted("New: first order lately"),
    "promising": noted("Promising: ordered lately, few orders so far"),
    "attention": noted("Need attention: middling, longer silent"),
    "at_risk": noted("At risk: good clients, silent for long"),
    "lapsed": noted("Lapsed: few orders, silent for long"),
}


def fit(accounts: Accounts) -> Placing:
    """Read the cut points, in the engine, and write the rule."""
    t = accounts.table
    t = t.filter(t.order_days >= 1)
    asked = {f"{c}_{i}": t[c].quantile(q) for c in COLUMNS for i, q in enumerate(CUTS)}
    found = accounts.fetch(t.aggregate(n=t.count(), **asked))
    if not int(found.n[0]):
        return Placing(lambda t: ibis.null("string"), {}, say("there are no clients"))
    cuts = {c: [float(found[f"{c}_{i}"][0]) for i in range(len(CUTS))] for c in COLUMNS}

    def fifth(t: Any, c: str) -> Any:
        score: Any = ibis.literal(1)
        for cut in cuts[c]:
            score = score + (t[c] > cut).cast("int8")
        return score

    def place(t: Any) -> Any:
        r, f, m = 6 - fifth(t, "recency"), fifth(t, "order_days"), fifth(t, "money")
        return ibis.cases(
            ((r >= 4) & (f >= 4) & (m >= 4), "champions"),
            ((r >= 3) & (f >= 4), "loyal"),
            ((r >= 4) & (t.order_days <= 1), "new"),
            (r >= 4, "promising"),
            ((r <= 2) & ((f >= 4) | (m >= 4)), "at_risk"),
            (r <= 2, "lapsed"),
            else_="attention",
        )

    return Placing(place, LABELS, None, {}, {"cut_points": cuts, "quantiles": list(CUTS)})


value = Segmentation(
    id="value",
    title="Value",
    question="Who are the best clients, who is slipping, who has gone?",
    about="Fixed names from fifths of recency, days with an order and revenue of the last year; clients only.",
    features=COLUMNS,
    needs=COLUMNS,
    fit=fit,
)
