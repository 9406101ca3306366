"""How far the models lie apart, and how far each one's ranking would hold in other data of the same kind."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alignment_toolkit.attribution.markov import Chain
from alignment_toolkit.attribution.models import RULES, Path, Terms, shares
from alignment_toolkit.attribution.shapley import within_shares
from alignment_toolkit.statistics.resampling import generator

__all__ = ["DRAWS", "MOST_STATES_DRAWN", "distances", "draws_for", "stability"]

DRAWS: Final = 500
FEWER_DRAWS: Final = 200
MANY_GROUPS: Final = 20_000
"""With more kinds of history than this, `draws_for` gives fewer draws: a share is then known to 0.035, not 0.022."""
MOST_STATES_DRAWN: Final = 150
"""A chain with more states is not solved again for every draw."""
_TIE: Final = 1e-9

Credits = Mapping[str, float]
Groups = Sequence[tuple[Sequence[Path], int]]


def distances(credits: Mapping[str, Credits]) -> dict[tuple[str, str], float]:
    """Give the total variation distance of every two models: the share of the sales that changes hands.

    Half the sum of the absolute differences of the channels' shares; 0 where two models agree, 1 where they have no
    channel in common. Models without any credit are left out.

    Examples
    --------
    >>> distances({"first": {"a": 3.0, "b": 1.0}, "last": {"a": 1.0, "b": 3.0}})
    {('first', 'last'): 0.5}
    """
    totals = {model: math.fsum(found.values()) for model, found in credits.items()}
    known = [model for model, total in totals.items() if total > 0]
    out = {}
    for one, other in combinations(known, 2):
        channels = sorted({*credits[one], *credits[other]})
        apart = (
            abs(credits[one].get(c, 0.0) / totals[one] - credits[other].get(c, 0.0) / totals[other])
            for c in channels
        )
        out[one, other] = math.fsum(apart) / 2
    return out


def draws_for(groups: Groups) -> int:
    """Give the number of bootstrap draws: 500, or 200 where more than 20,000 kinds of history make each one long."""
    return DRAWS if len(groups) <= MANY_GROUPS else FEWER_DRAWS


def stability(
    groups: Groups, *, terms: Terms, order: int = 1, seed: str = "attribution", draws: int = DRAWS
) -> dict[str, dict[str, float]]:
    """Give the share of draws of half as many accounts in which each channel keeps its rank, by model.

    Estimand: the chance that as many other accounts of the same process would give a channel the rank it has here.
    What is here and what would be there both vary, so their difference varies by twice the variance of one sample; and
    so do draws of half as many accounts (m out of n bootstrap, m = n / 2). Draws of as many as are here would vary by
    one of the two only, and flatter. Accounts are drawn with replacement, each with all its paths; draws without a
    sale are left out. Channels with the same credit share the worse rank, so that those without any are last together.
    Models are the rules, ``markov`` (where its chain has at most 150 states) and ``shapley`` (as `within_shares`).

    Parameters
    ----------
    groups
        Pairs of the paths of one account and the number of accounts that have just these. Their order matters for the
        draws: hand them over sorted.
    terms, order
        Of the rules and the chain.
    seed
        A text.
    draws
        How many.

    Returns
    -------
    dict
        Shares by model and channel; empty where fewer than two accounts have a sale.

    Examples
    --------
    >>> found = stability([([Path(("email",), ages=(1,))], 90), ([Path(("phone",), ages=(1,))], 10)], terms=Terms())
    >>> found["linear"]
    {'email': 1.0, 'phone': 1.0}
    """
    if sum(times for paths, times in groups if any(p.converted for p in paths)) < 2:
        return {}
    flat = [(path, times) for paths, times in groups for path in paths]
    channels = sorted({c for path, _ in flat for c in path.channels})
    models = [*RULES, "shapley"]
    shape = (len(models), len(channels))
    cells = _Cells.of_rules(groups, models, channels, terms)
    chain = Chain.of(flat, order)
    moves = _Cells.of_chain(groups, chain) if len(chain.states) <= MOST_STATES_DRAWN else None
    times = np.array([n for _, n in groups], dtype=np.int64)
    sold = np.array([sum(p.converted for p in paths) for paths, _ in groups], dtype=np.int64)

    def ranked(counts: NDArray[np.int64]) -> NDArray[np.int64]:
        credit = cells.summed(counts).reshape(shape)
        if moves is not None:
            credit = np.vstack([credit, chain.solved(moves.summed(counts))[1]])
        return _ranks(credit / credit.sum(axis=1, keepdims=True))

    here = ranked(times)
    kept = np.zeros(here.shape)
    used = 0
    size, random = max(int(times.sum()) // 2, 2), generator(seed)
    for _ in range(draws):
        drawn = random.multinomial(size, times / times.sum())
        if drawn @ sold:
            used += 1
            kept += ranked(drawn) == here
    named = [*models, *(["markov"] if moves is not None else [])]
    return {
        model: {c: float(kept[i, j]) / used for j, c in enumerate(channels)} for i, model in enumerate(named)
    }


def _ranks(credit: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rank each row's numbers, the largest 1; equal ones share the worse rank."""
    as_much = credit[:, None, :] >= credit[:, :, None] - _TIE
    found: NDArray[np.int64] = as_much.sum(axis=2)
    return found


class _Cells:
    """Numbers by group and place, most of them 0: summed for any number of each group."""

    def __init__(self, found: Mapping[tuple[int, int], float], size: int) -> None:
        self.size = size
        self.group = np.array([g for g, _ in found], dtype=np.int64)
        self.place = np.array([p for _, p in found], dtype=np.int64)
        self.value = np.array(list(found.values()), dtype=float)

    @classmethod
    def of_rules(cls, groups: Groups, models: Sequence[str], channels: Sequence[str], terms: Terms) -> _Cells:
        """Take the credit of one account under each rule."""
        place = {c: i for i, c in enumerate(channels)}
        found: dict[tuple[int, int], float] = {}
        for g, (paths, _) in enumerate(groups):
            for path in paths:
                if not path.converted:
                    continue
                for m, model in enumerate(models):
                    if model == "shapley":
                        given = list(within_shares(path).items())
                    else:
                        given = list(zip(path.channels, shares(path, model, terms), strict=True))
                    for channel, share in given:
                        key = g, m * len(channels) + place[channel]
                        found[key] = found.get(key, 0.0) + share
        return cls(found, len(models) * len(channels))

    @classmethod
    def of_chain(cls, groups: Groups, chain: Chain) -> _Cells:
        """Take the moves of one account."""
        found: dict[tuple[int, int], float] = {}
        for g, (paths, _) in enumerate(groups):
            for path in paths:
                for move in chain.moves_of(path):
                    found[g, move] = found.get((g, move), 0.0) + 1
        return cls(found, len(chain.starts))

    def summed(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Sum over the groups, each as often as it is counted."""
        weights = counts[self.group] * self.value
        return np.bincount(self.place, weights=weights, minlength=self.size).astype(float)
