"""Does one department's target pull against the other's?

**Question.** In the weeks in which marketing brings more leads, do fewer of them become clients?

**Gap.** Minus the partial correlation, over regions and weeks, of the number of new leads (logarithm; leads
of existing clients left out) with the share of them that become clients within `horizon_days` (90), after
region, trend and season. Above 0: more leads go with a lower share, so that marketing meets a target for
leads at the cost of sales' target for their conversion, or the other way round. Only weeks whose leads are
old enough count.

Regions of fewer than 10 new leads in their usual week are put together, and left out if that is not enough.

**Estimand.** The correlation in the process, the luck of small numbers included. **Interval.** Fisher's
scale, with the variance between blocks of 8 weeks (all regions of a block together), Student's. **Margin.**
0.20: 4 % of the ups and downs of one go with the other. **Minimum.** 52 weeks. **Size needed.** A correlation
of -0.40 (twice the margin) is found in 9 of 10 cases from 91 weeks of four regions on, 260 weeks of one (by
simulation), where weeks are alike. With about 14 leads a week in each of three regions they are not (standard
error 0.083 over 91 weeks), and it takes 125 weeks for 8 of 10 cases, 165 for 9. With few leads a week luck hides most
of a conflict, too: where the chances themselves correlate by -0.40, the gap reads 0.22 at 48 leads a week and 0.08 at
10.

**Worked example.** Six weeks of one region: 10, 20, 20, 10, 10, 20 leads, of which 4 convert each week.
Shares 0.4 and 0.2: the more leads, the lower, without exception, so the correlation is -1 and the gap 1.

**When it lies.** A trade fair brings both many leads and weak ones, without any target at work: a common
cause (guard `confounding` compares with what remains within the same week). Small volumes (guard
`small_cells`). If sales is swamped in busy weeks, the conflict is one of capacity, not of targets: see
`dropped_leads`.

**What to do.** Give both departments one target that neither can reach alone: clients won, or their value,
from the quarter's leads.

**Literature.** Bester, Conley and Hansen (2011), Journal of Econometrics 165 (variance between blocks). Kerr
(1975), On the Folly of Rewarding A, While Hoping for B, Academy of Management Journal 18.
"""

from __future__ import annotations

from datetime import timedelta

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alignment_toolkit.indicator import CLIENT_SIGNS, LEAD_ENDS, Data, Observation, evidence, indicator
from alignment_toolkit.languages import say
from alignment_toolkit.periods import Period
from alignment_toolkit.results import Chart, Column, Guard, Measure
from alignment_toolkit.statistics.inference import Gap
from alignment_toolkit.statistics.pull import Residuals, partial_correlation, residuals

FIFTHS = 5
FEW = 10
HALF = 0.5
MANY = 0.1
ALL = "all"
OTHERS = "smaller regions together"


@indicator(
    question="Does one department's target pull against the other's?",
    title="More leads do not go with a lower share that become clients",
    failure_title="More leads go with a lower share that become clients",
    nature="personal",
    area="cooperation",
    kind="contrast",
    unit="index",
    margin=0.20,
    enough={"weeks": 52},
    window="history",
    population="regions and weeks with new leads that are old enough to tell what became of them",
    relations=("lead_outcomes",),
    uses={"leads": ("region",)},
    outcomes={"leads": LEAD_ENDS, "accounts": CLIENT_SIGNS},
    says=(
        "Over {n} weeks, a region with more new leads than usual tended to see a {side} share become clients within "
        "{horizon_days} days. How strongly, beside trend and season: {gap} (0 not at all, 1 wholly; below 0 the other "
        "way round)."
    ),
    advice=(
        "Give both departments one target that neither can reach alone, such as clients won from the quarter's leads "
        "or their value, beside the numbers that each steers by. Look at the busiest five weeks together."
    ),
    innocent={
        "marketing": "A fair or a mailing brings many people at once, and among many there are more who only look.",
        "sales": "In weeks with many leads each of them gets less time, whoever works on it.",
    },
)
def conflicting_kpis(data: Data, window: Period, *, horizon_days: int = 90) -> Observation:
    """Where one is paid for leads and the other for the share that buys, each can win at the other's cost.

    Nobody need mean it: a target for numbers pulls numbers up, and a target for shares makes people choosy.
    """
    weeks, leads = _weeks(data, window, horizon_days)
    left = residuals(weeks["log_leads"], weeks["share"], weeks["week"], weeks["region"])
    gap = partial_correlation(left).complement(one=0.0)
    several = weeks["region"].nunique() > 1
    within = residuals(weeks["log_leads"], weeks["share"], weeks["week"], weeks["region"], common=True)
    inside = partial_correlation(within).complement(one=0.0) if several else None
    return Observation(
        gap=gap,
        values={"side": say("lower") if (gap.estimate.value or 0.0) >= 0 else say("higher")},
        counts={"weeks": int(weeks["week"].nunique())},
        measures=_measures(weeks, gap, inside),
        guards=_guards(leads, weeks, _luck(weeks, left.second), gap, inside, data.margin),
        evidence=evidence(_shown(weeks, left.first, left.second), COLUMNS),
        chart=_chart(weeks, left.first),
    )


