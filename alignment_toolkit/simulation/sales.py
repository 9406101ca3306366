"""Sales' work: hand-over, first touches, deals, effort."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from alignment_toolkit.simulation.clock import (
    DAY,
    HOUR,
    NEVER,
    WORKDAY,
    Bools,
    Floats,
    Ints,
    by_day,
    later,
    moment,
    somewhere,
    worked,
)
from alignment_toolkit.simulation.drawing import Texts, ids, only, optional, pick, pick_index
from alignment_toolkit.simulation.fates import settle
from alignment_toolkit.simulation.marketing import QUALITY, THEMES, Marketing
from alignment_toolkit.simulation.truth import LIMIT_HOURS
from alignment_toolkit.simulation.world import World

CHANNELS = ("phone", "email", "meeting", "visit", "chat")
CHANNEL_SHARES = (0.36, 0.36, 0.15, 0.07, 0.06)
MINUTES = {
    "phone": 12.0,
    "email": 7.0,
    "meeting": 50.0,
    "visit": 90.0,
    "chat": 8.0,
    "web": 5.0,
    "event": 20.0,
}
SPACING = 28 * DAY
"""A lead that comes while an account's last one is still in hand is not handed over once more."""

SILENCE_HOURS = 40.0
CYCLE, CYCLE_SD = 33, 0.65
LAST_DAYS = 20 / 261
"""Share of a year's working days that are the last five of a quarter."""

REASONS = ("no_budget", "no_need", "wrong_contact", "not_reached", "bad_data")


@dataclass
class Handover:
    """What happens to each lead between the departments; NEVER where it does not."""

    qualified: Ints
    dropped: Bools
    first: Ints
    first_channel: Texts
    first_theme: Texts
    accepted: Ints
    rejected: Ints
    reason: Texts
    seat: Ints
    hours: Floats


def make_handover(world: World, marketing: Marketing) -> Handover:
    """Draw the hand-over: who is qualified, when a salesperson takes it up, whether it is accepted.

    A lead is dropped with the probability of its region (their mean is the true gap): its first touch then comes after
    17 to 70 working hours, or never; any other lead is taken up within 15.5 working hours.
    """
    rng = world.rng("handover")
    total = len(marketing.at)
    seat = world.a_seat(rng, marketing.region)
    own = (marketing.account >= 0) & (rng.random(total) < 0.7)
    seat = np.where(own, world.seat[marketing.account], seat)
    seat = _routed(world, seat, marketing)

    good = rng.random(total) < 1 / (1 + np.exp(-(marketing.score - 41) / 11))
    when = _handed_over_at(world, rng, marketing.at)
    qualified = np.where(good & ~marketing.by_sales & (when < world.end), when, NEVER)
    qualified = _one_at_a_time(qualified, marketing.account)
    handed = qualified != NEVER

    dropped = handed & (rng.random(total) < world.truth.region_drop[marketing.region])
    prompt = np.clip(rng.gamma(1.1, 3.4, total), 0.05, LIMIT_HOURS - 0.5)
    tardy = np.clip(LIMIT_HOURS + 1 + rng.exponential(14, total), None, 70)
    forgotten = dropped & (rng.random(total) < 0.45)
    hours = np.where(dropped, tardy, prompt)
    first = np.where(handed & ~forgotten, later(np.where(handed, qualified, 0), hours), NEVER)
    own_first = later(by_day(marketing.at), np.clip(rng.gamma(1.2, 6, total), 0.1, 60))
    first = np.where(marketing.by_sales, own_first, first)
    first = np.where(first < world.end, first, NEVER)

    decided = first != NEVER
    odds = 1.1 + (marketing.score - 58) / 25 + np.array([QUALITY[c] for c in marketing.channel])
    yes = rng.random(total) < _accepting(world, 1 / (1 + np.exp(-odds)), seat, np.where(decided, first, 0))
    verdict = later(np.where(decided, first, 0), rng.gamma(1.5, 4, total) + 0.2)
    accepted = np.where(decided & yes & (verdict < world.end), verdict, NEVER)
    rejected = np.where(decided & ~yes & (verdict < world.end), verdict, NEVER)
    reason = only(rejected != NEVER, pick(rng, REASONS, total, (3, 3, 2, 1, 1)))
    return Handover(
        qualified=qualified, dropped=dropped, first=first, first_channel=_first_channel(world, rng, marketing, handed),
        first_theme=_theme(world, rng, marketing.campaign, marketing, world.truth.gaps["message_mismatch"]),
        accepted=accepted, rejected=rejected, reason=reason, seat=seat, hours=hours,
    )  # fmt: skip


