"""Where more is to be had: high or low potential, large or small share of it so far.

**What it does.** Potential of a client is what the model of repeat orders expects of it in the next 365 days; high from
the median of clients on. Potential of an account without orders is its probability of becoming a client within a year,
from a logistic regression on what was known a year ago; high for the upper three tenths. Our share of a client is its
revenue of the last year over what the best tenth of clients of its size buys; large from one half on.

**When it lies.** What a client buys from others is not in the data: "our share" measures against clients like it, not
against its purse. The model's quality (AUC, Brier score, calibration) is printed; where it tells no better than a coin,
accounts without orders get no potential.
"""

from __future__ import annotations

from typing import Any

import ibis

from alignment_toolkit.languages import noted, say
from alignment_toolkit.segmentation import Accounts, Placing, Segmentation, potential_of

LABELS = {
    "high_small": noted("High potential, small share"),
    "high_large": noted("High potential, large share"),
    "low_small": noted("Low potential, small share"),
    "low_large": noted("Low potential, large share"),
}


def fit(accounts: Accounts) -> Placing:
    """Read the cut points, fit the model, write the rule."""
    t = accounts.table
    clients = t.filter(t.order_days >= 1)
    by = ["size"] if "size" in t.columns else []
    grouped = clients.group_by(by) if by else clients
    found = accounts.fetch(grouped.aggregate(n=clients.count(), best=clients.money.quantile(0.9)))
    # The engine gives groups in any order; what is told of them has one.
    found = found.sort_values(by) if by else found
    middle = accounts.fetch(clients.aggregate(n=clients.count(), v=clients.expected_value.quantile(0.5)))
    if not int(middle.n[0]) or middle.v.isna()[0]:
        return Placing(
            lambda t: ibis.null("string"), {}, accounts.outlook.reason or say("there are no clients")
        )
    cut = float(middle.v[0])
    model = potential_of(accounts)
    # A tenth of a handful is nobody: small strata are measured against all clients.
    enough = found[(found.n >= 20) & (found.best > 0)]
    whole = accounts.fetch(clients.aggregate(best=clients.money.quantile(0.9))).best[0]
    marks = [
        (str(r["size"]), float(r["best"])) for r in enough.to_dict("records") if by and r["size"] is not None
    ]

    def place(t: Any) -> Any:
        mark: Any = ibis.literal(float(whole))
        if marks:
            mark = ibis.cases(*[(t["size"].cast("string") == s, b) for s, b in marks], else_=float(whole))
        client = (t.order_days >= 1).fill_null(False)
        large = (client & (t.money >= mark / 2)).fill_null(False)
        p = model.column(t)
        high = ibis.ifelse(client, t.expected_value >= cut, p >= model.cut)
        known = client | p.notnull()
        segment = ibis.cases(
            (high & large, "high_large"), (high, "high_small"), (large, "low_large"), else_="low_small"
        )
        return ibis.ifelse(known, segment, ibis.null("string"))

    about = {
        "expected_value_from": cut,
        "revenue_of_the_best_tenth": float(whole),
        "by_size": dict(marks),
        "model": {"auc": model.auc, "brier": model.brier, "calibration": model.calibration, "reason": model.reason,
                  "features": [s.id if s.value is None else f"{s.id} {s.value}" for s in model.scales],
                  "left_out": dict(model.left_out)},
    }  # fmt: skip
    return Placing(place, LABELS, None, {}, about)


potential = Segmentation(
    id="potential",
    title="Potential",
    question="Where is more to be had?",
    about="High or low potential, large or small share of it so far; accounts without orders by a model.",
    features=("expected_value", "money"),
    needs=("order_days", "expected_value", "money"),
    fit=fit,
    clients=False,
)
