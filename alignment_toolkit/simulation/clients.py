"""What clients do: they order, come back, send back, leave, and show signs of change."""

from __future__ import annotations

import numpy as np
import pandas as pd

from alignment_toolkit.simulation.clock import DAY, NEVER, Floats, Ints, later, somewhere
from alignment_toolkit.simulation.drawing import ids, only, optional, pick, pick_index
from alignment_toolkit.simulation.marketing import SEASON
from alignment_toolkit.simulation.world import World

RIVALS = ("Rival A", "Rival B", "Rival C", "Rival D", "Rival E")


def make_orders(world: World, deals: pd.DataFrame) -> pd.DataFrame:
    """Order lines: of won deals, of clients who come back (in seasons, until they leave), returns, counter sales."""
    rng = world.rng("orders")
    won = np.flatnonzero(deals["outcome"] == "won")
    amount = deals["amount"].to_numpy()
    closed = later(deals["closed_at"].to_numpy()[won], rng.uniform(0.2, 20, len(won)))
    first = pd.DataFrame({
        "_at": closed, "_account": deals["_account"].to_numpy()[won], "_deal": won, "_amount": amount[won],
        "_discount": deals["_discount"].to_numpy()[won], "_product": deals["_product"].to_numpy()[won],
    })  # fmt: skip
    orders = pd.concat([first, _again(world, rng), _unasked(world)], ignore_index=True)
    counter = round(0.02 * len(orders))
    orders = pd.concat([orders, pd.DataFrame({
        "_at": world.moments(rng, counter), "_account": -1, "_deal": -1,
        "_amount": np.exp(rng.normal(np.log(420), 0.5, counter)), "_discount": 0.0,
        "_product": pick_index(rng, world.recipe.products, counter),
    })], ignore_index=True)  # fmt: skip
    orders = orders[orders["_at"] < world.end].sort_values("_at", kind="stable", ignore_index=True)
    return _lines(world, rng, deals, orders)


def _again(world: World, rng: np.random.Generator) -> pd.DataFrame:
    count = world.recipe.accounts
    since = np.where(world.becomes_client == NEVER, np.iinfo(np.int64).max, world.becomes_client)
    clients = np.flatnonzero(since < world.end)
    opens = np.maximum(since[clients], world.start)
    shuts = np.minimum(opens + (rng.exponential(1000, len(clients)) * DAY).astype(np.int64), world.end)
    rate = rng.gamma(1.4, 1.7, len(clients)) / (365 * DAY)
    number = rng.poisson(rate * (shuts - opens))
    account = np.repeat(clients, number)
    begin, length = np.repeat(opens, number), np.repeat(shuts - opens, number)
    at = somewhere(begin, begin + length, rng.random(len(account)))
    quarter = (at.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64) % 12) // 3 + 1
    season = np.array([0.0, *(SEASON[q] for q in (1, 2, 3, 4))])[quarter] / max(SEASON.values())
    keep = rng.random(len(account)) < season
    account, at = account[keep], at[keep]
    worth = rng.gamma(6, 1 / 6, count)
    base = np.exp(rng.normal(np.log(3_900), 0.5, len(account)))
    mixed = (world.pushes["marketing"] + world.pushes["sales"]) / 2
    return pd.DataFrame({
        "_at": at, "_account": account, "_deal": -1,
        "_amount": base * worth[account] * (1 + 0.12 * world.z[account].clip(-2, 3)),
        "_discount": np.clip(rng.normal(0.05, 0.03, len(at)), 0, 0.2),
        "_product": pick_index(rng, world.recipe.products, len(at), mixed),
    })  # fmt: skip


def _unasked(world: World) -> pd.DataFrame:
    """The first orders of accounts that come by themselves, some time after they were given up."""
    rng = world.rng("unasked")
    account = np.flatnonzero(world.comes != NEVER)
    count = len(account)
    return pd.DataFrame({
        "_at": world.comes[account], "_account": account, "_deal": -1,
        "_amount": np.exp(rng.normal(np.log(3_900), 0.5, count)), "_discount": 0.0,
        "_product": pick_index(rng, world.recipe.products, count),
    })  # fmt: skip


