"""Paths to sales once more: in plain Python for made-up worlds, in pandas for the sample."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pandas as pd

from alignment_toolkit.attribution import Path


class Walker:
    """The paths of a made-up world, looked up step by step in plain Python."""

    def __init__(self, world, lookback):
        self.world, self.lookback = world, lookback
        self.leads = world.lead_by_id()

    def owner(self, account, lead):
        if account is None and lead in self.leads:
            deals = [d["account_id"] for d in self.world.rows("opportunities") if d["lead_id"] == lead]
            account = self.leads[lead]["account_id"] or min((a for a in deals if a is not None), default=None)
        return f"account {account}" if account is not None else lead and f"lead {lead}"

    def steps(self):
        found = {}
        for r in self.leads.values():
            who = self.owner(r["account_id"], r["lead_id"])
            step = (r["created_at"], "lead", r["lead_id"], r["channel"] or "(missing)")
            found.setdefault(who, []).append(step)
        for r in self.world.rows("touches"):
            who, lead = self.owner(r["account_id"], r["lead_id"]), self.leads.get(r["lead_id"])
            near = lead and abs(r["touched_at"] - lead["created_at"]) <= timedelta(hours=1)
            if who and not (near and r["direction"] == "inbound"):
                name = "(missing)" + (" (sales)" if r["department"] == "sales" else "")
                found.setdefault(who, []).append((r["touched_at"], "touch", r["touch_id"], name))
        return {who: sorted(rows) for who, rows in found.items()}

    def sales(self, of):
        """Give the moments of each journey's sales."""
        deals = [
            (self.owner(r["account_id"], r["lead_id"]), r["closed_at"])
            for r in self.world.rows("opportunities")
            if r["outcome"] == "won" and r["closed_at"]
        ]
        events = deals + [
            (self.owner(r["account_id"], r["lead_id"]), r["converted_at"])
            for r in self.leads.values()
            if r["converted_at"]
        ]
        events += [
            (f"account {r['account_id']}", r["ordered_at"])
            for r in self.world.rows("orders")
            if r["account_id"] is not None and r["amount"] > 0
        ]
        if of == "won_deal":
            days, events, pick = {(who, at.date()) for who, at in deals if who}, deals, max
        else:
            loose = {r["lead_id"] for r in self.leads.values() if r["account_id"] is None}
            days, pick = set(), min
            for c in self.world.clients():
                alone = c["client"] in loose
                days.add((self.owner(None if alone else c["client"], c["client"]), c["on"]))
        found = {}
        for who, on in days:
            timed = [at for w, at in events if w == who and at.date() == on and at.time() != time(0)]
            found.setdefault(who, []).append(pick(timed) if timed else datetime.combine(on, time(23, 59, 59)))
        return {who: sorted(moments) for who, moments in found.items()}

    def reached(self, moment, sale, previous):
        """Say whether a path to a sale reaches back to a moment."""
        near = (sale.date() - moment.date()).days <= self.lookback
        return near and moment <= sale and (previous is None or moment > previous)

    def paths(self, period, of):
        steps, sales, found, untouched = self.steps(), self.sales(of), [], 0
        for who, moments in sales.items():
            for i, at in enumerate(moments):
                if not period.start <= at.date() <= period.last:
                    continue
                before_that = moments[i - 1] if i else None
                path = [s for s in steps.get(who, []) if self.reached(s[0], at, before_that)]
                opened = [
                    r["opened_at"]
                    for r in self.world.rows("opportunities")
                    if r["account_id"] is not None
                    and f"account {r['account_id']}" == who
                    and self.reached(r["opened_at"], at, before_that)
                ]
                if not path:
                    untouched += 1
                    continue
                kinds = [s[1] for s in path]
                before = [k for k, s in enumerate(path) if opened and s[0] <= min(opened)]
                ages = tuple((at.date() - s[0].date()).days for s in path)
                lead = kinds.index("lead") if "lead" in kinds else -1
                names = tuple(s[3] for s in path)
                found.append(Path(names, True, ages, lead, before[-1] if before else -1))
        for who, rows in steps.items():
            bought = [m for m in sales.get(who, []) if m.date() <= period.last]
            if bought and of == "new_client":
                continue
            path = [s for s in rows if s[0].date() <= period.last and (not bought or s[0] > max(bought))]
            if path and path[-1][0].date() >= period.start:
                near = [s for s in path if (path[-1][0].date() - s[0].date()).days <= self.lookback]
                found.append(Path(tuple(s[3] for s in near), False))
        return sorted(found), untouched


