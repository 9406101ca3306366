"""The process that makes the data, in numbers, and the true gaps that follow from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from alignment_toolkit.errors import ParameterError
from alignment_toolkit.simulation.clock import Bools, Floats
from alignment_toolkit.simulation.drawing import parts, stream
from alignment_toolkit.simulation.plants import HEADERS, PLANTS
from alignment_toolkit.simulation.recipe import Recipe

CHANNELS = ("paid_search", "email", "event", "social", "content", "partner")
CHANNEL_SHARES = (0.27, 0.19, 0.14, 0.15, 0.15, 0.10)
WEAK_CHANNEL = "social"

TRUTH_MEAN, TRUTH_SD = 50.0, 20.0
TARGET_SHARE = 0.30
HONEST_NOISE, NOISY = 6.0, 10.0

LIMIT_HOURS = 16.0


@dataclass(frozen=True)
class Truth:
    """The process in numbers: what is drawn from it is the company."""

    channels: tuple[str, ...]
    channel_shares: Floats
    region_shares: Floats
    region_drop: Floats
    dropped: float
    rating_noise: float
    target_cut: float
    stray: float
    marketing_plan: Floats
    sales_plan: Floats
    marketing_push: Floats
    sales_push: Floats
    benefit: Bools
    gaps: dict[str, float]

    def answers(self, recipe: Recipe) -> dict[str, object]:
        """What answers.json holds."""
        misaligned = [
            name for name, value in self.gaps.items()
            if (abs(value) if HEADERS[name].direction == "both" else value) > HEADERS[name].margin + 1e-9
        ]  # fmt: skip
        return {
            "seed": recipe.seed,
            "planted": {name: recipe.planted(name) for name in PLANTS},
            "confounders": {name: float(strength) for name, strength in sorted(recipe.confound.items())},
            "gaps": {
                name: {"value": round(value, 10), "unit": HEADERS[name].unit, "window": HEADERS[name].window}
                for name, value in self.gaps.items()
            },
            "misaligned": misaligned,
        }


def make_truth(recipe: Recipe) -> Truth:
    """Turn strengths into the numbers of the process."""
    rng = stream(recipe.seed, "truth")
    region_shares = parts(100, 1.0 / np.arange(3.0, recipe.regions + 3.0)) / 100.0

    # Departments that look at the same truth with noise of their own; of some accounts one of them has another idea.
    noise = HONEST_NOISE + (NOISY - HONEST_NOISE) * recipe.confounded("noisy_raters")
    cut = TRUTH_MEAN + math.hypot(TRUTH_SD, noise) * _normal_quantile(1 - TARGET_SHARE)
    honest = 1 - _kappa_of_two_raters(noise, cut)
    plant = HEADERS["targeting_disagreement"]
    disagreement = max(honest, plant.gap(recipe.planted("targeting_disagreement"), honest))
    stray = 1 - (1 - disagreement) / (1 - honest)

    # The share of dropped leads differs by region around its mean.
    gaps = {name: plant.gap(recipe.planted(name)) for name, plant in HEADERS.items()}
    gaps["targeting_disagreement"] = disagreement
    dropped = gaps["dropped_leads"]
    uneven = np.linspace(1.5, 0.6, recipe.regions) if recipe.regions > 1 else np.ones(1)
    uneven = uneven[rng.permutation(recipe.regions)]
    uneven = uneven / float(np.sum(uneven * region_shares))

    # Marketing pushes the younger half of the products too much, sales the older half.
    count = recipe.products
    marketing_plan = parts(1000, rng.uniform(0.6, 1.5, count), least=20) / 1000.0
    sales_plan = parts(1000, marketing_plan * rng.uniform(0.8, 1.25, count), least=20) / 1000.0
    shift = gaps["portfolio_mismatch"]
    young = np.arange(count) >= count / 2
    return Truth(
        channels=CHANNELS, channel_shares=np.array(CHANNEL_SHARES), region_shares=region_shares,
        region_drop=dropped * uneven, dropped=dropped, rating_noise=noise, target_cut=cut, stray=stray,
        marketing_plan=marketing_plan, sales_plan=sales_plan,
        marketing_push=_moved(marketing_plan, shift, young), sales_push=_moved(sales_plan, shift, ~young),
        benefit=np.arange(count) % 3 != 2,
        gaps=gaps,
    )  # fmt: skip


def _moved(plan: Floats, shift: float, gaining: Bools) -> Floats:
    """The plan with a share of the whole moved from some products to the others, each in proportion to its plan."""
    room = float(plan[~gaining].sum())
    if shift > 0.95 * room:
        raise ParameterError(
            f"portfolio_mismatch is too strong for this plan: {shift:.2f} of the push cannot be taken from products "
            f"planned at {room:.2f}. Take a strength of at most {0.95 * room / 0.30:.2f}, or another seed."
        )
    taken = np.where(gaining, 0.0, plan) / room
    given = np.where(gaining, plan, 0.0) / float(plan[gaining].sum())
    return np.asarray(plan + shift * (given - taken))


def _normal_quantile(share: float) -> float:
    low, high = -10.0, 10.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if 0.5 * math.erfc(-middle / math.sqrt(2)) < share else (low, middle)
    return (low + high) / 2


def _kappa_of_two_raters(noise: float, cut: float) -> float:
    """Cohen's kappa of "rated at least `cut`" by two raters with the same noise, over the distribution of the truth.

    >>> f"{1 - _kappa_of_two_raters(10, 50.0):.2f}"     # half of the accounts are targets
    '0.41'
    """
    grid = np.linspace(-9, 9, 7201)
    weight = np.exp(-grid * grid / 2)
    weight /= weight.sum()
    above = np.array(
        [0.5 * math.erfc((cut - TRUTH_MEAN - TRUTH_SD * z) / (noise * math.sqrt(2))) for z in grid]
    )
    one = float(np.sum(weight * above))
    both = float(np.sum(weight * above * above))
    by_chance = one * one + (1 - one) ** 2
    return (1 - 2 * one + 2 * both - by_chance) / (1 - by_chance)
