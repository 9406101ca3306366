"""Does sales' effort follow potential?

**Question.** How much of sales' effort would have to move so that accounts get it by what marketing sees in
them?

**Gap.** Accounts are put into fifths by marketing's latest rating of potential within the 365 days before the
window's end. Each fifth has a target share of sales' effort: by default its part of the sum of potential,
else the setting `target` (five numbers, from the lowest fifth). The gap is the total variation distance
between the fifths' shares of effort in the window and their targets: the share of effort to move. Effort is
minutes of touches by sales that are not automated; where minutes are empty, the setting for the channel.
Accounts with a service contract are left out, and accounts that marketing has not rated.

**Estimand.** The distance in the process, not in the sample: effort falls on accounts in lumps, and would
miss any target by luck. **Interval.** By inverting a parametric test at each candidate distance; accounts are
what repeats. **Margin.** 0.15: one working day in seven. **Minimum.** 200 accounts.

**Worked example.** Six accounts rated 5, 15, 30, 40, 50 and 60 (the first two share the lowest fifth), sum
200: target shares 10, 15, 20, 25 and 30 %. Minutes 40, 20, 30, 40, 35 and 35, sum 200: shares 30, 15, 20,
17.5 and 17.5 %. To move: 20 %, before luck is taken off.

**When it lies.** Effort that nobody records seems not to happen (guard `logging`). Marketing's rating may be
the one that is wrong: see `misjudged_potential`. A good client that runs by itself needs few minutes.

**What to do.** Take the ten accounts with the most effort beyond their share and the ten with the least; ask
of each which of the two is wrong, the hours or the rating.

**Literature.** Zoltners and Sinha (2005), Sales Territory Design, Marketing Science 24. Albers and Mantrala
(2008), Models for Sales Management Decisions, in Handbook of Marketing Decision Models. Gibbs and Su (2002),
International Statistical Review 70.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import ibis
import numpy as np
import pandas as pd

from alignment_toolkit.errors import ParameterError
from alignment_toolkit.indicator import Data, Observation, evidence, indicator
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Chart, Column, Estimate, Guard, Measure
from alignment_toolkit.statistics.distances import Side, total_variation_gap
from alignment_toolkit.statistics.inference import Gap

FIFTHS = ("1 (lowest)", "2", "3", "4", "5 (highest)")


@indicator(
    question="Does sales' effort follow potential?",
    title="Sales' effort goes where the potential is",
    failure_title="Part of sales' effort goes elsewhere than the potential",
    nature="strategic",
    area="targeting",
    kind="distance",
    unit="share",
    margin=0.15,
    enough=200,
    window="period",
    population="accounts that marketing has rated, without service contract",
    needs={
        "assessments": ("account_id", "department", "assessed_at", "potential"),
        "touches": ("touched_at", "department", "account_id"),
    },
    uses={
        "assessments": ("assessment_id",),
        "touches": ("channel", "minutes", "automated"),
        "accounts": ("account_id", "name", "service_contract"),
    },
    witnesses={"assessments": "account_id", "touches": "account_id"},
    looked_up=("accounts",),
    says="{gap} of sales' effort on {n} rated accounts would have to move to follow {target_said}.",
    who=("sales", "marketing"),
    advice=(
        "Take the ten accounts with the most effort beyond their share and the ten with the least. Ask of each which "
        "is wrong, the hours or the rating, and change that one."
    ),
    innocent={
        "marketing": "Ratings are made from afar; who visits a client may know why it deserves more or less.",
        "sales": "Some good clients run by themselves, and some small ones need help that nobody else gives.",
    },
)
def misplaced_effort(data: Data, window: Period, *, target: Any = None) -> Observation:
    """Hours are sales' budget; where they go decides what the plan is worth.

    Effort follows habit, distance and who calls. Marketing's rating is not the truth either, but where the two differ
    widely, one of them may have to change.
    """
    rows, guards = _accounts(data, window)
    wanted = _wanted(target, rows)
    weights = np.zeros((len(rows), 5))
    weights[np.arange(len(rows)), rows.fifth] = rows.minutes
    worked = weights.sum(axis=1) > 0
    gap = total_variation_gap(
        [Side(FIFTHS, weights[worked], wanted)], n=len(rows), n_unit="accounts", seed=data.seed
    )
    spent, total = weights.sum(axis=0), float(weights.sum())
    made = [
        {"fifth": name, "share": float(s) / total if total else None, "kind": "effort"}
        for name, s in zip(FIFTHS, spent, strict=True)
    ]
    made += [
        {"fifth": name, "share": float(w), "kind": "target"} for name, w in zip(FIFTHS, wanted, strict=True)
    ]
    shown = _furthest(data, rows, wanted, total)
    columns = [
        Column("account_id", say("Account"), None, "id"),
        Column("name", say("Name"), None, "name"),
        Column("potential", say("Potential, says marketing"), "index", "measure"),
        Column("minutes", say("Minutes in the window"), "count", "measure"),
        Column("fair", say("Minutes by its share"), "count", "measure"),
        Column("beyond", say("Beyond its share (shrunken)"), "count", "measure"),
    ]
    return Observation(
        gap=gap,
        values={
            "target_said": say("its target")
            if target is not None
            else say("the potential that marketing sees")
        },
        counts={"accounts": len(rows)},
        measures=_measures(rows),
        guards=guards,
        evidence=evidence(shown, [c for c in columns if c.name in shown.columns]),
        chart=_chart(made, gap.estimate) if total else None,
    )


def _accounts(data: Data, window: Period) -> tuple[pd.DataFrame, list[Guard]]:
    """Give one row per rated account: marketing's potential, its fifth, sales' minutes and touches in the window."""
    t = data["assessments"]
    t = t.filter(
        t.department == "marketing",
        t.potential.notnull(),
        t.assessed_at >= str(window.end - timedelta(days=365)),
        t.assessed_at < str(window.end),
    )
    rated = data.fetch(t)
    order = [c for c in ("account_id", "assessed_at", "assessment_id", "potential") if c in rated.columns]
    rated = rated.sort_values(order, kind="stable").drop_duplicates("account_id", keep="last")
    rated = rated[["account_id", "potential"]].assign(potential=rated.potential.astype(float))
    extra = [c for c in ("name", "service_contract") if data.has("accounts", "account_id", c)]
    if extra:
        known = data.fetch(data["accounts"].select("account_id", *extra))
        rated = rated.merge(known, on="account_id", how="left", validate="one_to_one")
    if "service_contract" in rated.columns:
        rated = rated[~rated.service_contract.fillna(False).astype(bool)]
    effort = data.fetch(_effort(data, window))
    spent = effort.dropna(subset="account_id")
    rows = rated.merge(spent, on="account_id", how="left", validate="one_to_one").fillna(
        {"minutes": 0.0, "touches": 0}
    )
    rows = rows.sort_values("account_id").reset_index(drop=True)
    rank = rows.potential.rank(method="first") if len(rows) else rows.potential
    rows = rows.assign(fifth=((rank - 1) * 5 // max(len(rows), 1)).astype(int))
    guards = []
    all_, here = float(effort.minutes.sum()), float(rows.minutes.sum())
    if all_ > 0 and 1 - here / all_ > 0.2:
        said = say(
            "{here:.0f} % of sales' minutes went to accounts without a rating, or with a service contract",
            here=100 * (1 - here / all_),
        )
        guards.append(Guard("join_health", say("{said}; the finding speaks of the rest only.", said=said)))
    silent = int((rows.touches == 0).sum())
    if len(rows) and silent / len(rows) > 0.8:
        said = say(
            "Of {rows:,} rated accounts {silent:,} had no recorded touch in the window",
            silent=silent,
            rows=len(rows),
        )
        guards.append(Guard("logging", say("{said}: part of the effort may not be recorded.", said=said)))
    return rows, guards


def _effort(data: Data, window: Period) -> ibis.Table:
    t = data["touches"]
    t = t.filter(t.department == "sales", t.touched_at >= str(window.start), t.touched_at < str(window.end))
    if "automated" in t.columns:
        t = t.filter(~t.automated.fill_null(False))
    usual = sorted(data.effort_minutes().items())
    minutes = t.minutes.cast("float64") if "minutes" in t.columns else ibis.null("float64")
    if "channel" in t.columns and usual:
        cases = [(t.channel == word, ibis.literal(float(value))) for word, value in usual]
        minutes = ibis.coalesce(minutes, ibis.cases(*cases, else_=ibis.null("float64")))
    t = t.select("account_id", minutes=ibis.coalesce(minutes, ibis.literal(0.0)))
    return (
        t.group_by("account_id").aggregate(minutes=t.minutes.sum(), touches=t.count()).order_by("account_id")
    )


def _wanted(target: Any, rows: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Give the target share of each fifth."""
    if target is not None:
        given = np.asarray(target, dtype=float).reshape(-1)
        if len(given) != 5 or not np.isfinite(given).all() or (given < 0).any() or given.sum() <= 0:
            raise ParameterError(
                f"[indicators.misplaced_effort] target = {target!r}: five shares of 0 or more are needed."
            )
        return np.asarray(given / given.sum(), dtype=float)
    sums = np.bincount(rows.fifth, weights=rows.potential.clip(lower=0), minlength=5)
    return np.asarray(sums / sums.sum() if sums.sum() > 0 else np.full(5, 0.2), dtype=float)


