"""The money at stake is what its basis says: each amount of the sample company again, in plain pandas."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from alignment_toolkit.catalog import Catalog
from alignment_toolkit.company import Company
from alignment_toolkit.indicator import Observation
from alignment_toolkit.kpi import measure
from alignment_toolkit.periods import Period

CATALOG = Catalog.load()
Q3 = Period.parse("2026-Q3")
START, END = "2026-07-01", "2026-10-01"


class Rows:
    """The sample's files, read once each."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._read = folder, dict[str, pd.DataFrame]()

    def __call__(self, name: str, date: str = "", start: str = START, end: str = END) -> pd.DataFrame:
        if name not in self._read:
            self._read[name] = pd.read_csv(self.folder / f"{name}.csv")
        rows = self._read[name]
        return rows[(rows[date] >= start) & (rows[date] < end)].copy() if date else rows


@pytest.fixture(scope="module")
def rows(sample_dir: Path) -> Rows:
    return Rows(sample_dir)


def measure_of(seen: Observation, name: str) -> float:
    return float(next(m.value for m in seen.measures if m.name == name) or 0.0)


def portfolio(rows: Rows, seen: Observation) -> float:
    spend = rows("spend", "spent_on")
    products = rows("campaigns").set_index("campaign_id").product_id
    named = spend.product_id.fillna(spend.campaign_id.map(products)).notna()
    spent = spend.amount[named & (spend.department == "marketing")].sum()
    return float(spent * measure_of(seen, "marketing_to_move"))


def ambition(rows: Rows, seen: Observation) -> float:
    prices = rows("plan").query("measure == 'price'").pivot(index="key", columns="department", values="value")
    revenue = rows("orders", "ordered_at").groupby("product_id").amount.sum()
    return float((revenue.reindex(prices.index).fillna(0) * (prices.marketing - prices.sales).abs()).sum())


def premium(rows: Rows, seen: Observation) -> float:
    own = rows("value_ratings").query("owner == 'own'").product_id.unique()
    orders = rows("orders", "ordered_at")
    sold = orders.amount[orders.product_id.isin(own)].sum()
    value = float(seen.gap.estimate.value or 0.0)
    return float(sold - sold / (1 + value))


def launch(rows: Rows, seen: Observation) -> float:
    leads = rows("leads", "qualified_at").dropna(subset=["campaign_id", "received_by"])
    products = rows("campaigns").set_index("campaign_id").product_id
    training = rows("training")
    untrained = []
    for lead in leads.itertuples():
        fits = (training.campaign_id == lead.campaign_id) | (
            training.product_id == products[lead.campaign_id]
        )
        own = training[(training.actor == lead.received_by) & fits]
        untrained.append(not (own.trained_on < lead.qualified_at[:10]).any())
    share = pd.Series(untrained, index=leads.index).groupby(leads.campaign_id).mean()
    spend = rows("spend", "spent_on").query("department == 'marketing'")
    return float((spend.groupby("campaign_id").amount.sum() * share).sum())


def rush(rows: Rows, seen: Observation) -> float:
    deals = rows("opportunities", "closed_at", "2025-10-01").query("outcome == 'won'")
    day = pd.to_datetime(deals.closed_at).dt.normalize()
    # Days from here to the quarter's last one, Monday to Friday, this one included where it is one.
    last = day + pd.offsets.QuarterEnd(0)
    to_go = [len(pd.bdate_range(a, b)) for a, b in zip(day, last, strict=True)]
    rushed = pd.Series([n <= 5 for n in to_go], index=deals.index)
    starts = rows("accounts").set_index("account_id").fiscal_year_starts
    year_end = (deals.account_id.map(starts) - 2) % 12 + 1
    kept = ~(rushed & (day.dt.month == year_end))
    cut = 1 - deals.amount / deals.list_amount
    # Of the same people: each person's difference, weighed by how much of a comparison there is.
    told = pd.DataFrame({"owner": deals.owner, "rushed": rushed, "cut": cut})[kept]
    sides = told.groupby(["owner", "rushed"]).cut.agg(["mean", "size"]).unstack()
    both = sides.dropna()
    weight = both["size", True] * both["size", False] / (both["size", True] + both["size", False])
    more = ((both["mean", True] - both["mean", False]) * weight).sum() / weight.sum()
    assert seen.money is not None
    assert "within people" in seen.money.basis
    return float(more * deals.list_amount[kept & rushed].sum())


