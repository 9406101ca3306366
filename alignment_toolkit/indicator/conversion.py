"""What became of the leads that an indicator points at, beside the others of like score: an association, no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np

from alignment_toolkit.indicator.parts import between, flipped, other_way
from alignment_toolkit.indicator.seen import Data
from alignment_toolkit.languages import noted, say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Guard, Measure, Money
from alignment_toolkit.statistics.between import compared
from alignment_toolkit.statistics.inference import Z95, Gap
from alignment_toolkit.statistics.shares import e_value
from alignment_toolkit.statistics.simpson import crude_and_adjusted

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

__all__ = ["Conversion", "alike", "conversion", "score_band", "whose"]

# What the leads that are compared have in common, by what they are compared within.
ALIKE = {
    (): noted("of like scores"),
    ("people",): noted("of the same people and like scores"),
    ("campaigns",): noted("of the same campaign and like scores"),
    ("people", "campaigns"): noted("of the same people, campaign and like scores"),
}
BAND = 20.0
# A hidden cause this much likelier on one side, and this much likelier to convert, is nothing unusual.
WEAK = 2.0
# Clients to be expected on the side that has fewer; below, the normal interval of a difference does not hold.
FEWEST = 5.0


@dataclass(frozen=True)
class Conversion:
    """How much likelier the other leads became clients than those pointed at, of like strata.

    Attributes
    ----------
    difference
        Share of clients among the others minus that among those pointed at, within strata.
    horizon_days
        Within how many days of the lead.
    alike
        Words for what the leads that are compared have in common.
    measures, guards
        The difference for the finding, and what warns of it: `simpson`, `confounding`, `other_way`.
    """

    difference: Gap
    horizon_days: int
    alike: str = ""
    measures: tuple[Measure, ...] = ()
    guards: tuple[Guard, ...] = ()

    def money(self, data: Data, cases: int, what: str) -> Money | None:
        """Give what the cases of a period may have cost; None where the others did not fare better.

        Parameters
        ----------
        data
            With the KPI `arpu` measured.
        cases
            The leads pointed at in the window.
        what
            Names them: "leads answered with another message".
        """
        e, arpu = self.difference.estimate, data.kpis.get("arpu")
        if arpu is None or arpu.value is None or e.value is None or e.low is None or e.high is None:
            return None
        if e.value <= 0:
            return None
        basis = say(
            "associational: {what} ({cases:,}) x the difference in becoming a client within {horizon_days} "
            "days between the others and them, {alike} x revenue per active client and period",
            cases=cases,
            what=what,
            alike=self.alike,
            horizon_days=self.horizon_days,
        )
        each = cases * arpu.value
        return Money(each * e.value, each * e.low, each * e.high, data.currency, basis)


def score_band(t: Table) -> Value:
    """Give the band of 20 points that a lead's marketing score lies in, -1 where it has none."""
    if "marketing_score" not in t.columns:
        return ibis.literal(-1)
    return (t.marketing_score / BAND).floor().cast("int64").fill_null(-1)


def whose(t: Table, *people: str) -> dict[str, Value]:
    """Give whose each lead is, for `conversion`: the person of the first of the columns that tells, and the campaign.

    Where neither is on record, leads are taken as independent.
    """
    known = [t[c] for c in people if c in t.columns]
    found = {"people": ibis.coalesce(*known)} if known else {}
    return found | ({"campaigns": t.campaign_id} if "campaign_id" in t.columns else {})


def alike(within: Sequence[str]) -> str:
    """Say what leads have in common that are compared within people or campaigns.

    Examples
    --------
    >>> alike(["people"])
    'of the same people and like scores'
    """
    return say(ALIKE[tuple(kind for kind in ("people", "campaigns") if kind in within)])


