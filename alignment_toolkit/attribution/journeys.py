"""The paths of a period: built in the engine, brought out as texts with their number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import ibis

from alignment_toolkit.attribution.models import Path
from alignment_toolkit.errors import DataError
from alignment_toolkit.relations import RELATIONS, Source, missing, sale_moments

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import Table, Value

    from alignment_toolkit.periods import Period

__all__ = ["Engine", "Journeys", "journeys", "lacking", "told", "undated"]

_SALES: Final = {
    "new_client": RELATIONS["clients"].any_of,
    "won_deal": ({"opportunities": ("opportunity_id", "outcome", "closed_at")},),
}
MOST_CHANNELS: Final = 200
LIMIT: Final = 500_000
_ORDER: Final = ("stepped_at", "step_kind", "step_id")


class Engine(Source, Protocol):
    """What attribution needs of a company; the toolkit's Company is one."""

    def relation(self, name: str) -> Table:
        """Give a canonical table or a derived relation."""

    def fetch(self, expr: Any, *, limit: int = ...) -> pd.DataFrame:
        """Bring rows from the engine."""


@dataclass(frozen=True)
class Journeys:
    """The paths of a period.

    Attributes
    ----------
    groups
        What accounts (or leads without one) went through: all paths of one in the period, and how many went
        through just these. In a fixed order.
    untouched
        Sales that no step led to.
    """

    groups: tuple[tuple[tuple[Path, ...], int], ...]
    untouched: int = 0

    def paths(self) -> Iterator[tuple[Path, int]]:
        """Give each path with its number."""
        for paths, times in self.groups:
            for path in paths:
                yield path, times

    @property
    def converted(self) -> int:
        """Sales with a path."""
        return sum(times for path, times in self.paths() if path.converted)

    @property
    def open(self) -> int:
        """Paths without a sale."""
        return sum(times for path, times in self.paths() if not path.converted)

    @property
    def accounts(self) -> int:
        """Accounts, and leads without one, with a path."""
        return sum(times for _, times in self.groups)


def lacking(company: Source, sale: str) -> tuple[str, ...]:
    """Name the columns that are missing for paths and sales; none where paths can be built."""
    steps = RELATIONS["path_steps"].missing(company)
    return tuple(dict.fromkeys((*steps, *missing(company, {}, _SALES[sale]))))


def undated(company: Source, sale: str) -> str | None:
    """Name a table of steps or sales in which one date stands for all rows, so that nothing came before anything."""
    made = ("clients" if sale == "new_client" else None, "path_steps")
    tables = [t for name in made if name for t in RELATIONS[name].tables(company)]
    tables += ["opportunities"] if sale == "won_deal" else []
    constant: frozenset[str] = getattr(company, "undated", frozenset())
    return next((t for t in tables if t in constant), None)


def journeys(
    company: Engine, period: Period, *, sale: str = "new_client", lookback_days: int = 180
) -> Journeys:
    """Give the paths that ended in a period.

    A path to a sale holds the steps of its account (or lead) in the `lookback_days` up to the sale, those after the
    account's previous sale; steps later than the sale are left out. A path without a sale is that of an account which
    has not bought up to the period's end (with ``won_deal``: not since its last deal), and whose last step up to then
    lies in the period; it holds the steps of the `lookback_days` up to that step. Steps of the same moment stand
    in the order lead, touch, then by id.

    Parameters
    ----------
    company
        The company.
    period
        The period in which the paths end.
    sale
        ``new_client`` or ``won_deal``; see `sale_moments`.
    lookback_days
        How far back a path reaches, in calendar days.

    Raises
    ------
    DataError
        Where nothing is known of steps or sales, or there are more than 200 channels.
    """
    gone = lacking(company, sale)
    if gone:
        raise DataError(f"Paths need {', '.join(gone)}, which are not there.")
    names, grouped = told(company, period, sale=sale, lookback_days=lookback_days)
    channels = company.fetch(names, limit=MOST_CHANNELS)
    labels = {str(code): str(label) for code, label in zip(channels["code"], channels["label"], strict=True)}
    found = company.fetch(grouped, limit=LIMIT)
    untouched = 0
    groups = []
    for text, times in zip(found["told"], found["times"], strict=True):
        parts = [part for part in str(text).split(";") if part != "-"]
        untouched += int(times) * (str(text).split(";").count("-"))
        if parts:
            groups.append((tuple(sorted(_read(part, labels) for part in parts)), int(times)))
    return Journeys(tuple(sorted(groups)), untouched)


def told(company: Engine, period: Period, *, sale: str, lookback_days: int) -> tuple[Table, Table]:
    """Give the two queries of `journeys`: channels with their code, and what accounts went through with its number."""
    steps = company.relation("path_steps")
    mark = (steps.stepped_by == "sales").ifelse(" (sales)", "")
    steps = steps.mutate(label=steps.step_channel + mark)
    names = steps.select("label").distinct()
    names = names.mutate(code=ibis.row_number().over(order_by=names.label).cast("string"))
    coded = names.rename(_label="label")
    steps = steps.inner_join(coded, steps.label == coded._label).select(
        "journey", "stepped_at", "stepped_on", "step_kind", "step_id", "code"
    )
    sales = sale_moments(company, sale)
    before = sales.sold_at.lag(1).over(group_by=sales.journey, order_by=sales.sold_at)
    sales = sales.mutate(previous=before)
    texts = _to_a_sale(company, steps, sales, period, lookback_days).union(
        _without(steps, sales, period, lookback_days, again=sale == "won_deal")
    )
    whole = texts.group_by("journey").aggregate(told=texts.text.collect().sort().join(";"))
    return names, whole.group_by("told").aggregate(times=whole.count())


