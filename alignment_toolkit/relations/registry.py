"""The list of relations, with what each stands on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from alignment_toolkit.errors import UnknownName
from alignment_toolkit.relations.derived import (
    client_tables,
    clients,
    first_touches,
    lead_outcomes,
    sales,
    sales_table,
)
from alignment_toolkit.relations.effort import served, service_tables
from alignment_toolkit.relations.endings import (
    ANSWERS,
    DISCARDS,
    discard_tables,
    discarded_episodes,
    signal_answers,
    signal_tables,
)
from alignment_toolkit.relations.paths import STEPS, path_steps
from alignment_toolkit.relations.pushes import PUSHES, product_pushes, push_tables
from alignment_toolkit.relations.source import DEALS, ORDERS, Source, missing
from alignment_toolkit.relations.staff import staff
from alignment_toolkit.relations.values import (
    client_values,
    lead_values,
    sales_details,
    sales_repeats,
    same_money,
)

if TYPE_CHECKING:
    from ibis.expr.types import Table

__all__ = ["RELATIONS", "Relation", "relation"]


@dataclass(frozen=True)
class Relation:
    """A derived table of stated grain.

    Attributes
    ----------
    name, grain, about
        Its name, what one row is, and what it says.
    build
        Makes it from a company's canonical tables (always the whole company's).
    needs, any_of
        The columns it stands on: all of `needs`, and all of one of `any_of`.
    date
        The column that dates a row.
    dated_by, outcome_tables
        The tables that its dates, and the outcomes in it, come from; their completeness bounds what it can say.
    extends
        Names the relation that it has all rows and columns of, beside its own: one query then serves both.
    stands_on
        The relations that it is made from, where they are there.
    of_sales
        Its choices say where sales lines come from: where there are orders, they are the ones.
    """

    name: str
    grain: str
    about: str
    build: Callable[[Source], Table]
    date: str
    dated_by: Callable[[Source], tuple[str, ...]]
    outcome_tables: Callable[[Source], tuple[str, ...]]
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    any_of: tuple[Mapping[str, tuple[str, ...]], ...] = ()
    extends: Callable[[Source], str | None] = lambda source: None
    stands_on: tuple[str, ...] = ()
    of_sales: bool = False

    def missing(self, source: Source) -> tuple[str, ...]:
        """Name what is needed and not there, as table.column."""
        choices = self.any_of
        if self.of_sales and source.has("orders", *ORDERS):
            choices = tuple(choice for choice in choices if "orders" in choice)
        return missing(source, self.needs, choices)

    def tables(self, source: Source) -> tuple[str, ...]:
        """Name the canonical tables that it is made of."""
        made_of = (*self.needs, *self.dated_by(source), *self.outcome_tables(source))
        return tuple(t for t in dict.fromkeys(made_of) if t in source.tables)


def _sales_tables(source: Source) -> tuple[str, ...]:
    table = sales_table(source)
    return () if table is None else (table,)


def _step_tables(source: Source) -> tuple[str, ...]:
    return tuple(
        table for choice in STEPS for table, columns in choice.items() if source.has(table, *columns)
    )


def _value_tables(source: Source) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*client_tables(source), *_sales_tables(source)]))


_SALES: Final[tuple[Mapping[str, tuple[str, ...]], ...]] = (
    {"orders": ORDERS},
    {"opportunities": ("outcome", "closed_at", "amount")},
)
_CLIENT_EVENTS: Final[tuple[Mapping[str, tuple[str, ...]], ...]] = (
    {"orders": (*ORDERS, "account_id")},
    {"opportunities": ("outcome", "closed_at")},
    {"leads": ("converted_at",)},
)  # Sales lines that can be told to belong to a client.
_CLIENT_SALES: Final[tuple[Mapping[str, tuple[str, ...]], ...]] = (
    {"orders": (*ORDERS, "account_id")},
    {"orders": (*ORDERS, "opportunity_id"), "opportunities": DEALS},
    {"opportunities": (*DEALS, "amount")},
)

RELATIONS: Final[dict[str, Relation]] = {
    r.name: r
    for r in (
        Relation(
            name="sales",
            grain="sales line",
            about="Order lines; without an orders table, won opportunities as one line each, dated by their closing.",
            build=sales,
            date="ordered_at",
            dated_by=_sales_tables,
            outcome_tables=_sales_tables,
            any_of=_SALES,
        ),
        Relation(
            name="sales_details",
            grain="sales line",
            about="The sales lines with their cost and margin.",
            build=sales_details,
            date="ordered_at",
            dated_by=_sales_tables,
            outcome_tables=_sales_tables,
            any_of=_SALES,
            extends=same_money,
        ),
        Relation(
            name="sales_repeats",
            grain="sales line",
            about="The sales lines, and whether their account was a client before that day.",
            build=sales_repeats,
            date="ordered_at",
            dated_by=_sales_tables,
            outcome_tables=_sales_tables,
            any_of=_SALES,
        ),
        Relation(
            name="clients",
            grain="client (an account, or a lead without account)",
            about="Who has become a client, since when, and the lead that opened the last episode up to then.",
            build=clients,
            date="client_since",
            dated_by=client_tables,
            outcome_tables=client_tables,
            any_of=_CLIENT_EVENTS,
            stands_on=("lead_outcomes",),
        ),
        Relation(
            name="lead_outcomes",
            grain="lead",
            about="Every lead with its episode, and whether and when its account became a client.",
            build=lead_outcomes,
            date="created_at",
            dated_by=lambda _: ("leads",),
            outcome_tables=client_tables,
            needs={"leads": ("lead_id", "created_at")},
            any_of=_CLIENT_EVENTS,
        ),
        Relation(
            name="client_values",
            grain="client (an account, or a lead without account)",
            about="The clients with the revenue and gross margin of their first 365 days.",
            build=client_values,
            date="client_since",
            dated_by=client_tables,
            outcome_tables=_value_tables,
            any_of=_CLIENT_SALES,
            of_sales=True,
            stands_on=("clients",),
        ),
        Relation(
            name="lead_values",
            grain="lead",
            about="Every lead with its outcome, and the first year's revenue and margin of the client that it brought.",
            build=lead_values,
            date="created_at",
            dated_by=lambda _: ("leads",),
            outcome_tables=_value_tables,
            needs={"leads": ("lead_id", "created_at")},
            any_of=_CLIENT_SALES,
            of_sales=True,
            stands_on=("lead_outcomes", "client_values"),
        ),
        Relation(
            name="served",
            grain="touch, or sales line",
            about="The effort that each account got beside what it bought.",
            build=served,
            date="served_at",
            dated_by=service_tables,
            outcome_tables=service_tables,
            needs={"touches": ("touch_id", "touched_at", "department")},
            any_of=_SALES,
        ),
        Relation(
            name="first_touches",
            grain="qualified lead",
            about="Every qualified lead with sales' first answer: outbound, not automated, at or after the hand-over.",
            build=first_touches,
            date="qualified_at",
            dated_by=lambda _: ("leads",),
            outcome_tables=lambda _: ("touches",),
            needs={
                "leads": ("lead_id", "created_at", "qualified_at"),
                "touches": ("touch_id", "touched_at", "department", "direction"),
            },
        ),
        Relation(
            name="signal_answers",
            grain="signal",
            about="Every sign of change at a client, and when it was first answered.",
            build=signal_answers,
            date="signalled_at",
            dated_by=lambda _: ("signals",),
            outcome_tables=signal_tables,
            needs={"signals": ("signal_id", "account_id", "signalled_at")},
            any_of=ANSWERS,
        ),
        Relation(
            name="discarded_episodes",
            grain="episode that was given up (every lead rejected, or every opportunity lost)",
            about="Episodes that sales gave up, and when their account became a client all the same.",
            build=discarded_episodes,
            date="discarded_on",
            dated_by=discard_tables,
            outcome_tables=client_tables,
            stands_on=("lead_outcomes",),
            needs={"leads": ("lead_id", "created_at")},
            any_of=tuple(
                {"leads": (*left.get("leads", ()), *right.get("leads", ()))}
                | {t: (*left.get(t, ()), *right.get(t, ())) for t in {**left, **right} if t != "leads"}
                for left in DISCARDS
                for right in _CLIENT_EVENTS
            ),
        ),
        Relation(
            name="product_pushes",
            grain="line of spend, or touch (leads and opportunities where there are none)",
            about="What either department puts its weight behind: marketing's money, sales' own outbound minutes.",
            build=product_pushes,
            date="pushed_on",
            dated_by=push_tables,
            outcome_tables=push_tables,
            any_of=PUSHES,
        ),
        Relation(
            name="staff",
            grain="person of marketing or sales",
            about="The people (no programs) of the two departments, with their first and last day.",
            build=staff,
            date="joined_on",
            dated_by=lambda _: (),
            outcome_tables=lambda _: (),
            needs={"people": ("person_id", "department")},
        ),
        Relation(
            name="path_steps",
            grain="step (the arrival of a lead, or a touch by marketing or sales)",
            about="Every step on the way to a sale, by either department: what attribution shares sales among.",
            build=path_steps,
            date="stepped_on",
            dated_by=_step_tables,
            outcome_tables=_step_tables,
            any_of=STEPS,
        ),
    )
}


def relation(name: str) -> Relation:
    """Look a derived relation up.

    Raises
    ------
    UnknownName
        With the near match.

    Examples
    --------
    >>> relation("sales").grain
    'sales line'
    """
    try:
        return RELATIONS[name]
    except KeyError:
        raise UnknownName("relation", name, RELATIONS) from None