def conversion(
    data: Data,
    cases: Table,
    window: Period,
    *,
    strata: Sequence[str],
    others: str,
    those: str,
    horizon_days: int = 90,
) -> Conversion:
    """Compare what became of leads pointed at and of the others: the last twelve months that are old enough to tell.

    Parameters
    ----------
    data
        With the relation `lead_outcomes` declared.
    cases
        Leads, one row each: lead_id, pointed_at (true or false), the strata, and where known whose they are (`whose`).
    window
        The finding's window.
    strata
        Columns within which leads are alike; "people" or "campaigns" among them are what leads are compared within.
    others, those
        Words for both kinds of leads: "with the campaign's message", "with another".
    horizon_days
        Within how many days of the lead's creation it counts as having become a client.
    """
    none = Conversion(Gap.none(n_unit="leads", unit="share", method="no outcomes"), horizon_days)
    known = data.known_until("lead_outcomes") if data.has_relation("lead_outcomes") else None
    if known is None:
        return none
    end = min(window.end, known + timedelta(days=1 - horizon_days))
    t = data.relation("lead_outcomes")
    t = t.filter(
        t.opens_episode,
        ~t.existing_client,
        t.created_on >= ibis.date(end - timedelta(days=365)),
        t.created_on < ibis.date(end),
    )
    won = (t.converted & (t.days_to_client <= horizon_days)).ifelse(1, 0)
    t = t.select(_lead=t.lead_id, won=won)
    both = cases.inner_join(t, cases.lead_id == t._lead)
    kinds = [c for c in ("people", "campaigns") if c in cases.columns and c not in strata]
    keys = ["pointed_at", *strata, *kinds]
    counted = both.group_by(keys).aggregate(leads=both.count(), won=both.won.sum())
    rows = data.fetch(counted.order_by(keys))
    if rows.empty:
        return none
    stratum = rows[list(strata)].astype(str).agg("|".join, axis=1) if strata else [""] * len(rows)
    first = ~rows.pointed_at.astype(bool)
    seen = compared(first, rows.won, rows.leads, stratum, n_unit="leads", **{c: rows[c] for c in kinds})
    right, wrong, gap = seen.first, seen.second, seen.gap
    fewer, said = min((right[:, 1].sum(), others), (wrong[:, 1].sum(), those))
    expected = rows.won.sum() / rows.leads.sum() * fewer
    if expected < FEWEST:
        words = say(
            "Of the leads {said} ({fewer:,.0f}) only {expected:.1f} were to be expected as new clients",
            fewer=fewer,
            said=said,
            expected=expected,
        )
        # Where few leads are pointed at because few things went wrong, nobody misses the comparison.
        matters = fewer and wrong[:, 1].sum() > data.margin * rows.leads.sum()
        guards = (Guard("small_cells", say("{words}: too few to compare.", words=words)),) if matters else ()
        return Conversion(none.difference, horizon_days, guards=guards)
    words = say("In becoming a client, leads {those} and leads {others}", those=those, others=others)
    unclear = between(seen, words)
    if gap.estimate.low is None:
        return Conversion(none.difference, horizon_days, guards=tuple(unclear))
    like = alike([*strata, *seen.within])
    label = say(
        "Clients within {horizon_days} days: leads {others} minus those {those}, {alike}",
        horizon_days=horizon_days,
        others=others,
        those=those,
        alike=like,
    )
    measures = (Measure.of("lost_conversion", label, gap.estimate.in_points()),)
    better = say(
        "Leads {those} became clients more often than leads {others}, {alike}",
        those=those,
        others=others,
        alike=like,
    )
    surprise = other_way(*flipped(gap.estimate.in_points()), better)
    return Conversion(
        gap, horizon_days, like, measures, (*_guards(gap, right, wrong, like), *unclear, *surprise)
    )


def _guards(gap: Gap, right: np.ndarray, wrong: np.ndarray, like: str) -> list[Guard]:
    adjusted = crude_and_adjusted(right[:, 0], right[:, 1], wrong[:, 0], wrong[:, 1])
    e = gap.estimate
    guards = []
    # Two numbers near 0 differ in sign by luck all the time: one of them must be more than luck.
    crude_se = _se(right.sum(axis=0), wrong.sum(axis=0))
    sure = e.low is not None and e.high is not None and (e.low > 0 or e.high < 0)
    told = sure or (adjusted.crude is not None and abs(adjusted.crude) > Z95 * crude_se)
    if adjusted.fires and told and adjusted.crude is not None and adjusted.adjusted is not None:
        guards.append(
            Guard(
                "simpson",
                say(
                    "The difference in becoming a client is {crude} over all leads and {adjusted} among leads "
                    "{alike}: the mix of leads explains the rest.",
                    alike=like,
                    crude=_points(adjusted.crude),
                    adjusted=_points(adjusted.adjusted),
                ),
            )
        )
    strong = e_value(adjusted.risk_ratio) if adjusted.risk_ratio else None
    if sure and strong is not None and strong < WEAK:
        guards.append(
            Guard(
                "confounding",
                say(
                    "A hidden cause that goes with both, {strong:.1f} times as often each, would explain the "
                    "difference in becoming a client away (E-value).",
                    strong=strong,
                ),
            )
        )
    return guards


def _points(share: float) -> str:
    return say("{share:+.1f} percentage points", share=100 * share)


def _se(first: np.ndarray, second: np.ndarray) -> float:
    total = 0.0
    for won, leads in (first, second):
        if leads > 0:
            total += won / leads * (1 - won / leads) / leads
    return float(total**0.5)
