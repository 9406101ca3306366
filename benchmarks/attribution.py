"""What each model says of a made-up market in which it is known which channel caused which sale.

Run it: ``python benchmarks/attribution.py``. It prints two tables of docs/attribution.md; the second says how far the
stated stability of a ranking can be trusted.
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
    stability,
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


# The chance of each next step of a made-up chain, with a sale and an end without.
CHAIN = {
    "start": {"search": 0.35, "email": 0.25, "social": 0.25, "event": 0.15},
    "search": {"email": 0.2, "phone": 0.3, "SALE": 0.05, "END": 0.45},
    "email": {"phone": 0.25, "event": 0.1, "SALE": 0.05, "END": 0.6},
    "social": {"email": 0.15, "phone": 0.1, "END": 0.75},
    "event": {"phone": 0.4, "SALE": 0.1, "END": 0.5},
    "phone": {"phone": 0.2, "email": 0.1, "SALE": 0.25, "END": 0.45},
}


def walks(accounts: int, random: np.random.Generator) -> list[tuple[tuple[Path, ...], int]]:
    """Draw the paths of some accounts from the chain."""
    found: Counter[Path] = Counter()
    for _ in range(accounts):
        at, steps = "start", []
        while at not in ("SALE", "END"):
            at = str(random.choice(list(CHAIN[at]), p=list(CHAIN[at].values())))
            steps.append(at)
        steps, sold = steps[:-1], steps[-1] == "SALE"
        found[Path(tuple(steps), sold, ages=tuple(range(len(steps)))[::-1])] += 1
    return [((path,), times) for path, times in sorted(found.items())]


def ranks(groups: list[tuple[tuple[Path, ...], int]], model: str) -> dict[str, int]:
    """Rank the channels, equal ones by the worse rank."""
    paths = [(path, times) for members, times in groups for path in members]
    credit = markov_credits(paths) if model == "markov" else rule_credits(paths, model)
    total = sum(credit.values()) or 1.0
    every = {c: credit.get(c, 0.0) / total for c in CHAIN if c != "start"}
    return {c: sum(o >= v - 1e-9 for o in every.values()) for c, v in every.items()}


def trust(accounts: int, runs: int, model: str) -> tuple[float, float]:
    """Give the mean stated stability, and how often another sample really gives a channel the same rank."""
    random = generator(f"trust {accounts}")
    stated, same = [], []
    for run in range(runs):
        one, other = walks(accounts, random), walks(accounts, random)
        found = stability(one, terms=Terms(), seed=f"run {run}", draws=200).get(model)
        if found is not None:
            here, there = ranks(one, model), ranks(other, model)
            stated += [found[c] for c in here if c in found]
            same += [here[c] == there[c] for c in here if c in found]
    return float(np.mean(stated)), float(np.mean(same))


def main() -> None:
    """Print the table."""
    paths, _, sales = market()
    print(f"{PEOPLE:,} people, {sum(paths.values()):,} touched, {sales:,.0f} of them bought\n")
    print(f"| | {' | '.join(CHANNELS)} | all |\n|---|{'---|' * (len(CHANNELS) + 1)}")
    for name, found in table().items():
        cells = " | ".join(f"{found[c]:,.0f}" for c in CHANNELS)
        title = MODELS.get(name, "Sales that would not have been without it")
        print(f"| {title} | {cells} | {sum(found.values()):,.0f} |")
    print("\n| accounts | model | stated | same rank in another sample |\n|---|---|---|---|")
    for accounts in (100, 400, 1600):
        for model in ("first", "linear", "markov"):
            stated, same = trust(accounts, 100, model)
            print(f"| {accounts:,} | {MODELS[model]} | {stated:.0%} | {same:.0%} |")


if __name__ == "__main__":
    main()
