"""What each model says of a made-up market in which it is known which channel caused which sale.

Run it: ``python benchmarks/attribution.py``. It prints the table of docs/attribution.md.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from alignment_toolkit.attribution import (
    MODELS,
    RULES,
    Path,
    Terms,
    markov_credits,
    rule_credits,
    shapley,
    within_game,
)
from alignment_toolkit.statistics.resampling import generator

PEOPLE = 200_000
CHANNELS = ("search", "newsletter", "retargeting")


def market(people: int = PEOPLE, *, seed: str = "market") -> tuple[Counter[Path], dict[str, float], float]:
    """Draw people with and without each channel: the paths seen, the sales each channel caused, the sales of its own.

    A person has an intent to buy. Search comes to people at random and makes five in a hundred buy who would not have.
    The newsletter comes to half of all people and makes one in a hundred buy. Retargeting follows intent: it
    comes last, mostly to those who were going to buy, and makes nobody buy.
    """
    random = generator(seed)
    intent = random.beta(0.5, 12, people)
    got = {
        "search": random.random(people) < 0.3,
        "newsletter": random.random(people) < 0.5,
        "retargeting": random.random(people) < np.minimum(1.0, 0.05 + 6 * intent),
    }
    # One draw per cause and person: what happens without a channel is known, person by person.
    causes = {
        "own": random.random(people) < intent,
        "search": got["search"] & (random.random(people) < 0.05),
        "newsletter": got["newsletter"] & (random.random(people) < 0.01),
    }
    bought = causes["own"] | causes["search"] | causes["newsletter"]
    truth = {}
    for channel in CHANNELS:
        others = [c for c in causes if c != channel]
        truth[channel] = float((bought & ~np.logical_or.reduce([causes[c] for c in others])).sum())
    swapped = random.random(people) < 0.5
    paths: Counter[Path] = Counter()
    for i in np.flatnonzero(got["search"] | got["newsletter"] | got["retargeting"]):
        first = [c for c in ("search", "newsletter") if got[c][i]]
        steps = (first[::-1] if swapped[i] else first) + (["retargeting"] if got["retargeting"][i] else [])
        ages = tuple(7 * (len(steps) - 1 - k) for k in range(len(steps)))
        paths[Path(tuple(steps), bool(bought[i]), ages=ages, lead=0)] += 1
    touched = got["search"] | got["newsletter"] | got["retargeting"]
    return paths, truth, float((bought & touched).sum())


def table(people: int = PEOPLE) -> dict[str, dict[str, float]]:
    """Give each model's credits, and the truth, by channel."""
    counted, truth, _ = market(people)
    paths = sorted(counted.items())
    found = {rule: rule_credits(paths, rule, Terms()) for rule in RULES}
    found["markov"] = markov_credits(paths)
    found["shapley"] = dict(shapley(within_game(paths), CHANNELS).values)
    return {"caused": truth, **found}


def main() -> None:
    """Print the table."""
    paths, _, sales = market()
    print(f"{PEOPLE:,} people, {sum(paths.values()):,} touched, {sales:,.0f} of them bought\n")
    print(f"| | {' | '.join(CHANNELS)} | all |\n|---|{'---|' * (len(CHANNELS) + 1)}")
    for name, found in table().items():
        cells = " | ".join(f"{found[c]:,.0f}" for c in CHANNELS)
        title = MODELS.get(name, "Sales that would not have been without it")
        print(f"| {title} | {cells} | {sum(found.values()):,.0f} |")


if __name__ == "__main__":
    main()