COLUMNS = (
    Column("from", "Week from", None, "time"),
    Column("region", "Region", None, "dimension"),
    Column("leads", "New leads", "count", "measure"),
    Column("share", "Became clients in time", "share", "measure"),
    Column("more", "Leads, over what region, trend and season give", "ratio", "measure"),
    Column("above", "Share, minus what they give", "share", "measure"),
)


def _weeks(data: Data, window: Period, horizon: int) -> tuple[pd.DataFrame, int]:
    """Give one row per region and whole week (leads, share that converted in time), and how many leads there are."""
    t = data.relation("lead_outcomes")
    known = data.known_until("lead_outcomes")
    end = window.end if known is None else min(window.end, known + timedelta(days=1 - horizon))
    region = t.region.fill_null("(missing)") if "region" in t.columns else ibis.literal(ALL)
    t = t.mutate(
        region=region, won=(t.converted & (t.days_to_client <= horizon)).fill_null(False).ifelse(1, 0)
    )
    t = t.filter(
        t.opens_episode, ~t.existing_client, t.created_on >= str(window.start), t.created_on < str(end)
    )
    days = data.fetch(
        t.group_by(["created_on", "region"])
        .aggregate(leads=t.count(), won=t.won.sum())
        .order_by(["created_on", "region"])
    )
    day = pd.to_datetime(days["created_on"])
    monday = day - pd.to_timedelta(day.dt.day_of_week, unit="D")
    whole = (monday >= pd.Timestamp(window.start)) & (monday + pd.Timedelta(days=7) <= pd.Timestamp(end))
    days = days.assign(monday=monday)[whole]
    weeks = _large_enough(days.groupby(["monday", "region"], as_index=False)[["leads", "won"]].sum())
    first = weeks["monday"].min()
    weeks = weeks.assign(
        week=((weeks["monday"] - first).dt.days // 7).astype("int64"),
        share=weeks["won"] / weeks["leads"],
        log_leads=np.log(weeks["leads"].astype(float)),
    )
    return weeks, int(days["leads"].sum())


def _large_enough(weeks: pd.DataFrame) -> pd.DataFrame:
    """Put regions of fewer than `FEW` leads in their usual week together; leave out what is too small even so."""

    def small(frame: pd.DataFrame) -> pd.Series:
        return frame.groupby("region")["leads"].transform("median") < FEW

    if weeks.empty:
        return weeks
    together = weeks.assign(region=weeks["region"].mask(small(weeks), OTHERS))
    together = together.groupby(["monday", "region"], as_index=False)[["leads", "won"]].sum()
    return together[~small(together)].reset_index(drop=True)


def _luck(weeks: pd.DataFrame, above: NDArray[np.float64]) -> float | None:
    """Give the part of the ups and downs of the share that the luck of small numbers alone would make."""
    spread = float((above**2).mean()) if len(weeks) else 0.0
    if spread <= 0:
        return None
    usual = weeks.groupby("region")[["won", "leads"]].transform("sum")
    p = usual["won"] / usual["leads"]
    return min(float((p * (1 - p) / weeks["leads"]).mean()) / spread, 1.0)


def _measures(weeks: pd.DataFrame, gap: Gap, inside: Gap | None) -> list[Measure]:
    found: list[Measure] = []
    if inside is None:  # one region is the whole
        return found
    label = say("Between regions of the same week (what all share in a week taken out)")
    found.append(Measure.of("within_week", label, inside.estimate))
    crude = residuals(weeks["log_leads"], weeks["share"], weeks["week"], weeks["region"], common=False)
    for region in sorted(weeks["region"].unique()):
        own = (weeks["region"] == region).to_numpy()
        part = Residuals(crude.first[own], crude.second[own], crude.week[own], crude.taken)
        found.append(
            Measure.of(
                f"region_{region}",
                say("Smaller regions together")
                if region == OTHERS
                else say("Region {region}", region=region),
                partial_correlation(part).complement(one=0.0).estimate,
            )
        )
    return found[:9]


def _guards(
    leads: int, weeks: pd.DataFrame, luck: float | None, gap: Gap, inside: Gap | None, margin: float
) -> list[Guard]:
    guards = []
    kept = int(weeks["leads"].sum())
    if leads - kept > MANY * leads:
        said = say(
            "{few_leads:,} of {leads:,} leads came from regions with fewer than {few} in their usual week",
            few_leads=leads - kept,
            leads=leads,
            few=FEW,
        )
        guards.append(
            Guard("small_cells", say("{said}, even together: luck would hide what there is.", said=said))
        )
    elif luck is not None and luck > HALF:
        said = say(
            "About {luck:.0f} % of the ups and downs of the share are the luck of small numbers",
            luck=100 * luck,
        )
        guards.append(
            Guard(
                "small_cells", say("{said}: the correlation reads smaller than with more leads.", said=said)
            )
        )
    value, within = gap.estimate.value, None if inside is None else inside.estimate.value
    if value is not None and within is not None and value > margin and within < value / 2:
        said = say("Between regions of the same week the gap is {within:.2f}", within=within)
        guards.append(
            Guard(
                "confounding",
                say("{said}: something that all regions share, such as a fair, may make both.", said=said),
            )
        )
    return guards


def _shown(weeks: pd.DataFrame, more: NDArray[np.float64], above: NDArray[np.float64]) -> pd.DataFrame:
    shown = weeks.assign(more=np.exp(np.clip(more, -20, 20)), above=above)
    shown["from"] = shown["monday"].dt.date.astype(str) if len(shown) else []
    shown["pull"] = np.abs(more * above)
    return shown.sort_values(["pull", "from", "region"], ascending=[False, True, True], kind="stable")


def _chart(weeks: pd.DataFrame, more: NDArray[np.float64]) -> Chart | None:
    """Draw the share that converts by fifths of how busy a week was for its region."""
    if len(weeks) < 4 * FIFTHS:
        return None
    fifth = pd.qcut(pd.Series(more, index=weeks.index).rank(method="first"), FIFTHS, labels=False)
    names = (
        say("quietest fifth"),
        say("second fifth"),
        say("middle fifth"),
        say("fourth fifth"),
        say("busiest fifth"),
    )
    rows = []
    for k, own in weeks.groupby(fifth):
        rows.append(
            {
                "weeks": names[int(k)],
                "share": float(own["won"].sum() / own["leads"].sum()),
                "n": int(own["leads"].sum()),
            }
        )
    quiet, busy = (float(str(rows[k]["share"])) for k in (0, -1))
    said = say("Of new leads {quiet:.1f} % become clients in a region's quietest weeks", quiet=100 * quiet)
    title = say("{said}, {busy:.1f} % in its busiest", said=said, busy=100 * busy)
    return Chart("bars", "weeks", "share", rows=tuple(rows), title=title)
