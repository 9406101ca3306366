"""How far a KPI's tables reach: what dates its rows, until when they are complete, from when outcomes are recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import ibis

from alignment_toolkit.kpi.cells import Ask
from alignment_toolkit.kpi.kinds import Kpi, Terms, call, whole_of
from alignment_toolkit.kpi.lapses import Lapse, lapses_of
from alignment_toolkit.kpi.of_rows import KpiOfRows
from alignment_toolkit.kpi.recorded import ClientRecords, Named, Recorded, client_records, names_of
from alignment_toolkit.languages import say
from alignment_toolkit.relations import RELATIONS, Source, client_tables, day, sales_table
from alignment_toolkit.tables import TABLES

if TYPE_CHECKING:
    import pandas as pd
    from ibis.expr.types import Table

__all__ = [
    "Measured",
    "blocked",
    "lapses",
    "recorded",
    "tables_of",
    "terms",
    "undated",
    "unrecorded",
    "until",
]


class Measured(Source, Protocol):
    """What `measure` needs of a company; the toolkit's Company is one."""

    @property
    def currency(self) -> str:
        """Give the company's currency."""

    @property
    def as_of(self) -> date | None:
        """Give the last day for which all tables are complete."""

    def relation(self, name: str) -> Table:
        """Give a canonical table or a derived relation."""

    def complete_until(self, table: str) -> date | None:
        """Give the last day for which a table is complete."""

    def as_of_of(self, tables: Sequence[str]) -> date | None:
        """Give the last day for which these tables are complete; of none of them the company's own limit."""

    def fetch(self, expr: Any, *, limit: int = ...) -> pd.DataFrame:
        """Bring rows from the engine."""


def tables_of(company: Measured, kpi: Kpi) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Name the tables that date a KPI's rows, and those that its outcome comes from."""
    if kpi.relation not in RELATIONS:
        return (kpi.relation,), (kpi.relation,)
    relation = RELATIONS[kpi.relation]
    return relation.dated_by(whole_of(company)), relation.outcome_tables(whole_of(company))


def _as_of(company: Measured, tables: Sequence[str]) -> date | None:
    """Give the last day for which these tables are complete; None where none of them says how far it goes."""
    known = [t for t in tables if company.complete_until(t) is not None]
    return company.as_of_of(known) if known else None


def until(company: Measured, kpi: Kpi) -> date | None:
    """Give the day that a KPI's rows are complete until; where its table can't say, that of the company."""
    dated_by, _ = tables_of(company, kpi)
    found = _as_of(company, dated_by)
    if found is None and not any(t in TABLES and TABLES[t].event_columns for t in dated_by):
        found = _booked(company, dated_by)
    return found


def _booked(company: Measured, tables: Sequence[str]) -> date | None:
    """Give the last day that tables without events are known of: a table that nobody keeps any more ends no other."""
    least, limit = company.as_of, company.as_of_of(())
    known = [day for t in TABLES if (day := company.complete_until(t)) is not None]
    last = min((d for d in (max(known, default=None), limit) if d is not None), default=None)
    if least is None or last is None or last <= least:
        return least
    booked = []
    for table in tables:
        t = whole_of(company)[table]
        dated = t[TABLES[table].date].cast("date")
        booked += list(
            company.fetch(t.filter(dated <= ibis.literal(last)).aggregate(last=dated.max()))["last"].dropna()
        )
    return max([least, *(d.date() if isinstance(d, datetime) else d for d in booked)])


def cut(company: Measured, *kpis: Kpi) -> date | None:
    """Give the last day that counts where the settings say how far a table is complete; None where they don't.

    What is divided by each other counts up to the same day.
    """
    tables = [t for kpi in kpis for t in tables_of(company, kpi)[0]]
    said = [m.complete_until for t in tables if (m := company.settings.tables.get(t)) is not None]
    return min((day for day in said if day is not None), default=None)


def ends(company: Measured, kpi: Kpi, limit: date | None) -> date | None:
    """Give the last day of which any table that dates a KPI's rows knows: beyond it there is no number at all."""
    known = [d for t in tables_of(company, kpi)[0] if (d := _as_of(company, (t,))) is not None]
    return (
        min((d for d in (max(known, default=None), limit) if d is not None), default=None) if known else None
    )


def terms(company: Measured, kpi: Kpi, options: Mapping[str, Any]) -> Terms:
    """Give what is known when a KPI is asked for."""
    _, outcomes = tables_of(company, kpi)
    known = [d for t in outcomes if (d := _as_of(company, (t,))) is not None]
    return Terms(
        as_of=_as_of(company, outcomes),
        known_until=max(known) if known else None,
        warm_until=_warm_until(company) if kpi.warm_up else None,
        currency=company.currency,
        options=options,
        calendar=company.settings.working_calendar() if isinstance(kpi, KpiOfRows) else None,
    )


def _warm_until(company: Measured) -> date | None:
    """Give the day from which clients count as new: the beginning of the data and the days to leave out."""
    days = company.settings.company.warm_up_days
    if not days:
        return None
    whole = whole_of(company)
    firsts = []
    for table, column in (
        ("orders", "ordered_at"),
        ("opportunities", "closed_at"),
        ("leads", "converted_at"),
    ):
        if table in client_tables(whole):
            t = whole[table]
            firsts += list(company.fetch(t.aggregate(first=day(t[column]).min()))["first"].dropna())
    if not firsts:
        return None
    first: date = min(v.date() if isinstance(v, datetime) else v for v in firsts)
    return first + timedelta(days=days)


_OUTCOMES = {
    "orders": "ordered_at",
    "opportunities": "closed_at",
    "leads": "converted_at",
    "touches": "touched_at",
}
_OF_CLIENTS = ("clients", "client_values")
# For so many days what became of a lead is looked for where the KPI has no horizon of its own.
_WATCHED = {"lead_outcomes": 90, "lead_values": 90, "first_touches": 30}


