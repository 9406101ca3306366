"""The KPIs of hand-over and sales a second time, row by row: Kaplan-Meier in fractions, hours by the calendar."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from alignment_toolkit.periods import WorkingCalendar
from alignment_toolkit.statistics import cure, shares, survival
from tests.oracle.begins import no_noughts, outcomes_from
from tests.oracle.brute import Answer, Brute, Pick, Slice, clustered, counted, day_of, tells

Rows = list[dict[str, Any]]
ACCEPTED_WITHIN = 30
ANSWERED_WITHIN = 16


def survivors(waits: Iterable[tuple[float, bool]]) -> list[tuple[float, Fraction]]:
    """Give the Kaplan-Meier curve at its steps; an event at the same time as a censoring comes first."""
    rows, left, found = list(waits), Fraction(1), []
    for at in sorted({t for t, came in rows if came}):
        risk = sum(t >= at for t, _ in rows)
        left *= 1 - Fraction(sum(came and t == at for t, came in rows), risk)
        found.append((at, left))
    return found


def middle(waits: Iterable[tuple[float, bool]]) -> float | None:
    return next((at for at, left in survivors(waits) if left <= Fraction(1, 2)), None)


def codes(rows: Rows, alone: str) -> list[int]:
    names = [(r["account_id"] and ("a", r["account_id"])) or ("x", r[alone]) for r in rows]
    known = sorted(set(names))
    return [known.index(name) for name in names]


def by_account(rows: Rows, alone: str) -> list[Rows]:
    return clustered(rows, lambda r: ("a", r["account_id"]) if r["account_id"] else ("x", r[alone]))


class WaitsAndDeals(Brute):
    """Every KPI of the two families."""

    def _told(
        self, dated: Rows, until: date | None, rows: Rows, pick: Pick, judge: Callable[[Rows], Answer]
    ) -> dict[Slice | None, Answer]:
        """As `_over`, for KPIs of which only some rows are looked at; the others don't make a slice."""
        complete = self.available(until, (r["on"] for r in dated))
        if complete is None:
            return {None: Answer.none()}
        found = {}
        for by, mine in self.slices((r for r in rows if self.inside(r["on"])), pick).items():
            found[by] = judge(mine)
            found[by].short = not complete
            found[by].immature = found[by].immature or not complete
        return found

    # -- hand-over ---------------------------------------------------------------------------------------------------

    def _qualified(self) -> Rows:
        return [
            {**r, "on": day_of(r["qualified_at"])}
            for r in self.w.rows("leads")
            if r["qualified_at"] is not None
        ]

    def acceptance_rate(self, pick: Pick) -> dict[Slice | None, Answer]:
        rows, as_of = self._qualified(), self.w.as_of(["leads"])
        if as_of is None or not any(r["accepted_at"] for r in self.w.rows("leads")):
            return {None: Answer.none()}
        if self.blind(outcomes_from(self.w, {"leads": "accepted_at"}), ACCEPTED_WITHIN):
            return {None: Answer.none()}

        def judge(found: Rows) -> Answer:
            old = [r for r in found if (as_of - r["on"]).days >= ACCEPTED_WITHIN]
            young = len(found) - len(old)
            if not old:
                return Answer(None, 0, 0, 0, censored=young, immature=young > 0)

            def accepted(r: Mapping[str, Any]) -> bool:
                on = day_of(r["accepted_at"])
                return on is not None and (on - r["on"]).days <= ACCEPTED_WITHIN

            groups = by_account(old, "lead_id")
            e = shares.clustered_share(
                [sum(map(accepted, g)) for g in groups], [len(g) for g in groups]
            ).estimate
            k = sum(map(accepted, old))
            return Answer(k / len(old), k, len(old), len(old), young, young > 0, low=e.low, high=e.high)

        known = outcomes_from(self.w, {"leads": "accepted_at"})
        return no_noughts(self._over(rows, as_of, pick, judge), self.blind(known))

    def _answers(
        self, pick: Pick, judge: Callable[[Rows, list[tuple[float, bool]]], Answer]
    ) -> dict[Slice | None, Answer]:
        known = self.w.as_of(["touches"])
        if known is None or self.blind(outcomes_from(self.w, {"touches": "touched_at"}), 30):
            return {None: Answer.none()}
        end = datetime.combine(known + timedelta(days=1), time())
        first = {t["lead_id"]: t["at"] for t in self.w.first_touches()}
        rows = self._qualified()

        def waited(found: Rows) -> Answer:
            if not found:
                return Answer.none()
            waits = []
            for r in found:
                at = first[r["lead_id"]]
                came = at is not None and at < end
                waits.append((WorkingCalendar().hours_between(r["qualified_at"], at if came else end), came))
            return judge(found, waits)

        seen = [r for r in rows if r["qualified_at"] < end]
        return self._told(rows, self.w.as_of(["leads"]), seen, pick, waited)

    def time_to_first_touch(self, pick: Pick) -> dict[Slice | None, Answer]:
        return self._answers(pick, lambda rows, waits: self._median(rows, waits, "lead_id"))

    def _median(self, rows: Rows, waits: list[tuple[float, bool]], alone: str) -> Answer:
        value = middle(waits)
        if value is None:
            return Answer.none()
        times, came = zip(*waits, strict=True)
        e = survival.median(times, came, clusters=codes(rows, alone))
        young = sum(t < value and not c for t, c in waits)
        return Answer(value, None, None, len(rows), young, low=e.low, high=e.high)

    def followed_up_in_time(self, pick: Pick) -> dict[Slice | None, Answer]:
        def judge(rows: Rows, waits: list[tuple[float, bool]]) -> Answer:
            left = [s for at, s in survivors(waits) if at <= ANSWERED_WITHIN]
            late = left[-1] if left else Fraction(1)
            if late > 0 and max(t for t, _ in waits) < ANSWERED_WITHIN:
                return Answer.none()
            times, came = zip(*waits, strict=True)
            e = survival.share_by(times, came, ANSWERED_WITHIN, clusters=codes(rows, "lead_id")).estimate
            young = sum(t < ANSWERED_WITHIN and not c for t, c in waits)
            return Answer(float(1 - late), None, None, len(rows), young, low=e.low, high=e.high)

        return self._answers(pick, judge)

    def _becoming(
        self, pick: Pick, judge: Callable[[Rows, list[tuple[float, bool]]], Answer]
    ) -> dict[Slice | None, Answer]:
        as_of = self.w.as_of(self.w.client_tables())
        if as_of is None or self.blind(self._first_outcome(), 90):
            return {None: Answer.none()}
        rows = [{**r, "on": r["created_on"]} for r in self.w.leads()]

        def waited(found: Rows) -> Answer:
            mine = [r for r in found if not r["existing"] and r["on"] <= as_of]
            if not mine:
                return Answer.none()
            waits: list[tuple[float, bool]] = []
            for r in mine:
                became = r["converts"] and r["since"] <= as_of
                waits.append((r["days"] if became else (as_of - r["on"]).days, became))
            return judge(mine, waits)

        told = [r for r in rows if r["opens"] and (r["existing"] or r["on"] <= as_of)]
        return self._told(rows, self.w.as_of(["leads"]), told, pick, waited)

    def time_to_client(self, pick: Pick) -> dict[Slice | None, Answer]:
        return self._becoming(pick, lambda rows, waits: self._median(rows, waits, "lead_id"))

    def long_run_conversion(self, pick: Pick) -> dict[Slice | None, Answer]:
        def judge(rows: Rows, waits: list[tuple[float, bool]]) -> Answer:
            days, became = zip(*waits, strict=True)
            found = cure.long_run_share(days, became, clusters=codes(rows, "lead_id"))
            if found.estimate.value is None:
                return Answer.none()
            e, young = found.estimate, sum(t < (found.last or 0) and not c for t, c in waits)
            return Answer(e.value, None, None, len(rows), young, low=e.low, high=e.high)

        return self._becoming(pick, judge)

    # -- sales -------------------------------------------------------------------------------------------------------

    def _deals(self, moment: str) -> Rows:
        return [{**r, "on": day_of(r[moment])} for r in self.w.rows("opportunities")]

    def opportunities(self, pick: Pick) -> dict[Slice | None, Answer]:
        rows = self._deals("opened_at")
        return self._events(rows, self.w.as_of(["opportunities"]), pick)

    def sales_cycle(self, pick: Pick) -> dict[Slice | None, Answer]:
        def judge(found: Rows) -> Answer:
            if not found:
                return Answer.none()
            days = [max((r["on"] - day_of(r["opened_at"])).days, 0) for r in found]
            e = survival.median(days, [True] * len(days), clusters=codes(found, "opportunity_id"))
            value = float(np.median(days))
            return Answer(value, None, None, len(days), low=e.low, high=e.high)

        rows = self._deals("closed_at")
        won = [r for r in rows if r["outcome"] == "won"]
        return self._told(rows, self.w.as_of(["opportunities"]), won, pick, judge)

    def average_deal(self, pick: Pick) -> dict[Slice | None, Answer]:
        def judge(found: Rows) -> Answer:
            won = [
                {**r, "order_id": r["opportunity_id"]}
                for r in found
                if r["outcome"] == "won" and r["amount"] is not None
            ]
            if not won:
                return Answer(None, 0, 0, 0)
            return self._per(won, len, [r["amount"] for r in won])

        return self._over(self._deals("closed_at"), self.w.as_of(["opportunities"]), pick, judge)

    def discount(self, pick: Pick) -> dict[Slice | None, Answer]:
        def judge(found: Rows) -> Answer:
            won = [
                r
                for r in found
                if r["outcome"] == "won" and r["amount"] is not None and (r["list_amount"] or 0) > 0
            ]
            if not won:
                return Answer(None, 0, 0, 0)
            pairs = [
                (sum(r["list_amount"] - r["amount"] for r in g), sum(r["list_amount"] for r in g))
                for g in by_account(won, "opportunity_id")
            ]
            top, bottom = sum(t for t, _ in pairs), sum(b for _, b in pairs)
            squares = sum(t * t for t, _ in pairs)
            e = shares.clustered_ratio(
                float(top), float(bottom), float(squares), float(sum(t * b for t, b in pairs)),
                float(sum(b * b for _, b in pairs)), len(pairs), unit="share", n_unit="",
            )  # fmt: skip
            low, high = (e.low, e.high) if tells(top, squares, len(pairs)) else (None, None)
            return Answer(float(Fraction(top) / Fraction(bottom)), top, bottom, len(won), low=low, high=high)

        return self._over(self._deals("closed_at"), self.w.as_of(["opportunities"]), pick, judge)

    def _standing(self, pick: Pick, judge: Callable[[Rows], Answer]) -> dict[Slice | None, Answer]:
        until = self.w.as_of(["opportunities"])
        dated = self._deals("opened_at")
        complete = self.available(until, (r["on"] for r in dated))
        if complete is None:
            return {None: Answer.none()}
        last = min(d for d in (self.last, until, self.w.cap) if d is not None)

        def stands(r: Mapping[str, Any]) -> bool:
            closed = day_of(r["closed_at"])
            return r["on"] <= last and (r["outcome"] is None or (closed is not None and closed > last))

        found = {}
        for by, mine in self.slices(filter(stands, dated), pick).items():
            found[by] = judge(mine)
            found[by].short = found[by].immature = not complete
        return found

    def pipeline(self, pick: Pick) -> dict[Slice | None, Answer]:
        def judge(found: Rows) -> Answer:
            sums, told = [], 0
            for g in by_account([r for r in found if r["amount"] is not None], "opportunity_id"):
                sums.append(sum((r["amount"] for r in g), Decimal(0)))
                told += len(g)
            total, squares = sum(sums, Decimal(0)), sum((s * s for s in sums), Decimal(0))
            e = shares.compound_total(float(total), float(squares), len(sums))
            low, high = (e.low, e.high) if tells(total, squares, len(sums)) else (None, None)
            return Answer(float(total), total, None, told, low=low, high=high)

        return self._standing(pick, judge)

    def pipeline_velocity(self, pick: Pick) -> dict[Slice | None, Answer]:
        parts = [self._standing(pick, lambda rows: counted(len(rows)))]
        parts += [getattr(self, name)(pick) for name in ("win_rate", "average_deal", "sales_cycle")]
        if any(len(p) == 1 and p[None].value is None and p[None].top is None for p in parts[:2]):
            return {None: Answer.none()}
        found = {}
        for by in {by for p in parts for by in p}:
            opened, won, deal, days = (p.get(by, Answer.none()) for p in parts)
            if by not in parts[0]:
                opened = counted(0)
            found[by] = Answer.none()
            if None not in (opened.value, won.value, deal.value) and days.value:
                top = opened.value * won.value * deal.value
                immature = any(p[None].immature for p in parts)
                found[by] = Answer(top / days.value, top, days.value, days.n, immature=immature)
        return found
