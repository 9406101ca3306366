"""Levers: what a department can do, and what the identities make of it. Needs no data.

A company is reduced to the quantities that the KPIs are identities of: leads, how good they are, how well they are
worked, prices, orders, costs. A lever multiplies some of them. How people answer it is no identity; it is an
assumption, so it is said, and tried over a range.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

__all__ = ["KPIS", "LEVERS", "REFERENCES", "Lever", "State"]


@dataclass(frozen=True)
class State:
    """A company in so many numbers.

    Attributes
    ----------
    leads, quality, care
        Leads of the period, the share of them that would buy when worked as now, and how well they are worked (1 = as
        now). New clients are their product.
    passed, opened
        The share of leads that marketing hands over, and the share of those that sales open a deal for.
    old
        Clients who were there before.
    orders, value, price, cost
        Orders per client, their value at list price, the price realised of it, and what they cost.
    marketing, sales
        Spend of either department.
    effort
        Sales' time for new leads (1 = as now).
    later
        How many later periods a new client goes on to buy as in this one.
    """

    leads: float = 1000.0
    quality: float = 0.10
    care: float = 1.0
    passed: float = 0.5
    opened: float = 0.5
    old: float = 233.0
    orders: float = 1.5
    value: float = 1000.0
    price: float = 0.9
    cost: float = 540.0
    marketing: float = 45_000.0
    sales: float = 45_000.0
    effort: float = 1.0
    later: float = 0.0

    @classmethod
    def of(cls, *, margin: float, new: float, spend: float, later: float = 0.0) -> State:
        """Give a company with this gross margin rate, share of new clients, and spend as a share of revenue."""
        start = cls()
        clients = start.leads * start.quality / new
        revenue = clients * start.orders * start.value * start.price
        return replace(
            start,
            old=clients * (1 - new),
            cost=start.value * start.price * (1 - margin),
            marketing=revenue * spend / 2,
            sales=revenue * spend / 2,
            later=later,
        )

    @property
    def new(self) -> float:
        """New clients."""
        return self.leads * self.quality * self.care

    @property
    def clients(self) -> float:
        """Active clients."""
        return self.old + self.new

    @property
    def deals(self) -> float:
        """Opportunities."""
        return self.leads * self.passed * self.opened

    @property
    def revenue(self) -> float:
        """Revenue: active clients x orders per client x average order."""
        return self.clients * self.orders * self.value * self.price

    @property
    def gross_margin(self) -> float:
        """Revenue less the cost of what was sold."""
        return self.clients * self.orders * (self.value * self.price - self.cost)

    @property
    def profit(self) -> float:
        """Gross margin less both departments' spend."""
        return self.gross_margin - self.marketing - self.sales

    @property
    def worth(self) -> float:
        """Profit, and the gross margin of what this period's new clients buy later."""
        of_new = self.new * self.orders * (self.value * self.price - self.cost)
        return self.profit + self.later * of_new


KPIS: Final[Mapping[str, Callable[[State], float]]] = {
    "revenue": lambda s: s.revenue,
    "active-clients": lambda s: s.clients,
    "arpu": lambda s: s.revenue / s.clients,
    "orders-per-client": lambda s: s.orders,
    "average-order": lambda s: s.value * s.price,
    "gross-margin": lambda s: s.gross_margin,
    "gross-margin-rate": lambda s: s.gross_margin / s.revenue,
    "realised-price": lambda s: s.price,
    "profit": lambda s: s.profit,
    "repeat-revenue-share": lambda s: 1 - s.new * s.value * s.price / s.revenue,
    "leads": lambda s: s.leads,
    "qualified-leads": lambda s: s.leads * s.passed,
    "qualification-rate": lambda s: s.passed,
    "spend": lambda s: s.marketing + s.sales,
    "cost-per-lead": lambda s: s.marketing / s.leads,
    "revenue-per-lead": lambda s: s.new * s.orders * s.value * s.price / s.leads,
    "return-on-spend": lambda s: s.revenue / (s.marketing + s.sales),
    "acceptance-rate": lambda s: s.opened,
    "followed-up-in-time": lambda s: s.effort / (s.leads * s.passed * s.opened),
    "time-to-first-touch": lambda s: s.leads * s.passed * s.opened / s.effort,
    "lead-to-client": lambda s: s.new / s.leads,
    "conversions-to-date": lambda s: s.new,
    "opportunities": lambda s: s.deals,
    "win-rate": lambda s: s.new / s.deals,
    "average-deal": lambda s: s.value * s.price,
    "discount": lambda s: 1 - s.price,
    "new-clients": lambda s: s.new,
    "cost-per-sale": lambda s: (s.marketing + s.sales) / s.new,
    "cost-per-sale-cohort": lambda s: (s.marketing + s.sales) / s.new,
    "cost-to-serve": lambda s: s.sales / s.clients,
    "payback-months": lambda s: (s.marketing + s.sales) / s.new / (s.orders * (s.value * s.price - s.cost)),
}
"""KPIs as identities of a `State`; what tells of speed is taken in proportion to sales' time per lead."""


