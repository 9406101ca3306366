"""Marketing's work: campaigns, money, the aggregates of platforms, leads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from alignment_toolkit.simulation.clock import (
    DAY,
    FIRST_MONDAY,
    HOUR,
    NEVER,
    Bools,
    Floats,
    Ints,
    later,
    second,
)
from alignment_toolkit.simulation.drawing import Texts, ids, only, optional, pick, pick_index
from alignment_toolkit.simulation.truth import WEAK_CHANNEL
from alignment_toolkit.simulation.world import World

THEMES = ("reliability", "speed", "low cost", "service")
THEME_SHARES = (0.35, 0.25, 0.22, 0.18)
RESPONSES = ("web", "email", "phone", "chat", "event")
RESPONSE_SHARES = (0.45, 0.25, 0.15, 0.08, 0.07)
SEASON = {1: 1.06, 2: 1.0, 3: 0.9, 4: 1.05}
COST_OF_A_LEAD = 95.0
WEEK = 7 * DAY
SPELL = 180 * DAY
FLOOD = 0.6
# Share of leads that convert, as far as the noise of a week's share depends on it; see `_diluted`.
CONVERSION, PULL, BEND = 0.08, 3.4, 4.4
# What a lead of the channel costs against the mean, and how much likelier (log odds) it is to buy.
COST = {"paid_search": 1.1, "email": 0.6, "event": 1.8, "social": 0.7, "content": 0.8, "partner": 1.2}
QUALITY = {
    "paid_search": 0.0, "email": 0.1, "event": 0.4, "social": -0.7, "content": 0.1, "partner": 0.45,
    "organic": 0.2, "own_network": 0.35, "referral": 0.5,
}  # fmt: skip


@dataclass
class Marketing:
    """Marketing's work so far; the lead's columns are arrays sorted by the moment of creation."""

    campaigns: pd.DataFrame
    campaign_spend: pd.DataFrame
    campaign_product: Ints
    at: Ints
    account: Ints
    contact: Ints
    campaign: Ints
    product: Ints
    region: Ints
    channel: Texts
    response: Texts
    need: Texts
    z: Floats
    score: Floats
    by_sales: Bools
    quality: Floats


def make_marketing(world: World) -> Marketing:
    """Draw campaigns, what they cost and the leads they bring."""
    weights = _day_weights(world)
    campaigns, spend, pull = _campaigns(world, weights)
    return _leads(world, campaigns, spend, pull, weights)


def _day_weights(world: World) -> Floats:
    """How many leads each day brings against a mean day, added up: fewer at week-ends, a season, growth if planted."""
    days = pd.date_range(world.recipe.start, world.recipe.end)
    weekday = np.where(days.day_of_week < 5, 1.15, 0.6)
    season = np.array([SEASON[quarter] for quarter in days.quarter])
    left = (world.end - world.start) // DAY - 1 - np.arange(len(days))
    growth = np.exp(np.log(3.0) * world.recipe.confounded("immature") * np.clip(1 - left / 270.0, 0, None))
    shocks = np.exp(
        0.5 * world.recipe.confounded("common_shocks") * world.rng("shocks").standard_normal(len(days))
    )
    week = np.arange(len(days)) // 7
    return np.concatenate([[0.0], np.cumsum(weekday * season * growth * shocks[week])])


def _quarters(first: date, last: date) -> list[tuple[int, int, float]]:
    """Calendar quarters within the data: first second, the second after the last, share of a whole quarter."""
    found, day = [], first
    while day <= last:
        month = (day.month - 1) // 3 * 3 + 1
        opens = date(day.year, month, 1)
        closes = (date(day.year, month + 2, 1) + timedelta(days=31)).replace(day=1)
        end = min(closes, last + timedelta(days=1))
        found.append((second(day), second(end), (end - day).days / (closes - opens).days))
        day = end
    return found


def _campaigns(world: World, day_weights: Floats) -> tuple[pd.DataFrame, pd.DataFrame, Floats]:
    """Campaigns by quarter: every product has one, the others fall where marketing pushes.

    Their number by product is in the mean the push; their money is lumpy, grows with their length and does not know the
    product. So the push is the process's share of money, and a quarter's own shares are as uneven as its campaigns are
    few.
    """
    rng = world.rng("campaigns")
    recipe, push = world.recipe, world.pushes["marketing"]
    products, starts, ends, money = [], [], [], []
    for opens, closes, share in _quarters(recipe.start, recipe.end):
        count = max(recipe.products, round(recipe.campaigns * share))
        sure = (count * push >= 1.5).astype(float)
        free = count - int(sure.sum())
        by_chance = pick_index(rng, recipe.products, free, count * push - sure)
        product = np.concatenate([np.flatnonzero(sure), by_chance])
        days = (closes - opens) // DAY
        whole = rng.integers(28, 63, count)
        raw = np.floor(7 - whole + rng.random(count) * (days + whole - 14)).astype(np.int64)
        begin = np.clip(raw, 0, None)
        length = np.minimum(raw + whole, days) - begin
        first = opens + begin * DAY
        quarter_weight = (
            day_weights[(closes - world.start) // DAY] - day_weights[(opens - world.start) // DAY]
        )
        budget = COST_OF_A_LEAD * 0.82 * recipe.leads * quarter_weight / day_weights[-1]
        lump = np.exp(rng.normal(-0.5 * 0.35**2, 0.35, count)) * length / length.mean()
        products.append(product)
        starts.append(first)
        ends.append(first + (length - 1) * DAY)
        money.append(budget / count * lump)
    product, first, last, amount = (np.concatenate(each) for each in (products, starts, ends, money))
    order = np.argsort(first, kind="stable")
    product, first, last, amount = product[order], first[order], last[order], amount[order]
    count = len(product)

    when = (first - world.start) / (world.end - world.start)
    channel = _channels(world, rng, when)
    theme = pick(rng, THEMES, count, THEME_SHARES)
    audience = pick(rng, ("new", "both"), count, (0.6, 0.4))
    segment = only(rng.random(count) < 0.6, pick(rng, ("key", "growth", "standard"), count))
    names = world.products["name"].to_numpy(object)[product]
    campaigns = pd.DataFrame({
        "campaign_id": ids("K", count, 4),
        "name": [f"{n}: {t} ({c})" for n, t, c in zip(names, theme, channel, strict=True)],
        "channel": channel, "starts_on": first, "ends_on": last,
        "product_id": world.products["product_id"].to_numpy(object)[product], "theme": theme,
        "positioning": np.where(world.truth.benefit, "benefit", "price").astype(object)[product],
        "appeal": pick(rng, ("rational", "emotional", "both"), count, (0.5, 0.25, 0.25)),
        "offer": pick(rng, ("none", "special_offer", "discount"), count, (0.7, 0.2, 0.1)), "audience": audience,
        "target_role": pick(rng, ("decision_maker", "influencer", "user"), count, (0.5, 0.3, 0.2)),
        "target_segment": segment,
        "follow_up_channel": only(rng.random(count) < 0.7, pick(rng, ("email", "phone"), count)),
        "_product": product,
    })  # fmt: skip
    pull = amount / np.array([COST[c] for c in channel]) * rng.gamma(5, 0.2, count)
    return campaigns, _campaign_spend(rng, world, campaigns, amount), pull


def _channels(world: World, rng: np.random.Generator, when: Floats) -> Texts:
    shares = np.tile(world.truth.channel_shares, (len(when), 1))
    weak = world.truth.channels.index(WEAK_CHANNEL)
    grown = np.minimum(0.5 * world.recipe.confounded("mix_shift") * when, 1 - shares[:, weak])
    shares *= (1 - grown / (1 - shares[:, weak]))[:, None]
    shares[:, weak] = world.truth.channel_shares[weak] + grown
    drawn = (rng.random(len(when))[:, None] >= np.cumsum(shares, axis=1)[:, :-1]).sum(axis=1)
    return np.asarray(np.array(world.truth.channels, dtype=object)[drawn], dtype=object)


def _campaign_spend(
    rng: np.random.Generator, world: World, campaigns: pd.DataFrame, amount: Floats
) -> pd.DataFrame:
    """Each campaign's money in three lines: media twice (an event: the event), then people."""
    first, last = campaigns["starts_on"].to_numpy(), campaigns["ends_on"].to_numpy()
    media = np.where(campaigns["channel"] == "event", "events", "media")
    early = rng.uniform(0.4, 0.65, len(campaigns))
    lines = [
        (first, 0.82 * early, media),
        ((first + (last - first) // DAY // 2 * DAY), 0.82 * (1 - early), media),
        (last, np.full(len(campaigns), 0.18), np.full(len(campaigns), "people")),
    ]
    frames = [
        pd.DataFrame({
            "spent_on": on, "amount": np.round(amount * share, 2), "department": "marketing",
            "channel": campaigns["channel"], "campaign_id": campaigns["campaign_id"],
            "product_id": campaigns["product_id"], "region": None, "segment": campaigns["target_segment"],
            "category": category, "audience": campaigns["audience"],
        })
        for on, share, category in lines
    ]  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def _leads(
    world: World, campaigns: pd.DataFrame, spend: pd.DataFrame, pull: Floats, weights: Floats
) -> Marketing:
    rng = world.rng("leads")
    total = world.recipe.leads
    by_sales_count, direct = round(0.09 * total), round(0.08 * total)
    brought = total - by_sales_count - direct

    start_day = (campaigns["starts_on"].to_numpy() - world.start) // DAY
    last_day = (campaigns["ends_on"].to_numpy() - world.start) // DAY
    campaign = np.concatenate([
        pick_index(rng, len(campaigns), brought, pull), np.full(direct + by_sales_count, -1, dtype=np.int64)
    ])  # fmt: skip
    days = np.array([0, (world.end - world.start) // DAY])
    opens = np.where(campaign < 0, days[0], start_day[campaign])
    closes = np.where(campaign < 0, days[1], last_day[campaign] + 1)
    level = weights[opens] + rng.random(total) * (weights[closes] - weights[opens])
    day = np.clip(np.searchsorted(weights, level, side="right") - 1, opens, closes - 1)
    clock = (6.5 + 16 * rng.beta(2.2, 2.4, total)) * HOUR
    at = world.start + day * DAY + clock.astype(np.int64)
    order = np.argsort(at, kind="stable")
    at, campaign = at[order], campaign[order]
    by_sales = (np.arange(total) >= brought + direct)[order]

    campaign_product = campaigns["_product"].to_numpy()
    own = np.where(
        by_sales, pick_index(rng, world.recipe.products, total, world.pushes["sales"]),
        pick_index(rng, world.recipe.products, total, world.pushes["marketing"]),
    )  # fmt: skip
    product = np.where(campaign >= 0, campaign_product[campaign], own)

    account = _who(world, rng, at, _floods(world))
    account = np.where((rng.random(total) < 0.04) & ~by_sales, -1, account)
    z = np.where(account >= 0, world.z[account], rng.standard_normal(total))
    region = np.where(
        account >= 0, world.region[account], pick_index(rng, world.recipe.regions, total, world.region_shares)
    )
    theme = optional(campaigns["theme"].to_numpy(object), campaign)
    others = (np.array([THEMES.index(t) if t else 0 for t in theme]) + rng.integers(1, 4, total)) % 4
    same = rng.random(total) >= world.truth.gaps["need_mismatch"]
    need = np.where(campaign < 0, pick(rng, THEMES, total, THEME_SHARES),
                    np.where(same, theme, np.array(THEMES, dtype=object)[others]))  # fmt: skip
    channel = optional(campaigns["channel"].to_numpy(object), campaign)
    free = np.where(by_sales, pick(rng, ("own_network", "referral"), total), "organic")
    return Marketing(
        campaigns=campaigns, campaign_spend=spend, campaign_product=campaign_product, at=at, account=account,
        contact=world.a_contact(rng, account, 0.85), campaign=campaign, product=product, region=region,
        channel=np.where(campaign >= 0, channel, free).astype(object),
        response=pick(rng, RESPONSES, total, RESPONSE_SHARES), need=need.astype(object), z=z,
        score=np.clip(50 + 20 * (0.75 * z + 0.66 * rng.standard_normal(total)), 0, 100), by_sales=by_sales,
        quality=_diluted(world, at, region, account),
    )  # fmt: skip


def _floods(world: World) -> Floats | None:
    """How much of each week's leads each region gets against its share: uneven where targets make marketing flood."""
    if world.truth.gaps["conflicting_kpis"] == 0:
        return None
    weeks = (world.end - world.start) // WEEK + 2
    rng = world.rng("floods")
    return np.asarray(
        world.region_shares * np.exp(FLOOD * rng.standard_normal((weeks, world.recipe.regions)))
    )


def _diluted(world: World, at: Ints, region: Ints, account: Ints) -> Floats:
    """How much harder (log odds) leads are to win that come in a region's week of many leads.

    The strength is set so that the correlation of leads and conversion over region-weeks is the true gap: conversion
    has binomial noise, and only a part of a change in the odds of deals is seen in it, the less the larger it is
    (`PULL` and `BEND`, calibrated by counting in simulated companies).
    """
    gap = world.truth.gaps["conflicting_kpis"]
    if gap == 0:
        return np.zeros(len(at))
    week = (at - FIRST_MONDAY) // WEEK - (world.start - FIRST_MONDAY) // WEEK
    weeks = int(week.max()) + 1
    opens = opening(at, account) & ~((account >= 0) & (world.client_since[account] != NEVER))
    place = week * world.recipe.regions + region
    number = np.bincount(place[opens], minlength=weeks * world.recipe.regions).reshape(weeks, -1)
    above = np.log(np.maximum(number, 0.5))
    line = np.ones(min(25, weeks))
    usual = np.array(
        [np.convolve(a, line, "same") / np.convolve(np.ones(weeks), line, "same") for a in above.T]
    )
    depth = above - usual.T
    depth = (depth / np.maximum(depth.std(axis=0), 1e-9)).clip(-2.5, 2.5)
    noise = np.sqrt(CONVERSION * (1 - CONVERSION) / np.maximum(number.mean(), 1.0))
    signal = gap / np.sqrt(1 - gap * gap)
    needed = signal * (PULL + BEND * signal**2) * noise / (CONVERSION * (1 - CONVERSION))
    return np.asarray(-needed * depth.ravel()[place])


def opening(at: Ints, account: Ints) -> Bools:
    """Which leads open a spell of interest: no other of the account in 180 days before; those without one do."""
    order = np.lexsort((at, account))
    first = np.ones(len(order), dtype=bool)
    of, when = account[order], at[order]
    first[1:] = (of[1:] != of[:-1]) | (np.diff(when) > SPELL) | (of[1:] < 0)
    opens = np.empty(len(order), dtype=bool)
    opens[order] = first
    return opens


def _who(world: World, rng: np.random.Generator, at: Ints, floods: Floats | None) -> Ints:
    """Accounts of the leads: interest comes in spells, so many a lead follows one of the same account within weeks."""
    number = np.arange(len(at))
    interest = rng.gamma(2.0, 0.5, world.recipe.accounts)
    account = pick_index(rng, world.recipe.accounts, len(at), interest)
    if floods is not None:
        edges = np.cumsum(floods, axis=1)[(at - FIRST_MONDAY) // WEEK - (world.start - FIRST_MONDAY) // WEEK]
        region = (rng.random(len(at))[:, None] * edges[:, -1:] >= edges[:, :-1]).sum(axis=1)
        for r in range(world.recipe.regions):
            here, there = region == r, np.flatnonzero(world.region == r)
            if len(there):
                account[here] = there[pick_index(rng, len(there), int(here.sum()), interest[there])]
    earliest = np.searchsorted(at, at - 40 * DAY)
    earlier = earliest + np.floor(rng.random(len(at)) * (number - earliest)).astype(np.int64)
    leader = np.where(rng.random(len(at)) < 0.45, np.minimum(earlier, number), number)
    while (leader[leader] != leader).any():
        leader = leader[leader]
    return np.asarray(account[leader], dtype=np.int64)


def make_spend(world: World, marketing: Marketing, commissions: pd.DataFrame) -> pd.DataFrame:
    """All money: of campaigns, and of either department month by month."""
    rng = world.rng("spend")
    months = (
        pd.date_range(world.recipe.start, world.recipe.end, freq="ME").as_unit("s").astype("int64").to_numpy()
    )
    if len(months) == 0 or months[-1] < world.end - DAY:
        months = np.append(months, world.end - DAY)
    leads = world.recipe.leads / 20_000
    lines: list[pd.DataFrame] = [marketing.campaign_spend]
    monthly: list[tuple[str, str, float, str | None]] = [
        ("marketing", "people", 3_000 * leads, "both"),
        ("marketing", "tools", 1_000 * leads, None),
        ("marketing", "media", 1_200 * leads, "existing"),
        ("sales", "tools", 90.0 * world.recipe.salespeople, "both"),
    ]
    for department, category, amount, audience in monthly:
        lines.append(_monthly(rng, months, department, category, amount, None, audience))
    for region, seats in zip(
        world.region_names, np.bincount(world.seat_region, minlength=len(world.region_names)), strict=True
    ):
        lines.append(_monthly(rng, months, "sales", "people", 6_200.0 * seats * 0.55, region, "new"))
        lines.append(_monthly(rng, months, "sales", "people", 6_200.0 * seats * 0.45, region, "existing"))
    spend = pd.concat([*lines, commissions], ignore_index=True)
    spend = spend.sort_values(["spent_on", "campaign_id"], kind="stable", ignore_index=True)
    spend["spend_id"] = ids("S", len(spend))
    spend["currency"] = "EUR"
    return spend


def _monthly(
    rng: np.random.Generator, months: Ints, department: str, category: str, amount: float, region: object,
    audience: str | None,
) -> pd.DataFrame:  # fmt: skip
    return pd.DataFrame({
        "spent_on": months, "amount": np.round(amount * rng.uniform(0.95, 1.05, len(months)), 2),
        "department": department, "channel": None, "campaign_id": None, "product_id": None, "region": region,
        "segment": None, "category": category, "audience": audience,
    })  # fmt: skip


def make_results(world: World, marketing: Marketing) -> pd.DataFrame:
    """What advertising platforms count: impressions, clicks, enquiries of each campaign online."""
    rng = world.rng("results")
    campaigns = marketing.campaigns
    enquiries = np.bincount(marketing.campaign[marketing.campaign >= 0], minlength=len(campaigns))
    clicks = enquiries * 12 + rng.poisson(40, len(campaigns))
    counts = {
        "impressions": clicks * 45 + rng.poisson(900, len(campaigns)),
        "clicks": clicks,
        "enquiries": enquiries,
    }
    online = campaigns["channel"].isin(["paid_search", "social", "content"]).to_numpy()
    frame = pd.concat([
        pd.DataFrame({
            "kind": kind, "count": count, "on": campaigns["ends_on"], "channel": campaigns["channel"],
            "campaign_id": campaigns["campaign_id"], "product_id": campaigns["product_id"],
        })[online]
        for kind, count in counts.items()
    ]).sort_values(["on", "campaign_id", "kind"], kind="stable", ignore_index=True)  # fmt: skip
    frame.insert(0, "result_id", ids("R", len(frame)))
    return frame


def make_marketing_touches(world: World, marketing: Marketing) -> pd.DataFrame:
    """Marketing's own contacts: a lead's answer, newsletters by machine, and people at events."""
    rng = world.rng("marketing touches")
    answer = np.flatnonzero(~marketing.by_sales & (rng.random(len(marketing.at)) < 0.35))
    count = round(2.0 * world.recipe.accounts)
    account = pick_index(rng, world.recipe.accounts, count)
    campaign = pick_index(rng, len(marketing.campaigns), count)
    first = marketing.campaigns["starts_on"].to_numpy()[campaign]
    last = marketing.campaigns["ends_on"].to_numpy()[campaign]
    on = first + (rng.random(count) * (last - first)).astype(np.int64) // DAY * DAY
    machine = rng.random(count) < 0.7
    at = later(on, rng.uniform(0.1, 7.9, count))
    keep = (at >= np.maximum(world.created[account], world.start)) & (at < world.end)
    human = pick(rng, ("event", "email", "phone"), count, (0.5, 0.3, 0.2))
    out = pd.DataFrame({
        "_at": at, "department": "marketing", "_account": account, "_contact": world.a_contact(rng, account, 1.0),
        "_lead": -1, "_opportunity": -1, "_campaign": campaign, "_product": marketing.campaign_product[campaign],
        "actor": np.where(machine, world.people["person_id"].iloc[-1], pick(rng, list(world.marketers), count)),
        "channel": np.where(machine, "email", human), "direction": "outbound",
        "theme": marketing.campaigns["theme"].to_numpy(object)[campaign],
        "minutes": np.where(machine, np.nan, np.rint(rng.gamma(3, 6, count)) + 1), "automated": machine,
        "_first": False,
    })[keep]  # fmt: skip
    back = pd.DataFrame({
        "_at": marketing.at[answer], "department": "marketing", "_account": marketing.account[answer],
        "_contact": marketing.contact[answer], "_lead": answer, "_opportunity": -1,
        "_campaign": marketing.campaign[answer], "_product": marketing.product[answer], "actor": None,
        "channel": marketing.response[answer], "direction": "inbound", "theme": marketing.need[answer],
        "minutes": np.nan, "automated": False, "_first": False,
    })  # fmt: skip
    return pd.concat([out, back], ignore_index=True)


def lead_table(world: World, marketing: Marketing) -> pd.DataFrame:
    """The columns of leads that are known at their creation."""
    total = len(marketing.at)
    accounts = ids("A", world.recipe.accounts, 5)
    contacts = world.contacts["contact_id"].to_numpy(object)
    referred = (marketing.channel == "referral") & (marketing.account >= 0)
    by = pick_index(world.rng("referrals"), world.recipe.accounts, total)
    return pd.DataFrame({
        "lead_id": ids("L", total, 5), "created_at": marketing.at, "account_id": optional(accounts, marketing.account),
        "contact_id": optional(contacts, marketing.contact),
        "campaign_id": optional(marketing.campaigns["campaign_id"].to_numpy(object), marketing.campaign),
        "product_id": world.products["product_id"].to_numpy(object)[marketing.product],
        "region": world.region_names[marketing.region], "channel": marketing.channel,
        "response_channel": marketing.response, "need": marketing.need, "marketing_score": marketing.score,
        "sourced_by": np.where(marketing.by_sales, "sales", "marketing"),
        "referred_by": only(referred, accounts[by]),
    })  # fmt: skip