def _accepting(world: World, chance: Floats, seat: Ints, at: Ints) -> Floats:
    """The chance to be accepted: by lead, and, where acceptance is a lottery, by a person's habit, in points.

    The leads' own chances are drawn together then, so that everybody's habit shows in full at every lead.
    """
    habit = world.truth.gaps["acceptance_lottery"] / 100
    if habit == 0:
        return chance
    together = 0.60 + (chance - 0.60) * (1 - 0.6 * min(1.0, habit / 0.10))
    return np.asarray((together + habit * world.habit("acceptance", seat, at)).clip(0.0, 1.0))


def _routed(world: World, seat: Ints, marketing: Marketing) -> Ints:
    """Leads sorted by score among the people of a region, where that is asked for: better ones to some people."""
    strength = world.recipe.confounded("routing_by_segment")
    if strength == 0:
        return seat
    rng = world.rng("routing")
    sorted_seat = seat.copy()
    for region in range(world.recipe.regions):
        lead = np.flatnonzero(marketing.region == region)
        seats = np.flatnonzero(world.seat_region == region)
        rank = np.argsort(np.argsort(marketing.score[lead], kind="stable")) / max(1, len(lead))
        near = np.clip(rank + rng.normal(0, 0.12, len(lead)), 0, 0.999)
        sorted_seat[lead] = seats[(near * len(seats)).astype(int)]
    return np.where(rng.random(len(seat)) < strength, sorted_seat, seat)


def _handed_over_at(world: World, rng: np.random.Generator, created: Ints) -> Ints:
    """In working hours mostly; a part by machine at any hour of the day, more at week-ends where that is asked for."""
    total = len(created)
    when = created + (rng.gamma(1.2, 1.6, total) * DAY).astype(np.int64)
    office = later(when, rng.uniform(0, 1.5, total))
    machine = by_day(when)
    handed = np.where(rng.random(total) < 0.85, office, np.maximum(machine, created))
    friday = (created - 4 * DAY) // (7 * DAY) * (7 * DAY) + 4 * DAY + 4 * DAY + 17 * HOUR
    friday = np.where(friday <= created, friday + 7 * DAY, friday)
    week_end = by_day(friday + (rng.random(total) * 54 * HOUR).astype(np.int64))
    late = rng.random(total) < 0.6 * world.recipe.confounded("week_end_handover")
    return np.where(late, np.maximum(week_end, created), handed)


def _one_at_a_time(qualified: Ints, account: Ints) -> Ints:
    """Leave out hand-overs that follow another of the same account too closely."""
    order = np.lexsort((qualified, account))
    order = order[(qualified[order] != NEVER) & (account[order] >= 0)]
    close = np.zeros(len(order), dtype=bool)
    same = account[order][1:] == account[order][:-1]
    close[1:] = same & (np.diff(qualified[order]) < SPACING)
    kept = qualified.copy()
    kept[order[close]] = NEVER
    return kept


def _first_channel(world: World, rng: np.random.Generator, marketing: Marketing, handed: Bools) -> Texts:
    """The channel that was asked for, but for a share of leads; phoning the better ones moves which, not how many."""
    total = len(marketing.at)
    preferred = optional(world.preferred, marketing.contact)
    follow_up = optional(marketing.campaigns["follow_up_channel"].to_numpy(object), marketing.campaign)
    asked = np.where(preferred != None, preferred, np.where(follow_up != None, follow_up, marketing.response))  # noqa: E711
    strength = world.recipe.confounded("phone_better_leads")
    rank = np.full(total, 0.5)
    rank[handed] = (np.argsort(np.argsort(marketing.z[handed], kind="stable")) + 0.5) / max(
        1, int(handed.sum())
    )
    off = rng.random(total) < world.truth.gaps["channel_mismatch"] * (1 + strength * (2 * rank - 1))
    drawn = pick(rng, CHANNELS, total, CHANNEL_SHARES)
    phoned = rng.random(total) < strength * rank
    drawn = np.where(phoned & (asked != "phone"), "phone", drawn)
    drawn = np.where(drawn == asked, np.where(asked == "phone", "email", "phone"), drawn)
    return np.asarray(np.where(off, drawn, asked), dtype=object)


