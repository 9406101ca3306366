"""What if: other margins, other owners, other weights, a lever pulled; everything else as in the Analysis.

Nothing is judged here. Margins go to the verdict, owners to the split of changes, weights to the scorecard, and levers
to the check of incentives, each with nothing changed but what is supposed.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from alignment_toolkit.errors import ParameterError, UnknownName
from alignment_toolkit.indicator import Look
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Finding
from alignment_toolkit.scorecard import Shared
from alignment_toolkit.settings.model import ScorecardSettings
from alignment_toolkit.verdict import verdicts

if TYPE_CHECKING:
    from alignment_toolkit.company import Company
    from alignment_toolkit.pseudonyms import Pseudonyms

__all__ = ["judged", "with_owners", "with_weights"]


def judged(
    looks: Sequence[Look],
    margins: Mapping[str, float],
    *,
    revenue: Callable[[Period], float | None],
    hidden: Pseudonyms,
) -> tuple[Finding, ...]:
    """Give the findings under other margins: the same looks, judged once more in one family.

    Raises
    ------
    UnknownName
        For an indicator that was not looked with.
    ParameterError
        For a margin that is not above 0.
    """
    known = {look.header.id for look in looks}
    for id, margin in margins.items():
        if id not in known:
            raise UnknownName("indicator", id, known)
        if not margin > 0:
            raise ParameterError(f"A margin must be above 0; margin.{id} is {margin:g}.")
    return verdicts([_under(k, margins) for k in looks], revenue=revenue, pseudonyms=hidden)


def _under(look: Look, margins: Mapping[str, float]) -> Look:
    """Give a look under another margin; the line in its chart goes along."""
    margin = margins.get(look.header.id, look.margin)
    seen = look.seen
    if margin == look.margin or seen is None:
        return replace(look, margin=margin)
    line = seen.chart.reference if seen.chart else None
    if seen.chart is not None and line is not None:
        moved = (
            margin
            if math.isclose(line, look.margin, rel_tol=1e-9)
            else 1 - margin
            if math.isclose(line, 1 - look.margin, rel_tol=1e-9)
            else line
        )
        seen = replace(seen, chart=replace(seen.chart, reference=moved))
    return replace(look, margin=margin, seen=seen)


def with_owners(company: Company, shares: Mapping[str, float]) -> Company:
    """Give the company under settings in which marketing owns so much of these KPIs and drivers, and sales the rest."""
    for id, share in shares.items():
        if not 0 <= share <= 1:
            raise ParameterError(f"A share lies between 0 and 1; owner.{id} is {share:g}.")
    same = {k.replace("_", "-") for k in shares}
    owners = {k: v for k, v in company.settings.owners.items() if k.replace("_", "-") not in same}
    owners |= {id: {"marketing": share, "sales": 1 - share} for id, share in shares.items()}
    return _under_settings(company, owners=owners)


def with_weights(company: Company, shared: Shared, weights: Mapping[str, float]) -> Company:
    """Give the company under settings in which these KPIs weigh so much in the departments' scorecards.

    `weights` are named ``department.kpi``; what is not named weighs what it weighs in `shared`.
    """
    cards: dict[str, dict[str, float]] = {}
    for row in shared.scorecard.rows:
        cards.setdefault(row["department"], {})[row["kpi"]] = row["weight"]
    for name, weight in weights.items():
        department, _, kpi = name.partition(".")
        if department not in cards:
            raise UnknownName("department", department, cards)
        if weight < 0:
            raise ParameterError(f"A weight is 0 or more; weight.{name} is {weight:g}.")
        cards[department][kpi] = weight
    scorecard = dict(company.settings.scorecard)
    for department, card in cards.items():
        kept = scorecard.get(department, ScorecardSettings())
        scorecard[department] = kept.model_copy(update={"weights": card})
    return _under_settings(company, scorecard=scorecard)


def _under_settings(company: Company, **changed: Any) -> Company:
    other = copy.copy(company)
    other.settings = company.settings.model_copy(update=changed)
    return other
