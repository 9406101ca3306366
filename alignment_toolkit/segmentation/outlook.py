"""What each client will probably order in the next twelve months, as a table of the engine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import ibis
import numpy as np
import pandas as pd

from alignment_toolkit.languages import say
from alignment_toolkit.results import Estimate
from alignment_toolkit.statistics.client_ahead import likely_range
from alignment_toolkit.statistics.client_groups import (
    Shared,
    share_purchases,
    share_spend,
    total_of_segments,
)
from alignment_toolkit.statistics.client_value import Purchases, Spend
from alignment_toolkit.statistics.inference import quantile

if TYPE_CHECKING:
    from ibis.expr.types import Table

    from alignment_toolkit.company import Company

__all__ = ["Outlook", "look_ahead", "sampled"]

HORIZON: Final = 365.0
NEEDS: Final = ("recency", "tenure", "order_days", "order_size")
FITTED_ON: Final = 20_000
# Above this many clients, days are put together to weeks: the answer moves by less than its interval.
MANY: Final = 50_000
# More given segments than this are no segments: the largest have models of their own.
SEGMENTS: Final = 20


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
        The models: of each given segment (accounts.segment) where there are any, and of all clients.
    unit
        Days in one unit of the models' time.
    reason
        Why there is none.
    off
        How far off totals were on the company's own past, as a share, beyond chance and parameters: what the model
        leaves out. Intervals of totals hold it.
    """

    purchases: Shared[Purchases]
    spend: Shared[Spend]
    unit: int
    reason: str | None
    off: float = 0.0

    def history(self, t: Table) -> Table:
        """Add what the models need: the segment, repeats, last, observed in units of time."""
        return t.mutate(
            kind=self._kind(t),
            repeats=t.order_days - 1,
            last=((t.tenure - t.recency) / self.unit).floor(),
            observed=(t.tenure / self.unit).floor() + (1.0 if self.unit == 1 else 0.5),
        )

    def _kind(self, t: Table) -> Any:
        """Name the model of each account; empty for the model of all clients."""
        known = sorted(self.purchases.own)
        if not known or "segment" not in t.columns:
            return ibis.literal("")
        name = t.segment.cast("string").fill_null("")
        return ibis.ifelse(name.isin(known), name, "")

    def add(self, company: Company, t: Table) -> Table:
        """Add alive and expected_value to a table of accounts; empty for who is no client."""
        kept = list(t.columns)
        if self.reason:
            return t.mutate(alive=ibis.null("float64"), expected_value=ibis.null("float64"))
        t = self.history(t)
        clients = t.filter(t.order_days >= 1)
        columns = ["kind", "repeats", "last", "observed"]
        alike = company.fetch(clients.select(*columns).distinct()).sort_values(columns).reset_index(drop=True)
        told = []
        for kind, own in alike.groupby("kind", sort=True):
            purchases, spend = self.purchases.of(str(kind)), self.spend.of(str(kind))
            who = (own.repeats, own["last"], own.observed)
            told.append(
                own.assign(
                    alive=purchases.alive(*who), _orders=purchases.expected(*who, HORIZON / self.unit),
                    _p=float(spend.p or 0), _q=float(spend.q or 0), _v=float(spend.v or 0),
                )
            )  # fmt: skip
        if not told:
            return t.select(*kept).mutate(alive=ibis.null("float64"), expected_value=ibis.null("float64"))
        known = ibis.memtable(pd.concat(told).rename(columns={c: f"_{c}" for c in columns}))
        t = t.left_join(known, [t[c] == known[f"_{c}"] for c in columns])
        size = t._p * (t._v + t.order_days * t.order_size) / (t._p * t.order_days + t._q - 1)
        return t.select(*kept, "alive", expected_value=t._orders * size)

    def total(self, company: Company, t: Table, by: str, days: float = HORIZON) -> dict[Any, Estimate]:
        """Give what the clients of each group will bring in so many days."""
        if self.reason:
            return {}
        t = self.history(t)
        t = t.filter(t.order_days >= 1)
        columns = [by, "kind", "repeats", "last", "observed"]
        rows = company.fetch(
            t.group_by(columns).aggregate(n=t.count(), mean=t.order_size.mean())
        ).sort_values(columns)
        out = {}
        for name, own in rows.groupby(by, sort=True, dropna=False):
            found = total_of_segments(
                self.purchases, own.kind, own.repeats, own["last"], own.observed, horizon=days / self.unit,
                spend=self.spend, mean=own["mean"], sized=own.repeats + 1, counts=own.n, unit="money",
            )  # fmt: skip
            out[name] = self._widened(found)
        return out

    def _widened(self, e: Estimate) -> Estimate:
        if not self.off or e.value is None or e.high is None:
            return e
        half = float(np.hypot(e.high - e.value, quantile() * self.off * e.value))
        return replace(
            e, low=max(e.value - half, 0.0), high=e.value + half,
            method=say("{method}, and the error on the company's own past", method=e.method),
        )  # fmt: skip

    def ranges(self, rows: pd.DataFrame) -> tuple[Any, Any]:
        """Give the range within which each of a few clients' orders will lie, 19 times in 20."""
        x = rows.order_days.to_numpy(float) - 1
        last = np.floor((rows.tenure - rows.recency).to_numpy(float) / self.unit)
        seen = np.floor(rows.tenure.to_numpy(float) / self.unit) + (1.0 if self.unit == 1 else 0.5)
        mean = rows.order_size.to_numpy(float)
        kind = np.full(len(rows), "", dtype=object)
        if self.purchases.own and "segment" in rows.columns:
            kind = np.array(
                [str(s) if str(s) in self.purchases.own else "" for s in rows.segment], dtype=object
            )
        low, high = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
        for k in sorted(set(kind)):
            own = kind == k
            low[own], high[own] = likely_range(
                self.purchases.of(k), x[own], last[own], seen[own], horizon=HORIZON / self.unit,
                spend=self.spend.of(k), mean=mean[own], sized=x[own] + 1, seed=f"plays {k}".strip(),
            )  # fmt: skip
        return low, high


