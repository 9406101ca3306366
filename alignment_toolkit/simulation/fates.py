"""What becomes of leads that were discarded: some buy later all the same, at a rate that is the true gap."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from alignment_toolkit.simulation.clock import DAY, NEVER, Bools, Floats, Ints
from alignment_toolkit.simulation.marketing import Marketing, opening
from alignment_toolkit.simulation.world import World

YEAR = 365 * DAY


def settle(
    world: World, marketing: Marketing, rejected: Ints, account: Ints, lead: Ints, closed: Ints, won: Bools
) -> tuple[Bools, Ints]:
    """Give which deals are won, and when accounts come by themselves (NEVER: they do not).

    Of each episode of interest that ends without a deal won its fate is drawn: with the probability of the true gap the
    account buys within a year after the last rejection or loss, else it does not, whatever was won in that year.
    """
    rng = world.rng("fates")
    episode = _episodes(marketing)
    fate = rng.random(len(marketing.at)) < world.truth.gaps["discarded_leads"]
    patience = rng.random(len(marketing.at))

    turned = np.flatnonzero((rejected != NEVER) & (marketing.account >= 0))
    over = np.flatnonzero(closed < world.end)
    who = np.concatenate([marketing.account[turned], account[over]])
    at = np.concatenate([rejected[turned], closed[over]])
    deal = np.concatenate([np.full(len(turned), -1), over])
    of = np.concatenate([episode[turned], np.where(lead[over] >= 0, episode[lead[over]], -1)])
    keep = world.client_since[who] == NEVER
    order = np.flatnonzero(keep)[np.lexsort((deal[keep], at[keep], who[keep]))]
    who, at, deal, of = who[order], at[order], deal[order], of[order]
    last = np.zeros(len(who), dtype=bool)
    final = {int(e): i for i, e in enumerate(of) if e >= 0}
    last[list(final.values())] = True

    settled, comes = won.copy(), np.full(world.recipe.accounts, NEVER)
    edges = (
        np.flatnonzero(np.concatenate([[True], who[1:] != who[:-1], [True]]))
        if len(who)
        else np.zeros(1, int)
    )
    for begin, end in pairwise(edges.tolist()):
        comes[who[begin]] = _one_account(
            world.end, at[begin:end], deal[begin:end], of[begin:end], last[begin:end], settled, fate, patience
        )
    return settled, comes


def _one_account(
    end: int, at: Ints, deal: Ints, of: Ints, last: Bools, settled: Bools, fate: Bools, patience: Floats
) -> int:
    """Go through an account's rejections and decided deals in their order; give when it comes by itself."""
    quiet_until = 0
    for place in range(len(at)):
        now, number, episode = int(at[place]), int(deal[place]), int(of[place])
        if number >= 0 and settled[number]:
            if now > quiet_until:
                return NEVER
            settled[number] = False
        if not last[place]:
            continue
        if not fate[episode]:
            quiet_until = max(quiet_until, now + YEAR)
            continue
        soonest = max(now, quiet_until)
        latest = min(now + YEAR, int(at[place + 1]) if place + 1 < len(at) else now + 300 * DAY)
        if latest - soonest < DAY:
            latest = now + YEAR
        moment = soonest + int((0.1 + 0.85 * patience[episode]) * (latest - soonest))
        return moment if moment < end else NEVER
    return NEVER


def _episodes(marketing: Marketing) -> Ints:
    """The number of each lead's spell of interest: leads of an account with no more than 180 days between them."""
    order = np.lexsort((marketing.at, marketing.account))
    opens = opening(marketing.at, marketing.account)[order]
    episode = np.empty(len(order), dtype=np.int64)
    episode[order] = np.cumsum(opens) - 1
    return episode