def _furthest(data: Data, rows: pd.DataFrame, wanted: Any, total: float) -> pd.DataFrame:
    """Rank accounts by how far their minutes lie from their share, drawn towards it where few touches say so."""
    worth = rows.potential.clip(lower=0)
    inside = worth.groupby(rows.fifth).transform("sum")
    fair = (
        np.where(inside > 0, worth / inside.where(inside > 0, 1.0), 0.0)
        * np.asarray(wanted)[rows.fifth]
        * total
    )
    # One touch more or less is chance: n touches say as much as n of n + 1.
    weight = (rows.touches + 1) / (rows.touches + 2)
    shown = rows.assign(fair=fair, beyond=(rows.minutes - fair) * weight)
    shown = shown.assign(size=shown.beyond.abs()).sort_values(["size", "account_id"], ascending=[False, True])
    return shown.reset_index(drop=True)


def _measures(rows: pd.DataFrame) -> list[Measure]:
    """Say by how many per cent effort grows where potential is one per cent higher (elasticity)."""
    worked = rows[(rows.minutes > 0) & (rows.potential > 0)]
    found = []
    x, y = np.log(worked.potential.to_numpy(dtype=float)), np.log(worked.minutes.to_numpy(dtype=float))
    if len(worked) > 10 and np.ptp(x) > 0:
        slope = float(np.cov(x, y)[0, 1] / x.var(ddof=1))
        left = y - y.mean() - slope * (x - x.mean())
        squares = float(((x - x.mean()) ** 2).sum())
        error = float((((x - x.mean()) * left) ** 2).sum()) ** 0.5 / squares
        words = say("least squares of log minutes on log potential, robust error")
        e = Gap.normal(slope, error, n=len(worked), n_unit="accounts", unit="index", method=words).estimate
        found.append(Measure.of("elasticity", say("Per cent more effort for one per cent more potential"), e))
    return found


def _chart(made: list[dict[str, Any]], e: Estimate) -> Chart:
    value = 0.0 if e.value is None else e.value
    title = say(
        "{value:.0f} % of sales' effort would have to move between the fifths of potential", value=100 * value
    )
    return Chart("bars", "fifth", "share", group="kind", rows=tuple(made), title=title)
