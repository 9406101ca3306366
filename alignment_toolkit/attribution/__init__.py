"""Attribution: the sales of a period shared among the steps that led to them, by nine models side by side.

No model is the truth: each is a rule of sharing. What they have in common is worth more than what one says, so their
disagreement and the stability of each ranking stand beside them.
"""

from __future__ import annotations

from alignment_toolkit.attribution.attributing import MODELS, NO_TOUCH, Attribution, attribute
from alignment_toolkit.attribution.comparing import distances, stability
from alignment_toolkit.attribution.journeys import Journeys, journeys
from alignment_toolkit.attribution.markov import Chain, markov_credits
from alignment_toolkit.attribution.models import RULES, Path, Terms, rule_credits, shares
from alignment_toolkit.attribution.shapley import Shapley, chain_game, shapley, within_game, within_shares

__all__ = [
    "MODELS",
    "NO_TOUCH",
    "RULES",
    "Attribution",
    "Chain",
    "Journeys",
    "Path",
    "Shapley",
    "Terms",
    "attribute",
    "chain_game",
    "distances",
    "journeys",
    "markov_credits",
    "rule_credits",
    "shapley",
    "shares",
    "stability",
    "within_game",
    "within_shares",
]
