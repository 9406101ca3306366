"""Credit by removal from a Markov chain: what would be lost if a channel no longer worked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alignment_toolkit.attribution.models import Path
from alignment_toolkit.errors import ParameterError

__all__ = ["MOST_STATES", "Chain", "markov_credits"]

MOST_STATES: Final = 2000
Floats = NDArray[np.float64]
State = tuple[str, ...]


@dataclass(frozen=True)
class Chain:
    """An absorbing Markov chain over channels: from the start by the steps of the paths to sale or no sale.

    A state is the last `order` channels of a path; the first state is the start. What a path does next depends on its
    state alone. That is the model's assumption, and a strong one.

    Attributes
    ----------
    order
        How many of the last channels the chain remembers.
    channels
        All channels, in alphabetical order.
    states
        All states, the start (no channel yet) first.
    starts, ends
        The moves that were seen, each from the number of a state to another; after the states come the sale and the
        end without sale.
    """

    order: int
    channels: tuple[str, ...]
    states: tuple[State, ...]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, paths: Sequence[tuple[Path, int]], order: int = 1) -> Chain:
        """Lay out the chain that all these paths walk.

        Raises
        ------
        ParameterError
            Where the order is below 1, or gives more than 2,000 states.
        """
        if order < 1:
            raise ParameterError(f"markov_order is {order}; it must be at least 1.")
        moves = {move for path, _ in paths for move in _moves(path, order)}
        states = sorted({(), *(state for state, _ in moves)}, key=lambda s: (len(s), s))
        if len(states) > MOST_STATES:
            raise ParameterError(
                f"A Markov chain of order {order} has {len(states):,} states here; at most {MOST_STATES:,} can be "
                "solved. Lower [attribution] markov_order."
            )
        place: dict[State | bool, int] = {state: i for i, state in enumerate(states)}
        place[True], place[False] = len(states), len(states) + 1
        seen = sorted((place[state], place[to]) for state, to in moves)
        ends = np.array(seen, dtype=np.int64).reshape(-1, 2)
        channels = tuple(sorted({c for path, _ in paths for c in path.channels}))
        return cls(order, channels, tuple(states), ends[:, 0], ends[:, 1])

    @cached_property
    def _place(self) -> dict[State | bool, int]:
        return {
            **{state: i for i, state in enumerate(self.states)},
            True: len(self.states),
            False: len(self.states) + 1,
        }

    @cached_property
    def _gone(self) -> list[list[int]]:
        """The states that are no more where a channel is removed."""
        return [
            [i for i, state in enumerate(self.states) if state and state[-1] == channel]
            for channel in self.channels
        ]

    @cached_property
    def _number(self) -> dict[tuple[int, int], int]:
        return {(int(a), int(b)): i for i, (a, b) in enumerate(zip(self.starts, self.ends, strict=True))}

    def moves_of(self, path: Path) -> list[int]:
        """Give the numbers of the moves that a path makes, in its order; each must be one of the chain's."""
        place = self._place
        return [self._number[place[state], place[to]] for state, to in _moves(path, self.order)]

    def counted(self, paths: Iterable[tuple[Path, int]]) -> Floats:
        """Count the moves of paths, each path as often as it says."""
        found = np.zeros(len(self.starts))
        for path, times in paths:
            for move in self.moves_of(path):
                found[move] += times
        return found

    def chances(self, counts: Floats) -> Floats:
        """Give the chance of each move from each state; the last two columns are the sale and the end without."""
        size = len(self.states)
        table = np.zeros((size, size + 2))
        table[self.starts, self.ends] = counts
        totals = table.sum(axis=1, keepdims=True)
        found: Floats = np.divide(table, totals, out=np.zeros_like(table), where=totals > 0)
        return found

    def solved(self, counts: Floats) -> tuple[float, Floats]:
        """Give the chance of a sale, and the share of it that is lost by removing each channel.

        Exact, by linear algebra: with Q the moves among states and r those to a sale, N = (I - Q)^-1 holds the expected
        visits and x = N r the chance of a sale from each state. Removing a set D of states sends every move into D to
        the end without sale; what is lost is N[start, D] N[D, D]^-1 x[D], the chance to reach D and then to buy.

        Parameters
        ----------
        counts
            How often each move was made.
        """
        size = len(self.states)
        chance = self.chances(counts)
        visits = np.linalg.inv(np.eye(size) - chance[:, :size])
        sale = visits @ chance[:, size]
        if sale[0] <= 0:
            return 0.0, np.zeros(len(self.channels))
        if all(len(gone) == 1 for gone in self._gone):
            one = np.array([gone[0] for gone in self._gone], dtype=np.int64)
            bought = visits[0, one] * sale[one] / visits[one, one]
        else:
            bought = np.array(
                [visits[0, d] @ np.linalg.solve(visits[np.ix_(d, d)], sale[d]) for d in self._gone]
            )
        return float(sale[0]), np.clip(bought / float(sale[0]), 0.0, 1.0)


def _moves(path: Path, order: int) -> list[tuple[State, State | bool]]:
    """List the moves of a path: from state to state, at last to True (a sale) or False."""
    state: State = ()
    found: list[tuple[State, State | bool]] = []
    for channel in path.channels:
        following = (*state, channel)[-order:]
        found.append((state, following))
        state = following
    return [*found, (state, path.converted)]


def markov_credits(paths: Iterable[tuple[Path, int]], order: int = 1) -> dict[str, float]:
    """Share the sales among channels by their removal effects in a Markov chain.

    Estimand: the share of the chance of a sale that is lost if every move into a channel ended without sale, the
    chain's other moves staying as they are; the effects are scaled to sum to the number of sales (Anderl et al. 2016).
    The chain is solved exactly; paths that led to no sale take part.

    Parameters
    ----------
    paths
        Pairs of path and number of times.
    order
        How many of the last channels the chain remembers.

    Returns
    -------
    dict
        Sales by channel, in alphabetical order.

    Examples
    --------
    >>> paths = [(Path(("ga",)), 2), (Path(("mailing",)), 1), (Path(("ga", "mailing")), 1),
    ...          (Path(("ga",), converted=False), 1)]
    >>> {channel: round(credit, 9) for channel, credit in markov_credits(paths).items()}
    {'ga': 2.4, 'mailing': 1.6}
    """
    known = [(path, times) for path, times in paths if times]
    sales = sum(times for path, times in known if path.converted)
    chain = Chain.of(known, order)
    lost = chain.solved(chain.counted(known))[1]
    total = math.fsum(lost)
    return {
        c: sales * float(part) / total if total else 0.0 for c, part in zip(chain.channels, lost, strict=True)
    }
