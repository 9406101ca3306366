"""Rules that share one sale among the steps before it: first, last, linear and their kin.

A rule sees one path at a time and knows nothing of the paths that led to no sale. Each gives shares that sum to 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final

from alignment_toolkit.errors import ParameterError, UnknownName

__all__ = ["DIRECT", "RULES", "Path", "Terms", "rule_credits", "shares"]

DIRECT: Final = ("direct", "direct_traffic")
"""Channels that say that nothing brought the visitor; `last_non_direct` passes over them."""


@dataclass(frozen=True, order=True)
class Path:
    """The steps of one journey, earliest first, and how it ended.

    Attributes
    ----------
    channels
        The channel of each step; a channel may come again.
    converted
        Whether the journey ended in a sale.
    ages
        Whole days from each step to the sale; empty where they are not known.
    lead, opportunity
        The place (from 0) of the step that made the lead, and of the last step before the opportunity was opened;
        -1 where there is none.
    """

    channels: tuple[str, ...]
    converted: bool = True
    ages: tuple[int, ...] = ()
    lead: int = -1
    opportunity: int = -1

    def __post_init__(self) -> None:
        """Refuse what is no path."""
        if not self.channels:
            raise ParameterError(
                "A path has at least one step; a sale without any is counted as '(no touch)'."
            )
        if self.ages and len(self.ages) != len(self.channels):
            raise ParameterError(f"A path of {len(self.channels)} steps has {len(self.ages)} ages.")
        if max(self.lead, self.opportunity) >= len(self.channels):
            raise ParameterError(f"A path of {len(self.channels)} steps has a milestone beyond its end.")


@dataclass(frozen=True)
class Terms:
    """What a rule may be told: the half-life of time decay in days, and the channels that count as direct."""

    half_life_days: float = 7.0
    direct: Collection[str] = DIRECT

    def __post_init__(self) -> None:
        """Refuse a half-life that is none."""
        if not (self.half_life_days > 0 and math.isfinite(self.half_life_days)):
            raise ParameterError(f"half_life_days is {self.half_life_days}; it must be above 0.")


def _at(steps: int, place: int) -> list[float]:
    return [float(i == place) for i in range(steps)]


def _first(path: Path, terms: Terms) -> list[float]:
    return _at(len(path.channels), 0)


def _last(path: Path, terms: Terms) -> list[float]:
    return _at(len(path.channels), len(path.channels) - 1)


def _last_non_direct(path: Path, terms: Terms) -> list[float]:
    direct = {word.casefold() for word in terms.direct}
    for place in reversed(range(len(path.channels))):
        if path.channels[place].casefold() not in direct:
            return _at(len(path.channels), place)
    return _last(path, terms)


def _linear(path: Path, terms: Terms) -> list[float]:
    return [1 / len(path.channels)] * len(path.channels)


def _position(path: Path, terms: Terms) -> list[float]:
    steps = len(path.channels)
    if steps <= 2:
        return [1 / steps] * steps
    return [0.4, *[0.2 / (steps - 2)] * (steps - 2), 0.4]


def _w_shaped(path: Path, terms: Terms) -> list[float]:
    """30 % each to the first step, the lead and the opportunity, 10 % to the rest; in proportion where one lacks."""
    steps = len(path.channels)
    given = [0.0] * steps
    for place in (0, path.lead, path.opportunity):
        if place >= 0:
            given[place] += 0.3
    rest = [i for i in range(steps) if given[i] == 0]
    for i in rest:
        given[i] = 0.1 / len(rest)
    total = math.fsum(given)
    return [share / total for share in given]


def _time_decay(path: Path, terms: Terms) -> list[float]:
    if not path.ages:
        raise ParameterError("Time decay needs the age of every step; this path has none.")
    youngest = min(path.ages)
    # Ages are counted from the last step: the shares are the same, and a long silence makes no 0 / 0.
    weights = [2.0 ** (-(age - youngest) / terms.half_life_days) for age in path.ages]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


RULES: Final[dict[str, Callable[[Path, Terms], list[float]]]] = {
    "first": _first,
    "last": _last,
    "last_non_direct": _last_non_direct,
    "linear": _linear,
    "position": _position,
    "w_shaped": _w_shaped,
    "time_decay": _time_decay,
}
_USUAL: Final = Terms()


def shares(path: Path, rule: str, terms: Terms = _USUAL) -> list[float]:
    """Give each step's share of one sale.

    Parameters
    ----------
    path
        The path; whether it converted does not matter here.
    rule
        One of `RULES`. ``position`` gives 40 % to the first and the last step and 20 % to those between (half each for
        two steps); ``w_shaped`` 30 % to the first step, the lead and the opportunity each and 10 % to the rest: what
        falls on one step adds up there, and the share of what is missing goes to the others in proportion.
        ``time_decay`` halves a step's weight with every `half_life_days` before the sale.
    terms
        Half-life and direct channels.

    Examples
    --------
    >>> shares(Path(("search", "email", "phone", "visit")), "position")
    [0.4, 0.1, 0.1, 0.4]
    >>> shares(Path(("email", "phone"), ages=(7, 0)), "time_decay")
    [0.3333333333333333, 0.6666666666666666]
    """
    if rule not in RULES:
        raise UnknownName("rule", rule, RULES)
    return RULES[rule](path, terms)


def rule_credits(paths: Iterable[tuple[Path, int]], rule: str, terms: Terms = _USUAL) -> dict[str, float]:
    """Give each channel's sales under one rule: its shares summed over the paths that converted.

    Parameters
    ----------
    paths
        Pairs of path and number of times. The order does not matter.
    rule, terms
        As in `shares`.

    Returns
    -------
    dict
        Sales by channel, in alphabetical order; 0 for a channel that is only on paths without a sale. They sum to the
        number of paths that converted.

    Examples
    --------
    >>> rule_credits([(Path(("search", "email")), 3), (Path(("social",), converted=False), 9)], "first")
    {'email': 0.0, 'search': 3.0, 'social': 0.0}
    """
    parts: dict[str, list[float]] = {}
    for path, times in paths:
        for channel in path.channels:
            parts.setdefault(channel, [])
        if path.converted:
            for channel, share in zip(path.channels, shares(path, rule, terms), strict=True):
                parts[channel].append(times * share)
    return {channel: math.fsum(parts[channel]) for channel in sorted(parts)}