def _lines(world: World, rng: np.random.Generator, deals: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    number = 1 + np.minimum(rng.poisson(0.45, len(orders)), 3)
    row = np.repeat(np.arange(len(orders)), number)
    place = np.arange(len(row)) - np.repeat(np.cumsum(number) - number, number)
    weight = np.where(place == 0, 2.0, rng.uniform(0.3, 1.0, len(row)))
    share = weight / np.bincount(row, weights=weight)[row]
    product = np.where(
        place == 0, orders["_product"].to_numpy()[row], pick_index(rng, world.recipe.products, len(row))
    )
    amount = np.round(orders["_amount"].to_numpy()[row] * share, 2)
    at = orders["_at"].to_numpy()[row]
    promised = at // DAY * DAY + rng.integers(5, 15, len(row)) * DAY
    delivered = promised + np.where(rng.random(len(row)) < 0.12, rng.integers(1, 9, len(row)), -1) * DAY
    lines = pd.DataFrame({
        "_order": row, "_at": at, "_account": orders["_account"].to_numpy()[row], "_product": product,
        "_deal": orders["_deal"].to_numpy()[row], "amount": amount,
        "_listed": amount / (1 - orders["_discount"].to_numpy()[row]),
        "channel": pick(rng, ("direct", "web", "partner"), len(orders), (0.6, 0.25, 0.15))[row],
        "promised_on": promised, "delivered_on": np.where(delivered < world.end, delivered, NEVER),
    })  # fmt: skip
    back = lines[(rng.random(len(lines)) < 0.025) & (lines["delivered_on"] != NEVER)].copy()
    back["_at"] = later(back["delivered_on"].to_numpy(), rng.uniform(8, 120, len(back)))
    part = np.where(rng.random(len(back)) < 0.6, 1.0, 0.5)
    back["amount"] = -np.round(back["amount"] * part, 2)
    back["_listed"] = -back["_listed"] * part
    back["promised_on"] = back["delivered_on"] = NEVER
    lines = pd.concat([lines, back[back["_at"] < world.end]]).sort_values(
        "_at", kind="stable", ignore_index=True
    )

    price = world.products["list_price"].to_numpy()[lines["_product"]]
    listed = lines["_listed"].to_numpy()
    quantity = np.sign(listed) * np.maximum(np.rint(np.abs(listed) / price), 1)
    margin = world.products["unit_cost"].to_numpy()[lines["_product"]] / price
    account = lines["_account"].to_numpy()
    region = only(account >= 0, world.region_names[world.region[account]])
    return pd.DataFrame({
        "order_id": ids("B", len(orders), 5)[lines["_order"]], "line_id": ids("BL", len(lines), 5),
        "ordered_at": lines["_at"], "amount": lines["amount"],
        "account_id": optional(ids("A", world.recipe.accounts, 5), account),
        "product_id": world.products["product_id"].to_numpy(object)[lines["_product"]],
        "quantity": quantity.astype(np.int64), "list_amount": np.round(listed, 2), "cost": np.round(listed * margin, 2),
        "opportunity_id": optional(deals["opportunity_id"].to_numpy(object), lines["_deal"].to_numpy()),
        "channel": lines["channel"], "region": region, "promised_on": lines["promised_on"],
        "delivered_on": lines["delivered_on"], "currency": "EUR",
    })  # fmt: skip


def make_commissions(world: World, deals: pd.DataFrame) -> pd.DataFrame:
    """Three per cent of what was won, month by month and region by region."""
    won = deals[deals["outcome"] == "won"]
    closed = pd.Series(won["closed_at"].to_numpy().astype("datetime64[s]"), index=won.index)
    month_end = closed.dt.to_period("M").dt.end_time.dt.floor("D").astype("datetime64[s]").astype("int64")
    frame = won.assign(spent_on=np.minimum(month_end.to_numpy(), world.end - DAY))
    total = frame.groupby(["spent_on", "region", "motion"], as_index=False)["amount"].sum()
    return pd.DataFrame({
        "spent_on": total["spent_on"], "amount": np.round(0.03 * total["amount"], 2), "department": "sales",
        "channel": None, "campaign_id": None, "product_id": None, "region": total["region"], "segment": None,
        "category": "commission", "audience": np.where(total["motion"] == "new", "new", "existing"),
    })  # fmt: skip


def make_signals(world: World) -> pd.DataFrame:
    """Signs of change at accounts; answered within five working days but for a tolerable share."""
    rng = world.rng("signals")
    count = round(0.5 * world.recipe.accounts)
    account = pick_index(rng, world.recipe.accounts, count, np.clip(50 + 20 * world.z, 5, None))
    at: Ints = world.moments(rng, count)
    keep = (at < world.end) & (at >= world.created[account])
    account, at = account[keep], np.sort(at[keep])
    at = np.maximum(at, world.created[account])
    count = len(at)
    slow = rng.random(count) < world.truth.gaps["unanswered_signals"]
    hours: Floats = np.where(slow, rng.uniform(48, 160, count), np.clip(rng.gamma(1.6, 7, count), 0.3, 38))
    answered = later(at, hours)
    department = pick(rng, ("sales", "marketing", "service"), count, (0.5, 0.2, 0.3))
    seen = np.where(
        department == "sales", world.salesperson(world.seat[account], at),
        only(department == "marketing", pick(rng, list(world.marketers), count)),
    )  # fmt: skip
    kinds = (
        "dissatisfaction",
        "process_change",
        "strategy_change",
        "people_change",
        "competitor",
        "environment",
    )
    return pd.DataFrame({
        "signal_id": ids("G", count), "account_id": ids("A", world.recipe.accounts, 5)[account], "signalled_at": at,
        "kind": pick(rng, kinds, count, (0.3, 0.12, 0.1, 0.2, 0.2, 0.08)), "department": department, "person_id": seen,
        "answered_at": np.where(answered < world.end, answered, NEVER),
    })  # fmt: skip


def make_value_ratings(world: World) -> pd.DataFrame:
    """How clients rate the company's offers and those of three rivals, by attribute."""
    rng = world.rng("ratings")
    raters, premium = 40, 1 + world.truth.gaps["unbacked_price"]
    products = world.products
    rows = []
    attributes = (("precision", 0.30, "rational"), ("uptime", 0.30, "rational"), ("service", 0.25, "rational"),
                  ("trust", 0.15, "emotional"))  # fmt: skip
    asked = np.sort(rng.choice(world.recipe.accounts, raters, replace=raters > world.recipe.accounts))
    when = world.end - DAY * rng.integers(30, 300, raters)
    for category in products["category"].unique():
        own = products[products["category"] == category].iloc[0]
        offers = [(own["name"], "own", own["product_id"], 6.3)]
        offers += [
            (f"{r} {category}", r, None, m) for r, m in zip(RIVALS, (5.0, 5.9, 7.6, 6.7, 5.5), strict=True)
        ]
        for offer, owner, product, level in offers:
            # The rivals' prices lie on one line in what they are worth; the own one lies the premium above it.
            line = own["list_price"] / premium * np.exp(0.22 * (level - 6.3))
            price = round(float(line * premium if owner == "own" else line), 2)
            for rater in range(raters):
                if rng.random() < 0.45:
                    continue
                for attribute, importance, kind in attributes:
                    rows.append({
                        "offer": offer, "attribute": attribute,
                        "rating": int(np.clip(round(rng.normal(level, 1.0)), 1, 10)),
                        "rater_id": f"V{rater + 1:03d}", "account_id": f"A{asked[rater] + 1:0{_digits(world)}d}",
                        "rated_on": when[rater] // DAY * DAY, "importance": importance, "kind": kind, "price": price,
                        "currency": "EUR", "owner": owner, "product_id": product, "category": category,
                    })  # fmt: skip
    frame = pd.DataFrame(rows)
    frame.insert(0, "rating_id", ids("Q", len(frame)))
    return frame


def _digits(world: World) -> int:
    return max(5, len(str(world.recipe.accounts)))
