"""Are deals won at the quarter's end more than on other days?

**Question.** Are more deals won in the last days of the company's own quarters than these days would bring by
themselves?

**Gap.** The share of won opportunities that were closed in the last `days` working days (5) of fiscal
quarters, or on a day off between them, minus these days' share of the working days in the window. Wins in
these days of a client's own last quarter-end (`accounts.fiscal_year_starts`) are left out, and for this
client these days count nowhere. Days before the first closing on record, won or lost, in the whole company
count nowhere either: where records begin in November, October has no deals because nobody wrote them down.

**Estimand.** The share of the process that closes deals, minus what an even spread gives: 0 in a company that
closes when the client is ready. **Interval.** Wilson's on the effective number of deals, accounts being what
repeats, minus the days' share. **Margin.** 10 percentage points: budgets that end with the quarter bring some
deals forward by themselves; with ten points more, the last five days carry more than twice their share.
**Minimum.** 50 wins and 4 quarter-ends since records began.

**Worked example.** Four quarters of 65 working days: the last five of each are 20 of 260, 7.7 %. Six deals are
won, two of them in these days: gap = 2/6 - 20/260 = 25.6 percentage points.

**When it lies.** Clients may spend a budget at their own year's end; where their fiscal year is not known, it
is taken for no reason. A season that falls on a quarter's last month moves deals there without any push: see
the last days of other months (measure "other months' ends"). Deals are sometimes only entered at the end.

**What to do.** Look at what was given away in these days (measure "discount"), and set targets by what is
ready, not by the calendar.

**Literature.** Oyer (1998), Fiscal Year Ends and Nonlinear Incentive Contracts, Quarterly Journal of
Economics 113. Larkin (2014), The Cost of High-Powered Incentives, Journal of Labor Economics 32. Korn and
Graubard (1998), Survey Methodology 24.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from alignment_toolkit.indicator import DEAL_ENDS, LEAD_ENDS, Data, Observation, evidence, indicator
from alignment_toolkit.indicator.parts import between, without_rate
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.relations import alive
from alignment_toolkit.results import Chart, Column, Guard, Measure, Money
from alignment_toolkit.statistics.between import compared_means
from alignment_toolkit.statistics.clustered import share_of_rows
from alignment_toolkit.statistics.shares import clustered_part
from alignment_toolkit.statistics.whale import leave_one_out
from alignment_toolkit.statistics.working_time import is_working_day, working_days_to_go

BLOCK = 5
MOVED = 0.02


@indicator(
    question="Are deals won at the quarter's end more than on other days?",
    title="Deals are won about evenly over the quarter",
    failure_title="More deals are won at the quarter's end than on other days",
    nature="tactical",
    area="clients",
    kind="contrast",
    unit="share",
    margin=0.10,
    enough={"wins": 50, "quarter-ends": 4},
    window="trailing-12-months",
    population="opportunities won in twelve months, without those at a client's own year-end",
    needs={"opportunities": ("opportunity_id", "closed_at", "outcome")},
    uses={
        "opportunities": ("account_id", "owner", "amount", "list_amount", "deleted_at"),
        "accounts": ("account_id", "fiscal_year_starts"),
    },
    looked_up=("accounts",),
    outcomes={"opportunities": DEAL_ENDS, "leads": LEAD_ENDS},
    says=(
        "{rushed} of {n} deals were won in the last {days} working days of a quarter. Their share of the deals minus "
        "the share of these days among all working days is {gap}."
    ),
    who=("sales", "marketing"),
    advice=(
        "Compare what was given away in these days with the rest of the quarter. Let targets follow what is ready, "
        "and let marketing plan its offers away from the last week."
    ),
    innocent={
        "marketing": "Offers may end with the quarter because the budget does.",
        "sales": "Clients know the calendar too, and wait for the last week because it has paid before.",
    },
)
def quarter_end_rush(data: Data, window: Period, *, days: int = 5) -> Observation:
    """A deal that is brought forward into the quarter may cost a discount now, and leaves an empty week after.

    Clients can learn to wait for the last days. What looks like a strong finish may be taken from the
    next quarter's start.
    """
    end = min(window.end, (data.as_of("opportunities") or window.last) + timedelta(days=1))
    start = min(max(window.start, data.first_day("opportunities", "closed_at") or end), end)
    ends = _quarter_ends(data, start, end)
    calendar = _calendar(data, start, end, ends, days)
    wins = _wins(data, start, end).merge(calendar, on="on", how="left", validate="many_to_one")
    kept = wins[~(wins.own_year_end & wins.rush)].reset_index(drop=True)
    usual = _usual(kept, calendar)
    accounts = kept.account_id.fillna(kept.opportunity_id)
    gap = share_of_rows(kept.rush, n_unit="deals", accounts=accounts).shifted(usual, space=(-1.0, 1.0))
    discount, money, unclear = _discount(data, kept)
    rushed = kept[kept.rush]
    title = say(
        "{rushed:,} of {kept:,} deals were won in the last {days} working days of a quarter",
        rushed=len(rushed),
        kept=len(kept),
        days=days,
    )
    return Observation(
        gap=gap,
        values={"rushed": say("{rushed:,}", rushed=len(rushed))},
        counts={"wins": len(kept), "quarter-ends": len([d for d in ends if start <= d < end])},
        measures=[*_measures(kept, calendar, accounts, usual), *discount],
        money=money,
        guards=[*_guards(kept, accounts, usual, data.margin), *unclear, *_unrated(kept)],
        evidence=evidence(*_evidence(rushed)),
        chart=_chart(kept, calendar, title),
    )


def _quarter_ends(data: Data, start: date, end: date) -> list[date]:
    """Give the last days of the company's fiscal quarters, from the first in the window to the first behind it."""
    years = range(start.year - 1, end.year + 3)
    return sorted(data.period_of(f"FY{year}-Q{q}").last for year in years for q in (1, 2, 3, 4))