def look_ahead(company: Company, t: Table) -> Outlook:
    """Fit the models to the clients of a table of features."""
    said = say("no orders by account are known")
    nothing = Shared(Purchases(None, None, None, None, None, 0, said), {})
    none = Shared(Spend(None, None, None, None, 0, said), {})
    if not set(NEEDS) <= set(t.columns):
        return Outlook(nothing, none, 1, said)
    given = ["segment"] if "segment" in t.columns else []
    clients = t.filter(t.order_days >= 1, t.order_size > 0).select("account_id", *NEEDS, *given)
    count = int(company.fetch(clients.aggregate(n=clients.count())).n[0])
    blank = Outlook(nothing, none, 7 if count > MANY else 1, None)
    rows = sampled(company, blank.history(clients), FITTED_ON)
    kind = _kinds(rows)
    purchases = share_purchases(kind, rows.repeats, rows["last"], rows.observed)
    spend = share_spend(kind, rows.order_days, rows.order_size)
    problem = purchases.whole.problem or spend.whole.problem
    if problem is None and any(m.q is not None and m.q <= 1 for m in (spend.whole, *spend.own.values())):
        problem = say("sizes of orders spread too far between clients to have a mean")
    return Outlook(purchases, spend, blank.unit, problem)


def _kinds(rows: pd.DataFrame) -> list[str]:
    """Give each client's segment as it was given; who has none, or one of many, is of one kind with all others."""
    if "segment" not in rows.columns:
        return [""] * len(rows)
    names = rows.segment.fillna("").astype(str)
    most = names[names != ""].value_counts()
    kept = set(sorted(most.index, key=lambda k: (-most[k], k))[:SEGMENTS])
    return [n if n in kept else "" for n in names]
