"""How far off the forecast was on the company's own past: fitted to what was known then, held against what came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import ibis
import pandas as pd

from alignment_toolkit.languages import say
from alignment_toolkit.results import Estimate
from alignment_toolkit.segmentation.features import account_features, forget
from alignment_toolkit.segmentation.outlook import HORIZON, NEEDS, Outlook, look_ahead
from alignment_toolkit.statistics.inference import quantile

if TYPE_CHECKING:
    from ibis.expr.types import Table

    from alignment_toolkit.company import Company

__all__ = ["LookBack", "look_back"]

# A forecast of fewer days says little of one of a year.
SHORTEST: Final = 28


@dataclass(frozen=True)
class LookBack:
    """What the model would have told at an earlier day, and what came since.

    Attributes
    ----------
    told
        The money that the clients of that day would bring up to today; its interval holds chance and parameters.
    came
        What they brought, order lines of positive amount.
    day, days
        The first day that was not known then, and how many days were told.
    reason
        Why nothing could be held against anything.
    """

    told: Estimate | None = None
    came: float | None = None
    day: date | None = None
    days: int = 0
    reason: str | None = None

    @property
    def off(self) -> float:
        """The error as a share of what was told, less what chance and parameters explain; 0 where they explain all.

        Where no interval could be told, nothing is known of chance, and all of the error counts.

        Examples
        --------
        >>> told = Estimate(100.0, 94.0, 106.0, 50, "clients", "money", "model")
        >>> round(LookBack(told, 110.0).off, 3), LookBack(told, 102.0).off
        (0.095, 0.0)
        """
        e = self.told
        if e is None or self.came is None or not e.value:
            return 0.0
        usual = 0.0 if e.high is None else (e.high - e.value) / quantile() / e.value
        return float(max(0.0, (self.came / e.value - 1) ** 2 - usual**2) ** 0.5)

    def row(self) -> dict[str, Any]:
        """Give it as it stands in the definitions of an Analysis."""
        if self.told is None or self.day is None:
            return {"reason": self.reason}
        return {"fitted_up_to": str(self.day - timedelta(days=1)), "days": self.days, "told": self.told,
                "came": self.came, "off": self.off}  # fmt: skip


def look_back(company: Company, now: Table, outlook: Outlook, end: date) -> LookBack:
    """Fit the models to what was known half of the history ago, a year at most, and compare.

    Estimand: the relative error of the total that the model tells of a time that it has not seen, at one earlier day of
    this company. One day is one look: seasons, growth and campaigns of another time may do the opposite.

    Parameters
    ----------
    company
        The company.
    now
        Accounts with features as of the end.
    outlook
        The models as of the end.
    end
        The first day that is not known.
    """
    if outlook.reason:
        return LookBack(reason=outlook.reason)
    longest = company.fetch(now.aggregate(days=now.tenure.max())).days[0]
    days = 0 if pd.isna(longest) else min(int(HORIZON), (int(longest) + 1) // 2)
    if days < SHORTEST:
        return LookBack(reason=say("the data is too short to hold a forecast against what came"))
    day = end - timedelta(days=days)
    then, _ = account_features(company, day, NEEDS)
    try:
        before = look_ahead(company, then)
        if before.reason:
            return LookBack(reason=before.reason)
        told = before.total(company, then.mutate(_all=ibis.literal("all")), "_all", float(days)).get("all")
        if told is None or told.value is None:
            return LookBack(reason=told.method if told else say("no clients"))
        came = _came(company, now, then)
    finally:
        forget(company, then)
    return LookBack(told, came, day, days)


def _came(company: Company, now: Table, then: Table) -> float:
    """Sum what who was a client then has ordered since."""
    then = then.filter(then.order_days >= 1)
    then = then.select(_client="account_id", _spent=then.order_days * then.order_size)
    both = now.inner_join(then, now.account_id == then._client)
    since = both.order_days * both.order_size - both._spent
    return round(float(company.fetch(both.aggregate(v=since.sum())).v[0] or 0.0), 6)