def _theme(world: World, rng: np.random.Generator, campaign: Ints, marketing: Marketing, off: float) -> Texts:
    theme = optional(marketing.campaigns["theme"].to_numpy(object), campaign)
    number = np.array([THEMES.index(t) if t else 0 for t in theme])
    other = np.array(THEMES, dtype=object)[(number + rng.integers(1, 4, len(campaign))) % 4]
    own = pick(rng, THEMES, len(campaign))
    wrong = rng.random(len(campaign)) < off
    return np.asarray(np.where(campaign < 0, own, np.where(wrong, other, theme)), dtype=object)


def make_deals(world: World, marketing: Marketing, handover: Handover) -> pd.DataFrame:
    """Opportunities, from accepted leads and from sales' own search; those too young to be decided are open."""
    rng = world.rng("deals")
    taken = (handover.accepted != NEVER) & (marketing.account >= 0) & (rng.random(len(marketing.at)) < 0.66)
    lead = np.flatnonzero(taken)
    own = round(0.30 * world.recipe.leads / 4)
    rank = np.clip(50 + 20 * world.z, 5, None)
    account = np.concatenate([marketing.account[lead], pick_index(rng, world.recipe.accounts, own, rank)])
    found = later(handover.accepted[lead], rng.gamma(1.3, 24, len(lead)))
    opened = np.concatenate([found, world.moments(rng, own)])
    product = np.concatenate([
        marketing.product[lead], pick_index(rng, world.recipe.products, own, world.pushes["sales"])
    ])  # fmt: skip
    lead = np.concatenate([lead, np.full(own, -1, dtype=np.int64)])
    keep = (opened < world.end) & (opened >= np.maximum(world.created[account], world.start))
    order = np.argsort(opened[keep], kind="stable")
    account, opened, product, lead = (each[keep][order] for each in (account, opened, product, lead))
    count = len(lead)

    campaign = np.where(lead >= 0, marketing.campaign[lead], -1)
    channel = np.where(lead >= 0, marketing.channel[lead], "own_network").astype(object)
    by_sales = np.where(lead >= 0, marketing.by_sales[lead], True)
    seat = np.where(lead >= 0, handover.seat[lead], world.seat[account])
    speed = np.where(
        lead < 0, 0.1, np.where(handover.dropped[lead], -0.7, np.where(handover.hours[lead] < 4, 0.3, 0))
    )
    client = (world.client_since[account] != NEVER) & (world.client_since[account] < opened)
    taste = world.rng("taste").normal(0, 0.15, world.recipe.products)
    odds = (-1.45 + 0.6 * world.z[account] + speed + taste[product] + 0.5 * client
            + 0.5 * np.array([QUALITY[c] for c in channel])
            + np.where(lead < 0, 0.0, marketing.quality[lead])
            + 0.5 * world.recipe.confounded("better_trained_first") * world.habit("skill", seat, opened)
            + 0.8 * world.recipe.confounded("self_fulfilling") * world.belief[account])  # fmt: skip
    won = rng.random(count) < 1 / (1 + np.exp(-odds))
    cycle = np.exp(rng.normal(np.log(CYCLE), CYCLE_SD, count)) * np.where(won, 1.0, 1.15)
    closed = _rushed(world, account, won, later(opened, cycle * 8 * 5 / 7), _last_days(world, opened, odds))
    won, world.comes = settle(world, marketing, handover.rejected, account, lead, closed, won)
    done = closed < world.end

    listed = np.exp(rng.normal(np.log(10_500), 0.65, count)) * (1 + 0.006 * 20 * world.z[account].clip(-2, 3))
    discount = np.clip(rng.normal(0.07, 0.035, count), 0, 0.25)
    habit = world.truth.gaps["price_selling"] / 100
    if habit > 0:
        # Given away more often where it is a habit, so that nobody's lies at the floor of nothing.
        discount = (discount + 2.5 * habit + habit * world.habit("discount", seat, opened)).clip(0, 0.6)
    listed, discount = _listed_anew(world, opened, product, seat, listed, discount)
    benefit = world.truth.benefit[product]
    on_price = rng.random(count)
    pitch = np.where(
        on_price < np.where(benefit, world.truth.gaps["positioning_mismatch"], 0.6), "price",
        pick(rng, ("benefit", "total_cost"), count, (0.8, 0.2)),
    )  # fmt: skip
    pressed = world.recipe.confounded("rival_price") * (np.where(pitch == "price", 0.95, 0.30) - 0.4)
    rival = only(rng.random(count) < 0.4 + pressed, pick(rng, ("Rival A", "Rival B", "Rival C"), count))
    outcome = only(done, np.where(won, "won", "lost"))
    stage = np.where(done, outcome, pick(rng, ("discovery", "offer", "negotiation"), count, (0.4, 0.4, 0.2)))
    lost = pick(rng, ("price", "no_decision", "rival", "timing"), count)
    gained = pick(rng, ("benefit", "price", "service", "relation"), count)
    deals = pd.DataFrame({
        "opportunity_id": ids("O", count, 5), "opened_at": opened,
        "account_id": ids("A", world.recipe.accounts, 5)[account],
        "lead_id": optional(ids("L", len(marketing.at), 5), lead), "owner": world.salesperson(seat, opened),
        "product_id": world.products["product_id"].to_numpy(object)[product],
        "region": world.region_names[world.region[account]], "channel": channel,
        "campaign_id": optional(marketing.campaigns["campaign_id"].to_numpy(object), campaign),
        "sourced_by": np.where(by_sales, "sales", "marketing"), "stage": stage,
        "closed_at": np.where(done, closed, NEVER), "outcome": outcome,
        "amount": np.round(listed * (1 - discount), 2), "list_amount": np.round(listed, 2), "pitch": pitch,
        "competitor": rival, "lost_reason": only(done & ~won, lost),
        "win_reason": only(done & won, gained), "currency": "EUR",
        "_account": account, "_lead": lead, "_product": product, "_campaign": campaign, "_seat": seat,
        "_by_sales": by_sales, "_discount": discount,
    })  # fmt: skip
    return _with_motion(world, deals)


