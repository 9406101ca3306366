"""The KPIs of revenue, marketing and cost a second time, by brute force, as in `brute`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from alignment_toolkit.periods import Period
from alignment_toolkit.statistics import shares
from tests.oracle.begins import clients_told_from, known_from, no_noughts, outcomes_from
from tests.oracle.brute import (
    Answer,
    Brute,
    Pick,
    Slice,
    World,
    active,
    buyer,
    clustered,
    counted,
    day_of,
    orders,
    tells,
)

YEAR = 365
Rows = list[dict[str, Any]]
Groups = list[list[dict[str, Any]]]


class Money(Brute):
    """The further KPIs for a period; `minutes` and `per_hour` are the settings of effort."""

    def __init__(
        self,
        world: World,
        period: Period,
        minutes: Mapping[str, float],
        per_hour: Mapping[str, float],
        around: Brute | None = None,
    ) -> None:
        super().__init__(world, period.start, period.last, around)
        self.period, self.minutes, self.per_hour = period, minutes, per_hour

    # -- what is shared ----------------------------------------------------------------------------------------------

    def cost_of(self, line: Mapping[str, Any]) -> Fraction | None:
        if line.get("cost") is not None:
            return Fraction(line["cost"])
        units = {p["product_id"]: p["unit_cost"] for p in self.w.rows("products")}
        unit = units.get(line.get("product_id"))
        if unit is None or line.get("quantity") is None:
            return None
        return Fraction(unit) * Fraction(str(line["quantity"]))

    def margin_of(self, line: Mapping[str, Any]) -> Fraction | None:
        cost = self.cost_of(line)
        return None if cost is None else Fraction(line["amount"]) - cost

    def client_of(self, line: Mapping[str, Any]) -> str | None:
        """The account of the line, else of its deal, else of its lead, else the lead itself."""
        deals = {d["opportunity_id"]: d for d in self.w.rows("opportunities")}
        lead_id, account = line.get("lead_id"), line["account_id"]
        if self.w.sales_table() == "orders":
            deal = deals.get(line.get("opportunity_id"))
            if deal is not None:
                account, lead_id = account or deal["account_id"], deal["lead_id"]
        lead = self.w.lead_by_id().get(lead_id)
        if account is None and lead is not None:
            account = lead["account_id"] or lead["lead_id"]
        return account

    def clients(self) -> Rows:
        """Clients with what they bought from their first day as a client to the 365th after it."""
        if "values" not in self.w.cache:
            found = self.w.clients()
            lines = [(self.client_of(r), r) for r in self.w.sales_lines()]
            for c in found:
                last = c["on"] + timedelta(days=YEAR)
                own = [r for client, r in lines if client == c["client"] and c["on"] <= r["on"] <= last]
                c["revenue"] = sum((Fraction(r["amount"]) for r in own), Fraction(0))
                margins = [self.margin_of(r) for r in own]
                c["margin"] = sum((m for m in margins if m is not None), Fraction(0))
            self.w.cache["values"] = found
        return self.w.cache["values"]

    def value_as_of(self) -> date | None:
        return self.w.as_of([*self.w.client_tables(), self.w.sales_table()])

    @staticmethod
    def ratio(
        groups: Groups,
        top: Callable[[Rows], Any],
        bottom: Callable[[Rows], Any],
        n: int | None = None,
        *,
        part: bool = False,
        spread: bool = False,
    ) -> Answer:
        pairs = [(Fraction(top(g)), Fraction(bottom(g))) for g in groups]
        t, b = sum((x for x, _ in pairs), Fraction(0)), sum((y for _, y in pairs), Fraction(0))
        inside = [float(x) for x, y in pairs if y > 0]
        pairs = [(x, y) for x, y in pairs if x or y]
        if b <= 0:
            return Answer(None, t, b, int(b) if n is None else n)
        squares = sum((x * x for x, _ in pairs), Fraction(0))
        sums = (
            float(t),
            float(b),
            float(squares),
            float(sum(x * y for x, y in pairs)),
            float(sum(y * y for _, y in pairs)),
        )
        e = shares.clustered_ratio(*sums, len(pairs), unit="", n_unit="")
        if part and 0 <= t <= b:
            e = shares.clustered_part(*sums, len(pairs), n_unit="")
        told = tells(t, squares, len(pairs))
        low, high = (e.low, e.high) if told else (None, None)
        quantiles = (
            {f"p{round(100 * q)}": float(_quantile(inside, q)) for q in (0.1, 0.5, 0.9)} if spread else None
        )
        return Answer(float(t / b), t, b, int(b) if n is None else n, low=low, high=high, spread=quantiles)

    @staticmethod
    def total(groups: Groups, amount: Callable[[Rows], Any], n: int) -> Answer:
        sums = [Fraction(amount(g)) for g in groups]
        total, squares = sum(sums, Fraction(0)), sum((x * x for x in sums), Fraction(0))
        clusters = sum(1 for x in sums if x)
        # A group without an amount counts too where it has a row that counts.
        e = shares.compound_total(float(total), float(squares), max(clusters, 1))
        low, high = (e.low, e.high) if tells(total, squares, len(groups)) else (None, None)
        return Answer(float(total), total, None, n, low=low, high=high)

    def quotient(
        self, top: Mapping[Any, Answer], bottom: Mapping[Any, Answer], nothing: Answer
    ) -> dict[Any, Answer]:
        """Divide slice by slice; a slice that one side lacks has nothing on it."""
        if top[None].top is None or bottom[None].top is None:
            return {None: Answer.none()}
        found = {}
        for by in {*top, *bottom}:
            t = top.get(by) or Answer(0.0, Fraction(0), immature=top[None].short)
            b = bottom.get(by) or Answer(nothing.value, nothing.top, immature=bottom[None].short)
            if t.value is None or b.value is None:
                found[by] = Answer.none()
                continue
            whole = Fraction(t.top), Fraction(b.top)
            value = float(whole[0] / whole[1]) if whole[1] > 0 else None
            found[by] = Answer(value, t.top, b.top, b.n, immature=t.immature or b.immature)
        return found

    def booked(
        self, counts: Callable[[Mapping[str, Any]], bool]
    ) -> Callable[[Pick], dict[Slice | None, Answer]]:
        def judge(rows: Rows) -> Answer:
            chosen = [r for r in rows if counts(r)]
            total = sum((r["amount"] for r in chosen), Decimal(0))
            return Answer(float(total), total, None, len(chosen), low=float(total), high=float(total))

        rows = [{**r, "on": r["spent_on"]} for r in self.w.rows("spend")]
        return lambda pick: self._over(rows, self._spend_until(), pick, judge)

    # -- revenue -----------------------------------------------------------------------------------------------------

    def orders_per_client(self, pick: Pick) -> dict[Slice | None, Answer]:
        def judge(rows: Rows) -> Answer:
            groups = clustered(rows, buyer)
            return self.ratio(groups, lambda g: len(orders(g)), lambda g: len(active(g)), spread=True)

        return self._sales(pick, judge)

    def products_per_client(self, pick: Pick) -> dict[Slice | None, Answer]:
        def products(g: Rows) -> int:
            bought = {r["product_id"] for r in g if r["account_id"] is not None and r["amount"] > 0}
            return len(bought - {None})

        def judge(rows: Rows) -> Answer:
            return self.ratio(clustered(rows, buyer), products, lambda g: len(active(g)), spread=True)

        return self._sales(pick, judge)

    def gross_margin(self, pick: Pick) -> dict[Slice | None, Answer]:
        def judge(rows: Rows) -> Answer:
            known = sum(self.margin_of(r) is not None for r in rows)
            return self.total(clustered(rows, buyer), self._margin, known)

        return self._sales(pick, judge)

    def _margin(self, rows: Rows) -> Fraction:
        return sum((m for r in rows if (m := self.margin_of(r)) is not None), Fraction(0))

    def gross_margin_rate(self, pick: Pick) -> dict[Slice | None, Answer]:
        def known(g: Rows) -> Fraction:
            return sum((Fraction(r["amount"]) for r in g if self.margin_of(r) is not None), Fraction(0))

        def judge(rows: Rows) -> Answer:
            n = sum(self.margin_of(r) is not None for r in rows)
            return self.ratio(clustered(rows, buyer), self._margin, known, n)

        return self._sales(pick, judge)

    def realised_price(self, pick: Pick) -> dict[Slice | None, Answer]:
        def judge(rows: Rows) -> Answer:
            both = [r for r in rows if r["list_amount"] is not None and not r.get("unpriced")]
            groups = clustered(both, buyer)
            return self.ratio(
                groups,
                lambda g: sum(r["amount"] for r in g),
                lambda g: sum(r["list_amount"] for r in g),
                len(both),
            )

        return self._sales(pick, judge)

    def repeat_revenue_share(self, pick: Pick) -> dict[Slice | None, Answer]:
        since = {r["account_id"]: None for r in self.w.sales_lines()}
        since = {a: self.w.since_of_account(a) for a in since if a is not None}

        def repeated(g: Rows) -> Decimal:
            return sum(
                (r["amount"] for r in g if (s := since.get(r["account_id"])) and r["on"] > s), Decimal(0)
            )

        def judge(rows: Rows) -> Answer:
            everything = clustered(rows, buyer)
            return self.ratio(
                everything, repeated, lambda g: sum(r["amount"] for r in g), len(rows), part=True
            )

        return self._sales(pick, judge)

    def _looking_back(
        self, pick: Pick, judge: Callable[[Groups, Groups], Answer]
    ) -> dict[Slice | None, Answer]:
        lines, before = self.w.sales_lines(), self.period.previous()
        complete = self.available(self.w.as_of([self.w.sales_table()]), (r["on"] for r in lines))
        if complete is None:
            return {None: Answer.none()}
        earlier = Brute(self.w, before.start, before.last)
        own = [r for r in lines if r["account_id"] is not None]
        now = self.slices((r for r in own if self.inside(r["on"])), pick)
        then = self.slices((r for r in own if earlier.inside(r["on"])), pick)
        unknown = bool(lines) and before.last < min(r["on"] for r in lines)
        found = {}
        for by in {*now, *then}:
            answer = Answer.none() if unknown else judge(now.get(by, []), then.get(by, []))
            answer.short = not complete
            answer.immature = answer.immature or not complete
            found[by] = answer
        return found

    def retention(self, pick: Pick) -> dict[Slice | None, Answer]:
        def judge(now: Any, then: Any) -> Answer:
            before, kept = active(then), active(then) & active(now)
            if not before:
                return Answer(None, 0, 0, 0)
            e = shares.wilson(len(kept), len(before), n_unit="").estimate
            return Answer(
                len(kept) / len(before), len(kept), len(before), len(before), low=e.low, high=e.high
            )

        return self._looking_back(pick, judge)

    def net_revenue_retention(self, pick: Pick) -> dict[Slice | None, Answer]:
        def judge(now: Any, then: Any) -> Answer:
            groups = [
                [{"now": sum(r["amount"] for r in now if r["account_id"] == a)},
                 {"then": sum(r["amount"] for r in then if r["account_id"] == a)}]
                for a in sorted(active(then))
            ]  # fmt: skip
            return self.ratio(groups, lambda g: g[0]["now"], lambda g: g[1]["then"], len(groups))

        return self._looking_back(pick, judge)

    def profit(self, pick: Pick) -> dict[Slice | None, Answer]:
        margin, spent = self.gross_margin(pick), self.spend(pick)
        if margin[None].top is None or spent[None].top is None:
            return {None: Answer.none()}
        found = {}
        for by in {*margin, *spent}:
            m, s = margin.get(by) or Answer(0.0, Fraction(0)), spent.get(by) or Answer(0.0, Fraction(0))
            value = Fraction(m.top) - Fraction(s.top)
            low, high = (None, None) if m.low is None else (m.low - float(s.top), m.high - float(s.top))
            immature = margin[None].immature or spent[None].immature
            found[by] = Answer(float(value), value, None, m.n, immature=immature, low=low, high=high)
        return found

    def on_time_delivery(self, pick: Pick) -> dict[Slice | None, Answer]:
        as_of = self.w.as_of(["orders"])

        def judge(rows: Rows) -> Answer:
            promised = [r for r in rows if r["promised_on"] is not None]
            due = [r for r in promised if r["promised_on"] <= as_of]
            young = len(promised) - len(due)
            in_time = [r["delivered_on"] is not None and r["delivered_on"] <= r["promised_on"] for r in due]
            if not due:
                return Answer(None, 0, 0, 0, young, young > 0)
            for r, good in zip(due, in_time, strict=True):
                r["good"] = good
            groups = clustered(due, buyer)
            e = shares.clustered_share(
                [sum(r["good"] for r in g) for g in groups], [len(g) for g in groups]
            ).estimate
            return Answer(
                sum(in_time) / len(due),
                sum(in_time),
                len(due),
                len(due),
                young,
                young > 0,
                low=e.low,
                high=e.high,
            )

        return self._sales(pick, judge)

    # -- marketing ---------------------------------------------------------------------------------------------------

    def qualified_leads(self, pick: Pick) -> dict[Slice | None, Answer]:
        rows = [{**r, "on": day_of(r["qualified_at"])} for r in self.w.leads()]
        return self._events(rows, self.w.as_of(["leads"]), pick)

    def qualification_rate(self, pick: Pick) -> dict[Slice | None, Answer]:
        as_of = self.w.as_of(["leads"])

        def judge(rows: Rows) -> Answer:
            old = [r for r in rows if (as_of - r["on"]).days >= 90]
            young = len(rows) - len(old)
            if not old:
                return Answer(None, 0, 0, 0, young, young > 0)
            good = {
                r["lead_id"]
                for r in old
                if r["qualified_at"] is not None and (day_of(r["qualified_at"]) - r["on"]).days <= 90
            }
            groups = clustered(
                old, lambda r: ("a", r["account_id"]) if r["account_id"] else ("l", r["lead_id"])
            )
            e = shares.clustered_share(
                [sum(r["lead_id"] in good for r in g) for g in groups], [len(g) for g in groups]
            ).estimate
            return Answer(
                len(good) / len(old), len(good), len(old), len(old), young, young > 0, low=e.low, high=e.high
            )

        if self.blind(outcomes_from(self.w, {"leads": "qualified_at"}), 90):
            return {None: Answer.none()}
        rows = [{**r, "on": r["created_on"]} for r in self.w.leads()]
        known = outcomes_from(self.w, {"leads": "qualified_at"})
        return no_noughts(self._over(rows, as_of, pick, judge), self.blind(known))

    def cost_per_lead(self, pick: Pick) -> dict[Slice | None, Answer]:
        spent = self.booked(lambda r: r["department"] in (None, "marketing") and r["audience"] != "existing")(
            pick
        )

        def judge(rows: Rows) -> Answer:
            return counted(sum(r["sourced_by"] in (None, "marketing") for r in rows))

        rows = [{**r, "on": r["created_on"]} for r in self.w.leads()]
        return self.quotient(spent, self._over(rows, self.w.as_of(["leads"]), pick, judge), counted(0))

    def cost_per_result(self, pick: Pick) -> dict[Slice | None, Answer]:
        def judge(rows: Rows) -> Answer:
            chosen = [r for r in rows if r["kind"] == "enquiries"]
            total = sum((Fraction(str(r["count"])) for r in chosen), Fraction(0))
            return Answer(float(total), total, None, len(chosen))

        rows = self.w.rows("results")
        until = self.w.as_of(["results"]) or self.w.as_of(self.w.until)
        return self.quotient(self.spend(pick), self._over(rows, until, pick, judge), Answer(0.0, Fraction(0)))

    def revenue_per_lead(self, pick: Pick) -> dict[Slice | None, Answer]:
        as_of = self.value_as_of()
        if as_of is None:
            return {None: Answer.none()}
        brought: dict[str, Fraction] = {}
        for c in self.clients():
            if c["lead_id"] is not None:
                brought[c["lead_id"]] = brought.get(c["lead_id"], Fraction(0)) + c["revenue"]

        def judge(rows: Rows) -> Answer:
            episodes = [r for r in rows if r["opens"] and not r["existing"]]
            old = [r for r in episodes if (as_of - r["created_on"]).days >= 90 + YEAR]
            young = len(episodes) - len(old)
            groups = clustered(
                old, lambda r: ("a", r["account_id"]) if r["account_id"] else ("l", r["lead_id"])
            )

            def top(g: Rows) -> Fraction:
                won = [r for r in g if r["converts"] and r["days"] <= 90]
                return sum((brought.get(r["lead_id"], Fraction(0)) for r in won), Fraction(0))

            found = self.ratio(groups, top, len, len(old))
            found.censored, found.immature = young, young > 0
            return found

        return no_noughts(self._episodes(pick, judge), self.blind(known_from(self.w)))

    def return_on_spend(self, pick: Pick) -> dict[Slice | None, Answer]:
        return self.quotient(self.revenue(pick), self.spend(pick), Answer(0.0, Fraction(0)))

    def new_client_spend_share(self, pick: Pick) -> dict[Slice | None, Answer]:
        def judge(rows: Rows) -> Answer:
            known = [r for r in rows if r["audience"] is not None]
            bottom = sum((r["amount"] for r in known), Decimal(0))
            top = sum((r["amount"] for r in known if r["audience"] == "new"), Decimal(0))
            if bottom <= 0:
                return Answer(None, top, bottom, len(known))
            value = float(Fraction(top) / Fraction(bottom))
            return Answer(value, top, bottom, len(known), low=value, high=value)

        rows = [{**r, "on": r["spent_on"]} for r in self.w.rows("spend")]
        return self._over(rows, self._spend_until(), pick, judge)

    # -- cost --------------------------------------------------------------------------------------------------------

    def _for_new(self, pick: Pick) -> dict[Slice | None, Answer]:
        return self.booked(lambda r: r["audience"] in (None, "new", "both"))(pick)

    def cost_per_sale_cohort(self, pick: Pick) -> dict[Slice | None, Answer]:
        as_of = self.w.as_of(self.w.client_tables())

        def judge(rows: Rows) -> Answer:
            episodes = [r for r in rows if r["opens"] and not r["existing"]]
            if any((as_of - r["created_on"]).days < 90 for r in episodes):
                return Answer(None, 0)
            return counted(len([r for r in episodes if r["converts"] and r["days"] <= 90]))

        return self.quotient(self._for_new(pick), self._episodes(pick, judge), counted(0))

    def cost_to_serve(self, pick: Pick) -> dict[Slice | None, Answer]:
        lines = [{**r, "cents": Fraction(0)} for r in self.w.sales_lines()]
        touches = []
        for r in self.w.rows("touches"):
            minutes = self.minutes.get(r["channel"]) if r["minutes"] is None else r["minutes"]
            minutes = 0 if r["automated"] is True else minutes
            hour = self.per_hour.get(r["department"])
            known = r["department"] in ("sales", "service") and minutes is not None and hour is not None
            cost = Fraction(str(minutes)) * Fraction(str(hour)) / 60 if known else Fraction(0)
            touches.append(
                {
                    **r,
                    "on": day_of(r["touched_at"]),
                    "cents": cost,
                    "amount": Decimal(0),
                    "order_id": r["touch_id"],
                }
            )

        def one(r: Mapping[str, Any]) -> Any:
            return r["account_id"] or ("alone", "touched_at" in r, r["order_id"])

        def judge(rows: Rows) -> Answer:
            return self.ratio(
                clustered(rows, one), lambda g: sum(r["cents"] for r in g), lambda g: len(active(g))
            )

        tables = ["touches", self.w.sales_table()]
        return self._over([*lines, *touches], self.w.as_of(tables), pick, judge, self.w.latest(tables))

    def payback_months(self, pick: Pick) -> dict[Slice | None, Answer]:
        as_of = self.value_as_of()

        def judge(rows: Rows) -> Answer:
            if any((as_of - r["on"]).days < YEAR for r in rows):
                return Answer(None, 0)
            margin = sum((r["margin"] for r in rows), Fraction(0)) / 12
            return Answer(float(margin), margin, None, len(rows))

        if as_of is None:
            return {None: Answer.none()}
        if self.blind(clients_told_from(self.w)[0]):
            return {None: Answer.none()}
        tables = self.w.client_tables()
        clients = self._over(self.clients(), self.w.as_of(tables), pick, judge, self.w.latest(tables))
        return self.quotient(self._for_new(pick), clients, Answer(0.0, Fraction(0)))


def _quantile(values: Iterable[float], q: float) -> float:
    found = sorted(values)
    place = q * (len(found) - 1)
    low = int(place)
    high = min(low + 1, len(found) - 1)
    return found[low] + (place - low) * (found[high] - found[low])
