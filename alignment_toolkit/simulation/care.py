"""Who is cared for and who is not: clients, accounts with a stated intent, decision makers; and how long it takes.

All of it is done to touches that nothing else hangs on. The first touch that answers a hand-over is never taken away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from alignment_toolkit.simulation.clock import DAY, NEVER, Bools, Floats, Ints, by_day, later
from alignment_toolkit.simulation.drawing import pick, pick_index
from alignment_toolkit.simulation.marketing import THEMES, Marketing
from alignment_toolkit.simulation.ratings import fifths
from alignment_toolkit.simulation.sales import MINUTES, Handover, Silences, frame_of
from alignment_toolkit.simulation.world import World

DEFENDED = 0.10
SPEAKING = ("email", "phone", "meeting", "visit", "chat")
QUARTER = 91 * DAY


@dataclass
class Intents:
    """What the plan wants of accounts, and whether it is played: positions of accounts, moments, truth."""

    account: Ints
    intent: np.ndarray
    decided: Ints
    off: Bools


def make_care(world: World) -> None:
    """Decide which clients are neglected, and which are to be defended; an account shows it once it is a client.

    Whether a client is neglected has nothing to do with its worth, so the true share of the neglected clients' value is
    that of their number. Neglect of clients that are to be defended is the plan not played.
    """
    rng = world.rng("care")
    count = world.recipe.accounts
    world.defended = rng.random(count) < DEFENDED
    off, neglect = world.truth.gaps["off_plan_accounts"], world.truth.gaps["neglected_clients"]
    others = max(0.0, (neglect - DEFENDED * off) / (1 - DEFENDED))
    world.neglected = rng.random(count) < np.where(world.defended, off, others)


def let_go(world: World, marketing: Marketing, handover: Handover, deals: pd.DataFrame) -> None:
    """Nothing of neglected clients is handed over; what they buy, they buy by themselves."""
    account = np.where(marketing.account < 0, 0, marketing.account)
    since = np.where(world.becomes_client == NEVER, np.iinfo(np.int64).max, world.becomes_client)[account]
    mine = (marketing.account >= 0) & world.neglected[account]
    late = mine & (np.maximum(handover.first, handover.qualified) > since)
    for times in (handover.qualified, handover.first, handover.accepted, handover.rejected):
        times[late] = NEVER
    handover.reason[late] = None
    alone = (deals["_lead"].to_numpy() >= 0) & late[deals["_lead"].to_numpy()]
    deals.loc[alone, "lead_id"] = None
    deals.loc[alone, "_lead"] = -1


def make_intents(world: World, marketing: Marketing, handover: Handover) -> Intents:
    """Draw what the strategic plan wants: clients are defended, good accounts attacked, poor ones released.

    An intent to attack or to release is stated after the account's last hand-over, so that what is done afterwards is
    free.
    """
    rng = world.rng("intents")
    count = world.recipe.accounts
    named = rng.random(count) < 0.25
    later_client = world.becomes_client
    busy = np.full(count, world.start)
    known = (handover.first != NEVER) & (marketing.account >= 0)
    np.maximum.at(busy, marketing.account[known], handover.first[known] + DAY)
    open_from = np.maximum(np.maximum(world.created, world.start), busy)
    never = later_client == NEVER
    client = ~never & world.defended
    open_from = np.where(client, np.maximum(world.start, later_client), open_from)
    here = ((never & named) | client) & (open_from < world.end - DAY)
    account = np.flatnonzero(here)
    opens = open_from[account]
    decided = (opens + (rng.random(len(account)) * (world.end - opens)).astype(np.int64)) // DAY * DAY
    decided = np.where(decided < opens, decided + DAY, decided)
    keep = decided < world.end
    account, decided = account[keep], decided[keep]
    intent = np.where(client[account], "defend", np.where(world.z[account] > -0.5, "attack", "release"))
    off = rng.random(len(account)) < world.truth.gaps["off_plan_accounts"]
    off = np.where(intent == "defend", world.neglected[account], off)
    return Intents(account=account, intent=intent.astype(object), decided=decided, off=off)


def intent_table(world: World, intents: Intents) -> pd.DataFrame:
    """The table of intents."""
    rng = world.rng("intent table")
    return pd.DataFrame({
        "account_id": world.accounts["account_id"].to_numpy(object)[intents.account], "intent": intents.intent,
        "decided_on": intents.decided,
        "department": pick(rng, ("company", "sales", "marketing"), len(intents.account), (0.6, 0.25, 0.15)),
        "review_on": intents.decided + 365 * DAY,
    }).sort_values(["decided_on", "account_id"], ignore_index=True)  # fmt: skip


def play(
    world: World, marketing: Marketing, silences: Silences, deals: pd.DataFrame, intents: Intents,
    sales: pd.DataFrame, own: pd.DataFrame, assessments: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """Give all touches: clients cared for or not, plans played or not, decision makers reached or not."""
    own = _to_decision_makers(world, marketing, deals, own)
    touches = pd.concat([sales, own], ignore_index=True)
    touches = touches[~_unwanted(world, intents, touches)]
    touches = pd.concat([touches, _planned(world, silences, intents)], ignore_index=True)
    touches = pd.concat([touches, _cared_for(world, silences, touches)], ignore_index=True)
    return _with_effort(world, touches, assessments)


def _unwanted(world: World, intents: Intents, touches: pd.DataFrame) -> Bools:
    """Which touches do not happen: any with a neglected client, or that the plan as it is played leaves out."""
    account, at = touches["_account"].to_numpy(), touches["_at"].to_numpy()
    known = account >= 0
    account = np.where(known, account, 0)
    by_people = ~touches["automated"].to_numpy(bool)
    never = np.iinfo(np.int64).max
    since = np.where(world.becomes_client == NEVER, never, world.becomes_client)
    gone = world.neglected[account] & (at > since[account]) & by_people
    silent, untouched = np.full(world.recipe.accounts, never), np.full(world.recipe.accounts, never)
    quiet_attack = (intents.intent == "attack") & intents.off
    silent[intents.account[quiet_attack]] = intents.decided[quiet_attack]
    released = (intents.intent == "release") & ~intents.off
    untouched[intents.account[released]] = intents.decided[released]
    gone |= (at >= silent[account]) & by_people
    outbound = (touches["department"] == "sales").to_numpy() & (touches["direction"] == "outbound").to_numpy()
    gone |= (at >= untouched[account]) & by_people & outbound
    return np.asarray(known & gone & ~touches["_first"].to_numpy(bool), dtype=bool)


def _calls(
    world: World, silences: Silences, rng: np.random.Generator, account: Ints, opens: Ints, shuts: Ints
) -> pd.DataFrame:  # fmt: skip
    """One outbound touch by the account's salesperson each, at any working time between two moments.

    Not in the silence between a hand-over and its first touch, as far as a few tries go.
    """
    seat = world.seat[account]
    at = later(opens, np.zeros(len(account)))
    free = np.zeros(len(account), dtype=bool)
    for _ in range(6):
        again = later(
            opens + ((shuts - opens) * rng.random(len(account))).astype(np.int64), np.zeros(len(account))
        )
        at = np.where(free, at, np.minimum(again, np.maximum(shuts - 1, opens)))
        free = ~silences.cover(account, at)
    none = np.full(len(account), -1, dtype=np.int64)
    frame = frame_of(
        world, rng, at=at, account=account, contact=world.a_contact(rng, account, 0.7), deal=none, lead=none,
        campaign=none, product=pick_index(rng, world.recipe.products, len(account), world.pushes["sales"]), seat=seat,
        direction=np.full(len(account), "outbound", dtype=object), theme=pick(rng, THEMES, len(account)), channel=None,
        first=False,
    )  # fmt: skip
    kept: pd.DataFrame = frame[free & (at < world.end)]
    return kept.drop(columns="_seat")


def _planned(world: World, silences: Silences, intents: Intents) -> pd.DataFrame:
    """The touches that the plan asks for, or that go against it."""
    rng = world.rng("plan played")
    attack = np.flatnonzero((intents.intent == "attack") & ~intents.off)
    account, opens = intents.account[attack], intents.decided[attack] + DAY
    frames = [_calls(world, silences, rng, account, opens, opens + 60 * DAY)]
    against = np.flatnonzero((intents.intent == "release") & intents.off)
    for begin, end in _quarters(world):
        here = against[intents.decided[against] < end - 60 * DAY]
        account = intents.account[here]
        opens = np.maximum(intents.decided[here] + DAY, begin)
        frames.append(_calls(world, silences, rng, account, opens, np.full(len(here), end)))
    return pd.concat(frames, ignore_index=True)


def _quarters(world: World) -> list[tuple[int, int]]:
    first = np.datetime64(world.recipe.start, "M").astype(int) // 3 * 3
    last = np.datetime64(world.recipe.end, "M").astype(int) // 3 * 3
    found = []
    for month in range(first, last + 3, 3):
        begin, end = (
            int(np.datetime64(m, "M").astype("datetime64[s]").astype(np.int64)) for m in (month, month + 3)
        )
        found.append((max(begin, world.start), min(end, world.end)))
    return found


def _cared_for(world: World, silences: Silences, touches: pd.DataFrame) -> pd.DataFrame:
    """One call of each client that is not neglected, in each quarter in which nobody else has spoken with it."""
    rng = world.rng("client care")
    speaking = touches["channel"].isin(SPEAKING).to_numpy() & ~touches["automated"].to_numpy(bool)
    account, at = touches["_account"].to_numpy(), touches["_at"].to_numpy()
    frames = []
    for begin, end in _quarters(world):
        opens = max(begin, end - 88 * DAY)
        heard = np.zeros(world.recipe.accounts, dtype=bool)
        heard[account[speaking & (account >= 0) & (at >= opens) & (at < end)]] = True
        client = (world.becomes_client != NEVER) & (world.becomes_client < end - 89 * DAY) & ~world.neglected
        missing = np.flatnonzero(client & ~heard)
        full = np.full(len(missing), opens), np.full(len(missing), end)
        frames.append(_calls(world, silences, rng, missing, *full))
    return pd.concat(frames, ignore_index=True)


def _to_decision_makers(
    world: World, marketing: Marketing, deals: pd.DataFrame, own: pd.DataFrame
) -> pd.DataFrame:
    """Marketing's touches: before each deal its account hears of the company, its decision maker as a rule too.

    Of the accounts with a decision maker and somebody else a share, the true gap, is spoken to past the decision maker.
    Where there is nobody else, marketing writes to the company, not to a person.
    """
    rng = world.rng("decision makers")
    count = world.recipe.accounts
    of = world.contacts["_account"].to_numpy()
    deciding = (world.contacts["role"] == "decision_maker").to_numpy()
    deciders, everybody = np.bincount(of[deciding], minlength=count), np.bincount(of, minlength=count)
    reachable = (deciders > 0) & (everybody > deciders)
    missed = reachable & (rng.random(count) < world.truth.gaps["missed_decision_makers"])
    first_other, first_decider = np.full(count, len(of)), np.full(count, len(of))
    np.minimum.at(first_other, of[~deciding], np.flatnonzero(~deciding))
    np.minimum.at(first_decider, of[deciding], np.flatnonzero(deciding))

    contact, account = own["_contact"].to_numpy(), own["_account"].to_numpy()
    decider = (contact >= 0) & deciding[contact]
    own["_contact"] = np.select(
        [decider & missed[account], decider & ~reachable[account]], [first_other[account], -1], contact
    )

    deal = np.flatnonzero(reachable[deals["_account"].to_numpy()])
    who, opened = deals["_account"].to_numpy()[deal], deals["opened_at"].to_numpy()[deal]
    floor = np.maximum(np.maximum(world.created[who], world.start), opened - 170 * DAY)
    frames: list[pd.DataFrame] = []
    for place in range(4):
        at = by_day(floor + ((opened - DAY - floor) * rng.random(len(deal))).astype(np.int64))
        one = first_decider[who] if place == 0 else first_other[who]
        one = np.where(missed[who], first_other[who], one)
        campaign = np.searchsorted(marketing.campaigns["starts_on"].to_numpy(), at, side="right") - 1
        campaign = np.maximum(campaign - rng.integers(0, 6, len(deal)), 0)
        frames.append(pd.DataFrame({
            "_at": at, "department": "marketing", "_account": who, "_contact": one, "_lead": -1, "_opportunity": -1,
            "_campaign": campaign, "_product": marketing.campaign_product[campaign],
            "actor": world.people["person_id"].iloc[-1], "channel": "email", "direction": "outbound",
            "theme": marketing.campaigns["theme"].to_numpy(object)[campaign], "minutes": np.nan, "automated": True,
            "_first": False,
        })[(opened - floor > 5 * DAY) & (at >= floor) & (at < opened)])  # fmt: skip
    return pd.concat([own, *frames], ignore_index=True)


def _with_effort(world: World, touches: pd.DataFrame, assessments: pd.DataFrame) -> pd.DataFrame:
    """Sales takes its time by what marketing thinks of an account: each fifth of accounts gets its share of minutes.

    Its share is the fifth's part of all potential; where effort is misplaced, so much of it as the true gap goes from
    the better three fifths to the poorer two. The natural shares of a quarter are read off a straight line through all
    quarters.
    """
    fifth, worth = fifths(world, assessments)
    account = touches["_account"].to_numpy()
    of = np.where(account >= 0, fifth[np.where(account < 0, 0, account)], -1)
    mine = (touches["department"] == "sales").to_numpy() & ~touches["automated"].to_numpy(bool) & (of >= 0)
    minutes = touches["minutes"].to_numpy(float)
    usual = np.array([MINUTES.get(c, 10.0) for c in touches["channel"]])
    minutes = np.where(mine & np.isnan(minutes), usual, minutes)
    quarters = _quarters(world)
    starts = np.array([begin for begin, _ in quarters])
    quarter = np.searchsorted(starts, touches["_at"].to_numpy(), side="right") - 1
    spent = np.bincount(
        (quarter * 5 + of)[mine], weights=minutes[mine], minlength=5 * len(quarters)
    ).reshape(len(quarters), 5)  # fmt: skip
    natural = _smooth(spent / np.maximum(spent.sum(axis=1, keepdims=True), 1e-9))
    wanted = _misplaced(worth, world.truth.gaps["misplaced_effort"])
    factor = wanted / np.maximum(natural, 1e-3)
    factor = np.clip(factor, 0.05, 20.0)
    minutes = np.where(mine, np.rint(minutes * factor[quarter, np.maximum(of, 0)]).clip(1), minutes)
    weighed: pd.DataFrame = touches.assign(minutes=minutes)
    return weighed


def _misplaced(worth: Floats, gap: float) -> Floats:
    rich, poor = np.array([False, False, True, True, True]), np.array([True, True, False, False, False])
    taken = np.where(rich, worth, 0) / max(1e-12, float(worth[rich].sum()))
    given = np.where(poor, worth, 0) / max(1e-12, float(worth[poor].sum()))
    return np.asarray(worth + gap * (given - taken))


def _smooth(shares: Floats) -> Floats:
    number = np.arange(len(shares), dtype=float)
    number -= number.mean()
    slope = (number[:, None] * shares).sum(axis=0) / max(1e-12, float((number**2).sum()))
    return np.asarray((shares.mean(axis=0) + number[:, None] * slope).clip(0.005))