def _quarter_end(at: Ints) -> Ints:
    """The month after the quarter of each moment, counted from 1970."""
    month = at.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
    return np.asarray((month // 3 + 1) * 3)


def _in_last_days(at: Ints) -> Bools:
    ends = _quarter_end(at).astype("datetime64[M]").astype("datetime64[s]").astype(np.int64)
    return np.asarray(worked(ends) - worked(at) <= 5 * WORKDAY)


def _last_days(world: World, opened: Ints, odds: Floats) -> dict[int, float]:
    """How many of a quarter's wins would fall into its last five working days by the waves of interest alone."""
    rng = world.rng("waves")
    chance = 1 / (1 + np.exp(-odds))
    at = np.concatenate([
        later(opened, np.exp(rng.normal(np.log(CYCLE), CYCLE_SD, len(opened))) * 8 * 5 / 7) for _ in range(12)
    ])  # fmt: skip
    weight = np.tile(chance, 12)
    quarter, last = _quarter_end(at), _in_last_days(at)
    return {
        int(q): float(weight[(quarter == q) & last].sum() / weight[quarter == q].sum())
        for q in np.unique(quarter)
    }


def _rushed(world: World, account: Ints, won: Bools, closed: Ints, natural: dict[int, float]) -> Ints:
    """When a deal is closed; some of the won ones wait for the last five working days of the quarter.

    A share of them waits that lifts these days' share of wins from that of working days by the true gap. A client's own
    year-end is another matter: that some wait for it is the client's doing.
    """
    rng = world.rng("quarter's end")
    follows = _quarter_end(closed)
    quarter_ends = follows.astype("datetime64[M]").astype("datetime64[s]").astype(np.int64)
    back = 1 + np.floor(rng.random(len(closed)) * (5 * WORKDAY - 1)).astype(np.int64)
    at_the_end = moment(worked(quarter_ends) - back)
    # Interest comes in waves that do not know the calendar of accounts: what is too much there closes a week later.
    usual = np.array([natural.get(int(q), LAST_DAYS) for q in follows])
    excess = 1 - LAST_DAYS / np.maximum(usual, LAST_DAYS)
    slow = won & _in_last_days(closed) & (rng.random(len(closed)) < excess)
    closed = np.where(slow, moment(worked(closed) + 5 * WORKDAY), closed)
    own = world.accounts["fiscal_year_starts"].to_numpy()[account] == follows % 12 + 1
    # In three quarters of four, so that the gap is there when wins at the client's own year-end are left out.
    often = world.truth.gaps["quarter_end_rush"] * (1 - LAST_DAYS / 4) / (0.75 * (1 - LAST_DAYS))
    waits = won & ~slow & ~own & (rng.random(len(closed)) < often)
    waits |= won & own & (rng.random(len(closed)) < 0.5 * world.recipe.confounded("seasonal_close"))
    return np.where(waits, np.maximum(at_the_end, closed), closed)


def _listed_anew(
    world: World, opened: Ints, product: Ints, seat: Ints, listed: Floats, discount: Floats
) -> tuple[Floats, Floats]:
    """List prices that rise though what is paid does not; products that are discounted by everybody."""
    rise = 0.08 * world.recipe.confounded("list_price_change")
    risen = (product % 2 == 0) & (opened > world.end - 182 * DAY)
    paid = listed * (1 - discount)
    listed = np.where(risen, listed * (1 + rise), listed)
    discount = np.where(risen, 1 - paid / listed, discount)
    cheap = 0.06 * world.recipe.confounded("discounted_products")
    return listed, np.where(product % 3 == 0, np.minimum(discount + cheap, 0.6), discount)


def _with_motion(world: World, deals: pd.DataFrame) -> pd.DataFrame:
    won = deals[deals["outcome"] == "won"]
    since = np.full(world.recipe.accounts, np.iinfo(np.int64).max)
    known = world.client_since != NEVER
    since[known] = world.client_since[known]
    np.minimum.at(since, won["_account"].to_numpy(), won["closed_at"].to_numpy())
    known = world.comes != NEVER
    since[known] = np.minimum(since[known], world.comes[known])
    world.becomes_client = np.where(since == np.iinfo(np.int64).max, NEVER, since)
    account = deals["_account"].to_numpy()
    motion = np.where(since[account] < deals["opened_at"].to_numpy(), "repeat", "new")
    deals.insert(list(deals.columns).index("pitch"), "motion", motion)
    return deals


def make_touches(
    world: World, marketing: Marketing, handover: Handover, deals: pd.DataFrame, silences: Silences
) -> pd.DataFrame:
    """Sales' contacts: first touches, further ones of leads, of deals, and those of nobody's lead.

    Nobody else of sales calls an account between a hand-over and the first touch that belongs to it, so that whether a
    lead was dropped does not depend on how a touch is linked to it.
    """
    rng = world.rng("touches")
    first = np.flatnonzero(handover.first != NEVER)
    frames = [_of_leads(world, rng, marketing, handover, first, handover.first[first], first=True)]

    more = np.repeat(first, rng.poisson(0.9, len(first)))
    at = later(handover.first[more], rng.uniform(2, 80, len(more)))
    frames.append(_of_leads(world, rng, marketing, handover, more, at, first=False))

    deal = np.repeat(np.arange(len(deals)), 1 + rng.poisson(2.2, len(deals)))
    opened = deals["opened_at"].to_numpy()[deal]
    closed = np.where(deals["closed_at"] == NEVER, world.end, deals["closed_at"])[deal]
    at = somewhere(opened, closed, rng.random(len(deal)))
    campaign = deals["_campaign"].to_numpy()[deal]
    account = deals["_account"].to_numpy()[deal]
    frames.append(frame_of(
        world, rng, at=at, account=account, contact=world.a_contact(rng, account, 0.9), deal=deal, campaign=campaign,
        lead=deals["_lead"].to_numpy()[deal], product=deals["_product"].to_numpy()[deal],
        seat=deals["_seat"].to_numpy()[deal],
        direction=np.where(rng.random(len(deal)) < 0.72, "outbound", "inbound").astype(object),
        theme=_theme(world, rng, campaign, marketing, 0.15), channel=None, first=False,
    ))  # fmt: skip

    count = round(2.4 * world.recipe.accounts)
    worth = np.clip(50 + 20 * world.z, 5, None) * np.where(world.client_since != NEVER, 2.5, 1.0)
    account = pick_index(rng, world.recipe.accounts, count, worth)
    none = np.full(count, -1, dtype=np.int64)
    own = pick_index(rng, world.recipe.products, count, world.pushes["sales"])
    frames.append(frame_of(
        world, rng, at=world.moments(rng, count), account=account, contact=world.a_contact(rng, account, 0.7),
        deal=none, lead=none, campaign=none, product=own,
        seat=world.seat[account], direction=np.full(count, "outbound", dtype=object),
        theme=pick(rng, THEMES, count), channel=None, first=False,
    ))  # fmt: skip
    touches = pd.concat(frames, ignore_index=True)
    account = touches["_account"].to_numpy()
    born = np.where(account >= 0, world.created[np.where(account < 0, 0, account)], world.start)
    at = touches["_at"].to_numpy()
    keep = (at < world.end) & (at >= np.maximum(born, world.start))
    answer = touches["_first"].to_numpy() & (handover.qualified[touches["_lead"].to_numpy()] != NEVER)
    keep &= answer | (~silences.cover(account, at) & _logged(world, touches))
    return touches[keep].drop(columns="_seat")


def _of_leads(
    world: World,
    rng: np.random.Generator,
    marketing: Marketing,
    handover: Handover,
    lead: Ints,
    at: Ints,
    *,
    first: bool,
) -> pd.DataFrame:
    none = np.full(len(lead), -1, dtype=np.int64)
    back = rng.random(len(lead)) < 0.25
    return frame_of(
        world, rng, at=at, account=marketing.account[lead], contact=marketing.contact[lead], deal=none, lead=lead,
        campaign=marketing.campaign[lead], product=marketing.product[lead], seat=handover.seat[lead],
        direction=np.where(back & (not first), "inbound", "outbound").astype(object),
        theme=handover.first_theme[lead] if first else _theme(world, rng, marketing.campaign[lead], marketing, 0.15),
        channel=handover.first_channel[lead] if first else None, first=first,
    )  # fmt: skip


def frame_of(
    world: World, rng: np.random.Generator, *, at: Ints, account: Ints, contact: Ints, deal: Ints, lead: Ints,
    campaign: Ints, product: Ints, seat: Ints, direction: Texts, theme: Texts, channel: Texts | None, first: bool,
) -> pd.DataFrame:  # fmt: skip
    """Touches of sales, with who made them, how long they took and what they were about."""
    count = len(at)
    used = pick(rng, CHANNELS, count, CHANNEL_SHARES) if channel is None else channel
    typical = np.array([MINUTES[c] for c in used])
    minutes = np.rint(typical * rng.gamma(4, 0.25, count)).clip(1)
    return pd.DataFrame({
        "_at": at, "department": "sales", "_account": account, "_contact": contact, "_lead": lead,
        "_opportunity": deal, "_campaign": campaign, "_product": product, "actor": world.salesperson(seat, at),
        "channel": used, "direction": direction, "theme": only((rng.random(count) < 0.96) | first, theme),
        "minutes": np.where(rng.random(count) < 0.03, np.nan, minutes), "automated": False, "_first": first,
        "_seat": seat,
    })  # fmt: skip


class Silences:
    """The times between a hand-over of an account and the first touch that belongs to it."""

    def __init__(self, world: World, marketing: Marketing, handover: Handover) -> None:
        lead = np.flatnonzero((handover.qualified != NEVER) & (marketing.account >= 0))
        opens = handover.qualified[lead]
        shuts = np.where(
            handover.first[lead] == NEVER,
            later(opens, np.full(len(lead), SILENCE_HOURS)),
            handover.first[lead],
        )
        self._start = world.start
        self._width = np.int64(2 * (world.end - world.start))
        place = marketing.account[lead] * self._width + (opens - world.start)
        order = np.argsort(place, kind="stable")
        self._opens = place[order]
        self._shuts = marketing.account[lead][order] * self._width + (shuts[order] - world.start)

    def cover(self, account: Ints, at: Ints) -> Bools:
        """Whether moments with accounts fall into one."""
        here = account * self._width + (at - self._start)
        before = np.searchsorted(self._opens, here, side="right") - 1
        if len(self._opens) == 0:
            return np.zeros(len(here), dtype=bool)
        return np.asarray((account >= 0) & (before >= 0) & (here <= self._shuts[before]), dtype=bool)


def _logged(world: World, touches: pd.DataFrame) -> Bools:
    rng = world.rng("logging")
    lazy = rng.random(world.recipe.salespeople) < 0.5
    kept = rng.random(len(touches)) >= 0.8 * world.recipe.confounded("unlogged_effort")
    return np.asarray(kept | ~lazy[touches["_seat"].to_numpy()], dtype=bool)