def recorded(company: Measured, kpi: Kpi, start: date, known: dict[Any, Any]) -> Recorded:
    """Give from when on a KPI's outcomes are recorded, as far as that matters from `start` on.

    `known` holds what was asked for already.
    """
    found = _recorded(company, kpi, start, known)
    named = _names(company, kpi, known)
    return found if named is None else replace(found, named=named)


def _names(company: Measured, kpi: Kpi, known: dict[Any, Any]) -> Named | None:
    """Give from when on sales name their account, for a KPI that counts accounts."""
    whole: Any = whole_of(company)
    table = sales_table(whole) if "account_id" in kpi.needs.get("sales", ()) else None
    if table is None:
        return None
    if "names" not in known:
        known["names"] = names_of(whole, table)
    found: Named = known["names"]
    return replace(found, before=kpi.lookback)


def _recorded(company: Measured, kpi: Kpi, start: date, known: dict[Any, Any]) -> Recorded:
    days = _recorded_from(company, kpi, known)
    whole = max(days, default=None) if not kpi.rising else None
    if kpi.relation in _OF_CLIENTS:
        found = _client_records(company, start, known)
        later = max((d for d in (whole, found.whole) if d is not None), default=None)
        return Recorded(found.first, later, found.table, found.whole_table)
    watched = kpi.options.get("horizon_days", _WATCHED.get(kpi.relation))
    first = min(days, default=None)
    # Of a first touch nothing but the touches tells.
    of_clients = kpi.outcome is None and kpi.relation != "first_touches"
    if first is not None and watched is not None and start + timedelta(days=watched) < first:
        since = _client_records(company, start, known).begins if of_clients else None
        first = min(first, since or first)
    told = whole
    if whole is not None and start < whole and of_clients:
        broken = _client_records(company, start, known).whole
        told = None if broken is None else min(whole, broken)
    return Recorded(first, whole, watched=watched, known=told)


def lapses(company: Measured, kpi: Kpi, start: date, known: dict[Any, Any]) -> tuple[Lapse, ...]:
    """Give the days from `start` on in which nobody kept a table whose missing rows a KPI counts."""
    whole: Any = whole_of(company)
    found: list[Lapse] = []
    for table, which in kpi.silence.items():
        end = whole.as_of_of((table,))
        if end is None:
            continue
        key = ("lapses", table, repr(sorted(which.items())))
        if key not in known:
            known[key] = lapses_of(whole, table, which, start, end + timedelta(days=1))
        found += known[key]
    return tuple(found)


def _client_records(company: Measured, start: date, known: dict[Any, Any]) -> ClientRecords:
    if "clients" not in known:
        known["clients"] = client_records(company, start)
    found: ClientRecords = known["clients"]
    return found


def _recorded_from(company: Measured, kpi: Kpi, known: dict[Any, Any]) -> list[date]:
    """Give the first day of each table that outcomes which take time come from."""
    if not kpi.takes_time:
        return []
    firsts = []
    own = tables_of(company, kpi)[0] if kpi.outcome is not None else ()
    for table in own or tables_of(company, kpi)[1]:
        column = kpi.outcome or _OUTCOMES.get(table)
        if column is not None and company.has(table, column):
            if (table, column) not in known:
                known[table, column] = _first_day(company, table, column)
            firsts.append(known[table, column])
    return [d for d in firsts if d is not None]


def _first_day(company: Measured, table: str, column: str) -> date | None:
    t = company.relation(table)
    found = company.fetch(t.aggregate(first=day(t[column]).min()))["first"]
    days = [v.date() if isinstance(v, datetime) else v for v in found if v is not None and v == v]
    return days[0] if days else None


def blocked(company: Measured, ask: Ask, begins: Any) -> str | None:
    """Say why a KPI can't be judged at all; `begins` is the first day of its rows, None where none has any."""
    dateless = _dateless(company, ask.kpi) if begins is None or begins != begins else 0
    if dateless:
        return say(
            "won opportunities have no closed_at: the day of {dateless} is not known", dateless=dateless
        )
    if not ask.kpi.takes_time:
        return None
    dated_by, outcomes = tables_of(company, ask.kpi)
    constant = [t for t in (*dated_by, *outcomes) if t in undated(company)]
    if constant:
        return say("{undated} is undated: its date is the same in every row", undated=constant[0])
    if ask.terms.as_of is None:
        return say("nothing says how far {outcomes} go: no dated rows", outcomes=" and ".join(outcomes))
    return None


def _dateless(company: Measured, kpi: Kpi) -> int:
    """Count the won opportunities that a KPI stands on and that have no day."""
    if "opportunities" not in tables_of(company, kpi)[0] or not company.has("opportunities", "outcome"):
        return 0
    t = company.relation("opportunities")
    if "closed_at" not in t.columns:
        return 0
    counted = t.aggregate(rows=t.count(where=(t.outcome == "won") & t.closed_at.isnull()))
    return int(company.fetch(counted)["rows"].iloc[0])


def unrecorded(company: Measured, ask: Ask, relation: str) -> bool:
    """Say whether what a KPI requires is nowhere in the source; that a part has none of it is a fact about the part."""
    whole: Any = whole_of(company)
    if whole is company or ask.kpi.requires is None:
        return True
    found = whole.fetch(
        whole.relation(relation).aggregate(v=call(ask.kpi.requires, whole.relation(relation), ask.terms))
    )
    return not found["v"].iloc[0]


def undated(company: Measured) -> frozenset[str]:
    """Name the tables whose date is a constant of the mapping."""
    found: frozenset[str] = getattr(company, "undated", frozenset())
    return found