@dataclass(frozen=True)
class Lever:
    """Something one department can do by itself.

    Attributes
    ----------
    id, title, who, pull
        Its name, its name for readers, who can do it, and by how much it is pulled here.
    assumes
        How others answer, in words.
    answers
        How strongly: least, middle, most.
    move
        From a company and the strength of the answer to the company after it.
    """

    id: str
    title: str
    who: str
    pull: str
    assumes: str
    answers: tuple[float, ...]
    move: Callable[[State, float], State]


def _weaker(s: State, a: float) -> State:
    return replace(s, leads=s.leads * 1.1, quality=s.quality / 1.1, care=s.care * 1.1**-a)


def _better(s: State, a: float) -> State:
    return replace(s, leads=s.leads / 1.1, quality=s.quality * 1.1, care=s.care * 1.1**a)


def _spend(s: State, a: float) -> State:
    return replace(s, marketing=s.marketing * 1.1, leads=s.leads * 1.1**a)


def _save(s: State, a: float) -> State:
    return replace(s, marketing=s.marketing * 0.9, leads=s.leads * 0.9**a)


def _stricter(s: State, a: float) -> State:
    return replace(s, passed=s.passed * 0.9, care=s.care * 0.9**a)


def _discount(s: State, a: float) -> State:
    return replace(s, price=s.price * 0.95, care=s.care * 0.95**-a)


def _hold(s: State, a: float) -> State:
    return replace(s, price=s.price / 0.95, care=s.care * 0.95**a)


def _fewer(s: State, a: float) -> State:
    return replace(s, effort=s.effort * 0.9, care=s.care * 0.9**a)


def _faster(s: State, a: float) -> State:
    return replace(s, effort=s.effort * 1.1, sales=s.sales * 1.03, care=s.care * 1.1**a)


def _picky(s: State, a: float) -> State:
    return replace(s, opened=s.opened * 0.9, care=s.care * 0.9**a)


def _old_first(s: State, a: float) -> State:
    return replace(s, effort=s.effort * 0.9, care=s.care * 0.95, orders=s.orders * (1 + a))


LEVERS: Final[tuple[Lever, ...]] = (
    Lever(
        "more-weaker-leads", "More leads, but weaker ones", "marketing", "10 % more leads for the same money",
        "as many of them would buy as before; sales have no more time, so each lead gets less of it (10 % more leads "
        "lower the rate of those who would buy by 0 to 6 %)",
        (0.0, 0.3, 0.6), _weaker,
    ),
    Lever(
        "fewer-better-leads", "Fewer leads, but better ones", "marketing", "9 % fewer leads for the same money",
        "as many of them would buy as before; each lead gets more of sales' time (a gain of 0 to 6 %)",
        (0.0, 0.3, 0.6), _better,
    ),
    Lever(
        "more-marketing-spend", "More money for marketing", "marketing", "10 % more spend of marketing",
        "2 to 8 % more leads of the same quality", (0.2, 0.5, 0.8), _spend,
    ),
    Lever(
        "less-marketing-spend", "Less money for marketing", "marketing", "10 % less spend of marketing",
        "2 to 8 % fewer leads of the same quality", (0.2, 0.5, 0.8), _save,
    ),
    Lever(
        "stricter-hand-over", "A stricter hand-over", "marketing", "10 % fewer of the leads are handed over",
        "those held back are the weakest: new clients fall by 0 to 5 %", (0.0, 0.25, 0.5), _stricter,
    ),
    Lever(
        "deeper-discounts", "Deeper discounts", "sales", "prices 5 % lower",
        "3 to 8 % more of the leads buy; clients who are there already buy no more",
        (0.5, 1.0, 1.5), _discount,
    ),
    Lever(
        "firmer-prices", "Firmer prices", "sales", "prices 5 % higher",
        "3 to 7 % fewer of the leads buy; clients who are there already buy no less",
        (0.5, 1.0, 1.5), _hold,
    ),
    Lever(
        "fewer-follow-ups", "Fewer follow-ups", "sales", "10 % less time for new leads",
        "3 to 9 % fewer of the leads buy; the time saved lowers no cost", (0.3, 0.6, 0.9), _fewer,
    ),
    Lever(
        "faster-follow-up", "Faster follow-up", "sales", "10 % more time for new leads, 3 % more spend of sales",
        "2 to 6 % more of the leads buy", (0.2, 0.4, 0.6), _faster,
    ),
    Lever(
        "only-the-best-leads", "Deals for the best leads only", "sales", "deals opened for 10 % fewer leads",
        "those left out would have bought less often: new clients fall by 2 to 8 %", (0.2, 0.5, 0.8), _picky,
    ),
    Lever(
        "known-clients-first", "Known clients first", "sales", "10 % of the time for new leads goes to known clients",
        "5 % fewer of the leads buy; orders per client rise by 0.5 to 3 %", (0.005, 0.015, 0.03), _old_first,
    ),
)  # fmt: skip

REFERENCES: Final = {
    "margin": (0.2, 0.4, 0.6), "new": (0.1, 0.3, 0.6), "spend": (0.05, 0.1, 0.2), "later": (0.0, 1.0, 3.0),
}  # fmt: skip
"""Least, middle, most: gross margin rate, share of new among active clients, spend as a share of revenue, and the
number of later periods in which a new client goes on to buy."""
