"""What each client will probably order in the next twelve months, as a table of the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import ibis
import numpy as np

from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics.client_value import (
    Purchases,
    Spend,
    fit_purchases,
    fit_spend,
    likely_range,
    total_ahead,
)

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import Table

    from alignment_toolkit.company import Company

__all__ = ["Outlook", "look_ahead", "sampled"]

HORIZON: Final = 365.0
NEEDS: Final = ("recency", "tenure", "order_days", "order_size")
FITTED_ON: Final = 20_000
# Above this many clients, days are put together to weeks: the answer moves by less than its interval.
MANY: Final = 50_000


def sampled(company: Company, t: Table, most: int) -> pd.DataFrame:
    """Give at most so many accounts, the same ones whatever the order of the rows, sorted by account_id."""
    count = int(company.fetch(t.aggregate(n=t.count())).n[0])
    if count > most:
        t = t.order_by([t.account_id.hexdigest("md5"), t.account_id]).limit(most)
    return company.fetch(t).sort_values("account_id", kind="stable").reset_index(drop=True)


@dataclass(frozen=True)
class Outlook:
    """Clients with the probability that they are alive and what to expect of them in 365 days.

    Attributes
    ----------
    purchases, spend
        The models.
    unit
        Days in one unit of the models' time.
    reason
        Why there is none.
    """

    purchases: Purchases
    spend: Spend
    unit: int
    reason: str | None

    def history(self, t: Table) -> Table:
        """Add what the models need: repeats, last, observed in units of time."""
        return t.mutate(
            repeats=t.order_days - 1,
            last=((t.tenure - t.recency) / self.unit).floor(),
            observed=(t.tenure / self.unit).floor() + (1.0 if self.unit == 1 else 0.5),
        )

    def add(self, company: Company, t: Table) -> Table:
        """Add alive and expected_value to a table of accounts; empty for who is no client."""
        kept = list(t.columns)
        if self.reason:
            return t.mutate(alive=ibis.null("float64"), expected_value=ibis.null("float64"))
        t = self.history(t)
        clients = t.filter(t.order_days >= 1)
        alike = company.fetch(clients.select("repeats", "last", "observed").distinct())
        alike = alike.sort_values(["repeats", "last", "observed"]).reset_index(drop=True)
        who = (alike.repeats, alike["last"], alike.observed)
        orders = self.purchases.expected(*who, HORIZON / self.unit)
        known = ibis.memtable(
            alike.rename(columns={"repeats": "_x", "last": "_l", "observed": "_o"}).assign(
                alive=self.purchases.alive(*who), _orders=orders
            )
        )
        p, q, v = (float(n or 0) for n in (self.spend.p, self.spend.q, self.spend.v))
        t = t.left_join(known, (t.repeats == known._x) & (t["last"] == known._l) & (t.observed == known._o))
        size = p * (v + t.order_days * t.order_size) / (p * t.order_days + q - 1)
        return t.select(*kept, "alive", expected_value=t._orders * size)

    def total(self, company: Company, t: Table, by: str) -> dict[Any, Estimate]:
        """Give what the clients of each group will bring in 365 days."""
        if self.reason:
            return {}
        t = self.history(t)
        t = t.filter(t.order_days >= 1)
        rows = company.fetch(
            t.group_by([by, "repeats", "last", "observed"]).aggregate(n=t.count(), mean=t.order_size.mean())
        ).sort_values([by, "repeats", "last", "observed"])
        out = {}
        for name, own in rows.groupby(by, sort=True, dropna=False):
            out[name] = total_ahead(
                self.purchases, own.repeats, own["last"], own.observed, horizon=HORIZON / self.unit,
                spend=self.spend, mean=own["mean"], counts=own.n, unit="money",
            )  # fmt: skip
        return out

    def ranges(self, rows: pd.DataFrame) -> tuple[Any, Any]:
        """Give the range within which each of a few clients' orders will lie, 19 times in 20."""
        x = rows.order_days.to_numpy(float) - 1
        last = np.floor((rows.tenure - rows.recency).to_numpy(float) / self.unit)
        seen = np.floor(rows.tenure.to_numpy(float) / self.unit) + (1.0 if self.unit == 1 else 0.5)
        return likely_range(
            self.purchases, x, last, seen, horizon=HORIZON / self.unit, spend=self.spend,
            mean=rows.order_size.to_numpy(float), seed="plays",
        )  # fmt: skip


def look_ahead(company: Company, t: Table) -> Outlook:
    """Fit the models to the clients of a table of features."""
    nothing = Purchases(None, None, None, None, None, 0, "no orders by account are known")
    none = Spend(None, None, None, None, 0, "no orders by account are known")
    if not set(NEEDS) <= set(t.columns):
        return Outlook(nothing, none, 1, nothing.problem)
    clients = t.filter(t.order_days >= 1, t.order_size > 0).select("account_id", *NEEDS)
    count = int(company.fetch(clients.aggregate(n=clients.count())).n[0])
    blank = Outlook(nothing, none, 7 if count > MANY else 1, None)
    rows = sampled(company, blank.history(clients), FITTED_ON)
    purchases = fit_purchases(rows.repeats, rows["last"], rows.observed)
    spend = fit_spend(rows.order_days, rows.order_size)
    problem = purchases.problem or spend.problem
    if problem is None and spend.q is not None and spend.q <= 1:
        problem = "sizes of orders spread too far between clients to have a mean"
    return Outlook(purchases, spend, blank.unit, problem)