def discarded(rows: Rows, seen: Observation) -> float:
    orders, total = rows("orders"), 0.0
    day = pd.to_datetime(orders.ordered_at).dt.normalize()
    since = rows("accounts").set_index("account_id").client_since
    for record in seen.evidence.records():
        own = orders.account_id == record["account_id"]
        first = pd.Timestamp(str(record["client_since"])).normalize()
        assert first == min([day[own].min(), *pd.to_datetime(since[[record["account_id"]]]).dropna()])
        total += float(orders.amount[own & (day <= first + pd.Timedelta(days=365))].sum())
    return total


def dropped(rows: Rows, seen: Observation) -> float:
    bought = rows("orders", "ordered_at")
    per_client = bought.amount.sum() / bought.account_id.nunique()
    late = len(seen.evidence.records())  # those still waiting when the data ends are not among them
    return float(late * measure_of(seen, "lost_conversion") / 100 * per_client)


def clients(rows: Rows, seen: Observation) -> float:
    """Expected values come from a model, tested elsewhere: here they must add up, each client not met once."""
    records = seen.evidence.records()
    met = rows("touches", "touched_at", "2026-07-03")
    met = met[~met.automated & met.channel.isin(["email", "phone", "meeting", "visit", "chat"])]
    assert not set(met.account_id) & {r["account_id"] for r in records}
    assert len({r["account_id"] for r in records}) == len(records)
    return float(sum(r["value"] for r in records))


def discount(rows: Rows, seen: Observation) -> float:
    """What a salesperson gives beyond the usual comes from a mixed model; the money is that times the list value."""
    deals = rows("opportunities", "closed_at", "2025-10-01").query("outcome == 'won' and list_amount > 0")
    listed = deals.groupby(deals.owner).list_amount.sum()
    beyond = {r["owner"]: max(r["difference"], 0.0) for r in seen.evidence.records()}
    return float(sum(listed[owner] * points / 100 for owner, points in beyond.items()))


AMOUNTS: dict[str, Callable[[Rows, Observation], float]] = {
    "portfolio_mismatch": portfolio,
    "price_ambition": ambition,
    "unbacked_price": premium,
    "untrained_launch": launch,
    "quarter_end_rush": rush,
    "discarded_leads": discarded,
    "dropped_leads": dropped,
    "neglected_clients": clients,
    "price_selling": discount,
}


@pytest.mark.parametrize("id", sorted(AMOUNTS))
def test_money_is_what_its_basis_says(id: str, sample: Company, rows: Rows) -> None:
    arpu = CATALOG.chosen_kpis(["arpu"])
    measured = {r.kpi: r for r in measure(sample, arpu, Q3) if not r.by} if id == "dropped_leads" else {}
    look = CATALOG.indicators[id].look(sample, Q3, first=date(2024, 10, 1), measured=measured)
    assert look.error is None
    assert look.seen is not None
    expected = AMOUNTS[id](rows, look.seen)
    if look.seen.money is None:
        assert expected == pytest.approx(0.0, abs=0.005)
        return
    money = look.seen.money
    assert money.value == pytest.approx(expected, rel=1e-9)
    assert money.low is not None
    assert money.high is not None
    assert money.low <= money.value <= money.high
    assert money.currency == "EUR"


def test_every_indicator_that_tells_money_is_looked_at() -> None:
    """Those that take what `conversion` makes of theirs have their own tests of it."""
    source = {
        id: Path(entry.function.__code__.co_filename).read_text("utf-8")
        for id, entry in CATALOG.indicators.items()
    }
    telling = {id for id, text in source.items() if "Money(" in text}
    assert telling == set(AMOUNTS)