def by_brute_force(folder, first, last, lookback):
    """Build the paths of the sample's new clients in pandas, row by row."""
    t = {
        n: pd.read_csv(folder / f"{n}.csv", dtype=str)
        for n in ("touches", "leads", "opportunities", "orders", "accounts", "campaigns")
    }
    when = datetime.fromisoformat
    made = {r.lead_id: when(r.created_at) for r in t["leads"].itertuples()}
    owner = {r.lead_id: r.account_id for r in t["leads"].itertuples() if isinstance(r.account_id, str)}
    for r in t["opportunities"].sort_values("account_id", ascending=False).itertuples():
        if isinstance(r.lead_id, str) and isinstance(r.account_id, str):
            lead_account = t["leads"].set_index("lead_id").account_id.get(r.lead_id)
            if not isinstance(lead_account, str):
                owner[r.lead_id] = r.account_id
    steps: dict[str, list] = {}
    for r in t["leads"].itertuples():
        mark = " (sales)" if r.sourced_by == "sales" else ""
        steps.setdefault(owner.get(r.lead_id, f"lead {r.lead_id}"), []).append(
            (made[r.lead_id], "lead", r.lead_id, f"{r.channel}{mark}")
        )
    for r in t["touches"].itertuples():
        at = when(r.touched_at)
        named = isinstance(r.lead_id, str)
        if named and r.direction == "inbound" and abs(at - made[r.lead_id]) <= timedelta(hours=1):
            continue
        who = r.account_id if isinstance(r.account_id, str) else owner.get(r.lead_id, f"lead {r.lead_id}")
        mark = " (sales)" if r.department == "sales" else ""
        steps.setdefault(who, []).append((at, "touch", r.touch_id, f"{r.channel}{mark}"))
    events: dict[str, list] = {}
    for r in t["opportunities"].itertuples():
        if r.outcome == "won":
            events.setdefault(r.account_id, []).append(when(r.closed_at))
    for r in t["leads"].itertuples():
        if isinstance(r.converted_at, str):
            events.setdefault(owner.get(r.lead_id, f"lead {r.lead_id}"), []).append(when(r.converted_at))
    for r in t["orders"].itertuples():
        if float(r.amount) > 0:
            events.setdefault(r.account_id, []).append(when(r.ordered_at))
    since = {
        r.account_id: when(r.client_since)
        for r in t["accounts"].itertuples()
        if isinstance(r.client_since, str)
    }
    day = {
        w: min([e.date() for e in events.get(w, [])] + ([since[w].date()] if w in since else []))
        for w in {*events, *since}
    }
    out = []
    for who, rows in steps.items():
        rows.sort()
        if who in day and first <= day[who] <= last:
            at = min(e for e in events[who] if e.date() == day[who])
            path = [r for r in rows if r[0] <= at and (day[who] - r[0].date()).days <= lookback]
            out += [(True, tuple(r[3] for r in path))] if path else []
        elif who not in day or day[who] > last:
            path = [r for r in rows if r[0].date() <= last]
            if path and path[-1][0].date() >= first:
                end = path[-1][0].date()
                out.append((False, tuple(r[3] for r in path if (end - r[0].date()).days <= lookback)))
    return sorted(out)
