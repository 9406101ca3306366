"""Identities: figures that are made of others exactly, with the departments that can move each factor.

Only cohort forms are here. The calendar forms do not factor: the clients won in a period are not those of its leads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import nan, prod
from typing import Any, Final

import ibis

from alignment_toolkit.drivers.result import Driver
from alignment_toolkit.kpi import Kpi
from alignment_toolkit.languages import say

__all__ = ["IDENTITIES", "Identity", "Sums", "of_one_department"]

MARKETING: Final = {"marketing": 1.0}
SALES: Final = {"sales": 1.0}
BOTH: Final = {"marketing": 0.5, "sales": 0.5}
MOSTLY_SALES: Final = {"marketing": 0.4, "sales": 0.6}

LEADS: Final = Driver("number of leads", MARKETING)
CONVERSION: Final = Driver("lead-to-client", BOTH, "lead-to-client")


@dataclass(frozen=True)
class Sums:
    """Tops and bottoms of one period by KPI."""

    values: Mapping[tuple[str, str], float]

    def top(self, kpi: str) -> float:
        """Give a KPI's top."""
        return self.values[kpi, "top"]

    def bottom(self, kpi: str) -> float:
        """Give a KPI's bottom."""
        return self.values[kpi, "bottom"]

    def rate(self, kpi: str) -> float:
        """Give top / bottom, NaN where there is nothing to divide by."""
        return _over(self.top(kpi), self.bottom(kpi))


def _over(top: float, bottom: float) -> float:
    return top / bottom if bottom else nan


@dataclass(frozen=True)
class Identity:
    """A figure as a function of factors.

    Attributes
    ----------
    kpi, title
        The figure; an id of the catalogue where `target` says so.
    formula
        The identity in words.
    needs
        The KPIs whose sums it is made of, by id or, where the catalogue has none, as they are.
    drivers, factors
        The factors and how they come from the sums; NaN where one does not exist.
    value
        From the factors to the figure.
    target
        Whether the catalogue has the figure itself, so that the parts can be held against it.
    shown_if
        Drivers that are only told where they are not 0 in both periods.
    """

    kpi: str
    title: str
    unit: str
    formula: str
    needs: tuple[str | Kpi, ...]
    drivers: tuple[Driver, ...]
    factors: Callable[[Sums], Sequence[float]]
    value: Callable[[Sequence[float]], float] = prod
    target: bool = True
    shown_if: tuple[str, ...] = ()


def of_one_department(name: str, *, on_new_clients: bool) -> Kpi:
    """Give the spend of marketing, of sales, or of the others, in total or on new clients."""
    known = ("marketing", "sales")

    def booked(t: Any) -> Any:
        by = t.department if "department" in t.columns else ibis.literal("marketing")
        by = by.fill_null("marketing")
        mine = ~by.isin(known) if name == "other" else by == name
        if on_new_clients and "audience" in t.columns:
            mine = mine & (t.audience.isnull() | t.audience.isin(("new", "both")))
        return t.amount.sum(where=mine)

    return Kpi(
        id=f"spend-of-{name}{'-on-new-clients' if on_new_clients else ''}",
        title=say("Spend of {name}", name=name),
        relation="spend",
        date="spent_on",
        unit="money",
        better="lower",
        owners={name: 1.0} if name in known else BOTH,
        about=say("A part of what profit and cost per sale are made of."),
        top=booked,
        interval="exact",
        n=lambda t: t.count(),
        n_unit="bookings",
        needs={"spend": ("amount",)},
    )


def _spend(*, on_new_clients: bool) -> tuple[Kpi, ...]:
    return tuple(of_one_department(n, on_new_clients=on_new_clients) for n in ("marketing", "sales", "other"))


def _cohort_cost(s: Sums) -> Sequence[float]:
    episodes, conversions = s.bottom("lead-to-client"), s.top("lead-to-client")
    on = "-on-new-clients"
    return (
        _over(s.top(f"spend-of-marketing{on}"), episodes),
        _over(conversions, episodes) or nan,
        _over(s.top(f"spend-of-sales{on}"), conversions),
        _over(s.top(f"spend-of-other{on}"), conversions),
    )


ORDERS: Final = Driver("orders per client", MOSTLY_SALES, "orders-per-client")
AVERAGE: Final = Driver("average order", MOSTLY_SALES, "average-order")

IDENTITIES: Final[tuple[Identity, ...]] = (
    Identity(
        kpi="revenue",
        title="Revenue",
        unit="money",
        formula="active clients x orders per client x average order",
        needs=("revenue", "active-clients", "average-order"),
        drivers=(Driver("active clients", BOTH, "active-clients"), ORDERS, AVERAGE),
        factors=lambda s: (
            s.top("active-clients"),
            _over(s.bottom("average-order"), s.top("active-clients")),
            s.rate("average-order"),
        ),
    ),
    Identity(
        kpi="arpu",
        title="Revenue per active client",
        unit="money",
        formula="orders per client x average order",
        needs=("arpu", "active-clients", "average-order"),
        drivers=(ORDERS, AVERAGE),
        factors=lambda s: (
            _over(s.bottom("average-order"), s.top("active-clients")),
            s.rate("average-order"),
        ),
    ),
    Identity(
        kpi="conversions",
        title="Leads that became clients, in number",
        unit="count",
        formula="leads old enough (episodes) x lead-to-client",
        needs=("lead-to-client",),
        drivers=(LEADS, CONVERSION),
        factors=lambda s: (s.bottom("lead-to-client"), s.rate("lead-to-client")),
        target=False,
    ),
    Identity(
        kpi="cost-per-sale-cohort",
        title="Cost per sale of a cohort of leads",
        unit="money",
        formula="(marketing's spend / leads) / lead-to-client + sales' spend / conversions",
        needs=("lead-to-client", *_spend(on_new_clients=True)),
        drivers=(
            Driver("marketing's spend per lead", MARKETING),
            CONVERSION,
            Driver("sales' spend per conversion", SALES),
            Driver("others' spend per conversion", BOTH),
        ),
        factors=_cohort_cost,
        value=lambda f: f[0] / f[1] + f[2] + f[3],
        shown_if=("others' spend per conversion",),
    ),
    Identity(
        kpi="profit",
        title="Profit",
        unit="money",
        formula="revenue of lines with a known cost x gross margin rate - spend",
        needs=("gross-margin-rate", *_spend(on_new_clients=False)),
        drivers=(
            Driver("revenue with a known cost", BOTH),
            Driver("gross margin rate", MOSTLY_SALES, "gross-margin-rate"),
            Driver("marketing's spend", MARKETING),
            Driver("sales' spend", SALES),
            Driver("others' spend", BOTH),
        ),
        factors=lambda s: (
            s.bottom("gross-margin-rate"),
            s.rate("gross-margin-rate"),
            s.top("spend-of-marketing"),
            s.top("spend-of-sales"),
            s.top("spend-of-other"),
        ),
        value=lambda f: f[0] * f[1] - f[2] - f[3] - f[4],
        shown_if=("others' spend",),
    ),
)
