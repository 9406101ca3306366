"""The KPIs a second time, by brute force in pandas, written from the words of the data dictionary.

Every row is looked at one by one; nothing is shared with the toolkit but the statistics that turn sums into intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from alignment_toolkit.statistics import bursts, shares
from tests.oracle.begins import (
    booked_until,
    clients_told_from,
    known_from,
    no_noughts,
    outcomes_from,
    unknown,
)
from tests.oracle.rows import (
    active,
    answers,
    buyer,
    client_row,
    clustered,
    orders,
    per_order,
    perclient_row,
    tells,
)


def day_of(moment: Any) -> date | None:
    return moment.date() if isinstance(moment, datetime) else moment


@dataclass
class World:
    """A company as frames of plain objects, None where a cell is empty; a table that is not there is absent."""

    tables: Mapping[str, pd.DataFrame]
    until: Mapping[str, date | None]
    episode_days: int = 180
    grace_days: int = 7
    horizon_days: int = 90
    cap: date | None = None
    cache: dict[str, Any] = field(default_factory=dict)

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.tables[table].to_dict("records") if table in self.tables else []

    # -- the words ---------------------------------------------------------------------------------------------------

    def sales_lines(self) -> list[dict[str, Any]]:
        if "orders" in self.tables:
            return [{**r, "on": day_of(r["ordered_at"])} for r in self.rows("orders")]
        return [
            {
                **r,
                "order_id": r["opportunity_id"],
                "on": day_of(r["closed_at"]),
                "amount": r["amount"] or Decimal(0),
                "unpriced": r["amount"] is None,
            }
            for r in self.rows("opportunities")
            if r["outcome"] == "won" and r["closed_at"] is not None
        ]

    def lead_by_id(self) -> dict[str, dict[str, Any]]:
        return {r["lead_id"]: r for r in self.rows("leads")}

    def won(self) -> list[dict[str, Any]]:
        """Won opportunities; each belongs to its account, else to its lead's account, else to its lead."""
        leads = self.lead_by_id()
        found = []
        for r in self.rows("opportunities"):
            if r["outcome"] != "won" or r["closed_at"] is None:
                continue
            lead = leads.get(r.get("lead_id"))
            account = r.get("account_id")
            if account is None and lead is not None:
                account = lead["account_id"]
            found.append({"account": account, "lead": r.get("lead_id"), "on": day_of(r["closed_at"])})
        return found

    def since_of_account(self, account: str) -> date | None:
        days = [day_of(r["client_since"]) for r in self.rows("accounts") if r["account_id"] == account]
        days += [day_of(r["converted_at"]) for r in self.rows("leads") if r["account_id"] == account]
        days += [w["on"] for w in self.won() if w["account"] == account]
        if "orders" in self.tables:
            days += [r["on"] for r in self.sales_lines() if r["account_id"] == account and r["amount"] > 0]
        return min((d for d in days if d is not None), default=None)

    def since_of_loose_lead(self, lead: Mapping[str, Any]) -> date | None:
        days = [day_of(lead["converted_at"])] + [w["on"] for w in self.won() if w["lead"] == lead["lead_id"]]
        return min((d for d in days if d is not None), default=None)

    def leads(self) -> list[dict[str, Any]]:
        """Leads with their episode and what became of them."""
        if "leads" in self.cache:
            return self.cache["leads"]
        rows = sorted(self.rows("leads"), key=lambda r: (r["created_at"], r["lead_id"]))
        accounts = {r["account_id"] for r in rows} - {None}
        since = {a: self.since_of_account(a) for a in accounts}
        latest: dict[str, dict[str, Any]] = {}
        for r in rows:
            r["created_on"] = day_of(r["created_at"])
            if r["account_id"] is None:
                r["opens"], r["episode"], r["since"] = True, r["lead_id"], self.since_of_loose_lead(r)
            else:
                last = latest.get(r["account_id"])
                r["opens"] = last is None or (r["created_on"] - last["created_on"]).days > self.episode_days
                r["episode"] = r["lead_id"] if r["opens"] else last["episode"]
                r["since"] = since[r["account_id"]]
                latest[r["account_id"]] = r
            early = r["created_on"] - timedelta(days=self.grace_days)
            r["existing"] = r["since"] is not None and r["since"] < early
            r["converts"] = r["since"] is not None and r["since"] >= early
            r["days"] = max((r["since"] - r["created_on"]).days, 0) if r["converts"] else None
        self.cache["leads"] = rows
        return rows

    def clients(self) -> list[dict[str, Any]]:
        """Whoever has a client_since, with the lead that opened the last episode up to then (or its grace days)."""
        accounts = {r["account_id"] for t in ("accounts", "leads") for r in self.rows(t)}
        accounts |= {w["account"] for w in self.won()}
        if "orders" in self.tables:
            accounts |= {r["account_id"] for r in self.sales_lines()}
        regions = {r["account_id"]: r["region"] for r in self.rows("accounts")}
        found = []
        for account in accounts - {None}:
            since = self.since_of_account(account)
            if since is None:
                continue
            brought = {w["lead"] for w in self.won() if w["account"] == account}
            openers = [
                r
                for r in self.leads()
                if r["opens"]
                and (r["account_id"] == account or (r["account_id"] is None and r["lead_id"] in brought))
                and r["created_on"] - timedelta(days=self.grace_days) <= since
            ]
            opener = openers[-1] if openers else None
            found.append(client_row(account, since, opener, regions.get(account)))
        named = {w["lead"] for w in self.won() if w["account"] is not None}
        for r in self.leads():
            if r["account_id"] is None and r["since"] is not None and r["lead_id"] not in named:
                found.append(client_row(r["lead_id"], r["since"], r, None))
        return found

    def first_touches(self) -> list[dict[str, Any]]:
        found = []
        for r in self.rows("leads"):
            if r["qualified_at"] is None:
                continue
            touches = [
                t
                for t in self.rows("touches")
                if t["department"] == "sales" and t["direction"] == "outbound" and t["automated"] is not True
                and t["touched_at"] >= r["qualified_at"] and answers(t, r)
            ]  # fmt: skip
            first = min(touches, key=lambda t: (t["touched_at"], t["touch_id"]), default=None)
            found.append(
                {
                    "lead_id": r["lead_id"],
                    "touch_id": first and first["touch_id"],
                    "at": first and first["touched_at"],
                }
            )
        return found

    # -- how far the data goes ---------------------------------------------------------------------------------------

    def as_of(self, tables: Iterable[str]) -> date | None:
        days = [d for t in tables if (d := self.until.get(t)) is not None]
        return min([*days, *([self.cap] if self.cap else [])]) if days else None

    def latest(self, tables: Iterable[str]) -> date | None:
        return max((d for t in tables if (d := self.as_of([t])) is not None), default=None)

    def sales_table(self) -> str:
        return "orders" if "orders" in self.tables else "opportunities"

    def client_tables(self) -> list[str]:
        return [t for t in ("leads", "opportunities", "orders") if t in self.tables]


