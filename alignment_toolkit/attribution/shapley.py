"""Credit by Shapley's value: the mean of what a channel adds to the coalitions of the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alignment_toolkit.attribution.markov import Chain
from alignment_toolkit.attribution.models import Path
from alignment_toolkit.errors import ParameterError

__all__ = ["EXACT", "Shapley", "chain_game", "shapley", "within_game", "within_shares"]

EXACT: Final = 12
"""Up to so many players every coalition is valued; above, orders are drawn."""

Game = Callable[[frozenset[str]], float]


@dataclass(frozen=True)
class Shapley:
    """Each player's value; where orders were drawn, the standard error of each and the number of orders."""

    values: Mapping[str, float]
    errors: Mapping[str, float]
    orders: int | None = None


def shapley(
    game: Game | Mapping[frozenset[str], float],
    players: Collection[str],
    *,
    random: np.random.Generator | None = None,
    orders: int = 400,
) -> Shapley:
    """Give Shapley's value of a game: exact up to 12 players, above by drawn orders with their standard error.

    Parameters
    ----------
    game
        The worth of a coalition: a function, or a mapping. The empty coalition of a mapping is worth 0.
    players
        All players.
    random
        Draws the orders; needed above 12 players.
    orders
        How many orders are drawn; each also counts backwards, which evens out early and late places.

    Examples
    --------
    >>> worth = {"O": 7, "F": 6, "D": 4, "OF": 15, "OD": 7, "FD": 9, "OFD": 19}
    >>> found = shapley({frozenset(k): v for k, v in worth.items()}, "OFD")
    >>> [round(found.values[player] * 6, 9) for player in "OFD"]
    [46.0, 49.0, 19.0]
    """
    names = sorted(players)
    worth = _worth(game)
    if len(names) <= EXACT:
        values = _exact(worth, names)
        return Shapley(values, dict.fromkeys(names, 0.0))
    if random is None:
        raise ParameterError(
            f"{len(names)} players: above {EXACT} Shapley's value is sampled, and needs `random`."
        )
    return _drawn(worth, names, random, orders)


def _worth(game: Game | Mapping[frozenset[str], float]) -> Game:
    if isinstance(game, Mapping):
        return lambda coalition: float(game[coalition]) if coalition else float(game.get(coalition, 0.0))
    return game


def _exact(worth: Game, names: Sequence[str]) -> dict[str, float]:
    count = len(names)
    known = {
        members: worth(frozenset(members))
        for size in range(count + 1)
        for members in combinations(names, size)
    }
    weights = [1 / (count * math.comb(count - 1, size)) for size in range(count)]
    parts: dict[str, list[float]] = {name: [] for name in names}
    for members, value in known.items():
        for i, name in enumerate(members):
            before = known[members[:i] + members[i + 1 :]]
            parts[name].append(weights[len(members) - 1] * (value - before))
    return {name: math.fsum(found) for name, found in parts.items()}


def _drawn(worth: Game, names: Sequence[str], random: np.random.Generator, orders: int) -> Shapley:
    known: dict[frozenset[str], float] = {}

    def value(coalition: frozenset[str]) -> float:
        if coalition not in known:
            known[coalition] = worth(coalition)
        return known[coalition]

    found = np.zeros((orders, len(names)))
    for row in found:
        drawn = random.permutation(len(names))
        for order in (drawn, drawn[::-1]):
            coalition: frozenset[str] = frozenset()
            before = value(coalition)
            for player in order:
                coalition = coalition | {names[player]}
                after = value(coalition)
                row[player] += (after - before) / 2
                before = after
    errors: NDArray[np.float64] = found.std(axis=0, ddof=1) / math.sqrt(orders)
    values = {name: math.fsum(found[:, i]) / orders for i, name in enumerate(names)}
    return Shapley(values, {name: float(errors[i]) for i, name in enumerate(names)}, orders)


def within_game(paths: Iterable[tuple[Path, int]]) -> Game:
    """Give the game in which a coalition is worth the sales whose paths it covers alone.

    Examples
    --------
    >>> worth = within_game([(Path(("search", "email")), 3), (Path(("email",)), 1)])
    >>> worth(frozenset({"email"})), worth(frozenset({"email", "search"}))
    (1.0, 4.0)
    """
    sales: dict[frozenset[str], int] = {}
    for path, times in paths:
        if path.converted:
            members = frozenset(path.channels)
            sales[members] = sales.get(members, 0) + times
    return lambda coalition: float(sum(n for members, n in sales.items() if members <= coalition))


def within_shares(path: Path) -> dict[str, float]:
    """Give the Shapley shares of one sale in `within_game`: equal parts for the channels on its path, at any number.

    The game is a sum over paths of games in which a path's channels are worth 1 together and nothing without each
    other; Shapley's value is additive, and equal for players who do the same.

    Examples
    --------
    >>> within_shares(Path(("email", "search", "email", "email")))
    {'email': 0.5, 'search': 0.5}
    """
    members = sorted(set(path.channels))
    return dict.fromkeys(members, 1 / len(members))


def chain_game(paths: Sequence[tuple[Path, int]], order: int = 1) -> Game:
    """Give the game in which a coalition is worth the sales expected where only its channels work.

    The Markov chain of all paths, those without a sale too; a move into any other channel ends without sale. So here a
    channel's partners matter, and the paths that led to nothing.

    Examples
    --------
    >>> paths = [(Path(("ga",)), 2), (Path(("mailing",)), 1), (Path(("ga", "mailing")), 1),
    ...          (Path(("ga",), converted=False), 1)]
    >>> round(chain_game(paths)(frozenset({"ga"})), 9)
    2.0
    """
    chain = Chain.of(paths, order)
    chance = chain.chances(chain.counted(paths))
    journeys = sum(times for _, times in paths)
    size = len(chain.states)

    def worth(coalition: frozenset[str]) -> float:
        kept = [i for i, state in enumerate(chain.states) if set(state) <= coalition]
        inside = chance[np.ix_(kept, kept)]
        sale = np.linalg.solve(np.eye(len(kept)) - inside, chance[kept, size])
        return journeys * float(sale[0])

    return worth