def _calendar(data: Data, start: date, end: date, ends: list[date], days: int) -> pd.DataFrame:
    """Give every day of the window: worked on, working days to go in its quarter and in its month, among the last."""
    on = pd.date_range(start, end - timedelta(days=1), freq="D").as_unit("us")
    months = pd.date_range(start, end + timedelta(days=31), freq="ME")
    made = pd.DataFrame({"on": on, "works": is_working_day(data.calendar, on)})
    made["to_go"] = working_days_to_go(data.calendar, on, ends)
    made["rush"] = made.to_go < days
    made["month_end"] = ~made.rush & (working_days_to_go(data.calendar, on, months) < days)
    return made


def _wins(data: Data, start: date, end: date) -> pd.DataFrame:
    """Give the wins of the window, and whether each falls in the last month of its client's own fiscal year."""
    t = alive(data.money("opportunities"), "closed_at")
    t = t.filter(t.outcome == "won", t.closed_at >= str(start), t.closed_at < str(end))
    kept = [
        "opportunity_id",
        "closed_at",
        *(c for c in ("account_id", "owner", "amount", "list_amount", "unrated") if c in t.columns),
    ]
    t = t.select(*kept)
    if "account_id" in kept and data.has("accounts", "account_id", "fiscal_year_starts"):
        accounts = data["accounts"]
        accounts = accounts.select(_account=accounts.account_id, year_starts=accounts.fiscal_year_starts)
        t = t.left_join(accounts, t.account_id == accounts._account).drop("_account")
    rows = data.fetch(t.order_by(["closed_at", "opportunity_id"]))
    for column in ("account_id", "year_starts", "unrated"):
        rows[column] = rows[column] if column in rows.columns else None
    rows["last_month"] = (pd.to_numeric(rows.year_starts) - 2) % 12 + 1
    rows["on"] = pd.to_datetime(rows.closed_at).dt.normalize().astype("datetime64[us]")
    return rows.assign(own_year_end=rows.on.dt.month == rows.last_month)


def _usual(kept: pd.DataFrame, calendar: pd.DataFrame) -> float:
    """Give the last days' share of the working days, averaged over the wins; a client's own year-end counts nowhere."""
    worked = calendar[calendar.works]
    if worked.empty or kept.empty:
        return 0.0
    shares = {
        month: float(own.rush.mean()) if len(own) else 0.0
        for month in range(1, 13)
        for own in [worked[~(worked.rush & (worked.on.dt.month == month))]]
    }
    return float(kept.last_month.map(shares).fillna(float(worked.rush.mean())).mean())