@dataclass
class Answer:
    """What is expected of one cell."""

    value: float | None
    top: Any = None
    bottom: Any = None
    n: int = 0
    censored: int = 0
    immature: bool = False
    short: bool = False  # the data does not reach the end of the stretch
    partly: bool = False  # a part of the tables had not begun: a 0 says nothing
    low: float | None = None
    high: float | None = None
    spread: dict[str, float] | None = None

    @classmethod
    def none(cls) -> Answer:
        return cls(None)


Slice = tuple[Any, ...]
Pick = Callable[[Mapping[str, Any]], Slice]


class Brute:
    """Every KPI of the catalogue for a stretch of time, over rows that a slice picks."""

    def __init__(self, world: World, start: date, last: date, around: Brute | None = None) -> None:
        self.w, self.start, self.last = world, start, last
        self.around = around  # the whole period that this stretch is a piece of

    def inside(self, on: date | None) -> bool:
        stop = min(self.last, self.w.cap) if self.w.cap else self.last
        return on is not None and self.start <= on <= stop

    def available(
        self, until: date | None, dated: Iterable[date | None], latest: date | None = None
    ) -> bool | None:
        """None: nothing can be said of this stretch; else whether the data is complete to its end."""
        days = [d for d in dated if d is not None]
        if until is None and not days:
            return None
        if until is not None and self.start > (latest or until):
            return None
        if days and self.last < min(days):
            return None
        return until is None or self.last <= until

    def blind(self, first: date | None, days: int = 0) -> bool:
        """Whether all that could come within so many days lies before the first day that anything is recorded."""
        return first is not None and self.last + timedelta(days=days) < first

    def slices(self, rows: Iterable[Mapping[str, Any]], pick: Pick) -> dict[Slice | None, list[Any]]:
        found: dict[Slice | None, list[Any]] = {None: []}
        for r in rows:
            found[None].append(r)
            if pick(r):
                found.setdefault(pick(r), []).append(r)
        return found

    def measure(self, kpi: str, pick: Pick) -> dict[Slice | None, Answer]:
        if unknown(self.w, kpi, self.start, self.last):
            return {None: Answer.none()}
        return getattr(self, kpi.replace("-", "_"))(pick)

    def _over(
        self,
        everything: list[dict[str, Any]],
        until: date | None,
        pick: Pick,
        judge: Callable[[list[dict[str, Any]]], Answer],
        latest: date | None = None,
    ) -> dict[Slice | None, Answer]:
        complete = self.available(until, (r["on"] for r in everything), latest)
        if complete is None:
            return {None: Answer.none()}
        found = {}
        for by, rows in self.slices((r for r in everything if self.inside(r["on"])), pick).items():
            found[by] = judge(rows)
            found[by].short = not complete
            found[by].immature = found[by].immature or not complete
        return found

    def _events(
        self,
        everything: list[dict[str, Any]],
        until: date | None,
        pick: Pick,
        counts: Callable[[Mapping[str, Any]], bool] = lambda r: True,
        latest: date | None = None,
    ) -> dict[Slice | None, Answer]:
        """Count rows, their spread being that of the days from the data's first to its last in the stretch.

        That of a piece is told by the days of the whole period.
        """
        begins = min((r["on"] for r in everything if r["on"] is not None), default=self.start)
        inside = self.slices((r for r in everything if self.inside(r["on"])), pick)
        wide = (
            {}
            if self.around is None
            else self.around.slices((r for r in everything if self.around.inside(r["on"])), pick)
        )

        def by_day(stretch: Brute, rows: list[dict[str, Any]]) -> list[int]:
            on = [r["on"] for r in rows if counts(r)]
            ends = min(d for d in (stretch.last, self.w.cap, until) if d is not None)
            first, last = max(stretch.start, begins), max([ends, *on])
            return [on.count(first + timedelta(days=i)) for i in range((last - first).days + 1)]

        found = self._over(
            everything, until, pick, lambda rows: Answer(n := sum(map(counts, rows)), n, None, n), latest
        )
        for by, answer in found.items():
            if answer.value is not None:
                around = None if self.around is None else by_day(self.around, wide[by])
                e = bursts.event_count(by_day(self, inside[by]), within=around)
                answer.low, answer.high = e.low, e.high
        return found

    # -- revenue -----------------------------------------------------------------------------------------------------

    def _sales(
        self, pick: Pick, judge: Callable[[list[dict[str, Any]]], Answer]
    ) -> dict[Slice | None, Answer]:
        return self._over(self.w.sales_lines(), self.w.as_of([self.w.sales_table()]), pick, judge)

    def revenue(self, pick: Pick) -> dict[Slice | None, Answer]:
        def judge(rows: list[dict[str, Any]]) -> Answer:
            total = sum((r["amount"] for r in rows), Decimal(0))
            groups = clustered(rows, buyer)
            squares = sum((sum(r["amount"] for r in g) ** 2 for g in groups), Decimal(0))
            e = shares.compound_total(float(total), float(squares), len(groups))
            low, high = (e.low, e.high) if tells(total, squares, len(groups)) else (None, None)
            return Answer(float(total), total, None, len(rows), low=low, high=high)

        return self._sales(pick, judge)

    def active_clients(self, pick: Pick) -> dict[Slice | None, Answer]:
        def judge(rows: list[dict[str, Any]]) -> Answer:
            k = len(active(rows))
            e = shares.poisson_count(k)
            return Answer(k, k, None, k, low=e.low, high=e.high)

        return self._sales(pick, judge)

    def arpu(self, pick: Pick) -> dict[Slice | None, Answer]:
        return self._sales(pick, lambda rows: self._per(rows, lambda g: len(active(g)), perclient_row(rows)))

    def average_order(self, pick: Pick) -> dict[Slice | None, Answer]:
        return self._sales(pick, lambda rows: self._per(rows, lambda g: len(orders(g)), per_order(rows)))

    def _per(
        self, rows: list[dict[str, Any]], count: Callable[[list[dict[str, Any]]], int], inside: list[Decimal]
    ) -> Answer:
        top = sum((r["amount"] for r in rows), Decimal(0))
        groups = clustered(rows, buyer)
        pairs = [(sum((r["amount"] for r in g), Decimal(0)), count(g)) for g in groups]
        pairs = [(t, b) for t, b in pairs if t != 0 or b != 0]
        bottom = sum(b for _, b in pairs)
        if not bottom:
            return Answer(None, top, 0, 0)
        e = shares.clustered_ratio(
            float(top), float(bottom), float(sum(t * t for t, _ in pairs)), float(sum(t * b for t, b in pairs)),
            float(sum(b * b for _, b in pairs)), len(pairs), unit="money", n_unit="",
        )  # fmt: skip
        p10, p50, p90 = np.quantile([float(v) for v in inside], [0.1, 0.5, 0.9])
        spread = {"p10": float(p10), "p50": float(p50), "p90": float(p90)}
        told = tells(top, sum((t * t for t, _ in pairs), Decimal(0)), len(pairs))
        low, high = (e.low, e.high) if told else (None, None)
        return Answer(float(Fraction(top) / bottom), top, bottom, bottom, low=low, high=high, spread=spread)

    # -- marketing ---------------------------------------------------------------------------------------------------

    def leads(self, pick: Pick) -> dict[Slice | None, Answer]:
        rows = [{**r, "on": r["created_on"]} for r in self.w.leads()]
        return self._events(rows, self.w.as_of(["leads"]), pick)

    def _spend_until(self) -> date | None:
        return self.w.as_of(["spend"]) or booked_until(self.w, "spend", "spent_on")

    def spend(self, pick: Pick) -> dict[Slice | None, Answer]:
        def judge(rows: list[dict[str, Any]]) -> Answer:
            total = sum((r["amount"] for r in rows), Decimal(0))
            return Answer(float(total), total, None, len(rows), low=float(total), high=float(total))

        rows = [{**r, "on": r["spent_on"]} for r in self.w.rows("spend")]
        return self._over(rows, self._spend_until(), pick, judge)

    # -- hand-over ---------------------------------------------------------------------------------------------------

    def _episodes(
        self, pick: Pick, judge: Callable[[list[dict[str, Any]]], Answer]
    ) -> dict[Slice | None, Answer]:
        rows = [{**r, "on": r["created_on"]} for r in self.w.leads()]
        if self.w.as_of(self.w.client_tables()) is None or self.blind(self._first_outcome(), 90):
            return {None: Answer.none()}
        return self._over(rows, self.w.as_of(["leads"]), pick, judge)

    def _first_outcome(self) -> date | None:
        columns = {"orders": "ordered_at", "opportunities": "closed_at", "leads": "converted_at"}
        return outcomes_from(self.w, columns, clients=True)

    def lead_toclient_row(self, pick: Pick) -> dict[Slice | None, Answer]:
        as_of = self.w.as_of(self.w.client_tables())

        def judge(rows: list[dict[str, Any]]) -> Answer:
            episodes = [r for r in rows if r["opens"] and not r["existing"]]
            old = [r for r in episodes if (as_of - r["created_on"]).days >= self.w.horizon_days]
            young = len(episodes) - len(old)
            won = [r for r in old if r["converts"] and r["days"] <= self.w.horizon_days]
            if not old:
                return Answer(None, 0, 0, 0, censored=young, immature=young > 0)
            groups = clustered(
                old, lambda r: ("a", r["account_id"]) if r["account_id"] else ("l", r["lead_id"])
            )
            winners = {r["lead_id"] for r in won}
            e = shares.clustered_share(
                [sum(r["lead_id"] in winners for r in g) for g in groups], [len(g) for g in groups]
            ).estimate
            value = len(won) / len(old)
            return Answer(value, len(won), len(old), len(old), young, young > 0, low=e.low, high=e.high)

        return no_noughts(self._episodes(pick, judge), self.blind(known_from(self.w)))

    def conversions_to_date(self, pick: Pick) -> dict[Slice | None, Answer]:
        known = [d for t in self.w.client_tables() if (d := self.w.as_of([t])) is not None]

        def episode(r: Mapping[str, Any]) -> bool:
            return r["opens"] and not r["existing"]

        def converted(r: Mapping[str, Any]) -> bool:
            return episode(r) and r["converts"] and r["since"] <= max(known)

        if not known or self.blind(self._first_outcome(), 90):
            return {None: Answer.none()}
        rows = [{**r, "on": r["created_on"]} for r in self.w.leads()]
        found = self._events(rows, self.w.as_of(["leads"]), pick, converted)
        opened = self._over(rows, self.w.as_of(["leads"]), pick, lambda g: counted(sum(map(episode, g))))
        for by, answer in found.items():
            answer.n, answer.immature = opened[by].n, True
        return found

    # -- sales -------------------------------------------------------------------------------------------------------

    def win_rate(self, pick: Pick) -> dict[Slice | None, Answer]:
        rows = [{**r, "on": day_of(r["closed_at"])} for r in self.w.rows("opportunities")]

        def judge(found: list[dict[str, Any]]) -> Answer:
            closed = [r for r in found if r["outcome"] in ("won", "lost")]
            won = [r for r in closed if r["outcome"] == "won"]
            if not closed:
                return Answer(None, 0, 0, 0)
            groups = clustered(
                closed, lambda r: ("a", r["account_id"]) if r["account_id"] else ("o", r["opportunity_id"])
            )
            e = shares.clustered_share(
                [sum(r["outcome"] == "won" for r in g) for g in groups], [len(g) for g in groups]
            ).estimate
            return Answer(len(won) / len(closed), len(won), len(closed), len(closed), low=e.low, high=e.high)

        if not any(r["outcome"] == "lost" for r in rows):
            return {None: Answer.none()}
        return self._over(rows, self.w.as_of(["opportunities"]), pick, judge)

    def new_clients(self, pick: Pick) -> dict[Slice | None, Answer]:
        tables = self.w.client_tables()
        first, whole, _ = clients_told_from(self.w)
        if self.blind(first):
            return {None: Answer.none()}
        found = self._events(self.w.clients(), self.w.as_of(tables), pick, latest=self.w.latest(tables))
        for answer in found.values() if self.blind(whole) else ():
            answer.partly = True
            if answer.value == 0:
                answer.value = answer.low = answer.high = None
        return found

    def cost_per_sale(self, pick: Pick) -> dict[Slice | None, Answer]:
        rows = [{**r, "on": r["spent_on"]} for r in self.w.rows("spend")]

        def judge(found: list[dict[str, Any]]) -> Answer:
            total = sum((r["amount"] for r in found if r["audience"] in (None, "new", "both")), Decimal(0))
            return Answer(float(total), total)

        money = self._over(rows, self._spend_until(), pick, judge)
        clients = self.new_clients(pick)
        if money[None].value is None or clients[None].top is None:
            return {None: Answer.none()}
        found = {}
        for by in {*money, *clients}:
            spent = money.get(by, Answer(0.0, Decimal(0)))
            won = clients.get(by, counted(0))
            if not won.top and clients[None].partly:
                found[by] = Answer.none()
                continue
            immature = money[None].immature or clients[None].immature
            value = float(Fraction(spent.top) / won.top) if won.top else None
            found[by] = Answer(value, spent.top, won.top, won.top, immature=immature)
            found[by].partly = clients[None].partly
        return found


def counted(k: int) -> Answer:
    e = shares.poisson_count(k)
    return Answer(k, k, None, k, low=e.low, high=e.high)