def _within(t: Table, period: Period, on: str) -> Table:
    return t.filter(t[on] >= ibis.date(period.start), t[on] < ibis.date(period.end))


def _to_a_sale(company: Engine, steps: Table, sales: Table, period: Period, lookback: int) -> Table:
    """Give one text per sale of the period: ``+place:code:age:kind,...``, or ``-`` where no step led to it."""
    sold = _within(sales, period, "sold_on")
    opened = _opened(company, sold, lookback)
    sold = sold.left_join(opened, [sold.journey == opened._journey, sold.sold_at == opened._sold_at])
    sold = sold.select("journey", "sold_on", "sold_at", "previous", "opened_at")
    of = steps.rename(_of="journey")
    t = sold.inner_join(of, [sold.journey == of._of, of.stepped_at <= sold.sold_at])
    t = t.mutate(age=t.sold_on.delta(t.stepped_on, unit="day"))
    t = t.filter(t.age <= lookback, t.previous.isnull() | (t.stepped_at > t.previous))
    here = ibis.window(group_by=[t.journey, t.sold_at], order_by=_ORDER)
    t = t.mutate(following=t.stepped_at.lead(1).over(here), place=_place().over(here))
    last = (t.stepped_at <= t.opened_at) & (t.following.isnull() | (t.following > t.opened_at))
    kind = (t.step_kind == "lead").ifelse("l", "t") + last.fill_null(False).ifelse("o", "")
    t = t.mutate(token=t.place.cast("string") + ":" + t.code + ":" + t.age.cast("string") + ":" + kind)
    made = t.group_by(_journey=t.journey, _sold=t.sold_at).aggregate(path=t.token.collect().sort().join(","))
    every = sold.left_join(made, [sold.journey == made._journey, sold.sold_at == made._sold])
    return every.select("journey", text=ibis.coalesce("+" + every.path, ibis.literal("-")))


def _opened(company: Engine, sold: Table, lookback: int) -> Table:
    """Give, of each sale that has one, the moment its first opportunity was opened, within the path's reach."""
    if not company.has("opportunities", "opened_at", "account_id"):
        none = sold.filter(ibis.literal(False))
        return none.select(_journey="journey", _sold_at="sold_at", opened_at=ibis.null("timestamp"))
    deals = company["opportunities"]
    deals = deals.filter(deals.account_id.notnull(), deals.opened_at.notnull())
    deals = deals.select(of="account " + deals.account_id, made_at=deals.opened_at.cast("timestamp"))
    t = sold.inner_join(deals, [sold.journey == deals.of, deals.made_at <= sold.sold_at])
    t = t.filter(
        t.sold_on.delta(t.made_at.date(), unit="day") <= lookback,
        t.previous.isnull() | (t.made_at > t.previous),
    )
    return t.group_by(_journey=t.journey, _sold_at=t.sold_at).aggregate(opened_at=t.made_at.min())


def _without(steps: Table, sales: Table, period: Period, lookback: int, *, again: bool) -> Table:
    """Give one text per journey that ended in the period without a sale: ``=place:code,...``."""
    sold = sales.filter(sales.sold_on < ibis.date(period.end))
    sold = sold.group_by(_buyer=sold.journey).aggregate(last_sale=sold.sold_at.max())
    t = steps.filter(steps.stepped_on < ibis.date(period.end))
    t = t.left_join(sold, t.journey == sold._buyer)
    t = t.filter(t._buyer.isnull() | (t.stepped_at > t.last_sale)) if again else t.filter(t._buyer.isnull())
    t = t.mutate(last_on=t.stepped_on.max().over(group_by=t.journey))
    t = t.filter(t.last_on >= ibis.date(period.start))
    t = t.filter(t.last_on.delta(t.stepped_on, unit="day") <= lookback)
    t = t.mutate(place=_place().over(group_by=t.journey, order_by=_ORDER))
    t = t.mutate(token=t.place.cast("string") + ":" + t.code)
    made = t.group_by("journey").aggregate(path=t.token.collect().sort().join(","))
    return made.select("journey", text="=" + made.path)


def _place() -> Value:
    """Number steps with figures of one length, so that their texts sort as they do; not every engine orders a list."""
    return ibis.row_number() + 10_000_000


def _read(text: str, labels: dict[str, str]) -> Path:
    parts = [step.split(":")[1:] for step in text[1:].split(",")]
    channels = tuple(labels[part[0]] for part in parts)
    if text[0] == "=":
        return Path(channels, converted=False)
    kinds = [part[2] for part in parts]
    return Path(
        channels,
        ages=tuple(int(part[1]) for part in parts),
        lead=next((i for i, kind in enumerate(kinds) if kind.startswith("l")), -1),
        opportunity=next((i for i, kind in enumerate(kinds) if kind.endswith("o")), -1),
    )
