"""What both departments think of an account: who should be pursued, in whose eyes."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

import ibis

from alignment_toolkit.languages import say
from alignment_toolkit.relations.source import day

if TYPE_CHECKING:
    from ibis.expr.types import Table

    from alignment_toolkit.company import Company

__all__ = ["SIDES", "latest_views", "target_grid"]

SIDES: Final = ("marketing", "sales")
HIGH: Final = 50


def latest_views(company: Company, end: date) -> dict[str, Table] | None:
    """Give each department's latest view of each account before a day; None where no views are recorded.

    A view is whether the account should be pursued (`target`) or, where that is not said, whether its potential is 50
    or more. Of each department a table of `_who` and a boolean column that is called like it.
    """
    if not company.has("assessments", "account_id", "department", "assessed_at"):
        return None
    a = company["assessments"]
    view: Any = ibis.null("boolean")
    if "target" in a.columns:
        view = a.target
    if "potential" in a.columns:
        view = ibis.coalesce(view, a.potential >= HIGH)
    a = a.mutate(hopeful=view)
    a = a.filter(day(a.assessed_at) < ibis.literal(end), a.hopeful.notnull(), a.account_id.notnull())
    # Of two views of one moment the hopeful one counts, whatever the order of the rows.
    rank = ibis.row_number().over(
        group_by=["account_id", "department"], order_by=[a.assessed_at.desc(), a.hopeful.desc()]
    )
    a = a.mutate(_rank=rank)
    a = a.filter(a._rank == 0)
    return {d: a.filter(a.department == d).select(_who="account_id", **{d: "hopeful"}) for d in SIDES}


def target_grid(company: Company, t: Table, end: date) -> dict[str, Any] | None:
    """Count accounts by marketing's and sales' latest view of them; None where neither has one.

    Parameters
    ----------
    company
        The company.
    t
        Its accounts, with money where known.
    end
        The first day that is not known.
    """
    sides = latest_views(company, end)
    if sides is None:
        return None
    t = t.select("account_id", money=t.money.fill_null(0.0))
    for d, side in sides.items():
        t = t.left_join(side, t.account_id == side._who).drop("_who")
        t = t.mutate(**{d: ibis.cases((t[d], "target"), (~t[d], "not a target"), else_="no view")})
    rows = company.fetch(t.group_by(list(SIDES)).aggregate(accounts=t.count(), revenue=t.money.sum()))
    if not (rows[list(SIDES)] != "no view").any().any():
        return None
    return {
        "about": say("The latest view of either department: should the account be pursued?"),
        "views": ["target", "not a target", "no view"],
        "rows": [
            {"marketing": r["marketing"], "sales": r["sales"], "accounts": int(r["accounts"]),
             "revenue": round(float(r["revenue"]), 6)}
            for r in rows.sort_values(list(SIDES)).to_dict("records")
        ],
    }  # fmt: skip
