"""What a made-up company is made from: its size, its seed, what is planted in it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from alignment_toolkit.errors import ParameterError, did_you_mean
from alignment_toolkit.simulation.plants import PLANTS

CONFOUNDERS: dict[str, str] = {
    "mix_shift": "more and more leads come from a weak channel (1: its share grows by half of all leads)",
    "immature": "leads grow towards the end (1: threefold within the last 270 days)",
    "noisy_raters": "both departments' ratings are noisier (1: noise of 10 points instead of 6, truth sd 20)",
    "phone_better_leads": "salespeople phone the better leads, whatever was expected (their number stays)",
    "unlogged_effort": "half of the salespeople log less of their effort (1: a fifth of it; first touches are logged)",
    "honest_cleanup": "everybody corrects scores all over the scale, at any time (1: of eight leads in ten)",
    "round_numbers": "ratings and scores are first written down in tens (1: eight in ten)",
    "better_trained_first": "salespeople differ in skill, and the better ones are trained months before the others",
    "hard_joint_projects": "joint projects are larger, and larger ones fail more often, whoever runs them",
    "growing_firm": "people join all the time (1: heads double in two years), and procedures grow with them",
    "new_law": "a law brings a burst of procedures halfway (1: as many again within three months)",
    "list_price_change": "half of the list prices rise by 8 % in the last half year, what clients pay does not",
    "discounted_products": "some products are sold at a discount by everybody, and people sell different products",
    "seasonal_close": "clients close deals at the end of their own fiscal year (1: half of those of that quarter)",
    "routing_by_segment": "better leads go to some salespeople, poorer ones to others (1: sorted within the region)",
    "self_fulfilling": "what sales rates high is won more often because of it, whether it is good or not",
    "rival_price": "deals are pitched on price where a rival is present (their number stays)",
    "common_shocks": "some weeks bring more leads everywhere, good ones as ever",
    "week_end_handover": "leads are handed over from Friday evening to Sunday (1: six in ten)",
}
"""The circumstances that look like misalignment and are none."""


@dataclass(frozen=True)
class Recipe:
    """What to simulate.

    Parameters
    ----------
    seed
        Same recipe, same bytes.
    accounts, leads, salespeople, products, regions
        The company's size. ``leads=0`` stands for four per account.
    start, end
        First and last day of the data, both included.
    plant
        Strength of each planted misalignment: 0 none, 0.5 a true gap at the margin, 1 at twice the margin.
    confound
        Strength of each confounder, 0 to 1.
    campaigns
        Campaigns per quarter; 0 stands for eight per product in a company of 5,000 accounts, at least three.

    Examples
    --------
    >>> Recipe(accounts=300).leads
    1200
    >>> Recipe(plant={"droped_leads": 1})
    Traceback (most recent call last):
        ...
    alignment_toolkit.errors.ParameterError: ...
    """

    seed: int = 1
    accounts: int = 5000
    leads: int = 0
    salespeople: int = 40
    products: int = 12
    regions: int = 4
    start: date = date(2024, 10, 1)
    end: date = date(2026, 9, 30)
    plant: Mapping[str, float] = field(default_factory=dict)
    confound: Mapping[str, float] = field(default_factory=dict)
    campaigns: int = 0

    def __post_init__(self) -> None:
        """Fill in what follows from the rest, and refuse what cannot be simulated, all of it at once."""
        if self.leads == 0:
            object.__setattr__(self, "leads", 4 * self.accounts)
        if self.campaigns == 0:
            object.__setattr__(self, "campaigns", self.products * max(3, round(8 * self.accounts / 5000)))
        problems = [
            *(
                f"{name} is {value}: must be {low} to {high}"
                for name, value, low, high in (
                    ("seed", self.seed, 0, 2**63 - 1),
                    ("accounts", self.accounts, 20, 2_000_000),
                    ("leads", self.leads, 20, 10_000_000),
                    ("regions", self.regions, 1, 8),
                    ("salespeople", self.salespeople, self.regions, 5_000),
                    ("products", self.products, 4, 24),
                    ("campaigns", self.campaigns, self.products, 100_000),
                )
                if not low <= value <= high
            ),
            *(
                [f"end is {self.end}: must be at least 180 days after start, {self.start}"]
                if (self.end - self.start).days < 180
                else []
            ),
            *_unknown_or_out_of_range("misalignment", self.plant, PLANTS),
            *_unknown_or_out_of_range("confounder", self.confound, dict.fromkeys(CONFOUNDERS, 1.0)),
        ]
        if problems:
            raise ParameterError(
                "This company cannot be simulated:\n" + "\n".join(f"- {each}" for each in problems)
            )

    def planted(self, misalignment: str) -> float:
        """Strength of a planted misalignment, 0 where nothing is planted."""
        return float(self.plant.get(misalignment, 0.0))

    def confounded(self, confounder: str) -> float:
        """Strength of a confounder, 0 where it is not asked for."""
        return float(self.confound.get(confounder, 0.0))


def _unknown_or_out_of_range(kind: str, asked: Mapping[str, float], known: Mapping[str, float]) -> list[str]:
    problems = []
    for name, strength in asked.items():
        if name not in known:
            problems.append(f"no {kind} {name!r} is known. {did_you_mean(name, known)}".strip())
        elif not (math.isfinite(strength) and 0 <= strength <= known[name]):
            problems.append(f"{name} is {strength}: its strength must be 0 to {known[name]:g}")
    return problems
