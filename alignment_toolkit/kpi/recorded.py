"""From when on outcomes are recorded: what lies before them is no failure, and no 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import ibis

from alignment_toolkit.kpi.kinds import whole_of
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.relations import day
from alignment_toolkit.relations.witnesses import client_witnesses

if TYPE_CHECKING:
    from ibis.expr.types import Table

__all__ = ["ALL_RECORDED", "ClientRecords", "Named", "Recorded", "client_records", "first_days", "names_of"]

# Where the tables that began earlier know as many of the clients as this, a further table makes no break.
KNOWN: Final = 0.9
# So seldom would that many of the first sales name no account if they were as the later ones.
IMPLAUSIBLE: Final = 1e-4


@dataclass(frozen=True)
class Named:
    """From when on sales name their account, as far as a KPI asks.

    Attributes
    ----------
    table
        The table that the sales come from.
    first
        The first day of a sale that names its account: of what ended before nobody knows whose it was.
    whole
        The same, where it is no chance that none before does; what begins earlier is told and never compared.
    never
        No sale names its account.
    before
        The KPI looks at the period before, too.
    """

    table: str = ""
    first: date | None = None
    whole: date | None = None
    never: bool = False
    before: bool = False

    def refused(self, period: Period) -> str | None:
        """Say why there is no number: no sale of these days names its account."""
        if self.never:
            return say("no row of {table} names its account: whose they are is not known", table=self.table)
        asked = period.previous() if self.before else period
        if self.first is None or asked.last >= self.first:
            return None
        return say(
            "{table} name their account from {first} on: whose the earlier ones are is not known",
            table=self.table,
            first=self.first,
        )

    def in_part(self, period: Period) -> bool:
        """Say whether a stretch of time began before sales named their account."""
        asked = period.previous() if self.before else period
        return self.whole is not None and asked.start < self.whole

    def note(self, period: Period) -> str:
        """Say that a stretch of time began before sales named their account; empty where it did not."""
        if not self.in_part(period):
            return ""
        return say(
            "{table} name their account from {first} on: earlier ones are nobody's",
            table=self.table,
            first=self.whole,
        )


@dataclass(frozen=True)
class Recorded:
    """From when on the outcomes of a KPI are recorded.

    Attributes
    ----------
    first
        Before it nothing is recorded: there is no number of what ended earlier.
    whole
        From it on every table that tells of outcomes does; what began earlier is told and never compared.
    table
        The table that begins with `first`, or else with `whole`, where the KPI counts who became a client.
    watched
        For so many days an outcome may follow; None where nothing is refused for want of outcomes.
    known
        Rows that are all older and of which none has an outcome are no 0: who had one was hardly recorded then.
    named
        From when on sales name their account, where the KPI counts accounts.
    """

    first: date | None = None
    whole: date | None = None
    table: str | None = None
    whole_table: str | None = None
    watched: int | None = 0
    known: date | None = None
    named: Named = field(default_factory=Named)

    def refused(self, period: Period) -> str | None:
        """Say why there is no number of a stretch of time that ended before anything was recorded."""
        if (unnamed := self.named.refused(period)) is not None:
            return unnamed
        if self.first is None or not self._ended(period, self.first):
            return None
        if self.table is None:
            return say(
                "outcomes are recorded from {first} on: what became of earlier ones is not known",
                first=self.first,
            )
        told = say(
            "who became a client is recorded from {first} on ({table}): "
            "accounts.client_since alone does not tell everyone",
            first=self.first,
            table=self.table,
        )
        return told

    def empty(self, period: Period, n: int) -> str | None:
        """Say why nobody counted is no 0: not all tables had begun."""
        if n or self.whole is None or self.whole_table is None or not self._ended(period, self.whole):
            return None
        return say(
            "none is known, but who became a client is recorded in part only before {whole} ({table} begin)",
            whole=self.whole,
            table=self.whole_table,
        )

    def nought(self, period: Period, value: float | None) -> str | None:
        """Say why a share of none is no 0: all that it is of is older than the records."""
        if value != 0 or self.known is None or period.last >= self.known:
            return None
        return say(
            "outcomes are recorded from {known} on: that none of these, all of them older, is known to have had one "
            "is no 0",
            known=self.known,
        )

    def note(self, period: Period) -> str:
        """Say that a stretch of time began before everything was recorded; empty where it did not."""
        if self.named.in_part(period):
            return self.named.note(period)
        if not self.in_part(period):
            return ""
        if self.whole_table is None:
            return say(
                "outcomes are recorded from {recorded_from} on: earlier ones may be missing",
                recorded_from=self.whole,
            )
        return say(
            "who became a client is recorded from {whole} on ({table}): earlier ones may be missing",
            whole=self.whole,
            table=self.whole_table,
        )

    def in_part(self, period: Period) -> bool:
        """Say whether a stretch of time began before everything was recorded."""
        return (self.whole is not None and period.start < self.whole) or self.named.in_part(period)

    def _ended(self, period: Period, begins: date) -> bool:
        return self.watched is not None and period.last + timedelta(days=self.watched) < begins


ALL_RECORDED: Final = Recorded()


@dataclass(frozen=True)
class ClientRecords:
    """From when on it is recorded who became a client, and by what table; empty where nothing breaks.

    `begins` is the first day of all where the tables that began earlier know as good as all.
    """

    first: date | None = None
    table: str | None = None
    whole: date | None = None
    whole_table: str | None = None
    begins: date | None = None


def client_records(company: Any, start: date) -> ClientRecords:
    """Find from when on it is recorded who became a client, as far as that matters from `start` on.

    Every table that tells of clients begins on a day of its own. It makes a break where those that began earlier know
    less than nine in ten of the clients since. Before the break that follows on accounts.client_since alone nothing is
    known (it holds those who are still there); before the last one, a part.
    """
    tables = _until(client_witnesses(whole_of(company)), company.as_of_of(()))
    firsts = first_days(company, tables)
    order = sorted(firsts, key=lambda name: (firsts[name], list(tables).index(name)))
    if len(order) < 2 or start >= max(firsts.values()):
        return ClientRecords()
    counts = _counts(company, tables, order, firsts)
    breaks = []
    for number, name in enumerate(order[1:], start=1):
        since, known = counts[f"since_{number}"], counts[f"known_{number}"]
        by_accounts = order[:number] == ["accounts"]
        if firsts[name] > firsts[order[0]] and (known < KNOWN * since or (by_accounts and not since)):
            breaks.append((firsts[name], name, by_accounts))
    if not breaks:
        return ClientRecords(begins=firsts[order[0]])
    first = next(((day, name) for day, name, by_accounts in breaks if by_accounts), None)
    whole, last, _ = breaks[-1]
    return ClientRecords(first and first[0], first and first[1], whole, last)


def first_days(company: Any, tables: Mapping[str, Table]) -> dict[str, date]:
    """Give the first day that each table that tells of clients was kept, where it holds any row."""
    if not tables:
        return {}
    parts = [
        t.aggregate(first=t.seen_on.min()).mutate(place=ibis.literal(number))
        for number, t in enumerate(tables.values())
    ]
    found = company.fetch(ibis.union(*parts) if len(parts) > 1 else parts[0])
    names = list(tables)
    return {
        names[int(place)]: first.date() if isinstance(first, datetime) else first
        for place, first in sorted(zip(found["place"], found["first"], strict=True))
        if first is not None and first == first
    }


def names_of(company: Any, table: str) -> Named:
    """Find from when on sales name their account; empty where they do so from the beginning.

    It is no chance that the first ones name none where, if they did so as often as the later ones, that had a
    probability of 1 in 10,000 or less.
    """
    t = company.relation("sales")
    on, told = day(t.ordered_at), t.account_id.notnull()
    found = company.fetch(t.aggregate(begins=on.min(), first=on.min(where=told))).to_dict("records")[0]
    begins, first = (_day(found[name]) for name in ("begins", "first"))
    if first is None or first == begins:
        return Named(table, never=begins is not None and first is None)
    late = on >= ibis.literal(first)
    n = company.fetch(
        t.aggregate(early=t.count(where=~late), late=t.count(where=late), told=t.count(where=told))
    )
    early, later, known = (int(n[name][0]) for name in ("early", "late", "told"))
    nameless = 1 - (known + 1) / (later + 2)
    return Named(table, first, first if nameless**early <= IMPLAUSIBLE else None)


def _day(value: Any) -> date | None:
    if value is None or value != value:
        return None
    found: date = value.date() if isinstance(value, datetime) else value
    return found


def _until(tables: Mapping[str, Table], cap: date | None) -> dict[str, Table]:
    if cap is None:
        return dict(tables)
    return {name: t.filter(t.seen_on <= ibis.literal(cap)) for name, t in tables.items()}


def _counts(
    company: Any, tables: Mapping[str, Table], order: list[str], firsts: Mapping[str, date]
) -> dict[str, int]:
    """Count for each table the clients since it began, and those of them that an earlier table knows."""
    rows = [
        tables[name].filter(tables[name].client.notnull()).mutate(place=ibis.literal(number))
        for number, name in enumerate(order)
    ]
    t = ibis.union(*rows)
    t = t.group_by("client").aggregate(since=t.day.min(), earliest=t.place.min())
    made = {}
    for number, name in enumerate(order[1:], start=1):
        new = t.since >= ibis.literal(firsts[name])
        made[f"since_{number}"] = new.ifelse(1, 0).sum()
        made[f"known_{number}"] = (new & (t.earliest < number)).ifelse(1, 0).sum()
    found = company.fetch(t.aggregate(**made)).to_dict("records")[0]
    return {str(name): int(n) if n == n and n is not None else 0 for name, n in found.items()}