def _measures(kept: pd.DataFrame, calendar: pd.DataFrame, accounts: pd.Series, usual: float) -> list[Measure]:
    if kept.empty:
        return []
    days = calendar.month_end[calendar.works].mean()
    plain = share_of_rows(kept.month_end, n_unit="deals", accounts=accounts)
    label = say("The same for the last working days of months that end no quarter")
    found = [
        Measure.of("other_months_ends", label, plain.shifted(float(days) if days == days else 0.0).estimate)
    ]
    if "amount" in kept.columns and kept.unrated.isna().all():
        worth = kept.amount.astype(float).fillna(0.0)
        by = pd.DataFrame({"part": worth * kept.rush, "whole": worth}).groupby(accounts).sum()
        p, w = by.part.to_numpy(), by.whole.to_numpy()
        told = clustered_part(p.sum(), w.sum(), p @ p, p @ w, w @ w, len(by), n_unit="deals", n=len(kept))
        label = say(
            "The same, deals weighing by their amount (their share; {usual:.1f} % would be even)",
            usual=100 * usual,
        )
        found.append(Measure.of("by_value", label, told))
    return found


def _discount(data: Data, kept: pd.DataFrame) -> tuple[list[Measure], Money | None, list[Guard]]:
    """Give how much more discount was given in the last days, what that came to, and what speaks against it."""
    if not {"amount", "list_amount"} <= set(kept.columns):
        return [], None, []
    told = kept[(kept.list_amount.astype(float) > 0) & kept.amount.notna()]
    listed = told.list_amount.astype(float)
    cut = 1 - told.amount.astype(float) / listed
    whose = {"people": "owner", "accounts": "account_id"}
    kinds = {kind: told[c] for kind, c in whose.items() if c in told.columns}
    seen = compared_means(told.rush, cut, n_unit="deals", unit="share", **kinds)
    e = seen.gap.estimate
    unclear = between(seen, say("In their discount, deals won in the last days of a quarter and the others"))
    if e.value is None or e.low is None or e.high is None:
        return [], None, unclear
    measures = [
        Measure.of("discount", say("Discount in these days minus that of other deals"), e.in_points())
    ]
    total = float(listed[told.rush].sum())
    basis = say(
        "associational: list value of the deals won in these days x their discount beyond that of other deals ({how})",
        how=e.method,
    )
    money = Money(e.value * total, e.low * total, e.high * total, data.currency, basis)
    at_stake = e.value > 0 and told.unrated[told.rush].isna().all()
    return measures, money if at_stake else None, unclear


def _unrated(kept: pd.DataFrame) -> list[Guard]:
    first = min(kept.unrated.dropna(), default=None)
    return without_rate(
        first, say("deals do not weigh by their amount, and what is at stake may not be told")
    )


def _guards(kept: pd.DataFrame, accounts: pd.Series, usual: float, margin: float) -> list[Guard]:
    rows = np.column_stack([kept.rush.astype(float), np.ones(len(kept))])
    whale = leave_one_out(list(accounts), rows, margin=margin + usual)
    if not whale.fires or whale.without is None or whale.value is None:
        return []
    if abs(whale.without - whale.value) < MOVED:
        return []
    said = say(
        "Without the one account that weighs most the difference would be {without:.1f}",
        without=100 * (whale.without - usual),
    )
    return [Guard("one_whale", say("{said} percentage points.", said=said))]


def _evidence(rushed: pd.DataFrame) -> tuple[pd.DataFrame, list[Column]]:
    columns = [
        Column("opportunity_id", say("Opportunity"), None, "id"),
        Column("closed_at", say("Won"), None, "time"),
    ]
    columns.append(Column("account_id", say("Account"), None, "id"))
    if "amount" in rushed.columns and rushed.unrated.isna().all():
        rushed = rushed.assign(amount=rushed.amount.astype(float))
        rushed = rushed.sort_values(["amount", "opportunity_id"], ascending=[False, True])
        columns.append(Column("amount", say("Amount"), "money", "measure"))
    return rushed, columns


def _chart(kept: pd.DataFrame, calendar: pd.DataFrame, title: str) -> Chart | None:
    """Draw the wins by working days to go in the quarter, five at a time."""
    worked = calendar[calendar.works]
    if kept.empty or worked.empty:
        return None
    rows = []
    for block in range(int(worked.to_go.max()) // BLOCK, -1, -1):
        here = kept.to_go // BLOCK == block
        span = say("{first} to {last}", first=BLOCK * block + 1, last=BLOCK * (block + 1))
        rows.append({"working_days_to_go": span, "won": float(here.mean()), "n": int(here.sum())})
    even = float((worked.to_go // BLOCK == 0).mean())
    return Chart("bars", "working_days_to_go", "won", rows=tuple(rows[-12:]), reference=even, title=title)
